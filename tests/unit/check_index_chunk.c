#include "config.h"

#include "index_chunk.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "member_index.h"
#include "suite.h"

#define NMEMBERS 3000

static struct index_chunk_writer w;
static struct index_chunk_reader r;
static struct bytes chunk;
static struct error err;

static void tear_down(void) {
	index_chunk_writer_fini(&w);
	index_chunk_reader_fini(&r);
	bytes_fini(&chunk);
}

/* A value of any size, the same for the same ${i}. */
static uint64_t any(uint64_t i) {
	uint64_t x = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

	x ^= x >> 29;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	return (x ^ x >> 32) >> (i % 64);
}

/* Member number ${i} of a made-up archive, in which everything occurs beside everything. */
static struct entry member(uint64_t i, char name[64], char target[64]) {
	struct entry e = { .name = name, .type = (enum entry_type)(any(i) % 6), .is_whole = true };

	snprintf(name, 64, "%s/%ju", any(i + 7) % 3 != 0 ? "d/e" : "other", (uintmax_t)any(i));
	snprintf(target, 64, "%s%s", any(i + 8) % 2 != 0 ? "first/" : "", name);
	if (any(i + 9) % 2 != 0) {
		e.type = ENTRY_FILE;
		e.first_name = target;
		e.is_whole = any(i + 10) % 3 == 0;
	}
	if (e.type == ENTRY_SYMLINK)
		e.target = target;
	if (e.type == ENTRY_FILE)
		e.size = (off_t)(any(i + 11) >> 1);
	if (e.type == ENTRY_CHAR_DEVICE || e.type == ENTRY_BLOCK_DEVICE) {
		e.rdev_major = (unsigned int)any(i + 12);
		e.rdev_minor = (unsigned int)any(i + 13);
	}
	e.mode = any(i + 14) & 07777;
	e.uid = any(i / 3);
	e.gid = any(i / 5);
	e.uname = any(i / 3) % 2 != 0 ? "user" : NULL;
	e.gname = any(i / 5) % 2 != 0 ? "group" : NULL;
	e.mtime.tv_sec = (time_t)any(i + 15);
	e.mtime.tv_nsec = (long)(any(i + 16) % 1000000000);
	if (e.is_whole && e.type != ENTRY_DIRECTORY && any(i + 17) % 2 != 0) {
		e.identity.dev = any(i + 18);
		e.identity.ino = any(i + 19) | 1;
		e.identity.has_btime = any(i + 20) % 2 != 0;
		if (e.identity.has_btime) {
			e.identity.btime.tv_sec = (time_t)any(i + 21);
			e.identity.btime.tv_nsec = (long)(any(i + 22) % 1000000000);
		}
		e.identity.mtime.tv_sec = (time_t)any(i + 23);
		e.identity.mtime.tv_nsec = (long)(any(i + 24) % 1000000000);
		e.identity.attributes = any(i + 25);
	}
	return e;
}

static void assert_same(const struct entry *a, const struct entry *b) {
	ck_assert_str_eq(a->name, b->name);
	ck_assert_int_eq(a->type, b->type);
	ck_assert_pstr_eq(a->first_name, b->first_name);
	ck_assert_pstr_eq(a->target, b->target);
	ck_assert_int_eq(a->is_whole, b->is_whole);
	ck_assert_uint_eq(a->mode, b->mode);
	ck_assert_uint_eq(a->uid, b->uid);
	ck_assert_uint_eq(a->gid, b->gid);
	ck_assert_pstr_eq(a->uname, b->uname);
	ck_assert_pstr_eq(a->gname, b->gname);
	ck_assert_int_eq(a->size, b->size);
	ck_assert_int_eq(a->mtime.tv_sec, b->mtime.tv_sec);
	ck_assert_int_eq(a->mtime.tv_nsec, b->mtime.tv_nsec);
	ck_assert_uint_eq(a->rdev_major, b->rdev_major);
	ck_assert_uint_eq(a->rdev_minor, b->rdev_minor);
	ck_assert_uint_eq(a->identity.dev, b->identity.dev);
	ck_assert_uint_eq(a->identity.ino, b->identity.ino);
	ck_assert_int_eq(a->identity.has_btime, b->identity.has_btime);
	ck_assert_int_eq(a->identity.btime.tv_sec, b->identity.btime.tv_sec);
	ck_assert_int_eq(a->identity.btime.tv_nsec, b->identity.btime.tv_nsec);
	ck_assert_int_eq(a->identity.mtime.tv_sec, b->identity.mtime.tv_sec);
	ck_assert_int_eq(a->identity.mtime.tv_nsec, b->identity.mtime.tv_nsec);
	ck_assert_uint_eq(a->identity.attributes, b->identity.attributes);
}

static void add_members(uint64_t from, uint64_t n) {
	char name[64], target[64];

	for (uint64_t i = from; i < from + n; i++) {
		struct entry e = member(i, name, target);
		ck_assert_int_eq(
		    index_chunk_add(&w, &e, (off_t)((i - from) * 12345), &err), TARN_OK);
	}
}

