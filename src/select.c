#include "config.h"

#include "select.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bytes.h"
#include "date.h"
#include "pattern.h"

/*
 * Operands that are plain names stand in a hash table: a member asks for its own name and for each
 * directory above it, so that a list of many names costs no more than a short one.  Patterns are
 * tried one after the other.
 *
 * Whether a name takes part is decided by the name that the archive or the tree has; renaming comes
 * behind that.  A later name is renamed with its first name, by the same rules, so that the two
 * still belong together; whether the first one takes part itself is not looked at here
 * (waiting_links.h).
 */

/* An operand that is compared with each name. */
struct tried {
	uint32_t operand;
	struct pattern pattern;
};

/*
 * Only ${nfound}, ${nleft} and the buffers for names change once it was made: one thread decides
 * and renames.
 */
struct select {
	const struct options *options;
	bool reads;          /* the operands select members of an archive */
	size_t *nfound;      /* what each operand means; NULL without ${reads}, or without any */
	size_t nleft;        /* operands that may want more of what comes, with --occurrence */
	uint32_t *slots;     /* operand number + 1; 0: free */
	size_t capacity;     /* a power of two, at least twice the operands, so that find() ends */
	struct tried *tried; /* operands that may want what is not found there, in order */
	size_t ntried;
	struct pattern *excludes;
	size_t nexcludes;
	struct transformed name, first, target; /* of the last entry */
	struct bytes top_name, top_first;       /* its names below --one-top-level */
};

/* A name as it is compared: without `./' at its start. */
static const char *plain(const char *name) {
	while (name[0] == '.' && name[1] == '/')
		name += 1 + strspn(name + 1, "/");
	return name;
}

/* Can a member be wanted by ${operand} only under its very name, or below that? */
static bool is_hashed(const struct operand *operand) {
	return !operand->how.wildcards && operand->how.anchored && !operand->how.ignore_case;
}

/* Members called "a" are below "." as well, although the name does not say so. */
static bool wants_all(const struct operand *operand) {
	return strcmp(plain(operand->name), ".") == 0 && operand->recurse;
}

/*
 * FNV-1a of no bytes, and of one more.  The names are the user's own, so that nobody has a reason
 * to make them collide.
 */
#define HASH_OF_NOTHING UINT64_C(0xcbf29ce484222325)

static uint64_t hash_more(uint64_t hash, char byte) {
	return (hash ^ (unsigned char)byte) * UINT64_C(0x100000001b3);
}

/*
 * The slot of the operand called ${name}, which has this ${hash}, or the free one where it belongs.
 */
static size_t find(const struct select *s, const char *name, size_t nbytes, uint64_t hash) {
	size_t i = (size_t)(hash ^ hash >> 32) & (s->capacity - 1);
	const char *is;

	for (; s->slots[i] != 0; i = (i + 1) & (s->capacity - 1)) {
		is = plain(s->options->operands[s->slots[i] - 1].name);
		if (strncmp(is, name, nbytes) == 0 && is[nbytes] == '\0')
			break;
	}
	return i;
}

static size_t find_whole(const struct select *s, const char *name) {
	uint64_t hash = HASH_OF_NOTHING;
	size_t nbytes = 0;

	for (; name[nbytes] != '\0'; nbytes++)
		hash = hash_more(hash, name[nbytes]);
	return find(s, name, nbytes, hash);
}

/* Of operands with the same name, the one that is asked for it: that which has the slot. */
static size_t standing_for(const struct select *s, size_t i) {
	const struct operand *operand = &s->options->operands[i];

	return is_hashed(operand) ? s->slots[find_whole(s, plain(operand->name))] - 1 : i;
}

/* Make what members of an archive ask for: the table, and the operands that are tried. */
static int add_operands(struct select *s, struct error *err) {
	const struct options *o = s->options;
	int r = TARN_OK;

	s->nfound = calloc(o->noperands, sizeof(*s->nfound));
	for (s->capacity = 16; s->capacity < o->noperands * 2; s->capacity *= 2)
		continue;
	s->slots = calloc(s->capacity, sizeof(*s->slots));
	s->tried = calloc(o->noperands, sizeof(*s->tried));
	if (s->nfound == NULL || s->slots == NULL || s->tried == NULL || o->noperands >= UINT32_MAX)
		return err_nomem(err);
	/* Of several with one name the last one has the slot: see standing_for(). */
	for (size_t i = 0; i < o->noperands && r == TARN_OK; i++) {
		const struct operand *operand = &o->operands[i];

		if (is_hashed(operand))
			s->slots[find_whole(s, plain(operand->name))] = (uint32_t)i + 1;
		if (is_hashed(operand) && !wants_all(operand))
			continue;
		s->tried[s->ntried].operand = (uint32_t)i;
		r = pattern_init(&s->tried[s->ntried++].pattern, operand->name, &operand->how, err);
	}
	for (size_t i = 0; i < o->noperands; i++)
		s->nleft += standing_for(s, i) == i;
	return r;
}

