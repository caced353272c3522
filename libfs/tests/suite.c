/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* suite.c -- see suite.h. */
#include "suite.h"

void
volume_end(struct bx_fs *fs, struct disk *disk)
{
	struct bx_fs_info info;

	bx_fs_get_info(fs, &info);
	if (!info.failed && !info.read_only)
		volume_must_check(fs);
	disk_free(disk);
}
