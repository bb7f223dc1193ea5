#include "config.h"

#include "run.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compare.h"
#include "content_sink.h"
#include "input.h"
#include "landlock.h"
#include "lanes.h"
#include "link_groups.h"
#include "tree_sink.h"
#include "waiting_links.h"

/*
 * -x, -t and -d.  An archive is read once from its beginning to its end, and what is selected goes
 * to the sink of its operand: with several -C there are several.  Extraction into a single one is
 * spread over lanes, once some files have shown that this may be.  Then, if need be, it is read
 * again for what waits for its content.  Last the sinks complete what they have left for the end.
 *
 * Where an archive breaks off, what was read before is completed all the same: directories get
 * their times, and names that wait their content, if it was read before.  Only behind a limit that
 * was reached (archive_limits.h), or when a sink has failed, the archive is not read again.
 */

/* More lanes than this do not make it faster: one thread reads, which is a fourth of the work. */
#define LANES_MAX 3
/* A few members are not worth them, unless they have content that takes as long as so many. */
#define NALONE 64
#define ALONE_NBYTES ((off_t)32 << 10)
/* Of the descriptors a process may have.  With fewer there are no lanes, which hold directories. */
#define LANES_NDESCRIPTORS 32

/* The sink that members wanted by an operand go to. */
struct outlet {
	const char *directory; /* of -C, borrowed; NULL: the working directory */
	struct sink *sink;
};

/*
 * All of it is the reading thread's, but for what put_on_lane uses: that does not change from when
 * the lanes are started until they have nothing to do.
 */
struct reading {
	struct run *run;
	struct input input;
	struct waiting_links *waiting;
	struct outlet *outlets; /* room for one each operand; those of one directory share one */
	size_t noutlets;        /* that are opened */
	size_t *outlet_of_operand;
	struct sink *groups;            /* --links: of all members; else NULL */
	struct lanes *lanes;            /* NULL: members are put here */
	struct sink *beside[LANES_MAX]; /* a sink for each lane */
	unsigned int nlanes;            /* that are to be, or are; 0: none */
	off_t nalone;                   /* members that came, or what takes as long */
	bool is_over;                   /* a sink has failed: nothing may be put any more */
	bool is_finishing;              /* what goes to lanes are directories that are there */
};

static struct sink *open_groups(struct run *run, struct error *err) {
	struct listing *listing = listing_new(&run->options, run->utf8, stdout);

	if (listing != NULL)
		return link_groups_new(run->select, run->options.noperands > 0, listing, err);
	err_nomem(err);
	return NULL;
}

/* The sink of this mode for what goes to ${directory} (NULL: the working directory). */
static struct sink *sink_for(struct run *run, const char *directory, struct error *err) {
	const struct options *o = &run->options;
	const char *below = directory != NULL ? directory : ".";
	struct listing *listing;

	if (o->mode == MODE_COMPARE)
		return compare_sink_new(o, below, run->owners, run->report, stdout, err);
	if (o->mode == MODE_EXTRACT && o->to_stdout)
		return content_sink_new(run->report, err);
	if (o->mode == MODE_EXTRACT)
		return tree_sink_new(o, below, run->owners, &run->options.limits, run->report, err);
	listing = listing_new(o, run->utf8, stdout);
	if (listing == NULL) {
		err_nomem(err);
		return NULL;
	}
	return listing_sink_new(listing, o->verbosity > 0, err);
}

/* *${outlet} is the number of that for ${directory}, which is opened if it is a new one. */
static int find_outlet(
    struct reading *reading, const char *directory, size_t *outlet, struct error *err) {
	struct outlet *o;
	size_t i = 0;

	while (i < reading->noutlets &&
	    !options_same_directory(reading->outlets[i].directory, directory))
		i++;
	*outlet = i;
	if (i < reading->noutlets)
		return TARN_OK;
	o = &reading->outlets[i];
	o->directory = directory;
	o->sink = sink_for(reading->run, directory, err);
	if (o->sink == NULL)
		return directory != NULL ? err_wrap(err, "%s", directory) : (int)err->code;
	reading->noutlets++;
	return TARN_OK;
}

