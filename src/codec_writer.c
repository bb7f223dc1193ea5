#include "config.h"

#include "codec_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec_pieces.h"
#include "codec_program.h"
#include "codec_zstd_frame.h"
#include "codec_zstd_veil.h"
#include "pool.h"

/*
 * Writing.  Plain bytes go straight to the descriptor, the others through an encoder: zstd and xz
 * in pieces, a program by a pipe, and the rest are filters of libarchive.
 */

/* What a pipe should hold, so that who reads it need not be woken for each 64 KiB. */
#define PIPE_NBYTES (256 << 10)

struct program_encoder {
	struct encoder encoder;
	struct program program;
};

/* Take what is to be held back from ${data}; returns how much that is, or -1 with errno. */
static ssize_t hold_back(struct codec_output *output, const void *data, size_t nbytes) {
	size_t n = nbytes < output->nheld ? nbytes : output->nheld;

	if (n == 0)
		return 0;
	memcpy(output->held, data, n);
	output->held += n;
	output->nheld -= n;
	return lseek(output->fd, (off_t)n, SEEK_CUR) >= 0 ? (ssize_t)n : -1;
}

int codec_output_write(
    struct codec_output *output, const void *data, size_t nbytes, struct error *err) {
	const char *next = data;
	ssize_t nheld = hold_back(output, data, nbytes);

	if (nheld < 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot seek");
	next += nheld;
	nbytes -= (size_t)nheld;
	if (output->veil != NULL && zstd_veil_cover(output->veil, nbytes, err) != TARN_OK)
		return (int)err->code;
	while (nbytes > 0) {
		ssize_t n = write(output->fd, next, nbytes);
		if (n < 0 && errno == EINTR)
			continue;
		/* A device that takes nothing and has no reason is full. */
		if (n <= 0)
			return err_set(err, TARN_ESYSTEM, n < 0 ? errno : ENOSPC, "Cannot write");
		next += n;
		nbytes -= (size_t)n;
	}
	return TARN_OK;
}

static int program_encoder_write(
    struct encoder *encoder, const void *data, size_t nbytes, struct error *err) {
	return program_write(&((struct program_encoder *)encoder)->program, data, nbytes, err);
}

static int program_encoder_finish(struct encoder *encoder, struct error *err) {
	return program_finish(&((struct program_encoder *)encoder)->program, err);
}

static void program_encoder_free(struct encoder *encoder) {
	program_fini(&((struct program_encoder *)encoder)->program);
	free(encoder);
}

static int encoder_program_new(struct encoder **encoder, const struct codec_settings *settings,
    struct codec_output *output, struct error *err) {
	struct program_encoder *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return err_nomem(err);
	e->encoder = (struct encoder){
		.write = program_encoder_write,
		.finish = program_encoder_finish,
		.free = program_encoder_free,
	};
	*encoder = &e->encoder;
	return program_start(&e->program, settings->program, PROGRAM_COMPRESS, output->fd, err);
}

/* In the pieces of zstd or xz. */
static int open_pieces(
    struct codec_writer *writer, const struct codec_settings *settings, struct error *err) {
	unsigned int nthreads = pool_nthreads(settings->nthreads);
	struct piece_format *format;
	int r = settings->compression == COMPRESSION_ZSTD ?
	    zstd_format_new(&format, settings, nthreads, NULL, err) :
	    xz_format_new(&format, settings, NULL, err);

	return r == TARN_OK ?
	    encoder_pieces_new(&writer->encoder, format, nthreads, &writer->output, err) :
	    r;
}

static int open_writer(
    struct codec_writer *writer, const struct codec_settings *settings, struct error *err) {
	switch (settings->compression) {
	case COMPRESSION_NONE:
		return TARN_OK;
	case COMPRESSION_ZSTD:
	case COMPRESSION_XZ:
		return open_pieces(writer, settings, err);
	case COMPRESSION_PROGRAM:
		return encoder_program_new(&writer->encoder, settings, &writer->output, err);
	default:
		return encoder_filter_new(&writer->encoder, settings, &writer->output, err);
	}
}

/* If it is a pipe, and that may be. */
static void widen_pipe(int fd) {
	int nbytes = fcntl(fd, F_GETPIPE_SZ);

	if (nbytes >= 0 && nbytes < PIPE_NBYTES)
		fcntl(fd, F_SETPIPE_SZ, PIPE_NBYTES);
}

int codec_writer_new(struct codec_writer **writer, const struct codec_settings *settings, int fd,
    struct error *err) {
	struct codec_writer *fresh = calloc(1, sizeof(*fresh));
	int r;

	if (fresh == NULL)
		return err_nomem(err);
	fresh->output.fd = fd;
	widen_pipe(fd);
	fresh->compression = settings->compression;
	r = open_writer(fresh, settings, err);
	if (r != TARN_OK) {
		codec_writer_free(fresh);
		return r;
	}
	*writer = fresh;
	return TARN_OK;
}

int codec_writer_hold_back(
    struct codec_writer *writer, unsigned char *held, size_t *nbytes, struct error *err) {
	struct zstd_veil *veil = writer->output.veil;

	if (veil == NULL) {
		writer->output.held = held;
		writer->output.nheld = *nbytes;
		return TARN_OK;
	}
	zstd_veil_lift(veil, held);
	*nbytes = ZSTD_SKIPPABLE_HEADER_NBYTES;
	return lseek(veil->fd, veil->now, SEEK_SET) >= 0 ?
	    TARN_OK :
	    err_set(err, TARN_ESYSTEM, errno, "Cannot seek");
}

static int write_bytes(
    struct codec_writer *writer, const void *data, size_t nbytes, struct error *err) {
	struct encoder *encoder = writer->encoder;

	if (nbytes == 0)
		return TARN_OK;
	return encoder != NULL ? encoder->write(encoder, data, nbytes, err) :
	                         codec_output_write(&writer->output, data, nbytes, err);
}

/* What is written again is first; not before there is more, as it overwrites itself. */
static int write_again(struct codec_writer *writer, struct error *err) {
	int r = write_bytes(writer, writer->again, writer->again_nbytes, err);

	free(writer->again);
	writer->again = NULL;
	writer->again_nbytes = 0;
	return r;
}

int codec_write(struct codec_writer *writer, const void *data, size_t nbytes, struct error *err) {
	int r = write_again(writer, err);

	return r == TARN_OK ? write_bytes(writer, data, nbytes, err) : r;
}

int codec_writer_end_piece(struct codec_writer *writer, struct error *err) {
	struct encoder *encoder = writer->encoder;
	int r = write_again(writer, err);

	return r == TARN_OK && encoder != NULL && encoder->end_piece != NULL ?
	    encoder->end_piece(encoder, err) :
	    r;
}

int codec_writer_attach(
    struct codec_writer *writer, const void *data, size_t nbytes, struct error *err) {
	struct encoder *encoder = writer->encoder;

	if (encoder == NULL || encoder->attach == NULL)
		return err_set(
		    err, TARN_EREFUSED, 0, "Only zstd has a place for data beside the archive");
	int r = write_again(writer, err);
	return r == TARN_OK ? encoder->attach(encoder, data, nbytes, err) : r;
}

int codec_writer_finish(struct codec_writer *writer, struct error *err) {
	struct encoder *encoder = writer->encoder;
	int r = write_again(writer, err);

	if (r == TARN_OK && encoder != NULL)
		r = encoder->finish(encoder, err);
	if (r == TARN_OK && writer->output.veil != NULL)
		r = zstd_veil_end(writer->output.veil, err);
	return r;
}

void codec_writer_free(struct codec_writer *writer) {
	if (writer == NULL)
		return;
	if (writer->encoder != NULL)
		writer->encoder->free(writer->encoder);
	free(writer->again);
	free(writer);
}
