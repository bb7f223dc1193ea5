#ifndef TARN_CODEC_H
#define TARN_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "error.h"
#include "options.h"

/*
 * The byte streams below the members: compression on the way out, decompression, recognised by
 * content, on the way in.  Callers hand over and get plain tar bytes; pieces, threads and seeking
 * are this layer's affair.
 */

struct codec_settings {
	enum compression compression; /* COMPRESSION_NONE for plain */
	const char *program;          /* for COMPRESSION_PROGRAM: command with its arguments */
	unsigned int nthreads;        /* 0: as many as cores */
};

/** The compression that the suffix of ${filename} stands for (.tar.zst, .tgz, …), else NONE. */
enum compression codec_of_suffix(const char *filename);

struct codec_writer;

/**
 * Write to the descriptor ${fd} (borrowed).  Errors of ${fd} come out of write and finish; after
 * one, the writer can only be freed.
 */
int codec_writer_new(
    struct codec_writer **writer, const struct codec_settings *settings, int fd, struct error *err);
/**
 * Let the first ${nbytes} go to ${held} instead of the descriptor, which skips them.  To be called
 * before anything is written, to a file.
 */
void codec_writer_hold_back(struct codec_writer *writer, unsigned char *held, size_t nbytes);
int codec_write(struct codec_writer *writer, const void *data, size_t nbytes, struct error *err);
/**
 * Write what is still held back and the stream's end.  A program is waited for, and a status that
 * is not 0 is TARN_EFORMAT.  When no byte was written, the file may be left empty.
 */
int codec_writer_finish(struct codec_writer *writer, struct error *err);
/** Bytes written to ${fd} so far; 0 where a program writes them. */
off_t codec_writer_nbytes(const struct codec_writer *writer);
/** Free; what was not finished is left without an end, and a program is ended. */
void codec_writer_free(struct codec_writer *writer);

struct codec_reader;

/**
 * Read from the descriptor ${fd} (borrowed), which may be a pipe.  The compression is found from
 * the content, which never makes a program run; ${settings} only matters for COMPRESSION_PROGRAM,
 * which is run with -d.  One layer of compression is taken off, not what may lie below it.
 */
int codec_reader_new(
    struct codec_reader **reader, const struct codec_settings *settings, int fd, struct error *err);
/**
 * The next bytes: *${data} is borrowed until the next call.  TARN_END at the end; TARN_EFORMAT for
 * damage (a bad checksum, a stream that stops short) after what was good before it, TARN_ESYSTEM.
 * What was returned at the end, or for damage, is returned again.
 */
int codec_read(struct codec_reader *reader, const void **data, size_t *nbytes, struct error *err);
/**
 * Skip at most ${nbytes} where that is cheaper than reading; returns how many were skipped, 0 if
 * none.  The end of a plain file is never skipped over, so that reading meets it.
 */
off_t codec_skip(struct codec_reader *reader, off_t nbytes);
/** True when the bytes of ${fd} are the tar stream itself. */
bool codec_reader_is_plain(const struct codec_reader *reader);
/** Read to the end, so that the checksums there are verified. */
int codec_drain(struct codec_reader *reader, struct error *err);
void codec_reader_free(struct codec_reader *reader);

#endif
