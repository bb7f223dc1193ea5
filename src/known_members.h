#ifndef TARN_KNOWN_MEMBERS_H
#define TARN_KNOWN_MEMBERS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "error.h"
#include "key_map.h"
#include "key_set.h"
#include "member_path.h"
#include "options.h"

#define KNOWN_NSHARES 8

/*
 * What an extraction knows of the members that came by: which inode is which member, which were
 * left out, where an earlier one still lies, which directories are new.  A name is linked only to
 * what is known to be the member.
 *
 * Embed it.  All threads of an extraction share one, which locks itself.
 */
struct known_members {
	bool absolute_names;
	bool renames; /* members may be extracted under other names than theirs */
	uint64_t seed;
	/* Never false again.  They save most runs from taking the lock. */
	atomic_bool has_left_out, has_stale; /* there is such a key, or was */
	/*
	 * By key, so that threads rarely meet: who finds one locked sleeps longer than he waits
	 * for.
	 */
	struct known_share {
		pthread_mutex_t mutex; /* guards: */
		struct key_set keys;
		struct key_map inodes; /* 64 a key; where members are renamed, one's name */
	} shares[KNOWN_NSHARES];
};

/**
 * Nothing is known yet.  Where ${o} lets members keep their names it is relied on that what this
 * run made at the place of a name is the last member of that name.
 */
void known_members_init(struct known_members *known, const struct options *o);
void known_members_fini(struct known_members *known);

/**
 * Remember that the inode ${st} is the member that the archive calls ${member}: made by this run,
 * or found to be the same; and nothing else, though its number may have been that of a file that is
 * gone.  Returns TARN_OK or TARN_ENOMEM.  A byte where inodes are numbered one after the other and
 * members keep their names, 43 at most; expected O(1).
 */
int known_members_add(
    struct known_members *known, const char *member, const struct stat *st, struct error *err);

/** Is what ${st} describes known to be ${member}, or any at all? */
bool known_members_has(struct known_members *known, const char *member, const struct stat *st);
bool known_members_has_any(struct known_members *known, const struct stat *st);

/**
 * The last member that was to be at ${path} is not: what lies there is stale, an earlier one, until
 * one is there again.  Returns TARN_OK or TARN_ENOMEM.
 */
int known_members_failed_at(
    struct known_members *known, const struct member_path *path, struct error *err);
void known_members_is_at(struct known_members *known, const struct member_path *path);
bool known_members_is_stale(struct known_members *known, const struct member_path *path);

/**
 * This run has made the directory ${path}: what lies in it was made by this run as well, unless
 * another process interferes.  Returns TARN_OK or TARN_ENOMEM.
 */
int known_members_made_directory(
    struct known_members *known, const struct member_path *path, struct error *err);
/** Has it made the one that ${path} lies in? */
bool known_members_made_parent(struct known_members *known, const struct member_path *path);

/**
 * Remember that ${member} was left out on purpose (and that was counted), so that its later names
 * are left out as well rather than missed.  Returns TARN_OK or TARN_ENOMEM.
 */
int known_members_leave_out(struct known_members *known, const char *member, struct error *err);
bool known_members_left_out(struct known_members *known, const char *member);
/** Another ${member} came behind the one that was left out, if any was. */
void known_members_came(struct known_members *known, const char *member);

/**
 * A key for ${path}, but with -P another one for an absolute name, which is below another
 * destination.
 */
uint64_t known_members_key_of_place(
    const struct known_members *known, const struct member_path *path);

#endif
