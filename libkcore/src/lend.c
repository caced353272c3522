/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * lend.c -- what a call lends: priority, and the account that is charged.
 *
 * Priority: own, raised to that of every client, of every sender queued where it serves, and of who waits
 * for the rest of a copy that it makes.  A change goes along the chain of those who wait for each other, in steps.
 */
#include "thread.h"

#define CHAIN_STEP	2u		/* threads settled at once, one for another */

/* Where a thread counts that waits for the service of another, or NULL. */
static struct bx_levels *
levels_of(struct bx_kcore *core, const struct bx_thread *thread)
{
	if (thread->state == BX_THREAD_SENDING && thread->object != BX_NONE)
		return &core->sender_levels[thread->object];
	if (bx_thread_awaits(thread) && thread->partner != BX_NONE &&
	    core->threads[thread->partner].clients != thread->index)
		return &core->client_levels[thread->partner];
	return NULL;
}

/* Whose end, if it ends, the thread waits for with its priority. */
static uint32_t
program_awaited(const struct bx_kcore *core, const struct bx_thread *thread)
{
	if (bx_thread_awaits(thread) && thread->partner != BX_NONE)
		return core->threads[thread->partner].program;
	if (thread->state == BX_THREAD_SENDING && thread->object != BX_NONE)
		return core->endpoints[thread->object].server;
	if (thread->state != BX_THREAD_READY && thread->transfer != BX_NONE)
		return core->threads[thread->transfer].program;
	return BX_NONE;
}

void
bx_sched_priority_set(struct bx_kcore *core, struct bx_thread *thread, uint32_t priority)
{
	struct bx_levels *levels;
	uint32_t program;
	bool queued, parked = bx_thread_parked(core, thread);

	if (thread->priority == priority)
		return;
	queued = thread->state == BX_THREAD_READY && thread->index != core->cpu.current && !parked;
	levels = parked ? &core->parked : levels_of(core, thread);
	if (queued)
		bx_thread_unready(core, thread);
	if (levels != NULL) {
		bx_levels_remove(levels, thread->priority);
		bx_levels_add(levels, priority);
	}
	thread->priority = (uint8_t)priority;
	if (queued)
		bx_sched_enqueue(core, thread, true);
	program = program_awaited(core, thread);
	if (program != BX_NONE && core->programs[program].state == BX_PROGRAM_ENDING)
		bx_program_end_hasten(core, program, priority);
	/* It was on its way along a chain when the end began. */
	if (bx_thread_dying(core, thread))
		bx_program_end_hasten(core, thread->program, priority);
}

void
bx_sched_lend(struct bx_kcore *core, struct bx_thread *server, const struct bx_thread *client)
{
	server->account = client->account;
	if (server->helper != BX_NONE || core->threads[server->account].throttled != 0)
		bx_budget_account(core, server);
	if (client->priority > server->priority)
		bx_sched_priority_set(core, server, client->priority);
}

/* The highest priority of those who wait for an answer of the thread, or for the copy that it makes; or 0. */
static uint32_t
lent_by_clients(const struct bx_kcore *core, const struct bx_thread *thread)
{
	uint32_t priority = 0;

	if (thread->clients != BX_NONE) {
		priority = bx_levels_top(&core->client_levels[thread->index]);
		if (core->threads[thread->clients].priority > priority)
			priority = core->threads[thread->clients].priority;
	}
	/* The other side waits for the copy that this one makes. */
	if (thread->transfer != BX_NONE && thread->state == BX_THREAD_READY &&
	    core->threads[thread->transfer].priority > priority)
		priority = core->threads[thread->transfer].priority;
	return priority;
}

/* The priority a thread has by itself, its clients and the senders that wait for it. */
static uint32_t
priority_due(const struct bx_kcore *core, const struct bx_thread *thread)
{
	uint32_t priority = thread->priority_base;
	uint32_t lent = lent_by_clients(core, thread);

	if (lent > priority)
		priority = lent;
	if (thread->serves != BX_NONE &&
	    (thread->state != BX_THREAD_RECEIVING || thread->transfer != BX_NONE) &&
	    core->endpoints[thread->serves].server_thread == thread->index) {
		lent = bx_levels_top(&core->sender_levels[thread->serves]);
		if (lent > priority)
			priority = lent;
	}
	return priority;
}

