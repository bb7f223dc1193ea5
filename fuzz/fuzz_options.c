#include "config.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fuzz.h"
#include "options.h"
#include "select.h"

/*
 * A command line, each word ended by a NUL, and behind an empty word what is on standard input,
 * which -T- and -X- read.  What is parsed can be used; what is not is explained.
 */

#define NWORDS_MAX 16
#define NFILES 3 /* no file can be opened: some of them have no end */

static void check(const struct options *o) {
	struct select *select;
	struct error err;
	struct entry e = { .name = "directory/file" };
	bool wanted;

	REQUIRE(o->mode != MODE_NONE);
	REQUIRE(select_new(&select, o, &err) == TARN_OK);
	if (o->mode == MODE_EXTRACT || o->mode == MODE_LIST || o->mode == MODE_COMPARE)
		select_decide(select, &e, &wanted, NULL);
	REQUIRE(select_rename(select, &e, &err) == TARN_OK);
	overrides_apply(&o->overrides, &e);
	select_free(select);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes) {
	struct pieces p = { data, nbytes };
	char *words[NWORDS_MAX + 2] = { strdup("tarn") }, *argv[NWORDS_MAX + 2] = { words[0] };
	struct options o;
	struct error err;
	struct rlimit files;
	int argc = 1, fd;

	while (argc <= NWORDS_MAX && *(words[argc] = argv[argc] = take_string(&p)) != '\0')
		argc++;
	argv[argc] = NULL;
	fd = fuzz_file(p.next, p.left);
	REQUIRE(dup2(fd, STDIN_FILENO) == STDIN_FILENO);
	close(fd);
	REQUIRE(getrlimit(RLIMIT_NOFILE, &files) == 0);
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ NFILES, files.rlim_max });
	if (options_parse(&o, argc, argv, &err) != TARN_OK)
		REQUIRE(*err.msg != '\0');
	else if (o.mode != MODE_HELP && o.mode != MODE_VERSION)
		check(&o);
	setrlimit(RLIMIT_NOFILE, &files);
	options_fini(&o);
	for (int i = 0; i < NWORDS_MAX + 2; i++)
		free(words[i]);
	return 0;
}
