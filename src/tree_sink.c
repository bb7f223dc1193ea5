#include "config.h"

#include "tree_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "contained.h"
#include "link_ladder.h"
#include "metadata.h"

/*
 * Each member is made under the destination, gets its content and metadata through a descriptor,
 * and only then its name, where something else has that name.  Directories are made open to their
 * owner, remembered, and get their metadata at the end, the deepest first, when nothing more will
 * be made in them.
 */

/* A directory whose metadata waits for the end. */
struct late_directory {
	dev_t dev; /* what was made or found under the name: nothing else is touched */
	ino_t ino;
	size_t depth;
	size_t number;      /* in the order of members: the last one wins */
	struct entry entry; /* its pointers are copies, in one allocation with this */
	_Alignas(struct xattr) char storage[];
};

struct tree_sink {
	struct sink base;
	const struct options *options;
	struct report *report;
	struct metadata_policy policy;
	struct contained *below;      /* the destination */
	struct contained *below_root; /* "/", for absolute names with -P; NULL until needed */
	struct link_ladder *ladder;
	struct member_path path, first;
	struct late_directory **late;
	size_t nlate, late_capacity;
	bool said_leading, said_leading_target;
};

/* Check a name and find the destination that it is below. */
static int place(struct tree_sink *s, struct member_path *path, const char *name,
    struct contained **below, struct error *err) {
	int r = member_path_set(path, name, err);

	*below = s->below;
	if (r != TARN_OK || path->dropped == 0 || !s->options->absolute_names)
		return r;
	if (s->below_root == NULL)
		r = contained_open(&s->below_root, "/", err);
	*below = s->below_root;
	return r;
}

/* What is to happen when something is there already; says it, where it is to be said. */
static bool may_replace(const struct tree_sink *s) {
	return s->options->existing == EXISTING_REPLACE ||
	    s->options->existing == EXISTING_KEEP_NEWER;
}

static int existing_stays(struct tree_sink *s, const struct entry *e) {
	if (s->options->existing == EXISTING_KEEP)
		report_failure(s->report, e->name, "Cannot open: %s", strerror(EEXIST));
	return TARN_OK;
}

/* --keep-newer-files: true when what is there is not older than the member. */
static bool is_kept_as_newer(struct tree_sink *s, struct contained *below, const struct entry *e) {
	struct error err;
	struct stat st;

	if (s->options->existing != EXISTING_KEEP_NEWER ||
	    contained_stat(below, &s->path, &st, &err) != TARN_OK || S_ISDIR(st.st_mode))
		return false;
	if (st.st_mtim.tv_sec < e->mtime.tv_sec ||
	    (st.st_mtim.tv_sec == e->mtime.tv_sec && st.st_mtim.tv_nsec < e->mtime.tv_nsec))
		return false;
	report_note(s->report, e->name, "Current file is newer or same age");
	return true;
}

static int write_all(int fd, const char *data, size_t nbytes, off_t offset, struct error *err) {
	ssize_t n;

	while (nbytes > 0) {
		n = pwrite(fd, data, nbytes, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, TARN_ESYSTEM, errno, "Cannot write");
		data += n;
		nbytes -= (size_t)n;
		offset += n;
	}
	return TARN_OK;
}

