#include "config.h"

#include "tar_header.h"

#include <check.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tar_block.h"
#include "suite.h"

/*
 * Headers are judged byte by byte where a format says what stands where, and by whoever has to read
 * them: archives are made of headers and a content in which each byte tells its place, and GNU tar,
 * bsdtar, busybox and Python list and extract them.  A reader that is not installed is left out.
 */

static char directory[] = "/tmp/check_tar_header.XXXXXX";
static struct member_header header;
static struct error err;
static FILE *archive;
static char output[1 << 20];

static const char *const tars[] = { "tar", "bsdtar", "busybox tar" };
#define NTARS (sizeof(tars) / sizeof(tars[0]))

static void setup(void) {
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chdir(directory), 0);
	ck_assert_int_eq(setenv("LC_ALL", "C.UTF-8", 1), 0);
	ck_assert_int_eq(setenv("TZ", "UTC", 1), 0);
}

static void teardown(void) {
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	ck_assert_int_eq(system(command), 0);
	member_header_fini(&header);
}

static struct entry file_entry(const char *name) {
	return (struct entry){
		.name = name,
		.mode = 0640,
		.uid = 1000,
		.gid = 100,
		.uname = "me",
		.gname = "us",
		.mtime = { 1500000000, 0 },
	};
}

static void encode(const struct entry *e, enum format format) {
	ck_assert_msg(tar_header_encode(&header, e, format, &err) == TARN_OK, "%s", err.msg);
	ck_assert_uint_eq(header.nbytes % TAR_BLOCK_NBYTES, 0);
}

static void assert_refused(const struct entry *e, enum format format, const char *words) {
	ck_assert_int_eq(tar_header_encode(&header, e, format, &err), TARN_EREFUSED);
	ck_assert_str_eq(err.msg, words);
}

/* The last block of what was encoded, or the first: the header itself when it is the only one. */
static const struct tar_block *last_block(void) {
	return (const struct tar_block *)(header.data + header.nbytes - TAR_BLOCK_NBYTES);
}

static const struct tar_block *first_block(void) {
	return (const struct tar_block *)header.data;
}

/* The byte of every file's content at ${offset}. */
static int content_at(off_t offset) {
	return (int)('A' + offset % 61 % 26);
}

static void archive_begin(void) {
	archive = fopen("a.tar", "w");
	ck_assert_ptr_nonnull(archive);
}

static void archive_add(const struct entry *e, enum format format) {
	encode(e, format);
	fwrite(header.data, 1, header.nbytes, archive);
	for (size_t i = 0; i < header.nextents; i++) {
		for (off_t k = 0; k < header.extents[i].nbytes; k++)
			putc(content_at(header.extents[i].offset + k), archive);
	}
	while (ftello(archive) % TAR_BLOCK_NBYTES != 0)
		putc(0, archive);
}

static void archive_end(void) {
	for (int i = 0; i < 2 * TAR_BLOCK_NBYTES; i++)
		putc(0, archive);
	ck_assert_int_eq(fclose(archive), 0);
}

static void archive_one(const struct entry *e, enum format format) {
	archive_begin();
	archive_add(e, format);
	archive_end();
}

/* Run a command; what it says on both outputs is in output.  It must end with status 0. */
__attribute__((format(printf, 1, 2))) static void run(const char *format, ...) {
	char command[4096];
	va_list args;
	FILE *out;
	size_t n;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	out = popen(command, "r");
	n = fread(output, 1, sizeof(output) - 1, out);
	output[n] = '\0';
	ck_assert_msg(pclose(out) == 0, "%s: %s", command, output);
}

static bool has_program(const char *name) {
	char command[128];

	snprintf(
	    command, sizeof(command), "command -v %.*s >/dev/null", (int)strcspn(name, " "), name);
	return system(command) == 0;
}

/* What Python's tarfile makes of ${expression}, about the member m, for each member a line. */
static bool ask_python(const char *expression) {
	if (!has_program("python3"))
		return false;
	run("python3 -c '\n"
	    "import tarfile, sys\n"
	    "out = open(1, \"wb\")\n"
	    "for m in tarfile.open(\"a.tar\"):\n"
	    "    out.write(str(%s).encode(\"utf-8\", \"surrogateescape\") + b\"\\n\")\n"
	    "' 2>&1",
	    expression);
	return true;
}

static void ask_gnu_tar(const char *options) {
	run("tar --quoting-style=literal %s -tf a.tar 2>&1", options);
}

/* A record of the extended header at the beginning of header; NULL: there is none. */
static const char *find_record(const char *keyword, size_t *nbytes) {
	const struct tar_block *b = first_block();
	const char *at = (const char *)header.data + TAR_BLOCK_NBYTES, *found = NULL, *end;

	if (b->type != 'x')
		return NULL;
	end = at + strtoul(b->size, NULL, 8);
	while (at < end) {
		char *space;
		size_t length = strtoul(at, &space, 10), keyword_nbytes = strlen(keyword);

		ck_assert_int_eq(*space, ' ');
		ck_assert_uint_le(length, (size_t)(end - at));
		ck_assert_int_eq(at[length - 1], '\n');
		if (strncmp(space + 1, keyword, keyword_nbytes) == 0 &&
		    space[1 + keyword_nbytes] == '=') {
			ck_assert_ptr_null(found);
			found = space + 1 + keyword_nbytes + 1;
			*nbytes = (size_t)(at + length - 1 - found);
		}
		at += length;
	}
	ck_assert_ptr_eq(at, end);
	return found;
}

