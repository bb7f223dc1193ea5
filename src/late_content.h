#ifndef TARN_LATE_CONTENT_H
#define TARN_LATE_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "entry.h"
#include "error.h"

/*
 * cpio's newc format has the content of a file with several names on the last of them; the others
 * are empty.  They are held back here until it comes, so that a first name is whole also when cpio
 * was the writer: the name with the content goes first, the others become its later names.  All zero
 * is an empty one.
 */
#define LATE_CONTENT_NCHAINS 1024

struct late_content {
	uint64_t seed;
	struct late_group *chains[LATE_CONTENT_NCHAINS]; /* that wait for content */
	struct late_group *oldest, *newest;              /* the same in their order */
	struct late_name *ready, **end;                  /* that can go */
	struct late_name *current;                       /* handed out */
};

/**
 * Look at ${e} of a cpio archive, whose identity has the number of links.  *${held}: it is kept for
 * later.  Else it goes its way, as a first name when it has the content that others wait for.
 * Returns TARN_OK or TARN_ENOMEM.
 */
int late_content_look(struct late_content *late, struct entry *e, bool *held, struct error *err);

/** The next entry that is due, until the next call; NULL: none. */
struct entry *late_content_next(struct late_content *late);

/** There is nothing more to come: what waits is empty indeed, and is due now. */
int late_content_end(struct late_content *late, struct error *err);

void late_content_fini(struct late_content *late);

#endif
