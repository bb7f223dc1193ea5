#include "config.h"

#include "compare.h"

#include <sys/resource.h>

#include "comparison.h"

/* Content, holes, and what keeps content from being compared. */

#define LONG_NBYTES ((size_t)300000) /* several of any buffer, and no multiple of one */

START_TEST(content_is_not_read_when_the_size_differs) {
	struct entry e = file_member("f", "hello");
	struct fake_source fake = { .breaks = true };

	make_file("f", "hello!");
	compare_below(scratch, &e, &fake);
	assert_differs("f: Size differs\n");
	ck_assert_uint_eq(fake.nread, 0);
}
END_TEST

START_TEST(file_where_the_member_is_empty_has_another_size) {
	struct entry e = file_member("f", "");

	make_file("f", "hello");
	compare(&e);
	assert_differs("f: Size differs\n");
}
END_TEST

/* LONG_NBYTES bytes without zeros, in two blocks; the one at ${changed} is another in the tree. */
static void compare_long_content(size_t changed) {
	static char content[LONG_NBYTES];
	struct block blocks[] = {
		{ content, 100000, 0 },
		{ content + 100000, LONG_NBYTES - 100000, 100000 },
	};
	struct entry e = file_member("f", "");

	for (size_t i = 0; i < LONG_NBYTES; i++)
		content[i] = (char)(i % 251 + 1);
	if (changed < LONG_NBYTES)
		content[changed] ^= 1;
	make_file_behind_hole("f", 0, content, LONG_NBYTES);
	if (changed < LONG_NBYTES)
		content[changed] ^= 1;
	e.size = (off_t)LONG_NBYTES;
	compare_blocks(&e, blocks, 2);
}

START_TEST(long_content_that_is_the_same_is_silent) {
	compare_long_content(SIZE_MAX);
	assert_same();
}
END_TEST

static const size_t changed_bytes[] = { 0, 65536, 99999, 100000, LONG_NBYTES - 1 };

START_TEST(one_changed_byte_differs) {
	compare_long_content(changed_bytes[_i]);
	assert_differs("f: Contents differ\n");
}
END_TEST

START_TEST(content_that_breaks_off_is_a_failure) {
	struct block block = { "hel", 3, 0 };
	struct fake_source fake = { .blocks = &block, .nblocks = 1, .breaks = true };
	struct entry e = file_member("f", "hello");

	make_file("f", "hello");
	compare_below(scratch, &e, &fake);
	assert_said("tarn: f: Unexpected EOF in archive\n", 2);
}
END_TEST

START_TEST(file_that_cannot_be_opened_is_a_failure) {
	struct entry e = file_member("f", "hello");

	make_file("f", "hello");
	e.mode = 0;
	ck_assert_int_eq(fchmodat(at, "f", 0, 0), 0);
	as_nobody = true;
	compare_content(&e, "hello");
	assert_said("tarn: f: Cannot open: Permission denied\n", 2);
}
END_TEST

START_TEST(file_that_shrinks_meanwhile_differs) {
	struct block block = { "hello", 5, 0 };
	struct fake_source fake = { .blocks = &block, .nblocks = 1, .shrinks = true };
	struct entry e = file_member("f", "hello");

	make_file("f", "hello");
	compare_below(scratch, &e, &fake);
	assert_differs("f: Contents differ\n");
}
END_TEST

START_TEST(no_descriptor_is_left_open) {
	const struct rlimit limit = { 50, 50 };
	struct entry e = file_member("f", "hello");

	make_file("f", "hello");
	options.acls = true;
	nputs = 100;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	compare_content(&e, "hello");
	assert_same();
}
END_TEST

/* Content outside of what the header promised, and offsets that have no sum. */
static const struct block outside[] = {
	{ "xyz", 3, 3 },
	{ "x", 1, 5 },
	{ "x", 1, 1 << 20 },
	{ "xy", 2, INT64_MAX - 1 },
	{ "x", 1, INT64_MAX },
};

START_TEST(content_outside_of_the_size_differs) {
	struct entry e = file_member("f", "hello");

	make_file_behind_hole("f", 5, "", 0);
	compare_blocks(&e, &outside[_i], 1);
	assert_differs("f: Contents differ\n");
}
END_TEST

