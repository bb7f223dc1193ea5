#ifndef TARN_CODEC_UNPACKER_H
#define TARN_CODEC_UNPACKER_H

#include <stddef.h>

#include "codec_decoder.h"
#include "codec_input.h"
#include "pool.h"

/*
 * Decompression of pieces beside each other, handed out in their order.  At most two pieces more
 * than there are threads are in memory, each before and after decompression.
 */

struct unpacker;

/** ${pool} is borrowed and has ${nthreads}. */
int unpacker_new(
    struct unpacker **unpacker, struct pool *pool, unsigned int nthreads, struct error *err);

/**
 * The next piece that ${decoder}, the same at each call, finds in ${input}: *${data} is borrowed
 * until the next call.  Errors come behind what is good before them; TARN_END when the decoder has
 * to go on without pieces, or is at its end.
 */
int unpacker_read(struct unpacker *unpacker, struct decoder *decoder, struct codec_input *input,
    const void **data, size_t *nbytes, struct error *err);

/** Forget all pieces; the next one may be another decoder's. */
void unpacker_reset(struct unpacker *unpacker);

void unpacker_free(struct unpacker *unpacker);

#endif
