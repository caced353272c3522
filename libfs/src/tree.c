/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tree.c -- finding keys in the copy-on-write B+tree (SPEC.md 5); edit.c changes it.
 *
 * Every descent is a loop from the root down.
 */
#include "fs-internal.h"

void
bx_fsi_key(struct fs_key *key, uint64_t inode, enum fs_key_type type, const void *rest,
    size_t rest_length)
{
	BX_ASSERT(rest_length <= FS_KEY_MAX - 9);
	bx_put_be64(key->bytes, inode);
	key->bytes[8] = (uint8_t)type;
	if (rest_length > 0)
		memcpy(key->bytes + 9, rest, rest_length);
	key->length = (uint16_t)(9 + rest_length);
}

void
bx_fsi_key_u64(struct fs_key *key, uint64_t inode, enum fs_key_type type, uint64_t rest)
{
	uint8_t bytes[8];

	bx_put_be64(bytes, rest);
	bx_fsi_key(key, inode, type, bytes, sizeof bytes);
}

void
bx_fsi_pointer_get(const struct bx_fs *fs, const uint8_t *bytes, struct fs_pointer *pointer)
{
	pointer->address = bx_get_le64(bytes);
	pointer->generation = bx_get_le64(bytes + 8);
	memset(pointer->sum, 0, FS_SUM_MAX);
	memcpy(pointer->sum, bytes + 16, fs->sum_bytes);
}

uint8_t *
bx_fsi_node_value_of(struct bx_fs *fs, uint32_t slot, unsigned index)
{
	uint8_t *node = bx_fsi_block(fs, slot);
	unsigned length;

	return node + (bx_fsi_node_value(node, index, &length) - node);
}

void
bx_fsi_path_release(struct bx_fs *fs, struct fs_path *path)
{
	while (path->depth > 0)
		fs->slots[path->slot[--path->depth]].held--;
}

/* As bx_fsi_key_compare(), of an item's key with another. */
static int
compare_item(const uint8_t *node, unsigned index, const uint8_t *other, unsigned other_length)
{
	unsigned length;
	const uint8_t *key = bx_fsi_node_key(node, index, &length);

	return bx_fsi_key_compare(key, length, other, other_length);
}

/* A child's keys lie where its parent says. */
static bool
bounds_hold(const uint8_t *parent, unsigned index, const uint8_t *child)
{
	unsigned count = bx_fsi_node_count(child);
	unsigned length;
	const uint8_t *bound;

	if (count == 0)
		return false;
	bound = bx_fsi_node_key(parent, index, &length);
	if (index > 0 && compare_item(child, 0, bound, length) < 0)
		return false;
	if (index + 1 == bx_fsi_node_count(parent))
		return true;
	bound = bx_fsi_node_key(parent, index + 1, &length);
	return compare_item(child, count - 1, bound, length) < 0;
}

/* To the node below the end of the path, or to the root. */
void
bx_fsi_path_pointer(struct bx_fs *fs, const struct fs_path *path, struct fs_pointer *pointer)
{
	unsigned top = path->depth - 1;

	if (path->depth == 0)
		*pointer = path->top->pointer;
	else
		bx_fsi_pointer_get(fs, bx_fsi_node_value_of(fs, path->slot[top], path->index[top]), pointer);
}

/* One level down: the root of path->top, or the child that path->index names. */
enum bx_err
bx_fsi_path_step(struct bx_fs *fs, struct fs_path *path)
{
	struct fs_pointer pointer;
	unsigned level = path->top->level;
	uint32_t parent = FS_NO_SLOT, slot;
	bool missed;
	enum bx_err err;

	bx_fsi_path_pointer(fs, path, &pointer);
	if (path->depth > 0) {
		parent = path->slot[path->depth - 1];
		level = fs->slots[parent].level - 1u;
	}
	err = bx_fsi_cache_load(fs, &pointer, FS_KIND_NODE, level, &slot, &missed);
	if (err != BX_OK)
		return err;
	if (missed && parent != FS_NO_SLOT && !bounds_hold(bx_fsi_block(fs, parent),
	    path->index[path->depth - 1], bx_fsi_block(fs, slot))) {
		bx_fsi_cache_drop(fs, pointer.address);
		return BX_ERR_CORRUPT;
	}
	fs->slots[slot].held++;
	path->slot[path->depth] = slot;
	path->index[path->depth] = 0;
	path->depth++;
	return BX_OK;
}

