#include "config.h"

#include "doomed_name.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/*
 * A signal handler can be given nothing, so the names have to be where it finds them: these are the
 * static variables of this program that change.  archive_file dooms its temporary file, contained
 * and exact_name what they make below the destination.
 *
 * The handler runs in the first thread and cannot take a mutex (signal-safety(7)).  So the list is
 * whole before and after each store of a pointer.  Threads change it one at a time, and the first
 * one blocks signals meanwhile.
 *
 * To block them takes system calls, which would show where one thread makes many small files.  What
 * it dooms briefly is therefore in a variable of its own, which one store sets.
 *
 * Other threads are counted while they have a doomed name; once a signal has come, no further one
 * gets one.  The handler waits until those that have one are done.  It cannot wait for ever, as
 * they might wait for what the first thread holds: in the end it removes theirs, too.
 */

#define PATIENCE_MS 1000 /* how long the handler waits for other threads */

static struct doomed_name *_Atomic first;
static struct doomed_name *_Atomic brief; /* of the first thread: NULL, or one that has a mode */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* of those who change the list */
static atomic_int nothers;    /* names that threads other than the first have doomed */
static atomic_bool is_ending; /* a signal has come; never false again */

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };

/* Known after one look, as gettid() is a system call. */
static bool is_first_thread(void) {
	static _Thread_local enum { UNKNOWN, FIRST, OTHER } which;

	if (which == UNKNOWN)
		which = gettid() == getpid() ? FIRST : OTHER;
	return which == FIRST;
}

/*
 * In the handler, so by async-signal-safe calls alone.  A file that has another mode than it was
 * doomed with is complete, or somebody else's.
 */
static void remove_name(const struct doomed_name *d) {
	struct stat st;

	if (d->mode == 0 ||
	    (fstatat(d->dirfd, d->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	        st.st_mode == (S_IFREG | d->mode)))
		unlinkat(d->dirfd, d->name, 0);
}

void doomed_names_remove(void) {
	const struct timespec ms = { .tv_nsec = 1000000 };

	is_ending = true;
	for (int i = 0; i < PATIENCE_MS && nothers > 0; i++)
		nanosleep(&ms, NULL);
	if (brief != NULL)
		remove_name(brief);
	for (const struct doomed_name *d = first; d != NULL; d = d->next)
		remove_name(d);
}

/*
 * SA_RESETHAND has restored the default action, and the signal is blocked while its handler runs:
 * the one that is raised ends the run when this returns, so that the parent sees what ended it.
 */
static void remove_and_die(int signo) {
	doomed_names_remove();
	raise(signo);
}

/*
 * Counted before ${is_ending} is looked at, while the handler sets that before it looks at the
 * count: one of the two sees the other.  A thread that has come too late makes nothing any more,
 * and waits for the end.
 */
static void join_others(void) {
	nothers++;
	if (!is_ending)
		return;
	nothers--;
	for (;;)
		pause();
}

/* Once is enough: without names the handler does what the default action does. */
static void catch_signals(void) {
	static atomic_bool done;
	struct sigaction action = { .sa_handler = remove_and_die, .sa_flags = (int)SA_RESETHAND };
	struct sigaction is;

	if (done)
		return;
	done = true;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		/* nohup, for one, wants it to stay ignored. */
		if (sigaction(signals[i], NULL, &is) == 0 && is.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
}

/* Begin to change the list; *${signals_before} is for end_change. */
static void begin_change(sigset_t *signals_before) {
	sigset_t all;

	/*
	 * If the handler interrupted the holder of the mutex, it would wait in vain for the others,
	 * who need it to spare their names.  Other threads than the first block all signals anyway.
	 */
	sigfillset(&all);
	if (is_first_thread())
		pthread_sigmask(SIG_SETMASK, &all, signals_before);
	pthread_mutex_lock(&mutex);
}

static void end_change(const sigset_t *signals_before) {
	pthread_mutex_unlock(&mutex);
	if (is_first_thread())
		pthread_sigmask(SIG_SETMASK, signals_before, NULL);
}

static void add_to_list(struct doomed_name *doomed) {
	sigset_t before;

	begin_change(&before);
	doomed->next = first;
	first = doomed;
	end_change(&before);
}

void doomed_name_init(struct doomed_name *doomed, int dirfd, const char *name) {
	catch_signals();
	if (!is_first_thread())
		join_others();
	*doomed = (struct doomed_name){ .dirfd = dirfd, .name = name };
	add_to_list(doomed);
}

void doomed_name_init_briefly(
    struct doomed_name *doomed, int dirfd, const char *name, mode_t mode) {
	catch_signals();
	*doomed = (struct doomed_name){ .dirfd = dirfd, .name = name, .mode = mode };
	/* Filled in before: the handler may run right behind the store. */
	if (is_first_thread()) {
		brief = doomed;
		return;
	}
	join_others();
	add_to_list(doomed);
}

/* ${doomed} must be in the list, which is short: a thread dooms few names at a time. */
static void take_from_list(const struct doomed_name *doomed) {
	struct doomed_name *at;
	sigset_t before;

	begin_change(&before);
	at = first;
	if (at == doomed)
		first = doomed->next;
	else {
		while (at->next != doomed)
			at = at->next;
		at->next = doomed->next;
	}
	end_change(&before);
}

void doomed_name_spare(struct doomed_name *doomed) {
	if (doomed->name == NULL)
		return;
	if (doomed->mode != 0 && is_first_thread())
		brief = NULL;
	else
		take_from_list(doomed);
	doomed->name = NULL;
	/* Last: when the count is 0 the handler removes what is in the list. */
	if (!is_first_thread())
		nothers--;
}
