/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_sched.c -- the state table of threads, ready queues, time slices, what a call lends, deadlines.
 * The system is driver.h's.
 */
#include <stdlib.h>

#include "driver.h"
#include "../src/thread.h"

#define SOON		(world.machine.now + 1000000)

static struct world world;

static struct bx_thread *
thread(uint32_t index)
{
	return &world.core->threads[index];
}

/* Program p at priority[p]; program 0 is started by the kernel. */
static void
start_with(const uint32_t priority[PROGRAMS])
{
	struct build build = driver_build();

	for (uint32_t p = 0; p < PROGRAMS; p++) {
		build.programs[p].priority = priority[p];
		build.programs[p].priority_max = 40;
	}
	driver_world(&world, &build);
	for (uint32_t p = 1; p < PROGRAMS; p++)
		ck_assert_int_eq(world_start(&world, p), BX_OK);
	world.context = bx_sched_dispatch(world.core);
}

static void
setup(void)
{
	static const uint32_t equal[PROGRAMS] = { 10, 10, 10, 10 };

	start_with(equal);
}

static void
teardown(void)
{
	if (world.core != NULL)
		world_end(&world);
}

static void
ask(uint32_t who, uint64_t number, uint64_t slot, uint64_t deadline, uint64_t reply)
{
	world_run_until(&world, who);
	world.context->reply = reply;
	(void)world_call(&world, number, slot, 0, deadline);
}

/* ---- the table */

/* sched1: every state and event.  What cannot happen is refused, by a panic in bx_thread_move. */
START_TEST(sched1_every_pair_of_state_and_event)
{
	for (uint32_t state = 0; state < BX_THREAD_STATE_COUNT; state++) {
		bool alive = state != BX_THREAD_FREE;
		bool waits = state >= BX_THREAD_SENDING;

		for (uint32_t event = 0; event < BX_EVENT_COUNT; event++) {
			uint32_t next = bx_thread_next[state][event];
			bool may = false;

			switch ((enum bx_thread_event)event) {
			case BX_EVENT_MAKE:	may = !alive; break;
			case BX_EVENT_READY:	may = waits || state == BX_THREAD_STOPPED; break;
			case BX_EVENT_SEND:
			case BX_EVENT_RECEIVE:
			case BX_EVENT_WAIT:
			case BX_EVENT_SLEEP:	may = state == BX_THREAD_READY; break;
			case BX_EVENT_CALL:
			case BX_EVENT_FAULT:
				may = state == BX_THREAD_READY || state == BX_THREAD_SENDING;
				break;
			case BX_EVENT_STOP:	may = waits || state == BX_THREAD_READY; break;
			case BX_EVENT_END:	may = state == BX_THREAD_STOPPED; break;
			case BX_EVENT_COUNT:	break;
			}
			ck_assert_uint_eq(next != BX_THREAD_STATE_NO, may);
			if (may)
				ck_assert_uint_lt(next, BX_THREAD_STATE_COUNT);
		}
	}
	ck_assert_uint_eq(bx_thread_next[BX_THREAD_FREE][BX_EVENT_MAKE], BX_THREAD_STOPPED);
	ck_assert_uint_eq(bx_thread_next[BX_THREAD_SENDING][BX_EVENT_CALL],
	    BX_THREAD_AWAITING_REPLY);
	ck_assert_uint_eq(bx_thread_next[BX_THREAD_READY][BX_EVENT_FAULT], BX_THREAD_FAULTED);
}
END_TEST

START_TEST(sched1_impossible_move_panics)
{
	struct bx_thread free_thread = { .state = BX_THREAD_FREE };

	bx_thread_move(&free_thread, BX_EVENT_READY);
}
END_TEST

