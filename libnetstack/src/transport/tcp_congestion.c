/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tcp_congestion.c -- how much may be in flight: slow start (RFC 5681; the first one by RFC 9406, HyStart++) and congestion
 * avoidance by RFC 5681 (NewReno) or RFC 9438 (CUBIC).  BBR is tcp_bbr.c's.  Windows are bytes; CUBIC's time is milliseconds.
 */
#include "transport.h"

/* RFC 9438, 5: C = 0.4, beta = 0.7, alpha = 3 (1 - beta) / (1 + beta) = 9/17. */
#define EPOCH_MAX_MS	100000
/* RFC 9406, 4.3. */
#define GROWN_MIN_US	4000u		/* MIN_RTT_THRESH */
#define GROWN_MAX_US	16000u		/* MAX_RTT_THRESH */
#define ROUND_SAMPLES	8u		/* N_RTT_SAMPLE */
#define SLOWER		4u		/* CSS_GROWTH_DIVISOR */
#define SLOWER_ROUNDS	5u		/* CSS_ROUNDS */
#define BURST		8u		/* L, of a sender that does not pace */

/* RFC 6928, 2. */
uint32_t
bx_tcp_initial_window(uint32_t mss)
{
	return min_u32(10 * mss, max_u32(2 * mss, 14600));
}

/* The integer cube root, by bits. */
static uint32_t
cube_root(uint64_t v)
{
	uint64_t root = 0;

	for (uint64_t bit = (uint64_t)1 << 20; bit != 0; bit >>= 1) {
		uint64_t next = root | bit;

		if (next * next * next <= v)
			root = next;
	}
	return (uint32_t)root;
}

void
bx_tcp_congestion_loss(struct conn *c, uint32_t acked)
{
	/* What was let out since the first report of something missing does not count (RFC 5681, 3.2, step 2; RFC 3042):
	 * before, the window bounded what was out. */
	uint32_t flight = min_u32(c->snd_nxt - c->snd_una + acked, c->cwnd);

	if ((c->flags & F_BBR) != 0)
		return;
	if ((c->flags & F_CUBIC) == 0) {
		/* RFC 5681, (4). */
		c->ssthresh = max_u32(flight / 2, 2u * c->mss);
		return;
	}
	/* RFC 9438, 4.6 and 4.7; fast convergence: 4.7. */
	c->cubic.prior = c->cwnd;
	c->cubic.max = c->cwnd < c->cubic.max ? (uint32_t)((uint64_t)c->cwnd * 17 / 20) : c->cwnd;
	c->cubic.epoch_us = 0;
	c->ssthresh = max_u32((uint32_t)((uint64_t)flight * 7 / 10), 2u * c->mss);
}

/* Congestion avoidance starts anew (RFC 9438, 4.2). */
static void
cubic_epoch(struct conn *c, uint64_t now_us)
{
	c->cubic.epoch_us = now_us;
	c->cubic.est = c->cwnd;
	c->cubic.k_ms = 0;
	c->cubic_acked = 0;
	if (c->cubic.max > c->cwnd) {
		/* K = cbrt((W_max - cwnd) / C) seconds. */
		c->cubic.k_ms = cube_root((uint64_t)(c->cubic.max - c->cwnd) * 2500000000u / c->mss);
	} else {
		c->cubic.max = c->cwnd;
	}
}

/* W_cubic(t + RTT) (RFC 9438, figure 1), kept between cwnd and 1.5 cwnd (4.2). */
static uint32_t
cubic_target(const struct conn *c, uint64_t now_us)
{
	int64_t d = (int64_t)((now_us - c->cubic.epoch_us + c->srtt_us) / MS_US) - (int64_t)c->cubic.k_ms;
	int64_t w;

	d = d > EPOCH_MAX_MS ? EPOCH_MAX_MS : d < -EPOCH_MAX_MS ? -EPOCH_MAX_MS : d;
	/* 0.4 d^3 segments, d in seconds: |d^3| is at most 10^15, times 9,216 / 2.5 fits. */
	w = d * d * d / 1000000 * c->mss / 2500 + (int64_t)c->cubic.max;
	if (w < (int64_t)c->cwnd)
		return c->cwnd;
	return (uint32_t)min_u64((uint64_t)w, (uint64_t)c->cwnd + c->cwnd / 2);
}

