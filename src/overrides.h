#ifndef TARN_OVERRIDES_H
#define TARN_OVERRIDES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "entry.h"
#include "error.h"

/*
 * Metadata that the command line sets for every member: --owner, --group, --mode, --mtime,
 * --clamp-mtime, --numeric-owner.  All strings are owned by the structure; all zero is legal and
 * changes nothing.
 *
 * Each setter replaces what an earlier call of it has set.  It returns TARN_OK, or an error after
 * which nothing has changed: TARN_EUSAGE, TARN_ENOMEM.
 */

/* One clause of a symbolic mode, "go-w" or "u=rwX"; opaque outside overrides.c. */
struct mode_clause;

/* Who files belong to.  With a number and no name they have none; with neither it is as it is. */
struct principal {
	bool has_id;
	uint64_t id;
	char *name; /* NULL: none */
};

struct overrides {
	struct principal user, group;
	bool numeric_owner; /* no names at all */
	bool has_mtime;
	bool clamp_mtime; /* mtime only replaces later ones */
	struct timespec mtime;
	struct mode_clause *mode; /* NULL: as it is */
	size_t nmode;
};

/**
 * Parse the argument of --owner (--group): NAME, NAME:UID, :UID, UID or +UID.  Of NAME and UID the
 * one that is not given is looked up.  As in GNU tar a NAME alone that the system does not know is
 * no error: members get that name and keep their number.
 */
int overrides_set_owner(struct overrides *o, const char *text, struct error *err);
int overrides_set_group(struct overrides *o, const char *text, struct error *err);

/**
 * Parse the argument of --mode as chmod(1) takes it: octal, or symbolic clauses.  Clauses that do
 * not say for whom leave alone what the umask of this moment holds back.
 */
int overrides_set_mode(struct overrides *o, const char *text, struct error *err);

/** Parse the argument of --mtime, a date; as date_parse. */
int overrides_set_mtime(struct overrides *o, const char *text, struct error *err);

/** Apply to ${e}; its strings then point into ${o}. */
void overrides_apply(const struct overrides *o, struct entry *e);

void overrides_fini(struct overrides *o);

#endif
