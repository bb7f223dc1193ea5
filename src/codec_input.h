#ifndef TARN_CODEC_INPUT_H
#define TARN_CODEC_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "error.h"

/* A descriptor read block by block, with a look at its beginning.  Embed it; all zero is empty. */
struct codec_input {
	int fd;                    /* borrowed */
	bool at_end;               /* the descriptor has no more than what is unread here */
	const unsigned char *next; /* the unread bytes: taking is moving these on */
	size_t nbytes;
	unsigned char *buf;
	_Atomic uint64_t nread; /* bytes so far: asked for while another thread reads on */
};

int codec_input_init(struct codec_input *input, int fd, struct error *err);
void codec_input_fini(struct codec_input *input);

/**
 * Have at least ${nbytes} unread, or all there are until the end.  ${nbytes} is less than 64 KiB,
 * and nothing was taken yet.
 */
int codec_input_peek(struct codec_input *input, size_t nbytes, struct error *err);

/** Have unread bytes; TARN_END when there are no more. */
int codec_input_fill(struct codec_input *input, struct error *err);

/** Take all that is unread, at least a byte; borrowed until the next call.  TARN_END at the end. */
int codec_input_take(
    struct codec_input *input, const void **data, size_t *nbytes, struct error *err);

/**
 * Go ahead by at most ${nbytes}, by moving the file position; 0 when that is not possible, or not
 * worth it.  Never goes past the end of a file, so that one that is too short is met by reading.
 */
off_t codec_input_skip(struct codec_input *input, off_t nbytes);

/**
 * Do ${nbytes}, from ${nback} bytes before what is unread, lie in a regular file, all of them, and
 * as it seems in the page cache?  *${offset} is where they begin.
 */
bool codec_input_find_place(
    const struct codec_input *input, size_t nback, off_t nbytes, off_t *offset);

/** Forget what is unread, and go to ${position} of the file.  TARN_ESYSTEM: nothing was changed. */
int codec_input_seek(struct codec_input *input, off_t position, struct error *err);

#endif
