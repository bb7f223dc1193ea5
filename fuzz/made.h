#ifndef TARN_FUZZ_MADE_H
#define TARN_FUZZ_MADE_H

#include "entry.h"
#include "fuzz.h"
#include "options.h"
#include "source.h"

#define MADE_MAX 12
#define MADE_NSTRINGS 8

/* Entries that an input describes, as a source. */
struct made {
	struct source base;
	struct made_entry {
		struct entry e;
		char *strings[MADE_NSTRINGS]; /* what ${e} points to */
		size_t nstrings;
		struct extent extents[2];
		struct xattr xattr;
		uint8_t *content; /* of e.size bytes, with holes as zeros */
		bool is_seen;
	} entries[MADE_MAX];
	size_t n, next;
	size_t run; /* of the entry that is read */
};

/** Make entries of all types; names occur once, and later names follow their first. */
void made_init(struct made *made, struct pieces *pieces);
void made_fini(struct made *made);

/**
 * ${e}, which ${source} has read from an archive of this ${format}, is one of the entries that was
 * not read before, as far as the format holds it; and so is its content.
 */
void made_require(
    struct made *made, const struct entry *e, struct source *source, enum format format);

#endif
