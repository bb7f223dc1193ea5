#include "config.h"

#include "contained.h"

#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "contained_scratch.h"

/* Making files and links below a destination, and giving them their names. */

static void (*after_mknod)(int dirfd, const char *name); /* what happens after the next one */

static int mknod_errno; /* what it fails with */

/* The library's calls come here, since a program's functions go before those of libc. */
int mknodat(int dirfd, const char *name, mode_t mode, dev_t rdev) {
	int r = mknod_errno != 0 ? -1 :
	                           (int)syscall(SYS_mknodat, dirfd, name, mode, (unsigned int)rdev);
	int saved = mknod_errno != 0 ? mknod_errno : errno;
	void (*hook)(int, const char *) = after_mknod;

	after_mknod = NULL;
	if (hook != NULL)
		hook(dirfd, name);
	errno = saved;
	return r;
}

START_TEST(new_file_is_private_and_empty_and_has_its_name_when_it_is_committed) {
	struct fresh fresh;
	ino_t ino;

	ck_assert_int_eq(create("a", EARLY_NAME_NONE, false, &fresh), TARN_OK);
	ino = fresh.st.st_ino;
	ck_assert_int_eq(fresh.st.st_size, 0);
	ck_assert_int_eq(count_names("in"), 0);
	ck_assert_int_eq(contained_commit(&fresh, &err), TARN_OK);
	ck_assert_int_eq(fresh.fd, -1);
	ck_assert_uint_eq(stat_of("in/a").st_mode, S_IFREG | 0600);
	ck_assert_uint_eq(stat_of("in/a").st_ino, ino);
	ck_assert_int_eq(count_names("in"), 1);
}
END_TEST

static int create_empty(const char *name, mode_t mode, struct fresh *fresh) {
	struct member_path path = path_of(name);
	struct new_file file = { mode, EARLY_NAME_READY, true };
	int r = contained_create(below, &path, &file, fresh, &err);

	member_path_fini(&path);
	return r;
}

START_TEST(unfinished_file_has_its_name_and_a_mode_that_says_so) {
	struct fresh fresh;
	struct stat st;

	ck_assert_int_eq(create("a", EARLY_NAME_UNFINISHED, false, &fresh), TARN_OK);
	st = stat_of("in/a");
	ck_assert_uint_eq(st.st_ino, fresh.st.st_ino);
	ck_assert(contained_is_unfinished(&st));
	ck_assert(contained_is_unfinished(&fresh.st));
	ck_assert_uint_eq(st.st_mode & 0777, 0);
	ck_assert_int_eq(fchmod(fresh.fd, 0644), 0);
	ck_assert_int_eq(contained_commit(&fresh, &err), TARN_OK);
	st = stat_of("in/a");
	ck_assert(!contained_is_unfinished(&st));
	ck_assert_int_eq(create("b", EARLY_NAME_UNFINISHED, true, &fresh), TARN_OK);
	contained_discard(&fresh);
	ck_assert_int_eq(count_names("in"), 1);
}
END_TEST

/* Leave a file as a run does that is killed. */
static void leave_unfinished(const char *name) {
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, S_ISVTX);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "ha", 2), 2);
	close(fd);
}

START_TEST(what_is_unfinished_gives_way_to_everything) {
	struct fresh fresh;
	bool made;

	leave_unfinished("in/seen");
	ck_assert_int_eq(make_file("seen", "half", false), TARN_OK);
	ck_assert_content("in/seen", "half");
	leave_unfinished("in/hidden");
	ck_assert_int_eq(create("hidden", EARLY_NAME_NONE, false, &fresh), TARN_OK);
	ck_assert_int_eq(contained_commit(&fresh, &err), TARN_OK);
	ck_assert_content("in/hidden", "");
	leave_unfinished("in/symlink");
	ck_assert_int_eq(make_symlink("symlink", "x", false), TARN_OK);
	leave_unfinished("in/directory");
	ck_assert_int_eq(make_directory("directory", false, &made), TARN_OK);
	ck_assert(made);
	ck_assert_int_eq(count_names("in"), 4);
}
END_TEST

