#include "config.h"

#include "compare.h"

#include <acl/libacl.h>
#include <limits.h>
#include <sys/acl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "comparison.h"

/* What counts of a member beside its content, and where it is looked for. */

START_TEST(same_file_is_silent) {
	struct entry e = file_member("f", "hello");

	make_file("f", "hello");
	compare_content(&e, "hello");
	assert_same();
}
END_TEST

START_TEST(properties_are_said_in_the_order_of_tar) {
	struct entry e = file_member("f", "hello");

	make_file("f", "hello!");
	e.mode = 04644;
	e.uid++;
	e.gid++;
	e.mtime.tv_sec++;
	compare_content(&e, "hello");
	assert_differs("f: Mode differs\nf: Uid differs\nf: Gid differs\nf: Mod time differs\n"
	               "f: Size differs\n");
}
END_TEST

enum owner_name { NO_NAME, UNKNOWN_NAME, OWN_NAME };

static const struct {
	enum owner_name name;
	bool numeric_owner;
	uint64_t too_much; /* of the member's numbers */
	bool differs;
} owner_cases[] = {
	{ NO_NAME, false, 0, false },
	{ NO_NAME, false, 7, true },
	{ NO_NAME, false, UINT64_C(1) << 32, true }, /* more than the system's numbers have bits */
	{ UNKNOWN_NAME, false, 0, false },
	{ UNKNOWN_NAME, false, 7, true },
	{ OWN_NAME, false, 7, false },
	{ OWN_NAME, true, 7, true },
};

START_TEST(owner_is_compared_by_name_where_that_is_known_and_wanted) {
	struct owners *owners = owners_new();
	struct entry e = file_member("f", "");

	if (owner_cases[_i].name == UNKNOWN_NAME) {
		e.uname = e.gname = "no such name";
	} else if (owner_cases[_i].name == OWN_NAME) {
		e.uname = owners_user_name(owners, e.uid);
		e.gname = owners_group_name(owners, e.gid);
		ck_assert(e.uname != NULL && e.gname != NULL);
	}
	e.uid += owner_cases[_i].too_much;
	e.gid += owner_cases[_i].too_much;
	options.numeric_owner = owner_cases[_i].numeric_owner;
	make_file("f", "");
	compare(&e);
	if (owner_cases[_i].differs)
		assert_differs("f: Uid differs\nf: Gid differs\n");
	else
		assert_same();
	owners_free(owners);
}
END_TEST

/* The mtime of the file "f" gets a fraction, whether or not the file system would give it one. */
static void make_file_with_fraction(void) {
	struct timespec times[2] = { mtime, mtime };

	make_file("f", "");
	times[1].tv_nsec = 500000000;
	ck_assert_int_eq(utimensat(at, "f", times, 0), 0);
}

START_TEST(time_without_fraction_matches_its_second) {
	struct entry e = file_member("f", "");

	make_file_with_fraction();
	compare(&e);
	assert_same();
}
END_TEST

START_TEST(time_with_another_fraction_differs) {
	struct entry e = file_member("f", "");

	make_file_with_fraction();
	e.mtime.tv_nsec = 400000000;
	compare(&e);
	assert_differs("f: Mod time differs\n");
}
END_TEST

/* In the tree are f, a file, and l, a symbolic link to d, in which is a file, too. */
static const struct {
	const char *name, *first_name, *said;
	int status;
} absent[] = {
	{ "g", NULL, "tarn: g: Warning: Cannot stat: No such file or directory\n", 1 },
	{ "e/g", NULL, "tarn: e/g: Warning: Cannot stat: No such file or directory\n", 1 },
	{ "g", "f", "tarn: g: Warning: Cannot stat: No such file or directory\n", 1 },
	{ "f", "g", "tarn: g: Warning: Cannot stat: No such file or directory\n", 1 },
	{ "f/f", NULL, "tarn: f/f: Cannot", 2 },
	{ "d/../../f", NULL, "tarn: d/../../f: Member name contains '..'\n", 2 },
	{ "l/f", NULL, "tarn: l/f: Cannot open", 2 },
	{ "f", "l/f", "tarn: l/f: Cannot open", 2 },
};

