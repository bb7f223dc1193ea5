#include "config.h"

#include "made.h"

#include <string.h>

#include "member_path.h"

#define SIZE_MAX_MADE 4096
#define XATTR_NAME "user.made"
#define UNAME_NBYTES 31 /* as all formats have room for */

/* The next string, which is ${m}'s; NULL for an empty one. */
static char *string(struct made_entry *m, struct pieces *p) {
	char *s = take_string(p);

	m->strings[m->nstrings++] = s;
	return *s != '\0' ? s : NULL;
}

static char *short_string(struct made_entry *m, struct pieces *p) {
	char *s = string(m, p);

	if (s != NULL && strlen(s) > UNAME_NBYTES)
		s[UNAME_NBYTES] = '\0';
	return s;
}

/* A name as entries have them, without slashes at its end; NULL when nothing is left. */
static char *name(struct made_entry *m, struct pieces *p) {
	char *s = string(m, p);
	size_t n = s != NULL ? strlen(s) : 0;

	while (n > 0 && s[n - 1] == '/')
		s[--n] = '\0';
	return n > 0 ? s : NULL;
}

static void make_file(struct made_entry *m, struct pieces *p) {
	size_t first, second;

	m->e.size = (off_t)(take_number(p, 2) % SIZE_MAX_MADE);
	m->e.is_sparse = take_number(p, 1) & 1;
	m->content = calloc((size_t)m->e.size + 1, 1);
	REQUIRE(m->content != NULL);
	/* The first half of the runs lies somewhere in the first half of the file. */
	first = m->e.is_sparse ? take_number(p, 2) % (size_t)(m->e.size / 2 + 1) : 0;
	second = m->e.is_sparse ? (size_t)m->e.size / 2 + first : first;
	m->extents[0] = (struct extent){ (off_t)first, m->e.size / 2 - (off_t)first };
	m->extents[1] = (struct extent){ (off_t)second, m->e.size - (off_t)second };
	if (!m->e.is_sparse)
		m->extents[0] = (struct extent){ 0, m->e.size };
	for (size_t i = 0; i < 2 && (i == 0 || m->e.is_sparse); i++) {
		if (m->extents[i].nbytes == 0)
			continue;
		for (off_t k = 0; k < m->extents[i].nbytes; k++)
			m->content[m->extents[i].offset + k] = (uint8_t)take_number(p, 1);
		m->extents[m->e.nextents++] = m->extents[i];
	}
	m->e.extents = m->extents;
}

static void make_metadata(struct made_entry *m, struct pieces *p) {
	struct entry *e = &m->e;
	const char *value;

	e->is_whole = true;
	e->mode = take_number(p, 2) & 07777;
	e->uid = take_number(p, 4);
	e->gid = take_number(p, 4);
	e->uname = short_string(m, p);
	e->gname = short_string(m, p);
	e->mtime.tv_sec = (time_t)(take_number(p, 5) << 24) >> 24;
	/* libarchive reads "-0.5" as 0.5: that second is left out. */
	e->mtime.tv_sec -= e->mtime.tv_sec == -1;
	e->mtime.tv_nsec = (long)(take_number(p, 4) % 1000000000);
	value = string(m, p);
	m->xattr = (struct xattr){ XATTR_NAME, value, value != NULL ? strlen(value) : 0 };
	e->xattrs = &m->xattr;
	e->nxattrs = value != NULL;
	if (e->type == ENTRY_FILE)
		make_file(m, p);
	if (e->type == ENTRY_SYMLINK && (e->target = string(m, p)) == NULL)
		e->target = "target";
	if (e->type == ENTRY_CHAR_DEVICE || e->type == ENTRY_BLOCK_DEVICE) {
		e->rdev_major = (unsigned int)take_number(p, 1);
		e->rdev_minor = (unsigned int)take_number(p, 1);
	}
}

/* The entry called ${name}, however that is spelt; or NULL. */
static struct made_entry *made_find(struct made *made, const char *name) {
	for (size_t i = 0; i < made->n; i++) {
		if (member_names_equal(made->entries[i].e.name, name))
			return &made->entries[i];
	}
	return NULL;
}

