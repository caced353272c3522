/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * bounds.c -- program 0 of the bounds benchmark: what each system call costs at full tables, and how
 * long an interrupt waits meanwhile.  docs/bounds.md has the rows and their bounds.
 *
 * Under `qemu -icount shift=0` a tick is an instruction.  A row is the most of all its readings, from
 * before the SYSCALL to after it; of a call that waits, to the first instruction of the thread that
 * runs next, the spinner.  A row `latency_*` is the most by which a thread of high priority, the probe,
 * wakes after the tick that it slept for, while other work of the kernel is under way.
 *
 * Prints one line a row on the serial port and powers the machine off:
 *
 *	bounds NAME VALUE
 */
#include <brainix/sys.h>

#include "protocol.h"

#define ROWS_MAX	96u
#define MEMORY_ADDRESS	0x10000000u
#define MEMORY_PAGES	4096u
#define UART		0x3f8
#define UART_STATUS	(UART + 5)
#define UART_EMPTY	0x20u		/* transmitter holding register: PC16550D, 8.4 */
#define THREAD_STACK	4096u
#define DEPTH_MAX	64u		/* BX_CAP_DEPTH_MAX */
#define WIDE		4000u		/* slots of the driver's that are free: make-manifest */
#define PROBE_PERIOD	3001u		/* about that often, under probes */
#define PROBE_STRIDE	131u		/* each a little later, so that none lines up */

struct row {
	const char *name;
	uint64_t most;
};

struct bounds {
	const struct bx_sys *sys;
	uint32_t uart, power, spawn, audit, queue, mine, link, counted, bell, note, ready, exits, hush,
	    memory, line, probe, spinner, helper, first, space, reply;
	struct row rows[ROWS_MAX];
	unsigned row_count;
	/* the probe's and the spinner's; of their driver nobody else runs while they do */
	volatile uint64_t probing, probe_at, probe_worst, probe_count;
	volatile uint64_t spin_armed, spin_at;
	uint8_t probe_stack[THREAD_STACK], spinner_stack[THREAD_STACK], helper_stack[THREAD_STACK];
	bool payers;			/* the system in which programs run out of time: no more is measured */
	uint8_t string[BX_IPC_STRING_MAX + 64];
	struct bx_audit_record records[64];
};

/* ---- output ----------------------------------------------------------------------------------- */

static void
put(struct bounds *bounds, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		uint32_t status = 0;

		while ((status & UART_EMPTY) == 0)
			if (bx_sys_port_in(bounds->uart, UART_STATUS, 1, &status) != BX_OK)
				return;
		bx_err_ignore(bx_sys_port_out(bounds->uart, UART, 1, (uint8_t)bytes[i]));
	}
}

BX_NORETURN static void
stop(struct bounds *bounds, const char *what, enum bx_err err)
{
	char line[96];
	size_t length = bx_sys_format(line, sizeof line, "bounds failed: %s: %s\r\n", what,
	    bx_err_name(err));

	put(bounds, line, length);
	bx_err_ignore(bx_sys_power(bounds->power, BX_POWER_OFF));
	bx_sys_exit(1);
}

static void
need(struct bounds *bounds, const char *what, enum bx_err err)
{
	if (err != BX_OK)
		stop(bounds, what, err);
}

static void
want(struct bounds *bounds, const char *what, enum bx_err err, enum bx_err wanted)
{
	if (err != wanted)
		stop(bounds, what, err);
}

/* Rows have the most of what they are given. */
static void
row(struct bounds *bounds, const char *name, uint64_t ticks)
{
	struct row *at = bounds->rows;

	while (at < bounds->rows + bounds->row_count && at->name != name)
		at++;
	if (at == bounds->rows + ROWS_MAX)
		stop(bounds, "rows", BX_ERR_OVERFLOW);
	if (at == bounds->rows + bounds->row_count) {
		bounds->row_count++;
		*at = (struct row){ name, 0 };
	}
	if (at->most < ticks)
		at->most = ticks;
}

