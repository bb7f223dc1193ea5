#include "config.h"

#include "known_members.h"

#include <check.h>
#include <stdlib.h>

#include "suite.h"

static struct known_members known;
static struct error err;

static void setup(void) {
	known_members_init(&known, &(struct options){ 0 });
}

static void teardown(void) {
	known_members_fini(&known);
}

/* Begin anew with ${o}. */
static void with(const struct options *o) {
	teardown();
	known_members_init(&known, o);
}

static void add(const char *member, ino_t ino) {
	const struct stat st = { .st_mode = S_IFREG, .st_dev = 5, .st_ino = ino };

	ck_assert_int_eq(known_members_add(&known, member, &st, &err), TARN_OK);
}

static bool has(const char *member, ino_t ino) {
	const struct stat st = { .st_mode = S_IFREG, .st_dev = 5, .st_ino = ino };

	return known_members_has(&known, member, &st);
}

/* That name as a path; the caller has member_path_fini called. */
static struct member_path path(const char *name) {
	struct member_path p = { .storage = NULL };

	ck_assert_int_eq(member_path_set(&p, name, &err), TARN_OK);
	return p;
}

START_TEST(inodes_are_known_one_by_one) {
	struct stat other = { .st_mode = S_IFREG, .st_dev = 6, .st_ino = 128 };

	/* All of one key, but one. */
	for (ino_t ino = 128; ino < 192; ino += 2)
		add("a", ino);
	for (ino_t ino = 128; ino < 192; ino++)
		ck_assert_int_eq(has("a", ino), ino % 2 == 0);
	ck_assert(!has("a", 192));
	ck_assert(!known_members_has_any(&known, &other));
	/* A directory may get the number of a file that is gone. */
	other = (struct stat){ .st_mode = S_IFDIR, .st_dev = 5, .st_ino = 128 };
	ck_assert(!known_members_has_any(&known, &other));
	other.st_mode = S_IFREG;
	ck_assert(known_members_has_any(&known, &other));
}
END_TEST

START_TEST(inode_is_one_member_where_members_are_renamed) {
	with(&(struct options){ .strip_components = 1 });
	add("x/a", 128);
	add("x/b", 129);
	ck_assert(has("x/a", 128) && !has("x/b", 128));
	ck_assert(has("./x//b", 129) && !has("x/a", 129));
	/* Another file got the number. */
	add("x/b", 128);
	ck_assert(has("x/b", 128) && !has("x/a", 128));
}
END_TEST

START_TEST(place_is_stale_until_a_member_is_there) {
	struct member_path a = path("d/a"), b = path("d/b");

	ck_assert(!known_members_is_stale(&known, &a));
	ck_assert_int_eq(known_members_failed_at(&known, &a, &err), TARN_OK);
	ck_assert(known_members_is_stale(&known, &a));
	ck_assert(!known_members_is_stale(&known, &b));
	known_members_is_at(&known, &b);
	ck_assert(known_members_is_stale(&known, &a));
	known_members_is_at(&known, &a);
	ck_assert(!known_members_is_stale(&known, &a));
	member_path_fini(&a);
	member_path_fini(&b);
}
END_TEST

START_TEST(directory_is_that_of_what_lies_in_it) {
	struct member_path directory = path("x/d"), in = path("x/d/a"), below = path("x/d/e/a");
	struct member_path beside = path("x/a"), top = path("a"), x = path("x");

	ck_assert(!known_members_made_parent(&known, &in));
	ck_assert_int_eq(known_members_made_directory(&known, &directory, &err), TARN_OK);
	ck_assert(known_members_made_parent(&known, &in));
	ck_assert(!known_members_made_parent(&known, &below));
	ck_assert(!known_members_made_parent(&known, &beside));
	ck_assert_int_eq(known_members_made_directory(&known, &x, &err), TARN_OK);
	ck_assert(known_members_made_parent(&known, &beside));
	ck_assert(!known_members_made_parent(&known, &top));
	/* It is nothing else that is known of the place. */
	ck_assert(!known_members_is_stale(&known, &directory));
	for (int i = 0; i < 6; i++)
		member_path_fini(
		    (struct member_path *[]){ &directory, &in, &below, &beside, &top, &x }[i]);
}
END_TEST

START_TEST(absolute_name_is_another_place_only_where_it_is_one) {
	struct member_path relative = path("d/a"), absolute = path("/d/a");

	ck_assert_int_eq(known_members_failed_at(&known, &relative, &err), TARN_OK);
	ck_assert(known_members_is_stale(&known, &absolute));
	with(&(struct options){ .absolute_names = true });
	ck_assert_int_eq(known_members_failed_at(&known, &relative, &err), TARN_OK);
	ck_assert(!known_members_is_stale(&known, &absolute));
	ck_assert_uint_ne(known_members_key_of_place(&known, &relative),
	    known_members_key_of_place(&known, &absolute));
	member_path_fini(&relative);
	member_path_fini(&absolute);
}
END_TEST

START_TEST(member_is_left_out_until_another_comes) {
	ck_assert(!known_members_left_out(&known, "a"));
	ck_assert_int_eq(known_members_leave_out(&known, "a", &err), TARN_OK);
	ck_assert(known_members_left_out(&known, "./a"));
	ck_assert(!known_members_left_out(&known, "b"));
	known_members_came(&known, "b");
	ck_assert(known_members_left_out(&known, "a"));
	known_members_came(&known, "a");
	ck_assert(!known_members_left_out(&known, "a"));
}
END_TEST

int main(void) {
	Suite *s = suite_create("known_members");
	TCase *t = tcase_create("known_members");

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, inodes_are_known_one_by_one);
	tcase_add_test(t, inode_is_one_member_where_members_are_renamed);
	tcase_add_test(t, place_is_stale_until_a_member_is_there);
	tcase_add_test(t, directory_is_that_of_what_lies_in_it);
	tcase_add_test(t, absolute_name_is_another_place_only_where_it_is_one);
	tcase_add_test(t, member_is_left_out_until_another_comes);
	return run_suite(s);
}
