/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * space.c -- which blocks are in use: the allocation map (SPEC.md 8), and what waits to
 * become free.
 *
 * The map has a fixed place for each of its nodes, twice, so that changing it needs no
 * allocation. A block that is freed remains untouched until the next root is durable:
 * `pending`.  Tree blocks of an operation come from `pool`, which is filled before anything
 * is changed; so the change cannot fail.
 */
#include "fs-internal.h"

#define ENTRY_FREE	8
#define ENTRY_SIDE	12
#define ENTRY_SUM	16
#define RUN_WINDOW	1024u	/* bits */

static uint64_t
map_address(const struct bx_fs *fs, unsigned level, uint64_t index, unsigned side)
{
	return 2 + 2 * (fs->shape.base[level] + index) + side;
}

static uint8_t *
entry_of(struct bx_fs *fs, uint32_t slot, uint64_t child)
{
	return bx_fsi_block(fs, slot) + FS_MAP_HEAD + FS_MAP_ENTRY * (size_t)(child % FS_MAP_FANOUT);
}

enum bx_err
bx_fsi_map_check(const struct bx_fs *fs, const uint8_t *block, unsigned level, uint64_t address,
    uint64_t generation)
{
	uint64_t number = (address - 2) / 2;

	if (bx_get_le32(block) != FS_MAGIC_MAP || block[4] != level ||
	    bx_get_le64(block + 16) != generation || bx_get_le64(block + 24) != address)
		return BX_ERR_CORRUPT;
	if (number != fs->shape.base[level] + bx_get_le32(block + 8))
		return BX_ERR_CORRUPT;
	return bx_get_le32(block + 12) <= FS_MAP_BITS ? BX_OK : BX_ERR_CORRUPT;
}

static enum bx_err
entry_pointer(struct bx_fs *fs, const uint8_t *entry, unsigned level, uint64_t index,
    struct fs_pointer *pointer)
{
	if (entry[ENTRY_SIDE] > 1)
		return BX_ERR_CORRUPT;
	pointer->generation = bx_get_le64(entry);
	pointer->address = map_address(fs, level, index, entry[ENTRY_SIDE]);
	memcpy(pointer->sum, entry + ENTRY_SUM, FS_SUM_MAX);
	return BX_OK;
}

/* The number, `up` levels above, of the node that has `index` below it. */
static uint64_t
ancestor(uint64_t index, unsigned up)
{
	for (unsigned i = 0; i < up; i++)
		index /= FS_MAP_FANOUT;
	return index;
}

/* Make the node at `slot` part of the generation being built: the side that the last
 * root does not name. */
static void
turn_side(struct bx_fs *fs, uint32_t slot, uint8_t *parent_entry)
{
	struct fs_slot *s = &fs->slots[slot];

	if (s->generation != fs->current) {
		uint64_t address = s->address ^ 1;
		uint8_t *block = bx_fsi_block(fs, slot);

		bx_fsi_cache_rekey(fs, slot, address);
		s->generation = fs->current;
		bx_put_le64(block + 16, fs->current);
		bx_put_le64(block + 24, address);
		if (parent_entry != NULL) {
			bx_put_le64(parent_entry, fs->current);
			parent_entry[ENTRY_SIDE] = (uint8_t)(address & 1);
		} else {
			fs->root.map_generation = fs->current;
			fs->root.map_side = (uint8_t)(address & 1);
		}
	}
	bx_fsi_cache_dirty(fs, slot);
}

