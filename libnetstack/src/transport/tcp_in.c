/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tcp_in.c -- a segment arrives (RFC 9293, 3.10.7).
 *
 * Order: header, who it is for, checksum, then the checks of 3.10.7.4 in the order that the standard gives.
 * Nothing of a connection changes before the checksum has been verified; the payload of the segment that is
 * expected next is copied into the ring by the pass that sums it, where only a good sum makes it count.
 */
#include "transport.h"

#define CHALLENGE_MS	500u	/* RFC 5961, 7: at most one in this time, for each connection */
#define PAWS_IDLE_US	((uint64_t)24 * 24 * 3600 * SECOND_US)	/* RFC 7323, 5.5 */
#define RTO_SYN_LOST_US	((uint32_t)3 * SECOND_US)	/* RFC 6298, 5.7 */

/* RFC 5961: an acknowledgement that lets an honest peer prove itself, sparingly. */
static void
challenge(struct bx_transport *t, uint64_t now_us, struct conn *c)
{
	uint32_t now_ms = ms_of(now_us) | 1u;

	if (c->challenge_ms != 0 && now_ms - c->challenge_ms < CHALLENGE_MS)
		return;
	c->challenge_ms = now_ms;
	t->stats.tcp_challenge++;
	c->flags |= F_ACK_NOW;
	bx_tcp_conn_ready(t, c);
}

/* ---- options of the handshake ---- */

void
bx_tcp_conn_options(struct bx_transport *t, uint64_t now_us, struct conn *c, uint32_t flags,
    uint16_t peer_mss, uint8_t scale, uint32_t ts_value)
{
	uint32_t mss = c->mss;

	c->flags |= flags & (F_SACK | F_TIMESTAMPS | F_SCALE | F_ECN);
	/* RFC 9293, 3.7.1: the lesser of what the peer takes and what the path carries, less our options. */
	mss = min_u32(mss, peer_mss != 0 ? peer_mss : MSS_DEFAULT);
	if ((flags & F_TIMESTAMPS) != 0) {
		mss -= 12;
		c->ts_recent = ts_value;
		c->ts_recent_us = now_us;
	}
	c->mss = (uint16_t)mss;
	c->send_scale = (flags & F_SCALE) != 0 ? scale : 0;
	if ((flags & F_SCALE) == 0)
		c->receive_scale = 0;
	c->cwnd = bx_tcp_initial_window(mss);
	(void)t;
}

void
bx_tcp_conn_syn_lost(struct conn *c)
{
	c->cwnd = c->mss;
	c->rto_us = RTO_SYN_LOST_US;
}

/* ---- SYN-SENT: 3.10.7.3 ---- */

/* The usual answer, to a SYN that went once, with nothing given to be sent behind it; false: another.  The window stays
 * (RFC 5681, 3.1), the round trip is measured, nothing is out. */
static bool
syn_acked(struct conn *c, uint64_t now_us)
{
	uint32_t rtt_us = record_age(&c->single, (uint32_t)now_us);

	if ((c->flags & (F_BBR | F_LOSS | F_WANTS_ROOM)) != 0 || c->send_ring != NONE ||
	    (c->single.flags & (R_AGAIN | R_LOST)) != 0)
		return false;
	c->single_count = 0;
	c->snd_una = c->snd_nxt;
	c->min_rtt_us = rtt_us;
	bx_tcp_rtt_sample(c, rtt_us);
	c->retransmit_us = NEVER;
	c->retransmit_kind = TIMEOUT;
	return true;
}

static void
syn_sent(struct bx_transport *t, uint64_t now_us, struct conn *c, struct segment *s,
    struct bx_net_batch *replies)
{
	bool acks = (s->flags & ACK) != 0;
	uint32_t flags = 0;

