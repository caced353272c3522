/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * remove.c -- delete and revoke: one leaf at a time, deepest first, in bounded steps.
 *
 * The forest is whole after every single removal, and what is left to do can be read off it (the
 * root still has descendants), so a removal may stop anywhere and needs no progress of its own.
 */
#include "forest.h"
#include "lemmas.h"

/*@ requires forest_in_memory(forest) && slots_sound(forest->slots, forest->slot_count);
  @ requires root < forest->slot_count && (near == BX_CAP_SLOT_NONE || near < forest->slot_count);
  @ assigns \nothing;
  @ ensures \result == BX_CAP_SLOT_NONE ==> forest->slots[root].child == BX_CAP_SLOT_NONE;
  @ ensures \result != BX_CAP_SLOT_NONE ==> \result < forest->slot_count && \result != root &&
  @    forest->slots[\result].child == BX_CAP_SLOT_NONE;
  @ ensures \result != BX_CAP_SLOT_NONE && (near == BX_CAP_SLOT_NONE ||
  @    forest->slots[near].cap.type != BX_CAP_NONE) ==> forest->slots[\result].cap.type != BX_CAP_NONE;
  @ ensures below: marks_below(forest->slots, forest->slot_count, root) &&
  @    forest->slots[root].cap.type != BX_CAP_NONE && (near == BX_CAP_SLOT_NONE || near == root ||
  @	forest->slots[near].cap.type != BX_CAP_NONE && bx_cap_marked[near] != 0) ==>
  @    \result == BX_CAP_SLOT_NONE || bx_cap_marked[\result] != 0; */
uint32_t
bx_cap_leaf_next(const struct bx_cap_forest *forest, uint32_t root, uint32_t near)
{
	uint32_t leaf = near != BX_CAP_SLOT_NONE ? near : root;

	/* At most BX_CAP_DEPTH_MAX steps down (CAP-3). */
	/*@ loop invariant leaf < forest->slot_count;
	  @ loop invariant (near == BX_CAP_SLOT_NONE ? root : near) != leaf ==>
	  @    forest->slots[leaf].cap.type != BX_CAP_NONE;
	  @ loop invariant marks_below(forest->slots, forest->slot_count, root) &&
	  @    forest->slots[root].cap.type != BX_CAP_NONE && (near == BX_CAP_SLOT_NONE || near == root ||
	  @	forest->slots[near].cap.type != BX_CAP_NONE && bx_cap_marked[near] != 0) ==>
	  @    forest->slots[leaf].cap.type != BX_CAP_NONE && (leaf == root || bx_cap_marked[leaf] != 0);
	  @ loop invariant forest->slots[leaf].cap.depth <= BX_CAP_DEPTH_MAX;
	  @ loop assigns leaf;
	  @ loop variant BX_CAP_DEPTH_MAX - forest->slots[leaf].cap.depth; */
	while (forest->slots[leaf].child != BX_CAP_SLOT_NONE)
		leaf = forest->slots[leaf].child;
	return leaf != root ? leaf : BX_CAP_SLOT_NONE;
}

/* What cannot fail. */
/*@ requires \valid(slots + (0 .. n - 1)) && slot < n <= BX_CAP_SLOT_NONE;
  @ requires slots_sound(slots, n) && slots[slot].child == BX_CAP_SLOT_NONE;
  @ assigns slots[0 .. n - 1];
  @ ensures removed{Pre,Post}(slots, n, slot);
  @ ensures slots_sound(slots, n); */
static void
remove_act(struct bx_cap_slot *slots, uint32_t slot) /*@ ghost (uint32_t n) */
{
	//@ assert childless(slots, n, slot);
	remove_slot(slots, slot) /*@ ghost (n) */;
}

/*@ requires forest_in_memory(forest) && sound(forest) && slot < forest->slot_count;
  @ requires forest->slots[slot].cap.type != BX_CAP_NONE;
  @ requires forest->slots[slot].child == BX_CAP_SLOT_NONE;
  @ assigns forest->slots[0 .. forest->slot_count - 1];
  @ ensures \result == \old(forest->slots[slot].parent);
  @ ensures \result != BX_CAP_SLOT_NONE ==> \result < forest->slot_count && \result != slot &&
  @    forest->slots[\result].cap.type != BX_CAP_NONE;
  @ ensures sound(forest);
  @ ensures removed{Pre,Post}(forest->slots, forest->slot_count, slot); */
uint32_t
bx_cap_leaf_remove(struct bx_cap_forest *forest, uint32_t slot)
{
	uint32_t parent = forest->slots[slot].parent;

	BX_ASSERT(!slot_is_empty(forest, slot));
	BX_ASSERT(forest->slots[slot].child == BX_CAP_SLOT_NONE);
	BX_INVARIANT(bx_cap_slot_sound(forest, slot));

	//@ assert parent != BX_CAP_SLOT_NONE ==> parent < forest->slot_count && parent != slot;
	remove_act(forest->slots, slot) /*@ ghost (forest->slot_count) */;
	BX_INVARIANT(parent == BX_CAP_SLOT_NONE || bx_cap_slot_sound(forest, parent));
	return parent;
}

/* Removes at most `budget` descendants of `root`; returns how many went. */
/*@ requires forest_in_memory(forest) && sound(forest) && root < forest->slot_count;
  @ requires forest->slots[root].cap.type != BX_CAP_NONE;
  @ assigns forest->slots[0 .. forest->slot_count - 1];
  @ ensures sound(forest) && \result <= budget;
  @ ensures \result < budget ==> forest->slots[root].child == BX_CAP_SLOT_NONE;
  @ ensures same_cap{Pre,Post}(forest->slots, root);
  @ ensures only: \old(marks_below(forest->slots, forest->slot_count, root)) ==>
  @    only_marked_went{Pre,Post}(forest->slots, forest->slot_count, forest->slot_count);
  @ ensures some: \result > 0 ==> some_went{Pre,Post}(forest->slots, forest->slot_count);
  @ ensures empty_or_as_before{Pre,Post}(forest->slots, forest->slot_count, forest->slot_count); */
