/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * move.c -- a capability changes its slot and keeps its place in the forest.
 */
#include "forest.h"

/*@ requires forest_in_memory(forest) && sound(forest);
  @ requires place_in_memory(forest, from) && place_in_memory(forest, to);
  @ assigns forest->slots[0 .. forest->slot_count - 1], bx_cap_birth[0 .. forest->slot_count - 1];
  @ ensures cap5: \old(to.space->sealed) || !\old(is_plain(to)) ==> \result != BX_OK; */
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

	/* Nothing below can fail. */
	relink_neighbours(forest, from_slot, to_slot);
	forest->slots[to_slot] = forest->slots[from_slot];
	//@ ghost bx_cap_birth[to_slot] = bx_cap_birth[from_slot];
	forest->slots[from_slot] = EMPTY_SLOT;
	BX_INVARIANT(bx_cap_slot_sound(forest, from_slot));
	BX_INVARIANT(bx_cap_slot_sound(forest, to_slot));
	return BX_OK;
}
