/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * remove.c -- delete and revoke: one leaf at a time, deepest first, in bounded steps.
 *
 * The forest is whole after every single removal, and what is left to do can be read off it (the
 * root still has descendants), so a removal may stop anywhere and needs no progress of its own.
 */
#include "forest.h"

uint32_t
bx_cap_leaf_next(const struct bx_cap_forest *forest, uint32_t root, uint32_t near)
{
	uint32_t leaf = near != BX_CAP_SLOT_NONE ? near : root;

	/* At most BX_CAP_DEPTH_MAX steps down (CAP-3). */
	while (forest->slots[leaf].child != BX_CAP_SLOT_NONE)
		leaf = forest->slots[leaf].child;
	return leaf != root ? leaf : BX_CAP_SLOT_NONE;
}

uint32_t
bx_cap_leaf_remove(struct bx_cap_forest *forest, uint32_t slot)
{
	uint32_t parent = forest->slots[slot].parent;

	BX_ASSERT(!slot_is_empty(forest, slot));
	BX_ASSERT(forest->slots[slot].child == BX_CAP_SLOT_NONE);
	BX_INVARIANT(bx_cap_slot_sound(forest, slot));

	relink_neighbours(forest, slot, BX_CAP_SLOT_NONE);
	forest->slots[slot] = EMPTY_SLOT;
	BX_INVARIANT(parent == BX_CAP_SLOT_NONE || bx_cap_slot_sound(forest, parent));
	return parent;
}

/* Removes at most `budget` descendants of `root`; returns how many went. */
static uint32_t
remove_below(struct bx_cap_forest *forest, uint32_t root, uint32_t budget)
{
	uint32_t near = BX_CAP_SLOT_NONE, leaf, removed;

	for (removed = 0; removed < budget; removed++) {
		leaf = bx_cap_leaf_next(forest, root, near);
		if (leaf == BX_CAP_SLOT_NONE)
			break;
		near = bx_cap_leaf_remove(forest, leaf);
	}
	return removed;
}

enum bx_err
bx_cap_revoke(struct bx_cap_forest *forest, struct bx_cap_place place)
{
	uint32_t slot;
	enum bx_err err;

	err = find_slot(place, &slot);
	if (err != BX_OK)
		return err;
	if (slot_is_empty(forest, slot))
		return BX_ERR_CAP_EMPTY;
	(void)remove_below(forest, slot, BX_CAP_STEP_MAX);
	return forest->slots[slot].child == BX_CAP_SLOT_NONE ? BX_OK : BX_ERR_AGAIN;
}

enum bx_err
bx_cap_delete(struct bx_cap_forest *forest, struct bx_cap_place place)
{
	uint32_t slot;
	enum bx_err err;

	err = find_slot(place, &slot);
	if (err != BX_OK)
		return err;
	if (slot_is_empty(forest, slot))
		return BX_ERR_CAP_EMPTY;
	/* The last of the step's removals, if it comes to it, is the capability itself. */
	if (remove_below(forest, slot, BX_CAP_STEP_MAX) == BX_CAP_STEP_MAX)
		return BX_ERR_AGAIN;
	(void)bx_cap_leaf_remove(forest, slot);
	return BX_OK;
}
