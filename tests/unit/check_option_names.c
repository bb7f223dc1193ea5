#include "config.h"

#include "options.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command_line.h"
#include "suite.h"

/* Operands, lists of names (-T), patterns (--exclude, -X), and what holds for those behind it. */

static void write_list(const void *data, size_t nbytes) {
	int fd = open("list", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, nbytes), (ssize_t)nbytes);
	close(fd);
}

#define WRITE_LIST(text) write_list(text, sizeof(text) - 1)

static const char *excludes(void) {
	static char text[1024];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < o.nexcludes; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "[%s]", o.excludes[i].pattern);
	return text;
}

START_TEST(directories_hold_for_the_operands_behind_them) {
	parse_ok("tar -c a -C d b -C e/ c -C /f d -C .. e -C g");
	ck_assert_str_eq(operands(), "a b:d c:d/e/ d:/f e:/f/..");
	ck_assert_str_eq(o.directory, "/f/../g");
	parse_ok("tar -x");
	ck_assert_ptr_null(o.directory);
	parse_ok("tar -x --directory=d");
	ck_assert_str_eq(o.directory, "d");
}
END_TEST

START_TEST(slashes_at_the_end_of_operands_go) {
	parse_ok("tar -c a/ b/c// / // ./ --add-file=d/");
	ck_assert_str_eq(operands(), "a b/c / / . d");
}
END_TEST

START_TEST(recursion_holds_for_the_operands_behind_it) {
	parse_ok("tar -c a --no-recursion b --recursion c");
	ck_assert(o.operands[0].recurse);
	ck_assert(!o.operands[1].recurse);
	ck_assert(o.operands[2].recurse);
}
END_TEST

START_TEST(matching_flags_hold_for_the_operands_behind_them) {
	parse_ok("tar -x a --wildcards --no-anchored --ignore-case --no-wildcards-match-slash b "
	         "--no-wildcards --anchored --no-ignore-case --wildcards-match-slash c");
	for (size_t i = 0; i < 3; i++) {
		const struct operand *p = &o.operands[i];
		bool changed = i == 1;

		ck_assert_int_eq(p->how.wildcards, changed);
		ck_assert_int_eq(p->how.anchored, !changed);
		ck_assert_int_eq(p->how.ignore_case, changed);
		ck_assert_int_eq(p->how.wildcards_match_slash, !changed);
	}
}
END_TEST

START_TEST(operand_with_at_sign_is_an_archive_for_modes_that_write) {
	static const char *const writing[] = { "tar -c @a ./@b @", "tar -f x @a -r ./@b @",
		"tar -f x @a ./@b @ -u" };

	for (size_t i = 0; i < sizeof(writing) / sizeof(writing[0]); i++) {
		parse_ok(writing[i]);
		ck_assert_str_eq(operands(), "a ./@b @");
		ck_assert(o.operands[0].is_archive);
		ck_assert(!o.operands[1].is_archive);
		ck_assert(!o.operands[2].is_archive);
	}
	parse_ok("tar -x @a");
	ck_assert_str_eq(operands(), "@a");
	ck_assert(!o.operands[0].is_archive);
}
END_TEST

START_TEST(at_sign_and_dash_of_an_added_file_are_its_name) {
	WRITE_LIST("@scope\n");
	parse_ok("tar -c --add-file=@a --add-file -v -T list");
	ck_assert_str_eq(operands(), "@a -v @scope");
	for (size_t i = 0; i < o.noperands; i++)
		ck_assert(!o.operands[i].is_archive);
}
END_TEST

/* -T */

START_TEST(list_of_names_has_one_a_line) {
	WRITE_LIST("a\n\nb c/\n /d\n\\e\n\n#f");
	parse_ok("tar -c first -T list last");
	ck_assert_str_eq(operands(), "first a b c  /d \\e #f last");
	ck_assert_uint_eq(o.noperands, 7);
}
END_TEST

