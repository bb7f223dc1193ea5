#include "config.h"

#include "run.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * Picks the mode, and joins a source to a sink.
 *
 *     mode                source                          sink
 *     -c, -r, -u, -A      tree_source, archive_source     archive_sink          run_write.c
 *     -x                  archive_source                  tree_sink             run_read.c
 *     -x -O               archive_source                  content_sink
 *     -t                  archive_source                  listing, link_groups
 *     -d                  archive_source                  compare
 *     --test              archive_source                                        run_test.c
 *
 * Between the two stands the selection (select).  Members come from, and go to, the bytes of a
 * codec, which reads and writes a descriptor that archive_file opens.
 *
 * A mode returns an error only for what ends the run.  What is wrong with a single member it says
 * to the report, which also knows the exit status.
 */

void run_show(struct run *run, const struct entry *e) {
	if (run->verbose != NULL)
		listing_print(run->verbose, e, run->options.verbosity > 1);
	report_progress(run->report, e->name, 0);
}

void run_say_totals(struct run *run, const char *what, off_t nbytes) {
	static const char units[] = " KMGTPE";
	struct timespec now;
	double seconds, amounts[2];
	int unit[2] = { 0, 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	seconds = (double)(now.tv_sec - run->begun.tv_sec) +
	    (double)(now.tv_nsec - run->begun.tv_nsec) / 1e9;
	amounts[0] = (double)nbytes;
	amounts[1] = seconds > 0 ? (double)nbytes / seconds : 0;
	report_erase_progress(run->report);
	/* In the form of GNU tar's line. */
	for (int i = 0; i < 2; i++) {
		for (; amounts[i] >= 1024; unit[i]++)
			amounts[i] /= 1024;
	}
	fprintf(stderr, "Total bytes %s: %jd (%.*f%.*siB, %.*f%.*siB/s)\n", what, (intmax_t)nbytes,
	    amounts[0] < 10 ? 1 : 0, amounts[0], unit[0] > 0, &units[unit[0]],
	    amounts[1] < 10 ? 1 : 0, amounts[1], unit[1] > 0, &units[unit[1]]);
}

/* A listing is all that is written: in large pieces, unless somebody watches. */
static void buffer_listing(void) {
	static char buffer[64 << 10]; /* as long as standard output is open */

	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
}

/* Where -v goes: out of the way of what else goes to standard output. */
static int open_verbose(struct run *run, struct error *err) {
	const struct options *o = &run->options;
	bool to_stderr = o->to_stdout || (!options_read_archive(o) && strcmp(o->archive, "-") == 0);

	if (o->mode == MODE_LIST) {
		buffer_listing();
		return TARN_OK;
	}
	if (o->verbosity == 0) {
		/* Differences and content may go to the same terminal. */
		if (o->mode != MODE_COMPARE && !to_stderr)
			report_show_progress(run->report);
		return TARN_OK;
	}
	/* Standard error has no buffer of its own: a line at a time, as diagnostics come. */
	if (to_stderr)
		setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
	run->verbose = listing_new(o, run->utf8, to_stderr ? stderr : stdout);
	return run->verbose != NULL ? TARN_OK : err_nomem(err);
}

static int run_mode(struct run *run, struct error *err) {
	int r = open_verbose(run, err);

	/* Before anything can be said or counted of a member. */
	if (r == TARN_OK && run->options.report_file != NULL)
		r = report_open_file(run->report, run->options.report_file, err);
	clock_gettime(CLOCK_MONOTONIC, &run->begun);
	if (r == TARN_OK && (run->owners = owners_new()) == NULL)
		r = err_nomem(err);
	if (r == TARN_OK)
		r = select_new(&run->select, &run->options, err);
	if (r != TARN_OK)
		return r;
	if (run->options.mode == MODE_TEST)
		return run_test(run, err);
	return options_read_archive(&run->options) ? run_read(run, err) : run_write(run, err);
}

/*
 * Standard output may be buffered until now: whether all of it arrived is part of the result.  Why
 * something did not arrive earlier is not known any more.
 */
static void flush_stdout(struct run *run) {
	int errnum = fflush(stdout) != 0 ? errno : 0;
	struct error err;

	if (errnum == 0 && !ferror(stdout))
		return;
	err_output(&err, errnum);
	report_error(run->report, NULL, &err);
}

/* As tar, without a line about failure: nothing was begun. */
static void say_usage(struct run *run, const struct error *err) {
	report_note(run->report, NULL, "%s", err->msg);
	fprintf(stderr, "Try '%s --help' or '%s --usage' for more information.\n",
	    run->options.program, run->options.program);
}

int run_command(int argc, char **argv, bool utf8) {
	struct run run = { .utf8 = utf8 };
	struct error err;
	int r, status = 2;

	/* Before the options are known: what is wrong with them is said through it. */
	run.report = report_new(basename(argv[0]), utf8);
	if (run.report == NULL) {
		fprintf(stderr, "%s: %s\n", argv[0], strerror(ENOMEM));
		return status;
	}
	r = options_parse(&run.options, argc, argv, &err);
	if (r == TARN_OK && run.options.mode == MODE_HELP) {
		options_help(run.options.program, stdout);
	} else if (r == TARN_OK && run.options.mode == MODE_VERSION) {
		printf("%s (%s) %s\n", "tarn", PACKAGE_NAME, PACKAGE_VERSION);
	} else {
		if (r == TARN_OK)
			r = run_mode(&run, &err);
		if (r == TARN_EUSAGE)
			say_usage(&run, &err);
		else if (r != TARN_OK)
			report_fatal(run.report, &err);
	}
	if (run.owners != NULL && owners_errnum(run.owners) != 0)
		report_failure(run.report, NULL, "Cannot look up all owners: %s",
		    strerror(owners_errnum(run.owners)));
	/*
	 * Before the report ends: this may be what makes the run a failure.  If not, it may have
	 * ended the run.
	 */
	if (r != TARN_EOUTPUT)
		flush_stdout(&run);
	status = report_finish(run.report);
	if (r == TARN_EUSAGE)
		status = 2;
	listing_free(run.verbose);
	select_free(run.select);
	owners_free(run.owners);
	options_fini(&run.options);
	report_free(run.report);
	return status;
}
