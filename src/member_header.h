#ifndef TARN_MEMBER_HEADER_H
#define TARN_MEMBER_HEADER_H

#include <stddef.h>
#include <sys/types.h>

#include "entry.h"
#include "error.h"

/*
 * What stands in an archive for one entry: the bytes of its header, and which of its content
 * follows.  The formats encode into it (tar_header.h, cpio_header.h), the archive sink writes it.
 * Embed it, reuse it: memory is kept from one member to the next.  All zero is empty.
 */
struct member_header {
	unsigned char *data; /* up to where the content begins, its padding included */
	size_t nbytes, capacity;
	/*
	 * The runs of the file that follow, packed, one behind the other; ascending and disjoint.
	 * One run is the whole of a file that is stored with its holes.  A run may be empty.
	 */
	struct extent *extents;
	size_t nextents, extents_capacity;
	off_t content_nbytes; /* of all runs; what pads the member to its end is not counted */

	char *scratch; /* for the encoder: a name that is not what the entry has */
	size_t scratch_capacity;
};

/** Begin with another member. */
void member_header_clear(struct member_header *header);

/** Append to the bytes of ${header}.  TARN_OK, or TARN_ENOMEM with nothing appended. */
int member_header_append(
    struct member_header *header, const void *data, size_t nbytes, struct error *err);

/** Append zeros up to a multiple of ${alignment} bytes. */
int member_header_pad(struct member_header *header, size_t alignment, struct error *err);

/** Set ${header}'s scratch to the first ${nbytes} of ${text} and ${tail}. */
int member_header_set_scratch(struct member_header *header, const char *text, size_t nbytes,
    const char *tail, struct error *err);

/** The content is the whole of ${e}, holes as zeros. */
int member_header_set_whole(struct member_header *header, const struct entry *e, struct error *err);

/**
 * The content is the data of ${e} without its holes.  Runs begin and end at multiples of
 * ${alignment} (a power of two), or at the end of the file; an empty run at the end of the file
 * stands for a hole there.
 */
int member_header_set_data(
    struct member_header *header, const struct entry *e, off_t alignment, struct error *err);

void member_header_fini(struct member_header *header);

#endif