static void
rows_print(struct bounds *bounds)
{
	for (unsigned i = 0; i < bounds->row_count; i++) {
		char line[96];
		size_t length = bx_sys_format(line, sizeof line, "bounds %s %llu\r\n",
		    bounds->rows[i].name, (unsigned long long)bounds->rows[i].most);

		put(bounds, line, length);
	}
	put(bounds, "bounds done\r\n", 13);
}

/* The row of one call: EXPRESSION's error must be the wanted one. */
#define MEASURE(bounds, name, wanted, expression) do { \
	uint64_t start_ = bx_sys_now(); \
	enum bx_err err_ = (expression); \
	uint64_t ticks_ = bx_sys_now() - start_; \
	want(bounds, name, err_, wanted); \
	row(bounds, name, ticks_); \
} while (0)

/* ---- the other threads ------------------------------------------------------------------------ */

static void
probe(struct bounds *bounds)
{
	uint64_t bits;

	for (;;) {
		bx_err_ignore(bx_sys_wait(bounds->bell, bx_sys_deadline_far(), &bits));
		while (bounds->probing != 0) {
			uint64_t now, late;

			bx_sys_sleep(bounds->probe_at);
			now = bx_sys_now();
			late = now - bounds->probe_at;
			if (bounds->probing != 0 && late > bounds->probe_worst)
				bounds->probe_worst = late;
			bounds->probe_count++;
			bounds->probe_at = now + PROBE_PERIOD + bounds->probe_count % 23 * PROBE_STRIDE;
		}
	}
}

static void
spinner(struct bounds *bounds)
{
	for (;;) {
		if (bounds->spin_armed != 0) {
			bounds->spin_at = bx_sys_now();
			bounds->spin_armed = 0;
		}
	}
}

/* Calls the first of the chain when the notification is signalled. */
static void
helper(struct bounds *bounds)
{
	uint64_t bits;

	for (;;) {
		struct bx_sys_words words = { .label = 0 };

		bx_err_ignore(bx_sys_wait(bounds->hush, bx_sys_deadline_far(), &bits));
		bx_err_ignore(bx_sys_call(bounds->link, bx_sys_deadline_far(), &words));
	}
}

static void
thread_start(struct bounds *bounds, uint32_t thread, void (*entry)(struct bounds *), uint8_t *stack,
    uint32_t priority)
{
	/* As after a call: rsp is 8 below a multiple of 16. */
	uint64_t top = ((uint64_t)(uintptr_t)stack + THREAD_STACK) / 16 * 16 - 8;

	need(bounds, "priority", bx_sys_thread_priority(thread, priority));
	MEASURE(bounds, "thread_start", BX_OK, bx_sys_thread_start(thread,
	    (uint64_t)(uintptr_t)entry, top, (uint64_t)(uintptr_t)bounds));
}

/* From here on the probe is woken again and again. */
static void
probes_begin(struct bounds *bounds, unsigned phase)
{
	bounds->probe_worst = 0;
	bounds->probing = 1;
	bounds->probe_at = bx_sys_now() + PROBE_PERIOD + phase * 397u;
	need(bounds, "bell", bx_sys_signal(bounds->bell));
}

static void
probes_end(struct bounds *bounds, const char *name)
{
	bounds->probing = 0;
	row(bounds, name, bounds->probe_worst);
	bx_sys_sleep(bx_sys_now() + 100000);
}

/* Until the driver waits, the spinner does not run; then it says at once when it does. */
static uint64_t
spin_arm(struct bounds *bounds)
{
	bounds->spin_armed = 1;
	return bx_sys_now();
}

static void
spin_row(struct bounds *bounds, const char *name, uint64_t start)
{
	if (bounds->spin_armed != 0)
		stop(bounds, name, BX_ERR_STATE);
	row(bounds, name, bounds->spin_at - start);
}

/* ---- programs that fill the tables ------------------------------------------------------------ */

