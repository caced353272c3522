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
	uint32_t ts_value;
	uint32_t records;		/* as many as it acknowledges, all whole and sent once */
};

/* Whether the segment with the fixed header at p is for a connection. */
static inline bool
is_for(const struct conn *c, const struct bx_net_buf *buf, const uint8_t *p)
{
	const struct tuple *w = &c->entry.who;

	return w->ports == bx_get_be32(p) &&
	    bx_net_addr_equal(&w->remote, &buf->source) && bx_net_addr_equal(&w->local, &buf->destination);
}

/* Another one that it is for, or NULL; and where it belongs. */
static APART struct conn *
find(struct bx_transport *t, const struct bx_net_buf *buf, const uint8_t *p, struct place *place)
{
	const struct tuple tuple = { .local = buf->destination, .remote = buf->source, .ports = bx_get_be32(p) };

	place->id = bx_tcp_find(t, &tuple, &place->bucket);
	return place->id < t->config.connections ? &t->conns[place->id] : NULL;
}

static inline bool
is_once(const struct record *x)
{
	return (x->flags & ~R_FIN) == 0;
}

/* How many records ack covers, where all are whole and sent once; 0: one is not. */
static APART uint32_t
several_covered(const struct bx_transport *t, struct conn *c, uint32_t ack)
{
	struct records r = bx_tcp_records(t, c);
	uint32_t n = 0, end = c->snd_una;

	for (; n < r.count && end != ack; n++) {
		const struct record *x = record_at(&r, n);

		if (!is_once(x) || seq_lt(ack, x->end))
			return 0;
		end = x->end;
	}
	return end == ack ? n : 0;
}

/* The oldest record: something is out. */
static inline const struct record *
record_first(const struct bx_transport *t, const struct conn *c)
{
	const struct send_ring *ring;

	if (BX_UNLIKELY(c->send_ring == NONE))
		return &c->single;
	ring = send_ring_of(t, c->send_ring);
	return &ring->records[ring->head];
}

/* The same, and first whether it is the oldest alone, whole. */
static inline uint32_t
records_covered(const struct bx_transport *t, struct conn *c, uint32_t ack)
{
	const struct record *first = record_first(t, c);

	return first->end == ack ? is_once(first) : several_covered(t, c, ack);
}

/* Whether the options are the stamps that were agreed on and nothing else, and none of the past (RFC 7323, 5.3). */
static inline bool
stamps_are_usual(const struct conn *c, struct usual *u)
{
	const uint8_t *p = u->head + TCP_HEAD;

	u->ts_value = bx_get_be32(p + 4);
	return bx_get_be32(p) == TIMESTAMPS_LEAD && !seq_lt(u->ts_value, c->ts_recent);
}

/* Length and flags: what was agreed on, an acknowledgement, and at most PSH and FIN. */
static inline bool
head_is_usual(const struct conn *c, const struct bx_net_buf *buf, struct usual *u)
{
	uint32_t lead = sum_load16(u->head + 12) & ~(uint32_t)sum_of16(PSH | FIN);

	if (BX_LIKELY((c->flags & F_TIMESTAMPS) == 0)) {
		u->head_length = TCP_HEAD;
		return lead == sum_of16(TCP_HEAD / 4 << 12 | ACK);
	}
	u->head_length = TCP_HEAD + TIMESTAMPS_LONG;
	return lead == sum_of16((TCP_HEAD + TIMESTAMPS_LONG) / 4 << 12 | ACK) && buf->length >= u->head_length &&
	    stamps_are_usual(c, u);
}

static inline bool
has_fin(const struct usual *u)
{
	return (u->head[13] & FIN) != 0;
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
	if (u->length != 0)
		return (c->flags & (F_FIN_RECEIVED | F_ORPHAN)) == 0 && u->length <= c->rcv_adv - c->rcv_nxt;
	return !has_fin(u) || ((c->flags & F_FIN_RECEIVED) == 0 && c->rcv_adv != c->rcv_nxt);
}

static IN_LINE bool
is_usual(const struct bx_transport *t, struct conn *c, const struct bx_net_buf *buf, struct usual *u)
{
	if (c->state < BX_TCP_ESTABLISHED || (c->flags & UNUSUAL) != 0 || c->lost != 0 || c->sacked != 0 ||
	    c->retransmit_kind > PROBE || (buf->flags & (BX_NET_F_BROADCAST | BX_NET_F_MULTICAST)) != 0 ||
	    !head_is_usual(c, buf, u))
		return false;
	u->length = buf->length - u->head_length;
	u->seq = bx_get_be32(u->head + 4);
	u->ack = bx_get_be32(u->head + 8);
	if (u->seq != c->rcv_nxt || !in_order(t, c) || !takes(c, u))
		return false;
	/* With nothing else: a further acknowledgement, no duplicate and no mere window. */
	if (u->ack == c->snd_una)
		return u->length != 0 || has_fin(u);
	if (u->ack - c->snd_una > c->snd_nxt - c->snd_una)
		return false;
	u->records = records_covered(t, c, u->ack);
	return u->records != 0;
}

