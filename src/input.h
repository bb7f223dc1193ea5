#ifndef TARN_INPUT_H
#define TARN_INPUT_H

#include <stdbool.h>
#include <sys/types.h>

#include "archive_source.h"
#include "codec.h"
#include "error.h"
#include "member_index.h"
#include "options.h"
#include "report.h"
#include "source.h"

/*
 * An archive that is read: descriptor, codec, maybe an index, and source, opened and closed as one.
 * All zero is a closed one.
 */
struct input {
	int fd;
	bool is_own_fd;
	off_t start; /* where the archive begins in the file; -1: no file, no going back */
	enum archive_end ends_at;
	struct codec_settings settings;
	struct codec_reader *reader;
	struct member_index *index; /* NULL: none was asked for, or is of use */
	bool had_index;             /* there is one, though it may be of no use */
	bool by_index;              /* the source has its members from there */
	struct source *source;
};

enum input_way {
	INPUT_WHOLE,       /* all of the archive is read */
	INPUT_BY_INDEX,    /* only what is fetched, if it has an index that can be used */
	INPUT_BESIDE_INDEX /* all of it; the index is there to be looked at */
};

/**
 * Open the archive ${name} ("-": standard input).  That an index is damaged, or out of date, or
 * cannot be checked, is said to ${report}.  Whatever is returned, it can be closed.
 */
int input_open(struct input *input, const char *name, enum input_way way, const struct options *o,
    struct report *report, struct error *err);

/**
 * Begin at the first member again, with a new source; damage that was said once is not said again.
 * TARN_EREFUSED when the archive comes from a pipe.
 */
int input_again(struct input *input, struct error *err);

/** The same, and from now on the members come from the archive itself. */
int input_leave_index(struct input *input, struct error *err);

/** The same for the reader alone, without a source. */
int input_rewind(struct input *input, struct error *err);

/** After TARN_END: did the index have all members, to the last? */
bool input_had_all_by_index(const struct input *input);

/** Offset of the current member's header. */
off_t input_at(const struct input *input);

/**
 * After TARN_END: *${end} is the offset of the end-of-archive blocks, before which members can be
 * added.  TARN_EREFUSED: it is no tar archive.
 */
int input_end(const struct input *input, off_t *end, struct error *err);

/** Bytes of the plain stream that were read, or that the index stands for. */
off_t input_nbytes(const struct input *input);

void input_close(struct input *input);

#endif
