#include "config.h"

#include "tree_source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attributes.h"
#include "bytes.h"
#include "descriptor_path.h"
#include "file_reader.h"
#include "first_names.h"
#include "scan.h"
#include "scan_ahead.h"
#include "statx_entry.h"

/*
 * One name at a time, as the scan has it: either refer to the first name of its inode or open it.
 * A file is opened before its entry is handed out, so that one that cannot be read leaves no member
 * behind; a directory's entry comes before its names.
 *
 * The scan tells which names there are (scan.h), first_names which of them are later names, and the
 * reader hands out content.  This file joins the three, and decides what happens when a name is no
 * longer what it was when it was looked at.  With a scan that is ahead (scan_ahead.h) that look may
 * be some time ago: then the name is compared before it is stored, and looked at once more if it
 * differs.
 *
 * A later name costs statx, unless that was done ahead; a file that is stored costs open, its
 * reads, fstat and close as well.
 */

/* A directory that the current name is in. */
struct entered {
	/* In the map, and as it was visited before; 0: it is here for the first time. */
	inode_directory in_map, visited;
};

/* When the current name was looked at, and so what a difference means. */
enum look {
	LOOK_FRESH, /* what is not so was changed just then, and is said */
	LOOK_OLD,   /* a while ago: what is not so is looked at again */
	LOOK_STALE  /* a while ago, and it is not so */
};

/*
 * Everything here belongs to the thread that calls next(): with source_ahead that is not the main
 * one.  The scan alone is shared, with the thread of ${ahead}: see scan_look().
 */
struct tree_source {
	struct source source;
	const struct options *options;
	struct owners *owners;
	struct report *report;
	struct first_names first_names;
	struct scan *scan;
	struct scan_ahead *ahead; /* of the scan; NULL: there is no thread for it */
	struct scanned *at;       /* the current name, lent by the scan; not valid before next() */
	enum look look;           /* at it */
	struct entered *entered;  /* from the operand down; as many count as the walk is deep */
	size_t entered_capacity;

	/* What next() hands out.  It borrows from what is below, from the walk and from the map. */
	struct entry entry;
	char target[PATH_MAX]; /* Linux has no longer ones */
	struct attributes attributes;
	struct file_reader reader; /* open while the entry has content to be read */
};

/* Say that attributes cannot be read; that the file has vanished is said as for any other call. */
static void report_attributes(struct tree_source *s, const struct error *err) {
	if (err->errnum == ENOENT || err->errnum == ESTALE)
		scanned_report_lost(
		    s->at, s->options, s->report, "Cannot read attributes", err->errnum);
	else
		report_error(s->report, s->at->walk->path, err);
}

/* Extended attributes and ACLs; what cannot be read is said, and the member goes without. */
static void read_attributes(struct tree_source *s) {
	const char *name = walk_name(s->at->walk), *path = name;
	char in_directory[sizeof(struct descriptor_path) + PATH_MAX];
	struct descriptor_path file;
	int fd, r = TARN_OK;
	struct error err;

	if (!s->options->xattrs && !s->options->acls)
		return;
	fd = walk_directory_fd(s->at->walk);
	if (fd == -1) {
		scanned_report_lost(s->at, s->options, s->report, "Cannot open", errno);
		return;
	}
	/*
	 * Attributes are only read by path: this one is short, however deep the tree is.  Of a file
	 * that is open they are those of that very file.
	 */
	if (s->reader.fd >= 0) {
		file = descriptor_path(s->reader.fd);
		path = file.text;
	} else if (fd != AT_FDCWD && *name != '/') {
		snprintf(
		    in_directory, sizeof(in_directory), "%s/%s", descriptor_path(fd).text, name);
		path = in_directory;
	}
	if (s->options->xattrs)
		r = attributes_read_xattrs(&s->attributes, path,
		    s->options->dereference || s->reader.fd >= 0, s->options, &err);
	if (r != TARN_OK)
		report_attributes(s, &err);
	r = TARN_OK;
	if (s->options->acls && s->entry.type != ENTRY_SYMLINK)
		r = attributes_read_acls(
		    &s->attributes, path, s->entry.type == ENTRY_DIRECTORY, &err);
	if (r != TARN_OK)
		report_attributes(s, &err);
	attributes_lend(&s->attributes, &s->entry);
}

