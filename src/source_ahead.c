#include "config.h"

#include "source_ahead.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "entry_copy.h"
#include "file_reader.h"

/*
 * The thread copies what it gets into chunks, item by item, and hands a chunk over when the next item
 * has no room in it.  There are NCHUNKS: the one it fills, those that wait, and up to two that the
 * caller has, as its entry may be in another one than the content that it has come to.  Chunks are
 * few and large, so that waiting for one another does not count; those given back last are filled
 * first, while the processor's cache has them.
 *
 * The content of small files is read by whoever has time: when the caller had to wait for a chunk, the
 * next one gets files that are open instead of what is in them.
 */

#define NCHUNKS 6
#define CHUNK_NBYTES ((size_t)264 << 10)   /* a block of a file, and some more */
#define SMALL_NBYTES ((off_t)64 << 10)     /* of a file that is handed over */
#define NFILES_MAX 128                     /* open in a chunk */
#define NOTHERS 32                         /* what a walk may need */
#define READ_NBYTES_MIN ((size_t)32 << 10) /* less room is left empty */
#define ALIGNMENT _Alignof(max_align_t)

enum item_kind {
	ITEM_ENTRY,
	ITEM_BLOCK, /* of content of the entry before it */
	ITEM_FILE,  /* all of that */
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
		struct open_file file;
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
	size_t nfiles_left; /* that may still be handed over, open */
	_Alignas(max_align_t) char room[];
};

struct source_ahead {
	struct source base;
	struct source *source;
	struct report *report;
	size_t nfiles_max; /* in a chunk */
	pthread_t thread;

	pthread_mutex_t mutex; /* guards: */
	pthread_cond_t changed;
	struct chunk *free; /* a stack */
	size_t nfree;
	struct chunk *first, **last; /* a queue of those that are filled */
	bool stops;                  /* nobody wants any more */
	bool has_waited;             /* the caller, since a chunk was begun */

	/* the thread's: */
	struct chunk *filling;
	bool is_over; /* an item was not appended: there is no memory, or it stops */

	/* the caller's: */
	struct chunk *current;
	size_t at;                 /* of the next item in it */
	struct chunk *has_entry;   /* what was handed out is in this one */
	struct file_reader reader; /* of its content */
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
	if (chunk != NULL) {
		a->free = chunk->next;
		a->nfree--;
		chunk->nfiles_left = a->has_waited ? a->nfiles_max : 0;
		a->has_waited = false;
	}
	pthread_mutex_unlock(&a->mutex);
	return chunk;
}

