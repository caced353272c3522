/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ipc_cycle.c -- endpoints: whether a call that has to queue would wait for itself, found in a bounded
 * number of looks, or for a server that has ended.
 */
#include "ipc.h"

#define CYCLE_LOOKS	128u		/* threads looked at for a call that has to queue */

bool
bx_ipc_server_dead(const struct bx_kcore *core, const struct bx_endpoint *endpoint)
{
	return endpoint->server != BX_NONE &&
	    core->programs[endpoint->server].state != BX_PROGRAM_RUNNING;
}

/* Whether `from` is `thread`, or waits for it: by way of answers, and of those who received last
 * where one is queued.  *left threads may be looked at; when they are used up it counts as waiting, as
 * does a ring of others: they wait in it because somebody else was there to take what is queued. */
static bool
waits_for(const struct bx_kcore *core, uint32_t from, const struct bx_thread *thread, uint32_t *left)
{
	uint32_t met = BX_NONE;			/* each 1st, 2nd, 4th, 8th, ... of the walk: Brent */

	for (uint32_t n = 1; from != BX_NONE; n++) {
		const struct bx_thread *other = bx_thread_at(core, from);

		if (other == thread || from == met || *left == 0)
			return true;
		--*left;
		if ((n & (n - 1)) == 0)
			met = from;
		if (bx_thread_dying(core, other))
			return false;		/* its partners are about to be told */
		if (bx_thread_awaits(other))
			from = other->partner;
		else if (other->state == BX_THREAD_SENDING && other->object != BX_NONE)
			from = core->endpoints[other->object].server_thread;
		else
			return false;
	}
	return false;
}

/* Whether another thread of the server's, which has received there before, does not wait for
 * `thread`: it may take what is queued. */
static bool
another_serves(const struct bx_kcore *core, const struct bx_endpoint *endpoint,
    const struct bx_thread *thread, uint32_t *left)
{
	const struct bx_program *server;

	if (endpoint->server == BX_NONE)
		return false;
	server = &core->programs[endpoint->server];
	for (uint32_t i = 0; i < server->thread_count && *left > 0; i++) {
		const struct bx_thread *other = bx_thread_at(core, server->first_thread + i);

		--*left;
		if (other->serves == (uint32_t)(endpoint - core->endpoints) &&
		    other->state != BX_THREAD_STOPPED && !waits_for(core, other->index, thread, left))
			return true;
	}
	return false;
}

/* The way of waits_for, with the other threads where it leads through a queue.  Only when that one
 * closes: the usual answer costs one walk. */
bool
bx_ipc_would_deadlock(const struct bx_kcore *core, const struct bx_thread *thread,
    const struct bx_endpoint *endpoint)
{
	uint32_t left = CYCLE_LOOKS;

	if (!waits_for(core, endpoint->server_thread, thread, &left))
		return false;
	while (left > 0) {
		const struct bx_thread *other;

		if (another_serves(core, endpoint, thread, &left))
			return false;
		other = bx_thread_at(core, endpoint->server_thread);
		for (; other != thread && bx_thread_awaits(other) && left > 0; left--)
			other = bx_thread_at(core, other->partner);
		if (other == thread || other->state != BX_THREAD_SENDING || other->object == BX_NONE)
			return true;
		endpoint = &core->endpoints[other->object];
	}
	return true;
}
