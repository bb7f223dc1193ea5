#include "config.h"

#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive_sink.h"
#include "input.h"
#include "member_path.h"
#include "output.h"
#include "source_ahead.h"
#include "tree_source.h"
#include "waiting_links.h"

/*
 * Operand by operand, trees and archives go into one archive.  Whatever its source, an entry gets
 * the metadata and the name that options ask for, may turn out to be a link to what an earlier run
 * has stored, and is put.
 *
 * The sink says TARN_NO_FIRST of a later name that cannot refer to its first name.  What then helps
 * depends on the source: a tree opens the file under this name; of an archive such names wait,
 * until it was read to its end and can be read again.
 *
 * -A does not look at entries but for the index: it copies bytes.
 */

/* The archive that is written. */
struct writing {
	struct run *run;
	struct output output;
	struct source *tree; /* one for all operands: links between them are found */
};

/*
 * Put ${e}; ${first} is what an earlier run has stored its inode as, NULL: it is as the source has
 * it.
 */
static int put_as(struct writing *w, const struct entry *e, const char *first, struct source *from,
    struct error *err) {
	struct output *out = &w->output;
	int r = out->sink->put(out->sink, e, from, err);

	return r == TARN_OK ? earlier_inodes_put(&out->earlier, e, first, err) : r;
}

/* Put ${e}, which is a link member if an earlier run has stored its inode. */
static int put_named(struct writing *w, struct entry *e, struct source *from, struct error *err) {
	const char *first = earlier_inodes_find(&w->output.earlier, e);

	if (first != NULL) {
		e->first_name = first;
		e->is_whole = false;
		e->size = 0;
	}
	return put_as(w, e, first, from, err);
}

/*
 * Show ${e}, and put it with the metadata and under the name that it is given; one that gets none
 * is left out.  With TARN_NO_FIRST ${e} has been changed already.
 */
static int put(struct writing *w, struct entry *e, struct source *from, struct error *err) {
	struct run *run = w->run;
	struct entry stored;
	int r;

	overrides_apply(&run->options.overrides, e);
	/* What -v shows has the new metadata, and the name that the user knows. */
	stored = *e;
	r = select_rename(run->select, e, err);
	if (r != TARN_OK)
		return r;
	if (e->path != NULL)
		stored.name = e->path;
	run_show(run, run->options.show_transformed ? e : &stored);
	return *e->name != '\0' ? put_named(w, e, from, err) : TARN_OK;
}

/*
 * The first name of ${e}, which ${from} has just told, is not to be had: put it as one itself.
 * ${e} is w->tree's own entry, which that makes anew: what put() did to it is done again, but for
 * the line of -v.  Earlier runs are not asked, as a link to what they have stored may be what was
 * refused.
 */
static int put_first(struct writing *w, struct entry *e, struct source *from, struct error *err) {
	int r = tree_source_make_first(w->tree, err);

	if (r != TARN_OK)
		return r;
	overrides_apply(&w->run->options.overrides, e);
	r = select_rename(w->run->select, e, err);
	return r == TARN_OK ? put_as(w, e, NULL, from, err) : r;
}

/* Is any operand of -c, -r or -u an @ARCHIVE? */
static bool has_archives(const struct options *o) {
	for (size_t i = 0; i < o->noperands; i++) {
		if (o->operands[i].is_archive)
			return true;
	}
	return false;
}

/*
 * Put what ${source} has of the trees that w->tree was begun with.  If that is not w->tree itself a
 * thread uses the tree meanwhile, and put_first may not be called: reads_ahead() sees to that.
 */
static int put_trees_from(struct writing *w, struct source *source, struct error *err) {
	struct entry *e;
	int r;

	while ((r = source->next(source, &e, err)) == TARN_OK) {
		/* Names in a directory that has not changed may be newer all the same. */
		if (e->type == ENTRY_DIRECTORY &&
		    !update_wants(&w->output.members, e->name, e->mtime))
			continue;
		r = put(w, e, source, err);
		if (r == TARN_NO_FIRST)
			r = put_first(w, e, source, err);
		if (r != TARN_OK && r != TARN_END)
			return r;
	}
	return r == TARN_END ? TARN_OK : r;
}

