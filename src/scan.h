#ifndef TARN_SCAN_H
#define TARN_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "error.h"
#include "options.h"
#include "report.h"
#include "select.h"
#include "update.h"
#include "walk.h"

/*
 * The names of trees as they are met: one operand after the other, in the order of --sort below
 * each, and every directory looked at (statx).  What the directory that it is in tells to be none
 * is handed out without, for somebody else to look at: scan_look().  Nothing of it depends on what
 * becomes of a name, so that it may be done ahead (scan_ahead.h).  Opens directories, but no file
 * that is to be stored.
 */

/* A name that was met. */
struct scanned {
	struct walk *walk; /* is at it; borrowed, and moved by the next call alone */
	const struct operand *operand;
	size_t nbytes_dropped; /* of the path, to make it a member name */
	bool takes_part;       /* false: it is left out, and what follows counts for nothing */
	bool is_looked_at;     /* false: it is no directory, and nothing more is known of it */
	bool is_entered;       /* a directory: the names in it come next */
	bool is_partial;       /* and there may be more of them, which could not be read */
	bool is_old;           /* it was looked at a while ago, and may have changed */
	struct statx stx;
};

/** The member name, borrowed from the walk. */
const char *scanned_name(const struct scanned *scanned);

/**
 * Say that the name cannot be had, for ${errnum}, which ${what} met: between listing, looking and
 * reading, names may vanish.
 */
void scanned_report_lost(const struct scanned *scanned, const struct options *o,
    struct report *report, const char *what, int errnum);

struct scan;
#define SCAN_LEAVE_OUT_MAX 2

/**
 * Names that are no directories are left out if ${update} does not want them.  All arguments are
 * borrowed as long as the scan lives.  NULL when out of memory.
 */
struct scan *scan_new(const struct options *o, const struct select *select,
    const struct update *update, struct report *report);
void scan_free(struct scan *scan);

/** Scan ${operands} (borrowed until the scan says TARN_END) with the next calls of scan_next(). */
void scan_begin(struct scan *scan, const struct operand *operands, size_t noperands);

/**
 * Go to the next name: *${scanned} is borrowed until the next call; the caller may change it but
 * for walk and is_entered.  Trouble with one name is said.  Returns TARN_OK, TARN_END behind the
 * last name, or TARN_ENOMEM.
 */
int scan_next(struct scan *scan, struct scanned **scanned, struct error *err);

/**
 * Look at ${scanned}, once more if it was: that may be long ago.  Does it take part?  Trouble with
 * it is said.  May be called while another thread goes on with ${scan}.
 */
void scan_look(const struct scan *scan, struct scanned *scanned);

/**
 * Leave out the file ${st}: it is the archive, which is said with ${is_said}.  At most
 * SCAN_LEAVE_OUT_MAX, before scan_begin().
 */
void scan_leave_out(struct scan *scan, const struct stat *st, bool is_said);

#endif
