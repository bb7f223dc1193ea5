#include "config.h"

#include <lzma.h>
#include <stdlib.h>

#include "codec_decoder.h"
#include "codec_xz_walk.h"

/*
 * liblzma, which tells .lzma and .lz apart by itself and verifies what each of them has: the CRC
 * and sizes of .lz.  In .lzma there is no checksum, so that damage can go unnoticed.
 *
 * Neither has an index.  Where a member of .lz begins is known only from the end of the file on, so
 * that there are no pieces: all is decoded in a row.
 */

struct lzma_decoder {
	struct decoder decoder;
	lzma_stream stream;
	const char *format; /* what liblzma takes the data for */
};

static int lzma_decode(struct decoder *decoder, struct decoder_io *io, struct error *err) {
	struct lzma_decoder *lzma = (struct lzma_decoder *)decoder;
	lzma_stream *stream = &lzma->stream;

	/* By the first byte of the magic number "LZIP": codec_detect takes no .lzma with that. */
	if (stream->total_in == 0 && io->in_nbytes > 0)
		lzma->format = *io->in == 'L' ? "lzip" : "lzma";
	stream->next_in = io->in;
	stream->avail_in = io->in_nbytes;
	stream->next_out = io->out;
	stream->avail_out = io->out_nbytes;
	/* With LZMA_CONCATENATED, only LZMA_FINISH lets it say LZMA_STREAM_END. */
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
	/* There is always room, so that what it lacks is input. */
	case LZMA_BUF_ERROR:
		return decoder_truncated(err);
	default:
		return liblzma_error(lzma->format, r, lzma_memusage(stream), err);
	}
}

static void lzma_free(struct decoder *decoder) {
	struct lzma_decoder *lzma = (struct lzma_decoder *)decoder;

	lzma_end(&lzma->stream);
	free(lzma);
}

int decoder_lzma_new(struct decoder **decoder, struct error *err) {
	struct lzma_decoder *lzma = calloc(1, sizeof(*lzma));

	if (lzma == NULL)
		return err_nomem(err);
	lzma->stream = (lzma_stream)LZMA_STREAM_INIT;
	lzma->format = "lzma";
	/* It would take .xz, too, but codec_detect sends that to decoder_xz_new. */
	if (lzma_auto_decoder(&lzma->stream, XZ_MEMORY_NBYTES, LZMA_CONCATENATED) != LZMA_OK) {
		free(lzma);
		return err_nomem(err);
	}
	lzma->decoder = (struct decoder){ .decode = lzma_decode, .free = lzma_free };
	*decoder = &lzma->decoder;
	return TARN_OK;
}
