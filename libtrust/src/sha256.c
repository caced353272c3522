/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * sha256.c -- SHA-256 (FIPS 180-4): functions of section 4.1.2, constants of 4.2.2 and 5.3.3, padding of
 * 5.1.1, computation of 6.2.2.  The message schedule is a ring of sixteen words, as in 6.2.
 */
#include <brainix/sha256.h>

void *memcpy(void *restrict to, const void *restrict from, size_t length);

static const uint32_t constants[64] = {
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
rotate(uint32_t word, unsigned bits)
{
	return word >> bits | word << (32 - bits);
}

/* The standard's working variables a to h stand in v[-t], v[1 - t], ... v[7 - t], all modulo 8: a round
 * writes two of them and turns the names by a place, where the standard moves all eight. */
static void
compress(uint32_t state[8], const uint8_t *block)
{
	uint32_t schedule[16], v[8];

	memcpy(v, state, sizeof v);
	for (unsigned t = 0; t < 64; t++) {
		uint32_t *word = &schedule[t % 16];
		uint32_t a = v[-t % 8], b = v[(1 - t) % 8], c = v[(2 - t) % 8], e = v[(4 - t) % 8];
		uint32_t f = v[(5 - t) % 8], g = v[(6 - t) % 8], h = v[(7 - t) % 8], one, two;

		if (t < 16) {
			*word = bx_get_be32(block + 4 * t);
		} else {
			uint32_t near = schedule[(t - 2) % 16], far = schedule[(t - 15) % 16];

			*word += (rotate(near, 17) ^ rotate(near, 19) ^ near >> 10) + schedule[(t - 7) % 16] +
			    (rotate(far, 7) ^ rotate(far, 18) ^ far >> 3);
		}
		one = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) +
		    constants[t] + *word;
		two = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
		v[(3 - t) % 8] += one;		/* e of the next round */
		v[(7 - t) % 8] = one + two;	/* and its a */
	}
	for (unsigned i = 0; i < 8; i++)
		state[i] += v[i];
}

void
bx_sha256_begin(struct bx_sha256 *hash)
{
	*hash = (struct bx_sha256){ .state = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	} };
}

void
bx_sha256_blocks(struct bx_sha256 *hash, const uint8_t *bytes, size_t count)
{
	for (; count > 0; count--, bytes += BX_SHA256_BLOCK) {
		compress(hash->state, bytes);
		hash->length += BX_SHA256_BLOCK;
	}
}

void
bx_sha256_end(struct bx_sha256 *hash, const uint8_t *bytes, size_t length,
    uint8_t digest[BX_SHA256_SIZE])
{
	uint8_t last[2 * BX_SHA256_BLOCK] = { 0 };
	size_t blocks = length < BX_SHA256_BLOCK - 8 ? 1 : 2;

	BX_ASSERT(length < BX_SHA256_BLOCK);
	if (length > 0)
		memcpy(last, bytes, length);
	last[length] = 0x80;
	bx_put_be64(last + blocks * BX_SHA256_BLOCK - 8, (hash->length + length) * 8);
	bx_sha256_blocks(hash, last, blocks);
	for (unsigned i = 0; i < 8; i++)
		bx_put_be32(digest + 4 * i, hash->state[i]);
}
