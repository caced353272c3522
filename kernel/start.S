/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * start.S -- the kernel's entry point: onto a stack of our own, then C.
 *
 * void bx_start(uint64_t boot_info);
 *	in   rdi = physical address of struct bx_boot_info; state as bootinfo.h says
 *	out  never
 */
	.section .text.bx_start, "ax", @progbits
	.globl	bx_start
	.hidden	bx_start
	.type	bx_start, @function
bx_start:
	endbr64
	cli
	cld
	lea	bx_stack_kernel(%rip), %rsp
	xor	%ebp, %ebp
	call	bx_kernel_main
	ud2
	.size	bx_start, . - bx_start

	.section .note.GNU-stack, "", @progbits
