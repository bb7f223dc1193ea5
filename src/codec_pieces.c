#include "config.h"

#include "codec_pieces.h"

#include <stdlib.h>
#include <string.h>

#include "pool.h"

/*
 * The encoder of zstd and xz archives: it cuts the plain stream into pieces, has the pool compress
 * them, and writes what comes out.  What differs between the two is in a piece_format.
 *
 * A ring of slots.  One is being filled; when it is full, or its piece is ended, it goes to the
 * pool, and the next one is filled.  That may still be on its way: then it is waited for, and
 * written.  So pieces leave in their order, and what they are does not depend on the threads.
 *
 * Only pack() runs on the pool's threads.  The file is written, and the format told, by the
 * caller's alone.
 */

/* While one slot is filled, another may wait for one that takes longer. */
#define NSLOTS_MORE 2

/* While is_busy it belongs to the pool, until it was waited for. */
struct slot {
	struct pool_job job; /* first, as run_slot takes one for the other */
	struct piece_format *format;
	unsigned char *plain; /* of format->piece_nbytes; NULL until it is first filled */
	bool is_busy;         /* its piece is not written yet */
	struct piece piece;   /* packed is the slot's own, of format->packed_nbytes_max */
	int r;                /* of pack(): */
	struct error err;
};

struct pieces_encoder {
	struct encoder encoder;
	struct piece_format *format;
	struct codec_output *output;
	struct pool *pool;
	bool has_begun; /* what the format has before its first piece was written */
	size_t filled;  /* bytes in the slot that is being filled */
	size_t at;      /* that one; the oldest piece is in the next that is busy */
	size_t nslots;
	struct slot slots[];
};

static void run_slot(struct pool_job *job, unsigned int worker) {
	struct slot *slot = (struct slot *)job;

	slot->r = slot->format->pack(slot->format, &slot->piece, worker, &slot->err);
}

/* Before the first piece: write what the format has there. */
static int begin(struct pieces_encoder *e, struct error *err) {
	bool begins = !e->has_begun && e->format->begin != NULL;

	e->has_begun = true;
	return begins ? e->format->begin(e->format, e->output, err) : TARN_OK;
}

/*
 * Wait for the piece of ${slot}, and write it; nothing if there is none.  All pieces before it must
 * have been written.
 */
static int write_slot(struct pieces_encoder *e, struct slot *slot, struct error *err) {
	int r;

	if (!slot->is_busy)
		return TARN_OK;
	pool_wait(e->pool, &slot->job);
	slot->is_busy = false;
	if (slot->r != TARN_OK) {
		*err = slot->err;
		return slot->r;
	}
	r = begin(e, err);
	if (r == TARN_OK)
		r = codec_output_write(
		    e->output, slot->piece.packed, slot->piece.packed_nbytes, err);
	return r == TARN_OK ? e->format->note(e->format, &slot->piece, err) : r;
}

/*
 * Give what was filled to the pool, and make the next slot free.  With one slot that is the same
 * one: it is compressed now.
 */
static int pieces_end_piece(struct encoder *encoder, struct error *err) {
	struct pieces_encoder *e = (struct pieces_encoder *)encoder;
	struct slot *slot = &e->slots[e->at];

	if (e->filled == 0)
		return TARN_OK;
	slot->piece.plain = slot->plain;
	slot->piece.plain_nbytes = e->filled;
	/* It was a size, and is the room for the next one. */
	slot->piece.packed_nbytes = e->format->packed_nbytes_max;
	slot->is_busy = true;
	pool_submit(e->pool, &slot->job);
	e->filled = 0;
	e->at = (e->at + 1) % e->nslots;
	return write_slot(e, &e->slots[e->at], err);
}

/* Memory is taken when a slot is first filled: a small archive does not need all of them. */
static int make_room(struct pieces_encoder *e, struct slot *slot, struct error *err) {
	if (slot->plain == NULL)
		slot->plain = malloc(e->format->piece_nbytes);
	if (slot->piece.packed == NULL)
		slot->piece.packed = malloc(e->format->packed_nbytes_max);
	return slot->plain != NULL && slot->piece.packed != NULL ? TARN_OK : err_nomem(err);
}

