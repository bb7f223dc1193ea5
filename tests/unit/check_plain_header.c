#include "config.h"

#include "plain_header.h"

#include <archive.h>
#include <archive_entry.h>
#include <check.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "suite.h"

/* What a header says is what libarchive takes it for. */

static struct tar_block first, block;
static char records[4 * TAR_BLOCK_NBYTES]; /* before the block */
static size_t records_nbytes;
static struct plain_header header;
static struct entry e;

static void set_up(void) {
	memset(&block, 0, sizeof(block));
	strcpy(block.name, "d/later");
	strcpy(block.link_name, "d/first");
	tar_put_octal(block.mode, sizeof(block.mode), 0640);
	tar_put_octal(block.uid, sizeof(block.uid), 1000);
	tar_put_octal(block.gid, sizeof(block.gid), 100);
	tar_put_octal(block.size, sizeof(block.size), 0);
	tar_put_octal(block.mtime, sizeof(block.mtime), 1600000000);
	strcpy(block.uname, "u");
	strcpy(block.gname, "g");
	block.type = '1';
	tar_block_finish(&block, FORMAT_PAX);
	first = block;
	records_nbytes = 0;
}

static void seal(struct tar_block *of) {
	const unsigned char *bytes = (const unsigned char *)of;
	unsigned int sum = 0;

	memset(of->checksum, ' ', sizeof(of->checksum));
	for (size_t i = 0; i < sizeof(*of); i++)
		sum += bytes[i];
	tar_put_octal(of->checksum, 7, sum);
}

static void be_of_gnu(struct tar_block *of) {
	memcpy(of->magic, "ustar  ", sizeof(of->magic));
}

/*
 * Put ${text} of ${nbytes}, and a header of ${type} for it, before the block, behind what is there.
 */
static void add_extension(char type, const char *text, size_t nbytes) {
	char *at = records + records_nbytes;
	struct tar_block *extension = (struct tar_block *)at;

	*extension = first;
	memset(extension->link_name, 0, sizeof(extension->link_name));
	extension->type = type;
	tar_put_octal(extension->size, sizeof(extension->size), nbytes);
	if (type != 'x')
		be_of_gnu(extension);
	seal(extension);
	memset(at + sizeof(first), 0, TAR_BLOCK_NBYTES);
	memcpy(at + sizeof(first), text, nbytes);
	records_nbytes += 2 * TAR_BLOCK_NBYTES;
}

static void put_records(const char *text, size_t nbytes) {
	records_nbytes = 0;
	add_extension('x', text, nbytes);
}

/* The header, and before it the one by which libarchive knows that it is a tar archive. */
static size_t put_archive(char *archive) {
	char *end = mempcpy(archive, &first, sizeof(first));

	seal(&block);
	end = mempcpy(end, records, records_nbytes);
	end = mempcpy(end, &block, sizeof(block));
	return (size_t)(end - archive);
}

static bool is_read(void) {
	char archive[8 * TAR_BLOCK_NBYTES];
	size_t nbytes = put_archive(archive) - sizeof(first), read;

	read = plain_header_read(&header, archive + sizeof(first), nbytes, &e);
	ck_assert(read == 0 || read == nbytes);
	for (size_t n = 0; n < nbytes; n += TAR_BLOCK_NBYTES)
		ck_assert_uint_eq(plain_header_read(&header, archive + sizeof(first), n, &e), 0);
	return plain_header_read(&header, archive + sizeof(first), sizeof(archive), &e) > 0;
}

/* libarchive reads it as ${e}. */
static void expect_what_libarchive_reads(void) {
	struct archive *archive = archive_read_new();
	struct archive_entry *from = archive_entry_new();
	struct entry_storage storage = { 0 };
	char bytes[8 * TAR_BLOCK_NBYTES] = { 0 };
	struct entry expected;
	struct error err;

	put_archive(bytes);
	archive_read_support_format_tar(archive);
	ck_assert_int_eq(archive_read_open_memory(archive, bytes, sizeof(bytes)), ARCHIVE_OK);
	/* It warns of names that are not UTF-8. */
	for (int i = 0; i < 2; i++)
		ck_assert_int_ge(archive_read_next_header2(archive, from), ARCHIVE_WARN);
	ck_assert_int_eq(entry_from_libarchive(&expected, from, &storage, &err), TARN_OK);
	ck_assert_str_eq(e.name, expected.name);
	ck_assert_int_eq(e.type, expected.type);
	ck_assert_pstr_eq(e.first_name, expected.first_name);
	ck_assert_pstr_eq(e.target, expected.target);
	ck_assert_pstr_eq(e.uname, expected.uname);
	ck_assert_pstr_eq(e.gname, expected.gname);
	ck_assert_uint_eq(e.mode, expected.mode);
	ck_assert_uint_eq(e.uid, expected.uid);
	ck_assert_uint_eq(e.gid, expected.gid);
	ck_assert_int_eq(e.size, expected.size);
	ck_assert_int_eq(e.mtime.tv_sec, expected.mtime.tv_sec);
	ck_assert_int_eq(e.mtime.tv_nsec, expected.mtime.tv_nsec);
	ck_assert_int_eq(e.is_whole, expected.is_whole);
	ck_assert_int_eq(e.is_sparse, expected.is_sparse);
	ck_assert_uint_eq(expected.nxattrs, 0);
	ck_assert_ptr_null(expected.acl_access);
	entry_storage_fini(&storage);
	archive_entry_free(from);
	archive_read_free(archive);
}

