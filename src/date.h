#ifndef TARN_DATE_H
#define TARN_DATE_H

#include <stdbool.h>
#include <time.h>

#include "error.h"

/**
 * Parse a date as options take it: the name of a file if it begins with `/' or `.', whose mtime is
 * taken (else TARN_ESYSTEM); @SECONDS[.FRACTION]; YYYY-MM-DD[(T| )HH:MM[:SS[.FRACTION]]] and
 * perhaps a zone, Z, UTC or behind a time ±HH[[:]MM], without which it is local time; or how far
 * it is from now: now, today, yesterday, tomorrow, and [±N|last|next] UNIT[s] [ago], with units
 * from second to year, one or more of them.
 *
 * Returns TARN_OK, or TARN_EUSAGE; on failure *${time} is what it was.
 */
int date_parse(const char *text, struct timespec *time, struct error *err);

/** Is ${a} earlier than ${b}? */
bool date_is_before(struct timespec a, struct timespec b);

#endif
