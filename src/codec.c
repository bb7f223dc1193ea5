#include "config.h"

#include "codec_reader.h"

#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec_detect.h"

/*
 * Reading.  The first block of the file decides how.  Exactly one layer of compression is taken
 * off, and no content makes a program run: of libarchive's filters only the one that is wanted is
 * switched on, and only those that work in this process are ever wanted.
 */

/* What comes out of a decoder at a time. */
#define OUTPUT_NBYTES ((size_t)256 * 1024)

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
		io.in = input->next;
		io.in_nbytes = input->nbytes;
		io.in_ends = r == TARN_END;
		r = reader->decoder->decode(reader->decoder, &io, err);
		input->next = io.in;
		input->nbytes = io.in_nbytes;
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
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		reader->base = lseek(fd, 0, SEEK_CUR);
	if (r == TARN_OK) {
		r = codec_input_peek(input, CODEC_DETECT_NBYTES, err);
	}
	if (r != TARN_OK) {
		return r;
	}
	reader->compression = codec_detect(input->next, input->nbytes);
	switch (reader->compression) {
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
	return TARN_OK;
}

static int open_program(
    struct codec_reader *reader, const char *command, int fd, struct error *err) {
	int r = program_start(&reader->program, command, PROGRAM_DECOMPRESS, fd, err);

	reader->compression = COMPRESSION_PROGRAM;
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
	fresh->base = -1;
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

/* Read on to where codec_seek was to go. */
static int read_from_goal(
    struct codec_reader *reader, const void **data, size_t *nbytes, struct error *err) {
	int r = reader->read(reader, data, nbytes, err);

	while (r == TARN_OK && reader->skip >= (off_t)*nbytes) {
		reader->skip -= (off_t)*nbytes;
		r = reader->read(reader, data, nbytes, err);
	}
	if (r == TARN_OK) {
		*data = (const char *)*data + reader->skip;
		*nbytes -= (size_t)reader->skip;
		reader->skip = 0;
	}
	return r;
}

int codec_read(struct codec_reader *reader, const void **data, size_t *nbytes, struct error *err) {
	if (reader->state == TARN_OK) {
		int r = read_from_goal(reader, data, nbytes, err);
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
	return codec_reader_is_plain(reader) ? codec_input_skip(&reader->input, nbytes) : 0;
}

bool codec_reader_is_plain(const struct codec_reader *reader) {
	return reader->compression == COMPRESSION_NONE;
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
	zstd_table_fini(&reader->places.table);
	program_fini(&reader->program);
	codec_input_fini(&reader->input);
	free(reader);
}

int decoder_truncated(struct error *err) {
	return err_set(err, TARN_EFORMAT, 0, "Unexpected end of the compressed data");
}
