#include "config.h"

#include "option_store.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "codec.h"
#include "date.h"
#include "name_list.h"
#include "option_argument.h"
#include "option_table.h"
#include "tar_block.h"

/*
 * Options that only set something are stored at the offset that their row names; the others have a
 * function here.  Operands and patterns take with them the flags in force where they stand.
 *
 * Strings of the command line are borrowed.  What must be made (joined directories, names without
 * the slashes at their end) and what is read from files is kept in a list of allocations, which is
 * freed as a whole.
 */

#define NELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Strings in struct options point here and there into these, so they are only freed all together.
 */
struct option_storage {
	size_t n, capacity;
	void **allocations;
};

/*
 * Let ${allocation} live as long as the options.  It may be NULL, which is TARN_ENOMEM, so that
 * callers need not check it.  On failure it is freed, and pointers to it must not be used.
 */
static int own(struct parser *p, void *allocation, struct error *err) {
	struct option_storage *s = p->options.storage;

	if (s == NULL)
		s = p->options.storage = calloc(1, sizeof(*s));
	if (s == NULL || allocation == NULL ||
	    array_reserve((void **)&s->allocations, &s->capacity, s->n + 1, sizeof(void *), err) !=
	        TARN_OK) {
		free(allocation);
		return err_nomem(err);
	}
	s->allocations[s->n++] = allocation;
	return TARN_OK;
}

void option_storage_free(struct option_storage *storage) {
	if (storage == NULL)
		return;
	while (storage->n > 0)
		free(storage->allocations[--storage->n]);
	free(storage->allocations);
	free(storage);
}

int parser_take_stdin(struct parser *p, const char *option, struct error *err) {
	if (p->stdin_reader != NULL)
		return err_set(err, TARN_EUSAGE, 0,
		    "Options '%s' and '%s' both want standard input", p->stdin_reader, option);
	p->stdin_reader = option;
	return TARN_OK;
}

/* --help and --version go with any mode.  The sentence is GNU tar's, as scripts may know it. */
static int set_mode(struct parser *p, enum mode mode, struct error *err) {
	bool informs = mode == MODE_HELP || mode == MODE_VERSION;

	if (p->options.mode != MODE_NONE && p->options.mode != mode && !informs)
		return err_set(err, TARN_EUSAGE, 0,
		    "You may not specify more than one '-Acdtrux', "
		    "'--delete' or  '--test-label' option");
	/* The same mode twice is fine: -xx. */
	p->options.mode = mode;
	return TARN_OK;
}

/* Any two digits: each compression checks its level itself. */
#define LEVEL_MAX 99

/* A place of an enum is written to as an unsigned int: see the top of option_table.c. */
int option_store(
    struct parser *p, const struct option_row *row, const char *argument, struct error *err) {
	void *place = (char *)p + row->offset;

	switch (row->effect) {
	case EFFECT_NONE:
		return row->choices == NULL ?
		    TARN_OK :
		    argument_ignore(row->name, row->choices, (char)row->value, argument, err);
	case EFFECT_FLAG:
		*(bool *)place = row->value;
		break;
	case EFFECT_VALUE:
		*(unsigned int *)place = row->value;
		break;
	case EFFECT_COUNT:
		++*(unsigned int *)place;
		break;
	case EFFECT_AMOUNT:
		return argument_amount(argument, UINT64_MAX, row->name, place, err);
	case EFFECT_CHOICE:
		return argument_choice(place, row->name, row->choices, argument, err);
	case EFFECT_MODE:
		return set_mode(p, row->value, err);
	case EFFECT_COMPRESS:
		p->options.compression = row->value;
		return argument != NULL ? argument_number(argument, LEVEL_MAX, "compression level",
		                              &p->options.level, err) :
		                          TARN_OK;
	case EFFECT_CALL:
		return row->function(p, argument, err);
	}
	return TARN_OK;
}

/* Several archives are GNU tar's volumes of one (-M), which we do not have. */
int option_archive(struct parser *p, const char *argument, struct error *err) {
	if (p->options.archive != NULL)
		return err_set(err, TARN_EUSAGE, 0, "Multiple archive files require '-M' option");
	p->options.archive = argument;
	return TARN_OK;
}

