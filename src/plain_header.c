#include "config.h"

#include "plain_header.h"

#include <string.h>

/*
 * A name can say more than it seems where it ends in a slash: only a directory's may.  Numbers are
 * digits up to a NUL, a space or the end of the field.
 */

static bool read_octal(const char *field, size_t nbytes, uint64_t *value) {
	size_t i = 0;

	for (*value = 0; i < nbytes && field[i] >= '0' && field[i] <= '7'; i++)
		*value = *value << 3 | (uint64_t)(field[i] - '0');
	return i > 0 && (i == nbytes || field[i] == '\0' || field[i] == ' ');
}

/* The sum of all bytes, those of the checksum itself taken for spaces. */
static bool has_checksum(const struct tar_block *block) {
	const unsigned char *bytes = (const unsigned char *)block;
	unsigned int sum = sizeof(block->checksum) * ' ';
	uint64_t stored;

	for (size_t i = 0; i < sizeof(*block); i++)
		sum += bytes[i];
	for (size_t i = 0; i < sizeof(block->checksum); i++)
		sum -= (unsigned char)block->checksum[i];
	return read_octal(block->checksum, sizeof(block->checksum), &stored) && stored == sum;
}

/* Copy ${field} to ${to} and end it; returns where it ends. */
static char *copy_text(char *to, const char *field, size_t nbytes) {
	to = mempcpy(to, field, strnlen(field, nbytes));
	*to = '\0';
	return to;
}

/* False for a name that is left to libarchive. */
static bool read_name(struct plain_header *header, const struct tar_block *block, bool has_prefix) {
	char *to = header->name;
	size_t kept;

	if (has_prefix && block->end.prefix[0] != '\0') {
		to = copy_text(to, block->end.prefix, sizeof(block->end.prefix));
		if (to[-1] != '/')
			*to++ = '/';
	}
	to = copy_text(to, block->name, sizeof(block->name));
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

/* False when a field has anything but digits, or there is content. */
static bool read_numbers(const struct tar_block *block, struct entry *e) {
	uint64_t mode, size, mtime;

	if (!read_octal(block->mode, sizeof(block->mode), &mode) ||
	    !read_octal(block->uid, sizeof(block->uid), &e->uid) ||
	    !read_octal(block->gid, sizeof(block->gid), &e->gid) ||
	    !read_octal(block->size, sizeof(block->size), &size) ||
	    !read_octal(block->mtime, sizeof(block->mtime), &mtime))
		return false;
	e->mode = (mode_t)mode;
	e->mtime.tv_sec = (time_t)mtime;
	/* Old tars have the type of the file in the mode. */
	return size == 0 && mode <= 07777;
}

bool plain_header_read(
    struct plain_header *header, const struct tar_block *block, struct entry *e) {
	bool is_ustar = memcmp(block->magic,
	                    "ustar\0"
	                    "00",
	                    sizeof(block->magic)) == 0;

	if (block->type != '1' && block->type != '2' && block->type != '5')
		return false;
	if (!is_ustar && memcmp(block->magic, "ustar  ", sizeof(block->magic)) != 0)
		return false;
	*e = (struct entry){ .type = ENTRY_FILE };
	if (!has_checksum(block) || !read_numbers(block, e) || !read_name(header, block, is_ustar))
		return false;
	copy_text(header->link_name, block->link_name, sizeof(block->link_name));
	if (block->type != '5' && header->link_name[0] == '\0')
		return false;
	e->name = header->name;
	if (block->type == '1') {
		e->first_name = header->link_name;
	} else if (block->type == '2') {
		e->type = ENTRY_SYMLINK;
		e->target = header->link_name;
	} else {
		e->type = ENTRY_DIRECTORY;
	}
	e->is_whole = e->first_name == NULL;
	e->uname = read_owner(header->uname, block->uname, sizeof(block->uname));
	e->gname = read_owner(header->gname, block->gname, sizeof(block->gname));
	return true;
}
