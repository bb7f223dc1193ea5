#include "config.h"

#include "metadata.h"

#include <acl/libacl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/acl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "scratch.h"

/*
 * Files in a real directory get the metadata of entries that the tests make up, and are looked at
 * with the system's calls.
 */

#define NOBODY 65534

static int list_errno; /* what listing attributes fails with; 0: it does not */

ssize_t flistxattr(int fd, char *list, size_t room) {
	errno = list_errno;
	return list_errno != 0 ? -1 : syscall(SYS_flistxattr, fd, list, room);
}

static struct owners *owners;
static struct report *report;
static struct options options;
static struct metadata_policy policy;
static struct entry e; /* the member */

static void set_up(void) {
	set_up_scratch();
	owners = owners_new();
	report = report_new("tarn", false);
	ck_assert(owners != NULL && report != NULL);
	options = (struct options){ 0 };
	policy = (struct metadata_policy){
		.owners = owners,
		.report = report,
		.options = &options,
	};
	e = (struct entry){ .mode = 0640, .mtime = { 1000000000, 123456789 } };
}

static void tear_down(void) {
	report_free(report);
	owners_free(owners);
	tear_down_scratch();
}

static void make_directory(const char *name, mode_t mode) {
	ck_assert_int_eq(mkdirat(at, name, 0700), 0);
	ck_assert_int_eq(fchmodat(at, name, mode, 0), 0);
}

static int open_as(const char *name, int flags) {
	int fd = openat(at, name, flags | O_NOFOLLOW);

	ck_assert_msg(fd >= 0, "%s: %s", name, strerror(errno));
	return fd;
}

/* Apply the member's metadata to ${name} behind a descriptor with ${flags}. */
static void apply_by(const char *name, int flags) {
	struct stat st = stat_of(name);
	int fd = open_as(name, flags);

	metadata_apply(&policy, fd, &st, &e, name);
	close(fd);
}

static void apply(const char *name) {
	apply_by(name, O_RDONLY);
}

static void assert_silent(void) {
	ck_assert_int_eq(report_finish(report), 0);
	ck_assert(!was_said(":"));
}

/* That ${text} was said at the end, and the exit status is ${status}. */
static void assert_said(const char *text, int status) {
	ck_assert_int_eq(report_finish(report), status);
	ck_assert_msg(was_said(text), "not said: %s", text);
}

static void assert_mode(const char *name, mode_t mode) {
	ck_assert_uint_eq(stat_of(name).st_mode & 07777, mode);
}

static void assert_mtime(const char *name, struct timespec mtime) {
	struct stat st = stat_of(name);

	ck_assert_int_eq(st.st_mtim.tv_sec, mtime.tv_sec);
	ck_assert_int_eq(st.st_mtim.tv_nsec, mtime.tv_nsec);
}

static void assert_owner(const char *name, uid_t uid, gid_t gid) {
	ck_assert_uint_eq(stat_of(name).st_uid, uid);
	ck_assert_uint_eq(stat_of(name).st_gid, gid);
}

/* False, and said: this is not root. */
static bool is_root(void) {
	if (geteuid() != 0)
		lack("root");
	return geteuid() == 0;
}

static const struct {
	enum tristate same_owner, same_permissions;
	bool root, gives_owner, is_trusted;
	mode_t umask;
} policies[] = {
	{ TRISTATE_DEFAULT, TRISTATE_DEFAULT, true, true, false, 0 },
	{ TRISTATE_DEFAULT, TRISTATE_DEFAULT, false, false, false, 027 },
	{ TRISTATE_NO, TRISTATE_NO, true, false, false, 027 },
	{ TRISTATE_YES, TRISTATE_YES, false, true, true, 0 },
};

