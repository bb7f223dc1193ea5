#include "config.h"

#include "cpio_header.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/*
 * A header is a magic and thirteen hexadecimal numbers, the name, and for a symbolic link its text.
 * The inode number is where the first name's header stands in the archive: it is unique, and
 * depends on nothing but what is archived.  Its upper half takes the place of the device's minor
 * number.
 *
 * Readers look for later names where the link count is above one.  libarchive's counts them down
 * and forgets the inode then, but link counts cannot be relied upon (a tree may be mounted twice,
 * and archives do not have them), so that it is one, or more than there will ever be.
 *
 * The content is with the first name.  GNU cpio itself has it with the last: it puts off what is
 * empty until it has seen all, and links it then.  Symbolic links all carry their text, as a reader
 * could not tell that one without it is a later name.
 */

#define MANY 0x7fffffff

/* The name of what ends an archive; a file that is called so is written with "./" before it. */
#define TRAILER "TRAILER!!!"

/* The numbers of a header.  Two fields have ${number}; the others fit into theirs, of 32 bits. */
struct numbers {
	uint64_t number, mode, nlink, uid, gid, mtime, size, rdev_major, rdev_minor;
};

/*
 * Append a header and the name behind it.  The two that are 0 are the device's major number and the
 * checksum, which newc has a field for but no use.
 */
static int append_header(
    struct member_header *header, const struct numbers *n, const char *name, struct error *err) {
	size_t name_nbytes = strlen(name) + 1;
	char text[128];
	int nbytes = snprintf(text, sizeof(text),
	    "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", (unsigned int)n->number,
	    (unsigned int)n->mode, (unsigned int)n->uid, (unsigned int)n->gid,
	    (unsigned int)n->nlink, (unsigned int)n->mtime, (unsigned int)n->size, 0u,
	    (unsigned int)(n->number >> 32), (unsigned int)n->rdev_major,
	    (unsigned int)n->rdev_minor, (unsigned int)name_nbytes, 0u);
	int r = member_header_append(header, text, (size_t)nbytes, err);

	if (r == TARN_OK)
		r = member_header_append(header, name, name_nbytes, err);
	return r == TARN_OK ? member_header_pad(header, CPIO_ALIGNMENT, err) : r;
}

/* Refuse what has no room in 32 bits. */
static int check_ranges(const struct entry *e, struct error *err) {
	const struct {
		uint64_t value;
		const char *type;
	} limited[] = {
		{ e->uid, "uid_t" },
		{ e->gid, "gid_t" },
		{ (uint64_t)e->size, "off_t" },
		{ strlen(e->name), "size_t" },
	};

	if (e->mtime.tv_sec < 0 || e->mtime.tv_sec > UINT32_MAX)
		return err_set(err, TARN_EREFUSED, 0, "value %jd out of time_t range 0..%ju",
		    (intmax_t)e->mtime.tv_sec, (uintmax_t)UINT32_MAX);
	for (size_t i = 0; i < sizeof(limited) / sizeof(limited[0]); i++) {
		if (limited[i].value > UINT32_MAX)
			return err_set(err, TARN_EREFUSED, 0, "value %ju out of %s range 0..%ju",
			    (uintmax_t)limited[i].value, limited[i].type, (uintmax_t)UINT32_MAX);
	}
	return TARN_OK;
}

/*
 * The member itself.  Type and target are those of ${first}, which is ${e} itself if it is a first
 * name: a later one may have come from an archive that does not tell them.
 */
static int append_member(struct member_header *header, const struct entry *e,
    const struct cpio_first *first, struct error *err) {
	const char *name = strcmp(e->name, TRAILER) == 0 ? "./" TRAILER : e->name;
	bool is_first = e->first_name == NULL;
	bool has_one_name = e->identity.nlink == 1 || e->type == ENTRY_DIRECTORY;
	bool has_content = first->type == S_IFREG && is_first;
	size_t target_nbytes = first->target != NULL ? strlen(first->target) : 0;
	struct numbers n = {
		.number = (uint64_t)first->number,
		.mode = first->type | e->mode,
		.nlink = is_first && has_one_name ? 1 : MANY,
		.uid = e->uid,
		.gid = e->gid,
		.mtime = (uint64_t)e->mtime.tv_sec,
		.size = has_content ? (uint64_t)e->size : target_nbytes,
		.rdev_major = e->rdev_major,
		.rdev_minor = e->rdev_minor,
	};
	int r = append_header(header, &n, name, err);

	if (r == TARN_OK)
		r = member_header_append(header, first->target, target_nbytes, err);
	return r == TARN_OK && has_content ? member_header_set_whole(header, e, err) : r;
}

int cpio_header_encode(struct member_header *header, struct cpio_names *names,
    const struct entry *e, off_t position, struct error *err) {
	struct cpio_first self = {
		.number = position,
		.type = entry_type_mode(e->type),
		.target = (char *)e->target,
		.name = (char *)e->name,
	};
	const struct cpio_first *first = &self;
	int r;

	member_header_clear(header);
	if (e->type == ENTRY_SOCKET)
		return err_set(err, TARN_EREFUSED, 0, "Unknown file type; file ignored");
	if (e->first_name != NULL)
		first = cpio_names_find(names, e->first_name);
	if (first == NULL)
		return err_set(err, TARN_NO_FIRST, 0, "no link to its first name can be made");
	r = check_ranges(e, err);
	if (r == TARN_OK)
		r = append_member(header, e, first, err);
	if (r == TARN_OK && e->first_name == NULL && e->type != ENTRY_DIRECTORY &&
	    e->identity.nlink != 1 && !cpio_names_add(names, &self))
		return err_nomem(err);
	return r;
}

int cpio_header_encode_trailer(struct member_header *header, struct error *err) {
	static const struct numbers none = { .nlink = 1 };

	member_header_clear(header);
	return append_header(header, &none, TRAILER, err);
}

bool cpio_header_is_sound(const char *data, size_t nbytes) {
	/* Magic, digits, and how long a header is without the name. */
	static const struct {
		const char *magic, *digits;
		size_t nbytes;
	} formats[] = {
		{ "070701", "0123456789abcdefABCDEF", 110 },     /* newc */
		{ "070702", "0123456789abcdefABCDEF", 110 },     /* crc */
		{ "070707", "01234567", 76 },                    /* odc */
		{ "070727", "0123456789abcdefABCDEFmns:", 116 }, /* afio's for large files */
	};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		const char *at = data, *end = data + formats[i].nbytes;

		if (nbytes < formats[i].nbytes)
			return true;
		if (memcmp(data, formats[i].magic, 6) != 0)
			continue;
		while (at < end && strchr(formats[i].digits, *at) != NULL && *at != '\0')
			at++;
		return at == end;
	}
	return false;
}

bool cpio_header_read_sum(const char *data, size_t nbytes, uint32_t *sum) {
	static const char magic[] = "070702";
	/* The last of the numbers. */
	const size_t at = 102, ndigits = 8;
	char digits[9];

	if (nbytes < at + ndigits || memcmp(data, magic, strlen(magic)) != 0)
		return false;
	memcpy(digits, data + at, ndigits);
	digits[ndigits] = '\0';
	*sum = (uint32_t)strtoul(digits, NULL, 16);
	return true;
}