/* The sum, and while it is made the payload into the ring, where only a good one makes it count. */
static inline bool
sum_is_good(const struct bx_transport *t, const struct conn *c, const struct bx_net_buf *buf,
    const struct usual *u, uint8_t *ring)
{
	uint64_t sum = (uint64_t)c->pseudo + sum_of32(u->head_length + u->length);

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
rack_update(struct conn *c, uint32_t rtt, const struct record *last)
{
	if (BX_UNLIKELY(rtt < c->min_rtt_us))
		c->min_rtt_us = rtt;
	if (c->rack_rtt_us != 0 && (seq_lt(last->sent_us, c->rack_us) ||
	    (last->sent_us == c->rack_us && seq_leq(last->end, c->rack_end))))
		return;
	c->rack_fack = c->rack_rtt_us == 0 ? last->end : seq_max(c->rack_fack, last->end);
	c->rack_us = last->sent_us;
	c->rack_end = last->end;
	c->rack_rtt_us = rtt;
}

/* The same for the last of several. */
static APART void
rack_update_last(const struct bx_transport *t, uint64_t now_us, struct conn *c, uint32_t n)
{
	struct records r = bx_tcp_records(t, c);
	const struct record *last = record_at(&r, n - 1);

	rack_update(c, record_age(last, (uint32_t)now_us), last);
}

/* The acknowledged records go, and the ring with the last of what there is to send. */
static inline void
records_drop(struct bx_transport *t, struct conn *c, uint32_t n)
{
	struct send_ring *ring;
	uint32_t head;

	if (BX_UNLIKELY(c->send_ring == NONE)) {
		c->single_count = 0;
		return;
	}
	ring = send_ring_of(t, c->send_ring);
	if (ring->count == n && !seq_lt(c->snd_una, c->snd_end)) {
		bx_tcp_ring_give(t, c->send_ring);
		c->send_ring = NONE;
		return;
	}
	head = ring->head + n;
	ring->head = (uint16_t)(head < ring->capacity ? head : head - ring->capacity);
	ring->count = (uint16_t)(ring->count - n);
}

/* The timer runs for what is still out. */
static inline void
timer_turn(struct bx_transport *t, uint64_t now_us, struct conn *c)
{
	if (c->snd_una == c->snd_nxt) {
		c->retransmit_us = NEVER;
		c->retransmit_kind = TIMEOUT;
		return;
	}
	bx_tcp_timeout_run(c, now_us);
	bx_tcp_conn_due(t, c, c->retransmit_us);
}

/* What was out is there: that says how long it took, opens the window, and makes room. */
static inline void
acknowledged(struct bx_transport *t, uint64_t now_us, struct conn *c, const struct usual *u)
{
	const struct record *first = record_first(t, c);
	uint32_t rtt_us = record_age(first, (uint32_t)now_us), bytes = u->ack - c->snd_una;

	if (u->records == 1)
		rack_update(c, rtt_us, first);
	else
		rack_update_last(t, now_us, c, u->records);
	c->snd_una = u->ack;
	c->backoff = 0;
	c->duplicates = 0;
	records_drop(t, c, u->records);
	if ((c->flags & F_CWND_LIMITED) != 0)
		bx_tcp_congestion_acked(c, now_us, bytes, rtt_us);
	if (BX_LIKELY(c->srtt_us != 0))
		bx_tcp_rtt_smooth(c, rtt_us);
	else
		bx_tcp_rtt_sample(c, rtt_us);
	timer_turn(t, now_us, c);
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
	if (BX_UNLIKELY(window > c->max_wnd))
		c->max_wnd = window;
}

/* Data that is in the ring already. */
static inline void
data_take(struct bx_transport *t, uint64_t now_us, struct conn *c, const struct bx_net_buf *buf, const struct usual *u)
{
	if (u->length > c->seen_mss)
		bx_tcp_seen(c, buf, u->length);
	c->rcv_nxt += u->length;
	bx_tcp_acknowledge(t, now_us, c);
	bx_tcp_conn_due(t, c, c->ack_us);
	bx_tcp_conn_event(t, c, BX_TCP_READABLE);
}

/* It is good: everything that it says becomes true. */
static IN_LINE void
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
	if (u->length != 0)
		data_take(t, now_us, c, buf, u);
	if (has_fin(u) || c->state != BX_TCP_ESTABLISHED) {
		if (bx_tcp_fins(t, now_us, c, has_fin(u), replies))
			return;
		bx_tcp_conn_arm(t, c);
	}
	BX_INVARIANT(bx_tcp_conn_sound(t, c));
}

/* The sum is wrong: a ring that was taken for this segment alone goes back. */
static APART void
damaged(struct bx_transport *t, struct conn *c)
{
	t->stats.bad_checksum++;
	if (c->receive_ring != NONE && c->rcv_read == c->rcv_nxt) {
		bx_tcp_ring_give(t, c->receive_ring);
		c->receive_ring = NONE;
	}
}

/* False: it is another one, and nothing has changed. */
static IN_LINE bool
taken(struct bx_transport *t, uint64_t now_us, struct conn *c, const struct bx_net_buf *buf, const uint8_t *head,
    struct bx_net_batch *replies)
{
	struct usual u = { .head = head };
	uint8_t *bytes = NULL;

	if (!is_usual(t, c, buf, &u))
		return false;
	if (u.length != 0) {
		struct receive_ring *ring = bx_tcp_receive_attach(t, c);

		if (ring == NULL)
			return false;
		bytes = (uint8_t *)ring + t->receive_head;
	}
	if (BX_LIKELY(sum_is_good(t, c, buf, &u, bytes)))
		take(t, now_us, c, buf, &u, replies);
	else
		damaged(t, c);
	return true;
}

void
bx_tcp_usual(struct bx_transport *t, uint64_t now_us, const struct bx_net_batch *batch,
    const struct bx_net_buf *buf, struct bx_net_batch *replies)
{
	const uint8_t *head = bx_net_bytes(batch, buf);
	struct place place = { t->last, NONE };
	struct conn *c = NULL;

	if (BX_UNLIKELY(buf->length < TCP_HEAD))
		place.id = NONE;
	else if (place.id != NONE && is_for(&t->conns[place.id], buf, head))
		c = &t->conns[place.id];
	else
		c = find(t, buf, head, &place);
	if (c == NULL || !taken(t, now_us, c, buf, head, replies))
		bx_tcp_segment(t, now_us, batch, buf, place, replies);
}
