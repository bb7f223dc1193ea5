#ifndef TARN_INODE_MAP_H
#define TARN_INODE_MAP_H

#include <stddef.h>

#include "entry.h"
#include "error.h"

/*
 * Which inode was already named, and how: (device, inode) -> first member name.  Beside the tree
 * source, and the only place that knows when two names are one file.
 *
 * The numbers alone are no identity: inodes are reused while a run goes on, and some file systems
 * invent numbers.  The guard is the birth time where there is one, else size and mtime (not ctime,
 * which changes with each name that is added).
 *
 * Names are kept as (directory, last component) so that directories are stored once.  An inode that
 * was seen as often as its link count says is forgotten, and its memory reused.
 */
struct inode_map;

/* A directory that the walk is in; the map keeps its name only while an inode needs it. */
struct inode_directory;

/* ${trust_count}: forget an inode when all its names were seen; false with -h. */
int inode_map_new(struct inode_map **map, bool trust_count, struct error *err);
void inode_map_free(struct inode_map *map);

/**
 * Enter the directory with the member name ${name} below ${parent} (NULL: none, ${name} is a whole
 * prefix such as "" or "./usr"; else its last component).  The result is held until it is given to
 * inode_map_leave; the parent must be held at least that long.
 */
int inode_map_enter(struct inode_map *map, struct inode_directory *parent, const char *name,
    struct inode_directory **directory, struct error *err);
void inode_map_leave(struct inode_map *map, struct inode_directory *directory);

enum inode_seen {
	INODE_NEW,     /* not seen before: remembered under this name */
	INODE_LATER,   /* a later name of what was stored as *first */
	INODE_MISMATCH /* the number was seen, but of another file: store in full; remembered anew */
};

/**
 * Look up the inode of ${e}, whose name is ${component} in ${directory}; if it is new, or not the
 * one that had this number, remember it under this name.  Only for what is not a directory and has
 * a link count above one (any, with dereferencing).
 *
 * On INODE_LATER *${first} is the member name it was stored under; it belongs to ${map} and lives
 * until the next call.  The names are composed as directory prefix, "/" unless the prefix is empty
 * or ends in one, component.
 *
 * Returns TARN_OK, or TARN_ENOMEM with ${map} unchanged.  Expected O(1).
 */
int inode_map_add(struct inode_map *map, struct inode_directory *directory, const char *component,
    const struct entry *e, enum inode_seen *seen, const char **first, struct error *err);

/**
 * Forget what inode_map_add last remembered as new for ${e}: it could not be stored, the next name
 * must be the first.
 */
void inode_map_forget(struct inode_map *map, const struct entry *e);

/* Figures for --totals, tests and bench. */
struct inode_map_stats {
	size_t ninodes; /* remembered now */
	size_t ninodes_peak;
	size_t nbytes; /* allocated now, all told */
};
void inode_map_get_stats(const struct inode_map *map, struct inode_map_stats *stats);

#endif
