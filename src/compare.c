#include "config.h"

#include "compare.h"

#include <acl/libacl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/acl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "attributes.h"
#include "descriptor_path.h"
#include "destination.h"
#include "quote.h"

/*
 * Each member is looked up by name and compared with what stat() says of the file; a file is opened
 * only when that is not enough: for its content, when type and size are right, for the text of a
 * symbolic link, and for attributes.  Content is compared as it comes out of the archive, block by
 * block, up to the first byte that differs.
 *
 * There are two ways to fail.  A difference is printed and the next property is looked at; what
 * keeps a member from being compared at all is an error, said where all members pass.
 *
 * Names go through contained, as in extraction, so that each is looked for where extraction would
 * put it.  Nothing is written, and all is done by one thread.
 */

#define BUFFER_NBYTES ((size_t)64 << 10) /* of a file in the tree, read at a time */

struct compare_sink {
	struct sink base;
	const struct options *options;
	struct owners *owners;
	struct report *report;
	FILE *out;          /* standard output, where GNU tar prints differences */
	struct quote quote; /* what it returns lives until the next call: one name at a time */
	struct destination destination;
	/* The name that was looked up last, and what it is below. */
	struct member_path path;
	struct contained *below;
	struct attributes attributes; /* of the file in the tree; empty between two members */
	char *buf;                    /* of BUFFER_NBYTES */
	bool said_leading;
};

/* The content of a file in the tree while it is being compared. */
struct content {
	int fd;
	char *buf;    /* the sink's */
	bool differs; /* nothing more needs to be read */
};

static void say_difference(struct compare_sink *s, const struct entry *e, const char *what) {
	fprintf(s->out, "%s: %s\n", quote_name(&s->quote, e->name), what);
	report_differs(s->report);
}

static void say_not_linked(struct compare_sink *s, const struct entry *e) {
	fprintf(s->out, "%s: Not linked to ", quote_name(&s->quote, e->name));
	fprintf(s->out, "%s\n", quote_name(&s->quote, e->first_name));
	report_differs(s->report);
}

/*
 * Look up ${name}, which becomes the current path.  TARN_END: there is nothing to compare with, and
 * that was said.
 */
static int find(struct compare_sink *s, const char *name, struct stat *st, struct error *err) {
	int r = destination_place(&s->destination, name, &s->path, &s->below, err);

	if (r == TARN_OK && s->path.dropped > 0 && !s->options->absolute_names)
		report_once(s->report, &s->said_leading, "Removing leading `/' from member names");
	if (r == TARN_OK)
		r = contained_stat(s->below, &s->path, st, err);
	if (r == TARN_OK || r == TARN_ENOMEM)
		return r;
	if (r == TARN_ESYSTEM && err->errnum == ENOENT)
		report_warning(s->report, name, "Warning: Cannot stat: %s", strerror(ENOENT));
	else
		report_error(s->report, name, err);
	return TARN_END;
}

/* Owners are compared as extraction would set them. */
static void compare_owner(struct compare_sink *s, const struct entry *e, const struct stat *st) {
	bool numeric = s->options->numeric_owner;

	if (owners_resolve_user(s->owners, numeric ? NULL : e->uname, e->uid) != st->st_uid)
		say_difference(s, e, "Uid differs");
	if (owners_resolve_group(s->owners, numeric ? NULL : e->gname, e->gid) != st->st_gid)
		say_difference(s, e, "Gid differs");
}

/*
 * A time without a fraction may come from a format that has none, and an entry does not tell: it
 * matches all of its second.
 */
static bool is_same_time(struct timespec member, struct timespec tree) {
	return member.tv_sec == tree.tv_sec &&
	    (member.tv_nsec == tree.tv_nsec || member.tv_nsec == 0);
}

static int compare_target(struct compare_sink *s, const struct entry *e, struct error *err) {
	char target[PATH_MAX];
	int r = contained_readlink(s->below, &s->path, target, err);

	if (r == TARN_OK && (e->target == NULL || strcmp(target, e->target) != 0))
		say_difference(s, e, "Symlink differs");
	return r;
}