/* A program takes the place of the other compressions: the last one given counts. */
int option_program(struct parser *p, const char *argument, struct error *err) {
	(void)err;
	p->options.compression = COMPRESSION_PROGRAM;
	p->options.compress_program = argument;
	return TARN_OK;
}

/* Without ${argument} it asks for a list of links, which only some modes have: judge_links. */
int option_links(struct parser *p, const char *argument, struct error *err) {
	static const struct option_choice ways[] = {
		{ "auto", LINKS_AUTO },
		{ "strict", LINKS_STRICT },
		{ "copy", LINKS_COPY },
		{ "reflink", LINKS_REFLINK },
		{ "symlink", LINKS_SYMLINK },
		{ NULL, 0 },
	};

	if (argument != NULL)
		return argument_choice(&p->options.links, "links", ways, argument, err);
	p->options.list_links = true;
	return TARN_OK;
}

int option_report(struct parser *p, const char *argument, struct error *err) {
	(void)err;
	p->options.report_file = argument;
	return TARN_OK;
}

/* A record is held in memory, and its size must be an int. */
#define BLOCKING_FACTOR_MAX ((unsigned int)INT_MAX / TAR_BLOCK_NBYTES)

int option_blocking_factor(struct parser *p, const char *argument, struct error *err) {
	unsigned int n;
	int r = argument_number(argument, BLOCKING_FACTOR_MAX, "blocking factor", &n, err);

	if (r != TARN_OK)
		return r;
	if (n == 0)
		return err_set(err, TARN_EUSAGE, 0, "%s: Invalid blocking factor", argument);
	p->options.blocking_factor = n;
	return TARN_OK;
}

int option_record_size(struct parser *p, const char *argument, struct error *err) {
	uint64_t nbytes;
	int r = argument_amount(
	    argument, BLOCKING_FACTOR_MAX * TAR_BLOCK_NBYTES, "record size", &nbytes, err);

	if (r != TARN_OK)
		return r;
	if (nbytes == 0 || nbytes % TAR_BLOCK_NBYTES != 0)
		return err_set(
		    err, TARN_EUSAGE, 0, "Record size must be a multiple of %d", TAR_BLOCK_NBYTES);
	p->options.blocking_factor = (unsigned int)(nbytes / TAR_BLOCK_NBYTES);
	return TARN_OK;
}

int option_occurrence(struct parser *p, const char *argument, struct error *err) {
	static const char what[] = "number of an occurrence";
	unsigned int *occurrence = &p->options.occurrence;

	*occurrence = 1;
	if (argument != NULL &&
	    argument_number(argument, UINT_MAX, what, occurrence, err) != TARN_OK)
		return TARN_EUSAGE;
	return *occurrence > 0 ? TARN_OK :
	                         err_set(err, TARN_EUSAGE, 0, "%s: Invalid %s", argument, what);
}

int option_strip_components(struct parser *p, const char *argument, struct error *err) {
	return argument_number(
	    argument, UINT_MAX, "number of elements", &p->options.strip_components, err);
}

/* More would not be faster on any machine, and each costs memory. */
#define NTHREADS_MAX 1024

int option_threads(struct parser *p, const char *argument, struct error *err) {
	return argument_number(
	    argument, NTHREADS_MAX, "number of threads", &p->options.nthreads, err);
}

/* Smaller pieces compress badly; of larger ones too much is read for a single member. */
#define PIECE_NBYTES_MIN 4096
#define PIECE_NBYTES_MAX ((uint64_t)1 << 30)

int option_piece_size(struct parser *p, const char *argument, struct error *err) {
	uint64_t nbytes;
	int r = argument_amount(argument, PIECE_NBYTES_MAX, "size of pieces", &nbytes, err);

	if (r != TARN_OK)
		return r;
	if (nbytes < PIECE_NBYTES_MIN)
		return err_set(err, TARN_EUSAGE, 0, "%s: Invalid size of pieces", argument);
	p->options.piece_nbytes = (size_t)nbytes;
	return TARN_OK;
}

int option_transform(struct parser *p, const char *argument, struct error *err) {
	return transform_add(&p->options.transform, argument, err);
}

int option_owner(struct parser *p, const char *argument, struct error *err) {
	return overrides_set_owner(&p->options.overrides, argument, err);
}

