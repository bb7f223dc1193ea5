#ifndef TARN_SOURCE_H
#define TARN_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "entry.h"
#include "error.h"

/*
 * What yields entries: a tree (tree_source.h) or an archive (archive_source.h).  Trouble with one
 * member is said to the struct report that the source was made with, and the source goes on; only
 * what ends the whole run is returned as an error.
 */

/* Where content lies as it is: ${nbytes} from ${offset} on in the file ${fd}. */
struct content_place {
	int fd; /* borrowed */
	off_t offset, nbytes;
};

/* A block of content; the space between two blocks is a hole. */
struct block {
	const void *data; /* borrowed until the next call of read() or next() */
	size_t nbytes;    /* more than 0 */
	off_t offset;     /* never less than the end of the block before */
};

struct source {
	/**
	 * Go to the next entry.  *${e} is borrowed until the next call.
	 * Returns TARN_OK, TARN_END when there is none, or an error after which there are none.
	 */
	int (*next)(struct source *source, struct entry **e, struct error *err);

	/**
	 * Have the entry that next() returned in full, and its content to be read: from an index
	 * next() tells what a listing shows, the names, type and size among it.  NULL: next()
	 * always tells all, and fetching does nothing (source_fetch).
	 *
	 * Returns TARN_OK with *${e}, borrowed until the next call; TARN_END: it is not as next()
	 * told, which was said, and next() goes on with what is there; or an error after which
	 * there is nothing.
	 */
	int (*fetch)(struct source *source, struct entry **e, struct error *err);

	/**
	 * Read the next block of the entry's content.  Calling it is optional; content that was not
	 * read is skipped.  Only for entries of type ENTRY_FILE.
	 *
	 * Returns TARN_OK; TARN_END behind the last block; or an error: the content is not whole,
	 * what was handed out so far must not be taken for the file.
	 */
	int (*read)(struct source *source, struct block *block, struct error *err);

	/**
	 * Lend the whole content of the entry, which has no holes, by where it lies: it counts as
	 * read.  What an archive lends can be read until the source is freed, also by other
	 * threads.  NULL, or false: it has to be read.
	 */
	bool (*lend)(struct source *source, struct content_place *place);

	/** Free the source; NULL is fine. */
	void (*free)(struct source *source);
};

static inline int source_fetch(struct source *source, struct entry **e, struct error *err) {
	return source->fetch != NULL ? source->fetch(source, e, err) : TARN_OK;
}

static inline bool source_lend(struct source *source, struct content_place *place) {
	return source->lend != NULL && source->lend(source, place);
}

#endif
