#include "config.h"

#include "ahead.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "pool.h"

/*
 * The thread fills chunks, item by item, and hands a chunk over when the next item has no room in
 * it.  There are NCHUNKS: the one it fills, those that wait, and up to two that the caller has, as
 * what it keeps may be in another one than what it has come to.  They are so large and so many that
 * waiting for one another does not count, and no more: what was looked at ahead should still be in
 * the processor's cache.  Those given back last are filled first, for the same reason.
 *
 * A chunk belongs to one side at a time, and changes sides under the mutex: what is in it needs no
 * lock.  What the thread says becomes an item between the others, and so is said in order, by the
 * caller.
 */

#define NCHUNKS 24
#define NFILLED_ENOUGH 3 /* that wait */
#define ALIGNMENT _Alignof(max_align_t)

/* Kinds of items that are not the user's. */
enum {
	ITEM_LINE = -1,
	ITEM_END =
	    -2 /* a struct error, of which TARN_END is the code alone; nothing is behind it */
};

/* What the thread has said to the report: the data of an ITEM_LINE. */
struct line {
	enum report_severity severity;
	bool has_name;
	char text[]; /* and behind it the name */
};

/* Whole items, each aligned for any type; at least one, once it was handed over. */
struct chunk {
	struct chunk *next;
	size_t nbytes, capacity; /* used, and room for, without this head */
	_Alignas(max_align_t) char room[];
};

struct ahead {
	ahead_work *work;
	void *context;
	struct report *report;
	pthread_t thread;

	pthread_mutex_t mutex; /* guards: */
	/* At most one side waits: were none free and none filled, the two would hold all. */
	pthread_cond_t changed;
	struct chunk *free;          /* a stack */
	struct chunk *first, **last; /* a queue of those that are filled */
	atomic_uint nfilled;         /* so many; is read without it, too */
	bool stops;                  /* nobody wants any more */

	/* the thread's: */
	struct chunk *filling;
	bool is_over; /* an item was not appended: there is no memory, or it stops */

	/* the caller's: */
	struct chunk *current;
	size_t at; /* of the next item in it */
	struct chunk *kept;
};

/* The chunk that is filled goes to the end of the queue. */
static void hand_over(struct ahead *a) {
	pthread_mutex_lock(&a->mutex);
	a->filling->next = NULL;
	*a->last = a->filling;
	a->last = &a->filling->next;
	a->nfilled++;
	a->filling = NULL;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->mutex);
}

/* Wait for a chunk to fill.  NULL: nobody wants it. */
static struct chunk *take_free(struct ahead *a) {
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

static void give_back(struct ahead *a, struct chunk *chunk) {
	if (chunk == NULL)
		return;
	chunk->nbytes = 0;
	pthread_mutex_lock(&a->mutex);
	chunk->next = a->free;
	a->free = chunk;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->mutex);
}

/*
 * An empty chunk with room for ${nbytes} becomes the one that is filled.  One that was made larger
 * for an item stays so.  False: there is none, a->filling is NULL, and no chunk is lost.
 */
