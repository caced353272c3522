/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_cap.c -- libcap against its contract.  Tests are named after the invariants of DESIGN.md.
 */
#include "../../tests/unit/suite.h"
#include "fixture.h"

/* ---- spaces and lookup ---------------------------------------------------------------------- */

START_TEST(space_stays_inside_the_forest)
{
	static const uint32_t values[] = { 0, 1, 2, SLOTS - 1, SLOTS, SLOTS + 1, UINT32_MAX - 1,
	    UINT32_MAX };
	const struct bx_cap_space poison = { 0xdead, 0xbeef, 0xf00d, true };

	for (size_t i = 0; i < BX_ARRAY_COUNT(values); i++)
		for (size_t j = 0; j < BX_ARRAY_COUNT(values); j++)
			for (size_t k = 0; k < BX_ARRAY_COUNT(values); k++) {
				uint64_t first = values[i], count = values[j], plain = values[k];
				struct bx_cap_space space = poison;
				enum bx_err err = bx_cap_space_init(&forest, values[i], values[j],
				    values[k], &space);

				if (first + count <= SLOTS && plain <= count) {
					ck_assert_int_eq(err, BX_OK);
					ck_assert(!space.sealed);
				} else {
					ck_assert_int_eq(err, BX_ERR_RANGE);
					ck_assert_uint_eq(space.first_slot, poison.first_slot);
				}
			}
}
END_TEST

START_TEST(slot_index_is_bounded)
{
	static const uint32_t outside[] = { PLAIN + REPLIES, PLAIN + REPLIES + 1, SLOTS,
	    0x7fffffff, 0x80000000, UINT32_MAX };
	uint32_t slot;

	for (uint32_t i = 0; i < PLAIN + REPLIES; i++) {
		ck_assert_int_eq(bx_cap_slot_of(at(&b, i), &slot), BX_OK);
		ck_assert_uint_eq(slot, b.first_slot + i);
	}
	for (size_t i = 0; i < BX_ARRAY_COUNT(outside); i++) {
		slot = 0xdead;
		ck_assert_int_eq(bx_cap_slot_of(at(&b, outside[i]), &slot), BX_ERR_CAP_SLOT);
		ck_assert_uint_eq(slot, 0xdead);
	}
}
END_TEST

/* Every set of rights (_i) against every wanted set. */
START_TEST(lookup_needs_all_rights)
{
	struct bx_cap cap = full_cap();
	uint32_t slot;

	cap.rights = (uint8_t)_i;
	insert(&a, 3, cap);
	for (unsigned want = 0; want <= 0xff; want++) {
		slot = 0xdead;
		enum bx_err err = bx_cap_lookup(&forest, at(&a, 3), BX_CAP_MEMORY, (uint8_t)want, 0,
		    &slot);

		if ((want & ~(unsigned)_i) == 0) {
			ck_assert_int_eq(err, BX_OK);
			ck_assert_uint_eq(slot, a.first_slot + 3);
		} else {
			ck_assert_int_eq(err, BX_ERR_CAP_RIGHTS);
			ck_assert_uint_eq(slot, 0xdead);
		}
	}
}
END_TEST

START_TEST(lookup_refuses_in_order)
{
	struct bx_cap cap = full_cap();
	uint32_t slot = 0xdead;

	cap.rights = BX_RIGHT_READ;
	cap.expiry = 1000;
	cap.uses = 0;
	insert(&a, 0, cap);
	keep();
	ck_assert_int_eq(bx_cap_lookup(&forest, at(&a, 99), BX_CAP_IRQ, BX_RIGHT_WRITE, 2000, &slot),
	    BX_ERR_CAP_SLOT);
	ck_assert_int_eq(bx_cap_lookup(&forest, at(&a, 1), BX_CAP_IRQ, BX_RIGHT_WRITE, 2000, &slot),
	    BX_ERR_CAP_EMPTY);
	ck_assert_int_eq(bx_cap_lookup(&forest, at(&a, 0), BX_CAP_IRQ, BX_RIGHT_WRITE, 2000, &slot),
	    BX_ERR_CAP_TYPE);
	ck_assert_int_eq(bx_cap_lookup(&forest, at(&a, 0), BX_CAP_MEMORY, BX_RIGHT_WRITE, 2000,
	    &slot), BX_ERR_CAP_RIGHTS);
	ck_assert_int_eq(bx_cap_lookup(&forest, at(&a, 0), BX_CAP_MEMORY, BX_RIGHT_READ, 1000, &slot),
	    BX_ERR_CAP_EXPIRED);
	ck_assert_int_eq(bx_cap_lookup(&forest, at(&a, 0), BX_CAP_MEMORY, BX_RIGHT_READ, 999, &slot),
	    BX_ERR_CAP_USED_UP);
	ck_assert_uint_eq(slot, 0xdead);
	ck_unchanged();
}
END_TEST

START_TEST(empty_slot_is_of_no_type)
{
	uint32_t slot;

	ck_assert_int_eq(bx_cap_lookup(&forest, at(&a, 0), BX_CAP_NONE, 0, 0, &slot),
	    BX_ERR_CAP_EMPTY);
}
END_TEST

START_TEST(use_spends_one)
{
	struct bx_cap cap = full_cap();
	uint32_t slot;

	cap.uses = 2;
	insert(&a, 0, cap);
	insert(&a, 1, full_cap());
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(bx_cap_lookup(&forest, at(&a, 0), BX_CAP_MEMORY, 0, 0, &slot), BX_OK);
		bx_cap_use(&forest, slot);
		ck_assert_int_eq(bx_cap_lookup(&forest, at(&a, 1), BX_CAP_MEMORY, 0, 0, &slot), BX_OK);
		bx_cap_use(&forest, slot);
	}
	ck_assert_int_eq(bx_cap_lookup(&forest, at(&a, 0), BX_CAP_MEMORY, 0, 0, &slot),
	    BX_ERR_CAP_USED_UP);
	ck_assert_uint_eq(slot_at(&a, 1)->cap.uses, BX_CAP_USES_UNLIMITED);
}
END_TEST

