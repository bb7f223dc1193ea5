#ifndef TARN_LANDLOCK_H
#define TARN_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>

/**
 * The second wall around an extraction, where the kernel has Landlock: from now on this thread, and
 * what it starts, can make, change and remove files only below the ${n} ${directories}
 * (descriptors, O_PATH will do), whatever they are called and wherever others move them; and,
 * unless ${may_execute}, run programs only from there, that is none that is trusted.  Reading, and
 * what is open already, stays as it is; so do modes, owners, times and attributes, for which
 * Landlock has no rules.
 *
 * A kernel without it (before 5.19, or where it is switched off) is no failure: contained.h does
 * not rely on it.
 */
void landlock_confine(const int *directories, size_t n, bool may_execute);

#endif
