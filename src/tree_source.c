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
#include "exclusion_tag.h"
#include "file_reader.h"
#include "first_names.h"
#include "statx_entry.h"
#include "walk.h"

/*
 * One name at a time: look at it (statx), decide whether it takes part, and either refer to the
 * first name of its inode or open it.  A file is opened before its entry is handed out, so that one
 * that cannot be read leaves no member behind; a directory's entry comes before its names.
 *
 * Each name costs one statx; a file that is stored costs open, its reads, fstat and close more.
 */

struct left_out {
	dev_t dev;
	ino_t ino;
};

struct tree_source {
	struct source source;
	const struct options *options;
	const struct select *select;
	struct owners *owners;
	struct report *report;
	struct first_names first_names;
	struct walk walk;
	const struct operand *operand, *next_operand, *operands_end;
	int base;              /* the operand's -C, or AT_FDCWD */
	size_t nbytes_dropped; /* of the path, to make it a member name */
	dev_t operand_dev;
	struct left_out left_out[TREE_SOURCE_LEAVE_OUT_MAX];
	size_t nleft_out;
	bool said_leading;

	struct entry entry;
	struct statx stx; /* the entry may be overridden */
	char target[PATH_MAX];
	struct attributes attributes;
	struct file_reader reader;
};

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

static const char *member_name(const struct tree_source *s) {
	return s->walk.nbytes > s->nbytes_dropped ? s->walk.path + s->nbytes_dropped : ".";
}

static void begin_member_names(struct tree_source *s, const char *operand) {
	size_t n = s->options->absolute_names ? 0 : leading_nbytes(operand);

	s->nbytes_dropped = n;
	if (n == 0)
		return;
	report_once(s->report, &s->said_leading, "Removing leading `%.*s' from member names",
	    (int)n, operand);
	/* The whole operand: the slash that follows it in the names below it goes as well. */
	if (operand[n] == '\0' && operand[n - 1] != '/')
		s->nbytes_dropped++;
}

/* Say that the current name cannot be had; between listing and looking, names may vanish. */
static void report_lost(struct tree_source *s, const char *what, int errnum) {
	if (errnum == ENOENT && s->walk.depth > 0)
		report_warning(s->report, s->walk.path, "File removed before we read it");
	else if (s->options->ignore_failed_read && errnum == EACCES)
		report_note(s->report, s->walk.path, "Warning: %s: %s", what, strerror(errnum));
	else
		report_failure(s->report, s->walk.path, "%s: %s", what, strerror(errnum));
}

static bool is_left_out(const struct tree_source *s, const struct identity *id) {
	for (size_t i = 0; i < s->nleft_out; i++) {
		if (s->left_out[i].ino == id->ino && s->left_out[i].dev == id->dev)
			return true;
	}
	return false;
}

static bool is_too_old(const struct tree_source *s) {
	const struct timespec ctime = { s->stx.stx_ctime.tv_sec, s->stx.stx_ctime.tv_nsec };

	return select_leaves_out_as_old(s->select, &s->entry, &ctime);
}

static int look(struct tree_source *s) {
	int flags = AT_NO_AUTOMOUNT | (s->options->dereference ? 0 : AT_SYMLINK_NOFOLLOW);

	return statx(
	    walk_directory_fd(&s->walk), walk_name(&s->walk), flags, STATX_WANTED, &s->stx);
}

/* Extended attributes and ACLs; what cannot be read is said, and the member goes without. */
static void read_attributes(struct tree_source *s) {
	int fd = walk_directory_fd(&s->walk), r = TARN_OK;
	const char *name = walk_name(&s->walk), *path = name;
	char proc[PATH_MAX + 32];
	struct error err;

	if (!s->options->xattrs && !s->options->acls)
		return;
	if (fd != AT_FDCWD && *name != '/') {
		snprintf(proc, sizeof(proc), "/proc/self/fd/%d/%s", fd, name);
		path = proc;
	}
	if (s->options->xattrs)
		r = attributes_read_xattrs(
		    &s->attributes, path, s->options->dereference, s->options, &err);
	if (r != TARN_OK)
		report_error(s->report, s->walk.path, &err);
	r = TARN_OK;
	if (s->options->acls && s->entry.type != ENTRY_SYMLINK)
		r = attributes_read_acls(
		    &s->attributes, path, s->entry.type == ENTRY_DIRECTORY, &err);
	if (r != TARN_OK)
		report_error(s->report, s->walk.path, &err);
	attributes_lend(&s->attributes, &s->entry);
}

