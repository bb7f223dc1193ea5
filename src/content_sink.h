#ifndef TARN_CONTENT_SINK_H
#define TARN_CONTENT_SINK_H

#include "error.h"
#include "report.h"
#include "sink.h"

/**
 * The sink of -O: writes the content of regular files to standard output, holes as zeros.  The
 * content of a file is written once, for the first of its names that is put; that of a later name
 * which brings its own is written, too, as it may be another.  NULL with ${err} when out of memory.
 */
struct sink *content_sink_new(struct report *report, struct error *err);

#endif
