/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz-bytes.h -- for fuzz-long.sh, before every source: what base.h reads and writes in a byte order is one access.
 * A sanitizer looks at each access, and sees the eight of base.h before the compiler makes one of them: that took half
 * of a target's time.
 */
#ifndef FUZZ_BYTES_H
#define FUZZ_BYTES_H

#include <brainix/base.h>

BX_STATIC_ASSERT(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the other order swaps");

#define FUZZ_BYTES(bits, swap) \
	static inline uint##bits##_t \
	fuzz_get_le##bits(const uint8_t *b) \
	{ \
		uint##bits##_t v; \
		\
		__builtin_memcpy(&v, b, sizeof v); \
		return v; \
	} \
	static inline uint##bits##_t \
	fuzz_get_be##bits(const uint8_t *b) \
	{ \
		return swap(fuzz_get_le##bits(b)); \
	} \
	static inline void \
	fuzz_put_le##bits(uint8_t *b, uint##bits##_t v) \
	{ \
		__builtin_memcpy(b, &v, sizeof v); \
	} \
	static inline void \
	fuzz_put_be##bits(uint8_t *b, uint##bits##_t v) \
	{ \
		fuzz_put_le##bits(b, swap(v)); \
	}

FUZZ_BYTES(16, __builtin_bswap16)
FUZZ_BYTES(32, __builtin_bswap32)
FUZZ_BYTES(64, __builtin_bswap64)
#undef FUZZ_BYTES

#define bx_get_le16	fuzz_get_le16
#define bx_get_le32	fuzz_get_le32
#define bx_get_le64	fuzz_get_le64
#define bx_get_be16	fuzz_get_be16
#define bx_get_be32	fuzz_get_be32
#define bx_get_be64	fuzz_get_be64
#define bx_put_le16	fuzz_put_le16
#define bx_put_le32	fuzz_put_le32
#define bx_put_le64	fuzz_put_le64
#define bx_put_be16	fuzz_put_be16
#define bx_put_be32	fuzz_put_be32
#define bx_put_be64	fuzz_put_be64

#endif
