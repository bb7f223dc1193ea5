#ifndef TARN_LINK_LADDER_H
#define TARN_LINK_LADDER_H

#include <stdbool.h>
#include <sys/stat.h>

#include "archive_limits.h"
#include "contained.h"
#include "error.h"
#include "known_members.h"
#include "options.h"
#include "report.h"

/*
 * How to give an inode one more name.  Beside the tree sink, and the only place that knows.
 *
 * link() first.  Where the system refuses it, a copy: by reflink, copy_file_range, or reading and
 * writing, with all the metadata of the first name.  The copy then leads: names that follow are
 * linked to it as long as they can be.  A file system that refuses all links is asked once.  What
 * became a copy is counted in the report.  --links asks for other ways.
 *
 * A name is linked only to what is known to be the member that it is another name of: the ladder
 * asks which member each inode was made from (known_members.h).
 *
 * Several threads may use one ladder, each in a struct contained of its own, as long as the first
 * name of a file is done before its later names come.  Where the limit of links is met by several
 * at the same time, any one of them may become the copy.
 */
struct link_ladder;

/**
 * A ladder that links to what is ${known} and counts copies in ${limits} and ${report}; all are
 * borrowed.  NULL when out of memory.
 */
struct link_ladder *link_ladder_new(enum links links, struct known_members *known,
    struct archive_limits *limits, struct report *report);
void link_ladder_free(struct link_ladder *ladder);

/** known_members_add, and the inode leads the names of no other member any more. */
int link_ladder_is(
    struct link_ladder *ladder, const char *member, const struct stat *st, struct error *err);

/**
 * A member was put at ${path}, or was to be and ${is_put} is not: what lies there then is an
 * earlier one, to which nothing is linked.  What led the names that are linked to this place is of
 * an earlier one, too, and does not any more.  Returns TARN_OK or TARN_ENOMEM.
 */
int link_ladder_put(
    struct link_ladder *ladder, const struct member_path *path, bool is_put, struct error *err);

/**
 * The group of the names of ${member} that are linked to what lies at ${first}; NULL: to what has
 * no place.
 */
uint64_t link_ladder_group(
    const struct link_ladder *ladder, const struct member_path *first, const char *member);
/**
 * ${st}, a file of ${member} which was made at ${path}, is what the names of ${group} that follow
 * are to be linked to, and nothing else.  Returns TARN_OK or TARN_ENOMEM.
 */
int link_ladder_lead(struct link_ladder *ladder, uint64_t group, const char *member,
    const struct member_path *path, const struct stat *st, struct error *err);
/**
 * *${path} is the place of the last file of ${member} that was to lead; TARN_END when there is
 * none, or TARN_ENOMEM.
 */
int link_ladder_leader(struct link_ladder *ladder, uint64_t group, const char *member,
    struct member_path *path, struct error *err);

/* One more name for a member. */
struct later_name {
	const char *name;                /* for messages */
	const char *member;              /* the first name, as the archive has it */
	const struct member_path *first; /* where that was extracted to */
	const struct member_path *path;  /* the name to be made */
	bool replace;                    /* what is at path */
};

/**
 * Is there anything that ${name} could be linked to?  TARN_OK, TARN_NO_FIRST, or TARN_ENOMEM; by
 * then nothing was done.
 */
int link_ladder_find(struct link_ladder *ladder, struct contained *contained,
    const struct later_name *name, struct error *err);

/**
 * Make ${name}.
 *
 * Returns TARN_OK; TARN_ELIMIT; TARN_NO_FIRST when what lies at ${name}->first is not known to be
 * the member, or nothing is there; TARN_EXISTS; TARN_EREFUSED when it was replaced meanwhile;
 * TARN_ESYSTEM when a copy failed too, or --links=strict forbids it; TARN_ENOMEM.
 */
int link_ladder_add(struct link_ladder *ladder, struct contained *contained,
    const struct later_name *name, struct error *err);

#endif
