#include "config.h"

#include "file_copy.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <unistd.h>

#include "write_at.h"

/*
 * Run of data by run of data, as SEEK_DATA and SEEK_HOLE find them; where a file system knows of no
 * holes the file is one run.  What the kernel does not copy goes through a buffer.  Nothing is
 * written between the runs, so holes become holes.  For link_ladder's copies.
 */

#define BUFFER_NBYTES ((size_t)1 << 20) /* few calls for a large file, and little memory */

bool file_reflink(int from, int to) {
	return ioctl(to, FICLONE, from) == 0;
}

/* Copy from ${at} up to ${end} through a buffer; EIO when the file ends before that. */
static int copy_buffered(int from, int to, off_t at, off_t end, struct error *err) {
	char *buf = malloc(BUFFER_NBYTES);
	int r = TARN_OK;
	ssize_t n;

	if (buf == NULL)
		return err_nomem(err);
	while (at < end) {
		size_t want = end - at < (off_t)BUFFER_NBYTES ? (size_t)(end - at) : BUFFER_NBYTES;

		n = pread(from, buf, want, at);
		if (n < 0 && errno == EINTR)
			continue;
		r = n > 0 ? write_at(to, buf, (size_t)n, at, err) :
		            err_set(err, TARN_ESYSTEM, n < 0 ? errno : EIO, "Cannot read");
		if (r != TARN_OK)
			break;
		at += n;
	}
	free(buf);
	return r;
}

/*
 * copy_file_range() shares blocks where the file system can, so it is not for --links=copy.  When
 * it stops, for whatever reason, the buffer goes on from there and meets the reason again, if it is
 * one that matters: EXDEV and ENOSYS do not, ENOSPC does.
 */
static int copy_run(int from, int to, off_t at, off_t end, bool may_share, struct error *err) {
	off_t in = at, out = at;

	while (may_share && in < end &&
	    copy_file_range(from, &in, to, &out, (size_t)(end - in), 0) > 0)
		continue;
	return in < end ? copy_buffered(from, to, in, end, err) : TARN_OK;
}

int file_copy(int from, int to, const struct stat *st, bool may_share, struct error *err) {
	off_t data, hole = 0;

	while (hole < st->st_size) {
		data = lseek(from, hole, SEEK_DATA);
		if (data < 0 && errno == ENXIO) {
			/* A hole at the end: only its length is left to be set. */
			if (ftruncate(to, st->st_size) != 0)
				return err_set(err, TARN_ESYSTEM, errno, "Cannot extend");
			break;
		}
		/* EINVAL: the file system cannot tell data from holes. */
		if (data < 0)
			data = hole;
		hole = lseek(from, data, SEEK_HOLE);
		/* What was added to the file since ${st} is left out. */
		if (hole <= data || hole > st->st_size)
			hole = st->st_size;
		if (data < hole && copy_run(from, to, data, hole, may_share, err) != TARN_OK)
			return (int)err->code;
	}
	return TARN_OK;
}
