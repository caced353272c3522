/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * space.c -- runs of slots that belong to one domain.
 */
#include "forest.h"

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

void
bx_cap_space_seal(struct bx_cap_space *space)
{
	space->sealed = true;
}

enum bx_err
bx_cap_slot_of(struct bx_cap_place place, uint32_t *slot)
{
	return find_slot(place, slot);
}
