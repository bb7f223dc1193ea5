#ifndef TARN_INDEX_FRAME_H
#define TARN_INDEX_FRAME_H

#include <stddef.h>

#include "bytes.h"
#include "error.h"

/*
 * Columns of bytes as one zstd frame: the length of each as a varint, then one column behind the
 * other.  What stands in them is up to index_chunk.h.
 */

/* Lengths and columns together; a frame that claims to have more is malformed. */
#define INDEX_FRAME_NBYTES_MAX ((size_t)16 << 20)

/** Append the frame of ${columns} to ${out}, behind what it has.  TARN_OK or TARN_ENOMEM. */
int index_frame_append(
    const struct bytes *columns, size_t ncolumns, struct bytes *out, struct error *err);

/**
 * Decompress the frame of ${nbytes} in ${data} into ${raw}, in place of what that had, and let each
 * of ${columns} stand at the beginning of one; they are borrowed from ${raw}.
 *
 * Returns TARN_OK; TARN_EFORMAT when it is malformed, or TARN_ENOMEM: all columns are empty then.
 */
int index_frame_open(const void *data, size_t nbytes, struct bytes *raw, struct cursor *columns,
    size_t ncolumns, struct error *err);

#endif
