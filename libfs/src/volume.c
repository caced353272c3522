/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * volume.c -- mount, commit, transactions.
 *
 * The order of a root commit (FS-3): blocks, flush, first root copy, flush -- the commit
 * point --, second root copy. The second is durable before the next root is written, so
 * that of the two copies of either root at least one is always valid; two damaged ones were
 * not left by a power cut, and are refused.
 */
#include "fs-internal.h"

uint64_t
bx_fsi_root_block(uint64_t blocks, unsigned slot)
{
	return slot < 2 ? slot : blocks - FS_ROOT_SLOTS + slot;
}

/* ---- commit ------------------------------------------------------------------------------ */

static enum bx_err
write_root_copy(struct bx_fs *fs, unsigned slot)
{
	return bx_fsi_device_write(fs, bx_fsi_root_block(fs->root.blocks, slot) * BX_FS_BLOCK, fs->log,
	    fs->device.sector_bytes);
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
	fs->unsynced = 0;
	fs->root_damaged = false;
	fs->counters.commits_root++;
	bx_fsi_log_restart(fs, true);
}

enum bx_err
bx_fsi_commit_root(struct bx_fs *fs)
{
	unsigned slot = (unsigned)(fs->current & 1);
	/* A copy that is damaged already goes first: until it is right, the other one of the pair must stay. */
	unsigned first = fs->second_damaged[slot] ? slot + 2 : slot;
	enum bx_err err;

	fs->op++;
	err = bx_fsi_space_settle(fs);
	if (err == BX_OK)
		err = bx_fsi_cache_clean_all(fs);
	if (err == BX_OK)
		err = bx_fsi_table_commit(fs);
	if (err == BX_OK)
		err = bx_fsi_device_flush(fs);
	if (err == BX_OK) {
		fs->root.generation = fs->current;
		memset(fs->log, 0, fs->device.sector_bytes);
		bx_fsi_root_encode(&fs->root, fs->log);
		err = write_root_copy(fs, first);
	}
	if (err == BX_OK)
		err = bx_fsi_device_flush(fs);
	if (err == BX_OK)
		err = write_root_copy(fs, first ^ 2);
	if (err != BX_OK) {
		fs->failed = true;
		fs->commit_failed = true;
		return err;
	}
	fs->second_damaged[slot] = false;
	root_is_durable(fs);
	if (fs->edit.change == NULL && !fs->dying.done) {
		fs->dying.moved = false;
		return BX_OK;
	}
	/* The table is in memory; if it is not, the next mount reads it. */
	err = bx_fsi_dying_load(fs);
	fs->failed = err != BX_OK;
	return err;
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
	fs->unsynced = 0;
	return BX_OK;
}

enum bx_err
bx_fs_sync_file(struct bx_fs *fs, uint64_t inode)
{
	if (fs->failed || fs->transaction || (fs->unsynced & bx_fsi_unsynced_bit(inode)) != 0)
		return bx_fs_sync(fs);
	return BX_OK;
}

enum bx_err
bx_fs_unmount(struct bx_fs *fs)
{
	enum bx_err err;

	if (fs->read_only)
		return BX_OK;
	err = bx_fsi_may_commit(fs);
	if (err != BX_OK)
		return err;
	if (fs->changed || fs->log_records > 0 || fs->root_damaged) {
		err = bx_fsi_commit_root(fs);
		if (err != BX_OK)
			return err;
	}
	/* The second root copy too. */
	return bx_fsi_device_flush(fs);
}

/* Whether a root can be made now. */
enum bx_err
bx_fsi_may_commit(const struct bx_fs *fs)
{
	if (fs->read_only)
		return BX_ERR_FS_READ_ONLY;
	if (fs->failed)
		return BX_ERR_FS_FAILED;
	return fs->transaction ? BX_ERR_STATE : BX_OK;
}

enum bx_err
bx_fs_repair_root(struct bx_fs *fs)
{
	enum bx_err err = bx_fsi_may_commit(fs);

	if (err != BX_OK || !fs->root_damaged)
		return err;
	err = bx_fsi_commit_root(fs);
	return err == BX_OK ? bx_fsi_device_flush(fs) : err;
}

enum bx_err
bx_fs_seal(struct bx_fs *fs, uint8_t root_hash[BX_FS_DIGEST])
{
	enum bx_err err = bx_fsi_may_commit(fs);

	if (err != BX_OK)
		return err;
	if (fs->root.orphans > 0 || fs->root.dying)
		return BX_ERR_STATE;
	fs->root.sealed = true;
	err = bx_fsi_commit_root(fs);
	if (err == BX_OK)
		err = bx_fsi_device_flush(fs);
	if (err != BX_OK)
		return err;
	fs->read_only = true;
	memcpy(root_hash, fs->root_hash, BX_FS_DIGEST);
	return BX_OK;
}

/* ---- transactions ------------------------------------------------------------------------ */

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

/* ---- mount ------------------------------------------------------------------------------- */

/* How many blocks an arena can hold beside everything else. */
size_t
bx_fsi_slots_of(size_t arena_bytes)
{
	size_t fixed = sizeof(struct bx_fs) + 64 + FS_LOG_MAX + FS_PENDING_BASE * sizeof(struct fs_run);
	size_t each = BX_FS_BLOCK + sizeof(struct fs_slot) + 2 * sizeof(uint32_t) +
	    4 * sizeof(struct fs_run);

	return arena_bytes > fixed ? (arena_bytes - fixed) / each : 0;
}