/* ---- roots ---------------------------------------------------------------------------------- */

START_TEST(insert_takes_real_types_only)
{
	for (unsigned type = 0; type <= 0xff; type++) {
		struct bx_cap cap = full_cap();
		enum bx_err err;

		cap.type = (uint8_t)type;
		cap.depth = 9;
		err = bx_cap_insert(&forest, at(&a, 0), &cap);
		if (type == BX_CAP_NONE || type == BX_CAP_REPLY || type >= BX_CAP_TYPE_COUNT) {
			ck_assert_int_eq(err, BX_ERR_INVALID);
			ck_assert_uint_eq(used_slots(), 0);
			continue;
		}
		ck_assert_int_eq(err, BX_OK);
		ck_assert_uint_eq(slot_at(&a, 0)->cap.depth, 0);
		ck_assert_int_eq(bx_cap_delete(&forest, at(&a, 0)), BX_OK);
	}
}
END_TEST

START_TEST(insert_refuses_unknown_rights_and_wrapping_ranges)
{
	struct bx_cap cap = full_cap();

	cap.rights = 0x20;
	ck_assert_int_eq(bx_cap_insert(&forest, at(&a, 0), &cap), BX_ERR_INVALID);
	cap = full_cap();
	cap.first = UINT64_MAX;
	cap.count = 1;
	ck_assert_int_eq(bx_cap_insert(&forest, at(&a, 0), &cap), BX_ERR_INVALID);
	cap.count = 0;
	ck_assert_int_eq(bx_cap_insert(&forest, at(&a, 0), &cap), BX_OK);
}
END_TEST

START_TEST(insert_refuses_taken_and_reply_slots)
{
	struct bx_cap cap = full_cap();

	insert(&a, 0, cap);
	keep();
	ck_assert_int_eq(bx_cap_insert(&forest, at(&a, 0), &cap), BX_ERR_CAP_OCCUPIED);
	for (uint32_t i = PLAIN; i < PLAIN + REPLIES + 2; i++)
		ck_assert_int_eq(bx_cap_insert(&forest, at(&a, i), &cap), BX_ERR_CAP_SLOT);
	ck_unchanged();
}
END_TEST

/* ---- derivation ----------------------------------------------------------------------------- */

/* CAP-1, exhaustive: every parent set (_i) against every wanted set of eight bits. */
START_TEST(cap1_derive_never_widens)
{
	struct bx_cap cap = full_cap();

	cap.rights = (uint8_t)_i;
	insert(&a, 0, cap);
	for (unsigned want = 0; want <= 0xff; want++) {
		struct bx_cap_limits limits = same(&a, 0);
		enum bx_err err;

		limits.rights = (uint8_t)want;
		keep();
		err = bx_cap_derive(&forest, at(&a, 0), &limits, at(&b, 0), 0);
		if ((want & ~(unsigned)_i) != 0) {
			ck_assert_int_eq(err, BX_ERR_CAP_RIGHTS);
			ck_unchanged();
			continue;
		}
		ck_assert_int_eq(err, BX_OK);
		ck_assert_uint_eq(slot_at(&b, 0)->cap.rights, want);
		ck_sound();
		ck_assert_int_eq(bx_cap_delete(&forest, at(&b, 0)), BX_OK);
	}
}
END_TEST

/* CAP-2, exhaustive over a small world: every range against every range. */
START_TEST(cap2_range_stays_inside)
{
	static const uint64_t edge[] = { 0, 1, 2, 3, 4, 5, UINT64_MAX - 2, UINT64_MAX - 1, UINT64_MAX };

	for (size_t pf = 0; pf < BX_ARRAY_COUNT(edge); pf++)
		for (size_t pc = 0; pc < BX_ARRAY_COUNT(edge); pc++) {
			struct bx_cap cap = full_cap();

			cap.first = edge[pf];
			cap.count = edge[pc];
			if (cap.count > UINT64_MAX - cap.first)
				continue;
			insert(&a, 0, cap);
			for (size_t cf = 0; cf < BX_ARRAY_COUNT(edge); cf++)
				for (size_t cc = 0; cc < BX_ARRAY_COUNT(edge); cc++) {
					struct bx_cap_limits limits = same(&a, 0);
					bool inside;
					enum bx_err err;

					limits.first = edge[cf];
					limits.count = edge[cc];
					inside = limits.first >= cap.first &&
					    (unsigned __int128)limits.first + limits.count <=
					    (unsigned __int128)cap.first + cap.count;
					err = bx_cap_derive(&forest, at(&a, 0), &limits, at(&a, 1), 0);
					ck_assert_int_eq(err, inside ? BX_OK : BX_ERR_RANGE);
					if (inside)
						ck_assert_int_eq(bx_cap_delete(&forest, at(&a, 1)), BX_OK);
				}
			ck_assert_int_eq(bx_cap_delete(&forest, at(&a, 0)), BX_OK);
		}
}
END_TEST

