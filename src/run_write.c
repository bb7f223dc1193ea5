#include "config.h"

#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive_file.h"
#include "archive_sink.h"
#include "archive_source.h"
#include "input.h"
#include "tree_source.h"
#include "update.h"
#include "waiting_links.h"

/*
 * Operand by operand, trees and archives go into one archive.  It is written beside its destination
 * and gets its name when it is whole; only -r writes into the file itself, the end-of-archive blocks
 * last.
 */

/* The archive that is written. */
struct writing {
	struct run *run;
	struct sink *sink;
	struct update members; /* -u: of the archive before; else empty */
};

/* Show ${e} as ${path}, and put it under the name that it is given; one that gets none is left out. */
static int put(
    struct writing *w, struct entry *e, const char *path, struct source *from, struct error *err) {
	struct run *run = w->run;
	struct entry stored = *e;
	int r = select_rename(run->select, e, err);

	if (r != TARN_OK)
		return r;
	stored.name = path;
	run_show(run, run->options.show_transformed ? e : &stored);
	return *e->name != '\0' ? w->sink->put(w->sink, e, from, err) : TARN_OK;
}

/* Put the tree that ${source} was begun with. */
static int put_tree(struct writing *w, struct source *source, struct error *err) {
	struct entry *e;
	int r;

	while ((r = source->next(source, &e, err)) == TARN_OK) {
		if (!update_wants(&w->members, e)) {
			tree_source_skip(source);
			continue;
		}
		r = put(w, e, tree_source_path(source), source, err);
		if (r == TARN_NO_FIRST && (r = tree_source_make_first(source, err)) == TARN_OK)
			r = w->sink->put(w->sink, e, source, err);
		if (r != TARN_OK && r != TARN_END)
			return r;
	}
	return r == TARN_END ? TARN_OK : r;
}

/* Open the archive that ${operand} names, relative to its -C. */
static int open_archive(
    struct run *run, const struct operand *operand, struct input *input, struct error *err) {
	const char *name = operand->name;
	char *path = NULL;
	int r;

	*input = (struct input){ 0 };
	if (operand->directory != NULL && name[0] != '/' && strcmp(name, "-") != 0 &&
	    asprintf(&path, "%s/%s", operand->directory, name) < 0)
		return err_nomem(err);
	r = input_open(input, path != NULL ? path : name, &run->options, run->report, err);
	free(path);
	return r;
}

