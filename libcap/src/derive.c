/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * derive.c -- a lesser capability from a greater one.  CAP-1, CAP-2 and CAP-3 are made true here
 * and nowhere else.
 */
#include "forest.h"
#include "lemmas.h"

/*@ requires \valid_read(parent);
  @ assigns \nothing;
  @ ensures \result.rights == parent->rights && \result.uses == parent->uses &&
  @    \result.badge == 0 && \result.expiry == parent->expiry &&
  @    \result.first == parent->first && \result.count == parent->count; */
struct bx_cap_limits
bx_cap_limits_same(const struct bx_cap *parent)
{
	return (struct bx_cap_limits){
		.rights = parent->rights,
		.uses = parent->uses,
		.badge = 0,
		.expiry = parent->expiry,
		.first = parent->first,
		.count = parent->count,
	};
}

/* Whether [first, first + count) lies inside the parent's range.  Never wraps. */
/*@ requires \valid_read(parent);
  @ assigns \nothing;
  @ ensures \result == (parent->first <= first &&
  @    first + count <= parent->first + parent->count ? 1 : 0); */
static bool
range_is_inside(const struct bx_cap *parent, uint64_t first, uint64_t count)
{
	return first >= parent->first &&
	    bx_range_fits(first - parent->first, count, parent->count);
}

/* Everything that can refuse a derivation, in the order that cap.h promises. */
/*@ requires forest_in_memory(forest) && place_in_memory(forest, to);
  @ requires parent_slot < forest->slot_count && child_slot < forest->slot_count;
  @ requires \valid_read(limits);
  @ assigns \nothing;
  @ ensures \result == BX_OK ==> !to.space->sealed && is_plain(to);
  @ ensures \result == BX_OK ==> within(forest->slots, parent_slot, limits) &&
  @    now < forest->slots[parent_slot].cap.expiry;
  @ ensures \result == BX_OK ==> limits->first + limits->count <=
  @    forest->slots[parent_slot].cap.first + forest->slots[parent_slot].cap.count;
  @ ensures \result == BX_OK ==> forest->slots[child_slot].cap.type == BX_CAP_NONE; */
static enum bx_err
derive_check(const struct bx_cap_forest *forest, uint32_t parent_slot,
    const struct bx_cap_limits *limits, struct bx_cap_place to, uint32_t child_slot, uint64_t now)
{
	const struct bx_cap *parent = &forest->slots[parent_slot].cap;

	if (parent->type == BX_CAP_NONE)
		return BX_ERR_CAP_EMPTY;
	if (parent->type == BX_CAP_REPLY)
		return BX_ERR_CAP_TYPE;
	if (now >= parent->expiry)
		return BX_ERR_CAP_EXPIRED;
	if (to.space->sealed)					/* CAP-5 */
		return BX_ERR_CAP_SEALED;
	if (to.index >= to.space->plain_count)			/* CAP-5 */
		return BX_ERR_CAP_SLOT;
	if (!slot_is_empty(forest, child_slot))
		return BX_ERR_CAP_OCCUPIED;
	if ((limits->rights & parent->rights) != limits->rights)	/* CAP-1 */
		return BX_ERR_CAP_RIGHTS;
	if (limits->badge != 0 && parent->badge != 0)		/* CAP-2 */
		return BX_ERR_CAP_BADGE;
	/* UNLIMITED is the greatest number, so it passes below UNLIMITED only. */
	if (limits->uses > parent->uses)			/* CAP-2 */
		return BX_ERR_CAP_USED_UP;
	if (limits->expiry > parent->expiry)			/* CAP-2 */
		return BX_ERR_CAP_EXPIRED;
	if (!range_is_inside(parent, limits->first, limits->count))	/* CAP-2 */
		return BX_ERR_RANGE;
	if (parent->depth >= BX_CAP_DEPTH_MAX)			/* CAP-3 */
		return BX_ERR_CAP_DEPTH;
	return BX_OK;
}

/* What cannot fail any more. */
/*@ requires \valid(slots + (0 .. n - 1)) && parent < n <= BX_CAP_SLOT_NONE && child < n;
  @ requires slots_sound(slots, n) && bx_cap_births < UINT64_MAX;
  @ requires \valid_read(limits) && \separated(limits, slots + (0 .. n - 1));
  @ requires within(slots, parent, limits);
  @ requires slots[child].cap.type == BX_CAP_NONE;
  @ assigns slots[0 .. n - 1], bx_cap_birth[child], bx_cap_births;
  @ ensures derived{Pre,Post}(slots, n, child, parent);
  @ ensures slots_sound(slots, n);
  @ ensures uses_taken{Pre,Post}(slots, parent, limits->uses);
  @ ensures as_limited{Pre,Post}(slots, child, parent, limits); */
static void
derive_act(struct bx_cap_slot *slots, uint32_t parent, const struct bx_cap_limits *limits,
    uint32_t child) /*@ ghost (uint32_t n) */
{
	//@ assert linkable(slots, n, child, parent);
	derive_slot(slots, parent, limits, child) /*@ ghost (n) */;
}

