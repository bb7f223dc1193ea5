#ifndef TARN_OPTION_TABLE_H
#define TARN_OPTION_TABLE_H

#include <stddef.h>

#include "option_argument.h"
#include "option_store.h"

/* The one table of all options.  Internal to the options. */

/* In this order they stand in the table, and so in --help. */
enum option_group {
	GROUP_MODE,
	GROUP_ARCHIVE,
	GROUP_COMPRESSION,
	GROUP_NAMES,
	GROUP_MATCHING,
	GROUP_CREATION,
	GROUP_LINKS,
	GROUP_EXTRACTION,
	GROUP_METADATA,
	GROUP_OUTPUT,
	GROUP_NO_EFFECT,
	GROUP_OTHER,
	NGROUPS
};

enum option_effect {
	/*
	 * Accepted for the sake of scripts; the argument must be of words that choices has, if
	 * there are any, between which is value.
	 */
	EFFECT_NONE,
	EFFECT_FLAG,   /* the bool at offset becomes value */
	EFFECT_VALUE,  /* the enum at offset becomes value */
	EFFECT_COUNT,  /* the unsigned int at offset grows by 1 */
	EFFECT_AMOUNT, /* the uint64_t at offset becomes the argument: digits, then K, M, G or T */
	EFFECT_CHOICE, /* the enum at offset becomes the value that choices has for the argument */
	EFFECT_MODE,   /* value is the mode, of which there can be only one */
	EFFECT_COMPRESS, /* compression becomes value, and its level the argument, if there is one */
	EFFECT_CALL      /* function is called */
};

struct option_row {
	const char *name; /* without the dashes; NULL: only the letter */
	char letter;      /* 0: none */
	enum option_group group;
	const char *argument; /* what --help calls it, in [] if it is optional; NULL: none */
	const char *help;     /* NULL: another name of the row above, and nothing else is set */
	enum option_effect effect;
	unsigned int value;
	size_t offset; /* in struct parser */
	const struct option_choice *choices;
	option_function *function;
};

extern const struct option_row option_table[];
extern const size_t option_table_nrows;
extern const char *const option_headings[NGROUPS];

/** The row that ${row} is another name of, else ${row}. */
const struct option_row *option_canonical(const struct option_row *row);

/** The row of a short option, or NULL. */
const struct option_row *option_of_letter(int letter);

/** The long name that is most like the ${nbytes} of ${name}, or NULL when none is much like it. */
const char *option_nearest(const char *name, size_t nbytes);

#endif