static void expect_members(uint64_t from, uint64_t n) {
	char name[64], target[64];
	struct entry found;
	off_t offset;

	for (uint64_t i = from; i < from + n; i++) {
		struct entry e = member(i, name, target);
		ck_assert_int_eq(index_chunk_next(&r, &found, &offset, &err), TARN_OK);
		assert_same(&found, &e);
		ck_assert_int_eq(offset, (off_t)((i - from) * 12345));
	}
	ck_assert_int_eq(index_chunk_next(&r, &found, &offset, &err), TARN_END);
}

START_TEST(members_come_back_as_they_were) {
	add_members(0, NMEMBERS);
	ck_assert_int_eq(index_chunk_close(&w, &chunk, &err), TARN_OK);
	ck_assert_int_eq(index_chunk_open(&r, chunk.data, chunk.nbytes, &err), TARN_OK);
	expect_members(0, NMEMBERS);
}
END_TEST

START_TEST(chunk_is_read_without_the_one_before) {
	size_t first;

	add_members(0, 100);
	ck_assert_int_eq(index_chunk_close(&w, &chunk, &err), TARN_OK);
	first = chunk.nbytes;
	add_members(100, 100);
	ck_assert_int_eq(index_chunk_close(&w, &chunk, &err), TARN_OK);
	ck_assert_int_eq(
	    index_chunk_open(&r, chunk.data + first, chunk.nbytes - first, &err), TARN_OK);
	expect_members(100, 100);
	ck_assert_int_eq(index_chunk_open(&r, chunk.data, first, &err), TARN_OK);
	expect_members(0, 100);
}
END_TEST

START_TEST(empty_chunk_has_no_members) {
	ck_assert_int_eq(index_chunk_close(&w, &chunk, &err), TARN_OK);
	ck_assert_int_eq(index_chunk_open(&r, chunk.data, chunk.nbytes, &err), TARN_OK);
	expect_members(0, 0);
}
END_TEST

START_TEST(name_that_is_too_long_is_refused) {
	static char name[INDEX_NAME_NBYTES + 2];
	struct entry e = { .name = name, .is_whole = true };

	memset(name, 'n', sizeof(name) - 1);
	ck_assert_int_eq(index_chunk_add(&w, &e, 0, &err), TARN_EREFUSED);
	ck_assert_uint_eq(w.nmembers, 0);
	name[INDEX_NAME_NBYTES] = '\0';
	ck_assert_int_eq(index_chunk_add(&w, &e, 0, &err), TARN_OK);
	ck_assert_int_eq(index_chunk_close(&w, &chunk, &err), TARN_OK);
}
END_TEST

/* Read what there is; it may be anything but out of bounds, for which the sanitizers look. */
static void read_all(const void *data, size_t nbytes) {
	struct entry e;
	off_t offset;
	int status = index_chunk_open(&r, data, nbytes, &err);

	for (size_t n = 0; status == TARN_OK; n++) {
		ck_assert_uint_lt(n, 2 * NMEMBERS);
		status = index_chunk_next(&r, &e, &offset, &err);
		if (status != TARN_OK)
			break;
		ck_assert_uint_gt(strlen(e.name), 0);
		ck_assert_uint_le(strlen(e.name), INDEX_NAME_NBYTES);
		ck_assert_int_ge(e.size, 0);
		ck_assert_int_ge(offset, 0);
	}
	ck_assert(status == TARN_END || status == TARN_EFORMAT);
}

START_TEST(any_damage_is_an_end_or_an_error) {
	add_members(0, 8);
	ck_assert_int_eq(index_chunk_close(&w, &chunk, &err), TARN_OK);
	for (size_t i = 0; i < chunk.nbytes * 8; i++) {
		chunk.data[i / 8] ^= (unsigned char)(1 << i % 8);
		read_all(chunk.data, chunk.nbytes);
		chunk.data[i / 8] ^= (unsigned char)(1 << i % 8);
	}
	for (size_t n = 0; n < chunk.nbytes; n++)
		ck_assert_int_eq(index_chunk_open(&r, chunk.data, n, &err), TARN_EFORMAT);
}
END_TEST

/* A member that is put together by hand, from a good one. */
static int open_with(enum index_column column, const char *data, size_t nbytes) {
	struct entry e = { .name = "name", .is_whole = true }, found;
	off_t offset;

	chunk.nbytes = 0;
	ck_assert_int_eq(index_chunk_add(&w, &e, 0, &err), TARN_OK);
	w.columns[column].nbytes = 0;
	ck_assert_int_eq(bytes_append(&w.columns[column], data, nbytes, &err), TARN_OK);
	ck_assert_int_eq(index_chunk_close(&w, &chunk, &err), TARN_OK);
	ck_assert_int_eq(index_chunk_open(&r, chunk.data, chunk.nbytes, &err), TARN_OK);
	return index_chunk_next(&r, &found, &offset, &err);
}