static void assert_record(const char *keyword, const char *value) {
	size_t nbytes = 0;
	const char *found = find_record(keyword, &nbytes);

	ck_assert_msg(found != NULL, "no record %s", keyword);
	ck_assert_uint_eq(nbytes, strlen(value));
	ck_assert_mem_eq(found, value, nbytes);
}

static void assert_no_record(const char *keyword) {
	size_t nbytes;

	ck_assert_ptr_null(find_record(keyword, &nbytes));
}

/* A name of ${nbytes} from ${unit}, with a slash in every place that divides by ${every}. */
static char *make_name(size_t nbytes, const char *unit, size_t every) {
	char *name = malloc(nbytes + 1);

	for (size_t i = 0; i < nbytes; i++)
		name[i] = unit[i % strlen(unit)];
	for (size_t i = every; every > 0 && i + 1 < nbytes; i += every)
		name[i] = '/';
	name[nbytes] = '\0';
	return name;
}

/* --- names ---------------------------------------------------------------------------------- */

static const enum format formats_of_any_name[] = { FORMAT_PAX, FORMAT_GNU };

#define NAME_MAX_NBYTES 300

/* An archive of names of all lengths; what a reader should list is put into ${expected}. */
static void archive_all_lengths(
    enum format format, const char *unit, size_t every, FILE *expected) {
	archive_begin();
	for (size_t n = 1; n <= NAME_MAX_NBYTES; n++) {
		char *name = make_name(n, unit, every);
		struct entry e = file_entry(name);

		e.type = n % 2 == 0 ? ENTRY_DIRECTORY : ENTRY_FILE;
		e.mtime.tv_nsec = n % 3 == 0 ? 500000000 : 0;
		archive_add(&e, format);
		fprintf(expected, "%s%s\n", name, e.type == ENTRY_DIRECTORY ? "/" : "");
		free(name);
	}
	archive_end();
}

START_TEST(names_of_every_length_come_back) {
	static const size_t slashes[] = { 0, 7, 50, 99, 100, 101, 155, 156 };
	enum format format = formats_of_any_name[_i % 2];
	char *expected;
	size_t n;
	FILE *f = open_memstream(&expected, &n);

	archive_all_lengths(format, "abcdefghijk", slashes[_i / 2], f);
	fclose(f);
	for (size_t i = 0; i < NTARS; i++) {
		if (!has_program(tars[i]))
			continue;
		run("%s -tf a.tar 2>&1", tars[i]);
		ck_assert_msg(strcmp(output, expected) == 0, "%s: %s", tars[i], output);
	}
	if (ask_python("m.name + (\"/\" if m.isdir() else \"\")"))
		ck_assert_str_eq(output, expected);
	free(expected);
}
END_TEST

START_TEST(names_that_are_not_utf8_come_back_in_silence) {
	static const size_t slashes[] = { 0, 50, 155 };
	enum format format = formats_of_any_name[_i % 2];
	char *expected;
	size_t n;
	FILE *f = open_memstream(&expected, &n);

	archive_all_lengths(format, "\xff\xe9\x80", slashes[_i / 2], f);
	fclose(f);
	if (has_program("tar")) {
		ask_gnu_tar("");
		ck_assert_str_eq(output, expected);
	}
	if (ask_python("m.name + (\"/\" if m.isdir() else \"\")"))
		ck_assert_str_eq(output, expected);
	/* These escape what they list, but say nothing else. */
	for (size_t i = 1; i < NTARS; i++) {
		if (!has_program(tars[i]))
			continue;
		run("%s -tf a.tar 2>&1 >/dev/null", tars[i]);
		ck_assert_str_eq(output, "");
		run("%s -tf a.tar | wc -l", tars[i]);
		ck_assert_int_eq(atoi(output), NAME_MAX_NBYTES);
	}
	free(expected);
}
END_TEST

START_TEST(long_utf8_names_are_records) {
	/* All three places at which a field can cut a character in two. */
	static const char *const before[] = { "", "x", "xx" };
	char *euros = make_name(399, "\xe2\x82\xac", 0),
	     *target = make_name(300, "\xe2\x82\xac", 0);
	char name[512], expected[1024];
	struct entry e = file_entry(name);

	snprintf(name, sizeof(name), "%s%s", before[_i], euros);
	e.type = ENTRY_SYMLINK;
	e.target = target;
	archive_one(&e, FORMAT_PAX);
	ck_assert_uint_eq(header.nbytes, 4 * TAR_BLOCK_NBYTES);
	assert_record("path", name);
	assert_record("linkpath", target);
	snprintf(expected, sizeof(expected), "%s\n", name);
	if (has_program("bsdtar")) {
		run("bsdtar -tf a.tar 2>&1");
		ck_assert_str_eq(output, expected);
	}
	if (has_program("tar")) {
		ask_gnu_tar("");
		ck_assert_str_eq(output, expected);
	}
	free(euros);
	free(target);
}
END_TEST

START_TEST(name_that_fits_takes_one_block) {
	char *flat = make_name(100, "abc", 0), *split = make_name(256, "abc", 155);
	struct entry e = file_entry(flat);

	encode(&e, FORMAT_PAX);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
	ck_assert_mem_eq(first_block()->name, flat, 100);
	e.name = split;
	encode(&e, FORMAT_PAX);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
	ck_assert_mem_eq(first_block()->end.prefix, split, 155);
	ck_assert_mem_eq(first_block()->name, split + 156, 100);
	e.name = "\xff\xfe";
	encode(&e, FORMAT_PAX);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
	ck_assert_str_eq(first_block()->name, "\xff\xfe");
	free(flat);
	free(split);
}
END_TEST

