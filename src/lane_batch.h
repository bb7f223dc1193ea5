#ifndef TARN_LANE_BATCH_H
#define TARN_LANE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entry.h"
#include "kept_content.h"
#include "source.h"

/* A batch is full with this many bytes or this many tasks: short ones take time as well. */
#define BATCH_NBYTES ((size_t)64 << 10)
#define BATCH_NTASKS 64

/*
 * A member that a lane is to put.  Lies in the room of its batch, as its entry, its content and an
 * error of reading it do.
 */
struct task {
	struct task *next;
	struct entry *entry;
	size_t number; /* of the member in the archive; those put by the caller count as well */
	uint64_t turn, after; /* after: other lanes must be behind that turn; 0: no matter where */
	struct kept_content content;
};

/* Members that are handed to a lane together.  To be freed with free(). */
struct batch {
	struct batch *next;
	struct task *first, **last;
	unsigned int ntasks;
	size_t nbytes, capacity; /* of room */
	_Alignas(max_align_t) char room[];
};

/**
 * An empty one with room for ${nbytes}, and for BATCH_NBYTES at least; NULL: there is no memory.
 */
struct batch *batch_new(size_t nbytes);
/** Forget what is in it. */
void batch_empty(struct batch *batch);
/** Free ${batch} and all behind it. */
void batch_free_all(struct batch *batch);

/**
 * How many bytes a member takes whose copy has ${entry_nbytes}, with ${content_nbytes} of content.
 */
size_t batch_nbytes_for(size_t entry_nbytes, size_t content_nbytes);
/** May a member be appended that takes ${nbytes}? */
bool batch_has_room(const struct batch *batch, size_t nbytes);
/**
 * Append a copy of ${e}, for which there must be room; ${entry_nbytes} are as of entry_copy_nbytes.
 * All else of the task is 0.
 */
struct task *batch_append(struct batch *batch, const struct entry *e, size_t entry_nbytes);
/**
 * The content of ${task}, the last one, is a copy of what ${from} has; there must be room for it.
 */
void batch_copy_content(struct batch *batch, struct task *task, struct source *from);

#endif
