/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tcp_bbr.c -- the states of BBR, and what they make of the model: how fast, and how much (draft-ietf-ccwg-bbr, "State Machine
 * Operation", "Updating Control Parameters"; the model is tcp_bbr_model.c's).
 *
 *   STARTUP --full, or too much lost--> DRAIN --drained, or three rounds--> DOWN
 *   DOWN --drained--> CRUISE --two or three seconds, or as long as Reno would take--> REFILL --a round--> UP
 *   DOWN --the same time--> REFILL          UP --full, too much lost, or careful--> DOWN
 *   any --no shorter round trip in five seconds--> PROBE_RTT --200 ms and a round--> CRUISE, or STARTUP if it was never full
 */
#include "transport.h"

#define BETA		70u	/* hundredths: BBR.Beta */
#define HEADROOM	15u	/* BBR.Headroom */
#define MARGIN		1u	/* BBR.PacingMarginPercent */
#define STARTUP_GAPS	6u	/* BBRStartupFullLossCnt */
#define DRAIN_ROUNDS	3u
#define PROBE_RTT_HOLD_MS	200u	/* BBR.ProbeRTTDuration */
#define WAIT_MS		2000u	/* T_bbr: two seconds, and up to one more */
#define RENO_ROUNDS	63u	/* T_reno_bound, less one at times */
#define CWND_MOST	(1u << 30)

const struct bbr_gain bx_tcp_bbr_gains[BBR_STATES] = {
	[BBR_STARTUP] = { 277, 200 },
	[BBR_DRAIN] = { 50, 200 },
	[BBR_DOWN] = { 90, 200 },
	[BBR_CRUISE] = { 100, 200 },
	[BBR_REFILL] = { 100, 200 },
	[BBR_UP] = { 125, 225 },
	[BBR_PROBE_RTT] = { 100, 50 },
};

static bool
in_probe_bw(const struct bbr *b)
{
	return b->state >= BBR_DOWN && b->state <= BBR_UP;
}

/* OnInit. */
void
bx_tcp_bbr_begin(const struct bx_transport *t, uint64_t now_us, struct conn *c)
{
	c->bbr = (struct bbr){
		.bw_short = RATE_ANY, .inflight_short = VOLUME_ANY, .inflight_long = VOLUME_ANY,
		.min_rtt_us = UINT32_MAX, .probe_rtt_us = UINT32_MAX, .min_rtt_ms = ms_of(now_us),
		.probe_rtt_ms = ms_of(now_us), .up_step = VOLUME_ANY, .undo_state = BBR_STATES,
	};
	c->flags |= F_BBR;
	bx_tcp_rate_begin(t, c);
}

/* ---- entering states ---- */

/* StartProbeBW_DOWN, with PickProbeWait. */
static void
start_down(const struct bx_transport *t, uint64_t now_us, struct conn *c)
{
	uint64_t random = mix64(t->key[0] ^ now_us ^ c->snd_nxt);
	struct bbr *b = &c->bbr;

	if (c->send_ring != NONE)
		flight_of(t, c)->bw_latest = flight_of(t, c)->inflight_latest = 0;
	b->flags &= (uint16_t)~B_LOSS_ROUND;
	b->up_step = VOLUME_ANY;
	b->since_up = (uint8_t)(random & 1);
	b->wait_ms = (uint16_t)(WAIT_MS + (random >> 1) % 1001);
	b->cycle_ms = ms_of(now_us);
	b->phase = BBR_ACKS_STOPPING;
	bx_tcp_bbr_round(t, c);
	b->state = BBR_DOWN;
}

static void
start_refill(const struct bx_transport *t, struct conn *c)
{
	struct bbr *b = &c->bbr;

	bx_tcp_bbr_short_reset(b);
	b->up_rounds = 0;
	b->up_acked = 0;
	b->flags &= (uint16_t)~B_CAUTIOUS;
	b->phase = BBR_ACKS_REFILLING;
	bx_tcp_bbr_round(t, c);
	b->state = BBR_REFILL;
}

/* RaiseInflightLongtermSlope: twice as steep each round. */
static void
raise_slope(struct conn *c)
{
	struct bbr *b = &c->bbr;

	b->up_step = max_u32(c->cwnd >> b->up_rounds, c->mss);
	if (b->up_rounds < 30)
		b->up_rounds++;
}

static void
start_up(struct turn *n)
{
	struct bbr *b = n->b;

	b->phase = BBR_ACKS_STARTING;
	bx_tcp_bbr_round(n->t, n->c);
	bx_tcp_bbr_full_reset(b, n->s->rate);
	b->state = BBR_UP;
	raise_slope(n->c);
}

/* ---- Startup and Drain ---- */

/* "Exiting Startup Based on Packet Loss", and by a mark of congestion.  The next acknowledgement makes it Drain. */
void
bx_tcp_bbr_startup_over(const struct bx_transport *t, struct conn *c)
{
	struct bbr *b = &c->bbr;

	b->undo_state = BBR_STARTUP;
	b->flags |= B_FULL_ONCE | B_FULL_NOW;
	b->inflight_long = max_u32(bx_tcp_bbr_bdp(c, bx_tcp_bbr_bw(b), 100), flight_of(t, c)->inflight_latest);
}

/* CheckStartupHighLoss. */
static void
startup_loss(struct turn *n)
{
	if (n->b->state == BBR_STARTUP && n->loss_round && (n->c->flags & F_RECOVERY) != 0 && n->b->gaps >= STARTUP_GAPS &&
	    bx_tcp_bbr_too_high(n->c, n->s->lost, n->s->in_flight))
		bx_tcp_bbr_startup_over(n->t, n->c);
}

/* CheckStartupDone, CheckDrainDone. */
static void
startup_drain(struct turn *n)
{
	struct bbr *b = n->b;

	startup_loss(n);
	if (b->state == BBR_STARTUP && (b->flags & B_FULL_ONCE) != 0) {
		b->state = BBR_DRAIN;
		b->drain_round = b->rounds;
	}
	if (b->state == BBR_DRAIN && (conn_in_flight(n->c) <= bx_tcp_bbr_inflight(n->c, bx_tcp_bbr_bw(b)) ||
	    (uint8_t)(b->rounds - b->drain_round) > DRAIN_ROUNDS))
		start_down(n->t, n->now_us, n->c);
}

/* ---- ProbeBW ---- */

/* InflightWithHeadroom. */
static uint32_t
with_headroom(const struct conn *c)
{
	uint32_t most = c->bbr.inflight_long, room;

	if (most == VOLUME_ANY)
		return VOLUME_ANY;
	room = max_u32(c->mss, (uint32_t)((uint64_t)most * HEADROOM / 100));
	return max_u32(most - min_u32(most, room), bx_tcp_bbr_pipe(c));
}

/* IsTimeToProbeBW: after the wait, or after as many rounds as Reno would take to grow by as much. */
static bool
time_to_probe(struct turn *n)
{
	uint32_t rounds = min_u32(bx_tcp_bbr_target(n->c) / n->c->mss, RENO_ROUNDS);

	if (ms_of(n->now_us) - n->b->cycle_ms <= n->b->wait_ms && n->b->since_up < rounds)
		return false;
	start_refill(n->t, n->c);
	return true;
}

static bool
time_to_cruise(const struct conn *c)
{
	uint32_t out = conn_in_flight(c);

	return out <= with_headroom(c) && out <= bx_tcp_bbr_inflight(c, bx_tcp_bbr_max_bw(&c->bbr));
}

static bool
cwnd_used(const struct bbr *b)
{
	return (b->flags & (B_CWND_USED | B_CWND_USED_OLD)) != 0;
}

/* IsTimeToGoDown. */
static bool
time_to_go_down(struct turn *n)
{
	struct bbr *b = n->b;

	if ((b->flags & B_TOO_HIGH) != 0 && conn_in_flight(n->c) >= b->inflight_long) {
		b->flags |= B_CAUTIOUS;
		return true;
	}
	if (cwnd_used(b) && n->c->cwnd >= b->inflight_long) {
		bx_tcp_bbr_full_reset(b, n->s->rate);
		return false;
	}
	return (b->flags & B_FULL_NOW) != 0;
}

/* ProbeInflightLongtermUpward. */
static void
long_upward(struct turn *n)
{
	struct bbr *b = n->b;
	uint32_t steps;

	if (!cwnd_used(b) || n->c->cwnd < b->inflight_long)
		return;
	b->up_acked += n->s->acked;
	steps = b->up_acked / b->up_step;
	b->up_acked -= steps * b->up_step;
	b->inflight_long = (uint32_t)min_u64(b->inflight_long + (uint64_t)steps * n->c->mss, CWND_MOST);
	if (n->round)
		raise_slope(n->c);
}

/* AdaptLongTermModel; true: it has chosen the next state. */
static bool
adapt_long(struct turn *n)
{
	struct bbr *b = n->b;

	if (b->phase == BBR_ACKS_STARTING && n->round)
		b->phase = BBR_ACKS_FEEDBACK;
	if (b->phase == BBR_ACKS_STOPPING && n->round) {
		b->flags &= (uint16_t)~B_PROBE_SAMPLE;
		b->phase = BBR_ACKS_INIT;
		if (in_probe_bw(b) && !n->s->limited)
			bx_tcp_bbr_cycle(b);
		if (in_probe_bw(b) && (b->flags & (B_CAUTIOUS | B_TOO_HIGH)) == B_CAUTIOUS) {
			start_refill(n->t, n->c);
			return true;
		}
	}
	if (bx_tcp_bbr_too_high(n->c, n->s->lost, n->s->in_flight) || b->inflight_long == VOLUME_ANY)
		return false;
	b->inflight_long = max_u32(b->inflight_long, n->s->in_flight);
	if (b->state == BBR_UP)
		long_upward(n);
	return false;
}

/* UpdateProbeBWCyclePhase. */
static void
cycle(struct turn *n)
{
	struct bbr *b = n->b;

	if ((b->flags & B_FULL_ONCE) == 0 || adapt_long(n))
		return;
	switch ((enum bbr_state)b->state) {
	case BBR_DOWN:
		if (!time_to_probe(n) && time_to_cruise(n->c))
			b->state = BBR_CRUISE;
		return;
	case BBR_CRUISE:
		(void)time_to_probe(n);
		return;
	case BBR_REFILL:
		if (n->round) {
			b->flags |= B_PROBE_SAMPLE;
			start_up(n);
		}
		return;
	case BBR_UP:
		if (time_to_go_down(n)) {
			b->flags &= (uint16_t)~B_TOO_HIGH;
			start_down(n->t, n->now_us, n->c);
		}
		return;
	case BBR_STARTUP:
	case BBR_DRAIN:
	case BBR_PROBE_RTT:
	case BBR_STATES:
		return;
	}
}

/* HandleInflightTooHigh: a probe has found where too much is lost. */
void
bx_tcp_bbr_too_much(struct bx_transport *t, uint64_t now_us, struct conn *c, uint32_t in_flight, bool limited)
{
	struct bbr *b = &c->bbr;

	b->flags = (uint16_t)((b->flags & ~B_PROBE_SAMPLE) | B_TOO_HIGH);
	if (!limited)
		b->inflight_long = max_u32(in_flight, (uint32_t)((uint64_t)bx_tcp_bbr_target(c) * BETA / 100));
	if (b->state == BBR_UP) {
		b->undo_state = BBR_UP;
		start_down(t, now_us, c);
	}
}

/* ---- ProbeRTT ---- */

static uint32_t
probe_rtt_cwnd(const struct conn *c)
{
	return max_u32(bx_tcp_bbr_bdp(c, bx_tcp_bbr_bw(&c->bbr), bx_tcp_bbr_gains[BBR_PROBE_RTT].cwnd), bx_tcp_bbr_pipe(c));
}

static void
restore_cwnd(struct conn *c)
{
	c->cwnd = max_u32(c->cwnd, c->bbr.prior_cwnd);
}

/* CheckProbeRTTDone, ExitProbeRTT. */
static void
probe_rtt_done(const struct bx_transport *t, uint64_t now_us, struct conn *c)
{
	uint32_t now = ms_of(now_us);
	struct bbr *b = &c->bbr;

	if ((b->flags & B_PROBE_TIMED) == 0 || !seq_lt(b->probe_done_ms, now))
		return;
	b->probe_rtt_ms = now;
	restore_cwnd(c);
	bx_tcp_bbr_short_reset(b);
	if ((b->flags & B_FULL_ONCE) == 0) {
		b->state = BBR_STARTUP;
		return;
	}
	start_down(t, now_us, c);
	b->state = BBR_CRUISE;
}

/* HandleProbeRTT. */
static void
probe_rtt_on(struct turn *n)
{
	struct bbr *b = n->b;

	bx_tcp_rate_limited(n->t, n->c);
	if ((b->flags & B_PROBE_TIMED) == 0) {
		if (conn_in_flight(n->c) > probe_rtt_cwnd(n->c))
			return;
		b->probe_done_ms = ms_of(n->now_us) + PROBE_RTT_HOLD_MS;
		b->flags = (uint16_t)((b->flags & ~B_PROBE_ROUND) | B_PROBE_TIMED);
		bx_tcp_bbr_round(n->t, n->c);
		return;
	}
	if (n->round)
		b->flags |= B_PROBE_ROUND;
	if ((b->flags & B_PROBE_ROUND) != 0)
		probe_rtt_done(n->t, n->now_us, n->c);
}

/* CheckProbeRTT. */
static void
probe_rtt(struct turn *n)
{
	struct bbr *b = n->b;

	if (b->state != BBR_PROBE_RTT && n->probe_expired && (b->flags & B_RESTART) == 0) {
		bx_tcp_bbr_save_cwnd(n->c);
		b->state = BBR_PROBE_RTT;
		b->flags &= (uint16_t)~B_PROBE_TIMED;
		b->phase = BBR_ACKS_STOPPING;
		bx_tcp_bbr_round(n->t, n->c);
	}
	if (b->state == BBR_PROBE_RTT)
		probe_rtt_on(n);
	if (n->s->delivered != 0)
		b->flags &= (uint16_t)~B_RESTART;
}

/* ---- control ---- */

/* SetPacingRateWithGain. */
static void
set_rate(struct bbr *b, uint32_t percent)
{
	uint64_t rate = (uint64_t)bx_tcp_bbr_bw(b) * percent / 100 * (100 - MARGIN) / 100;

	if (rate != 0 && ((b->flags & B_FULL_ONCE) != 0 || rate > b->pacing_rate))
		b->pacing_rate = (uint32_t)min_u64(rate, RATE_ANY - 1);
}

/* InitPacingRate: the initial window in a round trip, or a millisecond as long as none is known. */
static void
init_rate(struct conn *c, uint32_t rtt_us)
{
	uint64_t rate = (uint64_t)bx_tcp_initial_window(c->mss) * RATE_US / (rtt_us != 0 ? rtt_us : MS_US);

	c->bbr.pacing_rate = (uint32_t)max_u32((uint32_t)min_u64(rate * bx_tcp_bbr_gains[BBR_STARTUP].pacing / 100, RATE_ANY - 1), 1);
	if (rtt_us != 0)
		c->bbr.flags |= B_RATE_KNOWN;
}

/* BoundCwndForModel. */
static uint32_t
cwnd_bound(const struct conn *c)
{
	const struct bbr *b = &c->bbr;
	uint32_t most = VOLUME_ANY;

	if (b->state == BBR_CRUISE || b->state == BBR_PROBE_RTT)
		most = with_headroom(c);
	else if (in_probe_bw(b))
		most = b->inflight_long;
	return max_u32(min_u32(most, b->inflight_short), bx_tcp_bbr_pipe(c));
}

/* SetCwnd.  Of a connection that knows little yet, the window may pass the model by as much as it began with. */
static void
set_cwnd(struct turn *n)
{
	uint32_t most = bx_tcp_bbr_max_inflight(n->c), grown = n->c->cwnd + n->s->acked;
	struct conn *c = n->c;

	if ((n->b->flags & B_FULL_ONCE) != 0)
		c->cwnd = min_u32(grown, most);
	else if (c->cwnd < max_u32(most, 2 * bx_tcp_initial_window(c->mss)))
		c->cwnd = grown;
	c->cwnd = max_u32(c->cwnd, bx_tcp_bbr_pipe(c));
	if (n->b->state == BBR_PROBE_RTT)
		c->cwnd = min_u32(c->cwnd, probe_rtt_cwnd(c));
	c->cwnd = min_u32(min_u32(c->cwnd, cwnd_bound(c)), CWND_MOST);
}

/* ---- what happens to a connection ---- */

/* UpdateOnACK. */
void
bx_tcp_bbr_acked(struct bx_transport *t, uint64_t now_us, struct conn *c, struct sample *s)
{
	struct turn n = { .t = t, .c = c, .b = &c->bbr, .s = s, .now_us = now_us };

	if (c->send_ring == NONE)
		return;
	n.f = flight_of(t, c);
	bx_tcp_rate_sample(t, (uint32_t)now_us, c, s);
	if (!s->has)
		return;
	if ((n.b->flags & B_RATE_KNOWN) == 0 && s->rtt_us != 0)
		init_rate(c, s->rtt_us);
	bx_tcp_bbr_model(&n);
	startup_drain(&n);
	cycle(&n);
	bx_tcp_bbr_min_rtt(&n);
	probe_rtt(&n);
	bx_tcp_bbr_model_end(&n);
	set_rate(n.b, bx_tcp_bbr_gains[n.b->state].pacing);
	set_cwnd(&n);
}

/* OnTransmit: HandleRestartFromIdle, before anything is sent. */
void
bx_tcp_bbr_transmit(const struct bx_transport *t, uint64_t now_us, struct conn *c)
{
	struct bbr *b = &c->bbr;

	if (b->pacing_rate == 0)
		init_rate(c, c->srtt_us);
	if (conn_in_flight(c) != 0 || (b->flags & B_APP_LIMITED) == 0)
		return;
	b->flags |= B_RESTART;
	/* What was delivered before has nothing to do with the interval that begins. */
	flight_of(t, c)->extra_start_us = (uint32_t)now_us;
	flight_of(t, c)->extra_delivered = 0;
	if (in_probe_bw(b))
		set_rate(b, 100);
	else if (b->state == BBR_PROBE_RTT)
		probe_rtt_done(t, now_us, c);
}

/* OnEnterRTO, before all is marked lost: the window then is one segment, and grows again by what is delivered. */
void
bx_tcp_bbr_timeout(const struct bx_transport *t, struct conn *c)
{
	bx_tcp_bbr_save_cwnd(c);
	bx_tcp_pace_now(t, c);
}

/* "Modulating cwnd in Loss Recovery": all is repaired. */
void
bx_tcp_bbr_recovered(struct conn *c)
{
	restore_cwnd(c);
}

/* HandleSpuriousLossDetection. */
void
bx_tcp_bbr_undo(const struct bx_transport *t, struct conn *c)
{
	struct bbr *b = &c->bbr;
	uint8_t was = b->undo_state;

	restore_cwnd(c);
	b->flags &= (uint16_t)~B_LOSS_ROUND;
	bx_tcp_bbr_full_reset(b, 0);
	if (c->send_ring != NONE) {
		const struct flight *f = flight_of(t, c);

		b->bw_short = max_u32(b->bw_short, f->undo_bw);
		b->inflight_short = max_u32(b->inflight_short, f->undo_inflight_short);
		b->inflight_long = max_u32(b->inflight_long, f->undo_inflight_long);
	}
	b->undo_state = BBR_STATES;
	if (was == BBR_STARTUP && b->state != BBR_STARTUP) {
		b->flags &= (uint16_t)~B_FULL_ONCE;
		b->state = b->state == BBR_PROBE_RTT ? BBR_PROBE_RTT : BBR_STARTUP;
	} else if (was == BBR_UP && b->state != BBR_UP && b->state != BBR_PROBE_RTT) {
		start_refill(t, c);
	}
}

/*
 * The peer echoes a mark of congestion; once in a window.  "ECN": a mark MUST be treated as congestion, and how is left open.
 * While more is probed for, the probe has gone too high, by CUBIC's share (RFC 8311, 4.1); otherwise what is sent goes down by
 * it until the next probe.
 */
void
bx_tcp_bbr_marked(struct bx_transport *t, uint64_t now_us, struct conn *c)
{
	struct bbr *b = &c->bbr;
	uint32_t less = (uint32_t)((uint64_t)bx_tcp_bbr_target(c) * BETA / 100);

	if (c->send_ring == NONE)
		return;
	if (b->state == BBR_STARTUP) {
		bx_tcp_bbr_startup_over(t, c);
	} else if ((b->flags & B_PROBE_SAMPLE) != 0) {
		bx_tcp_bbr_too_much(t, now_us, c, 0, false);
	} else {
		b->bw_short = (uint32_t)((uint64_t)bx_tcp_bbr_bw(b) * BETA / 100);
		b->inflight_short = max_u32(min_u32(b->inflight_short, less), bx_tcp_bbr_pipe(c));
		c->cwnd = min_u32(c->cwnd, b->inflight_short);
	}
}
