/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * bounds_ipc.c -- rows of messages, with everybody at one endpoint or in one chain.  See bounds.c.
 */
#include "bounds.h"

/* ---- one endpoint with everybody ---------------------------------------------------------------- */

/* All threads queued at one endpoint; it is `served''s, which does not receive. */
void
bench_queue(struct bounds *bounds)
{
	struct bx_sys_words words = { .label = 0 };
	uint32_t free = slot_free(bounds);
	uint64_t start, bits;

	spawn(bounds, SERVED, ROLE_SERVE, 0);
	wait_ready(bounds);
	crowds_spawn(bounds, ROLE_CALL, 0);
	/* A crowd's last capability has the last name of its launch block. */
	MEASURE(bounds, "inspect", BX_OK, bx_sys_inspect(bounds->audit, BX_INSPECT_CAP, CROWD_0, 124,
	    bounds->string, 512));
	MEASURE(bounds, "inspect_queue", BX_OK, bx_sys_inspect(bounds->audit, BX_INSPECT_ENDPOINT, 0, 0,
	    bounds->string, 512));
	for (unsigned n = 0; n < 3; n++) {
		start = spin_arm(bounds);
		want(bounds, "call", bx_sys_call(bounds->queue, start + 50000, &words), BX_ERR_TIMEOUT);
		spin_row(bounds, "call_waits", start);
		start = spin_arm(bounds);
		want(bounds, "send", bx_sys_send(bounds->queue, start + 50000, &words), BX_ERR_TIMEOUT);
		spin_row(bounds, "send_waits", start);
		MEASURE(bounds, "send", BX_ERR_WOULD_BLOCK, bx_sys_send(bounds->queue, 0, &words));
		/* The first queued sender lends more, and less; leaves, and is back at the end. */
		MEASURE(bounds, "thread_priority", BX_OK, bx_sys_thread_priority(bounds->first, 35));
		MEASURE(bounds, "thread_priority", BX_OK, bx_sys_thread_priority(bounds->first, 20));
		MEASURE(bounds, "thread_stop", BX_OK, bx_sys_thread_stop(bounds->first));
		MEASURE(bounds, "thread_resume", BX_OK, bx_sys_thread_resume(bounds->first));
		/* Somebody waits there: each thread of the program is looked at. */
		need(bounds, "copy", bx_sys_cap_copy(bounds->queue, free));
		MEASURE(bounds, "cap_move_waits", BX_OK, bx_sys_cap_move(free, free + 1));
		need(bounds, "delete", bx_sys_cap_delete(free + 1));
	}
	/* Everybody is told when the server ends. */
	probes_begin(bounds, 0);
	start = bx_sys_now();
	need(bounds, "kill", bx_sys_kill(bounds->spawn, SERVED));
	bx_sys_sleep(start + 1000000);
	need(bounds, "exits", bx_sys_wait(bounds->exits, bx_sys_deadline_far(), &bits));
	probes_end(bounds, "latency_kill_server");
	crowds_kill(bounds);
}

/* All threads are clients of one server that keeps their replies, and ends. */
void
bench_clients(struct bounds *bounds)
{
	uint64_t bits;

	spawn(bounds, SERVED, ROLE_SERVE, CLIENTS);
	wait_ready(bounds);
	crowds_spawn(bounds, ROLE_CALL, 0);
	bx_err_ignore(bx_sys_wait(bounds->exits, 0, &bits));
	for (unsigned n = 0; n < 3; n++) {
		MEASURE(bounds, "thread_priority", BX_OK, bx_sys_thread_priority(bounds->first, 35));
		MEASURE(bounds, "thread_priority", BX_OK, bx_sys_thread_priority(bounds->first, 20));
	}
	MEASURE(bounds, "thread_stop", BX_OK, bx_sys_thread_stop(bounds->first));
	probes_begin(bounds, 1);
	need(bounds, "kill", bx_sys_kill(bounds->spawn, SERVED));
	need(bounds, "exits", bx_sys_wait(bounds->exits, bx_sys_deadline_far(), &bits));
	probes_end(bounds, "latency_kill_server");
	crowds_kill(bounds);
}

/* With buffers: a capability, or a string as long as can be. */
static enum bx_err
receive_cap(struct bounds *bounds, uint32_t slot)
{
	const struct bx_ipc_buffers buffers = { .send_slot = BX_SLOT_NONE, .receive_slot = slot };
	struct bx_sys_words words = { .label = 0 };
	struct bx_sys_origin origin;

	return bx_sys_trap_buffers(BX_SYS_RECEIVE, bounds->mine, bounds->reply + CLIENTS,
	    bx_sys_deadline_far(), &buffers, &words, &origin);
}

