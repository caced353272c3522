/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * mem.h -- the four functions of <string.h> that a freestanding program has, and the small helpers that
 * every stage uses.
 */
#ifndef NETSTACK_MEM_H
#define NETSTACK_MEM_H

#include <brainix/base.h>

void *memcpy(void *restrict target, const void *restrict source, size_t n);
void *memmove(void *target, const void *source, size_t n);
void *memset(void *target, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);

/* All zero.  For what has many fields: where a compiler sees the size it writes `rep stos', which is long in beginning. */
void bx_net_clear(void *p, size_t size);

/* A function that its caller's short way must not pay for: in line it would need registers saved. */
#define APART	__attribute__((noinline))
/* And one that is to be in line in each of its places: a short way. */
#define IN_LINE	inline __attribute__((always_inline))

/* memcpy, where a few bytes are likely: for those a call is more than the copy. */
static inline void
copy_short(uint8_t *t, const uint8_t *p, size_t n)
{
	if (n >= 8) {
		memcpy(t, p, n);
		return;
	}
	if ((n & 4) != 0) {
		__builtin_memcpy(t, p, 4);
		t += 4;
		p += 4;
	}
	if ((n & 2) != 0) {
		__builtin_memcpy(t, p, 2);
		t += 2;
		p += 2;
	}
	if ((n & 1) != 0)
		t[0] = p[0];
}

/* Carves arrays out of the caller's block; with a NULL block it only measures. */
struct carve {
	uint8_t *block;
	size_t used;
};

static inline void *
carve_take(struct carve *c, size_t count, size_t size)
{
	size_t at = (size_t)bx_align_up(c->used, 64);

	c->used = at + count * size;
	return c->block == NULL ? NULL : c->block + at;
}

/* What every _init says of the block it is given; `need` is what _size says, 0 for a wrong configuration. */
static inline enum bx_err
carve_check(const void *memory, size_t size, size_t need)
{
	if (need == 0)
		return BX_ERR_INVALID;
	if (memory == NULL || !bx_is_aligned((uintptr_t)memory, 64))
		return BX_ERR_ALIGN;
	return size < need ? BX_ERR_NO_MEMORY : BX_OK;
}

static inline uint32_t
min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static inline uint32_t
max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static inline uint64_t
min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A step of splitmix64: spreads a seed.  For jitter and for mixing, not for secrets. */
static inline uint64_t
mix64(uint64_t v)
{
	v += 0x9e3779b97f4a7c15u;
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9u;
	v = (v ^ v >> 27) * 0x94d049bb133111ebu;
	return v ^ v >> 31;
}

/* The next pseudo-random word of *state. */
static inline uint32_t
random_next(uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15u;
	return (uint32_t)(mix64(*state) >> 32);
}

#endif
