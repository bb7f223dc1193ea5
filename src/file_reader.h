#ifndef TARN_FILE_READER_H
#define TARN_FILE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "entry.h"
#include "error.h"
#include "source.h"

/*
 * Reading the content of one regular file after the other, in blocks, with its holes.  Embed it,
 * reuse it; start with FILE_READER_INIT.
 */
struct file_reader {
	int fd;     /* -1: no file */
	off_t size; /* bytes to hand out: what the header promises */
	off_t at;   /* what was handed out, holes included */
	char *buf;
	struct extent *extents;
	size_t nextents, extents_capacity;
	size_t extent; /* the one that is being read; only with is_sparse */
	bool is_sparse;
};
#define FILE_READER_INIT \
	{ .fd = -1 }

/** Take over ${fd} and begin with its content of ${size} bytes. */
int file_reader_begin(struct file_reader *reader, int fd, off_t size, struct error *err);

/**
 * Find the holes of the file; read() then leaves them out.  A file system that cannot say has none:
 * then there are no extents either.  TARN_OK or TARN_ENOMEM.
 */
int file_reader_find_holes(struct file_reader *reader, struct error *err);

/**
 * The next block, as source.h says.  TARN_END comes early when the file is shorter by now:
 * reader->at tells where.  TARN_ESYSTEM when it cannot be read.
 */
int file_reader_read(struct file_reader *reader, struct block *block, struct error *err);

/** Close the file; NULL, or what was at its descriptor last is put into *${st}. */
void file_reader_end(struct file_reader *reader, struct stat *st);

void file_reader_fini(struct file_reader *reader);

#endif