START_TEST(name_that_does_not_fit_takes_more) {
	char *flat = make_name(101, "abc", 0), *split = make_name(257, "abc", 155);
	char *late = make_name(200, "abc", 156);
	const char *names[] = { flat, split, late };

	for (size_t i = 0; i < 3; i++) {
		struct entry e = file_entry(names[i]);

		encode(&e, FORMAT_PAX);
		ck_assert_uint_eq(header.nbytes, 3 * TAR_BLOCK_NBYTES);
		assert_record("path", names[i]);
		encode(&e, FORMAT_GNU);
		ck_assert_uint_eq(header.nbytes, 3 * TAR_BLOCK_NBYTES);
		ck_assert_int_eq(first_block()->type, 'L');
		ck_assert_str_eq((char *)header.data + TAR_BLOCK_NBYTES, names[i]);
	}
	free(flat);
	free(split);
	free(late);
}
END_TEST

START_TEST(several_slashes_are_split_at_the_first) {
	char *above = make_name(90, "abc", 0), *below = make_name(60, "def", 0), *name;
	struct entry e;

	ck_assert_int_ge(asprintf(&name, "%s////%s", above, below), 0);
	e = file_entry(name);
	encode(&e, FORMAT_USTAR);
	ck_assert_str_eq(first_block()->end.prefix, above);
	ck_assert_str_eq(first_block()->name, name + 91);
	free(above);
	free(below);
	free(name);
}
END_TEST

START_TEST(ustar_refuses_names_that_cannot_be_split) {
	char *flat = make_name(101, "abc", 0), *split = make_name(256, "abc", 155);
	char *longer = make_name(257, "abc", 155), *link_name = make_name(101, "abc", 9);
	struct entry e = file_entry(flat);

	assert_refused(&e, FORMAT_USTAR, "file name is too long (cannot be split); not dumped");
	e.name = split;
	encode(&e, FORMAT_USTAR);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
	/* The slash at the end of a directory counts, and is none to split at. */
	e.type = ENTRY_DIRECTORY;
	assert_refused(&e, FORMAT_USTAR, "file name is too long (max 256); not dumped");
	e.name = flat + 1;
	assert_refused(&e, FORMAT_USTAR, "file name is too long (cannot be split); not dumped");
	e.name = longer;
	assert_refused(&e, FORMAT_USTAR, "file name is too long (max 256); not dumped");
	e = file_entry("b");
	e.first_name = link_name + 1;
	encode(&e, FORMAT_USTAR);
	e.first_name = link_name;
	assert_refused(&e, FORMAT_USTAR, "link name is too long; not dumped");
	free(flat);
	free(split);
	free(longer);
	free(link_name);
}
END_TEST

START_TEST(v7_ends_names_with_nul_and_has_no_magic) {
	char *name = make_name(100, "abc", 9);
	struct entry e = file_entry(name + 1);

	encode(&e, FORMAT_V7);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
	ck_assert_str_eq(first_block()->name, name + 1);
	ck_assert_int_eq(first_block()->magic[0], '\0');
	ck_assert_int_eq(first_block()->uname[0], '\0');
	ck_assert_int_eq(first_block()->type, '\0');
	e.name = name;
	assert_refused(&e, FORMAT_V7, "file name is too long (max 99); not dumped");
	e = file_entry("b");
	e.first_name = name + 1;
	encode(&e, FORMAT_V7);
	ck_assert_int_eq(first_block()->type, '1');
	ck_assert_str_eq(first_block()->link_name, name + 1);
	e.first_name = name;
	assert_refused(&e, FORMAT_V7, "link name is too long; not dumped");
	free(name);
}
END_TEST

START_TEST(only_utf8_is_a_record) {
	static const struct {
		const char *bytes;
		bool is_utf8;
	} cases[] = {
		{ "\x7f", true },
		{ "\x80", false },
		{ "\xc1\xbf", false },
		{ "\xc2\x80", true },
		{ "\xc2", false },
		{ "\xdf\xc0", false },
		{ "\xe0\x9f\xbf", false },
		{ "\xe0\xa0\x80", true },
		{ "\xed\x9f\xbf", true },
		{ "\xed\xa0\x80", false },
		{ "\xef\xbf\xbf", true },
		{ "\xef\xbf", false },
		{ "\xf0\x8f\xbf\xbf", false },
		{ "\xf0\x90\x80\x80", true },
		{ "\xf4\x8f\xbf\xbf", true },
		{ "\xf4\x90\x80\x80", false },
		{ "\xf5\x80\x80\x80", false },
		{ "\xff", false },
	};
	char *name = make_name(120, "abc", 0), bytes[128];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct entry e = file_entry(bytes);

		snprintf(bytes, sizeof(bytes), "%s%s", name, cases[i].bytes);
		encode(&e, FORMAT_PAX);
		ck_assert_msg(first_block()->type == (cases[i].is_utf8 ? 'x' : 'L'), "case %zu", i);
	}
	free(name);
}
END_TEST

START_TEST(directories_have_one_slash_at_the_end) {
	struct entry e = file_entry("a/b");

	e.type = ENTRY_DIRECTORY;
	encode(&e, FORMAT_PAX);
	ck_assert_str_eq(last_block()->name, "a/b/");
	ck_assert_int_eq(last_block()->type, '5');
	e.name = "/";
	encode(&e, FORMAT_PAX);
	ck_assert_str_eq(last_block()->name, "/");
}
END_TEST

