#ifndef TARN_MEMBER_PATH_H
#define TARN_MEMBER_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "compat.h"
#include "error.h"

/*
 * A checked name: components without `', `.' and `..'.  Embed it, reuse it; all zero is legal for
 * member_path_set and member_path_fini.
 */
struct member_path {
	const char *parent; /* components but the last, joined by single slashes; "" for none */
	size_t parent_nbytes;
	const char *last; /* the last component; "" for the destination itself */
	size_t depth;     /* number of components; 0: the destination itself */
	size_t dropped;   /* number of leading slashes that were dropped */
	char *storage;    /* what parent and last point into; owned */
	size_t capacity;
};

/**
 * Check and split ${name} (copied): empty and `.' components and leading slashes are dropped.
 *
 * Returns TARN_OK; TARN_EREFUSED for an empty name, one with a `..' component ("Member name
 * contains '..'") or with a component of more than COMPONENT_NBYTES_MAX bytes; TARN_ENOMEM.  After
 * a failure ${path} holds no name: it can be set again or be given to member_path_fini.
 */
int member_path_set(struct member_path *path, const char *name, struct error *err);
void member_path_fini(struct member_path *path);

/** ${path}, a directory, becomes that of `.' in it, but for its depth. */
void member_path_go_into(struct member_path *path);

/**
 * The text of a symbolic link at ${path} that leads to ${to}: an allocation, NULL when out of
 * memory.
 */
char *member_path_between(const struct member_path *path, const struct member_path *to);

/**
 * The next component of *${name}, which need not be checked, and moves behind it: *${component}, of
 * as many bytes as are returned.  Empty ones and `.' are passed over, `..' is not; 0: there is
 * none.
 */
static inline size_t member_next_component(const char **name, const char **component) {
	const char *at = *name, *end;

	for (;; at = end) {
		while (*at == '/')
			at++;
		end = strchrnul(at, '/');
		if (end - at != 1 || *at != '.')
			break;
	}
	*component = at;
	*name = end;
	return (size_t)(end - at);
}

/**
 * True when two names, neither of them checked, are the same components, however they are spelt.
 */
bool member_names_equal(const char *a, const char *b);

#endif
