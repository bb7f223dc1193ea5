#include "config.h"

#include "link_ladder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "metadata.h"

/*
 * What this run made is kept as a set of 64-bit keys, hashes of (device, inode) under a random
 * seed, eight bytes each: the name that a member links to is looked at before it is linked, and
 * must be in the set.  A false hit needs a collision in 64 bits, and could only link to a file of
 * the destination.  Names that were left out share the set, hashed as strings.
 *
 * Groups that met a refusal have leaders, the newest first: names of other inodes with the same
 * content, made by this run, that can still take names on their device.  They hang in a table of
 * chains by the hash of the group's first name.
 */

#define SET_MIN_CAPACITY 1024
#define LEADERS_MIN_CHAINS 64
#define COPY_NBYTES ((size_t)1 << 20)

struct key_set {
	uint64_t *keys;  /* 0: free */
	size_t capacity; /* a power of two; at most 3/4 are used */
	size_t n;
};

struct leader {
	struct leader *next;
	uint64_t group; /* path_key of the group's first name */
	char name[];
};

struct link_ladder {
	struct report *report;
	uint64_t seed;
	struct key_set set;
	struct leader **chains;
	size_t nchains; /* a power of two; 0: no leader yet */
	size_t nleaders;
	struct member_path leader_path;
};

/* The name to be made, and the inode that it gets. */
struct new_name {
	struct contained *contained;
	const struct member_path *path;
	bool replace;
	struct stat *st;
};

static uint64_t mix(uint64_t x) {
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 32;
	return x;
}

static uint64_t inode_key(const struct link_ladder *ladder, const struct stat *st) {
	uint64_t key = mix(mix(st->st_ino ^ ladder->seed) + st->st_dev);

	return key != 0 ? key : 1;
}

static uint64_t string_key(uint64_t key, const char *s) {
	for (; *s != '\0'; s++)
		key = (key ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return mix(key);
}

static uint64_t path_key(const struct link_ladder *ladder, const struct member_path *path) {
	uint64_t key = string_key(string_key(ladder->seed, path->parent) + 1, path->last);

	return key != 0 ? key : 1;
}

/* The slot of ${key}, or the free one where it belongs. */
static size_t set_find(const struct key_set *set, uint64_t key) {
	size_t i = key & (set->capacity - 1);

	while (set->keys[i] != 0 && set->keys[i] != key)
		i = (i + 1) & (set->capacity - 1);
	return i;
}

static bool set_has(const struct key_set *set, uint64_t key) {
	return set->n > 0 && set->keys[set_find(set, key)] == key;
}

static int set_grow(struct key_set *set, struct error *err) {
	struct key_set grown = { .capacity = set->capacity * 2, .n = set->n };

	if (grown.capacity == 0)
		grown.capacity = SET_MIN_CAPACITY;
	grown.keys = calloc(grown.capacity, sizeof(*grown.keys));
	if (grown.keys == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < set->capacity; i++) {
		if (set->keys[i] != 0)
			grown.keys[set_find(&grown, set->keys[i])] = set->keys[i];
	}
	free(set->keys);
	*set = grown;
	return TARN_OK;
}

static int set_add(struct key_set *set, uint64_t key, struct error *err) {
	size_t i;

	if (set->n >= set->capacity / 4 * 3 && set_grow(set, err) != TARN_OK)
		return (int)err->code;
	i = set_find(set, key);
	if (set->keys[i] == 0) {
		set->keys[i] = key;
		set->n++;
	}
	return TARN_OK;
}

struct link_ladder *link_ladder_new(struct report *report) {
	struct link_ladder *ladder = calloc(1, sizeof(*ladder));

	if (ladder == NULL)
		return NULL;
	ladder->report = report;
	/* Without random bytes the seed is 0, which costs speed under attack, and nothing else. */
	if (getrandom(&ladder->seed, sizeof(ladder->seed), GRND_NONBLOCK) < 0)
		ladder->seed = 0;
	return ladder;
}

void link_ladder_free(struct link_ladder *ladder) {
	struct leader *next;

	if (ladder == NULL)
		return;
	for (size_t i = 0; i < ladder->nchains; i++) {
		for (struct leader *l = ladder->chains[i]; l != NULL; l = next) {
			next = l->next;
			free(l);
		}
	}
	free(ladder->chains);
	free(ladder->set.keys);
	member_path_fini(&ladder->leader_path);
	free(ladder);
}

int link_ladder_restored(struct link_ladder *ladder, const struct stat *st, struct error *err) {
	return set_add(&ladder->set, inode_key(ladder, st), err);
}

bool link_ladder_has_restored(const struct link_ladder *ladder, const struct stat *st) {
	return set_has(&ladder->set, inode_key(ladder, st));
}

int link_ladder_left_out(
    struct link_ladder *ladder, const struct member_path *path, struct error *err) {
	return set_add(&ladder->set, path_key(ladder, path), err);
}

/* True when link() refused in a way that a copy gets around; says which reason it counts as. */
static bool is_refusal(int errnum, enum report_reason *reason) {
	switch (errnum) {
	case EMLINK:
		*reason = REPORT_COPIED_LINK_LIMIT;
		return true;
	case EXDEV:
		*reason = REPORT_COPIED_OTHER_DEVICE;
		return true;
	case EPERM:
	case EACCES:
	case EOPNOTSUPP:
	case ENOSYS:
		*reason = REPORT_COPIED_REFUSED;
		return true;
	default:
		return false;
	}
}

/* Copy ${nbytes} from ${offset} of one file to the same place in another. */
static int copy_run(int from, int to, off_t offset, off_t nbytes, struct error *err) {
	off_t in = offset, out = offset, end = offset + nbytes;
	char *buf = NULL;
	ssize_t n;
	int r = TARN_OK;

	while (in < end) {
		n = copy_file_range(from, &in, to, &out, (size_t)(end - in), 0);
		if (n <= 0)
			break;
	}
	/* Between some file systems the kernel does not copy: through a buffer, then. */
	if (in < end && (buf = malloc(COPY_NBYTES)) == NULL)
		return err_nomem(err);
	while (in < end) {
		size_t want = end - in < (off_t)COPY_NBYTES ? (size_t)(end - in) : COPY_NBYTES;

		n = pread(from, buf, want, in);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			r = err_set(err, TARN_ESYSTEM, n < 0 ? errno : EIO, "Cannot read");
			break;
		}
		n = pwrite(to, buf, (size_t)n, in);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r = err_set(err, TARN_ESYSTEM, errno, "Cannot write");
			break;
		}
		in += n;
	}
	free(buf);
	return r;
}

