#include "config.h"

#include "cpio_names.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

/*
 * The balanced tree of the C library.  This is a file of its own because <search.h> has a struct
 * entry too.
 *
 * Nothing is taken out before the archive is complete: cpio_header cannot know which name of an
 * inode is the last one.
 */

static int compare(const void *a, const void *b) {
	return strcmp(((const struct cpio_first *)a)->name, ((const struct cpio_first *)b)->name);
}

static void first_free(void *p) {
	struct cpio_first *first = p;

	free(first->name);
	free(first->target);
	free(first);
}

/* An allocation with copies of its strings; NULL without memory. */
static struct cpio_first *first_copy(const struct cpio_first *from) {
	struct cpio_first *first = malloc(sizeof(*first));

	if (first == NULL)
		return NULL;
	*first = *from;
	first->name = strdup(from->name);
	if (from->target != NULL)
		first->target = strdup(from->target);
	if (first->name != NULL && (from->target == NULL || first->target != NULL))
		return first;
	first_free(first);
	return NULL;
}

bool cpio_names_add(struct cpio_names *names, const struct cpio_first *from) {
	struct cpio_first *first = first_copy(from), **node;

	if (first == NULL)
		return false;
	node = tsearch(first, &names->root, compare);
	if (node == NULL) {
		first_free(first);
		return false;
	}
	/* One of that name was there: the new one takes its place, in which it belongs, too. */
	if (*node != first) {
		first_free(*node);
		*node = first;
	}
	return true;
}

const struct cpio_first *cpio_names_find(const struct cpio_names *names, const char *name) {
	/* Only the name is compared, and nothing is written to it. */
	struct cpio_first key = { .name = (char *)name };
	struct cpio_first **node = tfind(&key, &names->root, compare);

	return node != NULL ? *node : NULL;
}

void cpio_names_fini(struct cpio_names *names) {
	tdestroy(names->root, first_free);
	names->root = NULL;
}
