#include "config.h"

#include "contained.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exact_name.h"
#include "held_directory.h"
#include "remove_tree.h"

/*
 * Each operation is a step in one directory, on one component that is never followed: in_parent
 * gets the directory and takes the step there.
 *
 * ENOENT may also mean that a directory that is held has been removed since, so it is believed only
 * when it comes back after all that was held is forgotten.  This one rule is all that keeps the
 * directories that are held in line with the tree, beside forgetting what is replaced from here.
 */

struct contained {
	struct held_directories directories;
	/* File systems on which something was made: do they take different names for the same? */
	struct file_system {
		dev_t dev;
		bool folds_case;
	} * file_systems;
	size_t nfile_systems;
};

/* Work on ${name} in ${dir}; ${arg} is what in_parent was given. */
typedef int step_function(struct contained *contained, struct held_directory *dir, const char *name,
    void *arg, struct error *err);

int contained_open(struct contained **contained, const char *directory, struct error *err) {
	struct contained *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return err_nomem(err);
	if (held_directories_init(&c->directories, directory) != 0) {
		err_set(err, TARN_ESYSTEM, errno, "Cannot open");
		free(c);
		return (int)err->code;
	}
	*contained = c;
	return TARN_OK;
}

void contained_free(struct contained *contained) {
	if (contained == NULL)
		return;
	held_directories_fini(&contained->directories);
	free(contained->file_systems);
	free(contained);
}

/* Say that a parent could not be opened, with the errno of held_directories_get. */
static int parent_error(struct error *err) {
	if (errno == ENOMEM)
		return err_nomem(err);
	if (errno == ELOOP)
		return err_set(
		    err, TARN_EREFUSED, 0, "Cannot open: a parent directory is a symbolic link");
	if (errno == EEXIST)
		return err_set(err, TARN_EREFUSED, 0,
		    "Cannot open parent directory: the file system does not tell its name from "
		    "one that is there");
	return err_set(err, TARN_ESYSTEM, errno, "Cannot open parent directory");
}

static int in_parent_once(struct contained *c, const struct member_path *path, bool make_parents,
    step_function *step, void *arg, struct error *err) {
	struct held_directory *dir =
	    held_directories_get(&c->directories, path->parent, path->parent_nbytes, make_parents);
	int r;

	if (dir == NULL)
		return parent_error(err);
	r = step(c, dir, path->depth > 0 ? path->last : ".", arg, err);
	held_directory_release(dir);
	return r;
}

/* Take ${step} on ${path}'s last component; that of the destination itself is `.'. */
static int in_parent(struct contained *c, const struct member_path *path, bool make_parents,
    step_function *step, void *arg, struct error *err) {
	int r = in_parent_once(c, path, make_parents, step, arg, err);

	if (r != TARN_ESYSTEM || err->errnum != ENOENT)
		return r;
	held_directories_forget_all(&c->directories);
	return in_parent_once(c, path, make_parents, step, arg, err);
}

/* openat() that no signal interrupts. */
static int open_at(int dirfd, const char *name, int flags) {
	int fd;

	do
		fd = openat(dirfd, name, flags | O_NOFOLLOW | O_CLOEXEC, (mode_t)0600);
	while (fd < 0 && errno == EINTR);
	return fd;
}

/* Does ${dev}, on which ${dirfd} is, fold case?  It is asked once. */
static bool folds_case(struct contained *c, int dirfd, dev_t dev) {
	struct file_system *grown;
	bool folds;

	for (size_t i = 0; i < c->nfile_systems; i++) {
		if (c->file_systems[i].dev == dev)
			return c->file_systems[i].folds_case;
	}
	folds = directory_folds_case(dirfd);
	if (folds)
		c->directories.are_exact = true;
	grown = reallocarray(c->file_systems, c->nfile_systems + 1, sizeof(*grown));
	if (grown == NULL)
		return folds;
	c->file_systems = grown;
	grown[c->nfile_systems++] = (struct file_system){ dev, folds };
	return folds;
}

/*
 * Something is at ${name} already.  TARN_EREFUSED when it is called otherwise, and the file system
 * does not tell the two names apart: what has that name is not to be touched.
 */
static int look_at_existing(
    struct contained *c, int dirfd, const char *name, const char *failure, struct error *err) {
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !folds_case(c, dirfd, st.st_dev) || directory_has_exactly(dirfd, name))
		return TARN_OK;
	return err_set(err, TARN_EREFUSED, 0,
	    "%s: the file system does not tell this name from one that is there", failure);
}

