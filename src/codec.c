#include "config.h"

#include "codec.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codec_decoder.h"
#include "codec_input.h"
#include "codec_program.h"

/*
 * Reading.  The first block of the file decides how: a tar header is a plain archive whatever its
 * first name looks like, else magic numbers tell.  Exactly one layer of compression is taken off,
 * and no content makes a program run: of libarchive's filters only the one that is wanted is
 * switched on, and only those that work in this process are ever wanted.
 */

/* What comes out of a decoder at a time. */
#define OUTPUT_NBYTES ((size_t)256 * 1024)

#define TAR_BLOCK_NBYTES 512
#define TAR_CHECKSUM_OFFSET 148
#define TAR_CHECKSUM_NBYTES 8

struct codec_reader {
	int (*read)(
	    struct codec_reader *reader, const void **data, size_t *nbytes, struct error *err);
	struct codec_input input;
	bool is_plain;
	struct program program;  /* COMPRESSION_PROGRAM */
	struct decoder *decoder; /* what tarn decodes itself */
	unsigned char *out;      /* its output */
	struct archive *archive; /* what libarchive decodes */
	int state;               /* what every further read returns, when not TARN_OK: */
	struct error state_error;
};

enum compression codec_of_suffix(const char *filename) {
	static const struct {
		const char *suffix;
		enum compression compression;
	} suffixes[] = {
		{ "gz", COMPRESSION_GZIP },
		{ "tgz", COMPRESSION_GZIP },
		{ "taz", COMPRESSION_GZIP },
		{ "Z", COMPRESSION_COMPRESS },
		{ "taZ", COMPRESSION_COMPRESS },
		{ "bz2", COMPRESSION_BZIP2 },
		{ "tbz", COMPRESSION_BZIP2 },
		{ "tbz2", COMPRESSION_BZIP2 },
		{ "tz2", COMPRESSION_BZIP2 },
		{ "lz", COMPRESSION_LZIP },
		{ "lzma", COMPRESSION_LZMA },
		{ "tlz", COMPRESSION_LZMA },
		{ "xz", COMPRESSION_XZ },
		{ "txz", COMPRESSION_XZ },
		{ "zst", COMPRESSION_ZSTD },
		{ "tzst", COMPRESSION_ZSTD },
		{ "lz4", COMPRESSION_LZ4 },
		{ "tlz4", COMPRESSION_LZ4 },
	};
	const char *dot = strrchr(filename, '.');

	for (size_t i = 0; dot != NULL && i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (strcmp(dot + 1, suffixes[i].suffix) == 0) {
			return suffixes[i].compression;
		}
	}
	return COMPRESSION_NONE;
}

/* The number in the checksum field of a header: octal digits, maybe behind spaces; -1 for none. */
static long stored_checksum(const unsigned char *field) {
	long sum = -1;
	size_t i = 0;

	while (i < TAR_CHECKSUM_NBYTES && field[i] == ' ') {
		i++;
	}
	for (; i < TAR_CHECKSUM_NBYTES && field[i] >= '0' && field[i] <= '7'; i++) {
		sum = (sum < 0 ? 0 : sum * 8) + (field[i] - '0');
	}
	return sum;
}

/* True for a tar header of any kind: v7 has nothing but the checksum to be known by. */
static bool is_tar_header(const unsigned char *block) {
	long stored = stored_checksum(block + TAR_CHECKSUM_OFFSET);
	/* Some old tars summed up signed chars. */
	long sum = 0, signed_sum = 0;

	for (size_t i = 0; i < TAR_BLOCK_NBYTES; i++) {
		bool in_field =
		    i >= TAR_CHECKSUM_OFFSET && i < TAR_CHECKSUM_OFFSET + TAR_CHECKSUM_NBYTES;
		sum += in_field ? ' ' : block[i];
		signed_sum += in_field ? ' ' : (signed char)block[i];
	}
	return stored == sum || stored == signed_sum;
}

/* The compression of a file that begins with ${data}. */
static enum compression detect(const unsigned char *data, size_t nbytes) {
	static const struct {
		const char *magic;
		size_t nbytes;
		enum compression compression;
	} magics[] = {
		{ "\x1f\x8b", 2, COMPRESSION_GZIP },
		{ "\x1f\x9d", 2, COMPRESSION_COMPRESS },
		{ "BZh", 3, COMPRESSION_BZIP2 },
		{ "\3757zXZ\0", 6, COMPRESSION_XZ },
		{ "LZIP", 4, COMPRESSION_LZIP },
		/* The usual properties, and the low half of a dictionary size from 64 KiB up. */
		{ "\x5d\0\0", 3, COMPRESSION_LZMA },
		{ "\x04\x22\x4d\x18", 4, COMPRESSION_LZ4 },
		{ "\x02\x21\x4c\x18", 4, COMPRESSION_LZ4 }, /* its legacy frames */
		{ "\x28\xb5\x2f\xfd", 4, COMPRESSION_ZSTD },
	};

