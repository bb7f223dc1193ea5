#include "config.h"

#include "codec_unfilter.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Decompression of bzip2, lz4 and compress.  All others are decoded without libarchive; HACKING.md
 * says why.
 *
 * Libarchive hands out what its filter decodes as the content of the only member of a "raw"
 * archive; no content at all is another format to it, "empty".
 *
 * No content makes a program run: only the one filter that is wanted is switched on, and only those
 * that work in this process are ever wanted.  That it is used once, and not for what it has decoded
 * again, and that a header which it does not like does not make the file a plain one, is seen by
 * the count of filters.
 */

struct unfilter {
	struct archive *archive;
	struct codec_input *input;
	const unsigned char *next; /* the rest of a block that libarchive owns */
	size_t nbytes;             /* of it */
	bool is_empty;             /* nothing was compressed: there is no member to be read */
	int input_state;           /* if not TARN_OK, why libarchive got no input: */
	struct error input_error;
};

/* Why libarchive got no input, as it would only say it worse; else what it has to say itself. */
static int unfilter_error(const struct unfilter *u, struct error *err) {
	const char *why = archive_error_string(u->archive);

	if (u->input_state != TARN_OK) {
		*err = u->input_error;
		return u->input_state;
	}
	if (archive_errno(u->archive) == ENOMEM)
		return err_nomem(err);
	return err_set(err, TARN_EFORMAT, 0, "Damaged compressed data: %s",
	    why != NULL ? why : "unknown error");
}

/* The input's own blocks are lent; libarchive copies what it needs beyond the next call. */
static la_ssize_t feed(struct archive *a, void *data, const void **block) {
	struct unfilter *u = data;
	size_t nbytes = 0;
	int r = codec_input_take(u->input, block, &nbytes, &u->input_error);

	/* At the end nbytes is 0, which says so. */
	if (r != TARN_OK && r != TARN_END) {
		u->input_state = r;
		archive_set_error(a, u->input_error.errnum, "%s", u->input_error.msg);
		return -1;
	}
	return (la_ssize_t)nbytes;
}

/* codec_reader_new asks for no others. */
static int support_filter(struct archive *a, enum compression compression) {
	switch (compression) {
	case COMPRESSION_BZIP2:
		return archive_read_support_filter_bzip2(a);
	case COMPRESSION_LZ4:
		return archive_read_support_filter_lz4(a);
	default:
		return archive_read_support_filter_compress(a);
	}
}

static int open_archive(struct unfilter *u, enum compression compression, struct error *err) {
	struct archive *a = u->archive;
	struct archive_entry *entry;

	if (support_filter(a, compression) != ARCHIVE_OK ||
	    archive_read_support_format_raw(a) != ARCHIVE_OK ||
	    archive_read_support_format_empty(a) != ARCHIVE_OK ||
	    archive_read_open(a, u, NULL, feed, NULL) != ARCHIVE_OK)
		return unfilter_error(u, err);
	/*
	 * The filter, and one that stands for the file.  With one less the header was refused, and
	 * the bytes would come through as they are; with one more there is a second layer of the
	 * same.
	 */
	if (archive_filter_count(a) != 2)
		return err_set(err, TARN_EFORMAT, 0, "Damaged compressed data: invalid header");
	switch (archive_read_next_header(a, &entry)) {
	case ARCHIVE_OK:
		return TARN_OK;
	/* The format "empty" has no member. */
	case ARCHIVE_EOF:
		u->is_empty = true;
		return TARN_OK;
	default:
		return unfilter_error(u, err);
	}
}

int unfilter_new(struct unfilter **unfilter, struct codec_input *input,
    enum compression compression, struct error *err) {
	struct unfilter *u = calloc(1, sizeof(*u));
	int r;

	if (u == NULL || (u->archive = archive_read_new()) == NULL) {
		free(u);
		return err_nomem(err);
	}
	u->input = input;
	r = open_archive(u, compression, err);
	if (r != TARN_OK)
		unfilter_free(u);
	else
		*unfilter = u;
	return r;
}

/*
 * Have a block of libarchive's.  Anything but TARN_OK is for good: the caller does not ask again,
 * and u->nbytes is 0.  Offsets are not looked at, as the raw format has no holes.
 */
static int next_block(struct unfilter *u, struct error *err) {
	const void *data;
	la_int64_t offset;

	if (u->is_empty)
		return TARN_END;
	switch (archive_read_data_block(u->archive, &data, &u->nbytes, &offset)) {
	case ARCHIVE_OK:
		u->next = data;
		return u->nbytes > 0 ? TARN_OK : TARN_END;
	case ARCHIVE_EOF:
		return TARN_END;
	default:
		u->nbytes = 0;
		return unfilter_error(u, err);
	}
}

int unfilter_read(
    struct unfilter *unfilter, unsigned char *out, size_t *nbytes, struct error *err) {
	struct unfilter *u = unfilter;
	size_t room = *nbytes, done = 0;
	int r = TARN_OK;

	while (done < room && r == TARN_OK) {
		size_t n = u->nbytes < room - done ? u->nbytes : room - done;

		if (n == 0) {
			r = next_block(u, err);
			continue;
		}
		memcpy(out + done, u->next, n);
		u->next += n;
		u->nbytes -= n;
		done += n;
	}
	*nbytes = done;
	return r;
}

void unfilter_free(struct unfilter *unfilter) {
	if (unfilter == NULL)
		return;
	archive_read_free(unfilter->archive);
	free(unfilter);
}
