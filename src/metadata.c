#include "config.h"

#include "metadata.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/acl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "attributes.h"

/*
 * The order matters: the owner first, since changing it clears set-id bits; attributes while the
 * file is still writable; then the mode, then the ACL, whose mask is the group bits of the mode;
 * times last, since all else moves them.
 *
 * A descriptor from O_PATH takes fchownat() and utimensat() with AT_EMPTY_PATH, but neither
 * fchmod() nor fsetxattr(); /proc/self/fd/N leads to the same inode, for all but symbolic links,
 * which have no mode, and take no attributes here.
 */

#define PROC_NAME_NBYTES 40

/* The file that gets metadata. */
struct target {
	int fd;
	bool is_path; /* fd is from O_PATH */
	const struct stat *st;
	const char *name;
	char proc[PROC_NAME_NBYTES]; /* the name of fd for calls that take no descriptor */
};

static void target_init(struct target *t, int fd, const struct stat *st, const char *name) {
	int flags = fcntl(fd, F_GETFL);

	*t = (struct target){ .fd = fd, .st = st, .name = name };
	t->is_path = flags >= 0 && (flags & O_PATH) != 0;
	snprintf(t->proc, sizeof(t->proc), "/proc/self/fd/%d", fd);
}

void metadata_policy_init(struct metadata_policy *policy, const struct options *o,
    struct owners *owners, struct report *report) {
	bool root = geteuid() == 0;
	mode_t mask = umask(0);

	umask(mask);
	*policy = (struct metadata_policy){
		.same_owner =
		    o->same_owner == TRISTATE_YES || (o->same_owner == TRISTATE_DEFAULT && root),
		.numeric_owner = o->numeric_owner,
		.trusted = o->same_permissions == TRISTATE_YES,
		.touch = o->touch,
		.acls = o->acls,
		.xattrs = o->xattrs,
		.owners = owners,
		.report = report,
	};
	if (o->same_permissions == TRISTATE_NO ||
	    (o->same_permissions == TRISTATE_DEFAULT && !root))
		policy->umask = mask;
}

/*
 * Does ${errnum} say that the file system has no such thing, rather than that it is not for us to
 * set?  File systems without owners and modes answer EPERM, too: to root, and to the owner of a file,
 * whom nothing else would keep from it.
 */
static bool is_not_held(int errnum, bool is_ours) {
	return errnum == ENOSYS || errnum == EOPNOTSUPP || (errnum == EPERM && is_ours);
}

static void apply_owner(
    const struct metadata_policy *p, const struct target *t, const struct entry *e) {
	uint64_t uid = e->uid, gid = e->gid;

	if (!p->numeric_owner && e->uname != NULL)
		owners_user_id(p->owners, e->uname, &uid);
	if (!p->numeric_owner && e->gname != NULL)
		owners_group_id(p->owners, e->gname, &gid);
	if (uid == t->st->st_uid && gid == t->st->st_gid)
		return;
	if ((uid_t)uid != uid || (gid_t)gid != gid) {
		errno = EINVAL;
	} else if (fchownat(t->fd, "", (uid_t)uid, (gid_t)gid, AT_EMPTY_PATH) == 0) {
		return;
	}
	if (is_not_held(errno, geteuid() == 0))
		report_count(p->report, REPORT_NOT_HELD_OWNER, t->name, 0);
	else
		report_failure(p->report, t->name,
		    "Cannot change ownership to uid %ju, gid %ju: %s", (uintmax_t)uid,
		    (uintmax_t)gid, strerror(errno));
}

static int set_mode(const struct target *t, mode_t mode) {
	return t->is_path ? chmod(t->proc, mode) : fchmod(t->fd, mode);
}

static void apply_mode(
    const struct metadata_policy *p, const struct target *t, const struct entry *e) {
	mode_t mode = e->mode & ~p->umask;

	if (S_ISLNK(t->st->st_mode))
		return;
	if (!p->trusted && (mode & (S_ISUID | S_ISGID)) != 0) {
		mode &= ~(mode_t)(S_ISUID | S_ISGID);
		report_count(p->report, REPORT_LEFT_SET_ID, t->name, 0);
	}
	/* Changing the owner may have cleared set-id bits, never added any. */
	if (mode == (t->st->st_mode & 07777) && (mode & (S_ISUID | S_ISGID)) == 0)
		return;
	if (set_mode(t, mode) == 0)
		return;
	if (is_not_held(errno, geteuid() == 0 || geteuid() == t->st->st_uid))
		report_count(p->report, REPORT_NOT_HELD_MODE, t->name, 0);
	else
		report_failure(p->report, t->name, "Cannot change mode to %04o: %s",
		    (unsigned int)mode, strerror(errno));
}

static void apply_acl(
    const struct metadata_policy *p, const struct target *t, const char *text, acl_type_t type) {
	acl_t acl;
	int r = -1;

	if (text == NULL)
		return;
	acl = acl_from_text(text);
	if (acl != NULL)
		r = acl_set_file(t->proc, type, acl);
	if (r != 0 && is_not_held(errno, false))
		report_count(p->report, REPORT_NOT_HELD_ACL, t->name, 0);
	else if (r != 0)
		report_failure(p->report, t->name, "Cannot set ACL: %s", strerror(errno));
	if (acl != NULL)
		acl_free(acl);
}

