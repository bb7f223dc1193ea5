#include "config.h"

#include "report.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "suite.h"

/*
 * What comes out on standard error, which is a file for most tests and a terminal for the progress
 * line; the clock of that one is set by hand.
 */

static struct timespec fake_now = { .tv_sec = 1000 };

int clock_gettime(clockid_t clock, struct timespec *t) {
	if (clock != CLOCK_MONOTONIC_COARSE)
		return (int)syscall(SYS_clock_gettime, clock, t);
	*t = fake_now;
	return 0;
}

static void pass(long milliseconds) {
	fake_now.tv_nsec += milliseconds % 1000 * 1000000;
	fake_now.tv_sec += milliseconds / 1000 + fake_now.tv_nsec / 1000000000;
	fake_now.tv_nsec %= 1000000000;
}

static struct report *report;
static int saved = -1;   /* the real standard error */
static int printed = -1; /* what is read from to see what came out */

static void redirect_stderr(int fd) {
	saved = dup(STDERR_FILENO);
	ck_assert_int_ge(saved, 0);
	ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
}

/* What was printed since the last call; lives until the next. */
static const char *output(void) {
	static char text[65536];
	struct pollfd more = { .fd = printed, .events = POLLIN };
	size_t nbytes = 0;
	ssize_t n;

	/* The kernel passes on what is written to a terminal when it finds the time. */
	while (poll(&more, 1, 200) > 0) {
		n = read(printed, text + nbytes, sizeof(text) - 1 - nbytes);
		if (n <= 0)
			break;
		nbytes += (size_t)n;
	}
	text[nbytes] = '\0';
	return text;
}

