#include "config.h"

#include "codec.h"

#include <check.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "codec_files.h"
#include "codec_zstd_frame.h"
#include "codec_zstd_table.h"
#include "suite.h"

/*
 * What archives in pieces are good for: going to any place, going on with writing, and data beside
 * the stream.
 */

#define PIECE (64 * (size_t)1024)

static const enum compression seekable[] = { COMPRESSION_NONE, COMPRESSION_ZSTD, COMPRESSION_XZ };
#define NSEEKABLE ((int)(sizeof(seekable) / sizeof(seekable[0])))

/* Where reading begins, is in pieces, and near their borders. */
static const off_t places[] = { 0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 7 * PIECE + 99,
	10 * PIECE - 1, 10 * PIECE };
#define NPLACES (sizeof(places) / sizeof(places[0]))

static struct codec_settings in_pieces(enum compression compression) {
	return (struct codec_settings){
		.compression = compression,
		.piece_nbytes = PIECE,
		.nthreads = 2,
	};
}

static struct codec_reader *open_reader(const char *name, int *fd) {
	struct codec_reader *reader;
	struct error err;

	*fd = open(name, O_RDONLY);
	ck_assert_int_eq(
	    codec_reader_new(&reader, &(struct codec_settings){ 0 }, *fd, &err), TARN_OK);
	return reader;
}

static void close_reader(struct codec_reader *reader, int fd) {
	codec_reader_free(reader);
	close(fd);
}

/* ${reader} gives ${data}, and then its end. */
static void assert_rest_is(struct codec_reader *reader, const unsigned char *data, size_t nbytes) {
	struct error err;
	const void *got;
	size_t n;
	int r;

	while ((r = codec_read(reader, &got, &n, &err)) == TARN_OK) {
		ck_assert_uint_le(n, nbytes);
		ck_assert_int_eq(memcmp(got, data, n), 0);
		data += n;
		nbytes -= n;
	}
	ck_assert_msg(r == TARN_END, "%s", err.msg);
	ck_assert_uint_eq(nbytes, 0);
}

START_TEST(any_byte_can_be_gone_to_and_read_on_from) {
	unsigned char *data = mixed_bytes(10 * PIECE);
	struct error err;
	int fd;

	compress_file("a", in_pieces(seekable[_i]), data, 10 * PIECE, MIB);
	struct codec_reader *reader = open_reader("a", &fd);
	for (size_t i = NPLACES; i > 0; i--) {
		off_t at = places[i - 1];

		ck_assert_int_eq(codec_seek(reader, at, &err), TARN_OK);
		assert_rest_is(reader, data + at, 10 * PIECE - (size_t)at);
	}
	ck_assert_int_eq(codec_reader_size(reader), 10 * PIECE);
	close_reader(reader, fd);
	free(data);
}
END_TEST

START_TEST(going_back_in_what_came_out_last_decodes_nothing) {
	unsigned char *data = mixed_bytes(3 * PIECE);
	struct error err;
	const void *got;
	size_t n;
	int fd;

	compress_file("a", in_pieces(seekable[_i]), data, 3 * PIECE, MIB);
	struct codec_reader *reader = open_reader("a", &fd);
	ck_assert_int_eq(codec_seek(reader, PIECE, &err), TARN_OK);
	ck_assert_int_eq(codec_read(reader, &got, &n, &err), TARN_OK);
	ck_assert_uint_eq(n, PIECE);
	/* It could not be read once more. */
	ck_assert_int_eq(truncate("a", 0), 0);
	for (size_t back = 1; back <= PIECE; back += PIECE - 1) {
		ck_assert_int_eq(codec_seek(reader, (off_t)(2 * PIECE - back), &err), TARN_OK);
		ck_assert_int_eq(codec_read(reader, &got, &n, &err), TARN_OK);
		ck_assert_uint_eq(n, back);
		ck_assert_int_eq(memcmp(got, data + 2 * PIECE - back, n), 0);
	}
	/* Neither what is before nor what is behind it is there. */
	ck_assert_int_eq(codec_seek(reader, PIECE - 1, &err), TARN_OK);
	ck_assert_int_ne(codec_read(reader, &got, &n, &err), TARN_OK);
	close_reader(reader, fd);
	free(data);
}
END_TEST