/*@ requires forest_in_memory(forest) && sound(forest);
  @ requires place_in_memory(forest, from) && place_in_memory(forest, to);
  @ requires bx_cap_births < UINT64_MAX;
  @ requires \valid_read(limits) && \separated(limits, forest->slots + (0 .. forest->slot_count - 1));
  @ assigns forest->slots[0 .. forest->slot_count - 1],
  @    bx_cap_birth[0 .. forest->slot_count - 1], bx_cap_births;
  @ ensures sound(forest);
  @ ensures refused: \result != BX_OK ==> nothing_changed{Pre,Post}(forest->slots, forest->slot_count);
  @ ensures cap123: \result == BX_OK ==>
  @    lesser(forest->slots, \old(slot_of(to)), \old(slot_of(from)));
  @ ensures cap2: \result == BX_OK ==> now < forest->slots[\old(slot_of(from))].cap.expiry &&
  @    uses_taken{Pre,Post}(forest->slots, \old(slot_of(from)), \old(limits->uses));
  @ ensures derived: \result == BX_OK ==>
  @    derived{Pre,Post}(forest->slots, forest->slot_count, \old(slot_of(to)), \old(slot_of(from)));
  @ ensures limited: \result == BX_OK ==>
  @    as_limited{Pre,Post}(forest->slots, \old(slot_of(to)), \old(slot_of(from)), limits);
  @ ensures cap5: \old(to.space->sealed) || !\old(is_plain(to)) ==> \result != BX_OK;
  @ ensures gain: only_gain{Pre,Post}(forest->slots, forest->slot_count, \old(slot_of(to))); */
enum bx_err
bx_cap_derive(struct bx_cap_forest *forest, struct bx_cap_place from,
    const struct bx_cap_limits *limits, struct bx_cap_place to, uint64_t now)
{
	uint32_t parent_slot, child_slot;
	enum bx_err err;

	BX_ASSERT(limits != NULL);

	err = find_slot(from, &parent_slot);
	if (err != BX_OK)
		return err;
	err = find_slot(to, &child_slot);
	if (err != BX_OK)
		return err;
	err = derive_check(forest, parent_slot, limits, to, child_slot, now);
	if (err != BX_OK)
		return err;
	derive_act(forest->slots, parent_slot, limits, child_slot)
	    /*@ ghost (forest->slot_count) */;
	BX_INVARIANT(bx_cap_slot_sound(forest, parent_slot));
	BX_INVARIANT(bx_cap_slot_sound(forest, child_slot));
	return BX_OK;
}

/*@ requires forest_in_memory(forest) && sound(forest);
  @ requires place_in_memory(forest, from) && place_in_memory(forest, to);
  @ requires bx_cap_births < UINT64_MAX;
  @ assigns forest->slots[0 .. forest->slot_count - 1],
  @    bx_cap_birth[0 .. forest->slot_count - 1], bx_cap_births;
  @ ensures sound(forest);
  @ ensures refused: \result != BX_OK ==> nothing_changed{Pre,Post}(forest->slots, forest->slot_count);
  @ ensures cap123: \result == BX_OK ==>
  @    lesser(forest->slots, \old(slot_of(to)), \old(slot_of(from)));
  @ ensures cap2: \result == BX_OK ==> now < forest->slots[\old(slot_of(from))].cap.expiry &&
  @    uses_taken{Pre,Post}(forest->slots, \old(slot_of(from)),
  @	\old(forest->slots[slot_of(from)].cap.uses));
  @ ensures equal: \result == BX_OK ==>
  @    duplicated{Pre,Post}(forest->slots, \old(slot_of(to)), \old(slot_of(from)));
  @ ensures cap5: \old(to.space->sealed) || !\old(is_plain(to)) ==> \result != BX_OK;
  @ ensures gain: only_gain{Pre,Post}(forest->slots, forest->slot_count, \old(slot_of(to))); */
enum bx_err
bx_cap_copy(struct bx_cap_forest *forest, struct bx_cap_place from, struct bx_cap_place to,
    uint64_t now)
{
	struct bx_cap_limits limits;
	uint32_t slot;
	enum bx_err err;

	err = find_slot(from, &slot);
	if (err != BX_OK)
		return err;
	limits = bx_cap_limits_same(&forest->slots[slot].cap);
	//@ assert forest->slots == \at(forest->slots, Pre);
	//@ assert forest->slot_count == \at(forest->slot_count, Pre);
	//@ assert nothing_changed{Pre,Here}(forest->slots, forest->slot_count);
	//@ assert recharged{Pre,Here}(forest->slots, forest->slot_count);
	//@ assert slot_of(from) == \at(slot_of(from), Pre);
	//@ assert slot_of(to) == \at(slot_of(to), Pre);
	err = bx_cap_derive(forest, from, &limits, to, now);
	//@ assert err == BX_OK ==> duplicated{Pre,Here}(forest->slots, \at(slot_of(to), Pre), slot);
	return err;
}
