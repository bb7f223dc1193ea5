#include "config.h"

#include "kept_content.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "suite.h"

/* A source of blocks, and of what follows them. */
struct blocks {
	struct source base;
	const struct block *blocks;
	size_t nblocks;
	enum tarn_code end;
};

static struct kept_content content;
static struct kept_source kept;
static char *buf;
static struct block block;
static struct error err, reading;

static int next_block(struct source *source, struct block *next, struct error *error) {
	struct blocks *b = (struct blocks *)source;

	if (b->nblocks == 0)
		return b->end == TARN_END ? TARN_END : err_set(error, b->end, 0, "on purpose");
	*next = *b->blocks++;
	b->nblocks--;
	return TARN_OK;
}

/* Copy ${n} blocks, behind which ${end} is told, as a file of ${size}. */
static void copy(char *room, off_t size, const struct block *blocks, size_t n, enum tarn_code end) {
	struct blocks source = { { .read = next_block }, blocks, n, end };
	const struct entry e = { .type = ENTRY_FILE, .size = size };

	kept_content_copy(&content, room, &e, &source.base, &reading);
	kept_source_init(&kept, &content, &buf);
}

static int read_block(void) {
	return kept.base.read(&kept.base, &block, &err);
}

START_TEST(holes_are_copied_as_zeros) {
	static const struct block blocks[] = { { "ab", 2, 1 }, { "c", 1, 5 } };
	char room[8];

	memset(room, 'x', sizeof(room));
	copy(room, sizeof(room), blocks, 2, TARN_END);
	ck_assert_int_eq(read_block(), TARN_OK);
	ck_assert_uint_eq(block.nbytes, 6);
	ck_assert_int_eq(block.offset, 0);
	ck_assert_mem_eq(block.data, "\0ab\0\0c", 6);
	ck_assert_int_eq(read_block(), TARN_END);
	ck_assert_int_eq(read_block(), TARN_END);
}
END_TEST

START_TEST(failure_follows_what_was_read_before_it) {
	static const struct block a_block = { "ab", 2, 0 };
	char room[4];

	copy(room, sizeof(room), &a_block, 1, TARN_EFORMAT);
	ck_assert_int_eq(read_block(), TARN_OK);
	ck_assert_uint_eq(block.nbytes, 2);
	ck_assert_int_eq(read_block(), TARN_EFORMAT);
	ck_assert_str_eq(err.msg, "on purpose");
}
END_TEST

START_TEST(more_than_there_is_room_for_is_damage) {
	static const struct block before = { "ab", 2, 3 }, far = { "ab", 2, 5 };
	char room[5] = "12345";

	copy(room, 4, &before, 1, TARN_END);
	ck_assert_int_eq(read_block(), TARN_EFORMAT);
	copy(room, 4, &far, 1, TARN_END);
	ck_assert_int_eq(read_block(), TARN_EFORMAT);
	ck_assert_mem_eq(room, "12345", 5);
}
END_TEST

START_TEST(nothing_is_all_of_an_empty_file) {
	content = (struct kept_content){ 0 };
	kept_source_init(&kept, &content, &buf);
	ck_assert_int_eq(read_block(), TARN_END);
}
END_TEST

static int lent_fd;

static bool lend(struct source *source, struct content_place *place) {
	(void)source;
	*place = (struct content_place){ lent_fd, 100, 600000 };
	return true;
}

/*
 * Have 600,000 bytes lent, from offset 100 on, by a file of ${file_nbytes} in which each byte tells
 * where it is.
 */
static void borrow(off_t file_nbytes) {
	struct source source = { .lend = lend };
	unsigned char *data;

	lent_fd = memfd_create("lent", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(lent_fd, file_nbytes), 0);
	data = mmap(NULL, (size_t)file_nbytes, PROT_WRITE, MAP_SHARED, lent_fd, 0);
	ck_assert_ptr_ne(data, MAP_FAILED);
	for (off_t i = 0; i < file_nbytes; i++)
		data[i] = (unsigned char)(i % 251);
	munmap(data, (size_t)file_nbytes);
	ck_assert(kept_content_borrow(&content, &source));
	kept_source_init(&kept, &content, &buf);
}

/* Read what is lent up to its end or a failure; returns how much that is. */
static off_t read_lent(int *r) {
	off_t at = 0;

	while ((*r = read_block()) == TARN_OK) {
		ck_assert_int_eq(block.offset, at);
		for (size_t i = 0; i < block.nbytes; i++, at++)
			ck_assert_uint_eq(
			    ((const unsigned char *)block.data)[i], (size_t)(at + 100) % 251);
	}
	return at;
}

START_TEST(what_is_lent_is_read_from_its_place_to_its_end) {
	int r;

	borrow(700000);
	ck_assert_int_eq(read_lent(&r), 600000);
	ck_assert_int_eq(r, TARN_END);
	close(lent_fd);
}
END_TEST

START_TEST(file_that_has_become_shorter_is_damaged) {
	int r;

	borrow(500000);
	ck_assert_int_eq(read_lent(&r), 499900);
	ck_assert_int_eq(r, TARN_EFORMAT);
	ck_assert_str_eq(err.msg, "Unexpected EOF in archive behind byte 500000");
	close(lent_fd);
}
END_TEST

START_TEST(file_that_cannot_be_read_is_said) {
	int r;

	borrow(700000);
	ck_assert_int_eq(dup2(open("/", O_PATH | O_CLOEXEC), lent_fd), lent_fd);
	ck_assert_int_eq(read_lent(&r), 0);
	ck_assert_int_eq(r, TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, EBADF);
}
END_TEST

static void tear_down(void) {
	free(buf);
	buf = NULL;
}

int main(void) {
	Suite *suite = suite_create("kept_content");
	TCase *tc = tcase_create("kept_content");

	tcase_add_checked_fixture(tc, NULL, tear_down);
	tcase_add_test(tc, holes_are_copied_as_zeros);
	tcase_add_test(tc, failure_follows_what_was_read_before_it);
	tcase_add_test(tc, more_than_there_is_room_for_is_damage);
	tcase_add_test(tc, nothing_is_all_of_an_empty_file);
	tcase_add_test(tc, what_is_lent_is_read_from_its_place_to_its_end);
	tcase_add_test(tc, file_that_has_become_shorter_is_damaged);
	tcase_add_test(tc, file_that_cannot_be_read_is_said);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