START_TEST(what_only_looks_like_unfinished_stays) {
	leave_unfinished("in/linked");
	ck_assert_int_eq(link("in/linked", "in/second"), 0);
	ck_assert_int_eq(make_file("linked", "new", false), TARN_EXISTS);
	leave_unfinished("in/readable");
	ck_assert_int_eq(chmod("in/readable", S_ISVTX | 0400), 0);
	ck_assert_int_eq(make_file("readable", "new", false), TARN_EXISTS);
	ck_assert_int_eq(mkdir("in/d", 0), 0);
	ck_assert_int_eq(chmod("in/d", S_ISVTX), 0);
	ck_assert_int_eq(make_file("d", "new", false), TARN_EXISTS);
}
END_TEST

START_TEST(file_without_content_has_its_name_and_mode_at_once) {
	struct fresh fresh;

	ck_assert_int_eq(create_empty("a", 0640, &fresh), TARN_OK);
	ck_assert_uint_eq(stat_of("in/a").st_ino, fresh.st.st_ino);
	ck_assert_uint_eq(fresh.st.st_mode, S_IFREG | 0640);
	ck_assert_int_eq(contained_commit(&fresh, &err), TARN_OK);
	ck_assert_uint_eq(stat_of("in/a").st_mode, S_IFREG | 0640);
	ck_assert_int_eq(create_empty("b", 0600, &fresh), TARN_OK);
	contained_discard(&fresh);
	ck_assert_int_eq(count_names("in"), 1);
}
END_TEST

START_TEST(file_without_content_replaces_when_it_is_committed) {
	struct fresh fresh;

	write_file("in/a", "old");
	ck_assert_int_eq(symlink("../out/new", "in/s"), 0);
	ck_assert_int_eq(create_empty("a", 0644, &fresh), TARN_OK);
	ck_assert_content("in/a", "old");
	ck_assert_int_eq(contained_commit(&fresh, &err), TARN_OK);
	ck_assert_content("in/a", "");
	ck_assert_int_eq(create_empty("s", 0644, &fresh), TARN_OK);
	ck_assert_int_eq(contained_commit(&fresh, &err), TARN_OK);
	ck_assert_uint_eq(stat_of("in/s").st_mode & S_IFMT, S_IFREG);
	ck_assert_int_eq(count_names("in"), 2);
	ck_assert_int_eq(access("out/new", F_OK), -1);
}
END_TEST

START_TEST(missing_parents_are_made_with_the_umask) {
	bool made;

	ck_assert_int_eq(make_file("a/b/c/file", "x", false), TARN_OK);
	ck_assert_uint_eq(stat_of("in/a").st_mode, S_IFDIR | 0755);
	ck_assert_uint_eq(stat_of("in/a/b/c").st_mode, S_IFDIR | 0755);
	ck_assert_content("in/a/b/c/file", "x");
	ck_assert_int_eq(make_directory("d/e/f", false, &made), TARN_OK);
	ck_assert_uint_eq(stat_of("in/d/e").st_mode, S_IFDIR | 0755);
	ck_assert_uint_eq(stat_of("in/d/e/f").st_mode, S_IFDIR | 0700);
}
END_TEST

START_TEST(parent_that_is_a_file_is_said) {
	write_file("in/a", "");
	ck_assert_int_eq(make_file("a/b", "", true), TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, ENOTDIR);
	ck_assert_str_eq(err.msg, "Cannot open parent directory: Not a directory");
}
END_TEST

START_TEST(symlink_fifo_and_file_are_made) {
	char target[32] = "";

	ck_assert_int_eq(make_symlink("s", "../out/secret", false), TARN_OK);
	ck_assert_int_eq(readlink("in/s", target, sizeof(target) - 1), 13);
	ck_assert_str_eq(target, "../out/secret");
	ck_assert_int_eq(make_node("f", S_IFIFO | 0600, 0, false), TARN_OK);
	ck_assert_uint_eq(stat_of("in/f").st_mode, S_IFIFO | 0600);
}
END_TEST