/* Open the current file.  False, and said: it cannot be, or is another one by now. */
static bool open_file(struct tree_source *s, struct error *err) {
	int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
	    (s->options->dereference ? 0 : O_NOFOLLOW);
	int fd = openat(walk_directory_fd(&s->walk), walk_name(&s->walk), flags);
	struct stat st;

	if (fd < 0) {
		report_lost(s, "Cannot open", errno);
		return false;
	}
	/* Later names will refer to this content: it must be that of the inode they have. */
	if (s->entry.identity.nlink > 1 &&
	    (fstat(fd, &st) != 0 || st.st_ino != s->entry.identity.ino ||
	        st.st_dev != s->entry.identity.dev)) {
		report_warning(s->report, s->walk.path, "File was replaced before we read it");
		close(fd);
		return false;
	}
	if (file_reader_begin(&s->reader, fd, s->entry.size, err) != TARN_OK) {
		report_error(s->report, s->walk.path, err);
		file_reader_end(&s->reader, NULL);
		return false;
	}
	return true;
}

/* The holes of the file that was opened, where they are asked for. */
static int find_holes(struct tree_source *s, struct error *err) {
	if (!s->options->sparse || (off_t)s->stx.stx_blocks * 512 >= s->entry.size)
		return TARN_OK;
	if (file_reader_find_holes(&s->reader, err) != TARN_OK)
		return (int)err->code;
	s->entry.is_sparse = s->reader.is_sparse;
	s->entry.extents = s->reader.extents;
	s->entry.nextents = s->reader.nextents;
	return TARN_OK;
}

static bool read_target(struct tree_source *s) {
	ssize_t n = readlinkat(
	    walk_directory_fd(&s->walk), walk_name(&s->walk), s->target, sizeof(s->target) - 1);

	if (n < 0) {
		report_lost(s, "Cannot read link", errno);
		return false;
	}
	s->target[n] = '\0';
	s->entry.target = s->target;
	return true;
}

/* The directory of an operand that is no directory itself, if that was visited; else 0. */
static inode_directory visited_parent(const struct tree_source *s) {
	const char *path = s->walk.path, *slash = strrchr(path, '/');
	char parent[PATH_MAX] = ".";
	struct identity identity;
	struct statx stx;

	if (slash != NULL && (size_t)(slash - path) + 2 > sizeof(parent))
		return 0;
	if (slash != NULL)
		snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path) + 1, path);
	if (statx(s->walk.base, parent, AT_NO_AUTOMOUNT, STATX_WANTED, &stx) != 0)
		return 0;
	identity = identity_from_statx(&stx);
	return inode_map_find_directory(s->first_names.map, &identity);
}

/* The current name, which is no directory. */
static struct met_name met_name(struct tree_source *s) {
	const struct walk_frame *top = walk_top(&s->walk);

	return (struct met_name){
		.path = s->walk.path,
		.e = &s->entry,
		.stx = &s->stx,
		.is_operand = top == NULL,
		.directory = top != NULL ? top->in_map : 0,
		.component = top != NULL ? walk_name(&s->walk) : basename(s->walk.path),
		.visited = top != NULL ? top->visited : visited_parent(s),
	};
}

/* What only a first name carries.  TARN_END, and said: it cannot be stored. */
static int fill_first(struct tree_source *s, struct error *err) {
	bool stored = true;

	if (s->entry.type == ENTRY_SYMLINK)
		stored = read_target(s);
	else if (s->entry.type == ENTRY_FILE && s->entry.size > 0)
		stored = open_file(s, err);
	if (!stored) {
		inode_map_forget(s->first_names.map, &s->entry);
		return TARN_END;
	}
	read_attributes(s);
	return s->reader.fd >= 0 ? find_holes(s, err) : TARN_OK;
}

/*
 * The current name is a directory: its names come next, unless something speaks against it; with a
 * ${tag} only that.
 */
