/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * bounds_calls.c -- rows of calls that nobody else has a part in: capabilities, memory, programs, what is
 * observed.  See bounds.c.
 */
#include "bounds.h"

#define WIDE		4000u		/* slots of the driver's that are free: make-manifest */

/* ---- one call ----------------------------------------------------------------------------------- */

void
bench_plain(struct bounds *bounds)
{
	struct bx_info_program info;
	uint64_t value[2], bits, first, count;
	uint32_t status;

	for (unsigned n = 0; n < 3; n++) {
		MEASURE(bounds, "null", BX_OK, bx_sys_null());
		MEASURE(bounds, "yield", BX_OK, (bx_sys_yield(), BX_OK));
		MEASURE(bounds, "signal", BX_OK, bx_sys_signal(bounds->note));
		MEASURE(bounds, "wait", BX_OK, bx_sys_wait(bounds->note, 0, &bits));
		MEASURE(bounds, "notification_bind", BX_OK, bx_sys_notification_bind(bounds->ready));
		MEASURE(bounds, "notification_bind", BX_OK, bx_sys_notification_bind(bounds->hush));
		MEASURE(bounds, "cap_info", BX_OK, bx_sys_cap_info(bounds->space, value));
		MEASURE(bounds, "cap_copy", BX_ERR_CAP_OCCUPIED, bx_sys_cap_copy(bounds->space, bounds->queue));
		MEASURE(bounds, "cap_move", BX_ERR_CAP_OCCUPIED, bx_sys_cap_move(bounds->space, bounds->queue));
		MEASURE(bounds, "cap_revoke", BX_OK, bx_sys_cap_revoke(bounds->space));
		MEASURE(bounds, "cap_recharge", BX_ERR_CAP_NOT_CHILD,
		    bx_sys_cap_recharge(bounds->queue, bounds->space, bounds->counted, 1));
		MEASURE(bounds, "port_in", BX_OK, bx_sys_port_in(bounds->uart, UART_STATUS, 1, &status));
		MEASURE(bounds, "port_out", BX_OK, bx_sys_port_out(bounds->uart, UART + 7, 1, 0));
		MEASURE(bounds, "irq_bind", BX_OK, bx_sys_irq_bind(bounds->line, bounds->note));
		MEASURE(bounds, "irq_ack", BX_OK, bx_sys_irq_ack(bounds->line));
		MEASURE(bounds, "clock_info", BX_OK,
		    bx_sys_trap(BX_SYS_CLOCK_INFO, 0, 0, 0, 0, 0, 0, value));
		MEASURE(bounds, "power", BX_ERR_INVALID, bx_sys_power(bounds->power, 9));
		MEASURE(bounds, "program_info", BX_OK,
		    bx_sys_program_info(bounds->spawn, LARGE, &info));
		MEASURE(bounds, "audit_read", BX_OK, bx_sys_audit_read(bounds->audit, 0,
		    bounds->records, BX_ARRAY_COUNT(bounds->records), &count, &first));
	}
}

/* Nobody but the driver has anything to do: what an interrupt costs on its way to the probe. */
void
bench_idle(struct bounds *bounds)
{
	for (unsigned phase = 0; phase < 4; phase++) {
		uint64_t end = bx_sys_now() + 500000;

		probes_begin(bounds, phase);
		while (bx_sys_now() < end)
			continue;
		probes_end(bounds, "latency_user");
	}
}

/* An equal goes on. */
void
bench_yield(struct bounds *bounds)
{
	for (unsigned n = 0; n < 3; n++) {
		uint64_t start;

		need(bounds, "priority", bx_sys_thread_priority(bounds->spinner, 40));
		start = spin_arm(bounds);
		bx_sys_yield();
		need(bounds, "priority", bx_sys_thread_priority(bounds->spinner, 1));
		spin_row(bounds, "yield_switch", start);
	}
}

