#include "config.h"

#include "index_chunk.h"

#include <string.h>

#include "index_frame.h"

/*
 * Neighbours in an archive are alike: names share their beginnings, later names share their ends
 * with their first names, inodes were numbered one after the other.  So a member is stored as what
 * differs from the one before it (struct index_state), and each property in a column of its own, so
 * that zstd sees one kind of difference at a time.
 *
 * The put_ functions of the writer and the take_ functions of the reader are mirror images: for
 * each member both use the same columns, as its kind alone tells, and change the state alike.  In
 * which order they go from column to column does not matter.  When a put_ function returns false,
 * memory has run out; when a take_ function does, the chunk is malformed, or memory has run out, as
 * only ${err} tells.
 *
 * Chunks may come from a stranger: the reader refuses whatever would make an entry that breaks what
 * entry.h promises.
 */

#define KIND_TYPE 0x07     /* enum entry_type */
#define KIND_LINK 0x08     /* has a first name */
#define KIND_WHOLE 0x10    /* is_whole */
#define KIND_OWNER 0x20    /* the owner is another than before */
#define KIND_IDENTITY 0x40 /* identity follows */
#define KIND_BIRTH 0x80    /* with a birth time; only with KIND_IDENTITY */

/*
 * A chunk is closed when its columns have so many bytes.  The member that fills it may add two
 * names of INDEX_NAME_NBYTES and those of its owner, but never doubles it.
 */
#define FULL_NBYTES (INDEX_FRAME_NBYTES_MAX / 2)

#define NANOSECONDS 1000000000

/*
 * Like all put_ functions, it leaves the columns out of step when it fails: no member can follow.
 */
static bool put(
    struct index_chunk_writer *w, enum index_column column, uint64_t value, struct error *err) {
	return bytes_append_varint(&w->columns[column], value, err) == TARN_OK;
}

/* The difference is taken modulo 2^64, so that it fits for any two numbers. */
static bool put_difference(struct index_chunk_writer *w, enum index_column column, uint64_t value,
    uint64_t before, struct error *err) {
	return bytes_append_signed(&w->columns[column], (int64_t)(value - before), err) == TARN_OK;
}

static bool put_bytes(struct index_chunk_writer *w, enum index_column column, const void *data,
    size_t nbytes, struct error *err) {
	return bytes_append(&w->columns[column], data, nbytes, err) == TARN_OK;
}

static bool set(struct bytes *bytes, const char *text, size_t nbytes, struct error *err) {
	bytes->nbytes = 0;
	return bytes_append(bytes, text, nbytes, err) == TARN_OK;
}

/* How many bytes are the same at the beginnings of ${a} and ${b}, which have at least ${n}. */
static size_t shared_beginning(const unsigned char *a, const unsigned char *b, size_t n) {
	size_t shared = 0;

	while (n - shared >= 8 && memcmp(a + shared, b + shared, 8) == 0)
		shared += 8;
	while (shared < n && a[shared] == b[shared])
		shared++;
	return shared;
}

/* How many are the same before their ends ${a} and ${b}. */
static size_t shared_end(const char *a, const char *b, size_t n) {
	size_t shared = 0;

	while (n - shared >= 8 && memcmp(a - shared - 8, b - shared - 8, 8) == 0)
		shared += 8;
	while (shared < n && a[-1 - (ptrdiff_t)shared] == b[-1 - (ptrdiff_t)shared])
		shared++;
	return shared;
}

/*
 * Put how many bytes the name shares with the one before, and the rest; it becomes the one before.
 */
static bool put_name(struct index_chunk_writer *w, const char *name, struct error *err) {
	struct bytes *before = &w->before.name;
	size_t nbytes = strlen(name);
	size_t shared = shared_beginning((const unsigned char *)name, before->data,
	    nbytes < before->nbytes ? nbytes : before->nbytes);

	return put(w, COLUMN_NAME, shared, err) && put(w, COLUMN_NAME, nbytes - shared, err) &&
	    put_bytes(w, COLUMN_TEXT, name + shared, nbytes - shared, err) &&
	    set(before, name, nbytes, err);
}

