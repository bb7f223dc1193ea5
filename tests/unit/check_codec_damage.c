#include "config.h"

#include "codec.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "codec_files.h"
#include "suite.h"

/*
 * Damaged files, descriptors that fail, and programs that do: what is handed out is the right
 * bytes, or an error follows.
 */

static struct content read_program(const char *name, const char *program) {
	return read_fd(open(name, O_RDONLY),
	    &(struct codec_settings){ .compression = COMPRESSION_PROGRAM, .program = program });
}

START_TEST(a_file_that_is_cut_is_an_error) {
	const struct stream_format *format = &formats[_i];
	size_t nbytes = 300000, npacked;
	unsigned char *data = mixed_bytes(nbytes);

	compress_file(
	    "a", (struct codec_settings){ .compression = format->compression }, data, nbytes, MIB);
	unsigned char *packed = load("a", &npacked);
	/* Every length near both ends, and some between. */
	for (size_t length = 6; format->notices_cuts && length < npacked;
	     length += length < 40 || length + 40 > npacked ? 1 : (npacked - 80) / 20) {
		save("cut", packed, length);
		struct content got = read_file("cut");
		ck_assert_msg(got.r == TARN_EFORMAT, "%zu of %zu: %d", length, npacked, got.r);
		ck_assert_uint_le(got.nbytes, nbytes);
		ck_assert(is_content(&got, data, got.nbytes));
		free(got.data);
	}
	free(packed);
	free(data);
}
END_TEST

START_TEST(what_was_good_before_the_damage_is_handed_out) {
	static const enum compression own[] = { COMPRESSION_GZIP, COMPRESSION_XZ, COMPRESSION_LZMA,
		COMPRESSION_LZIP, COMPRESSION_ZSTD };
	size_t nbytes = 3 * MIB, npacked;
	unsigned char *data = mixed_bytes(nbytes);

	compress_file("a", (struct codec_settings){ .compression = own[_i] }, data, nbytes, MIB);
	unsigned char *packed = load("a", &npacked);
	save("cut", packed, npacked - 100);
	struct content got = read_file("cut");
	/* zstd decodes blocks of at most 128 KiB; the others byte by byte. */
	ck_assert_uint_ge(got.nbytes, nbytes - 128 * 1024);
	ck_assert(is_content(&got, data, got.nbytes));
	ck_assert_int_eq(got.r, TARN_EFORMAT);
	free(got.data);
	free(packed);
	free(data);
}
END_TEST

START_TEST(of_a_piece_that_is_cut_and_damaged_nothing_is_handed_out) {
	static const enum compression in_pieces[] = { COMPRESSION_ZSTD, COMPRESSION_XZ };
	size_t nbytes = 3 * MIB, npacked;
	unsigned char *data = mixed_bytes(nbytes);

	compress_file(
	    "a", (struct codec_settings){ .compression = in_pieces[_i] }, data, nbytes, MIB);
	unsigned char *packed = load("a", &npacked);
	memset(packed + npacked / 2, 0xff, 1000);
	save("b", packed, npacked - 200);
	struct content got = read_file("b");
	ck_assert_int_eq(got.r, TARN_EFORMAT);
	ck_assert(strncmp(got.err.msg, "Damaged ", 8) == 0);
	ck_assert_uint_eq(got.nbytes, 0);
	free(got.data);
	free(packed);
	free(data);
}
END_TEST

START_TEST(a_flipped_bit_is_an_error_or_harmless) {
	const struct stream_format *format = &formats[_i];
	/* A multiple of the blocks of decoders, and one that is none. */
	size_t nbytes = 4 * 65536, npacked;
	unsigned char *data = mixed_bytes(nbytes);

	compress_file(
	    "a", (struct codec_settings){ .compression = format->compression }, data, nbytes, MIB);
	unsigned char *packed = load("a", &npacked);
	/* Behind the magic number, without which it would be a plain file. */
	for (size_t at = 6; format->notices_flips && at < npacked;
	     at += at < 40 || at + 40 > npacked ? 1 : (npacked - 80) / 60) {
		packed[at] ^= (unsigned char)(1 << at % 8);
		save("flipped", packed, npacked);
		packed[at] ^= (unsigned char)(1 << at % 8);
		struct content got = read_file("flipped");
		bool is_harmless = got.r == TARN_END && is_content(&got, data, nbytes);
		ck_assert_msg(got.r == TARN_EFORMAT || is_harmless,
		    "byte %zu of %zu: %d, %zu bytes", at, npacked, got.r, got.nbytes);
		free(got.data);
	}
	free(packed);
	free(data);
}
END_TEST

