#include "config.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive_limits.h"
#include "codec_detect.h"
#include "codec_reader.h"

/*
 * Reading: the life of a codec_reader but for seeking, which is in codec_seek.c.  The first block
 * of the file decides how it is read, and exactly one layer of compression is taken off.
 *
 * What decompresses works ahead of the caller.  As long as a decoder finds pieces, several of them
 * are decoded at the same time (unpacker).  Where it finds none (gzip, a file that was compressed
 * as a whole) there are two chunks: one is filled on a thread of the pool while the caller has the
 * other.
 *
 * Which of these ways is in use is reader->read, a function that knows nothing of seeking, limits
 * or repeated errors: all that is done once, around it, in read_on and codec_read.
 */

/* Enough that handing it from thread to thread does not count: with a quarter of it it does. */
#define CHUNK_NBYTES ((size_t)1024 * 1024)

static int read_plain(
    struct codec_reader *reader, const void **data, size_t *nbytes, struct error *err) {
	return codec_input_take(&reader->input, data, nbytes, err);
}

/*
 * A program that failed may have stopped short, so its status is looked at before the end is told.
 */
static int read_program(
    struct codec_reader *reader, const void **data, size_t *nbytes, struct error *err) {
	int r = codec_input_take(&reader->input, data, nbytes, err);

	if (r == TARN_END) {
		int status = program_finish(&reader->program, err);
		return status != TARN_OK ? status : TARN_END;
	}
	return r;
}

/*
 * Let the decoder make as much of the input as there is room for.  TARN_OK only with ${out} full;
 * whatever is returned, *${nbytes} is what was made, and all of that is good.
 */
static int decode(
    struct codec_reader *reader, unsigned char *out, size_t *nbytes, struct error *err) {
	struct codec_input *input = &reader->input;
	struct decoder_io io = { .out = out, .out_nbytes = *nbytes };
	int r = TARN_OK;

	while (r == TARN_OK && io.out_nbytes > 0) {
		r = codec_input_fill(input, err);
		if (r != TARN_OK && r != TARN_END)
			break;
		io.in = input->next;
		io.in_nbytes = input->nbytes;
		io.in_ends = r == TARN_END;
		r = reader->decoder->decode(reader->decoder, &io, err);
		/* What was not consumed is for the next call, or for a decoder that takes over. */
		input->next = io.in;
		input->nbytes = io.in_nbytes;
	}
	*nbytes -= io.out_nbytes;
	return r;
}

/*
 * The job of a chunk.  While it runs, the input and the decoder are its own: the caller's thread
 * touches them only after pool_wait or pool_cancel.
 */
static void fill(struct pool_job *job, unsigned int worker) {
	struct chunk *chunk = (struct chunk *)job;
	struct codec_reader *reader = chunk->reader;

	(void)worker;
	chunk->nbytes = CHUNK_NBYTES;
	if (reader->decoder != NULL)
		chunk->r = decode(reader, chunk->out, &chunk->nbytes, &chunk->err);
	else
		chunk->r = unfilter_read(reader->unfilter, chunk->out, &chunk->nbytes, &chunk->err);
}

static void begin_chunk(struct codec_reader *reader, struct chunk *chunk) {
	chunk->job.run = fill;
	chunk->reader = reader;
	reader->filling = chunk;
	pool_submit(reader->pool, &chunk->job);
}

/* Hand out the chunk that is being filled, and have the other one filled meanwhile. */
static int read_chunk(
    struct codec_reader *reader, const void **data, size_t *nbytes, struct error *err) {
	struct chunk *chunk;

	if (reader->filling == NULL)
		begin_chunk(reader, &reader->chunks[0]);
	chunk = reader->filling;
	pool_wait(reader->pool, &chunk->job);
	reader->filling = NULL;
	/* Nothing is begun behind the end or an error: the decoder may not be called again. */
	if (chunk->r == TARN_OK)
		begin_chunk(reader, &reader->chunks[chunk == &reader->chunks[0]]);
	*data = chunk->out;
	*nbytes = chunk->nbytes;
	if (chunk->r == TARN_OK)
		return TARN_OK;
	if (*nbytes == 0) {
		*err = chunk->err;
		return chunk->r;
	}
	/* First what was decoded, at the next call why there is no more. */
	reader->state = chunk->r;
	reader->state_error = chunk->err;
	return TARN_OK;
}

