#include "config.h"

#include "input.h"

#include <unistd.h>

#include "archive_file.h"
#include "archive_source.h"

/*
 * The layers are opened from below, and closed from above.
 */

static int open_layers(struct input *input, struct report *report, struct error *err) {
	int r = codec_reader_new(&input->reader, &input->settings, input->fd, err);

	if (r != TARN_OK)
		return r;
	input->source = archive_source_new(input->reader, report, err);
	return input->source != NULL ? TARN_OK : (int)err->code;
}

static void close_layers(struct input *input) {
	if (input->source != NULL)
		input->source->free(input->source);
	codec_reader_free(input->reader);
	input->source = NULL;
	input->reader = NULL;
}

int input_open(struct input *input, const char *name, const struct options *o,
    struct report *report, struct error *err) {
	int r;

	*input = (struct input){
		.settings = {
			.compression = o->compression,
			.program = o->compress_program,
			.nthreads = o->nthreads,
		},
	};
	r = archive_file_open(name, &input->fd, &input->is_own_fd, err);
	if (r != TARN_OK)
		return r;
	input->start = lseek(input->fd, 0, SEEK_CUR);
	return open_layers(input, report, err);
}

int input_again(struct input *input, struct error *err) {
	close_layers(input);
	if (input->start < 0 || lseek(input->fd, input->start, SEEK_SET) < 0)
		return err_set(err, TARN_EREFUSED, 0, "the archive cannot be read a second time");
	return open_layers(input, NULL, err);
}

void input_close(struct input *input) {
	close_layers(input);
	if (input->is_own_fd && input->fd >= 0)
		close(input->fd);
	*input = (struct input){ 0 };
}
