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
#include "date.h"
#include "file_writer.h"
#include "late_directories.h"
#include "link_ladder.h"
#include "metadata.h"
#include "unput_member.h"

/*
 * Each member is made under the destination, gets its content and metadata through a descriptor,
 * and only then its name, where something else has that name.  Directories are made open to the user,
 * remembered, and get their metadata at the end (late_directories.h), when nothing more will be made in
 * them.
 */

/* A larger file is hidden: that costs little beside its content, of which a killed run would leave as much. */
#define SMALL_NBYTES ((off_t)128 << 10)

struct shared {
	struct link_ladder *ladder;
	struct late_directories late; /* of the one that owns it */
	bool said_leading, said_leading_target;
};

struct tree_sink {
	struct sink base;
	const struct options *options;
	struct report *report;
	struct metadata_policy policy;
	struct contained *below;      /* the destination */
	struct contained *below_root; /* "/", for absolute names with -P; NULL until needed */
	struct shared *shared;        /* with the sinks beside this one */
	bool owns_shared;
	bool is_finishing;
	struct member_path path, first;
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

static bool may_replace(const struct tree_sink *s) {
	return s->options->existing == EXISTING_REPLACE ||
	    s->options->existing == EXISTING_KEEP_NEWER;
}

/* --keep-newer-files: TARN_EXISTS, and said, when what is there is not older than the member. */
static int keep_newer(
    struct tree_sink *s, struct contained *below, const struct entry *e, struct error *err) {
	struct stat st;
	int r;

	if (s->options->existing != EXISTING_KEEP_NEWER || e->type == ENTRY_DIRECTORY)
		return TARN_OK;
	r = contained_stat(below, &s->path, &st, err);
	if (r != TARN_OK)
		return err->errnum == ENOENT ? TARN_OK : r;
	if (S_ISDIR(st.st_mode) || contained_is_unfinished(&st) ||
	    date_is_before(st.st_mtim, e->mtime))
		return TARN_OK;
	report_note(s->report, NULL, "Current '%s' is newer or same age", e->name);
	return err_set(err, TARN_EXISTS, EEXIST, "Cannot open");
}

/* What is to be made under s->path: no directory. */
struct making {
	struct contained *below;
	const struct entry *e;
	struct source *from;
	/*
	 * NULL, or it is another name of a member that brings its own content.  Only when what lies
	 * at the place of the first name, be it from this run or one before, is equal in content and
	 * metadata, it is linked to.
	 */
	const struct later_name *name;
	bool replace;
};

static void find_twin(const struct making *m, struct twin *twin) {
	int flags = m->e->type == ENTRY_FILE ? O_RDONLY : O_PATH, fd;
	struct error err;

	twin->fd = -1;
	if (m->name != NULL &&
	    contained_open_existing(m->below, m->name->first, flags, &fd, &err) == TARN_OK)
		twin_init(twin, fd);
}

/* Metadata, the ladder's memory and the name for what was made as ${fresh}. */
static int complete(struct tree_sink *s, const struct making *m, struct fresh *fresh,
    const struct twin *twin, struct error *err) {
	int r;

	metadata_apply(&s->policy, fresh->fd, &fresh->st, m->e, m->e->name);
	if (!twin_is_same(twin, fresh->fd)) {
		r = link_ladder_is(s->shared->ladder, entry_member(m->e), &fresh->st, err);
		return r == TARN_OK ? contained_commit(fresh, err) : r;
	}
	contained_discard(fresh);
	r = link_ladder_is(s->shared->ladder, m->name->member, &twin->st, err);
	if (r != TARN_OK)
		return r;
	link_ladder_is_at(s->shared->ladder, m->name->first);
	return link_ladder_add(s->shared->ladder, m->below, m->name, err);
}

/*
 * The mode of what others can reach before it has its owner.  Nobody but the user may change it, and as the
 * group may not be the right one yet, that and others may only read what both may in the end.
 */
static mode_t early_mode(const struct entry *e) {
	mode_t all = e->mode & e->mode << 3 & 050;

	return e->acl_access == NULL ? (e->mode & 0700) | all | all >> 3 : 0600;
}

static enum early_name early_name(const struct tree_sink *s, const struct entry *e) {
	/* The ACL comes after the mode, and attributes are for what the user may write to. */
	if (e->size > SMALL_NBYTES || s->policy.acls || (s->policy.xattrs && e->nxattrs > 0))
		return EARLY_NAME_NONE;
	/* What lacks only metadata need not say so where it is made again in any case. */
	return e->size == 0 && s->options->existing == EXISTING_REPLACE ? EARLY_NAME_READY :
	                                                                  EARLY_NAME_UNFINISHED;
}

static int put_file(struct tree_sink *s, const struct making *m, struct error *err) {
	enum early_name early = early_name(s, m->e);
	struct new_file file = {
		.mode = early == EARLY_NAME_READY ? early_mode(m->e) : m->e->mode & 0777,
		.early_name = early,
		.replace = m->replace,
	};
	struct fresh fresh = { .fd = -1 };
	struct twin twin;
	int r;

	find_twin(m, &twin);
	r = contained_create(m->below, &s->path, &file, &fresh, err);
	if (r == TARN_OK)
		r = file_write(fresh.fd, m->e, m->from, &twin, err);
	/* This ends the run, and what limits the archive as a whole knows no names. */
	if (r == TARN_ELIMIT)
		err_wrap(err, "%s", m->e->name);
	if (r == TARN_OK)
		r = complete(s, m, &fresh, &twin, err);
	twin_fini(&twin);
	contained_discard(&fresh);
	return r;
}

/* Make what has no content; nothing is written to ${fresh} on a failure. */
static int make_other(
    struct tree_sink *s, const struct making *m, struct fresh *fresh, struct error *err) {
	const struct entry *e = m->e;

