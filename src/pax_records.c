#include "config.h"

#include "pax_records.h"

#include <string.h>

#include "bytes.h"
#include "quote.h"

/*
 * The length at the beginning of a record counts the whole record, its own digits included.  So it
 * is found before anything is written.  The parts of a record are then appended one by one: they
 * are put together nowhere else, as the value of an attribute may be large.  After TARN_ENOMEM a
 * part of a record is in the header, which is of no use then.
 *
 * Numbers are put into text by hand: nearly every member has a record with two, and printf would
 * take longer for them than all the rest of its header.
 *
 * tar_header writes with this.  plain_header and untold_header read with it, and must not
 * understand more than libarchive does, which reads everything else.
 */

#define XATTR_PREFIX "SCHILY.xattr."

/*
 * Append the length of a record, and the space.  ${nbytes} follow: keyword, equals sign, value,
 * newline, which the caller appends.
 */
static int begin_record(struct member_header *header, size_t nbytes, struct error *err) {
	size_t rest = nbytes + 1;
	char length[32], *end = length + sizeof(length), *from;

	*--end = ' ';
	from = decimal_before(end, rest);
	/*
	 * With its digits the number may need one more: 98 and two digits are 100, which has three.
	 * A second time that cannot happen.
	 */
	for (int i = 0; i < 2; i++)
		from = decimal_before(end, rest + (size_t)(end - from));
	return member_header_append(header, from, (size_t)(end - from) + 1, err);
}

/* Append `=', the value and the newline. */
static int end_record(
    struct member_header *header, const void *value, size_t nbytes, struct error *err) {
	int r = member_header_append(header, "=", 1, err);

	if (r == TARN_OK)
		r = member_header_append(header, value, nbytes, err);
	return r == TARN_OK ? member_header_append(header, "\n", 1, err) : r;
}

/* A whole record.  The 2 that are added are the equals sign and the newline. */
static int pax_record(struct member_header *header, const char *keyword, const void *value,
    size_t nbytes, struct error *err) {
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
	/* 64 bits have 20 digits. */
	char text[32], *end = text + sizeof(text), *from = decimal_before(end, value);

	return pax_record(header, keyword, from, (size_t)(end - from), err);
}

int pax_record_time(
    struct member_header *header, const char *keyword, struct timespec value, struct error *err) {
	bool negative = value.tv_sec < 0;
	uint64_t seconds = (uint64_t)value.tv_sec;
	long nanoseconds = value.tv_nsec;
	char text[64], *end = text + sizeof(text), *from;

	/* A timespec counts its fraction upwards, also below zero; the text counts from zero. */
	/* Unsigned, as the least number of seconds has no counterpart above zero. */
	if (negative) {
		seconds = 0 - seconds;
		if (nanoseconds > 0) {
			seconds--;
			nanoseconds = 1000000000 - nanoseconds;
		}
	}
	/* A digit before the nine of the fraction keeps its zeros, and gives way to the point. */
	from = decimal_before(end, UINT64_C(1000000000) + (uint64_t)nanoseconds);
	*from = '.';
	from = decimal_before(from, seconds);
	if (negative)
		*--from = '-';
	while (end[-1] == '0')
		end--;
	if (end[-1] == '.')
		end--;
	return pax_record(header, keyword, from, (size_t)(end - from), err);
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

/* ${to} may be as long as ${name} is: nothing becomes longer.  A % before anything else stays. */
char *pax_read_xattr_name(char *to, const char *name) {
	while (*name != '\0') {
		bool is_equals = strncmp(name, "%3D", 3) == 0;

		if (is_equals || strncmp(name, "%25", 3) == 0) {
			*to++ = is_equals ? '=' : '%';
			name += 3;
		} else {
			*to++ = *name++;
		}
	}
	*to = '\0';
	return to + 1;
}

int pax_record_xattr(struct member_header *header, const struct xattr *xattr, struct error *err) {
	size_t name_nbytes = 0;
	int r;

	/* What append_xattr_name() is going to append. */
	for (const char *s = xattr->name; *s != '\0'; s++)
		name_nbytes += *s == '=' || *s == '%' ? 3 : 1;
	r = begin_record(header, strlen(XATTR_PREFIX) + name_nbytes + xattr->nbytes + 2, err);
	if (r == TARN_OK)
		r = member_header_append(header, XATTR_PREFIX, strlen(XATTR_PREFIX), err);
	if (r == TARN_OK)
		r = append_xattr_name(header, xattr->name, err);
	return r == TARN_OK ? end_record(header, xattr->value, xattr->nbytes, err) : r;
}

bool pax_is_utf8(const char *s) {
	uint32_t character;

	while (*s != '\0') {
		size_t n = (unsigned char)*s < 0x80 ? 1 : quote_utf8(s, &character);

		if (n == 0)
			return false;
		s += n;
	}
	return true;
}

bool pax_text_is(const struct pax_text *text, const char *wanted) {
	return strlen(wanted) == text->nbytes && memcmp(text->text, wanted, text->nbytes) == 0;
}

/* Read digits at *${at}, at most ${max} of them, and move behind them; returns how many. */
static size_t read_digits(const char **at, const char *end, size_t max, uint64_t *value) {
	size_t n;

	for (n = 0, *value = 0; n < max && *at < end && **at >= '0' && **at <= '9'; n++)
		*value = *value * 10 + (uint64_t)(*(*at)++ - '0');
	return n;
}

bool pax_read_record(
    const char **at, const char *end, struct pax_text *keyword, struct pax_text *value) {
	const char *text = *at, *last, *equals;
	uint64_t length;

	/* At most 7 digits, so that ${length} is far from any limit. */
	if (read_digits(&text, end, 7, &length) == 0 || text == end || *text++ != ' ' ||
	    length > (uint64_t)(end - *at))
		return false;
	/* A value may have newlines in it: where the record ends the length alone tells. */
	last = *at + length - 1;
	if (last < text || *last != '\n')
		return false;
	equals = memchr(text, '=', (size_t)(last - text));
	if (equals == NULL)
		return false;
	*keyword = (struct pax_text){ text, (size_t)(equals - text) };
	*value = (struct pax_text){ equals + 1, (size_t)(last - equals - 1) };
	*at = last + 1;
	return true;
}

bool pax_read_time(const struct pax_text *value, struct timespec *time) {
	const char *at = value->text, *end = at + value->nbytes;
	bool negative = at < end && *at == '-';
	uint64_t seconds, fraction = 0, ignored;

	at += negative;
	if (read_digits(&at, end, 18, &seconds) == 0)
		return false;
	if (at < end && *at == '.') {
		at++;
		for (size_t n = read_digits(&at, end, 9, &fraction); n < 9; n++)
			fraction *= 10;
		/* Finer than nanoseconds: cut. */
		while (read_digits(&at, end, 9, &ignored) > 0)
			;
	}
	*time = (struct timespec){ (time_t)seconds, (long)fraction };
	/* -1.25 is -2 seconds and 0.75 upwards from there. */
	if (negative) {
		time->tv_sec = -(time_t)seconds - (fraction > 0);
		time->tv_nsec = fraction > 0 ? 1000000000 - (long)fraction : 0;
	}
	return at == end;
}