START_TEST(cap2_badge_is_set_once)
{
	struct bx_cap_limits limits;

	insert(&a, 0, full_cap());
	limits = same(&a, 0);
	limits.badge = 0x1234;
	ck_assert_int_eq(bx_cap_derive(&forest, at(&a, 0), &limits, at(&a, 1), 0), BX_OK);
	ck_assert_uint_eq(slot_at(&a, 1)->cap.badge, 0x1234);
	keep();
	ck_assert_int_eq(bx_cap_derive(&forest, at(&a, 1), &limits, at(&a, 2), 0), BX_ERR_CAP_BADGE);
	ck_unchanged();
	limits.badge = 0;
	ck_assert_int_eq(bx_cap_derive(&forest, at(&a, 1), &limits, at(&a, 2), 0), BX_OK);
	ck_assert_uint_eq(slot_at(&a, 2)->cap.badge, 0x1234);
}
END_TEST

START_TEST(cap2_expiry_never_grows)
{
	struct bx_cap cap = full_cap();
	struct bx_cap_limits limits;

	cap.expiry = 500;
	insert(&a, 0, cap);
	limits = same(&a, 0);
	limits.expiry = 501;
	keep();
	ck_assert_int_eq(bx_cap_derive(&forest, at(&a, 0), &limits, at(&a, 1), 0),
	    BX_ERR_CAP_EXPIRED);
	limits.expiry = BX_CAP_EXPIRY_NEVER;
	ck_assert_int_eq(bx_cap_derive(&forest, at(&a, 0), &limits, at(&a, 1), 0),
	    BX_ERR_CAP_EXPIRED);
	limits.expiry = 500;
	ck_assert_int_eq(bx_cap_derive(&forest, at(&a, 0), &limits, at(&a, 1), 500),
	    BX_ERR_CAP_EXPIRED);
	ck_unchanged();
	ck_assert_int_eq(bx_cap_derive(&forest, at(&a, 0), &limits, at(&a, 1), 499), BX_OK);
}
END_TEST

/* CAP-2, exhaustive over small counts: what a child gets, its counted parent loses. */
START_TEST(cap2_uses_are_conserved)
{
	static const uint32_t counts[] = { 0, 1, 2, 3, UINT32_MAX - 1, BX_CAP_USES_UNLIMITED };

	for (size_t p = 0; p < BX_ARRAY_COUNT(counts); p++)
		for (size_t w = 0; w < BX_ARRAY_COUNT(counts); w++) {
			struct bx_cap cap = full_cap();
			struct bx_cap_limits limits;
			enum bx_err err;

			cap.uses = counts[p];
			insert(&a, 0, cap);
			limits = same(&a, 0);
			limits.uses = counts[w];
			err = bx_cap_derive(&forest, at(&a, 0), &limits, at(&b, 0), 0);
			if (counts[p] == BX_CAP_USES_UNLIMITED) {
				ck_assert_int_eq(err, BX_OK);
				ck_assert_uint_eq(slot_at(&a, 0)->cap.uses, BX_CAP_USES_UNLIMITED);
				ck_assert_uint_eq(slot_at(&b, 0)->cap.uses, counts[w]);
			} else if (counts[w] <= counts[p]) {
				ck_assert_int_eq(err, BX_OK);
				ck_assert_uint_eq(slot_at(&a, 0)->cap.uses, counts[p] - counts[w]);
				ck_assert_uint_eq(slot_at(&b, 0)->cap.uses, counts[w]);
			} else {
				ck_assert_int_eq(err, BX_ERR_CAP_USED_UP);
				ck_assert_uint_eq(slot_at(&a, 0)->cap.uses, counts[p]);
			}
			ck_assert_int_eq(bx_cap_delete(&forest, at(&a, 0)), BX_OK);
			ck_assert_uint_eq(used_slots(), 0);
		}
}
END_TEST

START_TEST(cap3_derive_stops_at_depth)
{
	insert(&c, 0, full_cap());
	for (uint32_t i = 0; i < BX_CAP_DEPTH_MAX; i++) {
		copy(&c, i, &c, i + 1);
		ck_assert_uint_eq(slot_at(&c, i + 1)->cap.depth, i + 1);
	}
	keep();
	ck_assert_int_eq(bx_cap_copy(&forest, at(&c, BX_CAP_DEPTH_MAX),
	    at(&c, BX_CAP_DEPTH_MAX + 1), 0), BX_ERR_CAP_DEPTH);
	ck_unchanged();
}
END_TEST

/* Each refusal with everything after it in the contract's order also wrong. */
START_TEST(derive_refuses_in_order)
{
	struct bx_cap cap = full_cap();
	struct bx_cap_limits wrong = { .rights = BX_RIGHT_ALL, .uses = 6, .badge = 5, .expiry = 101,
	    .first = 0, .count = 1000 };
	struct bx_cap reply = { .type = BX_CAP_REPLY, .uses = 1, .expiry = BX_CAP_EXPIRY_NEVER };

	cap.rights = BX_RIGHT_READ;
	cap.uses = 5;
	cap.badge = 1;
	cap.expiry = 100;
	insert(&a, 0, cap);
	insert(&a, 1, cap);
	ck_assert_int_eq(bx_cap_reply_insert(&forest, at(&a, PLAIN), &reply), BX_OK);
	keep();
#define REFUSED(from, to, now, error) \
	ck_assert_int_eq(bx_cap_derive(&forest, from, &wrong, to, now), error)
	REFUSED(at(&a, 99), at(&a, 1), 200, BX_ERR_CAP_SLOT);
	REFUSED(at(&a, 2), at(&a, 99), 200, BX_ERR_CAP_SLOT);
	REFUSED(at(&a, 2), at(&a, 1), 200, BX_ERR_CAP_EMPTY);
	REFUSED(at(&a, PLAIN), at(&a, 1), 200, BX_ERR_CAP_TYPE);
	bx_cap_space_seal(&b);
	REFUSED(at(&a, 0), at(&b, 1), 200, BX_ERR_CAP_EXPIRED);
	REFUSED(at(&a, 0), at(&b, 1), 0, BX_ERR_CAP_SEALED);
	REFUSED(at(&a, 0), at(&a, PLAIN), 0, BX_ERR_CAP_SLOT);
	REFUSED(at(&a, 0), at(&a, 1), 0, BX_ERR_CAP_OCCUPIED);
	REFUSED(at(&a, 0), at(&a, 0), 0, BX_ERR_CAP_OCCUPIED);
	REFUSED(at(&a, 0), at(&a, 2), 0, BX_ERR_CAP_RIGHTS);
	wrong.rights = 0;
	REFUSED(at(&a, 0), at(&a, 2), 0, BX_ERR_CAP_BADGE);
	wrong.badge = 0;
	REFUSED(at(&a, 0), at(&a, 2), 0, BX_ERR_CAP_USED_UP);
	wrong.uses = 5;
	REFUSED(at(&a, 0), at(&a, 2), 0, BX_ERR_CAP_EXPIRED);
	wrong.expiry = 100;
	REFUSED(at(&a, 0), at(&a, 2), 0, BX_ERR_RANGE);
#undef REFUSED
	ck_unchanged();
}
END_TEST