/*
 * What a link leads to.  A later name is often the first name in another directory (tue/etc/fstab
 * and mon/etc/fstab), so the target is stored without the end that it shares with ${name}.
 */
static bool put_target(
    struct index_chunk_writer *w, const char *name, const char *target, struct error *err) {
	size_t nbytes = strlen(target), name_nbytes = strlen(name);
	size_t shared = shared_end(
	    target + nbytes, name + name_nbytes, nbytes < name_nbytes ? nbytes : name_nbytes);

	return put(w, COLUMN_TARGET, name_nbytes - shared, err) &&
	    put(w, COLUMN_TARGET, nbytes - shared, err) &&
	    put_bytes(w, COLUMN_LINK, target, nbytes - shared, err);
}

/*
 * What ${e} leads to, a symbolic link also to nothing, as archives have it and --transform makes
 * it; NULL: it is no link.
 */
static const char *target_of(const struct entry *e) {
	if (e->first_name != NULL)
		return e->first_name;
	if (e->type != ENTRY_SYMLINK)
		return NULL;
	return e->target != NULL ? e->target : "";
}

/* The owner of ${e} as it stands in its column, into ${owner}. */
static bool make_owner(struct bytes *owner, const struct entry *e, struct error *err) {
	const char *uname = e->uname != NULL ? e->uname : "";
	const char *gname = e->gname != NULL ? e->gname : "";

	owner->nbytes = 0;
	return bytes_append_varint(owner, e->uid, err) == TARN_OK &&
	    bytes_append_varint(owner, e->gid, err) == TARN_OK &&
	    bytes_append(owner, uname, strlen(uname) + 1, err) == TARN_OK &&
	    bytes_append(owner, gname, strlen(gname) + 1, err) == TARN_OK;
}

/*
 * Put the owner of ${e} if it differs from the one before, as *${is_new} then tells.  In the first
 * member of a chunk it always does.
 */
static bool put_owner(
    struct index_chunk_writer *w, const struct entry *e, bool *is_new, struct error *err) {
	/* The link is scratch space: the writer has no other use for it. */
	struct bytes *owner = &w->before.link, *before = &w->before.owner;

	if (!make_owner(owner, e, err))
		return false;
	*is_new = owner->nbytes != before->nbytes ||
	    memcmp(owner->data, before->data, owner->nbytes) != 0;
	return !*is_new ||
	    (put_bytes(w, COLUMN_OWNER, owner->data, owner->nbytes, err) &&
	        set(before, (const char *)owner->data, owner->nbytes, err));
}

/*
 * What the inode had when it was stored: with --mtime, or in a format of whole seconds, the member
 * has another time.  By this one and the checksum of its attributes -r sees whether it has changed.
 */
static bool put_state(struct index_chunk_writer *w, const struct entry *e, struct error *err) {
	const struct timespec *mtime = &e->identity.mtime;

	return put_difference(
	           w, COLUMN_CHANGE, (uint64_t)mtime->tv_sec, (uint64_t)e->mtime.tv_sec, err) &&
	    put_difference(
	        w, COLUMN_MOMENT, (uint64_t)mtime->tv_nsec, (uint64_t)e->mtime.tv_nsec, err) &&
	    put(w, COLUMN_STATE, e->identity.attributes, err);
}

