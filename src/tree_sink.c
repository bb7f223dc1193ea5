#include "config.h"

#include "tree_sink.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "date.h"
#include "destination.h"
#include "known_members.h"
#include "late_directories.h"
#include "link_ladder.h"
#include "metadata.h"
#include "new_member.h"
#include "unput_member.h"

/*
 * Here is decided what becomes of each member and of what lies at its place.  How it is made is up
 * to new_member.h and, for later names, link_ladder.h.
 *
 * Directories are made open to the user and remembered.  They get their metadata at the end
 * (late_directories.h): before that it could keep the user out, and everything made in them would
 * change their mtime again.
 *
 * run_read opens one such sink for each destination, and more beside it where several threads
 * extract (lanes.h).  Each thread has a sink of its own; what they share is in struct shared.
 */

/* What all sinks for one destination have in common. */
struct shared {
	/* Both have locks of their own. */
	struct known_members known;
	struct link_ladder *ladder;
	/* Only the owner's thread adds and takes; any may ask late_directories_is. */
	struct late_directories late;
	bool said_leading, said_leading_target; /* only report_once touches them, under its lock */
};

struct tree_sink {
	struct sink base;
	const struct options *options;
	struct report *report;
	struct metadata_policy policy;
	struct destination destination;
	struct shared *shared; /* with the sinks beside this one */
	bool owns_shared;      /* false of those beside, which are freed before */
	bool is_finishing;     /* a directory has got its metadata: nothing more is made */
	/*
	 * The places of the member that is being put and of its first name, and what both are
	 * below.  put_whole_name may make first that of a leader (leaders.h).
	 */
	struct member_path path, first;
	struct contained *below;
};

static bool may_replace(const struct tree_sink *s) {
	return s->options->existing == EXISTING_REPLACE ||
	    s->options->existing == EXISTING_KEEP_NEWER;
}

/* Make s->path, below s->below, the place of ${e}. */
static int place(struct tree_sink *s, const struct entry *e, struct error *err) {
	return destination_place(&s->destination, e->name, &s->path, &s->below, err);
}

/* Make s->first the place of ${e}'s first name.  TARN_NO_FIRST: it can have none below s->below. */
static int place_first(struct tree_sink *s, const struct entry *e, struct error *err) {
	struct contained *below;
	int r = destination_place(&s->destination, e->first_name, &s->first, &below, err);

	/* What cannot be a name here is no name that was extracted. */
	if (r == TARN_EREFUSED)
		err->code = r = TARN_NO_FIRST;
	if (r != TARN_OK)
		return r;
	if (s->first.dropped > 0 && !s->options->absolute_names)
		report_once(s->report, &s->shared->said_leading_target,
		    "Removing leading `/' from hard link targets");
	return below == s->below ?
	    TARN_OK :
	    err_set(err, TARN_NO_FIRST, 0, "it is below another destination");
}

/*
 * May ${st}, which lies at the place of ${e}, be older after all, although its mtime is not before
 * that of the header?  Of a later name this mostly tells the seconds alone, or not even those.
 * What lies at the first name has the rest, if this run made it; if not, the link ladder will find
 * out.
 */
static bool may_be_older(struct tree_sink *s, const struct entry *e, const struct stat *st) {
	struct error err;
	struct stat first;

	if (e->first_name == NULL || e->is_whole || e->mtime.tv_nsec != 0 ||
	    (e->mtime.tv_sec != 0 && e->mtime.tv_sec != st->st_mtim.tv_sec))
		return false;
	if (place_first(s, e, &err) != TARN_OK ||
	    contained_stat(s->below, &s->first, &first, &err) != TARN_OK)
		return true;
	return (e->mtime.tv_sec != 0 && e->mtime.tv_sec != first.st_mtim.tv_sec) ||
	    date_is_before(st->st_mtim, first.st_mtim);
}

