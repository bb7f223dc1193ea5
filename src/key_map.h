#ifndef TARN_KEY_MAP_H
#define TARN_KEY_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

/*
 * A number for each of many keys of key_set.h: 22 to 43 bytes a key.  All zero is an empty map.
 */
struct key_map {
	struct key_map_slot {
		uint64_t key; /* 0: free */
		uint64_t value;
	} * slots;
	size_t capacity; /* a power of two; at most 3/4 are used */
	size_t n;
};

/** The value of ${key}, to be looked at or changed until the next is set; NULL: it has none. */
uint64_t *key_map_find(const struct key_map *map, uint64_t key);

/** Returns TARN_OK, or TARN_ENOMEM with ${map} unchanged.  Expected O(1). */
int key_map_set(struct key_map *map, uint64_t key, uint64_t value, struct error *err);
void key_map_fini(struct key_map *map);

#endif
