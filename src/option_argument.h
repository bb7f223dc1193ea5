#ifndef TARN_OPTION_ARGUMENT_H
#define TARN_OPTION_ARGUMENT_H

#include <stdint.h>

#include "error.h"

/*
 * Arguments of options that are a word of a list or a number.  What is none of these is TARN_EUSAGE
 * with a complete sentence in ${err}, and *${value} is as before.  Internal to the options.
 */

/* A word that an option takes as argument, and its value.  A list ends with a word that is NULL. */
struct option_choice {
	const char *word;
	unsigned int value;
};

/** *${value} is that of the one of ${choices} that ${text}, the argument of --${option}, is. */
int argument_choice(unsigned int *value, const char *option, const struct option_choice *choices,
    const char *text, struct error *err);

/**
 * ${text}, the argument of --${option}, is to be without effect: each of its words, between which is
 * ${separator} (0: it is one word), must be among ${choices}, or begin with one that ends in "=".
 */
int argument_ignore(const char *option, const struct option_choice *choices, char separator,
    const char *text, struct error *err);

/** A decimal number of at most ${max}; ${what} it is stands in the message. */
int argument_number(
    const char *text, unsigned int max, const char *what, unsigned int *value, struct error *err);

/** The same, perhaps with a K, M, G or T behind it, for a power of 1024. */
int argument_amount(
    const char *text, uint64_t max, const char *what, uint64_t *value, struct error *err);

#endif
