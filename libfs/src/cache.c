/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * cache.c -- blocks in memory.  A block is verified when it is read and gets its checksum
 * when it is written; its parent in memory learns the checksum then.  So parents are
 * written after children, and the parent of a dirty block is always in memory.
 *
 * Dirty slots form a list, the one untouched for longest first.  Clean ones are found by a
 * clock hand, which passes by a block that was used once, and four times more for each level that it is above
 * the leaves: what leads to many blocks is wanted again sooner than one of these.
 */
#include "fs-internal.h"

void
bx_fsi_cache_init(struct bx_fs *fs)
{
	for (uint32_t i = 0; i <= fs->bucket_mask; i++)
		fs->buckets[i] = FS_NO_SLOT;
	for (uint32_t i = 0; i < fs->slot_count; i++)
		fs->slots[i] = (struct fs_slot){ .state = FS_SLOT_FREE };
	fs->hand = 0;
	fs->dirty_oldest = fs->dirty_newest = FS_NO_SLOT;
	fs->dirty_count = 0;
	memset(fs->dirty_of, 0, sizeof fs->dirty_of);
	fs->shape_version++;
}

/* What a device says beside BX_OK is BX_ERR_IO to everybody. */
enum bx_err
bx_fsi_device_read(const struct bx_fs *fs, uint64_t offset, void *to, size_t length)
{
	return fs->device.read(fs->device.context, offset, to, length) == BX_OK ? BX_OK : BX_ERR_IO;
}

enum bx_err
bx_fsi_device_write(const struct bx_fs *fs, uint64_t offset, const void *from, size_t length)
{
	return fs->device.write(fs->device.context, offset, from, length) == BX_OK ? BX_OK : BX_ERR_IO;
}

enum bx_err
bx_fsi_device_flush(const struct bx_fs *fs)
{
	return fs->device.flush(fs->device.context) == BX_OK ? BX_OK : BX_ERR_IO;
}

static uint32_t *
bucket_of(const struct bx_fs *fs, uint64_t address)
{
	uint64_t h = address * UINT64_C(0x9E3779B185EBCA87);

	return &fs->buckets[(uint32_t)(h >> 40) & fs->bucket_mask];
}

uint32_t
bx_fsi_cache_find(const struct bx_fs *fs, uint64_t address)
{
	uint32_t i = *bucket_of(fs, address);

	while (i != FS_NO_SLOT && fs->slots[i].address != address)
		i = fs->slots[i].chain;
	return i;
}

/* Whether the block is in memory, and other than on the device. */
bool
bx_fsi_cache_is_dirty(const struct bx_fs *fs, uint64_t address)
{
	uint32_t i = bx_fsi_cache_find(fs, address);

	return i != FS_NO_SLOT && fs->slots[i].state == FS_SLOT_DIRTY;
}

static void
chain_in(struct bx_fs *fs, uint32_t slot, uint64_t address)
{
	uint32_t *bucket = bucket_of(fs, address);

	fs->slots[slot].address = address;
	fs->slots[slot].chain = *bucket;
	*bucket = slot;
}

static void
chain_out(struct bx_fs *fs, uint32_t slot)
{
	uint32_t *link = bucket_of(fs, fs->slots[slot].address);

	while (*link != slot)
		link = &fs->slots[*link].chain;
	*link = fs->slots[slot].chain;
}

static void
list_out(struct bx_fs *fs, uint32_t slot)
{
	struct fs_slot *s = &fs->slots[slot];

	if (s->older != FS_NO_SLOT)
		fs->slots[s->older].newer = s->newer;
	else
		fs->dirty_oldest = s->newer;
	if (s->newer != FS_NO_SLOT)
		fs->slots[s->newer].older = s->older;
	else
		fs->dirty_newest = s->older;
	fs->dirty_count--;
	fs->dirty_of[s->kind]--;
}

/* The slot differs from the device, or is new.  It becomes the newest of the list. */
void
bx_fsi_cache_dirty(struct bx_fs *fs, uint32_t slot)
{
	struct fs_slot *s = &fs->slots[slot];

	if (s->state == FS_SLOT_DIRTY) {
		if (fs->dirty_newest == slot)
			return;
		list_out(fs, slot);
	}
	s->state = FS_SLOT_DIRTY;
	s->older = fs->dirty_newest;
	s->newer = FS_NO_SLOT;
	if (fs->dirty_newest != FS_NO_SLOT)
		fs->slots[fs->dirty_newest].newer = slot;
	else
		fs->dirty_oldest = slot;
	fs->dirty_newest = slot;
	fs->dirty_count++;
	fs->dirty_of[s->kind]++;
}