START_TEST(checksum_is_that_of_the_block_with_blanks) {
	struct entry e = file_entry("\xff\xfe");
	unsigned int sum = 8 * ' ';
	char expected[16];

	encode(&e, FORMAT_PAX);
	for (size_t i = 0; i < TAR_BLOCK_NBYTES; i++)
		sum += i < 148 || i >= 156 ? header.data[i] : 0;
	snprintf(expected, sizeof(expected), "%06o", sum);
	ck_assert_mem_eq(header.data + 148, expected, 7);
	ck_assert_int_eq(header.data[155], ' ');
}
END_TEST

START_TEST(formats_have_their_magic) {
	struct entry e = file_entry("a");

	encode(&e, FORMAT_PAX);
	ck_assert_mem_eq(last_block()->magic,
	    "ustar\0"
	    "00",
	    8);
	encode(&e, FORMAT_USTAR);
	ck_assert_mem_eq(last_block()->magic,
	    "ustar\0"
	    "00",
	    8);
	encode(&e, FORMAT_GNU);
	ck_assert_mem_eq(last_block()->magic, "ustar  ", 8);
}
END_TEST

/* --- later names ---------------------------------------------------------------------------- */

START_TEST(later_name_is_one_block) {
	static const enum format formats[] = { FORMAT_PAX, FORMAT_USTAR, FORMAT_GNU, FORMAT_V7 };
	static const struct xattr xattr = { "user.a", "1", 1 };
	struct entry e = file_entry("b");

	e.first_name = "a";
	e.size = 12345;
	e.mtime.tv_nsec = 5;
	e.xattrs = &xattr;
	e.nxattrs = 1;
	e.acl_access = "user::rw-,group::r--,other::r--";
	encode(&e, formats[_i]);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
	ck_assert_int_eq(first_block()->type, '1');
	ck_assert_str_eq(first_block()->link_name, "a");
	ck_assert_str_eq(first_block()->size, "00000000000");
	ck_assert_int_eq(header.content_nbytes, 0);
	ck_assert_uint_eq(header.nextents, 0);
}
END_TEST

START_TEST(later_name_leaves_to_the_first_what_does_not_fit) {
	struct entry e = file_entry("b");

	e.first_name = "a";
	e.uid = e.gid = UINT64_C(1) << 40;
	e.uname = e.gname = "somebody.with.a.name.that.is.longer.than.its.field";
	e.mtime.tv_sec = -1;
	encode(&e, FORMAT_PAX);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
	ck_assert_str_eq(first_block()->uid, "0000000");
	ck_assert_str_eq(first_block()->mtime, "00000000000");
}
END_TEST

START_TEST(later_name_of_any_type_is_a_link) {
	struct entry e = file_entry("b");

	e.first_name = "a";
	e.type = ENTRY_CHAR_DEVICE;
	e.rdev_major = 1;
	encode(&e, FORMAT_V7);
	ck_assert_int_eq(first_block()->type, '1');
	ck_assert_int_eq(first_block()->major[0], '\0');
}
END_TEST

START_TEST(long_later_name_says_both_names) {
	char *name = make_name(150, "abc", 0), *first = make_name(160, "cba", 0);
	char *bytes = make_name(150, "\xfe", 0), *first_bytes = make_name(160, "\xff", 0);
	char expected[1024];
	struct entry e = file_entry(name);

	e.first_name = first;
	archive_begin();
	archive_add(&e, FORMAT_PAX);
	assert_record("path", name);
	assert_record("linkpath", first);
	e.name = bytes;
	e.first_name = first_bytes;
	archive_add(&e, FORMAT_PAX);
	archive_add(&e, FORMAT_GNU);
	archive_end();
	snprintf(expected, sizeof(expected), "%s %s\n%s %s\n%s %s\n", name, first, bytes,
	    first_bytes, bytes, first_bytes);
	if (ask_python("m.name + \" \" + m.linkname"))
		ck_assert_str_eq(output, expected);
	for (size_t i = 0; i < NTARS; i++) {
		if (has_program(tars[i]))
			run("! %s -tf a.tar 2>&1 >/dev/null | grep .", tars[i]);
	}
	free(name);
	free(first);
	free(bytes);
	free(first_bytes);
}
END_TEST

/* --- numbers and times ---------------------------------------------------------------------- */

#define GIB8 (INT64_C(1) << 33)

START_TEST(content_from_8_gib_on_needs_more_than_octal) {
	struct entry e = file_entry("a");

	e.size = GIB8 - 1;
	encode(&e, FORMAT_PAX);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
	ck_assert_str_eq(first_block()->size, "77777777777");
	ck_assert_int_eq(header.content_nbytes, GIB8 - 1);
	e.size = GIB8;
	encode(&e, FORMAT_PAX);
	assert_record("size", "8589934592");
	ck_assert_str_eq(last_block()->size, "00000000000");
	ck_assert_int_eq(header.content_nbytes, GIB8);
	encode(&e, FORMAT_GNU);
	ck_assert_mem_eq(first_block()->size, "\x80\0\0\0\0\0\0\2\0\0\0\0", 12);
	e.size = INT64_MAX;
	encode(&e, FORMAT_GNU);
	ck_assert_mem_eq(first_block()->size, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12);
	assert_refused(
	    &e, FORMAT_USTAR, "value 9223372036854775807 out of off_t range 0..8589934591");
}
END_TEST