START_TEST(device_has_its_number) {
	int r = make_node("null", S_IFCHR | 0600, makedev(1, 3), false);

	/* Not everybody may make one. */
	if (r == TARN_ESYSTEM && err.errnum == EPERM) {
		ck_assert_str_eq(err.msg, "Cannot mknod: Operation not permitted");
		return;
	}
	ck_assert_int_eq(r, TARN_OK);
	ck_assert_uint_eq(stat_of("in/null").st_mode, S_IFCHR | 0600);
	ck_assert_uint_eq(stat_of("in/null").st_rdev, makedev(1, 3));
}
END_TEST

START_TEST(what_is_there_stays_unless_it_is_to_be_replaced) {
	bool made;

	write_file("in/a", "old");
	write_file("in/b", "");
	ck_assert_int_eq(make_file("a", "new", false), TARN_EXISTS);
	ck_assert_str_eq(err.msg, "Cannot open: File exists");
	ck_assert_int_eq(make_symlink("a", "x", false), TARN_EXISTS);
	ck_assert_str_eq(err.msg, "Cannot create symlink: File exists");
	ck_assert_int_eq(make_node("a", S_IFIFO | 0600, 0, false), TARN_EXISTS);
	ck_assert_str_eq(err.msg, "Cannot mkfifo: File exists");
	ck_assert_int_eq(make_link("b", "a", false), TARN_EXISTS);
	ck_assert_str_eq(err.msg, "Cannot link: File exists");
	ck_assert_int_eq(make_directory("a", false, &made), TARN_EXISTS);
	ck_assert_str_eq(err.msg, "Cannot mkdir: File exists");
	ck_assert_content("in/a", "old");
	ck_assert_int_eq(count_names("in"), 2);
}
END_TEST

START_TEST(replaced_file_has_its_old_content_until_the_new_one_is_committed) {
	struct fresh fresh;

	write_file("in/a", "old");
	ck_assert_int_eq(create("a", EARLY_NAME_NONE, true, &fresh), TARN_OK);
	ck_assert_int_eq(write(fresh.fd, "new", 3), 3);
	ck_assert_content("in/a", "old");
	ck_assert_int_eq(contained_commit(&fresh, &err), TARN_OK);
	ck_assert_content("in/a", "new");
	ck_assert_int_eq(count_names("in"), 1);
}
END_TEST

START_TEST(replacing_leaves_other_names_of_the_old_inode_alone) {
	write_file("in/a", "old");
	ck_assert_int_eq(link("in/a", "in/b"), 0);
	ck_assert_int_eq(make_file("a", "new", true), TARN_OK);
	ck_assert_content("in/a", "new");
	ck_assert_content("in/b", "old");
}
END_TEST

START_TEST(symlink_is_replaced_not_followed) {
	bool made;

	for (int i = 0; i < 3; i++) {
		const char *target = i == 0 ? "../out/secret" : i == 1 ? "../out/new" : "../out";

		ck_assert_int_eq(symlink(target, "in/file"), 0);
		ck_assert_int_eq(symlink(target, "in/fifo"), 0);
		ck_assert_int_eq(symlink(target, "in/directory"), 0);
		ck_assert_int_eq(make_file("file", "", true), TARN_OK);
		ck_assert_int_eq(make_node("fifo", S_IFIFO | 0600, 0, true), TARN_OK);
		ck_assert_int_eq(make_directory("directory", true, &made), TARN_OK);
		ck_assert(made);
		ck_assert(S_ISREG(stat_of("in/file").st_mode));
		ck_assert(S_ISFIFO(stat_of("in/fifo").st_mode));
		ck_assert(S_ISDIR(stat_of("in/directory").st_mode));
		ck_assert_int_eq(unlink("in/file") | unlink("in/fifo") | rmdir("in/directory"), 0);
	}
}
END_TEST

