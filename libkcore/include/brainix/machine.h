/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * brainix/machine.h -- what the kernel core asks of the machine that it runs on.  Layer 2.
 *
 * Two machines implement it: libkcore/src/x86_64 (the real one; freestanding) and
 * libkcore/src/hosted (an ordinary process: memory is a byte array, time a counter, devices are
 * records of what was asked).  Both build real x86-64 page tables, by the same code
 * (src/x86_64/page_table.c).  The core calls nothing else of a machine, and a machine calls the
 * core through <brainix/kcore.h> only.
 *
 * `struct bx_machine` is the machine's own state, one per system, opaque to the core.
 */
#ifndef BRAINIX_MACHINE_H
#define BRAINIX_MACHINE_H

/* Offsets into struct bx_context for assembly; asserted below. */
#define BX_CTX_NUMBER	0	/* rax */
#define BX_CTX_VALUE	8	/* rdi rsi rdx */
#define BX_CTX_WORD	32	/* r8 r9 r10 r12 r13 r14 */
#define BX_CTX_REPLY	80	/* rbx */
#define BX_CTX_BUFFERS	88	/* r15 */
#define BX_CTX_FRAME	96	/* rbp */
#define BX_CTX_STACK	104	/* rsp */
#define BX_CTX_PC	112	/* rip */
#define BX_CTX_FLAGS	120	/* rflags */
#define BX_CTX_SCRATCH	128	/* rcx r11 */
#define BX_CTX_FS_BASE	144
#define BX_CTX_ROOT	152
#define BX_CTX_RESUME	160
#define BX_CTX_FPU	164
#define BX_CTX_SIZE	192

/* How a thread goes back to user mode (context.resume). */
#define BX_RESUME_FAST	0	/* from a system call: rcx and r11 are dead, SYSRET will do */
#define BX_RESUME_FULL	1	/* from an interrupt or fault, or started: every register counts */
#define BX_RESUME_NOT	2	/* no thread: what a short way declines with (kcore.h) */

#ifndef __ASSEMBLER__

#include <brainix/base.h>

struct bx_machine;

/* A thread as the machine sees it: the first member of the core's thread object, 64-aligned.  The
 * machine saves user registers here on the way in and loads them on the way out.  Registers are
 * named by their role in the system call interface (abi.h). */
struct bx_context {
	uint64_t number;		/* rax: number in, error out */
	uint64_t value[3];		/* rdi rsi rdx */
	uint64_t word[6];		/* r8 r9 r10 r12 r13 r14 */
	uint64_t reply;			/* rbx */
	uint64_t buffers;		/* r15 */
	uint64_t frame;			/* rbp */
	uint64_t stack;			/* rsp */
	uint64_t pc;			/* rip */
	uint64_t flags;			/* rflags */
	uint64_t scratch[2];		/* rcx r11: saved and restored with BX_RESUME_FULL only */
	uint64_t fs_base;
	uint64_t root;			/* physical address of the page-table root */
	uint32_t resume;		/* BX_RESUME_* */
	uint32_t fpu;			/* bit 0: may use x87/SSE/AVX; bit 1: fs_base is not 0 */
	uint64_t machine[3];		/* for the machine alone */
};
BX_STATIC_ASSERT(offsetof(struct bx_context, number) == BX_CTX_NUMBER, "asm");
BX_STATIC_ASSERT(offsetof(struct bx_context, value) == BX_CTX_VALUE, "asm");
BX_STATIC_ASSERT(offsetof(struct bx_context, word) == BX_CTX_WORD, "asm");
BX_STATIC_ASSERT(offsetof(struct bx_context, reply) == BX_CTX_REPLY, "asm");
BX_STATIC_ASSERT(offsetof(struct bx_context, buffers) == BX_CTX_BUFFERS, "asm");
BX_STATIC_ASSERT(offsetof(struct bx_context, frame) == BX_CTX_FRAME, "asm");
BX_STATIC_ASSERT(offsetof(struct bx_context, stack) == BX_CTX_STACK, "asm");
BX_STATIC_ASSERT(offsetof(struct bx_context, pc) == BX_CTX_PC, "asm");
BX_STATIC_ASSERT(offsetof(struct bx_context, flags) == BX_CTX_FLAGS, "asm");
BX_STATIC_ASSERT(offsetof(struct bx_context, scratch) == BX_CTX_SCRATCH, "asm");
BX_STATIC_ASSERT(offsetof(struct bx_context, fs_base) == BX_CTX_FS_BASE, "asm");
BX_STATIC_ASSERT(offsetof(struct bx_context, root) == BX_CTX_ROOT, "asm");
BX_STATIC_ASSERT(offsetof(struct bx_context, resume) == BX_CTX_RESUME, "asm");
BX_STATIC_ASSERT(offsetof(struct bx_context, fpu) == BX_CTX_FPU, "asm");
BX_STATIC_ASSERT(sizeof(struct bx_context) == BX_CTX_SIZE, "asm");

/* Makes *context that of a thread about to enter user mode at `entry` with `stack` and the four
 * arguments in rdi, rsi, rdx, r8; every other register is zero, interrupts are on. */
void bx_machine_context_start(struct bx_context *context, uint64_t entry, uint64_t stack,
    const uint64_t argument[4]);

/* Present time, in ticks of a counter that never goes back. */
uint64_t bx_machine_now(struct bx_machine *machine);

/* From now on one timer event is due at `tick` or soon after it (at once, when it has passed);
 * replaces the one asked for before.  UINT64_MAX: none. */
void bx_machine_timer_set(struct bx_machine *machine, uint64_t tick);

/* 64 bits that nobody outside can foretell: RDRAND where present, else a mix of jitter, which
 * bx_machine_features tells.  Not for keys. */
