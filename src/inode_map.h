#ifndef TARN_INODE_MAP_H
#define TARN_INODE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entry.h"
#include "error.h"
#include "report.h"

/*
 * Which inode was already named, and how: (device, inode) -> first member name.  Beside the tree
 * source, and the only place that knows when two names are one file.
 *
 * The numbers alone are no identity: inodes are reused while a run goes on, and some file systems
 * invent numbers.  The guard is the birth time where there is one, else size and mtime (not ctime,
 * which changes with each name that is added).
 *
 * Names are kept as (directory, last component), so that directories are stored once; they stay
 * until the end, as one may be reached again through a bind mount.  An inode of which as many names
 * were seen as its link count says is forgotten, and its memory reused; but one with an operand
 * among its names is kept, as that may be met again, in a directory or as another operand.
 */
struct inode_map;

/* A directory that was entered; 0: none, a name there is a whole member name. */
typedef uint32_t inode_directory;

/* ${trust_count}: forget an inode when all its names were seen; false with -h. */
int inode_map_new(struct inode_map **map, bool trust_count, struct error *err);
void inode_map_free(struct inode_map *map);

/**
 * Enter the directory ${e} as ${name} in ${parent}; without a parent ${name} is a whole prefix such
 * as "" or "./usr".  *${directory} is valid until the map is freed.  *${visited} is the directory
 * that was the same inode when it was entered before, else 0.  Returns TARN_OK, TARN_ENOMEM, or
 * TARN_EREFUSED for a name of more than PATH_MAX.
 */
int inode_map_enter(struct inode_map *map, inode_directory parent, const char *name,
    const struct entry *e, inode_directory *directory, inode_directory *visited, struct error *err);

/** The directory that is the inode ${identity} and was entered; 0: none was. */
inode_directory inode_map_find_directory(
    const struct inode_map *map, const struct identity *identity);

/**
 * The member name of ${component} in ${directory}: prefix, "/" unless the prefix is empty or ends
 * in one, component.  Belongs to ${map}, until the next call that returns a name.  NULL without
 * memory.
 */
const char *inode_map_name(struct inode_map *map, inode_directory directory, const char *component);

enum inode_seen {
	INODE_NEW,     /* not seen before: remembered under this name */
	INODE_LATER,   /* a later name of what was stored as *first */
	INODE_MISMATCH /* the number was seen, but of another file: store in full; remembered anew */
};

/**
 * Look up the inode of ${e}, whose name is ${component} in ${directory}; if it is new, or not the
 * one that had this number, remember it under this name.  Not for directories.
 *
 * On INODE_LATER *${first} is the member name it was stored under, as inode_map_name has it.
 *
 * Returns TARN_OK, TARN_ENOMEM, or TARN_EREFUSED as inode_map_enter: ${map} is unchanged then, but
 * that an operand may count as met.  Expected O(1).
 */
int inode_map_add(struct inode_map *map, inode_directory directory, const char *component,
    const struct entry *e, enum inode_seen *seen, const char **first, struct error *err);

/**
 * What inode_map_add told about ${e} just now is not to be had as its first name: from now on that
 * is ${component} in ${directory}.  How many names were met stays.  Returns as inode_map_add.
 */
int inode_map_replace(struct inode_map *map, inode_directory directory, const char *component,
    const struct entry *e, struct error *err);

/** Was inode_map_add called for the inode of ${e} under this very name, as a whole name? */
bool inode_map_has_operand(struct inode_map *map, const struct entry *e);

/**
 * Forget what inode_map_add last remembered as new for ${e}: it could not be stored, the next name
 * must be the first.  Or forget that the directory ${e} was entered: it is new where it is met
 * again.
 */
void inode_map_forget(struct inode_map *map, const struct entry *e);

/**
 * Say each inode that has names which were not seen (--check-links), in an order that is the same
 * in every run.  This comes last: the map cannot be asked any more, only freed.
 */
void inode_map_report_missing(struct inode_map *map, struct report *report);

/* Figures for tests. */
struct inode_map_stats {
	size_t ninodes; /* remembered now */
	size_t nbytes;  /* allocated now, all told */
};
void inode_map_get_stats(const struct inode_map *map, struct inode_map_stats *stats);

#endif
