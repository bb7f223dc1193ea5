#include "config.h"

#include "plain_header.h"

#include <string.h>

/*
 * A name can say more than it seems where it ends in a slash: only a directory's may.  Numbers are
 * digits up to a NUL, a space or the end of the field.
 */

/* The value of a record, in the block that it was read from; NULL: there is none. */
struct value {
	const char *text;
	size_t nbytes;
};

/* What the records before a header say. */
struct records {
	struct value path, linkpath;
	struct timespec mtime;
	bool has_mtime;
};

static bool read_octal(const char *field, size_t nbytes, uint64_t *value) {
	size_t i = 0;

	for (*value = 0; i < nbytes && field[i] >= '0' && field[i] <= '7'; i++)
		*value = *value << 3 | (uint64_t)(field[i] - '0');
	return i > 0 && (i == nbytes || field[i] == '\0' || field[i] == ' ');
}

static bool has_checksum(const struct tar_block *block) {
	uint64_t stored;

	return read_octal(block->checksum, sizeof(block->checksum), &stored) &&
	    stored == tar_block_sum(block);
}

static bool is_ustar(const struct tar_block *block) {
	return memcmp(block->magic,
	           "ustar\0"
	           "00",
	           sizeof(block->magic)) == 0;
}

/* Copy ${field} to ${to} and end it; returns where it ends. */
static char *copy_text(char *to, const char *field, size_t nbytes) {
	to = mempcpy(to, field, strnlen(field, nbytes));
	*to = '\0';
	return to;
}

static char *copy_value(char *to, const struct value *value) {
	to = mempcpy(to, value->text, value->nbytes);
	*to = '\0';
	return to;
}

/* False for a name that is left to libarchive. */
static bool read_name(
    struct plain_header *header, const struct tar_block *block, const struct value *path) {
	char *to = header->name;
	size_t kept;

	if (path->text != NULL) {
		to = copy_value(to, path);
	} else {
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

static const char *read_owner(char *to, const char *field, size_t nbytes) {
	return copy_text(to, field, nbytes) > to ? to : NULL;
}

/* False when a field has anything but digits, or there is content where none belongs. */
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

/* Read digits at *${at}, at most ${max} of them, and move behind them; returns how many. */
static size_t read_digits(const char **at, const char *end, size_t max, uint64_t *value) {
	size_t n;

	for (n = 0, *value = 0; n < max && *at < end && **at >= '0' && **at <= '9'; n++)
		*value = *value * 10 + (uint64_t)(*(*at)++ - '0');
	return n;
}

/* Seconds since 1970 with up to nine decimals. */
static bool read_time(const struct value *value, struct timespec *time) {
	const char *at = value->text, *end = at + value->nbytes;
	bool negative = at < end && *at == '-';
	uint64_t seconds, fraction = 0;

	at += negative;
	if (read_digits(&at, end, 18, &seconds) == 0)
		return false;
	if (at < end && *at == '.') {
		at++;
		for (size_t n = read_digits(&at, end, 9, &fraction); n < 9; n++)
			fraction *= 10;
	}
	*time = (struct timespec){ (time_t)seconds, (long)fraction };
	if (negative) {
		time->tv_sec = -(time_t)seconds - (fraction > 0);
		time->tv_nsec = fraction > 0 ? 1000000000 - (long)fraction : 0;
	}
	return at == end;
}

static bool is_keyword(const char *keyword, size_t nbytes, const char *wanted) {
	return strlen(wanted) == nbytes && memcmp(keyword, wanted, nbytes) == 0;
}

/* What ${value} says of the keyword of ${nbytes}; false: that is left to libarchive. */
static bool read_record(
    struct records *records, const char *keyword, size_t nbytes, const struct value *value) {
	struct timespec ignored;

	if (is_keyword(keyword, nbytes, "mtime"))
		return records->has_mtime = read_time(value, &records->mtime);
	if (is_keyword(keyword, nbytes, "atime") || is_keyword(keyword, nbytes, "ctime"))
		return read_time(value, &ignored);
	if (value->nbytes == 0 || memchr(value->text, '\0', value->nbytes) != NULL)
		return false;
	if (is_keyword(keyword, nbytes, "path"))
		records->path = *value;
	else if (is_keyword(keyword, nbytes, "linkpath"))
		records->linkpath = *value;
	else
		return false;
	return true;
}

/* "length keyword=value\n", one after the other, and nothing else. */
static bool read_records(struct records *records, const char *at, size_t nbytes) {
	const char *end = at + nbytes;

	while (at < end) {
		const char *keyword = at, *last, *equals;
		uint64_t length;
		struct value value;

		if (read_digits(&keyword, end, 5, &length) == 0 || keyword == end ||
		    *keyword++ != ' ' || length > (size_t)(end - at))
			return false;
		last = at + length - 1;
		if (last < keyword || *last != '\n')
			return false;
		equals = memchr(keyword, '=', (size_t)(last - keyword));
		if (equals == NULL)
			return false;
		value = (struct value){ equals + 1, (size_t)(last - equals - 1) };
		if (!read_record(records, keyword, (size_t)(equals - keyword), &value))
			return false;
		at = last + 1;
	}
	return true;
}

/*
 * Read what is before the header itself, if that is the records of the member.  Returns how many
 * bytes they have with their own header; SIZE_MAX: they are left to libarchive.
 */
static size_t read_extension(struct records *records, const char *data, size_t nbytes) {
	const struct tar_block *block = (const struct tar_block *)data;
	uint64_t size;
	size_t all;

	if (block->type != 'x')
		return 0;
	if (!is_ustar(block) || !read_octal(block->size, sizeof(block->size), &size) || size == 0 ||
	    size > PLAIN_RECORDS_NBYTES || !has_checksum(block))
		return SIZE_MAX;
	all = (size_t)tar_padded(sizeof(*block) + size);
	if (nbytes < all || !read_records(records, data + sizeof(*block), (size_t)size))
		return SIZE_MAX;
	return all;
}

/* The member's own header. */
static bool read_header(struct plain_header *header, const struct tar_block *block,
    const struct records *records, struct entry *e) {
	if (block->type != '0' && block->type != '1' && block->type != '2' && block->type != '5')
		return false;
	if (!is_ustar(block) && memcmp(block->magic, "ustar  ", sizeof(block->magic)) != 0)
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
	struct records records = { .has_mtime = false };
	size_t before;

	if (nbytes < TAR_BLOCK_NBYTES)
		return 0;
	before = read_extension(&records, data, nbytes);
	if (before == SIZE_MAX || nbytes - before < TAR_BLOCK_NBYTES ||
	    !read_header(
	        header, (const struct tar_block *)((const char *)data + before), &records, e))
		return 0;
	return before + TAR_BLOCK_NBYTES;
}
