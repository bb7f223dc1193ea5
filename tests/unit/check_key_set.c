#include "config.h"

#include "key_set.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

static struct key_set set;
static struct error err;

static void tear_down(void) {
	key_set_fini(&set);
}

START_TEST(empty_set_has_nothing) {
	ck_assert(!key_set_has(&set, 1));
}
END_TEST

START_TEST(set_has_what_was_added_and_nothing_else) {
	uint64_t seed = key_seed();

	for (uint64_t i = 0; i < 100000; i += 2)
		ck_assert_int_eq(key_set_add(&set, key_with_numbers(seed, i, 7), &err), TARN_OK);
	ck_assert_int_eq(key_set_add(&set, key_with_numbers(seed, 0, 7), &err), TARN_OK);
	ck_assert_uint_eq(set.n, 50000);
	for (uint64_t i = 0; i < 100000; i++)
		ck_assert(key_set_has(&set, key_with_numbers(seed, i, 7)) == (i % 2 == 0));
	ck_assert(!key_set_has(&set, key_with_numbers(seed, 7, 0)));
}
END_TEST

/* Few slots to a key, and keys for the last slots, so that they go round the end. */
START_TEST(what_is_removed_is_gone_and_the_others_stay) {
	static const uint64_t round_the_end[] = { 1022, 2046, 1023, 3070, 2047, 1024, 2048, 1, 2 };
	const size_t n = sizeof(round_the_end) / sizeof(round_the_end[0]);
	uint64_t seed = key_seed();

	for (size_t removed = 0; removed < n; removed++) {
		for (size_t i = 0; i < n; i++)
			ck_assert_int_eq(key_set_add(&set, round_the_end[i], &err), TARN_OK);
		key_set_remove(&set, round_the_end[removed]);
		ck_assert_uint_eq(set.n, n - 1);
		for (size_t i = 0; i < n; i++)
			ck_assert(key_set_has(&set, round_the_end[i]) == (i != removed));
		key_set_fini(&set);
	}
	key_set_remove(&set, 1);
	for (uint64_t i = 0; i < 700; i++)
		ck_assert_int_eq(key_set_add(&set, key_with_numbers(seed, i, 7), &err), TARN_OK);
	for (uint64_t i = 0; i < 1000; i += 2)
		key_set_remove(&set, key_with_numbers(seed, i, 7));
	ck_assert_uint_eq(set.n, 350);
	for (uint64_t i = 0; i < 1000; i++)
		ck_assert(
		    key_set_has(&set, key_with_numbers(seed, i, 7)) == (i % 2 == 1 && i < 700));
}
END_TEST

START_TEST(dots_and_slashes_make_no_difference) {
	static const char *const same[] = { "a/b", "./a/b", "a//b", "/a/b", "a/b/", "././a/./b/." };
	static const char *const other[] = { "ab", "a", "b/a", "a/b/c", "a/.b", "a/..", "" };

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		ck_assert_uint_eq(key_of_name(5, same[i]), key_of_name(5, "a/b"));
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		ck_assert_uint_ne(key_of_name(5, other[i]), key_of_name(5, "a/b"));
}
END_TEST

/* Topmost bits are what a multiplication does not spread: no set of them may take itself away. */
START_TEST(names_of_one_key_cannot_be_made_without_the_seed) {
	const char name[] = "aaaaaaaaaaaaaaaaaaaaaaaa";
	uint64_t seed = key_seed(), key = key_of_name(seed, name);

	for (unsigned int flips = 1; flips < 1u << 12; flips++) {
		char other[sizeof(name)];

		memcpy(other, name, sizeof(name));
		for (unsigned int i = 0; i < 12; i++)
			other[2 * i + 1] =
			    (char)((unsigned char)name[2 * i + 1] ^ (flips >> i & 1) << 7);
		ck_assert_msg(key_of_name(seed, other) != key, "flips %#x", flips);
	}
}
END_TEST

START_TEST(key_depends_on_the_seed) {
	ck_assert_uint_ne(key_of_name(5, "a"), key_of_name(6, "a"));
	ck_assert_uint_ne(key_seed(), key_seed());
}
END_TEST

int main(void) {
	Suite *suite = suite_create("key_set");
	TCase *tc = tcase_create("key_set");

	tcase_add_checked_fixture(tc, NULL, tear_down);
	tcase_add_test(tc, empty_set_has_nothing);
	tcase_add_test(tc, set_has_what_was_added_and_nothing_else);
	tcase_add_test(tc, what_is_removed_is_gone_and_the_others_stay);
	tcase_add_test(tc, dots_and_slashes_make_no_difference);
	tcase_add_test(tc, names_of_one_key_cannot_be_made_without_the_seed);
	tcase_add_test(tc, key_depends_on_the_seed);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
