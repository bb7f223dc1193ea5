#include "config.h"

#include "inode_map.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "key_set.h"

/*
 * An index of 32-bit handles (open addressing, linear probing) into an arena of records.  A record
 * is one inode with the last component of its name and the handle of its directory, which is a
 * record itself.
 *
 * The arena deals in granules of eight bytes out of chunks that never move: a handle is the number
 * of a granule, and 32 bits of it reach 32 GiB.  Freed pieces go to a list for their size and serve
 * the next of that size.  Only the index is ever copied, when it grows.
 *
 * All of this is for memory: malloc() adds eight bytes or more to each piece, and a pointer in the
 * index takes twice as much as a handle.  tests/unit/check_inode_map.c has the figure that must be
 * kept.
 */

#define GRANULE 8
#define CHUNK_GRANULES ((uint32_t)1 << 17) /* 1 MiB */
#define MAX_GRANULES 640                   /* the largest piece: a name of PATH_MAX, and some */
#define INDEX_MIN 64                       /* a power of two, and a multiple of 8 */
#define NO_HANDLE 0

/*
 * An inode in the arena, in the index under its number and device; no two there share both.  A
 * directory that is met again has one more record for its other name, which is in no index.  The
 * name begins right behind the flags: offsetof, not sizeof, is the size of what is before it.
 */
struct record {
	uint64_t ino;
	uint64_t guard;     /* birth time, or size and mtime, folded into one number */
	uint32_t directory; /* a handle; NO_HANDLE: ${name} is a whole name, or a prefix */
	uint32_t nleft;     /* names that were not seen yet; 0 also where there is no link count */
	uint16_t device;    /* a place in map->devices */
	bool is_directory : 1;
	bool guard_is_btime : 1;
	bool is_kept : 1; /* an operand is one of its names, and may be met again */
	char name[];
};

struct inode_map {
	bool trust_count;
	uint64_t seed;  /* of the hashes: inode numbers may be chosen by somebody else */
	dev_t *devices; /* none is ever taken out, so that their places stay */
	size_t ndevices;

	uint32_t *index; /* handles; NO_HANDLE: free */
	size_t capacity; /* a power of two; at most 7/8 are used */
	size_t nused;
	size_t n;                /* inodes, directories not among them */
	struct key_set operands; /* names of inodes that were counted, and may be met again */

	char **chunks;
	size_t nchunks, chunks_capacity;
	uint32_t fresh; /* the first granule of the last chunk that was never used */
	uint32_t free_lists[MAX_GRANULES + 1]; /* by size; the first word of a piece is the next */

	char *name; /* that was composed last */
	size_t name_capacity;
};

/* The piece called ${handle}.  It stays where it is until it is freed. */
static void *at(const struct inode_map *map, uint32_t handle) {
	return map->chunks[handle / CHUNK_GRANULES] + (size_t)(handle % CHUNK_GRANULES) * GRANULE;
}

static uint32_t granules(size_t nbytes) {
	return (uint32_t)((nbytes + GRANULE - 1) / GRANULE);
}

/* What is left of the chunk before is lost: with pieces this small that is next to nothing. */
static int add_chunk(struct inode_map *map, struct error *err) {
	char *chunk;
	int r = array_reserve((void **)&map->chunks, &map->chunks_capacity, map->nchunks + 1,
	    sizeof(*map->chunks), err);

	if (r != TARN_OK)
		return r;
	/* One more would have granules whose numbers do not fit a handle. */
	if (map->nchunks >= UINT32_MAX / CHUNK_GRANULES)
		return err_nomem(err);
	chunk = malloc((size_t)CHUNK_GRANULES * GRANULE);
	if (chunk == NULL)
		return err_nomem(err);
	map->chunks[map->nchunks++] = chunk;
	/* Granule 0 stays unused: its number means none. */
	map->fresh = map->nchunks == 1 ? 1 : 0;
	return TARN_OK;
}

