#ifndef TARN_CONTAINED_H
#define TARN_CONTAINED_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "doomed_name.h"
#include "error.h"
#include "member_path.h"
#include "temporary_name.h"

/*
 * Every path below the destination is opened, made and replaced here, and nowhere else.
 *
 * The promise: whatever a name says, and whatever another process does meanwhile, nothing outside
 * the destination is touched.  Names are checked once and used as what was checked (member_path.h).
 * Parents are opened from the directory held before, never through a symbolic link.
 *
 * A file is made under its own name when that is free, and shows by its mode that it is not
 * complete (contained_is_unfinished): a run that is killed may leave it so, and whoever finds it
 * makes it again.  One that is to be hidden has no name until it is complete, so that nothing of it
 * is left; where a file system has no such files, it has a temporary name.  Over what is there a
 * temporary name is renamed.
 *
 * One limit: directories are held open for some time.  One that another process moves elsewhere
 * meanwhile is still the one that is written to.  It was below the destination when it was opened,
 * and who may move it may as well move what is in it.
 *
 * What all functions on a path have in common: when a parent cannot be opened they return
 * TARN_ESYSTEM, "Cannot open parent directory: …"; for a symbolic link in the way TARN_EREFUSED;
 * and TARN_ENOMEM.  Parents that are missing are made, with 0777 less the umask, by what makes
 * something, and stay also when that fails.
 *
 * Where a file system does not tell ${path} from another name that is there, as FAT folds case,
 * that stays untouched, and whatever makes, replaces, removes or enters something returns
 * TARN_FOLDED.  No parents were made then.
 */
struct contained;

/**
 * Open the destination ${directory} (symbolic links in it are followed: the user typed it).
 * Landlock (landlock.h) and umask are the caller's.  Up to 17 descriptors are held open.
 */
int contained_open(struct contained **contained, const char *directory, struct error *err);
void contained_free(struct contained *contained);
/** The destination as an O_PATH descriptor, borrowed. */
int contained_directory(const struct contained *contained);

/**
 * Make durable what was made, by syncing the file system of the destination, and all others when
 * something was made on one of them.  TARN_ESYSTEM, "Cannot sync: …".
 */
int contained_sync(struct contained *contained, struct error *err);

/**
 * Another one for the destination of ${like}, for another thread; ${nshares} there are to be,
 * ${like} among them, which all together hold up to 18 descriptors open.  It is freed before
 * ${like}, by the thread of that, which then has to sync what was made here, too.
 */
int contained_open_again(
    struct contained **contained, struct contained *like, unsigned int nshares, struct error *err);

/**
 * Is something made here, and do this file system and all that are mounted below tell all names
 * from each other?  Those are asked once (exact_name.h).
 */
bool contained_tells_names(struct contained *contained);

/*
 * A file that is being made.  It is complete only with contained_commit; contained_discard removes
 * it.  Holds its directory open meanwhile, and must not outlive its struct contained.  All zero is
 * a legal, empty one, and so is what a failure leaves.
 */
struct fresh {
	struct contained *contained;      /* borrowed */
	struct held_directory *directory; /* internal; NULL: empty */
	int fd;         /* regular: open for reading and writing; others: O_PATH */
	struct stat st; /* as made; regular: no times but st_atim */
	char name[COMPONENT_NBYTES_MAX + 1]; /* the last component */
	bool is_nameless;                    /* until it is committed */
	bool replace;                        /* what has the name by then */
	struct doomed_name doomed; /* the temporary name, or its own while it is unfinished */
	char temporary[TEMPORARY_NAME_NBYTES]; /* "" when it was made under its own name, or none */
};

/* What a regular file may be found under until it is complete. */
enum early_name {
	EARLY_NAME_NONE,       /* nothing: it is hidden */
	EARLY_NAME_UNFINISHED, /* its own name, with the mode that contained_is_unfinished knows */
	EARLY_NAME_READY, /* its own name, with its mode: it stays when the run is broken off */
};

/* A regular file that is to be made. */
struct new_file {
	mode_t mode; /* less the umask; not of one that is unfinished */
	enum early_name early_name;
	bool replace; /* what is there */
};

/**
 * Make a new, empty regular file for ${path}, hidden where its early name is taken.  fresh->st has
 * the mode that it was made with; what is hidden may be written to by the user.  When something is
 * there: TARN_EXISTS unless it may be replaced or is unfinished, also from contained_commit.  Other
 * failures: TARN_ESYSTEM, "Cannot open: …"; TARN_EREFUSED for the destination itself.
 *
 * What is made as unfinished gets its mode from the caller, after all that must not be missing.
 */
int contained_create(struct contained *contained, const struct member_path *path,
    const struct new_file *file, struct fresh *fresh, struct error *err);

/** The same for a symbolic link with the text ${target}: "Cannot create symlink: …". */
int contained_symlink(struct contained *contained, const struct member_path *path,
    const char *target, bool replace, struct fresh *fresh, struct error *err);
/** The same for a fifo or device: ${mode} is S_IFIFO, S_IFCHR or S_IFBLK with 0600. */
int contained_mknod(struct contained *contained, const struct member_path *path, mode_t mode,
    dev_t rdev, bool replace, struct fresh *fresh, struct error *err);