static enum bx_err
map_walk(struct bx_fs *fs, unsigned level, uint64_t index, bool change, uint32_t *out)
{
	uint32_t path[FS_LEVELS];
	uint32_t depth = 0;
	unsigned at = fs->shape.levels - 1;
	struct fs_pointer pointer = {
		.address = map_address(fs, at, 0, fs->root.map_side),
		.generation = fs->root.map_generation,
	};
	uint8_t *entry = NULL;
	enum bx_err err;

	memcpy(pointer.sum, fs->root.map_sum, FS_SUM_MAX);
	for (;;) {
		uint64_t child;
		uint32_t slot;
		bool missed;

		err = bx_fsi_cache_load(fs, &pointer, FS_KIND_MAP, at, &slot, &missed);
		if (err != BX_OK)
			break;
		fs->slots[slot].held++;
		path[depth++] = slot;
		if (change) {
			fs->slots[slot].pin = fs->op;
			turn_side(fs, slot, entry);
		}
		if (at == level) {
			*out = slot;
			break;
		}
		at--;
		child = ancestor(index, at - level);
		entry = entry_of(fs, slot, child);
		err = entry_pointer(fs, entry, at, child, &pointer);
		if (err != BX_OK)
			break;
	}
	while (depth > 0)
		fs->slots[path[--depth]].held--;
	return err;
}

enum bx_err
bx_fsi_map_load(struct bx_fs *fs, unsigned level, uint64_t index, uint32_t *slot)
{
	return map_walk(fs, level, index, false, slot);
}

enum bx_err
bx_fsi_map_store_sum(struct bx_fs *fs, uint32_t slot, const uint8_t *sum)
{
	unsigned level = fs->slots[slot].level;
	uint64_t index = bx_get_le32(bx_fsi_block(fs, slot) + 8);
	uint32_t parent;
	enum bx_err err;

	if (level + 1 == fs->shape.levels) {
		memcpy(fs->root.map_sum, sum, FS_SUM_MAX);
		return BX_OK;
	}
	err = bx_fsi_map_load(fs, level + 1, index / FS_MAP_FANOUT, &parent);
	if (err != BX_OK)
		return err;
	memcpy(entry_of(fs, parent, index) + ENTRY_SUM, sum, FS_SUM_MAX);
	return BX_OK;
}

bool
bx_fsi_map_has_dirty_child(const struct bx_fs *fs, uint32_t slot)
{
	const uint8_t *block = bx_fsi_block(fs, slot);
	unsigned level = fs->slots[slot].level;
	uint64_t first = (uint64_t)bx_get_le32(block + 8) * FS_MAP_FANOUT;

	for (unsigned i = 0; i < FS_MAP_FANOUT && first + i < fs->shape.count[level - 1]; i++) {
		const uint8_t *entry = block + FS_MAP_HEAD + FS_MAP_ENTRY * i;

		if (bx_fsi_cache_is_dirty(fs, map_address(fs, level - 1, first + i, entry[ENTRY_SIDE] & 1)))
			return true;
	}
	return false;
}

bool
bx_fsi_address_valid(const struct bx_fs *fs, uint64_t address, uint64_t count)
{
	uint64_t first = 2 + 2 * fs->shape.nodes + fs->root.log_blocks;
	uint64_t end = fs->root.blocks - 2 - fs->root.log_blocks;

	return address >= first && bx_range_fits(address, count, end);
}

/* Blocks that an operation can have now. */
uint64_t
bx_fsi_available(const struct bx_fs *fs)
{
	return fs->root.free + fs->pool_count;
}

static unsigned
next_bit(const uint8_t *bits, unsigned from, unsigned end, bool set)
{
	uint64_t flip = set ? 0 : UINT64_MAX;

	while (from < end) {
		uint64_t word = (bx_get_le64(bits + from / 64 * 8) ^ flip) >> from % 64;

		if (word != 0) {
			unsigned at = from + (unsigned)__builtin_ctzll(word);

			return at < end ? at : end;
		}
		from = (from / 64 + 1) * 64;
	}
	return end;
}

/* The first run of `want` free bits from `from` on, else the longest that begins within RUN_WINDOW of
 * it, if any does: of a volume that is full of holes not everything is looked at each time. */
static unsigned
find_run(const uint8_t *bits, unsigned from, unsigned want, unsigned *length)
{
	unsigned best = 0, best_at = 0, first = from;

	while (best < want && (best == 0 || from < first + RUN_WINDOW)) {
		unsigned at = next_bit(bits, from, FS_MAP_BITS, false);
		unsigned limit = want < FS_MAP_BITS - at ? at + want : FS_MAP_BITS;
		unsigned end = next_bit(bits, at, limit, true);

		if (at == FS_MAP_BITS)
			break;
		if (end - at > best) {
			best = end - at;
			best_at = at;
		}
		from = end + 1;
	}
	*length = best;
	return best_at;
}