/* Each operand has an outlet; without operands there is one. */
static int open_outlets(struct reading *reading, struct error *err) {
	const struct options *o = &reading->run->options;
	size_t n = o->noperands > 0 ? o->noperands : 1;
	int r = TARN_OK;

	reading->outlets = calloc(n, sizeof(*reading->outlets));
	reading->outlet_of_operand = calloc(n, sizeof(*reading->outlet_of_operand));
	if (reading->outlets == NULL || reading->outlet_of_operand == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < n && r == TARN_OK; i++)
		r = find_outlet(reading, o->noperands > 0 ? o->operands[i].directory : o->directory,
		    &reading->outlet_of_operand[i], err);
	return r;
}

/* Before the first member is looked at: nothing is written but to the destinations. */
static int confine(const struct reading *reading, struct error *err) {
	const struct options *o = &reading->run->options;
	int *directories;

	/*
	 * With -P what begins with a slash goes below the root, which all is.  With -p the archive
	 * is trusted, and the kernel need not walk up from each directory in which something is
	 * made.
	 */
	if (o->mode != MODE_EXTRACT || o->to_stdout || o->absolute_names ||
	    o->same_permissions == TRISTATE_YES)
		return TARN_OK;
	directories = calloc(reading->noutlets, sizeof(*directories));
	if (directories == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < reading->noutlets; i++)
		directories[i] = tree_sink_directory(reading->outlets[i].sink);
	/* The program is started again when the archive is read again. */
	landlock_confine(directories, reading->noutlets, o->compression == COMPRESSION_PROGRAM);
	free(directories);
	return TARN_OK;
}

/*
 * How many lanes there may be; 0: this thread does all.  With several destinations, as with -P, or
 * where symbolic links are followed, different names may be one place, and member_order only knows
 * names.
 */
static unsigned int count_lanes(const struct reading *reading) {
	const struct options *o = &reading->run->options;

	if (o->mode != MODE_EXTRACT || o->to_stdout || reading->noutlets != 1 ||
	    o->absolute_names || o->keep_directory_symlink || o->nthreads <= 1 ||
	    sysconf(_SC_OPEN_MAX) < LANES_NDESCRIPTORS)
		return 0;
	return o->nthreads < LANES_MAX ? o->nthreads : LANES_MAX;
}

/*
 * Put ${e}, the member with this ${number}, into ${sink}, or have it wait for its first name, to be
 * put into ${outlet} then.
 */
static int put_into(struct reading *reading, struct sink *sink, struct sink *outlet,
    const struct entry *e, size_t number, struct source *from, struct error *err) {
	int r;

	/* First this: ${e} may come to wait under its name itself. */
	waiting_links_drop(reading->waiting, e->name, outlet);
	r = sink->put(sink, e, from, err);
	return r == TARN_NO_FIRST ? waiting_links_add(reading->waiting, e, number, outlet, err) : r;
}

/*
 * Put ${e}, the member with this ${number}, on a lane; that of the reading thread is the last.  A
 * name that waits is put by that thread in the end, so it waits for the outlet, not for the lane's
 * sink.
 */
static int put_on_lane(void *context, unsigned int lane, const struct entry *e, size_t number,
    struct source *from, struct error *err) {
	struct reading *reading = context;
	struct sink *first = reading->outlets[0].sink;
	struct sink *sink = lane < reading->nlanes ? reading->beside[lane] : first;

	if (!reading->is_finishing)
		return put_into(reading, sink, first, e, number, from, err);
	tree_sink_finish_directory(sink, e, number);
	return TARN_OK;
}

/*
 * As many lanes as there are descriptors and memory for, if any.  To have none is no failure, and
 * not tried again; sinks without a lane are freed by end_lanes.
 */
static void start_lanes(struct reading *reading) {
	struct error err;
	unsigned int n;

	for (n = 0; n < reading->nlanes; n++) {
		reading->beside[n] =
		    tree_sink_new_beside(reading->outlets[0].sink, reading->nlanes + 1, &err);
		if (reading->beside[n] == NULL)
			break;
	}
	if (n > 0)
		reading->lanes = lanes_new(n, put_on_lane, reading, reading->run->report);
	reading->nlanes = reading->lanes != NULL ? n : 0;
}

