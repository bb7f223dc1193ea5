#include "config.h"

#include "read_at.h"

#include <errno.h>
#include <unistd.h>

/* What write_at.c is for reading: pread() may give less than there is. */

int read_at(int fd, void *data, size_t nbytes, off_t at, struct error *err) {
	unsigned char *next = data;

	while (nbytes > 0) {
		ssize_t n = pread(fd, next, nbytes, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, TARN_ESYSTEM, errno, "Cannot read");
		if (n == 0)
			return err_set(err, TARN_EFORMAT, 0, "Unexpected end of the file");
		next += n;
		nbytes -= (size_t)n;
		at += n;
	}
	return TARN_OK;
}
