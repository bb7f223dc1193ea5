#ifndef TARN_MEMBER_INDEX_H
#define TARN_MEMBER_INDEX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bytes.h"
#include "codec.h"
#include "entry.h"
#include "error.h"
#include "index_chunk.h"
#include "report.h"
#include "tar_block.h"

/*
 * Where everything is in an archive: name, type, owner, mode, times, size, link target and offset
 * of every member, and the identity of every inode.  It is derived from the archive, stands behind
 * its end-of-archive blocks or, with zstd, beside the stream, and is bound to it by the place of
 * these blocks and a checksum of the last header.  It only finds: what a member is its own header
 * says.  tarn(5) has the format.
 */

/** What archives end in before an index begins is at least so long. */
#define INDEX_END_NBYTES 1024

/** Collects an index.  All zero is an empty one, of which nothing is said. */
struct index_writer {
	struct report *report; /* borrowed: is told of the first member that cannot be indexed, */
	enum report_severity refusal; /* which counts as this */
	struct index_chunk_writer chunk;
	struct bytes chunks, directory; /* those that are closed */
	uint64_t nmembers;
	off_t last; /* offset of the last member's header; its first block, or only the checksum: */
	bool has_last_block;
	unsigned char last_block[TAR_BLOCK_NBYTES];
	uint64_t last_checksum;
	bool is_refused; /* a member cannot be indexed: there is no index, and all above is empty */
};

/**
 * Add the member ${e} as it stands in the archive: its header begins at ${offset} with the ${block}
 * of 512 bytes (NULL: index_writer_bind will find the last one).  Returns TARN_OK, also where it
 * makes an index impossible, or TARN_ENOMEM.
 */
int index_writer_add(struct index_writer *w, const struct entry *e, off_t offset,
    const unsigned char *block, struct error *err);

struct member_index;

/** Begin with the members of ${index}, as it was read.  Before anything else is added. */
int index_writer_adopt(struct index_writer *w, const struct member_index *index, struct error *err);

/**
 * The last member is one that ${reader} reads, whose archive begins at ${base}.  A reader that
 * cannot seek must stand at the beginning; it stands anywhere afterwards.
 */
int index_writer_bind(
    struct index_writer *w, struct codec_reader *reader, off_t base, struct error *err);

/**
 * *${index} is that of all members, of an archive whose end-of-archive blocks begin at ${end}; the
 * bytes are the writer's.  Nothing more can be added.  Not to be called when is_refused.
 * TARN_OK or TARN_ENOMEM.
 */
int index_writer_finish(
    struct index_writer *w, off_t end, const struct bytes **index, struct error *err);
void index_writer_fini(struct index_writer *w);

/**
 * Find the index of the archive that ${reader} reads, and see whether it belongs to it.  The reader
 * stands anywhere afterwards.
 *
 * Returns TARN_OK; TARN_END: there is none, or this archive cannot be read out of order;
 * TARN_EFORMAT: it is damaged, of another archive, or the archive is damaged, as ${err} says;
 * TARN_ELIMIT: it cannot be seen without meeting a limit; TARN_ESYSTEM, TARN_ENOMEM.
 */
int member_index_load(struct member_index **index, struct codec_reader *reader, struct error *err);
void member_index_free(struct member_index *index);

/** Offset of the end-of-archive blocks. */
off_t member_index_end(const struct member_index *index);

/**
 * The next member: ${e}, borrowed until the next call, and the offset of its header.  The identity
 * of a first name has no link count.  TARN_END behind the last one, TARN_EFORMAT, TARN_ENOMEM.
 */
int member_index_next(
    struct member_index *index, struct entry *e, off_t *offset, struct error *err);
void member_index_rewind(struct member_index *index);

/** Is ${found}, as the archive has it, what the index has as ${indexed}? */
bool member_index_agrees(const struct entry *indexed, const struct entry *found);

#endif