/*
 * May trees be read ahead?  Only where nothing they are told depends on what became of an entry: in
 * these formats every member can be stored, no name is renamed to nothing, and nothing was stored
 * before.  A format that refuses a member, or a link alone, must not be added here.
 */
static bool reads_ahead(const struct options *o) {
	return o->nthreads > 1 && o->mode == MODE_CREATE && !has_archives(o) &&
	    !options_rename(o) && (o->format == FORMAT_PAX || o->format == FORMAT_GNU);
}

/* Put the trees ${operands}.  If no thread can be had the tree is read in turn. */
static int put_trees(
    struct writing *w, const struct operand *operands, size_t n, struct error *err) {
	struct source *ahead = NULL;
	int r;

	tree_source_begin(w->tree, operands, n);
	if (reads_ahead(&w->run->options))
		ahead = source_ahead_new(w->tree, w->run->report);
	r = put_trees_from(w, ahead != NULL ? ahead : w->tree, err);
	if (ahead != NULL)
		ahead->free(ahead);
	return r;
}

/*
 * Open the archive that ${operand} names, relative to its -C.  Whatever is returned, it can be
 * closed.
 */
static int open_archive(struct run *run, const struct operand *operand, enum input_way way,
    struct input *input, struct error *err) {
	const char *name = operand->name;
	char *path = NULL;
	int r;

	*input = (struct input){ 0 };
	if (operand->directory != NULL && name[0] != '/' && strcmp(name, "-") != 0 &&
	    asprintf(&path, "%s/%s", operand->directory, name) < 0)
		return err_nomem(err);
	r = input_open(input, path != NULL ? path : name, way, &run->options, run->report, err);
	free(path);
	return r;
}

/* Put the members of the archive ${operand}, as far as they take part. */
static int put_archive(struct writing *w, const struct operand *operand, struct error *err) {
	struct run *run = w->run;
	struct input input;
	struct waiting_links *waiting =
	    waiting_links_new(run->select, &run->options.overrides, NULL, run->report);
	struct entry *e;
	size_t number = 0;
	int r = open_archive(run, operand, INPUT_WHOLE, &input, err);

	if (r == TARN_OK && waiting == NULL)
		r = err_nomem(err);
	if (r != TARN_OK)
		goto done;
	while ((r = input.source->next(input.source, &e, err)) == TARN_OK) {
		/* All of them are counted, as they are when the archive is read again. */
		number++;
		if (select_excludes(run->select, e->name) ||
		    select_leaves_out_as_old(run->select, e->type, e->mtime, NULL) ||
		    !update_wants(&w->output.members, e->name, e->mtime))
			continue;
		r = put(w, e, input.source, err);
		/*
		 * What waits under this name is an older version: put at the end, it would replace
		 * this one.  A link to itself is no newer version.
		 */
		if (r == TARN_OK &&
		    (e->first_name == NULL || !member_names_equal(e->first_name, e->name)))
			waiting_links_drop(waiting, e->name, w->output.sink);
		if (r == TARN_NO_FIRST)
			r = waiting_links_add(waiting, e, number, w->output.sink, err);
		if (r != TARN_OK)
			break;
	}
	if (r == TARN_END)
		r = waiting_links_put(waiting, &input, err);
done:
	if (r != TARN_OK)
		err_wrap(err, "%s", operand->name);
	waiting_links_free(waiting);
	input_close(&input);
	return r;
}

/* Where the members of ${input} end; they are added to the index, as members from ${base} on. */
static int find_end(
    struct writing *w, struct input *input, off_t base, off_t *end, struct error *err) {
	struct output *out = &w->output;
	struct entry *e;
	int r;

	while ((r = input->source->next(input->source, &e, err)) == TARN_OK) {
		run_show(w->run, e);
		if (out->has_index)
			r = index_writer_add(&out->index, e, base + input_at(input), NULL, err);
		if (r != TARN_OK)
			return r;
	}
	return r == TARN_END ? input_end(input, end, err) : r;
}