static bool put_identity(struct index_chunk_writer *w, const struct entry *e, struct error *err) {
	const struct identity *identity = &e->identity;
	struct identity *before = &w->before.identity;
	uint64_t birth = (uint64_t)identity->btime.tv_sec;

	if (!put_difference(w, COLUMN_SYSTEM, identity->dev, before->dev, err) ||
	    !put_difference(w, COLUMN_INODE, identity->ino, before->ino, err))
		return false;
	if (identity->has_btime &&
	    (!put_difference(w, COLUMN_BIRTH, birth, (uint64_t)before->btime.tv_sec, err) ||
	        !put(w, COLUMN_INSTANT, (uint64_t)identity->btime.tv_nsec, err)))
		return false;
	/* The next difference is to the last birth time that there was: keep it. */
	if (!identity->has_btime)
		birth = (uint64_t)before->btime.tv_sec;
	*before = *identity;
	before->btime.tv_sec = (time_t)birth;
	return put_state(w, e, err);
}

/* What members of every kind have.  Offsets grow, so that their difference needs no sign. */
static bool put_common(
    struct index_chunk_writer *w, const struct entry *e, off_t offset, struct error *err) {
	if (!put(w, COLUMN_OFFSET, (uint64_t)(offset - w->before.offset), err) ||
	    !put_name(w, e->name, err) || !put(w, COLUMN_MODE, e->mode, err) ||
	    !put_difference(w, COLUMN_MTIME, (uint64_t)e->mtime.tv_sec, 0, err) ||
	    !put(w, COLUMN_FRACTION, (uint64_t)e->mtime.tv_nsec, err))
		return false;
	w->before.offset = offset;
	return true;
}

/* The kind is put last because put_owner decides on a part of it. */
static bool put_member(
    struct index_chunk_writer *w, const struct entry *e, off_t offset, struct error *err) {
	const char *target = target_of(e);
	unsigned char kind = (unsigned char)e->type;
	bool new_owner;

	if (!put_common(w, e, offset, err) || !put_owner(w, e, &new_owner, err))
		return false;
	if (target != NULL && !put_target(w, e->name, target, err))
		return false;
	if (e->type == ENTRY_FILE && !put(w, COLUMN_SIZE, (uint64_t)e->size, err))
		return false;
	if ((e->type == ENTRY_CHAR_DEVICE || e->type == ENTRY_BLOCK_DEVICE) &&
	    (!put(w, COLUMN_DEVICE, e->rdev_major, err) ||
	        !put(w, COLUMN_DEVICE, e->rdev_minor, err)))
		return false;
	if (new_owner)
		kind |= KIND_OWNER;
	if (e->first_name != NULL)
		kind |= KIND_LINK;
	if (e->is_whole)
		kind |= KIND_WHOLE;
	/* A link member has none of its own, and what comes from an archive has inode 0. */
	if (e->is_whole && e->type != ENTRY_DIRECTORY && e->identity.ino != 0) {
		kind |= KIND_IDENTITY;
		if (e->identity.has_btime)
			kind |= KIND_BIRTH;
		if (!put_identity(w, e, err))
			return false;
	}
	return put_bytes(w, COLUMN_KIND, &kind, 1, err);
}

int index_chunk_add(
    struct index_chunk_writer *w, const struct entry *e, off_t offset, struct error *err) {
	const char *target = target_of(e);

	/* Before anything is put, so that the columns stay in step. */
	if (strlen(e->name) > INDEX_NAME_NBYTES ||
	    (target != NULL && strlen(target) > INDEX_NAME_NBYTES))
		return err_set(
		    err, TARN_EREFUSED, 0, "the name or target of this member is too long");
	if (!put_member(w, e, offset, err))
		return TARN_ENOMEM;
	w->nmembers++;
	return TARN_OK;
}

bool index_chunk_is_full(const struct index_chunk_writer *w) {
	size_t nbytes = 0;

	for (size_t i = 0; i < INDEX_NCOLUMNS; i++)
		nbytes += w->columns[i].nbytes;
	return w->nmembers >= INDEX_CHUNK_NMEMBERS || nbytes >= FULL_NBYTES;
}

/* The first member of a chunk differs from nothing: zeros and empty names. */
static void state_reset(struct index_state *state) {
	state->name.nbytes = 0;
	state->owner.nbytes = 0;
	state->offset = 0;
	state->identity = (struct identity){ 0 };
}

