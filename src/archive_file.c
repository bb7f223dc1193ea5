#include "config.h"

#include "archive_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contained.h"
#include "doomed_name.h"
#include "read_at.h"
#include "tar_block.h"
#include "write_at.h"

/*
 * A new archive: the destination is resolved first, so that the temporary file lies in the
 * directory, and on the file system, of the file that is replaced, and not of a symbolic link to
 * it.  rename() can then put it in place, and the link stays a link.
 *
 * One that is added to is written in place, as a copy would take as long as the whole archive is.
 * What is overwritten is in memory, for a run that fails, and its first bytes stay in the file to
 * the last moment, for one that is killed.
 *
 * output writes through here; input uses no more than archive_file_open.
 */

/* The index of ten million members is smaller. */
#define OLD_END_NBYTES_MAX ((off_t)256 << 20)

#define MAX_LINKS 40 /* as many as the kernel follows (path_resolution(7)) */

/* The temporary file is gone, or has its name, or was never made. */
static void release_temporary(struct archive_file *file) {
	doomed_name_spare(&file->doomed);
	free(file->temporary);
	file->temporary = NULL;
}

/*
 * Where the symbolic link at ${path}, which is freed, leads to; itself when it is none.  What is
 * relative begins at the directory of the link.  NULL: no memory.
 */
static char *follow(char *path, bool *is_link) {
	char target[PATH_MAX], *next = NULL;
	const char *slash = strrchr(path, '/');
	ssize_t n = readlink(path, target, sizeof(target));
	int directory;

	*is_link = n >= 0;
	if (n < 0)
		return path;
	directory = slash != NULL && target[0] != '/' ? (int)(slash - path) + 1 : 0;
	if (asprintf(&next, "%.*s%.*s", directory, path, (int)n, target) < 0)
		next = NULL;
	free(path);
	return next;
}

/* The whole path of ${path}, which is freed: its directory is there, it is not. */
static char *make_absolute(char *path) {
	char *slash = strrchr(path, '/'), *directory, *whole = NULL;
	const char *base = slash != NULL ? slash + 1 : path;

	if (slash != NULL)
		*slash = '\0';
	directory = realpath(slash == NULL ? "." : slash == path ? "/" : path, NULL);
	if (directory != NULL && asprintf(&whole, "%s/%s", directory, base) < 0)
		whole = NULL;
	free(directory);
	free(path);
	return whole;
}

/*
 * Where a file that is not there yet would be made, also through symbolic links that lead nowhere;
 * NULL with errno.
 */
static char *resolve_new(const char *name) {
	char *path = strdup(name);
	bool is_link = true;

	for (int i = 0; path != NULL && is_link; i++) {
		if (i == MAX_LINKS) {
			free(path);
			errno = ELOOP;
			return NULL;
		}
		path = follow(path, &is_link);
	}
	return path != NULL ? make_absolute(path) : NULL;
}

/* The name of a temporary file for ${path}, to be completed by mkostemp(); NULL without memory. */
static char *temporary_template(const char *path) {
	const char *base = strrchr(path, '/') + 1;
	char *name;

	/* The name may be as long as names can be, 255 bytes, and this has 8 more: cut it. */
	int n = asprintf(&name, "%.*s.%.200s.XXXXXX", (int)(base - path), path, base);
	return n < 0 ? NULL : name;
}

