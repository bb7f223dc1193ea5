#ifndef TARN_METADATA_H
#define TARN_METADATA_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "entry.h"
#include "options.h"
#include "owners.h"
#include "report.h"

/*
 * Giving a file that was made here the owner, mode, ACL, extended attributes and times that its
 * member has: on a descriptor, never by name.  What only -p restores is left out and counted.
 */
struct metadata_policy {
	bool same_owner;    /* set owners; default for root */
	bool numeric_owner; /* by number alone */
	bool trusted;       /* -p: set-id bits, security.* and trusted.* too */
	mode_t umask;       /* bits taken away; 0 with -p and for root */
	bool touch;         /* leave the time of extraction */
	bool acls, xattrs;
	struct owners *owners;
	struct report *report;
};

/** Fill in ${policy} from ${o}, the caller's effective user and its umask; pointers are borrowed. */
void metadata_policy_init(struct metadata_policy *policy, const struct options *o,
    struct owners *owners, struct report *report);

/**
 * Apply the metadata of ${e} to the file behind ${fd}: open for reading or writing, or, for what is
 * neither file nor directory, or may not be read, O_PATH.  ${st} is its stat, which saves the calls
 * that would change nothing.  What fails is said as a failure of ${name}; what the file system cannot
 * hold at all is counted.
 */
void metadata_apply(const struct metadata_policy *policy, int fd, const struct stat *st,
    const struct entry *e, const char *name);

/**
 * Give the file behind ${to} the owner, mode, times and extended attributes (ACLs are among them)
 * of the one behind ${from}: a copy that stands for another name.  The same kinds of descriptors;
 * what fails is said and counted as in metadata_apply.
 */
void metadata_copy(int from, int to, const char *name, struct report *report);

#endif
