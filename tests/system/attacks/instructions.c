/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* instructions.c -- instructions that ring 3 may not run, and odd ways into the kernel. */
#include "attack.h"

/* An attack that is one piece of assembly; SDM volume 2 and 3A, 5.9, say which must fault. */
#define INSTRUCTION(name, code, ...) \
	static void name(struct attacker *attacker) \
	{ \
		(void)attacker; \
		__asm__ volatile(code : : __VA_ARGS__ : "memory", "rax", "rcx", "rdx"); \
	}

INSTRUCTION(cli, "cli", "i" (0))
INSTRUCTION(sti, "sti", "i" (0))
INSTRUCTION(hlt, "hlt", "i" (0))
INSTRUCTION(read_cr0, "mov %%cr0, %%rax", "i" (0))
INSTRUCTION(write_cr0, "mov %0, %%cr0", "r" (0x80000011ul))
INSTRUCTION(write_cr3, "mov %0, %%cr3", "r" (0ul))
INSTRUCTION(write_cr4, "mov %0, %%cr4", "r" (0ul))
INSTRUCTION(write_dr7, "mov %0, %%dr7", "r" (0x400ul))
INSTRUCTION(rdmsr, "mov $0xc0000082, %%ecx; rdmsr", "i" (0))
INSTRUCTION(wrmsr, "mov $0xc0000082, %%ecx; xor %%eax, %%eax; xor %%edx, %%edx; wrmsr", "i" (0))
INSTRUCTION(invlpg, "invlpg (%0)", "r" (0x400000ul))
INSTRUCTION(wbinvd, "wbinvd", "i" (0))
INSTRUCTION(swapgs, "swapgs", "i" (0))
INSTRUCTION(sysret, "xor %%ecx, %%ecx; sysretq", "i" (0))
INSTRUCTION(port_in, "mov $0x3f8, %%edx; in %%dx, %%al", "i" (0))
INSTRUCTION(port_out, "mov $0xcf9, %%edx; mov $6, %%al; out %%al, %%dx", "i" (0))
INSTRUCTION(software_interrupt, "int $0x80", "i" (0))
INSTRUCTION(interrupt_timer, "int $0x20", "i" (0))
INSTRUCTION(interrupt_double_fault, "int $8", "i" (0))
INSTRUCTION(interrupt_nmi, "int $2", "i" (0))
INSTRUCTION(undefined, "ud2", "i" (0))
INSTRUCTION(breakpoint, "int3", "i" (0))
INSTRUCTION(sse, "movaps %%xmm0, %%xmm1", "i" (0))
INSTRUCTION(x87, "fld1", "i" (0))
INSTRUCTION(divide, "xor %%ecx, %%ecx; xor %%edx, %%edx; mov $1, %%eax; div %%ecx", "i" (0))
INSTRUCTION(write_gs_base, "wrgsbase %0", "r" (0xffff800000000000ul))
INSTRUCTION(clear_ts, "clts", "i" (0))
INSTRUCTION(load_null_cs, "pushq $0; pushq $0; lretq", "i" (0))
INSTRUCTION(load_kernel_cs, "pushq $8; lea 1f(%%rip), %%rax; pushq %%rax; lretq; 1:", "i" (0))
INSTRUCTION(iret_kernel, "mov %%rsp, %%rax; pushq $16; pushq %%rax; pushfq; pushq $8; "
    "lea 1f(%%rip), %%rax; pushq %%rax; iretq; 1:", "i" (0))
INSTRUCTION(raise_iopl, "pushfq; orq $0x3000, (%%rsp); popfq; cli", "i" (0))
INSTRUCTION(single_step, "pushfq; orq $0x100, (%%rsp); popfq; nop; nop", "i" (0))

