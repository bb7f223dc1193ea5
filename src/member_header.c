#include "config.h"

#include "member_header.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"

/*
 * Three arrays that grow and never shrink.  After a few members there is no more to allocate.
 *
 * Which parts of a file are stored is decided here for all formats, so that the size in a header
 * and the content that the archive sink writes come from the same list of runs.
 */

void member_header_clear(struct member_header *header) {
	header->nbytes = 0;
	header->nextents = 0;
	header->content_nbytes = 0;
}

/* Make room for ${nbytes} more; what is there stays as it is, also without memory. */
static int reserve_data(struct member_header *header, size_t nbytes, struct error *err) {
	size_t total;

	if (__builtin_add_overflow(header->nbytes, nbytes, &total))
		return err_nomem(err);
	return array_reserve((void **)&header->data, &header->capacity, total, 1, err);
}

int member_header_append(
    struct member_header *header, const void *data, size_t nbytes, struct error *err) {
	int r = reserve_data(header, nbytes, err);

	if (r == TARN_OK && nbytes > 0) {
		memcpy(header->data + header->nbytes, data, nbytes);
		header->nbytes += nbytes;
	}
	return r;
}

int member_header_pad(struct member_header *header, size_t alignment, struct error *err) {
	size_t over = header->nbytes % alignment, nbytes = over > 0 ? alignment - over : 0;
	int r = reserve_data(header, nbytes, err);

	if (r == TARN_OK && nbytes > 0) {
		memset(header->data + header->nbytes, 0, nbytes);
		header->nbytes += nbytes;
	}
	return r;
}

int member_header_set_scratch(struct member_header *header, const char *text, size_t nbytes,
    const char *tail, struct error *err) {
	size_t tail_nbytes = strlen(tail) + 1;
	int r = array_reserve(
	    (void **)&header->scratch, &header->scratch_capacity, nbytes + tail_nbytes, 1, err);

	if (r == TARN_OK) {
		memcpy(header->scratch, text, nbytes);
		memcpy(header->scratch + nbytes, tail, tail_nbytes);
	}
	return r;
}

/*
 * Append the run from ${offset} to ${end}, or make the last run longer when they touch.  Runs that
 * were extended to whole blocks may overlap, and have no more than that block in common; neither
 * ends before the last one.  Only the last run of all is empty, so that nothing is ever joined to
 * one.
 */
static int append_run(struct member_header *header, off_t offset, off_t end, struct error *err) {
	struct extent *last = header->nextents > 0 ? &header->extents[header->nextents - 1] : NULL;
	int r;

	if (last != NULL && last->nbytes > 0 && offset <= last->offset + last->nbytes) {
		header->content_nbytes += end - (last->offset + last->nbytes);
		last->nbytes = end - last->offset;
		return TARN_OK;
	}
	r = array_reserve((void **)&header->extents, &header->extents_capacity,
	    header->nextents + 1, sizeof(*header->extents), err);
	if (r == TARN_OK) {
		header->extents[header->nextents++] = (struct extent){ offset, end - offset };
		header->content_nbytes += end - offset;
	}
	return r;
}

int member_header_set_whole(
    struct member_header *header, const struct entry *e, struct error *err) {
	return e->size > 0 ? append_run(header, 0, e->size, err) : TARN_OK;
}

int member_header_set_data(
    struct member_header *header, const struct entry *e, off_t alignment, struct error *err) {
	off_t end = 0;
	int r = TARN_OK;

	for (size_t i = 0; i < e->nextents && r == TARN_OK; i++) {
		off_t offset = e->extents[i].offset & ~(alignment - 1);
		off_t over;

		end = e->extents[i].offset + e->extents[i].nbytes;
		over = end & (alignment - 1);
		/* The file may end within the block.  Compared so, nothing overflows. */
		if (over > 0)
			end = e->size - end > alignment - over ? end + alignment - over : e->size;
		r = append_run(header, offset, end, err);
	}
	/* By an empty run at the end GNU tar makes the file as long as it was. */
	if (r == TARN_OK && end < e->size)
		r = append_run(header, e->size, e->size, err);
	return r;
}

void member_header_fini(struct member_header *header) {
	free(header->data);
	free(header->extents);
	free(header->scratch);
	*header = (struct member_header){ 0 };
}
