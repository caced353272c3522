/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_program.c -- start and end of programs, spaces, frames, grants: the core on the hosted
 * machine without system calls.  Every test's teardown proves conservation (fixture.h).
 */
#include <stdlib.h>

#include "fixture.h"
#include "../src/sys.h"
#include "../src/x86_64/page_table.h"

static struct world world;

/* Program 0 "init"; program 1 "worker" with one capability of every kind; program 2 "holder" with
 * some for the worker's threads and space. */
enum { INIT, WORKER, HOLDER };
enum { ENDPOINT, EXITS, MEMORY, IRQ, PORTS, POWER, AUDIT, CLOCK, SPAWN, THREAD, CSPACE };
#define MEMORY_PAGES	40

static struct build
build_full(void)
{
	struct build build = build_start("full");

	build.many_holders = true;
	build_program(&build, "init");
	build_program(&build, "worker");
	build_program(&build, "holder");
	build_object(&build, "endpoint", BX_OBJECT_ENDPOINT, 0, 0);
	build_object(&build, "exits", BX_OBJECT_NOTIFICATION, 0, 0);
	build_object(&build, "memory", BX_OBJECT_MEMORY, MEMORY_PAGES, 0);
	build_object(&build, "irq", BX_OBJECT_IRQ, 4, BX_IRQ_ISA);
	build_object(&build, "ports", BX_OBJECT_IOPORT, 0x3f8, 8);
	build_object(&build, "power", BX_OBJECT_DEVICE, BX_DEVICE_PLATFORM, 0);
	build_object(&build, "audit", BX_OBJECT_AUDIT, 0, 0);
	build_object(&build, "clock", BX_OBJECT_CLOCK, 0, 0);
	build_object(&build, "spawn", BX_OBJECT_SPAWN, 0, 0);
	build_object(&build, "thread", BX_OBJECT_THREAD, WORKER, 1);
	build_object(&build, "cspace", BX_OBJECT_CSPACE, WORKER, 0);
	for (uint32_t i = ENDPOINT; i <= CSPACE; i++)
		build_grant(&build, WORKER, i + 1, i, BX_RIGHT_READ | BX_RIGHT_WRITE);
	build_grant(&build, HOLDER, 1, THREAD, BX_RIGHT_WRITE);
	build_grant(&build, HOLDER, 2, CSPACE, BX_RIGHT_WRITE);
	build_grant(&build, HOLDER, 3, MEMORY, BX_RIGHT_READ | BX_RIGHT_WRITE);
	build.programs[WORKER].slots = 20;
	build.programs[WORKER].threads = 3;
	build.programs[WORKER].exit_object = EXITS;
	build.programs[WORKER].exit_bits = 0x10;
	return build;
}

static void
setup(void)
{
	struct build build = build_full();

	world_make(&world, &build);
}

static void
teardown(void)
{
	world_end(&world);
}

static struct bx_cap *
cap_at(uint32_t program, uint32_t slot)
{
	return &world.core->forest.slots[world.core->programs[program].space.first_slot + slot].cap;
}

/* ---- what a program finds ----------------------------------------------------------------- */

START_TEST(start_gives_what_the_file_says)
{
	static uint8_t got[3 * 4096];
	const struct bx_program *program = &world.core->programs[INIT];
	const struct bx_context *context = &world.core->threads[program->first_thread].context;

	ck_assert_uint_eq(program->state, BX_PROGRAM_RUNNING);
	ck_assert_uint_eq(program->starts, 1);
	ck_assert_uint_eq(context->pc, ELF_ENTRY);
	ck_assert_uint_eq(context->stack, BX_STACK_TOP);
	ck_assert_uint_eq(context->value[0], BX_LAUNCH_ADDRESS);
	ck_assert_uint_eq(context->value[1], program->launch_size);
	ck_assert_uint_eq(context->value[2], 0);
	ck_assert_uint_eq(context->word[0], 0);
	ck_assert_uint_eq(context->root, program->root);
	user_get(&world, INIT, 0x400000, got, 4096);
	for (unsigned i = 0; i < 4096; i++)
		ck_assert_uint_eq(got[i], i < 3000 ? (uint8_t)i : 0);
	user_get(&world, INIT, ELF_DATA, got, sizeof(got));
	for (unsigned i = 0; i < sizeof(got); i++)
		ck_assert_uint_eq(got[i], i < 200 ? (uint8_t)(32 + i) : 0);
	user_get(&world, INIT, BX_STACK_TOP - 2 * 4096, got, 2 * 4096);
	for (unsigned i = 0; i < 2 * 4096; i++)
		ck_assert_uint_eq(got[i], 0);
	user_get(&world, INIT, BX_LAUNCH_ADDRESS, got, program->launch_size);
	ck_assert_mem_eq(got, program->launch, program->launch_size);
}
END_TEST

