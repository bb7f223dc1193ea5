#include "config.h"

#include "listing.h"

#include "content_sink.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdint.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "suite.h"

/* The lines are those of `TZ=UTC tar -tvf', GNU tar 1.34, for the same members. */

static struct options options;
static struct listing *listing;
static FILE *out;
static char *text;
static size_t text_nbytes;

/* A listing with ${options} into ${text}. */
static void begin(void) {
	out = open_memstream(&text, &text_nbytes);
	ck_assert_ptr_nonnull(out);
	listing = listing_new(&options, true, out);
	ck_assert_ptr_nonnull(listing);
}

/* End the listing, and see that it printed ${expected}. */
static void expect(const char *expected) {
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(text, expected);
	free(text);
	listing_free(listing);
	listing = NULL;
}

static void set_up(void) {
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	setenv("TZ", "UTC", 1);
	tzset();
	options = (struct options){ .quoting = QUOTE_ESCAPE };
}

/* A file as most are. */
static struct entry file(const char *name) {
	return (struct entry){
		.name = name,
		.type = ENTRY_FILE,
		.mode = 0644,
		.uname = "root",
		.gname = "root",
		.mtime = { .tv_sec = 1000000000 },
	};
}

START_TEST(short_form_is_the_name_with_a_slash_for_directories) {
	struct entry e = file("a/b c"), d = file("a"), root = file("/");

	d.type = root.type = ENTRY_DIRECTORY;
	begin();
	listing_print(listing, &root, false);
	listing_print(listing, &d, false);
	listing_print(listing, &e, false);
	expect("/\na/\na/b c\n");
}
END_TEST

START_TEST(short_form_of_a_link_is_its_name_alone) {
	struct entry later = file("b"), symlink = file("l");

	later.first_name = "a";
	symlink.type = ENTRY_SYMLINK;
	symlink.target = "a";
	begin();
	listing_print(listing, &later, false);
	listing_print(listing, &symlink, false);
	expect("b\nl\n");
}
END_TEST

START_TEST(every_type_has_its_line) {
	struct entry e = file("f");

	begin();
	e.size = 123456789;
	listing_print(listing, &e, true);
	e = file("d");
	e.type = ENTRY_DIRECTORY;
	e.mode = 0755;
	listing_print(listing, &e, true);
	e = file("l");
	e.type = ENTRY_SYMLINK;
	e.mode = 0777;
	e.target = "f";
	listing_print(listing, &e, true);
	e = file("p");
	e.type = ENTRY_FIFO;
	listing_print(listing, &e, true);
	e = file("c");
	e.type = ENTRY_CHAR_DEVICE;
	e.rdev_major = 1;
	e.rdev_minor = 3;
	listing_print(listing, &e, true);
	e.name = "b";
	e.type = ENTRY_BLOCK_DEVICE;
	e.rdev_major = 259;
	e.rdev_minor = 1048575;
	listing_print(listing, &e, true);
	expect("-rw-r--r-- root/root 123456789 2001-09-09 01:46 f\n"
	       "drwxr-xr-x root/root         0 2001-09-09 01:46 d/\n"
	       "lrwxrwxrwx root/root         0 2001-09-09 01:46 l -> f\n"
	       "prw-r--r-- root/root         0 2001-09-09 01:46 p\n"
	       "crw-r--r-- root/root       1,3 2001-09-09 01:46 c\n"
	       "brw-r--r-- root/root 259,1048575 2001-09-09 01:46 b\n");
}
END_TEST

START_TEST(later_name_of_any_type_is_a_link_to_its_first) {
	struct entry e = file("b");

	e.first_name = "dir/a";
	begin();
	listing_print(listing, &e, true);
	e.type = ENTRY_SYMLINK;
	e.target = "x";
	listing_print(listing, &e, true);
	e.type = ENTRY_CHAR_DEVICE;
	e.target = NULL;
	e.rdev_major = 1;
	listing_print(listing, &e, true);
	expect("hrw-r--r-- root/root         0 2001-09-09 01:46 b link to dir/a\n"
	       "hrw-r--r-- root/root         0 2001-09-09 01:46 b link to dir/a\n"
	       "hrw-r--r-- root/root         0 2001-09-09 01:46 b link to dir/a\n");
}
END_TEST

