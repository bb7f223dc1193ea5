#include "config.h"

#include "landlock.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Called by run_read once the destinations are open and before the first member is looked at.  A
 * step that fails ends the attempt without a word, as nothing else relies on it.  The system calls
 * have no wrappers in libc.
 */

#if __has_include(<linux/landlock.h>)
#include <linux/landlock.h>
#endif

/* Headers before Linux 5.19 do not have it, and that is too old (VERSION_REFER). */
#ifdef LANDLOCK_ACCESS_FS_REFER

#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14) /* Linux 6.2 */
#endif

/*
 * Versions of Landlock's interface (landlock(7)).  The second brought links and renames from one
 * directory to another: before, the kernel forbids them to whoever uses Landlock.  A right that
 * the kernel does not know yet makes it refuse the whole set of rules.
 */
#define VERSION_REFER 2    /* Linux 5.19 */
#define VERSION_TRUNCATE 3 /* Linux 6.2 */

#define WRITING \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
	    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | \
	    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | \
	    LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | \
	    LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM | \
	    LANDLOCK_ACCESS_FS_REFER)

void landlock_confine(const int *directories, size_t n, bool may_execute) {
	long version =
	    syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr attr = { .handled_access_fs = WRITING };
	struct landlock_path_beneath_attr rule;
	long failed = 0;
	int ruleset;

	if (version < VERSION_REFER)
		return;
	if (version >= VERSION_TRUNCATE)
		attr.handled_access_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (!may_execute)
		attr.handled_access_fs |= LANDLOCK_ACCESS_FS_EXECUTE;
	/*
	 * Programs, too, as there is nothing then that the kernel would have to look for above: it
	 * walks up from the directories of each name that is made, and at the destination all is
	 * allowed.
	 */
	rule.allowed_access = attr.handled_access_fs;
	ruleset =
	    (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);
	if (ruleset < 0)
		return;
	for (size_t i = 0; i < n && failed == 0; i++) {
		rule.parent_fd = directories[i];
		failed =
		    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	}
	/* Whoever is not root may confine himself only when no program can undo it. */
	if (failed == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		syscall(SYS_landlock_restrict_self, ruleset, 0);
	close(ruleset);
}

#else

void landlock_confine(const int *directories, size_t n, bool may_execute) {
	(void)directories;
	(void)n;
	(void)may_execute;
}

#endif