static void set_up(void) {
	int fd = memfd_create("stderr", MFD_CLOEXEC);
	char path[64];

	ck_assert_int_ge(fd, 0);
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	/* Opened anew, so that reading has a position of its own. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	printed = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(printed, 0);
	redirect_stderr(fd);
	close(fd);
	report = report_new("tarn", true);
	ck_assert_ptr_nonnull(report);
}

/* The same with a terminal of ${ncolumns} that passes bytes on as they are. */
static void set_up_terminal(unsigned short ncolumns) {
	struct winsize size = { .ws_row = 24, .ws_col = ncolumns };
	struct termios termios;
	int fd;

	printed = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	ck_assert_int_ge(printed, 0);
	ck_assert_int_eq(grantpt(printed), 0);
	ck_assert_int_eq(unlockpt(printed), 0);
	fd = open(ptsname(printed), O_RDWR | O_NOCTTY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(tcgetattr(fd, &termios), 0);
	cfmakeraw(&termios);
	ck_assert_int_eq(tcsetattr(fd, TCSANOW, &termios), 0);
	ck_assert_int_eq(ioctl(fd, TIOCSWINSZ, &size), 0);
	redirect_stderr(fd);
	close(fd);
	setenv("TERM", "xterm", 1);
	report = report_new("tarn", true);
	ck_assert_ptr_nonnull(report);
}

static void set_up_wide_terminal(void) {
	set_up_terminal(80);
}

static void tear_down(void) {
	report_free(report);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(printed);
}

START_TEST(line_is_program_name_and_text) {
	report_note(report, "a/b", "Skipped: %d", 5);
	report_note(report, NULL, "Nothing to do");
	ck_assert_str_eq(output(), "tarn: a/b: Skipped: 5\ntarn: Nothing to do\n");
}
END_TEST

START_TEST(name_and_text_are_escaped) {
	report_note(report, "a\nb\\\033", "link to '%s'", "c\n\033\\n\u20ac\u202e");
	ck_assert_str_eq(
	    output(), "tarn: a\\nb\\\\\\033: link to 'c\\n\\033\\n\u20ac\\342\\200\\256'\n");
}
END_TEST

START_TEST(text_that_is_too_long_is_cut) {
	char text[10000];
	const char *line;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	report_note(report, "a", "%s", text);
	line = output();
	ck_assert_uint_gt(strlen(line), ERR_MSG_NBYTES);
	ck_assert_uint_lt(strlen(line), sizeof(text));
	ck_assert_int_eq(line[strlen(line) - 1], '\n');
}
END_TEST

START_TEST(error_is_said_with_its_message) {
	struct error err;

	err_set(&err, TARN_ESYSTEM, ENOENT, "Cannot open");
	report_error(report, "a", &err);
	ck_assert_str_eq(output(), "tarn: a: Cannot open: No such file or directory\n");
	ck_assert_int_eq(report_finish(report), 2);
}
END_TEST

START_TEST(standard_output_is_flushed_before_a_line) {
	int saved_stdout = dup(STDOUT_FILENO);

	fflush(stdout);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	printf("listed\n");
	report_note(report, NULL, "said");
	dup2(saved_stdout, STDOUT_FILENO);
	close(saved_stdout);
	ck_assert_str_eq(output(), "listed\ntarn: said\n");
}
END_TEST

START_TEST(line_is_one_write) {
	int fds[2];

	/* A pipe in packet mode hands out what one write put in. */
	ck_assert_int_eq(pipe2(fds, O_DIRECT | O_CLOEXEC), 0);
	dup2(fds[1], STDERR_FILENO);
	report_note(report, "a", "text");
	close(fds[1]);
	close(printed);
	printed = fds[0];
	ck_assert_str_eq(output(), "tarn: a: text\n");
}
END_TEST

START_TEST(status_is_that_of_the_worst_line) {
	report_note(report, NULL, "note");
	ck_assert_int_eq(report_finish(report), 0);
	report_warning(report, NULL, "warning");
	ck_assert_int_eq(report_finish(report), 1);
	report_failure(report, NULL, "failure");
	report_warning(report, NULL, "warning");
	report_differs(report);
	ck_assert_int_eq(report_finish(report), 2);
}
END_TEST

START_TEST(differences_set_the_status_without_a_word) {
	report_differs(report);
	ck_assert_int_eq(report_finish(report), 1);
	ck_assert_str_eq(output(), "");
}
END_TEST

START_TEST(failure_ends_with_the_closing_line) {
	report_failure(report, "a", "Cannot open");
	output();
	ck_assert_int_eq(report_finish(report), 2);
	ck_assert_str_eq(output(), "tarn: Exiting with failure status due to previous errors\n");
}
END_TEST

START_TEST(warning_has_no_closing_line) {
	report_warning(report, "a", "File changed as we read it");
	output();
	ck_assert_int_eq(report_finish(report), 1);
	ck_assert_str_eq(output(), "");
}
END_TEST

START_TEST(once_is_said_once_for_each_flag) {
	bool a = false, b = false;

	report_once(report, &a, "Removing leading '%c' from member names", '/');
	report_once(report, &a, "Removing leading '%c' from member names", '/');
	report_once(report, &b, "other");
	ck_assert_str_eq(output(), "tarn: Removing leading '/' from member names\ntarn: other\n");
	ck_assert_int_eq(report_finish(report), 0);
}
END_TEST

static void count(enum report_reason reason, unsigned int n, uint64_t nbytes) {
	for (unsigned int i = 0; i < n; i++)
		report_count(report, reason, "a", nbytes);
}

START_TEST(counted_reasons_are_one_line_each_and_no_failure) {
	count(REPORT_LEFT_DEVICE, 3, 0);
	count(REPORT_COPIED_LINK_LIMIT, 85000, 148);
	ck_assert_str_eq(output(), "");
	ck_assert_int_eq(report_finish(report), 0);
	ck_assert_str_eq(output(),
	    "tarn: 85,000 names became copies (too many links), 11 MiB more\n"
	    "tarn: 3 devices left out (-p restores them)\n");
}
END_TEST

/* What is said of one and of two of each. */
static const char *const singular[] = {
	[REPORT_COPIED_LINK_LIMIT] = "1 name became a copy (too many links)",
	[REPORT_COPIED_OTHER_DEVICE] = "1 name became a copy (its first name is on another device)",
	[REPORT_COPIED_REFUSED] = "1 name became a copy (the file system refuses hard links)",
	[REPORT_COPIED_NO_REFLINK] = "1 name became a full copy (the file system refuses reflinks)",
	[REPORT_LEFT_SET_ID] = "1 file lost its set-user-id or set-group-id bit (-p restores it)",
	[REPORT_LEFT_SET_ID_OWNER] =
	    "1 file lost its set-user-id or set-group-id bit (it has another owner)",
	[REPORT_LEFT_DEVICE] = "1 device left out (-p restores it)",
	[REPORT_LEFT_XATTR] = "1 privileged extended attribute left out (-p restores it)",
	[REPORT_NOT_HELD_OWNER] =
	    "1 file lost its owner (the file system has none, or not this one)",
	[REPORT_NOT_HELD_MODE] = "1 file lost its mode (the file system has none)",
	[REPORT_NOT_HELD_XATTR] = "1 extended attribute was lost (the file system has none)",
	[REPORT_NOT_HELD_ACL] = "1 ACL was lost (the file system has none)",
	[REPORT_NOT_HELD_TIME] = "1 modification time was lost (the file system has none)",
	[REPORT_LOST_SYMLINK] = "1 symbolic link is missing (the file system has none)",
	[REPORT_LOST_SPECIAL] = "1 fifo or device is missing (the file system has none)",
	[REPORT_LOST_NAME] = "1 name is missing (the file system forbids it)",
	[REPORT_LOST_FOLDED] =
	    "1 name is missing (the file system does not tell it from that of another file)",
};
static const char *const plural[] = {
	[REPORT_COPIED_LINK_LIMIT] = "2 names became copies (too many links)",
	[REPORT_COPIED_OTHER_DEVICE] =
	    "2 names became copies (their first names are on another device)",
	[REPORT_COPIED_REFUSED] = "2 names became copies (the file system refuses hard links)",
	[REPORT_COPIED_NO_REFLINK] =
	    "2 names became full copies (the file system refuses reflinks)",
	[REPORT_LEFT_SET_ID] =
	    "2 files lost their set-user-id or set-group-id bits (-p restores them)",
	[REPORT_LEFT_SET_ID_OWNER] =
	    "2 files lost their set-user-id or set-group-id bits (they have other owners)",
	[REPORT_LEFT_DEVICE] = "2 devices left out (-p restores them)",
	[REPORT_LEFT_XATTR] = "2 privileged extended attributes left out (-p restores them)",
	[REPORT_NOT_HELD_OWNER] =
	    "2 files lost their owners (the file system has none, or not these)",
	[REPORT_NOT_HELD_MODE] = "2 files lost their modes (the file system has none)",
	[REPORT_NOT_HELD_XATTR] = "2 extended attributes were lost (the file system has none)",
	[REPORT_NOT_HELD_ACL] = "2 ACLs were lost (the file system has none)",
	[REPORT_NOT_HELD_TIME] = "2 modification times were lost (the file system has none)",
	[REPORT_LOST_SYMLINK] = "2 symbolic links are missing (the file system has none)",
	[REPORT_LOST_SPECIAL] = "2 fifos and devices are missing (the file system has none)",
	[REPORT_LOST_NAME] = "2 names are missing (the file system forbids them)",
	[REPORT_LOST_FOLDED] =
	    "2 names are missing (the file system does not tell them from those of other files)",
};

START_TEST(file_has_what_is_said_and_counted_as_json_lines) {
	char path[] = "/tmp/check_report.XXXXXX", text[1000] = "";
	struct error err;
	FILE *file;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(report_open_file(report, path, &err), TARN_OK);
	report_warning(report, "a\"\\\n\377\u20ac\u202e\302\233\U000e0041", "changed");
	report_note(report, NULL, "text");
	report_count(report, REPORT_COPIED_LINK_LIMIT, "b", 7);
	report_finish(report);
	file = fdopen(fd, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, file), 0);
	fclose(file);
	unlink(path);
	ck_assert_str_eq(text,
	    "{\"event\":\"warning\",\"name\":\"a\\\"\\\\\\u000a\\udcff\u20ac\\u202e\\u009b\\udb40\\udc41\",\"text\":\"changed\"}\n"
	    "{\"event\":\"note\",\"text\":\"text\"}\n"
	    "{\"event\":\"copied-link-limit\",\"name\":\"b\",\"bytes\":7}\n"
	    "{\"event\":\"total\",\"reason\":\"copied-link-limit\",\"names\":1,\"bytes\":7}\n"
	    "{\"event\":\"exit\",\"status\":1}\n");
}
END_TEST

START_TEST(each_reason_agrees_with_its_number) {
	char line[200];
	int status;

	report_count(report, (enum report_reason)_i, "a", 0);
	report_finish(report);
	snprintf(line, sizeof(line), "tarn: %s\n", singular[_i]);
	ck_assert_mem_eq(output(), line, strlen(line));
	report_count(report, (enum report_reason)_i, "a", 0);
	status = report_finish(report);
	snprintf(line, sizeof(line), "tarn: %s\n", plural[_i]);
	ck_assert_mem_eq(output(), line, strlen(line));
	ck_assert_int_eq(status, _i >= REPORT_LOST_SYMLINK ? 2 : 0);
}
END_TEST

static const struct {
	uint64_t nbytes;
	const char *text;
} sizes[] = {
	{ 1, "1 byte" },
	{ 2, "2 bytes" },
	{ 1023, "1023 bytes" },
	{ 1024, "1.0 KiB" },
	{ 1536, "1.5 KiB" },
	{ 10239, "9.9 KiB" },
	{ 10240, "10 KiB" },
	{ 1048575, "1023 KiB" },
	{ 1048576, "1.0 MiB" },
	{ 12 << 20, "12 MiB" },
	{ UINT64_C(1) << 40, "1.0 TiB" },
	{ UINT64_MAX, "15 EiB" },
};

START_TEST(bytes_are_said_in_units) {
	char line[200];

	report_count(report, REPORT_COPIED_LINK_LIMIT, "a", sizes[_i].nbytes);
	report_finish(report);
	snprintf(line, sizeof(line), "tarn: %s, %s more\n", singular[REPORT_COPIED_LINK_LIMIT],
	    sizes[_i].text);
	ck_assert_str_eq(output(), line);
}
END_TEST

static const struct {
	unsigned int n;
	const char *text;
} counts[] = { { 999, "999" }, { 1000, "1,000" }, { 12345, "12,345" }, { 1234567, "1,234,567" } };

START_TEST(thousands_are_set_apart) {
	char line[200];

	count(REPORT_LEFT_DEVICE, counts[_i].n, 0);
	report_finish(report);
	snprintf(
	    line, sizeof(line), "tarn: %s devices left out (-p restores them)\n", counts[_i].text);
	ck_assert_str_eq(output(), line);
}
END_TEST

static void *count_and_note(void *arg) {
	(void)arg;
	for (int i = 0; i < 1000; i++) {
		report_count(report, REPORT_LEFT_DEVICE, "a", 0);
		report_note(report, "\n", "text\n");
	}
	return NULL;
}

START_TEST(threads_do_not_lose_counts_or_mix_lines) {
	pthread_t threads[2];
	char text[200];
	FILE *lines;
	size_t n = 0;

	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, count_and_note, NULL), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	lines = fdopen(dup(printed), "r");
	ck_assert_ptr_nonnull(lines);
	for (; fgets(text, sizeof(text), lines) != NULL; n++)
		ck_assert_str_eq(text, "tarn: \\n: text\\n\n");
	fclose(lines);
	ck_assert_uint_eq(n, 2000);
	report_finish(report);
	ck_assert_str_eq(output(), "tarn: 2,000 devices left out (-p restores them)\n");
}
END_TEST

