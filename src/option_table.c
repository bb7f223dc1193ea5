#include "config.h"

#include "option_table.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A row says how an option is spelt, what --help says about it, and what becomes of it: most set a
 * flag or an enum at an offset in struct parser, some call a function of option_store.c.  All that
 * is known of options is here: the tables for getopt, --help and the names that are suggested for
 * one that is unknown are made from it, so that a new option is a new row and perhaps a function.
 *
 * --help prints rows in the order in which they stand, so those of a group are sorted by letter and
 * name.  Another name of an option (ALSO) must stand right below it: it has nothing of its own, and
 * option_canonical looks upwards.
 */

/*
 * Offsets have no type, so nothing checks that FLAG is used for a bool, AMOUNT for a uint64_t, and
 * the others for an unsigned int, or for an enum: gcc and clang represent one without negative
 * values as an unsigned int.
 */
#define AT(member) .offset = offsetof(struct parser, member)
#define FLAG(member, v) .effect = EFFECT_FLAG, AT(member), .value = (v)
#define VALUE(member, v) .effect = EFFECT_VALUE, AT(member), .value = (v)
#define COUNT(member) .effect = EFFECT_COUNT, AT(member)
#define AMOUNT(member) .effect = EFFECT_AMOUNT, AT(member)
#define CHOICE(member, list) .effect = EFFECT_CHOICE, AT(member), .choices = (list)
#define COMPRESS(v) .effect = EFFECT_COMPRESS, .value = (v)
#define MODE(v) .effect = EFFECT_MODE, .value = (v)
#define CALL(f) .effect = EFFECT_CALL, .function = (f)
#define NOTHING .effect = EFFECT_NONE
#define ONLY(list, separator) .effect = EFFECT_NONE, .choices = (list), .value = (separator)
/* -1 to -9; --help shows a text for the first and the last of them. */
#define LEVEL(letter, help) \
	{ NULL, letter, GROUP_COMPRESSION, NULL, help, VALUE(options.level, letter - '0') }
#define ALSO(also) \
	{ .name = (also) }

/* The names are GNU tar's and cpio's; several may stand for one format. */
static const struct option_choice formats[] = {
	{ "pax", FORMAT_PAX },
	{ "posix", FORMAT_PAX },
	{ "ustar", FORMAT_USTAR },
	{ "gnu", FORMAT_GNU },
	{ "oldgnu", FORMAT_GNU },
	{ "v7", FORMAT_V7 },
	{ "cpio", FORMAT_CPIO },
	{ "newc", FORMAT_CPIO },
	{ NULL, 0 },
};

static const struct option_choice sorts[] = {
	{ "name", SORT_NAME },
	{ "none", SORT_NONE },
	{ "inode", SORT_INODE },
	{ NULL, 0 },
};

static const struct option_choice quoting_styles[] = {
	{ "escape", QUOTE_ESCAPE },
	{ "literal", QUOTE_LITERAL },
	{ NULL, 0 },
};

/* What they would print is no more than that it goes on; other actions run programs, or wait. */
static const struct option_choice printing_actions[] = {
	{ ".", 0 },
	{ "bell", 0 },
	{ "dot", 0 },
	{ "echo", 0 },
	{ "echo=", 0 },
	{ "totals", 0 },
	{ "ttyout=", 0 },
	{ NULL, 0 },
};

/*
 * The keywords that reproducible archives are made with ask for what is done anyway: the names of
 * our extended headers depend on no process, and atime and ctime are not stored.
 */
static const struct option_choice idle_keywords[] = {
	{ "exthdr.name=", 0 },
	{ "globexthdr.name=", 0 },
	{ "delete=atime", 0 },
	{ "delete=ctime", 0 },
	{ NULL, 0 },
};

