#ifndef TARN_TREE_SINK_H
#define TARN_TREE_SINK_H

#include <stdbool.h>

#include "options.h"
#include "owners.h"
#include "report.h"
#include "sink.h"

/*
 * A tree as a sink: restores entries below the directory ${destination} through contained.h; later
 * names through link_ladder.h.  All arguments are borrowed as long as the sink lives.
 */
struct sink *tree_sink_new(const struct options *o, const char *destination, struct owners *owners,
    struct archive_limits *limits, struct report *report, struct error *err);

/** The destination of a tree sink as an O_PATH descriptor, borrowed. */
int tree_sink_directory(const struct sink *sink);

/**
 * Another sink for the destination of ${sink}, for another thread; ${nsinks} there are to be in
 * all.  What it links to may be made by any of them.  It gets no directories but those that are to
 * be finished, and is freed before ${sink} is finished as a whole.
 */
struct sink *tree_sink_new_beside(const struct sink *sink, unsigned int nsinks, struct error *err);

/**
 * The next of the directories that wait for their metadata, as far as any order will do, when all
 * is put; *${e} is valid until the next call.  Returns TARN_OK, TARN_END or TARN_ENOMEM.
 */
int tree_sink_next_directory(struct sink *sink, struct entry *e, size_t *number, struct error *err);

/** Give such a directory its metadata, through any of the sinks; what goes wrong is said. */
void tree_sink_finish_directory(struct sink *sink, const struct entry *e, size_t number);

/**
 * May there be sinks beside this one?  Only when something was made, and where the file systems tell
 * all names from each other.
 */
bool tree_sink_takes_threads(const struct sink *sink);

#endif
