/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * cpu.c -- processor features, descriptor tables, control registers, system call registers.
 * Which protection needs what, and where it is tested: docs/hardening.md.
 */
#include "x86.h"

/* Descriptors (SDM 3.4.5, 5.8.3): present, accessed beforehand, so that loading a selector never
 * writes to the table, which is read-only. */
#define GDT_KERNEL_CODE		0x00209b0000000000ull
#define GDT_KERNEL_DATA		0x0000930000000000ull
#define GDT_USER_DATA		0x0000f30000000000ull
#define GDT_USER_CODE		0x0020fb0000000000ull
#define GDT_TSS			0x0000890000000000ull

/* SDM 7.7.  All fields are pairs of 32-bit words: 64-bit ones lie at multiples of 4 only. */
struct tss {
	uint32_t reserved0;
	uint32_t rsp[6];		/* rsp0 rsp1 rsp2 */
	uint32_t reserved1[2];
	uint32_t ist[14];		/* ist1..ist7 */
	uint32_t reserved2[2];
	uint16_t reserved3;
	uint16_t io_map;		/* at or past the limit: no port is open to ring 3 */
};
BX_STATIC_ASSERT(sizeof(struct tss) == 104, "SDM 7.7");

struct gate {
	uint64_t low, high;
};

/* What the processor itself reads, in every address space: read-only once it is made. */
struct tables {
	struct gate idt[X86_VECTOR_COUNT];
	uint64_t gdt[7];
	struct tss tss;
	uint64_t shadow_stacks[8];	/* by IST; SDM 3A, 6.14.5 */
};

BX_STATIC_ASSERT(sizeof(struct tables) <= X86_ENTRY_TABLES_SIZE, "room in entry.S");

static struct tables *
tables_of(void)
{
	return (struct tables *)(void *)bx_entry_tables;
}

struct table_pointer {
	uint16_t limit;
	uint16_t base[4];
};

static struct table_pointer
table_pointer(const void *base, size_t size)
{
	uint64_t address = (uint64_t)(uintptr_t)base;

	return (struct table_pointer){
		.limit = (uint16_t)(size - 1),
		.base = { (uint16_t)address, (uint16_t)(address >> 16),
		    (uint16_t)(address >> 32), (uint16_t)(address >> 48) },
	};
}

static void
tss_set(uint32_t field[2], const void *stack)
{
	uint64_t address = (uint64_t)(uintptr_t)stack;

	field[0] = (uint32_t)address;
	field[1] = (uint32_t)(address >> 32);
}

/* An interrupt gate (SDM 6.14.1): interrupts stay off. */
static struct gate
gate(unsigned vector, unsigned ist, unsigned privilege)
{
	uint64_t address = (uint64_t)(uintptr_t)(bx_entry_vectors + 16 * vector);

	return (struct gate){
		.low = (address & 0xffff) | (uint64_t)X86_KERNEL_CS << 16 | (uint64_t)ist << 32 |
		    (uint64_t)(0x8e | privilege << 5) << 40 | (address >> 16 & 0xffff) << 48,
		.high = address >> 32,
	};
}

static void
tables_fill(struct tables *tables)
{
	uint64_t tss = (uint64_t)(uintptr_t)&tables->tss;

	for (unsigned v = 0; v < X86_VECTOR_COUNT; v++)
		tables->idt[v] = gate(v, 0, 0);
	tables->idt[X86_VECTOR_BREAKPOINT] = gate(X86_VECTOR_BREAKPOINT, 0, 3);
	tables->idt[X86_VECTOR_DOUBLE_FAULT] =
	    gate(X86_VECTOR_DOUBLE_FAULT, X86_IST_DOUBLE_FAULT, 0);
	tables->idt[X86_VECTOR_NMI] = gate(X86_VECTOR_NMI, X86_IST_NMI, 0);
	tables->idt[X86_VECTOR_MACHINE_CHECK] =
	    gate(X86_VECTOR_MACHINE_CHECK, X86_IST_MACHINE_CHECK, 0);

	tables->gdt[X86_KERNEL_CS / 8] = GDT_KERNEL_CODE;
	tables->gdt[X86_KERNEL_DS / 8] = GDT_KERNEL_DATA;
	tables->gdt[X86_USER_DS / 8] = GDT_USER_DATA;
	tables->gdt[X86_USER_CS / 8] = GDT_USER_CODE;
	tables->gdt[X86_TSS / 8] = GDT_TSS | (sizeof(struct tss) - 1) |
	    (tss & 0xffffff) << 16 | (tss >> 24 & 0xff) << 56;
	tables->gdt[X86_TSS / 8 + 1] = tss >> 32;

	tss_set(&tables->tss.rsp[0], bx_entry_stack);
	tss_set(&tables->tss.ist[2 * (X86_IST_DOUBLE_FAULT - 1)], bx_entry_ist_double_fault);
	tss_set(&tables->tss.ist[2 * (X86_IST_NMI - 1)], bx_entry_ist_nmi);
	tss_set(&tables->tss.ist[2 * (X86_IST_MACHINE_CHECK - 1)], bx_entry_ist_machine_check);
	tables->tss.io_map = sizeof(struct tss);
}

