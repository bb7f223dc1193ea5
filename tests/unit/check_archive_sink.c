#include "config.h"

#include "archive_sink.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suite.h"
#include "work_directory.h"

/*
 * What the sink writes for what a source does.  The source is a list of blocks; what takes the
 * bytes and the words stands in for codec and report, and keeps them.  Archives are then extracted
 * by the programs that should be able to; one that is not installed is left out.
 */

#define BLOCK ((off_t)512)
#define RECORD (20 * BLOCK)
#define READ_FAILS ((size_t)-1) /* as nbytes of a block: */
#define READ_DAMAGED ((size_t)-2)
#define KIB256 ((size_t)256 * 1024)

static unsigned char *written;
static size_t nwritten;
static const void *handed_over; /* the last block that the codec got */
static bool codec_fails;
static char said[4096];
static struct sink *sink;
static struct error err;

int codec_write(struct codec_writer *writer, const void *data, size_t nbytes, struct error *e) {
	(void)writer;
	if (codec_fails)
		return err_set(e, TARN_ESYSTEM, 0, "Cannot write");
	written = realloc(written, nwritten + nbytes);
	memcpy(written + nwritten, data, nbytes);
	nwritten += nbytes;
	handed_over = data;
	return TARN_OK;
}

int codec_writer_end_piece(struct codec_writer *writer, struct error *e) {
	(void)writer;
	(void)e;
	return TARN_OK;
}

int codec_copy(
    struct codec_writer *writer, struct codec_reader *reader, off_t nbytes, struct error *e) {
	(void)writer;
	(void)reader;
	(void)nbytes;
	(void)e;
	return TARN_OK;
}

static void say(const char *name, const char *format, va_list args) {
	size_t n = strlen(said);

	n += (size_t)snprintf(said + n, sizeof(said) - n, "%s: ", name);
	n += (size_t)vsnprintf(said + n, sizeof(said) - n, format, args);
	snprintf(said + n, sizeof(said) - n, "\n");
}

void report_warning(struct report *report, const char *name, const char *format, ...) {
	va_list args;

	(void)report;
	va_start(args, format);
	say(name, format, args);
	va_end(args);
}

void report_note(struct report *report, const char *name, const char *format, ...) {
	va_list args;

	(void)report;
	va_start(args, format);
	say(name, format, args);
	va_end(args);
}

void report_line(
    struct report *report, enum report_severity severity, const char *name, const char *text) {
	(void)severity;
	report_warning(report, name, "%s", text);
}

void report_error(struct report *report, const char *name, const struct error *e) {
	report_warning(report, name, "%s", e->msg);
}

void report_progress(struct report *report, const char *name, uint64_t nbytes) {
	(void)report;
	(void)name;
	(void)nbytes;
}

/* --- a source of blocks --------------------------------------------------------------------- */

struct list {
	struct source source;
	const struct block *blocks;
	size_t n, nread;
};

static int list_read(struct source *source, struct block *block, struct error *e) {
	struct list *list = (struct list *)source;

	if (list->nread == list->n)
		return TARN_END;
	*block = list->blocks[list->nread++];
	if (block->nbytes == READ_FAILS)
		return err_set(e, TARN_ESYSTEM, 0, "Read error");
	if (block->nbytes == READ_DAMAGED)
		return err_set(e, TARN_EFORMAT, 0, "Damaged");
	return TARN_OK;
}

static int put_blocks(const struct entry *e, const struct block *blocks, size_t n) {
	struct list list = { { .read = list_read }, blocks, n, 0 };

	return sink->put(sink, e, &list.source, &err);
}

static void put(const struct entry *e, const char *content) {
	struct block block = { content, strlen(content), 0 };

	ck_assert_int_eq(put_blocks(e, &block, block.nbytes > 0), TARN_OK);
}

/* --- what all tests do ---------------------------------------------------------------------- */

static void teardown(void) {
	remove_work_directory();
	if (sink != NULL)
		sink->free(sink);
	free(written);
}

static void begin(enum format format) {
	sink = archive_sink_new(NULL, format, 20, 0, NULL, &err);
	ck_assert_ptr_nonnull(sink);
}

/* Finish, and write the archive to the file "a". */
static void finish(void) {
	FILE *f;

	ck_assert_int_eq(sink->finish(sink, &err), TARN_OK);
	ck_assert_uint_eq(nwritten, (size_t)archive_sink_nbytes(sink));
	f = fopen("a", "w");
	ck_assert_ptr_nonnull(f);
	fwrite(written, 1, nwritten, f);
	ck_assert_int_eq(fclose(f), 0);
}

