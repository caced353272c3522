/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * bounds_waits.c -- rows of notifications, of time, and of what goes while others wait by it.  See bounds.c.
 */
#include "bounds.h"

void
bench_waiters(struct bounds *bounds)
{
	uint64_t bits, start;

	crowds_spawn(bounds, ROLE_WAIT, 0);
	bx_err_ignore(bx_sys_wait(bounds->exits, 0, &bits));
	for (unsigned n = 0; n < 3; n++) {
		MEASURE(bounds, "signal_wakes", BX_OK, bx_sys_signal(bounds->note));
		bx_sys_sleep(bx_sys_now() + 100000);
		start = spin_arm(bounds);
		want(bounds, "wait", bx_sys_wait(bounds->exits, start + 50000, &bits), BX_ERR_TIMEOUT);
		spin_row(bounds, "wait_waits", start);
		start = spin_arm(bounds);
		bx_sys_sleep(start + 50000);
		spin_row(bounds, "sleep", start);
	}
	crowds_kill(bounds);
}

/* All deadlines at once: of everybody, and of the heads of chains. */
void
bench_sleepers(struct bounds *bounds)
{
	static const struct { enum role role; const char *name; } due[] = {
		{ ROLE_SLEEP, "latency_timers" }, { ROLE_SLEEP, "latency_timers" },
		{ ROLE_CHAIN, "latency_chain_timers" }, { ROLE_CHAIN, "latency_chain_timers" },
	};

	for (unsigned phase = 0; phase < BX_ARRAY_COUNT(due); phase++) {
		uint64_t deadline = bx_sys_deadline_in_us(bounds->sys, 1000000);

		crowds_spawn(bounds, due[phase].role, deadline);
		if (bx_sys_now() > deadline)
			stop(bounds, "sleepers", BX_ERR_TIMEOUT);
		bx_sys_sleep(deadline - 20000);
		probes_begin(bounds, phase);
		bx_sys_sleep(deadline + 3000000);
		probes_end(bounds, due[phase].name);
		crowds_kill(bounds);
	}
}

/* A passive server takes calls of 16, and uses up their time and that of 16 who queue, again and again:
 * who pays is looked for as far as it is. */
void
bench_payers(struct bounds *bounds)
{
	for (unsigned phase = 0; phase < 2; phase++) {
		spawn(bounds, SERVED, ROLE_BURN, PAYERS);
		wait_ready(bounds);
		crowds_spawn(bounds, ROLE_CALL, 0);
		probes_begin(bounds, phase);
		bx_sys_sleep(bx_sys_deadline_in_us(bounds->sys, 100000));
		probes_end(bounds, "latency_payers");
		kill(bounds, SERVED);
		crowds_kill(bounds);
	}
}

/* Capabilities go while others wait by them, or have mapped what they name.  Others still wait for the same object
 * then, so that each thread of the holder's program is looked at. */
void
bench_delete(struct bounds *bounds)
{
	spawn(bounds, CROWD_0 + 1, ROLE_WAIT, 0);
	wait_ready(bounds);
	for (unsigned phase = 0; phase < 5; phase++) {
		uint64_t deadline = bx_sys_deadline_in_us(bounds->sys, 100000);
		struct bx_sys_words words = { .label = 0 };
		struct bx_sys_origin origin;

		spawn(bounds, CROWD_0, ROLE_DELETE, deadline);
		bx_sys_sleep(deadline - 20000);
		if (phase > 0)		/* the first time nothing comes in between */
			probes_begin(bounds, phase);
		need(bounds, "report", bx_sys_receive(bounds->mine, bounds->reply,
		    bx_sys_deadline_far(), &words, &origin));
		if (phase > 0)
			probes_end(bounds, "latency_delete");
		want(bounds, "delete", (enum bx_err)(int64_t)words.label, BX_OK);
		if (phase == 0)
			row(bounds, "cap_delete_waits", words.word[0]);
		need(bounds, "reply", bx_sys_reply(bounds->reply, &words));
		kill(bounds, CROWD_0);
	}
	kill(bounds, CROWD_0 + 1);
	need(bounds, "map", bx_sys_map(bounds->memory, MEMORY_ADDRESS, 0, MEMORY_PAGES,
	    BX_MAP_READ | BX_MAP_WRITE));
	MEASURE(bounds, "cap_delete", BX_OK, bx_sys_cap_delete(bounds->line));
	probes_begin(bounds, 0);
	need(bounds, "delete", bx_sys_cap_delete(bounds->memory));
	probes_end(bounds, "latency_delete");
}
