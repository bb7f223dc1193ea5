#include "config.h"

#include "link_groups.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "key_set.h"

/*
 * A listing of groups can only begin when the archive was read to its end, and most files in it
 * have one name.  So a file is known by the key of its name (key_set.h), and until a later name
 * comes nothing but its size is kept, in an open addressing table; then a group hangs there, with
 * all names as strings.
 *
 * This sink stands beside the one of the mode and meets all members: with operands those that are
 * selected decide which groups are printed, and the others are what is printed.
 */

/* A power of two, as the low bits of a key are where the search for it begins. */
#define MIN_CAPACITY 1024

struct grouped_name {
	struct grouped_name *next; /* in the order of the archive */
	bool is_selected;          /* by an operand, or all are */
	char name[];
};

/* Has two names at least, the first name before the others.  Is kept until the end. */
struct link_group {
	struct link_group *next; /* in the order in which they were found */
	size_t n;
	off_t size; /* of the content; 0 where no member of the first name was met */
	bool has_selected;
	struct grouped_name *names, **end;
};

/*
 * A name that was met, or that a later name leads to.  Later names have the group of their first
 * name, so that a link to one of them is found to be of the same file.
 */
struct slot {
	uint64_t key; /* 0: free */
	off_t size;
	struct link_group *group; /* NULL: no later name yet */
	bool is_selected;         /* as a first name, while there is no group */
};

struct link_groups {
	struct sink base;
	struct select *select; /* borrowed */
	bool has_operands;
	struct listing *listing; /* owned */
	uint64_t seed;
	struct slot *slots;
	size_t capacity; /* a power of two; at most 3/4 are used */
	size_t n;
	struct link_group *groups, **end; /* all; slots may have forgotten some of them */
};

/* The slot of ${key}, or the free one where it belongs.  There must be slots. */
static struct slot *find(const struct link_groups *s, uint64_t key) {
	size_t i = key & (s->capacity - 1);

	while (s->slots[i].key != 0 && s->slots[i].key != key)
		i = (i + 1) & (s->capacity - 1);
	return &s->slots[i];
}

/* Twice as many slots.  On a failure all is as before. */
static int grow(struct link_groups *s, struct error *err) {
	struct slot *old = s->slots;
	size_t old_capacity = s->capacity;

	s->capacity = old_capacity > 0 ? old_capacity * 2 : MIN_CAPACITY;
	s->slots = calloc(s->capacity, sizeof(*s->slots));
	if (s->slots == NULL) {
		s->slots = old;
		s->capacity = old_capacity;
		return err_nomem(err);
	}
	for (size_t i = 0; i < old_capacity; i++) {
		if (old[i].key != 0)
			*find(s, old[i].key) = old[i];
	}
	free(old);
	return TARN_OK;
}

/*
 * The slot of the member called ${name}, made if need be; until the next call, which may move all
 * of them.  NULL with ${err} without memory.
 */
static struct slot *slot_of(struct link_groups *s, const char *name, struct error *err) {
	uint64_t key = key_of_name(s->seed, name);
	struct slot *slot;

	if (s->n >= s->capacity / 4 * 3 && grow(s, err) != TARN_OK)
		return NULL;
	slot = find(s, key);
	if (slot->key == 0) {
		slot->key = key;
		s->n++;
	}
	return slot;
}

/* Append a copy of ${name} to ${g}. */
static int add_name(struct link_group *g, const char *name, bool is_selected, struct error *err) {
	struct grouped_name *n = malloc(sizeof(*n) + strlen(name) + 1);

	if (n == NULL)
		return err_nomem(err);
	*n = (struct grouped_name){ .is_selected = is_selected };
	strcpy(n->name, name);
	*g->end = n;
	g->end = &n->next;
	g->n++;
	g->has_selected = g->has_selected || is_selected;
	return TARN_OK;
}