int option_group(struct parser *p, const char *argument, struct error *err) {
	return overrides_set_group(&p->options.overrides, argument, err);
}

int option_member_mode(struct parser *p, const char *argument, struct error *err) {
	return overrides_set_mode(&p->options.overrides, argument, err);
}

int option_mtime(struct parser *p, const char *argument, struct error *err) {
	return overrides_set_mtime(&p->options.overrides, argument, err);
}

/*
 * The two options share one date, and a second one is refused, as in GNU tar.  On failure the run
 * ends, so has_newer may be set all the same.
 */
int option_newer(struct parser *p, const char *argument, struct error *err) {
	if (p->options.has_newer)
		return err_set(err, TARN_EUSAGE, 0, "More than one threshold date");
	p->options.has_newer = true;
	return date_parse(argument, &p->options.newer, err);
}

int option_newer_mtime(struct parser *p, const char *argument, struct error *err) {
	p->options.newer_by_mtime = true;
	return option_newer(p, argument, err);
}

/*
 * A name without a known suffix is refused, as in GNU tar: the directory would have the name of the
 * archive, which may lie beside it.
 */
int parser_deduce_top_level(struct parser *p, struct error *err) {
	const char *base = basename(p->options.archive);
	size_t nbytes = strlen(base);
	char *name;

	/* A suffix that codec_of_suffix knows has a point in it, also .tgz and the like. */
	if (codec_of_suffix(base) != COMPRESSION_NONE)
		nbytes = (size_t)(strrchr(base, '.') - base);
	if (nbytes > strlen(".tar") && strncmp(base + nbytes - strlen(".tar"), ".tar", 4) == 0)
		nbytes -= strlen(".tar");
	if (nbytes == 0 || base[nbytes] == '\0')
		return err_set(err, TARN_EUSAGE, 0,
		    "Cannot deduce top-level directory name; please set it explicitly with "
		    "--one-top-level=DIR");
	p->options.top_level = name = strndup(base, nbytes);
	return own(p, name, err);
}

/*
 * Without ${argument} the name depends on -f, which may come behind this.  With an empty one
 * nothing would be put below anything: names would only get a slash, and lose it again.
 */
int option_one_top_level(struct parser *p, const char *argument, struct error *err) {
	if (argument != NULL && *argument == '\0')
		return err_set(err, TARN_EUSAGE, 0, "--one-top-level=: Invalid directory");
	p->has_top_level = true;
	p->options.top_level = argument;
	return TARN_OK;
}

/* Choosing among attributes implies --xattrs. */
static int add_xattr_pattern(
    struct parser *p, const char *pattern, bool excludes, struct error *err) {
	struct options *o = &p->options;
	int r = array_reserve((void **)&o->xattr_patterns, &p->xattr_patterns_capacity,
	    o->nxattr_patterns + 1, sizeof(*o->xattr_patterns), err);

	if (r != TARN_OK)
		return r;
	o->xattrs = true;
	o->xattr_patterns[o->nxattr_patterns++] = (struct xattr_pattern){ pattern, excludes };
	return TARN_OK;
}

int option_xattrs_exclude(struct parser *p, const char *argument, struct error *err) {
	return add_xattr_pattern(p, argument, true, err);
}

int option_xattrs_include(struct parser *p, const char *argument, struct error *err) {
	return add_xattr_pattern(p, argument, false, err);
}

/* ${exclude} is copied; its pattern is borrowed for as long as the options live. */
static int add_exclude(struct parser *p, const struct exclude *exclude, struct error *err) {
	struct options *o = &p->options;
	int r = array_reserve((void **)&o->excludes, &p->excludes_capacity, o->nexcludes + 1,
	    sizeof(*o->excludes), err);

	if (r == TARN_OK)
		o->excludes[o->nexcludes++] = *exclude;
	return r;
}

/* The flags in force: --wildcards and the like only hold for what is behind them. */
static struct matching matching_now(const struct parser *p, bool is_operand) {
	return (struct matching){
		.anchored =
		    p->anchored == TRISTATE_DEFAULT ? is_operand : p->anchored == TRISTATE_YES,
		.wildcards =
		    p->wildcards == TRISTATE_DEFAULT ? !is_operand : p->wildcards == TRISTATE_YES,
		.wildcards_match_slash = p->wildcards_match_slash,
		.ignore_case = p->ignore_case,
	};
}

