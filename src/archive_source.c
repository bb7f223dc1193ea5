#include "config.h"

#include "archive_source.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

#include "late_content.h"

/*
 * libarchive parses the members out of the plain bytes that the codec layer hands over.  Its three
 * degrees of trouble become two here: what it warns of or retries after is said and shows in the
 * exit status, and the reading goes on; what is fatal ends the source.
 *
 * The position that libarchive gives for a header, beside the bytes that it was fed, tells whether
 * the archive was closed by end-of-archive blocks or just stops.
 */

#define TAR_BLOCK 512

/*
 * The most bytes that may be read for a header with its names and maps: libarchive keeps all of them
 * in memory, and a cpio header can speak of a name of 4 GiB.
 */
#define HEADER_NBYTES_MAX ((off_t)64 << 20)

struct archive_source {
	struct source base;
	struct archive *archive;
	struct archive_entry *from; /* the current member as libarchive gives it */
	struct codec_reader *reader;
	struct report *report;
	struct entry entry;
	struct entry_storage storage;
	off_t content_end;    /* of the current member, as far as it was read */
	off_t npromised;      /* bytes of its content that are still to come */
	off_t nfed;           /* plain bytes handed to libarchive, skipped ones included */
	off_t header_left;    /* of HEADER_NBYTES_MAX; INT64_MAX in content */
	bool fed_all;         /* the reader said TARN_END */
	bool has_codec_error; /* the reader failed, or may read no more, with: */
	struct error codec_error;
	struct late_content late;
	bool at_end;  /* libarchive has no more */
	bool is_late; /* the current entry comes from there */
	size_t nmembers;
	bool is_in_member; /* libarchive is behind a good header */
	bool in_garbage;   /* said so, not yet at the next good header */
};

static la_ssize_t feed(struct archive *archive, void *data, const void **block) {
	struct archive_source *s = data;
	size_t nbytes = 0;
	int r;

	(void)archive;
	if (s->fed_all || s->has_codec_error)
		return s->fed_all ? 0 : -1;
	r = s->header_left > 0 ? codec_read(s->reader, block, &nbytes, &s->codec_error) :
	                         err_set(&s->codec_error, TARN_EFORMAT, 0, "Header is too large");
	if (r == TARN_END) {
		s->fed_all = true;
		return 0;
	}
	if (r != TARN_OK) {
		s->has_codec_error = true;
		archive_set_error(archive, s->codec_error.errnum, "%s", s->codec_error.msg);
		return -1;
	}
	s->nfed += (off_t)nbytes;
	s->header_left -= (off_t)nbytes;
	return (la_ssize_t)nbytes;
}

static la_int64_t skip(struct archive *archive, void *data, la_int64_t request) {
	struct archive_source *s = data;
	off_t nbytes = codec_skip(s->reader, request);

	(void)archive;
	s->nfed += nbytes;
	return nbytes;
}

/*
 * True for libarchive's complaint that a name is not UTF-8.  Names are bytes here, and it hands
 * them over unchanged; the message is the only thing that tells this warning from real damage.
 */
static bool is_about_charset(struct archive *archive) {
	const char *text = archive_error_string(archive);

	return text != NULL && strstr(text, "can't be converted from") != NULL;
}

static const char *error_text(struct archive *archive) {
	const char *text = archive_error_string(archive);

	return text != NULL ? text : "Unknown error";
}

/* Add to ${err} how far the archive was read, and behind which member, unless that is being read. */
static int locate(const struct archive_source *s, const char *member, struct error *err) {
	int errnum = err->errnum;

	if (err->code == TARN_ENOMEM)
		return TARN_ENOMEM;
	err_set(err, err->code, 0, "%s behind byte %jd%s%s%s", err->msg, (intmax_t)s->nfed,
	    codec_reader_is_plain(s->reader) ? "" : " of the decompressed data",
	    member != NULL ? ", behind member " : "", member != NULL ? member : "");
	err->errnum = errnum;
	return (int)err->code;
}

