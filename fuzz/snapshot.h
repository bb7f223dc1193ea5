#ifndef TARN_FUZZ_SNAPSHOT_H
#define TARN_FUZZ_SNAPSHOT_H

#include <sys/types.h>

/**
 * A text, to be freed, with a line for everything below the directory ${root} that is on its
 * device: all that stat() tells but the times of reading, and the bytes of content and extended
 * attributes.  Of what is below ${passed_by} (NULL: nothing), a path as in "./a/b", there is
 * nothing but the inode.  Of the file ${shared} (0: none), which has a name there, the number of
 * names and the time of its last change are left out.  Two snapshots are equal when nothing has
 * changed.
 */
char *snapshot(const char *root, const char *passed_by, ino_t shared);

#endif
