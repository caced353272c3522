/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * lemmas.h -- what an operation changes keeps the forest well formed (ACSL; `make prove').  Internal
 * to libcap; no C here.  Each lemma is proved like every other obligation, from no more of the
 * forest than it needs: a prover that is given everything goes round in circles.
 *
 *	same	no link has changed			link	a child has been linked
 *	leave	a leaf's neighbours have joined hands	replace	another slot has taken a leaf's place
 *	derive, remove, move, root, recharge		the same with the capabilities
 *	blank	a new forest
 *
 * What the operations need is at the end.  The steps to it are seen only where all of them are
 * proved; elsewhere they would be in the prover's way.
 */
#ifndef BRAINIX_CAP_LEMMAS_H
#define BRAINIX_CAP_LEMMAS_H

#include <brainix/cap.h>

#include "logic.h"

#ifdef BX_PROVE_LEMMAS
/*@
lemma same_keeps_children_agree{K,L}:
    \forall struct bx_cap_slot *s, integer n;
    children_agree{K}(s, n) &&
    links_as_before{K,L}(s, n) ==>
    children_agree{L}(s, n);
lemma same_keeps_older_agree{K,L}:
    \forall struct bx_cap_slot *s, integer n;
    older_agree{K}(s, n) &&
    links_as_before{K,L}(s, n) ==>
    older_agree{L}(s, n);
lemma same_keeps_younger_agree{K,L}:
    \forall struct bx_cap_slot *s, integer n;
    younger_agree{K}(s, n) &&
    links_as_before{K,L}(s, n) ==>
    younger_agree{L}(s, n);
lemma same_keeps_parents_agree{K,L}:
    \forall struct bx_cap_slot *s, integer n;
    parents_agree{K}(s, n) &&
    links_as_before{K,L}(s, n) ==>
    parents_agree{L}(s, n);
lemma same_keeps_births_bounded{K,L}:
    \forall struct bx_cap_slot *s, integer n;
    births_bounded{K}(s, n) && parents_agree{K}(s, n) && children_agree{K}(s, n) &&
    links_as_before{K,L}(s, n) ==>
    births_bounded{L}(s, n);
lemma same_keeps_births_ordered{K,L}:
    \forall struct bx_cap_slot *s, integer n;
    births_ordered{K}(s, n) && older_agree{K}(s, n) &&
    links_as_before{K,L}(s, n) ==>
    births_ordered{L}(s, n);
lemma same_keeps_births_differ{K,L}:
    \forall struct bx_cap_slot *s, integer n;
    births_differ{K}(s, n) &&
    links_as_before{K,L}(s, n) ==>
    births_differ{L}(s, n);
lemma same_keeps_none_between{K,L}:
    \forall struct bx_cap_slot *s, integer n;
    none_between{K}(s, n) && older_agree{K}(s, n) &&
    links_as_before{K,L}(s, n) ==>
    none_between{L}(s, n);
lemma link_keeps_children_agree{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, p;
    linkable{K}(s, n, i, p) && linked{K,L}(s, n, i, p) ==>
    children_agree{L}(s, n);
lemma link_keeps_older_agree{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, p;
    linkable{K}(s, n, i, p) && linked{K,L}(s, n, i, p) ==>
    older_agree{L}(s, n);
lemma link_keeps_younger_agree{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, p;
    linkable{K}(s, n, i, p) && linked{K,L}(s, n, i, p) ==>
    younger_agree{L}(s, n);
lemma link_keeps_parents_agree{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, p;
    linkable{K}(s, n, i, p) && linked{K,L}(s, n, i, p) ==>
    parents_agree{L}(s, n);
lemma link_keeps_births_bounded{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, p;
    linkable{K}(s, n, i, p) && linked{K,L}(s, n, i, p) ==>
    births_bounded{L}(s, n);
lemma link_keeps_births_ordered{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, p;
    linkable{K}(s, n, i, p) && linked{K,L}(s, n, i, p) ==>
    births_ordered{L}(s, n);
lemma link_keeps_births_differ{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, p;
    linkable{K}(s, n, i, p) && linked{K,L}(s, n, i, p) ==>
    births_differ{L}(s, n);
lemma link_keeps_none_between{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, p;
    linkable{K}(s, n, i, p) && linked{K,L}(s, n, i, p) ==>
    none_between{L}(s, n);
lemma leave_keeps_children_agree{K,L}:
    \forall struct bx_cap_slot *s, integer n, i;
    childless{K}(s, n, i) && left{K,L}(s, n, i) ==>
    children_agree{L}(s, n);
lemma leave_keeps_older_agree{K,L}:
    \forall struct bx_cap_slot *s, integer n, i;
    childless{K}(s, n, i) && left{K,L}(s, n, i) ==>
    older_agree{L}(s, n);
lemma leave_keeps_younger_agree{K,L}:
    \forall struct bx_cap_slot *s, integer n, i;
    childless{K}(s, n, i) && left{K,L}(s, n, i) ==>
    younger_agree{L}(s, n);
lemma leave_keeps_parents_agree{K,L}:
    \forall struct bx_cap_slot *s, integer n, i;
    childless{K}(s, n, i) && left{K,L}(s, n, i) ==>
    parents_agree{L}(s, n);
lemma leave_keeps_births_bounded{K,L}:
    \forall struct bx_cap_slot *s, integer n, i;
    childless{K}(s, n, i) && left{K,L}(s, n, i) ==>
    births_bounded{L}(s, n);
lemma leave_keeps_births_ordered{K,L}:
    \forall struct bx_cap_slot *s, integer n, i;
    childless{K}(s, n, i) && left{K,L}(s, n, i) ==>
    births_ordered{L}(s, n);
lemma leave_keeps_births_differ{K,L}:
    \forall struct bx_cap_slot *s, integer n, i;
    childless{K}(s, n, i) && left{K,L}(s, n, i) ==>
    births_differ{L}(s, n);
lemma leave_keeps_none_between{K,L}:
    \forall struct bx_cap_slot *s, integer n, i;
    0 <= i < n <= BX_CAP_SLOT_NONE && \at(s[i].child, K) == BX_CAP_SLOT_NONE &&
    none_between{K}(s, n) && younger_agree{K}(s, n) && older_agree{K}(s, n) && births_differ{K}(s, n) &&
    left{K,L}(s, n, i) ==>
    none_between{L}(s, n);
lemma replace_keeps_children_agree{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, t;
    replaceable{K}(s, n, i, t) && replaced{K,L}(s, n, i, t) ==>
    children_agree{L}(s, n);
lemma replace_keeps_older_agree{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, t;
    replaceable{K}(s, n, i, t) && replaced{K,L}(s, n, i, t) ==>
    older_agree{L}(s, n);
lemma replace_keeps_younger_agree{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, t;
    replaceable{K}(s, n, i, t) && replaced{K,L}(s, n, i, t) ==>
    younger_agree{L}(s, n);
lemma replace_keeps_parents_agree{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, t;
    replaceable{K}(s, n, i, t) && replaced{K,L}(s, n, i, t) ==>
    parents_agree{L}(s, n);
lemma replace_keeps_births_bounded{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, t;
    0 <= i < n <= BX_CAP_SLOT_NONE && 0 <= t < n && i != t && unlinked{K}(s, t) && \at(s[i].child, K) == BX_CAP_SLOT_NONE &&
    births_bounded{K}(s, n) && parents_agree{K}(s, n) && children_agree{K}(s, n) &&
    replaced{K,L}(s, n, i, t) ==>
    births_bounded{L}(s, n);
lemma replace_keeps_births_ordered{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, t;
    0 <= i < n <= BX_CAP_SLOT_NONE && 0 <= t < n && i != t && unlinked{K}(s, t) && \at(s[i].child, K) == BX_CAP_SLOT_NONE &&
    births_ordered{K}(s, n) && older_agree{K}(s, n) && younger_agree{K}(s, n) &&
    replaced{K,L}(s, n, i, t) ==>
    births_ordered{L}(s, n);
lemma replace_keeps_births_differ{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, t;
    0 <= i < n <= BX_CAP_SLOT_NONE && 0 <= t < n && i != t && unlinked{K}(s, t) && \at(s[i].child, K) == BX_CAP_SLOT_NONE &&
    births_differ{K}(s, n) &&
    replaced{K,L}(s, n, i, t) ==>
    births_differ{L}(s, n);
lemma replace_keeps_none_between{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, t;
    0 <= i < n <= BX_CAP_SLOT_NONE && 0 <= t < n && i != t && unlinked{K}(s, t) && \at(s[i].child, K) == BX_CAP_SLOT_NONE &&
    none_between{K}(s, n) && older_agree{K}(s, n) && younger_agree{K}(s, n) &&
    replaced{K,L}(s, n, i, t) ==>
    none_between{L}(s, n);
lemma derive_keeps_empty_are_blank{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, p;
    0 <= i < n <= BX_CAP_SLOT_NONE && 0 <= p < n && i != p && unlinked{K}(s, i) &&
    empty_are_blank{K}(s, n) && children_agree{K}(s, n) &&
    derived{K,L}(s, n, i, p) ==>
    empty_are_blank{L}(s, n);
lemma derive_keeps_derived_are_lesser{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, p;
    0 <= i < n <= BX_CAP_SLOT_NONE && 0 <= p < n && i != p && unlinked{K}(s, i) &&
    derived_are_lesser{K}(s, n) && parents_agree{K}(s, n) &&
    derived{K,L}(s, n, i, p) ==>
    derived_are_lesser{L}(s, n);
lemma derive_keeps_roots_are_shallow{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, p;
    0 <= i < n <= BX_CAP_SLOT_NONE && 0 <= p < n && i != p && unlinked{K}(s, i) &&
    roots_are_shallow{K}(s, n) &&
    derived{K,L}(s, n, i, p) ==>
    roots_are_shallow{L}(s, n);
lemma remove_keeps_empty_are_blank{K,L}:
    \forall struct bx_cap_slot *s, integer n, i;
    0 <= i < n <= BX_CAP_SLOT_NONE && \at(s[i].child, K) == BX_CAP_SLOT_NONE &&
    empty_are_blank{K}(s, n) && older_agree{K}(s, n) && younger_agree{K}(s, n) && parents_agree{K}(s, n) &&
    removed{K,L}(s, n, i) ==>
    empty_are_blank{L}(s, n);
lemma remove_keeps_derived_are_lesser{K,L}:
    \forall struct bx_cap_slot *s, integer n, i;
    0 <= i < n <= BX_CAP_SLOT_NONE && \at(s[i].child, K) == BX_CAP_SLOT_NONE &&
    derived_are_lesser{K}(s, n) && parents_agree{K}(s, n) &&
    removed{K,L}(s, n, i) ==>
    derived_are_lesser{L}(s, n);
lemma remove_keeps_roots_are_shallow{K,L}:
    \forall struct bx_cap_slot *s, integer n, i;
    0 <= i < n <= BX_CAP_SLOT_NONE && \at(s[i].child, K) == BX_CAP_SLOT_NONE &&
    roots_are_shallow{K}(s, n) &&
    removed{K,L}(s, n, i) ==>
    roots_are_shallow{L}(s, n);
lemma move_keeps_empty_are_blank{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, t;
    0 <= i < n <= BX_CAP_SLOT_NONE && 0 <= t < n && i != t && unlinked{K}(s, t) &&
    \at(s[i].child, K) == BX_CAP_SLOT_NONE &&
    empty_are_blank{K}(s, n) && older_agree{K}(s, n) && younger_agree{K}(s, n) && parents_agree{K}(s, n) &&
    moved{K,L}(s, n, i, t) ==>
    empty_are_blank{L}(s, n);
lemma move_keeps_derived_are_lesser{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, t;
    0 <= i < n <= BX_CAP_SLOT_NONE && 0 <= t < n && i != t && unlinked{K}(s, t) &&
    \at(s[i].child, K) == BX_CAP_SLOT_NONE &&
    derived_are_lesser{K}(s, n) && parents_agree{K}(s, n) &&
    moved{K,L}(s, n, i, t) ==>
    derived_are_lesser{L}(s, n);
lemma move_keeps_roots_are_shallow{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, t;
    0 <= i < n <= BX_CAP_SLOT_NONE && 0 <= t < n && i != t && unlinked{K}(s, t) &&
    \at(s[i].child, K) == BX_CAP_SLOT_NONE &&
    roots_are_shallow{K}(s, n) &&
    moved{K,L}(s, n, i, t) ==>
    roots_are_shallow{L}(s, n);
lemma root_keeps_empty_are_blank{K,L}:
    \forall struct bx_cap_slot *s, integer n, i;
    0 <= i < n <= BX_CAP_SLOT_NONE && unlinked{K}(s, i) &&
    empty_are_blank{K}(s, n) &&
    rooted{K,L}(s, n, i) ==>
    empty_are_blank{L}(s, n);
lemma root_keeps_derived_are_lesser{K,L}:
    \forall struct bx_cap_slot *s, integer n, i;
    0 <= i < n <= BX_CAP_SLOT_NONE && unlinked{K}(s, i) &&
    derived_are_lesser{K}(s, n) && parents_agree{K}(s, n) &&
    rooted{K,L}(s, n, i) ==>
    derived_are_lesser{L}(s, n);
lemma root_keeps_roots_are_shallow{K,L}:
    \forall struct bx_cap_slot *s, integer n, i;
    0 <= i < n <= BX_CAP_SLOT_NONE && unlinked{K}(s, i) &&
    roots_are_shallow{K}(s, n) &&
    rooted{K,L}(s, n, i) ==>
    roots_are_shallow{L}(s, n);
lemma recharge_keeps_empty_are_blank{K,L}:
    \forall struct bx_cap_slot *s, integer n;
    empty_are_blank{K}(s, n) &&
    recharged{K,L}(s, n) ==>
    empty_are_blank{L}(s, n);
lemma recharge_keeps_derived_are_lesser{K,L}:
    \forall struct bx_cap_slot *s, integer n;
    derived_are_lesser{K}(s, n) && parents_agree{K}(s, n) &&
    recharged{K,L}(s, n) ==>
    derived_are_lesser{L}(s, n);
lemma recharge_keeps_roots_are_shallow{K,L}:
    \forall struct bx_cap_slot *s, integer n;
    roots_are_shallow{K}(s, n) &&
    recharged{K,L}(s, n) ==>
    roots_are_shallow{L}(s, n);
lemma blank_links_are_sound{L}:
    \forall struct bx_cap_slot *s, integer n;
    all_blank(s, n) ==> links_sound(s, n);
lemma blank_caps_are_sound{L}:
    \forall struct bx_cap_slot *s, integer n;
    all_blank(s, n) ==> caps_sound(s, n);
*/
#endif

/*@
lemma same_keeps_links{K,L}:
    \forall struct bx_cap_slot *s, integer n;
    links_sound{K}(s, n) && links_as_before{K,L}(s, n) ==>
    links_sound{L}(s, n);
lemma link_keeps_links{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, p;
    linkable{K}(s, n, i, p) && linked{K,L}(s, n, i, p) ==>
    links_sound{L}(s, n);
lemma leave_keeps_links{K,L}:
    \forall struct bx_cap_slot *s, integer n, i;
    childless{K}(s, n, i) && left{K,L}(s, n, i) ==>
    links_sound{L}(s, n);
lemma replace_keeps_links{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, t;
    replaceable{K}(s, n, i, t) && replaced{K,L}(s, n, i, t) ==>
    links_sound{L}(s, n);
lemma derive_keeps_sound{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, p;
    linkable{K}(s, n, i, p) && caps_sound{K}(s, n) &&
    derived{K,L}(s, n, i, p) ==>
    slots_sound{L}(s, n);
lemma remove_keeps_sound{K,L}:
    \forall struct bx_cap_slot *s, integer n, i;
    childless{K}(s, n, i) && caps_sound{K}(s, n) &&
    removed{K,L}(s, n, i) ==>
    slots_sound{L}(s, n);
lemma move_keeps_sound{K,L}:
    \forall struct bx_cap_slot *s, integer n, i, t;
    replaceable{K}(s, n, i, t) && caps_sound{K}(s, n) &&
    moved{K,L}(s, n, i, t) ==>
    slots_sound{L}(s, n);
lemma root_keeps_sound{K,L}:
    \forall struct bx_cap_slot *s, integer n, i;
    links_sound{K}(s, n) && 0 <= i < n <= BX_CAP_SLOT_NONE && unlinked{K}(s, i) && caps_sound{K}(s, n) &&
    rooted{K,L}(s, n, i) ==>
    slots_sound{L}(s, n);
lemma recharge_keeps_sound{K,L}:
    \forall struct bx_cap_slot *s, integer n;
    links_sound{K}(s, n) && caps_sound{K}(s, n) &&
    recharged{K,L}(s, n) ==>
    slots_sound{L}(s, n);
lemma childless_is_nobodys_parent{L}:
    \forall struct bx_cap_slot *s, integer n, i, j;
    0 <= i < n && 0 <= j < n && n <= BX_CAP_SLOT_NONE && parents_agree(s, n) &&
    s[i].child == BX_CAP_SLOT_NONE ==> s[j].parent != i;
lemma blank_is_sound{L}:
    \forall struct bx_cap_slot *s, integer n;
    all_blank(s, n) ==> slots_sound(s, n);
lemma removal_empties{J,K,L}:
    \forall struct bx_cap_slot *s, integer n, b, i;
    empty_or_as_before{J,K}(s, n, b) && removed{K,L}(s, n, i) ==>
    empty_or_as_before{J,L}(s, n, b);
*/

#endif