/* Why libarchive gave up, in tar's words; ${member} as above. */
static int fatal(struct archive_source *s, const char *member, struct error *err) {
	if (s->has_codec_error)
		*err = s->codec_error;
	else if (s->nmembers == 0 && !s->in_garbage)
		return err_set(err, TARN_EFORMAT, 0, "This does not look like a tar archive");
	else
		err_set(err, TARN_EFORMAT, 0, "%s",
		    s->fed_all ? "Unexpected EOF in archive" : error_text(s->archive));
	return locate(s, member, err);
}

/* The end: was it meant?  And are the checksums behind it right? */
static int end(struct archive_source *s, struct error *err) {
	off_t at = archive_read_header_position(s->archive);
	int r;

	if (s->nfed == 0)
		return err_set(err, TARN_EFORMAT, 0, "This does not look like a tar archive");
	if (s->nfed <= at) {
		err_set(err, TARN_EFORMAT, 0, "Unexpected EOF in archive");
		return locate(s, s->storage.name, err);
	}
	if (s->fed_all && s->nfed - at == TAR_BLOCK)
		report_note(
		    s->report, NULL, "A lone zero block at %jd", (intmax_t)(at / TAR_BLOCK + 1));
	r = codec_drain(s->reader, err);
	return r != TARN_OK ? locate(s, s->storage.name, err) : TARN_END;
}

static void say_garbage(struct archive_source *s) {
	if (s->in_garbage)
		return;
	s->in_garbage = true;
	/* The entry may have been renamed, and has lost what it borrowed. */
	report_failure(s->report, s->storage.name, "%s at byte %jd: Skipping to next header",
	    s->nmembers > 0 ? "Damaged header behind this member" : "Damaged header",
	    (intmax_t)archive_read_header_position(s->archive));
}

bool archive_source_is_tar(const struct source *source) {
	const struct archive_source *s = (const struct archive_source *)source;

	return (archive_format(s->archive) & ARCHIVE_FORMAT_BASE_MASK) != ARCHIVE_FORMAT_CPIO;
}

/* A member's header was read.  TARN_END: the member is held back. */
static int hold_back(struct archive_source *s, struct error *err) {
	bool held = false;
	int r = TARN_OK;

	if (!archive_source_is_tar(&s->base)) {
		s->entry.identity.nlink = archive_entry_nlink(s->from);
		r = late_content_look(&s->late, &s->entry, &held, err);
	}
	return held && r == TARN_OK ? TARN_END : r;
}

/* The next entry that is held back no more.  TARN_END: there is none. */
static int next_late(struct archive_source *s, struct entry **e) {
	struct entry *late = late_content_next(&s->late);

	s->is_late = late != NULL;
	if (late != NULL)
		*e = late;
	return late != NULL ? TARN_OK : TARN_END;
}

/* libarchive's result. */
static int next_header(struct archive_source *s) {
	int r = ARCHIVE_OK;

	/* What is left of the member before would be read as a part of the header. */
	if (s->is_in_member)
		r = archive_read_data_skip(s->archive);
	if (r != ARCHIVE_FATAL) {
		s->header_left = HEADER_NBYTES_MAX;
		r = archive_read_next_header2(s->archive, s->from);
		s->header_left = INT64_MAX;
	}
	s->is_in_member = r == ARCHIVE_OK || r == ARCHIVE_WARN;
	return r;
}

/* The bytes of content that ${e} has. */
static off_t npromised(const struct entry *e) {
	off_t nbytes = e->is_sparse ? 0 : e->size;

	for (size_t i = 0; i < e->nextents; i++)
		nbytes += e->extents[i].nbytes;
	return nbytes;
}

/* Read headers up to the next member that can be handed out. */
static int read_member(struct archive_source *s, struct error *err) {
	int r;

	for (;;) {
		r = next_header(s);
		if (r == ARCHIVE_EOF)
			return TARN_END;
		if (r == ARCHIVE_FATAL)
			return fatal(s, s->storage.name, err);
		if (r == ARCHIVE_RETRY || r == ARCHIVE_FAILED) {
			say_garbage(s);
			continue;
		}
		s->in_garbage = false;
		s->nmembers++;
		s->content_end = 0;
		if (entry_from_libarchive(&s->entry, s->from, &s->storage, err) != TARN_OK) {
			if (err->code == TARN_ENOMEM)
				return (int)err->code;
			report_error(s->report, archive_entry_pathname(s->from), err);
			continue;
		}
		s->npromised = npromised(&s->entry);
		if (r == ARCHIVE_WARN && !is_about_charset(s->archive))
			report_failure(s->report, s->entry.name, "%s", error_text(s->archive));
		r = hold_back(s, err);
		if (r != TARN_END)
			return r;
	}
}

