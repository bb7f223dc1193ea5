#include "config.h"

#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fuzz.h"
#include "remove_tree.h"
#include "run.h"
#include "snapshot.h"

/*
 * Each task has a thread of its own, with a root, working directory, umask and user of its own that
 * end with it: the kernel has these for each thread, where they are not shared on purpose.  /proc
 * is in the world as the program needs it.
 */

#define WORLD "/mnt"
#define OUTSIDE WORLD "/outside"
#define SHARED OUTSIDE "/shared"
#define HOME WORLD "/home"
#define HERE "/home/here"
#define DESTINATION WORLD HERE

/* Where the process was started. */
static struct way_back { int root, directory; } way_back;

/* What the sanitizers call before they do anything else. */
void __asan_on_error(void);
void __ubsan_on_report(void);

static void mount_world(void) {
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tarn-fuzz", WORLD, "tmpfs", MS_NODEV, "size=64m,mode=0755") != 0) {
		fprintf(stderr, "No right to mount: %s\n", strerror(errno));
		exit(3);
	}
	way_back.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	way_back.directory = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	REQUIRE(way_back.root >= 0 && way_back.directory >= 0);
	REQUIRE(mkdir(WORLD "/proc", 0755) == 0);
	REQUIRE(mount("/proc", WORLD "/proc", NULL, MS_BIND | MS_REC, NULL) == 0);
}

static void make_file(const char *path, const char *content) {
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	REQUIRE(fd >= 0);
	REQUIRE(write(fd, content, strlen(content)) == (ssize_t)strlen(content));
	close(fd);
}

static void make_world(void) {
	mount_world();
	umask(022);
	REQUIRE(mkdir(HOME, 0755) == 0 && mkdir(OUTSIDE, 0755) == 0);
	REQUIRE(mkdir(OUTSIDE "/directory", 0755) == 0);
	make_file(OUTSIDE "/file", "one inode");
	REQUIRE(link(OUTSIDE "/file", OUTSIDE "/directory/name") == 0);
	/* Open to everybody, so that it is not the other user's lack of rights that protects it. */
	REQUIRE(chmod(OUTSIDE "/file", 0666) == 0 && chmod(OUTSIDE "/directory", 0777) == 0);
	REQUIRE(chmod(OUTSIDE, 0777) == 0);
	REQUIRE(setxattr(OUTSIDE "/file", "trusted.tarn", "value", 5, 0) == 0 || errno == EPERM);
	REQUIRE(symlink("file", OUTSIDE "/link") == 0);
	REQUIRE(mkfifo(OUTSIDE "/fifo", 0666) == 0);
	make_file(SHARED, "outside, and in the destination");
	REQUIRE(chmod(SHARED, 0666) == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
	(void)argc;
	(void)argv;
	make_world();
	return 0;
}

/* False when there is no such user, as in a user namespace. */
static bool make_destination(uid_t uid) {
	if (access(DESTINATION, F_OK) == 0)
		REQUIRE(remove_tree(AT_FDCWD, DESTINATION) == 0);
	REQUIRE(mkdir(DESTINATION, 0755) == 0);
	REQUIRE(symlink("../../outside", DESTINATION "/relative") == 0);
	REQUIRE(symlink("/outside/directory", DESTINATION "/absolute") == 0);
	REQUIRE(link(SHARED, DESTINATION "/shared") == 0);
	REQUIRE(mkdir(DESTINATION "/directory", 0755) == 0);
	make_file(DESTINATION "/file", "old");
	make_file(DESTINATION "/directory/file", "old");
	if (chown(DESTINATION, uid, uid) != 0) {
		REQUIRE(errno == EINVAL);
		return false;
	}
	REQUIRE(chown(DESTINATION "/directory", uid, uid) == 0);
	return true;
}

/* libc's functions would change the user of all threads.  The real user stays, to come back. */
static bool become(uid_t uid) {
	return syscall(SYS_setresuid, -1, 0, -1) == 0 && syscall(SYS_setgroups, 0, NULL) == 0 &&
	    syscall(SYS_setresgid, -1, uid, -1) == 0 && syscall(SYS_setresuid, -1, uid, -1) == 0;
}

/* A crash is written to a file by the thread that has it, which has to leave the world for that. */
static void leave_world(void) {
	if (!become(0) || fchdir(way_back.root) != 0 || chroot(".") != 0 ||
	    fchdir(way_back.directory) != 0)
		perror("Cannot leave the world");
}

void __asan_on_error(void) {
	leave_world();
}

void __ubsan_on_report(void) {
	leave_world();
}

struct run_in_world {
	const struct world_task *task;
	int status;
};

static void *enter_and_run(void *argument) {
	struct run_in_world *r = argument;
	int argc = 0;

	REQUIRE(unshare(CLONE_FS) == 0 && chroot(WORLD) == 0 && chdir(HERE) == 0);
	umask(022);
	r->status = -1;
	if (r->task->uid != 0 && !become(r->task->uid))
		return NULL;
	while (r->task->argv[argc] != NULL)
		argc++;
	r->status = run_command(argc, r->task->argv, true);
	return NULL;
}

static char *look(const struct world_task *task) {
	struct stat shared;

	REQUIRE(stat(SHARED, &shared) == 0);
	return task->writes_nothing ? snapshot(WORLD, NULL, 0) :
	                              snapshot(WORLD, DESTINATION, shared.st_ino);
}

int world_run(const struct world_task *task) {
	struct run_in_world r = { .task = task };
	char *before, *after;
	pthread_t thread;
	int fd;

	if (!make_destination(task->uid))
		return -1;
	fd = fuzz_file(task->data, task->nbytes);
	REQUIRE(dup2(fd, STDIN_FILENO) == STDIN_FILENO);
	close(fd);
	before = look(task);
	REQUIRE(pthread_create(&thread, NULL, enter_and_run, &r) == 0);
	REQUIRE(pthread_join(thread, NULL) == 0);
	after = look(task);
	if (strcmp(before, after) != 0) {
		fprintf(stderr, "The world before:\n%s\nand after:\n%s\n", before, after);
		abort();
	}
	free(before);
	free(after);
	return r.status;
}
