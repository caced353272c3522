/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* root.c -- the root record (SPEC.md 4) and what follows from the size of a volume
 * (SPEC.md 3, 8). */
#include "fs-internal.h"

#define ROOT_SUMMED 480u
#define VERSION 2u

static const uint8_t magic[8] = { 'B', 'X', 'F', 'S', 'R', 'O', 'O', 'T' };

static void
sum_root(const uint8_t *bytes, uint8_t hash, uint8_t sum[FS_SUM_MAX])
{
	memset(sum, 0, FS_SUM_MAX);
	if (hash == BX_FS_HASH_SHA256)
		bx_fsi_sha256(bytes, 448, bytes + 448, ROOT_SUMMED - 448, sum);
	else
		bx_put_le64(sum, bx_fsi_xxh64(bytes, ROOT_SUMMED, 0));
}

void
bx_fsi_root_encode(const struct fs_root *root, uint8_t bytes[FS_ROOT_BYTES])
{
	memset(bytes, 0, FS_ROOT_BYTES);
	memcpy(bytes, magic, sizeof magic);
	bx_put_le32(bytes + 8, VERSION);
	bytes[12] = root->hash;
	bytes[13] = root->sealed;
	bytes[14] = 12;
	memcpy(bytes + 16, root->uuid, 16);
	bx_put_le64(bytes + 32, root->generation);
	bx_put_le64(bytes + 40, root->blocks);
	bx_put_le32(bytes + 48, root->log_blocks);
	bx_put_le32(bytes + 52, root->replay_blocks);
	bx_put_le64(bytes + 56, root->next_inode);
	bx_put_le64(bytes + 64, root->free);
	bx_put_le64(bytes + 72, root->node_hint);
	bx_put_le64(bytes + 80, root->data_hint);
	bx_put_le64(bytes + 88, root->orphans);
	bx_put_le64(bytes + 96, root->inodes);
	bx_put_le64(bytes + 104, root->time_ns);
	bx_put_le64(bytes + 112, root->tree.pointer.address);
	bx_put_le64(bytes + 120, root->tree.pointer.generation);
	memcpy(bytes + 128, root->tree.pointer.sum, FS_SUM_MAX);
	bytes[160] = root->tree.level;
	bx_put_le64(bytes + 168, root->table_generation);
	memcpy(bytes + 176, root->table_sum, FS_SUM_MAX);
	bytes[208] = root->table_side;
	bytes[209] = root->dying;
	bytes[210] = root->snapshots;
	bx_put_le64(bytes + 216, root->newest);
	bx_put_le64(bytes + 224, root->map_generation);
	memcpy(bytes + 232, root->map_sum, FS_SUM_MAX);
	bytes[264] = root->map_side;
	memcpy(bytes + 272, root->label, sizeof root->label);
	sum_root(bytes, root->hash, bytes + ROOT_SUMMED);
}

static bool
all_zero(const uint8_t *bytes, size_t from, size_t to)
{
	uint8_t any = 0;

	for (size_t i = from; i < to; i++)
		any |= bytes[i];
	return any == 0;
}

/* Every bound that the rest of the library relies on. */
static bool
bounds_hold(const struct fs_root *root)
{
	struct fs_map_shape shape;
	uint64_t fixed;

	if (root->generation == 0 || root->generation > UINT64_MAX / 2)
		return false;
	if (root->blocks < BX_FS_BLOCKS_MIN || root->blocks > UINT64_C(1) << 50)
		return false;
	if (root->log_blocks < 2 || root->log_blocks > 64)
		return false;
	if (root->replay_blocks == 0 || root->replay_blocks > 1u << 24)
		return false;
	bx_fsi_map_shape(root->blocks, &shape);
	fixed = 4 + 2 * shape.nodes + 2 * (uint64_t)root->log_blocks;
	if (fixed >= root->blocks || root->free > root->blocks - fixed)
		return false;
	if (root->node_hint >= root->blocks || root->data_hint >= root->blocks)
		return false;
	if (root->next_inode <= BX_FS_ROOT || root->next_inode > UINT64_MAX / 2)
		return false;
	if (root->tree.level >= FS_LEVELS || root->tree.pointer.generation > root->generation)
		return false;
	if (root->tree.pointer.address < 2 + 2 * shape.nodes + root->log_blocks ||
	    root->tree.pointer.address >= root->blocks - 2 - root->log_blocks)
		return false;
	if (root->table_generation > root->generation || root->newest > root->table_generation)
		return false;
	return root->map_side <= 1 && root->map_generation <= root->generation &&
	    root->label[sizeof root->label - 1] == '\0';
}

