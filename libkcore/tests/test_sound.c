/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_sound.c -- the checks of bx_kcore_sound, each shown to fail: one thing is broken, and what is said
 * to be is just that.  The system is driver.h's, in the middle of everything.
 */
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "../src/thread.h"

#define SOON		(world.machine.now + 1000000)
#define AWAITS		4u		/* a call that SERVES has taken */
#define SERVES		2u		/* READY, in its queue */
#define SENDS		3u		/* in the queue of EP_B */
#define RECEIVES	5u		/* in that of EP_C */
#define WAITS		1u		/* for NOTE, with the notification of NOTE_READ bound to it */
#define RUNS		0u
#define NOT_THERE	7u		/* program 3 was not started */

static struct world world;

static void
ask(uint32_t who, uint64_t number, uint64_t slot, uint64_t argument, uint64_t reply)
{
	world_run_until(&world, who);
	world.context->reply = reply;
	(void)world_call(&world, number, slot, number == BX_SYS_THREAD_START ? 0x400000 : 0, argument);
}

static void
setup(void)
{
	struct build build = driver_build();
	const char *what = "";

	for (uint32_t p = 0; p < PROGRAMS; p++)
		build.programs[p].priority = 10;
	driver_world(&world, &build);
	for (uint32_t p = 1; p < 3; p++)
		ck_assert_int_eq(world_start(&world, p), BX_OK);
	for (uint32_t p = 0; p < 3; p++)
		ask(2 * p, BX_SYS_THREAD_START, THREAD_OWN, 0x500000, 0);
	ask(WAITS, BX_SYS_NOTIFICATION_BIND, NOTE_READ, 0, 0);
	ask(WAITS, BX_SYS_WAIT, NOTE, SOON, 0);
	ask(SENDS, BX_SYS_SEND, EP_B, SOON, 0);
	ask(RECEIVES, BX_SYS_RECEIVE, EP_C, SOON, REPLY_SLOT);
	ask(SERVES, BX_SYS_RECEIVE, EP_A, SOON, REPLY_SLOT);
	ask(AWAITS, BX_SYS_CALL, EP_A, SOON, 0);
	world_run_until(&world, RUNS);
	world.context->word[0] = 2;
	world.context->word[1] = BX_MAP_READ | BX_MAP_WRITE;
	ck_assert_int_eq(world_call(&world, BX_SYS_MAP, MEMORY, 0x10000000, 0), BX_OK);
	ck_assert(bx_kcore_sound(world.core, &what));
	ck_assert_uint_eq(world.core->threads[SERVES].state, BX_THREAD_READY);
	ck_assert_uint_eq(world.core->threads[AWAITS].state, BX_THREAD_AWAITING_REPLY);
}

static void
teardown(void)
{
	world_free(&world);
}

/* A copy under way: `active` goes on with it, `passive` waits in no queue. */
static void
engage(struct bx_thread *active, struct bx_thread *passive)
{
	active->transfer = passive->index;
	active->restart = 1;
	passive->transfer = active->index;
	passive->phase |= BX_PHASE_ENGAGED;
}

/* By which it waits. */
static struct bx_cap *
cap_of(struct bx_kcore *core, const struct bx_thread *thread)
{
	return &core->forest.slots[core->programs[thread->program].space.first_slot +
	    thread->context.value[0]].cap;
}

