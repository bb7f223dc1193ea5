#include "config.h"

#include "ordered_lines.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct kept_line {
	struct kept_line *next;
	uint64_t turn;
	enum report_severity severity;
	const char *name; /* NULL: none */
	char text[];      /* and the name behind it */
};

struct ordered_lines {
	struct report *report;
	atomic_size_t nkept;
	pthread_mutex_t mutex;
	size_t nthreads;
	struct lines_of_thread of[];
};

/* Keep a line; without memory it is said at once, out of turn. */
static void keep(void *context, enum report_severity severity, const char *name, const char *text) {
	struct lines_of_thread *lines = context;
	struct ordered_lines *all = lines->all;
	size_t text_nbytes = strlen(text) + 1, name_nbytes = name != NULL ? strlen(name) + 1 : 0;
	struct kept_line *line = malloc(sizeof(*line) + text_nbytes + name_nbytes);

	if (line == NULL) {
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
	ordered_lines_say(lines, UINT64_MAX);
	pthread_mutex_destroy(&lines->mutex);
	free(lines);
}

struct lines_of_thread *ordered_lines_of(struct ordered_lines *lines, size_t i) {
	return &lines->of[i];
}

void lines_keep(struct lines_of_thread *lines) {
	report_divert(lines->all->report, &lines->diversion);
}

void lines_keep_no_more(struct lines_of_thread *lines) {
	report_divert_no_more(lines->all->report, &lines->diversion);
}

/* Take the next line that was said up to ${turn}; NULL: there is none. */
static struct kept_line *take(struct ordered_lines *lines, uint64_t turn) {
	struct lines_of_thread *next = NULL;
	struct kept_line *line;

	pthread_mutex_lock(&lines->mutex);
	for (size_t i = 0; i < lines->nthreads; i++) {
		line = lines->of[i].first;
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
