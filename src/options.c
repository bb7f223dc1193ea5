#include "config.h"

#include "options.h"

#include <fnmatch.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "option_store.h"
#include "option_table.h"
#include "pool.h"

/*
 * The words of the command line go through getopt_long(3), whose tables are made from
 * option_table.c.  It is told to hand over operands where they stand, as -C, -T, --exclude and
 * others hold for what comes behind them; and to be silent, as our messages know more.  What an
 * option does is up to its row in the table and to option_store.c.
 *
 * What depends on several options is not decided while they are read: they may come in any order,
 * the mode last.  When all are known, the judge_ functions refuse what does not go together, and
 * fill in defaults that depend on the mode.
 *
 * A first word without a dash is a bundle in the old style.  It is written out as options, each
 * with its argument behind it, before getopt sees the words.
 */

/*
 * What getopt_long returns for a long option: this and the number of its row.  Letters are below.
 * All names of an option return the same, so that a beginning that two of them share is not
 * ambiguous to getopt.
 */
#define LONG_OPTION 256

/* Both owned; longs ends with a row of zeros. */
struct getopt_tables {
	char *shorts;
	struct option *longs;
};

static int getopt_tables_init(struct getopt_tables *tables, struct error *err) {
	/* A letter and perhaps a colon for each row. */
	char *s = malloc(2 * option_table_nrows + sizeof("-:"));
	struct option *l = calloc(option_table_nrows + 1, sizeof(*l));

	*tables = (struct getopt_tables){ s, l };
	if (s == NULL || l == NULL)
		return err_nomem(err);
	/* "-": operands where they stand; ":": an argument that is missing is told apart. */
	s = stpcpy(s, "-:");
	for (size_t i = 0; i < option_table_nrows; i++) {
		const struct option_row *row = option_canonical(&option_table[i]);
		int has_argument = row->argument == NULL ? no_argument :
		    row->argument[0] == '['              ? optional_argument :
		                                           required_argument;

		/* getopt's answer to -? is the same whether it knows it or not; see parse_word. */
		if (option_table[i].letter != '\0' && option_table[i].letter != '?')
			s = stpcpy(s,
			    (char[]){ row->letter, has_argument == required_argument ? ':' : '\0',
			        '\0' });
		if (option_table[i].name != NULL)
			*l++ = (struct option){ option_table[i].name, has_argument, NULL,
				LONG_OPTION + (int)(row - option_table) };
	}
	return TARN_OK;
}

static void getopt_tables_fini(struct getopt_tables *tables) {
	free(tables->shorts);
	free(tables->longs);
}

/* The first ${nbytes} of ${word}, dashes included, begin no option's name, or those of several. */
static int say_unknown(const char *word, int nbytes, struct error *err) {
	size_t name_nbytes = (size_t)nbytes - strlen("--"), n = 0;
	char names[ERR_MSG_NBYTES];
	const char *near;

	for (size_t i = 0; i < option_table_nrows && n < sizeof(names); i++) {
		const char *name = option_table[i].name;

		if (name != NULL && strncmp(name, word + 2, name_nbytes) == 0)
			n += (size_t)snprintf(names + n, sizeof(names) - n, " '--%s'", name);
	}
	if (n > 0)
		return err_set(err, TARN_EUSAGE, 0, "option '%.*s' is ambiguous; possibilities:%s",
		    nbytes, word, names);
	near = option_nearest(word + 2, name_nbytes);
	if (near != NULL)
		return err_set(err, TARN_EUSAGE, 0,
		    "unrecognized option '%.*s'; did you mean '--%s'?", nbytes, word, near);
	return err_set(err, TARN_EUSAGE, 0, "unrecognized option '%.*s'", nbytes, word);
}

/*
 * Say what getopt, which returned ${c}, did not like about ${word}.  optopt is the letter of a
 * short option, LONG_OPTION or more for a long one that lacks its argument or has one too many, and
 * 0 for a long one that is unknown or ambiguous.
 */
