#include "config.h"

#include "codec_xz_index.h"

#include <errno.h>
#include <sys/stat.h>

#include "codec_input.h"

/*
 * liblzma reads the indexes, from the last stream to the first, and says where it wants to read.
 */

/* Some 16 bytes a block: that of a file of petabytes in blocks of usual size. */
#define MEMORY_NBYTES ((uint64_t)1024 * 1024 * 1024)

static int load(lzma_stream *stream, int fd, off_t base, off_t nbytes, struct error *err) {
	unsigned char buf[8192];
	off_t at = 0;
	lzma_ret r = LZMA_OK;

	while (r == LZMA_OK || r == LZMA_SEEK_NEEDED) {
		if (r == LZMA_SEEK_NEEDED) {
			at = (off_t)stream->seek_pos;
			stream->avail_in = 0;
		}
		if (stream->avail_in == 0) {
			size_t n =
			    nbytes - at < (off_t)sizeof(buf) ? (size_t)(nbytes - at) : sizeof(buf);
			int got = codec_read_at(fd, buf, n, base + at, err);
			if (got != TARN_OK)
				return got == TARN_EFORMAT ? TARN_END : got;
			stream->next_in = buf;
			stream->avail_in = n;
			at += (off_t)n;
		}
		r = lzma_code(stream, LZMA_RUN);
	}
	if (r == LZMA_MEM_ERROR)
		return err_nomem(err);
	return r == LZMA_STREAM_END ? TARN_OK : TARN_END;
}

int xz_index_load(lzma_index **index, int fd, off_t base, struct error *err) {
	lzma_stream stream = LZMA_STREAM_INIT;
	struct stat st;
	int r;

	*index = NULL;
	if (fstat(fd, &st) != 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot stat");
	if (st.st_size <= base)
		return TARN_END;
	if (lzma_file_info_decoder(&stream, index, MEMORY_NBYTES, (uint64_t)(st.st_size - base)) !=
	    LZMA_OK)
		return err_nomem(err);
	r = load(&stream, fd, base, st.st_size - base, err);
	lzma_end(&stream);
	return r;
}
