#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec_reader.h"
#include "codec_zstd_frame.h"

/*
 * Going to another place is beginning anew at the piece that has it, and dropping what comes out of
 * that piece before.
 */

int codec_reader_table(
    struct codec_reader *reader, const struct zstd_table **table, struct error *err) {
	if (!reader->places.is_loaded) {
		reader->places.is_loaded = true;
		reader->places.r = zstd_table_load(
		    &reader->places.table, reader->input.fd, reader->base, &reader->places.err);
	}
	*table = &reader->places.table;
	if (reader->places.r != TARN_OK && reader->places.r != TARN_END)
		*err = reader->places.err;
	return reader->places.r;
}

/* Continue at ${at} of the file, with the plain bytes that are ${skip} behind. */
static int restart(struct codec_reader *reader, off_t at, off_t skip, struct error *err) {
	struct decoder *fresh = NULL;
	int r = TARN_OK;

	if (reader->decoder != NULL)
		r = decoder_zstd_new(&fresh, err);
	if (r == TARN_OK)
		r = codec_input_seek(&reader->input, reader->base + at, err);
	if (r != TARN_OK) {
		if (fresh != NULL)
			fresh->free(fresh);
		return r;
	}
	if (reader->decoder != NULL)
		reader->decoder->free(reader->decoder);
	reader->decoder = fresh;
	reader->skip = skip;
	reader->state = TARN_OK;
	return TARN_OK;
}

static int seek_zstd(struct codec_reader *reader, off_t offset, struct error *err) {
	const struct zstd_table *table;
	int r = codec_reader_table(reader, &table, err);
	size_t n;

	if (r == TARN_END)
		return err_set(err, TARN_EREFUSED, 0, "The compressed archive is not in pieces");
	if (r != TARN_OK)
		return r;
	n = zstd_table_find(table, offset);
	if (n == table->n)
		return restart(reader, table->nbytes, 0, err);
	return restart(reader, table->frames[n].at, offset - table->frames[n].plain_at, err);
}

int codec_seek(struct codec_reader *reader, off_t offset, struct error *err) {
	if (reader->base >= 0 && reader->compression == COMPRESSION_NONE)
		return restart(reader, offset, 0, err);
	if (reader->base >= 0 && reader->compression == COMPRESSION_ZSTD)
		return seek_zstd(reader, offset, err);
	return err_set(err, TARN_EREFUSED, 0, reader->base < 0 ? "Not a file" : "Not in pieces");
}

off_t codec_reader_size(struct codec_reader *reader) {
	const struct zstd_table *table;
	struct error ignored;
	struct stat st;

	if (reader->base < 0)
		return -1;
	if (reader->compression == COMPRESSION_NONE && fstat(reader->input.fd, &st) == 0)
		return st.st_size > reader->base ? st.st_size - reader->base : 0;
	if (reader->compression == COMPRESSION_ZSTD &&
	    codec_reader_table(reader, &table, &ignored) == TARN_OK)
		return table->plain_nbytes;
	return -1;
}

/* Read the whole skippable frame at ${at}, if it is one that we attach. */
static int read_attached(struct codec_reader *reader, off_t at, off_t frame_nbytes, void **data,
    size_t *nbytes, struct error *err) {
	unsigned char header[ZSTD_SKIPPABLE_HEADER_NBYTES];
	int fd = reader->input.fd;

	if (frame_nbytes < (off_t)sizeof(header) ||
	    codec_read_at(fd, header, sizeof(header), at, err) != TARN_OK ||
	    zstd_get32(header) != ZSTD_MAGIC_ATTACHED ||
	    zstd_get32(header + 4) != frame_nbytes - (off_t)sizeof(header))
		return TARN_END;
	*nbytes = zstd_get32(header + 4);
	*data = malloc(*nbytes > 0 ? *nbytes : 1);
	if (*data == NULL)
		return err_nomem(err);
	return codec_read_at(fd, *data, *nbytes, at + (off_t)sizeof(header), err);
}

int codec_reader_attached(
    struct codec_reader *reader, void **data, size_t *nbytes, struct error *err) {
	const struct zstd_table *table;
	const struct zstd_frame_place *last;
	int r;

	if (reader->base < 0 || reader->compression != COMPRESSION_ZSTD)
		return TARN_END;
	r = codec_reader_table(reader, &table, err);
	if (r != TARN_OK || table->n == 0)
		return r != TARN_OK ? r : TARN_END;
	last = &table->frames[table->n - 1];
	return read_attached(
	    reader, reader->base + last->at, table->nbytes - last->at, data, nbytes, err);
}
