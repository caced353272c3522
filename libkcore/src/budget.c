/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * budget.c -- what an account may use, and on whose account a thread runs.
 *
 * Every thread is an account.  One with a budget is a sporadic server: what it uses in one go comes
 * back one period after that go began, and not before.  So it uses no more than its budget in any
 * stretch of one period.  Of the goes that have not come back the last BX_REFILLS are kept; when there
 * are more, the newest joins the one before it and comes back with it, later.  What an account used
 * too much, because the kernel was not to be interrupted, is missing from what it has afterwards:
 * left + refills = budget, always.
 *
 * An account that has no time left is throttled.  At most one thread is READY on an account: the others
 * on it wait for each other in one line (bx_budget_served_by), from its owner on.  That one is `parked`: in no
 * queue, until the refill, which the timer brings.
 *
 * Who pays for a thread, the first of these who can:
 *	a client of it		the one who pays already, else the one who called last
 *	itself			from its own budget, if it has one
 *	a sender		that queues where it serves, or whose string it is taking
 * and when nobody can it is parked on the account of a client, or its own.
 */
#include "thread.h"

#define HELPERS_LOOKED	16u		/* senders in the queue that are asked to pay */
#define START_PERIODS	10u		/* a passive program starts up on a tenth of the processor */

/* ---- one account */

void
bx_budget_init(struct bx_thread *thread, const struct bx_program *program)
{
	thread->parked = BX_NONE;
	thread->helps = BX_NONE;
	thread->helper = BX_NONE;
	thread->budget = program->budget_ticks;
	thread->period = program->period_ticks;
	thread->left = thread->budget != BX_BUDGET_NONE ? (int64_t)thread->budget : 0;
	thread->throttled = thread->budget == 0;
}

void
bx_budget_start(struct bx_thread *thread, const struct bx_program *program)
{
	if (program->budget_ticks != 0)
		return;
	thread->budget = program->slice_ticks;
	thread->period = program->slice_ticks * START_PERIODS;
	thread->left = (int64_t)thread->budget;
	thread->refill_count = 0;
	thread->throttled = 0;
}

void
bx_budget_give_up(struct bx_thread *thread)
{
	thread->budget = 0;
	thread->left = 0;
	thread->refill_count = 0;
	thread->throttled = 1;
}

void
bx_budget_used(struct bx_thread *owner, uint64_t since, uint64_t now)
{
	uint64_t ticks = now - since;
	struct bx_refill *last;

	if (ticks == 0 || owner->budget == 0 || owner->budget == BX_BUDGET_NONE)
		return;
	owner->left -= (int64_t)ticks;
	if (owner->refill_count < BX_REFILLS)
		owner->refills[owner->refill_count++].ticks = 0;
	last = &owner->refills[owner->refill_count - 1];
	last->ticks += ticks;
	last->at = since + owner->period;
}

/* What has come back by now. */
static void
collect(struct bx_thread *owner, uint64_t now)
{
	while (owner->refill_count > 0 && owner->refills[0].at <= now) {
		owner->left += (int64_t)owner->refills[0].ticks;
		owner->refill_count--;
		for (unsigned i = 0; i < owner->refill_count; i++)
			owner->refills[i] = owner->refills[i + 1];
	}
}

uint64_t
bx_budget_until(struct bx_thread *owner, uint64_t now)
{
	if (owner->budget == BX_BUDGET_NONE)
		return UINT64_MAX;
	if (owner->throttled != 0)
		return now;
	collect(owner, now);
	return owner->left > 0 ? now + (uint64_t)owner->left : now;
}

uint64_t
bx_budget_due(const struct bx_thread *owner)
{
	int64_t left = owner->left;

	if (owner->throttled == 0)
		return UINT64_MAX;
	for (unsigned i = 0; i < owner->refill_count; i++) {
		left += (int64_t)owner->refills[i].ticks;
		if (left > 0)
			return owner->refills[i].at;
	}
	return UINT64_MAX;		/* passive */
}

/* ---- who pays */

static bool
can_pay(const struct bx_kcore *core, uint32_t account)
{
	return core->threads[account].throttled == 0;
}

/* In *paying the client's account that is to pay, or BX_NONE; returned is the one that the thread would
 * wait for. */
static uint32_t
client_account(const struct bx_kcore *core, const struct bx_thread *thread, uint32_t *paying)
{
	uint32_t client = thread->clients;
	uint32_t waiting = client != BX_NONE ? core->threads[client].account : thread->index;

	*paying = BX_NONE;
	for (uint32_t n = 0; client != BX_NONE && n < core->thread_count; n++) {
		uint32_t account = core->threads[client].account;
		bool able = can_pay(core, account);

		if (account == thread->account)
			waiting = account;
		if (able && (account == thread->account || *paying == BX_NONE))
			*paying = account;
		if (able && account == thread->account)
			break;
		client = core->threads[client].next;
	}
	return waiting;
}

