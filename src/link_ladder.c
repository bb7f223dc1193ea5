#include "config.h"

#include "link_ladder.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "key_set.h"
#include "leaders.h"
#include "name_copy.h"

/*
 * tree_sink and new_member put later names with link_ladder_add, and tell the ladder of each member
 * that they made (link_ladder_is, link_ladder_put).  With --links=auto a name goes down these rungs
 * until one holds:
 *
 *  1. a link to a leader of its group, if there is one (link_to_leader);
 *  2. a link to the first name (link_to);
 *  3. a copy, by reflink, copy_file_range() or a buffer, where link() refused in a way that a copy
 *     gets around (copy_refused).  The copy becomes the newest leader of the group.
 *
 * strict has no third rung; copy, reflink and symlink leave out the links.  A first name that is
 * not there, or is not the member, is no refusal: TARN_NO_FIRST asks the source for the content.
 *
 * The name that a member links to is looked at before it is linked, and must be known to be the
 * member (known_members.h).
 *
 * Groups that met a refusal, or lack their first name, have leaders (leaders.h): other inodes with
 * the same content, made by this run, that can still take names on their device.
 */

struct link_ladder {
	enum links links;
	struct known_members *known;
	struct archive_limits *limits;
	struct report *report;
	uint64_t seed; /* of the keys of members */
	/* Never false again.  They save most runs from taking the lock. */
	atomic_bool has_leaders, has_refusing;
	/*
	 * Held to make a leader: one is enough for all who need it.  Taken before mutex, as it is
	 * held while a file is copied; mutex is not.
	 */
	pthread_mutex_t copying;
	pthread_mutex_t mutex; /* guards what follows */
	dev_t *refusing;       /* devices that refuse all links */
	size_t nrefusing, refusing_capacity;
	struct leaders leaders;
};

/* A name that is being made, and the inode that it gets. */
struct new_name {
	struct link_ladder *ladder;
	struct contained *contained; /* of this thread */
	const struct later_name *later;
	const struct leader *leader; /* to link to; NULL: what is known to be the member */
	struct stat *st; /* what was looked at last: what is linked to, or the copy that was made */
};

struct link_ladder *link_ladder_new(enum links links, struct known_members *known,
    struct archive_limits *limits, struct report *report) {
	struct link_ladder *ladder = calloc(1, sizeof(*ladder));

	if (ladder == NULL)
		return NULL;
	ladder->links = links;
	ladder->known = known;
	ladder->limits = limits;
	ladder->report = report;
	ladder->seed = key_seed();
	pthread_mutex_init(&ladder->copying, NULL);
	pthread_mutex_init(&ladder->mutex, NULL);
	return ladder;
}

void link_ladder_free(struct link_ladder *ladder) {
	if (ladder == NULL)
		return;
	leaders_fini(&ladder->leaders);
	free(ladder->refusing);
	pthread_mutex_destroy(&ladder->mutex);
	pthread_mutex_destroy(&ladder->copying);
	free(ladder);
}

int link_ladder_is(
    struct link_ladder *ladder, const char *member, const struct stat *st, struct error *err) {
	int r = known_members_add(ladder->known, member, st, err);

	/* A leader that was removed may have left its inode number to this file. */
	if (ladder->has_leaders) {
		pthread_mutex_lock(&ladder->mutex);
		leaders_made(&ladder->leaders, key_of_name(ladder->seed, member), st);
		pthread_mutex_unlock(&ladder->mutex);
	}
	return r;
}

uint64_t link_ladder_group(
    const struct link_ladder *ladder, const struct member_path *first, const char *member) {
	/* At a place there is one member after the other, so all its names share a group. */
	return first != NULL ? known_members_key_of_place(ladder->known, first) :
	                       key_of_name(ladder->seed, member);
}

static void end_leaders(struct link_ladder *ladder, uint64_t group) {
	pthread_mutex_lock(&ladder->mutex);
	leaders_end(&ladder->leaders, group);
	pthread_mutex_unlock(&ladder->mutex);
}

int link_ladder_put(
    struct link_ladder *ladder, const struct member_path *path, bool is_put, struct error *err) {
	if (ladder->has_leaders)
		end_leaders(ladder, link_ladder_group(ladder, path, NULL));
	if (!is_put)
		return known_members_failed_at(ladder->known, path, err);
	known_members_is_at(ladder->known, path);
	return TARN_OK;
}

