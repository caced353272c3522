/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * diff.c -- what differs between two states of a volume, key by key.  Where the two trees have the
 * same block they have the same content, so that it costs what differs.
 */
#include "fs-internal.h"

#define TURNS 32u	/* subtrees or items that a call passes over at most */

/* One of the two trees, at the leaf of the cursor. */
struct side {
	struct bx_fs *fs;
	struct fs_path path;
	uint32_t slot;			/* the leaf */
	struct fs_item item;		/* from the cursor on, in this leaf */
	bool has_item;
	const uint8_t *bound;		/* where the next leaf begins; NULL: this is the last one */
	unsigned bound_length;
};

/* Where the part of the tree below the node at `depth` ends; false: with the tree. */
static bool
find_bound(const struct side *s, unsigned depth, const uint8_t **key, unsigned *length)
{
	for (; depth > 0; depth--) {
		const uint8_t *node = bx_fsi_block(s->fs, s->path.slot[depth - 1]);

		if (s->path.index[depth - 1] + 1 < bx_fsi_node_count(node)) {
			*key = bx_fsi_node_key(node, s->path.index[depth - 1] + 1, length);
			return true;
		}
	}
	*key = NULL;
	return false;
}

static enum bx_err
settle(struct side *s, const struct fs_key *key, bool after)
{
	bool found;
	unsigned index;
	enum bx_err err = bx_fsi_path_to(s->fs, &s->fs->root.tree, key, 0, &s->path);

	if (err != BX_OK)
		return err;
	s->slot = s->path.slot[s->path.depth - 1];
	index = bx_fsi_node_lower(bx_fsi_block(s->fs, s->slot), key, &found);
	if (found && after)
		index++;
	s->has_item = index < bx_fsi_node_count(bx_fsi_block(s->fs, s->slot));
	if (s->has_item)
		bx_fsi_item_at(s->fs, s->slot, index, &s->item);
	(void)find_bound(s, s->path.depth - 1, &s->bound, &s->bound_length);
	return BX_OK;
}

/* The highest node that both paths have: *a, *b are its depths.  False: none. */
static bool
find_common(const struct side *a, const struct side *b, unsigned *depth_a, unsigned *depth_b)
{
	unsigned levels = a->path.depth < b->path.depth ? a->path.depth : b->path.depth;

	for (unsigned level = levels; level > 0; level--) {
		const struct fs_slot *x = &a->fs->slots[a->path.slot[a->path.depth - level]];
		const struct fs_slot *y = &b->fs->slots[b->path.slot[b->path.depth - level]];

		if (x->address != y->address || x->generation != y->generation)
			continue;
		*depth_a = a->path.depth - level;
		*depth_b = b->path.depth - level;
		return true;
	}
	return false;
}

static void
go_to(struct bx_fs_diff *cursor, const uint8_t *key, unsigned length, bool after)
{
	memcpy(cursor->key, key, length);
	cursor->key_length = (uint16_t)length;
	cursor->after = after;
}

static int
order_of(const uint8_t *a, unsigned a_length, const uint8_t *b, unsigned b_length)
{
	/* NULL: beyond everything. */
	if (a == NULL || b == NULL)
		return (a == NULL) - (b == NULL);
	return bx_fsi_key_compare(a, a_length, b, b_length);
}

static void
describe(const struct side *old, const struct side *new, struct bx_fs_change *out)
{
	const struct fs_item *item = old != NULL ? &old->item : &new->item;

	*out = (struct bx_fs_change){
		.inode = bx_get_be64(item->key),
		.how = old == NULL ? BX_FS_ADDED : new == NULL ? BX_FS_REMOVED : BX_FS_CHANGED,
		.what = item->key[8],
	};
	if ((item->key[8] == FS_KEY_ENTRY || item->key[8] == FS_KEY_ATTR) && item->key_length > 9) {
		out->name_length = (uint8_t)(item->key_length - 9);
		memcpy(out->name, item->key + 9, out->name_length);
	}
	if (item->key[8] == FS_KEY_EXTENT && item->key_length == 17)
		out->offset = bx_get_be64(item->key + 9) * BX_FS_BLOCK;
	if (item->key[8] != FS_KEY_ENTRY)
		return;
	if (old != NULL && old->item.value_length == 9)
		out->old_entry = bx_get_le64(old->item.value);
	if (new != NULL && new->item.value_length == 9)
		out->new_entry = bx_get_le64(new->item.value);
}