START_TEST(copy_refuses_like_derive)
{
	keep();
	ck_assert_int_eq(bx_cap_copy(&forest, at(&a, 99), at(&a, 0), 0), BX_ERR_CAP_SLOT);
	ck_assert_int_eq(bx_cap_copy(&forest, at(&a, 0), at(&a, 99), 0), BX_ERR_CAP_SLOT);
	ck_assert_int_eq(bx_cap_copy(&forest, at(&a, 0), at(&a, 1), 0), BX_ERR_CAP_EMPTY);
	ck_unchanged();
}
END_TEST

/* ---- loans: deletion and revocation --------------------------------------------------------- */

/* CAP-4: what was derived dies with its source, across spaces, and nothing else does. */
START_TEST(cap4_delete_takes_the_subtree)
{
	insert(&a, 0, full_cap());
	insert(&a, 1, full_cap());
	copy(&a, 0, &b, 0);
	copy(&b, 0, &c, 0);
	copy(&b, 0, &c, 1);
	copy(&a, 0, &b, 1);
	copy(&a, 1, &b, 2);
	ck_assert_int_eq(bx_cap_delete(&forest, at(&b, 0)), BX_OK);
	ck_assert_uint_eq(slot_at(&c, 0)->cap.type, BX_CAP_NONE);
	ck_assert_uint_eq(slot_at(&c, 1)->cap.type, BX_CAP_NONE);
	ck_assert_uint_eq(slot_at(&b, 1)->cap.type, BX_CAP_MEMORY);
	ck_assert_int_eq(bx_cap_delete(&forest, at(&a, 0)), BX_OK);
	ck_assert_uint_eq(used_slots(), 2);
	ck_assert_uint_eq(slot_at(&b, 2)->cap.type, BX_CAP_MEMORY);
}
END_TEST

/* Every shape of three children: remove the middle, the eldest, the youngest (_i). */
START_TEST(siblings_close_the_gap)
{
	insert(&a, 0, full_cap());
	for (uint32_t i = 1; i <= 3; i++)
		copy(&a, 0, &a, i);
	ck_assert_int_eq(bx_cap_delete(&forest, at(&a, (uint32_t)_i)), BX_OK);
	ck_sound();
	ck_assert_uint_eq(used_slots(), 3);
	copy(&a, 0, &a, (uint32_t)_i);
	ck_sound();
	ck_assert_int_eq(bx_cap_revoke(&forest, at(&a, 0)), BX_OK);
	ck_assert_uint_eq(used_slots(), 1);
}
END_TEST

START_TEST(revoke_goes_in_bounded_steps)
{
	uint32_t steps = 0, before = LONG;
	enum bx_err err;

	insert(&c, 0, full_cap());
	for (uint32_t i = 1; i < LONG; i++)		/* a tree of fan-out three */
		copy(&c, (i - 1) / 3, &c, i);
	ck_sound();
	while ((err = bx_cap_revoke(&forest, at(&c, 0))) == BX_ERR_AGAIN) {
		ck_sound();
		ck_assert_uint_eq(used_slots(), before - BX_CAP_STEP_MAX);
		before = used_slots();
		steps++;
	}
	ck_assert_int_eq(err, BX_OK);
	ck_assert_uint_eq(steps, (LONG - 1) / BX_CAP_STEP_MAX);
	ck_assert_uint_eq(used_slots(), 1);
}
END_TEST

/* Deletion of a root with _i children: AGAIN exactly when a step was not enough. */
START_TEST(delete_counts_itself)
{
	insert(&c, 0, full_cap());
	for (uint32_t i = 1; i <= (uint32_t)_i; i++)
		copy(&c, 0, &c, i);
	ck_assert_int_eq(bx_cap_delete(&forest, at(&c, 0)),
	    (uint32_t)_i < BX_CAP_STEP_MAX ? BX_OK : BX_ERR_AGAIN);
	if ((uint32_t)_i >= BX_CAP_STEP_MAX) {
		ck_assert_uint_eq(used_slots(), (uint32_t)_i + 1 - BX_CAP_STEP_MAX);
		ck_assert_int_eq(bx_cap_delete(&forest, at(&c, 0)), BX_OK);
	}
	ck_assert_uint_eq(used_slots(), 0);
}
END_TEST

START_TEST(removal_refuses_nothing_to_remove)
{
	ck_assert_int_eq(bx_cap_delete(&forest, at(&a, 0)), BX_ERR_CAP_EMPTY);
	ck_assert_int_eq(bx_cap_revoke(&forest, at(&a, 0)), BX_ERR_CAP_EMPTY);
	ck_assert_int_eq(bx_cap_delete(&forest, at(&a, 99)), BX_ERR_CAP_SLOT);
	ck_assert_int_eq(bx_cap_revoke(&forest, at(&a, 99)), BX_ERR_CAP_SLOT);
}
END_TEST

