#ifndef TARN_CODEC_READER_H
#define TARN_CODEC_READER_H

#include <archive.h>
#include <stdbool.h>

#include "codec.h"
#include "codec_decoder.h"
#include "codec_input.h"
#include "codec_program.h"
#include "codec_zstd_table.h"

/* For codec.c, codec_seek.c and codec_continue.c. */
struct codec_reader {
	int (*read)(
	    struct codec_reader *reader, const void **data, size_t *nbytes, struct error *err);
	struct codec_input input;
	enum compression compression;
	off_t base;              /* where the archive begins in the file; -1: not a file */
	struct program program;  /* COMPRESSION_PROGRAM */
	struct decoder *decoder; /* what tarn decodes itself */
	unsigned char *out;      /* its output */
	struct archive *archive; /* what libarchive decodes */
	off_t skip;              /* plain bytes between where seek could go to and its goal */
	struct {
		bool is_loaded;
		int r; /* of loading it */
		struct error err;
		struct zstd_table table;
	} places;  /* of the pieces */
	int state; /* what every further read returns, when not TARN_OK: */
	struct error state_error;
};

/** The places of the pieces of a zstd file, looked for once; as zstd_table_load. */
int codec_reader_table(
    struct codec_reader *reader, const struct zstd_table **table, struct error *err);

#endif
