#include "config.h"

#include "lanes.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "entry_copy.h"
#include "kept_content.h"
#include "key_set.h"
#include "lane_batch.h"
#include "member_order.h"
#include "ordered_lines.h"
#include "pool.h"

/*
 * The caller reads the archive and deals members out to lanes; each lane is a thread with a queue.
 * A member is copied, small content included, into the batch that is being filled for its lane, and
 * the lane gets the batch when it is full (lane_batch.h): handing over single members would mean a
 * lock for each of them, and often a thread to be woken.
 *
 * A task is a member in a batch.  Its turn is its number among all tasks, and it may only be done
 * after certain others, of lower turns, on other lanes (member_order.h).  As nobody waits for a
 * higher turn, the unfinished task with the lowest one can always go on, and there is no deadlock.
 * That only holds for what the lanes have: before a task that has to wait is appended, all that it
 * waits for is handed over, so that nobody waits for what lies in a batch here.
 *
 * How far a lane has come is an atomic number, which it sets without a lock for each task: a lock
 * is only needed when it has passed what somebody waits for.  Who waits says for which turn before
 * he looks at the lane's, and the lane sets its turn before it looks which is awaited.  Both are
 * sequentially consistent, so that one of the two sees the other, and no wake-up is lost.
 */

/*
 * Larger content is not copied, but lent or put by the caller.  A batch has more than BATCH_NBYTES
 * only for a single member that needs it, so this also bounds what a lane takes.
 */
#define SMALL_NBYTES ((off_t)128 << 10)
/*
 * Batches that may wait on a lane.  They should be of several directories: with fewer of them two
 * lanes are in one directory more often, which makes small files on ext4 slower (HACKING.md).
 */
#define NBATCHES_MAX 48
/* The load of a lane whose queue is full, and that at which a lane is lent nothing more. */
#define LOAD_MAX (NBATCHES_MAX * (off_t)BATCH_NBYTES)
#define LENT_MAX ((off_t)256 << 20)

struct lane {
	struct lanes *lanes;
	unsigned int number;
	pthread_t thread;
	bool is_running;
	struct lines_of_thread *lines;
	/* The caller's: what is being filled, and empty ones to be filled again. */
	struct batch *filling, *spare;
	char *buf;          /* for content that is lent; NULL until needed */
	_Atomic off_t lent; /* bytes of it that are on their way */
	/* Of the task that is done, or comes next; UINT64_MAX: none, which is under the mutex. */
	_Atomic uint64_t turn;
	/* The lowest turn that somebody waits for to be passed; UINT64_MAX: nobody waits. */
	_Atomic uint64_t awaited;
	pthread_mutex_t mutex; /* guards what follows */
	/* For whoever waits for the turn, for the lane itself, and for the caller. */
	pthread_cond_t passes, has_work, has_room;
	struct batch *first, **last;
	struct batch *emptied; /* by the lane; to become spare */
	atomic_uint nbatches;  /* is read without it, too */
	bool ends;
};

/* Only the caller's thread changes what is neither atomic nor guarded. */
struct lanes {
	lane_put *put;
	void *context;
	struct member_order order;
	uint64_t turn;     /* of the last task */
	unsigned int idle; /* the lane with the least to do, as of when a batch became full */
	struct ordered_lines *lines;
	struct lines_of_thread *own_lines; /* of the caller's thread */
	atomic_bool has_failed;
	pthread_mutex_t mutex; /* guards: */
	struct error err;      /* the first */
	unsigned int nlanes;
	struct lane all[];
};

/* From now on lanes only throw away what they have: only the first error is handed on. */
static void fail(struct lanes *lanes, const struct error *err) {
	pthread_mutex_lock(&lanes->mutex);
	if (!lanes->has_failed)
		lanes->err = *err;
	lanes->has_failed = true;
	pthread_mutex_unlock(&lanes->mutex);
}

static int failure(struct lanes *lanes, struct error *err) {
	if (!lanes->has_failed)
		return TARN_OK;
	pthread_mutex_lock(&lanes->mutex);
	*err = lanes->err;
	pthread_mutex_unlock(&lanes->mutex);
	return (int)err->code;
}