/* The sender that is to pay for a server, or BX_NONE. */
static uint32_t
helper_find(const struct bx_kcore *core, const struct bx_thread *server)
{
	uint32_t sender;

	if (server->transfer != BX_NONE &&
	    core->threads[server->transfer].state == BX_THREAD_SENDING &&
	    can_pay(core, core->threads[server->transfer].account))
		return server->transfer;
	if (server->serves == BX_NONE ||
	    core->endpoints[server->serves].server_thread != server->index)
		return BX_NONE;
	sender = core->endpoints[server->serves].senders.head;
	for (unsigned n = 0; sender != BX_NONE && n < HELPERS_LOOKED; n++) {
		if (can_pay(core, core->threads[sender].account))
			return sender;
		sender = core->threads[sender].next;
	}
	return BX_NONE;
}

void
bx_budget_help_drop(struct bx_kcore *core, struct bx_thread *server)
{
	if (server->helper == BX_NONE)
		return;
	core->threads[server->helper].helps = BX_NONE;
	server->helper = BX_NONE;
}

static void
help_set(struct bx_kcore *core, struct bx_thread *server, uint32_t helper)
{
	if (server->helper == helper)
		return;
	bx_budget_help_drop(core, server);
	server->helper = helper;
	if (helper != BX_NONE) {
		BX_ASSERT(core->threads[helper].helps == BX_NONE);
		core->threads[helper].helps = server->index;
	}
}

/* The thread runs on another account from now on; if it was parked, it goes on. */
static void
account_set(struct bx_kcore *core, struct bx_thread *thread, uint32_t account)
{
	struct bx_thread *before = bx_thread_at(core, thread->account);

	if (thread->account == account)
		return;
	thread->account = account;
	if (before->parked == thread->index) {
		before->parked = BX_NONE;
		bx_sched_enqueue(core, thread, false);
	}
}

void
bx_budget_account(struct bx_kcore *core, struct bx_thread *thread)
{
	uint32_t account, helper = BX_NONE;
	uint32_t waiting = client_account(core, thread, &account);

	if (account == BX_NONE && can_pay(core, thread->index))
		account = thread->index;
	if (account == BX_NONE) {
		helper = helper_find(core, thread);
		account = helper != BX_NONE ? core->threads[helper].account : waiting;
	}
	help_set(core, thread, helper);
	account_set(core, thread, account);
}

/* The next in the line of those on one account: who serves the thread, or who is paid by it, or would
 * be. */
uint32_t
bx_budget_served_by(const struct bx_kcore *core, const struct bx_thread *thread)
{
	if (bx_thread_awaits(thread))
		return thread->partner;
	if (thread->state != BX_THREAD_SENDING)
		return BX_NONE;
	if (thread->helps != BX_NONE)
		return thread->helps;
	return thread->object != BX_NONE ? core->endpoints[thread->object].server_thread :
	    thread->transfer;
}

/* Whether an account can pay has changed: those who run on it, or now could. */
static void
payers_changed(struct bx_kcore *core, uint32_t account)
{
	uint32_t next = bx_budget_served_by(core, bx_thread_at(core, account));

	for (uint32_t n = 0; next != BX_NONE && n < core->thread_count; n++) {
		struct bx_thread *thread = bx_thread_at(core, next);
		uint32_t before = thread->account;

		if (thread->state == BX_THREAD_FREE)
			return;
		bx_budget_account(core, thread);
		if (thread->account == before && before != account)
			return;
		next = bx_budget_served_by(core, thread);
	}
}

/* ---- out of time, and back */

void
bx_budget_throttle(struct bx_kcore *core, struct bx_thread *owner)
{
	if (owner->throttled == 0) {
		owner->throttled = 1;
		owner->throttles++;
		bx_timer_wake(core, owner, bx_budget_due(owner));
	}
	payers_changed(core, owner->index);
}

void
bx_budget_refill(struct bx_kcore *core, struct bx_thread *owner, uint64_t now)
{
	collect(owner, now);
	owner->throttled = 0;
	if (owner->parked != BX_NONE) {
		struct bx_thread *thread = bx_thread_at(core, owner->parked);

		owner->parked = BX_NONE;
		bx_sched_enqueue(core, thread, false);
	}
	payers_changed(core, owner->index);
}