START_TEST(owners_from_21_bits_on_need_more_than_octal) {
	struct entry e = file_entry("a");

	e.uid = 2097151;
	e.gid = 0;
	encode(&e, FORMAT_PAX);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
	ck_assert_str_eq(first_block()->uid, "7777777");
	ck_assert_str_eq(first_block()->gid, "0000000");
	e.uid = 2097152;
	e.gid = 4294967295;
	assert_refused(&e, FORMAT_USTAR, "value 2097152 out of uid_t range 0..2097151");
	assert_refused(&e, FORMAT_V7, "value 2097152 out of uid_t range 0..2097151");
	archive_begin();
	archive_add(&e, FORMAT_GNU);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
	archive_add(&e, FORMAT_PAX);
	assert_record("uid", "2097152");
	assert_record("gid", "4294967295");
	ck_assert_str_eq(last_block()->uid, "0000000");
	archive_end();
	if (has_program("tar")) {
		ask_gnu_tar("-v --numeric-owner");
		ck_assert_ptr_nonnull(strstr(output, "2097152/4294967295"));
		ck_assert_ptr_nonnull(strstr(strchr(output, '\n'), "2097152/4294967295"));
	}
	e.uid = (UINT64_C(1) << 56) - 1;
	encode(&e, FORMAT_GNU);
	e.uid++;
	assert_refused(&e, FORMAT_GNU,
	    "value 72057594037927936 out of uid_t range "
	    "-72057594037927936..72057594037927935");
}
END_TEST

START_TEST(devices_have_their_numbers) {
	struct entry e = file_entry("a");

	e.type = ENTRY_BLOCK_DEVICE;
	e.rdev_major = 8;
	e.rdev_minor = 17;
	encode(&e, FORMAT_PAX);
	ck_assert_int_eq(first_block()->type, '4');
	ck_assert_str_eq(first_block()->major, "0000010");
	ck_assert_str_eq(first_block()->minor, "0000021");
	e.rdev_minor = 2097152;
	assert_refused(&e, FORMAT_PAX, "value 2097152 out of minor_t range 0..2097151");
	encode(&e, FORMAT_GNU);
	ck_assert_mem_eq(first_block()->minor, "\x80\0\0\0\0\x20\0\0", 8);
}
END_TEST

START_TEST(v7_has_no_devices_and_fifos) {
	static const enum entry_type types[] = { ENTRY_FIFO, ENTRY_CHAR_DEVICE,
		ENTRY_BLOCK_DEVICE };
	struct entry e = file_entry("a");

	for (size_t i = 0; i < 3; i++) {
		e.type = types[i];
		encode(&e, FORMAT_USTAR);
		assert_refused(&e, FORMAT_V7, "Unknown file type; file ignored");
	}
	e.type = ENTRY_SOCKET;
	assert_refused(&e, FORMAT_PAX, "Unknown file type; file ignored");
}
END_TEST

static const struct {
	struct timespec mtime;
	const char *record; /* NULL: none */
} times[] = {
	{ { 0, 0 }, NULL },
	{ { 8589934591, 0 }, NULL },
	{ { 8589934592, 0 }, "8589934592" },
	{ { 1500000000, 1 }, "1500000000.000000001" },
	{ { 1500000000, 120000000 }, "1500000000.12" },
	{ { 1500000000, 999999999 }, "1500000000.999999999" },
	{ { 100, 5 }, "100.000000005" },
	{ { -1, 0 }, "-1" },
	{ { -1, 500000000 }, "-0.5" },
	{ { -10, 0 }, "-10" },
	{ { -2, 999999999 }, "-1.000000001" },
	{ { INT64_MIN, 0 }, "-9223372036854775808" },
	{ { INT64_MAX, 999999999 }, "9223372036854775807.999999999" },
};
#define NTIMES ((int)(sizeof(times) / sizeof(times[0])))

START_TEST(mtime_is_a_record_where_the_field_cannot_say_it) {
	struct entry e = file_entry("a");

	e.mtime = times[_i].mtime;
	encode(&e, FORMAT_PAX);
	if (times[_i].record != NULL)
		assert_record("mtime", times[_i].record);
	else
		ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
}
END_TEST

START_TEST(times_are_read_as_they_were) {
	struct entry e = file_entry("a");

	e.mtime = (struct timespec){ 1500000000, 123456789 };
	archive_begin();
	archive_add(&e, FORMAT_PAX);
	e.mtime = (struct timespec){ -86400, 0 };
	archive_add(&e, FORMAT_PAX);
	archive_add(&e, FORMAT_GNU);
	archive_end();
	if (ask_python("m.mtime"))
		ck_assert_str_eq(output, "1500000000.1234567\n-86400.0\n-86400\n");
	if (!has_program("tar"))
		return;
	ask_gnu_tar("-v --full-time");
	ck_assert_ptr_nonnull(strstr(output, "2017-07-14 02:40:00.123456789"));
	ck_assert_ptr_nonnull(strstr(output, "1969-12-31 00:00:00"));
}
END_TEST

START_TEST(ustar_refuses_times_before_1970) {
	struct entry e = file_entry("a");

	e.mtime.tv_sec = -1;
	assert_refused(&e, FORMAT_USTAR, "value -1 out of time_t range 0..8589934591");
}
END_TEST

/* --- owners, attributes and records --------------------------------------------------------- */

