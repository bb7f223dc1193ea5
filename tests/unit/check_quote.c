#include "config.h"

#include "quote.h"

#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

/* What is shown of a name as it is, and what is escaped. */

/* The printed form of ${name}; lives until the next call. */
static const char *printed(enum quote_style style, bool utf8, const char *name) {
	static char text[256];
	struct quote q = { .style = style, .utf8 = utf8 };

	strcpy(text, quote_name(&q, name));
	quote_fini(&q);
	return text;
}

START_TEST(plain_name_is_handed_back_without_a_copy) {
	struct quote q = { .utf8 = true };
	const char *name = "usr/share/A name with spaces ~ and \"quotes\"";

	ck_assert_ptr_eq(quote_name(&q, name), name);
	ck_assert_ptr_null(q.buf);
}
END_TEST

static const struct form {
	const char *name, *printed;
} ascii[] = {
	{ "\a\b\f\n\r\t\v", "\\a\\b\\f\\n\\r\\t\\v" },
	{ "a\\b", "a\\\\b" },
	{ "\033[2J", "\\033[2J" },
	{ "\001\037\177", "\\001\\037\\177" },
	{ "\\n", "\\\\n" },
	{ " ~", " ~" },
	{ "", "" },
};

START_TEST(control_characters_and_backslash_are_escaped) {
	ck_assert_str_eq(printed(QUOTE_ESCAPE, true, ascii[_i].name), ascii[_i].printed);
	ck_assert_str_eq(printed(QUOTE_ESCAPE, false, ascii[_i].name), ascii[_i].printed);
}
END_TEST

/* Names are looked at in words of eight bytes, and what is left one by one. */
START_TEST(byte_is_escaped_wherever_it_stands) {
	char byte = (char)_i;
	bool is_plain = byte >= ' ' && byte < 0x7f && byte != '\\';

	for (size_t nbytes = 1; nbytes <= 17; nbytes++) {
		for (size_t at = 0; at < nbytes; at++) {
			char name[18] = "~~~~~~~~ !~~~~~ ~";
			struct quote q = { .style = QUOTE_ESCAPE };

			name[nbytes] = '\0';
			name[at] = byte;
			ck_assert_msg((quote_name(&q, name) == name) == is_plain,
			    "byte %d at %zu of %zu", _i, at, nbytes);
			quote_fini(&q);
		}
	}
}
END_TEST

static const struct form utf8[] = {
	{ "\u00e9\u20ac\u65e5\U0001f980", "\u00e9\u20ac\u65e5\U0001f980" }, /* 2, 3 and 4 bytes */
	{ "\u00a1x\u0800", "\u00a1x\u0800" },           /* the least of 3 bytes */
	{ "\xc2\x85", "\\302\\205" },                   /* C1: next line */
	{ "\xc0\xaf", "\\300\\257" },                   /* overlong: a slash in two bytes */
	{ "\xc1\xbf", "\\301\\277" },                   /* overlong: DEL in two bytes */
	{ "\xe0\x80\xaf", "\\340\\200\\257" },          /* … in three */
	{ "\xe0\x9f\xbf", "\\340\\237\\277" },          /* the largest that fits into two */
	{ "\xf0\x8f\xbf\xbf", "\\360\\217\\277\\277" }, /* the largest that fits into three */
	{ "\xed\xa0\x80", "\\355\\240\\200" },          /* surrogates */
	{ "\xed\xbf\xbf", "\\355\\277\\277" },
	{ "\xf4\x90\x80\x80", "\\364\\220\\200\\200" }, /* U+110000 */
	{ "\xf5\x80\x80\x80", "\\365\\200\\200\\200" },
	{ "\xf8\x88\x80\x80\x80", "\\370\\210\\200\\200\\200" }, { "\xff\xfe", "\\377\\376" },
	{ "\x80", "\\200" },                   /* continuation alone */
	{ "\xe2\x82", "\\342\\202" },          /* cut off by the end */
	{ "\xe2\x82x", "\\342\\202x" },        /* … by another character */
	{ "\xe2\xe2\x82\xac", "\\342\u20ac" }, /* … by the next sequence */
	{ "\xef\xbf\xbf", "\\357\\277\\277" }, /* U+FFFF is no character */
};