static uint32_t
remove_below(struct bx_cap_forest *forest, uint32_t root, uint32_t budget)
{
	uint32_t near = BX_CAP_SLOT_NONE, leaf, removed;

	/*@ loop invariant removed <= budget;
	  @ loop invariant forest->slots == \at(forest->slots, Pre);
	  @ loop invariant forest->slot_count == \at(forest->slot_count, Pre);
	  @ loop invariant forest_in_memory(forest);
	  @ loop invariant sound(forest);
	  @ loop invariant near == BX_CAP_SLOT_NONE ||
	  @    (near < forest->slot_count && forest->slots[near].cap.type != BX_CAP_NONE);
	  @ loop invariant same_cap{Pre,Here}(forest->slots, root);
	  @ loop invariant empty_or_as_before{Pre,Here}(forest->slots, forest->slot_count,
	  @    forest->slot_count);
	  @ loop invariant marks_below{Pre}(forest->slots, forest->slot_count, root) ==>
	  @    only_marked_went{Pre,Here}(forest->slots, forest->slot_count, forest->slot_count) &&
	  @    (near == BX_CAP_SLOT_NONE || near == root || bx_cap_marked[near] != 0);
	  @ loop invariant removed > 0 ==> some_went{Pre,Here}(forest->slots, forest->slot_count);
	  @ loop assigns removed, near, leaf,
	  @    \at(forest->slots, Pre)[0 .. \at(forest->slot_count, Pre) - 1];
	  @ loop variant budget - removed; */
	for (removed = 0; removed < budget; removed++) {
		//@ assert marks_below{Pre}(forest->slots, forest->slot_count, root) ==> marks_below(forest->slots, forest->slot_count, root);
		leaf = bx_cap_leaf_next(forest, root, near);
		if (leaf == BX_CAP_SLOT_NONE)
			break;
		near = bx_cap_leaf_remove(forest, leaf);
		//@ assert went{Pre,Here}(forest->slots, leaf);
	}
	return removed;
}

/*@ requires forest_in_memory(forest) && sound(forest) && place_in_memory(forest, place);
  @ assigns forest->slots[0 .. forest->slot_count - 1];
  @ ensures sound(forest);
  @ ensures none_left: \result == BX_OK ==>
  @    \forall integer i; 0 <= i < forest->slot_count ==> forest->slots[i].parent != \old(slot_of(place));
  @ ensures cap4: \result == BX_OK ==> no_descendant_left{Pre,Post}(forest->slots, forest->slot_count,
  @    \old(slot_of(place)));
  @ ensures only: \old(marks_below(forest->slots, forest->slot_count, slot_of(place))) ==>
  @    only_marked_went{Pre,Post}(forest->slots, forest->slot_count, forest->slot_count);
  @ ensures some: \result == BX_ERR_AGAIN ==> some_went{Pre,Post}(forest->slots, forest->slot_count);
  @ ensures place.index < place.space->slot_count ==> same_cap{Pre,Post}(forest->slots, \old(slot_of(place)));
  @ ensures \result == BX_OK || \result == BX_ERR_AGAIN || \result == BX_ERR_CAP_SLOT ||
  @    \result == BX_ERR_CAP_EMPTY;
  @ ensures empty_or_as_before{Pre,Post}(forest->slots, forest->slot_count, forest->slot_count); */
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
	//@ assert parents_agree(forest->slots, forest->slot_count);
	return forest->slots[slot].child == BX_CAP_SLOT_NONE ? BX_OK : BX_ERR_AGAIN;
}

/*@ requires forest_in_memory(forest) && sound(forest) && place_in_memory(forest, place);
  @ assigns forest->slots[0 .. forest->slot_count - 1];
  @ ensures sound(forest);
  @ ensures none_left: \result == BX_OK ==> blank(forest->slots, \old(slot_of(place))) &&
  @    \forall integer i; 0 <= i < forest->slot_count ==> forest->slots[i].parent != \old(slot_of(place));
  @ ensures cap4: \result == BX_OK ==> no_descendant_left{Pre,Post}(forest->slots, forest->slot_count,
  @    \old(slot_of(place)));
  @ ensures only: \old(marks_below(forest->slots, forest->slot_count, slot_of(place))) ==>
  @    only_marked_went{Pre,Post}(forest->slots, forest->slot_count, \old(slot_of(place)));
  @ ensures some: \result == BX_ERR_AGAIN ==> some_went{Pre,Post}(forest->slots, forest->slot_count);
  @ ensures \result == BX_OK || \result == BX_ERR_AGAIN || \result == BX_ERR_CAP_SLOT ||
  @    \result == BX_ERR_CAP_EMPTY;
  @ ensures empty_or_as_before{Pre,Post}(forest->slots, forest->slot_count, forest->slot_count); */
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
	//@ assert forest->slots == \at(forest->slots, Pre);
	//@ assert forest->slot_count == \at(forest->slot_count, Pre);
	(void)bx_cap_leaf_remove(forest, slot);
	//@ assert forest->slots == \at(forest->slots, Pre);
	//@ assert forest->slot_count == \at(forest->slot_count, Pre);
	//@ assert empty_or_as_before{Pre,Here}(forest->slots, forest->slot_count, forest->slot_count);
	//@ assert parents_agree(forest->slots, forest->slot_count);
	//@ assert forest->slots[slot].child == BX_CAP_SLOT_NONE;
	return BX_OK;
}
