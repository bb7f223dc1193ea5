#include "config.h"

#include "first_names.h"

#include <stdint.h>

#include "member_path.h"

/*
 * A name is asked about in two ways.  If its directory was met before, under whatever name, the
 * file is another name of what has the same name there: that holds for files with a link count of
 * one, too, and needs nothing to be remembered of them.  Else the inode map is asked, for files
 * with several names.
 *
 * Names of files with one name are not asked about, but where a file was named twice on the command
 * line.  The name that a file had in a directory as it was met before may itself be a later name,
 * or one that was not stored, which is why those are remembered.
 */

int first_names_init(
    struct first_names *names, const struct options *o, struct report *report, struct error *err) {
	*names = (struct first_names){
		.hard_dereference = o->hard_dereference,
		.dereference = o->dereference,
		.report = report,
		.seed = key_seed(),
	};
	/* The clock that ctime is from, or one like it. */
	clock_gettime(CLOCK_REALTIME, &names->begun);
	/* With -h a symbolic link is one more way to a file, which its link count does not know. */
	return inode_map_new(&names->map, !o->dereference, err);
}

void first_names_fini(struct first_names *names) {
	key_set_fini(&names->not_stored);
	inode_map_free(names->map);
	*names = (struct first_names){ 0 };
}

/*
 * Was nothing done to the file since the run began?  Clocks of file systems tick slower than
 * others, some by the second: a ctime without a fraction in that very second may be from before or
 * after.
 */
static bool is_unchanged(const struct first_names *names, const struct statx_timestamp *ctime) {
	const struct timespec *begun = &names->begun;

	return ctime->tv_sec < begun->tv_sec ||
	    (ctime->tv_sec == begun->tv_sec && ctime->tv_nsec > 0 &&
	        ctime->tv_nsec < begun->tv_nsec);
}

/*
 * The name that ${met} had when its directory was visited before.  NULL: none, or it may have been
 * another file then.
 */
static const char *find_visited(struct first_names *names, const struct met_name *met) {
	const char *first;

	/* What is mounted on this name is another file than what the directory has under it. */
	if (met->visited == 0 || !is_unchanged(names, &met->stx->stx_ctime) ||
	    (met->stx->stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0)
		return NULL;
	first = inode_map_name(names->map, met->visited, met->component);
	if (first == NULL || key_set_has(&names->not_stored, key_of_name(names->seed, first)))
		return NULL;
	return first;
}

/* What the name of ${met} in its directory is for the map: without one, a whole name. */
static const char *component_of(const struct met_name *met) {
	return met->directory != 0 ? met->component : met->e->name;
}

bool first_names_remember(const struct first_names *names, const struct entry *e) {
	return !names->hard_dereference &&
	    (e->identity.nlink > 1 || names->dereference || names->has_single_names);
}

/* Ask the map.  *${first} is NULL for a name that is the first. */
static int ask_map(
    struct first_names *names, const struct met_name *met, const char **first, struct error *err) {
	const struct entry *e = met->e;
	enum inode_seen seen;

	*first = NULL;
	/* From now on any name may be that file once more, and is asked about. */
	if (met->is_operand && !first_names_remember(names, e))
		names->has_single_names = true;
	if (!first_names_remember(names, e))
		return TARN_OK;
	if (inode_map_add(names->map, met->directory, component_of(met), e, &seen, first, err) !=
	    TARN_OK)
		return (int)err->code;
	if (seen == INODE_MISMATCH)
		report_note(names->report, met->path,
		    "Inode number %ju was that of another file: stored in full",
		    (uintmax_t)e->identity.ino);
	return TARN_OK;
}

/* Was ${e} an operand, under this very name, and stored? */
static bool is_stored_operand(const struct first_names *names, const struct entry *e) {
	return inode_map_has_operand(names->map, e) &&
	    !key_set_has(&names->not_stored, key_of_name(names->seed, e->name));
}

int first_names_find(
    struct first_names *names, const struct met_name *met, const char **first, struct error *err) {
	bool again;

	*first = NULL;
	/* Every name is stored in full, also those in a directory that is met again. */
	if (names->hard_dereference)
		return TARN_OK;
	again = is_stored_operand(names, met->e);
	*first = find_visited(names, met);
	if (*first == NULL && ask_map(names, met, first, err) != TARN_OK)
		return (int)err->code;
	/* An operand whose number was given to another file since has no first name. */
	return *first != NULL && (again || member_names_equal(*first, met->e->name)) ? TARN_END :
	                                                                               TARN_OK;
}

int first_names_replace(struct first_names *names, const struct met_name *met, struct error *err) {
	return inode_map_replace(names->map, met->directory, component_of(met), met->e, err);
}

int first_names_not_stored(struct first_names *names, const char *name, struct error *err) {
	return key_set_add(&names->not_stored, key_of_name(names->seed, name), err);
}
