#include "config.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "codec.h"
#include "codec_program.h"

/*
 * Writing.  Plain bytes go straight to the descriptor, zstd is libzstd's own (libarchive's filter
 * writes frames without a checksum), a program is given a pipe, and the rest are filters of
 * libarchive below a "raw" archive, one without a format.
 *
 * The same bytes come out for any number of threads.  zstd and xz each have a form for one thread
 * and another for several, with different results; here it is always the one for several.
 */

struct codec_writer {
	int (*write)(
	    struct codec_writer *writer, const void *data, size_t nbytes, struct error *err);
	int (*finish)(struct codec_writer *writer, struct error *err);
	int fd;
	off_t nbytes;        /* written to fd, or held back */
	unsigned char *held; /* where the next nheld bytes go instead */
	size_t nheld;
	enum compression compression;
	unsigned int nthreads;
	struct archive *archive; /* libarchive's filters; NULL until the first byte */
	int fd_state;            /* what its callback met; if not TARN_OK, it writes no more: */
	struct error fd_error;
	ZSTD_CCtx *zstd;
	void *out; /* libzstd's output, ZSTD_CStreamOutSize() */
	struct program program;
};

/* Take what is to be held back from ${data}; returns how much that is, or -1 with errno. */
static ssize_t hold_back(struct codec_writer *writer, const void *data, size_t nbytes) {
	size_t n = nbytes < writer->nheld ? nbytes : writer->nheld;

	if (n == 0)
		return 0;
	memcpy(writer->held, data, n);
	writer->held += n;
	writer->nheld -= n;
	return lseek(writer->fd, (off_t)n, SEEK_CUR) >= 0 ? (ssize_t)n : -1;
}

static int write_fd(
    struct codec_writer *writer, const void *data, size_t nbytes, struct error *err) {
	const char *next = data;
	ssize_t nheld = hold_back(writer, data, nbytes);

	if (nheld < 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot seek");
	next += nheld;
	nbytes -= (size_t)nheld;
	writer->nbytes += nheld;
	while (nbytes > 0) {
		ssize_t n = write(writer->fd, next, nbytes);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			/* A device that takes nothing and has no reason is full. */
			return err_set(err, TARN_ESYSTEM, n < 0 ? errno : ENOSPC, "Cannot write");
		}
		next += n;
		nbytes -= (size_t)n;
		writer->nbytes += n;
	}
	return TARN_OK;
}

static int finish_nothing(struct codec_writer *writer, struct error *err) {
	(void)writer;
	(void)err;
	return TARN_OK;
}

static int drive_zstd(struct codec_writer *writer, ZSTD_inBuffer *in, ZSTD_EndDirective directive,
    struct error *err) {
	size_t left;

	do {
		ZSTD_outBuffer out = { writer->out, ZSTD_CStreamOutSize(), 0 };
		left = ZSTD_compressStream2(writer->zstd, &out, in, directive);
		if (ZSTD_isError(left)) {
			return err_set(err, TARN_ENOMEM, 0, "zstd: %s", ZSTD_getErrorName(left));
		}
		int r = write_fd(writer, writer->out, out.pos, err);
		if (r != TARN_OK) {
			return r;
		}
	} while (directive == ZSTD_e_end ? left != 0 : in->pos < in->size);
	return TARN_OK;
}

static int write_zstd(
    struct codec_writer *writer, const void *data, size_t nbytes, struct error *err) {
	return drive_zstd(writer, &(ZSTD_inBuffer){ data, nbytes, 0 }, ZSTD_e_continue, err);
}

static int finish_zstd(struct codec_writer *writer, struct error *err) {
	return drive_zstd(writer, &(ZSTD_inBuffer){ NULL, 0, 0 }, ZSTD_e_end, err);
}

static int open_zstd(struct codec_writer *writer, unsigned int nthreads, struct error *err) {
	writer->write = write_zstd;
	writer->finish = finish_zstd;
	writer->zstd = ZSTD_createCCtx();
	writer->out = malloc(ZSTD_CStreamOutSize());
	if (writer->zstd == NULL || writer->out == NULL) {
		return err_nomem(err);
	}
	/* Both cannot fail, but for a libzstd without threads, which then uses none. */
	ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_checksumFlag, 1);
	ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_nbWorkers, (int)nthreads);
	return TARN_OK;
}

static int write_program(
    struct codec_writer *writer, const void *data, size_t nbytes, struct error *err) {
	return program_write(&writer->program, data, nbytes, err);
}

static int finish_program(struct codec_writer *writer, struct error *err) {
	return program_finish(&writer->program, err);
}

static int open_program(struct codec_writer *writer, const char *command, struct error *err) {
	writer->write = write_program;
	writer->finish = finish_program;
	return program_start(&writer->program, command, PROGRAM_COMPRESS, writer->fd, err);
}

/* What libarchive has to say. */
static int libarchive_error(struct codec_writer *writer, struct error *err) {
	const char *why = archive_error_string(writer->archive);

	return err_set(
	    err, TARN_ENOMEM, 0, "Cannot compress: %s", why != NULL ? why : "unknown error");
}

/*
 * Libarchive's filters are not made for a callback that fails: some leak then, and "compress" goes
 * on behind the end of its buffer.  So this one never does; what it met is kept for our caller.
 */
static la_ssize_t take_from_libarchive(
    struct archive *a, void *data, const void *block, size_t nbytes) {
	struct codec_writer *writer = data;

	(void)a;
	if (writer->fd_state == TARN_OK) {
		writer->fd_state = write_fd(writer, block, nbytes, &writer->fd_error);
	}
	return (la_ssize_t)nbytes;
}