START_TEST(what_is_not_below_the_directory_is_said_and_not_compared) {
	struct entry e = file_member(absent[_i].name, "");

	e.first_name = absent[_i].first_name;
	make_file("f", "");
	ck_assert_int_eq(mkdirat(at, "d", 0755), 0);
	make_file("d/f", "other");
	ck_assert_int_eq(symlinkat("d", at, "l"), 0);
	compare(&e);
	assert_said(absent[_i].said, absent[_i].status);
}
END_TEST

START_TEST(leading_slash_is_dropped_and_that_is_said) {
	struct entry e = file_member("/f", "hello");

	make_file("f", "hello");
	compare_content(&e, "hello");
	assert_said("tarn: Removing leading `/' from member names\n", 0);
}
END_TEST

START_TEST(absolute_name_is_below_the_root_with_absolute_names) {
	char *root = realpath(scratch, NULL), name[PATH_MAX + 2];
	struct entry e;

	ck_assert_ptr_nonnull(root);
	snprintf(name, sizeof(name), "%s/f", root);
	free(root);
	e = file_member(name, "hello");
	make_file("f", "hello");
	options.absolute_names = true;
	compare_content(&e, "hello");
	assert_same();
}
END_TEST

START_TEST(name_is_printed_with_escapes) {
	struct entry e = file_member("a\n\033b", "");

	make_file("a\n\033b", "");
	e.mode = 0600;
	compare(&e);
	assert_differs("a\\n\\033b: Mode differs\n");
}
END_TEST

/* A fifo that is opened for reading makes the reader wait for a writer. */
START_TEST(fifo_at_the_place_of_a_file_is_another_type) {
	struct entry e = file_member("f", "hello");

	ck_assert_int_eq(mkfifoat(at, "f", 0644), 0);
	compare_content(&e, "hello");
	assert_differs("f: File type differs\n");
}
END_TEST

static const struct {
	const char *name;
	enum entry_type type;
	const char *lines;
} mode_cases[] = {
	{ "p", ENTRY_FIFO, "p: Mode differs\n" },
	{ "d", ENTRY_DIRECTORY, "d: Mode differs\n" },
	{ ".", ENTRY_DIRECTORY, ".: Mode differs\n" },
};

START_TEST(all_but_files_and_symlinks_are_compared_by_mode_alone) {
	struct entry e = file_member(mode_cases[_i].name, "");

	e.type = mode_cases[_i].type;
	e.mode = 0750;
	e.uid++;
	e.mtime.tv_sec++;
	ck_assert_int_eq(mkfifoat(at, "p", 0600), 0);
	ck_assert_int_eq(mkdirat(at, "d", 0700), 0);
	compare(&e);
	assert_differs(mode_cases[_i].lines);
}
END_TEST

/* The device that every system has, as a member. */
static void compare_null_device(unsigned int major_offset, unsigned int minor_offset) {
	struct fake_source fake = { .nblocks = 0 };
	struct entry e = { .name = "null", .type = ENTRY_CHAR_DEVICE };
	struct stat st;

	ck_assert_int_eq(stat("/dev/null", &st), 0);
	e.mode = st.st_mode & 07777;
	e.rdev_major = major(st.st_rdev) + major_offset;
	e.rdev_minor = minor(st.st_rdev) + minor_offset;
	compare_below("/dev", &e, &fake);
}

START_TEST(same_device_is_silent) {
	compare_null_device(0, 0);
	assert_same();
}
END_TEST

START_TEST(other_device_number_differs) {
	compare_null_device(0, 1);
	assert_differs("null: Device number differs\n");
	compare_null_device(1, 0);
	assert_differs("null: Device number differs\n");
}
END_TEST

static void compare_symlink(const char *tree, const char *target) {
	struct entry e = { .name = "l", .type = ENTRY_SYMLINK, .target = target };

	e.acl_access = "user::rwx,user:7:r--,group::r-x,mask::r-x,other::r-x";
	ck_assert_int_eq(symlinkat(tree, at, "l"), 0);
	compare(&e);
}

