#include "config.h"

#include "update.h"

#include "key_set.h"

/* The mtime of the member ${name}; NULL: the archive has none. */
static struct timespec *find(const struct update *update, const char *name) {
	const uint64_t *at = key_map_find(&update->members, key_of_name(update->seed, name));

	return at != NULL ? (struct timespec *)(void *)update->mtimes.data + *at : NULL;
}

/* Of a link member, which may have only the seconds of what its first name has, or not even those. */
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

bool update_wants(const struct update *update, const struct entry *e) {
	const struct timespec *mtime = update->members.n > 0 ? find(update, e->name) : NULL;

	if (mtime == NULL)
		return true;
	if (e->mtime.tv_sec != mtime->tv_sec)
		return e->mtime.tv_sec > mtime->tv_sec;
	return mtime->tv_nsec != 0 && e->mtime.tv_nsec > mtime->tv_nsec;
}

void update_fini(struct update *update) {
	key_map_fini(&update->members);
	bytes_fini(&update->mtimes);
}