static int say_wrong(int c, const char *word, struct error *err) {
	bool is_long = optopt == 0 || optopt >= LONG_OPTION;
	int nbytes = (int)strcspn(word, "=");

	if (!is_long && c == ':')
		return err_set(err, TARN_EUSAGE, 0, "option requires an argument -- '%c'", optopt);
	if (!is_long)
		return err_set(err, TARN_EUSAGE, 0, "invalid option -- '%c'", optopt);
	if (c == ':')
		return err_set(err, TARN_EUSAGE, 0, "option '%s' requires an argument", word);
	if (optopt != 0)
		return err_set(
		    err, TARN_EUSAGE, 0, "option '%.*s' doesn't allow an argument", nbytes, word);
	return say_unknown(word, nbytes, err);
}

/* Do what getopt has found: it returned ${c}, and ${word} is the last one it has read. */
static int parse_word(struct parser *p, int c, const char *word, struct error *err) {
	const struct option_row *row;

	/* 1 is getopt's answer to a word that is no option. */
	if (c == 1)
		return parser_add_operand(p, optarg, err);
	if (c == ':' || (c == '?' && optopt != '?'))
		return say_wrong(c, word, err);
	row = c >= LONG_OPTION ? &option_table[c - LONG_OPTION] : option_of_letter(c);
	return option_store(p, row, optarg, err);
}

/* With --help and --version, nothing behind them matters, even if it is wrong. */
static bool informs(const struct parser *p) {
	return p->options.mode == MODE_HELP || p->options.mode == MODE_VERSION;
}

static int parse_words(struct parser *p, int argc, char **argv, struct error *err) {
	struct getopt_tables tables;
	int c, r = getopt_tables_init(&tables, err);

	opterr = 0;
	optind = 0; /* makes getopt forget what was parsed before */
	while (r == TARN_OK && !informs(p)) {
		c = getopt_long(argc, argv, tables.shorts, tables.longs, NULL);
		if (c == -1)
			break;
		r = parse_word(p, c, argv[optind - 1], err);
	}
	/* What is behind "--". */
	for (; r == TARN_OK && !informs(p) && optind < argc; optind++)
		r = parser_add_operand(p, argv[optind], err);
	getopt_tables_fini(&tables);
	return r;
}

/*
 * Write the bundle argv[1] out: "cbf 20 a.tar x" becomes "-c -b 20 -f a.tar x".  An argument that
 * is optional cannot be given there.  *${words} ends with NULL and is a single allocation, pointers
 * first, then three bytes for each option, "-c" and a NUL; it is to be freed also after a failure.
 */
static int explode(int argc, char **argv, char ***words, struct error *err) {
	size_t nletters = strlen(argv[1]), nwords = (size_t)argc + nletters;
	char **out = calloc(1, nwords * sizeof(*out) + 3 * nletters), *options;
	int next = 2;

	*words = out;
	if (out == NULL)
		return err_nomem(err);
	options = (char *)(out + nwords);
	*out++ = argv[0];
	for (const char *letter = argv[1]; *letter != '\0'; letter++, options += 3) {
		const struct option_row *row = option_of_letter(*letter);

		if (*letter == '-') /* "--" would make operands of the other letters */
			return err_set(err, TARN_EUSAGE, 0, "invalid option -- '-'");
		options[0] = '-';
		options[1] = *letter;
		*out++ = options;
		if (row == NULL || row->argument == NULL || row->argument[0] == '[')
			continue;
		if (next == argc)
			return err_set(
			    err, TARN_EUSAGE, 0, "Old option '%c' requires an argument.", *letter);
		*out++ = argv[next++];
	}
	while (next < argc)
		*out++ = argv[next++];
	return TARN_OK;
}

static int parse_old_style(struct parser *p, int argc, char **argv, struct error *err) {
	char **words;
	int n = 0, r = explode(argc, argv, &words, err);

	if (r == TARN_OK) {
		while (words[n] != NULL)
			n++;
		r = parse_words(p, n, words, err);
	}
	free(words);
	return r;
}

