#ifndef TARN_ENTRY_COPY_H
#define TARN_ENTRY_COPY_H

#include <stddef.h>

#include "entry.h"

/**
 * A copy of ${e} with copies of all it borrows, in one allocation to be given to free().  NULL when
 * out of memory.
 */
struct entry *entry_copy(const struct entry *e);

/** The same in ${place}, which has room for entry_copy_nbytes() and is aligned for any type. */
struct entry *entry_copy_to(void *place, const struct entry *e);
size_t entry_copy_nbytes(const struct entry *e);

#endif
