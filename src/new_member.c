#include "config.h"

#include "new_member.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "file_writer.h"

/*
 * A new file is written, gets its metadata through its descriptor, and is committed: only then does
 * what lies at its place give way, so that it is never half replaced.  One with a twin is made as
 * well, as its content and the metadata that it really got are what the twin is compared with.
 */

/*
 * A larger file is hidden until it is complete.  That costs little compared with writing its
 * content, and a killed run leaves nothing of it.
 */
#define SMALL_NBYTES ((off_t)128 << 10)

/* Open what ${m} may turn out to be another name of.  What cannot be opened is no twin. */
static void find_twin(const struct new_member *m, struct twin *twin) {
	int flags = m->e->type == ENTRY_FILE ? O_RDONLY : O_PATH, fd;
	struct error err;

	twin->fd = -1;
	if (m->name != NULL &&
	    contained_open_existing(m->below, m->name->first, flags, &fd, &err) == TARN_OK)
		twin_init(twin, fd);
}

/*
 * Give ${fresh} its metadata and its name, unless it proves to be the same as ${twin}: then it is
 * discarded, and its name linked to that.  A failure leaves it to the caller.
 */
static int complete(
    const struct new_member *m, struct fresh *fresh, const struct twin *twin, struct error *err) {
	int r;

	/* First, as the twin is compared with the metadata that the file really got. */
	metadata_apply(m->policy, fresh->fd, &fresh->st, m->e, m->e->name);
	if (!twin_is_same(twin, fresh->fd) ||
	    !metadata_same_attributes(m->policy, twin->fd, fresh->fd, S_ISLNK(twin->st.st_mode))) {
		/* Before the name: a failure leaves no file that later names could not link to. */
		r = link_ladder_is(m->ladder, entry_member(m->e), &fresh->st, err);
		return r == TARN_OK ? contained_commit(fresh, err) : r;
	}
	contained_discard(fresh);
	r = link_ladder_is(m->ladder, m->name->member, &twin->st, err);
	if (r != TARN_OK)
		return r;
	known_members_is_at(m->known, m->name->first);
	return link_ladder_add(m->ladder, m->below, m->name, err);
}

/* What ${m}, a regular file, may be found under while it is written. */
static enum early_name early_name(const struct new_member *m) {
	const struct options *o = m->policy->options;

	/*
	 * An ACL is given after the mode, which says that the file is complete.  Attributes of
	 * users can only be set by who may write to the file, and the mode of an unfinished one
	 * forbids that.
	 */
	if (m->e->size > SMALL_NBYTES || o->acls || (o->xattrs && m->e->nxattrs > 0))
		return EARLY_NAME_NONE;
	/* What lacks only metadata need not show it where another extraction replaces it anyway. */
	return m->e->size == 0 && o->existing == EXISTING_REPLACE ? EARLY_NAME_READY :
	                                                            EARLY_NAME_UNFINISHED;
}

/* Make a regular file, and compare its content with that of ${twin}. */
static int make_file(
    const struct new_member *m, struct fresh *fresh, struct twin *twin, struct error *err) {
	enum early_name early = early_name(m);
	struct new_file file = {
		.mode = early == EARLY_NAME_READY ? metadata_early_mode(m->e) : m->e->mode & 0777,
		.early_name = early,
		.replace = m->replace,
	};
	int r = contained_create(m->below, m->path, &file, fresh, err);

	if (r == TARN_OK)
		r = file_write(fresh->fd, m->e, m->from, twin, m->policy->report, err);
	/*
	 * The limit on the ratio is met in the codec, which knows no members.  It ends the run, so
	 * this is the place to say in which one.
	 */
	return r == TARN_ELIMIT ? err_wrap(err, "%s", m->e->name) : r;
}

/* Is it that the file system has nothing like what ${m} says? */
static bool is_not_held(const struct new_member *m, int r, const struct error *err) {
	return r == TARN_ESYSTEM &&
	    (err->errnum == ENOSYS || err->errnum == EOPNOTSUPP ||
	        (err->errnum == EPERM && contained_lies_foreign(m->below, m->path)));
}

/* Make what has no content, at first for the user alone. */
static int make_other(const struct new_member *m, struct fresh *fresh, struct error *err) {
	const struct entry *e = m->e;
	int r;

	if (e->type != ENTRY_SYMLINK)
		r = contained_mknod(m->below, m->path, entry_type_mode(e->type) | 0600,
		    makedev(e->rdev_major, e->rdev_minor), m->replace, fresh, err);
	else if (e->target == NULL || *e->target == '\0')
		r = err_set(err, TARN_EFORMAT, 0, "Symbolic link without a target");
	else
		r = contained_symlink(m->below, m->path, e->target, m->replace, fresh, err);
	return is_not_held(m, r, err) ? (int)(err->code = TARN_UNHELD) : r;
}

int new_member_put(const struct new_member *m, struct error *err) {
	struct fresh fresh = { .fd = -1 };
	struct twin twin;
	int r;

	if (m->e->type == ENTRY_DIRECTORY || m->e->type == ENTRY_SOCKET)
		return err_set(err, TARN_EFORMAT, 0, "Unknown file type");
	find_twin(m, &twin);
	r = m->e->type == ENTRY_FILE ? make_file(m, &fresh, &twin, err) :
	                               make_other(m, &fresh, err);
	if (r == TARN_OK)
		r = complete(m, &fresh, &twin, err);
	twin_fini(&twin);
	contained_discard(&fresh);
	return r;
}