/* Every page has the one permission it needs, and nothing lies beside the guard pages. */
START_TEST(start_maps_one_permission_each)
{
	static const struct { uint64_t address; int flags; } expect[] = {
		{ 0x400000, BX_PAGE_EXECUTE }, { 0x401000, 0 }, { 0x402000, BX_PAGE_WRITE },
		{ 0x404000, BX_PAGE_WRITE }, { 0x405000, -1 }, { 0x3ff000, -1 },
		{ BX_STACK_TOP, -1 }, { BX_STACK_TOP - 4096, BX_PAGE_WRITE },
		{ BX_STACK_TOP - 2 * 4096, BX_PAGE_WRITE }, { BX_STACK_TOP - 3 * 4096, -1 },
		{ BX_LAUNCH_ADDRESS, 0 }, { BX_LAUNCH_ADDRESS + 4096, -1 },
		{ BX_ARGUMENT_ADDRESS, -1 }, { BX_USER_END - 4096, -1 }, { BX_USER_END, -1 }, { 0, -1 },
		{ BX_HOSTED_TRAMPOLINE, -1 },
	};

	for (unsigned i = 0; i < BX_ARRAY_COUNT(expect); i++) {
		uint64_t frame;
		uint32_t flags = 77;
		bool mapped = bx_machine_page_lookup(&world.machine, world.core->programs[INIT].root,
		    expect[i].address, &frame, &flags);

		ck_assert_int_eq(mapped ? (int)flags : -1, expect[i].flags);
	}
}
END_TEST

START_TEST(start_hands_over_the_argument)
{
	static uint8_t argument[BX_SPAWN_ARGUMENT_MAX], got[4096];
	const struct bx_context *context;
	enum bx_err err;

	for (unsigned i = 0; i < sizeof(argument); i++)
		argument[i] = (uint8_t)(i * 7 + 1);
	do
		err = bx_program_start(world.core, WORKER, argument, sizeof(argument));
	while (err == BX_ERR_AGAIN);
	ck_assert_int_eq(err, BX_OK);
	context = &world.core->threads[world.core->programs[WORKER].first_thread].context;
	ck_assert_uint_eq(context->value[2], BX_ARGUMENT_ADDRESS);
	ck_assert_uint_eq(context->word[0], sizeof(argument));
	user_get(&world, WORKER, BX_ARGUMENT_ADDRESS, got, sizeof(got));
	ck_assert_mem_eq(got, argument, sizeof(argument));
	for (unsigned i = sizeof(argument); i < sizeof(got); i++)
		ck_assert_uint_eq(got[i], 0);
	ck_assert_int_eq(bx_hosted_user_write(&world.machine, context->root, BX_ARGUMENT_ADDRESS,
	    got, 1), BX_ERR_ADDRESS);
}
END_TEST

START_TEST(start_derives_every_grant_and_seals)
{
	static const uint8_t types[] = {
		BX_CAP_ENDPOINT, BX_CAP_NOTIFICATION, BX_CAP_MEMORY, BX_CAP_IRQ, BX_CAP_IOPORT,
		BX_CAP_DEVICE, BX_CAP_AUDIT_READ, BX_CAP_CLOCK, BX_CAP_SPAWN, BX_CAP_THREAD, BX_CAP_CSPACE
	};
	const struct bx_program *worker = &world.core->programs[WORKER];

	ck_assert_int_eq(world_start(&world, WORKER), BX_OK);
	ck_assert(worker->space.sealed);
	ck_assert_uint_eq(cap_at(WORKER, 0)->type, BX_CAP_NONE);
	for (uint32_t i = 0; i < BX_ARRAY_COUNT(types); i++) {
		const struct bx_cap *cap = cap_at(WORKER, i + 1);

		ck_assert_uint_eq(cap->type, types[i]);
		ck_assert_uint_eq(cap->rights, BX_RIGHT_READ | BX_RIGHT_WRITE);
		ck_assert_uint_eq(cap->depth, 1);
		ck_assert_uint_eq(cap->uses, BX_CAP_USES_UNLIMITED);
		ck_assert_uint_eq(cap->expiry, BX_CAP_EXPIRY_NEVER);
	}
	ck_assert_uint_eq(cap_at(WORKER, MEMORY + 1)->count, MEMORY_PAGES);
	ck_assert_uint_eq(cap_at(WORKER, PORTS + 1)->first, 0x3f8);
	ck_assert_uint_eq(cap_at(WORKER, PORTS + 1)->count, 8);
	ck_assert_uint_eq(cap_at(WORKER, SPAWN + 1)->count, 3);
	ck_assert_uint_eq(cap_at(WORKER, THREAD + 1)->object.index, worker->first_thread + 1);
	ck_assert(!bx_cap_stale(world.core, cap_at(WORKER, THREAD + 1)));
	ck_assert_uint_eq(cap_at(WORKER, CSPACE + 1)->object.index, WORKER);
	ck_assert(!bx_cap_stale(world.core, cap_at(WORKER, CSPACE + 1)));
}
END_TEST

/* The manifest's limits of a grant: badge, uses, lifetime, range. */
START_TEST(start_keeps_the_grants_limits)
{
	struct build build = build_full();
	uint64_t now;

	world_end(&world);
	build.grants[MEMORY].first = 3;
	build.grants[MEMORY].count = 4;
	build.grants[PORTS].first = 2;
	build.grants[PORTS].count = 1;
	build.grants[ENDPOINT].badge = 99;
	build.grants[CLOCK].uses = 0;
	build.grants[AUDIT].lifetime_us = 2500;
	build.grants[POWER].lifetime_us = UINT64_MAX;
	world_make(&world, &build);
	ck_assert_int_eq(world_start(&world, WORKER), BX_OK);
	now = world.machine.now;
	ck_assert_uint_eq(cap_at(WORKER, MEMORY + 1)->first, 3);
	ck_assert_uint_eq(cap_at(WORKER, MEMORY + 1)->count, 4);
	ck_assert_uint_eq(cap_at(WORKER, PORTS + 1)->first, 0x3fa);
	ck_assert_uint_eq(cap_at(WORKER, PORTS + 1)->count, 1);
	ck_assert_uint_eq(cap_at(WORKER, ENDPOINT + 1)->badge, 99);
	ck_assert_uint_eq(cap_at(WORKER, CLOCK + 1)->uses, 0);
	ck_assert_uint_eq(cap_at(WORKER, AUDIT + 1)->expiry, now + 2500 * (WORLD_TICKS / 1000000));
	ck_assert_uint_eq(cap_at(WORKER, POWER + 1)->expiry, BX_CAP_EXPIRY_NEVER);
}
END_TEST

