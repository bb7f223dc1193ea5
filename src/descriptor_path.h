#ifndef TARN_DESCRIPTOR_PATH_H
#define TARN_DESCRIPTOR_PATH_H

#include <stdio.h>

/* Where the descriptors of this process have names; /proc need not be mounted. */
#define OWN_DESCRIPTORS "/proc/self/fd"

/* Sized for any int: three characters a byte are more than enough. */
struct descriptor_path {
	char text[sizeof(OWN_DESCRIPTORS "/") + 3 * sizeof(int)];
};

/**
 * The name of ${fd} for calls that take no descriptor, or none that O_PATH made.  It leads to the
 * very inode and no further, also when that is a symbolic link.
 */
static inline struct descriptor_path descriptor_path(int fd) {
	struct descriptor_path path;

	snprintf(path.text, sizeof(path.text), OWN_DESCRIPTORS "/%d", fd);
	return path;
}

#endif
