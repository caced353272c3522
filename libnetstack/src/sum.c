/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * sum.c -- the Internet checksum (RFC 1071), alone and while copying.
 *
 * A one's complement sum does not care for the order of bytes inside its words (RFC 1071, 2(B)): whole
 * 64-bit words are added as the machine loads them, the carry going back in, and only the folded result is
 * turned round.  Four accumulators keep the additions from waiting for one another.
 */
#include <brainix/net_buf.h>

static inline uint64_t
load64(const uint8_t *p)
{
	uint64_t v;

	__builtin_memcpy(&v, p, 8);
	return v;
}

static inline void
store64(uint8_t *p, uint64_t v)
{
	__builtin_memcpy(p, &v, 8);
}

/* a + b with the carry added back in: the compiler makes it add, adc. */
static inline uint64_t
add_around(uint64_t a, uint64_t b)
{
	a += b;
	return a + (a < b);
}

/* Up to seven last bytes, as the low bytes of a word that the machine would have loaded. */
static inline uint64_t
load_tail(const uint8_t *p, size_t length)
{
	uint8_t word[8] = { 0 };

	for (size_t i = 0; i < length; i++)
		word[i] = p[i];
	return load64(word);
}

/* 64 bits folded to 16 and put in host order; x86-64 is little-endian. */
static inline uint32_t
fold(uint64_t sum)
{
	uint32_t s;

	sum = (sum & 0xffffffffu) + (sum >> 32);
	sum = (sum & 0xffffffffu) + (sum >> 32);
	s = (uint32_t)sum;
	s = (s & 0xffffu) + (s >> 16);
	s = (s & 0xffffu) + (s >> 16);
	return (s >> 8 | s << 8) & 0xffffu;
}

uint32_t
bx_net_sum(const uint8_t *bytes, size_t length, uint32_t sum)
{
	uint64_t a = 0, b = 0, c = 0, d = 0;

	for (; length >= 32; bytes += 32, length -= 32) {
		a = add_around(a, load64(bytes));
		b = add_around(b, load64(bytes + 8));
		c = add_around(c, load64(bytes + 16));
		d = add_around(d, load64(bytes + 24));
	}
	for (; length >= 8; bytes += 8, length -= 8)
		a = add_around(a, load64(bytes));
	if (length != 0)
		b = add_around(b, load_tail(bytes, length));
	a = add_around(add_around(a, b), add_around(c, d));
	return bx_net_sum_add(fold(a), sum);
}

uint32_t
bx_net_sum_copy(uint8_t *target, const uint8_t *source, size_t length, uint32_t sum)
{
	uint64_t a = 0, b = 0, c = 0, d = 0;

	for (; length >= 32; source += 32, target += 32, length -= 32) {
		uint64_t w0 = load64(source), w1 = load64(source + 8);
		uint64_t w2 = load64(source + 16), w3 = load64(source + 24);

		store64(target, w0);
		store64(target + 8, w1);
		store64(target + 16, w2);
		store64(target + 24, w3);
		a = add_around(a, w0);
		b = add_around(b, w1);
		c = add_around(c, w2);
		d = add_around(d, w3);
	}
	for (; length >= 8; source += 8, target += 8, length -= 8) {
		uint64_t w = load64(source);

		store64(target, w);
		a = add_around(a, w);
	}
	if (length != 0) {
		b = add_around(b, load_tail(source, length));
		for (size_t i = 0; i < length; i++)
			target[i] = source[i];
	}
	a = add_around(add_around(a, b), add_around(c, d));
	return bx_net_sum_add(fold(a), sum);
}

uint32_t
bx_net_sum_pseudo(const struct bx_net_addr *source, const struct bx_net_addr *destination,
    uint8_t protocol, uint32_t length)
{
	uint64_t sum = (length >> 16) + (length & 0xffffu) + protocol;

	if (bx_net_addr_is_ipv4(source)) {
		sum += (uint64_t)bx_get_be32(source->byte + 12) + bx_get_be32(destination->byte + 12);
	} else {
		for (uint32_t i = 0; i < 16; i += 4)
			sum += (uint64_t)bx_get_be32(source->byte + i) + bx_get_be32(destination->byte + i);
	}
	sum = (sum & 0xffffffffu) + (sum >> 32);
	sum = (sum & 0xffffu) + (sum >> 16);
	sum = (sum & 0xffffu) + (sum >> 16);
	return (uint32_t)((sum & 0xffffu) + (sum >> 16));
}
