/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tcp_usual.c -- the short way of the usual segment: of an established connection, or one that is being closed, the one
 * expected next, with data, a FIN or a further acknowledgement, while nothing is lost, out of order, or waits to be
 * probed.  (Van Jacobson's header prediction, 4BSD Beta Release, 1988.)
 *
 * All is looked at before anything is changed: what does not fit goes the general way (tcp_in.c), which would do with
 * such a segment the same, at more cost.
 */
#include "transport.h"

/* What asks for more than the short way does. */
#define UNUSUAL	(F_BBR | F_ECN | F_RECOVERY | F_LOSS | F_PROBED | F_RESET)
#define TIMESTAMPS_LEAD	0x0101080au
#define TIMESTAMPS_LONG	12u

/* What a usual segment brings. */
struct usual {
	const uint8_t *head;
	uint32_t head_length, length;
	uint32_t seq, ack;
	uint32_t records;		/* as many as it acknowledges, all whole and sent once */
	uint32_t ts_value;
	bool fin;
};

/* The connection of a segment with the fixed header at p, or NULL; and where it belongs. */
static inline struct conn *
conn_of(struct bx_transport *t, const struct bx_net_buf *buf, const uint8_t *p, struct place *place)
{
	struct tuple tuple;
	uint32_t id = t->last;

	if (id != NONE) {
		struct conn *c = &t->conns[id];
		const struct tuple *w = &c->entry.who;

		place->id = id;
		if (((uint32_t)w->remote_port << 16 | w->local_port) == bx_get_be32(p) &&
		    bx_net_addr_equal(&w->remote, &buf->source) && bx_net_addr_equal(&w->local, &buf->destination))
			return c;
	}
	tuple = (struct tuple){ buf->destination, buf->source, (uint16_t)sum_of16(sum_load16(p + 2)),
	    (uint16_t)sum_of16(sum_load16(p)) };
	place->id = bx_tcp_find(t, &tuple, &place->bucket);
	return place->id < t->config.connections ? &t->conns[place->id] : NULL;
}

/* Whether ack covers whole records, each sent once; how many. */
static inline bool
records_covered(const struct bx_transport *t, struct conn *c, uint32_t ack, uint32_t *records)
{
	struct records r = bx_tcp_records(t, c);
	uint32_t n = 0, end = c->snd_una;

	for (; n < r.count && end != ack; n++) {
		const struct record *x = record_at(&r, n);

		if ((x->flags & ~R_FIN) != 0 || seq_lt(ack, x->end))
			return false;
		end = x->end;
	}
	*records = n;
	return end == ack;
}

/* Whether the options are the agreed ones and nothing else, and the stamp is none of the past (RFC 7323, 5.3). */
static inline bool
options_are_usual(const struct conn *c, struct usual *u)
{
	const uint8_t *p = u->head + TCP_HEAD;

	if ((c->flags & F_TIMESTAMPS) == 0)
		return u->head_length == TCP_HEAD;
	if (u->head_length != TCP_HEAD + TIMESTAMPS_LONG || bx_get_be32(p) != TIMESTAMPS_LEAD)
		return false;
	u->ts_value = bx_get_be32(p + 4);
	return !seq_lt(u->ts_value, c->ts_recent);
}

/* Nothing waits for a gap to be filled. */
static inline bool
in_order(const struct bx_transport *t, const struct conn *c)
{
	return c->receive_ring == NONE || receive_ring_of(t, c->receive_ring)->count == 0;
}

/* Data has a reader, and room; it and a FIN come before the peer's FIN. */
static inline bool
takes(const struct conn *c, const struct usual *u)
{
	return (c->flags & F_FIN_RECEIVED) == 0 && (u->length == 0 || (c->flags & F_ORPHAN) == 0) &&
	    c->rcv_adv != u->seq;
}

static inline bool
is_usual(const struct bx_transport *t, struct conn *c, const struct bx_net_buf *buf, struct usual *u)
{
	const uint8_t *p = u->head;

	if (c->state < BX_TCP_ESTABLISHED || (c->flags & UNUSUAL) != 0 || (c->lost | c->sacked) != 0 ||
	    c->retransmit_kind > PROBE)
		return false;
	u->head_length = (p[12] >> 4) * 4u;
	if (buf->length < u->head_length || !options_are_usual(c, u))
		return false;
	u->length = buf->length - u->head_length;
	u->seq = bx_get_be32(p + 4);
	u->ack = bx_get_be32(p + 8);
	if (u->seq != c->rcv_nxt || u->length > c->rcv_adv - u->seq || !in_order(t, c))
		return false;
	u->fin = (p[13] & FIN) != 0;
	if ((u->length != 0 || u->fin) && !takes(c, u))
		return false;
	/* With nothing else: a further acknowledgement, no duplicate and no mere window. */
	if (u->ack == c->snd_una) {
		u->records = 0;
		return u->length != 0 || u->fin;
	}
	return u->ack - c->snd_una <= c->snd_nxt - c->snd_una && records_covered(t, c, u->ack, &u->records);
}

/* The sum, and while it is made the payload into the ring, where only a good one makes it count. */
static inline bool
sum_is_good(const struct bx_transport *t, const struct conn *c, const struct bx_net_buf *buf,
    const struct usual *u)
{
	uint8_t *ring = u->length != 0 ? receive_bytes_of(t, c->receive_ring) : NULL;
	uint64_t sum = c->pseudo + sum_of16(buf->length) + sum_of16(buf->length >> 16);

	if ((buf->flags & BX_NET_F_SUM_GOOD) != 0) {
		if (u->length != 0)
			bx_tcp_ring_write(t->config.ring_bytes, ring, u->seq, u->head + u->head_length, u->length);
		return true;
	}
	sum = sum_head(u->head, u->head_length, sum);
	if (u->length != 0)
		sum = bx_tcp_ring_write_sum(t->config.ring_bytes, ring, u->seq, u->head + u->head_length, u->length, sum);
	return sum_fold(sum) == 0xffffu;
}

/* RFC 8985, 6.2, steps 1 to 3, for records that came in the order in which they were sent: the last one decides. */
static inline void
rack_update(struct conn *c, uint32_t now_us, const struct record *last)
{
	uint32_t rtt = record_age(last, now_us);

	c->min_rtt_us = min_u32(c->min_rtt_us, rtt);
	if (c->rack_rtt_us != 0 && (seq_lt(last->sent_us, c->rack_us) ||
	    (last->sent_us == c->rack_us && seq_leq(last->end, c->rack_end))))
		return;
	c->rack_fack = c->rack_rtt_us == 0 ? last->end : seq_max(c->rack_fack, last->end);
	c->rack_us = last->sent_us;
	c->rack_end = last->end;
	c->rack_rtt_us = rtt;
}

/* The acknowledged records go, the window opens, the timer runs for what is still out. */
static inline void
acknowledged(struct bx_transport *t, uint64_t now_us, struct conn *c, const struct usual *u)
{
	struct records r = bx_tcp_records(t, c);
	uint32_t rtt_us = record_age(record_at(&r, 0), (uint32_t)now_us), bytes = u->ack - c->snd_una;

	rack_update(c, (uint32_t)now_us, record_at(&r, u->records - 1));
	r.head += u->records;
	if (r.head >= r.capacity)
		r.head -= r.capacity;
	r.count -= u->records;
	bx_tcp_records_put(t, c, &r);
	c->snd_una = u->ack;
	c->backoff = 0;
	c->duplicates = 0;
	if (c->send_ring != NONE && r.count == 0 && !seq_lt(c->snd_una, c->snd_end)) {
		bx_tcp_ring_give(t, c->send_ring);
		c->send_ring = NONE;
	}
	if ((c->flags & F_CWND_LIMITED) != 0)
		bx_tcp_congestion_acked(c, now_us, bytes, rtt_us);
	bx_tcp_rtt_sample(c, rtt_us);
	bx_tcp_retransmit_arm(t, now_us, c);
	if ((c->flags & F_WANTS_ROOM) != 0)
		bx_tcp_wake_writer(t, c);
}

/* RFC 9293, 3.10.7.4, fifth: the window of the latest segment. */
static inline void
window_take(struct conn *c, const struct usual *u)
{
	uint32_t window = (uint32_t)sum_of16(sum_load16(u->head + 14)) << c->send_scale;

	if (!seq_lt(c->snd_wl1, u->seq) && !(c->snd_wl1 == u->seq && seq_leq(c->snd_wl2, u->ack)))
		return;
	c->snd_wnd = window;
	c->snd_wl1 = u->seq;
	c->snd_wl2 = u->ack;
	c->max_wnd = max_u32(c->max_wnd, window);
}

/* It is good: everything that it says becomes true. */
static inline void
take(struct bx_transport *t, uint64_t now_us, struct conn *c, const struct bx_net_buf *buf, const struct usual *u,
    struct bx_net_batch *replies)
{
	/* RFC 7323, 4.3. */
	if ((c->flags & F_TIMESTAMPS) != 0 && seq_leq(u->seq, c->rcv_acked)) {
		c->ts_recent = u->ts_value;
		c->ts_recent_us = now_us;
	}
	c->heard_us = now_us;
	c->probes = 0;
	window_take(c, u);
	if (u->records != 0)
		acknowledged(t, now_us, c, u);
	if (seq_lt(c->snd_nxt, c->snd_end + ((c->flags & F_FIN_QUEUED) != 0)))
		bx_tcp_conn_ready(t, c);
	if (u->length != 0) {
		if (u->length > c->seen_mss)
			bx_tcp_seen(c, buf, u->length);
		c->rcv_nxt += u->length;
		bx_tcp_acknowledge(t, now_us, c);
		bx_tcp_conn_event(t, c, BX_TCP_READABLE);
	}
	if ((u->fin || c->state != BX_TCP_ESTABLISHED) && bx_tcp_fins(t, now_us, c, u->fin, replies))
		return;
	bx_tcp_conn_arm(t, c);
	BX_INVARIANT(bx_tcp_conn_sound(t, c));
}

/* False: it is another one, and nothing has changed. */
static IN_LINE bool
taken(struct bx_transport *t, uint64_t now_us, struct conn *c, const struct bx_net_buf *buf, struct usual *u,
    struct bx_net_batch *replies)
{
	bool had_ring = c->receive_ring != NONE;

	if ((u->head[13] & ~(PSH | FIN)) != ACK || (buf->flags & (BX_NET_F_BROADCAST | BX_NET_F_MULTICAST)) != 0 ||
	    !is_usual(t, c, buf, u) || (u->length != 0 && !bx_tcp_receive_attach(t, c)))
		return false;
	if (BX_LIKELY(sum_is_good(t, c, buf, u))) {
		take(t, now_us, c, buf, u, replies);
		return true;
	}
	t->stats.bad_checksum++;
	if (u->length != 0 && !had_ring) {
		bx_tcp_ring_give(t, c->receive_ring);
		c->receive_ring = NONE;
	}
	return true;
}

void
bx_tcp_usual(struct bx_transport *t, uint64_t now_us, const struct bx_net_batch *batch,
    const struct bx_net_buf *buf, struct bx_net_batch *replies)
{
	struct usual u = { .head = bx_net_bytes(batch, buf) };
	struct place place = { NONE, NONE };
	struct conn *c = buf->length >= TCP_HEAD ? conn_of(t, buf, u.head, &place) : NULL;

	if (BX_UNLIKELY(c == NULL || !taken(t, now_us, c, buf, &u, replies)))
		bx_tcp_segment(t, now_us, batch, buf, place, replies);
}
