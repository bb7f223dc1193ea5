#ifndef TARN_FUZZ_WORLD_H
#define TARN_FUZZ_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A world for extraction: a tmpfs of this process alone, which is the root directory of whatever
 * runs in it.  So every way out of the destination, be it absolute or through `..', ends in it, and
 * can be seen.
 *
 * It is made for every target that runs something in it, before the first input.  That takes the
 * right to mount; without it the program ends with status 3.
 *
 *     /outside     files, names of one inode, a symbolic link, a fifo, attributes: what can be hurt
 *     /home/here   the destination, made anew for each input, with traps in it: symbolic links out
 *                  of it ("relative", "absolute"), another name of a file outside ("shared"), and a
 *                  file and a directory to be replaced
 */

/* A command line to be run in the destination. */
struct world_task {
	char **argv; /* ends with NULL */
	/* Standard input. */
	const uint8_t *data;
	size_t nbytes;
	uid_t
	    uid; /* who runs it, and whose the destination is; of an equal group, without others */
	bool writes_nothing; /* also in the destination nothing may change */
};

/**
 * Run ${task}, and abort when anything outside of the destination is not as it was: names, inodes,
 * types, modes, owners, numbers of names, sizes, times, extended attributes, content.  Returns the
 * exit status; -1 when this process cannot become that user.
 */
int world_run(const struct world_task *task);

#endif
