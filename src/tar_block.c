#include "config.h"

#include "tar_block.h"

#include <assert.h>
#include <string.h>

/*
 * Fields as GNU tar writes them: octal digits, padded with zeros, and a NUL; the checksum is
 * followed by a NUL and a space.  POSIX leaves the choice between NUL and space.
 *
 * What has to be decided, whether a value fits and what becomes of one that does not, is
 * tar_header's affair; here are only the bytes.
 */

static_assert(sizeof(struct tar_block) == TAR_BLOCK_NBYTES, "a header is one block");
static_assert(sizeof(struct sparse_block) == TAR_BLOCK_NBYTES, "a part of a map is one block");

/* One byte of the field is the NUL. */
uint64_t tar_max_octal(size_t nbytes) {
	return (UINT64_C(1) << (3 * (nbytes - 1))) - 1;
}

/* The first byte is the mark, 0x80 or 0xff; the others have all 64 bits in a field of 12. */
uint64_t tar_max_base256(size_t nbytes) {
	return nbytes > 8 ? UINT64_MAX : (UINT64_C(1) << (8 * (nbytes - 1))) - 1;
}

void tar_put_octal(char *at, size_t nbytes, uint64_t value) {
	at[nbytes - 1] = '\0';
	for (size_t i = nbytes - 1; i-- > 0; value >>= 3)
		at[i] = (char)('0' + (value & 7));
}

void tar_put_base256(char *at, size_t nbytes, uint64_t value, bool negative) {
	/* A shift of an unsigned number brings in zeros: the sign has to be put back. */
	for (size_t i = nbytes; i-- > 1;) {
		at[i] = (char)(value & 0xff);
		value = value >> 8 | (negative ? UINT64_C(0xff) << 56 : 0);
	}
	at[0] = (char)(negative ? 0xff : 0x80);
}

void tar_put_size(char at[12], off_t value) {
	if ((uint64_t)value <= tar_max_octal(12))
		tar_put_octal(at, 12, (uint64_t)value);
	else
		tar_put_base256(at, 12, (uint64_t)value, false);
}

size_t tar_put_map(
    struct sparse_field *fields, size_t n, const struct extent *extents, size_t nextents) {
	size_t i;

	for (i = 0; i < n && i < nextents; i++) {
		tar_put_size(fields[i].offset, extents[i].offset);
		tar_put_size(fields[i].nbytes, extents[i].nbytes);
	}
	return i;
}

uint64_t tar_padded(uint64_t nbytes) {
	return (nbytes + TAR_BLOCK_NBYTES - 1) / TAR_BLOCK_NBYTES * TAR_BLOCK_NBYTES;
}

/*
 * Eight bytes at a time: those at odd and at even places in lanes of 16 bits.  A lane gets two
 * bytes from each of 64 words, 32,640 at most, so that none runs over into the next.
 */
unsigned int tar_block_sum(const struct tar_block *block) {
	const uint64_t low = UINT64_C(0x00ff00ff00ff00ff);
	uint64_t sums = 0, word;
	unsigned int sum;

	for (size_t i = 0; i < sizeof(*block); i += sizeof(word)) {
		memcpy(&word, (const char *)block + i, sizeof(word));
		sums += (word & low) + (word >> 8 & low);
	}
	sum = (unsigned int)((sums & 0xffff) + (sums >> 16 & 0xffff) + (sums >> 32 & 0xffff) +
	    (sums >> 48));
	/* Takes the byte away that was added: unsigned, it comes out right whatever is larger. */
	for (size_t i = 0; i < sizeof(block->checksum); i++)
		sum += ' ' - (unsigned int)(unsigned char)block->checksum[i];
	return sum;
}

void tar_block_finish(struct tar_block *block, enum format format) {
	/* v7 has no magic: the block is zero there. */
	if (format != FORMAT_V7)
		memcpy(block->magic, format == FORMAT_GNU ? TAR_MAGIC_GNU : TAR_MAGIC_USTAR,
		    sizeof(block->magic));
	/* Its NUL is the last but one byte: six digits are enough for 512 * 255. */
	tar_put_octal(block->checksum, sizeof(block->checksum) - 1, tar_block_sum(block));
	block->checksum[sizeof(block->checksum) - 1] = ' ';
}