INSTRUCTION(store_gdt, "sub $16, %%rsp; sgdt (%%rsp); add $16, %%rsp", "i" (0))
INSTRUCTION(store_ldt, "sldt %%eax", "i" (0))
INSTRUCTION(store_task, "str %%eax", "i" (0))
INSTRUCTION(store_machine_status, "smsw %%eax", "i" (0))
INSTRUCTION(load_task, "ltr %%ax", "i" (0))
INSTRUCTION(load_machine_status, "lmsw %%ax", "i" (0))
INSTRUCTION(read_counter, "xor %%ecx, %%ecx; rdpmc", "i" (0))
INSTRUCTION(read_fs_base, "rdfsbase %%rax", "i" (0))
INSTRUCTION(read_xcr0, "xor %%ecx, %%ecx; xgetbv", "i" (0))
INSTRUCTION(read_pkru, "xor %%ecx, %%ecx; rdpkru", "i" (0))
INSTRUCTION(write_pkru, "xor %%eax, %%eax; xor %%ecx, %%ecx; xor %%edx, %%edx; wrpkru", "i" (0))
INSTRUCTION(allow_access, "stac", "i" (0))
INSTRUCTION(read_dr7, "mov %%dr7, %%rax", "i" (0))
INSTRUCTION(kernel_data_segment, "mov $0x10, %%eax; mov %%eax, %%ds", "i" (0))
INSTRUCTION(task_segment, "mov $0x28, %%eax; mov %%eax, %%es", "i" (0))
INSTRUCTION(interrupt_machine_check, "int $18", "i" (0))
INSTRUCTION(avx, ".byte 0xc5, 0xf8, 0x28, 0xc8", "i" (0))	/* vmovaps %xmm0, %xmm1 */
INSTRUCTION(string_out, "mov $0x3f8, %%edx; outsb", "S" (0x400000ul))

static void
push_at(struct attacker *attacker, uint64_t stack)
{
	touches(attacker, stack - 8);
	__asm__ volatile("mov %0, %%rsp; push %%rax" : : "r" (stack) : "memory");
}

static void kernel_stack_pointer(struct attacker *a)	{ push_at(a, KERNEL_TEXT + 0x1000); }
static void null_stack_pointer(struct attacker *a)	{ push_at(a, 0); }

static void
load_gdt(struct attacker *attacker)
{
	struct { uint8_t bytes[10]; } gdt = { { 0 } };

	(void)attacker;
	__asm__ volatile("lgdt %0" : : "m" (gdt));
}

static void
load_idt(struct attacker *attacker)
{
	struct { uint8_t bytes[10]; } idt = { { 0 } };

	(void)attacker;
	__asm__ volatile("lidt %0" : : "m" (idt));
}

static void
store_idt(struct attacker *attacker)
{
	struct { uint8_t bytes[10]; } idt = { { 0 } };

	(void)attacker;
	__asm__ volatile("sidt %0" : "=m" (idt));
}

/* SYSENTER leads nowhere on a system without it. */
static void
sysenter(struct attacker *attacker)
{
	(void)attacker;
	__asm__ volatile("sysenter" : : : "rcx", "rdx", "memory");
}

/* With a stack pointer that is none, a system call must come back all the same: the kernel does not
 * use it. */
static void
system_call_without_stack(struct attacker *attacker)
{
	uint64_t number = BX_SYS_NULL;

	__asm__ volatile(
	    "mov %%rsp, %%rbx\n\t"
	    "mov %1, %%rsp\n\t"
	    "syscall\n\t"
	    "mov %%rbx, %%rsp"
	    : "+a" (number) : "r" (KERNEL_TEXT + 0x2000) : "rbx", "rcx", "r11", "memory");
	if ((int64_t)number != BX_OK)
		breach(attacker, "a system call with a strange stack pointer failed");
}

/* Flags that a program may set must not reach the kernel, and come back. */
static void
system_call_with_flags(struct attacker *attacker)
{
	static const uint64_t sets[] = { 0x400, 0x40000, 0x4000, 0x200000, 0x44400 };

	for (size_t i = 0; i < BX_ARRAY_COUNT(sets); i++) {
		uint64_t number = BX_SYS_NULL, after;

		__asm__ volatile(
		    "pushfq\n\t"
		    "pushfq\n\t"
		    "or %2, (%%rsp)\n\t"
		    "popfq\n\t"
		    "syscall\n\t"
		    "pushfq\n\t"
		    "pop %1\n\t"
		    "popfq"
		    : "+a" (number), "=&r" (after) : "r" (sets[i]) : "rcx", "r11", "cc", "memory");
		if ((int64_t)number != BX_OK)
			breach(attacker, "a system call with flags set failed");
		if ((after & sets[i]) != sets[i])
			say(attacker, "attack: flags 0x%lx came back as 0x%lx", sets[i], after);
	}
}

/* SYSCALL as the last instruction before the unmapped last page: the return address is the first
 * byte after the user's memory, where nothing is, and not the canonical hole. */
