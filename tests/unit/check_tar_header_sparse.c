#include "config.h"

#include "tar_header.h"

#include <stdint.h>

#include "tar_headers.h"

#define MAX_EXTENTS 100

static const struct {
	off_t size, offset, nbytes, stride;
	size_t n;
} maps[] = {
	{ 100000, 0, 0, 0, 0 },           /* one hole */
	{ 100000, 4096, 4096, 0, 1 },     /* holes around */
	{ 100000, 0, 4096, 0, 1 },        /* a hole behind */
	{ 100000, 98304, 1696, 0, 1 },    /* a hole before, and an end inside of a block */
	{ 100000, 4096, 4096, 16384, 4 }, /* as many runs as GNU's header has room for */
	{ 100000, 4096, 4096, 12288, 5 }, /* one more, */
	{ 100000, 0, 512, 2048, 24 },     /* a full second block with the hole at the end, */
	{ 100000, 0, 512, 2048, 25 },     /* one more */
	{ 200000, 512, 512, 2048, 90 },   /* several blocks */
	{ 100000, 1000, 10, 5000, 12 },   /* runs that do not begin at blocks */
	{ 100000, 1000, 300, 400, 9 },    /* whose blocks touch */
	{ 5000, 4990, 10, 0, 1 },         /* at the very end */
};
#define NMAPS ((int)(sizeof(maps) / sizeof(maps[0])))

static struct entry sparse_entry(const char *name, int map, struct extent extents[MAX_EXTENTS]) {
	struct entry e = file_entry(name);

	e.size = maps[map].size;
	e.is_sparse = true;
	e.extents = extents;
	e.nextents = maps[map].n;
	for (size_t i = 0; i < e.nextents; i++)
		extents[i] = (struct extent){ maps[map].offset + (off_t)i * maps[map].stride,
			maps[map].nbytes };
	return e;
}

/*
 * The file of ${e} must be at its name in ${directory}: its size, content where there are runs, and
 * zeros where not even the rest of a run's block may be.
 */
static void assert_sparse_file(const struct entry *e, const char *reader) {
	FILE *f = fopen(e->name, "r");
	char *may_be_data = calloc(1, (size_t)e->size + TAR_BLOCK_NBYTES);
	char *is_data = calloc(1, (size_t)e->size);
	off_t at = 0;
	bool is_right = true;
	int c = 0;

	ck_assert_msg(f != NULL, "%s", reader);
	for (size_t i = 0; i < e->nextents; i++) {
		off_t end = e->extents[i].offset + e->extents[i].nbytes;
		off_t from = e->extents[i].offset / TAR_BLOCK_NBYTES * TAR_BLOCK_NBYTES;

		memset(is_data + e->extents[i].offset, 1, (size_t)e->extents[i].nbytes);
		memset(may_be_data + from, 1,
		    (size_t)((end + TAR_BLOCK_NBYTES - 1) / TAR_BLOCK_NBYTES * TAR_BLOCK_NBYTES -
		        from));
	}
	/* An assertion for each byte would take long. */
	while (at < e->size && is_right) {
		c = getc(f);
		is_right = c == 0 ? !is_data[at] : c == content_at(at) && may_be_data[at];
		at++;
	}
	ck_assert_msg(is_right, "%s: byte %jd is %d", reader, (intmax_t)at - 1, c);
	ck_assert_int_eq(getc(f), EOF);
	fclose(f);
	unlink(e->name);
	free(may_be_data);
	free(is_data);
}

START_TEST(sparse_files_come_back) {
	enum format format = formats_of_any_name[_i % 2];
	struct extent extents[MAX_EXTENTS];
	struct entry e = sparse_entry("d/sparse", _i / 2, extents), after = file_entry("after");

	archive_begin();
	archive_add(&e, format);
	ck_assert_int_lt(header.content_nbytes, e.size);
	archive_add(&after, format);
	archive_end();
	/* busybox does not know sparse files. */
	for (size_t i = 0; i < 2; i++) {
		if (!has_program(tars[i]))
			continue;
		run("%s -xf a.tar 2>&1", tars[i]);
		ck_assert_str_eq(output, "");
		assert_sparse_file(&e, tars[i]);
		ck_assert_int_eq(unlink("after"), 0);
	}
	if (!has_program("python3"))
		return;
	run("python3 -c 'import tarfile; tarfile.open(\"a.tar\").extractall()' 2>&1");
	assert_sparse_file(&e, "python3");
	ck_assert_int_eq(unlink("after"), 0);
}
END_TEST

