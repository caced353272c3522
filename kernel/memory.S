/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * memory.S -- the four functions that a compiler may call.  General registers only; string
 * instructions, eight bytes at a time where it can be.
 *
 * void *memcpy(void *to, const void *from, size_t length);	in: rdi rsi rdx	out: rax = to
 * void *memmove(void *to, const void *from, size_t length);
 * void *memset(void *at, int value, size_t length);
 * int memcmp(const void *a, const void *b, size_t length);	out: eax <0, 0, >0
 */
	.macro	FUNCTION name
	.section .text.\name, "ax", @progbits
	.globl	\name
	.hidden	\name
	.type	\name, @function
\name:
	.endm

FUNCTION memcpy
	mov	%rdi, %rax
copy_up:
	mov	%rdx, %rcx
	shr	$3, %rcx
	rep movsq
	and	$7, %edx
	jz	1f
	mov	%edx, %ecx
	rep movsb
1:	ret
	.size	memcpy, . - memcpy

FUNCTION memmove
	mov	%rdi, %rax
	mov	%rdi, %rcx
	sub	%rsi, %rcx
	cmp	%rdx, %rcx			/* to - from, unsigned, below length: overlaps upwards */
	jae	copy_up
	lea	-1(%rdi, %rdx), %rdi		/* downwards: what is left over first, then words */
	lea	-1(%rsi, %rdx), %rsi
	mov	%edx, %ecx
	and	$7, %ecx
	std
	rep movsb
	sub	$7, %rdi
	sub	$7, %rsi
	mov	%rdx, %rcx
	shr	$3, %rcx
	rep movsq
	cld
	ret
	.size	memmove, . - memmove

FUNCTION memset
	mov	%rdi, %r8
	movzbl	%sil, %eax
	mov	$0x0101010101010101, %rcx
	imul	%rcx, %rax
	mov	%rdx, %rcx
	shr	$3, %rcx
	rep stosq
	and	$7, %edx
	jz	1f
	mov	%edx, %ecx
	rep stosb
1:	mov	%r8, %rax
	ret
	.size	memset, . - memset

FUNCTION memcmp
	mov	%rdx, %rcx
	xor	%eax, %eax			/* and ZF, for length 0 */
	repe cmpsb
	je	1f
	movzbl	-1(%rdi), %eax
	movzbl	-1(%rsi), %ecx
	sub	%ecx, %eax
	neg	%eax
1:	ret
	.size	memcmp, . - memcmp

	.section .note.GNU-stack, "", @progbits
