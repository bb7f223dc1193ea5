#include "config.h"

#include "codec_xz_walk.h"

#include <string.h>

/*
 * Each part is gathered until it is complete, and then looked at; only the index, which can be
 * large, is compared as it comes.
 */

static void begin(struct xz_walk *walk) {
	*walk = (struct xz_walk){ 0 };
	walk->filters[0].id = LZMA_VLI_UNKNOWN;
}

int xz_walk_init(struct xz_walk *walk, struct error *err) {
	begin(walk);
	walk->hash = lzma_index_hash_init(NULL, NULL);
	return walk->hash != NULL ? TARN_OK : err_nomem(err);
}

int xz_walk_init_at(struct xz_walk *walk, const lzma_index_iter *block, struct error *err) {
	int r = xz_walk_init(walk, err);

	walk->flags = *block->stream.flags;
	walk->place = XZ_BEFORE_BLOCK;
	walk->index_left = walk->flags.backward_size;
	return r;
}

void xz_walk_fini(struct xz_walk *walk) {
	lzma_index_hash_end(walk->hash, NULL);
	lzma_filters_free(walk->filters, NULL);
	begin(walk);
}

int xz_error(lzma_ret r, uint64_t memory_nbytes, struct error *err) {
	switch (r) {
	case LZMA_MEM_ERROR:
		return err_nomem(err);
	case LZMA_MEMLIMIT_ERROR:
		return err_set(err, TARN_EFORMAT, 0,
		    "xz data that needs %ju MiB to be decompressed",
		    (uintmax_t)(memory_nbytes >> 20));
	case LZMA_OPTIONS_ERROR:
		return err_set(err, TARN_EFORMAT, 0, "xz data with unknown features");
	default:
		return err_set(err, TARN_EFORMAT, 0, "Damaged xz data");
	}
}

/* Gather up to ${wanted} bytes; true when they are there. */
static bool gather(struct xz_walk *walk, const unsigned char **in, size_t *nbytes, size_t wanted) {
	size_t n = wanted > walk->nhead ? wanted - walk->nhead : 0;

	if (n > *nbytes)
		n = *nbytes;
	memcpy(walk->head + walk->nhead, *in, n);
	walk->nhead += n;
	*in += n;
	*nbytes -= n;
	return walk->nhead >= wanted;
}

static lzma_ret walk_header(struct xz_walk *walk, const unsigned char **in, size_t *nbytes) {
	static const unsigned char zeros[4];
	lzma_ret r;

	if (walk->is_behind_stream) {
		if (!gather(walk, in, nbytes, sizeof(zeros)))
			return LZMA_OK;
		if (memcmp(walk->head, zeros, sizeof(zeros)) == 0) {
			walk->nhead = 0;
			return LZMA_OK;
		}
	}
	if (!gather(walk, in, nbytes, LZMA_STREAM_HEADER_SIZE))
		return LZMA_OK;
	r = lzma_stream_header_decode(&walk->flags, walk->head);
	walk->nhead = 0;
	walk->place = XZ_BEFORE_BLOCK;
	return r;
}

/* The first byte is the size of the block's header, or none for the index. */
static lzma_ret walk_block(struct xz_walk *walk, const unsigned char **in, size_t *nbytes) {
	lzma_block *block = &walk->block;
	lzma_ret r;

	if (walk->nhead == 0 && **in == 0) {
		walk->place = XZ_IN_INDEX;
		return LZMA_OK;
	}
	gather(walk, in, nbytes, 1);
	*block = (lzma_block){
		.header_size = lzma_block_header_size_decode(walk->head[0]),
		.check = walk->flags.check,
		.filters = walk->filters,
	};
	if (!gather(walk, in, nbytes, block->header_size))
		return LZMA_OK;
	lzma_filters_free(walk->filters, NULL);
	r = lzma_block_header_decode(block, NULL, walk->head);
	walk->place = XZ_IN_BLOCK;
	return r;
}

/* What was found by its index, of which not all blocks come by, needs no other look at that. */
static lzma_ret walk_index(struct xz_walk *walk, const unsigned char **in, size_t *nbytes) {
	size_t done = 0;
	lzma_ret r;

	if (walk->index_left > 0) {
		done = walk->index_left < *nbytes ? (size_t)walk->index_left : *nbytes;
		walk->index_left -= done;
		r = walk->index_left > 0 ? LZMA_OK : LZMA_STREAM_END;
	} else {
		r = lzma_index_hash_decode(walk->hash, *in, &done, *nbytes);
		walk->flags.backward_size = lzma_index_hash_size(walk->hash);
	}
	*in += done;
	*nbytes -= done;
	if (r != LZMA_STREAM_END)
		return r;
	walk->place = XZ_IN_FOOTER;
	return LZMA_OK;
}

static lzma_ret walk_footer(struct xz_walk *walk, const unsigned char **in, size_t *nbytes) {
	lzma_stream_flags footer;
	lzma_ret r;

	if (!gather(walk, in, nbytes, LZMA_STREAM_HEADER_SIZE))
		return LZMA_OK;
	r = lzma_stream_footer_decode(&footer, walk->head);
	if (r == LZMA_OK)
		r = lzma_stream_flags_compare(&walk->flags, &footer);
	walk->nhead = 0;
	walk->place = XZ_BEFORE_STREAM;
	walk->is_behind_stream = true;
	walk->hash = lzma_index_hash_init(walk->hash, NULL);
	return r;
}

int xz_walk(struct xz_walk *walk, const unsigned char **in, size_t *nbytes, struct error *err) {
	lzma_ret r = LZMA_OK;

	while (*nbytes > 0 && walk->place != XZ_IN_BLOCK && r == LZMA_OK) {
		switch (walk->place) {
		case XZ_BEFORE_STREAM:
			r = walk_header(walk, in, nbytes);
			break;
		case XZ_BEFORE_BLOCK:
			r = walk_block(walk, in, nbytes);
			break;
		case XZ_IN_INDEX:
			r = walk_index(walk, in, nbytes);
			break;
		case XZ_IN_FOOTER:
			r = walk_footer(walk, in, nbytes);
			break;
		case XZ_IN_BLOCK:
			break;
		}
	}
	return r == LZMA_OK ? TARN_OK : xz_error(r, 0, err);
}

int xz_walk_end_block(
    struct xz_walk *walk, lzma_vli unpadded_nbytes, lzma_vli plain_nbytes, struct error *err) {
	lzma_ret r = lzma_index_hash_append(walk->hash, unpadded_nbytes, plain_nbytes);

	walk->nhead = 0;
	walk->place = XZ_BEFORE_BLOCK;
	return r == LZMA_OK ? TARN_OK : xz_error(r, 0, err);
}

bool xz_walk_may_end(const struct xz_walk *walk) {
	return walk->place == XZ_BEFORE_STREAM && walk->nhead == 0;
}
