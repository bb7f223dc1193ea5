#include "config.h"

#include "late_content.h"

#include <stdlib.h>
#include <string.h>

#include "entry_copy.h"
#include "key_set.h"

/*
 * Groups hang in chains by the name that the others link to.
 */

struct late_name {
	struct late_name *next;
	struct entry *entry;
	char *first; /* the name it is a later name of, owned; NULL: it is a first name */
};

struct late_group {
	struct late_group *next; /* in its chain */
	struct late_group *older, *newer;
	struct late_name *names, **end; /* the first is what the others link to in the archive */
	nlink_t nleft;                  /* names that did not come yet */
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

static int append(struct late_group *g, const struct entry *e, struct error *err) {
	struct late_name *name = calloc(1, sizeof(*name));

	if (name == NULL || (name->entry = entry_copy(e)) == NULL) {
		free(name);
		return err_nomem(err);
	}
	*g->end = name;
	g->end = &name->next;
	g->nleft--;
	return TARN_OK;
}

static struct late_group **chain_of(struct late_content *late, const char *name) {
	return &late->chains[key_of_name(late->seed, name) % LATE_CONTENT_NCHAINS];
}

static struct late_group **find(struct late_content *late, const char *first) {
	struct late_group **at = chain_of(late, first);

	while (*at != NULL && strcmp((*at)->names->entry->name, first) != 0)
		at = &(*at)->next;
	return at;
}

/* The names of *${at} are due, as later names of ${first}; NULL: of the first of them. */
static int release(
    struct late_content *late, struct late_group **at, const char *first, struct error *err) {
	struct late_group *g = *at;
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
	if (late->ready == NULL)
		late->end = &late->ready;
	*late->end = g->names;
	late->end = g->end;
	*at = g->next;
	*(g->older != NULL ? &g->older->newer : &late->oldest) = g->newer;
	*(g->newer != NULL ? &g->newer->older : &late->newest) = g->older;
	free(g);
	return TARN_OK;
}

static int begin(struct late_content *late, const struct entry *e, struct error *err) {
	struct late_group *g = calloc(1, sizeof(*g)), **chain;

	if (g == NULL)
		return err_nomem(err);
	if (late->seed == 0)
		late->seed = key_seed();
	g->end = &g->names;
	g->nleft = e->identity.nlink;
	if (append(g, e, err) != TARN_OK) {
		free(g);
		return TARN_ENOMEM;
	}
	chain = chain_of(late, e->name);
	g->next = *chain;
	*chain = g;
	g->older = late->newest;
	*(late->newest != NULL ? &late->newest->newer : &late->oldest) = g;
	late->newest = g;
	return TARN_OK;
}

int late_content_look(struct late_content *late, struct entry *e, bool *held, struct error *err) {
	struct late_group **at;
	int r;

	*held = false;
	if (e->type != ENTRY_FILE)
		return TARN_OK;
	if (e->first_name == NULL) {
		*held = e->size == 0 && e->identity.nlink > 1;
		return *held ? begin(late, e, err) : TARN_OK;
	}
	at = find(late, e->first_name);
	if (*at == NULL)
		return TARN_OK;
	if (e->size > 0) {
		e->first_name = NULL;
		return release(late, at, e->name, err);
	}
	*held = true;
	r = append(*at, e, err);
	return r == TARN_OK && (*at)->nleft == 0 ? release(late, at, NULL, err) : r;
}

struct entry *late_content_next(struct late_content *late) {
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
		r = release(late, find(late, late->oldest->names->entry->name), NULL, err);
	return r;
}

void late_content_fini(struct late_content *late) {
	struct late_group *next;

	for (struct late_group *g = late->oldest; g != NULL; g = next) {
		next = g->newer;
		free_names(g->names);
		free(g);
	}
	free_names(late->ready);
	free_names(late->current);
	*late = (struct late_content){ 0 };
}
