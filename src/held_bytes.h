#ifndef TARN_HELD_BYTES_H
#define TARN_HELD_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "bytes.h"
#include "codec.h"
#include "error.h"

/*
 * The bytes that a reader hands over, held until they are taken, so that they can be looked at
 * before it is known who is to have them.
 *
 * Embed it; all zero, with a reader, is where that stands.
 */
struct held_bytes {
	struct codec_reader *reader; /* borrowed */
	const char *data;            /* what is held, until more is */
	size_t nbytes;
	size_t ntaken;       /* that stand before those, and were taken */
	struct bytes joined; /* what they are in, where one block was not enough */
	off_t nread;         /* all bytes that were read, skipped ones included */
	bool has_all;        /* the reader said TARN_END */
	bool has_error;      /* the reader failed, or may read no more, with: */
	struct error error;
};

/** Have ${nbytes} that are held.  TARN_END, or an error, is for good; what is held is kept. */
int held_bytes_need(struct held_bytes *held, size_t nbytes);

/** The first ${nbytes} of what is held are held no more. */
void held_bytes_take(struct held_bytes *held, size_t nbytes);

/** Hold the last ${nbytes} again that were taken, at most held->ntaken. */
void held_bytes_put_back(struct held_bytes *held, size_t nbytes);

/**
 * Skip at most ${nbytes} that are held, or where none are, that need not be read; returns how many.
 */
off_t held_bytes_skip(struct held_bytes *held, off_t nbytes);

/** Offset of what comes next, from where the reader stood at the beginning. */
off_t held_bytes_at(const struct held_bytes *held);

void held_bytes_fini(struct held_bytes *held);

#endif
