/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * brainix/sha256.h -- SHA-256.  Layer 1: needs base.h.  Source: FIPS 180-4, sections 4.1.2, 5 and 6.2.
 *
 *	bx_sha256_begin, then bx_sha256_blocks as often as wanted, then bx_sha256_end
 *
 * What is hashed comes in whole blocks and one last piece, so that nothing is buffered: the caller
 * who hashes records of 64 bytes pays nothing but the blocks.  Not meant for secrets: what it leaves on
 * the stack stays there.
 */
#ifndef BRAINIX_SHA256_H
#define BRAINIX_SHA256_H

#include <brainix/base.h>

#define BX_SHA256_BLOCK	64u
#define BX_SHA256_SIZE	32u

/* A hash under way.  Copy by assignment; no pointer into itself.  All zero bytes: not begun. */
struct bx_sha256 {
	uint32_t state[8];
	uint64_t length;		/* bytes so far, whole blocks */
};

void bx_sha256_begin(struct bx_sha256 *hash);

/* `count` blocks of 64 bytes from `bytes` on; any alignment.  O(count): about 2,500 instructions each. */
void bx_sha256_blocks(struct bx_sha256 *hash, const uint8_t *bytes, size_t count);

/* The last `length` bytes, 0 to 63 of them (`bytes` may be NULL for 0), and the digest of all.
 * *hash is spent: begin anew. */
void bx_sha256_end(struct bx_sha256 *hash, const uint8_t *bytes, size_t length,
    uint8_t digest[BX_SHA256_SIZE]);

#endif
