#include "config.h"

#include <lzma.h>
#include <stdlib.h>

#include "codec_level.h"
#include "codec_pieces.h"

/*
 * The format of pieces_encoder for .xz: a block for each piece, with its sizes in its header so
 * that decoders can use threads, too; all in one stream, the index of which is gathered on the way.
 * That is what xz -T writes, but liblzma's encoder for threads can neither go on in a stream that
 * exists, nor take blocks of another file as they are.
 *
 * xz_pack is called by several threads at a time.  It only reads from the format.
 */

struct xz_format {
	struct piece_format format;
	lzma_options_lzma options; /* filters[0] points to it */
	lzma_filter filters[2];    /* LZMA2, and the end of the list */
	lzma_index *index;         /* of what is in the file, or in the stream of it that goes on */
};

static int xz_pack(
    struct piece_format *format, struct piece *piece, unsigned int worker, struct error *err) {
	struct xz_format *f = (struct xz_format *)format;
	lzma_block block = { .check = (lzma_check)format->check, .filters = f->filters };
	size_t n = 0;
	lzma_ret r;

	(void)worker;
	/*
	 * It stores what cannot be compressed, so that packed_nbytes_max, its own bound, is enough.
	 */
	r = lzma_block_buffer_encode(&block, NULL, piece->plain, piece->plain_nbytes, piece->packed,
	    &n, piece->packed_nbytes);
	if (r != LZMA_OK)
		return r == LZMA_MEM_ERROR ? err_nomem(err) :
		                             err_set(err, TARN_ENOMEM, 0, "xz: error %d", (int)r);
	piece->packed_nbytes = n;
	piece->unpadded_nbytes = (size_t)lzma_block_unpadded_size(&block);
	return TARN_OK;
}

static int xz_note(struct piece_format *format, const struct piece *piece, struct error *err) {
	struct xz_format *f = (struct xz_format *)format;

	/* Beyond memory there is the limit of the format, which is that of off_t. */
	if (lzma_index_append(f->index, NULL, piece->unpadded_nbytes, piece->plain_nbytes) !=
	    LZMA_OK)
		return err_nomem(err);
	return TARN_OK;
}

/* For header and footer; the header has no use for backward_size (xz-file-format, 2.1.2.2). */
static lzma_stream_flags stream_flags(const struct xz_format *f) {
	return (lzma_stream_flags){
		.backward_size = lzma_index_size(f->index),
		.check = (lzma_check)f->format.check,
	};
}

static int xz_begin(struct piece_format *format, struct codec_output *output, struct error *err) {
	unsigned char header[LZMA_STREAM_HEADER_SIZE];
	lzma_stream_flags flags = stream_flags((struct xz_format *)format);

	/* It fails for flags that do not exist. */
	if (lzma_stream_header_encode(&flags, header) != LZMA_OK)
		return err_set(err, TARN_EREFUSED, 0, "xz: unknown type of check");
	return codec_output_write(output, header, sizeof(header), err);
}

/* The index, and the footer, which is as long as the stream's header. */
static int xz_end(struct piece_format *format, struct codec_output *output, struct error *err) {
	struct xz_format *f = (struct xz_format *)format;
	lzma_stream_flags flags = stream_flags(f);
	size_t nbytes = (size_t)lzma_index_size(f->index) + LZMA_STREAM_HEADER_SIZE, at = 0;
	unsigned char *data = malloc(nbytes);
	int r;

	/*
	 * There is as much room as both need, and their sizes are legal: only memory can be short.
	 */
	if (data == NULL || lzma_index_buffer_encode(f->index, data, &at, nbytes) != LZMA_OK ||
	    lzma_stream_footer_encode(&flags, data + at) != LZMA_OK)
		r = err_nomem(err);
	else
		r = codec_output_write(output, data, nbytes, err);
	free(data);
	return r;
}

static void xz_format_free(struct piece_format *format) {
	struct xz_format *f = (struct xz_format *)format;

	lzma_index_end(f->index, NULL);
	free(f);
}

/* As xz -T makes its blocks. */
static size_t default_piece_nbytes(const lzma_options_lzma *options) {
	const size_t mib = (size_t)1 << 20, nbytes = (size_t)3 * options->dict_size;

	return nbytes > mib ? nbytes : mib;
}

int xz_format_new(struct piece_format **format, const struct codec_settings *settings,
    const struct xz_kept *kept, struct error *err) {
	struct xz_format *f = calloc(1, sizeof(*f));
	uint32_t preset = settings->has_level ? (uint32_t)settings->level : xz_default_preset();

	if (f == NULL)
		return err_nomem(err);
	/* Borrowed from ${kept} until this has succeeded. */
	f->index = kept != NULL ? kept->index : lzma_index_init(NULL);
	if (f->index == NULL) {
		free(f);
		return err_nomem(err);
	}
	f->filters[0] = (lzma_filter){ .id = LZMA_FILTER_LZMA2, .options = &f->options };
	f->filters[1].id = LZMA_VLI_UNKNOWN;
	f->format = (struct piece_format){
		.check = (int)(kept != NULL ? kept->check : LZMA_CHECK_CRC64),
		.pack = xz_pack,
		.note = xz_note,
		/* A stream that goes on has its header. */
		.begin = kept != NULL ? NULL : xz_begin,
		.end = xz_end,
		.free = xz_format_free,
	};
	*format = &f->format;
	if (lzma_lzma_preset(&f->options, preset)) {
		if (kept != NULL)
			f->index = NULL;
		xz_format_free(*format);
		return err_set(err, TARN_EUSAGE, 0, "%d is no level of xz", settings->level);
	}
	f->format.piece_nbytes =
	    settings->piece_nbytes > 0 ? settings->piece_nbytes : default_piece_nbytes(&f->options);
	f->format.packed_nbytes_max = lzma_block_buffer_bound(f->format.piece_nbytes);
	return TARN_OK;
}
