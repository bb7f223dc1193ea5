#include "config.h"

#include "tar_header.h"

#include <stdint.h>

#include "tar_headers.h"

/* --- names ---------------------------------------------------------------------------------- */

#define NAME_MAX_NBYTES 300

/* An archive of names of all lengths; what a reader should list is put into ${expected}. */
static void archive_all_lengths(
    enum format format, const char *unit, size_t every, FILE *expected) {
	archive_begin();
	for (size_t n = 1; n <= NAME_MAX_NBYTES; n++) {
		char *name = make_name(n, unit, every);
		struct entry e = file_entry(name);

		e.type = n % 2 == 0 ? ENTRY_DIRECTORY : ENTRY_FILE;
		e.mtime.tv_nsec = n % 3 == 0 ? 500000000 : 0;
		archive_add(&e, format);
		fprintf(expected, "%s%s\n", name, e.type == ENTRY_DIRECTORY ? "/" : "");
		free(name);
	}
	archive_end();
}

START_TEST(names_of_every_length_come_back) {
	static const size_t slashes[] = { 0, 7, 50, 99, 100, 101, 155, 156 };
	enum format format = formats_of_any_name[_i % 2];
	char *expected;
	size_t n;
	FILE *f = open_memstream(&expected, &n);

	archive_all_lengths(format, "abcdefghijk", slashes[_i / 2], f);
	fclose(f);
	for (size_t i = 0; i < NTARS; i++) {
		if (!has_program(tars[i]))
			continue;
		run("%s -tf a.tar 2>&1", tars[i]);
		ck_assert_msg(strcmp(output, expected) == 0, "%s: %s", tars[i], output);
	}
	if (ask_python("m.name + (\"/\" if m.isdir() else \"\")"))
		ck_assert_str_eq(output, expected);
	free(expected);
}
END_TEST

START_TEST(names_that_are_not_utf8_come_back_in_silence) {
	static const size_t slashes[] = { 0, 50, 155 };
	enum format format = formats_of_any_name[_i % 2];
	char *expected;
	size_t n;
	FILE *f = open_memstream(&expected, &n);

	archive_all_lengths(format, "\xff\xe9\x80", slashes[_i / 2], f);
	fclose(f);
	if (has_program("tar")) {
		ask_gnu_tar("");
		ck_assert_str_eq(output, expected);
	}
	if (ask_python("m.name + (\"/\" if m.isdir() else \"\")"))
		ck_assert_str_eq(output, expected);
	/* These escape what they list, but say nothing else. */
	for (size_t i = 1; i < NTARS; i++) {
		if (!has_program(tars[i]))
			continue;
		run("%s -tf a.tar 2>&1 >/dev/null", tars[i]);
		ck_assert_str_eq(output, "");
		run("%s -tf a.tar | wc -l", tars[i]);
		ck_assert_int_eq(atoi(output), NAME_MAX_NBYTES);
	}
	free(expected);
}
END_TEST

START_TEST(long_utf8_names_are_records) {
	/* All three places at which a field can cut a character in two. */
	static const char *const before[] = { "", "x", "xx" };
	char *euros = make_name(399, "\xe2\x82\xac", 0),
	     *target = make_name(300, "\xe2\x82\xac", 0);
	char name[512], expected[1024];
	struct entry e = file_entry(name);

	snprintf(name, sizeof(name), "%s%s", before[_i], euros);
	e.type = ENTRY_SYMLINK;
	e.target = target;
	archive_one(&e, FORMAT_PAX);
	ck_assert_uint_eq(header.nbytes, 4 * TAR_BLOCK_NBYTES);
	assert_record("path", name);
	assert_record("linkpath", target);
	snprintf(expected, sizeof(expected), "%s\n", name);
	if (has_program("bsdtar")) {
		run("bsdtar -tf a.tar 2>&1");
		ck_assert_str_eq(output, expected);
	}
	if (has_program("tar")) {
		ask_gnu_tar("");
		ck_assert_str_eq(output, expected);
	}
	free(euros);
	free(target);
}
END_TEST

