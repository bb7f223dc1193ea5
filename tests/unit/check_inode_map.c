#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inode_map.h"
#include "suite.h"

static struct inode_map *map;
static inode_directory top;
static struct error err;

/* Enter the directory with the number ${ino}; returns what it was when it was visited before. */
static inode_directory enter(
    inode_directory parent, const char *name, ino_t ino, inode_directory *directory) {
	struct entry e = { .type = ENTRY_DIRECTORY };
	inode_directory visited;

	e.identity.dev = 1;
	e.identity.ino = ino;
	ck_assert_int_eq(
	    inode_map_enter(map, parent, name, &e, directory, &visited, &err), TARN_OK);
	return visited;
}

static void set_up(void) {
	ck_assert_int_eq(inode_map_new(&map, true, &err), TARN_OK);
	ck_assert_uint_eq(enter(0, "top", 1000001, &top), 0);
}

static void tear_down(void) {
	inode_map_free(map);
}

static struct entry file(ino_t ino, nlink_t nlink) {
	struct entry e = { .type = ENTRY_FILE, .size = 7 };

	e.identity.dev = 1;
	e.identity.ino = ino;
	e.identity.nlink = nlink;
	e.identity.has_btime = true;
	e.identity.btime.tv_sec = (time_t)ino;
	return e;
}

static enum inode_seen add(
    struct entry e, inode_directory d, const char *name, const char **first) {
	enum inode_seen seen;

	ck_assert_int_eq(inode_map_add(map, d, name, &e, &seen, first, &err), TARN_OK);
	return seen;
}

START_TEST(second_name_gets_the_first) {
	const char *first;

	ck_assert_int_eq(add(file(5, 3), top, "a", &first), INODE_NEW);
	ck_assert_int_eq(add(file(5, 3), top, "b", &first), INODE_LATER);
	ck_assert_str_eq(first, "top/a");
}
END_TEST

START_TEST(names_are_composed_of_the_directories_above) {
	inode_directory sub, none, root;
	const char *first;

	enter(top, "sub", 1000002, &sub);
	enter(0, "", 1000003, &none);
	enter(0, "/", 1000004, &root);
	add(file(1, 9), sub, "x", &first);
	add(file(2, 9), none, "y", &first);
	add(file(3, 9), root, "z", &first);
	add(file(1, 9), top, "n", &first);
	ck_assert_str_eq(first, "top/sub/x");
	add(file(2, 9), top, "n", &first);
	ck_assert_str_eq(first, "y");
	add(file(3, 9), top, "n", &first);
	ck_assert_str_eq(first, "/z");
}
END_TEST

START_TEST(reused_number_is_a_mismatch_and_leads_anew) {
	struct entry reused = file(5, 2);
	const char *first;

	add(file(5, 2), top, "a", &first);
	reused.identity.btime.tv_nsec = 1;
	ck_assert_int_eq(add(reused, top, "b", &first), INODE_MISMATCH);
	ck_assert_int_eq(add(reused, top, "c", &first), INODE_LATER);
	ck_assert_str_eq(first, "top/b");
}
END_TEST

START_TEST(reused_number_that_cannot_be_remembered_changes_nothing) {
	struct entry reused = file(5, 2);
	enum inode_seen seen;
	const char *first;
	char name[6000];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	add(file(5, 3), top, "a", &first);
	reused.identity.btime.tv_nsec = 1;
	ck_assert_int_eq(
	    inode_map_add(map, top, name, &reused, &seen, &first, &err), TARN_EREFUSED);
	ck_assert_int_eq(add(file(5, 3), top, "b", &first), INODE_LATER);
	ck_assert_str_eq(first, "top/a");
}
END_TEST

START_TEST(inode_is_forgotten_when_all_names_were_seen) {
	struct inode_map_stats stats;
	const char *first;

	add(file(5, 2), top, "a", &first);
	add(file(5, 2), top, "b", &first);
	inode_map_get_stats(map, &stats);
	ck_assert_uint_eq(stats.ninodes, 0);
	ck_assert_int_eq(add(file(5, 2), top, "c", &first), INODE_NEW);
}
END_TEST

START_TEST(directory_that_is_entered_again_is_known) {
	struct identity identity = { .dev = 1, .ino = 1000002 };
	inode_directory sub, again;
	const char *first;

	enter(top, "sub", 1000002, &sub);
	ck_assert_uint_eq(enter(top, "again", 1000002, &again), sub);
	ck_assert_uint_ne(again, sub);
	ck_assert_uint_eq(inode_map_find_directory(map, &identity), sub);
	ck_assert_str_eq(inode_map_name(map, sub, "x"), "top/sub/x");
	/* What is first there has its name there. */
	add(file(5, 2), again, "a", &first);
	add(file(5, 2), top, "b", &first);
	ck_assert_str_eq(first, "top/again/a");
	identity.ino = 77;
	ck_assert_uint_eq(inode_map_find_directory(map, &identity), 0);
}
END_TEST

START_TEST(number_of_a_directory_may_become_that_of_a_file) {
	inode_directory sub;
	const char *first;

	enter(top, "sub", 5, &sub);
	add(file(6, 2), sub, "in-it", &first);
	ck_assert_int_eq(add(file(5, 2), top, "a", &first), INODE_MISMATCH);
	ck_assert_int_eq(add(file(5, 2), top, "b", &first), INODE_LATER);
	ck_assert_str_eq(first, "top/a");
	add(file(6, 2), top, "c", &first);
	ck_assert_str_eq(first, "top/sub/in-it");
}
END_TEST

