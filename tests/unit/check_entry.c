#include "config.h"

#include "entry.h"

#include <archive.h>
#include <archive_entry.h>
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "entry_copy.h"

/*
 * What libarchive hands over as an entry.
 */

static struct archive_entry *from;
static struct entry_storage storage;
static struct entry e;
static struct error err;

static void set_up(void) {
	from = archive_entry_new();
	ck_assert_ptr_nonnull(from);
	archive_entry_set_pathname(from, "d/f");
	archive_entry_set_mode(from, S_IFREG | 0640);
	archive_entry_set_size(from, 100);
}

static void tear_down(void) {
	entry_storage_fini(&storage);
	archive_entry_free(from);
}

static int convert(void) {
	return entry_from_libarchive(&e, from, &storage, &err);
}

START_TEST(type_goes_there_and_back) {
	static const mode_t types[] = { S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO, S_IFCHR, S_IFBLK,
		S_IFSOCK };
	enum entry_type type;

	ck_assert(entry_type_of_mode(types[_i] | 0755, &type));
	ck_assert_uint_eq(entry_type_mode(type), types[_i]);
	ck_assert(!entry_type_of_mode(0, &type));
}
END_TEST

START_TEST(fields_of_a_file_are_taken_over) {
	archive_entry_set_uid(from, 3000000000);
	archive_entry_set_gid(from, 7);
	archive_entry_set_uname(from, "u");
	archive_entry_set_gname(from, "");
	archive_entry_set_mtime(from, 12, 345678901);
	ck_assert_int_eq(convert(), TARN_OK);
	ck_assert_str_eq(e.name, "d/f");
	ck_assert_int_eq(e.type, ENTRY_FILE);
	ck_assert_uint_eq(e.mode, 0640);
	ck_assert_int_eq(e.size, 100);
	ck_assert_uint_eq(e.uid, 3000000000);
	ck_assert_uint_eq(e.gid, 7);
	ck_assert_str_eq(e.uname, "u");
	ck_assert_ptr_null(e.gname);
	ck_assert_int_eq(e.mtime.tv_sec, 12);
	ck_assert_int_eq(e.mtime.tv_nsec, 345678901);
	ck_assert(e.is_whole);
}
END_TEST

START_TEST(slashes_at_the_end_are_dropped) {
	static const char *const names[][2] = { { "d/", "d" }, { "d//", "d" }, { "/", "/" },
		{ "///", "/" }, { "a/b", "a/b" } };

	archive_entry_set_pathname(from, names[_i][0]);
	archive_entry_set_mode(from, S_IFDIR | 0755);
	ck_assert_int_eq(convert(), TARN_OK);
	ck_assert_str_eq(e.name, names[_i][1]);
}
END_TEST

START_TEST(member_without_a_name_is_malformed) {
	archive_entry_set_pathname(from, "");
	ck_assert_int_eq(convert(), TARN_EFORMAT);
}
END_TEST

START_TEST(negative_size_is_malformed) {
	archive_entry_set_size(from, -1);
	ck_assert_int_eq(convert(), TARN_EFORMAT);
}
END_TEST

START_TEST(link_member_is_whole_only_with_content) {
	archive_entry_set_hardlink(from, "d/first");
	archive_entry_set_size(from, 0);
	ck_assert_int_eq(convert(), TARN_OK);
	ck_assert_str_eq(e.first_name, "d/first");
	ck_assert(!e.is_whole);
	ck_assert_str_eq(entry_member(&e), "d/first");
	archive_entry_set_size(from, 5);
	ck_assert_int_eq(convert(), TARN_OK);
	ck_assert(e.is_whole);
}
END_TEST

START_TEST(renamed_entry_is_known_by_its_stored_names) {
	ck_assert_int_eq(convert(), TARN_OK);
	ck_assert_str_eq(entry_member(&e), "d/f");
	e.stored_name = "old";
	ck_assert_str_eq(entry_member(&e), "old");
	e.first_name = "x";
	e.stored_first_name = "y";
	ck_assert_str_eq(entry_member(&e), "y");
}
END_TEST

START_TEST(time_before_1970_with_a_fraction_is_a_floor) {
	/* libarchive reads -1.25 as -1 s and a quarter. */
	archive_entry_set_mtime(from, -1, 250000000);
	ck_assert_int_eq(convert(), TARN_OK);
	ck_assert_int_eq(e.mtime.tv_sec, -2);
	ck_assert_int_eq(e.mtime.tv_nsec, 750000000);
}
END_TEST