START_TEST(owners_and_whole_modes_are_for_root_and_whoever_asks) {
	struct options o = {
		.same_owner = policies[_i].same_owner,
		.same_permissions = policies[_i].same_permissions,
	};

	if (policies[_i].root && !is_root())
		return;
	if (!policies[_i].root)
		become_nobody();
	umask(027);
	metadata_policy_init(&policy, &o, owners, report);
	ck_assert_int_eq(policy.same_owner, policies[_i].gives_owner);
	ck_assert_int_eq(policy.trusted, policies[_i].is_trusted);
	ck_assert_uint_eq(policy.umask, policies[_i].umask);
	ck_assert_uint_eq(umask(0), 027);
	become_oneself();
}
END_TEST

START_TEST(mode_and_time_are_those_of_the_member) {
	write_file("f", "");
	apply("f");
	assert_mode("f", 0640);
	assert_mtime("f", e.mtime);
	assert_silent();
}
END_TEST

START_TEST(umask_takes_bits_away) {
	write_file("f", "");
	e.mode = 01777;
	policy.umask = 027;
	apply("f");
	assert_mode("f", 01750);
}
END_TEST

static const struct timespec early[] = { { 0, 0 }, { -1, 750000000 }, { -2000000000, 1 } };

START_TEST(time_before_1970_is_kept) {
	write_file("f", "");
	e.mtime = early[_i];
	apply("f");
	assert_mtime("f", early[_i]);
	assert_silent();
}
END_TEST

/* The end of time is the file system's. */
START_TEST(time_beyond_the_file_system_is_its_last) {
	write_file("f", "");
	e.mtime = (struct timespec){ INT64_MAX, 999999999 };
	apply("f");
	ck_assert_int_gt(stat_of("f").st_mtim.tv_sec, INT32_MAX - 1);
	assert_silent();
}
END_TEST

START_TEST(touch_leaves_the_time_of_extraction) {
	struct stat before;

	write_file("f", "");
	before = stat_of("f");
	options.touch = true;
	apply("f");
	assert_mtime("f", before.st_mtim);
	assert_mode("f", 0640);
}
END_TEST

static const mode_t set_id_modes[] = { 04755, 02755, 06755 };

START_TEST(set_id_bits_are_left_out_and_counted) {
	write_file("f", "");
	e.mode = set_id_modes[_i];
	apply("f");
	assert_mode("f", 0755);
	assert_said("tarn: 1 file lost its set-user-id or set-group-id bit (-p restores it)\n", 0);
}
END_TEST

START_TEST(set_id_bits_of_trusted_members_are_set) {
	write_file("f", "");
	e.mode = set_id_modes[_i];
	e.uid = e.gid = is_root() ? 1234 : geteuid();
	policy.trusted = policy.same_owner = true;
	apply("f");
	assert_mode("f", set_id_modes[_i]);
	assert_silent();
}
END_TEST

static const struct {
	const char *uname, *gname;
	bool numeric;
	uid_t uid, gid;
} owner_cases[] = {
	{ NULL, NULL, false, 1234, 5678 },
	{ "no such name", "no such name", false, 1234, 5678 },
	{ "root", "root", false, 0, 0 },
	{ "root", NULL, false, 0, 5678 },
	{ "root", "root", true, 1234, 5678 },
};

START_TEST(owner_is_given_by_name_and_else_by_number) {
	if (!is_root())
		return;
	write_file("f", "");
	ck_assert_int_eq(fchownat(at, "f", 7, 7, 0), 0);
	e.uid = 1234;
	e.gid = 5678;
	e.uname = owner_cases[_i].uname;
	e.gname = owner_cases[_i].gname;
	options.numeric_owner = owner_cases[_i].numeric;
	policy.same_owner = true;
	apply("f");
	assert_owner("f", owner_cases[_i].uid, owner_cases[_i].gid);
	assert_silent();
}
END_TEST

START_TEST(owner_stays_unless_it_is_wanted) {
	write_file("f", "");
	e.uid = e.gid = 1234;
	apply("f");
	assert_owner("f", geteuid(), getegid());
	assert_silent();
}
END_TEST

/* The largest would mean "as it is" to the system. */
static const uint64_t nobodies[] = { UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX };

