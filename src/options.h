#ifndef TARN_OPTIONS_H
#define TARN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include "error.h"
#include "archive_limits.h"
#include "overrides.h"
#include "quote.h"
#include "transform.h"

/*
 * The command line as a structure.  One table (option_table.c) describes every option; the parser
 * and --help both come from it.  Nothing else reads argv.
 *
 * Names and meanings are GNU tar's, with these exceptions:
 * - A list of names (-T) can change the directory (-C), and that is all: other lines that begin
 *   with a dash are errors.  Escapes such as \n in names are not undone (--no-unquote).
 * - An operand @ARCHIVE of -c, -r and -u stands for the members of that archive.  A file of that
 *   name is "./@ARCHIVE", --add-file=@ARCHIVE or a line of a -T file.
 * - Of options that exclude each other (-z -j, -k --overwrite, --format twice) the last one counts.
 * - The archive is always a local file, whatever colons are in its name.
 */

enum mode {
	MODE_NONE,
	MODE_CREATE,   /* -c */
	MODE_APPEND,   /* -r */
	MODE_UPDATE,   /* -u */
	MODE_EXTRACT,  /* -x */
	MODE_LIST,     /* -t */
	MODE_COMPARE,  /* -d */
	MODE_TEST,     /* --test */
	MODE_CATENATE, /* -A */
	MODE_HELP,
	MODE_VERSION
};

enum format { FORMAT_PAX, FORMAT_USTAR, FORMAT_GNU, FORMAT_V7, FORMAT_CPIO };

enum compression {
	COMPRESSION_NONE,
	COMPRESSION_GZIP,
	COMPRESSION_BZIP2,
	COMPRESSION_XZ,
	COMPRESSION_LZMA,
	COMPRESSION_LZIP,
	COMPRESSION_LZ4,
	COMPRESSION_ZSTD,
	COMPRESSION_COMPRESS,
	COMPRESSION_PROGRAM /* --use-compress-program */
};

/* Of compression: none was asked for.  0 is one. */
#define LEVEL_DEFAULT (~0U)

enum sort { SORT_NAME, SORT_NONE, SORT_INODE };

/* What happens to a file that is at the place of a member. */
enum existing {
	EXISTING_REPLACE,   /* default: a new file takes its name */
	EXISTING_KEEP,      /* -k: it stays, and that is an error */
	EXISTING_SKIP,      /* --skip-old-files: it stays, without a word */
	EXISTING_KEEP_NEWER /* --keep-newer-files: it stays if it is not older than the member */
};

/* What later names become; where that cannot be, --links=auto copies and strict fails. */
enum links {
	LINKS_AUTO,    /* default: hard links, else copies */
	LINKS_STRICT,  /* hard links, or an error */
	LINKS_COPY,    /* files of their own that share nothing */
	LINKS_REFLINK, /* files of their own that share blocks, else copies */
	LINKS_SYMLINK  /* symbolic links to the first name */
};

/* Not given, given, or given with "no-": the default depends on who runs the program. */
enum tristate { TRISTATE_DEFAULT, TRISTATE_NO, TRISTATE_YES };

/* How a pattern or an operand is compared with a name: the flags in force where it stood. */
struct matching {
	bool anchored;  /* at the start of a name; else behind any slash as well */
	bool wildcards; /* else literally */
	bool wildcards_match_slash;
	bool ignore_case;
};

/* A name on the command line or in a -T file, in order. */
struct operand {
	const char *name;      /* no slash at its end, but for "/" */
	const char *directory; /* the -C in force, joined with those before it; NULL: none */
	bool is_archive;       /* @name, name is without the @: members of that archive */
	bool recurse;          /* not behind --no-recursion */
	struct matching how;   /* names in an archive are compared with it */
};

/* --exclude and -X, in order. */
struct exclude {
	const char *pattern;
	struct matching how;
};

/* What of a directory is stored in which the file of --exclude-tag lies. */
enum exclusion_leaves {
	EXCLUSION_LEAVES_TAG,       /* the directory, and that file */
	EXCLUSION_LEAVES_DIRECTORY, /* --exclude-tag-under: only the directory */
	EXCLUSION_LEAVES_NOTHING    /* --exclude-tag-all */
};

struct exclusion_tag {
	const char *file;
	bool is_cache; /* --exclude-caches: the file counts only if it begins with the signature */
	enum exclusion_leaves leaves;
};