static void
system_call_at_the_end(struct attacker *attacker)
{
	uint32_t memory = slot_of(attacker, "memory");
	uint64_t page = BX_USER_END - BX_PAGE_SIZE;
	volatile uint8_t *code = (volatile uint8_t *)page;

	if (bx_sys_map(memory, page, 0, 1, BX_MAP_READ | BX_MAP_WRITE) != BX_OK) {
		say(attacker, "attack: cannot map the last page");
		return;
	}
	code[BX_PAGE_SIZE - 2] = 0x0f;
	code[BX_PAGE_SIZE - 1] = 0x05;		/* SYSCALL: SDM 2B */
	if (bx_sys_unmap(memory, 0, 1) != BX_OK ||
	    bx_sys_map(memory, page, 0, 1, BX_MAP_READ | BX_MAP_EXECUTE) != BX_OK) {
		say(attacker, "attack: cannot map the last page executable");
		return;
	}
	touches(attacker, BX_USER_END);
	__asm__ volatile("xor %%eax, %%eax; jmp *%0" : : "r" (page + BX_PAGE_SIZE - 2) :
	    "rax", "rcx", "r11", "memory");
}

/* Selectors that a program loads are gone when another has had the processor: `spin', of the same
 * priority, has it within two time slices, and when it is given away. */
static void
selectors(struct attacker *attacker)
{
	uint64_t end = bx_sys_deadline_in_us(attacker->sys, 200000);
	uint64_t ds, es, fs, gs, ss;

	__asm__ volatile("mov %%ds, %0; mov %%es, %1; mov %%fs, %2; mov %%gs, %3; mov %%ss, %4"
	    : "=r" (ds), "=r" (es), "=r" (fs), "=r" (gs), "=r" (ss));
	if (ds != ss || es != ss || fs != ss || gs != ss)
		breach(attacker, "selectors of somebody else at the start");
	__asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs; mov %0, %%gs" : : "r" (0));
	while (bx_sys_now() < end)
		__asm__ volatile("" : : : "memory");
	bx_sys_yield();
	__asm__ volatile("mov %%ds, %0; mov %%es, %1; mov %%fs, %2; mov %%gs, %3"
	    : "=r" (ds), "=r" (es), "=r" (fs), "=r" (gs));
	if (ds != ss || es != ss || fs != ss || gs != ss)
		breach(attacker, "selectors went with the processor to another program");
}

/* A register that carries no result comes back as it was; none carries anything of the kernel. */
static void
registers_after_system_call(struct attacker *attacker)
{
	static const uint64_t numbers[] = { BX_SYS_NULL, BX_SYS_YIELD, BX_SYS_CAP_REVOKE, BX_SYS_COUNT,
		BX_SYS_CLOCK_INFO, BX_SYS_SPAWN, BX_SYS_MAP };

	for (size_t i = 0; i < BX_ARRAY_COUNT(numbers); i++) {
		uint64_t a = numbers[i], b = 0x1111111111111111, c, d = 0x2222222222222222;
		uint64_t S = 0x3333333333333333, D = 0x7777, r11v;
		register uint64_t r8 __asm__("r8") = 0x8888888888888888;
		register uint64_t r9 __asm__("r9") = 0x9999999999999999;
		register uint64_t r10 __asm__("r10") = 0xaaaaaaaaaaaaaaaa;
		register uint64_t r12 __asm__("r12") = 0xbbbbbbbbbbbbbbbb;
		register uint64_t r13 __asm__("r13") = 0xcccccccccccccccc;
		register uint64_t r14 __asm__("r14") = 0xdddddddddddddddd;
		register uint64_t r15 __asm__("r15") = 0xeeeeeeeeeeeeeeee;
		uint64_t all;

		__asm__ volatile("syscall\n\tmov %%r11, %[flags]"
		    : "+a" (a), "+b" (b), "=c" (c), "+d" (d), "+S" (S), "+D" (D), "+r" (r8), "+r" (r9),
		      "+r" (r10), "+r" (r12), "+r" (r13), "+r" (r14), "+r" (r15), [flags] "=&r" (r11v)
		    : : "r11", "memory");
		if (b != 0x1111111111111111 || r8 != 0x8888888888888888 || r9 != 0x9999999999999999 ||
		    r10 != 0xaaaaaaaaaaaaaaaa || r12 != 0xbbbbbbbbbbbbbbbb ||
		    r13 != 0xcccccccccccccccc || r14 != 0xdddddddddddddddd || r15 != 0xeeeeeeeeeeeeeeee)
			breach(attacker, "a register did not come back as it was");
		all = a >> 63 != 0 ? 0 : (D | S | d);
		if (all >= BX_USER_END && all >= KERNEL_TEXT)
			breach(attacker, "a kernel address came back");
		if (c >= BX_USER_END || r11v >= BX_USER_END)
			breach(attacker, "rcx or r11 hold what is not the program's");
		if (numbers[i] <= BX_SYS_YIELD && (D != 0 || S != 0 || d != 0))
			breach(attacker, "a call without values returned some");
		if (a >> 63 != 0 && (D != 0 || S != 0 || d != 0))
			breach(attacker, "a refused call returned values");
	}
}

