/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * format.c -- make an empty volume.  The old roots go first and the new ones come last, so
 * that one that was not finished is none.
 */
#include "fs-internal.h"

struct formatter {
	const struct bx_fs_device *device;
	struct fs_root root;
	struct fs_map_shape shape;
	uint8_t *block[FS_LEVELS];	/* the map node of each level that is being filled */
	uint64_t first_data;
};

static enum bx_err
format_write(struct formatter *f, uint64_t address, const uint8_t *block)
{
	enum bx_err err = f->device->write(f->device->context, address * BX_FS_BLOCK, block,
	    BX_FS_BLOCK);

	return err == BX_OK ? BX_OK : BX_ERR_IO;
}

static bool
used_at_first(const struct formatter *f, uint64_t address)
{
	return address <= f->first_data || address >= f->root.blocks - 2 - f->root.log_blocks;
}

static uint32_t
format_leaf(const struct formatter *f, uint64_t index, uint8_t *block)
{
	uint32_t free = 0;

	for (uint64_t i = 0; i < FS_MAP_BITS; i++) {
		if (used_at_first(f, index * FS_MAP_BITS + i))
			block[FS_MAP_HEAD + i / 8] |= (uint8_t)(1u << i % 8);
		else
			free++;
	}
	bx_put_le32(block + 12, free);
	return free;
}

static void
format_head(const struct formatter *f, unsigned level, uint64_t index, uint8_t *block)
{
	bx_put_le32(block, FS_MAGIC_MAP);
	block[4] = (uint8_t)level;
	bx_put_le32(block + 8, (uint32_t)index);
	bx_put_le64(block + 16, 1);
	bx_put_le64(block + 24, 2 + 2 * (f->shape.base[level] + index));
}

/* Write a finished map node and enter it into its parent, and so on up while that
 * finishes parents. */
static enum bx_err
format_finish(struct formatter *f, unsigned level, uint64_t index, uint64_t free)
{
	for (;; level++) {
		uint8_t *block = f->block[level];
		uint64_t address = 2 + 2 * (f->shape.base[level] + index);
		uint8_t sum[FS_SUM_MAX] = { 0 };
		uint8_t *entry;
		enum bx_err err;

		format_head(f, level, index, block);
		bx_fsi_sum_block(&f->root, address, 1, block, sum);
		err = format_write(f, address, block);
		if (err != BX_OK)
			return err;
		memset(block, 0, BX_FS_BLOCK);
		if (level + 1 == f->shape.levels) {
			f->root.map_generation = 1;
			memcpy(f->root.map_sum, sum, FS_SUM_MAX);
			return BX_OK;
		}
		entry = f->block[level + 1] + FS_MAP_HEAD + FS_MAP_ENTRY * (index % FS_MAP_FANOUT);
		bx_put_le64(entry, 1);
		bx_put_le32(entry + 8, (uint32_t)free);
		memcpy(entry + 16, sum, FS_SUM_MAX);
		if (index % FS_MAP_FANOUT != FS_MAP_FANOUT - 1 && index + 1 != f->shape.count[level])
			return BX_OK;
		free = 0;
		for (unsigned i = 0; i < FS_MAP_FANOUT; i++)
			free += bx_get_le32(f->block[level + 1] + FS_MAP_HEAD + FS_MAP_ENTRY * i + 8);
		index /= FS_MAP_FANOUT;
	}
}

static enum bx_err
format_map(struct formatter *f)
{
	for (uint64_t i = 0; i < f->shape.count[0]; i++) {
		uint32_t free = format_leaf(f, i, f->block[0]);
		enum bx_err err;

		f->root.free += free;
		err = format_finish(f, 0, i, free);
		if (err != BX_OK)
			return err;
	}
	return BX_OK;
}

static enum bx_err
format_tree(struct formatter *f, const struct bx_fs_format *options, uint8_t *node)
{
	uint8_t inode[FS_INODE_BYTES] = { 0 };
	struct fs_key key;

	inode[0] = BX_FS_DIRECTORY;
	bx_put_le16(inode + 2, options->mode);
	bx_put_le32(inode + 4, 2);
	bx_put_le64(inode + 24, options->time_ns);
	bx_put_le64(inode + 32, options->time_ns);
	bx_put_le64(inode + 40, options->time_ns);
	bx_put_le64(inode + 48, BX_FS_ROOT);
	bx_put_le32(inode + 56, options->uid);
	bx_put_le32(inode + 60, options->gid);
	bx_fsi_key(&key, BX_FS_ROOT, FS_KEY_INODE, NULL, 0);
	bx_fsi_node_init(node, 0, f->first_data, 1);
	bx_fsi_node_insert(node, 0, key.bytes, key.length, inode, sizeof inode);
	f->root.tree.pointer.address = f->first_data;
	f->root.tree.pointer.generation = 1;
	bx_fsi_sum_block(&f->root, f->first_data, 1, node, f->root.tree.pointer.sum);
	return format_write(f, f->first_data, node);
}

