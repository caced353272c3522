/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * read.c -- reading the content of files, and verifying it.  Whole blocks go straight from the device
 * to the caller, and are verified there.
 */
#include "fs-internal.h"

enum bx_err
bx_fsi_file_get(struct bx_fs *fs, uint64_t inode, struct fs_inode *in)
{
	enum bx_err err = bx_fsi_inode_open(fs, inode, in);

	if (err != BX_OK)
		return err;
	if (in->type == BX_FS_DIRECTORY)
		return BX_ERR_FS_IS_DIR;
	return in->type == BX_FS_FILE ? BX_OK : BX_ERR_INVALID;
}

/* The content that is kept in the tree; *have 0: none is. */
enum bx_err
bx_fsi_inline_get(struct bx_fs *fs, uint64_t inode, uint8_t bytes[BX_FS_INLINE_MAX], size_t *have)
{
	struct fs_item item;
	enum bx_err err = bx_fsi_tree_find(fs, inode, FS_KEY_INLINE, NULL, 0, &item);

	*have = 0;
	if (err != BX_OK)
		return err == BX_ERR_NOT_FOUND ? BX_OK : err;
	if (item.value_length > BX_FS_INLINE_MAX)
		return BX_ERR_CORRUPT;
	*have = item.value_length;
	memcpy(bytes, item.value, *have);
	return BX_OK;
}

/* Copy inline bytes [offset, offset + length); zeros beyond what is kept. */
static enum bx_err
read_inline(struct bx_fs *fs, uint64_t inode, uint64_t offset, uint8_t *to, size_t length)
{
	uint8_t bytes[BX_FS_INLINE_MAX];
	size_t have;
	enum bx_err err = bx_fsi_inline_get(fs, inode, bytes, &have);

	if (err != BX_OK)
		return err;
	have = offset < have ? have - (size_t)offset : 0;
	if (have > length)
		have = length;
	if (have > 0)
		memcpy(to, bytes + offset, have);
	memset(to + have, 0, length - have);
	return BX_OK;
}

static enum bx_err
verify(const struct bx_fs *fs, uint64_t address, uint64_t generation, const uint8_t *block,
    const uint8_t *want)
{
	uint8_t sum[FS_SUM_MAX];

	bx_fsi_sum_block(&fs->root, address, generation, block, sum);
	return memcmp(sum, want, fs->sum_bytes) == 0 ? BX_OK : BX_ERR_CORRUPT;
}

/* Whole blocks from the device to the caller, verified there. */
static enum bx_err
read_whole(struct bx_fs *fs, uint64_t address, uint64_t generation, const uint8_t *sums,
    uint64_t count, uint8_t *to)
{
	size_t bytes = (size_t)count * BX_FS_BLOCK;
	enum bx_err err = bx_fsi_device_read(fs, address * BX_FS_BLOCK, to, bytes);

	for (uint64_t i = 0; i < count && err == BX_OK; i++)
		err = verify(fs, address + i, generation, to + i * BX_FS_BLOCK,
		    sums + i * fs->sum_bytes);
	if (err != BX_OK)
		memset(to, 0, bytes);
	return err;
}

/* A data block in the cache. */
enum bx_err
bx_fsi_data_load(struct bx_fs *fs, uint64_t address, uint64_t generation, const uint8_t *sum,
    uint32_t *slot)
{
	struct fs_pointer pointer = { .address = address, .generation = generation };
	bool missed;

	memcpy(pointer.sum, sum, fs->sum_bytes);
	return bx_fsi_cache_load(fs, &pointer, FS_KIND_DATA, 0, slot, &missed);
}

/* The first extent that ends behind a block.  BX_ERR_NOT_FOUND: there is none. */
static enum bx_err
extent_from(struct bx_fs *fs, uint64_t inode, uint64_t block, struct fs_extent *out)
{
	struct fs_item item;
	struct fs_key key;
	enum bx_err err = bx_fsi_extent_at(fs, inode, block, out);

	if (err != BX_ERR_NOT_FOUND)
		return err;
	bx_fsi_key_u64(&key, inode, FS_KEY_EXTENT, block);
	err = bx_fsi_tree_next(fs, &key, true, &item);
	if (err == BX_OK)
		err = bx_fsi_extent_decode(fs, &item, out);
	/* The block has an extent after all, in another leaf than the one that was asked. */
	return err == BX_OK && out->first == block ? BX_ERR_CORRUPT : err;
}

/* Make the hint know the file, and the extent of `block` or the hole there: *hole_end is
 * the block after it. */
static enum bx_err
find_for_read(struct bx_fs *fs, uint64_t inode, uint64_t block, uint64_t last, uint64_t *hole_end)
{
	struct fs_read_hint *h = &fs->hint;
	struct fs_extent e = { .first = last };
	enum bx_err err;

	*hole_end = block;
	if (h->count > 0 && block >= h->first && block - h->first < h->count)
		return BX_OK;
	err = extent_from(fs, inode, block, &e);
	if (err != BX_OK && err != BX_ERR_NOT_FOUND)
		return err;
	if (e.first > block) {
		*hole_end = e.first < last ? e.first : last;
		return BX_OK;
	}
	h->first = e.first;
	h->count = e.count;
	h->address = e.address;
	h->generation = e.generation;
	memcpy(h->sums, e.sums, (size_t)e.count * fs->sum_bytes);
	return BX_OK;
}

/* How many of `count` blocks can be read from the device: those before a changed one in
 * memory. */
static uint64_t
on_device(const struct bx_fs *fs, uint64_t address, uint64_t count)
{
	uint64_t n = 0;

	/* What a read-only replay put beyond the volume is in memory or nowhere. */
	if (!bx_fsi_address_valid(fs, address, count))
		return 0;
	if (fs->dirty_of[FS_KIND_DATA] == 0)
		return count;
	while (n < count && !bx_fsi_cache_is_dirty(fs, address + n))
		n++;
	return n;
}

