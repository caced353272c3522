/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_fast.c -- the short ways (ipc_fast.c, ipc_short.c, ipc_buffers.c) against the general one.  Seeded sequences of events
 * (driver.h); whenever a short way takes a call, the general way makes the same call from a copy of
 * the same state, and both leave the same system, but for what is named in `forget`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/thread.h"
#include "driver.h"

#define STEPS		40000
#define SEEDS		8

#define BUFFERS	((uint64_t)BX_IPC_BUFFERS << 8)

static struct driver driver;
static uint8_t *before, *shortly;
static uint8_t *memory_before, *memory_shortly;	/* of users, while a call has buffers */
static uint64_t taken[BX_SYS_COUNT], strings[BX_SYS_COUNT], faults, fault_replies;
static uint64_t budgets, on_budgets;	/* short ways to or from an account with a budget, and on one */
static const uint32_t least[BX_SYS_COUNT] = {
	[BX_SYS_CALL] = 500, [BX_SYS_REPLY_RECEIVE] = 150, [BX_SYS_SIGNAL] = 500, [BX_SYS_SEND] = 50,
	[BX_SYS_RECEIVE] = 25, [BX_SYS_YIELD] = 50,
};

/* Leaves out what means nothing in the state that a thread is in, and what is counted in another
 * place. */
static void
forget(struct bx_kcore *core, uint64_t now)
{
	struct bx_cpu *cpu = &core->cpu;

	cpu->switches += cpu->exchanges;
	cpu->system_calls += cpu->exchanges;
	cpu->exchanges = 0;
	cpu->last_program = BX_NONE;		/* somebody runs: it is his */
	cpu->timer_at = 0;			/* may stay earlier than it need be: looked at below */
	for (uint32_t i = 0; i < core->thread_count; i++) {
		struct bx_thread *thread = &core->threads[i];

		thread->call_head = 0;		/* spares a look, no more */
		if (thread->state == BX_THREAD_READY)
			thread->deadline = 0;
		/* A short way keeps it as given, timer.c clamps it in time (fast2_*). */
		thread->deadline = bx_deadline_clamp(thread->deadline, now);
		if (!bx_thread_queued(thread))
			thread->object = BX_NONE;
		if (!bx_thread_awaits(thread))
			thread->partner = BX_NONE;
		if (thread->state != BX_THREAD_SENDING && thread->restart == 0)
			thread->badge = 0;
		/* What waits is answered in all registers of a result, or (receiving) made to begin
		 * again with the number written anew. */
		if (thread->state == BX_THREAD_RECEIVING || thread->state == BX_THREAD_AWAITING_REPLY)
			thread->context.number = 0;
		if (thread->state == BX_THREAD_READY && thread->restart == 0)
			thread->has_buffers = 0;
		if (thread->has_buffers == 0) {
			memset(&thread->buffers, 0, sizeof thread->buffers);
			thread->send_cap_slot = 0;
			thread->receive_cap_slot = 0;
		}
		if (thread->state == BX_THREAD_AWAITING_REPLY)
			memset(thread->context.value, 0, sizeof thread->context.value);
	}
}

/* Whether a short way takes what the current thread asks for; then it has. */
static bool
take(struct world *world)
{
	struct bx_thread *thread = bx_core_current(world->core);
	struct bx_context *context = world->context;
	const struct bx_context *next = &bx_kcore_declined;

	switch (context->number) {
	case BX_SYS_SIGNAL:	return bx_signal_short(world->core, thread) != NULL;
	case BX_SYS_SEND:	return bx_send_short(world->core, thread) != NULL;
	case BX_SYS_YIELD:	return bx_yield_short(world->core, thread) != NULL;
	case BX_SYS_RECEIVE:	return bx_receive_short(world->core, thread) != NULL;
	case BX_SYS_CALL | BUFFERS:
		return bx_call_short(world->core, thread) != NULL;
	case BX_SYS_REPLY_RECEIVE | BUFFERS:
		return bx_reply_receive_short(world->core, thread) != NULL;
	default:		break;
	}

	if (context->number == BX_SYS_CALL)
		next = bx_kcore_call_fast(context->value[0], context, context->value[2],
		    world->core).next;
	else if (context->number == BX_SYS_REPLY_RECEIVE)
		next = bx_kcore_reply_receive_fast(context->value[0], context, context->value[2],
		    world->core);
	if (context->number == BX_SYS_REPLY_RECEIVE && next == &bx_kcore_declined &&
	    bx_fault_reply_short(world->core, thread) != NULL) {
		fault_replies++;
		return true;
	}
	return next != &bx_kcore_declined;
}

