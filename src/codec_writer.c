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
 *
 * Below the encoders there is one place through which all bytes go to the file, codec_output_write:
 * it knows how the end of an archive that is added to is kept, so that they need not.  Only a
 * program writes to the descriptor itself, and nothing can be added to its archives.
 *
 * Nothing in this file runs on any thread but the caller's.
 */

/*
 * What a pipe should hold, so that who reads it need not be woken for each 64 KiB, which is what
 * Linux gives it.  More did not help; HACKING.md has the figures.
 */
#define PIPE_NBYTES (256 << 10)

struct program_encoder {
	struct encoder encoder;
	struct program program;
};

/*
 * Take what is to be held back from ${data}; returns how much that is, or -1 with errno.  The
 * descriptor goes as far ahead, over the old end that these bytes will take the place of.
 */
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
	/* Before they are written, so that there is no moment at which they are seen. */
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

/* Where finish was not called, or failed early, this ends the program. */
static void program_encoder_free(struct encoder *encoder) {
	program_fini(&((struct program_encoder *)encoder)->program);
	free(encoder);
}

/* *${encoder} is set also when the program cannot be started, and then to be freed. */
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

/* In the pieces of zstd or xz.  The format is the encoder's in any case. */
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
	/* No encoder: write_bytes knows. */
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

/*
 * If it is a pipe: else the first call fails.  The system may refuse, to users who have many large
 * pipes; then it stays as it is.
 */
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

	/* A plain or xz archive: whatever is written first is kept out of the file. */
	if (veil == NULL) {
		writer->output.held = held;
		writer->output.nheld = *nbytes;
		return TARN_OK;
	}
	/*
	 * The new frames can be in the file: what makes them seen is the header over the old one.
	 * It is known before they are, as it ends at the first of them.
	 */
	zstd_veil_lift(veil, held);
	*nbytes = ZSTD_SKIPPABLE_HEADER_NBYTES;
	return lseek(veil->fd, veil->now, SEEK_SET) >= 0 ?
	    TARN_OK :
	    err_set(err, TARN_ESYSTEM, errno, "Cannot seek");
}

static int write_bytes(
    struct codec_writer *writer, const void *data, size_t nbytes, struct error *err) {
	struct encoder *encoder = writer->encoder;

	/* A filter of libarchive begins with the first call, and is not to begin for nothing. */
	if (nbytes == 0)
		return TARN_OK;
	return encoder != NULL ? encoder->write(encoder, data, nbytes, err) :
	                         codec_output_write(&writer->output, data, nbytes, err);
}

/*
 * What is written again is first.  Not as soon as it is known: the file must not be touched before
 * codec_writer_hold_back was called.
 */
static int write_again(struct codec_writer *writer, struct error *err) {
	int r = write_bytes(writer, writer->again.data, writer->again.nbytes, err);

	bytes_fini(&writer->again);
	return r;
}

int codec_write(struct codec_writer *writer, const void *data, size_t nbytes, struct error *err) {
	int r = write_again(writer, err);

	return r == TARN_OK ? write_bytes(writer, data, nbytes, err) : r;
}

int codec_writer_end_piece(struct codec_writer *writer, struct error *err) {
	struct encoder *encoder = writer->encoder;
	/* It belongs to the piece that ends here. */
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
	/* The encoder has written its table by now: nothing follows. */
	if (r == TARN_OK && writer->output.veil != NULL)
		r = zstd_veil_end(writer->output.veil, err);
	return r;
}

void codec_writer_free(struct codec_writer *writer) {
	if (writer == NULL)
		return;
	if (writer->encoder != NULL)
		writer->encoder->free(writer->encoder);
	bytes_fini(&writer->again);
	free(writer);
}
