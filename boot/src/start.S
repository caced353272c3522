/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * start.S -- the multiboot2 header, the two entry points, and the jump to the kernel.
 *
 * Position-independent in both modes: GRUB moves the image as a whole and relocates nothing.
 * Everything here lies in one section, so that differences of labels are constants.
 */
#include <brainix/bootinfo.h>
#include "memory.h"

#define MSR_EFER	0xc0000080
#define EFER_LME	0x100
#define EFER_NXE	0x800
#define CR0_PG_WP_PE	0x80010001
#define CR4_PAE		0x20
#define CPUID_LM_BIT	29
#define CPUID_NX_BIT	20
#define CODE64		0x08
#define DATA		0x10

#define COM1		0x3f8

/* Multiboot2 Specification 2.0, 3.1: in the first 32 KiB of the file, 8-aligned. */
	.section .start, "ax", @progbits
	.balign	8
header:
	.long	0xe85250d6			/* magic */
	.long	0				/* architecture: i386 */
	.long	header_end - header
	.long	-(0xe85250d6 + (header_end - header))

	/* 3.1.5: 32-bit entry.  Addresses in the header are those of the link; GRUB moves them. */
	.balign	8
	.short	3, 0
	.long	12
	.long	BX_BOOT_LINK_BASE + bx_boot_entry_bios - image
	/* 3.1.9: leave the UEFI boot services running. */
	.balign	8
	.short	7, 0
	.long	8
	/* 3.1.8: UEFI amd64 entry. */
	.balign	8
	.short	9, 0
	.long	12
	.long	BX_BOOT_LINK_BASE + bx_boot_entry_efi - image
	/* 3.1.10: modules begin on pages. */
	.balign	8
	.short	6, 0
	.long	8
	/* 3.1.7: a framebuffer, if there is one (optional: flag bit 0). */
	.balign	8
	.short	5, 1
	.long	20
	.long	1024, 768, 32
	/* 3.1.11: anywhere on a page from 1 MiB to 4 GiB, lowest first. */
	.balign	8
	.short	10, 0
	.long	24
	.long	0x100000, 0xffffffff, 4096, 1
	/* 3.1.3: the end. */
	.balign	8
	.short	0, 0
	.long	8
header_end:
	.set	image, header			/* boot.ld puts this section first */
	.globl	bx_boot_link_base
	.set	bx_boot_link_base, BX_BOOT_LINK_BASE

/*
 * BIOS, 3.3: 32-bit protected mode without paging, eax = magic, ebx = boot information, no stack.
 */
	.code32
	.globl	bx_boot_entry_bios
	.type	bx_boot_entry_bios, @function
bx_boot_entry_bios:
	cli
	cld
	mov	%eax, %esi
	rdtsc
	mov	%eax, %edi
	mov	%edx, %ebp
	/* Where are we?  A call needs four bytes of stack before there is one: the second word of
	 * the boot information is reserved and zero (3.6.2). */
	cmp	$0x36d76289, %esi
	jne	stop
	lea	8(%ebx), %esp
	call	1f
1:	pop	%edx
	movl	$0, 4(%ebx)
	lea	bx_boot_stack_end - 1b(%edx), %esp
	push	%ebp				/* entry ticks, 8 bytes at the end of the stack */
	push	%edi
	lea	image - 1b(%edx), %ebp		/* ebp = where we are, from here on */
	push	%ebx

	/* CPUID, long mode and no-execute, or nothing. */
	pushf
	pop	%eax
	mov	%eax, %ecx
	xor	$0x200000, %eax			/* EFLAGS.ID */
	push	%eax
	popf
	pushf
	pop	%eax
	xor	%ecx, %eax
	lea	no_long_mode - image(%ebp), %esi
	test	$0x200000, %eax
	jz	refuse
	mov	$0x80000000, %eax
	cpuid
	lea	no_long_mode - image(%ebp), %esi
	cmp	$0x80000001, %eax
	jb	refuse
	mov	$0x80000001, %eax
	cpuid
	bt	$CPUID_LM_BIT, %edx
	jnc	refuse
	lea	no_execute - image(%ebp), %esi
	bt	$CPUID_NX_BIT, %edx
	jnc	refuse

	/* First tables: 4 GiB as they are, in 2 MiB pages: root, pointers, four directories. */
	lea	bx_boot_first_tables - image(%ebp), %edi
	lea	0x1003(%edi), %eax		/* present, writable */
	mov	%eax, (%edi)
	lea	0x2003(%edi), %eax
	xor	%ecx, %ecx
1:	mov	%eax, 0x1000(%edi, %ecx, 8)
	add	$0x1000, %eax
	inc	%ecx
	cmp	$4, %ecx
	jb	1b
	mov	$0x83, %eax			/* present, writable, large */
	xor	%ecx, %ecx
2:	mov	%eax, 0x2000(%edi, %ecx, 8)
	add	$0x200000, %eax
	inc	%ecx
	cmp	$2048, %ecx
	jb	2b

	mov	$CR4_PAE, %eax
	mov	%eax, %cr4
	mov	%edi, %cr3
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$(EFER_LME | EFER_NXE), %eax
	wrmsr
	mov	$CR0_PG_WP_PE, %eax
	mov	%eax, %cr0

	pop	%ebx
	lea	bx_boot_gdt - image(%ebp), %eax
	sub	$8, %esp
	movw	$(bx_boot_gdt_end - bx_boot_gdt - 1), (%esp)
	mov	%eax, 2(%esp)
	lgdt	(%esp)
	add	$8, %esp
	lea	enter_64 - image(%ebp), %eax
	push	$CODE64
	push	%eax
	lret
	.size	bx_boot_entry_bios, . - bx_boot_entry_bios

