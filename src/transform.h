#ifndef TARN_TRANSFORM_H
#define TARN_TRANSFORM_H

#include <stddef.h>

#include "error.h"

/*
 * --transform: member names rewritten by sed expressions, as GNU tar has them (its manual,
 * "Modifying File and Member Names"): s/REGEX/REPLACEMENT/FLAGS with any delimiter, several of them
 * separated by `;', and flags=FLAGS, which gives default scopes to those behind it.  Flags are g,
 * i, x, a number, and the scopes r, s, h, of which the capital letter takes one away.  Names are
 * matched in the locale that is set: what is not text there matches no `.'.
 */
struct transform;

/* What an expression applies to: all three by default. */
enum transform_scope {
	TRANSFORM_NAME = 1,    /* r */
	TRANSFORM_SYMLINK = 2, /* s: targets of symbolic links */
	/*
	 * h: targets of link members.  None is rewritten by it: they go where their members went.
	 */
	TRANSFORM_HARDLINK = 4
};

/**
 * Add what ${text} says to *${transform}, which is made if it is NULL.
 * Returns TARN_OK, TARN_EUSAGE or TARN_ENOMEM; *${transform} is to be freed in every case.
 */
int transform_add(struct transform **transform, const char *text, struct error *err);
void transform_free(struct transform *transform);

/* Where a rewritten name is.  Embed it, reuse it; all zero is empty. */
struct transformed {
	char *text[2];
	size_t capacity[2];
};

/**
 * Rewrite ${name} as expressions of this ${scope} say, one after the other; ${transform} may be
 * NULL.  *${result} is ${name} itself when none applies, else belongs to ${to} until it is used
 * again; it may be empty.  A name that is rewritten has no slash at its end (but "/" itself).
 * Returns TARN_OK or TARN_ENOMEM.
 */
int transform_apply(const struct transform *transform, enum transform_scope scope, const char *name,
    struct transformed *to, const char **result, struct error *err);
void transformed_fini(struct transformed *to);

#endif
