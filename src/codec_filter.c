#include "config.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec_encoder.h"

/*
 * Compression in gzip, bzip2, lzma, lzip, lz4 and compress: the filters of libarchive, below a
 * "raw" archive, one without a format.  They work in the caller's thread and know no pieces, so
 * that such archives can only be read from the beginning.  zstd and xz, which libarchive has
 * filters for as well, do not come here: encoder_pieces_new is for these.
 */

struct filter {
	struct encoder encoder;
	struct codec_output *output;
	enum compression compression;
	bool has_level;
	int level;
	struct archive *archive; /* NULL until the first byte */
	int state;               /* what its callback met; if not TARN_OK, it writes no more: */
	struct error state_error;
};

/*
 * What libarchive has to say.  The output cannot be what failed, as take() never does, so that what
 * is left is mostly memory.
 */
static int filter_error(struct filter *filter, struct error *err) {
	const char *why = archive_error_string(filter->archive);

	return err_set(
	    err, TARN_ENOMEM, 0, "Cannot compress: %s", why != NULL ? why : "unknown error");
}

/*
 * Libarchive's filters are not made for a callback that fails: some leak then, and "compress" goes
 * on behind the end of its buffer.  So this one never does; what it met is kept for our caller.
 */
static la_ssize_t take(struct archive *a, void *data, const void *block, size_t nbytes) {
	struct filter *filter = data;

	(void)a;
	if (filter->state == TARN_OK)
		filter->state =
		    codec_output_write(filter->output, block, nbytes, &filter->state_error);
	return (la_ssize_t)nbytes;
}

static int set_filter_options(struct filter *filter, struct error *err) {
	const char *name = codec_name(filter->compression);
	char number[16];

	if (filter->compression == COMPRESSION_GZIP) {
		/* The time of writing would make each archive different. */
		archive_write_set_filter_option(filter->archive, name, "timestamp", NULL);
	}
	/* That of compress knows no options. */
	if (!filter->has_level || filter->compression == COMPRESSION_COMPRESS)
		return TARN_OK;
	snprintf(number, sizeof(number), "%d", filter->level);
	if (archive_write_set_filter_option(filter->archive, name, "compression-level", number) !=
	    ARCHIVE_OK)
		return err_set(err, TARN_EUSAGE, 0, "%d is no level of %s", filter->level, name);
	return TARN_OK;
}

/* After a failure filter->archive may be half open; it can only be freed. */
static int open_archive(struct filter *filter, struct error *err) {
	struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	int r = TARN_OK;

	filter->archive = a;
	if (a == NULL || entry == NULL) {
		r = err_nomem(err);
		goto done;
	}
	/* The only member that a raw archive has. */
	archive_entry_set_filetype(entry, AE_IFREG);
	if (archive_write_set_format_raw(a) != ARCHIVE_OK ||
	    archive_write_add_filter_by_name(a, codec_name(filter->compression)) != ARCHIVE_OK ||
	    /* Else libarchive would fill up the last block behind the compressed stream. */
	    archive_write_set_bytes_per_block(a, 0) != ARCHIVE_OK) {
		r = filter_error(filter, err);
		goto done;
	}
	r = set_filter_options(filter, err);
	if (r == TARN_OK &&
	    (archive_write_open(a, filter, NULL, take, NULL) != ARCHIVE_OK ||
	        archive_write_header(a, entry) != ARCHIVE_OK))
		r = filter_error(filter, err);
done:
	archive_entry_free(entry);
	return r;
}

/* Opens with the first byte, as what the lz4 and compress filters make of nothing is no file. */
static int filter_write(
    struct encoder *encoder, const void *data, size_t nbytes, struct error *err) {
	struct filter *filter = (struct filter *)encoder;
	int r = filter->archive == NULL ? open_archive(filter, err) : TARN_OK;

	if (r == TARN_OK && archive_write_data(filter->archive, data, nbytes) != (la_ssize_t)nbytes)
		r = filter_error(filter, err);
	/* What the callback met may be of bytes that were handed over long before. */
	if (r == TARN_OK && filter->state != TARN_OK) {
		*err = filter->state_error;
		r = filter->state;
	}
	return r;
}

static int filter_finish(struct encoder *encoder, struct error *err) {
	struct filter *filter = (struct filter *)encoder;

	if (filter->archive != NULL && archive_write_close(filter->archive) != ARCHIVE_OK)
		return filter_error(filter, err);
	if (filter->state != TARN_OK)
		*err = filter->state_error;
	return filter->state;
}

static void filter_free(struct encoder *encoder) {
	struct filter *filter = (struct filter *)encoder;

	/*
	 * Freeing closes what is open, which would give an archive that stopped short an end as if
	 * it were whole.  With this state take() drops all.
	 */
	filter->state = TARN_END;
	archive_write_free(filter->archive);
	free(filter);
}

int encoder_filter_new(struct encoder **encoder, const struct codec_settings *settings,
    struct codec_output *output, struct error *err) {
	struct filter *filter = calloc(1, sizeof(*filter));

	if (filter == NULL)
		return err_nomem(err);
	filter->encoder = (struct encoder){
		.write = filter_write,
		.finish = filter_finish,
		.free = filter_free,
	};
	filter->output = output;
	filter->compression = settings->compression;
	filter->has_level = settings->has_level;
	filter->level = settings->level;
	*encoder = &filter->encoder;
	return TARN_OK;
}
