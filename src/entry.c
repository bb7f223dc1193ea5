#include "config.h"

#include "entry.h"

#include <archive.h>
#include <archive_entry.h>
#include <linux/xattr.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attributes.h"
#include "bytes.h"
#include "pax_records.h"

/*
 * Conversion from libarchive's entry.  It borrows what it can.  Only the name (it may lose a slash,
 * and is told when the next header is damaged), attribute lists and names, sparse maps and ACLs
 * need memory of their own, which is kept from one entry to the next.
 *
 * The archive source is the only caller, for members that plain_header does not read.  What that
 * reads has to come out as it does here.
 */

static const struct {
	enum entry_type type;
	mode_t mode;
} type_modes[] = {
	{ ENTRY_FILE, S_IFREG },
	{ ENTRY_DIRECTORY, S_IFDIR },
	{ ENTRY_SYMLINK, S_IFLNK },
	{ ENTRY_FIFO, S_IFIFO },
	{ ENTRY_CHAR_DEVICE, S_IFCHR },
	{ ENTRY_BLOCK_DEVICE, S_IFBLK },
	{ ENTRY_SOCKET, S_IFSOCK },
};

#define NTYPES (sizeof(type_modes) / sizeof(type_modes[0]))

mode_t entry_type_mode(enum entry_type type) {
	for (size_t i = 0; i < NTYPES; i++) {
		if (type_modes[i].type == type)
			return type_modes[i].mode;
	}
	return 0;
}

bool entry_type_of_mode(mode_t mode, enum entry_type *type) {
	for (size_t i = 0; i < NTYPES; i++) {
		if (type_modes[i].mode == (mode & S_IFMT)) {
			*type = type_modes[i].type;
			return true;
		}
	}
	return false;
}

bool identity_has_numbers_of(const struct identity *id, const struct stat *st) {
	return st->st_ino == id->ino && st->st_dev == id->dev;
}

const char *entry_own_member(const struct entry *e) {
	return e->stored_name != NULL ? e->stored_name : e->name;
}

const char *entry_member(const struct entry *e) {
	if (e->first_name == NULL)
		return entry_own_member(e);
	return e->stored_first_name != NULL ? e->stored_first_name : e->first_name;
}

/* Give ${e} the name without the slashes at its end ("/" stays), kept beyond libarchive's. */
static int keep_name(
    struct entry *e, const char *name, struct entry_storage *storage, struct error *err) {
	size_t kept = strlen(name);
	int r;

	while (kept > 1 && name[kept - 1] == '/')
		kept--;
	r = array_reserve((void **)&storage->name, &storage->name_capacity, kept + 1, 1, err);
	if (r != TARN_OK)
		return r;
	memcpy(storage->name, name, kept);
	storage->name[kept] = '\0';
	e->name = storage->name;
	return TARN_OK;
}

/*
 * Take the ACL in ${x} for that of the entry, unless a record for ACLs has already given one.  GNU
 * tar stores ACLs as attributes when it is asked for all attributes, but not for ACLs.  False: no
 * memory.
 */
static bool add_raw_acl(const struct xattr *x, struct entry_storage *storage) {
	char **text = strcmp(x->name, XATTR_NAME_POSIX_ACL_ACCESS) == 0 ? &storage->acl_access :
	                                                                  &storage->acl_default;

	if (*text == NULL)
		*text = attributes_acl_text(x);
	return *text != NULL;
}

static bool is_same_xattr(const struct xattr *a, const struct xattr *b) {
	return strcmp(a->name, b->name) == 0 && a->nbytes == b->nbytes &&
	    memcmp(a->value, b->value, a->nbytes) == 0;
}

/*
 * Have the names of *${n} attributes as they are, not as keywords have them.  libarchive has done
 * so in its own records, LIBARCHIVE.xattr, and does not tell which those are: a name that still
 * looks like a keyword's is taken for one.  bsdtar writes each attribute in both kinds of record,
 * one behind the other: one of them is enough.
 */