START_TEST(name_that_fits_takes_one_block) {
	char *flat = make_name(100, "abc", 0), *split = make_name(256, "abc", 155);
	struct entry e = file_entry(flat);

	encode(&e, FORMAT_PAX);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
	ck_assert_mem_eq(first_block()->name, flat, 100);
	e.name = split;
	encode(&e, FORMAT_PAX);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
	ck_assert_mem_eq(first_block()->end.prefix, split, 155);
	ck_assert_mem_eq(first_block()->name, split + 156, 100);
	e.name = "\xff\xfe";
	encode(&e, FORMAT_PAX);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
	ck_assert_str_eq(first_block()->name, "\xff\xfe");
	free(flat);
	free(split);
}
END_TEST

START_TEST(name_that_does_not_fit_takes_more) {
	char *flat = make_name(101, "abc", 0), *split = make_name(257, "abc", 155);
	char *late = make_name(200, "abc", 156);
	const char *names[] = { flat, split, late };

	for (size_t i = 0; i < 3; i++) {
		struct entry e = file_entry(names[i]);

		encode(&e, FORMAT_PAX);
		ck_assert_uint_eq(header.nbytes, 3 * TAR_BLOCK_NBYTES);
		assert_record("path", names[i]);
		encode(&e, FORMAT_GNU);
		ck_assert_uint_eq(header.nbytes, 3 * TAR_BLOCK_NBYTES);
		ck_assert_int_eq(first_block()->type, 'L');
		ck_assert_str_eq((char *)header.data + TAR_BLOCK_NBYTES, names[i]);
	}
	free(flat);
	free(split);
	free(late);
}
END_TEST

START_TEST(several_slashes_are_split_at_the_first) {
	char *above = make_name(90, "abc", 0), *below = make_name(60, "def", 0), *name;
	struct entry e;

	ck_assert_int_ge(asprintf(&name, "%s////%s", above, below), 0);
	e = file_entry(name);
	encode(&e, FORMAT_USTAR);
	ck_assert_str_eq(first_block()->end.prefix, above);
	ck_assert_str_eq(first_block()->name, name + 91);
	free(above);
	free(below);
	free(name);
}
END_TEST

START_TEST(ustar_refuses_names_that_cannot_be_split) {
	char *flat = make_name(101, "abc", 0), *split = make_name(256, "abc", 155);
	char *longer = make_name(257, "abc", 155), *link_name = make_name(101, "abc", 9);
	struct entry e = file_entry(flat);

	assert_refused(&e, FORMAT_USTAR, "file name is too long (cannot be split); not dumped");
	e.name = split;
	encode(&e, FORMAT_USTAR);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
	/* The slash at the end of a directory counts, and is none to split at. */
	e.type = ENTRY_DIRECTORY;
	assert_refused(&e, FORMAT_USTAR, "file name is too long (max 256); not dumped");
	e.name = flat + 1;
	assert_refused(&e, FORMAT_USTAR, "file name is too long (cannot be split); not dumped");
	e.name = longer;
	assert_refused(&e, FORMAT_USTAR, "file name is too long (max 256); not dumped");
	e = file_entry("b");
	e.first_name = link_name + 1;
	encode(&e, FORMAT_USTAR);
	e.first_name = link_name;
	ck_assert_int_eq(tar_header_encode(&header, &e, FORMAT_USTAR, &err), TARN_NO_FIRST);
	e.first_name = NULL;
	e.type = ENTRY_SYMLINK;
	e.target = link_name;
	assert_refused(&e, FORMAT_USTAR, "link name is too long; not dumped");
	free(flat);
	free(split);
	free(longer);
	free(link_name);
}
END_TEST

