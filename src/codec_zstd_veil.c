#include "config.h"

#include "codec_zstd_veil.h"

#include <errno.h>
#include <stdint.h>
#include <sys/stat.h>

#include "codec_zstd_frame.h"
#include "write_at.h"

/*
 * The frame has to end where the file does, and no call changes both.  So the file grows by frames
 * that are empty, each by a single write; then the veil's header is changed to cover them, too.
 *
 * A write within a page is done or not done also when the process is killed, and nearly all are
 * within one.  Those of a header that lies in two pages, where a frame happens to end so, may be
 * done by half.
 *
 * Only then is anything written there, by codec_output_write.  The first cover also takes in what
 * was behind the old frame (the member index, the seek table), so that this can be written over.
 * It is in memory by then: archive_file puts it back if the run fails.  If it is killed the old
 * archive is there without these, as from a program that knows neither.
 */

/* Pages are no smaller, and where they are larger, this does no harm. */
#define PAGE_NBYTES 4096

/* The header of a frame from ${at} to ${end}, which are less than 4 GiB apart. */
static void make_header(unsigned char *header, off_t at, off_t end) {
	zstd_put32(header, ZSTD_MAGIC_HIDDEN);
	zstd_put32(header + 4, (uint32_t)(end - at - ZSTD_SKIPPABLE_HEADER_NBYTES));
}

static int write_header(const struct zstd_veil *veil, off_t at, struct error *err) {
	unsigned char header[ZSTD_SKIPPABLE_HEADER_NBYTES];

	make_header(header, at, veil->end);
	return write_at(veil->fd, header, sizeof(header), at, err);
}

/* Add an empty frame, up to the end of the page. */
static int lengthen(struct zstd_veil *veil, struct error *err) {
	unsigned char frame[PAGE_NBYTES + ZSTD_SKIPPABLE_HEADER_NBYTES] = { 0 };
	off_t end = veil->end + PAGE_NBYTES - veil->end % PAGE_NBYTES;

	/* No room for a header before the page ends: this write goes over two. */
	if (end - veil->end < ZSTD_SKIPPABLE_HEADER_NBYTES)
		end += PAGE_NBYTES;
	make_header(frame, veil->end, end);
	if (write_at(veil->fd, frame, (size_t)(end - veil->end), veil->end, err) != TARN_OK)
		return (int)err->code;
	veil->end = end;
	return TARN_OK;
}

int zstd_veil_init(struct zstd_veil *veil, int fd, off_t from, off_t at, struct error *err) {
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot stat");
	*veil = (struct zstd_veil){
		.fd = fd,
		.from = from,
		.at = at,
		.now = at + ZSTD_SKIPPABLE_HEADER_NBYTES,
		.end = st.st_size,
	};
	return TARN_OK;
}

int zstd_veil_cover(struct zstd_veil *veil, size_t nbytes, struct error *err) {
	/* With room for the header of what is left at the end. */
	off_t wanted = veil->now + (off_t)nbytes + ZSTD_SKIPPABLE_HEADER_NBYTES;
	off_t longer = wanted > veil->end ? wanted + PAGE_NBYTES : veil->end;
	int r = TARN_OK;

	veil->now += (off_t)nbytes;
	/*
	 * From now on something stands behind the veil, and a run that is killed leaves it there.
	 */
	if (longer - veil->at > UINT32_MAX)
		return TARN_OK;
	while (r == TARN_OK && veil->end < wanted)
		r = lengthen(veil, err);
	return r == TARN_OK ? write_header(veil, veil->at, err) : r;
}

int zstd_veil_end(struct zstd_veil *veil, struct error *err) {
	return veil->now < veil->end ? write_header(veil, veil->now, err) : TARN_OK;
}

void zstd_veil_lift(const struct zstd_veil *veil, unsigned char *header) {
	make_header(header, veil->from, veil->at + ZSTD_SKIPPABLE_HEADER_NBYTES);
}