uint64_t bx_machine_random(struct bx_machine *machine);

/* BX_CPU_* protections that are switched on. */
uint32_t bx_machine_features(const struct bx_machine *machine);

/* Whether index < count; *masked is the index then, also for a processor that runs ahead of the
 * comparison, which sees 0 instead of one that is not below (hardening: Spectre variant 1).
 * x86-64: CMP borrows, SBB makes a mask of it and leaves the borrow. */
static inline bool
bx_machine_index_below(uint64_t index, uint64_t count, uint64_t *masked)
{
	uint64_t mask;

	__asm__ goto("cmp %2, %1\n\tsbb %0, %0\n\tjnc %l3"
	    : "=&r"(mask) : "r"(index), "rm"(count) : "cc" : not_below);
	*masked = index & mask;
	return true;
not_below:
	return false;
}

/* Whether an interrupt waits to be taken.  Long operations ask between their steps. */
bool bx_machine_interrupt_pending(struct bx_machine *machine);

/* The kernel's own words to the serial line: boot and panic only. */
void bx_machine_console_write(struct bx_machine *machine, const char *text, size_t length);

/*
 * Page tables.  `root` is the physical address of a table frame; table frames come from the core,
 * zeroed, and go back to it.  User addresses only: below BX_USER_END.
 */
#define BX_PAGE_WRITE		0x1	/* readable always */
#define BX_PAGE_EXECUTE		0x2	/* never with WRITE: the core refuses before, this panics */
#define BX_TABLES_MAX		3	/* tables that one mapping can need below its root */

/* Fills a fresh root with what every address space has: the entry trampoline, nothing else. */
void bx_machine_root_init(struct bx_machine *machine, uint64_t root);

/* How many new tables mapping `address` needs: 0..BX_TABLES_MAX; *exists: something is mapped there. */
unsigned bx_machine_tables_needed(struct bx_machine *machine, uint64_t root, uint64_t address,
    bool *exists);

/* Maps one page, not mapped yet.  `tables` are exactly bx_machine_tables_needed zeroed frames. */
void bx_machine_page_map(struct bx_machine *machine, uint64_t root, uint64_t address,
    uint64_t frame, uint32_t flags, const uint64_t *tables);

/* Takes one mapped page out, TLB included (on every CPU that may hold it). */
void bx_machine_page_unmap(struct bx_machine *machine, uint64_t root, uint64_t address);

/* Software walk of a user address.  Returns false when nothing is mapped there; supervisor pages
 * (the trampoline) count as not mapped. */
bool bx_machine_page_lookup(struct bx_machine *machine, uint64_t root, uint64_t address,
    uint64_t *frame, uint32_t *flags);

/* Where one user's tables map a part of the addresses, so that a page near it is found without a walk.
 * Good while no page table goes: until the program ends. */
struct bx_machine_walk {
	const uint64_t *pages;		/* entries of one table of pages */
	uint64_t region;		/* which part; BX_MACHINE_REGION_NONE: none */
};
#define BX_MACHINE_REGION_SIZE		(1ull << 21)
#define BX_MACHINE_REGION(address)	((address) / BX_MACHINE_REGION_SIZE)
#define BX_MACHINE_REGION_NONE		UINT64_MAX

/* Walks to the table of pages of a user address; false: there is none, *walk is as it was.  `memory` is
 * the direct map. */
bool bx_machine_walk(uint8_t *memory, uint64_t root, uint64_t address,
    struct bx_machine_walk *walk);

/* Where the kernel sees the byte at a user address, and so the rest of its page; NULL:
 * bx_machine_page_lookup finds nothing there or, with `write`, nothing that may be written.  *walk is of
 * the same root, and kept up to date.  SDM 3A, table 4-20: present, write, user, the address. */
static inline uint8_t *
bx_machine_user_byte(uint8_t *memory, uint64_t root, uint64_t address, bool write,
    struct bx_machine_walk *walk)
{
	const uint64_t needed = write ? 7 : 5;
	uint64_t entry;

	if (BX_UNLIKELY(walk->region != BX_MACHINE_REGION(address)) &&
	    !bx_machine_walk(memory, root, address, walk))
		return NULL;
	entry = walk->pages[address >> 12 & 511];
	if (BX_UNLIKELY((~entry & needed) != 0))
		return NULL;
	return memory + (entry & 0x000ffffffffff000u) + (address & 4095);
}

/* Makes the kernel's own mapping of a frame (direct map) writable or read-only, so that a frame
 * that is executable somewhere is writable nowhere. */
void bx_machine_frame_writable(struct bx_machine *machine, uint64_t frame, bool writable);

#define BX_IRQ_NUMBERS		128	/* numbers of interrupt lines are below */

/* Interrupt lines, by global system interrupt number.  A delivered line is masked by the machine
 * until it is unmasked again. */
BX_MUST_USE enum bx_err bx_machine_irq_open(struct bx_machine *machine, uint32_t line,
    uint32_t irq_flags, uint32_t *number);	/* BX_ERR_RANGE: no such line; BX_ERR_BUSY: taken */
void bx_machine_irq_unmask(struct bx_machine *machine, uint32_t number);
void bx_machine_irq_mask(struct bx_machine *machine, uint32_t number);

uint32_t bx_machine_port_in(struct bx_machine *machine, uint16_t port, unsigned width);
void bx_machine_port_out(struct bx_machine *machine, uint16_t port, unsigned width, uint32_t value);

/* Powers off or resets (BX_POWER_*).  Returns only when the machine cannot. */
void bx_machine_power(struct bx_machine *machine, unsigned how);

/* The next thread belongs to another program than the last one: whatever the CPU must forget
 * (predictors, buffers) is forgotten here.  */
void bx_machine_domain_switch(struct bx_machine *machine);

#endif
#endif