/*
 * Piece by piece; from the first thing on that is no piece, in a row.  There is no way back but a
 * seek.
 */
static int read_pieces(
    struct codec_reader *reader, const void **data, size_t *nbytes, struct error *err) {
	int r = unpacker_read(reader->unpacker, reader->decoder, &reader->input, data, nbytes, err);

	if (r != TARN_END)
		return r;
	reader->read = read_chunk;
	return read_chunk(reader, data, nbytes, err);
}

void codec_reader_set_decoder(struct codec_reader *reader, struct decoder *decoder) {
	if (reader->decoder != NULL)
		reader->decoder->free(reader->decoder);
	reader->decoder = decoder;
	reader->read = decoder->gather != NULL ? read_pieces : read_chunk;
}

void codec_reader_stop(struct codec_reader *reader) {
	/* It may have moved the input, or not: whoever stops has to seek there, or to free all. */
	if (reader->filling != NULL)
		pool_cancel(reader->pool, &reader->filling->job);
	reader->filling = NULL;
	reader->handed_nbytes = 0;
	if (reader->unpacker != NULL)
		unpacker_reset(reader->unpacker);
}

/* What all that decompresses needs.  After a failure, codec_reader_free has the rest. */
static int open_pool(struct codec_reader *reader, struct error *err) {
	int r = pool_new(&reader->pool, reader->nthreads, err);

	for (int i = 0; i < 2 && r == TARN_OK; i++) {
		reader->chunks[i].out = malloc(CHUNK_NBYTES);
		if (reader->chunks[i].out == NULL)
			r = err_nomem(err);
	}
	if (r == TARN_OK)
		r = unpacker_new(&reader->unpacker, reader->pool, reader->nthreads, err);
	return r;
}

static int open_decoder(struct codec_reader *reader,
    int (*decoder_new)(struct decoder **, struct error *), struct error *err) {
	struct decoder *decoder;
	int r = open_pool(reader, err);

	if (r == TARN_OK)
		r = decoder_new(&decoder, err);
	if (r == TARN_OK)
		codec_reader_set_decoder(reader, decoder);
	return r;
}

static int open_unfilter(struct codec_reader *reader, struct error *err) {
	int r = open_pool(reader, err);

	/*
	 * libarchive's filter reads its first block when it is opened: in this thread, not in a
	 * job.
	 */
	reader->read = read_chunk;
	return r == TARN_OK ?
	    unfilter_new(&reader->unfilter, &reader->input, reader->compression, err) :
	    r;
}

/* Look at the beginning and switch on what decodes it. */
static int open_detected(struct codec_reader *reader, int fd, struct error *err) {
	struct codec_input *input = &reader->input;
	struct stat st;
	int r;

	/* Standard input may be a file that somebody else has read the beginning of. */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		reader->base = lseek(fd, 0, SEEK_CUR);
	r = codec_input_init(input, fd, err);
	if (r == TARN_OK)
		r = codec_input_peek(input, CODEC_DETECT_NBYTES, err);
	if (r != TARN_OK)
		return r;
	reader->compression = codec_detect(input->next, input->nbytes);
	switch (reader->compression) {
	case COMPRESSION_GZIP:
		return open_decoder(reader, decoder_gzip_new, err);
	case COMPRESSION_XZ:
		return open_decoder(reader, decoder_xz_new, err);
	case COMPRESSION_LZMA:
		return open_decoder(reader, decoder_lzma_new, err);
	case COMPRESSION_LZIP:
		return open_decoder(reader, decoder_lzip_new, err);
	case COMPRESSION_ZSTD:
		return open_decoder(reader, decoder_zstd_new, err);
	case COMPRESSION_BZIP2:
	case COMPRESSION_LZ4:
	case COMPRESSION_COMPRESS:
		return open_unfilter(reader, err);
	/* No content is ever recognised as a program's. */
	case COMPRESSION_NONE:
	case COMPRESSION_PROGRAM:
		break;
	}
	reader->read = read_plain;
	return TARN_OK;
}