static const char *
thread_break(struct bx_kcore *core, struct bx_thread *t, int how)
{
	switch (how) {
	case 0:	t[SERVES].account = SERVES; t[AWAITS].state = BX_THREAD_STATE_COUNT; return "thread state";
	case 1:	t[AWAITS].index = core->thread_count; return "thread state";
	case 2:	t[AWAITS].index = RUNS; return "thread state";
	case 3:	t[AWAITS].generation++; return "thread generation";
	case 4:	t[NOT_THERE].generation++; return "thread generation";
	case 5:	t[NOT_THERE].clients = RUNS; return "a free thread holds something";
	case 6:	t[NOT_THERE].bound_notification = 0; return "a free thread holds something";
	case 7:	t[NOT_THERE].transfer = RUNS; return "a free thread holds something";
	case 8:	t[NOT_THERE].restart = 1; return "a free thread holds something";
	case 9:	core->programs[1].generation++; return "a thread outlives its process";
	case 10: t[RUNS].slots++; return "slots of a thread";
	case 11: t[RUNS].plain_count++; return "slots of a thread";
	case 12: t[RUNS].signalled = 1; return "pending signal of a thread";
	case 13: t[RUNS].priority = BX_PRIORITY_COUNT; return "thread priority";
	case 14: t[RUNS].priority_base = 11; return "thread priority";
	case 15: t[AWAITS].restart = 1; return "a thread that waits is to begin again";
	case 16: t[SERVES].account = SERVES; t[AWAITS].partner = BX_NONE; return "partner of a thread";
	case 17: t[RUNS].phase = BX_PHASE_ENGAGED; return "a copy under way";
	case 18: t[RUNS].account = SERVES; return "account of a thread";
	case 19: t[SERVES].account = RUNS; return "account of a thread";
	case 20: core->notifications[1].bound_thread = RUNS; return "bound notification";
	case 21: t[SENDS].deadline = 0; return "a wait without an end";
	case 22: t[WAITS].timer_key = t[WAITS].deadline + 1; return "a wait without an end";
	case 23: t[RUNS].copied = 1; return "a copy under way";
	case 24: t[RUNS].transfer = core->thread_count; return "a copy under way";
	case 25: t[RUNS].transfer = AWAITS; return "a copy under way";
	case 26: engage(&t[RUNS], &t[SERVES]); return "a copy under way";
	case 27: engage(&t[SERVES], &t[AWAITS]); t[SERVES].restart = 0; return "a copy under way";
	case 28: engage(&t[SERVES], &t[AWAITS]); t[AWAITS].copied = 1; return "a copy under way";
	case 29: engage(&t[RUNS], &t[SENDS]); return "a copy under way";
	case 30: engage(&t[RUNS], &t[RECEIVES]); return "a copy under way";
	case 31: engage(&t[RUNS], &t[WAITS]); return "a copy under way";
	case 32: core->programs[1].threads_alive++; return "count of living threads";
	case 33: core->cpu.current = core->thread_count; return "current thread";
	case 34: t[SENDS].context.value[0] = t[SENDS].plain_count; return "a wait by no capability";
	case 35: cap_of(core, &t[SENDS])->type = BX_CAP_NONE; return "a wait by no capability";
	case 36: cap_of(core, &t[RECEIVES])->object.index = 0; return "a wait by no capability";
	case 37: cap_of(core, &t[WAITS])->type = BX_CAP_ENDPOINT; return "a wait by no capability";
	case 38: cap_of(core, &t[WAITS])->rights = BX_RIGHT_WRITE; return "a wait by no capability";
	case 39: cap_of(core, &t[SENDS])->rights = BX_RIGHT_READ; return "a wait by no capability";
	case 40: t[RUNS].phase = BX_PHASE_SPENT; t[RUNS].context.value[0] = NOTE;
		return "a wait by no capability";
	case 41: t[RUNS].astray = 1; return "threads astray";
	case 42: core->programs[0].strays++; return "threads astray";
	default: return NULL;
	}
}
#define THREAD_BREAKS	43