/*
 * Is ${st} another state of the current file than was looked at?  ctime is left out: it also
 * changes when somebody links the file, which does no harm to what was read.
 */
static bool has_changed(const struct tree_source *s, const struct stat *st) {
	const struct statx *stx = &s->at->stx;

	return st->st_size != (off_t)stx->stx_size || st->st_mtim.tv_sec != stx->stx_mtime.tv_sec ||
	    st->st_mtim.tv_nsec != stx->stx_mtime.tv_nsec;
}

static void report_replaced(struct tree_source *s) {
	report_warning(s->report, s->at->walk->path, "File was replaced before we read it");
}

/*
 * The current name is not what was looked at, or cannot be had: is that to be looked at again?  If
 * so nothing is to be said, and s->look tells visit() to do it.
 */
static bool may_look_again(struct tree_source *s) {
	if (s->look == LOOK_OLD)
		s->look = LOOK_STALE;
	return s->look == LOOK_STALE;
}

/* The call ${what} failed for the current name.  Not said where visit() will look again. */
static void report_unreadable(struct tree_source *s, const char *what, int errnum) {
	if (!may_look_again(s))
		scanned_report_lost(s->at, s->options, s->report, what, errnum);
}

/* Is ${st} what was looked at?  A while ago, it must not have changed either. */
static bool is_as_seen(const struct tree_source *s, const struct stat *st) {
	const struct statx_timestamp *ctime = &s->at->stx.stx_ctime;

	/* Later names will refer to it: it must be the inode that they have. */
	return identity_has_numbers_of(&s->entry.identity, st) &&
	    (s->look != LOOK_OLD ||
	        (!has_changed(s, st) && st->st_ctim.tv_sec == ctime->tv_sec &&
	            st->st_ctim.tv_nsec == ctime->tv_nsec));
}

/*
 * What fstatat() finds must be what was looked at.  False: it is not, which was said, or it is
 * stale.
 */
static bool expect_as_seen(struct tree_source *s, int at, const char *name, int flags) {
	struct stat st;

	if (at == -1 || fstatat(at, name, &st, flags) != 0) {
		report_unreadable(s, "Cannot stat", errno);
		return false;
	}
	if (is_as_seen(s, &st))
		return true;
	if (!may_look_again(s))
		report_replaced(s);
	return false;
}

/*
 * The same for the current name, of which nothing is opened, where that counts.  What was looked at
 * just now comes from one statx and cannot contradict itself, but for a symbolic link: its target
 * was read by name, and later names will refer to it.
 */
static bool expect_there(struct tree_source *s) {
	int flags = AT_NO_AUTOMOUNT | (s->options->dereference ? 0 : AT_SYMLINK_NOFOLLOW);

	if (s->look != LOOK_OLD &&
	    (s->entry.type != ENTRY_SYMLINK || !first_names_remember(&s->first_names, &s->entry)))
		return true;
	return expect_as_seen(s, walk_directory_fd(s->at->walk), walk_name(s->at->walk), flags);
}

/* Open the current file.  False: it cannot be, which was said, or it is stale. */
static bool open_file(struct tree_source *s, struct error *err) {
	/*
	 * Should it have become a fifo or a terminal since, opening neither waits nor takes it
	 * over.
	 */
	int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
	    (s->options->dereference ? 0 : O_NOFOLLOW);
	int directory = walk_directory_fd(s->at->walk);
	int fd = directory != -1 ? openat(directory, walk_name(s->at->walk), flags) : -1;

	if (fd < 0) {
		report_unreadable(s, "Cannot open", errno);
		return false;
	}
	/* An fstat, spared where no later name will refer to the file. */
	if ((s->look == LOOK_OLD || first_names_remember(&s->first_names, &s->entry)) &&
	    !expect_as_seen(s, fd, "", AT_EMPTY_PATH)) {
		close(fd);
		return false;
	}
	if (file_reader_begin(&s->reader, fd, s->entry.size, err) != TARN_OK) {
		report_error(s->report, s->at->walk->path, err);
		file_reader_end(&s->reader, NULL);
		return false;
	}
	return true;
}