/* Write the content that ${from} has for ${e}; what lies between its blocks stays a hole. */
static int write_content(int fd, const struct entry *e, struct source *from, struct error *err) {
	struct block block;
	off_t end = 0;
	int r;

	while ((r = from->read(from, &block, err)) == TARN_OK) {
		r = write_all(fd, block.data, block.nbytes, block.offset, err);
		if (r != TARN_OK)
			return r;
		end = block.offset + (off_t)block.nbytes;
	}
	if (r != TARN_END)
		return r;
	if (end < e->size && ftruncate(fd, e->size) != 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot extend");
	return TARN_OK;
}

/* Metadata, the name, and the ladder's memory, for what was made as ${fresh}. */
static int complete(
    struct tree_sink *s, struct fresh *fresh, const struct entry *e, struct error *err) {
	metadata_apply(&s->policy, fresh->fd, &fresh->st, e, e->name);
	if (link_ladder_restored(s->ladder, &fresh->st, err) != TARN_OK)
		return (int)err->code;
	return contained_commit(fresh, err);
}

static int put_file(struct tree_sink *s, struct contained *below, const struct entry *e,
    struct source *from, struct error *err) {
	struct fresh fresh = { .fd = -1 };
	int r = contained_create(below, &s->path, may_replace(s), &fresh, err);

	if (r == TARN_OK)
		r = write_content(fresh.fd, e, from, err);
	if (r == TARN_OK)
		r = complete(s, &fresh, e, err);
	contained_discard(&fresh);
	return r;
}

static int put_symlink(
    struct tree_sink *s, struct contained *below, const struct entry *e, struct error *err) {
	struct fresh fresh = { .fd = -1 };
	int r;

	if (e->target == NULL || *e->target == '\0')
		return err_set(err, TARN_EFORMAT, 0, "Symbolic link without a target");
	r = contained_symlink(below, &s->path, e->target, may_replace(s), &fresh, err);
	if (r == TARN_OK)
		r = complete(s, &fresh, e, err);
	contained_discard(&fresh);
	return r;
}

static int put_special(
    struct tree_sink *s, struct contained *below, const struct entry *e, struct error *err) {
	struct fresh fresh = { .fd = -1 };
	int r;

	if (e->type != ENTRY_FIFO && !s->policy.trusted) {
		report_count(s->report, REPORT_LEFT_DEVICE, 0);
		return link_ladder_left_out(s->ladder, &s->path, err);
	}
	r = contained_mknod(below, &s->path, entry_type_mode(e->type) | 0600,
	    makedev(e->rdev_major, e->rdev_minor), may_replace(s), &fresh, err);
	if (r == TARN_OK)
		r = complete(s, &fresh, e, err);
	contained_discard(&fresh);
	return r;
}

/*
 * A link member with content.  Where the file that it names is still empty the content was kept for
 * the last name, as cpio does; elsewhere it is the same content once more.
 */
static int fill_linked(struct tree_sink *s, struct contained *below, const struct stat *st,
    const struct entry *e, struct source *from, struct error *err) {
	struct stat opened;
	int fd = -1, r;

	if (st->st_size != 0 || !S_ISREG(st->st_mode))
		return TARN_OK;
	r = contained_open_existing(below, &s->path, O_RDWR, &fd, err);
	if (r != TARN_OK)
		return r;
	if (fstat(fd, &opened) != 0 || opened.st_dev != st->st_dev || opened.st_ino != st->st_ino) {
		r = err_set(err, TARN_EREFUSED, 0, "Replaced while it was extracted");
		goto done;
	}
	r = write_content(fd, e, from, err);
	metadata_apply(&s->policy, fd, &opened, e, e->name);
done:
	close(fd);
	return r;
}

static int put_later_name(struct tree_sink *s, struct contained *below, const struct entry *e,
    struct source *from, struct error *err) {
	struct contained *below_first;
	struct stat st;
	int r = place(s, &s->first, e->first_name, &below_first, err);

	if (r != TARN_OK)
		return r;
	if (s->first.dropped > 0 && !s->options->absolute_names)
		report_once(s->report, &s->said_leading_target,
		    "Removing leading `/' from hard link targets");
	if (below_first != below)
		return err_set(err, TARN_EREFUSED, 0, "It is below another destination");
	if (member_path_equal(&s->first, &s->path)) {
		r = contained_stat(below, &s->path, &st, err);
		return r == TARN_OK ? TARN_OK :
		                      err_set(err, TARN_EREFUSED, 0, "It is a link to itself");
	}
	r = link_ladder_add(s->ladder, below, &s->first, &s->path, may_replace(s), &st, err);
	if (r == TARN_END) {
		report_count(s->report, REPORT_LEFT_DEVICE, 0);
		return link_ladder_left_out(s->ladder, &s->path, err);
	}
	if (e->size == 0)
		return r;
	if (r == TARN_EREFUSED)
		return put_file(s, below, e, from, err);
	return r == TARN_OK ? fill_linked(s, below, &st, e, from, err) : r;
}

/* Copy ${text} to *${to} and go on behind it; NULL stays NULL. */
static const char *store(char **to, const char *text) {
	const char *at = *to;

	if (text == NULL)
		return NULL;
	*to = stpcpy(*to, text) + 1;
	return at;
}

static size_t text_nbytes(const char *text) {
	return text != NULL ? strlen(text) + 1 : 0;
}

/* A copy of ${e} that outlives it, for the directory ${st}.  NULL without memory. */
static struct late_directory *late_directory_new(const struct entry *e, const struct stat *st) {
	size_t nbytes = e->nxattrs * sizeof(struct xattr) + text_nbytes(e->name) +
	    text_nbytes(e->uname) + text_nbytes(e->gname) + text_nbytes(e->acl_access) +
	    text_nbytes(e->acl_default);
	struct late_directory *d;
	struct xattr *xattrs;
	char *at;

	for (size_t i = 0; i < e->nxattrs; i++)
		nbytes += text_nbytes(e->xattrs[i].name) + e->xattrs[i].nbytes;
	d = malloc(sizeof(*d) + nbytes);
	if (d == NULL)
		return NULL;
	*d = (struct late_directory){ .dev = st->st_dev, .ino = st->st_ino, .entry = *e };
	xattrs = (struct xattr *)(void *)d->storage;
	at = d->storage + e->nxattrs * sizeof(*xattrs);
	for (size_t i = 0; i < e->nxattrs; i++) {
		xattrs[i] = e->xattrs[i];
		xattrs[i].value = memcpy(at, e->xattrs[i].value, e->xattrs[i].nbytes);
		at += e->xattrs[i].nbytes;
		xattrs[i].name = store(&at, e->xattrs[i].name);
	}
	d->entry.xattrs = xattrs;
	d->entry.name = store(&at, e->name);
	d->entry.uname = store(&at, e->uname);
	d->entry.gname = store(&at, e->gname);
	d->entry.acl_access = store(&at, e->acl_access);
	d->entry.acl_default = store(&at, e->acl_default);
	return d;
}

static int put_directory(
    struct tree_sink *s, struct contained *below, const struct entry *e, struct error *err) {
	struct late_directory *d;
	struct stat st;
	bool made;
	int fd, r = contained_mkdir(below, &s->path, may_replace(s), &fd, &made, err);

	if (r != TARN_OK)
		return r;
	r = fstat(fd, &st);
	close(fd);
	if (r != 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot stat");
	if (!made && s->options->keep_directory_mode)
		return TARN_OK;
	if (s->nlate == s->late_capacity) {
		size_t capacity = s->late_capacity * 2 + 64;
		struct late_directory **late = reallocarray(s->late, capacity, sizeof(*late));

		if (late == NULL)
			return err_nomem(err);
		s->late = late;
		s->late_capacity = capacity;
	}
	d = late_directory_new(e, &st);
	if (d == NULL)
		return err_nomem(err);
	d->depth = s->path.depth;
	d->number = s->nlate;
	s->late[s->nlate++] = d;
	return TARN_OK;
}

static int put(struct tree_sink *s, const struct entry *e, struct source *from, struct error *err) {
	struct contained *below;
	int r = place(s, &s->path, e->name, &below, err);

	if (r != TARN_OK)
		return r;
	if (s->path.dropped > 0 && !s->options->absolute_names)
		report_once(s->report, &s->said_leading, "Removing leading `/' from member names");
	if (e->type != ENTRY_DIRECTORY && is_kept_as_newer(s, below, e))
		return TARN_OK;
	if (e->first_name != NULL)
		return put_later_name(s, below, e, from, err);
	switch (e->type) {
	case ENTRY_FILE:
		return put_file(s, below, e, from, err);
	case ENTRY_DIRECTORY:
		return put_directory(s, below, e, err);
	case ENTRY_SYMLINK:
		return put_symlink(s, below, e, err);
	case ENTRY_FIFO:
	case ENTRY_CHAR_DEVICE:
	case ENTRY_BLOCK_DEVICE:
		return put_special(s, below, e, err);
	case ENTRY_SOCKET:
		break;
	}
	return err_set(err, TARN_EFORMAT, 0, "Unknown file type");
}

static int tree_sink_put(
    struct sink *sink, const struct entry *e, struct source *from, struct error *err) {
	struct tree_sink *s = (struct tree_sink *)sink;
	int r = put(s, e, from, err);

	if (r == TARN_OK || r == TARN_ENOMEM)
		return r;
	if (r == TARN_EXISTS)
		return existing_stays(s, e);
	report_error(s->report, e->name, err);
	return TARN_OK;
}

/* The deepest first; of the same name the earlier member first, so that the last one wins. */
static int compare_late(const void *a, const void *b) {
	const struct late_directory *x = *(struct late_directory *const *)a;
	const struct late_directory *y = *(struct late_directory *const *)b;

	if (x->depth != y->depth)
		return x->depth > y->depth ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

static int finish_directory(
    struct tree_sink *s, const struct late_directory *d, struct error *err) {
	struct contained *below;
	struct stat st;
	int fd, r = place(s, &s->path, d->entry.name, &below, err);

	if (r == TARN_OK)
		r = contained_open_existing(below, &s->path, O_RDONLY | O_DIRECTORY, &fd, err);
	if (r != TARN_OK)
		return r;
	if (fstat(fd, &st) != 0)
		r = err_set(err, TARN_ESYSTEM, errno, "Cannot stat");
	else if (st.st_dev != d->dev || st.st_ino != d->ino)
		r = err_set(err, TARN_EREFUSED, 0,
		    "Directory was replaced before its metadata could be set");
	else
		metadata_apply(&s->policy, fd, &st, &d->entry, d->entry.name);
	close(fd);
	return r;
}

static int tree_sink_finish(struct sink *sink, struct error *err) {
	struct tree_sink *s = (struct tree_sink *)sink;

	if (s->nlate > 0)
		qsort(s->late, s->nlate, sizeof(struct late_directory *), compare_late);
	for (size_t i = 0; i < s->nlate; i++) {
		if (finish_directory(s, s->late[i], err) != TARN_OK)
			report_error(s->report, s->late[i]->entry.name, err);
	}
	return TARN_OK;
}

static void tree_sink_free(struct sink *sink) {
	struct tree_sink *s = (struct tree_sink *)sink;

	if (s == NULL)
		return;
	for (size_t i = 0; i < s->nlate; i++)
		free(s->late[i]);
	free(s->late);
	member_path_fini(&s->path);
	member_path_fini(&s->first);
	link_ladder_free(s->ladder);
	contained_free(s->below_root);
	contained_free(s->below);
	free(s);
}

struct sink *tree_sink_new(const struct options *o, const char *destination, struct owners *owners,
    struct report *report, struct error *err) {
	struct tree_sink *s = calloc(1, sizeof(*s));

	if (s == NULL || (s->ladder = link_ladder_new(report)) == NULL) {
		err_nomem(err);
		goto fail;
	}
	s->base.put = tree_sink_put;
	s->base.finish = tree_sink_finish;
	s->base.free = tree_sink_free;
	s->options = o;
	s->report = report;
	metadata_policy_init(&s->policy, o, owners, report);
	if (contained_open(&s->below, destination, err) != TARN_OK)
		goto fail;
	return &s->base;
fail:
	tree_sink_free(s != NULL ? &s->base : NULL);
	return NULL;
}
