#include "config.h"

#include "lanes.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "suite.h"

/* Members are put into a list, after a time that only chance knows. */

#define NLANES 3
#define NNAMES 16
#define HUGE_NBYTES ((off_t)256 << 20) /* content that is not read */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct lanes *lanes;
static struct report *report;
static struct error err;
static size_t last[NNAMES]; /* the member that was put last under each name */
static size_t nput, nhere, fails_at;
static size_t lanes_wait_for_here; /* until the caller has put so many */
static size_t waits_for;           /* the first member waits until so many others are put */
static size_t nbytes_put;
static unsigned int lane_of_first; /* of the first member */
static bool is_of_several_lanes;

static size_t read_all(struct source *from) {
	size_t nbytes = 0;
	struct block block;
	struct error reading;
	int r;

	while ((r = from->read(from, &block, &reading)) == TARN_OK) {
		for (size_t i = 0; i < block.nbytes; i++)
			ck_assert_int_eq(((const char *)block.data)[i], 'x');
		nbytes += block.nbytes;
	}
	ck_assert_int_eq(r, TARN_END);
	return nbytes;
}

/* Does *${count} become ${n} before long? */
static bool becomes(const size_t *count, size_t n) {
	for (int i = 0; i < 20000; i++) {
		bool are;

		pthread_mutex_lock(&mutex);
		are = *count >= n;
		pthread_mutex_unlock(&mutex);
		if (are)
			return true;
		usleep(1000);
	}
	return false;
}

static bool are_put(size_t n) {
	return becomes(&nput, n);
}

static int put(void *context, unsigned int lane, const struct entry *e, size_t number,
    struct source *from, struct error *error) {
	size_t nbytes = e->size > 0 && e->size < HUGE_NBYTES ? read_all(from) : 0;

	ck_assert_ptr_eq(context, &lanes);
	if (number == 1)
		ck_assert(are_put(waits_for));
	if (lane < NLANES)
		ck_assert(becomes(&nhere, lanes_wait_for_here));
	usleep((useconds_t)(number * 2654435761 >> 8) % 200);
	pthread_mutex_lock(&mutex);
	nput++;
	nhere += lane == NLANES;
	if (number == 1)
		lane_of_first = lane;
	is_of_several_lanes = is_of_several_lanes || lane != lane_of_first;
	nbytes_put += nbytes;
	if (e->type == ENTRY_FILE && strlen(e->name) == 1)
		last[*e->name - 'a'] = number;
	pthread_mutex_unlock(&mutex);
	return number == fails_at ? err_set(error, TARN_ENOMEM, 0, "on purpose") : TARN_OK;
}

/* A source of as many bytes as its entry says, in blocks. */
struct bytes {
	struct source base;
	size_t left;
	off_t at;
	char block[1000];
};

static int read_bytes(struct source *source, struct block *block, struct error *error) {
	struct bytes *b = (struct bytes *)source;
	size_t nbytes = b->left < sizeof(b->block) ? b->left : sizeof(b->block);

	(void)error;
	if (nbytes == 0)
		return TARN_END;
	memset(b->block, 'x', nbytes);
	*block = (struct block){ b->block, nbytes, b->at };
	b->at += (off_t)nbytes;
	b->left -= nbytes;
	return TARN_OK;
}

static void set_up(void) {
	memset(last, 0, sizeof(last));
	nput = nhere = fails_at = nbytes_put = waits_for = lanes_wait_for_here = 0;
	report = report_new("tarn", true);
	lanes = lanes_new(NLANES, put, &lanes, report);
	ck_assert_ptr_nonnull(lanes);
}

static void tear_down(void) {
	lanes_free(lanes);
	report_free(report);
}

static int put_one(
    const char *name, const char *first, enum entry_type type, size_t nbytes, size_t number) {
	struct bytes bytes = { .base = { .read = read_bytes }, .left = nbytes };
	struct entry e = {
		.name = name,
		.first_name = first,
		.type = type,
		.size = (off_t)nbytes,
	};

	return lanes_put(lanes, &e, number, &bytes.base, &err);
}

