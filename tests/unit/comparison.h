#ifndef TARN_TEST_COMPARISON_H
#define TARN_TEST_COMPARISON_H

#include <stdint.h>

#include "compare.h"
#include "scratch.h"

/*
 * A real directory is compared with members that the tests make up.  Each test sees what was
 * printed, what was said on standard error, and the exit status.
 */

static const struct timespec mtime = { .tv_sec = 1000000000 };

static struct options options;
static char *printed;
static size_t printed_nbytes;
static int status;
static size_t nputs;   /* how often each member is put */
static bool as_nobody; /* the files are looked at by somebody else */

static inline void set_up(void) {
	set_up_scratch();
	options = (struct options){ .mode = MODE_COMPARE };
	nputs = 1;
	as_nobody = false;
}

static inline void tear_down(void) {
	free(printed);
	tear_down_scratch();
}

static inline void set_mtime(const char *name) {
	struct timespec times[2] = { mtime, mtime };

	ck_assert_int_eq(utimensat(at, name, times, AT_SYMLINK_NOFOLLOW), 0);
}

static inline void make_file_behind_hole(
    const char *name, off_t hole, const char *content, size_t nbytes) {
	write_file_behind_hole(name, hole, content, nbytes);
	set_mtime(name);
}

static inline void make_file(const char *name, const char *content) {
	make_file_behind_hole(name, 0, content, strlen(content));
}

/* The member that make_file would be archived as. */
static inline struct entry file_member(const char *name, const char *content) {
	return (struct entry){
		.name = name,
		.type = ENTRY_FILE,
		.mode = 0644,
		.uid = geteuid(),
		.gid = getegid(),
		.mtime = mtime,
		.size = (off_t)strlen(content),
	};
}

/* A source of nothing but content. */
struct fake_source {
	struct source base;
	const struct block *blocks;
	size_t nblocks, nread;
	bool breaks;  /* behind the blocks, instead of ending */
	bool shrinks; /* the file "f" in the tree, before anything is read */
};

static inline int fake_read(struct source *source, struct block *block, struct error *err) {
	struct fake_source *fake = (struct fake_source *)source;
	int fd;

	if (fake->shrinks) {
		fd = openat(at, "f", O_WRONLY | O_TRUNC);
		ck_assert_int_ge(fd, 0);
		close(fd);
	}
	if (fake->nread++ < fake->nblocks) {
		*block = fake->blocks[fake->nread - 1];
		return TARN_OK;
	}
	return fake->breaks ? err_set(err, TARN_EFORMAT, 0, "Unexpected EOF in archive") : TARN_END;
}

/* Compare ${e} with what is below ${below}; the results are in printed, said and status. */
static inline void compare_below(
    const char *below, const struct entry *e, struct fake_source *fake) {
	struct owners *owners = owners_new();
	struct report *report = report_new("tarn", false);
	struct error err;
	FILE *out;
	struct sink *sink;

	free(printed);
	out = open_memstream(&printed, &printed_nbytes);
	fake->base.read = fake_read;
	ck_assert(owners != NULL && report != NULL && out != NULL);
	sink = compare_sink_new(&options, below, owners, report, out, &err);
	ck_assert_ptr_nonnull(sink);
	if (as_nobody)
		become_nobody();
	for (size_t i = 0; i < nputs; i++) {
		fake->nread = 0;
		ck_assert_int_eq(sink->put(sink, e, &fake->base, &err), TARN_OK);
	}
	become_oneself();
	ck_assert_int_eq(sink->finish(sink, &err), TARN_OK);
	sink->free(sink);
	fclose(out);
	status = report_finish(report);
	report_free(report);
	owners_free(owners);
}

static inline void compare_blocks(
    const struct entry *e, const struct block *blocks, size_t nblocks) {
	struct fake_source fake = { .blocks = blocks, .nblocks = nblocks };

	compare_below(scratch, e, &fake);
}

static inline void compare_content(const struct entry *e, const char *content) {
	struct block block = { content, strlen(content), 0 };

	compare_blocks(e, &block, *content != '\0');
}

static inline void compare(const struct entry *e) {
	compare_content(e, "");
}

static inline void assert_same(void) {
	ck_assert_str_eq(printed, "");
	ck_assert(!was_said(":"));
	ck_assert_int_eq(status, 0);
}

static inline void assert_differs(const char *lines) {
	ck_assert_str_eq(printed, lines);
	ck_assert_int_eq(status, 1);
}

/* Nothing could be compared, ${text} was said, and the status is ${expected}. */
static inline void assert_said(const char *text, int expected) {
	ck_assert_str_eq(printed, "");
	ck_assert_msg(was_said(text), "not said: %s", text);
	ck_assert_int_eq(status, expected);
}

#endif
