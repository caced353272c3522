/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_open.c -- open capability spaces, which a manifest for research may give: what may happen in
 * them, and that it ends where it must.  The system is driver.h's; programs 1 and 2 are open, 0 and
 * 3 sealed; 1 has slots enough for long chains.
 */
#include "driver.h"
#include "../src/sys.h"

#define OPEN		1u
#define PEER		2u		/* open, too; its space and second thread are OPEN's to hold */
#define WHO		2u		/* OPEN's first thread */
#define MANY_SLOTS	120u
#define MANY		100u
#define AT		(ELF_DATA + 0x2000)

static struct world world;

static void
setup(void)
{
	struct build build = driver_build();

	driver_open(&build);
	for (uint32_t p = 0; p < PROGRAMS; p++)
		build.programs[p].priority = 10;
	build.programs[OPEN].slots = MANY_SLOTS;
	driver_world(&world, &build);
	for (uint32_t p = 1; p < PROGRAMS; p++)
		ck_assert_int_eq(world_start(&world, p), BX_OK);
}

static void
teardown(void)
{
	world_end(&world);
}

static struct bx_cap_place
place(uint32_t program, uint32_t slot)
{
	return (struct bx_cap_place){ &world.core->programs[program].space, slot };
}

static struct bx_cap *
cap(uint32_t program, uint32_t slot)
{
	return &world.core->forest.slots[world.core->programs[program].space.first_slot + slot].cap;
}

static uint32_t
held(uint32_t program)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < world.core->programs[program].space.slot_count; i++)
		count += cap(program, i)->type != BX_CAP_NONE;
	return count;
}

static void
copy(uint32_t from_program, uint32_t from, uint32_t to_program, uint32_t to)
{
	ck_assert_int_eq(bx_cap_copy(&world.core->forest, place(from_program, from),
	    place(to_program, to), 0), BX_OK);
}

START_TEST(open1_only_the_manifest_opens)
{
	ck_assert(world.core->programs[0].space.sealed);
	ck_assert(!world.core->programs[OPEN].space.sealed);
	ck_assert(!world.core->programs[PEER].space.sealed);
	ck_assert(world.core->programs[3].space.sealed);
	ck_assert_uint_eq(world.core->flags, BX_SYSTEM_RESEARCH);
	/* What says so may not be what is. */
	world.core->programs[PEER].space.sealed = true;
	ck_assert(!bx_kcore_sound(world.core, &(const char *){ NULL }));
	world.core->programs[PEER].space.sealed = false;
}
END_TEST

/* A new process begins with what the manifest gives, and nothing of the last one's. */
START_TEST(open1_restart_begins_anew)
{
	uint32_t granted = held(OPEN), lent = held(PEER);

	copy(OPEN, NOTE, OPEN, FREE_SLOT);
	copy(OPEN, FREE_SLOT, PEER, FREE_SLOT);
	world_sound(&world);
	world_stop(&world, OPEN, BX_PROGRAM_KILLED);
	ck_assert_uint_eq(held(OPEN), 0);
	ck_assert_uint_eq(held(PEER), lent);
	ck_assert_int_eq(world_start(&world, OPEN), BX_OK);
	ck_assert_uint_eq(held(OPEN), granted);
	ck_assert(!world.core->programs[OPEN].space.sealed);
}
END_TEST

/* Authority over a program is over it, whichever process it has, also when it was passed on; while
 * there is none it is worth nothing.  Moved or copied, it is the same. */
START_TEST(open2_what_is_held_over_a_program)
{
	static const uint32_t over[] = { CSPACE, THREAD_OTHER, FREE_SLOT, FREE_SLOT + 1, FREE_SLOT + 2 };

	copy(OPEN, CSPACE, OPEN, FREE_SLOT);
	copy(OPEN, FREE_SLOT, OPEN, FREE_SLOT + 1);
	copy(OPEN, THREAD_OTHER, OPEN, FREE_SLOT + 3);
	ck_assert_int_eq(bx_cap_move(&world.core->forest, place(OPEN, FREE_SLOT + 3),
	    place(OPEN, FREE_SLOT + 2)), BX_OK);
	for (unsigned restart = 0; restart < 2; restart++) {
		for (unsigned i = 0; i < BX_ARRAY_COUNT(over); i++)
			ck_assert(!bx_cap_stale(world.core, cap(OPEN, over[i])));
		world_stop(&world, PEER, BX_PROGRAM_KILLED);
		for (unsigned i = 0; i < BX_ARRAY_COUNT(over); i++)
			ck_assert(bx_cap_stale(world.core, cap(OPEN, over[i])));
		ck_assert_int_eq(world_start(&world, PEER), BX_OK);
	}
}
END_TEST

