/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * edit.c -- changing the copy-on-write B+tree of keys and values (SPEC.md 5).
 *
 * A descent that changes gives each node on its way a new address first (once per generation), so
 * that a dirty node's parent is dirty, and splits a node without room while its parent still has
 * some, so that nothing goes back up.  Nodes are freed when empty; half-empty leaves join a
 * neighbour that is at hand, except while a log record may have to repeat the change: a replay
 * must not need more memory.
 */
#include "fs-internal.h"

static bool
node_is_held(const struct bx_fs *fs, uint32_t slot)
{
	const uint8_t *node = bx_fsi_block(fs, slot), *key = node;
	unsigned length = 0;

	if (bx_fsi_node_count(node) > 0)
		key = bx_fsi_node_key(node, 0, &length);
	return bx_fsi_snapshot_holds(fs, fs->slots[slot].generation, key, length);
}

/* Give a node an address of the generation being built, once, and mark it dirty. */
static enum bx_err
make_current(struct bx_fs *fs, uint32_t slot, uint8_t *parent_value)
{
	struct fs_slot *s = &fs->slots[slot];
	uint8_t *node = bx_fsi_block(fs, slot);
	uint64_t old = s->address, address;
	enum bx_err err;

	if (s->generation != fs->current) {
		if (!bx_fsi_node_disjoint(node))
			return BX_ERR_CORRUPT;
		if (fs->pending_count == fs->pending_max)
			return BX_ERR_NO_MEMORY;
		err = bx_fsi_pool_take(fs, &address);
		if (err != BX_OK)
			return err;
		if (!node_is_held(fs, slot))
			err = bx_fsi_free_later(fs, old, 1);
		if (err != BX_OK)
			return err;
		bx_fsi_cache_rekey(fs, slot, address);
		s->generation = fs->current;
		bx_put_le64(node + 8, address);
		bx_put_le64(node + 16, fs->current);
		if (parent_value != NULL) {
			bx_put_le64(parent_value, address);
			bx_put_le64(parent_value + 8, fs->current);
		} else {
			fs->root.tree.pointer.address = address;
			fs->root.tree.pointer.generation = fs->current;
		}
		fs->epoch_dirty++;
	}
	s->pin = fs->op;
	bx_fsi_cache_dirty(fs, slot);
	return BX_OK;
}

/* As bx_fsi_path_step(), and the node can be changed. */
static enum bx_err
step_to_change(struct bx_fs *fs, struct fs_path *path)
{
	unsigned top = path->depth;
	enum bx_err err = bx_fsi_path_step(fs, path);

	if (err != BX_OK)
		return err;
	err = make_current(fs, path->slot[top],
	    top > 0 ? bx_fsi_node_value_of(fs, path->slot[top - 1], path->index[top - 1]) : NULL);
	if (err != BX_OK)
		fs->slots[path->slot[--path->depth]].held--;
	return err;
}

/* As bx_fsi_path_step(), and nothing forbids that the node is changed. */
static enum bx_err
step_to_look(struct bx_fs *fs, struct fs_path *path)
{
	enum bx_err err = bx_fsi_path_step(fs, path);

	if (err == BX_OK && !bx_fsi_node_disjoint(bx_fsi_block(fs, path->slot[path->depth - 1])))
		err = BX_ERR_CORRUPT;
	return err;
}

/* To the leaf for `key`, and the whole path can be changed. */
static enum bx_err
descend_to_change(struct bx_fs *fs, const struct fs_key *key, struct fs_path *path)
{
	path->top = &fs->root.tree;
	return bx_fsi_descend(fs, key, 0, false, fs->looking ? step_to_look : step_to_change, path);
}

/* A remembered leaf of the key that is dirty: then so is its path, and no part of it is written before
 * the leaf is. */
static uint32_t
dirty_finger_at(struct bx_fs *fs, const struct fs_key *key)
{
	uint32_t slot = bx_fsi_finger_at(fs, key);

	return slot != FS_NO_SLOT && fs->slots[slot].state == FS_SLOT_DIRTY ? slot : FS_NO_SLOT;
}

/* Bring the path of a key into memory and make it changeable, before an operation
 * changes anything. */
enum bx_err
bx_fsi_tree_touch(struct bx_fs *fs, const struct fs_key *key)
{
	uint32_t slot = dirty_finger_at(fs, key);
	struct fs_path path;
	enum bx_err err;

	if (slot != FS_NO_SLOT) {
		fs->slots[slot].pin = fs->op;
		bx_fsi_cache_dirty(fs, slot);
		return BX_OK;
	}
	err = descend_to_change(fs, key, &path);
	if (err != BX_OK)
		return err;
	bx_fsi_finger_set(fs, &path);
	bx_fsi_path_release(fs, &path);
	return BX_OK;
}

