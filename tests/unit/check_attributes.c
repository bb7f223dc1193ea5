#include "config.h"

#include "attributes.h"

#include <sys/acl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "scratch.h"

/*
 * The calls that read attributes are this program's: between the one that asks for a size and the
 * one that reads, another process can come in.
 */

static void (*meanwhile)(void); /* done once, between the two */
static bool is_endless;         /* there is said to be more than any memory holds */

const char *__asan_default_options(void);

/* Memory that is refused is what one test is about. */
const char *__asan_default_options(void) {
	return "allocator_may_return_null=1";
}

static ssize_t between(ssize_t nbytes, size_t room) {
	void (*act)(void) = meanwhile;

	if (room == 0 && is_endless)
		return PTRDIFF_MAX - 1;

	if (room == 0 && act != NULL) {
		meanwhile = NULL;
		act();
	}
	return nbytes;
}

ssize_t listxattr(const char *path, char *list, size_t room) {
	return between(syscall(SYS_listxattr, path, list, room), room);
}

ssize_t llistxattr(const char *path, char *list, size_t room) {
	return between(syscall(SYS_llistxattr, path, list, room), room);
}

ssize_t lgetxattr(const char *path, const char *name, void *value, size_t room) {
	return between(syscall(SYS_lgetxattr, path, name, value, room), room);
}

static const struct options options;
static struct attributes attributes;
static struct error err;

static void set_up(void) {
	set_up_scratch();
	write_file("f", "");
}

static void tear_down(void) {
	attributes_fini(&attributes);
	tear_down_scratch();
}

static void set_xattr(const char *name, const char *value) {
	ck_assert_int_eq(setxattr(path_of("f"), name, value, strlen(value), 0), 0);
}

static void set_acl(const char *name, acl_type_t type, const char *text) {
	acl_t acl = acl_from_text(text);

	ck_assert_ptr_nonnull(acl);
	ck_assert_int_eq(acl_set_file(path_of(name), type, acl), 0);
	acl_free(acl);
}

/* What was read is ${n} attributes, with ${name} and ${value} the one at ${i}. */
static void assert_xattr(size_t n, size_t i, const char *name, const char *value) {
	ck_assert_uint_eq(attributes.n, n);
	ck_assert_str_eq(attributes.xattrs[i].name, name);
	ck_assert_uint_eq(attributes.xattrs[i].nbytes, strlen(value));
	ck_assert_mem_eq(attributes.xattrs[i].value, value, strlen(value));
}

static int read_xattrs(void) {
	return attributes_read_xattrs(&attributes, path_of("f"), false, &options, &err);
}

START_TEST(xattrs_are_read_with_their_bytes) {
	set_xattr("user.a", "1");
	set_xattr("user.empty", "");
	ck_assert_int_eq(read_xattrs(), TARN_OK);
	assert_xattr(2, 0, "user.a", "1");
	assert_xattr(2, 1, "user.empty", "");
}
END_TEST

START_TEST(raw_acls_are_no_xattrs) {
	ck_assert_int_eq(mkdirat(at, "d", 0700), 0);
	set_acl("d", ACL_TYPE_ACCESS, "user::rwx,user:7:rwx,group::---,mask::rwx,other::---");
	set_acl("d", ACL_TYPE_DEFAULT, "user::rwx,group::---,other::---");
	ck_assert_int_eq(
	    attributes_read_xattrs(&attributes, path_of("d"), false, &options, &err), TARN_OK);
	ck_assert_uint_eq(attributes.n, 0);
}
END_TEST

START_TEST(symlink_is_followed_only_on_demand) {
	set_xattr("user.a", "1");
	ck_assert_int_eq(symlinkat("f", at, "l"), 0);
	ck_assert_int_eq(
	    attributes_read_xattrs(&attributes, path_of("l"), false, &options, &err), TARN_OK);
	ck_assert_uint_eq(attributes.n, 0);
	attributes_clear(&attributes);
	ck_assert_int_eq(
	    attributes_read_xattrs(&attributes, path_of("l"), true, &options, &err), TARN_OK);
	assert_xattr(1, 0, "user.a", "1");
}
END_TEST

START_TEST(file_that_is_not_there_is_an_error) {
	ck_assert_int_eq(
	    attributes_read_xattrs(&attributes, path_of("g"), false, &options, &err), TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, ENOENT);
	ck_assert_int_eq(
	    attributes_read_acls(&attributes, path_of("g"), false, &err), TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, ENOENT);
}
END_TEST

