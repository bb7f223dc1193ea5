#include "config.h"

#include "pax_records.h"

#include <stdio.h>
#include <string.h>

/*
 * The length at the beginning of a record counts the whole record, its own digits included.
 */

#define XATTR_PREFIX "SCHILY.xattr."

static size_t count_digits(size_t n) {
	size_t ndigits = 1;

	for (; n >= 10; n /= 10)
		ndigits++;
	return ndigits;
}

/* Append the length of a record that goes on with ${nbytes}, from the keyword to the newline. */
static int begin_record(struct member_header *header, size_t nbytes, struct error *err) {
	size_t rest = nbytes + 1;
	/* The digits may be what makes it need one more. */
	size_t total = rest + count_digits(rest + count_digits(rest));
	char length[32];

	return member_header_append(
	    header, length, (size_t)snprintf(length, sizeof(length), "%zu ", total), err);
}

/* Append `=', the value and the newline. */
static int end_record(
    struct member_header *header, const void *value, size_t nbytes, struct error *err) {
	int r = member_header_append(header, "=", 1, err);

	if (r == TARN_OK)
		r = member_header_append(header, value, nbytes, err);
	return r == TARN_OK ? member_header_append(header, "\n", 1, err) : r;
}

int pax_record(struct member_header *header, const char *keyword, const void *value, size_t nbytes,
    struct error *err) {
	size_t keyword_nbytes = strlen(keyword);
	int r = begin_record(header, keyword_nbytes + nbytes + 2, err);

	if (r == TARN_OK)
		r = member_header_append(header, keyword, keyword_nbytes, err);
	return r == TARN_OK ? end_record(header, value, nbytes, err) : r;
}

int pax_record_string(
    struct member_header *header, const char *keyword, const char *value, struct error *err) {
	return pax_record(header, keyword, value, strlen(value), err);
}

int pax_record_number(
    struct member_header *header, const char *keyword, uint64_t value, struct error *err) {
	char text[32];

	snprintf(text, sizeof(text), "%ju", (uintmax_t)value);
	return pax_record_string(header, keyword, text, err);
}

int pax_record_time(
    struct member_header *header, const char *keyword, struct timespec value, struct error *err) {
	bool negative = value.tv_sec < 0;
	uint64_t seconds = (uint64_t)value.tv_sec;
	long nanoseconds = value.tv_nsec;
	char text[64];
	size_t n;

	/* A timespec counts its fraction upwards, also below zero; the text counts from zero. */
	if (negative) {
		seconds = 0 - seconds;
		if (nanoseconds > 0) {
			seconds--;
			nanoseconds = 1000000000 - nanoseconds;
		}
	}
	n = (size_t)snprintf(text, sizeof(text), "%s%ju.%09ld", negative ? "-" : "",
	    (uintmax_t)seconds, nanoseconds);
	while (text[n - 1] == '0')
		n--;
	if (text[n - 1] == '.')
		n--;
	return pax_record(header, keyword, text, n, err);
}

/* Append the name of an attribute, up to its end, with what a keyword cannot have replaced. */
static int append_xattr_name(struct member_header *header, const char *name, struct error *err) {
	for (;;) {
		size_t n = strcspn(name, "=%");
		int r = member_header_append(header, name, n, err);

		if (r != TARN_OK || name[n] == '\0')
			return r;
		r = member_header_append(header, name[n] == '=' ? "%3D" : "%25", 3, err);
		if (r != TARN_OK)
			return r;
		name += n + 1;
	}
}

int pax_record_xattr(struct member_header *header, const struct xattr *xattr, struct error *err) {
	size_t name_nbytes = 0;
	int r;

	for (const char *s = xattr->name; *s != '\0'; s++)
		name_nbytes += *s == '=' || *s == '%' ? 3 : 1;
	r = begin_record(header, strlen(XATTR_PREFIX) + name_nbytes + xattr->nbytes + 2, err);
	if (r == TARN_OK)
		r = member_header_append(header, XATTR_PREFIX, strlen(XATTR_PREFIX), err);
	if (r == TARN_OK)
		r = append_xattr_name(header, xattr->name, err);
	return r == TARN_OK ? end_record(header, xattr->value, xattr->nbytes, err) : r;
}

/* Number of bytes of the UTF-8 sequence at ${s} (RFC 3629), 0 if it is none. */
static size_t sequence_nbytes(const unsigned char *s) {
	size_t n = s[0] < 0x80 ? 1 :
	    s[0] < 0xc2        ? 0 :
	    s[0] < 0xe0        ? 2 :
	    s[0] < 0xf0        ? 3 :
	    s[0] < 0xf5        ? 4 :
	                         0;

	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	/* Longer than need be, half of a UTF-16 pair, or above U+10FFFF. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90)) {
		return 0;
	}
	return n;
}

bool pax_is_utf8(const char *s) {
	const unsigned char *at = (const unsigned char *)s;

	while (*at != '\0') {
		size_t n = sequence_nbytes(at);

		if (n == 0)
			return false;
		at += n;
	}
	return true;
}