/* An empty node of this generation, dirty and held. */
static enum bx_err
new_node(struct bx_fs *fs, unsigned level, uint32_t *slot)
{
	uint64_t address;
	enum bx_err err = bx_fsi_pool_take(fs, &address);

	if (err != BX_OK)
		return err;
	err = bx_fsi_cache_take(fs, address, FS_KIND_NODE, slot);
	if (err != BX_OK) {
		bx_fsi_free_node(fs, address, fs->current, &err);
		return err;
	}
	fs->shape_version++;
	bx_fsi_node_init(bx_fsi_block(fs, *slot), level, address, fs->current);
	fs->slots[*slot].generation = fs->current;
	fs->slots[*slot].level = (uint8_t)level;
	fs->slots[*slot].pin = fs->op;
	fs->slots[*slot].held++;
	bx_fsi_cache_dirty(fs, *slot);
	fs->epoch_dirty++;
	return BX_OK;
}

static void
put_pointer(const struct bx_fs *fs, uint32_t slot, uint8_t bytes[FS_POINTER_MAX])
{
	memset(bytes, 0, FS_POINTER_MAX);
	bx_put_le64(bytes, fs->slots[slot].address);
	bx_put_le64(bytes + 8, fs->slots[slot].generation);
}

/* A new root above the one that is the only node of the path. */
static enum bx_err
grow(struct bx_fs *fs, struct fs_path *path)
{
	uint8_t pointer[FS_POINTER_MAX];
	uint32_t top, old = path->slot[0];
	enum bx_err err;

	if (fs->root.tree.level + 1u >= FS_LEVELS)
		return BX_ERR_RANGE;
	err = new_node(fs, fs->root.tree.level + 1u, &top);
	if (err != BX_OK)
		return err;
	put_pointer(fs, old, pointer);
	bx_fsi_node_insert(bx_fsi_block(fs, top), 0, pointer, 0, pointer, 16 + fs->sum_bytes);
	fs->root.tree.level++;
	fs->root.tree.pointer.address = fs->slots[top].address;
	fs->root.tree.pointer.generation = fs->current;
	path->slot[0] = top;
	path->index[0] = 0;
	path->slot[1] = old;
	path->depth = 2;
	return BX_OK;
}

/* The shortest key above `low` that is not above `high`. */
static void
separator(struct fs_key *out, const uint8_t *low, unsigned low_length, const uint8_t *high,
    unsigned high_length)
{
	unsigned same = 0;

	while (same < low_length && same < high_length && low[same] == high[same])
		same++;
	if (same < high_length)
		same++;
	memcpy(out->bytes, high, same);
	out->length = (uint16_t)same;
}

/* Split the last node of the path so that `key`, which belongs before item `at`, has
 * room for an item of `bytes`; the path then ends in the half where the key belongs. */
static enum bx_err
split(struct bx_fs *fs, struct fs_path *path, const struct fs_key *key, unsigned at, unsigned bytes)
{
	uint8_t pointer[FS_POINTER_MAX];
	struct fs_key between;
	uint32_t left_slot, right_slot, parent;
	uint8_t *left, *right;
	unsigned stay, index, low_length, high_length;
	const uint8_t *low, *high;
	bool goes_left;
	enum bx_err err;

	if (path->depth == 1) {
		err = grow(fs, path);
		if (err != BX_OK)
			return err;
	}
	left_slot = path->slot[path->depth - 1];
	parent = path->slot[path->depth - 2];
	index = path->index[path->depth - 2];
	err = new_node(fs, fs->slots[left_slot].level, &right_slot);
	if (err != BX_OK)
		return err;
	left = bx_fsi_block(fs, left_slot);
	right = bx_fsi_block(fs, right_slot);
	stay = bx_fsi_node_split(left, right, at, bytes, &goes_left);
	if (fs->slots[left_slot].level > 0) {
		bx_fsi_node_copy_key(right, 0, &between);
		goes_left = bx_fsi_key_compare(key->bytes, key->length, between.bytes,
		    between.length) < 0;
	} else {
		low = key->bytes;
		low_length = key->length;
		high = key->bytes;
		high_length = key->length;
		if (!(goes_left && at == stay))
			low = bx_fsi_node_key(left, stay - 1, &low_length);
		if (!(!goes_left && at == stay))
			high = bx_fsi_node_key(right, 0, &high_length);
		separator(&between, low, low_length, high, high_length);
	}
	put_pointer(fs, right_slot, pointer);
	bx_fsi_node_insert(bx_fsi_block(fs, parent), index + 1, between.bytes, between.length,
	    pointer, 16 + fs->sum_bytes);
	if (goes_left) {
		fs->slots[right_slot].held--;
	} else {
		fs->slots[left_slot].held--;
		path->slot[path->depth - 1] = right_slot;
		path->index[path->depth - 2] = index + 1;
	}
	return BX_OK;
}

