/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * memory.c -- the four functions that a compiler may call on its own (base.h), for programs.
 */
#include "memory.h"

void *memcpy(void *restrict to, const void *restrict from, size_t length);
void *memmove(void *to, const void *from, size_t length);
void *memset(void *to, int value, size_t length);
int memcmp(const void *a, const void *b, size_t length);

void *
memcpy(void *restrict to, const void *restrict from, size_t length)
{
	copy_up(to, from, length);
	return to;
}

void *
memmove(void *to, const void *from, size_t length)
{
	copy_any(to, from, length);
	return to;
}

void *
memset(void *to, int value, size_t length)
{
	fill(to, value, length);
	return to;
}

int
memcmp(const void *a, const void *b, size_t length)
{
	return compare(a, b, length);
}
