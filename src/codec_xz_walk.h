#ifndef TARN_CODEC_XZ_WALK_H
#define TARN_CODEC_XZ_WALK_H

#include <lzma.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/*
 * The frame of an .xz file (xz-file-format): streams with their headers, indexes, footers and the
 * padding between them.  Everything that is not a block is read and verified here; blocks are for
 * whoever walks.
 */

enum xz_place {
	XZ_BEFORE_STREAM, /* the file may end here, unless bytes were gathered */
	XZ_BEFORE_BLOCK,  /* or before the index */
	XZ_IN_BLOCK,      /* behind its header, which is in head and block */
	XZ_IN_INDEX,
	XZ_IN_FOOTER
};

struct xz_walk {
	enum xz_place place;
	lzma_stream_flags flags; /* of the stream */
	lzma_index_hash *hash;   /* of its blocks; */
	lzma_vli index_left; /* or bytes of an index that is passed over: it was verified before */
	lzma_block block;
	lzma_filter filters[LZMA_FILTERS_MAX + 1]; /* those of block, or an empty list */
	bool is_behind_stream;                     /* so that padding may follow */
	bool is_unverified;                        /* a stream had a check that is not known */
	unsigned char head[LZMA_BLOCK_HEADER_SIZE_MAX];
	size_t nhead; /* bytes gathered there */
};

/** TARN_ENOMEM.  Can be given to xz_walk_fini in every case. */
int xz_walk_init(struct xz_walk *walk, struct error *err);

/** Begin at the block that ${block} is at, instead of at the file's beginning.  Any index: O(1). */
int xz_walk_init_at(struct xz_walk *walk, const lzma_index_iter *block, struct error *err);

void xz_walk_fini(struct xz_walk *walk);

/**
 * Move *${in} up to the next block's data, or to the end of the input.  TARN_EFORMAT for what is
 * none of the format, or does not agree with the blocks.
 */
int xz_walk(struct xz_walk *walk, const unsigned char **in, size_t *nbytes, struct error *err);

/** The data of the block ended, and it had these sizes (as in an index). */
int xz_walk_end_block(
    struct xz_walk *walk, lzma_vli unpadded_nbytes, lzma_vli plain_nbytes, struct error *err);

/**
 * The input ends.  TARN_END; TARN_EFORMAT where no file may end, and where a stream had a check
 * that liblzma does not know: its blocks were decoded, but nobody can tell whether they are right.
 */
int xz_walk_end(const struct xz_walk *walk, struct error *err);

/**
 * Say what a code of liblzma means for data that is called ${format}; ${memory_nbytes} would have
 * been needed.
 */
int liblzma_error(const char *format, lzma_ret r, uint64_t memory_nbytes, struct error *err);
/** The same for "xz". */
int xz_error(lzma_ret r, uint64_t memory_nbytes, struct error *err);

/* xz -9 needs 65 MiB; a header that asks for more than this is not served. */
#define XZ_MEMORY_NBYTES ((uint64_t)1024 * 1024 * 1024)

#endif
