#include "config.h"

#include "statx_entry.h"

#include <sys/sysmacros.h>

struct timespec timespec_from_statx(const struct statx_timestamp *t) {
	return (struct timespec){ .tv_sec = t->tv_sec, .tv_nsec = (long)t->tv_nsec };
}

struct identity identity_from_statx(const struct statx *stx) {
	return (struct identity){
		.dev = makedev(stx->stx_dev_major, stx->stx_dev_minor),
		.ino = stx->stx_ino,
		.nlink = stx->stx_nlink,
		.has_btime = (stx->stx_mask & STATX_BTIME) != 0,
		.btime = timespec_from_statx(&stx->stx_btime),
		.mtime = timespec_from_statx(&stx->stx_mtime),
	};
}

bool entry_from_statx(struct entry *e, const struct statx *stx, struct owners *owners) {
	*e = (struct entry){
		.is_whole = true,
		.mode = stx->stx_mode & 07777,
		.uid = stx->stx_uid,
		.gid = stx->stx_gid,
		.mtime = timespec_from_statx(&stx->stx_mtime),
		.identity = identity_from_statx(stx),
	};
	if (!entry_type_of_mode(stx->stx_mode, &e->type))
		return false;
	if (owners != NULL) {
		e->uname = owners_user_name(owners, e->uid);
		e->gname = owners_group_name(owners, e->gid);
	}
	if (e->type == ENTRY_FILE)
		e->size = (off_t)stx->stx_size;
	if (e->type == ENTRY_CHAR_DEVICE || e->type == ENTRY_BLOCK_DEVICE) {
		e->rdev_major = stx->stx_rdev_major;
		e->rdev_minor = stx->stx_rdev_minor;
	}
	return true;
}
