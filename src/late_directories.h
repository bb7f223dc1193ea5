#ifndef TARN_LATE_DIRECTORIES_H
#define TARN_LATE_DIRECTORIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "bytes.h"
#include "entry.h"
#include "error.h"

/*
 * Directories whose metadata waits for the end, when nothing more will be made in them.  One takes
 * 48 bytes and the last component of its name, where archives have a directory before those in it;
 * otherwise the whole name; and a copy of its entry when it has attributes or an ACL.
 *
 * Embed it; all zero is an empty one.
 */
struct late_directories {
	struct bytes records;
	struct bytes text; /* components of names, each ended by a 0 */
	struct bytes last; /* the whole name of the last record, without a 0 */
	struct bytes name; /* of the one that was handed out */
	struct late_order {
		uint32_t record, depth;
	} * order; /* once they are handed out */
	size_t ngiven;
};

/**
 * ${e} is to get its metadata at the end.  It is what is behind ${st}, of ${depth} components.
 * When it ${is_new} this run has made it, and none that was added lay at its place before.  Its
 * owner is taken from its numbers alone.  Returns TARN_OK or TARN_ENOMEM.
 */
int late_directories_add(struct late_directories *late, const struct entry *e, size_t depth,
    const struct stat *st, bool is_new, struct error *err);

/**
 * The next one of those that were added: first the new ones that stay open to all who could get at
 * what is in them before, as they were added; then the others, the deepest first; and of the same
 * name the earlier one.  For the first ones the order does not matter; when it is to be
 * ${of_any_order}, there are no others.  *${e} is as it was added, with no more than a directory
 * has, valid until the next call; *${number} is for late_directories_is.  No more can be added
 * then.  Returns TARN_OK, TARN_END or TARN_ENOMEM.
 */
int late_directories_next(struct late_directories *late, bool of_any_order, struct entry *e,
    size_t *number, struct error *err);

/** Is what has this ${st} the directory that was added?  Any number of threads may ask. */
bool late_directories_is(const struct late_directories *late, size_t number, const struct stat *st);

void late_directories_fini(struct late_directories *late);

#endif