static void
note_touched(struct bx_fs *fs, uint64_t leaf)
{
	for (uint32_t i = 0; i < fs->touched_count; i++)
		if (i < FS_MAP_TOUCH_SLOTS && fs->touched[i] == leaf)
			return;
	if (fs->touched_count < FS_MAP_TOUCH_SLOTS)
		fs->touched[fs->touched_count] = leaf;
	fs->touched_count++;
}

/* Set or clear `count` bits of one leaf; all must be the other way before. */
static enum bx_err
change_bits(struct bx_fs *fs, uint64_t address, uint64_t count, bool set)
{
	uint64_t leaf = address / FS_MAP_BITS;
	unsigned at = (unsigned)(address % FS_MAP_BITS);
	uint32_t slot;
	uint8_t *block;
	enum bx_err err = map_walk(fs, 0, leaf, true, &slot);

	if (err != BX_OK)
		return err;
	note_touched(fs, leaf);
	block = bx_fsi_block(fs, slot);
	if (next_bit(block + FS_MAP_HEAD, at, at + (unsigned)count, set) != at + count)
		return BX_ERR_CORRUPT;
	for (unsigned i = at; i < at + count; i++) {
		uint8_t mask = (uint8_t)(1u << i % 8);

		if (set)
			block[FS_MAP_HEAD + i / 8] |= mask;
		else
			block[FS_MAP_HEAD + i / 8] &= (uint8_t)~mask;
	}
	for (unsigned level = 0; level < fs->shape.levels; level++) {
		uint64_t index = ancestor(leaf, level);
		uint8_t *free = block + 12;

		if (level > 0) {
			err = bx_fsi_map_load(fs, level, index, &slot);
			if (err != BX_OK)
				return err;
			free = entry_of(fs, slot, ancestor(leaf, level - 1)) + ENTRY_FREE;
		}
		bx_put_le32(free, bx_get_le32(free) + (uint32_t)(set ? 0 - count : count));
	}
	fs->root.free += set ? 0 - count : count;
	return BX_OK;
}

/* The first leaf from `from` on that has free blocks. */
static enum bx_err
next_free_leaf(struct bx_fs *fs, uint64_t from, uint64_t *leaf)
{
	uint64_t index = from;
	unsigned level = 0;
	bool down = false;

	if (fs->shape.levels == 1) {
		*leaf = 0;
		return from == 0 ? BX_OK : BX_ERR_NOT_FOUND;
	}
	/* Up while a node has no free child from `index` on, then down along first free
	 * children. */
	for (unsigned turn = 0; turn < 2 * FS_LEVELS; turn++) {
		uint64_t parent = down ? index : index / FS_MAP_FANOUT;
		unsigned parent_level = down ? level : level + 1;
		uint64_t child = down ? index * FS_MAP_FANOUT : index;
		unsigned child_level = parent_level - 1;
		uint64_t end = (parent + 1) * FS_MAP_FANOUT;
		uint32_t slot;
		enum bx_err err;

		if (parent_level >= fs->shape.levels || parent >= fs->shape.count[parent_level])
			return BX_ERR_NOT_FOUND;
		err = bx_fsi_map_load(fs, parent_level, parent, &slot);
		if (err != BX_OK)
			return err;
		if (end > fs->shape.count[child_level])
			end = fs->shape.count[child_level];
		while (child < end && bx_get_le32(entry_of(fs, slot, child) + ENTRY_FREE) == 0)
			child++;
		if (child < end && child_level == 0) {
			*leaf = child;
			return BX_OK;
		}
		if (child < end) {
			down = true;
			index = child;
			level = child_level;
		} else if (down) {
			return BX_ERR_CORRUPT;
		} else {
			index = parent + 1;
			level = parent_level;
		}
	}
	return BX_ERR_NOT_FOUND;
}

