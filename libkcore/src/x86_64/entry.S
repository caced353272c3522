/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * entry.S -- every way from user mode into the kernel and back.  x86-64, no swapgs, no gs.
 *
 * Sections, which the linker script puts on pages of their own; supervisor pages all:
 *	.bx_entry.text		mapped in every address space: read and execute
 *	.bx_entry.tables	mapped in every address space: read; filled by cpu.c
 *	.bx_entry.data		mapped in every address space: read and write
 *	.bx_entry.shadow	mapped in every address space: shadow stacks, or read
 *	.bx_cpu			the kernel's alone: read and write
 *	.bx_stacks		the kernel's alone: read and write, between pages that are not there
 * Only code in .bx_entry.text may run with a user's CR3, and it may touch nothing but
 * .bx_entry.data then.  Per-CPU data is found relative to rip: another CPU gets a copy of these
 * pages at an address of its own and its own LSTAR and IDT, so there is no gs to swap, to forget to
 * swap, or to speculate about.
 *
 * A user's registers go straight into the struct bx_context of the thread that runs
 * (bx_x86_cpu.current), and come from the one that the core tells to resume.
 */
#include <brainix/abi.h>
#include <brainix/machine.h>
#include <brainix/x86_64.h>
#include "x86.h"

#define CURRENT	bx_x86_cpu + X86_CPU_CURRENT(%rip)
#define CORE	bx_x86_cpu + X86_CPU_CORE(%rip)
#define SPECIAL	bx_x86_cpu + X86_CPU_SPECIAL(%rip)
#define IDLE	bx_x86_cpu + X86_CPU_IDLE(%rip)
#define SWITCHING bx_x86_cpu + X86_CPU_SWITCHING(%rip)
#define MACHINE	bx_x86_cpu + X86_CPU_MACHINE(%rip)

	.macro	FUNCTION name
	.globl	\name
	.hidden	\name
	.type	\name, @function
\name:
	.endm

/* All registers but rax, rcx, r11, rsp into the context at \base. */
	.macro	SAVE base
	mov	%rdi, BX_CTX_VALUE(\base)
	mov	%rsi, BX_CTX_VALUE + 8(\base)
	mov	%rdx, BX_CTX_VALUE + 16(\base)
	mov	%r8, BX_CTX_WORD(\base)
	mov	%r9, BX_CTX_WORD + 8(\base)
	mov	%r10, BX_CTX_WORD + 16(\base)
	mov	%r12, BX_CTX_WORD + 24(\base)
	mov	%r13, BX_CTX_WORD + 32(\base)
	mov	%r14, BX_CTX_WORD + 40(\base)
	mov	%rbx, BX_CTX_REPLY(\base)
	mov	%r15, BX_CTX_BUFFERS(\base)
	mov	%rbp, BX_CTX_FRAME(\base)
	.endm

	.macro	LOAD base
	mov	BX_CTX_VALUE(\base), %rdi
	mov	BX_CTX_VALUE + 8(\base), %rsi
	mov	BX_CTX_VALUE + 16(\base), %rdx
	mov	BX_CTX_WORD(\base), %r8
	mov	BX_CTX_WORD + 8(\base), %r9
	mov	BX_CTX_WORD + 16(\base), %r10
	mov	BX_CTX_WORD + 24(\base), %r12
	mov	BX_CTX_WORD + 32(\base), %r13
	mov	BX_CTX_WORD + 40(\base), %r14
	mov	BX_CTX_REPLY(\base), %rbx
	mov	BX_CTX_BUFFERS(\base), %r15
	mov	BX_CTX_FRAME(\base), %rbp
	.endm

	.macro	MARK name
	.globl	\name
	.hidden	\name
\name:
	.endm

	.section .bx_cpu, "aw", @progbits
	.balign	64
	.type	bx_x86_cpu, @object
MARK bx_x86_cpu
	.skip	X86_CPU_SIZE
	.size	bx_x86_cpu, X86_CPU_SIZE

	.section .bx_entry.tables, "aw", @progbits
	.balign	4096
MARK bx_entry_tables
	.skip	X86_ENTRY_TABLES_SIZE

	.section .bx_entry.data, "aw", @progbits
	.balign	4096
MARK bx_entry_data_start
	.globl	bx_entry_kernel_root
	.hidden	bx_entry_kernel_root
	.type	bx_entry_kernel_root, @object
bx_entry_kernel_root:
	.quad	0
	.size	bx_entry_kernel_root, 8