/* Insert into a leaf, or replace the value there.  False, and nothing is changed: there
 * is no room.  *at is where the key belongs. */
static bool
put_in_leaf(uint8_t *node, const struct fs_key *key, const void *value, unsigned length,
    unsigned *at)
{
	unsigned bytes = 4u + key->length + length, old_length, room = bx_fsi_node_room(node);
	bool found;

	*at = bx_fsi_node_lower(node, key, &found);
	if (found) {
		const uint8_t *old = bx_fsi_node_value(node, *at, &old_length);

		if (old_length == length) {
			if (length > 0)
				memcpy(node + (old - node), value, length);
			return true;
		}
		room += bx_fsi_node_item_bytes(node, *at) + 2;
	}
	if (room < bytes + 2)
		return false;
	if (found)
		bx_fsi_node_remove(node, *at);
	bx_fsi_node_insert(node, *at, key->bytes, key->length, value, length);
	return true;
}

/* Insert, or replace the value. */
enum bx_err
bx_fsi_tree_put(struct bx_fs *fs, const struct fs_key *key, const void *value, size_t length)
{
	unsigned bytes = 4u + key->length + (unsigned)length;
	struct fs_path path;
	uint32_t near = dirty_finger_at(fs, key);
	unsigned at;
	bool found;
	enum bx_err err;

	BX_ASSERT(length <= FS_ITEM_MAX);
	BX_ASSERT(bytes <= FS_ITEM_MAX);
	if (near != FS_NO_SLOT && put_in_leaf(bx_fsi_block(fs, near), key, value, (unsigned)length, &at))
		return BX_OK;
	path.top = &fs->root.tree;
	path.depth = 0;
	for (unsigned turn = 0; turn <= FS_LEVELS; turn++) {
		uint8_t *node;

		err = step_to_change(fs, &path);
		if (err != BX_OK)
			break;
		node = bx_fsi_block(fs, path.slot[path.depth - 1]);
		if (fs->slots[path.slot[path.depth - 1]].level > 0) {
			if (bx_fsi_node_room(node) < FS_SEPARATOR_ROOM)
				err = split(fs, &path, key, 0, 0);
			if (err != BX_OK)
				break;
			node = bx_fsi_block(fs, path.slot[path.depth - 1]);
			path.index[path.depth - 1] = bx_fsi_node_child(node, key, false);
			continue;
		}
		if (put_in_leaf(node, key, value, (unsigned)length, &at))
			break;
		at = bx_fsi_node_lower(node, key, &found);
		if (found)
			bx_fsi_node_remove(node, at);
		err = split(fs, &path, key, at, bytes);
		if (err != BX_OK)
			break;
		node = bx_fsi_block(fs, path.slot[path.depth - 1]);
		at = bx_fsi_node_lower(node, key, &found);
		bx_fsi_node_insert(node, at, key->bytes, key->length, value, (unsigned)length);
		break;
	}
	bx_fsi_path_release(fs, &path);
	return err;
}

/*
 * A child of a node, if it is in memory.  On a hostile volume what the pointer meant is
 * perhaps free, and its address another block's by now.
 */
static uint32_t
child_in_memory(const struct bx_fs *fs, const uint8_t *pointer, unsigned level)
{
	uint32_t slot = bx_fsi_cache_find(fs, bx_get_le64(pointer));
	const struct fs_slot *s = &fs->slots[slot];

	if (slot != FS_NO_SLOT && (s->generation != bx_get_le64(pointer + 8) ||
	    s->kind != FS_KIND_NODE || s->level != level))
		return FS_NO_SLOT;
	return slot;
}

/* Join a leaf that became small with a neighbour in memory.  Not being able to is no
 * error. */
static void
join(struct bx_fs *fs, struct fs_path *path)
{
	uint32_t parent, slot[2];
	uint8_t *node[2];
	unsigned index;
	enum bx_err err = BX_OK;

	if (path->depth < 2 || fs->log_whole || fs->replaying)
		return;
	if (bx_fsi_node_room(bx_fsi_block(fs, path->slot[path->depth - 1])) <
	    3 * (BX_FS_BLOCK - FS_NODE_HEAD) / 4)
		return;
	parent = path->slot[path->depth - 2];
	index = path->index[path->depth - 2];
	if (index > 0)
		index--;
	if (index + 1 >= bx_fsi_node_count(bx_fsi_block(fs, parent)))
		return;
	for (unsigned i = 0; i < 2; i++) {
		slot[i] = child_in_memory(fs, bx_fsi_node_value_of(fs, parent, index + i), 0);
		if (slot[i] == FS_NO_SLOT)
			return;
		node[i] = bx_fsi_block(fs, slot[i]);
	}
	if (bx_fsi_node_room(node[0]) + bx_fsi_node_room(node[1]) <
	    5 * (BX_FS_BLOCK - FS_NODE_HEAD) / 4)
		return;
	for (unsigned i = 0; i < 2 && err == BX_OK; i++)
		err = make_current(fs, slot[i], bx_fsi_node_value_of(fs, parent, index + i));
	if (err != BX_OK)
		return;
	bx_fsi_node_append(node[0], node[1], 0);
	fs->shape_version++;
	bx_fsi_node_remove(bx_fsi_block(fs, parent), index + 1);
	path->depth--;
	fs->slots[path->slot[path->depth]].held--;
	bx_fsi_free_node(fs, fs->slots[slot[1]].address, fs->current, &err);
}

