/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* sum.c -- the checksum of a block: its bytes, at its address, born in its generation
 * (SPEC.md 2). */
#include "fs-internal.h"

static uint64_t
seed_of(const struct fs_root *root, uint64_t address, uint64_t generation)
{
	uint64_t g = generation * UINT64_C(0xC2B2AE3D27D4EB4F);

	return bx_get_le64(root->uuid) ^ address * UINT64_C(0x9E3779B185EBCA87) ^ (g << 32 | g >> 32);
}

void
bx_fsi_sum_block(const struct fs_root *root, uint64_t address, uint64_t generation,
    const uint8_t *block, uint8_t sum[FS_SUM_MAX])
{
	uint8_t tail[32];

	if (root->hash == BX_FS_HASH_XXH64) {
		bx_put_le64(sum, bx_fsi_xxh64(block, BX_FS_BLOCK,
		    seed_of(root, address, generation)));
		return;
	}
	bx_put_le64(tail, address);
	bx_put_le64(tail + 8, generation);
	memcpy(tail + 16, root->uuid, 16);
	bx_fsi_sha256(block, BX_FS_BLOCK, tail, sizeof tail, sum);
}
