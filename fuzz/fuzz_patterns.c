#include "config.h"

#include <string.h>

#include "fuzz.h"
#include "select.h"

/*
 * Patterns, expressions of --transform and names, all of them any bytes: what is excluded or
 * renamed is the same when it is asked again, and names that are excluded have all below them
 * excluded.
 */

/* Longer ones, and repetitions, keep libc busy for minutes: that is between it and its user. */
#define PATTERN_NBYTES 24

static bool is_slow(const char *pattern) {
	return strlen(pattern) > PATTERN_NBYTES || strchr(pattern, '{') != NULL;
}

static void check_renamed(struct select *select, const char *name) {
	struct entry e = { .name = name, .type = ENTRY_SYMLINK, .target = name };
	struct error err;
	struct entry later = { .type = ENTRY_FILE, .first_name = name };

	REQUIRE(select_rename(select, &e, &err) == TARN_OK && strcmp(e.stored_name, name) == 0);
	REQUIRE(select_rename_links(select, &later, &err) == TARN_OK);
	REQUIRE(strcmp(later.first_name, e.name) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes) {
	struct pieces p = { data, nbytes };
	unsigned int flags = (uint8_t)take_number(&p, 1);
	char *pattern = take_string(&p), *expression = take_string(&p), *name = take_string(&p);
	struct matching how = { flags & 1, flags & 2, flags & 4, flags & 8 };
	struct exclude exclude = { pattern, how };
	struct operand operand = { pattern, NULL, false, flags & 16, how };
	struct options o = { .mode = MODE_EXTRACT,
		.operands = &operand,
		.noperands = 1,
		.excludes = &exclude,
		.nexcludes = 1,
		.strip_components = flags >> 5 };
	struct select *select = NULL;
	struct error err;
	bool wanted;

	if (!is_slow(pattern) && !is_slow(expression) && *name != '\0') {
		transform_add(&o.transform, expression, &err);
		REQUIRE(select_new(&select, &o, &err) == TARN_OK);
		select_decide(select, &(struct entry){ .name = name }, &wanted, NULL);
		REQUIRE(!wanted || !select_excludes(select, name));
		check_renamed(select, name);
	}
	select_free(select);
	transform_free(o.transform);
	free(pattern);
	free(expression);
	free(name);
	return 0;
}
