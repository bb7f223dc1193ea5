#include "config.h"

#include "contained.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Symbolic links are followed by reading what they say, one component after the other; what comes
 * of it is a path without any.  Whatever works on that path follows none, as ever: a link that
 * somebody puts in the way meanwhile is refused, and nothing that is read here leads out of the
 * destination.
 */

#define NLINKS_MAX 40 /* as the kernel has it */

/* Where following has got to. */
struct following {
	struct contained *contained;
	char *done; /* owned: components that are no symbolic links, with a slash before each */
	struct member_path path; /* that of done */
	unsigned int nlinks;     /* that were followed */
};

static int leads_out(struct error *err) {
	return err_set(err, TARN_EREFUSED, 0,
	    "Cannot open: a symbolic link in the way leads out of the destination");
}

/* Only below "/" is an absolute name one of the destination. */
static bool is_below_root(const struct contained *c) {
	struct stat below, root;

	return fstat(contained_directory(c), &below) == 0 && stat("/", &root) == 0 &&
	    contained_is_same(&below, &root);
}

static int begin(struct following *f, struct error *err) {
	f->done = strdup("");
	return f->done != NULL ? TARN_OK : err_nomem(err);
}

static void following_fini(struct following *f) {
	free(f->done);
	member_path_fini(&f->path);
}

static void leave_last(struct following *f) {
	*strrchr(f->done, '/') = '\0';
}

/* Set f->path, and look at what lies there. */
static int look(struct following *f, struct stat *st, struct error *err) {
	int r = member_path_set(&f->path, *f->done != '\0' ? f->done : "/", err);

	return r == TARN_OK ? contained_stat(f->contained, &f->path, st, err) : r;
}

/* Through a descriptor of the link itself. */
int contained_readlink(struct contained *contained, const struct member_path *path,
    char target[PATH_MAX], struct error *err) {
	int fd, r = contained_open_existing(contained, path, O_PATH, &fd, err);
	ssize_t n;

	if (r != TARN_OK)
		return r;
	n = readlinkat(fd, "", target, PATH_MAX - 1);
	if (n >= 0)
		target[n] = '\0';
	else
		r = err_set(err, TARN_ESYSTEM, errno, "Cannot readlink");
	close(fd);
	return r;
}

/* Is there nothing to be looked at? */
static bool leads_nowhere(int r, const struct error *err) {
	return r == TARN_ESYSTEM && (err->errnum == ENOENT || err->errnum == ENOTDIR);
}

static int follow_all(struct following *f, const char *names, struct error *err);

/*
 * Follow the symbolic link at f->path, which is the last of f->done.  TARN_END: it does not lead to
 * a directory.
 */
static int follow_link(struct following *f, struct error *err) {
	char target[PATH_MAX];
	struct stat st;
	int r = f->nlinks++ < NLINKS_MAX ? contained_readlink(f->contained, &f->path, target, err) :
	                                   TARN_END;

	if (r == TARN_OK && *target == '/' && !is_below_root(f->contained))
		r = leads_out(err);
	if (r != TARN_OK)
		return r;
	if (*target == '/')
		*f->done = '\0';
	else
		leave_last(f);
	r = follow_all(f, target, err);
	if (r == TARN_OK)
		r = look(f, &st, err);
	if (r == TARN_OK && !S_ISDIR(st.st_mode))
		r = TARN_END;
	return leads_nowhere(r, err) ? TARN_END : r;
}

/* Go on to ${component} of ${nbytes}: TARN_ESYSTEM with ENOENT when it is not there. */
static int follow_component(
    struct following *f, const char *component, size_t nbytes, struct error *err) {
	struct stat st;
	char *done;
	int r;

	/* Of a symbolic link: there is none in the name of a member. */
	if (nbytes == 2 && memcmp(component, "..", 2) == 0) {
		if (*f->done == '\0')
			return leads_out(err);
		leave_last(f);
		return TARN_OK;
	}
	if (asprintf(&done, "%s/%.*s", f->done, (int)nbytes, component) < 0)
		return err_nomem(err);
	free(f->done);
	f->done = done;
	r = look(f, &st, err);
	return r == TARN_OK && S_ISLNK(st.st_mode) ? follow_link(f, err) : r;
}

static int follow_all(struct following *f, const char *names, struct error *err) {
	const char *component;
	size_t nbytes;
	int r = TARN_OK;

	while (r == TARN_OK && (nbytes = member_next_component(&names, &component)) > 0)
		r = follow_component(f, component, nbytes, err);
	return r;
}

int contained_follow_parents(
    struct contained *contained, struct member_path *path, struct error *err) {
	struct following f = { .contained = contained };
	const char *at = path->parent, *component;
	size_t nbytes, dropped = path->dropped;
	struct stat st;
	char *name;
	int r = contained_stat(contained, path, &st, err);

	/* The usual case: none is in the way.  What else goes wrong will do so again. */
	if (r != TARN_EREFUSED)
		return r == TARN_ENOMEM ? r : TARN_OK;
	r = begin(&f, err);
	while (r == TARN_OK && (nbytes = member_next_component(&at, &component)) > 0) {
		r = follow_component(&f, component, nbytes, err);
		/* What is missing may still be made. */
		if (r == TARN_ESYSTEM && err->errnum == ENOENT)
			r = TARN_OK;
	}
	if (r == TARN_END)
		r = err_set(err, TARN_EREFUSED, 0,
		    "Cannot open: a symbolic link in the way leads to no directory");
	if (r != TARN_OK)
		goto done;
	if (asprintf(&name, "%s/%s", f.done, path->last) < 0) {
		r = err_nomem(err);
		goto done;
	}
	r = member_path_set(path, name, err);
	path->dropped = dropped;
	free(name);
done:
	following_fini(&f);
	return r;
}

int contained_leads_to_directory(
    struct contained *contained, const struct member_path *path, struct error *err) {
	struct following f = { .contained = contained };
	struct stat st;
	int r = contained_stat(contained, path, &st, err);

	if (r == TARN_OK && !S_ISLNK(st.st_mode))
		return TARN_END;
	/* One that cannot be looked at is not taken for none, or it would be replaced. */
	if (r != TARN_OK)
		return leads_nowhere(r, err) ? TARN_END : r;
	r = begin(&f, err);
	if (r == TARN_OK)
		r = follow_all(&f, path->parent, err);
	if (r == TARN_OK)
		r = follow_all(&f, path->last, err);
	following_fini(&f);
	return r;
}
