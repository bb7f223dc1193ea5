#include "config.h"

#include "metadata.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <linux/xattr.h>
#include <string.h>
#include <sys/acl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "attributes.h"
#include "contained.h"
#include "descriptor_path.h"

/*
 * The order matters.  The owner comes first, since changing it clears set-id bits.  Attributes
 * follow while the file is still writable, then the times, which none of the later calls moves.
 * The mode comes after all that, as it says that a file is complete (contained_is_unfinished).  The
 * ACL is last: its mask is the group bits of the mode, which a later chmod() would change.
 *
 * A descriptor from O_PATH takes fchownat() and utimensat() with AT_EMPTY_PATH; all other calls
 * refuse it (EBADF).  They are tried all the same, as most descriptors are not of that kind.  From
 * that of a directory another one can be opened, which costs more than O_PATH, and with Landlock
 * the more the deeper it lies.  /proc/self/fd/N leads to the same inode, also when that is a
 * symbolic link, but /proc need not be mounted: so it comes last.
 *
 * No failure keeps the rest from being given: each is said or counted, and the next step taken.
 */

/* The file that gets metadata, or has that which is copied. */
struct target {
	int fd;
	const struct stat *st; /* from before all changes, so a step may have made it stale */
	const char *name;      /* of the member, for messages */
	struct report *report;
	bool is_reopened; /* the descriptor is not the caller's, and is to be closed */
};

/*
 * Can a call that has refused the descriptor of a directory be tried again?  It is another one
 * then, which takes the right to read and search the directory.  If not, errno is EBADF as before.
 */
