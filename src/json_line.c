#include "config.h"

#include "json_line.h"

#include <inttypes.h>

#include "quote.h"

/*
 * Control characters are escaped by number; what is well-formed UTF-8 stands as it is.
 */

static void put_quoted(FILE *out, const char *s) {
	putc('"', out);
	while (*s != '\0') {
		unsigned char byte = (unsigned char)*s;
		size_t nbytes = quote_utf8_nbytes(s);

		if (nbytes > 0) {
			fwrite(s, 1, nbytes, out);
			s += nbytes;
			continue;
		}
		if (byte == '"' || byte == '\\')
			fprintf(out, "\\%c", byte);
		else if (byte >= 0x80)
			fprintf(out, "\\udc%02x", byte);
		else if (byte < ' ' || byte == 0x7f)
			fprintf(out, "\\u%04x", byte);
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
	fprintf(out, ",\"%s\":", key);
	put_quoted(out, value);
}

void json_number(FILE *out, const char *key, uint64_t value) {
	fprintf(out, ",\"%s\":%" PRIu64, key, value);
}

void json_end(FILE *out) {
	fputs("}\n", out);
}
