#include "config.h"

#include "transform.h"

#include <ctype.h>
#include <regex.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

/*
 * An expression is compiled into a regex and a list of pieces that make the replacement, once, when
 * the command line is read; each name is then matched by the C library's regexec().  Matches are
 * looked for from left to right; behind an empty one the next character is copied as it is, so that
 * there is always progress.
 *
 * Parsing takes an expression apart at its delimiters first.  Its flags come last but are needed to
 * compile the regex, and only the compiled regex tells which groups the replacement may refer to.
 *
 * select applies them to names and targets.  What is compiled never changes again; rewritten names
 * lie in buffers of the caller (struct transformed).
 */

/*
 * A node of a compiled regex takes some 300 bytes, and for each that may be left out glibc's regcomp()
 * lists those that may follow: time and memory grow with the square of the nodes.  Within this it takes
 * some seconds and a few hundred MB at the very most.
 */
#define REGEX_NODES_MAX ((size_t)1 << 15)
#define ALL_SCOPES (TRANSFORM_NAME | TRANSFORM_SYMLINK | TRANSFORM_HARDLINK)

/* How letters of the replacement change: \L \U \E, and \l \u for one letter. */
enum letter_case { CASE_AS_IS, CASE_LOWER, CASE_UPPER };

/* A part of the replacement.  Only the fields of its kind have a meaning. */
struct piece {
	enum { PIECE_BYTES, PIECE_GROUP, PIECE_CASE, PIECE_CASE_OF_ONE } kind;
	size_t group;                 /* 0 is the whole match, else at most the regex's re_nsub */
	enum letter_case letter_case; /* from here on, or of one letter */
	size_t at, nbytes;            /* of bytes, in the expression's literals */
};

struct expression {
	struct expression *next;
	regex_t regex;
	bool is_compiled;    /* else regfree() must not be called */
	bool global;         /* g: all matches, from the first on */
	unsigned long first; /* number of the first match that is replaced; 0 as 1 */
	unsigned int scopes;
	struct piece *pieces;
	size_t npieces;
	char *literals; /* the bytes of all PIECE_BYTES, in a row */
};

struct transform {
	struct expression *expressions, **end;
	unsigned int scopes; /* which the flags of an expression add to or take from */
};

static void expression_free(struct expression *x) {
	if (x == NULL)
		return;
	if (x->is_compiled)
		regfree(&x->regex);
	free(x->pieces);
	free(x->literals);
	free(x);
}

void transform_free(struct transform *transform) {
	struct expression *next;

	if (transform == NULL)
		return;
	for (struct expression *x = transform->expressions; x != NULL; x = next) {
		next = x->next;
		expression_free(x);
	}
	free(transform);
}

static int invalid(struct error *err) {
	return err_set(err, TARN_EUSAGE, 0, "Invalid transform expression");
}

/* Set the scope that ${flag} stands for, or clear it for a capital; false: it stands for none. */
static bool set_scope(unsigned int *scopes, char flag) {
	unsigned int scope = tolower((unsigned char)flag) == 'r' ? TRANSFORM_NAME :
	    tolower((unsigned char)flag) == 's'                  ? TRANSFORM_SYMLINK :
	    tolower((unsigned char)flag) == 'h'                  ? TRANSFORM_HARDLINK :
	                                                           0;

	if (islower((unsigned char)flag))
		*scopes |= scope;
	else
		*scopes &= ~scope;
	return scope != 0;
}

/* Parse the flags at *${text} up to the end of the expression, a `;' or that of the text. */
static int parse_flags(
    struct expression *x, const char **text, int *regex_flags, struct error *err) {
	const char *s = *text;
	char *end;

	for (; *s != '\0' && *s != ';'; s++) {
		if (*s == 'g') {
			x->global = true;
		} else if (*s == 'i') {
			*regex_flags |= REG_ICASE;
		} else if (*s == 'x') {
			*regex_flags |= REG_EXTENDED;
		} else if (isdigit((unsigned char)*s)) {
			/*
			 * A number that is too large becomes ULONG_MAX, and no match gets so far.
			 */
			x->first = strtoul(s, &end, 10);
			s = end - 1;
		} else if (!set_scope(&x->scopes, *s)) {
			return err_set(
			    err, TARN_EUSAGE, 0, "Unknown flag in transform expression: %c", *s);
		}
	}
	*text = s;
	return TARN_OK;
}

/* Grows by one at a time: replacements are short, and parsed once. */
static int add_piece(struct expression *x, struct piece piece, struct error *err) {
	struct piece *pieces = reallocarray(x->pieces, x->npieces + 1, sizeof(*pieces));

	if (pieces == NULL)
		return err_nomem(err);
	x->pieces = pieces;
	pieces[x->npieces++] = piece;
	return TARN_OK;
}