	if (e->type != ENTRY_SYMLINK)
		return contained_mknod(m->below, &s->path, entry_type_mode(e->type) | 0600,
		    makedev(e->rdev_major, e->rdev_minor), m->replace, fresh, err);
	if (e->target == NULL || *e->target == '\0')
		return err_set(err, TARN_EFORMAT, 0, "Symbolic link without a target");
	return contained_symlink(m->below, &s->path, e->target, m->replace, fresh, err);
}

/* True when something could not be made because the file system has no such thing. */
static bool is_not_held(int r, const struct error *err) {
	return r == TARN_ESYSTEM &&
	    (err->errnum == EPERM || err->errnum == ENOSYS || err->errnum == EOPNOTSUPP);
}

static int put_other(struct tree_sink *s, const struct making *m, struct error *err) {
	struct fresh fresh = { .fd = -1 };
	struct twin twin;
	int r = make_other(s, m, &fresh, err);

	if (is_not_held(r, err))
		return (int)(err->code = TARN_UNHELD);
	find_twin(m, &twin);
	if (r == TARN_OK)
		r = complete(s, m, &fresh, &twin, err);
	twin_fini(&twin);
	contained_discard(&fresh);
	return r;
}

static int make(struct tree_sink *s, const struct making *m, struct error *err) {
	switch (m->e->type) {
	case ENTRY_FILE:
		return put_file(s, m, err);
	case ENTRY_SYMLINK:
	case ENTRY_FIFO:
	case ENTRY_CHAR_DEVICE:
	case ENTRY_BLOCK_DEVICE:
		return put_other(s, m, err);
	default:
		return err_set(err, TARN_EFORMAT, 0, "Unknown file type");
	}
}

/* Find the place of ${e}'s first name, below the same destination as ${e}. */
static int place_first(
    struct tree_sink *s, const struct contained *below, const struct entry *e, struct error *err) {
	struct contained *below_first;
	int r = place(s, &s->first, e->first_name, &below_first, err);

