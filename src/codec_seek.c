#include "config.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "codec_reader.h"
#include "codec_xz_index.h"
#include "codec_zstd_frame.h"
#include "read_at.h"

/*
 * Going to another place is beginning anew at the piece that has it, and dropping what comes out of
 * that piece before.  Where reading is in that piece already, before the place, it goes on: a piece
 * may be all of a file.  So it does where the place is in what came out last, which may be all of a
 * piece.
 *
 * Where the pieces are is loaded when it is first asked for, and never for a plain file.  It comes
 * from the end of the file (a seek table, indexes), which nobody has verified against the pieces: a
 * wrong one leads to a wrong place, and what is read there has to show it.  codec_check_places is
 * for those who do not read there.
 *
 * Besides codec_seek, everything here that tells something of the whole file: its size, and what is
 * attached to it.
 */

/* Have the places of the pieces.  TARN_END: there are none, or no way to know them. */
static int load_places(struct codec_reader *reader, struct error *err) {
	struct codec_places *places = &reader->places;
	int fd = reader->input.fd;

	if (!places->is_loaded) {
		/* Also when this fails: it would fail again, after reading as much. */
		places->is_loaded = true;
		places->r = TARN_END;
		if (reader->base >= 0 && reader->compression == COMPRESSION_ZSTD)
			places->r = zstd_table_load(&places->table, fd, reader->base, &places->err);
		if (reader->base >= 0 && reader->compression == COMPRESSION_XZ)
			places->r = xz_index_load(&places->index, fd, reader->base, &places->err);
	}
	if (places->r != TARN_OK && places->r != TARN_END)
		*err = places->err;
	return places->r;
}

/* Where the piece is that has a plain byte; all zero is the beginning. */
struct place {
	off_t at, plain_at; /* counted from the reader's base; plain_at is not behind the byte */
	bool is_block;      /* of xz: */
	lzma_index_iter block;
};

/* Behind all that comes out, the place is the end of the frames: at most the seek table follows. */
static void find_frame(struct place *place, const struct zstd_table *table, off_t offset) {
	size_t n = zstd_table_find(table, offset);

	place->at = n < table->n ? table->frames[n].at : table->nbytes;
	place->plain_at = n < table->n ? table->frames[n].plain_at : table->plain_nbytes;
}

/*
 * Behind all that comes out, the place is the end of the file, and a new decoder ends there at
 * once.
 */
static void find_block(struct place *place, const lzma_index *index, off_t offset) {
	lzma_index_iter *iter = &place->block;

	lzma_index_iter_init(iter, index);
	place->is_block = !lzma_index_iter_locate(iter, (lzma_vli)offset);
	place->at = place->is_block ? (off_t)iter->block.compressed_file_offset :
	                              (off_t)lzma_index_file_size(index);
	place->plain_at = place->is_block ? (off_t)iter->block.uncompressed_file_offset :
	                                    (off_t)lzma_index_uncompressed_size(index);
}

/* Nothing of the reader changes but its places, so that it can go on if this fails. */
static int find_place(
    struct codec_reader *reader, struct place *place, off_t offset, struct error *err) {
	int r;

	if (reader->base >= 0 && reader->compression == COMPRESSION_NONE) {
		*place = (struct place){ .at = offset, .plain_at = offset };
		return TARN_OK;
	}
	r = load_places(reader, err);
	if (r == TARN_END)
		return err_set(err, TARN_EREFUSED, 0,
		    "Only a file can be read from any place, and not if it was compressed as a whole");
	if (r != TARN_OK)
		return r;
	if (reader->compression == COMPRESSION_ZSTD)
		find_frame(place, &reader->places.table, offset);
	else
		find_block(place, reader->places.index, offset);
	return TARN_OK;
}

/* Let decoding begin at ${place}. */
static int set_decoder(struct codec_reader *reader, const struct place *place, struct error *err) {
	struct decoder *decoder;
	int r = reader->compression == COMPRESSION_ZSTD ?
	    decoder_zstd_new(&decoder, err) :
	    decoder_xz_new_at(&decoder, place->is_block ? &place->block : NULL, err);

	if (r == TARN_OK)
		codec_reader_set_decoder(reader, decoder);
	return r;
}

/*
 * True when no piece needs to be decoded anew: reader->again and skip say then how to go on.  What
 * was handed out last can be handed out again also behind the end or an error; to read on from
 * where the input is, there must have been none.
 */
static bool goes_on(struct codec_reader *reader, const struct place *place, off_t offset) {
	off_t handed_at = reader->at - (off_t)reader->handed_nbytes;

	reader->again = offset >= handed_at && offset < reader->at;
	if (!reader->again &&
	    (reader->state != TARN_OK || reader->at < place->plain_at || reader->at > offset))
		return false;
	reader->skip = offset - (reader->again ? handed_at : reader->at);
	return true;
}

