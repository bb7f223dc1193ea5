#ifndef TARN_EXACT_NAME_H
#define TARN_EXACT_NAME_H

#include <stdbool.h>

/*
 * Some file systems take names for the same that differ: in case (FAT, exFAT, NTFS, ext4 with
 * casefold), in the form of a character, in dots at the end.  What is found under a name there may
 * be called otherwise.
 */

/**
 * Does the file system of the directory ${dirfd} fold case?  Finds out by making a file there, and
 * removing it; false when that cannot be done.
 */
bool directory_folds_case(int dirfd);

/**
 * Has the directory ${dirfd} an entry that is called ${name} to the letter?  Reads the directory:
 * O(names).  True when it cannot be read.
 */
bool directory_has_exactly(int dirfd, const char *name);

/** Is each component of ${path}, relative and not empty, below ${dirfd} called so to the letter? */
bool path_is_exact(int dirfd, const char *path);

#endif
