#ifndef TARN_ARCHIVE_SOURCE_H
#define TARN_ARCHIVE_SOURCE_H

#include <sys/types.h>

#include "codec.h"
#include "report.h"
#include "source.h"

/*
 * An archive as a source: any tar or cpio that libarchive reads, from the bytes of ${reader}
 * (borrowed).  Damage is said with the name of the member it was met at; what follows it is read
 * as far as that is possible.
 */
struct source *archive_source_new(
    struct codec_reader *reader, struct report *report, struct error *err);

/** After TARN_END: offset of the end-of-archive blocks in the plain stream. */
off_t archive_source_end(const struct source *source);

#endif
