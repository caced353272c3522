/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * memory.h -- copying, filling and comparing bytes, by string instructions: no loop here is one
 * that a compiler would turn into a call of the very function it implements.  Internal to libsys.
 *
 * SDM 2B, MOVS, STOS: with DF clear, as the ABI has it, addresses go up.  Words of eight bytes
 * first, since an emulator counts (and older processors take) a step for each.
 */
#ifndef BRAINIX_SYS_MEMORY_H
#define BRAINIX_SYS_MEMORY_H

#include <brainix/base.h>

static inline void
copy_up(void *to, const void *from, size_t length)
{
	size_t words = length / 8, rest = length % 8;

	__asm__ volatile("rep movsq" : "+D" (to), "+S" (from), "+c" (words) : : "memory");
	__asm__ volatile("rep movsb" : "+D" (to), "+S" (from), "+c" (rest) : : "memory");
}

/* From the last byte to the first, for a destination that begins inside the source. */
static inline void
copy_down(uint8_t *to, const uint8_t *from, size_t length)
{
	while (length-- > 0) {
		to[length] = from[length];
		__asm__ volatile("" : : : "memory");	/* stays a loop */
	}
}

static inline void
copy_any(void *to, const void *from, size_t length)
{
	if ((uintptr_t)to - (uintptr_t)from < length)
		copy_down(to, from, length);
	else
		copy_up(to, from, length);
}

static inline void
fill(void *to, int value, size_t length)
{
	uint64_t word = (uint8_t)value * 0x0101010101010101ull;
	size_t words = length / 8, rest = length % 8;

	__asm__ volatile("rep stosq" : "+D" (to), "+c" (words) : "a" (word) : "memory");
	__asm__ volatile("rep stosb" : "+D" (to), "+c" (rest) : "a" (word) : "memory");
}

static inline int
compare(const uint8_t *a, const uint8_t *b, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

#endif
