#include "config.h"

#include "plain_header.h"

#include <archive.h>
#include <archive_entry.h>
#include <check.h>
#include <stdint.h>
#include <string.h>

#include "suite.h"

/* What a block says is what libarchive takes it for. */

static struct tar_block first, block;
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
}

static void seal(void) {
	const unsigned char *bytes = (const unsigned char *)&block;
	unsigned int sum = 0;

	memset(block.checksum, ' ', sizeof(block.checksum));
	for (size_t i = 0; i < sizeof(block); i++)
		sum += bytes[i];
	tar_put_octal(block.checksum, 7, sum);
}

static bool is_read(void) {
	seal();
	return plain_header_read(&header, &block, &e);
}

/* The block as libarchive reads it, behind one by which it knows a tar archive, is ${e}. */
static void expect_what_libarchive_reads(void) {
	struct archive *archive = archive_read_new();
	struct archive_entry *from = archive_entry_new();
	struct entry_storage storage = { 0 };
	struct tar_block blocks[4] = { first, block };
	struct entry expected;
	struct error err;

	archive_read_support_format_tar(archive);
	ck_assert_int_eq(archive_read_open_memory(archive, blocks, sizeof(blocks)), ARCHIVE_OK);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(archive_read_next_header2(archive, from), ARCHIVE_OK);
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
	entry_storage_fini(&storage);
	archive_entry_free(from);
	archive_read_free(archive);
}

START_TEST(member_without_content_is_read) {
	static const char types[] = { '1', '2', '5' };

	block.type = types[_i % 3];
	if (_i >= 3)
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

START_TEST(slashes_end_only_names_of_directories) {
	strcpy(block.name, "d///");
	ck_assert(!is_read());
	block.type = '5';
	ck_assert(is_read());
	ck_assert_str_eq(e.name, "d");
	expect_what_libarchive_reads();
}
END_TEST

START_TEST(anything_else_is_left_to_libarchive) {
	switch (_i) {
	case 0:
		block.type = '0';
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
		seal();
		block.name[0]++;
		ck_assert(!plain_header_read(&header, &block, &e));
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
	ck_assert_uint_gt(nread, 5000);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("plain_header");
	TCase *tc = tcase_create("plain_header");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_loop_test(tc, member_without_content_is_read, 0, 6);
	tcase_add_test(tc, fields_may_be_full);
	tcase_add_test(tc, slashes_end_only_names_of_directories);
	tcase_add_loop_test(tc, anything_else_is_left_to_libarchive, 0, 8);
	tcase_add_test(tc, damaged_fields_are_taken_for_what_libarchive_takes_them);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
