#include "config.h"

#include "name_list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"

/*
 * The file is read in one go, and cut into strings where it lies.  Names then cost no allocation of
 * their own, and the list may be a pipe, whose size nobody knows before.  The
 * caller keeps the text (option_store.c): operands and patterns point into it for the whole run.
 */

/* More than most lists have, and what a pipe on Linux gives at once. */
#define READ_NBYTES ((size_t)65536)

/* One byte is kept free for the NUL behind the last name, which may lack its separator. */
static int read_all(struct name_list *list, int fd, struct error *err) {
	size_t capacity = 0;
	ssize_t n;

	do {
		if (list->nbytes + 1 >= capacity &&
		    array_reserve((void **)&list->data, &capacity, list->nbytes + READ_NBYTES, 1,
		        err) != TARN_OK)
			return TARN_ENOMEM;
		n = read(fd, list->data + list->nbytes, capacity - 1 - list->nbytes);
		if (n < 0 && errno != EINTR)
			return err_set(err, TARN_ESYSTEM, errno, "Cannot read");
		list->nbytes += n > 0 ? (size_t)n : 0;
		/* After a signal n is -1, and reading goes on. */
	} while (n != 0);
	list->data[list->nbytes] = '\0';
	return TARN_OK;
}

int name_list_read(struct name_list *list, const char *file, char separator, struct error *err) {
	bool is_stdin = strcmp(file, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	int r;

	*list = (struct name_list){ .separator = separator };
	if (fd < 0)
		return err_set(err, TARN_ESYSTEM, errno, "%s: Cannot open", file);
	r = read_all(list, fd, err);
	if (r != TARN_OK) {
		err_wrap(err, "%s", file);
		free(list->data);
		*list = (struct name_list){ 0 };
	}
	if (!is_stdin)
		close(fd);
	return r;
}

/* Empty lines are counted, too: the number of lines is for messages about one of them. */
char *name_list_next(struct name_list *list) {
	while (list->next < list->nbytes) {
		char *name = list->data + list->next;
		char *end = strchrnul(name, list->separator);

		/* strchrnul() was looking for another separator, and met a NUL before the end. */
		if (*end == '\0' && end < list->data + list->nbytes)
			list->separator = '\0';
		*end = '\0';
		list->next = (size_t)(end - list->data) + 1;
		list->nlines++;
		if (end != name)
			return name;
	}
	return NULL;
}
