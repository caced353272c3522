/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * sha256.c -- SHA-256 of two byte strings in a row (FIPS 180-4, section 6.2).  libfs may
 * depend on nothing, so that it has its own; constants are those of section 4.2.2 and
 * 5.3.3.
 */
#include "fs-internal.h"

static const uint32_t k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t
rotate(uint32_t v, unsigned bits)
{
	return v >> bits | v << (32 - bits);
}

static void
compress(uint32_t h[8], const uint8_t block[64])
{
	/* The working variables of the standard; its h is v. */
	uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], v = h[7];
	uint32_t w[64];

	for (unsigned t = 0; t < 16; t++)
		w[t] = bx_get_be32(block + 4 * t);
	for (unsigned t = 16; t < 64; t++) {
		uint32_t x = w[t - 15], y = w[t - 2];

		w[t] = (rotate(y, 17) ^ rotate(y, 19) ^ y >> 10) + w[t - 7] +
		    (rotate(x, 7) ^ rotate(x, 18) ^ x >> 3) + w[t - 16];
	}
	/* Three rotations of one word are one after the other: 6, 11, 25 and 2, 13, 22 places in all. */
	for (unsigned t = 0; t < 64; t++) {
		uint32_t one = v + rotate(e ^ rotate(e ^ rotate(e, 14), 5), 6) + (g ^ (e & (f ^ g))) + k[t] + w[t];
		uint32_t two = rotate(a ^ rotate(a ^ rotate(a, 9), 11), 2) + ((a & b) | (c & (a | b)));

		v = g;
		g = f;
		f = e;
		e = d + one;
		d = c;
		c = b;
		b = a;
		a = one + two;
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
	h[5] += f;
	h[6] += g;
	h[7] += v;
}

/* `length` is a multiple of 64, `tail_length` at most 55: what the library needs, one
 * padded block. */
void
bx_fsi_sha256(const void *data, size_t length, const void *tail, size_t tail_length,
    uint8_t digest[32])
{
	uint32_t h[8] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	};
	uint8_t last[64] = { 0 };
	const uint8_t *p = data;

	BX_ASSERT(length % 64 == 0 && tail_length <= 55);
	for (size_t at = 0; at < length; at += 64)
		compress(h, p + at);
	if (tail_length > 0)
		memcpy(last, tail, tail_length);
	last[tail_length] = 0x80;
	bx_put_be64(last + 56, ((uint64_t)length + tail_length) * 8);
	compress(h, last);
	for (unsigned i = 0; i < 8; i++)
		bx_put_be32(digest + 4 * i, h[i]);
}
