/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_budget.c -- budgets and periods, to the tick: who runs, who is charged, who pays for a server.
 * The system is driver.h's; what a thread does in user mode is to let time pass.
 *
 *	thread 0	program 0, the background: never waits, no budget
 *	thread 2	program 1, a server
 *	thread 4	program 2, a caller
 *	thread 6	program 3, another caller
 */
#include <stdlib.h>

#include "driver.h"
#include "../src/thread.h"

#define MS		(WORLD_TICKS / 1000)
#define LATE		(world.machine.now + 1000 * WORLD_TICKS)
#define S		2u
#define A		4u
#define B		6u

static struct world world;
static uint64_t ran[DRIVER_THREADS], idle;	/* ticks in user mode, by thread */
static uint64_t charged[DRIVER_THREADS];	/* and by account */

struct plan {
	uint32_t priority[PROGRAMS];
	uint32_t budget_ms[PROGRAMS], period_ms[PROGRAMS];
	bool passive[PROGRAMS];
};

static struct bx_thread *
thread(uint32_t index)
{
	return &world.core->threads[index];
}

static struct bx_account *
account(uint32_t index)
{
	return &world.core->accounts[index];
}

static void
start(const struct plan *plan)
{
	struct build build = driver_build();

	for (uint32_t p = 0; p < PROGRAMS; p++) {
		build.programs[p].priority = plan->priority[p];
		build.programs[p].priority_max = 40;
		build.programs[p].budget_us = plan->budget_ms[p] * 1000;
		build.programs[p].period_us = plan->period_ms[p] * 1000;
		build.programs[p].flags |= plan->passive[p] ? BX_PROGRAM_PASSIVE : 0;
	}
	driver_world(&world, &build);
	for (uint32_t p = 1; p < PROGRAMS; p++)
		ck_assert_int_eq(world_start(&world, p), BX_OK);
	world.context = bx_sched_dispatch(world.core);
	memset(ran, 0, sizeof ran);
	memset(charged, 0, sizeof charged);
	idle = 0;
}

static void
teardown(void)
{
	if (world.core != NULL)
		world_end(&world);
}

/* Time passes in user mode; the timer fires when it is due. */
static void
run(uint64_t ticks)
{
	while (ticks > 0) {
		uint64_t wait = world.machine.timer > world.machine.now ?
		    world.machine.timer - world.machine.now : 0;
		uint64_t step = wait < ticks ? wait : ticks;
		uint32_t current = world_current(&world);

		if (current == BX_NONE)
			idle += step;
		else
			ran[current] += step;
		if (current != BX_NONE)
			charged[thread(current)->account] += step;
		world.machine.now += step;
		ticks -= step;
		if (world.machine.now >= world.machine.timer)
			world_pass(&world, 0);
	}
}

/* Nothing but this thread's turn is expected. */
static enum bx_err
say(uint32_t who, uint64_t number, uint64_t slot, uint64_t deadline, uint64_t reply)
{
	ck_assert_uint_eq(world_current(&world), who);
	world.context->reply = reply;
	return world_call(&world, number, slot, 0, deadline);
}

static void
sleep_for(uint32_t who, uint64_t ticks)
{
	say(who, BX_SYS_SLEEP, 0, world.machine.now + ticks, 0);
}

/* The end of a program is on its own account, though somebody else was chosen to run meanwhile. */
START_TEST(budget6_end_is_paid_by_who_ends)
{
	static const struct plan plan = {
		.priority = { 5, 20, 10, 5 }, .budget_ms = { 0, 1, 2, 0 }, .period_ms = { 0, 100, 10, 0 },
	};
	uint64_t before, passed;

	start(&plan);
	world.machine.now_step = 10000;
	before = world.machine.now;
	say(S, BX_SYS_EXIT, 0, 0, 0);
	ck_assert_uint_eq(world_current(&world), A);
	ck_assert_uint_eq(world.core->programs[1].state, BX_PROGRAM_EXITED);
	passed = world.machine.now - before;
	world.machine.now_step = 0;
	bx_sched_charge(world.core, world.machine.now);
	ck_assert_uint_ge(passed, 100000);
	ck_assert_uint_ge(world.core->programs[1].cpu_ticks, passed - 30000);
	ck_assert_int_le(account(S)->left, (int64_t)(MS - passed + 30000));
	ck_assert_uint_le(thread(A)->cpu_ticks, 30000);
	ck_assert_int_ge(account(A)->left, (int64_t)(2 * MS - 30000));
}
END_TEST

/* ---- one account */

/* A thread above all others gets its budget in each period, to the tick, and nothing more. */
START_TEST(budget1_greedy_gets_its_budget)
{
	static const struct plan plan = {
		.priority = { 10, 30, 20, 9 }, .budget_ms = { 0, 2, 3, 0 }, .period_ms = { 0, 10, 20, 0 },
	};

	start(&plan);
	run(1000 * MS);
	ck_assert_uint_eq(ran[S], 200 * MS);
	ck_assert_uint_eq(ran[A], 150 * MS);
	ck_assert_uint_eq(ran[0], 650 * MS);
	ck_assert_uint_eq(ran[B], 0);
	ck_assert_uint_eq(account(S)->throttles, 100);
	bx_sched_charge(world.core, world.machine.now);
	ck_assert_uint_eq(thread(S)->cpu_ticks, 200 * MS);
}
END_TEST

