/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_steps.c -- work that is as long as the manifest makes it, with an interrupt waiting whenever the
 * core asks: after each event everything is sound, each event does a bounded part, and in the end all
 * is done as if it had been done at once.
 */
#include <stdlib.h>

#include "fixture.h"
#include "../src/sys.h"

enum { INIT, SERVED, CROWD, OTHER };
#define MANY		70u		/* threads of the crowd */
#define REPLIES		80u
#define LINKS		40u		/* of the chain: each serves an endpoint of its own */
#define PAGES		100u
#define NOWHERE		0x10000000ull

/* Slots; the links follow. */
enum { QUEUE, NOTE, MEMORY, THREAD_1, LINK };

static struct world world;
static uint32_t first;			/* thread of the crowd */

static struct bx_thread *
thread(uint32_t index)
{
	return &world.core->threads[index];
}

static void
setup(void)
{
	struct build build = build_start("steps");
	const uint32_t all = BX_RIGHT_READ | BX_RIGHT_WRITE | BX_RIGHT_GRANT_REPLY;
	static char names[LINKS][8];
	uint32_t queue, note, memory, object;
	const char *where = "";

	(void)build_program(&build, "init");
	(void)build_program(&build, "served");
	(void)build_program(&build, "crowd");
	(void)build_program(&build, "other");
	queue = build_object(&build, "queue", BX_OBJECT_ENDPOINT, 0, 0);
	note = build_object(&build, "note", BX_OBJECT_NOTIFICATION, 0, 0);
	memory = build_object(&build, "memory", BX_OBJECT_MEMORY, PAGES, 0);
	object = build_object(&build, "crowd-1", BX_OBJECT_THREAD, CROWD, 1);
	build.programs[SERVED].slots = LINK + REPLIES;
	build.programs[SERVED].replies = REPLIES;
	build.programs[CROWD].threads = MANY;
	build.programs[CROWD].priority_max = 40;
	build.programs[CROWD].slots = LINK + LINKS + LINKS;
	build.programs[CROWD].replies = LINKS;
	build.programs[OTHER].slots = 12;
	for (uint32_t p = SERVED; p <= OTHER; p++) {
		(void)build_grant(&build, p, QUEUE, queue, all);
		build.grants[build_grant(&build, p, NOTE, note, all)].badge = 1u << p;
	}
	(void)build_grant(&build, CROWD, MEMORY, memory, BX_RIGHT_READ);
	(void)build_grant(&build, OTHER, THREAD_1, object, BX_RIGHT_WRITE);
	for (uint32_t i = 0; i < LINKS; i++) {
		names[i][0] = 'l';
		names[i][1] = (char)('a' + i / 10);
		names[i][2] = (char)('0' + i % 10);
		object = build_object(&build, names[i], BX_OBJECT_ENDPOINT, 0, 0);
		(void)build_grant(&build, CROWD, LINK + i, object, all);
	}
	ck_assert_int_eq(world_try(&world, &build, &where), BX_OK);
	world.context = bx_kcore_start(world.core);
	for (uint32_t p = SERVED; p <= OTHER; p++)
		ck_assert_int_eq(world_start(&world, p), BX_OK);
	world.context = bx_sched_dispatch(world.core);
	first = world.core->programs[CROWD].first_thread;
}

static void
teardown(void)
{
	world.machine.interrupt_every = 0;
	world.machine.timer_interrupts = false;
	world_end(&world);
}

static uint64_t
far(void)
{
	return world.machine.now + BX_DEADLINE_FAR / 2;
}

/* `who`, of the first priority among the ready ones or soon, makes a call. */
static enum bx_err
ask(uint32_t who, uint64_t number, uint64_t slot, uint64_t a, uint64_t deadline, uint64_t reply)
{
	world_run_until(&world, who);
	world.context->reply = reply;
	return world_call(&world, number, slot, a, deadline);
}

/* Threads [1, count) of the crowd each begin, make one call, and wait. */
static void
crowd_asks(uint32_t count, uint64_t number, uint64_t slot)
{
	static const uint64_t none[4] = { 0 };

	for (uint32_t i = 1; i < count; i++) {
		struct bx_thread *who = thread(first + i);

		bx_machine_context_start(&who->context, 0x400000, ELF_DATA, none);
		bx_thread_ready(world.core, who);
		world.context = bx_sched_dispatch(world.core);
		(void)ask(first + i, number, slot, 0, far(), BX_SLOT_NONE);
		ck_assert_uint_ne(who->state, BX_THREAD_READY);
	}
}

