#include "config.h"

#include "doomed_name.h"

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

/* What a thread that stands still for ever has doomed. */

#define MODE S_ISVTX

static int ready[2];

static void *make_and_stand_still(void *name) {
	struct doomed_name doomed;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	doomed_name_init_briefly(&doomed, AT_FDCWD, name, MODE);
	close(open(name, O_WRONLY | O_CREAT | O_EXCL, MODE));
	close(ready[1]);
	pause();
	return NULL;
}

START_TEST(a_signal_removes_what_a_thread_does_not_come_to_spare) {
	char directory[] = "/tmp/check_doomed_name.XXXXXX", byte;
	pthread_t thread;
	int status;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chdir(directory), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (pipe(ready) == 0 &&
		    pthread_create(&thread, NULL, make_and_stand_still, (char[]){ "a" }) == 0 &&
		    read(ready[0], &byte, 1) == 0 && access("a", F_OK) == 0)
			raise(SIGTERM);
		_exit(99);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGTERM);
	ck_assert_int_eq(access("a", F_OK), -1);
	ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("doomed_name");
	TCase *tests = tcase_create("threads");

	tcase_add_test(tests, a_signal_removes_what_a_thread_does_not_come_to_spare);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