/* Whatever a thread is in: stopped, it can be resumed; ended, nothing of it is left. */
START_TEST(sched1_stop_and_end_from_every_wait)
{
	uint32_t who = 4;

	if (_i % 6 == 1) {
		ask(who, BX_SYS_SEND, EP_A, SOON, BX_SLOT_NONE);
	} else if (_i % 6 == 2) {
		ask(who, BX_SYS_RECEIVE, EP_A, SOON, BX_SLOT_NONE);
	} else if (_i % 6 == 3) {
		ask(2, BX_SYS_RECEIVE, EP_A, SOON, REPLY_SLOT);
		ask(who, BX_SYS_CALL, EP_A, SOON, BX_SLOT_NONE);
	} else if (_i % 6 == 4) {
		ask(who, BX_SYS_WAIT, NOTE, SOON, BX_SLOT_NONE);
	} else if (_i % 6 == 5) {
		ask(who, BX_SYS_SLEEP, 0, SOON, BX_SLOT_NONE);
	}
	if (_i < 6) {
		world_stop(&world, who / 2, BX_PROGRAM_KILLED);
		ck_assert_uint_eq(thread(who)->state, BX_THREAD_FREE);
		return;
	}
	bx_thread_stop(world.core, thread(who));
	world.context = bx_sched_dispatch(world.core);
	world_sound(&world);
	ck_assert_uint_eq(thread(who)->state, BX_THREAD_STOPPED);
	bx_thread_ready(world.core, thread(who));
	world_run_until(&world, who);
	if (_i > 6)
		ck_assert_int_eq(world_result(&world, who), BX_ERR_CANCELLED);
}
END_TEST

/* ---- who runs */

START_TEST(sched2_highest_runs_and_preempts)
{
	static const uint32_t priority[PROGRAMS] = { 10, 30, 20, 10 };

	start_with(priority);
	ck_assert_uint_eq(world_current(&world), 2);
	ask(2, BX_SYS_SLEEP, 0, world.machine.now + 100, 0);
	ck_assert_uint_eq(world_current(&world), 4);
	ask(4, BX_SYS_SLEEP, 0, world.machine.now + 500, 0);
	ck_assert_uint_ne(world_current(&world), BX_NONE);
	world_pass(&world, 100);
	ck_assert_uint_eq(world_current(&world), 2);
}
END_TEST

/* Equals take turns; one that is preempted goes on before its equals. */
START_TEST(sched2_round_robin)
{
	static const uint32_t priority[PROGRAMS] = { 10, 10, 10, 30 };
	uint32_t first, second, third;
	uint64_t slice;

	start_with(priority);
	ask(6, BX_SYS_WAIT, NOTE, SOON * 1000, 0);
	first = world_current(&world);
	slice = world.core->programs[0].slice_ticks;
	ck_assert_uint_eq(world.machine.timer, world.core->cpu.slice_end);
	world_pass(&world, slice);
	second = world_current(&world);
	ck_assert_uint_ne(second, first);
	/* An event that changes nothing does not end the slice. */
	world_pass(&world, slice / 2);
	ck_assert_uint_eq(world_current(&world), second);
	/* The one above comes and goes; the rest of the slice is still there. */
	world_call(&world, BX_SYS_SIGNAL, NOTE, 0, 0);
	ck_assert_uint_eq(world_current(&world), 6);
	world.machine.now += slice;
	ask(6, BX_SYS_WAIT, NOTE, SOON * 1000, 0);
	ck_assert_uint_eq(world_current(&world), second);
	world_pass(&world, slice / 4);
	ck_assert_uint_eq(world_current(&world), second);
	world_pass(&world, slice / 2);
	third = world_current(&world);
	ck_assert(third != first && third != second);
	world_call(&world, BX_SYS_YIELD, 0, 0, 0);
	ck_assert_uint_eq(world_current(&world), first);
}
END_TEST

/* The current thread wakes 6, which is above all and waits again at once. */
static void
interrupted(bool short_way)
{
	uint32_t who = world_current(&world);

	if (short_way) {
		world_call(&world, BX_SYS_SIGNAL, NOTE, 0, 0);
	} else {
		bx_notification_signal(world.core, 0, 1);
		world.context = bx_sched_dispatch(world.core);
	}
	ck_assert_uint_eq(world_current(&world), 6);
	ask(6, BX_SYS_WAIT, NOTE, SOON * 1000, 0);
	ck_assert_uint_eq(world_current(&world), who);
}

/* One that is preempted as its slice ends lets its equals by, however often that happens: by the short
 * way (_i 0) and in general. */
START_TEST(sched2_used_slice_is_no_new_one)
{
	static const uint32_t priority[PROGRAMS] = { 10, 10, 10, 30 };
	uint32_t turns[8] = { 0 }, first;
	uint64_t slice;

	start_with(priority);
	ask(6, BX_SYS_WAIT, NOTE, SOON * 1000, 0);
	slice = world.core->programs[0].slice_ticks;
	first = world_current(&world);
	world.machine.now += slice;
	interrupted(_i == 0);
	ck_assert_uint_le(world.machine.timer, world.machine.now);
	world_pass(&world, 0);
	ck_assert_uint_ne(world_current(&world), first);
	for (unsigned n = 0; n < 90; n++) {
		world.machine.now += slice / 3;
		interrupted(_i == 0);
		if (world.machine.timer <= world.machine.now)
			world_pass(&world, 0);
		turns[world_current(&world)]++;
	}
	ck_assert_uint_ge(turns[0], 25);
	ck_assert_uint_ge(turns[2], 25);
	ck_assert_uint_ge(turns[4], 25);
}
END_TEST