START_TEST(pieces_end_where_they_are_told_to) {
	unsigned char *data = mixed_bytes(3 * PIECE);
	struct codec_settings settings = in_pieces(COMPRESSION_ZSTD);
	struct codec_writer *writer;
	struct error err;
	int fd = open("a", O_RDWR | O_CREAT, 0600);

	ck_assert_int_eq(codec_writer_new(&writer, &settings, fd, &err), TARN_OK);
	ck_assert_int_eq(codec_write(writer, data, 10, &err), TARN_OK);
	ck_assert_int_eq(codec_writer_end_piece(writer, &err), TARN_OK);
	ck_assert_int_eq(codec_writer_end_piece(writer, &err), TARN_OK);
	ck_assert_int_eq(codec_write(writer, data + 10, 2 * PIECE, &err), TARN_OK);
	ck_assert_int_eq(codec_writer_finish(writer, &err), TARN_OK);
	codec_writer_free(writer);
	close(fd);
	assert_file_is("a", data, 10 + 2 * PIECE);
	/* Three with content, and the seek table. */
	ck_assert(shell("zstd -lv a | grep -q '^# Zstandard Frames: 3$'"));
	ck_assert(shell("zstd -lv a | grep -q '^# Skippable Frames: 1$'"));
	free(data);
}
END_TEST

