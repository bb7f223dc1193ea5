#include "config.h"

#include <unistd.h>

#include "codec.h"
#include "codec_detect.h"
#include "fuzz.h"

/*
 * Bytes compressed in pieces and read again, from anywhere: they are the same; when a byte of the
 * file was changed that, or there is an error, in formats that have checksums.
 */

static const enum compression compressions[] = { COMPRESSION_ZSTD, COMPRESSION_XZ, COMPRESSION_GZIP,
	COMPRESSION_LZIP, COMPRESSION_BZIP2, COMPRESSION_LZ4, COMPRESSION_LZMA };
#define NCHECKED 6
#define MAGIC_NBYTES 6 /* without it the file is something else */

static void require_from(int fd, size_t place, struct pieces expected, bool may_fail) {
	struct codec_reader *reader = NULL;
	const void *data;
	struct error err;
	size_t n;
	bool same = true;
	int r;

	REQUIRE(lseek(fd, 0, SEEK_SET) == 0);
	r = codec_reader_new(&reader, &(struct codec_settings){ .nthreads = 1 }, fd, &err);
	if (r == TARN_OK && place > 0 && codec_seek(reader, (off_t)place, &err) == TARN_OK)
		REQUIRE(take_equal(&expected, expected.next, place));
	while (r == TARN_OK && (r = codec_read(reader, &data, &n, &err)) == TARN_OK)
		same = same && take_equal(&expected, data, n);
	REQUIRE(r == TARN_END ? same && expected.left == 0 : may_fail);
	codec_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes) {
	struct pieces p = { data, nbytes };
	size_t which = take_number(&p, 1) % 7, at = take_number(&p, 2);
	uint8_t by = (uint8_t)take_number(&p, 1), byte;
	struct codec_settings settings = { .compression = compressions[which],
		.nthreads = 1,
		.level = 1,
		.piece_nbytes = 512 + take_number(&p, 2) % 4096 };
	struct codec_writer *writer;
	struct error err;
	bool may_fail; /* see codec_unfilter.h */
	int fd = fuzz_file("", 0);

	REQUIRE(codec_writer_new(&writer, &settings, fd, &err) == TARN_OK);
	REQUIRE(codec_write(writer, p.next, p.left, &err) == TARN_OK);
	REQUIRE(codec_writer_finish(writer, &err) == TARN_OK);
	codec_writer_free(writer);
	may_fail = codec_detect(p.next, p.left) == settings.compression;
	require_from(fd, 0, p, may_fail);
	require_from(fd, at % (p.left + 1), p, may_fail);
	if (which < NCHECKED && pread(fd, &byte, 1, MAGIC_NBYTES + (off_t)at) == 1) {
		REQUIRE(pwrite(fd, &(uint8_t){ byte ^ by }, 1, MAGIC_NBYTES + (off_t)at) == 1);
		require_from(fd, 0, p, true);
	}
	close(fd);
	return 0;
}
