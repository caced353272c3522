/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tcp_rate.c -- how fast the path delivers (draft-ietf-ccwg-bbr, "Delivery Rate Samples"; before that
 * draft-cheng-iccrg-delivery-rate-estimation): what has been delivered between the sending of a segment and its
 * acknowledgement, over the longer of the time that sending it took and the time that delivering it took.
 */
#include "transport.h"

void
bx_tcp_flight_begin(const struct bx_transport *t, struct conn *c)
{
	*flight_of(t, c) = (struct flight){ 0 };
	/* Nothing was there to be sent until now. */
	c->bbr.flags |= B_APP_LIMITED;
}

/* "Transmitting a data packet": x has just been sent, and counts as in flight. */
void
bx_tcp_rate_sent(const struct bx_transport *t, struct conn *c, struct record *x)
{
	struct flight *f = flight_of(t, c);
	uint32_t out = conn_in_flight(c);

	if (out == x->end - x->start)
		f->first_sent_us = f->delivered_us = x->sent_us;
	*mark_of(t, c, x) = (struct mark){ f->delivered, f->delivered_us, f->first_sent_us, out, f->lost };
	x->flags &= ~R_LIMITED;
	x->flags |= (c->bbr.flags & B_APP_LIMITED) != 0 ? R_MARKED | R_LIMITED : R_MARKED;
}

/* "Upon receiving an ACK", UpdateRateSample: x is delivered. */
void
bx_tcp_rate_delivered(const struct bx_transport *t, uint32_t now_us, struct conn *c, struct record *x,
    struct sample *s)
{
	const struct mark *m;
	struct flight *f;

	/* One that was reported before, or was sent under another control. */
	if (c->send_ring == NONE || (x->flags & R_MARKED) == 0)
		return;
	f = flight_of(t, c);
	m = mark_of(t, c, x);
	x->flags &= ~R_MARKED;
	f->delivered += x->end - x->start;
	f->delivered_us = now_us;
	s->acked += x->end - x->start;
	if (s->has && (seq_lt(x->sent_us, f->first_sent_us) ||
	    (x->sent_us == f->first_sent_us && seq_leq(x->end, s->newest_end))))
		return;
	s->has = true;
	s->limited = (x->flags & R_LIMITED) != 0;
	s->prior_delivered = m->delivered;
	s->prior_us = m->delivered_us;
	s->send_elapsed_us = x->sent_us - m->first_sent_us;
	s->in_flight = m->in_flight;
	s->lost = m->lost;
	s->newest_end = x->end;
	/* RFC 6298, 3: not of what was sent twice. */
	s->rtt_us = (x->flags & R_AGAIN) != 0 ? 0 : record_age(x, now_us);
	f->first_sent_us = x->sent_us;
}

/* The front of a record is delivered: it counts, and says nothing of the rate. */
void
bx_tcp_rate_part(const struct bx_transport *t, uint32_t now_us, struct conn *c, uint32_t bytes, struct sample *s)
{
	struct flight *f;

	if (c->send_ring == NONE)
		return;
	f = flight_of(t, c);
	f->delivered += bytes;
	f->delivered_us = now_us;
	s->acked += bytes;
}

/* GenerateRateSample: everything that this acknowledgement covers has been counted. */
void
bx_tcp_rate_sample(const struct bx_transport *t, uint32_t now_us, struct conn *c, struct sample *s)
{
	struct flight *f = flight_of(t, c);
	uint32_t interval;

	if ((c->bbr.flags & B_APP_LIMITED) != 0 && seq_lt(f->limited_end, f->delivered))
		c->bbr.flags &= (uint16_t)~B_APP_LIMITED;
	if (!s->has)
		return;
	s->delivered = f->delivered - s->prior_delivered;
	s->lost = f->lost - s->lost;
	interval = max_u32(now_us - s->prior_us, s->send_elapsed_us);
	/* Shorter than any round trip: the first sending of something that was sent again has arrived. */
	if (interval == 0 || interval < c->min_rtt_us)
		return;
	s->rate = (uint32_t)min_u64((uint64_t)s->delivered * RATE_US / interval, RATE_ANY - 1);
}

/* "Detecting application-limited phases": all has been sent but what is less than a segment and Nagle's, and more might have
 * been. */
void
bx_tcp_rate_look(const struct bx_transport *t, struct conn *c)
{
	uint32_t out = conn_in_flight(c);

	if (c->send_ring != NONE && seq_lt(c->snd_end, c->snd_nxt + c->mss) && c->lost == 0 && out < c->cwnd)
		bx_tcp_rate_limited(t, c);
}

/*
 * Neither the congestion window nor pacing holds back what waits, but the peer's window does.  While no queue stands (a round
 * trip longer than the shortest by an eighth would tell of one: RFC 9406, 4.3), the rate is what that window allows in a round
 * trip, and says of the path only that it is no less: as when the application has nothing to send.  Otherwise, as the draft has
 * it ("Considerations Related to Receiver Flow Control Limits"), what is delivered is what the path delivers.
 */
void
bx_tcp_rate_shut(const struct bx_transport *t, uint64_t now_us, struct conn *c)
{
	uint32_t out = c->snd_nxt - c->snd_una;
	const struct bbr *b = &c->bbr;

	if (c->send_ring == NONE || c->lost != 0 || out + c->mss <= c->snd_wnd || conn_in_flight(c) + c->mss > c->cwnd)
		return;
	if ((b->flags & B_MEASURED) != 0 && c->rack_rtt_us - b->min_rtt_us <= b->min_rtt_us / 8 &&
	    bx_tcp_pace_may(t, now_us, c))
		bx_tcp_rate_limited(t, c);
}

/* MarkConnectionAppLimited. */
void
bx_tcp_rate_limited(const struct bx_transport *t, struct conn *c)
{
	struct flight *f = flight_of(t, c);

	f->limited_end = f->delivered + conn_in_flight(c);
	c->bbr.flags |= B_APP_LIMITED;
}

/* A connection takes to BBR with data out: what is out has no mark that could be believed. */
void
bx_tcp_rate_begin(const struct bx_transport *t, struct conn *c)
{
	struct records r = bx_tcp_records(t, c);

	for (uint32_t i = 0; i < r.count; i++)
		record_at(&r, i)->flags &= ~(R_MARKED | R_LIMITED);
	if (c->send_ring != NONE)
		bx_tcp_flight_begin(t, c);
}
