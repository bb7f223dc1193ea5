#ifndef TARN_OWNERS_H
#define TARN_OWNERS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * User and group names and numbers, looked up once each.  What is not known is remembered as such.
 * Several threads may ask at a time.
 */
struct owners;

/** NULL when out of memory. */
struct owners *owners_new(void);
void owners_free(struct owners *owners);

/**
 * The error number of a question that the system could not answer; 0 when it answered them all.
 * To the functions below such a name or number is one that is not known.
 */
int owners_errnum(const struct owners *owners);

/** The name for a number, or NULL; it belongs to ${owners} as long as that lives. */
const char *owners_user_name(struct owners *owners, uint64_t uid);
const char *owners_group_name(struct owners *owners, uint64_t gid);

/** The number for a name; false when there is none. */
bool owners_user_id(struct owners *owners, const char *name, uint64_t *uid);
bool owners_group_id(struct owners *owners, const char *name, uint64_t *gid);

/** The number that ${name} has on this system; ${id} where it is not known here, or NULL. */
uint64_t owners_resolve_user(struct owners *owners, const char *name, uint64_t id);
uint64_t owners_resolve_group(struct owners *owners, const char *name, uint64_t id);

#endif
