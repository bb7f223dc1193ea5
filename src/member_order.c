#include "config.h"

#include "member_order.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "key_set.h"

/*
 * A table has a place for each name that members on their way make or use: who made it last, and up
 * to which number it is used.  Names are known by their keys (key_set.h), whatever their spelling.
 *
 * Of those who make a name only the last is to be waited for: it has waited for those before it.
 * Those who use a name do not wait for each other, so the last of them says nothing about the
 * others, and it is noted when they are of several lanes.  A lane need never wait for itself, as it
 * goes in order.
 *
 * What comes out is not a list of members to be waited for, but the highest number among them: all
 * that a lane has to tell is how far it has come.
 *
 * That directories are used is noted ahead, for some members to come, which mostly lie in the same
 * ones: otherwise each member would cost a search for each component above it.  So a member may
 * wait for more than it has to, but only where one makes what others use: where a name is replaced.
 */

/* Of places; a power of two, as a key's low bits are where the search for it begins. */
#define MIN_CAPACITY 4096
/* As used_by: no lane has this number, so that whoever makes the name waits. */
#define SEVERAL_LANES (NO_LANE - 1)
#define NNOTED 256 /* members that the use of directories is noted for */

void member_order_fini(struct member_order *order) {
	free(order->places);
	free(order->of_first.name);
	free(order->of_first.keys);
	free(order->of_name.name);
	free(order->of_name.keys);
	*order = (struct member_order){ 0 };
}

/* The place of ${key}, or the free one where it would be, all 0.  There must be a table. */
static struct member_place *find(const struct member_order *o, uint64_t key) {
	size_t i = key & (o->capacity - 1);

	while (o->places[i].key != 0 && o->places[i].key != key)
		i = (i + 1) & (o->capacity - 1);
	return &o->places[i];
}

/* May anybody still have to wait for what ${place} says?  If not, it can be forgotten. */
static bool is_live(const struct member_order *o, const struct member_place *place) {
	return place->made > o->done || place->used > o->done;
}

/* The most places that the member which is added can have. */
static size_t most_places(const struct member_order *o) {
	return o->of_first.nkeys + o->of_name.nkeys + 2;
}

/*
 * Empty all places that are not live, in place: a new table each time would be many page faults.
 * From behind a free place on, each live one is taken out and put back.  What stood before it in
 * its run was treated already, so it can only move towards where its search begins.
 */
static void forget_complete(struct member_order *o) {
	size_t mask = o->capacity - 1, start = 0;

	while (o->places[start].key != 0)
		start++;
	for (size_t i = 1; i <= mask; i++) {
		struct member_place *at = &o->places[(start + i) & mask], place = *at;

		*at = (struct member_place){ 0 };
		if (is_live(o, &place))
			*find(o, place.key) = place;
	}
}

/* A larger table with what is live; unchanged on a failure.  The caller sets n. */
static int grow(struct member_order *o, size_t capacity, struct error *err) {
	struct member_order grown = { .capacity = capacity };

	grown.places = calloc(capacity, sizeof(*grown.places));
	if (grown.places == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < o->capacity; i++) {
		if (is_live(o, &o->places[i]))
			*find(&grown, o->places[i].key) = o->places[i];
	}
	free(o->places);
	o->places = grown.places;
	o->capacity = capacity;
	return TARN_OK;
}

/* Forget what is complete, and make room for more: for the member that is added at least. */
static int renew(struct member_order *o, struct error *err) {
	size_t capacity = o->capacity > 0 ? o->capacity : MIN_CAPACITY;
	size_t nlive = 0;

	for (size_t i = 0; i < o->capacity; i++)
		nlive += is_live(o, &o->places[i]);
	/* At least a quarter is free then for what is new, which pays for looking at all of it. */
	while (nlive + most_places(o) >= capacity / 2)
		capacity *= 2;
	if (capacity == o->capacity)
		forget_complete(o);
	else if (grow(o, capacity, err) != TARN_OK)
		return TARN_ENOMEM;
	o->n = nlive;
	return TARN_OK;
}

static int append_key(struct member_parents *parents, uint64_t key, struct error *err) {
	int r = array_reserve((void **)&parents->keys, &parents->keys_capacity, parents->nkeys + 1,
	    sizeof(*parents->keys), err);

	if (r == TARN_OK)
		parents->keys[parents->nkeys++] = key;
	return r;
}