static uint32_t
in_state(uint32_t state)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < MANY; i++)
		count += thread(first + i)->state == state;
	return count;
}

/* The rest of the work, one event after the other; *most is set to how many threads of the crowd came
 * to `state` in one of them. */
static unsigned
events(uint32_t state, uint32_t *most)
{
	unsigned count = 0;

	for (*most = 0; world.core->put_off != 0 && count < 1000; count++) {
		uint32_t before = in_state(state), after;

		world.context = bx_kcore_timer(world.core);
		world_sound(&world);
		after = in_state(state);
		if (after > before && after - before > *most)
			*most = after - before;
		if (world.context != NULL)
			ck_assert(!bx_thread_dying(world.core, bx_core_current(world.core)));
	}
	ck_assert_uint_lt(count, 1000);
	return count;
}

static void
server_receives(uint32_t count)
{
	uint32_t server = world.core->programs[SERVED].first_thread;

	/* It is the server from its first receive on. */
	if (count == 0)
		(void)ask(server, BX_SYS_RECEIVE, QUEUE, 0, 0, BX_SLOT_NONE);
	for (uint32_t i = 0; i < count; i++)
		ck_assert_int_eq(ask(server, BX_SYS_RECEIVE, QUEUE, 0, 0,
		    world.core->programs[SERVED].space.plain_count + i), BX_OK);
	(void)ask(server, BX_SYS_SLEEP, 0, 0, far(), 0);
}

/* A server ends: for which many are queued (_i 0), or whose clients they are (_i 1). */
START_TEST(steps_end_of_a_server)
{
	uint32_t most;

	server_receives(0);
	crowd_asks(MANY, BX_SYS_CALL, QUEUE);
	if (_i == 1) {
		bx_thread_wake(world.core, thread(world.core->programs[SERVED].first_thread), BX_OK);
		server_receives(MANY - 1);
		ck_assert_uint_eq(in_state(BX_THREAD_AWAITING_REPLY), MANY - 1);
	} else {
		ck_assert_uint_eq(in_state(BX_THREAD_SENDING), MANY - 1);
	}
	/* Nobody is ready, so that nothing comes between. */
	for (uint32_t p = INIT; p <= OTHER; p++)
		if (p != SERVED)
			(void)ask(world.core->programs[p].first_thread, BX_SYS_SLEEP, 0, 0, far(), 0);
	world.machine.interrupt_every = 1;
	bx_program_end(world.core, SERVED, BX_PROGRAM_KILLED);
	ck_assert_uint_gt(events(BX_THREAD_READY, &most), (MANY - 1) / 16);
	ck_assert_uint_le(most, 16);
	for (uint32_t i = 1; i < MANY; i++)
		ck_assert_int_eq(world_result(&world, first + i), BX_ERR_PEER_DIED);
	ck_assert_uint_eq(world.core->endpoints[0].senders.head, BX_NONE);
}
END_TEST

/* A program of many threads ends, which wait in every way. */
START_TEST(steps_end_of_a_crowd)
{
	static const uint64_t calls[] = { BX_SYS_CALL, BX_SYS_RECEIVE, BX_SYS_WAIT, BX_SYS_SLEEP };
	uint32_t most, other = world.core->programs[OTHER].first_thread;

	if (_i == 0)
		server_receives(0);
	crowd_asks(MANY, calls[_i], calls[_i] == BX_SYS_WAIT ? NOTE : QUEUE);
	(void)ask(world.core->programs[INIT].first_thread, BX_SYS_SLEEP, 0, 0, far(), 0);
	(void)ask(other, BX_SYS_SLEEP, 0, 0, far(), 0);
	world.machine.interrupt_every = 1;
	bx_program_end(world.core, CROWD, BX_PROGRAM_KILLED);
	ck_assert_uint_gt(events(BX_THREAD_FREE, &most), MANY / 4);
	ck_assert_uint_le(most, 4);
	ck_assert_uint_eq(in_state(BX_THREAD_FREE), MANY);
}
END_TEST

