#include "config.h"

#include "codec_zstd_table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <zstd.h>

#include "bytes.h"
#include "codec_zstd_frame.h"
#include "read_at.h"

/*
 * The table is the last frame of the file, a skippable one: its header, an entry of the sizes of
 * each frame before it (and maybe a checksum, which nobody needs who verifies the frame's own), and
 * a footer by which it is found from the end.  To go somewhere it is believed when the frames and
 * it fill the file.  Who keeps frames by what it says would lose what it is silent about: for that
 * zstd_table_check looks whether frames begin where it says, and give as much.
 *
 * Frames of other programs (pzstd, zstd files one behind the other) have no table.  Then the
 * headers in the file tell the same, at the cost of a small read for each block of 128 KiB.
 *
 * A struct zstd_table holds only the beginnings; a size is the distance to the next one, or to the
 * end.
 */

/* Number_Of_Frames, Seek_Table_Descriptor and Seekable_Magic_Number: 4, 1 and 4 bytes. */
#define FOOTER_NBYTES 9
#define FOOTER_MAGIC 0x8F92EAB1U
/* In the descriptor: bit 7, and bits 2 to 6, which a table that is understood has not set. */
#define HAS_CHECKSUMS 0x80
#define RESERVED_BITS 0x7c
/* Compressed_Size and Decompressed_Size, 4 bytes each; a checksum would be 4 more. */
#define ENTRY_NBYTES 8
/* As the format's own library has it, so that it reads what is written here. */
#define FRAMES_MAX 0x8000000
/* Magic number and Frame_Header (RFC 8878, 3.1.1.1). */
#define FRAME_HEADER_NBYTES_MAX 18

int zstd_table_add(struct zstd_table *table, off_t nbytes, off_t plain_nbytes, struct error *err) {
	int r = array_reserve(
	    (void **)&table->frames, &table->capacity, table->n + 1, sizeof(*table->frames), err);

	if (r != TARN_OK)
		return r;
	table->frames[table->n++] = (struct zstd_frame_place){ table->nbytes, table->plain_nbytes };
	table->nbytes += nbytes;
	table->plain_nbytes += plain_nbytes;
	return TARN_OK;
}

void zstd_table_sizes(
    const struct zstd_table *table, size_t n, off_t *nbytes, off_t *plain_nbytes) {
	const struct zstd_frame_place *place = &table->frames[n];
	bool is_last = n + 1 == table->n;

	*nbytes = (is_last ? table->nbytes : place[1].at) - place->at;
	*plain_nbytes = (is_last ? table->plain_nbytes : place[1].plain_at) - place->plain_at;
}