int index_chunk_close(struct index_chunk_writer *w, struct bytes *out, struct error *err) {
	int r = index_frame_append(w->columns, INDEX_NCOLUMNS, out, err);

	/* The columns keep their room for the next chunk. */
	for (size_t i = 0; i < INDEX_NCOLUMNS; i++)
		w->columns[i].nbytes = 0;
	w->nmembers = 0;
	state_reset(&w->before);
	return r;
}

static void state_fini(struct index_state *state) {
	bytes_fini(&state->name);
	bytes_fini(&state->link);
	bytes_fini(&state->owner);
}

void index_chunk_writer_fini(struct index_chunk_writer *w) {
	for (size_t i = 0; i < INDEX_NCOLUMNS; i++)
		bytes_fini(&w->columns[i]);
	state_fini(&w->before);
	*w = (struct index_chunk_writer){ 0 };
}

int index_chunk_open(
    struct index_chunk_reader *r, const void *data, size_t nbytes, struct error *err) {
	state_reset(&r->before);
	/* Of a chunk that could not be opened, index_chunk_next() finds no member. */
	return index_frame_open(data, nbytes, &r->raw, r->columns, INDEX_NCOLUMNS, err);
}

static bool take(struct index_chunk_reader *r, enum index_column column, uint64_t *value) {
	return cursor_varint(&r->columns[column], value);
}

/* The inverse of put_difference(), modulo 2^64 as well. */
static bool take_difference(
    struct index_chunk_reader *r, enum index_column column, uint64_t before, uint64_t *value) {
	int64_t difference;

	if (!cursor_signed(&r->columns[column], &difference))
		return false;
	*value = before + (uint64_t)difference;
	return true;
}

/* A larger number would make an invalid timespec. */
static bool take_nanoseconds(struct index_chunk_reader *r, enum index_column column, long *value) {
	uint64_t n;

	if (!take(r, column, &n) || n >= NANOSECONDS)
		return false;
	*value = (long)n;
	return true;
}

/*
 * Append ${nbytes} of ${column} to ${bytes}.  There must be no NUL among them: as a string, the
 * name would end there.
 */
static bool take_text(struct index_chunk_reader *r, enum index_column column, uint64_t nbytes,
    struct bytes *bytes, struct error *err) {
	const void *text = cursor_take(&r->columns[column], nbytes);

	return text != NULL && memchr(text, '\0', nbytes) == NULL &&
	    bytes_append(bytes, text, nbytes, err) == TARN_OK;
}

/* ${bytes} as a string, ended by a NUL that is no part of them; NULL: out of memory. */
static const char *end_text(struct bytes *bytes, struct error *err) {
	if (bytes_append(bytes, "", 1, err) != TARN_OK)
		return NULL;
	bytes->nbytes--;
	return (const char *)bytes->data;
}

/* entry.h: a name is not empty, and has no slash at its end, but for "/". */
static bool take_name(struct index_chunk_reader *r, const char **name, struct error *err) {
	struct bytes *bytes = &r->before.name;
	uint64_t shared, nbytes;

	if (!take(r, COLUMN_NAME, &shared) || !take(r, COLUMN_NAME, &nbytes) ||
	    shared > bytes->nbytes || nbytes > INDEX_NAME_NBYTES - shared || shared + nbytes == 0)
		return false;
	/* What is shared is in the buffer already. */
	bytes->nbytes = shared;
	if (!take_text(r, COLUMN_TEXT, nbytes, bytes, err) ||
	    (bytes->nbytes > 1 && bytes->data[bytes->nbytes - 1] == '/'))
		return false;
	*name = end_text(bytes, err);
	return *name != NULL;
}