/* Threads that are ready, with a higher priority than their program, do not run any more. */
START_TEST(steps_dying_threads_do_not_run)
{
	static const uint64_t none[4] = { 0 };
	uint32_t most;

	for (uint32_t i = 1; i < 30; i++) {
		bx_machine_context_start(&thread(first + i)->context, 0x400000, ELF_DATA, none);
		bx_thread_ready(world.core, thread(first + i));
		thread(first + i)->priority_base = 30;
		bx_sched_unlend(world.core, thread(first + i));
	}
	world.context = bx_sched_dispatch(world.core);
	ck_assert_uint_eq(bx_core_current(world.core)->priority, 30);
	world.machine.interrupt_every = _i == 0 ? 0 : 1;
	(void)world_call(&world, BX_SYS_EXIT, 3, 0, 0);
	ck_assert(world_current(&world) == BX_NONE ||
	    !bx_thread_dying(world.core, bx_core_current(world.core)));
	(void)events(BX_THREAD_FREE, &most);
	ck_assert_int_eq(world.core->programs[CROWD].exit_code, 3);
}
END_TEST

/* What a dying thread waits for is not given to it, and not lost: a signal. */
START_TEST(steps_signal_meets_the_dying)
{
	uint32_t most, other = world.core->programs[OTHER].first_thread;

	crowd_asks(MANY, BX_SYS_WAIT, NOTE);
	(void)ask(other, BX_SYS_WAIT, NOTE, 0, far(), 0);
	world.machine.interrupt_every = 1;
	bx_program_end(world.core, CROWD, BX_PROGRAM_KILLED);
	bx_notification_signal(world.core, 0, 0x55);
	world_sound(&world);
	ck_assert_uint_eq(thread(other)->state, BX_THREAD_WAITING);
	(void)events(BX_THREAD_FREE, &most);
	ck_assert_uint_eq(thread(other)->state, BX_THREAD_READY);
	ck_assert_uint_eq(thread(other)->context.value[0], 0x55);
}
END_TEST

/* A message: it goes to the first that lives (_i 0), or is taken from one that lives (_i 1). */
START_TEST(steps_message_meets_the_dying)
{
	uint32_t server = world.core->programs[SERVED].first_thread;
	uint32_t other = world.core->programs[OTHER].first_thread;

	server_receives(0);
	bx_thread_wake(world.core, thread(server), BX_OK);
	crowd_asks(MANY, _i == 0 ? BX_SYS_RECEIVE : BX_SYS_CALL, QUEUE);
	if (_i == 0)
		(void)ask(server, BX_SYS_RECEIVE, QUEUE, 0, far(), BX_SLOT_NONE);
	else
		(void)ask(other, BX_SYS_SEND, QUEUE, 7, far(), 0);
	world_run_until(&world, _i == 0 ? other : server);
	world.core->cpu.slice_end = UINT64_MAX;
	bx_program_end(world.core, CROWD, BX_PROGRAM_KILLED);
	/* It meets them one by one, and takes each out of the queue. */
	world.context->reply = BX_SLOT_NONE;
	if (_i == 0) {
		ck_assert_int_eq(world_call(&world, BX_SYS_SEND, QUEUE, 7, far()), BX_OK);
		ck_assert_uint_eq(thread(server)->context.value[1], 7);
		ck_assert_int_eq(world_result(&world, server), BX_OK);
	} else {
		ck_assert_int_eq(world_call(&world, BX_SYS_RECEIVE, QUEUE, 0, far()), BX_OK);
		ck_assert_uint_eq(thread(server)->context.value[1], 7);
		ck_assert_int_eq(world_result(&world, other), BX_OK);
	}
	world_sound(&world);
}
END_TEST

/* A reply to a caller that is dying is as one to a caller that has gone. */
START_TEST(steps_reply_meets_the_dying)
{
	uint32_t server = world.core->programs[SERVED].first_thread;
	uint32_t slot = world.core->programs[SERVED].space.plain_count;

	server_receives(0);
	bx_thread_wake(world.core, thread(server), BX_OK);
	crowd_asks(3, BX_SYS_CALL, QUEUE);
	ck_assert_int_eq(ask(server, BX_SYS_RECEIVE, QUEUE, 0, 0, slot), BX_OK);
	ck_assert_int_eq(ask(server, BX_SYS_RECEIVE, QUEUE, 0, 0, slot + 1), BX_OK);
	world.core->cpu.slice_end = UINT64_MAX;
	world.machine.interrupt_every = 1;
	bx_program_end(world.core, CROWD, BX_PROGRAM_KILLED);
	ck_assert_int_eq(world_call(&world, BX_SYS_REPLY, slot, 0, 0), BX_ERR_CAP_STALE);
	world_sound(&world);
	world.machine.interrupt_every = 0;
}
END_TEST

