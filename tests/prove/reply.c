/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * reply.c -- what the fast path of a call does with a reply slot, said of the whole forest: it keeps
 * it well formed.  To prove only, never compiled.
 */
#include "../../libcap/src/forest.h"
#include "../../libcap/src/lemmas.h"

/* In two steps, as in libcap: what changes, and what follows from that. */
/*@ requires \valid(slots + (0 .. n - 1)) && slot < n <= BX_CAP_SLOT_NONE;
  @ requires zero(slots, slot) && rights <= BX_RIGHT_ALL;
  @ assigns slots[0 .. n - 1];
  @ ensures all_links_as_before{Pre,Post}(slots, n);
  @ ensures caps_as_before{Pre,Post}(slots, n, slot, slot);
  @ ensures slots[slot].cap.type == BX_CAP_REPLY && slots[slot].cap.rights == rights &&
  @    slots[slot].cap.depth == 0 && slots[slot].cap.uses == BX_CAP_USES_UNLIMITED &&
  @    slots[slot].cap.badge == 0 && slots[slot].cap.first == 0 && slots[slot].cap.count == 0 &&
  @    slots[slot].cap.expiry == BX_CAP_EXPIRY_NEVER;
  @ ensures slots[slot].cap.object.index == object % 0x100000000 &&
  @    slots[slot].cap.object.generation == object / 0x100000000; */
static inline void
put_reply(struct bx_cap_slot *slots, uint32_t slot, uint8_t rights, uint64_t object)
/*@ ghost (uint32_t n) */
{
	bx_cap_reply_put(&slots[slot], bx_cap_reply_head(rights), object);
}

/*@ requires \valid(slots + (0 .. n - 1)) && slot < n <= BX_CAP_SLOT_NONE;
  @ requires slots[slot].cap.badge == 0 && slots[slot].cap.first == 0 && slots[slot].cap.count == 0;
  @ assigns slots[0 .. n - 1];
  @ ensures all_links_as_before{Pre,Post}(slots, n);
  @ ensures caps_as_before{Pre,Post}(slots, n, slot, slot) && zero(slots, slot); */
static inline void
take_reply(struct bx_cap_slot *slots, uint32_t slot) /*@ ghost (uint32_t n) */
{
	bx_cap_reply_take(&slots[slot]);
}

/*@ requires \valid(slots + (0 .. n - 1)) && slot < n <= BX_CAP_SLOT_NONE;
  @ requires slots_sound(slots, n) && slots[slot].cap.type == BX_CAP_NONE && rights <= BX_RIGHT_ALL;
  @ assigns slots[0 .. n - 1];
  @ ensures slots_sound(slots, n);
  @ ensures rooted{Pre,Post}(slots, n, slot) && slots[slot].cap.type == BX_CAP_REPLY;
  @ ensures only_gain{Pre,Post}(slots, n, slot); */
void
reply_comes(struct bx_cap_slot *slots, uint32_t slot, uint8_t rights, uint64_t object)
/*@ ghost (uint32_t n) */
{
	//@ assert unlinked(slots, slot);
	put_reply(slots, slot, rights, object) /*@ ghost (n) */;
	//@ assert rooted{Pre,Here}(slots, n, slot);
}

/*@ requires \valid(slots + (0 .. n - 1)) && slot < n <= BX_CAP_SLOT_NONE;
  @ requires slots_sound(slots, n) && unlinked(slots, slot) && slots[slot].cap.type == BX_CAP_REPLY;
  @ requires slots[slot].cap.badge == 0 && slots[slot].cap.first == 0 && slots[slot].cap.count == 0;
  @ assigns slots[0 .. n - 1];
  @ ensures slots_sound(slots, n);
  @ ensures removed{Pre,Post}(slots, n, slot);
  @ ensures blank(slots, slot) && only_gain{Pre,Post}(slots, n, slot); */
void
reply_goes(struct bx_cap_slot *slots, uint32_t slot) /*@ ghost (uint32_t n) */
{
	//@ assert childless(slots, n, slot);
	take_reply(slots, slot) /*@ ghost (n) */;
	//@ assert left{Pre,Here}(slots, n, slot);
	//@ assert removed{Pre,Here}(slots, n, slot);
}
