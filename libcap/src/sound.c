/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * sound.c -- whether the forest is what cap.h says it always is.  Reads only; believes nothing.
 */
#include "forest.h"

/*@ requires \valid_read(forest);
  @ assigns \nothing;
  @ ensures \result == (link == BX_CAP_SLOT_NONE || link < forest->slot_count ? 1 : 0); */
static bool
is_link(const struct bx_cap_forest *forest, uint32_t link)
{
	return link == BX_CAP_SLOT_NONE || link < forest->slot_count;
}

/*@ requires \valid_read(slot);
  @ assigns \nothing;
  @ ensures \result != 0 <==> ZERO(slot, 0) && UNLINKED(slot, 0); */
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
/*@ requires \valid_read(parent) && \valid_read(child);
  @ assigns \nothing;
  @ ensures \result != 0 ==> child->expiry <= parent->expiry && parent->first <= child->first &&
  @    child->first + child->count <= parent->first + parent->count &&
  @    child->depth == parent->depth + 1 && child->depth <= BX_CAP_DEPTH_MAX &&
  @    (child->uses == BX_CAP_USES_UNLIMITED ==> parent->uses == BX_CAP_USES_UNLIMITED) &&
  @    (parent->badge != 0 ==> child->badge == parent->badge); */
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
/*@ requires forest_in_memory(forest) && slot < forest->slot_count;
  @ assigns \nothing;
  @ ensures \result != 0 ==> neighbours_agree(forest->slots, forest->slot_count, slot); */
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

/*@ requires forest_in_memory(forest) && slot < forest->slot_count;
  @ assigns \nothing;
  @ ensures \result != 0 && forest->slots[slot].cap.type == BX_CAP_NONE ==>
  @    blank(forest->slots, slot);
  @ ensures \result != 0 ==> neighbours_agree(forest->slots, forest->slot_count, slot);
  @ ensures \result != 0 && forest->slots[slot].parent == BX_CAP_SLOT_NONE ==>
  @    forest->slots[slot].cap.depth == 0; */
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

/*@ requires forest_in_memory(forest) && \valid(bad_slot);
  @ requires \separated(bad_slot, forest, forest->slots + (0 .. forest->slot_count - 1));
  @ assigns *bad_slot;
  @ ensures \result != 0 ==> *bad_slot == \old(*bad_slot) &&
  @    \forall integer i; 0 <= i < forest->slot_count ==>
  @	neighbours_agree(forest->slots, forest->slot_count, i); */
bool
bx_cap_forest_sound(const struct bx_cap_forest *forest, uint32_t *bad_slot)
{
	uint64_t derived = 0, reached = 0;

	/*@ loop invariant 0 <= i <= forest->slot_count;
	  @ loop invariant \forall integer k; 0 <= k < i ==>
	  @    neighbours_agree(forest->slots, forest->slot_count, k);
	  @ loop invariant derived <= i;
	  @ loop assigns i, derived;
	  @ loop variant forest->slot_count - i; */
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
	 * exactly one predecessor; the count ends them in any case.
	 */
	/*@ loop invariant 0 <= i <= forest->slot_count && reached <= derived + 1;
	  @ loop assigns i, reached;
	  @ loop variant forest->slot_count - i; */
	for (uint32_t i = 0; i < forest->slot_count; i++)
		/*@ loop invariant c == BX_CAP_SLOT_NONE || c < forest->slot_count;
		  @ loop invariant reached <= derived + 1;
		  @ loop assigns c, reached;
		  @ loop variant derived + 1 - reached; */
		for (uint32_t c = forest->slots[i].child; c != BX_CAP_SLOT_NONE && reached <= derived;
		    c = forest->slots[c].older)
			reached++;
	if (reached != derived) {
		*bad_slot = BX_CAP_SLOT_NONE;
		return false;
	}
	return true;
}
