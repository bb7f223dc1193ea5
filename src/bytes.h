#ifndef TARN_BYTES_H
#define TARN_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/** Put the digits of ${value} before ${end}, faster than printf() does; returns the first. */
static inline char *decimal_before(char *end, uint64_t value) {
	do {
		*--end = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	return end;
}

/**
 * Make room for ${n} elements of ${nbytes} in *${array}.  TARN_OK, or TARN_ENOMEM with nothing
 * changed.
 */
int array_reserve(void **array, size_t *capacity, size_t n, size_t nbytes, struct error *err);

/*
 * Byte strings that grow, and numbers in them: a varint has 7 bits a byte, the lowest first, with
 * the top bit set in all bytes but the last (LEB128); a signed number is folded to an unsigned one
 * first: 0, -1, 1, -2, 2 become 0, 1, 2, 3, 4.
 */
struct bytes {
	unsigned char *data;
	size_t nbytes, capacity;
};

/** Room for ${nbytes} at the end, which are then part of it.  NULL with ${err}: out of memory. */
void *bytes_extend(struct bytes *bytes, size_t nbytes, struct error *err);
/** Append to ${bytes}.  TARN_OK, or TARN_ENOMEM with nothing changed. */
int bytes_append(struct bytes *bytes, const void *data, size_t nbytes, struct error *err);
/** As bytes_append_varint, which is the one to call. */
int bytes_append_long_varint(struct bytes *bytes, uint64_t value, struct error *err);

/** Most have one byte. */
static inline int bytes_append_varint(struct bytes *bytes, uint64_t value, struct error *err) {
	if (bytes->nbytes == bytes->capacity || value >= 0x80)
		return bytes_append_long_varint(bytes, value, err);
	bytes->data[bytes->nbytes++] = (unsigned char)value;
	return TARN_OK;
}

int bytes_append_signed(struct bytes *bytes, int64_t value, struct error *err);
void bytes_fini(struct bytes *bytes);

/** Where reading has got to: the bytes from at to end are still to be read. */
struct cursor {
	const unsigned char *at, *end;
};

/** As cursor_varint, which is the one to call. */
bool cursor_long_varint(struct cursor *cursor, uint64_t *value);

/** False: the number does not end, or has more than 64 bits.  Most have one byte. */
static inline bool cursor_varint(struct cursor *cursor, uint64_t *value) {
	if (cursor->at == cursor->end || *cursor->at >= 0x80)
		return cursor_long_varint(cursor, value);
	*value = *cursor->at++;
	return true;
}

bool cursor_signed(struct cursor *cursor, int64_t *value);
/** The next ${nbytes}; NULL: there are not so many. */
const void *cursor_take(struct cursor *cursor, uint64_t nbytes);

#endif
