#ifndef TARN_WAITING_LINKS_H
#define TARN_WAITING_LINKS_H

#include <stddef.h>

#include "entry.h"
#include "error.h"
#include "archive_limits.h"
#include "input.h"
#include "overrides.h"
#include "report.h"
#include "select.h"
#include "sink.h"

/*
 * Later names whose first name is not there to link to: it was not selected, excluded, stripped
 * away, or failed.  They wait until the archive was read to its end.  Then it is read once more,
 * and the first of them gets the content; the others are links to that.  Several threads may add
 * and drop names, in whatever order.
 */
struct waiting_links;

/**
 * Members are renamed by ${select}, changed by ${overrides} (may be NULL), counted by ${limits}
 * (may be NULL), and names that come to nothing said to ${report}; all are borrowed.  NULL when out
 * of memory.
 */
struct waiting_links *waiting_links_new(struct select *select, const struct overrides *overrides,
    struct archive_limits *limits, struct report *report);
void waiting_links_free(struct waiting_links *waiting);

/**
 * Let the later name ${e} wait to be put into ${sink} (borrowed).  It stands for the last member
 * called as its first name among those before ${number}, which counts all members of the archive.
 * What waited under the name of ${e} does so no more.
 */
int waiting_links_add(struct waiting_links *waiting, const struct entry *e, size_t number,
    struct sink *sink, struct error *err);

/** A later member was put as ${name} into ${sink}: what waited for that name does so no more. */
void waiting_links_drop(struct waiting_links *waiting, const char *name, const struct sink *sink);

/**
 * Go through ${input} again, if anything waits, as often as links to links need, and put it.
 * Returns TARN_OK, or an error after which nothing may be put any more.
 */
int waiting_links_put(struct waiting_links *waiting, struct input *input, struct error *err);

#endif
