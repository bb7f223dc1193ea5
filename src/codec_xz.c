#include "config.h"

#include <stdlib.h>

#include "codec_decoder.h"
#include "codec_xz_index.h"
#include "codec_xz_walk.h"

/*
 * The blocks of an .xz file, between what xz_walk reads.  liblzma's own decoder for threads is not
 * used: it cannot begin in the middle of a file, and in versions before 5.8.1 it touches memory
 * that it has freed when it meets damage.  A block is a piece if its sizes stand in its header
 * (xz-file-format, 3.1.3 and 3.1.4), as multi-threaded compressors write them, and are not too
 * large.
 *
 * There are two ways through a block, which meet in xz_walk_end_block: gather() takes it whole
 * without decoding it, and unpack() does that in another thread, with nothing but the piece;
 * decode() decodes it bit by bit as the bytes come.  In both the block's sizes go to the walk,
 * which compares them with the stream's index when that comes.
 */

/* Blocks that need more than xz -9, 65 MiB, are not decoded beside each other. */
#define PIECE_MEMORY_NBYTES ((uint64_t)96 << 20)

struct xz_decoder {
	struct decoder decoder;
	struct xz_walk walk; /* not touched by unpack(), which may run at the same time */
	lzma_stream stream;  /* the block's, while: */
	bool in_block;       /* some of it was decoded; implies that the walk is at XZ_IN_BLOCK */
};

/*
 * Move ${io} and ${stream} on together.  LZMA_RUN does for blocks, which know by themselves where
 * they end; that there is no more input then shows as LZMA_BUF_ERROR, at the second call in vain.
 */
static lzma_ret code(lzma_stream *stream, struct decoder_io *io) {
	lzma_ret r;

	stream->next_in = io->in;
	stream->avail_in = io->in_nbytes;
	stream->next_out = io->out;
	stream->avail_out = io->out_nbytes;
	r = lzma_code(stream, LZMA_RUN);
	io->in = stream->next_in;
	io->in_nbytes = stream->avail_in;
	io->out = stream->next_out;
	io->out_nbytes = stream->avail_out;
	return r;
}

/*
 * Let ${stream} decode ${block}, which must stay where it is meanwhile.  How much memory that takes
 * is up to the header, and so to whoever made the archive: that is looked at before any is taken.
 */
static int begin_block(lzma_stream *stream, lzma_block *block, struct error *err) {
	uint64_t nbytes = lzma_raw_decoder_memusage(block->filters);
	lzma_ret r = LZMA_MEMLIMIT_ERROR;

	if (nbytes <= XZ_MEMORY_NBYTES)
		r = lzma_block_decoder(stream, block);
	/* A chain of filters that liblzma cannot decode. */
	else if (nbytes == UINT64_MAX)
		r = LZMA_OPTIONS_ERROR;
	return r == LZMA_OK ? TARN_OK : xz_error(r, nbytes, err);
}

static int decode_block(struct xz_decoder *xz, struct decoder_io *io, struct error *err) {
	struct xz_walk *walk = &xz->walk;
	lzma_ret r;

	if (!xz->in_block) {
		int began = begin_block(&xz->stream, &walk->block, err);
		if (began != TARN_OK)
			return began;
		xz->in_block = true;
	}
	r = code(&xz->stream, io);
	if (r == LZMA_OK || r == LZMA_BUF_ERROR)
		return r == LZMA_OK ? TARN_OK : decoder_truncated(err);
	if (r != LZMA_STREAM_END)
		return xz_error(r, 0, err);
	xz->in_block = false;
	/* liblzma has filled in the sizes of the block where its header did not say them. */
	return xz_walk_end_block(
	    walk, lzma_block_unpadded_size(&walk->block), walk->block.uncompressed_size, err);
}

static int xz_decode(struct decoder *decoder, struct decoder_io *io, struct error *err) {
	struct xz_decoder *xz = (struct xz_decoder *)decoder;
	int r = TARN_OK;

	if (xz->walk.place != XZ_IN_BLOCK) {
		/* By the decoder's contract this is the end of the input. */
		if (io->in_nbytes == 0)
			return xz_walk_end(&xz->walk, err);
		r = xz_walk(&xz->walk, &io->in, &io->in_nbytes, err);
	}
	return r == TARN_OK && xz->walk.place == XZ_IN_BLOCK ? decode_block(xz, io, err) : r;
}

static bool is_piece(const lzma_block *block) {
	return block->compressed_size != LZMA_VLI_UNKNOWN &&
	    block->compressed_size <= DECODER_PIECE_NBYTES_MAX &&
	    block->uncompressed_size != LZMA_VLI_UNKNOWN &&
	    block->uncompressed_size <= DECODER_PIECE_NBYTES_MAX &&
	    lzma_raw_decoder_memusage(block->filters) <= PIECE_MEMORY_NBYTES;
}