/* The next item of one of the leaves, or the end of them.  True: *out says what differs. */
static bool
compare_next(const struct side *a, const struct side *b, struct bx_fs_diff *cursor,
    struct bx_fs_change *out)
{
	const uint8_t *at[2] = {
		a->has_item ? a->item.key : a->bound, b->has_item ? b->item.key : b->bound,
	};
	unsigned length[2] = {
		a->has_item ? a->item.key_length : a->bound_length,
		b->has_item ? b->item.key_length : b->bound_length,
	};
	int order = order_of(at[0], length[0], at[1], length[1]);
	bool in_a = a->has_item && order <= 0, in_b = b->has_item && order >= 0;

	go_to(cursor, order <= 0 ? at[0] : at[1], order <= 0 ? length[0] : length[1],
	    (in_a || in_b) && (order != 0 || (in_a && in_b)));
	if (order == 0 && in_a != in_b)
		return false;		/* an item here, a leaf that begins with it there */
	if (!in_a && !in_b)
		return false;
	if (in_a && in_b && a->item.value_length == b->item.value_length &&
	    memcmp(a->item.value, b->item.value, a->item.value_length) == 0)
		return false;
	describe(in_a ? a : NULL, in_b ? b : NULL, out);
	return true;
}

/* One turn.  BX_ERR_AGAIN: nothing found yet.  BX_ERR_NOT_FOUND: this was all. */
static enum bx_err
turn(struct side *a, struct side *b, struct bx_fs_diff *cursor, struct bx_fs_change *out)
{
	unsigned depth_a, depth_b, length_a, length_b;
	const uint8_t *bound_a, *bound_b;

	if (find_common(a, b, &depth_a, &depth_b)) {
		(void)find_bound(a, depth_a, &bound_a, &length_a);
		(void)find_bound(b, depth_b, &bound_b, &length_b);
		if (bound_a == NULL && bound_b == NULL)
			return BX_ERR_NOT_FOUND;
		if (order_of(bound_a, length_a, bound_b, length_b) <= 0)
			go_to(cursor, bound_a, length_a, false);
		else
			go_to(cursor, bound_b, length_b, false);
		return BX_ERR_AGAIN;
	}
	if (!a->has_item && a->bound == NULL && !b->has_item && b->bound == NULL)
		return BX_ERR_NOT_FOUND;
	return compare_next(a, b, cursor, out) ? BX_OK : BX_ERR_AGAIN;
}

enum bx_err
bx_fs_diff_next(struct bx_fs *older, struct bx_fs *newer, struct bx_fs_diff *cursor,
    struct bx_fs_change *out)
{
	if (memcmp(older->root.uuid, newer->root.uuid, sizeof older->root.uuid) != 0 ||
	    older->root.hash != newer->root.hash || cursor->key_length > FS_KEY_MAX)
		return BX_ERR_INVALID;
	for (unsigned i = 0; i < TURNS; i++) {
		struct side a = { .fs = older }, b = { .fs = newer };
		struct fs_key key = { .length = cursor->key_length };
		enum bx_err err;

		memcpy(key.bytes, cursor->key, key.length);
		err = settle(&a, &key, cursor->after);
		if (err == BX_OK)
			err = settle(&b, &key, cursor->after);
		if (err == BX_OK)
			err = turn(&a, &b, cursor, out);
		bx_fsi_path_release(older, &a.path);
		bx_fsi_path_release(newer, &b.path);
		if (err != BX_ERR_AGAIN)
			return err;
	}
	return BX_ERR_AGAIN;
}
