#include "config.h"

#include "exact_name.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Only the list of a directory says what its entries are called.
 */

enum folding directory_folding(int dirfd, const char *name, const struct stat *st, bool is_unique) {
	char other[NAME_MAX + 1];
	struct stat found;
	size_t n = 0;

	for (; name[n] != '\0' && n < NAME_MAX; n++) {
		int c = (unsigned char)name[n];

		other[n] = (char)(islower(c) ? toupper(c) : tolower(c));
	}
	other[n] = '\0';
	if (strcmp(name, other) == 0 || (st->st_nlink > 1 && !S_ISDIR(st->st_mode)))
		return FOLDING_UNKNOWN;
	if (fstatat(dirfd, other, &found, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? FOLDING_NONE : FOLDING_UNKNOWN;
	return is_unique || (found.st_dev == st->st_dev && found.st_ino == st->st_ino) ?
	    FOLDING_CASE :
	    FOLDING_UNKNOWN;
}

bool directory_has_exactly(int dirfd, const char *name) {
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return true;
	}
	do
		entry = readdir(dir);
	while (entry != NULL && strcmp(entry->d_name, name) != 0);
	closedir(dir);
	return entry != NULL;
}

bool path_is_exact(int dirfd, const char *path) {
	char name[NAME_MAX + 1];
	bool is_exact = true;
	int fd = dirfd, next;

	while (is_exact && *path != '\0') {
		size_t nbytes = strcspn(path, "/");

		if (nbytes > NAME_MAX)
			break;
		memcpy(name, path, nbytes);
		name[nbytes] = '\0';
		path += nbytes + strspn(path + nbytes, "/");
		is_exact = directory_has_exactly(fd, name);
		next = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd != dirfd)
			close(fd);
		fd = next;
		if (fd < 0)
			break;
	}
	if (fd >= 0 && fd != dirfd)
		close(fd);
	return is_exact;
}
