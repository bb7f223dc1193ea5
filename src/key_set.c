#include "config.h"

#include "key_set.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "member_path.h"

/*
 * Open addressing with linear probing: the keys are hashes already, so their low bits are the slot.
 * What the keys stand for is not kept, and cannot be compared: equal keys count as equal things.
 * The key 0 means a free slot, which is why no function here makes it.
 *
 * The keys of names are made component by component, so that spellings of one name have one key
 * without a normalised copy of it, and so that the keys of all directories on the way come for
 * free.
 */

#define MIN_CAPACITY 1024 /* 8 KiB */

/*
 * The slot of ${key}, or the free one where it belongs.  There must be slots; that a quarter of
 * them is free lets the search end soon.
 */
static size_t find(const struct key_set *set, uint64_t key) {
	size_t i = key & (set->capacity - 1);

	while (set->keys[i] != 0 && set->keys[i] != key)
		i = (i + 1) & (set->capacity - 1);
	return i;
}

bool key_set_has(const struct key_set *set, uint64_t key) {
	return set->n > 0 && set->keys[find(set, key)] == key;
}

/* Twice as many slots.  ${set} is unchanged when there is no memory. */
static int grow(struct key_set *set, struct error *err) {
	struct key_set grown = { .capacity = set->capacity * 2, .n = set->n };

	if (grown.capacity == 0)
		grown.capacity = MIN_CAPACITY;
	grown.keys = calloc(grown.capacity, sizeof(*grown.keys));
	if (grown.keys == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < set->capacity; i++) {
		if (set->keys[i] != 0)
			grown.keys[find(&grown, set->keys[i])] = set->keys[i];
	}
	free(set->keys);
	*set = grown;
	return TARN_OK;
}

int key_set_add(struct key_set *set, uint64_t key, struct error *err) {
	size_t i;

	if (set->n >= set->capacity / 4 * 3 && grow(set, err) != TARN_OK)
		return (int)err->code;
	i = find(set, key);
	if (set->keys[i] == 0) {
		set->keys[i] = key;
		set->n++;
	}
	return TARN_OK;
}

void key_set_remove(struct key_set *set, uint64_t key) {
	size_t mask = set->capacity - 1, hole, i;

	if (!key_set_has(set, key))
		return;
	hole = i = find(set, key);
	/* What found its own slot taken moves up, so that it is found without this key, too. */
	while (set->keys[i = (i + 1) & mask] != 0) {
		if (((i - set->keys[i]) & mask) >= ((i - hole) & mask)) {
			set->keys[hole] = set->keys[i];
			hole = i;
		}
	}
	set->keys[hole] = 0;
	set->n--;
}

void key_set_fini(struct key_set *set) {
	free(set->keys);
	*set = (struct key_set){ 0 };
}

uint64_t key_seed(void) {
	uint64_t seed;

	/* Without random bytes it is always the same, as it is early in the life of a machine. */
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
		seed = UINT64_C(0x9e3779b97f4a7c15);
	return seed;
}

/*
 * Let ${word} have an influence on all bits of ${key}; for one key, different words stay different.
 *
 * The factor is as unknown as the key, and odd, so that the step can be undone.  With a factor that
 * everybody knows, some difference of two words (the topmost bit) becomes the same difference of
 * the keys whatever the seed was, and the next word can take it away again: two names of one key
 * for whoever wants them.  Once is not enough either, as the topmost bit multiplied is the topmost
 * bit.
 */
static uint64_t absorb(uint64_t key, uint64_t word) {
	uint64_t factor = (key << 32 | key >> 32) ^ UINT64_C(0xd6e8feb86659fd92);

	factor |= 1;

	key = (key ^ word) * factor;
	key = (key ^ key >> 32) * factor;
	return key ^ key >> 32;
}

static uint64_t not_0(uint64_t key) {
	return key != 0 ? key : 1;
}

/*
 * Eight bytes at a time: byte by byte it was a tenth of a creation (HACKING.md).  The words are as
 * the processor has them, so keys differ between machines; they never leave the process.
 */
uint64_t key_with_bytes(uint64_t key, const char *bytes, size_t nbytes) {
	uint64_t word;

	for (; nbytes >= sizeof(word); nbytes -= sizeof(word), bytes += sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		key = absorb(key, word);
	}
	word = 0;
	memcpy(&word, bytes, nbytes);
	/*
	 * The length of the rest marks the end, so that bytes of 0 behind it count.  There are at
	 * most seven: little-endian, the topmost byte of the word is free for it.
	 */
	return not_0(absorb(key, word ^ (uint64_t)(nbytes + 1) << 56));
}

uint64_t key_of_root(uint64_t seed) {
	return not_0(seed);
}

bool key_next_component(uint64_t *key, const char **name) {
	const char *component;
	size_t nbytes = member_next_component(name, &component);

	/* `..' is a component like any other: what it leads to is not to be known from the name. */
	if (nbytes > 0)
		*key = key_with_bytes(*key, component, nbytes);
	return nbytes > 0;
}

uint64_t key_of_name(uint64_t seed, const char *name) {
	uint64_t key = key_of_root(seed);

	while (key_next_component(&key, &name))
		continue;
	return key;
}

uint64_t key_with_numbers(uint64_t key, uint64_t a, uint64_t b) {
	return not_0(absorb(absorb(key, a), b));
}
