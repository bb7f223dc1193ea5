#ifndef TARN_ARCHIVE_SINK_H
#define TARN_ARCHIVE_SINK_H

#include <sys/types.h>

#include "codec.h"
#include "member_index.h"
#include "options.h"
#include "report.h"
#include "sink.h"

/*
 * An archive as a sink: members in ${format} into ${writer} (borrowed), closed by end-of-archive
 * blocks up to a whole record of ${blocking_factor} blocks.  ${start} is the offset in the plain
 * stream at which it begins (not 0 when appending).  finish does not finish the writer.
 *
 * A member that ${format} cannot hold is said to ${report} and left out, and so is a link to
 * itself.  Where it cannot hold the link alone, TARN_NO_FIRST is returned; that is said, if the
 * member is from a tree.  A link member that is whole becomes a member of its own: whether its
 * content is that of its first name cannot be seen here.  Content that is missing becomes zeros, so
 * that the archive stays whole: without a word when the source ends early, as that has said why;
 * said here when reading fails.
 */
struct sink *archive_sink_new(struct codec_writer *writer, enum format format,
    unsigned int blocking_factor, off_t start, struct report *report, struct error *err);

/**
 * From now on, before the first member: know which members were put, so that no link member is
 * written whose first name is not in this archive.  Without it only those are known that were left
 * out here, which is enough when link members come from a tree.
 */
void archive_sink_check_links(struct sink *sink);

/** From now on, before the first member: add each to ${index} (borrowed). */
void archive_sink_index(struct sink *sink, struct index_writer *index);

/**
 * Put all members of the archive that ${reader} reads (codec_copy), which are its first ${nbytes}.
 * Nothing of them is looked at: it must be a tar archive, and the index is the caller's affair.
 */
int archive_sink_join(
    struct sink *sink, struct codec_reader *reader, off_t nbytes, struct error *err);

/** Bytes of the plain stream, ${start} included. */
off_t archive_sink_nbytes(const struct sink *sink);

/** After finish: offset of the end-of-archive blocks in the plain stream. */
off_t archive_sink_end(const struct sink *sink);

#endif
