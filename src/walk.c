#include "config.h"

#include "walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * At most MAX_OPEN frames hold a descriptor, those nearest to the bottom.  On the way back up a
 * frame that was closed is reached through `..' of the one below it; where that leads elsewhere (the
 * directory below was moved, or was reached through a symbolic link) the way down from the operand
 * is walked once more.  Device and inode must be what they were.
 */

#define MAX_OPEN 16
#define OPEN_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

static int reserve_path(struct walk *walk, size_t nbytes, struct error *err) {
	char *path;

	if (nbytes <= walk->capacity)
		return TARN_OK;
	path = realloc(walk->path, nbytes * 2);
	if (path == NULL)
		return err_nomem(err);
	walk->path = path;
	walk->capacity = nbytes * 2;
	return TARN_OK;
}

int walk_begin(struct walk *walk, int base, const char *name, struct error *err) {
	size_t nbytes = strlen(name);

	if (reserve_path(walk, nbytes + 1, err) != TARN_OK)
		return (int)err->code;
	memcpy(walk->path, name, nbytes + 1);
	walk->nbytes = nbytes;
	walk->base = base;
	walk->first_open = 0;
	return TARN_OK;
}

struct walk_frame *walk_top(struct walk *walk) {
	return walk->depth > 0 ? &walk->frames[walk->depth - 1] : NULL;
}

/* Where the name behind the directory path of ${nbytes} begins. */
static size_t name_start(const struct walk *walk, size_t nbytes) {
	return nbytes > 0 && walk->path[nbytes - 1] == '/' ? nbytes : nbytes + 1;
}

int walk_set_name(struct walk *walk, const char *component, struct error *err) {
	size_t nbytes = strlen(component), at = walk_top(walk)->nbytes;
	size_t start = name_start(walk, at);

	if (reserve_path(walk, start + nbytes + 1, err) != TARN_OK)
		return (int)err->code;
	walk->path[at] = '/';
	memcpy(walk->path + start, component, nbytes + 1);
	walk->nbytes = start + nbytes;
	return TARN_OK;
}

int walk_directory_fd(const struct walk *walk) {
	return walk->depth > 0 ? walk->frames[walk->depth - 1].fd : walk->base;
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

/* Open a directory that must be (dev, ino). */
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

static int push(struct walk *walk, const struct walk_frame *frame, struct error *err) {
	if (walk->depth == walk->frames_capacity) {
		size_t capacity = walk->frames_capacity * 2 + 32;
		struct walk_frame *frames = reallocarray(walk->frames, capacity, sizeof(*frames));

		if (frames == NULL)
			return err_nomem(err);
		walk->frames = frames;
		walk->frames_capacity = capacity;
	}
	walk->frames[walk->depth++] = *frame;
	if (walk->depth - walk->first_open > MAX_OPEN) {
		close(walk->frames[walk->first_open].fd);
		walk->frames[walk->first_open++].fd = -1;
	}
	return TARN_OK;
}

int walk_enter(struct walk *walk, dev_t dev, ino_t ino, struct error *err) {
	struct walk_frame frame = { .dev = dev, .ino = ino, .nbytes = walk->nbytes };
	int r;

	frame.start = (size_t)(walk_name(walk) - walk->path);
	frame.fd = open_same(
	    walk_directory_fd(walk), walk_name(walk), walk->follow ? 0 : O_NOFOLLOW, &frame);
	if (frame.fd < 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot open");
	r = directory_read(&frame.names, frame.fd, walk->sort, err);
	if (r == TARN_ENOMEM || push(walk, &frame, err) != TARN_OK) {
		directory_fini(&frame.names);
		close(frame.fd);
		return TARN_ENOMEM;
	}
	return r == TARN_OK ? TARN_OK : TARN_END;
}

/* Walk down from the operand to frame ${i}. */
static int open_from_base(struct walk *walk, size_t i) {
	int flags = walk->follow ? 0 : O_NOFOLLOW, fd = walk->base, next;

	for (size_t k = 0; k <= i; k++) {
		struct walk_frame *frame = &walk->frames[k];
		char saved = walk->path[frame->nbytes];

		walk->path[frame->nbytes] = '\0';
		next = open_same(fd, walk->path + frame->start, flags, frame);
		walk->path[frame->nbytes] = saved;
		if (k > 0)
			close(fd);
		if (next < 0)
			return -1;
		fd = next;
	}
	return fd;
}

int walk_leave(struct walk *walk, struct error *err) {
	struct walk_frame *leaving = walk_top(walk), *above = leaving - 1;
	int r = TARN_OK;

	walk->depth--;
	if (walk->depth > 0 && above->fd < 0) {
		above->fd = leaving->fd < 0 ? -1 : open_same(leaving->fd, "..", 0, above);
		if (above->fd < 0)
			above->fd = open_from_base(walk, walk->depth - 1);
		if (above->fd < 0) {
			above->next = above->names.n;
			r = err_set(err, TARN_ESYSTEM, errno, "Cannot return to this directory");
		}
		walk->first_open = walk->depth - 1;
	}
	if (leaving->fd >= 0)
		close(leaving->fd);
	directory_fini(&leaving->names);
	walk->nbytes = walk->depth > 0 ? above->nbytes : 0;
	walk->path[walk->nbytes] = '\0';
	return r;
}

void walk_fini(struct walk *walk) {
	for (size_t i = 0; i < walk->depth; i++) {
		directory_fini(&walk->frames[i].names);
		if (walk->frames[i].fd >= 0)
			close(walk->frames[i].fd);
	}
	free(walk->frames);
	free(walk->path);
	*walk = (struct walk){ 0 };
}
