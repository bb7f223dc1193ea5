#include "config.h"

#include "source_ahead.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "entry_copy.h"

/*
 * The thread copies what it gets into chunks, item by item, and hands a chunk over when the next item
 * has no room in it.  There are NCHUNKS: the one it fills, those that wait, and up to two that the
 * caller has, as its entry may be in another one than the content that it has come to.  Chunks are
 * few and large, so that waiting for one another does not count; those given back last are filled
 * first, while the processor's cache has them.
 */

#define NCHUNKS 6
#define CHUNK_NBYTES ((size_t)264 << 10) /* a block of a file, and some more */
#define ALIGNMENT _Alignof(max_align_t)

enum item_kind {
	ITEM_ENTRY,
	ITEM_BLOCK, /* of content of the entry before it */
	ITEM_ERROR, /* that cannot be read on */
	ITEM_LINE,  /* it was said */
	ITEM_END    /* there is nothing behind it */
};

struct item {
	enum item_kind kind;
	size_t nbytes; /* with what stands behind it */
	union {
		struct entry *entry;
		struct block block;
		struct {
			enum report_severity severity;
			const char *name, *text; /* name may be NULL */
		} line;
		int code; /* of ITEM_ERROR and ITEM_END, whose struct error stands behind them */
	};
	_Alignas(max_align_t) char data[];
};

struct chunk {
	struct chunk *next;
	size_t nbytes, capacity;
	_Alignas(max_align_t) char room[];
};

struct source_ahead {
	struct source base;
	struct source *source;
	struct report *report;
	pthread_t thread;

	pthread_mutex_t mutex; /* guards: */
	pthread_cond_t changed;
	struct chunk *free;          /* a stack */
	struct chunk *first, **last; /* a queue of those that are filled */
	bool stops;                  /* nobody wants any more */

	/* the thread's: */
	struct chunk *filling;
	bool is_over; /* an item was not appended: there is no memory, or it stops */

	/* the caller's: */
	struct chunk *current;
	size_t at;               /* of the next item in it */
	struct chunk *has_entry; /* what was handed out is in this one */
};

static void hand_over(struct source_ahead *a) {
	pthread_mutex_lock(&a->mutex);
	a->filling->next = NULL;
	*a->last = a->filling;
	a->last = &a->filling->next;
	a->filling = NULL;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->mutex);
}

/* Wait for a chunk to fill.  NULL: nobody wants it. */
static struct chunk *take_free(struct source_ahead *a) {
	struct chunk *chunk;

	pthread_mutex_lock(&a->mutex);
	while (a->free == NULL && !a->stops)
		pthread_cond_wait(&a->changed, &a->mutex);
	chunk = a->stops ? NULL : a->free;
	if (chunk != NULL)
		a->free = chunk->next;
	pthread_mutex_unlock(&a->mutex);
	return chunk;
}

static void give_back(struct source_ahead *a, struct chunk *chunk) {
	if (chunk == NULL)
		return;
	chunk->nbytes = 0;
	pthread_mutex_lock(&a->mutex);
	chunk->next = a->free;
	a->free = chunk;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->mutex);
}

/* An empty chunk with room for ${nbytes} becomes the one that is filled. */
static bool begin_chunk(struct source_ahead *a, size_t nbytes) {
	struct chunk *chunk = take_free(a), *larger;

	if (chunk != NULL && chunk->capacity < nbytes) {
		larger = realloc(chunk, sizeof(*chunk) + nbytes);
		if (larger == NULL) {
			give_back(a, chunk);
			return false;
		}
		chunk = larger;
		chunk->capacity = nbytes;
	}
	a->filling = chunk;
	return chunk != NULL;
}

/* An item with ${nbytes} behind it.  NULL: it is over. */
static struct item *append(struct source_ahead *a, enum item_kind kind, size_t nbytes) {
	struct chunk *chunk = a->filling;
	struct item *item;

	nbytes = (sizeof(*item) + nbytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (chunk != NULL && chunk->capacity - chunk->nbytes < nbytes)
		hand_over(a);
	if (a->filling == NULL && !begin_chunk(a, nbytes)) {
		a->is_over = true;
		return NULL;
	}
	chunk = a->filling;
	item = (struct item *)(void *)(chunk->room + chunk->nbytes);
	item->kind = kind;
	item->nbytes = nbytes;
	chunk->nbytes += nbytes;
	return item;
}

static void append_error(
    struct source_ahead *a, enum item_kind kind, int code, const struct error *err) {
	struct item *item = append(a, kind, sizeof(*err));

