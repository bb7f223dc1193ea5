#ifndef TARN_INDEX_CHUNK_H
#define TARN_INDEX_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "bytes.h"
#include "entry.h"
#include "error.h"

/*
 * A part of the member index: members in the order of the archive, one column a property,
 * compressed as one zstd frame (index_frame.h).  A chunk can be read without any other, and is large
 * enough for several snapshots of a tree, which have their names in common.  It takes up to 8 MiB
 * of memory, three times that when it is closed.  tarn(5) has the format.
 */

#define INDEX_CHUNK_NMEMBERS (1 << 18)
#define INDEX_NAME_NBYTES 65536 /* a longer name, or target, cannot be indexed */

enum index_column {
	COLUMN_KIND,     /* a byte a member: KIND_… */
	COLUMN_OFFSET,   /* of the header, less that of the member before */
	COLUMN_NAME,     /* bytes shared with the name before, bytes that follow */
	COLUMN_TEXT,     /* these */
	COLUMN_TARGET,   /* of links: bytes of the name that are replaced, and by how many */
	COLUMN_LINK,     /* these */
	COLUMN_OWNER,    /* where it is not that of the member before: uid, gid, names ended by 0 */
	COLUMN_MODE,     /* 07777 */
	COLUMN_SIZE,     /* of files */
	COLUMN_MTIME,    /* seconds */
	COLUMN_FRACTION, /* nanoseconds */
	COLUMN_DEVICE,   /* of devices: major, minor */
	COLUMN_SYSTEM,   /* of inodes: device, less the one before */
	COLUMN_INODE,    /* less the one before */
	COLUMN_BIRTH,    /* seconds, less those before */
	COLUMN_INSTANT,  /* nanoseconds of it */
	COLUMN_CHANGE,   /* seconds of the inode's mtime, less the member's */
	COLUMN_MOMENT,   /* nanoseconds, less the member's */
	COLUMN_STATE,    /* checksum of its attributes */
	INDEX_NCOLUMNS
};

/* What each member is told from: the one before it. */
struct index_state {
	struct bytes name, link, owner;
	off_t offset;
	struct identity identity;
};

/** Puts entries into columns.  All zero is an empty one, which can be used again and again. */
struct index_chunk_writer {
	struct bytes columns[INDEX_NCOLUMNS];
	size_t nmembers;
	struct index_state before;
};

/**
 * Add ${e}, whose header begins at ${offset}, behind that of the member before.
 * Returns TARN_OK, TARN_ENOMEM, or TARN_EREFUSED for what an index cannot hold.
 */
int index_chunk_add(
    struct index_chunk_writer *w, const struct entry *e, off_t offset, struct error *err);
bool index_chunk_is_full(const struct index_chunk_writer *w);
/**
 * Append the chunk to ${out} and begin a new one, also after a failure.  TARN_OK or TARN_ENOMEM.
 */
int index_chunk_close(struct index_chunk_writer *w, struct bytes *out, struct error *err);
void index_chunk_writer_fini(struct index_chunk_writer *w);

/** Takes entries out of chunks.  All zero has none, and can be used again and again. */
struct index_chunk_reader {
	struct bytes raw;
	struct cursor columns[INDEX_NCOLUMNS];
	struct index_state before;
};

/** Begin with the chunk in ${data}.  TARN_OK, TARN_EFORMAT or TARN_ENOMEM. */
int index_chunk_open(
    struct index_chunk_reader *r, const void *data, size_t nbytes, struct error *err);
/**
 * The next member: ${e}, borrowed until the next call, and *${offset}.  TARN_END behind the last;
 * TARN_EFORMAT: the chunk is malformed; TARN_ENOMEM.
 */
int index_chunk_next(
    struct index_chunk_reader *r, struct entry *e, off_t *offset, struct error *err);
void index_chunk_reader_fini(struct index_chunk_reader *r);

#endif
