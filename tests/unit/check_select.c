#include "config.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>

#include "select.h"
#include "suite.h"

static struct options options;
static struct operand operands[2];
static struct exclude excludes[1];
static struct select *selection;
static struct error err;

static void begin(void) {
	ck_assert_int_eq(select_new(&selection, &options, &err), TARN_OK);
}

static void set_up(void) {
	options =
	    (struct options){ .mode = MODE_EXTRACT, .operands = operands, .excludes = excludes };
	operands[0] = (struct operand){ .name = "dir",
		.recurse = true,
		.how = { .anchored = true, .wildcards_match_slash = true } };
	operands[1] = operands[0];
	excludes[0] = (struct exclude){ .pattern = "*.o",
		.how = { .wildcards = true, .wildcards_match_slash = true } };
	selection = NULL;
}

static void tear_down(void) {
	select_free(selection);
}

static bool wants(const char *name) {
	struct entry e = { .name = name };
	size_t operand;
	bool wanted;

	select_decide(selection, &e, &wanted, &operand);
	return wanted;
}

START_TEST(without_operands_everything_is_wanted) {
	begin();
	ck_assert(wants("anything/at all"));
}
END_TEST

START_TEST(name_wants_itself_and_what_is_below) {
	options.noperands = 1;
	begin();
	ck_assert(wants("dir"));
	ck_assert(wants("dir/a/b"));
	ck_assert(wants("./dir/a"));
	ck_assert(!wants("dirt"));
	ck_assert(!wants("other/dir"));
}
END_TEST

START_TEST(name_without_recursion_wants_only_itself) {
	options.noperands = 1;
	operands[0].recurse = false;
	begin();
	ck_assert(wants("dir"));
	ck_assert(!wants("dir/a"));
}
END_TEST

START_TEST(pattern_wants_what_it_matches) {
	options.noperands = 1;
	operands[0].name = "*.c";
	operands[0].how.wildcards = true;
	begin();
	ck_assert(wants("a/b.c"));
	ck_assert(!wants("a/b.h"));
}
END_TEST

static size_t wanted_by(const char *name) {
	struct entry e = { .name = name };
	size_t operand = SIZE_MAX;
	bool wanted;

	select_decide(selection, &e, &wanted, &operand);
	return operand;
}

START_TEST(dot_and_patterns_want_what_no_plain_name_does) {
	options.noperands = 2;
	operands[0].name = "./.";
	begin();
	ck_assert_uint_eq(wanted_by("dir/a"), 1);
	ck_assert_uint_eq(wanted_by("other"), 0);
	select_free(selection);
	operands[0].name = "*/a";
	operands[0].how.wildcards = true;
	begin();
	ck_assert_uint_eq(wanted_by("dir/a"), 1);
	ck_assert_uint_eq(wanted_by("other/a"), 0);
	ck_assert_uint_eq(wanted_by("other"), SIZE_MAX);
}
END_TEST

START_TEST(exclude_holds_behind_any_slash_and_for_what_is_below) {
	options.nexcludes = 1;
	begin();
	ck_assert(select_excludes(selection, "a/b.o"));
	ck_assert(!select_excludes(selection, "a/b.c"));
	select_free(selection);
	excludes[0].pattern = "cache";
	begin();
	ck_assert(select_excludes(selection, "x/cache/y"));
	ck_assert(!select_excludes(selection, "x/cached"));
	excludes[0].how.anchored = true;
	ck_assert(!select_excludes(selection, "x/cache/y"));
	ck_assert(select_excludes(selection, "cache/y"));
}
END_TEST

START_TEST(strip_takes_components_off_names_and_link_targets) {
	struct entry e = { .name = "a/b/c", .first_name = "a/x/y" };

	options.strip_components = 1;
	begin();
	ck_assert_int_eq(select_rename(selection, &e, &err), TARN_OK);
	ck_assert_str_eq(e.name, "b/c");
	ck_assert_str_eq(e.first_name, "x/y");
	ck_assert_str_eq(e.stored_name, "a/b/c");
	ck_assert_str_eq(e.stored_first_name, "a/x/y");
	e = (struct entry){ .name = "a" };
	ck_assert_int_eq(select_rename(selection, &e, &err), TARN_OK);
	ck_assert_str_eq(e.name, "");
}
END_TEST

