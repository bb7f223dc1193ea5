#include "config.h"

#include "waiting_links.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "key_map.h"
#include "key_set.h"

/*
 * Content can only be had by reading the archive again, so the names are collected first and all
 * served in one turn through it, in the order of the archive.
 *
 * Names stand in groups, one for each first name.  A member of that name is put under all names of
 * the group that come behind it in the archive.  The first of them gets the content, the others are
 * linked to that one.
 *
 * A name stands for the last member of its first name before it, but in a turn nobody knows yet
 * whether another one follows: archives to which was appended may have several.  So each of them is
 * put, and the next one replaces it, up to the place of the waiting name.  If the last of them is a
 * link itself, the name moves on to the group of what that links to.  That member stands before it
 * and may have been passed already, so it takes another turn.
 */

/*
 * As many links to links are followed: each may cost a turn, and an archive could have any number.
 */
#define MAX_TURNS 40

struct group;

/* Added while the archive is read, maybe by several threads; from line_up on only one is left. */
struct waiting_name {
	struct waiting_name *next; /* in its group, as of the last line_up */
	bool is_dropped;           /* a later member has the name */
	bool is_of_directory;      /* a member called as its first name is a directory */
	struct sink *sink;
	size_t number; /* of the member that waits */
	struct group *group;
	size_t limit; /* its first name has a lower number */
	/*
	 * The same from the next turn on, if no other member called as its first name follows.
	 * NULL: it stays where it is.
	 */
	struct group *next_group;
	size_t next_limit;
	bool goes_on;    /* another turn is needed for it, as of the one that is taken */
	int put_in;      /* the turn it was put in; 0: not yet */
	size_t put_from; /* number of the member that it was put from; 0: of none after all */
	char name[];
};

/* Those whose first name is ${first}, in whatever spelling.  Is kept until the end. */
struct group {
	struct group *next; /* of all groups, in no order */
	/* Lined up for each turn.  A group that was made since has no names yet. */
	struct waiting_name *names, **end;
	char first[];
};

struct waiting_links {
	pthread_mutex_t mutex; /* guards what is added and dropped */
	struct select *select;
	const struct overrides *overrides;
	struct archive_limits *limits;
	struct report *report;
	uint64_t seed;
	struct group *groups;
	struct key_map by_first; /* the group of each first name */
	struct bytes all;        /* pointers to all names, which it owns */
	/* The name that waits under each, in each sink; 0: none does any more. */
	struct key_map by_name;
	atomic_size_t nnames; /* that do; read without the mutex when there are none */
	int turn;             /* through the archive, from 1; 0: it is read for the first time */
	size_t nread;         /* members that were read to their end in this turn */
	bool goes_on;         /* there is something left for another turn */
};

struct waiting_links *waiting_links_new(struct select *select, const struct overrides *overrides,
    struct archive_limits *limits, struct report *report) {
	struct waiting_links *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->select = select;
	w->overrides = overrides;
	w->limits = limits;
	w->report = report;
	w->seed = key_seed();
	pthread_mutex_init(&w->mutex, NULL);
	return w;
}

static struct waiting_name **all(const struct waiting_links *w) {
	return (struct waiting_name **)(void *)w->all.data;
}

static size_t count(const struct waiting_links *w) {
	return w->all.nbytes / sizeof(struct waiting_name *);
}

void waiting_links_free(struct waiting_links *waiting) {
	struct group *next;

	if (waiting == NULL)
		return;
	for (struct group *g = waiting->groups; g != NULL; g = next) {
		next = g->next;
		free(g);
	}
	for (size_t i = 0; i < count(waiting); i++)
		free(all(waiting)[i]);
	bytes_fini(&waiting->all);
	key_map_fini(&waiting->by_first);
	key_map_fini(&waiting->by_name);
	pthread_mutex_destroy(&waiting->mutex);
	free(waiting);
}

/* The group of the first name with this ${key}; NULL: there is none. */
static struct group *find(const struct waiting_links *w, uint64_t key) {
	const uint64_t *found = key_map_find(&w->by_first, key);

	return found != NULL ? (struct group *)(uintptr_t)*found : NULL;
}

/* The group of ${first}, made if need be.  NULL without memory. */
static struct group *group_of(struct waiting_links *w, const char *first, struct error *err) {
	uint64_t key = key_of_name(w->seed, first);
	struct group *g = find(w, key);

	if (g != NULL)
		return g;
	g = calloc(1, sizeof(*g) + strlen(first) + 1);
	if (g == NULL) {
		err_nomem(err);
		return NULL;
	}
	strcpy(g->first, first);
	if (key_map_set(&w->by_first, key, (uintptr_t)g, err) != TARN_OK) {
		free(g);
		return NULL;
	}
	g->next = w->groups;
	w->groups = g;
	return g;
}

/* Each destination (-C) has names of its own, so what comes to one drops nothing in another. */
static uint64_t key_in_sink(
    const struct waiting_links *w, const char *name, const struct sink *sink) {
	return key_with_numbers(key_of_name(w->seed, name), (uintptr_t)sink, 0);
}

