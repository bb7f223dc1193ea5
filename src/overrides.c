#include "config.h"

#include "overrides.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "date.h"
#include "owners.h"

/*
 * Each setter parses its text into values on the stack and stores them only when all is well.
 *
 * A mode becomes a list of clauses, one an operator, that are applied one behind the other.  What
 * the user did not say (for whom, which umask) is worked out when the text is parsed, so that
 * applying a clause is arithmetic on bits and needs nothing from outside.  The rules are those of
 * GNU chmod, also about the set-id bits of directories, which POSIX leaves open.
 *
 * overrides_apply() only reads, and what it puts into entries lives as long as the overrides do.
 */

#define SET_ID ((mode_t)(S_ISUID | S_ISGID))
#define EVERYBODY_X (S_IXUSR | S_IXGRP | S_IXOTH)
#define ALL_BITS (SET_ID | S_ISVTX | S_IRWXU | S_IRWXG | S_IRWXO)

enum clause_kind {
	CLAUSE_BITS,
	CLAUSE_X,   /* `X' was among them: execution for directories and what has it already */
	CLAUSE_COPY /* bits are the class (u, g or o) that is copied */
};

struct mode_clause {
	char sign; /* + - = */
	enum clause_kind kind;
	mode_t bits;     /* of the letters, for all classes; see CLAUSE_COPY */
	mode_t changes;  /* only these take effect: those of the classes, or not in the umask */
	mode_t replaces; /* what `=' clears: those of the classes, or all */
	mode_t mentions; /* set-id bits of directories stay unless they are in here */
};

/* What tells users from groups: how the system is asked about them. */
struct registry {
	bool (*id_of_name)(struct owners *owners, const char *name, uint64_t *id);
	const char *(*name_of_id)(struct owners *owners, uint64_t id);
};

static const struct registry users = { owners_user_id, owners_user_name };
static const struct registry groups = { owners_group_id, owners_group_name };

/* The number ${text}, digits only.  The greatest 32-bit number means "none" to chown(2). */
static bool parse_id(const char *text, uint64_t *id) {
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*id = strtoumax(text, &end, 10);
	return *end == '\0' && errno == 0 && *id < UINT32_MAX;
}

/* Look up the number or the name, whichever is missing.  Not finding it is no error. */
static int complete(struct principal *p, const struct registry *registry, struct error *err) {
	struct owners *owners = owners_new();
	const char *name;
	int r = TARN_OK;

	if (owners == NULL)
		return err_nomem(err);
	if (p->name != NULL && !p->has_id) {
		p->has_id = registry->id_of_name(owners, p->name, &p->id);
	} else if (p->name == NULL) {
		name = registry->name_of_id(owners, p->id);
		p->name = name != NULL ? strdup(name) : NULL;
		if (name != NULL && p->name == NULL)
			r = err_nomem(err);
	}
	owners_free(owners);
	return r;
}

/*
 * NAME, NAME:ID, :ID, ID or +ID.  Digits are always a number, never the name of a user; what stands
 * before a colon is always a name.  On failure ${p} owns nothing.
 */
static int parse_principal(
    struct principal *p, const struct registry *registry, const char *text, struct error *err) {
	const char *colon = strchr(text, ':');
	const char *number = colon != NULL ? colon + 1 : text + (*text == '+');
	size_t name_nbytes = colon != NULL ? (size_t)(colon - text) : strlen(text);
	bool is_number = colon != NULL || *text == '+' || isdigit((unsigned char)*text);
	bool is_name = colon != NULL ? name_nbytes > 0 : !is_number;
	int r;

	*p = (struct principal){ 0 };
	if (*text == '\0' || (is_number && !parse_id(number, &p->id)))
		return err_set(err, TARN_EUSAGE, 0, "%s: Invalid owner or group ID", text);
	p->has_id = is_number;
	if (is_name && (p->name = strndup(text, name_nbytes)) == NULL)
		return err_nomem(err);
	if (is_number && is_name)
		return TARN_OK;
	r = complete(p, registry, err);
	if (r != TARN_OK)
		free(p->name);
	return r;
}

