#ifndef TARN_CODEC_ZSTD_TABLE_H
#define TARN_CODEC_ZSTD_TABLE_H

#include <stddef.h>
#include <sys/types.h>

#include "error.h"

/*
 * Where each frame of a zstd file is, as the seek table at its end says it
 * (zstd_seekable_compression_format.md).  All zero is one of no frames.
 */
struct zstd_table {
	struct zstd_frame_place {
		off_t at;       /* in the compressed file */
		off_t plain_at; /* of what comes out; skippable frames give nothing */
	} * frames;
	size_t n, capacity;
	off_t nbytes, plain_nbytes; /* of all the frames: where the next one would be */
};

/** One more frame behind the last.  TARN_ENOMEM. */
int zstd_table_add(struct zstd_table *table, off_t nbytes, off_t plain_nbytes, struct error *err);

/** The frame that byte ${plain_at} comes out of; the number of frames if it is none's. */
size_t zstd_table_find(const struct zstd_table *table, off_t plain_at);

/**
 * Read the table of the file ${fd}, of which what lies before ${base} is not looked at; that is
 * where the table's offsets begin.  A file without a table, or with one that is not of this file
 * (others lie before it), is looked through frame by frame.  The file position stays.
 *
 * Returns TARN_OK; TARN_END when there is no table and a frame does not say how large its content
 * is; TARN_ESYSTEM, TARN_ENOMEM, and TARN_EFORMAT when the file becomes shorter meanwhile.
 * ${table} is to be freed in every case.
 */
int zstd_table_load(struct zstd_table *table, int fd, off_t base, struct error *err);

/**
 * Compare what was loaded with the headers of the frames from the one on that has the plain byte
 * ${from}, one read for each.  Where they do not say the same, ${table} becomes what the file has
 * when it is looked through.  Returns as zstd_table_load.
 */
int zstd_table_check(struct zstd_table *table, off_t from, int fd, off_t base, struct error *err);

/** Add the first ${n} frames of ${from} to the empty ${table}.  TARN_ENOMEM. */
int zstd_table_copy(
    struct zstd_table *table, const struct zstd_table *from, size_t n, struct error *err);

/** The sizes of frame ${n}, and of what comes out of it. */
void zstd_table_sizes(const struct zstd_table *table, size_t n, off_t *nbytes, off_t *plain_nbytes);

/**
 * Make the skippable frame that has the table: *${data} is malloc'ed.  NULL, and no bytes, where a
 * frame is larger than the format has room for; the table is something that a file can do without.
 */
int zstd_table_encode(
    const struct zstd_table *table, unsigned char **data, size_t *nbytes, struct error *err);

void zstd_table_fini(struct zstd_table *table);

#endif
