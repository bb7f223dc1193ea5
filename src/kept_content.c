#include "config.h"

#include "kept_content.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * What a lane gets in place of the archive's source: one whose content is already there.  Small
 * content was copied while the archive stood at the member, and is handed out as one block.  Lent
 * content stays where it is in the archive's file, and the lane reads it with pread, which does
 * not move the descriptor's position: that is the archive source's, which reads on meanwhile.
 *
 * There is no fetch, lend or next: a lane gets one member, in full, and may read it or not.
 */

/* Enough that system calls do not count, and within the processor's cache. */
#define BUFFER_NBYTES ((size_t)256 << 10)

void kept_content_copy(struct kept_content *content, char *room, const struct entry *e,
    struct source *from, struct error *err) {
	size_t capacity = (size_t)e->size, nbytes = 0;
	struct block block;
	int r;

	while ((r = from->read(from, &block, err)) == TARN_OK) {
		size_t offset = (size_t)block.offset;

		/* The room is as large as the header says: more than that is damage. */
		if (offset > capacity || block.nbytes > capacity - offset) {
			r = err_set(err, TARN_EFORMAT, 0, "More content than it has room for");
			break;
		}
		memset(room + nbytes, 0, offset - nbytes);
		memcpy(room + offset, block.data, block.nbytes);
		nbytes = offset + block.nbytes;
	}
	/* A hole at the end stays out, as in what the source hands out. */
	*content = (struct kept_content){
		.data = room,
		.nbytes = nbytes,
		.err = r != TARN_END ? err : NULL,
	};
}

bool kept_content_borrow(struct kept_content *content, struct source *from) {
	*content = (struct kept_content){ 0 };
	return source_lend(from, &content->place);
}

/*
 * All of it as one block, then the end, or what ended reading the archive: as if it were read now.
 */
static int read_copied(struct kept_source *s, struct block *block, struct error *err) {
	const struct kept_content *content = s->content;

	if (s->at == 0 && content->nbytes > 0) {
		*block = (struct block){ content->data, content->nbytes, 0 };
		s->at = (off_t)content->nbytes;
		return TARN_OK;
	}
	if (content->err == NULL)
		return TARN_END;
	*err = *content->err;
	return (int)err->code;
}

/* The next piece into the lane's buffer, which is allocated when it is first needed. */
static int read_lent(struct kept_source *s, struct block *block, struct error *err) {
	const struct content_place *place = &s->content->place;
	off_t left = place->nbytes - s->at;
	ssize_t n;

	if (left == 0)
		return TARN_END;
	if (*s->buf == NULL && (*s->buf = malloc(BUFFER_NBYTES)) == NULL)
		return err_nomem(err);
	do {
		n = pread(place->fd, *s->buf,
		    left < (off_t)BUFFER_NBYTES ? (size_t)left : BUFFER_NBYTES,
		    place->offset + s->at);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot read behind byte %jd",
		    (intmax_t)(place->offset + s->at));
	/* It was cut since it was lent. */
	if (n == 0)
		return err_set(err, TARN_EFORMAT, 0, "Unexpected EOF in archive behind byte %jd",
		    (intmax_t)(place->offset + s->at));
	*block = (struct block){ *s->buf, (size_t)n, s->at };
	s->at += n;
	return TARN_OK;
}

static int kept_source_read(struct source *source, struct block *block, struct error *err) {
	struct kept_source *s = (struct kept_source *)source;

	return s->content->place.nbytes > 0 ? read_lent(s, block, err) : read_copied(s, block, err);
}

void kept_source_init(struct kept_source *source, const struct kept_content *content, char **buf) {
	*source = (struct kept_source){
		.base = { .read = kept_source_read },
		.content = content,
		.buf = buf,
	};
}