/* --xattrs-include and --xattrs-exclude. */
struct xattr_pattern {
	const char *pattern; /* of a whole name, as fnmatch takes it */
	bool excludes;
};

struct option_storage;

struct options {
	enum mode mode;
	const char *program; /* the name this was called by, without directories */
	const char *archive; /* -f, else $TAPE, else "-": standard input or output */
	struct operand *operands;
	size_t noperands;
	const char *directory; /* the last -C, joined; NULL: none */
	struct exclude *excludes;
	size_t nexcludes;
	struct exclusion_tag *exclusion_tags;
	size_t nexclusion_tags;
	/*
	 * --newer, --newer-mtime: only files of this time or a later one; directories all the same
	 */
	bool has_newer, newer_by_mtime;
	struct timespec newer;
	unsigned int occurrence; /* --occurrence: which of those that an operand means; 0: all */

	enum format format;
	enum compression compression;
	bool auto_compress; /* -a: the suffix of the archive decides, if it is known */
	const char *compress_program;
	unsigned int level;           /* of compression, or LEVEL_DEFAULT */
	size_t piece_nbytes;          /* --piece-size; 0: by level */
	bool long_distance;           /* --long */
	unsigned int nthreads;        /* --threads; at least 1 */
	enum tristate index;          /* --index, --no-index; default: for zstd */
	bool ignore_zeros;            /* -i: they do not end an archive that is read */
	unsigned int blocking_factor; /* -b: 512-byte blocks a record; 20 */

	unsigned int verbosity; /* number of -v; --utc counts as two */
	bool totals;
	bool numeric_owner;
	bool absolute_names; /* -P */
	bool full_time, utc;
	enum quote_style quoting;
	bool show_transformed;
	bool list_links;         /* --links with -t */
	const char *report_file; /* --report; NULL: none */

	/* creation */
	bool dereference;      /* -h */
	bool hard_dereference; /* --hard-dereference: no link members */
	bool one_file_system;
	bool sparse; /* -S */
	enum sort sort;
	bool xattrs, acls;
	struct xattr_pattern *xattr_patterns; /* which attributes xattrs is about */
	size_t nxattr_patterns;
	bool check_links;        /* -l */
	bool ignore_failed_read; /* unreadable files are warnings */
	struct overrides overrides;
	struct transform *transform; /* owned; NULL: none */

	/* extraction */
	struct archive_limits limits;
	unsigned int strip_components;
	/* --one-top-level: all names are below this one; NULL: as they are. */
	const char *top_level;
	enum existing existing;
	enum links links;
	bool fsync;            /* what was written is durable when the run ends */
	bool recursive_unlink; /* directories give way to other types of members */
	bool to_stdout;        /* -O */
	bool touch;            /* -m: no mtime */
	enum tristate same_owner, same_permissions; /* -p is same_permissions YES */
	bool keep_directory_symlink;
	bool keep_directory_mode; /* --no-overwrite-dir: metadata of existing directories stays */

	struct option_storage *storage; /* owns what pointers above point to */
};

/**
 * Parse the command line.  Old-style bundles (`cvf a.tar x`) are taken as GNU tar takes them.
 * Files named by -T and -X are read here.  Strings are borrowed from ${argv} and the environment or
 * owned by ${o}.  What follows --help or --version on the command line is not looked at.
 *
 * Returns TARN_OK; TARN_EUSAGE with a complete sentence in ${err} (for an unknown option with the
 * nearest one that exists); TARN_ESYSTEM when a file cannot be read; TARN_ENOMEM.  ${o} can be
 * given to options_fini in every case.
 */
int options_parse(struct options *o, int argc, char **argv, struct error *err);
void options_fini(struct options *o);

/** Is it a mode that neither makes an archive nor changes one? */
bool options_read_archive(const struct options *o);

/** True when members may be extracted under other names than the archive has for them. */
bool options_rename(const struct options *o);

/** Are ${a} and ${b}, from -C or NULL, spelt alike? */
bool options_same_directory(const char *a, const char *b);

/** With xattrs: is the attribute of this name among those that are stored and restored? */
bool options_want_xattr(const struct options *o, const char *name);

/** Print what --help prints: usage, then every option of the table by group; option_help.c. */
void options_help(const char *program, FILE *out);

#endif
