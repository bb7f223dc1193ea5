#include "config.h"

#include "member_index.h"

#include <endian.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>

/*
 * An index is a row of chunks, a directory that has the length and checksum of each, and at the
 * very end a footer, from which everything is found: the end of the stream is the only place that a
 * reader knows.  The writer keeps closed chunks in memory, compressed, until the archive is
 * complete, as the index stands behind it.
 *
 * A reader loads the index as a whole, and decompresses one chunk at a time.  It trusts nothing:
 * the archive may be a stranger's, or another program may have changed it.  The footer's checksum
 * covers the directory, the directory has one for each chunk, and the footer says what must stand
 * in the archive at two places (check_binding).
 *
 * archive_sink adds what it writes, output and run_write what is in the archive already; input
 * loads an index for index_source, and for --test, which compares it with the archive.
 */

/*
 * The largest one that is made, or read behind an archive, into memory: some hundred million
 * members.
 */
#define INDEX_NBYTES_MAX ((uint64_t)1 << 30)

/* More than the last chunk and the footer have, so that what is closed may have so much less. */
#define LAST_NBYTES_MAX ((uint64_t)32 << 20)

/*
 * An index is compressed already, and smaller than the headers that it stands for.  So in a file
 * that is compressed once more it can be only a little longer than the whole file.  One that claims
 * to have more than so many times the file's bytes, and more than the second number, is there to
 * fill the memory.
 */
#define STORED_TIMES_MAX 4
#define ALWAYS_NBYTES ((uint64_t)1 << 20)

/* What is decompressed to look for an index: always so much, else such a share of the archive. */
#define ALWAYS_DETOUR_NBYTES ((off_t)1 << 20)
#define DETOUR_SHARE 8

/* The last byte is the version of the format; an index of another one counts as none. */
static const char magic[8] = "TARNIDX\2";

/* As it stands in the file: 72 bytes without padding, all numbers little-endian; tarn(5). */
struct footer {
	uint64_t nbytes;        /* of the index, this footer included */
	uint64_t chunks_nbytes; /* the directory begins behind them */
	uint64_t directory_nbytes;
	uint64_t nmembers;
	uint64_t end;           /* offset of the end-of-archive blocks */
	uint64_t last;          /* offset of the last member's header */
	uint64_t last_checksum; /* CRC-64 of the 512 bytes there */
	uint64_t checksum;      /* CRC-64 of the directory, and of this up to here */
	char magic[8];
};

/*
 * Once it is loaded, data is chunks, directory and footer, the end fits an off_t, and the last
 * member does not begin behind it.  That there are as many members is seen when they are read.
 */
struct member_index {
	unsigned char *data;             /* the whole index, owned */
	struct footer footer;            /* in this machine's byte order */
	struct cursor chunks, directory; /* of those that were not opened yet */
	off_t next;                      /* the next header is there, or behind that */
	uint64_t nmembers;               /* that were read */
	struct index_chunk_reader chunk; /* the one that was opened last */
};

static uint64_t footer_checksum(const struct footer *footer, const void *directory, size_t nbytes) {
	return lzma_crc64((const void *)footer, offsetof(struct footer, checksum),
	    lzma_crc64(directory, nbytes, 0));
}

/* Pass over ${skipped} bytes of ${reader} and read ${nbytes}.  TARN_END: there are not so many. */
static int read_behind(
    struct codec_reader *reader, off_t skipped, void *to, size_t nbytes, struct error *err) {
	unsigned char *next = to;
	const unsigned char *data;
	const void *block;
	size_t n;
	int r = TARN_OK;

	while (r == TARN_OK && nbytes > 0) {
		r = codec_read(reader, &block, &n, err);
		if (r == TARN_OK && (off_t)n <= skipped) {
			skipped -= (off_t)n;
			continue;
		}
		if (r != TARN_OK)
			break;
		data = (const unsigned char *)block + skipped;
		n -= (size_t)skipped;
		skipped = 0;
		if (n > nbytes)
			n = nbytes;
		memcpy(next, data, n);
		next += n;
		nbytes -= n;
	}
	return r;
}

