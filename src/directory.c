#include "config.h"

#include "directory.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

/*
 * Directories as walk reads them, for archives that do not depend on the order in which a file
 * system has its names.
 *
 * getdents64 rather than readdir: the descriptor stays the caller's, who needs it for the names,
 * and one buffer on the stack does for directories of any size.
 *
 * Names are one after the other in one allocation and are known by their offsets, which stay right
 * when that grows; a pointer each would not.  Sorting moves the records alone.
 */

#define BUFFER_NBYTES 65536 /* a call of getdents64() for some 2,000 names of usual length */
#define OFFSET_MAX ((UINT64_C(1) << 56) - 1) /* more than there is memory */

/* On failure ${d} is as before, but that it may have more room. */
static int append(struct directory *d, const struct dirent64 *entry, struct error *err) {
	size_t nbytes = strlen(entry->d_name) + 1;

	/*
	 * A name may have more than NAME_MAX bytes: on exFAT 255 letters of two or three bytes
	 * each.
	 */
	if (array_reserve((void **)&d->names, &d->names_capacity, d->n + 1, sizeof(d->names[0]),
	        err) != TARN_OK ||
	    array_reserve((void **)&d->bytes, &d->bytes_capacity, d->nbytes + nbytes, 1, err) !=
	        TARN_OK)
		return (int)err->code;
	d->names[d->n++] =
	    (struct directory_name){ d->nbytes & OFFSET_MAX, entry->d_type, entry->d_ino };
	memcpy(d->bytes + d->nbytes, entry->d_name, nbytes);
	d->nbytes += nbytes;
	return TARN_OK;
}

static int compare_names(const void *a, const void *b, void *bytes) {
	const struct directory_name *x = a, *y = b;

	return strcmp((char *)bytes + x->offset, (char *)bytes + y->offset);
}

/* By name where numbers are the same, so that the order never depends on the file system's. */
static int compare_inodes(const void *a, const void *b, void *bytes) {
	const struct directory_name *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return compare_names(a, b, bytes);
}

int directory_read(struct directory *directory, int fd, enum sort sort, struct error *err) {
	_Alignas(struct dirent64) char buf[BUFFER_NBYTES];
	const struct dirent64 *entry;
	ssize_t n;
	int errnum;

	while ((n = getdents64(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at < n; at += entry->d_reclen) {
			entry = (const struct dirent64 *)(const void *)(buf + at);
			if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
				continue;
			if (append(directory, entry, err) != TARN_OK)
				return (int)err->code;
		}
	}
	/* Sorting may take memory, and change it. */
	errnum = errno;
	if (sort != SORT_NONE && directory->n > 1)
		qsort_r(directory->names, directory->n, sizeof(*directory->names),
		    sort == SORT_INODE ? compare_inodes : compare_names, directory->bytes);
	if (n < 0)
		return err_set(err, TARN_ESYSTEM, errnum, "Cannot read directory");
	return TARN_OK;
}

void directory_keep(struct directory *directory, const char *name) {
	size_t n = 0;

	for (size_t i = 0; i < directory->n; i++) {
		if (strcmp(directory_name(directory, i), name) == 0)
			directory->names[n++] = directory->names[i];
	}
	directory->n = n;
}

const char *directory_name(const struct directory *directory, size_t i) {
	return directory->bytes + directory->names[i].offset;
}

void directory_fini(struct directory *directory) {
	free(directory->bytes);
	free(directory->names);
	*directory = (struct directory){ 0 };
}
