/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * volume.c -- format, mount, commit, transactions.
 *
 * The order of a root commit (FS-3): blocks, flush, first root copy, flush -- the commit point --, second root copy.
 * The second is durable before the next root is written, so that of the two copies of either root at least
 * one is always valid; two damaged ones were not left by a power cut, and are refused.
 */
#include "fs-internal.h"

#define ROOT_SLOTS 4u

static uint64_t
root_block(uint64_t blocks, unsigned slot)
{
	return slot < 2 ? slot : blocks - ROOT_SLOTS + slot;
}

/* ---- commit ---------------------------------------------------------------------------------- */

static enum bx_err
write_root_copy(struct bx_fs *fs, unsigned slot)
{
	enum bx_err err = fs->device.write(fs->device.context,
	    root_block(fs->root.blocks, slot) * BX_FS_BLOCK, fs->log, fs->device.sector_bytes);

	return err == BX_OK ? BX_OK : BX_ERR_IO;
}

static enum bx_err
flush(struct bx_fs *fs)
{
	return fs->device.flush(fs->device.context) == BX_OK ? BX_OK : BX_ERR_IO;
}

/* The root is on the device: what was freed before it may be used now. */
static void
root_is_durable(struct bx_fs *fs)
{
	memcpy(fs->root_hash, fs->log + 480, BX_FS_DIGEST);
	fs->log_seed = bx_get_le64(fs->log + 480);
	fs->committed = fs->root;
	fs->current = fs->root.generation + 1;
	fs->epoch_dirty = 0;
	fs->changed = false;
	fs->root_damaged = false;
	fs->counters.commits_root++;
	bx_fsi_log_restart(fs, true);
}

enum bx_err
bx_fsi_commit_root(struct bx_fs *fs)
{
	unsigned slot = (unsigned)(fs->current & 1);
	enum bx_err err;

	fs->op++;
	err = bx_fsi_space_settle(fs);
	if (err == BX_OK)
		err = bx_fsi_cache_clean_all(fs);
	if (err == BX_OK)
		err = flush(fs);
	if (err == BX_OK) {
		fs->root.generation = fs->current;
		memset(fs->log, 0, fs->device.sector_bytes);
		bx_fsi_root_encode(&fs->root, fs->log);
		err = write_root_copy(fs, slot);
	}
	if (err == BX_OK)
		err = flush(fs);
	if (err == BX_OK)
		err = write_root_copy(fs, slot + 2);
	if (err != BX_OK) {
		fs->failed = true;
		fs->commit_failed = true;
		return err;
	}
	root_is_durable(fs);
	return BX_OK;
}

enum bx_err
bx_fs_sync(struct bx_fs *fs)
{
	enum bx_err err;

	if (fs->failed)
		return BX_ERR_FS_FAILED;
	if (fs->transaction)
		return BX_ERR_STATE;
	if (!fs->changed)
		return BX_OK;
	if (!bx_fsi_log_fits(fs))
		return bx_fsi_commit_root(fs);
	err = fs->log_ops > 0 ? bx_fsi_log_commit(fs) : BX_OK;
	if (err != BX_OK) {
		fs->failed = true;
		fs->commit_failed = true;
		return err;
	}
	fs->changed = false;
	return BX_OK;
}

enum bx_err
bx_fs_unmount(struct bx_fs *fs)
{
	if (fs->read_only)
		return BX_OK;
	if (fs->failed)
		return BX_ERR_FS_FAILED;
	if (fs->transaction)
		return BX_ERR_STATE;
	if (fs->changed || fs->log_records > 0 || fs->root_damaged) {
		enum bx_err err = bx_fsi_commit_root(fs);

		if (err != BX_OK)
			return err;
	}
	/* The second root copy too. */
	return flush(fs);
}

enum bx_err
bx_fs_repair_root(struct bx_fs *fs)
{
	enum bx_err err;

	if (fs->read_only)
		return BX_ERR_FS_READ_ONLY;
	if (fs->failed)
		return BX_ERR_FS_FAILED;
	if (fs->transaction)
		return BX_ERR_STATE;
	if (!fs->root_damaged)
		return BX_OK;
	err = bx_fsi_commit_root(fs);
	return err == BX_OK ? flush(fs) : err;
}

