#include "config.h"

#include "pool.h"

#include <check.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "suite.h"

/* Jobs on threads, and their results in the order of whoever waits. */

#define NJOBS 200

struct square {
	struct pool_job job;
	int number, result;
	unsigned int worker;
};

static struct square squares[NJOBS];
static atomic_uint nbusy[8];

static void compute(struct pool_job *job, unsigned int worker) {
	struct square *square = (struct square *)job;

	/* Nobody else is this worker now. */
	if (atomic_fetch_add(&nbusy[worker], 1) == 0)
		square->result = square->number * square->number;
	square->worker = worker;
	atomic_fetch_sub(&nbusy[worker], 1);
}

static struct pool *new_pool(unsigned int nthreads) {
	struct pool *pool;
	struct error err;

	ck_assert_int_eq(pool_new(&pool, nthreads, &err), TARN_OK);
	for (int i = 0; i < NJOBS; i++)
		squares[i] = (struct square){ { .run = compute }, i, -1, 0 };
	return pool;
}

START_TEST(every_job_is_run_by_one_worker_and_can_be_waited_for_in_any_order) {
	unsigned int nthreads = (unsigned int)_i;
	struct pool *pool = new_pool(nthreads);

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < NJOBS; i++)
			pool_submit(pool, &squares[i].job);
		for (int i = 0; i < NJOBS; i++) {
			struct square *square = &squares[round == 1 ? NJOBS - 1 - i : i];

			pool_wait(pool, &square->job);
			ck_assert_int_eq(square->result, square->number * square->number);
			ck_assert_uint_lt(square->worker, nthreads);
			square->result = -1;
		}
	}
	pool_free(pool);
}
END_TEST

START_TEST(a_pool_of_one_runs_nothing_before_it_is_waited_for) {
	struct pool *pool = new_pool(1);

	for (int i = 0; i < 3; i++)
		pool_submit(pool, &squares[i].job);
	pool_wait(pool, &squares[1].job);
	ck_assert_int_eq(squares[0].result, 0);
	ck_assert_int_eq(squares[1].result, 1);
	ck_assert_int_eq(squares[2].result, -1);
	pool_wait(pool, &squares[2].job);
	pool_free(pool);
}
END_TEST

START_TEST(a_job_that_is_cancelled_was_run_whole_or_is_never_run) {
	struct pool *pool = new_pool((unsigned int)_i);

	for (int i = 0; i < NJOBS; i++)
		pool_submit(pool, &squares[i].job);
	/* From the middle and both ends. */
	for (int i = 0; i < NJOBS; i++) {
		struct square *square = &squares[i % 2 == 0 ? i : NJOBS - i];
		int result;

		pool_cancel(pool, &square->job);
		result = square->result;
		ck_assert(result == -1 || result == square->number * square->number);
		square->number = 1000;
	}
	/* What was taken back can be submitted again. */
	pool_submit(pool, &squares[0].job);
	pool_wait(pool, &squares[0].job);
	ck_assert_int_eq(squares[0].result, 1000000);
	pool_free(pool);
}
END_TEST

START_TEST(waiting_for_what_was_not_submitted_returns_at_once) {
	struct pool *pool = new_pool(2);

	pool_wait(pool, &squares[0].job);
	ck_assert_int_eq(squares[0].result, -1);
	pool_free(pool);
	pool_free(NULL);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("pool");
	TCase *pool = tcase_create("pool");

	tcase_add_loop_test(
	    pool, every_job_is_run_by_one_worker_and_can_be_waited_for_in_any_order, 1, 6);
	tcase_add_test(pool, a_pool_of_one_runs_nothing_before_it_is_waited_for);
	tcase_add_loop_test(pool, a_job_that_is_cancelled_was_run_whole_or_is_never_run, 1, 4);
	tcase_add_test(pool, waiting_for_what_was_not_submitted_returns_at_once);
	suite_add_tcase(suite, pool);
	return run_suite(suite);
}
