#ifndef TARN_SELECT_H
#define TARN_SELECT_H

#include <stdbool.h>
#include <stddef.h>

#include "entry.h"
#include "error.h"
#include "options.h"
#include "report.h"

/*
 * Which members take part, and under which names: --exclude, the names on the command line when
 * an archive is read, --strip-components, --transform.  Whatever scope an expression has, a later
 * name finds its first name where that went.
 */
struct select;

/**
 * A selection for ${o} (borrowed, as long as the selection lives).  For modes that read an archive
 * the operands are what is wanted: a name wants itself and, with recursion, everything below it;
 * behind --wildcards it is a pattern.  Without operands everything is wanted.
 */
int select_new(struct select **select, const struct options *o, struct error *err);
void select_free(struct select *select);

/**
 * True when --exclude or -X excludes ${name}.  ${name} is a member name without a slash at its end.
 * A name below an excluded directory is excluded too.  No allocation.
 */
bool select_excludes(const struct select *select, const char *name);

/**
 * True when --newer or --newer-mtime leaves out a file of ${type} whose content was last changed at
 * ${mtime}, and anything of it at *${ctime}; NULL: that is not known.
 */
bool select_leaves_out_as_old(const struct select *select, enum entry_type type,
    struct timespec mtime, const struct timespec *ctime);

/**
 * Decide about ${e}, which comes from an archive: *${wanted}.  *${operand} (may be NULL) is set to
 * the index of the operand that wanted it, SIZE_MAX without operands.  False: with --occurrence,
 * nothing that follows is wanted.
 */
bool select_decide(struct select *select, const struct entry *e, bool *wanted, size_t *operand);

/**
 * Give ${e} the names that --transform and, from an archive, --strip-components ask for: name,
 * first_name and the target of a symbolic link; stored_name and stored_first_name are what they
 * were.  A name that is stripped away altogether is empty.  Pointers then point into ${e}'s old
 * strings, or into ${select} until the next call.  Returns TARN_OK or TARN_ENOMEM.
 */
int select_rename(struct select *select, struct entry *e, struct error *err);

/** The same for what ${e} leads to alone: first_name, and the target of a symbolic link. */
int select_rename_links(struct select *select, struct entry *e, struct error *err);

/**
 * Say every operand that wanted nothing, "name: Not found in archive", or not often enough, as a
 * failure.
 */
void select_report_unmatched(const struct select *select, struct report *report);

#endif
