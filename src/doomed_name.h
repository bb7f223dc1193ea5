#ifndef TARN_DOOMED_NAME_H
#define TARN_DOOMED_NAME_H

#include <sys/types.h>

/*
 * A name that must not outlive the run, as that of a temporary file: SIGINT, SIGTERM, SIGHUP and
 * SIGPIPE, unless they are ignored, remove it before they end the run.
 *
 * A name may be doomed before anything has it, and after it was given up: then nothing is removed.
 *
 * Signals go to the first thread of the process.  They wait for what the others have doomed, so
 * that these make nothing behind the back of the handler; others block signals, and spare soon what
 * they doom.
 */
struct doomed_name {
	struct doomed_name *next;
	int dirfd;        /* AT_FDCWD, or what the name is relative to; borrowed */
	const char *name; /* borrowed; NULL: none */
	mode_t mode;      /* 0, or that of the file which alone is removed */
};

/** Doom ${name}, until doomed_name_spare; ${doomed} must stay where it is as long. */
void doomed_name_init(struct doomed_name *doomed, int dirfd, const char *name);
/**
 * The same for a name under which a regular file is to be made with ${mode}, not 0: anything else
 * that is found there stays.  Takes no system call in the first thread; a thread has one of these
 * at a time.
 */
void doomed_name_init_briefly(struct doomed_name *doomed, int dirfd, const char *name, mode_t mode);
/** Legal for one that is all zero, and twice. */
void doomed_name_spare(struct doomed_name *doomed);

/** Remove all that is doomed, as a signal does: the run is about to end in its midst. */
void doomed_names_remove(void);

#endif
