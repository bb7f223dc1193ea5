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
 * static variables of this program that change.  The list is whole before and after each store of a
 * pointer.  Threads change it one at a time, and the first of them, where the handler runs, without
 * signals meanwhile.
 *
 * What the first thread dooms briefly is in a variable of its own: to change the list takes it system calls.
 *
 * Other threads are counted while they have a doomed name; once a signal has come, no further one
 * gets one.  The handler cannot wait for ever, as they might wait for what the first thread holds: in
 * the end it removes what they have doomed, too.
 */

#define PATIENCE_MS 1000

static struct doomed_name *_Atomic first;
static struct doomed_name *_Atomic brief; /* of the first thread: NULL, or one that has a mode */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_int nothers;
static atomic_bool is_ending;

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };

static bool is_first_thread(void) {
	static _Thread_local enum { UNKNOWN, FIRST, OTHER } which;

	if (which == UNKNOWN)
		which = gettid() == getpid() ? FIRST : OTHER;
	return which == FIRST;
}

static void remove_name(const struct doomed_name *d) {
	struct stat st;

	if (d->mode == 0 ||
	    (fstatat(d->dirfd, d->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	        st.st_mode == (S_IFREG | d->mode)))
		unlinkat(d->dirfd, d->name, 0);
}

/* SA_RESETHAND has restored the default action: the second signal ends the run, and tells how. */
static void remove_and_die(int signo) {
	const struct timespec ms = { .tv_nsec = 1000000 };

	is_ending = true;
	for (int i = 0; i < PATIENCE_MS && nothers > 0; i++)
		nanosleep(&ms, NULL);
	if (brief != NULL)
		remove_name(brief);
	for (const struct doomed_name *d = first; d != NULL; d = d->next)
		remove_name(d);
	raise(signo);
}

/* A thread that has come too late makes nothing any more. */
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
	if (is_first_thread()) {
		brief = doomed;
		return;
	}
	join_others();
	add_to_list(doomed);
}

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
	if (!is_first_thread())
		nothers--;
}
