#include "config.h"

#include "temporary_name.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>

int temporary_name(char name[TEMPORARY_NAME_NBYTES]) {
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		return -1;
	snprintf(name, TEMPORARY_NAME_NBYTES, ".tarn-%016" PRIx64, number);
	return 0;
}