/* The holes of the file that was opened, where they are asked for. */
static int find_holes(struct tree_source *s, struct error *err) {
	/* Blocks are of 512 bytes here (stat(2)).  What occupies its whole size is not searched. */
	if (!s->options->sparse || (off_t)s->at->stx.stx_blocks * 512 >= s->entry.size)
		return TARN_OK;
	if (file_reader_find_holes(&s->reader, err) != TARN_OK)
		return (int)err->code;
	s->entry.is_sparse = s->reader.is_sparse;
	s->entry.extents = s->reader.extents;
	s->entry.nextents = s->reader.nextents;
	return TARN_OK;
}

/* The text of the current symbolic link.  False: as open_file(). */
static bool read_target(struct tree_source *s) {
	int directory = walk_directory_fd(s->at->walk);
	ssize_t n = directory != -1 ?
	    readlinkat(directory, walk_name(s->at->walk), s->target, sizeof(s->target) - 1) :
	    -1;

	if (n < 0) {
		report_unreadable(s, "Cannot read link", errno);
		return false;
	}
	s->target[n] = '\0';
	s->entry.target = s->target;
	return true;
}

/*
 * The directory of an operand that is no directory itself, if that was visited; else 0.  So a file
 * that is named beside its directory is found to be the same member.
 */
static inode_directory visited_parent(const struct tree_source *s) {
	const char *path = s->at->walk->path, *slash = strrchr(path, '/');
	char parent[PATH_MAX] = ".";
	struct identity identity;
	struct statx stx;

	/* Most lists of files name no directory: then none of theirs was visited. */
	if (s->options->hard_dereference || s->entered == NULL)
		return 0;
	if (slash != NULL && (size_t)(slash - path) + 2 > sizeof(parent))
		return 0;
	/* With the slash: of "/file" there would be nothing left without it. */
	if (slash != NULL)
		snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path) + 1, path);
	if (statx(s->at->walk->base, parent, AT_NO_AUTOMOUNT, STATX_WANTED, &stx) != 0)
		return 0;
	identity = identity_from_statx(&stx);
	return inode_map_find_directory(s->first_names.map, &identity);
}

/* The current name, which is no directory. */
static struct met_name met_name(struct tree_source *s) {
	const struct walk *walk = s->at->walk;
	const struct entered *in = walk->depth > 0 ? &s->entered[walk->depth - 1] : NULL;

	return (struct met_name){
		.path = walk->path,
		.e = &s->entry,
		.stx = &s->at->stx,
		.is_operand = in == NULL,
		.directory = in != NULL ? in->in_map : 0,
		.component = in != NULL ? walk_name(walk) : basename(walk->path),
		.visited = in != NULL ? in->visited : visited_parent(s),
	};
}

/*
 * What only a first name carries.  TARN_END: it cannot be stored, which was said, or it is stale.
 */
static int fill_first(struct tree_source *s, struct error *err) {
	bool stored;

	if (s->entry.type == ENTRY_FILE && s->entry.size > 0)
		stored = open_file(s, err);
	else /* The target first, so that the check behind it notices a link that was replaced. */
		stored = (s->entry.type != ENTRY_SYMLINK || read_target(s)) && expect_there(s);
	/* It was remembered as the first name: the next name of the inode must be that instead. */
	if (!stored) {
		inode_map_forget(s->first_names.map, &s->entry);
		return TARN_END;
	}
	read_attributes(s);
	return s->reader.fd >= 0 ? find_holes(s, err) : TARN_OK;
}

/* Store the current name as a first one.  As visit_member(). */
static int store_first(struct tree_source *s, struct error *err) {
	int r = fill_first(s, err);

	/* Where its directory is met again nothing may link to what is no member. */
	if (r == TARN_END && s->look != LOOK_STALE &&
	    first_names_not_stored(&s->first_names, s->entry.name, err) != TARN_OK)
		return TARN_ENOMEM;
	return r;
}

