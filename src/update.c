#include "config.h"

#include "update.h"

#include <stdlib.h>

#include "key_set.h"

/*
 * Open addressing by the key of the name.
 */

#define MIN_CAPACITY 1024

static struct update_slot *find(const struct update *u, uint64_t key) {
	size_t i = key & (u->capacity - 1);

	while (u->slots[i].key != 0 && u->slots[i].key != key)
		i = (i + 1) & (u->capacity - 1);
	return &u->slots[i];
}

static int grow(struct update *u, struct error *err) {
	struct update grown = { .capacity = u->capacity > 0 ? u->capacity * 2 : MIN_CAPACITY };

	grown.slots = calloc(grown.capacity, sizeof(*grown.slots));
	if (grown.slots == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < u->capacity; i++) {
		if (u->slots[i].key != 0)
			*find(&grown, u->slots[i].key) = u->slots[i];
	}
	free(u->slots);
	u->slots = grown.slots;
	u->capacity = grown.capacity;
	return TARN_OK;
}

int update_note(struct update *update, const struct entry *e, struct error *err) {
	struct update_slot *slot;

	if (update->capacity == 0)
		update->seed = key_seed();
	if (update->n >= update->capacity / 4 * 3 && grow(update, err) != TARN_OK)
		return TARN_ENOMEM;
	slot = find(update, key_of_name(update->seed, e->name));
	if (slot->key == 0) {
		slot->key = key_of_name(update->seed, e->name);
		update->n++;
	}
	slot->seconds = e->mtime.tv_sec;
	return TARN_OK;
}

bool update_wants(const struct update *update, const struct entry *e) {
	const struct update_slot *slot;

	if (update->n == 0)
		return true;
	slot = find(update, key_of_name(update->seed, e->name));
	return slot->key == 0 || e->mtime.tv_sec > slot->seconds;
}

void update_fini(struct update *update) {
	free(update->slots);
	*update = (struct update){ 0 };
}