/* From the root of path->top to the node of `level` for `key`, by `step`.  `strict`: to the one
 * with the keys just below it. */
enum bx_err
bx_fsi_descend(struct bx_fs *fs, const struct fs_key *key, unsigned level, bool strict,
    enum bx_err (*step)(struct bx_fs *, struct fs_path *), struct fs_path *path)
{
	path->depth = 0;
	for (unsigned left = path->top->level + 1u - level; left > 0; left--) {
		unsigned top;
		enum bx_err err = step(fs, path);

		if (err != BX_OK) {
			bx_fsi_path_release(fs, path);
			return err;
		}
		top = path->depth - 1;
		if (left > 1)
			path->index[top] = bx_fsi_node_child(bx_fsi_block(fs, path->slot[top]), key,
			    strict);
	}
	return BX_OK;
}

/* To the leaf for `key` of the tree that is being viewed. */
static enum bx_err
descend(struct bx_fs *fs, const struct fs_key *key, bool strict, struct fs_path *path)
{
	path->top = fs->view == NULL ? &fs->root.tree : fs->view;
	return bx_fsi_descend(fs, key, 0, strict, bx_fsi_path_step, path);
}

enum bx_err
bx_fsi_path_to(struct bx_fs *fs, const struct fs_top *top, const struct fs_key *key,
    unsigned level, struct fs_path *path)
{
	path->top = top;
	return bx_fsi_descend(fs, key, level, false, bx_fsi_path_step, path);
}

/* Let the reading functions look at another tree; NULL: the one of the files.  What was
 * found before by the way is forgotten. */
void
bx_fsi_tree_view(struct bx_fs *fs, const struct fs_top *top)
{
	fs->view = top;
	fs->shape_version++;
}

void
bx_fsi_item_at(const struct bx_fs *fs, uint32_t slot, unsigned index, struct fs_item *item)
{
	const uint8_t *node = bx_fsi_block(fs, slot);

	item->key = bx_fsi_node_key(node, index, &item->key_length);
	item->value = bx_fsi_node_value(node, index, &item->value_length);
	item->generation = fs->slots[slot].generation;
}

/* Remember the leaf at the end of the path, instead of the one that was not used last. */
void
bx_fsi_finger_set(struct bx_fs *fs, const struct fs_path *path)
{
	uint32_t slot = path->slot[path->depth - 1];
	struct fs_finger *f;

	if (fs->finger[fs->newest_finger].slot != slot)
		fs->newest_finger ^= 1;
	f = &fs->finger[fs->newest_finger];
	*f = (struct fs_finger){
		.version = fs->shape_version,
		.address = fs->slots[slot].address,
		.slot = slot,
		.is_last = true,
	};
	for (unsigned d = 0; d + 1 < path->depth; d++)
		if (path->index[d] + 1 < bx_fsi_node_count(bx_fsi_block(fs, path->slot[d])))
			f->is_last = false;
}

/*
 * Every leaf in memory is part of the tree, so that a key between two of its keys can be nowhere
 * else; after its last one, only if no leaf follows.
 */
static bool
belongs(const struct bx_fs *fs, const struct fs_finger *f, const struct fs_key *key)
{
	const struct fs_slot *s = &fs->slots[f->slot];
	const uint8_t *node = bx_fsi_block(fs, f->slot);
	unsigned count;

	if (f->version != fs->shape_version || s->address != f->address ||
	    s->state == FS_SLOT_FREE || s->kind != FS_KIND_NODE || s->level != 0)
		return false;
	count = bx_fsi_node_count(node);
	if (count == 0)
		return false;
	if (compare_item(node, 0, key->bytes, key->length) > 0)
		return false;
	return f->is_last || compare_item(node, count - 1, key->bytes, key->length) >= 0;
}

uint32_t
bx_fsi_finger_at(struct bx_fs *fs, const struct fs_key *key)
{
	for (unsigned turn = 0; turn < 2; turn++) {
		const struct fs_finger *f = &fs->finger[fs->newest_finger ^ turn];

		if (!belongs(fs, f, key))
			continue;
		fs->newest_finger ^= turn;
		fs->slots[f->slot].used = 1;
		return f->slot;
	}
	return FS_NO_SLOT;
}

