#include "config.h"

#include "archive_file.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"
#include "work_directory.h"

/*
 * What lies at the destination, and beside it, while an archive is written, when it is complete,
 * and when the run fails or is killed.
 */

static void setup(void) {
	umask(022);
	enter_work_directory();
	/* For the tests that are another user. */
	ck_assert_int_eq(chmod(work_directory, 0777), 0);
}

static void save(const char *name, const char *text) {
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0640);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void assert_text(const char *name, const char *text) {
	char content[64] = "";
	int fd = open(name, O_RDONLY);

	ck_assert_msg(fd >= 0, "%s: %s", name, strerror(errno));
	ck_assert_int_ge(read(fd, content, sizeof(content) - 1), 0);
	ck_assert_str_eq(content, text);
	close(fd);
}

/* The number of names in the working directory. */
static int count_names(void) {
	FILE *out = popen("ls -A | wc -l", "r");
	int n = -1;

	ck_assert_int_eq(fscanf(out, "%d", &n), 1);
	pclose(out);
	return n;
}

static void assert_written(struct archive_file *file, const char *text) {
	ck_assert_int_eq(write(file->fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void create(struct archive_file *file, const char *name) {
	struct error err;
	int r = archive_file_create(file, name, &err);

	ck_assert_msg(r == TARN_OK, "%s", err.msg);
}

static void write_whole(const char *name, const char *text) {
	struct archive_file file;
	struct error err;

	create(&file, name);
	assert_written(&file, text);
	ck_assert_int_eq(archive_file_commit(&file, &err), TARN_OK);
	archive_file_fini(&file);
}

static void assert_refused(const char *name, int errnum, const char *message) {
	struct archive_file file;
	struct error err;

	ck_assert_int_eq(archive_file_create(&file, name, &err), TARN_ESYSTEM);
	ck_assert_str_eq(err.msg, message);
	ck_assert_int_eq(err.errnum, errnum);
	archive_file_fini(&file);
}

START_TEST(the_destination_changes_only_at_commit) {
	struct archive_file file;
	struct error err;

	save("a", "old");
	create(&file, "a");
	assert_written(&file, "new");
	assert_text("a", "old");
	ck_assert_int_eq(count_names(), 2);
	ck_assert_int_eq(archive_file_commit(&file, &err), TARN_OK);
	assert_text("a", "new");
	archive_file_fini(&file);
	ck_assert_int_eq(count_names(), 1);
}
END_TEST

START_TEST(without_commit_nothing_is_left) {
	struct archive_file file;

	create(&file, "new");
	assert_written(&file, "half");
	ck_assert_int_ne(access("new", F_OK), 0);
	archive_file_fini(&file);
	ck_assert_int_eq(count_names(), 0);
}
END_TEST

START_TEST(an_empty_one_can_be_freed) {
	struct archive_file file = { 0 };

	archive_file_fini(&file);
	archive_file_fini(&file);
	ck_assert_int_ge(fcntl(STDIN_FILENO, F_GETFD), 0);
}
END_TEST

START_TEST(a_new_file_gets_the_mode_that_the_umask_leaves) {
	struct stat st;

	umask(027);
	write_whole("a", "text");
	ck_assert_int_eq(stat("a", &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0640);
	ck_assert_int_eq(umask(0), 027);
}
END_TEST

START_TEST(a_file_that_replaces_another_gets_its_mode_and_owner) {
	struct stat st;

	save("a", "old");
	ck_assert_int_eq(chmod("a", 0664), 0);
	bool is_root = chown("a", 12, 34) == 0;
	write_whole("a", "new");
	ck_assert_int_eq(stat("a", &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0664);
	if (is_root) {
		ck_assert_int_eq(st.st_uid, 12);
		ck_assert_int_eq(st.st_gid, 34);
	} else {
		fprintf(stderr, "skipped: owners need root\n");
	}
}
END_TEST

/*
 * Replace a file of ${uid}, group 2000 and ${mode} as user 1001 with that ${group}; what it is
 * then.
 */
static struct stat replace_as_user(uid_t uid, mode_t mode, gid_t group) {
	struct stat st;

	save("a", "old");
	ck_assert_int_eq(chown("a", uid, 2000), 0);
	ck_assert_int_eq(chmod("a", mode), 0);
	ck_assert_int_eq(setgroups(1, &group), 0);
	ck_assert_int_eq(setegid(1001), 0);
	ck_assert_int_eq(seteuid(1001), 0);
	write_whole("a", "new");
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(stat("a", &st), 0);
	return st;
}

START_TEST(the_group_stays_without_the_owner) {
	struct stat st;

	if (geteuid() != 0) {
		fprintf(stderr, "skipped: another user needs root\n");
		return;
	}
	st = replace_as_user(1000, 0660, 2000);
	ck_assert_int_eq(st.st_uid, 1001);
	ck_assert_int_eq(st.st_gid, 2000);
	ck_assert_int_eq(st.st_mode & 07777, 0660);
}
END_TEST

START_TEST(another_group_may_not_what_the_old_one_might) {
	struct stat st;

	if (geteuid() != 0) {
		fprintf(stderr, "skipped: another user needs root\n");
		return;
	}
	st = replace_as_user(1001, 0640, 3000);
	ck_assert_int_eq(st.st_gid, 1001);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
}
END_TEST

START_TEST(symbolic_links_to_the_destination_stay) {
	struct stat st;

	ck_assert_int_eq(mkdir("d", 0700), 0);
	save("d/a", "old");
	ck_assert_int_eq(symlink("d/a", "link"), 0);
	ck_assert_int_eq(symlink("d/new", "dangling"), 0);
	write_whole("link", "new");
	assert_text("d/a", "new");
	write_whole("dangling", "first");
	assert_text("d/new", "first");
	ck_assert_int_eq(lstat("link", &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	ck_assert_int_eq(lstat("dangling", &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
}
END_TEST

START_TEST(another_working_directory_does_not_matter) {
	struct archive_file file;
	struct error err;

	create(&file, "a");
	assert_written(&file, "text");
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(archive_file_commit(&file, &err), TARN_OK);
	archive_file_fini(&file);
	ck_assert_int_eq(chdir(work_directory), 0);
	assert_text("a", "text");
}
END_TEST

START_TEST(the_longest_name_has_a_temporary_one) {
	char name[256];

	memset(name, 'n', 255);
	name[255] = '\0';
	write_whole(name, "text");
	assert_text(name, "text");
}
END_TEST

START_TEST(both_inodes_are_known) {
	struct archive_file file;
	struct stat old, st;

	save("a", "old");
	ck_assert_int_eq(stat("a", &old), 0);
	create(&file, "a");
	ck_assert_int_eq(fstat(file.fd, &st), 0);
	ck_assert(file.has_old);
	ck_assert_uint_eq(file.old.st_ino, old.st_ino);
	ck_assert_uint_eq(file.old.st_dev, old.st_dev);
	ck_assert_uint_eq(file.st.st_ino, st.st_ino);
	ck_assert_uint_eq(file.st.st_dev, st.st_dev);
	archive_file_fini(&file);
	create(&file, "b");
	ck_assert(!file.has_old);
	archive_file_fini(&file);
}
END_TEST

START_TEST(what_is_no_regular_file_is_written_directly) {
	struct archive_file file;
	struct error err;
	struct stat st;
	char text[8] = "";

	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	int fd = open("fifo", O_RDONLY | O_NONBLOCK);
	create(&file, "fifo");
	ck_assert_ptr_null(file.temporary);
	assert_written(&file, "text");
	ck_assert_int_eq(archive_file_commit(&file, &err), TARN_OK);
	archive_file_fini(&file);
	ck_assert_int_eq(read(fd, text, sizeof(text)), 4);
	ck_assert_str_eq(text, "text");
	close(fd);
	ck_assert_int_eq(stat("fifo", &st), 0);
	ck_assert(S_ISFIFO(st.st_mode));
}
END_TEST

START_TEST(a_dash_is_standard_output_and_input) {
	struct archive_file file;
	struct error err;
	struct stat st;
	int fd;
	bool is_own_fd;

	save("out", "");
	int saved = dup(STDOUT_FILENO), out = open("out", O_WRONLY);
	dup2(out, STDOUT_FILENO);
	int r = archive_file_create(&file, "-", &err);
	dup2(saved, STDOUT_FILENO);
	ck_assert_int_eq(r, TARN_OK);
	ck_assert_int_eq(file.fd, STDOUT_FILENO);
	ck_assert_int_eq(fstat(out, &st), 0);
	ck_assert_uint_eq(file.st.st_ino, st.st_ino);
	ck_assert_int_eq(archive_file_commit(&file, &err), TARN_OK);
	archive_file_fini(&file);
	ck_assert_int_ge(fcntl(STDOUT_FILENO, F_GETFD), 0);

	dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
	ck_assert_int_eq(archive_file_open("-", &fd, &is_own_fd, &err), TARN_OK);
	ck_assert_int_eq(fd, STDIN_FILENO);
	ck_assert(!is_own_fd);
}
END_TEST

START_TEST(a_terminal_is_refused) {
	struct archive_file file;
	struct error err;
	int leader, terminal, fd;
	bool is_own_fd;

	ck_assert_int_eq(openpty(&leader, &terminal, NULL, NULL, NULL), 0);
	int saved = dup(STDOUT_FILENO);
	dup2(terminal, STDOUT_FILENO);
	int r = archive_file_create(&file, "-", &err);
	dup2(saved, STDOUT_FILENO);
	ck_assert_int_eq(r, TARN_EREFUSED);
	ck_assert_str_eq(
	    err.msg, "Refusing to write archive contents to terminal (missing -f option?)");
	archive_file_fini(&file);

	dup2(terminal, STDIN_FILENO);
	ck_assert_int_eq(archive_file_open("-", &fd, &is_own_fd, &err), TARN_EREFUSED);
	ck_assert_str_eq(
	    err.msg, "Refusing to read archive contents from terminal (missing -f option?)");
}
END_TEST

START_TEST(what_cannot_be_opened_is_said_as_tar_says_it) {
	struct error err;
	int fd;
	bool is_own_fd;

	assert_refused("no/such/directory", ENOENT, "Cannot open: No such file or directory");
	assert_refused(".", EISDIR, "Cannot open: Is a directory");
	assert_refused("", ENOENT, "Cannot open: No such file or directory");
	ck_assert_int_eq(archive_file_open("none", &fd, &is_own_fd, &err), TARN_ESYSTEM);
	ck_assert_str_eq(err.msg, "Cannot open: No such file or directory");
	ck_assert_int_eq(count_names(), 0);
}
END_TEST

START_TEST(permissions_of_the_file_and_of_its_directory_both_count) {
	if (geteuid() != 0) {
		fprintf(stderr, "skipped: another user needs root\n");
		return;
	}
	save("read-only", "old");
	ck_assert_int_eq(mkdir("d", 0755), 0);
	save("d/writable", "old");
	ck_assert_int_eq(chmod("read-only", 0444), 0);
	ck_assert_int_eq(chmod("d/writable", 0666), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	assert_refused("read-only", EACCES, "Cannot open: Permission denied");
	assert_refused(
	    "d/writable", EACCES, "Cannot open: Cannot make a file beside it: Permission denied");
	assert_refused("d/new", EACCES, "Cannot open: Permission denied");
	ck_assert_int_eq(seteuid(0), 0);
	assert_text("read-only", "old");
	assert_text("d/writable", "old");
}
END_TEST

START_TEST(a_rename_that_fails_is_an_error_and_leaves_nothing) {
	struct archive_file file;
	struct error err;

	create(&file, "a");
	ck_assert_int_eq(mkdir("a", 0700), 0);
	ck_assert_int_eq(archive_file_commit(&file, &err), TARN_ESYSTEM);
	ck_assert_str_eq(err.msg, "Cannot rename into place: Is a directory");
	archive_file_fini(&file);
	ck_assert_int_eq(count_names(), 1);
}
END_TEST

START_TEST(a_close_that_fails_is_an_error) {
	struct archive_file file;
	struct error err;

	save("a", "old");
	create(&file, "a");
	close(file.fd);
	ck_assert_int_eq(archive_file_commit(&file, &err), TARN_ESYSTEM);
	ck_assert_str_eq(err.msg, "Cannot close: Bad file descriptor");
	archive_file_fini(&file);
	assert_text("a", "old");
	ck_assert_int_eq(count_names(), 1);
}
END_TEST

START_TEST(a_file_that_became_shorter_is_said_to_be) {
	struct archive_file file;
	struct error err;

	save("a", "short");
	ck_assert_int_eq(archive_file_open_old(&file, "a", &err), TARN_OK);
	errno = ENOTTY;
	ck_assert_int_eq(archive_file_append(&file, 512, &err), TARN_EFORMAT);
	ck_assert_str_eq(err.msg, "File shrank while it was read");
	archive_file_fini(&file);
	assert_text("a", "short");
}
END_TEST

static const int deadly[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };

/* Start a child that is in the middle of writing "a"; with ${signo} ignored before, if not 0. */
static pid_t start_writer(int ignored) {
	int ready[2];
	char byte;

	ck_assert_int_eq(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct archive_file file;
		struct error err;
		if (ignored != 0) {
			signal(ignored, SIG_IGN);
		}
		if (archive_file_create(&file, "a", &err) != TARN_OK ||
		    write(file.fd, "half", 4) != 4 || write(ready[1], "", 1) != 1) {
			_exit(99);
		}
		usleep(300000);
		_exit(archive_file_commit(&file, &err) == TARN_OK ? 7 : 98);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	return pid;
}

START_TEST(a_signal_removes_the_temporary_file_and_ends_the_run) {
	int status;

	save("a", "old");
	pid_t pid = start_writer(0);
	ck_assert_int_eq(count_names(), 2);
	ck_assert_int_eq(kill(pid, deadly[_i]), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), deadly[_i]);
	assert_text("a", "old");
	ck_assert_int_eq(count_names(), 1);
}
END_TEST

START_TEST(a_signal_that_is_ignored_stays_ignored) {
	int status;

	pid_t pid = start_writer(deadly[_i]);
	ck_assert_int_eq(kill(pid, deadly[_i]), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 7);
	assert_text("a", "half");
	ck_assert_int_eq(count_names(), 1);
}
END_TEST

START_TEST(afterwards_a_signal_ends_the_run_and_removes_nothing) {
	struct archive_file file;
	struct error err;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		create(&file, "a");
		if (archive_file_commit(&file, &err) == TARN_OK)
			raise(deadly[_i]);
		_exit(99);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), deadly[_i]);
	ck_assert_int_eq(count_names(), 1);
	assert_text("a", "");
}
END_TEST

static void add_destinations(Suite *suite) {
	TCase *destinations = tcase_create("destinations");

	tcase_add_checked_fixture(destinations, setup, remove_work_directory);
	tcase_add_test(destinations, the_destination_changes_only_at_commit);
	tcase_add_test(destinations, without_commit_nothing_is_left);
	tcase_add_test(destinations, an_empty_one_can_be_freed);
	tcase_add_test(destinations, a_new_file_gets_the_mode_that_the_umask_leaves);
	tcase_add_test(destinations, a_file_that_replaces_another_gets_its_mode_and_owner);
	tcase_add_test(destinations, the_group_stays_without_the_owner);
	tcase_add_test(destinations, another_group_may_not_what_the_old_one_might);
	tcase_add_test(destinations, symbolic_links_to_the_destination_stay);
	tcase_add_test(destinations, another_working_directory_does_not_matter);
	tcase_add_test(destinations, the_longest_name_has_a_temporary_one);
	tcase_add_test(destinations, both_inodes_are_known);
	tcase_add_test(destinations, what_is_no_regular_file_is_written_directly);
	tcase_add_test(destinations, a_dash_is_standard_output_and_input);
	suite_add_tcase(suite, destinations);
}

static void add_failures(Suite *suite) {
	TCase *failures = tcase_create("failures");
	int nsignals = (int)(sizeof(deadly) / sizeof(deadly[0]));

	tcase_add_checked_fixture(failures, setup, remove_work_directory);
	tcase_add_test(failures, a_terminal_is_refused);
	tcase_add_test(failures, what_cannot_be_opened_is_said_as_tar_says_it);
	tcase_add_test(failures, permissions_of_the_file_and_of_its_directory_both_count);
	tcase_add_test(failures, a_rename_that_fails_is_an_error_and_leaves_nothing);
	tcase_add_test(failures, a_close_that_fails_is_an_error);
	tcase_add_test(failures, a_file_that_became_shorter_is_said_to_be);
	tcase_add_loop_test(
	    failures, a_signal_removes_the_temporary_file_and_ends_the_run, 0, nsignals);
	tcase_add_loop_test(failures, a_signal_that_is_ignored_stays_ignored, 0, nsignals);
	tcase_add_loop_test(
	    failures, afterwards_a_signal_ends_the_run_and_removes_nothing, 0, nsignals);
	suite_add_tcase(suite, failures);
}

int main(void) {
	Suite *suite = suite_create("archive_file");

	/* Whoever runs this may ignore some of them. */
	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		signal(deadly[i], SIG_DFL);

	add_destinations(suite);
	add_failures(suite);
	return run_suite(suite);
}
