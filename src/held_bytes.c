#include "config.h"

#include "held_bytes.h"

/*
 * What archive_source has of the plain stream: it looks at a header here, and then either
 * understands it by itself or leaves the same bytes to libarchive.
 *
 * Mostly what is held lies in the reader's own block.  Only where more is needed than that has
 * left, it is put together with the next ones.  That copies all that is held each time, but only
 * long names and pax records need much.
 */

/*
 * Read on, behind what is held.  That has to be copied first, also if nothing follows: the reader's
 * block is lent only until it is asked again.  A block that there is no memory for was not read.
 */
static int read_on(struct held_bytes *held, struct error *err) {
	struct bytes joined = { 0 };
	const void *data;
	size_t nbytes;
	int r;

	if (held->nbytes > 0 && bytes_append(&joined, held->data, held->nbytes, err) != TARN_OK)
		return TARN_ENOMEM;
	/* What was taken before stays in a block that is given back now. */
	held->ntaken = 0;
	r = codec_read(held->reader, &data, &nbytes, err);
	if (r == TARN_OK && held->nbytes > 0)
		r = bytes_append(&joined, data, nbytes, err);
	if (r == TARN_OK)
		held->nread += (off_t)nbytes;
	if (held->nbytes > 0) {
		bytes_fini(&held->joined);
		held->joined = joined;
		held->data = (const char *)joined.data;
		held->nbytes = joined.nbytes;
	} else if (r == TARN_OK) {
		held->data = data;
		held->nbytes = nbytes;
	}
	return r;
}

int held_bytes_need(struct held_bytes *held, size_t nbytes) {
	int r;

	while (held->nbytes < nbytes) {
		if (held->has_all || held->has_error)
			return held->has_all ? TARN_END : (int)held->error.code;
		r = read_on(held, &held->error);
		held->has_all = r == TARN_END;
		held->has_error = r != TARN_OK && r != TARN_END;
	}
	return TARN_OK;
}

void held_bytes_take(struct held_bytes *held, size_t nbytes) {
	held->data += nbytes;
	held->nbytes -= nbytes;
	held->ntaken += nbytes;
}

void held_bytes_put_back(struct held_bytes *held, size_t nbytes) {
	held->data -= nbytes;
	held->nbytes += nbytes;
	held->ntaken -= nbytes;
}

off_t held_bytes_skip(struct held_bytes *held, off_t nbytes) {
	/*
	 * Only one of the two: callers are content with less than they asked for, and come again.
	 */
	off_t most = nbytes < (off_t)held->nbytes ? nbytes : (off_t)held->nbytes;

	if (most > 0) {
		held_bytes_take(held, (size_t)most);
		return most;
	}
	held->ntaken = 0;
	nbytes = codec_skip(held->reader, nbytes);
	held->nread += nbytes;
	return nbytes;
}

off_t held_bytes_at(const struct held_bytes *held) {
	return held->nread - (off_t)held->nbytes;
}

void held_bytes_fini(struct held_bytes *held) {
	bytes_fini(&held->joined);
}