/* libarchive's name for ${compression}; there are no others that get here. */
static const char *filter_name(enum compression compression) {
	switch (compression) {
	case COMPRESSION_GZIP:
		return "gzip";
	case COMPRESSION_BZIP2:
		return "bzip2";
	case COMPRESSION_XZ:
		return "xz";
	case COMPRESSION_LZMA:
		return "lzma";
	case COMPRESSION_LZIP:
		return "lzip";
	case COMPRESSION_LZ4:
		return "lz4";
	default:
		return "compress";
	}
}

static void set_filter_options(
    struct archive *a, enum compression compression, unsigned int nthreads) {
	char number[16];

	if (compression == COMPRESSION_GZIP) {
		/* The time of writing would make each archive different. */
		archive_write_set_filter_option(a, "gzip", "timestamp", NULL);
	}
	if (compression == COMPRESSION_XZ) {
		/* 1 would choose the other form; a libarchive without threads has only that. */
		snprintf(number, sizeof(number), "%u", nthreads > 2 ? nthreads : 2);
		archive_write_set_filter_option(a, "xz", "threads", number);
	}
}

static int open_libarchive(struct codec_writer *writer, struct error *err) {
	struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	int r = TARN_OK;

	writer->archive = a;
	if (a == NULL || entry == NULL) {
		r = err_nomem(err);
		goto done;
	}
	/* The only member that a raw archive has. */
	archive_entry_set_filetype(entry, AE_IFREG);
	if (archive_write_set_format_raw(a) != ARCHIVE_OK ||
	    archive_write_add_filter_by_name(a, filter_name(writer->compression)) != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(a, 0) != ARCHIVE_OK) {
		r = libarchive_error(writer, err);
		goto done;
	}
	set_filter_options(a, writer->compression, writer->nthreads);
	if (archive_write_open(a, writer, NULL, take_from_libarchive, NULL) != ARCHIVE_OK ||
	    archive_write_header(a, entry) != ARCHIVE_OK) {
		r = libarchive_error(writer, err);
	}
done:
	archive_entry_free(entry);
	return r;
}

/* Opens with the first byte, as what the lz4 and compress filters make of nothing is no file. */
static int write_libarchive(
    struct codec_writer *writer, const void *data, size_t nbytes, struct error *err) {
	int r = writer->archive == NULL ? open_libarchive(writer, err) : TARN_OK;

	if (r == TARN_OK &&
	    archive_write_data(writer->archive, data, nbytes) != (la_ssize_t)nbytes) {
		r = libarchive_error(writer, err);
	}
	if (r == TARN_OK && writer->fd_state != TARN_OK) {
		*err = writer->fd_error;
		r = writer->fd_state;
	}
	return r;
}

static int finish_libarchive(struct codec_writer *writer, struct error *err) {
	if (writer->archive != NULL && archive_write_close(writer->archive) != ARCHIVE_OK) {
		return libarchive_error(writer, err);
	}
	if (writer->fd_state != TARN_OK) {
		*err = writer->fd_error;
	}
	return writer->fd_state;
}

static int open_writer(
    struct codec_writer *writer, const struct codec_settings *settings, struct error *err) {
	unsigned int nthreads = settings->nthreads;

	if (nthreads == 0) {
		long ncores = sysconf(_SC_NPROCESSORS_ONLN);
		nthreads = ncores > 0 ? (unsigned int)ncores : 1;
	}
	switch (settings->compression) {
	case COMPRESSION_NONE:
		writer->write = write_fd;
		writer->finish = finish_nothing;
		return TARN_OK;
	case COMPRESSION_ZSTD:
		return open_zstd(writer, nthreads, err);
	case COMPRESSION_PROGRAM:
		return open_program(writer, settings->program, err);
	default:
		writer->compression = settings->compression;
		writer->nthreads = nthreads;
		writer->write = write_libarchive;
		writer->finish = finish_libarchive;
		return TARN_OK;
	}
}

int codec_writer_new(struct codec_writer **writer, const struct codec_settings *settings, int fd,
    struct error *err) {
	struct codec_writer *fresh = calloc(1, sizeof(*fresh));
	int r;

	if (fresh == NULL) {
		return err_nomem(err);
	}
	fresh->fd = fd;
	r = open_writer(fresh, settings, err);
	if (r != TARN_OK) {
		codec_writer_free(fresh);
		return r;
	}
	*writer = fresh;
	return TARN_OK;
}

void codec_writer_hold_back(struct codec_writer *writer, unsigned char *held, size_t nbytes) {
	writer->held = held;
	writer->nheld = nbytes;
}

int codec_write(struct codec_writer *writer, const void *data, size_t nbytes, struct error *err) {
	return nbytes > 0 ? writer->write(writer, data, nbytes, err) : TARN_OK;
}

int codec_writer_finish(struct codec_writer *writer, struct error *err) {
	return writer->finish(writer, err);
}

off_t codec_writer_nbytes(const struct codec_writer *writer) {
	return writer->nbytes;
}

void codec_writer_free(struct codec_writer *writer) {
	if (writer == NULL) {
		return;
	}
	/* Freeing writes an end, unless that was done; one that looks whole. */
	writer->fd_state = TARN_END;
	archive_write_free(writer->archive);
	ZSTD_freeCCtx(writer->zstd);
	free(writer->out);
	program_fini(&writer->program);
	free(writer);
}
