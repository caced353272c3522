/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ring.c -- the pool of rings, and copies in and out of one.
 *
 * A ring has a power of two of bytes; byte number n of a stream lies at n modulo that.
 */
#include "transport.h"

/* A free ring holds the index of the next free one. */
uint32_t
bx_tcp_ring_take(struct bx_transport *t)
{
	uint32_t ring = t->ring_free;

	if (ring == NONE) {
		t->stats.tcp_no_ring++;
		return NONE;
	}
	__builtin_memcpy(&t->ring_free, t->rings + (size_t)ring * t->ring_stride, sizeof t->ring_free);
	t->ring_used++;
	return ring;
}

void
bx_tcp_ring_give(struct bx_transport *t, uint32_t ring)
{
	__builtin_memcpy(t->rings + (size_t)ring * t->ring_stride, &t->ring_free, sizeof t->ring_free);
	t->ring_free = ring;
	t->ring_used--;
}

/* How many of the length bytes lie before the ring's end. */
static inline uint32_t
first_part(const struct bx_transport *t, uint32_t at, uint32_t length)
{
	return min_u32(length, t->config.ring_bytes - at);
}

void
bx_tcp_ring_write(const struct bx_transport *t, uint8_t *ring, uint32_t offset, const uint8_t *bytes,
    uint32_t length)
{
	uint32_t at = offset & (t->config.ring_bytes - 1), first = first_part(t, at, length);

	memcpy(ring + at, bytes, first);
	if (first != length)
		memcpy(ring, bytes + first, length - first);
}

void
bx_tcp_ring_read(const struct bx_transport *t, const uint8_t *ring, uint32_t offset, uint8_t *bytes,
    uint32_t length)
{
	uint32_t at = offset & (t->config.ring_bytes - 1), first = first_part(t, at, length);

	memcpy(bytes, ring + at, first);
	if (first != length)
		memcpy(bytes + first, ring, length - first);
}

/* The sum of what follows an odd number of bytes has its bytes the other way round (RFC 1071, 2(B)). */
static inline uint64_t
sum_after(uint64_t sum, uint32_t before, uint64_t tail)
{
	return sum_around(sum, (before & 1) != 0 ? sum_of16(sum_fold(tail)) : tail);
}

uint64_t
bx_tcp_ring_write_sum(const struct bx_transport *t, uint8_t *ring, uint32_t offset,
    const uint8_t *bytes, uint32_t length, uint64_t sum)
{
	uint32_t at = offset & (t->config.ring_bytes - 1), first = first_part(t, at, length);

	sum = bx_net_raw_copy(ring + at, bytes, first, sum);
	if (first != length)
		sum = sum_after(sum, first, bx_net_raw_copy(ring, bytes + first, length - first, 0));
	return sum;
}

uint64_t
bx_tcp_ring_read_sum(const struct bx_transport *t, const uint8_t *ring, uint32_t offset,
    uint8_t *bytes, uint32_t length, uint64_t sum)
{
	uint32_t at = offset & (t->config.ring_bytes - 1), first = first_part(t, at, length);

	sum = bx_net_raw_copy(bytes, ring + at, first, sum);
	if (first != length)
		sum = sum_after(sum, first, bx_net_raw_copy(bytes + first, ring, length - first, 0));
	return sum;
}
