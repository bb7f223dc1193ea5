#include "config.h"

#include "codec_xz_index.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suite.h"

/* What is found out about a file is what liblzma finds out, by reading it in its own way. */

struct bytes {
	unsigned char *data;
	size_t n;
};

static void add(struct bytes *to, const void *data, size_t n) {
	to->data = realloc(to->data, to->n + n);
	ck_assert_ptr_nonnull(to->data);
	if (n > 0)
		memcpy(to->data + to->n, data, n);
	to->n += n;
}

/* A stream of blocks of a byte each. */
static void add_stream(struct bytes *to, lzma_check check, size_t nblocks) {
	static const unsigned char byte = 'x';
	lzma_options_lzma options;
	lzma_filter filters[] = { { LZMA_FILTER_LZMA2, &options }, { LZMA_VLI_UNKNOWN, NULL } };
	lzma_stream stream = LZMA_STREAM_INIT;
	unsigned char buf[4096];
	lzma_ret r = LZMA_OK;

	lzma_lzma_preset(&options, 0);
	options.dict_size = LZMA_DICT_SIZE_MIN;
	ck_assert_int_eq(lzma_stream_encoder(&stream, filters, check), LZMA_OK);
	for (size_t n = 0; n <= nblocks; n++) {
		stream.next_in = &byte;
		stream.avail_in = n < nblocks;
		do {
			stream.next_out = buf;
			stream.avail_out = sizeof(buf);
			r = lzma_code(&stream, n < nblocks ? LZMA_FULL_FLUSH : LZMA_FINISH);
			add(to, buf, sizeof(buf) - stream.avail_out);
		} while (r == LZMA_OK);
		ck_assert_int_eq(r, LZMA_STREAM_END);
	}
	lzma_end(&stream);
}

/* One part for each letter. */
static struct bytes make_file(const char *parts) {
	static const unsigned char zeros[20000];
	struct bytes file = { 0 };

	for (; *parts != '\0'; parts++) {
		switch (*parts) {
		case 'e': /* empty */
			add_stream(&file, LZMA_CHECK_CRC64, 0);
			break;
		case 'o': /* one */
			add_stream(&file, LZMA_CHECK_CRC32, 1);
			break;
		case 's': /* some */
			add_stream(&file, LZMA_CHECK_SHA256, 7);
			break;
		case 'm': /* so many that the index is read in parts */
			add_stream(&file, LZMA_CHECK_NONE, 30000);
			break;
		case 'p':
			add(&file, zeros, 4);
			break;
		case 'P':
			add(&file, zeros, sizeof(zeros));
			break;
		default:
			add(&file, parts, 1);
		}
	}
	return file;
}

/* NULL: no whole file. */
static lzma_index *index_by_liblzma(const struct bytes *file) {
	lzma_stream stream = LZMA_STREAM_INIT;
	lzma_index *index = NULL;
	lzma_ret r = lzma_file_info_decoder(&stream, &index, UINT64_MAX, file->n);

	ck_assert_int_eq(r, LZMA_OK);
	stream.next_in = file->data;
	stream.avail_in = file->n;
	while ((r = lzma_code(&stream, LZMA_RUN)) == LZMA_SEEK_NEEDED) {
		stream.next_in = file->data + stream.seek_pos;
		stream.avail_in = file->n - (size_t)stream.seek_pos;
	}
	lzma_end(&stream);
	ck_assert_int_eq(r == LZMA_STREAM_END, index != NULL);
	return index;
}

static lzma_index *load_index(const struct bytes *file, size_t base) {
	FILE *stream = tmpfile();
	lzma_index *index;
	struct error err;

	ck_assert_ptr_nonnull(stream);
	for (size_t n = 0; n < base; n++)
		fputc('b', stream);
	fwrite(file->data, 1, file->n, stream);
	ck_assert_int_eq(fflush(stream), 0);
	int r = xz_index_load(&index, fileno(stream), (off_t)base, &err);
	ck_assert_msg(r == TARN_OK || r == TARN_END, "%s", err.msg);
	ck_assert_int_eq(r == TARN_OK, index != NULL);
	fclose(stream);
	return index;
}

static bool are_same_streams(const lzma_index_iter *a, const lzma_index_iter *b) {
	return a->stream.number == b->stream.number &&
	    a->stream.block_count == b->stream.block_count &&
	    a->stream.compressed_offset == b->stream.compressed_offset &&
	    a->stream.uncompressed_offset == b->stream.uncompressed_offset &&
	    a->stream.compressed_size == b->stream.compressed_size &&
	    a->stream.uncompressed_size == b->stream.uncompressed_size &&
	    a->stream.padding == b->stream.padding &&
	    a->stream.flags->backward_size == b->stream.flags->backward_size &&
	    lzma_stream_flags_compare(a->stream.flags, b->stream.flags) == LZMA_OK;
}

static bool are_same_blocks(const lzma_index_iter *a, const lzma_index_iter *b) {
	return a->block.number_in_file == b->block.number_in_file &&
	    a->block.number_in_stream == b->block.number_in_stream &&
	    a->block.compressed_file_offset == b->block.compressed_file_offset &&
	    a->block.uncompressed_file_offset == b->block.uncompressed_file_offset &&
	    a->block.unpadded_size == b->block.unpadded_size &&
	    a->block.uncompressed_size == b->block.uncompressed_size;
}

