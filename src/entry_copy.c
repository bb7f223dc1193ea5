#include "config.h"

#include "entry_copy.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Behind the entry stand its list of attributes, its extents, the values of the attributes, and all
 * strings.  What needs to be aligned comes first, so that nothing has to be padded.
 *
 * It is one allocation because threads hand entries to each other by the hundred thousand: lanes
 * and source_ahead have room for many in one block (entry_copy_to).  Who adds a pointer to struct
 * entry has to copy it here.
 */

/* The layout of a copy.  A list of attributes leaves ${storage} aligned for the extents, too. */
struct copied {
	struct entry entry;
	_Alignas(struct xattr) char storage[];
};

/* The strings of an entry; name and first_name stand before those that may be the same. */
static const size_t strings[] = {
	offsetof(struct entry, name),
	offsetof(struct entry, path),
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

/* The member of ${e} itself, to be read or, in a copy, to be set. */
static const char **string_of(const struct entry *e, size_t i) {
	return (const char **)(void *)((char *)(uintptr_t)e + strings[i]);
}

/*
 * Often several strings of an entry are one: the path or the stored name is the name, the stored
 * first name the first name.  Where in ${e} is the copy of string ${i} of the original ${of}?
 * NULL: it is none of these.
 */
static const char *const *copied_before(const struct entry *e, const struct entry *of, size_t i) {
	const char *string = *string_of(of, i);

	if (string == of->name && strings[i] != offsetof(struct entry, name))
		return &e->name;
	if (string == of->first_name && strings[i] == offsetof(struct entry, stored_first_name))
		return &e->first_name;
	return NULL;
}

/* Copy ${*bytes} to ${*to}, and let both go on: *${bytes} is the copy, *${to} what follows it. */
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

size_t entry_copy_nbytes(const struct entry *e) {
	size_t nbytes = sizeof(struct copied) + e->nxattrs * sizeof(struct xattr) +
	    e->nextents * sizeof(struct extent);

	for (size_t i = 0; i < NSTRINGS; i++) {
		const char *string = *string_of(e, i);

		if (string != NULL && copied_before(e, e, i) == NULL)
			nbytes += strlen(string) + 1;
	}
	for (size_t i = 0; i < e->nxattrs; i++)
		nbytes += strlen(e->xattrs[i].name) + 1 + e->xattrs[i].nbytes;
	return nbytes;
}

struct entry *entry_copy_to(void *place, const struct entry *e) {
	struct copied *copy = place;
	struct xattr *xattrs = (struct xattr *)(void *)copy->storage;
	char *to = copy->storage + e->nxattrs * sizeof(*xattrs);
	const void *extents = e->extents;

	copy->entry = *e;
	store(&to, &extents, e->nextents * sizeof(*e->extents));
	copy->entry.extents = extents;
	for (size_t i = 0; i < e->nxattrs; i++) {
		xattrs[i] = e->xattrs[i];
		store(&to, &xattrs[i].value, xattrs[i].nbytes);
		store_string(&to, &xattrs[i].name);
	}
	for (size_t i = 0; i < NSTRINGS; i++) {
		const char *const *before = copied_before(&copy->entry, e, i);

		if (before != NULL)
			*string_of(&copy->entry, i) = *before;
		else
			store_string(&to, string_of(&copy->entry, i));
	}
	copy->entry.xattrs = xattrs;
	return &copy->entry;
}

struct entry *entry_copy(const struct entry *e) {
	void *place = malloc(entry_copy_nbytes(e));

	return place != NULL ? entry_copy_to(place, e) : NULL;
}
