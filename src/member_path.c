#include "config.h"

#include "member_path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

/*
 * The one place where a name from an archive is taken apart, for extraction and comparison.  What
 * is used later is the result, never the name again: so what was checked cannot differ from what is
 * used.
 *
 * The components that remain are written to the storage with a slash before each: "a//./b/c"
 * becomes "/a/b/c".  The last of these slashes becomes the NUL between parent and last component;
 * the first is stepped over.  So one allocation, which is used again for the next name, holds both
 * as strings.
 */

/* Point parent and last into the storage, which ends in a NUL and whose last slash is ${slash}. */
static void split(struct member_path *path, char *slash) {
	path->parent = path->storage;
	path->parent_nbytes = 0;
	path->last = path->storage;
	if (path->depth == 0)
		return;
	*slash = '\0';
	path->last = slash + 1;
	if (path->depth == 1)
		return;
	path->parent = path->storage + 1;
	path->parent_nbytes = (size_t)(slash - path->parent);
}

int member_path_set(struct member_path *path, const char *name, struct error *err) {
	/*
	 * A slash before, a NUL behind.  It is enough: each component but the first has at least
	 * one slash before it in ${name} as well.
	 */
	size_t nbytes = strlen(name) + 2;
	const char *component;
	char *end, *slash;

	if (*name == '\0')
		return err_set(err, TARN_EREFUSED, 0, "Member name is empty");
	if (array_reserve((void **)&path->storage, &path->capacity, nbytes, 1, err) != TARN_OK)
		return TARN_ENOMEM;
	path->dropped = strspn(name, "/");
	path->depth = 0;
	end = slash = path->storage;
	while ((nbytes = member_next_component(&name, &component)) > 0) {
		/* Not resolved: "a/.." need not be where "a" lies, as "a" may be a link. */
		if (nbytes == 2 && memcmp(component, "..", 2) == 0)
			return err_set(err, TARN_EREFUSED, 0, "Member name contains '..'");
		if (nbytes > COMPONENT_NBYTES_MAX)
			return err_set(err, TARN_EREFUSED, ENAMETOOLONG, "Cannot open");
		slash = end;
		*end++ = '/';
		end = mempcpy(end, component, nbytes);
		path->depth++;
	}
	*end = '\0';
	split(path, slash);
	return TARN_OK;
}

void member_path_go_into(struct member_path *path) {
	if (path->depth > 0) {
		/* The NUL before the last component, where split() has found a slash. */
		path->storage[path->last - path->storage - 1] = '/';
		path->parent = path->storage + 1;
		path->parent_nbytes = strlen(path->parent);
	}
	path->last = ".";
}

void member_path_fini(struct member_path *path) {
	free(path->storage);
	*path = (struct member_path){ .storage = NULL };
}

char *member_path_between(const struct member_path *path, const struct member_path *to) {
	size_t shared = 0, nup = path->depth > 0 ? path->depth - 1 : 0;
	char *text, *end;

	/*
	 * The directories that both are in need not be left.  ${shared} is how many bytes of the
	 * two parents are the same up to the end of a component: "a/b" and "a/bc" share 1.
	 */
	for (size_t i = 0;; i++) {
		bool ends = i == to->parent_nbytes || to->parent[i] == '/';

		if (ends && (i == path->parent_nbytes || path->parent[i] == '/') && i > shared) {
			shared = i;
			nup--;
		}
		if (i >= to->parent_nbytes || i >= path->parent_nbytes ||
		    to->parent[i] != path->parent[i])
			break;
	}
	/* Two more for the slash behind the parent and the NUL. */
	text = end = malloc(nup * strlen("../") + to->parent_nbytes + strlen(to->last) + 2);
	if (text == NULL)
		return NULL;
	for (; nup > 0; nup--)
		end = stpcpy(end, "../");
	if (shared < to->parent_nbytes)
		end += sprintf(end, "%s/", to->parent + shared + (shared > 0 ? 1 : 0));
	strcpy(end, to->last);
	return text;
}

bool member_names_equal(const char *a, const char *b) {
	const char *x, *y;
	size_t nx, ny;

	do {
		nx = member_next_component(&a, &x);
		ny = member_next_component(&b, &y);
	} while (nx > 0 && nx == ny && memcmp(x, y, nx) == 0);
	return nx == 0 && ny == 0;
}
