#include "config.h"

#include "output.h"

#include <errno.h>
#include <unistd.h>

#include "archive_sink.h"
#include "input.h"
#include "tar_block.h"

/*
 * The sink writes members to the codec, and that to the file; the index hears of each member from
 * the sink.  They are opened from below, and completed from above, so that each has all it is to
 * have before the one below it is closed.  run_write is the caller.
 *
 * An archive that is added to is first read to its end, by an input of its own.  That tells where
 * the end is, and what -u, links to earlier members and the index have to know.  Then there are two
 * ways:
 *
 * - The codec goes on in the file itself, from the end-of-archive blocks on (continue_old).
 * - Where a kill could then lose members, because a piece has to be written over itself, or where
 *   more is behind the members than memory should keep, all is copied to a new file (copy_old).
 *   The codec, or the file, says so by TARN_END.
 */

/* What to compress with.  With -a a suffix that is known wins over what else was asked for. */
static struct codec_settings settings_of(const struct options *o) {
	struct codec_settings settings = {
		.compression = o->compression,
		.program = o->compress_program,
		.nthreads = o->nthreads,
		.has_level = o->level != LEVEL_DEFAULT,
		.level = (int)o->level,
		.piece_nbytes = o->piece_nbytes,
		.long_distance = o->long_distance,
	};

	if (o->auto_compress && codec_of_suffix(o->archive) != COMPRESSION_NONE)
		settings.compression = codec_of_suffix(o->archive);
	return settings;
}

/*
 * Remember what the archive has, up to TARN_END.  The entries of an index go to out->earlier, as
 * only they have identities; the others go into the new index, if there is to be one.
 */
static int note_members(
    struct output *out, struct input *input, enum mode mode, struct error *err) {
	struct entry *e;
	int r;

	while ((r = input->source->next(input->source, &e, err)) == TARN_OK) {
		if (mode == MODE_UPDATE)
			r = update_note(&out->members, e, err);
		if (r == TARN_OK && input->by_index)
			r = earlier_inodes_note(&out->earlier, e, err);
		else if (r == TARN_OK && out->has_index)
			r = index_writer_add(&out->index, e, input_at(input), NULL, err);
		if (r != TARN_OK)
			return r;
	}
	return r == TARN_END ? TARN_OK : r;
}

/*
 * Go through the archive that is there, up to its end: out->start.  Afterwards out->index has all
 * of its members, and ${input} has no source any more if it had to be read once more.
 */
static int read_old(struct output *out, struct input *input, enum mode mode, struct error *err) {
	int r = note_members(out, input, mode, err);

	/*
	 * An index that breaks off is made anew, from the beginning.  What -u has noted by then may
	 * stay: it is noted again.
	 */
	if (r == TARN_OK && input->by_index && !input_had_all_by_index(input)) {
		earlier_inodes_fini(&out->earlier);
		r = input_leave_index(input, err);
		if (r == TARN_OK)
			r = note_members(out, input, mode, err);
	}
	if (r == TARN_OK)
		r = input_end(input, &out->start, err);
	if (r != TARN_OK || !out->has_index)
		return r;
	if (input->by_index)
		return index_writer_adopt(&out->index, input->index, err);
	/* In what was compressed as a whole there is no way back to the last member but this. */
	r = input_rewind(input, err);
	/* An adopted index has the checksum of the last header already; this one has to read it. */
	return r == TARN_OK ? index_writer_bind(&out->index, input->reader, 0, err) : r;
}

/*
 * The old archive goes into a file of its own, which takes its place in the end.  Its compression
 * is that of the archive, whatever was asked for.  The old file is open in ${input} still.
 */
static int copy_old(
    struct output *out, const struct options *o, const struct input *input, struct error *err) {
	struct codec_settings settings = settings_of(o);
	int r;

	settings.compression = codec_reader_compression(input->reader);
	codec_writer_free(out->writer);
	out->writer = NULL;
	out->replaced = out->file;
	r = archive_file_create(&out->file, o->archive, err);
	if (r == TARN_OK)
		r = codec_writer_new(&out->writer, &settings, out->file.fd, err);
	return r == TARN_OK ? codec_copy(out->writer, input->reader, out->start, err) : r;
}

/*
 * Go on in the file itself.  The codec moves the descriptor to what is going to be replaced, and
 * from there on the file is kept in memory; nothing may be written before that.  TARN_END: see
 * above.
 */
static int continue_old(
    struct output *out, const struct options *o, const struct input *input, struct error *err) {
	struct codec_settings settings = settings_of(o);
	int r = codec_writer_continue(
	    &out->writer, &settings, input->reader, out->start, out->file.fd, err);

	if (r == TARN_OK)
		r = archive_file_append(&out->file, lseek(out->file.fd, 0, SEEK_CUR), err);
	return r == TARN_OK ?
	    codec_writer_hold_back(out->writer, out->file.held, &out->file.nheld, err) :
	    r;
}

/* What is added is compressed as the archive is: who asks for something else cannot have it. */
static int check_compression(
    const struct options *o, const struct codec_reader *reader, struct error *err) {
	enum compression found = codec_reader_compression(reader);

	if (o->compression == COMPRESSION_NONE || o->compression == found)
		return TARN_OK;
	return err_set(err, TARN_EREFUSED, 0, "Cannot go on with %s in an archive with %s",
	    codec_name(o->compression), codec_name(found));
}