	/* First, the ACK: our SYN and nothing else. */
	if (acks && s->ack != c->snd_nxt) {
		t->stats.tcp_bad_ack++;
		if ((s->flags & RST) == 0)
			bx_tcp_reset_reply(t, s, replies);
		return;
	}
	/* Second, the RST. */
	if ((s->flags & RST) != 0) {
		if (acks) {
			t->stats.tcp_resets_in++;
			bx_tcp_conn_end(t, c, BX_ERR_NET_REFUSED);
		}
		return;
	}
	/* Fourth, the SYN. */
	if ((s->flags & SYN) == 0)
		return;
	if (s->sack_permitted && (c->flags & F_SACK) != 0)
		flags |= F_SACK;
	if (s->has_timestamp && (c->flags & F_TIMESTAMPS) != 0)
		flags |= F_TIMESTAMPS;
	if (s->has_scale && (c->flags & F_SCALE) != 0)
		flags |= F_SCALE;
	/* RFC 3168, 6.1.1: ECE without CWR in the SYN-ACK grants it. */
	if ((c->flags & F_ECN) != 0 && acks && (s->flags & (ECE | CWR)) == ECE)
		flags |= F_ECN;
	c->flags &= ~(F_SACK | F_TIMESTAMPS | F_SCALE | F_ECN);
	bx_tcp_conn_options(t, now_us, c, flags, s->mss, s->scale, s->ts_value);
	if (c->backoff != 0)
		bx_tcp_conn_syn_lost(c);
	c->rcv_nxt = c->rcv_read = c->rcv_acked = s->seq + 1;
	c->rcv_adv = c->rcv_nxt + min_u32(t->config.ring_bytes, 0xffff);	/* what our SYN said */
	c->snd_wnd = c->max_wnd = s->window;	/* never scaled in a SYN (RFC 7323, 2.2) */
	c->snd_wl1 = s->seq;
	c->snd_wl2 = s->ack;
	c->heard_us = now_us;
	c->flags |= F_ACK_NOW;
	bx_tcp_conn_ready(t, c);
	if (!acks) {
		/* Both opened at once (3.5, figure 7): our SYN goes again, now with an ACK. */
		struct records r = bx_tcp_records(t, c);

		c->state = BX_TCP_SYN_RECEIVED;
		if (r.count != 0 && (record_at(&r, 0)->flags & R_LOST) == 0)
			bx_tcp_mark_lost(c, record_at(&r, 0));
		return;
	}
	c->state = BX_TCP_ESTABLISHED;
	t->stats.tcp_opened++;
	if (!syn_acked(c, now_us))
		bx_tcp_ack(t, now_us, c, s);
	bx_tcp_conn_event(t, c, BX_TCP_CONNECTED);
	/* Data in a SYN-ACK is legal (3.10.7.3, seventh) but nobody sends it without fast open: the peer
	 * sends again what is not acknowledged. */
}

/* ---- synchronised states: 3.10.7.4 ---- */

/* PAWS (RFC 7323, 5.3): false, an old duplicate; it is answered. */
static bool
paws_check(struct bx_transport *t, uint64_t now_us, struct conn *c, const struct segment *s)
{
	if (!s->has_timestamp) {
		/* RFC 7323, 3.2: once agreed on, every segment but a reset carries it. */
		if ((s->flags & RST) != 0)
			return true;
		t->stats.tcp_paws++;
		return false;
	}
	if (BX_LIKELY(!seq_lt(s->ts_value, c->ts_recent)) || (s->flags & RST) != 0)
		return true;
	if (now_us - c->ts_recent_us > PAWS_IDLE_US) {
		c->ts_recent = s->ts_value;
		return true;
	}
	t->stats.tcp_paws++;
	c->flags |= F_ACK_NOW;
	bx_tcp_conn_ready(t, c);
	return false;
}

/* The four cases of the acceptability test (3.10.7.4, first). */
static bool
in_window(const struct conn *c, const struct segment *s)
{
	uint32_t window = c->rcv_adv - c->rcv_nxt;
	uint32_t length = s->length + ((s->flags & FIN) != 0) + ((s->flags & SYN) != 0);
	uint32_t start = s->seq - c->rcv_nxt, last = start + length - 1;

	if (length == 0)
		return window == 0 ? start == 0 : start < window;
	return window != 0 && (start < window || last < window);
}

/* Cuts off what lies before the window, and what lies behind it. */
static void
trim(struct conn *c, struct segment *s)
{
	uint32_t before = c->rcv_nxt - s->seq, room;

	if (seq_lt(s->seq, c->rcv_nxt)) {
		/* RFC 2883: tell the peer what came twice. */
		c->dsack_start = s->seq;
		c->dsack_end = s->seq + min_u32(before, s->length);
		if (c->dsack_start != c->dsack_end)
			c->flags |= F_DSACK | F_ACK_NOW;
		before = min_u32(before, s->length);
		s->data += before;
		s->length -= before;
		s->seq += before;
	}
	room = c->rcv_adv - s->seq;
	if (s->length > room) {
		s->length = room;
		s->flags &= (uint8_t)~FIN;
	}
}

