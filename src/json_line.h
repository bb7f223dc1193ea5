#ifndef TARN_JSON_LINE_H
#define TARN_JSON_LINE_H

#include <stdint.h>
#include <stdio.h>

/*
 * JSON Lines (RFC 8259, an object a line).  Errors stay in ${out}, for ferror().
 */

/** Begin a line with {"event":"${event}". */
void json_begin(FILE *out, const char *event);

/**
 * Add a member.  Strings are bytes: what is not UTF-8 is written as a lone low surrogate, \udc80 to
 * \udcff, which is what Python's surrogateescape makes bytes of again.  Controls and what reorders
 * text are escaped.  NULL: the member is left out.
 */
void json_string(FILE *out, const char *key, const char *value);
void json_number(FILE *out, const char *key, uint64_t value);

/** End the line. */
void json_end(FILE *out);

#endif
