#include "config.h"

#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "quote.h"

/*
 * A message is a text in front and a reason behind, joined by ": ".  Both are put together in a
 * buffer on the stack first, so that arguments may point into the very error that is filled in.
 * When the two do not fit, the text in front is cut: it names things that can be as long as a
 * path, while the reason behind is what the reader needs most.
 */

/* Make "text: reason" the message of ${err}; ${reason} may be its present message, or empty. */
static void set_message(struct error *err, const char *reason, const char *format, va_list args) {
	char text[ERR_MSG_NBYTES];
	const char *colon = reason[0] != '\0' ? ": " : "";
	size_t reason_nbytes = strlen(colon) + strlen(reason);
	size_t room = reason_nbytes < ERR_MSG_NBYTES ? ERR_MSG_NBYTES - 1 - reason_nbytes : 0;
	int nbytes;

	nbytes = vsnprintf(text, sizeof(text), format, args);
	if (nbytes < 0)
		text[0] = '\0';
	else if ((size_t)nbytes > room)
		text[quote_cut(text, room)] = '\0';
	if (text[0] == '\0')
		colon = "";
	/* The reason may be the present message, so it moves before anything is written there. */
	memmove(err->msg + strlen(text) + strlen(colon), reason, strlen(reason) + 1);
	memcpy(err->msg + strlen(text), colon, strlen(colon));
	memcpy(err->msg, text, strlen(text));
}

int err_set(struct error *err, enum tarn_code code, int errnum, const char *format, ...) {
	char description[128];
	va_list args;

	va_start(args, format);
	/* strerror_r as GNU has it: the text need not be in the buffer. */
	set_message(err, errnum != 0 ? strerror_r(errnum, description, sizeof(description)) : "",
	    format, args);
	va_end(args);
	err->code = code;
	err->errnum = errnum;
	return (int)code;
}

int err_wrap(struct error *err, const char *format, ...) {
	va_list args;

	va_start(args, format);
	set_message(err, err->msg, format, args);
	va_end(args);
	return (int)err->code;
}

int err_nomem(struct error *err) {
	return err_set(err, TARN_ENOMEM, 0, "Out of memory");
}

int err_output(struct error *err, int errnum) {
	return err_set(err, TARN_EOUTPUT, errnum, "standard output: Cannot write");
}