/* A member of 16 MiB with a hole before its one block. */
#define HOLE_NBYTES ((off_t)16 << 20)

static void compare_sparse_member(void) {
	struct block block = { "data", 4, HOLE_NBYTES };
	struct entry e = file_member("f", "data");

	e.size += HOLE_NBYTES;
	e.is_sparse = true;
	compare_blocks(&e, &block, 1);
}

START_TEST(hole_matches_a_hole) {
	make_file_behind_hole("f", HOLE_NBYTES, "data", 4);
	compare_sparse_member();
	assert_same();
}
END_TEST

START_TEST(hole_matches_zeros_on_disk) {
	static const char zeros[HOLE_NBYTES];
	int fd;

	make_file_behind_hole("f", HOLE_NBYTES, "data", 4);
	fd = openat(at, "f", O_WRONLY);
	ck_assert_int_eq(pwrite(fd, zeros, sizeof(zeros), 0), HOLE_NBYTES);
	close(fd);
	set_mtime("f");
	compare_sparse_member();
	assert_same();
}
END_TEST

static const off_t stray_bytes[] = { 0, 5000000, HOLE_NBYTES - 1 };

START_TEST(data_where_the_member_has_a_hole_differs) {
	int fd;

	make_file_behind_hole("f", HOLE_NBYTES, "data", 4);
	fd = openat(at, "f", O_WRONLY);
	ck_assert_int_eq(pwrite(fd, "x", 1, stray_bytes[_i]), 1);
	close(fd);
	set_mtime("f");
	compare_sparse_member();
	assert_differs("f: Contents differ\n");
}
END_TEST

START_TEST(data_where_the_member_ends_in_a_hole_differs) {
	struct block block = { "data", 4, 0 };
	struct entry e = file_member("f", "data!");

	make_file("f", "data!");
	compare_blocks(&e, &block, 1);
	assert_differs("f: Contents differ\n");
}
END_TEST

START_TEST(zeros_in_the_member_match_a_hole) {
	struct block block = { "\0\0\0\0\0data", 9, 0 };
	struct entry e = file_member("f", "zerosdata");

	make_file_behind_hole("f", 5, "data", 4);
	compare_blocks(&e, &block, 1);
	assert_same();
}
END_TEST

/* To read what is not there would take far longer than a test may. */
START_TEST(hole_on_disk_is_not_read) {
	struct entry e = file_member("f", "");

	e.size = (off_t)8 << 40;
	e.is_sparse = true;
	make_file_behind_hole("f", e.size, "", 0);
	compare(&e);
	assert_same();
}
END_TEST

static void add_content(TCase *tcase) {
	tcase_add_test(tcase, content_is_not_read_when_the_size_differs);
	tcase_add_test(tcase, file_where_the_member_is_empty_has_another_size);
	tcase_add_test(tcase, long_content_that_is_the_same_is_silent);
	tcase_add_loop_test(tcase, one_changed_byte_differs, 0, NELEMENTS(changed_bytes));
	tcase_add_test(tcase, content_that_breaks_off_is_a_failure);
	tcase_add_test(tcase, file_that_cannot_be_opened_is_a_failure);
	tcase_add_test(tcase, file_that_shrinks_meanwhile_differs);
	tcase_add_test(tcase, no_descriptor_is_left_open);
	tcase_add_loop_test(tcase, content_outside_of_the_size_differs, 0, NELEMENTS(outside));
	tcase_add_test(tcase, hole_matches_a_hole);
	tcase_add_test(tcase, hole_matches_zeros_on_disk);
	tcase_add_loop_test(
	    tcase, data_where_the_member_has_a_hole_differs, 0, NELEMENTS(stray_bytes));
	tcase_add_test(tcase, data_where_the_member_ends_in_a_hole_differs);
	tcase_add_test(tcase, zeros_in_the_member_match_a_hole);
	tcase_add_test(tcase, hole_on_disk_is_not_read);
}

int main(void) {
	Suite *suite = suite_create("compare_content");

	add_content(add_case(suite, "content", set_up, tear_down));
	return run_suite(suite);
}
