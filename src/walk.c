#include "config.h"

#include "walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"

/*
 * A walk is one string and a stack of frames.  The string is the path of the current name, of which
 * each frame is a prefix, so that a name costs no more than copying its last component.  System
 * calls get a directory and a name in it, never that path (but for the operand itself): it may be
 * longer than PATH_MAX, and what it leads through may be replaced meanwhile.
 *
 * At most MAX_OPEN frames hold a descriptor, those nearest to the bottom.  One that has none is
 * opened from the nearest one above that does.  On the way back up that would be far: there it is
 * reached through `..' of the one that was left; where that leads elsewhere (the directory below
 * was moved, or was reached through a symbolic link) the way down is walked once more.  Device and
 * inode must be what they were.  So the open frames are one run.
 *
 * There are two kinds of walks.  The scan lists each directory that it enters, which therefore is
 * open.  What follows behind a scan (scan_ahead.c) enters directories without opening them, and
 * most stay closed, until a name in them is needed.
 */

#define MAX_OPEN 4
/* O_NONBLOCK and O_NOCTTY for what a name may have become since; O_DIRECTORY then refuses it. */
#define OPEN_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

static void close_base(struct walk *walk) {
	if (walk->base >= 0)
		close(walk->base);
	walk->base = AT_FDCWD;
}

/* What operands are relative to is opened once for all that follow each other. */
static void open_base(struct walk *walk, const char *directory) {
	/* One that could not be opened is tried again, so that each operand below it is said. */
	if (directory == walk->directory && walk->base != -1)
		return;
	close_base(walk);
	walk->directory = directory;
	if (directory != NULL)
		walk->base = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int walk_begin(struct walk *walk, const char *directory, const char *name, struct error *err) {
	size_t nbytes = strlen(name);

	if (array_reserve((void **)&walk->path, &walk->capacity, nbytes + 1, 1, err) != TARN_OK)
		return TARN_ENOMEM;
	memcpy(walk->path, name, nbytes + 1);
	walk->nbytes = nbytes;
	open_base(walk, directory);
	return walk->base == -1 ? err_set(err, TARN_ESYSTEM, errno, "Cannot open") : TARN_OK;
}

struct walk_frame *walk_top(const struct walk *walk) {
	return walk->depth > 0 ? &walk->frames[walk->depth - 1] : NULL;
}

/* Where the name behind the directory path of ${nbytes} begins: that may end in a slash ("/"). */
static size_t name_start(const struct walk *walk, size_t nbytes) {
	return nbytes > 0 && walk->path[nbytes - 1] == '/' ? nbytes : nbytes + 1;
}

int walk_set_name(struct walk *walk, const char *component, struct error *err) {
	size_t nbytes = strlen(component), at = walk_top(walk)->nbytes;
	size_t start = name_start(walk, at);

	if (array_reserve((void **)&walk->path, &walk->capacity, start + nbytes + 1, 1, err) !=
	    TARN_OK)
		return TARN_ENOMEM;
	/* If the directory is "/" this is written over with the name, which begins there. */
	walk->path[at] = '/';
	memcpy(walk->path + start, component, nbytes + 1);
	walk->nbytes = start + nbytes;
	return TARN_OK;
}

const char *walk_name(const struct walk *walk) {
	if (walk->depth == 0)
		return walk->path;
	return walk->path + name_start(walk, walk->frames[walk->depth - 1].nbytes);
}

bool walk_is_inside(const struct walk *walk, dev_t dev, ino_t ino) {
	for (size_t i = 0; i < walk->depth; i++) {
		if (walk->frames[i].ino == ino && walk->frames[i].dev == dev)
			return true;
	}
	return false;
}

/*
 * Open the directory ${name} in ${at}, which must be the one that ${is} was entered as.  -1 with
 * errno: ESTALE if another one is there now.
 */
static int open_same(int at, const char *name, int flags, const struct walk_frame *is) {
	struct stat st;
	int fd = openat(at, name, OPEN_FLAGS | flags);

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && st.st_dev == is->dev && st.st_ino == is->ino)
		return fd;
	close(fd);
	errno = ESTALE;
	return -1;
}

/*
 * Frame ${i} is open as ${fd}, which it takes over; the topmost open one may have to be closed for
 * it.  ${i} must be the one directly below those that are open, or there must be none.
 */
static void hold(struct walk *walk, size_t i, int fd) {
	if (walk->nopen == 0)
		walk->first_open = i;
	walk->frames[i].fd = fd;
	if (walk->nopen++ < MAX_OPEN)
		return;
	close(walk->frames[walk->first_open].fd);
	walk->frames[walk->first_open++].fd = -1;
	walk->nopen--;
}

/* Give up the way back from below. */
static void forget_below(struct walk *walk) {
	if (walk->nabove > 0)
		close(walk->below);
	walk->nabove = 0;
}

/*
 * Open the top frame through `..' of the directory that was left below it, if there is one.  Only
 * the last step is checked: if it leads to the right inode it does not matter what the steps before
 * were.  Whether it succeeds or not, there is no way back from below then.
 */
