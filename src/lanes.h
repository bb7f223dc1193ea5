#ifndef TARN_LANES_H
#define TARN_LANES_H

#include <stddef.h>

#include "entry.h"
#include "error.h"
#include "report.h"
#include "source.h"

/*
 * Members of an archive put by several threads, each of them a lane on which one follows the other.
 * What comes out is what one thread would have made: see member_order.h; and so is what is said,
 * which may have to wait (ordered_lines.h).  Directories are put by the caller's own thread, and so
 * are large files unless their content is lent (source.h): then whoever puts it reads it.
 *
 * What is on its way takes less than 7 MiB a lane.
 */
struct lanes;

/**
 * Put ${e}, the member with this ${number}, on ${lane}; that of the caller's thread is ${nlanes}.
 */
typedef int lane_put(void *context, unsigned int lane, const struct entry *e, size_t number,
    struct source *from, struct error *err);

/**
 * What the caller's thread says to ${report} (borrowed) while members are on their way waits for
 * its turn, too.  NULL: there is no memory, or there are no threads to be had.
 */
struct lanes *lanes_new(unsigned int nlanes, lane_put *put, void *context, struct report *report);

/**
 * Put ${e}, or see to it that it is put.  Returns TARN_OK, or an error that ends the run: that of
 * ${e}, or of a member before, which may come to light some members later.
 */
int lanes_put(struct lanes *lanes, const struct entry *e, size_t number, struct source *from,
    struct error *err);

/**
 * Have ${e}, which has no content, put on any lane, before or behind any other.  On a failure,
 * which may be that of a member before, it is not put.  Otherwise as lanes_put.
 */
int lanes_put_anyhow(struct lanes *lanes, const struct entry *e, size_t number, struct error *err);

/** Wait until all members are put.  Returns as lanes_put. */
int lanes_wait(struct lanes *lanes, struct error *err);

/** Free them; members that were not waited for may be missing.  NULL is fine. */
void lanes_free(struct lanes *lanes);

#endif
