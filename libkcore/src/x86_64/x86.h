/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * x86.h -- the processor's registers, bits and instructions, and what the files of this machine
 * offer each other.  Internal to src/x86_64.  Also included by assembly.
 * Source: Intel SDM (volume 3A unless named), AMD APM volume 2.
 */
#ifndef BRAINIX_X86_64_X86_H
#define BRAINIX_X86_64_X86_H

/* Selectors.  SYSRET wants user data right before user code (SDM 2B, SYSRET: STAR[63:48] + 8 and
 * + 16); there is no 32-bit user code segment. */
#define X86_KERNEL_CS		0x08
#define X86_KERNEL_DS		0x10
#define X86_USER_DS		(0x18 | 3)
#define X86_USER_CS		(0x20 | 3)
#define X86_TSS			0x28

/* Offsets into struct bx_x86_cpu; asserted below. */
#define X86_CPU_CURRENT		0
#define X86_CPU_CORE		8
#define X86_CPU_SPECIAL		16
#define X86_CPU_IDLE		24
#define X86_CPU_MACHINE		32
#define X86_CPU_FS_BASE		40
#define X86_CPU_SWITCHING	56
#define X86_CPU_SIZE		64

/* The entry stacks: in a page of every address space, so tiny; only entry.S runs on them. */
#define X86_ENTRY_IST_SIZE	512
#define X86_ENTRY_STACK_SIZE	1024

#define X86_ENTRY_TABLES_SIZE	0x2000

/* The shadow stacks, in one page of every address space: each ends in its token.  Together a page. */
#define X86_SHADOW_SIZE		2560
#define X86_SHADOW_IST_SIZE	512

#define X86_IST_DOUBLE_FAULT	1
#define X86_IST_NMI		2
#define X86_IST_MACHINE_CHECK	3

#define X86_VECTOR_COUNT	256
#define X86_VECTOR_NMI		2
#define X86_VECTOR_BREAKPOINT	3
#define X86_VECTOR_DOUBLE_FAULT	8
#define X86_VECTOR_PAGE_FAULT	14
#define X86_VECTOR_MACHINE_CHECK 18
#define X86_VECTOR_PIC		0x20	/* 16 of them, masked; only spurious ones can come */
#define X86_VECTOR_TIMER	0x30
#define X86_VECTOR_LINE		0x31	/* line 0; BX_X86_LINES of them */
#define X86_VECTOR_SPURIOUS	0xff

#define X86_FLAGS_FIXED		2	/* the one flag that is always set */

/* Control-flow enforcement of the kernel (SDM 1, 17.1.2). */
#define X86_MSR_S_CET		0x6a2
#define X86_CET_SHADOW		0x1	/* SH_STK_EN */
#define X86_CET_ENDBR		0x4	/* ENDBR_EN */

/* What an interrupt in the kernel pushes on the shadow stack (SDM 3A, 6.14): cs, rip, ssp. */
#define X86_SHADOW_FRAME	3

#ifndef __ASSEMBLER__

#include <brainix/sysimage.h>
#include <brainix/x86_64.h>

#define X86_CR0_PE		(1ull << 0)
#define X86_CR0_MP		(1ull << 1)
#define X86_CR0_TS		(1ull << 3)
#define X86_CR0_ET		(1ull << 4)
#define X86_CR0_NE		(1ull << 5)
#define X86_CR0_WP		(1ull << 16)
#define X86_CR0_PG		(1ull << 31)

#define X86_CR4_PAE		(1ull << 5)
#define X86_CR4_MCE		(1ull << 6)
#define X86_CR4_OSFXSR		(1ull << 9)
#define X86_CR4_OSXMMEXCPT	(1ull << 10)
#define X86_CR4_UMIP		(1ull << 11)
#define X86_CR4_SMEP		(1ull << 20)
#define X86_CR4_SMAP		(1ull << 21)
#define X86_CR4_CET		(1ull << 23)

#define X86_MSR_APIC_BASE	0x1b
#define X86_MSR_SPEC_CTRL	0x48
#define X86_MSR_PRED_CMD	0x49
#define X86_MSR_SYSENTER_CS	0x174
#define X86_MSR_PAT		0x277
#define X86_MSR_U_CET		0x6a0
#define X86_MSR_PL0_SSP		0x6a4
#define X86_MSR_SSP_TABLE	0x6a8	/* IA32_INTERRUPT_SSP_TABLE_ADDR */
#define X86_MSR_EFER		0xc0000080
#define X86_MSR_STAR		0xc0000081
#define X86_MSR_LSTAR		0xc0000082
#define X86_MSR_CSTAR		0xc0000083
#define X86_MSR_FMASK		0xc0000084
#define X86_MSR_FS_BASE		0xc0000100
#define X86_MSR_GS_BASE		0xc0000101
#define X86_MSR_KERNEL_GS_BASE	0xc0000102

#define X86_EFER_SCE		(1ull << 0)
#define X86_EFER_LME		(1ull << 8)
#define X86_EFER_LMA		(1ull << 10)
#define X86_EFER_NXE		(1ull << 11)

