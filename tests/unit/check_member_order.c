#include "config.h"

#include "member_order.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

static struct member_order order;
static struct error err;
static uint64_t number;

static void set_up(void) {
	order = (struct member_order){ .seed = 7 };
	number = 0;
}

static void tear_down(void) {
	member_order_fini(&order);
}

static struct member_home home_of(const char *name, const char *first, bool is_whole) {
	struct entry e = { .name = name, .first_name = first, .is_whole = is_whole };
	struct member_home home;

	ck_assert_int_eq(member_order_find_home(&order, &e, &home, &err), TARN_OK);
	return home;
}

/* To which member must the other lanes have come? */
static uint64_t add(unsigned int lane, const char *name, const char *first) {
	struct member_home home = home_of(name, first, first == NULL);

	return member_order_add(&order, &home, ++number, lane);
}

static void expect_home(const char *name, const char *first, unsigned int lane, bool is_bound) {
	struct member_home home = home_of(name, first, first == NULL);

	ck_assert_uint_eq(home.lane, lane);
	ck_assert_int_eq(home.is_bound, is_bound);
}

START_TEST(names_of_different_files_do_not_wait) {
	ck_assert_uint_eq(add(0, "a/x", NULL), 0);
	ck_assert_uint_eq(add(1, "b/x", NULL), 0);
	ck_assert_uint_eq(add(1, "a/y", NULL), 0);
}
END_TEST

START_TEST(later_name_is_at_home_where_its_first_is_on_its_way) {
	expect_home("a/x", NULL, NO_LANE, false);
	add(1, "a/x", NULL);
	expect_home("b/later", "a/x", 1, true);
	ck_assert_uint_eq(add(1, "b/later", "a/x"), 0);
	expect_home("c/later", "./a//x", 1, true);
	expect_home("c/later", "b/later", 1, true);
	/* It is no matter where others of its names are. */
	add(0, "b/other", "old/first");
	expect_home("c/third", "old/first", NO_LANE, false);
	ck_assert_uint_eq(add(1, "c/third", "old/first"), 0);
}
END_TEST

START_TEST(names_are_at_home_where_those_of_the_same_directory_are) {
	add(1, "a/x", NULL);
	expect_home("a/y", NULL, 1, false);
	expect_home("b/y", NULL, NO_LANE, false);
	expect_home("a/later", "b/first", 1, false);
	expect_home("b/later", "a/first", NO_LANE, false);
	expect_home("top", NULL, NO_LANE, false);
}
END_TEST

/* It may become a file of its own, which those behind it are linked to. */
START_TEST(later_name_with_content_is_waited_for_by_the_others) {
	struct member_home home;

	add(1, "a/later", "old/first");
	home = home_of("b/later", "old/first", true);
	ck_assert_uint_eq(member_order_add(&order, &home, ++number, 0), 1);
	expect_home("c/later", "old/first", 0, true);
	ck_assert_uint_eq(add(1, "c/later", "old/first"), 2);
}
END_TEST

START_TEST(what_is_complete_is_at_home_anywhere) {
	add(1, "a/x", NULL);
	add(1, "b/x", "a/x");
	order.done = number + 1000;
	expect_home("a/y", NULL, NO_LANE, false);
	expect_home("b/z", "a/x", NO_LANE, false);
}
END_TEST

START_TEST(name_that_another_lane_has_made_is_waited_for) {
	add(0, "b/x", "a/first");
	ck_assert_uint_eq(add(1, "b/x", NULL), 1);
	/* Under whatever spelling, and for a link to it. */
	ck_assert_uint_eq(add(1, "b/y", "b/./x"), 0);
	ck_assert_uint_eq(add(0, "b//x", "a/first"), 3);
}
END_TEST

START_TEST(directory_on_the_way_is_waited_for) {
	add(0, "b/x", "a/first");
	ck_assert_uint_eq(add(0, "b/x/y", NULL), 0);
	ck_assert_uint_eq(add(1, "b/x/z", NULL), 1);
	ck_assert_uint_eq(add(1, "b/z", "b/x/y"), 2);
}
END_TEST

START_TEST(first_name_is_not_replaced_while_other_lanes_link_to_it) {
	/* The later name is its group's first name for another lane. */
	add(1, "a/f", "b/g");
	ck_assert_uint_eq(add(0, "b/l", "a/f"), 1);
	ck_assert_uint_eq(add(1, "a/f", "b/g"), 2);
}
END_TEST