START_TEST(what_is_damaged_is_called_by_its_name) {
	static const struct {
		enum compression compression;
		const char *message;
	} cases[] = { { COMPRESSION_XZ, "Damaged xz data" },
		{ COMPRESSION_LZMA, "Damaged lzma data" },
		{ COMPRESSION_LZIP, "Damaged lzip data" } };
	struct codec_settings settings = { .compression = cases[_i].compression };
	size_t nbytes = 300000, npacked;
	unsigned char *data = mixed_bytes(nbytes), *packed;

	compress_file("a", settings, data, nbytes, MIB);
	packed = load("a", &npacked);
	memset(packed + npacked / 2, 0xff, 1000);
	save("b", packed, npacked);
	struct content got = read_file("b");
	ck_assert_int_eq(got.r, TARN_EFORMAT);
	ck_assert_str_eq(got.err.msg, cases[_i].message);
	free(got.data);
	free(packed);
	free(data);
}
END_TEST

/* Its window has 256 MiB; what fits into a piece needs none. */
START_TEST(zstd_data_with_a_large_window_is_not_called_damaged) {
	ck_assert(shell("head -c 100M /dev/zero | zstd -q --long=28 >a"));
	struct content got = read_file("a");
	ck_assert_int_eq(got.r, TARN_EFORMAT);
	ck_assert_str_eq(
	    got.err.msg, "zstd data with a window above 128 MiB; -I 'zstd --long=31' reads it");
	free(got.data);
	got = read_program("a", "zstd --long=31");
	ck_assert_int_eq(got.r, TARN_END);
	ck_assert_uint_eq(got.nbytes, 100 * MIB);
	free(got.data);
}
END_TEST

START_TEST(an_error_is_given_again_and_drain_finds_it) {
	struct codec_settings settings = { .compression = COMPRESSION_GZIP };
	struct codec_reader *reader;
	struct error err;
	const void *data;
	size_t nbytes;

	compress_file("a", settings, (const unsigned char *)"text", 4, 4);
	/* The last byte is of the length. */
	ck_assert(shell("head -c 23 a >b; printf '\\1' >>b"));
	int fd = open("b", O_RDONLY);
	ck_assert_int_eq(codec_reader_new(&reader, &settings, fd, &err), TARN_OK);
	ck_assert_int_eq(codec_read(reader, &data, &nbytes, &err), TARN_OK);
	ck_assert_mem_eq(data, "text", 4);
	ck_assert_int_eq(codec_drain(reader, &err), TARN_EFORMAT);
	ck_assert_str_eq(err.msg, "Damaged gzip data: incorrect length check");
	err.msg[0] = '\0';
	ck_assert_int_eq(codec_read(reader, &data, &nbytes, &err), TARN_EFORMAT);
	ck_assert_str_eq(err.msg, "Damaged gzip data: incorrect length check");
	codec_reader_free(reader);
	close(fd);
}
END_TEST

/* The specification of .lz lets anything follow; that of .lzma knows nothing of the kind. */
START_TEST(what_follows_lzip_is_no_part_of_it) {
	size_t nbytes = 300000;
	unsigned char *data = mixed_bytes(nbytes);
	struct content got;

	save("plain", data, nbytes);
	ck_assert(
	    shell("head -c 1000 plain >1 && tail -c +1001 plain >2 && lzip -k 1 2 plain && "
	          "xz -k --format=lzma plain && (cat 1.lz 2.lz; echo LZgarbage) >a && "
	          "(cat plain.lz; head -c 300000 /dev/zero) >b && "
	          "(cat plain.lzma; echo x) >c && (cat plain.lzma; head -c 300000 /dev/zero) >d"));
	for (const char *file = "ab"; *file != '\0'; file++) {
		got = read_file((const char[]){ *file, '\0' });
		ck_assert_int_eq(got.r, TARN_END);
		ck_assert(is_content(&got, data, nbytes));
		free(got.data);
	}
	for (const char *file = "cd"; *file != '\0'; file++) {
		got = read_file((const char[]){ *file, '\0' });
		ck_assert_int_eq(got.r, TARN_EFORMAT);
		ck_assert_str_eq(got.err.msg, "Damaged lzma data");
		free(got.data);
	}
	free(data);
}
END_TEST

