/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * data.c -- changing the content of files: write, truncate, punch.
 *
 * Whole blocks go straight from the caller to the device.  A part of a block is changed in the
 * cache, at a new address, and written with the next root; the log carries the bytes.
 */
#include "fs-internal.h"

static enum bx_err
open_to_change(struct bx_fs *fs, uint64_t inode, struct fs_inode *in)
{
	if (fs->read_only && !fs->replaying)
		return BX_ERR_FS_READ_ONLY;
	return bx_fsi_file_get(fs, inode, in);
}

/* ---- a change inside one block ----------------------------------------------------------- */

struct patch {
	uint64_t block;
	uint64_t address;	/* of the changed block */
	uint32_t slot;		/* held; FS_NO_SLOT: nothing to do */
	bool mapped;		/* the slot holds the old content, else the block was a hole */
	bool fresh;		/* it gets a new address */
};

static void
patch_cancel(struct bx_fs *fs, struct patch *p)
{
	enum bx_err err = BX_OK;

	if (p->slot == FS_NO_SLOT)
		return;
	fs->slots[p->slot].held--;
	if (p->fresh && !p->mapped)
		bx_fsi_cache_drop(fs, p->address);
	if (p->fresh)
		bx_fsi_free_node(fs, p->address, fs->current, &err);
	p->slot = FS_NO_SLOT;
}

/* Bring the block into memory and take an address for it.  `holes`: also where nothing
 * is mapped. */
static enum bx_err
patch_prepare(struct bx_fs *fs, uint64_t inode, uint64_t block, bool holes, struct patch *p)
{
	struct fs_extent e;
	enum bx_err err = bx_fsi_extent_at(fs, inode, block, &e);

	*p = (struct patch){ .block = block, .slot = FS_NO_SLOT, .fresh = true };
	if (err == BX_ERR_NOT_FOUND && !holes)
		return BX_OK;
	if (err == BX_OK) {
		uint64_t i = block - e.first;

		err = bx_fsi_data_load(fs, e.address + i, e.generation, e.sums + i * fs->sum_bytes, &p->slot);
		if (err != BX_OK)
			return err;
		fs->slots[p->slot].held++;
		p->mapped = true;
		p->address = e.address + i;
		if (fs->slots[p->slot].state == FS_SLOT_DIRTY) {
			p->fresh = false;
			return BX_OK;
		}
		err = bx_fsi_pool_take(fs, &p->address);
		if (err != BX_OK) {
			fs->slots[p->slot].held--;
			p->slot = FS_NO_SLOT;
		}
		return err;
	}
	if (err != BX_ERR_NOT_FOUND)
		return err;
	err = bx_fsi_pool_take(fs, &p->address);
	if (err != BX_OK)
		return err;
	err = bx_fsi_cache_take(fs, p->address, FS_KIND_DATA, &p->slot);
	if (err != BX_OK) {
		p->slot = FS_NO_SLOT;
		bx_fsi_free_node(fs, p->address, fs->current, &err);
		return err;
	}
	memset(bx_fsi_block(fs, p->slot), 0, BX_FS_BLOCK);
	fs->slots[p->slot].held++;
	return BX_OK;
}

/* bytes NULL: zeros.  *in is current; the caller writes it. */
static enum bx_err
patch_act(struct bx_fs *fs, uint64_t inode, struct fs_inode *in, struct patch *p, size_t offset,
    const uint8_t *bytes, size_t length)
{
	uint8_t sum[FS_SUM_MAX];
	struct fs_extent e;
	uint64_t end = p->block + 1;
	uint8_t *to;
	enum bx_err err;

	if (p->slot == FS_NO_SLOT)
		return BX_OK;
	to = bx_fsi_block(fs, p->slot) + offset;
	if (p->fresh) {
		if (p->mapped)
			bx_fsi_cache_rekey(fs, p->slot, p->address);
		fs->slots[p->slot].generation = fs->current;
		fs->epoch_dirty++;
	}
	bx_fsi_cache_dirty(fs, p->slot);
	if (bytes != NULL)
		memcpy(to, bytes, length);
	else
		memset(to, 0, length);
	bx_fsi_sum_block(&fs->root, p->address, fs->current, bx_fsi_block(fs, p->slot), sum);
	fs->slots[p->slot].held--;
	if (!p->fresh)
		return bx_fsi_extent_set_sum(fs, inode, p->block, sum);
	err = bx_fsi_extent_remove(fs, inode, in, p->block, &end, 1);
	if (err != BX_OK)
		return err;
	e = (struct fs_extent){
		.first = p->block,
		.count = 1,
		.address = p->address,
		.generation = fs->current,
		.sums = sum,
	};
	return bx_fsi_extent_insert(fs, inode, in, &e);
}

