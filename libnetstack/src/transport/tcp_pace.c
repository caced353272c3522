/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tcp_pace.c -- when the next piece may go, of a connection that is paced (draft-ietf-ccwg-bbr, "Pacing Rate", "Send Quantum").
 *
 * The stage has no clock and its timer has ticks of a millisecond, so it is asked late, at times by as much as its caller's
 * own step.  What could have gone in between goes then, at once: the rate is kept, and what goes at once is no more than a
 * caller's step is worth.  A connection that had nothing to send has no such claim; one that found the peer's window full has
 * one to an initial window, for a round trip.
 */
#include "transport.h"

#define CREDIT_US	16000u		/* a caller that comes later than this falls behind the rate */

/* A floor: what a sender that knows nothing may do, a segment each second (RFC 6298, 2.1). */
static uint32_t
rate_of(const struct conn *c)
{
	return max_u32(c->bbr.pacing_rate, max_u32(c->mss / 16, 1));
}

/* When the next segment may go: a quantum goes together, so all of it but the last one goes ahead of its time. */
static uint64_t
opens_us(const struct bx_transport *t, const struct conn *c)
{
	uint64_t due_us = flight_of(t, c)->next_send_us;

	return due_us - min_u64(due_us, (uint64_t)(bx_tcp_pace_quantum(c) - c->mss) * RATE_US / rate_of(c));
}

bool
bx_tcp_pace_may(const struct bx_transport *t, uint64_t now_us, const struct conn *c)
{
	return now_us >= opens_us(t, c);
}

bool
bx_tcp_pace_open(struct bx_transport *t, uint64_t now_us, struct conn *c)
{
	/* Probes have a time of their own (RFC 8985, 7.3; RFC 9293, 3.8.6.1). */
	if (bx_tcp_pace_may(t, now_us, c) || (c->flags & (F_PROBE_NEW | F_FORCE)) != 0)
		return true;
	c->bbr.flags |= B_REFUSED;
	bx_tcp_timer_set(t, conn_id(t, c), opens_us(t, c));
	return false;
}

/*
 * How far a connection may be behind its rate and make it good at once.  The peer's window, once it was full, opens by all of it
 * when a gap is filled, and by then nothing is under way: what pacing would have let go in the meantime may follow, up to the
 * burst that a sender may make of itself (an initial window: RFC 9002, 7.7).  A round trip after the acknowledgement nothing is
 * left of that, for a restart from idle is paced; and without SACK what is under way is a guess.
 */
static uint64_t
credit_us(const struct conn *c, uint64_t now_us)
{
	if ((c->bbr.flags & B_HELD) != 0)
		return CREDIT_US;
	if (!c->bbr.peer_full || (c->flags & F_SACK) == 0 || now_us - c->heard_us > c->srtt_us)
		return 0;
	return (uint64_t)bx_tcp_initial_window(c->mss) * RATE_US / rate_of(c);
}

void
bx_tcp_pace_sent(const struct bx_transport *t, uint64_t now_us, struct conn *c, uint32_t bytes)
{
	struct flight *f = flight_of(t, c);
	uint64_t credit = credit_us(c, now_us);

	if (f->next_send_us + credit < now_us)
		f->next_send_us = now_us - credit;
	f->next_send_us += (uint64_t)bytes * RATE_US / rate_of(c);
}

/* Everything that may go now has gone: what held back the rest? */
void
bx_tcp_pace_turn(struct conn *c)
{
	uint16_t flags = (uint16_t)(c->bbr.flags & ~(B_HELD | B_REFUSED));

	c->bbr.flags = (c->bbr.flags & B_REFUSED) != 0 ? (uint16_t)(flags | B_HELD) : flags;
	if ((c->bbr.flags & B_HELD) != 0 || (c->flags & F_CWND_LIMITED) != 0)
		c->bbr.peer_full = false;
	else if (c->lost == 0 && c->snd_nxt - c->snd_una + c->mss > c->snd_wnd)
		c->bbr.peer_full = true;
}

/* After a timeout the first segment goes at once. */
void
bx_tcp_pace_now(const struct bx_transport *t, struct conn *c)
{
	if (c->send_ring != NONE)
		flight_of(t, c)->next_send_us = 0;
}

/* The connection's timer has fired: what pacing holds back may go, or it waits on. */
void
bx_tcp_pace_timer(struct bx_transport *t, uint64_t now_us, struct conn *c)
{
	if ((c->bbr.flags & B_HELD) == 0 || c->send_ring == NONE)
		return;
	if (bx_tcp_pace_may(t, now_us, c))
		bx_tcp_conn_ready(t, c);
	else
		bx_tcp_timer_set(t, conn_id(t, c), opens_us(t, c));
}

/* SetSendQuantum: a millisecond's worth, at least two segments, at most 64 KiB. */
uint32_t
bx_tcp_pace_quantum(const struct conn *c)
{
	uint32_t most = (uint32_t)min_u64((uint64_t)c->bbr.pacing_rate * MS_US / RATE_US, 65536);

	return max_u32(most, 2u * c->mss);
}