/* The current name is a directory that the scan enters: files in it are remembered with it. */
static int enter_directory(struct tree_source *s, struct error *err) {
	const struct walk *walk = s->at->walk;
	size_t depth = walk->depth;
	const char *name = walk_name(walk);
	struct entered *in;
	int r =
	    array_reserve((void **)&s->entered, &s->entered_capacity, depth + 1, sizeof(*in), err);

	if (r != TARN_OK)
		return r;
	in = &s->entered[depth];
	/* An operand is a whole prefix; that of "." or "/" may be dropped to the last byte. */
	if (depth == 0)
		name = walk->nbytes > s->at->nbytes_dropped ? s->entry.name : "";
	r = inode_map_enter(s->first_names.map, depth > 0 ? in[-1].in_map : 0, name, &s->entry,
	    &in->in_map, &in->visited, err);
	/* Where it is met again, names that are not met here would be taken for members. */
	if (r == TARN_OK && s->at->is_partial && in->visited == 0)
		inode_map_forget(s->first_names.map, &s->entry);
	return r;
}

/*
 * The current name, a directory.  It is stored as the scan has seen it, however long ago that was,
 * as the names in it are from then, too; only its attributes are read now.
 */
static int visit_directory(struct tree_source *s, struct error *err) {
	read_attributes(s);
	return s->at->is_entered ? enter_directory(s, err) : TARN_OK;
}

