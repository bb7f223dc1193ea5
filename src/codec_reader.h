#ifndef TARN_CODEC_READER_H
#define TARN_CODEC_READER_H

#include <lzma.h>

#include "codec.h"
#include "codec_decoder.h"
#include "codec_input.h"
#include "codec_program.h"
#include "codec_unfilter.h"
#include "codec_unpacker.h"
#include "codec_zstd_table.h"
#include "pool.h"

/* For codec.c, codec_seek.c, codec_continue.c and codec_copy.c. */

/* What comes out of a decompressor at a time, except where there are pieces. */
struct chunk {
	struct pool_job job;
	struct codec_reader *reader;
	unsigned char *out;
	size_t nbytes;
	int r; /* what follows them, when not TARN_OK: */
	struct error err;
};

/* The places of a file's pieces, looked for once. */
struct codec_places {
	bool is_loaded;
	bool is_checked;    /* by codec_check_places */
	off_t confirmed_at; /* a plain byte that was found where they say; 0: none was */
	int r;              /* of loading or checking them: */
	struct error err;
	struct zstd_table table;
	lzma_index *index;
};

struct codec_reader {
	int (*read)(
	    struct codec_reader *reader, const void **data, size_t *nbytes, struct error *err);
	struct codec_input input;
	enum compression compression;
	off_t base;             /* where the archive begins in the file; -1: not a file */
	struct program program; /* COMPRESSION_PROGRAM */

	/* One of these decompresses: */
	struct decoder *decoder;
	struct unfilter *unfilter;
	unsigned int nthreads;
	struct pool *pool;
	struct unpacker *unpacker; /* the decoder's pieces */
	struct chunk chunks[2];    /* one is filled while the other is handed out */
	struct chunk *filling;     /* that one, or NULL */

	uint64_t max_ratio; /* 0: no limit */
	uint64_t ndecoded;  /* bytes that came out so far, wherever it was sought to */

	struct codec_places places;
	off_t at;           /* plain bytes before what comes out next */
	off_t skip;         /* those between there and the goal of codec_seek */
	const void *handed; /* what came out last, before ${at} */
	size_t handed_nbytes;
	bool again; /* it is what comes out next, once more */
	int state;  /* what every further read returns, when not TARN_OK: */
	struct error state_error;
};

/** Go on with ${decoder}, which becomes the reader's, from where the input is. */
void codec_reader_set_decoder(struct codec_reader *reader, struct decoder *decoder);

/**
 * Have the places of the pieces for who keeps these as they are, and so has to know what each of
 * them is: not from a seek table alone, but where codec_reader_confirm was called, up to there.
 * ${reader} may be left at the beginning, also where it cannot seek any more.  TARN_END: there are
 * none, or no way to know them.
 */
int codec_check_places(struct codec_reader *reader, struct error *err);

/** Let nothing be done ahead, and forget what was, and what came out last. */
void codec_reader_stop(struct codec_reader *reader);

#endif
