#include "config.h"

#include "fuzz.h"
#include "world.h"

/*
 * Any bytes in the modes that only read: listings, comparison, content to standard output, and
 * conversion to other formats.  Nothing at all may change.  The last byte of an archive, which is
 * 0, chooses the mode.
 */

#define NWORDS 8

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t nbytes, size_t max, unsigned int seed) {
	return tar_mutate(data, nbytes, max, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes) {
	static char *const lines[][NWORDS] = {
		{ "tarn", "-tvvf-", "--full-time", "--xattrs", "--acls" },
		{ "tarn", "-tf-", "--links" },
		{ "tarn", "-tf-", "--wildcards", "*a*", "b", "--strip-components=1" },
		{ "tarn", "-df-", "--acls", "--xattrs" },
		{ "tarn", "-df-", "--links", "-Cdirectory" },
		{ "tarn", "-xOf-", "--exclude=a/*" },
		{ "tarn", "-cf-", "@-" },
		{ "tarn", "-cf-", "--format=gnu", "--transform=s/a/b/", "--exclude=a/b", "@-" },
		{ "tarn", "-cf-", "--format=cpio", "@-" },
		{ "tarn", "-cf-", "--format=ustar", "--owner=0", "--mode=a+X", "@-" },
	};
	size_t line = nbytes > 0 ? data[nbytes - 1] % (sizeof(lines) / sizeof(lines[0])) : 0;
	struct world_task task = {
		.argv = (char **)lines[line],
		.data = data,
		.nbytes = nbytes,
		.writes_nothing = true,
	};

	world_run(&task);
	return 0;
}
