#include "config.h"

#include <unistd.h>

#include "archive_sink.h"
#include "archive_source.h"
#include "made.h"

/* Entries of all kinds, written and read again, are the same, but for what a format cannot hold. */

static size_t write_all(int fd, struct made *made, enum format format) {
	struct codec_writer *writer;
	struct error err;
	struct entry *e;
	struct sink *sink;
	size_t n = 0;

	REQUIRE(codec_writer_new(&writer, &(struct codec_settings){ 0 }, fd, &err) == TARN_OK);
	sink = archive_sink_new(writer, format, 1, 0, NULL, &err);
	while (made->base.next(&made->base, &e, &err) == TARN_OK) {
		off_t before = archive_sink_nbytes(sink);
		int r = sink->put(sink, e, &made->base, &err);

		REQUIRE(r == TARN_OK || r == TARN_NO_FIRST);
		n += archive_sink_nbytes(sink) > before;
	}
	REQUIRE(
	    sink->finish(sink, &err) == TARN_OK && codec_writer_finish(writer, &err) == TARN_OK);
	sink->free(sink);
	codec_writer_free(writer);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes) {
	struct pieces p = { data, nbytes };
	enum format format = (enum format)(take_number(&p, 1) % (FORMAT_CPIO + 1));
	struct made made;
	struct codec_reader *reader;
	struct source *source;
	struct entry *e;
	struct error err;
	size_t n;
	int fd = fuzz_file("", 0), r;

	made_init(&made, &p);
	n = write_all(fd, &made, format);
	REQUIRE(lseek(fd, 0, SEEK_SET) == 0);
	REQUIRE(codec_reader_new(&reader, &(struct codec_settings){ 0 }, fd, &err) == TARN_OK);
	REQUIRE((source = archive_source_new(reader, ARCHIVE_END_ZEROS, NULL, &err)) != NULL);
	for (; (r = source->next(source, &e, &err)) == TARN_OK; n--)
		made_require(&made, e, source, format);
	REQUIRE(r == TARN_END && n == 0);
	source->free(source);
	codec_reader_free(reader);
	close(fd);
	made_fini(&made);
	return 0;
}