/* ---- life cycle --------------------------------------------------------------------------- */

START_TEST(start_refuses_what_runs_or_ends)
{
	ck_assert_int_eq(world_start(&world, WORKER), BX_OK);
	ck_assert_int_eq(world_start(&world, WORKER), BX_ERR_STATE);
	bx_program_end(world.core, WORKER, BX_PROGRAM_KILLED);
	ck_assert_int_eq(world_start(&world, WORKER), BX_ERR_STATE);
	ck_assert_uint_eq(bx_program_ending(world.core), WORKER);
	bx_program_end(world.core, WORKER, BX_PROGRAM_EXITED);	/* the first end counts */
	world_stop(&world, WORKER, BX_PROGRAM_EXITED);
	ck_assert_uint_eq(world.core->programs[WORKER].state, BX_PROGRAM_KILLED);
	ck_assert_uint_eq(bx_program_ending(world.core), BX_NONE);
	world_stop(&world, WORKER, BX_PROGRAM_EXITED);		/* nothing to end */
	ck_assert_uint_eq(world.core->programs[WORKER].state, BX_PROGRAM_KILLED);
}
END_TEST

/* What the manifest gave to others names a program's thread or space while there is a process. */
START_TEST(names_live_with_the_process)
{
	const struct bx_program *worker = &world.core->programs[WORKER];

	ck_assert_int_eq(world_start(&world, HOLDER), BX_OK);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert(bx_cap_stale(world.core, cap_at(HOLDER, 1)));
		ck_assert(bx_cap_stale(world.core, cap_at(HOLDER, 2)));
		ck_assert_int_eq(world_start(&world, WORKER), BX_OK);
		ck_assert_uint_eq(worker->generation & 1, 1);
		ck_assert_uint_eq(worker->starts, i + 1);
		ck_assert(!bx_cap_stale(world.core, cap_at(HOLDER, 1)));
		ck_assert(!bx_cap_stale(world.core, cap_at(HOLDER, 2)));
		bx_program_end(world.core, WORKER, BX_PROGRAM_EXITED);
		ck_assert(bx_cap_stale(world.core, cap_at(HOLDER, 1)));	/* from the first moment */
		ck_assert(bx_cap_stale(world.core, cap_at(HOLDER, 2)));
		world_stop(&world, WORKER, BX_PROGRAM_EXITED);
	}
	ck_assert_uint_eq(world.core->notifications[0].bits, 0x10);
}
END_TEST

START_TEST(end_signals_only_a_program_that_ran)
{
	ck_assert_int_eq(bx_program_start(world.core, WORKER, NULL, 0), BX_ERR_AGAIN);
	world_stop(&world, WORKER, BX_PROGRAM_KILLED);
	ck_assert_uint_eq(world.core->programs[WORKER].state, BX_PROGRAM_KILLED);
	ck_assert_uint_eq(world.core->notifications[0].bits, 0);
	ck_assert_int_eq(world_start(&world, WORKER), BX_OK);
	bx_program_end(world.core, WORKER, BX_PROGRAM_FAULTED);
	ck_assert_uint_eq(world.core->notifications[0].bits, 0);
	world_stop(&world, WORKER, BX_PROGRAM_FAULTED);
	ck_assert_uint_eq(world.core->notifications[0].bits, 0x10);
}
END_TEST

/* Killed after every possible number of steps of its start (_i), all comes back. */
START_TEST(kill_at_every_step_of_a_start)
{
	uint32_t before = world.core->frames_free_count;
	enum bx_err err = BX_ERR_AGAIN;

	for (int i = 0; i < _i && err == BX_ERR_AGAIN; i++)
		err = bx_program_start(world.core, WORKER, (const uint8_t *)"x", 1);
	world_sound(&world);
	world_stop(&world, WORKER, BX_PROGRAM_KILLED);
	ck_assert_uint_eq(world.core->frames_free_count, before);
	ck_assert_int_eq(world_start(&world, WORKER), BX_OK);
}
END_TEST

/* With every possible quota (_i) a start works or fails with BX_ERR_QUOTA, and all comes back. */
START_TEST(start_fails_at_every_frame)
{
	struct bx_program *worker = &world.core->programs[WORKER];
	uint32_t before = world.core->frames_free_count;
	enum bx_err err;

	worker->frame_quota = (uint32_t)_i;
	/* What can be known before anything is taken: root, launch block, segments, stack. */
	if (_i < 9) {
		ck_assert_int_eq(bx_program_start(world.core, WORKER, NULL, 0), BX_ERR_QUOTA);
		ck_assert_uint_eq(worker->state, BX_PROGRAM_ABSENT);
		ck_assert_uint_eq(world.core->frames_free_count, before);
	}
	err = world_start(&world, WORKER);
	/* 1 root, 3 + 3 tables for two regions of addresses, 5 pages, 2 of stack, the launch block: 15. */
	ck_assert_int_eq(err, _i >= 15 ? BX_OK : BX_ERR_QUOTA);
	world_stop(&world, WORKER, BX_PROGRAM_KILLED);
	ck_assert_uint_eq(world.core->frames_free_count, before);
	worker->frame_quota = 64;
	ck_assert_int_eq(world_start(&world, WORKER), BX_OK);
}
END_TEST