/* All four slots: roots 1 and 2 of the same tree. */
static enum bx_err
format_roots(struct formatter *f, uint8_t *block, bool erase)
{
	for (unsigned slot = 0; slot < FS_ROOT_SLOTS; slot++) {
		enum bx_err err;

		memset(block, 0, BX_FS_BLOCK);
		f->root.generation = slot % 2 == 1 ? 1 : 2;
		if (!erase)
			bx_fsi_root_encode(&f->root, block);
		err = format_write(f, bx_fsi_root_block(f->root.blocks, slot), block);
		if (err != BX_OK)
			return err;
	}
	return f->device->flush(f->device->context) == BX_OK ? BX_OK : BX_ERR_IO;
}

/* A volume that is made again, the same way, has the same roots: records that followed
 * them must go. */
static enum bx_err
format_log(struct formatter *f, uint8_t *block)
{
	uint64_t first = 2 + 2 * f->shape.nodes, second = f->root.blocks - 2 - f->root.log_blocks;
	enum bx_err err = BX_OK;

	memset(block, 0, BX_FS_BLOCK);
	for (uint64_t i = 0; i < f->root.log_blocks && err == BX_OK; i++) {
		err = format_write(f, first + i, block);
		if (err == BX_OK)
			err = format_write(f, second + i, block);
	}
	return err;
}

static enum bx_err
format_options(struct formatter *f, const struct bx_fs_format *options)
{
	size_t label = 0;
	size_t slots = bx_fsi_slots_of(options->arena_bytes == 0 ? BX_FS_ARENA_MIN : options->arena_bytes);
	uint64_t log = options->log_blocks;

	if ((options->hash != BX_FS_HASH_XXH64 && options->hash != BX_FS_HASH_SHA256) ||
	    options->mode > 07777 || slots <= FS_WORK_SLOTS || slots - FS_WORK_SLOTS > 1u << 24)
		return BX_ERR_INVALID;
	for (; options->label != NULL && options->label[label] != '\0'; label++) {
		if (label == sizeof f->root.label - 1)
			return BX_ERR_INVALID;
		f->root.label[label] = options->label[label];
	}
	if (f->root.blocks < BX_FS_BLOCKS_MIN)
		return BX_ERR_RANGE;
	if (f->root.blocks > BX_FS_BLOCKS_MAX)
		f->root.blocks = BX_FS_BLOCKS_MAX;
	if (log == 0) {
		log = f->root.blocks / 256;
		log = log < 2 ? 2 : log > BX_FS_LOG_MAX ? BX_FS_LOG_MAX : log;
	}
	if (log < 2 || log > BX_FS_LOG_MAX)
		return BX_ERR_INVALID;
	f->root.log_blocks = (uint32_t)log;
	f->root.replay_blocks = (uint32_t)(slots - FS_WORK_SLOTS);
	bx_fsi_map_shape(f->root.blocks, &f->shape);
	/* Of the smallest volume: roots, log, a map of one node and the table, and what is kept back. */
	BX_STATIC_ASSERT(8 + 2 * BX_FS_LOG_MAX + 2 * FS_RESERVE <= BX_FS_BLOCKS_MIN, "the smallest volume has room");
	f->first_data = 2 + 2 * f->shape.nodes + log;
	memcpy(f->root.uuid, options->uuid, sizeof f->root.uuid);
	f->root.hash = (uint8_t)options->hash;
	f->root.next_inode = BX_FS_ROOT + 1;
	f->root.inodes = 1;
	f->root.time_ns = options->time_ns;
	f->root.node_hint = f->first_data;
	f->root.data_hint = f->first_data + f->root.blocks / 16;
	return BX_OK;
}

enum bx_err
bx_fs_format(const struct bx_fs_device *device, const struct bx_fs_format *options, void *arena,
    size_t arena_bytes)
{
	struct formatter f = { .device = device };
	enum bx_err err = bx_fsi_check_device(device);

	if (err != BX_OK)
		return err;
	if (arena_bytes < BX_FS_ARENA_MIN)
		return BX_ERR_NO_MEMORY;
	f.root.blocks = device->size_bytes / BX_FS_BLOCK;
	err = format_options(&f, options);
	if (err != BX_OK)
		return err;
	memset(arena, 0, (FS_LEVELS + 1) * BX_FS_BLOCK);
	for (unsigned level = 0; level < FS_LEVELS; level++)
		f.block[level] = (uint8_t *)arena + (size_t)(level + 1) * BX_FS_BLOCK;
	/* An older volume must not be found again if this one remains unfinished. */
	err = format_roots(&f, arena, true);
	if (err == BX_OK)
		err = format_log(&f, arena);
	if (err == BX_OK)
		err = format_map(&f);
	if (err == BX_OK)
		err = format_tree(&f, options, arena);
	if (err == BX_OK && device->flush(device->context) != BX_OK)
		err = BX_ERR_IO;
	return err == BX_OK ? format_roots(&f, arena, false) : err;
}
