#include "config.h"

#include "tar_header.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "pax_records.h"
#include "tar_block.h"

/*
 * The header block is put together aside while what does not fit into it is appended as records of
 * an extended header; then that header is closed, or dropped when it has no records, and the block
 * follows it.  What a field cannot say is zero or cut there, as GNU tar has it.
 *
 * The order of the steps matters.  Which content is stored comes first, as its size is a field; the
 * type next, as only directories get a slash; then fields and records; the checksum last.  A
 * refusal may come at any of them and leaves half a header, which the next member clears.
 *
 * Long names that are not UTF-8 stand in members of type K and L between the extended header and
 * the header block.  GNU tar 1.34, bsdtar 3.6, busybox 1.35 and Python 3.11 read that order, and
 * the other one too, without a word.  None of them minds such names in ustar fields; but a
 * GNU.sparse.name that is not UTF-8 makes bsdtar fail, so that a sparse file with such a name is
 * stored under it.
 */

/* The header that is being encoded, during one call; all that it points to is borrowed. */
struct encoder {
	struct member_header *header; /* its bytes are all that precedes ${block} in the archive */
	const struct entry *e;
	enum format format;
	bool is_sparse;        /* stored without its holes */
	bool has_long_name;    /* a member of type L says it */
	bool has_long_link;    /* K */
	size_t map_nbytes;     /* of the sparse map that is stored as content, in pax; else 0 */
	const char *name;      /* with the slash at the end that directories have */
	const char *link_name; /* NULL: none */
	struct error *err;
	struct tar_block block;
};

/* A numeric field of the block. */
struct field {
	char *at;
	size_t nbytes;
	const char *keyword; /* of the record for what does not fit; NULL: there is none */
	const char *type;    /* what GNU tar calls it */
};

#define OWNER_NBYTES_MAX (sizeof(((struct tar_owners *)0)->uname) - 1)

#define FIELD(enc, member, keyword, type) \
	((struct field){ (enc)->block.member, sizeof((enc)->block.member), keyword, type })

/* The message is GNU tar's, with the range that it gives: base 256 has one more below zero. */
static int refuse_number(const struct encoder *enc, struct field f, uint64_t value, bool negative) {
	bool is_gnu = enc->format == FORMAT_GNU;
	uint64_t max = is_gnu ? tar_max_base256(f.nbytes) : tar_max_octal(f.nbytes);

	return err_set(enc->err, TARN_EREFUSED, 0, "value %s%ju out of %s range %s%ju..%ju",
	    negative ? "-" : "", (uintmax_t)(negative ? 0 - value : value), f.type,
	    is_gnu ? "-" : "", (uintmax_t)(is_gnu ? max + 1 : 0), (uintmax_t)max);
}

/*
 * ${value} is in two's complement; only times may be ${negative}, and their field has all of its
 * bits in base 256.  Octal is for every reader, so anything else only comes where that does not
 * fit.
 */
static int put_number(struct encoder *enc, struct field f, uint64_t value, bool negative) {
	if (!negative && value <= tar_max_octal(f.nbytes)) {
		tar_put_octal(f.at, f.nbytes, value);
		return TARN_OK;
	}
	if (enc->format == FORMAT_GNU && value <= tar_max_base256(f.nbytes)) {
		tar_put_base256(f.at, f.nbytes, value, negative);
		return TARN_OK;
	}
	if (enc->format != FORMAT_PAX || f.keyword == NULL)
		return refuse_number(enc, f, value, negative);
	/* A record would say of the inode what the first name has already said. */
	tar_put_octal(f.at, f.nbytes, 0);
	if (enc->e->first_name != NULL)
		return TARN_OK;
	return pax_record_number(enc->header, f.keyword, value, enc->err);
}

