#include "config.h"

#include "late_directories.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "entry_copy.h"

/*
 * A tree may have millions of directories, and all of them wait until the end, so that each is kept
 * in as little as will do: a record of fixed size, and text.
 *
 * A record has the last component of a name, and the number of the record of the directory above
 * it.  That is looked for among the last record and those above it: where a directory comes before
 * what is in it, and all of that before anything else, it is there.  Where it is not, the record
 * has the whole name.
 *
 * What a directory lies in must stay open to this process until it has its own metadata, so the
 * deepest come first.  Most need no such care, as they stay open to all who matter (stays_open):
 * they come in the order of the archive, in which the directory above is mostly held open, and may
 * go to any thread.
 */

#define NO_RECORD UINT32_MAX /* no valid number: late_directories_add refuses so many */
#define AT_ONCE UINT16_MAX   /* as a depth: it need not wait for those in it */
#define HAS_ENTRY 0x8000 /* in mode: the record has no name, but a copy of the entry, which has */

/* What an entry of a directory has, packed into 48 bytes.  Never changes once it is added. */
struct late_record {
	uint64_t ino;
	int64_t seconds; /* of its modification time */
	union {
		size_t text;         /* where its component is */
		struct entry *entry; /* owned */
	} name;
	uint32_t nanoseconds, uid, gid;
	uint32_t above; /* the record of the directory that it is in, or NO_RECORD */
	uint32_t dev;   /* what fits of it: together with ino that will do */
	uint16_t mode;
	uint16_t depth; /* AT_ONCE, or at most one less */
};

static size_t count(const struct late_directories *late) {
	return late->records.nbytes / sizeof(struct late_record);
}

static struct late_record *record(const struct late_directories *late, uint32_t number) {
	return (struct late_record *)(void *)late->records.data + number;
}

/* The last component, or the whole name. */
static const char *own_name(const struct late_directories *late, const struct late_record *r) {
	return (r->mode & HAS_ENTRY) != 0 ? r->name.entry->name :
	                                    (const char *)late->text.data + r->name.text;
}

/*
 * The record that ${name} is right below, or NO_RECORD; *${nbytes} of the name, with a slash, are
 * above its own component.  Goes up from the last record, whose name late->last is, until that is a
 * directory above ${name}.
 */
static uint32_t find_above(const struct late_directories *late, const char *name, size_t *nbytes) {
	const char *last = (const char *)late->last.data;
	size_t end = late->last.nbytes, common = 0;
	uint32_t above = (uint32_t)count(late) - 1; /* of none: NO_RECORD */

	/*
	 * Where ${name} ends its 0 differs from what is in ${last}, so nothing behind it is looked
	 * at.
	 */
	while (common < end && name[common] == last[common])
		common++;
	while (above != NO_RECORD && (end > common || name[end] != '/')) {
		const struct late_record *r = record(late, above);

		above = r->above;
		/*
		 * A record below another has only its component: without that it is the name above.
		 */
		if (above != NO_RECORD)
			end -= strlen(own_name(late, r)) + 1;
	}
	*nbytes = above != NO_RECORD ? end + 1 : 0;
	return above;
}

/* Give ${r} the name of ${e}, or a copy of all of it when it has what a record has no room for. */
static int keep(struct late_directories *late, struct late_record *r, const struct entry *e,
    struct error *err) {
	const char *name = e->name;
	size_t nbytes;

	if (e->nxattrs > 0 || e->acl_access != NULL || e->acl_default != NULL ||
	    e->uid > UINT32_MAX || e->gid > UINT32_MAX) {
		r->mode |= HAS_ENTRY;
		r->name.entry = entry_copy(e);
		return r->name.entry != NULL ? TARN_OK : err_nomem(err);
	}
	r->above = find_above(late, name, &nbytes);
	r->name.text = late->text.nbytes;
	return bytes_append(&late->text, name + nbytes, strlen(name + nbytes) + 1, err);
}

/*
 * Does the directory ${st} keep nobody from what is in it as it gets what ${e} has: neither who
 * owns it now nor who will, nor before it has its mode?
 */
static bool stays_open(const struct entry *e, const struct stat *st) {
	/* Who gives it away is no owner any more, and finds it as others do. */
	mode_t needed = e->uid == st->st_uid ? 0500 : 0505;

	/* An ACL may take from anybody what the mode seems to give. */
	return e->acl_access == NULL && (e->mode & st->st_mode & needed) == needed;
}