/* More than a step's worth, in chains and side by side, goes with the program that it came from. */
START_TEST(open2_what_was_lent_ends_with_the_lender)
{
	uint32_t granted = held(OPEN), steps = 0;

	for (uint32_t i = 0; i < MANY; i++)
		copy(i == 0 || i == MANY / 2 ? PEER : OPEN, i == 0 || i == MANY / 2 ? NOTE : i % 3 == 0 ?
		    FREE_SLOT : FREE_SLOT + i - 1, OPEN, FREE_SLOT + i);
	bx_program_end(world.core, PEER, BX_PROGRAM_KILLED);
	while (bx_program_end_step(world.core, PEER) == BX_ERR_AGAIN) {
		steps++;
		world_sound(&world);
	}
	ck_assert_uint_gt(steps, MANY / 32);
	ck_assert_uint_eq(held(OPEN), granted);
}
END_TEST

static void
bound(uint32_t notification)
{
	world_run_until(&world, WHO);
	world.context->word[0] = 0;
	ck_assert_int_eq(world_call(&world, BX_SYS_IRQ_BIND, IRQ, notification, 0), BX_OK);
	world.core->notifications[0].bits = 0;
}

static uint64_t
bits_of_interrupt(void)
{
	uint64_t bits;

	world.context = bx_kcore_interrupt(world.core, world.core->irqs[0].number);
	bits = world.core->notifications[0].bits;
	world.core->notifications[0].bits = 0;
	return bits;
}

/* An interrupt signals by the capability that it was bound with, for as long as that is there. */
START_TEST(open3_a_line_falls_silent_with_its_notification)
{
	uint64_t now;

	bound(NOTE);
	ck_assert_uint_eq(bits_of_interrupt(), 1u << OPEN);
	ck_assert_int_eq(bx_cap_move(&world.core->forest, place(OPEN, NOTE), place(OPEN, FREE_SLOT)),
	    BX_OK);
	ck_assert_uint_eq(bits_of_interrupt(), 0);
	bound(FREE_SLOT);
	ck_assert_uint_eq(bits_of_interrupt(), 1u << OPEN);

	/* Taken back by whom it came from. */
	copy(PEER, NOTE, OPEN, NOTE);
	bound(NOTE);
	ck_assert_uint_eq(bits_of_interrupt(), 1u << PEER);
	ck_assert_int_eq(bx_cap_revoke(&world.core->forest, place(PEER, NOTE)), BX_OK);
	ck_assert_uint_eq(bits_of_interrupt(), 0);

	/* Another capability in the same slot: of another object, or without the right. */
	copy(PEER, NOTE_READ, OPEN, NOTE);
	ck_assert_uint_eq(bits_of_interrupt(), 0);
	ck_assert_int_eq(bx_cap_delete(&world.core->forest, place(OPEN, NOTE)), BX_OK);
	copy(PEER, NOTE, OPEN, NOTE);
	cap(OPEN, NOTE)->rights = BX_RIGHT_READ;
	ck_assert_uint_eq(bits_of_interrupt(), 0);
	cap(OPEN, NOTE)->rights = BX_RIGHT_WRITE;
	now = world.machine.now;
	cap(OPEN, NOTE)->expiry = now + 1000000;
	ck_assert_uint_eq(bits_of_interrupt(), 1u << PEER);
	cap(OPEN, NOTE)->expiry = now;
	ck_assert_uint_eq(bits_of_interrupt(), 0);
}
END_TEST

/* A page that was mapped by a lent capability goes with it, zeroed, from whoever holds it. */
START_TEST(open3_revoked_memory_is_unmapped)
{
	uint32_t frame = world.core->memory_pages[0];
	uint64_t secret = 0x5ec3e7;

	copy(PEER, MEMORY, OPEN, FREE_SLOT);
	ck_assert_int_eq(bx_cap_delete(&world.core->forest, place(OPEN, MEMORY)), BX_OK);
	world_run_until(&world, WHO);
	world.context->word[0] = 1;
	world.context->word[1] = BX_MAP_READ | BX_MAP_WRITE;
	ck_assert_int_eq(world_call(&world, BX_SYS_MAP, FREE_SLOT, 0x20000000, 0), BX_OK);
	user_put(&world, OPEN, 0x20000000, &secret, sizeof secret);
	world_run_until(&world, world.core->programs[PEER].first_thread);
	ck_assert_int_eq(world_call(&world, BX_SYS_CAP_REVOKE, MEMORY, 0, 0), BX_OK);
	ck_assert_uint_eq(world.core->frames[frame].address, 0);
	ck_assert_uint_eq(world.core->frames[frame].owner, BX_NONE);
	ck_assert_uint_eq(world.memory[(size_t)frame << BX_PAGE_SHIFT], 0);
	ck_assert_uint_eq(cap(OPEN, FREE_SLOT)->type, BX_CAP_NONE);
}
END_TEST