enum bx_err
bx_fsi_root_decode(const uint8_t bytes[FS_ROOT_BYTES], struct fs_root *root)
{
	uint8_t sum[FS_SUM_MAX];
	struct fs_root r = { 0 };

	if (memcmp(bytes, magic, sizeof magic) != 0)
		return BX_ERR_FORMAT;
	if (bx_get_le32(bytes + 8) != VERSION)
		return BX_ERR_VERSION;
	r.hash = bytes[12];
	if (r.hash != BX_FS_HASH_XXH64 && r.hash != BX_FS_HASH_SHA256)
		return BX_ERR_VERSION;
	sum_root(bytes, r.hash, sum);
	if (memcmp(sum, bytes + ROOT_SUMMED, FS_SUM_MAX) != 0)
		return BX_ERR_CORRUPT;
	if (bytes[13] > 1 || bytes[14] != 12 || bytes[15] != 0 || !all_zero(bytes, 161, 168) ||
	    bytes[208] > 1 || bytes[209] > 1 || !all_zero(bytes, 211, 216) ||
	    !all_zero(bytes, 265, 272) || !all_zero(bytes, 304, ROOT_SUMMED))
		return BX_ERR_VERSION;
	r.sealed = bytes[13] == 1;
	memcpy(r.uuid, bytes + 16, 16);
	r.generation = bx_get_le64(bytes + 32);
	r.blocks = bx_get_le64(bytes + 40);
	r.log_blocks = bx_get_le32(bytes + 48);
	r.replay_blocks = bx_get_le32(bytes + 52);
	r.next_inode = bx_get_le64(bytes + 56);
	r.free = bx_get_le64(bytes + 64);
	r.node_hint = bx_get_le64(bytes + 72);
	r.data_hint = bx_get_le64(bytes + 80);
	r.orphans = bx_get_le64(bytes + 88);
	r.inodes = bx_get_le64(bytes + 96);
	r.time_ns = bx_get_le64(bytes + 104);
	r.tree.pointer.address = bx_get_le64(bytes + 112);
	r.tree.pointer.generation = bx_get_le64(bytes + 120);
	memcpy(r.tree.pointer.sum, bytes + 128, FS_SUM_MAX);
	r.tree.level = bytes[160];
	r.table_generation = bx_get_le64(bytes + 168);
	memcpy(r.table_sum, bytes + 176, FS_SUM_MAX);
	r.table_side = bytes[208];
	r.dying = bytes[209] == 1;
	r.snapshots = bytes[210];
	r.newest = bx_get_le64(bytes + 216);
	r.map_generation = bx_get_le64(bytes + 224);
	memcpy(r.map_sum, bytes + 232, FS_SUM_MAX);
	r.map_side = bytes[264];
	memcpy(r.label, bytes + 272, sizeof r.label);
	if (!bounds_hold(&r))
		return BX_ERR_CORRUPT;
	*root = r;
	return BX_OK;
}

void
bx_fsi_map_shape(uint64_t blocks, struct fs_map_shape *shape)
{
	uint64_t count = (blocks + FS_MAP_BITS - 1) / FS_MAP_BITS;

	*shape = (struct fs_map_shape){ .levels = 0 };
	/* 2^50 blocks need 5 levels: 2^50 / 32512 / 84^4 < 1000, / 84^5 < 9, / 84^6 < 1. */
	for (uint32_t level = 0; level < FS_LEVELS; level++) {
		shape->count[level] = count;
		shape->base[level] = shape->nodes;
		shape->nodes += count;
		shape->levels = level + 1;
		if (count == 1)
			break;
		count = (count + FS_MAP_FANOUT - 1) / FS_MAP_FANOUT;
	}
	shape->nodes++;		/* the table of snapshots has its places after them */
}