START_TEST(owner_that_no_system_has_is_a_failure_and_gets_no_set_id_bits) {
	write_file("f", "");
	e.mode = 04755;
	e.uid = nobodies[_i];
	e.gid = getegid();
	policy.trusted = policy.same_owner = true;
	apply("f");
	assert_mode("f", 0755);
	assert_owner("f", geteuid(), getegid());
	assert_said("Cannot change ownership to uid", 2);
	ck_assert(was_said(
	    "tarn: 1 file lost its set-user-id or set-group-id bit (it has another owner)\n"));
}
END_TEST

static void lose_capability(unsigned int capability) {
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	ck_assert_int_eq(syscall(SYS_capget, &header, data), 0);
	data[0].effective &= ~(1U << capability);
	ck_assert_int_eq(syscall(SYS_capset, &header, data), 0);
}

/* EPERM, but not since the file system had no owners. */
START_TEST(root_that_may_not_give_files_away_fails) {
	if (!is_root())
		return;
	write_file("f", "");
	e.uid = 1234;
	policy.same_owner = true;
	lose_capability(CAP_CHOWN);
	apply("f");
	assert_owner("f", 0, 0);
	assert_said(
	    "tarn: f: Cannot change ownership to uid 1234, gid 0: Operation not permitted\n", 2);
}
END_TEST

START_TEST(directory_that_its_user_may_not_read_gets_all) {
	char value[2];

	make_directory("d", 0300);
	if (getuid() == 0) {
		ck_assert_int_eq(fchownat(at, "d", NOBODY, NOBODY, 0), 0);
		ck_assert_int_eq(setegid(NOBODY), 0);
	}
	become_nobody();
	ck_assert_int_lt(openat(at, "d", O_RDONLY | O_DIRECTORY), 0);
	e.mode = 0750;
	e.xattrs = &(struct xattr){ "user.a", "1", 1 };
	e.nxattrs = 1;
	e.acl_default = "user::rwx,group::---,other::---";
	options.acls = options.xattrs = true;
	apply_by("d", O_PATH | O_DIRECTORY);
	assert_mode("d", 0750);
	assert_mtime("d", e.mtime);
	ck_assert_int_eq(getxattr(path_of("d"), "user.a", value, sizeof(value)), 1);
	ck_assert_int_eq(acl_extended_file(path_of("d")), 1);
	assert_silent();
	become_oneself();
}
END_TEST

START_TEST(fifo_gets_all_without_being_opened) {
	ck_assert_int_eq(mkfifoat(at, "p", 0600), 0);
	e.acl_access = "user::rw-,user:7:rw-,group::r--,mask::r--,other::---";
	options.acls = true;
	apply_by("p", O_PATH);
	assert_mode("p", 0640);
	assert_mtime("p", e.mtime);
	ck_assert_int_eq(acl_extended_file(path_of("p")), 1);
	assert_silent();
}
END_TEST

START_TEST(symlink_gets_owner_and_time_and_what_it_leads_to_gets_nothing) {
	struct stat before;

	write_file("f", "");
	before = stat_of("f");
	ck_assert_int_eq(symlinkat("f", at, "l"), 0);
	e.mode = 0700;
	e.uid = is_root() ? 1234 : geteuid();
	e.gid = getegid();
	e.acl_access = "user::rwx,user:7:rwx,group::---,mask::rwx,other::---";
	policy.same_owner = options.acls = true;
	apply_by("l", O_PATH);
	assert_owner("l", (uid_t)e.uid, getegid());
	assert_mtime("l", e.mtime);
	assert_owner("f", geteuid(), getegid());
	assert_mode("f", 0644);
	assert_mtime("f", before.st_mtim);
	ck_assert_int_eq(acl_extended_file(path_of("f")), 0);
	assert_silent();
}
END_TEST

static void apply_xattr(const char *name, int flags, const char *xattr) {
	e.xattrs = &(struct xattr){ xattr, "value", 5 };
	e.nxattrs = 1;
	options.xattrs = true;
	apply_by(name, flags);
}

static void assert_xattr(const char *name, const char *xattr) {
	char value[16];

	ck_assert_int_eq(lgetxattr(path_of(name), xattr, value, sizeof(value)), 5);
	ck_assert_mem_eq(value, "value", 5);
}

