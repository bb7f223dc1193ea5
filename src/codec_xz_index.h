#ifndef TARN_CODEC_XZ_INDEX_H
#define TARN_CODEC_XZ_INDEX_H

#include <lzma.h>
#include <sys/types.h>

#include "codec_decoder.h"
#include "error.h"

/* Where the blocks of an .xz file are: the indexes of all its streams. */

/**
 * Read what lies behind ${base} in the file ${fd}; *${index} is the caller's, lzma_index_end().
 * The file position stays.  TARN_END: not a whole .xz file, or one with a kind of check that
 * liblzma does not know.  TARN_ESYSTEM, TARN_ENOMEM.
 */
int xz_index_load(lzma_index **index, int fd, off_t base, struct error *err);

/**
 * Decode from the block on that ${block} is at; input is what follows there.  NULL: from the
 * beginning, or behind the last stream.
 */
int decoder_xz_new_at(struct decoder **decoder, const lzma_index_iter *block, struct error *err);

#endif
