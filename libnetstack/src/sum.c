/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * sum.c -- the Internet checksum (RFC 1071), alone and while copying.
 *
 * Whole 64-bit words are added as the machine loads them, the carry going from one to the next and at last back in
 * (one instruction for eight bytes).  Two accumulators keep the additions from waiting for one another.
 */
#include "sum.h"

#include "mem.h"

/* Up to seven last bytes, as the low bytes of a word that the machine would have loaded. */
static inline uint64_t
load_tail(const uint8_t *p, size_t length)
{
	uint64_t v = 0;
	uint32_t shift = 0;

	if ((length & 4) != 0) {
		v = sum_load32(p);
		p += 4;
		shift = 32;
	}
	if ((length & 2) != 0) {
		v |= ((uint64_t)p[0] | (uint64_t)p[1] << 8) << shift;
		p += 2;
		shift += 16;
	}
	if ((length & 1) != 0)
		v |= (uint64_t)p[0] << shift;
	return v;
}

/* a + w[0] + ... + w[3], the carry going around. */
static inline uint64_t
add_four(uint64_t a, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
	unsigned long long s = a;
	uint8_t carry;

	carry = __builtin_ia32_addcarryx_u64(0, s, w0, &s);
	carry = __builtin_ia32_addcarryx_u64(carry, s, w1, &s);
	carry = __builtin_ia32_addcarryx_u64(carry, s, w2, &s);
	carry = __builtin_ia32_addcarryx_u64(carry, s, w3, &s);
	/* A sum that has carried is at most 2^64 - 2: it cannot carry again. */
	return s + carry;
}

uint64_t
bx_net_raw_sum(const uint8_t *bytes, size_t length, uint64_t a)
{
	uint64_t b = 0;

	for (; length >= 64; bytes += 64, length -= 64) {
		a = add_four(a, sum_load64(bytes), sum_load64(bytes + 8), sum_load64(bytes + 16),
		    sum_load64(bytes + 24));
		b = add_four(b, sum_load64(bytes + 32), sum_load64(bytes + 40), sum_load64(bytes + 48),
		    sum_load64(bytes + 56));
	}
	a = sum_around(a, b);
	for (; length >= 8; bytes += 8, length -= 8)
		a = sum_around(a, sum_load64(bytes));
	return length != 0 ? sum_around(a, load_tail(bytes, length)) : a;
}

/* Copies 32 bytes, and adds them. */
static inline uint64_t
copy_four(uint8_t *target, const uint8_t *source, uint64_t sum)
{
	uint64_t w0 = sum_load64(source), w1 = sum_load64(source + 8);
	uint64_t w2 = sum_load64(source + 16), w3 = sum_load64(source + 24);

	__builtin_memcpy(target, &w0, 8);
	__builtin_memcpy(target + 8, &w1, 8);
	__builtin_memcpy(target + 16, &w2, 8);
	__builtin_memcpy(target + 24, &w3, 8);
	return add_four(sum, w0, w1, w2, w3);
}

uint64_t
bx_net_raw_copy(uint8_t *target, const uint8_t *source, size_t length, uint64_t a)
{
	uint64_t b = 0;

	for (; length >= 64; source += 64, target += 64, length -= 64) {
		a = copy_four(target, source, a);
		b = copy_four(target + 32, source + 32, b);
	}
	a = sum_around(a, b);
	for (; length >= 8; source += 8, target += 8, length -= 8) {
		uint64_t w = sum_load64(source);

		__builtin_memcpy(target, &w, 8);
		a = sum_around(a, w);
	}
	if (length == 0)
		return a;
	a = sum_around(a, load_tail(source, length));
	for (size_t i = 0; i < length; i++)
		target[i] = source[i];
	return a;
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
