#include "config.h"

#include "option_table.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "suite.h"

/* The table as a whole, and --help, which prints it. */

/* --help prints rows as they stand. */
START_TEST(options_of_a_group_stand_together) {
	enum option_group before = GROUP_MODE;

	for (size_t i = 0; i < option_table_nrows; i++) {
		if (option_table[i].help == NULL)
			continue;
		ck_assert_msg(option_table[i].group >= before, "%s", option_table[i].name);
		before = option_table[i].group;
	}
}
END_TEST

static char help[32768];

static void print_help(void) {
	FILE *out = fmemopen(help, sizeof(help), "w");

	ck_assert_ptr_nonnull(out);
	options_help("atar", out);
	fclose(out);
}

/* Where ${text} stands in the help with no letter or dash around it. */
static bool is_in_help(const char *text) {
	for (const char *p = help; (p = strstr(p, text)) != NULL; p++) {
		if (p[-1] == ' ' && strchr(" ,=[]\n", p[strlen(text)]) != NULL)
			return true;
	}
	return false;
}

START_TEST(help_names_every_option) {
	char text[100];

	print_help();
	for (size_t i = 0; i < option_table_nrows; i++) {
		const struct option_row *row = &option_table[i];
		const char *name = row->name != NULL ? row->name : "";

		snprintf(text, sizeof(text), "--%s", name);
		ck_assert_msg(row->name == NULL || is_in_help(text), "%s", text);
		snprintf(text, sizeof(text), "-%c", row->letter);
		ck_assert_msg(row->letter == '\0' || is_in_help(text), "%s", text);
		snprintf(text, sizeof(text), "--%s=%s", name,
		    row->argument != NULL ? row->argument : "");
		if (row->argument != NULL && row->argument[0] == '[')
			snprintf(text, sizeof(text), "--%s[=%s", name, row->argument + 1);
		ck_assert_msg(row->argument == NULL || is_in_help(text), "%s", text);
	}
	ck_assert(!is_in_help("--exlude"));
}
END_TEST

START_TEST(help_fits_into_80_columns) {
	print_help();
	for (char *row = strtok(help, "\n"); row != NULL; row = strtok(NULL, "\n"))
		ck_assert_msg(strlen(row) < 80, "%s", row);
}
END_TEST

START_TEST(help_begins_with_usage_and_examples) {
	print_help();
	ck_assert_int_eq(strncmp(help, "Usage: atar [OPTION...] [FILE]...\n", 34), 0);
	ck_assert_ptr_nonnull(strstr(help, "\n  atar -xf archive.tar "));
	ck_assert_ptr_nonnull(strstr(help, "\n  -c, --create               create an archive\n"));
	ck_assert_ptr_nonnull(strstr(help, "\n  -x, --extract, --get       extract "));
}
END_TEST

START_TEST(table_has_every_name_and_letter_once) {
	for (size_t i = 0; i < option_table_nrows; i++) {
		const struct option_row *a = &option_table[i];

		for (size_t j = 0; j < i; j++) {
			const struct option_row *b = &option_table[j];

			if (a->name != NULL && b->name != NULL)
				ck_assert_str_ne(a->name, b->name);
			ck_assert_msg(a->letter == '\0' || a->letter != b->letter, "%c", a->letter);
		}
	}
}
END_TEST

int main(void) {
	Suite *suite = suite_create("option_table");
	TCase *t = tcase_create("table");

	tcase_add_test(t, options_of_a_group_stand_together);
	tcase_add_test(t, help_names_every_option);
	tcase_add_test(t, help_fits_into_80_columns);
	tcase_add_test(t, help_begins_with_usage_and_examples);
	tcase_add_test(t, table_has_every_name_and_letter_once);
	suite_add_tcase(suite, t);
	return run_suite(suite);
}
