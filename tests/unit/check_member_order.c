#include "config.h"

#include "member_order.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

/*
 * A lane of a name is not known beforehand: the tests take names for which the lanes differ, or do
 * not.
 */

static struct member_order order;
static struct error err;
static uint64_t number;

static void set_up(void) {
	order = (struct member_order){ .seed = 7, .nlanes = 2 };
	number = 0;
}

static void tear_down(void) {
	member_order_fini(&order);
}

static uint64_t add(const char *name, const char *first, unsigned int *lane) {
	struct entry e = { .name = name, .first_name = first };
	uint64_t after;

	ck_assert_int_eq(member_order_add(&order, &e, ++number, lane, &after, &err), TARN_OK);
	ck_assert_uint_lt(*lane, order.nlanes);
	return after;
}

/* A directory whose files belong to ${lane}. */
static const char *directory_of(unsigned int lane) {
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" };
	struct member_order probe = { .seed = order.seed, .nlanes = 2 };
	unsigned int is;
	uint64_t after;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char name[] = "?/x";

		name[0] = *names[i];
		ck_assert_int_eq(
		    member_order_add(&probe, &(struct entry){ .name = name }, 1, &is, &after, &err),
		    TARN_OK);
		if (is == lane) {
			member_order_fini(&probe);
			return names[i];
		}
	}
	ck_abort();
}

static char *in(unsigned int lane, const char *name) {
	static char names[8][32];
	static size_t n;
	char *at = names[n++ % 8];

	snprintf(at, sizeof(names[0]), "%s/%s", directory_of(lane), name);
	return at;
}

START_TEST(names_of_different_directories_do_not_wait) {
	unsigned int lane;

	ck_assert_uint_eq(add(in(0, "x"), NULL, &lane), 0);
	ck_assert_uint_eq(lane, 0);
	ck_assert_uint_eq(add(in(1, "x"), NULL, &lane), 0);
	ck_assert_uint_eq(lane, 1);
	ck_assert_uint_eq(add(in(0, "y"), NULL, &lane), 0);
}
END_TEST

START_TEST(later_name_is_on_the_lane_of_its_first_and_does_not_wait) {
	unsigned int lane;

	add(in(0, "x"), NULL, &lane);
	ck_assert_uint_eq(add(in(1, "later"), in(0, "x"), &lane), 0);
	ck_assert_uint_eq(lane, 0);
}
END_TEST

START_TEST(name_that_another_lane_has_made_is_waited_for) {
	unsigned int lane;

	add(in(1, "x"), in(0, "first"), &lane);
	ck_assert_uint_eq(lane, 0);
	ck_assert_uint_eq(add(in(1, "x"), NULL, &lane), 1);
	ck_assert_uint_eq(lane, 1);
	/* Under whatever spelling, and for a link to it. */
	ck_assert_uint_eq(add(in(1, "y"), in(1, "./x"), &lane), 0);
	ck_assert_uint_eq(add(in(1, ".//x"), in(0, "first"), &lane), 3);
}
END_TEST

START_TEST(directory_on_the_way_is_waited_for) {
	unsigned int lane;
	char name[64];

	add(in(1, "x"), in(0, "first"), &lane);
	snprintf(name, sizeof(name), "%s/y", in(1, "x"));
	if (add(name, NULL, &lane) == 0)
		ck_assert_uint_eq(lane, 0);
	number = 10;
	ck_assert_uint_eq(add(in(1, "z"), in(1, "x/y"), &lane), lane == 0 ? 0 : 1);
}
END_TEST

START_TEST(first_name_is_not_replaced_while_other_lanes_link_to_it) {
	unsigned int lane;

	/* The later name is its group's first name for another lane. */
	add(in(0, "f"), in(1, "g"), &lane);
	ck_assert_uint_eq(lane, 1);
	ck_assert_uint_eq(add(in(1, "l"), in(0, "f"), &lane), 1);
	ck_assert_uint_eq(lane, 0);
	ck_assert_uint_eq(add(in(0, "f"), in(1, "g"), &lane), 2);
}
END_TEST