/* Equals: those without a budget share what is left by slices. */
START_TEST(budget1_greedy_among_equals)
{
	static const struct plan plan = {
		.priority = { 10, 10, 10, 10 }, .budget_ms = { 0, 5, 0, 0 },
		.period_ms = { 0, 100, 0, 0 },
	};

	start(&plan);
	run(10000 * MS);
	ck_assert_uint_le(ran[S], 500 * MS);
	ck_assert_uint_ge(ran[S], 350 * MS);	/* comes back, and waits for up to three slices */
	ck_assert_uint_ge(ran[0], 3150 * MS);
	ck_assert_uint_ge(ran[A], 3150 * MS);
	ck_assert_uint_ge(ran[B], 3150 * MS);
	ck_assert_uint_eq(idle, 0);
}
END_TEST

/* A budget as long as its period is no limit, and never runs out for good. */
START_TEST(budget1_whole_period)
{
	static const struct plan plan = {
		.priority = { 10, 30, 9, 9 }, .budget_ms = { 0, 10, 0, 0 }, .period_ms = { 0, 10, 0, 0 },
	};

	start(&plan);
	run(1000 * MS);
	ck_assert_uint_eq(ran[S], 1000 * MS);
	ck_assert_uint_eq(account(S)->throttles, 0);
}
END_TEST

/* Whoever is idle needs no timer; what has come back meanwhile is there. */
START_TEST(budget1_refills_without_a_timer)
{
	static const struct plan plan = {
		.priority = { 10, 30, 9, 9 }, .budget_ms = { 0, 2, 0, 0 }, .period_ms = { 0, 10, 0, 0 },
	};

	start(&plan);
	run(1 * MS);
	sleep_for(S, 100 * MS);
	ck_assert_uint_eq(world.machine.timer, world.machine.now + 100 * MS);
	run(100 * MS);
	ck_assert_uint_eq(world.machine.timer, world.machine.now + 2 * MS);
	run(5 * MS);
	ck_assert_uint_eq(ran[S], 3 * MS);
}
END_TEST

/* What was used too much, because the timer came late, is missing afterwards. */
START_TEST(budget1_overrun_is_paid_back)
{
	static const struct plan plan = {
		.priority = { 10, 30, 9, 9 }, .budget_ms = { 0, 2, 0, 0 }, .period_ms = { 0, 10, 0, 0 },
	};

	start(&plan);
	world_pass(&world, 3 * MS);
	ck_assert_uint_eq(world_current(&world), 0);
	ck_assert_int_eq(account(S)->left, -(int64_t)MS);
	run(7 * MS);
	ck_assert_uint_eq(world_current(&world), S);
	run(10 * MS);
	ck_assert_uint_eq(ran[S], 2 * MS);
}
END_TEST

/* Five overruns of more than the budget: the debt is several periods long, and nothing is lost. */
START_TEST(budget1_long_overrun)
{
	static const struct plan plan = {
		.priority = { 10, 30, 9, 9 }, .budget_ms = { 0, 1, 0, 0 }, .period_ms = { 0, 10, 0, 0 },
	};

	start(&plan);
	world_pass(&world, 35 * MS);
	ck_assert_int_eq(account(S)->left, 1 * (int64_t)MS);	/* it has come back already */
	ck_assert_uint_eq(world_current(&world), S);
	run(100 * MS);
	ck_assert_uint_eq(ran[S], 10 * MS);
}
END_TEST

/* A program that ends and starts again has what it had. */
START_TEST(budget1_restart_gives_no_time)
{
	static const struct plan plan = {
		.priority = { 10, 30, 9, 9 }, .budget_ms = { 0, 2, 0, 0 }, .period_ms = { 0, 10, 0, 0 },
	};

	start(&plan);
	for (unsigned i = 0; i < 5; i++) {
		run(1 * MS);
		world_stop(&world, 1, BX_PROGRAM_KILLED);
		ck_assert_int_eq(world_start(&world, 1), BX_OK);
		world.context = bx_sched_dispatch(world.core);
	}
	ck_assert_uint_eq(ran[S], 2 * MS);
	run(5 * MS);
	ck_assert_uint_eq(world_current(&world), S);
	run(90 * MS);
	ck_assert_uint_eq(ran[S], 20 * MS);
}
END_TEST

/* In no stretch of one period is more used than the budget, whatever the thread does: an independent
 * look at every stretch that begins where a go begins. */
START_TEST(budget2_no_period_with_more_than_the_budget)
{
	static const struct plan plan = {
		.priority = { 10, 30, 20, 9 }, .budget_ms = { 0, 3, 7, 0 }, .period_ms = { 0, 10, 31, 0 },
	};
	enum { GOES = 4000 };
	static struct { uint64_t from, to; } goes[GOES];
	const uint32_t who = _i < 8 ? S : A;
	const uint64_t budget = (_i < 8 ? 3 : 7) * MS, period = (_i < 8 ? 10 : 31) * MS;
	uint64_t seed = 0x1234567 + (uint64_t)_i * 77, total = 0, began;
	unsigned count = 0;

	start(&plan);
	began = world.machine.now;
	while (count < GOES) {
		uint32_t current = world_current(&world);
		uint64_t from = world.machine.now, wait = world.machine.timer - from, step;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		step = (seed >> 33) % (2 * MS);
		if (step > wait)
			step = wait;
		run(step);
		if (current == who && step > 0) {
			goes[count].from = from;
			goes[count++].to = from + step;
			total += step;
		}
		current = world_current(&world);
		if (current == 0 || current == BX_NONE || (seed >> 20) % 3 == 0)
			continue;
		step = 1 + (seed >> 40) % (4 * MS);
		/* Often to just before, or at, the tick when something comes back. */
		if ((seed >> 25) % 2 != 0 && account(current)->refill_count > 0 &&
		    account(current)->refills[0].at > world.machine.now + 1)
			step = account(current)->refills[0].at - world.machine.now - (seed >> 30) % 2;
		sleep_for(current, step);
	}
	for (unsigned i = 0; i < GOES; i++) {
		uint64_t used = 0, end = goes[i].from + period;

		for (unsigned j = i; j < GOES && goes[j].from < end; j++)
			used += (goes[j].to < end ? goes[j].to : end) - goes[j].from;
		ck_assert_uint_le(used, budget);
	}
	/* And the thread is not starved: it has at least half of what it may, here. */
	ck_assert_uint_ge(total * period * 2, (world.machine.now - began) * budget / 2);
	ck_assert_uint_gt(account(who)->throttles, 10);
}
END_TEST

