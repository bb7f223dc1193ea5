#include "config.h"

#include <string.h>

#include "fuzz.h"
#include "quote.h"

/* Names as they are printed: without what could move a cursor, and telling which bytes they are. */

static char unescape(const char **s) {
	static const char letters[] = "abtnvfr\\", meant[] = "\a\b\t\n\v\f\r\\";
	const char *letter = strchr(letters, (*s)[1]);
	char octal[4] = { (*s)[1], letter == NULL ? (*s)[2] : '\0', letter == NULL ? (*s)[3] : '\0',
		'\0' };

	*s += letter != NULL ? 2 : 4;
	return letter != NULL ? meant[letter - letters] : (char)strtoul(octal, NULL, 8);
}

static void check_printed(const char *name, bool utf8) {
	struct quote quote = { .style = QUOTE_ESCAPE, .utf8 = utf8 };
	const char *printed = quote_name(&quote, name), *s = printed;
	char *plain = malloc(strlen(printed) + 1), *to = plain;

	REQUIRE(plain != NULL && quote_cut(printed, strlen(printed)) == strlen(printed));
	while (*s != '\0') {
		REQUIRE(
		    (unsigned char)*s >= ' ' && *s != 0x7f && (utf8 || (unsigned char)*s < 0x80));
		*to++ = *s == '\\' ? unescape(&s) : *s++;
	}
	*to = '\0';
	REQUIRE(strcmp(plain, name) == 0);
	free(plain);
	quote_fini(&quote);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes) {
	char *name = take_string(&(struct pieces){ data, nbytes });

	check_printed(name, true);
	check_printed(name, false);
	free(name);
	return 0;
}
