/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * forest.h -- how slots are linked into the derivation forest.  Internal to libcap.
 *
 * Children of one parent form a doubly linked list from the youngest to the oldest:
 *
 *	parent.child --> youngest --older--> ... --older--> oldest
 *	                          <-younger-     <-younger-
 *
 * Links are slot numbers; BX_CAP_SLOT_NONE ends a list.  Roots have no parent and no siblings.
 */
#ifndef BRAINIX_CAP_FOREST_H
#define BRAINIX_CAP_FOREST_H

#include <brainix/cap.h>

#include "logic.h"

/* An empty slot: no capability, and four "no slot" links, which are its free mark (CAP-6). */
#define EMPTY_SLOT \
	((struct bx_cap_slot){ \
		.parent = BX_CAP_SLOT_NONE, .child = BX_CAP_SLOT_NONE, \
		.older = BX_CAP_SLOT_NONE, .younger = BX_CAP_SLOT_NONE })

/* Whether one slot and the links into its neighbours keep CAP-1 to CAP-4 and CAP-6.  O(1). */
bool bx_cap_slot_sound(const struct bx_cap_forest *forest, uint32_t slot);

/* bx_cap_slot_of, in line: every operation begins with it. */
/*@ requires \valid_read(place.space) && \valid(slot);
  @ requires place.space->first_slot + place.space->slot_count <= UINT32_MAX;
  @ requires \separated(slot, place.space);
  @ assigns *slot;
  @ ensures \result == (place.index < place.space->slot_count ? BX_OK : BX_ERR_CAP_SLOT);
  @ ensures \result == BX_OK ==> *slot == slot_of(place);
  @ ensures \result != BX_OK ==> *slot == \old(*slot); */
static inline enum bx_err
find_slot(struct bx_cap_place place, uint32_t *slot)
{
	const struct bx_cap_space *space = place.space;

	if (BX_UNLIKELY(place.index >= space->slot_count))
		return BX_ERR_CAP_SLOT;
	*slot = space->first_slot + bx_cap_masked_index(place.index, space->slot_count);
	return BX_OK;
}

/*@ requires forest_in_memory(forest) && slot < forest->slot_count;
  @ assigns \nothing;
  @ ensures \result == (forest->slots[slot].cap.type == BX_CAP_NONE ? 1 : 0); */
static inline bool
slot_is_empty(const struct bx_cap_forest *forest, uint32_t slot)
{
	return forest->slots[slot].cap.type == BX_CAP_NONE;
}

/* Makes the capability just written to `slot` the youngest child of `parent`, or a root. */
/*@ requires forest_in_memory(forest) && slot < forest->slot_count && bx_cap_births < UINT64_MAX;
  @ requires parent == BX_CAP_SLOT_NONE || (parent < forest->slot_count && parent != slot);
  @ requires parent != BX_CAP_SLOT_NONE && forest->slots[parent].child != BX_CAP_SLOT_NONE ==>
  @    forest->slots[parent].child < forest->slot_count && forest->slots[parent].child != slot;
  @ assigns forest->slots[slot].parent, forest->slots[slot].older,
  @    forest->slots[0 .. forest->slot_count - 1].child,
  @    forest->slots[0 .. forest->slot_count - 1].younger, bx_cap_birth[slot], bx_cap_births;
  @ ensures forest->slots[slot].parent == parent && bx_cap_birth[slot] == \old(bx_cap_births);
  @ ensures forest->slots[slot].child == BX_CAP_SLOT_NONE &&
  @    forest->slots[slot].younger == BX_CAP_SLOT_NONE;
  @ ensures bx_cap_births == \old(bx_cap_births) + 1;
  @ behavior root:
  @    assumes parent == BX_CAP_SLOT_NONE;
  @    ensures forest->slots[slot].older == BX_CAP_SLOT_NONE;
  @ behavior derived:
  @    assumes parent != BX_CAP_SLOT_NONE;
  @    ensures forest->slots[slot].older == \old(forest->slots[parent].child);
  @    ensures forest->slots[parent].child == slot;
  @    ensures forest->slots[slot].older != BX_CAP_SLOT_NONE ==>
  @	forest->slots[forest->slots[slot].older].younger == slot; */
static inline void
link_slot(struct bx_cap_forest *forest, uint32_t slot, uint32_t parent)
{
	struct bx_cap_slot *self = &forest->slots[slot];

	self->parent = parent;
	self->child = BX_CAP_SLOT_NONE;
	self->younger = BX_CAP_SLOT_NONE;
	self->older = BX_CAP_SLOT_NONE;
	//@ ghost bx_cap_birth[slot] = bx_cap_births;
	//@ ghost bx_cap_births++;
	if (parent == BX_CAP_SLOT_NONE)
		return;
	self->older = forest->slots[parent].child;
	if (self->older != BX_CAP_SLOT_NONE)
		forest->slots[self->older].younger = slot;
	forest->slots[parent].child = slot;
}

/* Makes whoever pointed to a childless `slot` point to `heir` (itself linked alike, or, when it
 * is BX_CAP_SLOT_NONE, so that the neighbours point to each other). */
/*@ requires forest_in_memory(forest) && slot < forest->slot_count;
  @ requires forest->slots[slot].older == BX_CAP_SLOT_NONE ||
  @    forest->slots[slot].older < forest->slot_count && forest->slots[slot].older != slot;
  @ requires forest->slots[slot].younger == BX_CAP_SLOT_NONE ||
  @    forest->slots[slot].younger < forest->slot_count && forest->slots[slot].younger != slot;
  @ requires forest->slots[slot].parent == BX_CAP_SLOT_NONE ||
  @    forest->slots[slot].parent < forest->slot_count && forest->slots[slot].parent != slot;
  @ assigns forest->slots[0 .. forest->slot_count - 1].younger,
  @    forest->slots[0 .. forest->slot_count - 1].older,
  @    forest->slots[0 .. forest->slot_count - 1].child;
  @ ensures forest->slots[slot].older != BX_CAP_SLOT_NONE ==>
  @    forest->slots[forest->slots[slot].older].younger ==
  @	(heir == BX_CAP_SLOT_NONE ? forest->slots[slot].younger : heir);
  @ ensures forest->slots[slot].younger != BX_CAP_SLOT_NONE ==>
  @    forest->slots[forest->slots[slot].younger].older ==
  @	(heir == BX_CAP_SLOT_NONE ? forest->slots[slot].older : heir);
  @ ensures forest->slots[slot].parent != BX_CAP_SLOT_NONE ==>
  @    forest->slots[forest->slots[slot].parent].child ==
  @	(forest->slots[slot].younger != BX_CAP_SLOT_NONE ?
  @	    \old(forest->slots[forest->slots[slot].parent].child) :
  @	    heir == BX_CAP_SLOT_NONE ? forest->slots[slot].older : heir); */
static inline void
relink_neighbours(struct bx_cap_forest *forest, uint32_t slot, uint32_t heir)
{
	const struct bx_cap_slot *self = &forest->slots[slot];
	bool gone = heir == BX_CAP_SLOT_NONE;

	if (self->older != BX_CAP_SLOT_NONE)
		forest->slots[self->older].younger = gone ? self->younger : heir;
	if (self->younger != BX_CAP_SLOT_NONE)
		forest->slots[self->younger].older = gone ? self->older : heir;
	else if (self->parent != BX_CAP_SLOT_NONE)
		forest->slots[self->parent].child = gone ? self->older : heir;
}

#endif
