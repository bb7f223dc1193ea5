#include "config.h"

#include "compat.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef SYS_openat2
#include <linux/openat2.h>
#endif

/*
 * The reference is a walk: each component is opened from the directory opened before it, and must
 * be a directory itself.  openat2(2) (Linux 5.6) does the same in one call.  It is asked anew each
 * time: a call that the kernel does not know costs little beside the walk that follows, and so
 * nothing has to be remembered.
 *
 * openat2() makes no directories, so the walk is also made where one is missing and wanted.
 */

#define FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)

/* The whole of ${path} in one call; ENOSYS where there is no such call. */
static int open_at_once(int dirfd, const char *path) {
#ifdef SYS_openat2
	/* A second check: member_path lets no ".." and no absolute path through. */
	struct open_how how = {
		.flags = FLAGS,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
#else
	(void)dirfd;
	(void)path;
	errno = ENOSYS;
	return -1;
#endif
}

/*
 * Returns a descriptor, or -1 with errno as openat2() would say it.  O_PATH with O_DIRECTORY says
 * ENOTDIR of a symbolic link, too; a second look tells the two apart for the message.
 */
static int open_component(int dirfd, const char *name, bool make) {
	struct stat st;
	int fd;

	fd = openat(dirfd, name, FLAGS | O_NOFOLLOW);

	/* Another process may make it at the same time: it is there, then. */
	if (fd < 0 && errno == ENOENT && make &&
	    (mkdirat(dirfd, name, 0777) == 0 || errno == EEXIST))
		fd = openat(dirfd, name, FLAGS | O_NOFOLLOW);
	if (fd < 0 && errno == ENOTDIR) {
		bool is_symlink =
		    fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);

		errno = is_symlink ? ELOOP : ENOTDIR;
	}
	return fd;
}

/* Close ${fd} unless it is ${borrowed}; errno stays. */
static void close_unless(int fd, int borrowed) {
	int saved = errno;

	if (fd != borrowed)
		close(fd);
	errno = saved;
}

/* Holds two descriptors at most, that of the directory above and the next, whatever the depth. */
static int open_by_component(int dirfd, const char *path, bool make) {
	char name[COMPONENT_NBYTES_MAX + 1];
	int at = dirfd, next;
	size_t nbytes;

	for (;; path += nbytes + 1) {
		nbytes = strcspn(path, "/");
		if (nbytes > COMPONENT_NBYTES_MAX) {
			close_unless(at, dirfd);
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(name, path, nbytes);
		name[nbytes] = '\0';
		next = open_component(at, name, make);
		close_unless(at, dirfd);
		if (next < 0 || path[nbytes] == '\0')
			return next;
		at = next;
	}
}

int compat_open_directory_beneath(int dirfd, const char *path, bool make) {
	int fd = open_at_once(dirfd, path);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOSYS:       /* a kernel before 5.6 */
	case EPERM:        /* a container that forbids what it does not know */
	case ENAMETOOLONG: /* the walk has no path that could be too long */
		return open_by_component(dirfd, path, make);
	case ENOENT:
		return make ? open_by_component(dirfd, path, make) : -1;
	default:
		return -1;
	}
}