/* The thread goes on when half of all are free, so that it has something to do when it is woken. */
static void give_back(struct source_ahead *a, struct chunk *chunk) {
	if (chunk == NULL)
		return;
	chunk->nbytes = 0;
	pthread_mutex_lock(&a->mutex);
	chunk->next = a->free;
	a->free = chunk;
	if (++a->nfree == NCHUNKS / 2)
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

static size_t item_nbytes(size_t nbytes) {
	return (sizeof(struct item) + nbytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Where an item with ${nbytes} behind it has room.  NULL: it is over. */
static struct item *make_room(struct source_ahead *a, size_t nbytes) {
	struct chunk *chunk = a->filling;

	if (chunk != NULL && chunk->capacity - chunk->nbytes < item_nbytes(nbytes))
		hand_over(a);
	if (a->filling == NULL && !begin_chunk(a, item_nbytes(nbytes))) {
		a->is_over = true;
		return NULL;
	}
	chunk = a->filling;
	return (struct item *)(void *)(chunk->room + chunk->nbytes);
}

/* An item with ${nbytes} behind it.  NULL: it is over. */
static struct item *append(struct source_ahead *a, enum item_kind kind, size_t nbytes) {
	struct item *item = make_room(a, nbytes);

	if (item == NULL)
		return NULL;
	item->kind = kind;
	item->nbytes = item_nbytes(nbytes);
	a->filling->nbytes += item->nbytes;
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

/* NULL: it is over. */
static const struct entry *append_entry(struct source_ahead *a, const struct entry *e) {
	struct item *item = append(a, ITEM_ENTRY, entry_copy_nbytes(e));

	if (item != NULL)
		item->entry = entry_copy_to(item->data, e);
	return item != NULL ? item->entry : NULL;
}

/* Append what is in ${file}, read to where it is to be. */
static void append_blocks(struct source_ahead *a, const struct open_file *file) {
	struct file_reader reader = FILE_READER_INIT(a->report);
	struct block block;
	struct error err;
	int r = TARN_OK;

	file_reader_begin(&reader, file);
	while (r == TARN_OK && reader.at < file->size) {
		size_t left = (size_t)(file->size - reader.at);
		size_t room = a->filling->capacity - a->filling->nbytes;
		struct item *item;

		room = room < READ_NBYTES_MIN ? CHUNK_NBYTES : room;
		room -= item_nbytes(ALIGNMENT);
		if (room > left)
			room = left;
		item = make_room(a, room);
		if (item == NULL)
			break;
		r = file_reader_read_to(&reader, item->data, room, &block, &err);
		if (r == TARN_OK)
			append(a, ITEM_BLOCK, block.nbytes)->block = block;
	}
	if (r != TARN_OK && r != TARN_END)
		append_error(a, ITEM_ERROR, r, &err);
	file_reader_end(&reader);
}

/* Append ${file}, with the ${name} that stays with its entry, or what is in it. */
static void append_file(struct source_ahead *a, const struct open_file *file, const char *name) {
	struct item *item;

	if (a->filling->nfiles_left == 0 || file->size > SMALL_NBYTES) {
		append_blocks(a, file);
		return;
	}
	a->filling->nfiles_left--;
	item = append(a, ITEM_FILE, 0);
	if (item == NULL) {
		close(file->fd);
		return;
	}
	item->file = *file;
	item->file.name = name;
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
	struct open_file file;
	struct entry *e;
	struct error err;
	int r = TARN_OK;

	report_divert(a->report, &lines);
	while (!a->is_over && (r = a->source->next(a->source, &e, &err)) == TARN_OK) {
		const struct entry *copy = append_entry(a, e);

		if (copy == NULL || e->type != ENTRY_FILE || e->first_name != NULL)
			continue;
		if (a->source->give_file != NULL && a->source->give_file(a->source, &file))
			append_file(a, &file, copy->path);
		else
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
	a->has_waited = a->has_waited || a->first == NULL;
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

	file_reader_end(&a->reader);
	if (a->has_entry != a->current)
		give_back(a, a->has_entry);
	a->has_entry = NULL;
	while ((item = next_item(a))->kind != ITEM_ENTRY) {
		if (item->kind == ITEM_END)
			return failure(item, err);
		if (item->kind == ITEM_FILE)
			close(item->file.fd);
		a->at += item->nbytes;
	}
	a->at += item->nbytes;
	a->has_entry = a->current;
	*e = item->entry;
	return TARN_OK;
}

static int source_ahead_read(struct source *source, struct block *block, struct error *err) {
	struct source_ahead *a = (struct source_ahead *)source;
	const struct item *item;

	if (a->reader.file.fd >= 0)
		return file_reader_read(&a->reader, block, err);
	item = next_item(a);
	if (item->kind == ITEM_FILE) {
		file_reader_begin(&a->reader, &item->file);
		a->at += item->nbytes;
		return file_reader_read(&a->reader, block, err);
	}
	if (item->kind == ITEM_ERROR)
		return failure(item, err);
	if (item->kind != ITEM_BLOCK)
		return TARN_END;
	a->at += item->nbytes;
	*block = item->block;
	return TARN_OK;
}

static void free_chunk(struct chunk *chunk, size_t at) {
	while (chunk != NULL && at < chunk->nbytes) {
		const struct item *item = (const struct item *)(const void *)(chunk->room + at);

		if (item->kind == ITEM_FILE)
			close(item->file.fd);
		at += item->nbytes;
	}
	free(chunk);
}

static void free_all(struct chunk *chunk) {
	for (struct chunk *next; chunk != NULL; chunk = next) {
		next = chunk->next;
		free_chunk(chunk, 0);
	}
}

/* Once there is no thread. */
static void free_source(struct source_ahead *a) {
	file_reader_fini(&a->reader);
	if (a->has_entry != a->current)
		free(a->has_entry);
	free_chunk(a->current, a->at);
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
		a->nfree++;
	}
	return true;
}

/*
 * Two chunks may have that many; NOTHERS descriptors and half of the others are for others.  Who started
 * the program may have left it some: what is behind the first free number is counted on.  Low numbers
 * do not tell, there may be gaps.
 */
static size_t max_files(void) {
	int first = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, NOTHERS);
	long n = (sysconf(_SC_OPEN_MAX) - first - NOTHERS) / 4;

	if (first < 0)
		return 0;
	close(first);
	return n < 0 ? 0 : n < NFILES_MAX ? (size_t)n : NFILES_MAX;
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
	a->nfiles_max = max_files();
	a->last = &a->first;
	a->reader = (struct file_reader)FILE_READER_INIT(report);
	pthread_mutex_init(&a->mutex, NULL);
	pthread_cond_init(&a->changed, NULL);
	if (!add_chunks(a) || !start(a)) {
		free_source(a);
		return NULL;
	}
	return &a->base;
}
