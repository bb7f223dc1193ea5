#include "config.h"

#include "transform.h"

#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

/*
 * What is expected was compared with GNU tar, but for numbered matches, where it writes what is
 * before the first match twice, for \l\U, and for empty matches with g, where it does not end:
 * there sed is followed.
 */

static struct transform *transform;
static struct transformed to;
static struct error err;

static void set_up(void) {
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	transform = NULL;
}

static void tear_down(void) {
	transform_free(transform);
	transformed_fini(&to);
}

static const char *apply(enum transform_scope scope, const char *name) {
	const char *result;

	ck_assert_int_eq(transform_apply(transform, scope, name, &to, &result, &err), TARN_OK);
	return result;
}

static const struct {
	const char *expression, *name, *result;
} cases[] = {
	{ "s/a/X/", "a/bar", "X/bar" },
	{ "s/a/X/g", "a/bar", "X/bXr" },
	{ "s/a.*+?/X/x", "a/bar", "X" },
	{ "s/((b)+a)+/X/x", "a/bbaba", "a/X" },
	{ "s/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}-[0-9]{1,255}/X/x",
	    "2026-11-22T01:02:03-4.log", "X.log" },
	{ "s,^a/,,", "a/b", "b" },
	{ "s/^a$//", "a", "" },
	{ "s/o/0/2", "foo/oo", "fo0/oo" },
	{ "s/o/0/2g", "foo/oo", "fo0/00" },
	{ "s/.*/\\U&/", "a/b", "A/B" },
	{ "s/\\(f\\)\\(oo\\)/\\2\\1/", "foo", "oof" },
	{ "s/(f)(oo)/[\\2-\\1]/x", "foo", "[oo-f]" },
	{ "s/(x)?f/<\\1>/x", "f", "<>" },
	{ "s/FOO/y/i", "foo", "y" },
	{ "s/$/.old/", "a", "a.old" },
	{ "s/b/\\u&/;s/foo/\\UX\\Ey/", "b/foo", "B/Xy" },
	{ "s/B/\\l&/", "B", "b" },
	{ "s/[a-z]*/\\l\\U&z/", "abc", "aBCZ" },
	{ "s/\\//|/", "a/b", "a|b" },
	{ "s,a\\,b,c,", "a,b", "c" },
	{ "s|a\\|b|X|", "a|b", "X|b" },
	{ "s|a\\|b|X|x", "a|b", "X" },
	{ "s.a\\.b.Q.", "a|b", "a|b" },
	{ "s.a\\.b.Q.", "a.b", "Q" },
	{ "s+a\\+b+X+", "aab", "X" },
	{ "s+a\\+b+X+x", "a+b", "X" },
	{ "s(\\(a\\)b(X\\1(", "aab", "aXa" },
	{ "s{a\\{2\\}{X{", "aab", "Xb" },
	{ "s{a\\{2}{X{x", "a{2}", "X" },
	{ "s^\\^a^X^", "^a", "X" },
	{ "s?a\\?b?X?", "a?b", "a?X" },
	{ "s|x|\\||", "axb", "a|b" },
	{ "s&a&\\&&", "ab", "&b" },
	{ "s&a&\\\\\\&&", "ab", "\\&b" },
	{ "s1\\(a\\)1\\1Q1", "ab", "aQb" },
	{ "s/x*/-/g", "axb", "-a-b-" },
	{ "s/a*/x/g", "baaac", "xbxcx" },
	{ "s/x*/-/g", "abc", "-a-b-c-" },
	{ "s/a*/x/g", "aab", "xbx" },
	{ "s/a*/x/g", "a", "x" },
	{ "s/b*/x/2", "baaac", "baxaac" },
	{ "s/b*/x/2", "a", "ax" },
	{ "s/b*/x/2", "b", "b" },
	{ "s/a*/x/2g", "baaac", "bxcx" },
	{ "s/a*/x/2g", "aab", "aabx" },
	{ "s/a*/x/3", "abc", "abcx" },
	{ "s/x*$/-/g", "abc", "abc-" },
	{ "s/$/z/g", "a", "az" },
	{ "s/^a/b/g", "aaa", "baa" },
	{ "s/a/\\n\\&\\\\/", "a", "\n&\\" },
	{ "s/a/\\q/", "a", "\\q" },
	{ "s/nothing/x/", "a", "a" },
	{ "s/./x/g", "\303\251", "x" },
	{ "s/a/b/;s/b/c/", "a", "c" },
	{ "s/a/b/", "", "" },
};