static bool has_xattr(const struct entry *e, const struct xattr *x) {
	for (size_t i = 0; i < e->nxattrs; i++) {
		const struct xattr *y = &e->xattrs[i];

		if (x->nbytes == y->nbytes && strcmp(x->name, y->name) == 0 &&
		    (x->nbytes == 0 || memcmp(x->value, y->value, x->nbytes) == 0))
			return true;
	}
	return false;
}

/* Has ${e} all that ${other} has, as far as it is wanted? */
static bool has_xattrs_of(
    const struct options *o, const struct entry *e, const struct entry *other) {
	for (size_t i = 0; i < other->nxattrs; i++) {
		const struct xattr *x = &other->xattrs[i];

		if (options_want_xattr(o, x->name) && !has_xattr(e, x))
			return false;
	}
	return true;
}

/* The same text can be written in several ways: what counts is what the system reads in it. */
static bool is_same_acl(const char *member, const char *tree) {
	acl_t a, b;
	bool same;

	if (member == NULL || tree == NULL)
		return member == tree;
	a = acl_from_text(member);
	b = acl_from_text(tree);
	same = a != NULL && b != NULL && acl_cmp(a, b) == 0;
	if (a != NULL)
		acl_free(a);
	if (b != NULL)
		acl_free(b);
	return same;
}

/* Read what was asked for from ${path}, and compare it. */
static int compare_attributes_at(
    struct compare_sink *s, const struct entry *e, const char *path, struct error *err) {
	bool acls = s->options->acls && e->type != ENTRY_SYMLINK;
	struct entry tree = { 0 };
	int r = TARN_OK;

	if (s->options->xattrs)
		r = attributes_read_xattrs(&s->attributes, path, true, s->options, err);
	if (r == TARN_OK && acls)
		r = attributes_read_acls(&s->attributes, path, e->type == ENTRY_DIRECTORY, err);
	if (r != TARN_OK)
		return r;
	attributes_lend(&s->attributes, &tree);
	/*
	 * Both ways, as numbers say nothing: bsdtar archives each attribute twice, once in each
	 * dialect of pax.
	 */
	if (s->options->xattrs &&
	    !(has_xattrs_of(s->options, e, &tree) && has_xattrs_of(s->options, &tree, e)))
		say_difference(s, e, "Extended attributes differ");
	if (acls &&
	    !(is_same_acl(e->acl_access, tree.acl_access) &&
	        is_same_acl(e->acl_default, tree.acl_default)))
		say_difference(s, e, "ACL differs");
	return TARN_OK;
}

static int compare_attributes(struct compare_sink *s, const struct entry *e, struct error *err) {
	int fd, r;

	if (!s->options->xattrs && !s->options->acls)
		return TARN_OK;
	r = contained_open_existing(s->below, &s->path, O_PATH, &fd, err);
	if (r != TARN_OK)
		return r;
	/*
	 * The calls for attributes take no descriptor that O_PATH made, and without O_PATH a fifo
	 * or device could not be opened safely.
	 */
	r = compare_attributes_at(s, e, descriptor_path(fd).text, err);
	attributes_clear(&s->attributes);
	close(fd);
	return r;
}

/*
 * Read at most ${left} bytes at ${at}, fewer where the buffer is smaller.  A file that ends there
 * differs: it has shrunk since its size was compared, or the archive has content beyond that size.
 */
