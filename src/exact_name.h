#ifndef TARN_EXACT_NAME_H
#define TARN_EXACT_NAME_H

#include <stdbool.h>
#include <sys/stat.h>

/*
 * Some file systems take names for the same that differ: in case (FAT, exFAT, NTFS, ext4 with
 * casefold), in the form of a character, in dots at the end.  What is found under a name there may
 * be called otherwise.
 */

enum folding {
	FOLDING_UNKNOWN,
	FOLDING_NONE, /* names that differ in case are different */
	FOLDING_CASE
};

/**
 * Does the directory ${dirfd} fold case, as far as ${name} tells, which is ${st} there?  It does when
 * that is found under the name in the other case, too.  Some file systems give it another inode number
 * then: only for a name that ${is_unique}, a random one, that is no matter.  Unknown for a name without
 * letters, and for an inode with several names.
 */
enum folding directory_folding(int dirfd, const char *name, const struct stat *st, bool is_unique);

/**
 * Has the directory ${dirfd} an entry that is called ${name} to the letter?  Reads the directory:
 * O(names).  True when it cannot be read.
 */
bool directory_has_exactly(int dirfd, const char *name);

/** Is each component of ${path}, relative and not empty, below ${dirfd} called so to the letter? */
bool path_is_exact(int dirfd, const char *path);

#endif