/* Who comes back from a wait has a whole slice, if it used up the last one. */
START_TEST(sched2_new_slice_after_a_wait)
{
	static const uint32_t priority[PROGRAMS] = { 10, 10, 9, 9 };
	uint64_t slice;

	start_with(priority);
	slice = world.core->programs[0].slice_ticks;
	ask(2, BX_SYS_SLEEP, 0, world.machine.now + 10 * slice, 0);
	ck_assert_uint_eq(world_current(&world), 0);
	world.machine.now += 3 * slice;
	ask(0, BX_SYS_SLEEP, 0, world.machine.now + slice, 0);
	world_pass(&world, slice);
	ck_assert_uint_eq(world_current(&world), 0);
	ck_assert_uint_eq(world.core->cpu.slice_end, world.machine.now + slice);
}
END_TEST

/* A slice that ends in a server above: the caller lets its equals by when it has its answer.  _i 0: the
 * server was preempted meanwhile, 1: it had to let an equal of its own by. */
START_TEST(sched3_slice_used_by_a_server)
{
	const uint32_t priority[PROGRAMS] = { 10, 30, 10, _i == 0 ? 39 : 30 };
	uint64_t slice;

	start_with(priority);
	slice = world.core->programs[0].slice_ticks;
	ask(6, BX_SYS_WAIT, NOTE, SOON * 1000, 0);
	ask(2, BX_SYS_RECEIVE, EP_A, SOON * 1000, REPLY_SLOT);
	world_run_until(&world, 4);
	ask(4, BX_SYS_CALL, EP_A, SOON * 1000, 0);
	ck_assert_uint_eq(world_current(&world), 2);
	world.machine.now += 2 * slice;
	bx_notification_signal(world.core, 0, 1);
	world_pass(&world, 0);
	ck_assert_uint_eq(world_current(&world), 6);
	ask(6, BX_SYS_WAIT, NOTE, SOON * 1000, 0);
	ck_assert_uint_eq(world_current(&world), 2);
	if (_i == 1)
		ck_assert_uint_gt(world.core->cpu.slice_end, world.machine.now);
	ask(2, BX_SYS_REPLY_RECEIVE, EP_A, SOON * 1000, REPLY_SLOT);
	if (world.machine.timer <= world.machine.now)
		world_pass(&world, 0);
	ck_assert_uint_eq(world_current(&world), 0);
	/* And once only. */
	world_pass(&world, slice);
	ck_assert_uint_eq(world_current(&world), 4);
	world_pass(&world, slice / 2);
	ck_assert_uint_eq(world_current(&world), 4);
}
END_TEST

/* Alone, nobody's slice ends: the timer is not even set for it. */
START_TEST(sched2_slice_ends_only_for_an_equal)
{
	static const uint32_t priority[PROGRAMS] = { 10, 12, 9, 9 };

	start_with(priority);
	ck_assert_uint_eq(world_current(&world), 2);
	ck_assert_uint_eq(world.machine.timer, UINT64_MAX);
	world_pass(&world, WORLD_TICKS);
	ck_assert_uint_eq(world_current(&world), 2);
	world_call(&world, BX_SYS_YIELD, 0, 0, 0);
	ck_assert_uint_eq(world_current(&world), 2);
}
END_TEST

/* Time is charged to who used it, idle time to nobody. */
START_TEST(sched2_time_is_charged)
{
	uint64_t start = world.machine.now, sum = 0;

	for (unsigned i = 0; i < 20; i++) {
		world.machine.now += 1000 + i;
		if (world.context != NULL)
			world_call(&world, i % 3 != 0 ? BX_SYS_YIELD : BX_SYS_SLEEP, 0, 0,
			    world.machine.now + 2500);
		else
			world_pass(&world, 100);
	}
	bx_sched_charge(world.core, world.machine.now);
	for (uint32_t i = 0; i < world.core->thread_count; i++)
		sum += thread(i)->cpu_ticks;
	ck_assert_uint_eq(sum + world.core->cpu.idle_ticks, world.machine.now - start);
	ck_assert_uint_gt(world.core->cpu.idle_ticks, 0);
}
END_TEST

