#ifndef TARN_UPDATE_H
#define TARN_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entry.h"
#include "error.h"

/*
 * -u: which members an archive has, and how new they are.  32 bytes a member at most.  All zero is
 * an empty one.
 */
struct update {
	uint64_t seed;
	struct update_slot {
		uint64_t key; /* of the name; 0: free */
		int64_t seconds;
	} * slots;
	size_t capacity; /* a power of two; at most 3/4 are used */
	size_t n;
};

/** The archive has ${e}, in the place of an earlier member of its name.  TARN_OK or TARN_ENOMEM. */
int update_note(struct update *update, const struct entry *e, struct error *err);

/** Is ${e} newer, by seconds, as not all formats know more, than what the archive has? */
bool update_wants(const struct update *update, const struct entry *e);

void update_fini(struct update *update);

#endif