static const struct {
	mode_t mode;
	const char *letters;
} modes[] = {
	{ 0, "----------" },
	{ 0777, "-rwxrwxrwx" },
	{ 0421, "-r---w---x" },
	{ 07777, "-rwsrwsrwt" },
	{ 07000, "---S--S--T" },
	{ 04755, "-rwsr-xr-x" },
	{ 02644, "-rw-r-Sr--" },
	{ 01666, "-rw-rw-rwT" },
};

START_TEST(mode_is_nine_letters_with_special_bits_in_them) {
	struct entry e = file("f");

	e.mode = modes[_i].mode;
	begin();
	listing_print(listing, &e, true);
	fflush(out);
	ck_assert_mem_eq(text, modes[_i].letters, 10);
	ck_assert_int_eq(text[10], ' ');
	fclose(out);
	free(text);
	listing_free(listing);
}
END_TEST

START_TEST(column_of_owners_and_size_grows_and_stays) {
	struct entry e = file("n0");

	begin();
	listing_print(listing, &e, true);
	e = file("n1");
	e.uname = "averyveryverylongusername";
	e.gname = "andalonggroupname";
	e.size = 12;
	listing_print(listing, &e, true);
	e = file("n2");
	e.uname = "a";
	e.gname = "b";
	e.size = 7;
	listing_print(listing, &e, true);
	expect("-rw-r--r-- root/root         0 2001-09-09 01:46 n0\n"
	       "-rw-r--r-- averyveryverylongusername/andalonggroupname 12 2001-09-09 01:46 n1\n"
	       "-rw-r--r-- a/b                                          7 2001-09-09 01:46 n2\n");
}
END_TEST

START_TEST(made_up_owner_does_not_blow_up_the_lines_behind_it) {
	struct entry e = file("n"), usual = file("u");
	char uname[1000];

	memset(uname, 'x', sizeof(uname) - 1);
	uname[sizeof(uname) - 1] = '\0';
	e.uname = uname;
	begin();
	listing_print(listing, &e, true);
	fflush(out);
	ck_assert_str_eq(strstr(text, "x/"), "x/root 0 2001-09-09 01:46 n\n");
	listing_print(listing, &usual, true);
	fflush(out);
	ck_assert_str_eq(
	    strchr(text, '\n') + 1, "-rw-r--r-- root/root         0 2001-09-09 01:46 u\n");
	fclose(out);
	free(text);
	listing_free(listing);
}
END_TEST

START_TEST(owner_without_a_name_is_a_number) {
	struct entry e = file("n");

	e.uname = NULL;
	e.uid = UINT64_C(1) << 40;
	e.gname = "";
	e.gid = 7;
	e.size = 12345;
	begin();
	listing_print(listing, &e, true);
	expect("-rw-r--r-- 1099511627776/7 12345 2001-09-09 01:46 n\n");
}
END_TEST

START_TEST(numeric_owner_prints_numbers_where_there_are_names) {
	struct entry e = file("n");

	e.uid = 1000;
	options.numeric_owner = true;
	begin();
	listing_print(listing, &e, true);
	expect("-rw-r--r-- 1000/0            0 2001-09-09 01:46 n\n");
}
END_TEST

