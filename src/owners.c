#include "config.h"

#include "owners.h"

#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <search.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/*
 * A cache of questions and answers in one balanced tree (tsearch), ordered by the kind of the
 * question and then by the number or name that was asked about.  A tree rather than a hash table:
 * the names come from archives, and no choice of them makes it slow.
 *
 * Every member asks two questions, each of which may go to a server on the network.  Answers are
 * never removed, so that names can be handed out without a copy.  One lock is enough, and is held
 * while the system is asked, as few questions are new.
 */

/* What is asked for: a name is asked for by a number, an ID by a name. */
enum question { USER_NAME, GROUP_NAME, USER_ID, GROUP_ID };

/* One question and its answer: of id and name, one was asked about, the other was found. */
struct answer {
	enum question question;
	bool known;       /* false: there is no such owner */
	uint64_t id;      /* 0 when that was asked for and is not known */
	const char *name; /* of a stored answer: its storage, or NULL when that was not found */
	char storage[];
};

/*
 * Answers "not known" that are kept.  Answers "known" are no more than the system has users and
 * groups; questions that have no answer are as many as an archive likes to ask.
 */
#define UNKNOWN_MAX 65536 /* some MiB, unless their names are very long */

struct owners {
	pthread_mutex_t mutex; /* guards what follows */
	void *root;            /* of tsearch; it owns the answers, each one allocation */
	size_t nunknown;
	int errnum; /* of the first question that failed */
	char *buf;  /* for the strings of getpwnam_r() and the others; grows */
	size_t capacity;
};

struct owners *owners_new(void) {
	struct owners *owners = calloc(1, sizeof(*owners));

	if (owners == NULL)
		return NULL;
	pthread_mutex_init(&owners->mutex, NULL);
	owners->capacity = 1024;
	owners->buf = malloc(owners->capacity);
	if (owners->buf == NULL) {
		free(owners);
		return NULL;
	}
	return owners;
}

void owners_free(struct owners *owners) {
	if (owners == NULL)
		return;
	tdestroy(owners->root, free);
	free(owners->buf);
	pthread_mutex_destroy(&owners->mutex);
	free(owners);
}

int owners_errnum(const struct owners *owners) {
	return owners->errnum;
}

/* For tsearch: only what was asked about counts, so that a question finds its answer. */
static int compare(const void *x, const void *y) {
	const struct answer *a = x, *b = y;

	if (a->question != b->question)
		return a->question < b->question ? -1 : 1;
	if (a->question == USER_ID || a->question == GROUP_ID)
		return strcmp(a->name, b->name);
	return a->id < b->id ? -1 : a->id > b->id;
}

/*
 * Ask the system, once, with the room there is, and fill in ${a}.  A name that was found lies in
 * the buffer of ${owners}, and is there until the next question.  Returns 0, or an error number:
 * ERANGE when there is too little room.
 */
static int ask(struct owners *owners, struct answer *a) {
	struct passwd user, *user_found = NULL;
	struct group group, *group_found = NULL;
	char *buf = owners->buf;
	size_t capacity = owners->capacity;
	int errnum = 0;

	switch (a->question) {
	case USER_NAME:
		errnum = getpwuid_r((uid_t)a->id, &user, buf, capacity, &user_found);
		a->name = user_found != NULL ? user.pw_name : NULL;
		break;
	case GROUP_NAME:
		errnum = getgrgid_r((gid_t)a->id, &group, buf, capacity, &group_found);
		a->name = group_found != NULL ? group.gr_name : NULL;
		break;
	case USER_ID:
		errnum = getpwnam_r(a->name, &user, buf, capacity, &user_found);
		a->id = user_found != NULL ? user.pw_uid : 0;
		break;
	case GROUP_ID:
		errnum = getgrnam_r(a->name, &group, buf, capacity, &group_found);
		a->id = group_found != NULL ? group.gr_gid : 0;
		break;
	}
	a->known = user_found != NULL || group_found != NULL;
	return errnum;
}

