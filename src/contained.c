#include "config.h"

#include "contained_step.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "descriptor_path.h"
#include "remove_tree.h"

/*
 * Each operation is a step in one directory, on one component that is never followed:
 * contained_in_parent opens the directory, or finds it among those that are held, and calls the
 * step there with a descriptor and a last component.  No step sees a path, so none can be led
 * astray by what another process does to the directories above.  Extraction writes through this
 * module, comparison reads through it.  Making files is in contained_fresh.c; symbolic links are
 * followed by contained_follow.c alone, which makes a path without them.
 *
 * Directories are held because opening one for each member would cost more than what is done in
 * it.  The price is that one may have been removed since.  Whatever is done in it fails with ENOENT
 * then, so ENOENT is believed only when it comes back after all that was held is forgotten, or of a
 * look-up in a directory that is seen to be there.  This one rule, and forgetting what is replaced
 * from here, keep the held directories in line with the tree.  EMFILE is treated alike: the held
 * directories may be what takes up the descriptors.
 *
 * A struct contained belongs to one thread, as nothing here is locked.  Threads that write to one
 * destination have one each (contained_open_again), and find out by the same rule what the others
 * did.
 */

/*
 * Descriptors for the directories of one destination, all threads together: each struct contained
 * has the destination itself and HELD_TOGETHER_MAX / nshares - 1 others.  That is at least one up
 * to nine shares; run_read.c opens at most LANES_MAX beside the first.
 */
#define HELD_TOGETHER_MAX ((size_t)18)

/*
 * Is it a file system that says everything that goes wrong when it is written to, and nothing more
 * when the file is closed?  Network file systems and FUSE may say only then that a quota was
 * exceeded or the server is gone.
 */
static bool is_local(int dirfd) {
	struct statfs fs;

	return fstatfs(dirfd, &fs) == 0 &&
	    (fs.f_type == TMPFS_MAGIC || fs.f_type == EXT4_SUPER_MAGIC ||
	        fs.f_type == XFS_SUPER_MAGIC || fs.f_type == BTRFS_SUPER_MAGIC);
}

/* Take over ${fd}, a destination, also on failure; -1 when open() has failed and set errno. */
static int open_below(struct contained **contained, int fd, struct error *err) {
	struct contained *c;

	if (fd < 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot open");
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		close(fd);
		return err_nomem(err);
	}
	if (held_directories_init(&c->directories, fd) != 0) {
		free(c);
		return errno == ENOMEM ? err_nomem(err) :
		                         err_set(err, TARN_ESYSTEM, errno, "Cannot stat");
	}
	c->dev = c->directories.root->dev;
	c->is_local = is_local(c->directories.root->fd);
	/* Without AT_EMPTY_PATH (link_nameless) it gets its name by /proc. */
	c->can_be_nameless = access(OWN_DESCRIPTORS, X_OK) == 0;
	c->has_modes = true;
	*contained = c;
	return TARN_OK;
}

int contained_open(struct contained **contained, const char *directory, struct error *err) {
	return open_below(contained, open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC), err);
}

int contained_open_again(
    struct contained **contained, struct contained *like, unsigned int nshares, struct error *err) {
	int fd = fcntl(like->directories.root->fd, F_DUPFD_CLOEXEC, 0);
	size_t max = HELD_TOGETHER_MAX / nshares - 1;

	if (open_below(contained, fd, err) != TARN_OK)
		return (int)err->code;
	(*contained)->like = like;
	held_directories_limit(&like->directories, max);
	held_directories_limit(&(*contained)->directories, max);
	return TARN_OK;
}

bool contained_tells_names(struct contained *contained) {
	return exact_names_are_told(&contained->directories.names, contained->directories.root->fd);
}

void contained_free(struct contained *contained) {
	if (contained == NULL)
		return;
	/* Only ${like} is asked to sync. */
	if (contained->like != NULL && contained->crosses_mounts)
		contained->like->crosses_mounts = true;
	held_directories_fini(&contained->directories);
	free(contained);
}

int contained_directory(const struct contained *contained) {
	return contained->directories.root->fd;
}

