/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * entry.S -- a program's first instruction.
 *
 *	in	rdi launch block, rsi its length, rdx argument bytes, r8 their length (abi.h);
 *		rsp the end of the stack, all other registers 0
 *	out	bx_sys_enter(rdi, rsi, rdx, r8), which does not return
 *
 * The stack at the call: 16-aligned, and rbp 0 ends the chain of frames.
 */
	.text
	.globl	bx_start
	.type	bx_start, @function
bx_start:
	endbr64
	xor	%ebp, %ebp
	and	$-16, %rsp
	mov	%r8, %rcx
	call	bx_sys_enter
	ud2
	.size	bx_start, . - bx_start

	.section .note.GNU-stack, "", @progbits
