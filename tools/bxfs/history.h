/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* history.h -- bxfs: snapshots of a volume, and what differs between two states of it. */
#ifndef BX_TOOLS_BXFS_HISTORY_H
#define BX_TOOLS_BXFS_HISTORY_H

#include "image.h"

void list_snapshots(struct image *image, bool json);

/* What changed from one state to the other, one line a path; both are mounted. */
void print_diff(struct image *older, struct image *newer, bool json);

#endif
