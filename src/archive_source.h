#ifndef TARN_ARCHIVE_SOURCE_H
#define TARN_ARCHIVE_SOURCE_H

#include <stdbool.h>
#include <sys/types.h>

#include "codec.h"
#include "report.h"
#include "source.h"

/* What ends a tar archive. */
enum archive_end {
	ARCHIVE_END_ZEROS, /* what is behind them is not looked at */
	ARCHIVE_END_INPUT  /* the end of what can be read: zeros are passed over */
};

/*
 * An archive as a source: any tar or cpio that libarchive reads, from the bytes of ${reader}
 * (borrowed).  Damage is said with the name of the member it was met at; what follows it is read
 * as far as that is possible.  Without ${report} it is not said: when an archive is read again.
 */
struct source *archive_source_new(struct codec_reader *reader, enum archive_end ends_at,
    struct report *report, struct error *err);

/** Bytes of the plain stream that were read so far. */
off_t archive_source_nbytes(const struct source *source);

/** False when the members that were read are those of a cpio archive. */
bool archive_source_is_tar(const struct source *source);

/**
 * Offset of the header that was read last, from where the reader stood at the beginning; after
 * TARN_END that of the end-of-archive blocks.
 */
off_t archive_source_at(const struct source *source);

#endif
