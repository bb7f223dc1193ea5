#ifndef TARN_EXCLUSION_TAG_H
#define TARN_EXCLUSION_TAG_H

#include "options.h"

/**
 * The one of --exclude-tag, --exclude-caches and their likes whose file lies in the directory
 * ${name}, relative to the directory ${fd}; of several the one that was given last.  NULL: none.
 * What says that a directory is a cache is specified at https://bford.info/cachedir/.
 */
const struct exclusion_tag *exclusion_tag_find(const struct options *o, int fd, const char *name);

#endif
