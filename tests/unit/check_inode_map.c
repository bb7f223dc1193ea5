#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "inode_map.h"

static struct inode_map *map;
static struct inode_directory *top;
static struct error err;

static void set_up(void) {
	ck_assert_int_eq(inode_map_new(&map, true, &err), TARN_OK);
	ck_assert_int_eq(inode_map_enter(map, NULL, "top", &top, &err), TARN_OK);
}

static void tear_down(void) {
	inode_map_leave(map, top);
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
    struct entry e, struct inode_directory *d, const char *name, const char **first) {
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
	struct inode_directory *sub, *none, *root;
	const char *first;

	ck_assert_int_eq(inode_map_enter(map, top, "sub", &sub, &err), TARN_OK);
	ck_assert_int_eq(inode_map_enter(map, NULL, "", &none, &err), TARN_OK);
	ck_assert_int_eq(inode_map_enter(map, NULL, "/", &root, &err), TARN_OK);
	add(file(1, 9), sub, "x", &first);
	add(file(2, 9), none, "y", &first);
	add(file(3, 9), root, "z", &first);
	inode_map_leave(map, sub);
	inode_map_leave(map, none);
	inode_map_leave(map, root);
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

START_TEST(million_inodes_take_at_most_72_bytes_each) {
	struct inode_map_stats stats;
	const char *first;
	char name[32];

	for (ino_t i = 1; i <= 1000000; i++) {
		snprintf(name, sizeof(name), "file%06ju", (uintmax_t)i % 1000000);
		ck_assert_int_eq(add(file(i, 2), top, name, &first), INODE_NEW);
	}
	inode_map_get_stats(map, &stats);
	ck_assert_uint_eq(stats.ninodes, 1000000);
	ck_assert_uint_le(stats.nbytes, 72 * 1000000);
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
	ck_assert_uint_eq(stats.ninodes_peak, 1);
	ck_assert_uint_le(stats.nbytes, (size_t)2 << 20);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("inode_map");
	TCase *tc = tcase_create("inode_map");
	SRunner *runner;
	int nfailed;

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, second_name_gets_the_first);
	tcase_add_test(tc, names_are_composed_of_the_directories_above);
	tcase_add_test(tc, reused_number_is_a_mismatch_and_leads_anew);
	tcase_add_test(tc, inode_is_forgotten_when_all_names_were_seen);
	tcase_add_test(tc, forgotten_first_name_makes_the_next_one_first);
	tcase_add_test(tc, million_inodes_take_at_most_72_bytes_each);
	tcase_add_test(tc, memory_of_forgotten_inodes_is_used_again);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	nfailed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return nfailed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
