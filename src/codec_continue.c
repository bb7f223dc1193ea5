#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "codec_pieces.h"
#include "codec_reader.h"
#include "codec_writer.h"
#include "codec_zstd_frame.h"

/*
 * Writing on in an archive that exists (-r, -u, -A).  A format is made that knows the pieces which
 * stay, so that the seek table or index which it writes in the end covers the whole file.  The
 * first thing that it is given is what the next piece had before the place to go on at: in archives
 * of tarn that is nothing, as the end-of-archive blocks are a piece of their own.
 *
 * Nothing here writes to the file.  What has to be compressed again is read into memory, as long as
 * the reader is at hand: who goes on with the writer may close that.
 */

/*
 * What is to be written again is held in memory.  Larger pieces the reader does not hold, either:
 * they are for codec_copy.
 */
#define AGAIN_NBYTES_MAX ((off_t)64 << 20)

/*
 * Where in the file it goes on, and from where on plain bytes are written (again): at the beginning
 * of the piece that has the offset, or behind the last one.  Places are counted from the reader's
 * base.
 */
struct resumption {
	off_t at, plain_at;
	bool is_veiled;              /* what is written again does not go over what is there: */
	off_t veil_at;               /* behind the frame that is there */
	struct piece_format *format; /* NULL until all is known; then to be freed or handed on */
};

/*
 * The frame that has ${offset} stays where it is: the new frames are written behind it, in a veil.
 * Lifting that makes the old frame a part of something that gives nothing, as the new table says
 * it.
 */
static int resume_zstd(struct resumption *resumption, const struct codec_settings *settings,
    const struct codec_reader *reader, off_t offset, struct error *err) {
	const struct zstd_table *table = &reader->places.table;
	size_t n = zstd_table_find(table, offset);
	struct zstd_table kept = { 0 };
	int r = zstd_table_copy(&kept, table, n, err);

	resumption->at = kept.nbytes;
	resumption->plain_at = kept.plain_nbytes;
	resumption->is_veiled = true;
	resumption->veil_at = n + 1 < table->n ? table->frames[n + 1].at : table->nbytes;
	/*
	 * When the veil is lifted, a skippable frame begins here: the old frame, and the veil's
	 * header.
	 */
	if (r == TARN_OK)
		r = zstd_table_add(&kept,
		    resumption->veil_at + ZSTD_SKIPPABLE_HEADER_NBYTES - kept.nbytes, 0, err);
	if (r == TARN_OK)
		r = zstd_format_new(
		    &resumption->format, settings, pool_nthreads(settings->nthreads), &kept, err);
	zstd_table_fini(&kept);
	return r;
}

/* Go to the block that has ${offset}, or behind the last one; says which number that has. */
static lzma_vli locate(lzma_index_iter *iter, const lzma_index *index, off_t offset) {
	lzma_index_iter_init(iter, index);
	if (!lzma_index_iter_locate(iter, (lzma_vli)offset))
		return iter->block.number_in_file;
	while (!lzma_index_iter_next(iter, LZMA_INDEX_ITER_STREAM))
		continue;
	return lzma_index_block_count(index) + 1;
}

/*
 * The stream that has ${offset} goes on; those before it stay as they are.  Only its own blocks are
 * in kept.index, as each stream ends with an index of itself (xz-file-format, 4).  Its header was
 * written long ago, and what is new has to have the check that stands there (2.1.1.2).
 */
static int resume_xz(struct resumption *resumption, const struct codec_settings *settings,
    const struct codec_reader *reader, off_t offset, struct error *err) {
	const lzma_index *index = reader->places.index;
	lzma_index_iter place, iter;
	lzma_vli number = locate(&place, index, offset);
	struct xz_kept kept;
	int r = TARN_OK;

	kept.check = place.stream.flags->check;
	kept.index = lzma_index_init(NULL);
	lzma_index_iter_init(&iter, index);
	while (kept.index != NULL && r == TARN_OK &&
	    !lzma_index_iter_next(&iter, LZMA_INDEX_ITER_BLOCK) &&
	    iter.block.number_in_file < number) {
		if (iter.stream.number == place.stream.number &&
		    lzma_index_append(kept.index, NULL, iter.block.unpadded_size,
		        iter.block.uncompressed_size) != LZMA_OK)
			r = err_nomem(err);
	}
	if (kept.index == NULL)
		r = err_nomem(err);
	if (r == TARN_OK) {
		resumption->at = (off_t)(place.stream.compressed_offset + LZMA_STREAM_HEADER_SIZE +
		    lzma_index_total_size(kept.index));
		resumption->plain_at = (off_t)(place.stream.uncompressed_offset +
		    lzma_index_uncompressed_size(kept.index));
		r = xz_format_new(&resumption->format, settings, &kept, err);
	}
	/* The format has it, if there is one. */
	if (r != TARN_OK)
		lzma_index_end(kept.index, NULL);
	return r;
}