START_TEST(file_system_without_attributes_has_none) {
	ck_assert_int_eq(
	    attributes_read_xattrs(&attributes, "/proc/self/status", false, &options, &err),
	    TARN_OK);
	ck_assert_uint_eq(attributes.n, 0);
	ck_assert_int_eq(
	    attributes_read_acls(&attributes, "/proc/self/status", false, &err), TARN_OK);
	ck_assert_ptr_null(attributes.acl_access);
}
END_TEST

START_TEST(list_that_no_memory_holds_is_out_of_memory) {
	is_endless = true;
	ck_assert_int_eq(read_xattrs(), TARN_ENOMEM);
	is_endless = false;
}
END_TEST

static void add_one(void) {
	set_xattr("user.b", "2");
}

static void make_longer(void) {
	set_xattr("user.a", "longer than it was");
}

static void remove_it(void) {
	ck_assert_int_eq(removexattr(path_of("f"), "user.a"), 0);
}

START_TEST(list_that_was_empty_and_grows_is_read_whole) {
	meanwhile = add_one;
	ck_assert_int_eq(read_xattrs(), TARN_OK);
	assert_xattr(1, 0, "user.b", "2");
}
END_TEST

START_TEST(list_that_grows_is_read_whole) {
	set_xattr("user.a", "1");
	meanwhile = add_one;
	ck_assert_int_eq(read_xattrs(), TARN_OK);
	assert_xattr(2, 1, "user.b", "2");
}
END_TEST

static void make_longer_after_the_list(void) {
	meanwhile = make_longer;
}

static void remove_after_the_list(void) {
	meanwhile = remove_it;
}

START_TEST(value_that_grows_is_read_whole) {
	set_xattr("user.a", _i == 0 ? "" : "1");
	meanwhile = make_longer_after_the_list;
	ck_assert_int_eq(read_xattrs(), TARN_OK);
	assert_xattr(1, 0, "user.a", "longer than it was");
}
END_TEST

START_TEST(attribute_that_goes_away_is_no_error) {
	set_xattr("user.a", "1");
	set_xattr("user.b", "2");
	meanwhile = remove_after_the_list;
	ck_assert_int_eq(read_xattrs(), TARN_OK);
	assert_xattr(1, 0, "user.b", "2");
}
END_TEST

START_TEST(acl_is_read_as_text) {
	set_acl("f", ACL_TYPE_ACCESS, "user::rw-,user:123456:r-x,group::rwx,mask::r--,other::---");
	ck_assert_int_eq(attributes_read_acls(&attributes, path_of("f"), false, &err), TARN_OK);
	ck_assert_str_eq(
	    attributes.acl_access, "user::rw-,user:123456:r-x,group::rwx,mask::r--,other::---");
	ck_assert_ptr_null(attributes.acl_default);
}
END_TEST

START_TEST(acl_that_says_no_more_than_the_mode_is_none) {
	ck_assert_int_eq(attributes_read_acls(&attributes, path_of("f"), false, &err), TARN_OK);
	ck_assert_ptr_null(attributes.acl_access);
}
END_TEST

/* Without one, what is made in the directory follows the umask. */
START_TEST(default_acl_counts_also_where_it_is_like_a_mode) {
	ck_assert_int_eq(mkdirat(at, "d", 0700), 0);
	ck_assert_int_eq(attributes_read_acls(&attributes, path_of("d"), true, &err), TARN_OK);
	ck_assert_ptr_null(attributes.acl_default);
	set_acl("d", ACL_TYPE_DEFAULT, "user::rwx,group::r-x,other::---");
	ck_assert_int_eq(attributes_read_acls(&attributes, path_of("d"), true, &err), TARN_OK);
	ck_assert_str_eq(attributes.acl_default, "user::rwx,group::r-x,other::---");
	ck_assert_ptr_null(attributes.acl_access);
}
END_TEST

#define RAW_ENTRY(tag, perm, id) tag "\0" perm "\0" id
#define RAW_NONE "\xff\xff\xff\xff"
#define RAW(bytes) \
	{ "system.posix_acl_access", bytes, sizeof(bytes) - 1 }

