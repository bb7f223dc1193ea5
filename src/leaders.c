#include "config.h"

#include "leaders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "key_set.h"

#define MIN_CHAINS 64

static uint64_t key_of_inode(const struct stat *st) {
	return key_with_numbers(0, st->st_ino, st->st_dev);
}

/* Twice as many chains.  The leaders of a group stay in their order: each goes to the end. */
static int grow(struct leaders *leaders, struct error *err) {
	size_t nchains = leaders->nchains != 0 ? leaders->nchains * 2 : MIN_CHAINS;
	struct leader **chains = calloc(nchains, sizeof(*chains)), **end, *next;

	if (chains == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < leaders->nchains; i++) {
		for (struct leader *l = leaders->chains[i]; l != NULL; l = next) {
			next = l->next;
			end = &chains[l->group & (nchains - 1)];
			while (*end != NULL)
				end = &(*end)->next;
			*end = l;
			l->next = NULL;
		}
	}
	free(leaders->chains);
	leaders->chains = chains;
	leaders->nchains = nchains;
	return TARN_OK;
}

int leaders_add(struct leaders *leaders, uint64_t group, const struct member_path *path,
    const struct stat *st, struct error *err) {
	size_t nbytes = path->parent_nbytes + strlen(path->last) + 2;
	struct leader *l, **chain;

	if (leaders->n == leaders->nchains && grow(leaders, err) != TARN_OK)
		return TARN_ENOMEM;
	l = malloc(sizeof(*l) + nbytes);
	if (l == NULL)
		return err_nomem(err);
	chain = &leaders->chains[group & (leaders->nchains - 1)];
	*l = (struct leader){
		.next = *chain,
		.group = group,
		.dev = st->st_dev,
		.ino = st->st_ino,
	};
	snprintf(l->name, nbytes, "%s/%s", path->parent, path->last);
	if (key_map_set(&leaders->inodes, key_of_inode(st), (uintptr_t)l, err) != TARN_OK) {
		free(l);
		return TARN_ENOMEM;
	}
	*chain = l;
	leaders->n++;
	return TARN_OK;
}

const struct leader *leaders_next(
    const struct leaders *leaders, uint64_t group, const struct leader *l) {
	if (l != NULL)
		l = l->next;
	else if (leaders->nchains != 0)
		l = leaders->chains[group & (leaders->nchains - 1)];
	while (l != NULL && l->group != group)
		l = l->next;
	return l;
}

void leaders_made(struct leaders *leaders, uint64_t group, const struct stat *st) {
	const uint64_t *found = key_map_find(&leaders->inodes, key_of_inode(st));
	struct leader *l = found != NULL ? (struct leader *)(uintptr_t)*found : NULL;

	if (l != NULL && l->group != group)
		l->is_gone = true;
}

void leaders_fini(struct leaders *leaders) {
	struct leader *next;

	for (size_t i = 0; i < leaders->nchains; i++) {
		for (struct leader *l = leaders->chains[i]; l != NULL; l = next) {
			next = l->next;
			free(l);
		}
	}
	free(leaders->chains);
	key_map_fini(&leaders->inodes);
	*leaders = (struct leaders){ 0 };
}
