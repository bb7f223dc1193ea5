#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "contained_step.h"
#include "descriptor_path.h"

/*
 * Making what is no directory.  A regular file is in one of three states until it is committed:
 *
 *  - under its own name, with UNFINISHED_MODE or, when it is ready at once, with its own mode.
 *    This is the cheapest, for small files at free names: commit has nothing left to do;
 *  - without a name (O_TMPFILE): for large files, and for what replaces something.  A run that is
 *    killed leaves nothing.  commit links it, under a temporary name first when its own is taken;
 *  - under a temporary name, where the file system knows no O_TMPFILE.  commit renames it.
 *
 * make_file_step tries them in this order, from where ${early_name} lets it begin.  Symbolic links,
 * fifos and devices have no content that could be missing: they are made under their own name, or
 * under a temporary one over what is to be replaced.
 *
 * What is there is never opened, and gives way in one step, by rename(); only an empty directory,
 * or what another run left unfinished, is removed before.
 */

/*
 * Of a file under its own name that is not complete yet: no permissions, so that nobody else reads
 * half of it, and the sticky bit, which Linux ignores on files.
 */
#define UNFINISHED_MODE S_ISVTX

/* What is to be made, for make_step. */
struct making {
	mode_t mode;                /* with its type; of a file less the umask */
	enum early_name early_name; /* of a file */
	dev_t rdev;                 /* of a device */
	const char *target;         /* of a symbolic link */
	const char *failure;        /* begins the message: "Cannot open" */
	bool replace;
	struct fresh *fresh;
};

bool contained_is_unfinished(const struct stat *st) {
	return st->st_mode == (S_IFREG | UNFINISHED_MODE) && st->st_nlink == 1;
}

/*
 * fusefat and exfat-fuse fail with EIO when they have made a file in the place of a fifo or device.
 * An empty file can only be that one: mknodat() would have failed with EEXIST on any other.  errno
 * becomes EOPNOTSUPP, by which the caller knows that the file system has no such files.
 */
static void remove_half_made(int dirfd, const char *name, mode_t mode) {
	struct stat st;

	if (errno != EIO || S_ISLNK(mode))
		return;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size == 0 && unlinkat(dirfd, name, 0) == 0)
		errno = EOPNOTSUPP;
	else
		errno = EIO;
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
	fd = contained_open_at(dirfd, name, O_PATH);
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

/*
 * Doomed before it is made, so that a signal cannot come between the two.  Returns 0, or -1 with
 * errno; the caller spares fresh->doomed when the name is gone or no longer temporary.
 */
static int choose_temporary(int dirfd, struct fresh *fresh) {
	if (temporary_name(fresh->temporary) != 0)
		return -1;
	doomed_name_init(&fresh->doomed, dirfd, fresh->temporary);
	return 0;
}

/*
 * Without the times that say when it was changed: a change behind such a look gets an exact time of
 * its own, and the inode is written once more for it.
 */
static int look_at_made(int fd, struct stat *st) {
	struct statx x;

	if (statx(fd, "", AT_EMPTY_PATH,
	        STATX_BASIC_STATS & ~(STATX_CTIME | STATX_MTIME | STATX_BLOCKS), &x) != 0)
		return -1;
	*st = (struct stat){
		.st_dev = makedev(x.stx_dev_major, x.stx_dev_minor),
		.st_ino = x.stx_ino,
		.st_mode = x.stx_mode,
		.st_nlink = x.stx_nlink,
		.st_uid = x.stx_uid,
		.st_gid = x.stx_gid,
		.st_size = (off_t)x.stx_size,
		.st_atim = { x.stx_atime.tv_sec, x.stx_atime.tv_nsec },
	};
	return 0;
}

/* A new file; -1 with errno when none was made, EEXIST when ${name} was taken. */
static int make_named(int dirfd, const char *name, mode_t mode, struct stat *st) {
	int fd, saved;

	do
		fd = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	while (fd < 0 && errno == EINTR);
	if (fd < 0 || look_at_made(fd, st) == 0)
		return fd;
	saved = errno;
	unlinkat(dirfd, name, 0);
	close(fd);
	errno = saved;
	return -1;
}

/* 0600, as content is readable by that name; the member's mode comes with its metadata. */
static int make_temporary(int dirfd, struct fresh *fresh) {
	return choose_temporary(dirfd, fresh) == 0 ?
	    make_named(dirfd, fresh->temporary, 0600, &fresh->st) :
	    -1;
}

/*
 * Nobody else can open it, whatever the mode; the user has to be let give it attributes.  Where the
 * directory was removed some file systems make it all the same, and others have errors of their
 * own.
 */
static int make_nameless(int dirfd, mode_t mode, struct fresh *fresh) {
	struct stat directory;
	int fd, saved;

	do
		fd = openat(dirfd, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, mode | 0600);
	while (fd < 0 && errno == EINTR);
	if (fd >= 0 && look_at_made(fd, &fresh->st) == 0)
		return fd;
	saved = errno;
	if (fd >= 0)
		close(fd);
	else if (fstat(dirfd, &directory) == 0 && directory.st_nlink == 0)
		saved = ENOENT;
	errno = saved;
	return -1;
}

