#include "config.h"

#include "source_ahead.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ahead.h"
#include "entry_copy.h"

/*
 * An entry is copied with all it borrows, and its content follows in blocks.  The chunk that has
 * the entry is kept while the caller reads on, as the content may be in those behind it.
 *
 * Content is fetched without being asked for, so this is for who wants all of it: run_write, where
 * trees go into an archive.  Copying it costs less than waiting for it in turn would.
 */

#define CHUNK_NBYTES ((size_t)264 << 10) /* a block of a file (file_reader.c), and some more */

enum item_kind {
	ITEM_ENTRY,
	ITEM_BLOCK, /* of content of the entry before it */
	ITEM_ERROR  /* a struct error: it cannot be read on */
};

struct source_ahead {
	struct source base;
	struct ahead *ahead;
};

/* False, as in what follows: it is over. */
static bool append_entry(struct ahead *ahead, const struct entry *e) {
	void *place = ahead_append(ahead, ITEM_ENTRY, entry_copy_nbytes(e));

	return place != NULL && entry_copy_to(place, e) != NULL;
}

/* The data stand right behind the block, which points to them; chunks do not move once filled. */
static bool append_block(struct ahead *ahead, const struct block *block) {
	struct block *copy = ahead_append(ahead, ITEM_BLOCK, sizeof(*copy) + block->nbytes);

	if (copy == NULL)
		return false;
	*copy = *block;
	copy->data = memcpy(copy + 1, block->data, block->nbytes);
	return true;
}

/* An error is part of the content: it ends this member, while the source may go on to the next. */
static bool append_content(struct ahead *ahead, struct source *source) {
	struct error err, *copy;
	struct block block;
	int r;

	while ((r = source->read(source, &block, &err)) == TARN_OK) {
		if (!append_block(ahead, &block))
			return false;
	}
	if (r == TARN_END)
		return true;
	copy = ahead_append(ahead, ITEM_ERROR, sizeof(*copy));
	if (copy != NULL)
		*copy = err;
	return copy != NULL;
}

/* The work of the thread, which alone uses ${source}. */
static int fetch(void *context, struct ahead *ahead, struct error *err) {
	struct source *source = context;
	struct entry *e;
	int r;

	while ((r = source->next(source, &e, err)) == TARN_OK) {
		if (!append_entry(ahead, e))
			return TARN_OK; /* it does not count: see ahead_append() */
		if (e->type == ENTRY_FILE && e->first_name == NULL &&
		    !append_content(ahead, source))
			return TARN_OK;
	}
	return r;
}

static int source_ahead_next(struct source *source, struct entry **e, struct error *err) {
	struct source_ahead *a = (struct source_ahead *)source;
	const struct ahead_item *item;
	int r;

	/* Content that was not read is skipped. */
	while ((r = ahead_peek(a->ahead, &item, err)) == TARN_OK && item->kind != ITEM_ENTRY)
		ahead_pass(a->ahead);
	if (r != TARN_OK)
		return r;
	ahead_keep(a->ahead);
	ahead_pass(a->ahead);
	/* The caller may give it other names: nobody else has this copy. */
	*e = (struct entry *)(uintptr_t)item->data;
	return TARN_OK;
}

static int source_ahead_read(struct source *source, struct block *block, struct error *err) {
	struct source_ahead *a = (struct source_ahead *)source;
	const struct ahead_item *item;

	/* An error of the whole source is for next(), which finds it again. */
	if (ahead_peek(a->ahead, &item, err) != TARN_OK || item->kind == ITEM_ENTRY)
		return TARN_END;
	/* It stays the next item, so that who reads on gets it again. */
	if (item->kind == ITEM_ERROR) {
		*err = *(const struct error *)(const void *)item->data;
		return (int)err->code;
	}
	ahead_pass(a->ahead);
	*block = *(const struct block *)(const void *)item->data;
	return TARN_OK;
}

static void source_ahead_free(struct source *source) {
	struct source_ahead *a = (struct source_ahead *)source;

	if (a == NULL)
		return;
	ahead_free(a->ahead);
	free(a);
}

struct source *source_ahead_new(struct source *source, struct report *report) {
	struct source_ahead *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->base.next = source_ahead_next;
	a->base.read = source_ahead_read;
	a->base.free = source_ahead_free;
	a->ahead = ahead_new(fetch, source, CHUNK_NBYTES, report);
	if (a->ahead == NULL) {
		free(a);
		return NULL;
	}
	return &a->base;
}