/* What the current thread says, by the short ways or in general. */
static void
say_by(bool shortly, uint64_t number, uint64_t slot, uint64_t value)
{
	world.context->number = number;
	world.context->value[0] = slot;
	world.context->value[1] = value;
	world.context->value[2] = LATE;
	world.context->reply = REPLY_SLOT;
	world.context = shortly ? bx_kcore_system_call(world.core) :
	    bx_sched_system_call_long(world.core);
}

/* Two equals yield, send and signal to a server above them; time passes in between. */
static void
busy(const struct plan *plan, bool shortly)
{
	uint64_t seed = 0x5eed, began;

	start(plan);
	say(S, BX_SYS_NOTIFICATION_BIND, NOTE_READ, 0, 0);
	began = world.machine.now;
	for (unsigned n = 0; n < 20000; n++) {
		uint32_t current = world_current(&world);

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		if (current == S)
			say_by(shortly, BX_SYS_RECEIVE, EP_A, 0);
		else if (current != A && current != B)
			run(MS / 10);
		else if (seed >> 62 == 0)
			say_by(shortly, BX_SYS_YIELD, 0, 0);
		else if (seed >> 62 == 1)
			say_by(shortly, BX_SYS_SIGNAL, NOTE, 0);
		else
			say_by(shortly, BX_SYS_SEND, EP_A, 0);
		run((seed >> 33) % (MS / 50));
	}
	bx_sched_charge(world.core, world.machine.now);
	for (uint32_t i = 0; i < DRIVER_THREADS; i++) {
		ck_assert_uint_eq(thread(i)->cpu_ticks, charged[i]);
		began += charged[i];
	}
	ck_assert_uint_eq(world.machine.now, began + idle);
	ck_assert_uint_eq(world.core->cpu.idle_ticks, idle);
}

/* Every tick is charged, to the account that ran: the sum of all is the time that has passed.  And who ran
 * how long, and had how much left when, is the same whichever way was taken. */
START_TEST(budget2_every_tick_is_charged)
{
	static const struct plan plans[] = {
		{ { 10, 30, 20, 20 }, { 0, 900, 900, 900 }, { 0, 1000, 1000, 1000 }, { false } },
		{ { 10, 30, 20, 20 }, { 0, 2, 5, 7 }, { 0, 10, 20, 31 }, { false } },
		{ { 10, 30, 20, 20 }, { 0, 0, 5, 0 }, { 0, 0, 10, 0 }, { false } },
	};
	uint64_t ticks[DRIVER_THREADS], now;
	struct bx_account accounts[DRIVER_THREADS];

	busy(&plans[_i], true);
	now = world.machine.now;
	for (uint32_t i = 0; i < DRIVER_THREADS; i++) {
		ticks[i] = charged[i];
		accounts[i] = *account(i);
	}
	ck_assert_uint_eq(account(S)->throttles > 0, _i == 1);
	ck_assert_uint_gt(charged[S], MS);
	ck_assert_uint_gt(charged[A], MS);
	ck_assert_uint_gt(charged[B], MS);
	world_end(&world);
	busy(&plans[_i], false);
	ck_assert_uint_eq(world.machine.now, now);
	ck_assert_mem_eq(charged, ticks, sizeof ticks);
	for (uint32_t i = 0; i < DRIVER_THREADS; i++) {
		ck_assert_int_eq(account(i)->left, accounts[i].left);
		ck_assert_uint_eq(account(i)->throttles, accounts[i].throttles);
	}
}
END_TEST

/* ---- a call, and whose time it takes */

static const struct plan server_plan = {		/* a passive server, a limited caller */
	.priority = { 1, 20, 10, 15 }, .budget_ms = { 0, 0, 1, 0 }, .period_ms = { 0, 0, 10, 0 },
	.passive = { false, true, false, false },
};

/* The server waits for calls, B sleeps for `b_sleeps`, and A has called. */
static void
server_called(const struct plan *plan, uint64_t b_sleeps)
{
	start(plan);
	say(S, BX_SYS_RECEIVE, EP_A, LATE, REPLY_SLOT);
	sleep_for(B, b_sleeps);
	say(A, BX_SYS_CALL, EP_A, LATE, BX_SLOT_NONE);
	ck_assert_uint_eq(world_current(&world), S);
	ck_assert_uint_eq(thread(S)->account, A);
}

/* The server stops with the caller's budget, and goes on with it. */
START_TEST(budget3_passive_server_runs_on_its_callers)
{
	server_called(&server_plan, 1000 * MS);
	run(30 * MS);
	ck_assert_uint_eq(ran[S], 3 * MS);
	ck_assert_uint_eq(ran[0], 27 * MS);
	ck_assert_uint_eq(world_current(&world), S);
	bx_sched_charge(world.core, world.machine.now);
	ck_assert_uint_eq(thread(A)->cpu_ticks, 3 * MS);
	ck_assert_uint_eq(thread(S)->cpu_ticks, 0);
	run(MS / 2);
	say(S, BX_SYS_REPLY_RECEIVE, EP_A, LATE, REPLY_SLOT);
	ck_assert_uint_eq(world_current(&world), A);
	run(MS);
	ck_assert_uint_eq(ran[A], MS / 2);
	ck_assert_uint_eq(ran[S] + ran[A], 4 * MS);
}
END_TEST

