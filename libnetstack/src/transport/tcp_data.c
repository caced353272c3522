/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tcp_data.c -- received bytes: in order into the ring, out of order into the ring too, at their place, with a
 * sorted list of ranges that says where (RFC 9293, 3.10.7.4, seventh; RFC 2018; RFC 1122, 4.2.2.21).
 */
#include "transport.h"

/* Takes range i out of the list. */
static void
range_remove(struct receive_ring *ring, uint32_t i)
{
	ring->count--;
	for (; i < ring->count; i++)
		ring->ranges[i] = ring->ranges[i + 1];
}

/*
 * Adds [start, end), joined with what it touches.  False: the list is full, and it touches nothing.
 */
static bool
range_add(struct receive_ring *ring, uint32_t start, uint32_t end)
{
	uint32_t i = 0;

	while (i < ring->count && seq_lt(ring->ranges[i].end, start))
		i++;
	if (i < ring->count && seq_leq(ring->ranges[i].start, end)) {
		struct range *r = &ring->ranges[i];

		if (seq_lt(start, r->start))
			r->start = start;
		r->end = seq_max(r->end, end);
		while (i + 1 < ring->count && seq_leq(ring->ranges[i + 1].start, r->end)) {
			r->end = seq_max(r->end, ring->ranges[i + 1].end);
			range_remove(ring, i + 1);
		}
		ring->recent = i;
		return true;
	}
	if (ring->count == RANGES)
		return false;
	for (uint32_t j = ring->count; j > i; j--)
		ring->ranges[j] = ring->ranges[j - 1];
	ring->ranges[i] = (struct range){ start, end };
	ring->count++;
	ring->recent = i;
	return true;
}

/* What follows rcv_nxt without a gap now is in order. */
static void
ranges_join(struct conn *c, struct receive_ring *ring)
{
	while (ring->count != 0 && seq_leq(ring->ranges[0].start, c->rcv_nxt)) {
		c->rcv_nxt = seq_max(c->rcv_nxt, ring->ranges[0].end);
		range_remove(ring, 0);
		if (ring->recent != 0)
			ring->recent--;
	}
}

/* How long the segments were of which a device has made this one, as far as it can be believed. */
static uint32_t
piece_of(const struct conn *c, const struct bx_net_buf *buf, uint32_t length)
{
	if ((buf->flags & BX_NET_F_CUT) != 0 && buf->segment_size != 0)
		length = min_u32(length, buf->segment_size);
	return buf->mtu != 0 ? min_u32(length, bx_tcp_mss_of_mtu(&c->entry.who.local, max_u32(buf->mtu, 576))) : length;
}

void
bx_tcp_seen(struct conn *c, const struct bx_net_buf *buf, uint32_t length)
{
	c->seen_mss = (uint16_t)max_u32(c->seen_mss, piece_of(c, buf, length));
}

/* Whether all of [start, end) is there already. */
static bool
range_has(const struct receive_ring *ring, uint32_t start, uint32_t end)
{
	for (uint32_t i = 0; i < ring->count; i++) {
		if (seq_leq(ring->ranges[i].start, start) && seq_leq(end, ring->ranges[i].end))
			return true;
	}
	return false;
}

static void
out_of_order(struct bx_transport *t, struct conn *c, struct segment *s)
{
	struct receive_ring *ring = receive_ring_of(t, c->receive_ring);
	uint32_t piece = piece_of(c, s->buf, s->length);
	uint32_t pieces = (s->buf->flags & BX_NET_F_CUT) != 0 ? (s->length + piece - 1) / piece : 1;

	t->stats.tcp_out_of_order++;
	/* RFC 5681, 4.2: at once, and one for each that was sent, so that the sender can count. */
	c->duplicate_acks = (uint8_t)min_u32(c->duplicate_acks + pieces, UINT8_MAX);
	c->flags |= F_ACK_NOW;
	bx_tcp_conn_ready(t, c);
	if (range_has(ring, s->seq, s->seq + s->length)) {
		/* RFC 2883, 4.2: what came twice, with the block that it is part of behind it. */
		c->dsack_start = s->seq;
		c->dsack_end = s->seq + s->length;
		c->flags |= F_DSACK;
		t->stats.tcp_duplicate++;
	}
	if (!range_add(ring, s->seq, s->seq + s->length)) {
		t->stats.tcp_ranges_full++;
		return;
	}
	bx_tcp_ring_write(t->config.ring_bytes, receive_bytes_of(t, c->receive_ring), s->seq, s->data, s->length);
}

void
bx_tcp_data(struct bx_transport *t, uint64_t now_us, struct conn *c, struct segment *s)
{
	struct receive_ring *ring;

	if (bx_tcp_receive_attach(t, c) == NULL)
		return;		/* counted by the pool: as if lost on the way */
	if (s->length > c->seen_mss)
		bx_tcp_seen(c, s->buf, s->length);
	if (BX_UNLIKELY(s->seq != c->rcv_nxt)) {
		out_of_order(t, c, s);
		return;
	}
	if (!s->stored)
		bx_tcp_ring_write(t->config.ring_bytes, receive_bytes_of(t, c->receive_ring), s->seq, s->data,
		    s->length);
	c->rcv_nxt += s->length;
	ring = receive_ring_of(t, c->receive_ring);
	if (ring->count != 0) {
		/* RFC 5681, 4.2: what fills a gap is acknowledged at once. */
		ranges_join(c, ring);
		c->flags |= F_ACK_NOW;
	}
	bx_tcp_acknowledge(t, now_us, c);
	bx_tcp_conn_event(t, c, BX_TCP_READABLE);
}
