/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * recharge.c -- the holder of a capability gives a derivation of it more uses.
 */
#include "forest.h"
#include "lemmas.h"

/* Whether `slot` was derived, directly or indirectly, from `ancestor`.  The walk is bounded by
 * the depth that the capability itself records (CAP-3). */
/*@ requires forest_in_memory(forest) && slots_sound(forest->slots, forest->slot_count);
  @ requires slot < forest->slot_count && forest->slots[slot].cap.type != BX_CAP_NONE;
  @ requires ancestor != BX_CAP_SLOT_NONE;
  @ assigns \nothing;
  @ ensures \result != 0 <==> descends(forest->slots, slot, ancestor);
  @ ensures \result != 0 ==> slot != ancestor &&
  @    (forest->slots[slot].cap.uses == BX_CAP_USES_UNLIMITED ==>
  @     forest->slots[ancestor].cap.uses == BX_CAP_USES_UNLIMITED); */
static bool
descends_from(const struct bx_cap_forest *forest, uint32_t slot, uint32_t ancestor)
{
	/*@ loop invariant slot < forest->slot_count && up == forest->slots[slot].cap.depth;
	  @ loop invariant forest->slots[slot].cap.type != BX_CAP_NONE;
	  @ loop invariant up <= forest->slots[\at(slot, Pre)].cap.depth <= BX_CAP_DEPTH_MAX;
	  @ loop invariant descends(forest->slots, slot, ancestor) <==>
	  @    descends(forest->slots, \at(slot, Pre), ancestor);
	  @ loop invariant forest->slots[\at(slot, Pre)].cap.uses == BX_CAP_USES_UNLIMITED ==>
	  @    forest->slots[slot].cap.uses == BX_CAP_USES_UNLIMITED;
	  @ loop assigns up, slot;
	  @ loop variant up; */
	for (uint32_t up = forest->slots[slot].cap.depth; up > 0; up--) {
		slot = forest->slots[slot].parent;
		if (slot == ancestor)
			return true;
	}
	return false;
}

/* What cannot fail any more. */
/*@ requires \valid(slots + (0 .. n - 1)) && parent < n <= BX_CAP_SLOT_NONE && child < n;
  @ requires parent != child && slots[child].cap.uses + uses < BX_CAP_USES_UNLIMITED;
  @ requires slots[parent].cap.uses == BX_CAP_USES_UNLIMITED || uses <= slots[parent].cap.uses;
  @ requires slots[parent].cap.type != BX_CAP_NONE && slots[child].cap.type != BX_CAP_NONE;
  @ requires slots_sound(slots, n);
  @ assigns slots[0 .. n - 1].cap.uses;
  @ ensures recharged{Pre,Post}(slots, n);
  @ ensures caps_as_before{Pre,Post}(slots, n, child, parent);
  @ ensures slots_sound(slots, n);
  @ ensures uses_taken{Pre,Post}(slots, parent, uses);
  @ ensures slots[child].cap.uses == \old(slots[child].cap.uses) + uses; */
static void
recharge_act(struct bx_cap_slot *slots, uint32_t parent, uint32_t child, uint32_t uses)
/*@ ghost (uint32_t n) */
{
	give_uses(slots, parent, child, uses) /*@ ghost (n) */;
	//@ assert links_as_before{Pre,Here}(slots, n);
	//@ assert recharged{Pre,Here}(slots, n);
}

/*@ requires forest_in_memory(forest) && sound(forest);
  @ requires place_in_memory(forest, parent) && place_in_memory(forest, child);
  @ assigns forest->slots[0 .. forest->slot_count - 1].cap.uses;
  @ ensures consent: \result == BX_OK ==>
  @    \old(descends(forest->slots, slot_of(child), slot_of(parent)));
  @ ensures only: caps_as_before{Pre,Post}(forest->slots, forest->slot_count,
  @    \old(slot_of(child)), \old(slot_of(parent)));
  @ ensures \result == BX_OK ==> now < forest->slots[slot_of(parent)].cap.expiry &&
  @    slot_of(parent) != slot_of(child) &&
  @    forest->slots[slot_of(child)].cap.uses == \old(forest->slots[slot_of(child)].cap.uses) + uses &&
  @    forest->slots[slot_of(child)].cap.uses != BX_CAP_USES_UNLIMITED;
  @ ensures refused: \result != BX_OK ==> nothing_changed{Pre,Post}(forest->slots, forest->slot_count);
  @ ensures recharged{Pre,Post}(forest->slots, forest->slot_count);
  @ ensures sound(forest);
  @ ensures cap2: \result == BX_OK ==>
  @    (\old(forest->slots[slot_of(parent)].cap.uses) == BX_CAP_USES_UNLIMITED ?
  @	forest->slots[slot_of(parent)].cap.uses == BX_CAP_USES_UNLIMITED :
  @	forest->slots[slot_of(parent)].cap.uses == \old(forest->slots[slot_of(parent)].cap.uses) - uses); */
enum bx_err
bx_cap_recharge(struct bx_cap_forest *forest, struct bx_cap_place parent,
    struct bx_cap_place child, uint32_t uses, uint64_t now)
{
	uint32_t parent_slot, child_slot;
	const struct bx_cap *giver, *taker;
	enum bx_err err;

	//@ assert recharged{Pre,Here}(forest->slots, forest->slot_count);
	err = find_slot(parent, &parent_slot);
	if (err != BX_OK)
		return err;
	err = find_slot(child, &child_slot);
	if (err != BX_OK)
		return err;
	giver = &forest->slots[parent_slot].cap;
	taker = &forest->slots[child_slot].cap;
	if (giver->type == BX_CAP_NONE || taker->type == BX_CAP_NONE)
		return BX_ERR_CAP_EMPTY;
	if (now >= giver->expiry)
		return BX_ERR_CAP_EXPIRED;
	if (!descends_from(forest, child_slot, parent_slot))
		return BX_ERR_CAP_NOT_CHILD;
	if (uses == 0 || taker->uses == BX_CAP_USES_UNLIMITED)
		return BX_ERR_INVALID;
	if (giver->uses != BX_CAP_USES_UNLIMITED && uses > giver->uses)
		return BX_ERR_CAP_USED_UP;
	if (uses >= BX_CAP_USES_UNLIMITED - taker->uses)
		return BX_ERR_OVERFLOW;

	recharge_act(forest->slots, parent_slot, child_slot, uses)
	    /*@ ghost (forest->slot_count) */;
	//@ assert recharged{Pre,Here}(forest->slots, forest->slot_count);
	BX_INVARIANT(bx_cap_slot_sound(forest, child_slot));
	return BX_OK;
}