/*
 * Add one ordinary byte to the *${nliterals} that ${x} has.  There is room for it, as each takes at
 * least one byte of the replacement's text.
 */
static int add_byte(struct expression *x, size_t *nliterals, int byte, struct error *err) {
	struct piece *last = x->npieces > 0 ? &x->pieces[x->npieces - 1] : NULL;
	int r = TARN_OK;

	if (last == NULL || last->kind != PIECE_BYTES)
		r = add_piece(x, (struct piece){ .kind = PIECE_BYTES, .at = *nliterals }, err);
	if (r != TARN_OK)
		return r;
	x->literals[(*nliterals)++] = (char)byte;
	x->pieces[x->npieces - 1].nbytes++;
	return TARN_OK;
}

/*
 * Add what an escape stands for, and go behind it.  *${s} is the byte behind the backslash; there
 * is one.  The ${delimiter} only means itself where it means nothing else.
 */
static int add_escape(
    struct expression *x, size_t *nliterals, const char **s, char delimiter, struct error *err) {
	static const char letters[] = "abfnrtv", bytes[] = "\a\b\f\n\r\t\v";
	char c = *(*s)++;
	const char *letter = strchr(letters, c);

	switch (c) {
	case 'L':
		return add_piece(x, (struct piece){ PIECE_CASE, 0, CASE_LOWER, 0, 0 }, err);
	case 'U':
		return add_piece(x, (struct piece){ PIECE_CASE, 0, CASE_UPPER, 0, 0 }, err);
	case 'E':
		return add_piece(x, (struct piece){ PIECE_CASE, 0, CASE_AS_IS, 0, 0 }, err);
	case 'l':
		return add_piece(x, (struct piece){ PIECE_CASE_OF_ONE, 0, CASE_LOWER, 0, 0 }, err);
	case 'u':
		return add_piece(x, (struct piece){ PIECE_CASE_OF_ONE, 0, CASE_UPPER, 0, 0 }, err);
	default:
		if (isdigit((unsigned char)c) && (size_t)(c - '0') > x->regex.re_nsub)
			return err_set(err, TARN_EUSAGE, 0,
			    "Invalid transform replacement: back reference out of range");
		if (isdigit((unsigned char)c))
			return add_piece(x,
			    (struct piece){ .kind = PIECE_GROUP, .group = (size_t)(c - '0') }, err);
		if (letter != NULL)
			return add_byte(x, nliterals, bytes[letter - letters], err);
		/* These mean themselves.  Others keep their backslash, as in GNU tar. */
		if (c == '&' || c == '\\' || c == delimiter)
			return add_byte(x, nliterals, c, err);
		if (add_byte(x, nliterals, '\\', err) != TARN_OK)
			return TARN_ENOMEM;
		return add_byte(x, nliterals, c, err);
	}
}

/* To be called after compile(): references to groups that the regex lacks are refused. */
static int parse_replacement(
    struct expression *x, const char *s, char delimiter, struct error *err) {
	size_t nliterals = 0;
	int r = TARN_OK;

	x->literals = malloc(strlen(s) + 1);
	if (x->literals == NULL)
		return err_nomem(err);
	while (*s != '\0' && r == TARN_OK) {
		char c = *s++;

		if (c == '&')
			r = add_piece(x, (struct piece){ .kind = PIECE_GROUP }, err);
		else if (c == '\\' && *s != '\0')
			r = add_escape(x, &nliterals, &s, delimiter, err);
		else
			r = add_byte(x, &nliterals, c, err);
	}
	return r;
}

/*
 * Copy the part of an expression at *${text} up to the ${delimiter}, and go behind that; *${text}
 * is NULL where there is none.  Escapes are copied as a pair, so that an escaped delimiter ends
 * nothing, and the second of two backslashes escapes nothing.  The backslash before a delimiter
 * stays, as in GNU tar: what the two mean is up to the regex, or to add_escape().
 *
 * Returns an allocation of the caller's, or NULL when out of memory.
 */
static char *take_part(const char **text, char delimiter) {
	const char *s = *text;
	char *part = malloc(strlen(s) + 1), *to = part;

	if (part == NULL)
		return NULL;
	for (; *s != '\0' && *s != delimiter; s++) {
		if (*s == '\\' && s[1] != '\0')
			*to++ = *s++;
		*to++ = *s;
	}
	*to = '\0';
	*text = *s == delimiter ? s + 1 : NULL;
	return part;
}

/*
 * The largest number in the bounds of a repetition at *${text}, a brace; goes to the closing one,
 * or to the last character.  It stops counting above the limit, so that nothing overflows.
 */