/*
 * Read the ${nbytes} at ${offset} of the plain stream.  TARN_END: they are not there, or cannot be
 * reached.  Whatever else fails but memory, damage for example, is TARN_EFORMAT, and no reason to
 * give up: whoever then reads the archive itself meets the same, and reports it with the member it
 * is in.  Not so a limit, TARN_ELIMIT, which need not be met there.
 */
static int read_at(
    struct codec_reader *reader, uint64_t offset, void *to, size_t nbytes, struct error *err) {
	int r = codec_seek(reader, (off_t)offset, err);

	if (r == TARN_OK)
		r = read_behind(reader, 0, to, nbytes, err);
	if (r == TARN_OK || r == TARN_END || r == TARN_ENOMEM || r == TARN_ELIMIT)
		return r;
	if (r == TARN_EREFUSED)
		return TARN_END;
	err_wrap(err, "of no use");
	err->code = TARN_EFORMAT;
	return TARN_EFORMAT;
}

/*
 * Append the chunk to those that are closed, and its length and checksum to the directory.  Each
 * has a checksum of its own so that a listing can begin without all of them being read.
 */
static int close_chunk(struct index_writer *w, struct error *err) {
	size_t before = w->chunks.nbytes, nbytes;
	uint32_t checksum;
	int r = index_chunk_close(&w->chunk, &w->chunks, err);

	if (r != TARN_OK)
		return r;
	nbytes = w->chunks.nbytes - before;
	checksum = htole32(lzma_crc32(w->chunks.data + before, nbytes, 0));
	r = bytes_append_varint(&w->directory, nbytes, err);
	return r == TARN_OK ? bytes_append(&w->directory, &checksum, sizeof(checksum), err) : r;
}

/*
 * There will be no index, and its memory is free from here on.  The archive is whole without it:
 * only with --index this counts as a failure.
 */
static void refuse(struct index_writer *w, const struct entry *e, struct error *err) {
	w->is_refused = true;
	index_chunk_writer_fini(&w->chunk);
	bytes_fini(&w->chunks);
	bytes_fini(&w->directory);
	err_wrap(err, "The archive has no index");
	report_line(w->report, w->refusal, e->name, err->msg);
}

int index_writer_add(struct index_writer *w, const struct entry *e, off_t offset,
    const unsigned char *block, struct error *err) {
	int r;

	if (w->is_refused)
		return TARN_OK;
	if (w->chunks.nbytes + w->directory.nbytes > INDEX_NBYTES_MAX - LAST_NBYTES_MAX)
		r = err_set(err, TARN_EREFUSED, 0, "it would be larger than 1 GiB");
	else
		r = index_chunk_add(&w->chunk, e, offset, err);
	if (r == TARN_EREFUSED) {
		refuse(w, e, err);
		return TARN_OK;
	}
	w->nmembers++;
	w->last = offset;
	w->has_last_block = block != NULL;
	if (block != NULL)
		memcpy(w->last_block, block, sizeof(w->last_block));
	if (r == TARN_OK && index_chunk_is_full(&w->chunk))
		r = close_chunk(w, err);
	return r;
}

/* Chunks are taken as they are: each begins from nothing, with an offset in the whole archive. */
int index_writer_adopt(
    struct index_writer *w, const struct member_index *index, struct error *err) {
	const struct footer *f = &index->footer;
	int r = bytes_append(&w->chunks, index->data, f->chunks_nbytes, err);

	w->nmembers = f->nmembers;
	w->last = (off_t)f->last;
	w->last_checksum = f->last_checksum;
	return r != TARN_OK ?
	    r :
	    bytes_append(&w->directory, index->data + f->chunks_nbytes, f->directory_nbytes, err);
}

