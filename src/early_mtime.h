#ifndef TARN_EARLY_MTIME_H
#define TARN_EARLY_MTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/*
 * What libarchive does not tell of headers.  Of times before 1970 it takes the fraction for a
 * positive one, and loses the sign of -0.5 altogether.  Global headers, which speak of all members
 * that follow, it passes over.  The rest of a file whose beginning is on another volume of GNU tar's
 * it takes for a file, and so it does star's sparse files, of which only the data are stored.
 * Text where a number should be is 0 to it.
 */
struct early_mtime {
	bool is_set;
	struct timespec mtime;
	char
	    malformed[128]; /* what of that member should be a number and is none; empty: nothing */
	const char *refused; /* NULL, or why the member is not the file that it seems to be */
	char ignored[64]; /* the keyword of a record in a global header, maybe cut; empty: none */
};

/**
 * Look in the extended headers that the ${nbytes} of a tar archive at ${data} begin with, if any,
 * for the mtime of the member behind them; without one before 1970 ${early} is not set.  The member's
 * own header says whether it is refused, and all of them whether a number is malformed.  The first
 * record of a global one that would change members is early->ignored, from then on.
 *
 * Returns 0, or how many bytes it takes to know, more than ${nbytes}.
 */
size_t early_mtime_look(struct early_mtime *early, const char *data, size_t nbytes);

#endif
