#include "config.h"

#include "pattern.h"

#include <check.h>
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>

#include "suite.h"

static struct matching how;
static struct pattern pattern;
static struct error err;

static void begin(const char *text) {
	ck_assert_int_eq(pattern_init(&pattern, text, &how, &err), TARN_OK);
}

static void set_up(void) {
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	how = (struct matching){ .wildcards = true, .wildcards_match_slash = true };
	pattern.needle = NULL;
}

static void tear_down(void) {
	pattern_fini(&pattern);
}

static const struct {
	const char *text, *needle;
} needles[] = {
	{ "name", "name" },
	{ "*.o", ".o" },
	{ "a*bcd?ef", "bcd" },
	{ "a\\*bc", "bc" },
	{ "ab\\\\", "ab" },
	{ "ab[cdef]", "ab" },
	{ "[Tt]humbs.db", "humbs.db" },
	{ "[]abc]d", "d" },
	{ "a[[:alpha:]]bc", "bc" },
	{ "a[b]cdef[g]h", "a" },
	{ "ab[cde", "ab" },
	{ "*", NULL },
	{ "\\", NULL },
	{ "[a]", NULL },
	{ "", NULL },
	{ "\xc3\xa4*", "\xc3\xa4" },
};

START_TEST(needle_is_what_stands_for_itself) {
	begin(needles[_i].text);
	if (needles[_i].needle != NULL)
		ck_assert_str_eq(pattern.needle, needles[_i].needle);
	else
		ck_assert_ptr_null(pattern.needle);
}
END_TEST

START_TEST(pattern_without_wildcards_is_its_needle) {
	how.wildcards = false;
	begin("a*[b");
	ck_assert_str_eq(pattern.needle, "a*[b");
	ck_assert(pattern_matches(&pattern, "x/a*[b/c"));
	ck_assert(!pattern_matches(&pattern, "x/a*[bc"));
}
END_TEST

START_TEST(needle_does_not_hide_other_case) {
	how.ignore_case = true;
	begin("*.JPG");
	ck_assert(pattern_matches(&pattern, "a/b.jpg"));
	ck_assert(!pattern_matches(&pattern, "a/b.jpeg"));
}
END_TEST

static uint64_t state = 1;

/* Up to 11 of the ${n} characters in ${from}, by chance. */
static void make_up(char to[12], const char *from, size_t n) {
	size_t nbytes = (state >> 40) % 12;

	for (size_t i = 0; i < nbytes; i++) {
		state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
		to[i] = from[(state >> 33) % n];
	}
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
	to[nbytes] = '\0';
}

/* fnmatch() itself is the judge. */
START_TEST(needle_changes_no_verdict) {
	static const char special[] = "aab/*?[]\\!-:", plain[] = "aaab/b]-[\\";
	char text[12], name[12], *needle;
	size_t nmatched = 0, nneedles = 0;
	bool matches;

	for (int i = 0; i < 400000; i++) {
		make_up(text, special, sizeof(special) - 1);
		make_up(name, plain, sizeof(plain) - 1);
		how.wildcards_match_slash = i % 2 != 0;
		how.anchored = i % 3 == 0;
		begin(text);
		matches = pattern_matches(&pattern, name);
		needle = pattern.needle;
		pattern.needle = NULL;
		ck_assert_msg(pattern_matches(&pattern, name) == matches,
		    "'%s' and '%s', with the needle '%s'", text, name, needle);
		nmatched += matches;
		nneedles += needle != NULL;
		free(needle);
	}
	/* It is about something. */
	ck_assert_uint_gt(nmatched, 10000);
	ck_assert_uint_gt(nneedles, 200000);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("pattern");
	TCase *tc = tcase_create("pattern");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, needle_is_what_stands_for_itself, 0, NELEMENTS(needles));
	tcase_add_test(tc, pattern_without_wildcards_is_its_needle);
	tcase_add_test(tc, needle_does_not_hide_other_case);
	tcase_add_test(tc, needle_changes_no_verdict);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
