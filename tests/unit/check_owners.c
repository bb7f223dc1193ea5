#include "config.h"

#include "owners.h"

#include <check.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

/*
 * The system's user and group databases are played by this program, which counts the questions:
 * user N is named "userN", group N "groupN", for N below KNOWN.
 */

#define KNOWN 50000
#define LARGE 7 /* the group with so many members that it needs a large buffer */

static unsigned int nasked;
static bool is_away; /* the server */

/* Put "${prefix}${id}" into ${buf}. */
static int answer(char *buf, size_t nbytes, size_t needed, const char *prefix, unsigned int id) {
	nasked++;
	if (is_away)
		return EIO;
	if (nbytes < needed)
		return ERANGE;
	snprintf(buf, nbytes, "%s%u", prefix, id);
	return 0;
}

/* The number in ${name} behind ${prefix}; KNOWN for what is not known. */
static unsigned int number_in(const char *name, const char *prefix) {
	size_t n = strlen(prefix);
	unsigned long id = strncmp(name, prefix, n) == 0 ? strtoul(name + n, NULL, 10) : KNOWN;

	return id < KNOWN ? (unsigned int)id : KNOWN;
}

int getpwuid_r(uid_t uid, struct passwd *pw, char *buf, size_t nbytes, struct passwd **found) {
	int r = answer(buf, nbytes, 16, "user", uid);

	*pw = (struct passwd){ .pw_name = buf, .pw_uid = uid };
	*found = r == 0 && uid < KNOWN ? pw : NULL;
	return r;
}

int getgrgid_r(gid_t gid, struct group *gr, char *buf, size_t nbytes, struct group **found) {
	int r = answer(buf, nbytes, gid == LARGE ? 100000 : 16, "group", gid);

	*gr = (struct group){ .gr_name = buf, .gr_gid = gid };
	*found = r == 0 && gid < KNOWN ? gr : NULL;
	return r;
}

int getpwnam_r(
    const char *name, struct passwd *pw, char *buf, size_t nbytes, struct passwd **found) {
	return getpwuid_r(number_in(name, "user"), pw, buf, nbytes, found);
}

int getgrnam_r(const char *name, struct group *gr, char *buf, size_t nbytes, struct group **found) {
	return getgrgid_r(number_in(name, "group"), gr, buf, nbytes, found);
}

static struct owners *owners;

static void set_up(void) {
	nasked = 0;
	owners = owners_new();
	ck_assert_ptr_nonnull(owners);
}

static void tear_down(void) {
	owners_free(owners);
}

START_TEST(names_of_users_and_groups_are_told_apart) {
	ck_assert_str_eq(owners_user_name(owners, 5), "user5");
	ck_assert_str_eq(owners_group_name(owners, 5), "group5");
	ck_assert_str_eq(owners_user_name(owners, 5), "user5");
}
END_TEST

START_TEST(numbers_of_users_and_groups_are_told_apart) {
	uint64_t id = 99;

	ck_assert(owners_user_id(owners, "user5", &id));
	ck_assert_uint_eq(id, 5);
	ck_assert(!owners_group_id(owners, "user5", &id));
	ck_assert_uint_eq(id, 5);
	ck_assert(owners_group_id(owners, "group6", &id));
	ck_assert_uint_eq(id, 6);
}
END_TEST

START_TEST(name_counts_where_the_system_knows_it_and_else_the_number) {
	ck_assert_uint_eq(owners_resolve_user(owners, "user5", 99), 5);
	ck_assert_uint_eq(owners_resolve_group(owners, "group6", 99), 6);
	ck_assert_uint_eq(owners_resolve_user(owners, "nobody-of-ours", UINT64_MAX), UINT64_MAX);
	ck_assert_uint_eq(owners_resolve_group(owners, "user5", 98), 98);
	ck_assert_uint_eq(owners_resolve_user(owners, NULL, 99), 99);
	ck_assert_uint_eq(owners_resolve_group(owners, NULL, 98), 98);
}
END_TEST