/* What a bound notification ends, and a plain capability that goes and comes. */
void
bench_bound(struct bounds *bounds)
{
	uint32_t free = slot_free(bounds);
	struct bx_sys_words words = { .label = 0 };
	struct bx_sys_origin origin;

	need(bounds, "bind", bx_sys_notification_bind(bounds->note));
	for (unsigned n = 0; n < 3; n++) {
		MEASURE(bounds, "signal", BX_OK, bx_sys_signal(bounds->note));
		MEASURE(bounds, "receive", BX_OK, bx_sys_receive(bounds->mine, bounds->reply, 0,
		    &words, &origin));
		MEASURE(bounds, "cap_copy", BX_OK, bx_sys_cap_copy(bounds->queue, free));
		MEASURE(bounds, "cap_move", BX_OK, bx_sys_cap_move(free, free + 1));
		MEASURE(bounds, "cap_delete", BX_OK, bx_sys_cap_delete(free + 1));
	}
	need(bounds, "bind", bx_sys_notification_bind(bounds->hush));
}

/* Every number, with slots that are none, empty, and of another type: each refusal is recorded. */
void
bench_refused(struct bounds *bounds)
{
	const uint64_t slots[] = { UINT64_MAX, bounds->reply, bounds->power };

	for (uint64_t number = 0; number < 70; number++) {
		for (unsigned i = 0; i < BX_ARRAY_COUNT(slots); i++) {
			uint64_t start = bx_sys_now();
			enum bx_err err;

			if (number == BX_SYS_EXIT || number == BX_SYS_SLEEP || number == BX_SYS_CAP_DELETE ||
			    number == BX_SYS_YIELD || number == BX_SYS_REPLY_RECEIVE)
				continue;
			err = bx_sys_trap(number, slots[i], 0, 0, 0, 0, 0, NULL);
			if (err != BX_OK)
				row(bounds, "refused", bx_sys_now() - start);
		}
	}
}

/* ---- capabilities ------------------------------------------------------------------------------- */

static enum bx_err
derive(uint32_t from, uint32_t to, uint32_t uses, uint64_t first, uint64_t count)
{
	const struct bx_derive limits = { .to = to, .uses = uses, .expiry = UINT64_MAX,
		.first = first, .count = count };

	return bx_sys_cap_derive(from, &limits);
}

/* As deep as can be: the grants are the first below the roots. */
static void
bench_deep(struct bounds *bounds, uint32_t free)
{
	uint32_t from = bounds->counted;

	for (uint32_t depth = 2; depth <= DEPTH_MAX; depth++) {
		MEASURE(bounds, "cap_derive", BX_OK, derive(from, free + depth, 2, 0, 0));
		from = free + depth;
	}
	MEASURE(bounds, "cap_derive", BX_ERR_CAP_DEPTH, derive(from, free, 0, 0, 0));
	MEASURE(bounds, "cap_recharge", BX_OK,
	    bx_sys_cap_recharge(bounds->counted, bounds->space, from, 1));
	MEASURE(bounds, "cap_move", BX_OK, bx_sys_cap_move(from, free));
	MEASURE(bounds, "cap_copy", BX_OK, bx_sys_cap_copy(free + DEPTH_MAX - 1, from));
	MEASURE(bounds, "cap_delete", BX_OK, bx_sys_cap_delete(free));
	MEASURE(bounds, "revoke_deep", BX_OK, bx_sys_cap_revoke(bounds->counted));
}

/* As many as there is room for; then as many that each hold up pages. */
static void
bench_wide(struct bounds *bounds, uint32_t free)
{
	for (unsigned phase = 0; phase < 4; phase++) {
		for (uint32_t i = 0; i < WIDE; i++)
			MEASURE(bounds, "cap_derive", BX_OK, derive(bounds->queue, free + i, UINT32_MAX, 0, 0));
		if (phase == 0) {
			MEASURE(bounds, "revoke_4000", BX_OK, bx_sys_cap_revoke(bounds->queue));
			continue;
		}
		probes_begin(bounds, phase);
		need(bounds, "revoke", bx_sys_cap_revoke(bounds->queue));
		probes_end(bounds, "latency_revoke");
	}
	for (unsigned phase = 0; phase < 4; phase++) {
		need(bounds, "map", bx_sys_map(bounds->memory, MEMORY_ADDRESS, 0, MEMORY_PAGES,
		    BX_MAP_READ | BX_MAP_WRITE));
		for (uint32_t i = 0; i < MEMORY_PAGES / 8; i++)
			need(bounds, "derive", derive(bounds->memory, free + i, UINT32_MAX, 8 * i, 8));
		probes_begin(bounds, phase);
		need(bounds, "revoke", bx_sys_cap_revoke(bounds->memory));
		probes_end(bounds, "latency_revoke");
	}
}