/* Both leave the same pools; what the short way left is in `shortly`. */
static void
same_pools(const struct world *world, uint64_t number)
{
	const uint8_t *pools = (const uint8_t *)world->pools;

	for (size_t i = 0; i < world->pool_bytes; i++)
		if (shortly[i] != pools[i])
			fprintf(stderr, "call %lu: byte %zu of the pools, %zd of the threads\n",
			    number, i, (const uint8_t *)pools + i - (uint8_t *)world->core->threads);
	want(memcmp(shortly, pools, world->pool_bytes) == 0);
}

/* The general way has been gone, the short one before; what that left is in `shortly`. */
static void
same(struct world *world, uint64_t number, const struct bx_context *fast,
    const struct bx_context *general, const struct bx_machine *fast_machine)
{
	struct bx_kcore *core = world->core;

	want_eq(fast, general);
	want_eq(fast_machine->domain_switches, world->machine.domain_switches);
	want_le(fast_machine->timer, world->machine.timer);
	forget(core, world->machine.now);
	same_pools(world, number);
}

static bool
limited(const struct bx_kcore *core, uint32_t account)
{
	return account != BX_NONE && core->threads[account].limited != 0;
}

/* Of a short way that left the account `from`. */
static void
count_budgets(const struct world *world, uint32_t from)
{
	const struct bx_kcore *core = world->core;
	uint32_t to = core->cpu.account;

	on_budgets += from == to && limited(core, to);
	budgets += from != to && (limited(core, from) || limited(core, to));
}

/* A fault: with `busy` above everything the short way declines. */
static void
compare_fault(struct world *world, uint32_t kind, uint64_t address, uint64_t code)
{
	struct bx_kcore *core = world->core;
	const struct bx_machine machine = world->machine;
	const struct bx_context *general, *fast = NULL;
	struct bx_machine fast_machine;
	uint32_t account = core->cpu.account;

	/* As in compare(). */
	if (machine.timer <= machine.now)
		return;
	memcpy(before, world->pools, world->pool_bytes);
	if (bx_fault_short(core, bx_core_current(core)) != NULL) {
		faults++;
		count_budgets(world, account);
		memcpy(world->pools, before, world->pool_bytes);
		world->machine = machine;
		world->machine.now_step = 0;
		fast = bx_kcore_fault(core, kind, address, code);
		forget(core, machine.now);
		memcpy(shortly, world->pools, world->pool_bytes);
		fast_machine = world->machine;

		memcpy(world->pools, before, world->pool_bytes);
		world->machine = machine;
		world->machine.now_step = 0;
		core->cpu.busy = BX_BUSY_ALWAYS;
		general = bx_kcore_fault(core, kind, address, code);
		same(world, BX_SYS_COUNT, fast, general, &fast_machine);
	}
	memcpy(world->pools, before, world->pool_bytes);
	world->machine = machine;
}

/* What only the tables of programs remember of page tables is no part of the state. */
static void
walks_forget(struct bx_kcore *core)
{
	for (uint32_t i = 0; i < core->program_count; i++)
		bx_space_forget(&core->programs[i]);
}

/* Counts a call that a short way has taken. */
static void
count(const struct world *world, uint64_t number, const struct bx_thread *thread)
{
	taken[number & 0xff]++;
	if ((number & BUFFERS) == 0)
		return;
	strings[number & 0xff] += thread->buffers.send_length != 0;
	memcpy(memory_shortly, world->memory, WORLD_MEMORY);
}