/* A capability goes by which many wait: none begins to wait anew meanwhile, in the end none waits. */
START_TEST(steps_delete_of_waits)
{
	static const uint32_t slots[] = { NOTE, QUEUE };
	unsigned count = 0;

	if (_i == 1)
		server_receives(0);
	crowd_asks(MANY, _i == 0 ? BX_SYS_WAIT : BX_SYS_CALL, slots[_i]);
	world_run_until(&world, first);
	world.machine.interrupt_every = 1;
	(void)world_call(&world, BX_SYS_CAP_DELETE, slots[_i], 0, 0);
	for (; thread(first)->restart != 0 && count < 100; count++) {
		uint32_t before = in_state(BX_THREAD_READY);
		struct bx_cap *cap = &world.core->forest.slots[
		    world.core->programs[CROWD].space.first_slot + slots[_i]].cap;

		ck_assert_uint_eq(cap->rights, 0);
		world.context = bx_kcore_timer(world.core);
		world_sound(&world);
		ck_assert_uint_le(in_state(BX_THREAD_READY) - before, 8);
	}
	ck_assert_uint_gt(count, 5);
	ck_assert_uint_lt(count, 100);
	ck_assert_int_eq(world_result(&world, first), BX_OK);
	for (uint32_t i = 1; i < MANY; i++)
		ck_assert_int_eq(world_result(&world, first + i), BX_ERR_CANCELLED);
}
END_TEST

static void
removal_finish(uint32_t slot, struct bx_removal *removal)
{
	uint32_t parent;

	do
		removal->left = BX_REMOVAL_STEP;
	while (bx_capability_remove_leaf(world.core, slot, &parent, removal) != BX_OK);
}

/* The place of a removal that was given up does not count for another capability in that slot. */
START_TEST(steps_delete_begins_anew)
{
	struct bx_removal removal = { .left = 0 };
	uint32_t slot;

	crowd_asks(MANY, BX_SYS_WAIT, NOTE);
	slot = world.core->programs[CROWD].space.first_slot + NOTE;
	removal.leaf = slot;
	removal.index = MANY;			/* as if all had been seen */
	removal_finish(slot, &removal);
	ck_assert_uint_eq(in_state(BX_THREAD_WAITING), 0);
}
END_TEST

/* Nor does it for another slot, where somebody else has taken the rights before. */
START_TEST(steps_delete_goes_on_elsewhere)
{
	struct bx_removal one = { .left = BX_REMOVAL_STEP }, other = { .left = BX_REMOVAL_STEP };
	uint32_t slots = world.core->programs[CROWD].space.first_slot, parent;

	server_receives(0);
	crowd_asks(MANY, BX_SYS_CALL, QUEUE);
	(void)ask(world.core->programs[OTHER].first_thread, BX_SYS_WAIT, NOTE, 0, far(), 0);
	ck_assert_int_eq(bx_capability_remove_leaf(world.core, slots + QUEUE, &parent, &one), BX_ERR_AGAIN);
	removal_finish(slots + NOTE, &other);
	ck_assert_uint_eq(other.index, MANY);
	ck_assert_uint_gt(in_state(BX_THREAD_SENDING), 0);
	removal_finish(slots + QUEUE, &other);
	ck_assert_uint_eq(in_state(BX_THREAD_SENDING), 0);
	world_sound(&world);
}
END_TEST

