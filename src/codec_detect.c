#include "config.h"

#include "codec_detect.h"

#include <stdbool.h>
#include <string.h>

#include "codec.h"

/*
 * The first block of a file decides: a tar header is a plain archive whatever its first name looks
 * like (one that is called "BZh" would else be bzip2), else magic numbers tell.  What is neither is
 * taken for plain, too: cpio archives, and what is no archive at all, which is for the reader of
 * members to say.
 *
 * Suffixes never matter when reading; codec_of_suffix is for writing alone.
 */

const char *codec_name(enum compression compression) {
	static const char *const names[] = {
		[COMPRESSION_NONE] = "no compression",
		[COMPRESSION_GZIP] = "gzip",
		[COMPRESSION_BZIP2] = "bzip2",
		[COMPRESSION_XZ] = "xz",
		[COMPRESSION_LZMA] = "lzma",
		[COMPRESSION_LZIP] = "lzip",
		[COMPRESSION_LZ4] = "lz4",
		[COMPRESSION_ZSTD] = "zstd",
		[COMPRESSION_COMPRESS] = "compress",
		[COMPRESSION_PROGRAM] = "a program",
	};

	return names[compression];
}

enum compression codec_of_suffix(const char *filename) {
	/*
	 * Those of GNU tar's --auto-compress but lzo, and two for lz4.  Case matters, as it does
	 * there.
	 */
	static const struct {
		const char *suffix;
		enum compression compression;
	} suffixes[] = {
		{ "gz", COMPRESSION_GZIP },
		{ "tgz", COMPRESSION_GZIP },
		{ "taz", COMPRESSION_GZIP },
		{ "Z", COMPRESSION_COMPRESS },
		{ "taZ", COMPRESSION_COMPRESS },
		{ "bz2", COMPRESSION_BZIP2 },
		{ "tbz", COMPRESSION_BZIP2 },
		{ "tbz2", COMPRESSION_BZIP2 },
		{ "tz2", COMPRESSION_BZIP2 },
		{ "lz", COMPRESSION_LZIP },
		{ "lzma", COMPRESSION_LZMA },
		{ "tlz", COMPRESSION_LZMA },
		{ "xz", COMPRESSION_XZ },
		{ "txz", COMPRESSION_XZ },
		{ "zst", COMPRESSION_ZSTD },
		{ "tzst", COMPRESSION_ZSTD },
		{ "lz4", COMPRESSION_LZ4 },
		{ "tlz4", COMPRESSION_LZ4 },
	};
	const char *dot = strrchr(filename, '.');

	for (size_t i = 0; dot != NULL && i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (strcmp(dot + 1, suffixes[i].suffix) == 0) {
			return suffixes[i].compression;
		}
	}
	return COMPRESSION_NONE;
}

/* The number in the checksum field of a header: octal digits, maybe behind spaces; -1 for none. */
static long stored_checksum(const struct tar_block *block) {
	const char *field = block->checksum;
	long sum = -1;
	size_t i = 0;

	while (i < sizeof(block->checksum) && field[i] == ' ')
		i++;
	/* Eight octal digits at most: no overflow. */
	for (; i < sizeof(block->checksum) && field[i] >= '0' && field[i] <= '7'; i++)
		sum = (sum < 0 ? 0 : sum * 8) + (field[i] - '0');
	return sum;
}

/* True for a tar header of any kind: v7 has nothing but the checksum to be known by. */
static bool is_tar_header(const struct tar_block *block) {
	long stored = stored_checksum(block), sum = (long)tar_block_sum(block);
	struct tar_block rest = *block;

	if (stored == sum)
		return true;
	/* Some old tars summed up signed chars. */
	memset(rest.checksum, ' ', sizeof(rest.checksum));
	for (size_t i = 0; i < sizeof(rest); i++)
		sum -= ((const unsigned char *)&rest)[i] >= 0x80 ? 0x100 : 0;
	return stored >= 0 && stored == sum;
}

/*
 * .lzma has no magic.  Its header is a byte of properties (lc, lp and pb, below 9, 5 and 5), the
 * size of the dictionary and that of the content, which may be unknown.  As xz does, believe in no
 * others than encoders write: lc + lp up to 4, 2^n or 2^n + 2^(n-1), and less than 256 GiB.
 */
static bool is_lzma(const unsigned char *data, size_t nbytes) {
	uint32_t dictionary = 0, lowest;
	uint64_t size = 0;

	if (nbytes < 13 || data[0] >= 9 * 5 * 5 || data[0] % 9 + data[0] / 9 % 5 > 4)
		return false;
	for (int i = 4; i > 0; i--)
		dictionary = dictionary << 8 | data[i];
	for (int i = 12; i > 4; i--)
		size = size << 8 | data[i];
	lowest = dictionary & -dictionary; /* of its bits */
	return dictionary >= 4096 && (size == UINT64_MAX || size >> 38 == 0) &&
	    (dictionary == lowest || dictionary == lowest * 3 || dictionary == UINT32_MAX);
}

enum compression codec_detect(const unsigned char *data, size_t nbytes) {
	static const struct {
		const char *magic;
		size_t nbytes;
		enum compression compression;
	} magics[] = {
		/* None is the beginning of another: their order means nothing. */
		{ "\x1f\x8b", 2, COMPRESSION_GZIP },
		{ "\x1f\x9d", 2, COMPRESSION_COMPRESS },
		{ "BZh", 3, COMPRESSION_BZIP2 },
		{ "\3757zXZ\0", 6, COMPRESSION_XZ },
		{ "LZIP", 4, COMPRESSION_LZIP },
		/* The usual beginning, with a dictionary from 64 KiB up; see is_lzma. */
		{ "\x5d\0\0", 3, COMPRESSION_LZMA },
		{ "\x04\x22\x4d\x18", 4, COMPRESSION_LZ4 },
		{ "\x02\x21\x4c\x18", 4, COMPRESSION_LZ4 }, /* its legacy frames */
		{ "\x28\xb5\x2f\xfd", 4, COMPRESSION_ZSTD },
	};

	if (nbytes >= CODEC_DETECT_NBYTES && is_tar_header((const struct tar_block *)data))
		return COMPRESSION_NONE;
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (nbytes >= magics[i].nbytes &&
		    memcmp(data, magics[i].magic, magics[i].nbytes) == 0) {
			return magics[i].compression;
		}
	}
	if (is_lzma(data, nbytes))
		return COMPRESSION_LZMA;
	/* A skippable frame; lz4 has the same, but only zstd files are known to begin with one. */
	if (nbytes >= 4 && (data[0] & 0xf0) == 0x50 && memcmp(data + 1, "\x2a\x4d\x18", 3) == 0) {
		return COMPRESSION_ZSTD;
	}
	return COMPRESSION_NONE;
}
