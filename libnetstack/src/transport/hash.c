/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * hash.c -- the keyed hash behind initial sequence numbers, ports and cookies: SipHash-2-4 over the four that name a
 * connection.
 */
#include "transport.h"

#include "../sip.h"

/* The message is six words: two addresses, the ports, `extra`. */
uint64_t
bx_tcp_siphash(const uint64_t key[2], const struct tuple *tuple, uint64_t extra)
{
	struct sip s = sip_begin(key);

	sip_word(&s, bx_get_le64(tuple->local.byte));
	sip_word(&s, bx_get_le64(tuple->local.byte + 8));
	sip_word(&s, bx_get_le64(tuple->remote.byte));
	sip_word(&s, bx_get_le64(tuple->remote.byte + 8));
	sip_word(&s, (uint64_t)tuple->local_port << 16 | tuple->remote_port);
	sip_word(&s, extra);
	return sip_end(&s, 6);
}

/* RFC 6528, 3: M + F(four, key); M ticks every 4 microseconds (RFC 9293, 3.4.1). */
uint32_t
bx_tcp_isn(const struct bx_transport *t, uint64_t now_us, const struct tuple *tuple)
{
	return (uint32_t)(now_us / 4) + (uint32_t)bx_tcp_siphash(t->key, tuple, 1);
}