/* Returns a descriptor, or -1 with errno; clears has_modes where the file system has none. */
static int make_unfinished(int dirfd, struct fresh *fresh) {
	int fd;

	doomed_name_init_briefly(&fresh->doomed, dirfd, fresh->name, UNFINISHED_MODE);
	fd = make_named(dirfd, fresh->name, UNFINISHED_MODE, &fresh->st);
	if (fd >= 0 && !contained_is_unfinished(&fresh->st)) {
		fresh->contained->has_modes = false;
		unlinkat(dirfd, fresh->name, 0);
		close(fd);
		fd = -1;
	}
	if (fd < 0)
		doomed_name_spare(&fresh->doomed);
	return fd;
}

static int make_file_step(struct contained *c, struct held_directory *dir, const char *name,
    const struct making *m, struct error *err) {
	struct fresh *fresh = m->fresh;

	if (m->early_name != EARLY_NAME_NONE && c->has_modes) {
		fresh->fd = m->early_name == EARLY_NAME_UNFINISHED ?
		    make_unfinished(dir->fd, fresh) :
		    make_named(dir->fd, name, m->mode & 0777, &fresh->st);
		if (fresh->fd >= 0)
			return TARN_OK;
		if (errno != EEXIST && c->has_modes)
			return err_set(err, TARN_ESYSTEM, errno, "%s", m->failure);
	}
	/* What may be replaced is looked at only when the file gets its name. */
	if (!m->replace &&
	    contained_ask_to_replace(c, dir, name, false, m->failure, err) != TARN_OK)
		return (int)err->code;
	/* As if the file system had refused, where it is not even asked. */
	errno = EOPNOTSUPP;
	if (c->can_be_nameless)
		fresh->fd = make_nameless(dir->fd, m->mode & 0777, fresh);
	fresh->is_nameless = fresh->fd >= 0;
	/*
	 * EISDIR is what kernels say that do not know O_TMPFILE (open(2)).  A temporary name ends
	 * in a rename, which does not tell what it replaces: a name that is folded has to be
	 * noticed before.
	 */
	if (fresh->fd < 0 && (errno == EOPNOTSUPP || errno == EINVAL || errno == EISDIR)) {
		if (m->replace &&
		    contained_ask_to_replace(c, dir, name, true, m->failure, err) != TARN_OK)
			return (int)err->code;
		fresh->fd = make_temporary(dir->fd, fresh);
	}
	return fresh->fd >= 0 ? TARN_OK : err_set(err, TARN_ESYSTEM, errno, "%s", m->failure);
}

static int make_other_step(struct contained *c, struct held_directory *dir, const char *name,
    const struct making *m, struct error *err) {
	struct fresh *fresh = m->fresh;
	int r;

	fresh->fd = make_and_look(dir->fd, name, m, &fresh->st);
	if (fresh->fd < 0 && errno == EEXIST) {
		r = contained_ask_to_replace(c, dir, name, m->replace, m->failure, err);
		if (r != TARN_OK)
			return r;
		if (choose_temporary(dir->fd, fresh) == 0)
			fresh->fd = make_and_look(dir->fd, fresh->temporary, m, &fresh->st);
	}
	if (fresh->fd < 0)
		return err_set(err, TARN_ESYSTEM, errno, "%s", m->failure);
	return TARN_OK;
}

static int make_step(struct contained *c, struct held_directory *dir, const char *name, void *arg,
    struct error *err) {
	const struct making *m = arg;
	struct fresh *fresh = m->fresh;
	int r;

	/* Anew, as this may be the second attempt (contained_in_parent). */
	*fresh = (struct fresh){ .fd = -1, .contained = c, .replace = m->replace };
	/* member_path_set lets no component be longer. */
	strcpy(fresh->name, name);
	r = S_ISREG(m->mode) ? make_file_step(c, dir, name, m, err) :
	                       make_other_step(c, dir, name, m, err);
	if (r != TARN_OK) {
		doomed_name_spare(&fresh->doomed);
		return r;
	}
	if (fresh->st.st_dev != c->dev)
		c->crosses_mounts = true;
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
	return contained_in_parent(c, path, true, make_step, m, err);
}

