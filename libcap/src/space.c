/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * space.c -- runs of slots that belong to one domain.
 */
#include "forest.h"

/*@ requires \valid_read(forest) && \valid(space) && \separated(forest, space);
  @ assigns *space;
  @ ensures \result == BX_OK ==> !space->sealed && space->first_slot == first_slot &&
  @    space->slot_count == slot_count && space->plain_count == plain_count &&
  @    first_slot + slot_count <= forest->slot_count && plain_count <= slot_count;
  @ ensures \result == BX_OK || \result == BX_ERR_RANGE;
  @ ensures \result == BX_ERR_RANGE ==> *space == \old(*space) &&
  @    (first_slot + slot_count > forest->slot_count || plain_count > slot_count); */
enum bx_err
bx_cap_space_init(const struct bx_cap_forest *forest, uint32_t first_slot, uint32_t slot_count,
    uint32_t plain_count, struct bx_cap_space *space)
{
	if (!bx_range_fits(first_slot, slot_count, forest->slot_count))
		return BX_ERR_RANGE;
	if (plain_count > slot_count)
		return BX_ERR_RANGE;
	*space = (struct bx_cap_space){
		.first_slot = first_slot,
		.slot_count = slot_count,
		.plain_count = plain_count,
		.sealed = false,
	};
	return BX_OK;
}

/*@ requires \valid(space);
  @ assigns space->sealed;
  @ ensures space->sealed; */
void
bx_cap_space_seal(struct bx_cap_space *space)
{
	space->sealed = true;
}

/*@ requires \valid_read(place.space) && \valid(slot) && \separated(slot, place.space);
  @ requires place.space->first_slot + place.space->slot_count <= UINT32_MAX;
  @ assigns *slot;
  @ ensures \result == (place.index < place.space->slot_count ? BX_OK : BX_ERR_CAP_SLOT);
  @ ensures \result == BX_OK ==> *slot == slot_of(place);
  @ ensures \result != BX_OK ==> *slot == \old(*slot); */
enum bx_err
bx_cap_slot_of(struct bx_cap_place place, uint32_t *slot)
{
	return find_slot(place, slot);
}
