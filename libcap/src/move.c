/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * move.c -- a capability changes its slot and keeps its place in the forest.
 */
#include "forest.h"
#include "lemmas.h"

/* What cannot fail. */
/*@ requires \valid(slots + (0 .. n - 1)) && slot < n <= BX_CAP_SLOT_NONE && heir < n;
  @ requires slots_sound(slots, n) && slots[slot].child == BX_CAP_SLOT_NONE;
  @ requires slots[slot].cap.type != BX_CAP_NONE && slots[heir].cap.type == BX_CAP_NONE;
  @ assigns slots[0 .. n - 1], bx_cap_birth[heir];
  @ ensures moved{Pre,Post}(slots, n, slot, heir);
  @ ensures slots_sound(slots, n); */
static void
move_act(struct bx_cap_slot *slots, uint32_t slot, uint32_t heir) /*@ ghost (uint32_t n) */
{
	//@ assert replaceable(slots, n, slot, heir);
	move_slot(slots, slot, heir) /*@ ghost (n) */;
}

/*@ requires forest_in_memory(forest) && sound(forest);
  @ requires place_in_memory(forest, from) && place_in_memory(forest, to);
  @ assigns forest->slots[0 .. forest->slot_count - 1], bx_cap_birth[0 .. forest->slot_count - 1];
  @ ensures sound(forest);
  @ ensures refused: \result != BX_OK ==> nothing_changed{Pre,Post}(forest->slots, forest->slot_count);
  @ ensures same: \result == BX_OK ==>
  @    moved{Pre,Post}(forest->slots, forest->slot_count, \old(slot_of(from)), \old(slot_of(to)));
  @ ensures cap5: \old(from.space->sealed) || \old(to.space->sealed) || !\old(is_plain(to)) ==>
  @    \result != BX_OK;
  @ ensures gain: only_gain{Pre,Post}(forest->slots, forest->slot_count, \old(slot_of(to))); */
enum bx_err
bx_cap_move(struct bx_cap_forest *forest, struct bx_cap_place from, struct bx_cap_place to)
{
	uint32_t from_slot, to_slot;
	enum bx_err err;

	err = find_slot(from, &from_slot);
	if (err != BX_OK)
		return err;
	err = find_slot(to, &to_slot);
	if (err != BX_OK)
		return err;
	if (slot_is_empty(forest, from_slot))
		return BX_ERR_CAP_EMPTY;
	if (forest->slots[from_slot].cap.type == BX_CAP_REPLY)
		return BX_ERR_CAP_TYPE;
	if (from.space->sealed || to.space->sealed)	/* CAP-5 */
		return BX_ERR_CAP_SEALED;
	if (to.index >= to.space->plain_count)		/* CAP-5 */
		return BX_ERR_CAP_SLOT;
	if (!slot_is_empty(forest, to_slot))
		return BX_ERR_CAP_OCCUPIED;
	if (forest->slots[from_slot].child != BX_CAP_SLOT_NONE)
		return BX_ERR_BUSY;

	move_act(forest->slots, from_slot, to_slot) /*@ ghost (forest->slot_count) */;
	BX_INVARIANT(bx_cap_slot_sound(forest, from_slot));
	BX_INVARIANT(bx_cap_slot_sound(forest, to_slot));
	return BX_OK;
}