static int add_excludes(struct select *s, struct error *err) {
	const struct options *o = s->options;
	int r = TARN_OK;

	s->excludes = calloc(o->nexcludes, sizeof(*s->excludes));
	if (s->excludes == NULL)
		return err_nomem(err);
	while (s->nexcludes < o->nexcludes && r == TARN_OK) {
		const struct exclude *exclude = &o->excludes[s->nexcludes];

		r = pattern_init(
		    &s->excludes[s->nexcludes++], exclude->pattern, &exclude->how, err);
	}
	return r;
}

int select_new(struct select **select, const struct options *o, struct error *err) {
	struct select *s = calloc(1, sizeof(*s));
	int r = TARN_OK;

	*select = s;
	if (s == NULL)
		return err_nomem(err);
	s->options = o;
	s->reads = options_read_archive(o);
	if (s->reads && o->noperands > 0)
		r = add_operands(s, err);
	if (r == TARN_OK && o->nexcludes > 0)
		r = add_excludes(s, err);
	if (r != TARN_OK) {
		select_free(s);
		*select = NULL;
	}
	return r;
}

void select_free(struct select *select) {
	if (select == NULL)
		return;
	transformed_fini(&select->name);
	transformed_fini(&select->first);
	transformed_fini(&select->target);
	bytes_fini(&select->top_name);
	bytes_fini(&select->top_first);
	while (select->ntried > 0)
		pattern_fini(&select->tried[--select->ntried].pattern);
	while (select->nexcludes > 0)
		pattern_fini(&select->excludes[--select->nexcludes]);
	free(select->excludes);
	free(select->nfound);
	free(select->slots);
	free(select->tried);
	free(select);
}

bool select_excludes(const struct select *select, const char *name) {
	for (size_t i = 0; i < select->nexcludes; i++) {
		if (pattern_matches(&select->excludes[i], name))
			return true;
	}
	return false;
}

bool select_leaves_out_as_old(const struct select *select, enum entry_type type,
    struct timespec mtime, const struct timespec *ctime) {
	const struct options *o = select->options;

	if (!o->has_newer || type == ENTRY_DIRECTORY || !date_is_before(mtime, o->newer))
		return false;
	/* --newer also takes what has newer metadata; an archive does not know their time. */
	return o->newer_by_mtime || ctime == NULL || date_is_before(*ctime, o->newer);
}

/*
 * The operand that wants ${name}; SIZE_MAX: none.  Of several that do, a plain name goes before a
 * pattern, and a longer one before that of a directory above; of patterns the first one counts.
 * Only the one that is returned counts as matched by ${name}.
 */
static size_t find_operand(const struct select *s, const char *name) {
	const struct options *o = s->options;
	const char *is = plain(name);
	uint64_t hash = HASH_OF_NOTHING;
	uint32_t k, found = 0; /* operand number + 1 */

	/*
	 * The directories above it from the topmost one on, then the name itself: the last match
	 * counts.
	 */
	for (size_t n = 1; is[n - 1] != '\0'; n++) {
		hash = hash_more(hash, is[n - 1]);
		if (is[n] != '\0' && (is[n] != '/' || is[n - 1] == '/'))
			continue;
		k = s->slots[find(s, is, n, hash)];
		if (k != 0 && (is[n] == '\0' || o->operands[k - 1].recurse))
			found = k;
	}
	if (found != 0)
		return found - 1;
	for (size_t i = 0; i < s->ntried; i++) {
		const struct tried *tried = &s->tried[i];

		if (wants_all(&o->operands[tried->operand]) ||
		    pattern_matches(&tried->pattern, name))
			return tried->operand;
	}
	return SIZE_MAX;
}

/* ${name} without as many leading components as --strip-components says. */
static const char *strip(const struct select *select, const char *name) {
	unsigned int n = select->reads ? select->options->strip_components : 0;

	if (n == 0)
		return name;
	name += strspn(name, "/");
	for (; n > 0 && *name != '\0'; n--) {
		name += strcspn(name, "/");
		name += strspn(name, "/");
	}
	return name;
}

/*
 * Does ${operand}, which found it, mean ${name} itself, and not only a directory above it?  Of a
 * pattern nobody can tell.
 */