static int read_xattr_names(
    struct xattr *xattrs, size_t *n, struct entry_storage *storage, struct error *err) {
	size_t nbytes = 0, nkept = 0;
	char *to;
	int r;

	for (size_t i = 0; i < *n; i++)
		nbytes += strlen(xattrs[i].name) + 1;
	r = array_reserve(
	    (void **)&storage->xattr_names, &storage->xattr_names_capacity, nbytes, 1, err);
	if (r != TARN_OK)
		return r;
	to = storage->xattr_names;
	for (size_t i = 0; i < *n; i++) {
		struct xattr *x = &xattrs[nkept];
		const char *name = xattrs[i].name;

		*x = xattrs[i];
		x->name = to;
		to = pax_read_xattr_name(to, name);
		if (nkept == 0 || !is_same_xattr(x - 1, x))
			nkept++;
	}
	*n = nkept;
	return TARN_OK;
}

/*
 * Let ${e} have the attributes, the values borrowed from ${from}; those that hold ACLs go to
 * ${storage}, for which keep_acls() must have been called.
 */
static int borrow_xattrs(
    struct entry *e, struct archive_entry *from, struct entry_storage *storage, struct error *err) {
	int count = archive_entry_xattr_reset(from);
	size_t n = 0;
	int r;

	if (count <= 0)
		return TARN_OK;
	r = array_reserve((void **)&storage->xattrs, &storage->xattrs_capacity, (size_t)count,
	    sizeof(*storage->xattrs), err);
	if (r != TARN_OK)
		return r;
	for (int i = 0; i < count; i++) {
		struct xattr *x = &storage->xattrs[n];

		if (archive_entry_xattr_next(from, &x->name, &x->value, &x->nbytes) != ARCHIVE_OK)
			break;
		/* libarchive goes on without the value when it gets no memory for it. */
		if (x->value == NULL)
			return err_nomem(err);
		if (!attributes_is_acl(x->name))
			n++;
		else if (!add_raw_acl(x, storage))
			return err_nomem(err);
	}
	r = read_xattr_names(storage->xattrs, &n, storage, err);
	if (r == TARN_OK) {
		e->xattrs = storage->xattrs;
		e->nxattrs = n;
	}
	return r;
}

/*
 * Let ${e}, which has its size, have the sparse map.  libarchive hands over what stands in the
 * archive: whether it is in order and within the file has to be checked here.  Empty runs, as GNU
 * tar has one for a hole at the end, say nothing that the size does not.
 */
static int borrow_extents(
    struct entry *e, struct archive_entry *from, struct entry_storage *storage, struct error *err) {
	int count = archive_entry_sparse_reset(from);
	la_int64_t offset, nbytes, end = 0;
	size_t n = 0;
	int r;

	if (count <= 0)
		return TARN_OK;
	r = array_reserve((void **)&storage->extents, &storage->extents_capacity, (size_t)count,
	    sizeof(*storage->extents), err);
	if (r != TARN_OK)
		return r;
	for (int i = 0; i < count; i++) {
		if (archive_entry_sparse_next(from, &offset, &nbytes) != ARCHIVE_OK)
			break;
		if (offset < end || nbytes < 0 || __builtin_add_overflow(offset, nbytes, &end) ||
		    end > e->size)
			return err_set(err, TARN_EFORMAT, 0, "Malformed sparse map");
		if (nbytes > 0)
			storage->extents[n++] = (struct extent){ offset, nbytes };
	}
	/* Also without a run that is left: then the file is one hole. */
	e->is_sparse = true;
	e->extents = storage->extents;
	e->nextents = n;
	return TARN_OK;
}