static bool are_same(const lzma_index *a, const lzma_index *b) {
	lzma_index_iter in_a, in_b;
	bool ends = false;

	if (a == NULL || b == NULL)
		return a == b;
	lzma_index_iter_init(&in_a, a);
	lzma_index_iter_init(&in_b, b);
	while (!ends) {
		ends = lzma_index_iter_next(&in_a, LZMA_INDEX_ITER_ANY);
		if (lzma_index_iter_next(&in_b, LZMA_INDEX_ITER_ANY) != ends)
			return false;
		if (!ends && !are_same_streams(&in_a, &in_b))
			return false;
		if (!ends && in_a.stream.block_count > 0 && !are_same_blocks(&in_a, &in_b))
			return false;
	}
	return lzma_index_file_size(a) == lzma_index_file_size(b) &&
	    lzma_index_checks(a) == lzma_index_checks(b);
}

/* Says whether it is a whole file, by both. */
static bool compare(const struct bytes *file, size_t base, const char *what, size_t at) {
	lzma_index *theirs = index_by_liblzma(file), *ours = load_index(file, base);
	bool is_whole = theirs != NULL;

	ck_assert_msg(are_same(ours, theirs), "%s, %zu: liblzma says %d, this %d", what, at,
	    is_whole, ours != NULL);
	lzma_index_end(theirs, NULL);
	lzma_index_end(ours, NULL);
	return is_whole;
}

static const char *const whole[] = { "o", "s", "m", "e", "eee", "oe", "eo", "op", "opppsP", "oPs",
	"mm", "sepmPeoPPs" };

START_TEST(the_index_of_a_whole_file_is_that_of_liblzma) {
	struct bytes file = make_file(whole[_i]);

	ck_assert(compare(&file, 0, whole[_i], 0));
	ck_assert(compare(&file, 5, whole[_i], 5));
	free(file.data);
}
END_TEST

static const char *const broken[] = { "p", "po", "opx", "xo", "oxs", "P", "xxxx", "oxxxxs", "xxxxo",
	"oxxxx" };

START_TEST(what_is_no_whole_file_has_none) {
	struct bytes file = make_file(broken[_i]);

	ck_assert(!compare(&file, 0, broken[_i], 0));
	free(file.data);
}
END_TEST

START_TEST(a_file_that_is_cut_has_none) {
	struct bytes file = make_file("osepo");
	size_t n = file.n, nwhole = 0;

	for (file.n = 1; file.n < n; file.n++)
		nwhole += compare(&file, 0, "cut", file.n);
	/* Behind a stream, and behind the padding. */
	ck_assert_uint_eq(nwhole, 4);
	free(file.data);
}
END_TEST

START_TEST(flipped_bits_are_noticed_where_liblzma_notices_them) {
	struct bytes file = make_file("ospe");
	size_t nnoticed = 0;

	for (size_t bit = 0; bit < 8 * file.n; bit++) {
		file.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
		nnoticed += !compare(&file, 0, "bit", bit);
		file.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	/* Only blocks are not looked at; headers and footers alone are 12 bytes each. */
	ck_assert_uint_gt(nnoticed, (size_t)3 * 24 * 8);
	free(file.data);
}
END_TEST

/* A stream without blocks, whose index and footer tell of some. */
static struct bytes lying_stream(lzma_vli block_nbytes, size_t nzeros, lzma_vli nmore) {
	lzma_stream_flags flags = { .check = LZMA_CHECK_CRC32 };
	lzma_index *index = lzma_index_init(NULL);
	struct bytes file = { 0 };
	unsigned char buf[1024] = { 0 };
	size_t n = 0;

	ck_assert_int_eq(lzma_stream_header_encode(&flags, buf), LZMA_OK);
	add(&file, buf, LZMA_STREAM_HEADER_SIZE);
	if (block_nbytes > 0)
		ck_assert_int_eq(lzma_index_append(index, NULL, block_nbytes, 1), LZMA_OK);
	flags.backward_size = lzma_index_size(index) + nzeros + nmore;
	ck_assert_int_eq(lzma_index_buffer_encode(index, buf, &n, sizeof(buf)), LZMA_OK);
	memset(buf + n, 0, nzeros);
	add(&file, buf, n + nzeros);
	ck_assert_int_eq(lzma_stream_footer_encode(&flags, buf), LZMA_OK);
	add(&file, buf, LZMA_STREAM_HEADER_SIZE);
	lzma_index_end(index, NULL);
	return file;
}

START_TEST(sizes_that_lie_are_noticed) {
	static const struct {
		lzma_vli block_nbytes;
		size_t nzeros;  /* behind the index, as if of it */
		lzma_vli nmore; /* that the index is longer by, as the footer says */
	} cases[] = { { 0, 0, 0 }, { 16, 0, 0 }, { LZMA_VLI_MAX - 1000, 0, 0 }, { 0, 4, 0 },
		{ 0, 0, 4 }, { 0, 0, 12 }, { 0, 0, 16 }, { 0, 0, LZMA_BACKWARD_SIZE_MAX - 8 } };
	struct bytes file = lying_stream(cases[_i].block_nbytes, cases[_i].nzeros, cases[_i].nmore);

	/* The first one is honest. */
	ck_assert_int_eq(compare(&file, 0, "case", (size_t)_i), _i == 0);
	free(file.data);
}
END_TEST

int main(void) {
	Suite *suite = suite_create("xz index");
	TCase *tcase = tcase_create("by liblzma");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(
	    tcase, the_index_of_a_whole_file_is_that_of_liblzma, 0, NELEMENTS(whole));
	tcase_add_loop_test(tcase, what_is_no_whole_file_has_none, 0, NELEMENTS(broken));
	tcase_add_test(tcase, a_file_that_is_cut_has_none);
	tcase_add_test(tcase, flipped_bits_are_noticed_where_liblzma_notices_them);
	tcase_add_loop_test(tcase, sizes_that_lie_are_noticed, 0, 8);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
