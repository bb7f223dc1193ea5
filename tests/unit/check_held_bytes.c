#include "config.h"

#include "held_bytes.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

/*
 * What is below is made here: a reader that lends blocks of four letters, each in the place of the
 * one before, and memory that is short when it is told to be.
 */

static char block[4];
static char next_letter;
static int nappends; /* that succeed */

int codec_read(struct codec_reader *reader, const void **data, size_t *nbytes, struct error *err) {
	(void)reader;
	(void)err;
	memset(block, next_letter++, sizeof(block));
	*data = block;
	*nbytes = sizeof(block);
	return TARN_OK;
}

off_t codec_skip(struct codec_reader *reader, off_t nbytes) {
	(void)reader;
	(void)nbytes;
	return 0;
}

int bytes_append(struct bytes *bytes, const void *data, size_t nbytes, struct error *err) {
	if (nappends-- == 0)
		return err_nomem(err);
	bytes->data = realloc(bytes->data, bytes->nbytes + nbytes);
	memcpy(bytes->data + bytes->nbytes, data, nbytes);
	bytes->nbytes += nbytes;
	return TARN_OK;
}

void bytes_fini(struct bytes *bytes) {
	free(bytes->data);
	*bytes = (struct bytes){ 0 };
}

/* "aaaa" was read, and of that "a" taken. */
static struct held_bytes begin(int n) {
	struct held_bytes held = { 0 };

	next_letter = 'a';
	nappends = n;
	ck_assert_int_eq(held_bytes_need(&held, 1), TARN_OK);
	held_bytes_take(&held, 1);
	return held;
}

START_TEST(blocks_are_joined_where_one_is_not_enough) {
	struct held_bytes held = begin(10);

	ck_assert_int_eq(held_bytes_need(&held, 9), TARN_OK);
	ck_assert_uint_eq(held.nbytes, 11);
	ck_assert_mem_eq(held.data, "aaabbbbcccc", 11);
	ck_assert_int_eq(held_bytes_at(&held), 1);
	held_bytes_fini(&held);
}
END_TEST

/* In each of the two copies that a block takes, of the first and of the next block. */
START_TEST(what_is_held_is_kept_when_memory_is_short) {
	struct held_bytes held = begin(_i);
	size_t nbytes = _i < 2 ? 3 : 7;

	ck_assert_int_eq(held_bytes_need(&held, 9), TARN_ENOMEM);
	ck_assert_uint_eq(held.nbytes, nbytes);
	ck_assert_mem_eq(held.data, "aaabbbb", nbytes);
	ck_assert_int_eq(held_bytes_at(&held), 1);
	/* It is for good. */
	ck_assert_int_eq(held_bytes_need(&held, 9), TARN_ENOMEM);
	ck_assert_int_eq(held_bytes_need(&held, nbytes), TARN_OK);
	held_bytes_fini(&held);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("held bytes");
	TCase *t = tcase_create("memory");

	tcase_add_test(t, blocks_are_joined_where_one_is_not_enough);
	tcase_add_loop_test(t, what_is_held_is_kept_when_memory_is_short, 0, 4);
	suite_add_tcase(suite, t);
	return run_suite(suite);
}
