/*
 * A library for LD_PRELOAD that lets one call of a program fail, or ends the program just before
 * it.  Built without the sanitizers, whose allocator and interceptors would stand in its way.
 *
 * INJECT="CALLS N ACTION": the Nth of CALLS, which is "alloc", the name of a function, or "any",
 * each but the allocations.  ACTION is a number: an errno, or with a minus before it a signal; or
 * "short", for which a call that takes a length gets half of it.  When that has happened, a
 * slash is written to the descriptor INJECT_FIRED, and the name of the library that wanted memory,
 * if that was the call.  The program's children are left alone.
 */

#include "config.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

/* What glibc calls its own, so that there is something to allocate with from the first call on. */
void *__libc_malloc(size_t nbytes);
void *__libc_calloc(size_t n, size_t nbytes);
void *__libc_realloc(void *data, size_t nbytes);

static char calls[32];
static unsigned int wanted;
static int action;
static bool is_short;
static atomic_uint ncalls;
static _Thread_local bool is_in_nss; /* glibc has assertions there instead of errors */

__attribute__((constructor)) static void configure(void) {
	const char *inject = getenv("INJECT");
	char what[32];

	if (inject == NULL || sscanf(inject, "%31s %u %31s", calls, &wanted, what) != 3)
		return;
	is_short = strcmp(what, "short") == 0;
	action = atoi(what);
	unsetenv("LD_PRELOAD");
	unsetenv("INJECT");
}

/* ${caller}: an address in the library that called, or NULL. */
static void tell_fired(const void *caller) {
	const char *fd = getenv("INJECT_FIRED");
	Dl_info info;

	if (fd == NULL)
		return;
	syscall(SYS_write, atoi(fd), "/", (size_t)1);
	if (caller != NULL && dladdr(caller, &info) != 0)
		syscall(SYS_write, atoi(fd), info.dli_fname, strlen(info.dli_fname));
}

/* Is this the call?  It sends the signal itself. */
static bool is_it(const char *name, const void *caller) {
	bool is_alloc = strcmp(name, "alloc") == 0;

	if (wanted == 0 || is_in_nss ||
	    (strcmp(calls, name) != 0 && (is_alloc || strcmp(calls, "any") != 0)))
		return false;
	if (atomic_fetch_add(&ncalls, 1) + 1 != wanted)
		return false;
	tell_fired(caller);
	if (action < 0)
		kill(getpid(), -action);
	return action >= 0;
}

/* Does the call fail?  Then errno is set. */
static bool fails(const char *name) {
	if (!is_it(name, NULL) || is_short)
		return false;
	errno = action;
	return true;
}

/* The same for a call with a length, which may have to make do with less of it. */
static bool fails_or_shortens(const char *name, size_t *nbytes) {
	if (!is_it(name, NULL))
		return false;
	if (is_short) {
		*nbytes = *nbytes / 2 + 1;
		return false;
	}
	errno = action;
	return true;
}

/* Does the allocation fail that ${caller} wants? */
static bool fails_to_allocate(const void *caller) {
	if (!is_it("alloc", caller))
		return false;
	errno = ENOMEM;
	return true;
}

#define CALLER __builtin_return_address(0)

void *malloc(size_t nbytes) {
	return fails_to_allocate(CALLER) ? NULL : __libc_malloc(nbytes);
}

void *calloc(size_t n, size_t nbytes) {
	return fails_to_allocate(CALLER) ? NULL : __libc_calloc(n, nbytes);
}

void *realloc(void *data, size_t nbytes) {
	return fails_to_allocate(CALLER) ? NULL : __libc_realloc(data, nbytes);
}

void *reallocarray(void *data, size_t n, size_t nbytes) {
	size_t all;

	if (__builtin_mul_overflow(n, nbytes, &all) || fails_to_allocate(CALLER)) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_realloc(data, all);
}

#define REAL(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

