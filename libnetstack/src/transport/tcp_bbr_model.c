/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tcp_bbr_model.c -- what BBR believes of the path (draft-ietf-ccwg-bbr, "Updating Network Path Model Parameters"): the
 * bandwidth, the round trip, what comes in lumps, and how much the path takes.  The states are tcp_bbr.c's.
 */
#include "transport.h"

#define BETA			70u	/* hundredths: BBR.Beta */
#define LOSS_PERCENT		2u	/* BBR.LossThresh */
#define PIPE_SEGMENTS		4u	/* BBR.MinPipeCwnd */
#define EXTRA_ROUNDS		5u	/* half of BBR.ExtraAckedFilterLen: two slots make its ten */
#define PROBE_RTT_MS		5000u	/* BBR.ProbeRTTInterval */
#define MIN_RTT_MS		10000u	/* BBR.MinRTTFilterLen */
#define VOLUME_MOST		(1u << 30)

static uint32_t
share(uint32_t v, uint32_t percent)
{
	return (uint32_t)((uint64_t)v * percent / 100);
}

uint32_t
bx_tcp_bbr_max_bw(const struct bbr *b)
{
	return max_u32(b->max_bw[0], b->max_bw[1]);
}

/* BoundBWForModel. */
uint32_t
bx_tcp_bbr_bw(const struct bbr *b)
{
	return min_u32(bx_tcp_bbr_max_bw(b), b->bw_short);
}

uint32_t
bx_tcp_bbr_pipe(const struct conn *c)
{
	return PIPE_SEGMENTS * c->mss;
}

/* BDPMultiple. */
uint32_t
bx_tcp_bbr_bdp(const struct conn *c, uint32_t bw, uint32_t percent)
{
	if ((c->bbr.flags & B_MEASURED) == 0)
		return bx_tcp_initial_window(c->mss);
	return (uint32_t)min_u64((uint64_t)bw * c->bbr.min_rtt_us / RATE_US * percent / 100, VOLUME_MOST);
}

/* QuantizationBudget; "TCP Offload Budget". */
static uint32_t
quantize(const struct conn *c, uint32_t volume)
{
	volume = max_u32(max_u32(volume, 3 * bx_tcp_pace_quantum(c)), bx_tcp_bbr_pipe(c));
	return c->bbr.state == BBR_UP ? volume + 2u * c->mss : volume;
}

uint32_t
bx_tcp_bbr_inflight(const struct conn *c, uint32_t bw)
{
	return quantize(c, bx_tcp_bbr_bdp(c, bw, 100));
}

/* UpdateMaxInflight. */
uint32_t
bx_tcp_bbr_max_inflight(const struct conn *c)
{
	const struct bbr *b = &c->bbr;
	uint32_t bdp = bx_tcp_bbr_bdp(c, bx_tcp_bbr_bw(b), bx_tcp_bbr_gains[b->state].cwnd);

	return quantize(c, bdp + max_u32(b->extra[0], b->extra[1]));
}

/* TargetInflight. */
uint32_t
bx_tcp_bbr_target(const struct conn *c)
{
	return min_u32(bx_tcp_bbr_bdp(c, bx_tcp_bbr_bw(&c->bbr), 100), c->cwnd);
}

/* StartRound: it lasts until what is sent from now on is delivered. */
void
bx_tcp_bbr_round(const struct bx_transport *t, struct conn *c)
{
	if (c->send_ring != NONE)
		flight_of(t, c)->round_end = flight_of(t, c)->delivered;
}

/* ResetFullBW, with the rate to begin from. */
void
bx_tcp_bbr_full_reset(struct bbr *b, uint32_t rate)
{
	b->full_bw = rate;
	b->full_rounds = 0;
	b->flags &= (uint16_t)~B_FULL_NOW;
}

/* ResetShortTermModel. */
void
bx_tcp_bbr_short_reset(struct bbr *b)
{
	b->bw_short = RATE_ANY;
	b->inflight_short = VOLUME_ANY;
}

/* UpdateLatestDeliverySignals. */
static void
latest_begin(struct turn *n)
{
	struct flight *f = n->f;

	f->bw_latest = max_u32(f->bw_latest, n->s->rate);
	f->inflight_latest = max_u32(f->inflight_latest, n->s->delivered);
	n->loss_round = !seq_lt(n->s->prior_delivered, f->loss_round_end);
	if (n->loss_round)
		f->loss_round_end = f->delivered;
}