int index_writer_bind(
    struct index_writer *w, struct codec_reader *reader, off_t base, struct error *err) {
	int r;

	if (w->nmembers == 0)
		return TARN_OK;
	/* A reader that cannot seek stands at the beginning, and passes over all that is before. */
	r = codec_seek(reader, w->last - base, err);
	if (r == TARN_OK || r == TARN_EREFUSED)
		r = read_behind(reader, r == TARN_EREFUSED ? w->last - base : 0, w->last_block,
		    sizeof(w->last_block), err);
	w->has_last_block = r == TARN_OK;
	/* The header was read before: the archive has become shorter since. */
	return r == TARN_END ? err_set(err, TARN_EFORMAT, 0, "Unexpected EOF in archive") : r;
}

int index_writer_finish(
    struct index_writer *w, off_t end, const struct bytes **index, struct error *err) {
	struct footer footer = { .end = htole64((uint64_t)end) };
	struct bytes *all = &w->chunks; /* the rest goes behind them */

	if (w->chunk.nmembers > 0 && close_chunk(w, err) != TARN_OK)
		return (int)err->code;
	if (w->has_last_block)
		w->last_checksum = lzma_crc64(w->last_block, sizeof(w->last_block), 0);
	footer.nbytes = htole64(all->nbytes + w->directory.nbytes + sizeof(footer));
	footer.chunks_nbytes = htole64(all->nbytes);
	footer.directory_nbytes = htole64(w->directory.nbytes);
	footer.nmembers = htole64(w->nmembers);
	footer.last = htole64((uint64_t)w->last);
	footer.last_checksum = htole64(w->last_checksum);
	/* Of all the fields before it, as they will stand in the file. */
	footer.checksum = htole64(footer_checksum(&footer, w->directory.data, w->directory.nbytes));
	memcpy(footer.magic, magic, sizeof(magic));
	if (bytes_append(all, w->directory.data, w->directory.nbytes, err) != TARN_OK)
		return TARN_ENOMEM;
	*index = all;
	return bytes_append(all, &footer, sizeof(footer), err);
}

void index_writer_fini(struct index_writer *w) {
	index_chunk_writer_fini(&w->chunk);
	bytes_fini(&w->chunks);
	bytes_fini(&w->directory);
	*w = (struct index_writer){ 0 };
}

static void decode_footer(struct footer *f, const void *from) {
	memcpy(f, from, sizeof(*f));
	f->nbytes = le64toh(f->nbytes);
	f->chunks_nbytes = le64toh(f->chunks_nbytes);
	f->directory_nbytes = le64toh(f->directory_nbytes);
	f->nmembers = le64toh(f->nmembers);
	f->end = le64toh(f->end);
	f->last = le64toh(f->last);
	f->last_checksum = le64toh(f->last_checksum);
	f->checksum = le64toh(f->checksum);
}

/* Of an index behind the archive that ${reader} reads. */
static uint64_t nbytes_max(const struct codec_reader *reader) {
	off_t stored = codec_reader_stored_nbytes(reader);
	uint64_t max;

	/* Below the limit for all, nothing overflows. */
	if (stored > (off_t)INDEX_NBYTES_MAX)
		return INDEX_NBYTES_MAX;
	max = (stored > 0 ? (uint64_t)stored : 0) * STORED_TIMES_MAX + ALWAYS_NBYTES;
	return max < INDEX_NBYTES_MAX ? max : INDEX_NBYTES_MAX;
}

/*
 * Is an index at ${offset} of ${size} bytes worth being looked for?  Other programs compress an
 * archive as a whole, or in pieces of which the last one may be most of it: to see that there is no
 * index then takes as long as to read the archive.
 */
static bool is_near(struct codec_reader *reader, off_t offset, off_t size) {
	off_t detour = codec_reader_detour(reader, offset);

	return detour <= ALWAYS_DETOUR_NBYTES || detour <= size / DETOUR_SHARE;
}

/*
 * Read an index at the end of the plain stream.  TARN_END: there is none, or it cannot be reached.
 * *${data} is the caller's, also after a failure: NULL, or malloc'ed.
 */
