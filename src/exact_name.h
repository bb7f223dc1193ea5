#ifndef TARN_EXACT_NAME_H
#define TARN_EXACT_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "error.h"
#include "key_set.h"

/*
 * Some file systems take names for the same that differ: in case (FAT, exFAT, NTFS, ext4 with
 * casefold), in the form of a character, in dots at the end.  What is found under a name there may
 * be called otherwise.
 */

enum folding {
	FOLDING_UNKNOWN,
	FOLDING_NONE,    /* names that differ in case are different */
	FOLDING_LISTED,  /* they are the same, and listed as they were given */
	FOLDING_UNLISTED /* they are the same, and listed in another case */
};

struct held_directory;

/* What is known of the names on each file system.  One for each thread. */
struct exact_names {
	struct file_system {
		dev_t dev;
		enum folding folding;
	} * file_systems;
	size_t nfile_systems;
	bool fold;          /* one of them takes different names for the same */
	bool asked_mounted; /* exact_names_are_told did */
	/*
	 * Where lists do not tell: keys of the inodes that this run made, and of the names it gave.
	 */
	uint64_t seed;
	struct key_set given;
};

void exact_names_init(struct exact_names *names);
void exact_names_fini(struct exact_names *names);

/** Is it known that ${dev} takes no two names for the same? */
bool exact_names_are_told_on(const struct exact_names *names, dev_t dev);

/**
 * Is what was found as ${name} in ${dir}, and is ${st}, called so to the letter?  True when that
 * cannot be found out.
 *
 * Once for a file system, a file may be made in the directory and removed again; on one that folds
 * this reads the directory: O(names).
 */
bool exact_names_is(struct exact_names *names, const struct held_directory *dir, const char *name,
    const struct stat *st);

/**
 * Does each file system tell all names from each other, also those that are mounted below the
 * destination ${dirfd}?  False before something was made.  The first time that no other is known, a
 * file is made on each and removed again.
 */
bool exact_names_are_told(struct exact_names *names, int dirfd);

/**
 * This run made ${st} as ${name} in ${dir}, or takes what it found there for its own.
 * Returns TARN_OK or TARN_ENOMEM.  Nothing is kept for it but where lists do not tell names, 44
 * bytes at most there.
 */
int exact_names_made(struct exact_names *names, const struct held_directory *dir, const char *name,
    const struct stat *st, struct error *err);

/** The same for one more name of a file, be that of this run or not; 22 bytes. */
int exact_names_linked(struct exact_names *names, const struct held_directory *dir,
    const char *name, struct error *err);

#endif