/* Only pax has nanoseconds; elsewhere a time is rounded down, also one before 1970. */
static int put_mtime(struct encoder *enc) {
	struct timespec t = enc->e->mtime;
	struct field f = FIELD(enc, mtime, NULL, "time_t");
	bool fits = t.tv_sec >= 0 && (uint64_t)t.tv_sec <= tar_max_octal(f.nbytes);

	if (enc->format != FORMAT_PAX)
		return put_number(enc, f, (uint64_t)t.tv_sec, t.tv_sec < 0);
	tar_put_octal(f.at, f.nbytes, fits ? (uint64_t)t.tv_sec : 0);
	if (enc->e->first_name != NULL || (fits && t.tv_nsec == 0))
		return TARN_OK;
	return pax_record_time(enc->header, "mtime", t, enc->err);
}

/* Is ${name}, an owner of ${e}, longer than its field, and has no record either? */
static bool is_owner_cut(const struct entry *e, enum format format, const char *name) {
	return strlen(name) > OWNER_NBYTES_MAX &&
	    (format != FORMAT_PAX || e->first_name != NULL || !pax_is_utf8(name));
}

/*
 * The name of an owner.  It is cut to 31 bytes and a NUL (POSIX ustar wants that) in every format
 * but pax, and there too if it is not UTF-8: readers then have the number.
 */
static int put_owner(struct encoder *enc, char at[32], const char *keyword, const char *name) {
	if (name == NULL || enc->format == FORMAT_V7)
		return TARN_OK;
	memcpy(at, name, strnlen(name, OWNER_NBYTES_MAX));
	if (strlen(name) <= OWNER_NBYTES_MAX || is_owner_cut(enc->e, enc->format, name))
		return TARN_OK;
	return pax_record_string(enc->header, keyword, name, enc->err);
}

/*
 * Where ustar splits ${name} in two: the last slash that leaves enough to both; 0: nowhere.  Of
 * several slashes the first: readers add none to a prefix that ends with one.
 */
static size_t find_split(const char *name, size_t nbytes) {
	const struct tar_block *b;
	size_t at = sizeof(b->end.prefix);

	if (at > nbytes - 2)
		at = nbytes - 2; /* a slash at the very end is none to split at */
	while (at > 0 && (name[at] != '/' || name[at - 1] == '/'))
		at--;
	return nbytes - at - 1 <= sizeof(b->name) ? at : 0;
}

/*
 * A name that is longer than its field, which has the beginning of it: into a record, or, set in
 * *${is_long}, into a member of type L or K that finish() appends.
 */
static int put_long(struct encoder *enc, const char *keyword, const char *name, bool *is_long) {
	if (enc->format == FORMAT_PAX && pax_is_utf8(name))
		return pax_record_string(enc->header, keyword, name, enc->err);
	*is_long = true;
	return TARN_OK;
}

/* v7 wants a NUL behind the name, the others have all 100 bytes. */
static int put_name(struct encoder *enc) {
	struct tar_block *b = &enc->block;
	size_t nbytes = strlen(enc->name), split = 0, max = sizeof(b->name);

	if (enc->format == FORMAT_V7)
		max--;
	if (nbytes <= max) {
		memcpy(b->name, enc->name, nbytes);
		return TARN_OK;
	}
	if (enc->format == FORMAT_USTAR || enc->format == FORMAT_PAX)
		split = find_split(enc->name, nbytes);
	if (split > 0) {
		memcpy(b->end.prefix, enc->name, split);
		memcpy(b->name, enc->name + split + 1, nbytes - split - 1);
		return TARN_OK;
	}
	if (enc->format == FORMAT_USTAR) {
		max = sizeof(b->end.prefix) + 1 + sizeof(b->name);
		if (nbytes <= max)
			return err_set(enc->err, TARN_EREFUSED, 0,
			    "file name is too long (cannot be split); not dumped");
	}
	if (enc->format == FORMAT_USTAR || enc->format == FORMAT_V7)
		return err_set(
		    enc->err, TARN_EREFUSED, 0, "file name is too long (max %zu); not dumped", max);
	memcpy(b->name, enc->name, max);
	return put_long(enc, "path", enc->name, &enc->has_long_name);
}

