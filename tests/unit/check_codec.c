#include "config.h"

#include "codec.h"

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "codec_detect.h"
#include "codec_files.h"
#include "suite.h"

/*
 * Round trips through files and pipes, both ways between tarn and the programs of each format, and
 * what a file is taken for.
 */

static bool is_there(const char *program) {
	char word[32];

	sscanf(program, "%31s", word);
	if (shell("command -v %s >/dev/null", word)) {
		return true;
	}
	fprintf(stderr, "skipped: there is no %s\n", word);
	return false;
}

START_TEST(what_was_written_is_read_back) {
	static const size_t sizes[] = { 0, 1, 10240, 5 * 65536, 3 * MIB + 7, 16 * MIB };
	enum compression compression = formats[_i].compression;
	/* The others take their time, and have nothing that is larger than the smaller sizes. */
	bool is_fast = compression == COMPRESSION_NONE || compression == COMPRESSION_GZIP ||
	    compression == COMPRESSION_LZ4 || compression == COMPRESSION_ZSTD;
	unsigned char *data = mixed_bytes(16 * MIB);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) - !is_fast; i++) {
		compress_file("a", (struct codec_settings){ .compression = compression }, data,
		    sizes[i], MIB / 3);
		assert_file_is("a", data, sizes[i]);
	}
	free(data);
}
END_TEST

START_TEST(programs_read_what_was_written) {
	const struct stream_format *format = &formats[_i];
	unsigned char *data = mixed_bytes(MIB);

	if (format->program != NULL && is_there(format->program)) {
		save("plain", data, MIB);
		compress_file("a", (struct codec_settings){ .compression = format->compression },
		    data, MIB, 10240);
		ck_assert(shell("%s -t <a 2>messages", format->program));
		ck_assert(shell("%s -dc <a | cmp - plain", format->program));
	}
	free(data);
}
END_TEST

START_TEST(what_programs_wrote_is_read) {
	const struct stream_format *format = &formats[_i];
	unsigned char *data = mixed_bytes(MIB);

	/* Those for lzip and compress only read them. */
	if (format->program != NULL && format->compression != COMPRESSION_LZIP &&
	    format->compression != COMPRESSION_COMPRESS && is_there(format->program)) {
		save("plain", data, MIB);
		ck_assert(shell("%s -c <plain >a", format->program));
		assert_file_is("a", data, MIB);
	}
	free(data);
}
END_TEST

/* It has no magic: encoders may choose the properties, the dictionary, and whether to tell the size. */
START_TEST(every_header_of_lzma_is_recognised) {
	static const char *const settings[] = { "dict=4KiB", "dict=96KiB", "dict=8MiB",
		"dict=64KiB,lc=0,lp=4,pb=4", "dict=3MiB,lc=4,lp=0,pb=0" };
	static const char *const others[] = { "lc + lp is 6", "no such size of a dictionary",
		"too large" };
	static const unsigned char headers[][13] = { { 0x5d + 9 * 3, 0, 0, 1, 0 },
		{ 0x5e, 0, 0, 5, 0 }, { 0x5e, 0, 0, 1, 0, 0, 0, 0, 0, 0x40 } };
	unsigned char *data = mixed_bytes(MIB), known[13 + 1] = "\x5e\0\0\1\0\0\0\1";

	save("plain", data, MIB);
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		ck_assert(
		    shell("xz -T1 --format=lzma --lzma1=preset=0,%s -c plain >a", settings[i]));
		assert_file_is("a", data, MIB);
	}
	ck_assert_int_eq(codec_detect(known, sizeof(known)), COMPRESSION_LZMA);
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		ck_assert_msg(codec_detect(headers[i], sizeof(headers[i])) == COMPRESSION_NONE,
		    "%s", others[i]);
	free(data);
}
END_TEST

START_TEST(streams_behind_each_other_are_read_whole) {
	struct codec_settings settings = { .compression = formats[_i].compression };
	/* The first part is a multiple of the blocks in which decoders work. */
	size_t first = 4 * 65536, nbytes = MIB;
	unsigned char *data = mixed_bytes(nbytes);

	/* Neither format can be told where one stream ends and the next begins. */
	if (settings.compression != COMPRESSION_LZMA &&
	    settings.compression != COMPRESSION_COMPRESS) {
		compress_file("a", settings, data, first, MIB);
		compress_file("b", settings, data + first, nbytes - first, MIB);
		ck_assert(shell("cat a b >ab"));
		assert_file_is("ab", data, nbytes);
	}
	free(data);
}
END_TEST

