#ifndef TARN_ARCHIVE_FILE_H
#define TARN_ARCHIVE_FILE_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "doomed_name.h"
#include "error.h"

#define ARCHIVE_FILE_HELD_NBYTES 1024

/*
 * The file that an archive is written to: a temporary file beside its destination, renamed when it
 * is complete, so that a run that fails or is killed never replaces a good archive.  Pipes, devices
 * and standard output ("-") are written directly.  All zero is a legal, empty one.
 *
 * What is appended is written behind the old end, which stays until everything else is there: up to
 * that moment the file is the old archive, whole, with something behind its end.
 */
struct archive_file {
	int fd;          /* to write to */
	char *path;      /* destination, links resolved; NULL when written directly */
	char *temporary; /* NULL when written directly, and after commit */
	bool is_own_fd;
	bool syncs;     /* set before commit: what that says is true also after a power failure */
	struct stat st; /* of the file that is written, as opened: the walk leaves it out */
	bool has_old;   /* a file was at the destination: */
	struct stat old;
	bool appends; /* and is not committed: */
	off_t old_end_at;
	unsigned char *old_end; /* all that was in the file from there on */
	size_t old_end_nbytes;
	size_t nheld;                                 /* of it, as far as it stays until commit: */
	unsigned char held[ARCHIVE_FILE_HELD_NBYTES]; /* what replaces it */
	struct doomed_name doomed;                    /* of the temporary file */
};

/**
 * Open for writing.  A new file gets mode 0666 less the umask; one that replaces another gets that
 * one's mode, owner and group, as far as that is allowed; where it gets another group, that may
 * nothing.  SIGINT, SIGTERM, SIGHUP and SIGPIPE, unless they are ignored, remove the temporary file
 * before they end the run; for that there can be only one at a time.
 *
 * Returns TARN_OK; TARN_ESYSTEM, "Cannot open: …", also for a file that cannot be written though it
 * could be replaced, or the other way round; TARN_EREFUSED for a terminal; TARN_ENOMEM.
 */
int archive_file_create(struct archive_file *file, const char *name, struct error *err);
/**
 * Open ${name}, which is there, to be read, and to be written from where archive_file_append says.
 * Until commit or fini no other run can do that.  TARN_EREFUSED: another one has, or it is no
 * regular file.
 */
int archive_file_open_old(struct archive_file *file, const char *name, struct error *err);
/** Is ${fd} the same file?  A name may have led to another one when that was opened. */
bool archive_file_is(const struct archive_file *file, int fd);
/**
 * Let the file be written from ${at} on: what is there is kept in memory.  The first file->nheld
 * bytes are not to be written but put into file->held.  Without commit the file becomes what it
 * was.  TARN_OK; TARN_END, with nothing done, when there is more than is kept in memory; or an
 * error.
 */
int archive_file_append(struct archive_file *file, off_t at, struct error *err);
/**
 * Close and rename into place, or let what was appended be a part of the archive; errors of close
 * and rename are errors of the archive.
 */
int archive_file_commit(struct archive_file *file, struct error *err);
/** Close; what was not committed is removed.  Legal on all zero, and after commit. */
void archive_file_fini(struct archive_file *file);

/**
 * Open ${name} ("-": standard input, unless it is a terminal) for reading; *${fd} is the caller's
 * unless *${is_own_fd} is false.
 */
int archive_file_open(const char *name, int *fd, bool *is_own_fd, struct error *err);

#endif