int contained_sync(struct contained *contained, struct error *err) {
	/* syncfs() takes no descriptor from O_PATH. */
	int fd = openat(contained->directories.root->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = TARN_OK;

	/* No errors are reported, but no descriptors of those file systems are left to sync. */
	if (contained->crosses_mounts)
		sync();
	if (fd < 0 || syncfs(fd) != 0)
		r = err_set(err, TARN_ESYSTEM, errno, "Cannot sync");
	if (fd >= 0)
		close(fd);
	return r;
}

int contained_parent_error(struct error *err) {
	if (errno == ENOMEM)
		return err_nomem(err);
	if (errno == ELOOP)
		return err_set(
		    err, TARN_EREFUSED, 0, "Cannot open: a parent directory is a symbolic link");
	if (errno == EEXIST)
		return err_set(err, TARN_FOLDED, 0,
		    "Cannot open parent directory: the file system does not tell its name from "
		    "one that is there");
	return err_set(err, TARN_ESYSTEM, errno, "Cannot open parent directory");
}

/*
 * Is it sure that ${dir} was not removed?  Other file systems may not say it: those that a server
 * has, and an overlay.
 */
static bool is_there_still(const struct contained *c, const struct held_directory *dir) {
	struct stat st;

	return fstat(dir->fd, &st) == 0 && contained_keeps_local(c, st.st_dev) && st.st_nlink > 0;
}

/* Is what failed so believed?  ${dir} is where it did, or NULL when that could not be opened. */
static bool is_believed(const struct contained *c, const struct held_directory *dir,
    bool make_parents, int r, const struct error *err) {
	if (r != TARN_ESYSTEM || (err->errnum != ENOENT && err->errnum != EMFILE))
		return true;
	/*
	 * A look-up misses nothing but the name; what makes something may need another directory.
	 */
	return err->errnum == ENOENT && !make_parents && dir != NULL && is_there_still(c, dir);
}

int contained_in_parent(struct contained *c, const struct member_path *path, bool make_parents,
    step_function *step, void *arg, struct error *err) {
	struct held_directory *dir;
	bool is_final;
	int r;

	for (bool is_second = false;; is_second = true) {
		dir = held_directories_get(
		    &c->directories, path->parent, path->parent_nbytes, make_parents);
		r = dir != NULL ? step(c, dir, path->depth > 0 ? path->last : ".", arg, err) :
		                  contained_parent_error(err);
		is_final = is_second || is_believed(c, dir, make_parents, r, err);
		held_directory_release(dir);
		if (is_final)
			return r;
		/*
		 * So a step may run twice, and must leave nothing behind when it fails in this way.
		 */
		held_directories_forget_all(&c->directories);
	}
}

int contained_open_at(int dirfd, const char *name, int flags) {
	int fd;

	do
		fd = openat(dirfd, name, flags | O_NOFOLLOW | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	return fd;
}

bool contained_keeps_local(const struct contained *c, dev_t dev) {
	return c->is_local && dev == c->dev;
}

/*
 * ${st} was found at ${name}.  TARN_FOLDED when it is called otherwise, and the file system does
 * not tell the two names apart: what has that name is not to be touched.
 */
static int check_name(struct contained *c, const struct held_directory *dir, const char *name,
    const struct stat *st, const char *failure, struct error *err) {
	if (exact_names_is(&c->directories.names, dir, name, st))
		return TARN_OK;
	return err_set(err, TARN_FOLDED, 0,
	    "%s: the file system does not tell this name from one that is there", failure);
}

int contained_ask_to_replace(struct contained *c, const struct held_directory *dir,
    const char *name, bool replace, const char *failure, struct error *err) {
	struct stat st;
	int r;

	/* If it only cannot be looked at, what the caller does next says why. */
	if (fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return TARN_OK;
	r = check_name(c, dir, name, &st, failure, err);
	if (r != TARN_OK || replace)
		return r;
	/* What a run that was killed left is nobody's: it goes also with --keep-old-files. */
	if (contained_is_unfinished(&st) && unlinkat(dir->fd, name, 0) == 0)
		return TARN_OK;
	return err_set(err, TARN_EXISTS, EEXIST, "%s", failure);
}

int contained_replace_by(struct contained *c, struct held_directory *dir, const char *temporary,
    const char *name, struct error *err) {
	int result = renameat(dir->fd, temporary, dir->fd, name), saved;

	/* Only an empty directory gives way; EISDIR, not ENOTEMPTY, says what is there. */
	if (result != 0 && errno == EISDIR) {
		if (unlinkat(dir->fd, name, AT_REMOVEDIR) == 0)
			result = renameat(dir->fd, temporary, dir->fd, name);
		else
			errno = EISDIR;
	}
	saved = errno;
	/* Still there when both are names of one inode: rename(2) does nothing then. */
	unlinkat(dir->fd, temporary, 0);
	held_directories_forget(&c->directories, dir, name);
	return result == 0 ? TARN_OK : err_set(err, TARN_ESYSTEM, saved, "Cannot replace");
}

/*
 * Link first and look then: linkat() takes a name, and another process may put another file there
 * between any look before and the call.  What was linked cannot be exchanged for another inode any
 * more by changing the old name.  ${l}->st is that of the new name.  TARN_EXISTS when ${name} is
 * taken.
 */
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

bool contained_is_same(const struct stat *a, const struct stat *b) {
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Is ${l}->st the file at ${l}'s existing name, and the one that is wanted? */
static bool is_linked_already(int existing_dirfd, const struct linking *l) {
	struct stat st;

	return fstatat(existing_dirfd, l->existing->last, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    contained_is_same(&st, &l->st) && l->is_wanted(l, &st);
}

/* A link under the name itself, if that is free, else under a temporary one to replace it. */
static int link_step(struct contained *c, struct held_directory *dir, const char *name, void *arg,
    struct error *err) {
	struct linking *l = arg;
	char temporary[TEMPORARY_NAME_NBYTES];
	struct doomed_name doomed;
	struct held_directory *from = held_directories_get(
	    &c->directories, l->existing->parent, l->existing->parent_nbytes, false);
	int r;

	/* ${dir} may fall out of the cache here; contained_in_parent has a share in it. */
	if (from == NULL)
		return contained_parent_error(err);
	r = link_and_look(from->fd, l, dir->fd, name, err);
	if (r != TARN_EXISTS)
		goto done;
	if (fstatat(dir->fd, name, &l->st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (check_name(c, dir, name, &l->st, "Cannot link", err) != TARN_OK) {
			r = (int)err->code;
			goto done;
		}
		/* Before ${l}->replace is asked: there is nothing to replace. */
		if (is_linked_already(from->fd, l)) {
			r = TARN_OK;
			goto done;
		}
	}
	if (!l->replace)
		goto done;
	if (temporary_name(temporary) != 0) {
		r = err_set(err, TARN_ESYSTEM, errno, "Cannot link");
		goto done;
	}
	doomed_name_init(&doomed, dir->fd, temporary);
	r = link_and_look(from->fd, l, dir->fd, temporary, err);
	if (r == TARN_OK)
		r = contained_replace_by(c, dir, temporary, name, err);
	doomed_name_spare(&doomed);
done:
	if (r == TARN_OK)
		r = exact_names_linked(&c->directories.names, dir, name, err);
	held_directory_release(from);
	return r;
}

int contained_link(struct contained *contained, struct linking *linking,
    const struct member_path *path, struct error *err) {
	if (path->depth == 0)
		return err_set(
		    err, TARN_EREFUSED, 0, "Cannot link: its name is that of the destination");
	return contained_in_parent(contained, path, true, link_step, linking, err);
}

/*
 * Returns a descriptor; -1 with errno, ENOTDIR when something else is there.  That is what openat()
 * says of a symbolic link as well, with O_PATH and O_DIRECTORY, and never follows it.
 */
static int make_or_open(int dirfd, const char *name, struct wanted_directory *wanted) {
	wanted->made = mkdirat(dirfd, name, wanted->mode) == 0;
	if (!wanted->made && errno != EEXIST)
		return -1;
	return contained_open_at(dirfd, name, O_PATH | O_DIRECTORY);
}

static int mkdir_step(struct contained *c, struct held_directory *dir, const char *name, void *arg,
    struct error *err) {
	struct wanted_directory *wanted = arg;
	int fd = make_or_open(dir->fd, name, wanted), r;

	if (fd < 0 && errno == ENOTDIR) {
		r = contained_ask_to_replace(c, dir, name, wanted->replace, "Cannot mkdir", err);
		if (r != TARN_OK)
			return r;
		/* What was unfinished is gone already. */
		wanted->replaced = unlinkat(dir->fd, name, 0) == 0 || errno == ENOENT;
		if (wanted->replaced)
			fd = make_or_open(dir->fd, name, wanted);
	}
	if (fd < 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot mkdir");
	r = fstat(fd, &wanted->st) != 0 ? err_set(err, TARN_ESYSTEM, errno, "Cannot stat") :
	    wanted->made                ? TARN_OK :
	                                  check_name(c, dir, name, &wanted->st, "Cannot mkdir", err);
	/* Also one that was there, as members of exactly its name are put into it. */
	if (r == TARN_OK)
		r = exact_names_made(&c->directories.names, dir, name, &wanted->st, err);
	/* What is there now is what counts, whoever made it. */
	held_directories_forget(&c->directories, dir, name);
	/* Most often the next member lies in it.  The destination (".") is always held. */
	if (r == TARN_OK && strcmp(name, ".") != 0)
		held_directories_hold(&c->directories, dir, name, fd, wanted->st.st_dev);
	else
		close(fd);
	return r;
}

int contained_mkdir(struct contained *contained, const struct member_path *path,
    struct wanted_directory *directory, struct error *err) {
	return contained_in_parent(contained, path, true, mkdir_step, directory, err);
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
	return contained_in_parent(contained, path, false, stat_step, st, err);
}

static int remove_step(struct contained *c, struct held_directory *dir, const char *name, void *arg,
    struct error *err) {
	(void)arg;
	if (contained_ask_to_replace(c, dir, name, true, "Cannot remove", err) != TARN_OK)
		return (int)err->code;
	/* Before: remove_tree() may fail when part of it is gone already. */
	held_directories_forget(&c->directories, dir, name);
	if (remove_tree(dir->fd, name) != 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot remove");
	return TARN_OK;
}

int contained_remove_tree(
    struct contained *contained, const struct member_path *path, struct error *err) {
	/*
	 * As if something were made: nothing is removed before it is known what is folded on the
	 * way.
	 */
	return contained_in_parent(contained, path, true, remove_step, NULL, err);
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
	/* Without waiting for the other end of a fifo or becoming a terminal's. */
	o->fd = contained_open_at(dir->fd, name, o->flags | O_NONBLOCK | O_NOCTTY);
	return o->fd >= 0 ? TARN_OK : err_set(err, TARN_ESYSTEM, errno, "Cannot open");
}

int contained_open_existing(struct contained *contained, const struct member_path *path, int flags,
    int *fd, struct error *err) {
	struct opening o = { .flags = flags, .fd = -1 };
	int r = contained_in_parent(contained, path, false, open_step, &o, err);

	*fd = o.fd;
	return r;
}

bool contained_is_foreign(int fd) {
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 &&
	    (fs.f_type == MSDOS_SUPER_MAGIC || fs.f_type == EXFAT_SUPER_MAGIC ||
	        fs.f_type == FUSE_SUPER_MAGIC);
}

bool contained_lies_foreign(struct contained *contained, const struct member_path *path) {
	struct held_directories *held = &contained->directories;
	char *parent = strndup(path->parent, path->parent_nbytes);
	struct held_directory *dir;
	bool is_foreign;

	if (parent == NULL)
		return false;
	while ((dir = held_directories_get(held, parent, strlen(parent), false)) == NULL &&
	    *parent != '\0')
		*(strrchr(parent, '/') != NULL ? strrchr(parent, '/') : parent) = '\0';
	is_foreign = dir != NULL && contained_is_foreign(dir->fd);
	held_directory_release(dir);
	free(parent);
	return is_foreign;
}

void contained_forget_held(struct contained *contained) {
	held_directories_forget_all(&contained->directories);
}

/* ${dir} is the directory that is wanted itself; its descriptor stays open while it is held. */
static int borrow_step(struct contained *c, struct held_directory *dir, const char *name, void *arg,
    struct error *err) {
	(void)c;
	(void)name;
	(void)err;
	*(int *)arg = dir->fd;
	return TARN_OK;
}

int contained_borrow_directory(
    struct contained *contained, struct member_path *path, int *fd, struct error *err) {
	int r;

	member_path_go_into(path);
	r = contained_in_parent(contained, path, false, borrow_step, fd, err);
	/* What failed to open as a parent is what the caller asked for. */
	if (r == TARN_ESYSTEM)
		return err_set(err, TARN_ESYSTEM, err->errnum, "Cannot open");
	if (r == TARN_EREFUSED)
		return err_set(err, TARN_EREFUSED, 0,
		    "Cannot open: it, or a parent directory, is a symbolic link");
	return r;
}
