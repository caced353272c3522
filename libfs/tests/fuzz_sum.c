/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz_sum.c -- XXH64 for `make fuzz-fs': the memory is asked about once for a block, not at every load, which takes
 * eight times as long as the sum; and blocks that were summed before, as most are from one input to the next, are only
 * compared.
 */
#include "support.h"

#include "../src/fs-internal.h"

#include <sanitizer/asan_interface.h>

#define BLOCKS 512u

/* Of each seed, which is a place and a generation, the block that was summed last. */
static struct summed {
	uint8_t bytes[BX_FS_BLOCK];
	uint64_t seed, sum;
	bool made;
} summed[BLOCKS];

/* src/xxh64.c without sanitizers. */
uint64_t bx_fsi_xxh64_plain(const void *data, size_t length, uint64_t seed);

static uint64_t
sum_of_block(const void *data, uint64_t seed)
{
	struct summed *s = &summed[seed * UINT64_C(0x9E3779B185EBCA87) >> 32 & (BLOCKS - 1)];

	if (s->made && s->seed == seed && memcmp(s->bytes, data, BX_FS_BLOCK) == 0)
		return s->sum;
	s->seed = seed;
	s->sum = bx_fsi_xxh64_plain(data, BX_FS_BLOCK, seed);
	s->made = true;
	memcpy(s->bytes, data, BX_FS_BLOCK);
	return s->sum;
}

uint64_t
bx_fsi_xxh64(const void *data, size_t length, uint64_t seed)
{
	uintptr_t start = (uintptr_t)data;

	/* The sanitizer only looks. */
	if (__asan_region_is_poisoned((void *)start, length) != NULL)
		die("a sum of %zu bytes that are not there", length);
	return length == BX_FS_BLOCK ? sum_of_block(data, seed) : bx_fsi_xxh64_plain(data, length, seed);
}
