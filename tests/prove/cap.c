/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * cap.c -- the functions of a public header, as a module to prove.  Before it, what a shift and a quotient are: a
 * prover knows the one only bit by bit and the other only by its remainder, so it gets there in steps, each
 * proved.
 */

/*@
lemma shift_1: \forall integer x; (x << 1) == 2 * x;
logic integer by_1(integer x) = x << 1;
lemma by_1: \forall integer x; by_1(x) == 2 * x;
lemma by_1_again: \forall integer x; by_1(x << 1) == (x << 2);
lemma shift_2: \forall integer x; (x << 2) == 4 * x;
logic integer by_2(integer x) = x << 2;
lemma by_2: \forall integer x; by_2(x) == 4 * x;
lemma by_2_again: \forall integer x; by_2(x << 2) == (x << 4);
lemma shift_4: \forall integer x; (x << 4) == 0x10 * x;
logic integer by_4(integer x) = x << 4;
lemma by_4: \forall integer x; by_4(x) == 0x10 * x;
lemma by_4_again: \forall integer x; by_4(x << 4) == (x << 8);
lemma shift_8: \forall integer x; (x << 8) == 0x100 * x;
logic integer by_8(integer x) = x << 8;
lemma by_8: \forall integer x; by_8(x) == 0x100 * x;
lemma by_8_again: \forall integer x; by_8(x << 8) == (x << 16);
lemma shift_16: \forall integer x; (x << 16) == 0x10000 * x;
logic integer by_16(integer x) = x << 16;
lemma by_16: \forall integer x; by_16(x) == 0x10000 * x;
lemma by_16_again: \forall integer x; by_16(x << 16) == (x << 32);
lemma shift_32: \forall integer x; (x << 32) == 0x100000000 * x;

lemma halves_32: \forall integer x; 0 <= x ==>
    x == x % 0x10000 + 0x10000 * ((x / 0x10000) % 0x10000) + 0x100000000 * (x / 0x100000000);
lemma halves_16: \forall integer x; 0 <= x ==>
    x % 0x10000 == x % 0x100 + 0x100 * ((x / 0x100) % 0x100);
*/

#include <brainix/cap.h>
