/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* suite.h -- what libfs's programs of unit tests share. */
#ifndef BX_FS_TEST_SUITE_H
#define BX_FS_TEST_SUITE_H

#include "../../tests/unit/suite.h"
#include "support.h"

#include <check.h>

/* The end of a test: whatever it did, the volume is sound after it (FS-1, FS-2, FS-4). */
void volume_end(struct bx_fs *fs, struct disk *disk);

#endif
