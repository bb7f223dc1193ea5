#ifndef TARN_REMOVE_TREE_H
#define TARN_REMOVE_TREE_H

/**
 * Remove the directory ${name} in the directory ${above} with all that is in it.  Symbolic links
 * are not followed, and what another process moves meanwhile is not followed out of it.  Three
 * descriptors, however deep it is.
 *
 * Returns 0, or -1 with errno: something of it is still there, and may stand nearer to the top.
 */
int remove_tree(int above, const char *name);

#endif