/* The same in a new file, with what is kept of the old one. */
static int go_on_in_copy(const char *name, const struct codec_settings *settings, off_t kept,
    const unsigned char *data, size_t nbytes, struct error *err) {
	struct codec_writer *writer;
	int reader_fd, fd = open("copy", O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct codec_reader *reader = open_reader(name, &reader_fd);
	int r = codec_writer_new(&writer, settings, fd, err);

	ck_assert_int_eq(r, TARN_OK);
	r = codec_copy(writer, reader, kept, err);
	if (r == TARN_OK)
		r = codec_write(writer, data, nbytes, err);
	if (r == TARN_OK)
		r = codec_writer_finish(writer, err);
	close_reader(reader, reader_fd);
	codec_writer_free(writer);
	close(fd);
	ck_assert_int_eq(rename("copy", name), 0);
	return r;
}

/* Write ${data} behind ${kept} bytes of what is in the file ${name}. */
static int go_on(const char *name, const struct codec_settings *settings, off_t kept,
    const unsigned char *data, size_t nbytes, struct error *err) {
	unsigned char held[8];
	size_t nheld = sizeof(held);
	struct codec_writer *writer = NULL;
	int reader_fd, fd = open(name, O_RDWR);
	struct codec_reader *reader = open_reader(name, &reader_fd);
	int r = codec_writer_continue(&writer, settings, reader, kept, fd, err);
	off_t begin = lseek(fd, 0, SEEK_CUR);

	close_reader(reader, reader_fd);
	if (r == TARN_OK)
		r = codec_writer_hold_back(writer, held, &nheld, err);
	if (r == TARN_OK)
		r = codec_write(writer, data, nbytes, err);
	if (r == TARN_OK)
		r = codec_writer_finish(writer, err);
	if (r == TARN_OK) {
		ck_assert_int_eq(pwrite(fd, held, nheld, begin), (ssize_t)nheld);
		ck_assert_int_eq(ftruncate(fd, lseek(fd, 0, SEEK_CUR)), 0);
	}
	codec_writer_free(writer);
	close(fd);
	/* A part of an xz block cannot be written again where it is. */
	ck_assert_int_eq(
	    r == TARN_END, settings->compression == COMPRESSION_XZ && kept % (off_t)PIECE != 0);
	return r == TARN_END ? go_on_in_copy(name, settings, kept, data, nbytes, err) : r;
}

START_TEST(an_archive_goes_on_at_any_byte) {
	struct codec_settings settings = in_pieces(seekable[_i]);
	unsigned char *data = mixed_bytes(20 * PIECE), *result = malloc(20 * PIECE);
	struct error err;
	int fd;

	for (size_t i = 0; i < NPLACES; i++) {
		size_t kept = (size_t)places[i], more = 5 * PIECE + 7;

		compress_file("a", settings, data, 10 * PIECE, MIB);
		int r = go_on("a", &settings, places[i], data + 10 * PIECE, more, &err);
		ck_assert_msg(r == TARN_OK, "%s", err.msg);
		memcpy(result, data, kept);
		memcpy(result + kept, data + 10 * PIECE, more);
		assert_file_is("a", result, kept + more);
		save("plain", result, kept + more);
		if (settings.compression == COMPRESSION_ZSTD)
			ck_assert(shell("zstd -qdc a | cmp - plain"));
		if (settings.compression == COMPRESSION_XZ)
			ck_assert(shell("xz -dc a | cmp - plain"));
		/* The places of old and new pieces are known. */
		struct codec_reader *reader = open_reader("a", &fd);
		ck_assert_int_eq(codec_reader_size(reader), (off_t)(kept + more));
		ck_assert_int_eq(codec_seek(reader, (off_t)kept, &err), TARN_OK);
		assert_rest_is(reader, data + 10 * PIECE, more);
		close_reader(reader, fd);
	}
	free(result);
	free(data);
}
END_TEST

/* Everything that comes out of ${name} with two threads: how much, and its end. */
static int read_through(const char *name, size_t *nbytes, struct error *err) {
	struct codec_settings settings = { .nthreads = 2 };
	struct codec_reader *reader;
	const void *data;
	size_t n;
	int fd = open(name, O_RDONLY), r = codec_reader_new(&reader, &settings, fd, err);

	*nbytes = 0;
	while (r == TARN_OK) {
		r = codec_read(reader, &data, &n, err);
		*nbytes += r == TARN_OK ? n : 0;
	}
	close_reader(reader, fd);
	return r;
}

START_TEST(what_is_no_piece_is_read_in_a_row_before_and_behind_pieces) {
	/* Too large, with and without its size in the header. */
	static const char *const commands[] = { "zstd -q", "xz -0",
		"xz -0 -T2 --block-size=90MiB" };
	struct error err;
	size_t nbytes;

	ck_assert(shell("head -c 1M /dev/zero | %s >small", commands[_i]));
	ck_assert(shell("head -c 100M /dev/zero | %s >large", commands[_i]));
	ck_assert(shell("cat small small large small large small >a"));
	ck_assert_int_eq(read_through("a", &nbytes, &err), TARN_END);
	ck_assert_uint_eq(nbytes, 204 * MIB);
	ck_assert(shell("cat small large >b && truncate -s -20 b"));
	ck_assert_int_eq(read_through("b", &nbytes, &err), TARN_EFORMAT);
	ck_assert_str_eq(err.msg, "Unexpected end of the compressed data");
}
END_TEST

START_TEST(a_frame_that_does_not_say_how_large_it_is_is_not_held_in_memory) {
	struct rusage usage;
	struct error err;
	size_t nbytes;
	int status;
	pid_t pid;

	ck_assert(shell("head -c 600M /dev/zero | zstd -q >a"));
	pid = fork();
	if (pid == 0)
		_exit(read_through("a", &nbytes, &err) == TARN_END && nbytes == 600 * MIB ? 0 : 1);
	ck_assert_int_eq(wait4(pid, &status, 0, &usage), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_lt(usage.ru_maxrss, 300 * 1024);
}
END_TEST

START_TEST(an_xz_footer_of_another_stream_is_damage) {
	struct error err;
	size_t nbytes;

	ck_assert(shell("echo text | xz >a && echo text | xz --check=crc32 >b"));
	ck_assert(shell("(head -c -12 a; tail -c 12 b) >c"));
	ck_assert_int_eq(read_through("c", &nbytes, &err), TARN_EFORMAT);
	ck_assert_uint_eq(nbytes, 5);
	ck_assert_str_eq(err.msg, "Damaged xz data");
}
END_TEST

/* The stream in the file ${name} becomes one whose check has the number ${check}. */
static void change_check(const char *name, unsigned int check) {
	size_t nbytes;
	unsigned char *data = load(name, &nbytes);
	unsigned char *footer = data + nbytes - LZMA_STREAM_HEADER_SIZE;
	lzma_stream_flags flags;

	ck_assert_int_eq(lzma_stream_footer_decode(&flags, footer), LZMA_OK);
	flags.check = (lzma_check)check;
	ck_assert_int_eq(lzma_stream_header_encode(&flags, data), LZMA_OK);
	ck_assert_int_eq(lzma_stream_footer_encode(&flags, footer), LZMA_OK);
	save(name, data, nbytes);
	free(data);
}

/* With and without sizes in the block's header. */
START_TEST(xz_data_whose_check_is_unknown_is_handed_out_with_an_error_behind_it) {
	static const char *const commands[] = { "xz -C crc32", "xz -C crc32 -T2" };
	struct codec_reader *reader;
	struct error err;
	size_t nbytes;
	int fd;

	ck_assert(shell("seq 1000 | %s >a && seq 1000 | xz >b", commands[_i]));
	/* As long as a CRC32. */
	change_check("a", 2);
	ck_assert(shell("cat a b >c"));
	ck_assert_int_eq(read_through("c", &nbytes, &err), TARN_EFORMAT);
	ck_assert_uint_eq(nbytes, 2 * 3893);
	ck_assert_str_eq(err.msg, "xz data with an unknown kind of check was not verified");
	/* Who goes to a place in it would not meet the error. */
	reader = open_reader("c", &fd);
	ck_assert_int_eq(codec_seek(reader, 5, &err), TARN_EREFUSED);
	close_reader(reader, fd);
}
END_TEST

START_TEST(all_before_the_damaged_piece_is_handed_out_and_nothing_of_it) {
	static const enum compression compressions[] = { COMPRESSION_ZSTD, COMPRESSION_XZ };
	struct codec_settings settings = in_pieces(compressions[_i % 2]);
	unsigned char *data = mixed_bytes(10 * MIB), *packed;
	size_t npacked;

	settings.piece_nbytes = MIB;
	compress_file("a", settings, data, 10 * MIB, MIB);
	packed = load("a", &npacked);
	packed[npacked * 57 / 100] ^= 1;
	save("b", packed, npacked);
	settings.nthreads = (unsigned int)_i / 2 + 1;
	struct content got = read_fd(open("b", O_RDONLY), &settings);
	ck_assert_int_eq(got.r, TARN_EFORMAT);
	ck_assert_uint_eq(got.nbytes, 5 * MIB);
	ck_assert_int_eq(memcmp(got.data, data, 5 * MIB), 0);
	free(got.data);
	free(packed);
	free(data);
}
END_TEST

START_TEST(reading_goes_on_elsewhere_after_damage) {
	struct codec_settings settings = in_pieces(seekable[_i]);
	unsigned char *data = mixed_bytes(10 * PIECE), *packed;
	struct error err;
	const void *got;
	size_t npacked, n;
	int fd, r;

	compress_file("a", settings, data, 10 * PIECE, MIB);
	packed = load("a", &npacked);
	packed[100] ^= 1;
	save("b", packed, npacked);
	struct codec_reader *reader = open_reader("b", &fd);
	while ((r = codec_read(reader, &got, &n, &err)) == TARN_OK)
		continue;
	ck_assert_int_eq(r, seekable[_i] == COMPRESSION_NONE ? TARN_END : TARN_EFORMAT);
	ck_assert_int_eq(codec_seek(reader, 4 * PIECE + 5, &err), TARN_OK);
	assert_rest_is(reader, data + 4 * PIECE + 5, 6 * PIECE - 5);
	close_reader(reader, fd);
	free(packed);
	free(data);
}
END_TEST

START_TEST(what_is_not_in_pieces_is_refused_and_read_on) {
	/* No word of its size, a single stream, and a format without pieces. */
	static const char *const commands[] = { "zstd -q", "gzip", "bzip2" };
	unsigned char *data = mixed_bytes(10 * PIECE);
	struct codec_settings settings = in_pieces(COMPRESSION_NONE);
	struct codec_writer *writer;
	struct error err;
	const void *got;
	size_t n;
	int fd;

	save("plain", data, 10 * PIECE);
	ck_assert(shell("cat plain | %s >a && cp a before", commands[_i]));
	struct codec_reader *reader = open_reader("a", &fd);
	ck_assert_int_eq(codec_read(reader, &got, &n, &err), TARN_OK);
	ck_assert_int_eq(codec_seek(reader, 5, &err), TARN_EREFUSED);
	ck_assert_int_eq(codec_reader_size(reader), -1);
	ck_assert_int_eq(
	    codec_writer_continue(&writer, &settings, reader, 5, -1, &err), TARN_EREFUSED);
	assert_rest_is(reader, data + n, 10 * PIECE - n);
	close_reader(reader, fd);
	free(data);
}
END_TEST

START_TEST(frames_without_a_table_are_found_by_their_headers) {
	unsigned char *data = mixed_bytes(3 * MIB);
	struct error err;
	int fd;

	save("plain", data, 3 * MIB);
	/* Each says its size when it is made from a file; and something to be skipped. */
	ck_assert(shell("split -b 1M plain part. && zstd -q part.* && "
	                "printf '\\120\\52\\115\\30\\3\\0\\0\\0abc' >skip && "
	                "cat part.aa.zst skip part.ab.zst part.ac.zst >a"));
	struct codec_reader *reader = open_reader("a", &fd);
	ck_assert_int_eq(codec_reader_size(reader), 3 * MIB);
	ck_assert_int_eq(codec_seek(reader, MIB + 7, &err), TARN_OK);
	assert_rest_is(reader, data + MIB + 7, 2 * MIB - 7);
	close_reader(reader, fd);
	free(data);
}
END_TEST

/* In the table of ${name}, frame ${n} loses ${nbytes} of its plain size to the one behind it. */
static void shift_in_table(const char *name, size_t n, uint32_t nbytes) {
	size_t size;
	unsigned char *data = load(name, &size), *footer = data + size - 9;
	unsigned char *entry = footer - 8 * (zstd_get32(footer) - n) + 4;

	zstd_put32(entry, zstd_get32(entry) - nbytes);
	zstd_put32(entry + 8, zstd_get32(entry + 8) + nbytes);
	save(name, data, size);
	free(data);
}

/* Frames that do not say their size, of a piece each, and a table that does. */
static void make_silent_frames(const char *name, const unsigned char *data, size_t n) {
	struct zstd_table table = { 0 };
	unsigned char *end;
	struct error err;
	struct stat st;
	size_t nbytes;

	ck_assert(shell(": >%s", name));
	for (size_t i = 0; i < n; i++) {
		save("plain", data + i * PIECE, PIECE);
		ck_assert(shell("cat plain | zstd -q >frame && cat frame >>%s", name));
		ck_assert_int_eq(stat("frame", &st), 0);
		ck_assert_int_eq(zstd_table_add(&table, st.st_size, PIECE, &err), TARN_OK);
	}
	ck_assert_int_eq(zstd_table_encode(&table, &end, &nbytes, &err), TARN_OK);
	save("table", end, nbytes);
	ck_assert(shell("cat table >>%s", name));
	free(end);
	zstd_table_fini(&table);
}

static void assert_is_spliced(const char *name, unsigned char *data, size_t kept, size_t nbytes) {
	memmove(data + kept, data + 10 * PIECE, nbytes);
	assert_file_is(name, data, kept + nbytes);
}

/* In the middle, or in the last two frames. */
START_TEST(sizes_in_a_table_that_frames_do_not_have_are_not_believed) {
	struct codec_settings settings = in_pieces(COMPRESSION_ZSTD);
	size_t kept = _i % 2 == 0 ? 5 * PIECE : 9 * PIECE;
	unsigned char *data = mixed_bytes(20 * PIECE);
	struct error err;

	compress_file("a", settings, data, 10 * PIECE, MIB);
	shift_in_table("a", kept / PIECE - 1, 2000);
	int r = (_i < 2 ? go_on : go_on_in_copy)(
	    "a", &settings, (off_t)kept, data + 10 * PIECE, PIECE + 7, &err);
	ck_assert_msg(r == TARN_OK, "%s", err.msg);
	assert_is_spliced("a", data, kept, PIECE + 7);
	free(data);
}
END_TEST

START_TEST(frames_that_do_not_say_their_size_are_decoded_whatever_a_table_says) {
	struct codec_settings settings = in_pieces(COMPRESSION_ZSTD);
	unsigned char *data = mixed_bytes(20 * PIECE);
	struct codec_writer *writer;
	struct error err;
	int fd;

	make_silent_frames("a", data, 10);
	shift_in_table("a", 0, PIECE);
	struct codec_reader *reader = open_reader("a", &fd);
	/* By the table it can go anywhere, but not go on there. */
	ck_assert_int_eq(codec_seek(reader, 9 * PIECE, &err), TARN_OK);
	ck_assert_int_eq(
	    codec_writer_continue(&writer, &settings, reader, 9 * PIECE, -1, &err), TARN_EREFUSED);
	close_reader(reader, fd);
	int r = go_on_in_copy("a", &settings, 5 * PIECE, data + 10 * PIECE, 7, &err);
	ck_assert_msg(r == TARN_OK, "%s", err.msg);
	assert_is_spliced("a", data, 5 * PIECE, 7);
	free(data);
}
END_TEST

START_TEST(who_goes_on_between_pieces_overwrites_none) {
	struct codec_settings settings = in_pieces(COMPRESSION_ZSTD);
	unsigned char *data = mixed_bytes(5 * PIECE);
	struct codec_writer *writer;
	struct error err;
	struct stat st;
	int reader_fd, fd;

	/* What has three pieces ends in their table: 8 bytes, 8 for each, and 9. */
	compress_file("three", settings, data, 3 * PIECE, MIB);
	ck_assert_int_eq(stat("three", &st), 0);
	compress_file("a", settings, data, 5 * PIECE, MIB);
	struct codec_reader *reader = open_reader("a", &reader_fd);
	fd = open("a", O_RDWR);
	ck_assert_int_eq(
	    codec_writer_continue(&writer, &settings, reader, 3 * PIECE, fd, &err), TARN_OK);
	ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), st.st_size - (8 + 3 * 8 + 9));
	codec_writer_free(writer);
	close_reader(reader, reader_fd);
	close(fd);
	assert_file_is("a", data, 5 * PIECE);
	free(data);
}
END_TEST