START_TEST(only_wellformed_printable_utf8_stays) {
	ck_assert_str_eq(printed(QUOTE_ESCAPE, true, utf8[_i].name), utf8[_i].printed);
}
END_TEST

/* First and last of each range that reorders or hides. */
static const char *const deceptive[] = { "\u061c", "\u200b", "\u200f", "\u2028", "\u202e", "\u2060",
	"\u206f", "\ufeff", "\u00ad", "\u180e", "\ufff9", "\ufffb", "\U0001d173", "\U0001d17a",
	"\U000e0041", "\U000e0fff", "\u034f", "\u115f", "\u1160", "\u17b4", "\u17b5", "\u180b",
	"\u180f", "\u2800", "\u3164", "\ufe00", "\ufe0e", "\uffa0", "\U0001bca0", "\U0001bca3" };
/* With the selector that most names with emoji have. */
static const char *const beside_deceptive[] = { "\u061b", "\u2010", "\u2027", "\u2030", "\u205e",
	"\u2070", "\u0350", "\u115e", "\u1161", "\u17b3", "\u17b6", "\u2801", "\u3163", "\u3165",
	"\u2764\ufe0f", "\uffa1", "\ufffc" };

START_TEST(bidi_and_invisible_characters_are_escaped) {
	const char *text = printed(QUOTE_ESCAPE, true, deceptive[_i]);

	ck_assert_uint_eq(strlen(text), 4 * strlen(deceptive[_i]));
	ck_assert_int_eq(text[0], '\\');
}
END_TEST

START_TEST(characters_beside_the_bidi_ranges_stay) {
	ck_assert_str_eq(printed(QUOTE_ESCAPE, true, beside_deceptive[_i]), beside_deceptive[_i]);
}
END_TEST

START_TEST(without_utf8_every_high_byte_is_escaped) {
	ck_assert_str_eq(printed(QUOTE_ESCAPE, false, "\u00e9x"), "\\303\\251x");
}
END_TEST

START_TEST(literal_style_changes_nothing) {
	ck_assert_str_eq(printed(QUOTE_LITERAL, true, "\033\\\xff\n"), "\033\\\xff\n");
}
END_TEST

START_TEST(text_style_leaves_backslashes_and_escapes_the_rest) {
	ck_assert_str_eq(
	    printed(QUOTE_TEXT, true, "name 'a\\nb': \033\n"), "name 'a\\nb': \\033\\n");
}
END_TEST

