/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * sum.c -- the Internet checksum (RFC 1071), alone and while copying.
 *
 * Whole 64-bit words are added as the machine loads them.  While copying, the carry goes from one to the next and at last
 * back in: one instruction for eight bytes.
 */
#include "sum.h"

#include "mem.h"

/* The last, up to seven, bytes.  Each piece begins at an even place, and so may be added where it stands. */
static inline uint64_t
add_tail(const uint8_t *p, size_t length, uint64_t sum)
{
	uint64_t v = 0;

	if ((length & 4) != 0) {
		v = sum_load32(p);
		p += 4;
	}
	if ((length & 2) != 0) {
		v += sum_load16(p);
		p += 2;
	}
	if ((length & 1) != 0)
		v += p[0];
	return sum_around(sum, v);
}

uint64_t
bx_net_raw_sum(const uint8_t *p, size_t length, uint64_t sum)
{
	for (; length >= 32; p += 32, length -= 32) {
		sum = sum_around(sum, sum_load64(p));
		sum = sum_around(sum, sum_load64(p + 8));
		sum = sum_around(sum, sum_load64(p + 16));
		sum = sum_around(sum, sum_load64(p + 24));
	}
	for (; length >= 8; p += 8, length -= 8)
		sum = sum_around(sum, sum_load64(p));
	return length != 0 ? add_tail(p, length, sum) : sum;
}

struct bytes32 {
	uint8_t byte[32];
};

/* 32 bytes, which have just been copied.  No C makes both compilers keep the carry in its flag.  A sum that has carried
 * is at most 2^64 - 2: the last step cannot carry. */
static inline uint64_t
add_four(const uint8_t *p, uint64_t sum)
{
	__asm__("add (%1), %0\n\tadc 8(%1), %0\n\tadc 16(%1), %0\n\tadc 24(%1), %0\n\tadc $0, %0"
	    : "+r" (sum) : "r" (p), "m" (*(const struct bytes32 *)p) : "cc");
	return sum;
}

uint64_t
bx_net_raw_copy(uint8_t *t, const uint8_t *p, size_t length, uint64_t a)
{
	uint64_t b = 0;

	for (; length >= 64; p += 64, t += 64, length -= 64) {
		__builtin_memcpy(t, p, 64);
		a = add_four(p, a);
		b = add_four(p + 32, b);
	}
	a = sum_around(a, b);
	if ((length & 32) != 0) {
		__builtin_memcpy(t, p, 32);
		a = add_four(p, a);
		p += 32;
		t += 32;
		length -= 32;
	}
	for (; length >= 8; p += 8, t += 8, length -= 8) {
		uint64_t w = sum_load64(p);

		__builtin_memcpy(t, &w, 8);
		a = sum_around(a, w);
	}
	return length != 0 ? sum_copy_few(t, p, length, a) : a;
}

/* The public form: folded, in host order. */
static uint32_t
host_order(uint64_t sum, uint32_t before)
{
	return bx_net_sum_add((uint32_t)sum_of16(sum_fold(sum)), before);
}

uint32_t
bx_net_sum(const uint8_t *bytes, size_t length, uint32_t sum)
{
	return host_order(bx_net_raw_sum(bytes, length, 0), sum);
}

uint32_t
bx_net_sum_copy(uint8_t *target, const uint8_t *source, size_t length, uint32_t sum)
{
	return host_order(bx_net_raw_copy(target, source, length, 0), sum);
}

uint32_t
bx_net_sum_pseudo(const struct bx_net_addr *source, const struct bx_net_addr *destination,
    uint8_t protocol, uint32_t length)
{
	uint32_t sum = (uint32_t)sum_of16(sum_pseudo(source, destination, protocol));

	return bx_net_sum_add(sum, bx_net_sum_add(length >> 16, length & 0xffffu));
}
