#ifndef TARN_CPIO_HEADER_H
#define TARN_CPIO_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cpio_names.h"
#include "entry.h"
#include "error.h"
#include "member_header.h"

/*
 * An entry as the header of a cpio "newc" archive (magic 070701, the format of an initramfs).
 *
 * In cpio the names of an inode have nothing in common but an inode number.  It is made up here:
 * numbers of the file system have more bits than the format, and are not there at all when the
 * entry comes from an archive.
 */

#define CPIO_ALIGNMENT 4

/* The longest header of those that are text, without the name: afio's. */
#define CPIO_HEADER_NBYTES_MAX 116

/**
 * Encode ${e} into ${header} and say there what content follows, which the archive fills up to a
 * multiple of CPIO_ALIGNMENT.  ${position} is where in the archive the header comes to stand, and
 * becomes the inode number; a later name gets that of its first name, and no content.  ${names}
 * grows with every first name that may have later ones: whose link count is not one.
 *
 * Returns TARN_OK; TARN_EREFUSED when the format cannot hold it; TARN_NO_FIRST for a later name
 * whose first name is not in ${names}; TARN_ENOMEM.
 */
int cpio_header_encode(struct member_header *header, struct cpio_names *names,
    const struct entry *e, off_t position, struct error *err);

/**
 * Does a header of one of the cpio formats that are text begin with ${data}, and are the numbers in
 * it some?  True also where ${nbytes} are too few to tell.
 */
bool cpio_header_is_sound(const char *data, size_t nbytes);

/**
 * What the content of the member whose header ${data} begins with must add up to, byte by byte:
 * *${sum}.  False: its format has no checksums, or ${nbytes} are too few to tell.
 */
bool cpio_header_read_sum(const char *data, size_t nbytes, uint32_t *sum);

/** Encode what ends the archive. */
int cpio_header_encode_trailer(struct member_header *header, struct error *err);

#endif