static bool reopen(struct target *t) {
	int fd;

	if (errno != EBADF || !S_ISDIR(t->st->st_mode) || t->is_reopened)
		return false;
	fd = openat(t->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	errno = EBADF;
	if (fd < 0)
		return false;
	t->fd = fd;
	t->is_reopened = true;
	return true;
}

void metadata_policy_init(struct metadata_policy *policy, const struct options *o,
    struct owners *owners, struct report *report) {
	bool root = geteuid() == 0;
	/* There is no call that only asks.  Other threads would make files with 0 in between. */
	mode_t mask = umask(0);

	umask(mask);
	*policy = (struct metadata_policy){
		.same_owner =
		    o->same_owner == TRISTATE_YES || (o->same_owner == TRISTATE_DEFAULT && root),
		.trusted = o->same_permissions == TRISTATE_YES,
		.options = o,
		.owners = owners,
		.report = report,
	};
	if (o->same_permissions == TRISTATE_NO ||
	    (o->same_permissions == TRISTATE_DEFAULT && !root))
		policy->umask = mask;
}

mode_t metadata_early_mode(const struct entry *e) {
	mode_t all = e->mode & e->mode << 3 & 050;

	return e->acl_access == NULL ? (e->mode & 0700) | all | all >> 3 : 0600;
}

/* The rule of metadata.h for what a file system cannot hold. */
static bool is_not_held(const struct target *t, int errnum) {
	return errnum == ENOSYS || errnum == EOPNOTSUPP ||
	    (errnum == EPERM && contained_is_foreign(t->fd));
}

/* Count what could not be given under ${reason}, or say ${err}. */
static void failed(const struct target *t, enum report_reason reason, const struct error *err) {
	if (is_not_held(t, err->errnum))
		report_count(t->report, reason, t->name, 0);
	else
		report_error(t->report, t->name, err);
}

/* False when the file has another owner or group afterwards. */
static bool give_owner(const struct target *t, uint64_t uid, uint64_t gid) {
	struct error err;

	if (uid == t->st->st_uid && gid == t->st->st_gid)
		return true;
	/* The largest number would leave the owner as it is, and a larger one would be cut. */
	if (uid >= (uid_t)-1 || gid >= (gid_t)-1)
		errno = EINVAL;
	else if (fchownat(t->fd, "", (uid_t)uid, (gid_t)gid, AT_EMPTY_PATH) == 0)
		return true;
	err_set(&err, TARN_ESYSTEM, errno, "Cannot change ownership to uid %ju, gid %ju",
	    (uintmax_t)uid, (uintmax_t)gid);
	failed(t, REPORT_NOT_HELD_OWNER, &err);
	return false;
}

/* By the first way that works: the descriptor, one reopened, or its path. */
static int change_mode(struct target *t, mode_t mode) {
	int r = fchmod(t->fd, mode);

	if (r != 0 && reopen(t))
		r = fchmod(t->fd, mode);
	return r != 0 && errno == EBADF ? chmod(descriptor_path(t->fd).text, mode) : r;
}

/*
 * Set-id bits are left out unless they are ${is_trusted} and the file ${is_owned}, that is, has got
 * the owner that they are meant for, if owners are restored at all.
 */
static void give_mode(struct target *t, mode_t mode, bool is_trusted, bool is_owned) {
	struct error err;

	if (S_ISLNK(t->st->st_mode))
		return;
	if ((mode & (S_ISUID | S_ISGID)) != 0 && !(is_trusted && is_owned)) {
		mode &= ~(mode_t)(S_ISUID | S_ISGID);
		report_count(t->report, is_trusted ? REPORT_LEFT_SET_ID_OWNER : REPORT_LEFT_SET_ID,
		    t->name, 0);
	}
	/* Changing the owner may have cleared set-id bits, never added any. */
	if (mode == (t->st->st_mode & 07777) && (mode & (S_ISUID | S_ISGID)) == 0)
		return;
	if (change_mode(t, mode) == 0)
		return;
	err_set(&err, TARN_ESYSTEM, errno, "Cannot change mode to %04o", (unsigned int)mode);
	failed(t, REPORT_NOT_HELD_MODE, &err);
}

static int set_xattr(struct target *t, const struct xattr *x) {
	int r = fsetxattr(t->fd, x->name, x->value, x->nbytes, 0);

	if (r != 0 && reopen(t))
		r = fsetxattr(t->fd, x->name, x->value, x->nbytes, 0);
	if (r != 0 && errno == EBADF)
		r = setxattr(descriptor_path(t->fd).text, x->name, x->value, x->nbytes, 0);
	/*
	 * The kernel allows attributes of users on files and directories alone (xattr(7)), and says
	 * EPERM otherwise.  It is nothing that privileges would help against.
	 */
	if (r != 0 && errno == EPERM && !S_ISREG(t->st->st_mode) && !S_ISDIR(t->st->st_mode) &&
	    strncmp(x->name, XATTR_USER_PREFIX, XATTR_USER_PREFIX_LEN) == 0)
		errno = EOPNOTSUPP;
	return r;
}

static void give_xattr(struct target *t, const struct xattr *x) {
	struct error err;

	if (set_xattr(t, x) == 0)
		return;
	err_set(&err, TARN_ESYSTEM, errno, "Cannot set the extended attribute '%s'", x->name);
	failed(t, REPORT_NOT_HELD_XATTR, &err);
}

/* By path, as libacl sets a default ACL in no other way, and an access ACL not by O_PATH. */
static int set_acl(const struct target *t, acl_type_t type, const char *text) {
	acl_t acl = acl_from_text(text);
	int r, errnum;

	if (acl == NULL)
		return -1;
	r = acl_set_file(descriptor_path(t->fd).text, type, acl);
	errnum = errno;
	acl_free(acl);
	errno = errnum;
	return r;
}

static int remove_xattr(const struct target *t, const char *name) {
	int r = fremovexattr(t->fd, name);

	return r != 0 && errno == EBADF ? removexattr(descriptor_path(t->fd).text, name) : r;
}

/* No ${text}: none but the mode, so what was inherited from the directory goes. */
static void give_acl(const struct target *t, acl_type_t type, const char *text) {
	const char *xattr =
	    type == ACL_TYPE_ACCESS ? XATTR_NAME_POSIX_ACL_ACCESS : XATTR_NAME_POSIX_ACL_DEFAULT;
	int r = text != NULL ? set_acl(t, type, text) : remove_xattr(t, xattr);
	struct error err;

	if (r == 0 || (text == NULL && errno == ENODATA))
		return;
	err_set(&err, TARN_ESYSTEM, errno, "Cannot set ACL");
	if (text != NULL || !is_not_held(t, err.errnum))
		failed(t, REPORT_NOT_HELD_ACL, &err);
}

/* Both times: file systems on libfuse 2 do nothing, without an error, for UTIME_OMIT. */
static int change_mtime(const struct target *t, struct timespec mtime) {
	const struct timespec times[2] = { t->st->st_atim, mtime };
	int r;

	if (S_ISREG(t->st->st_mode))
		return futimens(t->fd, times);
	r = utimensat(t->fd, "", times, AT_EMPTY_PATH);
	/* Linux before 5.8 does not know that. */
	return r != 0 && errno == EINVAL ?
	    utimensat(AT_FDCWD, descriptor_path(t->fd).text, times, 0) :
	    r;
}

static void give_mtime(const struct target *t, struct timespec mtime) {
	struct error err;

	/*
	 * The root directory of FAT has no times, and fusefat does not survive being asked to set
	 * them.  Its ctime and mtime read as 0.  An mtime may be, but no call can set a ctime.
	 */
	if (S_ISDIR(t->st->st_mode) && t->st->st_ctim.tv_sec == 0 && t->st->st_mtim.tv_sec == 0) {
		report_count(t->report, REPORT_NOT_HELD_TIME, t->name, 0);
		return;
	}
	if (change_mtime(t, mtime) == 0)
		return;
	err_set(&err, TARN_ESYSTEM, errno, "Cannot change the modification time");
	failed(t, REPORT_NOT_HELD_TIME, &err);
}

static void give_xattrs(
    const struct metadata_policy *policy, struct target *t, const struct entry *e) {
	for (size_t i = 0; i < e->nxattrs; i++) {
		const struct xattr *x = &e->xattrs[i];

		if (!options_want_xattr(policy->options, x->name))
			continue;
		if (policy->trusted ||
		    strncmp(x->name, XATTR_USER_PREFIX, XATTR_USER_PREFIX_LEN) == 0)
			give_xattr(t, x);
		else
			report_count(t->report, REPORT_LEFT_XATTR, t->name, 0);
	}
}

static uint64_t resolve_user(const struct metadata_policy *policy, const struct entry *e) {
	return owners_resolve_user(
	    policy->owners, policy->options->numeric_owner ? NULL : e->uname, e->uid);
}

static uint64_t resolve_group(const struct metadata_policy *policy, const struct entry *e) {
	return owners_resolve_group(
	    policy->owners, policy->options->numeric_owner ? NULL : e->gname, e->gid);
}

/* Without the names it comes out the same when it is resolved again, by metadata_apply. */
void metadata_resolve_owner(const struct metadata_policy *policy, struct entry *e) {
	if (!policy->same_owner)
		return;
	e->uid = resolve_user(policy, e);
	e->gid = resolve_group(policy, e);
	e->uname = e->gname = NULL;
}

void metadata_apply(const struct metadata_policy *policy, int fd, const struct stat *st,
    const struct entry *e, const char *name) {
	struct target t = { .fd = fd, .st = st, .name = name, .report = policy->report };
	bool is_owned = true;

	if (policy->same_owner)
		is_owned = give_owner(&t, resolve_user(policy, e), resolve_group(policy, e));
	if (policy->options->xattrs)
		give_xattrs(policy, &t, e);
	if (!policy->options->touch)
		give_mtime(&t, e->mtime);
	give_mode(&t, e->mode & ~policy->umask, policy->trusted, is_owned);
	/* Also when the member has none: the directory may have had a default ACL to inherit. */
	if (policy->options->acls && !S_ISLNK(st->st_mode))
		give_acl(&t, ACL_TYPE_ACCESS, e->acl_access);
	if (policy->options->acls && S_ISDIR(st->st_mode))
		give_acl(&t, ACL_TYPE_DEFAULT, e->acl_default);
	if (t.is_reopened)
		close(t.fd);
}

/*
 * All that the system lists, whatever the user asked for, as another name would show them all.
 * Where a file system has no attributes there are none to copy.  The limits of the kernel
 * (xattr(7)) are small enough for the stack, so nothing needs to grow.
 */
static void copy_xattrs(const struct target *from, struct target *to) {
	char names[XATTR_LIST_MAX], value[XATTR_SIZE_MAX];
	ssize_t n = flistxattr(from->fd, names, sizeof(names));

	if (n < 0 && errno == EBADF)
		n = listxattr(descriptor_path(from->fd).text, names, sizeof(names));
	if (n < 0 && errno != ENOTSUP)
		report_failure(
		    to->report, to->name, "Cannot list extended attributes: %s", strerror(errno));
	for (const char *x = names; n > 0 && x < names + n; x += strlen(x) + 1) {
		ssize_t nbytes = fgetxattr(from->fd, x, value, sizeof(value));

		if (nbytes < 0 && errno == EBADF)
			nbytes = getxattr(descriptor_path(from->fd).text, x, value, sizeof(value));
		if (nbytes >= 0)
			give_xattr(to, &(struct xattr){ x, value, (size_t)nbytes });
		else
			report_failure(to->report, to->name, "Cannot read extended attributes: %s",
			    strerror(errno));
	}
}

void metadata_copy(int from, int to, const char *name, struct report *report) {
	struct stat st, made;
	struct target source = { .fd = from, .st = &st, .name = name, .report = report };
	struct target t = { .fd = to, .st = &made, .name = name, .report = report };
	bool is_owned;

	if (fstat(from, &st) != 0 || fstat(to, &made) != 0) {
		report_failure(report, name, "Cannot stat: %s", strerror(errno));
		return;
	}
	/* An ordinary user cannot give files away: the copy is the user's own. */
	is_owned = geteuid() == 0 ? give_owner(&t, st.st_uid, st.st_gid) :
	                            st.st_uid == made.st_uid && st.st_gid == made.st_gid;
	/* As a link would have none; an ACL of the file comes with its attributes. */
	if (!S_ISLNK(made.st_mode))
		give_acl(&t, ACL_TYPE_ACCESS, NULL);
	copy_xattrs(&source, &t);
	give_mtime(&t, st.st_mtim);
	give_mode(&t, st.st_mode & 07777, true, is_owned);
}

/* A checksum of those attributes of the file behind ${fd}, no directory, that were asked for. */
static int sum_attributes(
    const struct metadata_policy *policy, int fd, bool is_symlink, uint64_t *sum) {
	const struct descriptor_path path = descriptor_path(fd);
	struct attributes attributes = { 0 };
	struct entry e = { 0 };
	struct error err;
	int r = TARN_OK;

	if (policy->options->xattrs)
		r = attributes_read_xattrs(&attributes, path.text, true, policy->options, &err);
	if (r == TARN_OK && policy->options->acls && !is_symlink)
		r = attributes_read_acls(&attributes, path.text, false, &err);
	attributes_lend(&attributes, &e);
	*sum = e.identity.attributes;
	attributes_fini(&attributes);
	return r;
}

bool metadata_same_attributes(const struct metadata_policy *policy, int a, int b, bool is_symlink) {
	uint64_t sums[2];

	return (!policy->options->xattrs && !policy->options->acls) ||
	    (sum_attributes(policy, a, is_symlink, &sums[0]) == TARN_OK &&
	        sum_attributes(policy, b, is_symlink, &sums[1]) == TARN_OK && sums[0] == sums[1]);
}
