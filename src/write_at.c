#include "config.h"

#include "write_at.h"

#include <errno.h>
#include <unistd.h>

/*
 * pwrite() may write less than it was given, and does so before it says that a disk is full or a
 * limit of size is reached: the next call says it.
 */

int write_at(int fd, const void *data, size_t nbytes, off_t at, struct error *err) {
	const char *next = data;

	while (nbytes > 0) {
		ssize_t n = pwrite(fd, next, nbytes, at);

		if (n < 0 && errno == EINTR)
			continue;
		/* A device that takes nothing and has no reason is full. */
		if (n <= 0)
			return err_set(err, TARN_ESYSTEM, n < 0 ? errno : ENOSPC, "Cannot write");
		next += n;
		nbytes -= (size_t)n;
		at += n;
	}
	return TARN_OK;
}
