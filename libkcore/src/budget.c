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
 * on it wait for each other in one line (bx_budget_served_by), from its owner on.  That one is `parked`:
 * in no queue, until the refill, which the timer brings.
 *
 * Who pays for a thread, the first of these who can:
 *	a client of it		the one who called last
 *	itself			from its own budget, if it has one
 *	a sender		that queues where it serves, or whose string it is taking
 * and when nobody can it is parked on the account of the client who called last, or its own.
 */
#include "thread.h"

#define PAYERS_LOOKED	16u		/* clients, and senders in the queue, that are asked to pay */
#define START_PERIODS	10u		/* a passive program starts up on a tenth of the processor */

/* ---- one account */

static struct bx_account *
account_of(const struct bx_kcore *core, const struct bx_thread *thread)
{
	return &core->accounts[thread->index];
}

void
bx_budget_init(struct bx_kcore *core, struct bx_thread *thread)
{
	const struct bx_program *program = &core->programs[thread->program];
	struct bx_account *account = account_of(core, thread);

	thread->parked = BX_NONE;
	thread->helps = BX_NONE;
	thread->helper = BX_NONE;
	thread->limited = program->budget_ticks != BX_BUDGET_NONE;
	thread->throttled = program->budget_ticks == 0;
	account->budget = program->budget_ticks;
	account->period = program->period_ticks;
	if (thread->limited != 0)
		account->left = (int64_t)(account->budget != 0 ? account->budget : program->slice_ticks);
}

void
bx_budget_start(struct bx_kcore *core, struct bx_thread *thread)
{
	const struct bx_program *program = &core->programs[thread->program];
	struct bx_account *account = account_of(core, thread);

	if (account->budget != 0)
		return;
	/* What it used in an earlier life comes back in its own time. */
	thread->throttled = 0;
	account->budget = program->slice_ticks;
	account->period = program->slice_ticks * START_PERIODS;
}

void
bx_budget_give_up(struct bx_kcore *core, struct bx_thread *thread)
{
	struct bx_account *account = account_of(core, thread);

	if (account->budget == 0 || core->programs[thread->program].budget_ticks != 0)
		return;
	if (core->cpu.account == thread->index) {
		/* The processor leaves the account, so that dispatch looks for another. */
		bx_sched_charge(core, bx_machine_now(core->machine));
		core->cpu.account = BX_NONE;
		core->cpu.budget_end = UINT64_MAX;
	}
	thread->throttled = 1;
	account->budget = 0;			/* what it has left, and gets back, is for its next start */
}

void
bx_budget_used(struct bx_account *account, uint64_t since, uint64_t now)
{
	struct bx_refill *last;

	if (now == since || account->budget == 0)
		return;
	account->left -= (int64_t)(now - since);
	if (account->refill_count < BX_REFILLS)
		account->refills[account->refill_count++].ticks = 0;
	last = &account->refills[account->refill_count - 1];
	last->ticks += now - since;
	last->at = since + account->period;
}

/* What has come back by now. */
static void
collect(struct bx_account *account, uint64_t now)
{
	while (account->refill_count > 0 && account->refills[0].at <= now) {
		account->left += (int64_t)account->refills[0].ticks;
		account->refill_count--;
		for (unsigned i = 0; i < account->refill_count; i++)
			account->refills[i] = account->refills[i + 1];
	}
}

uint64_t
bx_budget_until(struct bx_kcore *core, const struct bx_thread *owner, uint64_t now)
{
	struct bx_account *account = account_of(core, owner);

	if (owner->limited == 0)
		return UINT64_MAX;
	if (owner->throttled != 0)
		return now;
	collect(account, now);
	return account->left > 0 ? now + (uint64_t)account->left : now;
}

uint64_t
bx_budget_due(const struct bx_kcore *core, const struct bx_thread *owner)
{
	const struct bx_account *account;
	int64_t left;

	account = account_of(core, owner);
	if (owner->throttled == 0 || account->budget == 0)
		return UINT64_MAX;		/* it has time, or is passive */
	left = account->left;
	for (unsigned i = 0; i < account->refill_count; i++) {
		left += (int64_t)account->refills[i].ticks;
		if (left > 0)
			return account->refills[i].at;
	}
	return UINT64_MAX;
}

/* ---- who pays */

static bool
can_pay(const struct bx_kcore *core, uint32_t thread)
{
	return core->threads[core->threads[thread].account].throttled == 0;
}

/* The first of some threads, linked by `next`, that can pay, or BX_NONE. */
static uint32_t
payer_find(const struct bx_kcore *core, uint32_t thread)
{
	for (unsigned n = 0; thread != BX_NONE && n < PAYERS_LOOKED; n++) {
		if (can_pay(core, thread))
			return thread;
		thread = core->threads[thread].next;
	}
	return BX_NONE;
}

/* The sender that is to pay for a server, or BX_NONE. */
static uint32_t
helper_find(const struct bx_kcore *core, const struct bx_thread *server)
{
	if (server->state == BX_THREAD_FREE)
		return BX_NONE;
	if (server->transfer != BX_NONE &&
	    core->threads[server->transfer].state == BX_THREAD_SENDING &&
	    can_pay(core, server->transfer))
		return server->transfer;
	if (server->serves == BX_NONE ||
	    core->endpoints[server->serves].server_thread != server->index)
		return BX_NONE;
	return payer_find(core, core->endpoints[server->serves].senders.head);
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
	if (thread->account == account)
		return;
	if (bx_thread_parked(core, thread)) {
		bx_thread_unpark(core, thread);
		bx_sched_enqueue(core, thread, false);
	}
	thread->account = account;
}

void
bx_budget_account(struct bx_kcore *core, struct bx_thread *thread)
{
	uint32_t payer = payer_find(core, thread->clients), helper = BX_NONE;

	if (payer == BX_NONE && thread->throttled != 0) {
		helper = helper_find(core, thread);
		payer = helper != BX_NONE ? helper : thread->clients;
	}
	help_set(core, thread, helper);
	account_set(core, thread, payer != BX_NONE ? core->threads[payer].account : thread->index);
}

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

/* ---- out of time, and back */

void
bx_budget_throttle(struct bx_kcore *core, struct bx_thread *owner)
{
	if (owner->throttled == 0) {
		owner->throttled = 1;
		account_of(core, owner)->throttles++;
		bx_timer_wake(core, owner, bx_budget_due(core, owner));
	}
	bx_sched_payers_changed(core, owner);
}

void
bx_budget_refill(struct bx_kcore *core, struct bx_thread *owner, uint64_t now)
{
	collect(account_of(core, owner), now);
	owner->throttled = 0;
	if (owner->parked != BX_NONE) {
		struct bx_thread *thread = bx_thread_at(core, owner->parked);

		bx_thread_unpark(core, thread);
		bx_sched_enqueue(core, thread, false);
	}
	bx_sched_payers_changed(core, owner);
}