void
bench_caps(struct bounds *bounds)
{
	uint32_t free = slot_free(bounds);

	bench_deep(bounds, free);
	bench_wide(bounds, free);
}

void
bench_inspect(struct bounds *bounds)
{
	static const struct { const char *name; enum bx_inspect what; uint32_t index, second; } shown[] = {
		{ "inspect_system", BX_INSPECT_SYSTEM, 0, 0 },
		{ "inspect_program", BX_INSPECT_PROGRAM, LARGE, 0 },
		{ "inspect", BX_INSPECT_PROGRAM, CROWD_0, 0 },
		{ "inspect", BX_INSPECT_THREAD, 0, 0 },
		{ "inspect_queue", BX_INSPECT_ENDPOINT, 0, 0 },
		{ "inspect_queue", BX_INSPECT_NOTIFICATION, 0, 0 },
		{ "inspect", BX_INSPECT_POOL, 0, 0 }, { "inspect", BX_INSPECT_POOL, 2, 0 },
		{ "inspect", BX_INSPECT_POOL, 3, 0 }, { "inspect_slots", BX_INSPECT_POOL, 1, 0 },
	};
	const char *name = "inspect";

	for (unsigned i = 0; i < BX_ARRAY_COUNT(shown); i++) {
		name = shown[i].name;
		MEASURE(bounds, name, BX_OK, bx_sys_inspect(bounds->audit, shown[i].what,
		    shown[i].index, shown[i].second, bounds->string, 512));
		probes_begin(bounds, i);
		for (unsigned n = 0; n < 4; n++)
			need(bounds, name, bx_sys_inspect(bounds->audit, shown[i].what, shown[i].index,
			    shown[i].second, bounds->string, 512));
		probes_end(bounds, "latency_inspect");
	}
}

/* ---- memory and programs ------------------------------------------------------------------------ */

void
bench_memory(struct bounds *bounds)
{
	const uint32_t both = BX_MAP_READ | BX_MAP_WRITE;

	/* The first time each page is zeroed. */
	probes_begin(bounds, 0);
	need(bounds, "map", bx_sys_map(bounds->memory, MEMORY_ADDRESS, 0, MEMORY_PAGES - 1, both));
	probes_end(bounds, "latency_map");
	need(bounds, "unmap", bx_sys_unmap(bounds->memory, 0, MEMORY_PAGES - 1));
	MEASURE(bounds, "map_one", BX_OK, bx_sys_map(bounds->memory, 0x40000000000, 4095, 1, both));
	MEASURE(bounds, "unmap_one", BX_OK, bx_sys_unmap(bounds->memory, 4095, 1));
	/* Executable, after it was written; its alias goes read-only. */
	MEASURE(bounds, "map_one", BX_OK, bx_sys_map(bounds->memory, 0x50000000000, 4095, 1,
	    BX_MAP_READ | BX_MAP_EXECUTE));
	/* The last page of many is mapped already: all go again. */
	MEASURE(bounds, "map_4096", BX_ERR_MAPPED,
	    bx_sys_map(bounds->memory, MEMORY_ADDRESS, 0, MEMORY_PAGES, both));
	MEASURE(bounds, "unmap_one", BX_OK, bx_sys_unmap(bounds->memory, 4095, 1));
	MEASURE(bounds, "map_4096", BX_OK,
	    bx_sys_map(bounds->memory, MEMORY_ADDRESS, 0, MEMORY_PAGES, both));
	MEASURE(bounds, "unmap_4096", BX_OK, bx_sys_unmap(bounds->memory, 0, MEMORY_PAGES));
	for (unsigned phase = 0; phase < 8; phase++) {
		probes_begin(bounds, phase);
		need(bounds, "map", bx_sys_map(bounds->memory, MEMORY_ADDRESS, 0, MEMORY_PAGES, both));
		probes_end(bounds, "latency_map");
		probes_begin(bounds, phase);
		need(bounds, "unmap", bx_sys_unmap(bounds->memory, 0, MEMORY_PAGES));
		probes_end(bounds, "latency_map");
	}
}