/* --keep-newer-files: TARN_EXISTS, and said, when what is there is not older than the member. */
static int keep_newer(struct tree_sink *s, const struct entry *e, struct error *err) {
	struct stat st;
	int r;

	if (s->options->existing != EXISTING_KEEP_NEWER || e->type == ENTRY_DIRECTORY)
		return TARN_OK;
	r = contained_stat(s->below, &s->path, &st, err);
	/* Where it cannot be looked at it may as well be newer. */
	if (r != TARN_OK)
		return err->errnum == ENOENT ? TARN_OK : r;
	if (S_ISDIR(st.st_mode) || contained_is_unfinished(&st) ||
	    date_is_before(st.st_mtim, e->mtime) || may_be_older(s, e, &st))
		return TARN_OK;
	report_note(s->report, NULL, "Current '%s' is newer or same age", e->name);
	return err_set(err, TARN_EXISTS, EEXIST, "Cannot open");
}

/* Is ${st} the inode at the place of the first name, so that there is nothing to do? */
static bool is_at_first(struct tree_sink *s, const struct stat *st) {
	struct error err;
	struct stat first;

	return contained_stat(s->below, &s->first, &first, &err) == TARN_OK &&
	    contained_is_same(&first, st);
}

/*
 * Put ${name}, which comes with its own content, as ${m} says.  Where its first name is missing,
 * the file made for an earlier one of its names stands in for it, if that proves to be the same.
 */
static int put_whole_name(
    struct tree_sink *s, struct new_member *m, const struct later_name *name, struct error *err) {
	struct link_ladder *ladder = s->shared->ladder;
	uint64_t group =
	    link_ladder_group(ladder, m->name != NULL ? &s->first : NULL, name->member);
	struct error lost;
	struct stat st;
	bool has_first;
	int r;

	has_first = m->name != NULL && contained_stat(s->below, &s->first, &st, err) == TARN_OK &&
	    known_members_has(&s->shared->known, name->member, &st);
	if (!has_first) {
		r = link_ladder_leader(ladder, group, name->member, &s->first, err);
		if (r == TARN_ENOMEM)
			return r;
		if (r == TARN_OK)
			m->name = name;
	}
	r = new_member_put(m, err);
	/* A file of its own, and no link to any other, leads the names that follow. */
	if (r != TARN_OK || has_first ||
	    contained_stat(s->below, &s->path, &st, &lost) != TARN_OK ||
	    (m->name != NULL && is_at_first(s, &st)))
		return r;
	return link_ladder_lead(ladder, group, name->member, &s->path, &st, err);
}

/*
 * Put ${m}, a later name whose place is s->path: as a link, or with the content that it brings.
 * TARN_NO_FIRST when it has none, and there is nothing to link to.
 */
static int put_later_name(struct tree_sink *s, struct new_member *m, struct error *err) {
	const struct entry *e = m->e;
	struct later_name name = {
		.name = e->name,
		.member = entry_member(e),
		.first = &s->first,
		.path = m->path,
		.replace = m->replace,
	};
	struct stat st;
	int placed, r;

	r = placed = place_first(s, e, err);
	/* What exists and stays needs no first name, so it is not waited for. */
	if (!name.replace && contained_stat(s->below, &s->path, &st, err) == TARN_OK) {
		/* An older version of this very member gives way to the newer one. */
		name.replace = contained_is_unfinished(&st) ||
		    known_members_has(&s->shared->known, name.member, &st);
		if (!name.replace && placed == TARN_OK && is_at_first(s, &st))
			return TARN_OK;
		if (!name.replace)
			return err_set(err, TARN_EXISTS, EEXIST, "Cannot link");
	}
	/*
	 * What is whole is compared with what it would be linked to: in old cpio formats, whose
	 * inode numbers have few bits, it may be another file.
	 */
	if (r == TARN_OK && !e->is_whole)
		r = link_ladder_add(s->shared->ladder, s->below, &name, err);
	else if (r == TARN_OK)
		r = TARN_NO_FIRST;
	if (r != TARN_NO_FIRST || !e->is_whole)
		return r;
	m->replace = name.replace;
	m->name = placed == TARN_OK ? &name : NULL;
	return put_whole_name(s, m, &name, err);
}

/* Do directories that exist keep their metadata? */
static bool keeps_directories(const struct tree_sink *s) {
	return s->options->keep_directory_mode || s->options->existing == EXISTING_KEEP;
}

