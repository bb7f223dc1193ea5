#include "config.h"

#include "options.h"

#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command_line.h"
#include "pool.h"
#include "suite.h"

/* Words, values, and what is wrong with a command line. */

/* Modes */

static const struct mode_case {
	const char *text;
	enum mode mode;
} mode_cases[] = {
	{ "tar -c x", MODE_CREATE },
	{ "tar --create x", MODE_CREATE },
	{ "tar -rf a x", MODE_APPEND },
	{ "tar --append -f a x", MODE_APPEND },
	{ "tar -uf a x", MODE_UPDATE },
	{ "tar --update -f a x", MODE_UPDATE },
	{ "tar -x", MODE_EXTRACT },
	{ "tar --extract", MODE_EXTRACT },
	{ "tar --get", MODE_EXTRACT },
	{ "tar -t", MODE_LIST },
	{ "tar --list", MODE_LIST },
	{ "tar -tt", MODE_LIST },
	{ "tar -d", MODE_COMPARE },
	{ "tar --diff", MODE_COMPARE },
	{ "tar --compare", MODE_COMPARE },
	{ "tar --extract --get -x", MODE_EXTRACT },
	{ "tar --help", MODE_HELP },
	{ "tar -?", MODE_HELP },
	{ "tar -v?", MODE_HELP },
	{ "tar --usage", MODE_HELP },
	{ "tar --version", MODE_VERSION },
	{ "tar -c --help --no-such-option", MODE_HELP },
	{ "tar --version -cx", MODE_VERSION },
	{ "tar c x", MODE_CREATE },
	{ "tar x", MODE_EXTRACT },
};

START_TEST(every_mode_has_its_names) {
	parse_ok(mode_cases[_i].text);
	ck_assert_int_eq(o.mode, mode_cases[_i].mode);
}
END_TEST

START_TEST(program_is_the_name_without_directories) {
	parse_ok("/usr/bin/gtar -t");
	ck_assert_str_eq(o.program, "gtar");
	parse_ok("tarn -t");
	ck_assert_str_eq(o.program, "tarn");
}
END_TEST