	if (item == NULL)
		return;
	item->code = code;
	if (code != TARN_END)
		memcpy(item->data, err, sizeof(*err));
}

static void append_entry(struct source_ahead *a, const struct entry *e) {
	struct item *item = append(a, ITEM_ENTRY, entry_copy_nbytes(e));

	if (item != NULL)
		item->entry = entry_copy_to(item->data, e);
}

static void append_content(struct source_ahead *a) {
	struct block block;
	struct error err;
	int r = TARN_OK;

	while (!a->is_over && (r = a->source->read(a->source, &block, &err)) == TARN_OK) {
		struct item *item = append(a, ITEM_BLOCK, block.nbytes);

		if (item == NULL)
			return;
		item->block = block;
		item->block.data = memcpy(item->data, block.data, block.nbytes);
	}
	if (r != TARN_OK && r != TARN_END)
		append_error(a, ITEM_ERROR, r, &err);
}

/* What the source says. */
static void append_line(
    void *context, enum report_severity severity, const char *name, const char *text) {
	size_t text_nbytes = strlen(text) + 1, name_nbytes = name != NULL ? strlen(name) + 1 : 0;
	struct item *item = append(context, ITEM_LINE, text_nbytes + name_nbytes);

	if (item == NULL)
		return;
	item->line.severity = severity;
	item->line.text = memcpy(item->data, text, text_nbytes);
	item->line.name = name != NULL ? memcpy(item->data + text_nbytes, name, name_nbytes) : NULL;
}

static void *run(void *argument) {
	struct source_ahead *a = argument;
	struct report_diversion lines = { .to = append_line, .context = a };
	struct entry *e;
	struct error err;
	int r = TARN_OK;

	report_divert(a->report, &lines);
	while (!a->is_over && (r = a->source->next(a->source, &e, &err)) == TARN_OK) {
		append_entry(a, e);
		if (e->type == ENTRY_FILE && e->first_name == NULL)
			append_content(a);
	}
	report_divert_no_more(a->report, &lines);
	if (r == TARN_OK)
		r = err_nomem(&err);
	append_error(a, ITEM_END, r, &err);
	if (a->filling != NULL)
		hand_over(a);
	return NULL;
}

/* The current chunk is done with: wait for the next one. */
static void next_chunk(struct source_ahead *a) {
	if (a->current != a->has_entry)
		give_back(a, a->current);
	a->at = 0;
	pthread_mutex_lock(&a->mutex);
	while (a->first == NULL)
		pthread_cond_wait(&a->changed, &a->mutex);
	a->current = a->first;
	a->first = a->current->next;
	if (a->first == NULL)
		a->last = &a->first;
	pthread_mutex_unlock(&a->mutex);
}

/* The next item that is no line; lines are said. */
static const struct item *next_item(struct source_ahead *a) {
	const struct item *item;

	for (;;) {
		if (a->current == NULL || a->at == a->current->nbytes)
			next_chunk(a);
		item = (const struct item *)(const void *)(a->current->room + a->at);
		if (item->kind != ITEM_LINE)
			return item;
		report_line(a->report, item->line.severity, item->line.name, item->line.text);
		a->at += item->nbytes;
	}
}

static int failure(const struct item *item, struct error *err) {
	if (item->code != TARN_END)
		memcpy(err, item->data, sizeof(*err));
	return item->code;
}

static int source_ahead_next(struct source *source, struct entry **e, struct error *err) {
	struct source_ahead *a = (struct source_ahead *)source;
	const struct item *item;

	if (a->has_entry != a->current)
		give_back(a, a->has_entry);
	a->has_entry = NULL;
	while ((item = next_item(a))->kind != ITEM_ENTRY) {
		if (item->kind == ITEM_END)
			return failure(item, err);
		a->at += item->nbytes;
	}
	a->at += item->nbytes;
	a->has_entry = a->current;
	*e = item->entry;
	return TARN_OK;
}

static int source_ahead_read(struct source *source, struct block *block, struct error *err) {
	struct source_ahead *a = (struct source_ahead *)source;
	const struct item *item = next_item(a);

	if (item->kind == ITEM_ERROR)
		return failure(item, err);
	if (item->kind != ITEM_BLOCK)
		return TARN_END;
	a->at += item->nbytes;
	*block = item->block;
	return TARN_OK;
}

static void free_all(struct chunk *chunk) {
	for (struct chunk *next; chunk != NULL; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
}

/* Once there is no thread. */
static void free_source(struct source_ahead *a) {
	if (a->has_entry != a->current)
		free(a->has_entry);
	free(a->current);
	free_all(a->first);
	free_all(a->free);
	pthread_cond_destroy(&a->changed);
	pthread_mutex_destroy(&a->mutex);
	free(a);
}

static void source_ahead_free(struct source *source) {
	struct source_ahead *a = (struct source_ahead *)source;

	if (a == NULL)
		return;
	pthread_mutex_lock(&a->mutex);
	a->stops = true;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->mutex);
	pthread_join(a->thread, NULL);
	free_source(a);
}

/* Signals are for the caller's thread. */
static bool start(struct source_ahead *a) {
	sigset_t all, before;
	int errnum;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	errnum = pthread_create(&a->thread, NULL, run, a);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return errnum == 0;
}

static bool add_chunks(struct source_ahead *a) {
	for (int i = 0; i < NCHUNKS; i++) {
		struct chunk *chunk = malloc(sizeof(*chunk) + CHUNK_NBYTES);

		if (chunk == NULL)
			return false;
		chunk->capacity = CHUNK_NBYTES;
		chunk->nbytes = 0;
		chunk->next = a->free;
		a->free = chunk;
	}
	return true;
}

struct source *source_ahead_new(struct source *source, struct report *report) {
	struct source_ahead *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->base.next = source_ahead_next;
	a->base.read = source_ahead_read;
	a->base.free = source_ahead_free;
	a->source = source;
	a->report = report;
	a->last = &a->first;
	pthread_mutex_init(&a->mutex, NULL);
	pthread_cond_init(&a->changed, NULL);
	if (!add_chunks(a) || !start(a)) {
		free_source(a);
		return NULL;
	}
	return &a->base;
}