static struct entry file_entry(const char *name, off_t size) {
	return (struct entry){ .name = name, .mode = 0644, .size = size };
}

static struct entry later_entry(const char *name, const char *first_name) {
	return (struct entry){ .name = name, .first_name = first_name, .mode = 0644 };
}

static bool has_program(const char *name) {
	char command[128];

	snprintf(
	    command, sizeof(command), "command -v %.*s >/dev/null", (int)strcspn(name, " "), name);
	return system(command) == 0;
}

static void run(const char *command) {
	ck_assert_msg(system(command) == 0, "%s", command);
}

static void assert_zeros(size_t from, size_t to) {
	while (from < to && written[from] == 0)
		from++;
	ck_assert_msg(from == to, "byte %zu", from);
}

/* --- tar ------------------------------------------------------------------------------------ */

START_TEST(archive_ends_in_zeros_up_to_a_record) {
	static const off_t starts[] = { 0, 3 * BLOCK, RECORD - BLOCK, RECORD };
	static const off_t ends[] = { RECORD, RECORD, 2 * RECORD, 2 * RECORD };

	sink = archive_sink_new(NULL, FORMAT_PAX, 20, starts[_i], NULL, &err);
	ck_assert_int_eq(archive_sink_nbytes(sink), starts[_i]);
	ck_assert_int_eq(sink->finish(sink, &err), TARN_OK);
	ck_assert_int_eq(archive_sink_nbytes(sink), ends[_i]);
	ck_assert_int_eq((off_t)nwritten, ends[_i] - starts[_i]);
	assert_zeros(0, nwritten);
}
END_TEST

START_TEST(members_begin_at_blocks) {
	struct entry a = file_entry("a", 5), b = file_entry("b", BLOCK);
	char content[BLOCK + 1];

	memset(content, 'b', BLOCK);
	content[BLOCK] = '\0';
	begin(FORMAT_PAX);
	put(&a, "aaaaa");
	ck_assert_int_eq(archive_sink_nbytes(sink), 2 * BLOCK);
	put(&b, content);
	ck_assert_int_eq(archive_sink_nbytes(sink), 4 * BLOCK);
	finish();
	ck_assert_str_eq((char *)written + BLOCK, "aaaaa");
	assert_zeros(BLOCK + 5, 2 * BLOCK);
	ck_assert_str_eq((char *)written + 2 * BLOCK, "b");
	ck_assert_mem_eq(written + 3 * BLOCK, content, BLOCK);
	assert_zeros(4 * BLOCK, nwritten);
}
END_TEST