static int go_to(
    struct codec_reader *reader, const struct place *place, off_t offset, struct error *err) {
	int r = TARN_OK;

	/* Jobs use the decoder and the input: none may run when these are changed. */
	codec_reader_stop(reader);
	if (reader->compression != COMPRESSION_NONE)
		r = set_decoder(reader, place, err);
	if (r == TARN_OK)
		r = codec_input_seek(&reader->input, reader->base + place->at, err);
	/* When this fails, reading does so, too. */
	reader->state = r;
	reader->state_error = *err;
	reader->again = false;
	reader->at = place->plain_at;
	reader->skip = offset - place->plain_at;
	return reader->state;
}

int codec_seek(struct codec_reader *reader, off_t offset, struct error *err) {
	struct place place = { 0 };
	int r = find_place(reader, &place, offset, err);

	if (r != TARN_OK)
		return r;
	return reader->compression != COMPRESSION_NONE && goes_on(reader, &place, offset) ?
	    TARN_OK :
	    go_to(reader, &place, offset, err);
}

void codec_reader_confirm(struct codec_reader *reader, off_t offset) {
	reader->places.confirmed_at = offset;
}

int codec_check_places(struct codec_reader *reader, struct error *err) {
	struct codec_places *places = &reader->places;
	int r = load_places(reader, err);

	/*
	 * Indexes of xz are part of their streams: any decompressor compares them with the blocks.
	 */
	if (r != TARN_OK || reader->compression != COMPRESSION_ZSTD || places->is_checked)
		return r;
	/* By a table that is wrong, nobody knows where the reader stands. */
	r = go_to(reader, &(struct place){ 0 }, 0, err);
	if (r != TARN_OK)
		return r;
	places->is_checked = true;
	/*
	 * A read for each frame of a large archive would take minutes where there is a disk to
	 * seek.
	 */
	places->r = zstd_table_check(
	    &places->table, places->confirmed_at, reader->input.fd, reader->base, &places->err);
	return load_places(reader, err);
}

off_t codec_reader_stored_nbytes(const struct codec_reader *reader) {
	struct stat st;

	if (reader->base < 0 || fstat(reader->input.fd, &st) != 0)
		return -1;
	return st.st_size > reader->base ? st.st_size - reader->base : 0;
}

/* Why it cannot be known is not said: that is no error here, and reading meets it if it is one. */
off_t codec_reader_size(struct codec_reader *reader) {
	struct error ignored;
	off_t stored = codec_reader_stored_nbytes(reader);

	if (reader->compression == COMPRESSION_NONE && stored >= 0)
		return stored;
	if (load_places(reader, &ignored) != TARN_OK)
		return -1;
	return reader->compression == COMPRESSION_ZSTD ?
	    reader->places.table.plain_nbytes :
	    (off_t)lzma_index_uncompressed_size(reader->places.index);
}

off_t codec_reader_detour(struct codec_reader *reader, off_t offset) {
	struct place place = { 0 };
	struct error ignored;

	return find_place(reader, &place, offset, &ignored) == TARN_OK ? offset - place.plain_at :
	                                                                 -1;
}

bool codec_reader_has_place(struct codec_reader *reader) {
	struct error ignored;

	return reader->compression == COMPRESSION_ZSTD && load_places(reader, &ignored) == TARN_OK;
}

/*
 * Read the whole skippable frame at ${at}, if it is one that we attach.  It is believed only if the
 * two sizes, that in the table and its own, are the same, so that no more is allocated than the
 * file has.
 */
static int read_attached(struct codec_reader *reader, off_t at, off_t frame_nbytes, void **data,
    size_t *nbytes, struct error *err) {
	unsigned char header[ZSTD_SKIPPABLE_HEADER_NBYTES];
	int r, fd = reader->input.fd;
	void *content;

	if (frame_nbytes < (off_t)sizeof(header) ||
	    read_at(fd, header, sizeof(header), at, err) != TARN_OK ||
	    zstd_get32(header) != ZSTD_MAGIC_ATTACHED ||
	    zstd_get32(header + 4) != frame_nbytes - (off_t)sizeof(header))
		return TARN_END;
	*nbytes = zstd_get32(header + 4);
	content = malloc(*nbytes > 0 ? *nbytes : 1);
	if (content == NULL)
		return err_nomem(err);
	r = read_at(fd, content, *nbytes, at + (off_t)sizeof(header), err);
	if (r == TARN_OK)
		*data = content;
	else
		free(content);
	return r;
}

int codec_reader_attached(
    struct codec_reader *reader, void **data, size_t *nbytes, struct error *err) {
	const struct zstd_table *table = &reader->places.table;
	const struct zstd_frame_place *last;
	int r = load_places(reader, err);

	if (r != TARN_OK || table->n == 0)
		return r != TARN_OK ? r : TARN_END;
	/* It is written behind all pieces, so that only the table follows it. */
	last = &table->frames[table->n - 1];
	return read_attached(
	    reader, reader->base + last->at, table->nbytes - last->at, data, nbytes, err);
}
