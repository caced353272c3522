/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* extract.h -- bxfs: a file or directory of a volume to the host, as far as it can be read. */
#ifndef BX_TOOLS_BXFS_EXTRACT_H
#define BX_TOOLS_BXFS_EXTRACT_H

#include "image.h"

/* Make `to`, which must not be there yet, a copy of a directory and all below it: content, modes, times and hard links, not
 * owners.  What cannot be read is told, one line each, left out (a name) or zero (a part of a file), and the copy goes on.
 * False: there was such a thing. */
bool extract_tree(struct image *image, uint64_t directory, const char *to, bool json, bool progress);

#endif