entry_user_stack:			/* rsp of the user while no register is free for it */
	.quad	0
	.balign	64
	.skip	X86_ENTRY_IST_SIZE
MARK bx_entry_ist_double_fault
	.skip	X86_ENTRY_IST_SIZE
MARK bx_entry_ist_nmi
	.skip	X86_ENTRY_IST_SIZE
MARK bx_entry_ist_machine_check
	.skip	X86_ENTRY_STACK_SIZE
MARK bx_entry_stack
	.balign	4096
MARK bx_entry_data_end

/* A shadow stack ends in its token (SDM 1, 17.2.3): the token's own address; bit 0: busy. */
	.macro	SHADOW name, size
	.skip	\size - 8
MARK \name
	.quad	\name
	.endm

/* The kernel's lies lowest: below it is no page of this kind to run out into. */
	.section .bx_entry.shadow, "aw", @progbits
	.balign	4096
MARK bx_entry_shadow_start
	SHADOW	bx_entry_shadow_kernel, X86_SHADOW_SIZE
	SHADOW	bx_entry_shadow_double_fault, X86_SHADOW_IST_SIZE
	SHADOW	bx_entry_shadow_nmi, X86_SHADOW_IST_SIZE
	SHADOW	bx_entry_shadow_machine_check, X86_SHADOW_IST_SIZE
MARK bx_entry_shadow_end

	.section .bx_entry.text, "ax", @progbits
	.balign	4096
MARK bx_entry_text_start

/*
 * SYSCALL (SDM 2B).  In: rcx the user's rip, r11 its flags, interrupts off, rsp and all else the
 * user's, CR3 the user's.
 */
	.balign	64
FUNCTION bx_entry_system_call
	endbr64
entry_system_call:
	mov	%rsp, entry_user_stack(%rip)
	mov	bx_entry_kernel_root(%rip), %rsp
	mov	%rsp, %cr3
	mov	CURRENT, %rsp
	cmp	$BX_SYS_CALL, %rax
	je	entry_call
	cmp	$BX_SYS_REPLY_RECEIVE, %rax
	je	entry_reply_receive
	mov	%rax, BX_CTX_NUMBER(%rsp)
	SAVE	%rsp
	mov	%rcx, BX_CTX_PC(%rsp)
	mov	%r11, BX_CTX_FLAGS(%rsp)
	mov	entry_user_stack(%rip), %rax
	mov	%rax, BX_CTX_STACK(%rsp)
	lea	bx_stack_kernel(%rip), %rsp
entry_general:
	mov	CORE, %rdi
	call	bx_kcore_system_call_general
	/* on into resume */
	.size	bx_entry_system_call, . - bx_entry_system_call

/*
 * Back to user mode.  In: rax the context to resume, or NULL: nobody can run.
 * The fast way out is SYSRET with nothing but general registers to load; whatever else there is to do
 * (an interrupted thread, FPU, fs base) makes one sum not zero.  A pc that SYSRET must not see, one
 * outside the user's half, cannot come from SYSCALL: no page ends there (x86.h); any other pc is that
 * of an interrupted or started thread, which bx_x86_prepare looks at.
 */
	.type	resume, @function
resume:
	test	%rax, %rax
	jz	idle
	mov	%rax, CURRENT
	mov	BX_CTX_RESUME(%rax), %rcx	/* resume and extra: one quadword */
	or	SPECIAL, %rcx
	jnz	resume_slow
	mov	BX_CTX_PC(%rax), %rcx
	mov	BX_CTX_STACK(%rax), %rdx
	mov	%rdx, entry_user_stack(%rip)
	mov	BX_CTX_ROOT(%rax), %rsp
	mov	BX_CTX_FLAGS(%rax), %r11
	LOAD	%rax
	mov	BX_CTX_NUMBER(%rax), %rax
	mov	%rsp, %cr3
	mov	entry_user_stack(%rip), %rsp
	sysretq

