/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * forest.c -- the slot array's beginning, and the roots of the derivation forest.
 */
#include "forest.h"
#include "lemmas.h"

/*@ requires \valid(slots + (0 .. n - 1)) && slot < n;
  @ assigns slots[0 .. n - 1];
  @ ensures all_links_as_before_but{Pre,Post}(slots, n, slot);
  @ ensures caps_as_before{Pre,Post}(slots, n, slot, slot);
  @ ensures blank(slots, slot); */
static void
make_blank(struct bx_cap_slot *slots, uint32_t slot) /*@ ghost (uint32_t n) */
{
	erase_cap(slots, slot) /*@ ghost (n) */;
	slots[slot].parent = BX_CAP_SLOT_NONE;
	slots[slot].child = BX_CAP_SLOT_NONE;
	slots[slot].older = BX_CAP_SLOT_NONE;
	slots[slot].younger = BX_CAP_SLOT_NONE;
}

/*@ requires \valid(slots + (0 .. slot_count - 1));
  @ assigns slots[0 .. slot_count - 1];
  @ ensures all_blank(slots, slot_count); */
static void
make_all_blank(struct bx_cap_slot *slots, uint32_t slot_count)
{
	/*@ loop invariant 0 <= i <= slot_count && all_blank(slots, i);
	  @ loop assigns i, slots[0 .. slot_count - 1];
	  @ loop variant slot_count - i; */
	for (uint32_t i = 0; i < slot_count; i++)
		make_blank(slots, i) /*@ ghost (slot_count) */;
}

/*@ requires \valid(forest) && slot_count > 0 && \valid(slots + (0 .. slot_count - 1));
  @ requires \separated(forest, slots + (0 .. slot_count - 1));
  @ assigns *forest, slots[0 .. slot_count - 1];
  @ ensures forest->slots == slots && forest->slot_count == slot_count;
  @ ensures all_blank(slots, slot_count);
  @ ensures sound(forest); */
void
bx_cap_forest_init(struct bx_cap_forest *forest, struct bx_cap_slot *slots, uint32_t slot_count)
{
	BX_ASSERT(slots != NULL);
	BX_ASSERT(slot_count > 0);

	forest->slots = slots;
	forest->slot_count = slot_count;
	make_all_blank(slots, slot_count);
	//@ assert slots_sound(slots, slot_count);
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
  @ requires \valid_read(cap) && \separated(cap, forest->slots + (0 .. forest->slot_count - 1));
  @ assigns forest->slots[0 .. forest->slot_count - 1];
  @ ensures sound(forest);
  @ ensures refused: \result != BX_OK ==> nothing_changed{Pre,Post}(forest->slots, forest->slot_count);
  @ ensures put: \result == BX_OK ==>
  @    rooted{Pre,Post}(forest->slots, forest->slot_count, \old(slot_of(to))) &&
  @    forest->slots[\old(slot_of(to))].cap.type == \old(cap->type) &&
  @    forest->slots[\old(slot_of(to))].cap.rights == \old(cap->rights) &&
  @    forest->slots[\old(slot_of(to))].cap.uses == \old(cap->uses) &&
  @    forest->slots[\old(slot_of(to))].cap.badge == \old(cap->badge) &&
  @    forest->slots[\old(slot_of(to))].cap.object.index == \old(cap->object.index) &&
  @    forest->slots[\old(slot_of(to))].cap.object.generation == \old(cap->object.generation) &&
  @    forest->slots[\old(slot_of(to))].cap.expiry == \old(cap->expiry) &&
  @    forest->slots[\old(slot_of(to))].cap.first == \old(cap->first) &&
  @    forest->slots[\old(slot_of(to))].cap.count == \old(cap->count);
  @ ensures cap5: \old(to.space->sealed) || !\old(is_plain(to)) ==> \result != BX_OK;
  @ ensures gain: only_gain{Pre,Post}(forest->slots, forest->slot_count, \old(slot_of(to))); */
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

	/* Its links are already those of a root (CAP-6). */
	//@ assert unlinked(forest->slots, slot);
	put_root(forest->slots, slot, cap) /*@ ghost (forest->slot_count) */;
	//@ assert forest->slots == \at(forest->slots, Pre);
	//@ assert forest->slot_count == \at(forest->slot_count, Pre);
	//@ assert rooted{Pre,Here}(forest->slots, forest->slot_count, slot);
	//@ assert slots_sound(forest->slots, forest->slot_count);
	BX_INVARIANT(bx_cap_slot_sound(forest, slot));
	return BX_OK;
}