int late_directories_add(struct late_directories *late, const struct entry *e, size_t depth,
    const struct stat *st, bool is_new, struct error *err) {
	struct late_record r = {
		.ino = st->st_ino,
		.seconds = e->mtime.tv_sec,
		.nanoseconds = (uint32_t)e->mtime.tv_nsec,
		.uid = (uint32_t)e->uid,
		.gid = (uint32_t)e->gid,
		.above = NO_RECORD,
		.dev = (uint32_t)st->st_dev,
		.mode = (uint16_t)e->mode,
		.depth = is_new && stays_open(e, st) ?
		    AT_ONCE :
		    (uint16_t)(depth < AT_ONCE ? depth : AT_ONCE - 1),
	};

	if (count(late) == NO_RECORD)
		return err_nomem(err);
	if (keep(late, &r, e, err) != TARN_OK)
		return TARN_ENOMEM;
	if (bytes_append(&late->records, &r, sizeof(r), err) != TARN_OK) {
		if ((r.mode & HAS_ENTRY) != 0)
			free(r.name.entry);
		return TARN_ENOMEM;
	}
	late->last.nbytes = 0;
	return bytes_append(&late->last, e->name, strlen(e->name), err);
}

/* The deepest first; of the same name the earlier one. */
static int compare(const void *a, const void *b) {
	const struct late_order *x = a, *y = b;

	if (x->depth != y->depth)
		return x->depth > y->depth ? -1 : 1;
	return x->record < y->record ? -1 : 1;
}

/* Fill in late->order, by which they are handed out from now on. */
static int put_in_order(struct late_directories *late, struct error *err) {
	size_t n = count(late), nat_once = 0, nwaiting = 0;

	late->order = reallocarray(NULL, n, sizeof(*late->order));
	if (late->order == NULL)
		return err_nomem(err);
	/* Those that need not wait from the front, the others from the back. */
	for (uint32_t i = 0; i < n; i++) {
		uint16_t depth = record(late, i)->depth;

		late->order[depth == AT_ONCE ? nat_once++ : n - ++nwaiting] =
		    (struct late_order){ i, depth };
	}
	qsort(late->order + nat_once, nwaiting, sizeof(*late->order), compare);
	return TARN_OK;
}

/* The whole name of the record with this ${number} goes to late->name. */
static int compose(struct late_directories *late, uint32_t number, struct error *err) {
	size_t nbytes = 0;
	char *to;

	for (uint32_t i = number; i != NO_RECORD; i = record(late, i)->above)
		nbytes += strlen(own_name(late, record(late, i))) + 1;
	late->name.nbytes = 0;
	to = bytes_extend(&late->name, nbytes, err);
	if (to == NULL)
		return TARN_ENOMEM;
	/* From its end, as the way leads up. */
	to += nbytes;
	for (uint32_t i = number; i != NO_RECORD; i = record(late, i)->above) {
		const char *own = own_name(late, record(late, i));

		nbytes = strlen(own);
		*--to = i == number ? '\0' : '/';
		to = memcpy(to - nbytes, own, nbytes);
	}
	return TARN_OK;
}

int late_directories_next(struct late_directories *late, bool of_any_order, struct entry *e,
    size_t *number, struct error *err) {
	const struct late_record *r;
	struct late_order next;

	if (late->ngiven == count(late))
		return TARN_END;
	if (late->order == NULL && put_in_order(late, err) != TARN_OK)
		return TARN_ENOMEM;
	next = late->order[late->ngiven];
	/* Those that wait come behind all that do not: they are for another call. */
	if (of_any_order && next.depth != AT_ONCE)
		return TARN_END;
	*number = next.record;
	r = record(late, next.record);
	if ((r->mode & HAS_ENTRY) != 0) {
		*e = *r->name.entry;
	} else {
		if (compose(late, next.record, err) != TARN_OK)
			return TARN_ENOMEM;
		*e = (struct entry){
			.name = (const char *)late->name.data,
			.type = ENTRY_DIRECTORY,
			.is_whole = true,
			.mode = r->mode,
			.uid = r->uid,
			.gid = r->gid,
			.mtime = { r->seconds, r->nanoseconds },
		};
	}
	late->ngiven++;
	return TARN_OK;
}

bool late_directories_is(
    const struct late_directories *late, size_t number, const struct stat *st) {
	const struct late_record *r = record(late, (uint32_t)number);

	return S_ISDIR(st->st_mode) && r->ino == st->st_ino && r->dev == (uint32_t)st->st_dev;
}

void late_directories_fini(struct late_directories *late) {
	for (uint32_t i = 0; i < count(late); i++) {
		if ((record(late, i)->mode & HAS_ENTRY) != 0)
			free(record(late, i)->name.entry);
	}
	bytes_fini(&late->records);
	bytes_fini(&late->text);
	bytes_fini(&late->last);
	bytes_fini(&late->name);
	free(late->order);
}