/*
 * Open the archive, which was opened to be written, to be read as well.  In between another run may
 * have put a new one in its place.
 */
static int open_input(struct output *out, struct input *input, const struct options *o,
    struct report *report, struct error *err) {
	int r = input_open(input, o->archive, INPUT_BY_INDEX, o, report, err);

	if (r != TARN_OK)
		return r;
	if (!archive_file_is(&out->file, input->fd))
		return err_set(err, TARN_EREFUSED, 0, "Replaced while it was opened");
	return check_compression(o, input->reader, err);
}

/* Whatever is returned, ${out} can be closed; while nothing was written, the file is untouched. */
static int open_old(
    struct output *out, const struct options *o, struct report *report, struct error *err) {
	struct codec_settings settings = settings_of(o);
	struct input input = { .fd = -1 };
	int r = archive_file_open_old(&out->file, o->archive, err);

	/* An empty file is an archive that was not begun. */
	if (r == TARN_OK && out->file.st.st_size == 0) {
		r = archive_file_append(&out->file, 0, err);
		return r == TARN_OK ? codec_writer_new(&out->writer, &settings, out->file.fd, err) :
		                      r;
	}
	if (r == TARN_OK)
		r = open_input(out, &input, o, report, err);
	if (r == TARN_OK) {
		/* Who had an index keeps it, and zstd has one by default: see output_open. */
		out->has_index = o->index == TRISTATE_YES ||
		    (o->index != TRISTATE_NO &&
		        (input.had_index || codec_reader_has_place(input.reader)));
		r = read_old(out, &input, o->mode, err);
	}
	if (r == TARN_OK)
		r = continue_old(out, o, &input, err);
	if (r == TARN_END)
		r = copy_old(out, o, &input, err);
	input_close(&input);
	return r;
}

static int open_new(struct output *out, const struct options *o, struct error *err) {
	struct codec_settings settings = settings_of(o);
	int r = archive_file_create(&out->file, o->archive, err);

	return r == TARN_OK ? codec_writer_new(&out->writer, &settings, out->file.fd, err) : r;
}

int output_open(
    struct output *output, const struct options *o, struct report *report, struct error *err) {
	/* What cannot be looked at is not taken for missing: opening it says what is wrong. */
	bool is_new = o->mode == MODE_CREATE || (access(o->archive, F_OK) != 0 && errno == ENOENT);
	int r;

	*output = (struct output){
		.file = { .fd = -1 },
		.replaced = { .fd = -1 },
		.index = {
			.report = report,
			.refusal = o->index == TRISTATE_YES ? REPORT_FAILURE : REPORT_NOTE,
		},
	};
	/* Only zstd has a place for it beside the stream; elsewhere it must be asked for. */
	output->has_index = o->format != FORMAT_CPIO &&
	    (o->index == TRISTATE_YES ||
	        (o->index != TRISTATE_NO && settings_of(o).compression == COMPRESSION_ZSTD));
	r = is_new ? open_new(output, o, err) : open_old(output, o, report, err);
	if (r != TARN_OK)
		return r;
	output->file.syncs = o->fsync;
	output->sink = archive_sink_new(
	    output->writer, o->format, o->blocking_factor, output->start, report, err);
	if (output->sink == NULL)
		return (int)err->code;
	if (output->has_index)
		archive_sink_index(output->sink, &output->index);
	return TARN_OK;
}

/*
 * The index goes beside the stream, or else behind the end-of-archive blocks.  There zeros come
 * first, so that it ends with a block, where it is looked for from the end on.
 */
static int write_index(struct output *out, struct error *err) {
	static const char zeros[TAR_BLOCK_NBYTES];
	const struct bytes *index;
	int r = index_writer_finish(&out->index, archive_sink_end(out->sink), &index, err);

	if (r != TARN_OK)
		return r;
	r = codec_writer_attach(out->writer, index->data, index->nbytes, err);
	if (r != TARN_EREFUSED)
		return r;
	/* A piece of its own: whoever reads the index need not decompress anything else. */
	r = codec_writer_end_piece(out->writer, err);
	if (r == TARN_OK)
		r = codec_write(out->writer, zeros, -index->nbytes % sizeof(zeros), err);
	return r == TARN_OK ? codec_write(out->writer, index->data, index->nbytes, err) : r;
}

int output_finish(struct output *output, struct error *err) {
	int r = output->sink->finish(output->sink, err);

	if (r == TARN_OK && output->has_index && !output->index.is_refused)
		r = write_index(output, err);
	if (r == TARN_OK)
		r = codec_writer_finish(output->writer, err);
	if (r == TARN_OK)
		r = archive_file_commit(&output->file, err);
	return r;
}

void output_close(struct output *output) {
	if (output->sink != NULL)
		output->sink->free(output->sink);
	codec_writer_free(output->writer);
	archive_file_fini(&output->file);
	archive_file_fini(&output->replaced);
	index_writer_fini(&output->index);
	update_fini(&output->members);
	earlier_inodes_fini(&output->earlier);
	*output = (struct output){ .file = { .fd = -1 } };
}
