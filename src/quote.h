#ifndef TARN_QUOTE_H
#define TARN_QUOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Names as they are printed.  What comes from an archive or a tree is any bytes; printed as they
 * are they could move the cursor, or read backwards.  The form is GNU tar's quoting style "escape".
 */

enum quote_style {
	QUOTE_ESCAPE,  /* \n, \t, \\, \033, …; the default of --quoting-style */
	QUOTE_LITERAL, /* bytes as they are */
	QUOTE_TEXT     /* as ESCAPE, but a backslash stays: for text with escaped names in it */
};

struct quote {
	enum quote_style style;
	bool utf8; /* printable UTF-8 stays as it is; else every byte from 0x80 is escaped */
	char *buf; /* owned; grows */
	size_t capacity;
};

/**
 * The printed form of ${name}: backslash as \\, the control characters that C has letters for as
 * \a \b \f \n \r \t \v, every other byte that is not printable as three octal digits (\177).  Not
 * printable are control characters (C0, DEL, C1), ill-formed UTF-8, unassigned and private code
 * points as iswprint() has them, and characters that reorder or are not seen: what Unicode calls
 * Default_Ignorable_Code_Point but U+FE0F, and U+2028, U+2029, U+2800, U+FFF9–U+FFFB.  With
 * ${q}->utf8 the locale must have UTF-8 (setlocale(LC_CTYPE, "C.UTF-8")), for iswprint().
 *
 * Returns ${name} itself when there is nothing to escape in it, else a string that belongs to ${q}:
 * take it that the result lives as long as ${name} does, and until the next call.  Without memory
 * it is "?".
 */
const char *quote_name(struct quote *q, const char *name);

/**
 * How many of the first ${nbytes} bytes of ${printed} can be shown without half an escape or half a
 * character at the end.  ${printed} may have been cut before.  A byte that is no UTF-8 stands for
 * itself.
 */
size_t quote_cut(const char *printed, size_t nbytes);

void quote_fini(struct quote *q);

/**
 * Bytes of the UTF-8 sequence of several bytes at ${s}, which is that of *${character}; 0: there is
 * no well-formed one as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
size_t quote_utf8(const char *s, uint32_t *character);

/** May ${character}, of several bytes, be printed as it is? */
bool quote_is_shown(uint32_t character);

/** True when the locale that the environment asks for has UTF-8. */
bool quote_environment_is_utf8(void);

#endif
