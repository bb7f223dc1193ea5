#ifndef TARN_LINK_LADDER_H
#define TARN_LINK_LADDER_H

#include <stdbool.h>
#include <sys/stat.h>

#include "contained.h"
#include "error.h"
#include "report.h"

/*
 * How to give an inode one more name.  Beside the tree sink, and the only place that knows.
 *
 * link() first.  Where the system refuses it, a copy: by reflink, copy_file_range, or reading and
 * writing, with all the metadata of the first name.  The copy then leads: names that follow are
 * linked to it as long as they can be.  What became a copy is counted in the report.
 */
struct link_ladder;

/** A ladder that counts in ${report} (borrowed).  NULL when out of memory. */
struct link_ladder *link_ladder_new(struct report *report);
void link_ladder_free(struct link_ladder *ladder);

/**
 * Remember that this run made the inode ${st}: only such inodes are ever linked to.
 * Returns TARN_OK or TARN_ENOMEM.  16 bytes an inode at most, expected O(1).
 */
int link_ladder_restored(struct link_ladder *ladder, const struct stat *st, struct error *err);

/** Is what ${st} describes an inode that this run made? */
bool link_ladder_has_restored(const struct link_ladder *ladder, const struct stat *st);

/**
 * Remember that ${path} was left out on purpose (and that was counted), so that its later names are
 * left out as well rather than missed.
 */
int link_ladder_left_out(
    struct link_ladder *ladder, const struct member_path *path, struct error *err);

/**
 * Make ${path} one more name for the inode at ${first}, taking the place of what is there only when
 * ${replace}.  *${st} is the inode that ${path} then names.
 *
 * Returns TARN_OK; TARN_END when the first name was left out, and nothing was done; TARN_EXISTS;
 * TARN_EREFUSED when what lies at ${first} was not made by this run, or nothing is there;
 * TARN_ESYSTEM when a copy failed too; TARN_ENOMEM.
 */
int link_ladder_add(struct link_ladder *ladder, struct contained *contained,
    const struct member_path *first, const struct member_path *path, bool replace, struct stat *st,
    struct error *err);

#endif
