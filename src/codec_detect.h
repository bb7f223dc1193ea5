#ifndef TARN_CODEC_DETECT_H
#define TARN_CODEC_DETECT_H

#include <stddef.h>

#include "options.h"
#include "tar_block.h"

/* As much as is needed: a tar header. */
#define CODEC_DETECT_NBYTES TAR_BLOCK_NBYTES

/** The compression of a file that begins with ${data}, which is less than that only at the end. */
enum compression codec_detect(const unsigned char *data, size_t nbytes);

#endif