static void
spawn(struct bounds *bounds, uint32_t program, enum role role, uint64_t deadline)
{
	const struct order order = { role, deadline };
	enum bx_err err;

	do
		err = bx_sys_spawn(bounds->spawn, program, &order, sizeof order);
	while (err == BX_ERR_STATE && (bx_sys_sleep(bx_sys_now() + 1000000), true));
	need(bounds, "spawn", err);
}

static void
wait_ready(struct bounds *bounds)
{
	uint64_t bits;

	need(bounds, "ready", bx_sys_wait(bounds->ready, bx_sys_deadline_far(), &bits));
}

static void
crowds_spawn(struct bounds *bounds, enum role role, uint64_t deadline)
{
	for (uint32_t i = 0; i < CROWDS; i++) {
		spawn(bounds, CROWD_0 + i, role, deadline);
		wait_ready(bounds);
	}
}

/* Ends a program and waits until it is gone. */
static void
kill(struct bounds *bounds, uint32_t program)
{
	struct bx_info_program info = { .state = BX_PROGRAM_RUNNING };

	need(bounds, "kill", bx_sys_kill(bounds->spawn, program));
	while (info.state != BX_PROGRAM_KILLED) {
		bx_sys_sleep(bx_sys_now() + 100000);
		need(bounds, "info", bx_sys_program_info(bounds->spawn, program, &info));
	}
}

static void
crowds_kill(struct bounds *bounds)
{
	for (uint32_t i = 0; i < CROWDS; i++)
		kill(bounds, CROWD_0 + i);
}

/* ---- calls that nobody else has a part in ----------------------------------------------------- */

static void
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
static void
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

/* ---- capabilities ----------------------------------------------------------------------------- */

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

static void
bench_caps(struct bounds *bounds)
{
	const struct bx_launch *launch = bounds->sys->launch;
	uint32_t free = launch->entries[launch->entry_count - 1].slot + 1;

	bench_deep(bounds, free);
	bench_wide(bounds, free);
}

static void
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

/* Every number, with slots that are none, empty, and of another type: each refusal is recorded. */
static void
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

/* ---- memory ----------------------------------------------------------------------------------- */

static void
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

/* ---- programs --------------------------------------------------------------------------------- */

static void
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
}

/* ---- one endpoint with everybody -------------------------------------------------------------- */