struct diverted {
	enum report_severity severity;
	char name[32], text[32];
};

static void take_line(
    void *context, enum report_severity severity, const char *name, const char *text) {
	struct diverted *line = context;

	line->severity = severity;
	snprintf(line->name, sizeof(line->name), "%s", name);
	snprintf(line->text, sizeof(line->text), "%s", text);
}

static void *divert_and_say(void *line) {
	struct report_diversion diversion = { .to = take_line, .context = line };

	report_divert(report, &diversion);
	report_failure(report, "name\n", "%s", "diverted");
	report_divert_no_more(report, &diversion);
	report_note(report, NULL, "not any more");
	return NULL;
}

START_TEST(lines_of_one_thread_are_diverted_as_they_are) {
	struct diverted line = { 0 };
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, divert_and_say, &line), 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(line.severity, REPORT_FAILURE);
	ck_assert_str_eq(line.name, "name\n");
	ck_assert_str_eq(line.text, "diverted");
	report_note(report, NULL, "here");
	ck_assert_str_eq(output(), "tarn: not any more\ntarn: here\n");
	ck_assert_int_eq(report_finish(report), 0);
	report_line(report, line.severity, line.name, line.text);
	ck_assert_int_eq(report_finish(report), 2);
}
END_TEST

START_TEST(progress_is_shown_after_a_second) {
	report_show_progress(report);
	report_progress(report, "a", 1000);
	pass(999);
	report_progress(report, "b", 24);
	ck_assert_str_eq(output(), "");
	pass(1);
	report_progress(report, "dir/c", 512);
	ck_assert_str_eq(output(), "\rtarn: 3 members, 1.5 KiB, dir/c\033[K");
}
END_TEST

