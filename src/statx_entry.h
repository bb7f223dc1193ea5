#ifndef TARN_STATX_ENTRY_H
#define TARN_STATX_ENTRY_H

#include <sys/stat.h>

#include "entry.h"
#include "owners.h"

/* What statx() says of a file, as an entry. */

#define STATX_WANTED (STATX_BASIC_STATS | STATX_BTIME)

struct timespec timespec_from_statx(const struct statx_timestamp *t);
struct identity identity_from_statx(const struct statx *stx);

/** Fill in ${e}, of a type that there is, but for its name.  No ${owners}: numbers alone. */
void entry_from_statx(struct entry *e, const struct statx *stx, struct owners *owners);

#endif
