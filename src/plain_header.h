#ifndef TARN_PLAIN_HEADER_H
#define TARN_PLAIN_HEADER_H

#include <stdbool.h>

#include "entry.h"
#include "tar_block.h"

/*
 * Headers of one block that say all about a member without content: later names, which are most of
 * what a tree of many links has, symbolic links and directories; ustar's and GNU tar's.  Anything out
 * of the ordinary is left to libarchive, which takes ten times as long.
 */
struct plain_header {
	char name[sizeof(((struct tar_block *)0)->end.prefix) + 1 +
	    sizeof(((struct tar_block *)0)->name) + 1];
	char link_name[sizeof(((struct tar_block *)0)->link_name) + 1];
	char uname[sizeof(((struct tar_block *)0)->uname) + 1];
	char gname[sizeof(((struct tar_block *)0)->gname) + 1];
};

/**
 * Fill in ${e}, which borrows from ${header}, as entry_from_libarchive does for the same block.
 * Returns false, with ${header} and ${e} undefined, for a block that is no such header.
 */
bool plain_header_read(struct plain_header *header, const struct tar_block *block, struct entry *e);

#endif
