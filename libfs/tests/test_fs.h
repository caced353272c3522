/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* test_fs.h -- the volume that the parts of test_fs work on: a new one for each test, checked after it. */
#ifndef BX_FS_TEST_FS_H
#define BX_FS_TEST_FS_H

#include "suite.h"

#include "../src/fs-internal.h"

extern uint8_t arena[1u << 18];
extern uint8_t other_arena[1u << 18];	/* of volumes beside `disk' */
extern struct disk disk;
extern struct bx_fs *fs;
extern const struct bx_fs_owner owner;

struct bx_fs_config config_of(struct disk *d);
uint64_t make(uint64_t directory, const char *name, enum bx_fs_type type);
void put(uint64_t inode, uint64_t offset, const void *bytes, size_t length);
void remount(void);

/* The tests of each file. */
void add_parts(TCase *tc);		/* test_fs_parts.c */
void add_mount(TCase *tc);		/* test_fs_mount.c */
void add_contracts(TCase *tc);		/* test_fs_contracts.c */
void add_refusals(TCase *tc);		/* test_fs_refusals.c */

#endif
