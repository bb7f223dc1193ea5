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

#define OWN_DESCRIPTORS "/proc/self/fd"

struct contained {
	struct held_directories directories;
	dev_t dev; /* of the destination */
	/* File systems of which it is known whether they take different names for the same. */
	struct file_system {
		dev_t dev;
		enum folding folding;
	} * file_systems;
	size_t nfile_systems;
	bool crosses_mounts;  /* something was made on another device than the destination's */
	bool can_be_nameless; /* a file without a name can be given one */
};

/* Work on ${name} in ${dir}; ${arg} is what in_parent was given. */
typedef int step_function(struct contained *contained, struct held_directory *dir, const char *name,
    void *arg, struct error *err);

/* Take over ${fd}, a destination; or errno says why there is none. */
static int open_below(struct contained **contained, int fd, struct error *err) {
	struct contained *c;
	struct stat st;

	if (fd < 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot open");
	c = calloc(1, sizeof(*c));
	if (c == NULL || held_directories_init(&c->directories, fd) != 0) {
		if (c == NULL)
			close(fd);
		free(c);
		return err_nomem(err);
	}
	if (fstat(c->directories.root->fd, &st) != 0) {
		err_set(err, TARN_ESYSTEM, errno, "Cannot stat");
		contained_free(c);
		return (int)err->code;
	}
	c->dev = st.st_dev;
	c->can_be_nameless = access(OWN_DESCRIPTORS, X_OK) == 0;
	*contained = c;
	return TARN_OK;
}

int contained_open(struct contained **contained, const char *directory, struct error *err) {
	return open_below(contained, open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC), err);
}

int contained_open_again(
    struct contained **contained, const struct contained *like, struct error *err) {
	int fd = fcntl(like->directories.root->fd, F_DUPFD_CLOEXEC, 0);
	struct file_system *known;

	if (open_below(contained, fd, err) != TARN_OK)
		return (int)err->code;
	/* What is not known here is asked for. */
	known = reallocarray(NULL, like->nfile_systems, sizeof(*known));
	if (known != NULL && like->nfile_systems > 0) {
		memcpy(known, like->file_systems, like->nfile_systems * sizeof(*known));
		(*contained)->file_systems = known;
		(*contained)->nfile_systems = like->nfile_systems;
		(*contained)->directories.are_exact = like->directories.are_exact;
	}
	return TARN_OK;
}

bool contained_tells_names(const struct contained *contained) {
	return contained->nfile_systems > 0 && !contained->directories.are_exact;
}

void contained_free(struct contained *contained) {
	if (contained == NULL)
		return;
	held_directories_fini(&contained->directories);
	free(contained->file_systems);
	free(contained);
}

int contained_directory(const struct contained *contained) {
	return contained->directories.root->fd;
}