static int enter_directory(
    struct tree_source *s, const struct exclusion_tag *tag, struct error *err) {
	const struct identity *id = &s->entry.identity;
	struct walk_frame *above, *frame;
	int r;

	if (!s->operand->recurse)
		return TARN_OK;
	if (walk_is_inside(&s->walk, id->dev, id->ino)) {
		report_warning(s->report, s->walk.path,
		    "Directory is its own ancestor: its names are not visited again");
		return TARN_OK;
	}
	if (s->options->one_file_system && id->dev != s->operand_dev) {
		if (s->options->verbosity > 0)
			report_note(s->report, s->walk.path,
			    "file is on a different filesystem; not dumped");
		return TARN_OK;
	}
	r = walk_enter(&s->walk, id->dev, id->ino, err);
	if (r == TARN_ENOMEM)
		return r;
	if (r != TARN_OK && !(r == TARN_ESYSTEM && s->options->ignore_failed_read))
		report_error(s->report, s->walk.path, err);
	if (r == TARN_ESYSTEM)
		return TARN_OK;
	frame = walk_top(&s->walk);
	if (tag != NULL)
		directory_keep(&frame->names, tag->file);
	above = s->walk.depth > 1 ? frame - 1 : NULL;
	return inode_map_enter(s->first_names.map, above != NULL ? above->in_map : 0,
	    above != NULL                          ? s->walk.path + frame->start :
	        s->walk.nbytes > s->nbytes_dropped ? s->entry.name :
	                                             "",
	    &s->entry, &frame->in_map, &frame->visited, err);
}

/* The current name takes part, as far as that can be told without looking at it. */
static bool takes_part(struct tree_source *s) {
	if (select_excludes(s->select, s->walk.path))
		return false;
	if (look(s) != 0) {
		report_lost(s, "Cannot stat", errno);
		return false;
	}
	if (!entry_from_statx(&s->entry, &s->stx, s->options->numeric_owner ? NULL : s->owners)) {
		report_note(s->report, s->walk.path, "Unknown file type; file ignored");
		return false;
	}
	s->entry.name = member_name(s);
	s->entry.path = s->walk.path;
	if (is_left_out(s, &s->entry.identity) || is_too_old(s))
		return false;
	if (s->entry.type == ENTRY_SOCKET) {
		report_note(s->report, s->walk.path, "socket ignored");
		return false;
	}
	return true;
}

/* What leaves out the content of the current name, a directory; NULL: nothing does. */
static const struct exclusion_tag *find_tag(struct tree_source *s) {
	const struct exclusion_tag *tag =
	    exclusion_tag_find(s->options, walk_directory_fd(&s->walk), walk_name(&s->walk));

	if (tag != NULL && s->options->verbosity > 0)
		report_note(s->report, s->walk.path,
		    "contains a cache directory tag %s; %s not dumped", tag->file,
		    tag->leaves == EXCLUSION_LEAVES_NOTHING ? "directory" : "contents");
	return tag;
}

static int visit_directory(struct tree_source *s, struct error *err) {
	const struct exclusion_tag *tag;
	int r;

	/* Named twice. */
	if (first_names_has_directory(&s->first_names, &s->entry))
		return TARN_END;
	tag = find_tag(s);
	if (tag != NULL && tag->leaves == EXCLUSION_LEAVES_NOTHING) {
		r = first_names_not_stored(&s->first_names, s->entry.name, err);
		return r == TARN_OK ? TARN_END : r;
	}
	read_attributes(s);
	return tag != NULL && tag->leaves == EXCLUSION_LEAVES_DIRECTORY ?
	    TARN_OK :
	    enter_directory(s, tag, err);
}