/* Everything else goes back by IRET, from a frame on the entry stack, which the user's CR3 shows. */
resume_slow:
	lea	bx_stack_kernel(%rip), %rsp
	mov	%rax, %rdi
	call	bx_x86_prepare
	test	%rax, %rax
	jz	idle
	mov	%rax, CURRENT
	lea	bx_entry_stack(%rip), %rsp
	pushq	$X86_USER_DS
	pushq	BX_CTX_STACK(%rax)
	pushq	BX_CTX_FLAGS(%rax)
	pushq	$X86_USER_CS
	pushq	BX_CTX_PC(%rax)
	pushq	BX_CTX_NUMBER(%rax)
	mov	BX_CTX_SCRATCH(%rax), %rcx
	mov	BX_CTX_SCRATCH + 8(%rax), %r11
	movl	$BX_RESUME_FAST, BX_CTX_RESUME(%rax)	/* until a trap says otherwise */
	LOAD	%rax
	mov	BX_CTX_ROOT(%rax), %rax
	mov	%rax, %cr3
	pop	%rax
	iretq

/* The kernel's stack is empty and its CR3 loaded: an interrupt here is taken as if from a user.
 * STI takes effect after HLT has begun (SDM 2B, STI), so none is slept over. */
idle:
	lea	bx_stack_kernel(%rip), %rsp
	movq	$1, IDLE
	sti
	hlt
	ud2					/* the interrupt never returns here */
	.size	resume, . - resume

/*
 * The short way of a call or reply_receive.  In: rsp the context of the thread.  All is stored that
 * belongs to the thread which waits from now on (the words too: it keeps them when its wait fails).  r12, r13, r14 stay where they are and come to the partner like that; label
 * and other words come from the context of the thread that waits.  The processor goes to another
 * program, or it might: selectors as in bx_machine_domain_switch.
 */
	.macro	EXCHANGE function, number, info
	mov	%rdi, BX_CTX_VALUE(%rsp)
	mov	%rsi, BX_CTX_VALUE + 8(%rsp)
	mov	%rdx, BX_CTX_VALUE + 16(%rsp)
	mov	%r8, BX_CTX_WORD(%rsp)
	mov	%r9, BX_CTX_WORD + 8(%rsp)
	mov	%r10, BX_CTX_WORD + 16(%rsp)
	mov	%r12, BX_CTX_WORD + 24(%rsp)
	mov	%r13, BX_CTX_WORD + 32(%rsp)
	mov	%r14, BX_CTX_WORD + 40(%rsp)
	mov	%rbx, BX_CTX_REPLY(%rsp)
	mov	%r15, BX_CTX_BUFFERS(%rsp)
	mov	%rbp, BX_CTX_FRAME(%rsp)
	mov	%rcx, BX_CTX_PC(%rsp)
	mov	%r11, BX_CTX_FLAGS(%rsp)
	mov	entry_user_stack(%rip), %rax
	mov	%rax, BX_CTX_STACK(%rsp)
	mov	%rsp, %rsi
	mov	CORE, %rcx
	lea	bx_stack_kernel(%rip), %rsp
	call	\function
	mov	BX_CTX_RESUME(%rax), %rcx	/* resume and extra: one quadword */
	or	SWITCHING, %rcx
	jnz	1f
	mov	CURRENT, %rcx
	mov	%rax, CURRENT
	mov	$X86_USER_DS, %esi
	mov	%esi, %ds
	mov	%esi, %es
	mov	%esi, %fs
	mov	%esi, %gs
	.if	\number == BX_SYS_CALL
	mov	%rdx, %rdi			/* badge */
	mov	$\info, %edx
	.else
	xor	%edi, %edi
	xor	%edx, %edx
	.endif
	mov	BX_CTX_VALUE + 8(%rcx), %rsi
	mov	BX_CTX_WORD(%rcx), %r8
	mov	BX_CTX_WORD + 8(%rcx), %r9
	mov	BX_CTX_WORD + 16(%rcx), %r10
	mov	BX_CTX_REPLY(%rax), %rbx
	mov	BX_CTX_BUFFERS(%rax), %r15
	mov	BX_CTX_FRAME(%rax), %rbp
	mov	BX_CTX_PC(%rax), %rcx
	mov	BX_CTX_FLAGS(%rax), %r11
	mov	BX_CTX_STACK(%rax), %rsp	/* of no use until SYSRET; NMI and #MC bring their own */
	mov	BX_CTX_ROOT(%rax), %rax
	mov	%rax, %cr3
	xor	%eax, %eax			/* BX_OK */
	sysretq
1:	cmpl	$BX_RESUME_NOT, BX_CTX_RESUME(%rax)
	mov	CURRENT, %rcx
	.if	\number != BX_SYS_CALL
	mov	$0, %edx
	.endif
	mov	$\info, %esi
	jne	exchange_slow
	movq	$\number, BX_CTX_NUMBER(%rcx)	/* nothing has changed: the long way */
	jmp	entry_general
	.endm