	if (nbytes >= TAR_BLOCK_NBYTES && is_tar_header(data)) {
		return COMPRESSION_NONE;
	}
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (nbytes >= magics[i].nbytes &&
		    memcmp(data, magics[i].magic, magics[i].nbytes) == 0) {
			return magics[i].compression;
		}
	}
	/* A skippable frame; lz4 has the same, but only zstd files are known to begin with one. */
	if (nbytes >= 4 && (data[0] & 0xf0) == 0x50 && memcmp(data + 1, "\x2a\x4d\x18", 3) == 0) {
		return COMPRESSION_ZSTD;
	}
	return COMPRESSION_NONE;
}

static int read_plain(
    struct codec_reader *reader, const void **data, size_t *nbytes, struct error *err) {
	return codec_input_take(&reader->input, data, nbytes, err);
}

static int read_program(
    struct codec_reader *reader, const void **data, size_t *nbytes, struct error *err) {
	int r = codec_input_take(&reader->input, data, nbytes, err);

	if (r == TARN_END) {
		int status = program_finish(&reader->program, err);
		return status != TARN_OK ? status : TARN_END;
	}
	return r;
}

static int read_decoder(
    struct codec_reader *reader, const void **data, size_t *nbytes, struct error *err) {
	struct codec_input *input = &reader->input;
	struct decoder_io io = { .out = reader->out, .out_nbytes = OUTPUT_NBYTES };
	int r = TARN_OK;

	while (r == TARN_OK && io.out_nbytes > 0) {
		r = codec_input_fill(input, err);
		if (r != TARN_OK && r != TARN_END) {
			break;
		}
		io.in = input->buf + input->begin;
		io.in_nbytes = input->end - input->begin;
		io.in_ends = r == TARN_END;
		r = reader->decoder->decode(reader->decoder, &io, err);
		input->begin = input->end - io.in_nbytes;
	}
	*data = reader->out;
	*nbytes = OUTPUT_NBYTES - io.out_nbytes;
	if (*nbytes > 0 && r != TARN_OK) {
		/* First what was decoded, at the next call why there is no more. */
		reader->state = r;
		reader->state_error = *err;
		return TARN_OK;
	}
	return r;
}

/* What libarchive has to say, or why it got no input. */
static int libarchive_error(struct codec_reader *reader, struct error *err) {
	if (reader->state != TARN_OK) {
		*err = reader->state_error;
		return reader->state;
	}
	if (archive_errno(reader->archive) == ENOMEM) {
		return err_nomem(err);
	}
	const char *why = archive_error_string(reader->archive);
	return err_set(err, TARN_EFORMAT, 0, "Damaged compressed data: %s",
	    why != NULL ? why : "unknown error");
}

static int read_libarchive(
    struct codec_reader *reader, const void **data, size_t *nbytes, struct error *err) {
	la_int64_t offset;

	switch (archive_read_data_block(reader->archive, data, nbytes, &offset)) {
	case ARCHIVE_OK:
		return *nbytes > 0 ? TARN_OK : TARN_END;
	case ARCHIVE_EOF:
		return TARN_END;
	default:
		return libarchive_error(reader, err);
	}
}

static la_ssize_t feed_libarchive(struct archive *a, void *data, const void **block) {
	struct codec_reader *reader = data;
	size_t nbytes = 0;
	int r = codec_input_take(&reader->input, block, &nbytes, &reader->state_error);

	if (r != TARN_OK && r != TARN_END) {
		reader->state = r;
		archive_set_error(a, reader->state_error.errnum, "%s", reader->state_error.msg);
		return -1;
	}
	return (la_ssize_t)nbytes;
}

/*
 * Libarchive hands out what its filter decodes as the content of the only member of a "raw"
 * archive; no content at all is another format to it, "empty".  ${support_filter} switches on the
 * one filter that may be used; that it is used once, and not for what it has decoded again, and
 * that a header which it does not like does not make the file a plain one, is seen by the count.
 */
static int open_libarchive(
    struct codec_reader *reader, int (*support_filter)(struct archive *), struct error *err) {
	struct archive *a = archive_read_new();
	struct archive_entry *entry;

	if (a == NULL) {
		return err_nomem(err);
	}
	reader->archive = a;
	reader->read = read_libarchive;
	if (support_filter(a) != ARCHIVE_OK || archive_read_support_format_raw(a) != ARCHIVE_OK ||
	    archive_read_support_format_empty(a) != ARCHIVE_OK ||
	    archive_read_open(a, reader, NULL, feed_libarchive, NULL) != ARCHIVE_OK) {
		return libarchive_error(reader, err);
	}
	/* The filter, and one that stands for the file. */
	if (archive_filter_count(a) != 2) {
		return err_set(err, TARN_EFORMAT, 0, "Damaged compressed data: invalid header");
	}
	switch (archive_read_next_header(a, &entry)) {
	case ARCHIVE_OK:
		return TARN_OK;
	case ARCHIVE_EOF:
		reader->state = TARN_END;
		return TARN_OK;
	default:
		return libarchive_error(reader, err);
	}
}

