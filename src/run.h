#ifndef TARN_RUN_H
#define TARN_RUN_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "entry.h"
#include "error.h"
#include "listing.h"
#include "options.h"
#include "owners.h"
#include "report.h"
#include "select.h"

/**
 * Do what the command line says, and say how it went: the program but for what belongs to the
 * process (main.c).  ${utf8}: the user's terminal takes UTF-8; LC_CTYPE is set to have it in any
 * case.  Returns the exit status.
 */
int run_command(int argc, char **argv, bool utf8);

/*
 * What all modes need, and the modes.  Internal to run*.c.
 */
struct run {
	struct options options;
	struct report *report;
	struct owners *owners;
	struct select *select;
	struct listing *verbose; /* where -v goes; NULL without it */
	bool utf8;               /* the user's terminal takes UTF-8 */
	struct timespec begun;
};

/** -c, -r, -u: members into an archive. */
int run_write(struct run *run, struct error *err);

/** --test: say where an archive is not whole. */
int run_test(struct run *run, struct error *err);

/** -x, -t, -d: members out of an archive.  What was read before it broke off is completed. */
int run_read(struct run *run, struct error *err);

/** Show that ${e} is being worked on: a line of -v, or progress. */
void run_show(struct run *run, const struct entry *e);

/** --totals: say that ${nbytes} were ${what}, "written" or "read". */
void run_say_totals(struct run *run, const char *what, off_t nbytes);

#endif
