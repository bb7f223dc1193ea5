#include "config.h"

#include "tar_header.h"

#include <stdint.h>

#include "tar_headers.h"

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

int main(void) {
	Suite *suite = suite_create("tar_header");
	TCase *tc = tcase_create("tar_header");

	tcase_add_checked_fixture(tc, setup, teardown);
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
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
