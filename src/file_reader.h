#ifndef TARN_FILE_READER_H
#define TARN_FILE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "entry.h"
#include "error.h"
#include "report.h"
#include "source.h"

/*
 * Reading the content of one regular file after the other, in blocks, with its holes.  Embed it,
 * reuse it; start with FILE_READER_INIT.  What became of a file meanwhile is said to ${report}, borrowed.
 */
struct file_reader {
	struct report *report;
	struct open_file file;
	off_t at; /* what was handed out, holes included */
	char *buf;
	struct extent *extents;
	size_t nextents, extents_capacity;
	size_t extent; /* the one that is being read; only with is_sparse */
	bool is_sparse;
};
#define FILE_READER_INIT(to_report) \
	{ \
		.report = (to_report), .file = {.fd = -1 } \
	}

/** Take over ${file} and begin with its content. */
void file_reader_begin(struct file_reader *reader, const struct open_file *file);

/** Find the holes of the file; read() then leaves them out.  A file system that cannot say has none. */
int file_reader_find_holes(struct file_reader *reader, struct error *err);

/**
 * The next block, as source.h says.  TARN_END comes early when the file is shorter by now, which is said.
 * TARN_ESYSTEM when it cannot be read; TARN_ENOMEM.
 */
int file_reader_read(struct file_reader *reader, struct block *block, struct error *err);
/** The same into ${room}, which has ${capacity} bytes. */
int file_reader_read_to(struct file_reader *reader, void *room, size_t capacity,
    struct block *block, struct error *err);

/** Close the file, if there is one; say when it was changed while all of it was read. */
void file_reader_end(struct file_reader *reader);

void file_reader_fini(struct file_reader *reader);

#endif
