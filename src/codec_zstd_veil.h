#ifndef TARN_CODEC_ZSTD_VEIL_H
#define TARN_CODEC_ZSTD_VEIL_H

#include <stddef.h>
#include <sys/types.h>

#include "error.h"

/*
 * What is added to a zstd file grows in a skippable frame, so that between any two writes the file
 * is, for any decompressor, the one that was there.
 */
struct zstd_veil {
	int fd;     /* borrowed, for writing */
	off_t from; /* here begins the frame that the new ones take the place of; it ends at: */
	off_t at;   /* the veil, and what was in the file behind that frame is below it */
	off_t now;  /* where the next bytes go; the first go behind the veil's header */
	off_t end;  /* of the veil, and of the file */
};

/**
 * The new frames are for the place of that from ${from} to ${at} (the same: of none).  Nothing is
 * written yet.  TARN_ESYSTEM.
 */
int zstd_veil_init(struct zstd_veil *veil, int fd, off_t from, off_t at, struct error *err);

/**
 * Hide the next ${nbytes}, which are to be written behind those before.  The 4 GiB of a skippable
 * frame are all that can be hidden.  TARN_ESYSTEM: the file may have become longer.
 */
int zstd_veil_cover(struct zstd_veil *veil, size_t nbytes, struct error *err);

/**
 * All is written: let what is left of the file behind it be a frame of its own, so that it can be
 * cut off when the veil is lifted.
 */
int zstd_veil_end(struct zstd_veil *veil, struct error *err);

/**
 * What makes the new frames those of the file, when it is written to veil->from: the ${header}, of
 * ZSTD_SKIPPABLE_HEADER_NBYTES, by which the old frame and the veil's header are passed over.
 */
void zstd_veil_lift(const struct zstd_veil *veil, unsigned char *header);

#endif
