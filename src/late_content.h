#ifndef TARN_LATE_CONTENT_H
#define TARN_LATE_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "entry.h"
#include "error.h"
#include "key_map.h"

/*
 * Which names of a cpio archive are those of one inode, by its number, its type, and the count of
 * names that each of them carries.  newc has the content of a file with several names on the last
 * of them; the others are empty.  They are held back here until it comes, so that a first name is
 * whole also when cpio was the writer: the name with the content goes first, the others become its
 * later names.  In the older formats each name has the content, and an empty one is that of an
 * empty file.  All zero is an empty one.
 */
struct late_content {
	uint64_t seed;
	struct key_map groups; /* struct late_group * by inode; 0: all its names came */
	struct late_group *oldest, *newest; /* those that wait for content */
	struct late_group *ended;           /* the last one of which all names came */
	struct late_name *ready, **end;     /* that can go */
	struct late_name *current;          /* handed out */
};

/**
 * Look at ${e} of a cpio archive, which ${is_newc} or older, and whose inode has the ${identity}
 * (device, number and count of names).  *${held}: it is kept for later.  Else it goes its way: as a
 * first name, also when it has the content that others wait for, or with its first name, borrowed
 * until the next call.  Returns TARN_OK or TARN_ENOMEM.  Expected O(1).
 */
int late_content_look(struct late_content *late, const struct identity *identity, bool is_newc,
    struct entry *e, bool *held, struct error *err);

/** The next entry that is due, until the next call; NULL: none. */
struct entry *late_content_next(struct late_content *late);

/** There is nothing more to come: what waits is empty indeed, and is due now. */
int late_content_end(struct late_content *late, struct error *err);

void late_content_fini(struct late_content *late);

#endif