/* A piece of ${n} granules, at most MAX_GRANULES, with whatever was in it before. */
static int arena_new(struct inode_map *map, uint32_t n, uint32_t *handle, struct error *err) {
	*handle = map->free_lists[n];
	if (*handle != NO_HANDLE) {
		memcpy(&map->free_lists[n], at(map, *handle), sizeof(uint32_t));
		return TARN_OK;
	}
	if (map->nchunks == 0 || map->fresh + n > CHUNK_GRANULES) {
		int r = add_chunk(map, err);

		if (r != TARN_OK)
			return r;
	}
	*handle = (uint32_t)(map->nchunks - 1) * CHUNK_GRANULES + map->fresh;
	map->fresh += n;
	return TARN_OK;
}

static void arena_free(struct inode_map *map, uint32_t handle, uint32_t n) {
	memcpy(at(map, handle), &map->free_lists[n], sizeof(uint32_t));
	map->free_lists[n] = handle;
}

int inode_map_new(struct inode_map **map, bool trust_count, struct error *err) {
	struct inode_map *m = calloc(1, sizeof(*m));

	*map = m;
	if (m == NULL)
		return err_nomem(err);
	m->trust_count = trust_count;
	m->seed = key_seed();
	return TARN_OK;
}

static size_t slot_of(const struct inode_map *map, uint64_t ino, uint16_t device) {
	return key_with_numbers(map->seed, ino, device) & (map->capacity - 1);
}

/* The slot of (ino, device), or the free one where it belongs. */
static size_t find(const struct inode_map *map, uint64_t ino, uint16_t device) {
	size_t i = slot_of(map, ino, device);
	const struct record *r;

	for (; map->index[i] != NO_HANDLE; i = (i + 1) & (map->capacity - 1)) {
		r = at(map, map->index[i]);
		if (r->ino == ino && r->device == device)
			break;
	}
	return i;
}

/* Twice as many slots.  Records do not have their hash: it is made anew from each. */
static int grow(struct inode_map *map, struct error *err) {
	size_t capacity = map->capacity != 0 ? map->capacity * 2 : INDEX_MIN;
	uint32_t *old = map->index, *index = calloc(capacity, sizeof(*index));
	size_t old_capacity = map->capacity;
	const struct record *r;

	if (index == NULL)
		return err_nomem(err);
	map->index = index;
	map->capacity = capacity;
	for (size_t i = 0; i < old_capacity; i++) {
		if (old[i] == NO_HANDLE)
			continue;
		r = at(map, old[i]);
		map->index[find(map, r->ino, r->device)] = old[i];
	}
	free(old);
	return TARN_OK;
}

/*
 * The small number of a device, new or not.  Looked for one by one: a tree lies on few devices.
 * TARN_ENOMEM also when there are more than 16 bits can tell apart.
 */
static int number_device(struct inode_map *map, dev_t dev, uint16_t *device, struct error *err) {
	dev_t *devices;

	for (size_t i = 0; i < map->ndevices; i++) {
		if (map->devices[i] == dev) {
			*device = (uint16_t)i;
			return TARN_OK;
		}
	}
	if (map->ndevices == UINT16_MAX)
		return err_nomem(err);
	devices = reallocarray(map->devices, map->ndevices + 1, sizeof(*devices));
	if (devices == NULL)
		return err_nomem(err);
	map->devices = devices;
	devices[map->ndevices] = dev;
	*device = (uint16_t)map->ndevices++;
	return TARN_OK;
}

/* Nanoseconds are below 2^30, so that no two times of five centuries are folded into one. */
static uint64_t fold_time(const struct timespec *t) {
	return (uint64_t)t->tv_sec << 30 ^ (uint64_t)t->tv_nsec;
}

/*
 * A record of the inode ${e} as it would stand in the index, but for what depends on its name.
 * Nothing is allocated for it, but its device has a number then.  TARN_ENOMEM: too many devices.
 */
