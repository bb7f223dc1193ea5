#ifndef TARN_HELD_DIRECTORY_H
#define TARN_HELD_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "exact_name.h"

/*
 * The directories below the destination that are held open: whoever works in one has a share in
 * it, and the last few are kept for who comes next.  Below contained.h only.
 *
 * What is held is the directory that had the name when it was opened.  It stays the same one when
 * another process moves it meanwhile, and becomes useless when it is removed: contained.c notices
 * that and has everything forgotten.
 *
 * Failures are said as errno; the caller knows what it was about.
 */
struct held_directory {
	int fd;         /* O_PATH | O_DIRECTORY */
	dev_t dev;      /* 0: nobody has asked for it to make something */
	bool is_exact;  /* no directory on the way to it is called otherwise */
	size_t nshares; /* one for the cache while it is there, one for each user */
	size_t path_nbytes;
	char path[]; /* below the destination, as member_path has it; "" for itself */
};

#define HELD_DIRECTORIES_MAX 16

struct held_directories {
	struct held_directory *root;
	struct held_directory *recent[HELD_DIRECTORIES_MAX]; /* latest first, without the root */
	size_t n, max;
	struct exact_names names; /* that of a directory must be exact, where a file system folds */
};

/** Take over ${fd}, the destination, also on failure.  Returns 0, or -1 with errno. */
int held_directories_init(struct held_directories *dirs, int fd);
void held_directories_fini(struct held_directories *dirs);

/** Hold no more than ${max} from now on, which is at least 1 and at most HELD_DIRECTORIES_MAX. */
void held_directories_limit(struct held_directories *dirs, size_t max);

/**
 * The directory ${path} of ${path_nbytes} bytes, behind which is a NUL (a member_path's parent),
 * below the destination; with ${make}, directories that are missing are made with 0777 less the
 * umask.  That is asked by who makes something there: whether names are folded on the way is tried
 * out then (exact_name.h), else it is heeded where it is known.
 *
 * Returns a share that the caller gives back with held_directory_release; NULL with errno, ELOOP
 * for a symbolic link in the way, EEXIST for a name that is not told from one that is there:
 * nothing was made then.  The same path as the last time costs one memcmp, any other that is held a
 * few; else it is opened from the nearest directory above it that is held.
 */
struct held_directory *held_directories_get(
    struct held_directories *dirs, const char *path, size_t path_nbytes, bool make);

/** Hold ${fd} (taken over) for the directory ${name}, called exactly so, in ${parent}, on
 * ${dev}, for which nothing is held. */
void held_directories_hold(struct held_directories *dirs, const struct held_directory *parent,
    const char *name, int fd, dev_t dev);

/** Forget what is held for ${name} in ${parent} and below: something else is there now. */
void held_directories_forget(
    struct held_directories *dirs, const struct held_directory *parent, const char *name);
void held_directories_forget_all(struct held_directories *dirs);

/** One more share in ${dir}. */
struct held_directory *held_directory_share(struct held_directory *dir);
void held_directory_release(struct held_directory *dir);

#endif