/* The root, while it has one child only, gives way to it. */
static enum bx_err
shrink(struct bx_fs *fs)
{
	enum bx_err err = BX_OK;

	while (fs->root.tree.level > 0 && err == BX_OK) {
		uint64_t address = fs->root.tree.pointer.address;
		uint32_t slot = bx_fsi_cache_find(fs, address);

		if (slot == FS_NO_SLOT || fs->slots[slot].generation != fs->current ||
		    fs->slots[slot].level != fs->root.tree.level ||
		    bx_fsi_node_count(bx_fsi_block(fs, slot)) != 1)
			break;
		bx_fsi_pointer_get(fs, bx_fsi_node_value_of(fs, slot, 0), &fs->root.tree.pointer);
		fs->root.tree.level--;
		bx_fsi_free_node(fs, address, fs->current, &err);
	}
	return err;
}

/* BX_ERR_NOT_FOUND: no such key. */
enum bx_err
bx_fsi_tree_delete(struct bx_fs *fs, const struct fs_key *key)
{
	struct fs_path path;
	uint32_t slot;
	unsigned at;
	bool found;
	enum bx_err err = descend_to_change(fs, key, &path);

	if (err != BX_OK)
		return err;
	slot = path.slot[path.depth - 1];
	at = bx_fsi_node_lower(bx_fsi_block(fs, slot), key, &found);
	if (!found) {
		bx_fsi_path_release(fs, &path);
		return BX_ERR_NOT_FOUND;
	}
	bx_fsi_node_remove(bx_fsi_block(fs, slot), at);
	while (path.depth > 1 && bx_fsi_node_count(bx_fsi_block(fs, slot)) == 0) {
		fs->shape_version++;
		path.depth--;
		fs->slots[slot].held--;
		bx_fsi_free_node(fs, fs->slots[slot].address, fs->current, &err);
		slot = path.slot[path.depth - 1];
		bx_fsi_node_remove(bx_fsi_block(fs, slot), path.index[path.depth - 1]);
	}
	if (bx_fsi_node_count(bx_fsi_block(fs, slot)) == 0 && fs->slots[slot].level > 0) {
		/* Nothing is left: the root becomes a leaf again. */
		bx_fsi_node_init(bx_fsi_block(fs, slot), 0, fs->slots[slot].address, fs->current);
		fs->slots[slot].level = 0;
		fs->root.tree.level = 0;
	} else if (fs->slots[slot].level == 0) {
		join(fs, &path);
	}
	bx_fsi_path_release(fs, &path);
	return err == BX_OK ? shrink(fs) : err;
}

/* A dirty node was written: its parent, which is dirty and in memory, learns the
 * checksum. */
enum bx_err
bx_fsi_tree_store_sum(struct bx_fs *fs, uint32_t slot, const uint8_t *sum)
{
	const struct fs_slot *s = &fs->slots[slot];
	struct fs_key key;
	uint32_t at;

	if (s->address == fs->root.tree.pointer.address) {
		memcpy(fs->root.tree.pointer.sum, sum, FS_SUM_MAX);
		return BX_OK;
	}
	bx_fsi_node_copy_key(bx_fsi_block(fs, slot), 0, &key);
	at = bx_fsi_cache_find(fs, fs->root.tree.pointer.address);
	for (unsigned level = fs->root.tree.level; level > s->level && at != FS_NO_SLOT;) {
		unsigned index = bx_fsi_node_child(bx_fsi_block(fs, at), &key, false);
		uint8_t *value = bx_fsi_node_value_of(fs, at, index);

		if (bx_get_le64(value) == s->address) {
			memcpy(value + 16, sum, fs->sum_bytes);
			return BX_OK;
		}
		at = child_in_memory(fs, value, --level);
	}
	return BX_ERR_CORRUPT;
}

bool
bx_fsi_tree_has_dirty_child(const struct bx_fs *fs, uint32_t slot)
{
	const uint8_t *node = bx_fsi_block(fs, slot);

	for (unsigned i = 0; i < bx_fsi_node_count(node); i++) {
		unsigned length;

		if (bx_fsi_cache_is_dirty(fs, bx_get_le64(bx_fsi_node_value(node, i, &length))))
			return true;
	}
	return false;
}
