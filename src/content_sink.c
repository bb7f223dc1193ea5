#include "config.h"

#include "content_sink.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "key_set.h"

/*
 * -x -O.  Standard output only goes forward: what was written of a file that turns out to be
 * damaged stays, and there is no going back for one whose first name was not selected.  Such a file
 * is left to the end, when the archive is read again (waiting_links).
 *
 * Content is known by the name of the member that has it, as the archive has that: later names,
 * which may have been renamed, lead to it.  Each is written once, whichever of its names are put,
 * but for those that bring content themselves.
 */

struct content_sink {
	struct sink base;
	struct report *report; /* borrowed */
	uint64_t seed;
	/* Members whose content was written, at least its beginning, or that have none. */
	struct key_set written;
};

static int write_zeros(off_t nbytes, struct error *err) {
	static const char zeros[65536];

	while (nbytes > 0) {
		size_t n = nbytes < (off_t)sizeof(zeros) ? (size_t)nbytes : sizeof(zeros);

		if (fwrite(zeros, 1, n, stdout) != n)
			return err_output(err, errno);
		nbytes -= (off_t)n;
	}
	return TARN_OK;
}

/* All of ${e}; holes, which sources leave between blocks and behind the last one, become zeros. */
static int write_content(const struct entry *e, struct source *from, struct error *err) {
	struct block block;
	off_t end = 0;
	int r;

	while ((r = from->read(from, &block, err)) == TARN_OK) {
		r = write_zeros(block.offset - end, err);
		if (r != TARN_OK)
			return r;
		if (fwrite(block.data, 1, block.nbytes, stdout) != block.nbytes)
			return err_output(err, errno);
		end = block.offset + (off_t)block.nbytes;
	}
	return r == TARN_END ? write_zeros(e->size - end, err) : r;
}

static int content_sink_put(
    struct sink *sink, const struct entry *e, struct source *from, struct error *err) {
	struct content_sink *s = (struct content_sink *)sink;
	uint64_t key = key_of_name(s->seed, entry_member(e));
	bool is_link = e->first_name != NULL && !e->is_whole;
	int r;

	/* Of a later name this is the type that it seems to have. */
	if (e->type != ENTRY_FILE && e->type != ENTRY_DIRECTORY && !is_link)
		return key_set_add(&s->written, key, err);
	if (e->type != ENTRY_FILE)
		return TARN_OK;
	/*
	 * What is whole may be a file of its own: another member of the same name is, and a later
	 * name that brings its content may be.  Whether that was written cannot be seen any more.
	 */
	if (is_link && key_set_has(&s->written, key))
		return TARN_OK;
	if (is_link)
		return err_set(err, TARN_NO_FIRST, 0, "its content was not written");
	/* First: should the content be damaged, its other names have nothing better. */
	r = key_set_add(&s->written, key, err);
	if (r == TARN_OK)
		r = write_content(e, from, err);
	if (r == TARN_OK || r == TARN_ENOMEM || r == TARN_EOUTPUT)
		return r;
	/* What was written cannot be taken back; the next member may be whole. */
	report_error(s->report, e->name, err);
	return TARN_OK;
}

static int content_sink_finish(struct sink *sink, struct error *err) {
	(void)sink;
	return fflush(stdout) != 0 ? err_output(err, errno) : TARN_OK;
}

static void content_sink_free(struct sink *sink) {
	struct content_sink *s = (struct content_sink *)sink;

	if (s == NULL)
		return;
	key_set_fini(&s->written);
	free(s);
}

struct sink *content_sink_new(struct report *report, struct error *err) {
	struct content_sink *s = malloc(sizeof(*s));

	if (s == NULL) {
		err_nomem(err);
		return NULL;
	}
	*s = (struct content_sink){
		.base = {
			.put = content_sink_put,
			.finish = content_sink_finish,
			.free = content_sink_free,
		},
		.report = report,
		.seed = key_seed(),
	};
	return &s->base;
}
