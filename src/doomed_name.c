#include "config.h"

#include "doomed_name.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

/*
 * A signal handler can be given nothing, so the names have to be where it finds them: the one static
 * variable of this program that changes.  The list is whole before and after each store of a
 * pointer, so that the signals need not be held back.
 */

static struct doomed_name *_Atomic first;

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };

/* SA_RESETHAND has restored the default action: the second signal ends the run, and tells how. */
static void remove_and_die(int signo) {
	for (const struct doomed_name *d = first; d != NULL; d = d->next)
		unlinkat(d->dirfd, d->name, 0);
	raise(signo);
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

void doomed_name_init(struct doomed_name *doomed, int dirfd, const char *name) {
	if (first == NULL)
		catch_signals();
	*doomed = (struct doomed_name){ .next = first, .dirfd = dirfd, .name = name };
	first = doomed;
}

void doomed_name_spare(struct doomed_name *doomed) {
	struct doomed_name *before = first;

	if (doomed->name == NULL)
		return;
	if (before == doomed)
		first = doomed->next;
	else {
		while (before->next != doomed)
			before = before->next;
		before->next = doomed->next;
	}
	doomed->name = NULL;
}
