#include "config.h"

#include "attributes.h"

#include <acl/libacl.h>
#include <endian.h>
#include <errno.h>
#include <linux/posix_acl_xattr.h>
#include <linux/xattr.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/acl.h>
#include <sys/xattr.h>

#include "bytes.h"

/*
 * By path, since symbolic links and special files cannot be opened for this; the caller gives one
 * that leads through a directory descriptor.  Lists and values can grow between the call that asks
 * for their size and the one that reads them, so both are tried again until they fit.
 *
 * Where there are attributes, the system shows ACLs among them in a raw form.  They are left out of
 * those and read by libacl, as text: that is what the pax records SCHILY.acl.access and .default
 * hold.  The raw form is of use only in archives that have it (entry.c).
 */

bool attributes_is_acl(const char *xattr) {
	return strcmp(xattr, XATTR_NAME_POSIX_ACL_ACCESS) == 0 ||
	    strcmp(xattr, XATTR_NAME_POSIX_ACL_DEFAULT) == 0;
}

/* One entry of an ACL as text, with a comma before it.  False: there is no such entry. */
static bool print_acl_entry(char **to, const struct posix_acl_xattr_entry *raw) {
	static const char *const names[] = {
		[ACL_USER_OBJ] = "user:",
		[ACL_USER] = "user:",
		[ACL_GROUP_OBJ] = "group:",
		[ACL_GROUP] = "group:",
		[ACL_MASK] = "mask:",
		[ACL_OTHER] = "other:",
	};
	unsigned int tag = le16toh(raw->e_tag), perm = le16toh(raw->e_perm);

	if (tag >= sizeof(names) / sizeof(names[0]) || names[tag] == NULL)
		return false;
	*to += sprintf(*to, ",%s", names[tag]);
	if (tag == ACL_USER || tag == ACL_GROUP)
		*to += sprintf(*to, "%u", (unsigned int)le32toh(raw->e_id));
	*to += sprintf(*to, ":%c%c%c", perm & ACL_READ ? 'r' : '-', perm & ACL_WRITE ? 'w' : '-',
	    perm & ACL_EXECUTE ? 'x' : '-');
	return true;
}

/*
 * libacl reads the raw form from files only, so it is taken apart here: a header and entries of one
 * size, little-endian (linux/posix_acl_xattr.h).  As it comes from an archive, it may be anything.
 */
char *attributes_acl_text(const struct xattr *xattr) {
	struct posix_acl_xattr_header header = { 0 };
	struct posix_acl_xattr_entry entry;
	const char *raw = xattr->value;
	size_t at = sizeof(header), n = xattr->nbytes / sizeof(entry);
	/* The longest form of an entry; 2 for "?", or for the NUL where there is none. */
	char *text = malloc(n * sizeof(",group:4294967295:rwx") + 2), *to = text;

	if (text == NULL)
		return NULL;
	if (xattr->nbytes >= sizeof(header))
		memcpy(&header, raw, sizeof(header));
	/* Also of what is too short for a header: 0 is no version.  No ACL has the text "?". */
	if (le32toh(header.a_version) != POSIX_ACL_XATTR_VERSION)
		return strcpy(text, "?");
	for (*to = '\0'; xattr->nbytes - at >= sizeof(entry); at += sizeof(entry)) {
		memcpy(&entry, raw + at, sizeof(entry));
		if (!print_acl_entry(&to, &entry))
			break;
	}
	/* An entry of an unknown kind, or half of one: without it the ACL might permit more. */
	if (at != xattr->nbytes)
		return strcpy(text, "?");
	/* Without the comma before the first one. */
	return to == text ? text : memmove(text, text + 1, (size_t)(to - text));
}

/* The list of names or, with ${name}, one value; its size alone when ${nbytes} is 0. */
static ssize_t read_once(
    const char *path, const char *name, bool follow, char *data, size_t nbytes) {
	if (name == NULL)
		return follow ? listxattr(path, data, nbytes) : llistxattr(path, data, nbytes);
	return follow ? getxattr(path, name, data, nbytes) : lgetxattr(path, name, data, nbytes);
}

/*
 * The same into an allocation, one byte longer than what was read.  On a failure *${data} is NULL,
 * and err->errnum that of the call, which free() may change in errno.
 */
static int read_grown(const char *path, const char *name, bool follow, char **data, size_t *nbytes,
    struct error *err) {
	char *grown;
	ssize_t n;

	*data = NULL;
	do {
		n = read_once(path, name, follow, NULL, 0);
		if (n < 0)
			break;
		grown = realloc(*data, (size_t)n + 1);
		if (grown == NULL) {
			err_nomem(err);
			goto fail;
		}
		*data = grown;
		/* Never with a size of 0: what was empty may not be any more. */
		n = read_once(path, name, follow, grown, (size_t)n + 1);
	} while (n < 0 && errno == ERANGE);
	if (n >= 0) {
		*nbytes = (size_t)n;
		return TARN_OK;
	}
	err_set(err, TARN_ESYSTEM, errno, "Cannot %s extended attributes",
	    name == NULL ? "list" : "read");
fail:
	free(*data);
	*data = NULL;
	return (int)err->code;
}

