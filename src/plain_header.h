#ifndef TARN_PLAIN_HEADER_H
#define TARN_PLAIN_HEADER_H

#include <stddef.h>

#include "entry.h"
#include "tar_block.h"

/*
 * Headers of files, later names, symbolic links and directories as ustar and GNU tar have them, and
 * before them, if at all, one of pax with no more than names, times and what does not matter here,
 * or those for long names of GNU tar.  That is nearly all members of nearly all archives.  Anything
 * out of the ordinary is left to libarchive, which takes ten times as long.
 */

/** The most bytes that the records of a member, or a long name with its NUL, may have. */
#define PLAIN_RECORDS_NBYTES ((size_t)8 * TAR_BLOCK_NBYTES)

struct plain_header {
	char name[PLAIN_RECORDS_NBYTES];
	char link_name[PLAIN_RECORDS_NBYTES];
	char uname[sizeof(((struct tar_block *)0)->uname) + 1];
	char gname[sizeof(((struct tar_block *)0)->gname) + 1];
};

/**
 * Fill in ${e}, which borrows from ${header}, as entry_from_libarchive does for the ${nbytes} at
 * ${data} (but times before 1970 have the fraction that they should have).
 *
 * Returns how many bytes the header has, a number of whole blocks, which e->size bytes of content
 * follow; 0, with ${header} and ${e} undefined, where there is no such header, or not all of it.
 */
size_t plain_header_read(
    struct plain_header *header, const void *data, size_t nbytes, struct entry *e);

/**
 * True when ${block} is one of the headers that stand before a member's own (pax records, GNU tar's
 * long names and the label of a volume), which ${nbytes} of content follow.
 */
bool extended_header_read(const struct tar_block *block, uint64_t *nbytes);

#endif
