/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * log.c -- commits between roots (SPEC.md 9): operations in a record that is written twice,
 * and their replay at mount.  A record counts from the moment one copy is whole on the
 * medium.
 */
#include "fs-internal.h"

/* After a root: an empty record, at the start of the log. */
void
bx_fsi_log_restart(struct bx_fs *fs, bool usable)
{
	fs->log_length = FS_LOG_HEAD;
	fs->log_ops = 0;
	fs->log_sector = 0;
	fs->log_records = 0;
	fs->log_whole = usable;
	fs->unflushed = false;
}

static uint32_t
sectors_for(const struct bx_fs *fs, uint32_t bytes)
{
	return (bytes + fs->device.sector_bytes - 1) / fs->device.sector_bytes;
}

static uint32_t
log_sectors(const struct bx_fs *fs)
{
	return fs->root.log_blocks * (BX_FS_BLOCK / fs->device.sector_bytes);
}

/* Byte offset of a sector of a copy. */
static uint64_t
log_offset(const struct bx_fs *fs, unsigned copy, uint32_t sector)
{
	uint64_t block = copy == 0 ? 2 + 2 * fs->shape.nodes : fs->root.blocks - 2 - fs->root.log_blocks;

	return block * BX_FS_BLOCK + (uint64_t)sector * fs->device.sector_bytes;
}

/* Whether what changed since the last commit can be committed by a record. */
bool
bx_fsi_log_fits(const struct bx_fs *fs)
{
	return fs->log_whole && fs->epoch_dirty <= fs->root.replay_blocks &&
	    sectors_for(fs, fs->log_length) <= log_sectors(fs) - fs->log_sector;
}

enum bx_err
bx_fsi_log_commit(struct bx_fs *fs)
{
	uint8_t *r = fs->log;
	uint32_t sectors = sectors_for(fs, fs->log_length);
	size_t bytes = (size_t)sectors * fs->device.sector_bytes;
	enum bx_err err = BX_OK;

	memset(r + fs->log_length, 0, bytes - fs->log_length);
	memset(r, 0, FS_LOG_HEAD);
	bx_put_le32(r, FS_MAGIC_LOG);
	bx_put_le32(r + 4, fs->log_length);
	bx_put_le64(r + 8, fs->current - 1);
	bx_put_le32(r + 16, fs->log_sector);
	bx_put_le32(r + 20, fs->log_ops);
	bx_put_le64(r + 24, fs->log_seed);
	bx_put_le64(r + 32, bx_fsi_xxh64(r, fs->log_length, fs->log_seed));
	/* What the record refers to must be there before it. */
	if (fs->unflushed)
		err = bx_fsi_device_flush(fs);
	for (unsigned copy = 0; copy < 2 && err == BX_OK; copy++)
		err = bx_fsi_device_write(fs, log_offset(fs, copy, fs->log_sector), r, bytes);
	/* The commit point. */
	if (err == BX_OK)
		err = bx_fsi_device_flush(fs);
	if (err != BX_OK)
		return err;
	fs->unflushed = false;
	fs->log_sector += sectors;
	fs->log_records++;
	fs->log_length = FS_LOG_HEAD;
	fs->log_ops = 0;
	fs->counters.commits_log++;
	return BX_OK;
}

/* ---- replay ------------------------------------------------------------------------------ */

/* Read the record at a sector of one copy into fs->log.  BX_ERR_NOT_FOUND: there is no
 * valid one. */
static enum bx_err
read_record(struct bx_fs *fs, unsigned copy, uint32_t sector, uint32_t *length)
{
	const uint32_t unit = fs->device.sector_bytes;
	uint8_t *r = fs->log;
	uint64_t at = log_offset(fs, copy, sector), sum;
	uint32_t bytes, sectors;

	if (bx_fsi_device_read(fs, at, r, unit) != BX_OK)
		return BX_ERR_IO;
	if (!bx_fsi_record_head(r, fs->root.generation, fs->log_seed, sector, &bytes))
		return BX_ERR_NOT_FOUND;
	sectors = sectors_for(fs, bytes);
	if (sectors > log_sectors(fs) - sector)
		return BX_ERR_NOT_FOUND;
	if (sectors > 1 && bx_fsi_device_read(fs, at + unit, r + unit, (size_t)(sectors - 1) * unit) != BX_OK)
		return BX_ERR_IO;
	sum = bx_get_le64(r + 32);
	bx_put_le64(r + 32, 0);
	if (bx_fsi_xxh64(r, bytes, fs->log_seed) != sum)
		return BX_ERR_NOT_FOUND;
	*length = bytes;
	return BX_OK;
}

