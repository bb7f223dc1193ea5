#ifndef TARN_CODEC_ZSTD_FRAME_H
#define TARN_CODEC_ZSTD_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Skippable frames of tarn's own, and that of the seek table (zstd_seekable_compression_format.md).
 */
#define ZSTD_MAGIC_ATTACHED 0x184D2A5AU
#define ZSTD_MAGIC_HIDDEN 0x184D2A5BU
#define ZSTD_MAGIC_SEEK_TABLE 0x184D2A5EU
/* What a skippable frame begins with: magic number and size. */
#define ZSTD_SKIPPABLE_HEADER_NBYTES 8

/*
 * Where a zstd frame ends, found from the headers of frame and blocks (RFC 8878) without decoding
 * anything.  Bytes are walked over as they come, in parts of any size.
 */

enum zstd_frame_state {
	ZSTD_FRAME_OPEN, /* more bytes belong to it */
	ZSTD_FRAME_WHOLE,
	ZSTD_FRAME_BAD /* not a frame: the decoder knows why */
};

struct zstd_frame {
	enum zstd_frame_state state;
	bool is_skippable; /* said by the first 8 bytes */
	/* Of what comes out: as the header says, or ZSTD_CONTENTSIZE_UNKNOWN; */
	unsigned long long content_nbytes;
	uint64_t bound; /* what the blocks up to here can give at most */
	/* private: */
	enum { ZSTD_AT_MAGIC, ZSTD_AT_HEADER, ZSTD_AT_BLOCK, ZSTD_AT_END } at;
	uint64_t pass; /* bytes that follow and are none of a header */
	bool has_checksum;
	unsigned char head[18]; /* the header that is being gathered */
	size_t nhead, head_nbytes;
};

void zstd_frame_begin(struct zstd_frame *frame);

/** Walk over what belongs to the frame; returns how many of the ${nbytes} that was. */
size_t zstd_frame_walk(struct zstd_frame *frame, const unsigned char *data, size_t nbytes);

/** How many bytes follow that need not be looked at; the next walk begins behind them. */
uint64_t zstd_frame_pass(struct zstd_frame *frame);

static inline uint32_t zstd_get32(const unsigned char *p) {
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void zstd_put32(unsigned char *p, uint32_t value) {
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(value >> (8 * i));
}

#endif
