/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * assumed.h -- what the proofs take for granted about the outside.  Put before every module by
 * run-prove; never compiled.
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
