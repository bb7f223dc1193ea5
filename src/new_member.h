#ifndef TARN_NEW_MEMBER_H
#define TARN_NEW_MEMBER_H

#include <stdbool.h>

#include "contained.h"
#include "entry.h"
#include "error.h"
#include "known_members.h"
#include "link_ladder.h"
#include "member_path.h"
#include "metadata.h"
#include "source.h"

/* A member, no directory, that is to be made with its content and metadata.  All is borrowed. */
struct new_member {
	const struct metadata_policy *policy; /* with its options and report */
	struct known_members *known;          /* are told of it, */
	struct link_ladder *ladder;           /* through this one */
	struct contained *below;
	const struct member_path *path;
	const struct entry *e;
	struct source *from; /* its content */
	/*
	 * Not NULL when this is a later name that brings content of its own.  It is linked to what
	 * lies at the place of its first name only if that, whichever run made it, turns out to be
	 * equal in content and metadata; otherwise it becomes a file of its own.
	 */
	const struct later_name *name;
	bool replace; /* what is at path */
};

/**
 * Make ${m}.  What lies at its place stays after a failure, as contained_commit has it.
 *
 * Returns TARN_OK; TARN_UNHELD when the file system has nothing like it; TARN_EFORMAT when it is
 * nothing that could be made; what m->from failed with, TARN_ELIMIT with the name of the member;
 * what contained_create, contained_commit, link_ladder_add and the like return.
 */
int new_member_put(const struct new_member *m, struct error *err);

#endif
