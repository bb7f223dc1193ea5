#include "config.h"

#include "link_groups.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "key_map.h"
#include "key_set.h"

/*
 * A listing of groups can only begin when the archive was read to its end, and most files in it
 * have one name.  So a file is known by the key of its name (key_set.h), and until a later name
 * comes nothing but its size is kept; then a group hangs there, with all names as strings.
 *
 * This sink stands beside the one of the mode and meets all members: with operands those that are
 * selected decide which groups are printed, and the others are what is printed.  Names that are
 * excluded lead to their files as others do, but are not printed.
 */

struct grouped_name {
	struct grouped_name *next; /* in the order of the archive */
	struct link_group *group;
	bool is_listed;   /* neither excluded nor, later on, the name of another file */
	bool is_selected; /* by an operand, or all are */
	char name[];
};

/* Has had two names at least, the first name before the others.  Is kept until the end. */
struct link_group {
	struct link_group *next; /* in the order in which they were found */
	size_t n, nselected;     /* of the names that are listed */
	off_t size;              /* of the content; 0 where no member of the first name was met */
	struct grouped_name *names, **end;
};

/*
 * A name that was met, or that a later name leads to.  Later names are in the group of their first
 * name, so that a link to one of them is found to be of the same file.
 */
struct member {
	off_t size;
	struct grouped_name *name; /* in its group; NULL: no later name yet */
	bool is_selected;          /* as a first name, while there is no group */
};

struct link_groups {
	struct sink base;
	struct select *select; /* borrowed */
	bool has_operands;
	struct listing *listing; /* owned */
	uint64_t seed;
	struct key_map by_name; /* the number of each member */
	struct bytes members;   /* of struct member */
	struct link_group *groups, **end;
};

/*
 * The member called ${name}, until the next is added, which may move all of them; NULL: there is
 * none.
 */
static struct member *find(const struct link_groups *s, const char *name) {
	const uint64_t *number = key_map_find(&s->by_name, key_of_name(s->seed, name));

	return number != NULL ? (struct member *)(void *)s->members.data + *number : NULL;
}

/* The same, made if need be.  NULL with ${err} without memory. */
static struct member *member_of(struct link_groups *s, const char *name, struct error *err) {
	struct member *m = find(s, name);
	uint64_t number = s->members.nbytes / sizeof(*m);

	if (m != NULL)
		return m;
	m = bytes_extend(&s->members, sizeof(*m), err);
	if (m == NULL ||
	    key_map_set(&s->by_name, key_of_name(s->seed, name), number, err) != TARN_OK)
		return NULL;
	*m = (struct member){ 0 };
	return m;
}

/* Append a copy of ${name} to ${g}.  NULL with ${err} without memory. */
static struct grouped_name *add_name(struct link_groups *s, struct link_group *g, const char *name,
    bool is_selected, struct error *err) {
	struct grouped_name *n = malloc(sizeof(*n) + strlen(name) + 1);

	if (n == NULL) {
		err_nomem(err);
		return NULL;
	}
	*n = (struct grouped_name){ .group = g, .is_selected = is_selected };
	n->is_listed = !select_excludes(s->select, name);
	strcpy(n->name, name);
	*g->end = n;
	g->end = &n->next;
	g->n += n->is_listed;
	g->nselected += n->is_listed && is_selected;
	return n;
}

/* Another member follows that is called as ${m}: it is not a name of the old file any more. */
static void leave_group(struct member *m) {
	struct grouped_name *n = m->name;

	if (n != NULL && n->is_listed) {
		n->is_listed = false;
		n->group->n--;
		n->group->nselected -= n->is_selected;
	}
	m->name = NULL;
}

/* A later name has come to ${first}, which is called ${name} and begins the group. */
static int begin_group(
    struct link_groups *s, struct member *first, const char *name, struct error *err) {
	struct link_group *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return err_nomem(err);
	g->size = first->size;
	g->end = &g->names;
	*s->end = g;
	s->end = &g->next;
	first->name = add_name(s, g, name, first->is_selected, err);
	return first->name != NULL ? TARN_OK : TARN_ENOMEM;
}

