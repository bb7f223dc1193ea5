#ifndef TARN_OUTPUT_H
#define TARN_OUTPUT_H

#include <stdbool.h>
#include <sys/types.h>

#include "archive_file.h"
#include "codec.h"
#include "earlier_inodes.h"
#include "error.h"
#include "member_index.h"
#include "options.h"
#include "report.h"
#include "sink.h"
#include "update.h"

/*
 * An archive that is written: file, codec, sink and maybe an index, opened and closed as one.  A
 * new one is written beside its destination and gets its name when it is whole.  One that is added
 * to (-r, -u) is written in place from its end-of-archive blocks on, these last; a run that fails
 * puts back what was there.
 */
struct output {
	struct archive_file file;
	struct codec_writer *writer;
	struct sink *sink;
	struct index_writer index;
	bool has_index;
	off_t start; /* where it is gone on, in the plain stream */

	/* of an archive that is added to: */
	struct archive_file replaced; /* where a copy takes its place: open, as it is locked */
	struct update members;        /* -u */
	struct earlier_inodes earlier;
};

/**
 * Open the archive of ${o}.  Whatever is returned, it can be closed.  An index that it cannot have
 * is said when that is known.
 */
int output_open(
    struct output *output, const struct options *o, struct report *report, struct error *err);

/** All members were put: complete the archive. */
int output_finish(struct output *output, struct error *err);

/** What was not finished is undone. */
void output_close(struct output *output);

#endif
