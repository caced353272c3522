/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * trap.c -- from the processor's vectors to the core's events, and what a thread needs besides its
 * general registers before it goes on.  Called by entry.S on the kernel's stack, interrupts off.
 */
#include "x86.h"

#define EXCEPTIONS	32

static const uint8_t fault_kinds[EXCEPTIONS] = {
	[0] = BX_FAULT_ARITHMETIC,	[1] = BX_FAULT_INSTRUCTION,
	[3] = BX_FAULT_INSTRUCTION,	[4] = BX_FAULT_INSTRUCTION,
	[5] = BX_FAULT_INSTRUCTION,	[6] = BX_FAULT_INSTRUCTION,
	[7] = BX_FAULT_FPU,		[10] = BX_FAULT_PROTECTION,
	[11] = BX_FAULT_PROTECTION,	[12] = BX_FAULT_PROTECTION,
	[13] = BX_FAULT_PROTECTION,	[14] = BX_FAULT_PAGE,
	[16] = BX_FAULT_ARITHMETIC,	[17] = BX_FAULT_PROTECTION,
	[19] = BX_FAULT_ARITHMETIC,	[21] = BX_FAULT_PROTECTION,
};

__attribute__((weak)) void
bx_x86_kernel_trap(const struct bx_x86_trap_frame *frame, uint64_t cr2)
{
	(void)cr2;
	bx_panic("x86_64", bx_x86_vector_name(frame->vector));
}

const char *
bx_x86_vector_name(uint64_t vector)
{
	static const char *const names[] = {
		"divide error", "debug", "NMI", "breakpoint", "overflow", "bound", "invalid opcode",
		"device not available", "double fault", "coprocessor overrun", "invalid TSS",
		"segment not present", "stack fault", "general protection", "page fault", "reserved",
		"x87 error", "alignment check", "machine check", "SIMD error", "virtualization",
		"control protection",
	};

	return vector < BX_ARRAY_COUNT(names) ? names[vector] : "interrupt";
}

/* `interrupted` is whose turn it was, or NULL: nobody's. */
static struct bx_context *
interrupt(struct bx_machine *machine, uint64_t vector, struct bx_context *interrupted)
{
	uint32_t line = (uint32_t)vector - X86_VECTOR_LINE;

	if (vector == X86_VECTOR_TIMER) {
		bx_x86_interrupt_done(machine);
		if (machine->timer_tick > x86_rdtsc()) {
			bx_machine_timer_set(machine, machine->timer_tick);
			return interrupted;
		}
		return bx_kcore_timer(bx_x86_cpu.core);
	}
	if (vector < X86_VECTOR_LINE || line >= BX_X86_LINES)
		return interrupted;		/* spurious: no EOI (SDM 11.9) */
	if (!bx_x86_line_arrived(machine, line)) {
		bx_x86_interrupt_done(machine);
		return interrupted;
	}
	bx_x86_interrupt_done(machine);
	return bx_kcore_interrupt(bx_x86_cpu.core, line);
}

struct bx_context *
bx_x86_trap(uint64_t vector, uint64_t error, uint64_t cr2, struct bx_context *interrupted)
{
	uint32_t kind;

	if (vector >= EXCEPTIONS)
		return interrupt(bx_x86_cpu.machine, vector, interrupted);
	kind = fault_kinds[vector];
	return bx_kcore_fault(bx_x86_cpu.core, kind == 0 ? BX_FAULT_INSTRUCTION : kind,
	    kind == BX_FAULT_PAGE ? cr2 : 0, error);
}

/* ---- x87 and SSE ------------------------------------------------------------------------------- */

/* What a thread starts with: control words as after FNINIT and reset (SDM 1, 8.1.5, 10.2.3). */
static const struct {
	uint16_t control, status, tag, opcode;
	uint64_t instruction, data;
	uint32_t mxcsr, mxcsr_mask;
	uint8_t registers[480];
} fpu_initial __attribute__((aligned(64))) = { .control = 0x37f, .mxcsr = 0x1f80 };
BX_STATIC_ASSERT(sizeof(fpu_initial) == 512, "SDM 1, 10.5.1");

static struct bx_x86_fpu_area *
fpu_area_of(const struct bx_context *context)
{
	struct bx_x86_fpu_area *areas = bx_x86_cpu.machine->fpu_areas;

	for (size_t i = 0; i < BX_X86_FPU_THREADS; i++) {
		if (areas[i].owner == NULL)
			areas[i].owner = context;
		if (areas[i].owner == context)
			return &areas[i];
	}
	bx_panic(BX_WHERE, "more threads with fpu than the manifest may have");
}

/* Saved at once and wiped, not when the next one asks: what stays in the registers can be read by
 * speculation behind TS (CVE-2018-3665). */
static void
fpu_leave(void)
{
	struct bx_x86_fpu_area *area = fpu_area_of(bx_x86_cpu.fpu);

	__asm__ volatile("fxsave64 %0" : "=m"(area->image));
	__asm__ volatile("fxrstor64 %0" : : "m"(fpu_initial));
	x86_cr0_set(x86_cr0() | X86_CR0_TS);
	bx_x86_cpu.fpu = NULL;
}

/* context->machine[0]: 1 once the thread has an image of its own; 0 in a new context. */
static void
fpu_enter(struct bx_context *context)
{
	struct bx_x86_fpu_area *area = fpu_area_of(context);

	__asm__ volatile("clts" : : : "memory");
	if (context->machine[0] == 0)
		__asm__ volatile("fxrstor64 %0" : : "m"(fpu_initial));
	else
		__asm__ volatile("fxrstor64 %0" : : "m"(area->image));
	context->machine[0] = 1;
	bx_x86_cpu.fpu = context;
}

/*
 * What the fast way out does not do.  Returns whom to resume: another one, or NULL, when this one
 * cannot go on.
 */
struct bx_context *
bx_x86_prepare(struct bx_context *context)
{
	/* A pc outside the user's half would fault inside the kernel, at IRET; right at its end, where
	 * SYSCALL can leave one, it faults in the program, as behind SYSRET.  Each turn ends or
	 * blocks a thread; when an interrupt waits, it is taken first, and brings the next turn. */
	for (bool first = true; context != NULL && context->pc > BX_USER_END; first = false) {
		if (!first && bx_machine_interrupt_pending(bx_x86_cpu.machine))
			return NULL;
		context = bx_kcore_fault(bx_x86_cpu.core, BX_FAULT_PROTECTION, context->pc, 0);
	}
	if (context == NULL)
		return NULL;

	if (bx_x86_cpu.fpu != NULL && bx_x86_cpu.fpu != context)
		fpu_leave();
	if ((context->fpu & 1) != 0 && bx_x86_cpu.fpu != context)
		fpu_enter(context);
	if (context->fs_base != bx_x86_cpu.fs_base) {
		x86_wrmsr(X86_MSR_FS_BASE, context->fs_base);
		bx_x86_cpu.fs_base = context->fs_base;
	}
	bx_x86_cpu.special = context->fs_base | context->fpu |
	    (bx_x86_cpu.machine->features & BX_CPU_CET_SS);
	bx_x86_cpu.switching = bx_x86_cpu.special | bx_x86_cpu.machine->forgets;
	if (context->resume == BX_RESUME_FAST) {
		/* As SYSRET leaves them. */
		context->scratch[0] = context->pc;
		context->scratch[1] = context->flags;
	}
	return context;
}
