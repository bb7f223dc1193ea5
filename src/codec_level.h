#ifndef TARN_CODEC_LEVEL_H
#define TARN_CODEC_LEVEL_H

#include <stdint.h>

/* How hard to try when the command line does not say it: as the stock programs find it. */

/** $ZSTD_CLEVEL, if it is a level, else 3. */
int zstd_default_level(void);

/** A preset of liblzma by the last level, and -e, in $XZ_DEFAULTS and then $XZ_OPT; else 6. */
uint32_t xz_default_preset(void);

#endif
