/*
 * To be preloaded: system calls that look at files, make or write something take their time, now
 * and then and at random, so that threads come in every order.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static void take_time(void) {
	static _Thread_local uint64_t state;
	struct timespec t;

	if (state == 0) {
		clock_gettime(CLOCK_MONOTONIC, &t);
		state = ((uint64_t)t.tv_nsec ^ (uint64_t)(uintptr_t)&state) | 1;
	}
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	if (state % 4 == 0) {
		t = (struct timespec){ .tv_nsec = (long)(state >> 8 & 0x3ffff) };
		nanosleep(&t, NULL);
	}
}

/* The function of the C library called ${name}, after a while. */
static void *next(const char *name) {
	take_time();
	return dlsym(RTLD_NEXT, name);
}

int linkat(int from, const char *old, int to, const char *new, int flags) {
	return ((int (*)(int, const char *, int, const char *, int))next("linkat"))(
	    from, old, to, new, flags);
}

int mkdirat(int fd, const char *name, mode_t mode) {
	return ((int (*)(int, const char *, mode_t))next("mkdirat"))(fd, name, mode);
}

int symlinkat(const char *target, int fd, const char *name) {
	return ((int (*)(const char *, int, const char *))next("symlinkat"))(target, fd, name);
}

int renameat(int from, const char *old, int to, const char *new) {
	return ((int (*)(int, const char *, int, const char *))next("renameat"))(
	    from, old, to, new);
}

int unlinkat(int fd, const char *name, int flags) {
	return ((int (*)(int, const char *, int))next("unlinkat"))(fd, name, flags);
}

int futimens(int fd, const struct timespec times[2]) {
	return ((int (*)(int, const struct timespec[2]))next("futimens"))(fd, times);
}

int statx(int fd, const char *name, int flags, unsigned int mask, struct statx *stx) {
	return ((int (*)(int, const char *, int, unsigned int, struct statx *))next("statx"))(
	    fd, name, flags, mask, stx);
}

ssize_t write(int fd, const void *data, size_t nbytes) {
	return ((ssize_t(*)(int, const void *, size_t))next("write"))(fd, data, nbytes);
}

ssize_t pwrite64(int fd, const void *data, size_t nbytes, off64_t offset) {
	return ((ssize_t(*)(int, const void *, size_t, off64_t))next("pwrite64"))(
	    fd, data, nbytes, offset);
}

ssize_t pwrite(int fd, const void *data, size_t nbytes, off_t offset) {
	return pwrite64(fd, data, nbytes, offset);
}