/* TARN_END: it is not made of pieces. */
static int resume(struct resumption *resumption, const struct codec_settings *settings,
    struct codec_reader *reader, off_t offset, struct error *err) {
	int r = codec_check_places(reader, err);

	if (r != TARN_OK)
		return r;
	return reader->compression == COMPRESSION_ZSTD ?
	    resume_zstd(resumption, settings, reader, offset, err) :
	    resume_xz(resumption, settings, reader, offset, err);
}

/* Keep the ${nbytes} at ${at} for ${writer}. */
static int keep_again(struct codec_writer *writer, struct codec_reader *reader, off_t at,
    size_t nbytes, struct error *err) {
	const void *data;
	size_t n;
	int r = codec_seek(reader, at, err);

	while (r == TARN_OK && writer->again.nbytes < nbytes) {
		size_t left = nbytes - writer->again.nbytes;

		r = codec_read(reader, &data, &n, err);
		if (r == TARN_OK)
			r = bytes_append(&writer->again, data, n < left ? n : left, err);
	}
	return r == TARN_END ? decoder_truncated(err) : r;
}

static int continue_pieces(struct codec_writer *writer, const struct codec_settings *settings,
    struct codec_reader *reader, off_t offset, struct error *err) {
	struct resumption resumption = { 0 };
	off_t again;
	int r = resume(&resumption, settings, reader, offset, err);

	if (r == TARN_END)
		return err_set(err, TARN_EREFUSED, 0,
		    "Cannot go on in an archive that was not compressed in pieces");
	if (r != TARN_OK)
		return r;
	again = offset - resumption.plain_at;
	/*
	 * xz has no place to hide in: written over its old block, the members in there would be
	 * lost if the run were killed before they are written again.  The caller makes another file
	 * then.
	 */
	if (again > AGAIN_NBYTES_MAX || (again > 0 && !resumption.is_veiled)) {
		resumption.format->free(resumption.format);
		return TARN_END;
	}
	/*
	 * From here on the format is the encoder's, and that is the writer's, also after a failure.
	 */
	r = encoder_pieces_new(&writer->encoder, resumption.format,
	    pool_nthreads(settings->nthreads), &writer->output, err);
	if (r == TARN_OK && resumption.is_veiled) {
		writer->output.veil = &writer->veil;
		r = zstd_veil_init(&writer->veil, writer->output.fd, reader->base + resumption.at,
		    reader->base + resumption.veil_at, err);
	}
	if (r == TARN_OK && lseek(writer->output.fd, reader->base + resumption.at, SEEK_SET) < 0)
		r = err_set(err, TARN_ESYSTEM, errno, "Cannot seek");
	return r == TARN_OK ? keep_again(writer, reader, resumption.plain_at, (size_t)again, err) :
	                      r;
}

int codec_writer_continue(struct codec_writer **writer, const struct codec_settings *settings,
    struct codec_reader *reader, off_t offset, int fd, struct error *err) {
	struct codec_writer *fresh = calloc(1, sizeof(*fresh));
	int r = TARN_OK;

	if (fresh == NULL)
		return err_nomem(err);
	fresh->output.fd = fd;
	fresh->compression = reader->compression;
	/*
	 * A program's reader has no base, either: continue_pieces says what is wrong with that one.
	 */
	if (reader->base < 0 && reader->compression != COMPRESSION_PROGRAM)
		r = err_set(err, TARN_EREFUSED, 0, "Cannot go on in what is no regular file");
	else if (reader->compression != COMPRESSION_NONE)
		r = continue_pieces(fresh, settings, reader, offset, err);
	else if (lseek(fd, reader->base + offset, SEEK_SET) < 0)
		r = err_set(err, TARN_ESYSTEM, errno, "Cannot seek");
	if (r != TARN_OK) {
		codec_writer_free(fresh);
		return r;
	}
	*writer = fresh;
	return TARN_OK;
}