/* A page fault of a hypervisor's own tables can come between an event's taking of a token and its first
 * push, and leave the token busy; one that prevents this says CET_SSS (SDM 2A, CPUID; SDM 1, 17.2.3). */
static bool
has_shadow_stacks(struct x86_cpuid basic, struct x86_cpuid more)
{
	bool hypervisor = (basic.ecx & 1u << 31) != 0;

	if ((more.ecx & 1u << 7) == 0)
		return false;
	return !hypervisor || (more.eax >= 1 && (x86_cpuid(7, 1).edx & 1u << 18) != 0);
}

enum bx_err
bx_x86_cpu_check(struct bx_machine *machine, const char **where)
{
	uint32_t extended = x86_cpuid(0x80000000, 0).eax;
	struct x86_cpuid basic = x86_cpuid(1, 0);
	struct x86_cpuid more = { 0 };

	if (extended < 0x80000001 || (x86_cpuid(0x80000001, 0).edx & 1u << 20) == 0) {
		*where = "the processor has no NX (no-execute) pages";
		return BX_ERR_UNSUPPORTED;
	}
	if ((x86_cpuid(0x80000001, 0).edx & 1u << 11) == 0) {
		*where = "the processor has no SYSCALL";
		return BX_ERR_UNSUPPORTED;
	}
	if ((basic.edx & 1u << 9) == 0) {
		*where = "the processor has no local APIC";
		return BX_ERR_UNSUPPORTED;
	}
	if (x86_cpuid(0, 0).eax >= 7)
		more = x86_cpuid(7, 0);

	machine->features = BX_CPU_NX | BX_CPU_WP | BX_CPU_KPTI;
	if ((more.ebx & 1u << 7) != 0)
		machine->features |= BX_CPU_SMEP;
	if ((more.ebx & 1u << 20) != 0)
		machine->features |= BX_CPU_SMAP;
	if ((more.ecx & 1u << 2) != 0)
		machine->features |= BX_CPU_UMIP;
	if ((more.edx & 1u << 20) != 0)
		machine->features |= BX_CPU_CET_IBT;
	if (has_shadow_stacks(basic, more))
		machine->features |= BX_CPU_CET_SS;
	machine->has_rdrand = basic.ecx >> 30 & 1;
	machine->has_md_clear = more.edx >> 10 & 1;
	machine->has_ibpb = more.edx >> 26 & 1;
	if (extended >= 0x80000008 && (x86_cpuid(0x80000008, 0).ebx & 1u << 12) != 0)
		machine->has_ibpb = 1;		/* as AMD reports it */
	machine->forgets = machine->has_ibpb | machine->has_md_clear;
	return BX_OK;
}

static uint64_t
address_of(const void *object)
{
	return (uint64_t)(uintptr_t)object;
}

/* Returns can be compared with ENDBR64 or without.  The shadow stacks come into use in
 * bx_entry_first_shadowed: no function that was called before may return then.  Token and first
 * frame of each share a page that is always there, so none is left busy by a page fault. */
static void
enforcement_start(const struct bx_machine *machine, struct tables *tables)
{
	tables->shadow_stacks[X86_IST_DOUBLE_FAULT] = address_of(&bx_entry_shadow_double_fault);
	tables->shadow_stacks[X86_IST_NMI] = address_of(&bx_entry_shadow_nmi);
	tables->shadow_stacks[X86_IST_MACHINE_CHECK] = address_of(&bx_entry_shadow_machine_check);
	if ((machine->features & (BX_CPU_CET_IBT | BX_CPU_CET_SS)) == 0)
		return;
	x86_wrmsr(X86_MSR_U_CET, 0);
	x86_wrmsr(X86_MSR_S_CET, (machine->features & BX_CPU_CET_IBT) != 0 ? X86_CET_ENDBR : 0);
	if ((machine->features & BX_CPU_CET_SS) != 0) {
		x86_wrmsr(X86_MSR_PL0_SSP, address_of(&bx_entry_shadow_kernel));
		x86_wrmsr(X86_MSR_SSP_TABLE, address_of(tables->shadow_stacks));
	}
	x86_cr4_set(x86_cr4() | X86_CR4_CET);
}