START_TEST(fifo_is_replaced_and_opened_without_waiting) {
	int fd;

	ck_assert_int_eq(mkfifo("in/f", 0600), 0);
	ck_assert_int_eq(open_existing("f", O_RDONLY, &fd), TARN_OK);
	close(fd);
	ck_assert_int_eq(open_existing("f", O_WRONLY, &fd), TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, ENXIO);
	ck_assert_int_eq(make_file("f", "x", true), TARN_OK);
	ck_assert_content("in/f", "x");
}
END_TEST

START_TEST(empty_directory_gives_way_to_a_file) {
	ck_assert_int_eq(mkdir("in/d", 0755), 0);
	ck_assert_int_eq(mkdir("in/e", 0755), 0);
	ck_assert_int_eq(make_file("d", "x", true), TARN_OK);
	ck_assert_content("in/d", "x");
	ck_assert_int_eq(make_link("d", "e", true), TARN_OK);
	ck_assert_content("in/e", "x");
	ck_assert_int_eq(count_names("in"), 2);
}
END_TEST

START_TEST(full_directory_stays) {
	ck_assert_int_eq(mkdir("in/d", 0755), 0);
	write_file("in/d/x", "x");
	write_file("in/a", "a");
	ck_assert_int_eq(make_file("d", "x", true), TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, EISDIR);
	ck_assert_str_eq(err.msg, "Cannot replace: Is a directory");
	ck_assert_int_eq(make_link("a", "d", true), TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, EISDIR);
	ck_assert_content("in/d/x", "x");
	ck_assert_uint_eq(stat_of("in/a").st_nlink, 1);
	ck_assert_int_eq(count_names("in"), 2);
}
END_TEST

START_TEST(discarded_file_leaves_nothing) {
	struct fresh fresh;

	ck_assert_int_eq(create("a", EARLY_NAME_NONE, false, &fresh), TARN_OK);
	contained_discard(&fresh);
	ck_assert_int_eq(count_names("in"), 0);
	write_file("in/a", "old");
	ck_assert_int_eq(create("a", EARLY_NAME_NONE, true, &fresh), TARN_OK);
	contained_discard(&fresh);
	contained_discard(&fresh);
	ck_assert_content("in/a", "old");
	ck_assert_int_eq(count_names("in"), 1);
}
END_TEST

START_TEST(temporary_name_goes_when_the_name_is_the_same_inode_already) {
	struct member_path path = path_of("a");
	struct fresh fresh;
	char temporary[64];

	write_file("in/a", "old");
	ck_assert_int_eq(contained_symlink(below, &path, "x", true, &fresh, &err), TARN_OK);
	member_path_fini(&path);
	snprintf(temporary, sizeof(temporary), "in/%s", fresh.temporary);
	ck_assert_int_eq(unlink("in/a"), 0);
	ck_assert_int_eq(link(temporary, "in/a"), 0);
	ck_assert_int_eq(contained_commit(&fresh, &err), TARN_OK);
	ck_assert_int_eq(count_names("in"), 1);
	ck_assert_uint_eq(stat_of("in/a").st_nlink, 1);
}
END_TEST

/* Another process puts a fifo that was there before in the place of the one just made. */
static void put_old_fifo(int dirfd, const char *name) {
	ck_assert_int_eq(unlinkat(dirfd, name, 0), 0);
	ck_assert_int_eq(link("in/old", "in/f"), 0);
}

static void put_file(int dirfd, const char *name) {
	ck_assert_int_eq(unlinkat(dirfd, name, 0), 0);
	write_file("in/f", "x");
}

