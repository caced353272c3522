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

/* Any set of slots: nothing writes it, so what is proved of it is proved of each (marks_below). */
/*@ ghost unsigned char bx_cap_marked[0xffffffff]; */

/* Written out wherever they stand behind a quantifier: a prover does not look inside of a name there. */
#define UNLINKED(s, i) \
	((s)[i].parent == BX_CAP_SLOT_NONE && (s)[i].child == BX_CAP_SLOT_NONE && \
	(s)[i].older == BX_CAP_SLOT_NONE && (s)[i].younger == BX_CAP_SLOT_NONE)
#define ZERO(s, i) \
	((s)[i].cap.type == 0 && (s)[i].cap.rights == 0 && (s)[i].cap.depth == 0 && \
	(s)[i].cap.uses == 0 && (s)[i].cap.badge == 0 && (s)[i].cap.object.index == 0 && \
	(s)[i].cap.object.generation == 0 && (s)[i].cap.expiry == 0 && \
	(s)[i].cap.first == 0 && (s)[i].cap.count == 0)
#define SAME_LINKS(K, L, s, i) \
	(\at((s)[i].parent, L) == \at((s)[i].parent, K) && \
	\at((s)[i].child, L) == \at((s)[i].child, K) && \
	\at((s)[i].older, L) == \at((s)[i].older, K) && \
	\at((s)[i].younger, L) == \at((s)[i].younger, K))
#define SAME_BUT_USES(K, L, s, i) \
	(\at((s)[i].cap.type, L) == \at((s)[i].cap.type, K) && \
	\at((s)[i].cap.rights, L) == \at((s)[i].cap.rights, K) && \
	\at((s)[i].cap.depth, L) == \at((s)[i].cap.depth, K) && \
	\at((s)[i].cap.badge, L) == \at((s)[i].cap.badge, K) && \
	\at((s)[i].cap.object.index, L) == \at((s)[i].cap.object.index, K) && \
	\at((s)[i].cap.object.generation, L) == \at((s)[i].cap.object.generation, K) && \
	\at((s)[i].cap.expiry, L) == \at((s)[i].cap.expiry, K) && \
	\at((s)[i].cap.first, L) == \at((s)[i].cap.first, K) && \
	\at((s)[i].cap.count, L) == \at((s)[i].cap.count, K))
#define SAME_CAP(K, L, s, i) \
	(SAME_BUT_USES(K, L, s, i) && \at((s)[i].cap.uses, L) == \at((s)[i].cap.uses, K))
/* CAP-1 to CAP-3: what is derived, c, against its parent p. */
#define LESSER(s, c, p) \
	((s)[p].cap.type != BX_CAP_NONE && (s)[p].cap.type != BX_CAP_REPLY && \
	(s)[c].cap.type == (s)[p].cap.type && \
	(s)[c].cap.object.index == (s)[p].cap.object.index && \
	(s)[c].cap.object.generation == (s)[p].cap.object.generation && \
	((s)[c].cap.rights & (s)[p].cap.rights) == (s)[c].cap.rights && \
	(s)[c].cap.expiry <= (s)[p].cap.expiry && \
	(s)[p].cap.first <= (s)[c].cap.first && \
	(s)[c].cap.first + (s)[c].cap.count <= (s)[p].cap.first + (s)[p].cap.count && \
	((s)[c].cap.uses == BX_CAP_USES_UNLIMITED ==> (s)[p].cap.uses == BX_CAP_USES_UNLIMITED) && \
	((s)[p].cap.badge != 0 ==> (s)[c].cap.badge == (s)[p].cap.badge) && \
	(s)[c].cap.depth == (s)[p].cap.depth + 1 && \
	(s)[c].cap.depth <= BX_CAP_DEPTH_MAX)

