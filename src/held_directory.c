#include "config.h"

#include "held_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compat.h"

/*
 * A handful of descriptors in the order of their last use: members of one directory follow each
 * other, and the next directory is mostly a sibling or a child, so that a search from the front
 * ends soon, and what is opened is opened from close by.  They are few because tarn is to work with
 * 32 descriptors in all (SECURITY.md), and more of them save little (HACKING.md).
 *
 * Users have shares so that a directory may fall out of the cache while somebody still works in it.
 * Shares are counted without a lock: a struct held_directories and all its directories belong to
 * one thread.
 *
 * On a file system that folds names a directory is entered only when its components are called so
 * to the letter.  This is looked at when it is opened, and before anything is made on the way; not
 * when it is found in the cache, unless it came there while nobody knew that names are folded.
 */

/*
 * Room for a path of ${path_nbytes}, which the caller puts there.  Takes over ${fd}, also on
 * failure, which is -1 when opening it has failed.
 */
static struct held_directory *held_directory_new(int fd, size_t path_nbytes) {
	struct held_directory *dir;

	if (fd < 0)
		return NULL;
	dir = malloc(sizeof(*dir) + path_nbytes + 1);
	if (dir == NULL) {
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	dir->fd = fd;
	dir->dev = 0;
	dir->is_exact = false;
	dir->nshares = 1;
	dir->path_nbytes = path_nbytes;
	dir->path[path_nbytes] = '\0';
	return dir;
}

struct held_directory *held_directory_share(struct held_directory *dir) {
	dir->nshares++;
	return dir;
}

void held_directory_release(struct held_directory *dir) {
	if (dir == NULL || --dir->nshares > 0)
		return;
	close(dir->fd);
	free(dir);
}

static int find_device(struct held_directory *dir) {
	struct stat st;

	if (fstat(dir->fd, &st) != 0)
		return -1;
	dir->dev = st.st_dev;
	return 0;
}

int held_directories_init(struct held_directories *dirs, int fd) {
	dirs->n = 0;
	exact_names_init(&dirs->names);
	dirs->max = HELD_DIRECTORIES_MAX;
	dirs->root = held_directory_new(fd, 0);
	if (dirs->root == NULL)
		return -1;
	if (find_device(dirs->root) != 0) {
		int saved = errno;

		held_directory_release(dirs->root);
		errno = saved;
		return -1;
	}
	dirs->root->is_exact = true;
	return 0;
}

void held_directories_limit(struct held_directories *dirs, size_t max) {
	while (dirs->n > max)
		held_directory_release(dirs->recent[--dirs->n]);
	dirs->max = max;
}

void held_directories_fini(struct held_directories *dirs) {
	held_directories_forget_all(dirs);
	held_directory_release(dirs->root);
	exact_names_fini(&dirs->names);
}

/*
 * What remains of ${path} behind ${dir} and a slash; NULL when it is not below it.  The slash
 * matters: "ab/c" is not below "a".
 */
static const char *rest_below(const struct held_directory *dir, const char *path) {
	if (dir->path_nbytes == 0)
		return path;
	if (strncmp(path, dir->path, dir->path_nbytes) != 0 || path[dir->path_nbytes] != '/')
		return NULL;
	return path + dir->path_nbytes + 1;
}

/* Put ${dir} at the front; the ${n} that are there move back by one, over what follows them. */
static void put_first(struct held_directories *dirs, struct held_directory *dir, size_t n) {
	memmove(&dirs->recent[1], &dirs->recent[0], n * sizeof(dirs->recent[0]));
	dirs->recent[0] = dir;
}

/* Put ${dir}, which is not there yet, at the front; the last gives way. */
static void hold(struct held_directories *dirs, struct held_directory *dir) {
	if (dirs->n == dirs->max)
		held_directory_release(dirs->recent[--dirs->n]);
	put_first(dirs, dir, dirs->n++);
}

/*
 * Is each component of ${path} behind ${nearest} called so to the letter?  The directories are
 * taken for this run's then.  A component that cannot be opened ends the walk without a verdict
 * against the path: the caller has its own error for that.
 */
static bool is_exact(
    struct held_directories *dirs, struct held_directory *nearest, const char *path) {
	struct held_directory *dir = held_directory_share(nearest), *next;
	char name[COMPONENT_NBYTES_MAX + 1];
	bool is_exact = true;
	struct error err;
	struct stat st;