START_TEST(group_bits_are_the_mask_of_the_acl) {
	archive_entry_acl_add_entry(
	    from, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, 6, ARCHIVE_ENTRY_ACL_USER_OBJ, -1, "");
	archive_entry_acl_add_entry(
	    from, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, 7, ARCHIVE_ENTRY_ACL_USER, 99, "someone");
	archive_entry_acl_add_entry(
	    from, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, 1, ARCHIVE_ENTRY_ACL_GROUP_OBJ, -1, "");
	archive_entry_acl_add_entry(
	    from, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, 5, ARCHIVE_ENTRY_ACL_MASK, -1, "");
	archive_entry_acl_add_entry(
	    from, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, 0, ARCHIVE_ENTRY_ACL_OTHER, -1, "");
	ck_assert_int_eq(convert(), TARN_OK);
	ck_assert_uint_eq(e.mode, 0650);
	ck_assert_str_eq(
	    e.acl_access, "user::rw-,group::--x,other::---,user:someone:rwx,mask::r-x");
	ck_assert_ptr_null(e.acl_default);
}
END_TEST

START_TEST(raw_acls_are_no_xattrs) {
	archive_entry_xattr_add_entry(from, "system.posix_acl_access", "\2\0\0", 4);
	archive_entry_xattr_add_entry(from, "user.a", "1", 1);
	ck_assert_int_eq(convert(), TARN_OK);
	ck_assert_uint_eq(e.nxattrs, 1);
	ck_assert_str_eq(e.xattrs[0].name, "user.a");
	ck_assert_uint_eq(e.xattrs[0].nbytes, 1);
}
END_TEST

START_TEST(sparse_map_is_taken_over_without_empty_runs) {
	archive_entry_sparse_add_entry(from, 10, 5);
	archive_entry_sparse_add_entry(from, 20, 0);
	archive_entry_sparse_add_entry(from, 90, 10);
	ck_assert_int_eq(convert(), TARN_OK);
	ck_assert(e.is_sparse);
	ck_assert_uint_eq(e.nextents, 2);
	ck_assert_int_eq(e.extents[0].offset, 10);
	ck_assert_int_eq(e.extents[0].nbytes, 5);
	ck_assert_int_eq(e.extents[1].offset, 90);
	ck_assert_int_eq(e.extents[1].nbytes, 10);
}
END_TEST

START_TEST(bad_sparse_map_is_malformed) {
	static const struct extent maps[][2] = {
		{ { 0, 60 }, { 50, 10 } }, /* libarchive lets runs overlap */
		{ { 50, 10 }, { 0, 10 } },
		{ { 0, 10 }, { 95, 10 } },
		{ { 0, 10 }, { INT64_MAX - 5, 5 } },
	};

	for (int i = 0; i < 2; i++)
		archive_entry_sparse_add_entry(from, maps[_i][i].offset, maps[_i][i].nbytes);
	/* What libarchive itself has refused to add is no map any more. */
	ck_assert(archive_entry_sparse_count(from) < 2 || convert() == TARN_EFORMAT);
}
END_TEST

START_TEST(copy_outlives_what_it_was_made_from) {
	struct xattr xattrs[] = { { "user.a", "\0\1", 2 }, { "user.b", "", 0 } };
	char name[] = "n", target[] = "t";
	struct entry original = { .name = name,
		.target = target,
		.xattrs = xattrs,
		.nxattrs = 2,
		.type = ENTRY_SYMLINK,
		.mode = 0777 };
	struct entry *copy = entry_copy(&original);

	ck_assert_ptr_nonnull(copy);
	name[0] = target[0] = '?';
	xattrs[0].name = "";
	ck_assert_str_eq(copy->name, "n");
	ck_assert_str_eq(copy->target, "t");
	ck_assert_ptr_null(copy->uname);
	ck_assert_uint_eq(copy->nxattrs, 2);
	ck_assert_str_eq(copy->xattrs[0].name, "user.a");
	ck_assert_mem_eq(copy->xattrs[0].value, "\0\1", 2);
	ck_assert_str_eq(copy->xattrs[1].name, "user.b");
	ck_assert_int_eq(copy->type, ENTRY_SYMLINK);
	free(copy);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("entry");
	TCase *tc = tcase_create("entry");
	SRunner *runner = srunner_create(suite);
	int nfailed;

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, type_goes_there_and_back, 0, 7);
	tcase_add_test(tc, fields_of_a_file_are_taken_over);
	tcase_add_loop_test(tc, slashes_at_the_end_are_dropped, 0, 5);
	tcase_add_test(tc, member_without_a_name_is_malformed);
	tcase_add_test(tc, negative_size_is_malformed);
	tcase_add_test(tc, link_member_is_whole_only_with_content);
	tcase_add_test(tc, renamed_entry_is_known_by_its_stored_names);
	tcase_add_test(tc, time_before_1970_with_a_fraction_is_a_floor);
	tcase_add_test(tc, group_bits_are_the_mask_of_the_acl);
	tcase_add_test(tc, raw_acls_are_no_xattrs);
	tcase_add_test(tc, sparse_map_is_taken_over_without_empty_runs);
	tcase_add_loop_test(tc, bad_sparse_map_is_malformed, 0, 4);
	tcase_add_test(tc, copy_outlives_what_it_was_made_from);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	nfailed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return nfailed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
