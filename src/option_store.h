#ifndef TARN_OPTION_STORE_H
#define TARN_OPTION_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "options.h"

/*
 * What each option does: the state of the parser that options.c, the table (option_table.h) and the
 * functions in the table share.  Internal to the options.
 */

struct option_row;

/* The options so far, and what holds for the names and patterns that come next. */
struct parser {
	struct options options;
	size_t operands_capacity, excludes_capacity, xattr_patterns_capacity,
	    exclusion_tags_capacity;

	const char *directory; /* the -C in force, joined; NULL: none */
	bool recurse;
	enum tristate wildcards; /* default: yes for --exclude, no for operands */
	enum tristate anchored;  /* default: no for --exclude, yes for operands */
	bool wildcards_match_slash;
	bool ignore_case;
	bool null;     /* --null */
	bool verbatim; /* --verbatim-files-from */

	/* What can be judged only when all is known. */
	bool has_names;           /* operands, or -T, be the list empty */
	bool has_o;               /* -o */
	bool has_top_level;       /* --one-top-level, be it without a directory */
	unsigned int format;      /* an enum format, or PARSER_NO_FORMAT */
	const char *stdin_reader; /* the option that reads standard input; NULL: none yet */
};

#define PARSER_NO_FORMAT ((unsigned int)-1)

/** Do what ${row} says with ${argument}, which is NULL for options that take none. */
int option_store(
    struct parser *parser, const struct option_row *row, const char *argument, struct error *err);

/** Remember that ${option} reads standard input; TARN_EUSAGE when another one does. */
int parser_take_stdin(struct parser *parser, const char *option, struct error *err);

/** An operand from the command line; one that begins with @ may turn out to be an archive. */
int parser_add_operand(struct parser *parser, const char *name, struct error *err);

/**
 * Set top_level to what the archive is called, without its suffixes; TARN_EUSAGE when it has none.
 */
int parser_deduce_top_level(struct parser *parser, struct error *err);

/* The functions of options that do more than to set a value. */
typedef int option_function(struct parser *parser, const char *argument, struct error *err);

option_function option_add_file, option_archive, option_blocking_factor, option_directory,
    option_exclude, option_exclude_backups, option_exclude_from, option_exclude_tag,
    option_exclude_tag_all, option_exclude_tag_under, option_exclude_vcs, option_files_from,
    option_group, option_links, option_report, option_member_mode, option_mtime, option_newer,
    option_newer_mtime, option_occurrence, option_one_top_level, option_owner, option_program,
    option_piece_size, option_record_size, option_strip_components, option_threads,
    option_transform, option_xattrs_exclude, option_xattrs_include;

/** Free what option_store allocated. */
void option_storage_free(struct option_storage *storage);

#endif
