#include "config.h"

#include "file_writer.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "write_at.h"

/*
 * Content is written where the source says that it belongs, and what is not written stays a hole.
 *
 * The twin is for later names that bring their own content, as old cpio formats have them: they are
 * linked to what they are equal to.  Whether they are is only known at the end, so the file is
 * written in any case, and new_member discards it when the twin is the same.  The twin is read at
 * the offsets that are written, so that content is in memory once.  Holes are compared as the zeros
 * they read as.
 */

void twin_init(struct twin *twin, int fd) {
	twin->fd = fd;
	if (fstat(fd, &twin->st) != 0)
		twin_fini(twin);
}

void twin_fini(struct twin *twin) {
	if (twin->fd >= 0)
		close(twin->fd);
	twin->fd = -1;
}

/* Lead two symbolic links, opened with O_PATH, to the same?  PATH_MAX is more than a target has. */
static bool have_same_target(int a, int b) {
	char targets[2][PATH_MAX];
	ssize_t n = readlinkat(a, "", targets[0], PATH_MAX);

	return n >= 0 && readlinkat(b, "", targets[1], PATH_MAX) == n &&
	    memcmp(targets[0], targets[1], (size_t)n) == 0;
}

bool twin_is_same(const struct twin *twin, int fd) {
	const struct stat *is = &twin->st;
	/* Looked at anew: by now the new file has its owner, mode and times. */
	struct stat st;

	return twin->fd >= 0 && fstat(fd, &st) == 0 && st.st_mode == is->st_mode &&
	    st.st_size == is->st_size && st.st_rdev == is->st_rdev && st.st_uid == is->st_uid &&
	    st.st_gid == is->st_gid && st.st_mtim.tv_sec == is->st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == is->st_mtim.tv_nsec &&
	    (!S_ISLNK(st.st_mode) || have_same_target(twin->fd, fd));
}

/* Has ${twin} from ${at} up to ${end} the bytes at ${data}, or zeros when that is NULL? */
static bool twin_has(const struct twin *twin, const char *data, off_t at, off_t end) {
	static const char zeros[16384];
	char buf[sizeof(zeros)];
	ssize_t n;

	while (at < end) {
		size_t want = end - at < (off_t)sizeof(buf) ? (size_t)(end - at) : sizeof(buf);

		n = pread(twin->fd, buf, want, at);
		if (n <= 0 || memcmp(buf, data != NULL ? data : zeros, (size_t)n) != 0)
			return false;
		at += n;
		if (data != NULL)
			data += n;
	}
	return true;
}

/* Compare the hole from ${end}, where the last block ended, to ${block}, and ${block}. */
static void compare(struct twin *twin, const struct block *block, off_t end) {
	if (twin->fd < 0)
		return;
	if (!twin_has(twin, NULL, end, block->offset) ||
	    !twin_has(twin, block->data, block->offset, block->offset + (off_t)block->nbytes))
		twin_fini(twin);
}

int file_write(int fd, const struct entry *e, struct source *from, struct twin *twin,
    struct report *report, struct error *err) {
	struct block block;
	off_t end = 0;
	int r;

	while ((r = from->read(from, &block, err)) == TARN_OK) {
		compare(twin, &block, end);
		r = write_at(fd, block.data, block.nbytes, block.offset, err);
		if (r != TARN_OK)
			return r;
		end = block.offset + (off_t)block.nbytes;
		report_progress(report, NULL, block.nbytes);
	}
	if (r != TARN_END)
		return r;
	if (twin->fd >= 0 && !twin_has(twin, NULL, end, e->size))
		twin_fini(twin);
	/* A hole at the end is in no block: only the size tells of it. */
	if (end < e->size && ftruncate(fd, e->size) != 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot extend");
	return TARN_OK;
}
