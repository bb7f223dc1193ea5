#ifndef TARN_CODEC_PIECES_H
#define TARN_CODEC_PIECES_H

#include <lzma.h>
#include <stddef.h>

#include "codec_encoder.h"

/*
 * Compression in pieces that have nothing to do with each other: on several threads, written in
 * their order.  What a piece is, is up to a format: zstd's frames, xz's blocks.
 */

/* A piece on its way through the compressor. */
struct piece {
	const unsigned char *plain;
	size_t plain_nbytes;
	unsigned char *packed;
	size_t packed_nbytes;   /* before: how much room there is */
	size_t unpadded_nbytes; /* xz: of packed_nbytes, without the zeros at the end */
	int check;              /* xz: lzma_check; else 0 */
};

struct piece_format {
	size_t piece_nbytes;      /* no piece is larger, before it is compressed, */
	size_t packed_nbytes_max; /* nor after */
	int check;                /* of all pieces */
	/**
	 * Compress.  ${worker}, below the number of threads, is what no other call has at the same
	 * time; for the rest it must be safe for threads.  TARN_ENOMEM.
	 */
	int (*pack)(struct piece_format *format, struct piece *piece, unsigned int worker,
	    struct error *err);
	/** ${piece} was written, behind those before. */
	int (*note)(struct piece_format *format, const struct piece *piece, struct error *err);
	/** Write what comes before the first piece, or behind the last; NULL: nothing. */
	int (*begin)(struct piece_format *format, struct codec_output *output, struct error *err);
	int (*end)(struct piece_format *format, struct codec_output *output, struct error *err);
	/** As codec_writer_attach; all pieces were written.  NULL: there is no place for it. */
	int (*attach)(struct piece_format *format, const void *data, size_t nbytes,
	    struct codec_output *output, struct error *err);
	void (*free)(struct piece_format *format);
};

/**
 * Compress by ${format}, which is the encoder's also when this fails.  Besides what the format
 * needs itself, memory for two pieces more than there are threads is used, before and after their
 * compression, but not before there are so many.
 */
int encoder_pieces_new(struct encoder **encoder, struct piece_format *format, unsigned int nthreads,
    struct codec_output *output, struct error *err);

struct zstd_table;

/**
 * zstd: frames with their size and a checksum, then the seek table.  ${kept} (NULL: none) are
 * frames that are in the file already; it is emptied.
 */
int zstd_format_new(struct piece_format **format, const struct codec_settings *settings,
    unsigned int nthreads, struct zstd_table *kept, struct error *err);

/* The stream of an xz file that goes on. */
struct xz_kept {
	lzma_check check;  /* that of its header */
	lzma_index *index; /* of the blocks that stay; the format's if it can be made */
};

/** xz: blocks of one stream.  ${kept} is NULL for a new file. */
int xz_format_new(struct piece_format **format, const struct codec_settings *settings,
    const struct xz_kept *kept, struct error *err);

#endif