/*
 * -o has two meanings, and the mode decides on one, as in GNU tar.  Whether options go with the
 * format only matters where an archive is written; one that is read may have any format.
 */
static int judge_format(struct parser *p, struct error *err) {
	struct options *o = &p->options;

	if (p->has_o && o->mode == MODE_CREATE)
		p->format = FORMAT_V7;
	else if (p->has_o)
		o->same_owner = TRISTATE_NO;
	if (p->format != PARSER_NO_FORMAT)
		o->format = p->format;
	if (options_read_archive(o) || o->format == FORMAT_PAX)
		return TARN_OK;
	/* Nothing can read cpio members that are behind those of a tar archive. */
	if (o->format == FORMAT_CPIO && (o->mode != MODE_CREATE || o->index == TRISTATE_YES))
		return err_set(err, TARN_EUSAGE, 0,
		    "Options '-Aru' and '--index' are incompatible with cpio archives");
	if (o->acls)
		return err_set(err, TARN_EUSAGE, 0, "--acls can be used only on POSIX archives");
	if (o->xattrs)
		return err_set(err, TARN_EUSAGE, 0, "--xattrs can be used only on POSIX archives");
	if (o->sparse && o->format != FORMAT_GNU)
		return err_set(
		    err, TARN_EUSAGE, 0, "--sparse needs an archive in pax or gnu format");
	return TARN_OK;
}

/* Find out which archive it is.  Adding to one replaces its end, so it must be a file. */
static int judge_archive(struct parser *p, struct error *err) {
	struct options *o = &p->options;

	if (o->archive == NULL)
		o->archive = getenv("TAPE");
	if (o->archive == NULL)
		o->archive = "-";
	if (o->ignore_zeros && !options_read_archive(o) && o->mode != MODE_CREATE)
		return err_set(err, TARN_EUSAGE, 0, "Options '-Aru' are incompatible with '-i'");
	if (strcmp(o->archive, "-") != 0 || o->mode == MODE_CREATE)
		return TARN_OK;
	if (!options_read_archive(o))
		return err_set(err, TARN_EUSAGE, 0, "Options '-Aru' are incompatible with '-f -'");
	return parser_take_stdin(p, "-f", err);
}

/*
 * Only now is it known whether a name that begins with @ is an archive.  In modes that read one,
 * and with -A, whose operands are all archives, the @ is a part of the name.
 */
static int judge_operands(struct parser *p, struct error *err) {
	struct options *o = &p->options;
	int r = TARN_OK;

	if (o->mode == MODE_CREATE && !p->has_names)
		return err_set(err, TARN_EUSAGE, 0, "Cowardly refusing to create an empty archive");
	if (o->mode == MODE_TEST && o->noperands > 0)
		return err_set(err, TARN_EUSAGE, 0,
		    "--test takes no names, but the whole archive that -f names");
	if (o->occurrence > 0 && (!options_read_archive(o) || o->list_links))
		return err_set(err, TARN_EUSAGE, 0,
		    "Options '-Acru' and '--links' are incompatible with '--occurrence'");
	if (o->occurrence > 0 && o->noperands == 0)
		return err_set(
		    err, TARN_EUSAGE, 0, "--occurrence is meaningless without a file list");
	for (size_t i = 0; i < o->noperands && r == TARN_OK; i++) {
		struct operand *operand = &o->operands[i];

		operand->is_archive =
		    operand->is_archive && !options_read_archive(o) && o->mode != MODE_CATENATE;
		if (!operand->is_archive)
			continue;
		operand->name++;
		if (strcmp(operand->name, "-") == 0)
			r = parser_take_stdin(p, "@-", err);
	}
	return r;
}

static int judge_links(const struct options *o, struct error *err) {
	if (o->list_links && o->mode != MODE_LIST && o->mode != MODE_COMPARE)
		return err_set(err, TARN_EUSAGE, 0,
		    "--links lists with -t and -d; elsewhere it needs to be told how, --links=HOW");
	return TARN_OK;
}

