#ifndef TARN_ENTRY_H
#define TARN_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include "error.h"

/*
 * The one currency between sources and sinks: one name in a tree or an archive, with the metadata
 * and the identity of the inode behind it.
 *
 * Every pointer in an entry is borrowed.  What a source hands out lives until that source's next
 * call of next(); the selection may point names at buffers of its own, which live until it is asked
 * about the next entry.  A sink that keeps something longer copies it.
 */

enum entry_type {
	ENTRY_FILE,
	ENTRY_DIRECTORY,
	ENTRY_SYMLINK,
	ENTRY_FIFO,
	ENTRY_CHAR_DEVICE,
	ENTRY_BLOCK_DEVICE,
	ENTRY_SOCKET /* in trees and in cpio archives of others; none is ever written */
};

/* What tells one inode from another; see inode_map.h for how far each part can be trusted. */
struct identity {
	dev_t dev;
	ino_t ino;
	nlink_t nlink; /* number of names; 0 when unknown */
	bool has_btime;
	struct timespec btime; /* birth time; only with has_btime */
	/* What a file system says of its state, whatever becomes of the entry. */
	struct timespec mtime;
	uint64_t attributes; /* a checksum of those that were read; 0: there are none */
};

/** Are these the numbers of the inode ${st}? */
bool identity_has_numbers_of(const struct identity *id, const struct stat *st);

struct xattr {
	const char *name; /* with its namespace: "user.comment" */
	const void *value;
	size_t nbytes;
};

/* A run of data in a sparse file. */
struct extent {
	off_t offset; /* bytes from the start of the file */
	off_t nbytes;
};

struct entry {
	/*
	 * Any bytes but NUL, never empty, no slash at the end (but "/" itself); a leading slash
	 * only with -P or as an archive has it.  What a selection has stripped away altogether is
	 * empty; so is the first name of others then.
	 */
	const char *name;
	/* Where a tree has it, from the operand on; NULL: it is from an archive. */
	const char *path;
	enum entry_type type;
	/*
	 * NULL, or the name of an earlier member that is another name of the same inode.  A link
	 * member need not carry anything but the two names; type is ENTRY_FILE where it is unknown.
	 */
	const char *first_name;
	/*
	 * What an archive calls the two, where a selection has given them other names; NULL where
	 * they are as the archive has them.
	 */
	const char *stored_name, *stored_first_name;
	/*
	 * True unless a link member carries nothing of its own: then name and first_name are all
	 * that counts in the entry.  Set by sources.
	 */
	bool is_whole;
	/* The text of a symbolic link; NULL where a header lacks it, and for other types. */
	const char *target;

	mode_t mode; /* permission, set-id and sticky bits: 07777 */
	uint64_t uid, gid;
	const char *uname, *gname; /* NULL when unknown */
	off_t size;                /* bytes of content, holes included; 0 unless ENTRY_FILE */
	struct timespec mtime;
	unsigned int rdev_major, rdev_minor; /* of devices, else 0 */

	/* "user::rw-,group::r--,…"; NULL when there is none. */
	const char *acl_access, *acl_default;
	const struct xattr *xattrs;
	size_t nxattrs;

	/*
	 * The data runs of a sparse file, ascending, disjoint, not empty, inside of size.
	 * is_sparse without extents is a file that is one hole.
	 */
	bool is_sparse;
	const struct extent *extents;
	size_t nextents;

	/* All 0 where an archive does not tell; an index may, and cpio tells nlink. */
	struct identity identity;
};

/** The S_IFMT bits of ${type}. */
mode_t entry_type_mode(enum entry_type type);

/** The type of a file with mode ${mode}, as stat() has it; false when there is none for it. */
bool entry_type_of_mode(mode_t mode, enum entry_type *type);

/** What the archive calls the member that has the content of ${e}: itself, or its first name. */
const char *entry_member(const struct entry *e);

/** What the archive calls ${e} itself. */
const char *entry_own_member(const struct entry *e);

struct archive_entry;

/* What an entry from libarchive borrows beside libarchive's own strings.  Embed it, reuse it. */
struct entry_storage {
	char *name; /* without the slash at its end; NULL before the first entry */
	size_t name_capacity;
	struct xattr *xattrs;
	size_t xattrs_capacity;
	char *xattr_names; /* each ended by a NUL */
	size_t xattr_names_capacity;
	struct extent *extents;
	size_t extents_capacity;
	char *acl_access, *acl_default;
};

/**
 * Fill in ${e} from libarchive's ${from}; ${e} borrows from ${from} and from ${storage}, both until
 * ${storage} is used again.
 *
 * Returns TARN_OK, TARN_ENOMEM, or TARN_EFORMAT for what has no name, a negative size, or a sparse
 * map that is not ascending or leaves the file.
 */
int entry_from_libarchive(
    struct entry *e, struct archive_entry *from, struct entry_storage *storage, struct error *err);
void entry_storage_fini(struct entry_storage *storage);

#endif