START_TEST(buffer_is_used_again_for_longer_and_shorter_names) {
	struct quote q = { .utf8 = true };
	char name[1000], expected[4000];

	memset(name, 1, sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (size_t i = 0; i < sizeof(name) - 1; i++)
		strcpy(expected + 4 * i, "\\001");
	ck_assert_str_eq(quote_name(&q, "\n"), "\\n");
	ck_assert_str_eq(quote_name(&q, name), expected);
	ck_assert_str_eq(quote_name(&q, "\t"), "\\t");
	quote_fini(&q);
	ck_assert_str_eq(quote_name(&q, "\n"), "\\n");
	quote_fini(&q);
}
END_TEST

static const struct cut {
	const char *printed;
	size_t nbytes, expected;
} cuts[] = {
	{ "abc", 2, 2 },
	{ "abc", 3, 3 },
	{ "abc", 9, 3 },
	{ "", 5, 0 },
	{ "a\\033b", 4, 1 },
	{ "a\\033b", 5, 5 },
	{ "a\\nb", 2, 1 },
	{ "a\\nb", 3, 3 },
	{ "\\\\033", 3, 3 }, /* an escaped backslash, then digits */
	{ "a\u20acb", 3, 1 },
	{ "a\u20acb", 4, 4 },
	{ "\U0001f980", 3, 0 },
	{ "a\\", 9, 1 },
	{ "a\\03", 9, 1 },
	{ "a\xe2\x82", 9, 1 },     /* cut before */
	{ "a\xed\xa0\x80", 9, 4 }, /* no UTF-8 */
	{ "a\xf9\x80\x80\x80", 9, 5 },
	{ "\xe9t\xe9 \xe9t\xe9", 5, 5 },
};

START_TEST(cut_leaves_no_half_escape_or_character) {
	ck_assert_uint_eq(quote_cut(cuts[_i].printed, cuts[_i].nbytes), cuts[_i].expected);
}
END_TEST

/* LC_ALL, LC_CTYPE and LANG, and what they mean together. */
static const struct environment {
	const char *all, *ctype, *lang;
	bool utf8;
} environments[] = {
	{ NULL, NULL, NULL, false },
	{ NULL, NULL, "C.UTF-8", true },
	{ NULL, "C", "C.UTF-8", false },
	{ NULL, "C.UTF-8", "C", true },
	{ "C", "C.UTF-8", "C.UTF-8", false },
	{ "C.UTF-8", "C", "C", true },
	{ "", "C.UTF-8", "C", true }, /* empty is not set */
	{ "no_SUCH.UTF-8", NULL, NULL, false },
};

static void set_variable(const char *variable, const char *value) {
	if (value != NULL)
		setenv(variable, value, 1);
	else
		unsetenv(variable);
}

START_TEST(environment_is_utf8_by_the_variable_that_counts) {
	const struct environment *e = &environments[_i];

	set_variable("LC_ALL", e->all);
	set_variable("LC_CTYPE", e->ctype);
	set_variable("LANG", e->lang);
	ck_assert_int_eq(quote_environment_is_utf8(), e->utf8);
}
END_TEST

START_TEST(asking_about_the_environment_leaves_the_locale) {
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C"));
	setenv("LC_ALL", "C.UTF-8", 1);
	ck_assert(quote_environment_is_utf8());
	ck_assert_str_eq(setlocale(LC_CTYPE, NULL), "C");
}
END_TEST

static void set_locale(void) {
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
}

#define N(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void) {
	Suite *suite = suite_create("quote");
	TCase *names = tcase_create("names");
	TCase *environment = tcase_create("environment");

	tcase_add_checked_fixture(names, set_locale, NULL);
	tcase_add_test(names, plain_name_is_handed_back_without_a_copy);
	tcase_add_loop_test(names, control_characters_and_backslash_are_escaped, 0, N(ascii));
	tcase_add_loop_test(names, byte_is_escaped_wherever_it_stands, 1, 256);
	tcase_add_loop_test(names, only_wellformed_printable_utf8_stays, 0, N(utf8));
	tcase_add_loop_test(names, bidi_and_invisible_characters_are_escaped, 0, N(deceptive));
	tcase_add_loop_test(names, characters_beside_the_bidi_ranges_stay, 0, N(beside_deceptive));
	tcase_add_test(names, without_utf8_every_high_byte_is_escaped);
	tcase_add_test(names, literal_style_changes_nothing);
	tcase_add_test(names, text_style_leaves_backslashes_and_escapes_the_rest);
	tcase_add_test(names, buffer_is_used_again_for_longer_and_shorter_names);
	tcase_add_loop_test(names, cut_leaves_no_half_escape_or_character, 0, N(cuts));
	suite_add_tcase(suite, names);

	tcase_add_loop_test(
	    environment, environment_is_utf8_by_the_variable_that_counts, 0, N(environments));
	tcase_add_test(environment, asking_about_the_environment_leaves_the_locale);
	suite_add_tcase(suite, environment);

	return run_suite(suite);
}
