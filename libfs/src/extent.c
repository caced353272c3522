/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* extent.c -- which device blocks hold which file blocks (SPEC.md 6). */
#include "fs-internal.h"

#define FILE_BLOCKS_MAX (BX_FS_SIZE_MAX / BX_FS_BLOCK)

enum bx_err
bx_fsi_extent_decode(const struct bx_fs *fs, const struct fs_item *item, struct fs_extent *out)
{
	struct fs_extent e;

	if (item->key_length != 17 || item->value_length <= 16 ||
	    (item->value_length - 16) % fs->sum_bytes != 0)
		return BX_ERR_CORRUPT;
	e.first = bx_get_be64(item->key + 9);
	e.count = (item->value_length - 16) / fs->sum_bytes;
	e.address = bx_get_le64(item->value);
	e.generation = bx_get_le64(item->value + 8);
	e.sums = item->value + 16;
	if (e.count > fs->extent_blocks || !bx_range_fits(e.first, e.count, FILE_BLOCKS_MAX) ||
	    e.generation > item->generation)
		return BX_ERR_CORRUPT;
	/* A read-only replay keeps changed blocks at addresses beyond the volume. */
	if (!bx_fsi_address_valid(fs, e.address, e.count) && !(e.address >= fs->root.blocks &&
	    bx_range_fits(e.address, e.count, fs->next_virtual)))
		return BX_ERR_CORRUPT;
	*out = e;
	return BX_OK;
}

/* The last extent that begins at or before `block`. */
static enum bx_err
extent_before(struct bx_fs *fs, uint64_t inode, uint64_t block, struct fs_extent *out)
{
	struct fs_key key;
	struct fs_item item;
	enum bx_err err;

	bx_fsi_key_u64(&key, inode, FS_KEY_EXTENT, block);
	err = bx_fsi_tree_last(fs, &key, &item);
	return err == BX_OK ? bx_fsi_extent_decode(fs, &item, out) : err;
}

/* The extent that holds the file block.  BX_ERR_NOT_FOUND: a hole. */
enum bx_err
bx_fsi_extent_at(struct bx_fs *fs, uint64_t inode, uint64_t block, struct fs_extent *out)
{
	struct fs_extent e;
	enum bx_err err = extent_before(fs, inode, block, &e);

	if (err != BX_OK)
		return err;
	if (block - e.first >= e.count)
		return BX_ERR_NOT_FOUND;
	*out = e;
	return BX_OK;
}

static enum bx_err
touch_extent(struct bx_fs *fs, uint64_t inode, uint64_t block)
{
	struct fs_key key;

	bx_fsi_key_u64(&key, inode, FS_KEY_EXTENT, block);
	return bx_fsi_tree_touch(fs, &key);
}

/* Make changeable what removing [first, end) and inserting there changes; at most
 * FS_STEP_ITEMS extents, from the end.  Fewer, when space or memory ends early. */
enum bx_err
bx_fsi_extent_prepare(struct bx_fs *fs, uint64_t inode, uint64_t first, uint64_t end,
    struct fs_plan *plan)
{
	struct fs_extent e = { .count = 0 };
	enum bx_err err = BX_OK;

	*plan = (struct fs_plan){ .all = end <= first };
	while (plan->items < FS_STEP_ITEMS && err == BX_OK && !plan->all) {
		err = extent_before(fs, inode, end - 1, &e);
		if (err == BX_ERR_NOT_FOUND || (err == BX_OK && e.first + e.count <= first)) {
			plan->all = true;
			break;
		}
		if (err == BX_OK && e.first + e.count > end)
			err = touch_extent(fs, inode, end);
		if (err == BX_OK)
			err = touch_extent(fs, inode, e.first);
		if ((err == BX_ERR_FS_FULL || err == BX_ERR_NO_MEMORY) && plan->items > 0)
			return BX_OK;
		if (err != BX_OK)
			return err;
		plan->items++;
		end = e.first;
		plan->all = end <= first;
	}
	/* The extent before, which what is inserted may join. */
	if (err == BX_OK && plan->all && first > 0 && e.first + e.count != first)
		err = extent_before(fs, inode, first - 1, &e);
	if (err == BX_OK && plan->all && first > 0)
		err = touch_extent(fs, inode, e.first);
	if (err != BX_OK && err != BX_ERR_NOT_FOUND)
		return err;
	return touch_extent(fs, inode, first);
}