/*
 * -A: the members of the archive ${operand}, as they are.  It is read up to three times: for where
 * its members end (from its index, if that is of use), for their bytes, and for the header of the
 * last one, which the new index is bound to.
 */
static int join(struct writing *w, const struct operand *operand, struct error *err) {
	struct output *out = &w->output;
	off_t base = archive_sink_nbytes(out->sink), end;
	struct input input;
	int r = open_archive(w->run, operand, INPUT_BY_INDEX, &input, err);

	if (r == TARN_OK)
		r = find_end(w, &input, base, &end, err);
	if (r == TARN_OK)
		r = input_rewind(&input, err);
	if (r == TARN_OK)
		r = archive_sink_join(out->sink, input.reader, end, err);
	if (r == TARN_OK && out->has_index && end > 0)
		r = input_rewind(&input, err);
	if (r == TARN_OK && out->has_index && end > 0)
		r = index_writer_bind(&out->index, input.reader, base, err);
	if (r != TARN_OK)
		err_wrap(err, "%s", operand->name);
	input_close(&input);
	return r;
}

/* How many operands from ${operand} on, of ${n}, are trees? */
static size_t count_trees(const struct operand *operand, size_t n) {
	size_t i = 0;

	while (i < n && !operand[i].is_archive)
		i++;
	return i;
}

/*
 * Put all operands, in order.  Trees that follow each other are one walk, so that the threads,
 * where there are any, go on from one to the next.
 */
static int put_operands(struct writing *w, struct error *err) {
	const struct options *o = &w->run->options;
	int r = TARN_OK;

	for (size_t i = 0, n; i < o->noperands && r == TARN_OK; i += n) {
		const struct operand *operand = &o->operands[i];

		n = 1;
		if (o->mode == MODE_CATENATE) {
			r = join(w, operand, err);
		} else if (operand->is_archive) {
			r = put_archive(w, operand, err);
		} else {
			n = count_trees(operand, o->noperands - i);
			r = put_trees(w, operand, n, err);
		}
	}
	return r;
}

int run_write(struct run *run, struct error *err) {
	const struct options *o = &run->options;
	struct writing w = { .run = run };
	int r = output_open(&w.output, o, run->report, err);

	if (r != TARN_OK)
		goto done;
	w.tree = tree_source_new(o, run->select, &w.output.members, run->owners, run->report, err);
	if (w.tree == NULL) {
		r = (int)err->code;
		goto done;
	}
	/* Members of archives may link to anything; it must be here. */
	if (has_archives(o))
		archive_sink_check_links(w.output.sink);
	/* The sink refuses links to members of earlier runs, or there shall be no links. */
	if (has_archives(o) || o->hard_dereference)
		earlier_inodes_fini(&w.output.earlier);
	/*
	 * The file that is written, and the one whose place it takes in the end.  A temporary one
	 * is nobody's business.
	 */
	tree_source_leave_out(w.tree, &w.output.file.st, w.output.file.temporary == NULL);
	if (w.output.file.has_old)
		tree_source_leave_out(w.tree, &w.output.file.old, true);
	r = put_operands(&w, err);
	if (r == TARN_OK && o->check_links)
		tree_source_check_links(w.tree);
	if (r == TARN_OK)
		r = output_finish(&w.output, err);
	if (r == TARN_OK && o->totals)
		run_say_totals(run, "written", archive_sink_nbytes(w.output.sink) - w.output.start);
done:
	if (r != TARN_OK && strcmp(o->archive, "-") != 0)
		err_wrap(err, "%s", o->archive);
	if (w.tree != NULL)
		w.tree->free(w.tree);
	output_close(&w.output);
	return r;
}
