#include "config.h"

#include "index_source.h"

#include <stdlib.h>

#include "archive_source.h"

/*
 * next() goes through the index alone.  fetch() has an archive source read the member, beginning at
 * the offset of its header, extended headers included.  Members that are fetched are mostly
 * neighbours: the archive source that has read one goes on to the next, and only a wider gap is
 * jumped over, with a new archive source, as there is no way to move one.
 *
 * The index is only trusted about where to look.  Once it turns out to be wrong, this source scans:
 * from then on it only passes calls on to an archive source, which began at the last member that
 * was right.
 */

/* What is read over rather than jumped over: about what a jump costs. */
#define GAP_NBYTES ((off_t)512 * 1024)

struct index_source {
	struct source base;
	struct member_index *index; /* borrowed, as the next two */
	struct codec_reader *reader;
	struct report *report;
	struct entry indexed;   /* the current member, as the index has it */
	off_t offset;           /* of its header; at the end, of the archive's; -1: none yet */
	off_t fetched;          /* offset of the last one that was fetched; -1: none */
	struct source *archive; /* what fetches, owned; NULL: nothing was, or it has failed */
	off_t start;            /* where it began */
	bool scans;             /* the index is not used any more */
};

/*
 * Let the archive be read from ${offset} on, by a new archive source.  An index is not used with
 * --ignore-zeros, so zeros end it.  On failure there is none, and next() must not be called again.
 */
static int open_at(struct index_source *s, off_t offset, struct error *err) {
	int r = codec_seek(s->reader, offset, err);

	if (s->archive != NULL)
		s->archive->free(s->archive);
	s->archive = NULL;
	if (r != TARN_OK)
		return r;
	s->start = offset;
	s->archive = archive_source_new(s->reader, ARCHIVE_END_ZEROS, s->report, err);
	return s->archive != NULL ? TARN_OK : (int)err->code;
}

/* Offset of the header that the archive was last asked for. */
static off_t archive_at(const struct index_source *s) {
	return s->start + archive_source_at(s->archive);
}

/*
 * Have the archive read the first member at ${offset} or behind.  It can only go forwards, also
 * from the member that it has read last.
 */
static int go_to(struct index_source *s, off_t offset, struct entry **e, struct error *err) {
	int r = TARN_OK;

	if (s->archive == NULL || archive_at(s) >= offset || offset - archive_at(s) > GAP_NBYTES)
		r = open_at(s, offset, err);
	do {
		if (r == TARN_OK)
			r = s->archive->next(s->archive, e, err);
	} while (r == TARN_OK && archive_at(s) < offset);
	return r;
}

/*
 * From now on without the index, from behind the member at ${offset} (-1: from the beginning),
 * which was handed out before and is passed over.
 */
static int begin_scan(struct index_source *s, off_t offset, struct error *err) {
	struct entry *e;
	int r = open_at(s, offset < 0 ? 0 : offset, err);

	s->scans = true;
	return r == TARN_OK && offset >= 0 ? s->archive->next(s->archive, &e, err) : r;
}

static int index_source_next(struct source *source, struct entry **e, struct error *err) {
	struct index_source *s = (struct index_source *)source;
	off_t offset;
	int r;

	if (s->scans)
		return s->archive->next(s->archive, e, err);
	r = member_index_next(s->index, &s->indexed, &offset, err);
	if (r == TARN_OK) {
		s->offset = offset;
		*e = &s->indexed;
	}
	if (r == TARN_END)
		s->offset = member_index_end(s->index);
	if (r != TARN_EFORMAT)
		return r;
	/* No failure: the members up to here were handed out, and the others are read now. */
	report_note(s->report, NULL, "The index of the archive is %s; reading the archive instead",
	    err->msg);
	r = begin_scan(s, s->offset, err);
	return r == TARN_OK ? s->archive->next(s->archive, e, err) : r;
}

static int index_source_fetch(struct source *source, struct entry **e, struct error *err) {
	struct index_source *s = (struct index_source *)source;
	int r;

	if (s->scans)
		return TARN_OK;
	r = go_to(s, s->offset, e, err);
	if (r == TARN_OK && archive_at(s) == s->offset && member_index_agrees(&s->indexed, *e)) {
		s->fetched = s->offset;
		return TARN_OK;
	}
	if (r != TARN_OK && r != TARN_END && r != TARN_EFORMAT)
		return r;
	/*
	 * The scan goes on behind the last member that was right.  This is a failure all the same:
	 * the index may have left out members before that one, which nobody will read now.
	 */
	report_failure(s->report, s->indexed.name,
	    "The archive has another member where its index has this one; reading the archive instead");
	r = begin_scan(s, s->fetched, err);
	return r == TARN_OK ? TARN_END : r;
}

/* Only called after fetch(), so there is an archive source, and it stands at this member. */
static int index_source_read(struct source *source, struct block *block, struct error *err) {
	struct index_source *s = (struct index_source *)source;

	return s->archive->read(s->archive, block, err);
}

static void index_source_free(struct source *source) {
	struct index_source *s = (struct index_source *)source;

	if (s == NULL)
		return;
	if (s->archive != NULL)
		s->archive->free(s->archive);
	free(s);
}

struct source *index_source_new(struct member_index *index, struct codec_reader *reader,
    struct report *report, struct error *err) {
	struct index_source *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		err_nomem(err);
		return NULL;
	}
	s->base.next = index_source_next;
	s->base.fetch = index_source_fetch;
	s->base.read = index_source_read;
	s->base.free = index_source_free;
	s->index = index;
	s->reader = reader;
	s->report = report;
	s->offset = -1;
	s->fetched = -1;
	member_index_rewind(index);
	return &s->base;
}

off_t index_source_at(const struct source *source) {
	const struct index_source *s = (const struct index_source *)source;

	return s->scans ? archive_at(s) : s->offset;
}

bool index_source_gave_up(const struct source *source) {
	return ((const struct index_source *)source)->scans;
}