/* ---- writing ----------------------------------------------------------------------------- */

static enum bx_err
begin_blocks(struct bx_fs *fs, uint64_t inode, uint64_t first, uint64_t end, unsigned data,
    enum fs_op_class class, struct fs_plan *plan)
{
	enum bx_err err = bx_fsi_op_begin(fs, 4, FS_STEP_ITEMS + 4, data, class);

	if (err == BX_OK)
		err = bx_fsi_touch_inode(fs, inode);
	if (err == BX_OK)
		err = bx_fsi_extent_prepare(fs, inode, first, end, plan);
	return err;
}

/* Keep this much in the tree; 0: nothing. */
enum bx_err
bx_fsi_inline_put(struct bx_fs *fs, uint64_t inode, const void *bytes, size_t length)
{
	struct fs_key key;
	enum bx_err err;

	bx_fsi_key(&key, inode, FS_KEY_INLINE, NULL, 0);
	if (length > 0)
		return bx_fsi_tree_put(fs, &key, bytes, length);
	err = bx_fsi_tree_delete(fs, &key);
	return err == BX_ERR_NOT_FOUND ? BX_OK : err;
}

/* Content that is kept in the tree moves to a block.  Nobody can tell the difference. */
static enum bx_err
leave_inline(struct bx_fs *fs, uint64_t inode, struct fs_inode *in)
{
	uint8_t bytes[BX_FS_INLINE_MAX];
	struct patch p;
	size_t length = 0;
	struct fs_plan plan;
	enum bx_err err = BX_OK;

	if (in->blocks == 0)
		err = bx_fsi_inline_get(fs, inode, bytes, &length);
	if (length == 0)
		return err;
	err = begin_blocks(fs, inode, 0, 1, 1, FS_OP_NORMAL, &plan);
	if (err == BX_OK)
		err = patch_prepare(fs, inode, 0, true, &p);
	if (err != BX_OK)
		return err;
	err = bx_fsi_inline_put(fs, inode, NULL, 0);
	if (err == BX_OK)
		err = patch_act(fs, inode, in, &p, 0, bytes, length);
	if (err == BX_OK)
		err = bx_fsi_inode_put(fs, inode, in);
	return bx_fsi_op_end(fs, 0, err, FS_LOG_NOTHING, NULL);
}

/* The end of a write of bytes that the log carries. */
static enum bx_err
end_write(struct bx_fs *fs, uint64_t inode, uint64_t offset, uint64_t time_ns, const void *bytes,
    size_t length, enum bx_err err)
{
	return bx_fsi_op_end(fs, time_ns, err, FS_LOG_WRITE, &(struct fs_log_entry){
		.field = { inode, offset, time_ns },
		.first = bytes,
		.first_length = length,
	});
}

static enum bx_err
write_inline(struct bx_fs *fs, uint64_t inode, struct fs_inode *in, uint64_t offset,
    const void *bytes, size_t length, uint64_t time_ns)
{
	uint8_t value[BX_FS_INLINE_MAX];
	size_t have, end = (size_t)offset + length;
	enum bx_err err = bx_fsi_op_begin_on(fs, inode, 2, FS_OP_NORMAL);

	if (err == BX_OK)
		err = bx_fsi_touch_inline(fs, inode);
	if (err == BX_OK)
		err = bx_fsi_inline_get(fs, inode, value, &have);
	if (err != BX_OK)
		return err;
	if (have < end)
		memset(value + have, 0, end - have);
	memcpy(value + offset, bytes, length);
	err = bx_fsi_inline_put(fs, inode, value, have < end ? end : have);
	if (in->size < end)
		in->size = end;
	err = bx_fsi_content_changed(fs, err, inode, in, time_ns);
	return end_write(fs, inode, offset, time_ns, bytes, length, err);
}

