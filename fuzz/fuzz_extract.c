#include "config.h"

#include "fuzz.h"
#include "world.h"

/*
 * Any bytes extracted, by root and by somebody else: nothing outside of the destination may change.
 * The last two bytes of an archive, which are 0, choose the options.
 */

#define NOBODY 65534
#define CHOOSE(words, number) words[(number) % (sizeof(words) / sizeof((words)[0]))]

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t nbytes, size_t max, unsigned int seed) {
	return tar_mutate(data, nbytes, max, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes) {
	static char *const permissions[] = { "-p", "--no-same-permissions" };
	static char *const attributes[] = { "--xattrs", "--no-xattrs" };
	static char *const existing[] = { "--overwrite", "-k", "--keep-newer-files",
		"--recursive-unlink", "--no-overwrite-dir", "--skip-old-files" };
	static char *const links[] = { "--links=auto", "--links=strict", "--links=copy",
		"--links=symlink", "--links=reflink" };
	static char *const selected[] = { "--exclude=excluded", "--exclude=file",
		"--strip-components=1", "--transform=s/a/b/" };
	unsigned int choice =
	    nbytes > 1 ? data[nbytes - 1] | (unsigned int)data[nbytes - 2] << 8 : 0;
	char *argv[] = { "tarn", "-xf-", "--acls", CHOOSE(permissions, choice),
		CHOOSE(attributes, choice / 2), CHOOSE(existing, choice / 4),
		CHOOSE(links, choice / 24), CHOOSE(selected, choice / 120), NULL };
	struct world_task task = { .argv = argv, .data = data, .nbytes = nbytes };

	world_run(&task);
	task.uid = NOBODY;
	world_run(&task);
	return 0;
}