/* Wait until all lanes but ${but} (may be NULL) are behind ${turn}. */
static void wait_for_turn(struct lanes *lanes, const struct lane *but, uint64_t turn) {
	for (unsigned int i = 0; i < lanes->nlanes; i++) {
		struct lane *lane = &lanes->all[i];

		/* An idle lane is behind all turns; what it gets meanwhile has higher ones. */
		if (lane == but || lane->turn > turn)
			continue;
		pthread_mutex_lock(&lane->mutex);
		for (;;) {
			/* Each time: a lane that wakes all who wait forgets what for. */
			if (lane->awaited > turn)
				lane->awaited = turn;
			if (lane->turn > turn)
				break;
			pthread_cond_wait(&lane->passes, &lane->mutex);
		}
		pthread_mutex_unlock(&lane->mutex);
	}
}

/* ${lane} has come to ${turn}; the order of the two steps is that of the paragraph above. */
static void set_turn(struct lane *lane, uint64_t turn) {
	lane->turn = turn;
	if (lane->awaited >= turn)
		return;
	/* With the mutex, so that it does not come between the waiter's look and his sleep. */
	pthread_mutex_lock(&lane->mutex);
	lane->awaited = UINT64_MAX;
	pthread_cond_broadcast(&lane->passes);
	pthread_mutex_unlock(&lane->mutex);
}

static void do_task(struct lane *lane, const struct task *task) {
	struct lanes *lanes = lane->lanes;
	struct kept_source content;
	struct error err;

	kept_source_init(&content, &task->content, &lane->buf);
	/* Before it waits itself: others may wait for what this lane has done before. */
	set_turn(lane, task->turn);
	lane->lines->turn = task->turn;
	if (task->after > 0)
		wait_for_turn(lanes, lane, task->after);
	if (lanes->put(lanes->context, lane->number, task->entry, task->number, &content.base,
	        &err) != TARN_OK)
		fail(lanes, &err);
	lane->lent -= task->content.place.nbytes;
}

/*
 * The next batch of ${lane}; waits until there is one.  NULL: there will be none.  The one that it
 * took before, ${emptied} (NULL: none), must be done: if nothing is left, it says that all is.
 */
static struct batch *take_batch(struct lane *lane, struct batch *emptied) {
	struct batch *batch;

	pthread_mutex_lock(&lane->mutex);
	if (emptied != NULL) {
		emptied->next = lane->emptied;
		lane->emptied = emptied;
	}
	if (lane->first == NULL) {
		lane->turn = UINT64_MAX;
		lane->awaited = UINT64_MAX;
		pthread_cond_broadcast(&lane->passes);
	}
	while (lane->first == NULL && !lane->ends)
		pthread_cond_wait(&lane->has_work, &lane->mutex);
	batch = lane->first;
	if (batch != NULL) {
		lane->first = batch->next;
		if (lane->first == NULL)
			lane->last = &lane->first;
		/* Not for each batch: the caller would wake up only to wait again. */
		if (--lane->nbatches == NBATCHES_MAX / 2)
			pthread_cond_signal(&lane->has_room);
	}
	pthread_mutex_unlock(&lane->mutex);
	return batch;
}

static void *run_lane(void *argument) {
	struct lane *lane = argument;
	struct batch *batch = NULL;
	struct error err;

	lines_keep(lane->lines);
	while ((batch = take_batch(lane, batch)) != NULL) {
		/* After a failure the queue is still emptied, so that nobody waits for ever. */
		for (const struct task *t = batch->first; t != NULL; t = t->next) {
			if (failure(lane->lanes, &err) == TARN_OK)
				do_task(lane, t);
		}
	}
	lines_keep_no_more(lane->lines);
	return NULL;
}

/* Hand over what is being filled for ${lane}, if anything is, as soon as it has room for it. */
static void hand_over(struct lane *lane) {
	struct batch *batch = lane->filling;

	if (batch == NULL)
		return;
	lane->filling = NULL;
	pthread_mutex_lock(&lane->mutex);
	while (lane->nbatches == NBATCHES_MAX)
		pthread_cond_wait(&lane->has_room, &lane->mutex);
	*lane->last = batch;
	lane->last = &batch->next;
	lane->nbatches++;
	if (lane->spare == NULL) {
		lane->spare = lane->emptied;
		lane->emptied = NULL;
	}
	/* Who waits for these tasks must see at once that the lane is not idle any more. */
	if (lane->turn == UINT64_MAX)
		lane->turn = batch->first->turn;
	pthread_cond_signal(&lane->has_work);
	pthread_mutex_unlock(&lane->mutex);
}