/* The loop of cap.h, stopped and taken up again at every leaf: parents never go before children. */
START_TEST(leaves_come_deepest_first)
{
	uint32_t root_slot = c.first_slot, leaf, near = BX_CAP_SLOT_NONE, removed = 0;

	insert(&c, 0, full_cap());
	for (uint32_t i = 1; i < 100; i++)
		copy(&c, (i - 1) / 2, &c, i);
	while ((leaf = bx_cap_leaf_next(&forest, root_slot, near)) != BX_CAP_SLOT_NONE) {
		ck_assert_uint_eq(slots[leaf].child, BX_CAP_SLOT_NONE);
		near = bx_cap_leaf_remove(&forest, leaf);
		if (removed % 7 == 0)
			near = BX_CAP_SLOT_NONE;
		ck_sound();
		removed++;
	}
	ck_assert_uint_eq(removed, 99);
	ck_assert_uint_eq(bx_cap_leaf_remove(&forest, root_slot), BX_CAP_SLOT_NONE);
}
END_TEST

/* ---- sealing -------------------------------------------------------------------------------- */

/* CAP-5: every way in is closed but the reply slots; the ways out stay open. */
START_TEST(cap5_sealed_space_gains_nothing)
{
	struct bx_cap cap = full_cap();
	struct bx_cap reply = { .type = BX_CAP_REPLY, .uses = 1, .expiry = BX_CAP_EXPIRY_NEVER };

	insert(&a, 0, cap);
	copy(&a, 0, &b, 0);
	copy(&a, 0, &b, 1);
	bx_cap_space_seal(&b);
	keep();
	for (uint32_t i = 0; i < PLAIN; i++) {
		ck_assert_int_eq(bx_cap_insert(&forest, at(&b, i), &cap), BX_ERR_CAP_SEALED);
		ck_assert_int_eq(bx_cap_copy(&forest, at(&a, 0), at(&b, i), 0), BX_ERR_CAP_SEALED);
		ck_assert_int_eq(bx_cap_copy(&forest, at(&b, 0), at(&b, i), 0), BX_ERR_CAP_SEALED);
		ck_assert_int_eq(bx_cap_move(&forest, at(&b, 0), at(&b, i)), BX_ERR_CAP_SEALED);
		ck_assert_int_eq(bx_cap_move(&forest, at(&a, 0), at(&b, i)), BX_ERR_CAP_SEALED);
		ck_assert_int_eq(bx_cap_reply_insert(&forest, at(&b, i), &reply), BX_ERR_CAP_SLOT);
	}
	ck_assert_int_eq(bx_cap_move(&forest, at(&b, 0), at(&a, 5)), BX_ERR_CAP_SEALED);
	ck_unchanged();
	for (uint32_t i = PLAIN; i < PLAIN + REPLIES; i++)
		ck_assert_int_eq(bx_cap_reply_insert(&forest, at(&b, i), &reply), BX_OK);
	ck_assert_int_eq(bx_cap_copy(&forest, at(&b, 0), at(&a, 5), 0), BX_OK);
	ck_assert_int_eq(bx_cap_delete(&forest, at(&b, 0)), BX_OK);
}
END_TEST

START_TEST(reply_is_a_leaf_of_its_own)
{
	struct bx_cap reply = { .type = BX_CAP_REPLY, .depth = 9, .uses = 1, .object = { 3, 4 },
	    .expiry = BX_CAP_EXPIRY_NEVER };
	uint32_t slot;

	ck_assert_int_eq(bx_cap_reply_insert(&forest, at(&a, 99), &reply), BX_ERR_CAP_SLOT);
	ck_assert_int_eq(bx_cap_reply_insert(&forest, at(&a, PLAIN), &reply), BX_OK);
	ck_assert_int_eq(bx_cap_reply_insert(&forest, at(&a, PLAIN), &reply), BX_ERR_CAP_OCCUPIED);
	ck_assert_int_eq(bx_cap_lookup(&forest, at(&a, PLAIN), BX_CAP_REPLY, 0, 5, &slot), BX_OK);
	ck_assert_uint_eq(slots[slot].cap.depth, 0);
	ck_assert_int_eq(bx_cap_copy(&forest, at(&a, PLAIN), at(&a, 0), 0), BX_ERR_CAP_TYPE);
	ck_assert_int_eq(bx_cap_move(&forest, at(&a, PLAIN), at(&a, 0)), BX_ERR_CAP_TYPE);
	ck_assert_uint_eq(bx_cap_leaf_remove(&forest, slot), BX_CAP_SLOT_NONE);
	ck_assert_uint_eq(used_slots(), 0);
}
END_TEST

/* ---- move ----------------------------------------------------------------------------------- */

/* Move each of three siblings and a root (_i = 0 is the eldest child, 3 the root's place). */
START_TEST(move_keeps_the_place_in_the_forest)
{
	insert(&a, 0, full_cap());
	for (uint32_t i = 1; i <= 3; i++)
		copy(&a, 0, &a, i);
	if (_i == 3) {
		keep();
		ck_assert_int_eq(bx_cap_move(&forest, at(&a, 0), at(&b, 0)), BX_ERR_BUSY);
		ck_unchanged();
		ck_assert_int_eq(bx_cap_revoke(&forest, at(&a, 0)), BX_OK);
		ck_assert_int_eq(bx_cap_move(&forest, at(&a, 0), at(&b, 0)), BX_OK);
		ck_sound();
		return;
	}
	ck_assert_int_eq(bx_cap_move(&forest, at(&a, 1 + (uint32_t)_i), at(&b, 0)), BX_OK);
	ck_sound();
	ck_assert_uint_eq(slot_at(&b, 0)->parent, a.first_slot);
	ck_assert_uint_eq(used_slots(), 4);
	ck_assert_int_eq(bx_cap_revoke(&forest, at(&a, 0)), BX_OK);
	ck_assert_uint_eq(used_slots(), 1);
}
END_TEST