const char *const option_headings[NGROUPS] = {
	[GROUP_MODE] = "Modes",
	[GROUP_ARCHIVE] = "Archive",
	[GROUP_COMPRESSION] = "Compression (found by itself when an archive is read)",
	[GROUP_NAMES] = "Choice of files",
	[GROUP_MATCHING] = "Matching of names, for options and operands behind these",
	[GROUP_CREATION] = "Creation",
	[GROUP_LINKS] = "Hard links",
	[GROUP_EXTRACTION] = "Extraction",
	[GROUP_METADATA] = "Metadata",
	[GROUP_OUTPUT] = "Output",
	[GROUP_NO_EFFECT] = "Accepted without effect",
	[GROUP_OTHER] = "Other",
};

const struct option_row option_table[] = {
	{ "catenate", 'A', GROUP_MODE, NULL, "append the members of archives to an archive",
	    MODE(MODE_CATENATE) },
	ALSO("concatenate"),
	{ "create", 'c', GROUP_MODE, NULL, "create an archive", MODE(MODE_CREATE) },
	{ "diff", 'd', GROUP_MODE, NULL, "compare an archive with the file system",
	    MODE(MODE_COMPARE) },
	ALSO("compare"),
	{ "append", 'r', GROUP_MODE, NULL, "append files to an archive", MODE(MODE_APPEND) },
	{ "list", 't', GROUP_MODE, NULL, "list the members of an archive", MODE(MODE_LIST) },
	{ "test", 0, GROUP_MODE, NULL, "verify that an archive is whole", MODE(MODE_TEST) },
	{ "update", 'u', GROUP_MODE, NULL,
	    "append files that are newer than their members in the archive", MODE(MODE_UPDATE) },
	{ "extract", 'x', GROUP_MODE, NULL, "extract members of an archive", MODE(MODE_EXTRACT) },
	ALSO("get"),

	{ "blocking-factor", 'b', GROUP_ARCHIVE, "BLOCKS",
	    "pad the archive to a multiple of BLOCKS times 512 bytes (20)",
	    CALL(option_blocking_factor) },
	{ "file", 'f', GROUP_ARCHIVE, "ARCHIVE",
	    "the archive, - for standard input or output (default: $TAPE, else -)",
	    CALL(option_archive) },
	{ "fsync", 0, GROUP_ARCHIVE, NULL, "do not end before what was written is on the disk",
	    FLAG(options.fsync, true) },
	{ "format", 'H', GROUP_ARCHIVE, "FORMAT",
	    "create with this format: pax or posix (default), ustar, gnu or oldgnu, v7, cpio or "
	    "newc",
	    CHOICE(format, formats) },
	{ "ignore-zeros", 'i', GROUP_ARCHIVE, NULL,
	    "read on behind blocks of zeros, as between archives that were put together",
	    FLAG(options.ignore_zeros, true) },
	{ "index", 0, GROUP_ARCHIVE, NULL,
	    "put an index of the members behind a plain or xz archive (one in zstd has it); "
	    "alone, into the archive that is there",
	    VALUE(options.index, TRISTATE_YES) },
	{ "no-index", 0, GROUP_ARCHIVE, NULL, "neither write nor use an index",
	    VALUE(options.index, TRISTATE_NO) },
	{ "old-archive", 0, GROUP_ARCHIVE, NULL, "same as --format=v7", VALUE(format, FORMAT_V7) },
	ALSO("portability"),
	{ "posix", 0, GROUP_ARCHIVE, NULL, "same as --format=pax", VALUE(format, FORMAT_PAX) },
	{ "record-size", 0, GROUP_ARCHIVE, "BYTES", "as -b, in bytes: a multiple of 512",
	    CALL(option_record_size) },

	/* Levels go with any compression, given before or behind it. */
	LEVEL('1', "compress at level 1, which takes the least time,"),
	LEVEL('2', ""),
	LEVEL('3', ""),
	LEVEL('4', ""),
	LEVEL('5', ""),
	LEVEL('6', ""),
	LEVEL('7', ""),
	LEVEL('8', ""),
	LEVEL('9', "... or at level 9, which takes little space"),
	{ "auto-compress", 'a', GROUP_COMPRESSION, NULL,
	    "choose by the archive's suffix, if it is a known one",
	    FLAG(options.auto_compress, true) },
	{ "no-auto-compress", 0, GROUP_COMPRESSION, NULL, "do not look at the suffix (default)",
	    FLAG(options.auto_compress, false) },
	{ "use-compress-program", 'I', GROUP_COMPRESSION, "COMMAND",
	    "filter through COMMAND, which must know -d for reading", CALL(option_program) },
	{ "bzip2", 'j', GROUP_COMPRESSION, NULL, "compress with bzip2",
	    COMPRESS(COMPRESSION_BZIP2) },
	{ "xz", 'J', GROUP_COMPRESSION, "[LEVEL]", "compress with xz, at LEVEL 1 to 9",
	    COMPRESS(COMPRESSION_XZ) },
	{ "lz4", 0, GROUP_COMPRESSION, NULL, "compress with lz4", COMPRESS(COMPRESSION_LZ4) },
	{ "lzip", 0, GROUP_COMPRESSION, NULL, "compress with lzip", COMPRESS(COMPRESSION_LZIP) },
	{ "lzma", 0, GROUP_COMPRESSION, NULL, "compress with lzma", COMPRESS(COMPRESSION_LZMA) },
	{ "long", 0, GROUP_COMPRESSION, NULL,
	    "let zstd find repetitions that are far from each other",
	    FLAG(options.long_distance, true) },
	{ "piece-size", 0, GROUP_COMPRESSION, "SIZE",
	    "let zstd and xz compress pieces of SIZE bytes, K or M, by themselves",
	    CALL(option_piece_size) },
	{ "threads", 0, GROUP_COMPRESSION, "NUMBER", "use NUMBER threads (0: as many as cores)",
	    CALL(option_threads) },
	{ "gzip", 'z', GROUP_COMPRESSION, "[LEVEL]", "compress with gzip, at LEVEL 1 to 9",
	    COMPRESS(COMPRESSION_GZIP) },
	ALSO("gunzip"),
	ALSO("ungzip"),
	{ "compress", 'Z', GROUP_COMPRESSION, NULL, "compress with compress",
	    COMPRESS(COMPRESSION_COMPRESS) },
	ALSO("uncompress"),
	{ "zstd", 0, GROUP_COMPRESSION, "[LEVEL]", "compress with zstd, at LEVEL 1 to 22",
	    COMPRESS(COMPRESSION_ZSTD) },

	{ "add-file", 0, GROUP_NAMES, "FILE", "FILE as an operand, though it begins with - or @",
	    CALL(option_add_file) },
	{ "directory", 'C', GROUP_NAMES, "DIR",
	    "names behind this are relative to DIR, which is relative to the -C before it",
	    CALL(option_directory) },
	{ "exclude", 0, GROUP_NAMES, "PATTERN", "leave out names that match PATTERN",
	    CALL(option_exclude) },
	{ "exclude-backups", 0, GROUP_NAMES, NULL, "leave out backups and locks of editors",
	    CALL(option_exclude_backups) },
	/*
	 * Without an argument, these call the functions of --exclude-tag with NULL: CACHEDIR.TAG.
	 */
	{ "exclude-caches", 0, GROUP_NAMES, NULL,
	    "of directories with a CACHEDIR.TAG, store only themselves and that",
	    CALL(option_exclude_tag) },
	{ "exclude-caches-all", 0, GROUP_NAMES, NULL, "... nothing", CALL(option_exclude_tag_all) },
	{ "exclude-caches-under", 0, GROUP_NAMES, NULL, "... only themselves",
	    CALL(option_exclude_tag_under) },
	{ "exclude-tag", 0, GROUP_NAMES, "FILE",
	    "of directories with a FILE, store only themselves and that",
	    CALL(option_exclude_tag) },
	{ "exclude-tag-all", 0, GROUP_NAMES, "FILE", "... nothing", CALL(option_exclude_tag_all) },
	{ "exclude-tag-under", 0, GROUP_NAMES, "FILE", "... only themselves",
	    CALL(option_exclude_tag_under) },
	{ "exclude-vcs", 0, GROUP_NAMES, NULL, "leave out the files of version control systems",
	    CALL(option_exclude_vcs) },
	{ "files-from", 'T', GROUP_NAMES, "FILE",
	    "take operands from FILE, a line each; a line -C DIR changes the directory",
	    CALL(option_files_from) },
	{ "fast-read", 'q', GROUP_NAMES, NULL, "same as --occurrence",
	    VALUE(options.occurrence, 1) },
	{ "newer", 'N', GROUP_NAMES, "DATE",
	    "leave out files that were neither written nor otherwise changed since DATE (see "
	    "--mtime)",
	    CALL(option_newer) },
	ALSO("after-date"),
	{ "newer-mtime", 0, GROUP_NAMES, "DATE", "leave out files that were not written since DATE",
	    CALL(option_newer_mtime) },
	{ "no-null", 0, GROUP_NAMES, NULL, "undo --null", FLAG(null, false) },
	{ "no-recursion", 0, GROUP_NAMES, NULL, "take directories without what is in them",
	    FLAG(recurse, false) },
	{ "no-verbatim-files-from", 0, GROUP_NAMES, NULL, "undo --verbatim-files-from",
	    FLAG(verbatim, false) },
	{ "null", 0, GROUP_NAMES, NULL,
	    "-T files behind this have a NUL behind each name, which is taken verbatim",
	    FLAG(null, true) },
	{ "occurrence", 0, GROUP_NAMES, "[NUMBER]",
	    "of the members that an operand means, take the first, or that with this NUMBER; read "
	    "no further when there are all of these, and none is a directory",
	    CALL(option_occurrence) },
	{ "one-file-system", 0, GROUP_NAMES, NULL, "do not go into other file systems",
	    FLAG(options.one_file_system, true) },
	{ "recursion", 0, GROUP_NAMES, NULL, "take what is in directories (default)",
	    FLAG(recurse, true) },
	{ "transform", 0, GROUP_NAMES, "EXPRESSION",
	    "rewrite names by sed's EXPRESSION, s/REGEX/REPLACEMENT/FLAGS",
	    CALL(option_transform) },
	ALSO("xform"),
	{ "verbatim-files-from", 0, GROUP_NAMES, NULL,
	    "lines of -T files behind this that begin with - are names", FLAG(verbatim, true) },
	{ "exclude-from", 'X', GROUP_NAMES, "FILE", "leave out what the patterns in FILE match",
	    CALL(option_exclude_from) },

	{ "anchored", 0, GROUP_MATCHING, NULL, "match from the start of a name (default: operands)",
	    VALUE(anchored, TRISTATE_YES) },
	{ "ignore-case", 0, GROUP_MATCHING, NULL, "take capital and small letters as the same",
	    FLAG(ignore_case, true) },
	{ "no-anchored", 0, GROUP_MATCHING, NULL, "match behind any slash (default: --exclude)",
	    VALUE(anchored, TRISTATE_NO) },
	{ "no-ignore-case", 0, GROUP_MATCHING, NULL, "tell capital from small letters (default)",
	    FLAG(ignore_case, false) },
	{ "no-wildcards", 0, GROUP_MATCHING, NULL, "take names as they are (default: operands)",
	    VALUE(wildcards, TRISTATE_NO) },
	{ "no-wildcards-match-slash", 0, GROUP_MATCHING, NULL, "wildcards do not match slashes",
	    FLAG(wildcards_match_slash, false) },
	{ "wildcards", 0, GROUP_MATCHING, NULL, "take names as patterns (default: --exclude)",
	    VALUE(wildcards, TRISTATE_YES) },
	{ "wildcards-match-slash", 0, GROUP_MATCHING, NULL, "wildcards match slashes (default)",
	    FLAG(wildcards_match_slash, true) },

	{ "dereference", 'h', GROUP_CREATION, NULL,
	    "store what symbolic links lead to in place of them", FLAG(options.dereference, true) },
	{ "ignore-failed-read", 0, GROUP_CREATION, NULL,
	    "warn of files that may not be read or are not there, and do not fail",
	    FLAG(options.ignore_failed_read, true) },
	{ "sort", 0, GROUP_CREATION, "ORDER", "store directories by name (default), inode, or none",
	    CHOICE(options.sort, sorts) },
	{ "sparse", 'S', GROUP_CREATION, NULL, "store the holes of sparse files as holes",
	    FLAG(options.sparse, true) },

	{ "check-links", 'l', GROUP_LINKS, NULL,
	    "say which files have names that are not in the archive",
	    FLAG(options.check_links, true) },
	{ "hard-dereference", 0, GROUP_LINKS, NULL,
	    "store every name of a file with all its content",
	    FLAG(options.hard_dereference, true) },
	{ "links", 0, GROUP_LINKS, "[HOW]",
	    "with -t: list the names of each file that has several; with -x: what later names "
	    "become, HOW is auto (hard links, else copies; default), strict (hard links, or an "
	    "error), copy, reflink or symlink",
	    CALL(option_links) },

	{ "keep-directory-symlink", 0, GROUP_EXTRACTION, NULL,
	    "extract through symbolic links to directories of the destination",
	    FLAG(options.keep_directory_symlink, true) },
	{ "keep-old-files", 'k', GROUP_EXTRACTION, NULL, "fail for members whose file exists",
	    VALUE(options.existing, EXISTING_KEEP) },
	{ "keep-newer-files", 0, GROUP_EXTRACTION, NULL,
	    "skip members whose file exists and is not older",
	    VALUE(options.existing, EXISTING_KEEP_NEWER) },
	{ "max-depth", 0, GROUP_EXTRACTION, "NUMBER",
	    "stop at a name of more than NUMBER components (2048; 0: no limit, as below)",
	    AMOUNT(options.limits.max_depth) },
	{ "max-members", 0, GROUP_EXTRACTION, "NUMBER",
	    "stop at the member behind the first NUMBER", AMOUNT(options.limits.max_members) },
	{ "max-ratio", 0, GROUP_EXTRACTION, "NUMBER",
	    "stop when the archive decompresses to more than NUMBER times its bytes, and to more "
	    "than 1 MiB",
	    AMOUNT(options.limits.max_ratio) },
	{ "max-size", 0, GROUP_EXTRACTION, "BYTES",
	    "stop at the file with which all that are extracted exceed BYTES; K, M, G, T may follow",
	    AMOUNT(options.limits.max_size) },
	{ "no-overwrite-dir", 0, GROUP_EXTRACTION, NULL,
	    "leave the metadata of directories that exist",
	    FLAG(options.keep_directory_mode, true) },
	{ "one-top-level", 0, GROUP_EXTRACTION, "[DIR]",
	    "put all members below DIR that are not there (default: what the archive is called, "
	    "without its suffixes)",
	    CALL(option_one_top_level) },
	{ "overwrite", 0, GROUP_EXTRACTION, NULL, "replace files that exist (default)",
	    VALUE(options.existing, EXISTING_REPLACE) },
	{ "overwrite-dir", 0, GROUP_EXTRACTION, NULL,
	    "set the metadata of directories that exist (default)",
	    FLAG(options.keep_directory_mode, false) },
	{ "recursive-unlink", 0, GROUP_EXTRACTION, NULL,
	    "replace directories, too, with all that is in them",
	    FLAG(options.recursive_unlink, true) },
	{ "skip-old-files", 0, GROUP_EXTRACTION, NULL, "skip members whose file exists",
	    VALUE(options.existing, EXISTING_SKIP) },
	{ "strip-components", 0, GROUP_EXTRACTION, "NUMBER",
	    "take NUMBER leading components off the names", CALL(option_strip_components) },
	{ "to-stdout", 'O', GROUP_EXTRACTION, NULL, "write content to standard output",
	    FLAG(options.to_stdout, true) },
	{ "unlink-first", 'U', GROUP_EXTRACTION, NULL, "same as --overwrite: the old file is gone",
	    VALUE(options.existing, EXISTING_REPLACE) },

	{ "acls", 0, GROUP_METADATA, NULL, "store and restore ACLs", FLAG(options.acls, true) },
	{ "clamp-mtime", 0, GROUP_METADATA, NULL,
	    "store the time of --mtime only for files that are newer",
	    FLAG(options.overrides.clamp_mtime, true) },
	{ "group", 0, GROUP_METADATA, "NAME", "store this group: NAME, NAME:GID or GID",
	    CALL(option_group) },
	{ "touch", 'm', GROUP_METADATA, NULL, "do not restore modification times",
	    FLAG(options.touch, true) },
	{ "mode", 0, GROUP_METADATA, "CHANGES", "store modes with these CHANGES, as chmod has them",
	    CALL(option_member_mode) },
	{ "mtime", 0, GROUP_METADATA, "DATE",
	    "store this time: YYYY-MM-DD [HH:MM:SS] [ZONE], @SECONDS, or that of a file whose name "
	    "begins with . or /",
	    CALL(option_mtime) },
	{ "no-acls", 0, GROUP_METADATA, NULL, "no ACLs (default)", FLAG(options.acls, false) },
	{ "no-same-owner", 0, GROUP_METADATA, NULL,
	    "extract files as yours (default unless you are root)",
	    VALUE(options.same_owner, TRISTATE_NO) },
	{ "no-same-permissions", 0, GROUP_METADATA, NULL,
	    "apply the umask to what is extracted (default unless you are root)",
	    VALUE(options.same_permissions, TRISTATE_NO) },
	{ "no-xattrs", 0, GROUP_METADATA, NULL, "no extended attributes (default)",
	    FLAG(options.xattrs, false) },
	{ "numeric-owner", 0, GROUP_METADATA, NULL, "use the numbers of users and groups",
	    FLAG(options.numeric_owner, true) },
	/* Which of the two it means is known when the mode is: judge_format. */
	{ NULL, 'o', GROUP_METADATA, NULL,
	    "with -c same as --format=v7, else same as --no-same-owner", FLAG(has_o, true) },
	{ "owner", 0, GROUP_METADATA, "NAME", "store this owner: NAME, NAME:UID or UID",
	    CALL(option_owner) },
	{ "preserve-permissions", 'p', GROUP_METADATA, NULL,
	    "restore all permissions, also set-id bits and devices: for archives that you trust",
	    VALUE(options.same_permissions, TRISTATE_YES) },
	ALSO("same-permissions"),
	{ "absolute-names", 'P', GROUP_METADATA, NULL, "keep the slash that a name begins with",
	    FLAG(options.absolute_names, true) },
	{ "same-owner", 0, GROUP_METADATA, NULL, "restore owners (default for root)",
	    VALUE(options.same_owner, TRISTATE_YES) },
	{ "xattrs", 0, GROUP_METADATA, NULL, "store and restore extended attributes",
	    FLAG(options.xattrs, true) },
	{ "xattrs-exclude", 0, GROUP_METADATA, "PATTERN",
	    "as --xattrs, without the attributes whose names match PATTERN",
	    CALL(option_xattrs_exclude) },
	{ "xattrs-include", 0, GROUP_METADATA, "PATTERN",
	    "as --xattrs, but only those whose names match PATTERN", CALL(option_xattrs_include) },

	{ "full-time", 0, GROUP_OUTPUT, NULL, "print times in full",
	    FLAG(options.full_time, true) },
	{ "quoting-style", 0, GROUP_OUTPUT, "STYLE", "print names as escape (default) or literal",
	    CHOICE(options.quoting, quoting_styles) },
	{ "report", 0, GROUP_OUTPUT, "FILE",
	    "write what was done otherwise than asked to FILE, as JSON lines",
	    CALL(option_report) },
	{ "show-transformed-names", 0, GROUP_OUTPUT, NULL,
	    "print names as they are extracted or stored", FLAG(options.show_transformed, true) },
	ALSO("show-stored-names"),
	{ "totals", 0, GROUP_OUTPUT, NULL, "say how many bytes were written, and how fast",
	    FLAG(options.totals, true) },
	{ "utc", 0, GROUP_OUTPUT, NULL, "print long lines, with times in UTC",
	    FLAG(options.utc, true) },
	{ "verbose", 'v', GROUP_OUTPUT, NULL, "print names; given twice, and with -t, long lines",
	    COUNT(options.verbosity) },

	/*
	 * What GNU tar has and scripts use, and what is done anyway, or makes no difference here.
	 */
	{ "check-device", 0, GROUP_NO_EFFECT, NULL, "", NOTHING },
	ALSO("no-check-device"),
	/* On a terminal, how far it is shows anyway. */
	{ "checkpoint", 0, GROUP_NO_EFFECT, "[NUMBER]", "", NOTHING },
	{ "checkpoint-action", 0, GROUP_NO_EFFECT, "ACTION", "", ONLY(printing_actions, 0) },
	{ "delay-directory-restore", 0, GROUP_NO_EFFECT, NULL, "", NOTHING },
	ALSO("no-delay-directory-restore"),
	{ "force-local", 0, GROUP_NO_EFFECT, NULL, "", NOTHING },
	{ "no-selinux", 0, GROUP_NO_EFFECT, NULL, "", NOTHING },
	{ "no-unquote", 0, GROUP_NO_EFFECT, NULL, "", NOTHING },
	{ "pax-option", 0, GROUP_NO_EFFECT, "KEYWORDS", "", ONLY(idle_keywords, ',') },
	{ "preserve-order", 's', GROUP_NO_EFFECT, NULL, "", NOTHING },
	ALSO("same-order"),
	{ "read-full-records", 'B', GROUP_NO_EFFECT, NULL, "", NOTHING },
	{ "seek", 'n', GROUP_NO_EFFECT, NULL, "", NOTHING },
	ALSO("no-seek"),
	{ "warning", 0, GROUP_NO_EFFECT, "KEYWORD", "", NOTHING },

	/* getopt is not told of the letter: see getopt_tables_init. */
	{ "help", '?', GROUP_OTHER, NULL, "print this help", MODE(MODE_HELP) },
	ALSO("usage"),
	{ "version", 0, GROUP_OTHER, NULL, "print the version", MODE(MODE_VERSION) },
};