/* Write a dirty slot to its address and tell its parent the checksum. */
static enum bx_err
write_out(struct bx_fs *fs, uint32_t slot)
{
	struct fs_slot *s = &fs->slots[slot];
	uint8_t sum[FS_SUM_MAX] = { 0 };
	enum bx_err err;

	BX_ASSERT(!fs->read_only);
	bx_fsi_sum_block(&fs->root, s->address, s->generation, bx_fsi_block(fs, slot), sum);
	err = bx_fsi_device_write(fs, s->address * BX_FS_BLOCK, bx_fsi_block(fs, slot), BX_FS_BLOCK);
	if (err != BX_OK)
		return err;
	if (s->kind == FS_KIND_NODE)
		err = bx_fsi_tree_store_sum(fs, slot, sum);
	else if (s->kind == FS_KIND_MAP)
		err = bx_fsi_map_store_sum(fs, slot, sum);
	if (err != BX_OK)
		return err;
	fs->counters.blocks_written++;
	list_out(fs, slot);
	s->state = FS_SLOT_CLEAN;
	return BX_OK;
}

static bool
may_write_out(const struct bx_fs *fs, uint32_t slot)
{
	const struct fs_slot *s = &fs->slots[slot];

	if (s->level == 0 || s->kind == FS_KIND_DATA)
		return true;
	if (s->kind == FS_KIND_NODE)
		return !bx_fsi_tree_has_dirty_child(fs, slot);
	return !bx_fsi_map_has_dirty_child(fs, slot);
}

/* Write out the dirty block that was left alone for longest.  `spare_pinned`: not one that the running operation
 * prepared.  One of the map comes last, and then not at all: the next root changes it again. */
enum bx_err
bx_fsi_cache_write_oldest(struct bx_fs *fs, bool spare_pinned)
{
	uint32_t map = FS_NO_SLOT;

	for (uint32_t i = fs->dirty_oldest; i != FS_NO_SLOT; i = fs->slots[i].newer) {
		const struct fs_slot *s = &fs->slots[i];

		if (s->held || (spare_pinned && (s->pin == fs->op || s->kind == FS_KIND_MAP)) || !may_write_out(fs, i))
			continue;
		if (s->kind != FS_KIND_MAP)
			return write_out(fs, i);
		map = i;
	}
	return map == FS_NO_SLOT ? BX_ERR_NO_MEMORY : write_out(fs, map);
}

/* A clean or free slot that nobody needs at the moment. */
static uint32_t
find_victim(struct bx_fs *fs)
{
	for (uint32_t n = 0; n < FS_TURNS * fs->slot_count; n++) {
		uint32_t i = fs->hand;
		struct fs_slot *s = &fs->slots[i];

		fs->hand = i + 1 == fs->slot_count ? 0 : i + 1;
		if (s->state == FS_SLOT_FREE)
			return i;
		if (s->state == FS_SLOT_DIRTY || s->pin == fs->op || s->held)
			continue;
		if (s->used-- == 0)
			return i;
	}
	return FS_NO_SLOT;
}

/* A pinned clean slot, when there is nothing else: an operation that pins more than the
 * arena holds may have to read a block twice. */
static uint32_t
find_pinned_victim(const struct bx_fs *fs)
{
	for (uint32_t i = 0; i < fs->slot_count; i++)
		if (fs->slots[i].state == FS_SLOT_CLEAN && !fs->slots[i].held)
			return i;
	return FS_NO_SLOT;
}

/* By way of a pointer, so that a program that mounts sealed volumes only links nothing that
 * writes. */
static enum bx_err
write_to_make_room(struct bx_fs *fs, bool spare_pinned)
{
	return fs->write_oldest != NULL ? fs->write_oldest(fs, spare_pinned) : BX_ERR_NO_MEMORY;
}

/* Get a slot for a block that is not in memory.  Its bytes are the caller's to fill. */
enum bx_err
bx_fsi_cache_take(struct bx_fs *fs, uint64_t address, enum fs_slot_kind kind, uint32_t *slot)
{
	uint32_t i = find_victim(fs);

	if (i == FS_NO_SLOT) {
		enum bx_err err = write_to_make_room(fs, true);

		if (err == BX_ERR_NO_MEMORY)
			err = find_pinned_victim(fs) != FS_NO_SLOT ? BX_OK : write_to_make_room(fs, false);
		if (err != BX_OK)
			return err;
		i = find_victim(fs);
		if (i == FS_NO_SLOT)
			i = find_pinned_victim(fs);
		if (i == FS_NO_SLOT)
			return BX_ERR_NO_MEMORY;
	}
	if (fs->slots[i].state != FS_SLOT_FREE)
		chain_out(fs, i);
	fs->slots[i] = (struct fs_slot){ .state = FS_SLOT_CLEAN, .kind = (uint8_t)kind, .used = true };
	chain_in(fs, i, address);
	*slot = i;
	return BX_OK;
}

static enum bx_err
check_block(const struct bx_fs *fs, const uint8_t *block, const struct fs_pointer *pointer,
    enum fs_slot_kind kind, unsigned level)
{
	uint8_t sum[FS_SUM_MAX];

