#ifndef TARN_DIRECTORY_H
#define TARN_DIRECTORY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "error.h"
#include "options.h"

/*
 * The names in one directory, read whole and put in order.
 */
struct directory {
	char *bytes; /* the names, each with its NUL */
	size_t nbytes, bytes_capacity;
	struct directory_name {
		/* In 16 bytes: there may be millions. */
		uint64_t offset : 56; /* into bytes */
		uint64_t type : 8; /* DT_REG and so on; DT_UNKNOWN: the file system does not tell */
		ino_t ino;
	} * names;
	size_t n, names_capacity;
};

/**
 * Read all names but `.' and `..' from ${fd}, a directory opened for reading and at its beginning,
 * and sort them: by bytes, by inode number, or not at all.
 *
 * Returns TARN_OK, TARN_ENOMEM, or TARN_ESYSTEM with what was read until then in ${directory},
 * which can be given to directory_fini in every case.
 */
int directory_read(struct directory *directory, int fd, enum sort sort, struct error *err);

/** Forget all names but ${name}. */
void directory_keep(struct directory *directory, const char *name);

/** The ${i}th name, borrowed. */
const char *directory_name(const struct directory *directory, size_t i);

void directory_fini(struct directory *directory);

#endif