static enum bx_err
reply_with(struct bounds *bounds, uint32_t slot, uint32_t length)
{
	const struct bx_ipc_buffers buffers = { .send_slot = slot, .receive_slot = BX_SLOT_NONE,
		.send_address = (uint64_t)(uintptr_t)bounds->string + 3, .send_length = length };
	struct bx_sys_words words = { .label = 0 };
	struct bx_sys_origin origin;

	return bx_sys_trap_buffers(BX_SYS_REPLY, bounds->reply + CLIENTS, BX_SLOT_NONE, 0, &buffers,
	    &words, &origin);
}

/* A capability comes with a call, to who waits and from who is queued, and another goes with the
 * answer: as deep as can be. */
static void
serve_caps(struct bounds *bounds)
{
	const uint32_t free = slot_free(bounds), taken = free + 100, given = free + 101;
	const struct bx_derive limits = { .uses = UINT32_MAX, .expiry = UINT64_MAX };

	for (uint32_t depth = 0; depth < DEPTH_MAX - 3; depth++) {
		struct bx_derive next = limits;

		next.to = free + depth;
		need(bounds, "derive", bx_sys_cap_derive(depth == 0 ? bounds->queue : free + depth - 1,
		    &next));
	}
	bounds->deed_buffers = (struct bx_ipc_buffers){ .send_slot = free + DEPTH_MAX - 4,
		.receive_slot = given };
	for (unsigned n = 0; n < 6; n++) {
		deed_begin(bounds, DEED_CALL);
		if (n % 2 == 0) {
			bx_sys_sleep(bx_sys_now() + 4 * SETTLE);
			MEASURE(bounds, "receive_cap", BX_OK, receive_cap(bounds, taken));
		} else {
			need(bounds, "receive", receive_cap(bounds, taken));
			row(bounds, "call_cap", bx_sys_now() - bounds->deed_at);
		}
		MEASURE(bounds, "reply_cap", BX_OK, reply_with(bounds, taken, 0));
		bx_sys_sleep(bx_sys_now() + SETTLE);
		want(bounds, "call", bounds->deed_err, BX_OK);
		need(bounds, "delete", bx_sys_cap_delete(given));
		need(bounds, "delete", bx_sys_cap_delete(taken));
	}
	need(bounds, "revoke", bx_sys_cap_revoke(bounds->queue));
}

/* An answer whose last page has nowhere to go: it is copied up to there, and the caller's call fails. */
static void
serve_strings(struct bounds *bounds)
{
	need(bounds, "map", bx_sys_map(bounds->memory, MEMORY_ADDRESS, 0, BX_IPC_STRING_MAX / 4096,
	    BX_MAP_READ | BX_MAP_WRITE));
	bounds->deed_buffers = (struct bx_ipc_buffers){ .send_slot = BX_SLOT_NONE,
		.receive_slot = BX_SLOT_NONE, .receive_address = MEMORY_ADDRESS + 5,
		.receive_capacity = BX_IPC_STRING_MAX };
	for (unsigned n = 0; n < 3; n++) {
		deed_begin(bounds, DEED_CALL);
		bx_sys_sleep(bx_sys_now() + 4 * SETTLE);
		need(bounds, "receive", receive_cap(bounds, BX_SLOT_NONE));
		MEASURE(bounds, "reply_string_fails", BX_OK,
		    reply_with(bounds, BX_SLOT_NONE, BX_IPC_STRING_MAX));
		bx_sys_sleep(bx_sys_now() + SETTLE);
		want(bounds, "call", bounds->deed_err, BX_ERR_ADDRESS);
	}
	need(bounds, "unmap", bx_sys_unmap(bounds->memory, 0, BX_IPC_STRING_MAX / 4096));
}

/* An answer to one, and then a wait: to the first instruction of who is answered. */
static void
serve_waits(struct bounds *bounds)
{
	struct bx_sys_words words = { .label = 0 };
	struct bx_sys_origin origin;

	bounds->deed_buffers = (struct bx_ipc_buffers){ .send_slot = BX_SLOT_NONE,
		.receive_slot = BX_SLOT_NONE };
	for (unsigned n = 0; n < 3; n++) {
		uint64_t start;

		deed_begin(bounds, DEED_CALL);
		need(bounds, "receive", receive_cap(bounds, BX_SLOT_NONE));
		start = bx_sys_now();
		want(bounds, "reply_receive", bx_sys_reply_receive(bounds->mine, bounds->reply + CLIENTS,
		    start + 4 * SETTLE, &words, &origin), BX_ERR_TIMEOUT);
		want(bounds, "call", bounds->deed_err, BX_OK);
		row(bounds, "reply_receive_waits", bounds->deed_back - start);
	}
}

