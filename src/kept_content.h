#ifndef TARN_KEPT_CONTENT_H
#define TARN_KEPT_CONTENT_H

#include <stdbool.h>
#include <stddef.h>

#include "entry.h"
#include "error.h"
#include "source.h"

/*
 * The content of a member that is put when its source has gone on, maybe by another thread: copied,
 * or lent by the source, which then outlives this.  All zero is that of a member without any.
 */
struct kept_content {
	struct content_place place; /* of what is lent; nbytes is 0 where nothing is */
	const char *data;           /* what was copied */
	size_t nbytes;
	const struct error *err; /* reading failed behind that; NULL: it did not */
};

/**
 * Copy the content of ${e} that ${from} has; holes become zeros.  ${room} has e->size bytes.
 * Should reading fail, content->err becomes ${err}.
 */
void kept_content_copy(struct kept_content *content, char *room, const struct entry *e,
    struct source *from, struct error *err);

/** Is the content that ${from} has, without holes, lent? */
bool kept_content_borrow(struct kept_content *content, struct source *from);

/* Content that is read.  Not to be freed. */
struct kept_source {
	struct source base;
	const struct kept_content *content;
	char **buf;
	off_t at; /* bytes that were read */
};

/** *${buf}, NULL at first, is the caller's to free: one buffer for all that is lent. */
void kept_source_init(struct kept_source *source, const struct kept_content *content, char **buf);

#endif