START_TEST(users_of_several_lanes_are_all_waited_for) {
	add(0, "a/d/x", "a/first"); /* uses d */
	add(1, "a/d/y", "b/first");
	ck_assert_uint_eq(add(1, "a/d", "b/other"), 2);
}
END_TEST

START_TEST(link_to_itself_waits_for_those_before_it) {
	add(1, "a/d/x", "b/first");
	add(0, "a/d/y", "a/first");
	ck_assert_uint_eq(add(0, "a/d", "a/d"), 2);
}
END_TEST

START_TEST(what_is_complete_is_not_waited_for_and_forgotten) {
	char name[32];

	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "%d/%d", i / 10, i);
		order.done = number;
		ck_assert_uint_eq(add((unsigned int)i % 2, name, "first"), 0);
	}
	ck_assert_uint_le(order.capacity, 8192);
}
END_TEST

/* Wherever in the table they have come to be. */
START_TEST(what_is_on_its_way_is_known_while_the_rest_is_forgotten) {
	enum { ON_THEIR_WAY = 1000 };
	char name[32], before[32];

	order.seed += (uint64_t)_i;
	for (unsigned int i = 1; i <= 20000; i++) {
		snprintf(name, sizeof(name), "%u", i);
		ck_assert_uint_eq(add(i % 3, name, NULL), 0);
		order.done = number > ON_THEIR_WAY ? number - ON_THEIR_WAY : 0;
		if (order.done > 0) {
			unsigned int oldest = i - ON_THEIR_WAY + 1;

			snprintf(before, sizeof(before), "%u", oldest);
			expect_home("later", before, oldest % 3, true);
		}
	}
	ck_assert_uint_eq(order.capacity, 4096);
}
END_TEST

START_TEST(name_that_passes_waits_for_all_lanes_and_leaves_nothing) {
	struct entry e = { .name = "a/x" };
	uint64_t after;

	add(0, "a/x", NULL);
	add(1, "b/x", NULL);
	ck_assert_int_eq(member_order_pass(&order, &e, &after, &err), TARN_OK);
	ck_assert_uint_eq(after, 1);
	e.name = "b";
	ck_assert_int_eq(member_order_pass(&order, &e, &after, &err), TARN_OK);
	ck_assert_uint_eq(after, 2);
	ck_assert_uint_eq(add(1, "b/y", NULL), 0);
}
END_TEST

START_TEST(later_name_with_content_that_passes_waits_for_the_others) {
	struct entry e = { .name = "e/c", .first_name = "a", .is_whole = true };
	uint64_t after;

	add(0, "d/b", "a");
	ck_assert_int_eq(member_order_pass(&order, &e, &after, &err), TARN_OK);
	ck_assert_uint_eq(after, 1);
	e.is_whole = false;
	ck_assert_int_eq(member_order_pass(&order, &e, &after, &err), TARN_OK);
	ck_assert_uint_eq(after, 0);
}
END_TEST

START_TEST(deep_name_has_room) {
	char *name = malloc(20001);

	for (int i = 0; i < 20000; i += 2) {
		name[i] = 'a';
		name[i + 1] = '/';
	}
	name[20000] = '\0';
	ck_assert_uint_eq(add(0, name, name), 0);
	free(name);
}
END_TEST

#define NMEMBERS 600
#define NLANES 3

static struct member {
	char name[16], first[16]; /* "": none */
	bool is_whole;
	uint64_t number; /* 0: it was put at once */
	unsigned int lane;
	bool comes_after[NMEMBERS]; /* those that are complete when it is its turn */
} members[NMEMBERS];

static uint64_t random_below(uint64_t n) {
	static uint64_t state = 88172645463325252U;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 16) % n;
}

/* Mostly in the directory of ${before}, so that there is something to be remembered. */
static void random_name(char *name, const char *before) {
	const char *slash = strrchr(before, '/');
	size_t ndirectories = random_below(3), n = 0;

	if (slash != NULL && random_below(4) > 0) {
		n = (size_t)(slash - before) + 1;
		memmove(name, before, n);
		ndirectories = 0;
	}
	for (size_t i = 0; i < ndirectories; i++)
		n += (size_t)snprintf(name + n, 4, "%s/", random_below(5) == 0 ? "ab" : "a");
	snprintf(name + n, 4, "%s", (const char *[]){ "a", "b", "ab", "c" }[random_below(4)]);
}