/*
 * Up to which turn is all complete?  Never the last one: its task may not be in any batch yet, so
 * that no lane shows that it is missing.
 */
static uint64_t done(struct lanes *lanes) {
	uint64_t turn = lanes->turn - 1;

	for (unsigned int i = 0; i < lanes->nlanes; i++) {
		const struct lane *lane = &lanes->all[i];
		/* It may go on between two looks at it. */
		uint64_t its = lane->turn;

		if (its <= turn)
			turn = its - 1;
		if (lane->filling != NULL && lane->filling->first->turn <= turn)
			turn = lane->filling->first->turn - 1;
	}
	return turn;
}

/* Say what was said at turns up to ${turn}.  Nothing that this thread says is kept meanwhile. */
static void say(struct lanes *lanes, uint64_t turn) {
	lines_keep_no_more(lanes->own_lines);
	ordered_lines_say(lanes->lines, turn);
	lines_keep(lanes->own_lines);
}

static void hand_over_all(struct lanes *lanes) {
	for (unsigned int i = 0; i < lanes->nlanes; i++)
		hand_over(&lanes->all[i]);
}

/* Lanes but ${but} on which no batch waits get what is being filled for them, full or not. */
static void feed_idle(struct lanes *lanes, const struct lane *but) {
	for (unsigned int i = 0; i < lanes->nlanes; i++) {
		struct lane *lane = &lanes->all[i];

		if (lane != but && lane->nbatches == 0)
			hand_over(lane);
	}
}

/* How much has ${lane} to do, in bytes?  Batches count as full: short members take time as well. */
static off_t load(const struct lane *lane) {
	return lane->lent + (off_t)(lane->nbatches * BATCH_NBYTES);
}

/* Find the lane with the least to do.  Of several it is the next one, so that all get a share. */
static void find_idle(struct lanes *lanes) {
	unsigned int next = (lanes->idle + 1) % lanes->nlanes;

	lanes->idle = next;
	for (unsigned int i = 1; i < lanes->nlanes; i++) {
		unsigned int number = (next + i) % lanes->nlanes;

		if (load(&lanes->all[number]) < load(&lanes->all[lanes->idle]))
			lanes->idle = number;
	}
}

/*
 * The lane for a member that belongs where ${home} says.  Unless it is bound, it does not go to a
 * lane whose queue is full while that of another is half empty: the caller would have to wait.
 */
static unsigned int choose_lane(const struct lanes *lanes, struct member_home home) {
	if (home.is_bound)
		return home.lane;
	if (home.lane == NO_LANE ||
	    (load(&lanes->all[home.lane]) >= LOAD_MAX &&
	        load(&lanes->all[lanes->idle]) <= LOAD_MAX / 2))
		return lanes->idle;
	return home.lane;
}

/* Hand over what ${lane} is to do, and see how far the lanes have come. */
static void hand_over_and_look(struct lane *lane) {
	struct lanes *lanes = lane->lanes;

	hand_over(lane);
	feed_idle(lanes, lane);
	find_idle(lanes);
	lanes->order.done = done(lanes);
	say(lanes, lanes->order.done);
}

/* An empty batch for ${lane} with room for ${nbytes}; NULL: there is no memory. */
static struct batch *empty_batch(struct lane *lane, size_t nbytes) {
	struct batch *batch = lane->spare;

	if (batch == NULL)
		return batch_new(nbytes);
	lane->spare = batch->next;
	if (batch->capacity < nbytes) {
		/* Not left there, or there would be more and more of them. */
		free(batch);
		return batch_new(nbytes);
	}
	batch_empty(batch);
	return batch;
}

/*
 * Append ${e}, with room for ${content_nbytes} more, to what ${lane} is to do.  NULL: there is no
 * memory.
 */
