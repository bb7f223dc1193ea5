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
 * Another sink for the destination of ${sink}, for another thread; ${nsinks} there are to be in all.  What
 * it links to may be made by any of them.  It gets no directories, and has nothing to finish: it is freed before
 * ${sink} is finished.
 */
struct sink *tree_sink_new_beside(const struct sink *sink, unsigned int nsinks, struct error *err);

/**
 * May there be sinks beside this one?  Only when something was made, and where different names are
 * different places.
 */
bool tree_sink_takes_threads(const struct sink *sink);

#endif