/* The current name, which is no directory.  As visit_member(). */
static int visit_file(struct tree_source *s, struct error *err) {
	bool is_mounted = (s->at->stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
	struct met_name met = met_name(s);
	const char *first;
	int r = first_names_find(&s->first_names, &met, &first, err);

	/*
	 * Where the directory is met again this name is that of the file below what is mounted
	 * here: it must not become a link to this one.
	 */
	if (r == TARN_OK && is_mounted)
		r = first_names_not_stored(&s->first_names, s->entry.name, err);
	if (r != TARN_OK)
		return r;
	/*
	 * The first name has said the rest, and the header of a link member must promise no
	 * content.
	 */
	if (first != NULL) {
		s->entry.first_name = first;
		s->entry.is_whole = false;
		s->entry.size = 0;
		return TARN_OK;
	}
	return store_first(s, err);
}

/* What the entry of the current name is begun with. */
static void begin_entry(struct tree_source *s) {
	entry_from_statx(&s->entry, &s->at->stx, s->options->numeric_owner ? NULL : s->owners);
	s->entry.name = scanned_name(s->at);
	s->entry.path = s->at->walk->path;
}

/* Make the entry of the current name.  TARN_END: it is not stored, or it is stale. */
static int visit_member(struct tree_source *s, struct error *err) {
	begin_entry(s);
	return s->entry.type == ENTRY_DIRECTORY ? visit_directory(s, err) : visit_file(s, err);
}

/*
 * Look at the current name here and now.  It was no directory; if it has become one it is left out,
 * as the scan has gone past it and will not list it.
 */
static void look(struct tree_source *s) {
	s->look = LOOK_FRESH;
	scan_look(s->scan, s->at);
	if (!s->at->takes_part || !S_ISDIR(s->at->stx.stx_mode))
		return;
	report_replaced(s);
	s->at->takes_part = false;
}

/* Visit the current name.  TARN_END: it is not stored. */
static int visit(struct tree_source *s, struct error *err) {
	int r = TARN_END;

	s->look = s->at->is_old ? LOOK_OLD : LOOK_FRESH;
	if (s->at->takes_part && !s->at->is_looked_at)
		look(s);
	if (s->at->takes_part)
		r = visit_member(s, err);
	/* At most once: the second look is a fresh one, of which every difference is said. */
	if (s->look == LOOK_STALE) {
		look(s);
		if (s->at->takes_part)
			r = visit_member(s, err);
	}
	if (!s->at->takes_part &&
	    first_names_not_stored(&s->first_names, scanned_name(s->at), err) != TARN_OK)
		return TARN_ENOMEM;
	return r;
}

/*
 * Say what became of the file while it was read, and close it.  Of one that was not read to its end
 * nothing is said here: that it shrank was said when that was noticed.
 */
static void end_file(struct tree_source *s) {
	struct stat st;
	bool whole = s->reader.at == s->reader.size;

	if (s->reader.fd < 0)
		return;
	file_reader_end(&s->reader, &st);
	if (whole && has_changed(s, &st))
		report_warning(s->report, s->at->walk->path, "file changed as we read it");
}

static int tree_source_next(struct source *source, struct entry **e, struct error *err) {
	struct tree_source *s = (struct tree_source *)source;
	int r;

	/* Before the scan goes on: s->at is still the name of the file that was read. */
	end_file(s);
	attributes_clear(&s->attributes);
	do {
		r = s->ahead != NULL ? scan_ahead_next(s->ahead, &s->at, err) :
		                       scan_next(s->scan, &s->at, err);
		if (r != TARN_OK)
			return r;
		r = visit(s, err);
	} while (r == TARN_END);
	*e = &s->entry;
	return r;
}

static int tree_source_read(struct source *source, struct block *block, struct error *err) {
	struct tree_source *s = (struct tree_source *)source;
	int r;

	if (s->reader.fd < 0)
		return TARN_END;
	r = file_reader_read(&s->reader, block, err);
	/* The size is in the header already: the sink fills what is missing. */
	if (r == TARN_END && s->reader.at < s->reader.size)
		report_warning(s->report, s->at->walk->path,
		    "File shrank by %jd bytes; padding with zeros",
		    (intmax_t)(s->reader.size - s->reader.at));
	return r;
}

static void tree_source_free(struct source *source) {
	struct tree_source *s = (struct tree_source *)source;

	if (s == NULL)
		return;
	file_reader_fini(&s->reader);
	attributes_fini(&s->attributes);
	/* Its thread uses the scan. */
	scan_ahead_free(s->ahead);
	scan_free(s->scan);
	free(s->entered);
	first_names_fini(&s->first_names);
	free(s);
}

struct source *tree_source_new(const struct options *o, const struct select *select,
    const struct update *update, struct owners *owners, struct report *report, struct error *err) {
	struct tree_source *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		err_nomem(err);
		return NULL;
	}
	s->source.next = tree_source_next;
	s->source.read = tree_source_read;
	s->source.free = tree_source_free;
	s->options = o;
	s->owners = owners;
	s->report = report;
	s->reader = (struct file_reader)FILE_READER_INIT;
	s->scan = scan_new(o, select, update, report);
	if (s->scan == NULL)
		err_nomem(err);
	if (s->scan == NULL || first_names_init(&s->first_names, o, report, err) != TARN_OK) {
		tree_source_free(&s->source);
		return NULL;
	}
	return &s->source;
}

void tree_source_begin(struct source *source, const struct operand *operands, size_t noperands) {
	struct tree_source *s = (struct tree_source *)source;

	scan_ahead_free(s->ahead);
	scan_begin(s->scan, operands, noperands);
	/* If no thread can be had the scan is done in turn; nothing but the time differs. */
	s->ahead = s->options->nthreads > 1 ? scan_ahead_new(s->scan, s->options, s->report) : NULL;
}

void tree_source_leave_out(struct source *source, const struct stat *st, bool is_said) {
	scan_leave_out(((struct tree_source *)source)->scan, st, is_said);
}

int tree_source_make_first(struct source *source, struct error *err) {
	struct tree_source *s = (struct tree_source *)source;
	struct met_name met;
	int r;

	/* It may have been the first name itself, of this run. */
	end_file(s);
	attributes_clear(&s->attributes);
	begin_entry(s);       /* it may have got another name and mtime since */
	s->look = LOOK_FRESH; /* or what was decided about it would have to be decided anew */
	met = met_name(s);
	r = first_names_replace(&s->first_names, &met, err);
	return r == TARN_OK ? store_first(s, err) : r;
}

void tree_source_check_links(struct source *source) {
	struct tree_source *s = (struct tree_source *)source;

	inode_map_report_missing(s->first_names.map, s->report);
}
