#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "archive_file.h"
#include "archive_sink.h"
#include "archive_source.h"
#include "codec.h"
#include "compare.h"
#include "listing.h"
#include "options.h"
#include "owners.h"
#include "quote.h"
#include "report.h"
#include "select.h"
#include "tree_sink.h"
#include "tree_source.h"

/*
 * Picks the mode, joins a source to a sink, and exits.
 *
 *     mode                source                          sink
 *     -c, -r              tree_source, archive_source     archive_sink
 *     -x                  archive_source                  tree_sink; with -O listing's content sink
 *     -t                  archive_source                  listing
 *     -d                  archive_source                  compare
 *
 * Between the two stands the selection (select).  Members come from, and go to, the bytes of a
 * codec, which reads and writes a descriptor that archive_file opens.
 */

struct run {
	struct options options;
	struct report *report;
	struct owners *owners;
	struct select *select;
	struct listing *verbose; /* where -v goes; NULL without it */
	FILE *verbose_out;
	bool utf8;
	struct timespec begun;
};

/* The archive that is read: descriptor, codec and source. */
struct input {
	int fd;
	bool is_own_fd;
	struct codec_reader *reader;
	struct source *source;
};

/* The sink that members wanted by an operand go to: with several -C there are several. */
struct outlet {
	const char *directory; /* NULL: the working directory */
	struct sink *sink;
};

static int input_open(struct run *run, const char *name, struct input *input, struct error *err) {
	struct codec_settings settings = {
		.compression = run->options.compression,
		.program = run->options.compress_program,
		.nthreads = run->options.nthreads,
	};
	int r = archive_file_open(name, &input->fd, &input->is_own_fd, err);

	if (r == TARN_OK)
		r = codec_reader_new(&input->reader, &settings, input->fd, err);
	if (r != TARN_OK)
		return r;
	input->source = archive_source_new(input->reader, run->report, err);
	return input->source != NULL ? TARN_OK : (int)err->code;
}

static void input_close(struct input *input) {
	if (input->source != NULL)
		input->source->free(input->source);
	codec_reader_free(input->reader);
	if (input->is_own_fd)
		close(input->fd);
	*input = (struct input){ 0 };
}

static void say_verbose(struct run *run, const struct entry *e) {
	if (run->verbose != NULL)
		listing_print(run->verbose, e, run->options.verbosity > 1);
}

/* Move everything that ${source} yields into ${sink}. */
static int pump(struct run *run, struct source *source, struct sink *sink, struct error *err) {
	struct entry *e;
	int r;

	while ((r = source->next(source, &e, err)) == TARN_OK) {
		say_verbose(run, e);
		r = sink->put(sink, e, source, err);
		if (r != TARN_OK)
			return r;
	}
	return r == TARN_END ? TARN_OK : r;
}

/* The same for an archive, of which only what is selected is moved, each to its operand's outlet. */
static int pump_selected(struct run *run, struct source *source, const struct outlet *outlets,
    const size_t *outlet_of_operand, struct error *err) {
	struct entry *e, shown;
	struct sink *sink;
	size_t operand;
	bool wanted;
	int r;

	while ((r = source->next(source, &e, err)) == TARN_OK) {
		shown = *e;
		select_apply(run->select, e, &wanted, &operand);
		if (!wanted)
			continue;
		say_verbose(run, run->options.show_transformed ? e : &shown);
		sink = outlets[operand == SIZE_MAX ? 0 : outlet_of_operand[operand]].sink;
		r = sink->put(sink, e, source, err);
		if (r != TARN_OK)
			return r;
	}
	return r == TARN_END ? TARN_OK : r;
}

