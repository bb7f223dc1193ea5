#include "config.h"

#include "codec_decoder.h"

#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "codec_zstd_frame.h"

/*
 * libzstd, frame by frame; skippable frames give nothing.  The library's own limit for the window,
 * 128 MiB, stays when a frame is decoded in a row: zstd -d has the same one.
 *
 * A frame is a piece if it can be walked over, and is not too large.  That may turn out only in the
 * middle of it, as it need not say how large it is: what was gathered by then is decoded first.
 * From there on all of the file is decoded in a row.
 *
 * A piece is decoded to where it stays, so that its window, however large, takes no memory; where
 * salvage() has to look at it again, the limit is the same.
 *
 * gather() needs nothing of libzstd's context, which is for decode(), nor does unpack(): that makes
 * one of its own in whichever thread it runs.
 */

struct zstd_decoder {
	struct decoder decoder;
	ZSTD_DCtx *context;      /* of decode() */
	bool in_frame;           /* decode() has begun one, and not come to its end */
	struct zstd_frame frame; /* that is being gathered */
	bool has_begun;          /* and bytes of it came */
	unsigned char *gathered; /* to be decoded before all other input; NULL: nothing */
	size_t at, ngathered;    /* equal when all of it was */
};

static int zstd_error(size_t code, struct error *err) {
	if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation)
		return err_nomem(err);
	if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge)
		return err_set(err, TARN_EFORMAT, 0,
		    "zstd data with a window above 128 MiB; -I 'zstd --long=31' reads it");
	return err_set(err, TARN_EFORMAT, 0, "Damaged zstd data: %s", ZSTD_getErrorName(code));
}

/*
 * Decode some of ${io}, which may be what was gathered: only ${in_ends} says that nothing follows.
 */
static int decode_from(
    struct zstd_decoder *zstd, struct decoder_io *io, bool in_ends, struct error *err) {
	ZSTD_inBuffer in = { io->in, io->in_nbytes, 0 };
	ZSTD_outBuffer out = { io->out, io->out_nbytes, 0 };

	if (!zstd->in_frame && io->in_nbytes == 0)
		return in_ends ? TARN_END : TARN_OK;
	size_t r = ZSTD_decompressStream(zstd->context, &out, &in);
	io->in += in.pos;
	io->in_nbytes -= in.pos;
	io->out += out.pos;
	io->out_nbytes -= out.pos;

	if (ZSTD_isError(r))
		return zstd_error(r, err);
	/* A hint how much is wanted next; 0 is the end of a frame, all of which was put out. */
	zstd->in_frame = r != 0;
	if (zstd->in_frame && in.pos == 0 && out.pos == 0 && in_ends)
		return decoder_truncated(err);
	return TARN_OK;
}

static int zstd_decode(struct decoder *decoder, struct decoder_io *io, struct error *err) {
	struct zstd_decoder *zstd = (struct zstd_decoder *)decoder;
	struct decoder_io first = *io;
	int r;

	if (zstd->at == zstd->ngathered)
		return decode_from(zstd, io, io->in_ends, err);
	first.in = zstd->gathered + zstd->at;
	first.in_nbytes = zstd->ngathered - zstd->at;
	r = decode_from(zstd, &first, false, err);
	zstd->at = zstd->ngathered - first.in_nbytes;
	io->out = first.out;
	io->out_nbytes = first.out_nbytes;
	return r;
}

/*
 * What has been gathered of the frame shows that it is no piece.  Its own word of its size is not
 * enough: bound is what its blocks can give, whatever it says.
 */
static bool is_no_piece(const struct zstd_frame *frame, const struct packed_piece *piece) {
	return frame->bound > DECODER_PIECE_NBYTES_MAX ||
	    piece->in_nbytes > DECODER_PIECE_NBYTES_MAX ||
	    (frame->content_nbytes != ZSTD_CONTENTSIZE_UNKNOWN &&
	        frame->content_nbytes > DECODER_PIECE_NBYTES_MAX);
}

/* Take what ${io} has of the frame. */
static int gather_some(struct zstd_decoder *zstd, struct decoder_io *io, struct packed_piece *piece,
    struct error *err) {
	size_t n = zstd_frame_walk(&zstd->frame, io->in, io->in_nbytes);
	int r = TARN_OK;

	if (!zstd->frame.is_skippable)
		r = packed_piece_add(piece, io->in, n, err);
	io->in += n;
	io->in_nbytes -= n;
	zstd->has_begun = true;
	return r;
}

