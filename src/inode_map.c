#include "config.h"

#include "inode_map.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/*
 * An index of 32-bit handles (open addressing, linear probing) into an arena of records.  A record
 * is one inode with the last component of its first name inline; directories are counted nodes in
 * the same arena, so that what the names of one directory share is there once.
 *
 * The arena deals in granules of eight bytes out of chunks that never move: a handle is the number
 * of a granule, and 32 bits of it reach 32 GiB.  Freed pieces go to a list for their size and serve
 * the next of that size.  Only the index is ever copied, when it grows.
 */

#define GRANULE 8
#define CHUNK_GRANULES ((uint32_t)1 << 17) /* 1 MiB */
#define MAX_GRANULES 640 /* the largest piece: a record with a name of PATH_MAX, and some */
#define INDEX_MIN 64
#define NO_HANDLE 0

struct inode_directory {
	struct inode_directory *parent;
	uint32_t refs;
	uint32_t nbytes; /* of name, without its NUL */
	char name[];
};

struct record {
	uint64_t ino;
	uint64_t guard; /* birth time, or size and mtime, folded into one number */
	struct inode_directory *directory;
	uint32_t nseen; /* names seen so far, this one among them */
	uint16_t device;
	uint8_t guard_is_btime;
	char name[];
};

struct inode_map {
	bool trust_count;
	uint64_t seed;
	dev_t *devices;
	size_t ndevices;

	uint32_t *index; /* handles; NO_HANDLE: free */
	size_t capacity; /* a power of two; at most 7/8 are used */
	size_t n, n_peak;

	char **chunks;
	size_t nchunks, chunks_capacity;
	uint32_t fresh; /* the first granule of the last chunk that was never used */
	uint32_t free_lists[MAX_GRANULES + 1]; /* by size; the first word of a piece is the next */

	char *first; /* the name that was composed last */
	size_t first_capacity;
};

static void *at(const struct inode_map *map, uint32_t handle) {
	return map->chunks[handle / CHUNK_GRANULES] + (size_t)(handle % CHUNK_GRANULES) * GRANULE;
}

static uint32_t granules(size_t nbytes) {
	return (uint32_t)((nbytes + GRANULE - 1) / GRANULE);
}

static int add_chunk(struct inode_map *map, struct error *err) {
	char *chunk;

	if (map->nchunks == map->chunks_capacity) {
		size_t capacity = map->chunks_capacity * 2 + 16;
		char **chunks = reallocarray(map->chunks, capacity, sizeof(*chunks));

		if (chunks == NULL)
			return err_nomem(err);
		map->chunks = chunks;
		map->chunks_capacity = capacity;
	}
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

/* A piece of ${n} granules. */
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
	/* Without random bytes the seed is 0, which costs speed under attack, and nothing else. */
	if (getrandom(&m->seed, sizeof(m->seed), GRND_NONBLOCK) < 0)
		m->seed = 0;
	return TARN_OK;
}

int inode_map_enter(struct inode_map *map, struct inode_directory *parent, const char *name,
    struct inode_directory **directory, struct error *err) {
	size_t nbytes = strlen(name);
	struct inode_directory *d;

	(void)map;
	if (nbytes > UINT32_MAX || (d = malloc(sizeof(*d) + nbytes + 1)) == NULL)
		return err_nomem(err);
	d->parent = parent;
	d->refs = 1;
	d->nbytes = (uint32_t)nbytes;
	memcpy(d->name, name, nbytes + 1);
	if (parent != NULL)
		parent->refs++;
	*directory = d;
	return TARN_OK;
}

void inode_map_leave(struct inode_map *map, struct inode_directory *directory) {
	struct inode_directory *parent;

	(void)map;
	while (directory != NULL && --directory->refs == 0) {
		parent = directory->parent;
		free(directory);
		directory = parent;
	}
}

static uint64_t mix(uint64_t x) {
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 32;
	return x;
}

