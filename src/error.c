#include "config.h"

#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * A message is a text in front and a reason behind, joined by ": ".  Both are put together in a
 * buffer on the stack first, so that arguments may point into the very error that is filled in.
 * When the two do not fit, the text in front is cut: it names things that can be as long as a
 * path, while the reason behind is what the reader needs most.
 */

/* Number of bytes of the printed character at ${s}: an escape of quote.h, a UTF-8 sequence, a byte. */
static size_t unit_nbytes(const char *s) {
	unsigned char c = (unsigned char)s[0];

	if (c == '\\') {
		return s[1] >= '0' && s[1] <= '7' ? 4 : 2;
	}
	if (c < 0xc0) {
		return 1;
	}
	return c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/* Cut ${s} to at most ${nbytes} without leaving half an escape or half a character. */
static void cut(char *s, size_t nbytes) {
	size_t end = 0;

	if (strlen(s) <= nbytes) {
		return;
	}
	for (size_t n; (n = unit_nbytes(s + end)) <= nbytes - end;) {
		end += n;
	}
	s[end] = '\0';
}

/* Make "text: reason" the message of ${err}; ${reason} may be its present message, or empty. */
static void set_message(struct error *err, const char *reason, const char *format, va_list args) {
	/* One unit more than a message holds, so that a text cut by vsnprintf is always cut again. */
	char text[ERR_MSG_NBYTES + 4];
	const char *colon = reason[0] != '\0' ? ": " : "";
	size_t reason_nbytes = strlen(colon) + strlen(reason);
	size_t room = reason_nbytes < ERR_MSG_NBYTES ? ERR_MSG_NBYTES - 1 - reason_nbytes : 0;

	if (vsnprintf(text, sizeof(text), format, args) < 0) {
		text[0] = '\0';
	}
	cut(text, room);
	if (text[0] == '\0') {
		colon = "";
	}
	/* The reason may be where the message is now. */
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