/* Says the line at esi, then stops.  No stack. */
refuse:
	mov	$COM1 + 3, %dx
	mov	$0x80, %al
	out	%al, %dx
	mov	$COM1, %dx
	mov	$1, %al				/* 115200 */
	out	%al, %dx
	inc	%dx
	xor	%eax, %eax
	out	%al, %dx
	mov	$COM1 + 3, %dx
	mov	$3, %al				/* 8N1 */
	out	%al, %dx
1:	mov	$COM1 + 5, %dx
	mov	$0x100000, %ecx
2:	in	%dx, %al
	test	$0x20, %al
	loopz	2b
	lodsb
	test	%al, %al
	jz	stop
	mov	$COM1, %dx
	out	%al, %dx
	jmp	1b
stop:
	cli
	hlt
	jmp	stop

no_long_mode:
	.asciz	"\r\nBraiNIX boot: this processor has no 64-bit mode; stopped\r\n"
no_execute:
	.asciz	"\r\nBraiNIX boot: this processor cannot forbid execution (NX); stopped\r\n"

	.code64
enter_64:
	mov	$DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %fs
	mov	%eax, %gs
	mov	%eax, %ss
	mov	%esp, %esp			/* the upper half is undefined after the switch */
	pop	%rdi				/* entry ticks: the stack is empty and aligned now */
	mov	%ebx, %esi
	mov	$0x36d76289, %edx
	xor	%ecx, %ecx
	xor	%ebp, %ebp
	call	bx_boot_main

/*
 * UEFI, 3.4: 64-bit mode by the firmware's tables (all memory identity-mapped), boot services
 * running, eax = magic, ebx = boot information.  The firmware's interrupts stay on, so its own
 * descriptor tables do too.
 */
	.globl	bx_boot_entry_efi
	.type	bx_boot_entry_efi, @function
bx_boot_entry_efi:
	cld
	mov	%eax, %ecx
	rdtsc
	shl	$32, %rdx
	lea	(%rdx, %rax), %rdi
	mov	%ebx, %esi
	mov	%ecx, %edx
	mov	$1, %ecx
	lea	bx_boot_stack_end(%rip), %rsp
	xor	%ebp, %ebp
	call	bx_boot_main
	.size	bx_boot_entry_efi, . - bx_boot_entry_efi

/*
 * The jump.  In a page of its own: the only one that both the present tables and the new ones map
 * at its physical address.
 */
	.section .trampoline, "ax", @progbits
	.balign	4096
	.globl	bx_boot_trampoline
bx_boot_trampoline:
	.balign	16
bx_boot_gdt:					/* accessed bits set: this page is read-only */
	.quad	0
	.quad	0x00af9b000000ffff		/* CODE64 */
	.quad	0x00cf93000000ffff		/* DATA */
bx_boot_gdt_end:
	.balign	16
no_idt:						/* any exception from here on resets the machine */
	.quad	0, 0

/*
 * void bx_boot_jump(uint64_t root, uint64_t info, uint64_t stack, uint64_t entry);
 *   in     rdi = root, rsi = info, rdx = end of the kernel's first stack, rcx = entry
 *   out    the state that bootinfo.h describes
 */
	.globl	bx_boot_jump
	.type	bx_boot_jump, @function
bx_boot_jump:
	cli
	mov	%rcx, %r8
	mov	%rdx, %r9
	lidt	no_idt(%rip)
	sub	$16, %rsp
	lea	bx_boot_gdt(%rip), %rax
	movw	$(bx_boot_gdt_end - bx_boot_gdt - 1), (%rsp)
	mov	%rax, 2(%rsp)
	lgdt	(%rsp)
	lea	1f(%rip), %rax
	push	$CODE64
	push	%rax
	lretq
1:	mov	$DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %fs
	mov	%eax, %gs
	mov	%eax, %ss

	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_NXE, %eax
	wrmsr
	mov	$CR4_PAE, %eax			/* global pages off: nothing of the old tables stays */
	mov	%rax, %cr4
	mov	%rdi, %cr3
	mov	$CR0_PG_WP_PE, %eax
	mov	%rax, %cr0

	mov	%r9, %rsp
	push	$0				/* no return address; rsp is 16-aligned minus 8 */
	mov	%rsi, %rdi
	mov	%r8, %rax
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%ebx, %ebx
	xor	%esi, %esi
	xor	%ebp, %ebp
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	xor	%r12d, %r12d
	xor	%r13d, %r13d
	xor	%r14d, %r14d
	xor	%r15d, %r15d
	jmp	*%rax
	.size	bx_boot_jump, . - bx_boot_jump

	.text
	.globl	bx_boot_stop
	.type	bx_boot_stop, @function
bx_boot_stop:
	cli
1:	hlt
	jmp	1b
	.size	bx_boot_stop, . - bx_boot_stop

	.bss
	.balign	4096
bx_boot_first_tables:
	.skip	6 * 4096
	.skip	BX_BOOT_STACK_SIZE
bx_boot_stack_end:
	.section .note.GNU-stack, "", @progbits