START_TEST(progress_is_shown_five_times_a_second) {
	report_show_progress(report);
	pass(1000);
	report_progress(report, "a", 1);
	ck_assert_str_eq(output(), "\rtarn: 1 member, 1 byte, a\033[K");
	pass(199);
	report_progress(report, "b", 1);
	ck_assert_str_eq(output(), "");
	pass(1);
	report_progress(report, "c", 1);
	ck_assert_str_eq(output(), "\rtarn: 3 members, 3 bytes, c\033[K");
}
END_TEST

START_TEST(progress_inside_of_a_member_keeps_its_name) {
	report_show_progress(report);
	report_progress(report, "a", 0);
	pass(1000);
	report_progress(report, NULL, 2048);
	ck_assert_str_eq(output(), "\rtarn: 1 member, 2.0 KiB, a\033[K");
}
END_TEST

START_TEST(progress_is_erased_by_a_line_and_comes_again) {
	report_show_progress(report);
	pass(1000);
	report_progress(report, "a", 0);
	output();
	report_note(report, "a", "text");
	report_note(report, "a", "more");
	ck_assert_str_eq(output(), "\r\033[Ktarn: a: text\ntarn: a: more\n");
	pass(200);
	report_progress(report, "b", 0);
	ck_assert_str_eq(output(), "\rtarn: 2 members, 0 bytes, b\033[K");
}
END_TEST

