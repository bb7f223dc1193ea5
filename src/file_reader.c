#include "config.h"

#include "file_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "bytes.h"

/*
 * pread into one buffer that lives as long as the reader.  A sparse file is a list of runs that is
 * made once, before its header is written, so that header and content cannot disagree.  The same
 * goes for the size: what is appended to the file after its header is not read.
 *
 * pread rather than read, because looking for holes moves the offset of the descriptor.
 */

/* As large as the blocks that source_ahead.c makes its chunks for. */
#define BUFFER_NBYTES ((size_t)256 << 10)

int file_reader_begin(struct file_reader *reader, int fd, off_t size, struct error *err) {
	reader->fd = fd;
	reader->size = size;
	reader->at = 0;
	reader->is_sparse = false;
	reader->nextents = reader->extent = 0;
	/* Not before there is a file: a run that only meets links and empty files needs none. */
	if (reader->buf == NULL && (reader->buf = malloc(BUFFER_NBYTES)) == NULL)
		return err_nomem(err);
	return TARN_OK;
}

static int add_extent(struct file_reader *reader, off_t offset, off_t nbytes, struct error *err) {
	int r = array_reserve((void **)&reader->extents, &reader->extents_capacity,
	    reader->nextents + 1, sizeof(*reader->extents), err);

	if (r != TARN_OK)
		return r;
	reader->extents[reader->nextents++] = (struct extent){ offset, nbytes };
	return TARN_OK;
}

int file_reader_find_holes(struct file_reader *reader, struct error *err) {
	off_t data, hole = 0;

	while (hole < reader->size) {
		/*
		 * ENXIO: there is no data behind ${hole}.  Any other error: this cannot be asked
		 * here, and all of the file counts as data.
		 */
		data = lseek(reader->fd, hole, SEEK_DATA);
		if (data < 0 && errno != ENXIO) {
			reader->nextents = 0;
			return TARN_OK;
		}
		if (data < 0 || data >= reader->size)
			break;
		/*
		 * The file may have changed since: runs stay inside of the size that was read, and
		 * a hole that was made right here is read as the zeros that it is.
		 */
		hole = lseek(reader->fd, data, SEEK_HOLE);
		if (hole <= data || hole > reader->size)
			hole = reader->size;
		if (add_extent(reader, data, hole - data, err) != TARN_OK)
			return (int)err->code;
	}
	/* One run of the whole size is a plain file; no run at all is one hole. */
	reader->is_sparse = reader->nextents != 1 || reader->extents[0].nbytes < reader->size;
	return TARN_OK;
}

/*
 * Move reader->at to where the next block begins, over a hole if there is one, and return where its
 * run of data ends.  Behind the last run both are the size, so that the reader has read it all.
 */
static off_t run_end(struct file_reader *reader) {
	const struct extent *x;

	if (!reader->is_sparse)
		return reader->size;
	while (reader->extent < reader->nextents) {
		x = &reader->extents[reader->extent];
		if (reader->at < x->offset)
			reader->at = x->offset;
		if (reader->at < x->offset + x->nbytes)
			return x->offset + x->nbytes;
		reader->extent++;
	}
	reader->at = reader->size;
	return reader->size;
}

int file_reader_read(struct file_reader *reader, struct block *block, struct error *err) {
	off_t left = run_end(reader) - reader->at;
	ssize_t n;

	if (left <= 0)
		return TARN_END;
	do {
		n = pread(reader->fd, reader->buf,
		    left < (off_t)BUFFER_NBYTES ? (size_t)left : BUFFER_NBYTES, reader->at);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(
		    err, TARN_ESYSTEM, errno, "Read error at byte %jd", (intmax_t)reader->at);
	/* The file was truncated: reader->at stays below the size, by which the caller knows. */
	if (n == 0)
		return TARN_END;
	*block = (struct block){ reader->buf, (size_t)n, reader->at };
	reader->at += n;
	return TARN_OK;
}

void file_reader_end(struct file_reader *reader, struct stat *st) {
	/* All zero is a state that no file has that was read: it counts as changed. */
	if (st != NULL && fstat(reader->fd, st) != 0)
		*st = (struct stat){ 0 };
	if (reader->fd >= 0)
		close(reader->fd);
	reader->fd = -1;
}

void file_reader_fini(struct file_reader *reader) {
	file_reader_end(reader, NULL);
	free(reader->buf);
	free(reader->extents);
	*reader = (struct file_reader)FILE_READER_INIT;
}
