#ifndef TARN_CODEC_DECODER_H
#define TARN_CODEC_DECODER_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

/*
 * The decompressors that are driven without libarchive, as its own do not verify every checksum,
 * and drop what they had decoded when they meet damage.  Whole files are decoded: all the streams,
 * members or frames that are in them one behind the other.
 */

/* Bytes to decode and room for what comes out; decode() moves on both. */
struct decoder_io {
	const unsigned char *in;
	size_t in_nbytes;
	bool in_ends; /* nothing follows ${in} */
	unsigned char *out;
	size_t out_nbytes;
};

/* A piece of a file that is decoded by itself, beside others.  All zero is an empty one. */
struct packed_piece {
	unsigned char *in;
	size_t in_nbytes, in_capacity;
	bool is_whole; /* nothing more is to be gathered: */
	unsigned char *out;
	/*
	 * Before it is unpacked: how much may come out; then: how much did.  And the room for it.
	 */
	size_t out_nbytes, out_capacity;
	int check; /* xz: what stands in the stream's header */
};

/*
 * Larger ones, before or after decoding, and all that is behind one, are decoded in a row, without
 * being held in memory.
 */
#define DECODER_PIECE_NBYTES_MAX ((size_t)64 << 20)

struct decoder {
	/**
	 * Decode some.  Without input it is called only when that ends; ${out} always has room.
	 *
	 * Returns TARN_OK after input was consumed or output made; TARN_END behind the last
	 * stream; TARN_EFORMAT for damage and for input that ends too early; TARN_ENOMEM.  Output
	 * made before an error is good.
	 */
	int (*decode)(struct decoder *decoder, struct decoder_io *io, struct error *err);
	/**
	 * Instead: take input into ${piece}, which at first is empty but for its memory.  NULL
	 * where there are no pieces.
	 *
	 * Returns TARN_OK when ${piece} is whole, else the input was used up; TARN_END at the end,
	 * and when what comes now is no piece: decode() then goes on with that, and gather() is
	 * not called any more.  Errors are those of decode(), but for data that is in a piece.
	 */
	int (*gather)(struct decoder *decoder, struct decoder_io *io, struct packed_piece *piece,
	    struct error *err);
	/**
	 * Decode what was gathered, in any thread.  out_nbytes becomes what was good: all of it, or
	 * with an error what there is of a piece that was cut short.  Of one that is damaged,
	 * nothing: no byte is handed out whose checksum is known to be wrong.
	 */
	int (*unpack)(struct packed_piece *piece, struct error *err);
	void (*free)(struct decoder *decoder);
};

/** Append to what was gathered.  TARN_ENOMEM. */
int packed_piece_add(
    struct packed_piece *piece, const void *data, size_t nbytes, struct error *err);

/** gzip: members, and zeros behind the last, as tapes have them. */
int decoder_gzip_new(struct decoder **decoder, struct error *err);
/** lzma. */
int decoder_lzma_new(struct decoder **decoder, struct error *err);
/** lzip: members, and whatever else behind the last. */
int decoder_lzip_new(struct decoder **decoder, struct error *err);
/** xz. */
int decoder_xz_new(struct decoder **decoder, struct error *err);
/** zstd: frames, skippable ones included. */
int decoder_zstd_new(struct decoder **decoder, struct error *err);

/** The error for input that ends in the middle of a stream. */
int decoder_truncated(struct error *err);

#endif