/* int name(…) that fails with -1. */
#define WRAP(type, name, parameters, arguments) \
	type name parameters { \
		static __typeof__(&name) real; \
\
		if (fails(#name)) \
			return -1; \
		if (real == NULL) \
			real = REAL(name); \
		return real arguments; \
	}

#define WRAP_LENGTH(type, name, parameters, arguments) \
	type name parameters { \
		static __typeof__(&name) real; \
\
		if (fails_or_shortens(#name, &nbytes)) \
			return -1; \
		if (real == NULL) \
			real = REAL(name); \
		return real arguments; \
	}

WRAP_LENGTH(ssize_t, read, (int fd, void *data, size_t nbytes), (fd, data, nbytes))
WRAP_LENGTH(ssize_t, write, (int fd, const void *data, size_t nbytes), (fd, data, nbytes))
WRAP_LENGTH(ssize_t, pread, (int fd, void *data, size_t nbytes, off_t at), (fd, data, nbytes, at))
WRAP_LENGTH(
    ssize_t, pwrite, (int fd, const void *data, size_t nbytes, off_t at), (fd, data, nbytes, at))
WRAP_LENGTH(ssize_t, copy_file_range,
    (int from, off64_t *in, int to, off64_t *out, size_t nbytes, unsigned int flags),
    (from, in, to, out, nbytes, flags))
WRAP(ssize_t, getdents64, (int fd, void *data, size_t nbytes), (fd, data, nbytes))
WRAP(int, fstat, (int fd, struct stat *st), (fd, st))
WRAP(int, stat, (const char *path, struct stat *st), (path, st))
WRAP(int, fstatat, (int at, const char *path, struct stat *st, int flags), (at, path, st, flags))
WRAP(int, statx, (int at, const char *path, int flags, unsigned int mask, struct statx *st),
    (at, path, flags, mask, st))
WRAP(int, fstatfs, (int fd, struct statfs *st), (fd, st))
WRAP(int, linkat, (int at, const char *from, int to_at, const char *to, int flags),
    (at, from, to_at, to, flags))
WRAP(int, symlinkat, (const char *target, int at, const char *path), (target, at, path))
WRAP(ssize_t, readlinkat, (int at, const char *path, char *data, size_t nbytes),
    (at, path, data, nbytes))
WRAP(int, mkdirat, (int at, const char *path, mode_t mode), (at, path, mode))
WRAP(int, mknodat, (int at, const char *path, mode_t mode, dev_t dev), (at, path, mode, dev))
WRAP(int, rename, (const char *from, const char *to), (from, to))
WRAP(int, renameat, (int at, const char *from, int to_at, const char *to), (at, from, to_at, to))
WRAP(int, renameat2, (int at, const char *from, int to_at, const char *to, unsigned int flags),
    (at, from, to_at, to, flags))
WRAP(int, unlink, (const char *path), (path))
WRAP(int, unlinkat, (int at, const char *path, int flags), (at, path, flags))
WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode))
WRAP(int, chmod, (const char *path, mode_t mode), (path, mode))
WRAP(int, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid))
WRAP(int, fchownat, (int at, const char *path, uid_t uid, gid_t gid, int flags),
    (at, path, uid, gid, flags))
WRAP(int, futimens, (int fd, const struct timespec times[2]), (fd, times))
WRAP(int, utimensat, (int at, const char *path, const struct timespec times[2], int flags),
    (at, path, times, flags))
WRAP(int, fsetxattr, (int fd, const char *name, const void *value, size_t nbytes, int flags),
    (fd, name, value, nbytes, flags))
WRAP(ssize_t, getxattr, (const char *path, const char *name, void *value, size_t nbytes),
    (path, name, value, nbytes))
WRAP(ssize_t, listxattr, (const char *path, char *names, size_t nbytes), (path, names, nbytes))
WRAP(ssize_t, lgetxattr, (const char *path, const char *name, void *value, size_t nbytes),
    (path, name, value, nbytes))
WRAP(ssize_t, llistxattr, (const char *path, char *names, size_t nbytes), (path, names, nbytes))
WRAP(int, ftruncate, (int fd, off_t nbytes), (fd, nbytes))
WRAP(off_t, lseek, (int fd, off_t nbytes, int whence), (fd, nbytes, whence))
WRAP(int, fsync, (int fd), (fd))
WRAP(int, fdatasync, (int fd), (fd))
WRAP(int, syncfs, (int fd), (fd))
WRAP(ssize_t, getrandom, (void *data, size_t nbytes, unsigned int flags), (data, nbytes, flags))
WRAP(int, mkostemp, (char *name, int flags), (name, flags))

/* The descriptor is gone, also when the call fails. */
int close(int fd) {
	bool failed = fails("close");
	int errnum = errno, r = (int)syscall(SYS_close, fd);

	if (failed)
		errno = errnum;
	return failed ? -1 : r;
}

int open(const char *path, int flags, ...) {
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = va_arg(args, mode_t);
	va_end(args);
	return fails("open") ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int openat(int at, const char *path, int flags, ...) {
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = va_arg(args, mode_t);
	va_end(args);
	return fails("openat") ? -1 : (int)syscall(SYS_openat, at, path, flags, mode);
}

/* openat2() has no function of its own.  This one is called from above, too. */
long syscall(long number, ...) {
	static __typeof__(&syscall) real;
	va_list args;
	long a[6];

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_openat2 && fails("openat2"))
		return -1;
	if (real == NULL)
		real = REAL(syscall);
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int ioctl(int fd, unsigned long request, ...) {
	va_list args;
	void *argument;

	va_start(args, request);
	argument = va_arg(args, void *);
	va_end(args);
	return fails("ioctl") ? -1 : (int)syscall(SYS_ioctl, fd, request, argument);
}

/* These return the errno. */
#define WRAP_NSS(name, key, type) \
	int name(key, struct type *found, char *data, size_t nbytes, struct type **result) { \
		static __typeof__(&name) real; \
		int r; \
\
		*result = NULL; \
		if (fails(#name)) \
			return errno; \
		if (real == NULL) \
			real = REAL(name); \
		is_in_nss = true; \
		r = real(asked, found, data, nbytes, result); \
		is_in_nss = false; \
		return r; \
	}

WRAP_NSS(getpwuid_r, uid_t asked, passwd)
WRAP_NSS(getpwnam_r, const char *asked, passwd)
WRAP_NSS(getgrgid_r, gid_t asked, group)
WRAP_NSS(getgrnam_r, const char *asked, group)
