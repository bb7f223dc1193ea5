#include "config.h"

#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "json_line.h"
#include "quote.h"

/*
 * Every line goes through say(), which erases the progress line and flushes standard output first,
 * so that listing and diagnostics come in the order in which they arose, and hands a line to the
 * system as a whole.
 *
 * What threads say while members are put by several, or read ahead, is diverted before it gets
 * there: their order changes from run to run, so somebody keeps their lines until it is their turn
 * (ordered_lines.h, ahead.h) and then says them as a thread that is not diverted.  Only then they
 * count for the exit status.  Counts need no order, as a sum is said at the end, and are taken from
 * any thread.
 *
 * The progress line is the report's because the two share a terminal: what is said must find the
 * line empty, and the next progress comes below it.  No thread looks after it: whenever a member
 * or a block of content comes the time is looked at, by a clock that is a read of memory.
 */

/* What a line is called in the file, by enum report_severity. */
static const char *const severities[] = { "note", "warning", "failure" };

#define TEXT_NBYTES 4096          /* more than a struct error holds; a text that is longer is cut */
#define PROGRESS_DELAY 1000000000 /* nanoseconds before the first line */
#define PROGRESS_INTERVAL 200000000 /* nanoseconds between two lines */
#define PROGRESS_NAME_NBYTES 512    /* of the name, and of the line: a wider terminal sees it cut */
#define COUNT_NBYTES 32             /* of a number in print */

struct report {
	const char *program;         /* borrowed, printed as it is */
	pthread_mutex_t mutex;       /* guards everything below */
	FILE *file;                  /* of report_open_file; NULL: none */
	enum report_severity status; /* that of the program */
	bool is_fatal;               /* which closing line a failure has */
	/* One for each thread that diverts, which owns it: a list is short enough to search. */
	struct report_diversion *diversions;
	/* Two, as a result lives until the next call, and one line may have both. */
	struct quote name_quote, text_quote;
	struct tally {
		uint64_t n, nbytes; /* names, and bytes that they take in addition */
	} tallies[REPORT_NREASONS];
	struct progress {
		bool wanted;   /* set before threads start, so that it is read without the mutex */
		bool is_shown; /* the cursor stands behind it */
		_Atomic int64_t next;    /* when it may be shown, nanoseconds */
		_Atomic uint64_t nbytes; /* of content so far; both are counted without the mutex */
		uint64_t nmembers;       /* so far */
		char name[PROGRESS_NAME_NBYTES]; /* its beginning */
	} progress;
};

/*
 * What is said of each reason, behind the number, and its keyword in the file: programs read that,
 * so it stays when the words change.
 */
static const struct {
	const char *keyword, *one, *many;
} reasons[] = {
	[REPORT_COPIED_LINK_LIMIT] = { "copied-link-limit", "name became a copy (too many links)",
	    "names became copies (too many links)" },
	[REPORT_COPIED_OTHER_DEVICE] = { "copied-other-device",
	    "name became a copy (its first name is on another device)",
	    "names became copies (their first names are on another device)" },
	[REPORT_COPIED_REFUSED] = { "copied-links-refused",
	    "name became a copy (the file system refuses hard links)",
	    "names became copies (the file system refuses hard links)" },
	[REPORT_COPIED_NO_REFLINK] = { "copied-no-reflink",
	    "name became a full copy (the file system refuses reflinks)",
	    "names became full copies (the file system refuses reflinks)" },
	[REPORT_LEFT_SET_ID] = { "left-set-id",
	    "file lost its set-user-id or set-group-id bit (-p restores it)",
	    "files lost their set-user-id or set-group-id bits (-p restores them)" },
	[REPORT_LEFT_SET_ID_OWNER] = { "left-set-id-owner",
	    "file lost its set-user-id or set-group-id bit (it has another owner)",
	    "files lost their set-user-id or set-group-id bits (they have other owners)" },
	[REPORT_LEFT_DEVICE] = { "left-device", "device left out (-p restores it)",
	    "devices left out (-p restores them)" },
	[REPORT_LEFT_XATTR] = { "left-xattr",
	    "privileged extended attribute left out (-p restores it)",
	    "privileged extended attributes left out (-p restores them)" },
	[REPORT_NOT_HELD_OWNER] = { "lost-owner",
	    "file lost its owner (the file system has none, or not this one)",
	    "files lost their owners (the file system has none, or not these)" },
	[REPORT_NOT_HELD_MODE] = { "lost-mode", "file lost its mode (the file system has none)",
	    "files lost their modes (the file system has none)" },
	[REPORT_NOT_HELD_XATTR] = { "lost-xattr",
	    "extended attribute was lost (the file system has none)",
	    "extended attributes were lost (the file system has none)" },
	[REPORT_NOT_HELD_ACL] = { "lost-acl", "ACL was lost (the file system has none)",
	    "ACLs were lost (the file system has none)" },
	[REPORT_NOT_HELD_TIME] = { "lost-time",
	    "modification time was lost (the file system has none)",
	    "modification times were lost (the file system has none)" },
	[REPORT_LOST_SYMLINK] = { "lost-symlink",
	    "symbolic link is missing (the file system has none)",
	    "symbolic links are missing (the file system has none)" },
	[REPORT_LOST_SPECIAL] = { "lost-special",
	    "fifo or device is missing (the file system has none)",
	    "fifos and devices are missing (the file system has none)" },
	[REPORT_LOST_NAME] = { "lost-name", "name is missing (the file system forbids it)",
	    "names are missing (the file system forbids them)" },
	[REPORT_LOST_FOLDED] = { "lost-folded",
	    "name is missing (the file system does not tell it from that of another file)",
	    "names are missing (the file system does not tell them from those of other files)" },
};

