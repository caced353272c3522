/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * xxh64.c -- the XXH64 checksum, from its specification ("xxHash fast digest algorithm",
 * version 0.1.1, section "XXH64 Algorithm Description").
 */
#include "fs-internal.h"

#define PRIME_1 UINT64_C(0x9E3779B185EBCA87)
#define PRIME_2 UINT64_C(0xC2B2AE3D27D4EB4F)
#define PRIME_3 UINT64_C(0x165667B19E3779F9)
#define PRIME_4 UINT64_C(0x85EBCA77C2B2AE63)
#define PRIME_5 UINT64_C(0x27D4EB2F165667C5)

static inline uint64_t
rotate(uint64_t v, unsigned bits)
{
	return v << bits | v >> (64 - bits);
}

static inline uint64_t
round_of(uint64_t accumulator, uint64_t lane)
{
	return rotate(accumulator + lane * PRIME_2, 31) * PRIME_1;
}

uint64_t
bx_fsi_xxh64(const void *data, size_t length, uint64_t seed)
{
	const uint8_t *p = data;
	size_t left = length;
	uint64_t h;

	if (left >= 32) {
		uint64_t a = seed + PRIME_1 + PRIME_2;
		uint64_t b = seed + PRIME_2;
		uint64_t c = seed;
		uint64_t d = seed - PRIME_1;

		for (; left >= 32; p += 32, left -= 32) {
			a = round_of(a, bx_get_le64(p));
			b = round_of(b, bx_get_le64(p + 8));
			c = round_of(c, bx_get_le64(p + 16));
			d = round_of(d, bx_get_le64(p + 24));
		}
		h = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
		for (unsigned i = 0; i < 4; i++) {
			h = (h ^ round_of(0, a)) * PRIME_1 + PRIME_4;
			a = b;
			b = c;
			c = d;
		}
	} else {
		h = seed + PRIME_5;
	}
	h += length;
	for (; left >= 8; p += 8, left -= 8)
		h = rotate(h ^ round_of(0, bx_get_le64(p)), 27) * PRIME_1 + PRIME_4;
	if (left >= 4) {
		h = rotate(h ^ bx_get_le32(p) * PRIME_1, 23) * PRIME_2 + PRIME_3;
		p += 4;
		left -= 4;
	}
	for (; left > 0; p++, left--)
		h = rotate(h ^ *p * PRIME_5, 11) * PRIME_1;
	h = (h ^ h >> 33) * PRIME_2;
	h = (h ^ h >> 29) * PRIME_3;
	return h ^ h >> 32;
}