START_TEST(name_is_rewritten) {
	ck_assert_int_eq(transform_add(&transform, cases[_i].expression, &err), TARN_OK);
	ck_assert_str_eq(apply(TRANSFORM_NAME, cases[_i].name), cases[_i].result);
}
END_TEST

static const struct {
	const char *expression;
	unsigned int scopes; /* that it applies to */
} scoped[] = {
	{ "s/a/b/", TRANSFORM_NAME | TRANSFORM_SYMLINK | TRANSFORM_HARDLINK },
	{ "s/a/b/R", TRANSFORM_SYMLINK | TRANSFORM_HARDLINK },
	{ "s/a/b/S", TRANSFORM_NAME | TRANSFORM_HARDLINK },
	{ "s/a/b/SH", TRANSFORM_NAME },
	{ "flags=r;s/a/b/", TRANSFORM_NAME },
	{ "flags=r;s/a/b/s", TRANSFORM_NAME | TRANSFORM_SYMLINK },
	{ "flags=h;flags=s;s/a/b/", TRANSFORM_SYMLINK },
};

START_TEST(expression_applies_to_its_scopes) {
	static const enum transform_scope scopes[] = { TRANSFORM_NAME, TRANSFORM_SYMLINK,
		TRANSFORM_HARDLINK };

	ck_assert_int_eq(transform_add(&transform, scoped[_i].expression, &err), TARN_OK);
	for (size_t i = 0; i < 3; i++)
		ck_assert_str_eq(
		    apply(scopes[i], "a"), (scoped[_i].scopes & scopes[i]) != 0 ? "b" : "a");
}
END_TEST

START_TEST(options_add_up) {
	ck_assert_int_eq(transform_add(&transform, "s/a/b/", &err), TARN_OK);
	ck_assert_int_eq(transform_add(&transform, "s/b/c/", &err), TARN_OK);
	ck_assert_str_eq(apply(TRANSFORM_NAME, "a"), "c");
}
END_TEST

START_TEST(without_expressions_a_name_stays) {
	ck_assert_str_eq(apply(TRANSFORM_NAME, "a"), "a");
}
END_TEST

static const struct {
	const char *expression, *message;
} wrong[] = {
	{ "", "Invalid transform expression" },
	{ "s", "Invalid transform expression" },
	{ "s/a", "Invalid transform expression" },
	{ "s/a/b", "Invalid transform expression" },
	{ "y/a/b/", "Invalid transform expression" },
	{ "s/(/b/x", "Invalid transform expression: Unmatched ( or \\(" },
	{ "s/a++++++++++++++++++++++++++++++++/b/x",
	    "Invalid transform expression: Too many repetitions of repetitions" },
	{ "s/a?+++++++++++++/b/x",
	    "Invalid transform expression: Too many repetitions of repetitions" },
	{ "s/((((a{99}){99}){99}){99}){99}/b/x",
	    "Invalid transform expression: Too many repetitions of repetitions" },
	{ "s/a\\{9999\\}\\{9999\\}/b/",
	    "Invalid transform expression: Too many repetitions of repetitions" },
	{ "s/a/b/q", "Unknown flag in transform expression: q" },
	{ "flags=z", "Unknown transform scope flag: z" },
	{ "s/a/\\1/", "Invalid transform replacement: back reference out of range" },
	{ "s1a1\\1Q1", "Invalid transform replacement: back reference out of range" },
	{ "s(a\\(b(X(", "Invalid transform expression: Unmatched ( or \\(" },
	{ "s/a/b/;x", "Invalid transform expression" },
};

START_TEST(wrong_expression_is_refused) {
	ck_assert_int_eq(transform_add(&transform, wrong[_i].expression, &err), TARN_EUSAGE);
	ck_assert_str_eq(err.msg, wrong[_i].message);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("transform");
	TCase *tc = tcase_create("transform");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, name_is_rewritten, 0, NELEMENTS(cases));
	tcase_add_loop_test(tc, expression_applies_to_its_scopes, 0, NELEMENTS(scoped));
	tcase_add_test(tc, options_add_up);
	tcase_add_test(tc, without_expressions_a_name_stays);
	tcase_add_loop_test(tc, wrong_expression_is_refused, 0, NELEMENTS(wrong));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
