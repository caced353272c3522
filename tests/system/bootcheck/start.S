/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * start.S -- entry of the boot-contract test kernel: everything as it was handed over, to C.
 *
 *	void bx_check(uint64_t info, uint64_t stack);	rdi as it came, rsi = rsp as it came
 */
	.section .text.start, "ax", @progbits
	.globl	bx_start
	.type	bx_start, @function
bx_start:
	mov	%rsp, %rsi
	jmp	bx_check
	.size	bx_start, . - bx_start

/*
 * uint64_t bx_try(uint64_t address, uint64_t kind);
 *   in     rdi = address, rsi = 0 read, 1 write, 2 execute (a RET lies there)
 *   out    rax = 0: it went well, 1: it faulted
 * The page-fault gate of kernel.c points to bx_fault, which comes back here.
 */
	.text
	.globl	bx_try
	.type	bx_try, @function
bx_try:
	push	%rbx
	mov	%rsp, bx_try_stack(%rip)
	cmp	$1, %rsi
	je	1f
	ja	2f
	mov	(%rdi), %al
	jmp	3f
1:	mov	(%rdi), %al
	mov	%al, (%rdi)
	jmp	3f
2:	call	*%rdi
3:	xor	%eax, %eax
	pop	%rbx
	ret
	.globl	bx_fault
bx_fault:
	mov	bx_try_stack(%rip), %rsp
	mov	$1, %eax
	pop	%rbx
	ret
	.size	bx_try, . - bx_try

	.bss
	.balign	8
bx_try_stack:
	.skip	8
	.section .note.GNU-stack, "", @progbits
