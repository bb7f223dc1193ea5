#include "config.h"

#include "archive_sink.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cpio_header.h"
#include "key_set.h"
#include "member_header.h"
#include "tar_block.h"
#include "tar_header.h"

/*
 * A member is its header, the runs of content that the header asks for, and zeros up to the next
 * boundary.  Its size is in the header and cannot be taken back: whatever the source does, so many
 * bytes follow.  What it has beyond is left out, what it does not have is zeros.
 *
 * Small pieces are gathered before they go to the codec; a large block goes there without being
 * copied, behind what was gathered.  What is gathered counts in s->nbytes, so that offsets, those
 * in the index and the inode numbers of cpio, do not depend on when it is handed on.
 */

#define BUFFER_NBYTES ((size_t)512 * 1024)
#define LARGE_NBYTES ((size_t)128 * 1024)

struct archive_sink {
	struct sink base;
	struct codec_writer *writer;
	enum format format;
	off_t alignment;     /* of members */
	off_t record_nbytes; /* what the end of the archive is padded to */
	struct report *report;
	struct member_header header; /* of the member that is put; kept for its memory */
	struct cpio_names names;     /* empty in every format but cpio */
	off_t nbytes;                /* of the plain stream, gathered ones included */
	off_t end;                   /* of its members; known from finish on */
	struct index_writer *index;  /* NULL: none is wanted */
	unsigned char *buf;
	size_t buffered;
	bool checks_links;
	uint64_t seed; /* of the keys of names, so that nobody can make names with the same key */
	struct key_set members; /* names: those in the archive with checks_links, else left out */
};

/* How far the content of a member has got. */
struct content {
	const struct extent *runs; /* what is left; the first of them may have been begun */
	size_t nruns;
	off_t at; /* next byte of the file; the runs below it are written */
};

/* Hand on what was gathered, which is then gone, also after an error: that ends the run. */
static int flush(struct archive_sink *s, struct error *err) {
	size_t nbytes = s->buffered;

	s->buffered = 0;
	return nbytes > 0 ? codec_write(s->writer, s->buf, nbytes, err) : TARN_OK;
}

/* Append ${data}, or zeros where it is NULL. */
static int append(
    struct archive_sink *s, const unsigned char *data, off_t nbytes, struct error *err) {
	int r = TARN_OK;

	s->nbytes += nbytes;
	if (data != NULL && (size_t)nbytes >= LARGE_NBYTES) {
		r = flush(s, err);
		return r == TARN_OK ? codec_write(s->writer, data, (size_t)nbytes, err) : r;
	}
	while (nbytes > 0 && r == TARN_OK) {
		size_t room = BUFFER_NBYTES - s->buffered;
		size_t n = nbytes < (off_t)room ? (size_t)nbytes : room;

		if (data != NULL) {
			memcpy(s->buf + s->buffered, data, n);
			data += n;
		} else {
			memset(s->buf + s->buffered, 0, n);
		}
		s->buffered += n;
		nbytes -= (off_t)n;
		if (s->buffered == BUFFER_NBYTES)
			r = flush(s, err);
	}
	return r;
}

/* Append zeros up to a multiple of ${alignment} in the stream. */
static int pad(struct archive_sink *s, off_t alignment, struct error *err) {
	off_t over = s->nbytes % alignment;

	return over > 0 ? append(s, NULL, alignment - over, err) : TARN_OK;
}

/*
 * Append what the runs have of the file up to ${end}: ${data}, which begins at c->at, or zeros
 * where it is NULL.  What lies between the runs is passed over.  A run that ends at ${end} is done
 * with; one that goes beyond stays, for the next call.
 */
