#ifndef TARN_LINK_LADDER_H
#define TARN_LINK_LADDER_H

#include <stdbool.h>
#include <sys/stat.h>

#include "archive_limits.h"
#include "contained.h"
#include "error.h"
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
 * remembers which member each inode was made from.
 *
 * Several threads may use one ladder, each in a struct contained of its own, as long as the first name of
 * a file is done before its later names come.  Where the limit of links is met by several at the same time, any
 * one of them may become the copy.
 */
struct link_ladder;

/**
 * A ladder for ${o} that counts copies in ${limits} and ${report}; all are borrowed.  Where members keep their names the
 * ladder relies on it: what this run made at the place of a name is the last member of that name.
 * NULL when out of memory.
 */
struct link_ladder *link_ladder_new(
    const struct options *o, struct archive_limits *limits, struct report *report);
void link_ladder_free(struct link_ladder *ladder);

/**
 * Remember that the inode ${st} is the member that the archive calls ${member}: made by this run, or
 * found to be the same; and nothing else, though its number may have been that of a file that is gone.
 * Returns TARN_OK or TARN_ENOMEM.  A byte where inodes are numbered one after the other and
 * members keep their names, 43 at most; expected O(1).
 */
int link_ladder_is(
    struct link_ladder *ladder, const char *member, const struct stat *st, struct error *err);

/**
 * A member was put at ${path}, or was to be and ${is_put} is not: what lies there then is an earlier
 * one, to which nothing is linked.  What led the names that are linked to this place is of an earlier one, too,
 * and does not any more.  Returns TARN_OK or TARN_ENOMEM.
 */
int link_ladder_put(
    struct link_ladder *ladder, const struct member_path *path, bool is_put, struct error *err);
/** What lies at ${path} was found to be the last member that was to be there. */
void link_ladder_is_at(struct link_ladder *ladder, const struct member_path *path);

/**
 * This run has made the directory ${path}: what lies in it was made by this run as well, unless another
 * process interferes.  Returns TARN_OK or TARN_ENOMEM.
 */
int link_ladder_made_directory(
    struct link_ladder *ladder, const struct member_path *path, struct error *err);

/** Is what ${st} describes known to be ${member}, or any at all? */
bool link_ladder_knows(struct link_ladder *ladder, const char *member, const struct stat *st);
bool link_ladder_knows_any(struct link_ladder *ladder, const struct stat *st);

/**
 * Remember that ${member} was left out on purpose (and that was counted), so that its later names
 * are left out as well rather than missed.
 */
int link_ladder_left_out(struct link_ladder *ladder, const char *member, struct error *err);
bool link_ladder_has_left_out(struct link_ladder *ladder, const char *member);
/** Another ${member} came behind the one that was left out, if any was. */
void link_ladder_came(struct link_ladder *ladder, const char *member);

/** The group of the names of ${member} that are linked to what lies at ${first}; NULL: to what has no place. */
uint64_t link_ladder_group(
    const struct link_ladder *ladder, const struct member_path *first, const char *member);
/**
 * ${st}, a file of ${member} which was made at ${path}, is what the names of ${group} that follow are to be linked
 * to, and nothing else.  Returns TARN_OK or TARN_ENOMEM.
 */
int link_ladder_lead(struct link_ladder *ladder, uint64_t group, const char *member,
    const struct member_path *path, const struct stat *st, struct error *err);
/**
 * *${path} is the place of the last file of ${member} that was to lead; TARN_END when there is none, or
 * TARN_ENOMEM.
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
 * Is there anything that ${name} could be linked to?  TARN_OK, TARN_NO_FIRST, or TARN_ENOMEM; by then
 * nothing was done.
 */
int link_ladder_find(struct link_ladder *ladder, struct contained *contained,
    const struct later_name *name, struct error *err);

/**
 * Make ${name}.
 *
 * Returns TARN_OK; TARN_ELIMIT; TARN_NO_FIRST when what lies at ${name}->first is not known to be the member, or
 * nothing is there; TARN_EXISTS; TARN_EREFUSED when it was replaced meanwhile; TARN_ESYSTEM when a
 * copy failed too, or --links=strict forbids it; TARN_ENOMEM.
 */
int link_ladder_add(struct link_ladder *ladder, struct contained *contained,
    const struct later_name *name, struct error *err);

#endif
