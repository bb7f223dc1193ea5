#include "config.h"

#include "mounts_below.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "descriptor_path.h"

/* By the lines of /proc/self/mountinfo, whose fields are those of proc_pid_mountinfo(5). */

/* In place: spaces and the like are escaped, a backslash and three digits each. */
static void unescape(char *text) {
	char *to = text;

	while (*text != '\0') {
		if (*text == '\\' && strspn(text + 1, "01234567") >= 3) {
			*to++ =
			    (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

void mounts_below(int dirfd, void (*visit)(void *arg, const char *path), void *arg) {
	char root[PATH_MAX], *line = NULL, *path;
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	size_t capacity = 0;
	ssize_t nbytes;

	nbytes = readlink(descriptor_path(dirfd).text, root, sizeof(root));
	/* Of "/", too, the slash that follows is not part of it. */
	if (nbytes == 1)
		nbytes = 0;
	while (mounts != NULL && nbytes >= 0 && getline(&line, &capacity, mounts) > 0) {
		if (strstr(line, " - autofs ") != NULL || strstr(line, " - nfs") != NULL)
			continue;
		if (sscanf(line, "%*s %*s %*s %*s %ms", &path) != 1)
			continue;
		unescape(path);
		if (strncmp(path, root, (size_t)nbytes) == 0 && path[nbytes] == '/' &&
		    path[nbytes + 1] != '\0')
			visit(arg, path + nbytes + 1);
		free(path);
	}
	free(line);
	if (mounts != NULL)
		fclose(mounts);
}