START_TEST(v7_ends_names_with_nul_and_has_no_magic) {
	char *name = make_name(100, "abc", 9);
	struct entry e = file_entry(name + 1);

	encode(&e, FORMAT_V7);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
	ck_assert_str_eq(first_block()->name, name + 1);
	ck_assert_int_eq(first_block()->magic[0], '\0');
	ck_assert_int_eq(first_block()->uname[0], '\0');
	ck_assert_int_eq(first_block()->type, '\0');
	e.name = name;
	assert_refused(&e, FORMAT_V7, "file name is too long (max 99); not dumped");
	e = file_entry("b");
	e.first_name = name + 1;
	encode(&e, FORMAT_V7);
	ck_assert_int_eq(first_block()->type, '1');
	ck_assert_str_eq(first_block()->link_name, name + 1);
	e.first_name = name;
	ck_assert_int_eq(tar_header_encode(&header, &e, FORMAT_V7, &err), TARN_NO_FIRST);
	free(name);
}
END_TEST

START_TEST(only_utf8_is_a_record) {
	static const struct {
		const char *bytes;
		bool is_utf8;
	} cases[] = {
		{ "\x7f", true },
		{ "\x80", false },
		{ "\xc1\xbf", false },
		{ "\xc2\x80", true },
		{ "\xc2", false },
		{ "\xdf\xc0", false },
		{ "\xe0\x9f\xbf", false },
		{ "\xe0\xa0\x80", true },
		{ "\xed\x9f\xbf", true },
		{ "\xed\xa0\x80", false },
		{ "\xef\xbf\xbf", true },
		{ "\xef\xbf", false },
		{ "\xf0\x8f\xbf\xbf", false },
		{ "\xf0\x90\x80\x80", true },
		{ "\xf4\x8f\xbf\xbf", true },
		{ "\xf4\x90\x80\x80", false },
		{ "\xf5\x80\x80\x80", false },
		{ "\xff", false },
	};
	char *name = make_name(120, "abc", 0), bytes[128];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct entry e = file_entry(bytes);

		snprintf(bytes, sizeof(bytes), "%s%s", name, cases[i].bytes);
		encode(&e, FORMAT_PAX);
		ck_assert_msg(first_block()->type == (cases[i].is_utf8 ? 'x' : 'L'), "case %zu", i);
	}
	free(name);
}
END_TEST

START_TEST(directories_have_one_slash_at_the_end) {
	struct entry e = file_entry("a/b");

	e.type = ENTRY_DIRECTORY;
	encode(&e, FORMAT_PAX);
	ck_assert_str_eq(last_block()->name, "a/b/");
	ck_assert_int_eq(last_block()->type, '5');
	e.name = "/";
	encode(&e, FORMAT_PAX);
	ck_assert_str_eq(last_block()->name, "/");
}
END_TEST

START_TEST(checksum_is_that_of_the_block_with_blanks) {
	struct entry e = file_entry("\xff\xfe");
	unsigned int sum = 8 * ' ';
	char expected[16];

	encode(&e, FORMAT_PAX);
	for (size_t i = 0; i < TAR_BLOCK_NBYTES; i++)
		sum += i < 148 || i >= 156 ? header.data[i] : 0;
	snprintf(expected, sizeof(expected), "%06o", sum);
	ck_assert_mem_eq(header.data + 148, expected, 7);
	ck_assert_int_eq(header.data[155], ' ');
}
END_TEST

START_TEST(formats_have_their_magic) {
	struct entry e = file_entry("a");

	encode(&e, FORMAT_PAX);
	ck_assert_mem_eq(last_block()->magic,
	    "ustar\0"
	    "00",
	    8);
	encode(&e, FORMAT_USTAR);
	ck_assert_mem_eq(last_block()->magic,
	    "ustar\0"
	    "00",
	    8);
	encode(&e, FORMAT_GNU);
	ck_assert_mem_eq(last_block()->magic, "ustar  ", 8);
}
END_TEST

/* --- later names ---------------------------------------------------------------------------- */