static int append_runs(struct archive_sink *s, struct content *c, const unsigned char *data,
    off_t end, struct error *err) {
	int r = TARN_OK;

	while (c->nruns > 0 && c->runs->offset < end && r == TARN_OK) {
		off_t run_end = c->runs->offset + c->runs->nbytes;
		off_t from = c->runs->offset > c->at ? c->runs->offset : c->at;
		off_t to = run_end < end ? run_end : end;

		if (from < to)
			r = append(s, data != NULL ? data + (from - c->at) : NULL, to - from, err);
		/* The rest of this run is in blocks that are still to come. */
		if (run_end > end)
			break;
		c->runs++;
		c->nruns--;
	}
	c->at = end;
	return r;
}

/*
 * Append the content that the header promises.  When it cannot be read in full, that is said and
 * the rest is zeros, but for damage in an archive that is read: nothing good can come behind that.
 */
static int append_content(
    struct archive_sink *s, const struct entry *e, struct source *from, struct error *err) {
	struct content c = { .runs = s->header.extents, .nruns = s->header.nextents };
	struct block block;
	int r = TARN_OK;

	while (r == TARN_OK && c.nruns > 0) {
		off_t end;

		/* It ends with the last run: a file that grows is not followed. */
		r = from->read(from, &block, err);
		if (r == TARN_EFORMAT || r == TARN_ENOMEM)
			return r;
		if (r != TARN_OK && r != TARN_END)
			report_error(s->report, e->name, err);
		if (r != TARN_OK)
			break;
		report_progress(s->report, NULL, block.nbytes);
		if (__builtin_add_overflow(block.offset, block.nbytes, &end))
			end = e->size;
		/* Between two blocks is a hole, which may lie in a run nevertheless. */
		r = append_runs(s, &c, NULL, block.offset, err);
		if (r == TARN_OK)
			r = append_runs(s, &c, block.data, end, err);
		if (r != TARN_OK)
			return r;
	}
	return append_runs(s, &c, NULL, e->size, err);
}

/*
 * Is the first name of ${e} in the archive?  One that a selection has emptied is not.  A name is in
 * s->members either because it is there or because it is not: see checks_links.
 */
static bool has_first(const struct archive_sink *s, const struct entry *e) {
	bool is_member =
	    s->members.n > 0 && key_set_has(&s->members, key_of_name(s->seed, e->first_name));

	return *e->first_name != '\0' && is_member == s->checks_links;
}

/* Remember whether ${e} is in the archive, for names that link to it. */
static int remember(struct archive_sink *s, const struct entry *e, bool is_in, struct error *err) {
	/*
	 * Only archives have later names that others link to; a tree names the same first name each
	 * time.  Nothing is a later name of a directory.
	 */
	if (is_in != s->checks_links || (e->first_name != NULL && !s->checks_links) ||
	    e->type == ENTRY_DIRECTORY)
		return TARN_OK;
	return key_set_add(&s->members, key_of_name(s->seed, e->name), err);
}

/* The header of ${e}; TARN_EREFUSED when the format cannot hold it. */
static int append_header(struct archive_sink *s, const struct entry *e, struct error *err) {
	struct entry stored;
	struct tar_owners owners;
	int r = s->format == FORMAT_CPIO ?
	    cpio_header_encode(&s->header, &s->names, e, s->nbytes, err) :
	    tar_header_encode(&s->header, e, s->format, err);

	/* Before the header is appended, as s->nbytes is still where it begins. */
	if (r == TARN_OK && s->index != NULL) {
		stored = *e;
		tar_header_reduce(&stored, s->format, &owners);
		r = index_writer_add(s->index, &stored, s->nbytes, s->header.data, err);
	}
	return r == TARN_OK ? append(s, s->header.data, (off_t)s->header.nbytes, err) : r;
}