/* The same with no frames left in the whole system: _i are. */
START_TEST(start_fails_without_frames)
{
	struct bx_kcore *core = world.core;
	uint32_t count = 0, taken[4096], frame;
	enum bx_err err;

	ck_assert_int_eq(world_start(&world, HOLDER), BX_OK);
	core->programs[HOLDER].frame_quota = 4096;
	while (core->frames_free_count > (uint32_t)_i)
		ck_assert_int_eq(bx_frame_take(core, HOLDER, BX_FRAME_USER, &taken[count++]), BX_OK);
	err = world_start(&world, WORKER);
	ck_assert_int_eq(err, _i >= 15 ? BX_OK : BX_ERR_NO_MEMORY);
	if (_i == 0)
		ck_assert_int_eq(bx_frame_take(core, HOLDER, BX_FRAME_USER, &frame),
		    BX_ERR_NO_MEMORY);
	world_stop(&world, WORKER, BX_PROGRAM_KILLED);
	ck_assert_uint_eq(core->frames_free_count, (uint32_t)_i);
	while (count-- > 0)
		bx_frame_give(core, taken[count]);
	core->programs[HOLDER].frame_quota = 64;
}
END_TEST

/* A start belongs to the thread that began it, and ends with that thread's program. */
START_TEST(start_belongs_to_one_thread)
{
	struct bx_kcore *core = world.core;
	uint32_t init = core->programs[INIT].first_thread;
	uint32_t holder = core->programs[HOLDER].first_thread;

	ck_assert_int_eq(world_start(&world, HOLDER), BX_OK);
	world_run_until(&world, holder);
	ck_assert_int_eq(bx_program_start(core, WORKER, NULL, 0), BX_ERR_AGAIN);
	world_run_until(&world, init);
	ck_assert_int_eq(bx_program_start(core, WORKER, NULL, 0), BX_ERR_BUSY);
	core->threads[holder].work = 1;		/* as the system call leaves it */
	core->threads[holder].context.value[1] = WORKER;
	bx_program_end(core, HOLDER, BX_PROGRAM_KILLED);
	ck_assert_int_eq(bx_program_end_step(core, HOLDER), BX_ERR_AGAIN);	/* who waits for it */
	ck_assert_int_eq(bx_program_end_step(core, HOLDER), BX_ERR_AGAIN);
	ck_assert_uint_eq(core->programs[WORKER].state, BX_PROGRAM_ENDING);
	world_stop(&world, WORKER, BX_PROGRAM_KILLED);
	world_stop(&world, HOLDER, BX_PROGRAM_KILLED);
	ck_assert_uint_eq(core->programs[WORKER].state, BX_PROGRAM_ABSENT);
	ck_assert_int_eq(world_start(&world, WORKER), BX_OK);
}
END_TEST

/* ---- spaces and memory objects ------------------------------------------------------------- */

#define FREE_ADDRESS	0x10000000ull

static uint32_t
memory_frame(uint32_t page)
{
	return world.core->memory_pages[page];
}

START_TEST(map_refuses)
{
	struct bx_kcore *core = world.core;
	uint64_t forgets;

	ck_assert_int_eq(world_start(&world, WORKER), BX_OK);
	ck_assert_int_eq(bx_space_map(core, WORKER, FREE_ADDRESS, memory_frame(0),
	    BX_PAGE_WRITE | BX_PAGE_EXECUTE), BX_ERR_WX);
	ck_assert_int_eq(bx_space_map(core, WORKER, FREE_ADDRESS + 1, memory_frame(0), 0), BX_ERR_ALIGN);
	ck_assert_int_eq(bx_space_map(core, WORKER, 0, memory_frame(0), 0), BX_ERR_RANGE);
	ck_assert_int_eq(bx_space_map(core, WORKER, BX_USER_START - 4096, memory_frame(0), 0),
	    BX_ERR_RANGE);
	ck_assert_int_eq(bx_space_map(core, WORKER, BX_USER_END, memory_frame(0), 0), BX_ERR_RANGE);
	ck_assert_int_eq(bx_space_map(core, WORKER, BX_HOSTED_TRAMPOLINE, memory_frame(0), 0),
	    BX_ERR_RANGE);
	ck_assert_int_eq(bx_space_map(core, WORKER, (uint64_t)-4096, memory_frame(0), 0), BX_ERR_RANGE);
	ck_assert_int_eq(bx_space_map(core, WORKER, 0x400000, memory_frame(0), 0), BX_ERR_EXISTS);
	ck_assert_int_eq(bx_space_map(core, WORKER, FREE_ADDRESS, memory_frame(0), 0), BX_OK);
	ck_assert_int_eq(bx_space_map(core, WORKER, FREE_ADDRESS + 4096, memory_frame(0), 0),
	    BX_ERR_MAPPED);
	ck_assert_int_eq(bx_space_map(core, INIT, FREE_ADDRESS, memory_frame(0), 0), BX_ERR_MAPPED);
	forgets = world.machine.forgets;
	bx_space_unmap(core, memory_frame(0));
	ck_assert_uint_eq(world.machine.forgets, forgets + 1);
	bx_space_unmap(core, memory_frame(0));		/* nothing happens */
	ck_assert_uint_eq(world.machine.forgets, forgets + 1);
	world_sound(&world);
}
END_TEST

