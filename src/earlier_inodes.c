#include "config.h"

#include "earlier_inodes.h"

#include <string.h>

#include "key_set.h"

/*
 * A first name stands at one place of the text; where its member was replaced it is made empty, so
 * that whatever leads there finds nothing.
 *
 * There are two ways to it.  The first name of an inode that this run meets is looked for by what
 * the inode is; its later names by that first name, as their entries do not tell all that the key
 * is made of.  Link members of the archive are not noted, as new names link to the first name
 * itself.
 */

/*
 * Everything that a link member takes from its first name is part of the key, so that only what
 * would come out alike is found.  Numbers of 64 bits stand for it: equal keys are taken for equal
 * files.
 */
static uint64_t key_of_inode(const struct earlier_inodes *earlier, const struct entry *e) {
	const struct identity *id = &e->identity;
	uint64_t key = key_with_numbers(earlier->seed, id->ino, (uint64_t)e->size);

	/* No file has UINT64_MAX nanoseconds: with and without a birth time are never the same. */
	key = id->has_btime ?
	    key_with_numbers(key, (uint64_t)id->btime.tv_sec, (uint64_t)id->btime.tv_nsec) :
	    key_with_numbers(key, id->dev, UINT64_MAX);
	key = key_with_numbers(key, (uint64_t)id->mtime.tv_sec, (uint64_t)id->mtime.tv_nsec);
	/* The member's time beside the file's: with --mtime it is another one. */
	key = key_with_numbers(key, (uint64_t)e->mtime.tv_sec, id->attributes);
	key = key_with_numbers(key, e->uid, e->gid);
	/* --transform gives one symbolic link different targets in different runs. */
	if (e->target != NULL)
		key = key_with_bytes(key, e->target, strlen(e->target));
	return key_with_numbers(key, e->mode, e->type);
}

/* The name at the offset *${at} of the text; moves when the text grows. */
static char *first_at(const struct earlier_inodes *earlier, const uint64_t *at) {
	return (char *)earlier->text.data + *at;
}

/*
 * A member called ${name} comes: what links to that name would mean the new one.  Nothing is done
 * for a name that leads to another first name: that one is still in the archive.
 */
static void replace(struct earlier_inodes *earlier, const char *name) {
	const uint64_t *at = key_map_find(&earlier->names, key_of_name(earlier->seed, name));

	if (at != NULL &&
	    key_of_name(earlier->seed, first_at(earlier, at)) == key_of_name(earlier->seed, name))
		*first_at(earlier, at) = '\0';
}

int earlier_inodes_note(struct earlier_inodes *earlier, const struct entry *e, struct error *err) {
	size_t at = earlier->text.nbytes;
	int r;

	/* Until there is a text both maps are empty, and no key of another seed is about. */
	if (at == 0)
		earlier->seed = key_seed();
	replace(earlier, e->name);
	if (!e->is_whole || e->type == ENTRY_DIRECTORY || e->identity.ino == 0)
		return TARN_OK;
	r = bytes_append(&earlier->text, e->name, strlen(e->name) + 1, err);
	if (r == TARN_OK)
		r = key_map_set(&earlier->inodes, key_of_inode(earlier, e), at, err);
	return r == TARN_OK ?
	    key_map_set(&earlier->names, key_of_name(earlier->seed, e->name), at, err) :
	    r;
}

const char *earlier_inodes_find(const struct earlier_inodes *earlier, const struct entry *e) {
	const uint64_t *at;
	const char *first;

	/* In most runs: nothing was there before, so no keys are made. */
	if (earlier->inodes.n == 0 || e->type == ENTRY_DIRECTORY)
		return NULL;
	at = e->first_name != NULL ?
	    key_map_find(&earlier->names, key_of_name(earlier->seed, e->first_name)) :
	    key_map_find(&earlier->inodes, key_of_inode(earlier, e));
	if (at == NULL)
		return NULL;
	first = first_at(earlier, at);
	/* A member that is stored again under its own name would become a link to itself. */
	return *first != '\0' &&
	        key_of_name(earlier->seed, first) != key_of_name(earlier->seed, e->name) ?
	    first :
	    NULL;
}

int earlier_inodes_put(
    struct earlier_inodes *earlier, const struct entry *e, const char *first, struct error *err) {
	uint64_t *at, key;

	if (earlier->inodes.n == 0)
		return TARN_OK;
	key = key_of_name(earlier->seed, e->name);
	replace(earlier, e->name);
	/* So later names of this run link to ${first}, and not to ${e}, which is a link itself. */
	if (first != NULL)
		return key_map_set(&earlier->names, key,
		    (uint64_t)((const unsigned char *)first - earlier->text.data), err);
	at = key_map_find(&earlier->names, key);
	if (at != NULL)
		*at = earlier->text.nbytes - 1; /* the end of the last name: an empty one */
	return TARN_OK;
}

void earlier_inodes_fini(struct earlier_inodes *earlier) {
	bytes_fini(&earlier->text);
	key_map_fini(&earlier->inodes);
	key_map_fini(&earlier->names);
}
