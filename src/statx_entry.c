#include "config.h"

#include "statx_entry.h"

#include <sys/sysmacros.h>

/*
 * To look at a name and to make an entry of it are two steps, which two threads may take
 * (scan_ahead.h); what statx() said goes from the one to the other as it is.  statx() rather than
 * stat() for the birth time, which tells an inode from an earlier one of the same number.
 */

struct timespec timespec_from_statx(const struct statx_timestamp *t) {
	return (struct timespec){ .tv_sec = t->tv_sec, .tv_nsec = (long)t->tv_nsec };
}

struct identity identity_from_statx(const struct statx *stx) {
	return (struct identity){
		/* As st_dev of stat() has it, with which it is compared. */
		.dev = makedev(stx->stx_dev_major, stx->stx_dev_minor),
		.ino = stx->stx_ino,
		.nlink = stx->stx_nlink,
		/* It was asked for, but not every file system has one. */
		.has_btime = (stx->stx_mask & STATX_BTIME) != 0,
		.btime = timespec_from_statx(&stx->stx_btime),
		.mtime = timespec_from_statx(&stx->stx_mtime),
	};
}

void entry_from_statx(struct entry *e, const struct statx *stx, struct owners *owners) {
	*e = (struct entry){
		.is_whole = true,
		.mode = stx->stx_mode & 07777,
		.uid = stx->stx_uid,
		.gid = stx->stx_gid,
		.mtime = timespec_from_statx(&stx->stx_mtime),
		.identity = identity_from_statx(stx),
	};
	entry_type_of_mode(stx->stx_mode, &e->type);
	if (owners != NULL) {
		e->uname = owners_user_name(owners, e->uid);
		e->gname = owners_group_name(owners, e->gid);
	}
	/* Directories and symbolic links have sizes, too, but no content in an archive. */
	if (e->type == ENTRY_FILE)
		e->size = (off_t)stx->stx_size;
	if (e->type == ENTRY_CHAR_DEVICE || e->type == ENTRY_BLOCK_DEVICE) {
		e->rdev_major = stx->stx_rdev_major;
		e->rdev_minor = stx->stx_rdev_minor;
	}
}
