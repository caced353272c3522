/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz_sum.c -- XXH64 for `make fuzz-fs': the memory is asked about once for a block, not at every load, which takes
 * eight times as long as the sum.
 */
#include "support.h"

#include "../src/fs-internal.h"

#include <sanitizer/asan_interface.h>

/* src/xxh64.c without sanitizers. */
uint64_t bx_fsi_xxh64_plain(const void *data, size_t length, uint64_t seed);

uint64_t
bx_fsi_xxh64(const void *data, size_t length, uint64_t seed)
{
	uintptr_t start = (uintptr_t)data;

	/* The sanitizer only looks. */
	if (__asan_region_is_poisoned((void *)start, length) != NULL)
		die("a sum of %zu bytes that are not there", length);
	return bx_fsi_xxh64_plain(data, length, seed);
}
