#ifndef TARN_COMPARE_H
#define TARN_COMPARE_H

#include <stdio.h>

#include "options.h"
#include "owners.h"
#include "report.h"
#include "sink.h"

/**
 * A comparison as a sink: holds each entry against the file that has its name below ${directory},
 * and prints what differs to ${out} in GNU tar's words, "name: Mode differs".  A difference makes
 * the exit status at least 1, and so does a file that is missing; one that cannot be read makes it
 * 2.  Whether ${out} took every line is for its owner to check.
 *
 * What counts: for every type the type and, but for symbolic links, the mode; the text of symbolic
 * links; the numbers of devices; owner, group, mtime, size and content of regular files; with
 * --acls and --xattrs those.  A later name must be the inode of its first name, and have the
 * content that its own member carries, if any.
 *
 * Names lead where extraction would put them (destination.h): nothing outside of ${directory} is
 * opened, but for absolute names with -P.
 *
 * All arguments are borrowed as long as the sink lives.  NULL with ${err} when ${directory} cannot
 * be opened or memory is out.
 */
struct sink *compare_sink_new(const struct options *o, const char *directory, struct owners *owners,
    struct report *report, FILE *out, struct error *err);

#endif