/* Keep the ${nbytes} of ${name} that ${parents} has the keys of. */
static int keep_name(
    struct member_parents *parents, const char *name, size_t nbytes, struct error *err) {
	/* One more, as it may be empty. */
	int r = array_reserve((void **)&parents->name, &parents->capacity, nbytes + 1, 1, err);

	if (r != TARN_OK)
		return r;
	memcpy(parents->name, name, nbytes);
	parents->nbytes = nbytes;
	return TARN_OK;
}

/*
 * The keys of the directories above ${name}, from the root on, into ${parents}, and its own into
 * *${key}.  That the former ones are used was noted, if at all, so the new ones have to be.
 */
static int collect_anew(struct member_order *o, struct member_parents *parents, const char *name,
    uint64_t *key, struct error *err) {
	const char *at = name, *last = name, *next = name;
	uint64_t before;

	parents->nkeys = 0;
	parents->noted = 0;
	*key = before = key_of_root(o->seed);
	/* One component late: the last one is no directory above itself. */
	while (key_next_component(key, &next)) {
		if (append_key(parents, before, err) != TARN_OK)
			return (int)err->code;
		before = *key;
		last = at;
		at = next;
	}
	/* Up to the slash: the last component may be spelt with more behind it. */
	return keep_name(parents, name, (size_t)(last - name), err);
}

/*
 * The same; those of the member before are mostly there.  Then they stay as they are, with what was
 * noted, and there is only one component to be hashed.
 */
static int collect(struct member_order *o, struct member_parents *parents, const char *name,
    uint64_t *key, struct error *err) {
	const char *last = name + parents->nbytes; /* if it is as long as that */

	if (parents->nkeys > 0 && strncmp(name, parents->name, parents->nbytes) == 0 &&
	    (parents->nbytes == 0 || *last == '/')) {
		*key = parents->keys[parents->nkeys - 1];
		if (key_next_component(key, &last) && *last == '\0')
			return TARN_OK;
	}
	return collect_anew(o, parents, name, key, err);
}

static void wait_for(uint64_t *after, uint64_t number) {
	if (*after < number)
		*after = number;
}

/*
 * The place of ${key}, made if need be.  ${lane} is to wait for another one that has made the name.
 */
static struct member_place *touch(
    struct member_order *o, uint64_t key, unsigned int lane, uint64_t *after) {
	struct member_place *place = find(o, key);

	if (place->key == 0)
		o->n++;
	/* What it says otherwise is of members that are complete, and harmless. */
	if (!is_live(o, place))
		place->directory_lane = NO_LANE;
	place->key = key;
	if (place->made_by != lane)
		wait_for(after, place->made);
	return place;
}

/* It is used by members up to ${number}. */
static void use(
    struct member_order *o, uint64_t key, uint64_t number, unsigned int lane, uint64_t *after) {
	struct member_place *place = touch(o, key, lane, after);

	/* Once it is of several lanes it stays so until all of them are complete. */
	place->used_by = place->used > o->done && place->used_by != lane ? SEVERAL_LANES : lane;
	/* It may have been noted ahead. */
	if (place->used < number)
		place->used = number;
}

/* All of ${parents} are used by the member ${number}, and maybe by those of ${lane} to come. */
static void use_all(struct member_order *o, struct member_parents *parents, uint64_t number,
    unsigned int lane, uint64_t *after) {
	if (parents->noted >= number && parents->lane == lane)
		return;
	parents->lane = lane;
	parents->noted = number + NNOTED;
	for (size_t i = 0; i < parents->nkeys; i++)
		use(o, parents->keys[i], parents->noted, lane, after);
}

/* It is made by the member ${number}, which then waits for all who use what is there now. */
static void make(
    struct member_order *o, uint64_t key, uint64_t number, unsigned int lane, uint64_t *after) {
	struct member_place *place = touch(o, key, lane, after);

	/* This very member may use it, or use is noted ahead: others may have used it before. */
	if (place->used_by != lane)
		wait_for(after, place->used >= number ? number - 1 : place->used);
	/*
	 * Whose use of it was noted ahead has to wait for this now.  In of_name it can only be as a
	 * first name with others below it, and is noted for this very lane.
	 */
	if (place->used > 0)
		o->of_first.noted = 0;
	place->made_by = lane;
	place->made = number;
}