/*
 * Put ${e}, the member with this ${number}, which the ${operand} wants; SIZE_MAX: there are none.
 */
static int put(struct reading *reading, const struct entry *e, size_t number, size_t operand,
    struct error *err) {
	size_t i = operand != SIZE_MAX ? reading->outlet_of_operand[operand] : 0;
	struct sink *sink = reading->outlets[i].sink;
	struct source *source = reading->input.source;
	int r;

	r = reading->run->options.mode == MODE_EXTRACT ?
	    archive_limits_extract(&reading->run->options.limits, e, err) :
	    TARN_OK;
	if (r != TARN_OK)
		return r;
	/* Asked for each member, as the sink cannot tell before something was made. */
	if (reading->lanes == NULL && reading->nlanes > 0) {
		if (reading->nalone <= NALONE)
			reading->nalone += 1 + e->size / ALONE_NBYTES;
		if (reading->nalone > NALONE && tree_sink_takes_threads(sink))
			start_lanes(reading);
	}
	r = reading->lanes != NULL ? lanes_put(reading->lanes, e, number, source, err) :
	                             put_into(reading, sink, sink, e, number, source, err);
	reading->is_over = r != TARN_OK;
	return r;
}

/* Move what is selected. */
static int pump(struct reading *reading, struct error *err) {
	struct run *run = reading->run;
	struct source *source = reading->input.source;
	struct entry *e, stored;
	const struct entry *shown;
	size_t operand, number = 0;
	bool wanted, more = true;
	int r = TARN_OK;

	while (more && (r = source->next(source, &e, err)) == TARN_OK) {
		/* Wanted or not, it has a number: waiting_links counts in the same way. */
		r = archive_limits_read(&run->options.limits, e, ++number, err);
		if (r != TARN_OK)
			return r;
		/* Before the selection: it is about names that are not wanted, too. */
		if (reading->groups != NULL) {
			r = reading->groups->put(reading->groups, e, source, err);
			if (r != TARN_OK)
				return r;
			if (run->options.mode == MODE_LIST)
				continue;
		}
		more = select_decide(run->select, e, &wanted, &operand);
		/* Who writes into a pipe shall not die of it. */
		more = more || reading->input.start < 0;
		if (!wanted)
			continue;
		/* Only now: with an index what is not wanted is never read. */
		if (run->options.mode != MODE_LIST) {
			r = source_fetch(source, &e, err);
			if (r == TARN_END)
				continue;
			if (r != TARN_OK)
				return r;
		}
		/* Renaming leaves the old strings as they are. */
		stored = *e;
		r = select_rename(run->select, e, err);
		if (r != TARN_OK)
			return r;
		shown = run->options.show_transformed ? e : &stored;
		/* Stripped away altogether. */
		if (*(run->options.mode == MODE_LIST ? shown : e)->name == '\0')
			continue;
		run_show(run, shown);
		r = put(reading, run->options.mode == MODE_LIST ? shown : e, number, operand, err);
		if (r != TARN_OK)
			return r;
	}
	return r == TARN_END ? TARN_OK : r;
}

/*
 * The lanes give directories their metadata, those that may have it in any order, and are no more.
 * All members are put by now, so lanes are idle and may be told what to do instead.  What they
 * cannot take, as after a failure, this thread does.
 */
static void end_lanes(struct reading *reading) {
	struct sink *sink;
	struct entry e;
	struct error err;
	size_t number;

	if (reading->lanes != NULL) {
		sink = reading->outlets[0].sink;
		reading->is_finishing = true;
		while (tree_sink_next_directory(sink, &e, &number, &err) == TARN_OK) {
			if (lanes_put_anyhow(reading->lanes, &e, number, &err) != TARN_OK)
				tree_sink_finish_directory(sink, &e, number);
		}
		lanes_wait(reading->lanes, &err);
		lanes_free(reading->lanes);
	}
	for (unsigned int i = 0; i < LANES_MAX && reading->beside[i] != NULL; i++)
		reading->beside[i]->free(reading->beside[i]);
}