START_TEST(users_of_several_lanes_are_all_waited_for) {
	unsigned int lane;

	add(in(0, "d/x"), in(0, "first"), &lane); /* uses d, lane 0 */
	add(in(0, "d/y"), in(1, "first"), &lane); /* lane 1 */
	ck_assert_uint_eq(add(in(0, "d"), in(1, "other"), &lane), 2);
	ck_assert_uint_eq(lane, 1);
}
END_TEST

START_TEST(link_to_itself_waits_for_those_before_it) {
	unsigned int lane;

	add(in(0, "d/x"), in(1, "first"), &lane);
	add(in(0, "d/y"), in(0, "first"), &lane);
	ck_assert_uint_eq(add(in(0, "d"), in(0, "d"), &lane), 2);
}
END_TEST

START_TEST(what_is_complete_is_not_waited_for_and_forgotten) {
	unsigned int lane;
	char name[32];

	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "%d/%d", i / 10, i);
		order.done = number;
		ck_assert_uint_eq(add(name, "first", &lane), 0);
	}
	ck_assert_uint_le(order.capacity, 8192);
}
END_TEST

START_TEST(name_that_passes_waits_for_all_lanes_and_leaves_nothing) {
	unsigned int lane;
	uint64_t after;
	struct entry e = { .name = in(0, "x") };

	add(in(0, "x"), NULL, &lane);
	add(in(1, "x"), NULL, &lane);
	ck_assert_int_eq(member_order_pass(&order, &e, &after, &err), TARN_OK);
	ck_assert_uint_eq(after, 1);
	e.name = directory_of(1);
	ck_assert_int_eq(member_order_pass(&order, &e, &after, &err), TARN_OK);
	ck_assert_uint_eq(after, 2);
	ck_assert_uint_eq(add(in(1, "y"), NULL, &lane), 0);
}
END_TEST

START_TEST(deep_name_has_room) {
	unsigned int lane;
	char *name = malloc(20001);

	for (int i = 0; i < 20000; i += 2) {
		name[i] = 'a';
		name[i + 1] = '/';
	}
	name[20000] = '\0';
	ck_assert_uint_eq(add(name, name, &lane), 0);
	free(name);
}
END_TEST

#define NMEMBERS 600
#define NLANES 3

static struct member {
	char name[16], first[16]; /* "": none */
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

/* Does ${a} make what ${b} makes or uses? */
static bool makes_for(const struct member *a, const struct member *b) {
	return strcmp(a->name, b->name) == 0 || strcmp(a->name, b->first) == 0 ||
	    is_above(a->name, b->name) || is_above(a->name, b->first);
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
	order = (struct member_order){ .seed = 7 + (uint64_t)_i, .nlanes = NLANES };
	memset(members, 0, sizeof(members));
	for (size_t i = 0; i < NMEMBERS; i++) {
		struct member *m = &members[i];
		const struct member *before = &members[i > 0 ? i - 1 : 0];

		random_name(m->name, before->name);
		if (random_below(2) == 0) {
			random_name(m->first, first);
			first = m->first;
		}
		after = add(m->name, *m->first != '\0' ? m->first : NULL, &m->lane);
		ck_assert_uint_lt(after, i + 1);
		for (size_t j = 0; j < i; j++) {
			if (j < after || members[j].lane == m->lane)
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
	tcase_add_test(tc, names_of_different_directories_do_not_wait);
	tcase_add_loop_test(
	    tc, whatever_the_names_none_comes_before_those_that_matter_to_it, 0, 20);
	tcase_add_test(tc, later_name_is_on_the_lane_of_its_first_and_does_not_wait);
	tcase_add_test(tc, name_that_another_lane_has_made_is_waited_for);
	tcase_add_test(tc, directory_on_the_way_is_waited_for);
	tcase_add_test(tc, first_name_is_not_replaced_while_other_lanes_link_to_it);
	tcase_add_test(tc, users_of_several_lanes_are_all_waited_for);
	tcase_add_test(tc, link_to_itself_waits_for_those_before_it);
	tcase_add_test(tc, what_is_complete_is_not_waited_for_and_forgotten);
	tcase_add_test(tc, name_that_passes_waits_for_all_lanes_and_leaves_nothing);
	tcase_add_test(tc, deep_name_has_room);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