	while (is_exact && path[dir->path_nbytes] != '\0') {
		size_t start = dir->path_nbytes > 0 ? dir->path_nbytes + 1 : 0;
		size_t nbytes = strcspn(path + start, "/");

		if (nbytes > COMPONENT_NBYTES_MAX)
			break;
		memcpy(name, path + start, nbytes);
		name[nbytes] = '\0';
		next = held_directory_new(
		    openat(dir->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), start + nbytes);
		if (next == NULL)
			break;
		memcpy(next->path, path, start + nbytes);
		is_exact = fstat(next->fd, &st) == 0 &&
		    exact_names_is(&dirs->names, dir, name, &st) &&
		    exact_names_made(&dirs->names, dir, name, &st, &err) == TARN_OK;
		if (is_exact)
			next->dev = st.st_dev;
		held_directory_release(dir);
		dir = next;
	}
	held_directory_release(dir);
	return is_exact;
}

/*
 * May ${dir} be entered, with ${make} to make something, without a look at what it is called?  Most
 * directories are opened for what is linked to, and are not even asked on which device they are.
 */
static bool needs_no_look(
    const struct held_directories *dirs, struct held_directory *dir, bool make) {
	if (dir->is_exact || !(make || dirs->names.fold))
		return true;
	dir->is_exact = find_device(dir) == 0 && exact_names_are_told_on(&dirs->names, dir->dev);
	return dir->is_exact;
}

static int open_beneath(const struct held_directory *dir, const char *path, bool make) {
	int fd;

	do
		fd = compat_open_directory_beneath(dir->fd, rest_below(dir, path), make);
	while (fd < 0 && errno == EINTR);
	return fd;
}

/*
 * ${path} with room for its name; NULL with errno, EEXIST when a component of it is called
 * otherwise.  The nearest directory that is held saves the kernel the way down to it.
 */
static struct held_directory *open_from_nearest(
    struct held_directories *dirs, const char *path, size_t path_nbytes, bool make) {
	struct held_directory *nearest = dirs->root, *dir;
	int saved;

	for (size_t i = 0; i < dirs->n; i++) {
		if (dirs->recent[i]->path_nbytes > nearest->path_nbytes &&
		    rest_below(dirs->recent[i], path) != NULL &&
		    needs_no_look(dirs, dirs->recent[i], make))
			nearest = dirs->recent[i];
	}
	dir = held_directory_new(open_beneath(nearest, path, false), path_nbytes);
	if (dir != NULL && needs_no_look(dirs, dir, make))
		return dir;
	/*
	 * ENOTDIR: what is in the way may be the file of another name that the file system takes
	 * for this one, and that is what is to be said then.  ENOENT: there is what comes before.
	 */
	saved = errno;
	if (dir == NULL && !(saved == ENOENT && make) &&
	    !(saved == ENOTDIR && (make || dirs->names.fold)))
		return NULL;
	if (!is_exact(dirs, nearest, path)) {
		held_directory_release(dir);
		errno = EEXIST;
		return NULL;
	}
	errno = saved;
	if (dir == NULL && saved == ENOENT) {
		dir = held_directory_new(open_beneath(nearest, path, true), path_nbytes);
		if (dir != NULL)
			find_device(dir);
	}
	if (dir != NULL)
		dir->is_exact = true;
	return dir;
}

struct held_directory *held_directories_get(
    struct held_directories *dirs, const char *path, size_t path_nbytes, bool make) {
	struct held_directory *dir;

	if (path_nbytes == 0)
		return held_directory_share(dirs->root);
	for (size_t i = 0; i < dirs->n; i++) {
		dir = dirs->recent[i];
		if (dir->path_nbytes != path_nbytes || memcmp(dir->path, path, path_nbytes) != 0)
			continue;
		/* It was opened when nobody knew better, and is looked at now. */
		if (!needs_no_look(dirs, dir, make)) {
			held_directories_forget_all(dirs);
			break;
		}
		put_first(dirs, dir, i);
		return held_directory_share(dir);
	}
	dir = open_from_nearest(dirs, path, path_nbytes, make);
	if (dir == NULL)
		return NULL;
	memcpy(dir->path, path, path_nbytes);
	/* The share from held_directory_new is the cache's. */
	hold(dirs, dir);
	return held_directory_share(dir);
}

void held_directories_hold(struct held_directories *dirs, const struct held_directory *parent,
    const char *name, int fd, dev_t dev) {
	size_t name_nbytes = strlen(name), slash = parent->path_nbytes > 0 ? 1 : 0;
	struct held_directory *dir;

	dir = held_directory_new(fd, parent->path_nbytes + slash + name_nbytes);
	/* Without memory it is not held, and opened when it is needed. */
	if (dir == NULL)
		return;
	memcpy(dir->path, parent->path, parent->path_nbytes);
	if (slash > 0)
		dir->path[parent->path_nbytes] = '/';
	memcpy(dir->path + parent->path_nbytes + slash, name, name_nbytes);
	dir->dev = dev;
	dir->is_exact = true;
	hold(dirs, dir);
}

void held_directories_forget(
    struct held_directories *dirs, const struct held_directory *parent, const char *name) {
	size_t name_nbytes = strlen(name), kept = 0;
	const char *rest;

	for (size_t i = 0; i < dirs->n; i++) {
		rest = rest_below(parent, dirs->recent[i]->path);
		if (rest != NULL && strncmp(rest, name, name_nbytes) == 0 &&
		    (rest[name_nbytes] == '\0' || rest[name_nbytes] == '/'))
			held_directory_release(dirs->recent[i]);
		else
			dirs->recent[kept++] = dirs->recent[i];
	}
	dirs->n = kept;
}

void held_directories_forget_all(struct held_directories *dirs) {
	while (dirs->n > 0)
		held_directory_release(dirs->recent[--dirs->n]);
}