/* By the manifest nobody is above another, so a recharge needs something that was derived. */
START_TEST(open4_recharge_across_spaces)
{
	struct bx_cap_limits limits = bx_cap_limits_same(cap(OPEN, EP_A));

	limits.uses = 0;
	ck_assert_int_eq(bx_cap_derive(&world.core->forest, place(OPEN, EP_A), &limits,
	    place(PEER, FREE_SLOT), 0), BX_OK);
	world_run_until(&world, WHO);
	world.context->word[0] = 3;
	ck_assert_int_eq(world_call(&world, BX_SYS_CAP_RECHARGE, EP_A, CSPACE, FREE_SLOT), BX_OK);
	ck_assert_uint_eq(cap(PEER, FREE_SLOT)->uses, 3);
	ck_assert_uint_eq(cap(OPEN, EP_A)->uses, BX_CAP_USES_UNLIMITED);
}
END_TEST

/* The capability for the other's space may be what gives its uses: one stays for the call itself. */
START_TEST(open4_recharge_keeps_its_own_use)
{
	struct bx_cap_limits limits = bx_cap_limits_same(cap(OPEN, CSPACE));

	limits.uses = 0;
	ck_assert_int_eq(bx_cap_derive(&world.core->forest, place(OPEN, CSPACE), &limits,
	    place(PEER, FREE_SLOT), 0), BX_OK);
	cap(OPEN, CSPACE)->uses = 3;
	world_run_until(&world, WHO);
	world.context->word[0] = 3;
	ck_assert_int_eq(world_call(&world, BX_SYS_CAP_RECHARGE, CSPACE, CSPACE, FREE_SLOT),
	    BX_ERR_CAP_USED_UP);
	ck_assert_uint_eq(cap(OPEN, CSPACE)->uses, 3);
	world.context->word[0] = 2;
	ck_assert_int_eq(world_call(&world, BX_SYS_CAP_RECHARGE, CSPACE, CSPACE, FREE_SLOT), BX_OK);
	ck_assert_uint_eq(cap(OPEN, CSPACE)->uses, 0);
	ck_assert_uint_eq(cap(PEER, FREE_SLOT)->uses, 2);
}
END_TEST

/* ---- lent by the manifest: no space need be open for it */

#define GUARD		1u
#define WARD		2u
#define GUARDED		1u		/* slots: the notification, in both; the ward's space, GUARD's */
#define WARD_SPACE	2u

static struct build
build_lent(void)
{
	struct build build = build_start("lent");
	uint32_t note, space, lent;

	build_program(&build, "init");
	build_program(&build, "guard");
	build_program(&build, "ward");
	note = build_object(&build, "note", BX_OBJECT_NOTIFICATION, 0, 0);
	space = build_object(&build, "space", BX_OBJECT_CSPACE, WARD, 0);
	build.grants[build_grant(&build, GUARD, GUARDED, note, BX_RIGHT_READ | BX_RIGHT_WRITE)].badge = 4;
	build_grant(&build, GUARD, WARD_SPACE, space, BX_RIGHT_WRITE);
	lent = build_grant(&build, WARD, GUARDED, note, BX_RIGHT_WRITE);
	build.grants[lent].uses = 0;
	build.grants[lent].lender = 1;
	return build;
}

static void
setup_lent(void)
{
	struct build build = build_lent();

	world_make(&world, &build);
}

