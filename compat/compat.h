#ifndef TARN_COMPAT_H
#define TARN_COMPAT_H

#include <stdbool.h>

/* One function a file, for what a platform or an older kernel may lack. */

/**
 * The most bytes in a component of a path.  NAME_MAX are those of most file systems, but exFAT and
 * NTFS count letters, and Linux hands names of up to 1024 bytes to FUSE.
 */
#define COMPONENT_NBYTES_MAX 1024

/**
 * Open the directory ${path} (relative, not empty, without `.' and `..' components) below the
 * directory ${dirfd} with O_PATH | O_DIRECTORY | O_CLOEXEC, following no symbolic link anywhere and
 * never leaving ${dirfd}.  Directories that are missing are made, with 0777 less the umask, when
 * ${make} says so.  ${path} may be longer than PATH_MAX.
 *
 * Returns a descriptor, or -1 with errno: ELOOP for a symbolic link in the way, ENOTDIR for
 * something else that is no directory, ENOENT, …  One system call where the kernel has openat2(2)
 * and all is there, else one or two a component.
 */
int compat_open_directory_beneath(int dirfd, const char *path, bool make);

#endif
