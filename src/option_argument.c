#include "config.h"

#include "option_argument.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The longest list of words fits into the message. */
int argument_choice(unsigned int *value, const char *option, const struct option_choice *choices,
    const char *text, struct error *err) {
	char words[256] = "";
	size_t n = 0;

	for (const struct option_choice *c = choices; c->word != NULL; c++) {
		if (strcmp(c->word, text) == 0) {
			*value = c->value;
			return TARN_OK;
		}
		n += (size_t)snprintf(words + n, sizeof(words) - n, " '%s'", c->word);
	}
	return err_set(err, TARN_EUSAGE, 0, "invalid argument '%s' for '--%s'; possibilities:%s",
	    text, option, words);
}

static bool is_among(const struct option_choice *choices, const char *word, size_t nbytes) {
	for (; choices->word != NULL; choices++) {
		size_t n = strlen(choices->word);

		if (strncmp(choices->word, word, n) == 0 &&
		    (n == nbytes || choices->word[n - 1] == '='))
			return true;
	}
	return false;
}

int argument_ignore(const char *option, const struct option_choice *choices, char separator,
    const char *text, struct error *err) {
	const char separators[] = { separator, '\0' };
	size_t nbytes;

	for (; *text != '\0'; text += nbytes + (text[nbytes] != '\0')) {
		nbytes = strcspn(text, separators);
		if (!is_among(choices, text, nbytes))
			return err_set(err, TARN_EUSAGE, 0, "--%s: '%.*s' is not supported", option,
			    (int)nbytes, text);
	}
	return TARN_OK;
}

/* Digits first: strtoumax() would also take space, and a sign, by which -1 is a large number. */
static bool take_number(const char *text, uintmax_t *number, char **end) {
	errno = 0;
	*number = strtoumax(text, end, 10);
	return isdigit((unsigned char)*text) && errno == 0;
}

int argument_number(
    const char *text, unsigned int max, const char *what, unsigned int *value, struct error *err) {
	uintmax_t number;
	char *end;

	if (!take_number(text, &number, &end) || *end != '\0' || number > max)
		return err_set(err, TARN_EUSAGE, 0, "%s: Invalid %s", text, what);
	*value = (unsigned int)number;
	return TARN_OK;
}

/* The maximum is shifted rather than the number, which could overflow. */
int argument_amount(
    const char *text, uint64_t max, const char *what, uint64_t *value, struct error *err) {
	static const char units[] = "KMGT";
	bool is_number;
	const char *unit;
	uintmax_t number;
	int shift = 0;
	char *end;

	is_number = take_number(text, &number, &end);
	unit = *end != '\0' ? strchr(units, *end) : NULL;
	if (unit != NULL) {
		shift = 10 * (int)(unit - units + 1);
		end++;
	}
	if (!is_number || *end != '\0' || number > max >> shift)
		return err_set(err, TARN_EUSAGE, 0, "%s: Invalid %s", text, what);
	*value = (uint64_t)number << shift;
	return TARN_OK;
}
