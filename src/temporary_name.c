#include "config.h"

#include "temporary_name.h"

#include <stdint.h>
#include <string.h>
#include <sys/random.h>

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
