#include "config.h"

#include "update.h"

#include "key_set.h"

int update_note(struct update *update, const struct entry *e, struct error *err) {
	if (update->seconds.n == 0)
		update->seed = key_seed();
	return key_map_set(
	    &update->seconds, key_of_name(update->seed, e->name), (uint64_t)e->mtime.tv_sec, err);
}

bool update_wants(const struct update *update, const struct entry *e) {
	const uint64_t *seconds;

	if (update->seconds.n == 0)
		return true;
	seconds = key_map_find(&update->seconds, key_of_name(update->seed, e->name));
	return seconds == NULL || e->mtime.tv_sec > (int64_t)*seconds;
}

void update_fini(struct update *update) {
	key_map_fini(&update->seconds);
}