static int put_link_name(struct encoder *enc) {
	struct tar_block *b = &enc->block;
	size_t nbytes = strlen(enc->link_name), max = sizeof(b->link_name);

	if (enc->format == FORMAT_V7)
		max--;
	memcpy(b->link_name, enc->link_name, nbytes < max ? nbytes : max);
	if (nbytes <= max)
		return TARN_OK;
	/* A later name can be stored in full instead; a symbolic link is nothing but its target. */
	if (enc->format == FORMAT_USTAR || enc->format == FORMAT_V7)
		return enc->e->first_name != NULL ?
		    err_set(enc->err, TARN_NO_FIRST, 0, "link name is too long") :
		    err_set(enc->err, TARN_EREFUSED, 0, "link name is too long; not dumped");
	return put_long(enc, "linkpath", enc->link_name, &enc->has_long_link);
}

/* Put as much of ${text} at ${at} as there is room for up to ${end}; behind it. */
static char *put_text(char *at, const char *end, const char *text, size_t nbytes) {
	size_t room = (size_t)(end - at);

	return mempcpy(at, text, nbytes < room ? nbytes : room);
}

/*
 * Put "directory/${folder}/base" for the entry into ${at}, as far as it fits.  POSIX pax proposes
 * such names for extended headers, with the number of the process in them; without it the bytes
 * depend on the entry alone.
 */
static void put_name_in_folder(const struct entry *e, const char *folder, char at[100]) {
	const char *slash = strrchr(e->name, '/'), *end = at + 100;
	const char *base = slash != NULL ? slash + 1 : e->name;

	at = slash != NULL ? put_text(at, end, e->name, (size_t)(slash - e->name)) :
	                     put_text(at, end, ".", 1);
	at = put_text(at, end, "/", 1);
	at = put_text(at, end, folder, strlen(folder));
	at = put_text(at, end, "/", 1);
	put_text(at, end, base, strlen(base));
}

/*
 * The map of a sparse file as it precedes the data (GNU tar's sparse format 1.0 for pax): how many
 * runs there are, and offset and length of each, in decimal, a line each; then zeros up to a whole
 * block.
 */
static int append_map(struct encoder *enc) {
	const struct member_header *h = enc->header;
	char line[64];
	int n = snprintf(line, sizeof(line), "%zu\n", h->nextents);
	int r = member_header_append(enc->header, line, (size_t)n, enc->err);

	for (size_t i = 0; i < h->nextents && r == TARN_OK; i++) {
		n = snprintf(line, sizeof(line), "%jd\n%jd\n", (intmax_t)h->extents[i].offset,
		    (intmax_t)h->extents[i].nbytes);
		r = member_header_append(enc->header, line, (size_t)n, enc->err);
	}
	return r == TARN_OK ? member_header_pad(enc->header, TAR_BLOCK_NBYTES, enc->err) : r;
}

/* The records of sparse format 1.0, and the name, which is in one of them if that can be. */
static int put_sparse_records(struct encoder *enc) {
	struct member_header *h = enc->header;
	int r = pax_record_string(h, "GNU.sparse.major", "1", enc->err);

	if (r == TARN_OK)
		r = pax_record_string(h, "GNU.sparse.minor", "0", enc->err);
	if (r == TARN_OK)
		r = pax_record_number(h, "GNU.sparse.realsize", (uint64_t)enc->e->size, enc->err);
	if (r != TARN_OK)
		return r;
	if (!pax_is_utf8(enc->name))
		return put_name(enc);
	/* Where a tar that does not know sparse files puts map and data, instead of at the name. */
	put_name_in_folder(enc->e, "GNUSparseFile.0", enc->block.name);
	return pax_record_string(h, "GNU.sparse.name", enc->name, enc->err);
}

