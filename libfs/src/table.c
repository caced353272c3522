/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * table.c -- the table of snapshots (SPEC.md 10): one block with two places, of which a root names
 * one, so that changing it allocates nothing.  It changes only with a root.
 */
#include "fs-internal.h"

#define KEY_LENGTH	6
#define ADDRESS		8
#define GENERATION	16
#define DYING		24
#define END_INODE	32
#define END_BLOCK	40
#define KEY		48

static uint64_t
table_address(const struct bx_fs *fs)
{
	return 2 * fs->shape.nodes + fs->root.table_side;
}

/*@ requires index <= FS_TABLE_MAX;
  @ requires \valid_read(table + (0 .. 4095));
  @ assigns \nothing;
  @ ensures \result == table + 320 + 128 * index; */
static const uint8_t *
record_of(const uint8_t *table, unsigned index)
{
	return table + FS_TABLE_HEAD + FS_TABLE_RECORD * index;
}

/*@ requires length <= 40 ==> \valid_read(name + (0 .. length - 1));
  @ assigns \nothing;
  @ ensures \result ==> 1 <= length <= 40; */
static bool
name_is_valid(const char *name, size_t length)
{
	if (length == 0 || length > BX_FS_SNAPSHOT_NAME_MAX)
		return false;
	/*@ loop invariant 0 <= i <= length;
	  @ loop assigns i;
	  @ loop variant length - i; */
	for (size_t i = 0; i < length; i++)
		if (name[i] == '\0' || name[i] == '/')
			return false;
	return true;
}

/*@ requires \valid_read(r + (0 .. 127));
  @ assigns \nothing;
  @ ensures \result ==> r[80] < FS_LEVELS && r[81] <= 1 && r[82] <= 40; */
static bool
record_is_valid(const uint8_t *r)
{
	if (r[80] >= FS_LEVELS || r[81] > 1 || bx_get_le64(r + 16) > bx_get_le64(r))
		return false;
	return r[81] == 1 ? r[82] <= BX_FS_SNAPSHOT_NAME_MAX : name_is_valid((const char *)r + 88, r[82]);
}

/* Everything that the functions below rely on. */
enum bx_err
bx_fsi_table_check(const uint8_t *table, uint64_t address, uint64_t generation)
{
	unsigned count = bx_get_le16(table + 4);
	uint64_t dying = bx_get_le64(table + DYING), before = 0;
	bool found = dying == 0;

	if (bx_get_le32(table) != FS_MAGIC_TABLE || count > FS_TABLE_MAX ||
	    bx_get_le16(table + KEY_LENGTH) > FS_KEY_MAX || bx_get_le64(table + ADDRESS) != address ||
	    bx_get_le64(table + GENERATION) != generation)
		return BX_ERR_CORRUPT;
	/*@ loop invariant 0 <= i <= count;
	  @ loop assigns i, before, found;
	  @ loop variant count - i; */
	for (unsigned i = 0; i < count; i++) {
		const uint8_t *r = record_of(table, i);
		uint64_t g = bx_get_le64(r);

		if (g <= before || g > generation || !record_is_valid(r))
			return BX_ERR_CORRUPT;
		before = g;
		found = found || (g == dying && r[81] == 1);
	}
	return found ? BX_OK : BX_ERR_CORRUPT;
}

void
bx_fsi_table_get(const struct bx_fs *fs, const uint8_t *table, unsigned index,
    struct fs_snapshot *out)
{
	const uint8_t *r = record_of(table, index);

	out->generation = bx_get_le64(r);
	bx_fsi_pointer_get(fs, r + 8, &out->tree.pointer);
	out->tree.level = r[80];
	out->inodes = bx_get_le64(r + 56);
	out->orphans = bx_get_le64(r + 64);
	out->time_ns = bx_get_le64(r + 72);
	out->dying = r[81] == 1;
	out->name_length = r[82];
	memcpy(out->name, r + 88, sizeof out->name);
}

static enum bx_err
load(struct bx_fs *fs, uint32_t *slot)
{
	struct fs_pointer pointer = {
		.address = table_address(fs),
		.generation = fs->root.table_generation,
	};
	bool missed;

	memcpy(pointer.sum, fs->root.table_sum, FS_SUM_MAX);
	return bx_fsi_cache_load(fs, &pointer, FS_KIND_TABLE, 0, slot, &missed);
}

