#include "config.h"

#include "lane_batch.h"

#include <stdlib.h>

#include "entry_copy.h"
#include "error.h"

#define ALIGNMENT _Alignof(max_align_t)

struct batch *batch_new(size_t nbytes) {
	size_t capacity = nbytes > BATCH_NBYTES ? nbytes : BATCH_NBYTES;
	struct batch *batch = malloc(sizeof(*batch) + capacity);

	if (batch == NULL)
		return NULL;
	batch->capacity = capacity;
	batch_empty(batch);
	return batch;
}

void batch_empty(struct batch *batch) {
	batch->next = NULL;
	batch->first = NULL;
	batch->last = &batch->first;
	batch->ntasks = 0;
	batch->nbytes = 0;
}

void batch_free_all(struct batch *batch) {
	struct batch *next;

	for (; batch != NULL; batch = next) {
		next = batch->next;
		free(batch);
	}
}

static size_t aligned(size_t nbytes) {
	return (nbytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

size_t batch_nbytes_for(size_t entry_nbytes, size_t content_nbytes) {
	return aligned(sizeof(struct task)) + aligned(entry_nbytes) + aligned(content_nbytes) +
	    aligned(sizeof(struct error));
}

bool batch_has_room(const struct batch *batch, size_t nbytes) {
	return batch->ntasks < BATCH_NTASKS && batch->capacity - batch->nbytes >= nbytes;
}

/* The next ${nbytes} in ${batch}, aligned for any type. */
static void *take_room(struct batch *batch, size_t nbytes) {
	void *at = batch->room + batch->nbytes;

	batch->nbytes += aligned(nbytes);
	return at;
}

struct task *batch_append(struct batch *batch, const struct entry *e, size_t entry_nbytes) {
	struct task *task = take_room(batch, sizeof(*task));

	*task = (struct task){
		.entry = entry_copy_to(take_room(batch, entry_nbytes), e),
	};
	*batch->last = task;
	batch->last = &task->next;
	batch->ntasks++;
	return task;
}

void batch_copy_content(struct batch *batch, struct task *task, struct source *from) {
	struct error err, *kept;

	kept_content_copy(
	    &task->content, take_room(batch, (size_t)task->entry->size), task->entry, from, &err);
	/* The lane meets the error when it reads that far, as if it read the archive itself. */
	if (task->content.err == NULL)
		return;
	kept = take_room(batch, sizeof(*kept));
	*kept = err;
	task->content.err = kept;
}
