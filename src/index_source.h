#ifndef TARN_INDEX_SOURCE_H
#define TARN_INDEX_SOURCE_H

#include <stdbool.h>

#include "codec.h"
#include "member_index.h"
#include "report.h"
#include "source.h"

/*
 * An archive as a source by its index: next() reads nothing of the archive, and fetch() and read()
 * only what holds that one member.  What fetch() finds is checked against the index; where it is
 * something else, or the index ends too early, that is said, and the rest of the archive is read as
 * if it had none.
 *
 * ${index} and ${reader} are borrowed; ${report} as in archive_source.h.
 */
struct source *index_source_new(struct member_index *index, struct codec_reader *reader,
    struct report *report, struct error *err);

/** Does it read the archive, because the index is damaged or says something else? */
bool index_source_gave_up(const struct source *source);

/** Offset of the current member's header; after TARN_END of the end-of-archive blocks. */
off_t index_source_at(const struct source *source);

#endif
