#include "config.h"

#include "codec_xz_walk.h"

#include <string.h>

#include "codec_decoder.h"

/*
 * Reading an .xz file from one part to the next; codec_xz.c decodes the blocks between them.  Each
 * part is gathered until it is complete, and then looked at; only the index, which can be large, is
 * compared as it comes.
 *
 * What the blocks were is kept as a hash of their sizes, which is compared with that of the index:
 * so memory does not grow with the file.  That a block is missing, doubled or cut is seen at the
 * end of its stream.
 *
 * The walk_ functions consume at least a byte or change the place, unless they fail; with less than
 * they need they keep what there is in walk->head, and are called again.
 */

/* The list of filters is empty then, so that it can be freed at any time. */
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

	/*
	 * They are those of the footer: it says how long the index is that is going to be passed
	 * over.
	 */
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

int liblzma_error(const char *format, lzma_ret r, uint64_t memory_nbytes, struct error *err) {
	switch (r) {
	case LZMA_MEM_ERROR:
		return err_nomem(err);
	case LZMA_MEMLIMIT_ERROR:
		return err_set(err, TARN_EFORMAT, 0,
		    "%s data that needs %ju MiB to be decompressed", format,
		    (uintmax_t)(memory_nbytes >> 20));
	case LZMA_OPTIONS_ERROR:
		return err_set(err, TARN_EFORMAT, 0, "%s data with unknown features", format);
	default:
		return err_set(err, TARN_EFORMAT, 0, "Damaged %s data", format);
	}
}

int xz_error(lzma_ret r, uint64_t memory_nbytes, struct error *err) {
	return liblzma_error("xz", r, memory_nbytes, err);
}

/*
 * Gather up to ${wanted} bytes in all, at most LZMA_BLOCK_HEADER_SIZE_MAX; true when they are
 * there.  They stay until nhead is set to 0.
 */
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

/* A stream's header, or behind another stream four bytes of padding (xz-file-format, 2.2). */
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
	/* The four bytes that are no padding are the first of it. */
	if (!gather(walk, in, nbytes, LZMA_STREAM_HEADER_SIZE))
		return LZMA_OK;
	r = lzma_stream_header_decode(&walk->flags, walk->head);
	if (r == LZMA_OK && !lzma_check_is_supported(walk->flags.check))
		walk->is_unverified = true;
	walk->nhead = 0;
	walk->place = XZ_BEFORE_BLOCK;
	return r;
}

/*
 * The first byte is the size of the block's header, or 0 for the index (xz-file-format, 3.1.1,
 * 4.1), which has to be left there: it is a part of the index.  The header stays in walk->head, for
 * who wants the block as a whole.
 */
static lzma_ret walk_block(struct xz_walk *walk, const unsigned char **in, size_t *nbytes) {
	lzma_block *block = &walk->block;
	lzma_ret r;

	if (walk->nhead == 0 && **in == 0) {
		walk->place = XZ_IN_INDEX;
		return LZMA_OK;
	}
	/* Done once more when the rest comes, with the same result: there is no state for it. */
	gather(walk, in, nbytes, 1);
	*block = (lzma_block){
		.header_size = lzma_block_header_size_decode(walk->head[0]),
		.check = walk->flags.check,
		.filters = walk->filters,
	};
	if (!gather(walk, in, nbytes, block->header_size))
		return LZMA_OK;
	/* Those of the block before: the options are allocated. */
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
		/* For the footer, which has to say the same (xz-file-format, 2.1.2.2). */
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
	/* Of memory that is there already: this cannot fail. */
	walk->hash = lzma_index_hash_init(walk->hash, NULL);
	return r;
}

int xz_walk(struct xz_walk *walk, const unsigned char **in, size_t *nbytes, struct error *err) {
	lzma_ret r = LZMA_OK;

	/* Without input nothing happens: a part that is cut short is for xz_walk_end to see. */
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
	/* It refuses sizes that no index could have. */
	lzma_ret r = lzma_index_hash_append(walk->hash, unpadded_nbytes, plain_nbytes);

	walk->nhead = 0;
	walk->place = XZ_BEFORE_BLOCK;
	return r == LZMA_OK ? TARN_OK : xz_error(r, 0, err);
}

int xz_walk_end(const struct xz_walk *walk, struct error *err) {
	if (walk->place != XZ_BEFORE_STREAM || walk->nhead > 0)
		return decoder_truncated(err);
	if (walk->is_unverified)
		return err_set(
		    err, TARN_EFORMAT, 0, "xz data with an unknown kind of check was not verified");
	return TARN_END;
}