START_TEST(move_refuses)
{
	insert(&a, 0, full_cap());
	insert(&a, 1, full_cap());
	keep();
	ck_assert_int_eq(bx_cap_move(&forest, at(&a, 99), at(&a, 1)), BX_ERR_CAP_SLOT);
	ck_assert_int_eq(bx_cap_move(&forest, at(&a, 0), at(&a, 99)), BX_ERR_CAP_SLOT);
	ck_assert_int_eq(bx_cap_move(&forest, at(&a, 2), at(&a, 3)), BX_ERR_CAP_EMPTY);
	ck_assert_int_eq(bx_cap_move(&forest, at(&a, 0), at(&a, PLAIN)), BX_ERR_CAP_SLOT);
	ck_assert_int_eq(bx_cap_move(&forest, at(&a, 0), at(&a, 1)), BX_ERR_CAP_OCCUPIED);
	ck_assert_int_eq(bx_cap_move(&forest, at(&a, 0), at(&a, 0)), BX_ERR_CAP_OCCUPIED);
	ck_unchanged();
}
END_TEST

/* ---- recharge ------------------------------------------------------------------------------- */

START_TEST(cap2_recharge_wakes_the_dormant)
{
	struct bx_cap cap = full_cap();
	struct bx_cap_limits limits;
	uint32_t slot;

	cap.uses = 10;
	insert(&a, 0, cap);
	limits = same(&a, 0);
	limits.uses = 0;
	ck_assert_int_eq(bx_cap_derive(&forest, at(&a, 0), &limits, at(&b, 0), 0), BX_OK);
	ck_assert_int_eq(bx_cap_copy(&forest, at(&b, 0), at(&b, 1), 0), BX_OK);
	bx_cap_space_seal(&b);
	ck_assert_int_eq(bx_cap_lookup(&forest, at(&b, 1), BX_CAP_MEMORY, 0, 0, &slot),
	    BX_ERR_CAP_USED_UP);
	ck_assert_int_eq(bx_cap_recharge(&forest, at(&a, 0), at(&b, 1), 3, 0), BX_OK);
	ck_assert_uint_eq(slot_at(&a, 0)->cap.uses, 7);
	ck_assert_uint_eq(slot_at(&b, 0)->cap.uses, 0);
	ck_assert_uint_eq(slot_at(&b, 1)->cap.uses, 3);
	ck_assert_int_eq(bx_cap_lookup(&forest, at(&b, 1), BX_CAP_MEMORY, 0, 0, &slot), BX_OK);
}
END_TEST

START_TEST(recharge_refuses)
{
	struct bx_cap cap = full_cap();
	struct bx_cap_limits limits;

	cap.uses = 10;
	cap.expiry = 100;
	insert(&a, 0, cap);
	limits = same(&a, 0);
	limits.uses = 4;
	ck_assert_int_eq(bx_cap_derive(&forest, at(&a, 0), &limits, at(&a, 1), 0), BX_OK);
	insert(&a, 2, full_cap());
	copy(&a, 2, &a, 3);				/* unlimited below unlimited */
	limits = same(&a, 2);
	limits.uses = UINT32_MAX - 2;
	ck_assert_int_eq(bx_cap_derive(&forest, at(&a, 2), &limits, at(&a, 4), 0), BX_OK);
	keep();
#define REFUSED(parent, child, uses, now, error) \
	ck_assert_int_eq(bx_cap_recharge(&forest, at(&a, parent), at(&a, child), uses, now), error)
	REFUSED(99, 1, 1, 0, BX_ERR_CAP_SLOT);
	REFUSED(0, 99, 1, 0, BX_ERR_CAP_SLOT);
	REFUSED(9, 1, 1, 0, BX_ERR_CAP_EMPTY);
	REFUSED(0, 9, 1, 0, BX_ERR_CAP_EMPTY);
	REFUSED(0, 1, 1, 100, BX_ERR_CAP_EXPIRED);
	REFUSED(1, 0, 1, 0, BX_ERR_CAP_NOT_CHILD);
	REFUSED(0, 0, 1, 0, BX_ERR_CAP_NOT_CHILD);
	REFUSED(0, 4, 1, 0, BX_ERR_CAP_NOT_CHILD);
	REFUSED(0, 1, 0, 0, BX_ERR_INVALID);
	REFUSED(2, 3, 1, 0, BX_ERR_INVALID);
	REFUSED(0, 1, 7, 0, BX_ERR_CAP_USED_UP);
	REFUSED(2, 4, 2, 0, BX_ERR_OVERFLOW);
	REFUSED(2, 4, UINT32_MAX, 0, BX_ERR_OVERFLOW);
#undef REFUSED
	ck_unchanged();
	ck_assert_int_eq(bx_cap_recharge(&forest, at(&a, 2), at(&a, 4), 1, 0), BX_OK);
	ck_assert_int_eq(bx_cap_recharge(&forest, at(&a, 0), at(&a, 1), 6, 0), BX_OK);
}
END_TEST

/* ---- the checker itself must be able to fail ------------------------------------------------ */

static void
ck_unsound(uint32_t *field, uint32_t value)
{
	uint32_t was = *field, bad = 0;

	*field = value;
	ck_assert(!bx_cap_forest_sound(&forest, &bad));
	*field = was;
	ck_sound();
}