/* Sizes beyond what one thread gets at a time: a block of xz has 24 MiB, a job of zstd 8. */
static const struct {
	enum compression compression;
	size_t nbytes;
} threaded[] = { { COMPRESSION_XZ, 30 * MIB }, { COMPRESSION_ZSTD, 20 * MIB } };

START_TEST(bytes_are_the_same_for_any_number_of_threads_and_any_pieces) {
	struct codec_settings settings = { .compression = threaded[_i].compression, .nthreads = 1 };
	size_t nbytes = threaded[_i].nbytes, n1, n2;
	unsigned char *data = calloc(1, nbytes);

	/* Mostly alike, so that it takes no time. */
	for (size_t i = 0; i < nbytes; i += 4096) {
		memcpy(data + i, &i, sizeof(i));
	}
	compress_file("1", settings, data, nbytes, MIB);
	unsigned char *one = load("1", &n1);
	for (settings.nthreads = 0; settings.nthreads < 4; settings.nthreads += 3) {
		compress_file("n", settings, data, nbytes, 300000);
		unsigned char *other = load("n", &n2);
		ck_assert_uint_eq(n1, n2);
		ck_assert_int_eq(memcmp(one, other, n1), 0);
		free(other);
	}
	free(one);
	free(data);
}
END_TEST

START_TEST(the_time_is_not_in_the_bytes) {
	struct codec_settings settings = { .compression = COMPRESSION_GZIP };

	compress_file("a", settings, (const unsigned char *)"x", 1, 1);
	/* MTIME of RFC 1952: zero for "not available". */
	ck_assert(shell("test \"$(od -An -tx1 -j4 -N4 a)\" = ' 00 00 00 00'"));
}
END_TEST

START_TEST(zstd_frames_have_a_checksum) {
	compress_file("a", (struct codec_settings){ .compression = COMPRESSION_ZSTD },
	    (const unsigned char *)"some text", 9, 9);
	/* Frame_Header_Descriptor, bit 2: Content_Checksum_flag (RFC 8878). */
	size_t nbytes;
	unsigned char *data = load("a", &nbytes);
	ck_assert_uint_eq(data[4] & 4, 4);
	free(data);
}
END_TEST

START_TEST(skippable_zstd_frames_give_nothing_wherever_they_are) {
	static const char skippable[] = "\x5a\x2a\x4d\x18\x05\0\0\0abcde";
	unsigned char *data = mixed_bytes(MIB);

	save("s", skippable, sizeof(skippable) - 1);
	compress_file(
	    "a", (struct codec_settings){ .compression = COMPRESSION_ZSTD }, data, MIB / 2, MIB);
	compress_file("b", (struct codec_settings){ .compression = COMPRESSION_ZSTD },
	    data + MIB / 2, MIB / 2, MIB);
	ck_assert(shell("cat s a s s b s >c; head -c 5 s >cut; cat a b cut >d"));
	assert_file_is("c", data, MIB);
	assert_file_is("s", NULL, 0);
	struct content got = read_file("d");
	ck_assert_int_eq(got.r, TARN_EFORMAT);
	ck_assert(is_content(&got, data, MIB));
	free(got.data);
	free(data);
}
END_TEST

/* Magic numbers as the first bytes of a name. */
static const char *const names[] = { "BZh91AY&SYname", "LZIP\1\x0cname", "\x1f\x8b\x08name",
	"\x28\xb5\x2f\xfdname", "\x04\x22\x4d\x18name", "\3757zXZ" };

START_TEST(a_tar_header_is_plain_whatever_its_name_begins_with) {
	unsigned char block[512] = { 0 };
	unsigned int sum = 8 * ' ';
	struct content got;

	memcpy(block, names[_i], strlen(names[_i]));
	save("magic", block, sizeof(block));
	for (size_t i = 0; i < sizeof(block); i++) {
		sum += block[i];
	}
	/* Without the header's checksum it is what its magic number says: nothing good. */
	if (strlen(names[_i]) > 6) {
		got = read_file("magic");
		ck_assert_int_eq(got.r, TARN_EFORMAT);
		free(got.data);
	}
	snprintf((char *)block + 148, 8, "%06o", sum);
	save("tar", block, sizeof(block));
	assert_file_is("tar", block, sizeof(block));
}
END_TEST

