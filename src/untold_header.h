#ifndef TARN_UNTOLD_HEADER_H
#define TARN_UNTOLD_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/*
 * What libarchive does not tell of headers.  Of times before 1970 it takes the fraction for a
 * positive one, and loses the sign of -0.5 altogether.  Global headers, which speak of all members
 * that follow, it passes over.  The rest of a file whose beginning is on another volume of GNU
 * tar's it takes for a file, and so it does star's sparse files, of which only the data are stored.
 * Text where a number should be is 0 to it, and what has a type that it does not know, a file.
 */
struct untold_header {
	bool has_mtime;
	struct timespec mtime; /* before 1970 */
	/* What of the member should be a number and is none; empty: nothing. */
	char malformed[128];
	/* A type that no format has, which makes a file of the member; NUL: one that is known. */
	char unknown_type;
	const char *refused; /* NULL, or why the member is not the file that it seems to be */
	char ignored[64]; /* the keyword of a record in a global header, maybe cut; empty: none */
};

/**
 * Look in the headers that the ${nbytes} of a tar archive at ${data} begin with, up to the own one
 * of the first member.  The first record of a global one that would change members is
 * untold->ignored, from then on; all else is of that member.
 *
 * Returns 0, or how many bytes it takes to know, more than ${nbytes}.
 */
size_t untold_header_look(struct untold_header *untold, const char *data, size_t nbytes);

/** Forget what is of one member. */
void untold_header_forget(struct untold_header *untold);

#endif
