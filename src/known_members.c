#include "config.h"

#include "known_members.h"

#include <string.h>

/*
 * A bit for each inode, under a key (key_set.h) of its device and of its number but for the last 6
 * bits: files that are made one after the other mostly have numbers that follow each other.  A
 * false hit could only link to a file of the destination, as what a name is linked to is found by
 * the place of the member.
 *
 * Where members are renamed, what lies at a place may be another one: there the map says of each
 * inode which it is.  A file that is replaced leaves its number to the next one, which takes over
 * its entry.
 *
 * All else is a key in one set: names that were left out, and places with what is known of them.
 */

void known_members_init(struct known_members *known, const struct options *o) {
	*known = (struct known_members){
		.absolute_names = o->absolute_names,
		.renames = options_rename(o),
		.seed = key_seed(),
	};
	for (size_t i = 0; i < KNOWN_NSHARES; i++)
		pthread_mutex_init(&known->shares[i].mutex, NULL);
}

void known_members_fini(struct known_members *known) {
	for (size_t i = 0; i < KNOWN_NSHARES; i++) {
		key_set_fini(&known->shares[i].keys);
		key_map_fini(&known->shares[i].inodes);
		pthread_mutex_destroy(&known->shares[i].mutex);
	}
}

/* Where ${key} is, locked.  Not by its lowest bits, which say which slot it has there. */
static struct known_share *lock_share(struct known_members *known, uint64_t key) {
	struct known_share *share = &known->shares[(key >> 32) % KNOWN_NSHARES];

	pthread_mutex_lock(&share->mutex);
	return share;
}

static void unlock_share(struct known_share *share) {
	pthread_mutex_unlock(&share->mutex);
}

/*
 * With the type: numbers are given to new files, also to directories, once the old are gone.  64
 * inodes share a key, and have a bit each in its value, unless the value is to say which member it
 * is.
 */
static uint64_t key_of_inode(const struct known_members *known, const struct stat *st) {
	return key_with_numbers(known->seed ^ (st->st_mode & S_IFMT),
	    known->renames ? st->st_ino : st->st_ino / 64, st->st_dev);
}

static uint64_t bit_of(const struct stat *st) {
	return (uint64_t)1 << st->st_ino % 64;
}

/* What the value of ${st}'s key says of ${st} alone: which member it is, or its bit.  Never 0. */
static uint64_t own_value(
    const struct known_members *known, const char *member, const struct stat *st) {
	return known->renames ? key_of_name(known->seed, member) : bit_of(st);
}

/* The same as own_value, of what is known of ${st}; 0: nothing. */
static uint64_t known_value(struct known_members *known, const struct stat *st) {
	uint64_t key = key_of_inode(known, st), value;
	struct known_share *share = lock_share(known, key);
	const uint64_t *found;

	found = key_map_find(&share->inodes, key);
	value = found != NULL ? *found : 0;
	unlock_share(share);
	return known->renames ? value : value & bit_of(st);
}

int known_members_add(
    struct known_members *known, const char *member, const struct stat *st, struct error *err) {
	uint64_t key = key_of_inode(known, st), value = own_value(known, member, st), *found;
	struct known_share *share = lock_share(known, key);
	int r = TARN_OK;

	found = key_map_find(&share->inodes, key);
	if (found == NULL)
		r = key_map_set(&share->inodes, key, value, err);
	else
		*found = known->renames ? value : *found | value;
	unlock_share(share);
	return r;
}

bool known_members_has(struct known_members *known, const char *member, const struct stat *st) {
	return known_value(known, st) == own_value(known, member, st);
}

bool known_members_has_any(struct known_members *known, const struct stat *st) {
	return known_value(known, st) != 0;
}

static int remember(struct known_members *known, uint64_t key, struct error *err) {
	struct known_share *share = lock_share(known, key);
	int r;

	r = key_set_add(&share->keys, key, err);
	unlock_share(share);
	return r;
}

static void forget(struct known_members *known, uint64_t key) {
	struct known_share *share = lock_share(known, key);

	key_set_remove(&share->keys, key);
	unlock_share(share);
}

static bool knows(struct known_members *known, uint64_t key) {
	struct known_share *share = lock_share(known, key);
	bool is_known;

	is_known = key_set_has(&share->keys, key);
	unlock_share(share);
	return is_known;
}

/* In which ways something is known of a place, or is of it elsewhere. */
enum about_place { ABOUT_OWN_DIRECTORY, ABOUT_STALE, ABOUT_ELSE };

static uint64_t key_of_place(
    const struct known_members *known, const struct member_path *path, enum about_place about) {
	uint64_t key = key_with_bytes(known->seed, path->parent, path->parent_nbytes);

	return key_with_numbers(key_with_bytes(key, path->last, strlen(path->last)),
	    known->absolute_names && path->dropped > 0, about);
}

uint64_t known_members_key_of_place(
    const struct known_members *known, const struct member_path *path) {
	return key_of_place(known, path, ABOUT_ELSE);
}

int known_members_failed_at(
    struct known_members *known, const struct member_path *path, struct error *err) {
	known->has_stale = true;
	return remember(known, key_of_place(known, path, ABOUT_STALE), err);
}

void known_members_is_at(struct known_members *known, const struct member_path *path) {
	if (known->has_stale)
		forget(known, key_of_place(known, path, ABOUT_STALE));
}

bool known_members_is_stale(struct known_members *known, const struct member_path *path) {
	return known->has_stale && knows(known, key_of_place(known, path, ABOUT_STALE));
}

int known_members_made_directory(
    struct known_members *known, const struct member_path *path, struct error *err) {
	return remember(known, key_of_place(known, path, ABOUT_OWN_DIRECTORY), err);
}

bool known_members_made_parent(struct known_members *known, const struct member_path *path) {
	const char *slash = memrchr(path->parent, '/', path->parent_nbytes);
	const struct member_path directory = {
		.parent = path->parent,
		.parent_nbytes = slash != NULL ? (size_t)(slash - path->parent) : 0,
		.last = slash != NULL ? slash + 1 : path->parent,
		.dropped = path->dropped,
	};

	return knows(known, key_of_place(known, &directory, ABOUT_OWN_DIRECTORY));
}

int known_members_leave_out(struct known_members *known, const char *member, struct error *err) {
	known->has_left_out = true;
	return remember(known, key_of_name(known->seed, member), err);
}

bool known_members_left_out(struct known_members *known, const char *member) {
	return known->has_left_out && knows(known, key_of_name(known->seed, member));
}

void known_members_came(struct known_members *known, const char *member) {
	if (known->has_left_out)
		forget(known, key_of_name(known->seed, member));
}
