/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * hash.c -- the keyed hash behind initial sequence numbers, ports and cookies: SipHash-2-4 over the four that name a
 * connection.
 */
#include "transport.h"

#include "../sip.h"

/* The message is the addresses, the ports and `extra`: six words, or three where the addresses are IPv4, or two where
 * `extra` fits beside the ports too (the length is part of the hash, so no message of one kind is one of another). */
uint64_t
bx_tcp_siphash(const uint64_t key[2], const struct tuple *tuple, uint64_t extra)
{
	uint64_t words[6];
	uint32_t n = 0;

	if (bx_net_addr_is_ipv4(&tuple->local) && bx_net_addr_is_ipv4(&tuple->remote)) {
		words[n++] = sum_load32(tuple->local.byte + 12) | (uint64_t)sum_load32(tuple->remote.byte + 12) << 32;
		if (extra >> 32 == 0) {
			words[n++] = tuple->ports | extra << 32;
			return sip_hash(key, words, n);
		}
	} else {
		words[n++] = sum_load64(tuple->local.byte);
		words[n++] = sum_load64(tuple->local.byte + 8);
		words[n++] = sum_load64(tuple->remote.byte);
		words[n++] = sum_load64(tuple->remote.byte + 8);
	}
	words[n++] = tuple->ports;
	words[n++] = extra;
	return sip_hash(key, words, n);
}

/* RFC 6528, 3: M + F(four, key); M ticks every 4 microseconds (RFC 9293, 3.4.1). */
uint32_t
bx_tcp_isn(const struct bx_transport *t, uint64_t now_us, const struct tuple *tuple)
{
	return (uint32_t)(now_us / 4) + (uint32_t)bx_tcp_siphash(t->key, tuple, 1);
}