START_TEST(only_one_layer_is_taken_off) {
	unsigned char *packed;
	size_t npacked;

	compress_file("a", (struct codec_settings){ .compression = COMPRESSION_XZ },
	    (const unsigned char *)"text", 4, 4);
	packed = load("a", &npacked);
	compress_file(
	    "b", (struct codec_settings){ .compression = COMPRESSION_ZSTD }, packed, npacked, MIB);
	assert_file_is("b", packed, npacked);
	free(packed);
}
END_TEST

START_TEST(no_content_runs_a_program) {
	/* The magic numbers for which libarchive would look for lrzip and lzop in PATH. */
	static const char magics[2][10] = { "LRZI\0\6", "\x89LZO\0\r\n\x1a\n" };
	char content[64] = { 0 };

	ck_assert(shell("for p in lrzip lzop grzip; do printf '#!/bin/sh\n:>%s/ran\n' >$p;"
	                "chmod +x $p; done",
	    work_directory));
	char *path = strdup(getenv("PATH"));
	setenv("PATH", work_directory, 1);
	for (size_t i = 0; i < 2; i++) {
		memcpy(content, magics[i], sizeof(magics[i]));
		save("a", content, sizeof(content));
		assert_file_is("a", content, sizeof(content));
	}
	ck_assert_int_ne(access("ran", F_OK), 0);
	setenv("PATH", path, 1);
	free(path);
}
END_TEST

START_TEST(a_pipe_that_gives_its_bytes_one_by_one_is_recognised) {
	unsigned char *data = mixed_bytes(1000);
	int ends[2];
	size_t npacked;

	compress_file(
	    "a", (struct codec_settings){ .compression = COMPRESSION_ZSTD }, data, 1000, 1000);
	unsigned char *packed = load("a", &npacked);
	ck_assert_int_eq(pipe(ends), 0);
	if (fork() == 0) {
		for (size_t i = 0; i < npacked; i++) {
			usleep(i < 8 ? 2000 : 0);
			if (write(ends[1], packed + i, 1) != 1) {
				_exit(1);
			}
		}
		_exit(0);
	}
	close(ends[1]);
	struct content got = read_fd(ends[0], &(struct codec_settings){ 0 });
	ck_assert_int_eq(got.r, TARN_END);
	ck_assert(is_content(&got, data, 1000));
	wait(NULL);
	free(got.data);
	free(packed);
	free(data);
}
END_TEST

START_TEST(skip_goes_to_the_right_byte_and_never_past_the_end) {
	unsigned char *data = mixed_bytes(3 * MIB);
	struct codec_reader *reader;
	struct error err;
	const void *next;
	size_t nbytes;

	save("a", data, 3 * MIB);
	int fd = open("a", O_RDONLY);
	ck_assert_int_eq(
	    codec_reader_new(&reader, &(struct codec_settings){ 0 }, fd, &err), TARN_OK);
	ck_assert_int_eq(codec_reader_compression(reader), COMPRESSION_NONE);
	ck_assert_int_eq(codec_skip(reader, 100), 0);
	ck_assert_int_eq(codec_skip(reader, MIB), MIB);
	ck_assert_int_eq(codec_read(reader, &next, &nbytes, &err), TARN_OK);
	ck_assert_int_eq(memcmp(next, data + MIB, nbytes), 0);
	ck_assert_int_eq(codec_skip(reader, INT64_MAX), (off_t)(2 * MIB - nbytes));
	ck_assert_int_eq(codec_skip(reader, INT64_MAX), 0);
	ck_assert_int_eq(codec_read(reader, &next, &nbytes, &err), TARN_END);
	codec_reader_free(reader);
	close(fd);
	free(data);
}
END_TEST

START_TEST(compressed_data_is_not_skipped) {
	struct codec_reader *reader;
	struct error err;
	unsigned char *data = mixed_bytes(2 * MIB);

	compress_file(
	    "a", (struct codec_settings){ .compression = COMPRESSION_ZSTD }, data, 2 * MIB, MIB);
	int fd = open("a", O_RDONLY);
	ck_assert_int_eq(
	    codec_reader_new(&reader, &(struct codec_settings){ 0 }, fd, &err), TARN_OK);
	ck_assert_int_eq(codec_reader_compression(reader), COMPRESSION_ZSTD);
	ck_assert_int_eq(codec_skip(reader, 2 * MIB), 0);
	codec_reader_free(reader);
	close(fd);
	free(data);
}
END_TEST

