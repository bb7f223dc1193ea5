#include "config.h"

#include <stdio.h>
#include <string.h>

#include "option_table.h"
#include "options.h"

/*
 * --help: an introduction, the table by group, and where we differ from what is expected.  Names of
 * an option stand on the left, the text about it in a column of its own, wrapped between words.  It
 * is laid out like GNU tar's.  All text is ASCII: bytes are columns.
 */

#define TEXT_COLUMN 29 /* where GNU tar has it */
#define WIDTH 79       /* of a terminal with 80 columns the last one stays free */

/* Print ${text} from ${column} on, with further lines beginning at TEXT_COLUMN. */
static void print_wrapped(FILE *out, const char *text, int column) {
	const char *word = text;

	/* Names that leave less than two spaces have their text on the next line. */
	if (column + 2 > TEXT_COLUMN) {
		fputc('\n', out);
		column = 0;
	}
	column += fprintf(out, "%*s", TEXT_COLUMN - column, "");
	while (*word != '\0') {
		int nbytes = (int)strcspn(word, " ");

		if (word != text && column + 1 + nbytes > WIDTH)
			/* The newline takes no column. */
			column = fprintf(out, "\n%*s", TEXT_COLUMN, "") - 1;
		else if (word != text)
			column += fprintf(out, " ");
		column += fprintf(out, "%.*s", nbytes, word);
		word += nbytes;
		word += strspn(word, " ");
	}
}

/* Print "=ARGUMENT" or "[=ARGUMENT]"; returns the number of columns. */
static int print_argument(FILE *out, const char *argument) {
	if (argument == NULL)
		return 0;
	return argument[0] == '[' ? fprintf(out, "[=%s", argument + 1) :
	                            fprintf(out, "=%s", argument);
}

/* Print ${row}, whose text may be empty, with the rows behind it that are other names of it. */
static void print_option(FILE *out, const struct option_row *row) {
	const struct option_row *end = option_table + option_table_nrows, *name;
	const char *before = row->letter != '\0' ? ", " : "";
	int column =
	    row->letter != '\0' ? fprintf(out, "  -%c", row->letter) : fprintf(out, "      ");

	for (name = row; name < end && option_canonical(name) == row; name++) {
		if (name->name != NULL)
			column += fprintf(out, "%s--%s", before, name->name) +
			    print_argument(out, row->argument);
		before = ", ";
	}
	if (row->help[0] != '\0')
		print_wrapped(out, row->help, column);
	fputc('\n', out);
}

void options_help(const char *program, FILE *out) {
	const struct option_row *end = option_table + option_table_nrows, *before = NULL;

	fprintf(out, "Usage: %s [OPTION...] [FILE]...\n", program);
	fputs("Keep many files in one archive, and restore them: the content of a file once,\n"
	      "and all the names that it has.\n\n"
	      "Examples:\n",
	    out);
	fprintf(out, "  %s -cf archive.tar foo bar    # create archive.tar from foo and bar\n",
	    program);
	fprintf(out, "  %s -tvf archive.tar           # list what is in archive.tar\n", program);
	fprintf(out, "  %s -xf archive.tar            # extract all of archive.tar\n", program);
	fprintf(out, "  %s -caf new.tar.zst @old.tar  # compress old.tar\n", program);
	for (const struct option_row *row = option_table; row < end; row++) {
		if (row->help == NULL)
			continue;
		if (before == NULL || row->group != before->group)
			fprintf(out, "\n %s:\n\n", option_headings[row->group]);
		print_option(out, row);
		before = row;
	}
	fputs("\n"
	      "An argument that a long option needs is also needed by the short one.  Long\n"
	      "options may be shortened as long as they are unique.  Of options that exclude\n"
	      "each other the last one counts.\n\n"
	      "Other than with GNU tar, a file for -T can change the directory, but give no\n"
	      "other options, and escapes in names are not undone; an operand @ARCHIVE of -c,\n"
	      "-r and -u stands for the members of ARCHIVE (write ./@NAME for a file); and an\n"
	      "archive is always a local file.\n",
	    out);
}
