#ifndef TARN_TAR_BLOCK_H
#define TARN_TAR_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entry.h"
#include "options.h"

/* The blocks that tar headers consist of, and the numbers in their fields. */

#define TAR_BLOCK_NBYTES 512

/* Magic and version, of POSIX and of GNU tar; the latter has a space and a NUL for the version. */
#define TAR_MAGIC_USTAR \
	"ustar\0" \
	"00"
#define TAR_MAGIC_GNU "ustar  "

/* A run in GNU tar's map of a sparse file. */
struct sparse_field {
	char offset[12];
	char nbytes[12];
};

#define TAR_BLOCK_NSPARSE 4

/* POSIX ustar; GNU tar's own format has something else in the place of the prefix. */
struct tar_block {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char checksum[8];
	char type;
	char link_name[100];
	char magic[8]; /* and version */
	char uname[32];
	char gname[32];
	char major[8];
	char minor[8];
	union {
		char prefix[155];
		struct {
			char unused[41];
			struct sparse_field sparse[TAR_BLOCK_NSPARSE];
			char is_extended; /* a struct sparse_block follows */
			char real_size[12];
		} gnu;
		char all[167];
	} end;
};

#define SPARSE_BLOCK_NSPARSE 21

/* What follows the header of a sparse file in GNU tar's format when the map is longer. */
struct sparse_block {
	struct sparse_field sparse[SPARSE_BLOCK_NSPARSE];
	char is_extended; /* another one follows */
	char unused[7];
};

/** The largest numbers that a field of ${nbytes} can have. */
uint64_t tar_max_octal(size_t nbytes);
uint64_t tar_max_base256(size_t nbytes);

/** Digits and a NUL; ${value} fits. */
void tar_put_octal(char *at, size_t nbytes, uint64_t value);
/** GNU tar's form for what does not fit: ${value} is in two's complement, and fits. */
void tar_put_base256(char *at, size_t nbytes, uint64_t value, bool negative);
/** Octal where ${value}, not negative, fits, else base 256. */
void tar_put_size(char at[12], off_t value);

/** Fill in up to ${n} of ${fields}; returns how many of the ${nextents} had room. */
size_t tar_put_map(
    struct sparse_field *fields, size_t n, const struct extent *extents, size_t nextents);

/** ${nbytes}, which is far from UINT64_MAX, and what fills the last block. */
uint64_t tar_padded(uint64_t nbytes);

/** The sum of all bytes, those of the checksum itself taken for blanks. */
unsigned int tar_block_sum(const struct tar_block *block);

/** All else is in ${block}: fill in what tells the format, and the checksum. */
void tar_block_finish(struct tar_block *block, enum format format);

#endif