struct report *report_new(const char *program, bool utf8) {
	struct report *report = malloc(sizeof(*report));

	if (report == NULL)
		return NULL;
	*report = (struct report){
		.program = program,
		.mutex = PTHREAD_MUTEX_INITIALIZER,
		.name_quote = { .style = QUOTE_ESCAPE, .utf8 = utf8 },
		.text_quote = { .style = QUOTE_TEXT, .utf8 = utf8 },
	};
	return report;
}

void report_free(struct report *report) {
	if (report == NULL)
		return;
	if (report->file != NULL)
		fclose(report->file);
	pthread_mutex_destroy(&report->mutex);
	quote_fini(&report->name_quote);
	quote_fini(&report->text_quote);
	free(report);
}

/* Format ${n} with a comma between thousands. */
static const char *format_count(uint64_t n, char to[COUNT_NBYTES]) {
	char digits[COUNT_NBYTES];
	int ndigits = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	char *end = to;

	for (int i = 0; i < ndigits; i++) {
		if (i > 0 && (ndigits - i) % 3 == 0)
			*end++ = ',';
		*end++ = digits[i];
	}
	*end = '\0';
	return to;
}

/* Format a number of bytes with three digits or so: "1 byte", "1.5 KiB", "12 MiB". */
static const char *format_nbytes(uint64_t nbytes, char to[COUNT_NBYTES]) {
	static const char units[] = "KMGTPE";
	unsigned int unit = 0;
	uint64_t tenths;

	if (nbytes < 1024) {
		snprintf(to, COUNT_NBYTES, "%u %s", (unsigned int)nbytes,
		    nbytes == 1 ? "byte" : "bytes");
		return to;
	}
	/* Until the next unit gives less than 1024.  E is enough: 64 bits hold less than 16 EiB. */
	for (; nbytes >= UINT64_C(1024) * 1024; unit++)
		nbytes /= 1024;
	tenths = nbytes * 10 / 1024;
	if (tenths < 100)
		snprintf(to, COUNT_NBYTES, "%u.%u %ciB", (unsigned int)tenths / 10,
		    (unsigned int)tenths % 10, units[unit]);
	else
		snprintf(to, COUNT_NBYTES, "%u %ciB", (unsigned int)tenths / 10, units[unit]);
	return to;
}

static void erase_progress(struct report *report) {
	if (report->progress.is_shown)
		fputs("\r\033[K", stderr);
	report->progress.is_shown = false;
}

/*
 * Print "program: name: text".  The mutex is held.  Whether it arrives is not asked: there is no
 * other place to complain.
 */
static void say(struct report *report, const char *name, const char *text) {
	fflush(stdout);
	erase_progress(report);
	/* Standard error has no buffer: one call is one write, and the line stays whole. */
	fprintf(stderr, "%s: %s%s%s\n", report->program,
	    name != NULL ? quote_name(&report->name_quote, name) : "", name != NULL ? ": " : "",
	    quote_name(&report->text_quote, text));
}

/* The worst that was said is the exit status.  The mutex is held. */
static void raise_status(struct report *report, enum report_severity severity) {
	if (report->status < severity)
		report->status = severity;
}

int report_open_file(struct report *report, const char *path, struct error *err) {
	report->file = fopen(path, "we");
	return report->file != NULL ? TARN_OK :
	                              err_set(err, TARN_ESYSTEM, errno, "%s: Cannot open", path);
}