/* The signed sum of this block is -1, which is no checksum that it has stored. */
START_TEST(block_without_a_checksum_is_no_tar_header) {
	unsigned char block[CODEC_DETECT_NBYTES] = "\x28\xb5\x2f\xfd";
	int sum = 8 * ' ' + (0x28 + (signed char)0xb5 + 0x2f + (signed char)0xfd);

	for (size_t i = 200; sum > -1; i++) {
		int step = sum + 1 < 100 ? sum + 1 : 100;

		block[i] = (unsigned char)-step;
		sum -= step;
	}
	ck_assert_int_eq(sum, -1);
	ck_assert_int_eq(codec_detect(block, sizeof(block)), COMPRESSION_ZSTD);
}
END_TEST

START_TEST(suffixes_are_those_of_tar) {
	ck_assert_int_eq(codec_of_suffix("a.tar"), COMPRESSION_NONE);
	ck_assert_int_eq(codec_of_suffix("gz"), COMPRESSION_NONE);
	ck_assert_int_eq(codec_of_suffix("a.tar.gz"), COMPRESSION_GZIP);
	ck_assert_int_eq(codec_of_suffix("a.b.tgz"), COMPRESSION_GZIP);
	ck_assert_int_eq(codec_of_suffix("a.taz"), COMPRESSION_GZIP);
	ck_assert_int_eq(codec_of_suffix("a.taZ"), COMPRESSION_COMPRESS);
	ck_assert_int_eq(codec_of_suffix("a.tar.Z"), COMPRESSION_COMPRESS);
	ck_assert_int_eq(codec_of_suffix("a.tbz2"), COMPRESSION_BZIP2);
	ck_assert_int_eq(codec_of_suffix("a.tar.lz"), COMPRESSION_LZIP);
	ck_assert_int_eq(codec_of_suffix("a.tlz"), COMPRESSION_LZMA);
	ck_assert_int_eq(codec_of_suffix("a.txz"), COMPRESSION_XZ);
	ck_assert_int_eq(codec_of_suffix("a.tar.zst"), COMPRESSION_ZSTD);
	ck_assert_int_eq(codec_of_suffix("a.tar.lz4"), COMPRESSION_LZ4);
	ck_assert_int_eq(codec_of_suffix("a.tar.zst.old"), COMPRESSION_NONE);
}
END_TEST

static void add_round_trips(Suite *suite) {
	TCase *round_trips = tcase_create("round trips");

	tcase_add_checked_fixture(round_trips, enter_work_directory, remove_work_directory);
	tcase_set_timeout(round_trips, 120);
	tcase_add_loop_test(round_trips, what_was_written_is_read_back, 0, NFORMATS);
	tcase_add_loop_test(round_trips, programs_read_what_was_written, 0, NFORMATS);
	tcase_add_loop_test(round_trips, what_programs_wrote_is_read, 0, NFORMATS);
	tcase_add_loop_test(round_trips, streams_behind_each_other_are_read_whole, 0, NFORMATS);
	tcase_add_loop_test(
	    round_trips, bytes_are_the_same_for_any_number_of_threads_and_any_pieces, 0, 2);
	tcase_add_test(round_trips, every_header_of_lzma_is_recognised);
	tcase_add_test(round_trips, the_time_is_not_in_the_bytes);
	tcase_add_test(round_trips, zstd_frames_have_a_checksum);
	tcase_add_test(round_trips, skippable_zstd_frames_give_nothing_wherever_they_are);
	suite_add_tcase(suite, round_trips);
}

static void add_recognition(Suite *suite) {
	TCase *recognition = tcase_create("recognition");

	tcase_add_checked_fixture(recognition, enter_work_directory, remove_work_directory);
	tcase_add_loop_test(recognition, a_tar_header_is_plain_whatever_its_name_begins_with, 0,
	    (int)(sizeof(names) / sizeof(names[0])));
	tcase_add_test(recognition, only_one_layer_is_taken_off);
	tcase_add_test(recognition, no_content_runs_a_program);
	tcase_add_test(recognition, a_pipe_that_gives_its_bytes_one_by_one_is_recognised);
	tcase_add_test(recognition, skip_goes_to_the_right_byte_and_never_past_the_end);
	tcase_add_test(recognition, compressed_data_is_not_skipped);
	tcase_add_test(recognition, block_without_a_checksum_is_no_tar_header);
	tcase_add_test(recognition, suffixes_are_those_of_tar);
	suite_add_tcase(suite, recognition);
}

int main(void) {
	Suite *suite = suite_create("codec");

	add_round_trips(suite);
	add_recognition(suite);
	return run_suite(suite);
}