enum bx_err
bx_fsi_table_load(struct bx_fs *fs, const uint8_t **table, unsigned *count)
{
	uint32_t slot;
	enum bx_err err;

	*table = NULL;
	*count = 0;
	if (fs->root.table_generation == 0)
		return BX_OK;
	err = load(fs, &slot);
	if (err != BX_OK)
		return err;
	*table = bx_fsi_block(fs, slot);
	*count = bx_get_le16(*table + 4);
	return BX_OK;
}

/* BX_ERR_FS_NAME, BX_ERR_NOT_FOUND */
enum bx_err
bx_fsi_table_find(struct bx_fs *fs, const char *name, size_t length, struct fs_snapshot *out)
{
	const uint8_t *table;
	unsigned count;
	enum bx_err err;

	if (!name_is_valid(name, length))
		return BX_ERR_FS_NAME;
	err = bx_fsi_table_load(fs, &table, &count);
	for (unsigned i = 0; i < count && err == BX_OK; i++) {
		bx_fsi_table_get(fs, table, i, out);
		if (!out->dying && out->name_length == length && memcmp(out->name, name, length) == 0)
			return BX_OK;
	}
	return err == BX_OK ? BX_ERR_NOT_FOUND : err;
}

/* The snapshot that is being taken apart, as the table says. */
enum bx_err
bx_fsi_dying_load(struct bx_fs *fs)
{
	struct fs_dying *d = &fs->dying;
	const uint8_t *table;
	unsigned count;
	enum bx_err err;

	*d = (struct fs_dying){ .generation = 0 };
	if (!fs->root.dying)
		return BX_OK;
	err = bx_fsi_table_load(fs, &table, &count);
	if (err != BX_OK)
		return err;
	if (table == NULL || bx_get_le64(table + DYING) == 0)
		return BX_ERR_CORRUPT;
	for (unsigned i = 0; i < count; i++) {
		struct fs_snapshot s;

		bx_fsi_table_get(fs, table, i, &s);
		if (d->generation != 0) {
			d->walk.next = s.tree;
			break;
		}
		if (s.generation == bx_get_le64(table + DYING)) {
			d->generation = s.generation;
			d->walk.tree = s.tree;
		} else {
			d->walk.older = s.generation;
		}
	}
	d->walk.at.length = bx_get_le16(table + KEY_LENGTH);
	memcpy(d->walk.at.bytes, table + KEY, FS_KEY_MAX);
	d->walk.end_inode = bx_get_le64(table + END_INODE);
	d->walk.end_block = bx_get_le64(table + END_BLOCK);
	return BX_OK;
}

/* ---- changing it ------------------------------------------------------------------------- */

/* The files as they are, as a record of the root that is being made. */
static void
add_record(struct bx_fs *fs, uint8_t *table, const struct fs_table_edit *edit, bool dying)
{
	unsigned count = bx_get_le16(table + 4);
	uint8_t *r = table + FS_TABLE_HEAD + FS_TABLE_RECORD * count;

	memset(r, 0, FS_TABLE_RECORD);
	bx_put_le64(r, fs->current);
	bx_put_le64(r + 8, fs->root.tree.pointer.address);
	bx_put_le64(r + 16, fs->root.tree.pointer.generation);
	memcpy(r + 24, fs->root.tree.pointer.sum, FS_SUM_MAX);
	bx_put_le64(r + 56, fs->root.inodes);
	bx_put_le64(r + 64, fs->root.orphans);
	bx_put_le64(r + 72, edit->time_ns);
	r[80] = fs->root.tree.level;
	r[81] = dying;
	r[82] = (uint8_t)edit->length;
	if (edit->length > 0)
		memcpy(r + 88, edit->name, edit->length);
	bx_put_le16(table + 4, (uint16_t)(count + 1));
}

void
bx_fsi_table_add(struct bx_fs *fs, uint8_t *table, const struct fs_table_edit *edit)
{
	add_record(fs, table, edit, false);
}

void
bx_fsi_table_remove(struct bx_fs *fs, uint8_t *table, const struct fs_table_edit *edit)
{
	(void)fs;
	for (unsigned i = 0; i < bx_get_le16(table + 4); i++) {
		uint8_t *r = table + FS_TABLE_HEAD + FS_TABLE_RECORD * i;

		if (bx_get_le64(r) == edit->generation)
			r[81] = 1;
	}
}