static struct task *append(struct lane *lane, const struct entry *e, size_t number, uint64_t after,
    size_t content_nbytes) {
	size_t entry_nbytes = entry_copy_nbytes(e);
	size_t nbytes = batch_nbytes_for(entry_nbytes, content_nbytes);
	struct task *task;

	if (lane->filling != NULL && !batch_has_room(lane->filling, nbytes))
		hand_over_and_look(lane);
	if (lane->filling == NULL)
		lane->filling = empty_batch(lane, nbytes);
	if (lane->filling == NULL)
		return NULL;
	task = batch_append(lane->filling, e, entry_nbytes);
	task->number = number;
	task->turn = lane->lanes->turn;
	task->after = after;
	return task;
}

/*
 * The content of ${task}, the last one of ${lane}, is ${lent}: that may take as long as all that
 * comes behind it, which nobody is to wait for.
 */
static void lend_content(struct lane *lane, struct task *task, const struct kept_content *lent) {
	task->content = *lent;
	lane->lent += lent->place.nbytes;
	hand_over_and_look(lane);
}

/*
 * Put ${e} here and now, as soon as it is its turn.  It needs no number among the turns: it is done
 * before another task is appended.
 */
static int put_at_once(struct lanes *lanes, const struct entry *e, size_t number,
    struct source *from, struct error *err) {
	uint64_t after;
	int r = member_order_pass(&lanes->order, e, &after, err);

	if (r != TARN_OK)
		return r;
	/* Up to that all is known to be complete, without a look at the lanes. */
	if (after > lanes->order.done) {
		hand_over_all(lanes);
		wait_for_turn(lanes, NULL, after);
	}
	/* Also of what was waited for. */
	r = failure(lanes, err);
	if (r != TARN_OK)
		return r;
	return lanes->put(lanes->context, lanes->nlanes, e, number, from, err);
}

/*
 * The next turn begins.  What this thread says is to wait for its own from now on, also after
 * lanes_wait.
 */
static void next_turn(struct lanes *lanes) {
	lanes->own_lines->turn = ++lanes->turn;
	lines_keep(lanes->own_lines);
}

/*
 * Is the large content of ${from} ${lent} to lanes?  Not when all have much to do: the caller can
 * do something as well, and what is in memory now may not be by then.
 */
static bool borrow(struct lanes *lanes, struct source *from, struct kept_content *lent) {
	find_idle(lanes);
	return load(&lanes->all[lanes->idle]) < LENT_MAX && kept_content_borrow(lent, from);
}

int lanes_put(struct lanes *lanes, const struct entry *e, size_t number, struct source *from,
    struct error *err) {
	struct kept_content lent;
	struct member_home home;
	unsigned int lane;
	uint64_t after;
	bool is_large = e->size > SMALL_NBYTES;
	bool copies = !is_large && e->type == ENTRY_FILE && e->size > 0;
	struct task *task;
	int r;

	/* Directories must be there for what comes next, and holes that are copied become zeros. */
	if ((e->type == ENTRY_DIRECTORY && e->first_name == NULL) || e->is_sparse ||
	    (is_large && !borrow(lanes, from, &lent)))
		return put_at_once(lanes, e, number, from, err);
	next_turn(lanes);
	r = member_order_find_home(&lanes->order, e, &home, err);
	if (r != TARN_OK)
		return r;
	/* That two lanes meet in one directory matters less than who has time for its content. */
	if (is_large && !home.is_bound)
		home.lane = NO_LANE;
	lane = choose_lane(lanes, home);
	after = member_order_add(&lanes->order, &home, lanes->turn, lane);
	/* These first: once it is appended, the task may be handed over itself. */
	for (unsigned int i = 0; i < lanes->nlanes && after > 0; i++) {
		const struct batch *filling = lanes->all[i].filling;

		if (i != lane && filling != NULL && filling->first->turn <= after)
			hand_over(&lanes->all[i]);
	}
	task = append(&lanes->all[lane], e, number, after, copies ? (size_t)e->size : 0);
	if (task == NULL)
		return err_nomem(err);
	if (is_large)
		lend_content(&lanes->all[lane], task, &lent);
	else if (copies)
		batch_copy_content(lanes->all[lane].filling, task, from);
	return failure(lanes, err);
}

