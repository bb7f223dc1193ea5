#ifndef TARN_SINK_H
#define TARN_SINK_H

#include "entry.h"
#include "error.h"
#include "source.h"

/*
 * What consumes entries: an archive, a tree, a listing, a comparison.  A sink pulls the content it
 * wants from the source that the entry came from.  Trouble with one member is said to the struct
 * report that the sink was made with; only what ends the whole run is returned as an error.
 */
struct sink {
	/**
	 * Consume ${e}, reading its content from ${from} if need be.  Both are borrowed for the
	 * call.
	 * Returns TARN_OK (also when this member failed and that was said); TARN_NO_FIRST, with the
	 * reason in ${err}, for a link member that is not whole, when its first name is not there
	 * to link to: nothing was done, and it can be put again as a whole one; or another error
	 * after which nothing may be put any more.
	 */
	int (*put)(
	    struct sink *sink, const struct entry *e, struct source *from, struct error *err);

	/**
	 * All entries were put: complete what was left for the end (directory times, end-of-archive
	 * blocks, renaming the archive into place).  Not called after an error: a sink that is
	 * freed without it leaves nothing that looks complete.
	 */
	int (*finish)(struct sink *sink, struct error *err);

	/** Free the sink; NULL is fine. */
	void (*free)(struct sink *sink);
};

#endif