/* A map that lacks a table gives back the ones it had taken. */
START_TEST(map_fails_at_every_table)
{
	struct bx_kcore *core = world.core;
	struct bx_program *worker = &core->programs[WORKER];
	uint64_t address = 0x200000000000ull;

	ck_assert_int_eq(world_start(&world, WORKER), BX_OK);
	for (uint32_t extra = 0; extra < 4; extra++) {
		uint32_t used = worker->frames_used;

		worker->frame_quota = used + extra;
		if (extra < 3) {
			ck_assert_int_eq(bx_space_map(core, WORKER, address, memory_frame(1), 0),
			    BX_ERR_QUOTA);
			ck_assert_uint_eq(worker->frames_used, used);
		} else {
			ck_assert_int_eq(bx_space_map(core, WORKER, address, memory_frame(1), 0),
			    BX_OK);
			ck_assert_uint_eq(worker->frames_used, used + 3);
		}
		world_sound(&world);
	}
}
END_TEST

/* The content of a memory object's frame is one program's; another finds zeroes. */
START_TEST(memory_never_carries_content_to_another)
{
	struct bx_kcore *core = world.core;
	uint8_t got[64], zero[64] = { 0 }, secret[64];

	memset(secret, 0x5e, sizeof(secret));
	ck_assert_int_eq(world_start(&world, WORKER), BX_OK);
	ck_assert_int_eq(world_start(&world, HOLDER), BX_OK);
	ck_assert_int_eq(bx_space_map(core, WORKER, FREE_ADDRESS, memory_frame(7), BX_PAGE_WRITE), BX_OK);
	user_get(&world, WORKER, FREE_ADDRESS, got, sizeof(got));
	ck_assert_mem_eq(got, zero, sizeof(got));	/* memory was 0xa5 at boot */
	user_put(&world, WORKER, FREE_ADDRESS, secret, sizeof(secret));
	bx_space_unmap(core, memory_frame(7));
	/* Its own content is there again, elsewhere and executable. */
	ck_assert_int_eq(bx_space_map(core, WORKER, FREE_ADDRESS + 4096, memory_frame(7),
	    BX_PAGE_EXECUTE), BX_OK);
	user_get(&world, WORKER, FREE_ADDRESS + 4096, got, sizeof(got));
	ck_assert_mem_eq(got, secret, sizeof(got));
	ck_assert(!bx_hosted_frame_writable(&world.machine, (uint64_t)memory_frame(7) << 12));
	world_sound(&world);
	bx_space_unmap(core, memory_frame(7));
	ck_assert(bx_hosted_frame_writable(&world.machine, (uint64_t)memory_frame(7) << 12));
	ck_assert_int_eq(bx_space_map(core, HOLDER, FREE_ADDRESS, memory_frame(7), BX_PAGE_WRITE), BX_OK);
	user_get(&world, HOLDER, FREE_ADDRESS, got, sizeof(got));
	ck_assert_mem_eq(got, zero, sizeof(got));
	user_put(&world, HOLDER, FREE_ADDRESS, secret, sizeof(secret));
	world_stop(&world, HOLDER, BX_PROGRAM_EXITED);
	ck_assert_mem_eq(bx_core_frame_bytes(core, memory_frame(7)), zero, sizeof(zero));
	world_sound(&world);
}
END_TEST

/* Removing a memory capability takes away what was mapped through it, in bounded steps. */
START_TEST(removing_memory_unmaps_it)
{
	struct bx_kcore *core = world.core;
	uint32_t leaf, parent, steps = 0;
	struct bx_removal removal = { .left = 0 };
	enum bx_err err;

	ck_assert_int_eq(world_start(&world, WORKER), BX_OK);
	for (uint32_t i = 0; i < MEMORY_PAGES; i++)
		ck_assert_int_eq(bx_space_map(core, WORKER, FREE_ADDRESS + i * 4096ull, memory_frame(i),
		    BX_PAGE_WRITE), BX_OK);
	leaf = core->programs[WORKER].space.first_slot + MEMORY + 1;
	do {
		removal.left = BX_REMOVAL_STEP;
		err = bx_capability_remove_leaf(core, leaf, &parent, &removal);
		steps++;
		world_sound(&world);
	} while (err == BX_ERR_AGAIN);
	ck_assert_int_eq(err, BX_OK);
	ck_assert_uint_gt(steps, 2);
	ck_assert_uint_eq(parent, MEMORY);
	for (uint32_t i = 0; i < MEMORY_PAGES; i++) {
		ck_assert_uint_eq(core->frames[memory_frame(i)].address, 0);
		ck_assert_uint_eq(core->frames[memory_frame(i)].owner, BX_NONE);
	}
}
END_TEST

START_TEST(removing_an_irq_unbinds_it)
{
	struct bx_removal removal = { .left = BX_REMOVAL_STEP };
	struct bx_kcore *core = world.core;
	uint32_t parent;

	ck_assert_int_eq(world_start(&world, WORKER), BX_OK);
	ck_assert(world.machine.irq_open[4]);
	core->irqs[0].notification = 0;
	core->irqs[0].binder = WORKER;
	bx_machine_irq_unmask(&world.machine, core->irqs[0].number);
	ck_assert_int_eq(bx_capability_remove_leaf(core,
	    core->programs[WORKER].space.first_slot + IRQ + 1, &parent, &removal), BX_OK);
	ck_assert_uint_eq(core->irqs[0].notification, BX_NONE);
	ck_assert(!world.machine.irq_unmasked[4]);
}
END_TEST

