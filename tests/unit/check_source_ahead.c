#include "config.h"

#include "source_ahead.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "suite.h"

/*
 * A source that makes up what it has from the number of the entry: each is called by that number,
 * has so many bytes of content, and follows a line that says it.  What it lends it spoils before
 * the next call.
 */

#define BLOCK_NBYTES 100000

struct numbers {
	struct source base;
	struct report *report;
	size_t n, nentries;
	size_t scale;       /* bytes of content for each entry before */
	size_t breaks_at;   /* the content of this entry, from the middle on */
	enum tarn_code end; /* what comes last */
	char name[400], line[32];
	struct extent extents[2];
	struct xattr xattr; /* none where it has no name */
	struct entry entry;
	off_t at;
	char content[BLOCK_NBYTES];
};

static int next(struct source *source, struct entry **e, struct error *err) {
	struct numbers *s = (struct numbers *)source;

	memset(s->name, '?', sizeof(s->name) - 1);
	memset(s->content, '?', sizeof(s->content));
	if (s->n == s->nentries)
		return s->end == TARN_END ? TARN_END : err_set(err, s->end, 0, "it broke");
	s->n++;
	snprintf(s->name, sizeof(s->name), "%zu", s->n);
	snprintf(s->line, sizeof(s->line), "before %zu", s->n);
	report_warning(s->report, s->n % 2 == 0 ? s->name : NULL, "%s", s->line);
	s->extents[1] = (struct extent){ (off_t)s->n, 1 };
	s->entry = (struct entry){
		.name = s->name,
		.path = s->name,
		.size = (off_t)(s->n * s->scale),
		.extents = s->extents,
		.nextents = 2,
		.xattrs = &s->xattr,
		.nxattrs = s->xattr.name != NULL,
	};
	s->at = 0;
	*e = &s->entry;
	return TARN_OK;
}

static int read_block(struct source *source, struct block *block, struct error *err) {
	struct numbers *s = (struct numbers *)source;
	off_t left = s->entry.size - s->at;

	memset(s->content, (char)s->n, sizeof(s->content));
	if (left == 0)
		return TARN_END;
	if (s->n == s->breaks_at && s->at >= s->entry.size / 2)
		return err_set(err, TARN_ESYSTEM, 0, "cannot read");
	*block = (struct block){ s->content, BLOCK_NBYTES, s->at };
	if (left < BLOCK_NBYTES)
		block->nbytes = (size_t)left;
	s->at += (off_t)block->nbytes;
	return TARN_OK;
}

static struct numbers numbers;
static struct report *report;
static struct source *ahead;
static struct entry *e;
static struct error err;
static int saved, lines; /* the real standard error, and the file that is there instead */

static void set_up(void) {
	lines = memfd_create("stderr", MFD_CLOEXEC);
	saved = dup(STDERR_FILENO);
	ck_assert_int_ge(dup2(lines, STDERR_FILENO), 0);
	report = report_new("tarn", true);
	ck_assert_ptr_nonnull(report);
	numbers = (struct numbers){
		.base = { .next = next, .read = read_block }, .report = report, .end = TARN_END
	};
}

static void tear_down(void) {
	report_free(report);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(lines);
}

static void begin(void) {
	ahead = source_ahead_new(&numbers.base, report);
	ck_assert_ptr_nonnull(ahead);
}

/* Read the content of entry ${n}: how much there is. */
static off_t read_all(size_t n, int end) {
	struct block block;
	off_t at = 0;
	int r;

	while ((r = ahead->read(ahead, &block, &err)) == TARN_OK) {
		ck_assert_int_eq(block.offset, at);
		/* All bytes are the first one. */
		ck_assert_int_eq(*(const char *)block.data, (char)n);
		ck_assert_mem_eq(block.data, (const char *)block.data + 1, block.nbytes - 1);
		at += (off_t)block.nbytes;
	}
	ck_assert_int_eq(r, end);
	return at;
}

static void expect_entry(size_t n) {
	char name[32];

	snprintf(name, sizeof(name), "%zu", n);
	ck_assert_int_eq(ahead->next(ahead, &e, &err), TARN_OK);
	ck_assert_str_eq(e->name, name);
	ck_assert_str_eq(e->path, name);
	ck_assert_int_eq(e->extents[1].offset, (off_t)n);
}

START_TEST(entries_and_content_come_in_their_order) {
	numbers.nentries = 60;
	numbers.scale = 40000;
	begin();
	for (size_t n = 1; n <= numbers.nentries; n++) {
		expect_entry(n);
		ck_assert_int_eq(read_all(n, TARN_END), (off_t)(n * numbers.scale));
		/* Whatever came by since. */
		ck_assert_int_eq(e->size, (off_t)(n * numbers.scale));
	}
	ck_assert_int_eq(ahead->next(ahead, &e, &err), TARN_END);
	ck_assert_int_eq(ahead->next(ahead, &e, &err), TARN_END);
	ahead->free(ahead);
}
END_TEST