static int archive_sink_put(
    struct sink *sink, const struct entry *e, struct source *from, struct error *err) {
	struct archive_sink *s = (struct archive_sink *)sink;
	struct entry whole;
	int r;

	if (e->type == ENTRY_SOCKET) {
		/* A tree has said so. */
		if (e->path == NULL)
			report_note(s->report, e->name, "socket ignored");
		return TARN_OK;
	}
	if (e->first_name != NULL && e->is_whole) {
		whole = *e;
		whole.first_name = NULL;
		e = &whole;
	}
	if (e->first_name != NULL && strcmp(e->first_name, e->name) == 0) {
		report_warning(s->report, e->name, "link to itself; not dumped");
		return TARN_OK;
	}
	if (e->first_name != NULL && !has_first(s, e))
		return err_set(err, TARN_NO_FIRST, 0, "its first name is not in the archive");
	r = append_header(s, e, err);
	if (r == TARN_NO_FIRST && e->path != NULL)
		report_note(s->report, e->name, "%s: stored in full", err->msg);
	if (r == TARN_EREFUSED) {
		report_error(s->report, e->name, err);
		return remember(s, e, false, err);
	}
	/* It is in the archive from its header on, also if its content becomes zeros. */
	if (r == TARN_OK)
		r = remember(s, e, true, err);
	if (r == TARN_OK)
		r = append_content(s, e, from, err);
	return r == TARN_OK ? pad(s, s->alignment, err) : r;
}

static int archive_sink_finish(struct sink *sink, struct error *err) {
	struct archive_sink *s = (struct archive_sink *)sink;
	int r = flush(s, err);

	/* What follows the members can be dropped by who adds to the archive. */
	s->end = s->nbytes;
	if (r == TARN_OK)
		r = codec_writer_end_piece(s->writer, err);
	if (r != TARN_OK)
		return r;
	if (s->format == FORMAT_CPIO) {
		r = cpio_header_encode_trailer(&s->header, err);
		if (r == TARN_OK)
			r = append(s, s->header.data, (off_t)s->header.nbytes, err);
	} else {
		r = append(s, NULL, (off_t)2 * TAR_BLOCK_NBYTES, err);
	}
	if (r == TARN_OK)
		r = pad(s, s->record_nbytes, err);
	return r == TARN_OK ? flush(s, err) : r;
}

static void archive_sink_free(struct sink *sink) {
	struct archive_sink *s = (struct archive_sink *)sink;

	if (s == NULL)
		return;
	member_header_fini(&s->header);
	cpio_names_fini(&s->names);
	key_set_fini(&s->members);
	free(s->buf);
	free(s);
}

struct sink *archive_sink_new(struct codec_writer *writer, enum format format,
    unsigned int blocking_factor, off_t start, struct report *report, struct error *err) {
	struct archive_sink *s = calloc(1, sizeof(*s));

	if (s == NULL || (s->buf = malloc(BUFFER_NBYTES)) == NULL) {
		archive_sink_free(&s->base);
		err_nomem(err);
		return NULL;
	}
	s->base.put = archive_sink_put;
	s->base.finish = archive_sink_finish;
	s->base.free = archive_sink_free;
	s->writer = writer;
	s->format = format;
	s->alignment = format == FORMAT_CPIO ? CPIO_ALIGNMENT : TAR_BLOCK_NBYTES;
	s->record_nbytes = (off_t)blocking_factor * TAR_BLOCK_NBYTES;
	s->nbytes = start;
	s->seed = key_seed();
	s->report = report;
	return &s->base;
}

off_t archive_sink_nbytes(const struct sink *sink) {
	return ((const struct archive_sink *)sink)->nbytes;
}

void archive_sink_check_links(struct sink *sink) {
	((struct archive_sink *)sink)->checks_links = true;
}

void archive_sink_index(struct sink *sink, struct index_writer *index) {
	((struct archive_sink *)sink)->index = index;
}

off_t archive_sink_end(const struct sink *sink) {
	return ((const struct archive_sink *)sink)->end;
}

int archive_sink_join(
    struct sink *sink, struct codec_reader *reader, off_t nbytes, struct error *err) {
	struct archive_sink *s = (struct archive_sink *)sink;
	int r = flush(s, err);

	s->nbytes += nbytes;
	return r == TARN_OK ? codec_copy(s->writer, reader, nbytes, err) : r;
}
