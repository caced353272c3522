/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* support-internal.h -- what the files behind support.h share. */
#ifndef BX_FS_TEST_SUPPORT_INTERNAL_H
#define BX_FS_TEST_SUPPORT_INTERNAL_H

#include "support.h"

/* What malloc() gave, or the end. */
void *must(void *p);

/* The digest goes on with these bytes. */
uint64_t mix(uint64_t h, const void *data, size_t length);
uint64_t mix_u64(uint64_t h, uint64_t v);

/* The model's parts; names are strings, inode 0 is none. */
void model_drop(struct model *m, uint64_t inode);
uint64_t model_find(const struct model *m, uint64_t directory, const char *name);
void entry_add(struct model_inode *dir, const char *name, uint64_t inode);
void entry_remove(struct model_inode *dir, const char *name);

#endif
