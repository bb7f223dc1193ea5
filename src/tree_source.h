#ifndef TARN_TREE_SOURCE_H
#define TARN_TREE_SOURCE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "options.h"
#include "owners.h"
#include "report.h"
#include "select.h"
#include "source.h"
#include "update.h"

/*
 * A tree as a source: walks one operand after the other, in the order of --sort below each, and
 * yields every name once, later names of an inode with first_name.  What the selection excludes is
 * not walked; names that ${update}, which does not change any more, does not want are left out, but
 * for directories.  All arguments are borrowed as long as the source lives.
 */
struct source *tree_source_new(const struct options *o, const struct select *select,
    const struct update *update, struct owners *owners, struct report *report, struct error *err);

/**
 * Walk ${operands} (borrowed until the source says TARN_END), one after the other, with the next
 * calls of next().  Links between what is below different operands are found.
 */
void tree_source_begin(struct source *source, const struct operand *operands, size_t noperands);

/**
 * The entry that next() has returned is a later name, but its first name is not to be had: make it
 * a first name, with the name and metadata that the tree has.  Returns TARN_OK; TARN_END: it cannot
 * be stored, which was said; or an error.
 */
int tree_source_make_first(struct source *source, struct error *err);

/** Say which files have names that were not met (--check-links), behind everything else. */
void tree_source_check_links(struct source *source);

/**
 * Leave out the file ${st}: it is the archive, which is said with ${is_said}.  At most two, before
 * tree_source_begin().
 */
void tree_source_leave_out(struct source *source, const struct stat *st, bool is_said);

#endif