START_TEST(symlink_is_compared_by_its_text_alone) {
	options.acls = true; /* no system lets it have any */
	compare_symlink("nowhere", "nowhere");
	assert_same();
}
END_TEST

/* Others; a beginning, in both directions; what no system takes; none at all. */
static char too_long[3 * PATH_MAX];
static const char *const other_targets[] = { "nowherf", "nowher", "nowhere2", too_long, NULL };

START_TEST(symlink_with_another_text_differs) {
	memset(too_long, 'x', sizeof(too_long) - 1);
	compare_symlink("nowhere", other_targets[_i]);
	assert_differs("l: Symlink differs\n");
}
END_TEST

START_TEST(file_at_the_place_of_a_symlink_is_another_type) {
	struct entry e = { .name = "f", .type = ENTRY_SYMLINK, .target = "nowhere" };

	make_file("f", "");
	compare(&e);
	assert_differs("f: File type differs\n");
}
END_TEST

static struct entry later_member(const char *name, const char *first) {
	return (struct entry){ .name = name, .first_name = first, .type = ENTRY_FILE };
}

START_TEST(later_name_of_the_same_inode_is_silent) {
	struct entry e = later_member("g", "f");

	make_file("f", "hello");
	ck_assert_int_eq(linkat(at, "f", at, "g", 0), 0);
	compare(&e);
	assert_same();
}
END_TEST

START_TEST(later_name_of_a_symlink_is_silent) {
	struct entry e = later_member("m", "l");

	ck_assert_int_eq(symlinkat("nowhere", at, "l"), 0);
	ck_assert_int_eq(linkat(at, "l", at, "m", 0), 0);
	compare(&e);
	assert_same();
}
END_TEST

START_TEST(first_name_that_is_stripped_away_is_not_looked_for) {
	struct entry e = file_member("f", "");

	e.first_name = "";
	make_file("f", "content");
	compare(&e);
	assert_same();
}
END_TEST

START_TEST(copy_at_the_place_of_a_later_name_is_not_linked) {
	struct entry e = later_member("g", "f\n");

	make_file("f\n", "hello");
	make_file("g", "hello");
	compare(&e);
	assert_differs("g: Not linked to f\\n\n");
}
END_TEST

START_TEST(same_number_on_another_device_is_not_linked) {
	struct entry e = later_member("/proc", "/sys");
	struct stat proc, sys;

	if (stat("/proc", &proc) != 0 || stat("/sys", &sys) != 0 || proc.st_ino != sys.st_ino ||
	    proc.st_dev == sys.st_dev) {
		lack("/proc and /sys of the same number");
		return;
	}
	options.absolute_names = true;
	compare(&e);
	assert_differs("/proc: Not linked to /sys\n");
}
END_TEST

START_TEST(content_of_a_later_member_is_compared) {
	struct entry e = later_member("g", "f");

	make_file("f", "hello");
	ck_assert_int_eq(linkat(at, "f", at, "g", 0), 0);
	e.size = 5;
	compare_content(&e, "hello");
	assert_same();
	compare_content(&e, "jello");
	assert_differs("g: Contents differ\n");
}
END_TEST

START_TEST(later_member_with_content_is_a_file_in_the_tree) {
	struct entry e = later_member("g", "f");

	ck_assert_int_eq(mkfifoat(at, "f", 0644), 0);
	ck_assert_int_eq(linkat(at, "f", at, "g", 0), 0);
	e.size = 5;
	compare_content(&e, "hello");
	assert_differs("g: File type differs\n");
}
END_TEST

/* A file with user.a=1 and user.b=2.  False, and said: the file system takes no such attributes. */
static bool make_file_with_xattrs(void) {
	int fd;

	make_file("f", "");
	fd = openat(at, "f", O_RDONLY);
	if (fsetxattr(fd, "user.a", "1", 1, 0) != 0 && errno == ENOTSUP) {
		lack("extended attributes");
		close(fd);
		return false;
	}
	ck_assert_int_eq(fsetxattr(fd, "user.b", "2", 1, 0), 0);
	close(fd);
	return true;
}

static void compare_xattrs(const struct xattr *xattrs, size_t n) {
	struct entry e = file_member("f", "");

	e.xattrs = xattrs;
	e.nxattrs = n;
	compare(&e);
}

