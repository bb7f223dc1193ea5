#include "config.h"

#include <string.h>
#include <zstd.h>

#include "fuzz.h"
#include "index_chunk.h"

/*
 * Any columns, compressed to a chunk of an index: its members are what entry.h promises, and a
 * chunk made of them has the same members.
 */

static void require_same(const struct entry *a, const struct entry *b) {
	REQUIRE(strcmp(a->name, b->name) == 0 && a->type == b->type && a->mode == b->mode);
	REQUIRE(a->size == b->size && a->uid == b->uid && a->gid == b->gid);
	REQUIRE(a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec);
	REQUIRE(a->is_whole == b->is_whole && a->identity.ino == b->identity.ino);
	REQUIRE((a->first_name == NULL) == (b->first_name == NULL));
	REQUIRE(a->first_name == NULL || strcmp(a->first_name, b->first_name) == 0);
}

static void open_columns(struct index_chunk_reader *r, const uint8_t *data, size_t nbytes) {
	size_t bound = ZSTD_compressBound(nbytes);
	void *chunk = malloc(bound);
	struct error err;

	REQUIRE(chunk != NULL);
	nbytes = ZSTD_compress(chunk, bound, data, nbytes, 1);
	(void)index_chunk_open(r, chunk, nbytes, &err);
	free(chunk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes) {
	struct index_chunk_reader r = { 0 }, again = { 0 };
	struct index_chunk_writer w = { 0 };
	struct bytes chunk = { 0 };
	struct entry e, same;
	struct error err;
	off_t offset, same_offset;

	open_columns(&r, data, nbytes);
	while (!index_chunk_is_full(&w) && index_chunk_next(&r, &e, &offset, &err) == TARN_OK) {
		require_entry(&e);
		REQUIRE(index_chunk_add(&w, &e, offset, &err) == TARN_OK);
	}
	REQUIRE(index_chunk_close(&w, &chunk, &err) == TARN_OK);
	REQUIRE(index_chunk_open(&again, chunk.data, chunk.nbytes, &err) == TARN_OK);
	open_columns(&r, data, nbytes);
	while (index_chunk_next(&again, &same, &same_offset, &err) == TARN_OK) {
		REQUIRE(index_chunk_next(&r, &e, &offset, &err) == TARN_OK);
		REQUIRE(offset == same_offset);
		require_same(&e, &same);
	}
	index_chunk_reader_fini(&r);
	index_chunk_reader_fini(&again);
	index_chunk_writer_fini(&w);
	bytes_fini(&chunk);
	return 0;
}
