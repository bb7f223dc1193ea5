#include "config.h"

#include "update.h"

#include "key_set.h"

/*
 * A map from names to places in an array of times, which a value of 64 bits would not hold.  The
 * old archive is noted member by member, so that of several with one name the last one counts, as
 * it does when they are extracted.  output.c notes them; run_write.c and scan.c ask.
 */

/* The mtime of the member ${name}; NULL: the archive has none.  It moves when one is added. */
static struct timespec *find(const struct update *update, const char *name) {
	const uint64_t *at = key_map_find(&update->members, key_of_name(update->seed, name));

	return at != NULL ? (struct timespec *)(void *)update->mtimes.data + *at : NULL;
}

/*
 * The mtime of ${e}.  That of a link member may have only the seconds of what its first name has,
 * or not even those: then it is the first name's.  Else a name with a time of 0 would be stored
 * with each -u, and one without a fraction not when it is newer by less than a second.
 */
static struct timespec mtime_of(const struct update *update, const struct entry *e) {
	const struct timespec *first =
	    e->first_name != NULL && !e->is_whole ? find(update, e->first_name) : NULL;

	return first != NULL && e->mtime.tv_nsec == 0 &&
	        (e->mtime.tv_sec == first->tv_sec || e->mtime.tv_sec == 0) ?
	    *first :
	    e->mtime;
}

int update_note(struct update *update, const struct entry *e, struct error *err) {
	struct timespec mtime, *found;
	int r;

	/* There are no keys yet that another seed would make useless. */
	if (update->members.n == 0)
		update->seed = key_seed();
	mtime = mtime_of(update, e);
	found = find(update, e->name);
	if (found != NULL) {
		*found = mtime;
		return TARN_OK;
	}
	r = bytes_append(&update->mtimes, &mtime, sizeof(mtime), err);
	return r == TARN_OK ? key_map_set(&update->members, key_of_name(update->seed, e->name),
	                          update->mtimes.nbytes / sizeof(mtime) - 1, err) :
	                      r;
}

bool update_wants(const struct update *update, const char *name, struct timespec mtime) {
	const struct timespec *stored = update->members.n > 0 ? find(update, name) : NULL;

	if (stored == NULL)
		return true;
	if (mtime.tv_sec != stored->tv_sec)
		return mtime.tv_sec > stored->tv_sec;
	/*
	 * Formats without fractions have 0 there: that is not known, rather than early in the
	 * second.
	 */
	return stored->tv_nsec != 0 && mtime.tv_nsec > stored->tv_nsec;
}

void update_fini(struct update *update) {
	key_map_fini(&update->members);
	bytes_fini(&update->mtimes);
}
