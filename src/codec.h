#ifndef TARN_CODEC_H
#define TARN_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "error.h"
#include "options.h"

/*
 * The byte streams below the members: compression on the way out, decompression, recognised by
 * content, on the way in.  Callers hand over and get plain tar bytes; pieces, threads and seeking
 * are this layer's affair.
 */

struct codec_settings {
	enum compression compression; /* COMPRESSION_NONE for plain */
	const char *program;          /* for COMPRESSION_PROGRAM: command with its arguments */
	unsigned int nthreads;        /* 0: as many as cores */
	uint64_t max_ratio;           /* for reading; see archive_limits.h.  Not for a program */
	bool has_level;               /* else the compression's default */
	int level;
	size_t piece_nbytes; /* zstd and xz: of a piece before compression; 0: by level */
	bool long_distance;  /* zstd: look for repetitions 128 MiB back, within pieces */
};

/** What ${compression} is called, by libarchive and in messages. */
const char *codec_name(enum compression compression);

/** The compression that the suffix of ${filename} stands for (.tar.zst, .tgz, …), else NONE. */
enum compression codec_of_suffix(const char *filename);

struct codec_reader;
struct codec_writer;

/**
 * Write to the descriptor ${fd} (borrowed).  Errors of ${fd} come out of write and finish; after
 * one, the writer can only be freed.
 */
int codec_writer_new(
    struct codec_writer **writer, const struct codec_settings *settings, int fd, struct error *err);
/**
 * Go on at the plain byte ${offset} of the archive that ${reader} reads.  ${fd} is a second
 * descriptor of that file, for reading and writing; its position is moved to what is replaced.  The
 * pieces before the one that has ${offset} stay as they are, and that one is written again up to
 * there; what is behind it is overwritten.  The compression is the archive's, the other ${settings}
 * hold for what is new.  ${reader} is left somewhere else.  Before anything is written,
 * codec_writer_hold_back is to be called.
 *
 * TARN_END where a kill could lose what is written again, or where that is too large for memory:
 * there codec_copy to another file has to do.  TARN_EREFUSED where the archive is not made of
 * pieces.  The file is untouched then, and until something is written.
 */
int codec_writer_continue(struct codec_writer **writer, const struct codec_settings *settings,
    struct codec_reader *reader, off_t offset, int fd, struct error *err);
/**
 * Let the first *${nbytes} (at least 8, but of a file that ends before) go to ${held} instead of
 * the descriptor, which skips them: as long as they are not in the file, it is the old archive,
 * with something behind its end.  After codec_writer_finish the caller writes them to where the
 * descriptor was, and then cuts the file where the descriptor is.
 *
 * In zstd, nothing behind the end is seen by any decompressor; *${nbytes} becomes 8.  TARN_ESYSTEM.
 */
int codec_writer_hold_back(
    struct codec_writer *writer, unsigned char *held, size_t *nbytes, struct error *err);
int codec_write(struct codec_writer *writer, const void *data, size_t nbytes, struct error *err);
/** The next byte begins a new piece; nothing where there are none. */
int codec_writer_end_piece(struct codec_writer *writer, struct error *err);
/**
 * When everything was written, and before finish: keep ${data} in the file, but where no
 * decompressor emits it.  TARN_EREFUSED where there is no such place, that is for all but zstd.
 */
int codec_writer_attach(
    struct codec_writer *writer, const void *data, size_t nbytes, struct error *err);
/**
 * Write what is still held back and the stream's end.  A program is waited for, and a status that
 * is not 0 is TARN_EFORMAT.  When no byte was written, the file may be left empty.
 */
int codec_writer_finish(struct codec_writer *writer, struct error *err);
/** Free; what was not finished is left without an end, and a program is ended. */
void codec_writer_free(struct codec_writer *writer);

/**
 * Read from the descriptor ${fd} (borrowed), which may be a pipe.  The compression is found from
 * the content, which never makes a program run; ${settings} only matters for COMPRESSION_PROGRAM,
 * which is run with -d.  One layer of compression is taken off, not what may lie below it.
 */
int codec_reader_new(
    struct codec_reader **reader, const struct codec_settings *settings, int fd, struct error *err);
/**
 * The next bytes: *${data} is borrowed until the next call.  TARN_END at the end; TARN_EFORMAT for
 * damage (a bad checksum, a stream that stops short) after what was good before it, TARN_ESYSTEM,
 * TARN_ELIMIT.
 * What was returned at the end, or for damage, is returned again.
 */
int codec_read(struct codec_reader *reader, const void **data, size_t *nbytes, struct error *err);
/**
 * Skip at most ${nbytes} where that is cheaper than reading; returns how many were skipped, 0 if
 * none.  The end of a plain file is never skipped over, so that reading meets it.
 */
off_t codec_skip(struct codec_reader *reader, off_t nbytes);
/**
 * Where do the ${nbytes} lie that begin ${nback} bytes before what codec_read gives next?  True: as
 * they are in the file *${fd}, borrowed as in codec_reader_new, from *${offset} on.  False, with
 * both undefined: they are compressed, in no regular file, not all there, or not in the page cache,
 * so that several who read them would make a disk seek.
 */
bool codec_find_place(
    struct codec_reader *reader, size_t nback, off_t nbytes, int *fd, off_t *offset);
/**
 * Go to the plain byte ${offset}, forwards or back, also after the end or an error.  Of compressed
 * files the piece that has it is decompressed up to there, and nothing else.  TARN_EREFUSED where
 * that cannot be: not a file, or compressed and not in pieces; reading goes on as before then.
 */
int codec_seek(struct codec_reader *reader, off_t offset, struct error *err);
/**
 * What was read at ${offset} is known to be what the archive has there: codec_seek went to the
 * right place.
 */
void codec_reader_confirm(struct codec_reader *reader, off_t offset);
/** Bytes of the whole plain stream; -1 where that cannot be known without decompressing. */
off_t codec_reader_size(struct codec_reader *reader);
/**
 * How many plain bytes have to be decompressed to come to ${offset}: that of its piece in front of
 * it, none in a plain file; -1 where codec_seek cannot go there.
 */
off_t codec_reader_detour(struct codec_reader *reader, off_t offset);
/** Bytes of the archive as it lies in its file, compressed or not; -1: in no regular file. */
off_t codec_reader_stored_nbytes(const struct codec_reader *reader);
/**
 * What codec_writer_attach wrote: *${data} is malloc'ed.  TARN_END when there is nothing.  Reading
 * goes on where it was.
 */
int codec_reader_attached(
    struct codec_reader *reader, void **data, size_t *nbytes, struct error *err);
/** True when who goes on in this archive has a place for what codec_writer_attach writes. */
bool codec_reader_has_place(struct codec_reader *reader);
/** What was found; COMPRESSION_NONE: the bytes of ${fd} are the tar stream itself. */
enum compression codec_reader_compression(const struct codec_reader *reader);
/**
 * Write the first ${nbytes} of what ${reader} reads, which is left somewhere else: pieces of the
 * writer's kind as they are, without decompressing them.  A reader that cannot seek must stand at
 * the beginning.
 */
int codec_copy(
    struct codec_writer *writer, struct codec_reader *reader, off_t nbytes, struct error *err);
/** Read to the end, so that the checksums there are verified. */
int codec_drain(struct codec_reader *reader, struct error *err);
void codec_reader_free(struct codec_reader *reader);

#endif