static const char *
queue_break(struct bx_kcore *core, struct bx_thread *t, int how)
{
	struct bx_queue *ready = &core->cpu.ready[10];

	switch (how) {
	case 0:	t[SERVES].account = SERVES; t[AWAITS].previous = RUNS; return "clients of a server";
	case 1:	t[AWAITS].next = SENDS; t[SENDS].previous = AWAITS; return "clients of a server";
	case 2:	t[SERVES].account = SERVES; t[AWAITS].partner = RUNS; return "clients of a server";
	case 3:	t[AWAITS].priority = 11; return "clients of a server";
	case 4:	ready->head = BX_NONE; return "ready queue";
	case 5:	ready->head = core->thread_count; return "ready queue";
	case 6:	ready->tail = BX_NONE; return "ready queue";
	case 7:	core->cpu.ready_mask = 0; return "ready queue";
	case 8:	core->cpu.ready_mask |= 1; return "ready queue";
	case 9:	t[ready->head].previous = RUNS; return "ready queue";
	case 10: t[WAITS].object = 1; return "queue of a notification";
	case 11: t[ready->head].priority = 11; return "thread in a ready queue";
	case 12: core->cpu.current = ready->head; return "thread in a ready queue";
	case 13: core->endpoints[1].senders.head = BX_NONE; return "queue of an endpoint";
	case 14: core->endpoints[2].receivers.tail = BX_NONE; return "queue of an endpoint";
	case 15: t[SENDS].object = 0; return "queue of an endpoint";
	case 16: core->sender_levels[1].count[10]++; return "priorities of queued senders";
	case 17: core->notifications[0].waiters.tail = BX_NONE; return "queue of a notification";
	case 18: core->notifications[0].bits = 1; return "bits that nobody is given";
	case 19: t[RUNS].state = BX_THREAD_WAITING; t[RUNS].deadline = SOON; t[RUNS].timer_key = SOON;
		return "a thread is not where its state says";
	case 20: core->cpu.current = BX_NONE; return "a thread is not where its state says";
	case 21: t[WAITS].timer_place = core->timer_count; return "place of a timer";
	case 22: t[WAITS].timer_place = t[SENDS].timer_place; return "place of a timer";
	case 23: t[core->timers[0]].timer_key = 2; t[core->timers[0]].timer_floor = 1;
		t[core->timers[1]].timer_key = 1; t[core->timers[1]].timer_floor = 0;
		return "order of the timers";
	case 24: core->timer_count++; return "count of the timers";
	case 25: /* A receiver where a sender is. */
		t[RECEIVES].object = 1;
		core->endpoints[1].receivers = core->endpoints[2].receivers;
		core->endpoints[2].receivers = (struct bx_queue){ BX_NONE, BX_NONE };
		return "a sender and a receiver wait for each other";
	case 26: /* What copies is in no queue. */
		engage(&t[SERVES], &t[AWAITS]);
		core->endpoints[1].senders = (struct bx_queue){ SENDS, SENDS };
		t[SENDS].state = BX_THREAD_RECEIVING;
		return "queue of an endpoint";
	case 27: core->sender_levels[1].mask = 0; return "priorities of queued senders";
	case 28: core->client_levels[SERVES].mask = 1; return "clients of a server";
	case 29: t[RUNS].unsettled = 1; return "what was put off";
	case 30: core->unsettled = RUNS; return "what was put off";
	case 31: core->unsettled = core->thread_count; return "what was put off";
	case 32: t[WAITS].timer_floor = 0; return "floor of a timer";
	default: return NULL;
	}
}
#define QUEUE_BREAKS	33

/* A frame that program 0 has in its list. */
static struct bx_frame *
own_frame(struct bx_kcore *core, enum bx_frame_type type)
{
	uint32_t i = core->programs[0].frames;

	while (core->frames[i].type != type || (type == BX_FRAME_USER && core->frames[i].address == 0))
		i = core->frames[i].next;
	return &core->frames[i];
}