/* To be called after take_name(): the target may share the end of the member's own name. */
static bool take_target(struct index_chunk_reader *r, const char **target, struct error *err) {
	const struct bytes *name = &r->before.name;
	struct bytes *bytes = &r->before.link;
	uint64_t left_out, nbytes;
	size_t shared;

	if (!take(r, COLUMN_TARGET, &left_out) || !take(r, COLUMN_TARGET, &nbytes) ||
	    left_out > name->nbytes)
		return false;
	shared = name->nbytes - left_out;
	if (nbytes > INDEX_NAME_NBYTES - shared)
		return false;
	bytes->nbytes = 0;
	if (!take_text(r, COLUMN_LINK, nbytes, bytes, err) ||
	    bytes_append(bytes, name->data + left_out, shared, err) != TARN_OK)
		return false;
	*target = end_text(bytes, err);
	return *target != NULL;
}

/* A name of an owner: *${name} lies in ${cursor}'s bytes, or is NULL where it is empty. */
static bool take_owner_name(struct cursor *cursor, const char **name) {
	const unsigned char *end = memchr(cursor->at, '\0', (size_t)(cursor->end - cursor->at));

	if (end == NULL)
		return false;
	*name = end > cursor->at ? (const char *)cursor->at : NULL;
	cursor->at = end + 1;
	return true;
}

/*
 * Take an owner that ${is_new} from its column; else it is the one before, of which a copy was
 * kept.  Names lie in r->raw or in that copy: both stay until the next call.
 */
static bool take_owner(
    struct index_chunk_reader *r, bool is_new, struct entry *e, struct error *err) {
	struct cursor *column = &r->columns[COLUMN_OWNER], again;
	const unsigned char *from = column->at;
	struct bytes *before = &r->before.owner;

	if (is_new) {
		if (!cursor_varint(column, &e->uid) || !cursor_varint(column, &e->gid) ||
		    !take_owner_name(column, &e->uname) || !take_owner_name(column, &e->gname))
			return false;
		return set(before, (const char *)from, (size_t)(column->at - from), err);
	}
	/* The first member of a chunk cannot have the owner of the one before. */
	if (before->nbytes == 0)
		return false;
	again = (struct cursor){ before->data, before->data + before->nbytes };
	return cursor_varint(&again, &e->uid) && cursor_varint(&again, &e->gid) &&
	    take_owner_name(&again, &e->uname) && take_owner_name(&again, &e->gname);
}

/* To be called after take_numbers(): the mtime is stored as its difference from the member's. */
static bool take_state(struct index_chunk_reader *r, struct entry *e) {
	uint64_t seconds, nanoseconds;

	if (!take_difference(r, COLUMN_CHANGE, (uint64_t)e->mtime.tv_sec, &seconds) ||
	    !take_difference(r, COLUMN_MOMENT, (uint64_t)e->mtime.tv_nsec, &nanoseconds) ||
	    nanoseconds >= NANOSECONDS || !take(r, COLUMN_STATE, &e->identity.attributes))
		return false;
	e->identity.mtime =
	    (struct timespec){ .tv_sec = (time_t)seconds, .tv_nsec = (long)nanoseconds };
	return true;
}

static bool take_identity(struct index_chunk_reader *r, bool has_btime, struct entry *e) {
	struct identity *before = &r->before.identity, *identity = &e->identity;
	uint64_t dev, ino, birth;

	if (!take_difference(r, COLUMN_SYSTEM, before->dev, &dev) ||
	    !take_difference(r, COLUMN_INODE, before->ino, &ino))
		return false;
	/* The link count is not in the index: it stays 0, unknown. */
	*identity = (struct identity){ .dev = dev, .ino = ino, .has_btime = has_btime };
	if (has_btime) {
		if (!take_difference(r, COLUMN_BIRTH, (uint64_t)before->btime.tv_sec, &birth) ||
		    !take_nanoseconds(r, COLUMN_INSTANT, &identity->btime.tv_nsec))
			return false;
		identity->btime.tv_sec = (time_t)birth;
		before->btime.tv_sec = identity->btime.tv_sec;
	}
	before->dev = identity->dev;
	before->ino = identity->ino;
	return take_state(r, e);
}