/* Copy the content of a regular file, its holes as holes. */
static int copy_content(int from, int to, const struct stat *st, struct error *err) {
	off_t data, hole = 0;

	if (ioctl(to, FICLONE, from) == 0)
		return TARN_OK;
	while (hole < st->st_size) {
		data = lseek(from, hole, SEEK_DATA);
		if (data < 0 && errno == ENXIO) {
			/* A hole at the end: only its length is left to be set. */
			if (ftruncate(to, st->st_size) != 0)
				return err_set(err, TARN_ESYSTEM, errno, "Cannot extend");
			break;
		}
		if (data < 0)
			data = hole;
		hole = lseek(from, data, SEEK_HOLE);
		if (hole < 0 || hole > st->st_size)
			hole = st->st_size;
		if (data < hole && copy_run(from, to, data, hole - data, err) != TARN_OK)
			return (int)err->code;
	}
	return TARN_OK;
}

/* Make ${name} the kind of file that ${from} is, which ${st} describes; still empty. */
static int make_alike(const struct new_name *name, int from, const struct stat *st,
    struct fresh *fresh, struct error *err) {
	char target[PATH_MAX];
	ssize_t n;

	if (S_ISREG(st->st_mode))
		return contained_create(name->contained, name->path, name->replace, fresh, err);
	if (!S_ISLNK(st->st_mode))
		return contained_mknod(name->contained, name->path, (st->st_mode & S_IFMT) | 0600,
		    st->st_rdev, name->replace, fresh, err);
	n = readlinkat(from, "", target, sizeof(target) - 1);
	if (n < 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot readlink");
	target[n] = '\0';
	return contained_symlink(name->contained, name->path, target, name->replace, fresh, err);
}

/* Make ${name} a copy of the file at ${first}, which must be the inode that *${name}->st says. */
static int copy_file(struct link_ladder *ladder, const struct member_path *first,
    const struct new_name *name, struct error *err) {
	struct fresh fresh = { .fd = -1 };
	struct stat opened;
	int from = -1, r;

	r = contained_open_existing(
	    name->contained, first, S_ISREG(name->st->st_mode) ? O_RDONLY : O_PATH, &from, err);
	if (r != TARN_OK)
		goto done;
	if (fstat(from, &opened) != 0 || opened.st_dev != name->st->st_dev ||
	    opened.st_ino != name->st->st_ino) {
		r = err_set(err, TARN_EREFUSED, 0, "The first name was replaced meanwhile");
		goto done;
	}
	r = make_alike(name, from, &opened, &fresh, err);
	if (r != TARN_OK)
		goto done;
	if (S_ISREG(opened.st_mode))
		r = copy_content(from, fresh.fd, &opened, err);
	if (r == TARN_OK && metadata_copy(from, fresh.fd, err) != TARN_OK)
		report_error(ladder->report, name->path->last, err);
	if (r == TARN_OK)
		r = link_ladder_restored(ladder, &fresh.st, err);
	*name->st = fresh.st;
	if (r == TARN_OK)
		r = contained_commit(&fresh, err);
done:
	contained_discard(&fresh);
	if (from >= 0)
		close(from);
	return r;
}

/* Link ${name} to what lies at ${from}, if that is an inode that this run made. */
static int link_to(const struct link_ladder *ladder, const struct member_path *from,
    const struct new_name *name, struct error *err) {
	int r = contained_stat(name->contained, from, name->st, err);

	if (r == TARN_ESYSTEM && (err->errnum == ENOENT || err->errnum == ENOTDIR))
		return err_set(err, TARN_EREFUSED, 0, "the first name was not extracted");
	if (r != TARN_OK)
		return r;
	if (!link_ladder_has_restored(ladder, name->st))
		return err_set(
		    err, TARN_EREFUSED, 0, "what is there was not extracted from this archive");
	return contained_link(name->contained, from, name->st, name->path, name->replace, err);
}

/* Twice as many chains.  The leaders of a group stay in their order: each goes to the end. */
static int grow_chains(struct link_ladder *ladder, struct error *err) {
	size_t nchains = ladder->nchains != 0 ? ladder->nchains * 2 : LEADERS_MIN_CHAINS;
	struct leader **chains = calloc(nchains, sizeof(*chains)), **end, *next;

	if (chains == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < ladder->nchains; i++) {
		for (struct leader *l = ladder->chains[i]; l != NULL; l = next) {
			next = l->next;
			end = &chains[l->group & (nchains - 1)];
			while (*end != NULL)
				end = &(*end)->next;
			*end = l;
			l->next = NULL;
		}
	}
	free(ladder->chains);
	ladder->chains = chains;
	ladder->nchains = nchains;
	return TARN_OK;
}

/* Make ${path} the first of the leaders of ${group}. */
static int add_leader(
    struct link_ladder *ladder, uint64_t group, const struct member_path *path, struct error *err) {
	size_t nbytes = path->parent_nbytes + strlen(path->last) + 2;
	struct leader *l, **chain;

	if (ladder->nleaders == ladder->nchains && grow_chains(ladder, err) != TARN_OK)
		return (int)err->code;
	l = malloc(sizeof(*l) + nbytes);
	if (l == NULL)
		return err_nomem(err);
	snprintf(l->name, nbytes, "%s/%s", path->parent, path->last);
	l->group = group;
	chain = &ladder->chains[group & (ladder->nchains - 1)];
	l->next = *chain;
	*chain = l;
	ladder->nleaders++;
	return TARN_OK;
}

/*
 * Link ${name} to one of the leaders of ${group}, the newest that takes it.  TARN_END: there is
 * none, the first name is to be asked.
 */
static int link_to_leader(
    struct link_ladder *ladder, uint64_t group, const struct new_name *name, struct error *err) {
	const struct leader *l;
	int r;

	l = ladder->nchains != 0 ? ladder->chains[group & (ladder->nchains - 1)] : NULL;
	for (; l != NULL; l = l->next) {
		if (l->group != group)
			continue;
		r = member_path_set(&ladder->leader_path, l->name, err);
		if (r != TARN_OK)
			return r;
		r = link_to(ladder, &ladder->leader_path, name, err);
		if (r == TARN_OK || r == TARN_EXISTS || r == TARN_ENOMEM)
			return r;
	}
	return TARN_END;
}

int link_ladder_add(struct link_ladder *ladder, struct contained *contained,
    const struct member_path *first, const struct member_path *path, bool replace, struct stat *st,
    struct error *err) {
	const struct new_name name = { contained, path, replace, st };
	uint64_t group = path_key(ladder, first);
	enum report_reason reason;
	int r;

	if (set_has(&ladder->set, group))
		return TARN_END;
	r = link_to_leader(ladder, group, &name, err);
	if (r != TARN_END)
		return r;
	r = link_to(ladder, first, &name, err);
	if (r != TARN_ESYSTEM || !is_refusal(err->errnum, &reason))
		return r;
	r = copy_file(ladder, first, &name, err);
	if (r != TARN_OK)
		return r;
	report_count(ladder->report, reason, S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0);
	return add_leader(ladder, group, path, err);
}