/* UpdateRound and UpdateMaxBw. */
static void
bandwidth(struct turn *n)
{
	struct bbr *b = n->b;

	n->round = !seq_lt(n->s->prior_delivered, n->f->round_end);
	if (n->round) {
		n->f->round_end = n->f->delivered;
		b->rounds++;
		if (b->since_up < UINT8_MAX)
			b->since_up++;
		b->flags = (uint16_t)((b->flags & ~(B_CWND_USED | B_CWND_USED_OLD)) |
		    ((b->flags & B_CWND_USED) != 0 ? B_CWND_USED_OLD : 0));
	}
	if (n->s->rate != 0 && (n->s->rate >= bx_tcp_bbr_max_bw(b) || !n->s->limited))
		b->max_bw[0] = max_u32(b->max_bw[0], n->s->rate);
}

/* AdvanceMaxBwFilter: the cycle before last is forgotten, unless this one has seen nothing. */
void
bx_tcp_bbr_cycle(struct bbr *b)
{
	if (b->max_bw[0] == 0)
		return;
	b->max_bw[1] = b->max_bw[0];
	b->max_bw[0] = 0;
}

/* InitLowerBounds, LossLowerBounds: once a round, towards what is delivered. */
static void
lower_bounds(struct turn *n)
{
	struct bbr *b = n->b;

	if (b->bw_short == RATE_ANY)
		b->bw_short = bx_tcp_bbr_max_bw(b);
	if (b->inflight_short == VOLUME_ANY)
		b->inflight_short = n->c->cwnd;
	b->bw_short = max_u32(n->f->bw_latest, share(b->bw_short, BETA));
	b->inflight_short = max_u32(n->f->inflight_latest, share(b->inflight_short, BETA));
}

/* UpdateCongestionSignals, AdaptLowerBoundsFromCongestion. */
static void
congestion(struct turn *n)
{
	struct bbr *b = n->b;
	bool probing = b->state == BBR_STARTUP || b->state == BBR_REFILL || b->state == BBR_UP;

	bandwidth(n);
	if (!n->loss_round)
		return;
	if (!probing && (b->flags & B_LOSS_ROUND) != 0)
		lower_bounds(n);
	b->flags &= (uint16_t)~B_LOSS_ROUND;
}

/* UpdateACKAggregation.  The filter of ten rounds is two slots of five, that of Startup one. */
static void
aggregation(struct turn *n)
{
	struct bbr *b = n->b;
	struct flight *f = n->f;
	uint32_t now = (uint32_t)n->now_us;
	uint64_t expected = (uint64_t)bx_tcp_bbr_bw(b) * (now - f->extra_start_us) / RATE_US;
	uint32_t last = (b->flags & B_FULL_ONCE) != 0 ? EXTRA_ROUNDS : 1;

	if (n->round && ++b->extra_rounds >= last) {
		b->extra_rounds = 0;
		b->extra[1] = last == 1 ? 0 : b->extra[0];
		b->extra[0] = 0;
	}
	if (f->extra_delivered <= expected) {
		f->extra_delivered = 0;
		f->extra_start_us = now;
		expected = 0;
	}
	f->extra_delivered += n->s->acked;
	b->extra[0] = max_u32(b->extra[0], min_u32((uint32_t)(f->extra_delivered - expected), n->c->cwnd));
}

/* CheckFullBWReached: three rounds without a quarter more. */
static void
full_bw(struct turn *n)
{
	struct bbr *b = n->b;

	if ((b->flags & B_FULL_NOW) != 0 || !n->round || n->s->limited)
		return;
	if ((uint64_t)n->s->rate * 4 >= (uint64_t)b->full_bw * 5) {
		bx_tcp_bbr_full_reset(b, n->s->rate);
		return;
	}
	if (++b->full_rounds >= 3)
		b->flags |= B_FULL_NOW | B_FULL_ONCE;
}

void
bx_tcp_bbr_model(struct turn *n)
{
	latest_begin(n);
	congestion(n);
	aggregation(n);
	full_bw(n);
}

/* AdvanceLatestDeliverySignals, at the end. */
void
bx_tcp_bbr_model_end(struct turn *n)
{
	if (!n->loss_round)
		return;
	n->f->bw_latest = n->s->rate;
	n->f->inflight_latest = n->s->delivered;
	n->b->gaps = 0;
}

/*
 * UpdateMinRTT.  A sample as short as the shortest is as good as it, and as new: a path without a queue, where nothing is
 * gained by draining one, is not asked to drain it (so draft-cardwell-iccrg-bbr-congestion-control-00 has it, 4.1.2; in the
 * newest draft only a shorter one counts).
 */
