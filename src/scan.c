#include "config.h"

#include "scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "exclusion_tag.h"
#include "key_set.h"
#include "statx_entry.h"

/*
 * The walk knows where it is (walk.h); the scan decides which names of it take part, and which
 * directories are entered.  Every name is handed out, also one that is left out, because who links
 * names must know that this one is no member.  The exceptions are directories that an earlier
 * operand has told already.
 *
 * One statx and one open a directory.  It is listed before it is handed out, as only then is it
 * known whether it can be entered, and entered by the call after that, so that the walk is at its
 * name until then.
 */

/* A file that is found by its numbers, whatever it is called: the archive, or what it replaces. */
struct left_out {
	dev_t dev;
	ino_t ino;
	bool is_said;
};

/*
 * scan_next() is called by one thread, and scan_look() perhaps by another at the same time: that
 * reads the options, the selection, the report, the update and left_out, which do not change once
 * scan_begin() was called.
 */
struct scan {
	const struct options *options;
	const struct select *select;
	struct report *report;
	struct walk walk;
	const struct operand *next_operand, *operands_end;
	dev_t operand_dev;           /* of the current operand, for --one-file-system */
	const struct update *update; /* what the archive has; empty without -u */
	struct left_out left_out[SCAN_LEAVE_OUT_MAX];
	size_t nleft_out;
	bool said_leading; /* that names lose their beginning; said for the first operand alone */
	uint64_t seed;
	/* Directories under their member names, where there are several operands. */
	struct key_set entered;

	struct scanned scanned;
	bool is_no_directory; /* as the one that it is in tells; so it needs no statx yet */
	const struct exclusion_tag *tag; /* of the directory that is entered next; or NULL */
	struct identity id;              /* of it */
};

const char *scanned_name(const struct scanned *scanned) {
	const struct walk *walk = scanned->walk;

	return walk->nbytes > scanned->nbytes_dropped ? walk->path + scanned->nbytes_dropped : ".";
}

void scanned_report_lost(const struct scanned *scanned, const struct options *o,
    struct report *report, const char *what, int errnum) {
	const struct walk *walk = scanned->walk;

	/* It was listed, so it was there; an operand may never have been. */
	if (walk->depth > 0 && (errnum == ENOENT || errnum == ESTALE || errnum == ENOTDIR))
		report_warning(report, walk->path, "File removed before we read it");
	else if (o->ignore_failed_read && (errnum == EACCES || errnum == ENOENT))
		report_note(report, walk->path, "Warning: %s: %s", what, strerror(errnum));
	else
		report_failure(report, walk->path, "%s: %s", what, strerror(errnum));
}

/*
 * How much of the operand ${name} is dropped to make member names: everything through the last
 * `..' component, and slashes.  As tar does, so that names stay below where they are extracted.
 */
static size_t leading_nbytes(const char *name) {
	size_t n = 0;

	for (const char *at = name; *at != '\0';) {
		size_t component = strcspn(at, "/");

		if (component == 2 && at[0] == '.' && at[1] == '.')
			n = (size_t)(at - name) + 2;
		at += component;
		at += strspn(at, "/");
	}
	return n + strspn(name + n, "/");
}

/* How names below ${operand} become member names; that something is dropped is said once a run. */
static void begin_member_names(struct scan *s, const char *operand) {
	size_t n = s->options->absolute_names ? 0 : leading_nbytes(operand);

	s->scanned.nbytes_dropped = n;
	if (n == 0)
		return;
	report_once(s->report, &s->said_leading, "Removing leading `%.*s' from member names",
	    (int)n, operand);
	/* The whole operand: the slash that follows it in the names below it goes as well. */
	if (operand[n] == '\0' && operand[n - 1] != '/')
		s->scanned.nbytes_dropped++;
}

/* Begin with the operand ${operand}. */
static int begin_operand(struct scan *s, const struct operand *operand, struct error *err) {
	int r = walk_begin(&s->walk, operand->directory, operand->name, err);

	if (r != TARN_OK)
		return r;
	s->scanned.operand = operand;
	begin_member_names(s, operand->name);
	return TARN_OK;
}

/*
 * Begin with the next operand whose -C can be opened; the others are said.  TARN_END: there is
 * none.
 */
static int next_operand(struct scan *s, struct error *err) {
	const struct operand *operand;
	int r;

	while (s->next_operand < s->operands_end) {
		operand = s->next_operand++;
		r = begin_operand(s, operand, err);
		if (r != TARN_ESYSTEM)
			return r;
		report_error(s->report, operand->directory, err);
	}
	return TARN_END;
}

/* Does d_type ${type} rule out a directory?  Symbolic links may lead to one, with -h. */
static bool tells_no_directory(const struct scan *s, unsigned int type) {
	return type != DT_DIR && type != DT_UNKNOWN && (type != DT_LNK || !s->options->dereference);
}

