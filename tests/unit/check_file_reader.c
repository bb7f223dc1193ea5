#include "config.h"

#include "file_reader.h"

#include <check.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "suite.h"

/*
 * Holes, by what the test says of them: this lseek() is called instead of the real one, and answers
 * one call after the other.
 */

#define SIZE 100

static struct answer {
	int whence;
	off_t from, to;
	int errnum; /* 0: it succeeds */
} answers[8];
static size_t nanswers, nasked;
static struct file_reader reader;
static struct error err;

off_t lseek(int fd, off_t offset, int whence) {
	const struct answer *answer = &answers[nasked++];

	ck_assert_int_eq(fd, reader.fd);
	ck_assert_uint_le(nasked, nanswers);
	ck_assert_int_eq(whence, answer->whence);
	ck_assert_int_eq(offset, answer->from);
	errno = answer->errnum;
	return answer->errnum == 0 ? answer->to : -1;
}

static void set_up(void) {
	int fd = memfd_create("file", MFD_CLOEXEC);

	ck_assert_int_eq(ftruncate(fd, SIZE), 0);
	reader = (struct file_reader)FILE_READER_INIT;
	ck_assert_int_eq(file_reader_begin(&reader, fd, SIZE, &err), TARN_OK);
	nanswers = nasked = 0;
}

static void tear_down(void) {
	file_reader_fini(&reader);
}

static void answer(int whence, off_t from, off_t to, int errnum) {
	answers[nanswers++] = (struct answer){ whence, from, to, errnum };
}

static void find_holes(void) {
	ck_assert_int_eq(file_reader_find_holes(&reader, &err), TARN_OK);
	ck_assert_uint_eq(nasked, nanswers);
}

static void expect_extent(size_t i, off_t offset, off_t nbytes) {
	ck_assert_uint_lt(i, reader.nextents);
	ck_assert_int_eq(reader.extents[i].offset, offset);
	ck_assert_int_eq(reader.extents[i].nbytes, nbytes);
}

START_TEST(runs_are_what_lies_between_holes) {
	answer(SEEK_DATA, 0, 10, 0);
	answer(SEEK_HOLE, 10, 20, 0);
	answer(SEEK_DATA, 20, 30, 0);
	answer(SEEK_HOLE, 30, 40, 0);
	answer(SEEK_DATA, 40, 0, ENXIO);
	find_holes();
	ck_assert(reader.is_sparse);
	ck_assert_uint_eq(reader.nextents, 2);
	expect_extent(0, 10, 10);
	expect_extent(1, 30, 10);
}
END_TEST

START_TEST(hole_that_is_made_where_data_was_is_read) {
	answer(SEEK_DATA, 0, 10, 0);
	answer(SEEK_HOLE, 10, 10, 0);
	find_holes();
	ck_assert(reader.is_sparse);
	ck_assert_uint_eq(reader.nextents, 1);
	expect_extent(0, 10, SIZE - 10);
}
END_TEST

START_TEST(error_behind_a_run_leaves_a_file_without_holes) {
	answer(SEEK_DATA, 0, 10, 0);
	answer(SEEK_HOLE, 10, 20, 0);
	answer(SEEK_DATA, 20, 0, EIO);
	find_holes();
	ck_assert(!reader.is_sparse);
	ck_assert_uint_eq(reader.nextents, 0);
}
END_TEST

static Suite *file_reader_suite(void) {
	Suite *suite = suite_create("file_reader");
	TCase *tc = tcase_create("file_reader");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, runs_are_what_lies_between_holes);
	tcase_add_test(tc, hole_that_is_made_where_data_was_is_read);
	tcase_add_test(tc, error_behind_a_run_leaves_a_file_without_holes);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void) {
	return run_suite(file_reader_suite());
}