/* Threads are looked at only when somebody waits at the object: here of another program, then of this. */
START_TEST(steps_delete_looks_at_waiters_only)
{
	static const uint32_t slots[] = { NOTE, QUEUE, QUEUE };
	static const uint64_t calls[] = { BX_SYS_WAIT, BX_SYS_RECEIVE, BX_SYS_SEND };
	uint32_t slot = world.core->programs[CROWD].space.first_slot + slots[_i / 3], parent;
	struct bx_removal removal = { .left = BX_REMOVAL_STEP };
	uint32_t other = _i % 3 == 2 ? first : world.core->programs[OTHER].first_thread;
	int closer = 0;

	if (calls[_i / 3] == BX_SYS_SEND)
		server_receives(0);
	if (_i % 3 != 0)
		(void)ask(other, calls[_i / 3], slots[_i / 3], 0, far(), BX_SLOT_NONE);
	for (uint32_t i = 0; i < MANY; i++)
		closer += thread(first + i)->context.value[0] == slots[_i / 3] ? 2 : 0;
	ck_assert_int_eq(bx_capability_remove_leaf(world.core, slot, &parent, &removal), BX_OK);
	if (_i % 3 == 0)
		ck_assert_int_eq(removal.left, BX_REMOVAL_STEP - 16);
	else
		ck_assert_int_eq(removal.left, BX_REMOVAL_STEP - 16 - (int)MANY - closer -
		    (_i % 3 == 2 ? 128 : 0));
	ck_assert_uint_eq(thread(other)->state == BX_THREAD_READY, _i % 3 != 1);
	world_sound(&world);
}
END_TEST

/* What was removed is there again, by another's right to it. */
static void
note_again(void)
{
	struct bx_cap_space *to = &world.core->programs[CROWD].space;
	struct bx_cap_place from = { &world.core->programs[SERVED].space, NOTE };

	to->sealed = false;
	ck_assert_int_eq(bx_cap_copy(&world.core->forest, from, (struct bx_cap_place){ to, NOTE },
	    world.machine.now), BX_OK);
	to->sealed = true;
}

/* Nor does that of one that was done, when somebody else has begun to remove what is in the slot now; nor
 * that of one which was overtaken. */
START_TEST(steps_delete_is_overtaken)
{
	struct bx_removal one = { .left = BX_REMOVAL_STEP }, other = { .left = BX_REMOVAL_STEP };
	uint32_t slot = world.core->programs[CROWD].space.first_slot + NOTE, parent;

	crowd_asks(MANY, BX_SYS_WAIT, NOTE);
	ck_assert_int_eq(bx_capability_remove_leaf(world.core, slot, &parent, &one), BX_ERR_AGAIN);
	if (_i == 0)
		removal_finish(slot, &one);
	else
		removal_finish(slot, &other);
	ck_assert_uint_gt(one.index, 1);
	note_again();
	for (uint32_t i = 1; i < MANY; i++)
		(void)ask(first + i, BX_SYS_WAIT, NOTE, 0, far(), 0);
	ck_assert_uint_eq(in_state(BX_THREAD_WAITING), MANY - 1);
	other.left = BX_REMOVAL_STEP;
	ck_assert_int_eq(bx_capability_remove_leaf(world.core, slot, &parent, &other), BX_ERR_AGAIN);
	ck_assert_uint_eq(world.core->forest.slots[slot].cap.rights, 0);
	ck_assert_uint_gt(in_state(BX_THREAD_WAITING), 0);
	removal_finish(slot, &one);
	ck_assert_uint_eq(in_state(BX_THREAD_WAITING), 0);
	world_sound(&world);
}
END_TEST

/* Threads 1.. each serve a link and call the next; the priority of the first caller goes along. */
static void
chain_make(void)
{
	static const uint64_t none[4] = { 0 };
	uint32_t reply = world.core->programs[CROWD].space.plain_count;

	for (uint32_t i = LINKS; i-- > 1;) {
		struct bx_thread *who = thread(first + i);

		bx_machine_context_start(&who->context, 0x400000, ELF_DATA, none);
		bx_thread_ready(world.core, who);
		world.context = bx_sched_dispatch(world.core);
		(void)ask(first + i, BX_SYS_RECEIVE, LINK + i, 0, far(), reply + i);
	}
	for (uint32_t i = 0; i + 1 < LINKS; i++) {
		(void)ask(first + i, BX_SYS_CALL, LINK + i + 1, 0, far(), 0);
		ck_assert_uint_eq(thread(first + i)->state, BX_THREAD_AWAITING_REPLY);
	}
	(void)ask(first + LINKS - 1, BX_SYS_SLEEP, 0, 0, far(), 0);
}

