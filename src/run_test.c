#include "config.h"

#include "run.h"

#include <stdint.h>

#include "input.h"
#include "key_set.h"

/*
 * --test: everything that can be checked without writing is: the headers and checksums of all that
 * is read, whether each link leads to a member before it, and whether the index is that of this
 * archive.
 *
 * The archive is read as for an extraction, so that what is damaged is said here as it would be
 * there; there is no sink.  Members that were damaged are failures each, and reading goes on behind
 * them as far as that is possible.
 */

struct testing {
	struct run *run;
	struct input input;
	uint64_t seed;
	struct key_set names; /* of the members that were met, but for directories */
	bool has_index;       /* which has agreed so far */
};

/* Say that it differs at ${name} (NULL: at the end).  Once: behind that the two are out of step. */
static void say_index(struct testing *t, const char *name) {
	report_failure(t->run->report, name, "The index of the archive has something else here");
	t->has_index = false;
}

/*
 * The index goes along, member by member.  It must have the member ${e} next, at the same place in
 * the archive; why it has not, or cannot be read, is all the same.
 */
static void test_index(struct testing *t, const struct entry *e) {
	struct entry indexed;
	struct error err;
	off_t offset;

	if (t->has_index &&
	    (member_index_next(t->input.index, &indexed, &offset, &err) != TARN_OK ||
	        offset != input_at(&t->input) || !member_index_agrees(&indexed, e)))
		say_index(t, e->name);
}

static void test_end_of_index(struct testing *t) {
	struct entry indexed;
	struct error err;
	off_t offset;

	if (t->has_index &&
	    (member_index_next(t->input.index, &indexed, &offset, &err) != TARN_END ||
	        member_index_end(t->input.index) != input_at(&t->input)))
		say_index(t, NULL);
}

/*
 * A link must lead to a member before it.  Directories have no later names, so they are not
 * remembered; links are, as others may lead to them.
 */
static int test_link(struct testing *t, const struct entry *e, struct error *err) {
	uint64_t key = key_of_name(t->seed, e->name);

	if (e->first_name != NULL && !key_set_has(&t->names, key_of_name(t->seed, e->first_name)))
		report_failure(t->run->report, e->name,
		    "It is a link to '%s', and there is no such member before it", e->first_name);
	return e->type != ENTRY_DIRECTORY ? key_set_add(&t->names, key, err) : TARN_OK;
}

/* Damage is said with the member that it is in; whether more can be read next() will tell. */
static int test_content(struct testing *t, const struct entry *e, struct error *err) {
	struct source *source = t->input.source;
	struct block block;
	int r;

	/* All of it, as it is checked as it is read. */
	while ((r = source->read(source, &block, err)) == TARN_OK)
		report_progress(t->run->report, NULL, block.nbytes);
	if (r == TARN_END || r == TARN_ENOMEM)
		return r == TARN_END ? TARN_OK : r;
	report_error(t->run->report, e->name, err);
	return TARN_OK;
}

static int test_members(struct testing *t, struct error *err) {
	struct source *source = t->input.source;
	struct entry *e;
	size_t number = 0;
	int r;

	while ((r = source->next(source, &e, err)) == TARN_OK) {
		r = archive_limits_read(&t->run->options.limits, e, ++number, err);
		if (r != TARN_OK)
			return r;
		run_show(t->run, e);
		test_index(t, e);
		r = test_link(t, e, err);
		if (r == TARN_OK && e->type == ENTRY_FILE)
			r = test_content(t, e, err);
		if (r != TARN_OK)
			return r;
	}
	/* Behind what broke off, that the index has more is no news. */
	if (r == TARN_END)
		test_end_of_index(t);
	return r == TARN_END ? TARN_OK : r;
}

int run_test(struct run *run, struct error *err) {
	const struct options *o = &run->options;
	struct testing t = { .run = run, .seed = key_seed() };
	int r = input_open(&t.input, o->archive, INPUT_BESIDE_INDEX, o, run->report, err);

	if (r != TARN_OK)
		goto done;
	t.has_index = t.input.index != NULL;
	/* Why it is of no use was said when it was opened; the archive itself may be whole. */
	if (t.input.had_index && !t.has_index)
		report_differs(run->report);
	r = test_members(&t, err);
done:
	if (r != TARN_OK)
		err_wrap(err, "%s", o->archive);
	key_set_fini(&t.names);
	input_close(&t.input);
	return r;
}
