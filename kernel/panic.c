/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * panic.c -- the kernel's last words: cause, registers, backtrace with names; then the end.
 *
 * The backtrace needs no frame pointers, which would cost every function three instructions: the
 * kernel has no indirect calls, so a return address on the stack is a text address that a CALL rel32
 * (e8) stands before; and the call that leads to the function found last is told from stale ones by
 * where it goes.  Lines marked `?' did not pass that second test.
 */
#include "kernel.h"

#define CALL_SIZE		5u
#define BACKTRACE_MAX		16u
#define CALL_OPCODE		0xe8

/* Made by kernel/symbols.awk from the linked kernel: sorted by address. */
struct symbol {
	uint32_t offset;		/* from BX_KERNEL_BASE */
	uint32_t name;			/* offset into bx_symbol_names */
};
extern const uint32_t bx_symbol_count;
extern const struct symbol bx_symbols[];
extern const char bx_symbol_names[];

extern const uint8_t bx_image_text[], bx_image_text_end[];
extern const uint8_t bx_stack_guard_0[], bx_stack_guard_1[], bx_stack_guard_2[], bx_stack_guard_3[],
    bx_stack_guard_4[], bx_stack_guard_5[];

static bool
is_text(uint64_t address)
{
	return address >= (uint64_t)(uintptr_t)bx_image_text + CALL_SIZE &&
	    address <= (uint64_t)(uintptr_t)bx_image_text_end;
}

/* The last symbol at or below an address, or NULL. */
static const struct symbol *
symbol_of(uint64_t address)
{
	uint32_t low = 0;
	uint32_t high = bx_symbol_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (BX_KERNEL_BASE + bx_symbols[middle].offset <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low == 0 ? NULL : &bx_symbols[low - 1];
}

static void
print_line(uint64_t address, const char *mark)
{
	const struct symbol *symbol = symbol_of(address);

	bx_print("    ");
	bx_print_hex(address, 16);
	if (symbol != NULL) {
		bx_print("  ");
		bx_print(bx_symbol_names + symbol->name);
		bx_print("+0x");
		bx_print_hex(address - BX_KERNEL_BASE - symbol->offset, 4);
	}
	bx_print(mark);
	bx_print("\n");
}

struct stack {
	uint64_t begin, end;		/* what of it is in use */
};

/* The stack that rsp is in, or has run out of into the page below it; empty when it is no stack. */
static struct stack
stack_of(uint64_t rsp)
{
	static const uint8_t *const guards[] = { bx_stack_guard_0, bx_stack_guard_1,
		bx_stack_guard_2, bx_stack_guard_3, bx_stack_guard_4, bx_stack_guard_5 };

	for (size_t i = 0; i + 1 < BX_ARRAY_COUNT(guards); i++) {
		uint64_t guard = (uint64_t)(uintptr_t)guards[i];
		uint64_t end = (uint64_t)(uintptr_t)guards[i + 1];

		if (rsp < guard || rsp >= end)
			continue;
		if (rsp < guard + BX_PAGE_SIZE)
			rsp = guard + BX_PAGE_SIZE;
		return (struct stack){ bx_align_up(rsp, 8), end };
	}
	return (struct stack){ 0, 0 };
}

/* The target of the CALL rel32 before a return address, or 0: there is none. */
static uint64_t
called_before(uint64_t address)
{
	const uint8_t *call = (const uint8_t *)(uintptr_t)(address - CALL_SIZE);

	if (call[0] != CALL_OPCODE)
		return 0;
	return address + (uint64_t)(int64_t)(int32_t)bx_get_le32(call + 1);
}

static void
print_backtrace(uint64_t pc, uint64_t rsp)
{
	struct stack stack = stack_of(rsp);
	unsigned lines = 1;

	bx_print("  backtrace\n");
	print_line(pc, "");
	for (uint64_t at = stack.begin; at < stack.end && lines < BACKTRACE_MAX; at += 8) {
		uint64_t address = *(const uint64_t *)(uintptr_t)at;
		uint64_t target;

		if (!is_text(address))
			continue;
		target = called_before(address);
		if (target == 0 || !is_text(target))
			continue;
		if (symbol_of(target) == symbol_of(pc)) {
			print_line(address, "");
			pc = address;
		} else {
			print_line(address, "  ?");
		}
		lines++;
	}
}

static void
print_registers(const struct bx_x86_trap_frame *f, uint64_t cr2)
{
	const struct {
		const char *name;
		uint64_t value;
	} registers[] = {
		{ "rax ", f->rax }, { "rbx ", f->rbx }, { "rcx ", f->rcx }, { "rdx ", f->rdx },
		{ "rsi ", f->rsi }, { "rdi ", f->rdi }, { "rbp ", f->rbp }, { "rsp ", f->rsp },
		{ "r8  ", f->r8 }, { "r9  ", f->r9 }, { "r10 ", f->r10 }, { "r11 ", f->r11 },
		{ "r12 ", f->r12 }, { "r13 ", f->r13 }, { "r14 ", f->r14 }, { "r15 ", f->r15 },
		{ "rip ", f->rip }, { "cs  ", f->cs }, { "flag", f->rflags }, { "cr2 ", cr2 },
	};

	for (size_t i = 0; i < BX_ARRAY_COUNT(registers); i++) {
		bx_print(i % 4 == 0 ? "    " : "  ");
		bx_print(registers[i].name);
		bx_print(" ");
		bx_print_hex(registers[i].value, 16);
		if (i % 4 == 3)
			bx_print("\n");
	}
}

/* A second panic while one is told: nothing more is said. */
static void
panic_begin(void)
{
	__asm__ volatile("cli");
	if (bx_kernel.panicking)
		bx_x86_halt();
	bx_kernel.panicking = true;
	bx_print("\n[PANIC] BraiNIX kernel: ");
}

BX_NORETURN static void
panic_end(void)
{
	if (bx_kernel.core != NULL) {
		uint32_t program = bx_kcore_current_program(bx_kernel.core);

		bx_print("  program   ");
		if (program == BX_SLOT_NONE)
			bx_print("none");
		else
			bx_print(bx_kcore_program_name(bx_kernel.core, program));
		bx_print("\n");
	}
	bx_print("  The machine is stopped.\n");
	if (bx_kernel.debug_exit)
		bx_machine_port_out(bx_kernel.machine, BX_DEBUG_EXIT_PORT, 4, BX_DEBUG_EXIT_PANIC);
	bx_x86_halt();
}

void
bx_panic(const char *where, const char *what)
{
	uint64_t rsp;

	__asm__ volatile("mov %%rsp, %0" : "=r"(rsp));
	panic_begin();
	bx_print(what);
	bx_print("\n  at ");
	bx_print(where);
	bx_print("\n");
	print_backtrace((uint64_t)(uintptr_t)bx_panic, rsp);
	panic_end();
}

void
bx_x86_kernel_trap(const struct bx_x86_trap_frame *frame, uint64_t cr2)
{
	panic_begin();
	bx_print(bx_x86_vector_name(frame->vector));
	bx_print((frame->cs & 3) == 0 ? " in the kernel, vector " : " in user mode, vector ");
	bx_print_decimal(frame->vector);
	bx_print(", error 0x");
	bx_print_hex(frame->error, 4);
	bx_print("\n  registers\n");
	print_registers(frame, cr2);
	print_backtrace(frame->rip, frame->rsp);
	panic_end();
}