#define X86_FLAGS_IF		0x200ull
/* CF PF AF ZF SF TF IF DF OF IOPL NT RF AC: SYSCALL clears them all. */
#define X86_FLAGS_CLEARED	0x57fd5ull

/* ---- state ----------------------------------------------------------------------------------- */

#define BX_X86_LINES		BX_IRQ_NUMBERS	/* interrupt lines (global system interrupts) that are served */

struct bx_x86_ioapic {
	volatile uint32_t *registers;
	uint32_t first_line, line_count;
};

/* An interrupt line that is open. */
struct bx_x86_line {
	uint8_t open;
	uint8_t level;			/* level-triggered: masked in hardware when delivered */
	uint8_t waiting;		/* delivered and not unmasked yet */
	uint8_t again;			/* an edge came meanwhile */
	uint8_t ioapic, pin;
	uint16_t reserved;
};

/* SDM 1, 10.5.1: FXSAVE's image.  AVX is off (CR4.OSXSAVE), so this is all of the state. */
struct bx_x86_fpu_area {
	uint8_t image[512];
	const struct bx_context *owner;	/* contexts live in a pool: one keeps its area for ever */
} __attribute__((aligned(64)));

enum { BX_X86_FPU_THREADS = BX_SYSIMAGE_FPU_THREADS_MAX };

/* All of the machine's state; in a struct bx_x86_memory.  All zero bytes: not started. */
struct bx_machine {
	uint8_t *memory;		/* direct map */
	uint64_t memory_end;
	uint64_t root;			/* the kernel's own page-table root, physical */
	uint64_t entry_table;		/* PML4 entry that every address space has */
	uint64_t mmio_next;		/* next free page at BX_X86_MMIO */
	uint64_t table_frames;		/* frames that the kernel's page tables take */
	uint16_t console_port;
	uint32_t features;		/* BX_CPU_* */
	uint32_t has_rdrand, has_ibpb, has_md_clear, forgets;
	uint64_t random;		/* state of the mixer when there is no RDRAND */
	uint64_t ticks_per_second;
	uint64_t timer_per_second;
	uint64_t timer_scale;		/* timer counts per tick, times 2^32 */
	uint64_t timer_tick;		/* what is asked for, UINT64_MAX: nothing */
	uint32_t vectors_used;		/* bit n: the 32 vectors from 32 n on have users */
	volatile uint32_t *lapic;
	uint32_t ioapic_count;
	struct bx_x86_ioapic ioapics[BX_ACPI_IOAPICS_MAX];
	struct bx_x86_line lines[BX_X86_LINES];
	struct bx_acpi_info acpi;
	struct bx_x86_fpu_area fpu_areas[BX_X86_FPU_THREADS];
};
BX_STATIC_ASSERT(sizeof(struct bx_machine) <= sizeof(struct bx_x86_memory), "room for the machine");

/* The compiler may call these on its own; this machine zeroes tables and copies results. */
void *memcpy(void *restrict to, const void *restrict from, size_t length);
void *memset(void *at, int value, size_t length);

/* What this processor does besides the machine's own state; one per CPU.  In the kernel's data,
 * not in any user's address space. */
struct bx_x86_cpu {
	struct bx_context *current;	/* who runs, or ran last */
	struct bx_kcore *core;
	uint64_t special;		/* not 0: the CPU holds more of a thread than its general registers,
					 * or has shadow stacks: back by IRET */
	uint64_t idle;			/* 1: nobody runs, an interrupt may come */
	struct bx_machine *machine;
	uint64_t fs_base;		/* loaded one */
	const struct bx_context *fpu;	/* whose x87/SSE state is loaded, or NULL */
	uint64_t switching;		/* not 0: a switch to another program is more than selectors */
};
BX_STATIC_ASSERT(offsetof(struct bx_x86_cpu, current) == X86_CPU_CURRENT, "asm");
BX_STATIC_ASSERT(offsetof(struct bx_x86_cpu, core) == X86_CPU_CORE, "asm");
BX_STATIC_ASSERT(offsetof(struct bx_x86_cpu, special) == X86_CPU_SPECIAL, "asm");
BX_STATIC_ASSERT(offsetof(struct bx_x86_cpu, idle) == X86_CPU_IDLE, "asm");
BX_STATIC_ASSERT(offsetof(struct bx_x86_cpu, machine) == X86_CPU_MACHINE, "asm");
BX_STATIC_ASSERT(offsetof(struct bx_x86_cpu, fs_base) == X86_CPU_FS_BASE, "asm");
BX_STATIC_ASSERT(offsetof(struct bx_x86_cpu, switching) == X86_CPU_SWITCHING, "asm");
BX_STATIC_ASSERT(sizeof(struct bx_x86_cpu) <= X86_CPU_SIZE, "asm");
BX_STATIC_ASSERT(BX_USER_END < 1ull << 47, "SYSCALL leaves no pc that SYSRET would fault on");