START_TEST(usual_members_are_read) {
	static const char types[] = { '0', '1', '2', '5' };

	block.type = types[_i % 4];
	if (_i >= 4)
		memcpy(block.magic, "ustar  ", sizeof(block.magic));
	ck_assert(is_read());
	expect_what_libarchive_reads();
}
END_TEST

START_TEST(fields_may_be_full) {
	memset(block.name, 'n', sizeof(block.name));
	memset(block.link_name, 'l', sizeof(block.link_name));
	memset(block.uname, 'u', sizeof(block.uname));
	memset(block.gname, 'g', sizeof(block.gname));
	memset(block.end.prefix, 'p', sizeof(block.end.prefix));
	memset(block.mtime, '7', sizeof(block.mtime));
	ck_assert(is_read());
	ck_assert_uint_eq(strlen(e.name), 256);
	expect_what_libarchive_reads();
}
END_TEST

START_TEST(numbers_may_begin_with_blanks) {
	memcpy(block.mode, "  644 ", 7);
	memcpy(block.uid, " \t  1750", 8);
	memcpy(block.mtime, "           7", 12);
	ck_assert(is_read());
	expect_what_libarchive_reads();
	memset(block.gid, ' ', sizeof(block.gid));
	ck_assert(!is_read());
}
END_TEST

START_TEST(slashes_end_only_names_of_directories) {
	strcpy(block.name, "d///");
	ck_assert(!is_read());
	block.type = '5';
	ck_assert(is_read());
	ck_assert_str_eq(e.name, "d");
	expect_what_libarchive_reads();
}
END_TEST

START_TEST(files_have_content) {
	block.type = '0';
	tar_put_octal(block.size, sizeof(block.size), (UINT64_C(1) << 33) - 1);
	ck_assert(is_read());
	ck_assert_int_eq(e.size, (INT64_C(1) << 33) - 1);
	expect_what_libarchive_reads();
}
END_TEST

/* Each with its newline. */
static const char *const usual_records[] = {
	"20 mtime=1600000000\n",
	"22 mtime=1600000000.5\n",
	"30 mtime=1600000000.123456789\n",
	"11 mtime=0\n",
	"12 mtime=-1\n",
	"20 atime=1600000000\n23 mtime=1700000000.25\n22 ctime=1600000000.1\n",
	"18 path=d/\xc3\xa4/name\n",
	"14 path=d/na\xff\n",
	"14 path=d/e\xcc\x81\n",
	"18 linkpath=d/one\n15 path=d/more\n",
	"15 path=d/more\n11 mtime=5\n11 mtime=6\n15 path=d/most\n",
};

START_TEST(usual_records_are_read) {
	size_t n = sizeof(usual_records) / sizeof(usual_records[0]);
	const char *text = usual_records[(size_t)_i % n];

	block.type = (size_t)_i < n ? '1' : '0';
	put_records(text, strlen(text));
	ck_assert(is_read());
	expect_what_libarchive_reads();
}
END_TEST

/* What libarchive takes for a time after 1970. */
START_TEST(time_in_the_second_before_1970_is_read) {
	put_records("20 mtime=-0.25000000\n", 20);
	ck_assert(!is_read());
	put_records("14 mtime=-0.25\n", 15);
	ck_assert(!is_read());
	put_records("15 mtime=-0.25\n", 15);
	ck_assert(is_read());
	ck_assert_int_eq(e.mtime.tv_sec, -1);
	ck_assert_int_eq(e.mtime.tv_nsec, 750000000);
}
END_TEST

