#include "config.h"

#include "member_path.h"

#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

/* Names as archives have them, and what is left of them. */

static const struct accepted {
	const char *name, *parent, *last;
	size_t depth, dropped;
} accepted[] = {
	{ "a", "", "a", 1, 0 },
	{ "a/b", "a", "b", 2, 0 },
	{ "a/b/c", "a/b", "c", 3, 0 },
	{ "a//b///c", "a/b", "c", 3, 0 },
	{ "a/b/", "a", "b", 2, 0 },
	{ "./a", "", "a", 1, 0 },
	{ "./a/./b/.", "a", "b", 2, 0 },
	{ "/a", "", "a", 1, 1 },
	{ "///a/b", "a", "b", 2, 3 },
	{ "/./a", "", "a", 1, 1 },
	{ "/", "", "", 0, 1 },
	{ ".", "", "", 0, 0 },
	{ "./", "", "", 0, 0 },
	{ "././.", "", "", 0, 0 },
	{ "...", "", "...", 1, 0 },
	{ "..a/.b", "..a", ".b", 2, 0 },
	{ "a../b.", "a..", "b.", 2, 0 },
	{ "a\nb/\377", "a\nb", "\377", 2, 0 },
	{ "a\\../b", "a\\..", "b", 2, 0 },
};

START_TEST(name_is_split_into_its_components) {
	const struct accepted *a = &accepted[_i];
	struct member_path path = { .storage = NULL };
	struct error err;

	ck_assert_int_eq(member_path_set(&path, a->name, &err), TARN_OK);
	ck_assert_str_eq(path.parent, a->parent);
	ck_assert_uint_eq(path.parent_nbytes, strlen(a->parent));
	ck_assert_str_eq(path.last, a->last);
	ck_assert_uint_eq(path.depth, a->depth);
	ck_assert_uint_eq(path.dropped, a->dropped);
	member_path_fini(&path);
}
END_TEST

START_TEST(directory_is_gone_into) {
	const struct accepted *a = &accepted[_i];
	struct member_path path = { .storage = NULL };
	char whole[PATH_MAX];
	struct error err;

	snprintf(whole, sizeof(whole), "%s%s%s", a->parent, a->depth > 1 ? "/" : "", a->last);
	ck_assert_int_eq(member_path_set(&path, a->name, &err), TARN_OK);
	member_path_go_into(&path);
	ck_assert_str_eq(path.parent, whole);
	ck_assert_uint_eq(path.parent_nbytes, strlen(whole));
	ck_assert_str_eq(path.last, ".");
	member_path_fini(&path);
}
END_TEST

static const char *const refused[] = {
	"..",
	"../a",
	"a/..",
	"a/../b",
	"/..",
	"./..",
	"../",
	"a/b/../..",
	"//../a",
	"a/./../b",
};

START_TEST(name_with_dot_dot_is_refused) {
	struct member_path path = { .storage = NULL };
	struct error err;

	ck_assert_int_eq(member_path_set(&path, refused[_i], &err), TARN_EREFUSED);
	ck_assert_str_eq(err.msg, "Member name contains '..'");
	member_path_fini(&path);
}
END_TEST

START_TEST(empty_name_is_refused) {
	struct member_path path = { .storage = NULL };
	struct error err;

	ck_assert_int_eq(member_path_set(&path, "", &err), TARN_EREFUSED);
	ck_assert_str_eq(err.msg, "Member name is empty");
	member_path_fini(&path);
}
END_TEST

START_TEST(component_may_be_as_long_as_linux_takes_it_and_no_longer) {
	struct member_path path = { .storage = NULL };
	char name[COMPONENT_NBYTES_MAX + 4] = "a/";
	struct error err;

	memset(name + 2, 'x', COMPONENT_NBYTES_MAX);
	ck_assert_int_eq(member_path_set(&path, name, &err), TARN_OK);
	ck_assert_uint_eq(strlen(path.last), COMPONENT_NBYTES_MAX);
	name[COMPONENT_NBYTES_MAX + 2] = 'x';
	ck_assert_int_eq(member_path_set(&path, name, &err), TARN_EREFUSED);
	ck_assert_int_eq(err.errnum, ENAMETOOLONG);
	ck_assert_str_eq(err.msg, "Cannot open: File name too long");
	member_path_fini(&path);
}
END_TEST

START_TEST(path_can_be_set_again_also_after_a_failure) {
	struct member_path path = { .storage = NULL };
	struct error err;

	ck_assert_int_eq(member_path_set(&path, "long/name/here", &err), TARN_OK);
	ck_assert_int_eq(member_path_set(&path, "x/../y", &err), TARN_EREFUSED);
	ck_assert_int_eq(member_path_set(&path, "/", &err), TARN_OK);
	ck_assert_uint_eq(path.depth, 0);
	ck_assert_int_eq(member_path_set(&path, "a/longer/name/than/the/first", &err), TARN_OK);
	ck_assert_str_eq(path.parent, "a/longer/name/than/the");
	ck_assert_str_eq(path.last, "first");
	ck_assert_uint_eq(path.dropped, 0);
	member_path_fini(&path);
}
END_TEST

static const struct pair {
	const char *a, *b;
	bool equal;
} pairs[] = {
	{ "a/b", "./a//b/", true },
	{ "/a", "a", true },
	{ ".", "/", true },
	{ "a/b", "a/c", false },
	{ "a/b", "c/b", false },
	{ "a/b", "ab", false },
	{ "a", ".", false },
	{ "b", "a/b", false },
	{ "a/.b", "a/b", false },
	{ "a/./././b", "a/b/.", true },
	{ "a/b", "a/bc", false },
	{ "a/b/c", "a/b", false },
};

START_TEST(names_are_equal_when_their_components_are) {
	ck_assert_int_eq(member_names_equal(pairs[_i].a, pairs[_i].b), pairs[_i].equal);
	ck_assert_int_eq(member_names_equal(pairs[_i].b, pairs[_i].a), pairs[_i].equal);
}
END_TEST

#define NELEMENTS(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void) {
	Suite *suite = suite_create("member_path");
	TCase *names = tcase_create("names");

	tcase_add_loop_test(names, name_is_split_into_its_components, 0, NELEMENTS(accepted));
	tcase_add_loop_test(names, directory_is_gone_into, 0, NELEMENTS(accepted));
	tcase_add_loop_test(names, name_with_dot_dot_is_refused, 0, NELEMENTS(refused));
	tcase_add_test(names, empty_name_is_refused);
	tcase_add_test(names, component_may_be_as_long_as_linux_takes_it_and_no_longer);
	tcase_add_test(names, path_can_be_set_again_also_after_a_failure);
	tcase_add_loop_test(names, names_are_equal_when_their_components_are, 0, NELEMENTS(pairs));
	suite_add_tcase(suite, names);

	return run_suite(suite);
}
