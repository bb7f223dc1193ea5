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

struct decoder {
	/**
	 * Decode some.  Without input it is called only when that ends; ${out} always has room.
	 *
	 * Returns TARN_OK after input was consumed or output made; TARN_END behind the last
	 * stream; TARN_EFORMAT for damage and for input that ends too early; TARN_ENOMEM.  Output
	 * made before an error is good.
	 */
	int (*decode)(struct decoder *decoder, struct decoder_io *io, struct error *err);
	void (*free)(struct decoder *decoder);
};

/** gzip: members, and zeros behind the last, as tapes have them. */
int decoder_gzip_new(struct decoder **decoder, struct error *err);
/** xz, lzma and lzip: which of them is found from the data. */
int decoder_xz_new(struct decoder **decoder, struct error *err);
/** zstd: frames, skippable ones included. */
int decoder_zstd_new(struct decoder **decoder, struct error *err);

/** The error for input that ends in the middle of a stream. */
int decoder_truncated(struct error *err);

#endif
