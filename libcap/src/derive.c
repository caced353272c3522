/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * derive.c -- a lesser capability from a greater one.  CAP-1, CAP-2 and CAP-3 are made true here
 * and nowhere else.
 */
#include "forest.h"

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
/*@ requires forest_in_memory(forest);
  @ requires place_in_memory(forest, from) && place_in_memory(forest, to);
  @ requires \valid_read(limits) && \valid(parent_slot) && \valid(child_slot);
  @ requires \separated(parent_slot, child_slot, from.space, to.space);
  @ requires \separated(parent_slot, forest, limits, forest->slots + (0 .. forest->slot_count - 1));
  @ requires \separated(child_slot, forest, limits, forest->slots + (0 .. forest->slot_count - 1));
  @ assigns *parent_slot, *child_slot;
  @ ensures \result == BX_OK ==>
  @    *parent_slot == slot_of(from) && from.index < from.space->slot_count &&
  @    *child_slot == slot_of(to) && to.index < to.space->slot_count &&
  @    !to.space->sealed && is_plain(to) &&
  @    derivable(&forest->slots[*parent_slot].cap, limits, now) &&
  @    forest->slots[*child_slot].cap.type == BX_CAP_NONE; */
static enum bx_err
derive_check(const struct bx_cap_forest *forest, struct bx_cap_place from,
    const struct bx_cap_limits *limits, struct bx_cap_place to, uint64_t now,
    uint32_t *parent_slot, uint32_t *child_slot)
{
	const struct bx_cap *parent;
	enum bx_err err;

	err = find_slot(from, parent_slot);
	if (err != BX_OK)
		return err;
	err = find_slot(to, child_slot);
	if (err != BX_OK)
		return err;
	parent = &forest->slots[*parent_slot].cap;
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
	if (!slot_is_empty(forest, *child_slot))
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

/*@ requires forest_in_memory(forest) && sound(forest);
  @ requires place_in_memory(forest, from) && place_in_memory(forest, to);
  @ requires bx_cap_births < UINT64_MAX;
  @ requires \valid_read(limits) && \separated(limits, forest->slots + (0 .. forest->slot_count - 1));
  @ ensures cap5: \old(to.space->sealed) || !\old(is_plain(to)) ==> \result != BX_OK; */
enum bx_err
bx_cap_derive(struct bx_cap_forest *forest, struct bx_cap_place from,
    const struct bx_cap_limits *limits, struct bx_cap_place to, uint64_t now)
{
	uint32_t parent_slot, child_slot;
	struct bx_cap *parent;
	enum bx_err err;

	BX_ASSERT(limits != NULL);

	err = derive_check(forest, from, limits, to, now, &parent_slot, &child_slot);
	if (err != BX_OK)
		return err;

	/* Nothing below can fail. */
	parent = &forest->slots[parent_slot].cap;
	if (parent->uses != BX_CAP_USES_UNLIMITED)
		parent->uses -= limits->uses;
	forest->slots[child_slot].cap = (struct bx_cap){
		.type = parent->type,
		.rights = limits->rights,
		.depth = (uint16_t)(parent->depth + 1),
		.uses = limits->uses,
		.badge = limits->badge != 0 ? limits->badge : parent->badge,
		.object = parent->object,
		.expiry = limits->expiry,
		.first = limits->first,
		.count = limits->count,
	};
	//@ admit links_as_before{Pre,Here}(forest);
	link_slot(forest, child_slot, parent_slot);
	BX_INVARIANT(bx_cap_slot_sound(forest, parent_slot));
	BX_INVARIANT(bx_cap_slot_sound(forest, child_slot));
	return BX_OK;
}

/*@ requires forest_in_memory(forest) && sound(forest);
  @ requires place_in_memory(forest, from) && place_in_memory(forest, to);
  @ requires bx_cap_births < UINT64_MAX;
  @ ensures cap5: \old(to.space->sealed) || !\old(is_plain(to)) ==> \result != BX_OK; */
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
	return bx_cap_derive(forest, from, &limits, to, now);
}
