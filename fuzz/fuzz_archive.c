#include "config.h"

#include <unistd.h>

#include "archive_source.h"
#include "fuzz.h"

/*
 * Any bytes as an archive, through whichever codec they look like: what the source hands out is
 * what entry.h and source.h promise, and going past content leads to the same members as reading
 * it.
 */

#define MAX_NBYTES ((off_t)16 << 20) /* of a plain stream: some bombs are larger than that */

static void check_content(struct source *source, struct error *err) {
	struct block block;

	for (off_t end = 0; end < MAX_NBYTES && source->read(source, &block, err) == TARN_OK;
	     end = block.offset + (off_t)block.nbytes)
		REQUIRE(block.nbytes > 0 && block.offset >= end);
}

/* Count the members. */
static int go_through(int fd, bool read, size_t *n) {
	struct codec_reader *reader = NULL;
	struct source *source = NULL;
	struct entry *e;
	struct error err;
	int r = codec_reader_new(&reader, &(struct codec_settings){ 0 }, fd, &err);

	if (r == TARN_OK &&
	    (source = archive_source_new(reader, ARCHIVE_END_ZEROS, NULL, &err)) == NULL)
		r = (int)err.code;
	for (*n = 0; r == TARN_OK && archive_source_nbytes(source) < MAX_NBYTES; ++*n) {
		r = source->next(source, &e, &err);
		if (r != TARN_OK)
			break;
		require_entry(e);
		if (read && e->type == ENTRY_FILE)
			check_content(source, &err);
	}
	if (source != NULL)
		source->free(source);
	codec_reader_free(reader);
	return r;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t nbytes, size_t max, unsigned int seed) {
	return tar_mutate(data, nbytes, max, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes) {
	size_t nread, nskipped;
	int fd = fuzz_file(data, nbytes);

	if (go_through(fd, true, &nread) == TARN_END &&
	    go_through(fd, false, &nskipped) == TARN_END)
		REQUIRE(nread == nskipped);
	close(fd);
	return 0;
}
