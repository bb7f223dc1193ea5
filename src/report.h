#ifndef TARN_REPORT_H
#define TARN_REPORT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"

/*
 * What is said on standard error, and the exit status that follows from it.  Every line begins with
 * the name that the program was called by.  Modules that work on members get a report and say there
 * what went wrong; nothing else prints diagnostics.
 *
 * Member names and the text are escaped (quote.h) here, so both may hold strings from an archive as
 * they are.  In the text a backslash stays a backslash.
 *
 * All functions may be called by several threads at a time.
 */

/*
 * What was done otherwise than asked, or left out, piece by piece; said once at the end.  Only
 * where a whole file is lost (REPORT_LOST_…) the exit status becomes 2.
 */
enum report_reason {
	REPORT_COPIED_LINK_LIMIT,   /* later names that became copies: too many links */
	REPORT_COPIED_OTHER_DEVICE, /* … another device */
	REPORT_COPIED_REFUSED,      /* … the file system has no hard links, or forbids this one */
	REPORT_COPIED_NO_REFLINK,   /* … full copies: no blocks can be shared here */
	REPORT_LEFT_SET_ID,         /* files whose set-id bits were left out, no -p */
	REPORT_LEFT_SET_ID_OWNER,   /* … they have another owner */
	REPORT_LEFT_DEVICE,         /* devices left out, no -p */
	REPORT_LEFT_XATTR,          /* security.* and trusted.* attributes left out, no -p */
	REPORT_NOT_HELD_OWNER,      /* the file system has no owners; … modes, and so on */
	REPORT_NOT_HELD_MODE,
	REPORT_NOT_HELD_XATTR,
	REPORT_NOT_HELD_ACL,
	REPORT_NOT_HELD_TIME,
	REPORT_LOST_SYMLINK, /* the file system has no symbolic links: a failure */
	REPORT_LOST_SPECIAL, /* … no such fifos or devices */
	REPORT_LOST_NAME,    /* … no such names */
	REPORT_LOST_FOLDED,  /* names that it takes for those of other files */
	REPORT_NREASONS
};

struct report;

/**
 * A report that says lines as ${program} (borrowed).  ${utf8}: the user's terminal takes UTF-8.
 * NULL when out of memory.
 */
struct report *report_new(const char *program, bool utf8);
void report_free(struct report *report);

/**
 * Write all that is said and counted from now on to the file ${path} as well, a JSON object a line:
 * "event" is note, warning or failure, with "text" and perhaps "name"; or the keyword of a reason,
 * with "name" and "bytes"; at the end "total", with "reason", "names" and "bytes", and "exit", with
 * "status".  TARN_ESYSTEM when it cannot be opened.
 */
int report_open_file(struct report *report, const char *path, struct error *err);

/* What a line says about the exit status, which becomes at least this. */
enum report_severity {
	REPORT_NOTE = 0,
	REPORT_WARNING = 1, /* something changed, differs or was skipped */
	REPORT_FAILURE = 2  /* something is missing or failed */
};

/**
 * Say "program: name: text" (${name} may be NULL).  Here and in the next four: no ${report}, and
 * nothing is said.
 */
void report_line(
    struct report *report, enum report_severity severity, const char *name, const char *text);

/** The same with a formatted text. */
void report_note(struct report *report, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void report_warning(struct report *report, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void report_failure(struct report *report, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** The same with the text of ${err}. */
void report_error(struct report *report, const char *name, const struct error *err);

/** The same for what ends the whole run: the closing line is then another one. */
void report_fatal(struct report *report, const struct error *err);

/** Say ${format} once, however often it is asked for with this ${flag}; the status stays. */
void report_once(struct report *report, bool *flag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Count ${name}, and the ${nbytes} more that it takes, under ${reason}. */
void report_count(
    struct report *report, enum report_reason reason, const char *name, uint64_t nbytes);

/** Set the exit status to at least 1 without a word (differences that the listing printed). */
void report_differs(struct report *report);

/*
 * Where the lines of a thread go instead: to ${to}, which sees to it that they are said when it is
 * time, by another thread.
 */
struct report_diversion {
	void (*to)(
	    void *context, enum report_severity severity, const char *name, const char *text);
	void *context;
	pthread_t thread; /* set by report_divert, as is: */
	struct report_diversion *next;
};

/** From now on ${diversion} gets what the calling thread says, until report_divert_no_more. */
void report_divert(struct report *report, struct report_diversion *diversion);
/** To be called by the same thread; does nothing for one that is not in force. */
void report_divert_no_more(struct report *report, struct report_diversion *diversion);

/**
 * From now on show a progress line when work takes more than a second, if standard error is a
 * terminal.  Not to be called when names are listed on the same terminal.
 */
void report_show_progress(struct report *report);

/**
 * Work goes on: ${name} is the next member, NULL the same one as before, and ${nbytes} more of
 * content are done, by any thread.  Next to nothing without report_show_progress, else a few dozen
 * nanoseconds, and a line at most five times a second.
 */
void report_progress(struct report *report, const char *name, uint64_t nbytes);

/** Erase the progress line, for what is printed otherwise; more progress shows it again. */
void report_erase_progress(struct report *report);

/**
 * Erase the progress line, say one line for each reason that was counted, and, when the status is
 * 2, the closing line of tar: "Exiting with failure status due to previous errors", or "Error is
 * not recoverable: exiting now".
 * Returns the exit status: 0, 1 or 2.
 */
int report_finish(struct report *report);

#endif
