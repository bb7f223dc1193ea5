#include "config.h"

#include "walk.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "scratch.h"

#define DEPTH 100

static struct walk walk = WALK_INIT;
static struct error err;
static struct identity_of {
	dev_t dev;
	ino_t ino;
} levels[DEPTH];

/* Directories in each other, called 0, 1, …; the walk is at the first of them. */
static void set_up(void) {
	char path[DEPTH * 4] = "0";

	set_up_scratch();
	for (int i = 0; i < DEPTH; i++) {
		struct stat st;

		ck_assert_int_eq(mkdirat(at, path, 0700), 0);
		st = stat_of(path);
		levels[i] = (struct identity_of){ st.st_dev, st.st_ino };
		snprintf(path + strlen(path), sizeof(path) - strlen(path), "/%d", i + 1);
	}
	ck_assert_int_eq(walk_begin(&walk, scratch, "0", &err), TARN_OK);
}

static void tear_down(void) {
	walk_fini(&walk);
	tear_down_scratch();
}

static int count_descriptors(void) {
	DIR *directory = opendir("/proc/self/fd");
	int n = 0;

	ck_assert_ptr_nonnull(directory);
	while (readdir(directory) != NULL)
		n++;
	closedir(directory);
	return n;
}

/* The directory that the names are in is that of the level that the walk is on. */
static void expect_right_directory(void) {
	int fd = walk_directory_fd(&walk);
	struct stat st;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_ino, levels[walk.depth - 1].ino);
}

/*
 * Go down to ${depth}, and ask for the directory of each level that ${every} divides; 0: of none.
 */
static void descend(size_t depth, size_t every) {
	while (walk.depth < depth) {
		const struct identity_of *level = &levels[walk.depth];
		char component[24];

		snprintf(component, sizeof(component), "%zu", walk.depth);
		if (walk.depth > 0)
			ck_assert_int_eq(walk_set_name(&walk, component, &err), TARN_OK);
		ck_assert_int_eq(walk_enter(&walk, level->dev, level->ino, &err), TARN_OK);
		if (every > 0 && walk.depth % every == 0)
			expect_right_directory();
	}
}

static void ascend(size_t depth, size_t every) {
	while (walk.depth > depth) {
		walk_leave(&walk);
		if (every > 0 && walk.depth > 0 && walk.depth % every == 0)
			expect_right_directory();
	}
}

START_TEST(directories_are_found_whichever_are_asked_for) {
	static const size_t every[] = { 1, 2, 7, 30, 0 };
	int before = count_descriptors();

	for (size_t down = 0; down < 5; down++) {
		for (size_t up = 0; up < 5; up++) {
			descend(DEPTH, every[down]);
			ck_assert_int_le(count_descriptors(), before + 4);
			ascend(DEPTH / 2, every[up]);
			descend(DEPTH - 3, every[down]);
			ascend(0, every[up]);
			ck_assert_int_eq(walk_begin(&walk, scratch, "0", &err), TARN_OK);
		}
	}
	ck_assert_int_eq(count_descriptors(), before);
}
END_TEST

START_TEST(directory_that_is_not_asked_for_is_not_opened) {
	int before = count_descriptors();

	descend(DEPTH, 0);
	ck_assert_int_eq(count_descriptors(), before);
}
END_TEST

START_TEST(directories_above_that_were_moved_are_reached_from_below) {
	descend(60, 1);
	ck_assert_int_eq(renameat(at, "0", at, "moved"), 0);
	ascend(30, 1);
	ascend(0, 3);
}
END_TEST

START_TEST(directory_below_that_was_moved_is_no_way_up) {
	descend(40, 1);
	ck_assert_int_eq(renameat(at, "0/1/2/3/4/5/6/7/8/9/10/11", at, "moved"), 0);
	ck_assert_int_eq(mkdirat(at, "0/1/2/3/4/5/6/7/8/9/10/11", 0700), 0);
	ascend(11, 0);
	/* Level 12 is `11', which is in another directory now than the walk came from. */
	expect_right_directory();
}
END_TEST

START_TEST(directory_that_was_replaced_is_another_one) {
	descend(30, 0);
	ck_assert_int_eq(renameat(at, "0/1/2", at, "moved"), 0);
	ck_assert_int_eq(mkdirat(at, "0/1/2", 0700), 0);
	ascend(3, 0);
	ck_assert_int_eq(walk_directory_fd(&walk), -1);
	ck_assert_int_eq(errno, ESTALE);
	ck_assert_int_eq(walk_set_name(&walk, "3", &err), TARN_OK);
	ck_assert_int_eq(
	    walk_list(&walk, levels[3].dev, levels[3].ino, SORT_NONE, &err), TARN_ESYSTEM);
	ascend(2, 0);
	expect_right_directory();
}
END_TEST

START_TEST(directory_of_operands_is_opened_once_for_those_that_follow_each_other) {
	char directory[PATH_MAX];
	int base;

	snprintf(directory, sizeof(directory), "%s/0/1", scratch);
	ck_assert_int_eq(walk_begin(&walk, directory, "a", &err), TARN_OK);
	base = walk.base;
	ck_assert_int_eq(renameat(at, "0/1", at, "moved"), 0);
	ck_assert_int_eq(walk_begin(&walk, directory, "b", &err), TARN_OK);
	ck_assert_int_eq(walk.base, base);
	ck_assert_int_eq(walk_begin(&walk, NULL, "b", &err), TARN_OK);
	ck_assert_int_eq(walk.base, AT_FDCWD);
	ck_assert_int_eq(walk_begin(&walk, directory, "c", &err), TARN_ESYSTEM);
	ck_assert_int_eq(walk_directory_fd(&walk), -1);
	ck_assert_int_eq(mkdirat(at, "0/1", 0700), 0);
	ck_assert_int_eq(walk_begin(&walk, directory, "d", &err), TARN_OK);
	ck_assert_int_ge(walk.base, 0);
}
END_TEST

START_TEST(names_are_listed_in_order) {
	write_file("0/b", "");
	write_file("0/a", "");
	ck_assert_int_eq(walk_list(&walk, levels[0].dev, levels[0].ino, SORT_NAME, &err), TARN_OK);
	descend(1, 1);
	ck_assert_uint_eq(walk_top(&walk)->names.n, 3);
	ck_assert_str_eq(directory_name(&walk_top(&walk)->names, 0), "1");
	ck_assert_str_eq(directory_name(&walk_top(&walk)->names, 2), "b");
}
END_TEST

int main(void) {
	Suite *suite = suite_create("walk");
	TCase *tests = add_case(suite, "walk", set_up, tear_down);

	tcase_add_test(tests, directories_are_found_whichever_are_asked_for);
	tcase_add_test(tests, directory_that_is_not_asked_for_is_not_opened);
	tcase_add_test(tests, directories_above_that_were_moved_are_reached_from_below);
	tcase_add_test(tests, directory_below_that_was_moved_is_no_way_up);
	tcase_add_test(tests, directory_that_was_replaced_is_another_one);
	tcase_add_test(
	    tests, directory_of_operands_is_opened_once_for_those_that_follow_each_other);
	tcase_add_test(tests, names_are_listed_in_order);
	return run_suite(suite);
}
