#include "config.h"

#include "archive_limits.h"

#include <stdatomic.h>
#include <string.h>

#include "member_path.h"

/*
 * A file counts with the size in its header, before anything of it is written, and a copy before it
 * is made.  Nothing is given back when one fails or is replaced: what counts is the work that an
 * archive asks for, not what is left of it.
 */

/* Below this, padding alone can make any ratio. */
#define SMALL_NBYTES ((uint64_t)1 << 20)

static size_t depth_of(const char *name) {
	const char *component;
	size_t depth = 0;

	while (member_next_component(&name, &component) > 0)
		depth++;
	return depth;
}

int archive_limits_read(
    const struct archive_limits *limits, const struct entry *e, size_t number, struct error *err) {
	if (limits->max_members == 0 || number <= limits->max_members)
		return TARN_OK;
	err_set(err, TARN_ELIMIT, 0, "more than %ju members (--max-members)",
	    (uintmax_t)limits->max_members);
	return err_wrap(err, "%s", e->name);
}

int archive_limits_add(
    struct archive_limits *limits, const char *name, uint64_t nbytes, struct error *err) {
	uint64_t before = limits->nbytes, after;

	/* Files of 8 EiB each are easily promised: the sum stays at its largest then. */
	do {
		if (__builtin_add_overflow(before, nbytes, &after))
			after = UINT64_MAX;
	} while (!atomic_compare_exchange_weak(&limits->nbytes, &before, after));
	if (limits->max_size == 0 || after <= limits->max_size)
		return TARN_OK;
	err_set(err, TARN_ELIMIT, 0, "more than %ju bytes to be extracted (--max-size)",
	    (uintmax_t)limits->max_size);
	return err_wrap(err, "%s", name);
}

int archive_limits_extract(
    struct archive_limits *limits, const struct entry *e, struct error *err) {
	/* A component takes two bytes at least. */
	if (limits->max_depth != 0 && strlen(e->name) / 2 >= limits->max_depth &&
	    depth_of(e->name) > limits->max_depth) {
		err_set(err, TARN_ELIMIT, 0, "more than %ju components (--max-depth)",
		    (uintmax_t)limits->max_depth);
		/* A name this deep is long; the message has room for some of them. */
		return err_wrap(err, "%.200s...", e->name);
	}
	return e->is_whole ? archive_limits_add(limits, e->name, (uint64_t)e->size, err) : TARN_OK;
}

int archive_limits_decompress(uint64_t max_ratio, uint64_t from, uint64_t to, struct error *err) {
	/* Divided, as ${from} times the ratio might overflow. */
	if (max_ratio == 0 || to <= SMALL_NBYTES || to / max_ratio <= from)
		return TARN_OK;
	return err_set(err, TARN_ELIMIT, 0,
	    "more than %ju times as many bytes as in the file (--max-ratio)", (uintmax_t)max_ratio);
}
