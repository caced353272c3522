/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * mem.c -- the four functions that a compiler may call on its own.
 * Written with string instructions: loops would be turned back into calls of themselves.
 */
#include "boot.h"

void *
memcpy(void *to, const void *from, size_t size)
{
	void *result = to;

	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
	return result;
}

void *
memmove(void *to, const void *from, size_t size)
{
	if ((uintptr_t)to - (uintptr_t)from >= size)
		return memcpy(to, from, size);

	/* `to` lies inside [from, from + size): backwards. */
	uint8_t *to_last = (uint8_t *)to + size - 1;
	const uint8_t *from_last = (const uint8_t *)from + size - 1;
	__asm__ volatile("std; rep movsb; cld"
	    : "+D"(to_last), "+S"(from_last), "+c"(size) : : "memory", "cc");
	return to;
}

void *
memset(void *to, int byte, size_t size)
{
	void *result = to;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"((uint8_t)byte) : "memory");
	return result;
}

int
memcmp(const void *a, const void *b, size_t size)
{
	const uint8_t *x = a, *y = b;

	for (size_t i = 0; i < size; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}
