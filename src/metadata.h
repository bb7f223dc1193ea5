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
	bool same_owner;               /* set owners; default for root */
	bool trusted;                  /* -p: set-id bits, security.* and trusted.* too */
	mode_t umask;                  /* bits taken away; 0 with -p and for root */
	const struct options *options; /* what else is asked for */
	struct owners *owners;
	struct report *report;
};

/** Fill in ${policy} from ${o}, the caller's effective user and umask; pointers are borrowed. */
void metadata_policy_init(struct metadata_policy *policy, const struct options *o,
    struct owners *owners, struct report *report);

/** Where ${e} is to get its owner: give it the numbers that this has here, instead of names. */
void metadata_resolve_owner(const struct metadata_policy *policy, struct entry *e);

/**
 * The mode of what others can reach before it has its owner.  Nobody but the user may change it.
 * Its group may not be the right one yet, so group and others may only do what both of them may in
 * the end: nothing with an ACL, as the group bits of the mode are then its mask.
 */
mode_t metadata_early_mode(const struct entry *e);

/**
 * Apply the metadata of ${e} to the file behind ${fd}, from O_PATH where it is a directory, or
 * cannot be opened otherwise; that takes /proc.  ${st} is its stat, which saves the calls that
 * would change nothing.  Set-id bits are left out when the file is to get its owner and does not;
 * where owners are not restored, trusted ones are those of the user's own file, as GNU tar has it.
 * With acls, what a file inherited goes where the member has no ACL.
 *
 * What fails is said as a failure of ${name}.  What the file system cannot hold at all is counted
 * instead: that is what ENOSYS and EOPNOTSUPP say, and EPERM where contained_is_foreign says so.
 */
void metadata_apply(const struct metadata_policy *policy, int fd, const struct stat *st,
    const struct entry *e, const char *name);

/**
 * Have the files behind ${a} and ${b}, no directories, the same extended attributes and ACLs, as
 * far as those are to be restored?  No, too, where they cannot be read.
 */
bool metadata_same_attributes(const struct metadata_policy *policy, int a, int b, bool is_symlink);

/**
 * Give the file behind ${to} the owner, mode, mtime and extended attributes (ACLs are among them)
 * of the one behind ${from}, and no ACL that it inherited: a copy that stands for another name.
 * Descriptors, set-id bits and failures as in metadata_apply, but that an ordinary user's copies
 * are the user's without a word.
 */
void metadata_copy(int from, int to, const char *name, struct report *report);

#endif
