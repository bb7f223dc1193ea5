#include "config.h"

#include "codec_pieces.h"
#include "codec_reader.h"
#include "codec_writer.h"
#include "read_at.h"

/*
 * Whole pieces go from one archive into another as they are, if both have the same kind of them;
 * everything else is decompressed and written.  So joining archives (-A), and adding to one that
 * has to be copied first, do not compress again what was compressed already.
 *
 * Where a piece is is taken from the seek table or the index; what comes out of it has to stand in
 * its own header, too.  Nothing else in it is looked at, and its checksum goes along with it.  Only
 * the piece that has the end of what is wanted is decoded, up to there.
 */

/*
 * *${done} is where the last frame that was copied ends; ${end} lies in the one behind it, or
 * there.
 */
static int copy_frames(struct codec_writer *writer, struct codec_reader *reader, off_t end,
    off_t *done, struct error *err) {
	const struct zstd_table *table = &reader->places.table;
	int r = TARN_OK;

	for (size_t n = 0; n < table->n && r == TARN_OK; n++) {
		const struct zstd_frame_place *frame = &table->frames[n];
		off_t nbytes, plain_nbytes;

		zstd_table_sizes(table, n, &nbytes, &plain_nbytes);
		struct piece piece = {
			.packed_nbytes = (size_t)nbytes,
			.plain_nbytes = (size_t)plain_nbytes,
		};
		if (plain_nbytes > end - *done)
			break;
		/* What comes out of nothing is beside the stream. */
		if (plain_nbytes > 0)
			r = writer->encoder->copy(writer->encoder, reader->input.fd,
			    reader->base + frame->at, &piece, err);
		if (r == TARN_OK)
			*done += plain_nbytes;
	}
	return r;
}

/* The same for xz.  The streams' headers and indexes stay behind; the writer has one stream. */
static int copy_blocks(struct codec_writer *writer, struct codec_reader *reader, off_t end,
    off_t *done, struct error *err) {
	lzma_index_iter iter;
	int r = TARN_OK;

	lzma_index_iter_init(&iter, reader->places.index);
	while (r == TARN_OK && !lzma_index_iter_next(&iter, LZMA_INDEX_ITER_BLOCK)) {
		struct piece piece = {
			.packed_nbytes = (size_t)iter.block.total_size,
			.unpadded_nbytes = (size_t)iter.block.unpadded_size,
			.plain_nbytes = (size_t)iter.block.uncompressed_size,
			.check = (int)iter.stream.flags->check,
		};
		/*
		 * liblzma lets no sum in an index exceed LZMA_VLI_MAX, which is the largest off_t.
		 */
		off_t next =
		    (off_t)(iter.block.uncompressed_file_offset + iter.block.uncompressed_size);

		if (next > end)
			break;
		r = writer->encoder->copy(writer->encoder, reader->input.fd,
		    reader->base + (off_t)iter.block.compressed_file_offset, &piece, err);
		if (r == TARN_OK)
			*done = next;
	}
	return r;
}

/*
 * The pieces that end before ${end}, or there; *${done} plain bytes are then written.  It is no
 * failure if there are none, or if a block has another check than the stream that is written: what
 * was not done is decompressed by the caller.
 */
static int copy_pieces(struct codec_writer *writer, struct codec_reader *reader, off_t end,
    off_t *done, struct error *err) {
	int r;

	if (writer->encoder == NULL || writer->encoder->copy == NULL ||
	    writer->compression != reader->compression)
		return TARN_OK;
	r = codec_check_places(reader, err);
	if (r == TARN_OK)
		r = reader->compression == COMPRESSION_ZSTD ?
		    copy_frames(writer, reader, end, done, err) :
		    copy_blocks(writer, reader, end, done, err);
	return r == TARN_END || r == TARN_EREFUSED ? TARN_OK : r;
}

int codec_copy(
    struct codec_writer *writer, struct codec_reader *reader, off_t nbytes, struct error *err) {
	const void *data;
	off_t done = 0;
	size_t n;
	/* Copied pieces cannot be a part of one that is being filled. */
	int r = codec_writer_end_piece(writer, err);

	if (r == TARN_OK)
		r = copy_pieces(writer, reader, nbytes, &done, err);
	if (r == TARN_OK && done < nbytes)
		r = codec_seek(reader, done, err);
	/*
	 * It cannot seek, and so nothing was copied either: as codec.h asks, it stands at the
	 * beginning.
	 */
	if (r == TARN_EREFUSED && done == 0)
		r = TARN_OK;
	while (r == TARN_OK && done < nbytes) {
		r = codec_read(reader, &data, &n, err);
		if (r == TARN_END)
			return err_set(err, TARN_EFORMAT, 0, "Unexpected EOF in archive");
		if (r != TARN_OK)
			break;
		if ((off_t)n > nbytes - done)
			n = (size_t)(nbytes - done);
		r = codec_write(writer, data, n, err);
		done += (off_t)n;
	}
	return r;
}

int codec_output_copy(
    struct codec_output *output, int fd, off_t at, size_t nbytes, struct error *err) {
	unsigned char buf[65536];
	int r = TARN_OK;

	while (nbytes > 0 && r == TARN_OK) {
		size_t n = nbytes < sizeof(buf) ? nbytes : sizeof(buf);

		r = read_at(fd, buf, n, at, err);
		if (r == TARN_OK)
			r = codec_output_write(output, buf, n, err);
		at += (off_t)n;
		nbytes -= n;
	}
	return r;
}