static int read_behind_archive(
    struct codec_reader *reader, void **data, size_t *nbytes, struct error *err) {
	off_t size = codec_reader_size(reader);
	struct footer footer, raw;
	int r;

	/* Also where it is -1, unknown: nothing can be reached from the end then. */
	if (size < (off_t)(INDEX_END_NBYTES + sizeof(footer)) ||
	    !is_near(reader, size - (off_t)sizeof(raw), size))
		return TARN_END;
	r = read_at(reader, (uint64_t)size - sizeof(raw), &raw, sizeof(raw), err);
	/* Where the end cannot be read nobody knows of an index, so nothing is said. */
	if (r != TARN_OK || memcmp(raw.magic, magic, sizeof(magic)) != 0)
		return r == TARN_ENOMEM || r == TARN_ELIMIT ? r : TARN_END;
	decode_footer(&footer, &raw);
	if (footer.nbytes < sizeof(footer) || footer.nbytes > (uint64_t)size ||
	    footer.nbytes > nbytes_max(reader))
		return err_set(err, TARN_EFORMAT, 0, "damaged");
	*nbytes = footer.nbytes;
	*data = malloc(*nbytes);
	if (*data == NULL)
		return err_nomem(err);
	r = read_at(reader, (uint64_t)size - *nbytes, *data, *nbytes, err);
	return r == TARN_END ? err_set(err, TARN_EFORMAT, 0, "damaged") : r;
}

/*
 * Does ${data} end as an index does?  Other programs may keep something of their own in a skippable
 * frame of that number.
 */
static bool is_index(const unsigned char *data, size_t nbytes) {
	return nbytes >= sizeof(struct footer) &&
	    memcmp(data + nbytes - sizeof(magic), magic, sizeof(magic)) == 0;
}

/*
 * Fill in the footer from the end of the data, ${nbytes} that is_index() has seen.  False: it is
 * damaged.  Chunks are looked at when they are opened.
 */
static bool parse(struct member_index *index, size_t nbytes) {
	struct footer *f = &index->footer, raw;
	const unsigned char *directory;
	size_t at = nbytes - sizeof(*f);

	memcpy(&raw, index->data + at, sizeof(raw));
	decode_footer(f, &raw);
	/* Each is checked before it is subtracted, so that nothing wraps around. */
	if (f->nbytes != nbytes || f->chunks_nbytes > at ||
	    f->directory_nbytes != at - f->chunks_nbytes || f->end > INT64_MAX || f->last > f->end)
		return false;
	directory = index->data + f->chunks_nbytes;
	return f->checksum == footer_checksum(&raw, directory, f->directory_nbytes);
}

/*
 * Does the index belong to this archive?  A program that appends members overwrites the zeros at
 * its end, one that removes members moves the last header; either may leave the old index behind.
 */
static int check_binding(
    const struct member_index *index, struct codec_reader *reader, struct error *err) {
	const struct footer *f = &index->footer;
	unsigned char block[INDEX_END_NBYTES];
	int r = read_at(reader, f->end, block, INDEX_END_NBYTES, err);

	for (size_t i = 0; i < INDEX_END_NBYTES && r == TARN_OK; i++) {
		if (block[i] != 0)
			r = TARN_END;
	}
	if (r == TARN_OK && f->nmembers > 0)
		r = read_at(reader, f->last, block, TAR_BLOCK_NBYTES, err);
	if (r == TARN_OK && f->nmembers > 0 &&
	    lzma_crc64(block, TAR_BLOCK_NBYTES, 0) != f->last_checksum)
		r = TARN_END;
	if (r == TARN_OK && f->nmembers > 0)
		codec_reader_confirm(reader, (off_t)f->last);
	return r == TARN_END ?
	    err_set(err, TARN_EFORMAT, 0, "out of date: another program has changed the archive") :
	    r;
}

