#ifndef TARN_FILE_COPY_H
#define TARN_FILE_COPY_H

#include <stdbool.h>
#include <sys/stat.h>

#include "error.h"

/*
 * The content of one regular file into another, its holes as holes.
 */

/** Let ${to}, which is empty, share all blocks with ${from}.  False when that is not possible. */
bool file_reflink(int from, int to);

/**
 * Copy the content of ${from}, which ${st} describes, to ${to}, which is empty: within the kernel
 * where ${may_share} allows that blocks become shared, else through a buffer.
 *
 * Returns TARN_OK; TARN_ESYSTEM, also when the file has become shorter; TARN_ENOMEM.
 */
int file_copy(int from, int to, const struct stat *st, bool may_share, struct error *err);

#endif