/* Where the lines of this thread go instead; NULL: nowhere.  The mutex is held. */
static const struct report_diversion *diverted(const struct report *report) {
	const struct report_diversion *d = report->diversions;

	while (d != NULL && !pthread_equal(d->thread, pthread_self()))
		d = d->next;
	return d;
}

void report_divert(struct report *report, struct report_diversion *diversion) {
	pthread_mutex_lock(&report->mutex);
	diversion->thread = pthread_self();
	diversion->next = report->diversions;
	report->diversions = diversion;
	pthread_mutex_unlock(&report->mutex);
}

void report_divert_no_more(struct report *report, struct report_diversion *diversion) {
	struct report_diversion **at = &report->diversions;

	/* Others may have come since, so it need not be the first. */
	pthread_mutex_lock(&report->mutex);
	while (*at != NULL && *at != diversion)
		at = &(*at)->next;
	if (*at != NULL)
		*at = diversion->next;
	pthread_mutex_unlock(&report->mutex);
}

void report_line(
    struct report *report, enum report_severity severity, const char *name, const char *text) {
	const struct report_diversion *diversion;

	if (report == NULL)
		return;
	pthread_mutex_lock(&report->mutex);
	diversion = diverted(report);
	if (diversion == NULL) {
		raise_status(report, severity);
		say(report, name, text);
		if (report->file != NULL) {
			json_begin(report->file, severities[severity]);
			json_string(report->file, "name", name);
			json_string(report->file, "text", text);
			json_end(report->file);
		}
	}
	pthread_mutex_unlock(&report->mutex);
	/*
	 * Without the mutex: it may report itself, or end the diversion.  Nobody else ends that of
	 * this thread, so it is still there.
	 */
	if (diversion != NULL)
		diversion->to(diversion->context, severity, name, text);
}

/* The same with a formatted text. */
__attribute__((format(printf, 4, 0))) static void report_format(struct report *report,
    enum report_severity severity, const char *name, const char *format, va_list args) {
	char text[TEXT_NBYTES];

	vsnprintf(text, sizeof(text), format, args);
	report_line(report, severity, name, text);
}

void report_note(struct report *report, const char *name, const char *format, ...) {
	va_list args;

	va_start(args, format);
	report_format(report, REPORT_NOTE, name, format, args);
	va_end(args);
}

void report_warning(struct report *report, const char *name, const char *format, ...) {
	va_list args;

	va_start(args, format);
	report_format(report, REPORT_WARNING, name, format, args);
	va_end(args);
}

void report_failure(struct report *report, const char *name, const char *format, ...) {
	va_list args;

	va_start(args, format);
	report_format(report, REPORT_FAILURE, name, format, args);
	va_end(args);
}

void report_error(struct report *report, const char *name, const struct error *err) {
	report_failure(report, name, "%s", err->msg);
}

/* The mark is not diverted: main alone calls this, when no other thread is left. */
void report_fatal(struct report *report, const struct error *err) {
	report_failure(report, NULL, "%s", err->msg);
	pthread_mutex_lock(&report->mutex);
	report->is_fatal = true;
	pthread_mutex_unlock(&report->mutex);
}

void report_once(struct report *report, bool *flag, const char *format, ...) {
	bool said;
	va_list args;

	/* The flag is its owner's, but the mutex is what makes one thread the first. */
	pthread_mutex_lock(&report->mutex);
	said = *flag;
	*flag = true;
	pthread_mutex_unlock(&report->mutex);
	if (said)
		return;
	va_start(args, format);
	report_format(report, REPORT_NOTE, NULL, format, args);
	va_end(args);
}

void report_count(
    struct report *report, enum report_reason reason, const char *name, uint64_t nbytes) {
	pthread_mutex_lock(&report->mutex);
	report->tallies[reason].n++;
	report->tallies[reason].nbytes += nbytes;
	/* From this one on they are whole files: report.h has them in this order. */
	if (reason >= REPORT_LOST_SYMLINK)
		raise_status(report, REPORT_FAILURE);
	if (report->file != NULL) {
		json_begin(report->file, reasons[reason].keyword);
		json_string(report->file, "name", name);
		json_number(report->file, "bytes", nbytes);
		json_end(report->file);
	}
	pthread_mutex_unlock(&report->mutex);
}

void report_differs(struct report *report) {
	pthread_mutex_lock(&report->mutex);
	raise_status(report, REPORT_WARNING);
	pthread_mutex_unlock(&report->mutex);
}

