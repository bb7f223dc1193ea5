#include "config.h"

#include "exact_name.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "temporary_name.h"

/*
 * Only the list of a directory says what its entries are called.
 */

bool directory_folds_case(int dirfd) {
	char name[TEMPORARY_NAME_NBYTES];
	struct stat st;
	bool folds;
	int fd;

	if (temporary_name(name) != 0)
		return false;
	fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	close(fd);
	for (char *c = name; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	folds = fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	for (char *c = name; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	unlinkat(dirfd, name, 0);
	return folds;
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
