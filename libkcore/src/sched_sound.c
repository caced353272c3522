/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * sched_sound.c -- whether threads, queues, client lists, accounts, timers and copies under way are as
 * thread.c, sched.c, budget.c, timer.c and ipc*.c promise.  Reads only; no loop follows a link further
 * than there are threads.
 */
#include "thread.h"

static bool
broken(const char **what, const char *text)
{
	*what = text;
	return false;
}

/* A doubly linked queue whose members are all in `state` and wait on `object`; how many there are is
 * added to *in. */
static bool
queue_sound(const struct bx_kcore *core, const struct bx_queue *queue, uint32_t state,
    uint32_t object, uint32_t *in)
{
	uint32_t count = 0, previous = BX_NONE;

	for (uint32_t i = queue->head; i != BX_NONE; i = core->threads[i].next) {
		const struct bx_thread *thread = &core->threads[i];

		if (i >= core->thread_count || count++ == core->thread_count ||
		    thread->previous != previous || thread->state != state ||
		    (state != BX_THREAD_READY && thread->object != object) ||
		    (thread->transfer != BX_NONE && state != BX_THREAD_READY))
			return false;
		previous = i;
	}
	*in += count;
	return queue->tail == previous;
}

/* The counts by priority are those that were seen. */
static bool
levels_sound(const struct bx_levels *levels, const struct bx_levels *seen)
{
	for (uint32_t p = 0; p < BX_PRIORITY_COUNT; p++) {
		if (levels->count[p] != seen->count[p] ||
		    (levels->mask >> p & 1) != (seen->count[p] > 0))
			return false;
	}
	return true;
}

static bool
senders_sound(const struct bx_kcore *core, uint32_t endpoint)
{
	struct bx_levels seen = { .mask = 0 };

	for (uint32_t i = core->endpoints[endpoint].senders.head; i != BX_NONE;
	    i = core->threads[i].next)
		seen.count[core->threads[i].priority]++;
	return levels_sound(&core->sender_levels[endpoint], &seen);
}

/* The client list of a server; how many there are is added to *count. */
static bool
clients_sound(const struct bx_kcore *core, const struct bx_thread *server, uint32_t *count)
{
	struct bx_levels seen = { .mask = 0 };
	uint32_t n = 0, previous = BX_NONE;

	for (uint32_t i = server->clients; i != BX_NONE; i = core->threads[i].next) {
		const struct bx_thread *client = &core->threads[i];

		if (i >= core->thread_count || n++ == core->thread_count ||
		    client->previous != previous || !bx_thread_awaits(client) ||
		    client->partner != server->index ||
		    (client->priority > server->priority && server->unsettled == 0))
			return false;
		if (previous != BX_NONE)
			seen.count[client->priority]++;
		previous = i;
	}
	*count += n;
	return levels_sound(&core->client_levels[server->index], &seen);
}

/* The other side of a copy under way knows of it, and one side is active. */
static bool
transfer_sound(const struct bx_kcore *core, const struct bx_thread *thread)
{
	const struct bx_thread *other;
	bool active = thread->state == BX_THREAD_READY;

	if ((thread->transfer != BX_NONE && !active) != ((thread->phase & BX_PHASE_ENGAGED) != 0))
		return false;
	if (thread->transfer == BX_NONE)
		return thread->copied == 0;
	if (thread->transfer >= core->thread_count)
		return false;
	other = &core->threads[thread->transfer];
	if (other->transfer != thread->index || (other->state == BX_THREAD_READY) == active)
		return false;
	if (active)
		return thread->restart == 1;
	return thread->copied == 0 && (thread->state == BX_THREAD_AWAITING_REPLY ||
	    ((thread->state == BX_THREAD_SENDING || thread->state == BX_THREAD_RECEIVING) &&
	    thread->object == BX_NONE));
}

/* A server and the sender that pays for it know of each other. */
static bool
help_sound(const struct bx_kcore *core, const struct bx_thread *thread)
{
	if (thread->helps != BX_NONE && (thread->helps >= core->thread_count ||
	    thread->state != BX_THREAD_SENDING ||
	    core->threads[thread->helps].helper != thread->index))
		return false;
	return thread->helper == BX_NONE || (thread->helper < core->thread_count &&
	    core->threads[thread->helper].helps == thread->index);
}

/* The account is its own, or that of the sender that pays, or of a client, or of the client's in
 * turn. */
