/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * reply.c -- reply capabilities: the one thing that a sealed space gains.
 */
#include "forest.h"

/*@ requires forest_in_memory(forest) && sound(forest) && place_in_memory(forest, to);
  @ requires bx_cap_births < UINT64_MAX;
  @ requires \valid_read(reply) && \separated(reply, forest->slots + (0 .. forest->slot_count - 1));
  @ requires reply->type == BX_CAP_REPLY && reply->rights <= BX_RIGHT_ALL;
  @ ensures cap5: \old(is_plain(to)) ==> \result != BX_OK; */
enum bx_err
bx_cap_reply_insert(struct bx_cap_forest *forest, struct bx_cap_place to,
    const struct bx_cap *reply)
{
	uint32_t slot;
	enum bx_err err;

	BX_ASSERT(reply->type == BX_CAP_REPLY);
	BX_ASSERT(reply->rights <= BX_RIGHT_ALL);

	err = find_slot(to, &slot);
	if (err != BX_OK)
		return err;
	if (to.index < to.space->plain_count)		/* CAP-5 */
		return BX_ERR_CAP_SLOT;
	if (!slot_is_empty(forest, slot))
		return BX_ERR_CAP_OCCUPIED;

	forest->slots[slot].cap = *reply;
	//@ admit links_as_before{Pre,Here}(forest);
	forest->slots[slot].cap.depth = 0;
	link_slot(forest, slot, BX_CAP_SLOT_NONE);
	BX_INVARIANT(bx_cap_slot_sound(forest, slot));
	return BX_OK;
}
