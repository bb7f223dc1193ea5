#ifndef TARN_TAR_HEADER_H
#define TARN_TAR_HEADER_H

#include "entry.h"
#include "error.h"
#include "member_header.h"
#include "options.h"

/*
 * An entry as tar header blocks: POSIX.1-1988 ustar, POSIX.1-2001 pax (extended header records
 * before a ustar header), GNU tar's (long names in members of type L and K, numbers in base 256),
 * and v7.
 *
 * Why this is not libarchive's writer: names are bytes here.  For a name that is not UTF-8
 * libarchive's pax writer adds a record hdrcharset, at which GNU tar prints a line; without it
 * bsdtar prints one.  Here such a name goes into the ustar fields as it is when it fits, else into
 * a member of type L, which all of them read in silence.  And a later name is one block, always
 * when it fits, and the bytes of an archive do not depend on the version of a library.
 */

/**
 * Encode ${e} in ${format} (not FORMAT_CPIO) into ${header}, and say there what content follows,
 * which the archive fills up to a whole block.  A later name (first_name) has no content.
 *
 * FORMAT_PAX: records only for what the ustar header cannot say: mtime with nanoseconds or outside
 * of 33 bits, numbers and names that do not fit, SCHILY.xattr.*, SCHILY.acl.access/default,
 * GNU.sparse.* (version 1.0).  A later name carries records for its two names only.
 *
 * Holes: pax and FORMAT_GNU leave them out of the content, and the map that says where they are is
 * part of the header's bytes.  ustar and v7 store them as zeros, and so do the others when the map
 * would be larger than the holes.
 *
 * Returns TARN_OK; TARN_EREFUSED when the format cannot hold it, in GNU tar's words ("file name is
 * too long (cannot be split); not dumped", "value %s out of %s range 0..%s"); TARN_NO_FIRST when it
 * cannot hold the first name of ${e}; TARN_ENOMEM.
 * Nothing is allocated once ${header} has grown to what members need.
 */
int tar_header_encode(
    struct member_header *header, const struct entry *e, enum format format, struct error *err);

/* Names of owners as a header has them: cut. */
struct tar_owners {
	char uname[32], gname[32];
};

/**
 * Leave in ${e} what can be read back from its header: link members have no records in pax.  It may
 * then borrow from ${owners}.
 */
void tar_header_reduce(struct entry *e, enum format format, struct tar_owners *owners);

#endif
