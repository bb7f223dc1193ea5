#ifndef TARN_ARCHIVE_LIMITS_H
#define TARN_ARCHIVE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "entry.h"
#include "error.h"

/*
 * How much an archive may make of itself before the run is ended: for archives that nobody trusts.
 * Every function returns TARN_OK, or TARN_ELIMIT with the limit and who has reached it.
 */
struct archive_limits {
	/* As the command line has them; 0: no limit. */
	uint64_t max_size;    /* bytes of all files that are extracted, copies and holes included */
	uint64_t max_members; /* that are read, wanted or not */
	uint64_t max_ratio;   /* of bytes decompressed to bytes in the file */
	uint64_t max_depth;   /* components of a name that is extracted */

	_Atomic uint64_t nbytes; /* of files, so far */
};

/*
 * A name of PATH_MAX bytes has no more components, so nobody can reach what lies deeper by one
 * name, nor remove it with most programs.
 */
#define ARCHIVE_LIMITS_DEPTH 2048

/** ${e} is the member with this ${number}, from 1. */
int archive_limits_read(
    const struct archive_limits *limits, const struct entry *e, size_t number, struct error *err);

/** ${e} is going to be extracted, with its content if it is whole. */
int archive_limits_extract(struct archive_limits *limits, const struct entry *e, struct error *err);

/** The file ${name} is going to take ${nbytes} more.  For several threads. */
int archive_limits_add(
    struct archive_limits *limits, const char *name, uint64_t nbytes, struct error *err);

/**
 * ${from} bytes were decompressed to ${to} so far.  What is small is not looked at: an archive of
 * one short file is mostly zeros.
 */
int archive_limits_decompress(uint64_t max_ratio, uint64_t from, uint64_t to, struct error *err);

#endif
