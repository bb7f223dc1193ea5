#ifndef TARN_FUZZ_H
#define TARN_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "entry.h"

/*
 * What the targets are made of.  A target is one source file with LLVMFuzzerTestOneInput, called
 * with the bytes of an input; main is libFuzzer's, AFL++'s or that of replay.c.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes);

/** A target may have it: called once, before the first input. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

/**
 * A target may have it: changes the ${nbytes} of ${data}, at most to ${max}; returns how many they
 * are.
 */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t nbytes, size_t max, unsigned int seed);

/** The engine's own changes, for a custom mutator. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t nbytes, size_t max);

/** What a target finds wrong is a crash, as the engine knows it. */
#define REQUIRE(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

/** A file in memory with these bytes, open at its beginning, to be closed. */
int fuzz_file(const void *data, size_t nbytes);

/** ${e}, from an archive, is what entry.h promises. */
void require_entry(const struct entry *e);

/* An input, of which pieces are taken. */
struct pieces {
	const uint8_t *next;
	size_t left;
};

/** The next ${nbytes} (at most 8) as a number, the lowest byte first; 0s behind the end. */
uint64_t take_number(struct pieces *pieces, size_t nbytes);

/** The bytes up to the next NUL, or all, as a string to be freed. */
char *take_string(struct pieces *pieces);

/** Take the next ${nbytes}, if they are those of ${data}; else false. */
bool take_equal(struct pieces *pieces, const void *data, size_t nbytes);

/**
 * A mutator for tar archives: changes members in ways that make sense for them (their order, names
 * that are those of others, types, sizes), or bytes as the engine does, and makes the checksums
 * right again nearly always: else no change would get past them.  The last two bytes, where some
 * targets have options, are changed apart.
 */
size_t tar_mutate(uint8_t *data, size_t nbytes, size_t max, unsigned int seed);

#endif