START_TEST(slots_know_their_program)
{
	struct bx_kcore *core = world.core;

	for (uint32_t i = 0; i < core->forest.slot_count; i++) {
		uint32_t expect = BX_NONE;

		for (uint32_t p = 0; p < core->program_count; p++) {
			const struct bx_cap_space *space = &core->programs[p].space;

			if (i >= space->first_slot && i < space->first_slot + space->slot_count)
				expect = p;
		}
		ck_assert_uint_eq(bx_program_of_slot(core, i), expect);
	}
}
END_TEST

/* ---- copies ------------------------------------------------------------------------------- */

START_TEST(copies_obey_the_page_tables)
{
	static uint8_t bytes[3 * 4096];
	struct bx_kcore *core = world.core;
	uint64_t end = ELF_DATA + 3 * 4096;

	memset(bytes, 0x33, sizeof(bytes));
	ck_assert_int_eq(bx_copy_out(core, INIT, ELF_DATA, bytes, sizeof(bytes)), BX_OK);
	memset(bytes, 0, sizeof(bytes));
	ck_assert_int_eq(bx_copy_in(core, INIT, ELF_DATA + 5, bytes, sizeof(bytes) - 5), BX_OK);
	ck_assert_uint_eq(bytes[sizeof(bytes) - 6], 0x33);
	ck_assert_int_eq(bx_copy_in(core, INIT, end - 1, bytes, 1), BX_OK);
	ck_assert_int_eq(bx_copy_in(core, INIT, end - 1, bytes, 2), BX_ERR_ADDRESS);
	ck_assert_int_eq(bx_copy_out(core, INIT, end - 1, bytes, 2), BX_ERR_ADDRESS);
	ck_assert_int_eq(bx_copy_out(core, INIT, 0x400000, bytes, 1), BX_ERR_ADDRESS);
	ck_assert_int_eq(bx_copy_out(core, INIT, 0x401fff, bytes, 1), BX_ERR_ADDRESS);
	ck_assert_int_eq(bx_copy_in(core, INIT, 0x400000, bytes, 1), BX_OK);
	ck_assert_int_eq(bx_copy_in(core, INIT, 0, bytes, 1), BX_ERR_ADDRESS);
	ck_assert_int_eq(bx_copy_in(core, INIT, UINT64_MAX, bytes, 2), BX_ERR_ADDRESS);
	ck_assert_int_eq(bx_copy_in(core, INIT, UINT64_MAX - 4095, bytes, 4096), BX_ERR_ADDRESS);
	ck_assert_int_eq(bx_copy_in(core, INIT, BX_USER_END - 1, bytes, 2), BX_ERR_ADDRESS);
	ck_assert_int_eq(bx_copy_in(core, INIT, BX_HOSTED_TRAMPOLINE, bytes, 1), BX_ERR_ADDRESS);
	ck_assert_int_eq(bx_copy_in(core, INIT, 0xffff800000000000ull, bytes, 1), BX_ERR_ADDRESS);
	ck_assert_int_eq(bx_copy_in(core, INIT, 0x800000000000ull, bytes, 1), BX_ERR_ADDRESS);
	ck_assert_int_eq(bx_copy_in(core, INIT, 0, bytes, 0), BX_OK);
}
END_TEST

START_TEST(copy_across_goes_in_steps)
{
	static uint8_t from[4 * 4096 + 100], got[sizeof(from)];
	struct bx_kcore *core = world.core;
	uint32_t done = 0, steps = 0;
	bool sender_fault = true;
	enum bx_err err;

	ck_assert_int_eq(world_start(&world, WORKER), BX_OK);
	ck_assert_int_eq(world_start(&world, HOLDER), BX_OK);
	for (uint32_t i = 0; i < 5; i++) {
		ck_assert_int_eq(bx_space_map(core, WORKER, FREE_ADDRESS + i * 4096ull, memory_frame(i),
		    BX_PAGE_WRITE), BX_OK);
		ck_assert_int_eq(bx_space_map(core, HOLDER, FREE_ADDRESS + i * 4096ull,
		    memory_frame(5 + i), BX_PAGE_WRITE), BX_OK);
	}
	for (unsigned i = 0; i < sizeof(from); i++)
		from[i] = (uint8_t)(i * 13 + i / 256);
	user_put(&world, WORKER, FREE_ADDRESS + 7, from, sizeof(from));
	do {
		err = bx_copy_across(core, WORKER, FREE_ADDRESS + 7, HOLDER, FREE_ADDRESS + 1000,
		    sizeof(from), &done, &sender_fault);
		steps++;
	} while (err == BX_ERR_AGAIN);
	ck_assert_int_eq(err, BX_OK);
	ck_assert_uint_eq(done, sizeof(from));
	ck_assert_uint_eq(steps, 2);
	ck_assert(!sender_fault);
	user_get(&world, HOLDER, FREE_ADDRESS + 1000, got, sizeof(got));
	ck_assert_mem_eq(got, from, sizeof(from));

	done = 0;
	ck_assert_int_eq(bx_copy_across(core, WORKER, FREE_ADDRESS + 5 * 4096 - 1, HOLDER, FREE_ADDRESS,
	    2, &done, &sender_fault), BX_ERR_ADDRESS);
	ck_assert(sender_fault);
	done = 0;
	ck_assert_int_eq(bx_copy_across(core, WORKER, FREE_ADDRESS, HOLDER, FREE_ADDRESS + 5 * 4096 - 1,
	    2, &done, &sender_fault), BX_ERR_ADDRESS);
	ck_assert(!sender_fault);
	done = 0;
	ck_assert_int_eq(bx_copy_across(core, WORKER, FREE_ADDRESS, HOLDER, 0x400000, 2, &done,
	    &sender_fault), BX_ERR_ADDRESS);
	ck_assert(!sender_fault);
}
END_TEST