static enum bx_err
write_part(struct bx_fs *fs, uint64_t inode, struct fs_inode *in, uint64_t offset,
    const void *bytes, size_t length, uint64_t time_ns)
{
	uint64_t block = offset / BX_FS_BLOCK;
	struct patch p;
	struct fs_plan plan;
	enum bx_err err = begin_blocks(fs, inode, block, block + 1, 1, FS_OP_NORMAL, &plan);

	if (err == BX_OK)
		err = patch_prepare(fs, inode, block, true, &p);
	if (err != BX_OK)
		return err;
	err = patch_act(fs, inode, in, &p, (size_t)(offset % BX_FS_BLOCK), bytes, length);
	if (in->size < offset + length)
		in->size = offset + length;
	err = bx_fsi_content_changed(fs, err, inode, in, time_ns);
	return end_write(fs, inode, offset, time_ns, bytes, length, err);
}

/* The act of mapping blocks that are on the device already; also what a record of it
 * means. */
static enum bx_err
map_act(struct bx_fs *fs, uint64_t inode, struct fs_inode *in, const struct fs_extent *e,
    unsigned items, uint64_t size, uint64_t time_ns)
{
	uint64_t end = e->first + e->count;
	enum bx_err err = BX_OK;

	if (items > 0)
		err = bx_fsi_extent_remove(fs, inode, in, e->first, &end, items);
	else if (in->blocks == 0 && e->first == 0)
		err = bx_fsi_inline_put(fs, inode, NULL, 0);
	if (err == BX_OK)
		err = bx_fsi_extent_insert(fs, inode, in, e);
	if (in->size < size)
		in->size = size;
	err = bx_fsi_content_changed(fs, err, inode, in, time_ns);
	return bx_fsi_op_end(fs, time_ns, err, FS_LOG_MAP, &(struct fs_log_entry){
		.field = { inode, e->first, e->address, e->generation, size, time_ns },
		.first = e->sums,
		.first_length = (size_t)e->count * fs->sum_bytes,
	});
}

/* Replay of a record. */
enum bx_err
bx_fsi_map_blocks(struct bx_fs *fs, uint64_t inode, const struct fs_extent *e, uint64_t size,
    uint64_t time_ns)
{
	struct fs_inode in;
	struct fs_plan plan;
	enum bx_err err = bx_fsi_file_get(fs, inode, &in);

	if (err == BX_OK && e->first > 0)
		err = leave_inline(fs, inode, &in);
	if (err == BX_OK)
		err = begin_blocks(fs, inode, e->first, e->first + e->count, 0, FS_OP_NORMAL, &plan);
	if (err == BX_OK && !plan.all)
		err = BX_ERR_CORRUPT;
	return err == BX_OK ? map_act(fs, inode, &in, e, plan.items, size, time_ns) : err;
}

static enum bx_err
write_whole(struct bx_fs *fs, uint64_t inode, struct fs_inode *in, uint64_t offset,
    const uint8_t *bytes, uint64_t count, uint64_t time_ns, size_t *done)
{
	uint8_t sums[BX_FS_WRITE_MAX / BX_FS_BLOCK * FS_SUM_MAX];
	uint64_t first = offset / BX_FS_BLOCK;
	struct fs_extent e;
	struct fs_run run;
	struct fs_plan plan;
	enum bx_err err = bx_fsi_op_begin(fs, 4, FS_STEP_ITEMS + 4, 1, FS_OP_NORMAL);

	if (err == BX_OK)
		err = bx_fsi_touch_inode(fs, inode);
	if (err == BX_OK && fs->root.free <= FS_RESERVE)
		err = BX_ERR_FS_FULL;
	if (err != BX_OK)
		return err;
	if (count > fs->root.free - FS_RESERVE)
		count = fs->root.free - FS_RESERVE;
	err = bx_fsi_alloc_run(fs, count, &run);
	if (err != BX_OK)
		return err;
	err = bx_fsi_extent_prepare(fs, inode, first, first + run.count, &plan);
	if (err == BX_OK && !plan.all)
		err = BX_ERR_FS_FULL;
	for (uint64_t i = 0; i < run.count && err == BX_OK; i++)
		bx_fsi_sum_block(&fs->root, run.address + i, fs->current, bytes + i * BX_FS_BLOCK,
		    sums + i * fs->sum_bytes);
	if (err == BX_OK)
		err = bx_fsi_device_write(fs, run.address * BX_FS_BLOCK, bytes, (size_t)run.count * BX_FS_BLOCK);
	if (err != BX_OK) {
		/* Nobody knows of these blocks; the map is the only thing to set right. */
		enum bx_err undo = bx_fsi_mark(fs, run.address, run.count, false);

		return undo == BX_OK ? err : bx_fsi_op_end(fs, 0, undo, FS_LOG_NOTHING, NULL);
	}
	fs->unflushed = true;
	e = (struct fs_extent){
		.first = first,
		.count = run.count,
		.address = run.address,
		.generation = fs->current,
		.sums = sums,
	};
	err = map_act(fs, inode, in, &e, plan.items, offset + run.count * BX_FS_BLOCK, time_ns);
	if (err == BX_OK)
		*done = (size_t)run.count * BX_FS_BLOCK;
	return err;
}

