#include "config.h"

#include "update.h"

#include <stdint.h>

#include "key_set.h"

#define SECOND 1000000000 /* in nanoseconds */

/* Since 1970; of times that are centuries away the last or first one that can be told. */
static int64_t nanoseconds(int64_t seconds, long more) {
	int64_t n;

	if (__builtin_mul_overflow(seconds, SECOND, &n) || __builtin_add_overflow(n, more, &n))
		return seconds < 0 ? INT64_MIN : INT64_MAX;
	return n;
}

/* The mtime of the member ${name}; NULL: the archive has none. */
static const uint64_t *find(const struct update *update, const char *name) {
	return key_map_find(&update->mtimes, key_of_name(update->seed, name));
}

int update_note(struct update *update, const struct entry *e, struct error *err) {
	uint64_t mtime = (uint64_t)nanoseconds(e->mtime.tv_sec, e->mtime.tv_nsec);
	const uint64_t *first;

	if (update->mtimes.n == 0)
		update->seed = key_seed();
	/* A link member may have only the seconds of what its first name has. */
	first = e->first_name != NULL ? find(update, e->first_name) : NULL;
	if (first != NULL && e->mtime.tv_nsec == 0 && *first - mtime < SECOND)
		mtime = *first;
	return key_map_set(&update->mtimes, key_of_name(update->seed, e->name), mtime, err);
}

bool update_wants(const struct update *update, const struct entry *e) {
	const uint64_t *mtime = update->mtimes.n > 0 ? find(update, e->name) : NULL;
	bool has_fraction = mtime != NULL && (int64_t)*mtime % SECOND != 0;

	return mtime == NULL ||
	    nanoseconds(e->mtime.tv_sec, has_fraction ? e->mtime.tv_nsec : 0) > (int64_t)*mtime;
}

void update_fini(struct update *update) {
	key_map_fini(&update->mtimes);
}