/* ---- what a call lends */

/* The server of a call runs with its caller's priority, on its caller's slice, and no longer. */
START_TEST(sched3_call_lends_priority_and_slice)
{
	static const uint32_t priority[PROGRAMS] = { 20, 10, 30, 20 };
	uint64_t end;

	start_with(priority);		/* server: program 1, low; caller: program 2, high */
	ask(4, BX_SYS_WAIT, NOTE, SOON * 1000, 0);
	ask(0, BX_SYS_WAIT, NOTE_READ, SOON * 1000, 0);
	ask(6, BX_SYS_WAIT, NOTE_READ, SOON * 1000, 0);
	ask(2, BX_SYS_RECEIVE, EP_A, SOON * 1000, REPLY_SLOT);
	bx_notification_signal(world.core, 0, 1);
	world.context = bx_sched_dispatch(world.core);
	ck_assert_uint_eq(world_current(&world), 4);
	end = world.core->cpu.slice_end;
	world.machine.now += 1000;
	ask(4, BX_SYS_CALL, EP_A, SOON * 1000, 0);
	ck_assert_uint_eq(world_current(&world), 2);
	ck_assert_uint_eq(thread(2)->priority, 30);
	ck_assert_uint_eq(thread(2)->account, 4);
	ck_assert_uint_eq(world.core->cpu.account, 4);
	ck_assert_uint_eq(world.core->cpu.slice_end, end);
	/* Those between do not get in. */
	bx_notification_signal(world.core, 1, 1);
	world_pass(&world, 100);
	ck_assert_uint_eq(world_current(&world), 2);
	/* Its call to a third goes on the same account. */
	world.machine.now += 1000;
	ask(2, BX_SYS_REPLY_RECEIVE, EP_A, SOON * 1000, REPLY_SLOT);
	ck_assert_uint_eq(world_current(&world), 4);
	ck_assert_uint_eq(world.core->cpu.slice_end, end);
	ck_assert_uint_eq(thread(2)->priority, 10);
	ck_assert_uint_eq(thread(2)->account, 2);
}
END_TEST

/* A chain of calls runs on the first caller's slice; when that one goes, each gets its own back. */
START_TEST(sched3_chain_of_accounts)
{
	ask(6, BX_SYS_RECEIVE, EP_B, SOON, REPLY_SLOT);
	ask(2, BX_SYS_RECEIVE, EP_A, SOON, REPLY_SLOT);
	ask(4, BX_SYS_CALL, EP_A, world.machine.now + 5000, 0);
	ask(2, BX_SYS_CALL, EP_B, SOON, 0);
	ck_assert_uint_eq(thread(6)->account, 4);
	ck_assert_uint_eq(world_current(&world), 6);
	world_pass(&world, 5000);
	ck_assert_int_eq(world_result(&world, 4), BX_ERR_TIMEOUT);
	ck_assert_uint_eq(thread(2)->account, 2);
	ck_assert_uint_eq(thread(6)->account, 2);
}
END_TEST

/* Bounded inversion: a sender that has to queue lends its priority to who makes it wait, along the
 * whole chain; nobody between runs before it is served. */
START_TEST(sched3_queued_sender_lends_its_priority)
{
	static const uint32_t priority[PROGRAMS] = { 20, 10, 30, 12 };

	start_with(priority);
	ask(4, BX_SYS_WAIT, NOTE, SOON * 1000, 0);
	ask(0, BX_SYS_WAIT, NOTE_READ, SOON * 1000, 0);
	/* 6 has called 2 and waits; 2 has called nobody and works. */
	ask(6, BX_SYS_WAIT, NOTE_READ, world.machine.now + 1, 0);
	ask(2, BX_SYS_RECEIVE, EP_A, SOON * 1000, REPLY_SLOT);
	world_pass(&world, 1);
	ask(6, BX_SYS_CALL, EP_A, SOON * 1000, 0);
	ck_assert_uint_eq(world_current(&world), 2);
	ck_assert_uint_eq(thread(2)->priority, 12);
	bx_notification_signal(world.core, 0, 1);
	world.context = bx_sched_dispatch(world.core);
	ck_assert_uint_eq(world_current(&world), 4);
	ask(4, BX_SYS_CALL, EP_A, SOON * 1000, 0);
	ck_assert_uint_eq(thread(4)->state, BX_THREAD_SENDING);
	ck_assert_uint_eq(thread(2)->priority, 30);
	bx_notification_signal(world.core, 1, 1);		/* 0, in between, wants to run */
	world_pass(&world, 10);
	ck_assert_uint_eq(world_current(&world), 2);
	ask(2, BX_SYS_REPLY_RECEIVE, EP_A, SOON * 1000, REPLY_SLOT);
	ck_assert_uint_eq(world_current(&world), 2);		/* now for 4 */
	ck_assert_uint_eq(thread(2)->priority, 30);
	ck_assert_uint_eq(bx_levels_top(&world.core->sender_levels[0]), 0);
	ask(2, BX_SYS_REPLY, REPLY_SLOT, 0, 0);
	ck_assert_uint_eq(thread(2)->priority, 10);
	ck_assert_uint_eq(world_current(&world), 4);
}
END_TEST

