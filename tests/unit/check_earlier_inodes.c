#include "config.h"

#include "earlier_inodes.h"

#include <check.h>
#include <stdlib.h>

#include "suite.h"

static struct earlier_inodes earlier;
static struct error err;

static void tear_down(void) {
	earlier_inodes_fini(&earlier);
}

static struct entry file(const char *name, ino_t ino) {
	return (struct entry){
		.name = name,
		.type = ENTRY_FILE,
		.is_whole = true,
		.mode = 0644,
		.size = 10,
		.mtime = { 100, 5 },
		.identity = { .dev = 1,
		    .ino = ino,
		    .has_btime = true,
		    .btime = { 50, 7 },
		    .mtime = { 100, 5 } },
	};
}

static void note(const struct entry *e) {
	ck_assert_int_eq(earlier_inodes_note(&earlier, e, &err), TARN_OK);
}

/* Put ${e} as a run does: as what it is found to be. */
static const char *put(const struct entry *e) {
	const char *first = earlier_inodes_find(&earlier, e);

	ck_assert_int_eq(earlier_inodes_put(&earlier, e, first, &err), TARN_OK);
	return first;
}

START_TEST(name_of_stored_inode_is_found) {
	struct entry a = file("a", 1), b = file("b", 2), other = file("c", 2);

	note(&a);
	note(&b);
	ck_assert_pstr_eq(earlier_inodes_find(&earlier, &other), "b");
}
END_TEST

START_TEST(device_number_counts_only_without_a_birth_time) {
	struct entry a = file("a", 1), other = file("b", 1);

	note(&a);
	other.identity.dev = 9;
	ck_assert_pstr_eq(earlier_inodes_find(&earlier, &other), "a");
	a.name = "c";
	a.identity.has_btime = other.identity.has_btime = false;
	note(&a);
	ck_assert_pstr_eq(earlier_inodes_find(&earlier, &other), NULL);
	other.identity.dev = 1;
	ck_assert_pstr_eq(earlier_inodes_find(&earlier, &other), "c");
}
END_TEST

START_TEST(any_change_makes_another_file) {
	struct entry a = file("a", 1), b = file("b", 1);

	note(&a);
	b.size++;
	ck_assert_pstr_eq(earlier_inodes_find(&earlier, &b), NULL);
	b = file("b", 1);
	b.identity.mtime.tv_nsec++;
	ck_assert_pstr_eq(earlier_inodes_find(&earlier, &b), NULL);
	b = file("b", 1);
	b.identity.attributes++;
	ck_assert_pstr_eq(earlier_inodes_find(&earlier, &b), NULL);
	b = file("b", 1);
	b.mtime.tv_sec++; /* by --mtime */
	ck_assert_pstr_eq(earlier_inodes_find(&earlier, &b), NULL);
	b = file("b", 1);
	b.mode = 0600;
	ck_assert_pstr_eq(earlier_inodes_find(&earlier, &b), NULL);
	b = file("b", 1);
	b.uid = 7;
	ck_assert_pstr_eq(earlier_inodes_find(&earlier, &b), NULL);
	b = file("b", 1);
	b.identity.btime.tv_nsec++;
	ck_assert_pstr_eq(earlier_inodes_find(&earlier, &b), NULL);
	b = file("b", 1);
	ck_assert_pstr_eq(earlier_inodes_find(&earlier, &b), "a");
}
END_TEST

START_TEST(member_that_was_replaced_in_the_archive_is_not_linked_to) {
	struct entry a = file("a", 1), again = file("./a", 2), b = file("b", 1), c = file("c", 2);

	note(&a);
	note(&again);
	ck_assert_pstr_eq(earlier_inodes_find(&earlier, &b), NULL);
	ck_assert_pstr_eq(earlier_inodes_find(&earlier, &c), "./a");
}
END_TEST

START_TEST(member_that_this_run_replaces_is_not_linked_to) {
	struct entry a = file("a", 1), changed = file("a", 2), b = file("b", 1);

	note(&a);
	ck_assert_pstr_eq(put(&changed), NULL);
	ck_assert_pstr_eq(put(&b), NULL);
}
END_TEST

START_TEST(same_name_is_stored_again_and_is_the_first_then) {
	struct entry a = file("a", 1), b = file("b", 1);

	note(&a);
	ck_assert_pstr_eq(put(&a), NULL);
	ck_assert_pstr_eq(put(&b), NULL);
}
END_TEST

START_TEST(later_name_in_this_run_goes_to_the_stored_one) {
	struct entry a = file("a", 1), b = file("b", 1), c = file("c", 1);

	note(&a);
	ck_assert_pstr_eq(put(&b), "a");
	c.first_name = "b";
	c.is_whole = false;
	c.size = 0;
	ck_assert_pstr_eq(put(&c), "a");
}
END_TEST

START_TEST(later_name_of_what_this_run_stored_is_left_alone) {
	struct entry a = file("a", 1), b = file("b", 2), c = file("c", 2);

	note(&a);
	ck_assert_pstr_eq(put(&b), NULL);
	c.first_name = "b";
	c.is_whole = false;
	ck_assert_pstr_eq(put(&c), NULL);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("earlier_inodes");
	TCase *tc = tcase_create("earlier_inodes");

	tcase_add_checked_fixture(tc, NULL, tear_down);
	tcase_add_test(tc, name_of_stored_inode_is_found);
	tcase_add_test(tc, device_number_counts_only_without_a_birth_time);
	tcase_add_test(tc, any_change_makes_another_file);
	tcase_add_test(tc, member_that_was_replaced_in_the_archive_is_not_linked_to);
	tcase_add_test(tc, member_that_this_run_replaces_is_not_linked_to);
	tcase_add_test(tc, same_name_is_stored_again_and_is_the_first_then);
	tcase_add_test(tc, later_name_in_this_run_goes_to_the_stored_one);
	tcase_add_test(tc, later_name_of_what_this_run_stored_is_left_alone);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