enum bx_err
bx_fsi_check_device(const struct bx_fs_device *device)
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
	uint64_t at = bx_fsi_root_block(blocks, slot) * BX_FS_BLOCK;
	enum bx_err err;

	if (at > fs->device.size_bytes - BX_FS_BLOCK)
		return BX_ERR_RANGE;
	err = bx_fsi_device_read(fs, at, fs->log, fs->device.sector_bytes);
	if (err == BX_OK)
		err = bx_fsi_root_decode(fs->log, &r);
	if (err == BX_OK && (r.generation & 1) != (slot & 1))
		err = BX_ERR_CORRUPT;
	if (err == BX_OK)
		*root = r;
	return err;
}

/* The newest root.  fs->log then holds its record. */
static enum bx_err
choose_root(struct bx_fs *fs, bool salvage)
{
	struct fs_root root[FS_ROOT_SLOTS];
	enum bx_err err[FS_ROOT_SLOTS];
	uint64_t blocks = fs->device.size_bytes / BX_FS_BLOCK;
	unsigned best = FS_ROOT_SLOTS, twin;

	for (unsigned slot = 0; slot < FS_ROOT_SLOTS; slot++) {
		err[slot] = read_root(fs, blocks, slot, &root[slot]);
		/* From the first valid one on, the end of the volume is known. */
		if (slot < 2 && err[slot] == BX_OK)
			blocks = root[slot].blocks;
		if (err[slot] == BX_OK && root[slot].blocks != blocks)
			err[slot] = BX_ERR_CORRUPT;
		if (err[slot] == BX_OK &&
		    (best == FS_ROOT_SLOTS || root[slot].generation > root[best].generation))
			best = slot;
	}
	for (unsigned slot = 0; slot < FS_ROOT_SLOTS; slot++)
		if (best == FS_ROOT_SLOTS && err[slot] != BX_ERR_FORMAT)
			return err[slot];
	if (best == FS_ROOT_SLOTS)
		return BX_ERR_FORMAT;
	/* No power cut leaves both copies of a root damaged. */
	for (unsigned slot = 0; slot < 2; slot++) {
		fs->second_damaged[slot] = err[slot + 2] != BX_OK;
		if (!salvage && err[slot] != BX_OK && err[slot + 2] != BX_OK)
			return err[slot] == BX_ERR_IO || err[slot + 2] == BX_ERR_IO ? BX_ERR_IO :
			    BX_ERR_CORRUPT;
	}
	twin = best ^ 2;
	fs->root_damaged = err[twin] != BX_OK || root[twin].generation != root[best].generation;
	return read_root(fs, blocks, best, &fs->root);
}

/* Lay the arena out; false if it is too small. */
static bool
carve(struct bx_fs *fs, uint8_t *arena, size_t arena_bytes)
{
	size_t count = bx_fsi_slots_of(arena_bytes);
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

/* The files as they were. */
static enum bx_err
show_snapshot(struct bx_fs *fs, const char *name)
{
	struct fs_snapshot s;
	size_t length = 0;
	enum bx_err err;

	while (length <= BX_FS_SNAPSHOT_NAME_MAX && name[length] != '\0')
		length++;
	err = bx_fsi_table_find(fs, name, length, &s);
	if (err != BX_OK)
		return err;
	fs->root.tree = s.tree;
	fs->root.inodes = s.inodes;
	fs->root.orphans = s.orphans;
	fs->snapshot = true;
	fs->read_only = true;
	return BX_OK;
}

/* What every mount begins with: the root, the arena; nothing of the log. */
static enum bx_err
mount_root(const struct bx_fs_config *config)
{
	struct bx_fs *fs = config->arena;
	enum bx_err err = bx_fsi_check_device(config->device);

	if (err != BX_OK || (config->flags & ~(BX_FS_MOUNT_READ_ONLY | BX_FS_MOUNT_SALVAGE)) != 0 ||
	    !bx_is_aligned((uintptr_t)config->arena, 16))
		return BX_ERR_INVALID;
	if (config->arena_bytes < BX_FS_ARENA_MIN)
		return BX_ERR_NO_MEMORY;
	if (config->device->size_bytes < BX_FS_BLOCKS_MIN * BX_FS_BLOCK)
		return BX_ERR_FORMAT;
	memset(fs, 0, sizeof *fs);
	fs->device = *config->device;
	fs->log = (uint8_t *)config->arena + bx_align_up(sizeof *fs, 16);
	err = choose_root(fs, (config->flags & BX_FS_MOUNT_SALVAGE) != 0);
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
	fs->read_only = fs->root.sealed || config->flags != 0;
	fs->next_virtual = fs->root.blocks;
	fs->version = 1;
	fs->op = 1;		/* not 0: that is what a block says that no operation has pinned */
	return BX_OK;
}

enum bx_err
bx_fs_mount_sealed(const struct bx_fs_config *config, struct bx_fs **out)
{
	struct bx_fs *fs = config->arena;
	enum bx_err err = mount_root(config);

	if (err != BX_OK)
		return err;
	if (!fs->root.sealed || config->snapshot != NULL)
		return BX_ERR_STATE;
	*out = fs;
	return BX_OK;
}

enum bx_err
bx_fs_mount(const struct bx_fs_config *config, struct bx_fs **out)
{
	struct bx_fs *fs = config->arena;
	enum bx_err err = mount_root(config);

	if (err != BX_OK)
		return err;
	if (!fs->read_only)
		fs->write_oldest = bx_fsi_cache_write_oldest;
	bx_fsi_log_restart(fs, false);
	if (config->snapshot != NULL) {
		err = show_snapshot(fs, config->snapshot);
	} else if (!fs->root.sealed && (config->flags & BX_FS_MOUNT_SALVAGE) == 0) {
		err = fs->read_only ? BX_OK : bx_fsi_dying_load(fs);
		fs->mounting = true;
		if (err == BX_OK)
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
		.snapshots = fs->root.snapshots,
		.removing = fs->root.dying,
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
