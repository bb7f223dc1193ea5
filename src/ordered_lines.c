#include "config.h"

#include "ordered_lines.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/*
 * The report hands a thread's lines to keep() instead of printing them (report_divert), which
 * appends them to the list of that thread with the turn it is at.  As a thread's turn never falls,
 * each list is in order, and saying the lines up to some turn is a merge of as many lists as there
 * are threads. The lanes' caller does that (lanes.c), as it alone knows up to which turn all is
 * complete.
 */

/* One allocation, of the list that it is in, and then of who takes it. */
struct kept_line {
	struct kept_line *next; /* of the same thread */
	uint64_t turn;
	enum report_severity severity;
	const char *name; /* NULL: none */
	char text[];      /* and the name behind it */
};

struct ordered_lines {
	struct report *report;
	atomic_size_t nkept;   /* in all lists; read without the mutex, as mostly nothing is said */
	pthread_mutex_t mutex; /* guards the lists */
	size_t nthreads;
	struct lines_of_thread of[];
};

/* What the report calls for each line of the thread; without memory it is said now, out of turn. */
static void keep(void *context, enum report_severity severity, const char *name, const char *text) {
	struct lines_of_thread *lines = context;
	struct ordered_lines *all = lines->all;
	size_t text_nbytes = strlen(text) + 1, name_nbytes = name != NULL ? strlen(name) + 1 : 0;
	struct kept_line *line = malloc(sizeof(*line) + text_nbytes + name_nbytes);

	if (line == NULL) {
		/* Else the report would hand it to this function again. */
		lines_keep_no_more(lines);
		report_line(all->report, severity, name, text);
		lines_keep(lines);
		return;
	}
	*line = (struct kept_line){ .turn = lines->turn, .severity = severity };
	memcpy(line->text, text, text_nbytes);
	if (name != NULL)
		line->name = memcpy(line->text + text_nbytes, name, name_nbytes);
	pthread_mutex_lock(&all->mutex);
	*lines->last = line;
	lines->last = &line->next;
	all->nkept++;
	pthread_mutex_unlock(&all->mutex);
}

struct ordered_lines *ordered_lines_new(size_t nthreads, struct report *report) {
	struct ordered_lines *lines = calloc(1, sizeof(*lines) + nthreads * sizeof(lines->of[0]));

	if (lines == NULL)
		return NULL;
	lines->report = report;
	lines->nthreads = nthreads;
	pthread_mutex_init(&lines->mutex, NULL);
	for (size_t i = 0; i < nthreads; i++) {
		lines->of[i].all = lines;
		lines->of[i].diversion =
		    (struct report_diversion){ .to = keep, .context = &lines->of[i] };
		lines->of[i].last = &lines->of[i].first;
	}
	return lines;
}

void ordered_lines_free(struct ordered_lines *lines) {
	if (lines == NULL)
		return;
	/* After an error some turns are never reached, but what was said is to be heard. */
	ordered_lines_say(lines, UINT64_MAX);
	pthread_mutex_destroy(&lines->mutex);
	free(lines);
}

struct lines_of_thread *ordered_lines_of(struct ordered_lines *lines, size_t i) {
	return &lines->of[i];
}

/* Both by the thread itself: a diversion is of the thread that asks for it (report.h). */
void lines_keep(struct lines_of_thread *lines) {
	if (!lines->are_kept)
		report_divert(lines->all->report, &lines->diversion);
	lines->are_kept = true;
}

void lines_keep_no_more(struct lines_of_thread *lines) {
	if (lines->are_kept)
		report_divert_no_more(lines->all->report, &lines->diversion);
	lines->are_kept = false;
}

/*
 * Take the next line that was said up to ${turn}, to be freed by the caller; NULL: there is none.
 */
static struct kept_line *take(struct ordered_lines *lines, uint64_t turn) {
	struct lines_of_thread *next = NULL;
	struct kept_line *line;

	pthread_mutex_lock(&lines->mutex);
	for (size_t i = 0; i < lines->nthreads; i++) {
		line = lines->of[i].first;
		/* Less, so that of one turn the earlier thread comes first. */
		if (line != NULL && line->turn <= turn &&
		    (next == NULL || line->turn < next->first->turn))
			next = &lines->of[i];
	}
	line = next != NULL ? next->first : NULL;
	if (line != NULL) {
		next->first = line->next;
		if (next->first == NULL)
			next->last = &next->first;
		lines->nkept--;
	}
	pthread_mutex_unlock(&lines->mutex);
	return line;
}

void ordered_lines_say(struct ordered_lines *lines, uint64_t turn) {
	struct kept_line *line;

	while (lines->nkept > 0 && (line = take(lines, turn)) != NULL) {
		report_line(lines->report, line->severity, line->name, line->text);
		free(line);
	}
}