/* Add the later name ${e}.  The first one begins the group, with the first name before it. */
static int add_later(
    struct link_groups *s, const struct entry *e, bool is_selected, struct error *err) {
	struct slot *slot = slot_of(s, e->first_name, err);
	struct link_group *g;

	if (slot == NULL)
		return TARN_ENOMEM;
	if (slot->group == NULL) {
		g = calloc(1, sizeof(*g));
		if (g == NULL)
			return err_nomem(err);
		g->size = slot->size;
		g->end = &g->names;
		slot->group = g;
		*s->end = g;
		s->end = &g->next;
		if (add_name(g, e->first_name, slot->is_selected, err) != TARN_OK)
			return TARN_ENOMEM;
	}
	g = slot->group;
	/* A link to this name is one to the same file. */
	slot = slot_of(s, e->name, err);
	if (slot == NULL)
		return TARN_ENOMEM;
	slot->group = g;
	return add_name(g, e->name, is_selected, err);
}

static int put(struct sink *sink, const struct entry *e, struct source *from, struct error *err) {
	struct link_groups *s = (struct link_groups *)sink;
	struct slot *slot;
	bool wanted;

	(void)from;
	/* Directories have no later names. */
	if (e->type == ENTRY_DIRECTORY || select_excludes(s->select, e->name))
		return TARN_OK;
	select_decide(s->select, e, &wanted, NULL);
	if (e->first_name != NULL)
		return add_later(s, e, wanted, err);
	slot = slot_of(s, e->name, err);
	if (slot == NULL)
		return TARN_ENOMEM;
	/* A newer member of that name is another file: links to it are none of the old group. */
	slot->size = e->size;
	slot->is_selected = wanted;
	slot->group = NULL;
	return TARN_OK;
}

static void print_name(struct link_groups *s, const char *name) {
	listing_print(s->listing, &(struct entry){ .name = name }, false);
}

/*
 * Without operands the first name goes behind the numbers, and the later ones below it.  With
 * operands there is a line for each name that was not asked for.
 */
static void print_group(struct link_groups *s, const struct link_group *g) {
	if (!s->has_operands) {
		printf("%zu names, %" PRIdMAX " %s: ", g->n, (intmax_t)g->size,
		    g->size == 1 ? "byte" : "bytes");
		print_name(s, g->names->name);
	}
	for (const struct grouped_name *n = s->has_operands ? g->names : g->names->next; n != NULL;
	     n = n->next) {
		if (!s->has_operands)
			putchar('\t');
		if (!s->has_operands || !n->is_selected)
			print_name(s, n->name);
	}
}

static int finish(struct sink *sink, struct error *err) {
	struct link_groups *s = (struct link_groups *)sink;

	/* Whether standard output took it all is seen when the run ends. */
	(void)err;
	for (const struct link_group *g = s->groups; g != NULL; g = g->next) {
		if (g->has_selected || !s->has_operands)
			print_group(s, g);
	}
	return TARN_OK;
}

static void link_groups_free(struct sink *sink) {
	struct link_groups *s = (struct link_groups *)sink;

	if (s == NULL)
		return;
	for (struct link_group *g = s->groups, *next; g != NULL; g = next) {
		next = g->next;
		for (struct grouped_name *n = g->names, *next_name; n != NULL; n = next_name) {
			next_name = n->next;
			free(n);
		}
		free(g);
	}
	free(s->slots);
	listing_free(s->listing);
	free(s);
}

struct sink *link_groups_new(
    struct select *select, bool has_operands, struct listing *listing, struct error *err) {
	struct link_groups *s = malloc(sizeof(*s));

	if (s == NULL) {
		listing_free(listing);
		err_nomem(err);
		return NULL;
	}
	*s = (struct link_groups){
		.base = { .put = put, .finish = finish, .free = link_groups_free },
		.select = select,
		.has_operands = has_operands,
		.listing = listing,
		.seed = key_seed(),
	};
	s->end = &s->groups;
	return &s->base;
}
