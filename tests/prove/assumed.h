/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * assumed.h -- what the proofs take for granted.  Put before every module by run-prove; never compiled.
 *
 * Assumed, and why it has to be:
 *   the contract of memcpy below        it is the compiler's or the final program's, not ours
 *   BX_CAP_HIDE_VALUE does nothing      the prover reads no asm; this one has no instruction (cap.h)
 *   bx_panic does not return            the final program's; it is proved that nothing here calls it
 *   what a caller has to see to         each `requires' of a public function: libkcore and the servers,
 *                                       which keep them, are tested, not proved
 *   pointers that are only read through and written through are apart
 *                                       (memory model Typed+Ref: modules, third column; Frama-C prints
 *                                       these hypotheses as it goes); in libcap the forest, its array,
 *                                       the space and the results are different objects by cap.h
 *   fewer than 2^64 derivations         bx_cap_births, a number that only the proof has (logic.h)
 *   Frama-C, Why3, CVC4, Z3, and a compiler that follows the C standard with its own settings
 *                                       for x86-64 (-machdep gcc_x86_64)
 */
#include <stddef.h>
#include <stdint.h>

/* A compiler's own; the prover knows no builtin. */
/*@ requires \valid((uint8_t *)to + (0 .. length - 1));
  @ requires \valid_read((uint8_t *)from + (0 .. length - 1));
  @ requires \separated((uint8_t *)to + (0 .. length - 1), (uint8_t *)from + (0 .. length - 1));
  @ assigns ((uint8_t *)to)[0 .. length - 1]; */
void assumed_memcpy(void *to, const void *from, size_t length);
#define __builtin_memcpy assumed_memcpy
