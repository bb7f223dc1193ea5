#include "config.h"

#include "bytes.h"

#include <stdlib.h>
#include <string.h>

/*
 * Whatever grows here at least doubles its room, so that appending is cheap however much there is
 * already.  The data may move when it grows: no pointer into it stays valid while more is appended.
 * Lengths may come from an archive, so sums and products of them are checked.
 *
 * A cursor owns nothing and never reads behind its end, whatever the bytes are: it reads indexes,
 * which may come from a stranger.
 */

/* Most names fit, and take one allocation. */
#define MIN_CAPACITY 256

int array_reserve(void **array, size_t *capacity, size_t n, size_t nbytes, struct error *err) {
	size_t want, total;
	void *p;

	if (n <= *capacity)
		return TARN_OK;
	if (__builtin_mul_overflow(n, 2, &want) || __builtin_mul_overflow(want, nbytes, &total))
		return err_nomem(err);
	p = realloc(*array, total);
	if (p == NULL)
		return err_nomem(err);
	*array = p;
	*capacity = want;
	return TARN_OK;
}

/* Make room for ${nbytes} more.  False: there is no memory. */
static bool grow(struct bytes *bytes, size_t nbytes) {
	size_t capacity = bytes->capacity > 0 ? bytes->capacity : MIN_CAPACITY, end;
	unsigned char *data;

	/* With the upper half of size_t refused, doubling the capacity cannot wrap around. */
	if (__builtin_add_overflow(bytes->nbytes, nbytes, &end) || end > SIZE_MAX / 2)
		return false;
	while (capacity < end)
		capacity *= 2;
	data = realloc(bytes->data, capacity);
	if (data == NULL)
		return false;
	bytes->data = data;
	bytes->capacity = capacity;
	return true;
}

void *bytes_extend(struct bytes *bytes, size_t nbytes, struct error *err) {
	unsigned char *room;

	/* Of none, too, there is to be an address. */
	if ((bytes->data == NULL || nbytes > bytes->capacity - bytes->nbytes) &&
	    !grow(bytes, nbytes)) {
		err_nomem(err);
		return NULL;
	}
	room = bytes->data + bytes->nbytes;
	bytes->nbytes += nbytes;
	return room;
}

int bytes_append(struct bytes *bytes, const void *data, size_t nbytes, struct error *err) {
	void *room = bytes_extend(bytes, nbytes, err);

	if (room == NULL)
		return TARN_ENOMEM;
	/* An empty byte string may be NULL, from which not even 0 bytes may be copied. */
	if (nbytes > 0)
		memcpy(room, data, nbytes);
	return TARN_OK;
}

int bytes_append_long_varint(struct bytes *bytes, uint64_t value, struct error *err) {
	unsigned char buf[10]; /* 64 bits, 7 a byte */
	size_t n = 0;

	for (; value >= 0x80; value >>= 7)
		buf[n++] = (unsigned char)(value | 0x80);
	buf[n++] = (unsigned char)value;
	return bytes_append(bytes, buf, n, err);
}

int bytes_append_signed(struct bytes *bytes, int64_t value, struct error *err) {
	/* The sign goes to bit 0: -n becomes 2n - 1.  Unsigned, so that no value overflows. */
	uint64_t folded = (uint64_t)value << 1;

	return bytes_append_varint(bytes, value < 0 ? ~folded : folded, err);
}

void bytes_fini(struct bytes *bytes) {
	free(bytes->data);
	*bytes = (struct bytes){ 0 };
}

/*
 * A number that is spelt longer than it needs to be is accepted.  After false the cursor may stand
 * anywhere.
 */
bool cursor_long_varint(struct cursor *cursor, uint64_t *value) {
	uint64_t sum = 0;

	for (unsigned int shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
		uint64_t byte = *cursor->at++;

		/* The tenth byte has only bit 63 to give, and must be the last. */
		if (shift == 63 && byte > 1)
			return false;
		sum |= (byte & 0x7f) << shift;
		if (byte < 0x80) {
			*value = sum;
			return true;
		}
	}
	return false;
}

bool cursor_signed(struct cursor *cursor, int64_t *value) {
	uint64_t folded;

	if (!cursor_varint(cursor, &folded))
		return false;
	*value = (int64_t)(folded & 1 ? ~(folded >> 1) : folded >> 1);
	return true;
}

const void *cursor_take(struct cursor *cursor, uint64_t nbytes) {
	const unsigned char *at = cursor->at;

	/* Compared before anything is added: at + nbytes could wrap around. */
	if (nbytes > (uint64_t)(cursor->end - at))
		return NULL;
	cursor->at += nbytes;
	return at;
}
