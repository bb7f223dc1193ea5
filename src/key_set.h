#ifndef TARN_KEY_SET_H
#define TARN_KEY_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/*
 * A set of 64-bit keys, hashes under a random seed of what is to be remembered: 11 to 22 bytes a
 * key, whatever the thing.  Two things share a key once in 2^64 pairs, which nobody who does not
 * know the seed can bring about.  All zero is an empty set.
 */
struct key_set {
	uint64_t *keys;  /* 0: free */
	size_t capacity; /* a power of two; at most 3/4 are used */
	size_t n;
};

bool key_set_has(const struct key_set *set, uint64_t key);

/** Returns TARN_OK, also when it is there, or TARN_ENOMEM with ${set} unchanged.  Expected O(1). */
int key_set_add(struct key_set *set, uint64_t key, struct error *err);
/** Take ${key} out, if it is there.  Expected O(1). */
void key_set_remove(struct key_set *set, uint64_t key);
void key_set_fini(struct key_set *set);

/** A seed for the keys of one run. */
uint64_t key_seed(void);

/** The key of a member name: `.' and empty components make no difference.  Never 0. */
uint64_t key_of_name(uint64_t seed, const char *name);

/**
 * The same step by step: the key of the directory that all names are in, and from the key of any
 * directory that of the next one on the way of *${name}, which moves on; false at its end.
 */
uint64_t key_of_root(uint64_t seed);
bool key_next_component(uint64_t *key, const char **name);

/** The key of ${key} together with ${nbytes} bytes, as they are.  Never 0. */
uint64_t key_with_bytes(uint64_t key, const char *bytes, size_t nbytes);

/** The key of ${key} together with two numbers.  Never 0. */
uint64_t key_with_numbers(uint64_t key, uint64_t a, uint64_t b);

#endif