/* What a walk that is over leaves. */
static void
remove_record(uint8_t *table, uint64_t generation)
{
	unsigned count = bx_get_le16(table + 4), i = 0;
	uint8_t *r;

	while (i + 1 < count && bx_get_le64(record_of(table, i)) != generation)
		i++;
	r = table + FS_TABLE_HEAD + FS_TABLE_RECORD * i;
	memmove(r, r + FS_TABLE_RECORD, FS_TABLE_RECORD * (count - 1 - i));
	memset(table + FS_TABLE_HEAD + FS_TABLE_RECORD * (count - 1), 0, FS_TABLE_RECORD);
	bx_put_le16(table + 4, (uint16_t)(count - 1));
}

/* What was changed since goes the way of a removed snapshot. */
void
bx_fsi_table_rollback(struct bx_fs *fs, uint8_t *table, const struct fs_table_edit *edit)
{
	add_record(fs, table, edit, true);
	for (unsigned i = 0; i < bx_get_le16(table + 4); i++) {
		struct fs_snapshot s;

		bx_fsi_table_get(fs, table, i, &s);
		if (s.generation > edit->generation)
			table[FS_TABLE_HEAD + FS_TABLE_RECORD * i + 81] = 1;
		if (s.generation != edit->generation)
			continue;
		fs->root.tree = s.tree;
		fs->root.inodes = s.inodes;
		fs->root.orphans = s.orphans;
	}
}

static void
apply(struct bx_fs *fs, uint8_t *table)
{
	const struct fs_dying *d = &fs->dying;

	if (d->done) {
		remove_record(table, d->generation);
		memset(table + DYING, 0, FS_TABLE_HEAD - DYING);
		bx_put_le16(table + KEY_LENGTH, 0);
	} else if (d->generation != 0) {
		bx_put_le16(table + KEY_LENGTH, d->walk.at.length);
		memset(table + KEY, 0, FS_KEY_MAX);
		memcpy(table + KEY, d->walk.at.bytes, d->walk.at.length);
		bx_put_le64(table + END_INODE, d->walk.end_inode);
		bx_put_le64(table + END_BLOCK, d->walk.end_block);
	}
	if (fs->edit.change != NULL)
		fs->edit.change(fs, table, &fs->edit);
	fs->root.snapshots = 0;
	fs->root.newest = 0;
	for (unsigned i = 0; i < bx_get_le16(table + 4); i++) {
		uint8_t *r = table + FS_TABLE_HEAD + FS_TABLE_RECORD * i;

		fs->root.newest = bx_get_le64(r);
		if (r[81] == 0)
			fs->root.snapshots++;
		/* One at a time, the newest of those that wait. */
		else if (d->done || d->generation == 0)
			bx_put_le64(table + DYING, fs->root.newest);
	}
	fs->root.dying = bx_get_le64(table + DYING) != 0;
}

enum bx_err
bx_fsi_table_commit(struct bx_fs *fs)
{
	uint32_t slot;
	uint8_t *table;
	enum bx_err err;

	if (fs->edit.change == NULL && !fs->dying.moved)
		return BX_OK;
	if (fs->root.table_generation == 0) {
		err = bx_fsi_cache_take(fs, table_address(fs), FS_KIND_TABLE, &slot);
		if (err != BX_OK)
			return err;
		memset(bx_fsi_block(fs, slot), 0, BX_FS_BLOCK);
		bx_put_le32(bx_fsi_block(fs, slot), FS_MAGIC_TABLE);
	} else {
		err = load(fs, &slot);
		if (err != BX_OK)
			return err;
		fs->root.table_side ^= 1;
		bx_fsi_cache_rekey(fs, slot, table_address(fs));
	}
	table = bx_fsi_block(fs, slot);
	apply(fs, table);
	fs->slots[slot].generation = fs->current;
	fs->root.table_generation = fs->current;
	bx_put_le64(table + ADDRESS, table_address(fs));
	bx_put_le64(table + GENERATION, fs->current);
	memset(fs->root.table_sum, 0, FS_SUM_MAX);
	bx_fsi_sum_block(&fs->root, table_address(fs), fs->current, table, fs->root.table_sum);
	fs->counters.blocks_written++;
	return bx_fsi_device_write(fs, table_address(fs) * BX_FS_BLOCK, table, BX_FS_BLOCK);
}