/* mkostemp() makes files of mode 0600; and the umask can only be read by setting it. */
static mode_t mode_of_new_files(void) {
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

/*
 * As far as that goes: only root gives files away, but members of a group may give it theirs, and
 * FAT knows neither owners nor modes.  What the old group was allowed is nothing for another one.
 * The mode comes last, as a change of owner may take bits from it.
 */
static void set_owner_and_mode(int fd, const struct stat *old) {
	mode_t mode = old != NULL ? old->st_mode & 0777 : mode_of_new_files();
	struct stat st;
	int ignored;

	if (old != NULL) {
		ignored = fchown(fd, (uid_t)-1, old->st_gid);
		ignored = fchown(fd, old->st_uid, (gid_t)-1);
		if (fstat(fd, &st) != 0 || st.st_gid != old->st_gid)
			mode &= ~(mode_t)070;
	}
	ignored = fchmod(fd, mode);
	(void)ignored;
}

/*
 * Make the temporary file for file->path; ${old} is the file that is to be replaced, or NULL.
 * After an error there is no temporary file, but archive_file_fini is still to be called, for the
 * path.
 */
static int make_temporary(struct archive_file *file, const struct stat *old, struct error *err) {
	int errnum;

	file->temporary = temporary_template(file->path);
	if (file->temporary == NULL)
		return err_nomem(err);
	/*
	 * Doomed before there is a file, so that no signal can come in between.  mkostemp()
	 * completes the name in its place, and then makes the file.
	 */
	doomed_name_init(&file->doomed, AT_FDCWD, file->temporary);
	file->fd = mkostemp(file->temporary, O_CLOEXEC);
	errnum = errno;
	if (file->fd < 0) {
		release_temporary(file);
		return err_set(err, TARN_ESYSTEM, errnum,
		    old != NULL ? "Cannot open: Cannot make a file beside it" : "Cannot open");
	}
	file->is_own_fd = true;
	set_owner_and_mode(file->fd, old);
	return TARN_OK;
}

/* No O_TRUNC, as a pipe or device has nothing to be cut; no O_CREAT, as it is there. */
static int open_directly(struct archive_file *file, const char *name, struct error *err) {
	file->fd = open(name, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (file->fd < 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot open");
	file->is_own_fd = true;
	return TARN_OK;
}

/* Open what ${name} leads to, of whatever kind that is. */
static int open_destination(struct archive_file *file, const char *name, struct error *err) {
	if (stat(name, &file->old) != 0) {
		if (errno == ENOENT && *name != '\0')
			file->path = resolve_new(name);
		return file->path != NULL ? make_temporary(file, NULL, err) :
		                            err_set(err, TARN_ESYSTEM, errno, "Cannot open");
	}
	/* To rename a file over /dev/null, or over a pipe that somebody reads, would be wrong. */
	if (!S_ISREG(file->old.st_mode))
		return open_directly(file, name, err);
	file->has_old = true;
	/* A file that was made read-only is not to be lost because its directory can be written. */
	if (faccessat(AT_FDCWD, name, W_OK, AT_EACCESS) != 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot open");
	file->path = realpath(name, NULL);
	return file->path != NULL ? make_temporary(file, &file->old, err) :
	                            err_set(err, TARN_ESYSTEM, errno, "Cannot open");
}

int archive_file_create(struct archive_file *file, const char *name, struct error *err) {
	int r = TARN_OK;

	*file = (struct archive_file){ .fd = -1 };
	if (strcmp(name, "-") == 0) {
		file->fd = STDOUT_FILENO;
		if (isatty(file->fd))
			return err_set(err, TARN_EREFUSED, 0,
			    "Refusing to write archive contents to terminal (missing -f option?)");
	} else {
		r = open_destination(file, name, err);
	}
	if (r == TARN_OK && fstat(file->fd, &file->st) != 0)
		r = err_set(err, TARN_ESYSTEM, errno, "Cannot open");
	if (r != TARN_OK)
		archive_file_fini(file);
	return r;
}

/*
 * Is another run adding to the file?  If not, others will see that this one is, until the
 * descriptor is closed.  The lock is none of flock(2), as the user may call tarn under one of
 * those.  A file system that has no locks is no reason to fail.
 */
static bool is_being_added_to(int fd) {
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &lock) != 0 && (errno == EAGAIN || errno == EACCES);
}

int archive_file_open_old(struct archive_file *file, const char *name, struct error *err) {
	*file = (struct archive_file){ 0 };
	file->fd = open(name, O_RDWR | O_CLOEXEC);
	file->is_own_fd = file->fd >= 0;
	if (file->fd < 0 || fstat(file->fd, &file->st) != 0)
		err_set(err, TARN_ESYSTEM, errno, "Cannot open");
	else if (!S_ISREG(file->st.st_mode))
		err_set(err, TARN_EREFUSED, 0, "Cannot go on in what is no regular file");
	else if (is_being_added_to(file->fd))
		err_set(err, TARN_EREFUSED, 0, "Another run is adding to it");
	else
		return TARN_OK;
	archive_file_fini(file);
	return (int)err->code;
}

bool archive_file_is(const struct archive_file *file, int fd) {
	struct stat st;

	return fstat(fd, &st) == 0 && contained_is_same(&st, &file->st);
}

int archive_file_append(struct archive_file *file, off_t at, struct error *err) {
	struct stat st;
	int r;

	if (fstat(file->fd, &st) != 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot stat");
	if (st.st_size < at)
		return err_set(err, TARN_EFORMAT, 0, "File shrank while it was read");
	if (st.st_size - at > OLD_END_NBYTES_MAX)
		return TARN_END;
	if (lseek(file->fd, at, SEEK_SET) < 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot seek");
	file->old_end_at = at;
	file->old_end_nbytes = (size_t)(st.st_size - at);
	/* One more, as there may be nothing, for which malloc() could return NULL. */
	file->old_end = malloc(file->old_end_nbytes + 1);
	r = file->old_end != NULL ?
	    read_at(file->fd, file->old_end, file->old_end_nbytes, at, err) :
	    err_nomem(err);
	if (r != TARN_OK)
		return r;
	/* Only what is there now can be held back: beyond the old end it has to be written. */
	file->nheld = file->old_end_nbytes;
	if (file->nheld > ARCHIVE_FILE_HELD_NBYTES)
		file->nheld = ARCHIVE_FILE_HELD_NBYTES;
	/* From now on archive_file_fini puts the old end back. */
	file->appends = true;
	return TARN_OK;
}

/* What is no file, a pipe for one, has nothing to be synced. */
static int sync_file(const struct archive_file *file, struct error *err) {
	if (file->syncs && fsync(file->fd) != 0 && errno != EINVAL)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot sync");
	return TARN_OK;
}

/* The new name lasts only when its directory does. */
static int sync_directory(const struct archive_file *file, struct error *err) {
	char *path = strndup(file->path, (size_t)(strrchr(file->path, '/') - file->path) + 1);
	int fd = path != NULL ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int r = TARN_OK;

	if (fd < 0 || fsync(fd) != 0)
		r = err_set(err, TARN_ESYSTEM, errno, "Cannot sync its directory");
	if (fd >= 0)
		close(fd);
	free(path);
	return r;
}

/*
 * Everything is there but what is held, which replaces the end-of-archive blocks.  Readers stop at
 * the first of these, so it is replaced last, and by one write of a block: up to there the file is
 * the old archive, and from there on the new one.  (In zstd what is held is 8 bytes, see codec.h.)
 */
static int commit_appended(struct archive_file *file, struct error *err) {
	off_t now = lseek(file->fd, 0, SEEK_CUR);
	size_t first = TAR_BLOCK_NBYTES;

	if (now < 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot seek");
	/* The new end may come before that of the bytes which were held back. */
	if (now - file->old_end_at < (off_t)file->nheld)
		file->nheld = (size_t)(now - file->old_end_at);
	if (first > file->nheld)
		first = file->nheld;
	/* Else after a power failure a disk could have the first block without the rest. */
	if (sync_file(file, err) != TARN_OK)
		return (int)err->code;
	if (write_at(file->fd, file->held + first, file->nheld - first,
	        file->old_end_at + (off_t)first, err) != TARN_OK ||
	    write_at(file->fd, file->held, first, file->old_end_at, err) != TARN_OK)
		return (int)err->code;
	if (ftruncate(file->fd, now) != 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot truncate");
	file->appends = false;
	return TARN_OK;
}

/*
 * Make the file what it was.  The blocks that the old end was in are still the file's, so that this
 * works on a full disk, too.  The run has failed and has said why: one more error would tell
 * nothing new.
 */
static void take_back_appended(struct archive_file *file) {
	struct error err;
	int ignored =
	    write_at(file->fd, file->old_end, file->old_end_nbytes, file->old_end_at, &err);

	ignored |= ftruncate(file->fd, file->old_end_at + (off_t)file->old_end_nbytes);
	(void)ignored;
}

int archive_file_commit(struct archive_file *file, struct error *err) {
	if (file->appends && commit_appended(file, err) != TARN_OK)
		return (int)err->code;
	if (sync_file(file, err) != TARN_OK)
		return (int)err->code;
	/* Before the rename: NFS, for one, says only now that something could not be written. */
	if (file->is_own_fd) {
		int r = close(file->fd);
		file->is_own_fd = false;
		file->fd = -1;
		if (r != 0)
			return err_set(err, TARN_ESYSTEM, errno, "Cannot close");
	}
	if (file->temporary != NULL) {
		if (rename(file->temporary, file->path) != 0)
			return err_set(err, TARN_ESYSTEM, errno, "Cannot rename into place");
		release_temporary(file);
		if (file->syncs)
			return sync_directory(file, err);
	}
	return TARN_OK;
}

void archive_file_fini(struct archive_file *file) {
	if (file->appends)
		take_back_appended(file);
	if (file->is_own_fd)
		close(file->fd);
	/* Spared only when it is gone, as a signal may come in between. */
	if (file->temporary != NULL) {
		unlink(file->temporary);
		release_temporary(file);
	}
	free(file->path);
	free(file->old_end);
	*file = (struct archive_file){ .fd = -1 };
}

int archive_file_open(const char *name, int *fd, bool *is_own_fd, struct error *err) {
	if (strcmp(name, "-") == 0) {
		*fd = STDIN_FILENO;
		*is_own_fd = false;
		if (isatty(*fd))
			return err_set(err, TARN_EREFUSED, 0,
			    "Refusing to read archive contents from terminal (missing -f option?)");
		return TARN_OK;
	}
	*fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	*is_own_fd = true;
	return *fd >= 0 ? TARN_OK : err_set(err, TARN_ESYSTEM, errno, "Cannot open");
}