static enum bx_err
put_extent(struct bx_fs *fs, uint64_t inode, const struct fs_extent *e)
{
	uint8_t value[FS_EXTENT_MAX];
	struct fs_key key;
	size_t sums = (size_t)e->count * fs->sum_bytes;

	BX_ASSERT(sums <= FS_EXTENT_SUMS);
	bx_put_le64(value, e->address);
	bx_put_le64(value + 8, e->generation);
	memcpy(value + 16, e->sums, sums);
	bx_fsi_key_u64(&key, inode, FS_KEY_EXTENT, e->first);
	return bx_fsi_tree_put(fs, &key, value, 16 + sums);
}

/*
 * Unmap file blocks [first, *end) from the end, at most `items` extents; *end becomes the
 * lowest block that was looked at: `first` when all is done.  in->blocks is kept up.  What
 * is unmapped is freed with the next root.
 */
enum bx_err
bx_fsi_extent_remove(struct bx_fs *fs, uint64_t inode, struct fs_inode *in, uint64_t first,
    uint64_t *end, unsigned items)
{
	for (unsigned turn = 0; turn <= items && *end > first; turn++) {
		uint8_t sums[FS_EXTENT_SUMS];
		struct fs_extent e, part;
		uint64_t low, high;
		enum bx_err err = extent_before(fs, inode, *end - 1, &e);

		if (err == BX_ERR_NOT_FOUND || (err == BX_OK && e.first + e.count <= first)) {
			*end = first;
			return BX_OK;
		}
		if (err != BX_OK || turn == items)
			return err;
		memcpy(sums, e.sums, (size_t)e.count * fs->sum_bytes);
		e.sums = sums;
		low = e.first > first ? e.first : first;
		high = e.first + e.count < *end ? e.first + e.count : *end;
		if (low > e.first) {
			part = e;
			part.count = low - e.first;
			err = put_extent(fs, inode, &part);
		} else {
			struct fs_key key;

			bx_fsi_key_u64(&key, inode, FS_KEY_EXTENT, e.first);
			err = bx_fsi_tree_delete(fs, &key);
		}
		if (err == BX_OK && e.first + e.count > high) {
			part = e;
			part.first = high;
			part.count = e.first + e.count - high;
			part.address = e.address + (high - e.first);
			part.sums = sums + (size_t)(high - e.first) * fs->sum_bytes;
			err = put_extent(fs, inode, &part);
		}
		if (err == BX_OK && !bx_fsi_snapshot_holds_data(fs, e.generation, inode, low))
			err = bx_fsi_free_later(fs, e.address + (low - e.first), high - low);
		if (err != BX_OK)
			return err;
		for (uint64_t i = low; fs->dirty_of[FS_KIND_DATA] > 0 && i < high; i++)
			bx_fsi_cache_drop(fs, e.address + (i - e.first));
		if (in->blocks < high - low)
			return BX_ERR_CORRUPT;
		in->blocks -= high - low;
		*end = low;
	}
	return BX_OK;
}

/* Map blocks where there is a hole.  Joins the extent before if it continues it. */
enum bx_err
bx_fsi_extent_insert(struct bx_fs *fs, uint64_t inode, struct fs_inode *in,
    const struct fs_extent *extent)
{
	uint8_t sums[FS_EXTENT_SUMS];
	struct fs_extent e;
	enum bx_err err = BX_ERR_NOT_FOUND;

	in->blocks += extent->count;
	if (extent->first > 0)
		err = extent_before(fs, inode, extent->first - 1, &e);
	if (err != BX_OK && err != BX_ERR_NOT_FOUND)
		return err;
	if (err == BX_OK && e.first + e.count == extent->first && e.generation == extent->generation &&
	    e.address + e.count == extent->address && e.count + extent->count <= fs->extent_blocks) {
		memcpy(sums, e.sums, (size_t)e.count * fs->sum_bytes);
		memcpy(sums + (size_t)e.count * fs->sum_bytes, extent->sums,
		    (size_t)extent->count * fs->sum_bytes);
		e.count += extent->count;
		e.sums = sums;
		return put_extent(fs, inode, &e);
	}
	return put_extent(fs, inode, extent);
}

/* A block that was changed where it is has another checksum. */
enum bx_err
bx_fsi_extent_set_sum(struct bx_fs *fs, uint64_t inode, uint64_t block, const uint8_t *sum)
{
	uint8_t sums[FS_EXTENT_SUMS];
	struct fs_extent e;
	enum bx_err err = bx_fsi_extent_at(fs, inode, block, &e);

	if (err != BX_OK)
		return err;
	memcpy(sums, e.sums, (size_t)e.count * fs->sum_bytes);
	memcpy(sums + (size_t)(block - e.first) * fs->sum_bytes, sum, fs->sum_bytes);
	e.sums = sums;
	return put_extent(fs, inode, &e);
}
