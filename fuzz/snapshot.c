#include "config.h"

#include "snapshot.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fuzz.h"

struct walk {
	FILE *to;
	const char *passed_by;
	ino_t shared;
	dev_t dev;
};

static void print_bytes(FILE *to, const char *what, const void *data, size_t nbytes) {
	fprintf(to, " %s=", what);
	for (size_t i = 0; i < nbytes; i++)
		fprintf(to, "%02x", ((const uint8_t *)data)[i]);
}

static void print_attributes(FILE *to, const char *path) {
	char names[1024], value[1024];
	ssize_t n = llistxattr(path, names, sizeof(names)), nbytes;

	for (const char *name = names; n > 0 && name < names + n; name += strlen(name) + 1) {
		nbytes = lgetxattr(path, name, value, sizeof(value));
		print_bytes(to, name, value, nbytes > 0 ? (size_t)nbytes : 0);
	}
}

static void print_content(FILE *to, const char *path, const struct stat *st) {
	char data[1024];
	ssize_t n = 0;
	int fd;

	if (S_ISLNK(st->st_mode))
		n = readlink(path, data, sizeof(data));
	if (S_ISREG(st->st_mode)) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		REQUIRE(fd >= 0);
		n = read(fd, data, sizeof(data));
		close(fd);
	}
	print_bytes(to, "content", data, n > 0 ? (size_t)n : 0);
}

static void print_path(struct walk *w, const char *path, const struct stat *st) {
	bool is_shared = st->st_ino == w->shared;

	fprintf(w->to, "%s %ju", path, (uintmax_t)st->st_ino);
	if (w->passed_by == NULL || strcmp(path, w->passed_by) != 0) {
		fprintf(w->to, " %o %u:%u %jd %jx %jd.%09ld", st->st_mode, st->st_uid, st->st_gid,
		    (intmax_t)st->st_size, (uintmax_t)st->st_rdev, (intmax_t)st->st_mtim.tv_sec,
		    st->st_mtim.tv_nsec);
		if (!is_shared)
			fprintf(w->to, " %ju %jd.%09ld", (uintmax_t)st->st_nlink,
			    (intmax_t)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
		print_attributes(w->to, path);
		print_content(w->to, path, st);
	}
	fputc('\n', w->to);
}

static void walk(struct walk *w, const char *path) {
	struct stat st;
	struct dirent *entry;
	char *below;
	DIR *dir;

	REQUIRE(lstat(path, &st) == 0);
	if (st.st_dev != w->dev)
		return;
	print_path(w, path, &st);
	if (!S_ISDIR(st.st_mode) || (w->passed_by != NULL && strcmp(path, w->passed_by) == 0))
		return;
	dir = opendir(path);
	REQUIRE(dir != NULL);
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		REQUIRE(asprintf(&below, "%s/%s", path, entry->d_name) >= 0);
		walk(w, below);
		free(below);
	}
	closedir(dir);
}

char *snapshot(const char *root, const char *passed_by, ino_t shared) {
	char *text = NULL;
	size_t nbytes;
	struct stat st;
	struct walk w = { .passed_by = passed_by, .shared = shared };

	w.to = open_memstream(&text, &nbytes);
	REQUIRE(w.to != NULL && stat(root, &st) == 0);
	w.dev = st.st_dev;
	walk(&w, root);
	REQUIRE(fclose(w.to) == 0);
	return text;
}
