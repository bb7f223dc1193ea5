#include "config.h"

#include "codec_decoder.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

/*
 * zlib in its gzip mode, which verifies the CRC and the length at the end of each member.  Behind a
 * member comes another, or nothing, or zeros up to the end; anything else is an error, as the
 * status of gzip is for it, but one that is met only when all the members were handed out.
 *
 * There is no gather(): where a member ends is known only by inflating it.
 */

/* Maximum window, plus zlib's code for "gzip header and trailer". */
#define GZIP_WINDOW_BITS (15 + 16)

enum place { IN_MEMBER, BEHIND_MEMBER, IN_PADDING };

struct gzip_decoder {
	struct decoder decoder; /* first, so that a pointer to it is one to all */
	z_stream z;             /* one for all members, reset between them */
	enum place place;
};

/* Consume zeros; says whether a member can follow them. */
static void skip_padding(struct gzip_decoder *gzip, struct decoder_io *io) {
	while (io->in_nbytes > 0 && *io->in == 0) {
		io->in++;
		io->in_nbytes--;
		gzip->place = IN_PADDING;
	}
}

/* Between members: go into the next one, or find out that there is none. */
static int next_member(struct gzip_decoder *gzip, struct decoder_io *io, struct error *err) {
	skip_padding(gzip, io);
	if (io->in_nbytes == 0) {
		return io->in_ends ? TARN_END : TARN_OK;
	}
	/*
	 * The first byte of the magic number (RFC 1952, 2.3.1); zlib looks at the rest.  The bytes
	 * may come one by one, so that no more than one can be looked at here.
	 */
	if (gzip->place == IN_PADDING || *io->in != 0x1f || inflateReset(&gzip->z) != Z_OK) {
		return err_set(err, TARN_EFORMAT, 0, "Trailing garbage behind the gzip data");
	}
	gzip->place = IN_MEMBER;
	return TARN_OK;
}

static int gzip_decode(struct decoder *decoder, struct decoder_io *io, struct error *err) {
	struct gzip_decoder *gzip = (struct gzip_decoder *)decoder;
	z_stream *z = &gzip->z;

	if (gzip->place != IN_MEMBER) {
		return next_member(gzip, io, err);
	}
	z->next_in = (z_const Bytef *)io->in;
	z->avail_in = io->in_nbytes < UINT_MAX ? (uInt)io->in_nbytes : UINT_MAX;
	z->next_out = io->out;
	z->avail_out = io->out_nbytes < UINT_MAX ? (uInt)io->out_nbytes : UINT_MAX;
	int r = inflate(z, Z_NO_FLUSH);
	io->in_nbytes -= (size_t)(z->next_in - io->in);
	io->in = z->next_in;
	io->out_nbytes -= (size_t)(z->next_out - io->out);
	io->out = z->next_out;

	switch (r) {
	case Z_STREAM_END:
		gzip->place = BEHIND_MEMBER;
		return TARN_OK;
	case Z_OK:
		return TARN_OK;
	/*
	 * There is always room, so it lacks input; and without any, decode() is called only at the
	 * end.
	 */
	case Z_BUF_ERROR:
		return decoder_truncated(err);
	case Z_MEM_ERROR:
		return err_nomem(err);
	default:
		return err_set(err, TARN_EFORMAT, 0, "Damaged gzip data: %s",
		    z->msg != NULL ? z->msg : "invalid stream");
	}
}

static void gzip_free(struct decoder *decoder) {
	struct gzip_decoder *gzip = (struct gzip_decoder *)decoder;

	inflateEnd(&gzip->z);
	free(gzip);
}

int decoder_gzip_new(struct decoder **decoder, struct error *err) {
	struct gzip_decoder *gzip = calloc(1, sizeof(*gzip));

	if (gzip == NULL || inflateInit2(&gzip->z, GZIP_WINDOW_BITS) != Z_OK) {
		free(gzip);
		return err_nomem(err);
	}
	gzip->decoder = (struct decoder){ .decode = gzip_decode, .free = gzip_free };
	*decoder = &gzip->decoder;
	return TARN_OK;
}