START_TEST(lent1_what_the_lender_has)
{
	/* It is not there. */
	ck_assert_int_eq(world_start(&world, WARD), BX_OK);
	ck_assert_uint_eq(held(WARD), 0);
	world_stop(&world, WARD, BX_PROGRAM_KILLED);
	/* It is. */
	ck_assert_int_eq(world_start(&world, GUARD), BX_OK);
	ck_assert_int_eq(world_start(&world, WARD), BX_OK);
	ck_assert(world.core->programs[WARD].space.sealed);
	ck_assert_uint_eq(cap(WARD, GUARDED)->type, BX_CAP_NOTIFICATION);
	ck_assert_uint_eq(cap(WARD, GUARDED)->depth, 2);
	ck_assert_uint_eq(cap(WARD, GUARDED)->rights, BX_RIGHT_WRITE);
	ck_assert_uint_eq(cap(WARD, GUARDED)->badge, 4);
	ck_assert_uint_eq(cap(WARD, GUARDED)->uses, 0);
	world_sound(&world);
	/* It goes. */
	world_stop(&world, GUARD, BX_PROGRAM_KILLED);
	ck_assert_uint_eq(held(WARD), 0);
	/* It has come back, but has given away what it had. */
	world_stop(&world, WARD, BX_PROGRAM_KILLED);
	ck_assert_int_eq(world_start(&world, GUARD), BX_OK);
	ck_assert_int_eq(bx_cap_delete(&world.core->forest, place(GUARD, GUARDED)), BX_OK);
	ck_assert_int_eq(world_start(&world, WARD), BX_OK);
	ck_assert_uint_eq(held(WARD), 0);
}
END_TEST

/* Consent: the one action that the guard allows, and no second one. */
START_TEST(lent2_recharged_for_one_action)
{
	uint32_t guard, ward;

	ck_assert_int_eq(world_start(&world, GUARD), BX_OK);
	ck_assert_int_eq(world_start(&world, WARD), BX_OK);
	guard = world.core->programs[GUARD].first_thread;
	ward = world.core->programs[WARD].first_thread;
	world_run_until(&world, ward);
	ck_assert_int_eq(world_call(&world, BX_SYS_SIGNAL, GUARDED, 0, 0), BX_ERR_CAP_USED_UP);
	world_run_until(&world, guard);
	world.context->word[0] = 1;
	ck_assert_int_eq(world_call(&world, BX_SYS_CAP_RECHARGE, GUARDED, WARD_SPACE, GUARDED), BX_OK);
	world_run_until(&world, ward);
	ck_assert_int_eq(world_call(&world, BX_SYS_SIGNAL, GUARDED, 0, 0), BX_OK);
	ck_assert_int_eq(world_call(&world, BX_SYS_SIGNAL, GUARDED, 0, 0), BX_ERR_CAP_USED_UP);
	ck_assert_uint_eq(world.core->notifications[0].bits, 4);
}
END_TEST

/* The lender's time bounds what it lends; what it has outlived it lends no more. */
START_TEST(lent1_no_longer_than_the_lender)
{
	struct build build = build_lent();

	world_end(&world);
	build.grants[0].lifetime_us = 1000;
	world_make(&world, &build);
	ck_assert_int_eq(world_start(&world, GUARD), BX_OK);
	ck_assert_int_eq(world_start(&world, WARD), BX_OK);
	ck_assert_uint_eq(cap(WARD, GUARDED)->expiry, cap(GUARD, GUARDED)->expiry);
	world_stop(&world, WARD, BX_PROGRAM_KILLED);
	world.machine.now = cap(GUARD, GUARDED)->expiry;
	ck_assert_int_eq(world_start(&world, WARD), BX_OK);
	ck_assert_uint_eq(held(WARD), 0);
}
END_TEST

Suite *
suite_open(void)
{
	Suite *suite = suite_create("kcore-open");
	TCase *tcase = tcase_create("open");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, open1_only_the_manifest_opens);
	tcase_add_test(tcase, open1_restart_begins_anew);
	tcase_add_test(tcase, open2_what_is_held_over_a_program);
	tcase_add_test(tcase, open2_what_was_lent_ends_with_the_lender);
	tcase_add_test(tcase, open3_a_line_falls_silent_with_its_notification);
	tcase_add_test(tcase, open3_revoked_memory_is_unmapped);
	tcase_add_test(tcase, open4_recharge_across_spaces);
	tcase_add_test(tcase, open4_recharge_keeps_its_own_use);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("lent");
	tcase_add_checked_fixture(tcase, setup_lent, teardown);
	tcase_add_test(tcase, lent1_what_the_lender_has);
	tcase_add_test(tcase, lent1_no_longer_than_the_lender);
	tcase_add_test(tcase, lent2_recharged_for_one_action);
	suite_add_tcase(suite, tcase);
	return suite;
}
