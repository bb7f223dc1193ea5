#include "config.h"

#include "json_line.h"

#include <inttypes.h>

#include "quote.h"

/*
 * What is well-formed UTF-8 stands as it is, but for what a terminal would not show, as people look
 * at such files, too.  That is escaped by number.  Nothing is kept between two calls, and the
 * output is written piece by piece: the report holds its lock from json_begin to json_end.
 */

/* Above U+FFFF by two numbers, the surrogates of UTF-16 (RFC 8259, section 7). */
static void put_escaped(FILE *out, uint32_t character) {
	if (character >= 0x10000) {
		character -= 0x10000;
		fprintf(out, "\\u%04" PRIx32, 0xd800 + (character >> 10));
		character = 0xdc00 + (character & 0x3ff);
	}
	fprintf(out, "\\u%04" PRIx32, character);
}

static void put_quoted(FILE *out, const char *s) {
	putc('"', out);
	while (*s != '\0') {
		unsigned char byte = (unsigned char)*s;
		uint32_t character;
		size_t nbytes = quote_utf8(s, &character);

		/* Of several bytes; 0 for ASCII as well. */
		if (nbytes > 0) {
			if (quote_is_shown(character))
				fwrite(s, 1, nbytes, out);
			else
				put_escaped(out, character);
			s += nbytes;
			continue;
		}
		if (byte == '"' || byte == '\\')
			fprintf(out, "\\%c", byte);
		else if (byte >= 0x80) /* no UTF-8 has surrogates, so it can only be a byte */
			put_escaped(out, 0xdc00U + byte);
		else if (byte < ' ' || byte == 0x7f)
			put_escaped(out, byte);
		else
			putc(byte, out);
		s++;
	}
	putc('"', out);
}

void json_begin(FILE *out, const char *event) {
	fputs("{\"event\":", out);
	put_quoted(out, event);
}

void json_string(FILE *out, const char *key, const char *value) {
	if (value == NULL)
		return;
	/* Keys are words of this program: nothing in them needs an escape. */
	fprintf(out, ",\"%s\":", key);
	put_quoted(out, value);
}

void json_number(FILE *out, const char *key, uint64_t value) {
	fprintf(out, ",\"%s\":%" PRIu64, key, value);
}

void json_end(FILE *out) {
	fputs("}\n", out);
}
