/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * sound.c -- whether the forest is what cap.h says it always is.  Reads only; believes nothing.
 */
#include "forest.h"

static bool
is_link(const struct bx_cap_forest *forest, uint32_t link)
{
	return link == BX_CAP_SLOT_NONE || link < forest->slot_count;
}

static bool
empty_is_blank(const struct bx_cap_slot *slot)
{
	const struct bx_cap *cap = &slot->cap;

	return cap->type == BX_CAP_NONE && cap->rights == 0 && cap->depth == 0 && cap->uses == 0 &&
	    cap->badge == 0 && cap->object.index == 0 && cap->object.generation == 0 &&
	    cap->expiry == 0 && cap->first == 0 && cap->count == 0 &&
	    slot->parent == BX_CAP_SLOT_NONE && slot->child == BX_CAP_SLOT_NONE &&
	    slot->older == BX_CAP_SLOT_NONE && slot->younger == BX_CAP_SLOT_NONE;
}

/* CAP-1 to CAP-3: what holds between a derived capability and its parent. */
static bool
child_is_lesser(const struct bx_cap *parent, const struct bx_cap *child)
{
	if (parent->type == BX_CAP_NONE || parent->type == BX_CAP_REPLY)
		return false;
	if (child->type != parent->type || child->object.index != parent->object.index ||
	    child->object.generation != parent->object.generation)
		return false;
	if ((child->rights & ~parent->rights) != 0)				/* CAP-1 */
		return false;
	if (child->expiry > parent->expiry)					/* CAP-2 */
		return false;
	if (child->first < parent->first ||
	    !bx_range_fits(child->first - parent->first, child->count, parent->count))
		return false;
	if (parent->uses != BX_CAP_USES_UNLIMITED && child->uses == BX_CAP_USES_UNLIMITED)
		return false;
	if (parent->badge != 0 && child->badge != parent->badge)
		return false;
	return child->depth == parent->depth + 1u && child->depth <= BX_CAP_DEPTH_MAX;	/* CAP-3 */
}

/* The links of a used slot are in range and its neighbours link back. */
static bool
links_agree(const struct bx_cap_forest *forest, uint32_t slot)
{
	const struct bx_cap_slot *slots = forest->slots, *self = &slots[slot];

	if (!is_link(forest, self->parent) || !is_link(forest, self->child) ||
	    !is_link(forest, self->older) || !is_link(forest, self->younger))
		return false;
	if (self->child != BX_CAP_SLOT_NONE && (slots[self->child].parent != slot ||
	    slots[self->child].younger != BX_CAP_SLOT_NONE))
		return false;
	if (self->parent == BX_CAP_SLOT_NONE)
		return self->older == BX_CAP_SLOT_NONE && self->younger == BX_CAP_SLOT_NONE;
	if (self->older != BX_CAP_SLOT_NONE && (slots[self->older].younger != slot ||
	    slots[self->older].parent != self->parent))
		return false;
	if (self->younger == BX_CAP_SLOT_NONE)
		return slots[self->parent].child == slot;
	return slots[self->younger].older == slot && slots[self->younger].parent == self->parent;
}

bool
bx_cap_slot_sound(const struct bx_cap_forest *forest, uint32_t slot)
{
	const struct bx_cap_slot *self = &forest->slots[slot];

	if (self->cap.type == BX_CAP_NONE)
		return empty_is_blank(self);					/* CAP-6 */
	if (self->cap.type >= BX_CAP_TYPE_COUNT || (self->cap.rights & ~BX_RIGHT_ALL) != 0)
		return false;
	if (!links_agree(forest, slot))						/* CAP-6 */
		return false;
	if (self->cap.type == BX_CAP_REPLY &&
	    (self->parent != BX_CAP_SLOT_NONE || self->child != BX_CAP_SLOT_NONE))
		return false;
	if (self->parent == BX_CAP_SLOT_NONE)
		return self->cap.depth == 0;
	return child_is_lesser(&forest->slots[self->parent].cap, &self->cap);	/* CAP-4 */
}

bool
bx_cap_forest_sound(const struct bx_cap_forest *forest, uint32_t *bad_slot)
{
	uint32_t derived = 0, reached = 0;

	for (uint32_t i = 0; i < forest->slot_count; i++) {
		if (!bx_cap_slot_sound(forest, i)) {
			*bad_slot = i;
			return false;
		}
		derived += forest->slots[i].parent != BX_CAP_SLOT_NONE;
	}
	/*
	 * Depths grow from parent to child, so there is no ring of parents.  A ring of siblings
	 * would agree locally; it is found by counting: every derived capability must be in the
	 * list that begins at its parent.  Those lists end, since each member but the first has
	 * exactly one predecessor.
	 */
	for (uint32_t i = 0; i < forest->slot_count; i++)
		for (uint32_t c = forest->slots[i].child; c != BX_CAP_SLOT_NONE;
		    c = forest->slots[c].older)
			reached++;
	if (reached != derived) {
		*bad_slot = BX_CAP_SLOT_NONE;
		return false;
	}
	return true;
}
