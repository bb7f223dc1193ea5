#include "config.h"

#include "codec_xz_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"
#include "read_at.h"

/*
 * Where all blocks of a file are, without reading any of them: for seeking, and for going on in an
 * archive.  Reading from the beginning needs nothing of it.
 *
 * Streams are found from the last to the first, as each footer says how long the index before it
 * is, and the index how long the blocks are (xz-file-format, 2.1).  They are joined from the first
 * to the last once all are known: liblzma appends a stream in no time, but to put one before others
 * it goes over all of these, as its own decoder for whole files does.
 */

/*
 * For the indexes of a file: they cost liblzma some 16 bytes a block, so that a file of petabytes
 * in blocks of usual size has room.  What has more cannot be sought in, but be read.
 */
#define MEMORY_NBYTES ((uint64_t)1024 * 1024 * 1024)

/* No record of an index is shorter: two numbers of a byte each. */
#define RECORD_NBYTES_MIN 2

/* Where the walk is in the file, with some bytes of it. */
struct back_walk {
	int fd;
	off_t base;    /* all other places are counted from here */
	off_t end;     /* of what was not walked over yet */
	off_t at;      /* of the bytes: */
	size_t nbytes; /* in buf */
	unsigned char buf[8192];
	lzma_stream decoder;    /* of one index after the other */
	lzma_index **streams;   /* the last one first; all of them are owned */
	size_t n, capacity;     /* of them */
	uint64_t memory_nbytes; /* that they take; at most MEMORY_NBYTES */
};

/*
 * The walk_ functions go over one part of the file before walk->end, and move that to where the
 * part begins.  TARN_END: there is no such part, and so this is no .xz file, or none that is whole.
 */

/*
 * Have *${data} at the ${nbytes} before ${end}, at most a buffer full: with as much as fits of what
 * is before them, which is what will be asked for next.  Borrowed until the next call.
 */
static int look_before(struct back_walk *walk, off_t end, size_t nbytes, const unsigned char **data,
    struct error *err) {
	off_t begin = end - (off_t)nbytes;

	if (begin < 0)
		return TARN_END;
	if (begin < walk->at || end > walk->at + (off_t)walk->nbytes) {
		walk->nbytes = end < (off_t)sizeof(walk->buf) ? (size_t)end : sizeof(walk->buf);
		walk->at = end - (off_t)walk->nbytes;
		int r = read_at(walk->fd, walk->buf, walk->nbytes, walk->base + walk->at, err);
		if (r != TARN_OK) {
			walk->nbytes = 0;
			/* The file has become shorter. */
			return r == TARN_EFORMAT ? TARN_END : r;
		}
	}
	*data = walk->buf + (begin - walk->at);
	return TARN_OK;
}

/*
 * Go over the padding before the end; says how much there was.  It comes in fours (xz-file-format,
 * 2.2), and no footer ends with a zero, as the last bytes of that are "YZ" (2.1.2.4).
 */
static int walk_padding(struct back_walk *walk, lzma_vli *nbytes, struct error *err) {
	static const unsigned char zeros[4];
	const unsigned char *data;
	int r = look_before(walk, walk->end, sizeof(zeros), &data, err);

	*nbytes = 0;
	while (r == TARN_OK && memcmp(data, zeros, sizeof(zeros)) == 0) {
		walk->end -= (off_t)sizeof(zeros);
		*nbytes += sizeof(zeros);
		r = look_before(walk, walk->end, sizeof(zeros), &data, err);
	}
	return r;
}

static int walk_footer(struct back_walk *walk, lzma_stream_flags *flags, struct error *err) {
	const unsigned char *data;
	int r = look_before(walk, walk->end, LZMA_STREAM_HEADER_SIZE, &data, err);

	if (r != TARN_OK)
		return r;
	walk->end -= LZMA_STREAM_HEADER_SIZE;
	if (lzma_stream_footer_decode(flags, data) != LZMA_OK ||
	    flags->backward_size > (lzma_vli)walk->end)
		return TARN_END;
	/* That nobody can verify it is said at its end: it is to be read up to there. */
	if (!lzma_check_is_supported(flags->check))
		return TARN_END;
	return TARN_OK;
}

/*
 * Decode the index of ${nbytes} before the end.  *${index} is the caller's, also after a failure.
 */
