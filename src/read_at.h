#ifndef TARN_READ_AT_H
#define TARN_READ_AT_H

#include <stddef.h>
#include <sys/types.h>

#include "error.h"

/**
 * Read exactly the ${nbytes} at ${at} of the file ${fd}, whose position stays.  TARN_ESYSTEM
 * ("Cannot read: ..."); TARN_EFORMAT: the file ends before.
 */
int read_at(int fd, void *data, size_t nbytes, off_t at, struct error *err);

#endif