START_TEST(long_owner_names_are_records) {
	static const char name[] = "0123456789abcdef0123456789abcdef";
	struct entry e = file_entry("a");

	e.uname = name + 1;
	e.gname = name;
	encode(&e, FORMAT_PAX);
	assert_no_record("uname");
	assert_record("gname", name);
	ck_assert_str_eq(last_block()->uname, name + 1);
	encode(&e, FORMAT_GNU);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
	ck_assert_str_eq(last_block()->gname, "0123456789abcdef0123456789abcde");
	/* One that cannot be a record is cut. */
	e.gname = "0123456789abcdef0123456789abcde\xff";
	encode(&e, FORMAT_PAX);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
}
END_TEST

START_TEST(records_count_their_own_digits) {
	static char value[1200];
	struct xattr xattr = { "user.a", value, 0 };
	struct entry e = file_entry("a");
	size_t nbytes = 0;

	memset(value, 'v', sizeof(value));
	e.xattrs = &xattr;
	e.nxattrs = 1;
	for (; xattr.nbytes < sizeof(value); xattr.nbytes++) {
		encode(&e, FORMAT_PAX);
		ck_assert_ptr_nonnull(find_record("SCHILY.xattr.user.a", &nbytes));
		ck_assert_uint_eq(nbytes, xattr.nbytes);
	}
}
END_TEST

START_TEST(attributes_are_records_with_their_bytes) {
	static const char value[] = "a\0b\nc=d\xff";
	static const struct xattr xattrs[] = {
		{ "user.x=y%z", "plain", 5 },
		{ "user.binary", value, sizeof(value) },
		{ "user.empty", "", 0 },
	};
	struct entry e = file_entry("a");
	const char *found;
	size_t nbytes = 0;

	e.xattrs = xattrs;
	e.nxattrs = 3;
	archive_one(&e, FORMAT_PAX);
	assert_record("SCHILY.xattr.user.x%3Dy%25z", "plain");
	assert_record("SCHILY.xattr.user.empty", "");
	found = find_record("SCHILY.xattr.user.binary", &nbytes);
	ck_assert_uint_eq(nbytes, sizeof(value));
	ck_assert_mem_eq(found, value, sizeof(value));
	if (has_program("tar")) {
		ask_gnu_tar("-vv --xattrs --xattrs-include=*");
		ck_assert_msg(strstr(output, "x: 5 user.x=y%z\n") != NULL, "%s", output);
		ck_assert_msg(strstr(output, "x: 9 user.binary\n") != NULL, "%s", output);
	}
	encode(&e, FORMAT_GNU);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
}
END_TEST

START_TEST(acls_are_records) {
	struct entry e = file_entry("a");

	e.type = ENTRY_DIRECTORY;
	e.acl_access = "user::rwx,user:7:r--,group::r-x,mask::r-x,other::---";
	e.acl_default = "user::rwx,group::r-x,other::---";
	archive_one(&e, FORMAT_PAX);
	assert_record("SCHILY.acl.access", e.acl_access);
	assert_record("SCHILY.acl.default", e.acl_default);
	if (has_program("bsdtar"))
		run("bsdtar -tvf a.tar 2>&1");
}
END_TEST

START_TEST(extended_header_says_what_it_belongs_to) {
	struct entry e = file_entry("some/where/name");
	char *longer = make_name(120, "abc", 0);

	e.mtime.tv_nsec = 1;
	encode(&e, FORMAT_PAX);
	ck_assert_int_eq(first_block()->type, 'x');
	ck_assert_str_eq(first_block()->name, "some/where/PaxHeaders/name");
	ck_assert_str_eq(first_block()->mode, "0000644");
	ck_assert_str_eq(first_block()->mtime, last_block()->mtime);
	e.name = "name";
	encode(&e, FORMAT_PAX);
	ck_assert_str_eq(first_block()->name, "./PaxHeaders/name");
	e.name = longer;
	encode(&e, FORMAT_PAX);
	ck_assert_mem_eq(first_block()->name, "./PaxHeaders/abcabc", 19);
	ck_assert_int_eq(first_block()->name[99], longer[99 - 13]);
	ck_assert_str_eq(first_block()->mode, "0000644");
	free(longer);
}
END_TEST

START_TEST(memory_is_reused) {
	struct entry e = file_entry("a/b");
	unsigned char *data;

	e.mtime.tv_nsec = 1;
	encode(&e, FORMAT_PAX);
	data = header.data;
	for (int i = 0; i < 100; i++)
		encode(&e, FORMAT_PAX);
	ck_assert_ptr_eq(header.data, data);
	ck_assert_uint_le(header.capacity, 8 * TAR_BLOCK_NBYTES);
}
END_TEST

/* --- sparse files --------------------------------------------------------------------------- */

#define MAX_EXTENTS 100

static const struct {
	off_t size, offset, nbytes, stride;
	size_t n;
} maps[] = {
	{ 100000, 0, 0, 0, 0 },           /* one hole */
	{ 100000, 4096, 4096, 0, 1 },     /* holes around */
	{ 100000, 0, 4096, 0, 1 },        /* a hole behind */
	{ 100000, 98304, 1696, 0, 1 },    /* a hole before, and an end inside of a block */
	{ 100000, 4096, 4096, 16384, 4 }, /* as many runs as GNU's header has room for */
	{ 100000, 4096, 4096, 12288, 5 }, /* one more, */
	{ 100000, 0, 512, 2048, 24 },     /* a full second block with the hole at the end, */
	{ 100000, 0, 512, 2048, 25 },     /* one more */
	{ 200000, 512, 512, 2048, 90 },   /* several blocks */
	{ 100000, 1000, 10, 5000, 12 },   /* runs that do not begin at blocks */
	{ 100000, 1000, 300, 400, 9 },    /* whose blocks touch */
	{ 5000, 4990, 10, 0, 1 },         /* at the very end */
};
#define NMAPS ((int)(sizeof(maps) / sizeof(maps[0])))

