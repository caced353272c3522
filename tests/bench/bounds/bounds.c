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
#include "bounds.h"

#define BUSY_SECONDS	9u		/* budgets: make-manifest */
#define PROBE_PERIOD	3001u		/* about that often, under probes */
#define PROBE_STRIDE	131u		/* each a little later, so that none lines up */

/* ---- output ------------------------------------------------------------------------------------- */

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

BX_NORETURN void
stop(struct bounds *bounds, const char *what, enum bx_err err)
{
	char line[96];
	size_t length = bx_sys_format(line, sizeof line, "bounds failed: %s: %s\r\n", what,
	    bx_err_name(err));

	put(bounds, line, length);
	bx_err_ignore(bx_sys_power(bounds->power, BX_POWER_OFF));
	bx_sys_exit(1);
}

void
need(struct bounds *bounds, const char *what, enum bx_err err)
{
	if (err != BX_OK)
		stop(bounds, what, err);
}

void
want(struct bounds *bounds, const char *what, enum bx_err err, enum bx_err wanted)
{
	if (err != wanted)
		stop(bounds, what, err);
}

/* Rows have the most of what they are given. */
static bool
same_text(const char *a, const char *b)
{
	while (*a == *b && *a != '\0') {
		a++;
		b++;
	}
	return *a == *b;
}

void
row(struct bounds *bounds, const char *name, uint64_t ticks)
{
	struct row *at = bounds->rows;

	while (at < bounds->rows + bounds->row_count && !same_text(at->name, name))
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

/* ---- the other threads -------------------------------------------------------------------------- */

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

static void
deed_do(struct bounds *bounds)
{
	struct bx_sys_words words = { .label = 0 };
	struct bx_sys_origin origin;

	switch ((enum deed)bounds->deed) {
	case DEED_LINK:
		bx_err_ignore(bx_sys_call(bounds->link, bx_sys_deadline_far(), &words));
		break;
	case DEED_TOUCH:
		bx_sys_sleep(bx_sys_now() + SETTLE);
		bounds->spin_armed = 1;
		bounds->deed_at = bx_sys_now();
		(void)*(volatile uint8_t *)TOUCH_ADDRESS;
		break;
	case DEED_MAP:
		bounds->deed_err = bx_sys_map(bounds->memory, MEMORY_ADDRESS, 0, MEMORY_PAGES,
		    BX_MAP_READ | BX_MAP_WRITE);
		break;
	case DEED_CALL:
		bx_sys_sleep(bx_sys_now() + SETTLE);
		bounds->deed_at = bx_sys_now();
		bounds->deed_err = bx_sys_trap_buffers(BX_SYS_CALL, bounds->mine, BX_SLOT_NONE,
		    bounds->deed_at + SOON, &bounds->deed_buffers, &words, &origin);
		bounds->deed_back = bx_sys_now();
		break;
	}
}

static void
helper(struct bounds *bounds)
{
	uint64_t bits;

	for (;;) {
		bx_err_ignore(bx_sys_wait(bounds->hush, bx_sys_deadline_far(), &bits));
		deed_do(bounds);
	}
}

void
deed_begin(struct bounds *bounds, enum deed deed)
{
	bounds->deed = deed;
	bounds->deed_err = BX_ERR_AGAIN;
	need(bounds, "hush", bx_sys_signal(bounds->hush));
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
void
probes_begin(struct bounds *bounds, unsigned phase)
{
	bounds->probe_worst = 0;
	bounds->probing = 1;
	bounds->probe_at = bx_sys_now() + PROBE_PERIOD + phase * 397u;
	need(bounds, "bell", bx_sys_signal(bounds->bell));
}

void
probes_end(struct bounds *bounds, const char *name)
{
	bounds->probing = 0;
	row(bounds, name, bounds->probe_worst);
	bx_sys_sleep(bx_sys_now() + 100000);
}

/* Until the driver waits, the spinner does not run; then it says at once when it does. */
uint64_t
spin_arm(struct bounds *bounds)
{
	bounds->spin_armed = 1;
	return bx_sys_now();
}

void
spin_row(struct bounds *bounds, const char *name, uint64_t start)
{
	if (bounds->spin_armed != 0)
		stop(bounds, name, BX_ERR_STATE);
	row(bounds, name, bounds->spin_at - start);
}

uint32_t
slot_free(const struct bounds *bounds)
{
	const struct bx_launch *launch = bounds->sys->launch;

	return launch->entries[launch->entry_count - 1].slot + 1;
}

/* ---- programs that fill the tables -------------------------------------------------------------- */

void
spawn(struct bounds *bounds, uint32_t program, enum role role, uint64_t deadline)
{
	const struct order order = { role, deadline };
	enum bx_err err;

	do
		err = bx_sys_spawn(bounds->spawn, program, &order, sizeof order);
	while (err == BX_ERR_STATE && (bx_sys_sleep(bx_sys_now() + 1000000), true));
	need(bounds, "spawn", err);
}

void
wait_ready(struct bounds *bounds)
{
	uint64_t bits;

	need(bounds, "ready", bx_sys_wait(bounds->ready, bx_sys_deadline_far(), &bits));
}

void
crowds_spawn(struct bounds *bounds, enum role role, uint64_t deadline)
{
	for (uint32_t i = 0; i < CROWDS; i++) {
		spawn(bounds, CROWD_0 + i, role, deadline);
		wait_ready(bounds);
	}
}

/* Ends a program and waits until it is gone. */
void
kill(struct bounds *bounds, uint32_t program)
{
	struct bx_info_program info = { .state = BX_PROGRAM_RUNNING };

	need(bounds, "kill", bx_sys_kill(bounds->spawn, program));
	while (info.state != BX_PROGRAM_KILLED) {
		bx_sys_sleep(bx_sys_now() + 100000);
		need(bounds, "info", bx_sys_program_info(bounds->spawn, program, &info));
	}
}

void
crowds_kill(struct bounds *bounds)
{
	for (uint32_t i = 0; i < CROWDS; i++)
		kill(bounds, CROWD_0 + i);
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
	find(bounds, "faults", &bounds->faults);
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
	/* From there on the spinner would have no time left where it has a budget, and an idle machine's time
	 * is the host's. */
	if (bx_sys_now() > bounds->sys->boot_ticks + BUSY_SECONDS * bounds->sys->ticks_per_second)
		stop(bounds, "too long", BX_ERR_TIMEOUT);
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
	bench_map_stopped(&bounds);
	bench_caps(&bounds);
	bench_programs(&bounds);
	bench_queue(&bounds);
	bench_clients(&bounds);
	bench_serve(&bounds);
	bench_faults(&bounds);
	bench_string(&bounds);
	bench_chain(&bounds);
	bench_cycle(&bounds);
	bench_waiters(&bounds);
	bench_sleepers(&bounds);
	bench_delete(&bounds);
	finish(&bounds);
}