static const char *
frame_break(struct bx_kcore *core, int how)
{
	struct bx_frame *user = own_frame(core, BX_FRAME_USER), *table = own_frame(core, BX_FRAME_TABLE);
	struct bx_frame *memory = &core->frames[core->memory_pages[0]];
	uint32_t free_frame = core->frame_free;

	switch (how) {
	case 0:	user->flags = BX_PAGE_WRITE | BX_PAGE_EXECUTE; return "W^X of a frame";
	case 1:	memory[0].address = 0; return "flags of an unmapped frame";
	case 2:	table->address = 0x400000; return "mapped frame";
	case 3:	user->owner = core->program_count; return "mapped frame";
	case 4:	table->owner = BX_NONE; return "table without owner";
	case 5:	user->address = 0; user->flags = 0; user->owner = BX_NONE;
		return "user frame without owner";
	case 6:	core->frames_table_count++; return "frame counts";
	case 7:	core->frames_user_count++; return "frame counts";
	case 8:	core->frames_free_count++; return "frame counts";
	case 9:	core->frame_free = BX_NONE; return "free list";
	case 10: core->frame_free = (uint32_t)(user - core->frames); return "free list";
	case 11: core->frames[free_frame].next = free_frame; return "free list";
	case 12: core->frames[free_frame].flags = 0;
		memset(bx_core_frame_bytes(core, free_frame), 1, 1);
		return "a free frame is not zero";
	case 13: core->frames[free_frame].flags = 0;
		memset(bx_core_frame_bytes(core, free_frame), 0, BX_PAGE_SIZE);
		memset((uint8_t *)bx_core_frame_bytes(core, free_frame) + 4000, 1, 1);
		return "a free frame is not zero";
	case 14: user->address += BX_USER_END / 2; return "page tables and frame table differ";
	case 15: user->flags ^= BX_PAGE_WRITE; user->flags &= BX_PAGE_WRITE;
		return "page tables and frame table differ";
	case 16: user->address = memory->address; return "page tables and frame table differ";
	case 17: core->programs[0].frames_used--; return "frame list of a program";
	case 18: core->programs[0].frames_used++; return "frame quota";
	case 19: core->programs[0].frame_quota = 1; return "frame quota";
	case 20: core->frames[core->programs[0].frames].previous = 1; return "frame list of a program";
	case 21: table->owner = 1; return "frame list of a program";
	case 22: table->memory = 0; return "frame list of a program";
	case 23: core->programs[3].root = BX_PAGE_SIZE; return "root of a program";
	case 24: core->programs[1].generation++; return "a running program";
	case 25: core->programs[1].space.sealed = false; return "a running program";
	case 26: core->programs[1].work_state = 1; return "a running program";
	case 27: core->programs[3].generation++; return "generation of an ended program";
	case 28: core->put_off++; return "count of what was put off";
	case 29: core->forest.slots[core->programs[1].space.first_slot].cap.depth++;
		return "capability forest";
	case 30: memory->memory = 1; return "frame of a memory object";
	case 31: memory->owner = BX_NONE; memory->address = 0; memory->flags = 0;
		core->frames[core->memory_pages[1]].memory = 1;
		return "frame of a memory object";
	case 32: core->forest.slots[core->programs[0].space.first_slot + MEMORY].cap.count = 1;
		return "memory held without a capability";
	case 33: core->forest.slots[core->programs[0].space.first_slot + MEMORY].cap.first = 1;
		core->forest.slots[core->programs[0].space.first_slot + MEMORY].cap.count = 1;
		return "memory held without a capability";
	case 34: core->grants[0].limits.rights = 0; return "more authority than the manifest gives";
	case 35: core->objects[core->grants[0].object].index = 1;
		return "more authority than the manifest gives";
	case 36: core->objects[core->grants[0].object].kind = BX_OBJECT_MEMORY;
		return "more authority than the manifest gives";
	case 37: core->ending[0][0] = 1; return "which programs are ending";
	default: return NULL;
	}
}
#define FRAME_BREAKS	38

/* sound: what is broken is found, and named. */
START_TEST(sound_every_thread_check_fails)
{
	const char *what = "", *expected = thread_break(world.core, world.core->threads, _i);

	ck_assert_ptr_nonnull(expected);
	ck_assert(!bx_sched_sound(world.core, &what));
	ck_assert_str_eq(what, expected);
}
END_TEST

START_TEST(sound_every_queue_check_fails)
{
	const char *what = "", *expected = queue_break(world.core, world.core->threads, _i);

	ck_assert_ptr_nonnull(expected);
	ck_assert(!bx_sched_sound(world.core, &what));
	ck_assert_str_eq(what, expected);
}
END_TEST

START_TEST(sound_every_frame_check_fails)
{
	const char *what = "", *expected = frame_break(world.core, _i);

	ck_assert_ptr_nonnull(expected);
	ck_assert(!bx_kcore_sound(world.core, &what));
	ck_assert_str_eq(what, expected);
}
END_TEST

/* What the threads' files say is part of the whole. */
START_TEST(sound_is_all_of_it)
{
	const char *what = "";

	world.core->threads[RUNS].priority = BX_PRIORITY_COUNT;
	ck_assert(!bx_kcore_sound(world.core, &what));
	ck_assert_str_eq(what, "thread priority");
}
END_TEST

Suite *
suite_sound(void)
{
	Suite *suite = suite_create("kcore-sound");
	TCase *tcase = tcase_create("sound");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, sound_every_thread_check_fails, 0, THREAD_BREAKS);
	tcase_add_loop_test(tcase, sound_every_queue_check_fails, 0, QUEUE_BREAKS);
	tcase_add_loop_test(tcase, sound_every_frame_check_fails, 0, FRAME_BREAKS);
	tcase_add_test(tcase, sound_is_all_of_it);
	suite_add_tcase(suite, tcase);
	return suite;
}