START_TEST(progress_is_erased_at_the_end) {
	report_show_progress(report);
	pass(1000);
	report_progress(report, "a", 0);
	output();
	ck_assert_int_eq(report_finish(report), 0);
	ck_assert_str_eq(output(), "\r\033[K");
}
END_TEST

START_TEST(progress_escapes_names) {
	report_show_progress(report);
	pass(1000);
	report_progress(report, "\n\033", 0);
	ck_assert_str_eq(output(), "\rtarn: 1 member, 0 bytes, \\n\\033\033[K");
}
END_TEST

START_TEST(progress_needs_to_be_asked_for) {
	pass(5000);
	report_progress(report, "a", 0);
	ck_assert_str_eq(output(), "");
}
END_TEST

START_TEST(progress_is_not_for_dumb_terminals) {
	setenv("TERM", "dumb", 1);
	report_show_progress(report);
	pass(5000);
	report_progress(report, "a", 0);
	ck_assert_str_eq(output(), "");
}
END_TEST

START_TEST(progress_is_not_for_files) {
	setenv("TERM", "xterm", 1);
	report_show_progress(report);
	pass(5000);
	report_progress(report, "a", 0);
	ck_assert_str_eq(output(), "");
}
END_TEST

/* "tarn: 1 member, 0 bytes, " has 25 bytes; the last column stays free. */
static const struct {
	unsigned short ncolumns;
	const char *name, *line;
} widths[] = {
	{ 30, "abcd", "tarn: 1 member, 0 bytes, abcd" },
	{ 30, "abcde", "tarn: 1 member, 0 bytes, abcd" },
	{ 30, "a\nbc", "tarn: 1 member, 0 bytes, a\\nb" },
	{ 30, "ab\033", "tarn: 1 member, 0 bytes, ab" },
	{ 30, "ab\u20ac", "tarn: 1 member, 0 bytes, ab" },
	{ 10, "abcd", "tarn: 1 m" },
	{ 1, "abcd", "" },
	/* Not known: 80. */
	{ 0, "-123456789-123456789-123456789-123456789-123456789-123456789",
	    "tarn: 1 member, 0 bytes, -123456789-123456789-123456789-123456789-123456789-123" },
};