enum bx_err
bx_fs_seal(struct bx_fs *fs, uint8_t root_hash[BX_FS_DIGEST])
{
	enum bx_err err;

	if (fs->read_only)
		return BX_ERR_FS_READ_ONLY;
	if (fs->failed)
		return BX_ERR_FS_FAILED;
	if (fs->transaction || fs->root.orphans > 0)
		return BX_ERR_STATE;
	fs->root.sealed = true;
	err = bx_fsi_commit_root(fs);
	if (err == BX_OK)
		err = flush(fs);
	if (err != BX_OK)
		return err;
	fs->read_only = true;
	memcpy(root_hash, fs->root_hash, BX_FS_DIGEST);
	return BX_OK;
}

/* ---- transactions ---------------------------------------------------------------------------- */

enum bx_err
bx_fs_begin(struct bx_fs *fs)
{
	enum bx_err err;

	if (fs->read_only)
		return BX_ERR_FS_READ_ONLY;
	if (fs->transaction)
		return BX_ERR_STATE;
	err = bx_fs_sync(fs);
	if (err != BX_OK)
		return err;
	fs->transaction = true;
	fs->held_before = fs->held;
	return BX_OK;
}

enum bx_err
bx_fs_end(struct bx_fs *fs)
{
	if (!fs->transaction)
		return BX_ERR_STATE;
	if (fs->failed)
		return BX_ERR_FS_FAILED;
	fs->transaction = false;
	return BX_OK;
}

/* Everything in memory goes; the root and the log on the device say what was before. */
enum bx_err
bx_fs_abort(struct bx_fs *fs)
{
	enum bx_err err;

	if (!fs->transaction)
		return BX_ERR_STATE;
	if (fs->commit_failed)
		return BX_ERR_FS_FAILED;
	bx_fsi_cache_init(fs);
	fs->root = fs->committed;
	fs->pending_count = 0;
	fs->pending_blocks = 0;
	fs->touched_count = 0;
	fs->pool_count = 0;
	fs->epoch_dirty = 0;
	fs->transaction = false;
	fs->failed = false;
	fs->version++;
	err = bx_fsi_log_replay(fs);
	fs->held = fs->held_before;
	fs->failed = err != BX_OK;
	return err;
}

/* ---- mount ----------------------------------------------------------------------------------- */

/* How many blocks an arena can hold beside everything else. */
static size_t
slots_of(size_t arena_bytes)
{
	size_t fixed = sizeof(struct bx_fs) + 64 + FS_LOG_MAX + FS_PENDING_BASE * sizeof(struct fs_run);
	size_t each = BX_FS_BLOCK + sizeof(struct fs_slot) + 2 * sizeof(uint32_t) +
	    4 * sizeof(struct fs_run);

	return arena_bytes > fixed ? (arena_bytes - fixed) / each : 0;
}

static enum bx_err
check_device(const struct bx_fs_device *device)
{
	if (device == NULL || device->read == NULL || device->write == NULL || device->flush == NULL)
		return BX_ERR_INVALID;
	if (device->sector_bytes != 512 && device->sector_bytes != BX_FS_BLOCK)
		return BX_ERR_INVALID;
	return BX_OK;
}

/* Read and judge one root slot.  Only a record that belongs there counts. */
static enum bx_err
read_root(struct bx_fs *fs, uint64_t blocks, unsigned slot, struct fs_root *root)
{
	struct fs_root r;
	uint64_t at = root_block(blocks, slot) * BX_FS_BLOCK;
	enum bx_err err;

	if (at > fs->device.size_bytes - BX_FS_BLOCK)
		return BX_ERR_RANGE;
	if (fs->device.read(fs->device.context, at, fs->log, fs->device.sector_bytes) != BX_OK)
		return BX_ERR_IO;
	err = bx_fsi_root_decode(fs->log, &r);
	if (err == BX_OK && (r.generation & 1) != (slot & 1))
		err = BX_ERR_CORRUPT;
	if (err == BX_OK)
		*root = r;
	return err;
}