static void
reset_arrives(struct bx_transport *t, uint64_t now_us, struct conn *c, const struct segment *s)
{
	/* RFC 5961, 3.2: only the exact number ends it; one in the window has to be proved. */
	if (s->seq != c->rcv_nxt) {
		challenge(t, now_us, c);
		return;
	}
	t->stats.tcp_resets_in++;
	bx_tcp_conn_end(t, c, c->state == BX_TCP_SYN_RECEIVED ? BX_ERR_NET_REFUSED :
	    c->state == BX_TCP_CLOSING || c->state == BX_TCP_LAST_ACK ? BX_OK : BX_ERR_NET_RESET);
}

/* 3.10.7.4, fifth, with RFC 5961, 5.2: false, it acknowledges what cannot be. */
static bool
ack_check(struct bx_transport *t, uint64_t now_us, struct conn *c, const struct segment *s)
{
	if (BX_LIKELY(seq_leq(s->ack, c->snd_nxt) &&
	    seq_leq(c->snd_una - max_u32(c->max_wnd, 1), s->ack)))
		return true;
	t->stats.tcp_bad_ack++;
	challenge(t, now_us, c);
	return false;
}

/* Both streams have ended: what is owed is acknowledged, and a TIME-WAIT entry is what remains. */
static void
last_ack(struct bx_transport *t, uint64_t now_us, struct conn *c, struct bx_net_batch *replies)
{
	/* Lost, it is asked for again by the peer's next FIN. */
	if ((c->flags & F_ACK_NOW) != 0)
		(void)bx_tcp_output_ack(t, now_us, c, replies);
	bx_tcp_conn_time_wait(t, now_us, c);
}

/* Our FIN is acknowledged; true: the connection is over. */
static bool
fin_acked(struct bx_transport *t, uint64_t now_us, struct conn *c, struct bx_net_batch *replies)
{
	if (!conn_fin_sent(c) || c->snd_una != c->snd_nxt)
		return false;
	switch (c->state) {
	case BX_TCP_FIN_WAIT_1:
		c->state = BX_TCP_FIN_WAIT_2;
		/* Nobody reads any more: the peer has a minute to end its side. */
		if ((c->flags & F_ORPHAN) != 0)
			c->slow_us = now_us + 60u * (uint64_t)SECOND_US;
		return false;
	case BX_TCP_CLOSING:
		last_ack(t, now_us, c, replies);
		return true;
	case BX_TCP_LAST_ACK:
		bx_tcp_conn_end(t, c, BX_OK);
		return true;
	default:
		return false;
	}
}

/* The peer's FIN has come in order (3.10.7.4, eighth); true: the connection is over. */
static bool
fin_arrives(struct bx_transport *t, uint64_t now_us, struct conn *c, struct bx_net_batch *replies)
{
	c->rcv_nxt++;
	c->flags |= F_FIN_RECEIVED;
	if (seq_lt(c->rcv_adv, c->rcv_nxt))
		c->rcv_adv = c->rcv_nxt;
	bx_tcp_conn_event(t, c, BX_TCP_READABLE);
	/* While we may still send, it is acknowledged as data is (RFC 9293, 3.8.6.3): most who read the end close at once, and
	 * our FIN says it too. */
	if (c->state == BX_TCP_SYN_RECEIVED || c->state == BX_TCP_ESTABLISHED) {
		c->state = BX_TCP_CLOSE_WAIT;
		bx_tcp_acknowledge(t, now_us, c);
		return false;
	}
	c->flags |= F_ACK_NOW;
	bx_tcp_conn_ready(t, c);
	switch (c->state) {
	case BX_TCP_FIN_WAIT_1:
		c->state = BX_TCP_CLOSING;
		return false;
	case BX_TCP_FIN_WAIT_2:
		last_ack(t, now_us, c, replies);
		return true;
	default:
		return false;
	}
}

/* RFC 3168, 6.1.3: congestion met on the way is echoed until the peer says that it has reduced. */
static void
ecn_take(struct conn *c, const struct segment *s)
{
	if ((s->flags & CWR) != 0)
		c->flags &= ~F_ECE;
	if ((s->buf->traffic_class & 3) == ECN_CE) {
		c->flags |= F_ECE | F_ACK_NOW;
	}
}

