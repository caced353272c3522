/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tree.h -- mkfs.bxfs: a directory tree of the host into a volume.  What comes of it depends on the bytes of the tree alone: names
 * are taken in byte order, owner and group are 0, times are those of the files but not later than SOURCE_DATE_EPOCH, blocks of
 * zeros are holes.  What cannot be read or does not fit ends the program with its path.
 */
#ifndef BX_TOOLS_MKFS_TREE_H
#define BX_TOOLS_MKFS_TREE_H

#include "../bxfs/image.h"

#include <sys/stat.h>

struct totals {
	uint64_t files, directories, links, bytes;
};

/* This file is not part of the tree; of two at most.  `tell': say so on standard error when it is met. */
void tree_leave_out(const struct stat *st, bool tell);
/* Bytes of a volume that has room for the tree, with some to spare.  Reads all of it. */
uint64_t tree_measure(const char *top);
void tree_copy(struct image *image, const char *top, struct totals *totals);

#endif
