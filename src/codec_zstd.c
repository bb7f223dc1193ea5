#include "config.h"

#include "codec_decoder.h"

#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

/*
 * libzstd, frame by frame; skippable frames give nothing.  The library's own limit for the window,
 * 128 MiB, stays: zstd -d has the same one.
 */

struct zstd_decoder {
	struct decoder decoder;
	ZSTD_DCtx *context;
	bool in_frame;
};

static int zstd_decode(struct decoder *decoder, struct decoder_io *io, struct error *err) {
	struct zstd_decoder *zstd = (struct zstd_decoder *)decoder;
	ZSTD_inBuffer in = { io->in, io->in_nbytes, 0 };
	ZSTD_outBuffer out = { io->out, io->out_nbytes, 0 };

	if (!zstd->in_frame && io->in_nbytes == 0) {
		return TARN_END;
	}
	size_t r = ZSTD_decompressStream(zstd->context, &out, &in);
	io->in += in.pos;
	io->in_nbytes -= in.pos;
	io->out += out.pos;
	io->out_nbytes -= out.pos;

	if (ZSTD_isError(r)) {
		if (ZSTD_getErrorCode(r) == ZSTD_error_memory_allocation) {
			return err_nomem(err);
		}
		return err_set(err, TARN_EFORMAT, 0, "Damaged zstd data: %s", ZSTD_getErrorName(r));
	}
	zstd->in_frame = r != 0;
	if (zstd->in_frame && in.pos == 0 && out.pos == 0) {
		return decoder_truncated(err);
	}
	return TARN_OK;
}

static void zstd_free(struct decoder *decoder) {
	struct zstd_decoder *zstd = (struct zstd_decoder *)decoder;

	ZSTD_freeDCtx(zstd->context);
	free(zstd);
}

int decoder_zstd_new(struct decoder **decoder, struct error *err) {
	struct zstd_decoder *zstd = calloc(1, sizeof(*zstd));

	if (zstd == NULL || (zstd->context = ZSTD_createDCtx()) == NULL) {
		free(zstd);
		return err_nomem(err);
	}
	zstd->decoder = (struct decoder){ zstd_decode, zstd_free };
	*decoder = &zstd->decoder;
	return TARN_OK;
}
