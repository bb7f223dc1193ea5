#include "config.h"

#include "exact_name.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"
#include "doomed_name.h"
#include "held_directory.h"
#include "mounts_below.h"
#include "temporary_name.h"

/*
 * No system call says whether a directory folds names, so it is tried out, once for each file
 * system.  Mostly the first name that was made tells: when it is not found with its letters in the
 * other case, different names are different files.  When it is found, it may be folded or there may
 * be two files; then a file with a name that nobody else has is made to see.
 *
 * Where names are folded, the list of a directory says what its entries are really called.  Not so
 * with lowntfs-3g and ignore_case, which lists all names in small letters.  There this run
 * remembers the inodes that it made and the names that it gave.  An inode of this run that is found
 * under another name than those must have been made under one that differs in case.  Of what was
 * there before nobody can tell what it was called: it passes for what it is asked for.
 */

void exact_names_init(struct exact_names *names) {
	*names = (struct exact_names){ .seed = key_seed() };
}

void exact_names_fini(struct exact_names *names) {
	free(names->file_systems);
	key_set_fini(&names->given);
}

/*
 * Has the directory an entry that is listed as ${name}?  True when it cannot be read: then nothing
 * speaks against the name, and what follows fails or not as the system has it.
 */
static bool is_listed(int dirfd, const char *name) {
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return true;
	}
	do
		entry = readdir(dir);
	while (entry != NULL && strcmp(entry->d_name, name) != 0);
	closedir(dir);
	return entry != NULL;
}

/*
 * ${name} in the other case; false for a name without letters.  Letters are those of one byte that
 * the locale has; more are not needed, as one that can be swapped is enough to find out.
 */
static bool swap_case(const char *name, char other[COMPONENT_NBYTES_MAX + 1]) {
	size_t n = 0;

	for (; name[n] != '\0' && n < COMPONENT_NBYTES_MAX; n++) {
		int c = (unsigned char)name[n];

		other[n] = (char)(islower(c) ? toupper(c) : tolower(c));
	}
	other[n] = '\0';
	return strcmp(name, other) != 0;
}

/* Any other failure is no proof that names are told apart. */
static bool is_missing(int dirfd, const char *name) {
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
}

/*
 * What becomes of a name with capital and small letters in the directory: temporary_name has both.
 * Unknown when no file can be made there.
 */
static enum folding try_name(int dirfd) {
	char name[TEMPORARY_NAME_NBYTES], other[COMPONENT_NBYTES_MAX + 1];
	enum folding folding = FOLDING_UNKNOWN;
	struct doomed_name doomed;
	struct stat directory;
	int fd;

	if (fstat(dirfd, &directory) != 0 || temporary_name(name) != 0)
		return FOLDING_UNKNOWN;
	swap_case(name, other);
	doomed_name_init(&doomed, dirfd, name);
	fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0) {
		close(fd);
		folding = is_missing(dirfd, other) ? FOLDING_NONE :
		    is_listed(dirfd, name)         ? FOLDING_LISTED :
		                                     FOLDING_UNLISTED;
		unlinkat(dirfd, name, 0);
	}
	/*
	 * The file must not show in the times of a directory to which nothing else is done.  Not
	 * where names are folded, as fusefat dies of this call.
	 */
	if (folding == FOLDING_NONE)
		utimensat(dirfd, ".",
		    (const struct timespec[]){ directory.st_atim, directory.st_mtim }, 0);
	doomed_name_spare(&doomed);
	return folding;
}

static enum folding known_folding(const struct exact_names *names, dev_t dev) {
	for (size_t i = 0; i < names->nfile_systems; i++) {
		if (names->file_systems[i].dev == dev)
			return names->file_systems[i].folding;
	}
	return FOLDING_UNKNOWN;
}

bool exact_names_are_told_on(const struct exact_names *names, dev_t dev) {
	return known_folding(names, dev) == FOLDING_NONE;
}

/*
 * Does ${dev} fold, the file system of ${dirfd}?  Once that is known it is not asked.  It is not
 * always that of what is called ${name} there, on which another may be mounted.  Unknown for a name
 * without letters, unless it ${must} be known.
 */