/* Who is stopped in the middle of a long map has all that is mapped taken back first, by who stops it. */
void
bench_map_stopped(struct bounds *bounds)
{
	for (unsigned phase = 0; phase < 6; phase++) {
		uint64_t start = bx_sys_now();

		need(bounds, "map", bx_sys_map(bounds->memory, MEMORY_ADDRESS, 0, MEMORY_PAGES,
		    BX_MAP_READ | BX_MAP_WRITE));
		start = bx_sys_now() - start;
		need(bounds, "unmap", bx_sys_unmap(bounds->memory, 0, MEMORY_PAGES));
		deed_begin(bounds, DEED_MAP);
		bx_sys_sleep(bx_sys_now() + start / 32 * (31 - 4 * (phase / 2)));
		if (phase % 2 == 0) {
			MEASURE(bounds, "thread_stop_map", BX_OK, bx_sys_thread_stop(bounds->helper));
		} else {
			probes_begin(bounds, phase);
			need(bounds, "stop", bx_sys_thread_stop(bounds->helper));
			probes_end(bounds, "latency_map");
		}
		need(bounds, "resume", bx_sys_thread_resume(bounds->helper));
		bx_sys_sleep(bx_sys_now() + SETTLE);
		want(bounds, "map", bounds->deed_err, BX_ERR_CANCELLED);
	}
}

/* It ends by itself, or by a fault that nobody handles; its last words say when. */
static void
end_itself(struct bounds *bounds, const char *name, enum role role)
{
	struct bx_info_program info;
	uint64_t bits, end, last;

	bx_err_ignore(bx_sys_wait(bounds->exits, 0, &bits));
	spawn(bounds, LARGE, role, 0);
	need(bounds, "exits", bx_sys_wait(bounds->exits, bx_sys_deadline_far(), &bits));
	end = bx_sys_now();
	need(bounds, "info", bx_sys_program_info(bounds->spawn, LARGE, &info));
	last = role == ROLE_EXIT ? (uint32_t)info.exit_code : (uint32_t)info.fault_address;
	row(bounds, name, (uint32_t)((uint32_t)end - last));
}

void
bench_programs(struct bounds *bounds)
{
	const struct order order = { ROLE_NOTHING, 0 };
	uint64_t bits, start;

	for (unsigned phase = 0; phase < 4; phase++) {
		MEASURE(bounds, "spawn_large", BX_OK, bx_sys_spawn(bounds->spawn, LARGE, &order, sizeof order));
		MEASURE(bounds, "program_info_large", BX_OK, bx_sys_program_info(bounds->spawn, LARGE,
		    (struct bx_info_program *)(void *)bounds->string));
		bx_err_ignore(bx_sys_wait(bounds->exits, 0, &bits));
		start = bx_sys_now();
		MEASURE(bounds, "kill", BX_OK, bx_sys_kill(bounds->spawn, LARGE));
		need(bounds, "exits", bx_sys_wait(bounds->exits, bx_sys_deadline_far(), &bits));
		row(bounds, "kill_large", bx_sys_now() - start);
		probes_begin(bounds, phase);
		need(bounds, "spawn", bx_sys_spawn(bounds->spawn, LARGE, &order, sizeof order));
		probes_end(bounds, "latency_spawn");
		probes_begin(bounds, phase);
		need(bounds, "kill", bx_sys_kill(bounds->spawn, LARGE));
		need(bounds, "exits", bx_sys_wait(bounds->exits, bx_sys_deadline_far(), &bits));
		probes_end(bounds, "latency_kill");
	}
	for (unsigned n = 0; n < 3; n++) {
		end_itself(bounds, "exit_large", ROLE_EXIT);
		end_itself(bounds, "fault_large", ROLE_TRAP);
	}
}