/* The newest root.  fs->log then holds its record. */
static enum bx_err
choose_root(struct bx_fs *fs)
{
	struct fs_root root[ROOT_SLOTS];
	enum bx_err err[ROOT_SLOTS];
	uint64_t blocks = fs->device.size_bytes / BX_FS_BLOCK;
	unsigned best = ROOT_SLOTS, twin;

	for (unsigned slot = 0; slot < ROOT_SLOTS; slot++) {
		err[slot] = read_root(fs, blocks, slot, &root[slot]);
		/* From the first valid one on, the end of the volume is known. */
		if (slot < 2 && err[slot] == BX_OK)
			blocks = root[slot].blocks;
		if (err[slot] == BX_OK && root[slot].blocks != blocks)
			err[slot] = BX_ERR_CORRUPT;
		if (err[slot] == BX_OK &&
		    (best == ROOT_SLOTS || root[slot].generation > root[best].generation))
			best = slot;
	}
	for (unsigned slot = 0; slot < ROOT_SLOTS; slot++)
		if (best == ROOT_SLOTS && err[slot] != BX_ERR_FORMAT)
			return err[slot];
	if (best == ROOT_SLOTS)
		return BX_ERR_FORMAT;
	/* No power cut leaves both copies of a root damaged. */
	for (unsigned slot = 0; slot < 2; slot++)
		if (err[slot] != BX_OK && err[slot + 2] != BX_OK)
			return err[slot] == BX_ERR_IO || err[slot + 2] == BX_ERR_IO ? BX_ERR_IO :
			    BX_ERR_CORRUPT;
	twin = best ^ 2;
	fs->root_damaged = err[twin] != BX_OK || root[twin].generation != root[best].generation;
	return read_root(fs, blocks, best, &fs->root);
}

/* Lay the arena out; false if it is too small. */
static bool
carve(struct bx_fs *fs, uint8_t *arena, size_t arena_bytes)
{
	size_t count = slots_of(arena_bytes);
	uint32_t buckets = 1;
	uint8_t *at;

	if (count > UINT32_MAX / 4)
		count = UINT32_MAX / 4;
	if (count < fs->root.replay_blocks + FS_WORK_SLOTS)
		return false;
	while (2 * (size_t)buckets <= count)
		buckets *= 2;
	fs->slot_count = (uint32_t)count;
	fs->bucket_mask = buckets - 1;
	fs->pending_max = FS_PENDING_BASE + 4 * (uint32_t)count;
	at = arena + bx_align_up(sizeof *fs, 16) + FS_LOG_MAX;
	fs->blocks = at;
	at += count * BX_FS_BLOCK;
	fs->slots = (struct fs_slot *)(void *)at;
	at += count * sizeof *fs->slots;
	fs->pending = (struct fs_run *)(void *)at;
	at += fs->pending_max * sizeof *fs->pending;
	fs->buckets = (uint32_t *)(void *)at;
	at += buckets * sizeof *fs->buckets;
	BX_ASSERT((size_t)(at - arena) <= arena_bytes);
	bx_fsi_cache_init(fs);
	return true;
}

enum bx_err
bx_fs_mount(const struct bx_fs_config *config, struct bx_fs **out)
{
	struct bx_fs *fs = config->arena;
	enum bx_err err = check_device(config->device);

	if (err != BX_OK || (config->flags & ~BX_FS_MOUNT_READ_ONLY) != 0 ||
	    !bx_is_aligned((uintptr_t)config->arena, 16))
		return BX_ERR_INVALID;
	if (config->arena_bytes < BX_FS_ARENA_MIN)
		return BX_ERR_NO_MEMORY;
	if (config->device->size_bytes < BX_FS_BLOCKS_MIN * BX_FS_BLOCK)
		return BX_ERR_FORMAT;
	memset(fs, 0, sizeof *fs);
	fs->device = *config->device;
	fs->log = (uint8_t *)config->arena + bx_align_up(sizeof *fs, 16);
	err = choose_root(fs);
	if (err != BX_OK)
		return err;
	if (fs->root.blocks > fs->device.size_bytes / BX_FS_BLOCK)
		return BX_ERR_RANGE;
	memcpy(fs->root_hash, fs->log + 480, BX_FS_DIGEST);
	fs->log_seed = bx_get_le64(fs->log + 480);
	if (config->root_hash != NULL && (!fs->root.sealed || fs->root.hash != BX_FS_HASH_SHA256 ||
	    memcmp(config->root_hash, fs->root_hash, BX_FS_DIGEST) != 0))
		return BX_ERR_CORRUPT;
	if (!carve(fs, config->arena, config->arena_bytes))
		return BX_ERR_NO_MEMORY;
	bx_fsi_map_shape(fs->root.blocks, &fs->shape);
	fs->committed = fs->root;
	fs->current = fs->root.generation + 1;
	fs->mount_id = fs->root.generation;
	fs->sum_bytes = bx_fsi_sum_bytes(fs->root.hash);
	fs->extent_blocks = fs->root.hash == BX_FS_HASH_SHA256 ? 28 : 64;
	fs->read_only = fs->root.sealed || (config->flags & BX_FS_MOUNT_READ_ONLY) != 0;
	fs->next_virtual = fs->root.blocks;
	fs->version = 1;
	bx_fsi_log_restart(fs, false);
	if (!fs->root.sealed) {
		fs->mounting = true;
		err = bx_fsi_log_replay(fs);
		fs->mounting = false;
	}
	if (err == BX_OK)
		*out = fs;
	return err;
}