/* libarchive and GNU tar know the keywords; no other format has a place for this. */
static int put_attributes(struct encoder *enc) {
	const struct entry *e = enc->e;
	int r = TARN_OK;

	if (enc->format != FORMAT_PAX || e->first_name != NULL)
		return TARN_OK;
	if (e->acl_access != NULL)
		r = pax_record_string(enc->header, "SCHILY.acl.access", e->acl_access, enc->err);
	if (e->acl_default != NULL && r == TARN_OK)
		r = pax_record_string(enc->header, "SCHILY.acl.default", e->acl_default, enc->err);
	for (size_t i = 0; i < e->nxattrs && r == TARN_OK; i++)
		r = pax_record_xattr(enc->header, &e->xattrs[i], enc->err);
	return r;
}

/* Everything that is a number; the size is that of what follows the block, map and content. */
static int put_numbers(struct encoder *enc) {
	const struct entry *e = enc->e;
	uint64_t size = (uint64_t)enc->header->content_nbytes + enc->map_nbytes;
	int r;

	tar_put_octal(enc->block.mode, sizeof(enc->block.mode), e->mode);
	r = put_number(enc, FIELD(enc, uid, "uid", "uid_t"), e->uid, false);
	if (r == TARN_OK)
		r = put_number(enc, FIELD(enc, gid, "gid", "gid_t"), e->gid, false);
	if (r == TARN_OK)
		r = put_number(enc, FIELD(enc, size, "size", "off_t"), size, false);
	if (r == TARN_OK)
		r = put_mtime(enc);
	if (r != TARN_OK || e->first_name != NULL ||
	    (e->type != ENTRY_CHAR_DEVICE && e->type != ENTRY_BLOCK_DEVICE))
		return r;
	r = put_number(enc, FIELD(enc, major, NULL, "major_t"), e->rdev_major, false);
	return r != TARN_OK ?
	    r :
	    put_number(enc, FIELD(enc, minor, NULL, "minor_t"), e->rdev_minor, false);
}

/* All fields of the block but type, map and checksum, and all records. */
static int put_all(struct encoder *enc) {
	const struct entry *e = enc->e;
	bool is_pax_sparse = enc->is_sparse && enc->format == FORMAT_PAX;
	int r = is_pax_sparse ? put_sparse_records(enc) : put_name(enc);

	if (r == TARN_OK && enc->link_name != NULL)
		r = put_link_name(enc);
	if (r == TARN_OK)
		r = put_numbers(enc);
	if (r == TARN_OK)
		r = put_owner(enc, enc->block.uname, "uname", e->uname);
	if (r == TARN_OK)
		r = put_owner(enc, enc->block.gname, "gname", e->gname);
	return r == TARN_OK ? put_attributes(enc) : r;
}

/* After plan_content: a sparse file has a type of its own in GNU tar's format. */
static int put_type(struct encoder *enc) {
	static const char types[] = {
		[ENTRY_FILE] = '0',
		[ENTRY_SYMLINK] = '2',
		[ENTRY_CHAR_DEVICE] = '3',
		[ENTRY_BLOCK_DEVICE] = '4',
		[ENTRY_DIRECTORY] = '5',
		[ENTRY_FIFO] = '6',
		[ENTRY_SOCKET] = '\0',
	};
	const struct entry *e = enc->e;
	char *type = &enc->block.type;

	*type = e->first_name != NULL ? '1' : types[e->type];
	if (*type == '\0' || (enc->format == FORMAT_V7 && strchr("346", *type) != NULL))
		return err_set(enc->err, TARN_EREFUSED, 0, "Unknown file type; file ignored");
	/* In v7 a file has no type.  That directories have one is as GNU tar writes it. */
	if (enc->format == FORMAT_V7 && *type == '0')
		*type = '\0';
	if (enc->format == FORMAT_GNU && enc->is_sparse)
		*type = 'S';
	return TARN_OK;
}