START_TEST(each_question_is_asked_once) {
	uint64_t id;

	for (int i = 0; i < 3; i++) {
		ck_assert_str_eq(owners_user_name(owners, 1), "user1");
		ck_assert_str_eq(owners_group_name(owners, 1), "group1");
		ck_assert(owners_user_id(owners, "user1", &id));
		ck_assert(owners_group_id(owners, "group1", &id));
		ck_assert_uint_eq(id, 1);
	}
	ck_assert_uint_eq(nasked, 4);
}
END_TEST

START_TEST(what_is_not_known_is_remembered_too) {
	uint64_t id = 99;

	for (int i = 0; i < 3; i++) {
		ck_assert_ptr_null(owners_user_name(owners, KNOWN));
		ck_assert_ptr_null(owners_group_name(owners, KNOWN));
		ck_assert(!owners_user_id(owners, "nobody-of-ours", &id));
		ck_assert(!owners_group_id(owners, "nobody-of-ours", &id));
	}
	ck_assert_uint_eq(nasked, 4);
	ck_assert_uint_eq(id, 99);
}
END_TEST

START_TEST(server_that_is_away_is_asked_once) {
	uint64_t id = 99;

	is_away = true;
	for (int i = 0; i < 3; i++) {
		ck_assert_ptr_null(owners_user_name(owners, 1));
		ck_assert(!owners_group_id(owners, "group1", &id));
	}
	is_away = false;
	ck_assert_ptr_null(owners_user_name(owners, 1));
	ck_assert_uint_eq(nasked, 2);
	ck_assert_int_eq(owners_errnum(owners), EIO);
}
END_TEST

START_TEST(number_beyond_the_system_is_nobody) {
	ck_assert_ptr_null(owners_user_name(owners, UINT64_C(0x100000005)));
	ck_assert_ptr_null(owners_group_name(owners, UINT64_C(0x100000005)));
}
END_TEST

START_TEST(names_stay_while_many_others_are_looked_up) {
	const char *first = owners_user_name(owners, 0);

	for (unsigned int i = 1; i < KNOWN; i++)
		ck_assert_ptr_nonnull(owners_user_name(owners, i));
	ck_assert_str_eq(first, "user0");
	ck_assert_ptr_eq(owners_user_name(owners, 0), first);
}
END_TEST

START_TEST(group_that_needs_a_large_buffer_is_found) {
	ck_assert_str_eq(owners_group_name(owners, LARGE), "group7");
}
END_TEST

START_TEST(remembering_what_is_not_known_has_a_limit) {
	char name[32];
	uint64_t id;
	unsigned int n = 70000;

	for (unsigned int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "nobody%u", i);
		ck_assert(!owners_user_id(owners, name, &id));
	}
	ck_assert(!owners_user_id(owners, name, &id));
	ck_assert_uint_eq(nasked, n + 1);
	/* What is known is remembered all the same. */
	ck_assert(owners_user_id(owners, "user1", &id));
	ck_assert(owners_user_id(owners, "user1", &id));
	ck_assert_uint_eq(nasked, n + 2);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("owners");
	TCase *lookups = tcase_create("lookups");

	tcase_add_checked_fixture(lookups, set_up, tear_down);
	tcase_add_test(lookups, names_of_users_and_groups_are_told_apart);
	tcase_add_test(lookups, numbers_of_users_and_groups_are_told_apart);
	tcase_add_test(lookups, name_counts_where_the_system_knows_it_and_else_the_number);
	tcase_add_test(lookups, each_question_is_asked_once);
	tcase_add_test(lookups, what_is_not_known_is_remembered_too);
	tcase_add_test(lookups, server_that_is_away_is_asked_once);
	tcase_add_test(lookups, number_beyond_the_system_is_nobody);
	tcase_add_test(lookups, names_stay_while_many_others_are_looked_up);
	tcase_add_test(lookups, group_that_needs_a_large_buffer_is_found);
	tcase_add_test(lookups, remembering_what_is_not_known_has_a_limit);
	suite_add_tcase(suite, lookups);

	return run_suite(suite);
}
