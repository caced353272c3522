/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * forest.c -- the slot array's beginning, and the roots of the derivation forest.
 */
#include "forest.h"

/*@ requires \valid(forest) && slot_count > 0 && \valid(slots + (0 .. slot_count - 1));
  @ requires \separated(forest, slots + (0 .. slot_count - 1));
  @ assigns *forest, slots[0 .. slot_count - 1];
  @ ensures forest->slots == slots && forest->slot_count == slot_count; */
void
bx_cap_forest_init(struct bx_cap_forest *forest, struct bx_cap_slot *slots, uint32_t slot_count)
{
	BX_ASSERT(slots != NULL);
	BX_ASSERT(slot_count > 0);

	/*@ loop invariant 0 <= i <= slot_count;
	  @ loop assigns i, slots[0 .. slot_count - 1];
	  @ loop variant slot_count - i; */
	for (uint32_t i = 0; i < slot_count; i++)
		slots[i] = EMPTY_SLOT;
	forest->slots = slots;
	forest->slot_count = slot_count;
}

/* Whether *cap can be a root: a type with a meaning, known rights, a range that does not wrap. */
/*@ requires \valid_read(cap);
  @ assigns \nothing;
  @ ensures \result != 0 ==> cap->type != BX_CAP_NONE && cap->type != BX_CAP_REPLY &&
  @    cap->type < BX_CAP_TYPE_COUNT && cap->rights <= BX_RIGHT_ALL &&
  @    cap->first + cap->count <= UINT64_MAX; */
static bool
root_is_valid(const struct bx_cap *cap)
{
	return cap->type != BX_CAP_NONE && cap->type != BX_CAP_REPLY &&
	    cap->type < BX_CAP_TYPE_COUNT && cap->rights <= BX_RIGHT_ALL &&
	    cap->count <= UINT64_MAX - cap->first;
}

/*@ requires forest_in_memory(forest) && sound(forest) && place_in_memory(forest, to);
  @ requires bx_cap_births < UINT64_MAX;
  @ requires \valid_read(cap) && \separated(cap, forest->slots + (0 .. forest->slot_count - 1));
  @ ensures cap5: \old(to.space->sealed) || !\old(is_plain(to)) ==> \result != BX_OK; */
enum bx_err
bx_cap_insert(struct bx_cap_forest *forest, struct bx_cap_place to, const struct bx_cap *cap)
{
	uint32_t slot;
	enum bx_err err;

	BX_ASSERT(cap != NULL);

	if (!root_is_valid(cap))
		return BX_ERR_INVALID;
	err = find_slot(to, &slot);
	if (err != BX_OK)
		return err;
	if (to.index >= to.space->plain_count)
		return BX_ERR_CAP_SLOT;
	if (to.space->sealed)				/* CAP-5 */
		return BX_ERR_CAP_SEALED;
	if (!slot_is_empty(forest, slot))
		return BX_ERR_CAP_OCCUPIED;

	forest->slots[slot].cap = *cap;
	//@ admit links_as_before{Pre,Here}(forest);
	forest->slots[slot].cap.depth = 0;
	link_slot(forest, slot, BX_CAP_SLOT_NONE);
	BX_INVARIANT(bx_cap_slot_sound(forest, slot));
	return BX_OK;
}