/* Runs with the kernel's own page tables, in which the processor's tables are still writable: LTR
 * marks the TSS busy.  bx_x86_map_seal comes after. */
void
bx_x86_cpu_start(struct bx_machine *machine)
{
	struct tables *tables = tables_of();
	struct table_pointer gdt = table_pointer(tables->gdt, sizeof(tables->gdt));
	struct table_pointer idt = table_pointer(tables->idt, sizeof(tables->idt));
	uint64_t cr4 = X86_CR4_PAE | X86_CR4_MCE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT;

	tables_fill(tables);
	__asm__ volatile("lgdt %0" : : "m"(gdt) : "memory");
	bx_x86_segments_load();
	__asm__ volatile("lidt %0" : : "m"(idt) : "memory");
	__asm__ volatile("ltr %w0" : : "r"(X86_TSS) : "memory");
	__asm__ volatile("lldt %w0" : : "r"(0) : "memory");

	/* No breakpoints of firmware; TS: x87 and SSE fault until a program has them. */
	__asm__ volatile("mov %0, %%dr7" : : "r"(0x400ull));
	x86_cr0_set(X86_CR0_PE | X86_CR0_MP | X86_CR0_TS | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP |
	    X86_CR0_PG);

	/* Not set, and cleared if a bootloader set them: PGE (no global pages: a CR3 write forgets all),
	 * TSD (programs read the clock), PCE, FSGSBASE, OSXSAVE, PKE, VME, DE, PSE. */
	if ((machine->features & BX_CPU_UMIP) != 0)
		cr4 |= X86_CR4_UMIP;
	if ((machine->features & BX_CPU_SMEP) != 0)
		cr4 |= X86_CR4_SMEP;
	if ((machine->features & BX_CPU_SMAP) != 0)
		cr4 |= X86_CR4_SMAP;
	x86_cr4_set(cr4);
	enforcement_start(machine, tables);

	x86_wrmsr(X86_MSR_EFER, X86_EFER_SCE | X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE);
	x86_wrmsr(X86_MSR_STAR, (uint64_t)X86_KERNEL_CS << 32 | (uint64_t)(X86_USER_DS - 8) << 48);
	x86_wrmsr(X86_MSR_LSTAR, (uint64_t)(uintptr_t)((machine->features & BX_CPU_CET_SS) != 0 ?
	    bx_entry_system_call_shadowed : bx_entry_system_call));
	x86_wrmsr(X86_MSR_CSTAR, 0);
	x86_wrmsr(X86_MSR_FMASK, X86_FLAGS_CLEARED);
	x86_wrmsr(X86_MSR_SYSENTER_CS, 0);		/* SYSENTER: #GP */
	x86_wrmsr(X86_MSR_FS_BASE, 0);
	x86_wrmsr(X86_MSR_GS_BASE, 0);
	x86_wrmsr(X86_MSR_KERNEL_GS_BASE, 0);

	bx_entry_kernel_root = machine->root;
	bx_x86_cpu.machine = machine;
	bx_x86_cpu.special = machine->features & BX_CPU_CET_SS;
	bx_x86_cpu.switching = bx_x86_cpu.special | machine->forgets;
}

/*
 * The next thread is another program's.  Selectors that a user can load (it has two, and the null
 * ones) would be a small memory across programs; loading the data segment also makes both bases 0
 * on every processor, which a null selector does not on AMD's (APM 2, 4.5.3).
 * IBPB and VERW where the processor has them: the other program's branches and buffers.
 */
void
bx_machine_domain_switch(struct bx_machine *machine)
{
	uint16_t data = X86_KERNEL_DS;

	__asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs; mov %0, %%gs"
	    : : "r"(X86_USER_DS));
	bx_x86_cpu.fs_base = 0;
	if (BX_LIKELY(machine->forgets == 0))
		return;
	if (machine->has_ibpb != 0)
		x86_wrmsr(X86_MSR_PRED_CMD, 1);
	if (machine->has_md_clear != 0)
		__asm__ volatile("verw %0" : : "m"(data) : "cc");
}