/* Append an attribute.  Takes over ${value}, also on a failure; ${name} is borrowed. */
static int add(
    struct attributes *a, const char *name, char *value, size_t nbytes, struct error *err) {
	int r = array_reserve((void **)&a->xattrs, &a->capacity, a->n + 1, sizeof(*a->xattrs), err);

	if (r != TARN_OK) {
		free(value);
		return r;
	}
	a->xattrs[a->n++] = (struct xattr){ name, value, nbytes };
	return TARN_OK;
}

int attributes_read_xattrs(struct attributes *a, const char *path, bool follow,
    const struct options *o, struct error *err) {
	char *value;
	size_t nlist, nbytes;
	int r = read_grown(path, NULL, follow, &a->list, &nlist, err);

	if (r == TARN_ESYSTEM && err->errnum == ENOTSUP)
		return TARN_OK;
	/* Here and below, what was read so far stays in ${a} on a failure. */
	if (r != TARN_OK)
		return r;
	for (const char *name = a->list; name < a->list + nlist; name += strlen(name) + 1) {
		if (attributes_is_acl(name) || !options_want_xattr(o, name))
			continue;
		r = read_grown(path, name, follow, &value, &nbytes, err);
		/* Somebody has removed it since it was listed. */
		if (r == TARN_ESYSTEM && err->errnum == ENODATA)
			continue;
		if (r != TARN_OK)
			return r;
		if (add(a, name, value, nbytes, err) != TARN_OK)
			return (int)err->code;
	}
	return TARN_OK;
}

/* *${text} stays NULL where there is no ACL, or one that says no more than the mode. */
static int read_acl(const char *path, acl_type_t type, char **text, struct error *err) {
	acl_t acl = acl_get_file(path, type);
	bool is_extended;

	if (acl == NULL && errno == ENOTSUP)
		return TARN_OK;
	if (acl == NULL)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot read ACL");
	/*
	 * Without a default ACL the list is empty.  One with the three entries of a mode is an ACL
	 * all the same, as what is made in the directory gets its mode by it.
	 */
	is_extended =
	    acl_entries(acl) > 0 && (type == ACL_TYPE_DEFAULT || acl_equiv_mode(acl, NULL) != 0);
	/* With names of owners: another system may have other numbers for them. */
	if (is_extended)
		*text = acl_to_any_text(acl, NULL, ',', 0);
	acl_free(acl);
	return is_extended && *text == NULL ? err_nomem(err) : TARN_OK;
}

int attributes_read_acls(
    struct attributes *a, const char *path, bool is_directory, struct error *err) {
	int r = read_acl(path, ACL_TYPE_ACCESS, &a->acl_access, err);

	if (r == TARN_OK && is_directory)
		r = read_acl(path, ACL_TYPE_DEFAULT, &a->acl_default, err);
	return r;
}

/* The zero between name and value is part of the name. */
static uint64_t checksum(const char *name, const void *value, size_t nbytes) {
	uint64_t of_name = lzma_crc64((const uint8_t *)name, strlen(name) + 1, 0);

	return lzma_crc64(value, nbytes, of_name);
}

static uint64_t acl_checksum(const char *name, const char *text) {
	return text != NULL ? checksum(name, text, strlen(text)) : 0;
}

/*
 * Setting attributes leaves the mtime alone, so a checksum tells two states of an inode apart
 * (earlier_inodes.h).  It is a sum, since file systems list attributes in any order.
 */
void attributes_lend(const struct attributes *a, struct entry *e) {
	e->xattrs = a->xattrs;
	e->nxattrs = a->n;
	e->acl_access = a->acl_access;
	e->acl_default = a->acl_default;
	e->identity.attributes = acl_checksum(XATTR_NAME_POSIX_ACL_ACCESS, a->acl_access) +
	    acl_checksum(XATTR_NAME_POSIX_ACL_DEFAULT, a->acl_default);
	for (size_t i = 0; i < a->n; i++) {
		const struct xattr *x = &a->xattrs[i];

		e->identity.attributes += checksum(x->name, x->value, x->nbytes);
	}
}

void attributes_clear(struct attributes *a) {
	/* Entries have their values as const; these were allocated by read_grown. */
	for (size_t i = 0; i < a->n; i++)
		free((void *)(uintptr_t)a->xattrs[i].value);
	a->n = 0;
	free(a->list);
	a->list = NULL;
	if (a->acl_access != NULL)
		acl_free(a->acl_access);
	if (a->acl_default != NULL)
		acl_free(a->acl_default);
	a->acl_access = a->acl_default = NULL;
}

void attributes_fini(struct attributes *a) {
	attributes_clear(a);
	free(a->xattrs);
	*a = (struct attributes){ 0 };
}