/* Rename ${temporary} over ${name}; on a failure it is removed, and what was there stays. */
static int replace_by(struct contained *c, struct held_directory *dir, const char *temporary,
    const char *name, struct error *err) {
	int result = renameat(dir->fd, temporary, dir->fd, name), saved;

	if (result != 0 && errno == EISDIR) {
		if (unlinkat(dir->fd, name, AT_REMOVEDIR) == 0)
			result = renameat(dir->fd, temporary, dir->fd, name);
		else
			errno = EISDIR;
	}
	saved = errno;
	/* It is still there when both names are one inode: renaming does nothing then. */
	unlinkat(dir->fd, temporary, 0);
	held_directories_forget(&c->directories, dir, name);
	return result == 0 ? TARN_OK : err_set(err, TARN_ESYSTEM, saved, "Cannot replace");
}

/* What is to be made, for make_step. */
struct making {
	mode_t mode;        /* with its type */
	dev_t rdev;         /* of a device */
	const char *target; /* of a symbolic link */
	const char *failure;
	bool replace;
	struct fresh *fresh;
};

/*
 * Make something that cannot be opened by being made.  Whatever lies under the name when it is
 * opened may have been put there by another process, and must not get the owner and mode of the
 * member: something of another type or with more names than one was there before, and stays.
 */
static int make_and_look(int dirfd, const char *name, const struct making *m, struct stat *st) {
	int result, fd, saved;

	result = S_ISLNK(m->mode) ? symlinkat(m->target, dirfd, name) :
	                            mknodat(dirfd, name, m->mode, m->rdev);
	if (result != 0)
		return -1;
	fd = open_at(dirfd, name, O_PATH);
	if (fd < 0 || fstat(fd, st) != 0) {
		saved = errno;
		unlinkat(dirfd, name, 0);
	} else if ((st->st_mode & S_IFMT) == (m->mode & S_IFMT) && st->st_nlink <= 1) {
		return fd;
	} else {
		saved = EEXIST;
	}
	if (fd >= 0)
		close(fd);
	errno = saved;
	return -1;
}

/* Returns a descriptor for the new ${name}, and its ${st}; -1 with errno, EEXIST if it is taken. */
static int make_exclusively(int dirfd, const char *name, const struct making *m, struct stat *st) {
	int fd, saved;

	if (!S_ISREG(m->mode))
		return make_and_look(dirfd, name, m, st);
	fd = open_at(dirfd, name, O_RDWR | O_CREAT | O_EXCL);
	if (fd < 0 || fstat(fd, st) == 0)
		return fd;
	saved = errno;
	unlinkat(dirfd, name, 0);
	close(fd);
	errno = saved;
	return -1;
}

static int make_step(struct contained *c, struct held_directory *dir, const char *name, void *arg,
    struct error *err) {
	const struct making *m = arg;
	struct fresh *fresh = m->fresh;
	int r;

	fresh->temporary[0] = '\0';
	fresh->fd = make_exclusively(dir->fd, name, m, &fresh->st);
	if (fresh->fd < 0 && errno == EEXIST) {
		r = look_at_existing(c, dir->fd, name, m->failure, err);
		if (r != TARN_OK)
			return r;
		if (!m->replace)
			return err_set(err, TARN_EXISTS, EEXIST, "%s", m->failure);
		if (temporary_name(fresh->temporary) == 0)
			fresh->fd = make_exclusively(dir->fd, fresh->temporary, m, &fresh->st);
	}
	if (fresh->fd < 0)
		return err_set(err, TARN_ESYSTEM, errno, "%s", m->failure);
	folds_case(c, dir->fd, fresh->st.st_dev);
	strcpy(fresh->name, name);
	fresh->contained = c;
	fresh->directory = held_directory_share(dir);
	return TARN_OK;
}

/* Make what ${m} says for ${path}. */
static int make(
    struct contained *c, const struct member_path *path, struct making *m, struct error *err) {
	*m->fresh = (struct fresh){ .fd = -1 };
	if (path->depth == 0)
		return err_set(
		    err, TARN_EREFUSED, 0, "%s: its name is that of the destination", m->failure);
	return in_parent(c, path, true, make_step, m, err);
}

