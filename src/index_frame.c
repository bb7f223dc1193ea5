#include "config.h"

#include "index_frame.h"

#include <stdbool.h>
#include <string.h>
#include <zstd.h>

/*
 * The lengths of all columns come before the first of them, as a reader goes through all columns
 * side by side.
 *
 * Frames may come from a stranger: the size that one claims to have is checked before room is
 * made for it, and the lengths against what is there.
 */

#define LEVEL 3
#define WINDOW_LOG 23 /* 8 MiB: all of a usual frame */

/* Compress ${data} into ${out}, behind what it has; the last of a frame ${ends} it. */
static int compress(
    ZSTD_CCtx *zstd, const struct bytes *data, bool ends, struct bytes *out, struct error *err) {
	ZSTD_inBuffer in = { data->data, data->nbytes, 0 };
	/* Room for all of ${data}; what zstd has held back before may take another round. */
	ZSTD_outBuffer to = { .size = ZSTD_compressBound(data->nbytes) };
	size_t left = 1;

	while (left > 0) {
		to.dst = bytes_extend(out, to.size, err);
		to.pos = 0;
		if (to.dst == NULL)
			return TARN_ENOMEM;
		left = ZSTD_compressStream2(zstd, &to, &in, ends ? ZSTD_e_end : ZSTD_e_continue);
		out->nbytes -= to.size - to.pos;
		/* Parameters and pledged size are right, so only memory can be lacking. */
		if (ZSTD_isError(left))
			return err_nomem(err);
		left = ends ? left : in.size - in.pos;
	}
	return TARN_OK;
}

int index_frame_append(
    const struct bytes *columns, size_t ncolumns, struct bytes *out, struct error *err) {
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	struct bytes lengths = { 0 };
	size_t nbytes = 0;
	int r = TARN_OK;

	if (zstd == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < ncolumns && r == TARN_OK; i++) {
		r = bytes_append_varint(&lengths, columns[i].nbytes, err);
		nbytes += columns[i].nbytes;
	}
	/*
	 * These cannot fail, as the values are in range.  Matching over long distances is for
	 * snapshots, which repeat their names far from each other.  The pledged size is put into
	 * the frame header as the content size, without which decompress() refuses it.
	 */
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, WINDOW_LOG);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_enableLongDistanceMatching, 1);
	ZSTD_CCtx_setPledgedSrcSize(zstd, lengths.nbytes + nbytes);
	if (r == TARN_OK)
		r = compress(zstd, &lengths, false, out, err);
	for (size_t i = 0; i < ncolumns && r == TARN_OK; i++)
		r = compress(zstd, &columns[i], i + 1 == ncolumns, out, err);
	bytes_fini(&lengths);
	ZSTD_freeCCtx(zstd);
	return r;
}

static int malformed(struct error *err) {
	return err_set(err, TARN_EFORMAT, 0, "malformed");
}

/* Decompress the frame in ${data}, whose header must tell its content size, into ${raw}. */
static int decompress(const void *data, size_t nbytes, struct bytes *raw, struct error *err) {
	unsigned long long raw_nbytes = ZSTD_getFrameContentSize(data, nbytes);
	void *room;
	size_t n;

	raw->nbytes = 0;
	/* ZSTD_CONTENTSIZE_UNKNOWN and _ERROR are the largest numbers, and end here as well. */
	if (raw_nbytes > INDEX_FRAME_NBYTES_MAX)
		return malformed(err);
	room = bytes_extend(raw, raw_nbytes, err);
	if (room == NULL)
		return TARN_ENOMEM;
	n = ZSTD_decompress(room, raw_nbytes, data, nbytes);
	return ZSTD_isError(n) || n != raw_nbytes ? malformed(err) : TARN_OK;
}

/* Let ${columns} point to their parts of ${raw}, one behind the other. */
static bool split(const struct bytes *raw, struct cursor *columns, size_t ncolumns) {
	struct cursor lengths = { raw->data, raw->data + raw->nbytes }, cursor = lengths;
	uint64_t nbytes;

	/* Behind all lengths the first column begins. */
	for (size_t i = 0; i < ncolumns; i++) {
		if (!cursor_varint(&cursor, &nbytes))
			return false;
	}
	/* Again, as there is no room to keep them; this time they are known to be right. */
	for (size_t i = 0; i < ncolumns; i++) {
		cursor_varint(&lengths, &nbytes);
		columns[i].at = cursor_take(&cursor, nbytes);
		if (columns[i].at == NULL)
			return false;
		columns[i].end = cursor.at;
	}
	return true;
}

int index_frame_open(const void *data, size_t nbytes, struct bytes *raw, struct cursor *columns,
    size_t ncolumns, struct error *err) {
	int r = decompress(data, nbytes, raw, err);

	if (r == TARN_OK && !split(raw, columns, ncolumns))
		r = malformed(err);
	if (r != TARN_OK)
		memset(columns, 0, ncolumns * sizeof(*columns));
	return r;
}
