/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * walk.c -- what only one snapshot has.  A walk goes through the snapshot's tree in key order and
 * passes over every subtree that the state after it shares, or that was born before it and is
 * the concern of an older one; so it costs what differs, not what there is.
 *
 * A node that two states share is the same block in both, at the place where its first key
 * belongs.  What is damaged is passed over: at worst its blocks stay marked.
 */
#include "fs-internal.h"

static const struct fs_top *
next_of(const struct bx_fs *fs, const struct fs_walk *w)
{
	return w->next.pointer.address == 0 ? &fs->root.tree : &w->next;
}

static enum bx_err
is_exclusive(struct bx_fs *fs, struct fs_walk *w, uint32_t slot, bool *exclusive)
{
	const struct fs_slot *s = &fs->slots[slot];
	const struct fs_top *next = next_of(fs, w);
	struct fs_path path;
	struct fs_key key = { .length = 0 };
	enum bx_err err = BX_OK;

	*exclusive = false;
	if (s->generation <= w->older)
		return BX_OK;
	if (w->entered[s->level] != s->address && next->level >= s->level) {
		if (bx_fsi_node_count(bx_fsi_block(fs, slot)) > 0)
			bx_fsi_node_copy_key(bx_fsi_block(fs, slot), 0, &key);
		err = bx_fsi_path_to(fs, next, &key, s->level, &path);
		if (err != BX_OK || path.slot[path.depth - 1] == slot) {
			if (err == BX_OK)
				bx_fsi_path_release(fs, &path);
			return err == BX_ERR_CORRUPT ? BX_OK : err;
		}
		bx_fsi_path_release(fs, &path);
	}
	w->entered[s->level] = s->address;
	*exclusive = true;
	return BX_OK;
}

/* Down through nodes that only the snapshot has; the path ends above one that is passed over, or
 * in a leaf. */
static enum bx_err
enter(struct bx_fs *fs, struct fs_walk *w, struct fs_path *path, fs_walk_each *each, void *context,
    bool *leaf)
{
	for (unsigned turn = 0; turn <= w->tree.level; turn++) {
		struct fs_pointer pointer;
		unsigned top = path->depth;
		bool exclusive;
		enum bx_err err;

		bx_fsi_path_pointer(fs, path, &pointer);
		err = bx_fsi_path_step(fs, path);
		if (err == BX_ERR_CORRUPT)
			return each(fs, context, pointer.address, 0, 0, NULL);
		if (err != BX_OK)
			return err;
		err = is_exclusive(fs, w, path->slot[top], &exclusive);
		if (err != BX_OK)
			return err;
		if (!exclusive) {
			fs->slots[path->slot[--path->depth]].held--;
			return BX_OK;
		}
		*leaf = fs->slots[path->slot[top]].level == 0;
		if (!*leaf)
			path->index[top] = bx_fsi_node_child(bx_fsi_block(fs, path->slot[top]), &w->at,
			    false);
	}
	return BX_OK;
}

/* Which blocks of an extent the next state maps to the same file block. */
static enum bx_err
find_shared(struct bx_fs *fs, const struct fs_walk *w, uint64_t inode, const struct fs_extent *e,
    uint64_t *shared)
{
	enum bx_err err = BX_OK;

	*shared = 0;
	bx_fsi_tree_view(fs, next_of(fs, w));
	for (uint64_t i = 0; i < e->count && err == BX_OK; i++) {
		struct fs_extent other;

		err = bx_fsi_extent_at(fs, inode, e->first + i, &other);
		if (err == BX_ERR_CORRUPT ||
		    (err == BX_OK && other.address + (e->first + i - other.first) == e->address + i))
			*shared |= UINT64_C(1) << i;
		if (err == BX_ERR_NOT_FOUND || err == BX_ERR_CORRUPT)
			err = BX_OK;
	}
	bx_fsi_tree_view(fs, NULL);
	return err;
}

static enum bx_err
walk_extent(struct bx_fs *fs, const struct fs_walk *w, const struct fs_item *item,
    fs_walk_each *each, void *context, bool *any)
{
	uint8_t sums[FS_EXTENT_SUMS];
	uint64_t inode = bx_get_be64(item->key), shared;
	struct fs_extent e, part;
	enum bx_err err;

	if (bx_fsi_extent_decode(fs, item, &e) != BX_OK || e.generation <= w->older)
		return BX_OK;
	memcpy(sums, e.sums, (size_t)e.count * fs->sum_bytes);
	err = find_shared(fs, w, inode, &e, &shared);
	part = e;
	for (uint64_t i = 0, end; i < e.count && err == BX_OK; i = end) {
		end = i + 1;
		if ((shared >> i & 1) != 0)
			continue;
		while (end < e.count && (shared >> end & 1) == 0)
			end++;
		part.first = e.first + i;
		part.address = e.address + i;
		part.count = end - i;
		part.sums = sums + i * fs->sum_bytes;
		err = each(fs, context, part.address, part.count, inode, &part);
		*any = true;
	}
	return err;
}