START_TEST(long_names_of_gnu_tar_are_read) {
	char name[400], target[512] = "d/";

	memset(name, 'n', sizeof(name));
	memset(target + 2, 't', sizeof(target) - 2);
	name[200] = '/';
	name[sizeof(name) - 1] = target[sizeof(target) - 1] = '\0';
	block.type = "0125"[_i % 4];
	if (_i < 4)
		be_of_gnu(&block);
	add_extension('L', name, sizeof(name));
	ck_assert(is_read());
	ck_assert_str_eq(e.name, name);
	expect_what_libarchive_reads();
	add_extension('K', target, sizeof(target));
	ck_assert(is_read());
	expect_what_libarchive_reads();
	records_nbytes = 0;
	add_extension('K', target, sizeof(target));
	ck_assert(is_read());
	ck_assert_str_eq(e.name, "d/later");
	if (block.type == '1')
		ck_assert_str_eq(e.first_name, target);
	expect_what_libarchive_reads();
	add_extension('L', "x", 2);
	ck_assert(is_read());
	ck_assert_str_eq(e.name, "x");
	expect_what_libarchive_reads();
}
END_TEST

/* With the NULs that belong to their content; the second may be none. */
static const struct extension {
	char type;
	const char *text;
	size_t nbytes;
} unusual_extensions[][2] = {
	{ { 'L', "no NUL", 6 } },
	{ { 'K', "a\0b", 4 } },
	{ { 'L', "two NULs\0", 10 } },
	{ { 'L', "", 1 } },
	{ { 'L', "a", 2 }, { 'L', "b", 2 } },
	{ { 'x', "14 path=d/two\n", 14 }, { 'L', "a", 2 } },
	{ { 'L', "a", 2 }, { 'x', "14 path=d/two\n", 14 } },
	{ { 'x', "14 path=d/two\n", 14 }, { 'x', "12 mtime=53\n", 12 } },
};

START_TEST(unusual_extensions_are_left_to_libarchive) {
	be_of_gnu(&block);
	for (const struct extension *x = unusual_extensions[_i];
	     x < unusual_extensions[_i] + 2 && x->text != NULL; x++)
		add_extension(x->type, x->text, x->nbytes);
	ck_assert(!is_read());
}
END_TEST

START_TEST(long_name_that_is_not_of_gnu_tar_is_left_to_libarchive) {
	struct tar_block *extension = (struct tar_block *)records;

	be_of_gnu(&block);
	add_extension('L', "a", 2);
	ck_assert(is_read());
	memcpy(extension->magic, first.magic, sizeof(first.magic));
	seal(extension);
	ck_assert(!is_read());
}
END_TEST

static const char *const unusual_records[] = {
	"9 size=1\n",
	"18 hdrcharset=BINARY\n",
	"15 mtime=1e9999\n",
	"29 mtime=1.0000000000000000001\n",
	"28 mtime=1234567890123456789\n",
	"8 mtime=\n",
	"7 path=\n",
	"15 path=d/more",
	"14 path=d/more\n",
	"16 path=d/more\n",
	"99999 path=d/more\n",
	"0 path=d/more\n",
	"15  path=d/mor\n",
	" 15 path=d/mor\n",
	"11 d/morem\n",
	"15 path=d/more\n12 mtime=5\n",
	"15 path=d/more\n\n",
	"28 SCHILY.xattr.user.a=12345\n",
};

START_TEST(unusual_records_are_left_to_libarchive) {
	put_records(unusual_records[_i], strlen(unusual_records[_i]));
	ck_assert(!is_read());
}
END_TEST

START_TEST(records_with_a_nul_or_before_no_header_are_left_to_libarchive) {
	put_records("15 path=d/m\0re\n", 15);
	ck_assert(!is_read());
	put_records("15 path=d/more\n", 15);
	ck_assert(is_read());
	block.type = 'x';
	ck_assert(!is_read());
	block.type = 'L';
	ck_assert(!is_read());
	block.type = '0';
	records[0]++;
	ck_assert(!is_read());
}
END_TEST

START_TEST(anything_else_is_left_to_libarchive) {
	switch (_i) {
	case 0:
		block.type = 'S';
		break;
	case 1:
		block.type = 'x';
		break;
	case 2:
		tar_put_octal(block.size, sizeof(block.size), 1);
		break;
	case 3:
		tar_put_base256(block.uid, sizeof(block.uid), UINT64_C(1) << 33, false);
		break;
	case 4:
		memset(block.magic, 0, sizeof(block.magic));
		break;
	case 5:
		block.name[0] = '\0';
		break;
	case 6:
		block.link_name[0] = '\0';
		break;
	default:
		seal(&block);
		block.name[0]++;
		ck_assert_uint_eq(plain_header_read(&header, &block, sizeof(block), &e), 0);
		return;
	}
	ck_assert(!is_read());
}
END_TEST