/* All of it is replaced: an unknown name also removes the number of an earlier --owner. */
static int set_principal(
    struct principal *p, const struct registry *registry, const char *text, struct error *err) {
	struct principal parsed;
	int r = parse_principal(&parsed, registry, text, err);

	if (r != TARN_OK)
		return r;
	free(p->name);
	*p = parsed;
	return TARN_OK;
}

int overrides_set_owner(struct overrides *o, const char *text, struct error *err) {
	return set_principal(&o->user, &users, text, err);
}

int overrides_set_group(struct overrides *o, const char *text, struct error *err) {
	return set_principal(&o->group, &groups, text, err);
}

static bool is_octal(char c) {
	return c >= '0' && c <= '7';
}

/* Goes behind the digits.  It stops at the first that is too many, so nothing overflows. */
static bool parse_octal(const char **text, mode_t *bits) {
	*bits = 0;
	while (is_octal(**text)) {
		*bits = *bits * 8 + (mode_t)(*(*text)++ - '0');
		if (*bits > ALL_BITS)
			return false;
	}
	return true;
}

/*
 * The bits that belong to one of the letters before an operator; 0 for any other letter.  Of
 * the upper three bits each class has one: u+s sets the first, g+s the second, o+t the third.
 */
static mode_t bits_of_class(char c) {
	switch (c) {
	case 'u':
		return S_ISUID | S_IRWXU;
	case 'g':
		return S_ISGID | S_IRWXG;
	case 'o':
		return S_ISVTX | S_IRWXO;
	case 'a':
		return ALL_BITS;
	default:
		return 0;
	}
}

/* The bits of one of the letters behind an operator; `X' has none of its own. */
static mode_t bits_of_permission(char c) {
	switch (c) {
	case 'r':
		return S_IRUSR | S_IRGRP | S_IROTH;
	case 'w':
		return S_IWUSR | S_IWGRP | S_IWOTH;
	case 'x':
		return EVERYBODY_X;
	case 's':
		return SET_ID;
	case 't':
		return S_ISVTX;
	default:
		return 0;
	}
}

/* What stands behind an operator: letters, perhaps none, or a single class to copy. */
static void parse_permissions(const char **text, struct mode_clause *c) {
	if (**text == 'u' || **text == 'g' || **text == 'o') {
		c->kind = CLAUSE_COPY;
		c->bits = bits_of_class(*(*text)++) & (S_IRWXU | S_IRWXG | S_IRWXO);
		return;
	}
	for (; **text == 'X' || bits_of_permission(**text) != 0; (*text)++) {
		if (**text == 'X')
			c->kind = CLAUSE_X;
		c->bits |= bits_of_permission(**text);
	}
}

/*
 * An operator and what stands behind it.  ${who} has the bits of the classes before it; with none
 * (0) the umask ${mask} holds bits back.  An octal number is for everybody, so no class may stand
 * before its operator.
 */
static bool parse_action(const char **text, mode_t who, mode_t mask, struct mode_clause *c) {
	if (**text != '+' && **text != '-' && **text != '=')
		return false;
	*c = (struct mode_clause){ .sign = *(*text)++, .kind = CLAUSE_BITS };
	if (is_octal(**text)) {
		c->changes = c->replaces = c->mentions = ALL_BITS;
		return who == 0 && parse_octal(text, &c->bits) && (**text == ',' || **text == '\0');
	}
	parse_permissions(text, c);
	c->changes = who != 0 ? who : ALL_BITS & ~mask;
	c->replaces = who != 0 ? who : ALL_BITS;
	c->mentions = who != 0 ? who & c->bits : c->bits;
	return true;
}

/* Fill in ${clauses}, which has room for one more than ${text} has bytes: a wrong one ends them. */
static bool parse_symbolic(const char *text, mode_t mask, struct mode_clause *clauses, size_t *n) {
	*n = 0;
	for (;; text++) {
		mode_t who = 0;

		for (; bits_of_class(*text) != 0; text++)
			who |= bits_of_class(*text);
		/* Several operators may share the classes: u+r-w. */
		do {
			if (!parse_action(&text, who, mask, &clauses[(*n)++]))
				return false;
		} while (*text != ',' && *text != '\0');
		if (*text == '\0')
			return true;
	}
}

