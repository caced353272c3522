/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * spec_budget.c -- whose time it is: design, section 8, and docs/decisions/0011.
 *
 * A go is a stretch of time in which the processor stays on one account.  What it used comes back one period after
 * the go began; up to four goes are kept, a fifth joins the fourth.  Nothing is flagged: whether there
 * is time on an account, and on which one a thread runs, is worked out whenever it is asked for.
 */
#include "spec.h"

static bool
limited(const struct spec *spec, unsigned account)
{
	return spec->accounts[account].budget != SPEC_NO_LIMIT;
}

/* What has come back by now. */
static void
collect(struct spec *spec, unsigned account)
{
	struct spec_account *of = &spec->accounts[account];

	while (of->count > 0 && of->refill[0].at <= spec->now) {
		of->left += (int64_t)of->refill[0].ticks;
		of->count--;
		for (unsigned i = 0; i < of->count; i++)
			of->refill[i] = of->refill[i + 1];
	}
}

int64_t
spec_time_left(const struct spec *spec, unsigned account)
{
	const struct spec_account *of = &spec->accounts[account];
	int64_t left = of->left;

	for (unsigned i = 0; i < of->count; i++) {
		if (of->refill[i].at <= spec->now)
			left += (int64_t)of->refill[i].ticks;
	}
	return left - (spec->account == account ? (int64_t)(spec->now - spec->since) : 0);
}

bool
spec_has_time(const struct spec *spec, unsigned account)
{
	return !limited(spec, account) || (spec->accounts[account].budget != 0 &&
	    spec_time_left(spec, account) > 0 && (spec->unheard >> account & 1) == 0);
}

uint64_t
spec_time_again(const struct spec *spec, unsigned account)
{
	const struct spec_account *of = &spec->accounts[account];
	int64_t left = of->left;

	for (unsigned i = 0; of->budget != 0 && i < of->count; i++) {
		left += (int64_t)of->refill[i].ticks;
		if (left > 0)
			return of->refill[i].at;
	}
	return UINT64_MAX;
}

unsigned
spec_time_heard(struct spec *spec, unsigned left, unsigned late)
{
	spec->unheard = 0;
	for (unsigned i = 0; i < spec->thread_count; i++) {
		if (late == 0 || (left >> i & 1) == 0)
			continue;
		spec->unheard |= (uint8_t)(1u << i);
		late -= late > 1 ? 2 : 1;	/* it counts twice */
	}
	return late;
}

/* ---- who pays: decision 3 */

static unsigned account_from(const struct spec *spec, unsigned thread, unsigned looks);

static bool
pays(const struct spec *spec, unsigned thread, unsigned looks, unsigned *account)
{
	*account = account_from(spec, thread, looks);
	return spec_has_time(spec, *account);
}

static unsigned
account_from(const struct spec *spec, unsigned thread, unsigned looks)
{
	const struct spec_thread *server = &spec->threads[thread];
	unsigned latest = thread, account;
	uint32_t before = UINT32_MAX;

	if (looks == 0)
		return thread;			/* a ring: its threads wait until a deadline ends it */
	for (;;) {
		unsigned client = NOBODY;

		for (unsigned i = 0; i < spec->thread_count; i++) {
			if (spec->threads[i].partner == thread && spec->threads[i].call < before &&
			    (client == NOBODY || spec->threads[i].call > spec->threads[client].call))
				client = i;
		}
		if (client == NOBODY)
			break;
		if (pays(spec, client, looks - 1, &account))
			return account;
		if (latest == thread)
			latest = account;
		before = spec->threads[client].call;
	}
	if (spec_has_time(spec, thread))
		return thread;
	if (server->copy != NOBODY && spec->threads[server->copy].state == BX_THREAD_SENDING &&
	    pays(spec, server->copy, looks - 1, &account))
		return account;
	if (server->serves == NOBODY || spec->endpoints[server->serves].server_thread != thread)
		return latest;
	for (unsigned i = 0; i < spec->endpoints[server->serves].senders.count; i++) {
		if (pays(spec, spec->endpoints[server->serves].senders.thread[i], looks - 1, &account))
			return account;
	}
	return latest;
}

unsigned
spec_account_of(const struct spec *spec, unsigned thread)
{
	return account_from(spec, thread, spec->thread_count);
}

/* Whether there is an account without time: the processor may turn to it before that is found out. */
bool
spec_time_short(const struct spec *spec)
{
	for (unsigned i = 0; i < spec->thread_count; i++) {
		if (spec->threads[i].state != BX_THREAD_FREE && !spec_has_time(spec, i))
			return true;
	}
	return false;
}

/* ---- goes: decision 1 */

static void
go_end(struct spec *spec)
{
	struct spec_account *of = &spec->accounts[spec->account];
	uint64_t used = spec->now - spec->since;

	if (used == 0 || !limited(spec, spec->account) || of->budget == 0)
		return;
	of->left -= (int64_t)used;
	if (of->count < SPEC_REFILLS)
		of->refill[of->count++].ticks = 0;
	of->refill[of->count - 1].ticks += used;
	of->refill[of->count - 1].at = spec->since + of->period;
}

void
spec_processor_to(struct spec *spec, unsigned account)
{
	if (account == spec->account && (account == NOBODY || !limited(spec, account) ||
	    (int64_t)(spec->now - spec->since) < spec->accounts[account].left))
		return;
	if (spec->account != NOBODY)
		go_end(spec);
	spec->account = (uint8_t)account;
	spec->since = spec->now;
	if (account != NOBODY)
		collect(spec, account);
}

/* The owner of an account ends: what was used of it until now is known. */
void
spec_account_split(struct spec *spec, unsigned account)
{
	if (spec->account != account)
		return;
	go_end(spec);
	spec->since = spec->now;
}

/* ---- passive programs: some time of their own until they serve for the first time; what they have used of it
 * comes back in its time, whether they serve, end, or start again */

void
spec_account_begin(struct spec *spec, unsigned thread)
{
	const struct spec_program *program = &spec->programs[spec->threads[thread].program];

	if (program->passive) {
		spec->accounts[thread].budget = program->start_budget;
		spec->accounts[thread].period = 10 * program->start_budget;
	}
}

void
spec_account_serves(struct spec *spec, unsigned thread)
{
	if (!spec->programs[spec->threads[thread].program].passive)
		return;
	spec_account_split(spec, thread);
	spec->accounts[thread].budget = 0;
}