	/* What cannot be a name here is no name that was extracted. */
	if (r == TARN_EREFUSED)
		err->code = r = TARN_NO_FIRST;
	if (r != TARN_OK)
		return r;
	if (s->first.dropped > 0 && !s->options->absolute_names)
		report_once(s->report, &s->shared->said_leading_target,
		    "Removing leading `/' from hard link targets");
	return below_first == below ?
	    TARN_OK :
	    err_set(err, TARN_NO_FIRST, 0, "it is below another destination");
}

/* Is ${st} what lies at the place of the first name, so that there is nothing to do? */
static bool is_at_first(struct tree_sink *s, struct contained *below, const struct stat *st) {
	struct error err;
	struct stat first;

	return contained_stat(below, &s->first, &first, &err) == TARN_OK &&
	    contained_is_same(&first, st);
}

/*
 * Put ${name}, which comes with its own content, as ${m} says.  Where the first name is not there, what
 * was made of an earlier one stands in for it, if that is the same.
 */
static int put_whole_name(
    struct tree_sink *s, struct making *m, const struct later_name *name, struct error *err) {
	struct link_ladder *ladder = s->shared->ladder;
	uint64_t group = link_ladder_group(ladder, m->name != NULL ? &s->first : NULL);
	struct error lost;
	struct stat st;
	bool has_first;
	int r;

	has_first = m->name != NULL && contained_stat(m->below, &s->first, &st, err) == TARN_OK &&
	    link_ladder_knows(ladder, name->member, &st);
	if (!has_first) {
		r = link_ladder_leader(ladder, group, name->member, &s->first, err);
		if (r == TARN_ENOMEM)
			return r;
		if (r == TARN_OK)
			m->name = name;
	}
	r = make(s, m, err);
	if (r != TARN_OK || has_first ||
	    contained_stat(m->below, &s->path, &st, &lost) != TARN_OK ||
	    (m->name != NULL && is_at_first(s, m->below, &st)))
		return r;
	return link_ladder_lead(ladder, group, name->member, &s->path, &st, err);
}

static int put_later_name(struct tree_sink *s, struct contained *below, const struct entry *e,
    struct source *from, struct error *err) {
	struct later_name name = {
		.name = e->name,
		.member = entry_member(e),
		.first = &s->first,
		.path = &s->path,
		.replace = may_replace(s),
	};
	struct stat st;
	int placed, r;

	r = placed = place_first(s, below, e, err);
	if (!name.replace && contained_stat(below, &s->path, &st, err) == TARN_OK) {
		/* An older version of this very member gives way to the newer one. */
		name.replace = contained_is_unfinished(&st) ||
		    link_ladder_knows(s->shared->ladder, name.member, &st);
		if (!name.replace && placed == TARN_OK && is_at_first(s, below, &st))
			return TARN_OK;
		if (!name.replace)
			return err_set(err, TARN_EXISTS, EEXIST, "Cannot link");
	}
	/* What is whole is compared with what it would be linked to. */
	if (r == TARN_OK && !e->is_whole)
		r = link_ladder_add(s->shared->ladder, below, &name, err);
	else if (r == TARN_OK)
		r = TARN_NO_FIRST;
	if (r == TARN_NO_FIRST && e->is_whole)
		return put_whole_name(s,
		    &(struct making){
		        .below = below,
		        .e = e,
		        .from = from,
		        .name = placed == TARN_OK ? &name : NULL,
		        .replace = name.replace,
		    },
		    &name, err);
	return r;
}

/* Do directories that exist keep their metadata? */
static bool keeps_directories(const struct tree_sink *s) {
	return s->options->keep_directory_mode || s->options->existing == EXISTING_KEEP;
}

static int put_directory(
    struct tree_sink *s, struct contained *below, const struct entry *e, struct error *err) {
	struct wanted_directory wanted = { .mode = 0700 | early_mode(e),
		.replace = may_replace(s) };
	struct entry owned = *e;
	bool is_new;
	int r = contained_mkdir(below, &s->path, &wanted, err);

