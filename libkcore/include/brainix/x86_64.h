/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * brainix/x86_64.h -- the x86-64 machine as a kernel binary sees it.  Layer 2.
 * Needs base.h bootinfo.h kcore.h machine.h.  Design: libkcore/src/x86_64/DESIGN.md.
 *
 * A kernel binary brings one zeroed struct bx_x86_memory in its own data, bx_panic, if it likes
 * bx_x86_kernel_trap, and a linker script like kernel/kernel.ld.in: it puts the sections .bx_entry.*,
 * .bx_cpu and .bx_stacks on pages of their own.  It calls, in this order:
 *
 *	bx_x86_console_open	the first words can be said
 *	bx_bootinfo_check	the bootloader's structure, copied before, is sound
 *	bx_acpi_parse		while the bootloader's direct map still shows every byte of RAM
 *	bx_x86_start		own page tables, descriptors, clock, interrupt controllers
 *	bx_kcore_plan, bx_x86_carve, bx_kcore_init
 *	bx_x86_run		never returns
 */
#ifndef BRAINIX_X86_64_H
#define BRAINIX_X86_64_H

/* Stacks: bytes of each, not counting the guard page on either side. */
#define BX_X86_STACK_SIZE	0x4000	/* the kernel's one stack */
#define BX_X86_TRAP_STACK_SIZE	0x2000	/* fault in the kernel, double fault, NMI, machine check */

/* Devices' registers, uncached: one PML4 entry behind the direct map's. */
#define BX_X86_MMIO		0xffff808000000000

#ifndef __ASSEMBLER__

#include <brainix/base.h>
#include <brainix/bootinfo.h>
#include <brainix/kcore.h>
#include <brainix/machine.h>

/* ---- the bootloader's structure ------------------------------------------------------------- */

/* Where the kernel was linked; from the linker script. */
struct bx_x86_image {
	uint64_t text, text_end;	/* virtual addresses, page multiples */
	uint64_t rodata, rodata_end;
	uint64_t data, data_end;
};

/* Checks a private copy of the structure against bootinfo.h and against the image that runs.
 * Returns BX_OK, or BX_ERR_FORMAT, _VERSION, _RANGE, _ALIGN, _WX, with *where naming the field. */
BX_MUST_USE enum bx_err bx_bootinfo_check(const struct bx_boot_info *info,
    const struct bx_x86_image *image, const char **where);

/* Takes `size` bytes (rounded up to pages) from the end of the last free region that has them and
 * ends below `limit`; the region shrinks.  Never the first MiB.  BX_ERR_NO_MEMORY. */
BX_MUST_USE enum bx_err bx_x86_carve(struct bx_boot_info *info, uint64_t limit, uint64_t size,
    uint64_t *physical);

/* ---- ACPI ----------------------------------------------------------------------------------- */

#define BX_ACPI_IOAPICS_MAX	8
#define BX_ACPI_ISA_LINES	16
#define BX_ACPI_RANGES_MAX	BX_BOOT_REGIONS_MAX

/* What may be read: `memory` shows physical address 0, and `ranges` (sorted, disjoint, not
 * touching one another) say which parts of it are there. */
struct bx_acpi_range {
	uint64_t base, size;
};
struct bx_acpi_view {
	const uint8_t *memory;
	const struct bx_acpi_range *ranges;
	size_t range_count;
};

/* A register as the tables describe it: ACPI 6.4, 5.2.3.2. */
struct bx_acpi_register {
	uint64_t address;		/* 0: there is none */
	uint8_t space;			/* 0 memory, 1 I/O port, 2 PCI configuration */
	uint8_t bits;
};

struct bx_acpi_ioapic {
	uint64_t address;
	uint32_t first_line;		/* global system interrupt of its pin 0 */
	uint32_t id;
};

struct bx_acpi_isa_line {
	uint32_t line;			/* global system interrupt that an ISA line arrives at */
	uint16_t flags;			/* MPS INTI flags: polarity in bits 0-1, trigger in bits 2-3 */
	uint16_t reserved;
};

