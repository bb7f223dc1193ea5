#include "config.h"

#include <string.h>

#include "fuzz.h"
#include "member_path.h"

/* A name: whether it is refused, and what it is split into. */

static bool is_refused(const char *name) {
	bool refused = *name == '\0';

	for (size_t n; *name != '\0' && !refused; name += n + (name[n] == '/')) {
		n = strcspn(name, "/");
		refused = n > COMPONENT_NBYTES_MAX || (n == 2 && memcmp(name, "..", 2) == 0);
	}
	return refused;
}

static void check_path(const char *name) {
	struct member_path path = { 0 };
	struct error err;
	char *joined;
	bool set = member_path_set(&path, name, &err) == TARN_OK;

	REQUIRE(set != is_refused(name));
	if (set && path.depth > 0) {
		REQUIRE(strchr(path.last, '/') == NULL && strcmp(path.last, ".") != 0);
		REQUIRE(asprintf(&joined, "%s/%s", path.parent, path.last) >= 0);
		REQUIRE(member_names_equal(name, joined));
		free(joined);
	}
	member_path_fini(&path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes) {
	char *name = take_string(&(struct pieces){ data, nbytes });

	check_path(name);
	free(name);
	return 0;
}
