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
#include "suite.h"

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
	archive_entry_set_pathname(from, _i == 0 ? "" : NULL);
	ck_assert_int_eq(convert(), TARN_EFORMAT);
}
END_TEST

START_TEST(largest_size_is_taken_over) {
	archive_entry_set_size(from, INT64_MAX);
	ck_assert_int_eq(convert(), TARN_OK);
	ck_assert_int_eq(e.size, INT64_MAX);
}
END_TEST

START_TEST(only_files_have_a_size) {
	archive_entry_set_mode(from, S_IFDIR | 0755);
	archive_entry_set_size(from, -1);
	ck_assert_int_eq(convert(), TARN_OK);
	ck_assert_int_eq(e.size, 0);
}
END_TEST

START_TEST(member_of_unknown_type_is_a_file) {
	archive_entry_set_mode(from, 0644);
	ck_assert_int_eq(convert(), TARN_OK);
	ck_assert_int_eq(e.type, ENTRY_FILE);
	ck_assert_int_eq(e.size, 100);
}
END_TEST

START_TEST(symlink_has_a_target_and_nothing_else_has) {
	archive_entry_set_mode(from, S_IFLNK | 0777);
	archive_entry_set_symlink(from, "to");
	ck_assert_int_eq(convert(), TARN_OK);
	ck_assert_str_eq(e.target, "to");
	ck_assert_ptr_null(e.first_name);
	archive_entry_set_mode(from, S_IFREG | 0644);
	ck_assert_int_eq(convert(), TARN_OK);
	ck_assert_ptr_null(e.target);
}
END_TEST