/* The one that the entry code finds without a register; see DESIGN.md, "No swapgs".  In a section of
 * its own, .bx_cpu: the one piece of this library's state that is not in the caller's memory. */
extern struct bx_x86_cpu bx_x86_cpu;

/* ---- entry.S -------------------------------------------------------------------------------- */

extern uint64_t bx_entry_kernel_root;		/* CR3 of the kernel, for the way in */
extern const uint8_t bx_entry_vectors[];	/* X86_VECTOR_COUNT stubs of 16 bytes */
extern const uint8_t bx_entry_ist_double_fault[], bx_entry_ist_nmi[], bx_entry_ist_machine_check[];
extern const uint8_t bx_entry_stack[];		/* ends (tops) of the entry stacks */
void bx_entry_system_call(void);
void bx_entry_system_call_shadowed(void);	/* the same, where there are shadow stacks */
BX_NORETURN void bx_entry_first(struct bx_context *context);	/* onto a fresh stack, resume */
BX_NORETURN void bx_entry_first_shadowed(struct bx_context *context);	/* and onto its shadow */
void bx_x86_segments_load(void);		/* CS, SS and data selectors after LGDT */

/* Page ranges that all address spaces have. */
extern const uint8_t bx_entry_text_start[], bx_entry_text_end[];
extern const uint8_t bx_entry_data_start[], bx_entry_data_end[];
extern uint8_t bx_entry_tables[];		/* IDT, GDT, TSS: X86_ENTRY_TABLES_SIZE bytes */
extern const uint8_t bx_entry_shadow_start[], bx_entry_shadow_end[];
extern const uint64_t bx_entry_shadow_kernel, bx_entry_shadow_double_fault, bx_entry_shadow_nmi,
    bx_entry_shadow_machine_check;		/* tokens of the shadow stacks */
extern const uint8_t bx_stack_guard_0[], bx_stack_guard_1[], bx_stack_guard_2[], bx_stack_guard_3[],
    bx_stack_guard_4[], bx_stack_guard_5[];

/* ---- trap.c, called by entry.S --------------------------------------------------------------- */

struct bx_context *bx_x86_trap(uint64_t vector, uint64_t error, uint64_t cr2,
    struct bx_context *interrupted);
struct bx_context *bx_x86_prepare(struct bx_context *context);

/* ---- between the files ------------------------------------------------------------------------ */

BX_MUST_USE enum bx_err bx_x86_cpu_check(struct bx_machine *machine, const char **where);
void bx_x86_cpu_start(struct bx_machine *machine);
BX_MUST_USE enum bx_err bx_x86_map_build(struct bx_machine *machine, struct bx_boot_info *info,
    const struct bx_x86_image *image);
void bx_x86_map_seal(struct bx_machine *machine);
/* Maps one page of device registers and returns where it is seen. */
BX_MUST_USE enum bx_err bx_x86_mmio_map(struct bx_machine *machine, struct bx_boot_info *info,
    uint64_t physical, volatile uint32_t **registers);
BX_MUST_USE enum bx_err bx_x86_apic_start(struct bx_machine *machine, struct bx_boot_info *info,
    const char **where);
BX_MUST_USE enum bx_err bx_x86_clock_start(struct bx_machine *machine, const char **where);
/* The timer counts down from `count`; 0 stops it.  What is left of it. */
void bx_x86_timer_count(struct bx_machine *machine, uint32_t count);
uint32_t bx_x86_timer_left(const struct bx_machine *machine);
void bx_x86_interrupt_done(struct bx_machine *machine);
/* A line's vector came: returns true when the core is to hear of it. */
bool bx_x86_line_arrived(struct bx_machine *machine, uint32_t line);

/* ---- instructions ------------------------------------------------------------------------------ */

static inline uint8_t
x86_in8(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint16_t
x86_in16(uint16_t port)
{
	uint16_t v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint32_t
x86_in32(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline void
x86_out8(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline void
x86_out16(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}

static inline void
x86_out32(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint64_t
x86_rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static inline uint64_t
x86_rdmsr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

static inline void
x86_wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}

static inline uint64_t
x86_cr0(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr0, %0" : "=r"(v));
	return v;
}

static inline void
x86_cr0_set(uint64_t v)
{
	__asm__ volatile("mov %0, %%cr0" : : "r"(v) : "memory");
}

static inline void
x86_cr3_set(uint64_t v)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(v) : "memory");
}

static inline uint64_t
x86_cr4(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr4, %0" : "=r"(v));
	return v;
}

static inline void
x86_cr4_set(uint64_t v)
{
	__asm__ volatile("mov %0, %%cr4" : : "r"(v) : "memory");
}

static inline void
x86_page_forget(uint64_t address)
{
	__asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static inline void
x86_pause(void)
{
	__asm__ volatile("pause" : : : "memory");
}

struct x86_cpuid {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct x86_cpuid
x86_cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct x86_cpuid r;

	__asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
	    : "a"(leaf), "c"(subleaf));
	return r;
}

#endif
#endif