static bool
account_sound(const struct bx_kcore *core, const struct bx_thread *thread)
{
	if (core->unsettled != BX_NONE)
		return true;
	if (thread->helper != BX_NONE)
		return thread->account == core->threads[thread->helper].account;
	if (thread->account == thread->index)
		return true;
	for (uint32_t i = thread->clients; i != BX_NONE; i = core->threads[i].next) {
		if (core->threads[i].account == thread->account)
			return true;
	}
	return false;
}

/* Who is READY is found from the owner of its account, and nobody else who is READY before: one at
 * most is on an account. */
static bool
line_sound(const struct bx_kcore *core, const struct bx_thread *thread)
{
	uint32_t at = thread->account;

	if (thread->state != BX_THREAD_READY || core->unsettled != BX_NONE)
		return true;
	for (uint32_t n = 0; n < core->thread_count && at != BX_NONE && at < core->thread_count; n++) {
		if (at == thread->index)
			return true;
		at = bx_budget_served_by(core, &core->threads[at]);
	}
	return false;
}

/* No time appears and none is lost. */
static bool
budget_sound(const struct bx_kcore *core, const struct bx_thread *thread)
{
	const struct bx_account *account = &core->accounts[thread->index];
	int64_t sum = account->left;

	if (thread->limited != (account->budget != BX_BUDGET_NONE))
		return false;
	if (account->budget == BX_BUDGET_NONE)
		return account->left == 0 && account->refill_count == 0 && thread->throttled == 0;
	if (account->refill_count > BX_REFILLS)
		return false;
	for (unsigned i = 0; i < account->refill_count; i++) {
		sum += (int64_t)account->refills[i].ticks;
		if (i > 0 && account->refills[i].at < account->refills[i - 1].at)
			return false;
	}
	if (account->budget == 0)		/* passive: what it may start up on */
		return thread->throttled != 0 &&
		    sum == (int64_t)core->programs[thread->program].slice_ticks;
	return sum == (int64_t)account->budget &&
	    (thread->throttled == 0 || thread->timer_key <= bx_budget_due(core, thread));
}

static bool
parked_sound(const struct bx_kcore *core, const struct bx_thread *owner)
{
	const struct bx_thread *thread;

	if (owner->parked == BX_NONE)
		return true;
	if (owner->parked >= core->thread_count || owner->throttled == 0)
		return false;
	thread = &core->threads[owner->parked];
	return thread->state == BX_THREAD_READY && thread->account == owner->index &&
	    core->cpu.current != thread->index && thread->next == BX_NONE &&
	    thread->previous == BX_NONE;
}

/* Who waits by a capability, or has waited and begins again, holds it still, or it is being removed and
 * has no rights.  The slots of a program that is being taken apart are not looked at: nor does it wait
 * for long. */
static bool
holds_sound(const struct bx_kcore *core, const struct bx_thread *thread)
{
	const struct bx_program *program = &core->programs[thread->program];
	uint8_t right = thread->state == BX_THREAD_SENDING ? BX_RIGHT_WRITE : BX_RIGHT_READ;
	const struct bx_cap *cap;

	if (thread->call_kind == BX_CALL_FAULT || bx_thread_dying(core, thread) ||
	    (!bx_thread_queued(thread) && (thread->state != BX_THREAD_READY ||
	    (thread->phase & BX_PHASE_SPENT) == 0)))
		return true;
	if (thread->context.value[0] >= program->space.plain_count)
		return false;
	cap = &core->forest.slots[program->space.first_slot + thread->context.value[0]].cap;
	if (cap->type != (thread->state == BX_THREAD_WAITING ? BX_CAP_NOTIFICATION : BX_CAP_ENDPOINT) ||
	    (thread->object != BX_NONE && cap->object.index != thread->object))
		return false;
	return thread->state == BX_THREAD_READY || cap->rights == 0 || (cap->rights & right) != 0;
}

/* Whose call goes by a capability is in a queue, or counts. */
static bool
strays_sound(const struct bx_kcore *core, const struct bx_program *program)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < program->thread_count; i++) {
		const struct bx_thread *thread = &core->threads[program->first_thread + i];
		bool astray = thread->transfer != BX_NONE || (thread->state == BX_THREAD_READY &&
		    (thread->phase & BX_PHASE_SPENT) != 0);

		if (thread->astray != astray)
			return false;
		count += astray;
	}
	return count == program->strays;
}