/* Both texts are allocations of libarchive, and go when the next entry has its own. */
static void keep_acls(struct archive_entry *from, struct entry_storage *storage) {
	int types = archive_entry_acl_types(from);

	free(storage->acl_access);
	free(storage->acl_default);
	storage->acl_access = storage->acl_default = NULL;
	if (types & ARCHIVE_ENTRY_ACL_TYPE_ACCESS)
		storage->acl_access = archive_entry_acl_to_text(from, NULL,
		    ARCHIVE_ENTRY_ACL_TYPE_ACCESS | ARCHIVE_ENTRY_ACL_STYLE_SEPARATOR_COMMA);
	if (types & ARCHIVE_ENTRY_ACL_TYPE_DEFAULT)
		storage->acl_default = archive_entry_acl_to_text(from, NULL,
		    ARCHIVE_ENTRY_ACL_TYPE_DEFAULT | ARCHIVE_ENTRY_ACL_STYLE_SEPARATOR_COMMA);
}

/*
 * The permissions; a header has room for bits beyond those.  Where there is an access ACL, the
 * group bits of a file are the ACL's mask (acl(5)), but libarchive puts its entry for the group
 * there.
 */
static mode_t borrow_mode(struct archive_entry *from) {
	mode_t mode = archive_entry_perm(from) & 07777;
	int type, permset, tag, qualifier;
	const char *name;

	archive_entry_acl_reset(from, ARCHIVE_ENTRY_ACL_TYPE_ACCESS);
	while (archive_entry_acl_next(from, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, &type, &permset, &tag,
	           &qualifier, &name) == ARCHIVE_OK) {
		if (tag == ARCHIVE_ENTRY_ACL_MASK)
			mode = (mode & ~(mode_t)070) | (mode_t)(permset & 7) << 3;
	}
	return mode;
}

static const char *non_empty(const char *s) {
	return s != NULL && *s != '\0' ? s : NULL;
}

int entry_from_libarchive(
    struct entry *e, struct archive_entry *from, struct entry_storage *storage, struct error *err) {
	const char *name = archive_entry_pathname(from);
	int r;

	*e = (struct entry){ 0 };
	if (name == NULL || *name == '\0')
		return err_set(err, TARN_EFORMAT, 0, "Member without a name");
	r = keep_name(e, name, storage, err);
	if (r != TARN_OK)
		return r;
	/* A link member need not say what it is a link to. */
	if (!entry_type_of_mode(archive_entry_filetype(from), &e->type))
		e->type = ENTRY_FILE;
	e->first_name = archive_entry_hardlink(from);
	if (e->first_name == NULL && e->type == ENTRY_SYMLINK)
		e->target = archive_entry_symlink(from);
	e->mode = borrow_mode(from);
	e->uid = (uint64_t)archive_entry_uid(from);
	e->gid = (uint64_t)archive_entry_gid(from);
	e->uname = non_empty(archive_entry_uname(from));
	e->gname = non_empty(archive_entry_gname(from));
	if (archive_entry_size_is_set(from) && e->type == ENTRY_FILE)
		e->size = archive_entry_size(from);
	if (e->size < 0)
		return err_set(err, TARN_EFORMAT, 0, "Malformed size");
	/* POSIX pax lets a link member carry the content once more. */
	e->is_whole = e->first_name == NULL || e->size > 0;
	e->mtime = (struct timespec){ archive_entry_mtime(from), archive_entry_mtime_nsec(from) };
	if (e->type == ENTRY_CHAR_DEVICE || e->type == ENTRY_BLOCK_DEVICE) {
		e->rdev_major = (unsigned int)archive_entry_rdevmajor(from);
		e->rdev_minor = (unsigned int)archive_entry_rdevminor(from);
	}
	/* The attributes may add to the ACLs, so that the texts are only lent after both. */
	keep_acls(from, storage);
	r = borrow_xattrs(e, from, storage, err);
	if (r != TARN_OK)
		return r;
	e->acl_access = non_empty(storage->acl_access);
	e->acl_default = non_empty(storage->acl_default);
	return borrow_extents(e, from, storage, err);
}

void entry_storage_fini(struct entry_storage *storage) {
	free(storage->name);
	free(storage->xattrs);
	free(storage->xattr_names);
	free(storage->extents);
	free(storage->acl_access);
	free(storage->acl_default);
	*storage = (struct entry_storage){ 0 };
}