static struct entry sparse_entry(const char *name, int map, struct extent extents[MAX_EXTENTS]) {
	struct entry e = file_entry(name);

	e.size = maps[map].size;
	e.is_sparse = true;
	e.extents = extents;
	e.nextents = maps[map].n;
	for (size_t i = 0; i < e.nextents; i++)
		extents[i] = (struct extent){ maps[map].offset + (off_t)i * maps[map].stride,
			maps[map].nbytes };
	return e;
}

/*
 * The file of ${e} must be at its name in ${directory}: its size, content where there are runs, and
 * zeros where not even the rest of a run's block may be.
 */
static void assert_sparse_file(const struct entry *e, const char *reader) {
	FILE *f = fopen(e->name, "r");
	char *may_be_data = calloc(1, (size_t)e->size + TAR_BLOCK_NBYTES);
	char *is_data = calloc(1, (size_t)e->size);
	off_t at = 0;
	bool is_right = true;
	int c = 0;

	ck_assert_msg(f != NULL, "%s", reader);
	for (size_t i = 0; i < e->nextents; i++) {
		off_t end = e->extents[i].offset + e->extents[i].nbytes;
		off_t from = e->extents[i].offset / TAR_BLOCK_NBYTES * TAR_BLOCK_NBYTES;

		memset(is_data + e->extents[i].offset, 1, (size_t)e->extents[i].nbytes);
		memset(may_be_data + from, 1,
		    (size_t)((end + TAR_BLOCK_NBYTES - 1) / TAR_BLOCK_NBYTES * TAR_BLOCK_NBYTES -
		        from));
	}
	/* An assertion for each byte would take long. */
	while (at < e->size && is_right) {
		c = getc(f);
		is_right = c == 0 ? !is_data[at] : c == content_at(at) && may_be_data[at];
		at++;
	}
	ck_assert_msg(is_right, "%s: byte %jd is %d", reader, (intmax_t)at - 1, c);
	ck_assert_int_eq(getc(f), EOF);
	fclose(f);
	unlink(e->name);
	free(may_be_data);
	free(is_data);
}

START_TEST(sparse_files_come_back) {
	enum format format = formats_of_any_name[_i % 2];
	struct extent extents[MAX_EXTENTS];
	struct entry e = sparse_entry("d/sparse", _i / 2, extents), after = file_entry("after");

	archive_begin();
	archive_add(&e, format);
	ck_assert_int_lt(header.content_nbytes, e.size);
	archive_add(&after, format);
	archive_end();
	/* busybox does not know sparse files. */
	for (size_t i = 0; i < 2; i++) {
		if (!has_program(tars[i]))
			continue;
		run("%s -xf a.tar 2>&1", tars[i]);
		ck_assert_str_eq(output, "");
		assert_sparse_file(&e, tars[i]);
		ck_assert_int_eq(unlink("after"), 0);
	}
	if (!has_program("python3"))
		return;
	run("python3 -c 'import tarfile; tarfile.open(\"a.tar\").extractall()' 2>&1");
	assert_sparse_file(&e, "python3");
	ck_assert_int_eq(unlink("after"), 0);
}
END_TEST

START_TEST(pax_sparse_map_stands_before_the_data) {
	struct extent extents[] = { { 4096, 512 }, { 8192, 100 } };
	struct entry e = file_entry("d/sparse");

	e.size = 20000;
	e.is_sparse = true;
	e.extents = extents;
	e.nextents = 2;
	encode(&e, FORMAT_PAX);
	assert_record("GNU.sparse.major", "1");
	assert_record("GNU.sparse.minor", "0");
	assert_record("GNU.sparse.name", "d/sparse");
	assert_record("GNU.sparse.realsize", "20000");
	ck_assert_str_eq((const char *)last_block(), "3\n4096\n512\n8192\n512\n20000\n0\n");
	ck_assert_str_eq((last_block() - 1)->name, "d/GNUSparseFile.0/sparse");
	ck_assert_str_eq((last_block() - 1)->size, "00000003000");
	ck_assert_int_eq(header.content_nbytes, 1024);
}
END_TEST

START_TEST(runs_that_touch_are_one) {
	static const struct extent extents[] = { { 512, 512 }, { 1024, 512 }, { 2000, 10 } };
	struct entry e = file_entry("a");

	e.is_sparse = true;
	e.size = 10000;
	e.extents = extents;
	e.nextents = 3;
	encode(&e, FORMAT_PAX);
	ck_assert_str_eq((const char *)last_block(), "2\n512\n1536\n10000\n0\n");
}
END_TEST

START_TEST(sparse_file_with_name_that_is_not_utf8_is_stored_under_it) {
	struct extent extents[MAX_EXTENTS];
	struct entry e = sparse_entry("sparse\xff", 1, extents);

	archive_one(&e, FORMAT_PAX);
	assert_no_record("GNU.sparse.name");
	for (size_t i = 0; i < 2; i++) {
		if (!has_program(tars[i]))
			continue;
		run("%s -xf a.tar 2>&1", tars[i]);
		ck_assert_str_eq(output, "");
		assert_sparse_file(&e, tars[i]);
	}
}
END_TEST