/*
 * The keys of ${e}'s name and of its first name, if it has one, and of the directories above both.
 */
static int collect_all(struct member_order *o, const struct entry *e, uint64_t *key,
    uint64_t *first, struct error *err) {
	int r = collect(o, &o->of_name, e->name, key, err);

	*first = 0;
	return r == TARN_OK && e->first_name != NULL ?
	    collect(o, &o->of_first, e->first_name, first, err) :
	    r;
}

/* What is whole may become what those behind it link to, under the ${first} name. */
static bool makes_first(const struct entry *e, uint64_t first) {
	return first != 0 && e->is_whole;
}

/* The directory of the member whose parents were collected last; NULL: it has none. */
static struct member_place *own_directory(const struct member_order *o) {
	return o->of_name.nkeys > 0 ? find(o, o->of_name.keys[o->of_name.nkeys - 1]) : NULL;
}

/* The lane on which the member ${key} still is; NO_LANE: it is not on its way. */
static unsigned int lane_of_maker(const struct member_order *o, uint64_t key) {
	const struct member_place *place = find(o, key);

	return place->made > o->done ? place->made_by : NO_LANE;
}

/* The lane to which the last member of the same directory went; NO_LANE: all are complete. */
static unsigned int lane_of_directory(const struct member_order *o) {
	const struct member_place *place = own_directory(o);

	return place != NULL && is_live(o, place) ? place->directory_lane : NO_LANE;
}

int member_order_find_home(struct member_order *order, const struct entry *e,
    struct member_home *home, struct error *err) {
	if (collect_all(order, e, &home->key, &home->first_key, err) != TARN_OK)
		return (int)err->code;
	/* Here, so that member_order_add cannot fail. */
	if (order->n + most_places(order) >= order->capacity / 4 * 3 &&
	    renew(order, err) != TARN_OK)
		return (int)err->code;
	home->makes_first = makes_first(e, home->first_key);
	home->lane = home->first_key != 0 ? lane_of_maker(order, home->first_key) : NO_LANE;
	home->is_bound = home->lane != NO_LANE;
	if (!home->is_bound)
		home->lane = lane_of_directory(order);
	return TARN_OK;
}

uint64_t member_order_add(struct member_order *order, const struct member_home *home,
    uint64_t number, unsigned int lane) {
	struct member_place *directory;
	uint64_t after = 0;

	use_all(order, &order->of_name, number, lane, &after);
	if (home->first_key != 0) {
		use_all(order, &order->of_first, number, lane, &after);
		if (home->makes_first)
			make(order, home->first_key, number, lane, &after);
		else
			use(order, home->first_key, number, lane, &after);
	}
	make(order, home->key, number, lane, &after);
	directory = own_directory(order);
	if (directory != NULL)
		directory->directory_lane = lane;
	order->last = number;
	return after > order->done ? after : 0;
}

/*
 * What use() and make() wait for, on a lane of its own.  Nothing is noted: who is put at once is
 * done before anybody can come to wait for it.
 */
static void pass_using(const struct member_order *o, uint64_t key, uint64_t *after) {
	wait_for(after, find(o, key)->made);
}

static void pass_using_all(
    const struct member_order *o, const struct member_parents *parents, uint64_t *after) {
	for (size_t i = 0; i < parents->nkeys; i++)
		pass_using(o, parents->keys[i], after);
}

static void pass_making(const struct member_order *o, uint64_t key, uint64_t *after) {
	pass_using(o, key, after);
	wait_for(after, find(o, key)->used);
}

int member_order_pass(
    struct member_order *order, const struct entry *e, uint64_t *after, struct error *err) {
	uint64_t key, first;

	*after = 0;
	if (collect_all(order, e, &key, &first, err) != TARN_OK)
		return (int)err->code;
	/* Nothing was added yet, and there is no table to be searched. */
	if (order->capacity == 0)
		return TARN_OK;
	pass_using_all(order, &order->of_name, after);
	if (first != 0) {
		pass_using_all(order, &order->of_first, after);
		if (makes_first(e, first))
			pass_making(order, first, after);
		else
			pass_using(order, first, after);
	}
	pass_making(order, key, after);
	/* Use is noted ahead, for members that are not there yet. */
	if (*after > order->last)
		*after = order->last;
	return TARN_OK;
}