/**
 * Remove the directory ${path} with all that is in it, without going into other file systems.
 * TARN_ESYSTEM, "Cannot remove: …": something of it is still there.
 */
int contained_remove_tree(
    struct contained *contained, const struct member_path *path, struct error *err);

/**
 * Give the file its name, taking that of what was there.  An empty directory gives way, too; for
 * one that is not empty TARN_ESYSTEM with EISDIR.  ${fresh} is empty then; on a failure the file is
 * gone and what was there has stayed, unless that was an empty directory, or the system said only
 * when the file was closed that it is not whole.  After TARN_ENOMEM the file may be there, whole.
 */
int contained_commit(struct fresh *fresh, struct error *err);
/** Close it and remove it; for what failed half way.  Does nothing to an empty one. */
void contained_discard(struct fresh *fresh);

/** Are ${a} and ${b} one inode? */
bool contained_is_same(const struct stat *a, const struct stat *b);

/**
 * Is ${st} that of a file which a run is making, or was when it was killed?  It is a regular file
 * with one name, no permissions, and the sticky bit, which means nothing for files.
 */
bool contained_is_unfinished(const struct stat *st);

/* An inode that is to get one more name. */
struct linking {
	const struct member_path *existing; /* where it lies */
	/* Is ${st} the right one? */
	bool (*is_wanted)(const struct linking *linking, const struct stat *st);
	const void *context; /* for is_wanted */
	bool replace;        /* what is at the new name */
	struct stat st;      /* what was linked */
};

/**
 * One more name, ${path}, for the inode of ${linking}: the link is made without following, then
 * looked at, and removed again when it is not wanted (TARN_EREFUSED).  That is for what another
 * process may have put there meanwhile: a caller who does not know what lies there looks before.
 *
 * Nothing is done when ${path} names that inode already.  When something else is there: TARN_EXISTS
 * unless ${linking}->replace, else it gives way as in contained_commit.  TARN_ESYSTEM, "Cannot
 * link: …", with link()'s errnum (EMLINK, EXDEV, EPERM, …) when the system refused.
 */
int contained_link(struct contained *contained, struct linking *linking,
    const struct member_path *path, struct error *err);

/* A directory that is to be there. */
struct wanted_directory {
	mode_t mode;  /* to be made with, less the umask */
	bool replace; /* what is at its place and no directory */
	/* What comes of it: */
	bool made;      /* false: there is one already */
	bool replaced;  /* something else was at its place, where the one before may have been */
	struct stat st; /* of what is there then */
};

/**
 * Make the directory ${path}, or find that it is there.  Something else at its place gives way when
 * it may be replaced, else TARN_EXISTS; a symbolic link counts as something else also when it leads
 * to a directory.  Other failures: TARN_ESYSTEM, "Cannot mkdir: …".
 */
int contained_mkdir(struct contained *contained, const struct member_path *path,
    struct wanted_directory *directory, struct error *err);

/**
 * fstatat without following; errnum ENOENT when it, or a parent, is not there.  Makes nothing.
 */
int contained_stat(struct contained *contained, const struct member_path *path, struct stat *st,
    struct error *err);

/**
 * Open what is there with ${flags} (O_RDONLY or O_PATH; nothing that creates or truncates), never
 * through a symbolic link, never blocking on a fifo.  *${fd} is owned by the caller.
 */
int contained_open_existing(struct contained *contained, const struct member_path *path, int flags,
    int *fd, struct error *err);

/** The text of the symbolic link ${path}; no system has longer ones. */
int contained_readlink(struct contained *contained, const struct member_path *path,
    char target[PATH_MAX], struct error *err);

/**
 * Is ${fd} on FAT, exFAT, or what FUSE mounts, NTFS among it?  These have no owners, modes and
 * special files of their own, or leave it to a program, and say EPERM for what they lack; and they
 * forbid names.  Anywhere else EPERM says that the user may not, also to root (a container, an
 * immutable directory).
 */
bool contained_is_foreign(int fd);
/** The same of what ${path} is in or, where that is missing, would be in. */
bool contained_lies_foreign(struct contained *contained, const struct member_path *path);

/**
 * Where symbolic links are in the way to ${path}, make it the path of the same thing without them,
 * if they lead to directories below the destination; its depth is that of the new path then.
 * TARN_EREFUSED when they do not.  What is in the way before the path is used is refused as ever.
 */
int contained_follow_parents(
    struct contained *contained, struct member_path *path, struct error *err);
/**
 * Is ${path} a symbolic link to a directory below the destination?  TARN_OK; TARN_END when it is
 * something else, nothing, or leads to nothing else; TARN_EREFUSED when it leads out.
 */
int contained_leads_to_directory(
    struct contained *contained, const struct member_path *path, struct error *err);

/** Hold no directory any more: from now on names lead to what lies there now. */
void contained_forget_held(struct contained *contained);

/**
 * The directory ${path} as an O_PATH descriptor, borrowed until the next call: it is held for what
 * lies in it.  ${path} has been gone into then (member_path_go_into).  Failures as in
 * contained_open_existing.
 */
int contained_borrow_directory(
    struct contained *contained, struct member_path *path, int *fd, struct error *err);

#endif