/*@
predicate unlinked{L}(struct bx_cap_slot *s, integer i) = UNLINKED(s, i);
predicate zero{L}(struct bx_cap_slot *s, integer i) = ZERO(s, i);
predicate blank{L}(struct bx_cap_slot *s, integer i) = ZERO(s, i) && UNLINKED(s, i);
predicate lesser{L}(struct bx_cap_slot *s, integer c, integer p) = LESSER(s, c, p);
predicate same_cap{K,L}(struct bx_cap_slot *s, integer i) = SAME_CAP(K, L, s, i);
predicate same_but_uses{K,L}(struct bx_cap_slot *s, integer i) = SAME_BUT_USES(K, L, s, i);

// CAP-6: who is named names back
predicate children_agree{L}(struct bx_cap_slot *s, integer n) =
    \forall integer i; 0 <= i < n && s[i].child != BX_CAP_SLOT_NONE ==>
	0 <= s[i].child < n && s[s[i].child].parent == i &&
	s[s[i].child].younger == BX_CAP_SLOT_NONE;

predicate older_agree{L}(struct bx_cap_slot *s, integer n) =
    \forall integer i; 0 <= i < n && s[i].older != BX_CAP_SLOT_NONE ==>
	0 <= s[i].older < n && s[s[i].older].younger == i &&
	s[s[i].older].parent == s[i].parent && s[i].parent != BX_CAP_SLOT_NONE;

predicate younger_agree{L}(struct bx_cap_slot *s, integer n) =
    \forall integer i; 0 <= i < n && s[i].younger != BX_CAP_SLOT_NONE ==>
	0 <= s[i].younger < n && s[s[i].younger].older == i &&
	s[s[i].younger].parent == s[i].parent && s[i].parent != BX_CAP_SLOT_NONE;

predicate parents_agree{L}(struct bx_cap_slot *s, integer n) =
    \forall integer i; 0 <= i < n && s[i].parent != BX_CAP_SLOT_NONE ==>
	0 <= s[i].parent < n && s[s[i].parent].child != BX_CAP_SLOT_NONE &&
	(s[i].younger == BX_CAP_SLOT_NONE ==> s[s[i].parent].child == i);

// no ring of siblings, and none that its parent's list leaves out
predicate births_bounded{L}(struct bx_cap_slot *s, integer n) =
    \forall integer i; 0 <= i < n && s[i].parent != BX_CAP_SLOT_NONE ==>
	bx_cap_birth[i] < bx_cap_births &&
	bx_cap_birth[i] <= bx_cap_birth[s[s[i].parent].child];

predicate births_ordered{L}(struct bx_cap_slot *s, integer n) =
    \forall integer i; 0 <= i < n && s[i].older != BX_CAP_SLOT_NONE ==>
	bx_cap_birth[s[i].older] < bx_cap_birth[i];

predicate births_differ{L}(struct bx_cap_slot *s, integer n) =
    \forall integer i, j; 0 <= i < n && 0 <= j < n && i != j &&
	s[i].parent != BX_CAP_SLOT_NONE && s[i].parent == s[j].parent ==>
	bx_cap_birth[i] != bx_cap_birth[j];

predicate none_between{L}(struct bx_cap_slot *s, integer n) =
    \forall integer i, j; 0 <= i < n && 0 <= j < n &&
	s[i].parent != BX_CAP_SLOT_NONE && s[i].parent == s[j].parent &&
	bx_cap_birth[i] < bx_cap_birth[j] ==>
	s[j].older != BX_CAP_SLOT_NONE && bx_cap_birth[i] <= bx_cap_birth[s[j].older];

predicate links_sound{L}(struct bx_cap_slot *s, integer n) =
    children_agree(s, n) && older_agree(s, n) && younger_agree(s, n) && parents_agree(s, n) &&
    births_bounded(s, n) && births_ordered(s, n) && births_differ(s, n) && none_between(s, n);

predicate empty_are_blank{L}(struct bx_cap_slot *s, integer n) =
    \forall integer i; 0 <= i < n && s[i].cap.type == BX_CAP_NONE ==>
	ZERO(s, i) && UNLINKED(s, i);

predicate derived_are_lesser{L}(struct bx_cap_slot *s, integer n) =
    \forall integer i; 0 <= i < n && s[i].parent != BX_CAP_SLOT_NONE ==>
	LESSER(s, i, s[i].parent);

predicate roots_are_shallow{L}(struct bx_cap_slot *s, integer n) =
    \forall integer i; 0 <= i < n && s[i].parent == BX_CAP_SLOT_NONE ==> s[i].cap.depth == 0;

predicate caps_sound{L}(struct bx_cap_slot *s, integer n) =
    empty_are_blank(s, n) && derived_are_lesser(s, n) && roots_are_shallow(s, n);

predicate slots_sound{L}(struct bx_cap_slot *s, integer n) =
    links_sound(s, n) && caps_sound(s, n);

// the forest is well formed: CAP-1 to CAP-4 and CAP-6 hold everywhere
predicate sound{L}(struct bx_cap_forest *f) = slots_sound(f->slots, f->slot_count);

predicate all_blank{L}(struct bx_cap_slot *s, integer n) =
    \forall integer i; 0 <= i < n ==> ZERO(s, i) && UNLINKED(s, i);

predicate all_links_as_before{K,L}(struct bx_cap_slot *s, integer n) =
    \forall integer j; 0 <= j < n ==> SAME_LINKS(K, L, s, j);

predicate all_links_as_before_but{K,L}(struct bx_cap_slot *s, integer n, integer i) =
    \forall integer j; 0 <= j < n && j != i ==> SAME_LINKS(K, L, s, j);

predicate links_as_before{K,L}(struct bx_cap_slot *s, integer n) =
    (\forall integer j; 0 <= j < n ==> SAME_LINKS(K, L, s, j) &&
	\at(bx_cap_birth[j], L) == \at(bx_cap_birth[j], K)) &&
    \at(bx_cap_births, L) == \at(bx_cap_births, K);

predicate caps_as_before{K,L}(struct bx_cap_slot *s, integer n, integer a, integer b) =
    \forall integer i; 0 <= i < n && i != a && i != b ==> SAME_CAP(K, L, s, i);

predicate all_caps_as_before_but{K,L}(struct bx_cap_slot *s, integer n, integer i) =
    \forall integer j; 0 <= j < n && j != i ==> SAME_CAP(K, L, s, j);

predicate all_caps_as_before{K,L}(struct bx_cap_slot *s, integer n) =
    \forall integer i; 0 <= i < n ==> SAME_CAP(K, L, s, i);

// what the operations change, link by link: i becomes the youngest child of p
predicate linked_parents{K,L}(struct bx_cap_slot *s, integer n, integer i, integer p) =
    \forall integer j; 0 <= j < n ==>
	\at(s[j].parent, L) == (j == i ? p : \at(s[j].parent, K));

predicate linked_children{K,L}(struct bx_cap_slot *s, integer n, integer i, integer p) =
    \forall integer j; 0 <= j < n ==>
	\at(s[j].child, L) == (j == p ? i : \at(s[j].child, K));

predicate linked_older{K,L}(struct bx_cap_slot *s, integer n, integer i, integer p) =
    \forall integer j; 0 <= j < n ==>
	\at(s[j].older, L) == (j == i ? \at(s[p].child, K) : \at(s[j].older, K));

predicate linked_younger{K,L}(struct bx_cap_slot *s, integer n, integer i, integer p) =
    \forall integer j; 0 <= j < n ==>
	\at(s[j].younger, L) == (j == \at(s[p].child, K) ? i : \at(s[j].younger, K));

predicate linked_births{K,L}(struct bx_cap_slot *s, integer n, integer i, integer p) =
    (\forall integer j; 0 <= j < n ==>
	\at(bx_cap_birth[j], L) == (j == i ? \at(bx_cap_births, K) : \at(bx_cap_birth[j], K))) &&
    \at(bx_cap_births, L) == \at(bx_cap_births, K) + 1;

predicate linked{K,L}(struct bx_cap_slot *s, integer n, integer i, integer p) =
    (\forall integer j; 0 <= j < n ==>
	\at(s[j].parent, L) == (j == i ? p : \at(s[j].parent, K)) &&
	\at(s[j].child, L) == (j == p ? i : \at(s[j].child, K)) &&
	\at(s[j].older, L) == (j == i ? \at(s[p].child, K) : \at(s[j].older, K)) &&
	\at(s[j].younger, L) == (j == \at(s[p].child, K) ? i : \at(s[j].younger, K)) &&
	\at(bx_cap_birth[j], L) == (j == i ? \at(bx_cap_births, K) : \at(bx_cap_birth[j], K))) &&
    \at(bx_cap_births, L) == \at(bx_cap_births, K) + 1;

predicate linkable{L}(struct bx_cap_slot *s, integer n, integer i, integer p) =
    0 <= i < n <= BX_CAP_SLOT_NONE && 0 <= p < n && i != p && unlinked(s, i) &&
    links_sound(s, n);

predicate neighbour(integer link, integer i, integer n) =
    link == BX_CAP_SLOT_NONE || 0 <= link < n && link != i;

predicate has_neighbours{L}(struct bx_cap_slot *s, integer n, integer i) =
    neighbour(s[i].older, i, n) && neighbour(s[i].younger, i, n) && neighbour(s[i].parent, i, n);

// whoever pointed to i points to o or y
predicate repointed{K,L}(struct bx_cap_slot *s, integer n, integer i, integer o, integer y) =
    \forall integer j; 0 <= j < n ==>
	\at(s[j].parent, L) == \at(s[j].parent, K) &&
	\at(s[j].child, L) == (j == \at(s[i].parent, K) && \at(s[i].younger, K) ==
	    BX_CAP_SLOT_NONE ? o : \at(s[j].child, K)) &&
	\at(s[j].older, L) == (j == \at(s[i].younger, K) ? o : \at(s[j].older, K)) &&
	\at(s[j].younger, L) == (j == \at(s[i].older, K) ? y : \at(s[j].younger, K));

// the links of i are those of a list, and who is named names back
predicate neighbours_agree{L}(struct bx_cap_slot *s, integer n, integer i) =
    (s[i].parent == BX_CAP_SLOT_NONE || s[i].parent < n) &&
    (s[i].child == BX_CAP_SLOT_NONE || s[i].child < n && s[s[i].child].parent == i &&
	s[s[i].child].younger == BX_CAP_SLOT_NONE) &&
    (s[i].older == BX_CAP_SLOT_NONE || s[i].older < n && s[s[i].older].younger == i &&
	s[s[i].older].parent == s[i].parent) &&
    (s[i].younger == BX_CAP_SLOT_NONE || s[i].younger < n && s[s[i].younger].older == i &&
	s[s[i].younger].parent == s[i].parent);

// i has the links p, o and y
predicate links_set{K,L}(struct bx_cap_slot *s, integer n, integer i, integer p, integer o,
    integer y) =
    \forall integer j; 0 <= j < n ==>
	\at(s[j].parent, L) == (j == i ? p : \at(s[j].parent, K)) &&
	\at(s[j].child, L) == \at(s[j].child, K) &&
	\at(s[j].older, L) == (j == i ? o : \at(s[j].older, K)) &&
	\at(s[j].younger, L) == (j == i ? y : \at(s[j].younger, K));

// both: whoever pointed to i points to o or y, and i has no links
predicate isolated{K,L}(struct bx_cap_slot *s, integer n, integer i, integer o, integer y) =
    \forall integer j; 0 <= j < n ==>
	\at(s[j].parent, L) == (j == i ? BX_CAP_SLOT_NONE : \at(s[j].parent, K)) &&
	\at(s[j].child, L) == (j == \at(s[i].parent, K) && \at(s[i].younger, K) ==
	    BX_CAP_SLOT_NONE ? o : \at(s[j].child, K)) &&
	\at(s[j].older, L) == (j == i ? BX_CAP_SLOT_NONE :
	    j == \at(s[i].younger, K) ? o : \at(s[j].older, K)) &&
	\at(s[j].younger, L) == (j == i ? BX_CAP_SLOT_NONE :
	    j == \at(s[i].older, K) ? y : \at(s[j].younger, K));

// i leaves, and its neighbours join hands
predicate left{K,L}(struct bx_cap_slot *s, integer n, integer i) =
    (\forall integer j; 0 <= j < n ==>
	\at(s[j].parent, L) == (j == i ? BX_CAP_SLOT_NONE : \at(s[j].parent, K)) &&
	\at(s[j].child, L) == (j == \at(s[i].parent, K) && \at(s[i].younger, K) ==
	    BX_CAP_SLOT_NONE ? \at(s[i].older, K) : \at(s[j].child, K)) &&
	\at(s[j].older, L) == (j == i ? BX_CAP_SLOT_NONE :
	    j == \at(s[i].younger, K) ? \at(s[i].older, K) : \at(s[j].older, K)) &&
	\at(s[j].younger, L) == (j == i ? BX_CAP_SLOT_NONE :
	    j == \at(s[i].older, K) ? \at(s[i].younger, K) : \at(s[j].younger, K)) &&
	\at(bx_cap_birth[j], L) == \at(bx_cap_birth[j], K)) &&
    \at(bx_cap_births, L) == \at(bx_cap_births, K);

predicate childless{L}(struct bx_cap_slot *s, integer n, integer i) =
    0 <= i < n <= BX_CAP_SLOT_NONE && s[i].child == BX_CAP_SLOT_NONE && links_sound(s, n);

// t takes the place of i
predicate replaced_parents{K,L}(struct bx_cap_slot *s, integer n, integer i, integer t) =
    \forall integer j; 0 <= j < n ==>
	\at(s[j].parent, L) == (j == i ? BX_CAP_SLOT_NONE :
	    j == t ? \at(s[i].parent, K) : \at(s[j].parent, K));

predicate replaced_children{K,L}(struct bx_cap_slot *s, integer n, integer i, integer t) =
    \forall integer j; 0 <= j < n ==>
	\at(s[j].child, L) == (j == \at(s[i].parent, K) && \at(s[i].younger, K) ==
	    BX_CAP_SLOT_NONE ? t : \at(s[j].child, K));

predicate replaced_older{K,L}(struct bx_cap_slot *s, integer n, integer i, integer t) =
    \forall integer j; 0 <= j < n ==>
	\at(s[j].older, L) == (j == i ? BX_CAP_SLOT_NONE :
	    j == t ? \at(s[i].older, K) :
	    j == \at(s[i].younger, K) ? t : \at(s[j].older, K));

predicate replaced_younger{K,L}(struct bx_cap_slot *s, integer n, integer i, integer t) =
    \forall integer j; 0 <= j < n ==>
	\at(s[j].younger, L) == (j == i ? BX_CAP_SLOT_NONE :
	    j == t ? \at(s[i].younger, K) :
	    j == \at(s[i].older, K) ? t : \at(s[j].younger, K));

predicate replaced_births{K,L}(struct bx_cap_slot *s, integer n, integer i, integer t) =
    (\forall integer j; 0 <= j < n ==>
	\at(bx_cap_birth[j], L) == (j == t ? \at(bx_cap_birth[i], K) :
	    \at(bx_cap_birth[j], K))) &&
    \at(bx_cap_births, L) == \at(bx_cap_births, K);

predicate replaced{K,L}(struct bx_cap_slot *s, integer n, integer i, integer t) =
    (\forall integer j; 0 <= j < n ==>
	\at(s[j].parent, L) == (j == i ? BX_CAP_SLOT_NONE :
	    j == t ? \at(s[i].parent, K) : \at(s[j].parent, K)) &&
	\at(s[j].child, L) == (j == \at(s[i].parent, K) && \at(s[i].younger, K) ==
	    BX_CAP_SLOT_NONE ? t : \at(s[j].child, K)) &&
	\at(s[j].older, L) == (j == i ? BX_CAP_SLOT_NONE :
	    j == t ? \at(s[i].older, K) :
	    j == \at(s[i].younger, K) ? t : \at(s[j].older, K)) &&
	\at(s[j].younger, L) == (j == i ? BX_CAP_SLOT_NONE :
	    j == t ? \at(s[i].younger, K) :
	    j == \at(s[i].older, K) ? t : \at(s[j].younger, K)) &&
	\at(bx_cap_birth[j], L) == (j == t ? \at(bx_cap_birth[i], K) :
	    \at(bx_cap_birth[j], K))) &&
    \at(bx_cap_births, L) == \at(bx_cap_births, K);

predicate replaceable{L}(struct bx_cap_slot *s, integer n, integer i, integer t) =
    childless(s, n, i) && 0 <= t < n && i != t && unlinked(s, t);

// what the operations change, capability by capability
predicate derived{K,L}(struct bx_cap_slot *s, integer n, integer c, integer p) =
    linked{K,L}(s, n, c, p) && caps_as_before{K,L}(s, n, c, p) && same_but_uses{K,L}(s, p) &&
    (\at(s[p].cap.uses, L) == BX_CAP_USES_UNLIMITED <==>
	\at(s[p].cap.uses, K) == BX_CAP_USES_UNLIMITED) &&
    lesser{L}(s, c, p);

predicate removed{K,L}(struct bx_cap_slot *s, integer n, integer i) =
    left{K,L}(s, n, i) && caps_as_before{K,L}(s, n, i, i) && zero{L}(s, i);

predicate moved{K,L}(struct bx_cap_slot *s, integer n, integer i, integer t) =
    replaced{K,L}(s, n, i, t) && caps_as_before{K,L}(s, n, i, t) && zero{L}(s, i) &&
    \at(s[t].cap.type, L) == \at(s[i].cap.type, K) &&
    \at(s[t].cap.rights, L) == \at(s[i].cap.rights, K) &&
    \at(s[t].cap.depth, L) == \at(s[i].cap.depth, K) &&
    \at(s[t].cap.uses, L) == \at(s[i].cap.uses, K) &&
    \at(s[t].cap.badge, L) == \at(s[i].cap.badge, K) &&
    \at(s[t].cap.object.index, L) == \at(s[i].cap.object.index, K) &&
    \at(s[t].cap.object.generation, L) == \at(s[i].cap.object.generation, K) &&
    \at(s[t].cap.expiry, L) == \at(s[i].cap.expiry, K) &&
    \at(s[t].cap.first, L) == \at(s[i].cap.first, K) &&
    \at(s[t].cap.count, L) == \at(s[i].cap.count, K);

predicate rooted{K,L}(struct bx_cap_slot *s, integer n, integer i) =
    links_as_before{K,L}(s, n) && caps_as_before{K,L}(s, n, i, i) && \at(s[i].cap.type, L) != BX_CAP_NONE &&
    \at(s[i].cap.depth, L) == 0;

predicate recharged{K,L}(struct bx_cap_slot *s, integer n) =
    links_as_before{K,L}(s, n) &&
    (\forall integer j; 0 <= j < n ==> SAME_BUT_USES(K, L, s, j) &&
	(\at(s[j].cap.uses, L) == BX_CAP_USES_UNLIMITED <==>
	    \at(s[j].cap.uses, K) == BX_CAP_USES_UNLIMITED) &&
	(\at(s[j].cap.type, K) == BX_CAP_NONE ==> \at(s[j].cap.uses, L) == 0));

predicate nothing_changed{K,L}(struct bx_cap_slot *s, integer n) =
    \forall integer i; 0 <= i < n ==>
	SAME_LINKS(K, L, s, i) && SAME_CAP(K, L, s, i);

// i was derived, directly or over others, from a
inductive descends{L}(struct bx_cap_slot *s, integer i, integer a) {
case child{L}:
    \forall struct bx_cap_slot *s, integer i, a;
    a != BX_CAP_SLOT_NONE && s[i].parent == a ==> descends(s, i, a);
case further{L}:
    \forall struct bx_cap_slot *s, integer i, a;
    s[i].parent != BX_CAP_SLOT_NONE && descends(s, s[i].parent, a) ==> descends(s, i, a);
}

// the caller's part: memory, and where a space lies in it
predicate forest_in_memory{L}(struct bx_cap_forest *f) =
    \valid(f) && 0 < f->slot_count && \valid(f->slots + (0 .. f->slot_count - 1)) &&
    \separated(f, f->slots + (0 .. f->slot_count - 1));

predicate place_in_memory{L}(struct bx_cap_forest *f, struct bx_cap_place p) =
    \valid_read(p.space) && p.space->first_slot + p.space->slot_count <= f->slot_count &&
    p.space->plain_count <= p.space->slot_count &&
    \separated(p.space, f->slots + (0 .. f->slot_count - 1));

predicate is_plain{L}(struct bx_cap_place p) = p.index < p.space->plain_count;

predicate within{L}(struct bx_cap_slot *s, integer p, struct bx_cap_limits *m) =
    s[p].cap.type != BX_CAP_NONE && s[p].cap.type != BX_CAP_REPLY &&
    (m->rights & s[p].cap.rights) == m->rights && (m->badge == 0 || s[p].cap.badge == 0) &&
    m->uses <= s[p].cap.uses && m->expiry <= s[p].cap.expiry && s[p].cap.first <= m->first &&
    m->first + m->count <= s[p].cap.first + s[p].cap.count &&
    s[p].cap.depth < BX_CAP_DEPTH_MAX;

logic integer slot_of{L}(struct bx_cap_place p) = p.space->first_slot + p.index;

predicate empty_or_as_before{K,L}(struct bx_cap_slot *s, integer n, integer but) =
    \forall integer i; 0 <= i < n && i != but ==>
	SAME_CAP(K, L, s, i) && \at(s[i].parent, L) == \at(s[i].parent, K) ||
	\at(s[i].cap.type, L) == BX_CAP_NONE;

// the marked are those below r.  No more is said than one step of it, but parents form no ring: there
// is one set like that, the descendants of r
predicate marks_below{L}(struct bx_cap_slot *s, integer n, integer r) =
    \forall integer i; 0 <= i < n && s[i].cap.type != BX_CAP_NONE ==>
	(bx_cap_marked[i] != 0 <==> s[i].parent != BX_CAP_SLOT_NONE &&
	    (s[i].parent == r || bx_cap_marked[s[i].parent] != 0));

predicate went{K,L}(struct bx_cap_slot *s, integer i) =
    \at(s[i].cap.type, K) != BX_CAP_NONE && \at(s[i].cap.type, L) == BX_CAP_NONE;

predicate only_marked_went{K,L}(struct bx_cap_slot *s, integer n, integer but) =
    \forall integer i; 0 <= i < n && i != but && \at(s[i].cap.type, K) != BX_CAP_NONE &&
	\at(s[i].cap.type, L) == BX_CAP_NONE ==> \at(bx_cap_marked[i], K) != 0;

predicate some_went{K,L}(struct bx_cap_slot *s, integer n) =
    \exists integer i; 0 <= i < n && went{K,L}(s, i);

// who is left was no child of r, and its parent is left: so it was no descendant of r
predicate no_descendant_left{K,L}(struct bx_cap_slot *s, integer n, integer r) =
    \forall integer i; 0 <= i < n && \at(s[i].cap.type, L) != BX_CAP_NONE ==>
	\at(s[i].parent, K) != r && (\at(s[i].parent, K) == BX_CAP_SLOT_NONE ||
	    \at(s[\at(s[i].parent, K)].cap.type, L) != BX_CAP_NONE);

// a counted capability has the uses less that it gave
predicate uses_taken{K,L}(struct bx_cap_slot *s, integer i, integer uses) =
    \at(s[i].cap.uses, L) == (\at(s[i].cap.uses, K) == BX_CAP_USES_UNLIMITED ?
	BX_CAP_USES_UNLIMITED : \at(s[i].cap.uses, K) - uses);

// c is what p was, within the limits m
predicate as_limited{K,L}(struct bx_cap_slot *s, integer c, integer p, struct bx_cap_limits *m) =
    \at(s[c].cap.type, L) == \at(s[p].cap.type, K) &&
    \at(s[c].cap.rights, L) == \at(m->rights, K) &&
    \at(s[c].cap.depth, L) == \at(s[p].cap.depth, K) + 1 &&
    \at(s[c].cap.uses, L) == \at(m->uses, K) &&
    \at(s[c].cap.badge, L) == (\at(m->badge, K) != 0 ? \at(m->badge, K) : \at(s[p].cap.badge, K)) &&
    \at(s[c].cap.object.index, L) == \at(s[p].cap.object.index, K) &&
    \at(s[c].cap.object.generation, L) == \at(s[p].cap.object.generation, K) &&
    \at(s[c].cap.expiry, L) == \at(m->expiry, K) &&
    \at(s[c].cap.first, L) == \at(m->first, K) &&
    \at(s[c].cap.count, L) == \at(m->count, K);

// c is what p was, and one deeper
predicate duplicated{K,L}(struct bx_cap_slot *s, integer c, integer p) =
    \at(s[c].cap.type, L) == \at(s[p].cap.type, K) &&
    \at(s[c].cap.rights, L) == \at(s[p].cap.rights, K) &&
    \at(s[c].cap.depth, L) == \at(s[p].cap.depth, K) + 1 &&
    \at(s[c].cap.uses, L) == \at(s[p].cap.uses, K) &&
    \at(s[c].cap.badge, L) == \at(s[p].cap.badge, K) &&
    \at(s[c].cap.object.index, L) == \at(s[p].cap.object.index, K) &&
    \at(s[c].cap.object.generation, L) == \at(s[p].cap.object.generation, K) &&
    \at(s[c].cap.expiry, L) == \at(s[p].cap.expiry, K) &&
    \at(s[c].cap.first, L) == \at(s[p].cap.first, K) &&
    \at(s[c].cap.count, L) == \at(s[p].cap.count, K);

// CAP-5: no slot but this one holds a capability that held none
predicate only_gain{K,L}(struct bx_cap_slot *s, integer n, integer but) =
    \forall integer i; 0 <= i < n && i != but && \at(s[i].cap.type, K) == BX_CAP_NONE ==>
	\at(s[i].cap.type, L) == BX_CAP_NONE;
*/

#endif