/* CAP-6: every link of every slot, turned to every wrong slot, is noticed. */
START_TEST(cap6_sound_sees_every_wrong_link)
{
	insert(&a, 0, full_cap());
	for (uint32_t i = 1; i <= 3; i++)
		copy(&a, 0, &a, i);
	copy(&a, 2, &a, 4);
	insert(&a, 5, full_cap());
	for (uint32_t s = a.first_slot; s < a.first_slot + 7; s++) {
		uint32_t *const links[] = { &slots[s].parent, &slots[s].child, &slots[s].older,
		    &slots[s].younger };

		for (size_t l = 0; l < BX_ARRAY_COUNT(links); l++) {
			for (uint32_t v = a.first_slot; v < a.first_slot + 8; v++)
				if (v != *links[l])
					ck_unsound(links[l], v);
			ck_unsound(links[l], SLOTS);
			if (*links[l] != BX_CAP_SLOT_NONE)
				ck_unsound(links[l], BX_CAP_SLOT_NONE);
		}
	}
}
END_TEST

START_TEST(cap6_sound_sees_a_ring_of_siblings)
{
	uint32_t bad = 0, first = a.first_slot;

	insert(&a, 0, full_cap());
	for (uint32_t i = 1; i <= 2; i++)
		copy(&a, 0, &a, i);
	slots[first + 1].older = slots[first + 1].younger = first + 2;
	slots[first + 2].older = slots[first + 2].younger = first + 1;
	slots[first].child = BX_CAP_SLOT_NONE;
	ck_assert(!bx_cap_forest_sound(&forest, &bad));
	ck_assert_uint_eq(bad, BX_CAP_SLOT_NONE);
	bx_cap_forest_init(&forest, slots, SLOTS);
}
END_TEST

/* CAP-1 to CAP-4 and CAP-6: every field of a child that its parent bounds, put out of bounds. */
START_TEST(sound_sees_a_child_that_exceeds_its_parent)
{
	struct bx_cap cap = full_cap(), good;
	struct bx_cap *child = &slot_at(&a, 1)->cap;
	uint32_t bad;

	cap.rights = BX_RIGHT_READ;
	cap.uses = 5;
	cap.badge = 3;
	cap.expiry = 100;
	insert(&a, 0, cap);
	copy(&a, 0, &a, 1);
	good = *child;
#define WRONG(field, value) do { \
		child->field = value; \
		bad = 0; \
		ck_assert(!bx_cap_forest_sound(&forest, &bad)); \
		ck_assert_uint_eq(bad, a.first_slot + 1); \
		*child = good; \
	} while (0)
	WRONG(rights, BX_RIGHT_READ | BX_RIGHT_WRITE);
	WRONG(rights, 0x20);
	WRONG(type, BX_CAP_ENDPOINT);
	WRONG(type, BX_CAP_REPLY);
	WRONG(type, BX_CAP_NONE);
	WRONG(type, BX_CAP_TYPE_COUNT);
	WRONG(depth, 2);
	WRONG(depth, 0);
	WRONG(uses, BX_CAP_USES_UNLIMITED);
	WRONG(badge, 4);
	WRONG(badge, 0);
	WRONG(expiry, 101);
	WRONG(first, 99);
	WRONG(count, 51);
	WRONG(first, 101);
	WRONG(object.index, 8);
	WRONG(object.generation, 2);
#undef WRONG
}
END_TEST

/* The same from below: the child, which comes first in the array, is as it was, its parent is not. */
START_TEST(sound_sees_a_parent_that_is_less_than_its_child)
{
	struct bx_cap *parent = &slot_at(&a, 1)->cap, good;
	uint32_t bad;

	insert(&a, 1, full_cap());
	copy(&a, 1, &a, 0);
	good = *parent;
#define WRONG(field, value) do { \
		parent->field = value; \
		bad = 99; \
		ck_assert(!bx_cap_forest_sound(&forest, &bad)); \
		ck_assert_uint_eq(bad, a.first_slot); \
		*parent = good; \
	} while (0)
	WRONG(type, BX_CAP_NONE);
	WRONG(type, BX_CAP_REPLY);
	WRONG(rights, 0);
	WRONG(expiry, 0);
	WRONG(first, 101);
	WRONG(count, 49);
	WRONG(count, 0);
	WRONG(uses, 1);
	WRONG(badge, 1);
	WRONG(depth, 1);
#undef WRONG
}
END_TEST

/* Depths that agree with each other, and go on too far. */
START_TEST(cap3_sound_sees_a_chain_too_deep)
{
	uint32_t bad = 0;

	insert(&c, 0, full_cap());
	for (uint32_t i = 1; i <= BX_CAP_DEPTH_MAX; i++)
		copy(&c, i - 1, &c, i);
	ck_sound();
	/* One more, linked by hand as derive would have. */
	*slot_at(&c, BX_CAP_DEPTH_MAX + 1) = *slot_at(&c, BX_CAP_DEPTH_MAX);
	slot_at(&c, BX_CAP_DEPTH_MAX + 1)->cap.depth++;
	slot_at(&c, BX_CAP_DEPTH_MAX + 1)->parent = c.first_slot + BX_CAP_DEPTH_MAX;
	slot_at(&c, BX_CAP_DEPTH_MAX)->child = c.first_slot + BX_CAP_DEPTH_MAX + 1;
	ck_assert(!bx_cap_forest_sound(&forest, &bad));
	ck_assert_uint_eq(bad, c.first_slot + BX_CAP_DEPTH_MAX + 1);
	bx_cap_forest_init(&forest, slots, SLOTS);
}
END_TEST