static enum bx_err
read_blocks(struct bx_fs *fs, uint64_t inode, uint64_t offset, uint8_t *to, size_t length)
{
	struct fs_read_hint *h = &fs->hint;
	uint64_t last = bx_fsi_blocks_for(offset + length);

	while (length > 0) {
		uint64_t block = offset / BX_FS_BLOCK, hole_end;
		size_t inside = (size_t)(offset % BX_FS_BLOCK);
		size_t part = BX_FS_BLOCK - inside;
		enum bx_err err = find_for_read(fs, inode, block, last, &hole_end);

		if (err != BX_OK)
			return err;
		if (hole_end > block) {
			uint64_t bytes = hole_end * BX_FS_BLOCK - offset;

			part = bytes < length ? (size_t)bytes : length;
			memset(to, 0, part);
		} else {
			uint64_t i = block - h->first;
			uint64_t whole = inside == 0 ? length / BX_FS_BLOCK : 0;

			if (whole > h->count - i)
				whole = h->count - i;
			whole = on_device(fs, h->address + i, whole);
			if (whole > 0) {
				part = (size_t)whole * BX_FS_BLOCK;
				err = read_whole(fs, h->address + i, h->generation,
				    h->sums + i * fs->sum_bytes, whole, to);
			} else {
				uint32_t slot;

				if (part > length)
					part = length;
				err = bx_fsi_data_load(fs, h->address + i, h->generation,
				    h->sums + i * fs->sum_bytes, &slot);
				if (err == BX_OK)
					memcpy(to, bx_fsi_block(fs, slot) + inside, part);
			}
			if (err != BX_OK)
				return err;
		}
		to += part;
		offset += part;
		length -= part;
	}
	return BX_OK;
}

enum bx_err
bx_fs_read(struct bx_fs *fs, uint64_t inode, uint64_t offset, void *buffer, size_t length,
    size_t *done)
{
	struct fs_read_hint *h = &fs->hint;
	enum bx_err err;

	if (h->version != fs->version || h->inode != inode) {
		struct fs_inode in;

		err = bx_fsi_file_get(fs, inode, &in);
		if (err != BX_OK)
			return err;
		h->version = fs->version;
		h->inode = inode;
		h->size = in.size;
		h->blocks = in.blocks;
		h->count = 0;
	}
	if (offset >= h->size || length == 0) {
		*done = 0;
		return BX_OK;
	}
	if (length > h->size - offset)
		length = (size_t)(h->size - offset);
	if (length > BX_FS_READ_MAX)
		length = BX_FS_READ_MAX;
	if (h->blocks == 0)
		err = read_inline(fs, inode, offset, buffer, length);
	else
		err = read_blocks(fs, inode, offset, buffer, length);
	if (err == BX_OK)
		*done = length;
	return err;
}

enum bx_err
bx_fs_next_data(struct bx_fs *fs, uint64_t inode, uint64_t *offset, uint64_t *length)
{
	uint64_t from = 0, end = BX_FS_INLINE_MAX;
	struct fs_inode in;
	enum bx_err err = bx_fsi_file_get(fs, inode, &in);

	if (err == BX_OK && in.blocks > 0) {
		struct fs_extent e = { .count = 0 };

		err = extent_from(fs, inode, *offset / BX_FS_BLOCK, &e);
		from = e.first * BX_FS_BLOCK;
		end = from + e.count * BX_FS_BLOCK;
	}
	if (err != BX_OK)
		return err;
	end = end < in.size ? end : in.size;
	from = from > *offset ? from : *offset;
	if (from >= end)
		return BX_ERR_NOT_FOUND;
	*offset = from;
	*length = end - from;
	return BX_OK;
}

enum bx_err
bx_fs_verify(struct bx_fs *fs, uint64_t inode, uint64_t *offset)
{
	uint8_t bytes[512];
	struct fs_inode in;
	uint64_t block = *offset / BX_FS_BLOCK;
	enum bx_err err = bx_fsi_file_get(fs, inode, &in);

	if (err == BX_OK && in.blocks == 0)
		err = read_inline(fs, inode, 0, bytes, sizeof bytes);
	if (err != BX_OK)
		return err;
	for (unsigned turn = 0; turn < BX_FS_READ_MAX / BX_FS_BLOCK; turn++) {
		struct fs_extent e;
		uint32_t slot;

		err = extent_from(fs, inode, block, &e);
		if (err == BX_ERR_NOT_FOUND) {
			*offset = in.size;
			return BX_OK;
		}
		if (err == BX_OK && block < e.first)
			block = e.first;
		*offset = block * BX_FS_BLOCK;
		if (err == BX_OK)
			err = bx_fsi_data_load(fs, e.address + (block - e.first), e.generation,
			    e.sums + (size_t)(block - e.first) * fs->sum_bytes, &slot);
		if (err != BX_OK)
			return err;
		block++;
	}
	*offset = block * BX_FS_BLOCK;
	return BX_ERR_AGAIN;
}

enum bx_err
bx_fs_read_link(struct bx_fs *fs, uint64_t inode, char *buffer, size_t buffer_length,
    size_t *length)
{
	struct fs_inode in;
	enum bx_err err = bx_fsi_inode_open(fs, inode, &in);

	if (err != BX_OK)
		return err;
	if (in.type != BX_FS_SYMLINK)
		return BX_ERR_INVALID;
	if (in.size > buffer_length)
		return BX_ERR_OVERFLOW;
	err = read_inline(fs, inode, 0, (uint8_t *)buffer, (size_t)in.size);
	if (err == BX_OK)
		*length = (size_t)in.size;
	return err;
}
