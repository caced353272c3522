/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * lookup.c -- may this capability be used, now, for this?  On the path of every system call.
 */
#include "forest.h"
#include "lemmas.h"

/*@ requires forest_in_memory(forest) && place_in_memory(forest, place) && \valid(slot);
  @ requires \separated(slot, place.space, forest, forest->slots + (0 .. forest->slot_count - 1));
  @ assigns *slot;
  @ ensures accepted: \result == BX_OK ==> place.index < place.space->slot_count &&
  @    *slot == slot_of(place) && forest->slots[*slot].cap.type == type &&
  @    forest->slots[*slot].cap.type != BX_CAP_NONE &&
  @    (forest->slots[*slot].cap.rights & rights) == rights &&
  @    now < forest->slots[*slot].cap.expiry && forest->slots[*slot].cap.uses != 0;
  @ ensures refused: \result != BX_OK ==> *slot == \old(*slot) &&
  @    (place.index >= place.space->slot_count ||
  @     forest->slots[slot_of(place)].cap.type == BX_CAP_NONE ||
  @     forest->slots[slot_of(place)].cap.type != type ||
  @     (forest->slots[slot_of(place)].cap.rights & rights) != rights ||
  @     now >= forest->slots[slot_of(place)].cap.expiry ||
  @     forest->slots[slot_of(place)].cap.uses == 0); */
enum bx_err
bx_cap_lookup(const struct bx_cap_forest *forest, struct bx_cap_place place,
    enum bx_cap_type type, uint8_t rights, uint64_t now, uint32_t *slot)
{
	const struct bx_cap *cap;
	uint32_t found;
	enum bx_err err;

	err = find_slot(place, &found);
	if (err != BX_OK)
		return err;
	cap = &forest->slots[found].cap;
	if (cap->type == BX_CAP_NONE)
		return BX_ERR_CAP_EMPTY;
	BX_INVARIANT(bx_cap_slot_sound(forest, found));
	if (cap->type != type)
		return BX_ERR_CAP_TYPE;
	if ((cap->rights & rights) != rights)
		return BX_ERR_CAP_RIGHTS;
	if (now >= cap->expiry)
		return BX_ERR_CAP_EXPIRED;
	if (cap->uses == 0)
		return BX_ERR_CAP_USED_UP;
	*slot = found;
	return BX_OK;
}

/* What cannot fail. */
/*@ requires \valid(slots + (0 .. n - 1)) && slot < n <= BX_CAP_SLOT_NONE;
  @ requires slots_sound(slots, n);
  @ requires slots[slot].cap.type != BX_CAP_NONE && slots[slot].cap.uses != 0;
  @ assigns slots[0 .. n - 1].cap.uses;
  @ ensures recharged{Pre,Post}(slots, n);
  @ ensures slots_sound(slots, n);
  @ ensures all_caps_as_before_but{Pre,Post}(slots, n, slot);
  @ ensures uses_taken{Pre,Post}(slots, slot, 1); */
static void
use_act(struct bx_cap_slot *slots, uint32_t slot) /*@ ghost (uint32_t n) */
{
	spend_use(slots, slot) /*@ ghost (n) */;
	//@ assert links_as_before{Pre,Here}(slots, n);
	//@ assert recharged{Pre,Here}(slots, n);
}

/*@ requires forest_in_memory(forest) && sound(forest) && slot < forest->slot_count;
  @ requires forest->slots[slot].cap.uses != 0;
  @ requires forest->slots[slot].cap.type != BX_CAP_NONE;
  @ assigns forest->slots[0 .. forest->slot_count - 1].cap.uses;
  @ ensures sound(forest);
  @ ensures recharged{Pre,Post}(forest->slots, forest->slot_count);
  @ ensures only: all_caps_as_before_but{Pre,Post}(forest->slots, forest->slot_count, slot);
  @ ensures cap2: forest->slots[slot].cap.uses == (\old(forest->slots[slot].cap.uses) ==
  @    BX_CAP_USES_UNLIMITED ? BX_CAP_USES_UNLIMITED : \old(forest->slots[slot].cap.uses) - 1); */
void
bx_cap_use(struct bx_cap_forest *forest, uint32_t slot)
{
	BX_ASSERT(forest->slots[slot].cap.uses != 0);
	use_act(forest->slots, slot) /*@ ghost (forest->slot_count) */;
}