/*
 * Go to the next name: of the directory that the walk is in, or of one above, or the next operand.
 * Names of a directory that cannot be reached any more are lost: one line says it of all of them.
 */
static int step(struct scan *s, struct error *err) {
	struct walk_frame *top;

	s->is_no_directory = false;
	while ((top = walk_top(&s->walk)) != NULL) {
		if (top->next == top->names.n) {
			walk_leave(&s->walk);
			continue;
		}
		if (!top->is_lost && walk_directory_fd(&s->walk) < 0) {
			report_failure(s->report, s->walk.path,
			    "Cannot return to this directory: %s", strerror(errno));
			top->is_lost = true;
		}
		s->is_no_directory = tells_no_directory(s, top->names.names[top->next].type);
		return walk_set_name(&s->walk, directory_name(&top->names, top->next++), err);
	}
	return next_operand(s, err);
}

/* What is left out as ${id}; NULL: it is not. */
static const struct left_out *find_left_out(const struct scan *s, const struct identity *id) {
	for (size_t i = 0; i < s->nleft_out; i++) {
		if (s->left_out[i].ino == id->ino && s->left_out[i].dev == id->dev)
			return &s->left_out[i];
	}
	return NULL;
}

static bool is_too_old(const struct scan *s, const struct statx *stx, enum entry_type type) {
	const struct timespec ctime = timespec_from_statx(&stx->stx_ctime);

	return select_leaves_out_as_old(
	    s->select, type, timespec_from_statx(&stx->stx_mtime), &ctime);
}

/*
 * Does what was looked at take part?  Sockets come last: one that is too old is so in any case.
 */
static bool takes_part(const struct scan *s, const struct scanned *scanned) {
	const struct statx *stx = &scanned->stx;
	struct identity id = identity_from_statx(stx);
	const struct left_out *left_out = find_left_out(s, &id);
	enum entry_type type;

	if (!entry_type_of_mode(stx->stx_mode, &type)) {
		report_note(s->report, scanned->walk->path, "Unknown file type; file ignored");
		return false;
	}
	if (left_out != NULL && left_out->is_said)
		report_note(s->report, scanned->walk->path, "file is the archive; not dumped");
	if (left_out != NULL)
		return false;
	if (is_too_old(s, stx, type)) {
		if (s->options->verbosity > 0)
			report_note(
			    s->report, scanned->walk->path, "file is unchanged; not dumped");
		return false;
	}
	if (type != ENTRY_DIRECTORY &&
	    !update_wants(s->update, scanned_name(scanned), timespec_from_statx(&stx->stx_mtime)))
		return false;
	if (type == ENTRY_SOCKET) {
		report_note(s->report, scanned->walk->path, "socket ignored");
		return false;
	}
	return true;
}

void scan_look(const struct scan *s, struct scanned *scanned) {
	/* To look at a place where something can be mounted automatically does not mount it. */
	int flags = AT_NO_AUTOMOUNT | (s->options->dereference ? 0 : AT_SYMLINK_NOFOLLOW);
	int directory = walk_directory_fd(scanned->walk);
	bool is_there = directory != -1 &&
	    statx(directory, walk_name(scanned->walk), flags, STATX_WANTED, &scanned->stx) == 0;

	if (!is_there)
		scanned_report_lost(scanned, s->options, s->report, "Cannot stat", errno);
	scanned->is_looked_at = true;
	scanned->takes_part = is_there && takes_part(s, scanned);
}

/*
 * What leaves out the content of the current name, a directory; NULL: nothing does.  The line has
 * GNU tar's wording, which says `cache' of any tag.
 */
static const struct exclusion_tag *find_tag(struct scan *s) {
	const struct exclusion_tag *tag =
	    exclusion_tag_find(s->options, walk_directory_fd(&s->walk), walk_name(&s->walk));

	if (tag != NULL && s->options->verbosity > 0)
		report_note(s->report, s->walk.path,
		    "contains a cache directory tag %s; %s not dumped", tag->file,
		    tag->leaves == EXCLUSION_LEAVES_NOTHING ? "directory" : "contents");
	return tag;
}

/* Does something speak against entering the current name, a directory? */
static bool may_be_entered(struct scan *s) {
	if (!s->scanned.operand->recurse ||
	    (s->tag != NULL && s->tag->leaves == EXCLUSION_LEAVES_DIRECTORY))
		return false;
	/* A bind mount, a directory with two names, or with -h a symbolic link upwards. */
	if (walk_is_inside(&s->walk, s->id.dev, s->id.ino)) {
		report_warning(s->report, s->walk.path,
		    "Directory is its own ancestor: its names are not visited again");
		return false;
	}
	if (s->options->one_file_system && s->id.dev != s->operand_dev) {
		if (s->options->verbosity > 0)
			report_note(s->report, s->walk.path,
			    "file is on a different filesystem; not dumped");
		return false;
	}
	return true;
}