/* Wrong command lines, and what is said about them. */
static const struct wrong_case {
	const char *text, *message;
} wrong_cases[] = {
	{ "tar", "You must specify one of the '-Acdtrux', '--delete' or '--test-label' options" },
	{ "tar -f a",
	    "You must specify one of the '-Acdtrux', '--delete' or '--test-label' options" },
	{ "tar -cx x",
	    "You may not specify more than one '-Acdtrux', '--delete' or  '--test-label' option" },
	{ "tar -c", "Cowardly refusing to create an empty archive" },
	{ "tar -c -C /", "Cowardly refusing to create an empty archive" },
	{ "tar --test a.tar", "--test takes no names, but the whole archive that -f names" },
	{ "tar -ty", "invalid option -- 'y'" },
	{ "tar ty", "invalid option -- 'y'" },
	{ "tar t-x", "invalid option -- '-'" },
	{ "tar -t:", "invalid option -- ':'" },
	{ "tar -tf", "option requires an argument -- 'f'" },
	{ "tar -t --file", "option '--file' requires an argument" },
	{ "tar -t --thr", "option '--thr' requires an argument" },
	{ "tar tf", "Old option 'f' requires an argument." },
	{ "tar tfb a", "Old option 'b' requires an argument." },
	{ "tar --list=3", "option '--list' doesn't allow an argument" },
	{ "tar --lis=3", "option '--lis' doesn't allow an argument" },
	{ "tar -t --foo", "unrecognized option '--foo'" },
	{ "tar -t --exlude=x", "unrecognized option '--exlude'; did you mean '--exclude'?" },
	{ "tar -t --no-recurse-into",
	    "unrecognized option '--no-recurse-into'; "
	    "did you mean '--no-recursion'?" },
	{ "tar -t --xatrs", "unrecognized option '--xatrs'; did you mean '--xattrs'?" },
	{ "tar -t --vebrose", "unrecognized option '--vebrose'; did you mean '--verbose'?" },
	{ "tar -t --ver",
	    "option '--ver' is ambiguous; possibilities: "
	    "'--verbatim-files-from' '--verbose' '--version'" },
	{ "tar -t --ver=1",
	    "option '--ver' is ambiguous; possibilities: "
	    "'--verbatim-files-from' '--verbose' '--version'" },
	{ "tar -t -f a -f b", "Multiple archive files require '-M' option" },
	{ "tar -r x", "Options '-Aru' are incompatible with '-f -'" },
	{ "tar -rif a x", "Options '-Aru' are incompatible with '-i'" },
	{ "tar -uf - x", "Options '-Aru' are incompatible with '-f -'" },
	{ "tar -t -b 0", "0: Invalid blocking factor" },
	{ "tar -t -b -1", "-1: Invalid blocking factor" },
	{ "tar -t -b 20k", "20k: Invalid blocking factor" },
	{ "tar -t -b 4194304", "4194304: Invalid blocking factor" },
	{ "tar -t -b 99999999999999999999", "99999999999999999999: Invalid blocking factor" },
	{ "tar -t --record-size=x", "x: Invalid record size" },
	{ "tar -t --record-size=513", "Record size must be a multiple of 512" },
	{ "tar -t --record-size=0", "Record size must be a multiple of 512" },
	{ "tar -x --strip-components=x", "x: Invalid number of elements" },
	{ "tar -x --strip-components=4294967296", "4294967296: Invalid number of elements" },
	{ "tar -t --threads=1025", "1025: Invalid number of threads" },
	{ "tar -t --sort=foo",
	    "invalid argument 'foo' for '--sort'; "
	    "possibilities: 'name' 'none' 'inode'" },
	{ "tar -t -H foo",
	    "invalid argument 'foo' for '--format'; possibilities: 'pax' 'posix' "
	    "'ustar' 'gnu' 'oldgnu' 'v7' 'cpio' 'newc'" },
	{ "tar -t --quoting-style=c",
	    "invalid argument 'c' for '--quoting-style'; "
	    "possibilities: 'escape' 'literal'" },
	{ "tar -c x --owner=x:y", "x:y: Invalid owner or group ID" },
	{ "tar -c x --group=x:y", "x:y: Invalid owner or group ID" },
	{ "tar -c x --mode=9", "9: Invalid mode given on option" },
	{ "tar -c x --mtime=then", "then: Unknown date format" },
	{ "tar -c x --acls --format=gnu", "--acls can be used only on POSIX archives" },
	{ "tar -c x --xattrs -o", "--xattrs can be used only on POSIX archives" },
	{ "tar -c x -S --format=ustar", "--sparse needs an archive in pax or gnu format" },
	{ "tar -rf a x -H cpio",
	    "Options '-Aru' and '--index' are incompatible with cpio archives" },
	{ "tar --index -f a -H newc",
	    "Options '-Aru' and '--index' are incompatible with cpio archives" },
	{ "tar -c x --index -H cpio",
	    "Options '-Aru' and '--index' are incompatible with cpio archives" },
	{ "tar -t -T - -T -", "Options '-T' and '-T' both want standard input" },
	{ "tar -t -X - -T -", "Options '-X' and '-T' both want standard input" },
	{ "tar -x -T -", "Options '-T' and '-f' both want standard input" },
	{ "tar -cf a -T - @-", "Options '-T' and '@-' both want standard input" },
};

START_TEST(wrong_command_line_is_explained) {
	ck_assert_ptr_nonnull(freopen("/dev/null", "r", stdin));
	parse_wrong(wrong_cases[_i].text, wrong_cases[_i].message);
}
END_TEST

