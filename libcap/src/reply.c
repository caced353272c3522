/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * reply.c -- reply capabilities: the one thing that a sealed space gains.
 */
#include "forest.h"
#include "lemmas.h"

/*@ requires forest_in_memory(forest) && sound(forest) && place_in_memory(forest, to);
  @ requires \valid_read(reply) && \separated(reply, forest->slots + (0 .. forest->slot_count - 1));
  @ requires reply->type == BX_CAP_REPLY && reply->rights <= BX_RIGHT_ALL;
  @ assigns forest->slots[0 .. forest->slot_count - 1];
  @ ensures sound(forest);
  @ ensures refused: \result != BX_OK ==> nothing_changed{Pre,Post}(forest->slots, forest->slot_count);
  @ ensures put: \result == BX_OK ==>
  @    rooted{Pre,Post}(forest->slots, forest->slot_count, \old(slot_of(to))) &&
  @    forest->slots[\old(slot_of(to))].cap.type == BX_CAP_REPLY &&
  @    forest->slots[\old(slot_of(to))].cap.rights == \old(reply->rights) &&
  @    forest->slots[\old(slot_of(to))].cap.uses == \old(reply->uses) &&
  @    forest->slots[\old(slot_of(to))].cap.badge == \old(reply->badge) &&
  @    forest->slots[\old(slot_of(to))].cap.object.index == \old(reply->object.index) &&
  @    forest->slots[\old(slot_of(to))].cap.object.generation == \old(reply->object.generation) &&
  @    forest->slots[\old(slot_of(to))].cap.expiry == \old(reply->expiry) &&
  @    forest->slots[\old(slot_of(to))].cap.first == \old(reply->first) &&
  @    forest->slots[\old(slot_of(to))].cap.count == \old(reply->count);
  @ ensures cap5: \old(is_plain(to)) ==> \result != BX_OK;
  @ ensures gain: only_gain{Pre,Post}(forest->slots, forest->slot_count, \old(slot_of(to))); */
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

	/* Its links are already those of a root (CAP-6). */
	//@ assert unlinked(forest->slots, slot);
	put_root(forest->slots, slot, reply) /*@ ghost (forest->slot_count) */;
	//@ assert forest->slots == \at(forest->slots, Pre);
	//@ assert forest->slot_count == \at(forest->slot_count, Pre);
	//@ assert rooted{Pre,Here}(forest->slots, forest->slot_count, slot);
	//@ assert slots_sound(forest->slots, forest->slot_count);
	BX_INVARIANT(bx_cap_slot_sound(forest, slot));
	return BX_OK;
}