static void open_from_below(struct walk *walk) {
	struct walk_frame *top = walk_top(walk);
	int fd;

	while (walk->nabove > 1 && (fd = openat(walk->below, "..", OPEN_FLAGS)) >= 0) {
		close(walk->below);
		walk->below = fd;
		walk->nabove--;
	}
	fd = walk->nabove == 1 ? open_same(walk->below, "..", 0, top) : -1;
	forget_below(walk);
	if (fd >= 0)
		hold(walk, walk->depth - 1, fd);
}

/*
 * Open the top frame, and those on the way to it, from the nearest one that is open.  Every step is
 * checked.  If one fails the top frame stays closed, with errno, and those above it stay open.
 */
static void open_from_above(struct walk *walk) {
	int flags = walk->follow ? 0 : O_NOFOLLOW, fd;

	for (size_t i = walk->nopen > 0 ? walk->first_open + walk->nopen : 0; i < walk->depth;
	     i++) {
		const struct walk_frame *frame = &walk->frames[i];
		char saved = walk->path[frame->nbytes];

		/* Its name is in the midst of the current path: end it there for a moment. */
		walk->path[frame->nbytes] = '\0';
		fd = open_same(i > 0 ? walk->frames[i - 1].fd : walk->base,
		    walk->path + frame->start, flags, frame);
		walk->path[frame->nbytes] = saved;
		if (fd < 0)
			return;
		hold(walk, i, fd);
	}
}

int walk_directory_fd(struct walk *walk) {
	const struct walk_frame *top = walk_top(walk);

	if (walk->base == -1)
		errno = ENOENT;
	/* Behind a scan a walk may be in directories though its base could not be opened. */
	if (top == NULL || walk->base == -1)
		return walk->base;
	/* From below it is mostly one step, from above as many as the tree is deep. */
	if (top->fd < 0 && walk->nabove > 0)
		open_from_below(walk);
	if (top->fd < 0)
		open_from_above(walk);
	return top->fd;
}

/*
 * What is to become the frame below the top one: the directory at the current path, (dev, ino).  It
 * is not counted in ${depth} yet, and not open.  The frames may move.
 */
static struct walk_frame *begin_frame(struct walk *walk, dev_t dev, ino_t ino, struct error *err) {
	struct walk_frame *frame;

	if (array_reserve((void **)&walk->frames, &walk->frames_capacity, walk->depth + 1,
	        sizeof(*frame), err) != TARN_OK)
		return NULL;
	frame = &walk->frames[walk->depth];
	*frame = (struct walk_frame){ .fd = -1, .dev = dev, .ino = ino, .nbytes = walk->nbytes };
	frame->start = (size_t)(walk_name(walk) - walk->path);
	return frame;
}

/* Of a frame that was listed but never entered, and so is not among those that are held. */
static void end_frame(struct walk_frame *frame) {
	if (frame->fd >= 0)
		close(frame->fd);
	directory_fini(&frame->names);
}

int walk_list(struct walk *walk, dev_t dev, ino_t ino, enum sort sort, struct error *err) {
	struct walk_frame *frame = begin_frame(walk, dev, ino, err);
	int directory, r;

	if (frame == NULL)
		return TARN_ENOMEM;
	directory = walk_directory_fd(walk);
	if (directory != -1)
		frame->fd =
		    open_same(directory, walk_name(walk), walk->follow ? 0 : O_NOFOLLOW, frame);
	if (frame->fd < 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot open");
	/*
	 * The descriptor stays with the frame, to be held once that is entered.  Until then there
	 * may be one more than MAX_OPEN.
	 */
	r = directory_read(&frame->names, frame->fd, sort, err);
	walk->is_listed = r != TARN_ENOMEM;
	if (!walk->is_listed)
		end_frame(frame);
	return r == TARN_ESYSTEM ? TARN_END : r;
}

int walk_enter(struct walk *walk, dev_t dev, ino_t ino, struct error *err) {
	int fd;

	if (!walk->is_listed && begin_frame(walk, dev, ino, err) == NULL)
		return TARN_ENOMEM;
	walk->is_listed = false;
	/* The way back led to the frame that was the top one until now. */
	forget_below(walk);
	fd = walk->frames[walk->depth++].fd;
	if (fd >= 0)
		hold(walk, walk->depth - 1, fd);
	return TARN_OK;
}

void walk_leave(struct walk *walk) {
	struct walk_frame *leaving = walk_top(walk), *above;

	walk->depth--;
	above = walk_top(walk);
	if (leaving->fd >= 0)
		walk->nopen--;
	/*
	 * If the one above is closed, what is open here is kept as the way back to it; several
	 * levels may be left before somebody asks for it.  open_from_below() counts them.
	 */
	if (above != NULL && above->fd < 0 && leaving->fd >= 0) {
		walk->below = leaving->fd;
		walk->nabove = 1;
	} else if (above != NULL && above->fd < 0 && walk->nabove > 0) {
		walk->nabove++;
	} else {
		forget_below(walk);
		if (leaving->fd >= 0)
			close(leaving->fd);
	}
	directory_fini(&leaving->names);
	walk->nbytes = above != NULL ? above->nbytes : 0;
	walk->path[walk->nbytes] = '\0';
}

void walk_fini(struct walk *walk) {
	if (walk->is_listed)
		end_frame(&walk->frames[walk->depth]);
	while (walk->depth > 0)
		walk_leave(walk);
	forget_below(walk);
	free(walk->frames);
	free(walk->path);
	close_base(walk);
	*walk = (struct walk)WALK_INIT;
}