/* All that the kernel wants from the tables.  All zero bytes: nothing was found. */
struct bx_acpi_info {
	uint64_t lapic;			/* physical address of the local interrupt controller */
	uint32_t cpu_count;		/* enabled processors */
	uint32_t ioapic_count;
	struct bx_acpi_ioapic ioapics[BX_ACPI_IOAPICS_MAX];
	struct bx_acpi_isa_line isa[BX_ACPI_ISA_LINES];
	uint16_t pm_timer;		/* port, 0: none */
	uint16_t pm1a_control, pm1b_control;	/* ports, 0: none */
	uint16_t smi_command;		/* port, 0: none */
	uint8_t acpi_enable;		/* value for smi_command */
	uint8_t has_s5;			/* the two values below are valid */
	uint8_t s5_type_a, s5_type_b;
	uint8_t reset_value;
	struct bx_acpi_register reset;
	uint64_t hpet;			/* physical address of its registers, 0: none */
};

/* Reads RSDP, XSDT or RSDT, MADT, FADT, HPET and the DSDT's _S5_ object.  Every byte is checked to be
 * inside the view before it is read, every table's checksum and length before it is used.
 *   rsdp	physical address of the root pointer
 * Returns BX_OK: *info is written whole.  BX_ERR_FORMAT, _TRUNCATED, _NOT_FOUND (no MADT): *info is
 * untouched, *where names the table.  Broken optional tables (FADT, HPET, DSDT) count as absent. */
BX_MUST_USE enum bx_err bx_acpi_parse(const struct bx_acpi_view *view, uint64_t rsdp,
    struct bx_acpi_info *info, const char **where);

/* ---- the machine ---------------------------------------------------------------------------- */

/* Room for the machine's state; one per system, zeroed, pinned. */
#define BX_X86_MACHINE_SIZE	0x6000
struct bx_x86_memory {
	_Alignas(64) uint8_t bytes[BX_X86_MACHINE_SIZE];
};

/* The machine in that room. */
struct bx_machine *bx_x86_machine(struct bx_x86_memory *memory);

/* What is known of a machine that has started. */
struct bx_x86_facts {
	uint8_t *memory;		/* where physical address 0 is seen */
	uint64_t memory_end;		/* first physical address that is not */
	uint64_t ticks_per_second;
	uint64_t timer_per_second;
	uint64_t table_frames;		/* frames that the kernel's own page tables take */
};

/* Sets the 16550 at `port` to 115200 8N1, polled. */
void bx_x86_console_open(struct bx_machine *machine, uint16_t port);

/* Takes the machine over from the bootloader: processor features, page tables (their frames are
 * carved from info's free regions), descriptor tables, clock, interrupt controllers.  Afterwards
 * nothing of the bootloader is in use but *info, which is the caller's copy.
 * Returns BX_OK, or BX_ERR_UNSUPPORTED, _NO_MEMORY with *where saying in plain words what is
 * missing. */
BX_MUST_USE enum bx_err bx_x86_start(struct bx_machine *machine, struct bx_boot_info *info,
    const struct bx_x86_image *image, const struct bx_acpi_info *acpi, struct bx_x86_facts *facts,
    const char **where);

/* Enters the first thread, and from then on turns every event of the machine into a call of the
 * core. */
BX_NORETURN void bx_x86_run(struct bx_machine *machine, struct bx_kcore *core);

/* Interrupts off, for ever. */
BX_NORETURN void bx_x86_halt(void);

/* Registers at a fault, NMI or machine check in the kernel, as entry.S pushes them. */
struct bx_x86_trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rdx, rcx, rbx, rax;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

/* The kernel itself faulted, or the hardware gave up (NMI, machine check).  The library's own, weak,
 * calls bx_panic; a kernel binary may bring one that tells more.
 *   cr2  address of a page fault */
BX_NORETURN void bx_x86_kernel_trap(const struct bx_x86_trap_frame *frame, uint64_t cr2);

/* The usual name of an exception ("page fault"), or "interrupt". */
const char *bx_x86_vector_name(uint64_t vector);

#endif
#endif
