#include "config.h"

#include "codec_unpacker.h"

#include <stdlib.h>
#include <string.h>

/*
 * A ring of pieces: the oldest is waited for and handed out, behind the youngest others are
 * gathered and submitted.  How many are on their way grows with each that is handed out: who goes
 * to a place and reads little there does not pay for much.
 *
 * Pieces are gathered in the caller's thread, which is therefore the only one that reads the input;
 * only unpack() runs in the pool.  A piece is handed out whole, and not before it was decoded to
 * its end: so nothing of a damaged one leaves.  Of one that the file cuts short there is what
 * decodes.
 *
 * Errors of both kinds wait until what is before them was handed out: those of unpack() in the
 * slot, those of gathering in end_error.
 */

/* Its memory is kept for the next piece.  Between pool_submit and pool_wait it is the job's. */
struct slot {
	struct pool_job job; /* first, as run_slot takes one for the other */
	struct packed_piece piece;
	int (*unpack)(struct packed_piece *piece, struct error *err); /* the decoder's */
	int r;                                                        /* of unpack(): */
	struct error err;
};

struct unpacker {
	struct pool *pool;
	size_t first, nbusy; /* the slots that have pieces, in the order of the file */
	size_t nbusy_max;    /* for now: 1 after a reset, then doubled up to nslots */
	bool is_handed_out;  /* the first one: the caller may still read what is in it */
	int end;             /* if not TARN_OK, why nothing is gathered any more: */
	struct error end_error;
	size_t nslots;
	struct slot slots[];
};

int packed_piece_add(
    struct packed_piece *piece, const void *data, size_t nbytes, struct error *err) {
	size_t wanted = piece->in_nbytes + nbytes;

	if (wanted > piece->in_capacity) {
		/* Pieces come in blocks of the input's size, and may have hundreds of these. */
		size_t capacity = wanted + wanted / 2;
		unsigned char *in = realloc(piece->in, capacity);

		if (in == NULL)
			return err_nomem(err);
		piece->in = in;
		piece->in_capacity = capacity;
	}
	memcpy(piece->in + piece->in_nbytes, data, nbytes);
	piece->in_nbytes = wanted;
	return TARN_OK;
}

static void run_slot(struct pool_job *job, unsigned int worker) {
	struct slot *slot = (struct slot *)job;

	(void)worker;
	slot->r = slot->unpack(&slot->piece, &slot->err);
}

int unpacker_new(
    struct unpacker **unpacker, struct pool *pool, unsigned int nthreads, struct error *err) {
	/*
	 * Alone, there is nothing to do while a piece is decompressed.  Else there is one that the
	 * caller has, one for each thread, and one that is ready when the caller comes back.
	 */
	size_t nslots = nthreads > 1 ? nthreads + 2 : 1;
	struct unpacker *u = calloc(1, sizeof(*u) + nslots * sizeof(u->slots[0]));

	if (u == NULL)
		return err_nomem(err);
	u->pool = pool;
	u->nslots = nslots;
	unpacker_reset(u);
	*unpacker = u;
	return TARN_OK;
}

/* Fill ${piece} from the input.  TARN_END: there are no more pieces. */
static int gather(struct packed_piece *piece, struct decoder *decoder, struct codec_input *input,
    struct error *err) {
	int r = TARN_OK;

	piece->in_nbytes = 0;
	piece->out_nbytes = 0;
	piece->is_whole = false;
	while (r == TARN_OK && !piece->is_whole) {
		struct decoder_io io = { 0 };

		/* At the end the decoder is asked once more: a piece may be cut short there. */
		r = codec_input_fill(input, err);
		if (r != TARN_OK && r != TARN_END)
			break;
		io.in = input->next;
		io.in_nbytes = input->nbytes;
		io.in_ends = r == TARN_END;
		r = decoder->gather(decoder, &io, piece, err);
		input->next = io.in;
		input->nbytes = io.in_nbytes;
	}
	return r;
}

/* What comes out has as much room as it needs, but not much more than that. */
static int make_room(struct packed_piece *piece, struct error *err) {
	/* One large piece must not make its slot large for good. */
	if (piece->out_capacity < piece->out_nbytes ||
	    piece->out_capacity / 4 > piece->out_nbytes) {
		free(piece->out);
		piece->out_capacity = piece->out_nbytes;
		piece->out = malloc(piece->out_capacity > 0 ? piece->out_capacity : 1);
	}
	if (piece->out != NULL)
		return TARN_OK;
	piece->out_capacity = 0;
	return err_nomem(err);
}

/* Gather one more piece and let it be decoded; or set u->end to why there is none. */
static void add_piece(struct unpacker *u, struct decoder *decoder, struct codec_input *input) {
	struct slot *slot = &u->slots[(u->first + u->nbusy) % u->nslots];
	int r = gather(&slot->piece, decoder, input, &u->end_error);

	if (r == TARN_OK)
		r = make_room(&slot->piece, &u->end_error);
	u->end = r;
	if (r != TARN_OK)
		return;
	slot->job.run = run_slot;
	slot->unpack = decoder->unpack;
	pool_submit(u->pool, &slot->job);
	u->nbusy++;
}

/* It must not be with the pool. */
static void take_off_first(struct unpacker *u) {
	u->is_handed_out = false;
	u->first = (u->first + 1) % u->nslots;
	u->nbusy--;
}

int unpacker_read(struct unpacker *unpacker, struct decoder *decoder, struct codec_input *input,
    const void **data, size_t *nbytes, struct error *err) {
	struct unpacker *u = unpacker;
	struct slot *slot;

	do {
		slot = &u->slots[u->first];
		/* It stays the first one, so that its error is returned again. */
		if (u->is_handed_out && slot->r != TARN_OK) {
			*err = slot->err;
			return slot->r;
		}
		if (u->is_handed_out)
			take_off_first(u);
		/* Before the first one is waited for: so all threads have work meanwhile. */
		while (u->end == TARN_OK && u->nbusy < u->nbusy_max)
			add_piece(u, decoder, input);
		if (u->nbusy == 0) {
			*err = u->end_error;
			return u->end;
		}
		slot = &u->slots[u->first];
		pool_wait(u->pool, &slot->job);
		u->nbusy_max = 2 * u->nbusy_max < u->nslots ? 2 * u->nbusy_max : u->nslots;
		u->is_handed_out = true;
		*data = slot->piece.out;
		*nbytes = slot->piece.out_nbytes;
		/* A frame may be empty, and of a damaged piece there is nothing but the error. */
	} while (*nbytes == 0);
	return TARN_OK;
}

void unpacker_reset(struct unpacker *unpacker) {
	struct unpacker *u = unpacker;

	for (; u->nbusy > 0; take_off_first(u))
		pool_cancel(u->pool, &u->slots[u->first].job);
	u->end = TARN_OK;
	u->nbusy_max = 1;
}

void unpacker_free(struct unpacker *unpacker) {
	if (unpacker == NULL)
		return;
	unpacker_reset(unpacker);
	for (size_t i = 0; i < unpacker->nslots; i++) {
		free(unpacker->slots[i].piece.in);
		free(unpacker->slots[i].piece.out);
	}
	free(unpacker);
}
