#include "config.h"

#include "compare.h"

#include <acl/libacl.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/acl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

/*
 * A real directory is compared with members that the tests make up.  Each test sees what was
 * printed, what was said on standard error, and the exit status.  The directory is made where the
 * test runs, as /tmp may be a file system without extended attributes.
 */

#define LONG_NBYTES ((size_t)300000) /* several of any buffer, and no multiple of one */

static const struct timespec mtime = { .tv_sec = 1000000000 };

static char directory[sizeof("check_compare.XXXXXX")];
static int at; /* the directory */
static struct options options;
static FILE *said;
static char *printed;
static size_t printed_nbytes;
static int status;
static size_t nputs;   /* how often each member is put */
static bool as_nobody; /* root, to whom nothing is closed, looks as somebody else */

static void setup(void) {
	strcpy(directory, "check_compare.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	at = open(directory, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(at, 0);
	ck_assert_int_eq(fchmod(at, 0755), 0);
	options = (struct options){ .mode = MODE_COMPARE };
	nputs = 1;
	as_nobody = false;
	said = tmpfile();
	ck_assert_ptr_nonnull(said);
	ck_assert_int_eq(dup2(fileno(said), STDERR_FILENO), STDERR_FILENO);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void teardown(void) {
	free(printed);
	fclose(said);
	close(at);
	nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void set_mtime(const char *name) {
	struct timespec times[2] = { mtime, mtime };

	ck_assert_int_eq(utimensat(at, name, times, AT_SYMLINK_NOFOLLOW), 0);
}

/* A file with ${content}, which its first ${hole} bytes are without. */
static void make_file_behind_hole(
    const char *name, off_t hole, const char *content, size_t nbytes) {
	int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchmod(fd, 0644), 0);
	ck_assert_int_eq(ftruncate(fd, hole), 0);
	ck_assert_int_eq(pwrite(fd, content, nbytes, hole), (ssize_t)nbytes);
	close(fd);
	set_mtime(name);
}

static void make_file(const char *name, const char *content) {
	make_file_behind_hole(name, 0, content, strlen(content));
}

/* The member that make_file would be archived as. */
static struct entry file_member(const char *name, const char *content) {
	return (struct entry){
		.name = name,
		.type = ENTRY_FILE,
		.mode = 0644,
		.uid = geteuid(),
		.gid = getegid(),
		.mtime = mtime,
		.size = (off_t)strlen(content),
	};
}

/* A source of nothing but content. */
struct fake_source {
	struct source base;
	const struct block *blocks;
	size_t nblocks, nread;
	bool breaks;  /* behind the blocks, instead of ending */
	bool shrinks; /* the file "f" in the tree, before anything is read */
};

static int fake_read(struct source *source, struct block *block, struct error *err) {
	struct fake_source *fake = (struct fake_source *)source;
	int fd;

	if (fake->shrinks) {
		fd = openat(at, "f", O_WRONLY | O_TRUNC);
		ck_assert_int_ge(fd, 0);
		close(fd);
	}
	if (fake->nread++ < fake->nblocks) {
		*block = fake->blocks[fake->nread - 1];
		return TARN_OK;
	}
	return fake->breaks ? err_set(err, TARN_EFORMAT, 0, "Unexpected EOF in archive") : TARN_END;
}

/* Compare ${e} with what is below ${below}; the results are in printed, said and status. */
static void compare_below(const char *below, const struct entry *e, struct fake_source *fake) {
	struct owners *owners = owners_new();
	struct report *report = report_new("tarn", false);
	struct error err;
	FILE *out;
	struct sink *sink;

	free(printed);
	out = open_memstream(&printed, &printed_nbytes);
	fake->base.read = fake_read;
	ck_assert(owners != NULL && report != NULL && out != NULL);
	sink = compare_sink_new(&options, below, owners, report, out, &err);
	ck_assert_ptr_nonnull(sink);
	if (as_nobody && getuid() == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	for (size_t i = 0; i < nputs; i++) {
		fake->nread = 0;
		ck_assert_int_eq(sink->put(sink, e, &fake->base, &err), TARN_OK);
	}
	if (as_nobody && getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(sink->finish(sink, &err), TARN_OK);
	sink->free(sink);
	fclose(out);
	status = report_finish(report);
	report_free(report);
	owners_free(owners);
}

static void compare_blocks(const struct entry *e, const struct block *blocks, size_t nblocks) {
	struct fake_source fake = { .blocks = blocks, .nblocks = nblocks };

	compare_below(directory, e, &fake);
}

static void compare_content(const struct entry *e, const char *content) {
	struct block block = { content, strlen(content), 0 };

	compare_blocks(e, &block, *content != '\0');
}

static void compare(const struct entry *e) {
	compare_content(e, "");
}

/* True when ${text} was said on standard error. */
static bool was_said(const char *text) {
	char buf[8192];
	ssize_t nbytes = pread(fileno(said), buf, sizeof(buf) - 1, 0);

	ck_assert_int_ge(nbytes, 0);
	buf[nbytes] = '\0';
	return strstr(buf, text) != NULL;
}

static void assert_same(void) {
	ck_assert_str_eq(printed, "");
	ck_assert(!was_said(":"));
	ck_assert_int_eq(status, 0);
}

static void assert_differs(const char *lines) {
	ck_assert_str_eq(printed, lines);
	ck_assert_int_eq(status, 1);
}

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

START_TEST(content_is_not_read_when_the_size_differs) {
	struct entry e = file_member("f", "hello");
	struct fake_source fake = { .breaks = true };

	make_file("f", "hello!");
	compare_below(directory, &e, &fake);
	assert_differs("f: Size differs\n");
	ck_assert_uint_eq(fake.nread, 0);
}
END_TEST

START_TEST(file_where_the_member_is_empty_has_another_size) {
	struct entry e = file_member("f", "");

	make_file("f", "hello");
	compare(&e);
	assert_differs("f: Size differs\n");
}
END_TEST

/* LONG_NBYTES bytes without zeros, in two blocks; the one at ${changed} is another in the tree. */
static void compare_long_content(size_t changed) {
	static char content[LONG_NBYTES];
	struct block blocks[] = {
		{ content, 100000, 0 },
		{ content + 100000, LONG_NBYTES - 100000, 100000 },
	};
	struct entry e = file_member("f", "");

	for (size_t i = 0; i < LONG_NBYTES; i++)
		content[i] = (char)(i % 251 + 1);
	if (changed < LONG_NBYTES)
		content[changed] ^= 1;
	make_file_behind_hole("f", 0, content, LONG_NBYTES);
	if (changed < LONG_NBYTES)
		content[changed] ^= 1;
	e.size = (off_t)LONG_NBYTES;
	compare_blocks(&e, blocks, 2);
}

START_TEST(long_content_that_is_the_same_is_silent) {
	compare_long_content(SIZE_MAX);
	assert_same();
}
END_TEST

static const size_t changed_bytes[] = { 0, 65536, 99999, 100000, LONG_NBYTES - 1 };

START_TEST(one_changed_byte_differs) {
	compare_long_content(changed_bytes[_i]);
	assert_differs("f: Contents differ\n");
}
END_TEST

START_TEST(content_that_breaks_off_is_a_failure) {
	struct block block = { "hel", 3, 0 };
	struct fake_source fake = { .blocks = &block, .nblocks = 1, .breaks = true };
	struct entry e = file_member("f", "hello");

	make_file("f", "hello");
	compare_below(directory, &e, &fake);
	ck_assert_str_eq(printed, "");
	ck_assert(was_said("tarn: f: Unexpected EOF in archive\n"));
	ck_assert_int_eq(status, 2);
}
END_TEST

START_TEST(file_that_cannot_be_opened_is_a_failure) {
	struct entry e = file_member("f", "hello");

	make_file("f", "hello");
	e.mode = 0;
	ck_assert_int_eq(fchmodat(at, "f", 0, 0), 0);
	as_nobody = true;
	compare_content(&e, "hello");
	ck_assert_str_eq(printed, "");
	ck_assert(was_said("tarn: f: Cannot open: Permission denied\n"));
	ck_assert_int_eq(status, 2);
}
END_TEST

START_TEST(file_that_shrinks_meanwhile_differs) {
	struct block block = { "hello", 5, 0 };
	struct fake_source fake = { .blocks = &block, .nblocks = 1, .shrinks = true };
	struct entry e = file_member("f", "hello");

	make_file("f", "hello");
	compare_below(directory, &e, &fake);
	assert_differs("f: Contents differ\n");
}
END_TEST

START_TEST(no_descriptor_is_left_open) {
	const struct rlimit limit = { 50, 50 };
	struct entry e = file_member("f", "hello");

	make_file("f", "hello");
	options.acls = true;
	nputs = 100;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	compare_content(&e, "hello");
	assert_same();
}
END_TEST

/* Content outside of what the header promised, and offsets that have no sum. */
static const struct block outside[] = {
	{ "xyz", 3, 3 },
	{ "x", 1, 5 },
	{ "x", 1, 1 << 20 },
	{ "xy", 2, INT64_MAX - 1 },
	{ "x", 1, INT64_MAX },
};

START_TEST(content_outside_of_the_size_differs) {
	struct entry e = file_member("f", "hello");

	make_file_behind_hole("f", 5, "", 0);
	compare_blocks(&e, &outside[_i], 1);
	assert_differs("f: Contents differ\n");
}
END_TEST

/* A member of 16 MiB with a hole before its one block. */
#define HOLE_NBYTES ((off_t)16 << 20)

static void compare_sparse_member(void) {
	struct block block = { "data", 4, HOLE_NBYTES };
	struct entry e = file_member("f", "data");

	e.size += HOLE_NBYTES;
	e.is_sparse = true;
	compare_blocks(&e, &block, 1);
}

START_TEST(hole_matches_a_hole) {
	make_file_behind_hole("f", HOLE_NBYTES, "data", 4);
	compare_sparse_member();
	assert_same();
}
END_TEST

START_TEST(hole_matches_zeros_on_disk) {
	static const char zeros[HOLE_NBYTES];
	int fd;

	make_file_behind_hole("f", HOLE_NBYTES, "data", 4);
	fd = openat(at, "f", O_WRONLY);
	ck_assert_int_eq(pwrite(fd, zeros, sizeof(zeros), 0), HOLE_NBYTES);
	close(fd);
	set_mtime("f");
	compare_sparse_member();
	assert_same();
}
END_TEST

static const off_t stray_bytes[] = { 0, 5000000, HOLE_NBYTES - 1 };

START_TEST(data_where_the_member_has_a_hole_differs) {
	int fd;

	make_file_behind_hole("f", HOLE_NBYTES, "data", 4);
	fd = openat(at, "f", O_WRONLY);
	ck_assert_int_eq(pwrite(fd, "x", 1, stray_bytes[_i]), 1);
	close(fd);
	set_mtime("f");
	compare_sparse_member();
	assert_differs("f: Contents differ\n");
}
END_TEST

START_TEST(data_where_the_member_ends_in_a_hole_differs) {
	struct block block = { "data", 4, 0 };
	struct entry e = file_member("f", "data!");

	make_file("f", "data!");
	compare_blocks(&e, &block, 1);
	assert_differs("f: Contents differ\n");
}
END_TEST

START_TEST(zeros_in_the_member_match_a_hole) {
	struct block block = { "\0\0\0\0\0data", 9, 0 };
	struct entry e = file_member("f", "zerosdata");

	make_file_behind_hole("f", 5, "data", 4);
	compare_blocks(&e, &block, 1);
	assert_same();
}
END_TEST

/* To read what is not there would take far longer than a test may. */
START_TEST(hole_on_disk_is_not_read) {
	struct entry e = file_member("f", "");

	e.size = (off_t)8 << 40;
	e.is_sparse = true;
	make_file_behind_hole("f", e.size, "", 0);
	compare(&e);
	assert_same();
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
	ck_assert_str_eq(printed, "");
	ck_assert(was_said(absent[_i].said));
	ck_assert_int_eq(status, absent[_i].status);
}
END_TEST

START_TEST(leading_slash_is_dropped_and_that_is_said) {
	struct entry e = file_member("/f", "hello");

	make_file("f", "hello");
	compare_content(&e, "hello");
	ck_assert_str_eq(printed, "");
	ck_assert(was_said("tarn: Removing leading `/' from member names\n"));
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(absolute_name_is_below_the_root_with_absolute_names) {
	char *root = realpath(directory, NULL), name[PATH_MAX + 2];
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
		printf("skipped: /proc and /sys have not the same number\n");
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
		printf("skipped: no extended attributes on this file system\n");
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
	char path[sizeof(directory) + 2];
	acl_t acl = acl_from_text("u::rwx,u:7:r--,g::r-x,m::r-x,o::r-x");
	int r;

	snprintf(path, sizeof(path), "%s/d", directory);
	ck_assert_int_eq(mkdirat(at, "d", 0755), 0);
	r = acl_set_file(path, ACL_TYPE_ACCESS, acl);
	if (r != 0 && errno == ENOTSUP) {
		printf("skipped: no ACLs on this file system\n");
		acl_free(acl);
		return false;
	}
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(acl_set_file(path, ACL_TYPE_DEFAULT, acl), 0);
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

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static TCase *begin(Suite *suite, const char *name) {
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, setup, teardown);
	suite_add_tcase(suite, tcase);
	return tcase;
}

static void add_properties(TCase *tcase) {
	tcase_add_test(tcase, same_file_is_silent);
	tcase_add_test(tcase, properties_are_said_in_the_order_of_tar);
	tcase_add_loop_test(
	    tcase, owner_is_compared_by_name_where_that_is_known_and_wanted, 0, COUNT(owner_cases));
	tcase_add_test(tcase, time_without_fraction_matches_its_second);
	tcase_add_test(tcase, time_with_another_fraction_differs);
}

static void add_content(TCase *tcase) {
	tcase_add_test(tcase, content_is_not_read_when_the_size_differs);
	tcase_add_test(tcase, file_where_the_member_is_empty_has_another_size);
	tcase_add_test(tcase, long_content_that_is_the_same_is_silent);
	tcase_add_loop_test(tcase, one_changed_byte_differs, 0, COUNT(changed_bytes));
	tcase_add_test(tcase, content_that_breaks_off_is_a_failure);
	tcase_add_test(tcase, file_that_cannot_be_opened_is_a_failure);
	tcase_add_test(tcase, file_that_shrinks_meanwhile_differs);
	tcase_add_test(tcase, no_descriptor_is_left_open);
	tcase_add_loop_test(tcase, content_outside_of_the_size_differs, 0, COUNT(outside));
	tcase_add_test(tcase, hole_matches_a_hole);
	tcase_add_test(tcase, hole_matches_zeros_on_disk);
	tcase_add_loop_test(tcase, data_where_the_member_has_a_hole_differs, 0, COUNT(stray_bytes));
	tcase_add_test(tcase, data_where_the_member_ends_in_a_hole_differs);
	tcase_add_test(tcase, zeros_in_the_member_match_a_hole);
	tcase_add_test(tcase, hole_on_disk_is_not_read);
}

static void add_names(TCase *tcase) {
	tcase_add_loop_test(
	    tcase, what_is_not_below_the_directory_is_said_and_not_compared, 0, COUNT(absent));
	tcase_add_test(tcase, leading_slash_is_dropped_and_that_is_said);
	tcase_add_test(tcase, absolute_name_is_below_the_root_with_absolute_names);
	tcase_add_test(tcase, name_is_printed_with_escapes);
	tcase_add_test(tcase, directory_that_is_not_there_is_an_error);
}

static void add_types(TCase *tcase) {
	tcase_add_test(tcase, fifo_at_the_place_of_a_file_is_another_type);
	tcase_add_loop_test(
	    tcase, all_but_files_and_symlinks_are_compared_by_mode_alone, 0, COUNT(mode_cases));
	tcase_add_test(tcase, same_device_is_silent);
	tcase_add_test(tcase, other_device_number_differs);
	tcase_add_test(tcase, symlink_is_compared_by_its_text_alone);
	tcase_add_loop_test(tcase, symlink_with_another_text_differs, 0, COUNT(other_targets));
	tcase_add_test(tcase, file_at_the_place_of_a_symlink_is_another_type);
}

static void add_later_names(TCase *tcase) {
	tcase_add_test(tcase, later_name_of_the_same_inode_is_silent);
	tcase_add_test(tcase, later_name_of_a_symlink_is_silent);
	tcase_add_test(tcase, copy_at_the_place_of_a_later_name_is_not_linked);
	tcase_add_test(tcase, same_number_on_another_device_is_not_linked);
	tcase_add_test(tcase, content_of_a_later_member_is_compared);
	tcase_add_test(tcase, later_member_with_content_is_a_file_in_the_tree);
}

static void add_attributes(TCase *tcase) {
	tcase_add_test(tcase, same_xattrs_are_silent);
	tcase_add_test(tcase, xattr_that_a_member_has_twice_counts_once);
	tcase_add_loop_test(tcase, other_xattrs_differ, 0, COUNT(other_xattrs));
	tcase_add_test(tcase, xattrs_are_not_compared_unless_asked);
	tcase_add_test(tcase, same_acls_in_another_spelling_are_silent);
	tcase_add_loop_test(tcase, other_acls_differ, 0, COUNT(other_acls));
	tcase_add_test(tcase, acls_are_not_compared_unless_asked);
}

int main(void) {
	Suite *suite = suite_create("compare");
	SRunner *runner = srunner_create(suite);
	int nfailed;

	add_properties(begin(suite, "properties"));
	add_content(begin(suite, "content"));
	add_names(begin(suite, "names"));
	add_types(begin(suite, "types"));
	add_later_names(begin(suite, "later names"));
	add_attributes(begin(suite, "attributes"));
	srunner_run_all(runner, CK_ENV);
	nfailed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return nfailed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
