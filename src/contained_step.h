#ifndef TARN_CONTAINED_STEP_H
#define TARN_CONTAINED_STEP_H

#include "contained.h"
#include "held_directory.h"

/* What contained.c, which has the steps, and contained_fresh.c, which makes files, share. */

struct contained {
	struct held_directories directories;
	dev_t dev;              /* of the destination */
	bool is_local;          /* contained_keeps_local is true of it */
	bool crosses_mounts;    /* something was made on another device than the destination's */
	struct contained *like; /* that of another thread, beside which this was opened; or NULL */
	bool can_be_nameless;   /* a file without a name can be given one, by /proc */
	bool has_modes;         /* as far as is known, files have the modes they are made with */
};

/*
 * Work on ${name} in ${dir}; ${arg} is what contained_in_parent was given.  ${dir} is borrowed.  Is
 * called once more, with another ${dir}, when it fails with TARN_ESYSTEM and ENOENT or EMFILE.
 */
typedef int step_function(struct contained *contained, struct held_directory *dir, const char *name,
    void *arg, struct error *err);

/** Take ${step} on ${path}'s last component; that of the destination itself is `.'. */
int contained_in_parent(struct contained *c, const struct member_path *path, bool make_parents,
    step_function *step, void *arg, struct error *err);

/** Say that a parent could not be opened, with the errno of held_directories_get. */
int contained_parent_error(struct error *err);

/** openat() of what is there, that no signal interrupts. */
int contained_open_at(int dirfd, const char *name, int flags);

/**
 * Is it known of the file system ${dev} that closing a file says nothing that writing it did not?
 */
bool contained_keeps_local(const struct contained *c, dev_t dev);

/**
 * What is at ${name}, if anything, is to give way: TARN_FOLDED when it is called otherwise, and the
 * file system does not tell the two names apart; TARN_EXISTS when it is not to be replaced.  What
 * is unfinished need not be, and is removed then.
 */
int contained_ask_to_replace(struct contained *c, const struct held_directory *dir,
    const char *name, bool replace, const char *failure, struct error *err);

/**
 * Rename ${temporary} over ${name}; on a failure it is removed, and what was there stays but for an
 * empty directory.
 */
int contained_replace_by(struct contained *c, struct held_directory *dir, const char *temporary,
    const char *name, struct error *err);

#endif
