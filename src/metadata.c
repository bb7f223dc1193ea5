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

/*
 * The order matters: the owner first, since changing it clears set-id bits; attributes while the
 * file is still writable; then the mode, then the ACL, whose mask is the group bits of the mode;
 * times last, since all else moves them.
 *
 * A descriptor from O_PATH takes fchownat() and utimensat() with AT_EMPTY_PATH, but neither
 * fchmod() nor fsetxattr(); for a fifo or device /proc/self/fd/N leads to the same inode.  Symbolic
 * links have no mode, and take no attributes here.
 */

#define PROC_NAME_NBYTES 40

/* The name under which the inode behind ${fd} can be reached by calls that take no descriptor. */
static const char *proc_name(int fd, char *buf) {
	snprintf(buf, PROC_NAME_NBYTES, "/proc/self/fd/%d", fd);
	return buf;
}

static bool is_opened(mode_t mode) {
	return S_ISREG(mode) || S_ISDIR(mode);
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

static void apply_owner(const struct metadata_policy *p, int fd, const struct stat *st,
    const struct entry *e, const char *name) {
	uint64_t uid = e->uid, gid = e->gid;

	if (!p->numeric_owner && e->uname != NULL)
		owners_user_id(p->owners, e->uname, &uid);
	if (!p->numeric_owner && e->gname != NULL)
		owners_group_id(p->owners, e->gname, &gid);
	if (uid == st->st_uid && gid == st->st_gid)
		return;
	if ((uid_t)uid != uid || (gid_t)gid != gid) {
		errno = EINVAL;
	} else if (fchownat(fd, "", (uid_t)uid, (gid_t)gid, AT_EMPTY_PATH) == 0) {
		return;
	}
	report_failure(p->report, name, "Cannot change ownership to uid %ju, gid %ju: %s",
	    (uintmax_t)uid, (uintmax_t)gid, strerror(errno));
}

static int set_mode(int fd, mode_t type, mode_t mode) {
	char proc[PROC_NAME_NBYTES];

	return is_opened(type) ? fchmod(fd, mode) : chmod(proc_name(fd, proc), mode);
}

static void apply_mode(const struct metadata_policy *p, int fd, const struct stat *st,
    const struct entry *e, const char *name) {
	mode_t mode = e->mode & ~p->umask;

	if (S_ISLNK(st->st_mode))
		return;
	if (!p->trusted && (mode & (S_ISUID | S_ISGID)) != 0) {
		mode &= ~(mode_t)(S_ISUID | S_ISGID);
		report_count(p->report, REPORT_LEFT_SET_ID, 0);
	}
	/* Changing the owner may have cleared set-id bits, never added any. */
	if (mode == (st->st_mode & 07777) && (mode & (S_ISUID | S_ISGID)) == 0)
		return;
	if (set_mode(fd, st->st_mode, mode) != 0)
		report_failure(p->report, name, "Cannot change mode to %04o: %s",
		    (unsigned int)mode, strerror(errno));
}

static void apply_acl(
    const struct metadata_policy *p, int fd, const char *text, acl_type_t type, const char *name) {
	char proc[PROC_NAME_NBYTES];
	acl_t acl;
	int r = -1;

	if (text == NULL)
		return;
	acl = acl_from_text(text);
	if (acl != NULL)
		r = acl_set_file(proc_name(fd, proc), type, acl);
	if (r != 0)
		report_failure(p->report, name, "Cannot set ACL: %s", strerror(errno));
	if (acl != NULL)
		acl_free(acl);
}

/* ACLs have their own way in; an archive does not get to set them as raw attributes. */
static bool is_acl_xattr(const char *xattr) {
	return strncmp(xattr, "system.posix_acl_", strlen("system.posix_acl_")) == 0;
}

static void apply_xattrs(const struct metadata_policy *p, int fd, const struct stat *st,
    const struct entry *e, const char *name) {
	char proc[PROC_NAME_NBYTES];
	int r;

	for (size_t i = 0; i < e->nxattrs; i++) {
		const struct xattr *x = &e->xattrs[i];

		if (is_acl_xattr(x->name))
			continue;
		if (!p->trusted && strncmp(x->name, "user.", strlen("user.")) != 0) {
			report_count(p->report, REPORT_LEFT_XATTR, 0);
			continue;
		}
		if (is_opened(st->st_mode)) {
			r = fsetxattr(fd, x->name, x->value, x->nbytes, 0);
		} else if (S_ISLNK(st->st_mode)) {
			errno = ENOTSUP;
			r = -1;
		} else {
			r = setxattr(proc_name(fd, proc), x->name, x->value, x->nbytes, 0);
		}
		if (r != 0) {
			int errnum = errno;

			report_failure(p->report, name, "Cannot set an extended attribute: %s",
			    strerror(errnum));
		}
	}
}

static int set_times(int fd, mode_t type, const struct timespec times[2]) {
	return is_opened(type) ? futimens(fd, times) : utimensat(fd, "", times, AT_EMPTY_PATH);
}

static void apply_times(const struct metadata_policy *p, int fd, const struct stat *st,
    const struct entry *e, const char *name) {
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, e->mtime };

	if (p->touch)
		return;
	if (set_times(fd, st->st_mode, times) != 0)
		report_failure(
		    p->report, name, "Cannot change the modification time: %s", strerror(errno));
}

void metadata_apply(const struct metadata_policy *policy, int fd, const struct stat *st,
    const struct entry *e, const char *name) {
	if (policy->same_owner)
		apply_owner(policy, fd, st, e, name);
	if (policy->xattrs)
		apply_xattrs(policy, fd, st, e, name);
	apply_mode(policy, fd, st, e, name);
	if (policy->acls && is_opened(st->st_mode)) {
		apply_acl(policy, fd, e->acl_access, ACL_TYPE_ACCESS, name);
		if (S_ISDIR(st->st_mode))
			apply_acl(policy, fd, e->acl_default, ACL_TYPE_DEFAULT, name);
	}
	apply_times(policy, fd, st, e, name);
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

int metadata_copy(int from, int to, struct error *err) {
	struct stat st;
	struct timespec times[2];
	int r = TARN_OK;

	if (fstat(from, &st) != 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot stat");
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	if (fchownat(to, "", st.st_uid, st.st_gid, AT_EMPTY_PATH) != 0 && geteuid() == 0)
		r = err_set(err, TARN_ESYSTEM, errno, "Cannot change ownership");
	if (is_opened(st.st_mode) && copy_xattrs(from, to) != 0)
		r = err_set(err, TARN_ESYSTEM, errno, "Cannot copy extended attributes");
	if (!S_ISLNK(st.st_mode) && set_mode(to, st.st_mode, st.st_mode & 07777) != 0)
		r = err_set(err, TARN_ESYSTEM, errno, "Cannot change mode");
	if (set_times(to, st.st_mode, times) != 0)
		r = err_set(err, TARN_ESYSTEM, errno, "Cannot change the modification time");
	return r;
}