START_TEST(node_put_in_place_of_the_one_just_made_is_not_taken_for_it) {
	ck_assert_int_eq(mkfifo("in/old", 0640), 0);
	after_mknod = put_old_fifo;
	ck_assert_int_eq(make_node("f", S_IFIFO | 0600, 0, false), TARN_EXISTS);
	ck_assert_uint_eq(stat_of("in/f").st_ino, stat_of("in/old").st_ino);
	ck_assert_int_eq(unlink("in/f"), 0);
	after_mknod = put_old_fifo;
	ck_assert_int_eq(make_node("f", S_IFIFO | 0600, 0, true), TARN_OK);
	ck_assert_uint_ne(stat_of("in/f").st_ino, stat_of("in/old").st_ino);
	ck_assert_uint_eq(stat_of("in/old").st_nlink, 1);
	ck_assert_int_eq(unlink("in/f"), 0);
	after_mknod = put_file;
	ck_assert_int_eq(make_node("f", S_IFIFO | 0600, 0, false), TARN_EXISTS);
	ck_assert_content("in/f", "x");
}
END_TEST

static void make_half(int dirfd, const char *name) {
	(void)dirfd;
	(void)name;
	write_file("in/f", "");
}

START_TEST(node_that_was_made_by_half_tells_that_there_are_none) {
	mknod_errno = EIO;
	after_mknod = make_half;
	ck_assert_int_eq(make_node("f", S_IFIFO | 0600, 0, false), TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, EOPNOTSUPP);
	ck_assert_int_eq(make_node("f", S_IFIFO | 0600, 0, false), TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, EIO);
	ck_assert_int_eq(count_names("in"), 0);
	mknod_errno = 0;
}
END_TEST

static void remove_directory(int dirfd, const char *name) {
	ck_assert_int_eq(unlinkat(dirfd, name, 0), 0);
	ck_assert_int_eq(rmdir("in/d"), 0);
}

START_TEST(directory_removed_before_the_temporary_name_is_made_again) {
	ck_assert_int_eq(mkdir("in/d", 0755), 0);
	write_file("in/d/f", "old");
	after_mknod = remove_directory;
	ck_assert_int_eq(make_node("d/f", S_IFIFO | 0600, 0, true), TARN_OK);
	ck_assert(S_ISFIFO(stat_of("in/d/f").st_mode));
	ck_assert_int_eq(count_names("in/d"), 1);
}
END_TEST

/* Links */

START_TEST(link_is_another_name_of_the_inode) {
	write_file("in/a", "x");
	ck_assert_int_eq(make_link("a", "d/b", false), TARN_OK);
	ck_assert_uint_eq(stat_of("in/d/b").st_ino, stat_of("in/a").st_ino);
}
END_TEST

START_TEST(link_to_a_symlink_does_not_follow_it) {
	ck_assert_int_eq(symlink("../out/secret", "in/s"), 0);
	ck_assert_int_eq(make_link("s", "t", false), TARN_OK);
	ck_assert(S_ISLNK(stat_of("in/t").st_mode));
	ck_assert_uint_eq(stat_of("in/t").st_ino, stat_of("in/s").st_ino);
}
END_TEST

START_TEST(link_to_another_inode_than_was_meant_is_removed) {
	struct stat meant;

	write_file("in/a", "a");
	write_file("in/meant", "m");
	write_file("in/old", "old");
	meant = stat_of("in/meant");
	ck_assert_int_eq(make_link_to("a", &meant, "b", false), TARN_EREFUSED);
	ck_assert_int_eq(make_link_to("a", &meant, "old", true), TARN_EREFUSED);
	ck_assert_content("in/old", "old");
	ck_assert_int_eq(count_names("in"), 3);
	meant = stat_of("in/a");
	meant.st_dev++;
	ck_assert_int_eq(make_link_to("a", &meant, "b", false), TARN_EREFUSED);
	ck_assert(!is_there("in/b"));
}
END_TEST

START_TEST(link_replaces_what_is_there) {
	write_file("in/a", "new");
	write_file("in/b", "old");
	ck_assert_int_eq(link("in/b", "in/c"), 0);
	ck_assert_int_eq(make_link("a", "b", true), TARN_OK);
	ck_assert_uint_eq(stat_of("in/b").st_ino, stat_of("in/a").st_ino);
	ck_assert_content("in/c", "old");
	ck_assert_int_eq(count_names("in"), 3);
}
END_TEST

