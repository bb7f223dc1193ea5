#include "config.h"

#include "archive_source.h"

#include <archive.h>
#include <archive_entry.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cpio_header.h"
#include "fed_archive.h"
#include "held_bytes.h"
#include "late_content.h"
#include "plain_header.h"
#include "untold_header.h"

/*
 * There is one stream of plain bytes, which the codec layer hands over and ${held} keeps, and there
 * are two readers of it.  Members that plain_header understands, nearly all of a usual archive, are
 * parsed here, and libarchive never sees them.  All others are libarchive's.
 *
 * libarchive's three degrees of trouble become two here: what it warns of or retries after is said
 * and shows in the exit status, and the reading goes on; what is fatal ends the source.
 *
 * The position that libarchive gives for a header, beside the bytes that were read, tells whether
 * the archive was closed by end-of-archive blocks or just stops.
 *
 * Which names of a cpio archive belong together, late_content finds: libarchive looks for each of
 * them among all before it, and cannot be told not to.  So it is begun anew before these are many.
 *
 * All archives are read through here: input opens a source for a whole archive, and index_source
 * one for the members that it fetches.
 */

/*
 * So many members of a cpio archive libarchive may have in its list of inodes before it is begun
 * anew.  To begin anew is so cheap that at this distance it cannot be measured.
 */
#define CPIO_NMEMBERS_MAX 512

struct archive_source {
	struct source base;
	struct held_bytes held;
	struct fed_archive fed;
	struct report *report;
	struct entry entry;
	struct entry_storage storage;
	/*
	 * Of a member that libarchive reads: where in the file the last block ended that was handed
	 * out, and the bytes that its header promises and that are still to come.
	 */
	off_t content_end;
	off_t npromised;
	/* Of a cpio archive with checksums: what its bytes must add up to, and do so far. */
	bool has_sum;
	uint32_t promised_sum, sum;
	bool is_plain; /* the current member was parsed here; if so, ${plain} has its strings */
	struct plain_header plain;
	struct untold_header untold; /* of the member that comes next */
	off_t plain_at;              /* where its header is */
	off_t plain_content_left;    /* of its content, that read() has not handed out */
	off_t plain_left;            /* to the next header: content that was not taken, padding */
	const char *last_name;       /* of the last member, as the archive has it; NULL: none */
	struct late_content late;
	bool at_end;       /* libarchive has no more */
	bool is_late;      /* the current entry comes from there */
	size_t nmembers;   /* good headers, of both readers; 0: what this is is not known yet */
	bool is_in_member; /* libarchive is behind a good header */
	bool said_global;  /* that a global header is ignored */
	bool in_garbage;   /* said so, not yet at the next good header */
	enum archive_end ends_at;
	bool behind_zeros; /* that did not end it, and not yet at the next good header */
};

/*
 * True for libarchive's complaint that a name is not UTF-8.  Names are bytes here, and it hands
 * them over unchanged; the message is the only thing that tells this warning from real damage.
 */
static bool is_about_charset(const char *text) {
	return strstr(text, "can't be converted from") != NULL;
}

/*
 * Add to ${err} how far the archive was read, and behind which member, unless that is being read.
 */
static int locate(const struct archive_source *s, const char *member, struct error *err) {
	int errnum = err->errnum;

	if (err->code == TARN_ENOMEM)
		return TARN_ENOMEM;
	err_set(err, err->code, 0, "%s behind byte %jd%s%s%s", err->msg, (intmax_t)s->held.nread,
	    codec_reader_compression(s->held.reader) == COMPRESSION_NONE ?
	        "" :
	        " of the decompressed data",
	    member != NULL ? ", behind member " : "", member != NULL ? member : "");
	err->errnum = errnum;
	return (int)err->code;
}

/* Why libarchive gave up, in tar's words; ${member} as above. */
static int fatal(struct archive_source *s, const char *member, struct error *err) {
	if (!s->held.has_error && s->nmembers == 0 && archive_format(s->fed.archive) == 0)
		return err_set(err, TARN_EFORMAT, 0, "This does not look like a tar archive");
	fed_archive_error(&s->fed, err);
	return locate(s, member, err);
}

/* Where the last header is; the extended headers before it are a part of it. */
static off_t header_at(const struct archive_source *s) {
	return s->is_plain ? s->plain_at : fed_archive_header_at(&s->fed);
}