START_TEST(steps_priority_along_a_chain)
{
	static const uint8_t priorities[] = { 30, 20, 35, 10 };
	uint32_t most;

	chain_make();
	world.machine.interrupt_every = 1;
	for (unsigned n = 0; n < BX_ARRAY_COUNT(priorities); n++) {
		uint32_t risen = 0;

		thread(first)->priority_base = priorities[n];
		bx_sched_unlend(world.core, thread(first));
		world_sound(&world);
		for (uint32_t i = 0; i < LINKS; i++)
			risen += thread(first + i)->priority == priorities[n];
		ck_assert_uint_le(risen, 16);
		ck_assert_uint_gt(events(BX_THREAD_READY, &most), 1);
		for (uint32_t i = 0; i < LINKS; i++)
			ck_assert_uint_eq(thread(first + i)->priority, priorities[n]);
	}
}
END_TEST

/* While it goes along, whoever has a higher priority runs, and nobody else. */
START_TEST(steps_priority_waits_for_higher)
{
	uint32_t other = world.core->programs[OTHER].first_thread;

	chain_make();
	world_run_until(&world, other);
	for (unsigned n = 0; n < 2; n++) {
		thread(other)->priority_base = n == 0 ? 40 : 11;
		bx_sched_unlend(world.core, thread(other));
		world.machine.interrupt_every = 1;
		thread(first)->priority_base = (uint8_t)(30 + n);
		bx_sched_unlend(world.core, thread(first));
		world.context = bx_kcore_timer(world.core);
		ck_assert_uint_ne(world.core->put_off, 0);
		ck_assert_uint_eq(world_current(&world), n == 0 ? other : BX_NONE);
		world.machine.interrupt_every = 0;
		if (n == 0)
			(void)world_call(&world, BX_SYS_YIELD, 0, 0, 0);
		ck_assert_uint_eq(world_current(&world), n == 0 ? other : BX_NONE);
		thread(other)->priority_base = 11;
		bx_sched_unlend(world.core, thread(other));
		world.context = bx_kcore_timer(world.core);
		ck_assert_uint_eq(world.core->put_off, 0);
		ck_assert_uint_eq(world_current(&world), other);
	}
}
END_TEST

/* A priority is on its way along a chain to a thread of a server when that server ends: what is left of the way
 * goes to the end, which is told to who waits before anybody between computes. */
START_TEST(steps_priority_comes_to_an_end)
{
	uint32_t last = first + LINKS - 1, other = world.core->programs[OTHER].first_thread;
	struct bx_program *served = &world.core->programs[SERVED];
	struct bx_thread *init = thread(world.core->programs[INIT].first_thread);

	server_receives(0);
	bx_thread_wake(world.core, thread(served->first_thread), BX_OK);
	chain_make();
	bx_thread_wake(world.core, thread(last), BX_OK);
	(void)ask(last, BX_SYS_CALL, QUEUE, 0, far(), 0);
	ck_assert_uint_eq(thread(last)->state, BX_THREAD_SENDING);
	(void)ask(served->first_thread, BX_SYS_SLEEP, 0, 0, far(), 0);
	world_run_until(&world, other);
	thread(other)->priority_base = 40;
	bx_sched_unlend(world.core, thread(other));
	world.machine.interrupt_every = 1;
	thread(first)->priority_base = 30;
	bx_sched_unlend(world.core, thread(first));
	while (thread(last)->priority != 30)
		bx_sched_settle_step(world.core);
	ck_assert_uint_eq(thread(served->first_thread)->priority, 10);
	bx_program_end(world.core, SERVED, BX_PROGRAM_KILLED);
	ck_assert_uint_eq(served->end_priority, 10);
	init->priority_base = 20;
	bx_sched_unlend(world.core, init);
	world.machine.interrupt_every = 0;
	(void)world_call(&world, BX_SYS_SLEEP, 0, 0, far());
	ck_assert_uint_eq(world_current(&world), last);
	ck_assert_int_eq(world_result(&world, last), BX_ERR_PEER_DIED);
	ck_assert_uint_eq(init->state, BX_THREAD_READY);
	ck_assert_uint_eq(served->state, BX_PROGRAM_ENDING);
}
END_TEST