START_TEST(same_xattrs_are_silent) {
	const struct xattr xattrs[] = { { "user.b", "2", 1 }, { "user.a", "1", 1 } };

	options.xattrs = true;
	if (!make_file_with_xattrs())
		return;
	nputs = 2;
	compare_xattrs(xattrs, 2);
	assert_same();
}
END_TEST

START_TEST(xattr_that_a_member_has_twice_counts_once) {
	const struct xattr xattrs[] = {
		{ "user.a", "1", 1 },
		{ "user.b", "2", 1 },
		{ "user.a", "1", 1 },
	};

	options.xattrs = true;
	if (!make_file_with_xattrs())
		return;
	compare_xattrs(xattrs, 3);
	assert_same();
}
END_TEST

static const struct {
	struct xattr xattrs[3];
	size_t n;
} other_xattrs[] = {
	{ { { "user.a", "1", 1 }, { "user.b", "3", 1 } }, 2 },
	{ { { "user.a", "1", 1 }, { "user.b", "22", 2 } }, 2 },
	{ { { "user.a", "1", 1 }, { "user.c", "2", 1 } }, 2 },
	{ { { "user.a", "1", 1 } }, 1 },
	{ { { "user.a", "1", 1 }, { "user.b", "2", 1 }, { "user.c", "", 0 } }, 3 },
	{ { { "user.a", "1", 1 }, { "user.a", "1", 1 } }, 2 },
	{ { { "user.a", "1", 1 }, { "user.a", "3", 1 }, { "user.b", "2", 1 } }, 3 },
	{ { { "user.a", "1", 1 } }, 0 },
};

START_TEST(other_xattrs_differ) {
	options.xattrs = true;
	if (!make_file_with_xattrs())
		return;
	compare_xattrs(other_xattrs[_i].xattrs, other_xattrs[_i].n);
	assert_differs("f: Extended attributes differ\n");
}
END_TEST

START_TEST(xattrs_are_not_compared_unless_asked) {
	const struct xattr xattr = { "user.a", "1", 1 };

	options.acls = true;
	make_file("f", "");
	compare_xattrs(&xattr, 1);
	assert_same();
}
END_TEST

/* A directory with an ACL of each kind.  False, and said: the file system takes none. */
static bool make_directory_with_acls(void) {
	acl_t acl = acl_from_text("u::rwx,u:7:r--,g::r-x,m::r-x,o::r-x");
	int r;

	ck_assert_int_eq(mkdirat(at, "d", 0755), 0);
	r = acl_set_file(path_of("d"), ACL_TYPE_ACCESS, acl);
	if (r != 0 && errno == ENOTSUP) {
		lack("ACLs");
		acl_free(acl);
		return false;
	}
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(acl_set_file(path_of("d"), ACL_TYPE_DEFAULT, acl), 0);
	acl_free(acl);
	return true;
}

#define SAME_ACL "user::rwx,group::r-x,mask::r-x,other::r-x,user:7:r--"

static void compare_acls(const char *access, const char *by_default) {
	struct entry e = file_member("d", "");

	e.type = ENTRY_DIRECTORY;
	e.mode = 0755;
	e.acl_access = access;
	e.acl_default = by_default;
	compare(&e);
}

START_TEST(same_acls_in_another_spelling_are_silent) {
	options.acls = true;
	if (!make_directory_with_acls())
		return;
	compare_acls(SAME_ACL, SAME_ACL);
	assert_same();
}
END_TEST

static const char *const other_acls[] = {
	"user::rwx,user:7:rw-,group::r-x,mask::r-x,other::r-x",
	"user::rwx,user:8:r--,group::r-x,mask::r-x,other::r-x",
	"user::rwx,group::r-x,other::r-x",
	"no ACL",
	NULL,
};

START_TEST(other_acls_differ) {
	options.acls = true;
	if (!make_directory_with_acls())
		return;
	compare_acls(other_acls[_i], SAME_ACL);
	assert_differs("d: ACL differs\n");
	compare_acls(SAME_ACL, other_acls[_i]);
	assert_differs("d: ACL differs\n");
}
END_TEST