/* Make ${e} at s->path, or find it there, and keep its metadata for the end. */
static int put_directory(struct tree_sink *s, const struct entry *e, struct error *err) {
	struct wanted_directory wanted = { .mode = 0700 | metadata_early_mode(e),
		.replace = may_replace(s) };
	struct entry owned = *e;
	char *name = NULL;
	bool is_new;
	int r = destination_has_link_for(&s->destination, s->below, &s->path, err);

	/* What it leads to is another directory: its metadata are its own. */
	if (r != TARN_END)
		return r;
	r = contained_mkdir(s->below, &s->path, &wanted, err);
	if (r == TARN_OK && wanted.made)
		r = known_members_made_directory(&s->shared->known, &s->path, err);
	if (r != TARN_OK || (!wanted.made && keeps_directories(s)))
		return r;
	metadata_resolve_owner(&s->policy, &owned);
	if (s->options->keep_directory_symlink) {
		owned.name = name = destination_name(&s->destination, s->below, &s->path);
		if (name == NULL)
			return err_nomem(err);
	}
	/*
	 * Otherwise an earlier directory of this run may have been there.  If this one got its
	 * inode number, both records match it, and only their order makes the later one win.
	 */
	is_new = wanted.made && !wanted.replaced && !s->options->recursive_unlink;
	/* With another number the earlier record fails: was_replaced_by_member must see why. */
	if (wanted.made && !is_new)
		r = link_ladder_is(s->shared->ladder, entry_member(e), &wanted.st, err);
	if (r == TARN_OK)
		r = late_directories_add(
		    &s->shared->late, &owned, s->path.depth, &wanted.st, is_new, err);
	free(name);
	return r;
}

/* Is ${e} a device that only -p restores, or another name of one? */
static bool is_left_out(const struct tree_sink *s, const struct entry *e) {
	if (e->type == ENTRY_CHAR_DEVICE || e->type == ENTRY_BLOCK_DEVICE)
		return !s->policy.trusted;
	return e->first_name != NULL && known_members_left_out(&s->shared->known, entry_member(e));
}

/*
 * --recursive-unlink: a directory at the place of ${e} gives way.  Not to a name for which there is
 * nothing to link to: it may come to nothing.
 */
static int clear_place(struct tree_sink *s, const struct entry *e, struct error *err) {
	struct later_name name = { .member = entry_member(e), .first = &s->first };
	struct stat st;
	int r = TARN_OK;

	if (!s->options->recursive_unlink ||
	    (e->type == ENTRY_DIRECTORY && e->first_name == NULL) ||
	    contained_stat(s->below, &s->path, &st, err) != TARN_OK || !S_ISDIR(st.st_mode))
		return TARN_OK;
	if (e->first_name != NULL && !e->is_whole) {
		r = place_first(s, e, err);
		if (r == TARN_OK)
			r = link_ladder_find(s->shared->ladder, s->below, &name, err);
	}
	return r == TARN_OK ? contained_remove_tree(s->below, &s->path, err) : r;
}

/* Whether ${e} is put at all is decided first: nothing gives way for what is older or left out. */
static int put_at(
    struct tree_sink *s, const struct entry *e, struct source *from, struct error *err) {
	struct new_member m = {
		.policy = &s->policy,
		.known = &s->shared->known,
		.ladder = s->shared->ladder,
		.below = s->below,
		.path = &s->path,
		.e = e,
		.from = from,
		.replace = may_replace(s),
	};
	int r;

	if (s->path.dropped > 0 && !s->options->absolute_names)
		report_once(
		    s->report, &s->shared->said_leading, "Removing leading `/' from member names");
	r = keep_newer(s, e, err);
	if (r == TARN_OK && is_left_out(s, e)) {
		report_count(s->report, REPORT_LEFT_DEVICE, e->name, 0);
		return known_members_leave_out(&s->shared->known, entry_own_member(e), err);
	}
	if (r == TARN_OK)
		r = clear_place(s, e, err);
	if (r != TARN_OK)
		return r;
	if (e->first_name != NULL)
		r = put_later_name(s, &m, err);
	else if (e->type == ENTRY_DIRECTORY)
		r = put_directory(s, e, err);
	else
		r = new_member_put(&m, err);
	if (r == TARN_OK)
		known_members_came(&s->shared->known, entry_own_member(e));
	return r;
}

