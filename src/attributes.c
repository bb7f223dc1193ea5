#include "config.h"

#include "attributes.h"

#include <acl/libacl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/acl.h>
#include <sys/xattr.h>

/*
 * By path, since symbolic links and special files cannot be opened for this; the caller gives one
 * that leads through a directory descriptor.  Lists and values can grow between the call that asks
 * for their size and the one that reads them, so both are tried again until they fit.
 */

bool attributes_is_acl(const char *xattr) {
	return strncmp(xattr, "system.posix_acl_", strlen("system.posix_acl_")) == 0;
}

/* Read the list of names or, with ${name}, one value, into an allocation.  -1 with errno. */
static ssize_t read_grown(const char *path, const char *name, bool follow, char **data) {
	char *grown;
	ssize_t n;

	*data = NULL;
	for (;;) {
		if (name == NULL)
			n = follow ? listxattr(path, NULL, 0) : llistxattr(path, NULL, 0);
		else
			n = follow ? getxattr(path, name, NULL, 0) : lgetxattr(path, name, NULL, 0);
		if (n < 0)
			return -1;
		grown = realloc(*data, (size_t)n + 1);
		if (grown == NULL) {
			errno = ENOMEM;
			return -1;
		}
		*data = grown;
		if (name == NULL)
			n = follow ? listxattr(path, grown, (size_t)n) :
			             llistxattr(path, grown, (size_t)n);
		else
			n = follow ? getxattr(path, name, grown, (size_t)n) :
			             lgetxattr(path, name, grown, (size_t)n);
		if (n >= 0 || errno != ERANGE)
			return n;
	}
}

static int add(
    struct attributes *a, const char *name, char *value, size_t nbytes, struct error *err) {
	if (a->n == a->capacity) {
		size_t capacity = a->capacity * 2 + 8;
		struct xattr *xattrs = reallocarray(a->xattrs, capacity, sizeof(*xattrs));

		if (xattrs == NULL) {
			free(value);
			return err_nomem(err);
		}
		a->xattrs = xattrs;
		a->capacity = capacity;
	}
	a->xattrs[a->n++] = (struct xattr){ name, value, nbytes };
	return TARN_OK;
}

int attributes_read_xattrs(struct attributes *a, const char *path, bool follow, struct error *err) {
	ssize_t nlist = read_grown(path, NULL, follow, &a->list), nbytes;
	char *value;

	if (nlist < 0 && errno == ENOTSUP)
		return TARN_OK;
	if (nlist < 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot list extended attributes");
	for (const char *name = a->list; name < a->list + nlist; name += strlen(name) + 1) {
		if (attributes_is_acl(name))
			continue;
		nbytes = read_grown(path, name, follow, &value);
		if (nbytes < 0) {
			free(value);
			if (errno == ENODATA)
				continue;
			return err_set(err, TARN_ESYSTEM, errno, "Cannot read extended attributes");
		}
		if (add(a, name, value, (size_t)nbytes, err) != TARN_OK)
			return (int)err->code;
	}
	return TARN_OK;
}

static int read_acl(const char *path, acl_type_t type, char **text, struct error *err) {
	acl_t acl = acl_get_file(path, type);

	if (acl == NULL && errno == ENOTSUP)
		return TARN_OK;
	if (acl == NULL)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot read ACL");
	if (acl_entries(acl) > 0 && acl_equiv_mode(acl, NULL) != 0)
		*text = acl_to_any_text(acl, NULL, ',', TEXT_ABBREVIATE);
	else if (type == ACL_TYPE_DEFAULT && acl_entries(acl) > 0)
		*text = acl_to_any_text(acl, NULL, ',', TEXT_ABBREVIATE);
	acl_free(acl);
	return TARN_OK;
}

int attributes_read_acls(
    struct attributes *a, const char *path, bool is_directory, struct error *err) {
	int r = read_acl(path, ACL_TYPE_ACCESS, &a->acl_access, err);

	if (r == TARN_OK && is_directory)
		r = read_acl(path, ACL_TYPE_DEFAULT, &a->acl_default, err);
	return r;
}

void attributes_lend(const struct attributes *a, struct entry *e) {
	e->xattrs = a->xattrs;
	e->nxattrs = a->n;
	e->acl_access = a->acl_access;
	e->acl_default = a->acl_default;
}

void attributes_clear(struct attributes *a) {
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
