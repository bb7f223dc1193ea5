#ifndef TARN_TEST_SCRATCH_H
#define TARN_TEST_SCRATCH_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "suite.h"

/*
 * A directory for each test, and a file that standard error goes to.  The directory is made where
 * the test runs, as /tmp may be a file system without extended attributes.
 */

static char scratch[sizeof("check.XXXXXX")];
static int at; /* the directory */
static FILE *said;

static inline void set_up_scratch(void) {
	umask(022);
	strcpy(scratch, "check.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(scratch));
	at = open(scratch, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(at, 0);
	ck_assert_int_eq(fchmod(at, 0755), 0);
	said = tmpfile();
	ck_assert_ptr_nonnull(said);
	ck_assert_int_eq(dup2(fileno(said), STDERR_FILENO), STDERR_FILENO);
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void tear_down_scratch(void) {
	fclose(said);
	close(at);
	nftw(scratch, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/*
 * Say that there is no ${what} for a test: where all of it was installed on purpose that is a
 * failure.
 */
static inline void lack(const char *what) {
	printf("skipped: no %s here\n", what);
	ck_assert_ptr_null(getenv("TESTS_LACK_NOTHING"));
}

/* End the program as one that was skipped, where files can have no extended attributes. */
static inline void skip_without_attributes(void) {
	if (setxattr(".", "user.tarn-check", "", 0, 0) == 0) {
		removexattr(".", "user.tarn-check");
		return;
	}
	printf("skipped: no extended attributes here\n");
	exit(getenv("TESTS_LACK_NOTHING") == NULL ? 77 : EXIT_FAILURE);
}

/* Root, to whom nothing is closed, goes on as somebody else until it becomes itself again. */
static inline void become_nobody(void) {
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(65534), 0);
}

static inline void become_oneself(void) {
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
}

/* True when ${text} was said on standard error. */
static inline bool was_said(const char *text) {
	char buf[8192];
	ssize_t nbytes = pread(fileno(said), buf, sizeof(buf) - 1, 0);

	ck_assert_int_ge(nbytes, 0);
	buf[nbytes] = '\0';
	return strstr(buf, text) != NULL;
}

/* A file of mode 0644 that begins with a hole of ${hole} bytes. */
static inline void write_file_behind_hole(
    const char *name, off_t hole, const char *content, size_t nbytes) {
	int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, hole), 0);
	ck_assert_int_eq(pwrite(fd, content, nbytes, hole), (ssize_t)nbytes);
	close(fd);
}

static inline void write_file(const char *name, const char *content) {
	write_file_behind_hole(name, 0, content, strlen(content));
}

static inline struct stat stat_of(const char *name) {
	struct stat st;

	ck_assert_msg(
	    fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0, "%s: %s", name, strerror(errno));
	return st;
}

/* The name of what is in the directory, for calls that know no directories. */
static inline const char *path_of(const char *name) {
	static char path[sizeof(scratch) + 256];

	snprintf(path, sizeof(path), "%s/%s", scratch, name);
	return path;
}

static inline TCase *add_case(
    Suite *suite, const char *name, void (*set_up)(void), void (*tear_down)(void)) {
	TCase *tests = tcase_create(name);

	tcase_add_checked_fixture(tests, set_up, tear_down);
	suite_add_tcase(suite, tests);
	return tests;
}

#endif