START_TEST(last_of_several_members_of_a_name_is_put_last) {
	static const char *const firsts[] = { NULL, "u/x", "v/x", "w/x", "z/x", "b", "c" };
	size_t expected[NNAMES] = { 0 }, n = 3000;

	for (size_t i = 1; i <= n; i++) {
		char name[2] = { (char)('a' + i * 7 % NNAMES), '\0' };

		expected[*name - 'a'] = i;
		ck_assert_int_eq(put_one(name, firsts[i % 7], ENTRY_FILE, 0, i), TARN_OK);
	}
	ck_assert_int_eq(lanes_wait(lanes, &err), TARN_OK);
	ck_assert_uint_eq(nput, n);
	for (size_t i = 0; i < NNAMES; i++)
		ck_assert_uint_eq(last[i], expected[i]);
}
END_TEST

START_TEST(content_arrives_whole) {
	static const size_t sizes[] = { 0, 1, 999, 1000, 65536, 131072, 131073, 500000 };
	size_t expected = 0;
	char name[16];

	for (size_t i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "d%zu/f", i);
		ck_assert_int_eq(put_one(name, NULL, ENTRY_FILE, sizes[i], i + 1), TARN_OK);
		expected += sizes[i];
	}
	ck_assert_int_eq(lanes_wait(lanes, &err), TARN_OK);
	ck_assert_uint_eq(nbytes_put, expected);
	ck_assert_uint_eq(nhere, 2);
}
END_TEST

static int lent_fd;

static off_t lent_nbytes;

static bool lend(struct source *source, struct content_place *place) {
	(void)source;
	*place = (struct content_place){ lent_fd, 200000, lent_nbytes };
	return true;
}

/* Put a file of ${nbytes} that are lent. */
static int put_lent(const char *name, off_t nbytes, size_t number) {
	struct source source = { .lend = lend };
	const struct entry e = { .name = name, .type = ENTRY_FILE, .size = nbytes };

	lent_nbytes = nbytes;
	return lanes_put(lanes, &e, number, &source, &err);
}

START_TEST(large_content_that_is_lent_is_put_by_the_lanes_beside_each_other) {
	static char data[400000];

	memset(data, 'x', sizeof(data));
	lent_fd = memfd_create("lent", MFD_CLOEXEC);
	ck_assert_int_eq(pwrite(lent_fd, data, sizeof(data), 200000), sizeof(data));
	waits_for = 3;
	ck_assert_int_eq(put_lent("d/a", 300000, 1), TARN_OK);
	ck_assert_int_eq(put_lent("d/b", 200000, 2), TARN_OK);
	ck_assert_int_eq(put_lent("d/c", 200000, 3), TARN_OK);
	ck_assert_int_eq(put_lent("d/e", 200000, 4), TARN_OK);
	/* None of them waits for members that come later. */
	ck_assert(are_put(4));
	ck_assert_int_eq(lanes_wait(lanes, &err), TARN_OK);
	ck_assert_uint_eq(nbytes_put, 900000);
	ck_assert_uint_eq(nhere, 0);
	close(lent_fd);
}
END_TEST

START_TEST(when_all_lanes_have_much_to_do_the_caller_does_something) {
	char name[16];

	lanes_wait_for_here = 1;
	for (size_t i = 1; i <= NLANES + 1; i++) {
		snprintf(name, sizeof(name), "huge.%zu", i);
		ck_assert_int_eq(put_lent(name, HUGE_NBYTES, i), TARN_OK);
		ck_assert_uint_eq(nhere, i > NLANES);
	}
	ck_assert_int_eq(lanes_wait(lanes, &err), TARN_OK);
	/* They have less by now. */
	ck_assert_int_eq(put_lent("e", HUGE_NBYTES, 9), TARN_OK);
	ck_assert_uint_eq(nhere, 1);
	ck_assert_int_eq(lanes_wait(lanes, &err), TARN_OK);
	ck_assert_uint_eq(nput, NLANES + 2);
}
END_TEST

START_TEST(what_is_said_of_large_files_is_said_before_the_last_of_them) {
	FILE *lines = tmpfile();
	int saved = dup(STDERR_FILENO);

	ck_assert_int_ge(dup2(fileno(lines), STDERR_FILENO), 0);
	ck_assert_int_eq(put_lent("a", HUGE_NBYTES, 1), TARN_OK);
	report_warning(report, "b", "said of what comes behind it");
	ck_assert_int_eq(put_lent("c", HUGE_NBYTES, 2), TARN_OK);
	ck_assert(are_put(2));
	usleep(20000);
	ck_assert_int_eq(put_lent("d", HUGE_NBYTES, 3), TARN_OK);
	ck_assert_int_eq(put_lent("e", HUGE_NBYTES, 4), TARN_OK);
	ck_assert_int_gt(lseek(fileno(lines), 0, SEEK_END), 20);
	dup2(saved, STDERR_FILENO);
	close(saved);
	fclose(lines);
}
END_TEST