static int pieces_write(
    struct encoder *encoder, const void *data, size_t nbytes, struct error *err) {
	struct pieces_encoder *e = (struct pieces_encoder *)encoder;
	const unsigned char *next = data;
	int r = TARN_OK;

	while (nbytes > 0 && r == TARN_OK) {
		struct slot *slot = &e->slots[e->at];
		size_t room = e->format->piece_nbytes - e->filled;
		size_t n = nbytes < room ? nbytes : room;

		r = make_room(e, slot, err);
		if (r != TARN_OK)
			break;
		memcpy(slot->plain + e->filled, next, n);
		e->filled += n;
		next += n;
		nbytes -= n;
		/* At once, and not with the next byte: compression need not wait for the caller. */
		if (n == room)
			r = pieces_end_piece(encoder, err);
	}
	return r;
}

/*
 * Write all that is on its way, the oldest first: that is behind e->at, where nothing is filled any
 * more.  An archive without any piece still has what comes before the first one.
 */
static int write_all(struct pieces_encoder *e, struct error *err) {
	int r = pieces_end_piece(&e->encoder, err);

	for (size_t i = 0; i < e->nslots && r == TARN_OK; i++)
		r = write_slot(e, &e->slots[(e->at + i) % e->nslots], err);
	return r == TARN_OK ? begin(e, err) : r;
}

static int pieces_finish(struct encoder *encoder, struct error *err) {
	struct pieces_encoder *e = (struct pieces_encoder *)encoder;
	int r = write_all(e, err);

	return r == TARN_OK ? e->format->end(e->format, e->output, err) : r;
}

static int pieces_attach(
    struct encoder *encoder, const void *data, size_t nbytes, struct error *err) {
	struct pieces_encoder *e = (struct pieces_encoder *)encoder;
	int r = write_all(e, err);

	return r == TARN_OK ? e->format->attach(e->format, data, nbytes, e->output, err) : r;
}

/* Only the first of many calls in a row finds something that is on its way. */
static int pieces_copy(
    struct encoder *encoder, int fd, off_t at, const struct piece *piece, struct error *err) {
	struct pieces_encoder *e = (struct pieces_encoder *)encoder;
	int r;

	if (piece->check != e->format->check)
		return err_set(err, TARN_EREFUSED, 0, "The pieces have another check");
	r = write_all(e, err);
	if (r == TARN_OK)
		r = codec_output_copy(e->output, fd, at, piece->packed_nbytes, err);
	return r == TARN_OK ? e->format->note(e->format, piece, err) : r;
}

static void pieces_free(struct encoder *encoder) {
	struct pieces_encoder *e = (struct pieces_encoder *)encoder;

	/* A job that runs uses its slot's memory and the format: first it has to end. */
	for (size_t i = 0; i < e->nslots; i++) {
		if (e->slots[i].is_busy)
			pool_cancel(e->pool, &e->slots[i].job);
		free(e->slots[i].plain);
		free(e->slots[i].piece.packed);
	}
	pool_free(e->pool);
	e->format->free(e->format);
	free(e);
}

int encoder_pieces_new(struct encoder **encoder, struct piece_format *format, unsigned int nthreads,
    struct codec_output *output, struct error *err) {
	/* Alone, there is nothing to do while a piece is compressed. */
	size_t nslots = nthreads > 1 ? nthreads + NSLOTS_MORE : 1;
	struct pieces_encoder *e = calloc(1, sizeof(*e) + nslots * sizeof(e->slots[0]));

	if (e == NULL || pool_new(&e->pool, nthreads, err) != TARN_OK) {
		format->free(format);
		free(e);
		return err_nomem(err);
	}
	e->encoder = (struct encoder){
		.write = pieces_write,
		.finish = pieces_finish,
		.end_piece = pieces_end_piece,
		.attach = format->attach != NULL ? pieces_attach : NULL,
		.copy = pieces_copy,
		.free = pieces_free,
	};
	e->format = format;
	e->output = output;
	e->nslots = nslots;
	for (size_t i = 0; i < nslots; i++) {
		e->slots[i].job.run = run_slot;
		e->slots[i].format = format;
	}
	*encoder = &e->encoder;
	return TARN_OK;
}
