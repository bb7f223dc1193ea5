#include "config.h"

#include "late_directories.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"

static struct late_directories late;
static struct entry given;
static size_t number;
static struct error err;

static void tear_down(void) {
	late_directories_fini(&late);
}

static struct entry directory(const char *name) {
	return (struct entry){
		.name = name,
		.type = ENTRY_DIRECTORY,
		.is_whole = true,
		.mode = 0755,
		.mtime = { 1500000000, 999999999 },
	};
}

static void add_as(const struct entry *e, ino_t ino, uid_t uid, bool is_new) {
	const struct stat st = {
		.st_dev = 7, .st_ino = ino, .st_uid = uid, .st_mode = S_IFDIR | 0755
	};
	size_t depth = 1;

	for (const char *slash = e->name; (slash = strchr(slash, '/')) != NULL; slash++)
		depth++;
	ck_assert_int_eq(late_directories_add(&late, e, depth, &st, is_new, &err), TARN_OK);
}

static void add(const struct entry *e, ino_t ino) {
	add_as(e, ino, 0, false);
}

/* A new one, of the user 5, to have this ${mode} and ${acl}, and the owner ${uid}. */
static void add_new(const char *name, mode_t mode, uid_t uid, const char *acl) {
	struct entry e = directory(name);

	e.mode = mode;
	e.uid = uid;
	e.acl_access = acl;
	add_as(&e, 1, 5, true);
}

static void add_names(const char *const *names) {
	for (ino_t i = 0; names[i] != NULL; i++) {
		const struct entry e = directory(names[i]);

		add(&e, i + 1);
	}
}

static const struct entry *next(void) {
	ck_assert_int_eq(late_directories_next(&late, false, &given, &number, &err), TARN_OK);
	return &given;
}

static void assert_end(void) {
	ck_assert_int_eq(late_directories_next(&late, false, &given, &number, &err), TARN_END);
}

static void assert_names(const char *const *names) {
	for (size_t i = 0; names[i] != NULL; i++)
		ck_assert_str_eq(next()->name, names[i]);
	assert_end();
}

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

START_TEST(nothing_was_added) {
	assert_end();
}
END_TEST

START_TEST(deepest_come_first) {
	add_names(NAMES("a", "a/b", "a/b/c", "a/d", "e", "e/f"));
	assert_names(NAMES("a/b/c", "a/b", "a/d", "e/f", "a", "e"));
}
END_TEST

START_TEST(new_ones_that_stay_open_come_first_as_they_were_added) {
	const struct entry existing = directory("existing");

	add(&existing, 1);
	add_new("closed", 0077, 5, NULL);
	add_new("open", 0500, 5, NULL);
	add_new("open/closed", 0300, 5, NULL);
	add_new("open/closed/open", 0700, 5, NULL);
	add_new("searched", 0600, 5, NULL);
	add_new("of/others", 0705, 6, NULL);
	add_new("of/others/closed", 0770, 6, NULL);
	add_new("with/acl", 0777, 5, "user::---");
	assert_names(NAMES("open", "open/closed/open", "of/others", "of/others/closed",
	    "open/closed", "with/acl", "existing", "closed", "searched"));
}
END_TEST

START_TEST(what_is_closed_until_it_has_its_mode_waits) {
	struct stat st = { .st_uid = 5, .st_mode = S_IFDIR | 0700 };
	struct entry e = directory("given/away");

	e.uid = 6;
	ck_assert_int_eq(late_directories_add(&late, &e, 2, &st, true, &err), TARN_OK);
	e = directory("kept");
	e.uid = 5;
	ck_assert_int_eq(late_directories_add(&late, &e, 1, &st, true, &err), TARN_OK);
	assert_names(NAMES("kept", "given/away"));
}
END_TEST

START_TEST(those_of_any_order_end_where_order_matters) {
	const struct entry existing = directory("existing");

	add(&existing, 1);
	add_new("open", 0700, 5, NULL);
	add_new("closed", 0077, 5, NULL);
	add_new("open/too", 0700, 5, NULL);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(
		    late_directories_next(&late, true, &given, &number, &err), TARN_OK);
	ck_assert_str_eq(given.name, "open/too");
	ck_assert_int_eq(late_directories_next(&late, true, &given, &number, &err), TARN_END);
	assert_names(NAMES("existing", "closed"));
}
END_TEST

START_TEST(names_in_any_order_come_back) {
	add_names(NAMES(
	    "a/b/c", "b", "a", "ab", "a/bc", "a/b", "a/b/d", "a//x", "./a", "./a/b", "/r", "/r/s"));
	assert_names(NAMES(
	    "a/b/c", "a/b/d", "a//x", "./a/b", "/r/s", "a/bc", "a/b", "./a", "/r", "b", "a", "ab"));
}
END_TEST

START_TEST(same_name_comes_as_often_as_it_was_added) {
	struct entry e = directory("a/b");

	add(&e, 1);
	e.mode = 0700;
	add(&e, 2);
	add_names(NAMES("a/b/c"));
	ck_assert_str_eq(next()->name, "a/b/c");
	ck_assert_uint_eq(next()->mode, 0755);
	ck_assert_uint_eq(next()->mode, 0700);
	assert_end();
}
END_TEST