int contained_create(struct contained *contained, const struct member_path *path,
    const struct new_file *file, struct fresh *fresh, struct error *err) {
	struct making m = {
		.mode = S_IFREG | file->mode,
		.early_name = file->early_name,
		.failure = "Cannot open",
		.replace = file->replace,
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
	/* Without CAP_DAC_READ_SEARCH this may fail with ENOENT (linkat(2)). */
	if (linkat(fd, "", dirfd, name, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno != ENOENT)
		return -1;
	return linkat(AT_FDCWD, descriptor_path(fd).text, dirfd, name, AT_SYMLINK_FOLLOW);
}

/*
 * The directory of ${fresh} was removed: make it again, or find what is in its place.  On failure
 * ${fresh} keeps its old one, so that contained_discard has one to release.
 */
static int find_directory_again(struct fresh *fresh, struct error *err) {
	struct held_directories *held = &fresh->contained->directories;
	struct held_directory *dir = fresh->directory;

	held_directories_forget_all(held);
	fresh->directory = held_directories_get(held, dir->path, dir->path_nbytes, true);
	if (fresh->directory == NULL) {
		fresh->directory = dir;
		return contained_parent_error(err);
	}
	held_directory_release(dir);
	return TARN_OK;
}

/*
 * Give ${fresh} its name; or, as linkat() replaces nothing, a temporary one where its own is taken
 * and may be replaced, for commit to rename.  On failure it has no name.
 */
static int name_nameless(struct fresh *fresh, struct error *err) {
	struct contained *c = fresh->contained;
	int dirfd, r;

	r = link_nameless(fresh->fd, fresh->directory->fd, fresh->name);
	/* This is no step, so contained_in_parent does not find out that the directory is gone. */
	if (r != 0 && errno == ENOENT) {
		if (find_directory_again(fresh, err) != TARN_OK)
			return (int)err->code;
		r = link_nameless(fresh->fd, fresh->directory->fd, fresh->name);
	}
	dirfd = fresh->directory->fd;
	if (r == 0)
		return TARN_OK;
	if (errno == EEXIST) {
		r = contained_ask_to_replace(
		    c, fresh->directory, fresh->name, fresh->replace, "Cannot open", err);
		if (r != TARN_OK)
			return r;
		if (choose_temporary(dirfd, fresh) == 0 &&
		    link_nameless(fresh->fd, dirfd, fresh->temporary) == 0)
			return TARN_OK;
		/* Nothing has this name. */
		fresh->temporary[0] = '\0';
	}
	return err_set(err, TARN_ESYSTEM, errno, "Cannot link into place");
}

/* Rename the temporary name where nothing may be replaced. */
static int rename_to_free_name(const struct fresh *fresh, struct error *err) {
	int dirfd = fresh->directory->fd;
	struct stat st;
	int r = renameat2(dirfd, fresh->temporary, dirfd, fresh->name, RENAME_NOREPLACE);

	/*
	 * EINVAL: a file system that cannot do that.  To look before is the next best: between the
	 * two another process may lose what it puts there.
	 */
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

/*
 * Some file systems say only when a file is closed that not everything was written.  Closing a
 * duplicate makes them say it while the file can still be withheld from its name.  close() has
 * released the descriptor also when it says EINTR (close(2)).
 */
static int flush(int fd, struct error *err) {
	int other = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (other < 0 || (close(other) != 0 && errno != EINTR))
		return err_set(err, TARN_ESYSTEM, errno, "Cannot close");
	return TARN_OK;
}

/*
 * Give it its name: then it is neither nameless nor has it a temporary one.  On failure these two
 * say what is left for contained_discard to remove.
 */
static int commit(struct fresh *fresh, struct error *err) {
	struct contained *c = fresh->contained;
	int r = contained_keeps_local(c, fresh->st.st_dev) ? TARN_OK : flush(fresh->fd, err);

	if (r == TARN_OK && fresh->is_nameless) {
		r = name_nameless(fresh, err);
		fresh->is_nameless = r != TARN_OK;
	}
	if (r == TARN_OK && fresh->temporary[0] != '\0') {
		r = fresh->replace ?
		    contained_replace_by(c, fresh->directory, fresh->temporary, fresh->name, err) :
		    rename_to_free_name(fresh, err);
		if (r == TARN_OK)
			fresh->temporary[0] = '\0';
	}
	return r;
}

int contained_commit(struct fresh *fresh, struct error *err) {
	int r = commit(fresh, err), fd = fresh->fd;

	fresh->fd = -1;
	/* Heard of only here, it is too late for what was replaced, but is said. */
	if (close(fd) != 0 && errno != EINTR && r == TARN_OK)
		r = err_set(err, TARN_ESYSTEM, errno, "Cannot close");
	if (r != TARN_OK) {
		contained_discard(fresh);
		return r;
	}
	doomed_name_spare(&fresh->doomed);
	/*
	 * Only now: to learn whether names are folded this one is looked for.  Without memory for
	 * it the file stays, as what was there is gone.
	 */
	r = exact_names_made(
	    &fresh->contained->directories.names, fresh->directory, fresh->name, &fresh->st, err);
	held_directory_release(fresh->directory);
	*fresh = (struct fresh){ .fd = -1 };
	return r;
}

void contained_discard(struct fresh *fresh) {
	if (fresh->directory == NULL)
		return;
	if (fresh->fd >= 0)
		close(fresh->fd);
	/* Either it is the temporary name that is there, or its own; gone already is as well. */
	if (!fresh->is_nameless)
		unlinkat(fresh->directory->fd,
		    fresh->temporary[0] != '\0' ? fresh->temporary : fresh->name, 0);
	doomed_name_spare(&fresh->doomed);
	held_directory_release(fresh->directory);
	*fresh = (struct fresh){ .fd = -1 };
}
