/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * logic.h -- CAP-1 to CAP-6 in the words of the prover (ACSL; `make prove').  Internal to libcap.
 *
 * No C here: a compiler sees an empty file.  `s' is the array of slots, `n' their number.
 *
 * That what is linked nearby is linked right does not exclude a ring of siblings that hangs on no
 * parent.  The proof does, by a ghost: every derived capability has the number of its derivation
 * (bx_cap_birth), and the lists of siblings run from the latest to the earliest, with none between
 * two neighbours.  A compiler never sees the ghost; 2^64 derivations use it up.
 */
#ifndef BRAINIX_CAP_LOGIC_H
#define BRAINIX_CAP_LOGIC_H

/*@ ghost unsigned long long bx_cap_birth[0xffffffff]; */
/*@ ghost unsigned long long bx_cap_births; */

/*@
// CAP-6, an empty slot
predicate blank{L}(struct bx_cap_slot *s, integer i) =
    s[i].cap.type == BX_CAP_NONE && s[i].cap.rights == 0 && s[i].cap.depth == 0 &&
    s[i].cap.uses == 0 && s[i].cap.badge == 0 && s[i].cap.object.index == 0 &&
    s[i].cap.object.generation == 0 && s[i].cap.expiry == 0 && s[i].cap.first == 0 &&
    s[i].cap.count == 0 && s[i].parent == BX_CAP_SLOT_NONE && s[i].child == BX_CAP_SLOT_NONE &&
    s[i].older == BX_CAP_SLOT_NONE && s[i].younger == BX_CAP_SLOT_NONE;

predicate same_cap{K,L}(struct bx_cap_slot *s, integer i) =
    \at(s[i].cap.type, K) == \at(s[i].cap.type, L) &&
    \at(s[i].cap.rights, K) == \at(s[i].cap.rights, L) &&
    \at(s[i].cap.depth, K) == \at(s[i].cap.depth, L) &&
    \at(s[i].cap.uses, K) == \at(s[i].cap.uses, L) &&
    \at(s[i].cap.badge, K) == \at(s[i].cap.badge, L) &&
    \at(s[i].cap.object.index, K) == \at(s[i].cap.object.index, L) &&
    \at(s[i].cap.object.generation, K) == \at(s[i].cap.object.generation, L) &&
    \at(s[i].cap.expiry, K) == \at(s[i].cap.expiry, L) &&
    \at(s[i].cap.first, K) == \at(s[i].cap.first, L) &&
    \at(s[i].cap.count, K) == \at(s[i].cap.count, L);

// CAP-1 to CAP-3: what is derived, c, against its parent p
predicate lesser{L}(struct bx_cap *c, struct bx_cap *p) =
    p->type != BX_CAP_NONE && p->type != BX_CAP_REPLY && c->type == p->type &&
    c->object.index == p->object.index && c->object.generation == p->object.generation &&
    (c->rights & p->rights) == c->rights &&
    c->expiry <= p->expiry && p->first <= c->first &&
    c->first + c->count <= p->first + p->count &&
    (c->uses == BX_CAP_USES_UNLIMITED ==> p->uses == BX_CAP_USES_UNLIMITED) &&
    (p->badge != 0 ==> c->badge == p->badge) &&
    c->depth == p->depth + 1 && c->depth <= BX_CAP_DEPTH_MAX;

predicate empty_are_blank{L}(struct bx_cap_slot *s, integer n) =
    \forall integer i; 0 <= i < n && s[i].cap.type == BX_CAP_NONE ==>
	s[i].parent == BX_CAP_SLOT_NONE && s[i].child == BX_CAP_SLOT_NONE &&
	s[i].older == BX_CAP_SLOT_NONE && s[i].younger == BX_CAP_SLOT_NONE &&
	s[i].cap.depth == 0;

// CAP-6: who is named names back
predicate children_agree{L}(struct bx_cap_slot *s, integer n) =
    \forall integer i; 0 <= i < n && s[i].child != BX_CAP_SLOT_NONE ==>
	s[i].child < n && s[s[i].child].parent == i &&
	s[s[i].child].younger == BX_CAP_SLOT_NONE;

predicate older_agree{L}(struct bx_cap_slot *s, integer n) =
    \forall integer i; 0 <= i < n && s[i].older != BX_CAP_SLOT_NONE ==>
	s[i].older < n && s[s[i].older].younger == i &&
	s[s[i].older].parent == s[i].parent && s[i].parent != BX_CAP_SLOT_NONE;

predicate younger_agree{L}(struct bx_cap_slot *s, integer n) =
    \forall integer i; 0 <= i < n && s[i].younger != BX_CAP_SLOT_NONE ==>
	s[i].younger < n && s[s[i].younger].older == i &&
	s[s[i].younger].parent == s[i].parent && s[i].parent != BX_CAP_SLOT_NONE;

predicate parents_agree{L}(struct bx_cap_slot *s, integer n) =
    \forall integer i; 0 <= i < n && s[i].parent != BX_CAP_SLOT_NONE ==>
	s[i].parent < n && s[s[i].parent].child != BX_CAP_SLOT_NONE &&
	(s[i].younger == BX_CAP_SLOT_NONE ==> s[s[i].parent].child == i);

predicate derived_are_lesser{L}(struct bx_cap_slot *s, integer n) =
    \forall integer i; 0 <= i < n && s[i].parent != BX_CAP_SLOT_NONE ==>
	s[s[i].parent].cap.type != BX_CAP_NONE &&
	s[i].cap.depth == s[s[i].parent].cap.depth + 1 && s[i].cap.depth <= BX_CAP_DEPTH_MAX &&
	lesser(&s[i].cap, &s[s[i].parent].cap);

predicate roots_are_shallow{L}(struct bx_cap_slot *s, integer n) =
    \forall integer i; 0 <= i < n && s[i].parent == BX_CAP_SLOT_NONE ==> s[i].cap.depth == 0;

predicate slots_sound{L}(struct bx_cap_slot *s, integer n) =
    empty_are_blank(s, n) && children_agree(s, n) && older_agree(s, n) && younger_agree(s, n) &&
    parents_agree(s, n) && derived_are_lesser(s, n) && roots_are_shallow(s, n);

// no ring of siblings; nobody names a childless slot as parent (CAP-4)
predicate siblings_ordered{L}(struct bx_cap_slot *s, integer n) =
    (\forall integer i; 0 <= i < n && s[i].parent != BX_CAP_SLOT_NONE ==>
	bx_cap_birth[i] < bx_cap_births &&
	bx_cap_birth[i] <= bx_cap_birth[s[s[i].parent].child]) &&
    (\forall integer i; 0 <= i < n && s[i].older != BX_CAP_SLOT_NONE ==>
	bx_cap_birth[s[i].older] < bx_cap_birth[i]) &&
    (\forall integer i, j; 0 <= i < n && 0 <= j < n && i != j &&
	s[i].parent != BX_CAP_SLOT_NONE && s[i].parent == s[j].parent ==>
	bx_cap_birth[i] != bx_cap_birth[j]) &&
    (\forall integer i, j; 0 <= i < n && 0 <= j < n &&
	s[i].parent != BX_CAP_SLOT_NONE && s[i].parent == s[j].parent &&
	bx_cap_birth[i] < bx_cap_birth[j] ==>
	s[j].older != BX_CAP_SLOT_NONE && bx_cap_birth[i] <= bx_cap_birth[s[j].older]);

predicate sound{L}(struct bx_cap_forest *f) =
    slots_sound(f->slots, f->slot_count) && siblings_ordered(f->slots, f->slot_count);

// whoever pointed to i points to what is next in that direction
predicate relinked{K,L}(struct bx_cap_slot *s, integer n, integer i, integer up, integer down) =
    \forall integer j; 0 <= j < n ==>
	\at(s[j].younger, L) == (j == \at(s[i].older, K) ? up : \at(s[j].younger, K)) &&
	\at(s[j].older, L) == (j == \at(s[i].younger, K) ? down : \at(s[j].older, K)) &&
	\at(s[j].child, L) == (j == \at(s[i].parent, K) && \at(s[i].younger, K) ==
	    BX_CAP_SLOT_NONE ? down : \at(s[j].child, K));

// the caller's part: memory, and where a space lies in it
predicate forest_in_memory{L}(struct bx_cap_forest *f) =
    \valid(f) && 0 < f->slot_count && \valid(f->slots + (0 .. f->slot_count - 1)) &&
    \separated(f, f->slots + (0 .. f->slot_count - 1));

predicate place_in_memory{L}(struct bx_cap_forest *f, struct bx_cap_place p) =
    \valid_read(p.space) && p.space->first_slot + p.space->slot_count <= f->slot_count &&
    p.space->plain_count <= p.space->slot_count &&
    \separated(p.space, f->slots + (0 .. f->slot_count - 1));

predicate is_plain{L}(struct bx_cap_place p) = p.index < p.space->plain_count;

predicate derivable{L}(struct bx_cap *p, struct bx_cap_limits *m, integer now) =
    p->type != BX_CAP_NONE && p->type != BX_CAP_REPLY && now < p->expiry &&
    (m->rights & p->rights) == m->rights && (m->badge == 0 || p->badge == 0) &&
    m->uses <= p->uses && m->expiry <= p->expiry && p->first <= m->first &&
    m->first + m->count <= p->first + p->count && p->depth < BX_CAP_DEPTH_MAX;

logic integer slot_of{L}(struct bx_cap_place p) = p.space->first_slot + p.index;

predicate empty_or_as_before{K,L}(struct bx_cap_slot *s, integer n, integer but) =
    \forall integer i; 0 <= i < n && i != but ==>
	same_cap{K,L}(s, i) || \at(s[i].cap.type, L) == BX_CAP_NONE;

predicate caps_as_before{K,L}(struct bx_cap_slot *s, integer n, integer a, integer b) =
    \forall integer i; 0 <= i < n && i != a && i != b ==> same_cap{K,L}(s, i);

// Admitted after a store to a whole capability, whose frame the prover loses: slots that are
// apart in memory keep their links, and the forest is where it was.
predicate links_as_before{K,L}(struct bx_cap_forest *f) =
    \at(f->slots, L) == \at(f->slots, K) && \at(f->slot_count, L) == \at(f->slot_count, K) &&
    forest_in_memory{L}(f) &&
    \forall integer i; 0 <= i < \at(f->slot_count, K) ==>
	\at(f->slots[i].child, L) == \at(f->slots[i].child, K) &&
	\at(f->slots[i].parent, L) == \at(f->slots[i].parent, K);

lemma wraps: \forall integer x; -0x100000000 <= x < 0 ==>
    (uint64_t)x == x + 0x10000000000000000;
lemma all_ones: \forall integer x; 0 <= x <= 0xffffffff ==> (x & 0xffffffff) == x;
lemma all_zeroes: \forall integer x; 0 <= x <= 0xffffffff ==> (x & 0) == 0;
*/

#endif