entry_call:
	EXCHANGE bx_kcore_call_fast, BX_SYS_CALL, BX_IPC_INFO_REPLY
entry_reply_receive:
	EXCHANGE bx_kcore_reply_receive_fast, BX_SYS_REPLY_RECEIVE, 0

/* The partner, rax, needs more than general registers, or the processor is to forget something: the
 * message (badge in rdx, info in rsi, words of rcx) goes into its context, and it leaves as any. */
exchange_slow:
	movq	$0, BX_CTX_NUMBER(%rax)		/* BX_OK */
	mov	%rdx, BX_CTX_VALUE(%rax)
	mov	%rsi, BX_CTX_VALUE + 16(%rax)
	mov	BX_CTX_VALUE + 8(%rcx), %rdx
	mov	%rdx, BX_CTX_VALUE + 8(%rax)
	mov	BX_CTX_WORD(%rcx), %rdx
	mov	%rdx, BX_CTX_WORD(%rax)
	mov	BX_CTX_WORD + 8(%rcx), %rdx
	mov	%rdx, BX_CTX_WORD + 8(%rax)
	mov	BX_CTX_WORD + 16(%rcx), %rdx
	mov	%rdx, BX_CTX_WORD + 16(%rax)
	mov	%r12, BX_CTX_WORD + 24(%rax)
	mov	%r13, BX_CTX_WORD + 32(%rax)
	mov	%r14, BX_CTX_WORD + 40(%rax)
	mov	%rax, %rbx
	mov	MACHINE, %rdi
	call	bx_machine_domain_switch
	mov	%rbx, %rax
	jmp	resume

/* void bx_entry_first(struct bx_context *context);	in: rdi, CR3 the kernel's; never returns */
FUNCTION bx_entry_first
	mov	%rdi, %rax
	xor	%ebp, %ebp
	jmp	resume
	.size	bx_entry_first, . - bx_entry_first

/* SYSCALL where there are shadow stacks: it has made ssp 0 (SDM 2B).  The token becomes busy; only
 * IRET makes it free again, so every way back is by IRET (bx_x86_prepare).  Until then ssp is at the
 * token whenever the kernel's stack is empty. */
	.balign	16
FUNCTION bx_entry_system_call_shadowed
	endbr64
	setssbsy
	jmp	entry_system_call
	.size	bx_entry_system_call_shadowed, . - bx_entry_system_call_shadowed

/* void bx_entry_first_shadowed(struct bx_context *context);	as bx_entry_first, and from here on
 * returns are compared: of the calls until now none returns. */
FUNCTION bx_entry_first_shadowed
	mov	$X86_MSR_S_CET, %ecx
	rdmsr
	or	$X86_CET_SHADOW, %eax
	wrmsr
	setssbsy
	jmp	bx_entry_first
	.size	bx_entry_first_shadowed, . - bx_entry_first_shadowed

/*
 * The stubs of all vectors, 16 bytes each.  They make one stack picture, from rsp up:
 *	vector  error  rip  cs  rflags  rsp  ss
 */
	.macro	STUB vector
	.balign	16
	endbr64
	.if	\vector != 8 && \vector != 10 && \vector != 11 && \vector != 12 && \vector != 13 && \
		\vector != 14 && \vector != 17 && \vector != 21 && \vector != 29 && \vector != 30
	pushq	$0
	.endif
	pushq	$\vector
	.if	\vector == X86_VECTOR_NMI
	jmp	trap_nmi
	.elseif	\vector == X86_VECTOR_DOUBLE_FAULT
	jmp	trap_double_fault
	.elseif	\vector == X86_VECTOR_MACHINE_CHECK
	jmp	trap_machine_check
	.else
	jmp	trap
	.endif
	.endm

	.balign	16
	.globl	bx_entry_vectors
	.hidden	bx_entry_vectors
	.type	bx_entry_vectors, @function
bx_entry_vectors:
	.set	vector, 0
	.rept	X86_VECTOR_COUNT
	.altmacro
	STUB	%vector
	.noaltmacro
	.set	vector, vector + 1
	.endr
	.size	bx_entry_vectors, . - bx_entry_vectors
	.org	bx_entry_vectors + X86_VECTOR_COUNT * 16	/* fails when a stub is longer */

/* A fault or interrupt on the entry stack (from user mode) or on the kernel's (from idle, or a
 * mistake of the kernel). */
	.balign	16
	.type	trap, @function