static int archive_source_next(struct source *source, struct entry **e, struct error *err) {
	struct archive_source *s = (struct archive_source *)source;
	int r;

	if (next_late(s, e) == TARN_OK)
		return TARN_OK;
	*e = &s->entry;
	r = s->at_end ? TARN_END : read_member(s, err);
	if (r != TARN_END)
		return r;
	s->at_end = true;
	r = late_content_end(&s->late, err);
	if (r != TARN_OK)
		return r;
	return next_late(s, e) == TARN_OK ? TARN_OK : end(s, err);
}

/*
 * The content of sparse files lies where libarchive's own map says, which need not be the one that
 * it has handed over: that one leaves out what overlaps.
 */
static int check_block(struct archive_source *s, const struct block *block, struct error *err) {
	off_t end;

	if (block->offset < s->content_end ||
	    __builtin_add_overflow(block->offset, block->nbytes, &end) || end > s->entry.size)
		return err_set(err, TARN_EFORMAT, 0, "Malformed sparse map");
	s->content_end = end;
	s->npromised -= (off_t)block->nbytes;
	return TARN_OK;
}

/* A map may promise more than the archive has; but a file of one hole has no map here. */
static int check_end(const struct archive_source *s, struct error *err) {
	if (s->npromised == 0 || s->content_end == 0)
		return TARN_END;
	return err_set(err, TARN_EFORMAT, 0, "Malformed sparse map");
}

static int archive_source_read(struct source *source, struct block *block, struct error *err) {
	struct archive_source *s = (struct archive_source *)source;
	la_int64_t offset = 0;
	int r;

	if (s->is_late)
		return TARN_END;
	do {
		r = archive_read_data_block(s->archive, &block->data, &block->nbytes, &offset);
		if (r == ARCHIVE_EOF)
			return check_end(s, err);
		if (r != ARCHIVE_OK)
			return fatal(s, NULL, err);
	} while (block->nbytes == 0);
	block->offset = offset;
	return check_block(s, block, err);
}

static void archive_source_free(struct source *source) {
	struct archive_source *s = (struct archive_source *)source;

	if (s == NULL)
		return;
	archive_read_free(s->archive);
	archive_entry_free(s->from);
	entry_storage_fini(&s->storage);
	late_content_fini(&s->late);
	free(s);
}

struct source *archive_source_new(
    struct codec_reader *reader, struct report *report, struct error *err) {
	struct archive_source *s = calloc(1, sizeof(*s));

	if (s == NULL || (s->archive = archive_read_new()) == NULL ||
	    (s->from = archive_entry_new()) == NULL) {
		archive_source_free(&s->base);
		err_nomem(err);
		return NULL;
	}
	s->base.next = archive_source_next;
	s->base.read = archive_source_read;
	s->base.free = archive_source_free;
	s->header_left = HEADER_NBYTES_MAX;
	s->reader = reader;
	s->report = report;
	archive_read_support_format_tar(s->archive);
	archive_read_support_format_cpio(s->archive);
	archive_read_support_format_empty(s->archive);
	archive_read_set_read_callback(s->archive, feed);
	archive_read_set_skip_callback(s->archive, skip);
	archive_read_set_callback_data(s->archive, s);
	if (archive_read_open1(s->archive) != ARCHIVE_OK) {
		fatal(s, NULL, err);
		archive_source_free(&s->base);
		return NULL;
	}
	return &s->base;
}

off_t archive_source_at(const struct source *source) {
	const struct archive_source *s = (const struct archive_source *)source;

	return archive_read_header_position(s->archive);
}

off_t archive_source_nbytes(const struct source *source) {
	return ((const struct archive_source *)source)->nfed;
}