/* Sizes and offsets must fit an off_t, the latter also when they are added up. */
static bool take_numbers(struct index_chunk_reader *r, struct entry *e, off_t *offset) {
	uint64_t forward, mode, seconds, size = 0, major = 0, minor = 0;
	bool is_device = e->type == ENTRY_CHAR_DEVICE || e->type == ENTRY_BLOCK_DEVICE;

	if (!take(r, COLUMN_OFFSET, &forward) || !take(r, COLUMN_MODE, &mode) || mode > 07777 ||
	    !take_difference(r, COLUMN_MTIME, 0, &seconds) ||
	    !take_nanoseconds(r, COLUMN_FRACTION, &e->mtime.tv_nsec) ||
	    (e->type == ENTRY_FILE && !take(r, COLUMN_SIZE, &size)) || size > INT64_MAX ||
	    (is_device && (!take(r, COLUMN_DEVICE, &major) || !take(r, COLUMN_DEVICE, &minor))) ||
	    major > UINT32_MAX || minor > UINT32_MAX ||
	    forward > (uint64_t)(INT64_MAX - r->before.offset))
		return false;
	e->mode = (mode_t)mode;
	e->size = (off_t)size;
	e->rdev_major = (unsigned int)major;
	e->rdev_minor = (unsigned int)minor;
	r->before.offset += (off_t)forward;
	*offset = r->before.offset;
	e->mtime.tv_sec = (time_t)seconds;
	return true;
}

/* What a link leads to: an empty target is none, as where the archive itself is read. */
static bool take_link(
    struct index_chunk_reader *r, unsigned char kind, struct entry *e, struct error *err) {
	if ((kind & KIND_LINK) != 0)
		return take_target(r, &e->first_name, err) && *e->first_name != '\0';
	if (e->type != ENTRY_SYMLINK)
		return true;
	if (!take_target(r, &e->target, err))
		return false;
	if (*e->target == '\0')
		e->target = NULL;
	return true;
}

static bool take_member(struct index_chunk_reader *r, unsigned char kind, struct entry *e,
    off_t *offset, struct error *err) {
	*e = (struct entry){ .type = kind & KIND_TYPE, .is_whole = (kind & KIND_WHOLE) != 0 };
	/* No archive has sockets, and 7, the other number that fits into three bits, is no type. */
	if (e->type >= ENTRY_SOCKET || !take_name(r, &e->name, err) ||
	    !take_numbers(r, e, offset) || !take_owner(r, (kind & KIND_OWNER) != 0, e, err) ||
	    !take_link(r, kind, e, err))
		return false;
	/* Only what can be linked to has one: no directory, and no link member. */
	return (kind & KIND_IDENTITY) == 0 ||
	    (e->is_whole && e->type != ENTRY_DIRECTORY &&
	        take_identity(r, (kind & KIND_BIRTH) != 0, e));
}

int index_chunk_next(
    struct index_chunk_reader *r, struct entry *e, off_t *offset, struct error *err) {
	/* This column has one byte for each member, so the chunk ends where it does. */
	const unsigned char *kind = cursor_take(&r->columns[COLUMN_KIND], 1);

	if (kind == NULL)
		return TARN_END;
	/* Below, it is only set when memory runs out, which tells the two failures apart. */
	err->code = TARN_OK;
	if (take_member(r, *kind, e, offset, err))
		return TARN_OK;
	return err->code == TARN_ENOMEM ? TARN_ENOMEM : err_set(err, TARN_EFORMAT, 0, "malformed");
}

void index_chunk_reader_fini(struct index_chunk_reader *r) {
	bytes_fini(&r->raw);
	state_fini(&r->before);
	*r = (struct index_chunk_reader){ 0 };
}