START_TEST(sched3_timed_out_sender_takes_its_priority_back)
{
	static const uint32_t priority[PROGRAMS] = { 20, 10, 30, 12 };

	start_with(priority);
	ask(4, BX_SYS_SLEEP, 0, world.machine.now + 100, 0);
	ask(0, BX_SYS_WAIT, NOTE_READ, SOON * 1000, 0);
	ask(6, BX_SYS_WAIT, NOTE_READ, SOON * 1000, 0);
	ask(2, BX_SYS_RECEIVE, EP_A, 0, REPLY_SLOT);
	world_pass(&world, 100);
	ask(4, BX_SYS_CALL, EP_A, world.machine.now + 100, 0);
	ck_assert_uint_eq(thread(2)->priority, 30);
	world_pass(&world, 100);
	ck_assert_uint_eq(thread(2)->priority, 10);
	ck_assert_uint_eq(world_current(&world), 4);
}
END_TEST

/* Also when others, of less priority, go on waiting behind it. */
START_TEST(sched3_those_left_lend_their_own_priority)
{
	static const uint32_t priority[PROGRAMS] = { 20, 10, 30, 12 };
	uint64_t end;

	start_with(priority);
	end = world.machine.now + 100;
	ask(4, BX_SYS_SLEEP, 0, end, 0);
	ask(0, BX_SYS_WAIT, NOTE_READ, SOON * 1000, 0);
	ask(6, BX_SYS_SLEEP, 0, end - 50, 0);
	ask(2, BX_SYS_RECEIVE, EP_A, 0, REPLY_SLOT);
	world_pass(&world, end - 50 - world.machine.now);
	ask(6, BX_SYS_CALL, EP_A, SOON * 1000, 0);
	ck_assert_uint_eq(thread(2)->priority, 12);
	world_pass(&world, end - world.machine.now);
	ask(4, BX_SYS_CALL, EP_A, world.machine.now + 100, 0);
	ck_assert_uint_eq(thread(2)->priority, 30);
	world_pass(&world, 100);
	ck_assert_int_eq(world_result(&world, 4), BX_ERR_TIMEOUT);
	ck_assert_uint_eq(thread(6)->state, BX_THREAD_SENDING);
	ck_assert_uint_eq(bx_levels_top(&world.core->sender_levels[0]), 12);
	ck_assert_uint_eq(thread(2)->priority, 12);
}
END_TEST

/* At EP_A, which 2 has served, 0 has queued with a message, and behind it 4, of more priority. */
static void
two_queue(uint64_t first)
{
	static const uint32_t priority[PROGRAMS] = { 20, 10, 30, 12 };
	uint64_t end;

	start_with(priority);
	end = world.machine.now + 100;
	ask(4, BX_SYS_SLEEP, 0, end, 0);
	ask(0, BX_SYS_SLEEP, 0, end - 50, 0);
	ask(6, BX_SYS_SLEEP, 0, end + 50, 0);
	ask(2, BX_SYS_RECEIVE, EP_A, 0, REPLY_SLOT);
	if (first == EP_B)
		ask(2, BX_SYS_RECEIVE, EP_B, 0, REPLY_SLOT);
	world_pass(&world, end - 50 - world.machine.now);
	ask(0, BX_SYS_SEND, EP_A, SOON * 1000, 0);
	world_pass(&world, end - world.machine.now);
	ask(4, BX_SYS_CALL, EP_A, SOON * 1000, 0);
	ck_assert_uint_eq(thread(2)->priority, first == EP_B ? 10 : 30);
}