/* Archives have them, and --transform makes them. */
START_TEST(symbolic_link_to_nothing_comes_back) {
	const struct entry links[] = {
		{ .name = "empty", .type = ENTRY_SYMLINK, .target = "", .is_whole = true },
		{ .name = "without", .type = ENTRY_SYMLINK, .is_whole = true },
		{ .name = "last", .type = ENTRY_SYMLINK, .target = "t", .is_whole = true },
	};
	struct entry e;
	off_t offset;

	for (off_t i = 0; i < 3; i++)
		ck_assert_int_eq(index_chunk_add(&w, &links[i], i * 512, &err), TARN_OK);
	ck_assert_int_eq(index_chunk_close(&w, &chunk, &err), TARN_OK);
	ck_assert_int_eq(index_chunk_open(&r, chunk.data, chunk.nbytes, &err), TARN_OK);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(index_chunk_next(&r, &e, &offset, &err), TARN_OK);
		ck_assert_str_eq(e.name, links[i].name);
		ck_assert_ptr_null(e.first_name);
		ck_assert_pstr_eq(e.target, i == 2 ? "t" : NULL);
	}
}
END_TEST

/* entry.h: it is the name of a member, and those are not empty. */
START_TEST(later_name_of_nothing_is_malformed) {
	const struct entry later = { .name = "later", .first_name = "" };
	struct entry e;
	off_t offset;

	ck_assert_int_eq(index_chunk_add(&w, &later, 0, &err), TARN_OK);
	ck_assert_int_eq(index_chunk_close(&w, &chunk, &err), TARN_OK);
	ck_assert_int_eq(index_chunk_open(&r, chunk.data, chunk.nbytes, &err), TARN_OK);
	ck_assert_int_eq(index_chunk_next(&r, &e, &offset, &err), TARN_EFORMAT);
}
END_TEST

START_TEST(malformed_members_are_noticed) {
	ck_assert_int_eq(open_with(COLUMN_TEXT, "good", 4), TARN_OK);
	ck_assert_int_eq(open_with(COLUMN_TEXT, "a\0bc", 4), TARN_EFORMAT);
	ck_assert_int_eq(open_with(COLUMN_TEXT, "abc/", 4), TARN_EFORMAT);
	ck_assert_int_eq(open_with(COLUMN_TEXT, "abc", 3), TARN_EFORMAT);
	ck_assert_int_eq(open_with(COLUMN_NAME, "\0\0", 2), TARN_EFORMAT);
	ck_assert_int_eq(open_with(COLUMN_NAME, "\1\3", 2), TARN_EFORMAT);
	ck_assert_int_eq(open_with(COLUMN_KIND, "\x37", 1), TARN_EFORMAT);
	ck_assert_int_eq(open_with(COLUMN_KIND, "\x10", 1), TARN_EFORMAT);
	ck_assert_int_eq(open_with(COLUMN_MODE, "\x80\x20", 2), TARN_EFORMAT);
	ck_assert_int_eq(open_with(COLUMN_FRACTION, "\x80\x94\xeb\xdc\x03", 5), TARN_EFORMAT);
	ck_assert_int_eq(
	    open_with(COLUMN_SIZE, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 10), TARN_EFORMAT);
	ck_assert_int_eq(
	    open_with(COLUMN_OFFSET, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 10), TARN_EFORMAT);
	ck_assert_int_eq(open_with(COLUMN_OWNER, "\0\0u\0g", 5), TARN_EFORMAT);
}
END_TEST

/* What was collected so far need not be there to be counted. */
START_TEST(index_that_no_reader_takes_is_not_made) {
	struct report *all_report = report_new("check_index_chunk", false);
	struct index_writer all = { .report = all_report, .refusal = REPORT_NOTE };
	const struct entry e = { .name = "name", .is_whole = true };

	ck_assert_int_eq(index_writer_add(&all, &e, 0, NULL, &err), TARN_OK);
	ck_assert(!all.is_refused);
	all.chunks.nbytes = (size_t)1 << 30;
	ck_assert_int_eq(index_writer_add(&all, &e, 512, NULL, &err), TARN_OK);
	ck_assert(all.is_refused);
	ck_assert_ptr_null(all.chunk.columns[COLUMN_TEXT].data);
	index_writer_fini(&all);
	report_free(all_report);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("index_chunk");
	TCase *tc = tcase_create("index_chunk");

	tcase_add_checked_fixture(tc, NULL, tear_down);
	tcase_add_test(tc, members_come_back_as_they_were);
	tcase_add_test(tc, chunk_is_read_without_the_one_before);
	tcase_add_test(tc, empty_chunk_has_no_members);
	tcase_add_test(tc, name_that_is_too_long_is_refused);
	tcase_add_test(tc, any_damage_is_an_end_or_an_error);
	tcase_add_test(tc, symbolic_link_to_nothing_comes_back);
	tcase_add_test(tc, later_name_of_nothing_is_malformed);
	tcase_add_test(tc, malformed_members_are_noticed);
	tcase_add_test(tc, index_that_no_reader_takes_is_not_made);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