int contained_create(struct contained *contained, const struct member_path *path, bool replace,
    struct fresh *fresh, struct error *err) {
	struct making m = {
		.mode = S_IFREG,
		.failure = "Cannot open",
		.replace = replace,
		.fresh = fresh,
	};

	return make(contained, path, &m, err);
}

int contained_symlink(struct contained *contained, const struct member_path *path,
    const char *target, bool replace, struct fresh *fresh, struct error *err) {
	struct making m = {
		.mode = S_IFLNK,
		.target = target,
		.failure = "Cannot create symlink",
		.replace = replace,
		.fresh = fresh,
	};

	return make(contained, path, &m, err);
}

int contained_mknod(struct contained *contained, const struct member_path *path, mode_t mode,
    dev_t rdev, bool replace, struct fresh *fresh, struct error *err) {
	struct making m = {
		.mode = mode,
		.rdev = rdev,
		.failure = S_ISFIFO(mode) ? "Cannot mkfifo" : "Cannot mknod",
		.replace = replace,
		.fresh = fresh,
	};

	return make(contained, path, &m, err);
}

int contained_commit(struct fresh *fresh, struct error *err) {
	int fd = fresh->fd, r = TARN_OK;

	/* Some file systems say only now that not everything was written. */
	fresh->fd = -1;
	if (close(fd) != 0 && errno != EINTR) {
		err_set(err, TARN_ESYSTEM, errno, "Cannot close");
		contained_discard(fresh);
		return (int)err->code;
	}
	if (fresh->temporary[0] != '\0')
		r = replace_by(
		    fresh->contained, fresh->directory, fresh->temporary, fresh->name, err);
	held_directory_release(fresh->directory);
	*fresh = (struct fresh){ .fd = -1 };
	return r;
}

void contained_discard(struct fresh *fresh) {
	if (fresh->directory == NULL)
		return;
	if (fresh->fd >= 0)
		close(fresh->fd);
	unlinkat(
	    fresh->directory->fd, fresh->temporary[0] != '\0' ? fresh->temporary : fresh->name, 0);
	held_directory_release(fresh->directory);
	*fresh = (struct fresh){ .fd = -1 };
}

/* What link_step is given. */
struct link_arguments {
	struct linking *linking;
	bool replace;
};

/* Link and look: another process may have put another file at the existing name. */
static int link_and_look(
    int existing_dirfd, struct linking *l, int dirfd, const char *name, struct error *err) {
	if (linkat(existing_dirfd, l->existing->last, dirfd, name, 0) != 0)
		return err_set(
		    err, errno == EEXIST ? TARN_EXISTS : TARN_ESYSTEM, errno, "Cannot link");
	if (fstatat(dirfd, name, &l->st, AT_SYMLINK_NOFOLLOW) == 0 && l->is_wanted(l, &l->st))
		return TARN_OK;
	unlinkat(dirfd, name, 0);
	return err_set(err, TARN_EREFUSED, 0, "Cannot link: the first name was replaced meanwhile");
}