/* The leaf of a key, for reading. */
static enum bx_err
find_leaf(struct bx_fs *fs, const struct fs_key *key, uint32_t *leaf)
{
	struct fs_path path;
	enum bx_err err;

	*leaf = bx_fsi_finger_at(fs, key);
	if (*leaf != FS_NO_SLOT)
		return BX_OK;
	err = descend(fs, key, false, &path);
	if (err != BX_OK)
		return err;
	bx_fsi_finger_set(fs, &path);
	*leaf = path.slot[path.depth - 1];
	bx_fsi_path_release(fs, &path);
	return BX_OK;
}

/* BX_ERR_NOT_FOUND: no such key. */
enum bx_err
bx_fsi_tree_get(struct bx_fs *fs, const struct fs_key *key, struct fs_item *item)
{
	uint32_t leaf;
	unsigned index;
	bool found;
	enum bx_err err = find_leaf(fs, key, &leaf);

	if (err != BX_OK)
		return err;
	index = bx_fsi_node_lower(bx_fsi_block(fs, leaf), key, &found);
	if (!found)
		return BX_ERR_NOT_FOUND;
	bx_fsi_item_at(fs, leaf, index, item);
	return BX_OK;
}

/* The same by the parts of a key. */
enum bx_err
bx_fsi_tree_find(struct bx_fs *fs, uint64_t inode, enum fs_key_type type, const void *rest,
    size_t rest_length, struct fs_item *item)
{
	struct fs_key key;

	bx_fsi_key(&key, inode, type, rest, rest_length);
	return bx_fsi_tree_get(fs, &key, item);
}

/* BX_ERR_NOT_FOUND: it is not of the same object and type as the key. */
static enum bx_err
item_of_kind(const struct bx_fs *fs, uint32_t leaf, unsigned index, const struct fs_key *key, struct fs_item *item)
{
	bx_fsi_item_at(fs, leaf, index, item);
	return memcmp(item->key, key->bytes, 9) == 0 ? BX_OK : BX_ERR_NOT_FOUND;
}

/* The item next to a key, in the leaf where the key belongs or else in the one beside it, which is not empty. */
static enum bx_err
near(struct bx_fs *fs, const struct fs_key *key, bool up, bool inclusive, struct fs_item *item)
{
	struct fs_key bound = *key;

	for (unsigned turn = 0; turn < 2; turn++) {
		struct fs_path path;
		uint32_t leaf;
		unsigned index;
		bool found, more = false;
		enum bx_err err = descend(fs, &bound, !up && turn > 0, &path);

		if (err != BX_OK)
			return err;
		leaf = path.slot[path.depth - 1];
		if (!up)
			bx_fsi_finger_set(fs, &path);
		index = bx_fsi_node_lower(bx_fsi_block(fs, leaf), key, &found);
		/* The item above is at `index', the one below before it. */
		index += found && up != inclusive;
		for (unsigned d = path.depth - 1; d > 0 && !more; d--) {
			const uint8_t *node = bx_fsi_block(fs, path.slot[d - 1]);
			unsigned side = path.index[d - 1] + up;

			more = up ? side < bx_fsi_node_count(node) : side > 0;
			if (more)
				bx_fsi_node_copy_key(node, side, &bound);
		}
		bx_fsi_path_release(fs, &path);
		if (up ? index < bx_fsi_node_count(bx_fsi_block(fs, leaf)) : index > 0)
			return item_of_kind(fs, leaf, index - !up, key, item);
		if (!more)
			return BX_ERR_NOT_FOUND;
	}
	return BX_ERR_CORRUPT;
}

enum bx_err
bx_fsi_tree_next(struct bx_fs *fs, const struct fs_key *key, bool inclusive, struct fs_item *item)
{
	return near(fs, key, true, inclusive, item);
}

enum bx_err
bx_fsi_tree_last(struct bx_fs *fs, const struct fs_key *key, struct fs_item *item)
{
	uint32_t leaf = bx_fsi_finger_at(fs, key);
	unsigned index;
	bool found;

	if (leaf == FS_NO_SLOT)
		return near(fs, key, false, true, item);
	index = bx_fsi_node_lower(bx_fsi_block(fs, leaf), key, &found);
	return item_of_kind(fs, leaf, found ? index : index - 1, key, item);
}
