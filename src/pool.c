#include "config.h"

#include "pool.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * One mutex guards a queue and the state of every job.  Jobs are large (a piece of an archive), so
 * that neither it nor waking everybody who waits costs anything that could be measured.
 *
 * A thread is added when a job is submitted and none is free for it, so that a small archive does
 * not pay for threads that it has no work for.  They stay until the pool ends.  Where there are
 * none, a wait runs jobs from the front of the queue, in the order in which threads would begin
 * them, until it has run the one that is waited for.
 */

/* The mutex guards all of it, and the state and next of all jobs. */
struct pool {
	pthread_mutex_t mutex;
	pthread_cond_t submitted;      /* or the pool ends */
	pthread_cond_t done;           /* some job is */
	struct pool_job *first, **end; /* jobs that are queued; one that runs is in no list */
	unsigned int nqueued;
	unsigned int nwaiting; /* threads without a job, woken or not */
	/* There are; there may be: once the system has refused one, no more than there are. */
	unsigned int nthreads, nthreads_max;
	bool ends;
	struct worker { /* its place here is the number that jobs are told */
		struct pool *pool;
		pthread_t thread;
	} workers[];
};

unsigned int pool_nthreads(unsigned int wanted) {
	cpu_set_t set;
	long n;

	if (wanted > 0)
		return wanted;
	/* It fails where there are more than a set has room for. */
	n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) :
	                                                   sysconf(_SC_NPROCESSORS_ONLN);
	return n > 0 ? (unsigned int)n : 1;
}

bool pool_start_thread(pthread_t *thread, void *(*run)(void *data), void *data) {
	sigset_t all, before;
	int errnum;

	/* A thread begins with the mask of the one that makes it, so there is no moment without. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	errnum = pthread_create(thread, NULL, run, data);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return errnum == 0;
}

/* Take the job to which ${from} leads out of the queue.  Its state is the caller's to set. */
static struct pool_job *take(struct pool *pool, struct pool_job **from) {
	struct pool_job *job = *from;

	*from = job->next;
	if (*from == NULL)
		pool->end = from;
	pool->nqueued--;
	return job;
}

/* Run the job that is first in the queue; the mutex is held before and behind it. */
static void run_first(struct pool *pool, unsigned int worker) {
	struct pool_job *job = take(pool, &pool->first);

	job->state = JOB_RUNNING;
	pthread_mutex_unlock(&pool->mutex);
	job->run(job, worker);
	pthread_mutex_lock(&pool->mutex);
	/* From here on it is its owner's again, who may free it. */
	job->state = JOB_DONE;
	pthread_cond_broadcast(&pool->done);
}

/* A thread of the pool: run jobs until it ends, when none are left. */
static void *work(void *data) {
	struct worker *worker = data;
	struct pool *pool = worker->pool;

	pthread_mutex_lock(&pool->mutex);
	while (!pool->ends) {
		/* What came while this thread had a job was signalled to nobody. */
		if (pool->first != NULL) {
			run_first(pool, (unsigned int)(worker - pool->workers));
			continue;
		}
		pool->nwaiting++;
		pthread_cond_wait(&pool->submitted, &pool->mutex);
		pool->nwaiting--;
	}
	pthread_mutex_unlock(&pool->mutex);
	return NULL;
}

int pool_new(struct pool **pool, unsigned int nthreads, struct error *err) {
	struct pool *fresh = calloc(1, sizeof(*fresh) + nthreads * sizeof(fresh->workers[0]));

	if (fresh == NULL)
		return err_nomem(err);
	/* With the default attributes these cannot fail. */
	pthread_mutex_init(&fresh->mutex, NULL);
	pthread_cond_init(&fresh->submitted, NULL);
	pthread_cond_init(&fresh->done, NULL);
	fresh->end = &fresh->first;
	fresh->nthreads_max = nthreads;
	*pool = fresh;
	return TARN_OK;
}

/* One more thread, if the system lets us; else there will be no more.  The mutex is held. */
static void add_thread(struct pool *pool) {
	struct worker *worker = &pool->workers[pool->nthreads];

	worker->pool = pool;
	if (pool_start_thread(&worker->thread, work, worker))
		pool->nthreads++;
	else
		pool->nthreads_max = pool->nthreads;
}

void pool_submit(struct pool *pool, struct pool_job *job) {
	pthread_mutex_lock(&pool->mutex);
	job->state = JOB_QUEUED;
	job->next = NULL;
	*pool->end = job;
	pool->end = &job->next;
	pool->nqueued++;
	if (pool->nthreads_max > 1 && pool->nqueued > pool->nwaiting &&
	    pool->nthreads < pool->nthreads_max)
		add_thread(pool);
	pthread_cond_signal(&pool->submitted);
	pthread_mutex_unlock(&pool->mutex);
}

void pool_wait(struct pool *pool, struct pool_job *job) {
	pthread_mutex_lock(&pool->mutex);
	while (job->state == JOB_QUEUED || job->state == JOB_RUNNING) {
		/*
		 * Maybe one that was submitted before it.  Without threads nobody else is worker 0.
		 */
		if (pool->nthreads == 0)
			run_first(pool, 0);
		else
			pthread_cond_wait(&pool->done, &pool->mutex);
	}
	job->state = JOB_IDLE;
	pthread_mutex_unlock(&pool->mutex);
}

void pool_cancel(struct pool *pool, struct pool_job *job) {
	struct pool_job **from = &pool->first;

	pthread_mutex_lock(&pool->mutex);
	if (job->state == JOB_QUEUED) {
		while (*from != job)
			from = &(*from)->next;
		take(pool, from)->state = JOB_IDLE;
	}
	pthread_mutex_unlock(&pool->mutex);
	/* One that runs cannot be taken back. */
	pool_wait(pool, job);
}

void pool_free(struct pool *pool) {
	if (pool == NULL)
		return;
	pthread_mutex_lock(&pool->mutex);
	pool->ends = true;
	pthread_cond_broadcast(&pool->submitted);
	pthread_mutex_unlock(&pool->mutex);
	for (unsigned int i = 0; i < pool->nthreads; i++)
		pthread_join(pool->workers[i].thread, NULL);
	pthread_cond_destroy(&pool->submitted);
	pthread_cond_destroy(&pool->done);
	pthread_mutex_destroy(&pool->mutex);
	free(pool);
}
