#include "config.h"

#include "archive_source.h"

#include <check.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "scratch.h"
#include "suite.h"
#include "tar_block.h"

/* The header of a file of ${nbytes} with this ${name}. */
static void fill_header(struct tar_block *header, const char *name, unsigned int nbytes) {
	unsigned int sum = 0;
	char size[sizeof(header->size)];

	*header = (struct tar_block){
		.mode = "0000644",
		.uid = "0000000",
		.gid = "0000000",
		.mtime = "00000000000",
		.type = '0',
	};
	snprintf(size, sizeof(size), "%011o", nbytes);
	memcpy(header->size, size, sizeof(size));
	memcpy(header->name, name, strlen(name));
	memcpy(header->magic, "ustar\00000", 8);
	memset(header->checksum, ' ', sizeof(header->checksum));
	for (size_t i = 0; i < sizeof(*header); i++)
		sum += ((const unsigned char *)header)[i];
	snprintf(header->checksum, sizeof(header->checksum), "%06o", sum);
}

/* Files in an archive: an empty one called ${name}, and those of a block each. */
static struct {
	struct tar_block first, second;
	char content[TAR_BLOCK_NBYTES];
	struct tar_block third;
	char end[2 * TAR_BLOCK_NBYTES];
} archive;
static struct codec_reader *reader;
static struct source *source;
static struct entry *e;
static struct error err;

static int make_archive(const char *name) {
	int fd = memfd_create("archive", MFD_CLOEXEC);

	fill_header(&archive.first, name, 0);
	fill_header(&archive.second, "second", sizeof(archive.content));
	memset(archive.content, 'x', sizeof(archive.content));
	fill_header(&archive.third, "third", 0);
	_Static_assert(sizeof(archive) == 6 * (size_t)TAR_BLOCK_NBYTES, "without gaps");
	ck_assert_int_eq(pwrite(fd, &archive, sizeof(archive), 0), sizeof(archive));
	return fd;
}

static void open_source(int fd) {
	ck_assert_int_eq(
	    codec_reader_new(&reader, &(struct codec_settings){ 0 }, fd, &err), TARN_OK);
	source = archive_source_new(reader, ARCHIVE_END_ZEROS, NULL, &err);
	ck_assert_ptr_nonnull(source);
}

static void close_source(int fd) {
	source->free(source);
	codec_reader_free(reader);
	close(fd);
}

static void expect_next(const char *name) {
	ck_assert_int_eq(source->next(source, &e, &err), TARN_OK);
	ck_assert_str_eq(e->name, name);
}

/* Whether memory was lacking some time before has no influence. */
START_TEST(name_may_end_within_a_character) {
	static const char name[] = "caf\xc3";
	int fd = make_archive(name);

	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	open_source(fd);
	errno = ENOMEM;
	expect_next(name);
	close_source(fd);
}
END_TEST

START_TEST(content_that_lies_in_a_file_is_lent) {
	int fd = make_archive("first");
	struct content_place place;
	struct block block;

	open_source(fd);
	expect_next("first");
	expect_next("second");
	ck_assert(source_lend(source, &place));
	ck_assert_int_eq(place.fd, fd);
	ck_assert_int_eq(place.offset, 2 * TAR_BLOCK_NBYTES);
	ck_assert_int_eq(place.nbytes, TAR_BLOCK_NBYTES);
	/* It counts as read. */
	ck_assert_int_eq(source->read(source, &block, &err), TARN_END);
	expect_next("third");
	ck_assert_int_eq(source->next(source, &e, &err), TARN_END);
	close_source(fd);
}
END_TEST

START_TEST(archive_may_begin_anywhere_in_the_file) {
	static const char before[100] = "";
	int fd = make_archive("first");
	struct content_place place;

	ck_assert_int_eq(pwrite(fd, before, sizeof(before), 0), sizeof(before));
	ck_assert_int_eq(pwrite(fd, &archive, sizeof(archive), sizeof(before)), sizeof(archive));
	ck_assert_int_eq(lseek(fd, sizeof(before), SEEK_SET), sizeof(before));
	open_source(fd);
	expect_next("first");
	expect_next("second");
	ck_assert(source_lend(source, &place));
	ck_assert_int_eq(place.offset, sizeof(before) + 2 * (size_t)TAR_BLOCK_NBYTES);
	close_source(fd);
}
END_TEST

START_TEST(content_that_a_file_does_not_have_is_not_lent) {
	int fd = make_archive("first");
	struct content_place place;

	ck_assert_int_eq(ftruncate(fd, 3 * (off_t)TAR_BLOCK_NBYTES - 1), 0);
	open_source(fd);
	expect_next("first");
	expect_next("second");
	ck_assert(!source_lend(source, &place));
	close_source(fd);
}
END_TEST

/* Several who read from a disk would make it seek. */
START_TEST(content_that_is_not_in_memory_is_not_lent) {
	static const char mebibyte[1 << 20];
	const off_t content_at = 2 * (off_t)TAR_BLOCK_NBYTES;
	int fd = make_archive("first"), file;
	struct content_place place;
	unsigned char is_in = 0;
	void *end;

	set_up_scratch();
	file = openat(at, "archive", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	fill_header(&archive.second, "second", sizeof(mebibyte));
	ck_assert_int_eq(write(file, &archive, (size_t)content_at), content_at);
	ck_assert_int_eq(write(file, mebibyte, sizeof(mebibyte)), sizeof(mebibyte));
	fsync(file);
	posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
	posix_fadvise(file, 0, 0, POSIX_FADV_RANDOM);
	lseek(file, 0, SEEK_SET);
	open_source(file);
	expect_next("first");
	expect_next("second");
	end = mmap(NULL, 1, PROT_READ, MAP_SHARED, file, sizeof(mebibyte));
	ck_assert_int_eq(mincore(end, 1, &is_in), 0);
	munmap(end, 1);
	/* In a file system that is memory it is. */
	ck_assert_int_eq(source_lend(source, &place), is_in & 1);
	close_source(file);
	close(fd);
	tear_down_scratch();
}
END_TEST

START_TEST(content_from_a_pipe_is_not_lent) {
	struct content_place place;
	struct block block;
	int fds[2];

	close(make_archive("first"));
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(write(fds[1], &archive, sizeof(archive)), sizeof(archive));
	close(fds[1]);
	open_source(fds[0]);
	expect_next("first");
	expect_next("second");
	ck_assert(!source_lend(source, &place));
	ck_assert_int_eq(source->read(source, &block, &err), TARN_OK);
	ck_assert_mem_eq(block.data, archive.content, sizeof(archive.content));
	close_source(fds[0]);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("archive_source");
	TCase *tc = tcase_create("archive_source");

	tcase_add_test(tc, name_may_end_within_a_character);
	tcase_add_test(tc, content_that_lies_in_a_file_is_lent);
	tcase_add_test(tc, archive_may_begin_anywhere_in_the_file);
	tcase_add_test(tc, content_that_a_file_does_not_have_is_not_lent);
	tcase_add_test(tc, content_that_is_not_in_memory_is_not_lent);
	tcase_add_test(tc, content_from_a_pipe_is_not_lent);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