/* Ask with as much room as it takes: groups of many members are large.  Returns an error number. */
static int ask_with_room(struct owners *owners, struct answer *a) {
	size_t capacity;
	char *buf;
	int errnum;

	while ((errnum = ask(owners, a)) == ERANGE) {
		if (__builtin_mul_overflow(owners->capacity, 2, &capacity))
			return ENOMEM;
		buf = realloc(owners->buf, capacity);
		if (buf == NULL)
			return ENOMEM;
		owners->buf = buf;
		owners->capacity = capacity;
	}
	/* These, too, may say that there is no such owner: getpwnam(3). */
	if (errnum == ENOENT || errnum == ESRCH || errnum == EBADF || errnum == EPERM)
		return 0;
	return errnum;
}

/* Keep a copy of ${a}.  Returns it, or NULL when out of memory. */
static const struct answer *keep(struct owners *owners, const struct answer *a) {
	size_t nbytes = a->name != NULL ? strlen(a->name) + 1 : 0;
	struct answer *copy = malloc(sizeof(*copy) + nbytes);

	if (copy == NULL)
		return NULL;
	*copy = *a;
	if (a->name != NULL)
		copy->name = memcpy(copy->storage, a->name, nbytes);
	if (tsearch(copy, &owners->root, compare) == NULL) {
		free(copy);
		return NULL;
	}
	return copy;
}

/* look_up for a thread that has the mutex. */
static const struct answer *look_up_alone(struct owners *owners, struct answer *a) {
	const struct answer **found = tfind(a, &owners->root, compare), *kept;
	int errnum;

	if (found != NULL)
		return (*found)->known ? *found : NULL;
	errnum = ask_with_room(owners, a);
	if (errnum == 0 && a->known) {
		kept = keep(owners, a);
		if (kept != NULL)
			return kept;
		errnum = ENOMEM;
		a->known = false;
	}
	if (owners->errnum == 0)
		owners->errnum = errnum;
	/*
	 * Also when asking failed: one owner gets one answer, and a server that is away is not
	 * waited for with every member.  Without memory, or room, it is asked again.
	 */
	if (owners->nunknown < UNKNOWN_MAX && keep(owners, a) != NULL)
		owners->nunknown++;
	return NULL;
}

/* The answer to the question in ${a}; NULL when there is none.  An answer never changes. */
static const struct answer *look_up(struct owners *owners, struct answer *a) {
	const struct answer *found;

	pthread_mutex_lock(&owners->mutex);
	found = look_up_alone(owners, a);
	pthread_mutex_unlock(&owners->mutex);
	return found;
}

static const char *name_of(struct owners *owners, enum question question, uint64_t id) {
	struct answer a = { .question = question, .id = id };
	const struct answer *found = look_up(owners, &a);

	return found != NULL ? found->name : NULL;
}

static bool id_of(struct owners *owners, enum question question, const char *name, uint64_t *id) {
	struct answer a = { .question = question, .name = name };
	const struct answer *found = look_up(owners, &a);

	if (found == NULL)
		return false;
	*id = found->id;
	return true;
}

const char *owners_user_name(struct owners *owners, uint64_t uid) {
	/* Archives have larger numbers than a system: cut, they would be somebody else's. */
	return (uid_t)uid == uid ? name_of(owners, USER_NAME, uid) : NULL;
}

const char *owners_group_name(struct owners *owners, uint64_t gid) {
	return (gid_t)gid == gid ? name_of(owners, GROUP_NAME, gid) : NULL;
}

bool owners_user_id(struct owners *owners, const char *name, uint64_t *uid) {
	return id_of(owners, USER_ID, name, uid);
}

bool owners_group_id(struct owners *owners, const char *name, uint64_t *gid) {
	return id_of(owners, GROUP_ID, name, gid);
}

uint64_t owners_resolve_user(struct owners *owners, const char *name, uint64_t id) {
	if (name != NULL)
		owners_user_id(owners, name, &id);
	return id;
}

uint64_t owners_resolve_group(struct owners *owners, const char *name, uint64_t id) {
	if (name != NULL)
		owners_group_id(owners, name, &id);
	return id;
}
