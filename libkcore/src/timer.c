/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * timer.c -- deadlines: a binary heap of threads by tick, with lazy entries.
 *
 * A thread has at most one entry.  Its key says when to look at the thread, its deadline when the
 * wait ends; key <= deadline.  So most waits cost no work on the heap: a new deadline at or after
 * the key is one store, and a wait that ends leaves its entry behind.  An entry that comes due
 * early is queued again by the present deadline, or dropped when the thread does not wait.
 *
 * The same entry wakes a thread's account, when it has been throttled (budget.c).
 */
#include "thread.h"

#define EXPIRE_STEP	6		/* entries looked at in one timer event, ... */
#define EXPIRE_REFILL	2		/* ... and as many of them a refill is worth */

static uint64_t
key_at(const struct bx_kcore *core, uint32_t place)
{
	return core->threads[core->timers[place]].timer_key;
}

/* Keys of entries are deadlines, so neither 0 nor UINT64_MAX. */
static void
key_set(struct bx_thread *thread, uint64_t key)
{
	thread->timer_key = key;
	thread->timer_floor = key == UINT64_MAX ? key : key - 1;
}

static void
put(struct bx_kcore *core, uint32_t place, uint32_t thread)
{
	core->timers[place] = thread;
	core->threads[thread].timer_place = place;
}

static void
sift_up(struct bx_kcore *core, uint32_t place)
{
	uint32_t thread = core->timers[place];
	uint64_t key = key_at(core, place);

	while (place > 0 && key_at(core, (place - 1) / 2) > key) {
		put(core, place, core->timers[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	put(core, place, thread);
}

static void
sift_down(struct bx_kcore *core, uint32_t place)
{
	uint32_t thread = core->timers[place];
	uint64_t key = key_at(core, place);

	for (;;) {
		uint32_t least = 2 * place + 1;

		if (least >= core->timer_count)
			break;
		if (least + 1 < core->timer_count && key_at(core, least + 1) < key_at(core, least))
			least++;
		if (key_at(core, least) >= key)
			break;
		put(core, place, core->timers[least]);
		place = least;
	}
	put(core, place, thread);
}

static void
remove_first(struct bx_kcore *core)
{
	struct bx_thread *thread = bx_thread_at(core, core->timers[0]);

	key_set(thread, UINT64_MAX);
	core->timer_count--;
	if (core->timer_count > 0) {
		put(core, 0, core->timers[core->timer_count]);
		sift_down(core, 0);
	}
}

void
bx_timer_wake(struct bx_kcore *core, struct bx_thread *thread, uint64_t tick)
{
	if (tick >= thread->timer_key)
		return;
	if (thread->timer_key == UINT64_MAX) {
		BX_ASSERT(core->timer_count < core->thread_count);
		thread->timer_place = core->timer_count;
		core->timers[core->timer_count++] = thread->index;
	}
	key_set(thread, tick);
	sift_up(core, thread->timer_place);
}

void
bx_timer_add(struct bx_kcore *core, struct bx_thread *thread, uint64_t deadline)
{
	BX_ASSERT(deadline != 0 && deadline != UINT64_MAX);
	thread->deadline = deadline;
	if (deadline < thread->timer_key)
		bx_timer_wake(core, thread, deadline);
}

void
bx_timer_cancel(struct bx_kcore *core, struct bx_thread *thread)
{
	(void)core;			/* the entry stays until it is due */
	thread->deadline = 0;
}

uint64_t
bx_timer_next(struct bx_kcore *core)
{
	return core->timer_count > 0 ? key_at(core, 0) : UINT64_MAX;
}

bool
bx_timer_expire(struct bx_kcore *core, uint64_t now)
{
	int left;

	for (left = EXPIRE_STEP; left > 0 && bx_timer_next(core) <= now; left--) {
		struct bx_thread *thread = bx_thread_at(core, core->timers[0]);
		uint64_t due = bx_budget_due(core, thread);

		if (due <= now) {
			bx_budget_refill(core, thread, now);
			due = UINT64_MAX;
			left -= EXPIRE_REFILL - 1;
		}
		/* The short way of IPC keeps a deadline as it was given. */
		if (thread->deadline > now)
			thread->deadline = bx_deadline_clamp(thread->deadline, now);
		if (thread->deadline > now || (thread->deadline == 0 && due != UINT64_MAX)) {
			key_set(thread, thread->deadline != 0 && thread->deadline < due ?
			    thread->deadline : due);
			sift_down(core, 0);
			continue;
		}
		remove_first(core);
		if (thread->deadline != 0 && thread->state != BX_THREAD_READY)
			bx_ipc_timeout(core, thread);
		bx_timer_wake(core, thread, due);
	}
	return left < EXPIRE_STEP;
}