/*
 * Find out which content there is, and how much a map adds to it.  The bytes of the header are
 * still free: the map is put there to measure it, and taken out again.
 */
static int plan_content(struct encoder *enc) {
	struct member_header *h = enc->header;
	const struct entry *e = enc->e;
	int r;

	if (e->first_name != NULL || e->type != ENTRY_FILE)
		return TARN_OK;
	if (!e->is_sparse || (enc->format != FORMAT_PAX && enc->format != FORMAT_GNU))
		return member_header_set_whole(h, e, enc->err);
	/*
	 * GNU tar looks for each run at the next block, other readers directly behind the run
	 * before: of runs that are whole blocks both say the same.
	 */
	r = member_header_set_data(h, e, TAR_BLOCK_NBYTES, enc->err);
	if (r == TARN_OK && enc->format == FORMAT_PAX) {
		/* Its length is in the size field, which comes before it. */
		r = append_map(enc);
		enc->map_nbytes = h->nbytes;
		h->nbytes = 0;
	}
	if (r != TARN_OK)
		return r;
	enc->is_sparse = (uint64_t)h->content_nbytes + enc->map_nbytes < (uint64_t)e->size;
	if (enc->is_sparse)
		return TARN_OK;
	/* The holes are not worth a map. */
	enc->map_nbytes = 0;
	member_header_clear(h);
	return member_header_set_whole(h, e, enc->err);
}

/* The header of a member that only says more about the one behind it. */
static void make_extension(struct tar_block *b, char type, size_t nbytes) {
	b->type = type;
	tar_put_octal(b->mode, sizeof(b->mode), 0644);
	tar_put_octal(b->uid, sizeof(b->uid), 0);
	tar_put_octal(b->gid, sizeof(b->gid), 0);
	tar_put_size(b->size, (off_t)nbytes);
}

/*
 * Close the extended header, in front of whose records there is room for its block: their length is
 * in it, and is known only now.  Without records the room is given back, and there is none.
 */
static int finish_records(struct encoder *enc) {
	struct tar_block x = { 0 };
	size_t nbytes = enc->header->nbytes - sizeof(x);

	if (nbytes == 0) {
		enc->header->nbytes = 0;
		return TARN_OK;
	}
	put_name_in_folder(enc->e, "PaxHeaders", x.name);
	make_extension(&x, 'x', nbytes);
	memcpy(x.mtime, enc->block.mtime, sizeof(x.mtime));
	tar_block_finish(&x, FORMAT_PAX);
	memcpy(enc->header->data, &x, sizeof(x));
	return member_header_pad(enc->header, TAR_BLOCK_NBYTES, enc->err);
}

/* A member of type L or K, whose content is a name with its NUL; GNU tar calls all of them so. */
static int append_long(struct encoder *enc, char type, const char *name) {
	struct tar_block b = { .name = "././@LongLink" };
	size_t nbytes = strlen(name) + 1;
	int r;

	make_extension(&b, type, nbytes);
	tar_put_octal(b.mtime, sizeof(b.mtime), 0);
	tar_block_finish(&b, FORMAT_GNU);
	r = member_header_append(enc->header, &b, sizeof(b), enc->err);
	if (r == TARN_OK)
		r = member_header_append(enc->header, name, nbytes, enc->err);
	return r == TARN_OK ? member_header_pad(enc->header, TAR_BLOCK_NBYTES, enc->err) : r;
}

/* The part of GNU tar's map that has room in the header. */
static void put_gnu_map(struct encoder *enc) {
	const struct member_header *h = enc->header;
	struct tar_block *b = &enc->block;

	tar_put_size(b->end.gnu.real_size, enc->e->size);
	b->end.gnu.is_extended = tar_put_map(b->end.gnu.sparse, TAR_BLOCK_NSPARSE, h->extents,
	                             h->nextents) < h->nextents;
}