int lanes_put_anyhow(struct lanes *lanes, const struct entry *e, size_t number, struct error *err) {
	int r = failure(lanes, err);

	if (r != TARN_OK)
		return r;
	next_turn(lanes);
	return append(&lanes->all[lanes->idle], e, number, 0, 0) != NULL ? TARN_OK : err_nomem(err);
}

/* Let the threads do what was handed over, and end.  Some may not have been started. */
static void end_lanes(struct lanes *lanes) {
	for (unsigned int i = 0; i < lanes->nlanes; i++) {
		struct lane *lane = &lanes->all[i];

		pthread_mutex_lock(&lane->mutex);
		lane->ends = true;
		pthread_cond_signal(&lane->has_work);
		pthread_mutex_unlock(&lane->mutex);
	}
	for (unsigned int i = 0; i < lanes->nlanes; i++) {
		if (lanes->all[i].is_running)
			pthread_join(lanes->all[i].thread, NULL);
		lanes->all[i].is_running = false;
	}
}

int lanes_wait(struct lanes *lanes, struct error *err) {
	hand_over_all(lanes);
	wait_for_turn(lanes, NULL, lanes->turn);
	/* All is put, so what the caller says next is said at once. */
	lines_keep_no_more(lanes->own_lines);
	ordered_lines_say(lanes->lines, lanes->turn);
	return failure(lanes, err);
}

void lanes_free(struct lanes *lanes) {
	if (lanes == NULL)
		return;
	end_lanes(lanes);
	for (unsigned int i = 0; i < lanes->nlanes; i++) {
		struct lane *lane = &lanes->all[i];

		/* What was not handed over is given up. */
		free(lane->filling);
		batch_free_all(lane->spare);
		batch_free_all(lane->emptied);
		free(lane->buf);
		pthread_cond_destroy(&lane->passes);
		pthread_cond_destroy(&lane->has_work);
		pthread_cond_destroy(&lane->has_room);
		pthread_mutex_destroy(&lane->mutex);
	}
	pthread_mutex_destroy(&lanes->mutex);
	member_order_fini(&lanes->order);
	lines_keep_no_more(lanes->own_lines);
	ordered_lines_free(lanes->lines);
	free(lanes);
}

/* The turn of a lane without work is behind all others, also before its thread runs. */
static void lane_init(struct lane *lane, struct lanes *lanes, unsigned int number) {
	*lane = (struct lane){
		.lanes = lanes,
		.number = number,
		.turn = UINT64_MAX,
		.awaited = UINT64_MAX,
	};
	lane->lines = ordered_lines_of(lanes->lines, number);
	pthread_mutex_init(&lane->mutex, NULL);
	pthread_cond_init(&lane->passes, NULL);
	pthread_cond_init(&lane->has_work, NULL);
	pthread_cond_init(&lane->has_room, NULL);
	lane->last = &lane->first;
}

/* Start all threads, as members are dealt out to every lane.  False: some are not to be had. */
static bool start(struct lanes *lanes) {
	bool runs = true;

	for (unsigned int i = 0; i < lanes->nlanes && runs; i++) {
		struct lane *lane = &lanes->all[i];

		runs = pool_start_thread(&lane->thread, run_lane, lane);
		lane->is_running = runs;
	}
	return runs;
}

struct lanes *lanes_new(unsigned int nlanes, lane_put *put, void *context, struct report *report) {
	struct lanes *lanes = calloc(1, sizeof(*lanes) + nlanes * sizeof(lanes->all[0]));

	if (lanes == NULL)
		return NULL;
	lanes->lines = ordered_lines_new(nlanes + 1, report);
	if (lanes->lines == NULL) {
		free(lanes);
		return NULL;
	}
	lanes->own_lines = ordered_lines_of(lanes->lines, nlanes);
	lanes->put = put;
	lanes->context = context;
	lanes->nlanes = nlanes;
	lanes->order.seed = key_seed();
	pthread_mutex_init(&lanes->mutex, NULL);
	for (unsigned int i = 0; i < nlanes; i++)
		lane_init(&lanes->all[i], lanes, i);
	if (!start(lanes)) {
		lanes_free(lanes);
		return NULL;
	}
	/* Only now: without lanes the lines of this thread are nobody's to keep. */
	lines_keep(lanes->own_lines);
	return lanes;
}