START_TEST(directory_is_there_before_the_next_member_is_asked_for) {
	ck_assert_int_eq(put_one("d/e", NULL, ENTRY_DIRECTORY, 0, 1), TARN_OK);
	ck_assert_uint_eq(nput, 1);
	ck_assert_uint_eq(nhere, 1);
}
END_TEST

START_TEST(directory_waits_for_what_is_on_its_way_to_its_place) {
	ck_assert_int_eq(put_one("a", "u/x", ENTRY_FILE, 0, 1), TARN_OK);
	ck_assert_int_eq(put_one("a", NULL, ENTRY_DIRECTORY, 0, 2), TARN_OK);
	ck_assert_uint_eq(nput, 2);
	ck_assert_uint_eq(last[0], 1);
}
END_TEST

START_TEST(what_ends_the_run_is_handed_on_and_ends_it) {
	int r = TARN_OK;

	fails_at = 100;
	for (size_t i = 1; i <= 100000 && r == TARN_OK; i++)
		r = put_one("a", NULL, ENTRY_FILE, 0, i);
	ck_assert_int_eq(r, TARN_ENOMEM);
	ck_assert_str_eq(err.msg, "on purpose");
	ck_assert_int_eq(lanes_wait(lanes, &err), TARN_ENOMEM);
	ck_assert_uint_eq(last[0], 100);
}
END_TEST

START_TEST(nothing_is_put_at_once_behind_what_ends_the_run) {
	fails_at = 1;
	ck_assert_int_eq(put_one("d/e", NULL, ENTRY_FILE, 0, 1), TARN_OK);
	/* It waits for what is on its way to its place. */
	ck_assert_int_eq(put_one("d", NULL, ENTRY_DIRECTORY, 0, 2), TARN_ENOMEM);
	ck_assert_int_eq(put_one("large", NULL, ENTRY_FILE, 131073, 3), TARN_ENOMEM);
	ck_assert_str_eq(err.msg, "on purpose");
	ck_assert_uint_eq(nput, 1);
}
END_TEST

START_TEST(large_directory_goes_on_while_one_of_its_members_takes_its_time) {
	char name[16];

	waits_for = 30;
	for (size_t i = 1; i <= 100; i++) {
		snprintf(name, sizeof(name), "d/%zu", i);
		ck_assert_int_eq(put_one(name, NULL, ENTRY_FILE, 100000, i), TARN_OK);
	}
	ck_assert_int_eq(lanes_wait(lanes, &err), TARN_OK);
	ck_assert_uint_eq(nput, 100);
}
END_TEST

START_TEST(names_of_one_file_are_shared_by_the_lanes) {
	char name[32];

	for (size_t i = 1; i <= 20000; i++) {
		snprintf(name, sizeof(name), "%zu/%zu", i / 1000, i);
		ck_assert_int_eq(put_one(name, i > 1 ? "0/1" : NULL, ENTRY_FILE, 0, i), TARN_OK);
	}
	ck_assert_int_eq(lanes_wait(lanes, &err), TARN_OK);
	ck_assert_uint_eq(nput, 20000);
	ck_assert(is_of_several_lanes);
}
END_TEST

START_TEST(lane_that_has_nothing_gets_what_is_there_for_it) {
	size_t i = 3;
	char name[16];

	ck_assert_int_eq(put_one("a/1", NULL, ENTRY_FILE, 100000, 1), TARN_OK);
	ck_assert_int_eq(put_one("a/2", NULL, ENTRY_FILE, 100000, 2), TARN_OK);
	ck_assert(are_put(1));
	for (; i < 10; i++) {
		snprintf(name, sizeof(name), "b/%zu", i);
		ck_assert_int_eq(put_one(name, NULL, ENTRY_FILE, 100000, i), TARN_OK);
	}
	/* All but the last of b. */
	ck_assert(are_put(i - 2));
}
END_TEST