START_TEST(list_of_names_may_be_empty) {
	parse_ok("tar -c -T /dev/null");
	ck_assert_uint_eq(o.noperands, 0);
}
END_TEST

START_TEST(list_of_names_may_be_long) {
	size_t nbytes = 0;
	char *text = malloc(400000), last[30];

	for (int i = 0; i < 40000; i++)
		nbytes += (size_t)sprintf(text + nbytes, "n%d\n", i);
	write_list(text, nbytes);
	free(text);
	parse_ok("tar -c -T list");
	ck_assert_uint_eq(o.noperands, 40000);
	for (size_t i = 0; i < o.noperands; i++) {
		snprintf(last, sizeof(last), "n%zu", i);
		ck_assert_str_eq(o.operands[i].name, last);
	}
}
END_TEST

START_TEST(list_of_names_may_be_standard_input) {
	WRITE_LIST("a\nb\n");
	ck_assert_ptr_nonnull(freopen("list", "r", stdin));
	parse_ok("tar -cf - -T -");
	ck_assert_str_eq(operands(), "a b");
}
END_TEST

START_TEST(list_of_names_may_change_the_directory) {
	WRITE_LIST("a\n-C d\nb\n-C\ne f\nc\n--directory=/g\nd\n-Ch\ne\n");
	parse_ok("tar -c -C top -T list f");
	ck_assert_str_eq(operands(), "a:top b:top/d c:top/d/e f d:/g e:/g/h f:/g/h");
	ck_assert_str_eq(o.directory, "/g/h");
}
END_TEST

static const struct list_case {
	const char *text, *message;
} list_cases[] = {
	{ "a\n\n-v\n",
	    "list:3: '-v' begins with a dash and is not -C; for a name, write ./ "
	    "before it or use --verbatim-files-from" },
	{ "--use-compress-program=reboot",
	    "list:1: '--use-compress-program=reboot' begins with a "
	    "dash and is not -C; for a name, write ./ before it or use --verbatim-files-from" },
	{ "-",
	    "list:1: '-' begins with a dash and is not -C; for a name, write ./ before it "
	    "or use --verbatim-files-from" },
	{ "a\n-C", "list: option requires an argument -- 'C'" },
	{ "a\n-C \n\n", "list: option requires an argument -- 'C'" },
};

START_TEST(list_of_names_may_give_no_other_options) {
	write_list(list_cases[_i].text, strlen(list_cases[_i].text));
	parse_wrong("tar -c -T list", list_cases[_i].message);
}
END_TEST

START_TEST(verbatim_list_has_names_that_begin_with_a_dash) {
	WRITE_LIST("-C d\n--help\n");
	parse_ok("tar -c --verbatim-files-from -T list");
	ck_assert_str_eq(operands(), "-C d --help");
	ck_assert_uint_eq(o.noperands, 2);
	parse_ok("tar -c --verbatim-files-from --no-verbatim-files-from -T /dev/null");
	ck_assert_int_eq(
	    parse("tar -c --verbatim-files-from --no-verbatim-files-from -T list"), TARN_EUSAGE);
}
END_TEST

START_TEST(null_list_is_separated_by_NUL_and_verbatim) {
	WRITE_LIST("a\nb\0\0-C\0d/\0last");
	parse_ok("tar -c --null -T list");
	ck_assert_str_eq(operands(), "a\nb -C d last");
	WRITE_LIST("a\nb\n");
	parse_ok("tar -c --null --no-null -T list");
	ck_assert_str_eq(operands(), "a b");
}
END_TEST

START_TEST(unexpected_NUL_makes_the_rest_separated_by_NUL) {
	WRITE_LIST("a\nb\0c\nd\0");
	parse_ok("tar -c -T list");
	ck_assert_str_eq(operands(), "a b c\nd");
	ck_assert_uint_eq(o.noperands, 3);
}
END_TEST

