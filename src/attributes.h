#ifndef TARN_ATTRIBUTES_H
#define TARN_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "entry.h"
#include "error.h"
#include "options.h"

/*
 * Reading the extended attributes and POSIX ACLs of a file.  Embed it, reuse it; all zero is empty.
 */
struct attributes {
	struct xattr *xattrs; /* names point into list, each value is an allocation */
	size_t n, capacity;
	char *list;
	char *acl_access, *acl_default; /* from libacl */
};

/** Is ${xattr} the raw form of an ACL?  ACLs have their own ways in and out. */
bool attributes_is_acl(const char *xattr);

/**
 * The ACL in ${xattr}, which is the raw form of one, as text: an allocation, NULL when out of
 * memory.  "" where it has no entries; what is malformed becomes a text that is malformed, too, so
 * that the attempt to set it fails and is said.
 */
char *attributes_acl_text(const struct xattr *xattr);

/**
 * Read the extended attributes of ${path} (${follow}: of what a symbolic link leads to) that ${o}
 * wants, but for those that hold ACLs.  A file system without attributes has none.
 */
int attributes_read_xattrs(struct attributes *a, const char *path, bool follow,
    const struct options *o, struct error *err);

/**
 * Read the ACLs of ${path}, which is no symbolic link, as text; NULL where they say no more than
 * the mode.  ${is_directory}: the default ACL, too.
 */
int attributes_read_acls(
    struct attributes *a, const char *path, bool is_directory, struct error *err);

/** Let ${e} borrow what was read; a checksum of it, whatever its order, is part of its identity. */
void attributes_lend(const struct attributes *a, struct entry *e);

/** Forget what was read. */
void attributes_clear(struct attributes *a);
void attributes_fini(struct attributes *a);

#endif