START_TEST(content_that_is_not_read_is_skipped) {
	numbers.nentries = 50;
	numbers.scale = 50000;
	begin();
	for (size_t n = 1; n <= numbers.nentries; n++) {
		expect_entry(n);
		if (n % 3 == 0)
			ck_assert_int_eq(read_all(n, TARN_END), (off_t)(n * numbers.scale));
	}
	ck_assert_int_eq(ahead->next(ahead, &e, &err), TARN_END);
	ahead->free(ahead);
}
END_TEST

START_TEST(content_that_cannot_be_read_ends_in_its_error) {
	numbers.nentries = 3;
	numbers.scale = 300000;
	numbers.breaks_at = 2;
	begin();
	expect_entry(1);
	expect_entry(2);
	ck_assert_int_eq(read_all(2, TARN_ESYSTEM), 300000);
	ck_assert_str_eq(err.msg, "cannot read");
	expect_entry(3);
	ck_assert_int_eq(read_all(3, TARN_END), 900000);
	ahead->free(ahead);
}
END_TEST

START_TEST(error_comes_behind_what_was_before_it) {
	numbers.nentries = 1000;
	numbers.end = TARN_EFORMAT;
	begin();
	for (size_t n = 1; n <= numbers.nentries; n++)
		expect_entry(n);
	ck_assert_int_eq(ahead->next(ahead, &e, &err), TARN_EFORMAT);
	ck_assert_str_eq(err.msg, "it broke");
	ahead->free(ahead);
}
END_TEST

START_TEST(entry_may_be_larger_than_what_is_kept) {
	size_t nbytes = (size_t)3 << 20;
	char *value = malloc(nbytes);

	ck_assert_ptr_nonnull(value);
	memset(value, 'v', nbytes);
	numbers.xattr = (struct xattr){ "user.large", value, nbytes };
	numbers.nentries = 20;
	begin();
	for (size_t n = 1; n <= numbers.nentries; n++) {
		expect_entry(n);
		ck_assert_uint_eq(e->nxattrs, 1);
		ck_assert_ptr_ne(e->xattrs[0].value, value);
		ck_assert_mem_eq(e->xattrs[0].value, value, nbytes);
	}
	ahead->free(ahead);
	free(value);
}
END_TEST

/* What was said until now, all of it. */
static const char *said(void) {
	static char text[4096];
	ssize_t n = pread(lines, text, sizeof(text) - 1, 0);

	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	return text;
}

START_TEST(line_is_said_when_its_turn_comes) {
	numbers.nentries = 3;
	numbers.scale = 10;
	begin();
	ck_assert_str_eq(said(), "");
	expect_entry(1);
	ck_assert_str_eq(said(), "tarn: before 1\n");
	ck_assert_int_eq(read_all(1, TARN_END), 10);
	expect_entry(2);
	report_note(report, NULL, "behind 2");
	expect_entry(3);
	ck_assert_str_eq(said(),
	    "tarn: before 1\n"
	    "tarn: 2: before 2\n"
	    "tarn: behind 2\n"
	    "tarn: before 3\n");
	ck_assert_int_eq(ahead->next(ahead, &e, &err), TARN_END);
	ahead->free(ahead);
	ck_assert_int_eq(report_finish(report), 1);
	/* The source says things itself again. */
	report_note(numbers.report, NULL, "later");
	ck_assert_ptr_nonnull(strstr(said(), "tarn: later\n"));
}
END_TEST

START_TEST(line_of_what_nobody_wants_is_not_said) {
	numbers.nentries = 1000;
	begin();
	expect_entry(1);
	ahead->free(ahead);
	ck_assert_str_eq(said(), "tarn: before 1\n");
	ck_assert_int_eq(report_finish(report), 1);
}
END_TEST

/* It waits for room, in the midst of a file, when nobody wants any more. */
START_TEST(it_can_be_freed_at_any_time) {
	numbers.scale = 30000;
	for (size_t i = 0; i < 40; i++) {
		numbers.n = 0;
		numbers.nentries = 300;
		begin();
		for (size_t n = 1; n <= i; n++)
			expect_entry(n);
		usleep((useconds_t)(i * 2654435761 % 3000));
		ahead->free(ahead);
		ck_assert_uint_lt(numbers.n, 300);
	}
}
END_TEST

static Suite *source_ahead_suite(void) {
	Suite *suite = suite_create("source_ahead");
	TCase *tc = tcase_create("source_ahead");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, entries_and_content_come_in_their_order);
	tcase_add_test(tc, content_that_is_not_read_is_skipped);
	tcase_add_test(tc, content_that_cannot_be_read_ends_in_its_error);
	tcase_add_test(tc, error_comes_behind_what_was_before_it);
	tcase_add_test(tc, entry_may_be_larger_than_what_is_kept);
	tcase_add_test(tc, line_is_said_when_its_turn_comes);
	tcase_add_test(tc, line_of_what_nobody_wants_is_not_said);
	tcase_add_test(tc, it_can_be_freed_at_any_time);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void) {
	return run_suite(source_ahead_suite());
}