	if (r == TARN_OK && wanted.made && below == s->below)
		r = link_ladder_made_directory(s->shared->ladder, &s->path, err);
	if (r != TARN_OK || (!wanted.made && keeps_directories(s)))
		return r;
	metadata_resolve_owner(&s->policy, &owned);
	/* It may have the inode number of one that lay there before, and waits in its turn. */
	is_new = wanted.made && !wanted.replaced && !s->options->recursive_unlink;
	/* Or another one, which is to be known when that one's turn comes. */
	if (wanted.made && !is_new)
		r = link_ladder_is(s->shared->ladder, entry_member(e), &wanted.st, err);
	if (r != TARN_OK)
		return r;
	return late_directories_add(
	    &s->shared->late, &owned, s->path.depth, &wanted.st, is_new, err);
}

/* Devices without -p, and all their names: nothing gives way for them. */
static bool is_left_out(const struct tree_sink *s, const struct entry *e) {
	if (e->type == ENTRY_CHAR_DEVICE || e->type == ENTRY_BLOCK_DEVICE)
		return !s->policy.trusted;
	return e->first_name != NULL &&
	    link_ladder_has_left_out(s->shared->ladder, entry_member(e));
}

static int put_at(struct tree_sink *s, struct contained *below, const struct entry *e,
    struct source *from, struct error *err) {
	struct stat st;
	int r;

	if (s->path.dropped > 0 && !s->options->absolute_names)
		report_once(
		    s->report, &s->shared->said_leading, "Removing leading `/' from member names");
	r = keep_newer(s, below, e, err);
	if (r == TARN_OK && is_left_out(s, e)) {
		report_count(s->report, REPORT_LEFT_DEVICE, e->name, 0);
		return link_ladder_left_out(s->shared->ladder, entry_own_member(e), err);
	}
	if (r == TARN_OK && s->options->recursive_unlink &&
	    (e->type != ENTRY_DIRECTORY || e->first_name != NULL) &&
	    contained_stat(below, &s->path, &st, err) == TARN_OK && S_ISDIR(st.st_mode))
		r = contained_remove_tree(below, &s->path, err);
	if (r != TARN_OK)
		return r;
	if (e->first_name != NULL)
		r = put_later_name(s, below, e, from, err);
	else if (e->type == ENTRY_DIRECTORY)
		r = put_directory(s, below, e, err);
	else
		r = make(s, &(struct making){ below, e, from, NULL, may_replace(s) }, err);
	if (r == TARN_OK)
		link_ladder_came(s->shared->ladder, entry_own_member(e));
	return r;
}

static int put(struct tree_sink *s, const struct entry *e, struct source *from, struct error *err) {
	struct contained *below;
	struct error put_err;
	int r = place(s, &s->path, e->name, &below, err);

	if (r != TARN_OK)
		return r;
	r = put_at(s, below, e, from, err);
	/* Also a name that waits for its first: until then an earlier member may lie there. */
	if (r != TARN_ENOMEM &&
	    link_ladder_put(s->shared->ladder, &s->path, r == TARN_OK, &put_err) != TARN_OK)
		return err_nomem(err);
	return r;
}

static int tree_sink_put(
    struct sink *sink, const struct entry *e, struct source *from, struct error *err) {
	struct tree_sink *s = (struct tree_sink *)sink;
	int r = put(s, e, from, err);

	if (r == TARN_OK || r == TARN_ENOMEM || r == TARN_NO_FIRST || r == TARN_ELIMIT)
		return r;
	unput_member_say(s->report, s->options, e, err);
	return TARN_OK;
}

/* Give ${e} its metadata, if it is what it was when it was added. */
static int finish_directory(
    struct tree_sink *s, const struct entry *e, size_t number, struct error *err) {
	struct contained *below;
	struct stat st;
	int fd, r = place(s, &s->path, e->name, &below, err);

	if (r == TARN_OK)
		r = contained_borrow_directory(below, &s->path, &fd, err);
	if (r != TARN_OK)
		return r;
	if (fstat(fd, &st) != 0)
		return err_set(err, TARN_ESYSTEM, errno, "Cannot stat");
	if (!late_directories_is(&s->shared->late, number, &st))
		return err_set(err, TARN_EREFUSED, 0,
		    "Directory was replaced before its metadata could be set");
	metadata_apply(&s->policy, fd, &st, e, e->name);
	return TARN_OK;
}

/* Is it a later member what lies at the place of ${e} now? */
static bool was_replaced_by_member(struct tree_sink *s, const struct entry *e, size_t number) {
	struct contained *below;
	struct error err;
	struct stat st;

	return place(s, &s->path, e->name, &below, &err) == TARN_OK &&
	    contained_stat(below, &s->path, &st, &err) == TARN_OK &&
	    !late_directories_is(&s->shared->late, number, &st) &&
	    link_ladder_knows_any(s->shared->ladder, &st);
}

int tree_sink_next_directory(
    struct sink *sink, struct entry *e, size_t *number, struct error *err) {
	struct tree_sink *s = (struct tree_sink *)sink;