START_TEST(progress_is_cut_to_the_width_of_the_terminal) {
	char line[200];

	set_up_terminal(widths[_i].ncolumns);
	report_show_progress(report);
	pass(1000);
	report_progress(report, widths[_i].name, 0);
	snprintf(line, sizeof(line), "\r%s\033[K", widths[_i].line);
	ck_assert_str_eq(output(), line);
	tear_down();
}
END_TEST

/* Names longer than what is kept of them, ending in the middle of an escape or not. */
START_TEST(progress_of_a_long_name_fits_a_very_wide_terminal) {
	char name[2000];
	const char *line;

	memset(name, 'x', sizeof(name));
	memset(name + _i, '\001', sizeof(name) - (size_t)_i - 1);
	name[sizeof(name) - 1] = '\0';
	set_up_terminal(65535);
	report_show_progress(report);
	pass(1000);
	report_progress(report, name, 0);
	line = output();
	ck_assert_uint_gt(strlen(line), 400);
	ck_assert_int_eq((int)(strlen(line) - strlen("\r\033[K") - 25 - (size_t)_i) % 4, 0);
	tear_down();
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof((array)[0])))

static void add_lines(TCase *lines) {
	tcase_add_checked_fixture(lines, set_up, tear_down);
	tcase_add_test(lines, line_is_program_name_and_text);
	tcase_add_test(lines, name_and_text_are_escaped);
	tcase_add_test(lines, text_that_is_too_long_is_cut);
	tcase_add_test(lines, error_is_said_with_its_message);
	tcase_add_test(lines, standard_output_is_flushed_before_a_line);
	tcase_add_test(lines, line_is_one_write);
	tcase_add_test(lines, status_is_that_of_the_worst_line);
	tcase_add_test(lines, differences_set_the_status_without_a_word);
	tcase_add_test(lines, failure_ends_with_the_closing_line);
	tcase_add_test(lines, warning_has_no_closing_line);
	tcase_add_test(lines, once_is_said_once_for_each_flag);
	tcase_add_test(lines, counted_reasons_are_one_line_each_and_no_failure);
	tcase_add_test(lines, file_has_what_is_said_and_counted_as_json_lines);
	tcase_add_loop_test(lines, each_reason_agrees_with_its_number, 0, REPORT_NREASONS);
	tcase_add_loop_test(lines, bytes_are_said_in_units, 0, N(sizes));
	tcase_add_loop_test(lines, thousands_are_set_apart, 0, N(counts));
	tcase_add_test(lines, threads_do_not_lose_counts_or_mix_lines);
	tcase_add_test(lines, lines_of_one_thread_are_diverted_as_they_are);
	tcase_add_test(lines, progress_is_not_for_files);
}

static void add_progress(TCase *progress) {
	tcase_add_checked_fixture(progress, set_up_wide_terminal, tear_down);
	tcase_add_test(progress, progress_is_shown_after_a_second);
	tcase_add_test(progress, progress_is_shown_five_times_a_second);
	tcase_add_test(progress, progress_inside_of_a_member_keeps_its_name);
	tcase_add_test(progress, progress_is_erased_by_a_line_and_comes_again);
	tcase_add_test(progress, progress_is_erased_at_the_end);
	tcase_add_test(progress, progress_escapes_names);
	tcase_add_test(progress, progress_needs_to_be_asked_for);
	tcase_add_test(progress, progress_is_not_for_dumb_terminals);
}

int main(void) {
	Suite *suite = suite_create("report");
	TCase *lines = tcase_create("lines");
	TCase *progress = tcase_create("progress");
	TCase *width = tcase_create("width");

	add_lines(lines);
	suite_add_tcase(suite, lines);
	add_progress(progress);
	suite_add_tcase(suite, progress);
	tcase_add_loop_test(width, progress_is_cut_to_the_width_of_the_terminal, 0, N(widths));
	tcase_add_loop_test(width, progress_of_a_long_name_fits_a_very_wide_terminal, 400, 404);
	suite_add_tcase(suite, width);

	return run_suite(suite);
}
