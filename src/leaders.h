#ifndef TARN_LEADERS_H
#define TARN_LEADERS_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/stat.h>

#include "error.h"
#include "key_map.h"
#include "member_path.h"

/*
 * Files that stand in for others in a group of names, which are to be linked to what lies at one
 * place: where a name could not be and became a copy, those of the same member that follow are
 * linked to that.  A leader is an inode, and it has the name that it was made under: what lies
 * there may be something else by now, so whoever links to it looks.
 *
 * Keys are those of key_set.h.  Embed it; all zero is empty.
 */
struct leaders {
	struct key_map groups; /* the newest leader of each that is led */
	struct key_map inodes; /* the last leader that each was */
	struct leader *all;    /* the newest */
};

struct leader {
	struct leader *next; /* the one before it of the same group */
	struct leader *next_of_all;
	uint64_t member; /* key of its first name in the archive */
	dev_t dev;
	ino_t ino;
	atomic_bool is_gone; /* nothing is to be linked to it any more */
	char name[];
};

/**
 * The file ${st} of ${member}, made at ${path}, leads ${group} from now on.  Returns TARN_OK or
 * TARN_ENOMEM.
 */
int leaders_add(struct leaders *leaders, uint64_t group, uint64_t member,
    const struct member_path *path, const struct stat *st, struct error *err);

/** What leads ${group} is another file than those that follow: nothing leads it any more. */
void leaders_end(struct leaders *leaders, uint64_t group);

/**
 * The next of ${member} that leads ${group} behind ${l}, or with NULL the newest; NULL: there is
 * none.  They stay.
 */
const struct leader *leaders_next(
    const struct leaders *leaders, uint64_t group, uint64_t member, const struct leader *l);

/**
 * A file of ${member} has the inode ${st}: what leads another one's names under that number is
 * gone.
 */
void leaders_made(struct leaders *leaders, uint64_t member, const struct stat *st);

void leaders_fini(struct leaders *leaders);

#endif