int option_exclude(struct parser *p, const char *argument, struct error *err) {
	struct exclude exclude = { .pattern = argument, .how = matching_now(p, false) };

	return add_exclude(p, &exclude, err);
}

/* What version control systems put beside the files that they control; the list is GNU tar's. */
static const char *const vcs_names[] = {
	"CVS", ".cvsignore", "RCS", "SCCS", ".svn",            /* CVS, RCS, SCCS, Subversion */
	".git", ".gitignore", ".gitattributes", ".gitmodules", /* Git */
	".arch-ids", "{arch}", "=RELEASE-ID", "=meta-update", "=update", /* GNU Arch */
	".bzr", ".bzrignore", ".bzrtags",                                /* Bazaar */
	".hg", ".hgignore", ".hgtags", "_darcs",                         /* Mercurial, Darcs */
};

/* Behind any slash, whatever --wildcards and --anchored say for other patterns. */
static int add_known_excludes(struct parser *p, const char *const *patterns, size_t npatterns,
    bool wildcards, struct error *err) {
	int r = TARN_OK;

	for (size_t i = 0; i < npatterns && r == TARN_OK; i++) {
		struct exclude exclude = {
			.pattern = patterns[i],
			.how = { .wildcards = wildcards, .wildcards_match_slash = true },
		};

		r = add_exclude(p, &exclude, err);
	}
	return r;
}

int option_exclude_vcs(struct parser *p, const char *argument, struct error *err) {
	(void)argument;
	return add_known_excludes(p, vcs_names, NELEMENTS(vcs_names), false, err);
}

/* Locks of Emacs, copies that were made before a change, and unsaved changes, as of GNU tar. */
static const char *const backup_patterns[] = { ".#*", "*~", "#*#" };

int option_exclude_backups(struct parser *p, const char *argument, struct error *err) {
	(void)argument;
	return add_known_excludes(p, backup_patterns, NELEMENTS(backup_patterns), true, err);
}

/* ${file} is NULL for --exclude-caches: the tag of the Cache Directory Tagging Specification. */
static int add_tag(
    struct parser *p, const char *file, enum exclusion_leaves leaves, struct error *err) {
	struct options *o = &p->options;
	int r = array_reserve((void **)&o->exclusion_tags, &p->exclusion_tags_capacity,
	    o->nexclusion_tags + 1, sizeof(*o->exclusion_tags), err);

	if (r != TARN_OK)
		return r;
	o->exclusion_tags[o->nexclusion_tags++] = (struct exclusion_tag){
		.file = file != NULL ? file : "CACHEDIR.TAG",
		.is_cache = file == NULL,
		.leaves = leaves,
	};
	return TARN_OK;
}

int option_exclude_tag(struct parser *p, const char *argument, struct error *err) {
	return add_tag(p, argument, EXCLUSION_LEAVES_TAG, err);
}

int option_exclude_tag_under(struct parser *p, const char *argument, struct error *err) {
	return add_tag(p, argument, EXCLUSION_LEAVES_DIRECTORY, err);
}

int option_exclude_tag_all(struct parser *p, const char *argument, struct error *err) {
	return add_tag(p, argument, EXCLUSION_LEAVES_NOTHING, err);
}

/*
 * Read the ${file} that ${option} names.  Its text lives as long as the options, so that names and
 * patterns are borrowed from it; ${list} only knows how far it was handed out.
 */
static int read_list(struct parser *p, struct name_list *list, const char *option, const char *file,
    char separator, struct error *err) {
	int r = TARN_OK;

	if (strcmp(file, "-") == 0)
		r = parser_take_stdin(p, option, err);
	if (r == TARN_OK)
		r = name_list_read(list, file, separator, err);
	if (r == TARN_OK)
		r = own(p, list->data, err);
	return r;
}

