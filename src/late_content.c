#include "config.h"

#include "late_content.h"

#include <stdlib.h>
#include <string.h>

#include "entry_copy.h"
#include "key_set.h"

/*
 * Each inode has a group from its first name to its last; a map leads to it.  While no name of it
 * has come with content, the group stands in the list of those that wait and keeps a copy of each
 * name.  From then on it keeps only the name that the others are to be linked to.
 *
 * What is released moves from its group to the end of the list late->ready.  The archive source,
 * which is the only caller, hands that out before it reads on.
 *
 * Where each name has the content, as in the formats before newc, the first one is a first name at
 * once, and the others come with data to be compared.  These have 16 or 18 bits for an inode
 * number, so that different files share one: what can be told from a header keeps them apart.
 */

struct late_name {
	struct late_name *next; /* in its group, then among those that are ready */
	struct entry *entry;    /* owned, with all that it borrows but first_name */
	char *first; /* the name it is a later name of, owned; NULL: it is a first name */
};

/*
 * In the map until its last name came, and in the list from late->oldest on while ${first} is NULL.
 */
struct late_group {
	uint64_t key;
	nlink_t nleft; /* names that did not come yet; at 0 it leaves the map */
	char *first;   /* what the next ones are linked to; NULL: it has no content yet */
	/* While there is no content: */
	struct late_group *older, *newer;
	struct late_name *names, **end; /* not empty; where the next one goes */
};

static void free_names(struct late_name *name) {
	struct late_name *next;

	for (; name != NULL; name = next) {
		next = name->next;
		free(name->entry);
		free(name->first);
		free(name);
	}
}

static void free_group(struct late_group *g) {
	if (g == NULL)
		return;
	free_names(g->names);
	free(g->first);
	free(g);
}

/* Keep a copy of ${e} as the last name of ${g}; without memory ${g} is as it was. */
static int append(struct late_group *g, const struct entry *e, struct error *err) {
	struct late_name *name = calloc(1, sizeof(*name));

	if (name == NULL || (name->entry = entry_copy(e)) == NULL) {
		free(name);
		return err_nomem(err);
	}
	*g->end = name;
	g->end = &name->next;
	return TARN_OK;
}

static int set_first(struct late_group *g, const char *name, struct error *err) {
	g->first = strdup(name);
	return g->first != NULL ? TARN_OK : err_nomem(err);
}

/*
 * The names of ${g} are due, as later names of ${first}, which has the content; NULL: there is
 * none, and the first of them is the first name of an empty file.  ${g} waits no more, but stays in
 * the map for the names that are still to come.  After TARN_ENOMEM, which ends the run, ${g} can
 * only be freed.
 */
static int release(
    struct late_content *late, struct late_group *g, const char *first, struct error *err) {
	struct late_name *name = g->names;

	if (first == NULL) {
		first = name->entry->name;
		name = name->next;
	}
	for (; name != NULL; name = name->next) {
		name->first = strdup(first);
		if (name->first == NULL)
			return err_nomem(err);
		name->entry->first_name = name->first;
		name->entry->is_whole = false;
	}
	if (set_first(g, first, err) != TARN_OK)
		return TARN_ENOMEM;
	if (late->ready == NULL)
		late->end = &late->ready;
	*late->end = g->names;
	late->end = g->end;
	g->names = NULL;
	*(g->older != NULL ? &g->older->newer : &late->oldest) = g->newer;
	*(g->newer != NULL ? &g->newer->older : &late->newest) = g->older;
	return TARN_OK;
}

/*
 * All names of ${g} came.  Its key stays in the map, with 0, as there is no way to take one out;
 * the number may come again for another inode.  The last entry may borrow g->first, so ${g} itself
 * is freed only when the next group ends.
 */
static void end_group(struct late_content *late, struct late_group *g) {
	*key_map_find(&late->groups, g->key) = 0;
	free_group(late->ended);
	late->ended = g;
}