/* Whatever stands in a block: it is left to libarchive, or taken for the same. */
START_TEST(damaged_fields_are_taken_for_what_libarchive_takes_them) {
	static const unsigned char bytes[] = { 0, 0, 0, ' ', '0', '1', '7', '8', '9', '-', '/', '.',
		'a', 0x80, 0xff };
	uint64_t random = 88172645463325252U;
	size_t nread = 0;

	for (size_t i = 0; i < 20000; i++) {
		block = first;
		block.type = i % 2 == 0 ? '0' : '1';
		for (size_t n = 0; n <= i % 3; n++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			((unsigned char *)&block)[random % 500] =
			    bytes[(random >> 32) % sizeof(bytes)];
		}
		if (!is_read())
			continue;
		nread++;
		expect_what_libarchive_reads();
	}
	ck_assert_uint_gt(nread, 4000);
}
END_TEST

START_TEST(damaged_records_are_taken_for_what_libarchive_takes_them) {
	static const char text[] = "30 mtime=1600000000.123456789\n18 path=d/\xc3\xa4/name\n"
	                           "18 linkpath=d/one\n24 ctime=1600000000.125\n";
	static const char bytes[] = "\n\0 019=./ea";
	uint64_t random = 88172645463325252U;
	size_t nread = 0;

	for (size_t i = 0; i < 20000; i++) {
		char damaged[sizeof(text)];

		memcpy(damaged, text, sizeof(text));
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		damaged[random % (sizeof(text) - 1)] = bytes[(random >> 32) % sizeof(bytes)];
		put_records(damaged, sizeof(text) - 1);
		if (!is_read())
			continue;
		nread++;
		expect_what_libarchive_reads();
	}
	ck_assert_uint_gt(nread, 4000);
}
END_TEST

START_TEST(damaged_long_names_are_taken_for_what_libarchive_takes_them) {
	static const char bytes[] = "\0 /.a01\x80";
	uint64_t random = 88172645463325252U;
	size_t nread = 0, at;

	for (size_t i = 0; i < 20000; i++) {
		struct tar_block *extension = (struct tar_block *)records;

		be_of_gnu(&block);
		block.type = i % 2 == 0 ? '0' : '1';
		records_nbytes = 0;
		add_extension('K', "d/first/of/all", 15);
		add_extension('L', "d/the/very/last", 16);
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		/*
		 * In the first header, its content, or the second; with another type it is no
		 * extension.
		 */
		at = random % (2 * TAR_BLOCK_NBYTES + 200);
		if (at % (2 * TAR_BLOCK_NBYTES) == offsetof(struct tar_block, type))
			continue;
		records[at] = bytes[(random >> 32) % sizeof(bytes)];
		seal(extension);
		if (!is_read())
			continue;
		nread++;
		expect_what_libarchive_reads();
	}
	ck_assert_uint_gt(nread, 4000);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("plain_header");
	TCase *tc = tcase_create("plain_header");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_loop_test(tc, usual_members_are_read, 0, 8);
	tcase_add_test(tc, fields_may_be_full);
	tcase_add_test(tc, numbers_may_begin_with_blanks);
	tcase_add_test(tc, slashes_end_only_names_of_directories);
	tcase_add_loop_test(tc, anything_else_is_left_to_libarchive, 0, 8);
	tcase_add_test(tc, files_have_content);
	tcase_add_loop_test(
	    tc, usual_records_are_read, 0, 2 * sizeof(usual_records) / sizeof(usual_records[0]));
	tcase_add_test(tc, time_in_the_second_before_1970_is_read);
	tcase_add_loop_test(tc, unusual_records_are_left_to_libarchive, 0,
	    sizeof(unusual_records) / sizeof(unusual_records[0]));
	tcase_add_test(tc, records_with_a_nul_or_before_no_header_are_left_to_libarchive);
	tcase_add_loop_test(tc, long_names_of_gnu_tar_are_read, 0, 8);
	tcase_add_loop_test(tc, unusual_extensions_are_left_to_libarchive, 0,
	    sizeof(unusual_extensions) / sizeof(unusual_extensions[0]));
	tcase_add_test(tc, long_name_that_is_not_of_gnu_tar_is_left_to_libarchive);
	tcase_add_test(tc, damaged_records_are_taken_for_what_libarchive_takes_them);
	tcase_add_test(tc, damaged_long_names_are_taken_for_what_libarchive_takes_them);
	tcase_add_test(tc, damaged_fields_are_taken_for_what_libarchive_takes_them);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