size_t zstd_table_find(const struct zstd_table *table, off_t plain_at) {
	size_t low = 0, high = table->n;

	if (plain_at >= table->plain_nbytes)
		return table->n;
	/* The last of those that begin there or before: the others there are empty. */
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (table->frames[middle].plain_at <= plain_at)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/*
 * Where the entries of the file's table are; false when it has none.  ${end} is the file's size.
 * Errors of reading are no table, too: looking through the file would meet them again.
 */
static bool find_entries(
    int fd, off_t base, off_t end, off_t *at, size_t *n, size_t *entry_nbytes) {
	struct error ignored;
	unsigned char footer[FOOTER_NBYTES], header[ZSTD_SKIPPABLE_HEADER_NBYTES];
	off_t nbytes;

	if (end - base < FOOTER_NBYTES ||
	    read_at(fd, footer, sizeof(footer), end - FOOTER_NBYTES, &ignored) != TARN_OK ||
	    zstd_get32(footer + 5) != FOOTER_MAGIC || (footer[4] & RESERVED_BITS) != 0)
		return false;
	*n = zstd_get32(footer);
	*entry_nbytes = ENTRY_NBYTES + ((footer[4] & HAS_CHECKSUMS) != 0 ? 4 : 0);
	/*
	 * It may overflow where size_t has 32 bits, but not for the numbers that are taken below.
	 */
	nbytes = (off_t)(*n * *entry_nbytes) + FOOTER_NBYTES;
	*at = end - nbytes;
	return *n <= FRAMES_MAX && *at - base >= (off_t)sizeof(header) &&
	    read_at(fd, header, sizeof(header), *at - (off_t)sizeof(header), &ignored) == TARN_OK &&
	    zstd_get32(header) == ZSTD_MAGIC_SEEK_TABLE && zstd_get32(header + 4) == nbytes;
}

/* TARN_END when there is no table that fits the file; ${table} may have some of it then. */
static int load_table(struct zstd_table *table, int fd, off_t base, off_t end, struct error *err) {
	unsigned char buf[512 * (ENTRY_NBYTES + 4)];
	size_t n, entry_nbytes, nread;
	off_t at, table_at;
	int r = TARN_OK;

	if (!find_entries(fd, base, end, &at, &n, &entry_nbytes))
		return TARN_END;
	table_at = at - ZSTD_SKIPPABLE_HEADER_NBYTES - base;
	for (; n > 0 && r == TARN_OK; n -= nread, at += (off_t)(nread * entry_nbytes)) {
		nread = n < 512 ? n : 512;
		r = read_at(fd, buf, nread * entry_nbytes, at, err);
		for (size_t i = 0; i < nread && r == TARN_OK; i++) {
			const unsigned char *entry = buf + i * entry_nbytes;

			/* There is no frame without bytes. */
			if (zstd_get32(entry) == 0)
				return TARN_END;
			r = zstd_table_add(table, zstd_get32(entry), zstd_get32(entry + 4), err);
		}
	}
	return r == TARN_OK && table->nbytes != table_at ? TARN_END : r;
}

/*
 * Walk over the frame at ${at}, and move ${at} behind it.  TARN_END: it is none that says how large
 * its content is.
 */
static int look_at_frame(
    int fd, off_t *at, off_t end, struct zstd_frame *frame, struct error *err) {
	unsigned char buf[512];

	/*
	 * Each round reads a header, and what comes by with it, and goes to where the next one
	 * begins.
	 */
	zstd_frame_begin(frame);
	while (frame->state == ZSTD_FRAME_OPEN && *at < end) {
		size_t n = end - *at < (off_t)sizeof(buf) ? (size_t)(end - *at) : sizeof(buf);
		int r = read_at(fd, buf, n, *at, err);
		uint64_t pass;

		if (r != TARN_OK)
			return r;
		*at += (off_t)zstd_frame_walk(frame, buf, n);
		pass = zstd_frame_pass(frame);
		/* There are blocks, and no word of their size was before them. */
		bool is_silent =
		    frame->bound > 0 && frame->content_nbytes == ZSTD_CONTENTSIZE_UNKNOWN;
		if (is_silent || pass > (uint64_t)(end - *at))
			return TARN_END;
		*at += (off_t)pass;
	}
	/* Also what is cut short: reading in a row says so. */
	if (frame->state != ZSTD_FRAME_WHOLE)
		return TARN_END;
	if (frame->is_skippable)
		frame->content_nbytes = 0;
	return frame->content_nbytes > INT64_MAX / 2 ? TARN_END : TARN_OK;
}

/*
 * Forget what a table in the file has said.  One frame that does not say its size is enough to
 * leave all places behind it unknown: TARN_END.
 */
static int look_through(struct zstd_table *table, int fd, off_t base, struct error *err) {
	struct zstd_frame frame;
	struct stat st;
	int r = TARN_OK;

	table->n = 0;
	table->nbytes = table->plain_nbytes = 0;
	if (fstat(fd, &st) != 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot stat");
	for (off_t at = base; at < st.st_size && r == TARN_OK;) {
		off_t begin = at;

		r = look_at_frame(fd, &at, st.st_size, &frame, err);
		/* Both are below half of it, so that their sum is an off_t. */
		if (r == TARN_OK && table->plain_nbytes > INT64_MAX / 2)
			return TARN_END;
		if (r == TARN_OK)
			r = zstd_table_add(table, at - begin, (off_t)frame.content_nbytes, err);
	}
	return r;
}

int zstd_table_load(struct zstd_table *table, int fd, off_t base, struct error *err) {
	struct stat st;
	int r;

	if (fstat(fd, &st) != 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot stat");
	r = load_table(table, fd, base, st.st_size, err);
	return r == TARN_END ? look_through(table, fd, base, err) : r;
}

/*
 * *${agrees}: does what is at frame ${n} say what the table says of it?  Where the blocks of a
 * frame end is not looked at: if there were another frame, the table would have less than all that
 * comes out.
 */
static int compare_frame(
    const struct zstd_table *table, size_t n, int fd, off_t base, bool *agrees, struct error *err) {
	unsigned char head[FRAME_HEADER_NBYTES_MAX];
	struct zstd_frame frame;
	off_t nbytes, plain_nbytes;
	int r;

	zstd_table_sizes(table, n, &nbytes, &plain_nbytes);
	*agrees = false;
	/* No frame is shorter, and no skippable one either. */
	if (nbytes < ZSTD_SKIPPABLE_HEADER_NBYTES)
		return TARN_OK;
	size_t nread = nbytes < (off_t)sizeof(head) ? (size_t)nbytes : sizeof(head);
	r = read_at(fd, head, nread, base + table->frames[n].at, err);
	if (r != TARN_OK)
		return r;
	zstd_frame_begin(&frame);
	zstd_frame_walk(&frame, head, nread);
	if (frame.is_skippable)
		*agrees = plain_nbytes == 0 &&
		    zstd_get32(head + 4) == nbytes - ZSTD_SKIPPABLE_HEADER_NBYTES;
	else
		*agrees = frame.content_nbytes == (unsigned long long)plain_nbytes;
	return TARN_OK;
}

int zstd_table_check(struct zstd_table *table, off_t from, int fd, off_t base, struct error *err) {
	size_t first = from > 0 ? zstd_table_find(table, from) : 0;
	bool agrees = true;
	int r = TARN_OK;

	for (size_t n = first; n < table->n && r == TARN_OK && agrees; n++)
		r = compare_frame(table, n, fd, base, &agrees, err);
	return r == TARN_OK && !agrees ? look_through(table, fd, base, err) : r;
}

int zstd_table_copy(
    struct zstd_table *table, const struct zstd_table *from, size_t n, struct error *err) {
	off_t nbytes, plain_nbytes;
	int r = TARN_OK;

	for (size_t i = 0; i < n && r == TARN_OK; i++) {
		zstd_table_sizes(from, i, &nbytes, &plain_nbytes);
		r = zstd_table_add(table, nbytes, plain_nbytes, err);
	}
	return r;
}

int zstd_table_encode(
    const struct zstd_table *table, unsigned char **data, size_t *nbytes, struct error *err) {
	size_t size = ZSTD_SKIPPABLE_HEADER_NBYTES + table->n * ENTRY_NBYTES + FOOTER_NBYTES;
	unsigned char *out, *p;

	*data = NULL;
	*nbytes = 0;
	if (table->n > FRAMES_MAX)
		return TARN_OK;
	/* A GiB for FRAMES_MAX, so that the size of the frame fits into its 32 bits. */
	p = out = malloc(size);
	if (out == NULL)
		return err_nomem(err);
	zstd_put32(p, ZSTD_MAGIC_SEEK_TABLE);
	zstd_put32(p + 4, (uint32_t)(size - ZSTD_SKIPPABLE_HEADER_NBYTES));
	p += ZSTD_SKIPPABLE_HEADER_NBYTES;
	for (size_t i = 0; i < table->n; i++, p += ENTRY_NBYTES) {
		off_t frame_nbytes, plain_nbytes;

		zstd_table_sizes(table, i, &frame_nbytes, &plain_nbytes);
		if (frame_nbytes > UINT32_MAX || plain_nbytes > UINT32_MAX) {
			free(out);
			return TARN_OK;
		}
		zstd_put32(p, (uint32_t)frame_nbytes);
		zstd_put32(p + 4, (uint32_t)plain_nbytes);
	}
	zstd_put32(p, (uint32_t)table->n);
	p[4] = 0;
	zstd_put32(p + 5, FOOTER_MAGIC);
	*data = out;
	*nbytes = size;
	return TARN_OK;
}

void zstd_table_fini(struct zstd_table *table) {
	free(table->frames);
	*table = (struct zstd_table){ 0 };
}