void
bx_tcp_bbr_min_rtt(struct turn *n)
{
	struct bbr *b = n->b;
	uint32_t now = ms_of(n->now_us), rtt = n->s->rtt_us;

	n->probe_expired = now - b->probe_rtt_ms > PROBE_RTT_MS;
	if (rtt != 0 && (rtt <= b->probe_rtt_us || n->probe_expired)) {
		b->probe_rtt_us = rtt;
		b->probe_rtt_ms = now;
		b->flags |= B_MEASURED;
	}
	if (b->probe_rtt_us < b->min_rtt_us || now - b->min_rtt_ms > MIN_RTT_MS) {
		b->min_rtt_us = b->probe_rtt_us;
		b->min_rtt_ms = b->probe_rtt_ms;
	}
}

/* ---- losses ---- */

/* IsInflightTooHigh. */
bool
bx_tcp_bbr_too_high(const struct conn *c, uint32_t lost, uint32_t in_flight)
{
	return (uint64_t)lost * 100 > (uint64_t)in_flight * LOSS_PERCENT || (lost != 0 && (c->flags & F_SACK) == 0);
}

/* InflightAtLoss: how much was in flight where, inside a piece of this size, the losses passed the bound.  They may have
 * done so before it. */
static uint32_t
inflight_at_loss(uint32_t in_flight, uint32_t lost, uint32_t size)
{
	uint32_t before = in_flight - min_u32(in_flight, size), lost_before = lost - min_u32(lost, size);
	uint64_t allowed = (uint64_t)before * LOSS_PERCENT, gone = (uint64_t)lost_before * 100;

	return allowed <= gone ? before : before + (uint32_t)((allowed - gone) / (100 - LOSS_PERCENT));
}

/* SaveCwnd. */
void
bx_tcp_bbr_save_cwnd(struct conn *c)
{
	struct bbr *b = &c->bbr;
	bool as_it_is = (c->flags & (F_RECOVERY | F_LOSS)) == 0 && b->state != BBR_PROBE_RTT;

	b->prior_cwnd = as_it_is ? c->cwnd : max_u32(b->prior_cwnd, c->cwnd);
}

/* SaveStateUponLoss: at the first loss of an episode, before it changes anything. */
static void
save(struct conn *c, struct flight *f)
{
	struct bbr *b = &c->bbr;

	bx_tcp_bbr_save_cwnd(c);
	b->undo_state = BBR_STATES;
	f->undo_bw = b->bw_short;
	f->undo_inflight_short = b->inflight_short;
	f->undo_inflight_long = b->inflight_long;
}

/* NoteLoss. */
void
bx_tcp_bbr_note(struct bbr *b, struct flight *f)
{
	if ((b->flags & B_LOSS_ROUND) == 0)
		f->loss_round_end = f->delivered;
	b->flags |= B_LOSS_ROUND;
}

/* HandleLostPacket: x is about to be marked lost. */
void
bx_tcp_bbr_lost(struct bx_transport *t, uint64_t now_us, struct conn *c, const struct record *x)
{
	uint32_t size = x->end - x->start, in_flight, lost;
	struct bbr *b = &c->bbr;
	const struct mark *m;
	struct flight *f;

	if (c->send_ring == NONE)
		return;
	f = flight_of(t, c);
	m = mark_of(t, c, x);
	if ((c->flags & (F_RECOVERY | F_LOSS)) == 0 && c->lost == 0)
		save(c, f);
	f->lost += size;
	bx_tcp_bbr_note(b, f);
	if ((b->gaps == 0 || x->start != f->lost_end) && b->gaps < UINT8_MAX)
		b->gaps++;
	f->lost_end = x->end;
	/* Who hears of one loss in a round trip at most takes one for enough. */
	if (b->state == BBR_STARTUP && (c->flags & (F_SACK | F_LOSS)) == 0)
		bx_tcp_bbr_startup_over(t, c);
	if ((b->flags & B_PROBE_SAMPLE) == 0 || (x->flags & R_MARKED) == 0)
		return;
	in_flight = m->in_flight;
	lost = f->lost - m->lost;
	if (bx_tcp_bbr_too_high(c, lost, in_flight))
		bx_tcp_bbr_too_much(t, now_us, c, inflight_at_loss(in_flight, lost, size), (x->flags & R_LIMITED) != 0);
}