/* ${e} is the first name of its inode to come; ${holds}: its content may be still to come. */
static int begin(struct late_content *late, uint64_t key, const struct identity *identity,
    const struct entry *e, bool holds, struct error *err) {
	struct late_group *g = calloc(1, sizeof(*g));
	int r;

	if (g == NULL)
		return err_nomem(err);
	*g = (struct late_group){ .key = key, .nleft = identity->nlink - 1, .end = &g->names };
	r = holds ? append(g, e, err) : set_first(g, e->name, err);
	if (r == TARN_OK)
		r = key_map_set(&late->groups, key, (uint64_t)(uintptr_t)g, err);
	if (r != TARN_OK) {
		free_group(g);
		return r;
	}
	/* Only now that nothing can fail any more: the list does not own it, the map does. */
	if (holds) {
		g->older = late->newest;
		*(late->newest != NULL ? &late->newest->newer : &late->oldest) = g;
		late->newest = g;
	}
	return TARN_OK;
}

/*
 * ${e} is one more name of the inode of ${g}, which ends with the last of them.  One that comes
 * with content after another one did stays whole: who puts it compares.  One without becomes a
 * link.
 */
static int go_on(struct late_content *late, struct late_group *g, struct entry *e, bool *held,
    struct error *err) {
	int r = TARN_OK;

	g->nleft--;
	if (g->first != NULL) {
		e->first_name = g->first;
		e->target = NULL;
		e->is_whole = e->size > 0;
	} else if (e->size > 0) {
		/* ${e} itself goes first, unchanged: what is ready is handed out after it. */
		r = release(late, g, e->name, err);
	} else {
		*held = true;
		r = append(g, e, err);
		if (r == TARN_OK && g->nleft == 0)
			r = release(late, g, NULL, err);
	}
	if (r == TARN_OK && g->nleft == 0)
		end_group(late, g);
	return r;
}

/*
 * The key of the group of ${e}.  All names of a symbolic link have its text, in every format, and
 * but for newc those of a file its size, and those of a device what it is.
 */
static uint64_t key_of(
    uint64_t seed, const struct identity *identity, bool is_newc, const struct entry *e) {
	uint64_t key = key_with_numbers(seed, identity->dev, identity->ino);

	key = key_with_numbers(key, e->type, is_newc ? 0 : (uint64_t)e->size);
	if (!is_newc)
		key = key_with_numbers(key, e->rdev_major, e->rdev_minor);
	return e->target != NULL ? key_with_bytes(key, e->target, strlen(e->target)) : key;
}

int late_content_look(struct late_content *late, const struct identity *identity, bool is_newc,
    struct entry *e, bool *held, struct error *err) {
	uint64_t key, *group;

	*held = false;
	/* The link count of a directory counts what is in it, not names. */
	if (e->type == ENTRY_DIRECTORY || identity->nlink <= 1)
		return TARN_OK;
	if (late->seed == 0)
		late->seed = key_seed();
	key = key_of(late->seed, identity, is_newc, e);
	group = key_map_find(&late->groups, key);
	if (group != NULL && *group != 0)
		return go_on(late, (struct late_group *)(uintptr_t)*group, e, held, err);
	*held = is_newc && e->type == ENTRY_FILE && e->size == 0;
	return begin(late, key, identity, e, *held, err);
}

struct entry *late_content_next(struct late_content *late) {
	/* What was handed out before lives up to here. */
	free_names(late->current);
	late->current = late->ready;
	if (late->current == NULL)
		return NULL;
	late->ready = late->current->next;
	late->current->next = NULL;
	return late->current->entry;
}

int late_content_end(struct late_content *late, struct error *err) {
	int r = TARN_OK;

	while (late->oldest != NULL && r == TARN_OK)
		r = release(late, late->oldest, NULL, err);
	return r;
}

void late_content_fini(struct late_content *late) {
	for (size_t i = 0; i < late->groups.capacity; i++)
		free_group((struct late_group *)(uintptr_t)late->groups.slots[i].value);
	key_map_fini(&late->groups);
	free_group(late->ended);
	free_names(late->ready);
	free_names(late->current);
	*late = (struct late_content){ 0 };
}