START_TEST(names_targets_and_owners_are_escaped) {
	struct entry e = file("o\001\xff\t\u20ac"), later = file("b");

	e.type = ENTRY_SYMLINK;
	e.target = "x\ny";
	e.uname = "r\033[2J";
	later.first_name = "a\\\u202e";
	begin();
	listing_print(listing, &e, true);
	listing_print(listing, &later, true);
	expect("lrw-r--r-- r\\033[2J/root     0 2001-09-09 01:46 o\\001\\377\\t\u20ac -> x\\ny\n"
	       "hrw-r--r-- root/root         0 2001-09-09 01:46 b link to a\\\\\\342\\200\\256\n");
}
END_TEST

static const struct {
	time_t sec;
	long nsec;
	bool full;
	const char *date;
} dates[] = {
	{ 1000000000, 789000000, false, "2001-09-09 01:46" },
	{ 1000000000, 0, true, "2001-09-09 01:46:40" },
	{ 1000000000, 500000000, true, "2001-09-09 01:46:40.5" },
	{ 1000000000, 1, true, "2001-09-09 01:46:40.000000001" },
	{ 1000000000, 120000000, true, "2001-09-09 01:46:40.12" },
	{ -1, 0, true, "1969-12-31 23:59:59" },
	{ -2, 500000000, true, "1969-12-31 23:59:59.5" },
	{ -61, 750000000, true, "1969-12-31 23:59:00.25" },
	{ -30610224001, 0, false, "999-12-31 23:59" },
	{ -62167219201, 0, false, "-1-12-31 23:59" },
	{ 253402300800, 0, false, "10000-01-01 00:00" },
	{ 67768036191676800, 0, false, "67768036191676800" },
	{ 67768036191676800, 500000000, true, "67768036191676800.5" },
	{ -67768040609740801, 0, false, "-67768040609740801" },
	{ INT64_MAX, 999999999, true, "9223372036854775807.999999999" },
	{ INT64_MIN, 1, true, "-9223372036854775807.999999999" },
};

START_TEST(date_is_shown_to_the_minute_or_in_full) {
	struct entry e = file("n");
	char expected[128];

	e.mtime = (struct timespec){ .tv_sec = dates[_i].sec, .tv_nsec = dates[_i].nsec };
	options.full_time = dates[_i].full;
	begin();
	listing_print(listing, &e, true);
	snprintf(
	    expected, sizeof(expected), "-rw-r--r-- root/root         0 %-16s n\n", dates[_i].date);
	expect(expected);
}
END_TEST

START_TEST(column_of_dates_grows_and_stays) {
	struct entry e = file("n");

	options.full_time = true;
	begin();
	e.mtime.tv_nsec = 500000000;
	listing_print(listing, &e, true);
	e.mtime.tv_nsec = 0;
	listing_print(listing, &e, true);
	expect("-rw-r--r-- root/root         0 2001-09-09 01:46:40.5 n\n"
	       "-rw-r--r-- root/root         0 2001-09-09 01:46:40   n\n");
}
END_TEST

START_TEST(date_is_local_unless_utc_is_asked_for) {
	struct entry e = file("n");

	setenv("TZ", "XYZ-5:30", 1);
	tzset();
	begin();
	listing_print(listing, &e, true);
	expect("-rw-r--r-- root/root         0 2001-09-09 07:16 n\n");
	options.utc = true;
	begin();
	listing_print(listing, &e, true);
	expect("-rw-r--r-- root/root         0 2001-09-09 01:46 n\n");
}
END_TEST

START_TEST(acls_and_xattrs_are_marked_when_they_are_asked_for) {
	struct xattr xattr = { "user.comment", "x", 1 }, security = { "security.ima", "x", 1 };
	struct entry plain = file("p"), e = file("x"), acl = file("a");

	plain.xattrs = &security;
	e.xattrs = &xattr;
	plain.nxattrs = e.nxattrs = 1;
	acl.xattrs = &xattr;
	acl.nxattrs = 1;
	acl.acl_default = "user::rwx";
	options.xattrs = options.acls = true;
	begin();
	listing_print(listing, &plain, true);
	listing_print(listing, &e, true);
	listing_print(listing, &acl, true);
	expect("-rw-r--r--  root/root         0 2001-09-09 01:46 p\n"
	       "-rw-r--r--* root/root         0 2001-09-09 01:46 x\n"
	       "-rw-r--r--+ root/root         0 2001-09-09 01:46 a\n");
	options.xattrs = false;
	begin();
	listing_print(listing, &e, true);
	expect("-rw-r--r--  root/root         0 2001-09-09 01:46 x\n");
}
END_TEST

