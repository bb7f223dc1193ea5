#ifndef TARN_LISTING_H
#define TARN_LISTING_H

#include <stdbool.h>
#include <stdio.h>

#include "entry.h"
#include "options.h"
#include "sink.h"

/*
 * Names and long lines as GNU tar prints them, for -t and for -v in every mode.
 */
struct listing;

/**
 * Print to ${out} (borrowed) as ${o} asks: quoting, numeric owners, --full-time, --utc, and with
 * --acls or --xattrs a mark behind the mode; ${utf8} as in quote.h.  NULL when out of memory.
 */
struct listing *listing_new(const struct options *o, bool utf8, FILE *out);
void listing_free(struct listing *listing);

/** One line for ${e}: the name alone, or ${long_form} GNU tar's columns (-tv). */
void listing_print(struct listing *listing, const struct entry *e, bool long_form);

/**
 * The sink of -t: prints each entry with ${listing}, whose output must be standard output, and
 * fails when that cannot be written.  ${listing} is the sink's from now on, also when this returns
 * NULL with ${err}: out of memory.
 */
struct sink *listing_sink_new(struct listing *listing, bool long_form, struct error *err);

#endif
