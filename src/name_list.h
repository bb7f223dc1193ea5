#ifndef TARN_NAME_LIST_H
#define TARN_NAME_LIST_H

#include <stddef.h>

#include "error.h"

/* A file of names (-T) or patterns (-X), read into memory. */
struct name_list {
	char *data; /* malloc'ed, of who has it read; a NUL follows the last byte */
	size_t nbytes;
	size_t next;   /* where the next name begins */
	size_t nlines; /* how many were handed out or passed over */
	char separator;
};

/**
 * Read all of ${file} ("-": standard input), whose names are separated by ${separator}.
 *
 * Returns TARN_OK; TARN_ESYSTEM, "file: Cannot open: …"; TARN_ENOMEM: the list is empty then.
 */
int name_list_read(struct name_list *list, const char *file, char separator, struct error *err);

/**
 * The next name, which may be changed and belongs to the list; empty ones are passed over.  NULL
 * behind the last.  As in GNU tar a NUL where none should be makes the rest a NUL-separated list.
 */
char *name_list_next(struct name_list *list);

#endif