/* What waits for ${name} in ${sink}, if anything, does so no more.  The mutex is held. */
static void drop(struct waiting_links *w, const char *name, const struct sink *sink) {
	uint64_t *found = key_map_find(&w->by_name, key_in_sink(w, name, sink));

	if (found == NULL || *found == 0)
		return;
	/* Its group has it until the end. */
	((struct waiting_name *)(uintptr_t)*found)->is_dropped = true;
	*found = 0;
	w->nnames--;
}

/* waiting_links_add with the mutex held. */
static int add(struct waiting_links *w, const struct entry *e, size_t number, struct sink *sink,
    struct error *err) {
	struct group *g = group_of(w, entry_member(e), err);
	struct waiting_name *name;

	if (g == NULL)
		return TARN_ENOMEM;
	drop(w, e->name, sink);
	name = malloc(sizeof(*name) + strlen(e->name) + 1);
	if (name == NULL)
		return err_nomem(err);
	*name = (struct waiting_name){
		.sink = sink,
		.number = number,
		.group = g,
		.limit = number,
	};
	strcpy(name->name, e->name);
	if (bytes_append(&w->all, &name, sizeof(struct waiting_name *), err) != TARN_OK) {
		free(name);
		return TARN_ENOMEM;
	}
	w->nnames++;
	return key_map_set(&w->by_name, key_in_sink(w, name->name, sink), (uintptr_t)name, err);
}

int waiting_links_add(struct waiting_links *waiting, const struct entry *e, size_t number,
    struct sink *sink, struct error *err) {
	int r;

	pthread_mutex_lock(&waiting->mutex);
	r = add(waiting, e, number, sink, err);
	pthread_mutex_unlock(&waiting->mutex);
	return r;
}

void waiting_links_drop(struct waiting_links *waiting, const char *name, const struct sink *sink) {
	/* None of this name is added meanwhile: that would have to wait for this member. */
	if (waiting->nnames == 0)
		return;
	pthread_mutex_lock(&waiting->mutex);
	drop(waiting, name, sink);
	pthread_mutex_unlock(&waiting->mutex);
}

/*
 * Was it put in an earlier turn?  Then its content is the right one, and it is not put again: a
 * turn meets all members once more.
 */
static bool was_put_before(const struct waiting_links *w, const struct waiting_name *name) {
	return name->put_in != 0 && name->put_in != w->turn;
}

/* The member ${e} is a link: what waits for it is to wait for what it links to. */
static int move_on(struct waiting_links *w, struct group *from, const struct entry *e,
    size_t number, struct error *err) {
	struct group *to = group_of(w, e->first_name, err);

	if (to == NULL)
		return TARN_ENOMEM;
	for (struct waiting_name *name = from->names; name != NULL; name = name->next) {
		if (name->limit <= number || was_put_before(w, name))
			continue;
		/* Not at once: a member that is whole may still follow, and takes this back. */
		name->next_group = to;
		name->next_limit = number;
	}
	return TARN_OK;
}

/* No directory gets another name. */
static void meet_directory(struct group *g, size_t number) {
	for (struct waiting_name *name = g->names; name != NULL; name = name->next)
		name->is_of_directory = name->is_of_directory || name->limit > number;
}

/*
 * The next turn begins: all stand in their groups, in the order of the archive, as w->all has them
 * by then.
 */
static void line_up(struct waiting_links *w) {
	w->turn++;
	w->nread = 0;
	w->goes_on = false;
	for (struct group *g = w->groups; g != NULL; g = g->next) {
		g->names = NULL;
		g->end = &g->names;
	}
	for (size_t i = 0; i < count(w); i++) {
		struct waiting_name *name = all(w)[i];

		name->next = NULL;
		name->goes_on = false;
		*name->group->end = name;
		name->group->end = &name->next;
	}
}

/* The turn is over: those that are to move on do so. */
static void move_all(struct waiting_links *w) {
	for (size_t i = 0; i < count(w); i++) {
		struct waiting_name *name = all(w)[i];

		if (name->next_group == NULL)
			continue;
		name->group = name->next_group;
		name->limit = name->next_limit;
		name->next_group = NULL;
		/* What it was put from in this turn was no longer the last one before it. */
		name->put_in = 0;
		w->goes_on = name->goes_on = true;
	}
}

/*
 * Put the member ${e} as ${name}, as a link to ${first}, or whole when that is NULL.
 * TARN_NO_FIRST: nothing was done, it is not there.
 */
static int put_name(struct waiting_links *w, const struct waiting_name *name, const char *first,
    const struct entry *e, struct source *from, struct error *err) {
	struct entry named = *e;
	int r = TARN_OK;

	named.name = name->name;
	named.stored_name = NULL;
	/* Also of a whole one: sinks know by it that it is the member ${e}, under another name. */
	named.stored_first_name = entry_member(e);
	named.first_name = first != NULL ? first : named.stored_first_name;
	named.is_whole = first == NULL;
	/* ${first} is a name where it was put; what the archive says is still to be renamed. */
	if (first != NULL)
		named.size = 0;
	else /* Its own place, or what it is a link to, may hold it after all. */
		r = select_rename_links(w->select, &named, err);
	if (r != TARN_OK)
		return r;
	if (w->overrides != NULL)
		overrides_apply(w->overrides, &named);
	r = w->limits != NULL ? archive_limits_extract(w->limits, &named, err) : TARN_OK;
	return r == TARN_OK ? name->sink->put(name->sink, &named, from, err) : r;
}