static int record_of(
    struct inode_map *map, const struct entry *e, struct record *record, struct error *err) {
	*record = (struct record){
		.ino = e->identity.ino,
		.guard = e->identity.has_btime ?
		    fold_time(&e->identity.btime) :
		    key_with_numbers(fold_time(&e->mtime), (uint64_t)e->size, 0),
		.is_directory = e->type == ENTRY_DIRECTORY,
		.guard_is_btime = e->identity.has_btime,
	};
	/* A directory changes as names come and go, so that nothing but its birth guards it. */
	if (record->is_directory && !record->guard_is_btime)
		record->guard = 0;
	return number_device(map, e->identity.dev, &record->device, err);
}

/* Of two with the same number and device: are they the same inode, or was the number given anew? */
static bool is_same_inode(const struct record *a, const struct record *b) {
	return a->guard == b->guard && a->guard_is_btime == b->guard_is_btime &&
	    a->is_directory == b->is_directory;
}

static uint32_t record_granules(const char *name) {
	return granules(offsetof(struct record, name) + strlen(name) + 1);
}

/* Put ${like}, under ${name}, into the arena.  After a failure it is as it was. */
static int store(struct inode_map *map, const struct record *like, const char *name,
    uint32_t *handle, struct error *err) {
	uint32_t n = record_granules(name);
	struct record *r;
	int code;

	if (n > MAX_GRANULES)
		return err_set(err, TARN_EREFUSED, 0, "Name is too long to be remembered");
	code = arena_new(map, n, handle, err);
	if (code != TARN_OK)
		return code;
	r = at(map, *handle);
	memcpy(r, like, offsetof(struct record, name));
	strcpy(r->name, name);
	return TARN_OK;
}

/*
 * The record ${handle} is in the index no more.  That of a directory stays in the arena, as there
 * are names in it.
 */
static void drop(struct inode_map *map, uint32_t handle) {
	const struct record *r = at(map, handle);

	if (r->is_directory)
		return;
	map->n--;
	arena_free(map, handle, record_granules(r->name));
}

/*
 * Put ${like} into the arena and into the index, where it replaces what has its number: last of
 * all, so that this is still there after a failure.
 */
static int insert(struct inode_map *map, const struct record *like, const char *name,
    uint32_t *handle, struct error *err) {
	int code = TARN_OK;
	size_t i;

	/* Some slots must stay free, or else find() would not end. */
	if (map->nused >= map->capacity / 8 * 7)
		code = grow(map, err);
	if (code == TARN_OK)
		code = store(map, like, name, handle, err);
	if (code != TARN_OK)
		return code;
	i = find(map, like->ino, like->device);
	if (map->index[i] != NO_HANDLE)
		drop(map, map->index[i]);
	else
		map->nused++;
	map->index[i] = *handle;
	if (!like->is_directory)
		map->n++;
	return TARN_OK;
}

/* Take the record in slot ${i} out, and close the gap in the chain of probes. */
static void remove_slot(struct inode_map *map, size_t i) {
	size_t mask = map->capacity - 1;

	map->nused--;
	drop(map, map->index[i]);
	for (size_t k = (i + 1) & mask; map->index[k] != NO_HANDLE; k = (k + 1) & mask) {
		const struct record *next = at(map, map->index[k]);
		size_t home = slot_of(map, next->ino, next->device);

		/* Only what does not lie between the gap and its home may move up. */
		if (((k - home) & mask) >= ((k - i) & mask)) {
			map->index[i] = map->index[k];
			i = k;
		}
	}
	map->index[i] = NO_HANDLE;
}

/* The slot of a record that is there and is the inode of ${like}; SIZE_MAX: it is not. */
static size_t find_same(const struct inode_map *map, const struct record *like) {
	size_t i;

	if (map->capacity == 0)
		return SIZE_MAX;
	i = find(map, like->ino, like->device);
	return map->index[i] != NO_HANDLE && is_same_inode(at(map, map->index[i]), like) ? i :
	                                                                                   SIZE_MAX;
}