const size_t option_table_nrows = sizeof(option_table) / sizeof(option_table[0]);

/* The first row is no other name, so that this ends. */
const struct option_row *option_canonical(const struct option_row *row) {
	while (row->help == NULL)
		row--;
	return row;
}

const struct option_row *option_of_letter(int letter) {
	for (size_t i = 0; i < option_table_nrows; i++) {
		if (letter != 0 && option_table[i].letter == letter)
			return &option_table[i];
	}
	return NULL;
}

/* More than twice the longest name: what is longer is like none of them. */
#define NAME_NBYTES_MAX 64

static size_t min(size_t a, size_t b) {
	return a < b ? a : b;
}

/*
 * The Levenshtein distance: how many characters must be put in, taken out or changed to make the
 * ${b_nbytes} of ${b}, at most NAME_NBYTES_MAX, of ${a}.  One row of the table is enough, when what
 * stood to the upper left (corner) is kept while it is overwritten.
 */
static size_t distance(const char *a, const char *b, size_t b_nbytes) {
	size_t row[NAME_NBYTES_MAX + 1]; /* for ${a} so far, and each beginning of ${b} */
	size_t corner, above;

	for (size_t j = 0; j <= b_nbytes; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		corner = row[0]++;
		for (size_t j = 0; j < b_nbytes; j++) {
			above = row[j + 1];
			row[j + 1] = min(min(above, row[j]) + 1, corner + (a[i] != b[j]));
			corner = above;
		}
	}
	return row[b_nbytes];
}

const char *option_nearest(const char *name, size_t nbytes) {
	size_t best = nbytes / 3 + 1, d; /* a third of the name may be wrong */
	const char *nearest = NULL;

	if (nbytes > NAME_NBYTES_MAX)
		return NULL;
	for (size_t i = 0; i < option_table_nrows; i++) {
		if (option_table[i].name == NULL)
			continue;
		d = distance(option_table[i].name, name, nbytes);
		if (d < best) {
			best = d;
			nearest = option_table[i].name;
		}
	}
	return nearest;
}
