#ifndef TARN_AHEAD_H
#define TARN_AHEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "report.h"

/*
 * A thread of its own that is ahead of who wants what it makes: items of any size, in order, in a
 * buffer of a fixed size (but for what is larger alone).  What it says is said when its turn comes.
 */
struct ahead;

struct ahead_item {
	int kind;      /* the user's, not less than 0 */
	size_t nbytes; /* with what is behind it */
	_Alignas(max_align_t) char data[];
};

/**
 * What the thread does: append items until there are no more or one cannot be appended.
 * Returns TARN_END or an error, which is then told behind the last item.
 */
typedef int ahead_work(void *context, struct ahead *ahead, struct error *err);

/**
 * Begin to ${work}.  Items are handed over in chunks of ${nbytes} bytes (more for an item that is
 * larger alone), and the thread is ahead by at most six of them.  NULL: there is no memory, or no
 * thread.
 */
struct ahead *ahead_new(ahead_work *work, void *context, size_t nbytes, struct report *report);

/**
 * Wait for the thread, which has no more to do than to see that nobody wants its items; NULL is
 * fine.
 */
void ahead_free(struct ahead *ahead);

/**
 * For the thread: append an item with ${nbytes} of data, to be filled in before the next is
 * appended.  NULL: nobody wants it, or there is no memory; the thread is to return, and what it
 * returns then does not count.
 */
void *ahead_append(struct ahead *ahead, int kind, size_t nbytes);

/** For the thread: is so little handed over that the caller may have to wait before long? */
bool ahead_runs_short(const struct ahead *ahead);

/**
 * The next item, which stays the next one until ahead_pass; it is borrowed until the one behind it
 * is asked for.  Returns TARN_OK, or what the work has returned, now and from then on.
 */
int ahead_peek(struct ahead *ahead, const struct ahead_item **item, struct error *err);
/** Go on to the item behind the one that ahead_peek has returned with TARN_OK. */
void ahead_pass(struct ahead *ahead);
/** Keep that item, before it is passed, until another one is kept. */
void ahead_keep(struct ahead *ahead);

#endif
