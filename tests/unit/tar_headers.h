#ifndef TARN_TEST_TAR_HEADERS_H
#define TARN_TEST_TAR_HEADERS_H

#include <check.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suite.h"
#include "tar_block.h"
#include "tar_header.h"
#include "work_directory.h"

/*
 * Headers are judged byte by byte where a format says what stands where, and by whoever has to read
 * them: archives are made of headers and a content in which each byte tells its place, and GNU tar,
 * bsdtar, busybox and Python list and extract them.  A reader that is not installed is left out.
 */

static struct member_header header;
static struct error err;
static FILE *archive;
static char output[1 << 20];

static const char *const tars[] = { "tar", "bsdtar", "busybox tar" };
#define NTARS (sizeof(tars) / sizeof(tars[0]))

static const enum format formats_of_any_name[] = { FORMAT_PAX, FORMAT_GNU };

static inline void setup(void) {
	enter_work_directory();
	ck_assert_int_eq(setenv("LC_ALL", "C.UTF-8", 1), 0);
	ck_assert_int_eq(setenv("TZ", "UTC", 1), 0);
}

static inline void teardown(void) {
	remove_work_directory();
	member_header_fini(&header);
}

static inline struct entry file_entry(const char *name) {
	return (struct entry){
		.name = name,
		.mode = 0640,
		.uid = 1000,
		.gid = 100,
		.uname = "me",
		.gname = "us",
		.mtime = { 1500000000, 0 },
	};
}

static inline void encode(const struct entry *e, enum format format) {
	ck_assert_msg(tar_header_encode(&header, e, format, &err) == TARN_OK, "%s", err.msg);
	ck_assert_uint_eq(header.nbytes % TAR_BLOCK_NBYTES, 0);
}

static inline void assert_refused(const struct entry *e, enum format format, const char *words) {
	ck_assert_int_eq(tar_header_encode(&header, e, format, &err), TARN_EREFUSED);
	ck_assert_str_eq(err.msg, words);
}

/* The last block of what was encoded, or the first: the header itself when it is the only one. */
static inline const struct tar_block *last_block(void) {
	return (const struct tar_block *)(header.data + header.nbytes - TAR_BLOCK_NBYTES);
}

static inline const struct tar_block *first_block(void) {
	return (const struct tar_block *)header.data;
}

/* The byte of every file's content at ${offset}. */
static inline int content_at(off_t offset) {
	return (int)('A' + offset % 61 % 26);
}

static inline void archive_begin(void) {
	archive = fopen("a.tar", "w");
	ck_assert_ptr_nonnull(archive);
}

static inline void archive_add(const struct entry *e, enum format format) {
	encode(e, format);
	fwrite(header.data, 1, header.nbytes, archive);
	for (size_t i = 0; i < header.nextents; i++) {
		for (off_t k = 0; k < header.extents[i].nbytes; k++)
			putc(content_at(header.extents[i].offset + k), archive);
	}
	while (ftello(archive) % TAR_BLOCK_NBYTES != 0)
		putc(0, archive);
}

static inline void archive_end(void) {
	for (int i = 0; i < 2 * TAR_BLOCK_NBYTES; i++)
		putc(0, archive);
	ck_assert_int_eq(fclose(archive), 0);
}

static inline void archive_one(const struct entry *e, enum format format) {
	archive_begin();
	archive_add(e, format);
	archive_end();
}

/* Run a command; what it says on both outputs is in output.  It must end with status 0. */
__attribute__((format(printf, 1, 2))) static inline void run(const char *format, ...) {
	char command[4096];
	va_list args;
	FILE *out;
	size_t n;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	out = popen(command, "r");
	n = fread(output, 1, sizeof(output) - 1, out);
	output[n] = '\0';
	ck_assert_msg(pclose(out) == 0, "%s: %s", command, output);
}

static inline bool has_program(const char *name) {
	char command[128];

	snprintf(
	    command, sizeof(command), "command -v %.*s >/dev/null", (int)strcspn(name, " "), name);
	return system(command) == 0;
}

/* What Python's tarfile makes of ${expression}, about the member m, for each member a line. */
static inline bool ask_python(const char *expression) {
	if (!has_program("python3"))
		return false;
	run("python3 -c '\n"
	    "import tarfile, sys\n"
	    "out = open(1, \"wb\")\n"
	    "for m in tarfile.open(\"a.tar\"):\n"
	    "    out.write(str(%s).encode(\"utf-8\", \"surrogateescape\") + b\"\\n\")\n"
	    "' 2>&1",
	    expression);
	return true;
}

static inline void ask_gnu_tar(const char *options) {
	run("tar --quoting-style=literal %s -tf a.tar 2>&1", options);
}

/* A record of the extended header at the beginning of header; NULL: there is none. */
static inline const char *find_record(const char *keyword, size_t *nbytes) {
	const struct tar_block *b = first_block();
	const char *at = (const char *)header.data + TAR_BLOCK_NBYTES, *found = NULL, *end;

	if (b->type != 'x')
		return NULL;
	end = at + strtoul(b->size, NULL, 8);
	while (at < end) {
		char *space;
		size_t length = strtoul(at, &space, 10), keyword_nbytes = strlen(keyword);

		ck_assert_int_eq(*space, ' ');
		ck_assert_uint_le(length, (size_t)(end - at));
		ck_assert_int_eq(at[length - 1], '\n');
		if (strncmp(space + 1, keyword, keyword_nbytes) == 0 &&
		    space[1 + keyword_nbytes] == '=') {
			ck_assert_ptr_null(found);
			found = space + 1 + keyword_nbytes + 1;
			*nbytes = (size_t)(at + length - 1 - found);
		}
		at += length;
	}
	ck_assert_ptr_eq(at, end);
	return found;
}

static inline void assert_record(const char *keyword, const char *value) {
	size_t nbytes = 0;
	const char *found = find_record(keyword, &nbytes);

	ck_assert_msg(found != NULL, "no record %s", keyword);
	ck_assert_uint_eq(nbytes, strlen(value));
	ck_assert_mem_eq(found, value, nbytes);
}

static inline void assert_no_record(const char *keyword) {
	size_t nbytes;

	ck_assert_ptr_null(find_record(keyword, &nbytes));
}

/* A name of ${nbytes} from ${unit}, with a slash in every place that divides by ${every}. */
static inline char *make_name(size_t nbytes, const char *unit, size_t every) {
	char *name = malloc(nbytes + 1);

	for (size_t i = 0; i < nbytes; i++)
		name[i] = unit[i % strlen(unit)];
	for (size_t i = every; every > 0 && i + 1 < nbytes; i += every)
		name[i] = '/';
	name[nbytes] = '\0';
	return name;
}

#endif
