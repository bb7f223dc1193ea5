#ifndef TARN_TEST_WORK_DIRECTORY_H
#define TARN_TEST_WORK_DIRECTORY_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A directory for each test, in which it works. */

static char work_directory[4096];

static inline void enter_work_directory(void) {
	const char *parent = getenv("TMPDIR");

	snprintf(work_directory, sizeof(work_directory), "%s/tarn-check.XXXXXX",
	    parent != NULL ? parent : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(work_directory));
	ck_assert_int_eq(chdir(work_directory), 0);
}

static inline void remove_work_directory(void) {
	char command[sizeof(work_directory) + 16];

	ck_assert_int_eq(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", work_directory);
	ck_assert_int_eq(system(command), 0);
}

#endif
