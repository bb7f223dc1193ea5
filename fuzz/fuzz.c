#include "config.h"

#include "fuzz.h"

#include <locale.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * For builds with AddressSanitizer.  libarchive asks for as much memory as a cpio header says that
 * its name has, and never uses it: such requests are to fail at once, as they may anywhere.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
	return "allocator_may_return_null=1:max_allocation_size_mb=1000";
}

/* As main() does: every target is linked with this. */
__attribute__((constructor)) static void set_locale(void) {
	REQUIRE(setlocale(LC_CTYPE, "C.UTF-8") != NULL);
}

int fuzz_file(const void *data, size_t nbytes) {
	int fd = memfd_create("input", MFD_CLOEXEC);

	REQUIRE(fd >= 0);
	REQUIRE(pwrite(fd, data, nbytes, 0) == (ssize_t)nbytes);
	return fd;
}

void require_entry(const struct entry *e) {
	size_t n = strlen(e->name);
	off_t end = 0;

	REQUIRE(n > 0 && (n == 1 || e->name[n - 1] != '/'));
	REQUIRE(e->type == ENTRY_FILE ? e->size >= 0 : e->size == 0);
	REQUIRE(e->type == ENTRY_SYMLINK || e->target == NULL);
	REQUIRE(e->first_name == NULL || *e->first_name != '\0');
	REQUIRE((e->mode & ~(mode_t)07777) == 0);
	for (size_t i = 0; i < e->nextents; i++) {
		REQUIRE(e->extents[i].offset >= end && e->extents[i].nbytes > 0);
		end = e->extents[i].offset + e->extents[i].nbytes;
	}
	REQUIRE(!e->is_sparse || end <= e->size);
}

uint64_t take_number(struct pieces *pieces, size_t nbytes) {
	uint64_t number = 0;

	for (size_t i = 0; i < nbytes && pieces->left > 0; i++, pieces->left--)
		number |= (uint64_t)*pieces->next++ << (8 * i);
	return number;
}

char *take_string(struct pieces *pieces) {
	size_t nbytes = strnlen((const char *)pieces->next, pieces->left);
	char *string = strndup((const char *)pieces->next, nbytes);

	REQUIRE(string != NULL);
	nbytes += nbytes < pieces->left;
	pieces->next += nbytes;
	pieces->left -= nbytes;
	return string;
}

bool take_equal(struct pieces *pieces, const void *data, size_t nbytes) {
	if (nbytes > pieces->left || memcmp(pieces->next, data, nbytes) != 0)
		return false;
	pieces->next += nbytes;
	pieces->left -= nbytes;
	return true;
}
