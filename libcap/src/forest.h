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

/* Field by field, as everything here is stored: the prover follows that, and a compiler joins it
 * into the same wide stores. */
/*@ requires \valid(to) && \valid_read(from) && \separated(to, from);
  @ assigns to->type, to->rights, to->depth, to->uses, to->badge, to->object.index,
  @    to->object.generation, to->expiry, to->first, to->count;
  @ ensures to->type == from->type && to->rights == from->rights &&
  @    to->depth == from->depth && to->uses == from->uses && to->badge == from->badge &&
  @    to->object.index == from->object.index &&
  @    to->object.generation == from->object.generation && to->expiry == from->expiry &&
  @    to->first == from->first && to->count == from->count; */
static inline void
copy_cap(struct bx_cap *restrict to, const struct bx_cap *restrict from)
{
	to->type = from->type;
	to->rights = from->rights;
	to->depth = from->depth;
	to->uses = from->uses;
	to->badge = from->badge;
	to->object.index = from->object.index;
	to->object.generation = from->object.generation;
	to->expiry = from->expiry;
	to->first = from->first;
	to->count = from->count;
}

/*@ requires \valid(cap);
  @ assigns cap->type, cap->rights, cap->depth, cap->uses, cap->badge, cap->object.index,
  @    cap->object.generation, cap->expiry, cap->first, cap->count;
  @ ensures cap->type == 0 && cap->rights == 0 && cap->depth == 0 && cap->uses == 0 &&
  @    cap->badge == 0 && cap->object.index == 0 && cap->object.generation == 0 &&
  @    cap->expiry == 0 && cap->first == 0 && cap->count == 0; */
static inline void
clear_cap(struct bx_cap *cap)
{
	cap->type = BX_CAP_NONE;
	cap->rights = 0;
	cap->depth = 0;
	cap->uses = 0;
	cap->badge = 0;
	cap->object.index = 0;
	cap->object.generation = 0;
	cap->expiry = 0;
	cap->first = 0;
	cap->count = 0;
}

/*
 * The next functions take the array and, for the prover's eyes only, its length.  They say which links
 * they change; that this keeps the forest well formed is in lemmas.h.
 */

/*@ requires \valid(slots + (0 .. n - 1)) && slot < n <= BX_CAP_SLOT_NONE;
  @ assigns slots[0 .. n - 1];
  @ ensures links_set{Pre,Post}(slots, n, slot, parent, older, younger);
  @ ensures all_caps_as_before{Pre,Post}(slots, n); */
static inline void
set_links(struct bx_cap_slot *slots, uint32_t slot, uint32_t parent, uint32_t older,
    uint32_t younger) /*@ ghost (uint32_t n) */
{
	slots[slot].parent = parent;
	slots[slot].older = older;
	slots[slot].younger = younger;
}

/* Makes `slot`, whose links are those of an empty slot, the youngest child of `parent`. */
/*@ requires \valid(slots + (0 .. n - 1)) && slot < n <= BX_CAP_SLOT_NONE;
  @ requires parent < n && parent != slot && neighbour(slots[parent].child, slot, n);
  @ requires unlinked(slots, slot) && bx_cap_births < UINT64_MAX;
  @ assigns slots[0 .. n - 1], bx_cap_birth[slot], bx_cap_births;
  @ ensures linked_parents{Pre,Post}(slots, n, slot, parent);
  @ ensures linked_children{Pre,Post}(slots, n, slot, parent);
  @ ensures linked_older{Pre,Post}(slots, n, slot, parent);
  @ ensures linked_younger{Pre,Post}(slots, n, slot, parent);
  @ ensures linked_births{Pre,Post}(slots, n, slot, parent);
  @ ensures all_caps_as_before{Pre,Post}(slots, n); */
static inline void
link_slot(struct bx_cap_slot *slots, uint32_t slot, uint32_t parent) /*@ ghost (uint32_t n) */
{
	uint32_t older = slots[parent].child;

	slots[slot].parent = parent;
	slots[slot].older = older;
	if (older != BX_CAP_SLOT_NONE)
		slots[older].younger = slot;
	slots[parent].child = slot;
	//@ ghost bx_cap_birth[slot] = bx_cap_births;
	//@ ghost bx_cap_births++;
}

