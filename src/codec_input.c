#include "config.h"

#include "codec_input.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * One buffer, filled by one read() at a time and handed out whole.  Only the look at the beginning
 * reads more than once into it, as a pipe may give its first bytes one by one.
 */

/* Large enough that system calls do not count, small enough to stay in the processor's cache. */
#define INPUT_NBYTES ((size_t)256 * 1024)

int codec_input_init(struct codec_input *input, int fd, struct error *err) {
	*input = (struct codec_input){ .fd = fd };
	input->buf = malloc(INPUT_NBYTES);
	return input->buf != NULL ? TARN_OK : err_nomem(err);
}

void codec_input_fini(struct codec_input *input) {
	free(input->buf);
	*input = (struct codec_input){ .fd = -1 };
}

/* Read once, behind the unread bytes. */
static int read_more(struct codec_input *input, struct error *err) {
	ssize_t n;

	do {
		n = read(input->fd, input->buf + input->end, INPUT_NBYTES - input->end);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		return err_set(err, TARN_ESYSTEM, errno, "Cannot read");
	}
	input->end += (size_t)n;
	input->at_end = n == 0;
	return TARN_OK;
}

int codec_input_peek(struct codec_input *input, size_t nbytes, struct error *err) {
	int r = TARN_OK;

	while (r == TARN_OK && !input->at_end && input->end - input->begin < nbytes) {
		r = read_more(input, err);
	}
	return r;
}

int codec_input_fill(struct codec_input *input, struct error *err) {
	if (input->begin == input->end && !input->at_end) {
		input->begin = 0;
		input->end = 0;
		int r = read_more(input, err);
		if (r != TARN_OK) {
			return r;
		}
	}
	return input->begin < input->end ? TARN_OK : TARN_END;
}

int codec_input_take(
    struct codec_input *input, const void **data, size_t *nbytes, struct error *err) {
	int r = codec_input_fill(input, err);

	if (r == TARN_OK) {
		*data = input->buf + input->begin;
		*nbytes = input->end - input->begin;
		input->begin = input->end;
	}
	return r;
}

off_t codec_input_skip(struct codec_input *input, off_t nbytes) {
	size_t unread = input->end - input->begin;
	off_t position, left;
	struct stat st;

	/* What a single read() brings is not worth three other calls. */
	if (nbytes < (off_t)(unread + INPUT_NBYTES) || fstat(input->fd, &st) != 0 ||
	    !S_ISREG(st.st_mode)) {
		return 0;
	}
	position = lseek(input->fd, 0, SEEK_CUR);
	left = nbytes - (off_t)unread;
	if (position < 0 || position >= st.st_size) {
		return 0;
	}
	if (left > st.st_size - position) {
		left = st.st_size - position;
	}
	if (lseek(input->fd, left, SEEK_CUR) < 0) {
		return 0;
	}
	input->begin = input->end;
	return (off_t)unread + left;
}
