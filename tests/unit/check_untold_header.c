#include "config.h"

#include "untold_header.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"
#include "tar_block.h"

static char data[16 * TAR_BLOCK_NBYTES];
static size_t ndata;

static void set_up(void) {
	ndata = 0;
}

/* A header of this ${type} and the ${text} behind it. */
static void add(char type, const char *text) {
	struct tar_block block = { .type = type };
	size_t nbytes = strlen(text);

	tar_put_octal(block.size, sizeof(block.size), nbytes);
	tar_block_finish(&block, FORMAT_PAX);
	memcpy(data + ndata, &block, sizeof(block));
	ndata += sizeof(block);
	memset(data + ndata, 0, sizeof(data) - ndata);
	memcpy(data + ndata, text, nbytes);
	ndata += (nbytes + TAR_BLOCK_NBYTES - 1) / TAR_BLOCK_NBYTES * TAR_BLOCK_NBYTES;
}

static struct untold_header look(void) {
	struct untold_header untold = { 0 };

	ck_assert_uint_eq(untold_header_look(&untold, data, ndata), 0);
	return untold;
}

static const struct {
	const char *records;
	time_t seconds;
	long nanoseconds;
} early_times[] = {
	{ "14 mtime=-0.5\n", -1, 500000000 },
	{ "12 mtime=-1\n", -1, 0 },
	{ "15 mtime=-1.25\n", -2, 750000000 },
	{ "22 mtime=-0.000000001\n", -1, 999999999 },
	{ "33 mtime=-0.10000000009999999999\n", -1, 900000000 },
	{ "9 path=x\n12 mtime=-7\n11 size=17\n", -7, 0 },
	{ "11 mtime=1\n12 mtime=-7\n", -7, 0 },
	{ "29 mtime=-999999999999999999\n", -999999999999999999, 0 },
};

START_TEST(time_before_1970_counts_its_fraction_upwards) {
	struct untold_header untold;

	add('x', early_times[_i].records);
	add('0', "");
	untold = look();
	ck_assert(untold.has_mtime);
	ck_assert_int_eq(untold.mtime.tv_sec, early_times[_i].seconds);
	ck_assert_int_eq(untold.mtime.tv_nsec, early_times[_i].nanoseconds);
}
END_TEST

static const char *const others[] = {
	"",
	"11 mtime=1\n",
	"12 mtime=-7\n11 mtime=1\n",
	"12 atime=-7\n",
	"22 comment= mtime=-7\n",
	"24 comment=\n12 mtime=-7\n",
	/* Malformed, and what is behind that: */
	"13 mtime=-7\n",
	"12mtime=-7\n",
	"0 \n12 mtime=-7\n",
	"2 \n12 mtime=-7\n",
	"-9 mtime=-7\n",
	"999999999999 mtime=-7\n",
	"8 mtime=\n",
};

START_TEST(other_records_say_no_such_time) {
	add('x', others[_i]);
	add('0', "");
	ck_assert(!look().has_mtime);
}
END_TEST

START_TEST(only_the_header_of_the_next_member_counts) {
	add('g', "12 mtime=-7\n");
	add('L', "a long name");
	add('x', "12 mtime=-9\n");
	add('0', "");
	add('x', "12 mtime=-8\n");
	ck_assert_int_eq(look().mtime.tv_sec, -9);
	set_up();
	add('0', "");
	add('x', "12 mtime=-8\n");
	ck_assert(!look().has_mtime);
}
END_TEST

/* Old tars put blanks in the place of leading zeros. */
START_TEST(numbers_may_begin_with_blanks) {
	struct tar_block *block = (struct tar_block *)data;

	add('x', "14 mtime=-0.5\n");
	add('0', "");
	memset(block->size, ' ', 9);
	snprintf(block->checksum, sizeof(block->checksum), "%6o", tar_block_sum(block));
	ck_assert_int_eq(block->checksum[0], ' ');
	ck_assert(look().has_mtime);
}
END_TEST

START_TEST(first_record_of_a_global_header_is_told_but_comments) {
	add('g', "13 comment=x\n");
	add('0', "");
	ck_assert_str_eq(look().ignored, "");
	set_up();
	add('g', "13 comment=x\n11 uname=x\n11 gname=x\n");
	add('0', "");
	ck_assert_str_eq(look().ignored, "uname");
	set_up();
	add('x', "11 uname=x\n");
	add('0', "");
	ck_assert_str_eq(look().ignored, "");
}
END_TEST

START_TEST(rest_of_a_file_on_another_volume_is_told_behind_a_label) {
	add('V', "");
	add('M', "");
	add('0', "");
	ck_assert_str_eq(look().refused, "Cannot extract -- file is continued from another volume");
	set_up();
	add('0', "");
	add('M', "");
	ck_assert_ptr_null(look().refused);
}
END_TEST

START_TEST(type_that_no_format_has_is_told) {
	const char known[] = { '\0', '0', '1', '2', '3', '4', '5', '6', '7', 'D', 'S' };

	add('Q', "");
	ck_assert_int_eq(look().unknown_type, 'Q');
	for (size_t i = 0; i < sizeof(known); i++) {
		set_up();
		add(known[i], "");
		ck_assert_int_eq(look().unknown_type, '\0');
	}
}
END_TEST

START_TEST(sparse_file_is_refused_unless_it_is_one_of_gnu_tar) {
	struct tar_block *block = (struct tar_block *)data;

	add('S', "");
	ck_assert_str_eq(look().refused, "Cannot extract -- sparse file in the format of star");
	memcpy(block->magic, TAR_MAGIC_GNU, sizeof(block->magic));
	ck_assert_ptr_null(look().refused);
}
END_TEST

START_TEST(damaged_header_is_not_believed) {
	add('x', "12 mtime=-7\n");
	data[0]++;
	add('0', "");
	ck_assert(!look().has_mtime);
}
END_TEST

START_TEST(more_is_asked_for_until_it_is_known) {
	struct untold_header untold = { 0 };

	add('L', "a long name");
	add('x', "12 mtime=-9\n");
	add('0', "");
	for (size_t nbytes = 0, needed; nbytes < ndata; nbytes = needed) {
		needed = untold_header_look(&untold, data, nbytes);
		ck_assert_uint_gt(needed, nbytes);
	}
	ck_assert(look().has_mtime);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("untold_header");
	TCase *tc = tcase_create("records");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_loop_test(
	    tc, time_before_1970_counts_its_fraction_upwards, 0, NELEMENTS(early_times));
	tcase_add_loop_test(tc, other_records_say_no_such_time, 0, NELEMENTS(others));
	tcase_add_test(tc, only_the_header_of_the_next_member_counts);
	tcase_add_test(tc, numbers_may_begin_with_blanks);
	tcase_add_test(tc, first_record_of_a_global_header_is_told_but_comments);
	tcase_add_test(tc, rest_of_a_file_on_another_volume_is_told_behind_a_label);
	tcase_add_test(tc, type_that_no_format_has_is_told);
	tcase_add_test(tc, sparse_file_is_refused_unless_it_is_one_of_gnu_tar);
	tcase_add_test(tc, damaged_header_is_not_believed);
	tcase_add_test(tc, more_is_asked_for_until_it_is_known);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
