#ifndef TARN_SCAN_AHEAD_H
#define TARN_SCAN_AHEAD_H

#include "scan.h"

/*
 * A scan that a thread of its own does ahead of who wants the names, some 500 of them at
 * a time.  They come as they would without, and what is said between them.
 */
struct scan_ahead;

/**
 * Scan ahead what ${scan} was begun with; it is borrowed, and until this is freed only for
 * scan_look().  NULL: there is no memory, or no thread.
 */
struct scan_ahead *scan_ahead_new(
    struct scan *scan, const struct options *o, struct report *report);
void scan_ahead_free(struct scan_ahead *ahead);

/** As scan_next(); but what is no directory may have been looked at already. */
int scan_ahead_next(struct scan_ahead *ahead, struct scanned **scanned, struct error *err);

#endif
