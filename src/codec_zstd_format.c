#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <zstd.h>

#include "codec_level.h"
#include "codec_pieces.h"
#include "codec_zstd_frame.h"
#include "codec_zstd_table.h"

/*
 * The format of pieces_encoder for zstd: a frame for each piece, by a context for each worker.  The
 * frames are libzstd's for one thread, and so the same for any version of it that was built with or
 * without threads.
 *
 * Behind the frames comes what is attached (the member index), in a skippable frame, and at the
 * very end the seek table, another one: no decompressor puts out anything of them.
 */

struct zstd_format {
	struct piece_format format;
	struct zstd_table table; /* of what is in the file, up to what was noted last */
	int level;
	bool long_distance;
	unsigned int nthreads; /* as many contexts: */
	ZSTD_CCtx *contexts[]; /* NULL until its worker needs it; used by one job at a time */
};

/* As zstd --long has it: 128 MiB, the largest window that zstd -d takes without being told to. */
#define LONG_DISTANCE_WINDOW_LOG 27

/*
 * NULL: no memory.  The parameters stay from piece to piece; all are legal, so that setting cannot
 * fail.
 */
static ZSTD_CCtx *context_of_worker(struct zstd_format *f, unsigned int worker) {
	ZSTD_CCtx *context = f->contexts[worker];

	if (context != NULL)
		return context;
	context = f->contexts[worker] = ZSTD_createCCtx();
	if (context != NULL) {
		ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, f->level);
		ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
		if (f->long_distance) {
			ZSTD_CCtx_setParameter(context, ZSTD_c_enableLongDistanceMatching, 1);
			ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, LONG_DISTANCE_WINDOW_LOG);
		}
	}
	return context;
}

static int zstd_pack(
    struct piece_format *format, struct piece *piece, unsigned int worker, struct error *err) {
	ZSTD_CCtx *context = context_of_worker((struct zstd_format *)format, worker);
	size_t n;

	if (context == NULL)
		return err_nomem(err);
	/* It has the whole piece, and so writes its size into the frame's header. */
	n = ZSTD_compress2(
	    context, piece->packed, piece->packed_nbytes, piece->plain, piece->plain_nbytes);
	if (ZSTD_isError(n))
		return err_set(err, TARN_ENOMEM, 0, "zstd: %s", ZSTD_getErrorName(n));
	piece->packed_nbytes = n;
	return TARN_OK;
}

static int zstd_note(struct piece_format *format, const struct piece *piece, struct error *err) {
	struct zstd_table *table = &((struct zstd_format *)format)->table;

	return zstd_table_add(table, (off_t)piece->packed_nbytes, (off_t)piece->plain_nbytes, err);
}

/* It is in the table like any other frame, but nothing comes out of it. */
static int zstd_attach(struct piece_format *format, const void *data, size_t nbytes,
    struct codec_output *output, struct error *err) {
	struct zstd_table *table = &((struct zstd_format *)format)->table;
	unsigned char header[ZSTD_SKIPPABLE_HEADER_NBYTES];
	int r;

	/* With the header it must fit into an entry of the seek table, too. */
	if (nbytes > UINT32_MAX - sizeof(header))
		return err_set(
		    err, TARN_EREFUSED, 0, "No room for %zu bytes in a zstd frame", nbytes);
	zstd_put32(header, ZSTD_MAGIC_ATTACHED);
	zstd_put32(header + 4, (uint32_t)nbytes);
	r = codec_output_write(output, header, sizeof(header), err);
	if (r == TARN_OK)
		r = codec_output_write(output, data, nbytes, err);
	return r == TARN_OK ? zstd_table_add(table, (off_t)(sizeof(header) + nbytes), 0, err) : r;
}

static int zstd_end(struct piece_format *format, struct codec_output *output, struct error *err) {
	unsigned char *data;
	size_t nbytes;
	int r = zstd_table_encode(&((struct zstd_format *)format)->table, &data, &nbytes, err);

	/* Of nothing where the format has no room for the table: the file does without. */
	if (r == TARN_OK)
		r = codec_output_write(output, data, nbytes, err);
	free(data);
	return r;
}

static void zstd_format_free(struct piece_format *format) {
	struct zstd_format *f = (struct zstd_format *)format;

	for (unsigned int i = 0; i < f->nthreads; i++)
		ZSTD_freeCCtx(f->contexts[i]);
	zstd_table_fini(&f->table);
	free(f);
}

/*
 * Windows grow with the level: up to 2 MiB until level 8, 4 until 16, 8 until 19.  A piece of at
 * least twice the window costs less than 3 % compared with zstd -T; where most is expected of the
 * compressor, one of four times.  Above, windows reach 128 MiB; but what is larger than 64 MiB is
 * not decoded as a piece (DECODER_PIECE_NBYTES_MAX).
 */
static size_t default_piece_nbytes(const struct zstd_format *f) {
	const size_t mib = (size_t)1 << 20;

	if (f->long_distance || f->level > 19)
		return 64 * mib;
	if (f->level > 16)
		return 32 * mib;
	return f->level > 8 ? 8 * mib : 4 * mib;
}

int zstd_format_new(struct piece_format **format, const struct codec_settings *settings,
    unsigned int nthreads, struct zstd_table *kept, struct error *err) {
	struct zstd_format *f = calloc(1, sizeof(*f) + nthreads * sizeof(f->contexts[0]));

	if (f == NULL)
		return err_nomem(err);
	/* 0 is a level, too: the library's own default, whatever the environment says. */
	f->level = settings->has_level ? settings->level : zstd_default_level();
	if (f->level > ZSTD_maxCLevel() || f->level < ZSTD_minCLevel()) {
		free(f);
		return err_set(err, TARN_EUSAGE, 0, "%d is no level of zstd", settings->level);
	}
	f->long_distance = settings->long_distance;
	f->nthreads = nthreads;
	f->format = (struct piece_format){
		.piece_nbytes =
		    settings->piece_nbytes > 0 ? settings->piece_nbytes : default_piece_nbytes(f),
		.pack = zstd_pack,
		.note = zstd_note,
		.attach = zstd_attach,
		.end = zstd_end,
		.free = zstd_format_free,
	};
	f->format.packed_nbytes_max = ZSTD_compressBound(f->format.piece_nbytes);
	/* Last, when nothing can fail any more: until then it is the caller's. */
	if (kept != NULL) {
		f->table = *kept;
		*kept = (struct zstd_table){ 0 };
	}
	*format = &f->format;
	return TARN_OK;
}