static bool begin_chunk(struct ahead *a, size_t nbytes) {
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

void *ahead_append(struct ahead *a, int kind, size_t nbytes) {
	struct chunk *chunk = a->filling;
	struct ahead_item *item;

	if (a->is_over)
		return NULL;
	/* This does not overflow: what is copied there is in memory already. */
	nbytes = (sizeof(*item) + nbytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (chunk != NULL && chunk->capacity - chunk->nbytes < nbytes)
		hand_over(a);
	if (a->filling == NULL && !begin_chunk(a, nbytes)) {
		a->is_over = true;
		return NULL;
	}
	chunk = a->filling;
	item = (struct ahead_item *)(void *)(chunk->room + chunk->nbytes);
	item->kind = kind;
	item->nbytes = nbytes;
	chunk->nbytes += nbytes;
	return item->data;
}

bool ahead_runs_short(const struct ahead *a) {
	/* Without the mutex: it is asked for each name, and being late by a chunk does no harm. */
	return a->nfilled < NFILLED_ENOUGH;
}

/*
 * What the thread says (report_diversion).  A line for which there is no memory is lost, but then
 * the run fails for that.
 */
static void append_line(
    void *context, enum report_severity severity, const char *name, const char *text) {
	size_t text_nbytes = strlen(text) + 1, name_nbytes = name != NULL ? strlen(name) + 1 : 0;
	struct line *line =
	    ahead_append(context, ITEM_LINE, sizeof(*line) + text_nbytes + name_nbytes);

	if (line == NULL)
		return;
	line->severity = severity;
	line->has_name = name != NULL;
	memcpy(line->text, text, text_nbytes);
	if (name != NULL)
		memcpy(line->text + text_nbytes, name, name_nbytes);
}

static void say(struct report *report, const struct line *line) {
	report_line(report, line->severity,
	    line->has_name ? line->text + strlen(line->text) + 1 : NULL, line->text);
}

/*
 * The end must be told whatever happens.  Without memory it is appended once more, when chunks that
 * are large enough have come back; when it stops, nobody waits for it.
 */
static void append_end(struct ahead *a, int code, struct error *err) {
	struct error *end;

	/* What the work returned does not count then: it may have been TARN_OK. */
	if (a->is_over)
		code = err_nomem(err);
	a->is_over = false;
	end = ahead_append(a, ITEM_END, sizeof(*end));
	if (end == NULL)
		return;
	/* With TARN_END nothing else in ${err} was set. */
	if (code == TARN_END)
		end->code = TARN_END;
	else
		*end = *err;
}

/* The thread: the report's lines are diverted while it works, so that they come in order. */
static void *run(void *argument) {
	struct ahead *a = argument;
	struct report_diversion lines = { .to = append_line, .context = a };
	struct error err;
	int r;

	report_divert(a->report, &lines);
	r = a->work(a->context, a, &err);
	report_divert_no_more(a->report, &lines);
	append_end(a, r, &err);
	/* Nothing is left in a->filling, on which free_ahead() relies. */
	if (a->filling != NULL)
		hand_over(a);
	return NULL;
}

/*
 * The current chunk is done with: wait for the next one.  It comes, because the thread always ends
 * with ITEM_END, unless it is stopped, and who stops it does not come here.
 */
static void next_chunk(struct ahead *a) {
	if (a->current != a->kept)
		give_back(a, a->current);
	a->at = 0;
	pthread_mutex_lock(&a->mutex);
	while (a->first == NULL)
		pthread_cond_wait(&a->changed, &a->mutex);
	a->current = a->first;
	a->first = a->current->next;
	a->nfilled--;
	if (a->first == NULL)
		a->last = &a->first;
	pthread_mutex_unlock(&a->mutex);
}

int ahead_peek(struct ahead *a, const struct ahead_item **item, struct error *err) {
	const struct ahead_item *next;
	const struct error *end;

	for (;; ahead_pass(a)) {
		if (a->current == NULL || a->at == a->current->nbytes)
			next_chunk(a);
		next = (const struct ahead_item *)(const void *)(a->current->room + a->at);
		if (next->kind != ITEM_LINE)
			break;
		say(a->report, (const struct line *)(const void *)next->data);
	}
	*item = next;
	if (next->kind != ITEM_END)
		return TARN_OK;
	/* It is never passed, and so found again by who asks once more. */
	end = (const struct error *)(const void *)next->data;
	if (end->code != TARN_END)
		*err = *end;
	return (int)end->code;
}

void ahead_pass(struct ahead *a) {
	const struct ahead_item *item =
	    (const struct ahead_item *)(const void *)(a->current->room + a->at);

	a->at += item->nbytes;
}

void ahead_keep(struct ahead *a) {
	if (a->kept != a->current)
		give_back(a, a->kept);
	a->kept = a->current;
}

static void free_all(struct chunk *chunk) {
	for (struct chunk *next; chunk != NULL; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
}

/* Once there is no thread.  What was not asked for is dropped, lines as well. */
static void free_ahead(struct ahead *a) {
	if (a->kept != a->current)
		free(a->kept);
	free(a->current);
	free_all(a->first);
	free_all(a->free);
	pthread_cond_destroy(&a->changed);
	pthread_mutex_destroy(&a->mutex);
	free(a);
}

void ahead_free(struct ahead *a) {
	if (a == NULL)
		return;
	pthread_mutex_lock(&a->mutex);
	a->stops = true;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->mutex);
	pthread_join(a->thread, NULL);
	free_ahead(a);
}

/* All chunks there will ever be.  False: no memory for all; a->free has some then. */
static bool add_chunks(struct ahead *a, size_t nbytes) {
	for (int i = 0; i < NCHUNKS; i++) {
		struct chunk *chunk = malloc(sizeof(*chunk) + nbytes);

		if (chunk == NULL)
			return false;
		chunk->capacity = nbytes;
		chunk->nbytes = 0;
		chunk->next = a->free;
		a->free = chunk;
	}
	return true;
}

struct ahead *ahead_new(ahead_work *work, void *context, size_t nbytes, struct report *report) {
	struct ahead *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->work = work;
	a->context = context;
	a->report = report;
	a->last = &a->first;
	pthread_mutex_init(&a->mutex, NULL);
	pthread_cond_init(&a->changed, NULL);
	if (!add_chunks(a, nbytes) || !pool_start_thread(&a->thread, run, a)) {
		free_ahead(a);
		return NULL;
	}
	return a;
}