static void
cubic_acked(struct conn *c, uint64_t now_us, uint32_t bytes)
{
	uint32_t target, gain;

	if (c->cubic.epoch_us == 0)
		cubic_epoch(c, now_us);
	target = cubic_target(c, now_us);
	/* The Reno-friendly estimate (4.3), with alpha 1 once it has passed the window before the loss. */
	c->cubic_acked += bytes;
	gain = (uint32_t)((uint64_t)c->cubic_acked * c->mss / max_u32(c->cwnd, 1));
	if (c->cubic.est < c->cubic.prior)
		gain = gain * 9 / 17;
	if (gain != 0) {
		c->cubic.est += gain;
		c->cubic_acked = 0;
	}
	if (target < c->cubic.est) {
		c->cwnd = max_u32(c->cwnd, c->cubic.est);
		return;
	}
	c->cwnd += (uint32_t)((uint64_t)(target - c->cwnd) * bytes / max_u32(c->cwnd, 1));
}

/* A round begins.  After enough of slower growth the window is taken for the right one. */
static void
round_begin(struct conn *c)
{
	struct hystart *h = &c->hystart;

	h->end = c->snd_nxt;
	if (!h->begun) {
		h->begun = true;
		return;
	}
	h->last_us = h->now_us;
	h->now_us = 0;
	h->samples = 0;
	if (h->rounds == SLOWER_ROUNDS)
		c->ssthresh = c->cwnd;
	else if (h->rounds != 0)
		h->rounds++;
}

/* RFC 9406, 4.2: a round trip that grows says that a queue does, before it overflows; one that falls again, that it was no queue. */
static void
round_sample(struct hystart *h, uint32_t rtt_us)
{
	uint32_t grown = min_u32(max_u32(h->last_us / 8, GROWN_MIN_US), GROWN_MAX_US);

	if (rtt_us == 0)
		return;
	if (h->now_us == 0 || rtt_us < h->now_us)
		h->now_us = rtt_us;
	if (h->samples < ROUND_SAMPLES)
		h->samples++;
	if (h->samples < ROUND_SAMPLES)
		return;
	if (h->rounds == 0 && h->last_us != 0 && h->now_us >= h->last_us + grown) {
		h->base_us = h->now_us;
		h->rounds = 1;
	} else if (h->rounds != 0 && h->now_us < h->base_us) {
		h->rounds = 0;
	}
}

/* RFC 5681, (2), by bytes, and at most eight segments for one acknowledgement (RFC 9406, 4.2). */
static uint32_t
slow_start_gain(struct conn *c, uint32_t bytes, uint32_t rtt_us)
{
	bytes = min_u32(bytes, BURST * c->mss);
	/* RFC 9406, 4.3: only before the first loss. */
	if (c->ssthresh != UINT32_MAX)
		return bytes;
	round_sample(&c->hystart, rtt_us);
	if (c->hystart.rounds != 0)
		bytes /= SLOWER;
	/* Whose acknowledgement this is, belongs to the round that ends. */
	if (!c->hystart.begun || seq_leq(c->hystart.end, c->snd_una))
		round_begin(c);
	return bytes;
}

void
bx_tcp_congestion_acked(struct conn *c, uint64_t now_us, uint32_t bytes, uint32_t rtt_us)
{
	const uint32_t most = 1u << 30;

	/* A window that held nothing back says nothing about the path (RFC 9438, 5.8; RFC 2861). */
	if ((c->flags & F_CWND_LIMITED) == 0)
		return;
	if (c->cwnd < c->ssthresh) {
		c->cwnd += slow_start_gain(c, bytes, rtt_us);
	} else if ((c->flags & F_CUBIC) != 0) {
		cubic_acked(c, now_us, bytes);
	} else {
		/* RFC 5681, (3), by bytes (RFC 3465). */
		c->cubic_acked += bytes;
		if (c->cubic_acked >= c->cwnd) {
			c->cubic_acked -= c->cwnd;
			c->cwnd += c->mss;
		}
	}
	c->cwnd = min_u32(c->cwnd, most);
}