int contained_sync(struct contained *contained, struct error *err) {
	int fd = openat(contained->directories.root->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = TARN_OK;

	/* This says nothing of errors, but it is all there is for file systems that are not held. */
	if (contained->crosses_mounts)
		sync();
	if (fd < 0 || syncfs(fd) != 0)
		r = err_set(err, TARN_ESYSTEM, errno, "Cannot sync");
	if (fd >= 0)
		close(fd);
	return r;
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

static enum folding known_folding(const struct contained *c, dev_t dev) {
	for (size_t i = 0; i < c->nfile_systems; i++) {
		if (c->file_systems[i].dev == dev)
			return c->file_systems[i].folding;
	}
	return FOLDING_UNKNOWN;
}

/* Does the file system fold case on which ${name}, ${st}, is?  Once that is known it is not asked. */
static enum folding learn_folding(
    struct contained *c, int dirfd, const char *name, const struct stat *st, bool is_unique) {
	enum folding folding = known_folding(c, st->st_dev);
	struct file_system *grown;

	if (folding != FOLDING_UNKNOWN)
		return folding;
	folding = directory_folding(dirfd, name, st, is_unique);
	if (folding == FOLDING_UNKNOWN)
		return folding;
	if (folding == FOLDING_CASE)
		c->directories.are_exact = true;
	grown = reallocarray(c->file_systems, c->nfile_systems + 1, sizeof(*grown));
	if (grown == NULL)
		return folding;
	c->file_systems = grown;
	grown[c->nfile_systems++] = (struct file_system){ st->st_dev, folding };
	return folding;
}

/*
 * Something is at ${name} already.  TARN_FOLDED when it is called otherwise, and the file system
 * does not tell the two names apart: what has that name is not to be touched.
 */
static int look_at_existing(
    struct contained *c, int dirfd, const char *name, const char *failure, struct error *err) {
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    learn_folding(c, dirfd, name, &st, false) == FOLDING_NONE ||
	    directory_has_exactly(dirfd, name))
		return TARN_OK;
	return err_set(err, TARN_FOLDED, 0,
	    "%s: the file system does not tell this name from one that is there", failure);
}

/* The same; TARN_EXISTS when it is not to be replaced. */
static int ask_to_replace(struct contained *c, int dirfd, const char *name, bool replace,
    const char *failure, struct error *err) {
	int r = look_at_existing(c, dirfd, name, failure, err);

	return r != TARN_OK || replace ? r : err_set(err, TARN_EXISTS, EEXIST, "%s", failure);
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

/* fusefat and exfat-fuse fail with EIO when they have made a file in the place of a fifo or device. */
static void remove_half_made(int dirfd, const char *name, mode_t mode) {
	struct stat st;

	if (errno != EIO || S_ISLNK(mode))
		return;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size == 0)
		unlinkat(dirfd, name, 0);
	errno = EOPNOTSUPP;
}

/*
 * Make something that cannot be opened by being made.  Whatever lies under the name when it is
 * opened may have been put there by another process, and must not get the owner and mode of the
 * member: something of another type or with more names than one was there before, and stays.
 */
static int make_and_look(int dirfd, const char *name, const struct making *m, struct stat *st) {
	int result, fd, saved;

	result = S_ISLNK(m->mode) ? symlinkat(m->target, dirfd, name) :
	                            mknodat(dirfd, name, m->mode, m->rdev);
	if (result != 0) {
		remove_half_made(dirfd, name, m->mode);
		return -1;
	}
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

/* Returns 0, or -1 with errno. */
static int choose_temporary(int dirfd, struct fresh *fresh) {
	if (temporary_name(fresh->temporary) != 0)
		return -1;
	doomed_name_init(&fresh->doomed, dirfd, fresh->temporary);
	return 0;
}

static int make_temporary(int dirfd, struct fresh *fresh) {
	int fd, saved;

	if (choose_temporary(dirfd, fresh) != 0)
		return -1;
	fd = open_at(dirfd, fresh->temporary, O_RDWR | O_CREAT | O_EXCL);
	if (fd < 0 || fstat(fd, &fresh->st) == 0)
		return fd;
	saved = errno;
	unlinkat(dirfd, fresh->temporary, 0);
	close(fd);
	errno = saved;
	return -1;
}

/* ENOENT for a directory that was removed: some file systems make files there all the same. */
static int make_nameless(int dirfd, struct fresh *fresh) {
	struct stat directory;
	int fd, saved;

	if (fstat(dirfd, &directory) == 0 && directory.st_nlink == 0) {
		errno = ENOENT;
		return -1;
	}
	fd = open_at(dirfd, ".", O_RDWR | O_TMPFILE);
	if (fd < 0 || fstat(fd, &fresh->st) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* Is something at ${name}, and may it be replaced? */
static int look_before(
    struct contained *c, int dirfd, const char *name, const struct making *m, struct error *err) {
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return TARN_OK;
	return ask_to_replace(c, dirfd, name, m->replace, m->failure, err);
}

static int make_file_step(struct contained *c, struct held_directory *dir, const char *name,
    const struct making *m, struct error *err) {
	struct fresh *fresh = m->fresh;

	/* Else a file without a name finds out when it gets one. */
	if (!m->replace && look_before(c, dir->fd, name, m, err) != TARN_OK)
		return (int)err->code;
	errno = EOPNOTSUPP;
	if (c->can_be_nameless)
		fresh->fd = make_nameless(dir->fd, fresh);
	fresh->is_nameless = fresh->fd >= 0;
	/* The last is what kernels say that do not know of it. */
	if (fresh->fd < 0 && (errno == EOPNOTSUPP || errno == EINVAL || errno == EISDIR)) {
		if (m->replace && look_before(c, dir->fd, name, m, err) != TARN_OK)
			return (int)err->code;
		fresh->fd = make_temporary(dir->fd, fresh);
		if (fresh->fd >= 0)
			learn_folding(c, dir->fd, fresh->temporary, &fresh->st, true);
	}
	return fresh->fd >= 0 ? TARN_OK : err_set(err, TARN_ESYSTEM, errno, "%s", m->failure);
}

static int make_other_step(struct contained *c, struct held_directory *dir, const char *name,
    const struct making *m, struct error *err) {
	struct fresh *fresh = m->fresh;
	int r;

	fresh->fd = make_and_look(dir->fd, name, m, &fresh->st);
	if (fresh->fd < 0 && errno == EEXIST) {
		r = ask_to_replace(c, dir->fd, name, m->replace, m->failure, err);
		if (r != TARN_OK)
			return r;
		if (choose_temporary(dir->fd, fresh) == 0)
			fresh->fd = make_and_look(dir->fd, fresh->temporary, m, &fresh->st);
	}
	if (fresh->fd < 0)
		return err_set(err, TARN_ESYSTEM, errno, "%s", m->failure);
	learn_folding(c, dir->fd, name, &fresh->st, false);
	return TARN_OK;
}

static int make_step(struct contained *c, struct held_directory *dir, const char *name, void *arg,
    struct error *err) {
	const struct making *m = arg;
	struct fresh *fresh = m->fresh;
	int r;

	*fresh = (struct fresh){ .fd = -1, .contained = c, .replace = m->replace };
	r = S_ISREG(m->mode) ? make_file_step(c, dir, name, m, err) :
	                       make_other_step(c, dir, name, m, err);
	if (r != TARN_OK) {
		doomed_name_spare(&fresh->doomed);
		return r;
	}
	if (fresh->st.st_dev != c->dev)
		c->crosses_mounts = true;
	strcpy(fresh->name, name);
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

/* Give the file ${fd}, which has none, the name ${name}. */
static int link_nameless(int fd, int dirfd, const char *name) {
	char path[sizeof(OWN_DESCRIPTORS) + 3 * sizeof(int)];

	/* Not everybody may do this: ENOENT. */
	if (linkat(fd, "", dirfd, name, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno != ENOENT)
		return -1;
	snprintf(path, sizeof(path), OWN_DESCRIPTORS "/%d", fd);
	return linkat(AT_FDCWD, path, dirfd, name, AT_SYMLINK_FOLLOW);
}

/* Give ${fresh} its name, or a temporary one where that is to be replaced. */
static int name_nameless(struct fresh *fresh, struct error *err) {
	struct contained *c = fresh->contained;
	int dirfd = fresh->directory->fd, r;

	if (link_nameless(fresh->fd, dirfd, fresh->name) == 0) {
		fresh->st.st_nlink = 1;
		learn_folding(c, dirfd, fresh->name, &fresh->st, false);
		return TARN_OK;
	}
	if (errno == EEXIST) {
		r = ask_to_replace(c, dirfd, fresh->name, fresh->replace, "Cannot open", err);
		if (r != TARN_OK)
			return r;
		if (choose_temporary(dirfd, fresh) == 0 &&
		    link_nameless(fresh->fd, dirfd, fresh->temporary) == 0)
			return TARN_OK;
		fresh->temporary[0] = '\0';
	}
	return err_set(err, TARN_ESYSTEM, errno, "Cannot link into place");
}

/* Rename the temporary name where nothing may be replaced. */
static int rename_to_free_name(const struct fresh *fresh, struct error *err) {
	int dirfd = fresh->directory->fd;
	struct stat st;
	int r = renameat2(dirfd, fresh->temporary, dirfd, fresh->name, RENAME_NOREPLACE);

	/* A file system that cannot do that: the look is the next best. */
	if (r != 0 && errno == EINVAL) {
		errno = EEXIST;
		if (fstatat(dirfd, fresh->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			r = renameat(dirfd, fresh->temporary, dirfd, fresh->name);
	}
	if (r == 0)
		return TARN_OK;
	return err_set(
	    err, errno == EEXIST ? TARN_EXISTS : TARN_ESYSTEM, errno, "Cannot rename into place");
}

/* Some file systems say only when a file is closed that not everything was written. */
static int flush(int fd, struct error *err) {
	int other = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (other < 0 || (close(other) != 0 && errno != EINTR))
		return err_set(err, TARN_ESYSTEM, errno, "Cannot close");
	return TARN_OK;
}

static int commit(struct fresh *fresh, struct error *err) {
	struct contained *c = fresh->contained;
	int r = flush(fresh->fd, err);

	if (r == TARN_OK && fresh->is_nameless) {
		r = name_nameless(fresh, err);
		fresh->is_nameless = r != TARN_OK;
	}
	if (r != TARN_OK || fresh->temporary[0] == '\0')
		return r;
	return fresh->replace ?
	    replace_by(c, fresh->directory, fresh->temporary, fresh->name, err) :
	    rename_to_free_name(fresh, err);
}

int contained_commit(struct fresh *fresh, struct error *err) {
	int r = commit(fresh, err);

	if (r != TARN_OK) {
		contained_discard(fresh);
		return r;
	}
	close(fresh->fd);
	doomed_name_spare(&fresh->doomed);
	held_directory_release(fresh->directory);
	*fresh = (struct fresh){ .fd = -1 };
	return TARN_OK;
}

void contained_discard(struct fresh *fresh) {
	if (fresh->directory == NULL)
		return;
	if (fresh->fd >= 0)
		close(fresh->fd);
	if (!fresh->is_nameless)
		unlinkat(fresh->directory->fd,
		    fresh->temporary[0] != '\0' ? fresh->temporary : fresh->name, 0);
	doomed_name_spare(&fresh->doomed);
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
	struct doomed_name doomed;
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
	doomed_name_init(&doomed, dir->fd, temporary);
	r = link_and_look(from->fd, l, dir->fd, temporary, err);
	if (r == TARN_OK)
		r = replace_by(c, dir, temporary, name, err);
	doomed_name_spare(&doomed);
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
