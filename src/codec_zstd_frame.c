#include "config.h"

#include "codec_zstd_frame.h"

#include <string.h>
#include <zstd.h>

/*
 * A frame is a header, blocks with a header of three bytes each, and maybe a checksum (RFC 8878,
 * 3.1.1); a skippable one is a header and what it says that follows (3.1.2).  Headers are gathered
 * byte by byte; what lies between them is passed over.
 *
 * libzstd has ZSTD_findFrameCompressedSize, but that wants the whole frame in memory.  Here the
 * frame may come from a pipe (codec_zstd.c), or be looked at in a file without reading what lies
 * between the headers (codec_zstd_table.c).
 *
 * Only what is needed to find the end is looked at: a frame that is WHOLE here may well be damaged.
 */

#define BLOCK_HEADER_NBYTES 3
#define CHECKSUM_NBYTES 4
/* Magic number and Frame_Header_Descriptor, which tells how long the header is. */
#define DESCRIPTOR_NBYTES 5

/* Block_Type (RFC 8878, 3.1.1.2.2). */
enum block_type { BLOCK_RAW, BLOCK_RLE, BLOCK_COMPRESSED, BLOCK_RESERVED };

void zstd_frame_begin(struct zstd_frame *frame) {
	*frame = (struct zstd_frame){
		.content_nbytes = ZSTD_CONTENTSIZE_UNKNOWN,
		.head_nbytes = DESCRIPTOR_NBYTES,
	};
}

/*
 * By the Frame_Header_Descriptor (RFC 8878, 3.1.1.1.1): 6 to 18 bytes, the magic number included.
 */
static size_t header_nbytes(unsigned char descriptor) {
	static const unsigned char dictionary_nbytes[4] = { 0, 1, 2, 4 };
	static const unsigned char content_size_nbytes[4] = { 0, 2, 4, 8 };
	bool is_single_segment = (descriptor & 0x20) != 0;
	size_t size_nbytes = content_size_nbytes[descriptor >> 6];

	/* Without a window the content's size is always there. */
	if (size_nbytes == 0 && is_single_segment)
		size_nbytes = 1;
	return DESCRIPTOR_NBYTES + (is_single_segment ? 0U : 1U) +
	    dictionary_nbytes[descriptor & 3] + size_nbytes;
}

/* The header goes on: what was gathered stays, and more is wanted. */
static void look_at_magic(struct zstd_frame *frame) {
	uint32_t magic = zstd_get32(frame->head);

	/* A skippable frame has at least 8 bytes, so that five of it can be waited for, too. */
	frame->at = ZSTD_AT_HEADER;
	frame->is_skippable = (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
	if (frame->is_skippable)
		frame->head_nbytes = ZSTD_SKIPPABLE_HEADER_NBYTES;
	else if (magic == ZSTD_MAGICNUMBER)
		frame->head_nbytes = header_nbytes(frame->head[4]);
	else
		frame->state = ZSTD_FRAME_BAD;
}

static void look_at_header(struct zstd_frame *frame) {
	if (frame->is_skippable) {
		frame->pass = zstd_get32(frame->head + 4);
		frame->at = ZSTD_AT_END;
		return;
	}
	frame->content_nbytes = ZSTD_getFrameContentSize(frame->head, frame->head_nbytes);
	if (frame->content_nbytes == ZSTD_CONTENTSIZE_ERROR)
		frame->state = ZSTD_FRAME_BAD;
	frame->has_checksum = (frame->head[4] & 4) != 0;
	frame->at = ZSTD_AT_BLOCK;
	frame->head_nbytes = BLOCK_HEADER_NBYTES;
	frame->nhead = 0;
}

static void look_at_block(struct zstd_frame *frame) {
	const unsigned char *head = frame->head;
	uint32_t bits = head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16;
	uint32_t nbytes = bits >> 3;
	enum block_type type = (enum block_type)(bits >> 1 & 3);

	frame->nhead = 0;
	/* A block that repeats one byte has nothing but that, and a size of what comes out. */
	if (type == BLOCK_RESERVED)
		frame->state = ZSTD_FRAME_BAD;
	frame->pass = type == BLOCK_RLE ? 1 : nbytes;
	/* How much comes out of a compressed one is not said, but is never more than this. */
	frame->bound += type == BLOCK_COMPRESSED ? ZSTD_BLOCKSIZE_MAX : nbytes;
	/* The last block.  It is passed over in one with the checksum. */
	if ((bits & 1) != 0) {
		frame->pass += frame->has_checksum ? CHECKSUM_NBYTES : 0;
		frame->at = ZSTD_AT_END;
	}
}

/* Gather one header, and see what it says once it is complete. */
static size_t gather(struct zstd_frame *frame, const unsigned char *data, size_t nbytes) {
	size_t wanted = frame->head_nbytes - frame->nhead;
	size_t n = nbytes < wanted ? nbytes : wanted;

	memcpy(frame->head + frame->nhead, data, n);
	frame->nhead += n;
	if (n < wanted)
		return n;
	switch (frame->at) {
	case ZSTD_AT_MAGIC:
		look_at_magic(frame);
		break;
	case ZSTD_AT_HEADER:
		look_at_header(frame);
		break;
	case ZSTD_AT_BLOCK:
		look_at_block(frame);
		break;
	case ZSTD_AT_END:
		break;
	}
	return n;
}

/* Also with nothing to pass: what ends with a header is whole then. */
static void pass(struct zstd_frame *frame, uint64_t nbytes) {
	frame->pass -= nbytes;
	if (frame->pass == 0 && frame->at == ZSTD_AT_END && frame->state == ZSTD_FRAME_OPEN)
		frame->state = ZSTD_FRAME_WHOLE;
}

size_t zstd_frame_walk(struct zstd_frame *frame, const unsigned char *data, size_t nbytes) {
	size_t done = 0;

	while (frame->state == ZSTD_FRAME_OPEN && done < nbytes) {
		size_t left = nbytes - done;
		size_t n = frame->pass < left ? (size_t)frame->pass : left;

		if (frame->pass == 0)
			done += gather(frame, data + done, left);
		done += n;
		pass(frame, n);
	}
	return done;
}

uint64_t zstd_frame_pass(struct zstd_frame *frame) {
	uint64_t nbytes = frame->pass;

	pass(frame, nbytes);
	return nbytes;
}