/* Makes whoever pointed to `slot`, which has no child, point to `older` and `younger` instead. */
/*@ requires \valid(slots + (0 .. n - 1)) && slot < n <= BX_CAP_SLOT_NONE;
  @ requires has_neighbours(slots, n, slot);
  @ assigns slots[0 .. n - 1];
  @ ensures repointed{Pre,Post}(slots, n, slot, older, younger);
  @ ensures all_caps_as_before{Pre,Post}(slots, n); */
static inline void
repoint_neighbours(struct bx_cap_slot *slots, uint32_t slot, uint32_t older, uint32_t younger)
/*@ ghost (uint32_t n) */
{
	const struct bx_cap_slot *self = &slots[slot];

	if (self->older != BX_CAP_SLOT_NONE)
		slots[self->older].younger = younger;
	if (self->younger != BX_CAP_SLOT_NONE)
		slots[self->younger].older = older;
	else if (self->parent != BX_CAP_SLOT_NONE)
		slots[self->parent].child = older;
}

/* The same, and `slot' has no links any more. */
/*@ requires \valid(slots + (0 .. n - 1)) && slot < n <= BX_CAP_SLOT_NONE;
  @ requires has_neighbours(slots, n, slot) && slots[slot].child == BX_CAP_SLOT_NONE;
  @ assigns slots[0 .. n - 1];
  @ ensures isolated{Pre,Post}(slots, n, slot, older, younger);
  @ ensures all_caps_as_before{Pre,Post}(slots, n); */
static inline void
isolate_slot(struct bx_cap_slot *slots, uint32_t slot, uint32_t older, uint32_t younger)
/*@ ghost (uint32_t n) */
{
	repoint_neighbours(slots, slot, older, younger) /*@ ghost (n) */;
	set_links(slots, slot, BX_CAP_SLOT_NONE, BX_CAP_SLOT_NONE, BX_CAP_SLOT_NONE)
	    /*@ ghost (n) */;
}

/* Gives the place of `slot`, which has no child, to the empty slot `heir`. */
/*@ requires \valid(slots + (0 .. n - 1)) && slot < n <= BX_CAP_SLOT_NONE;
  @ requires has_neighbours(slots, n, slot) && slots[slot].child == BX_CAP_SLOT_NONE;
  @ requires heir < n && heir != slot && unlinked(slots, heir) && slots[slot].parent != heir &&
  @    slots[slot].older != heir && slots[slot].younger != heir;
  @ assigns slots[0 .. n - 1], bx_cap_birth[heir];
  @ ensures replaced_parents{Pre,Post}(slots, n, slot, heir);
  @ ensures replaced_children{Pre,Post}(slots, n, slot, heir);
  @ ensures replaced_older{Pre,Post}(slots, n, slot, heir);
  @ ensures replaced_younger{Pre,Post}(slots, n, slot, heir);
  @ ensures replaced_births{Pre,Post}(slots, n, slot, heir);
  @ ensures all_caps_as_before{Pre,Post}(slots, n); */
static inline void
replace_slot(struct bx_cap_slot *slots, uint32_t slot, uint32_t heir) /*@ ghost (uint32_t n) */
{
	uint32_t parent = slots[slot].parent, older = slots[slot].older,
	    younger = slots[slot].younger;

	isolate_slot(slots, slot, heir, heir) /*@ ghost (n) */;
	set_links(slots, heir, parent, older, younger) /*@ ghost (n) */;
	//@ ghost bx_cap_birth[heir] = bx_cap_birth[slot];
}

/* The next functions write capabilities and no links. */