START_TEST(xattr_of_users_is_set_where_it_is_wanted) {
	write_file("f", "");
	apply_xattr("f", O_RDONLY, "user.a");
	assert_xattr("f", "user.a");
	options.xattrs = false;
	e.xattrs = &(struct xattr){ "user.b", "", 0 };
	apply("f");
	ck_assert_int_lt(getxattr(path_of("f"), "user.b", NULL, 0), 0);
	assert_silent();
}
END_TEST

static const char *const privileged_xattrs[] = { "trusted.a", "security.a", "other.a", "a", "" };

START_TEST(privileged_xattr_is_left_out_and_counted) {
	write_file("f", "");
	apply_xattr("f", O_RDONLY, privileged_xattrs[_i]);
	ck_assert_int_eq(listxattr(path_of("f"), NULL, 0), 0);
	assert_said("tarn: 1 privileged extended attribute left out (-p restores it)\n", 0);
}
END_TEST

START_TEST(privileged_xattr_of_a_trusted_member_is_set) {
	if (!is_root())
		return;
	policy.trusted = true;
	write_file("f", "");
	ck_assert_int_eq(symlinkat("f", at, "l"), 0);
	apply_xattr("f", O_RDONLY, "trusted.a");
	apply_xattr("l", O_PATH, "trusted.b");
	assert_xattr("f", "trusted.a");
	assert_xattr("l", "trusted.b");
	ck_assert_int_lt(getxattr(path_of("f"), "trusted.b", NULL, 0), 0);
	assert_silent();
}
END_TEST

START_TEST(xattr_that_special_files_cannot_have_is_counted) {
	ck_assert_int_eq(mkfifoat(at, "p", 0600), 0);
	ck_assert_int_eq(symlinkat("nowhere", at, "l"), 0);
	apply_xattr("p", O_PATH, "user.a");
	apply_xattr("l", O_PATH, "user.a");
	assert_said("tarn: 2 extended attributes were lost (the file system has none)\n", 0);
}
END_TEST

START_TEST(xattr_that_cannot_be_set_is_a_failure_and_the_rest_is_given) {
	char xattr[300] = "user.";

	memset(xattr + 5, 'x', sizeof(xattr) - 6);
	write_file("f", "");
	apply_xattr("f", O_RDONLY, xattr);
	assert_mode("f", 0640);
	assert_mtime("f", e.mtime);
	assert_said("tarn: f: Cannot set the extended attribute 'user.xxx", 2);
}
END_TEST

#define ACCESS_ACL "user::rw-,user:7:rwx,group::r-x,mask::r--,other::---"
#define DEFAULT_ACL "user::rwx,user:8:rwx,group::---,mask::rwx,other::---"
#define INHERITED_ACL "user::rw-,user:8:rwx,group::---,mask::r--,other::---"

/* ${text} NULL: ${name} has no such ACL. */
static void assert_acl(const char *name, acl_type_t type, const char *text) {
	acl_t acl = acl_get_file(path_of(name), type);
	char *found;

	ck_assert_ptr_nonnull(acl);
	if (text == NULL) {
		ck_assert(acl_entries(acl) == 0 || acl_equiv_mode(acl, NULL) == 0);
	} else {
		found = acl_to_any_text(acl, NULL, ',', TEXT_NUMERIC_IDS);
		ck_assert_str_eq(found, text);
		acl_free(found);
	}
	acl_free(acl);
}

/* A directory that gives an ACL to what is made in it, and a file and a directory with that. */
static void make_inheriting(void) {
	acl_t acl = acl_from_text(DEFAULT_ACL);

	make_directory("d", 0755);
	ck_assert_int_eq(acl_set_file(path_of("d"), ACL_TYPE_DEFAULT, acl), 0);
	acl_free(acl);
	write_file("d/f", "");
	ck_assert_int_eq(mkdirat(at, "d/d", 0700), 0);
	assert_acl("d/f", ACL_TYPE_ACCESS, INHERITED_ACL);
}

