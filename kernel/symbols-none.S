/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * symbols-none.S -- the symbol table of the first link: empty, in the place of the real one.
 */
	.section .bx_symbols, "a", @progbits
	.globl	bx_symbol_count, bx_symbols, bx_symbol_names
	.hidden	bx_symbol_count, bx_symbols, bx_symbol_names
	.balign	8
bx_symbols:
bx_symbol_count:
	.long	0
bx_symbol_names:
	.asciz	""
	.section .note.GNU-stack, "", @progbits