static void say_totals(struct run *run, const char *what, off_t nbytes) {
	static const char units[] = " KMGTPE";
	struct timespec now;
	double seconds, amounts[2];
	int unit[2] = { 0, 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	seconds = (double)(now.tv_sec - run->begun.tv_sec) +
	    (double)(now.tv_nsec - run->begun.tv_nsec) / 1e9;
	amounts[0] = (double)nbytes;
	amounts[1] = seconds > 0 ? (double)nbytes / seconds : 0;
	for (int i = 0; i < 2; i++) {
		for (; amounts[i] >= 1024; unit[i]++)
			amounts[i] /= 1024;
	}
	fprintf(stderr, "Total bytes %s: %jd (%.*f%.*siB, %.*f%.*siB/s)\n", what, (intmax_t)nbytes,
	    amounts[0] < 10 ? 1 : 0, amounts[0], unit[0] > 0, &units[unit[0]],
	    amounts[1] < 10 ? 1 : 0, amounts[1], unit[1] > 0, &units[unit[1]]);
}

/* Put the members of the archive ${name} into ${sink}, as far as they are not excluded. */
static int convert(struct run *run, const char *name, struct sink *sink, struct error *err) {
	struct input input = { 0 };
	struct entry *e;
	int r = input_open(run, name, &input, err);

	if (r != TARN_OK)
		goto done;
	while ((r = input.source->next(input.source, &e, err)) == TARN_OK) {
		if (select_excludes(run->select, e->name))
			continue;
		overrides_apply(&run->options.overrides, e);
		say_verbose(run, e);
		if ((r = sink->put(sink, e, input.source, err)) != TARN_OK)
			break;
	}
	if (r == TARN_END)
		r = TARN_OK;
done:
	if (r != TARN_OK)
		err_wrap(err, "%s", name);
	input_close(&input);
	return r;
}

/* Put every operand into ${sink}. */
static int put_operands(
    struct run *run, struct source *tree, struct sink *sink, struct error *err) {
	const struct options *o = &run->options;
	int r = TARN_OK;

	for (size_t i = 0; i < o->noperands && r == TARN_OK; i++) {
		const struct operand *operand = &o->operands[i];

		if (operand->is_archive) {
			r = convert(run, operand->name, sink, err);
		} else if (tree_source_begin(tree, operand, err) == TARN_OK) {
			r = pump(run, tree, sink, err);
		} else {
			report_error(run->report, operand->directory, err);
		}
	}
	return r;
}

/* Where the members of a plain archive end; TARN_EREFUSED when it is compressed. */
static int find_end(struct run *run, const char *name, off_t *end, struct error *err) {
	struct input input = { 0 };
	struct entry *e;
	int r = input_open(run, name, &input, err);

	if (r == TARN_OK && !codec_reader_is_plain(input.reader))
		r = err_set(err, TARN_EREFUSED, 0, "Cannot update compressed archives");
	if (r != TARN_OK)
		goto done;
	while ((r = input.source->next(input.source, &e, err)) == TARN_OK)
		continue;
	if (r == TARN_END)
		r = TARN_OK;
	*end = archive_source_end(input.source);
done:
	input_close(&input);
	return r;
}

/* Open the archive for -r behind its last member; the file is changed in place. */
static int open_to_append(
    struct run *run, const char *name, struct archive_file *file, off_t *end, struct error *err) {
	struct stat st;
	int r;

	if (strcmp(name, "-") == 0)
		return err_set(err, TARN_EUSAGE, 0, "Options '-Aru' are incompatible with '-f -'");
	if (access(name, F_OK) != 0)
		return archive_file_create(file, name, err);
	r = find_end(run, name, end, err);
	if (r != TARN_OK)
		return r;
	file->fd = open(name, O_RDWR | O_CLOEXEC);
	file->is_own_fd = file->fd >= 0;
	if (file->fd < 0 || fstat(file->fd, &st) != 0 || lseek(file->fd, *end, SEEK_SET) < 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot open");
	file->dev = st.st_dev;
	file->ino = st.st_ino;
	return TARN_OK;
}

static int write_archive(struct run *run, struct error *err) {
	const struct options *o = &run->options;
	struct codec_settings settings = { o->compression, o->compress_program, o->nthreads };
	struct archive_file file = { .fd = -1 };
	struct codec_writer *writer = NULL;
	struct source *tree = NULL;
	struct sink *sink = NULL;
	off_t end = 0;
	int r;

	if (o->auto_compress && codec_of_suffix(o->archive) != COMPRESSION_NONE)
		settings.compression = codec_of_suffix(o->archive);
	r = o->mode == MODE_APPEND ? open_to_append(run, o->archive, &file, &end, err) :
	                             archive_file_create(&file, o->archive, err);
	if (r == TARN_OK)
		r = codec_writer_new(&writer, &settings, file.fd, err);
	if (r != TARN_OK)
		goto done;
	sink = archive_sink_new(writer, o->format, o->blocking_factor, end, run->report, err);
	tree = tree_source_new(o, run->select, run->owners, run->report, err);
	if (sink == NULL || tree == NULL) {
		r = (int)err->code;
		goto done;
	}
	tree_source_leave_out(tree, file.dev, file.ino);
	if (file.has_old)
		tree_source_leave_out(tree, file.old_dev, file.old_ino);
	r = put_operands(run, tree, sink, err);
	if (r == TARN_OK)
		r = sink->finish(sink, err);
	if (r == TARN_OK)
		r = codec_writer_finish(writer, err);
	if (r == TARN_OK && o->mode == MODE_APPEND && file.path == NULL &&
	    ftruncate(file.fd, lseek(file.fd, 0, SEEK_CUR)) != 0)
		r = err_set(err, TARN_ESYSTEM, errno, "Cannot truncate");
	if (r == TARN_OK)
		r = archive_file_commit(&file, err);
	if (r == TARN_OK && o->totals)
		say_totals(run, "written", archive_sink_nbytes(sink) - end);
done:
	if (tree != NULL)
		tree->free(tree);
	if (sink != NULL)
		sink->free(sink);
	codec_writer_free(writer);
	archive_file_fini(&file);
	return r;
}

static struct sink *sink_for(struct run *run, const char *directory, struct error *err) {
	const struct options *o = &run->options;
	struct listing *listing;

	switch (o->mode) {
	case MODE_LIST:
		listing = listing_new(o, run->utf8, stdout);
		if (listing != NULL)
			return listing_sink_new(listing, o->verbosity > 0);
		err_nomem(err);
		return NULL;
	case MODE_COMPARE:
		return compare_sink_new(
		    o, directory != NULL ? directory : ".", run->owners, run->report, stdout, err);
	default:
		if (o->to_stdout)
			return content_sink_new(run->report);
		return tree_sink_new(
		    o, directory != NULL ? directory : ".", run->owners, run->report, err);
	}
}

/* One outlet for each directory that operands name; only extraction and comparison have any. */
static int open_outlets(struct run *run, struct outlet *outlets, size_t *noutlets,
    size_t *outlet_of_operand, struct error *err) {
	const struct options *o = &run->options;
	size_t noperands = o->noperands > 0 ? o->noperands : 1;

	for (size_t i = 0; i < noperands; i++) {
		const char *directory = o->noperands > 0 ? o->operands[i].directory : o->directory;
		size_t k = 0;

		while (k < *noutlets && outlets[k].directory != directory &&
		    (outlets[k].directory == NULL || directory == NULL ||
		        strcmp(outlets[k].directory, directory) != 0))
			k++;
		outlet_of_operand[i] = k;
		if (k < *noutlets)
			continue;
		outlets[k].directory = directory;
		outlets[k].sink = sink_for(run, directory, err);
		if (outlets[k].sink == NULL) {
			if (directory != NULL)
				err_wrap(err, "%s", directory);
			return (int)err->code;
		}
		++*noutlets;
	}
	return TARN_OK;
}

/* -x, -t, -d.  What was read before an archive broke off is completed like all else. */
static int read_archive(struct run *run, struct error *err) {
	const struct options *o = &run->options;
	size_t noutlets = 0, n = o->noperands > 0 ? o->noperands : 1;
	struct outlet *outlets = calloc(n, sizeof(*outlets));
	size_t *outlet_of_operand = calloc(n, sizeof(*outlet_of_operand));
	struct input input = { 0 };
	struct error finish_err;
	int r;

	r = outlets == NULL || outlet_of_operand == NULL ? err_nomem(err) :
	                                                   input_open(run, o->archive, &input, err);
	if (r == TARN_OK)
		r = open_outlets(run, outlets, &noutlets, outlet_of_operand, err);
	if (r == TARN_OK) {
		r = pump_selected(run, input.source, outlets, outlet_of_operand, err);
		for (size_t i = 0; i < noutlets; i++) {
			struct sink *sink = outlets[i].sink;

			if (sink->finish(sink, &finish_err) != TARN_OK)
				report_error(run->report, NULL, &finish_err);
		}
		if (r == TARN_OK)
			select_report_unmatched(run->select, run->report);
	}
	for (size_t i = 0; i < noutlets; i++)
		outlets[i].sink->free(outlets[i].sink);
	free(outlets);
	free(outlet_of_operand);
	input_close(&input);
	return r;
}

/* Everything that every mode needs, once the options are known. */
static int prepare(struct run *run, struct error *err) {
	const struct options *o = &run->options;
	bool to_stdout = o->to_stdout ||
	    ((o->mode == MODE_CREATE || o->mode == MODE_APPEND) && strcmp(o->archive, "-") == 0);

	clock_gettime(CLOCK_MONOTONIC, &run->begun);
	run->owners = owners_new();
	if (run->owners == NULL)
		return err_nomem(err);
	if (o->verbosity > 0 && o->mode != MODE_LIST) {
		run->verbose_out = to_stdout ? stderr : stdout;
		run->verbose = listing_new(o, run->utf8, run->verbose_out);
		if (run->verbose == NULL)
			return err_nomem(err);
	}
	return select_new(&run->select, o, err);
}

static int run_mode(struct run *run, struct error *err) {
	int r = prepare(run, err);

	if (r != TARN_OK)
		return r;
	switch (run->options.mode) {
	case MODE_CREATE:
	case MODE_APPEND:
		r = write_archive(run, err);
		break;
	case MODE_UPDATE:
		return err_set(err, TARN_EUSAGE, 0, "-u is not supported yet; use -r");
	default:
		r = read_archive(run, err);
		break;
	}
	if (r != TARN_OK)
		err_wrap(err, "%s", run->options.archive);
	return r;
}

/* Standard output may be buffered until now: whether all of it arrived is part of the result. */
static void flush_stdout(struct run *run) {
	if (fflush(stdout) != 0 || ferror(stdout))
		report_failure(
		    run->report, NULL, "standard output: Cannot write: %s", strerror(errno));
}

int main(int argc, char **argv) {
	struct run run = { 0 };
	struct error err;
	const char *slash = strrchr(argv[0], '/');
	int r, status = 2;

	/* Names are bytes; libarchive converts between its own charsets, and must not stumble. */
	run.utf8 = quote_environment_is_utf8();
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		setlocale(LC_CTYPE, "");
	run.report = report_new(slash != NULL ? slash + 1 : argv[0], run.utf8);
	if (run.report == NULL)
		return status;
	r = options_parse(&run.options, argc, argv, &err);
	if (r == TARN_OK && run.options.mode == MODE_HELP) {
		options_help(run.options.program, stdout);
	} else if (r == TARN_OK && run.options.mode == MODE_VERSION) {
		printf("%s (%s) %s\n", "tarn", PACKAGE_NAME, PACKAGE_VERSION);
	} else {
		if (r == TARN_OK)
			r = run_mode(&run, &err);
		if (r != TARN_OK)
			report_error(run.report, NULL, &err);
	}
	flush_stdout(&run);
	status = report_finish(run.report);
	listing_free(run.verbose);
	select_free(run.select);
	owners_free(run.owners);
	options_fini(&run.options);
	report_free(run.report);
	return status;
}
