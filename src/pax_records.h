#ifndef TARN_PAX_RECORDS_H
#define TARN_PAX_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "entry.h"
#include "error.h"
#include "member_header.h"

/*
 * The records of an extended header, "length keyword=value\n" (POSIX pax).
 *
 * The first ones append to the bytes of a member's header, and return TARN_OK or TARN_ENOMEM.
 */

int pax_record_string(
    struct member_header *header, const char *keyword, const char *value, struct error *err);
int pax_record_number(
    struct member_header *header, const char *keyword, uint64_t value, struct error *err);
/** Seconds with as many decimals as there are. */
int pax_record_time(
    struct member_header *header, const char *keyword, struct timespec value, struct error *err);
/**
 * SCHILY.xattr.name.  A keyword ends at its first `=': one in the name of the attribute becomes
 * %3D, and % becomes %25, as GNU tar has it.
 */
int pax_record_xattr(struct member_header *header, const struct xattr *xattr, struct error *err);
/**
 * Put to ${to} the name that such a keyword has as ${name}, which is no shorter; behind its NUL.
 */
char *pax_read_xattr_name(char *to, const char *name);

/** True when ${s} may be the value of a record, which POSIX wants to be UTF-8. */
bool pax_is_utf8(const char *s);

/* A part of an extended header that is read, borrowed from it. */
struct pax_text {
	const char *text;
	size_t nbytes;
};

bool pax_text_is(const struct pax_text *text, const char *wanted);

/**
 * Read the record at *${at}, which moves behind it.  False for what is none before ${end}, or is
 * longer than libarchive reads.
 */
bool pax_read_record(
    const char **at, const char *end, struct pax_text *keyword, struct pax_text *value);

/**
 * Seconds since 1970 with decimals, of which nine count.  A timespec counts its fraction upwards,
 * also below zero.  False for anything else, and for more seconds than 18 digits say.
 */
bool pax_read_time(const struct pax_text *value, struct timespec *time);

#endif
