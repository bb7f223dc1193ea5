#include "config.h"

#include "codec_input.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The descriptor below all readers.  One buffer, filled by one read() at a time and handed out
 * whole, so that what comes through a pipe is passed on when it is there.  Only the look at the
 * beginning reads more than once into the buffer, as a pipe may give its first bytes one by one.
 *
 * There is no lock: whoever decodes has the input to itself.  Only nread is looked at meanwhile, by
 * the thread that checks the ratio.  The file position is always behind the unread bytes, which
 * codec_input_skip and codec_input_find_place rely on.
 */

/* Large enough that system calls do not count, small enough to stay in the processor's cache. */
#define INPUT_NBYTES ((size_t)256 * 1024)

int codec_input_init(struct codec_input *input, int fd, struct error *err) {
	*input = (struct codec_input){ .fd = fd };
	input->next = input->buf = malloc(INPUT_NBYTES);
	return input->buf != NULL ? TARN_OK : err_nomem(err);
}

void codec_input_fini(struct codec_input *input) {
	free(input->buf);
	*input = (struct codec_input){ .fd = -1 };
}

/* Read once, behind the unread bytes; there must be room.  Nothing read is the end. */
static int read_more(struct codec_input *input, struct error *err) {
	size_t end = (size_t)(input->next - input->buf) + input->nbytes;
	ssize_t n;

	do {
		n = read(input->fd, input->buf + end, INPUT_NBYTES - end);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot read");
	input->nbytes += (size_t)n;
	input->nread += (uint64_t)n;
	input->at_end = n == 0;
	return TARN_OK;
}

int codec_input_peek(struct codec_input *input, size_t nbytes, struct error *err) {
	int r = TARN_OK;

	while (r == TARN_OK && !input->at_end && input->nbytes < nbytes)
		r = read_more(input, err);
	return r;
}

int codec_input_fill(struct codec_input *input, struct error *err) {
	/* Of a terminal or a growing file the end is not asked for twice. */
	if (input->nbytes == 0 && !input->at_end) {
		input->next = input->buf;
		int r = read_more(input, err);
		if (r != TARN_OK)
			return r;
	}
	return input->nbytes > 0 ? TARN_OK : TARN_END;
}

int codec_input_take(
    struct codec_input *input, const void **data, size_t *nbytes, struct error *err) {
	int r = codec_input_fill(input, err);

	if (r == TARN_OK) {
		*data = input->next;
		*nbytes = input->nbytes;
		input->next += input->nbytes;
		input->nbytes = 0;
	}
	return r;
}

off_t codec_input_skip(struct codec_input *input, off_t nbytes) {
	size_t unread = input->nbytes;
	off_t position, left;
	struct stat st;

	/* What a single read() brings is not worth three other calls. */
	if (nbytes < (off_t)(unread + INPUT_NBYTES) || fstat(input->fd, &st) != 0 ||
	    !S_ISREG(st.st_mode)) {
		return 0;
	}
	position = lseek(input->fd, 0, SEEK_CUR);
	left = nbytes - (off_t)unread;
	/* lseek() would go beyond the end, and a member that is cut short would look whole. */
	if (position < 0 || position >= st.st_size) {
		return 0;
	}
	if (left > st.st_size - position) {
		left = st.st_size - position;
	}
	if (lseek(input->fd, left, SEEK_CUR) < 0) {
		return 0;
	}
	input->nbytes = 0;
	return (off_t)unread + left;
}

/*
 * Is the byte at ${offset} in the page cache?  Of files that the user may not write to, mincore
 * says that all is: what others have read is nothing for it to tell.
 */
static bool is_cached(int fd, off_t offset) {
	off_t page_nbytes = sysconf(_SC_PAGESIZE);
	unsigned char is_in = 0;
	void *page = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, offset / page_nbytes * page_nbytes);

	if (page == MAP_FAILED)
		return false;
	if (mincore(page, 1, &is_in) != 0)
		is_in = 0;
	munmap(page, 1);
	return (is_in & 1) != 0;
}

/* The last byte speaks for all: those that were read first are the first to be forgotten. */
bool codec_input_find_place(
    const struct codec_input *input, size_t nback, off_t nbytes, off_t *offset) {
	off_t position = lseek(input->fd, 0, SEEK_CUR);
	struct stat st;

	if (position < 0 || fstat(input->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	*offset = position - (off_t)(input->nbytes + nback);
	/* A member that is cut short is not lent: reading it says so. */
	return nbytes <= st.st_size - *offset && is_cached(input->fd, *offset + nbytes - 1);
}

int codec_input_seek(struct codec_input *input, off_t position, struct error *err) {
	if (lseek(input->fd, position, SEEK_SET) < 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot seek");
	/* The next fill begins at the buffer's beginning, so that input->next need not be moved. */
	input->nbytes = 0;
	input->at_end = false;
	return TARN_OK;
}