/*
 * Take what ${io} has of the block.  liblzma refuses a compressed size of 0, so that total is more
 * than the header; is_piece() bounds it.
 */
static int gather_block(
    struct xz_walk *walk, struct decoder_io *io, struct packed_piece *piece, struct error *err) {
	size_t total = (size_t)lzma_block_total_size(&walk->block), n;
	int r = TARN_OK;

	/* The walk has taken it off the input already; unpack() reads it once more. */
	if (piece->in_nbytes == 0)
		r = packed_piece_add(piece, walk->head, walk->nhead, err);
	n = total - piece->in_nbytes < io->in_nbytes ? total - piece->in_nbytes : io->in_nbytes;
	if (r == TARN_OK)
		r = packed_piece_add(piece, io->in, n, err);
	io->in += n;
	io->in_nbytes -= n;
	piece->out_nbytes = (size_t)walk->block.uncompressed_size;
	piece->check = (int)walk->flags.check;
	piece->is_whole = piece->in_nbytes == total || (io->in_nbytes == 0 && io->in_ends);
	/* The walk stays in a block that is cut short: there is nothing behind it. */
	if (r == TARN_OK && piece->in_nbytes == total)
		r = xz_walk_end_block(walk, lzma_block_unpadded_size(&walk->block),
		    walk->block.uncompressed_size, err);
	return r;
}

static int xz_gather(
    struct decoder *decoder, struct decoder_io *io, struct packed_piece *piece, struct error *err) {
	struct xz_walk *walk = &((struct xz_decoder *)decoder)->walk;
	int r = xz_walk(walk, &io->in, &io->in_nbytes, err);

	if (r != TARN_OK)
		return r;
	if (walk->place == XZ_IN_BLOCK)
		return is_piece(&walk->block) ? gather_block(walk, io, piece, err) : TARN_END;
	if (io->in_ends)
		return xz_walk_end(walk, err);
	return TARN_OK;
}

static int xz_unpack(struct packed_piece *piece, struct error *err) {
	/* An empty list, so that it can be freed also when the header cannot be decoded. */
	lzma_filter filters[LZMA_FILTERS_MAX + 1] = { { .id = LZMA_VLI_UNKNOWN } };
	lzma_stream stream = LZMA_STREAM_INIT;
	size_t room = piece->out_nbytes;
	lzma_block block = {
		.header_size = lzma_block_header_size_decode(piece->in[0]),
		.check = (lzma_check)piece->check,
		.filters = filters,
	};
	struct decoder_io io = {
		.in = piece->in + block.header_size,
		.in_nbytes = piece->in_nbytes - block.header_size,
		.out = piece->out,
		.out_nbytes = room,
	};
	int r;

	piece->out_nbytes = 0;
	/* That it can be decoded was seen when it was gathered; memory may be short. */
	if (lzma_block_header_decode(&block, NULL, piece->in) != LZMA_OK)
		return err_nomem(err);
	r = begin_block(&stream, &block, err);
	if (r == TARN_OK) {
		/*
		 * No more can come out than is said in the header: liblzma takes that for damage.
		 */
		lzma_ret coded = code(&stream, &io);
		while (coded == LZMA_OK)
			coded = code(&stream, &io);
		if (coded == LZMA_BUF_ERROR)
			r = decoder_truncated(err);
		else if (coded != LZMA_STREAM_END)
			r = xz_error(coded, 0, err);
		/*
		 * What was cut short is good up to there; of what is damaged nothing is known to
		 * be.
		 */
		if (r == TARN_OK ||
		    (coded == LZMA_BUF_ERROR && piece->in_nbytes < lzma_block_total_size(&block)))
			piece->out_nbytes = room - io.out_nbytes;
	}
	lzma_end(&stream);
	lzma_filters_free(filters, NULL);
	return r;
}

static void xz_free(struct decoder *decoder) {
	struct xz_decoder *xz = (struct xz_decoder *)decoder;

	lzma_end(&xz->stream);
	xz_walk_fini(&xz->walk);
	free(xz);
}

int decoder_xz_new(struct decoder **decoder, struct error *err) {
	return decoder_xz_new_at(decoder, NULL, err);
}

int decoder_xz_new_at(struct decoder **decoder, const lzma_index_iter *block, struct error *err) {
	struct xz_decoder *xz = calloc(1, sizeof(*xz));
	int r;

	if (xz == NULL)
		return err_nomem(err);
	xz->stream = (lzma_stream)LZMA_STREAM_INIT;
	/* From now on xz_free is legal, whatever fails. */
	xz->decoder = (struct decoder){ xz_decode, xz_gather, xz_unpack, xz_free };
	r = block == NULL ? xz_walk_init(&xz->walk, err) : xz_walk_init_at(&xz->walk, block, err);
	if (r != TARN_OK)
		xz_free(&xz->decoder);
	else
		*decoder = &xz->decoder;
	return r;
}