START_TEST(later_name_is_one_block) {
	static const enum format formats[] = { FORMAT_PAX, FORMAT_USTAR, FORMAT_GNU, FORMAT_V7 };
	static const struct xattr xattr = { "user.a", "1", 1 };
	struct entry e = file_entry("b");

	e.first_name = "a";
	e.size = 12345;
	e.mtime.tv_nsec = 5;
	e.xattrs = &xattr;
	e.nxattrs = 1;
	e.acl_access = "user::rw-,group::r--,other::r--";
	encode(&e, formats[_i]);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
	ck_assert_int_eq(first_block()->type, '1');
	ck_assert_str_eq(first_block()->link_name, "a");
	ck_assert_str_eq(first_block()->size, "00000000000");
	ck_assert_int_eq(header.content_nbytes, 0);
	ck_assert_uint_eq(header.nextents, 0);
}
END_TEST

START_TEST(later_name_leaves_to_the_first_what_does_not_fit) {
	struct entry e = file_entry("b");

	e.first_name = "a";
	e.uid = e.gid = UINT64_C(1) << 40;
	e.uname = e.gname = "somebody.with.a.name.that.is.longer.than.its.field";
	e.mtime.tv_sec = -1;
	encode(&e, FORMAT_PAX);
	ck_assert_uint_eq(header.nbytes, TAR_BLOCK_NBYTES);
	ck_assert_str_eq(first_block()->uid, "0000000");
	ck_assert_str_eq(first_block()->mtime, "00000000000");
}
END_TEST

START_TEST(later_name_of_any_type_is_a_link) {
	struct entry e = file_entry("b");

	e.first_name = "a";
	e.type = ENTRY_CHAR_DEVICE;
	e.rdev_major = 1;
	encode(&e, FORMAT_V7);
	ck_assert_int_eq(first_block()->type, '1');
	ck_assert_int_eq(first_block()->major[0], '\0');
}
END_TEST

START_TEST(long_later_name_says_both_names) {
	char *name = make_name(150, "abc", 0), *first = make_name(160, "cba", 0);
	char *bytes = make_name(150, "\xfe", 0), *first_bytes = make_name(160, "\xff", 0);
	char expected[1024];
	struct entry e = file_entry(name);

	e.first_name = first;
	archive_begin();
	archive_add(&e, FORMAT_PAX);
	assert_record("path", name);
	assert_record("linkpath", first);
	e.name = bytes;
	e.first_name = first_bytes;
	archive_add(&e, FORMAT_PAX);
	archive_add(&e, FORMAT_GNU);
	archive_end();
	snprintf(expected, sizeof(expected), "%s %s\n%s %s\n%s %s\n", name, first, bytes,
	    first_bytes, bytes, first_bytes);
	if (ask_python("m.name + \" \" + m.linkname"))
		ck_assert_str_eq(output, expected);
	for (size_t i = 0; i < NTARS; i++) {
		if (has_program(tars[i]))
			run("! %s -tf a.tar 2>&1 >/dev/null | grep .", tars[i]);
	}
	free(name);
	free(first);
	free(bytes);
	free(first_bytes);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("tar_header_names");
	TCase *tc = tcase_create("tar_header_names");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, names_of_every_length_come_back, 0, 16);
	tcase_add_loop_test(tc, names_that_are_not_utf8_come_back_in_silence, 0, 6);
	tcase_add_loop_test(tc, long_utf8_names_are_records, 0, 3);
	tcase_add_test(tc, name_that_fits_takes_one_block);
	tcase_add_test(tc, name_that_does_not_fit_takes_more);
	tcase_add_test(tc, several_slashes_are_split_at_the_first);
	tcase_add_test(tc, ustar_refuses_names_that_cannot_be_split);
	tcase_add_test(tc, v7_ends_names_with_nul_and_has_no_magic);
	tcase_add_test(tc, only_utf8_is_a_record);
	tcase_add_test(tc, directories_have_one_slash_at_the_end);
	tcase_add_test(tc, checksum_is_that_of_the_block_with_blanks);
	tcase_add_test(tc, formats_have_their_magic);
	tcase_add_loop_test(tc, later_name_is_one_block, 0, 4);
	tcase_add_test(tc, later_name_leaves_to_the_first_what_does_not_fit);
	tcase_add_test(tc, later_name_of_any_type_is_a_link);
	tcase_add_test(tc, long_later_name_says_both_names);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
