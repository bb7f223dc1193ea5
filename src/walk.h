#ifndef TARN_WALK_H
#define TARN_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "directory.h"
#include "error.h"
#include "inode_map.h"
#include "options.h"

/*
 * Where a walk through a tree is: the path, and the directories from the operand down to the one
 * whose names are being visited.  A tree may be deeper than there are descriptors, and its paths
 * longer than PATH_MAX: directories are opened from the one above, and only the lowest few are held
 * open.
 */

struct walk_frame {
	int fd; /* -1: closed for the time being */
	dev_t dev;
	ino_t ino;
	struct directory names;
	size_t next;   /* the next name to visit */
	size_t start;  /* where its last component begins in the path */
	size_t nbytes; /* length of the path of this directory */
	/* The walk only carries these: the directory in the map, and as it was visited before. */
	inode_directory in_map, visited;
};

struct walk {
	int base;    /* what the operand is relative to; borrowed */
	bool follow; /* symbolic links count as what they lead to */
	enum sort sort;
	char *path; /* of what is being visited, from the operand on */
	size_t nbytes, capacity;
	struct walk_frame *frames;
	size_t depth, frames_capacity;
	size_t first_open; /* frames from here down are open */
};

/** Begin at the operand ${name}, relative to the directory ${base}.  The walk must be empty. */
int walk_begin(struct walk *walk, int base, const char *name, struct error *err);

/** The frame whose names are being visited, or NULL: only the operand itself. */
struct walk_frame *walk_top(struct walk *walk);

/** Set the path to the name ${component} in the top frame. */
int walk_set_name(struct walk *walk, const char *component, struct error *err);

/** The directory and the name in it for the system calls that reach the current path. */
int walk_directory_fd(const struct walk *walk);
const char *walk_name(const struct walk *walk);

/** True when (${dev}, ${ino}) is one of the directories that the walk is in. */
bool walk_is_inside(const struct walk *walk, dev_t dev, ino_t ino);

/**
 * Go into the directory at the current path, which must still be (${dev}, ${ino}).
 * TARN_ESYSTEM when it cannot be opened: nothing has changed.  When its names could be read only in
 * part it is entered all the same and TARN_END returned, with ${err} filled in.
 */
int walk_enter(struct walk *walk, dev_t dev, ino_t ino, struct error *err);

/**
 * Leave the top frame.  When the one above cannot be found again, its other names are given up and
 * an error is returned; the path is then that directory's.
 */
int walk_leave(struct walk *walk, struct error *err);

void walk_fini(struct walk *walk);

#endif