START_TEST(metadata_come_back) {
	struct entry e = directory("a");

	e.mode = 07751;
	e.uid = UINT32_MAX;
	e.gid = 5;
	e.mtime = (struct timespec){ -1, 1 };
	add(&e, 1);
	ck_assert_uint_eq(next()->mode, 07751);
	ck_assert_uint_eq(given.uid, UINT32_MAX);
	ck_assert_uint_eq(given.gid, 5);
	ck_assert_int_eq(given.mtime.tv_sec, -1);
	ck_assert_int_eq(given.mtime.tv_nsec, 1);
	ck_assert_int_eq(given.type, ENTRY_DIRECTORY);
	ck_assert(given.is_whole);
}
END_TEST

START_TEST(numbers_of_owners_beyond_32_bits_come_back) {
	struct entry e = directory("a");

	e.uid = (uint64_t)1 << 40;
	add(&e, 1);
	e = directory("b");
	e.gid = (uint64_t)1 << 41;
	add(&e, 2);
	ck_assert_uint_eq(next()->uid, (uint64_t)1 << 40);
	ck_assert_uint_eq(next()->gid, (uint64_t)1 << 41);
}
END_TEST

START_TEST(attributes_come_back_and_names_below_them) {
	struct xattr x = { "user.x", "value", 5 };
	struct entry e = directory("a");

	e.xattrs = &x;
	e.nxattrs = 1;
	e.acl_access = "user::rwx,group::---,other::---";
	e.acl_default = "user::rwx,group::r-x,other::---";
	add(&e, 1);
	add_names(NAMES("a/b", "a/b/c", "a/d"));
	ck_assert_str_eq(next()->name, "a/b/c");
	ck_assert_str_eq(next()->name, "a/b");
	ck_assert_str_eq(next()->name, "a/d");
	ck_assert_uint_eq(given.nxattrs, 0);
	ck_assert_str_eq(next()->name, "a");
	ck_assert_uint_eq(given.nxattrs, 1);
	ck_assert_ptr_ne(given.xattrs, &x);
	ck_assert_str_eq(given.xattrs->name, "user.x");
	ck_assert_mem_eq(given.xattrs->value, "value", 5);
	ck_assert_str_eq(given.acl_access, "user::rwx,group::---,other::---");
	ck_assert_str_eq(given.acl_default, "user::rwx,group::r-x,other::---");
	assert_end();
}
END_TEST

START_TEST(each_attribute_alone_comes_back) {
	struct xattr x = { "user.x", "value", 5 };
	struct entry a = directory("a"), b = directory("b"), c = directory("c");

	a.xattrs = &x;
	a.nxattrs = 1;
	b.acl_access = "user::rwx";
	c.acl_default = "user::r-x";
	add(&a, 1);
	add(&b, 2);
	add(&c, 3);
	ck_assert_uint_eq(next()->nxattrs, 1);
	ck_assert_pstr_eq(next()->acl_access, "user::rwx");
	ck_assert_pstr_eq(next()->acl_default, "user::r-x");
}
END_TEST

START_TEST(directory_is_told_from_others) {
	struct stat st = { .st_dev = 7, .st_ino = 1, .st_mode = S_IFDIR };

	add_names(NAMES("a", "b"));
	next();
	ck_assert(late_directories_is(&late, number, &st));
	st.st_mode = S_IFREG; /* a file has got its number */
	ck_assert(!late_directories_is(&late, number, &st));
	st.st_mode = S_IFDIR;
	st.st_dev = 8;
	ck_assert(!late_directories_is(&late, number, &st));
	st.st_dev = 7;
	st.st_ino = 2;
	ck_assert(!late_directories_is(&late, number, &st));
	next();
	ck_assert(late_directories_is(&late, number, &st));
}
END_TEST

START_TEST(directory_takes_its_last_component_and_48_bytes) {
	char name[64];

	for (int i = 0; i < 1000; i++) {
		struct entry e;

		snprintf(name, sizeof(name), "some/where/%02d", i / 10);
		e = directory(name);
		if (i % 10 != 0)
			sprintf(name + strlen(name), "/%02d", i % 10);
		add(&e, 1);
	}
	ck_assert_uint_eq(late.records.nbytes, 1000 * 48);
	ck_assert_uint_eq(late.text.nbytes, 100 * sizeof("some/where/00") + 900 * sizeof("00"));
}
END_TEST

int main(void) {
	Suite *suite = suite_create("late_directories");
	TCase *tc = tcase_create("late_directories");

	tcase_add_checked_fixture(tc, NULL, tear_down);
	tcase_add_test(tc, nothing_was_added);
	tcase_add_test(tc, deepest_come_first);
	tcase_add_test(tc, new_ones_that_stay_open_come_first_as_they_were_added);
	tcase_add_test(tc, what_is_closed_until_it_has_its_mode_waits);
	tcase_add_test(tc, those_of_any_order_end_where_order_matters);
	tcase_add_test(tc, names_in_any_order_come_back);
	tcase_add_test(tc, same_name_comes_as_often_as_it_was_added);
	tcase_add_test(tc, metadata_come_back);
	tcase_add_test(tc, numbers_of_owners_beyond_32_bits_come_back);
	tcase_add_test(tc, attributes_come_back_and_names_below_them);
	tcase_add_test(tc, each_attribute_alone_comes_back);
	tcase_add_test(tc, directory_is_told_from_others);
	tcase_add_test(tc, directory_takes_its_last_component_and_48_bytes);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