/* As bx_budget_account; most often nobody is served any more, and it has time of its own. */
static void
account_again(struct bx_kcore *core, struct bx_thread *thread)
{
	if (thread->clients == BX_NONE && thread->throttled == 0 && thread->helper == BX_NONE &&
	    !bx_thread_parked(core, thread))
		thread->account = thread->index;
	else
		bx_budget_account(core, thread);
}

/* Works out what one thread is lent.  Returns whom it waits for, and so passes on to, or BX_NONE.  The
 * highest priority that it found or made is kept in *highest. */
static uint32_t
settle(struct bx_kcore *core, struct bx_thread *server, uint32_t *highest, bool line)
{
	uint32_t before = server->priority, account = server->account;
	uint32_t priority = priority_due(core, server);

	bx_sched_priority_set(core, server, priority);
	account_again(core, server);
	if (before == priority && server->account == account && !line)
		return BX_NONE;
	if (*highest < before)
		*highest = before;
	if (*highest < priority)
		*highest = priority;
	return server->state == BX_THREAD_RECEIVING ? server->transfer :
	    bx_budget_served_by(core, server);
}

/* Goes along the chain of those that wait, as far as something changes, or the whole line; what is left
 * of a long one is put off, and of the highest priority met so far, not below `highest`. */
static void
settle_chain(struct bx_kcore *core, uint32_t next, uint32_t highest, bool line)
{
	struct bx_thread *thread;

	for (unsigned n = 0; n < CHAIN_STEP && next != BX_NONE; n++)
		next = settle(core, bx_thread_at(core, next), &highest, line);
	if (next == BX_NONE)
		return;
	if (core->unsettled == BX_NONE || core->settle_priority < highest)
		core->settle_priority = highest;
	thread = bx_thread_at(core, next);
	thread->settle_line |= line;
	if (thread->unsettled != 0)
		return;
	thread->unsettled = 1;
	thread->settle_next = core->unsettled;
	core->unsettled = next;
	core->put_off++;
}

void
bx_sched_unlend(struct bx_kcore *core, struct bx_thread *server)
{
	/* Most often nothing was lent: it serves nobody and begins to wait. */
	if (server->clients == BX_NONE && server->state == BX_THREAD_RECEIVING &&
	    server->account == server->index && server->priority == server->priority_base &&
	    server->transfer == BX_NONE)
		return;
	core->settle_left = core->thread_count;
	settle_chain(core, server->index, 0, false);
}

void
bx_sched_payers_changed(struct bx_kcore *core, const struct bx_thread *owner)
{
	core->settle_left = core->thread_count;
	settle_chain(core, owner->index, 0, true);
}

void
bx_sched_serve(struct bx_kcore *core, struct bx_endpoint *endpoint, struct bx_thread *thread)
{
	uint32_t before = endpoint->server_thread;

	endpoint->server = thread->program;
	endpoint->server_thread = thread->index;
	thread->serves = (uint32_t)(endpoint - core->endpoints);
	bx_budget_give_up(core, thread);
	/* Who queues here pays for no other thread, and who queues elsewhere not for this one; what they lend
	 * is this one's, also when it has served others in between. */
	bx_budget_help_drop(core, thread);
	if (before != BX_NONE && before != thread->index) {
		bx_budget_help_drop(core, bx_thread_at(core, before));
		bx_sched_unlend(core, bx_thread_at(core, before));
	}
	bx_sched_unlend(core, thread);
}

void
bx_sched_help_end(struct bx_kcore *core, struct bx_thread *sender)
{
	struct bx_thread *server = bx_thread_at(core, sender->helps);

	bx_budget_help_drop(core, server);
	bx_sched_unlend(core, server);
}

/* Threads that wait in a ring (only a deadline ends that) could pass a
 * change round it for ever: after as many steps as there are threads it is dropped. */
void
bx_sched_settle_step(struct bx_kcore *core)
{
	struct bx_thread *thread = bx_thread_at(core, core->unsettled);
	uint32_t priority = core->settle_priority;
	bool line = thread->settle_line != 0;

	core->unsettled = thread->settle_next;
	thread->unsettled = 0;
	thread->settle_line = 0;
	core->put_off--;
	if (core->settle_left == 0)
		return;
	core->settle_left--;
	settle_chain(core, thread->index, priority, line);
}