/* The record at a sector, from either copy. */
static enum bx_err
find_record(struct bx_fs *fs, uint32_t sector, uint32_t *length)
{
	enum bx_err first, second;

	if (sector >= log_sectors(fs))
		return BX_ERR_NOT_FOUND;
	first = read_record(fs, 0, sector, length);
	if (first == BX_OK)
		return BX_OK;
	second = read_record(fs, 1, sector, length);
	if (second == BX_OK)
		return BX_OK;
	return first == BX_ERR_IO || second == BX_ERR_IO ? BX_ERR_IO : BX_ERR_NOT_FOUND;
}

static enum bx_err
replay_create(struct bx_fs *fs, const struct fs_operation *op)
{
	const struct bx_fs_owner owner = {
		.uid = (uint32_t)op->field[3],
		.gid = (uint32_t)(op->field[3] >> 32),
		.mode = (uint16_t)op->field[4],
	};
	uint16_t type = (uint16_t)(op->field[4] >> 16);
	size_t name_length = (uint16_t)(op->field[4] >> 32), target_length = op->field[4] >> 48;
	uint64_t made;

	if (op->left != name_length + target_length || op->field[1] != fs->root.next_inode)
		return BX_ERR_CORRUPT;
	if (type == BX_FS_SYMLINK)
		return bx_fs_symlink(fs, op->field[0], op->rest, name_length, op->rest + name_length,
		    target_length, owner, op->field[2], &made);
	return bx_fs_create(fs, op->field[0], op->rest, name_length, (enum bx_fs_type)type, owner,
	    op->field[2], &made);
}

static enum bx_err
replay_unlink(struct bx_fs *fs, const struct fs_operation *op)
{
	enum bx_err err;

	if (op->field[2] > UINT32_MAX)
		return BX_ERR_CORRUPT;
	err = bx_fs_unlink(fs, op->field[0], op->rest, op->left, (uint32_t)op->field[2], op->field[1]);
	if (err == BX_ERR_FS_IS_DIR)
		err = bx_fs_remove_directory(fs, op->field[0], op->rest, op->left, op->field[1]);
	return err;
}

static enum bx_err
replay_rename(struct bx_fs *fs, const struct fs_operation *op)
{
	const char *old_name;
	size_t length;

	if (!bx_fsi_operation_first(op, &old_name, &length) || op->field[3] > UINT32_MAX)
		return BX_ERR_CORRUPT;
	return bx_fs_rename(fs, op->field[0], old_name, length, op->field[1], old_name + length,
	    op->left - 2 - length, (uint32_t)op->field[3], op->field[2]);
}

static enum bx_err
replay_write(struct bx_fs *fs, const struct fs_operation *op)
{
	size_t done = 0;
	enum bx_err err;

	if (op->left == 0 || op->left >= BX_FS_BLOCK)
		return BX_ERR_CORRUPT;
	err = bx_fs_write(fs, op->field[0], op->field[1], op->rest, op->left, op->field[2], &done);
	return err == BX_OK && done != op->left ? BX_ERR_CORRUPT : err;
}

static enum bx_err
replay_map(struct bx_fs *fs, const struct fs_operation *op)
{
	struct fs_extent e;
	enum bx_err err = bx_fsi_operation_mapping(fs, op, &e);

	return err == BX_OK ? bx_fsi_map_blocks(fs, op->field[0], &e, op->field[4], op->field[5]) : err;
}

/* Steps that were several may be fewer now, or the other way round. */
static enum bx_err
replay_cut(struct bx_fs *fs, const struct fs_operation *op)
{
	enum bx_err err = BX_ERR_AGAIN;

	for (unsigned turn = 0; turn <= FS_STEP_ITEMS && err == BX_ERR_AGAIN; turn++)
		err = op->code == FS_LOG_TRUNCATE ?
		    bx_fs_truncate(fs, op->field[0], op->field[1], op->field[2]) :
		    bx_fs_punch(fs, op->field[0], op->field[1], op->field[2], op->field[3]);
	return err;
}

static enum bx_err
replay_set(struct bx_fs *fs, const struct fs_operation *op)
{
	const struct bx_fs_stat values = {
		.mode = (uint16_t)(op->field[2] >> 32),
		.uid = (uint32_t)op->field[3],
		.gid = (uint32_t)(op->field[3] >> 32),
		.modified_ns = op->field[4],
	};

	if (op->field[2] >> 32 > 07777)
		return BX_ERR_CORRUPT;
	return bx_fs_set_stat(fs, op->field[0], (uint32_t)op->field[2], &values, op->field[1]);
}

