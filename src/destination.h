#ifndef TARN_DESTINATION_H
#define TARN_DESTINATION_H

#include "contained.h"
#include "error.h"
#include "member_path.h"
#include "options.h"

/*
 * Where members are put, or looked for to be compared: below the directory of -C and, with -P,
 * those with absolute names below "/".
 */
struct destination {
	const struct options *options; /* borrowed */
	struct contained *directory;
	struct contained *root; /* NULL until needed */
};

/** Open ${directory}; on a failure, too, ${destination} can be given to destination_fini. */
int destination_open(struct destination *destination, const struct options *o,
    const char *directory, struct error *err);
/** The same for ${like} and another thread, as contained_open_again. */
int destination_open_again(struct destination *destination, const struct destination *like,
    unsigned int nshares, struct error *err);
void destination_fini(struct destination *destination);

/**
 * Check ${name}, and set ${path} to its place in *${below}, which is borrowed.  With
 * --keep-directory-symlink that is where symbolic links to directories lead.  Fails as
 * member_path_set, contained_open and contained_follow_parents do.
 */
int destination_place(struct destination *destination, const char *name, struct member_path *path,
    struct contained **below, struct error *err);

/**
 * A name of which ${path} in ${below} is the place, also when the links that led there are others by
 * then: an allocation, NULL when out of memory.
 */
char *destination_name(const struct destination *destination, const struct contained *below,
    const struct member_path *path);

/**
 * Does a symbolic link at ${path} stand for the directory that is to be there?  TARN_OK, or
 * TARN_END: not without --keep-directory-symlink.  Fails as contained_leads_to_directory does.
 */
int destination_has_link_for(const struct destination *destination, struct contained *below,
    const struct member_path *path, struct error *err);

#endif
