#include "config.h"

#include "name_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "file_copy.h"
#include "metadata.h"

/*
 * The copy is like the other names of the file, so all is taken from that and nothing from the
 * archive: type, content, target, metadata.  It is a fresh file as every member is.
 */

/* Make ${copy} the kind of file that ${from} is, which ${st} describes; still empty. */
static int make_alike(const struct name_copy *copy, int from, const struct stat *st,
    struct fresh *fresh, struct error *err) {
	struct new_file file = {
		.mode = st->st_mode & 0777,
		.early_name = EARLY_NAME_NONE,
		.replace = copy->replace,
	};
	char target[PATH_MAX];
	ssize_t n;

	/* Hidden: it may get attributes or an ACL, for which see HACKING.md. */
	if (S_ISREG(st->st_mode))
		return contained_create(copy->contained, copy->path, &file, fresh, err);
	if (!S_ISLNK(st->st_mode))
		return contained_mknod(copy->contained, copy->path, (st->st_mode & S_IFMT) | 0600,
		    st->st_rdev, copy->replace, fresh, err);
	n = readlinkat(from, "", target, sizeof(target) - 1);
	if (n < 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot readlink");
	target[n] = '\0';
	return contained_symlink(copy->contained, copy->path, target, copy->replace, fresh, err);
}

/*
 * The content of ${from} into ${to}, in the way that --links asks for.  Only what takes room counts
 * for the limit of the archive: a reflink does not.
 */
static int copy_content(
    const struct name_copy *copy, int from, int to, const struct stat *st, struct error *err) {
	bool may_share = copy->links != LINKS_COPY;

	if (may_share && file_reflink(from, to))
		return TARN_OK;
	if (copy->links == LINKS_REFLINK)
		report_count(
		    copy->report, REPORT_COPIED_NO_REFLINK, copy->name, (uint64_t)st->st_size);
	if (archive_limits_add(copy->limits, copy->name, (uint64_t)st->st_size, err) != TARN_OK)
		return (int)err->code;
	return file_copy(from, to, st, may_share, err);
}

/*
 * Does the plain file ${from}, ${st}, belong to the user, or the user have the rights of its owner?
 * Else fcntl() would not let this flag be set; but a file system may say of all files, also of
 * ${made}, a new one, that they belong to somebody.
 */
static bool is_own(int from, const struct stat *st, const struct stat *made) {
	return S_ISREG(st->st_mode) &&
	    (st->st_uid == made->st_uid || fcntl(from, F_SETFL, O_NOATIME) == 0);
}

int name_copy_make(struct name_copy *copy, struct fresh *fresh, struct error *err) {
	struct stat opened;
	int from, r;

	r = contained_open_existing(
	    copy->contained, copy->of, S_ISREG(copy->st->st_mode) ? O_RDONLY : O_PATH, &from, err);
	/* It can be written to without that: the archive has the content. */
	if (r == TARN_ESYSTEM && err->errnum == EACCES)
		err->code = r = TARN_NO_FIRST;
	if (r != TARN_OK)
		return r;
	if (fstat(from, &opened) != 0 || !contained_is_same(&opened, copy->st)) {
		r = err_set(err, TARN_EREFUSED, 0, "The first name was replaced meanwhile");
		goto done;
	}
	r = make_alike(copy, from, &opened, fresh, err);
	if (r == TARN_OK && S_ISREG(opened.st_mode))
		r = copy_content(copy, from, fresh->fd, &opened, err);
	if (r != TARN_OK)
		goto done;
	copy->size = opened.st_size;
	copy->was_own = is_own(from, &opened, &fresh->st);
	metadata_copy(from, fresh->fd, copy->name, copy->report);
done:
	close(from);
	return r;
}
