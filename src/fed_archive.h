#ifndef TARN_FED_ARCHIVE_H
#define TARN_FED_ARCHIVE_H

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "error.h"
#include "held_bytes.h"

/*
 * libarchive as a reader of bytes that another reader looks at, too.
 *
 * The two can only take turns where libarchive has nothing of the next header in its own buffer
 * yet.  So it is fed no more than the content of a member, whose size it has told by then, and
 * otherwise one block at a time.  Of a cpio archive, no header of which anybody else reads, it is
 * fed all that is held; but it may be begun anew behind each member.
 *
 * Embed it; all zero, with what is held, nothing is begun.
 */
struct fed_archive {
	struct held_bytes *held; /* borrowed: plain bytes that it was not handed */
	struct archive *archive;
	struct archive_entry *from; /* the current member */
	size_t nmembers;            /* that it was asked for since it was begun */
	off_t nfed;                 /* bytes, likewise */
	off_t expected_end; /* at which byte the current content ends: it is fed up to there */
	off_t header_left;  /* bytes that it may have for a header; INT64_MAX in content */
};

/**
 * Begin, again if need be, with what is held.  ${was_cpio}: a member of a cpio archive was read, and
 * such an archive goes on as one.  Errors as those of fed_archive_error.
 */
int fed_archive_begin(struct fed_archive *fed, bool was_cpio, struct error *err);

/** Have it read a header into fed->from; returns its result. */
int fed_archive_next(struct fed_archive *fed);

/** Have it fed at once the ${nbytes} of content that follow the header. */
void fed_archive_expect(struct fed_archive *fed, off_t nbytes);

/** Offset of what it reads next, as held_bytes_at. */
off_t fed_archive_at(const struct fed_archive *fed);

/** Offset of the last header that it read; extended headers before it are a part of it. */
off_t fed_archive_header_at(const struct fed_archive *fed);

/** False once it has read a member of a cpio archive. */
bool fed_archive_is_tar(const struct fed_archive *fed);

/**
 * What it reads next, behind a member, as far as it has come already: the ${nbytes} at *${data}.
 * False where that can no more be said, as it lies in a block which is gone.
 */
bool fed_archive_peek(const struct fed_archive *fed, const char **data, size_t *nbytes);

/** After a peek: hold all that it was fed and has not read.  It has to be begun anew then. */
void fed_archive_stop(struct fed_archive *fed);

/** What it says of its last result. */
const char *fed_archive_text(const struct fed_archive *fed);

/** Why it gave up: the error of what it was fed, with its code, else TARN_EFORMAT, in tar's words. */
int fed_archive_error(const struct fed_archive *fed, struct error *err);

void fed_archive_fini(struct fed_archive *fed);

#endif
