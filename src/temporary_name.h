#ifndef TARN_TEMPORARY_NAME_H
#define TARN_TEMPORARY_NAME_H

#define TEMPORARY_NAME_NBYTES sizeof(".tarn-ABCDEFGHIJKLMNOP")

/**
 * A name that nobody can have foreseen, so that it is free; with capital and small letters.
 * Returns 0, or -1 with errno.
 */
int temporary_name(char name[TEMPORARY_NAME_NBYTES]);

#endif
