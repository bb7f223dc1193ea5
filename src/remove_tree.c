#include "config.h"

#include "remove_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "temporary_name.h"

/*
 * For --recursive-unlink, by way of contained_remove_tree.  A tree may be deeper than there are
 * descriptors or stack, so it is not descended into.  A directory in the top that is not empty has
 * its own directories moved up into the top, each under a temporary name, and is removed then.  So
 * only the top and one directory in it are ever open, and each directory moves once.
 *
 * No name in it is followed, and what is mounted there is not entered: rmdir(2) refuses a mount
 * point (EBUSY), which ends the whole.
 */

/* NULL with errno; ELOOP or ENOTDIR when it is a symbolic link by now. */
static DIR *open_directory(int dirfd, const char *name) {
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (dir == NULL && fd >= 0)
		close(fd);
	return dir;
}

/* Returns 0; 1 for a directory that is not empty; -1 with errno. */
static int remove_one(int dirfd, const char *name) {
	if (unlinkat(dirfd, name, 0) == 0)
		return 0;
	/* EISDIR is what Linux says of a directory, EPERM what POSIX has (unlink(2)). */
	if (errno != EISDIR && errno != EPERM)
		return -1;
	if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0)
		return 0;
	return errno == ENOTEMPTY || errno == EEXIST ? 1 : -1;
}

/*
 * The next name, but for `.' and `..', borrowed until the next call; NULL at the end, and NULL with
 * errno not 0 when reading fails.
 */
static const char *next_name(DIR *dir) {
	const struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(dir);
	} while (
	    entry != NULL && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
	return entry != NULL ? entry->d_name : NULL;
}

/* Under a temporary name, as what lies in the top may have the same. */
static int move_up(int dirfd, const char *name, int top) {
	char moved[TEMPORARY_NAME_NBYTES];

	return temporary_name(moved) == 0 ? renameat(dirfd, name, top, moved) : -1;
}

/*
 * Remove the directory ${name} in ${top}, whose own directories, where they are not empty, move up
 * into ${top}.  Returns 0, or -1 with errno.
 */
static int remove_below(int top, const char *name) {
	DIR *dir = open_directory(top, name);
	const char *entry;
	int r = 0, saved;

	if (dir == NULL)
		return -1;
	while (r == 0 && (entry = next_name(dir)) != NULL) {
		r = remove_one(dirfd(dir), entry);
		if (r > 0)
			r = move_up(dirfd(dir), entry, top);
	}
	/* The names ended, or reading them failed. */
	if (r == 0 && errno != 0)
		r = -1;
	saved = errno;
	closedir(dir);
	errno = saved;
	return r == 0 ? unlinkat(top, name, AT_REMOVEDIR) : r;
}

int remove_tree(int above, const char *name) {
	DIR *dir = open_directory(above, name);
	const char *entry;
	bool more = true;
	int r = 0, saved;

	if (dir == NULL)
		return -1;
	/* readdir(3) may pass by what moves up meanwhile: until nothing is found. */
	while (r == 0 && more) {
		more = false;
		rewinddir(dir);
		while (r == 0 && (entry = next_name(dir)) != NULL) {
			more = true;
			r = remove_one(dirfd(dir), entry);
			if (r > 0)
				r = remove_below(dirfd(dir), entry);
		}
		if (r == 0 && errno != 0)
			r = -1;
	}
	saved = errno;
	closedir(dir);
	errno = saved;
	return r == 0 ? unlinkat(above, name, AT_REMOVEDIR) : -1;
}