/* The short way keeps no books: a thousand calls make one go. */
START_TEST(budget3_calls_on_one_account_cost_no_accounting)
{
	server_called(&server_plan, 1000 * MS);
	for (unsigned i = 0; i < 100; i++) {
		run(1000);
		say(S, BX_SYS_REPLY_RECEIVE, EP_A, LATE, REPLY_SLOT);
		run(1000);
		say(A, BX_SYS_CALL, EP_A, LATE, BX_SLOT_NONE);
	}
	ck_assert_uint_eq(account(A)->refill_count, 0);
	run(MS);
	ck_assert_uint_eq(ran[S] + ran[A], MS);
	ck_assert_uint_eq(account(A)->refill_count, 1);
}
END_TEST

/* A server with time of its own is not held up by a caller without, and leaves its own time again. */
START_TEST(budget3_server_with_time_goes_on)
{
	static const struct plan plan = {
		.priority = { 1, 20, 10, 15 }, .budget_ms = { 0, 0, 1, 0 }, .period_ms = { 0, 0, 10, 0 },
	};

	server_called(&plan, 1000 * MS);
	run(1 * MS);
	ck_assert_uint_eq(world_current(&world), S);
	ck_assert_uint_eq(thread(S)->account, S);
	run(9 * MS);
	ck_assert_uint_eq(thread(S)->account, A);
	run(1 * MS);
	ck_assert_uint_eq(thread(S)->account, S);
	say(S, BX_SYS_REPLY_RECEIVE, EP_A, LATE, REPLY_SLOT);
	/* One answer is all that the caller has got from it: now it waits. */
	ck_assert_uint_eq(world_current(&world), 0);
	ck_assert_uint_eq(thread(A)->parked, A);
	bx_sched_charge(world.core, world.machine.now);
	ck_assert_uint_eq(thread(S)->cpu_ticks, 9 * MS);
	ck_assert_uint_eq(thread(A)->cpu_ticks, 2 * MS);
}
END_TEST

/* The caller goes: its server has nobody's time, until somebody waits for it. */
START_TEST(budget4_caller_leaves)
{
	server_called(&server_plan, 20 * MS);
	run(MS / 2);
	if (_i == 0) {
		world_stop(&world, 2, BX_PROGRAM_KILLED);
		world.context = bx_sched_dispatch(world.core);
	} else if (_i == 1) {
		bx_thread_stop(world.core, thread(A));
		world.context = bx_sched_dispatch(world.core);
	} else {
		thread(A)->deadline = world.machine.now;
		bx_timer_add(world.core, thread(A), world.machine.now);
		world_pass(&world, 0);
		ck_assert_int_eq(world_result(&world, A), BX_ERR_TIMEOUT);
		ck_assert_uint_eq(world_current(&world), A);
		sleep_for(A, 1000 * MS);
	}
	ck_assert_uint_eq(world_current(&world), 0);
	ck_assert_uint_eq(thread(S)->state, BX_THREAD_READY);
	ck_assert_uint_eq(thread(S)->account, S);
	ck_assert_uint_eq(thread(S)->parked, S);
	run(20 * MS - MS / 2);
	ck_assert_uint_eq(world_current(&world), B);
	say(B, BX_SYS_CALL, EP_A, LATE, BX_SLOT_NONE);
	ck_assert_uint_eq(thread(S)->account, B);
	ck_assert_uint_eq(thread(S)->helper, B);
	run(3 * MS);
	ck_assert_uint_eq(ran[S], MS / 2 + 3 * MS);
	say(S, BX_SYS_RECEIVE, EP_A, LATE, REPLY_SLOT + 1);
	ck_assert_uint_eq(thread(S)->helper, BX_NONE);
	ck_assert_uint_eq(thread(S)->clients, B);
	say(S, BX_SYS_REPLY, REPLY_SLOT + 1, 0, 0);
	ck_assert_uint_eq(world_current(&world), B);
}
END_TEST

/* A caller without time keeps no other waiting: who queues pays for what is left of its request, and
 * nobody in between gets in.  Bounded inversion: B waits as long as the server works, no longer. */
START_TEST(budget4_who_queues_pays)
{
	server_called(&server_plan, 5 * MS);
	run(5 * MS);
	ck_assert_uint_eq(ran[S], 1 * MS);
	say(B, BX_SYS_CALL, EP_A, LATE, BX_SLOT_NONE);
	ck_assert_uint_eq(world_current(&world), S);
	ck_assert_uint_eq(thread(S)->account, B);
	run(2 * MS);
	ck_assert_uint_eq(ran[S], 3 * MS);
	say(S, BX_SYS_REPLY_RECEIVE, EP_A, LATE, REPLY_SLOT);
	/* A has its answer, and no time to see it; B's call is in work. */
	ck_assert_uint_eq(world_current(&world), S);
	ck_assert_uint_eq(thread(S)->clients, B);
	ck_assert_uint_eq(thread(A)->state, BX_THREAD_READY);
	run(1 * MS);
	say(S, BX_SYS_REPLY_RECEIVE, EP_A, LATE, REPLY_SLOT);
	ck_assert_uint_eq(world_current(&world), B);
	bx_sched_charge(world.core, world.machine.now);
	ck_assert_uint_eq(thread(B)->cpu_ticks, 3 * MS);
	ck_assert_uint_eq(thread(A)->cpu_ticks, 1 * MS);
}
END_TEST

/* A server with time of its own uses that first; when it is gone, whoever queues pays, until it has some
 * again. */