START_TEST(pax_sparse_map_stands_before_the_data) {
	struct extent extents[] = { { 4096, 512 }, { 8192, 100 } };
	struct entry e = file_entry("d/sparse");

	e.size = 20000;
	e.is_sparse = true;
	e.extents = extents;
	e.nextents = 2;
	encode(&e, FORMAT_PAX);
	assert_record("GNU.sparse.major", "1");
	assert_record("GNU.sparse.minor", "0");
	assert_record("GNU.sparse.name", "d/sparse");
	assert_record("GNU.sparse.realsize", "20000");
	ck_assert_str_eq((const char *)last_block(), "3\n4096\n512\n8192\n512\n20000\n0\n");
	ck_assert_str_eq((last_block() - 1)->name, "d/GNUSparseFile.0/sparse");
	ck_assert_str_eq((last_block() - 1)->size, "00000003000");
	ck_assert_int_eq(header.content_nbytes, 1024);
}
END_TEST

START_TEST(runs_that_touch_are_one) {
	static const struct extent extents[] = { { 512, 512 }, { 1024, 512 }, { 2000, 10 } };
	struct entry e = file_entry("a");

	e.is_sparse = true;
	e.size = 10000;
	e.extents = extents;
	e.nextents = 3;
	encode(&e, FORMAT_PAX);
	ck_assert_str_eq((const char *)last_block(), "2\n512\n1536\n10000\n0\n");
}
END_TEST

START_TEST(sparse_file_with_name_that_is_not_utf8_is_stored_under_it) {
	struct extent extents[MAX_EXTENTS];
	struct entry e = sparse_entry("sparse\xff", 1, extents);

	archive_one(&e, FORMAT_PAX);
	assert_no_record("GNU.sparse.name");
	for (size_t i = 0; i < 2; i++) {
		if (!has_program(tars[i]))
			continue;
		run("%s -xf a.tar 2>&1", tars[i]);
		ck_assert_str_eq(output, "");
		assert_sparse_file(&e, tars[i]);
	}
}
END_TEST

START_TEST(sparse_file_without_holes_is_a_plain_one) {
	enum format format = formats_of_any_name[_i];
	struct extent extent = { 0, 2000 };
	struct entry e = file_entry("a");

	e.is_sparse = true;
	e.extents = &extent;
	e.nextents = 1;
	e.size = 2000;
	encode(&e, format);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
	ck_assert_int_eq(first_block()->type, '0');
	ck_assert_int_eq(header.content_nbytes, 2000);
	e.nextents = 0;
	e.size = 0;
	encode(&e, format);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
	ck_assert_int_eq(header.content_nbytes, 0);
}
END_TEST

START_TEST(holes_smaller_than_their_map_are_content) {
	struct extent extent = { 512, INT64_MAX - 512 };
	struct entry e = file_entry("a");

	e.is_sparse = true;
	e.size = INT64_MAX;
	e.extents = &extent;
	e.nextents = 1;
	encode(&e, FORMAT_PAX);
	assert_no_record("GNU.sparse.major");
	assert_record("size", "9223372036854775807");
	ck_assert_int_eq(header.content_nbytes, INT64_MAX);
}
END_TEST

START_TEST(ustar_and_v7_store_holes_as_content) {
	struct extent extents[MAX_EXTENTS];
	struct entry e = sparse_entry("a", 1, extents);

	encode(&e, _i == 0 ? FORMAT_USTAR : FORMAT_V7);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
	ck_assert_int_eq(header.content_nbytes, e.size);
	ck_assert_uint_eq(header.nextents, 1);
	ck_assert_int_eq(header.extents[0].offset, 0);
	ck_assert_int_eq(header.extents[0].nbytes, e.size);
}
END_TEST

START_TEST(run_at_the_end_of_the_largest_file_is_not_rounded_beyond) {
	struct extent extent = { INT64_MAX - 10, 10 };
	struct entry e = file_entry("a");

	e.is_sparse = true;
	e.size = INT64_MAX;
	e.extents = &extent;
	e.nextents = 1;
	encode(&e, FORMAT_PAX);
	ck_assert_int_eq(header.content_nbytes, 511);
	assert_record("GNU.sparse.realsize", "9223372036854775807");
	encode(&e, FORMAT_GNU);
	ck_assert_mem_eq(
	    first_block()->end.gnu.real_size, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("tar_header_sparse");
	TCase *tc = tcase_create("tar_header_sparse");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, sparse_files_come_back, 0, 2 * NMAPS);
	tcase_add_test(tc, pax_sparse_map_stands_before_the_data);
	tcase_add_test(tc, runs_that_touch_are_one);
	tcase_add_test(tc, sparse_file_with_name_that_is_not_utf8_is_stored_under_it);
	tcase_add_loop_test(tc, sparse_file_without_holes_is_a_plain_one, 0, 2);
	tcase_add_test(tc, holes_smaller_than_their_map_are_content);
	tcase_add_loop_test(tc, ustar_and_v7_store_holes_as_content, 0, 2);
	tcase_add_test(tc, run_at_the_end_of_the_largest_file_is_not_rounded_beyond);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