static size_t largest_bound(const char **text) {
	size_t largest = 1, n = 0;

	for (; **text != '\0' && **text != '}' && largest <= REGEX_NODES_MAX; ++*text) {
		n = isdigit((unsigned char)**text) ? n * 10 + (size_t)(**text - '0') : 0;
		largest = n > largest ? n : largest;
	}
	if (**text != '}')
		--*text;
	return largest;
}

/*
 * Does regcomp() need too much time and memory?  It copies what is repeated: with `+' once, with {n} n
 * times; and where a group or a repetition is repeated, all its copies are copied again.
 *
 * This is an estimate from above that does not parse the regex.  Repeating a group or a repetition
 * is taken to multiply the whole regex so far; for repetitions of single characters, the largest is
 * taken to apply to all of them.  Braces and `+' that are no operators count as well.
 */
static bool is_too_large(const char *regex) {
	size_t nnodes = strlen(regex) + 1, largest = 1;
	char before = '\0';

	for (const char *s = regex; *s != '\0' && nnodes <= REGEX_NODES_MAX; s++) {
		size_t times = *s == '+' ? 2 : *s == '{' ? largest_bound(&s) : 1;

		if (before != '\0' && strchr("+*?})", before) != NULL)
			nnodes *= times;
		else if (times > largest)
			largest = times;
		if (*s != '\\')
			before = *s;
	}
	return nnodes > REGEX_NODES_MAX / largest;
}

static int compile(struct expression *x, const char *regex, int flags, struct error *err) {
	char message[256];
	int code;

	if (is_too_large(regex))
		return err_set(err, TARN_EUSAGE, 0,
		    "Invalid transform expression: Too many repetitions of repetitions");
	code = regcomp(&x->regex, regex, flags);
	if (code != 0) {
		regerror(code, &x->regex, message, sizeof(message));
		return err_set(err, TARN_EUSAGE, 0, "Invalid transform expression: %s", message);
	}
	x->is_compiled = true;
	return TARN_OK;
}

/*
 * Parse one s/// at *${text}, and go behind it, to the `;' or the end.  After a failure *${text}
 * may be NULL, and ${x} is to be freed.
 */
static int parse_expression(
    struct transform *t, const char **text, struct expression *x, struct error *err) {
	char *regex = NULL, *replacement = NULL, delimiter;
	int flags = 0, r;

	if (**text != 's' || (*text)[1] == '\0' || (*text)[1] == '\\')
		return invalid(err);
	delimiter = (*text)[1];
	*text += 2;
	regex = take_part(text, delimiter);
	if (regex != NULL && *text != NULL)
		replacement = take_part(text, delimiter);
	/* Only a missing delimiter makes *${text} NULL, which tells it from a lack of memory. */
	if (regex == NULL || (*text != NULL && replacement == NULL)) {
		r = err_nomem(err);
	} else if (*text == NULL) {
		r = invalid(err);
	} else {
		x->scopes = t->scopes;
		r = parse_flags(x, text, &flags, err);
		if (r == TARN_OK)
			r = compile(x, regex, flags, err);
		if (r == TARN_OK)
			r = parse_replacement(x, replacement, delimiter, err);
	}
	free(regex);
	free(replacement);
	return r;
}

static int add_expression(struct transform *t, const char **text, struct error *err) {
	struct expression *x = calloc(1, sizeof(*x));
	int r = x != NULL ? parse_expression(t, text, x, err) : err_nomem(err);

	if (r != TARN_OK) {
		expression_free(x);
		return r;
	}
	*t->end = x;
	t->end = &x->next;
	return TARN_OK;
}

/* flags=FLAGS: scopes for what comes behind, in place of the defaults so far. */
static int set_defaults(struct transform *t, const char **text, struct error *err) {
	const char *s = *text + strlen("flags=");

	t->scopes = 0;
	for (; *s != '\0' && *s != ';'; s++) {
		if (!set_scope(&t->scopes, *s))
			return err_set(err, TARN_EUSAGE, 0, "Unknown transform scope flag: %c", *s);
	}
	*text = s;
	return TARN_OK;
}

int transform_add(struct transform **transform, const char *text, struct error *err) {
	struct transform *t = *transform;
	int r = TARN_OK;

	if (t == NULL) {
		t = *transform = calloc(1, sizeof(*t));
		if (t == NULL)
			return err_nomem(err);
		t->end = &t->expressions;
		t->scopes = ALL_SCOPES;
	}
	if (*text == '\0')
		return invalid(err);
	while (r == TARN_OK && *text != '\0') {
		r = strncmp(text, "flags=", strlen("flags=")) == 0 ? set_defaults(t, &text, err) :
		                                                     add_expression(t, &text, err);
		if (r == TARN_OK && *text == ';')
			text++;
	}
	return r;
}

/* A name in the making; text and capacity belong to one of the caller's buffers. */
struct output {
	char **text;
	size_t *capacity;
	size_t nbytes;
	enum letter_case letter_case, one; /* one: of the next letter, then that of all again */
};

