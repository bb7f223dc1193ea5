#include "config.h"

#include "entry_copy.h"

#include <stdlib.h>
#include <string.h>

/*
 * Behind the entry stand its list of attributes, their values, and all strings.
 */

struct copied {
	struct entry entry;
	_Alignas(struct xattr) char storage[];
};

/* The strings of an entry. */
static const size_t strings[] = {
	offsetof(struct entry, name),
	offsetof(struct entry, first_name),
	offsetof(struct entry, stored_name),
	offsetof(struct entry, stored_first_name),
	offsetof(struct entry, target),
	offsetof(struct entry, uname),
	offsetof(struct entry, gname),
	offsetof(struct entry, acl_access),
	offsetof(struct entry, acl_default),
};

#define NSTRINGS (sizeof(strings) / sizeof(strings[0]))

static const char **string_at(struct entry *e, size_t i) {
	return (const char **)(void *)((char *)e + strings[i]);
}

/* Copy ${*bytes} to ${*to} and go on behind it. */
static void store(char **to, const void **bytes, size_t nbytes) {
	*bytes = nbytes > 0 ? memcpy(*to, *bytes, nbytes) : *to;
	*to += nbytes;
}

static void store_string(char **to, const char **string) {
	const void *bytes = *string;

	if (bytes == NULL)
		return;
	store(to, &bytes, strlen(*string) + 1);
	*string = bytes;
}

struct entry *entry_copy(const struct entry *e) {
	struct entry shallow = *e;
	size_t nbytes = e->nxattrs * sizeof(struct xattr);
	struct copied *copy;
	struct xattr *xattrs;
	char *to;

	for (size_t i = 0; i < NSTRINGS; i++) {
		if (*string_at(&shallow, i) != NULL)
			nbytes += strlen(*string_at(&shallow, i)) + 1;
	}
	for (size_t i = 0; i < e->nxattrs; i++)
		nbytes += strlen(e->xattrs[i].name) + 1 + e->xattrs[i].nbytes;
	copy = malloc(sizeof(*copy) + nbytes);
	if (copy == NULL)
		return NULL;
	copy->entry = shallow;
	xattrs = (struct xattr *)(void *)copy->storage;
	to = copy->storage + e->nxattrs * sizeof(*xattrs);
	for (size_t i = 0; i < e->nxattrs; i++) {
		xattrs[i] = e->xattrs[i];
		store(&to, &xattrs[i].value, xattrs[i].nbytes);
		store_string(&to, &xattrs[i].name);
	}
	for (size_t i = 0; i < NSTRINGS; i++)
		store_string(&to, string_at(&copy->entry, i));
	copy->entry.xattrs = xattrs;
	copy->entry.extents = NULL;
	copy->entry.nextents = 0;
	return &copy->entry;
}