static int read_some(struct content *c, off_t at, off_t left, size_t *nbytes, struct error *err) {
	size_t wanted = left < (off_t)BUFFER_NBYTES ? (size_t)left : BUFFER_NBYTES;
	ssize_t n;

	do {
		n = pread(c->fd, c->buf, wanted, at);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(err, TARN_ESYSTEM, errno, "Read error at byte %jd", (intmax_t)at);
	c->differs = n == 0;
	*nbytes = (size_t)n;
	return TARN_OK;
}

static bool is_zero(const char *data, size_t nbytes) {
	return nbytes == 0 || (data[0] == '\0' && memcmp(data, data + 1, nbytes - 1) == 0);
}

/*
 * Compare with a hole.  What the file system knows to be one too is not read: a sparse file can be
 * far larger than its disk.  A file system that cannot say calls everything data.
 */
static int compare_hole(struct content *c, off_t at, off_t end, struct error *err) {
	size_t nbytes;
	int r;

	while (at < end && !c->differs) {
		off_t data = lseek(c->fd, at, SEEK_DATA);

		if (data < 0 && errno == ENXIO) /* a hole from here to the end of the file */
			return TARN_OK;
		if (data > at) {
			at = data;
			continue;
		}
		r = read_some(c, at, end - at, &nbytes, err);
		if (r != TARN_OK)
			return r;
		c->differs |= !is_zero(c->buf, nbytes);
		at += (off_t)nbytes;
	}
	return TARN_OK;
}

/* Where the file ends inside of ${block}, read_some has it differ, which ends the loop. */
static int compare_block(struct content *c, const struct block *block, struct error *err) {
	const char *data = block->data;
	size_t nbytes;
	int r;

	for (size_t done = 0; done < block->nbytes && !c->differs; done += nbytes) {
		r = read_some(
		    c, block->offset + (off_t)done, (off_t)(block->nbytes - done), &nbytes, err);
		if (r != TARN_OK)
			return r;
		c->differs |= memcmp(c->buf, data + done, nbytes) != 0;
	}
	return TARN_OK;
}

/* Compare all of the content; the sizes are the same. */
static int compare_blocks(
    struct content *c, const struct entry *e, struct source *from, struct error *err) {
	struct block block;
	off_t begin, end = 0;
	int r = TARN_OK;

	while (r == TARN_OK && !c->differs) {
		r = from->read(from, &block, err);
		if (r == TARN_END)
			return compare_hole(c, end, e->size, err);
		if (r != TARN_OK)
			return r;
		begin = end;
		/* No file goes as far.  What is only outside of this one finds nothing to read. */
		c->differs = __builtin_add_overflow(block.offset, block.nbytes, &end);
		r = compare_hole(c, begin, block.offset, err);
		if (r == TARN_OK)
			r = compare_block(c, &block, err);
	}
	return r;
}

static int compare_content(struct compare_sink *s, const struct entry *e, const struct stat *st,
    struct source *from, struct error *err) {
	struct content content = { .fd = -1, .buf = s->buf };
	int r;

	if (st->st_size != e->size) {
		say_difference(s, e, "Size differs");
		return TARN_OK;
	}
	r = contained_open_existing(s->below, &s->path, O_RDONLY, &content.fd, err);
	if (r != TARN_OK)
		return r;
	r = compare_blocks(&content, e, from, err);
	if (r == TARN_OK && content.differs)
		say_difference(s, e, "Contents differ");
	close(content.fd);
	return r;
}

/*
 * The type is right.  Which properties count for which type is GNU tar's choice, attributes apart:
 * directories change their times whenever they are used, symbolic links have no mode to speak of,
 * and a device with another number is another device altogether.
 */
static int compare_file(struct compare_sink *s, const struct entry *e, const struct stat *st,
    struct source *from, struct error *err) {
	int r = TARN_OK;

	if ((S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) &&
	    (major(st->st_rdev) != e->rdev_major || minor(st->st_rdev) != e->rdev_minor)) {
		say_difference(s, e, "Device number differs");
		return TARN_OK;
	}
	if (S_ISLNK(st->st_mode))
		r = compare_target(s, e, err);
	else if ((st->st_mode & 07777) != e->mode)
		say_difference(s, e, "Mode differs");
	if (S_ISREG(st->st_mode)) {
		compare_owner(s, e, st);
		if (!is_same_time(e->mtime, st->st_mtim))
			say_difference(s, e, "Mod time differs");
	}
	if (r == TARN_OK)
		r = compare_attributes(s, e, err);
	if (r == TARN_OK && S_ISREG(st->st_mode))
		r = compare_content(s, e, st, from, err);
	return r;
}

/*
 * That it is the same inode says all about its metadata: the first name's member was compared.  But
 * some formats keep the content for a later name.  It is compared first, as looking up the first
 * name changes the current path.
 */
static int compare_later_name(struct compare_sink *s, const struct entry *e, const struct stat *st,
    struct source *from, struct error *err) {
	struct stat first;
	int r = TARN_OK;

	if (e->size > 0 && !S_ISREG(st->st_mode))
		say_difference(s, e, "File type differs");
	else if (e->size > 0)
		r = compare_content(s, e, st, from, err);
	/* Where that is stripped away, extraction gives this name the content. */
	if (r != TARN_OK || *e->first_name == '\0')
		return r;
	r = find(s, e->first_name, &first, err);
	if (r == TARN_OK && !contained_is_same(&first, st))
		say_not_linked(s, e);
	return r;
}

/* Only a symbolic link in place of a directory may be what extraction has left there. */
static int compare_other_type(struct compare_sink *s, const struct entry *e, struct error *err) {
	int r = e->type == ENTRY_DIRECTORY ?
	    destination_has_link_for(&s->destination, s->below, &s->path, err) :
	    TARN_END;

	if (r == TARN_END)
		say_difference(s, e, "File type differs");
	return r;
}

static int compare_sink_put(
    struct sink *sink, const struct entry *e, struct source *from, struct error *err) {
	struct compare_sink *s = (struct compare_sink *)sink;
	struct stat st;
	int r = find(s, e->name, &st, err);

	/* Before the type, which a link member need not tell: it may say file for any. */
	if (r == TARN_OK && e->first_name != NULL)
		r = compare_later_name(s, e, &st, from, err);
	else if (r == TARN_OK && (st.st_mode & S_IFMT) == entry_type_mode(e->type))
		r = compare_file(s, e, &st, from, err);
	else if (r == TARN_OK)
		r = compare_other_type(s, e, err);
	if (r == TARN_OK || r == TARN_END)
		return TARN_OK;
	/* Damaged content, too: the next call of next() says whether the archive can be read on. */
	if (r != TARN_ENOMEM) {
		report_error(s->report, e->name, err);
		r = TARN_OK;
	}
	return r;
}

static int compare_sink_finish(struct sink *sink, struct error *err) {
	(void)sink;
	(void)err;
	return TARN_OK;
}

static void compare_sink_free(struct sink *sink) {
	struct compare_sink *s = (struct compare_sink *)sink;

	if (s == NULL)
		return;
	destination_fini(&s->destination);
	member_path_fini(&s->path);
	attributes_fini(&s->attributes);
	quote_fini(&s->quote);
	free(s->buf);
	free(s);
}

struct sink *compare_sink_new(const struct options *o, const char *directory, struct owners *owners,
    struct report *report, FILE *out, struct error *err) {
	struct compare_sink *s = calloc(1, sizeof(*s));

	if (s == NULL || (s->buf = malloc(BUFFER_NBYTES)) == NULL) {
		err_nomem(err);
		goto fail;
	}
	s->base = (struct sink){
		.put = compare_sink_put,
		.finish = compare_sink_finish,
		.free = compare_sink_free,
	};
	s->options = o;
	s->owners = owners;
	s->report = report;
	s->out = out;
	s->quote = (struct quote){ .style = o->quoting, .utf8 = quote_environment_is_utf8() };
	if (destination_open(&s->destination, o, directory, err) != TARN_OK)
		goto fail;
	return &s->base;
fail:
	compare_sink_free(s != NULL ? &s->base : NULL);
	return NULL;
}
