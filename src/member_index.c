#include "config.h"

#include "member_index.h"

#include <endian.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>

/*
 * Chunks one behind the other, a directory that has the length and checksum of each, and at the very
 * end a footer, from which everything is found.
 */

#define BLOCK_NBYTES 512

/* What a whole index may have: some hundred million members. */
#define INDEX_NBYTES_MAX ((uint64_t)1 << 30)

static const char magic[8] = "TARNIDX\2";

/* All numbers little-endian. */
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

struct member_index {
	unsigned char *data;             /* the whole index */
	struct footer footer;            /* in this machine's byte order */
	struct cursor chunks, directory; /* what is left of them */
	off_t next;                      /* the next header is there, or behind that */
	struct index_chunk_reader chunk;
};

static uint64_t footer_checksum(const struct footer *footer, const void *directory, size_t nbytes) {
	return lzma_crc64((const void *)footer, offsetof(struct footer, checksum),
	    lzma_crc64(directory, nbytes, 0));
}

/* The ${nbytes} behind the next ${skipped} of ${reader}. */
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
 * The ${nbytes} at ${offset} of the plain stream.  TARN_END: they cannot be read, which is for who reads
 * the archive to say.
 */
static int read_at(
    struct codec_reader *reader, uint64_t offset, void *to, size_t nbytes, struct error *err) {
	int r = codec_seek(reader, (off_t)offset, err);

	if (r == TARN_OK)
		r = read_behind(reader, 0, to, nbytes, err);
	return r == TARN_OK || r == TARN_ENOMEM ? r : TARN_END;
}

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

int index_writer_add(struct index_writer *w, const struct entry *e, off_t offset,
    const unsigned char *block, struct error *err) {
	int r;

	if (w->is_refused)
		return TARN_OK;
	r = index_chunk_add(&w->chunk, e, offset, err);
	if (r == TARN_EREFUSED) {
		w->is_refused = true;
		err_wrap(err, "The archive has no index");
		report_line(w->report, w->refusal, e->name, err->msg);
		return TARN_OK;
	}
	w->nmembers++;
	w->last = offset;
	if (block != NULL)
		w->last_checksum = lzma_crc64(block, BLOCK_NBYTES, 0);
	if (r == TARN_OK && index_chunk_is_full(&w->chunk))
		r = close_chunk(w, err);
	return r;
}

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
	unsigned char block[BLOCK_NBYTES];
	int r;

	if (w->nmembers == 0)
		return TARN_OK;
	r = codec_seek(reader, w->last - base, err);
	if (r == TARN_OK || r == TARN_EREFUSED)
		r = read_behind(
		    reader, r == TARN_EREFUSED ? w->last - base : 0, block, sizeof(block), err);
	if (r == TARN_OK)
		w->last_checksum = lzma_crc64(block, sizeof(block), 0);
	return r == TARN_END ? err_set(err, TARN_EFORMAT, 0, "Unexpected EOF in archive") : r;
}

