#include "config.h"

#include "codec_decoder.h"

#include <lzma.h>
#include <stdint.h>
#include <stdlib.h>

/*
 * liblzma, which tells .xz, .lzma and .lz apart by itself and verifies what each of them has:
 * the check of every block and the index of .xz, the CRC and sizes of .lz, nothing in .lzma.
 */

/* xz -9 needs 65 MiB; a header that asks for more than this is not served. */
#define XZ_MEMORY_NBYTES ((uint64_t)1024 * 1024 * 1024)

struct xz_decoder {
	struct decoder decoder;
	lzma_stream stream;
};

static int xz_decode(struct decoder *decoder, struct decoder_io *io, struct error *err) {
	lzma_stream *stream = &((struct xz_decoder *)decoder)->stream;

	stream->next_in = io->in;
	stream->avail_in = io->in_nbytes;
	stream->next_out = io->out;
	stream->avail_out = io->out_nbytes;
	lzma_ret r = lzma_code(stream, io->in_ends ? LZMA_FINISH : LZMA_RUN);
	io->in = stream->next_in;
	io->in_nbytes = stream->avail_in;
	io->out = stream->next_out;
	io->out_nbytes = stream->avail_out;

	switch (r) {
	case LZMA_OK:
		return TARN_OK;
	case LZMA_STREAM_END:
		return TARN_END;
	case LZMA_BUF_ERROR:
		return decoder_truncated(err);
	case LZMA_MEM_ERROR:
		return err_nomem(err);
	case LZMA_MEMLIMIT_ERROR:
		return err_set(err, TARN_EFORMAT, 0,
		    "xz data that needs %ju MiB to be decompressed",
		    (uintmax_t)(lzma_memusage(stream) >> 20));
	case LZMA_OPTIONS_ERROR:
		return err_set(err, TARN_EFORMAT, 0, "xz data with unknown features");
	default:
		return err_set(err, TARN_EFORMAT, 0, "Damaged xz data");
	}
}

static void xz_free(struct decoder *decoder) {
	struct xz_decoder *xz = (struct xz_decoder *)decoder;

	lzma_end(&xz->stream);
	free(xz);
}

int decoder_xz_new(struct decoder **decoder, struct error *err) {
	struct xz_decoder *xz = calloc(1, sizeof(*xz));

	if (xz == NULL) {
		return err_nomem(err);
	}
	xz->stream = (lzma_stream)LZMA_STREAM_INIT;
	if (lzma_auto_decoder(&xz->stream, XZ_MEMORY_NBYTES, LZMA_CONCATENATED) != LZMA_OK) {
		free(xz);
		return err_nomem(err);
	}
	xz->decoder = (struct decoder){ xz_decode, xz_free };
	*decoder = &xz->decoder;
	return TARN_OK;
}
