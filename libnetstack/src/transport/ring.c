/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ring.c -- copies in and out of a ring that go around its end; the others are in line (transport.h).
 *
 * A ring has a power of two of bytes; byte number n of a stream lies at n modulo that.
 */
#include "transport.h"

void
bx_tcp_ring_write_round(uint8_t *ring, uint32_t at, uint32_t first, const uint8_t *bytes, uint32_t length)
{
	memcpy(ring + at, bytes, first);
	memcpy(ring, bytes + first, length - first);
}

void
bx_tcp_ring_read_round(const uint8_t *ring, uint32_t at, uint32_t first, uint8_t *bytes, uint32_t length)
{
	memcpy(bytes, ring + at, first);
	memcpy(bytes + first, ring, length - first);
}

/* The sum of what follows an odd number of bytes has its bytes the other way round (RFC 1071, 2(B)). */
static inline uint64_t
sum_after(uint64_t sum, uint32_t before, uint64_t tail)
{
	return sum_around(sum, (before & 1) != 0 ? sum_of16(sum_fold(tail)) : tail);
}

uint64_t
bx_tcp_ring_write_sum_round(uint8_t *ring, uint32_t at, uint32_t first, const uint8_t *bytes, uint32_t length,
    uint64_t sum)
{
	sum = bx_net_raw_copy(ring + at, bytes, first, sum);
	return sum_after(sum, first, bx_net_raw_copy(ring, bytes + first, length - first, 0));
}

uint64_t
bx_tcp_ring_read_sum_round(const uint8_t *ring, uint32_t at, uint32_t first, uint8_t *bytes, uint32_t length,
    uint64_t sum)
{
	sum = bx_net_raw_copy(bytes, ring + at, first, sum);
	return sum_after(sum, first, bx_net_raw_copy(bytes + first, ring, length - first, 0));
}
