#include "config.h"

#include "plain_header.h"

#include <string.h>

#include "pax_records.h"

/*
 * The blocks are read in their order: extended headers into struct records, then the member's own
 * header, in which what the records say takes the place of its fields.  Nothing is kept from one
 * member to the next.
 *
 * Whatever is read here must come out as libarchive has it, and whatever is in doubt is left to it:
 * it then reads the same bytes from the beginning.  So false never means damage here, and being
 * lenient, old formats and messages are libarchive's affair alone.  The archive source asks for
 * each member but the first; untold_header uses no more than extended_header_read.
 *
 * A name can say more than it seems where it ends in a slash: only a directory's may.  Numbers are
 * digits behind blanks, if any, up to a NUL, a space or the end of the field.
 */

/* What stands before a header.  The names are borrowed from there, with text NULL for none. */
struct records {
	/* The two are never mixed: which of them counts then is libarchive's to know. */
	enum { NOTHING, PAX_RECORDS, LONG_NAMES } kind;
	struct pax_text path, linkpath;
	struct timespec mtime;
	bool has_mtime;
};

/*
 * Old tars have blanks in the place of leading zeros.  False without digits, and for base 256.  12
 * digits are 36 bits at most.
 */
static bool read_octal(const char *field, size_t nbytes, uint64_t *value) {
	size_t i = 0, first;

	while (i < nbytes && (field[i] == ' ' || field[i] == '\t'))
		i++;
	first = i;
	for (*value = 0; i < nbytes && field[i] >= '0' && field[i] <= '7'; i++)
		*value = *value << 3 | (uint64_t)(field[i] - '0');
	return i > first && (i == nbytes || field[i] == '\0' || field[i] == ' ');
}

static bool has_checksum(const struct tar_block *block) {
	uint64_t stored;

	/* With anything else in it, it is no header to libarchive. */
	for (size_t i = 0; i < sizeof(block->checksum); i++) {
		char c = block->checksum[i];

		if (c != ' ' && c != '\0' && (c < '0' || c > '7'))
			return false;
	}
	return read_octal(block->checksum, sizeof(block->checksum), &stored) &&
	    stored == tar_block_sum(block);
}

static bool is_ustar(const struct tar_block *block) {
	return memcmp(block->magic, TAR_MAGIC_USTAR, sizeof(block->magic)) == 0;
}

static bool is_gnu(const struct tar_block *block) {
	return memcmp(block->magic, TAR_MAGIC_GNU, sizeof(block->magic)) == 0;
}

/* Copy ${field} to ${to} and end it; returns where it ends. */
static char *copy_text(char *to, const char *field, size_t nbytes) {
	to = mempcpy(to, field, strnlen(field, nbytes));
	*to = '\0';
	return to;
}

/* The same for a value, for which there is room: all records together are no longer than ${to}. */
static char *copy_value(char *to, const struct pax_text *value) {
	to = mempcpy(to, value->text, value->nbytes);
	*to = '\0';
	return to;
}

/*
 * Put the name into ${header}, without the slashes at the end of a directory's.  False for one that
 * is left to libarchive.
 */
static bool read_name(
    struct plain_header *header, const struct tar_block *block, const struct pax_text *path) {
	char *to = header->name;
	size_t kept;

	if (path->text != NULL) {
		to = copy_value(to, path);
	} else {
		/* In GNU tar's format there are times in the place of the prefix. */
		if (is_ustar(block) && block->end.prefix[0] != '\0') {
			to = copy_text(to, block->end.prefix, sizeof(block->end.prefix));
			if (to[-1] != '/')
				*to++ = '/';
		}
		to = copy_text(to, block->name, sizeof(block->name));
	}
	kept = (size_t)(to - header->name);
	if (kept == 0 || (block->type != '5' && to[-1] == '/'))
		return false;
	while (kept > 1 && header->name[kept - 1] == '/')
		kept--;
	header->name[kept] = '\0';
	return true;
}

/* NULL where the field is empty. */
static const char *read_owner(char *to, const char *field, size_t nbytes) {
	return copy_text(to, field, nbytes) > to ? to : NULL;
}

/*
 * False when a field has anything but digits, or there is content where none belongs: some tars put
 * content behind later names, and libarchive finds out whether it is there.
 */
static bool read_numbers(const struct tar_block *block, struct entry *e) {
	uint64_t mode, size, mtime;

	if (!read_octal(block->mode, sizeof(block->mode), &mode) ||
	    !read_octal(block->uid, sizeof(block->uid), &e->uid) ||
	    !read_octal(block->gid, sizeof(block->gid), &e->gid) ||
	    !read_octal(block->size, sizeof(block->size), &size) ||
	    !read_octal(block->mtime, sizeof(block->mtime), &mtime))
		return false;
	e->mode = (mode_t)mode;
	e->size = (off_t)size;
	e->mtime.tv_sec = (time_t)mtime;
	/* Old tars have the type of the file in the mode. */
	return (size == 0 || block->type == '0') && mode <= 07777;
}

