#include "config.h"

#include "error.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

/* Messages that are too long, and the places at which they are cut. */

/* Fill ${text} with ${n} times `x' and ${tail}. */
static const char *long_text(char *text, size_t n, const char *tail) {
	memset(text, 'x', n);
	strcpy(text + n, tail);
	return text;
}

START_TEST(set_fills_in_code_errno_and_message) {
	struct error err;

	ck_assert_int_eq(
	    err_set(&err, TARN_EREFUSED, 0, "Member name contains '%s'", ".."), TARN_EREFUSED);
	ck_assert_int_eq(err.code, TARN_EREFUSED);
	ck_assert_int_eq(err.errnum, 0);
	ck_assert_str_eq(err.msg, "Member name contains '..'");
}
END_TEST

START_TEST(set_adds_the_description_of_errnum) {
	struct error err;

	ck_assert_int_eq(err_set(&err, TARN_ESYSTEM, ENOENT, "Cannot open"), TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, ENOENT);
	ck_assert_str_eq(err.msg, "Cannot open: No such file or directory");
}
END_TEST

START_TEST(set_without_text_says_the_description_alone) {
	struct error err;

	err_set(&err, TARN_ESYSTEM, ENOENT, "%s", "");
	ck_assert_str_eq(err.msg, "No such file or directory");
}
END_TEST

START_TEST(set_may_use_the_message_that_it_replaces) {
	struct error err;

	err_set(&err, TARN_EFORMAT, 0, "damaged");
	err_set(&err, TARN_ESYSTEM, 0, "Cannot read (%s)", err.msg);
	ck_assert_str_eq(err.msg, "Cannot read (damaged)");
}
END_TEST

START_TEST(wrap_puts_text_before_and_keeps_the_rest) {
	struct error err;

	err_set(&err, TARN_ESYSTEM, EACCES, "Cannot open");
	ck_assert_int_eq(err_wrap(&err, "extract %s", "a/b"), TARN_ESYSTEM);
	ck_assert_int_eq(err.code, TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, EACCES);
	ck_assert_str_eq(err.msg, "extract a/b: Cannot open: Permission denied");
}
END_TEST

START_TEST(nomem_says_out_of_memory) {
	struct error err;

	ck_assert_int_eq(err_nomem(&err), TARN_ENOMEM);
	ck_assert_int_eq(err.code, TARN_ENOMEM);
	ck_assert_str_eq(err.msg, "Out of memory");
}
END_TEST

START_TEST(text_that_fits_exactly_is_not_cut) {
	struct error err;
	char text[2 * ERR_MSG_NBYTES];

	err_set(&err, TARN_EFORMAT, 0, "%s", long_text(text, ERR_MSG_NBYTES - 2, "y"));
	ck_assert_str_eq(err.msg, text);
}
END_TEST

START_TEST(text_that_fits_keeps_its_last_backslash) {
	struct error err;

	err_set(&err, TARN_ESYSTEM, ENOENT, "a\\");
	ck_assert_str_eq(err.msg, "a\\: No such file or directory");
}
END_TEST

START_TEST(text_that_is_no_utf8_is_cut_at_the_end_only) {
	struct error err;
	char text[2 * ERR_MSG_NBYTES];

	text[0] = '\xff';
	err_set(&err, TARN_EFORMAT, 0, "%s", long_text(text + 1, ERR_MSG_NBYTES, "") - 1);
	ck_assert_uint_eq(strlen(err.msg), ERR_MSG_NBYTES - 1);
}
END_TEST

START_TEST(long_text_gives_way_to_the_description) {
	struct error err;
	char text[2 * ERR_MSG_NBYTES];
	const char *reason = ": No such file or directory";

	err_set(&err, TARN_ESYSTEM, ENOENT, "%s", long_text(text, ERR_MSG_NBYTES, ""));
	ck_assert_uint_eq(strlen(err.msg), ERR_MSG_NBYTES - 1);
	ck_assert_str_eq(err.msg + strlen(err.msg) - strlen(reason), reason);
}
END_TEST