START_TEST(file_that_cannot_be_read_says_so) {
	ck_assert_int_eq(parse("tar -c -T nowhere"), TARN_ESYSTEM);
	ck_assert_str_eq(err.msg, "nowhere: Cannot open: No such file or directory");
	ck_assert_int_eq(parse("tar -t -X ."), TARN_ESYSTEM);
	ck_assert_str_eq(err.msg, ".: Cannot read: Is a directory");
}
END_TEST

/* --exclude */

START_TEST(exclude_has_the_flags_in_force) {
	parse_ok("tar -c x --exclude a --anchored --no-wildcards --no-wildcards-match-slash "
	         "--ignore-case --exclude=b --no-anchored --wildcards --exclude=c");
	ck_assert_str_eq(excludes(), "[a][b][c]");
	ck_assert(!o.excludes[0].how.anchored && o.excludes[0].how.wildcards);
	ck_assert(o.excludes[0].how.wildcards_match_slash && !o.excludes[0].how.ignore_case);
	ck_assert(o.excludes[1].how.anchored && !o.excludes[1].how.wildcards);
	ck_assert(!o.excludes[1].how.wildcards_match_slash && o.excludes[1].how.ignore_case);
	ck_assert(!o.excludes[2].how.anchored && o.excludes[2].how.wildcards);
}
END_TEST

START_TEST(exclude_file_has_one_pattern_a_line) {
	WRITE_LIST("*.o\n\n  a b \t\n   \n-C\n*~");
	parse_ok("tar -t --anchored -X list --exclude=last");
	ck_assert_str_eq(excludes(), "[*.o][  a b][-C][*~][last]");
	ck_assert(o.excludes[0].how.anchored);
}
END_TEST

START_TEST(exclude_vcs_takes_names_literally) {
	parse_ok("tar -c x --exclude-vcs --exclude=last");
	ck_assert_uint_gt(o.nexcludes, 20);
	ck_assert_ptr_nonnull(strstr(excludes(), "[.git]"));
	ck_assert_ptr_nonnull(strstr(excludes(), "[{arch}]"));
	ck_assert(!o.excludes[0].how.wildcards && !o.excludes[0].how.anchored);
	ck_assert_str_eq(o.excludes[o.nexcludes - 1].pattern, "last");
}
END_TEST

int main(void) {
	Suite *suite = suite_create("option_names");
	TCase *t = tcase_create("names");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, directories_hold_for_the_operands_behind_them);
	tcase_add_test(t, slashes_at_the_end_of_operands_go);
	tcase_add_test(t, recursion_holds_for_the_operands_behind_it);
	tcase_add_test(t, matching_flags_hold_for_the_operands_behind_them);
	tcase_add_test(t, operand_with_at_sign_is_an_archive_for_modes_that_write);
	tcase_add_test(t, at_sign_and_dash_of_an_added_file_are_its_name);
	tcase_add_test(t, list_of_names_has_one_a_line);
	tcase_add_test(t, list_of_names_may_be_empty);
	tcase_add_test(t, list_of_names_may_be_long);
	tcase_add_test(t, list_of_names_may_be_standard_input);
	tcase_add_test(t, list_of_names_may_change_the_directory);
	tcase_add_loop_test(t, list_of_names_may_give_no_other_options, 0, NELEMENTS(list_cases));
	tcase_add_test(t, verbatim_list_has_names_that_begin_with_a_dash);
	tcase_add_test(t, null_list_is_separated_by_NUL_and_verbatim);
	tcase_add_test(t, unexpected_NUL_makes_the_rest_separated_by_NUL);
	tcase_add_test(t, file_that_cannot_be_read_says_so);
	tcase_add_test(t, exclude_has_the_flags_in_force);
	tcase_add_test(t, exclude_file_has_one_pattern_a_line);
	tcase_add_test(t, exclude_vcs_takes_names_literally);
	suite_add_tcase(suite, t);

	return run_suite(suite);
}
