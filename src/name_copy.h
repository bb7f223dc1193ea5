#ifndef TARN_NAME_COPY_H
#define TARN_NAME_COPY_H

#include <stdbool.h>
#include <sys/stat.h>

#include "archive_limits.h"
#include "contained.h"
#include "error.h"
#include "options.h"
#include "report.h"

/*
 * A copy of a file, of whatever type, in the place of one more name for it.  For link_ladder.
 */
struct name_copy {
	const struct member_path *of; /* where the file lies */
	const struct stat *st;        /* its inode */
	const char *name;             /* for messages */
	struct contained *contained;
	const struct member_path *path; /* of the copy */
	bool replace;                   /* what is there */
	enum links links;               /* how to copy */
	struct archive_limits *limits;
	struct report *report;
	/* What comes of it: */
	off_t size; /* of the content */
	/*
	 * The file is a plain one, and the user is its owner or has the rights of one; or nobody is
	 * more so, as any file would get that owner.
	 */
	bool was_own;
};

/**
 * Make ${copy} as ${fresh}, complete but for its name, with the metadata of the file.  ${fresh} is
 * to be given to contained_discard also after a failure: TARN_NO_FIRST when the file may not be
 * read, TARN_EREFUSED when another one lies there by now, TARN_ELIMIT, what making a file fails
 * with.
 */
int name_copy_make(struct name_copy *copy, struct fresh *fresh, struct error *err);

#endif