static enum folding learn_folding(
    struct exact_names *names, int dirfd, dev_t dev, const char *name, bool must) {
	enum folding folding = known_folding(names, dev);
	char other[COMPONENT_NBYTES_MAX + 1];
	struct file_system *grown;

	if (folding != FOLDING_UNKNOWN || (!swap_case(name, other) && !must))
		return folding;
	folding = is_missing(dirfd, other) ? FOLDING_NONE : try_name(dirfd);
	/* Not remembered: another directory of the file system may let a file be made. */
	if (folding == FOLDING_UNKNOWN)
		return folding;
	grown = reallocarray(
	    names->file_systems, names->nfile_systems + 1, sizeof(*names->file_systems));
	if (grown == NULL)
		return folding;
	names->file_systems = grown;
	grown[names->nfile_systems++] = (struct file_system){ dev, folding };
	names->fold = names->fold || folding != FOLDING_NONE;
	return folding;
}

/*
 * With the type: a directory may get the number of a file that is gone.  Keys of inodes and of
 * names share one set; they meet no oftener than two names do (key_set.h).
 */
static uint64_t key_of_inode(const struct exact_names *names, const struct stat *st) {
	return key_with_numbers(names->seed ^ (st->st_mode & S_IFMT), st->st_ino, st->st_dev);
}

/* The key of ${name} in ${dir}: key_of_name of the whole path. */
static uint64_t key_of_entry(
    const struct exact_names *names, const struct held_directory *dir, const char *name) {
	uint64_t key = key_of_name(names->seed, dir->path);

	key_next_component(&key, &name);
	return key;
}

struct asking {
	struct exact_names *names;
	int dirfd;
};

/* What is mounted at ${path} is asked; where nothing can be made it is no matter. */
static void ask_mounted(void *arg, const char *path) {
	struct asking *a = arg;
	int fd = compat_open_directory_beneath(a->dirfd, path, false);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0)
		learn_folding(a->names, fd, st.st_dev, ".", true);
	if (fd >= 0)
		close(fd);
}

bool exact_names_are_told(struct exact_names *names, int dirfd) {
	if (names->nfile_systems > 0 && !names->fold && !names->asked_mounted) {
		names->asked_mounted = true;
		mounts_below(dirfd, ask_mounted, &(struct asking){ names, dirfd });
	}
	return names->nfile_systems > 0 && !names->fold;
}

bool exact_names_is(struct exact_names *names, const struct held_directory *dir, const char *name,
    const struct stat *st) {
	/* The destination itself: not every list has "." in it. */
	if (strcmp(name, ".") == 0)
		return true;
	switch (learn_folding(names, dir->fd, dir->dev, name, true)) {
	case FOLDING_NONE:
		return true;
	case FOLDING_UNLISTED:
		return key_set_has(&names->given, key_of_entry(names, dir, name)) ||
		    !key_set_has(&names->given, key_of_inode(names, st));
	default:
		return is_listed(dir->fd, name);
	}
}

int exact_names_linked(struct exact_names *names, const struct held_directory *dir,
    const char *name, struct error *err) {
	if (learn_folding(names, dir->fd, dir->dev, name, false) != FOLDING_UNLISTED)
		return TARN_OK;
	return key_set_add(&names->given, key_of_entry(names, dir, name), err);
}

int exact_names_made(struct exact_names *names, const struct held_directory *dir, const char *name,
    const struct stat *st, struct error *err) {
	struct stat parent;
	int r = exact_names_linked(names, dir, name, err);

	if (r != TARN_OK || known_folding(names, dir->dev) != FOLDING_UNLISTED)
		return r;
	r = key_set_add(&names->given, key_of_inode(names, st), err);
	/*
	 * The directory may have been made before it was known what the file system does, and is
	 * remembered with the first thing in it.
	 */
	if (r == TARN_OK && fstat(dir->fd, &parent) == 0)
		r = key_set_add(&names->given, key_of_inode(names, &parent), err);
	return r == TARN_OK ? key_set_add(&names->given, key_of_name(names->seed, dir->path), err) :
	                      r;
}