trap:
	testb	$3, 24(%rsp)
	jz	trap_in_kernel
	push	%rax
	mov	bx_entry_kernel_root(%rip), %rax
	mov	%rax, %cr3
	mov	CURRENT, %rax
	SAVE	%rax
	mov	%rcx, BX_CTX_SCRATCH(%rax)
	mov	%r11, BX_CTX_SCRATCH + 8(%rax)
	popq	BX_CTX_NUMBER(%rax)
	pop	%rdi				/* vector */
	pop	%rsi				/* error */
	popq	BX_CTX_PC(%rax)
	pop	%rcx				/* cs: always the same */
	popq	BX_CTX_FLAGS(%rax)
	popq	BX_CTX_STACK(%rax)
	movl	$BX_RESUME_FULL, BX_CTX_RESUME(%rax)
	mov	%rax, %rcx			/* whom it interrupted */
trap_call:
	mov	%cr2, %rdx
	lea	bx_stack_kernel(%rip), %rsp
	pushq	$X86_FLAGS_FIXED		/* AC DF NT of the user: off */
	popfq
	call	bx_x86_trap
	jmp	resume

trap_in_kernel:
	cmpq	$32, (%rsp)
	jb	trap_mistake
	cmpq	$1, IDLE
	jne	trap_mistake
	movq	$0, IDLE
	pop	%rdi
	pop	%rsi
	xor	%eax, %eax
	rdsspq	%rax				/* does nothing without shadow stacks */
	test	%rax, %rax
	jz	1f
	mov	$X86_SHADOW_FRAME, %eax		/* no IRET will take it from there */
	incsspq	%rax
1:	xor	%ecx, %ecx			/* nobody */
	jmp	trap_call
	.size	trap, . - trap

/* The kernel's end: registers on the present stack in the order of struct bx_x86_trap_frame, then
 * a stack of its own.  Nothing is assumed of CR3; there is no way back. */
	.macro	LAST_TRAP name, stack
	.type	\name, @function
\name:
	push	%rax
	push	%rbx
	push	%rcx
	push	%rdx
	push	%rbp
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, %rdi
	mov	bx_entry_kernel_root(%rip), %rax
	mov	%rax, %cr3
	mov	%cr2, %rsi
	lea	\stack(%rip), %rsp
	pushq	$X86_FLAGS_FIXED
	popfq
	xor	%ebp, %ebp
	call	bx_x86_kernel_trap
	ud2
	.size	\name, . - \name
	.endm

LAST_TRAP trap_mistake, bx_stack_trap
LAST_TRAP trap_double_fault, bx_stack_double_fault
LAST_TRAP trap_nmi, bx_stack_nmi
LAST_TRAP trap_machine_check, bx_stack_machine_check

	.balign	4096, 0xcc
MARK bx_entry_text_end

	.text

/* void bx_x86_segments_load(void);	after LGDT: CS by a far return, SS, and the others null-like */
FUNCTION bx_x86_segments_load
	endbr64
	pop	%rax
	pushq	$X86_KERNEL_CS
	push	%rax
	mov	$X86_KERNEL_DS, %eax
	mov	%eax, %ss
	mov	$X86_USER_DS, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %fs
	mov	%eax, %gs
	lretq
	.size	bx_x86_segments_load, . - bx_x86_segments_load

/* Stacks: each between two pages that are mapped nowhere.  Not loaded, not zeroed, not in the
 * file. */
	.macro	GUARD name
MARK \name
	.skip	4096
	.endm
	.macro	STACK name, size
	.skip	\size
MARK \name
	.endm

	.section .bx_stacks, "aw", @nobits
	.balign	4096
	GUARD	bx_stack_guard_0
	STACK	bx_stack_kernel, BX_X86_STACK_SIZE
	GUARD	bx_stack_guard_1
	STACK	bx_stack_trap, BX_X86_TRAP_STACK_SIZE
	GUARD	bx_stack_guard_2
	STACK	bx_stack_double_fault, BX_X86_TRAP_STACK_SIZE
	GUARD	bx_stack_guard_3
	STACK	bx_stack_nmi, BX_X86_TRAP_STACK_SIZE
	GUARD	bx_stack_guard_4
	STACK	bx_stack_machine_check, BX_X86_TRAP_STACK_SIZE
	GUARD	bx_stack_guard_5

	.section .note.GNU-stack, "", @progbits
