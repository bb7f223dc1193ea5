#ifndef TARN_POOL_H
#define TARN_POOL_H

#include <pthread.h>
#include <stdbool.h>

#include "error.h"

/*
 * Threads that run jobs.  Jobs are begun in the order in which they were submitted; whoever submits
 * them waits for each, in whatever order it likes, and so results leave in an order that has
 * nothing to do with the number of threads.  A pool belongs to one thread: only that submits and
 * waits.  Jobs do neither.
 *
 * A pool of one thread has none of its own: jobs run while they are waited for.  The same where
 * the system refuses to make any.
 */

struct pool;

/* Embed it.  Until it was waited for it belongs to the pool. */
struct pool_job {
	/**
	 * ${worker} is below the pool's number of threads, and of no other job at the same time.
	 */
	void (*run)(struct pool_job *job, unsigned int worker);
	/* the pool's: */
	struct pool_job *next;
	enum { JOB_IDLE, JOB_QUEUED, JOB_RUNNING, JOB_DONE } state;
};

/** ${wanted}, or as many as there are cores this process may run on when that is 0; at least 1. */
unsigned int pool_nthreads(unsigned int wanted);

/** Threads are made when they are first needed.  TARN_ENOMEM. */
int pool_new(struct pool **pool, unsigned int nthreads, struct error *err);

/** Cannot fail; ${job} must not be in the pool already. */
void pool_submit(struct pool *pool, struct pool_job *job);

/** Until ${job} has run; returns at once when it is in no pool. */
void pool_wait(struct pool *pool, struct pool_job *job);

/** Take ${job} back: it is not begun any more, or else waited for. */
void pool_cancel(struct pool *pool, struct pool_job *job);

/** End the threads.  All jobs must have been waited for or cancelled.  NULL is legal. */
void pool_free(struct pool *pool);

/**
 * A thread beside any pool, as pthread_create() makes it, but one that takes no signals: those are
 * for the thread that has a handler's data.  False: the system refuses to make it.
 */
bool pool_start_thread(pthread_t *thread, void *(*run)(void *data), void *data);

#endif