/* Writes a root. */
/*@ requires \valid(slots + (0 .. n - 1)) && slot < n <= BX_CAP_SLOT_NONE;
  @ requires \valid_read(cap) && \separated(cap, slots + (0 .. n - 1));
  @ assigns slots[0 .. n - 1];
  @ ensures all_links_as_before{Pre,Post}(slots, n) &&
  @    caps_as_before{Pre,Post}(slots, n, slot, slot) && slots[slot].cap.depth == 0;
  @ ensures slots[slot].cap.type == cap->type && slots[slot].cap.rights == cap->rights &&
  @    slots[slot].cap.uses == cap->uses && slots[slot].cap.badge == cap->badge &&
  @    slots[slot].cap.object.index == cap->object.index &&
  @    slots[slot].cap.object.generation == cap->object.generation &&
  @    slots[slot].cap.expiry == cap->expiry && slots[slot].cap.first == cap->first &&
  @    slots[slot].cap.count == cap->count; */
static inline void
put_root(struct bx_cap_slot *slots, uint32_t slot, const struct bx_cap *cap)
/*@ ghost (uint32_t n) */
{
	copy_cap(&slots[slot].cap, cap);
	slots[slot].cap.depth = 0;
}

/*@ requires \valid(slots + (0 .. n - 1)) && slot < n <= BX_CAP_SLOT_NONE;
  @ assigns slots[0 .. n - 1];
  @ ensures all_links_as_before{Pre,Post}(slots, n) &&
  @    caps_as_before{Pre,Post}(slots, n, slot, slot) && zero(slots, slot); */
static inline void
erase_cap(struct bx_cap_slot *slots, uint32_t slot) /*@ ghost (uint32_t n) */
{
	clear_cap(&slots[slot].cap);
}

/* Copies the capability in `slot` to `heir`. */
/*@ requires \valid(slots + (0 .. n - 1)) && slot < n <= BX_CAP_SLOT_NONE;
  @ requires heir < n && heir != slot;
  @ assigns slots[0 .. n - 1];
  @ ensures all_links_as_before{Pre,Post}(slots, n);
  @ ensures caps_as_before{Pre,Post}(slots, n, heir, heir);
  @ ensures slots[heir].cap.type == \old(slots[slot].cap.type) &&
  @    slots[heir].cap.rights == \old(slots[slot].cap.rights) &&
  @    slots[heir].cap.depth == \old(slots[slot].cap.depth) &&
  @    slots[heir].cap.uses == \old(slots[slot].cap.uses) &&
  @    slots[heir].cap.badge == \old(slots[slot].cap.badge) &&
  @    slots[heir].cap.object.index == \old(slots[slot].cap.object.index) &&
  @    slots[heir].cap.object.generation == \old(slots[slot].cap.object.generation) &&
  @    slots[heir].cap.expiry == \old(slots[slot].cap.expiry) &&
  @    slots[heir].cap.first == \old(slots[slot].cap.first) &&
  @    slots[heir].cap.count == \old(slots[slot].cap.count); */
static inline void
duplicate_cap(struct bx_cap_slot *slots, uint32_t slot, uint32_t heir) /*@ ghost (uint32_t n) */
{
	copy_cap(&slots[heir].cap, &slots[slot].cap);
}

/* Takes the capability in `slot` to `heir`. */
/*@ requires \valid(slots + (0 .. n - 1)) && slot < n <= BX_CAP_SLOT_NONE;
  @ requires heir < n && heir != slot;
  @ assigns slots[0 .. n - 1];
  @ ensures all_links_as_before{Pre,Post}(slots, n);
  @ ensures caps_as_before{Pre,Post}(slots, n, slot, heir) && zero(slots, slot);
  @ ensures slots[heir].cap.type == \old(slots[slot].cap.type) &&
  @    slots[heir].cap.rights == \old(slots[slot].cap.rights) &&
  @    slots[heir].cap.depth == \old(slots[slot].cap.depth) &&
  @    slots[heir].cap.uses == \old(slots[slot].cap.uses) &&
  @    slots[heir].cap.badge == \old(slots[slot].cap.badge) &&
  @    slots[heir].cap.object.index == \old(slots[slot].cap.object.index) &&
  @    slots[heir].cap.object.generation == \old(slots[slot].cap.object.generation) &&
  @    slots[heir].cap.expiry == \old(slots[slot].cap.expiry) &&
  @    slots[heir].cap.first == \old(slots[slot].cap.first) &&
  @    slots[heir].cap.count == \old(slots[slot].cap.count); */