/* Put the members of the archive ${operand}, as far as they are not excluded. */
static int put_archive(struct writing *w, const struct operand *operand, struct error *err) {
	struct run *run = w->run;
	struct input input;
	struct waiting_links *waiting =
	    waiting_links_new(run->select, &run->options.overrides, run->report);
	struct entry *e;
	size_t number = 0;
	int r = open_archive(run, operand, &input, err);

	if (r == TARN_OK && waiting == NULL)
		r = err_nomem(err);
	if (r != TARN_OK)
		goto done;
	while ((r = input.source->next(input.source, &e, err)) == TARN_OK) {
		number++;
		if (select_excludes(run->select, e->name) || !update_wants(&w->members, e))
			continue;
		overrides_apply(&run->options.overrides, e);
		r = put(w, e, e->name, input.source, err);
		if (r == TARN_NO_FIRST)
			r = waiting_links_add(waiting, e, number, w->sink, err);
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

static int put_operands(struct writing *w, struct source *tree, struct error *err) {
	const struct options *o = &w->run->options;
	int r = TARN_OK;

	for (size_t i = 0; i < o->noperands && r == TARN_OK; i++) {
		const struct operand *operand = &o->operands[i];

		if (operand->is_archive)
			r = put_archive(w, operand, err);
		else if (tree_source_begin(tree, operand, err) == TARN_OK)
			r = put_tree(w, tree, err);
		else
			report_error(w->run->report, operand->directory, err);
	}
	return r;
}

/*
 * Where the members of a plain archive end, and for -u what they are; TARN_EREFUSED when it is
 * compressed.
 */
static int find_end(struct writing *w, const char *name, off_t *end, struct error *err) {
	struct run *run = w->run;
	struct input input;
	struct entry *e;
	int r = input_open(&input, name, &run->options, run->report, err);

	if (r == TARN_OK && !codec_reader_is_plain(input.reader))
		r = err_set(err, TARN_EREFUSED, 0, "Cannot update compressed archives");
	if (r != TARN_OK)
		goto done;
	while ((r = input.source->next(input.source, &e, err)) == TARN_OK) {
		if (run->options.mode == MODE_UPDATE &&
		    (r = update_note(&w->members, e, err)) != TARN_OK)
			goto done;
	}
	if (r == TARN_END)
		r = TARN_OK;
	*end = archive_source_end(input.source);
done:
	input_close(&input);
	return r;
}

/* Open the archive for -r behind its last member; the file is changed in place. */
static int open_to_append(
    struct writing *w, const char *name, struct archive_file *file, off_t *end, struct error *err) {
	struct stat st;
	int r;

	if (stat(name, &st) != 0)
		return errno == ENOENT ? archive_file_create(file, name, err) :
		                         err_set(err, TARN_ESYSTEM, errno, "Cannot stat");
	/* An empty file is an archive that was not begun. */
	r = S_ISREG(st.st_mode) && st.st_size == 0 ? TARN_OK : find_end(w, name, end, err);
	return r == TARN_OK ? archive_file_append(file, name, *end, err) : r;
}

static bool has_archives(const struct options *o) {
	for (size_t i = 0; i < o->noperands; i++) {
		if (o->operands[i].is_archive)
			return true;
	}
	return false;
}

/* What is in the way of a complete archive once all members were put. */
static int finish(
    struct archive_file *file, struct codec_writer *writer, struct sink *sink, struct error *err) {
	int r = sink->finish(sink, err);

	if (r == TARN_OK)
		r = codec_writer_finish(writer, err);
	return r == TARN_OK ? archive_file_commit(file, err) : r;
}

int run_write(struct run *run, struct error *err) {
	const struct options *o = &run->options;
	struct codec_settings settings = {
		.compression = o->compression,
		.program = o->compress_program,
		.nthreads = o->nthreads,
	};
	struct archive_file file = { .fd = -1 };
	struct codec_writer *writer = NULL;
	struct writing w = { .run = run };
	struct source *tree = NULL;
	struct sink *sink;
	off_t start = 0;
	int r;

	if (o->auto_compress && codec_of_suffix(o->archive) != COMPRESSION_NONE)
		settings.compression = codec_of_suffix(o->archive);
	r = o->mode == MODE_CREATE ? archive_file_create(&file, o->archive, err) :
	                             open_to_append(&w, o->archive, &file, &start, err);
	if (r == TARN_OK)
		r = codec_writer_new(&writer, &settings, file.fd, err);
	if (r != TARN_OK)
		goto done;
	codec_writer_hold_back(writer, file.held, file.nheld);
	sink = w.sink =
	    archive_sink_new(writer, o->format, o->blocking_factor, start, run->report, err);
	tree = tree_source_new(o, run->select, run->owners, run->report, err);
	if (sink == NULL || tree == NULL) {
		r = (int)err->code;
		goto done;
	}
	if (has_archives(o))
		archive_sink_check_links(sink);
	tree_source_leave_out(tree, file.dev, file.ino);
	if (file.has_old)
		tree_source_leave_out(tree, file.old_dev, file.old_ino);
	r = put_operands(&w, tree, err);
	if (r == TARN_OK && o->check_links)
		tree_source_check_links(tree);
	if (r == TARN_OK)
		r = finish(&file, writer, sink, err);
	if (r == TARN_OK && o->totals)
		run_say_totals(run, "written", archive_sink_nbytes(sink) - start);
done:
	if (r != TARN_OK && strcmp(o->archive, "-") != 0)
		err_wrap(err, "%s", o->archive);
	if (tree != NULL)
		tree->free(tree);
	if (w.sink != NULL)
		w.sink->free(w.sink);
	update_fini(&w.members);
	codec_writer_free(writer);
	archive_file_fini(&file);
	return r;
}