/*
 * Append ${bytes}, with letters in the case that is wanted, and a NUL that is not counted.  Bytes
 * are changed one by one, so in UTF-8 only ASCII letters are.
 */
static int append(struct output *out, const char *bytes, size_t nbytes, struct error *err) {
	int r = array_reserve((void **)out->text, out->capacity, out->nbytes + nbytes + 1, 1, err);

	if (r != TARN_OK)
		return r;
	for (size_t i = 0; i < nbytes; i++) {
		enum letter_case to = out->one != CASE_AS_IS ? out->one : out->letter_case;
		unsigned char c = (unsigned char)bytes[i];

		out->one = CASE_AS_IS;
		(*out->text)[out->nbytes++] = (char)(to == CASE_LOWER ? tolower(c) :
		        to == CASE_UPPER                              ? toupper(c) :
		                                                        c);
	}
	(*out->text)[out->nbytes] = '\0';
	return TARN_OK;
}

/* The whole match, and \1 to \9. */
#define NGROUPS 10

/*
 * Append the replacement for the match ${groups} in ${s}; unused groups are empty.
 */
static int append_replacement(const struct expression *x, const char *s,
    const regmatch_t groups[NGROUPS], struct output *out, struct error *err) {
	int r = TARN_OK;

	for (size_t i = 0; i < x->npieces && r == TARN_OK; i++) {
		const struct piece *p = &x->pieces[i];
		const regmatch_t *g = &groups[p->group];

		if (p->kind == PIECE_BYTES)
			r = append(out, x->literals + p->at, p->nbytes, err);
		else if (p->kind == PIECE_CASE)
			out->letter_case = p->letter_case;
		else if (p->kind == PIECE_CASE_OF_ONE)
			out->one = p->letter_case;
		else if (g->rm_so >= 0)
			r = append(out, s + g->rm_so, (size_t)(g->rm_eo - g->rm_so), err);
	}
	/* The case of what follows the match stays as it is. */
	out->letter_case = out->one = CASE_AS_IS;
	return r;
}

/*
 * Rewrite ${s} by ${x} into ${out}, which is in another buffer.  *${matched} is false when nothing
 * was replaced.
 */
static int rewrite(const struct expression *x, const char *s, struct output *out, bool *matched,
    struct error *err) {
	regmatch_t groups[NGROUPS];
	const char *behind = NULL; /* the last match */
	bool more = *s != '\0';    /* an empty name has no matches */
	unsigned long n = 0;
	int r = TARN_OK, flags = 0;

	*matched = false;
	while (r == TARN_OK && more && (x->global || !*matched) &&
	    regexec(&x->regex, s, NGROUPS, groups, flags) == 0) {
		const char *start = s + groups[0].rm_so, *end = s + groups[0].rm_eo;

		r = append(out, s, (size_t)(start - s), err);
		/* As in sed, an empty match right behind another one is none. */
		if (r == TARN_OK && end != behind && ++n >= x->first) {
			*matched = true;
			r = append_replacement(x, s, groups, out, err);
		} else if (r == TARN_OK) {
			r = append(out, start, (size_t)(end - start), err);
		}
		s = behind = end;
		if (start == end && *end == '\0')
			more = false;
		else if (r == TARN_OK && start == end)
			r = append(out, s++, 1, err);
		/* `^' only matches at the beginning of the whole name. */
		flags = REG_NOTBOL;
	}
	return r == TARN_OK ? append(out, s, strlen(s), err) : r;
}

/* What is called so would be a directory for whoever reads it: see the name in entry.h. */
static void drop_last_slashes(char *name) {
	size_t nbytes = strlen(name);

	while (nbytes > 1 && name[nbytes - 1] == '/')
		name[--nbytes] = '\0';
}

int transform_apply(const struct transform *transform, enum transform_scope scope, const char *name,
    struct transformed *to, const char **result, struct error *err) {
	const struct expression *x = transform != NULL ? transform->expressions : NULL;
	unsigned int i = 0;
	bool matched;

	*result = name;
	for (; x != NULL; x = x->next) {
		struct output out = { .text = &to->text[i], .capacity = &to->capacity[i] };

		if ((x->scopes & scope) == 0)
			continue;
		if (rewrite(x, *result, &out, &matched, err) != TARN_OK)
			return TARN_ENOMEM;
		if (!matched)
			continue;
		/* The next one reads from here, and writes to the other. */
		*result = to->text[i];
		i = 1 - i;
	}
	if (scope == TRANSFORM_NAME && *result != name)
		drop_last_slashes(to->text[1 - i]);
	return TARN_OK;
}

void transformed_fini(struct transformed *to) {
	free(to->text[0]);
	free(to->text[1]);
	*to = (struct transformed){ 0 };
}