START_TEST(budget4_who_queues_pays_for_one_with_a_budget)
{
	static const struct plan plan = {
		.priority = { 1, 20, 10, 15 }, .budget_ms = { 0, 1, 0, 0 }, .period_ms = { 0, 10, 0, 0 },
	};

	start(&plan);
	say(S, BX_SYS_RECEIVE, EP_A, world.machine.now + MS, REPLY_SLOT);
	sleep_for(B, 1 * MS);
	sleep_for(A, 1000 * MS);
	run(1 * MS);
	ck_assert_uint_eq(world_current(&world), S);
	sleep_for(S, 1 * MS);
	say(B, BX_SYS_CALL, EP_A, LATE, BX_SLOT_NONE);
	ck_assert_uint_eq(thread(B)->state, BX_THREAD_SENDING);
	run(2 * MS);
	ck_assert_uint_eq(ran[S], 1 * MS);
	ck_assert_uint_eq(world_current(&world), S);
	ck_assert_uint_eq(thread(S)->account, B);
	run(9 * MS);
	ck_assert_uint_eq(ran[S], 10 * MS);
	ck_assert_uint_eq(thread(S)->account, S);
}
END_TEST

/* When the one who pays gives up, the server stops again; and goes on with the first caller's refill. */
START_TEST(budget4_who_pays_gives_up)
{
	server_called(&server_plan, 5 * MS);
	run(5 * MS);
	say(B, BX_SYS_CALL, EP_A, world.machine.now + 2 * MS, BX_SLOT_NONE);
	run(2 * MS);
	ck_assert_int_eq(world_result(&world, B), BX_ERR_TIMEOUT);
	ck_assert_uint_eq(world_current(&world), B);
	ck_assert_uint_eq(thread(S)->account, A);
	sleep_for(B, 1000 * MS);
	ck_assert_uint_eq(world_current(&world), 0);
	run(3 * MS);
	ck_assert_uint_eq(world_current(&world), S);
	ck_assert_uint_eq(ran[S], 3 * MS);
}
END_TEST

/* What is not prevented (decision 11): A has 1 ms of 10, and gives each call up after 10 us of the 1 ms that
 * the server works for it: all but that is the server's.  A budget of the server's own, 2 ms of 10 in the
 * second plan, bounds it, and the background goes on. */
START_TEST(budget4_abandoned_requests)
{
	static const struct plan plans[] = {
		{ { 1, 20, 10, 15 }, { 0, 0, 1, 0 }, { 0, 0, 10, 0 }, { false } },
		{ { 1, 20, 10, 15 }, { 0, 2, 1, 0 }, { 0, 10, 10, 0 }, { false } },
	};
	uint64_t began, calls = 0;

	start(&plans[_i]);
	say(S, BX_SYS_RECEIVE, EP_A, LATE, REPLY_SLOT);
	sleep_for(B, 1000 * MS);
	began = world.machine.now;
	while (world.machine.now < began + 100 * MS) {
		if (world_current(&world) == A) {
			say(A, BX_SYS_CALL, EP_A, world.machine.now + MS / 100, BX_SLOT_NONE);
			calls++;
		}
		run(MS / 100);
		if (ran[S] >= calls * MS && world_current(&world) == S)
			say(S, BX_SYS_REPLY_RECEIVE, EP_A, LATE, REPLY_SLOT);
	}
	bx_sched_charge(world.core, world.machine.now);
	ck_assert_uint_eq(world.machine.now, began + 100 * MS);
	ck_assert_uint_le(thread(A)->cpu_ticks, 10 * MS);
	if (_i == 0) {
		ck_assert_uint_eq(calls, 100);
		ck_assert_uint_eq(thread(A)->cpu_ticks, 1 * MS);
		ck_assert_uint_eq(thread(S)->cpu_ticks, 99 * MS);
	} else {
		ck_assert_uint_eq(thread(S)->cpu_ticks, 20 * MS);
		ck_assert_uint_ge(thread(0)->cpu_ticks, 70 * MS);
	}
}
END_TEST

/* Also when one of higher priority queues behind it, which pays then. */
START_TEST(budget4_next_in_the_queue_pays)
{
	static const struct plan plan = {
		.priority = { 30, 20, 10, 15 }, .budget_ms = { 0, 0, 1, 0 }, .period_ms = { 0, 0, 10, 0 },
		.passive = { false, true, false, false },
	};

	start(&plan);
	sleep_for(0, 6 * MS);
	say(S, BX_SYS_RECEIVE, EP_A, LATE, REPLY_SLOT);
	sleep_for(B, 5 * MS);
	say(A, BX_SYS_CALL, EP_A, LATE, BX_SLOT_NONE);
	run(5 * MS);
	say(B, BX_SYS_CALL, EP_A, world.machine.now + 2 * MS, BX_SLOT_NONE);
	run(1 * MS);
	say(0, BX_SYS_CALL, EP_A, LATE, BX_SLOT_NONE);
	ck_assert_uint_eq(thread(S)->helper, B);
	run(1 * MS);
	ck_assert_int_eq(world_result(&world, B), BX_ERR_TIMEOUT);
	ck_assert_uint_eq(thread(S)->helper, 0);
	ck_assert_uint_eq(thread(S)->account, 0);
	ck_assert_uint_eq(world_current(&world), S);
}
END_TEST

/* Who queues may run out of time too; the first refill lets the server go on, whosever it is. */
START_TEST(budget4_both_run_out)
{
	static const struct plan plan = {
		.priority = { 1, 20, 10, 15 }, .budget_ms = { 0, 0, 1, 2 }, .period_ms = { 0, 0, 50, 20 },
		.passive = { false, true, false, false },
	};

	server_called(&plan, 5 * MS);
	run(5 * MS);
	say(B, BX_SYS_CALL, EP_A, LATE, BX_SLOT_NONE);
	run(5 * MS);
	ck_assert_uint_eq(ran[S], 3 * MS);
	ck_assert_uint_eq(world_current(&world), 0);
	ck_assert_uint_eq(thread(A)->parked, S);
	run(15 * MS);				/* 25 ms: B's refill, 20 ms after it began to pay */
	ck_assert_uint_eq(world_current(&world), S);
	ck_assert_uint_eq(thread(S)->account, B);
	run(25 * MS);				/* 50 ms: A's */
	ck_assert_uint_eq(thread(S)->account, A);
	ck_assert_uint_eq(ran[S], 5 * MS + 2 * MS);
}
END_TEST

