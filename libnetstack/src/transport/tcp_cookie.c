/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tcp_cookie.c -- SYN cookies (RFC 4987, 3.6, and appendix A): a sequence number that proves that its holder has
 * received our SYN-ACK.
 *
 *   bits 31..27 a count of 67 s | 26..24 an entry of the table of segment sizes | 23..0 keyed hash
 *
 * Such a connection has no options but the segment size.
 */
#include "transport.h"

#define PERIOD_SHIFT	26u	/* of microseconds */
#define PERIODS		2u	/* how old a cookie may be */
#define BELIEVED_MS	(PERIODS * 67109u)

static const uint16_t sizes[8] = { 216, 536, 1220, 1360, 1400, 1440, 1460, 8960 };

static uint32_t
cookie_hash(const struct bx_transport *t, const struct tuple *tuple, uint32_t irs, uint32_t head)
{
	return (uint32_t)bx_tcp_siphash(t->key, tuple, (uint64_t)irs << 32 | head << 8 | 3u) & 0xffffffu;
}

uint32_t
bx_tcp_cookie_make(const struct bx_transport *t, uint64_t now_us, const struct segment *s,
    const struct tuple *tuple)
{
	uint32_t mss = s->mss != 0 ? s->mss : MSS_DEFAULT, size = 0, head;

	while (size + 1 < BX_ARRAY_COUNT(sizes) && sizes[size + 1] <= mss)
		size++;
	head = (uint32_t)(now_us >> PERIOD_SHIFT & 31) << 3 | size;
	return head << 24 | cookie_hash(t, tuple, s->seq, head);
}

bool
bx_tcp_cookie_read(const struct bx_transport *t, uint64_t now_us, const struct segment *s,
    const struct tuple *tuple, uint16_t *mss)
{
	uint32_t cookie = s->ack - 1, head = cookie >> 24;
	uint32_t age = (uint32_t)(now_us >> PERIOD_SHIFT) - (head >> 3);

	/* Only while some may be about: at other times an ACK out of nowhere is no connection. */
	if (!t->cookies || ms_of(now_us) - t->cookie_ms > BELIEVED_MS || (age & 31) > PERIODS)
		return false;
	if ((cookie & 0xffffffu) != cookie_hash(t, tuple, s->seq - 1, head))
		return false;
	*mss = sizes[head & 7];
	return true;
}
