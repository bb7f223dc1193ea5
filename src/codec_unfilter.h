#ifndef TARN_CODEC_UNFILTER_H
#define TARN_CODEC_UNFILTER_H

#include <stddef.h>

#include "codec_input.h"
#include "options.h"

/* Decompression by a filter of libarchive. */

struct unfilter;

/**
 * ${input} is borrowed.  The filter is that of bzip2, lz4 or compress.  What was compressed must
 * not begin as if it were compressed the same way once more: libarchive would decode it, so it is
 * refused.
 */
int unfilter_new(struct unfilter **unfilter, struct codec_input *input,
    enum compression compression, struct error *err);

/**
 * The next bytes: *${nbytes} is the room at ${out} before, and what was put there after.  TARN_OK
 * with at least one; otherwise what was put there is good, too.
 */
int unfilter_read(struct unfilter *unfilter, unsigned char *out, size_t *nbytes, struct error *err);

void unfilter_free(struct unfilter *unfilter);

#endif
