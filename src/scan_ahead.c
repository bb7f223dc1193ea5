#include "config.h"

#include "scan_ahead.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ahead.h"
#include "statx_entry.h"

/*
 * What the thread has met is walked once more behind it, without listing: the other walk opens the
 * directories that something is read in, or looked at.
 *
 * There are two walks because a walk is at one place: the scan's is far ahead when somebody opens a
 * file.  The second one follows from the depths alone: a name that is less deep than the walk means
 * that directories were left, and a directory that is entered was the name before.
 *
 * Both threads look at names (statx), whoever has the time; HACKING.md has what that is worth.
 */

#define CHUNK_NBYTES ((size_t)32 << 10) /* some 90 names */
#define OLD_MS 50 /* were all looks compared, empty files would take a tenth longer */

/* Of a name; as the names in one directory follow each other, only what differs. */
struct item {
	struct scanned scanned; /* but for its walk, which is the thread's and goes on */
	int64_t when;           /* it was looked at */
	size_t depth;
	char component[]; /* the last one of the path; the whole path of an operand */
};

/* But for ${ahead} all of it belongs to the caller. */
struct scan_ahead {
	struct ahead *ahead;
	struct walk walk;
	struct scanned at;
};

/* Now, in milliseconds: a few more or less do not count, but what it costs to ask does. */
static int64_t now(void) {
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/* The work of the thread, which alone calls scan_next(). */
static int fetch(void *context, struct ahead *ahead, struct error *err) {
	struct scan *scan = context;
	struct scanned *scanned;
	int r;

	while ((r = scan_next(scan, &scanned, err)) == TARN_OK) {
		const char *component = walk_name(scanned->walk);
		size_t nbytes = strlen(component) + 1;
		struct item *item;
		int64_t when;

		/* Otherwise the caller looks, who would soon have to wait. */
		if (scanned->takes_part && !scanned->is_looked_at && !ahead_runs_short(ahead))
			scan_look(scan, scanned);
		when = now();
		item = ahead_append(ahead, 0, sizeof(*item) + nbytes);

		if (item == NULL)
			break;
		item->scanned = *scanned;
		item->when = when;
		item->depth = scanned->walk->depth;
		memcpy(item->component, component, nbytes);
	}
	return r;
}

/*
 * Go into the directory that was handed out last.  The thread had it open as this very inode;
 * should it be another one by now that is noticed if it is opened (ESTALE).
 */
static int enter(struct scan_ahead *a, struct error *err) {
	struct identity id = identity_from_statx(&a->at.stx);

	return walk_enter(&a->walk, id.dev, id.ino, err);
}

/*
 * Bring the walk to the name of ${item}.  A base that was there and is no more will be missed with
 * each name that is opened below it.
 */
static int go_to(struct scan_ahead *a, const struct item *item, struct error *err) {
	int r;

	while (a->walk.depth > item->depth)
		walk_leave(&a->walk);
	if (item->depth > 0)
		return walk_set_name(&a->walk, item->component, err);
	r = walk_begin(&a->walk, item->scanned.operand->directory, item->component, err);
	return r == TARN_ESYSTEM ? TARN_OK : r;
}

int scan_ahead_next(struct scan_ahead *a, struct scanned **scanned, struct error *err) {
	const struct ahead_item *next;
	const struct item *item;
	int r = a->at.is_entered ? enter(a, err) : TARN_OK;

	a->at.is_entered = false;
	if (r == TARN_OK)
		r = ahead_peek(a->ahead, &next, err);
	if (r != TARN_OK)
		return r;
	/* Passed, but there until the next one is asked for. */
	ahead_pass(a->ahead);
	item = (const struct item *)(const void *)next->data;
	r = go_to(a, item, err);
	a->at = item->scanned;
	a->at.walk = &a->walk;
	a->at.is_old = a->at.is_looked_at && now() - item->when > OLD_MS;
	*scanned = &a->at;
	return r;
}

struct scan_ahead *scan_ahead_new(
    struct scan *scan, const struct options *o, struct report *report) {
	struct scan_ahead *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->walk = (struct walk)WALK_INIT;
	a->walk.follow = o->dereference;
	a->ahead = ahead_new(fetch, scan, CHUNK_NBYTES, report);
	if (a->ahead == NULL) {
		free(a);
		return NULL;
	}
	return a;
}

void scan_ahead_free(struct scan_ahead *a) {
	if (a == NULL)
		return;
	ahead_free(a->ahead);
	walk_fini(&a->walk);
	free(a);
}
