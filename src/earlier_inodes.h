#ifndef TARN_EARLIER_INODES_H
#define TARN_EARLIER_INODES_H

#include "bytes.h"
#include "entry.h"
#include "error.h"
#include "key_map.h"

/*
 * Which files earlier runs have stored in an archive, so that names which are added to it become
 * link members of those.  Identities come from the archive's index.  Device numbers change when a
 * machine is started again, so they only count for a file without a birth time.  A file whose size,
 * mtime, mode, owner, attributes or target is another than in the archive is another file: the link
 * member would have the old ones.  All zero is an empty one; about 50 bytes an inode and its name.
 */
struct earlier_inodes {
	uint64_t seed;
	struct bytes text;     /* first names, each ended by a 0 */
	struct key_map inodes; /* identity -> its first name, an offset in text */
	struct key_map names;  /* a name that has such a file -> that file's first name */
};

/**
 * The archive has the member ${e}: call it for all of them, in their order.  TARN_OK, TARN_ENOMEM.
 */
int earlier_inodes_note(struct earlier_inodes *earlier, const struct entry *e, struct error *err);

/**
 * The member that ${e}, found in a tree, is another name of; NULL: of none, or of one that has
 * since been replaced.  Valid until the next call of earlier_inodes_note.
 */
const char *earlier_inodes_find(const struct earlier_inodes *earlier, const struct entry *e);

/** ${e} was put, as what earlier_inodes_find said, if that was not NULL.  TARN_OK, TARN_ENOMEM. */
int earlier_inodes_put(
    struct earlier_inodes *earlier, const struct entry *e, const char *first, struct error *err);

void earlier_inodes_fini(struct earlier_inodes *earlier);

#endif