/* Up to `want` free blocks in a row, from the hint on, around the end. */
static enum bx_err
find_free(struct bx_fs *fs, uint64_t hint, uint64_t want, struct fs_run *run)
{
	uint64_t leaf = hint / FS_MAP_BITS;
	unsigned from = (unsigned)(hint % FS_MAP_BITS);

	/* The hint's leaf from the hint, the next one with free blocks, the first one:
	 * then all was seen or the map lies. */
	for (unsigned turn = 0; turn < 4; turn++) {
		uint32_t slot;
		unsigned length, at;
		enum bx_err err = bx_fsi_map_load(fs, 0, leaf, &slot);

		if (err != BX_OK)
			return err;
		at = find_run(bx_fsi_block(fs, slot) + FS_MAP_HEAD, from,
		    want < FS_MAP_BITS ? (unsigned)want : FS_MAP_BITS, &length);
		if (length > 0) {
			run->address = leaf * FS_MAP_BITS + at;
			run->count = length;
			return BX_OK;
		}
		err = next_free_leaf(fs, leaf + 1, &leaf);
		if (err == BX_ERR_NOT_FOUND)
			err = next_free_leaf(fs, 0, &leaf);
		if (err != BX_OK)
			return err == BX_ERR_NOT_FOUND ? BX_ERR_FS_FULL : err;
		from = 0;
	}
	return BX_ERR_CORRUPT;
}

static enum bx_err
take_run(struct bx_fs *fs, uint64_t *hint, uint64_t want, struct fs_run *run)
{
	enum bx_err err = find_free(fs, *hint, want, run);

	if (err != BX_OK)
		return err;
	if (!bx_fsi_address_valid(fs, run->address, run->count))
		return BX_ERR_CORRUPT;
	err = change_bits(fs, run->address, run->count, true);
	if (err != BX_OK)
		return err;
	for (uint64_t i = 0; i < run->count; i++)
		bx_fsi_cache_drop(fs, run->address + i);
	*hint = run->address + run->count < fs->root.blocks ? run->address + run->count : 0;
	return BX_OK;
}

/* Blocks for file data: 1..want in a row. */
enum bx_err
bx_fsi_alloc_run(struct bx_fs *fs, uint64_t want, struct fs_run *run)
{
	if (fs->root.free == 0)
		return BX_ERR_FS_FULL;
	return take_run(fs, &fs->root.data_hint, want, run);
}

/* In use, or no longer: what no root and no record names. */
enum bx_err
bx_fsi_mark(struct bx_fs *fs, uint64_t address, uint64_t count, bool set)
{
	while (count > 0) {
		uint64_t part = FS_MAP_BITS - address % FS_MAP_BITS;
		enum bx_err err;

		if (part > count)
			part = count;
		err = change_bits(fs, address, part, set);
		if (err != BX_OK)
			return err;
		address += part;
		count -= part;
	}
	return BX_OK;
}

/* Have `count` blocks at hand for what follows. */
enum bx_err
bx_fsi_pool_fill(struct bx_fs *fs, uint32_t count)
{
	if (fs->read_only)
		return BX_OK;
	if (count > FS_POOL_MAX)
		return BX_ERR_NO_MEMORY;
	while (fs->pool_count < count) {
		struct fs_run run;
		enum bx_err err;

		if (fs->root.free == 0)
			return BX_ERR_FS_FULL;
		err = take_run(fs, &fs->root.node_hint, FS_POOL_MAX - fs->pool_count < fs->root.free / 8 ?
		    FS_POOL_MAX - fs->pool_count : count - fs->pool_count, &run);
		if (err != BX_OK)
			return err;
		/* The lowest comes out first. */
		for (uint64_t i = run.count; i > 0; i--)
			fs->pool[fs->pool_count++] = run.address + i - 1;
	}
	return BX_OK;
}