int inode_map_enter(struct inode_map *map, inode_directory parent, const char *name,
    const struct entry *e, inode_directory *directory, inode_directory *visited,
    struct error *err) {
	struct record like;
	size_t i;
	int code = record_of(map, e, &like, err);

	*visited = NO_HANDLE;
	if (code != TARN_OK)
		return code;
	like.directory = parent;
	i = find_same(map, &like);
	/*
	 * The index keeps the first place, so that all later ones refer to that and not to each
	 * other.
	 */
	if (i != SIZE_MAX) {
		*visited = map->index[i];
		return store(map, &like, name, directory, err);
	}
	return insert(map, &like, name, directory, err);
}

inode_directory inode_map_find_directory(
    const struct inode_map *map, const struct identity *identity) {
	/* A device that has no number yet has no directories: it is looked for, not given one. */
	for (size_t k = 0; k < map->ndevices && map->capacity > 0; k++) {
		size_t i = find(map, identity->ino, (uint16_t)k);
		const struct record *r;

		if (map->devices[k] != identity->dev || map->index[i] == NO_HANDLE)
			continue;
		r = at(map, map->index[i]);
		if (r->is_directory && r->guard_is_btime == identity->has_btime &&
		    (!r->guard_is_btime || r->guard == fold_time(&identity->btime)))
			return map->index[i];
	}
	return NO_HANDLE;
}

/* Write ${part} and a slash, unless it is empty or has one, before ${to}. */
static char *prepend(char *to, const char *part) {
	size_t nbytes = strlen(part);

	if (nbytes == 0)
		return to;
	if (part[nbytes - 1] != '/')
		*--to = '/';
	return memcpy(to - nbytes, part, nbytes);
}

const char *inode_map_name(
    struct inode_map *map, inode_directory directory, const char *component) {
	size_t nbytes = strlen(component) + 1;
	const struct record *d;
	char *to;

	/*
	 * Every part may get a slash.  The name is then written from its end, which is that of the
	 * room.
	 */
	for (uint32_t h = directory; h != NO_HANDLE; h = d->directory) {
		d = at(map, h);
		nbytes += strlen(d->name) + 1;
	}
	if (nbytes > map->name_capacity) {
		char *name = realloc(map->name, nbytes * 2);

		if (name == NULL)
			return NULL;
		map->name = name;
		map->name_capacity = nbytes * 2;
	}
	to = map->name + map->name_capacity - strlen(component) - 1;
	strcpy(to, component);
	for (uint32_t h = directory; h != NO_HANDLE; h = d->directory) {
		d = at(map, h);
		to = prepend(to, d->name);
	}
	return to;
}

/* What stands for ${like}'s inode under the member name ${name} in map->operands. */
static uint64_t operand_key(
    const struct inode_map *map, const struct record *like, const char *name) {
	return key_with_numbers(key_of_name(map->seed, name), like->ino, like->device);
}

/*
 * Was ${component}, of ${like}'s inode and in its directory, counted before?  Files in directories
 * that are met again are not asked about, so that it can only have been as an operand.  If
 * ${component} is an operand itself it counts from now on; *${counted} tells what was before.
 */
static int is_counted(struct inode_map *map, const struct record *like, const char *component,
    bool *counted, struct error *err) {
	const char *name = inode_map_name(map, like->directory, component);
	uint64_t key;

	if (name == NULL)
		return err_nomem(err);
	key = operand_key(map, like, name);
	*counted = key_set_has(&map->operands, key);
	return like->is_kept ? key_set_add(&map->operands, key, err) : TARN_OK;
}

/* ${like}'s inode has the record in slot ${i}: count the name, and tell the first one. */
static int add_later(struct inode_map *map, size_t i, const struct record *like,
    const char *component, const char **first, struct error *err) {
	struct record *r = at(map, map->index[i]);
	bool counted = false;

	if ((r->is_kept || like->is_kept) &&
	    is_counted(map, like, component, &counted, err) != TARN_OK)
		return (int)err->code;
	/* Composed while there is a record: with its last name the inode is forgotten. */
	*first = inode_map_name(map, r->directory, r->name);
	if (*first == NULL)
		return err_nomem(err);
	r->is_kept = r->is_kept || like->is_kept;
	if (!counted && r->nleft > 0 && --r->nleft == 0 && map->trust_count && !r->is_kept)
		remove_slot(map, i);
	return TARN_OK;
}