/* What is lent to who serves an endpoint goes to who takes that over, and back. */
START_TEST(sched3_taking_over_takes_what_is_lent)
{
	two_queue(EP_A);
	ask(2, BX_SYS_SLEEP, 0, SOON * 1000, 0);
	world_pass(&world, 50);
	ask(6, BX_SYS_RECEIVE, EP_A, 0, REPLY_SLOT);
	ck_assert_uint_eq(thread(0)->state, BX_THREAD_READY);
	ck_assert_uint_eq(thread(4)->state, BX_THREAD_SENDING);
	ck_assert_uint_eq(thread(6)->priority, 30);
	ck_assert_uint_eq(thread(2)->priority, 10);
}
END_TEST

START_TEST(sched3_coming_back_takes_what_is_lent)
{
	two_queue(EP_B);
	ask(2, BX_SYS_RECEIVE, EP_A, 0, REPLY_SLOT);
	ck_assert_uint_eq(thread(0)->state, BX_THREAD_READY);
	ck_assert_uint_eq(thread(4)->state, BX_THREAD_SENDING);
	ck_assert_uint_eq(thread(2)->priority, 30);
}
END_TEST

/* 2 works for nobody on EP_A, 6 serves EP_B and queues at 2, 4 queues at 6: 4 -> 6 -> 2. */
static void
queued_chain(void)
{
	static const uint32_t priority[PROGRAMS] = { 20, 10, 30, 12 };
	uint64_t end;

	start_with(priority);
	end = world.machine.now + 100;
	ask(4, BX_SYS_SLEEP, 0, end, 0);
	ask(0, BX_SYS_WAIT, NOTE_READ, SOON * 1000, 0);
	ask(6, BX_SYS_RECEIVE, EP_B, 0, REPLY_SLOT);
	ask(6, BX_SYS_SLEEP, 0, end - 50, 0);
	ask(2, BX_SYS_RECEIVE, EP_A, 0, REPLY_SLOT);
	world_pass(&world, end - 50 - world.machine.now);
	ask(6, BX_SYS_CALL, EP_A, SOON * 1000, 0);
	ck_assert_uint_eq(thread(6)->state, BX_THREAD_SENDING);
	world_pass(&world, end - world.machine.now);
	ask(4, BX_SYS_CALL, EP_B, world.machine.now + 100, 0);
	ck_assert_uint_eq(thread(4)->state, BX_THREAD_SENDING);
	ck_assert_uint_eq(thread(6)->priority, 30);
	ck_assert_uint_eq(thread(2)->priority, 30);
}

/* What came along a chain of queues goes back along it at once. */
START_TEST(sched3_chain_of_queues_falls_at_once)
{
	queued_chain();
	world_pass(&world, 100);
	ck_assert_int_eq(world_result(&world, 4), BX_ERR_TIMEOUT);
	ck_assert_uint_eq(thread(6)->priority, 12);
	ck_assert_uint_eq(bx_levels_top(&world.core->sender_levels[0]), 12);
	ck_assert_uint_eq(thread(2)->priority, 12);
}
END_TEST

/* A queued sender that gets another priority lends that one, along the chain, up and down. */
START_TEST(sched3_priority_of_a_queued_sender)
{
	static const uint8_t to[] = { 25, 15, 40, 5 };

	queued_chain();
	world_pass(&world, 100);
	ask(4, BX_SYS_CALL, EP_B, SOON * 1000, 0);
	for (unsigned i = 0; i < 4; i++) {
		/* As BX_SYS_THREAD_PRIORITY does. */
		thread(4)->priority_base = to[i];
		bx_sched_unlend(world.core, thread(4));
		while (world.core->unsettled != BX_NONE)
			bx_sched_settle_step(world.core);
		ck_assert_uint_eq(thread(4)->priority, to[i]);
		ck_assert_uint_eq(bx_levels_top(&world.core->sender_levels[1]), to[i]);
		ck_assert_uint_eq(thread(6)->priority, to[i] > 12 ? to[i] : 12);
		ck_assert_uint_eq(bx_levels_top(&world.core->sender_levels[0]), to[i] > 12 ? to[i] : 12);
		ck_assert_uint_eq(thread(2)->priority, to[i] > 12 ? to[i] : 12);
		world_sound(&world);
	}
}
END_TEST

/* ---- deadlines */