/* The driver is the server of all; it takes every call, and answers the oldest, with all others
 * waiting. */
void
bench_serve(struct bounds *bounds)
{
	struct bx_sys_words words = { .label = 0 };
	struct bx_sys_origin origin;

	bx_err_ignore(bx_sys_receive(bounds->mine, BX_SLOT_NONE, 0, &words, &origin));
	crowds_spawn(bounds, ROLE_CALL_MINE, 0);
	for (uint32_t i = 0; i < CLIENTS - 1; i++)
		MEASURE(bounds, "receive", BX_OK, bx_sys_receive(bounds->mine, bounds->reply + i,
		    bx_sys_deadline_far(), &words, &origin));
	MEASURE(bounds, "reply_receive", BX_OK, bx_sys_reply_receive(bounds->mine, bounds->reply,
	    bx_sys_deadline_far(), &words, &origin));
	serve_caps(bounds);
	serve_strings(bounds);
	serve_waits(bounds);
	for (uint32_t i = 0; i < CLIENTS - 1; i++)
		MEASURE(bounds, "reply", BX_OK, bx_sys_reply(bounds->reply + i, &words));
	for (unsigned n = 0; n < 3; n++) {
		uint64_t start = spin_arm(bounds);

		want(bounds, "receive", bx_sys_receive(bounds->mine, bounds->reply, start + 4000000, &words,
		    &origin), BX_ERR_TIMEOUT);
		if (n > 0)	/* first, those that were answered go to wait */
			spin_row(bounds, "receive_waits", start);
	}
	crowds_kill(bounds);
}

/* ---- faults, of everybody ----------------------------------------------------------------------- */

/* The helper's access goes on where a page is now. */
static void
touch_mend(struct bounds *bounds)
{
	need(bounds, "mend", bx_sys_map(bounds->memory, TOUCH_ADDRESS, 0, 1, BX_MAP_READ));
}

static void
touch_over(struct bounds *bounds)
{
	bx_sys_sleep(bx_sys_now() + SETTLE);
	need(bounds, "unmap", bx_sys_unmap(bounds->memory, 0, 1));
}

/* One more, behind all others; it is stopped and begins again. */
static void
fault_queued(struct bounds *bounds)
{
	for (unsigned n = 0; n < 3; n++) {
		deed_begin(bounds, DEED_TOUCH);
		bx_sys_sleep(bx_sys_now() + 4 * SETTLE);
		spin_row(bounds, "fault_waits", bounds->deed_at);
		touch_mend(bounds);
		MEASURE(bounds, "thread_stop", BX_OK, bx_sys_thread_stop(bounds->helper));
		MEASURE(bounds, "thread_resume", BX_OK, bx_sys_thread_resume(bounds->helper));
		touch_over(bounds);
	}
}

/* One more, to the handler, which waits for it; also of a thread of more priority than the handler. */
static void
fault_taken(struct bounds *bounds)
{
	struct bx_sys_words words = { .label = 0 };
	struct bx_sys_origin origin;

	for (unsigned n = 0; n < 6; n++) {
		need(bounds, "priority", bx_sys_thread_priority(bounds->helper, n % 2 == 0 ? 21 : 45));
		deed_begin(bounds, DEED_TOUCH);
		need(bounds, "receive", bx_sys_receive(bounds->faults, bounds->reply + CLIENTS,
		    bx_sys_deadline_far(), &words, &origin));
		row(bounds, "fault", bx_sys_now() - bounds->deed_at);
		touch_mend(bounds);
		need(bounds, "priority", bx_sys_thread_priority(bounds->helper, 21));
		MEASURE(bounds, "fault_reply", BX_OK, bx_sys_reply(bounds->reply + CLIENTS, &words));
		touch_over(bounds);
	}
}