START_TEST(sparse_file_without_holes_is_a_plain_one) {
	enum format format = formats_of_any_name[_i];
	struct extent extent = { 0, 2000 };
	struct entry e = file_entry("a");

	e.is_sparse = true;
	e.extents = &extent;
	e.nextents = 1;
	e.size = 2000;
	encode(&e, format);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
	ck_assert_int_eq(first_block()->type, '0');
	ck_assert_int_eq(header.content_nbytes, 2000);
	e.nextents = 0;
	e.size = 0;
	encode(&e, format);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
	ck_assert_int_eq(header.content_nbytes, 0);
}
END_TEST

START_TEST(holes_smaller_than_their_map_are_content) {
	struct extent extent = { 512, INT64_MAX - 512 };
	struct entry e = file_entry("a");

	e.is_sparse = true;
	e.size = INT64_MAX;
	e.extents = &extent;
	e.nextents = 1;
	encode(&e, FORMAT_PAX);
	assert_no_record("GNU.sparse.major");
	assert_record("size", "9223372036854775807");
	ck_assert_int_eq(header.content_nbytes, INT64_MAX);
}
END_TEST

START_TEST(ustar_and_v7_store_holes_as_content) {
	struct extent extents[MAX_EXTENTS];
	struct entry e = sparse_entry("a", 1, extents);

	encode(&e, _i == 0 ? FORMAT_USTAR : FORMAT_V7);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
	ck_assert_int_eq(header.content_nbytes, e.size);
	ck_assert_uint_eq(header.nextents, 1);
	ck_assert_int_eq(header.extents[0].offset, 0);
	ck_assert_int_eq(header.extents[0].nbytes, e.size);
}
END_TEST

START_TEST(run_at_the_end_of_the_largest_file_is_not_rounded_beyond) {
	struct extent extent = { INT64_MAX - 10, 10 };
	struct entry e = file_entry("a");

	e.is_sparse = true;
	e.size = INT64_MAX;
	e.extents = &extent;
	e.nextents = 1;
	encode(&e, FORMAT_PAX);
	ck_assert_int_eq(header.content_nbytes, 511);
	assert_record("GNU.sparse.realsize", "9223372036854775807");
	encode(&e, FORMAT_GNU);
	ck_assert_mem_eq(
	    first_block()->end.gnu.real_size, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12);
}
END_TEST

static void add_name_tests(TCase *tc) {
	tcase_add_loop_test(tc, names_of_every_length_come_back, 0, 16);
	tcase_add_loop_test(tc, names_that_are_not_utf8_come_back_in_silence, 0, 6);
	tcase_add_loop_test(tc, long_utf8_names_are_records, 0, 3);
	tcase_add_test(tc, name_that_fits_takes_one_block);
	tcase_add_test(tc, name_that_does_not_fit_takes_more);
	tcase_add_test(tc, several_slashes_are_split_at_the_first);
	tcase_add_test(tc, ustar_refuses_names_that_cannot_be_split);
	tcase_add_test(tc, v7_ends_names_with_nul_and_has_no_magic);
	tcase_add_test(tc, only_utf8_is_a_record);
	tcase_add_test(tc, directories_have_one_slash_at_the_end);
	tcase_add_test(tc, checksum_is_that_of_the_block_with_blanks);
	tcase_add_test(tc, formats_have_their_magic);
	tcase_add_loop_test(tc, later_name_is_one_block, 0, 4);
	tcase_add_test(tc, later_name_leaves_to_the_first_what_does_not_fit);
	tcase_add_test(tc, later_name_of_any_type_is_a_link);
	tcase_add_test(tc, long_later_name_says_both_names);
}

static void add_number_tests(TCase *tc) {
	tcase_add_test(tc, content_from_8_gib_on_needs_more_than_octal);
	tcase_add_test(tc, owners_from_21_bits_on_need_more_than_octal);
	tcase_add_test(tc, devices_have_their_numbers);
	tcase_add_test(tc, v7_has_no_devices_and_fifos);
	tcase_add_loop_test(tc, mtime_is_a_record_where_the_field_cannot_say_it, 0, NTIMES);
	tcase_add_test(tc, times_are_read_as_they_were);
	tcase_add_test(tc, ustar_refuses_times_before_1970);
	tcase_add_test(tc, long_owner_names_are_records);
	tcase_add_test(tc, records_count_their_own_digits);
	tcase_add_test(tc, attributes_are_records_with_their_bytes);
	tcase_add_test(tc, acls_are_records);
	tcase_add_test(tc, extended_header_says_what_it_belongs_to);
	tcase_add_test(tc, memory_is_reused);
}

static void add_sparse_tests(TCase *tc) {
	tcase_add_loop_test(tc, sparse_files_come_back, 0, 2 * NMAPS);
	tcase_add_test(tc, pax_sparse_map_stands_before_the_data);
	tcase_add_test(tc, runs_that_touch_are_one);
	tcase_add_test(tc, sparse_file_with_name_that_is_not_utf8_is_stored_under_it);
	tcase_add_loop_test(tc, sparse_file_without_holes_is_a_plain_one, 0, 2);
	tcase_add_test(tc, holes_smaller_than_their_map_are_content);
	tcase_add_loop_test(tc, ustar_and_v7_store_holes_as_content, 0, 2);
	tcase_add_test(tc, run_at_the_end_of_the_largest_file_is_not_rounded_beyond);
}

int main(void) {
	Suite *suite = suite_create("tar_header");
	TCase *tc = tcase_create("tar_header");

	tcase_add_checked_fixture(tc, setup, teardown);
	add_name_tests(tc);
	add_number_tests(tc);
	add_sparse_tests(tc);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