/* The heap against a plain search: random deadlines, longer and shorter than what is there. */
START_TEST(sched4_timers_come_in_order)
{
	struct bx_kcore core = { .thread_count = 40 };
	struct bx_thread threads[40] = { { .index = 0 } };
	uint32_t heap[40];
	uint64_t seed = 7, now = 1000;

	core.threads = threads;
	core.timers = heap;
	for (uint32_t i = 0; i < 40; i++) {
		threads[i].index = i;
		threads[i].timer_key = UINT64_MAX;
		threads[i].timer_floor = UINT64_MAX;
	}
	for (unsigned n = 0; n < 2000; n++) {
		uint32_t who = (uint32_t)((seed = seed * 6364136223846793005ull + 1) >> 40) % 40;
		uint64_t when = now + 1 + ((seed >> 20) & 0xfff), least = UINT64_MAX;

		if (n % 3 == 0)
			bx_timer_cancel(&core, &threads[who]);
		else
			bx_timer_add(&core, &threads[who], when);
		for (uint32_t i = 0; i < 40; i++) {
			ck_assert(threads[i].deadline == 0 ||
			    threads[i].timer_key <= threads[i].deadline);
			if (threads[i].timer_key < least)
				least = threads[i].timer_key;
		}
		ck_assert_uint_eq(bx_timer_next(&core), least);
		if (n % 16 == 0 && least != UINT64_MAX) {
			/* Nothing is due before its time; cancelled and early entries go quietly. */
			now = least;
			for (uint32_t i = 0; i < 40; i++) {
				if (threads[i].deadline == now)
					threads[i].deadline = 0;
			}
			(void)bx_timer_expire(&core, now);
			ck_assert(bx_timer_next(&core) >= now);
		}
	}
}
END_TEST

/* A later deadline costs nothing on the heap; an earlier one moves the entry. */
START_TEST(sched4_later_deadline_is_one_store)
{
	ask(2, BX_SYS_RECEIVE, EP_A, world.machine.now + 1000, BX_SLOT_NONE);
	ck_assert_uint_eq(thread(2)->timer_key, world.machine.now + 1000);
	world_run_until(&world, 4);
	world_call(&world, BX_SYS_SEND, EP_A, 0, 0);
	ck_assert_uint_eq(thread(2)->deadline, 0);
	ask(2, BX_SYS_RECEIVE, EP_A, world.machine.now + 5000, BX_SLOT_NONE);
	ck_assert_uint_lt(thread(2)->timer_key, thread(2)->deadline);
	for (uint32_t i = 0; i < 8; i += 2) {
		if (i != 2)
			ask(i, BX_SYS_SLEEP, 0, SOON, 0);
	}
	/* The early entry comes due and is put back. */
	world_pass(&world, 1500);
	ck_assert_uint_eq(thread(2)->state, BX_THREAD_RECEIVING);
	ck_assert_uint_eq(thread(2)->timer_key, thread(2)->deadline);
	world_pass(&world, 5000);
	ck_assert_int_eq(world_result(&world, 2), BX_ERR_TIMEOUT);
	ask(2, BX_SYS_SLEEP, 0, world.machine.now + 2000, 0);
	ck_assert_uint_eq(world.machine.timer, world.machine.now + 2000);
}
END_TEST

/* The end of a server, or of who would have served, is told to a high thread before one between computes; the
 * rest of it comes after that one. */