/* A skippable frame is passed over as it comes; it can be as large as it likes. */
static int zstd_gather(
    struct decoder *decoder, struct decoder_io *io, struct packed_piece *piece, struct error *err) {
	struct zstd_decoder *zstd = (struct zstd_decoder *)decoder;
	struct zstd_frame *frame = &zstd->frame;
	int r = TARN_OK;

	while (r == TARN_OK && !piece->is_whole && io->in_nbytes > 0) {
		if (!zstd->has_begun)
			zstd_frame_begin(frame);
		r = gather_some(zstd, io, piece, err);
		if (r == TARN_OK && is_no_piece(frame, piece)) {
			zstd->gathered = piece->in;
			zstd->ngathered = piece->in_nbytes;
			*piece = (struct packed_piece){ .out = piece->out };
			return TARN_END;
		}
		/* The first bytes of one may have come before its magic number was complete. */
		if (frame->is_skippable)
			piece->in_nbytes = 0;
		/* Why it is a bad one the decoder says. */
		if (frame->state != ZSTD_FRAME_OPEN) {
			piece->is_whole = !frame->is_skippable;
			zstd->has_begun = false;
		}
	}
	if (r == TARN_OK && !piece->is_whole && io->in_ends) {
		if (!zstd->has_begun)
			return TARN_END;
		if (frame->is_skippable)
			return decoder_truncated(err);
		/* Its beginning is good. */
		piece->is_whole = true;
	}
	/* With room for a byte more, as there is none where there is damage. */
	piece->out_nbytes = 1 +
	    (size_t)(frame->content_nbytes < frame->bound ? frame->content_nbytes : frame->bound);
	return r;
}

/*
 * Say what the damage is, and decode what is there of a frame that was cut short.  Of one that is
 * not what its checksum says, or that cannot be decoded, nothing is known to be good.
 */
static int salvage(struct packed_piece *piece, struct error *err) {
	ZSTD_DCtx *context = ZSTD_createDCtx();
	ZSTD_inBuffer in = { piece->in, piece->in_nbytes, 0 };
	ZSTD_outBuffer out = { piece->out, piece->out_capacity, 0 };
	size_t r = 1;

	piece->out_nbytes = 0;
	if (context == NULL)
		return err_nomem(err);
	/* There is room for all, so that without more input nothing more comes out. */
	while (r != 0 && !ZSTD_isError(r) && in.pos < in.size && out.pos < out.size)
		r = ZSTD_decompressStream(context, &out, &in);
	ZSTD_freeDCtx(context);
	if (!ZSTD_isError(r) && in.pos == in.size)
		piece->out_nbytes = out.pos;
	if (ZSTD_isError(r))
		return zstd_error(r, err);
	if (in.pos < in.size)
		return err_set(err, TARN_EFORMAT, 0, "Damaged zstd data: wrong size");
	return r == 0 ? TARN_OK : decoder_truncated(err);
}

/*
 * The case that counts, by the fastest way there is; what went wrong is found out by another one.
 */
static int zstd_unpack(struct packed_piece *piece, struct error *err) {
	size_t n = ZSTD_decompress(piece->out, piece->out_capacity, piece->in, piece->in_nbytes);

	if (ZSTD_isError(n))
		return salvage(piece, err);
	piece->out_nbytes = n;
	return TARN_OK;
}

static void zstd_free(struct decoder *decoder) {
	struct zstd_decoder *zstd = (struct zstd_decoder *)decoder;

	ZSTD_freeDCtx(zstd->context);
	free(zstd->gathered);
	free(zstd);
}

int decoder_zstd_new(struct decoder **decoder, struct error *err) {
	struct zstd_decoder *zstd = calloc(1, sizeof(*zstd));

	if (zstd == NULL || (zstd->context = ZSTD_createDCtx()) == NULL) {
		free(zstd);
		return err_nomem(err);
	}
	zstd->decoder = (struct decoder){ zstd_decode, zstd_gather, zstd_unpack, zstd_free };
	*decoder = &zstd->decoder;
	return TARN_OK;
}
