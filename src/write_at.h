#ifndef TARN_WRITE_AT_H
#define TARN_WRITE_AT_H

#include <stddef.h>
#include <sys/types.h>

#include "error.h"

/**
 * Write the ${nbytes} at ${data} to ${at} in the file ${fd}, whose position stays.  TARN_OK, or
 * TARN_ESYSTEM ("Cannot write: ...") with some of them written.
 */
int write_at(int fd, const void *data, size_t nbytes, off_t at, struct error *err);

#endif