/* The end: was it meant?  And are the checksums behind it right? */
static int end(struct archive_source *s, struct error *err) {
	off_t at = header_at(s);
	int r;

	if (s->held.nread == 0)
		return err_set(err, TARN_EFORMAT, 0, "This does not look like a tar archive");
	/* At a header libarchive takes the end of the bytes for that of the archive. */
	if (s->held.nread <= at && !s->behind_zeros) {
		err_set(err, TARN_EFORMAT, 0, "Unexpected EOF in archive");
		return locate(s, s->last_name, err);
	}
	/* Two blocks of zeros are what POSIX wants; GNU tar says the same of one. */
	if (s->held.has_all && s->held.nread - at == TAR_BLOCK_NBYTES)
		report_note(s->report, NULL, "A lone zero block at %jd",
		    (intmax_t)(at / TAR_BLOCK_NBYTES + 1));
	r = codec_drain(s->held.reader, err);
	return r != TARN_OK ? locate(s, s->last_name, err) : TARN_END;
}

/* There is no header at ${at}. */
static void say_garbage(struct archive_source *s, off_t at) {
	if (s->in_garbage)
		return;
	s->in_garbage = true;
	/* The entry may have been renamed, and has lost what it borrowed. */
	report_failure(s->report, s->last_name, "%s at byte %jd: Skipping to next header",
	    s->last_name != NULL ? "Damaged header behind this member" : "Damaged header",
	    (intmax_t)at);
}

bool archive_source_is_tar(const struct source *source) {
	return fed_archive_is_tar(&((const struct archive_source *)source)->fed);
}