START_TEST(listing_sink_prints_each_entry) {
	struct entry e = file("a");
	struct error err;
	struct sink *sink;

	begin();
	sink = listing_sink_new(listing, false, &err);
	ck_assert_ptr_nonnull(sink);
	ck_assert_int_eq(sink->put(sink, &e, NULL, &err), TARN_OK);
	e.name = "b";
	ck_assert_int_eq(sink->put(sink, &e, NULL, &err), TARN_OK);
	ck_assert_int_eq(sink->finish(sink, &err), TARN_OK);
	sink->free(sink);
	listing = NULL;
	expect("a\nb\n");
}
END_TEST

static struct sink *full_disk_sink(void) {
	struct error err;

	out = fopen("/dev/full", "w");
	ck_assert_ptr_nonnull(out);
	return listing_sink_new(listing_new(&options, true, out), false, &err);
}

START_TEST(listing_sink_fails_when_the_disk_is_full) {
	struct entry e = file("a");
	struct error err;
	struct sink *sink = full_disk_sink();

	ck_assert_int_eq(sink->put(sink, &e, NULL, &err), TARN_OK);
	ck_assert_int_eq(sink->finish(sink, &err), TARN_EOUTPUT);
	ck_assert_int_eq(err.errnum, ENOSPC);
	ck_assert_str_eq(err.msg, "standard output: Cannot write: No space left on device");
	sink->free(sink);
	fclose(out);
}
END_TEST

START_TEST(listing_sink_stops_where_nobody_reads) {
	struct entry e = file("a");
	struct error err;
	struct sink *sink = full_disk_sink();

	setvbuf(out, NULL, _IONBF, 0);
	ck_assert_int_eq(sink->put(sink, &e, NULL, &err), TARN_EOUTPUT);
	ck_assert_int_eq(err.errnum, ENOSPC);
	sink->free(sink);
	fclose(out);
}
END_TEST

/* A source of one file's content: blocks, and how they end. */
struct blocks {
	struct source base;
	const struct block *blocks;
	size_t n, i;
	int end;
};

static int blocks_read(struct source *source, struct block *block, struct error *err) {
	struct blocks *b = (struct blocks *)source;

	if (b->i < b->n) {
		*block = b->blocks[b->i++];
		return TARN_OK;
	}
	return b->end == TARN_END ? TARN_END : err_set(err, (enum tarn_code)b->end, 0, "Damaged");
}

static struct report *report;
static struct sink *content;
static int saved_stdout, saved_stderr, caught;

/* Let standard output and standard error go to ${fd}. */
static void redirect(int fd) {
	ck_assert_int_ge(fd, 0);
	fflush(stdout);
	saved_stdout = dup(STDOUT_FILENO);
	saved_stderr = dup(STDERR_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	caught = fd;
}

static void restore(void) {
	dup2(saved_stdout, STDOUT_FILENO);
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stdout);
	close(saved_stderr);
}

static void set_up_content(void) {
	struct error err;

	report = report_new("tarn", true);
	ck_assert_ptr_nonnull(report);
	content = content_sink_new(report, &err);
	ck_assert_ptr_nonnull(content);
}

static void tear_down_content(void) {
	content->free(content);
	report_free(report);
}