/* The part that follows the header. */
static int append_gnu_map(struct encoder *enc) {
	const struct member_header *h = enc->header;
	int r = TARN_OK;

	for (size_t at = TAR_BLOCK_NSPARSE; at < h->nextents && r == TARN_OK;) {
		struct sparse_block part = { 0 };

		at += tar_put_map(
		    part.sparse, SPARSE_BLOCK_NSPARSE, h->extents + at, h->nextents - at);
		part.is_extended = at < h->nextents;
		r = member_header_append(enc->header, &part, sizeof(part), enc->err);
	}
	return r;
}

/* Everything is known: put the blocks one behind the other. */
static int finish(struct encoder *enc) {
	int r = enc->format == FORMAT_PAX ? finish_records(enc) : TARN_OK;

	if (r == TARN_OK && enc->has_long_link)
		r = append_long(enc, 'K', enc->link_name);
	if (r == TARN_OK && enc->has_long_name)
		r = append_long(enc, 'L', enc->name);
	if (enc->is_sparse && enc->format == FORMAT_GNU)
		put_gnu_map(enc);
	tar_block_finish(&enc->block, enc->format);
	if (r == TARN_OK)
		r = member_header_append(enc->header, &enc->block, sizeof(enc->block), enc->err);
	if (r != TARN_OK || !enc->is_sparse)
		return r;
	return enc->format == FORMAT_GNU ? append_gnu_map(enc) : append_map(enc);
}

int tar_header_encode(
    struct member_header *header, const struct entry *e, enum format format, struct error *err) {
	struct encoder enc = {
		.header = header,
		.e = e,
		.format = format,
		.name = e->name,
		.link_name = e->first_name != NULL ? e->first_name : e->target,
		.err = err,
	};
	size_t nbytes = strlen(e->name);
	int r;

	member_header_clear(header);
	r = plan_content(&enc);
	if (r == TARN_OK)
		r = put_type(&enc);
	if (r == TARN_OK && enc.block.type == '5' && e->name[nbytes - 1] != '/') {
		r = member_header_set_scratch(header, e->name, nbytes, "/", err);
		enc.name = header->scratch;
	}
	if (r == TARN_OK && format == FORMAT_PAX) {
		/* Room for the block of an extended header. */
		static const struct tar_block none;

		r = member_header_append(header, &none, sizeof(none), err);
	}
	if (r == TARN_OK)
		r = put_all(&enc);
	return r == TARN_OK ? finish(&enc) : r;
}

/* What put_number() leaves in the field of a later name. */
static uint64_t reduce_number(uint64_t value, size_t nbytes) {
	return value <= tar_max_octal(nbytes) ? value : 0;
}

/* What put_owner() leaves of ${name}, in ${room} where it is cut. */
static const char *reduce_owner(
    const struct entry *e, enum format format, const char *name, char room[]) {
	if (name == NULL || *name == '\0' || format == FORMAT_V7)
		return NULL;
	if (!is_owner_cut(e, format, name))
		return name;
	memcpy(room, name, OWNER_NBYTES_MAX);
	room[OWNER_NBYTES_MAX] = '\0';
	return room;
}

void tar_header_reduce(struct entry *e, enum format format, struct tar_owners *owners) {
	const struct tar_block *b;

	if (format != FORMAT_PAX || e->first_name != NULL)
		e->mtime.tv_nsec = 0;
	e->uname = reduce_owner(e, format, e->uname, owners->uname);
	e->gname = reduce_owner(e, format, e->gname, owners->gname);
	if (e->first_name == NULL)
		return;
	e->type = ENTRY_FILE;
	e->target = NULL;
	e->size = 0;
	if (format != FORMAT_PAX)
		return;
	e->uid = reduce_number(e->uid, sizeof(b->uid));
	e->gid = reduce_number(e->gid, sizeof(b->gid));
	e->mtime.tv_sec = (time_t)reduce_number((uint64_t)e->mtime.tv_sec, sizeof(b->mtime));
}