/* The same along a chain: A calls S, S calls the background; A runs out, B queues at S. */
START_TEST(budget5_chain)
{
	static const struct plan plan = {
		.priority = { 5, 30, 10, 35 }, .budget_ms = { 100, 0, 1, 0 },
		.period_ms = { 1000, 0, 10, 0 }, .passive = { false, true, false, false },
	};

	start(&plan);
	sleep_for(B, 5 * MS);
	say(S, BX_SYS_RECEIVE, EP_A, LATE, REPLY_SLOT);
	sleep_for(A, 2);
	say(0, BX_SYS_RECEIVE, EP_B, LATE, REPLY_SLOT);
	run(2);
	say(A, BX_SYS_CALL, EP_A, LATE, BX_SLOT_NONE);
	say(S, BX_SYS_CALL, EP_B, LATE, BX_SLOT_NONE);
	ck_assert_uint_eq(world_current(&world), 0);
	ck_assert_uint_eq(thread(0)->account, A);
	run(1 * MS);
	ck_assert_uint_eq(thread(0)->account, 0);	/* it has time of its own */
	ck_assert_uint_eq(thread(S)->account, A);	/* S has none, and waits */
	run(4 * MS - 2);
	say(B, BX_SYS_CALL, EP_A, LATE, BX_SLOT_NONE);
	ck_assert_uint_eq(thread(S)->account, B);
	ck_assert_uint_eq(thread(0)->account, B);	/* a client that can pay comes first */
	ck_assert_uint_eq(world_current(&world), 0);
	run(1 * MS);
	bx_sched_charge(world.core, world.machine.now);
	ck_assert_uint_eq(thread(0)->cpu_ticks, 4 * MS - 2);
	ck_assert_uint_eq(thread(B)->cpu_ticks, 1 * MS);
	/* When B gives up the last one in the chain pays itself again, and after the refill A. */
	world_stop(&world, 3, BX_PROGRAM_KILLED);
	ck_assert_uint_eq(world_current(&world), 0);
	ck_assert_uint_eq(thread(S)->account, A);
	ck_assert_uint_eq(thread(0)->account, 0);
	run(4 * MS + 2);
	ck_assert_uint_eq(thread(0)->account, A);
	ck_assert_uint_eq(world_current(&world), 0);
	say(0, BX_SYS_REPLY_RECEIVE, EP_B, LATE, REPLY_SLOT);
	ck_assert_uint_eq(world_current(&world), S);
	ck_assert_uint_eq(thread(S)->account, A);
}
END_TEST

/* A calls the background, which queues for a server of more priority that has no time: whose time that is, is found out
 * in steps when A's is over, and before somebody of a priority between. */
START_TEST(budget5_last_of_the_line_is_above_who_runs)
{
	static const struct plan plan = {
		.priority = { 5, 30, 10, 20 }, .budget_ms = { 0, 0, 2, 0 }, .period_ms = { 0, 0, 10, 0 },
		.passive = { false, true, false, false },
	};

	start(&plan);
	say(S, BX_SYS_RECEIVE, EP_A, world.machine.now + MS / 2, REPLY_SLOT);
	sleep_for(B, 2 * MS);
	sleep_for(A, MS);
	say(0, BX_SYS_RECEIVE, EP_B, LATE, REPLY_SLOT);
	run(MS);
	ck_assert_uint_eq(thread(S)->parked, S);
	say(A, BX_SYS_CALL, EP_B, LATE, BX_SLOT_NONE);
	say(0, BX_SYS_CALL, EP_A, LATE, BX_SLOT_NONE);
	ck_assert_uint_eq(world_current(&world), S);
	ck_assert_uint_eq(thread(S)->account, A);
	run(3 * MS);
	ck_assert_uint_eq(world_current(&world), S);
	ck_assert_uint_eq(thread(S)->account, 0);
	ck_assert_uint_eq(ran[S], 3 * MS);
	ck_assert_uint_eq(ran[B], 0);
}
END_TEST

/* A message without an answer, or a signal, brings no time: it is seen with the next call. */
START_TEST(budget5_passive_server_without_a_caller)
{
	start(&server_plan);
	say(S, BX_SYS_NOTIFICATION_BIND, NOTE_READ, 0, 0);
	say(S, BX_SYS_RECEIVE, EP_A, LATE, REPLY_SLOT);
	if (_i == 0) {
		say(B, BX_SYS_SEND, EP_A, LATE, 0);
	} else {
		bx_notification_signal(world.core, 1, 1);
		world.context = bx_sched_dispatch(world.core);
	}
	ck_assert_uint_eq(world_current(&world), B);
	ck_assert_uint_eq(thread(S)->state, BX_THREAD_READY);
	sleep_for(B, 5 * MS);
	ck_assert_uint_eq(world_current(&world), A);
	sleep_for(A, 100 * MS);
	run(5 * MS);
	ck_assert_uint_eq(ran[S], 0);
	say(B, BX_SYS_CALL, EP_A, LATE, BX_SLOT_NONE);
	ck_assert_uint_eq(world_current(&world), S);
	ck_assert_int_eq(world_result(&world, S), BX_OK);
	say(S, BX_SYS_RECEIVE, EP_A, LATE, REPLY_SLOT);
	ck_assert_uint_eq(world_current(&world), S);
	ck_assert_uint_eq(thread(S)->clients, B);
}
END_TEST