static int set_xattr(const struct target *t, const struct xattr *x) {
	if (S_ISLNK(t->st->st_mode)) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return t->is_path ? setxattr(t->proc, x->name, x->value, x->nbytes, 0) :
	                    fsetxattr(t->fd, x->name, x->value, x->nbytes, 0);
}

static void apply_xattrs(
    const struct metadata_policy *p, const struct target *t, const struct entry *e) {
	for (size_t i = 0; i < e->nxattrs; i++) {
		const struct xattr *x = &e->xattrs[i];

		/* ACLs have their own way in; an archive does not get to set them raw. */
		if (attributes_is_acl(x->name))
			continue;
		if (!p->trusted && strncmp(x->name, "user.", strlen("user.")) != 0)
			report_count(p->report, REPORT_LEFT_XATTR, t->name, 0);
		else if (set_xattr(t, x) == 0)
			continue;
		else if (is_not_held(errno, !S_ISREG(t->st->st_mode)))
			report_count(p->report, REPORT_NOT_HELD_XATTR, t->name, 0);
		else
			report_failure(p->report, t->name, "Cannot set an extended attribute: %s",
			    strerror(errno));
	}
}

static int set_times(const struct target *t, const struct timespec times[2]) {
	return t->is_path ? utimensat(t->fd, "", times, AT_EMPTY_PATH) : futimens(t->fd, times);
}

static void apply_times(
    const struct metadata_policy *p, const struct target *t, const struct entry *e) {
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, e->mtime };

	if (p->touch || set_times(t, times) == 0)
		return;
	if (is_not_held(errno, false))
		report_count(p->report, REPORT_NOT_HELD_TIME, t->name, 0);
	else
		report_failure(
		    p->report, t->name, "Cannot change the modification time: %s", strerror(errno));
}

void metadata_apply(const struct metadata_policy *policy, int fd, const struct stat *st,
    const struct entry *e, const char *name) {
	struct target t;

	target_init(&t, fd, st, name);
	if (policy->same_owner)
		apply_owner(policy, &t, e);
	if (policy->xattrs)
		apply_xattrs(policy, &t, e);
	apply_mode(policy, &t, e);
	if (policy->acls && !S_ISLNK(st->st_mode)) {
		apply_acl(policy, &t, e->acl_access, ACL_TYPE_ACCESS);
		if (S_ISDIR(st->st_mode))
			apply_acl(policy, &t, e->acl_default, ACL_TYPE_DEFAULT);
	}
	apply_times(policy, &t, e);
}

/* Copy every extended attribute that ${from} has.  Where a file system has none there is nothing. */
static int copy_xattrs(int from, int to) {
	char names[65536], *value = NULL;
	ssize_t n = flistxattr(from, names, sizeof(names));
	int r = 0;

	for (const char *x = names; n > 0 && x < names + n; x += strlen(x) + 1) {
		ssize_t nbytes = fgetxattr(from, x, NULL, 0);
		char *grown;

		if (nbytes < 0 || (grown = realloc(value, (size_t)nbytes + 1)) == NULL) {
			r = -1;
			continue;
		}
		value = grown;
		nbytes = fgetxattr(from, x, value, (size_t)nbytes);
		if (nbytes < 0 || fsetxattr(to, x, value, (size_t)nbytes, 0) != 0)
			r = -1;
	}
	free(value);
	return r;
}

/* Say that ${what} of a copy could not be set, or count it where the file system has no such thing. */
static void copy_failed(const struct target *t, bool is_ours, enum report_reason reason,
    const char *what, struct report *report) {
	if (is_not_held(errno, is_ours))
		report_count(report, reason, t->name, 0);
	else
		report_failure(report, t->name, "Cannot change %s: %s", what, strerror(errno));
}

void metadata_copy(int from, int to, const char *name, struct report *report) {
	struct stat st, made;
	struct target t;
	struct timespec times[2];
	bool is_ours = geteuid() == 0;

	if (fstat(from, &st) != 0 || fstat(to, &made) != 0) {
		report_failure(report, name, "Cannot stat: %s", strerror(errno));
		return;
	}
	target_init(&t, to, &made, name);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	if ((st.st_uid != made.st_uid || st.st_gid != made.st_gid) &&
	    fchownat(to, "", st.st_uid, st.st_gid, AT_EMPTY_PATH) != 0 && is_ours)
		copy_failed(&t, true, REPORT_NOT_HELD_OWNER, "ownership", report);
	if (!t.is_path && copy_xattrs(from, to) != 0)
		copy_failed(&t, false, REPORT_NOT_HELD_XATTR, "extended attributes", report);
	if (!S_ISLNK(st.st_mode) && (st.st_mode & 07777) != (made.st_mode & 07777) &&
	    set_mode(&t, st.st_mode & 07777) != 0)
		copy_failed(
		    &t, is_ours || made.st_uid == geteuid(), REPORT_NOT_HELD_MODE, "mode", report);
	if (set_times(&t, times) != 0)
		copy_failed(&t, false, REPORT_NOT_HELD_TIME, "the modification time", report);
}
