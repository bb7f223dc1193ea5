#ifndef TARN_ERROR_H
#define TARN_ERROR_H

/*
 * The error idiom: a function returns a code and fills in a struct error that its caller owns.
 * Setting and wrapping one allocates nothing, so that being out of memory can be said too.
 */

enum tarn_code {
	TARN_OK = 0,
	TARN_END,      /* no more: entries, data, lines; not an error, struct error untouched */
	TARN_NO_FIRST, /* a link member's first name is not there to link to; see sink.h */
	TARN_EXISTS,   /* something is there already, and it was not to be replaced */
	TARN_FOLDED,   /* the file system takes the name for that of another file, which stays */
	TARN_UNHELD,   /* the file system has no files of this type */
	TARN_NO_NAME,  /* the file system forbids the name */
	TARN_ENOMEM,   /* out of memory */
	TARN_ESYSTEM,  /* a system call failed; errnum says how */
	TARN_EFORMAT,  /* an archive, or a name in it, is malformed */
	TARN_EREFUSED, /* a rule of this program forbids it (`..' in a name, a link to nowhere) */
	TARN_EOUTPUT,  /* standard output takes no more: the run ends */
	TARN_ELIMIT,   /* a limit that the user has set is reached: the run ends */
	TARN_EUSAGE    /* the command line is wrong */
};

#define ERR_MSG_NBYTES 1024

struct error {
	enum tarn_code code;
	int errnum; /* errno of the failed call; 0 where no call failed */
	/* A clause without the member's name, "Cannot open: No such file". */
	char msg[ERR_MSG_NBYTES];
};

/**
 * Fill in ${err} with ${code}, ${errnum} and the formatted message; when ${errnum} is not 0,
 * ": " and its description are added.  A message that is too long is cut, in the middle of no
 * escape.  Returns ${code}, so that `return err_set(...)` reads well.
 */
int err_set(struct error *err, enum tarn_code code, int errnum, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/**
 * Put the formatted text and ": " before the message of ${err}; code and errnum stay.
 * Returns the code.
 */
int err_wrap(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Fill in ${err} as out of memory and return TARN_ENOMEM. */
int err_nomem(struct error *err);

/** Fill in ${err}: standard output takes no more, as ${errnum} says.  Returns TARN_EOUTPUT. */
int err_output(struct error *err, int errnum);

#endif
