#ifndef TARN_DOOMED_NAME_H
#define TARN_DOOMED_NAME_H

/*
 * A name that must not outlive the run, as that of a temporary file: SIGINT, SIGTERM, SIGHUP and
 * SIGPIPE, unless they are ignored, remove it before they end the run.
 *
 * A name may be doomed before anything has it, and after it was given up: then nothing is removed.
 *
 * Signals go to the first thread of the process.  They wait for what the others have doomed, so that
 * these make nothing behind the back of the handler; others block signals, and spare soon what they
 * doom.
 */
struct doomed_name {
	struct doomed_name *next;
	int dirfd;        /* AT_FDCWD, or what the name is relative to; borrowed */
	const char *name; /* borrowed; NULL: none */
};

/** Doom ${name}, until doomed_name_spare; ${doomed} must stay where it is as long. */
void doomed_name_init(struct doomed_name *doomed, int dirfd, const char *name);
/** Legal for one that is all zero, and twice. */
void doomed_name_spare(struct doomed_name *doomed);

#endif
