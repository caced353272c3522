/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * sum.h -- Internet checksums inside the library: raw sums.
 *
 * A raw sum is a 64-bit one's complement sum of words as the machine loads them.  It does not care for their order of
 * bytes (RFC 1071, 2(B)), so it is folded only at the end, and is written to a header as it is.
 */
#ifndef NETSTACK_SUM_H
#define NETSTACK_SUM_H

#include <brainix/net_buf.h>

static inline uint64_t
sum_load64(const uint8_t *p)
{
	uint64_t v;

	__builtin_memcpy(&v, p, 8);
	return v;
}

static inline uint32_t
sum_load32(const uint8_t *p)
{
	uint32_t v;

	__builtin_memcpy(&v, p, 4);
	return v;
}

static inline uint32_t
sum_load16(const uint8_t *p)
{
	uint16_t v;

	__builtin_memcpy(&v, p, 2);
	return v;
}

/* a + b with the carry added back in: the compiler makes it add, adc. */
static inline uint64_t
sum_around(uint64_t a, uint64_t b)
{
	a += b;
	return a + (a < b);
}

/* A header: length is a multiple of four, and at least 20. */
static inline uint64_t
sum_head(const uint8_t *p, uint32_t length, uint64_t sum)
{
	sum = sum_around(sum, sum_load64(p));
	sum = sum_around(sum, sum_load64(p + 8));
	sum = sum_around(sum, sum_load32(p + 16));
	for (uint32_t i = 20; i < length; i += 4)
		sum = sum_around(sum, sum_load32(p + i));
	return sum;
}

/* Folded to 16 bits, in the order of the machine.  The halves are added crosswise: what the lower sum carries comes to
 * the upper one, and that is the sum with its carry added back in. */
static inline uint32_t
sum_fold(uint64_t sum)
{
	uint32_t s = (uint32_t)((sum + (sum >> 32 | sum << 32)) >> 32);

	return (s + (s >> 16 | s << 16)) >> 16;
}

/* A 16-bit number as it stands on the wire, to be added to a raw sum. */
static inline uint64_t
sum_of16(uint32_t v)
{
	return __builtin_bswap16((uint16_t)v);
}

/* A 32-bit number as it stands on the wire, as the machine would load it. */
static inline uint32_t
sum_of32(uint32_t v)
{
	return __builtin_bswap32(v);
}

static inline uint64_t
sum_of64(uint64_t v)
{
	return __builtin_bswap64(v);
}

/* What a checksum field holds, as the machine loads it. */
static inline uint64_t
sum_field(uint64_t sum)
{
	return (uint16_t)~sum_fold(sum);
}

/* The checksum field, complemented. */
static inline void
sum_put(uint8_t field[2], uint64_t sum)
{
	uint16_t v = (uint16_t)sum_field(sum);

	__builtin_memcpy(field, &v, 2);
}

uint64_t bx_net_raw_sum(const uint8_t *bytes, size_t length, uint64_t sum);
uint64_t bx_net_raw_copy(uint8_t *target, const uint8_t *source, size_t length, uint64_t sum);

/* Copies up to seven bytes and adds them; each piece begins at an even place. */
static inline uint64_t
sum_copy_few(uint8_t *t, const uint8_t *p, size_t length, uint64_t sum)
{
	uint64_t v = 0;

	if ((length & 4) != 0) {
		v = sum_load32(p);
		__builtin_memcpy(t, p, 4);
		p += 4;
		t += 4;
	}
	if ((length & 2) != 0) {
		v += sum_load16(p);
		__builtin_memcpy(t, p, 2);
		p += 2;
		t += 2;
	}
	if ((length & 1) != 0) {
		v += p[0];
		t[0] = p[0];
	}
	return sum_around(sum, v);
}

/* The same for any number: for a few a call is more than the copy. */
static inline uint64_t
sum_copy(uint8_t *t, const uint8_t *p, size_t length, uint64_t sum)
{
	return length < 8 ? sum_copy_few(t, p, length, sum) : bx_net_raw_copy(t, p, length, sum);
}

/* The pseudo header without the length, folded. */
static inline uint32_t
sum_pseudo(const struct bx_net_addr *a, const struct bx_net_addr *b, uint32_t protocol)
{
	uint64_t sum = sum_of16(protocol);

	if (bx_net_addr_is_ipv4(a)) {
		sum += (uint64_t)sum_load32(a->byte + 12) + sum_load32(b->byte + 12);
	} else {
		for (uint32_t i = 0; i < 16; i += 4)
			sum += (uint64_t)sum_load32(a->byte + i) + sum_load32(b->byte + i);
	}
	return sum_fold(sum);
}

#endif