START_TEST(file_that_grew_is_cut) {
	static const struct block blocks[] = { { "abc", 3, 0 }, { "defg", 4, 3 }, { "hij", 3, 7 } };
	struct entry e = file_entry("a", 5);

	begin(FORMAT_PAX);
	ck_assert_int_eq(put_blocks(&e, blocks, 3), TARN_OK);
	finish();
	ck_assert_str_eq((char *)written + BLOCK, "abcde");
	assert_zeros(BLOCK + 5, nwritten);
	ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(file_that_shrank_is_filled_with_zeros_without_a_word) {
	struct entry e = file_entry("a", 3 * BLOCK);

	begin(FORMAT_PAX);
	put(&e, "abc");
	ck_assert_int_eq(archive_sink_nbytes(sink), 4 * BLOCK);
	finish();
	ck_assert_str_eq((char *)written + BLOCK, "abc");
	assert_zeros(BLOCK + 3, nwritten);
	ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(file_that_cannot_be_read_is_said_and_filled_with_zeros) {
	static const struct block blocks[] = { { "abc", 3, 0 }, { NULL, READ_FAILS, 0 } };
	struct entry e = file_entry("a", 3 * BLOCK), after = file_entry("b", 1);

	begin(FORMAT_PAX);
	ck_assert_int_eq(put_blocks(&e, blocks, 2), TARN_OK);
	ck_assert_str_eq(said, "a: Read error\n");
	ck_assert_int_eq(archive_sink_nbytes(sink), 4 * BLOCK);
	put(&after, "b");
	finish();
	assert_zeros(BLOCK + 3, 4 * BLOCK);
	ck_assert_str_eq((char *)written + 4 * BLOCK, "b");
}
END_TEST

START_TEST(damage_in_what_is_read_ends_the_run) {
	static const struct block blocks[] = { { "abc", 3, 0 }, { NULL, READ_DAMAGED, 0 } };
	struct entry e = file_entry("a", 3 * BLOCK);

	begin(FORMAT_PAX);
	ck_assert_int_eq(put_blocks(&e, blocks, 2), TARN_EFORMAT);
	ck_assert_str_eq(err.msg, "Damaged");
	ck_assert_str_eq(said, "");
}
END_TEST

static const struct extent sparse_extents[] = { { 4096, 512 }, { 8192, 512 } };

static struct entry sparse_entry(void) {
	struct entry e = file_entry("a", 20000);

	e.is_sparse = true;
	e.extents = sparse_extents;
	e.nextents = 2;
	return e;
}

START_TEST(holes_are_zeros_where_the_format_has_none) {
	static const struct block blocks[] = { { "abc", 3, 4096 }, { "xyz", 3, 8192 } };
	struct entry e = sparse_entry();

	begin(FORMAT_USTAR);
	ck_assert_int_eq(put_blocks(&e, blocks, 2), TARN_OK);
	finish();
	assert_zeros(BLOCK, BLOCK + 4096);
	ck_assert_str_eq((char *)written + BLOCK + 4096, "abc");
	assert_zeros(BLOCK + 4099, BLOCK + 8192);
	ck_assert_str_eq((char *)written + BLOCK + 8192, "xyz");
	assert_zeros(BLOCK + 8195, nwritten);
}
END_TEST

START_TEST(holes_are_left_out_where_there_is_a_map) {
	/*
	 * The first block reaches from a run into the hole, the second from there into the next
	 * run.
	 */
	char content[2048];
	const struct block blocks[] = { { content, 2048, 4100 }, { content, 2048, 6200 } };
	struct entry e = sparse_entry();

	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (char)('A' + i % 59);
	begin(FORMAT_GNU);
	ck_assert_int_eq(put_blocks(&e, blocks, 2), TARN_OK);
	ck_assert_int_eq(archive_sink_nbytes(sink), 3 * BLOCK);
	finish();
	assert_zeros(BLOCK, BLOCK + 4);
	ck_assert_mem_eq(written + BLOCK + 4, content, BLOCK - 4);
	ck_assert_mem_eq(written + 2 * BLOCK, content + (8192 - 6200), 56);
	assert_zeros(2 * BLOCK + 56, nwritten);
}
END_TEST

START_TEST(block_that_ends_beyond_all_offsets_is_cut) {
	static const char content[40] = "0123456789";
	static const struct block block = { content, sizeof(content), INT64_MAX - 10 };
	struct extent extent = { INT64_MAX - 10, 10 };
	struct entry e = file_entry("a", INT64_MAX);

	e.is_sparse = true;
	e.extents = &extent;
	e.nextents = 1;
	begin(FORMAT_GNU);
	ck_assert_int_eq(put_blocks(&e, &block, 1), TARN_OK);
	finish();
	ck_assert_str_eq((char *)written + 2 * BLOCK - 11, content);
	assert_zeros(2 * BLOCK - 1, nwritten);
}
END_TEST

START_TEST(error_of_the_codec_ends_the_run) {
	struct entry e = file_entry("a", 3), large = file_entry("b", (off_t)KIB256);
	struct block block = { calloc(1, KIB256), KIB256, 0 };

	begin(FORMAT_PAX);
	codec_fails = true;
	put(&e, "abc");
	ck_assert_int_eq(put_blocks(&large, &block, 1), TARN_ESYSTEM);
	ck_assert_str_eq(err.msg, "Cannot write");
	ck_assert_str_eq(said, "");
	sink->free(sink);
	begin(FORMAT_PAX);
	put(&e, "abc");
	ck_assert_int_eq(sink->finish(sink, &err), TARN_ESYSTEM);
	free((void *)block.data);
}
END_TEST

START_TEST(large_blocks_are_handed_over_and_small_ones_gathered) {
	unsigned char *large = malloc(KIB256);
	struct block block = { large, KIB256, 0 };
	struct entry e = file_entry("a", (off_t)KIB256), small = file_entry("b", 3);

	memset(large, 'l', KIB256);
	begin(FORMAT_PAX);
	put(&small, "abc");
	ck_assert_uint_eq(nwritten, 0);
	ck_assert_int_eq(put_blocks(&e, &block, 1), TARN_OK);
	ck_assert_ptr_eq(handed_over, large);
	ck_assert_uint_eq(nwritten, 3 * (size_t)BLOCK + KIB256);
	ck_assert_mem_eq(written + 3 * BLOCK, large, KIB256);
	free(large);
}
END_TEST

START_TEST(more_small_blocks_than_are_gathered_come_out_in_order) {
	enum { N = 200, NBYTES = 5000 };
	char content[NBYTES];

	begin(FORMAT_PAX);
	for (int i = 0; i < N; i++) {
		struct block block = { content, NBYTES, 0 };
		struct entry e = file_entry("a", NBYTES);

		memset(content, i, NBYTES);
		ck_assert_int_eq(put_blocks(&e, &block, 1), TARN_OK);
	}
	finish();
	for (size_t i = 0; i < N; i++) {
		unsigned char *member = written + i * 11 * (size_t)BLOCK;

		ck_assert_str_eq((char *)member, "a");
		memset(content, (int)i, NBYTES);
		ck_assert_mem_eq(member + BLOCK, content, NBYTES);
	}
}
END_TEST

START_TEST(member_that_the_format_cannot_hold_is_said_and_left_out) {
	struct entry e = file_entry("a", 3);

	e.uid = 1 << 21;
	begin(FORMAT_USTAR);
	put(&e, "abc");
	ck_assert_str_eq(said, "a: value 2097152 out of uid_t range 0..2097151\n");
	ck_assert_int_eq(archive_sink_nbytes(sink), 0);
}
END_TEST

START_TEST(later_name_is_one_block_without_content) {
	struct entry e = later_entry("b", "a");

	e.size = 5;
	begin(FORMAT_PAX);
	put(&e, "abcde");
	ck_assert_int_eq(archive_sink_nbytes(sink), BLOCK);
}
END_TEST

START_TEST(link_to_itself_is_said_and_left_out) {
	struct entry e = later_entry("a", "a");

	begin(FORMAT_PAX);
	put(&e, "");
	ck_assert_int_eq(archive_sink_nbytes(sink), 0);
	ck_assert_str_eq(said, "a: link to itself; not dumped\n");
}
END_TEST

START_TEST(sockets_are_left_out) {
	struct entry e = file_entry("a", 0);

	e.type = ENTRY_SOCKET;
	e.path = "tree/a";
	begin(FORMAT_PAX);
	put(&e, "");
	ck_assert_int_eq(archive_sink_nbytes(sink), 0);
	ck_assert_str_eq(said, "");
}
END_TEST

/* A tree has said so itself. */
START_TEST(sockets_of_an_archive_are_left_out_and_that_is_said) {
	struct entry e = file_entry("a", 0);

	e.type = ENTRY_SOCKET;
	begin(FORMAT_PAX);
	put(&e, "");
	ck_assert_int_eq(archive_sink_nbytes(sink), 0);
	ck_assert_str_eq(said, "a: socket ignored\n");
}
END_TEST

/* --- cpio ----------------------------------------------------------------------------------- */

/* An archive with three names of a file, of an empty one, of a fifo and of a symbolic link. */
static void archive_names(nlink_t nlink) {
	struct entry entries[] = {
		file_entry("first", 7),
		file_entry("empty", 0),
		file_entry("fifo", 0),
		file_entry("symlink", 0),
		file_entry("single", 3),
		later_entry("second", "first"),
		later_entry("empty2", "empty"),
		later_entry("fifo2", "fifo"),
		later_entry("symlink2", "symlink"),
		later_entry("third", "first"),
	};

	entries[2].type = ENTRY_FIFO;
	entries[3].type = ENTRY_SYMLINK;
	entries[3].target = "texts";
	begin(FORMAT_CPIO);
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		entries[i].identity.nlink = i == 4 && nlink > 0 ? 1 : nlink;
		put(&entries[i], i == 0 ? "content" : i == 4 ? "one" : "");
	}
	finish();
}

START_TEST(cpio_names_of_an_inode_come_back_as_links) {
	static const char *const readers[] = { "cpio -i --quiet <", "bsdtar -xf",
		"busybox cpio -i <" };
	const char *reader = readers[_i / 2];
	char command[256];

	if (!has_program(reader))
		return;
	/* A link count that is too small must not matter: the tree may be there twice. */
	archive_names(_i % 2 == 0 ? 2 : 0);
	snprintf(command, sizeof(command),
	    "mkdir o && cd o && test -z \"$(%s ../a 2>&1 | grep -v blocks)\"", reader);
	run(command);
	run("cd o && test \"$(cat first)\" = content && test first -ef second && test first -ef third");
	run("cd o && test \"$(stat -c %h first)\" = 3 && test ! first -ef empty");
	run("cd o && test ! -s empty && test -f empty && test empty -ef empty2");
	run("cd o && test \"$(stat -c %h empty)\" = 2");
	run("cd o && test -p fifo && test -p fifo2");
	run("cd o && test \"$(readlink symlink)\" = texts && test \"$(readlink symlink2)\" = texts");
	run("cd o && test \"$(cat single)\" = one && test \"$(stat -c %h single)\" = 1");
	/* busybox links regular files only. */
	if (_i / 2 < 2)
		run("cd o && test fifo -ef fifo2");
}
END_TEST

START_TEST(cpio_says_where_later_names_cannot_follow) {
	struct entry e = file_entry("a", 0);
	enum { NLINK = 6 + 4 * 8 };

	begin(FORMAT_CPIO);
	put(&e, "");
	e.identity.nlink = 1;
	put(&e, "");
	e.identity.nlink = 2;
	put(&e, "");
	e.type = ENTRY_DIRECTORY;
	put(&e, "");
	finish();
	ck_assert_mem_eq(written + NLINK, "7fffffff", 8);
	ck_assert_mem_eq(written + 112 + NLINK, "00000001", 8);
	ck_assert_mem_eq(written + 2 * 112 + NLINK, "7fffffff", 8);
	ck_assert_mem_eq(written + 3 * 112 + NLINK, "00000001", 8);
}
END_TEST

START_TEST(cpio_archive_is_padded_to_a_record) {
	archive_names(2);
	ck_assert_uint_eq(nwritten, RECORD);
	ck_assert_mem_eq(written, "070701", 6);
}
END_TEST

START_TEST(later_name_of_what_was_left_out_is_not_put) {
	struct entry first = file_entry("a", INT64_C(1) << 32), later = later_entry("b", "a");

	begin(FORMAT_CPIO);
	put(&first, "");
	ck_assert_int_eq(sink->put(sink, &later, NULL, &err), TARN_NO_FIRST);
	ck_assert_int_eq(archive_sink_nbytes(sink), 0);
	ck_assert_str_eq(said, "a: value 4294967296 out of off_t range 0..4294967295\n");
}
END_TEST

START_TEST(cpio_later_name_belongs_to_the_last_member_of_the_first_name) {
	struct entry old = file_entry("a", 3), new = file_entry("a", 4),
	             later = later_entry("b", "a");

	begin(FORMAT_CPIO);
	put(&old, "old");
	put(&new, "new!");
	put(&later, "");
	finish();
	if (!has_program("bsdtar"))
		return;
	run("mkdir o && bsdtar -xf a -C o && test \"$(cat o/b)\" = new!");
}
END_TEST

START_TEST(cpio_refuses_times_before_1970) {
	struct entry e = file_entry("a", 0);

	e.mtime.tv_sec = -1;
	begin(FORMAT_CPIO);
	put(&e, "");
	ck_assert_str_eq(said, "a: value -1 out of time_t range 0..4294967295\n");
}
END_TEST

int main(void) {
	Suite *suite = suite_create("archive_sink");
	TCase *tc = tcase_create("archive_sink");

	tcase_add_checked_fixture(tc, enter_work_directory, teardown);
	tcase_add_loop_test(tc, archive_ends_in_zeros_up_to_a_record, 0, 4);
	tcase_add_test(tc, members_begin_at_blocks);
	tcase_add_test(tc, file_that_grew_is_cut);
	tcase_add_test(tc, file_that_shrank_is_filled_with_zeros_without_a_word);
	tcase_add_test(tc, file_that_cannot_be_read_is_said_and_filled_with_zeros);
	tcase_add_test(tc, damage_in_what_is_read_ends_the_run);
	tcase_add_test(tc, holes_are_zeros_where_the_format_has_none);
	tcase_add_test(tc, holes_are_left_out_where_there_is_a_map);
	tcase_add_test(tc, block_that_ends_beyond_all_offsets_is_cut);
	tcase_add_test(tc, error_of_the_codec_ends_the_run);
	tcase_add_test(tc, large_blocks_are_handed_over_and_small_ones_gathered);
	tcase_add_test(tc, more_small_blocks_than_are_gathered_come_out_in_order);
	tcase_add_test(tc, member_that_the_format_cannot_hold_is_said_and_left_out);
	tcase_add_test(tc, later_name_is_one_block_without_content);
	tcase_add_test(tc, link_to_itself_is_said_and_left_out);
	tcase_add_test(tc, sockets_are_left_out);
	tcase_add_test(tc, sockets_of_an_archive_are_left_out_and_that_is_said);
	tcase_add_loop_test(tc, cpio_names_of_an_inode_come_back_as_links, 0, 6);
	tcase_add_test(tc, cpio_says_where_later_names_cannot_follow);
	tcase_add_test(tc, cpio_archive_is_padded_to_a_record);
	tcase_add_test(tc, later_name_of_what_was_left_out_is_not_put);
	tcase_add_test(tc, cpio_later_name_belongs_to_the_last_member_of_the_first_name);
	tcase_add_test(tc, cpio_refuses_times_before_1970);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