/* ---- size, and bounded steps --------------------------------------------------------------- */

/* A program with hundreds of pages and capabilities: no step of its start or end does more than a
 * bounded part, and all comes back. */
START_TEST(big_programs_go_in_small_steps)
{
	static const struct elf_spec specs[] = {
		{ 0x400000, 100, 100, 4 | 1 }, { ELF_DATA, 16, 150 * 4096, 4 | 2 },
	};
	struct build build = build_start("big");
	struct bx_kcore *core;
	const char *where = "";
	unsigned starts = 0, ends = 0;
	enum bx_err err;

	world_end(&world);
	build_program(&build, "init");
	build_program(&build, "big");
	build.programs[1].slots = 1200;
	build.programs[1].quota = 240;
	build.programs[1].stack_pages = 60;
	build.programs[0].quota = 170;
	build_object(&build, "port", BX_OBJECT_ENDPOINT, 0, 0);
	for (uint32_t i = 0; i < 100; i++)
		build_grant(&build, 1, 1 + i * 11, 0, BX_RIGHT_WRITE);
	world_prepare(&world, &build);
	world.elf_bytes = elf_make(world.elf, ELF_ENTRY, specs, 2);
	ck_assert_int_eq(world_boot(&world, &where), BX_OK);
	world.context = bx_kcore_start(world.core);
	core = world.core;
	do {
		uint32_t frames = core->programs[1].frames_used, slots = 0;

		err = bx_program_start(core, 1, NULL, 0);
		starts++;
		ck_assert_uint_le(core->programs[1].frames_used - frames, 16 + 6);
		for (uint32_t i = 0; i < core->programs[1].space.slot_count; i++)
			slots += cap_at(1, i)->type != BX_CAP_NONE;
		ck_assert_uint_le(slots, starts * 32);
	} while (err == BX_ERR_AGAIN);
	ck_assert_int_eq(err, BX_OK);
	ck_assert_uint_gt(starts, (150 + 60) / 16 + 100 / 32);
	bx_program_end(core, 1, BX_PROGRAM_KILLED);
	do {
		uint32_t frames = core->programs[1].frames_used;

		err = bx_program_end_step(core, 1);
		ends++;
		ck_assert_uint_le(frames - core->programs[1].frames_used, 16);
		world_sound(&world);
	} while (err == BX_ERR_AGAIN);
	ck_assert_uint_gt(ends, (150 + 60) / 16 + 100 / 32);
}
END_TEST

/* ---- the checker can fail ------------------------------------------------------------------- */

static struct bx_frame *
worker_page(void)
{
	uint32_t frame = world.core->programs[WORKER].frames;

	while (world.core->frames[frame].type != BX_FRAME_USER)
		frame = world.core->frames[frame].next;
	return &world.core->frames[frame];
}

static void break_wx(void) { worker_page()->flags = BX_PAGE_WRITE | BX_PAGE_EXECUTE; }
static void break_flags(void) { worker_page()->flags ^= BX_PAGE_WRITE; }
static void break_address(void) { worker_page()->address += BX_PAGE_SIZE; }
static void break_owner(void) { worker_page()->owner = INIT; }
static void break_type(void) { worker_page()->type = BX_FRAME_TABLE; }
static void break_count(void) { world.core->frames_user_count++; }
static void break_free_count(void) { world.core->frames_free_count--; }
static void break_free_list(void) { world.core->frames[world.core->frame_free].next = BX_NONE; }
static void break_quota(void) { world.core->programs[WORKER].frame_quota = 3; }
static void break_used(void) { world.core->programs[WORKER].frames_used++; }
static void break_generation(void) { world.core->programs[WORKER].generation++; }
static void break_seal(void) { world.core->programs[WORKER].space.sealed = false; }
static void break_ending(void) { world.core->put_off++; }
static void break_rights(void) { cap_at(WORKER, CLOCK + 1)->rights = BX_RIGHT_ALL; }
static void break_object(void) { cap_at(WORKER, ENDPOINT + 1)->object.index++; }
static void break_link(void) { world.core->forest.slots[CLOCK].child = BX_CAP_SLOT_NONE; }
static void break_memory(void) { world.core->frames[memory_frame(3)].owner = INIT; }
static void break_memory_name(void) { world.core->frames[memory_frame(3)].memory = 7; }
static void break_thread(void) { world.core->programs[WORKER].threads_alive++; }

static void
break_zero(void)
{
	uint32_t frame;

	/* One that somebody has had. */
	ck_assert_int_eq(bx_frame_take(world.core, WORKER, BX_FRAME_USER, &frame), BX_OK);
	bx_frame_give(world.core, frame);
	((uint8_t *)bx_core_frame_bytes(world.core, frame))[4095] = 1;
}