/* All threads queued at one endpoint; it is `served''s, which does not receive. */
static void
bench_queue(struct bounds *bounds)
{
	struct bx_sys_words words = { .label = 0 };
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
static void
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

/* The driver is the server of all; it takes every call, and answers the oldest, with all others
 * waiting. */
static void
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

static void
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

/* Capabilities go while others wait by them, or have mapped what they name. */
static void
bench_delete(struct bounds *bounds)
{
	for (unsigned phase = 0; phase < 4; phase++) {
		uint64_t deadline = bx_sys_deadline_in_us(bounds->sys, 100000);
		struct bx_sys_words words = { .label = 0 };
		struct bx_sys_origin origin;

		spawn(bounds, CROWD_0, ROLE_DELETE, deadline);
		bx_sys_sleep(deadline - 20000);
		probes_begin(bounds, phase);
		need(bounds, "report", bx_sys_receive(bounds->mine, bounds->reply,
		    bx_sys_deadline_far(), &words, &origin));
		probes_end(bounds, "latency_delete");
		want(bounds, "delete", (enum bx_err)(int64_t)words.label, BX_OK);
		if (phase == 0)
			row(bounds, "cap_delete_waits", words.word[0]);
		need(bounds, "reply", bx_sys_reply(bounds->reply, &words));
		kill(bounds, CROWD_0);
	}
	need(bounds, "map", bx_sys_map(bounds->memory, MEMORY_ADDRESS, 0, MEMORY_PAGES,
	    BX_MAP_READ | BX_MAP_WRITE));
	MEASURE(bounds, "cap_delete", BX_OK, bx_sys_cap_delete(bounds->line));
	probes_begin(bounds, 0);
	need(bounds, "delete", bx_sys_cap_delete(bounds->memory));
	probes_end(bounds, "latency_delete");
}

/* ---- a chain of everybody --------------------------------------------------------------------- */

static void
bench_chain(struct bounds *bounds)
{
	struct bx_sys_words words = { .label = 0 };

	crowds_spawn(bounds, ROLE_LINK, 0);
	need(bounds, "hush", bx_sys_signal(bounds->hush));
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

/* ---- notifications and time ------------------------------------------------------------------- */

static void
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
static void
bench_sleepers(struct bounds *bounds)
{
	static const struct { enum role role; const char *name; } due[] = {
		{ ROLE_SLEEP, "latency_timers" }, { ROLE_SLEEP, "latency_timers" },
		{ ROLE_CHAIN, "latency_chain_timers" }, { ROLE_CHAIN, "latency_chain_timers" },
	};

	for (unsigned phase = 0; phase < BX_ARRAY_COUNT(due); phase++) {
		uint64_t deadline = bx_sys_deadline_in_us(bounds->sys, 2000000);

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
static void
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

/* An equal goes on. */
static void
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
static void
bench_bound(struct bounds *bounds)
{
	const struct bx_launch *launch = bounds->sys->launch;
	uint32_t free = launch->entries[launch->entry_count - 1].slot + 1;
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

/* ---- start -------------------------------------------------------------------------------------- */

static void
find(struct bounds *bounds, const char *name, uint32_t *slot)
{
	need(bounds, name, bx_sys_find(bounds->sys->launch, name, slot));
}

static void
find_all(struct bounds *bounds)
{
	find(bounds, "uart", &bounds->uart);
	find(bounds, "power", &bounds->power);
	find(bounds, "spawn", &bounds->spawn);
	find(bounds, "audit", &bounds->audit);
	find(bounds, "queue", &bounds->queue);
	find(bounds, "mine", &bounds->mine);
	find(bounds, "link", &bounds->link);
	find(bounds, "counted", &bounds->counted);
	find(bounds, "bell", &bounds->bell);
	find(bounds, "note", &bounds->note);
	find(bounds, "ready", &bounds->ready);
	find(bounds, "exits", &bounds->exits);
	find(bounds, "hush", &bounds->hush);
	find(bounds, "memory", &bounds->memory);
	find(bounds, "line", &bounds->line);
	find(bounds, "probe", &bounds->probe);
	find(bounds, "spinner", &bounds->spinner);
	find(bounds, "helper", &bounds->helper);
	find(bounds, "first", &bounds->first);
	find(bounds, "space", &bounds->space);
	bounds->reply = bounds->sys->launch->reply_first;
}

BX_NORETURN static void
finish(struct bounds *bounds)
{
	rows_print(bounds);
	bx_err_ignore(bx_sys_power(bounds->power, BX_POWER_OFF));
	bx_sys_exit(1);
}

int
bx_main(const struct bx_sys *sys)
{
	struct bounds bounds = { .sys = sys };

	uint32_t mark;

	find_all(&bounds);
	bounds.payers = bx_sys_find(sys->launch, "payers", &mark) == BX_OK;
	thread_start(&bounds, bounds.probe, probe, bounds.probe_stack, 60);
	thread_start(&bounds, bounds.spinner, spinner, bounds.spinner_stack, 1);
	thread_start(&bounds, bounds.helper, helper, bounds.helper_stack, 21);
	bx_sys_sleep(bx_sys_now() + 1000000);

	bench_idle(&bounds);
	if (bounds.payers) {
		bench_payers(&bounds);
		finish(&bounds);
	}
	bench_plain(&bounds);
	bench_yield(&bounds);
	bench_bound(&bounds);
	bench_inspect(&bounds);
	bench_refused(&bounds);
	bench_memory(&bounds);
	bench_caps(&bounds);
	bench_programs(&bounds);
	bench_queue(&bounds);
	bench_clients(&bounds);
	bench_serve(&bounds);
	bench_string(&bounds);
	bench_chain(&bounds);
	bench_waiters(&bounds);
	bench_sleepers(&bounds);
	bench_delete(&bounds);
	finish(&bounds);
}