/* The items of the leaf at the end of the path, up to one that has something; *more: there are
 * others. */
static enum bx_err
walk_leaf(struct bx_fs *fs, struct fs_walk *w, const struct fs_path *path, fs_walk_each *each,
    void *context, bool *more)
{
	uint32_t slot = path->slot[path->depth - 1];
	const uint8_t *node = bx_fsi_block(fs, slot);
	bool any = false, found;
	unsigned index = bx_fsi_node_lower(node, &w->at, &found);

	for (; index < bx_fsi_node_count(node) && !any; index++) {
		struct fs_item item;
		enum bx_err err = BX_OK;

		bx_fsi_item_at(fs, slot, index, &item);
		if (item.key[8] == FS_KEY_EXTENT)
			err = walk_extent(fs, w, &item, each, context, &any);
		if (err != BX_OK)
			return err;
	}
	*more = index < bx_fsi_node_count(node);
	if (*more) {
		bx_fsi_node_copy_key(node, index, &w->at);
		w->end_inode = 0;
	}
	return BX_OK;
}

/* Go on at item `index` of an inner node.  Its key may cut into the extent before it. */
static enum bx_err
move_on(struct bx_fs *fs, struct fs_walk *w, const uint8_t *node, unsigned index)
{
	uint64_t end_inode = 0, end_block = 0;
	struct fs_key next;

	bx_fsi_node_copy_key(node, index, &next);
	if (next.length >= 9 && next.bytes[8] == FS_KEY_EXTENT) {
		uint64_t inode = bx_get_be64(next.bytes);
		struct fs_item item;
		struct fs_extent e;
		enum bx_err err;

		bx_fsi_tree_view(fs, &w->tree);
		err = bx_fsi_tree_last(fs, &next, &item);
		bx_fsi_tree_view(fs, NULL);
		if (err == BX_ERR_IO || err == BX_ERR_NO_MEMORY)
			return err;
		if (err == BX_OK && bx_fsi_extent_decode(fs, &item, &e) == BX_OK &&
		    bx_fsi_key_compare(item.key, item.key_length, next.bytes, next.length) < 0) {
			end_inode = inode;
			end_block = e.first + e.count;
		}
	}
	w->at = next;
	w->end_inode = end_inode;
	w->end_block = end_block;
	return BX_OK;
}

/* The end of the path is done: on to the next key, and the nodes that have nothing beyond it are
 * done as well. */
static enum bx_err
leave(struct bx_fs *fs, struct fs_walk *w, const struct fs_path *path, fs_walk_each *each,
    void *context)
{
	unsigned keep = path->depth;
	enum bx_err err = BX_OK;

	for (; keep > 0; keep--) {
		const uint8_t *node = bx_fsi_block(fs, path->slot[keep - 1]);

		if (fs->slots[path->slot[keep - 1]].level == 0 ||
		    path->index[keep - 1] + 1 >= bx_fsi_node_count(node))
			continue;
		err = move_on(fs, w, node, path->index[keep - 1] + 1);
		break;
	}
	for (unsigned d = path->depth; d > keep && err == BX_OK; d--)
		err = each(fs, context, fs->slots[path->slot[d - 1]].address, 1, 0, NULL);
	if (err != BX_OK || keep > 0)
		return err;
	/* Beyond every key: an inode number is below 2^63. */
	w->at.length = 1;
	w->at.bytes[0] = 0xFF;
	return BX_ERR_NOT_FOUND;
}

enum bx_err
bx_fsi_walk_step(struct bx_fs *fs, struct fs_walk *walk, fs_walk_each *each, void *context)
{
	struct fs_path path = { .top = &walk->tree };
	bool leaf = false, more = false;
	enum bx_err err = enter(fs, walk, &path, each, context, &leaf);

	if (err == BX_OK && leaf)
		err = walk_leaf(fs, walk, &path, each, context, &more);
	if (err == BX_OK && !more)
		err = leave(fs, walk, &path, each, context);
	bx_fsi_path_release(fs, &path);
	return err;
}
