/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* bounds.h -- what the parts of the bounds benchmark share.  See bounds.c. */
#ifndef BOUNDS_H
#define BOUNDS_H

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
#define SETTLE		20000u		/* ticks: who has nothing else to do waits by then */
#define SOON		10000000u	/* ticks: before all who wait for ever, after any answer */
#define TOUCH_ADDRESS	0x60000000000u	/* what the helper touches: DEED_TOUCH */

struct row {
	const char *name;
	uint64_t most;
};

/* What the helper does when it is signalled. */
enum deed {
	DEED_LINK,			/* calls the first of the chain */
	DEED_TOUCH,			/* after SETTLE, reads where no page is; arms the spinner before */
	DEED_MAP,			/* maps all of the memory */
	DEED_CALL			/* after SETTLE, calls the driver with `deed_buffers`; says when it goes on */
};

struct bounds {
	const struct bx_sys *sys;
	uint32_t uart, power, spawn, audit, queue, mine, link, counted, bell, note, ready, exits, hush,
	    faults, memory, line, probe, spinner, helper, first, space, reply;
	struct row rows[ROWS_MAX];
	unsigned row_count;
	/* the probe's and the spinner's; of their driver nobody else runs while they do */
	volatile uint64_t probing, probe_at, probe_worst, probe_count;
	volatile uint64_t spin_armed, spin_at;
	uint8_t probe_stack[THREAD_STACK], spinner_stack[THREAD_STACK], helper_stack[THREAD_STACK];
	/* the helper's */
	volatile uint64_t deed, deed_at, deed_back;
	volatile enum bx_err deed_err;
	struct bx_ipc_buffers deed_buffers;
	bool payers;			/* the system in which programs run out of time: no more is measured */
	uint8_t string[BX_IPC_STRING_MAX + 64];
	struct bx_audit_record records[64];
};

/* Ends the benchmark when something failed. */
BX_NORETURN void stop(struct bounds *bounds, const char *what, enum bx_err err);
void need(struct bounds *bounds, const char *what, enum bx_err err);
void want(struct bounds *bounds, const char *what, enum bx_err err, enum bx_err wanted);
/* Rows have the most of what they are given. */
void row(struct bounds *bounds, const char *name, uint64_t ticks);

/* The row of one call: EXPRESSION's error must be the wanted one. */
#define MEASURE(bounds, name, wanted, expression) do { \
	uint64_t start_ = bx_sys_now(); \
	enum bx_err err_ = (expression); \
	uint64_t ticks_ = bx_sys_now() - start_; \
	want(bounds, name, err_, wanted); \
	row(bounds, name, ticks_); \
} while (0)

/* From here on the probe is woken again and again; a row of how late it was. */
void probes_begin(struct bounds *bounds, unsigned phase);
void probes_end(struct bounds *bounds, const char *name);
/* Until the driver waits, the spinner does not run; then it says at once when it does: a row from `start`. */
uint64_t spin_arm(struct bounds *bounds);
void spin_row(struct bounds *bounds, const char *name, uint64_t start);

/* Has the helper do something, at its priority. */
void deed_begin(struct bounds *bounds, enum deed deed);
/* A slot of the driver's above which all are free. */
uint32_t slot_free(const struct bounds *bounds);

/* Programs that fill the tables; wait_ready waits until one says so. */
void spawn(struct bounds *bounds, uint32_t program, enum role role, uint64_t deadline);
void wait_ready(struct bounds *bounds);
void crowds_spawn(struct bounds *bounds, enum role role, uint64_t deadline);
void kill(struct bounds *bounds, uint32_t program);
void crowds_kill(struct bounds *bounds);

/* bounds_calls.c */
void bench_plain(struct bounds *bounds);
void bench_idle(struct bounds *bounds);
void bench_yield(struct bounds *bounds);
void bench_bound(struct bounds *bounds);
void bench_refused(struct bounds *bounds);
void bench_caps(struct bounds *bounds);
void bench_inspect(struct bounds *bounds);
void bench_memory(struct bounds *bounds);
void bench_map_stopped(struct bounds *bounds);
void bench_programs(struct bounds *bounds);

/* bounds_ipc.c */
void bench_queue(struct bounds *bounds);
void bench_clients(struct bounds *bounds);
void bench_serve(struct bounds *bounds);
void bench_faults(struct bounds *bounds);
void bench_string(struct bounds *bounds);
void bench_chain(struct bounds *bounds);
void bench_cycle(struct bounds *bounds);

/* bounds_waits.c */
void bench_waiters(struct bounds *bounds);
void bench_sleepers(struct bounds *bounds);
void bench_payers(struct bounds *bounds);
void bench_delete(struct bounds *bounds);

#endif
