#ifndef TARN_MOUNTS_BELOW_H
#define TARN_MOUNTS_BELOW_H

/**
 * Call ${visit} with ${arg} and the path below ${dirfd}, a directory, of each mount point there, as
 * far as /proc tells of it.  The path is as it was when something was mounted: what is found there
 * now may be another thing.
 *
 * Left out are NFS and autofs, where whoever looks may have to wait for ever.
 */
void mounts_below(int dirfd, void (*visit)(void *arg, const char *path), void *arg);

#endif