/* Is ${name} a directory above ${below}? */
static bool is_above(const char *name, const char *below) {
	size_t n = strlen(name);

	return strncmp(name, below, n) == 0 && below[n] == '/';
}

static bool is_on_the_way_of(const char *name, const struct member *m) {
	return strcmp(name, m->name) == 0 || strcmp(name, m->first) == 0 ||
	    is_above(name, m->name) || is_above(name, m->first);
}

/* Does ${a} make what ${b} makes or uses? */
static bool makes_for(const struct member *a, const struct member *b) {
	return is_on_the_way_of(a->name, b) ||
	    (*a->first != '\0' && a->is_whole && is_on_the_way_of(a->first, b));
}

/* Have ${m} added, or put at once; to which member must all lanes, or all others, have come? */
static uint64_t add_or_pass(struct member *m) {
	struct entry e = { .name = m->name, .is_whole = m->is_whole };
	struct member_home home;
	uint64_t after;

	e.first_name = *m->first != '\0' ? m->first : NULL;
	if (random_below(10) == 0) {
		m->lane = NLANES;
		ck_assert_int_eq(member_order_pass(&order, &e, &after, &err), TARN_OK);
	} else {
		m->lane = (unsigned int)random_below(NLANES);
		home = home_of(e.name, e.first_name, e.is_whole);
		m->number = ++number;
		after = member_order_add(&order, &home, number, m->lane);
	}
	return after;
}

static void come_after(struct member *m, size_t earlier) {
	m->comes_after[earlier] = true;
	for (size_t i = 0; i < earlier; i++)
		m->comes_after[i] |= members[earlier].comes_after[i];
}

START_TEST(whatever_the_names_none_comes_before_those_that_matter_to_it) {
	const char *first = "";
	uint64_t after;

	member_order_fini(&order);
	order = (struct member_order){ .seed = 7 + (uint64_t)_i };
	memset(members, 0, sizeof(members));
	for (size_t i = 0; i < NMEMBERS; i++) {
		struct member *m = &members[i];
		const struct member *before = &members[i > 0 ? i - 1 : 0];

		random_name(m->name, before->name);
		if (random_below(2) == 0) {
			random_name(m->first, first);
			first = m->first;
		}
		m->is_whole = random_below(8) == 0;
		after = add_or_pass(m);
		ck_assert(after <= number && (after < m->number || m->number == 0));
		for (size_t j = 0; j < i; j++) {
			if (members[j].number <= after || members[j].lane == m->lane)
				come_after(m, j);
		}
		for (size_t j = 0; j < i; j++)
			ck_assert(m->comes_after[j] ||
			    (!makes_for(m, &members[j]) && !makes_for(&members[j], m)));
	}
}
END_TEST

int main(void) {
	Suite *suite = suite_create("member_order");
	TCase *tc = tcase_create("member_order");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, names_of_different_files_do_not_wait);
	tcase_add_test(tc, later_name_is_at_home_where_its_first_is_on_its_way);
	tcase_add_test(tc, names_are_at_home_where_those_of_the_same_directory_are);
	tcase_add_test(tc, later_name_with_content_is_waited_for_by_the_others);
	tcase_add_test(tc, what_is_complete_is_at_home_anywhere);
	tcase_add_loop_test(
	    tc, whatever_the_names_none_comes_before_those_that_matter_to_it, 0, 20);
	tcase_add_test(tc, name_that_another_lane_has_made_is_waited_for);
	tcase_add_test(tc, directory_on_the_way_is_waited_for);
	tcase_add_test(tc, first_name_is_not_replaced_while_other_lanes_link_to_it);
	tcase_add_test(tc, users_of_several_lanes_are_all_waited_for);
	tcase_add_test(tc, link_to_itself_waits_for_those_before_it);
	tcase_add_test(tc, what_is_complete_is_not_waited_for_and_forgotten);
	tcase_add_loop_test(tc, what_is_on_its_way_is_known_while_the_rest_is_forgotten, 0, 20);
	tcase_add_test(tc, name_that_passes_waits_for_all_lanes_and_leaves_nothing);
	tcase_add_test(tc, later_name_with_content_that_passes_waits_for_the_others);
	tcase_add_test(tc, deep_name_has_room);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