void
bx_fs_get_info(const struct bx_fs *fs, struct bx_fs_info *out)
{
	*out = (struct bx_fs_info){
		.blocks = fs->root.blocks,
		.blocks_free = bx_fsi_available(fs) + fs->pending_blocks,
		.blocks_reserved = FS_RESERVE,
		.inodes = fs->root.inodes,
		.generation = fs->committed.generation,
		.orphans = fs->root.orphans,
		.log_records = fs->log_records,
		.hash = fs->root.hash,
		.sealed = fs->root.sealed,
		.read_only = fs->read_only,
		.failed = fs->failed,
		.root_damaged = fs->root_damaged,
	};
	memcpy(out->uuid, fs->root.uuid, sizeof out->uuid);
	memcpy(out->label, fs->root.label, sizeof out->label);
	memcpy(out->root_hash, fs->root_hash, sizeof out->root_hash);
}

void
bx_fs_get_counters(const struct bx_fs *fs, struct bx_fs_counters *out)
{
	*out = fs->counters;
}

/* ---- format ---------------------------------------------------------------------------------- */

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
	memcpy(block, "BXMP", 4);
	block[4] = (uint8_t)level;
	bx_put_le32(block + 8, (uint32_t)index);
	bx_put_le64(block + 16, 1);
	bx_put_le64(block + 24, 2 + 2 * (f->shape.base[level] + index));
}

/* Write a finished map node and enter it into its parent, and so on up while that finishes parents. */
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
	f->root.tree.address = f->first_data;
	f->root.tree.generation = 1;
	bx_fsi_sum_block(&f->root, f->first_data, 1, node, f->root.tree.sum);
	return format_write(f, f->first_data, node);
}

/* All four slots: roots 1 and 2 of the same tree. */
static enum bx_err
format_roots(struct formatter *f, uint8_t *block, bool erase)
{
	for (unsigned slot = 0; slot < ROOT_SLOTS; slot++) {
		enum bx_err err;

		memset(block, 0, BX_FS_BLOCK);
		f->root.generation = slot % 2 == 1 ? 1 : 2;
		if (!erase)
			bx_fsi_root_encode(&f->root, block);
		err = format_write(f, root_block(f->root.blocks, slot), block);
		if (err != BX_OK)
			return err;
	}
	return f->device->flush(f->device->context) == BX_OK ? BX_OK : BX_ERR_IO;
}

/* A volume that is made again, the same way, has the same roots: records that followed them must go. */
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
	size_t slots = slots_of(options->arena_bytes == 0 ? BX_FS_ARENA_MIN : options->arena_bytes);
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
	if (f->root.blocks > UINT64_C(1) << 50)
		f->root.blocks = UINT64_C(1) << 50;
	if (log == 0) {
		log = f->root.blocks / 256;
		log = log < 2 ? 2 : log > 16 ? 16 : log;
	}
	if (log < 2 || log > 64)
		return BX_ERR_INVALID;
	f->root.log_blocks = (uint32_t)log;
	f->root.replay_blocks = (uint32_t)(slots - FS_WORK_SLOTS);
	bx_fsi_map_shape(f->root.blocks, &f->shape);
	f->first_data = 2 + 2 * f->shape.nodes + log;
	if (f->first_data + 2 + log + 2 * FS_RESERVE > f->root.blocks)
		return BX_ERR_RANGE;
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
	enum bx_err err = check_device(device);

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