enum bx_err
bx_fsi_pool_take(struct bx_fs *fs, uint64_t *address)
{
	if (fs->read_only) {
		*address = fs->next_virtual++;
		return BX_OK;
	}
	if (fs->pool_count == 0)
		return BX_ERR_FS_FULL;
	*address = fs->pool[fs->pool_count - 1];
	/* What is free is in nobody's memory: a hostile volume names it. */
	if (bx_fsi_cache_find(fs, *address) != FS_NO_SLOT)
		return BX_ERR_CORRUPT;
	fs->pool_count--;
	return BX_OK;
}

/* Blocks that the last root or a record may name: free once the next root is durable. */
enum bx_err
bx_fsi_free_later(struct bx_fs *fs, uint64_t address, uint64_t count)
{
	struct fs_run *last = fs->pending + fs->pending_count - 1;

	if (fs->read_only)
		return BX_OK;
	if (!bx_fsi_address_valid(fs, address, count))
		return BX_ERR_CORRUPT;
	if (fs->pending_count > 0 && last->address + last->count == address) {
		last->count += count;
	} else if (fs->pending_count > 0 && address + count == last->address) {
		last->address = address;
		last->count += count;
	} else {
		if (fs->pending_count == fs->pending_max)
			return BX_ERR_NO_MEMORY;
		fs->pending[fs->pending_count++] = (struct fs_run){ .address = address, .count = count };
	}
	/* An extent that grew may reach into the next leaf. */
	note_touched(fs, address / FS_MAP_BITS);
	note_touched(fs, (address + count - 1) / FS_MAP_BITS);
	fs->pending_blocks += count;
	return BX_OK;
}

/* A tree or patched block that is no longer used.  One of this generation is known to
 * nobody else. */
void
bx_fsi_free_node(struct bx_fs *fs, uint64_t address, uint64_t generation, enum bx_err *err)
{
	bx_fsi_cache_drop(fs, address);
	if (fs->read_only)
		return;
	if (generation == fs->current && fs->pool_count < FS_POOL_MAX) {
		fs->pool[fs->pool_count++] = address;
		return;
	}
	if (*err == BX_OK)
		*err = bx_fsi_free_later(fs, address, 1);
}

/* For the next root: what was taken and not used, and what was freed, becomes free in
 * the map. */
enum bx_err
bx_fsi_space_settle(struct bx_fs *fs)
{
	while (fs->pool_count > 0) {
		uint64_t address = fs->pool[fs->pool_count - 1];
		uint32_t count = 1;
		enum bx_err err;

		while (count < fs->pool_count &&
		    fs->pool[fs->pool_count - 1 - count] == address + count)
			count++;
		err = bx_fsi_mark(fs, address, count, false);
		if (err != BX_OK)
			return err;
		fs->pool_count -= count;
	}
	while (fs->pending_count > 0) {
		const struct fs_run *run = &fs->pending[fs->pending_count - 1];
		enum bx_err err = bx_fsi_mark(fs, run->address, run->count, false);

		if (err != BX_OK)
			return err;
		fs->pending_blocks -= run->count;
		fs->pending_count--;
	}
	fs->touched_count = 0;
	return BX_OK;
}

/* Every map block above a leaf that changes is written with it; of those that changed already, none twice. */
uint32_t
bx_fsi_commit_cost(const struct bx_fs *fs)
{
	uint32_t count = fs->touched_count < FS_MAP_TOUCH_SLOTS ? fs->touched_count : FS_MAP_TOUCH_SLOTS;
	uint32_t cost = fs->dirty_count - fs->dirty_of[FS_KIND_MAP] + fs->dying.moved + fs->touched_count - count;

	for (unsigned level = 0; level < fs->shape.levels; level++)
		for (uint32_t i = 0; i < count; i++) {
			uint32_t j = 0;

			while (ancestor(fs->touched[j], level) != ancestor(fs->touched[i], level))
				j++;
			cost += j == i;
		}
	return cost;
}

bool
bx_fsi_root_due(const struct bx_fs *fs)
{
	/* The whole of a small map is within what a root may write. */
	return fs->pending_count + FS_FREES_MAX > fs->pending_max || fs->dying.done ||
	    (fs->touched_count > FS_MAP_TOUCH_MAX && fs->shape.nodes > FS_COMMIT_MAX);
}