/* Put ${e} into a content sink; what it and the report print comes back in ${printed}. */
static int put_content(const struct entry *e, struct blocks *from, char *printed, size_t nbytes) {
	struct error err;
	ssize_t n;
	int r;

	from->base.read = blocks_read;
	redirect(memfd_create("printed", 0));
	r = content->put(content, e, &from->base, &err);
	if (r == TARN_OK)
		r = content->finish(content, &err);
	restore();
	memset(printed, 'x', nbytes);
	n = pread(caught, printed, nbytes - 1, 0);
	ck_assert_int_ge(n, 0);
	printed[n] = '\0';
	close(caught);
	return r;
}

START_TEST(content_is_written_with_holes_as_zeros) {
	const struct block blocks[] = { { "ab", 2, 0 }, { "c", 1, 2 }, { "d", 1, 100000 } };
	struct blocks from = { .blocks = blocks, .n = 3, .end = TARN_END };
	struct entry e = file("f");
	char printed[200000], expected[100003] = "abc";

	e.size = sizeof(expected);
	expected[100000] = 'd';
	ck_assert_int_eq(put_content(&e, &from, printed, sizeof(printed)), TARN_OK);
	ck_assert_mem_eq(printed, expected, sizeof(expected));
	ck_assert_int_eq(report_finish(report), 0);
}
END_TEST

START_TEST(content_of_other_types_is_nothing) {
	struct blocks from = { .end = TARN_EFORMAT };
	struct entry e = file("d");
	char printed[100];

	e.type = ENTRY_DIRECTORY;
	ck_assert_int_eq(put_content(&e, &from, printed, sizeof(printed)), TARN_OK);
	ck_assert_str_eq(printed, "");
}
END_TEST

START_TEST(content_of_later_name_is_asked_for_unless_its_first_was_written) {
	const struct block block = { "data", 4, 0 };
	struct blocks from = { .blocks = &block, .n = 1, .end = TARN_END };
	struct entry first = file("a"), later = file("./b");
	char printed[200];

	first.size = 4;
	first.is_whole = true;
	later.first_name = "./a";
	ck_assert_int_eq(put_content(&later, &from, printed, sizeof(printed)), TARN_NO_FIRST);
	ck_assert_int_eq(put_content(&first, &from, printed, sizeof(printed)), TARN_OK);
	ck_assert_str_eq(printed, "data");
	ck_assert_int_eq(put_content(&later, &from, printed, sizeof(printed)), TARN_OK);
	ck_assert_str_eq(printed, "");
}
END_TEST

START_TEST(content_of_later_name_of_another_type_is_nothing) {
	struct blocks from = { .end = TARN_EFORMAT };
	struct entry first = file("a"), later = file("b");
	char printed[100];

	first.type = ENTRY_SYMLINK;
	first.target = "c";
	/* Headers of later names do not tell. */
	later.first_name = "a";
	ck_assert_int_eq(put_content(&first, &from, printed, sizeof(printed)), TARN_OK);
	ck_assert_int_eq(put_content(&later, &from, printed, sizeof(printed)), TARN_OK);
	ck_assert_str_eq(printed, "");
}
END_TEST

START_TEST(content_that_a_later_name_carries_is_written) {
	const struct block block = { "data", 4, 0 };
	struct blocks from = { .blocks = &block, .n = 1, .end = TARN_END };
	struct entry e = file("b");
	char printed[200];

	e.first_name = "a";
	e.size = 4;
	e.is_whole = true;
	ck_assert_int_eq(put_content(&e, &from, printed, sizeof(printed)), TARN_OK);
	ck_assert_str_eq(printed, "data");
}
END_TEST

START_TEST(damaged_content_is_said_and_the_run_goes_on) {
	const struct block block = { "da", 2, 0 };
	struct blocks from = { .blocks = &block, .n = 1, .end = TARN_EFORMAT };
	struct entry e = file("f");
	char printed[200];

	e.size = 4;
	ck_assert_int_eq(put_content(&e, &from, printed, sizeof(printed)), TARN_OK);
	ck_assert_str_eq(printed, "datarn: f: Damaged\n");
}
END_TEST

