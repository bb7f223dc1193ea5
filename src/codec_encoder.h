#ifndef TARN_CODEC_ENCODER_H
#define TARN_CODEC_ENCODER_H

#include <stddef.h>
#include <sys/types.h>

#include "codec.h"
#include "error.h"

/* The compressors below a codec_writer. */

struct zstd_veil;

/* Where compressed bytes go. */
struct codec_output {
	int fd;              /* borrowed */
	unsigned char *held; /* where the next nheld bytes go instead */
	size_t nheld;
	struct zstd_veil *veil; /* borrowed: what hides the bytes that are written; NULL: nothing */
};

/** Write all of it.  TARN_ESYSTEM, "Cannot write: …". */
int codec_output_write(
    struct codec_output *output, const void *data, size_t nbytes, struct error *err);

/** The same with ${nbytes} at ${at} of ${fd}; also what read_at returns. */
int codec_output_copy(
    struct codec_output *output, int fd, off_t at, size_t nbytes, struct error *err);

struct piece;

/* What codec.h says of the writer's functions holds for these. */
struct encoder {
	int (*write)(struct encoder *encoder, const void *data, size_t nbytes, struct error *err);
	int (*finish)(struct encoder *encoder, struct error *err);
	/* NULL: it makes no pieces. */
	int (*end_piece)(struct encoder *encoder, struct error *err);
	/* NULL: it has no place beside the stream. */
	int (*attach)(struct encoder *encoder, const void *data, size_t nbytes, struct error *err);
	/*
	 * Write ${piece}, as it is at ${at} of ${fd}, behind all that was written.  TARN_EREFUSED:
	 * it cannot be a piece here.  NULL: it makes no pieces.
	 */
	int (*copy)(struct encoder *encoder, int fd, off_t at, const struct piece *piece,
	    struct error *err);
	void (*free)(struct encoder *encoder);
};

/** Any of libarchive's filters.  Borrows ${output}. */
int encoder_filter_new(struct encoder **encoder, const struct codec_settings *settings,
    struct codec_output *output, struct error *err);

#endif