int inode_map_add(struct inode_map *map, inode_directory directory, const char *component,
    const struct entry *e, enum inode_seen *seen, const char **first, struct error *err) {
	struct record like;
	uint32_t handle;
	bool counted;
	size_t i;
	int code = record_of(map, e, &like, err);

	*seen = INODE_NEW;
	*first = NULL;
	if (code != TARN_OK)
		return code;
	like.directory = directory;
	like.is_kept = directory == NO_HANDLE;
	like.nleft = e->identity.nlink > 0 ? (uint32_t)e->identity.nlink - 1 : 0;
	i = find_same(map, &like);
	if (i != SIZE_MAX) {
		*seen = INODE_LATER;
		return add_later(map, i, &like, component, first, err);
	}
	/* Only to have it remembered: of a new inode no name was counted. */
	if (like.is_kept && is_counted(map, &like, component, &counted, err) != TARN_OK)
		return (int)err->code;
	if (map->capacity > 0 && map->index[find(map, like.ino, like.device)] != NO_HANDLE)
		*seen = INODE_MISMATCH;
	return insert(map, &like, component, &handle, err);
}

int inode_map_replace(struct inode_map *map, inode_directory directory, const char *component,
    const struct entry *e, struct error *err) {
	const struct record *old;
	struct record like;
	uint32_t handle;
	size_t i;
	int code = record_of(map, e, &like, err);

	/* One that is forgotten already had its last name met: nobody will ask for it. */
	if (code != TARN_OK || (i = find_same(map, &like)) == SIZE_MAX)
		return code;
	old = at(map, map->index[i]);
	like.directory = directory;
	like.nleft = old->nleft;
	like.is_kept = old->is_kept;
	return insert(map, &like, component, &handle, err);
}

bool inode_map_has_operand(struct inode_map *map, const struct entry *e) {
	struct record like;
	struct error err;

	return map->operands.n > 0 && record_of(map, e, &like, &err) == TARN_OK &&
	    key_set_has(&map->operands, operand_key(map, &like, e->name));
}

void inode_map_forget(struct inode_map *map, const struct entry *e) {
	struct record like;
	struct error err;
	size_t i;

	/* An error means that its device is not known, and then nothing on it is. */
	if (record_of(map, e, &like, &err) == TARN_OK && (i = find_same(map, &like)) != SIZE_MAX)
		remove_slot(map, i);
}

static int compare_handles(const void *a, const void *b) {
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

void inode_map_report_missing(struct inode_map *map, struct report *report) {
	/*
	 * In the order of the arena, mostly that in which they were met: slots have another one in
	 * each run.
	 */
	if (map->capacity > 0)
		qsort(map->index, map->capacity, sizeof(*map->index), compare_handles);
	for (size_t i = 0; i < map->capacity; i++) {
		const struct record *r;
		const char *name;

		if (map->index[i] == NO_HANDLE)
			continue;
		r = at(map, map->index[i]);
		if (r->is_directory || r->nleft == 0)
			continue;
		name = inode_map_name(map, r->directory, r->name);
		report_note(report, NULL, "Missing links to '%s': %" PRIu32,
		    name != NULL ? name : r->name, r->nleft);
	}
}

void inode_map_get_stats(const struct inode_map *map, struct inode_map_stats *stats) {
	*stats = (struct inode_map_stats){
		.ninodes = map->n,
		.nbytes = sizeof(*map) + map->capacity * sizeof(*map->index) +
		    map->nchunks * (size_t)CHUNK_GRANULES * GRANULE +
		    map->chunks_capacity * sizeof(*map->chunks) + map->name_capacity +
		    map->operands.capacity * sizeof(*map->operands.keys),
	};
}

void inode_map_free(struct inode_map *map) {
	if (map == NULL)
		return;
	for (size_t i = 0; i < map->nchunks; i++)
		free(map->chunks[i]);
	free(map->chunks);
	free(map->index);
	free(map->devices);
	free(map->name);
	key_set_fini(&map->operands);
	free(map);
}