/* Nanoseconds of a clock that only goes forward, to a few milliseconds. */
static int64_t now(void) {
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void report_show_progress(struct report *report) {
	const char *terminal = getenv("TERM");

	/* A dumb terminal, an editor's for one, would show the escapes. */
	if (isatty(STDERR_FILENO) == 0 || terminal == NULL || strcmp(terminal, "dumb") == 0)
		return;
	pthread_mutex_lock(&report->mutex);
	report->progress.wanted = true;
	report->progress.next = now() + PROGRESS_DELAY;
	pthread_mutex_unlock(&report->mutex);
}

static size_t terminal_width(void) {
	struct winsize size;

	/* The size may be unset, as on a serial line. */
	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* Write the line over the one before.  The mutex is held. */
static void show_progress(struct report *report) {
	struct progress *p = &report->progress;
	char nmembers[COUNT_NBYTES], nbytes[COUNT_NBYTES];
	const char *name = quote_name(&report->name_quote, p->name);
	char line[PROGRESS_NAME_NBYTES];
	/* No character is wider than it has bytes.  Writing to the last column might wrap. */
	size_t room = terminal_width() - 1;
	size_t n;

	snprintf(line, sizeof(line), "%s: %s %s, %s, %s", report->program,
	    format_count(p->nmembers, nmembers), p->nmembers == 1 ? "member" : "members",
	    format_nbytes(p->nbytes, nbytes), name);
	n = quote_cut(line, room < sizeof(line) ? room : sizeof(line) - 1);
	fflush(stdout);
	fprintf(stderr, "\r%.*s\033[K", (int)n, line);
	p->is_shown = true;
}

void report_progress(struct report *report, const char *name, uint64_t nbytes) {
	struct progress *p;
	int64_t t;

	if (report == NULL || !report->progress.wanted)
		return;
	p = &report->progress;
	p->nbytes += nbytes;
	t = now();
	/*
	 * Content comes in many blocks, and from several threads, which are not to wait for each
	 * other.
	 */
	if (name == NULL && t < p->next)
		return;
	pthread_mutex_lock(&report->mutex);
	/* A copy, which later calls without a name show again. */
	if (name != NULL) {
		size_t n = strnlen(name, sizeof(p->name) - 1);

		memcpy(p->name, name, n);
		p->name[n] = '\0';
		p->nmembers++;
	}
	if (t >= p->next) {
		show_progress(report);
		p->next = t + PROGRESS_INTERVAL;
	}
	pthread_mutex_unlock(&report->mutex);
}

void report_erase_progress(struct report *report) {
	pthread_mutex_lock(&report->mutex);
	erase_progress(report);
	pthread_mutex_unlock(&report->mutex);
}

/* Say how often ${reason} was counted, and how many bytes that took. */
static void say_reason(struct report *report, enum report_reason reason) {
	const struct tally *tally = &report->tallies[reason];
	const char *what = tally->n == 1 ? reasons[reason].one : reasons[reason].many;
	char n[COUNT_NBYTES], nbytes[COUNT_NBYTES], text[TEXT_NBYTES];

	snprintf(text, sizeof(text), "%s %s", format_count(tally->n, n), what);
	if (tally->nbytes > 0)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), ", %s more",
		    format_nbytes(tally->nbytes, nbytes));
	say(report, NULL, text);
	if (report->file == NULL)
		return;
	json_begin(report->file, "total");
	json_string(report->file, "reason", reasons[reason].keyword);
	json_number(report->file, "names", tally->n);
	json_number(report->file, "bytes", tally->nbytes);
	json_end(report->file);
}

/*
 * The last line of the file, and whether all of it arrived: else the run has failed, which that
 * line could not say.  The mutex is held.
 */
static void finish_file(struct report *report) {
	json_begin(report->file, "exit");
	json_number(report->file, "status", (uint64_t)report->status);
	json_end(report->file);
	if (fflush(report->file) == 0 && ferror(report->file) == 0)
		return;
	raise_status(report, REPORT_FAILURE);
	say(report, NULL, "Cannot write the report");
}

int report_finish(struct report *report) {
	enum report_severity status;

	pthread_mutex_lock(&report->mutex);
	erase_progress(report);
	for (enum report_reason i = 0; i < REPORT_NREASONS; i++) {
		if (report->tallies[i].n > 0)
			say_reason(report, i);
	}
	/* Before the closing line, as it may fail. */
	if (report->file != NULL)
		finish_file(report);
	if (report->status == REPORT_FAILURE)
		say(report, NULL,
		    report->is_fatal ? "Error is not recoverable: exiting now" :
		                       "Exiting with failure status due to previous errors");
	status = report->status;
	pthread_mutex_unlock(&report->mutex);
	return (int)status;
}