/* A header of a cpio archive was read.  TARN_END: the member is held back. */
static int hold_back(struct archive_source *s, struct error *err) {
	struct identity identity = {
		.dev = archive_entry_dev(s->fed.from),
		.ino = (ino_t)archive_entry_ino64(s->fed.from),
		.nlink = archive_entry_nlink(s->fed.from),
	};
	int format = archive_format(s->fed.archive);
	bool is_newc =
	    format == ARCHIVE_FORMAT_CPIO_SVR4_NOCRC || format == ARCHIVE_FORMAT_CPIO_SVR4_CRC;
	bool held;
	int r;

	s->entry.identity.nlink = identity.nlink;
	r = late_content_look(&s->late, &identity, is_newc, &s->entry, &held, err);
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

/*
 * Be behind a member that libarchive was not shown.  False: the archive ends before, or is damaged.
 */
static bool skip_plain(struct archive_source *s) {
	off_t nbytes;

	while (s->plain_left > 0) {
		nbytes = held_bytes_skip(&s->held, s->plain_left);
		/* Nothing was held, and the codec cannot skip: read. */
		if (nbytes == 0 && held_bytes_need(&s->held, 1) != TARN_OK)
			return false;
		s->plain_left -= nbytes;
	}
	s->is_plain = false;
	return true;
}

/*
 * Pass over what is left of the member before, which would be taken for a header.  Returns a result
 * of libarchive, ARCHIVE_OK or ARCHIVE_FATAL.
 */
static int end_member(struct archive_source *s) {
	int r = ARCHIVE_OK;

	if (s->is_plain)
		return skip_plain(s) ? ARCHIVE_OK : ARCHIVE_FATAL;
	if (s->is_in_member)
		r = archive_read_data_skip(s->fed.archive);
	s->is_in_member = false;
	return r == ARCHIVE_FATAL ? r : ARCHIVE_OK;
}

/* Has libarchive consumed all that it was fed, so that what is held begins with a header? */
static bool is_at_header(const struct archive_source *s) {
	return fed_archive_is_tar(&s->fed) && fed_archive_at(&s->fed) == held_bytes_at(&s->held);
}

/*
 * Is what comes next a member that libarchive need not see?  The first one it has to, as it is
 * libarchive that tells a tar archive from anything else.
 */
static bool next_plain(struct archive_source *s) {
	size_t nbytes;

	if (s->nmembers == 0 || !is_at_header(s) ||
	    held_bytes_need(&s->held, TAR_BLOCK_NBYTES) != TARN_OK)
		return false;
	nbytes = plain_header_read(&s->plain, s->held.data, s->held.nbytes, &s->entry);
	if (nbytes == 0)
		return false;
	s->is_plain = true;
	s->plain_at = held_bytes_at(&s->held);
	s->plain_content_left = s->entry.size;
	s->plain_left = (off_t)tar_padded((uint64_t)s->entry.size);
	held_bytes_take(&s->held, nbytes);
	s->last_name = s->entry.name;
	return true;
}

/* At a header, or at zeros that do not end the archive: be behind them. */
static void skip_zeros(struct archive_source *s) {
	static const char zeros[TAR_BLOCK_NBYTES];

	while (s->ends_at == ARCHIVE_END_INPUT &&
	    held_bytes_need(&s->held, sizeof(zeros)) == TARN_OK &&
	    memcmp(s->held.data, zeros, sizeof(zeros)) == 0) {
		held_bytes_take(&s->held, sizeof(zeros));
		s->behind_zeros = true;
	}
}

/* At a header that libarchive is going to read: look at what it does not tell of it. */
static void look_ahead(struct archive_source *s) {
	size_t needed = TAR_BLOCK_NBYTES;

	skip_zeros(s);
	/* Later ones are prepare_cpio's. */
	if (held_bytes_need(&s->held, CPIO_HEADER_NBYTES_MAX) == TARN_OK)
		s->has_sum = cpio_header_read_sum(s->held.data, s->held.nbytes, &s->promised_sum);
	while (needed > 0 && held_bytes_need(&s->held, needed) == TARN_OK)
		needed = untold_header_look(&s->untold, s->held.data, s->held.nbytes);
	if (s->untold.ignored[0] != '\0' && !s->said_global)
		report_note(
		    s->report, NULL, "Record %s of a global header is ignored", s->untold.ignored);
	s->said_global = s->untold.ignored[0] != '\0';
}

/* The bytes of content that ${e} has. */
static off_t npromised(const struct entry *e) {
	off_t nbytes = e->is_sparse ? 0 : e->size;

	for (size_t i = 0; i < e->nextents; i++)
		nbytes += e->extents[i].nbytes;
	return nbytes;
}

/* What a member has that is not as it should be. */
static void say_oddities(
    struct archive_source *s, const struct untold_header *untold, bool has_warning) {
	if (untold->unknown_type != '\0')
		report_note(s->report, s->entry.name,
		    "Unknown file type '%c', taken for a regular file", untold->unknown_type);
	if (untold->malformed[0] != '\0')
		report_failure(s->report, s->entry.name, "%s", untold->malformed);
	if (has_warning && !is_about_charset(fed_archive_text(&s->fed)))
		report_failure(s->report, s->entry.name, "%s", fed_archive_text(&s->fed));
}

/* A header was read.  TARN_END: what it says is no entry, or is held back. */
static int take_header(struct archive_source *s, bool has_warning, struct error *err) {
	bool is_tar = fed_archive_is_tar(&s->fed);
	struct untold_header untold = s->untold;
	int r;

	/* It is that of this member, also if that is refused. */
	untold_header_forget(&s->untold);
	/* That is for late_content: libarchive knows no names from before it was begun anew. */
	if (!is_tar) {
		archive_entry_set_hardlink(s->fed.from, NULL);
		untold = (struct untold_header){ 0 };
	}
	r = entry_from_libarchive(&s->entry, s->fed.from, &s->storage, err);
	s->last_name = s->entry.name;
	/* In the place of the whole file a part of it would do harm. */
	if (r == TARN_OK && untold.refused != NULL)
		r = err_set(err, TARN_EFORMAT, 0, "%s", untold.refused);
	/*
	 * Of a link member with an empty first name libarchive tells neither that nor a type, or,
	 * behind one that has a first name, that it is empty.
	 */
	if (r == TARN_OK && is_tar &&
	    (s->entry.first_name != NULL ?
	            *s->entry.first_name == '\0' :
	            s->entry.size == 0 && archive_entry_filetype(s->fed.from) == 0))
		r = err_set(err, TARN_EFORMAT, 0, "Link member without a first name");
	if (r == TARN_ENOMEM)
		return r;
	if (r != TARN_OK) {
		report_error(s->report, s->entry.name, err);
		return TARN_END;
	}
	if (untold.has_mtime)
		s->entry.mtime = untold.mtime;
	s->npromised = npromised(&s->entry);
	/* The name of a member of tar may look like such a header. */
	s->has_sum = s->has_sum && !is_tar && s->entry.size > 0;
	s->sum = 0;
	fed_archive_expect(&s->fed, s->npromised);
	say_oddities(s, &untold, has_warning);
	return is_tar ? TARN_OK : hold_back(s, err);
}

/*
 * Behind a member of a cpio archive: see to it that libarchive has not seen too many, and is at a
 * header; else it is begun anew.  (It looks for one itself, but not at every byte, and keeps quiet
 * about it where a block ends meanwhile.  In binary archives nobody could.)  Where the block is
 * gone, this waits for the next member.
 */
static int prepare_cpio(struct archive_source *s, struct error *err) {
	int format = archive_format(s->fed.archive);
	bool is_text = format != ARCHIVE_FORMAT_CPIO_BIN_LE && format != ARCHIVE_FORMAT_CPIO_BIN_BE;
	bool is_sound, lacks_sum;
	const char *data;
	size_t nbytes;

	s->has_sum = false;
	if (!fed_archive_peek(&s->fed, &data, &nbytes))
		return TARN_OK;
	s->has_sum = cpio_header_read_sum(data, nbytes, &s->promised_sum);
	lacks_sum = format == ARCHIVE_FORMAT_CPIO_SVR4_CRC && !s->has_sum;
	is_sound = !is_text || cpio_header_is_sound(data, nbytes);
	if (is_sound && ((s->fed.nmembers < CPIO_NMEMBERS_MAX && !lacks_sum) || s->held.has_all))
		return TARN_OK;
	if (!is_sound)
		say_garbage(s, fed_archive_at(&s->fed));
	fed_archive_stop(&s->fed);
	while (!is_sound) {
		held_bytes_take(&s->held, 1);
		is_sound = held_bytes_need(&s->held, CPIO_HEADER_NBYTES_MAX) != TARN_OK ||
		    cpio_header_is_sound(s->held.data, s->held.nbytes);
	}
	s->has_sum = held_bytes_need(&s->held, CPIO_HEADER_NBYTES_MAX) == TARN_OK &&
	    cpio_header_read_sum(s->held.data, s->held.nbytes, &s->promised_sum);
	return fed_archive_begin(&s->fed, true, err) == TARN_OK ? TARN_OK :
	                                                          locate(s, s->last_name, err);
}

/* At a good header. */
static void begin_member(struct archive_source *s) {
	s->in_garbage = false;
	s->behind_zeros = false;
	s->nmembers++;
}

/* Read headers up to the next member that can be handed out. */
static int read_member(struct archive_source *s, struct error *err) {
	int r;

	for (;;) {
		r = end_member(s);
		if (r == ARCHIVE_OK && next_plain(s)) {
			begin_member(s);
			return TARN_OK;
		}
		if (is_at_header(s))
			look_ahead(s);
		if (r == ARCHIVE_OK && !fed_archive_is_tar(&s->fed) &&
		    prepare_cpio(s, err) != TARN_OK)
			return (int)err->code;
		if (r == ARCHIVE_OK)
			r = fed_archive_next(&s->fed);
		s->is_in_member = r == ARCHIVE_OK || r == ARCHIVE_WARN;
		if (r == ARCHIVE_EOF)
			return TARN_END;
		if (r == ARCHIVE_FATAL)
			return fatal(s, s->last_name, err);
		if (r == ARCHIVE_RETRY || r == ARCHIVE_FAILED) {
			say_garbage(s, header_at(s));
			continue;
		}
		begin_member(s);
		s->content_end = 0;
		r = take_header(s, r == ARCHIVE_WARN, err);
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
 * Account for ${block}, which libarchive has read.  The content of sparse files lies where its own
 * map says, which need not be the one that it has handed over: that one leaves out what overlaps.
 */
static int check_block(struct archive_source *s, const struct block *block, struct error *err) {
	off_t end;

	if (block->offset < s->content_end ||
	    __builtin_add_overflow(block->offset, block->nbytes, &end) || end > s->entry.size)
		return err_set(err, TARN_EFORMAT, 0, "Malformed sparse map");
	s->content_end = end;
	s->npromised -= (off_t)block->nbytes;
	for (size_t i = 0; s->has_sum && i < block->nbytes; i++)
		s->sum += ((const unsigned char *)block->data)[i];
	return TARN_OK;
}

/* A map may promise more than the archive has; but a file of one hole has no map here. */
static int check_end(const struct archive_source *s, struct error *err) {
	if (s->has_sum && s->content_end == s->entry.size && s->sum != s->promised_sum)
		return err_set(err, TARN_EFORMAT, 0,
		    "Checksum error (0x%" PRIx32 ", should be 0x%" PRIx32 ")", s->sum,
		    s->promised_sum);
	if (s->npromised == 0 || s->content_end == 0)
		return TARN_END;
	return err_set(err, TARN_EFORMAT, 0, "Malformed sparse map");
}

static int read_plain(struct archive_source *s, struct block *block, struct error *err) {
	if (s->plain_content_left == 0)
		return TARN_END;
	if (held_bytes_need(&s->held, 1) != TARN_OK)
		return fatal(s, NULL, err);
	block->data = s->held.data;
	block->nbytes = s->plain_content_left < (off_t)s->held.nbytes ?
	    (size_t)s->plain_content_left :
	    s->held.nbytes;
	block->offset = s->entry.size - s->plain_content_left;
	held_bytes_take(&s->held, block->nbytes);
	s->plain_content_left -= (off_t)block->nbytes;
	s->plain_left -= (off_t)block->nbytes;
	return TARN_OK;
}

static int archive_source_read(struct source *source, struct block *block, struct error *err) {
	struct archive_source *s = (struct archive_source *)source;
	la_int64_t offset = 0;
	int r;

	/* What late_content held back is empty; the content is that of the member it waited for. */
	if (s->is_late)
		return TARN_END;
	if (s->is_plain)
		return read_plain(s, block, err);
	do {
		r = archive_read_data_block(s->fed.archive, &block->data, &block->nbytes, &offset);
		/* Where only the padding is cut, whoever asks for the next member is told. */
		if (r == ARCHIVE_EOF || (r != ARCHIVE_OK && s->content_end == s->entry.size))
			return check_end(s, err);
		if (r != ARCHIVE_OK)
			return fatal(s, NULL, err);
	} while (block->nbytes == 0);
	block->offset = offset;
	return check_block(s, block, err);
}

static bool archive_source_lend(struct source *source, struct content_place *place) {
	struct archive_source *s = (struct archive_source *)source;

	place->nbytes = s->entry.size;
	if (!s->is_plain || s->plain_content_left < place->nbytes ||
	    !codec_find_place(
	        s->held.reader, s->held.nbytes, place->nbytes, &place->fd, &place->offset))
		return false;
	/* plain_left stays: that its bytes are passed over is still to be done. */
	s->plain_content_left = 0;
	return true;
}

static void archive_source_free(struct source *source) {
	struct archive_source *s = (struct archive_source *)source;

	if (s == NULL)
		return;
	fed_archive_fini(&s->fed);
	entry_storage_fini(&s->storage);
	late_content_fini(&s->late);
	held_bytes_fini(&s->held);
	free(s);
}

struct source *archive_source_new(struct codec_reader *reader, enum archive_end ends_at,
    struct report *report, struct error *err) {
	struct archive_source *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL) {
		err_nomem(err);
		return NULL;
	}
	s->base.next = archive_source_next;
	s->base.read = archive_source_read;
	s->base.lend = archive_source_lend;
	s->base.free = archive_source_free;
	s->held.reader = reader;
	s->fed.held = &s->held;
	s->ends_at = ends_at;
	s->report = report;
	/* libarchive has the first block before it is asked for a header. */
	look_ahead(s);
	r = fed_archive_begin(&s->fed, false, err);
	if (r != TARN_OK) {
		if (r != TARN_ENOMEM)
			fatal(s, NULL, err);
		archive_source_free(&s->base);
		return NULL;
	}
	return &s->base;
}

off_t archive_source_at(const struct source *source) {
	const struct archive_source *s = (const struct archive_source *)source;

	return header_at(s);
}

off_t archive_source_nbytes(const struct source *source) {
	return ((const struct archive_source *)source)->held.nread;
}