	return late_directories_next(&s->shared->late, true, e, number, err);
}

void tree_sink_finish_directory(struct sink *sink, const struct entry *e, size_t number) {
	struct tree_sink *s = (struct tree_sink *)sink;
	struct error err;

	if (!s->is_finishing) {
		contained_forget_held(s->below);
		if (s->below_root != NULL)
			contained_forget_held(s->below_root);
		s->is_finishing = true;
	}
	if (finish_directory(s, e, number, &err) != TARN_OK &&
	    !was_replaced_by_member(s, e, number))
		report_error(s->report, e->name, &err);
}

static int tree_sink_finish(struct sink *sink, struct error *err) {
	struct tree_sink *s = (struct tree_sink *)sink;
	struct entry e;
	size_t number;
	int r;

	while ((r = late_directories_next(&s->shared->late, false, &e, &number, err)) == TARN_OK)
		tree_sink_finish_directory(sink, &e, number);
	if (r != TARN_END)
		return r;
	if (!s->options->fsync)
		return TARN_OK;
	if (s->below_root != NULL && contained_sync(s->below_root, err) != TARN_OK)
		return (int)err->code;
	return contained_sync(s->below, err);
}

static void tree_sink_free(struct sink *sink) {
	struct tree_sink *s = (struct tree_sink *)sink;

	if (s == NULL)
		return;
	member_path_fini(&s->path);
	member_path_fini(&s->first);
	if (s->owns_shared && s->shared != NULL) {
		link_ladder_free(s->shared->ladder);
		late_directories_fini(&s->shared->late);
		free(s->shared);
	}
	contained_free(s->below_root);
	contained_free(s->below);
	free(s);
}

int tree_sink_directory(const struct sink *sink) {
	return contained_directory(((const struct tree_sink *)sink)->below);
}

static struct tree_sink *new_sink(
    const struct options *o, struct report *report, struct error *err) {
	struct tree_sink *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		err_nomem(err);
		return NULL;
	}
	s->base.put = tree_sink_put;
	s->base.finish = tree_sink_finish;
	s->base.free = tree_sink_free;
	s->options = o;
	s->report = report;
	return s;
}

struct sink *tree_sink_new(const struct options *o, const char *destination, struct owners *owners,
    struct archive_limits *limits, struct report *report, struct error *err) {
	struct tree_sink *s = new_sink(o, report, err);

	if (s == NULL)
		return NULL;
	metadata_policy_init(&s->policy, o, owners, report);
	s->owns_shared = true;
	s->shared = calloc(1, sizeof(*s->shared));
	if (s->shared == NULL || (s->shared->ladder = link_ladder_new(o, limits, report)) == NULL) {
		err_nomem(err);
		goto fail;
	}
	if (contained_open(&s->below, destination, err) != TARN_OK)
		goto fail;
	return &s->base;
fail:
	tree_sink_free(&s->base);
	return NULL;
}

struct sink *tree_sink_new_beside(const struct sink *sink, unsigned int nsinks, struct error *err) {
	const struct tree_sink *like = (const struct tree_sink *)sink;
	struct tree_sink *s = new_sink(like->options, like->report, err);

	if (s == NULL)
		return NULL;
	s->policy = like->policy;
	s->shared = like->shared;
	if (contained_open_again(&s->below, like->below, nsinks, err) != TARN_OK) {
		tree_sink_free(&s->base);
		return NULL;
	}
	return &s->base;
}

bool tree_sink_takes_threads(const struct sink *sink) {
	const struct tree_sink *s = (const struct tree_sink *)sink;

	return !s->options->absolute_names && contained_tells_names(s->below);
}