static inline void
move_cap(struct bx_cap_slot *slots, uint32_t slot, uint32_t heir) /*@ ghost (uint32_t n) */
{
	duplicate_cap(slots, slot, heir) /*@ ghost (n) */;
	erase_cap(slots, slot) /*@ ghost (n) */;
}

/* Writes the derived capability, and takes its uses from a counted parent.  No links. */
/*@ requires \valid(slots + (0 .. n - 1)) && parent < n <= BX_CAP_SLOT_NONE && child < n;
  @ requires parent != child && \valid_read(limits) && \separated(limits, slots + (0 .. n - 1));
  @ requires limits->uses <= slots[parent].cap.uses && slots[parent].cap.depth < BX_CAP_DEPTH_MAX;
  @ assigns slots[0 .. n - 1];
  @ ensures all_links_as_before{Pre,Post}(slots, n);
  @ ensures caps_as_before{Pre,Post}(slots, n, child, parent);
  @ ensures same_but_uses{Pre,Post}(slots, parent);
  @ ensures uses_taken{Pre,Post}(slots, parent, limits->uses);
  @ ensures as_limited{Pre,Post}(slots, child, parent, limits); */
static inline void
write_child(struct bx_cap_slot *slots, uint32_t parent, const struct bx_cap_limits *limits,
    uint32_t child) /*@ ghost (uint32_t n) */
{
	struct bx_cap *from = &slots[parent].cap, *to = &slots[child].cap;

	if (from->uses != BX_CAP_USES_UNLIMITED)
		from->uses -= limits->uses;
	to->type = from->type;
	to->rights = limits->rights;
	to->depth = (uint16_t)(from->depth + 1);
	to->uses = limits->uses;
	to->badge = limits->badge != 0 ? limits->badge : from->badge;
	to->object.index = from->object.index;
	to->object.generation = from->object.generation;
	to->expiry = limits->expiry;
	to->first = limits->first;
	to->count = limits->count;
}

/* Takes one use.  No links. */
/*@ requires \valid(slots + (0 .. n - 1)) && slot < n <= BX_CAP_SLOT_NONE;
  @ requires slots[slot].cap.uses != 0;
  @ assigns slots[0 .. n - 1].cap.uses;
  @ ensures all_links_as_before{Pre,Post}(slots, n);
  @ ensures all_caps_as_before_but{Pre,Post}(slots, n, slot);
  @ ensures same_but_uses{Pre,Post}(slots, slot);
  @ ensures uses_taken{Pre,Post}(slots, slot, 1); */
static inline void
spend_use(struct bx_cap_slot *slots, uint32_t slot) /*@ ghost (uint32_t n) */
{
	if (slots[slot].cap.uses != BX_CAP_USES_UNLIMITED)
		slots[slot].cap.uses--;
}

/* Gives uses to `child`, and takes them from a counted `parent`.  No links. */
/*@ requires \valid(slots + (0 .. n - 1)) && parent < n <= BX_CAP_SLOT_NONE && child < n;
  @ requires parent != child && slots[child].cap.uses + uses < BX_CAP_USES_UNLIMITED;
  @ requires slots[parent].cap.uses == BX_CAP_USES_UNLIMITED || uses <= slots[parent].cap.uses;
  @ assigns slots[0 .. n - 1].cap.uses;
  @ ensures all_links_as_before{Pre,Post}(slots, n);
  @ ensures caps_as_before{Pre,Post}(slots, n, child, parent);
  @ ensures same_but_uses{Pre,Post}(slots, parent) && same_but_uses{Pre,Post}(slots, child);
  @ ensures uses_taken{Pre,Post}(slots, parent, uses);
  @ ensures slots[child].cap.uses == \old(slots[child].cap.uses) + uses; */
static inline void
give_uses(struct bx_cap_slot *slots, uint32_t parent, uint32_t child, uint32_t uses)
/*@ ghost (uint32_t n) */
{
	if (slots[parent].cap.uses != BX_CAP_USES_UNLIMITED)
		slots[parent].cap.uses -= uses;
	slots[child].cap.uses += uses;
}