static int open_decoder(struct codec_reader *reader,
    int (*decoder_new)(struct decoder **, struct error *), struct error *err) {
	reader->read = read_decoder;
	reader->out = malloc(OUTPUT_NBYTES);
	return reader->out != NULL ? decoder_new(&reader->decoder, err) : err_nomem(err);
}

/* Look at the beginning and switch on what decodes it. */
static int open_detected(struct codec_reader *reader, int fd, struct error *err) {
	struct codec_input *input = &reader->input;
	int r = codec_input_init(input, fd, err);

	if (r == TARN_OK) {
		r = codec_input_peek(input, TAR_BLOCK_NBYTES, err);
	}
	if (r != TARN_OK) {
		return r;
	}
	switch (detect(input->buf, input->end)) {
	case COMPRESSION_GZIP:
		return open_decoder(reader, decoder_gzip_new, err);
	case COMPRESSION_XZ:
	case COMPRESSION_LZMA:
	case COMPRESSION_LZIP:
		return open_decoder(reader, decoder_xz_new, err);
	case COMPRESSION_ZSTD:
		return open_decoder(reader, decoder_zstd_new, err);
	case COMPRESSION_BZIP2:
		return open_libarchive(reader, archive_read_support_filter_bzip2, err);
	case COMPRESSION_LZ4:
		return open_libarchive(reader, archive_read_support_filter_lz4, err);
	case COMPRESSION_COMPRESS:
		return open_libarchive(reader, archive_read_support_filter_compress, err);
	case COMPRESSION_NONE:
	case COMPRESSION_PROGRAM:
		break;
	}
	reader->read = read_plain;
	reader->is_plain = true;
	return TARN_OK;
}

static int open_program(
    struct codec_reader *reader, const char *command, int fd, struct error *err) {
	int r = program_start(&reader->program, command, PROGRAM_DECOMPRESS, fd, err);

	reader->read = read_program;
	return r == TARN_OK ? codec_input_init(&reader->input, reader->program.fd, err) : r;
}

int codec_reader_new(struct codec_reader **reader, const struct codec_settings *settings, int fd,
    struct error *err) {
	struct codec_reader *fresh = calloc(1, sizeof(*fresh));
	int r;

	if (fresh == NULL) {
		return err_nomem(err);
	}
	if (settings->compression == COMPRESSION_PROGRAM) {
		r = open_program(fresh, settings->program, fd, err);
	} else {
		r = open_detected(fresh, fd, err);
	}
	if (r != TARN_OK) {
		codec_reader_free(fresh);
		return r;
	}
	*reader = fresh;
	return TARN_OK;
}

int codec_read(struct codec_reader *reader, const void **data, size_t *nbytes, struct error *err) {
	if (reader->state == TARN_OK) {
		int r = reader->read(reader, data, nbytes, err);
		if (r == TARN_OK) {
			return TARN_OK;
		}
		reader->state = r;
		reader->state_error = *err;
	}
	if (reader->state != TARN_END) {
		*err = reader->state_error;
	}
	return reader->state;
}

off_t codec_skip(struct codec_reader *reader, off_t nbytes) {
	return reader->is_plain ? codec_input_skip(&reader->input, nbytes) : 0;
}

bool codec_reader_is_plain(const struct codec_reader *reader) {
	return reader->is_plain;
}

int codec_drain(struct codec_reader *reader, struct error *err) {
	const void *data;
	size_t nbytes;
	int r;

	/* A plain file has nothing to be verified, and a pipe is emptied for its writer's sake. */
	codec_skip(reader, INT64_MAX);
	do {
		r = codec_read(reader, &data, &nbytes, err);
	} while (r == TARN_OK);
	return r == TARN_END ? TARN_OK : r;
}

void codec_reader_free(struct codec_reader *reader) {
	if (reader == NULL) {
		return;
	}
	archive_read_free(reader->archive);
	if (reader->decoder != NULL) {
		reader->decoder->free(reader->decoder);
	}
	free(reader->out);
	program_fini(&reader->program);
	codec_input_fini(&reader->input);
	free(reader);
}

int decoder_truncated(struct error *err) {
	return err_set(err, TARN_EFORMAT, 0, "Unexpected end of the compressed data");
}