/* True when there is one more entry in ${made}. */
static bool make_entry(struct made *made, struct pieces *p) {
	struct made_entry *m = &made->entries[made->n];
	size_t kind = take_number(p, 1);
	const char *is = name(m, p);

	if (is == NULL || made_find(made, is) != NULL) {
		free(m->strings[0]);
		*m = (struct made_entry){ 0 };
		return p->left > 0;
	}
	m->e.name = is;
	m->e.type = (enum entry_type)(kind % ENTRY_SOCKET);
	made->n++;
	if (made->n > 1 && (kind & 0x80) != 0) {
		const struct entry *first = &made->entries[kind / ENTRY_SOCKET % (made->n - 1)].e;

		m->e.type = first->type;
		m->e.first_name = first->first_name != NULL ? first->first_name : first->name;
		if (first->type != ENTRY_DIRECTORY)
			return true;
		m->e.first_name = NULL;
	}
	make_metadata(m, p);
	return true;
}

static int made_next(struct source *source, struct entry **e, struct error *err) {
	struct made *made = (struct made *)source;

	(void)err;
	if (made->next == made->n)
		return TARN_END;
	made->run = 0;
	*e = &made->entries[made->next++].e;
	return TARN_OK;
}

static int made_read(struct source *source, struct block *block, struct error *err) {
	struct made *made = (struct made *)source;
	const struct made_entry *m = &made->entries[made->next - 1];
	const struct extent *run = &m->extents[made->run];

	(void)err;
	if (made->run++ >= m->e.nextents)
		return TARN_END;
	*block = (struct block){ m->content + run->offset, (size_t)run->nbytes, run->offset };
	return TARN_OK;
}

void made_init(struct made *made, struct pieces *p) {
	*made = (struct made){ .base.next = made_next, .base.read = made_read };
	while (made->n < MADE_MAX && p->left > 0 && make_entry(made, p))
		continue;
}

void made_fini(struct made *made) {
	for (size_t i = 0; i < made->n; i++) {
		struct made_entry *m = &made->entries[i];

		while (m->nstrings > 0)
			free(m->strings[--m->nstrings]);
		free(m->content);
	}
}

static bool same_text(const char *a, const char *b) {
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* In cpio one name has a meaning of its own, and gets another form. */
static bool same_name(const char *a, const char *b) {
	return same_text(a, b) || (same_text(a, "TRAILER!!!") && same_text(b, "./TRAILER!!!"));
}

static void require_same(const struct made_entry *m, const struct entry *is, enum format format) {
	const struct entry *e = &m->e;
	bool has_names = format != FORMAT_V7 && format != FORMAT_CPIO;

	REQUIRE(same_name(e->name, is->name) && same_name(e->first_name, is->first_name));
	REQUIRE(is->is_whole == e->is_whole);
	if (!e->is_whole)
		return;
	REQUIRE(e->type == is->type && e->mode == is->mode && e->size == is->size);
	REQUIRE(same_text(e->target, is->target) && e->uid == is->uid && e->gid == is->gid);
	REQUIRE(!has_names || (same_text(e->uname, is->uname) && same_text(e->gname, is->gname)));
	REQUIRE(e->rdev_major == is->rdev_major && e->rdev_minor == is->rdev_minor);
	REQUIRE(e->mtime.tv_sec == is->mtime.tv_sec);
	REQUIRE(is->nxattrs == (format == FORMAT_PAX ? e->nxattrs : 0));
	if (is->nxattrs == 1)
		REQUIRE(strcmp(is->xattrs->name, XATTR_NAME) == 0 &&
		    is->xattrs->nbytes == e->xattrs->nbytes &&
		    memcmp(is->xattrs->value, e->xattrs->value, is->xattrs->nbytes) == 0);
	REQUIRE(is->mtime.tv_nsec == (format == FORMAT_PAX ? e->mtime.tv_nsec : 0));
}

static void require_content(const struct made_entry *m, struct source *source) {
	struct block block;
	struct error err;
	off_t at = 0;
	int r;

	while ((r = source->read(source, &block, &err)) == TARN_OK) {
		for (; at < block.offset; at++)
			REQUIRE(m->content[at] == 0);
		REQUIRE(memcmp(m->content + at, block.data, block.nbytes) == 0);
		at += (off_t)block.nbytes;
	}
	for (; at < m->e.size; at++)
		REQUIRE(m->content[at] == 0);
	REQUIRE(r == TARN_END);
}

void made_require(
    struct made *made, const struct entry *e, struct source *source, enum format format) {
	struct made_entry *m = made_find(made, e->name);

	require_entry(e);
	REQUIRE(m != NULL && !m->is_seen);
	m->is_seen = true;
	require_same(m, e, format);
	if (e->is_whole && e->type == ENTRY_FILE)
		require_content(m, source);
}
