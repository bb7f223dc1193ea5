#ifndef TARN_CODEC_PROGRAM_H
#define TARN_CODEC_PROGRAM_H

#include <stddef.h>
#include <sys/types.h>

#include "error.h"

/*
 * A compression program between this process and the archive's descriptor: a child that has the
 * descriptor as its standard output (input), and a pipe to this process at its other end.
 */
struct program {
	pid_t pid; /* 0: not running */
	int fd;    /* our end of the pipe; -1 when closed */
};

enum program_direction {
	PROGRAM_COMPRESS,
	PROGRAM_DECOMPRESS /* -d is added to the command */
};

/** Let the shell run ${command} on ${fd} (borrowed). */
int program_start(struct program *program, const char *command, enum program_direction direction,
    int fd, struct error *err);

/** Write all of ${data} to it; a program that is gone is an error, not a signal. */
int program_write(struct program *program, const void *data, size_t nbytes, struct error *err);

/** Close the pipe and wait; an exit status that is not 0 is TARN_EFORMAT. */
int program_finish(struct program *program, struct error *err);

/** End it if it still runs.  Legal on all zero. */
void program_fini(struct program *program);

#endif
