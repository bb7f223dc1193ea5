#include "config.h"

#include "fed_archive.h"

#include <errno.h>
#include <stdint.h>

#include "tar_block.h"

/*
 * libarchive tells its own positions from the first byte that it was fed.  What it was fed is
 * counted; all other bytes before what is held, it does not know of.
 */

/*
 * The most bytes that may be read for a header with its names and maps: libarchive keeps all of
 * them in memory, and a cpio header can speak of a name of 4 GiB.
 */
#define HEADER_NBYTES_MAX ((off_t)64 << 20)

bool fed_archive_is_tar(const struct fed_archive *fed) {
	return (archive_format(fed->archive) & ARCHIVE_FORMAT_BASE_MASK) != ARCHIVE_FORMAT_CPIO;
}

/* How many of the bytes that are held may it have? */
static size_t portion(const struct fed_archive *fed) {
	off_t at = held_bytes_at(fed->held), nbytes = fed->expected_end - at;

	if (!fed_archive_is_tar(fed))
		return fed->held->nbytes;
	if (nbytes <= 0)
		nbytes = TAR_BLOCK_NBYTES - at % TAR_BLOCK_NBYTES;
	return nbytes < (off_t)fed->held->nbytes ? (size_t)nbytes : fed->held->nbytes;
}

/*
 * Its read callback: 0 at the end, -1 for an error.  The error stays in ${held}, from where
 * fed_archive_error has it with its code, which libarchive would not keep.
 */
static la_ssize_t feed(struct archive *archive, void *data, const void **block) {
	struct fed_archive *fed = data;
	struct held_bytes *held = fed->held;
	size_t nbytes;
	int r;

	(void)archive;
	if (fed->header_left <= 0 && !held->has_error) {
		held->has_error = true;
		err_set(&held->error, TARN_EFORMAT, 0, "Header is too large");
	}
	r = held->has_error ? (int)held->error.code : held_bytes_need(held, 1);
	if (r == TARN_END)
		return 0;
	if (r != TARN_OK) {
		archive_set_error(archive, held->error.errnum, "%s", held->error.msg);
		return -1;
	}
	*block = held->data;
	nbytes = portion(fed);
	held_bytes_take(held, nbytes);
	fed->nfed += (off_t)nbytes;
	fed->header_left -= (off_t)nbytes;
	return (la_ssize_t)nbytes;
}

/* Its skip callback.  What is not skipped, in part or at all, it asks feed() for. */
static la_int64_t skip(struct archive *archive, void *data, la_int64_t request) {
	struct fed_archive *fed = data;
	off_t nbytes = held_bytes_skip(fed->held, request);

	(void)archive;
	fed->nfed += nbytes;
	return nbytes;
}

int fed_archive_begin(struct fed_archive *fed, bool was_cpio, struct error *err) {
	archive_read_free(fed->archive);
	fed->archive = archive_read_new();
	if (fed->from == NULL)
		fed->from = archive_entry_new();
	if (fed->archive == NULL || fed->from == NULL)
		return err_nomem(err);
	fed->nmembers = 0;
	fed->nfed = 0;
	fed->header_left = HEADER_NBYTES_MAX;
	if (!was_cpio) {
		archive_read_support_format_tar(fed->archive);
		archive_read_support_format_empty(fed->archive);
	}
	archive_read_support_format_cpio(fed->archive);
	archive_read_set_read_callback(fed->archive, feed);
	archive_read_set_skip_callback(fed->archive, skip);
	archive_read_set_callback_data(fed->archive, fed);
	return archive_read_open1(fed->archive) == ARCHIVE_OK ? TARN_OK :
	                                                        fed_archive_error(fed, err);
}

int fed_archive_next(struct fed_archive *fed) {
	int r;

	fed->nmembers++;
	fed->header_left = HEADER_NBYTES_MAX;
	/* libarchive exits when a name ends within a character and errno is an old ENOMEM. */
	errno = 0;
	r = archive_read_next_header2(fed->archive, fed->from);
	fed->header_left = INT64_MAX;
	return r;
}

void fed_archive_expect(struct fed_archive *fed, off_t nbytes) {
	if (__builtin_add_overflow(fed_archive_at(fed), nbytes, &fed->expected_end))
		fed->expected_end = INT64_MAX;
}

/* Bytes before what is held that it was not fed. */
static off_t nunfed(const struct fed_archive *fed) {
	return held_bytes_at(fed->held) - fed->nfed;
}

off_t fed_archive_at(const struct fed_archive *fed) {
	return archive_filter_bytes(fed->archive, 0) + nunfed(fed);
}

off_t fed_archive_header_at(const struct fed_archive *fed) {
	return archive_read_header_position(fed->archive) + nunfed(fed);
}

/* Of what it was fed, the bytes that it has not read. */
static size_t nahead(const struct fed_archive *fed) {
	return (size_t)(held_bytes_at(fed->held) - fed_archive_at(fed));
}

bool fed_archive_peek(const struct fed_archive *fed, const char **data, size_t *nbytes) {
	size_t ahead = nahead(fed);

	if (ahead > fed->held->ntaken || fed->held->has_error)
		return false;
	*data = fed->held->data - ahead;
	*nbytes = fed->held->nbytes + ahead;
	return true;
}

void fed_archive_stop(struct fed_archive *fed) {
	size_t ahead = nahead(fed);

	held_bytes_put_back(fed->held, ahead);
	fed->nfed -= (off_t)ahead;
}

const char *fed_archive_text(const struct fed_archive *fed) {
	const char *text = archive_error_string(fed->archive);

	return text != NULL ? text : "Damaged archive";
}

int fed_archive_error(const struct fed_archive *fed, struct error *err) {
	if (!fed->held->has_error)
		return err_set(err, TARN_EFORMAT, 0, "%s",
		    fed->held->has_all ? "Unexpected EOF in archive" : fed_archive_text(fed));
	*err = fed->held->error;
	return (int)err->code;
}

void fed_archive_fini(struct fed_archive *fed) {
	archive_read_free(fed->archive);
	archive_entry_free(fed->from);
}