enum bx_err
bx_fs_write(struct bx_fs *fs, uint64_t inode, uint64_t offset, const void *buffer, size_t length,
    uint64_t time_ns, size_t *done)
{
	size_t inside = (size_t)(offset % BX_FS_BLOCK);
	struct fs_inode in;
	enum bx_err err;

	if (length > BX_FS_WRITE_MAX)
		length = BX_FS_WRITE_MAX;
	if (!bx_range_fits(offset, length, BX_FS_SIZE_MAX))
		return BX_ERR_RANGE;
	err = open_to_change(fs, inode, &in);
	if (err != BX_OK)
		return err;
	if (length == 0) {
		*done = 0;
		return BX_OK;
	}
	if (in.blocks == 0 && in.size <= BX_FS_INLINE_MAX && offset + length <= BX_FS_INLINE_MAX) {
		err = write_inline(fs, inode, &in, offset, buffer, length, time_ns);
		if (err == BX_OK)
			*done = length;
		return err;
	}
	if (offset > 0 || length < BX_FS_BLOCK) {
		err = leave_inline(fs, inode, &in);
		if (err != BX_OK)
			return err;
	}
	if (inside == 0 && length >= BX_FS_BLOCK)
		return write_whole(fs, inode, &in, offset, buffer, length / BX_FS_BLOCK, time_ns, done);
	if (length > BX_FS_BLOCK - inside)
		length = BX_FS_BLOCK - inside;
	err = write_part(fs, inode, &in, offset, buffer, length, time_ns);
	if (err == BX_OK)
		*done = length;
	return err;
}

/* ---- making smaller ---------------------------------------------------------------------- */

/* The inline content, cut to at most `length` bytes. */
static enum bx_err
cut_inline(struct bx_fs *fs, uint64_t inode, uint64_t length)
{
	uint8_t value[BX_FS_INLINE_MAX];
	size_t have;
	enum bx_err err = bx_fsi_inline_get(fs, inode, value, &have);

	if (err != BX_OK || have <= length)
		return err;
	return bx_fsi_inline_put(fs, inode, value, (size_t)length);
}

enum bx_err
bx_fs_truncate(struct bx_fs *fs, uint64_t inode, uint64_t size, uint64_t time_ns)
{
	uint64_t first = bx_fsi_blocks_for(size), end = BX_FS_SIZE_MAX / BX_FS_BLOCK;
	size_t inside = (size_t)(size % BX_FS_BLOCK);
	struct patch p = { .slot = FS_NO_SLOT };
	struct fs_inode in;
	struct fs_plan plan = { .all = true };
	bool shrink;
	enum bx_err err;

	if (size > BX_FS_SIZE_MAX)
		return BX_ERR_RANGE;
	err = open_to_change(fs, inode, &in);
	if (err != BX_OK)
		return err;
	shrink = size < in.size;
	if (shrink && in.blocks > 0)
		err = begin_blocks(fs, inode, first, end, inside > 0, FS_OP_DELETING, &plan);
	else
		err = bx_fsi_op_begin_on(fs, inode, 2, shrink ? FS_OP_DELETING : FS_OP_NORMAL);
	if (err == BX_OK)
		err = bx_fsi_touch_inline(fs, inode);
	if (err == BX_OK && shrink && in.blocks > 0 && plan.all && inside > 0)
		err = patch_prepare(fs, inode, size / BX_FS_BLOCK, false, &p);
	if (err != BX_OK)
		return err;

	if (shrink && in.blocks > 0) {
		err = bx_fsi_extent_remove(fs, inode, &in, first, &end, plan.items);
		if (err == BX_OK)
			err = patch_act(fs, inode, &in, &p, inside, NULL, BX_FS_BLOCK - inside);
		else
			patch_cancel(fs, &p);
	} else if (shrink) {
		err = cut_inline(fs, inode, size);
	}
	if (!shrink || plan.all)
		in.size = size;
	else if (end * BX_FS_BLOCK < in.size)
		in.size = end * BX_FS_BLOCK;
	err = bx_fsi_content_changed(fs, err, inode, &in, time_ns);
	err = bx_fsi_op_end(fs, time_ns, err, FS_LOG_TRUNCATE, &(struct fs_log_entry){
		.field = { inode, in.size, time_ns },
	});
	return err == BX_OK && in.size > size ? BX_ERR_AGAIN : err;
}