const struct attack attacks_instructions[] = {
	{ "cli", ENDS_PROTECTION, cli },
	{ "sti", ENDS_PROTECTION, sti },
	{ "hlt", ENDS_PROTECTION, hlt },
	{ "read-cr0", ENDS_PROTECTION, read_cr0 },
	{ "write-cr0", ENDS_PROTECTION, write_cr0 },
	{ "write-cr3", ENDS_PROTECTION, write_cr3 },
	{ "write-cr4", ENDS_PROTECTION, write_cr4 },
	{ "write-dr7", ENDS_PROTECTION, write_dr7 },
	{ "rdmsr", ENDS_PROTECTION, rdmsr },
	{ "wrmsr", ENDS_PROTECTION, wrmsr },
	{ "invlpg", ENDS_PROTECTION, invlpg },
	{ "wbinvd", ENDS_PROTECTION, wbinvd },
	{ "swapgs", ENDS_PROTECTION, swapgs },
	{ "sysret", ENDS_PROTECTION, sysret },
	{ "port-in", ENDS_PROTECTION, port_in },
	{ "port-out", ENDS_PROTECTION, port_out },
	{ "int-80", ENDS_PROTECTION, software_interrupt },
	{ "int-timer", ENDS_PROTECTION, interrupt_timer },
	{ "int-double-fault", ENDS_PROTECTION, interrupt_double_fault },
	{ "int-nmi", ENDS_PROTECTION, interrupt_nmi },
	{ "undefined", ENDS_ILLEGAL, undefined },
	{ "breakpoint", ENDS_ILLEGAL, breakpoint },
	{ "sse", ENDS_NO_FPU, sse },
	{ "x87", ENDS_NO_FPU, x87 },
	{ "divide", ENDS_ARITHMETIC, divide },
	{ "write-gs-base", ENDS_ILLEGAL, write_gs_base },
	{ "clear-ts", ENDS_PROTECTION, clear_ts },
	{ "null-code-segment", ENDS_FAR_RETURN, load_null_cs },
	{ "kernel-code-segment", ENDS_FAR_RETURN, load_kernel_cs },
	{ "iret-to-kernel", ENDS_FAR_RETURN, iret_kernel },
	{ "raise-iopl", ENDS_PROTECTION, raise_iopl },
	{ "kernel-stack-pointer", ENDS_PAGE_FAULT, kernel_stack_pointer },
	{ "null-stack-pointer", ENDS_PAGE_FAULT, null_stack_pointer },
	{ "single-step", ENDS_ILLEGAL, single_step },
	{ "load-gdt", ENDS_PROTECTION, load_gdt },
	{ "load-idt", ENDS_PROTECTION, load_idt },
	{ "store-idt", ENDS_PROTECTION, store_idt },
	{ "store-gdt", ENDS_PROTECTION, store_gdt },
	{ "store-ldt", ENDS_PROTECTION, store_ldt },
	{ "store-task", ENDS_PROTECTION, store_task },
	{ "store-machine-status", ENDS_PROTECTION, store_machine_status },
	{ "load-task", ENDS_PROTECTION, load_task },
	{ "load-machine-status", ENDS_PROTECTION, load_machine_status },
	{ "read-counter", ENDS_PROTECTION, read_counter },
	{ "read-fs-base", ENDS_ILLEGAL, read_fs_base },
	{ "read-xcr0", ENDS_ILLEGAL, read_xcr0 },
	{ "read-pkru", ENDS_ILLEGAL, read_pkru },
	{ "write-pkru", ENDS_ILLEGAL, write_pkru },
	{ "allow-access", ENDS_ILLEGAL, allow_access },
	{ "read-dr7", ENDS_PROTECTION, read_dr7 },
	{ "kernel-data-segment", ENDS_PROTECTION, kernel_data_segment },
	{ "task-segment", ENDS_PROTECTION, task_segment },
	{ "int-machine-check", ENDS_PROTECTION, interrupt_machine_check },
	{ "avx", ENDS_ILLEGAL, avx },
	{ "string-out", ENDS_PROTECTION, string_out },
	{ "sysenter", ENDS_BY_VENDOR, sysenter },
	{ "selectors", ENDS_REFUSED, selectors },
	{ "call-at-the-end", ENDS_PAGE_FAULT, system_call_at_the_end },
	{ "call-without-stack", ENDS_REFUSED, system_call_without_stack },
	{ "call-with-flags", ENDS_REFUSED, system_call_with_flags },
	{ "call-registers", ENDS_REFUSED, registers_after_system_call },
	{ NULL, ENDS_REFUSED, NULL },
};