/* As in GNU chmod, it takes five digits (00755) to clear the set-id bits of a directory. */
static bool parse_numeric(const char *text, struct mode_clause *c) {
	const char *end = text;

	*c = (struct mode_clause){ .sign = '=', .kind = CLAUSE_BITS };
	c->changes = c->replaces = c->mentions = ALL_BITS;
	if (!parse_octal(&end, &c->bits) || *end != '\0')
		return false;
	if (end - text < 5)
		c->mentions &= ~SET_ID | c->bits;
	return true;
}

int overrides_set_mode(struct overrides *o, const char *text, struct error *err) {
	/* A valid clause has an operator, so there are at most as many as bytes. */
	struct mode_clause *clauses = calloc(strlen(text) + 1, sizeof(*clauses));
	mode_t mask = umask(0); /* reading it means setting it; there is only one thread yet */
	size_t n = 1;

	umask(mask);
	if (clauses == NULL)
		return err_nomem(err);
	if (is_octal(*text) ? !parse_numeric(text, clauses) :
	                      !parse_symbolic(text, mask, clauses, &n)) {
		free(clauses);
		return err_set(err, TARN_EUSAGE, 0, "%s: Invalid mode given on option", text);
	}
	free(o->mode);
	o->mode = clauses;
	o->nmode = n;
	return TARN_OK;
}

/* ${mode} has bits of one class; returns the same permissions for all three. */
static mode_t spread(mode_t mode) {
	mode_t all = 0;

	for (const char *c = "rwx"; *c != '\0'; c++) {
		if ((mode & bits_of_permission(*c)) != 0)
			all |= bits_of_permission(*c);
	}
	return all;
}

/* c->bits are those of all classes; c->changes reduces them to those that are meant. */
static mode_t apply_clause(const struct mode_clause *c, mode_t mode, bool is_directory) {
	/* Whatever the sign, these are neither set nor cleared. */
	mode_t kept = is_directory ? SET_ID & ~c->mentions : 0;
	mode_t bits = c->kind == CLAUSE_COPY ? spread(mode & c->bits) : c->bits;

	if (c->kind == CLAUSE_X && (is_directory || (mode & EVERYBODY_X) != 0))
		bits |= EVERYBODY_X;
	bits &= c->changes & ~kept;
	if (c->sign == '-')
		return mode & ~bits;
	if (c->sign == '=')
		mode &= ~c->replaces | kept;
	return mode | bits;
}

int overrides_set_mtime(struct overrides *o, const char *text, struct error *err) {
	int r = date_parse(text, &o->mtime, err);

	/* After a failure an earlier one still holds, as date_parse() left it alone. */
	o->has_mtime = o->has_mtime || r == TARN_OK;
	return r;
}

/* With a new number, the old name must go: extraction would go by the name. */
static void apply_principal(const struct principal *p, uint64_t *id, const char **name) {
	if (p->has_id)
		*id = p->id;
	if (p->has_id || p->name != NULL)
		*name = p->name;
}

void overrides_apply(const struct overrides *o, struct entry *e) {
	apply_principal(&o->user, &e->uid, &e->uname);
	apply_principal(&o->group, &e->gid, &e->gname);
	if (o->numeric_owner)
		e->uname = e->gname = NULL;
	if (o->has_mtime && (!o->clamp_mtime || date_is_before(o->mtime, e->mtime)))
		e->mtime = o->mtime;
	for (size_t i = 0; i < o->nmode; i++)
		e->mode = apply_clause(&o->mode[i], e->mode, e->type == ENTRY_DIRECTORY);
}

void overrides_fini(struct overrides *o) {
	free(o->user.name);
	free(o->group.name);
	free(o->mode);
	*o = (struct overrides){ 0 };
}