/* Zero a part of inline content. */
static enum bx_err
punch_inline(struct bx_fs *fs, uint64_t inode, uint64_t offset, uint64_t length)
{
	uint8_t value[BX_FS_INLINE_MAX];
	size_t have;
	enum bx_err err = bx_fsi_inline_get(fs, inode, value, &have);

	if (err != BX_OK || have <= offset)
		return err;
	memset(value + offset, 0, length < have - offset ? (size_t)length : have - (size_t)offset);
	return bx_fsi_inline_put(fs, inode, value, have);
}

enum bx_err
bx_fs_punch(struct bx_fs *fs, uint64_t inode, uint64_t offset, uint64_t length, uint64_t time_ns)
{
	struct patch head = { .slot = FS_NO_SLOT }, tail = { .slot = FS_NO_SLOT };
	uint64_t first, end, stop;
	size_t inside, outside, head_bytes;
	struct fs_inode in;
	struct fs_plan plan = { .all = true };
	enum bx_err err;

	if (!bx_range_fits(offset, length, BX_FS_SIZE_MAX))
		return BX_ERR_RANGE;
	err = open_to_change(fs, inode, &in);
	if (err != BX_OK || offset >= in.size || length == 0)
		return err;
	/* Beyond the size everything is zero already, so that the last block may go
	 * whole. */
	stop = length < in.size - offset ? offset + length : bx_align_up(in.size, BX_FS_BLOCK);
	first = bx_fsi_blocks_for(offset);
	end = stop / BX_FS_BLOCK;
	inside = (size_t)(offset % BX_FS_BLOCK);
	outside = (size_t)(stop % BX_FS_BLOCK);
	head_bytes = offset / BX_FS_BLOCK == end ? outside - inside : BX_FS_BLOCK - inside;
	if (in.blocks > 0)
		err = begin_blocks(fs, inode, first, end > first ? end : first, 2, FS_OP_DELETING, &plan);
	else
		err = bx_fsi_op_begin_on(fs, inode, 2, FS_OP_DELETING);
	if (err == BX_OK)
		err = bx_fsi_touch_inline(fs, inode);
	if (err == BX_OK && in.blocks > 0 && plan.all && inside > 0)
		err = patch_prepare(fs, inode, offset / BX_FS_BLOCK, false, &head);
	if (err == BX_OK && in.blocks > 0 && plan.all && outside > 0 && (inside == 0 || end >= first))
		err = patch_prepare(fs, inode, end, false, &tail);
	if (err != BX_OK) {
		patch_cancel(fs, &head);
		return err;
	}

	if (in.blocks > 0 && end > first)
		err = bx_fsi_extent_remove(fs, inode, &in, first, &end, plan.items);
	else if (in.blocks == 0)
		err = punch_inline(fs, inode, offset, length);
	if (err == BX_OK)
		err = patch_act(fs, inode, &in, &head, inside, NULL, head_bytes);
	if (err == BX_OK)
		err = patch_act(fs, inode, &in, &tail, 0, NULL, outside);
	err = bx_fsi_content_changed(fs, err, inode, &in, time_ns);
	/* What was done, not what was asked for. */
	err = bx_fsi_op_end(fs, time_ns, err, FS_LOG_PUNCH, &(struct fs_log_entry){
		.field = { inode, plan.all ? offset : end * BX_FS_BLOCK, plan.all ? length : stop - end * BX_FS_BLOCK, time_ns },
	});
	return err == BX_OK && !plan.all ? BX_ERR_AGAIN : err;
}
