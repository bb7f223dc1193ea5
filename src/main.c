#include "config.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "doomed_name.h"
#include "quote.h"
#include "run.h"

/*
 * What belongs to the process: its descriptors, its signals, its locale, its exit.  The rest is a
 * library, which tests and fuzz targets link as well.
 */

static bool is_running; /* run_command() is, so that nobody has a reason to call exit() */

/*
 * What was closed must not become an archive or a file that is extracted.  It is opened the other
 * way, so that reading from it or writing to it fails: what goes there is lost.  Without /dev/null
 * it stays closed, which no call here can help.
 */
static void hold_standard_descriptors(void) {
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
	}
}

/*
 * libarchive calls exit() where it finds no memory for a string, with the status that here says
 * that there are differences.
 */
static void end_in_the_midst(void) {
	if (is_running) {
		doomed_names_remove();
		_exit(2);
	}
}

int main(int argc, char **argv) {
	bool utf8 = quote_environment_is_utf8();
	int status;

	hold_standard_descriptors();
	/* What is larger than the user may write is an error of that file: EFBIG. */
	signal(SIGXFSZ, SIG_IGN);
	/* Names are bytes; libarchive converts between its own charsets, and must not stumble. */
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		setlocale(LC_CTYPE, "");
	is_running = atexit(end_in_the_midst) == 0;
	status = run_command(argc, argv, utf8);
	is_running = false;
	return status;
}