static bool means(const struct operand *operand, const char *name) {
	const char *text = plain(operand->name), *is = plain(name);
	size_t n = strlen(is), nbytes = strlen(text);

	if (operand->how.wildcards)
		return true;
	if (n < nbytes || (n > nbytes && operand->how.anchored))
		return false;
	is += n - nbytes;
	return operand->how.ignore_case ? strcasecmp(is, text) == 0 : strcmp(is, text) == 0;
}

/* Operand number ${i} found ${e}: is that the occurrence that is asked for, or below it? */
static bool count(struct select *select, size_t i, const struct entry *e) {
	const struct operand *operand = &select->options->operands[i];
	unsigned int occurrence = select->options->occurrence;
	bool is_meant = occurrence > 0 && means(operand, e->name);
	size_t *nfound = &select->nfound[i];

	if (*nfound == 0 || is_meant)
		++*nfound;
	/* What is below a directory may come at any time. */
	if (is_meant && *nfound == occurrence &&
	    (e->type != ENTRY_DIRECTORY || !operand->recurse || operand->how.wildcards))
		select->nleft--;
	return occurrence == 0 || *nfound == occurrence;
}

bool select_decide(struct select *select, const struct entry *e, bool *wanted, size_t *operand) {
	const struct options *o = select->options;
	size_t i = o->noperands > 0 ? find_operand(select, e->name) : SIZE_MAX;

	/* An operand counts as matched by what is then excluded: it was there. */
	*wanted = false;
	if (o->noperands > 0 && (i == SIZE_MAX || !count(select, i, e)))
		return o->occurrence == 0 || select->nleft > 0;
	if (operand != NULL)
		*operand = i;
	*wanted = !select_excludes(select, e->name) &&
	    !select_leaves_out_as_old(select, e->type, e->mtime, NULL);
	return true;
}

/* *${name} below the directory of --one-top-level, if it is not; made in ${to}. */
static int put_below(
    const struct select *select, const char **name, struct bytes *to, struct error *err) {
	const char *top = select->options->top_level, *is = plain(*name + strspn(*name, "/"));

	/*
	 * An empty name stays empty: the member was stripped away, and is not to come back as
	 * ${top}.
	 */
	if (top == NULL || !select->reads || **name == '\0' || pattern_is_literally(top, is, false))
		return TARN_OK;
	to->nbytes = 0;
	if (bytes_append(to, top, strlen(top), err) != TARN_OK ||
	    bytes_append(to, "/", 1, err) != TARN_OK ||
	    bytes_append(to, is, strlen(is) + 1, err) != TARN_OK)
		return TARN_ENOMEM;
	*name = (const char *)to->data;
	return TARN_OK;
}

/*
 * The place of a member called ${name}: expressions see the whole name, and what they make of it is
 * stripped and put below.  Also of a first name, for which ${to} and ${top} must be others.
 */
static int place(struct select *select, const char *name, struct transformed *to, struct bytes *top,
    const char **renamed, struct error *err) {
	int r = transform_apply(select->options->transform, TRANSFORM_NAME, name, to, renamed, err);

	if (r != TARN_OK)
		return r;
	*renamed = strip(select, *renamed);
	return put_below(select, renamed, top, err);
}

int select_rename_links(struct select *select, struct entry *e, struct error *err) {
	int r = TARN_OK;

	if (!options_rename(select->options))
		return TARN_OK;
	/* A later name stays one even if its first name is stripped away: that is empty then. */
	if (e->first_name != NULL)
		r = place(
		    select, e->first_name, &select->first, &select->top_first, &e->first_name, err);
	if (r == TARN_OK && e->target != NULL)
		r = transform_apply(select->options->transform, TRANSFORM_SYMLINK, e->target,
		    &select->target, &e->target, err);
	return r;
}

int select_rename(struct select *select, struct entry *e, struct error *err) {
	int r;

	e->stored_name = e->name;
	e->stored_first_name = e->first_name;
	if (!options_rename(select->options))
		return TARN_OK;
	r = place(select, e->name, &select->name, &select->top_name, &e->name, err);
	return r == TARN_OK ? select_rename_links(select, e, err) : r;
}

void select_report_unmatched(const struct select *select, struct report *report) {
	const struct options *o = select->options;

	for (size_t i = 0; select->nfound != NULL && i < o->noperands; i++) {
		size_t k = standing_for(select, i);

		/* Members go below the -C of that one: this one got nothing if it has another. */
		if (select->nfound[k] == 0 ||
		    !options_same_directory(o->operands[i].directory, o->operands[k].directory))
			report_failure(report, o->operands[i].name, "Not found in archive");
		else if (select->nfound[k] < o->occurrence)
			report_failure(report, o->operands[i].name,
			    "Required occurrence not found in archive");
	}
}
