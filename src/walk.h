#ifndef TARN_WALK_H
#define TARN_WALK_H

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "directory.h"
#include "error.h"
#include "options.h"

/*
 * Where a walk through a tree is: the path, and the directories from the operand down to the one
 * whose names are being visited.  A tree may be deeper than there are descriptors, and its paths
 * longer than PATH_MAX: directories are opened from the one above, when they are needed, and only
 * the lowest few are held open.  WALK_INIT is one that has not begun.
 */

struct walk_frame {
	int fd; /* -1: it is not open */
	dev_t dev;
	ino_t ino;
	struct directory names; /* of one that was listed */
	bool is_lost;           /* it cannot be returned to; for the scan alone */
	size_t next;            /* the next of them to visit */
	size_t start;           /* where its last component begins in the path */
	size_t nbytes;          /* length of the path of this directory */
};

struct walk {
	const char *directory; /* what the operand is relative to; NULL: the working directory */
	int base;              /* it, open, or AT_FDCWD; -1: it cannot be opened */
	bool follow;           /* symbolic links count as what they lead to */
	char *path;            /* of what is being visited, from the operand on */
	size_t nbytes, capacity;
	struct walk_frame *frames;
	size_t depth, frames_capacity;
	bool is_listed;           /* there is a frame below the top one, which is entered next */
	size_t first_open, nopen; /* open are exactly so many of them, from this one down */
	int below; /* a directory that was left, held as the way back to the top frame, not open */
	size_t nabove; /* so many levels above it; 0: none is held */
};
#define WALK_INIT \
	{ .base = AT_FDCWD }

/**
 * Begin at the operand ${name}, relative to ${directory}; NULL: to the working directory.  The walk
 * must be empty.  ${directory} is borrowed as long as the walk lives; the same pointer as before is
 * the same directory, which is not opened again.  TARN_OK or TARN_ENOMEM; TARN_ESYSTEM: begun, but
 * ${directory} cannot be opened.
 */
int walk_begin(struct walk *walk, const char *directory, const char *name, struct error *err);

/** The frame whose names are being visited, or NULL: only the operand itself. */
struct walk_frame *walk_top(const struct walk *walk);

/** Set the path to the name ${component} in the top frame. */
int walk_set_name(struct walk *walk, const char *component, struct error *err);

/**
 * The directory and the name in it for the system calls that reach the current path.  The directory
 * is -1, with errno, when it cannot be opened, or is not the one any more that was entered.
 */
int walk_directory_fd(struct walk *walk);
const char *walk_name(const struct walk *walk);

/** True when (${dev}, ${ino}) is one of the directories that the walk is in. */
bool walk_is_inside(const struct walk *walk, dev_t dev, ino_t ino);

/**
 * List the names of the directory at the current path, which must be (${dev}, ${ino}) and entered
 * next.  TARN_ESYSTEM: it cannot be opened, nothing has changed.  When its names could be read only
 * in part those are listed and TARN_END returned, with ${err} filled in.
 */
int walk_list(struct walk *walk, dev_t dev, ino_t ino, enum sort sort, struct error *err);

/**
 * Go into the directory at the current path, which is (${dev}, ${ino}).  TARN_OK or TARN_ENOMEM.
 */
int walk_enter(struct walk *walk, dev_t dev, ino_t ino, struct error *err);

/** Leave the top frame; the path is then that of the directory above. */
void walk_leave(struct walk *walk);

void walk_fini(struct walk *walk);

#endif