START_TEST(option_that_begins_with_nothing_known_may_be_of_any_length) {
	char text[700] = "tar -t --";

	memset(text + strlen(text), 'x', sizeof(text) - strlen(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(parse(text), TARN_EUSAGE);
	ck_assert_int_eq(strncmp(err.msg, "unrecognized option '--xxx", 26), 0);
	/* All there are: more than fits into a message. */
	ck_assert_int_eq(parse("tar --=x"), TARN_EUSAGE);
	ck_assert_int_eq(strncmp(err.msg, "option '--' is ambiguous", 24), 0);
}
END_TEST

/* Words */

START_TEST(new_style_bundle_takes_its_argument) {
	parse_ok("tar -czf a.tgz x");
	ck_assert_int_eq(o.mode, MODE_CREATE);
	ck_assert_int_eq(o.compression, COMPRESSION_GZIP);
	ck_assert_str_eq(o.archive, "a.tgz");
	parse_ok("tar -cfa.tar x");
	ck_assert_str_eq(o.archive, "a.tar");
	parse_ok("tar --file=a=b --create x");
	ck_assert_str_eq(o.archive, "a=b");
	parse_ok("tar --file a --create x");
	ck_assert_str_eq(o.archive, "a");
	ck_assert_str_eq(operands(), "x");
}
END_TEST

START_TEST(old_style_bundle_takes_its_arguments_in_order) {
	parse_ok("tar cvbfC 7 a.tar /dir x -v y");
	ck_assert_int_eq(o.mode, MODE_CREATE);
	ck_assert_uint_eq(o.verbosity, 2);
	ck_assert_uint_eq(o.blocking_factor, 7);
	ck_assert_str_eq(o.archive, "a.tar");
	ck_assert_str_eq(operands(), "x:/dir y:/dir");
	parse_ok("tar fx a.tar");
	ck_assert_str_eq(o.archive, "a.tar");
	ck_assert_uint_eq(o.noperands, 0);
	parse_ok("tar fc -x x");
	ck_assert_str_eq(o.archive, "-x");
}
END_TEST

START_TEST(unique_abbreviations_are_taken) {
	parse_ok("tar --ext --abs --numeric --strip=3");
	ck_assert_int_eq(o.mode, MODE_EXTRACT);
	ck_assert(o.absolute_names && o.numeric_owner);
	ck_assert_uint_eq(o.strip_components, 3);
	/* Several names of one option are not ambiguous, nor is a name that begins another one. */
	parse_ok("tar -x --same-p --overwrite --show");
	ck_assert_int_eq(o.same_permissions, TRISTATE_YES);
	ck_assert(o.show_transformed);
}
END_TEST

START_TEST(words_behind_two_dashes_are_operands) {
	parse_ok("tar -c x -- -v --help");
	ck_assert_str_eq(operands(), "x -v --help");
	ck_assert_uint_eq(o.verbosity, 0);
}
END_TEST

START_TEST(options_may_stand_behind_operands) {
	setenv("POSIXLY_CORRECT", "1", 1);
	parse_ok("tar -c x -f a - y");
	ck_assert_str_eq(o.archive, "a");
	ck_assert_str_eq(operands(), "x - y");
}
END_TEST

START_TEST(parsing_again_begins_anew) {
	parse_wrong("tar -tvy", "invalid option -- 'y'");
	parse_ok("tar -tvf a b");
	parse_ok("tar -xk");
	ck_assert_int_eq(o.mode, MODE_EXTRACT);
	ck_assert_uint_eq(o.verbosity, 0);
	ck_assert_uint_eq(o.noperands, 0);
	ck_assert_int_eq(o.existing, EXISTING_KEEP);
}
END_TEST

/* Archive, format, compression */

START_TEST(archive_is_f_or_TAPE_or_standard_input) {
	parse_ok("tar -t");
	ck_assert_str_eq(o.archive, "-");
	setenv("TAPE", "tape.tar", 1);
	parse_ok("tar -t");
	ck_assert_str_eq(o.archive, "tape.tar");
	parse_ok("tar -tf a");
	ck_assert_str_eq(o.archive, "a");
}
END_TEST

START_TEST(blocking_factor_is_in_blocks_or_bytes) {
	parse_ok("tar -t");
	ck_assert_uint_eq(o.blocking_factor, 20);
	parse_ok("tar -tb 4194303");
	ck_assert_uint_eq(o.blocking_factor, 4194303);
	parse_ok("tar -t --record-size=1024");
	ck_assert_uint_eq(o.blocking_factor, 2);
	parse_ok("tar -t --record-size=64K");
	ck_assert_uint_eq(o.blocking_factor, 128);
}
END_TEST

static const struct format_case {
	const char *text;
	enum format format;
} format_cases[] = {
	{ "tar -c x", FORMAT_PAX },
	{ "tar -c x -H pax", FORMAT_PAX },
	{ "tar -c x --format=posix", FORMAT_PAX },
	{ "tar -c x --posix", FORMAT_PAX },
	{ "tar -c x -H ustar", FORMAT_USTAR },
	{ "tar -c x -H gnu", FORMAT_GNU },
	{ "tar -c x -H oldgnu", FORMAT_GNU },
	{ "tar -c x -H v7", FORMAT_V7 },
	{ "tar -c x --old-archive", FORMAT_V7 },
	{ "tar -c x --portability", FORMAT_V7 },
	{ "tar -c x -H cpio", FORMAT_CPIO },
	{ "tar -c x -H newc", FORMAT_CPIO },
	{ "tar -oc x", FORMAT_V7 },
	{ "tar -c x -H gnu --posix", FORMAT_PAX },
	{ "tar -xo", FORMAT_PAX },
};

START_TEST(format_has_names_and_short_forms) {
	parse_ok(format_cases[_i].text);
	ck_assert_int_eq(o.format, format_cases[_i].format);
}
END_TEST

START_TEST(o_means_no_owners_on_extraction_only) {
	parse_ok("tar -xo");
	ck_assert_int_eq(o.same_owner, TRISTATE_NO);
	parse_ok("tar -co x");
	ck_assert_int_eq(o.same_owner, TRISTATE_DEFAULT);
}
END_TEST

START_TEST(what_a_format_cannot_hold_does_not_matter_when_reading) {
	parse_ok("tar -x --acls --xattrs -S -H v7");
	parse_ok("tar -c x -S -H gnu");
	parse_ok("tar -c x --acls --xattrs -S");
}
END_TEST

static const struct compression_case {
	const char *options;
	enum compression compression;
} compression_cases[] = {
	{ "", COMPRESSION_NONE },
	{ "-z", COMPRESSION_GZIP },
	{ "--gzip", COMPRESSION_GZIP },
	{ "--gunzip", COMPRESSION_GZIP },
	{ "--ungzip", COMPRESSION_GZIP },
	{ "-j", COMPRESSION_BZIP2 },
	{ "--bzip2", COMPRESSION_BZIP2 },
	{ "-J", COMPRESSION_XZ },
	{ "--xz", COMPRESSION_XZ },
	{ "--lzma", COMPRESSION_LZMA },
	{ "--lzip", COMPRESSION_LZIP },
	{ "--lz4", COMPRESSION_LZ4 },
	{ "--zstd", COMPRESSION_ZSTD },
	{ "-Z", COMPRESSION_COMPRESS },
	{ "--compress", COMPRESSION_COMPRESS },
	{ "--uncompress", COMPRESSION_COMPRESS },
	{ "-Iprog", COMPRESSION_PROGRAM },
	{ "--use-compress-program=p", COMPRESSION_PROGRAM },
	{ "-z -J", COMPRESSION_XZ },
};

START_TEST(compression_is_an_option_each) {
	char text[100];

	snprintf(text, sizeof(text), "tar -cfa x %s", compression_cases[_i].options);
	parse_ok(text);
	ck_assert_int_eq(o.compression, compression_cases[_i].compression);
}
END_TEST

static const struct level_case {
	const char *options;
	enum compression compression;
	unsigned int level;
} level_cases[] = {
	{ "-z", COMPRESSION_GZIP, LEVEL_DEFAULT },
	{ "--xz=0", COMPRESSION_XZ, 0 },
	{ "-z9", COMPRESSION_GZIP, 9 },
	{ "-1 -J", COMPRESSION_XZ, 1 },
	{ "--xz=5", COMPRESSION_XZ, 5 },
	{ "--zstd=19", COMPRESSION_ZSTD, 19 },
	{ "-7 --zstd", COMPRESSION_ZSTD, 7 },
	{ "-j --gzip=2", COMPRESSION_GZIP, 2 },
	{ "-3 -4", COMPRESSION_NONE, 4 },
};

START_TEST(level_is_a_digit_or_the_argument_of_a_compression) {
	char text[100];

	snprintf(text, sizeof(text), "tar -cfa x %s", level_cases[_i].options);
	parse_ok(text);
	ck_assert_int_eq(o.compression, level_cases[_i].compression);
	ck_assert_uint_eq(o.level, level_cases[_i].level);
	/* A word behind is no level. */
	parse_ok("tar c9Jf a 5");
	ck_assert_uint_eq(o.level, 9);
	ck_assert_uint_eq(o.noperands, 1);
	parse_wrong("tar -c --zstd=high x", "high: Invalid compression level");
}
END_TEST

START_TEST(size_of_pieces_has_units_and_limits) {
	parse_ok("tar -c --piece-size=4096 x");
	ck_assert_uint_eq(o.piece_nbytes, 4096);
	parse_ok("tar -c --piece-size=64K x");
	ck_assert_uint_eq(o.piece_nbytes, 65536);
	parse_ok("tar -c --piece-size=1024M x");
	ck_assert_uint_eq(o.piece_nbytes, 1073741824);
	parse_wrong("tar -c --piece-size=4095 x", "4095: Invalid size of pieces");
	parse_wrong("tar -c --piece-size=1025M x", "1025M: Invalid size of pieces");
	parse_wrong("tar -c --piece-size=8G x", "8G: Invalid size of pieces");
	parse_wrong("tar -c --piece-size=M x", "M: Invalid size of pieces");
	parse_wrong("tar -c --piece-size=-64K x", "-64K: Invalid size of pieces");
}
END_TEST

START_TEST(limits_of_an_archive_are_numbers_with_a_unit) {
	parse_ok("tar -x --max-size=10 --max-members=2K --max-ratio=0");
	ck_assert_uint_eq(o.limits.max_size, 10);
	ck_assert_uint_eq(o.limits.max_members, 2048);
	ck_assert_uint_eq(o.limits.max_ratio, 0);
	ck_assert_uint_eq(o.limits.max_depth, ARCHIVE_LIMITS_DEPTH);
	parse_ok("tar -x --max-size=16777215T --max-depth=0");
	ck_assert_uint_eq(o.limits.max_size, (uint64_t)16777215 << 40);
	ck_assert_uint_eq(o.limits.max_depth, 0);
	parse_wrong("tar -x --max-size=16777216T", "16777216T: Invalid max-size");
	parse_wrong("tar -x --max-size=5X", "5X: Invalid max-size");
	parse_wrong("tar -x --max-members=-1", "-1: Invalid max-members");
}
END_TEST

START_TEST(auto_compress_stands_beside_the_compression) {
	char *argv[] = { "tar", "-caz", "-I", "pigz -9", "x", NULL };

	parse_ok("tar -caz -fa.xz x");
	ck_assert(o.auto_compress);
	ck_assert_int_eq(o.compression, COMPRESSION_GZIP);
	parse_ok("tar -ca --no-auto-compress x");
	ck_assert(!o.auto_compress);
	options_fini(&o);
	ck_assert_int_eq(options_parse(&o, 5, argv, &err), TARN_OK);
	ck_assert_str_eq(o.compress_program, "pigz -9");
}
END_TEST

/* Everything that only sets something */

static const struct flag_case {
	const char *options;
	size_t offset;
	bool value;
} flag_cases[] = {
#define FLAG_CASE(text, member, v) \
	{ text, offsetof(struct options, member), v }
	FLAG_CASE("--totals", totals, true),
	FLAG_CASE("--numeric-owner", numeric_owner, true),
	FLAG_CASE("--numeric-owner", overrides.numeric_owner, true),
	FLAG_CASE("-P", absolute_names, true),
	FLAG_CASE("--absolute-names", absolute_names, true),
	FLAG_CASE("--full-time", full_time, true),
	FLAG_CASE("--utc", utc, true),
	FLAG_CASE("--show-transformed-names", show_transformed, true),
	FLAG_CASE("--show-stored-names", show_transformed, true),
	FLAG_CASE("-h", dereference, true),
	FLAG_CASE("--dereference", dereference, true),
	FLAG_CASE("--hard-dereference", hard_dereference, true),
	FLAG_CASE("--hard-dereference", dereference, false),
	FLAG_CASE("--one-file-system", one_file_system, true),
	FLAG_CASE("-S", sparse, true),
	FLAG_CASE("--sparse", sparse, true),
	FLAG_CASE("--xattrs", xattrs, true),
	FLAG_CASE("--xattrs --no-xattrs", xattrs, false),
	FLAG_CASE("--acls", acls, true),
	FLAG_CASE("--acls --no-acls", acls, false),
	FLAG_CASE("-l", check_links, true),
	FLAG_CASE("--check-links", check_links, true),
	FLAG_CASE("--ignore-failed-read", ignore_failed_read, true),
	FLAG_CASE("--fsync", fsync, true),
	FLAG_CASE("--recursive-unlink", recursive_unlink, true),
	FLAG_CASE("-i", ignore_zeros, true),
	FLAG_CASE("--ignore-zeros", ignore_zeros, true),
	FLAG_CASE("-O", to_stdout, true),
	FLAG_CASE("--to-stdout", to_stdout, true),
	FLAG_CASE("-m", touch, true),
	FLAG_CASE("--touch", touch, true),
	FLAG_CASE("", keep_directory_symlink, false),
	FLAG_CASE("--keep-directory-symlink", keep_directory_symlink, true),
	FLAG_CASE("--no-overwrite-dir", keep_directory_mode, true),
	FLAG_CASE("--no-overwrite-dir --overwrite-dir", keep_directory_mode, false),
};

START_TEST(flag_is_set_by_its_option) {
	const struct flag_case *c = &flag_cases[_i];
	char text[100];

	parse_ok("tar -cfa x");
	ck_assert(!*(bool *)((char *)&o + c->offset));
	snprintf(text, sizeof(text), "tar -cfa x %s", c->options);
	parse_ok(text);
	ck_assert_int_eq(*(bool *)((char *)&o + c->offset), c->value);
}
END_TEST

static const struct value_case {
	const char *options;
	size_t offset;
	unsigned int value;
} value_cases[] = {
#define VALUE_CASE(text, member, v) \
	{ text, offsetof(struct options, member), v }
	VALUE_CASE("", verbosity, 0),
	VALUE_CASE("-v", verbosity, 1),
	VALUE_CASE("-vv --verbose", verbosity, 3),
	VALUE_CASE("--utc", verbosity, 2),
	VALUE_CASE("", existing, EXISTING_REPLACE),
	VALUE_CASE("-k", existing, EXISTING_KEEP),
	VALUE_CASE("--keep-old-files", existing, EXISTING_KEEP),
	VALUE_CASE("--skip-old-files", existing, EXISTING_SKIP),
	VALUE_CASE("--keep-newer-files", existing, EXISTING_KEEP_NEWER),
	VALUE_CASE("-k --overwrite", existing, EXISTING_REPLACE),
	VALUE_CASE("", same_permissions, TRISTATE_DEFAULT),
	VALUE_CASE("-p", same_permissions, TRISTATE_YES),
	VALUE_CASE("--preserve-permissions", same_permissions, TRISTATE_YES),
	VALUE_CASE("--same-permissions", same_permissions, TRISTATE_YES),
	VALUE_CASE("--no-same-permissions", same_permissions, TRISTATE_NO),
	VALUE_CASE("", same_owner, TRISTATE_DEFAULT),
	VALUE_CASE("--same-owner", same_owner, TRISTATE_YES),
	VALUE_CASE("--no-same-owner", same_owner, TRISTATE_NO),
	VALUE_CASE("", sort, SORT_NAME),
	VALUE_CASE("--sort=none", sort, SORT_NONE),
	VALUE_CASE("--sort=inode", sort, SORT_INODE),
	VALUE_CASE("--sort=none --sort=name", sort, SORT_NAME),
	VALUE_CASE("", quoting, QUOTE_ESCAPE),
	VALUE_CASE("--quoting-style=literal", quoting, QUOTE_LITERAL),
	VALUE_CASE("--quoting-style=literal --quoting-style=escape", quoting, QUOTE_ESCAPE),
	VALUE_CASE("--strip-components=2", strip_components, 2),
	VALUE_CASE("--threads=1024", nthreads, 1024),
};

START_TEST(value_is_set_by_its_option) {
	const struct value_case *c = &value_cases[_i];
	char text[100];

	snprintf(text, sizeof(text), "tar -cfa x %s", c->options);
	parse_ok(text);
	ck_assert_uint_eq(*(unsigned int *)((char *)&o + c->offset), c->value);
}
END_TEST

START_TEST(there_are_as_many_threads_as_cores) {
	parse_ok("tar -cfa x");
	ck_assert_uint_eq(o.nthreads, pool_nthreads(0));
	parse_ok("tar -cfa x --threads=3 --threads=0");
	ck_assert_uint_eq(o.nthreads, pool_nthreads(0));
}
END_TEST

START_TEST(overrides_are_handed_on) {
	parse_ok("tar -c x --owner=me:5 --group=us:6 --mode=0600 --mtime=@7");
	ck_assert_str_eq(o.overrides.user.name, "me");
	ck_assert_str_eq(o.overrides.group.name, "us");
	ck_assert_uint_eq(o.overrides.nmode, 1);
	ck_assert_int_eq(o.overrides.mtime.tv_sec, 7);
}
END_TEST

START_TEST(options_without_effect_are_taken) {
	parse_ok("tar -xsBn --preserve-order --same-order --read-full-records --seek --no-seek "
	         "--force-local --check-device --no-check-device --delay-directory-restore "
	         "--no-delay-directory-restore --no-unquote "
	         "--warning=no-timestamp");
	ck_assert_uint_eq(o.noperands, 0);
}
END_TEST

START_TEST(second_threshold_date_is_refused) {
	parse_ok("tar -c x --newer-mtime=2019-01-01");
	ck_assert(o.newer_by_mtime);
	parse_wrong(
	    "tar -c x --newer-mtime=2019-01-01 --newer=2021-01-01", "More than one threshold date");
	parse_wrong(
	    "tar -c x -N 2019-01-01 --newer-mtime=2021-01-01", "More than one threshold date");
}
END_TEST

START_TEST(pax_keywords_are_compared_in_full) {
	parse_ok("tar -c x --pax-option=exthdr.name=%d/%f,delete=atime,delete=ctime");
	parse_wrong("tar -c x --pax-option=delete=atime,delete=ctimeXYZ",
	    "--pax-option: 'delete=ctimeXYZ' is not supported");
	parse_wrong(
	    "tar -c x --pax-option=delete=atim", "--pax-option: 'delete=atim' is not supported");
}
END_TEST

START_TEST(occurrence_is_counted_from_one) {
	parse_ok("tar -t x");
	ck_assert_uint_eq(o.occurrence, 0);
	parse_ok("tar -t x --occurrence");
	ck_assert_uint_eq(o.occurrence, 1);
	parse_ok("tar -t x --occurrence=12");
	ck_assert_uint_eq(o.occurrence, 12);
	parse_ok("tar -xq x");
	ck_assert_uint_eq(o.occurrence, 1);
	parse_wrong("tar -t x --occurrence=0", "0: Invalid number of an occurrence");
	parse_wrong("tar -t x --occurrence=-1", "-1: Invalid number of an occurrence");
	parse_wrong("tar -t --occurrence", "--occurrence is meaningless without a file list");
	parse_wrong("tar -c x --occurrence",
	    "Options '-Acru' and '--links' are incompatible with '--occurrence'");
}
END_TEST

START_TEST(top_level_has_a_name) {
	parse_ok("tar -x --one-top-level=d");
	ck_assert_str_eq(o.top_level, "d");
	parse_wrong("tar -x --one-top-level=", "--one-top-level=: Invalid directory");
}
END_TEST

static TCase *words_case(void) {
	TCase *t = tcase_create("words");

	tcase_add_loop_test(t, every_mode_has_its_names, 0, NELEMENTS(mode_cases));
	tcase_add_test(t, program_is_the_name_without_directories);
	tcase_add_loop_test(t, wrong_command_line_is_explained, 0, NELEMENTS(wrong_cases));
	tcase_add_test(t, option_that_begins_with_nothing_known_may_be_of_any_length);
	tcase_add_test(t, new_style_bundle_takes_its_argument);
	tcase_add_test(t, old_style_bundle_takes_its_arguments_in_order);
	tcase_add_test(t, unique_abbreviations_are_taken);
	tcase_add_test(t, words_behind_two_dashes_are_operands);
	tcase_add_test(t, options_may_stand_behind_operands);
	tcase_add_test(t, parsing_again_begins_anew);
	return t;
}

static TCase *values_case(void) {
	TCase *t = tcase_create("values");

	tcase_add_test(t, archive_is_f_or_TAPE_or_standard_input);
	tcase_add_test(t, blocking_factor_is_in_blocks_or_bytes);
	tcase_add_loop_test(t, format_has_names_and_short_forms, 0, NELEMENTS(format_cases));
	tcase_add_test(t, o_means_no_owners_on_extraction_only);
	tcase_add_test(t, what_a_format_cannot_hold_does_not_matter_when_reading);
	tcase_add_loop_test(t, compression_is_an_option_each, 0, NELEMENTS(compression_cases));
	tcase_add_loop_test(
	    t, level_is_a_digit_or_the_argument_of_a_compression, 0, NELEMENTS(level_cases));
	tcase_add_test(t, size_of_pieces_has_units_and_limits);
	tcase_add_test(t, limits_of_an_archive_are_numbers_with_a_unit);
	tcase_add_test(t, auto_compress_stands_beside_the_compression);
	tcase_add_loop_test(t, flag_is_set_by_its_option, 0, NELEMENTS(flag_cases));
	tcase_add_loop_test(t, value_is_set_by_its_option, 0, NELEMENTS(value_cases));
	tcase_add_test(t, there_are_as_many_threads_as_cores);
	tcase_add_test(t, overrides_are_handed_on);
	tcase_add_test(t, options_without_effect_are_taken);
	tcase_add_test(t, second_threshold_date_is_refused);
	tcase_add_test(t, pax_keywords_are_compared_in_full);
	tcase_add_test(t, occurrence_is_counted_from_one);
	tcase_add_test(t, top_level_has_a_name);
	return t;
}

int main(void) {
	TCase *cases[] = { words_case(), values_case() };
	Suite *suite = suite_create("options");

	for (int i = 0; i < NELEMENTS(cases); i++) {
		tcase_add_checked_fixture(cases[i], setup, teardown);
		suite_add_tcase(suite, cases[i]);
	}
	return run_suite(suite);
}