/*
 * Complete what was put.  What goes wrong is said; it does not end the run, which is at its end.
 * Only that standard output takes no more is the caller's to say.
 */
static int finish(struct reading *reading, struct error *err) {
	struct error one;
	int r = TARN_OK;

	end_lanes(reading);
	if (reading->groups != NULL)
		reading->groups->finish(reading->groups, &one);
	for (size_t i = 0; i < reading->noutlets; i++) {
		struct sink *sink = reading->outlets[i].sink;
		int finished = sink->finish(sink, &one);

		if (finished == TARN_EOUTPUT) {
			*err = one;
			r = finished;
		} else if (finished != TARN_OK) {
			report_error(reading->run->report, NULL, &one);
		}
	}
	return r;
}

static void reading_fini(struct reading *reading) {
	for (size_t i = 0; i < reading->noutlets; i++)
		reading->outlets[i].sink->free(reading->outlets[i].sink);
	if (reading->groups != NULL)
		reading->groups->free(reading->groups);
	free(reading->outlets);
	free(reading->outlet_of_operand);
	waiting_links_free(reading->waiting);
	input_close(&reading->input);
}

/* An index tells what a listing shows, and leads to a few members faster than all others do. */
static enum input_way way_of(const struct options *o) {
	if (o->mode == MODE_LIST)
		return o->acls || o->xattrs ? INPUT_WHOLE : INPUT_BY_INDEX;
	return o->noperands > 0 || o->list_links ? INPUT_BY_INDEX : INPUT_WHOLE;
}

/*
 * The run ends with its first error: with ${r} and ${err}, unless that is TARN_OK, else with
 * ${later}.
 */
static int first_error(int r, struct error *err, int later, const struct error *later_err) {
	if (r != TARN_OK || later == TARN_OK)
		return r;
	*err = *later_err;
	return later;
}

int run_read(struct run *run, struct error *err) {
	const struct options *o = &run->options;
	struct reading reading = { .run = run };
	struct error later_err;
	off_t nbytes;
	int r, pumped, later;

	r = input_open(&reading.input, o->archive, way_of(o), o, run->report, err);
	if (r != TARN_OK) {
		err_wrap(err, "%s", o->archive);
		goto done;
	}
	r = open_outlets(&reading, err);
	if (r == TARN_OK)
		r = confine(&reading, err);
	if (r == TARN_OK && o->list_links && (reading.groups = open_groups(run, err)) == NULL)
		r = (int)err->code;
	reading.waiting = waiting_links_new(
	    run->select, NULL, o->mode == MODE_EXTRACT ? &run->options.limits : NULL, run->report);
	if (r == TARN_OK && reading.waiting == NULL)
		r = err_nomem(err);
	if (r != TARN_OK)
		goto done;
	reading.nlanes = count_lanes(&reading);
	r = pump(&reading, err);
	/*
	 * Before the archive is read again: what was lent can be read as long as this source lives.
	 */
	later = reading.lanes != NULL ? lanes_wait(reading.lanes, &later_err) : TARN_OK;
	reading.is_over = reading.is_over || later != TARN_OK || r == TARN_ELIMIT;
	pumped = r = first_error(r, err, later, &later_err);
	if (r != TARN_OK && r != TARN_EOUTPUT && strcmp(o->archive, "-") != 0)
		err_wrap(err, "%s", o->archive);
	/* Of the first reading: the second begins with a new source. */
	nbytes = input_nbytes(&reading.input);
	later = reading.is_over ? TARN_OK :
	                          waiting_links_put(reading.waiting, &reading.input, &later_err);
	r = first_error(r, err, later, &later_err);
	later = finish(&reading, &later_err);
	r = first_error(r, err, later, &later_err);
	if (pumped == TARN_OK)
		select_report_unmatched(run->select, run->report);
	if (r == TARN_OK && o->totals)
		run_say_totals(run, "read", nbytes);
done:
	reading_fini(&reading);
	return r;
}
