#include "config.h"

#include "temporary_name.h"

#include <stdint.h>
#include <string.h>
#include <sys/random.h>

/*
 * 64 random bits, 4 in a letter, so that callers need not try another name when one is taken: no
 * archive can hold it, and no other process can be there before.  Letters rather than digits, as
 * exact_name needs a name that has another case.
 */

int temporary_name(char name[TEMPORARY_NAME_NBYTES]) {
	uint64_t number;
	char *letter;

	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		return -1;
	strcpy(name, ".tarn-ABCDEFGHIJKLMNOP");
	for (letter = strchr(name, 'A'); *letter != '\0'; letter++, number >>= 4)
		*letter = (char)('A' + (number & 15));
	return 0;
}
