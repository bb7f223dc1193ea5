#include "config.h"

#include "destination.h"

#include <stdio.h>

int destination_open(struct destination *destination, const struct options *o,
    const char *directory, struct error *err) {
	*destination = (struct destination){ .options = o };
	return contained_open(&destination->directory, directory, err);
}

int destination_open_again(struct destination *destination, const struct destination *like,
    unsigned int nshares, struct error *err) {
	*destination = (struct destination){ .options = like->options };
	return contained_open_again(&destination->directory, like->directory, nshares, err);
}

void destination_fini(struct destination *destination) {
	contained_free(destination->root);
	contained_free(destination->directory);
}

int destination_place(struct destination *destination, const char *name, struct member_path *path,
    struct contained **below, struct error *err) {
	const struct options *o = destination->options;
	int r = member_path_set(path, name, err);
	bool is_absolute = r == TARN_OK && path->dropped > 0 && o->absolute_names;

	if (is_absolute && destination->root == NULL)
		r = contained_open(&destination->root, "/", err);
	*below = is_absolute ? destination->root : destination->directory;
	return r == TARN_OK && o->keep_directory_symlink ?
	    contained_follow_parents(*below, path, err) :
	    r;
}

char *destination_name(const struct destination *destination, const struct contained *below,
    const struct member_path *path) {
	char *name;

	return asprintf(&name, "%s%s/%s", below == destination->root ? "/" : "./", path->parent,
	           path->last) >= 0 ?
	    name :
	    NULL;
}

int destination_has_link_for(const struct destination *destination, struct contained *below,
    const struct member_path *path, struct error *err) {
	return destination->options->keep_directory_symlink ?
	    contained_leads_to_directory(below, path, err) :
	    TARN_END;
}
