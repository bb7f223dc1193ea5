#include "config.h"

#include "doomed_name.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

/*
 * A signal handler can be given nothing, so the names have to be where it finds them: these are the
 * static variables of this program that change.  The list is whole before and after each store of a
 * pointer.  Threads change it one at a time, and the first of them, where the handler runs, without
 * signals meanwhile.
 *
 * Other threads are counted while they have a doomed name; once a signal has come, no further one
 * gets one.  The handler cannot wait for ever: they might wait for what the first thread holds.
 */

#define PATIENCE_MS 1000

static struct doomed_name *_Atomic first;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_int nothers;
static atomic_bool is_ending;

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };

static bool is_first_thread(void) {
	return gettid() == getpid();
}

/* SA_RESETHAND has restored the default action: the second signal ends the run, and tells how. */
static void remove_and_die(int signo) {
	const struct timespec ms = { .tv_nsec = 1000000 };

	is_ending = true;
	for (int i = 0; i < PATIENCE_MS && nothers > 0; i++)
		nanosleep(&ms, NULL);
	for (const struct doomed_name *d = first; d != NULL; d = d->next)
		unlinkat(d->dirfd, d->name, 0);
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
	struct sigaction action = { .sa_handler = remove_and_die, .sa_flags = (int)SA_RESETHAND };
	struct sigaction is;

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
	pthread_sigmask(SIG_SETMASK, &all, signals_before);
	pthread_mutex_lock(&mutex);
}

static void end_change(const sigset_t *signals_before) {
	pthread_mutex_unlock(&mutex);
	pthread_sigmask(SIG_SETMASK, signals_before, NULL);
}

void doomed_name_init(struct doomed_name *doomed, int dirfd, const char *name) {
	sigset_t before;

	if (!is_first_thread())
		join_others();
	begin_change(&before);
	if (first == NULL)
		catch_signals();
	*doomed = (struct doomed_name){ .next = first, .dirfd = dirfd, .name = name };
	first = doomed;
	end_change(&before);
}

void doomed_name_spare(struct doomed_name *doomed) {
	struct doomed_name *at;
	sigset_t before;

	if (doomed->name == NULL)
		return;
	begin_change(&before);
	at = first;
	if (at == doomed)
		first = doomed->next;
	else {
		while (at->next != doomed)
			at = at->next;
		at->next = doomed->next;
	}
	doomed->name = NULL;
	end_change(&before);
	if (!is_first_thread())
		nothers--;
}