/*
 * The current name, a directory, as it is remembered when it is entered.  Only what is below one
 * operand may be met again below another.
 */
static uint64_t key_of_directory(const struct scan *s) {
	return key_with_numbers(
	    key_of_name(s->seed, scanned_name(&s->scanned)), (uint64_t)s->id.dev, s->id.ino);
}

/*
 * List the current name, a directory, to be entered with the next call.  One that cannot be opened
 * is a member without names below it; one that is read in part has those that were read.  Both are
 * said.
 */
static int list(struct scan *s, struct error *err) {
	int r = walk_list(&s->walk, s->id.dev, s->id.ino, s->options->sort, err);

	s->scanned.is_entered = r == TARN_OK || r == TARN_END;
	s->scanned.is_partial = r == TARN_END;
	if (r == TARN_END)
		report_error(s->report, s->walk.path, err);
	if (r == TARN_ESYSTEM)
		scanned_report_lost(&s->scanned, s->options, s->report, "Cannot open", err->errnum);
	if (s->scanned.is_entered && s->options->noperands > 1)
		return key_set_add(&s->entered, key_of_directory(s), err);
	return r == TARN_ENOMEM ? r : TARN_OK;
}

/* The current name, a directory.  As visit(). */
static int visit_directory(struct scan *s, struct error *err) {
	/* Named twice: it was told, with all that is below it. */
	if (s->entered.n > 0 && key_set_has(&s->entered, key_of_directory(s)))
		return TARN_END;
	s->tag = find_tag(s);
	s->scanned.takes_part = s->tag == NULL || s->tag->leaves != EXCLUSION_LEAVES_NOTHING;
	return s->scanned.takes_part && may_be_entered(s) ? list(s, err) : TARN_OK;
}

/*
 * Find out about the current name.  What is lost, or excluded by its name, is not even looked at.
 * TARN_END: nothing is to be told of it.
 */
static int visit(struct scan *s, struct error *err) {
	const struct walk_frame *top = walk_top(&s->walk);

	s->scanned.is_looked_at = false;
	s->scanned.takes_part =
	    (top == NULL || !top->is_lost) && !select_excludes(s->select, s->walk.path);
	if (!s->scanned.takes_part || s->is_no_directory)
		return TARN_OK;
	scan_look(s, &s->scanned);
	if (!s->scanned.takes_part)
		return TARN_OK;
	s->id = identity_from_statx(&s->scanned.stx);
	if (s->walk.depth == 0)
		s->operand_dev = s->id.dev;
	return S_ISDIR(s->scanned.stx.stx_mode) ? visit_directory(s, err) : TARN_OK;
}

/* Go into the current name, which was handed out. */
static int enter(struct scan *s, struct error *err) {
	int r = walk_enter(&s->walk, s->id.dev, s->id.ino, err);

	/* With a tag a directory is only entered for the tag itself: see may_be_entered(). */
	if (r == TARN_OK && s->tag != NULL)
		directory_keep(&walk_top(&s->walk)->names, s->tag->file);
	s->scanned.is_entered = false;
	return r;
}

int scan_next(struct scan *s, struct scanned **scanned, struct error *err) {
	int r = s->scanned.is_entered ? enter(s, err) : TARN_OK;

	if (r != TARN_OK)
		return r;
	do {
		r = step(s, err);
		if (r != TARN_OK)
			return r;
		r = visit(s, err);
	} while (r == TARN_END);
	*scanned = &s->scanned;
	return r;
}

struct scan *scan_new(const struct options *o, const struct select *select,
    const struct update *update, struct report *report) {
	struct scan *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->options = o;
	s->select = select;
	s->update = update;
	s->report = report;
	s->walk = (struct walk)WALK_INIT;
	s->walk.follow = o->dereference;
	s->scanned.walk = &s->walk;
	s->seed = key_seed();
	return s;
}

void scan_free(struct scan *s) {
	if (s == NULL)
		return;
	key_set_fini(&s->entered);
	walk_fini(&s->walk);
	free(s);
}

void scan_begin(struct scan *s, const struct operand *operands, size_t noperands) {
	s->next_operand = operands;
	s->operands_end = operands + noperands;
}

void scan_leave_out(struct scan *s, const struct stat *st, bool is_said) {
	if (s->nleft_out < SCAN_LEAVE_OUT_MAX)
		s->left_out[s->nleft_out++] = (struct left_out){ st->st_dev, st->st_ino, is_said };
}