/* Until it serves, a passive program has a tenth of the processor; also when it starts again. */
START_TEST(budget5_passive_start)
{
	start(&server_plan);
	sleep_for(S, 1);
	sleep_for(B, 1000 * MS);
	sleep_for(A, 1000 * MS);
	run(300 * MS);
	ck_assert_uint_eq(ran[S], 30 * MS);
	run(1);
	say(S, BX_SYS_RECEIVE, EP_A, world.machine.now + MS, REPLY_SLOT);
	ck_assert_uint_eq(world_current(&world), 0);
	run(500 * MS);
	ck_assert_int_eq(world_result(&world, S), BX_ERR_TIMEOUT);
	ck_assert_uint_eq(thread(S)->parked, S);
	ck_assert_uint_eq(ran[S], 30 * MS);
	world_stop(&world, 1, BX_PROGRAM_KILLED);
	ck_assert_int_eq(world_start(&world, 1), BX_OK);
	world.context = bx_sched_dispatch(world.core);
	run(10 * MS);
	ck_assert_uint_eq(ran[S], 40 * MS);
}
END_TEST

/* A start gives no more of it: whoever is started again and again has a tenth, too, whether it has served or not. */
START_TEST(budget5_passive_restarts)
{
	start(&server_plan);
	sleep_for(S, 1);
	sleep_for(B, 100000 * MS);
	sleep_for(A, 100000 * MS);
	for (unsigned life = 0; life < 50; life++) {
		run(9 * MS);
		if (_i == 1 && world_current(&world) == S)
			say(S, BX_SYS_RECEIVE, EP_A, 0, REPLY_SLOT);
		world_stop(&world, 1, BX_PROGRAM_KILLED);
		ck_assert_int_eq(world_start(&world, 1), BX_OK);
		world.context = bx_sched_dispatch(world.core);
	}
	ck_assert_uint_le(ran[S], 55 * MS);
	ck_assert_uint_ge(ran[S], 36 * MS);
}
END_TEST

/* Also by a receive that finds nothing and does not wait. */
START_TEST(budget5_passive_start_ends_by_a_look)
{
	start(&server_plan);
	say(S, BX_SYS_RECEIVE, EP_A, 0, REPLY_SLOT);
	ck_assert_int_eq(world_result(&world, S), BX_ERR_WOULD_BLOCK);
	ck_assert_uint_eq(world_current(&world), B);
	ck_assert_uint_eq(thread(S)->parked, S);
	run(30 * MS);
	ck_assert_uint_eq(ran[S], 0);
}
END_TEST

/* A string that a passive server takes from a sender in steps is on the sender's time to the end. */
START_TEST(budget5_string_in_steps)
{
	static const struct bx_ipc_buffers from = {
		.send_address = ELF_DATA, .send_length = 60000, .send_slot = BX_SLOT_NONE,
		.receive_slot = BX_SLOT_NONE,
	}, to = {
		.receive_address = ELF_DATA, .receive_capacity = 65536, .send_slot = BX_SLOT_NONE,
		.receive_slot = BX_SLOT_NONE,
	};
	const uint64_t number = _i == 0 ? BX_SYS_CALL : BX_SYS_SEND;

	server_called(&server_plan, 5 * MS);
	run(5 * MS);				/* A has no time; B comes, and queues */
	user_put(&world, 3, ELF_DATA + 64 * 1024, &from, sizeof from);
	user_put(&world, 1, ELF_DATA + 64 * 1024, &to, sizeof to);
	thread(B)->context.buffers = ELF_DATA + 64 * 1024;
	say(B, number | BX_IPC_BUFFERS << 8, EP_A, LATE, BX_SLOT_NONE);
	ck_assert_uint_eq(thread(B)->state, BX_THREAD_SENDING);
	ck_assert_uint_eq(world_current(&world), S);
	world.machine.interrupt_every = 1;
	thread(S)->context.buffers = ELF_DATA + 64 * 1024;
	say(S, BX_SYS_RECEIVE | BX_IPC_BUFFERS << 8, EP_A, LATE, REPLY_SLOT + 1);
	ck_assert_uint_eq(thread(S)->transfer, B);
	for (unsigned n = 0; thread(S)->transfer != BX_NONE; n++) {
		ck_assert_uint_eq(thread(S)->account, B);
		ck_assert_uint_eq(thread(S)->helper, B);
		ck_assert_uint_lt(n, 6);
		world_pass(&world, 1);
	}
	world.machine.interrupt_every = 0;
	world_pass(&world, 1);
	ck_assert_uint_eq(thread(S)->helper, BX_NONE);
	/* A one-way message leaves the server on the first caller's account. */
	ck_assert_uint_eq(thread(S)->account, _i == 0 ? B : A);
	ck_assert_uint_eq(world_current(&world), _i == 0 ? S : B);
}
END_TEST

/* Another thread of the server takes over, or the server turns to another endpoint: whoever paid for
 * the first one pays no more, but for who serves there now. */
START_TEST(budget5_server_moves)
{
	struct bx_endpoint *ep;

	server_called(&server_plan, 5 * MS);
	run(5 * MS);
	say(B, BX_SYS_CALL, EP_A, LATE, BX_SLOT_NONE);
	ck_assert_uint_eq(thread(S)->helper, B);
	ep = &world.core->endpoints[0];
	if (_i == 0) {
		bx_sched_serve(world.core, ep, thread(S + 1));
		ck_assert_uint_eq(ep->server_thread, S + 1);
	} else {
		bx_sched_serve(world.core, &world.core->endpoints[1], thread(S));
		ep->server_thread = BX_NONE;
	}
	ck_assert_uint_eq(thread(S)->helper, BX_NONE);
	ck_assert_uint_eq(thread(B)->helps, _i == 0 ? (uint32_t)(S + 1) : BX_NONE);
	ck_assert_uint_eq(thread(S)->account, A);
	world.context = bx_sched_dispatch(world.core);
	ck_assert_uint_eq(world_current(&world), 0);
	world_sound(&world);
}
END_TEST

