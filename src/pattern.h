#ifndef TARN_PATTERN_H
#define TARN_PATTERN_H

#include <stdbool.h>

#include "error.h"
#include "options.h"

/* A name or pattern of the command line that names are compared with. */
struct pattern {
	const char *text; /* borrowed */
	const struct matching *how;
	char *needle; /* owned: what all names that match have in them; NULL: nothing is known */
};

/**
 * Borrows ${text} and ${how}.  TARN_ENOMEM; ${pattern} can be given to pattern_fini then, too.
 */
int pattern_init(
    struct pattern *pattern, const char *text, const struct matching *how, struct error *err);
void pattern_fini(struct pattern *pattern);

/**
 * Does it match ${name}, which has no slash at its end, or a directory above it?  Unless anchored,
 * at the start of any component.  No allocation.
 */
bool pattern_matches(const struct pattern *pattern, const char *name);

/** Does ${text}, which is no pattern, match ${name} or a directory above it? */
bool pattern_is_literally(const char *text, const char *name, bool ignore_case);

#endif