/* Whether the peer may still have something to say, so that its data is taken. */
static bool
takes_data(const struct conn *c)
{
	return c->state == BX_TCP_ESTABLISHED || c->state == BX_TCP_FIN_WAIT_1 ||
	    c->state == BX_TCP_FIN_WAIT_2 || c->state == BX_TCP_SYN_RECEIVED;
}

/* It lies outside the window.  True: all the same, go on: while the window is shut nothing is taken, but the reset and the
 * acknowledgement of the next segment count (3.10.7.4, first, and MUST-66). */
static bool
outside(struct bx_transport *t, uint64_t now_us, struct conn *c, struct segment *s)
{
	bool next = c->rcv_adv == c->rcv_nxt && s->seq == c->rcv_nxt;

	t->stats.tcp_out_of_window++;
	if ((s->flags & RST) != 0)
		return next;
	if (seq_lt(s->seq, c->rcv_nxt) && s->length != 0) {
		c->dsack_start = s->seq;
		c->dsack_end = s->seq + s->length;
		c->flags |= F_DSACK;
		t->stats.tcp_duplicate++;
	}
	if (s->length == 0 && (s->flags & (SYN | FIN)) == 0) {
		/* Two that answer each other's bare answers would never end. */
		challenge(t, now_us, c);
		return false;
	}
	s->flags &= (uint8_t)~FIN;
	c->flags |= F_ACK_NOW;
	bx_tcp_conn_ready(t, c);
	return next;
}

/* Steps one to four; true: go on with the acknowledgement. */
static bool
admit(struct bx_transport *t, uint64_t now_us, struct conn *c, struct segment *s)
{
	if ((c->flags & F_TIMESTAMPS) != 0 && !paws_check(t, now_us, c, s))
		return false;
	/* Simultaneous open (3.5, figure 7): the peer's SYN-ACK repeats its SYN, which lies before the window. */
	if (c->state == BX_TCP_SYN_RECEIVED && (s->flags & SYN) != 0 && s->seq + 1 == c->rcv_nxt) {
		s->flags &= (uint8_t)~SYN;
		s->seq++;
	}
	if (BX_UNLIKELY(!in_window(c, s)) && !outside(t, now_us, c, s))
		return false;
	if (BX_UNLIKELY((s->flags & (RST | SYN)) != 0)) {
		if ((s->flags & RST) != 0) {
			reset_arrives(t, now_us, c, s);
			return false;
		}
		/* RFC 5961, 4.2: a SYN in the window is challenged, whatever its number. */
		challenge(t, now_us, c);
		return false;
	}
	return (s->flags & ACK) != 0;
}

bool
bx_tcp_fins(struct bx_transport *t, uint64_t now_us, struct conn *c, bool fin, struct bx_net_batch *replies)
{
	return fin_acked(t, now_us, c, replies) ||
	    (fin && takes_data(c) && fin_arrives(t, now_us, c, replies));
}