/* A parked thread is stopped, resumed, and given another priority as any other. */
START_TEST(budget5_parked_thread_is_managed)
{
	server_called(&server_plan, 1000 * MS);
	run(2 * MS);
	ck_assert_uint_eq(thread(A)->parked, S);
	thread(S)->priority_base = 25;
	bx_sched_unlend(world.core, thread(S));
	ck_assert_uint_eq(thread(S)->priority, 25);
	ck_assert_uint_eq(thread(A)->parked, S);
	bx_thread_stop(world.core, thread(S));
	ck_assert_uint_eq(thread(A)->parked, BX_NONE);
	world.context = bx_sched_dispatch(world.core);
	world_sound(&world);
	bx_thread_ready(world.core, thread(S));
	world.context = bx_sched_dispatch(world.core);
	ck_assert_uint_eq(thread(A)->parked, S);
	ck_assert_uint_eq(world_current(&world), 0);
	run(8 * MS);
	ck_assert_uint_eq(world_current(&world), S);
}
END_TEST

/* What an observer sees. */
START_TEST(budget6_inspection)
{
	struct bx_info_thread info;

	server_called(&server_plan, 1000 * MS);
	run(2 * MS);
	ck_assert_uint_eq(world_current(&world), 0);
	world.context->word[0] = ELF_DATA;
	world.context->word[1] = sizeof info;
	ck_assert_int_eq(world_call(&world, BX_SYS_INSPECT, AUDIT, BX_INSPECT_THREAD, A), BX_OK);
	user_get(&world, 0, ELF_DATA, &info, sizeof info);
	ck_assert_uint_eq(info.budget_ticks, 1 * MS);
	ck_assert_uint_eq(info.period_ticks, 10 * MS);
	ck_assert_int_eq(info.budget_left, 0);
	ck_assert_uint_eq(info.throttled, 1);
	ck_assert_uint_eq(info.throttles, 1);
	ck_assert_uint_eq(info.cpu_ticks, 1 * MS);
	ck_assert_uint_eq(info.account, A);
	ck_assert_int_eq(world_call(&world, BX_SYS_INSPECT, AUDIT, BX_INSPECT_THREAD, S), BX_OK);
	user_get(&world, 0, ELF_DATA, &info, sizeof info);
	ck_assert_uint_eq(info.account, A);
	ck_assert_uint_eq(info.budget_ticks, 0);
	ck_assert_int_eq(world_call(&world, BX_SYS_INSPECT, AUDIT, BX_INSPECT_THREAD, 0), BX_OK);
	user_get(&world, 0, ELF_DATA, &info, sizeof info);
	ck_assert_uint_eq(info.budget_ticks, UINT64_MAX);
	ck_assert_uint_eq(info.throttled, 0);
}
END_TEST

Suite *
suite_budget(void)
{
	Suite *suite = suite_create("kcore-budget");
	TCase *tcase = tcase_create("budget");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, budget1_greedy_gets_its_budget);
	tcase_add_test(tcase, budget1_greedy_among_equals);
	tcase_add_test(tcase, budget1_whole_period);
	tcase_add_test(tcase, budget1_refills_without_a_timer);
	tcase_add_test(tcase, budget1_overrun_is_paid_back);
	tcase_add_test(tcase, budget1_long_overrun);
	tcase_add_test(tcase, budget1_restart_gives_no_time);
	tcase_add_loop_test(tcase, budget2_every_tick_is_charged, 0, 3);
	tcase_add_loop_test(tcase, budget2_no_period_with_more_than_the_budget, 0, 16);
	tcase_add_test(tcase, budget3_passive_server_runs_on_its_callers);
	tcase_add_test(tcase, budget3_calls_on_one_account_cost_no_accounting);
	tcase_add_test(tcase, budget3_server_with_time_goes_on);
	tcase_add_loop_test(tcase, budget4_caller_leaves, 0, 3);
	tcase_add_test(tcase, budget4_who_queues_pays);
	tcase_add_test(tcase, budget4_who_queues_pays_for_one_with_a_budget);
	tcase_add_test(tcase, budget4_who_pays_gives_up);
	tcase_add_loop_test(tcase, budget4_abandoned_requests, 0, 2);
	tcase_add_test(tcase, budget4_next_in_the_queue_pays);
	tcase_add_test(tcase, budget4_both_run_out);
	tcase_add_test(tcase, budget5_chain);
	tcase_add_test(tcase, budget5_last_of_the_line_is_above_who_runs);
	tcase_add_loop_test(tcase, budget5_passive_server_without_a_caller, 0, 2);
	tcase_add_test(tcase, budget5_passive_start);
	tcase_add_loop_test(tcase, budget5_passive_restarts, 0, 2);
	tcase_add_test(tcase, budget5_passive_start_ends_by_a_look);
	tcase_add_loop_test(tcase, budget5_string_in_steps, 0, 2);
	tcase_add_loop_test(tcase, budget5_server_moves, 0, 2);
	tcase_add_test(tcase, budget5_parked_thread_is_managed);
	tcase_add_test(tcase, budget6_inspection);
	tcase_add_test(tcase, budget6_end_is_paid_by_who_ends);
	suite_add_tcase(suite, tcase);
	return suite;
}
