#include "config.h"

#include "archive_source.h"

#include <check.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "suite.h"
#include "tar_block.h"

/* An archive of one empty file with this ${name}. */
static int make_archive(const char *name) {
	struct {
		struct tar_block header;
		char end[2 * TAR_BLOCK_NBYTES];
	} archive = { .header = { .mode = "0000644", .size = "00000000000", .type = '0' } };
	unsigned int sum = 0;
	int fd = memfd_create("archive", MFD_CLOEXEC);

	_Static_assert(sizeof(archive) == 3 * (size_t)TAR_BLOCK_NBYTES, "without gaps");
	memcpy(archive.header.name, name, strlen(name));
	memcpy(archive.header.magic, "ustar\00000", 8);
	memset(archive.header.checksum, ' ', sizeof(archive.header.checksum));
	for (size_t i = 0; i < sizeof(archive.header); i++)
		sum += ((const unsigned char *)&archive.header)[i];
	snprintf(archive.header.checksum, sizeof(archive.header.checksum), "%06o", sum);
	ck_assert_int_eq(pwrite(fd, &archive, sizeof(archive), 0), sizeof(archive));
	return fd;
}

/* Whether memory was lacking some time before has no influence. */
START_TEST(name_may_end_within_a_character) {
	static const char name[] = "caf\xc3";
	int fd = make_archive(name);
	struct codec_reader *reader;
	struct source *source;
	struct entry *e;
	struct error err;

	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	ck_assert_int_eq(
	    codec_reader_new(&reader, &(struct codec_settings){ 0 }, fd, &err), TARN_OK);
	source = archive_source_new(reader, ARCHIVE_END_ZEROS, NULL, &err);
	ck_assert_ptr_nonnull(source);
	errno = ENOMEM;
	ck_assert_int_eq(source->next(source, &e, &err), TARN_OK);
	ck_assert_str_eq(e->name, name);
	ck_assert_int_eq(source->next(source, &e, &err), TARN_END);
	source->free(source);
	codec_reader_free(reader);
	close(fd);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("archive_source");
	TCase *tc = tcase_create("archive_source");

	tcase_add_test(tc, name_may_end_within_a_character);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
