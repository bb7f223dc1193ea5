#ifndef TARN_SOURCE_AHEAD_H
#define TARN_SOURCE_AHEAD_H

#include "report.h"
#include "source.h"

/*
 * A source whose entries and content a thread of its own fetches ahead of who wants them, less than
 * 2 MiB of them at a time but for what is larger alone.  They come as they would without: bytes,
 * order, and what is said between them.
 *
 * What is handed out says nothing about how far the other source is, which therefore cannot be
 * asked about the entry that came last, nor told what became of it.
 */

/**
 * Read ${source}, which is borrowed and must not be used until this one said TARN_END or was freed;
 * what it says to ${report} is said when its turn comes.  NULL: there is no memory, or no thread.
 */
struct source *source_ahead_new(struct source *source, struct report *report);

#endif