static int visit_file(struct tree_source *s, struct error *err) {
	bool is_mounted = (s->stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
	struct met_name met = met_name(s);
	const char *first;
	int r = first_names_find(&s->first_names, &met, &first, err);

	if (r != TARN_OK)
		return r;
	if (first != NULL) {
		s->entry.first_name = first;
		s->entry.is_whole = false;
		s->entry.size = 0;
		return TARN_OK;
	}
	r = fill_first(s, err);
	if ((is_mounted || r == TARN_END) &&
	    first_names_not_stored(&s->first_names, s->entry.name, err) != TARN_OK)
		return TARN_ENOMEM;
	return r;
}

/* Look at the current name.  TARN_OK: the entry is it.  TARN_END: it takes no part. */
static int visit(struct tree_source *s, struct error *err) {
	int r;

	if (!takes_part(s)) {
		r = first_names_not_stored(&s->first_names, member_name(s), err);
		return r == TARN_OK ? TARN_END : r;
	}
	if (s->walk.depth == 0)
		s->operand_dev = s->entry.identity.dev;
	r = s->entry.type == ENTRY_DIRECTORY ? visit_directory(s, err) : visit_file(s, err);
	overrides_apply(&s->options->overrides, &s->entry);
	return r;
}

/* Say what became of the file while it was read, and close it. */
static void end_file(struct tree_source *s) {
	struct stat st;
	bool whole = s->reader.at == s->reader.size;

	if (s->reader.fd < 0)
		return;
	file_reader_end(&s->reader, &st);
	if (whole &&
	    (st.st_size != s->reader.size || st.st_mtim.tv_sec != s->stx.stx_mtime.tv_sec ||
	        st.st_mtim.tv_nsec != s->stx.stx_mtime.tv_nsec))
		report_warning(s->report, s->walk.path, "file changed as we read it");
}

/* Begin with the operand ${operand}. */
static int begin_operand(struct tree_source *s, const struct operand *operand, struct error *err) {
	if (s->base >= 0)
		close(s->base);
	s->base = AT_FDCWD;
	if (operand->directory != NULL) {
		s->base = open(operand->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (s->base < 0)
			return err_set(err, TARN_ESYSTEM, errno, "Cannot open");
	}
	begin_member_names(s, operand->name);
	return walk_begin(&s->walk, s->base, operand->name, err);
}

static int next_operand(struct tree_source *s, struct error *err) {
	int r;

	while (s->next_operand < s->operands_end) {
		s->operand = s->next_operand++;
		r = begin_operand(s, s->operand, err);
		if (r != TARN_ESYSTEM)
			return r;
		report_error(s->report, s->operand->directory, err);
	}
	return TARN_END;
}

/* Go to the next name. */
static int step(struct tree_source *s, struct error *err) {
	struct walk_frame *top;

	while ((top = walk_top(&s->walk)) != NULL) {
		if (top->next < top->names.n)
			return walk_set_name(
			    &s->walk, directory_name(&top->names, top->next++), err);
		if (walk_leave(&s->walk, err) != TARN_OK)
			report_error(s->report, s->walk.path, err);
	}
	return next_operand(s, err);
}

static int tree_source_next(struct source *source, struct entry **e, struct error *err) {
	struct tree_source *s = (struct tree_source *)source;
	int r;

	end_file(s);
	attributes_clear(&s->attributes);
	do {
		r = step(s, err);
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
	if (r == TARN_END && s->reader.at < s->reader.size)
		report_warning(s->report, s->walk.path,
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
	walk_fini(&s->walk);
	first_names_fini(&s->first_names);
	if (s->base >= 0)
		close(s->base);
	free(s);
}

struct source *tree_source_new(const struct options *o, const struct select *select,
    struct owners *owners, struct report *report, struct error *err) {
	struct tree_source *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		err_nomem(err);
		return NULL;
	}
	s->source.next = tree_source_next;
	s->source.read = tree_source_read;
	s->source.free = tree_source_free;
	s->options = o;
	s->select = select;
	s->owners = owners;
	s->report = report;
	s->base = AT_FDCWD;
	s->reader = (struct file_reader)FILE_READER_INIT;
	s->walk.follow = o->dereference;
	s->walk.sort = o->sort;
	if (first_names_init(&s->first_names, o, report, err) != TARN_OK) {
		tree_source_free(&s->source);
		return NULL;
	}
	return &s->source;
}

void tree_source_begin(struct source *source, const struct operand *operands, size_t noperands) {
	struct tree_source *s = (struct tree_source *)source;

	s->next_operand = operands;
	s->operands_end = operands + noperands;
}

void tree_source_leave_out(struct source *source, const struct stat *st) {
	struct tree_source *s = (struct tree_source *)source;

	if (s->nleft_out < TREE_SOURCE_LEAVE_OUT_MAX)
		s->left_out[s->nleft_out++] = (struct left_out){ st->st_dev, st->st_ino };
}

int tree_source_make_first(struct source *source, struct error *err) {
	struct tree_source *s = (struct tree_source *)source;
	struct met_name met;
	int r;

	s->entry.first_name = NULL;
	s->entry.is_whole = true;
	if (s->entry.type == ENTRY_FILE)
		s->entry.size = (off_t)s->stx.stx_size;
	met = met_name(s);
	r = first_names_replace(&s->first_names, &met, err);
	return r == TARN_OK ? fill_first(s, err) : r;
}

void tree_source_skip(struct source *source) {
	struct tree_source *s = (struct tree_source *)source;

	if (s->entry.first_name == NULL && s->entry.type != ENTRY_DIRECTORY)
		inode_map_forget(s->first_names.map, &s->entry);
}

void tree_source_check_links(struct source *source) {
	struct tree_source *s = (struct tree_source *)source;

	inode_map_report_missing(s->first_names.map, s->report);
}