/* Patterns are cut where they lie, in the text that read_list() keeps. */
int option_exclude_from(struct parser *p, const char *argument, struct error *err) {
	struct name_list list;
	char *pattern;
	int r = read_list(p, &list, "-X", argument, '\n', err);

	while (r == TARN_OK && (pattern = name_list_next(&list)) != NULL) {
		size_t n = strlen(pattern);

		/* As in GNU tar, space at the end of a line is no part of the pattern. */
		while (n > 0 && isspace((unsigned char)pattern[n - 1]))
			n--;
		pattern[n] = '\0';
		if (n > 0)
			r = option_exclude(p, pattern, err);
	}
	return r;
}

/*
 * A relative -C goes on from the one before, as with cd; nothing is opened here.  Operands before
 * it still point to the old string, so it is never changed in place.
 */
int option_directory(struct parser *p, const char *argument, struct error *err) {
	char *joined;

	if (*argument == '/' || p->directory == NULL) {
		p->directory = argument;
		return TARN_OK;
	}
	if (asprintf(&joined, "%s/%s", p->directory, argument) < 0)
		return err_nomem(err);
	p->directory = joined;
	return own(p, joined, err);
}

/* An operand, with the flags in force, and without slashes at its end, as members have none. */
static int add_name(struct parser *p, const char *name, bool is_archive, struct error *err) {
	struct options *o = &p->options;
	size_t n = strlen(name);
	char *copy;
	int r = array_reserve((void **)&o->operands, &p->operands_capacity, o->noperands + 1,
	    sizeof(*o->operands), err);

	if (r != TARN_OK)
		return r;
	/* "/" itself keeps its slash. */
	while (n > 1 && name[n - 1] == '/')
		n--;
	if (name[n] != '\0') {
		name = copy = strndup(name, n);
		if (own(p, copy, err) != TARN_OK)
			return TARN_ENOMEM;
	}
	o->operands[o->noperands++] = (struct operand){
		.name = name,
		.directory = p->directory,
		.is_archive = is_archive,
		.recurse = p->recurse,
		.how = matching_now(p, true),
	};
	p->has_names = true;
	return TARN_OK;
}

/* Never an archive: that is what --add-file is for. */
int option_add_file(struct parser *p, const char *argument, struct error *err) {
	return add_name(p, argument, false, err);
}

/* "@" alone names no archive; whether "@x" does depends on the mode: judge_operands. */
int parser_add_operand(struct parser *p, const char *name, struct error *err) {
	return add_name(p, name, name[0] == '@' && name[1] != '\0', err);
}

/* True: ${text} begins with ${prefix}, and was moved behind it. */
static bool skip_prefix(const char **text, const char *prefix) {
	size_t n = strlen(prefix);

	if (strncmp(*text, prefix, n) != 0)
		return false;
	*text += n;
	return true;
}

/*
 * A line of a -T file that begins with a dash.  Of all options only -C is taken from there: who can
 * put a file name into a list must not be able to run a program, or to write somewhere else.
 */
static int obey_line(struct parser *p, const char *line, struct name_list *list, const char *file,
    struct error *err) {
	const char *argument = line;

	if (skip_prefix(&argument, "-C")) {
		argument += strspn(argument, " \t");
		/* As GNU tar has it, the directory may stand on the next line. */
		if (*argument == '\0')
			argument = name_list_next(list);
		if (argument == NULL)
			return err_set(
			    err, TARN_EUSAGE, 0, "%s: option requires an argument -- 'C'", file);
	} else if (!skip_prefix(&argument, "--directory=")) {
		return err_set(err, TARN_EUSAGE, 0,
		    "%s:%zu: '%s' begins with a dash and is not -C; for a name, write ./ before it "
		    "or use --verbatim-files-from",
		    file, list->nlines, line);
	}
	return option_directory(p, argument, err);
}

int option_files_from(struct parser *p, const char *argument, struct error *err) {
	bool verbatim = p->null || p->verbatim; /* --null implies it, as in GNU tar */
	struct name_list list;
	const char *line;
	int r = read_list(p, &list, "-T", argument, p->null ? '\0' : '\n', err);

	/* An empty list makes an empty archive: the names were not forgotten. */
	if (r == TARN_OK)
		p->has_names = true;
	while (r == TARN_OK && (line = name_list_next(&list)) != NULL) {
		r = verbatim || *line != '-' ? add_name(p, line, false, err) :
		                               obey_line(p, line, &list, argument, err);
	}
	return r;
}
