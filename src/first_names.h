#ifndef TARN_FIRST_NAMES_H
#define TARN_FIRST_NAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "entry.h"
#include "error.h"
#include "inode_map.h"
#include "key_set.h"
#include "options.h"
#include "report.h"

/*
 * Which name is the first of its file: what the inode map knows, and what follows from directories
 * that are met twice, through a bind mount or because they are named twice.  Embed it.
 */
struct first_names {
	bool hard_dereference, dereference;
	struct report *report;
	struct inode_map *map;
	bool has_single_names; /* the map knows files with one name, given as operands */
	struct timespec begun;
	uint64_t seed;
	struct key_set not_stored; /* names met that are no members */
};

/** For ${o}, with what is odd said to ${report}; both are borrowed.  The run begins now. */
int first_names_init(
    struct first_names *names, const struct options *o, struct report *report, struct error *err);
void first_names_fini(struct first_names *names);

/* A name that was met, no directory. */
struct met_name {
	const char *path;      /* for messages */
	const struct entry *e; /* as a first name */
	const struct statx *stx;
	bool is_operand;
	inode_directory directory; /* it is in; 0: its name stands for itself */
	const char *component;     /* its name there */
	inode_directory visited;   /* the same directory, as it was met before; 0: it was not */
};

/**
 * Find the first name of ${met}.  TARN_OK: *${first} is it, borrowed until the next call, or NULL
 * where that is ${met} itself, which is remembered.  TARN_END: this very member was stored already.
 */
int first_names_find(
    struct first_names *names, const struct met_name *met, const char **first, struct error *err);

/** Will names that follow be compared with ${e}, a first name?  Of others nothing is remembered. */
bool first_names_remember(const struct first_names *names, const struct entry *e);

/** The first name of ${met} is not to be had: from now on it is ${met}. */
int first_names_replace(struct first_names *names, const struct met_name *met, struct error *err);

/** ${name} was met and is no member, or what is there now may not be there another time. */
int first_names_not_stored(struct first_names *names, const char *name, struct error *err);

#endif