static bool
thread_sound(const struct bx_kcore *core, const struct bx_thread *thread, const char **what)
{
	bool alive = thread->state != BX_THREAD_FREE;

	if (thread->state >= BX_THREAD_STATE_COUNT || thread->index >= core->thread_count ||
	    &core->threads[thread->index] != thread)
		return broken(what, "thread state");
	if (alive != ((thread->generation & 1) != 0))
		return broken(what, "thread generation");
	if (!alive && (thread->clients != BX_NONE || thread->bound_notification != BX_NONE ||
	    thread->transfer != BX_NONE || thread->restart != 0))
		return broken(what, "a free thread holds something");
	if (alive && (core->programs[thread->program].generation & 1) == 0 &&
	    !bx_thread_dying(core, thread))
		return broken(what, "a thread outlives its process");
	if (alive && (thread->slots !=
	    &core->forest.slots[core->programs[thread->program].space.first_slot] ||
	    thread->plain_count != core->programs[thread->program].space.plain_count))
		return broken(what, "slots of a thread");
	if (thread->priority >= BX_PRIORITY_COUNT || (alive &&
	    thread->priority < thread->priority_base))
		return broken(what, "thread priority");
	if (thread->restart != 0 && thread->state != BX_THREAD_READY)
		return broken(what, "a thread that waits is to begin again");
	if (bx_thread_awaits(thread) && thread->partner >= core->thread_count)
		return broken(what, "partner of a thread");
	if (!transfer_sound(core, thread))
		return broken(what, "a copy under way");
	if (!account_sound(core, thread))
		return broken(what, "account of a thread");
	if (!help_sound(core, thread))
		return broken(what, "a sender that pays");
	if (!line_sound(core, thread))
		return broken(what, "line of an account");
	if (!budget_sound(core, thread))
		return broken(what, "budget of an account");
	if (!parked_sound(core, thread))
		return broken(what, "a parked thread");
	if (thread->bound_notification != BX_NONE &&
	    core->notifications[thread->bound_notification].bound_thread != thread->index)
		return broken(what, "bound notification");
	if (thread->signalled != (thread->bound_notification != BX_NONE &&
	    core->notifications[thread->bound_notification].bits != 0))
		return broken(what, "pending signal of a thread");
	/* There is no infinite wait but for the handler of a fault. */
	if (thread->state != BX_THREAD_FREE && thread->state != BX_THREAD_STOPPED &&
	    thread->state != BX_THREAD_READY && thread->call_kind != BX_CALL_FAULT &&
	    (thread->deadline == 0 || thread->timer_key > thread->deadline))
		return broken(what, "a wait without an end");
	return true;
}

/* What was put off is in its list, once. */
static bool
unsettled_sound(const struct bx_kcore *core)
{
	uint32_t count = 0, flags = 0;

	for (uint32_t i = 0; i < core->thread_count; i++)
		flags += core->threads[i].unsettled;
	for (uint32_t i = core->unsettled; i != BX_NONE; i = core->threads[i].settle_next) {
		if (i >= core->thread_count || core->threads[i].unsettled != 1 || count++ == flags)
			return false;
	}
	return count == flags;
}

static bool
timers_sound(const struct bx_kcore *core, const char **what)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < core->thread_count; i++) {
		const struct bx_thread *thread = &core->threads[i];

		if (thread->timer_floor != (thread->timer_key == UINT64_MAX ? UINT64_MAX :
		    thread->timer_key - 1))
			return broken(what, "floor of a timer");
		if (thread->timer_key == UINT64_MAX)
			continue;
		count++;
		if (thread->timer_place >= core->timer_count ||
		    core->timers[thread->timer_place] != i)
			return broken(what, "place of a timer");
		if (thread->timer_place > 0 && core->threads[core->timers[
		    (thread->timer_place - 1) / 2]].timer_key > thread->timer_key)
			return broken(what, "order of the timers");
	}
	return count == core->timer_count || broken(what, "count of the timers");
}