static void
compare(struct world *world)
{
	struct bx_kcore *core = world->core;
	const struct bx_machine machine = world->machine;
	const struct bx_context *general, *fast;
	struct bx_machine fast_machine;
	uint64_t number = world->context->number;
	const struct bx_thread *thread = bx_core_current(core);
	uint32_t account = core->cpu.account;

	/* What is due comes as an interrupt before a program can call: a short way does not look for it. */
	if (machine.timer <= machine.now)
		return;
	walks_forget(core);
	memcpy(before, world->pools, world->pool_bytes);
	if ((number & BUFFERS) != 0)
		memcpy(memory_before, world->memory, WORLD_MEMORY);
	/* A receive whose deadline has passed fails at once in general, and at the next timer event when
	 * a short way has queued it. */
	if (((number & ~BUFFERS) == BX_SYS_REPLY_RECEIVE || number == BX_SYS_RECEIVE) &&
	    world->context->value[2] <= machine.now)
		return;
	if (!take(world)) {
		walks_forget(core);
		forget(core, machine.now);
		memcpy(shortly, world->pools, world->pool_bytes);
		memcpy(world->pools, before, world->pool_bytes);
		forget(core, machine.now);
		same_pools(world, number);
		memcpy(world->pools, before, world->pool_bytes);
		return;
	}
	count(world, number, thread);
	count_budgets(world, account);
	memcpy(world->pools, before, world->pool_bytes);
	if ((number & BUFFERS) != 0)
		memcpy(world->memory, memory_before, WORLD_MEMORY);
	world->machine = machine;
	world->machine.now_step = 0;
	fast = bx_kcore_system_call(core);
	walks_forget(core);
	forget(core, machine.now);
	memcpy(shortly, world->pools, world->pool_bytes);
	fast_machine = world->machine;

	memcpy(world->pools, before, world->pool_bytes);
	if ((number & BUFFERS) != 0)
		memcpy(world->memory, memory_before, WORLD_MEMORY);
	world->machine = machine;
	world->machine.now_step = 0;
	core->cpu.system_calls++;
	general = bx_sched_system_call_long(core);
	walks_forget(core);
	same(world, number, fast, general, &fast_machine);
	if ((number & BUFFERS) != 0) {
		want(memcmp(memory_shortly, world->memory, WORLD_MEMORY) == 0);
		memcpy(world->memory, memory_before, WORLD_MEMORY);
	}
	memcpy(world->pools, before, world->pool_bytes);
	world->machine = machine;
}

START_TEST(fast1_short_ways_do_as_the_general)
{
	driver_make(&driver, NULL, 0, 0xfa57 + (uint64_t)_i);
	driver.calm = _i % 3 != 0;
	driver.wordy = _i >= SEEDS - 2;
	before = malloc(driver.world.pool_bytes);
	shortly = malloc(driver.world.pool_bytes);
	memory_before = malloc(WORLD_MEMORY);
	memory_shortly = malloc(WORLD_MEMORY);
	ck_assert(before != NULL && shortly != NULL && memory_before != NULL && memory_shortly != NULL);
	driver.before_call = compare;
	driver.before_fault = compare_fault;
	for (unsigned n = 0; n < STEPS; n++)
		ck_assert(driver_step(&driver));
	driver_end(&driver);
	free(before);
	free(shortly);
	free(memory_before);
	free(memory_shortly);
}
END_TEST

/* The sequences were no idle talk. */
START_TEST(fast1_short_ways_were_taken)
{
	for (unsigned number = 0; number < BX_SYS_COUNT; number++)
		if (least[number] != 0)
			ck_assert_uint_ge(taken[number], least[number]);
	ck_assert_uint_ge(strings[BX_SYS_CALL], 20);
	ck_assert_uint_ge(strings[BX_SYS_REPLY_RECEIVE], 2);
	ck_assert_uint_ge(faults, 50);
	ck_assert_uint_ge(fault_replies, 10);
	ck_assert_uint_ge(budgets, 100);
	ck_assert_uint_ge(on_budgets, 20);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("kcore-fast");
	TCase *all = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_set_timeout(all, 300);
	tcase_add_loop_test(all, fast1_short_ways_do_as_the_general, 0, SEEDS);
	tcase_add_test(all, fast1_short_ways_were_taken);
	suite_add_tcase(suite, all);
	runner = srunner_create(suite);
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
