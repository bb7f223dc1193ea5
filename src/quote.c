#include "config.h"

#include "quote.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

/*
 * Most names are plain ASCII: they are looked at once, and handed back.  The others are copied
 * character by character, where a character is a UTF-8 sequence that may be shown, or one byte that
 * is escaped.  UTF-8 is decoded here rather than by mbrtowc(), so that what counts as well-formed
 * does not depend on a C library.  What may be shown does depend on one, as only its tables
 * (iswprint) tell which characters are assigned.
 */

/* The longest form of one byte: \177. */
#define ESCAPE_NBYTES 4

/* How long a sequence of UTF-8 is that begins with ${lead}; 1: none begins so. */
static size_t sequence_nbytes(unsigned char lead) {
	return lead < 0xc0 || lead >= 0xf8 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

size_t quote_utf8(const char *s, uint32_t *character) {
	static const uint32_t least[] = { [2] = 0x80, [3] = 0x800, [4] = 0x10000 };
	unsigned char lead = (unsigned char)s[0];
	size_t n = sequence_nbytes(lead);
	uint32_t c;

	if (n == 1)
		return 0;
	/* A lead byte has n ones and a zero, then its share of the number. */
	c = lead & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		/* The NUL at the end is no continuation byte either. */
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | ((unsigned char)s[i] & 0x3f);
	}
	/* Overlong, a surrogate or too large (RFC 3629): decoders do not agree on what that is. */
	if (c < least[n] || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
		return 0;
	*character = c;
	return n;
}

/*
 * Characters that iswprint() lets pass, but that reorder, join or hide what stands around them, or
 * leave room for nothing, so that a name could pose as another one: what Unicode calls
 * Default_Ignorable_Code_Point (DerivedCoreProperties.txt), line separators, interlinear
 * annotation, and the empty pattern of Braille.  U+FE0F alone stays: it is in most names that have
 * emoji.
 */
static const struct range {
	uint32_t first, last;
} deceptive[] = {
	{ 0xad, 0xad },
	{ 0x34f, 0x34f },
	{ 0x61c, 0x61c },
	{ 0x115f, 0x1160 },
	{ 0x17b4, 0x17b5 },
	{ 0x180b, 0x180f },
	{ 0x200b, 0x200f },
	{ 0x2028, 0x202e },
	{ 0x2060, 0x206f },
	{ 0x2800, 0x2800 },
	{ 0x3164, 0x3164 },
	{ 0xfe00, 0xfe0e },
	{ 0xfeff, 0xfeff },
	{ 0xffa0, 0xffa0 },
	{ 0xfff0, 0xfffb },
	{ 0x1bca0, 0x1bca3 },
	{ 0x1d173, 0x1d17a },
	{ 0xe0000, 0xe0fff },
};

static bool is_deceptive(uint32_t c) {
	for (size_t i = 0; i < sizeof(deceptive) / sizeof(deceptive[0]); i++) {
		if (c >= deceptive[i].first && c <= deceptive[i].last)
			return true;
	}
	return false;
}

bool quote_is_shown(uint32_t character) {
	return iswprint(character) && !is_deceptive(character);
}

static bool is_plain_byte(unsigned char byte) {
	return byte >= ' ' && byte < 0x7f && byte != '\\';
}

/* Number of bytes of the character at ${s} if it is to be shown as it is; 0: escape one byte. */
static size_t shown_nbytes(const struct quote *q, const char *s) {
	unsigned char byte = (unsigned char)s[0];
	uint32_t c;
	size_t n;

	if (byte < 0x80)
		return is_plain_byte(byte) || (byte == '\\' && q->style == QUOTE_TEXT);
	if (!q->utf8)
		return 0;
	n = quote_utf8(s, &c);
	return n > 0 && quote_is_shown(c) ? n : 0;
}

/* Write the escape for ${byte} to ${to}; returns its number of bytes. */
static size_t escape(char *to, unsigned char byte) {
	static const char letters[] = { ['\a'] = 'a',
		['\b'] = 'b',
		['\t'] = 't',
		['\n'] = 'n',
		['\v'] = 'v',
		['\f'] = 'f',
		['\r'] = 'r',
		['\\'] = '\\' };

	to[0] = '\\';
	if (byte < sizeof(letters) && letters[byte] != '\0') {
		to[1] = letters[byte];
		return 2;
	}
	to[1] = (char)('0' + (byte >> 6));
	to[2] = (char)('0' + (byte >> 3 & 7));
	to[3] = (char)('0' + (byte & 7));
	return ESCAPE_NBYTES;
}

/*
 * Does each of the eight bytes in ${word} satisfy is_plain_byte()?  A subtraction borrows into the
 * top bit of a byte that is smaller than what is taken from it; the next byte may be borrowed from
 * as well, but then the answer is no already.
 */
static bool is_plain_word(uint64_t word) {
	const uint64_t each = 0x0101010101010101, top = each * 0x80;
	uint64_t backslashes = word ^ each * '\\';
	uint64_t low = (word - each * ' ') & ~word;
	uint64_t high = (word + each) | word;

	return ((low | high | ((backslashes - each) & ~backslashes)) & top) == 0;
}

/* Eight bytes at a time: a quarter of the time of a listing goes to names that need no escape. */
static bool is_plain(const char *name) {
	const char *end = name + strlen(name);
	uint64_t word;

	for (; (size_t)(end - name) >= sizeof(word); name += sizeof(word)) {
		memcpy(&word, name, sizeof(word));
		if (!is_plain_word(word))
			return false;
	}
	while (name < end && is_plain_byte((unsigned char)*name))
		name++;
	return name == end;
}

/* Make room for the printed form of ${nbytes} bytes and a NUL, as if each were escaped. */
static bool reserve(struct quote *q, size_t nbytes) {
	size_t capacity;
	char *buf;

	if (__builtin_mul_overflow(nbytes, ESCAPE_NBYTES, &capacity) ||
	    __builtin_add_overflow(capacity, 1, &capacity))
		return false;
	if (capacity <= q->capacity)
		return true;
	buf = realloc(q->buf, capacity);
	if (buf == NULL)
		return false;
	q->buf = buf;
	q->capacity = capacity;
	return true;
}

const char *quote_name(struct quote *q, const char *name) {
	char *to;

	if (q->style == QUOTE_LITERAL || is_plain(name))
		return name;
	if (!reserve(q, strlen(name)))
		return "?";
	to = q->buf;
	while (*name != '\0') {
		size_t n = shown_nbytes(q, name);

		if (n > 0) {
			to = mempcpy(to, name, n);
			name += n;
		} else {
			to += escape(to, (unsigned char)*name++);
		}
	}
	*to = '\0';
	return q->buf;
}

/* Number of bytes of the character or escape at ${printed}; 0 if it is not whole, or the end. */
static size_t unit_nbytes(const char *printed) {
	size_t n = sequence_nbytes((unsigned char)printed[0]);
	uint32_t c;

	/* In plain text a backslash may escape nothing; it stays with what follows. */
	if (printed[0] == '\\')
		n = printed[1] >= '0' && printed[1] <= '7' ? ESCAPE_NBYTES : 2;
	/* Where the text was cut before, only half of its last escape or character may be there. */
	if (strnlen(printed, n) < n)
		return 0;
	return (unsigned char)printed[0] < 0x80 || quote_utf8(printed, &c) > 0 ? n : 1;
}

size_t quote_cut(const char *printed, size_t nbytes) {
	size_t end = 0, n;

	while ((n = unit_nbytes(printed + end)) > 0 && n <= nbytes - end)
		end += n;
	return end;
}

void quote_fini(struct quote *q) {
	free(q->buf);
	q->buf = NULL;
	q->capacity = 0;
}

bool quote_environment_is_utf8(void) {
	/* The empty name stands for LC_ALL, else LC_CTYPE, else LANG; 0: no such locale. */
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool utf8;

	if (locale == (locale_t)0)
		return false;
	utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
	freelocale(locale);
	return utf8;
}