/*
 * Put the member ${e} under the names of ${g} that come behind it.  Sinks are not told of groups:
 * the first name is put whole, and the others as links to it.
 */
static int put_group(struct waiting_links *w, struct group *g, const struct entry *e, size_t number,
    struct source *from, struct error *err) {
	struct waiting_name *first = NULL;
	int r;

	for (struct waiting_name *name = g->names; name != NULL; name = name->next) {
		if (name->is_dropped || name->limit <= number)
			continue;
		if (was_put_before(w, name)) {
			/* In this turn as well, those that moved here later are linked to it. */
			if (name->put_from == number)
				first = name;
			continue;
		}
		r = put_name(w, name, first != NULL ? first->name : NULL, e, from, err);
		name->next_group = NULL;
		if (r == TARN_NO_FIRST && first != NULL) {
			/*
			 * That one could not be put, and was said.  In the next turn this one
			 * leads.
			 */
			first->put_from = 0;
			name->put_in = 0;
			w->goes_on = name->goes_on = true;
			continue;
		}
		if (r != TARN_OK && r != TARN_NO_FIRST)
			return r;
		/* It was put whole, and there is nothing left to be tried. */
		if (r == TARN_NO_FIRST) {
			err_wrap(err, "Cannot hard link to '%s'", entry_member(e));
			report_error(w->report, name->name, err);
		}
		if (first == NULL)
			first = name;
		name->put_in = w->turn;
		name->put_from = number;
	}
	return TARN_OK;
}

/* One turn through the archive; members get the numbers that they had when it was first read. */
static int take_turn(struct waiting_links *w, struct source *source, struct error *err) {
	struct entry *e;
	struct group *g;
	int r;

	for (; (r = source->next(source, &e, err)) == TARN_OK; w->nread++) {
		size_t number = w->nread + 1;

		g = find(w, key_of_name(w->seed, e->name));
		if (g == NULL)
			continue;
		if (e->type == ENTRY_DIRECTORY) {
			meet_directory(g, number);
			continue;
		}
		r = source_fetch(source, &e, err);
		if (r == TARN_END)
			continue;
		if (r == TARN_OK)
			r = e->first_name != NULL && !e->is_whole ?
			    move_on(w, g, e, number, err) :
			    put_group(w, g, e, number, source, err);
		if (r != TARN_OK)
			return r;
	}
	move_all(w);
	return r == TARN_END ? TARN_OK : r;
}

static int compare_numbers(const void *a, const void *b) {
	size_t left = (*(struct waiting_name *const *)a)->number;
	size_t right = (*(struct waiting_name *const *)b)->number;

	return (left > right) - (left < right);
}

/*
 * Say what came to nothing; ${failure} says why the archive was not read to its end, NULL: it was.
 */
static void say_missing(const struct waiting_links *w, const char *failure) {
	struct error err;

	for (size_t i = 0; i < count(w); i++) {
		const struct waiting_name *name = all(w)[i];
		const char *why = "the archive has no such member before this one";

		if (name->put_in != 0 || name->is_dropped)
			continue;
		/* Of members that were read it is known what they are. */
		if (failure != NULL && (name->goes_on || name->limit > w->nread + 1))
			why = failure;
		else if (name->goes_on)
			why = "that would take too many turns through the archive";
		else if (name->is_of_directory)
			why = strerror(EPERM);
		err_set(&err, TARN_NO_FIRST, 0, "%s", why);
		err_wrap(&err, "Cannot hard link to '%s'", name->group->first);
		report_error(w->report, name->name, &err);
	}
}

int waiting_links_put(struct waiting_links *waiting, struct input *input, struct error *err) {
	int r;

	if (count(waiting) == 0)
		return TARN_OK;
	/* Threads add them in any order; what is made, and said, is not to depend on that. */
	qsort(all(waiting), count(waiting), sizeof(struct waiting_name *), compare_numbers);
	do {
		line_up(waiting);
		r = input_again(input, err);
		/* From a pipe there is no second reading; the other members are there. */
		if (r == TARN_EREFUSED) {
			say_missing(waiting, err->msg);
			return TARN_OK;
		}
		if (r == TARN_OK)
			r = take_turn(waiting, input->source, err);
	} while (r == TARN_OK && waiting->goes_on && waiting->turn < MAX_TURNS);
	/* Behind these nothing was to be put. */
	if (r != TARN_ELIMIT && r != TARN_EOUTPUT)
		say_missing(waiting, r != TARN_OK ? err->msg : NULL);
	return r;
}
