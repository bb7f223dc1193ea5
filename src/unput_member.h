#ifndef TARN_UNPUT_MEMBER_H
#define TARN_UNPUT_MEMBER_H

#include <stdbool.h>

#include "entry.h"
#include "error.h"
#include "options.h"
#include "report.h"

/**
 * Was it for the name that ${e} could not be made, if the file system is one that forbids names?
 * FAT and its likes do not have some characters, nor dots and spaces at the end of a component: any
 * of the name.
 */
bool unput_member_may_be_forbidden(const struct entry *e, const struct error *err);

/**
 * Say that ${e} could not be put below the destination, for the reason ${err}: as a failure, or as
 * one of those that are counted.  When something is there and was to stay (TARN_EXISTS), ${o} says
 * whether that is a failure, a note, or nothing.
 */
void unput_member_say(
    struct report *report, const struct options *o, const struct entry *e, const struct error *err);

#endif