START_TEST(zeros_behind_gzip_are_padding_and_anything_else_is_garbage) {
	compress_file("a", (struct codec_settings){ .compression = COMPRESSION_GZIP },
	    (const unsigned char *)"text", 4, 4);
	ck_assert(shell("(cat a; head -c 300000 /dev/zero) >padded"));
	assert_file_is("padded", "text", 4);
	ck_assert(shell("(cat padded; echo x) >garbage; (cat a; echo x) >more"));
	for (int i = 0; i < 2; i++) {
		struct content got = read_file(i == 0 ? "garbage" : "more");
		ck_assert_int_eq(got.r, TARN_EFORMAT);
		ck_assert_str_eq(got.err.msg, "Trailing garbage behind the gzip data");
		ck_assert(is_content(&got, "text", 4));
		free(got.data);
	}
}
END_TEST

START_TEST(a_full_disk_is_said_with_its_errno) {
	struct codec_settings settings = { .compression = formats[_i].compression };
	unsigned char *data = mixed_bytes(MIB);
	struct error err;
	int fd = open("/dev/full", O_WRONLY);

	ck_assert_int_eq(compress_to(fd, &settings, data, MIB, 10240, &err), TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, ENOSPC);
	ck_assert_str_eq(err.msg, "Cannot write: No space left on device");
	/* So little that it is all held back until the end. */
	ck_assert_int_eq(compress_to(fd, &settings, data, 10, 10, &err), TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, ENOSPC);
	close(fd);
	free(data);
}
END_TEST

START_TEST(a_full_disk_is_not_only_met_at_the_end) {
	struct codec_settings settings = { .compression = COMPRESSION_GZIP };
	unsigned char *data = mixed_bytes(4 * MIB);
	struct codec_writer *writer;
	struct error err;
	int fd = open("/dev/full", O_WRONLY);

	ck_assert_int_eq(codec_writer_new(&writer, &settings, fd, &err), TARN_OK);
	ck_assert_int_eq(codec_write(writer, data, 4 * MIB, &err), TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, ENOSPC);
	codec_writer_free(writer);
	close(fd);
	free(data);
}
END_TEST

START_TEST(a_closed_pipe_is_said_with_its_errno) {
	struct codec_settings settings = { .compression = formats[_i].compression };
	unsigned char *data = mixed_bytes(MIB);
	struct error err;
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(pipe(ends), 0);
	close(ends[0]);
	ck_assert_int_eq(compress_to(ends[1], &settings, data, MIB, 10240, &err), TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, EPIPE);
	close(ends[1]);
	free(data);
}
END_TEST

START_TEST(a_writer_that_is_not_finished_leaves_no_end) {
	struct codec_settings settings = { .compression = formats[_i].compression };
	struct codec_writer *writer;
	struct error err;
	unsigned char *data = mixed_bytes(MIB);
	int fd = open("a", O_WRONLY | O_CREAT, 0600);

	ck_assert_int_eq(codec_writer_new(&writer, &settings, fd, &err), TARN_OK);
	ck_assert_int_eq(codec_write(writer, data, MIB, &err), TARN_OK);
	codec_writer_free(writer);
	close(fd);
	struct content got = read_file("a");
	/* Nothing at all is a plain file without bytes. */
	ck_assert(!formats[_i].notices_cuts || got.r == TARN_EFORMAT || got.nbytes == 0);
	free(got.data);
	free(data);
}
END_TEST

START_TEST(a_program_with_arguments_compresses_and_decompresses) {
	struct codec_settings settings = { .compression = COMPRESSION_PROGRAM,
		.program = "gzip -9 --no-name" };
	unsigned char *data = mixed_bytes(3 * MIB);

	compress_file("a", settings, data, 3 * MIB, 10240);
	ck_assert(shell("gzip -t <a"));
	struct content got = read_program("a", "gzip -q");
	ck_assert_msg(got.r == TARN_END, "%s", got.err.msg);
	ck_assert(is_content(&got, data, 3 * MIB));
	free(got.data);
	free(data);
}
END_TEST

START_TEST(the_status_of_a_program_that_compresses_is_an_error) {
	/* With all of the input taken, with none of it, and with one that is not there. */
	static const char *const programs[] = { "cat; exit 3", "exit 3",
		"no-such-program 2>/dev/null" };
	static const char *const messages[] = { "Child returned status 3",
		"Child returned status 3", "Child returned status 127" };
	unsigned char *data = mixed_bytes(MIB);

	for (size_t i = 0; i < 3; i++) {
		struct codec_settings settings = { .compression = COMPRESSION_PROGRAM,
			.program = programs[i] };
		struct error err;
		int fd = open("a", O_WRONLY | O_CREAT, 0600);
		ck_assert_int_eq(compress_to(fd, &settings, data, MIB, MIB, &err), TARN_EFORMAT);
		ck_assert_str_eq(err.msg, messages[i]);
		close(fd);
	}
	free(data);
}
END_TEST