static void
break_entry(void)
{
	uint64_t *entry = bx_page_entry(&world.machine, world.core->programs[WORKER].root, ELF_DATA);

	*entry &= ~BX_PTE_NO_EXECUTE;
}

static void (*const breaks[])(void) = {
	break_wx, break_flags, break_address, break_owner, break_type, break_count, break_free_count,
	break_free_list, break_quota, break_used, break_generation, break_seal, break_ending,
	break_rights, break_object, break_link, break_memory, break_memory_name, break_thread,
	break_zero, break_entry,
};

START_TEST(sound_finds_each_break)
{
	const char *what = NULL;

	ck_assert_int_eq(world_start(&world, WORKER), BX_OK);
	ck_assert(bx_kcore_sound(world.core, &what));
	breaks[_i]();
	ck_assert(!bx_kcore_sound(world.core, &what));
	ck_assert_ptr_nonnull(what);
	world_free(&world);
	setup();
}
END_TEST

/* ---- boot --------------------------------------------------------------------------------- */

START_TEST(boot_refuses)
{
	struct build build = build_full();
	const char *where = NULL;

	world_end(&world);
	build.programs[WORKER].quota = 1u << 20;
	ck_assert_int_eq(world_try(&world, &build, &where), BX_ERR_NO_MEMORY);
	world_free(&world);

	build = build_full();
	build.objects[MEMORY].a = 1u << 20;
	ck_assert_int_eq(world_try(&world, &build, &where), BX_ERR_NO_MEMORY);
	world_free(&world);

	build = build_full();
	build.programs[WORKER].module = "nowhere";
	ck_assert_int_eq(world_try(&world, &build, &where), BX_ERR_NOT_FOUND);
	ck_assert_str_eq(where, "program module");
	world_free(&world);

	build = build_full();
	build.objects[IRQ].a = BX_HOSTED_IRQS;
	ck_assert_int_eq(world_try(&world, &build, &where), BX_ERR_RANGE);
	ck_assert_str_eq(where, "interrupt line");
	world_free(&world);

	build = build_full();
	build.programs[INIT].module = "other";
	ck_assert_int_eq(world_try(&world, &build, &where), BX_ERR_TRUNCATED);
	ck_assert_str_eq(where, "program 0");
	world_free(&world);

	build = build_full();
	build.programs[INIT].quota = 3;
	ck_assert_int_eq(world_try(&world, &build, &where), BX_ERR_QUOTA);
	world_free(&world);

	build = build_full();
	world_prepare(&world, &build);
	world.regions[1].base = world.regions[0].base;
	ck_assert_int_eq(world_boot(&world, &where), BX_ERR_RANGE);
	world.regions[1].base = 0x100001;
	ck_assert_int_eq(world_boot(&world, &where), BX_ERR_ALIGN);
	world.regions[1].base = WORLD_MEMORY;
	ck_assert_int_eq(world_boot(&world, &where), BX_ERR_RANGE);
	world.regions[1].base = 0x100000;
	world.config.ticks_per_second = 0;
	ck_assert_int_eq(world_boot(&world, &where), BX_ERR_INVALID);
	world.config.ticks_per_second = 1;
	ck_assert_int_eq(bx_kcore_plan(&world.config, &world.pool_bytes, &where), BX_OK);
	world.pools = aligned_alloc(BX_PAGE_SIZE, world.pool_bytes);
	ck_assert_int_eq(bx_kcore_init(&world.config, world.pools, world.pool_bytes - 1, &world.core,
	    &where), BX_ERR_NO_MEMORY);
	world_free(&world);
	setup();
}
END_TEST

Suite *
suite_program(void)
{
	Suite *suite = suite_create("kcore-program");
	TCase *tcase = tcase_create("program");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, start_gives_what_the_file_says);
	tcase_add_test(tcase, start_maps_one_permission_each);
	tcase_add_test(tcase, start_hands_over_the_argument);
	tcase_add_test(tcase, start_derives_every_grant_and_seals);
	tcase_add_test(tcase, start_keeps_the_grants_limits);
	tcase_add_test(tcase, start_refuses_what_runs_or_ends);
	tcase_add_test(tcase, names_live_with_the_process);
	tcase_add_test(tcase, end_signals_only_a_program_that_ran);
	tcase_add_loop_test(tcase, kill_at_every_step_of_a_start, 0, 8);
	tcase_add_loop_test(tcase, start_fails_at_every_frame, 0, 20);
	tcase_add_loop_test(tcase, start_fails_without_frames, 0, 20);
	tcase_add_test(tcase, start_belongs_to_one_thread);
	tcase_add_test(tcase, map_refuses);
	tcase_add_test(tcase, map_fails_at_every_table);
	tcase_add_test(tcase, memory_never_carries_content_to_another);
	tcase_add_test(tcase, removing_memory_unmaps_it);
	tcase_add_test(tcase, removing_an_irq_unbinds_it);
	tcase_add_test(tcase, slots_know_their_program);
	tcase_add_test(tcase, copies_obey_the_page_tables);
	tcase_add_test(tcase, copy_across_goes_in_steps);
	tcase_add_test(tcase, big_programs_go_in_small_steps);
	tcase_add_loop_test(tcase, sound_finds_each_break, 0, (int)BX_ARRAY_COUNT(breaks));
	tcase_add_test(tcase, boot_refuses);
	suite_add_tcase(suite, tcase);
	return suite;
}
