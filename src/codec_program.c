#include "config.h"

#include "codec_program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * A program that the user names (-I) compresses or decompresses: never one that the content of an
 * archive asks for.  It is started through the shell, so that it can have arguments.
 *
 * The child reads or writes the archive itself, so that only plain bytes pass through this
 * process, in one direction, and neither side can wait for the other in a circle.
 */

extern char **environ;

/*
 * Start the shell with ${in} and ${out} as its standard input and output; an errno, or 0.  ${out}
 * is not 0, which the first dup2 would replace: main() sees to it that 0 to 2 are open.
 */
static int spawn_shell(const char *command, int in, int out, pid_t *pid) {
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)command, NULL };
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0) {
		return r;
	}
	r = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (r == 0) {
		r = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	}
	if (r == 0) {
		r = posix_spawn(pid, "/bin/sh", &actions, NULL, argv, environ);
	}
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

static void close_pipe(struct program *program) {
	if (program->fd >= 0) {
		close(program->fd);
		program->fd = -1;
	}
}

int program_start(struct program *program, const char *command, enum program_direction direction,
    int fd, struct error *err) {
	int ends[2] = { -1, -1 };
	char *line = NULL;
	int r;

	*program = (struct program){ .fd = -1 };
	/* Behind all that the user wrote, so that a command may have arguments of its own. */
	if (asprintf(&line, "%s%s", command, direction == PROGRAM_DECOMPRESS ? " -d" : "") < 0) {
		return err_nomem(err);
	}
	/*
	 * The child's end is closed here once the child has it: else this process would not see
	 * that the child is gone, neither when it writes (EPIPE) nor when it reads (the end).
	 */
	if (pipe2(ends, O_CLOEXEC) != 0) {
		r = errno;
	} else if (direction == PROGRAM_COMPRESS) {
		program->fd = ends[1];
		r = spawn_shell(line, ends[0], fd, &program->pid);
		close(ends[0]);
	} else {
		program->fd = ends[0];
		r = spawn_shell(line, fd, ends[1], &program->pid);
		close(ends[1]);
	}
	free(line);
	if (r != 0) {
		program->pid = 0;
		close_pipe(program);
		return err_set(err, TARN_ESYSTEM, r, "%s: Cannot run", command);
	}
	return TARN_OK;
}

/*
 * Write as write() does, but never die of it: SIGPIPE is held back and taken out again.  It is sent
 * to the thread that writes, so that the mask of this one is enough.  To ignore it in the whole
 * process would not do: the child would inherit that.
 */
static ssize_t write_without_signal(int fd, const void *data, size_t nbytes) {
	sigset_t sigpipe, before;
	ssize_t n;
	int errnum;

	sigemptyset(&sigpipe);
	sigaddset(&sigpipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
	n = write(fd, data, nbytes);
	errnum = errno;
	if (n != (ssize_t)nbytes) {
		/* Also the write that got half its bytes through sends one. */
		sigtimedwait(&sigpipe, NULL, &(struct timespec){ 0 });
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = errnum;
	return n;
}

int program_write(struct program *program, const void *data, size_t nbytes, struct error *err) {
	const char *next = data;

	while (nbytes > 0) {
		/* A write that was interrupted has written nothing, and is done again. */
		ssize_t n = write_without_signal(program->fd, next, nbytes);
		if (n < 0 && errno != EINTR) {
			err_set(err, TARN_ESYSTEM, errno, "Cannot write");
			/* Why it went away says more than that it did. */
			int r = program_finish(program, err);
			return r != TARN_OK ? r : TARN_ESYSTEM;
		}
		if (n > 0) {
			next += n;
			nbytes -= (size_t)n;
		}
	}
	return TARN_OK;
}

int program_finish(struct program *program, struct error *err) {
	pid_t pid = program->pid, waited;
	int status;

	/*
	 * First, as a compressor ends when its input does; a decompressor that still writes gets
	 * SIGPIPE.
	 */
	close_pipe(program);
	/* It is waited for once, whatever comes of that; program_fini leaves it alone then. */
	program->pid = 0;
	do {
		waited = waitpid(pid, &status, 0);
	} while (waited < 0 && errno == EINTR);
	if (waited < 0) {
		return err_set(err, TARN_ESYSTEM, errno, "Cannot wait for the compression program");
	}
	if (WIFSIGNALED(status)) {
		return err_set(err, TARN_EFORMAT, 0, "Child died with signal %d", WTERMSIG(status));
	}
	if (WEXITSTATUS(status) != 0) {
		return err_set(
		    err, TARN_EFORMAT, 0, "Child returned status %d", WEXITSTATUS(status));
	}
	return TARN_OK;
}

void program_fini(struct program *program) {
	struct error ignored;

	/*
	 * A signal, as it could go on for long with what it has: the wait below is for its end
	 * only.
	 */
	if (program->pid != 0) {
		kill(program->pid, SIGTERM);
		program_finish(program, &ignored);
	}
}
