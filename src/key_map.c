#include "config.h"

#include "key_map.h"

#include <stdlib.h>

/*
 * Open addressing with linear probing, as in key_set.c.  Keys are never taken out: who has to
 * forget one gives it a value that says so.
 *
 * It is not key_set with values beside the keys, as a set of keys alone takes half the memory, and
 * one look finds a key and its value in the same line of the cache.
 */

#define MIN_CAPACITY 1024 /* 16 KiB */

/* The slot of ${key}, or the free one where it belongs.  There must be slots. */
static struct key_map_slot *find(const struct key_map *map, uint64_t key) {
	size_t i = key & (map->capacity - 1);

	while (map->slots[i].key != 0 && map->slots[i].key != key)
		i = (i + 1) & (map->capacity - 1);
	return &map->slots[i];
}

uint64_t *key_map_find(const struct key_map *map, uint64_t key) {
	struct key_map_slot *slot = map->n > 0 ? find(map, key) : NULL;

	return slot != NULL && slot->key != 0 ? &slot->value : NULL;
}

/* Twice as many slots, so that values have other addresses.  Unchanged when there is no memory. */
static int grow(struct key_map *map, struct error *err) {
	struct key_map grown = { .capacity = map->capacity * 2, .n = map->n };

	if (grown.capacity == 0)
		grown.capacity = MIN_CAPACITY;
	grown.slots = calloc(grown.capacity, sizeof(*grown.slots));
	if (grown.slots == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < map->capacity; i++) {
		if (map->slots[i].key != 0)
			*find(&grown, map->slots[i].key) = map->slots[i];
	}
	free(map->slots);
	*map = grown;
	return TARN_OK;
}

int key_map_set(struct key_map *map, uint64_t key, uint64_t value, struct error *err) {
	struct key_map_slot *slot;

	if (map->n >= map->capacity / 4 * 3 && grow(map, err) != TARN_OK)
		return TARN_ENOMEM;
	slot = find(map, key);
	if (slot->key == 0)
		map->n++;
	*slot = (struct key_map_slot){ key, value };
	return TARN_OK;
}

void key_map_fini(struct key_map *map) {
	free(map->slots);
	*map = (struct key_map){ 0 };
}