static const struct {
	struct xattr raw;
	const char *text;
} raw_acls[] = {
	{ RAW("\2\0\0\0"), "" },
	{ RAW("\2\0\0\0" RAW_ENTRY("\x01", "\6", RAW_NONE) RAW_ENTRY("\x02", "\7", "\x40\xe2\1\0")
	          RAW_ENTRY("\x04", "\0", RAW_NONE) RAW_ENTRY("\x08", "\1", "\xfe\xff\xff\xff")
	              RAW_ENTRY("\x10", "\5", RAW_NONE) RAW_ENTRY("\x20", "\2", RAW_NONE)),
	    "user::rw-,user:123456:rwx,group::---,group:4294967294:--x,mask::r-x,other::-w-" },
	{ RAW(""), "?" },
	{ RAW("\2\0\0"), "?" },
	{ RAW("\3\0\0\0" RAW_ENTRY("\x01", "\6", RAW_NONE)), "?" },
	{ RAW("\2\0\0\0" RAW_ENTRY("\x01", "\6", RAW_NONE) "\x02\0\7"), "?" },
	{ RAW("\2\0\0\0" RAW_ENTRY("\x03", "\6", RAW_NONE)), "?" },
	{ RAW("\2\0\0\0" RAW_ENTRY("\x21", "\6", RAW_NONE)), "?" },
	{ RAW("\2\0\0\0" RAW_ENTRY("\0", "\6", RAW_NONE)), "?" },
};

START_TEST(raw_acl_is_text_and_a_malformed_one_is_none_that_can_be_set) {
	char *text = attributes_acl_text(&raw_acls[_i].raw);

	ck_assert_str_eq(text, raw_acls[_i].text);
	ck_assert_ptr_null(*text == '?' ? acl_from_text(text) : NULL);
	free(text);
}
END_TEST

START_TEST(raw_acl_is_what_the_system_reads) {
	char raw[256], *text;
	ssize_t nbytes;

	set_acl("f", ACL_TYPE_ACCESS, "user::rw-,user:7:r-x,group::---,mask::r-x,other::--x");
	nbytes = getxattr(path_of("f"), "system.posix_acl_access", raw, sizeof(raw));
	ck_assert_int_gt(nbytes, 0);
	text =
	    attributes_acl_text(&(struct xattr){ "system.posix_acl_access", raw, (size_t)nbytes });
	ck_assert_str_eq(text, "user::rw-,user:7:r-x,group::---,mask::r-x,other::--x");
	free(text);
}
END_TEST

START_TEST(entry_borrows_what_was_read_until_it_is_forgotten) {
	struct entry e = { .name = "f" };

	set_xattr("user.a", "1");
	set_acl("f", ACL_TYPE_ACCESS, "user::rw-,user:7:r--,group::r--,mask::r--,other::---");
	ck_assert_int_eq(read_xattrs(), TARN_OK);
	ck_assert_int_eq(attributes_read_acls(&attributes, path_of("f"), false, &err), TARN_OK);
	attributes_lend(&attributes, &e);
	ck_assert_uint_eq(e.nxattrs, 1);
	ck_assert_str_eq(e.xattrs[0].name, "user.a");
	ck_assert_ptr_nonnull(e.acl_access);
	attributes_clear(&attributes);
	attributes_lend(&attributes, &e);
	ck_assert_uint_eq(e.nxattrs, 0);
	ck_assert_ptr_null(e.acl_access);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("attributes");
	TCase *xattrs = add_case(suite, "extended attributes", set_up, tear_down);
	TCase *acls = add_case(suite, "ACLs", set_up, tear_down);

	skip_without_attributes();
	tcase_add_test(xattrs, xattrs_are_read_with_their_bytes);
	tcase_add_test(xattrs, raw_acls_are_no_xattrs);
	tcase_add_test(xattrs, symlink_is_followed_only_on_demand);
	tcase_add_test(xattrs, file_that_is_not_there_is_an_error);
	tcase_add_test(xattrs, file_system_without_attributes_has_none);
	tcase_add_test(xattrs, list_that_no_memory_holds_is_out_of_memory);
	tcase_add_test(xattrs, list_that_was_empty_and_grows_is_read_whole);
	tcase_add_test(xattrs, list_that_grows_is_read_whole);
	tcase_add_loop_test(xattrs, value_that_grows_is_read_whole, 0, 2);
	tcase_add_test(xattrs, attribute_that_goes_away_is_no_error);
	tcase_add_test(acls, acl_is_read_as_text);
	tcase_add_test(acls, acl_that_says_no_more_than_the_mode_is_none);
	tcase_add_test(acls, default_acl_counts_also_where_it_is_like_a_mode);
	tcase_add_loop_test(acls, raw_acl_is_text_and_a_malformed_one_is_none_that_can_be_set, 0,
	    NELEMENTS(raw_acls));
	tcase_add_test(acls, raw_acl_is_what_the_system_reads);
	tcase_add_test(acls, entry_borrows_what_was_read_until_it_is_forgotten);
	return run_suite(suite);
}