static bool refuses_links(struct link_ladder *ladder, dev_t dev) {
	bool refuses = false;

	if (!ladder->has_refusing)
		return false;
	pthread_mutex_lock(&ladder->mutex);
	for (size_t i = 0; i < ladder->nrefusing; i++)
		refuses = refuses || ladder->refusing[i] == dev;
	pthread_mutex_unlock(&ladder->mutex);
	return refuses;
}

/* Remember that ${dev} refuses all links; without memory it is asked again. */
static void remember_refusing(struct link_ladder *ladder, dev_t dev) {
	struct error err;

	if (refuses_links(ladder, dev))
		return;
	pthread_mutex_lock(&ladder->mutex);
	if (array_reserve((void **)&ladder->refusing, &ladder->refusing_capacity,
	        ladder->nrefusing + 1, sizeof(*ladder->refusing), &err) == TARN_OK) {
		ladder->refusing[ladder->nrefusing++] = dev;
		ladder->has_refusing = true;
	}
	pthread_mutex_unlock(&ladder->mutex);
}

/*
 * Does it speak for the whole file system when link() refused a name to a file with ${errnum}?  The
 * kernel protects what belongs to others (protected_hardlinks), and files may be immutable: a plain
 * file that is the user's own is neither when this run made it.
 */
static bool is_about_device(int errnum, bool is_own) {
	return errnum == EOPNOTSUPP || errnum == ENOSYS || (errnum == EPERM && is_own);
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

/*
 * Make ${name} a copy of the file at its first name, which must be the inode that *${name}->st
 * says.  *${name}->st is that of the copy then, with the size of the content, and *${was_own} says
 * whose the other is.  TARN_NO_FIRST: it may not be read.
 */
static int copy_file(const struct new_name *name, bool *was_own, struct error *err) {
	struct link_ladder *ladder = name->ladder;
	struct name_copy copy = {
		.of = name->later->first,
		.st = name->st,
		.name = name->later->name,
		.contained = name->contained,
		.path = name->later->path,
		.replace = name->later->replace,
		.links = ladder->links,
		.limits = ladder->limits,
		.report = ladder->report,
	};
	struct fresh fresh = { .fd = -1 };
	int r = name_copy_make(&copy, &fresh, err);

	if (r == TARN_OK) {
		*name->st = fresh.st;
		name->st->st_size = copy.size;
		*was_own = copy.was_own;
		/*
		 * Before it has its name, as with every member: what is found there must be known.
		 */
		r = link_ladder_is(ladder, name->later->member, &fresh.st, err);
	}
	if (r == TARN_OK)
		r = contained_commit(&fresh, err);
	contained_discard(&fresh);
	return r;
}

/* Is ${st} what ${name} is to be linked to? */
static bool is_right(const struct new_name *name, const struct stat *st) {
	const struct leader *l = name->leader;

	return l != NULL ? st->st_ino == l->ino && st->st_dev == l->dev && !l->is_gone :
	                   known_members_has(name->ladder->known, name->later->member, st);
}

/*
 * Is it right what lies at ${from}?  *${name}->st is its inode.  TARN_NO_FIRST otherwise, also when
 * it cannot be looked at: then the content may still be had from the archive.
 */
static int look(const struct member_path *from, const struct new_name *name, struct error *err) {
	int r = contained_stat(name->contained, from, name->st, err);

	if (r != TARN_OK && r != TARN_ENOMEM)
		return err_set(err, TARN_NO_FIRST, 0, "it was not extracted");
	if (r == TARN_OK &&
	    (known_members_is_stale(name->ladder->known, from) || !is_right(name, name->st)))
		return err_set(err, TARN_NO_FIRST, 0, "another file is in its place");
	return r;
}

static bool is_wanted(const struct linking *linking, const struct stat *st) {
	return is_right(linking->context, st);
}

/*
 * Link ${name} to what lies at ${from}, if that is right.  In a directory that this run made
 * nothing else is to be expected: there it is enough to look at what was linked.  (Not where some
 * device refuses links: only a look tells which one it is on.)  TARN_ESYSTEM with
 * link()'s errnum is a refusal, and *${name}->st then is what lies at ${from}.
 */
static int link_to(const struct member_path *from, const struct new_name *name, struct error *err) {
	struct link_ladder *ladder = name->ladder;
	struct linking linking = {
		.existing = from,
		.is_wanted = is_wanted,
		.context = name,
		.replace = name->later->replace,
	};
	bool looks_later = !ladder->has_refusing &&
	    known_members_made_parent(ladder->known, from) &&
	    !known_members_is_stale(ladder->known, from);
	struct error looked;
	int r = looks_later ? TARN_OK : look(from, name, err);

	if (r != TARN_OK)
		return r;
	/* With looks_later nothing was looked at yet that could tell its device. */
	if (!looks_later && refuses_links(ladder, name->st->st_dev))
		return err_set(err, TARN_ESYSTEM, EPERM, "Cannot link");
	r = contained_link(name->contained, &linking, name->later->path, err);
	if (r == TARN_OK)
		*name->st = linking.st;
	if (r == TARN_OK || r == TARN_EXISTS || r == TARN_ENOMEM)
		return r;
	/* With the wrong file, or none, in its place no copy is wanted. */
	if (looks_later && look(from, name, &looked) != TARN_OK) {
		*err = looked;
		return (int)err->code;
	}
	return r;
}

/* A symbolic link at ${name} that leads to the file at its first name. */
static int make_symlink(const struct new_name *name, struct error *err) {
	const struct later_name *later = name->later;
	struct fresh fresh = { .fd = -1 };
	char *target = member_path_between(later->path, later->first);
	int r;

	if (target == NULL)
		return err_nomem(err);
	r = contained_symlink(name->contained, later->path, target, later->replace, &fresh, err);
	if (r == TARN_OK)
		r = link_ladder_is(name->ladder, later->member, &fresh.st, err);
	if (r == TARN_OK)
		r = contained_commit(&fresh, err);
	contained_discard(&fresh);
	free(target);
	return r;
}

/* Unlike link_ladder_lead, the earlier leaders stay: they have the same content, but are full. */
static int lead(struct link_ladder *ladder, uint64_t group, const char *member,
    const struct member_path *path, const struct stat *st, struct error *err) {
	uint64_t member_key = key_of_name(ladder->seed, member);
	int r;

	pthread_mutex_lock(&ladder->mutex);
	r = leaders_add(&ladder->leaders, group, member_key, path, st, err);
	pthread_mutex_unlock(&ladder->mutex);
	if (r == TARN_OK)
		ladder->has_leaders = true;
	return r;
}

int link_ladder_lead(struct link_ladder *ladder, uint64_t group, const char *member,
    const struct member_path *path, const struct stat *st, struct error *err) {
	end_leaders(ladder, group);
	return lead(ladder, group, member, path, st, err);
}

/* The next that leads names of ${member} in ${group} behind ${l}, or the first; or NULL. */
static const struct leader *next_leader(
    struct link_ladder *ladder, uint64_t group, const char *member, const struct leader *l) {
	uint64_t member_key = key_of_name(ladder->seed, member);

	pthread_mutex_lock(&ladder->mutex);
	l = leaders_next(&ladder->leaders, group, member_key, l);
	pthread_mutex_unlock(&ladder->mutex);
	return l;
}

int link_ladder_leader(struct link_ladder *ladder, uint64_t group, const char *member,
    struct member_path *path, struct error *err) {
	const struct leader *l = next_leader(ladder, group, member, NULL);

	return l != NULL ? member_path_set(path, l->name, err) : TARN_END;
}

/*
 * Link ${name} to one of the leaders of its group, the newest that takes it.  TARN_END: there is
 * none, the first name is to be asked.
 */
static int link_to_leader(const struct new_name *name, struct error *err) {
	struct link_ladder *ladder = name->ladder;
	struct member_path path = { .storage = NULL };
	struct new_name new = *name;
	uint64_t group;
	int r = TARN_END;

	if (!ladder->has_leaders)
		return TARN_END;
	group = link_ladder_group(ladder, name->later->first, name->later->member);
	while ((new.leader = next_leader(ladder, group, name->later->member, new.leader)) != NULL) {
		r = member_path_set(&path, new.leader->name, err);
		if (r == TARN_OK)
			r = link_to(&path, &new, err);
		if (r == TARN_OK || r == TARN_EXISTS || r == TARN_ENOMEM)
			break;
		/* This one is full, on another device, or replaced: an older one may still do. */
		r = TARN_END;
	}
	member_path_fini(&path);
	return r;
}

/* Link ${name} to a leader of its group, or to what lies at its first name. */
static int link_to_any(const struct new_name *name, struct error *err) {
	int r = link_to_leader(name, err);

	return r == TARN_END ? link_to(name->later->first, name, err) : r;
}

/*
 * Make ${name} a copy, as link() refused with what ${err} says; it leads if it can be linked to.
 * *${name}->st is what link() refused.
 */
static int copy_refused(const struct new_name *name, enum report_reason reason, struct error *err) {
	struct link_ladder *ladder = name->ladder;
	const struct later_name *later = name->later;
	int errnum = err->errnum; /* copy_file() overwrites it */
	bool was_own;
	int r = copy_file(name, &was_own, err);

	if (r != TARN_OK)
		return r;
	/* Only now: where the copy cannot be made either, it was the directory that refused. */
	if (is_about_device(errnum, was_own))
		remember_refusing(ladder, name->st->st_dev);
	report_count(ladder->report, reason, later->name,
	    S_ISREG(name->st->st_mode) ? (uint64_t)name->st->st_size : 0);
	return refuses_links(ladder, name->st->st_dev) ?
	    TARN_OK :
	    lead(ladder, link_ladder_group(ladder, later->first, later->member), later->member,
	        later->path, name->st, err);
}

static int link_or_copy(const struct new_name *name, struct error *err) {
	struct link_ladder *ladder = name->ladder;
	int r = link_to_any(name, err);
	enum report_reason reason;
	struct stat refused;
	struct error asked;

	if (r != TARN_ESYSTEM || !is_refusal(err->errnum, &reason))
		return r;
	/* Which nothing gets around. */
	if (S_ISDIR(name->st->st_mode))
		return err_set(
		    err, TARN_ESYSTEM, EPERM, "Cannot hard link to '%s'", name->later->member);
	/* No leader is to be made there, so nobody need wait for another's copy. */
	if (refuses_links(ladder, name->st->st_dev))
		return copy_refused(name, reason, err);
	/* Another thread may just have made a copy that this name can be linked to. */
	refused = *name->st;
	pthread_mutex_lock(&ladder->copying);
	r = link_to_leader(name, &asked);
	if (r == TARN_END) {
		/* Not the leader that link_to_leader may have looked at. */
		*name->st = refused;
		r = copy_refused(name, reason, err);
	} else if (r != TARN_OK) {
		*err = asked;
	}
	pthread_mutex_unlock(&ladder->copying);
	return r;
}

static bool is_same_place(const struct member_path *a, const struct member_path *b) {
	return strcmp(a->last, b->last) == 0 && strcmp(a->parent, b->parent) == 0;
}

int link_ladder_find(struct link_ladder *ladder, struct contained *contained,
    const struct later_name *name, struct error *err) {
	struct stat st;
	const struct new_name new = {
		.ladder = ladder, .contained = contained, .later = name, .st = &st
	};

	if (ladder->has_leaders &&
	    next_leader(ladder, link_ladder_group(ladder, name->first, name->member), name->member,
	        NULL) != NULL)
		return TARN_OK;
	return look(name->first, &new, err);
}

int link_ladder_add(struct link_ladder *ladder, struct contained *contained,
    const struct later_name *name, struct error *err) {
	struct stat st;
	const struct new_name new = {
		.ladder = ladder, .contained = contained, .later = name, .st = &st
	};
	bool was_own;
	int r;

	/* A name that is given twice is written by tar as a link to itself: it is there. */
	if (is_same_place(name->first, name->path))
		return look(name->first, &new, err);
	if (ladder->links == LINKS_AUTO)
		return link_or_copy(&new, err);
	if (ladder->links == LINKS_STRICT)
		return link_to_any(&new, err);
	r = look(name->first, &new, err);
	if (r != TARN_OK)
		return r;
	return ladder->links == LINKS_SYMLINK ? make_symlink(&new, err) :
	                                        copy_file(&new, &was_own, err);
}