START_TEST(sched5_end_is_told_at_the_priority_of_who_waits)
{
	static const char *const name[4] = { "kills", "waits", "computes", "ends" };
	static const uint32_t priority[4] = { 30, 20, 10, 5 };
	struct build build = build_start("end");
	uint32_t queue = build_object(&build, "queue", BX_OBJECT_ENDPOINT, 0, 0);
	uint32_t spawn = build_object(&build, "spawn", BX_OBJECT_SPAWN, 0, 0);

	for (uint32_t p = 0; p < 4; p++) {
		(void)build_program(&build, name[p]);
		build.programs[p].priority = build.programs[p].priority_max = priority[p];
	}
	build_grant(&build, 0, 1, spawn, BX_RIGHT_READ | BX_RIGHT_WRITE);
	build_grant(&build, 1, 1, queue, BX_RIGHT_WRITE | BX_RIGHT_GRANT_REPLY);
	build_grant(&build, 3, 1, queue, BX_RIGHT_READ);
	world_make(&world, &build);
	for (uint32_t p = 3; p > 0; p--)
		ck_assert_int_eq(world_start(&world, p), BX_OK);
	(void)world_call(&world, BX_SYS_SLEEP, 0, 0, SOON);
	(void)world_call(&world, BX_SYS_SLEEP, 0, 0, world.machine.now + 10);
	(void)world_call(&world, BX_SYS_SLEEP, 0, 0, world.machine.now + 10);
	ck_assert_uint_eq(world_current(&world), 3);
	world.context->reply = 8;
	(void)world_call(&world, BX_SYS_RECEIVE, 1, 0, _i == 0 ? SOON : 0);
	world_pass(&world, 10);
	ck_assert_uint_eq(world_current(&world), 1);
	(void)world_call(&world, BX_SYS_CALL, 1, 0, world.machine.now + 100 * WORLD_TICKS);
	if (world_current(&world) == 3)
		(void)world_call(&world, BX_SYS_SLEEP, 0, 0, world.machine.now + 100 * WORLD_TICKS);
	if (_i == 2)
		thread(1)->priority_base = 5;		/* until the end has begun */
	if (_i == 2)
		bx_sched_unlend(world.core, thread(1));
	while (world_current(&world) != 0)
		world_pass(&world, 1000000);
	(void)world_call(&world, BX_SYS_KILL, 1, 3, 0);
	if (_i == 2) {
		ck_assert_uint_ne(thread(1)->state, BX_THREAD_READY);
		thread(1)->priority_base = 20;
		bx_sched_unlend(world.core, thread(1));
	}
	(void)world_call(&world, BX_SYS_SLEEP, 0, 0, world.machine.now + 50 * WORLD_TICKS);
	ck_assert_uint_eq(world_current(&world), 1);
	ck_assert_int_eq(world_result(&world, 1), BX_ERR_PEER_DIED);
	ck_assert_uint_eq(world.core->programs[3].state, BX_PROGRAM_ENDING);
	(void)world_call(&world, BX_SYS_SLEEP, 0, 0, world.machine.now + WORLD_TICKS);
	ck_assert_uint_eq(world_current(&world), 2);
	(void)world_call(&world, BX_SYS_SLEEP, 0, 0, world.machine.now + WORLD_TICKS);
	ck_assert_uint_eq(world.core->programs[3].state, BX_PROGRAM_KILLED);
}
END_TEST

Suite *
suite_sched(void)
{
	Suite *suite = suite_create("kcore-sched");
	TCase *equal = tcase_create("equal"), *own = tcase_create("own");

	tcase_set_timeout(own, 60);
	tcase_set_timeout(equal, 60);
	tcase_add_checked_fixture(equal, setup, teardown);
	tcase_add_checked_fixture(own, NULL, teardown);
	tcase_add_test(own, sched1_every_pair_of_state_and_event);
	tcase_add_test_raise_signal(own, sched1_impossible_move_panics, 6);
	tcase_add_loop_test(equal, sched1_stop_and_end_from_every_wait, 0, 12);
	tcase_add_test(own, sched2_highest_runs_and_preempts);
	tcase_add_test(own, sched2_round_robin);
	tcase_add_loop_test(own, sched2_used_slice_is_no_new_one, 0, 2);
	tcase_add_test(own, sched2_new_slice_after_a_wait);
	tcase_add_test(own, sched2_slice_ends_only_for_an_equal);
	tcase_add_loop_test(own, sched3_slice_used_by_a_server, 0, 2);
	tcase_add_test(equal, sched2_time_is_charged);
	tcase_add_test(own, sched3_call_lends_priority_and_slice);
	tcase_add_test(equal, sched3_chain_of_accounts);
	tcase_add_test(own, sched3_queued_sender_lends_its_priority);
	tcase_add_test(own, sched3_timed_out_sender_takes_its_priority_back);
	tcase_add_test(own, sched3_those_left_lend_their_own_priority);
	tcase_add_test(own, sched3_taking_over_takes_what_is_lent);
	tcase_add_test(own, sched3_coming_back_takes_what_is_lent);
	tcase_add_test(own, sched3_chain_of_queues_falls_at_once);
	tcase_add_test(own, sched3_priority_of_a_queued_sender);
	tcase_add_test(own, sched4_timers_come_in_order);
	tcase_add_loop_test(own, sched5_end_is_told_at_the_priority_of_who_waits, 0, 3);
	tcase_add_test(equal, sched4_later_deadline_is_one_store);
	suite_add_tcase(suite, equal);
	suite_add_tcase(suite, own);
	return suite;
}
