#include "config.h"

#include "member_order.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

#include "key_set.h"

/*
 * What was made last need only be waited for: whoever made it has waited for those before.  But those
 * who use something do not wait for each other, so that it is noted when they were of several lanes.
 */

#define MIN_CAPACITY 4096
#define SEVERAL_LANES UINT_MAX

void member_order_fini(struct member_order *order) {
	free(order->places);
	free(order->keys);
	*order = (struct member_order){ 0 };
}

static struct member_place *find(const struct member_order *o, uint64_t key) {
	size_t i = key & (o->capacity - 1);

	while (o->places[i].key != 0 && o->places[i].key != key)
		i = (i + 1) & (o->capacity - 1);
	return &o->places[i];
}

static bool is_live(const struct member_order *o, const struct member_place *place) {
	return place->made > o->done || place->used > o->done;
}

/* Forget what is complete, and make room for more: for the member that is added at least. */
static int renew(struct member_order *o, struct error *err) {
	struct member_order renewed = { .capacity = MIN_CAPACITY };
	size_t nlive = 0;

	for (size_t i = 0; i < o->capacity; i++)
		nlive += is_live(o, &o->places[i]);
	while (nlive + o->nkeys >= renewed.capacity / 2)
		renewed.capacity *= 2;
	renewed.places = calloc(renewed.capacity, sizeof(*renewed.places));
	if (renewed.places == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < o->capacity; i++) {
		if (is_live(o, &o->places[i]))
			*find(&renewed, o->places[i].key) = o->places[i];
	}
	free(o->places);
	o->places = renewed.places;
	o->capacity = renewed.capacity;
	o->n = nlive;
	return TARN_OK;
}

/* Append the keys of the names on the way to ${name}, itself the last. */
static int collect(struct member_order *o, const char *name, struct error *err) {
	uint64_t key = key_of_root(o->seed), *keys;

	do {
		if (o->nkeys == o->keys_capacity) {
			size_t capacity = o->keys_capacity * 2 + 64;

			keys = reallocarray(o->keys, capacity, sizeof(*keys));
			if (keys == NULL)
				return err_nomem(err);
			o->keys = keys;
			o->keys_capacity = capacity;
		}
		o->keys[o->nkeys++] = key;
	} while (key_next_component(&key, &name));
	return TARN_OK;
}

static void wait_for(uint64_t *after, uint64_t number) {
	if (*after < number)
		*after = number;
}

/* The place of ${key}; it must be as another lane has made it. */
static struct member_place *touch(
    struct member_order *o, uint64_t key, unsigned int lane, uint64_t *after) {
	struct member_place *place = find(o, key);

	if (place->key == 0)
		o->n++;
	place->key = key;
	if (place->made_by != lane)
		wait_for(after, place->made);
	return place;
}

static void use(
    struct member_order *o, uint64_t key, uint64_t number, unsigned int lane, uint64_t *after) {
	struct member_place *place = touch(o, key, lane, after);

	place->used_by = place->used > o->done && place->used_by != lane ? SEVERAL_LANES : lane;
	place->used = number;
}

static void make(
    struct member_order *o, uint64_t key, uint64_t number, unsigned int lane, uint64_t *after) {
	struct member_place *place = touch(o, key, lane, after);

	/* What this very member uses, others may have used before. */
	if (place->used_by != lane)
		wait_for(after, place->used == number ? number - 1 : place->used);
	place->made_by = lane;
	place->made = number;
}

/* The keys of ${e}'s first name, *${nfirst} of them, and of its own. */
static int collect_all(
    struct member_order *o, const struct entry *e, size_t *nfirst, struct error *err) {
	o->nkeys = 0;
	if (e->first_name != NULL && collect(o, e->first_name, err) != TARN_OK)
		return (int)err->code;
	*nfirst = o->nkeys;
	return collect(o, e->name, err);
}

int member_order_add(struct member_order *order, const struct entry *e, uint64_t number,
    unsigned int *lane, uint64_t *after, struct error *err) {
	size_t nfirst = 0, n;

	*after = 0;
	if (collect_all(order, e, &nfirst, err) != TARN_OK)
		return (int)err->code;
	if (order->n + order->nkeys >= order->capacity / 4 * 3 && renew(order, err) != TARN_OK)
		return (int)err->code;
	n = nfirst > 0 ? nfirst : order->nkeys;
	*lane = (unsigned int)(order->keys[n > 1 ? n - 2 : 0] % order->nlanes);
	for (size_t i = 0; i < order->nkeys - 1; i++)
		use(order, order->keys[i], number, *lane, after);
	make(order, order->keys[order->nkeys - 1], number, *lane, after);
	if (*after <= order->done)
		*after = 0;
	return TARN_OK;
}

int member_order_pass(
    struct member_order *order, const struct entry *e, uint64_t *after, struct error *err) {
	size_t nfirst = 0;

	*after = 0;
	if (collect_all(order, e, &nfirst, err) != TARN_OK)
		return (int)err->code;
	for (size_t i = 0; i < order->nkeys && order->capacity > 0; i++) {
		const struct member_place *place = find(order, order->keys[i]);

		wait_for(after, place->made);
		if (i == order->nkeys - 1)
			wait_for(after, place->used);
	}
	return TARN_OK;
}