/* An older sibling that names its younger, and is another's child. */
START_TEST(cap6_sound_sees_a_sibling_of_another_parent)
{
	uint32_t bad = 0;

	insert(&a, 4, full_cap());
	insert(&a, 5, full_cap());
	copy(&a, 4, &a, 1);
	copy(&a, 5, &a, 2);
	slot_at(&a, 1)->older = a.first_slot + 2;
	slot_at(&a, 2)->younger = a.first_slot + 1;
	ck_assert(!bx_cap_forest_sound(&forest, &bad));
	ck_assert_uint_eq(bad, a.first_slot + 1);
	bx_cap_forest_init(&forest, slots, SLOTS);
}
END_TEST

/* What a caller promises, and no user can cause, is asserted in every build. */
START_TEST(mistakes_of_the_caller_panic)
{
	struct bx_cap reply = { .type = BX_CAP_REPLY, .uses = 1, .expiry = BX_CAP_EXPIRY_NEVER };
	struct bx_cap_limits limits = { 0 };
	const struct bx_cap_limits *none = NULL;
	struct bx_cap cap = full_cap();
	struct bx_cap_forest other;

	ck_panics(bx_cap_forest_init(&other, NULL, 1));
	ck_panics(bx_cap_forest_init(&other, slots, 0));
	ck_panics(ck_assert_int_eq(bx_cap_insert(&forest, at(&a, 0), NULL), BX_OK));
	ck_panics(ck_assert_int_eq(bx_cap_derive(&forest, at(&a, 0), none, at(&a, 1), 0), BX_OK));
	ck_panics(ck_assert_int_eq(bx_cap_reply_insert(&forest, at(&a, PLAIN), &cap), BX_OK));
	reply.rights = 0x20;
	ck_panics(ck_assert_int_eq(bx_cap_reply_insert(&forest, at(&a, PLAIN), &reply), BX_OK));
	ck_panics((void)bx_cap_leaf_remove(&forest, a.first_slot));
	cap.uses = 0;
	insert(&a, 0, cap);
	ck_panics(bx_cap_use(&forest, a.first_slot));
	limits = same(&a, 0);
	ck_assert_int_eq(bx_cap_derive(&forest, at(&a, 0), &limits, at(&b, 0), 0), BX_OK);
	ck_panics((void)bx_cap_leaf_remove(&forest, a.first_slot));
	ck_sound();
}
END_TEST

START_TEST(cap6_sound_sees_leftovers_in_an_empty_slot)
{
	struct bx_cap_slot *slot = slot_at(&a, 1), good = *slot;
	uint32_t bad;

	for (size_t i = 1; i < sizeof slot->cap; i++) {
		((uint8_t *)&slot->cap)[i] = 1;
		bad = 0;
		ck_assert_msg(!bx_cap_forest_sound(&forest, &bad), "byte %zu", i);
		ck_assert_uint_eq(bad, a.first_slot + 1);
		*slot = good;
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("libcap");
	TCase *tc = tcase_create("contract");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, space_stays_inside_the_forest);
	tcase_add_test(tc, slot_index_is_bounded);
	tcase_add_loop_test(tc, lookup_needs_all_rights, 0, BX_RIGHT_ALL + 1);
	tcase_add_test(tc, lookup_refuses_in_order);
	tcase_add_test(tc, empty_slot_is_of_no_type);
	tcase_add_test(tc, use_spends_one);
	tcase_add_test(tc, insert_takes_real_types_only);
	tcase_add_test(tc, insert_refuses_unknown_rights_and_wrapping_ranges);
	tcase_add_test(tc, insert_refuses_taken_and_reply_slots);
	tcase_add_loop_test(tc, cap1_derive_never_widens, 0, BX_RIGHT_ALL + 1);
	tcase_add_test(tc, cap2_range_stays_inside);
	tcase_add_test(tc, cap2_badge_is_set_once);
	tcase_add_test(tc, cap2_expiry_never_grows);
	tcase_add_test(tc, cap2_uses_are_conserved);
	tcase_add_test(tc, cap3_derive_stops_at_depth);
	tcase_add_test(tc, derive_refuses_in_order);
	tcase_add_test(tc, copy_refuses_like_derive);
	tcase_add_test(tc, cap4_delete_takes_the_subtree);
	tcase_add_loop_test(tc, siblings_close_the_gap, 1, 4);
	tcase_add_test(tc, revoke_goes_in_bounded_steps);
	tcase_add_loop_test(tc, delete_counts_itself, 60, 70);
	tcase_add_test(tc, removal_refuses_nothing_to_remove);
	tcase_add_test(tc, leaves_come_deepest_first);
	tcase_add_test(tc, cap5_sealed_space_gains_nothing);
	tcase_add_test(tc, reply_is_a_leaf_of_its_own);
	tcase_add_loop_test(tc, move_keeps_the_place_in_the_forest, 0, 4);
	tcase_add_test(tc, move_refuses);
	tcase_add_test(tc, cap2_recharge_wakes_the_dormant);
	tcase_add_test(tc, recharge_refuses);
	tcase_add_test(tc, cap6_sound_sees_every_wrong_link);
	tcase_add_test(tc, cap6_sound_sees_a_ring_of_siblings);
	tcase_add_test(tc, sound_sees_a_child_that_exceeds_its_parent);
	tcase_add_test(tc, sound_sees_a_parent_that_is_less_than_its_child);
	tcase_add_test(tc, cap3_sound_sees_a_chain_too_deep);
	tcase_add_test(tc, cap6_sound_sees_a_sibling_of_another_parent);
	tcase_add_test(tc, cap6_sound_sees_leftovers_in_an_empty_slot);
	tcase_add_test(tc, mistakes_of_the_caller_panic);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