	bx_fsi_sum_block(&fs->root, pointer->address, pointer->generation, block, sum);
	if (memcmp(sum, pointer->sum, fs->sum_bytes) != 0)
		return BX_ERR_CORRUPT;
	if (kind == FS_KIND_NODE)
		return bx_fsi_node_check(block, level, pointer->address, pointer->generation,
		    fs->sum_bytes);
	if (kind == FS_KIND_MAP)
		return bx_fsi_map_check(fs, block, level, pointer->address, pointer->generation);
	if (kind == FS_KIND_TABLE)
		return bx_fsi_table_check(block, pointer->address, pointer->generation);
	return BX_OK;
}

/* The block that `pointer` names, from the device. */
static enum bx_err
fetch(struct bx_fs *fs, const struct fs_pointer *pointer, enum fs_slot_kind kind, unsigned level, uint32_t *slot)
{
	enum bx_err err;

	/* In this epoch the device may hold blocks of the generation being built, never
	 * later ones. */
	if (pointer->generation > fs->current)
		return BX_ERR_CORRUPT;
	if ((kind == FS_KIND_NODE || kind == FS_KIND_DATA) &&
	    !bx_fsi_address_valid(fs, pointer->address, 1))
		return BX_ERR_CORRUPT;
	err = bx_fsi_cache_take(fs, pointer->address, kind, slot);
	if (err != BX_OK)
		return err;
	fs->counters.misses++;
	fs->counters.blocks_read++;
	err = bx_fsi_device_read(fs, pointer->address * BX_FS_BLOCK, bx_fsi_block(fs, *slot), BX_FS_BLOCK);
	if (err == BX_OK)
		err = check_block(fs, bx_fsi_block(fs, *slot), pointer, kind, level);
	if (err != BX_OK) {
		bx_fsi_cache_drop(fs, pointer->address);
		return err;
	}
	fs->slots[*slot].generation = pointer->generation;
	fs->slots[*slot].level = (uint8_t)level;
	return BX_OK;
}

/* The block that `pointer` names, in memory and verified. */
enum bx_err
bx_fsi_cache_load(struct bx_fs *fs, const struct fs_pointer *pointer, enum fs_slot_kind kind,
    unsigned level, uint32_t *slot, bool *missed)
{
	uint32_t i = bx_fsi_cache_find(fs, pointer->address);

	*missed = i == FS_NO_SLOT;
	if (*missed) {
		enum bx_err err = fetch(fs, pointer, kind, level, &i);

		if (err != BX_OK)
			return err;
	} else {
		const struct fs_slot *s = &fs->slots[i];

		if (s->kind != kind || s->level != level || s->generation != pointer->generation)
			return BX_ERR_CORRUPT;
		fs->counters.hits++;
	}
	fs->slots[i].used = (uint8_t)(1 + FS_TURNS_A_LEVEL * level);
	*slot = i;
	return BX_OK;
}

void
bx_fsi_cache_rekey(struct bx_fs *fs, uint32_t slot, uint64_t address)
{
	bx_fsi_cache_drop(fs, address);
	chain_out(fs, slot);
	chain_in(fs, slot, address);
}

/* Forget a block, changed or not.  One that the running operation holds is in use elsewhere in the tree: a
 * volume that names a block twice.  It stays, and nothing more is written. */
void
bx_fsi_cache_drop(struct bx_fs *fs, uint64_t address)
{
	uint32_t i = bx_fsi_cache_find(fs, address);

	if (i == FS_NO_SLOT)
		return;
	if (fs->slots[i].held > 0) {
		fs->failed = true;
		return;
	}
	if (fs->slots[i].state == FS_SLOT_DIRTY)
		list_out(fs, i);
	chain_out(fs, i);
	fs->slots[i].state = FS_SLOT_FREE;
}

/*
 * Between operations: write so much that no call has to write more than its bound.  A root must be possible within
 * it; what goes further spares the calls to come, as long as this one has not written much: all but the map
 * when the next one begins with a root.
 */
enum bx_err
bx_fsi_cache_trim(struct bx_fs *fs)
{
	uint32_t most = bx_fsi_root_due(fs) ? 0 : fs->root.tree.level > 2 ? FS_DIRTY_MAX_DEEP :
	    fs->slot_count < FS_SLOTS_FEW ? FS_DIRTY_MAX_FEW : FS_DIRTY_MAX;
	enum bx_err err = BX_OK;

	while (err == BX_OK && (bx_fsi_commit_cost(fs) > FS_COMMIT_MAX ||
	    (fs->dirty_count - fs->dirty_of[FS_KIND_MAP] > most &&
	    fs->counters.blocks_written - fs->written_before < FS_CALL_TRIM)))
		err = bx_fsi_cache_write_oldest(fs, true);
	return err == BX_ERR_NO_MEMORY ? BX_OK : err;
}

/* Write everything, children before parents: every pass over the list writes at least
 * its lowest level. */
enum bx_err
bx_fsi_cache_clean_all(struct bx_fs *fs)
{
	while (fs->dirty_count > 0) {
		enum bx_err err = bx_fsi_cache_write_oldest(fs, false);

		if (err != BX_OK)
			return err;
	}
	return BX_OK;
}