/* A map that is stopped in between, after _i steps, is undone in steps by who stops it. */
START_TEST(steps_stop_of_a_map)
{
	uint32_t other = world.core->programs[OTHER].first_thread, mapper = first + 1;
	static const uint64_t none[4] = { 0 };
	struct bx_thread *who = thread(mapper);

	bx_machine_context_start(&who->context, 0x400000, ELF_DATA, none);
	bx_thread_ready(world.core, who);
	(void)ask(first, BX_SYS_SLEEP, 0, 0, far(), 0);
	world_run_until(&world, mapper);
	world.context->word[0] = PAGES;
	world.context->word[1] = BX_MAP_READ;
	world.machine.interrupt_every = 1;
	(void)world_call(&world, BX_SYS_MAP, MEMORY, NOWHERE, 0);
	for (int n = 0; n < _i; n++)
		world.context = bx_kcore_timer(world.core);
	ck_assert_uint_eq(who->restart, 1);
	ck_assert_uint_ne(world.core->frames[world.core->memory_pages[0]].address, 0);

	/* The other comes first. */
	thread(other)->priority_base = 15;
	bx_sched_unlend(world.core, thread(other));
	world.context = bx_kcore_timer(world.core);
	ck_assert_uint_eq(world_current(&world), other);
	(void)world_call(&world, BX_SYS_THREAD_STOP, THREAD_1, 0, 0);
	for (unsigned n = 0; n < 100 && thread(other)->restart != 0; n++) {
		ck_assert_uint_ne(who->state, BX_THREAD_STOPPED);
		world.context = bx_kcore_timer(world.core);
		world_sound(&world);
	}
	ck_assert_int_eq(world_result(&world, other), BX_OK);
	ck_assert_uint_eq(who->state, BX_THREAD_STOPPED);
	ck_assert_int_eq(world_result(&world, mapper), BX_ERR_CANCELLED);
	for (uint32_t i = 0; i < PAGES; i++)
		ck_assert_uint_eq(world.core->frames[world.core->memory_pages[i]].address, 0);
}
END_TEST

/* A deadline that came up while work was put off is heard between its steps. */
START_TEST(steps_hear_the_timer)
{
	uint32_t other = world.core->programs[OTHER].first_thread;
	uint64_t deadline;

	(void)ask(other, BX_SYS_SLEEP, 0, 0, far(), 0);
	thread(other)->priority_base = 15;
	bx_sched_unlend(world.core, thread(other));
	world_run_until(&world, first);
	world.context->word[0] = PAGES;
	world.context->word[1] = BX_MAP_READ;
	world.machine.interrupt_every = 1;
	(void)world_call(&world, BX_SYS_MAP, MEMORY, NOWHERE, 0);
	ck_assert_uint_eq(thread(first)->restart, 1);

	/* In between the other runs, and sleeps for less than the map still takes. */
	bx_thread_wake(world.core, thread(other), BX_OK);
	world.context = bx_kcore_timer(world.core);
	ck_assert_uint_eq(world_current(&world), other);
	world.machine.interrupt_every = 0;
	world.machine.timer_interrupts = true;
	world.machine.now_step = 10;
	deadline = world.machine.now + 60;
	(void)world_call(&world, BX_SYS_SLEEP, 0, 0, deadline);
	ck_assert_uint_eq(thread(first)->restart, 1);
	ck_assert_uint_le(world.machine.now, deadline + 30);
	world.machine.now_step = 0;
}
END_TEST

Suite *
suite_steps(void)
{
	Suite *suite = suite_create("kcore-steps");
	TCase *tcase = tcase_create("steps");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, steps_end_of_a_server, 0, 2);
	tcase_add_loop_test(tcase, steps_end_of_a_crowd, 0, 4);
	tcase_add_loop_test(tcase, steps_dying_threads_do_not_run, 0, 2);
	tcase_add_test(tcase, steps_signal_meets_the_dying);
	tcase_add_loop_test(tcase, steps_message_meets_the_dying, 0, 2);
	tcase_add_test(tcase, steps_reply_meets_the_dying);
	tcase_add_loop_test(tcase, steps_delete_of_waits, 0, 2);
	tcase_add_test(tcase, steps_delete_begins_anew);
	tcase_add_test(tcase, steps_delete_goes_on_elsewhere);
	tcase_add_loop_test(tcase, steps_delete_is_overtaken, 0, 2);
	tcase_add_loop_test(tcase, steps_delete_looks_at_waiters_only, 0, 9);
	tcase_add_test(tcase, steps_priority_along_a_chain);
	tcase_add_test(tcase, steps_priority_waits_for_higher);
	tcase_add_test(tcase, steps_priority_comes_to_an_end);
	tcase_add_loop_test(tcase, steps_stop_of_a_map, 0, 10);
	tcase_add_test(tcase, steps_hear_the_timer);
	suite_add_tcase(suite, tcase);
	return suite;
}
