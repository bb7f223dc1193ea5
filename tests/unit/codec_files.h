#ifndef TARN_TEST_CODEC_FILES_H
#define TARN_TEST_CODEC_FILES_H

#include <check.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec.h"
#include "work_directory.h"

/* What the tests of the codecs share: files in a directory of their own, written and read whole. */

#define MIB ((size_t)1024 * 1024)

struct stream_format {
	enum compression compression;
	const char *program; /* of the format; works on stdin with -c, -dc and -t */
	bool notices_flips;  /* the format has checksums */
	bool notices_cuts;   /* the format has an end */
};

static const struct stream_format formats[] = {
	{ COMPRESSION_GZIP, "gzip", true, true },
	{ COMPRESSION_BZIP2, "bzip2", true, true },
	{ COMPRESSION_XZ, "xz", true, true },
	{ COMPRESSION_LZMA, "xz --format=lzma", false, true },
	{ COMPRESSION_LZIP, "xz --format=lzip", true, true },
	{ COMPRESSION_LZ4, "lz4", true, true },
	{ COMPRESSION_ZSTD, "zstd", true, true },
	{ COMPRESSION_COMPRESS, "gzip", false, false },
	{ COMPRESSION_NONE, NULL, false, false },
};
#define NFORMATS ((int)(sizeof(formats) / sizeof(formats[0])))

/* Everything that a reader gave, up to its end or error. */
struct content {
	unsigned char *data;
	size_t nbytes;
	int r; /* TARN_END, or the error: */
	struct error err;
};

/* Lines of text, and half of it noise; the same at every run. */
static unsigned char *mixed_bytes(size_t nbytes) {
	unsigned char *data = malloc(nbytes + 1);
	uint64_t state = 88172645463325252U;

	ck_assert_ptr_nonnull(data);
	for (size_t i = 0; i < nbytes; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		data[i] = i / 4096 % 2 == 0 ? (unsigned char)("some line of text\n"[i % 18]) :
		                              (unsigned char)(state >> 32);
	}
	return data;
}

static bool shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static bool shell(const char *format, ...) {
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	return system(command) == 0;
}

static void save(const char *name, const void *data, size_t nbytes) {
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_eq(write(fd, data, nbytes), (ssize_t)nbytes);
	close(fd);
}

static unsigned char *load(const char *name, size_t *nbytes) {
	int fd = open(name, O_RDONLY);
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	*nbytes = (size_t)st.st_size;
	unsigned char *data = malloc(*nbytes + 1);
	ck_assert_int_eq(read(fd, data, *nbytes), st.st_size);
	close(fd);
	return data;
}

/* Write ${data} in pieces of ${piece} bytes to ${fd}; returns the first error, and finishes. */
static int compress_to(int fd, const struct codec_settings *settings, const unsigned char *data,
    size_t nbytes, size_t piece, struct error *err) {
	struct codec_writer *writer = NULL;
	int r = codec_writer_new(&writer, settings, fd, err);

	for (size_t at = 0; r == TARN_OK && at < nbytes; at += piece) {
		r = codec_write(writer, data + at, nbytes - at < piece ? nbytes - at : piece, err);
	}
	if (r == TARN_OK) {
		r = codec_writer_finish(writer, err);
	}
	codec_writer_free(writer);
	return r;
}

static void compress_file(const char *name, struct codec_settings settings,
    const unsigned char *data, size_t nbytes, size_t piece) {
	struct error err;
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int r = compress_to(fd, &settings, data, nbytes, piece, &err);

	ck_assert_msg(r == TARN_OK, "%s", err.msg);
	close(fd);
}

static struct content read_fd(int fd, const struct codec_settings *settings) {
	struct codec_reader *reader = NULL;
	struct content got = { 0 };

	got.r = codec_reader_new(&reader, settings, fd, &got.err);
	while (got.r == TARN_OK) {
		const void *data;
		size_t nbytes;
		got.r = codec_read(reader, &data, &nbytes, &got.err);
		if (got.r == TARN_OK) {
			ck_assert_uint_gt(nbytes, 0);
			got.data = realloc(got.data, got.nbytes + nbytes);
			memcpy(got.data + got.nbytes, data, nbytes);
			got.nbytes += nbytes;
		}
	}
	codec_reader_free(reader);
	close(fd);
	return got;
}

static struct content read_file(const char *name) {
	return read_fd(open(name, O_RDONLY), &(struct codec_settings){ 0 });
}

static bool is_content(const struct content *got, const void *data, size_t nbytes) {
	return got->nbytes == nbytes && (nbytes == 0 || memcmp(got->data, data, nbytes) == 0);
}

static void assert_file_is(const char *name, const void *data, size_t nbytes) {
	struct content got = read_file(name);

	ck_assert_msg(got.r == TARN_END, "%s", got.err.msg);
	ck_assert(is_content(&got, data, nbytes));
	free(got.data);
}

#endif