int index_writer_finish(
    struct index_writer *w, off_t end, const struct bytes **index, struct error *err) {
	struct footer footer = { .end = htole64((uint64_t)end) };
	struct bytes *all = &w->chunks;

	if (w->is_refused)
		return err_set(err, TARN_EREFUSED, 0, "a name is too long for an index");
	if (w->chunk.nmembers > 0 && close_chunk(w, err) != TARN_OK)
		return (int)err->code;
	footer.nbytes = htole64(all->nbytes + w->directory.nbytes + sizeof(footer));
	footer.chunks_nbytes = htole64(all->nbytes);
	footer.directory_nbytes = htole64(w->directory.nbytes);
	footer.nmembers = htole64(w->nmembers);
	footer.last = htole64((uint64_t)w->last);
	footer.last_checksum = htole64(w->last_checksum);
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

/* An index at the end of the plain stream: *${data} is the caller's. */
static int read_behind_archive(
    struct codec_reader *reader, void **data, size_t *nbytes, struct error *err) {
	off_t size = codec_reader_size(reader);
	struct footer footer, raw;
	int r;

	if (size < (off_t)(INDEX_END_NBYTES + sizeof(footer)))
		return TARN_END;
	r = read_at(reader, (uint64_t)size - sizeof(raw), &raw, sizeof(raw), err);
	if (r != TARN_OK || memcmp(raw.magic, magic, sizeof(magic)) != 0)
		return r == TARN_ENOMEM ? r : TARN_END;
	decode_footer(&footer, &raw);
	if (footer.nbytes < sizeof(footer) || footer.nbytes > (uint64_t)size ||
	    footer.nbytes > INDEX_NBYTES_MAX)
		return err_set(err, TARN_EFORMAT, 0, "damaged");
	*nbytes = footer.nbytes;
	*data = malloc(*nbytes);
	if (*data == NULL)
		return err_nomem(err);
	r = read_at(reader, (uint64_t)size - *nbytes, *data, *nbytes, err);
	return r == TARN_END ? err_set(err, TARN_EFORMAT, 0, "damaged") : r;
}

/* Does ${data} end as an index does?  Others may keep something of theirs there. */
static bool is_index(const unsigned char *data, size_t nbytes) {
	return nbytes >= sizeof(struct footer) &&
	    memcmp(data + nbytes - sizeof(magic), magic, sizeof(magic)) == 0;
}

/* Take ${data} apart.  False: it is damaged. */
static bool parse(struct member_index *index, size_t nbytes) {
	struct footer *f = &index->footer, raw;
	const unsigned char *directory;
	size_t at = nbytes - sizeof(*f);

	memcpy(&raw, index->data + at, sizeof(raw));
	decode_footer(f, &raw);
	if (f->nbytes != nbytes || f->chunks_nbytes > at ||
	    f->directory_nbytes > at - f->chunks_nbytes || f->end > INT64_MAX || f->last > f->end)
		return false;
	directory = index->data + f->chunks_nbytes;
	return f->checksum == footer_checksum(&raw, directory, f->directory_nbytes);
}

/* Is what the index says of the archive so? */
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
		r = read_at(reader, f->last, block, BLOCK_NBYTES, err);
	if (r == TARN_OK && f->nmembers > 0 &&
	    lzma_crc64(block, BLOCK_NBYTES, 0) != f->last_checksum)
		r = TARN_END;
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

/* Open the next chunk. */
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
	if (data == NULL || lzma_crc32(data, nbytes, 0) != le32toh(checksum))
		return err_set(err, TARN_EFORMAT, 0, "damaged");
	return index_chunk_open(&index->chunk, data, nbytes, err);
}

int member_index_next(
    struct member_index *index, struct entry *e, off_t *offset, struct error *err) {
	int r = index_chunk_next(&index->chunk, e, offset, err);

	while (r == TARN_END) {
		r = next_chunk(index, err);
		if (r != TARN_OK)
			return r;
		r = index_chunk_next(&index->chunk, e, offset, err);
	}
	if (r != TARN_OK)
		return r;
	/* Each header is read once, however often it is listed. */
	if (*offset < index->next || *offset >= (off_t)index->footer.end)
		return err_set(err, TARN_EFORMAT, 0, "malformed");
	index->next = *offset + BLOCK_NBYTES;
	return TARN_OK;
}

void member_index_rewind(struct member_index *index) {
	const struct footer *f = &index->footer;
	const unsigned char *directory = index->data + f->chunks_nbytes;

	index->chunks = (struct cursor){ index->data, directory };
	index->directory = (struct cursor){ directory, directory + f->directory_nbytes };
	index->next = 0;
	index_chunk_reader_fini(&index->chunk);
}

static bool is_same_text(const char *a, const char *b) {
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool member_index_agrees(const struct entry *indexed, const struct entry *found) {
	return strcmp(found->name, indexed->name) == 0 && found->type == indexed->type &&
	    found->size == indexed->size && found->is_whole == indexed->is_whole &&
	    is_same_text(found->first_name, indexed->first_name) &&
	    is_same_text(found->target, indexed->target);
}
