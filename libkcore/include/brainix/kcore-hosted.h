/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * brainix/kcore-hosted.h -- the hosted machine: the kernel core in an ordinary process.  Layer 2.
 *
 * The machine is this struct.  Memory is a byte array that the caller gives; in it the core builds
 * real x86-64 page tables.  Time is a field that the caller sets.  Console, interrupt lines, ports and
 * power are records of what the core asked for.  Nobody runs user code: the caller is the user.  He
 * sets the registers of the context that the core returned and calls the next event:
 *
 *	bx_hosted_init(&machine, memory, size);
 *	config = { .machine = &machine, .memory = memory, .memory_end = size, .regions = ... };
 *	bx_kcore_plan, bx_kcore_init
 *	context = bx_kcore_start(core);
 *	context->number = BX_SYS_YIELD;
 *	context = bx_kcore_system_call(core);
 *
 * User memory is reached as the CPU would: bx_hosted_user_read and _write obey the page tables.
 */
#ifndef BRAINIX_KCORE_HOSTED_H
#define BRAINIX_KCORE_HOSTED_H

#include <brainix/base.h>
#include <brainix/machine.h>

#define BX_HOSTED_RESERVED	0x10000	/* bytes at the start of memory that are the machine's */
#define BX_HOSTED_CONSOLE_SIZE	4096
#define BX_HOSTED_IRQS		24
#define BX_HOSTED_TRAMPOLINE	0xffffffffff600000ull	/* the page every address space has */

/* The caller reads and sets every field but those marked private.  Pinned: the core holds its
 * address. */
struct bx_machine {
	uint8_t *memory;		/* private */
	uint64_t memory_size;
	uint8_t *read_only;		/* private: a bit for each frame, inside `memory` */
	uint64_t now;			/* ticks */
	uint64_t now_step;		/* added whenever the core asks for the time */
	uint64_t timer;			/* tick that the core wants to be woken at, UINT64_MAX: none */
	bool timer_interrupts;		/* one waits from that tick on; asking for one takes now_step */
	uint64_t random;		/* state of a generator */
	uint32_t features;		/* BX_CPU_* to report */
	uint32_t interrupt_every;	/* every how many questions an interrupt is pending, 0: never */
	uint32_t interrupt_asked;
	bool irq_open[BX_HOSTED_IRQS];
	bool irq_unmasked[BX_HOSTED_IRQS];
	uint32_t port_value;		/* what the next port_in reads */
	uint16_t port;			/* the last port used */
	unsigned port_width;
	uint32_t port_written, port_reads, port_writes;
	unsigned power;			/* BX_POWER_* last asked for, 0: never */
	uint64_t forgets;		/* TLB entries dropped */
	uint64_t domain_switches;
	size_t console_length;
	char console[BX_HOSTED_CONSOLE_SIZE];
};

/* Makes *machine one of `size` bytes of memory, of which the first BX_HOSTED_RESERVED are its own.
 *   memory	page-aligned, zeroed, the caller's; outlives the machine
 *   size	a multiple of the page size, BX_HOSTED_RESERVED < size <= 1 GiB */
void bx_hosted_init(struct bx_machine *machine, uint8_t *memory, uint64_t size);

/* Reads and writes a user's memory as that user could.
 * Returns BX_OK or BX_ERR_ADDRESS; on an error a part may have been copied. */
BX_MUST_USE enum bx_err bx_hosted_user_read(struct bx_machine *machine, uint64_t root,
    uint64_t address, void *to, size_t length);
BX_MUST_USE enum bx_err bx_hosted_user_write(struct bx_machine *machine, uint64_t root,
    uint64_t address, const void *from, size_t length);

/* Whether the kernel could write the frame through its direct map. */
bool bx_hosted_frame_writable(const struct bx_machine *machine, uint64_t frame);

#endif
