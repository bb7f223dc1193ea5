#ifndef TARN_LINK_GROUPS_H
#define TARN_LINK_GROUPS_H

#include "error.h"
#include "listing.h"
#include "select.h"
#include "sink.h"

/**
 * The sink of --links: which names of an archive are one file.  Every member is to be put, selected
 * or not, under the name that the archive has for it; finish prints with ${listing}, whose output
 * must be standard output.
 *
 * Without operands each file that has several names is printed, in the order of the archive: number
 * of names, size and first name on one line, and the later names below.  With operands the other
 * names of the files that they name, a line each.  Names that are excluded are left out, and those
 * that a later member has taken are no longer of the file that they were of.
 *
 * ${select} is borrowed; ${listing} is the sink's from now on, also when this returns NULL, with
 * ${err}: out of memory.  Takes 46 to 91 bytes a name, and what the names of files with several
 * take.
 */
struct sink *link_groups_new(
    struct select *select, bool has_operands, struct listing *listing, struct error *err);

#endif
