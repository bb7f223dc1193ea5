#include "config.h"

#include "input.h"

#include <unistd.h>

#include "archive_file.h"
#include "index_source.h"

/*
 * The layers are opened from below, and closed from above: each borrows the one below it.  All
 * modes that read an archive get it here, and few have to know whether its members come from an
 * index or from the archive.
 *
 * Whether to use the index is decided when the archive is opened, and can only be taken back
 * (input_leave_index).  That an index breaks off in the middle is met by index_source, which reads
 * the archive from there on.
 */

/* ${report} is NULL when all that there is to say was said already. */
static int open_source(struct input *input, struct report *report, struct error *err) {
	input->source = input->by_index ?
	    index_source_new(input->index, input->reader, report, err) :
	    archive_source_new(input->reader, input->ends_at, report, err);
	return input->source != NULL ? TARN_OK : (int)err->code;
}

static void close_source(struct input *input) {
	if (input->source != NULL)
		input->source->free(input->source);
	input->source = NULL;
}

/*
 * Leaves the reader at the beginning, from where the archive is read if there is no index: what
 * cannot seek stands there still.  An index that is of no use is no failure, as nothing depends on
 * it.
 */
static int load_index(
    struct input *input, const char *name, struct report *report, struct error *err) {
	int r = member_index_load(&input->index, input->reader, err);

	input->had_index = r == TARN_OK || r == TARN_EFORMAT;
	if (r == TARN_EFORMAT)
		report_note(report, name, "The index is %s; reading the archive instead", err->msg);
	/*
	 * The end may be zeros, and all of it no bomb: what was read to look at it does not count.
	 */
	if (r == TARN_ELIMIT) {
		report_note(report, name,
		    "The index cannot be checked: %s; reading the archive instead", err->msg);
		return input_rewind(input, err);
	}
	if (r != TARN_OK && r != TARN_END && r != TARN_EFORMAT)
		return r;
	r = codec_seek(input->reader, 0, err);
	return r == TARN_EREFUSED ? TARN_OK : r;
}

int input_open(struct input *input, const char *name, enum input_way way, const struct options *o,
    struct report *report, struct error *err) {
	int r;

	*input = (struct input){
		.ends_at = o->ignore_zeros ? ARCHIVE_END_INPUT : ARCHIVE_END_ZEROS,
		.settings = {
			.compression = o->compression,
			.program = o->compress_program,
			.nthreads = o->nthreads,
			.max_ratio = o->limits.max_ratio,
		},
	};
	/* From here on input_close knows what there is, whatever fails. */
	r = archive_file_open(name, &input->fd, &input->is_own_fd, err);
	if (r != TARN_OK)
		return r;
	input->start = lseek(input->fd, 0, SEEK_CUR);
	r = codec_reader_new(&input->reader, &input->settings, input->fd, err);
	input->by_index = way == INPUT_BY_INDEX;
	/* It knows nothing of what --ignore-zeros finds behind the end. */
	if (r == TARN_OK && way != INPUT_WHOLE && o->index != TRISTATE_NO && !o->ignore_zeros &&
	    input->start == 0)
		r = load_index(input, name, report, err);
	input->by_index = input->by_index && input->index != NULL;
	return r == TARN_OK ? open_source(input, report, err) : r;
}

int input_rewind(struct input *input, struct error *err) {
	/* It has the reader, which will be another one. */
	close_source(input);
	if (input->start < 0 || lseek(input->fd, input->start, SEEK_SET) < 0)
		return err_set(err, TARN_EREFUSED, 0, "the archive cannot be read a second time");
	/*
	 * A new one, as codec_seek does not do for what was compressed as a whole.  NULL: for
	 * input_close.
	 */
	codec_reader_free(input->reader);
	input->reader = NULL;
	return codec_reader_new(&input->reader, &input->settings, input->fd, err);
}

int input_again(struct input *input, struct error *err) {
	int r = TARN_OK;

	/* By the index nothing is read in a row: its source seeks to whatever is fetched. */
	if (input->by_index)
		close_source(input);
	else
		r = input_rewind(input, err);
	return r == TARN_OK ? open_source(input, NULL, err) : r;
}

int input_leave_index(struct input *input, struct error *err) {
	input->by_index = false;
	return input_again(input, err);
}

bool input_had_all_by_index(const struct input *input) {
	return input->by_index && !index_source_gave_up(input->source);
}

off_t input_at(const struct input *input) {
	return input->by_index ? index_source_at(input->source) : archive_source_at(input->source);
}

int input_end(const struct input *input, off_t *end, struct error *err) {
	*end = input_at(input);
	/* Only tar archives have an index. */
	return input->by_index || archive_source_is_tar(input->source) ?
	    TARN_OK :
	    err_set(err, TARN_EREFUSED, 0,
	        "Members can only be added to, and taken from, tar archives");
}

off_t input_nbytes(const struct input *input) {
	return input->by_index ? member_index_end(input->index) :
	                         archive_source_nbytes(input->source);
}

void input_close(struct input *input) {
	close_source(input);
	member_index_free(input->index);
	codec_reader_free(input->reader);
	if (input->is_own_fd && input->fd >= 0)
		close(input->fd);
	*input = (struct input){ 0 };
}
