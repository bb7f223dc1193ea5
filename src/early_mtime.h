#ifndef TARN_EARLY_MTIME_H
#define TARN_EARLY_MTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/*
 * Times before 1970 that a pax record tells.  libarchive takes their fraction for a positive one,
 * and loses the sign of -0.5 altogether.
 */
struct early_mtime {
	bool is_set;
	struct timespec mtime;
};

/**
 * Look in the extended headers that the ${nbytes} of a tar archive at ${data} begin with, if any,
 * for the mtime of the member behind them; without one before 1970 ${early} is not set.
 *
 * Returns 0, or how many bytes it takes to know, more than ${nbytes}.
 */
size_t early_mtime_look(struct early_mtime *early, const char *data, size_t nbytes);

#endif