START_TEST(what_is_attached_is_found_and_no_decompressor_emits_it) {
	struct codec_settings settings = in_pieces(COMPRESSION_ZSTD);
	unsigned char *data = mixed_bytes(3 * PIECE);
	struct codec_writer *writer;
	struct error err;
	void *got;
	size_t nbytes;
	int fd = open("a", O_WRONLY | O_CREAT, 0600);

	ck_assert_int_eq(codec_writer_new(&writer, &settings, fd, &err), TARN_OK);
	ck_assert_int_eq(codec_write(writer, data, 3 * PIECE, &err), TARN_OK);
	ck_assert_int_eq(codec_writer_attach(writer, "note", 4, &err), TARN_OK);
	ck_assert_int_eq(codec_writer_finish(writer, &err), TARN_OK);
	codec_writer_free(writer);
	close(fd);
	struct codec_reader *reader = open_reader("a", &fd);
	ck_assert_int_eq(codec_reader_attached(reader, &got, &nbytes, &err), TARN_OK);
	ck_assert_uint_eq(nbytes, 4);
	ck_assert_mem_eq(got, "note", 4);
	free(got);
	assert_rest_is(reader, data, 3 * PIECE);
	close_reader(reader, fd);
	save("plain", data, 3 * PIECE);
	ck_assert(shell("zstd -qdc a | cmp - plain"));
	/* A size that is wrong is no reason to fail. */
	unsigned char *packed = load("a", &nbytes);
	packed[nbytes - 9] ^= 1;
	save("b", packed, nbytes);
	free(packed);
	reader = open_reader("b", &fd);
	ck_assert_int_eq(codec_reader_attached(reader, &got, &nbytes, &err), TARN_END);
	close_reader(reader, fd);
	assert_file_is("b", data, 3 * PIECE);
	/* Who goes on drops it. */
	ck_assert_int_eq(go_on("a", &settings, 3 * PIECE, data, 5, &err), TARN_OK);
	reader = open_reader("a", &fd);
	ck_assert_int_eq(codec_reader_attached(reader, &got, &nbytes, &err), TARN_END);
	close_reader(reader, fd);
	free(data);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("codec pieces");
	TCase *pieces = tcase_create("pieces");

	tcase_add_checked_fixture(pieces, enter_work_directory, remove_work_directory);
	tcase_set_timeout(pieces, 60);
	tcase_add_loop_test(pieces, any_byte_can_be_gone_to_and_read_on_from, 0, NSEEKABLE);
	tcase_add_loop_test(pieces, going_back_in_what_came_out_last_decodes_nothing, 1, NSEEKABLE);
	tcase_add_test(pieces, pieces_end_where_they_are_told_to);
	tcase_add_loop_test(pieces, an_archive_goes_on_at_any_byte, 0, NSEEKABLE);
	tcase_add_test(pieces, what_is_attached_is_found_and_no_decompressor_emits_it);
	tcase_add_test(pieces, who_goes_on_between_pieces_overwrites_none);
	tcase_add_loop_test(
	    pieces, sizes_in_a_table_that_frames_do_not_have_are_not_believed, 0, 4);
	tcase_add_test(pieces, frames_that_do_not_say_their_size_are_decoded_whatever_a_table_says);
	tcase_add_test(pieces, a_frame_that_does_not_say_how_large_it_is_is_not_held_in_memory);
	tcase_add_test(pieces, an_xz_footer_of_another_stream_is_damage);
	tcase_add_loop_test(
	    pieces, xz_data_whose_check_is_unknown_is_handed_out_with_an_error_behind_it, 0, 2);
	tcase_add_loop_test(
	    pieces, what_is_no_piece_is_read_in_a_row_before_and_behind_pieces, 0, 3);
	tcase_add_loop_test(
	    pieces, all_before_the_damaged_piece_is_handed_out_and_nothing_of_it, 0, 4);
	tcase_add_loop_test(pieces, reading_goes_on_elsewhere_after_damage, 0, NSEEKABLE);
	tcase_add_loop_test(pieces, what_is_not_in_pieces_is_refused_and_read_on, 0, 3);
	tcase_add_test(pieces, frames_without_a_table_are_found_by_their_headers);
	suite_add_tcase(suite, pieces);
	return run_suite(suite);
}