START_TEST(what_the_caller_says_waits_while_members_are_on_their_way) {
	FILE *said = tmpfile();
	int saved = dup(STDERR_FILENO);
	off_t nbytes;

	ck_assert_int_ge(dup2(fileno(said), STDERR_FILENO), 0);
	ck_assert_int_eq(put_one("a", NULL, ENTRY_FILE, 0, 1), TARN_OK);
	report_warning(report, "b", "said of what comes behind it");
	ck_assert_int_eq(lseek(fileno(said), 0, SEEK_END), 0);
	ck_assert_int_eq(put_one("c", NULL, ENTRY_FILE, 0, 2), TARN_OK);
	ck_assert_int_eq(lanes_wait(lanes, &err), TARN_OK);
	report_warning(report, "d", "said when all is put");
	nbytes = lseek(fileno(said), 0, SEEK_END);
	ck_assert_int_gt(nbytes, 60);
	ck_assert_int_eq(put_one("e", NULL, ENTRY_FILE, 0, 3), TARN_OK);
	report_warning(report, "f", "said of what comes behind it, again");
	ck_assert_int_eq(lseek(fileno(said), 0, SEEK_END), nbytes);
	ck_assert_int_eq(lanes_wait(lanes, &err), TARN_OK);
	dup2(saved, STDERR_FILENO);
	close(saved);
	fclose(said);
}
END_TEST

START_TEST(what_may_be_put_anyhow_waits_for_nothing_and_is_shared_by_the_lanes) {
	const struct entry e = { .name = "a", .type = ENTRY_DIRECTORY };

	ck_assert_int_eq(put_one("b", NULL, ENTRY_FILE, 0, 10), TARN_OK);
	ck_assert_int_eq(lanes_wait(lanes, &err), TARN_OK);
	ck_assert_uint_eq(nput, 1);
	waits_for = 200;
	for (size_t i = 1; i <= 1000; i++)
		ck_assert_int_eq(lanes_put_anyhow(lanes, &e, i, &err), TARN_OK);
	ck_assert_int_eq(lanes_wait(lanes, &err), TARN_OK);
	ck_assert_uint_eq(nput, 1001);
	ck_assert_uint_eq(nhere, 0);
}
END_TEST

START_TEST(nothing_is_put_anyhow_behind_what_ends_the_run) {
	const struct entry e = { .name = "a", .type = ENTRY_DIRECTORY };

	fails_at = 1;
	ck_assert_int_eq(put_one("b", NULL, ENTRY_FILE, 0, 1), TARN_OK);
	ck_assert_int_eq(lanes_wait(lanes, &err), TARN_ENOMEM);
	ck_assert_int_eq(lanes_put_anyhow(lanes, &e, 2, &err), TARN_ENOMEM);
	ck_assert_int_eq(lanes_wait(lanes, &err), TARN_ENOMEM);
	ck_assert_uint_eq(nput, 1);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("lanes");
	TCase *tc = tcase_create("lanes");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, last_of_several_members_of_a_name_is_put_last);
	tcase_add_test(tc, content_arrives_whole);
	tcase_add_test(tc, large_content_that_is_lent_is_put_by_the_lanes_beside_each_other);
	tcase_add_test(tc, when_all_lanes_have_much_to_do_the_caller_does_something);
	tcase_add_test(tc, what_is_said_of_large_files_is_said_before_the_last_of_them);
	tcase_add_test(tc, directory_is_there_before_the_next_member_is_asked_for);
	tcase_add_test(tc, directory_waits_for_what_is_on_its_way_to_its_place);
	tcase_add_test(tc, what_ends_the_run_is_handed_on_and_ends_it);
	tcase_add_test(tc, nothing_is_put_at_once_behind_what_ends_the_run);
	tcase_add_test(tc, large_directory_goes_on_while_one_of_its_members_takes_its_time);
	tcase_add_test(tc, names_of_one_file_are_shared_by_the_lanes);
	tcase_add_test(tc, lane_that_has_nothing_gets_what_is_there_for_it);
	tcase_add_test(tc, what_the_caller_says_waits_while_members_are_on_their_way);
	tcase_add_test(tc, what_may_be_put_anyhow_waits_for_nothing_and_is_shared_by_the_lanes);
	tcase_add_test(tc, nothing_is_put_anyhow_behind_what_ends_the_run);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
