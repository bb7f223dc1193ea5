#ifndef TARN_FILE_WRITER_H
#define TARN_FILE_WRITER_H

#include <stdbool.h>
#include <sys/stat.h>

#include "entry.h"
#include "error.h"
#include "report.h"
#include "source.h"

/*
 * Writing the content of a member, and comparing it in passing with a file that may be the same
 * one, of an earlier run: its twin.
 */
struct twin {
	int fd; /* -1: there is none, or its content differs */
	struct stat st;
};

/** Take over ${fd}, open for reading or, for what has no content, with O_PATH. */
void twin_init(struct twin *twin, int fd);
void twin_fini(struct twin *twin);

/**
 * Is it, after file_write for a regular file, what the file behind ${fd} is: in content or target,
 * type, mode, owners and mtime?
 */
bool twin_is_same(const struct twin *twin, int fd);

/**
 * Write the content that ${from} has for ${e} to ${fd}, a new file; what lies between its blocks
 * becomes a hole.  Compares with ${twin}, if there is one, and drops it at the first difference.
 * ${report} is told of the progress.
 *
 * Returns TARN_OK, what ${from} failed with, or TARN_ESYSTEM.
 */
int file_write(int fd, const struct entry *e, struct source *from, struct twin *twin,
    struct report *report, struct error *err);

#endif
