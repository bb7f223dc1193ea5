#include "config.h"

#include "fuzz.h"

#include <string.h>

/*
 * Calls the target with the content of each file that is named, for builds without libFuzzer and
 * for AFL++ (`afl-fuzz … -- target @@').
 */

__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Only an engine has changes of its own. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t nbytes, size_t max) {
	(void)data;
	(void)max;
	return nbytes;
}

static void replay(const char *name) {
	FILE *file = fopen(name, "rbe");
	uint8_t *data = NULL;
	long nbytes;

	REQUIRE(file != NULL && fseek(file, 0, SEEK_END) == 0);
	nbytes = ftell(file);
	rewind(file);
	/* Exactly as many as there are, so that a byte too many is noticed. */
	REQUIRE(nbytes >= 0 && (data = malloc((size_t)nbytes)) != NULL);
	REQUIRE(fread(data, 1, (size_t)nbytes, file) == (size_t)nbytes);
	fclose(file);
	LLVMFuzzerTestOneInput(data, (size_t)nbytes);
	free(data);
}

int main(int argc, char **argv) {
	if (LLVMFuzzerInitialize != NULL)
		LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		fprintf(stderr, "Running: %s\n", argv[i]);
		replay(argv[i]);
	}
	return EXIT_SUCCESS;
}