int member_index_load(struct member_index **index, struct codec_reader *reader, struct error *err) {
	struct member_index *fresh = calloc(1, sizeof(*fresh));
	void *data = NULL;
	size_t nbytes;
	int r;

	if (fresh == NULL)
		return err_nomem(err);
	/* In zstd it is beside the stream, else at its end. */
	r = codec_reader_attached(reader, &data, &nbytes, err);
	if (r == TARN_END)
		r = read_behind_archive(reader, &data, &nbytes, err);
	fresh->data = data;
	if (r == TARN_OK && !is_index(fresh->data, nbytes))
		r = TARN_END;
	if (r == TARN_OK && !parse(fresh, nbytes))
		r = err_set(err, TARN_EFORMAT, 0, "damaged");
	if (r == TARN_OK)
		r = check_binding(fresh, reader, err);
	if (r != TARN_OK) {
		member_index_free(fresh);
		return r;
	}
	member_index_rewind(fresh);
	*index = fresh;
	return TARN_OK;
}

void member_index_free(struct member_index *index) {
	if (index == NULL)
		return;
	index_chunk_reader_fini(&index->chunk);
	free(index->data);
	free(index);
}

off_t member_index_end(const struct member_index *index) {
	return (off_t)index->footer.end;
}

/* Open the next chunk; its length is the directory's, held to what is left of the chunks. */
static int next_chunk(struct member_index *index, struct error *err) {
	const void *data = NULL, *stored;
	uint64_t nbytes;
	uint32_t checksum;

	if (index->directory.at == index->directory.end)
		return TARN_END;
	if (cursor_varint(&index->directory, &nbytes) &&
	    (stored = cursor_take(&index->directory, sizeof(checksum))) != NULL) {
		memcpy(&checksum, stored, sizeof(checksum));
		data = cursor_take(&index->chunks, nbytes);
	}
	/* There is data only if the checksum was read, too. */
	if (data == NULL || lzma_crc32(data, nbytes, 0) != le32toh(checksum))
		return err_set(err, TARN_EFORMAT, 0, "damaged");
	return index_chunk_open(&index->chunk, data, nbytes, err);
}

int member_index_next(
    struct member_index *index, struct entry *e, off_t *offset, struct error *err) {
	int r = index_chunk_next(&index->chunk, e, offset, err);

	/* A chunk without members is legal, and so passed over. */
	while (r == TARN_END) {
		r = next_chunk(index, err);
		if (r == TARN_END && index->nmembers != index->footer.nmembers)
			r = err_set(err, TARN_EFORMAT, 0, "malformed");
		if (r != TARN_OK)
			return r;
		r = index_chunk_next(&index->chunk, e, offset, err);
	}
	if (r != TARN_OK)
		return r;
	/*
	 * Offsets only grow.  Otherwise a small index could name one large member a million times,
	 * or have the reader jump back and forth in a piece that is decompressed anew each time.
	 */
	if (*offset < index->next || *offset >= (off_t)index->footer.end ||
	    index->nmembers == index->footer.nmembers)
		return err_set(err, TARN_EFORMAT, 0, "malformed");
	index->next = *offset + TAR_BLOCK_NBYTES;
	index->nmembers++;
	return TARN_OK;
}

void member_index_rewind(struct member_index *index) {
	const struct footer *f = &index->footer;
	const unsigned char *directory = index->data + f->chunks_nbytes;

	index->chunks = (struct cursor){ index->data, directory };
	index->directory = (struct cursor){ directory, directory + f->directory_nbytes };
	index->next = 0;
	index->nmembers = 0;
	/* Else the members that are left of the open chunk would come first. */
	index_chunk_reader_fini(&index->chunk);
}

static bool is_same_text(const char *a, const char *b) {
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Owner, mode and times may differ: they are taken from the header, which is what counts. */
bool member_index_agrees(const struct entry *indexed, const struct entry *found) {
	return strcmp(found->name, indexed->name) == 0 && found->type == indexed->type &&
	    found->size == indexed->size && found->is_whole == indexed->is_whole &&
	    is_same_text(found->first_name, indexed->first_name) &&
	    is_same_text(found->target, indexed->target);
}