/* Queues hold exactly the threads whose state says so. */
static bool
queues_sound(const struct bx_kcore *core, const char **what)
{
	uint32_t in[BX_THREAD_STATE_COUNT] = { 0 }, queued[BX_THREAD_STATE_COUNT] = { 0 };
	struct bx_levels parked = { .mask = 0 };

	for (uint32_t i = 0; i < core->thread_count; i++) {
		const struct bx_thread *thread = &core->threads[i];

		if (thread->transfer == BX_NONE || bx_thread_awaits(thread) ||
		    thread->state == BX_THREAD_READY)
			in[thread->state]++;
		if (thread->parked != BX_NONE) {
			queued[BX_THREAD_READY]++;
			parked.count[core->threads[thread->parked].priority]++;
		}
		if (!clients_sound(core, thread, &queued[BX_THREAD_AWAITING_REPLY]))
			return broken(what, "clients of a server");
	}
	if (!levels_sound(&core->parked, &parked))
		return broken(what, "priorities of parked threads");
	for (uint32_t p = 0; p < BX_PRIORITY_COUNT; p++) {
		const struct bx_queue *queue = &core->cpu.ready[p];

		if (!queue_sound(core, queue, BX_THREAD_READY, BX_NONE, &queued[BX_THREAD_READY]) ||
		    (core->cpu.ready_mask >> p & 1) != (queue->head != BX_NONE))
			return broken(what, "ready queue");
		for (uint32_t i = queue->head; i != BX_NONE; i = core->threads[i].next) {
			if (core->threads[i].priority != p || i == core->cpu.current)
				return broken(what, "thread in a ready queue");
		}
	}
	for (uint32_t i = 0; i < core->endpoint_count; i++) {
		const struct bx_endpoint *endpoint = &core->endpoints[i];

		if (!queue_sound(core, &endpoint->senders, BX_THREAD_SENDING, i,
		    &queued[BX_THREAD_SENDING]) || !queue_sound(core, &endpoint->receivers,
		    BX_THREAD_RECEIVING, i, &queued[BX_THREAD_RECEIVING]))
			return broken(what, "queue of an endpoint");
		if (endpoint->senders.head != BX_NONE && endpoint->receivers.head != BX_NONE)
			return broken(what, "a sender and a receiver wait for each other");
		if (!senders_sound(core, i))
			return broken(what, "priorities of queued senders");
	}
	for (uint32_t i = 0; i < core->notification_count; i++) {
		const struct bx_notification *notification = &core->notifications[i];

		if (!queue_sound(core, &notification->waiters, BX_THREAD_WAITING, i,
		    &queued[BX_THREAD_WAITING]))
			return broken(what, "queue of a notification");
		if (notification->waiters.head != BX_NONE && notification->bits != 0 &&
		    !bx_thread_dying(core, &core->threads[notification->waiters.head]))
			return broken(what, "bits that nobody is given");
	}
	if (core->cpu.current != BX_NONE &&
	    core->threads[core->cpu.current].state == BX_THREAD_READY)
		queued[BX_THREAD_READY]++;
	in[BX_THREAD_AWAITING_REPLY] += in[BX_THREAD_FAULTED];
	for (uint32_t state = BX_THREAD_READY; state <= BX_THREAD_WAITING; state++) {
		if (in[state] != queued[state])
			return broken(what, "a thread is not where its state says");
	}
	return true;
}

bool
bx_sched_sound(const struct bx_kcore *core, const char **what)
{
	uint32_t current = core->cpu.current;

	if (current != BX_NONE && current >= core->thread_count)
		return broken(what, "current thread");
	if (core->cpu.account == BX_NONE && core->cpu.budget_end != UINT64_MAX)
		return broken(what, "budget of nobody");
	for (uint32_t i = 0; i < core->thread_count; i++) {
		if (!thread_sound(core, &core->threads[i], what))
			return false;
	}
	if (!unsettled_sound(core))
		return broken(what, "what was put off");
	for (uint32_t p = 0; p < core->program_count; p++) {
		const struct bx_program *program = &core->programs[p];
		uint32_t alive = 0;

		for (uint32_t i = 0; i < program->thread_count; i++)
			alive += core->threads[program->first_thread + i].state != BX_THREAD_FREE;
		if (alive != program->threads_alive)
			return broken(what, "count of living threads");
	}
	if (!queues_sound(core, what) || !timers_sound(core, what))
		return false;
	for (uint32_t i = 0; i < core->thread_count; i++) {
		if (!holds_sound(core, &core->threads[i]))
			return broken(what, "a wait by no capability");
	}
	for (uint32_t p = 0; p < core->program_count; p++) {
		if (!strays_sound(core, &core->programs[p]))
			return broken(what, "threads astray");
	}
	return true;
}