static int walk_index(struct back_walk *walk, lzma_index **index, off_t nbytes, struct error *err) {
	lzma_stream *decoder = &walk->decoder;
	/* It may say that it has more records than there is place for. */
	uint64_t limit = lzma_index_memusage(1, (lzma_vli)nbytes / RECORD_NBYTES_MIN);
	off_t left = nbytes;
	lzma_ret coded;
	int r = TARN_OK;

	/* What is left for all indexes together; keep() counts. */
	if (limit > MEMORY_NBYTES - walk->memory_nbytes)
		limit = MEMORY_NBYTES - walk->memory_nbytes;
	coded = lzma_index_decoder(decoder, index, limit);
	/* From its beginning on, a buffer full at a time. */
	while (r == TARN_OK && coded == LZMA_OK && left > 0) {
		size_t n = left < (off_t)sizeof(walk->buf) ? (size_t)left : sizeof(walk->buf);
		r = look_before(walk, walk->end - left + (off_t)n, n, &decoder->next_in, err);
		if (r == TARN_OK) {
			decoder->avail_in = n;
			coded = lzma_code(decoder, LZMA_RUN);
			left -= (off_t)(n - decoder->avail_in);
		}
	}
	walk->end -= nbytes;
	if (r != TARN_OK)
		return r;
	/* An index beyond the limit is, like a damaged one, just not to be had. */
	if (coded == LZMA_MEM_ERROR)
		return err_nomem(err);
	return coded == LZMA_STREAM_END && left == 0 ? TARN_OK : TARN_END;
}

/* Go over the blocks of ${index} and the header that is as ${footer}. */
static int walk_blocks(struct back_walk *walk, const lzma_index *index,
    const lzma_stream_flags *footer, struct error *err) {
	lzma_vli nbytes = lzma_index_total_size(index);
	const unsigned char *data;
	lzma_stream_flags header;
	int r;

	if (nbytes > (lzma_vli)walk->end)
		return TARN_END;
	walk->end -= (off_t)nbytes;
	r = look_before(walk, walk->end, LZMA_STREAM_HEADER_SIZE, &data, err);
	if (r != TARN_OK)
		return r;
	walk->end -= LZMA_STREAM_HEADER_SIZE;
	if (lzma_stream_header_decode(&header, data) != LZMA_OK ||
	    lzma_stream_flags_compare(&header, footer) != LZMA_OK)
		return TARN_END;
	return TARN_OK;
}

/* Keep ${index}, which becomes the walk's if this succeeds. */
static int keep(struct back_walk *walk, lzma_index *index, struct error *err) {
	int r = array_reserve(
	    (void **)&walk->streams, &walk->capacity, walk->n + 1, sizeof(*walk->streams), err);

	if (r != TARN_OK)
		return r;
	/* No more than MEMORY_NBYTES: its decoder had what was left of that as its limit. */
	walk->memory_nbytes += lzma_index_memused(index);
	walk->streams[walk->n++] = index;
	return TARN_OK;
}

static int walk_stream(struct back_walk *walk, struct error *err) {
	lzma_stream_flags flags;
	lzma_index *index = NULL;
	lzma_vli padding;
	int r = walk_padding(walk, &padding, err);

	if (r == TARN_OK)
		r = walk_footer(walk, &flags, err);
	if (r == TARN_OK)
		r = walk_index(walk, &index, (off_t)flags.backward_size, err);
	if (r == TARN_OK)
		r = walk_blocks(walk, index, &flags, err);
	if (r == TARN_OK &&
	    (lzma_index_stream_flags(index, &flags) != LZMA_OK ||
	        lzma_index_stream_padding(index, padding) != LZMA_OK))
		r = TARN_END;
	if (r == TARN_OK)
		r = keep(walk, index, err);
	if (r != TARN_OK)
		lzma_index_end(index, NULL);
	return r;
}

/* Make one index of all, which is the caller's, also after a failure. */
static int join(struct back_walk *walk, lzma_index **index, struct error *err) {
	lzma_ret joined = LZMA_OK;

	*index = walk->streams[--walk->n];
	while (walk->n > 0 && joined == LZMA_OK) {
		joined = lzma_index_cat(*index, walk->streams[walk->n - 1], NULL);
		/* It has gone into the other one; after a failure both are still there. */
		if (joined == LZMA_OK)
			walk->n--;
	}
	if (joined == LZMA_MEM_ERROR)
		return err_nomem(err);
	return joined == LZMA_OK ? TARN_OK : TARN_END;
}

int xz_index_load(lzma_index **index, int fd, off_t base, struct error *err) {
	struct back_walk walk = { .fd = fd, .base = base, .decoder = LZMA_STREAM_INIT };
	struct stat st;
	int r = TARN_OK;

	*index = NULL;
	if (fstat(fd, &st) != 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot stat");
	if (st.st_size <= base)
		return TARN_END;
	walk.end = st.st_size - base;
	while (r == TARN_OK && walk.end > 0)
		r = walk_stream(&walk, err);
	if (r == TARN_OK)
		r = join(&walk, index, err);
	if (r != TARN_OK) {
		lzma_index_end(*index, NULL);
		*index = NULL;
	}
	/* Those that were not joined. */
	while (walk.n > 0)
		lzma_index_end(walk.streams[--walk.n], NULL);
	free(walk.streams);
	lzma_end(&walk.decoder);
	return r;
}
