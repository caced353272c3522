/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * snapshot.c -- states that are kept: make, list, remove, go back to.
 *
 * A block is part of exactly the snapshots that were made between its birth, which every pointer
 * tells, and the moment the files stopped using it.  So keeping a state costs nothing but not
 * to free what is older than the newest snapshot, and removing one is to free what neither
 * the one before it nor the one after it has (walk.c), in steps that each root remembers.
 */
#include "fs-internal.h"

bool
bx_fsi_snapshot_holds(const struct bx_fs *fs, uint64_t generation, const uint8_t *key,
    unsigned key_length)
{
	const struct fs_dying *d = &fs->dying;

	if (generation > fs->root.newest)
		return false;
	/* The newest is going: what the walk has passed is the files' own again. */
	return d->generation != fs->root.newest || generation <= d->walk.older ||
	    bx_fsi_key_compare(key, key_length, d->walk.at.bytes, d->walk.at.length) >= 0;
}

bool
bx_fsi_snapshot_holds_data(const struct bx_fs *fs, uint64_t generation, uint64_t inode,
    uint64_t block)
{
	const struct fs_walk *w = &fs->dying.walk;
	struct fs_key key;

	if (generation > fs->root.newest)
		return false;
	bx_fsi_key_u64(&key, inode, FS_KEY_EXTENT, block);
	if (inode == w->end_inode && block < w->end_block)
		key.length = 0;		/* passed, though not below `at` */
	return bx_fsi_snapshot_holds(fs, generation, key.bytes, key.length);
}

static enum bx_err
free_run(struct bx_fs *fs, void *context, uint64_t address, uint64_t count, uint64_t inode,
    const struct fs_extent *e)
{
	unsigned *freed = context;

	(void)inode;
	(void)e;
	if (count == 0)
		return BX_OK;
	++*freed;
	if (bx_fsi_free_later(fs, address, count) == BX_OK)
		return BX_OK;
	fs->failed = true;
	return BX_ERR_FS_FAILED;
}

/* One step of taking a removed snapshot apart.  BX_ERR_NOT_FOUND: there is none. */
enum bx_err
bx_fsi_dying_step(struct bx_fs *fs)
{
	struct fs_dying *d = &fs->dying;
	unsigned freed = 0;
	enum bx_err err;

	if (d->generation == 0)
		return BX_ERR_NOT_FOUND;
	if (bx_fsi_root_due(fs))
		return bx_fsi_commit_root(fs);
	fs->op++;
	err = bx_fsi_cache_trim(fs);
	/* What it does is known to the table only, and so to the next root only. */
	fs->changed = true;
	fs->log_whole = false;
	d->moved = true;
	for (unsigned turn = 0; turn < 4 && freed < FS_STEP_ITEMS && err == BX_OK; turn++) {
		fs->op++;
		err = bx_fsi_walk_step(fs, &d->walk, free_run, &freed);
	}
	d->done = err == BX_ERR_NOT_FOUND;
	return d->done ? BX_OK : err;
}

/* ---- calls ------------------------------------------------------------------------------- */

static enum bx_err
commit_edit(struct bx_fs *fs, struct fs_table_edit edit)
{
	enum bx_err err;

	fs->edit = edit;
	err = bx_fsi_commit_root(fs);
	fs->edit.change = NULL;
	return err;
}

/* Whether the table can have another record. */
static enum bx_err
check_room(struct bx_fs *fs, unsigned limit)
{
	const uint8_t *table;
	unsigned count;
	enum bx_err err = bx_fsi_table_load(fs, &table, &count);

	return err == BX_OK && count >= limit ? BX_ERR_NO_MEMORY : err;
}

enum bx_err
bx_fs_snapshot_create(struct bx_fs *fs, const char *name, size_t name_length, uint64_t time_ns)
{
	struct fs_snapshot s;
	enum bx_err err = bx_fsi_may_commit(fs);

	if (err != BX_OK)
		return err;
	err = bx_fsi_table_find(fs, name, name_length, &s);
	if (err == BX_OK)
		return BX_ERR_EXISTS;
	if (err == BX_ERR_NOT_FOUND)
		err = check_room(fs, BX_FS_SNAPSHOTS_MAX);
	if (err != BX_OK)
		return err;
	return commit_edit(fs, (struct fs_table_edit){
		.change = bx_fsi_table_add,
		.name = name,
		.length = name_length,
		.time_ns = time_ns,
	});
}

enum bx_err
bx_fs_snapshot_remove(struct bx_fs *fs, const char *name, size_t name_length)
{
	struct fs_snapshot s;
	enum bx_err err = bx_fsi_may_commit(fs);

	if (err == BX_OK)
		err = bx_fsi_table_find(fs, name, name_length, &s);
	if (err != BX_OK)
		return err;
	return commit_edit(fs, (struct fs_table_edit){
		.change = bx_fsi_table_remove,
		.generation = s.generation,
	});
}

enum bx_err
bx_fs_snapshot_rollback(struct bx_fs *fs, const char *name, size_t name_length)
{
	struct fs_snapshot s;
	enum bx_err err = bx_fsi_may_commit(fs);

	if (err == BX_OK)
		err = bx_fsi_table_find(fs, name, name_length, &s);
	if (err == BX_OK)
		err = check_room(fs, FS_TABLE_MAX);
	if (err == BX_OK)
		err = commit_edit(fs, (struct fs_table_edit){
			.change = bx_fsi_table_rollback,
			.generation = s.generation,
		});
	if (err != BX_OK)
		return err;
	/* As after a mount: nobody holds anything. */
	fs->mount_id = fs->committed.generation;
	fs->held = 0;
	fs->tidy_after = 0;
	fs->version++;
	fs->shape_version++;
	return BX_OK;
}

enum bx_err
bx_fs_snapshot_next(struct bx_fs *fs, uint64_t after, struct bx_fs_snapshot *out)
{
	const uint8_t *table;
	unsigned count;
	enum bx_err err = bx_fsi_table_load(fs, &table, &count);

	for (unsigned i = 0; i < count && err == BX_OK; i++) {
		struct fs_snapshot s;

		bx_fsi_table_get(fs, table, i, &s);
		if (s.dying || s.generation <= after)
			continue;
		*out = (struct bx_fs_snapshot){
			.generation = s.generation,
			.time_ns = s.time_ns,
			.inodes = s.inodes,
			.name_length = s.name_length,
		};
		memcpy(out->name, s.name, s.name_length);
		return BX_OK;
	}
	return err == BX_OK ? BX_ERR_NOT_FOUND : err;
}