static int put(struct tree_sink *s, const struct entry *e, struct source *from, struct error *err) {
	struct error put_err;
	int r = place(s, e, err);

	if (r != TARN_OK)
		return r;
	r = put_at(s, e, from, err);
	/* Also a name that waits for its first: until then an earlier member may lie there. */
	if (r != TARN_ENOMEM &&
	    link_ladder_put(s->shared->ladder, &s->path, r == TARN_OK, &put_err) != TARN_OK)
		return err_nomem(err);
	if (r == TARN_ESYSTEM && unput_member_may_be_forbidden(e, err) &&
	    contained_lies_foreign(s->below, &s->path))
		err->code = r = TARN_NO_NAME;
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

/* Give ${e} its metadata, if what lies at its place is what was added. */
static int finish_directory(
    struct tree_sink *s, const struct entry *e, size_t number, struct error *err) {
	struct stat st;
	int fd, r = place(s, e, err);

	if (r == TARN_OK)
		r = contained_borrow_directory(s->below, &s->path, &fd, err);
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

/* Is what lies at the place of ${e} now a later member?  Then its metadata is not missed. */
static bool was_replaced_by_member(struct tree_sink *s, const struct entry *e, size_t number) {
	struct error err;
	struct stat st;

	/* Anew, as contained_borrow_directory has gone into the path. */
	return place(s, e, &err) == TARN_OK &&
	    contained_stat(s->below, &s->path, &st, &err) == TARN_OK &&
	    !late_directories_is(&s->shared->late, number, &st) &&
	    known_members_has_any(&s->shared->known, &st);
}

int tree_sink_next_directory(
    struct sink *sink, struct entry *e, size_t *number, struct error *err) {
	struct tree_sink *s = (struct tree_sink *)sink;

	return late_directories_next(&s->shared->late, true, e, number, err);
}

void tree_sink_finish_directory(struct sink *sink, const struct entry *e, size_t number) {
	struct tree_sink *s = (struct tree_sink *)sink;
	struct error err;

	/* What is held was opened while members were made, and may not be what lies there now. */
	if (!s->is_finishing) {
		contained_forget_held(s->destination.directory);
		if (s->destination.root != NULL)
			contained_forget_held(s->destination.root);
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

	/* All of them, or those whose order matters when several threads did the others. */
	while ((r = late_directories_next(&s->shared->late, false, &e, &number, err)) == TARN_OK)
		tree_sink_finish_directory(sink, &e, number);
	if (r != TARN_END)
		return r;
	if (!s->options->fsync)
		return TARN_OK;
	if (s->destination.root != NULL && contained_sync(s->destination.root, err) != TARN_OK)
		return (int)err->code;
	return contained_sync(s->destination.directory, err);
}

static void tree_sink_free(struct sink *sink) {
	struct tree_sink *s = (struct tree_sink *)sink;

	if (s == NULL)
		return;
	member_path_fini(&s->path);
	member_path_fini(&s->first);
	if (s->owns_shared && s->shared != NULL) {
		link_ladder_free(s->shared->ladder);
		known_members_fini(&s->shared->known);
		late_directories_fini(&s->shared->late);
		free(s->shared);
	}
	destination_fini(&s->destination);
	free(s);
}

int tree_sink_directory(const struct sink *sink) {
	return contained_directory(((const struct tree_sink *)sink)->destination.directory);
}

/* A sink without policy and destination, which can already be freed; NULL when out of memory. */
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
	if (s->shared != NULL) {
		known_members_init(&s->shared->known, o);
		s->shared->ladder = link_ladder_new(o->links, &s->shared->known, limits, report);
	}
	if (s->shared == NULL || s->shared->ladder == NULL) {
		err_nomem(err);
		goto fail;
	}
	if (destination_open(&s->destination, o, destination, err) != TARN_OK)
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
	/* A copy, as metadata_policy_init changes the umask for a moment: that of all threads. */
	s->policy = like->policy;
	s->shared = like->shared;
	if (destination_open_again(&s->destination, &like->destination, nsinks, err) != TARN_OK) {
		tree_sink_free(&s->base);
		return NULL;
	}
	return &s->base;
}

bool tree_sink_takes_threads(const struct sink *sink) {
	return contained_tells_names(((const struct tree_sink *)sink)->destination.directory);
}
