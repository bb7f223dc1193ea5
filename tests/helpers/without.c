/*
 * without CALL[,CALL…] PROGRAM [ARGUMENT…]: run the program on a kernel that seems to lack the
 * calls, "openat2" and "landlock", so that what it does instead is what is tested.  A seccomp
 * filter answers them with ENOSYS.
 */

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	const char *name;
	long call;
} calls[] = {
	{ "openat2", SYS_openat2 },
	/* Without this one nothing comes of the others. */
	{ "landlock", SYS_landlock_create_ruleset },
};

static int refuse(long call) {
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = filter,
	};

	/* Without new privileges nobody needs to be root for a filter. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

static int refuse_named(const char *name) {
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(calls[i].name, name) == 0)
			return refuse(calls[i].call);
	}
	errno = EINVAL;
	return -1;
}

int main(int argc, char **argv) {
	if (argc < 3) {
		fprintf(stderr, "usage: without CALL[,CALL...] PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	for (char *name = strtok(argv[1], ","); name != NULL; name = strtok(NULL, ",")) {
		if (refuse_named(name) != 0) {
			perror("without");
			return 2;
		}
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
