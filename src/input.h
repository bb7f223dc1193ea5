#ifndef TARN_INPUT_H
#define TARN_INPUT_H

#include <stdbool.h>
#include <sys/types.h>

#include "codec.h"
#include "error.h"
#include "options.h"
#include "report.h"
#include "source.h"

/*
 * An archive that is read: descriptor, codec and source, opened and closed as one.  All zero is a
 * closed one.
 */
struct input {
	int fd;
	bool is_own_fd;
	off_t start; /* where the archive begins in the file; -1: no file, no going back */
	struct codec_settings settings;
	struct codec_reader *reader;
	struct source *source;
};

/** Open the archive ${name} ("-": standard input).  Whatever is returned, it can be closed. */
int input_open(struct input *input, const char *name, const struct options *o,
    struct report *report, struct error *err);

/**
 * Begin at the first member again, with a new source; damage that was said once is not said again.
 * TARN_EREFUSED when the archive comes from a pipe.
 */
int input_again(struct input *input, struct error *err);

void input_close(struct input *input);

#endif