START_TEST(a_program_that_goes_away_is_no_signal) {
	struct codec_settings settings = { .compression = COMPRESSION_PROGRAM, .program = "true" };
	unsigned char *data = mixed_bytes(MIB);
	struct error err;
	int fd = open("a", O_WRONLY | O_CREAT, 0600);

	signal(SIGPIPE, SIG_DFL);
	ck_assert_int_eq(compress_to(fd, &settings, data, MIB, MIB, &err), TARN_ESYSTEM);
	ck_assert_int_eq(err.errnum, EPIPE);
	close(fd);
	free(data);
}
END_TEST

START_TEST(the_status_of_a_program_that_decompresses_is_an_error_behind_its_data) {
	save("a", "text", 4);
	struct content got = read_program("a", "cat; exit 3;");
	ck_assert(is_content(&got, "text", 4));
	ck_assert_int_eq(got.r, TARN_EFORMAT);
	ck_assert_str_eq(got.err.msg, "Child returned status 3");
	free(got.data);
	got = read_program("a", "kill -9 $$;");
	ck_assert_int_eq(got.r, TARN_EFORMAT);
	ck_assert_str_eq(got.err.msg, "Child died with signal 9");
}
END_TEST

START_TEST(a_reader_that_is_freed_early_does_not_wait_for_its_program) {
	struct codec_settings settings = { .compression = COMPRESSION_PROGRAM,
		.program = "exec sleep 100;" };
	struct codec_reader *reader;
	struct error err;
	int fd = open("/dev/null", O_RDONLY);

	ck_assert_int_eq(codec_reader_new(&reader, &settings, fd, &err), TARN_OK);
	codec_reader_free(reader);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	close(fd);
}
END_TEST

START_TEST(a_directory_cannot_be_read) {
	struct content got = read_file(".");

	ck_assert_int_eq(got.r, TARN_ESYSTEM);
	ck_assert_str_eq(got.err.msg, "Cannot read: Is a directory");
}
END_TEST

static void add_damage(Suite *suite) {
	TCase *damage = tcase_create("damage");

	tcase_add_checked_fixture(damage, enter_work_directory, remove_work_directory);
	tcase_set_timeout(damage, 120);
	tcase_add_loop_test(damage, a_file_that_is_cut_is_an_error, 0, NFORMATS);
	tcase_add_loop_test(damage, what_was_good_before_the_damage_is_handed_out, 0, 5);
	tcase_add_loop_test(damage, of_a_piece_that_is_cut_and_damaged_nothing_is_handed_out, 0, 2);
	tcase_add_loop_test(damage, a_flipped_bit_is_an_error_or_harmless, 0, NFORMATS);
	tcase_add_loop_test(damage, what_is_damaged_is_called_by_its_name, 0, 3);
	tcase_add_test(damage, zstd_data_with_a_large_window_is_not_called_damaged);
	tcase_add_test(damage, an_error_is_given_again_and_drain_finds_it);
	tcase_add_test(damage, what_follows_lzip_is_no_part_of_it);
	tcase_add_test(damage, zeros_behind_gzip_are_padding_and_anything_else_is_garbage);
	tcase_add_loop_test(damage, a_full_disk_is_said_with_its_errno, 0, NFORMATS);
	tcase_add_test(damage, a_full_disk_is_not_only_met_at_the_end);
	tcase_add_loop_test(damage, a_closed_pipe_is_said_with_its_errno, 0, NFORMATS);
	tcase_add_loop_test(damage, a_writer_that_is_not_finished_leaves_no_end, 0, NFORMATS);
	tcase_add_test(damage, a_directory_cannot_be_read);
	suite_add_tcase(suite, damage);
}

static void add_programs(Suite *suite) {
	TCase *programs = tcase_create("programs");

	tcase_add_checked_fixture(programs, enter_work_directory, remove_work_directory);
	tcase_add_test(programs, a_program_with_arguments_compresses_and_decompresses);
	tcase_add_test(programs, the_status_of_a_program_that_compresses_is_an_error);
	tcase_add_test(programs, a_program_that_goes_away_is_no_signal);
	tcase_add_test(
	    programs, the_status_of_a_program_that_decompresses_is_an_error_behind_its_data);
	tcase_add_test(programs, a_reader_that_is_freed_early_does_not_wait_for_its_program);
	suite_add_tcase(suite, programs);
}

int main(void) {
	Suite *suite = suite_create("codec damage");

	add_damage(suite);
	add_programs(suite);
	return run_suite(suite);
}