START_TEST(acls_of_the_member_are_set) {
	make_directory("d", 0755);
	e.acl_access = ACCESS_ACL;
	e.acl_default = DEFAULT_ACL;
	options.acls = true;
	apply("d");
	assert_acl("d", ACL_TYPE_ACCESS, ACCESS_ACL);
	assert_acl("d", ACL_TYPE_DEFAULT, DEFAULT_ACL);
	assert_mode("d", 0640);
	assert_silent();
}
END_TEST

START_TEST(inherited_acls_go_where_the_member_has_none) {
	make_inheriting();
	options.acls = true;
	apply("d/f");
	apply("d/d");
	assert_acl("d/f", ACL_TYPE_ACCESS, NULL);
	assert_acl("d/d", ACL_TYPE_ACCESS, NULL);
	assert_acl("d/d", ACL_TYPE_DEFAULT, NULL);
	assert_mode("d/f", 0640);
	assert_silent();
}
END_TEST

START_TEST(acls_are_left_alone_unless_they_are_wanted) {
	make_inheriting();
	e.acl_access = ACCESS_ACL;
	apply("d/f");
	assert_acl("d/f", ACL_TYPE_ACCESS, INHERITED_ACL);
	assert_silent();
}
END_TEST

START_TEST(text_that_is_no_acl_is_a_failure_and_the_rest_is_given) {
	write_file("f", "");
	e.acl_access = "user::rw-,user:no such name:rwx";
	options.acls = true;
	apply("f");
	assert_mode("f", 0640);
	assert_mtime("f", e.mtime);
	assert_said("tarn: f: Cannot set ACL: Invalid argument\n", 2);
}
END_TEST

static void copy(const char *from, const char *to, int flags) {
	int source = open_as(from, flags), fd = open_as(to, flags);

	metadata_copy(source, fd, to, report);
	close(source);
	close(fd);
}

/* Give ${name} all that there is. */
static void decorate(const char *name) {
	acl_t acl = acl_from_text(ACCESS_ACL);
	struct timespec times[2] = { e.mtime, e.mtime };

	ck_assert_int_eq(fchownat(at, name, 1234, 5678, 0), 0);
	ck_assert_int_eq(acl_set_file(path_of(name), ACL_TYPE_ACCESS, acl), 0);
	acl_free(acl);
	ck_assert_int_eq(setxattr(path_of(name), "trusted.a", "value", 5, 0), 0);
	ck_assert_int_eq(fchmodat(at, name, 06750, 0), 0);
	ck_assert_int_eq(utimensat(at, name, times, 0), 0);
}

START_TEST(copy_has_all_that_the_file_has) {
	int flags = _i == 0 ? O_RDONLY : O_PATH;

	if (!is_root())
		return;
	for (int i = 0; i < 2; i++) {
		if (_i == 0)
			write_file(i == 0 ? "a" : "b", "");
		else
			ck_assert_int_eq(mkfifoat(at, i == 0 ? "a" : "b", 0600), 0);
	}
	decorate("a");
	copy("a", "b", flags);
	assert_owner("b", 1234, 5678);
	assert_mode("b", 06750);
	assert_mtime("b", e.mtime);
	assert_xattr("b", "trusted.a");
	assert_acl("b", ACL_TYPE_ACCESS, "user::rwx,user:7:rwx,group::r-x,mask::r-x,other::---");
	assert_silent();
}
END_TEST

START_TEST(copy_that_lacks_attributes_which_cannot_be_listed_says_so) {
	write_file("a", "");
	write_file("b", "");
	list_errno = _i == 0 ? EIO : ENOTSUP;
	copy("a", "b", O_RDONLY);
	list_errno = 0;
	if (_i == 0)
		assert_said("b: Cannot list extended attributes: Input/output error", 2);
	else
		assert_silent();
}
END_TEST

