#include "config.h"

#include "leaders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "key_set.h"

/*
 * A list a group, the newest leader first: that is the one that has most room for names.  Two maps
 * lead into the lists, one by group, one by inode; values of a key_map are numbers, so pointers are
 * kept as such.
 *
 * A leader is never freed before the end, only marked as gone, with those that lead its group no
 * more taken out of that.  So link_ladder, which guards all calls with its mutex, may use one that
 * it got without it; ${next} does not change and ${is_gone} is atomic.
 */

/* Without a seed of its own: which inode numbers there are is not for an archive to choose. */
static uint64_t key_of_inode(const struct stat *st) {
	return key_with_numbers(0, st->st_ino, st->st_dev);
}

/* The leader that is the value of ${key}; NULL: none. */
static struct leader *find(const struct key_map *map, uint64_t key) {
	const uint64_t *found = key_map_find(map, key);

	return found != NULL ? (struct leader *)(uintptr_t)*found : NULL;
}

int leaders_add(struct leaders *leaders, uint64_t group, uint64_t member,
    const struct member_path *path, const struct stat *st, struct error *err) {
	/* Room for two slashes and the NUL.  The name is as absolute as the path was. */
	size_t nbytes = path->parent_nbytes + strlen(path->last) + 3;
	struct leader *l = malloc(sizeof(*l) + nbytes);

	if (l == NULL)
		return err_nomem(err);
	*l = (struct leader){
		.next = find(&leaders->groups, group),
		.member = member,
		.dev = st->st_dev,
		.ino = st->st_ino,
	};
	snprintf(l->name, nbytes, "%s%s%s%s", path->dropped > 0 ? "/" : "", path->parent,
	    path->parent_nbytes > 0 ? "/" : "", path->last);
	if (key_map_set(&leaders->groups, group, (uintptr_t)l, err) != TARN_OK) {
		free(l);
		return TARN_ENOMEM;
	}
	l->next_of_all = leaders->all;
	leaders->all = l;
	/* Without memory for this one it leads all the same. */
	return key_map_set(&leaders->inodes, key_of_inode(st), (uintptr_t)l, err);
}

const struct leader *leaders_next(
    const struct leaders *leaders, uint64_t group, uint64_t member, const struct leader *l) {
	do
		l = l != NULL ? l->next : find(&leaders->groups, group);
	while (l != NULL && (l->is_gone || l->member != member));
	return l;
}

void leaders_end(struct leaders *leaders, uint64_t group) {
	uint64_t *newest = key_map_find(&leaders->groups, group);

	if (newest == NULL)
		return;
	for (struct leader *l = (struct leader *)(uintptr_t)*newest; l != NULL; l = l->next)
		l->is_gone = true;
	*newest = (uintptr_t)NULL;
}

void leaders_made(struct leaders *leaders, uint64_t member, const struct stat *st) {
	struct leader *l = find(&leaders->inodes, key_of_inode(st));

	if (l != NULL && l->member != member)
		l->is_gone = true;
}

void leaders_fini(struct leaders *leaders) {
	for (struct leader *l = leaders->all, *next; l != NULL; l = next) {
		next = l->next_of_all;
		free(l);
	}
	key_map_fini(&leaders->groups);
	key_map_fini(&leaders->inodes);
}
