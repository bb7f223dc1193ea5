#ifndef TARN_ORDERED_LINES_H
#define TARN_ORDERED_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report.h"

/*
 * What several threads say of members that they work on at the same time, said in the order of the
 * members: each line is kept until all that comes before it has been said.
 */
struct ordered_lines;

/** The lines of one thread. */
struct lines_of_thread {
	uint64_t turn; /* number of what it works on, which never falls; set by the thread */
	bool are_kept; /* the thread's own */
	struct ordered_lines *all;
	struct report_diversion diversion;
	struct kept_line *first, **last; /* in order; guarded by the mutex of all */
};

/** Lines of ${nthreads} that go to ${report} (borrowed).  NULL when out of memory. */
struct ordered_lines *ordered_lines_new(size_t nthreads, struct report *report);
/** Lines that were not said are.  NULL is fine. */
void ordered_lines_free(struct ordered_lines *lines);

/**
 * Those of the thread ${i}, which must call lines_keep and, before it ends, lines_keep_no_more.
 * Neither does anything when it is so already.
 */
struct lines_of_thread *ordered_lines_of(struct ordered_lines *lines, size_t i);
void lines_keep(struct lines_of_thread *lines);
void lines_keep_no_more(struct lines_of_thread *lines);

/**
 * Say what threads have said at turns up to ${turn}, those of one turn in the order of the threads.
 * For a thread that keeps none.
 */
void ordered_lines_say(struct ordered_lines *lines, uint64_t turn);

#endif
