/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * sip.h -- a keyed hash of words: SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", section 2).
 * Behind sequence numbers, ports, cookies and interface identifiers.
 */
#ifndef NETSTACK_SIP_H
#define NETSTACK_SIP_H

#include <brainix/base.h>

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t
sip_rotate(uint64_t v, uint32_t n)
{
	return v << n | v >> (64 - n);
}

static inline void
sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = sip_rotate(s->v1, 13) ^ s->v0;
	s->v3 = sip_rotate(s->v3, 16) ^ s->v2;
	s->v0 = sip_rotate(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = sip_rotate(s->v1, 17) ^ s->v2;
	s->v3 = sip_rotate(s->v3, 21) ^ s->v0;
	s->v2 = sip_rotate(s->v2, 32);
}

static inline void
sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	sip_round(s);
	s->v0 ^= word;
}

static inline struct sip
sip_begin(const uint64_t key[2])
{
	return (struct sip){
		key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
		key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u,
	};
}

/* After n words, 8 n bytes; n is at most 31. */
static inline uint64_t
sip_end(struct sip *s, uint32_t n)
{
	sip_word(s, (uint64_t)(n * 8u) << 56);
	s->v2 ^= 0xff;
	for (uint32_t i = 0; i < 4; i++)
		sip_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static inline uint64_t
sip_hash(const uint64_t key[2], const uint64_t *words, uint32_t n)
{
	struct sip s = sip_begin(key);

	for (uint32_t i = 0; i < n; i++)
		sip_word(&s, words[i]);
	return sip_end(&s, n);
}

#endif