/* A segment of a connection beyond SYN-SENT.  `replies` may be NULL where FIN-WAIT-2 cannot be. */
static void
synchronised(struct bx_transport *t, uint64_t now_us, struct conn *c, struct segment *s,
    struct bx_net_batch *replies)
{
	if (!admit(t, now_us, c, s))
		return;
	if (!ack_check(t, now_us, c, s))
		return;
	/* RFC 7323, 4.3: the stamp of the segment that covers what was last acknowledged. */
	if (s->has_timestamp && (c->flags & F_TIMESTAMPS) != 0 && seq_leq(s->seq, c->rcv_acked)) {
		c->ts_recent = s->ts_value;
		c->ts_recent_us = now_us;
	}
	c->heard_us = now_us;
	c->probes = 0;
	if (c->state == BX_TCP_SYN_RECEIVED) {
		if (!seq_lt(c->snd_una, s->ack)) {
			challenge(t, now_us, c);
			return;
		}
		c->state = BX_TCP_ESTABLISHED;
		t->stats.tcp_opened++;
		bx_tcp_conn_event(t, c, BX_TCP_CONNECTED);
	}
	if ((c->flags & F_ECN) != 0)
		ecn_take(c, s);
	if (BX_UNLIKELY(s->seq != c->rcv_nxt || s->length > c->rcv_adv - c->rcv_nxt) && !s->stored)
		trim(c, s);
	bx_tcp_ack(t, now_us, c, s);
	if (c->state == BX_TCP_CLOSED || fin_acked(t, now_us, c, replies))
		return;
	if (s->length != 0 && takes_data(c)) {
		if ((c->flags & F_ORPHAN) != 0) {
			/* RFC 9293, 3.6, and RFC 2525, 2.17: nobody will read it; say so. */
			t->stats.tcp_after_close++;
			c->flags |= F_RESET;
			bx_tcp_conn_ready(t, c);
			return;
		}
		bx_tcp_data(t, now_us, c, s);
	}
	if ((s->flags & FIN) != 0 && s->seq + s->length == c->rcv_nxt && takes_data(c) &&
	    fin_arrives(t, now_us, c, replies))
		return;
	if ((s->flags & FIN) != 0 && seq_lt(c->rcv_nxt, s->seq + s->length) && takes_data(c)) {
		/* RFC 5681, 4.2: something is missing before it, and that is said at once. */
		c->flags |= F_ACK_NOW;
		bx_tcp_conn_ready(t, c);
	}
	bx_tcp_conn_arm(t, c);
	BX_INVARIANT(bx_tcp_conn_sound(t, c));
}

void
bx_tcp_conn_segment(struct bx_transport *t, uint64_t now_us, struct conn *c, struct segment *s)
{
	BX_ASSERT(c->state == BX_TCP_ESTABLISHED);
	synchronised(t, now_us, c, s, NULL);
}

/* ---- checksum ---- */

/* Whether the payload is what the ring waits for: then it is copied while it is summed. */
static bool
may_store(struct bx_transport *t, struct conn *c, const struct segment *s)
{
	if (c->state != BX_TCP_ESTABLISHED || s->seq != c->rcv_nxt || s->length == 0 ||
	    s->length > c->rcv_adv - c->rcv_nxt || (s->flags & (SYN | RST)) != 0 ||
	    (c->flags & F_ORPHAN) != 0)
		return false;
	if (c->receive_ring == NONE)
		return bx_tcp_receive_attach(t, c) != NULL;
	return receive_ring_of(t, c->receive_ring)->count == 0;
}

/* RFC 9293, 3.1.  A device may have done it. */
static bool
checksum_is_good(struct bx_transport *t, struct conn *c, struct segment *s)
{
	const struct bx_net_buf *buf = s->buf;
	uint64_t sum;

	if ((buf->flags & BX_NET_F_SUM_GOOD) != 0)
		return true;
	sum = c != NULL ? c->pseudo : sum_pseudo(&buf->source, &buf->destination, PROTOCOL_TCP);
	sum += sum_of16(buf->length) + sum_of16(buf->length >> 16);
	sum = sum_head(s->head, s->head_length, sum);
	if (c != NULL && may_store(t, c, s)) {
		sum = bx_tcp_ring_write_sum(t->config.ring_bytes, receive_bytes_of(t, c->receive_ring), s->seq,
		    s->data, s->length, sum);
		s->stored = true;
	} else if (s->length != 0) {
		sum = bx_net_raw_sum(s->data, s->length, sum);
	}
	return sum_fold(sum) == 0xffffu;
}

/* A segment that was stored and then refused may have made the connection take a ring for nothing. */
static void
unstore(struct bx_transport *t, struct conn *c)
{
	if (c->receive_ring != NONE && c->rcv_read == c->rcv_nxt &&
	    receive_ring_of(t, c->receive_ring)->count == 0) {
		bx_tcp_ring_give(t, c->receive_ring);
		c->receive_ring = NONE;
	}
}

/* ---- the door ---- */

static void
for_nobody(struct bx_transport *t, uint64_t now_us, struct segment *s, struct bx_net_batch *replies)
{
	struct listener *l = bx_tcp_listener_find(t, &s->buf->destination, (uint16_t)s->ports);

	if (l != NULL) {
		bx_tcp_listen_segment(t, now_us, l, s, replies);
		return;
	}
	/* CLOSED: 3.10.7.1. */
	t->stats.tcp_no_connection++;
	if ((s->flags & RST) == 0)
		bx_tcp_reset_reply(t, s, replies);
}

