#ifndef TARN_CPIO_NAMES_H
#define TARN_CPIO_NAMES_H

#include <stdbool.h>
#include <sys/types.h>

/* The first names in a cpio archive, by name.  Embed it; all zero is empty. */
struct cpio_names {
	void *root;
};

/* What later names need to know of a first name. */
struct cpio_first {
	off_t number;
	mode_t type;  /* its S_IFMT bits */
	char *target; /* of a symbolic link, else NULL */
	char *name;
};

/**
 * Remember a copy of ${first}, in the place of an earlier one of its name.
 * False when out of memory: ${names} is as it was.
 */
bool cpio_names_add(struct cpio_names *names, const struct cpio_first *first);

/** NULL when it is not there; it lives until ${names} changes. */
const struct cpio_first *cpio_names_find(const struct cpio_names *names, const char *name);

void cpio_names_fini(struct cpio_names *names);

#endif