/* What ${value} says of ${keyword}; false: that is left to libarchive. */
static bool read_record(
    struct records *records, const struct pax_text *keyword, const struct pax_text *value) {
	struct timespec ignored;

	if (pax_text_is(keyword, "mtime"))
		return records->has_mtime = pax_read_time(value, &records->mtime);
	if (pax_text_is(keyword, "atime") || pax_text_is(keyword, "ctime"))
		return pax_read_time(value, &ignored);
	/* An empty value takes a record back; with a NUL in it a name would be cut. */
	if (value->nbytes == 0 || memchr(value->text, '\0', value->nbytes) != NULL)
		return false;
	if (pax_text_is(keyword, "path"))
		records->path = *value;
	else if (pax_text_is(keyword, "linkpath"))
		records->linkpath = *value;
	else
		return false;
	return true;
}

/*
 * Of several records with one keyword the last counts (POSIX pax).  False: there is something else.
 */
static bool read_records(struct records *records, const char *at, size_t nbytes) {
	const char *end = at + nbytes;
	struct pax_text keyword, value;

	while (at < end) {
		if (!pax_read_record(&at, end, &keyword, &value) ||
		    !read_record(records, &keyword, &value))
			return false;
	}
	return true;
}

bool extended_header_read(const struct tar_block *block, uint64_t *nbytes) {
	/* A label is nothing but the name in its header, and has no size. */
	*nbytes = 0;
	if (block->type == 'V')
		return has_checksum(block);
	return block->type != '\0' && strchr("gxKL", block->type) != NULL && has_checksum(block) &&
	    read_octal(block->size, sizeof(block->size), nbytes);
}

/* A name, and the NUL behind it, which counts in the size.  False for a second one of its kind. */
static bool read_long_name(struct pax_text *name, const char *at, size_t nbytes) {
	if (name->text != NULL || nbytes < 2 || memchr(at, '\0', nbytes) != at + nbytes - 1)
		return false;
	*name = (struct pax_text){ .text = at, .nbytes = nbytes - 1 };
	return true;
}

/* Take what the ${nbytes} at ${at}, which are behind ${block}, say of the member. */
static bool read_content(
    struct records *records, const struct tar_block *block, const char *at, size_t nbytes) {
	if (block->type == 'x') {
		if (records->kind != NOTHING)
			return false;
		records->kind = PAX_RECORDS;
		return is_ustar(block) && read_records(records, at, nbytes);
	}
	if (records->kind == PAX_RECORDS)
		return false;
	records->kind = LONG_NAMES;
	return is_gnu(block) &&
	    read_long_name(block->type == 'L' ? &records->path : &records->linkpath, at, nbytes);
}

/*
 * Read one extended header at ${data}, of x, L and K.  Returns how many bytes it has with its
 * content and padding; 0: there is none; SIZE_MAX: it is left to libarchive, also where not all of
 * it is there.
 */
static size_t read_extension(struct records *records, const char *data, size_t nbytes) {
	const struct tar_block *block = (const struct tar_block *)data;
	uint64_t size;
	size_t all;

	if (nbytes < sizeof(*block))
		return SIZE_MAX;
	if (block->type != 'x' && block->type != 'L' && block->type != 'K')
		return 0;
	if (!extended_header_read(block, &size) || size == 0 || size > PLAIN_RECORDS_NBYTES)
		return SIZE_MAX;
	all = (size_t)tar_padded(sizeof(*block) + size);
	if (nbytes < all || !read_content(records, block, data + sizeof(*block), (size_t)size))
		return SIZE_MAX;
	return all;
}

/* The member's own header, a whole block.  False: it is left to libarchive. */
static bool read_header(struct plain_header *header, const struct tar_block *block,
    const struct records *records, struct entry *e) {
	if (block->type != '0' && block->type != '1' && block->type != '2' && block->type != '5')
		return false;
	if (!is_ustar(block) && !is_gnu(block))
		return false;
	*e = (struct entry){ .type = ENTRY_FILE };
	if (!has_checksum(block) || !read_numbers(block, e) ||
	    !read_name(header, block, &records->path))
		return false;
	if (records->linkpath.text != NULL)
		copy_value(header->link_name, &records->linkpath);
	else
		copy_text(header->link_name, block->link_name, sizeof(block->link_name));
	if ((block->type == '1' || block->type == '2') && header->link_name[0] == '\0')
		return false;
	e->name = header->name;
	if (block->type == '1') {
		e->first_name = header->link_name;
	} else if (block->type == '2') {
		e->type = ENTRY_SYMLINK;
		e->target = header->link_name;
	} else if (block->type == '5') {
		e->type = ENTRY_DIRECTORY;
	}
	e->is_whole = e->first_name == NULL;
	if (records->has_mtime)
		e->mtime = records->mtime;
	e->uname = read_owner(header->uname, block->uname, sizeof(block->uname));
	e->gname = read_owner(header->gname, block->gname, sizeof(block->gname));
	return true;
}

size_t plain_header_read(
    struct plain_header *header, const void *data, size_t nbytes, struct entry *e) {
	struct records records = { .kind = NOTHING };
	const char *at = data, *end = at + nbytes;
	size_t before;

	/* At the end of it there is a whole block at ${at}: read_extension saw to that. */
	while ((before = read_extension(&records, at, (size_t)(end - at))) > 0) {
		if (before == SIZE_MAX)
			return 0;
		at += before;
	}
	if (!read_header(header, (const struct tar_block *)at, &records, e))
		return 0;
	return (size_t)(at - (const char *)data) + TAR_BLOCK_NBYTES;
}