static int judge_top_level(struct parser *p, struct error *err) {
	if (!p->has_top_level)
		return TARN_OK;
	/* A name that leads below the directory already could still begin with a slash. */
	if (p->options.absolute_names)
		return err_set(err, TARN_EUSAGE, 0,
		    "'--one-top-level' cannot be used with '--absolute-names'");
	return p->options.top_level == NULL ? parser_deduce_top_level(p, err) : TARN_OK;
}

static int judge(struct parser *p, struct error *err) {
	struct options *o = &p->options;
	int r;

	/* --index alone: nothing is appended but the index, which is derived from the archive. */
	if (o->mode == MODE_NONE && o->index == TRISTATE_YES && o->noperands == 0)
		o->mode = MODE_APPEND;
	if (o->mode == MODE_NONE)
		return err_set(err, TARN_EUSAGE, 0,
		    "You must specify one of the '-Acdtrux', "
		    "'--delete' or '--test-label' options");
	o->directory = p->directory;
	o->overrides.numeric_owner = o->numeric_owner;
	/* Times are only seen in long lines, so it asks for these, too, as in GNU tar. */
	if (o->utc)
		o->verbosity = 2;
	o->nthreads = pool_nthreads(o->nthreads);
	/* Before parser_deduce_top_level, which needs the archive's name. */
	r = judge_format(p, err);
	if (r == TARN_OK)
		r = judge_archive(p, err);
	if (r == TARN_OK)
		r = judge_operands(p, err);
	if (r == TARN_OK)
		r = judge_links(o, err);
	if (r == TARN_OK)
		r = judge_top_level(p, err);
	if (r == TARN_OK && o->overrides.clamp_mtime && !o->overrides.has_mtime)
		r = err_set(
		    err, TARN_EUSAGE, 0, "--clamp-mtime needs a date specified using --mtime");
	return r;
}

int options_parse(struct options *o, int argc, char **argv, struct error *err) {
	struct parser p = {
		.options = {
			.program = basename(argv[0]),
			.blocking_factor = 20,
			.level = LEVEL_DEFAULT,
			.limits = { .max_depth = ARCHIVE_LIMITS_DEPTH },
		},
		.recurse = true,
		.wildcards_match_slash = true,
		.format = PARSER_NO_FORMAT,
	};
	int r = argc > 1 && argv[1][0] != '-' ? parse_old_style(&p, argc, argv, err) :
	                                        parse_words(&p, argc, argv, err);

	/* ${o} takes over what was allocated, also after a failure. */
	if (r == TARN_OK && !informs(&p))
		r = judge(&p, err);
	*o = p.options;
	return r;
}

void options_fini(struct options *o) {
	free(o->operands);
	free(o->excludes);
	free(o->exclusion_tags);
	free(o->xattr_patterns);
	overrides_fini(&o->overrides);
	transform_free(o->transform);
	option_storage_free(o->storage);
	*o = (struct options){ 0 };
}

bool options_read_archive(const struct options *o) {
	return o->mode == MODE_EXTRACT || o->mode == MODE_LIST || o->mode == MODE_COMPARE ||
	    o->mode == MODE_TEST;
}

bool options_rename(const struct options *o) {
	return o->strip_components > 0 || o->transform != NULL || o->top_level != NULL;
}

bool options_same_directory(const char *a, const char *b) {
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/*
 * The order of the patterns does not matter.  One that excludes prevails; if there are any that
 * include, one of them must match.
 */
bool options_want_xattr(const struct options *o, const char *name) {
	bool includes = false, is_included = false;

	for (size_t i = 0; i < o->nxattr_patterns; i++) {
		const struct xattr_pattern *p = &o->xattr_patterns[i];
		bool matches = fnmatch(p->pattern, name, 0) == 0;

		if (p->excludes && matches)
			return false;
		includes = includes || !p->excludes;
		is_included = is_included || matches;
	}
	return is_included || !includes;
}