START_TEST(acls_are_not_compared_unless_asked) {
	options.xattrs = true;
	ck_assert_int_eq(mkdirat(at, "d", 0755), 0);
	compare_acls(SAME_ACL, SAME_ACL);
	assert_same();
}
END_TEST

START_TEST(directory_that_is_not_there_is_an_error) {
	struct owners *owners = owners_new();
	struct report *report = report_new("tarn", false);
	struct error err;

	ck_assert_ptr_null(
	    compare_sink_new(&options, "check_compare.none", owners, report, stdout, &err));
	ck_assert_int_eq(err.code, TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, ENOENT);
	report_free(report);
	owners_free(owners);
}
END_TEST

static void add_properties(TCase *tcase) {
	tcase_add_test(tcase, same_file_is_silent);
	tcase_add_test(tcase, properties_are_said_in_the_order_of_tar);
	tcase_add_loop_test(tcase, owner_is_compared_by_name_where_that_is_known_and_wanted, 0,
	    NELEMENTS(owner_cases));
	tcase_add_test(tcase, time_without_fraction_matches_its_second);
	tcase_add_test(tcase, time_with_another_fraction_differs);
}

static void add_names(TCase *tcase) {
	tcase_add_loop_test(
	    tcase, what_is_not_below_the_directory_is_said_and_not_compared, 0, NELEMENTS(absent));
	tcase_add_test(tcase, leading_slash_is_dropped_and_that_is_said);
	tcase_add_test(tcase, absolute_name_is_below_the_root_with_absolute_names);
	tcase_add_test(tcase, name_is_printed_with_escapes);
	tcase_add_test(tcase, directory_that_is_not_there_is_an_error);
}

static void add_types(TCase *tcase) {
	tcase_add_test(tcase, fifo_at_the_place_of_a_file_is_another_type);
	tcase_add_loop_test(
	    tcase, all_but_files_and_symlinks_are_compared_by_mode_alone, 0, NELEMENTS(mode_cases));
	tcase_add_test(tcase, same_device_is_silent);
	tcase_add_test(tcase, other_device_number_differs);
	tcase_add_test(tcase, symlink_is_compared_by_its_text_alone);
	tcase_add_loop_test(tcase, symlink_with_another_text_differs, 0, NELEMENTS(other_targets));
	tcase_add_test(tcase, file_at_the_place_of_a_symlink_is_another_type);
}

static void add_later_names(TCase *tcase) {
	tcase_add_test(tcase, later_name_of_the_same_inode_is_silent);
	tcase_add_test(tcase, later_name_of_a_symlink_is_silent);
	tcase_add_test(tcase, first_name_that_is_stripped_away_is_not_looked_for);
	tcase_add_test(tcase, copy_at_the_place_of_a_later_name_is_not_linked);
	tcase_add_test(tcase, same_number_on_another_device_is_not_linked);
	tcase_add_test(tcase, content_of_a_later_member_is_compared);
	tcase_add_test(tcase, later_member_with_content_is_a_file_in_the_tree);
}

static void add_attributes(TCase *tcase) {
	tcase_add_test(tcase, same_xattrs_are_silent);
	tcase_add_test(tcase, xattr_that_a_member_has_twice_counts_once);
	tcase_add_loop_test(tcase, other_xattrs_differ, 0, NELEMENTS(other_xattrs));
	tcase_add_test(tcase, xattrs_are_not_compared_unless_asked);
	tcase_add_test(tcase, same_acls_in_another_spelling_are_silent);
	tcase_add_loop_test(tcase, other_acls_differ, 0, NELEMENTS(other_acls));
	tcase_add_test(tcase, acls_are_not_compared_unless_asked);
}

int main(void) {
	Suite *suite = suite_create("compare");

	add_properties(add_case(suite, "properties", set_up, tear_down));
	add_names(add_case(suite, "names", set_up, tear_down));
	add_types(add_case(suite, "types", set_up, tear_down));
	add_later_names(add_case(suite, "later names", set_up, tear_down));
	add_attributes(add_case(suite, "attributes", set_up, tear_down));
	return run_suite(suite);
}
