#include "config.h"

#include "exclusion_tag.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * The tags are looked for by name, one call each, before the directory is listed: the scan has to
 * know whether it enters it at all.
 */

/* A CACHEDIR.TAG begins with these 43 bytes; what follows does not count (bford.info/cachedir). */
static const char cache_signature[] = "Signature: 8a477f597d28d172789f06886806bc55";

#define SIGNATURE_NBYTES (sizeof(cache_signature) - 1)

/* A file that cannot be read is no tag: then more is stored than was wanted, rather than less. */
static bool is_signed(int fd, const char *path) {
	char start[SIGNATURE_NBYTES];
	/* What is called so may be a fifo, for whose writer nobody wants to wait. */
	int file = openat(fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	bool is;

	if (file < 0)
		return false;
	is = read(file, start, sizeof(start)) == (ssize_t)sizeof(start) &&
	    memcmp(start, cache_signature, sizeof(start)) == 0;
	close(file);
	return is;
}

const struct exclusion_tag *exclusion_tag_find(const struct options *o, int fd, const char *name) {
	char path[PATH_MAX];

	for (size_t i = o->nexclusion_tags; i > 0; i--) {
		const struct exclusion_tag *tag = &o->exclusion_tags[i - 1];
		int nbytes = snprintf(path, sizeof(path), "%s/%s", name, tag->file);

		/* No call could reach what has a path of that length, so there is no such file. */
		if (nbytes < 0 || (size_t)nbytes >= sizeof(path))
			continue;
		if (tag->is_cache ? is_signed(fd, path) : faccessat(fd, path, F_OK, 0) == 0)
			return tag;
	}
	return NULL;
}