/* The driver handles the faults of all threads. */
void
bench_faults(struct bounds *bounds)
{
	struct bx_sys_words words = { .label = 0 };
	struct bx_sys_origin origin;

	bx_err_ignore(bx_sys_receive(bounds->faults, BX_SLOT_NONE, 0, &words, &origin));
	crowds_spawn(bounds, ROLE_FAULT, 0);
	fault_queued(bounds);
	for (uint32_t i = 0; i < CLIENTS; i++)
		MEASURE(bounds, "fault_receive", BX_OK, bx_sys_receive(bounds->faults,
		    bounds->reply + i, bx_sys_deadline_far(), &words, &origin));
	fault_taken(bounds);
	for (uint32_t i = 0; i < CLIENTS; i++)
		MEASURE(bounds, "fault_reply", BX_OK, bx_sys_reply(bounds->reply + i, &words));
	crowds_kill(bounds);
}

/* ---- strings ------------------------------------------------------------------------------------ */

/* A string there and back, as long as can be and on as many pages. */
static enum bx_err
string_call(struct bounds *bounds)
{
	const struct bx_ipc_buffers buffers = { .send_slot = BX_SLOT_NONE, .receive_slot = BX_SLOT_NONE,
		.send_address = (uint64_t)(uintptr_t)bounds->string + 5,
		.receive_address = (uint64_t)(uintptr_t)bounds->string + 5,
		.send_length = BX_IPC_STRING_MAX, .receive_capacity = BX_IPC_STRING_MAX };
	struct bx_sys_words words = { .label = 0 };
	struct bx_sys_origin origin;

	return bx_sys_trap_buffers(BX_SYS_CALL, bounds->queue, BX_SLOT_NONE, bx_sys_deadline_far(),
	    &buffers, &words, &origin);
}

void
bench_string(struct bounds *bounds)
{
	spawn(bounds, SERVED, ROLE_ECHO, 0);
	wait_ready(bounds);
	for (unsigned phase = 0; phase < 8; phase++) {
		MEASURE(bounds, "string_64k", BX_OK, string_call(bounds));
		probes_begin(bounds, phase);
		for (unsigned n = 0; n < 4; n++)
			need(bounds, "string", string_call(bounds));
		probes_end(bounds, "latency_string");
	}
	kill(bounds, SERVED);
}

/* ---- a chain of everybody ----------------------------------------------------------------------- */

void
bench_chain(struct bounds *bounds)
{
	struct bx_sys_words words = { .label = 0 };

	crowds_spawn(bounds, ROLE_LINK, 0);
	deed_begin(bounds, DEED_LINK);
	bx_sys_sleep(bx_sys_deadline_in_us(bounds->sys, 50000));
	for (unsigned n = 0; n < 3; n++) {
		/* It would wait for the first, which waits for the second, ...: too far to follow. */
		MEASURE(bounds, "send_cycle", BX_ERR_WOULD_DEADLOCK, bx_sys_send(bounds->link, 0, &words));
		MEASURE(bounds, "priority_chain", BX_OK, bx_sys_thread_priority(bounds->helper, 39));
		MEASURE(bounds, "priority_chain", BX_OK, bx_sys_thread_priority(bounds->helper, 21));
	}
	for (unsigned phase = 0; phase < 8; phase++) {
		probes_begin(bounds, phase);
		for (unsigned n = 0; n < 32; n++)
			want(bounds, "send_cycle", bx_sys_send(bounds->link, 0, &words),
			    BX_ERR_WOULD_DEADLOCK);
		probes_end(bounds, "latency_cycle");
	}
	for (unsigned phase = 0; phase < 8; phase++) {
		probes_begin(bounds, phase);
		for (unsigned n = 0; n < 8; n++)
			need(bounds, "priority", bx_sys_thread_priority(bounds->helper, 21 + n % 2 * 18));
		probes_end(bounds, "latency_chain");
	}
	crowds_kill(bounds);
}

/* All threads of a server have received at one endpoint, and wait for the driver: before a call to it is
 * refused, each is looked at. */
void
bench_cycle(struct bounds *bounds)
{
	struct bx_sys_words words = { .label = 0 };

	spawn(bounds, CROWD_0, ROLE_RING, 0);
	wait_ready(bounds);
	for (unsigned n = 0; n < 3; n++)
		MEASURE(bounds, "send_cycle_serves", BX_ERR_WOULD_DEADLOCK,
		    bx_sys_send(bounds->link, 0, &words));
	for (unsigned phase = 0; phase < 8; phase++) {
		probes_begin(bounds, phase);
		for (unsigned n = 0; n < 32; n++)
			want(bounds, "send_cycle", bx_sys_send(bounds->link, 0, &words),
			    BX_ERR_WOULD_DEADLOCK);
		probes_end(bounds, "latency_cycle");
	}
	kill(bounds, CROWD_0);
}
