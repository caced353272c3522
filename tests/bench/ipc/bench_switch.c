/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * bench_switch.c -- rows in which the processor goes to another program by other ways than IPC, with
 * the small programs of peer.c; and what two copies of 4 KiB cost without a system.
 */
#include "bench.h"

#define SPAWNS		20u
#define INTERRUPTS	50u

static void
start(struct bench *bench, uint32_t program)
{
	need(bench, "spawn", bx_sys_spawn(bench->spawn, program, "", 0));
}

/* Lets what has a lower priority run, until the program has been taken apart. */
static void
gone(struct bench *bench, uint32_t program)
{
	struct bx_info_program info;

	do {
		bx_sys_sleep(bx_sys_deadline_in_us(bench->sys, 1000));
		need(bench, "info", bx_sys_program_info(bench->spawn, program, &info));
	} while (info.state == BX_PROGRAM_RUNNING || info.state == BX_PROGRAM_ENDING);
}

/* Each yield of ours gives the processor to another program, whose yield gives it back. */
static void
yield_rounds(unsigned rounds)
{
	while (rounds-- > 0)
		bx_sys_yield();
}

static void
bench_yield(struct bench *bench)
{
	uint64_t from;

	start(bench, BENCH_YIELDER);
	yield_rounds(WARM_UP);
	from = begin(bench);
	yield_rounds(ROUNDS);
	end(bench, "yield_switch", from, 2 * ROUNDS);
	need(bench, "kill", bx_sys_kill(bench->spawn, BENCH_YIELDER));
}

/* From the faulting instruction to the handler in another program, and back to the instruction. */
static void
fault_rounds(struct bench *bench, uint64_t deadline, unsigned rounds)
{
	uint32_t reply = bench->sys->launch->reply_first;
	struct bx_sys_words words = { 0 };
	struct bx_sys_origin origin;

	while (rounds-- > 0)
		need(bench, "fault", bx_sys_reply_receive(bench->faults, reply, deadline, &words, &origin));
}

static void
bench_fault(struct bench *bench)
{
	uint64_t from, deadline = bx_sys_deadline_far();
	struct bx_sys_words words = { 0 };
	struct bx_sys_origin origin;

	start(bench, BENCH_FAULTER);
	need(bench, "fault", bx_sys_receive(bench->faults, bench->sys->launch->reply_first, deadline,
	    &words, &origin));
	fault_rounds(bench, deadline, WARM_UP);
	from = begin(bench);
	fault_rounds(bench, deadline, ROUNDS);
	end(bench, "fault_round", from, ROUNDS);
	need(bench, "kill", bx_sys_kill(bench->spawn, BENCH_FAULTER));
	gone(bench, BENCH_FAULTER);
}

/* From the instruction after the one that makes the device interrupt (it comes on the way back to user
 * mode) to the first of the program that waits for it.  What the way there costs is measured with
 * the same call, that makes no interrupt. */
static void
bench_interrupt(struct bench *bench)
{
	uint64_t spent = 0, from;

	start(bench, BENCH_LISTENER);
	from = bx_sys_now();
	for (unsigned i = 0; i < INTERRUPTS; i++)
		need(bench, "port", bx_sys_port_out(bench->uart, UART_INTERRUPTS, 1, 0));
	spent -= bx_sys_now() - from;
	for (unsigned i = 0; i < INTERRUPTS; i++) {
		struct bx_sys_words words = { 0 };
		struct bx_sys_origin origin;

		from = bx_sys_now();
		need(bench, "port", bx_sys_port_out(bench->uart, UART_INTERRUPTS, 1,
		    UART_WHEN_EMPTY));
		need(bench, "report", bx_sys_receive(bench->report, BX_SLOT_NONE,
		    bx_sys_deadline_in_us(bench->sys, 1000000), &words, &origin));
		spent += words.word[0] - from;
		need(bench, "port", bx_sys_port_out(bench->uart, UART_INTERRUPTS, 1, 0));
	}
	row(bench, "irq_to_user", spent, INTERRUPTS);
	need(bench, "kill", bx_sys_kill(bench->spawn, BENCH_LISTENER));
	gone(bench, BENCH_LISTENER);
}

/* The start of a program of some pages by its spawner, until that goes on; the program does not run yet. */
static void
bench_spawn(struct bench *bench)
{
	uint64_t spent = 0;

	for (unsigned i = 0; i < SPAWNS; i++) {
		uint64_t from = bx_sys_now();

		start(bench, BENCH_IDLER);
		spent += bx_sys_now() - from;
		gone(bench, BENCH_IDLER);
	}
	row(bench, "spawn", spent, SPAWNS);
}

/* Two copies of 4 KiB in one program, by bytes and as the kernel copies: what the row string_4k is to be
 * compared with. */
static void
bench_copies(struct bench *bench)
{
	void *to;
	const void *source;
	uint64_t from = begin(bench), count;

	for (unsigned i = 0; i < 2 * ROUNDS; i++) {
		to = bench->string + 8192;
		source = bench->string;
		count = 4096;
		__asm__ volatile("rep movsb" : "+D" (to), "+S" (source), "+c" (count) : : "memory");
	}
	end(bench, "copies_4k", from, ROUNDS);
	from = begin(bench);
	for (unsigned i = 0; i < 2 * ROUNDS; i++) {
		to = bench->string + 8192;
		source = bench->string;
		count = 4096 / 8;
		__asm__ volatile("rep movsq" : "+D" (to), "+S" (source), "+c" (count) : : "memory");
	}
	end(bench, "copies_4k_words", from, ROUNDS);
}

void
bench_switches(struct bench *bench)
{
	bench_yield(bench);
	bench_fault(bench);
	bench_interrupt(bench);
	bench_spawn(bench);
	bench_copies(bench);
}