START_TEST(link_that_is_there_already_is_left_alone) {
	struct stat before;

	write_file("in/a", "x");
	ck_assert_int_eq(link("in/a", "in/b"), 0);
	before = stat_of("in/a");
	ck_assert_int_eq(make_link("a", "b", true), TARN_OK);
	ck_assert_int_eq(make_link("a", "b", false), TARN_OK);
	ck_assert_int_eq(make_link("a", "a", true), TARN_OK);
	ck_assert(same_time(stat_of("in/a").st_ctim, before.st_ctim));
}
END_TEST

START_TEST(refused_link_says_what_the_system_said) {
	struct stat st;

	ck_assert_int_eq(mkdir("in/d", 0755), 0);
	ck_assert_int_eq(make_link("d", "b", false), TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, EPERM);
	st = stat_of("in/d");
	ck_assert_int_eq(make_link_to("nothing", &st, "b", false), TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, ENOENT);
	ck_assert_str_eq(err.msg, "Cannot link: No such file or directory");
	ck_assert_int_eq(make_link_to("no/thing", &st, "b", false), TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, ENOENT);
	ck_assert(!is_there("in/no"));
}
END_TEST

static void add_making(TCase *tests) {
	tcase_add_test(tests, new_file_is_private_and_empty_and_has_its_name_when_it_is_committed);
	tcase_add_test(tests, unfinished_file_has_its_name_and_a_mode_that_says_so);
	tcase_add_test(tests, what_is_unfinished_gives_way_to_everything);
	tcase_add_test(tests, what_only_looks_like_unfinished_stays);
	tcase_add_test(tests, file_without_content_has_its_name_and_mode_at_once);
	tcase_add_test(tests, file_without_content_replaces_when_it_is_committed);
	tcase_add_test(tests, missing_parents_are_made_with_the_umask);
	tcase_add_test(tests, parent_that_is_a_file_is_said);
	tcase_add_test(tests, symlink_fifo_and_file_are_made);
	tcase_add_test(tests, device_has_its_number);
	tcase_add_test(tests, what_is_there_stays_unless_it_is_to_be_replaced);
	tcase_add_test(tests, replaced_file_has_its_old_content_until_the_new_one_is_committed);
	tcase_add_test(tests, replacing_leaves_other_names_of_the_old_inode_alone);
	tcase_add_test(tests, symlink_is_replaced_not_followed);
	tcase_add_test(tests, fifo_is_replaced_and_opened_without_waiting);
	tcase_add_test(tests, empty_directory_gives_way_to_a_file);
	tcase_add_test(tests, full_directory_stays);
	tcase_add_test(tests, discarded_file_leaves_nothing);
	tcase_add_test(tests, temporary_name_goes_when_the_name_is_the_same_inode_already);
	tcase_add_test(tests, node_put_in_place_of_the_one_just_made_is_not_taken_for_it);
	tcase_add_test(tests, node_that_was_made_by_half_tells_that_there_are_none);
	tcase_add_test(tests, directory_removed_before_the_temporary_name_is_made_again);
}

static void add_links(TCase *tests) {
	tcase_add_test(tests, link_is_another_name_of_the_inode);
	tcase_add_test(tests, link_to_a_symlink_does_not_follow_it);
	tcase_add_test(tests, link_to_another_inode_than_was_meant_is_removed);
	tcase_add_test(tests, link_replaces_what_is_there);
	tcase_add_test(tests, link_that_is_there_already_is_left_alone);
	tcase_add_test(tests, refused_link_says_what_the_system_said);
}

int main(void) {
	Suite *suite = suite_create("contained_files");

	add_making(add_case(suite, "making"));
	add_links(add_case(suite, "links"));
	return run_suite(suite);
}