/* No connection, or not yet, or no more. */
static void
not_connected(struct bx_transport *t, uint64_t now_us, uint32_t id, struct segment *s,
    struct bx_net_batch *replies)
{
	if (id == NONE) {
		for_nobody(t, now_us, s, replies);
	} else if (id - t->config.connections < t->config.half_open) {
		bx_tcp_half_segment(t, now_us, id, s, replies);
	} else if (bx_tcp_time_wait_segment(t, now_us, id, s, replies)) {
		for_nobody(t, now_us, s, replies);
	}
}

void
bx_tcp_segment(struct bx_transport *t, uint64_t now_us, const struct bx_net_batch *batch,
    const struct bx_net_buf *buf, struct place place, struct bx_net_batch *replies)
{
	struct conn *c = place.id < t->config.connections ? &t->conns[place.id] : NULL;
	struct segment s;

	if (!bx_tcp_parse(t, batch, buf, &s))
		return;
	/* RFC 9293, 3.9.2.3, MUST-57: TCP knows no groups.  Nobody who is known has such an address. */
	if ((buf->flags & (BX_NET_F_BROADCAST | BX_NET_F_MULTICAST)) != 0 || (place.id == NONE &&
	    (bx_net_addr_is_group(&buf->destination) || bx_net_addr_is_group(&buf->source)))) {
		t->stats.bad_address++;
		return;
	}
	s.bucket = place.bucket;
	if (!checksum_is_good(t, c, &s))
		t->stats.bad_checksum++;
	else if (c == NULL)
		not_connected(t, now_us, place.id, &s, replies);
	else if (c->state == BX_TCP_SYN_SENT)
		syn_sent(t, now_us, c, &s, replies);
	else
		synchronised(t, now_us, c, &s, replies);
	if (s.stored)
		unstore(t, c);
}

/* ---- errors about our segments (RFC 9293, 3.9.2.2; RFC 5927) ---- */

/* The path has become narrower: what was too long goes again in smaller pieces (RFC 1191, 6.4). */
static void
path_narrows(struct bx_transport *t, uint64_t now_us, struct conn *c, uint32_t mtu)
{
	uint32_t mss = bx_tcp_mss_of_mtu(&c->entry.who.local, max_u32(mtu, 576));
	struct records r = bx_tcp_records(t, c);

	if ((c->flags & F_TIMESTAMPS) != 0)
		mss -= 12;
	if (mss >= c->mss)
		return;
	c->mss = (uint16_t)mss;
	for (uint32_t i = 0; i < r.count; i++) {
		struct record *x = record_at(&r, i);

		if (x->end - x->start > mss && (x->flags & (R_SACKED | R_LOST)) == 0)
			bx_tcp_mark_lost(c, x);
	}
	bx_tcp_conn_ready(t, c);
	bx_tcp_retransmit_arm(now_us, c);
	bx_tcp_conn_arm(t, c);
}

bool
bx_tcp_error(struct bx_transport *t, uint64_t now_us, const struct bx_net_batch *batch,
    const struct bx_net_buf *buf)
{
	const uint8_t *p = bx_net_bytes(batch, buf);
	struct tuple tuple = { .local = buf->source, .remote = buf->destination };
	struct conn *c;
	uint32_t id, bucket, seq;

	tuple.local_port = bx_get_be16(p);
	tuple.remote_port = bx_get_be16(p + 2);
	seq = bx_get_be32(p + 4);
	id = bx_tcp_find(t, &tuple, &bucket);
	/* RFC 5927, 4.1: believed only about a segment that is in flight. */
	if (id >= t->config.connections || seq_lt(seq, t->conns[id].snd_una) ||
	    !seq_lt(seq, t->conns[id].snd_nxt))
		return false;
	c = &t->conns[id];
	if (buf->error == BX_NET_ERROR_TOO_BIG) {
		path_narrows(t, now_us, c, buf->segment_size);
		return true;
	}
	/* RFC 5461, 4.1, and RFC 9293, 3.9.2.2, MUST-56: only a connection that is being made is given up;
	 * an established one goes on trying. */
	if (c->state == BX_TCP_SYN_SENT && buf->error != BX_NET_ERROR_ROUTE)
		bx_tcp_conn_end(t, c, buf->error == BX_NET_ERROR_PORT ? BX_ERR_NET_REFUSED :
		    BX_ERR_NET_UNREACHABLE);
	return true;
}