/* What fits into a buffer fails at the end only; a mebibyte of data, or of zeros, does not. */
#define LARGE (1 << 20)
static const struct {
	size_t block_nbytes;
	off_t size;
	int put;
} full_disk[] = {
	{ 4, 4, TARN_OK },
	{ LARGE, LARGE, TARN_EOUTPUT },
	{ 4, LARGE, TARN_EOUTPUT },
};

START_TEST(content_that_cannot_be_written_ends_the_run) {
	static const char data[LARGE];
	const struct block block = { data, full_disk[_i].block_nbytes, 0 };
	struct blocks from = { { .read = blocks_read }, &block, .n = 1, .end = TARN_END };
	struct entry e = file("f");
	struct error err;
	int put, finish;

	e.size = full_disk[_i].size;
	redirect(open("/dev/full", O_WRONLY | O_CLOEXEC));
	put = content->put(content, &e, &from.base, &err);
	finish = put == TARN_OK ? content->finish(content, &err) : put;
	__fpurge(stdout);
	restore();
	close(caught);
	ck_assert_int_eq(put, full_disk[_i].put);
	ck_assert_int_eq(finish, TARN_EOUTPUT);
	ck_assert_str_eq(err.msg, "standard output: Cannot write: No space left on device");
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof((array)[0])))

static void add_lines(TCase *lines) {
	tcase_add_checked_fixture(lines, set_up, NULL);
	tcase_add_test(lines, short_form_is_the_name_with_a_slash_for_directories);
	tcase_add_test(lines, short_form_of_a_link_is_its_name_alone);
	tcase_add_test(lines, every_type_has_its_line);
	tcase_add_test(lines, later_name_of_any_type_is_a_link_to_its_first);
	tcase_add_loop_test(lines, mode_is_nine_letters_with_special_bits_in_them, 0, N(modes));
	tcase_add_test(lines, column_of_owners_and_size_grows_and_stays);
	tcase_add_test(lines, made_up_owner_does_not_blow_up_the_lines_behind_it);
	tcase_add_test(lines, owner_without_a_name_is_a_number);
	tcase_add_test(lines, numeric_owner_prints_numbers_where_there_are_names);
	tcase_add_test(lines, names_targets_and_owners_are_escaped);
	tcase_add_loop_test(lines, date_is_shown_to_the_minute_or_in_full, 0, N(dates));
	tcase_add_test(lines, column_of_dates_grows_and_stays);
	tcase_add_test(lines, date_is_local_unless_utc_is_asked_for);
	tcase_add_test(lines, acls_and_xattrs_are_marked_when_they_are_asked_for);
	tcase_add_test(lines, listing_sink_prints_each_entry);
	tcase_add_test(lines, listing_sink_fails_when_the_disk_is_full);
	tcase_add_test(lines, listing_sink_stops_where_nobody_reads);
}

int main(void) {
	Suite *suite = suite_create("listing");
	TCase *lines = tcase_create("lines");
	TCase *contents = tcase_create("content");

	add_lines(lines);
	suite_add_tcase(suite, lines);

	tcase_add_checked_fixture(contents, set_up_content, tear_down_content);
	tcase_add_test(contents, content_is_written_with_holes_as_zeros);
	tcase_add_test(contents, content_of_other_types_is_nothing);
	tcase_add_test(contents, content_of_later_name_is_asked_for_unless_its_first_was_written);
	tcase_add_test(contents, content_of_later_name_of_another_type_is_nothing);
	tcase_add_test(contents, content_that_a_later_name_carries_is_written);
	tcase_add_test(contents, damaged_content_is_said_and_the_run_goes_on);
	tcase_add_loop_test(contents, content_that_cannot_be_written_ends_the_run, 0, N(full_disk));
	suite_add_tcase(suite, contents);

	return run_suite(suite);
}
