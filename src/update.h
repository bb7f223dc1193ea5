#ifndef TARN_UPDATE_H
#define TARN_UPDATE_H

#include <stdbool.h>

#include "bytes.h"
#include "entry.h"
#include "error.h"
#include "key_map.h"

/*
 * -u: which members an archive has, and how new they are.  All zero is an empty one.
 */
struct update {
	uint64_t seed;
	struct key_map members; /* by the name: which mtime is its */
	struct bytes mtimes;    /* struct timespec */
};

/** The archive has ${e}, in the place of an earlier member of its name.  TARN_OK or TARN_ENOMEM. */
int update_note(struct update *update, const struct entry *e, struct error *err);

/**
 * Is a member ${name} of this ${mtime} newer than what the archive has?  By seconds, where that
 * tells no more.
 */
bool update_wants(const struct update *update, const char *name, struct timespec mtime);

void update_fini(struct update *update);

#endif
