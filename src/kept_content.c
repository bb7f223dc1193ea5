#include "config.h"

#include "kept_content.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Enough that system calls do not count, and within the processor's cache. */
#define BUFFER_NBYTES ((size_t)256 << 10)

void kept_content_copy(struct kept_content *content, char *room, const struct entry *e,
    struct source *from, struct error *err) {
	size_t capacity = (size_t)e->size, nbytes = 0;
	struct block block;
	int r;

	while ((r = from->read(from, &block, err)) == TARN_OK) {
		size_t offset = (size_t)block.offset;

		if (offset > capacity || block.nbytes > capacity - offset) {
			r = err_set(err, TARN_EFORMAT, 0, "More content than it has room for");
			break;
		}
		memset(room + nbytes, 0, offset - nbytes);
		memcpy(room + offset, block.data, block.nbytes);
		nbytes = offset + block.nbytes;
	}
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
