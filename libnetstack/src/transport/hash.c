/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * hash.c -- the keyed hash behind initial sequence numbers, ports and cookies: SipHash-2-4 (Aumasson and
 * Bernstein, "SipHash: a fast short-input PRF", section 2), over the four that name a connection.
 */
#include "transport.h"

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t
rotate(uint64_t v, uint32_t n)
{
	return v << n | v >> (64 - n);
}

static inline void
sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 = rotate(s->v2, 32);
}

static inline void
sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	sip_round(s);
	s->v0 ^= word;
}

/* The message is six words, 48 bytes: two addresses, the ports, `extra`. */
uint64_t
bx_tcp_siphash(const uint64_t key[2], const struct tuple *tuple, uint64_t extra)
{
	struct sip s = {
		key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
		key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u,
	};

	sip_word(&s, bx_get_le64(tuple->local.byte));
	sip_word(&s, bx_get_le64(tuple->local.byte + 8));
	sip_word(&s, bx_get_le64(tuple->remote.byte));
	sip_word(&s, bx_get_le64(tuple->remote.byte + 8));
	sip_word(&s, (uint64_t)tuple->local_port << 16 | tuple->remote_port);
	sip_word(&s, extra);
	sip_word(&s, (uint64_t)48 << 56);
	s.v2 ^= 0xff;
	for (uint32_t i = 0; i < 4; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/* RFC 6528, 3: M + F(four, key); M ticks every 4 microseconds (RFC 9293, 3.4.1). */
uint32_t
bx_tcp_isn(const struct bx_transport *t, uint64_t now_us, const struct tuple *tuple)
{
	return (uint32_t)(now_us / 4) + (uint32_t)bx_tcp_siphash(t->key, tuple, 1);
}