static enum bx_err
replay_set_attr(struct bx_fs *fs, const struct fs_operation *op)
{
	const char *name;
	size_t length;

	if (!bx_fsi_operation_first(op, &name, &length))
		return BX_ERR_CORRUPT;
	return bx_fs_set_attr(fs, op->field[0], name, length, name + length, op->left - 2 - length,
	    op->field[1]);
}

static enum bx_err
replay_tidy(struct bx_fs *fs, const struct fs_operation *op)
{
	enum bx_err err = bx_fsi_tidy_step(fs, op->field[0]);

	return err == BX_ERR_AGAIN || err == BX_ERR_NOT_FOUND ? BX_OK : err;
}

static enum bx_err
replay_one(struct bx_fs *fs, const struct fs_operation *op)
{
	const uint64_t *f = op->field;

	switch (op->code) {
	case FS_LOG_CREATE:
		return replay_create(fs, op);
	case FS_LOG_LINK:
		return bx_fs_link(fs, f[0], f[1], op->rest, op->left, f[2]);
	case FS_LOG_UNLINK:
		return replay_unlink(fs, op);
	case FS_LOG_RENAME:
		return replay_rename(fs, op);
	case FS_LOG_WRITE:
		return replay_write(fs, op);
	case FS_LOG_MAP:
		return replay_map(fs, op);
	case FS_LOG_TRUNCATE:
	case FS_LOG_PUNCH:
		return replay_cut(fs, op);
	case FS_LOG_SET:
		return replay_set(fs, op);
	case FS_LOG_SET_ATTR:
		return replay_set_attr(fs, op);
	case FS_LOG_REMOVE_ATTR:
		return bx_fs_remove_attr(fs, f[0], op->rest, op->left, f[1]);
	case FS_LOG_TIDY:
		return replay_tidy(fs, op);
	default:
		return bx_fs_forget(fs, f[0]);
	}
}

/* Go through the operations of the record in fs->log: apply them, or mark the blocks
 * that they map as in use. */
static enum bx_err
each_operation(struct bx_fs *fs, uint32_t length, bool apply)
{
	uint32_t ops = bx_get_le32(fs->log + 20), at = FS_LOG_HEAD;

	for (uint32_t i = 0; i < ops; i++) {
		struct fs_operation op;
		enum bx_err err = BX_OK;

		if (!bx_fsi_operation_take(fs->log, length, &at, &op))
			return BX_ERR_CORRUPT;
		if (apply) {
			err = replay_one(fs, &op);
		} else if (op.code == FS_LOG_MAP) {
			struct fs_extent e;

			err = bx_fsi_operation_mapping(fs, &op, &e);
			if (err == BX_OK)
				err = bx_fsi_mark(fs, e.address, e.count, true);
		}
		if (err != BX_OK)
			return err == BX_ERR_IO || err == BX_ERR_NO_MEMORY ? err : BX_ERR_CORRUPT;
	}
	return at == length ? BX_OK : BX_ERR_CORRUPT;
}

static enum bx_err
each_record(struct bx_fs *fs, bool apply, bool search)
{
	uint32_t sector = 0, length;
	enum bx_err err = find_record(fs, sector, &length);

	fs->log_records = 0;
	while (err == BX_OK) {
		err = each_operation(fs, length, apply);
		if (err != BX_OK)
			return err;
		fs->log_records++;
		sector += sectors_for(fs, length);
		err = find_record(fs, sector, &length);
	}
	/* The end of the log, or a damaged record: then a later one of the same root is
	 * there. */
	for (sector++; err == BX_ERR_NOT_FOUND && search && sector < log_sectors(fs); sector++)
		if (find_record(fs, sector, &length) == BX_OK)
			return BX_ERR_CORRUPT;
	return err == BX_ERR_NOT_FOUND ? BX_OK : err;
}

/* Bring the tree in memory to the state that the log says.  First all blocks that
 * records name are taken out of the map, so that replaying cannot use them for something
 * else. */
enum bx_err
bx_fsi_log_replay(struct bx_fs *fs)
{
	uint32_t length;
	enum bx_err err = find_record(fs, 0, &length);

	bx_fsi_log_restart(fs, false);
	if (err == BX_ERR_NOT_FOUND)
		return each_record(fs, false, true);
	if (err != BX_OK)
		return err;
	fs->replaying = true;
	fs->op++;
	if (!fs->read_only)
		err = each_record(fs, false, true);
	if (err == BX_OK)
		err = each_record(fs, true, fs->read_only);
	fs->replaying = false;
	fs->changed = false;
	fs->unsynced = 0;
	return err;
}