static size_t slot_of(const struct inode_map *map, uint64_t ino, uint16_t device) {
	return mix(mix(ino ^ map->seed) + device) & (map->capacity - 1);
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

/* The small number of a device. */
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

static uint64_t fold_time(const struct timespec *t) {
	return (uint64_t)t->tv_sec << 30 ^ (uint64_t)t->tv_nsec;
}

static uint64_t guard_of(const struct entry *e) {
	if (e->identity.has_btime)
		return fold_time(&e->identity.btime);
	return mix(fold_time(&e->mtime)) ^ (uint64_t)e->size;
}

static uint32_t record_granules(const struct record *r) {
	return granules(sizeof(*r) + strlen(r->name) + 1);
}

/* Take the record in slot ${i} out, and close the gap in the chain of probes. */
static void remove_slot(struct inode_map *map, size_t i) {
	uint32_t handle = map->index[i];
	struct record *r = at(map, handle);
	size_t mask = map->capacity - 1;

	inode_map_leave(map, r->directory);
	arena_free(map, handle, record_granules(r));
	map->n--;
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

/* Compose the first name of ${r} from its end. */
static int compose(struct inode_map *map, const struct record *r, struct error *err) {
	size_t nbytes = strlen(r->name) + 1;
	char *to;

	for (const struct inode_directory *d = r->directory; d != NULL; d = d->parent)
		nbytes += d->nbytes + 1u;
	if (nbytes > map->first_capacity) {
		char *first = realloc(map->first, nbytes * 2);

		if (first == NULL)
			return err_nomem(err);
		map->first = first;
		map->first_capacity = nbytes * 2;
	}
	to = map->first + nbytes;
	to -= strlen(r->name) + 1;
	strcpy(to, r->name);
	for (const struct inode_directory *d = r->directory; d != NULL; d = d->parent) {
		if (d->nbytes == 0)
			continue;
		if (d->name[d->nbytes - 1] != '/')
			*--to = '/';
		to -= d->nbytes;
		memcpy(to, d->name, d->nbytes);
	}
	memmove(map->first, to, strlen(to) + 1);
	return TARN_OK;
}

static int insert(
    struct inode_map *map, const struct record *like, const char *component, struct error *err) {
	size_t nbytes = strlen(component) + 1;
	uint32_t n = granules(sizeof(*like) + nbytes), handle;
	struct record *r;
	int code;

	if (n > MAX_GRANULES)
		return err_set(err, TARN_EREFUSED, 0, "Name is too long to be remembered");
	if (map->n >= map->capacity / 8 * 7 && (code = grow(map, err)) != TARN_OK)
		return code;
	code = arena_new(map, n, &handle, err);
	if (code != TARN_OK)
		return code;
	r = at(map, handle);
	*r = *like;
	memcpy(r->name, component, nbytes);
	r->directory->refs++;
	map->index[find(map, r->ino, r->device)] = handle;
	if (++map->n > map->n_peak)
		map->n_peak = map->n;
	return TARN_OK;
}

int inode_map_add(struct inode_map *map, struct inode_directory *directory, const char *component,
    const struct entry *e, enum inode_seen *seen, const char **first, struct error *err) {
	struct record like = {
		.ino = e->identity.ino,
		.guard = guard_of(e),
		.directory = directory,
		.nseen = 1,
		.guard_is_btime = e->identity.has_btime,
	};
	struct record *r;
	size_t i;
	int code = number_device(map, e->identity.dev, &like.device, err);

	*seen = INODE_NEW;
	*first = NULL;
	if (code != TARN_OK)
		return code;
	i = map->capacity > 0 ? find(map, like.ino, like.device) : 0;
	if (map->capacity == 0 || map->index[i] == NO_HANDLE)
		return insert(map, &like, component, err);
	r = at(map, map->index[i]);
	if (r->guard != like.guard || r->guard_is_btime != like.guard_is_btime) {
		*seen = INODE_MISMATCH;
		remove_slot(map, i);
		return insert(map, &like, component, err);
	}
	code = compose(map, r, err);
	if (code != TARN_OK)
		return code;
	*seen = INODE_LATER;
	*first = map->first;
	if (++r->nseen >= e->identity.nlink && map->trust_count)
		remove_slot(map, i);
	return TARN_OK;
}

void inode_map_forget(struct inode_map *map, const struct entry *e) {
	for (size_t k = 0; k < map->ndevices && map->n > 0; k++) {
		size_t i = find(map, e->identity.ino, (uint16_t)k);

		if (map->devices[k] == e->identity.dev && map->index[i] != NO_HANDLE)
			remove_slot(map, i);
	}
}

void inode_map_get_stats(const struct inode_map *map, struct inode_map_stats *stats) {
	*stats = (struct inode_map_stats){
		.ninodes = map->n,
		.ninodes_peak = map->n_peak,
		.nbytes = sizeof(*map) + map->capacity * sizeof(*map->index) +
		    map->nchunks * (size_t)CHUNK_GRANULES * GRANULE +
		    map->chunks_capacity * sizeof(*map->chunks) + map->first_capacity,
	};
}

void inode_map_free(struct inode_map *map) {
	if (map == NULL)
		return;
	for (size_t i = 0; i < map->capacity; i++) {
		if (map->index[i] != NO_HANDLE)
			inode_map_leave(map, ((struct record *)at(map, map->index[i]))->directory);
	}
	for (size_t i = 0; i < map->nchunks; i++)
		free(map->chunks[i]);
	free(map->chunks);
	free(map->index);
	free(map->devices);
	free(map->first);
	free(map);
}
