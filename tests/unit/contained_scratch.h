#ifndef TARN_TEST_CONTAINED_SCRATCH_H
#define TARN_TEST_CONTAINED_SCRATCH_H

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contained.h"
#include "suite.h"
#include "work_directory.h"

/*
 * What the tests of contained.h share.  Each test has the destination in/ and, beside it, out/ with
 * one file, which must be as it was when the test ends, as must be the number of open descriptors.
 * What the tests do without contained.h stands for another process.
 */

static struct contained *below;
static struct error err;
static struct stat out_before, secret_before;
static int nfds_before;

static inline int count_names(const char *directory) {
	DIR *d = opendir(directory);
	int n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static inline void write_file(const char *name, const char *text) {
	FILE *f = fopen(name, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static inline void ck_assert_content(const char *name, const char *text) {
	char content[64] = "";
	int fd = open(name, O_RDONLY | O_NOFOLLOW);

	ck_assert_msg(fd >= 0, "%s: %s", name, strerror(errno));
	ck_assert_int_ge(read(fd, content, sizeof(content) - 1), 0);
	close(fd);
	ck_assert_str_eq(content, text);
}

static inline struct stat stat_of(const char *name) {
	struct stat st;

	ck_assert_msg(lstat(name, &st) == 0, "%s: %s", name, strerror(errno));
	return st;
}

static inline bool is_there(const char *name) {
	struct stat st;

	return lstat(name, &st) == 0;
}

static inline void setup(void) {
	umask(022);
	enter_work_directory();
	ck_assert_int_eq(mkdir("in", 0755), 0);
	ck_assert_int_eq(mkdir("out", 0755), 0);
	write_file("out/secret", "secret");
	out_before = stat_of("out");
	secret_before = stat_of("out/secret");
	nfds_before = count_names("/proc/self/fd");
	ck_assert_int_eq(contained_open(&below, "in", &err), TARN_OK);
}

static inline bool same_time(struct timespec a, struct timespec b) {
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static inline void teardown(void) {
	struct stat out = stat_of("out"), secret = stat_of("out/secret");

	contained_free(below);
	ck_assert_int_eq(count_names("/proc/self/fd"), nfds_before);
	ck_assert_int_eq(count_names("out"), 1);
	ck_assert(same_time(out.st_ctim, out_before.st_ctim));
	ck_assert(same_time(secret.st_ctim, secret_before.st_ctim));
	ck_assert_content("out/secret", "secret");
	remove_work_directory();
}

/* The functions under test, on names. */

static inline struct member_path path_of(const char *name) {
	struct member_path path = { .storage = NULL };

	ck_assert_int_eq(member_path_set(&path, name, &err), TARN_OK);
	return path;
}

static inline int create(
    const char *name, enum early_name early, bool replace, struct fresh *fresh) {
	struct member_path path = path_of(name);
	struct new_file file = { .mode = 0600, .early_name = early, .replace = replace };
	int r = contained_create(below, &path, &file, fresh, &err);

	member_path_fini(&path);
	return r;
}

static inline int commit(int r, struct fresh *fresh) {
	return r == TARN_OK ? contained_commit(fresh, &err) : r;
}

static inline int make_file(const char *name, const char *text, bool replace) {
	struct fresh fresh;
	int r = create(name, EARLY_NAME_UNFINISHED, replace, &fresh);

	if (r == TARN_OK)
		ck_assert_int_eq(write(fresh.fd, text, strlen(text)), (ssize_t)strlen(text));
	return commit(r, &fresh);
}

static inline int make_symlink(const char *name, const char *target, bool replace) {
	struct member_path path = path_of(name);
	struct fresh fresh;
	int r = contained_symlink(below, &path, target, replace, &fresh, &err);

	member_path_fini(&path);
	return commit(r, &fresh);
}

static inline int make_node(const char *name, mode_t mode, dev_t rdev, bool replace) {
	struct member_path path = path_of(name);
	struct fresh fresh;
	int r = contained_mknod(below, &path, mode, rdev, replace, &fresh, &err);

	member_path_fini(&path);
	return commit(r, &fresh);
}

static inline int make_directory(const char *name, bool replace, bool *made) {
	struct member_path path = path_of(name);
	struct wanted_directory wanted = { .mode = 0700, .replace = replace };
	int r = contained_mkdir(below, &path, &wanted, &err);

	member_path_fini(&path);
	*made = wanted.made;
	if (r == TARN_OK)
		ck_assert(S_ISDIR(wanted.st.st_mode));
	return r;
}

static inline bool is_that(const struct linking *linking, const struct stat *st) {
	const struct stat *that = linking->context;

	return st->st_dev == that->st_dev && st->st_ino == that->st_ino;
}

static inline int make_link_to(
    const char *existing, const struct stat *st, const char *name, bool replace) {
	struct member_path path = path_of(name), from = path_of(existing);
	struct linking linking = {
		.existing = &from, .is_wanted = is_that, .context = st, .replace = replace
	};
	int r = contained_link(below, &linking, &path, &err);

	member_path_fini(&path);
	member_path_fini(&from);
	return r;
}

static inline int get_stat(const char *name, struct stat *st) {
	struct member_path path = path_of(name);
	int r = contained_stat(below, &path, st, &err);

	member_path_fini(&path);
	return r;
}

static inline int open_existing(const char *name, int flags, int *fd) {
	struct member_path path = path_of(name);
	int r = contained_open_existing(below, &path, flags, fd, &err);

	member_path_fini(&path);
	return r;
}

static inline int make_link(const char *existing, const char *name, bool replace) {
	struct stat st;

	ck_assert_int_eq(get_stat(existing, &st), TARN_OK);
	return make_link_to(existing, &st, name, replace);
}

/* A case of ${suite} whose tests all have a destination of their own. */
static inline TCase *add_case(Suite *suite, const char *name) {
	TCase *tests = tcase_create(name);

	tcase_add_checked_fixture(tests, setup, teardown);
	/* Some disks take their time for thousands of directories. */
	tcase_set_timeout(tests, 60);
	suite_add_tcase(suite, tests);
	return tests;
}

#endif