/* The program reads ${fd}; what this process reads is its pipe, so base stays -1. */
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

	if (fresh == NULL)
		return err_nomem(err);
	fresh->base = -1;
	fresh->max_ratio = settings->max_ratio;
	fresh->nthreads = pool_nthreads(settings->nthreads);
	r = settings->compression == COMPRESSION_PROGRAM ?
	    open_program(fresh, settings->program, fd, err) :
	    open_detected(fresh, fd, err);
	if (r != TARN_OK) {
		codec_reader_free(fresh);
		return r;
	}
	*reader = fresh;
	return TARN_OK;
}

/*
 * The next bytes as reader->read gives them, without regard to skip.  Not where codec_seek wants
 * the last ones once more; and not behind the end or an error, which are only returned again: a
 * decoder must not be called there.
 */
static int read_on(
    struct codec_reader *reader, const void **data, size_t *nbytes, struct error *err) {
	if (reader->again) {
		reader->again = false;
		*data = reader->handed;
		*nbytes = reader->handed_nbytes;
		return TARN_OK;
	}
	if (reader->state == TARN_OK) {
		int r = reader->read(reader, data, nbytes, err);
		reader->handed_nbytes = 0;
		if (r == TARN_OK) {
			reader->at += (off_t)*nbytes;
			/*
			 * What the decoders have read ahead counts as well, so the ratio seems
			 * lower than it is, never higher.
			 */
			reader->ndecoded += *nbytes;
			r = archive_limits_decompress(
			    reader->max_ratio, reader->input.nread, reader->ndecoded, err);
		}
		if (r == TARN_OK) {
			reader->handed = *data;
			reader->handed_nbytes = *nbytes;
			return TARN_OK;
		}
		reader->state = r;
		reader->state_error = *err;
	}
	if (reader->state != TARN_END)
		*err = reader->state_error;
	return reader->state;
}

int codec_read(struct codec_reader *reader, const void **data, size_t *nbytes, struct error *err) {
	int r = read_on(reader, data, nbytes, err);

	/* Drop what lies between the beginning of a piece and the place that was sought. */
	while (r == TARN_OK && reader->skip >= (off_t)*nbytes) {
		reader->skip -= (off_t)*nbytes;
		r = read_on(reader, data, nbytes, err);
	}
	if (r == TARN_OK) {
		*data = (const char *)*data + reader->skip;
		*nbytes -= (size_t)reader->skip;
		reader->skip = 0;
	}
	return r;
}

/* reader->at is not moved: only seeking in pieces looks at it, and a plain file has none. */
off_t codec_skip(struct codec_reader *reader, off_t nbytes) {
	return reader->compression == COMPRESSION_NONE ? codec_input_skip(&reader->input, nbytes) :
	                                                 0;
}

bool codec_find_place(
    struct codec_reader *reader, size_t nback, off_t nbytes, int *fd, off_t *offset) {
	*fd = reader->input.fd;
	return reader->compression == COMPRESSION_NONE &&
	    codec_input_find_place(&reader->input, nback, nbytes, offset);
}

enum compression codec_reader_compression(const struct codec_reader *reader) {
	return reader->compression;
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
	if (reader == NULL)
		return;
	/* Before anything that a job may still be using. */
	codec_reader_stop(reader);
	unpacker_free(reader->unpacker);
	pool_free(reader->pool);
	unfilter_free(reader->unfilter);
	if (reader->decoder != NULL)
		reader->decoder->free(reader->decoder);
	free(reader->chunks[0].out);
	free(reader->chunks[1].out);
	zstd_table_fini(&reader->places.table);
	lzma_index_end(reader->places.index, NULL);
	program_fini(&reader->program);
	codec_input_fini(&reader->input);
	free(reader);
}

int decoder_truncated(struct error *err) {
	return err_set(err, TARN_EFORMAT, 0, "Unexpected end of the compressed data");
}
