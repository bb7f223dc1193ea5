#include "config.h"

#include <lzma.h>
#include <stdlib.h>

#include "codec_decoder.h"
#include "codec_xz_walk.h"

/*
 * liblzma, which verifies what each of the two has: the CRC and sizes of .lz.  In .lzma there is no
 * checksum, so that damage can go unnoticed.
 *
 * Neither has an index.  Where a member of .lz begins is known only from the end of the file on, so
 * that there are no pieces: all is decoded in a row.
 *
 * What follows the members of .lz and is none is no part of them, as its specification has it.
 * .lzma knows nothing of the kind: there it is an error.
 */

struct lzma_decoder {
	struct decoder decoder;
	lzma_stream stream;
	bool is_alone; /* .lzma: nothing may follow */
	bool has_all;
};

/* What the call of liblzma said becomes what a decoder says. */
static int judge(
    struct lzma_decoder *lzma, lzma_ret r, const struct decoder_io *io, struct error *err) {
	const char *format = lzma->is_alone ? "lzma" : "lzip";

	switch (r) {
	case LZMA_OK:
		return TARN_OK;
	case LZMA_STREAM_END:
		lzma->has_all = true;
		if (!lzma->is_alone || (io->in_nbytes == 0 && io->in_ends))
			return TARN_END;
		return io->in_nbytes == 0 ? TARN_OK :
		                            liblzma_error(format, LZMA_DATA_ERROR, 0, err);
	/* There is always room, so that what it lacks is input. */
	case LZMA_BUF_ERROR:
		return decoder_truncated(err);
	default:
		return liblzma_error(format, r, lzma_memusage(&lzma->stream), err);
	}
}

static int lzma_decode(struct decoder *decoder, struct decoder_io *io, struct error *err) {
	struct lzma_decoder *lzma = (struct lzma_decoder *)decoder;
	lzma_stream *stream = &lzma->stream;

	if (lzma->has_all)
		return judge(lzma, LZMA_STREAM_END, io, err);
	stream->next_in = io->in;
	stream->avail_in = io->in_nbytes;
	stream->next_out = io->out;
	stream->avail_out = io->out_nbytes;
	/*
	 * With LZMA_CONCATENATED, only LZMA_FINISH lets it say LZMA_STREAM_END at the end of the
	 * input.
	 */
	lzma_ret r = lzma_code(stream, io->in_ends ? LZMA_FINISH : LZMA_RUN);
	io->in = stream->next_in;
	io->in_nbytes = stream->avail_in;
	io->out = stream->next_out;
	io->out_nbytes = stream->avail_out;
	return judge(lzma, r, io, err);
}

static void lzma_free(struct decoder *decoder) {
	struct lzma_decoder *lzma = (struct lzma_decoder *)decoder;

	lzma_end(&lzma->stream);
	free(lzma);
}

static int new_decoder(struct decoder **decoder, bool is_alone, struct error *err) {
	struct lzma_decoder *lzma = calloc(1, sizeof(*lzma));
	lzma_ret r = LZMA_MEM_ERROR;

	if (lzma != NULL) {
		lzma->decoder = (struct decoder){ .decode = lzma_decode, .free = lzma_free };
		lzma->stream = (lzma_stream)LZMA_STREAM_INIT;
		lzma->is_alone = is_alone;
		r = is_alone ?
		    lzma_alone_decoder(&lzma->stream, XZ_MEMORY_NBYTES) :
		    lzma_lzip_decoder(&lzma->stream, XZ_MEMORY_NBYTES, LZMA_CONCATENATED);
	}
	if (r != LZMA_OK) {
		free(lzma);
		return err_nomem(err);
	}
	*decoder = &lzma->decoder;
	return TARN_OK;
}

int decoder_lzma_new(struct decoder **decoder, struct error *err) {
	return new_decoder(decoder, true, err);
}

int decoder_lzip_new(struct decoder **decoder, struct error *err) {
	return new_decoder(decoder, false, err);
}