START_TEST(operand_that_wanted_nothing_is_reported_once_given_twice_is_not) {
	struct report *report = report_new("tarn", true);

	options.noperands = 2;
	begin();
	ck_assert(wants("dir"));
	select_report_unmatched(selection, report);
	ck_assert_int_eq(report_finish(report), 0);
	select_free(selection);
	operands[1].name = "missing";
	begin();
	ck_assert(wants("dir"));
	select_report_unmatched(selection, report);
	ck_assert_int_eq(report_finish(report), 2);
	report_free(report);
}
END_TEST

START_TEST(what_follows_the_last_occurrence_is_not_wanted) {
	struct entry other = { .name = "other" };
	bool wanted;

	options.noperands = 2;
	options.occurrence = 2;
	operands[1].name = "file";
	begin();
	ck_assert(!wants("dir"));
	ck_assert(!wants("dir/dir"));
	ck_assert(!wants("file"));
	ck_assert(wants("./dir"));
	ck_assert(wants("dir/dir"));
	ck_assert(select_decide(selection, &other, &wanted, NULL));
	ck_assert(wants("file"));
	ck_assert(wants("dir/again"));
	ck_assert(!select_decide(selection, &other, &wanted, NULL));
	ck_assert(!wants("dir"));
	ck_assert(!wants("dir/dir"));
}
END_TEST

START_TEST(what_is_below_a_directory_may_still_come) {
	struct entry dir = { .name = "dir", .type = ENTRY_DIRECTORY }, other = { .name = "other" };
	bool wanted;

	options.noperands = 1;
	options.occurrence = 1;
	begin();
	ck_assert(select_decide(selection, &dir, &wanted, NULL));
	ck_assert(select_decide(selection, &other, &wanted, NULL));
	ck_assert(wants("dir/a"));
	ck_assert(select_decide(selection, &other, &wanted, NULL));
	select_free(selection);
	operands[0].recurse = false;
	begin();
	ck_assert(select_decide(selection, &dir, &wanted, NULL));
	ck_assert(!select_decide(selection, &other, &wanted, NULL));
}
END_TEST

START_TEST(name_behind_any_slash_occurs_where_a_name_ends_in_it) {
	options.noperands = 1;
	options.occurrence = 1;
	operands[0].how.anchored = false;
	operands[0].how.ignore_case = true;
	begin();
	ck_assert(wants("a/Dir"));
	ck_assert(wants("a/Dir/x"));
	ck_assert(!wants("b/dir"));
	ck_assert(!wants("b/dir/x"));
}
END_TEST

START_TEST(occurrence_that_did_not_come_is_reported) {
	struct report *report = report_new("tarn", true);

	options.noperands = 1;
	options.occurrence = 2;
	begin();
	ck_assert(!wants("dir"));
	select_report_unmatched(selection, report);
	ck_assert_int_eq(report_finish(report), 2);
	report_free(report);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("select");
	TCase *tc = tcase_create("select");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, without_operands_everything_is_wanted);
	tcase_add_test(tc, name_wants_itself_and_what_is_below);
	tcase_add_test(tc, name_without_recursion_wants_only_itself);
	tcase_add_test(tc, pattern_wants_what_it_matches);
	tcase_add_test(tc, dot_and_patterns_want_what_no_plain_name_does);
	tcase_add_test(tc, exclude_holds_behind_any_slash_and_for_what_is_below);
	tcase_add_test(tc, strip_takes_components_off_names_and_link_targets);
	tcase_add_test(tc, operand_that_wanted_nothing_is_reported_once_given_twice_is_not);
	tcase_add_test(tc, what_follows_the_last_occurrence_is_not_wanted);
	tcase_add_test(tc, what_is_below_a_directory_may_still_come);
	tcase_add_test(tc, name_behind_any_slash_occurs_where_a_name_ends_in_it);
	tcase_add_test(tc, occurrence_that_did_not_come_is_reported);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
