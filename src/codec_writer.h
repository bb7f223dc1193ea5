#ifndef TARN_CODEC_WRITER_H
#define TARN_CODEC_WRITER_H

#include "bytes.h"
#include "codec.h"
#include "codec_encoder.h"
#include "codec_zstd_veil.h"

/* For codec_writer.c, codec_continue.c and codec_copy.c. */
struct codec_writer {
	struct codec_output output;
	struct zstd_veil veil;   /* of output, where there is one */
	struct encoder *encoder; /* NULL: plain */
	struct bytes again;      /* to be written before all else */
	enum compression compression;
};

#endif