/* Is ${name} the file at ${l}'s existing name, and the one that is wanted? */
static bool is_linked_already(int existing_dirfd, struct linking *l, int dirfd, const char *name) {
	struct stat st;

	return fstatat(existing_dirfd, l->existing->last, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    fstatat(dirfd, name, &l->st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == l->st.st_dev &&
	    st.st_ino == l->st.st_ino && l->is_wanted(l, &st);
}

static int link_step(struct contained *c, struct held_directory *dir, const char *name, void *arg,
    struct error *err) {
	const struct link_arguments *arguments = arg;
	struct linking *l = arguments->linking;
	char temporary[TEMPORARY_NAME_NBYTES];
	struct held_directory *from = held_directories_get(
	    &c->directories, l->existing->parent, l->existing->parent_nbytes, false);
	int r;

	if (from == NULL)
		return parent_error(err);
	r = link_and_look(from->fd, l, dir->fd, name, err);
	if (r != TARN_EXISTS)
		goto done;
	if (look_at_existing(c, dir->fd, name, "Cannot link", err) != TARN_OK) {
		r = (int)err->code;
		goto done;
	}
	if (is_linked_already(from->fd, l, dir->fd, name)) {
		r = TARN_OK;
		goto done;
	}
	if (!arguments->replace)
		goto done;
	if (temporary_name(temporary) != 0) {
		r = err_set(err, TARN_ESYSTEM, errno, "Cannot link");
		goto done;
	}
	r = link_and_look(from->fd, l, dir->fd, temporary, err);
	if (r == TARN_OK)
		r = replace_by(c, dir, temporary, name, err);
done:
	held_directory_release(from);
	return r;
}

int contained_link(struct contained *contained, struct linking *linking,
    const struct member_path *path, bool replace, struct error *err) {
	struct link_arguments arguments = { linking, replace };

	if (path->depth == 0)
		return err_set(
		    err, TARN_EREFUSED, 0, "Cannot link: its name is that of the destination");
	return in_parent(contained, path, true, link_step, &arguments, err);
}

/* Open what is there, without waiting for the other end of a fifo or becoming a terminal's. */
static int open_node(int dirfd, const char *name, int flags) {
	int fd = open_at(dirfd, name, flags | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == EACCES && (flags & O_DIRECTORY) != 0)
		fd = open_at(dirfd, name, O_PATH | O_DIRECTORY);
	return fd;
}

/* A directory to be made or found, for mkdir_step. */
struct mkdir_arguments {
	bool replace;
	bool made;
	struct stat *st;
};

/* Returns a descriptor; -1 with errno, ENOTDIR when something else is there. */
static int make_or_open(int dirfd, const char *name, bool *made) {
	*made = mkdirat(dirfd, name, 0700) == 0;
	if (!*made && errno != EEXIST)
		return -1;
	return open_at(dirfd, name, O_PATH | O_DIRECTORY);
}

static int mkdir_step(struct contained *c, struct held_directory *dir, const char *name, void *arg,
    struct error *err) {
	struct mkdir_arguments *m = arg;
	int fd = make_or_open(dir->fd, name, &m->made), r;

	if (fd < 0 && errno == ENOTDIR) {
		if (!m->replace)
			return err_set(err, TARN_EXISTS, EEXIST, "Cannot mkdir");
		if (unlinkat(dir->fd, name, 0) == 0)
			fd = make_or_open(dir->fd, name, &m->made);
	}
	if (fd < 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot mkdir");
	if (fstat(fd, m->st) != 0)
		r = err_set(err, TARN_ESYSTEM, errno, "Cannot stat");
	else
		r = m->made ? TARN_OK : look_at_existing(c, dir->fd, name, "Cannot mkdir", err);
	/* What is there now is what counts, whoever made it. */
	held_directories_forget(&c->directories, dir, name);
	if (r == TARN_OK && strcmp(name, ".") != 0)
		held_directories_hold(&c->directories, dir, name, fd);
	else
		close(fd);
	return r;
}

int contained_mkdir(struct contained *contained, const struct member_path *path, bool replace,
    struct stat *st, bool *made, struct error *err) {
	struct mkdir_arguments arguments = { .replace = replace, .st = st };
	int r = in_parent(contained, path, true, mkdir_step, &arguments, err);

	*made = arguments.made;
	return r;
}

static int stat_step(struct contained *c, struct held_directory *dir, const char *name, void *arg,
    struct error *err) {
	(void)c;
	if (fstatat(dir->fd, name, arg, AT_SYMLINK_NOFOLLOW) != 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot stat");
	return TARN_OK;
}

int contained_stat(struct contained *contained, const struct member_path *path, struct stat *st,
    struct error *err) {
	return in_parent(contained, path, false, stat_step, st, err);
}

static int remove_step(struct contained *c, struct held_directory *dir, const char *name, void *arg,
    struct error *err) {
	(void)arg;
	held_directories_forget(&c->directories, dir, name);
	if (remove_tree(dir->fd, name) != 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot remove");
	return TARN_OK;
}

int contained_remove_tree(
    struct contained *contained, const struct member_path *path, struct error *err) {
	return in_parent(contained, path, false, remove_step, NULL, err);
}

/* How to open, for open_step. */
struct opening {
	int flags;
	int fd;
};

static int open_step(struct contained *c, struct held_directory *dir, const char *name, void *arg,
    struct error *err) {
	struct opening *o = arg;

	(void)c;
	o->fd = open_node(dir->fd, name, o->flags);
	return o->fd >= 0 ? TARN_OK : err_set(err, TARN_ESYSTEM, errno, "Cannot open");
}

int contained_open_existing(struct contained *contained, const struct member_path *path, int flags,
    int *fd, struct error *err) {
	struct opening o = { .flags = flags, .fd = -1 };
	int r = in_parent(contained, path, false, open_step, &o, err);

	*fd = o.fd;
	return r;
}