START_TEST(long_wrap_gives_way_to_the_message) {
	struct error err;
	char text[2 * ERR_MSG_NBYTES];

	err_set(&err, TARN_EFORMAT, 0, "damaged");
	err_wrap(&err, "%s", long_text(text, ERR_MSG_NBYTES, ""));
	ck_assert_uint_eq(strlen(err.msg), ERR_MSG_NBYTES - 1);
	ck_assert_str_eq(err.msg + ERR_MSG_NBYTES - 1 - strlen(": damaged"), ": damaged");
}
END_TEST

START_TEST(wrap_of_a_full_message_leaves_it_as_it_is) {
	struct error err;
	char text[2 * ERR_MSG_NBYTES];

	err_set(&err, TARN_EFORMAT, 0, "%s", long_text(text, ERR_MSG_NBYTES - 1, ""));
	err_wrap(&err, "extract");
	ck_assert_str_eq(err.msg, text);
}
END_TEST

/* What straddles the end of the buffer, by number of its bytes inside: it must go altogether. */
static const struct straddling {
	const char *unit;
	size_t ninside;
} straddling[] = {
	{ "\\033", 1 },
	{ "\\033", 2 },
	{ "\\033", 3 },
	{ "\\n", 1 },
	{ "\\\\", 1 },
	{ "\u00e9", 1 },
	{ "\u20ac", 2 },
	{ "\U0001f980", 3 },
};

START_TEST(text_is_never_cut_inside_of_an_escape_or_a_character) {
	const struct straddling *s = &straddling[_i];
	size_t nbefore = ERR_MSG_NBYTES - 1 - s->ninside;
	struct error err;
	char text[2 * ERR_MSG_NBYTES];

	err_set(&err, TARN_EFORMAT, 0, "%s", long_text(text, nbefore, s->unit));
	ck_assert_uint_eq(strlen(err.msg), nbefore);
	ck_assert_int_eq(err.msg[nbefore - 1], 'x');
}
END_TEST

START_TEST(an_escaped_backslash_does_not_escape_what_follows) {
	struct error err;
	char text[2 * ERR_MSG_NBYTES];

	long_text(text, ERR_MSG_NBYTES - 5, "\\\\033yyyy");
	err_set(&err, TARN_EFORMAT, 0, "%s", text);
	ck_assert_uint_eq(strlen(err.msg), ERR_MSG_NBYTES - 1);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("error");
	TCase *messages = tcase_create("messages");
	TCase *cutting = tcase_create("cutting");

	tcase_add_test(messages, set_fills_in_code_errno_and_message);
	tcase_add_test(messages, set_adds_the_description_of_errnum);
	tcase_add_test(messages, set_without_text_says_the_description_alone);
	tcase_add_test(messages, set_may_use_the_message_that_it_replaces);
	tcase_add_test(messages, wrap_puts_text_before_and_keeps_the_rest);
	tcase_add_test(messages, nomem_says_out_of_memory);
	suite_add_tcase(suite, messages);

	tcase_add_test(cutting, text_that_fits_exactly_is_not_cut);
	tcase_add_test(cutting, text_that_fits_keeps_its_last_backslash);
	tcase_add_test(cutting, text_that_is_no_utf8_is_cut_at_the_end_only);
	tcase_add_test(cutting, long_text_gives_way_to_the_description);
	tcase_add_test(cutting, long_wrap_gives_way_to_the_message);
	tcase_add_test(cutting, wrap_of_a_full_message_leaves_it_as_it_is);
	tcase_add_loop_test(cutting, text_is_never_cut_inside_of_an_escape_or_a_character, 0,
	    sizeof(straddling) / sizeof(straddling[0]));
	tcase_add_test(cutting, an_escaped_backslash_does_not_escape_what_follows);
	suite_add_tcase(suite, cutting);

	return run_suite(suite);
}
