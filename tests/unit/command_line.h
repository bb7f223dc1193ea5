#ifndef TARN_TEST_COMMAND_LINE_H
#define TARN_TEST_COMMAND_LINE_H

#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"

/*
 * Command lines for the tests of the options.  One is written as one string with a space between
 * its words, which is split here.  The working directory is one that was made for the test.
 */

static struct options o; /* of the last command line, and its error */
static struct error err;
static char directory[sizeof("/tmp/check_options.XXXXXX")];

static void setup(void) {
	strcpy(directory, "/tmp/check_options.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chdir(directory), 0);
	unsetenv("TAPE");
	unsetenv("POSIXLY_CORRECT");
}

static void teardown(void) {
	unlink("list");
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(directory), 0);
	options_fini(&o);
}

static int parse(const char *text) {
	static char line[1024];
	static char *words[64];
	int n = 0;

	ck_assert_uint_lt(strlen(text), sizeof(line));
	strcpy(line, text);
	for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " "))
		words[n++] = word;
	words[n] = NULL;
	options_fini(&o);
	return options_parse(&o, n, words, &err);
}

static void parse_ok(const char *text) {
	err.msg[0] = '\0';
	ck_assert_msg(parse(text) == TARN_OK, "%s: %s", text, err.msg);
}

static void parse_wrong(const char *text, const char *message) {
	ck_assert_int_eq(parse(text), TARN_EUSAGE);
	ck_assert_str_eq(err.msg, message);
}

/* The operands as "name name:directory", for comparison. */
static const char *operands(void) {
	static char text[1024];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < o.noperands; i++) {
		const struct operand *p = &o.operands[i];

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%s%s", i > 0 ? " " : "",
		    p->name, p->directory != NULL ? ":" : "",
		    p->directory != NULL ? p->directory : "");
	}
	return text;
}

#endif