static int add_later(
    struct link_groups *s, const struct entry *e, bool is_selected, struct error *err) {
	struct member *m = member_of(s, e->first_name, err);
	struct link_group *g;

	if (m == NULL || (m->name == NULL && begin_group(s, m, e->first_name, err) != TARN_OK))
		return TARN_ENOMEM;
	g = m->name->group;
	m = member_of(s, e->name, err);
	if (m == NULL)
		return TARN_ENOMEM;
	/* The same once more, or a link to itself. */
	if (m->name != NULL && m->name->group == g)
		return TARN_OK;
	leave_group(m);
	/* A link to this name is one to the same file. */
	m->name = add_name(s, g, e->name, is_selected, err);
	return m->name != NULL ? TARN_OK : TARN_ENOMEM;
}

static int put(struct sink *sink, const struct entry *e, struct source *from, struct error *err) {
	struct link_groups *s = (struct link_groups *)sink;
	bool is_selected = false;
	struct member *m;

	(void)from;
	/* Directories have no later names. */
	if (e->type == ENTRY_DIRECTORY) {
		m = find(s, e->name);
		if (m != NULL)
			leave_group(m);
		return TARN_OK;
	}
	if (!select_excludes(s->select, e->name))
		select_decide(s->select, e, &is_selected, NULL);
	if (e->first_name != NULL)
		return add_later(s, e, is_selected, err);
	m = member_of(s, e->name, err);
	if (m == NULL)
		return TARN_ENOMEM;
	/* A newer member of that name is another file: links to it are none of the old group. */
	leave_group(m);
	m->size = e->size;
	m->is_selected = is_selected;
	return TARN_OK;
}

static void print_name(struct link_groups *s, const char *name) {
	listing_print(s->listing, &(struct entry){ .name = name }, false);
}

/* The first name goes behind the numbers, and the later ones below it. */
static void print_group(struct link_groups *s, const struct link_group *g) {
	bool is_first = true;

	for (const struct grouped_name *n = g->names; n != NULL; n = n->next) {
		if (!n->is_listed)
			continue;
		if (is_first)
			printf("%zu names, %" PRIdMAX " %s: ", g->n, (intmax_t)g->size,
			    g->size == 1 ? "byte" : "bytes");
		else
			putchar('\t');
		is_first = false;
		print_name(s, n->name);
	}
}

/* A line for each name that was not asked for. */
static void print_others(struct link_groups *s, const struct link_group *g) {
	for (const struct grouped_name *n = g->names; n != NULL; n = n->next) {
		if (n->is_listed && !n->is_selected)
			print_name(s, n->name);
	}
}

static int finish(struct sink *sink, struct error *err) {
	struct link_groups *s = (struct link_groups *)sink;

	/* Whether standard output took it all is seen when the run ends. */
	(void)err;
	for (const struct link_group *g = s->groups; g != NULL; g = g->next) {
		if (s->has_operands && g->nselected > 0)
			print_others(s, g);
		else if (!s->has_operands && g->n > 1)
			print_group(s, g);
	}
	return TARN_OK;
}

static void link_groups_free(struct sink *sink) {
	struct link_groups *s = (struct link_groups *)sink;

	if (s == NULL)
		return;
	for (struct link_group *g = s->groups, *next; g != NULL; g = next) {
		next = g->next;
		for (struct grouped_name *n = g->names, *next_name; n != NULL; n = next_name) {
			next_name = n->next;
			free(n);
		}
		free(g);
	}
	key_map_fini(&s->by_name);
	bytes_fini(&s->members);
	listing_free(s->listing);
	free(s);
}

struct sink *link_groups_new(
    struct select *select, bool has_operands, struct listing *listing, struct error *err) {
	struct link_groups *s = malloc(sizeof(*s));

	if (s == NULL) {
		listing_free(listing);
		err_nomem(err);
		return NULL;
	}
	*s = (struct link_groups){
		.base = { .put = put, .finish = finish, .free = link_groups_free },
		.select = select,
		.has_operands = has_operands,
		.listing = listing,
		.seed = key_seed(),
	};
	s->end = &s->groups;
	return &s->base;
}