START_TEST(file_with_one_name_that_was_named_twice_stays) {
	const char *first;

	ck_assert_int_eq(add(file(5, 1), 0, "a", &first), INODE_NEW);
	ck_assert_int_eq(add(file(5, 1), 0, "a", &first), INODE_LATER);
	ck_assert_int_eq(add(file(5, 1), 0, "./a", &first), INODE_LATER);
	ck_assert_str_eq(first, "a");
}
END_TEST

START_TEST(operand_that_is_met_again_counts_once_and_is_kept) {
	struct inode_map_stats stats;
	const char *first;

	add(file(5, 3), 0, "top/a", &first);
	add(file(5, 3), 0, "./top/b", &first);
	ck_assert_int_eq(add(file(5, 3), top, "a", &first), INODE_LATER);
	ck_assert_int_eq(add(file(5, 3), top, "b", &first), INODE_LATER);
	ck_assert_int_eq(add(file(5, 3), top, "c", &first), INODE_LATER);
	ck_assert_str_eq(first, "top/a");
	/* A later name that is an operand may be met again, too. */
	add(file(6, 2), top, "d", &first);
	add(file(6, 2), 0, "e", &first);
	inode_map_get_stats(map, &stats);
	ck_assert_uint_eq(stats.ninodes, 2);
}
END_TEST

START_TEST(forgotten_first_name_makes_the_next_one_first) {
	struct entry e = file(5, 3);
	const char *first;

	add(e, top, "a", &first);
	inode_map_forget(map, &e);
	ck_assert_int_eq(add(e, top, "b", &first), INODE_NEW);
	ck_assert_int_eq(add(e, top, "c", &first), INODE_LATER);
	ck_assert_str_eq(first, "top/b");
}
END_TEST

START_TEST(replaced_first_name_is_one_of_those_that_were_met) {
	struct inode_map_stats stats;
	struct entry e = file(5, 3);
	const char *first;

	add(e, top, "a", &first);
	add(e, top, "b", &first);
	ck_assert_int_eq(inode_map_replace(map, top, "b", &e, &err), TARN_OK);
	ck_assert_int_eq(add(e, top, "c", &first), INODE_LATER);
	ck_assert_str_eq(first, "top/b");
	/* It was the last one. */
	ck_assert_int_eq(inode_map_replace(map, top, "c", &e, &err), TARN_OK);
	inode_map_get_stats(map, &stats);
	ck_assert_uint_eq(stats.ninodes, 0);
}
END_TEST

START_TEST(million_inodes_take_at_most_64_bytes_each) {
	struct inode_map_stats stats;
	const char *first;
	char name[32];

	for (ino_t i = 1; i <= 1000000; i++) {
		snprintf(name, sizeof(name), "file%06ju", (uintmax_t)i % 1000000);
		ck_assert_int_eq(add(file(i, 2), top, name, &first), INODE_NEW);
	}
	inode_map_get_stats(map, &stats);
	ck_assert_uint_eq(stats.ninodes, 1000000);
	ck_assert_uint_le(stats.nbytes, 64 * 1000000);
	for (ino_t i = 1; i <= 1000000; i++) {
		snprintf(name, sizeof(name), "top/file%06ju", (uintmax_t)i % 1000000);
		ck_assert_int_eq(add(file(i, 2), top, "n", &first), INODE_LATER);
		ck_assert_str_eq(first, name);
	}
	inode_map_get_stats(map, &stats);
	ck_assert_uint_eq(stats.ninodes, 0);
}
END_TEST

START_TEST(memory_of_forgotten_inodes_is_used_again) {
	struct inode_map_stats stats;
	const char *first;

	for (ino_t i = 1; i <= 200000; i++) {
		add(file(i, 2), top, "a-name", &first);
		add(file(i, 2), top, "b-name", &first);
	}
	inode_map_get_stats(map, &stats);
	ck_assert_uint_le(stats.nbytes, (size_t)2 << 20);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("inode_map");
	TCase *tc = tcase_create("inode_map");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, second_name_gets_the_first);
	tcase_add_test(tc, names_are_composed_of_the_directories_above);
	tcase_add_test(tc, reused_number_is_a_mismatch_and_leads_anew);
	tcase_add_test(tc, reused_number_that_cannot_be_remembered_changes_nothing);
	tcase_add_test(tc, inode_is_forgotten_when_all_names_were_seen);
	tcase_add_test(tc, directory_that_is_entered_again_is_known);
	tcase_add_test(tc, number_of_a_directory_may_become_that_of_a_file);
	tcase_add_test(tc, file_with_one_name_that_was_named_twice_stays);
	tcase_add_test(tc, operand_that_is_met_again_counts_once_and_is_kept);
	tcase_add_test(tc, forgotten_first_name_makes_the_next_one_first);
	tcase_add_test(tc, replaced_first_name_is_one_of_those_that_were_met);
	tcase_add_test(tc, million_inodes_take_at_most_64_bytes_each);
	tcase_add_test(tc, memory_of_forgotten_inodes_is_used_again);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