START_TEST(copy_has_no_acl_that_the_file_has_not) {
	make_inheriting();
	write_file("a", "");
	copy("a", "d/f", O_RDONLY);
	assert_acl("d/f", ACL_TYPE_ACCESS, NULL);
	assert_mode("d/f", stat_of("a").st_mode & 07777);
	ck_assert_int_eq(mkfifoat(at, "fifo", 0600), 0);
	ck_assert_int_eq(mkfifoat(at, "d/fifo", 0600), 0);
	copy("fifo", "d/fifo", O_PATH);
	assert_acl("d/fifo", ACL_TYPE_ACCESS, NULL);
	assert_silent();
}
END_TEST

START_TEST(copy_of_a_foreign_file_belongs_to_its_user_and_has_no_set_id_bits) {
	if (!is_root())
		return;
	write_file("a", "");
	ck_assert_int_eq(fchmodat(at, "a", 06755, 0), 0);
	write_file("b", "");
	ck_assert_int_eq(fchownat(at, "b", NOBODY, NOBODY, 0), 0);
	become_nobody();
	copy("a", "b", O_RDONLY);
	become_oneself();
	assert_owner("b", NOBODY, NOBODY);
	assert_mode("b", 0755);
	assert_mtime("b", stat_of("a").st_mtim);
	assert_said(
	    "tarn: 1 file lost its set-user-id or set-group-id bit (it has another owner)\n", 0);
}
END_TEST

#define ADD(name) tcase_add_test(tests, name)
#define ADD_LOOP(name, n) tcase_add_loop_test(tests, name, 0, n)

static void add_basics(TCase *tests) {
	ADD_LOOP(owners_and_whole_modes_are_for_root_and_whoever_asks, NELEMENTS(policies));
	ADD(mode_and_time_are_those_of_the_member);
	ADD(umask_takes_bits_away);
	ADD_LOOP(time_before_1970_is_kept, NELEMENTS(early));
	ADD(time_beyond_the_file_system_is_its_last);
	ADD(touch_leaves_the_time_of_extraction);
	ADD_LOOP(set_id_bits_are_left_out_and_counted, NELEMENTS(set_id_modes));
	ADD_LOOP(set_id_bits_of_trusted_members_are_set, NELEMENTS(set_id_modes));
	ADD_LOOP(owner_is_given_by_name_and_else_by_number, NELEMENTS(owner_cases));
	ADD(owner_stays_unless_it_is_wanted);
	ADD_LOOP(
	    owner_that_no_system_has_is_a_failure_and_gets_no_set_id_bits, NELEMENTS(nobodies));
	ADD(root_that_may_not_give_files_away_fails);
}

static void add_kinds(TCase *tests) {
	ADD(directory_that_its_user_may_not_read_gets_all);
	ADD(fifo_gets_all_without_being_opened);
	ADD(symlink_gets_owner_and_time_and_what_it_leads_to_gets_nothing);
	ADD_LOOP(copy_has_all_that_the_file_has, 2);
	ADD_LOOP(copy_that_lacks_attributes_which_cannot_be_listed_says_so, 2);
	ADD(copy_has_no_acl_that_the_file_has_not);
	ADD(copy_of_a_foreign_file_belongs_to_its_user_and_has_no_set_id_bits);
}

static void add_attributes(TCase *tests) {
	ADD(xattr_of_users_is_set_where_it_is_wanted);
	ADD_LOOP(privileged_xattr_is_left_out_and_counted, NELEMENTS(privileged_xattrs));
	ADD(privileged_xattr_of_a_trusted_member_is_set);
	ADD(xattr_that_special_files_cannot_have_is_counted);
	ADD(xattr_that_cannot_be_set_is_a_failure_and_the_rest_is_given);
	ADD(acls_of_the_member_are_set);
	ADD(inherited_acls_go_where_the_member_has_none);
	ADD(acls_are_left_alone_unless_they_are_wanted);
	ADD(text_that_is_no_acl_is_a_failure_and_the_rest_is_given);
}

int main(void) {
	Suite *suite = suite_create("metadata");

	skip_without_attributes();
	add_basics(add_case(suite, "basics", set_up, tear_down));
	add_kinds(add_case(suite, "kinds of files", set_up, tear_down));
	add_attributes(add_case(suite, "attributes", set_up, tear_down));
	return run_suite(suite);
}