/* The whole of a derivation. */
/*@ requires \valid(slots + (0 .. n - 1)) && parent < n <= BX_CAP_SLOT_NONE && child < n;
  @ requires parent != child && neighbour(slots[parent].child, child, n) && unlinked(slots, child);
  @ requires bx_cap_births < UINT64_MAX;
  @ requires \valid_read(limits) && \separated(limits, slots + (0 .. n - 1));
  @ requires within(slots, parent, limits);
  @ assigns slots[0 .. n - 1], bx_cap_birth[child], bx_cap_births;
  @ ensures derived{Pre,Post}(slots, n, child, parent);
  @ ensures uses_taken{Pre,Post}(slots, parent, limits->uses);
  @ ensures as_limited{Pre,Post}(slots, child, parent, limits); */
static inline void
derive_slot(struct bx_cap_slot *slots, uint32_t parent, const struct bx_cap_limits *limits,
    uint32_t child) /*@ ghost (uint32_t n) */
{
	write_child(slots, parent, limits, child) /*@ ghost (n) */;
	//@ assert lesser(slots, child, parent);
	link_slot(slots, child, parent) /*@ ghost (n) */;
	//@ assert linked_parents{Pre,Here}(slots, n, child, parent);
	//@ assert linked_children{Pre,Here}(slots, n, child, parent);
	//@ assert linked_older{Pre,Here}(slots, n, child, parent);
	//@ assert linked_younger{Pre,Here}(slots, n, child, parent);
	//@ assert linked_births{Pre,Here}(slots, n, child, parent);
	//@ assert linked{Pre,Here}(slots, n, child, parent);
	//@ assert caps_as_before{Pre,Here}(slots, n, child, parent);
	//@ assert same_but_uses{Pre,Here}(slots, parent);
	//@ assert uses_taken{Pre,Here}(slots, parent, limits->uses);
	//@ assert lesser(slots, child, parent);
}

/* The whole of a removal. */
/*@ requires \valid(slots + (0 .. n - 1)) && slot < n <= BX_CAP_SLOT_NONE;
  @ requires has_neighbours(slots, n, slot) && slots[slot].child == BX_CAP_SLOT_NONE;
  @ assigns slots[0 .. n - 1];
  @ ensures removed{Pre,Post}(slots, n, slot); */
static inline void
remove_slot(struct bx_cap_slot *slots, uint32_t slot) /*@ ghost (uint32_t n) */
{
	isolate_slot(slots, slot, slots[slot].older, slots[slot].younger) /*@ ghost (n) */;
	//@ assert left{Pre,Here}(slots, n, slot);
	erase_cap(slots, slot) /*@ ghost (n) */;
	//@ assert left{Pre,Here}(slots, n, slot);
	//@ assert caps_as_before{Pre,Here}(slots, n, slot, slot);
}

/* The whole of a move. */
/*@ requires \valid(slots + (0 .. n - 1)) && slot < n <= BX_CAP_SLOT_NONE;
  @ requires has_neighbours(slots, n, slot) && slots[slot].child == BX_CAP_SLOT_NONE;
  @ requires heir < n && heir != slot && unlinked(slots, heir) && slots[slot].parent != heir &&
  @    slots[slot].older != heir && slots[slot].younger != heir;
  @ assigns slots[0 .. n - 1], bx_cap_birth[heir];
  @ ensures moved{Pre,Post}(slots, n, slot, heir); */
static inline void
move_slot(struct bx_cap_slot *slots, uint32_t slot, uint32_t heir) /*@ ghost (uint32_t n) */
{
	replace_slot(slots, slot, heir) /*@ ghost (n) */;
	//@ assert replaced{Pre,Here}(slots, n, slot, heir);
	move_cap(slots, slot, heir) /*@ ghost (n) */;
	//@ assert replaced{Pre,Here}(slots, n, slot, heir);
	//@ assert caps_as_before{Pre,Here}(slots, n, slot, heir);
}

#endif