START_TEST(devices_alone_have_numbers) {
	archive_entry_set_rdevmajor(from, 8);
	archive_entry_set_rdevminor(from, 300);
	ck_assert_int_eq(convert(), TARN_OK);
	ck_assert_uint_eq(e.rdev_major, 0);
	ck_assert_uint_eq(e.rdev_minor, 0);
	archive_entry_set_filetype(from, _i == 0 ? AE_IFCHR : AE_IFBLK);
	ck_assert_int_eq(convert(), TARN_OK);
	ck_assert_uint_eq(e.rdev_major, 8);
	ck_assert_uint_eq(e.rdev_minor, 300);
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

/* Of each number that an archive can hold, what is beyond all systems. */
START_TEST(extreme_numbers_are_no_others) {
	archive_entry_set_uid(from, INT64_MAX);
	archive_entry_set_gid(from, INT64_MIN);
	archive_entry_set_mtime(from, INT64_MAX, 999999999);
	ck_assert_int_eq(convert(), TARN_OK);
	ck_assert_uint_eq(e.uid, INT64_MAX);
	ck_assert_uint_ge(e.gid, UINT32_MAX);
	ck_assert_int_eq(e.mtime.tv_sec, INT64_MAX);
	ck_assert_int_eq(e.mtime.tv_nsec, 999999999);
	archive_entry_set_mtime(from, INT64_MIN, 1);
	ck_assert_int_eq(convert(), TARN_OK);
	ck_assert_int_eq(e.mtime.tv_sec, INT64_MIN);
}
END_TEST

START_TEST(mode_has_no_bits_beyond_permissions) {
	archive_entry_set_mode(from, (mode_t)077704 << 12 | S_IFREG | 04751);
	ck_assert_int_eq(convert(), TARN_OK);
	ck_assert_uint_eq(e.mode, 04751);
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

#define RAW_ACL "\2\0\0\0\1\0\6\0\xff\xff\xff\xff" /* user::rw- */

START_TEST(raw_acls_are_acls_and_no_xattrs) {
	archive_entry_xattr_add_entry(from, "system.posix_acl_access", RAW_ACL, 12);
	archive_entry_xattr_add_entry(from, "system.posix_acl_default", RAW_ACL, 12);
	archive_entry_xattr_add_entry(from, "user.a", "1", 1);
	if (_i == 1)
		archive_entry_acl_add_entry(
		    from, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, 7, ARCHIVE_ENTRY_ACL_USER_OBJ, -1, "");
	ck_assert_int_eq(convert(), TARN_OK);
	ck_assert_uint_eq(e.nxattrs, 1);
	ck_assert_str_eq(e.xattrs[0].name, "user.a");
	ck_assert_uint_eq(e.xattrs[0].nbytes, 1);
	ck_assert_str_eq(e.acl_access, "user::rw-");
	ck_assert_str_eq(e.acl_default, _i == 1 ? "user::rwx" : "user::rw-");
}
END_TEST

/* bsdtar writes each twice, with "=" in the name encoded in one of the two. */
START_TEST(xattr_that_comes_twice_is_one) {
	archive_entry_xattr_add_entry(from, "user.b", "2", 1);
	archive_entry_xattr_add_entry(from, "user.b", "3", 1);
	archive_entry_xattr_add_entry(from, "user.a=", "", 0);
	archive_entry_xattr_add_entry(from, "user.a%3D", "", 0);
	ck_assert_int_eq(convert(), TARN_OK);
	ck_assert_uint_eq(e.nxattrs, 3);
	ck_assert_str_eq(e.xattrs[0].name, "user.a=");
	ck_assert_str_eq(e.xattrs[1].name, "user.b");
	ck_assert_str_eq(e.xattrs[2].name, "user.b");
	ck_assert_int_ne(*(const char *)e.xattrs[1].value, *(const char *)e.xattrs[2].value);
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

START_TEST(sparse_map_that_leaves_the_file_is_malformed) {
	static const struct extent maps[][2] = {
		{ { 0, 10 }, { 95, 10 } },
		{ { 0, 10 }, { 101, 0 } },
		{ { 0, 10 }, { INT64_MAX - 5, 5 } },
		{ { 0, 101 }, { 102, 1 } },
	};

	/* libarchive adds nothing beyond the size, but that may be set again. */
	archive_entry_set_size(from, INT64_MAX);
	for (int i = 0; i < 2; i++)
		archive_entry_sparse_add_entry(from, maps[_i][i].offset, maps[_i][i].nbytes);
	ck_assert_int_eq(archive_entry_sparse_count(from), 2);
	archive_entry_set_size(from, 100);
	ck_assert_int_eq(convert(), TARN_EFORMAT);
}
END_TEST

START_TEST(sparse_map_may_reach_to_the_largest_offset) {
	archive_entry_set_size(from, INT64_MAX);
	archive_entry_sparse_add_entry(from, 1, 1);
	archive_entry_sparse_add_entry(from, INT64_MAX - 1, 1);
	ck_assert_int_eq(convert(), TARN_OK);
	ck_assert_uint_eq(e.nextents, 2);
	ck_assert_int_eq(e.extents[1].offset, INT64_MAX - 1);
}
END_TEST

START_TEST(next_entry_has_nothing_of_the_one_before) {
	archive_entry_set_pathname(from, "d/");
	archive_entry_xattr_add_entry(from, "user.a", "1", 1);
	archive_entry_sparse_add_entry(from, 10, 5);
	archive_entry_sparse_add_entry(from, 20, 5);
	archive_entry_acl_add_entry(
	    from, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, 7, ARCHIVE_ENTRY_ACL_USER_OBJ, -1, "");
	ck_assert_int_eq(convert(), TARN_OK);
	ck_assert_uint_eq(e.nxattrs, 1);
	ck_assert_uint_eq(e.nextents, 2);
	ck_assert_str_eq(e.acl_default, "user::rwx");
	archive_entry_clear(from);
	archive_entry_set_pathname(from, "g");
	ck_assert_int_eq(convert(), TARN_OK);
	ck_assert_str_eq(e.name, "g");
	ck_assert_uint_eq(e.nxattrs, 0);
	ck_assert(!e.is_sparse);
	ck_assert_ptr_null(e.acl_access);
	ck_assert_ptr_null(e.acl_default);
}
END_TEST

START_TEST(copy_outlives_what_it_was_made_from) {
	struct xattr xattrs[] = { { "user.a", "\0\1", 2 }, { "user.b", "", 0 } };
	char name[] = "n", target[] = "t";
	struct extent extents[] = { { 5, 6 } };
	struct entry original = { .name = name,
		.path = name,
		.target = target,
		.xattrs = xattrs,
		.nxattrs = 2,
		.extents = extents,
		.nextents = 1,
		.type = ENTRY_SYMLINK,
		.mode = 0777 };
	struct entry *copy = entry_copy(&original);

	ck_assert_ptr_nonnull(copy);
	name[0] = target[0] = '?';
	xattrs[0].name = "";
	extents[0].offset = 0;
	ck_assert_str_eq(copy->name, "n");
	ck_assert_str_eq(copy->path, "n");
	ck_assert_str_eq(copy->target, "t");
	ck_assert_ptr_null(copy->uname);
	ck_assert_uint_eq(copy->nextents, 1);
	ck_assert_int_eq(copy->extents[0].offset, 5);
	ck_assert_int_eq(copy->extents[0].nbytes, 6);
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

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, type_goes_there_and_back, 0, 7);
	tcase_add_test(tc, fields_of_a_file_are_taken_over);
	tcase_add_loop_test(tc, slashes_at_the_end_are_dropped, 0, 5);
	tcase_add_loop_test(tc, member_without_a_name_is_malformed, 0, 2);
	tcase_add_test(tc, largest_size_is_taken_over);
	tcase_add_test(tc, only_files_have_a_size);
	tcase_add_test(tc, member_of_unknown_type_is_a_file);
	tcase_add_test(tc, symlink_has_a_target_and_nothing_else_has);
	tcase_add_loop_test(tc, devices_alone_have_numbers, 0, 2);
	tcase_add_test(tc, negative_size_is_malformed);
	tcase_add_test(tc, link_member_is_whole_only_with_content);
	tcase_add_test(tc, renamed_entry_is_known_by_its_stored_names);
	tcase_add_test(tc, extreme_numbers_are_no_others);
	tcase_add_test(tc, mode_has_no_bits_beyond_permissions);
	tcase_add_test(tc, group_bits_are_the_mask_of_the_acl);
	tcase_add_loop_test(tc, raw_acls_are_acls_and_no_xattrs, 0, 2);
	tcase_add_test(tc, xattr_that_comes_twice_is_one);
	tcase_add_test(tc, sparse_map_is_taken_over_without_empty_runs);
	tcase_add_loop_test(tc, sparse_map_that_leaves_the_file_is_malformed, 0, 4);
	tcase_add_test(tc, sparse_map_may_reach_to_the_largest_offset);
	tcase_add_test(tc, next_entry_has_nothing_of_the_one_before);
	tcase_add_test(tc, copy_outlives_what_it_was_made_from);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
