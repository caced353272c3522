/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_bbr.c -- delivery rates, pacing and BBR: the filters beside a second implementation that keeps everything and looks it
 * up, the states on two stacks joined by a wire (the cases of draft-ietf-ccwg-bbr, "BBR Example Test Cases"), and what BBR and
 * CUBIC leave one another on a link that they share.
 */
#include <string.h>

#include <check.h>

#include "../../tests/unit/suite.h"
#include "pair.h"
#include "../src/transport/transport.h"

#define MS	((uint64_t)1000)
#define SECOND	((uint64_t)1000000)
#define TEN_MBIT	((uint64_t)800000)	/* picoseconds for a byte */

static struct pair pair;
static const struct bx_net_addr any;
static uint64_t client[2], server[2], listener, got[2];

static struct bx_transport *
side(uint32_t i)
{
	return pair.host[i].stack.transport;
}

static struct conn *
conn(uint32_t k)
{
	struct conn *c = bx_tcp_conn_get(side(0), client[k]);

	ck_assert_ptr_nonnull(c);
	return c;
}

static void
reader(struct pair *p, uint32_t i)
{
	static uint8_t bytes[65536];
	size_t n;

	(void)p;
	for (uint32_t k = 0; i == 1 && k < 2; k++) {
		while (server[k] != 0 && bx_tcp_receive(side(1), server[k], bytes, sizeof bytes, &n) == BX_OK)
			got[k] += n;
	}
}

static void
set_up_with(uint32_t features, uint64_t byte_ps, uint64_t way_us, uint32_t queue)
{
	struct bx_transport_config config = pair_transport();

	config.features = (uint16_t)features;
	config.ring_bytes = 1u << 18;
	pair_init(&pair, 1, &config);
	pair.wire.byte_ps = byte_ps;
	pair.wire.delay_us = way_us;
	pair.wire.queue_max = queue;
	pair.reader = reader;
	memset(client, 0, sizeof client);
	memset(server, 0, sizeof server);
	memset(got, 0, sizeof got);
	ck_assert_int_eq(bx_tcp_listen(side(1), &any, 80, 2, &listener), BX_OK);
}

static void
connect(uint32_t k)
{
	ck_assert_int_eq(pair_connect(&pair, 0, 80, &client[k]), BX_OK);
	pair_run(&pair, pair.now_us + 2 * SECOND);
	ck_assert_int_eq(bx_tcp_accept(side(1), listener, &server[k]), BX_OK);
}

#define USUAL	(BX_TCP_SACK | BX_TCP_TIMESTAMPS | BX_TCP_WINDOW_SCALE)

static void
set_up(uint64_t byte_ps, uint64_t way_us, uint32_t queue)
{
	set_up_with(USUAL | BX_TCP_BBR, byte_ps, way_us, queue);
	connect(0);
}

static void
fill(void)
{
	static uint8_t bytes[65536];
	size_t n;

	for (uint32_t k = 0; k < 2; k++) {
		while (client[k] != 0 && bx_tcp_send(side(0), client[k], bytes, sizeof bytes, &n) == BX_OK)
			;
	}
	pair_output(&pair, 0);
}

/* Until then, or until the connection is in the state; all clients always have something to send.  Whether it came there. */
static bool
go_until(uint64_t until_us, uint32_t state)
{
	while (pair.now_us < until_us) {
		fill();
		if (conn(0)->bbr.state == state && (conn(0)->flags & F_BBR) != 0)
			return true;
		if (!pair_step(&pair, until_us))
			break;
	}
	return false;
}

static void
go(uint64_t us)
{
	(void)go_until(pair.now_us + us, BBR_STATES);
}

/* Bytes a second. */
static uint64_t
rate(uint32_t units)
{
	return (uint64_t)units * SECOND_US / RATE_US;
}

/* Goodput of a client in so much time, bytes a second. */
static uint64_t
goodput(uint32_t k, uint64_t us)
{
	uint64_t before = got[k];

	go(us);
	return (got[k] - before) * SECOND / us;
}

/* ---- the filters, twice ---- */

static uint64_t dice;

static uint32_t
roll(uint32_t below)
{
	return random_next(&dice) % below;
}

/* The estimator once more: every packet has its own 64-bit account of what had been delivered, and everything is kept. */
struct packet {
	uint64_t sent, first_sent, delivered_at, delivered, lost_then;
	uint32_t start, length, in_flight;
	bool out, limited;
};

struct estimator {
	struct packet packet[4096];
	uint32_t count;
	uint64_t delivered, delivered_at, first_sent, limited_until, lost;
	uint32_t in_flight;
};

static struct estimator e;

static void
second_sent(uint64_t now, uint32_t start, uint32_t length)
{
	struct packet *p = &e.packet[e.count++];

	if (e.in_flight == 0)
		e.first_sent = e.delivered_at = now;
	e.in_flight += length;
	*p = (struct packet){ now, e.first_sent, e.delivered_at, e.delivered, e.lost, start, length, e.in_flight, true,
	    e.limited_until != 0 };
}

/* All packets of which `which` says so are delivered; what the second one says of the rate, in bytes a second. */
static uint64_t
second_acked(uint64_t now, const bool which[], uint64_t min_rtt, bool *limited)
{
	const struct packet *newest = NULL;
	uint64_t elapsed;

	for (uint32_t i = 0; i < e.count; i++) {
		struct packet *p = &e.packet[i];

		if (!p->out || !which[i])
			continue;
		p->out = false;
		e.in_flight -= p->length;
		e.delivered += p->length;
		e.delivered_at = now;
		if (newest == NULL || p->sent > newest->sent || (p->sent == newest->sent && p->start > newest->start))
			newest = p;
	}
	if (e.limited_until != 0 && e.delivered > e.limited_until)
		e.limited_until = 0;
	if (newest == NULL)
		return 0;
	*limited = newest->limited;
	elapsed = newest->sent - newest->first_sent;
	if (now - newest->delivered_at > elapsed)
		elapsed = now - newest->delivered_at;
	e.first_sent = newest->sent;
	return elapsed < min_rtt || elapsed == 0 ? 0 : (e.delivered - newest->delivered) * SECOND / elapsed;
}

/* Packets are sent, delivered in any order, and at times there is nothing to send: both say the same of each. */
START_TEST(rates_twice)
{
	static bool which[4096];
	struct records r;
	uint64_t now = 1000000 + (uint64_t)roll(1000);
	uint32_t samples = 0;
	struct conn *c;

	set_up(0, 1000, 0);
	c = conn(0);
	dice = (uint64_t)_i;
	memset(&e, 0, sizeof e);
	ck_assert(bx_tcp_send_ring_attach(side(0), c, 1));
	e.limited_until = 1;
	c->cwnd = 1u << 20;
	while (samples < 400 && e.count < 4000) {
		struct sample s = { 0 };
		uint64_t want;
		bool limited = false;

		now += roll(3000);
		r = bx_tcp_records(side(0), c);
		if (roll(3) != 0 && r.count < 100) {
			uint32_t length = 1 + roll(1460);

			bx_tcp_record_add(side(0), c, (struct record){ c->snd_nxt, c->snd_nxt + length, (uint32_t)now, 0 });
			second_sent(now, c->snd_nxt, length);
			c->snd_nxt += length;
			c->snd_end = c->snd_nxt;
			bx_tcp_rate_sent(side(0), c, bx_tcp_record_last(side(0), c));
			continue;
		}
		if (roll(10) == 0) {
			bx_tcp_rate_look(side(0), c);
			e.limited_until = e.delivered + e.in_flight != 0 ? e.delivered + e.in_flight : 1;
		}
		/* Some of what is out, by selective reports; what is at the front leaves. */
		c->min_rtt_us = 4000;
		memset(which, 0, sizeof which);
		for (uint32_t i = 0; i < r.count; i++) {
			struct record *x = record_at(&r, samples % 2 == 0 ? i : r.count - 1 - i);

			if ((x->flags & R_SACKED) != 0 || roll(4) != 0)
				continue;
			for (uint32_t k = 0; k < e.count; k++)
				which[k] |= e.packet[k].start == x->start;
			x->flags |= R_SACKED;
			c->sacked += x->end - x->start;
			bx_tcp_rate_delivered(side(0), (uint32_t)now, c, x, &s);
		}
		bx_tcp_rate_sample(side(0), (uint32_t)now, c, &s);
		want = second_acked(now, which, 4000, &limited);
		ck_assert_uint_le(rate(s.rate), want);
		ck_assert_uint_ge(rate(s.rate) + 17, want);
		if (s.has)
			ck_assert_int_eq(s.limited, limited);
		samples += s.rate != 0;
		for (r = bx_tcp_records(side(0), c); r.count != 0 && (record_at(&r, 0)->flags & R_SACKED) != 0;
		    r = bx_tcp_records(side(0), c)) {
			c->sacked -= record_at(&r, 0)->end - record_at(&r, 0)->start;
			c->snd_una = record_at(&r, 0)->end;
			bx_tcp_record_pop(side(0), c);
		}
	}
	ck_assert_uint_gt(samples, 100);
	pair_free(&pair);
}
END_TEST

/* The windowed filters once more, over all that was ever seen. */
struct seen {
	uint32_t rate, rtt_us, cycle;
	uint64_t at_us;
	bool counts;
};

START_TEST(filters_twice)
{
	static struct seen seen[3000];
	uint32_t cycle = 0, full = 0, grown = 0;
	uint64_t now = 10 * SECOND;
	struct conn *c;
	struct flight *f;

	set_up(0, 1000, 0);
	c = conn(0);
	dice = (uint64_t)_i + 77;
	ck_assert(bx_tcp_send_ring_attach(side(0), c, 1));
	bx_tcp_bbr_begin(side(0), now, c);
	f = flight_of(side(0), c);
	for (uint32_t i = 0; i < BX_ARRAY_COUNT(seen); i++) {
		struct sample s = {
			.has = true, .acked = 1460, .rate = roll(8) == 0 ? 0 : 1000 + roll(1000000), .delivered = 1460,
			.limited = roll(4) == 0, .rtt_us = roll(9) == 0 ? 0 : 20000 + roll(30000),
			.prior_delivered = f->delivered,
		};
		struct turn n = { .t = side(0), .c = c, .b = &c->bbr, .f = f, .s = &s, .now_us = now };
		uint32_t best = 0, shortest = UINT32_MAX;

		/* Which samples count: one of an application that has too little only if it is no less than what was known. */
		for (uint32_t k = 0; k < i; k++)
			best = seen[k].counts && seen[k].cycle + 1 >= cycle ? max_u32(best, seen[k].rate) : best;
		seen[i] = (struct seen){ s.rate, s.rtt_us, cycle, now, s.rate != 0 && (!s.limited || s.rate >= best) };
		best = seen[i].counts ? max_u32(best, s.rate) : best;
		f->delivered += s.acked;
		bx_tcp_bbr_model(&n);
		bx_tcp_bbr_min_rtt(&n);
		bx_tcp_bbr_model_end(&n);
		ck_assert_uint_eq(bx_tcp_bbr_max_bw(&c->bbr), best);
		/* No older than the filter's ten seconds and the five until another is looked for; and never below what was seen. */
		for (uint32_t k = 0; k <= i; k++)
			shortest = seen[k].rtt_us != 0 ? min_u32(shortest, seen[k].rtt_us) : shortest;
		if (c->bbr.min_rtt_us != UINT32_MAX)
			ck_assert_uint_ge(c->bbr.min_rtt_us, shortest);
		for (uint32_t k = 0; k <= i; k++) {
			if (seen[k].rtt_us != 0 && now - seen[k].at_us <= 5 * SECOND)
				ck_assert_uint_le(c->bbr.min_rtt_us, seen[k].rtt_us);
		}
		/* Each sample is a round of its own: full after three that are no quarter more. */
		if (full < 3 && !s.limited) {
			if ((uint64_t)s.rate * 100 >= (uint64_t)grown * 125) {
				grown = s.rate;
				full = 0;
			} else {
				full++;
			}
		}
		ck_assert_int_eq((c->bbr.flags & B_FULL_NOW) != 0, full == 3);
		if (full == 3 && roll(20) == 0) {
			bx_tcp_bbr_full_reset(&c->bbr, 0);
			full = grown = 0;
		}
		if (roll(40) == 0) {
			bool any_now = false;

			for (uint32_t k = 0; k <= i; k++)
				any_now |= seen[k].counts && seen[k].cycle == cycle;
			bx_tcp_bbr_cycle(&c->bbr);
			cycle += any_now;
		}
		now += roll(20000);
	}
	ck_assert_uint_gt(cycle, 10);
	pair_free(&pair);
}
END_TEST

/* What is lost in a round takes the short-term bounds down to what is delivered, or to seven tenths; not while probing. */
START_TEST(lower_bounds)
{
	struct conn *c;
	struct flight *f;
	struct sample s = { .has = true, .acked = 1460, .rate = 1000, .delivered = 20000 };
	struct turn n;

	set_up(0, 1000, 0);
	c = conn(0);
	ck_assert(bx_tcp_send_ring_attach(side(0), c, 1));
	f = flight_of(side(0), c);
	n = (struct turn){ .t = side(0), .c = c, .b = &c->bbr, .f = f, .s = &s, .now_us = SECOND };
	c->cwnd = 100000;
	c->bbr.max_bw[0] = 2000;
	for (uint8_t state = BBR_STARTUP; state < BBR_STATES; state++) {
		bool probing = state == BBR_STARTUP || state == BBR_REFILL || state == BBR_UP;

		c->bbr.state = state;
		bx_tcp_bbr_short_reset(&c->bbr);
		f->bw_latest = f->inflight_latest = 0;
		bx_tcp_bbr_note(&c->bbr, f);
		s.prior_delivered = f->delivered;
		bx_tcp_bbr_model(&n);
		bx_tcp_bbr_model_end(&n);
		ck_assert_uint_eq(c->bbr.bw_short, probing ? RATE_ANY : 1400);
		ck_assert_uint_eq(c->bbr.inflight_short, probing ? VOLUME_ANY : 70000);
		ck_assert_int_eq(c->bbr.flags & B_LOSS_ROUND, 0);
		/* Once for a round: another sample of it changes nothing. */
		bx_tcp_bbr_note(&c->bbr, f);
		s.prior_delivered = f->delivered - 1;
		bx_tcp_bbr_model(&n);
		ck_assert_uint_eq(c->bbr.bw_short, probing ? RATE_ANY : 1400);
		c->bbr.flags = (uint16_t)(c->bbr.flags & ~B_LOSS_ROUND);
	}
	pair_free(&pair);
}
END_TEST

/* ---- the states ---- */

/* "Exiting STARTUP on Bandwidth Plateau", "Exiting DRAIN Based on Inflight", and round the cycle. */
START_TEST(startup_drain_cycle)
{
	uint64_t bw;

	set_up(TEN_MBIT, 20000, 100);
	ck_assert_int_eq(conn(0)->bbr.state, BBR_STARTUP);
	ck_assert(go_until(pair.now_us + 2 * SECOND, BBR_DRAIN));
	ck_assert_int_ne(conn(0)->bbr.flags & B_FULL_ONCE, 0);
	/* Within 2 % of the payload that the link takes: 1,448 of 1,514 bytes. */
	bw = rate(bx_tcp_bbr_max_bw(&conn(0)->bbr));
	ck_assert_uint_ge(bw, 1195000 * 98 / 100);
	ck_assert_uint_le(bw, 1195000 * 102 / 100);
	ck_assert_uint_le(rate(conn(0)->bbr.pacing_rate), bw / 2);
	ck_assert(go_until(pair.now_us + SECOND, BBR_CRUISE));
	/* A queue of no more than a frame or two is left. */
	ck_assert_uint_le(conn_in_flight(conn(0)), bw / 25 + 4 * 1460);
	ck_assert(go_until(pair.now_us + 4 * SECOND, BBR_REFILL));
	ck_assert(go_until(pair.now_us + SECOND, BBR_UP));
	ck_assert(go_until(pair.now_us + SECOND, BBR_DOWN));
	ck_assert(go_until(pair.now_us + SECOND, BBR_CRUISE));
	ck_assert_uint_ge(goodput(0, 10 * SECOND), 1195000 * 97 / 100);
	ck_assert_uint_eq(bx_transport_stats(side(0))->tcp_retransmits, 0);
	pair_free(&pair);
}
END_TEST

/* "Never Exiting STARTUP When Application-Limited With No Loss", and its rate is no less for it. */
START_TEST(application_limited)
{
	uint8_t bytes[3000] = { 0 };
	uint64_t pace;
	size_t n;

	set_up(TEN_MBIT, 20000, 100);
	for (uint32_t i = 0; i < 200; i++) {
		ck_assert_int_eq(bx_tcp_send(side(0), client[0], bytes, sizeof bytes, &n), BX_OK);
		pair_output(&pair, 0);
		pair_run(&pair, pair.now_us + 60 * MS);
		ck_assert(conn(0)->bbr.state == BBR_STARTUP || conn(0)->bbr.state == BBR_PROBE_RTT);
		ck_assert_int_eq(conn(0)->bbr.flags & B_FULL_ONCE, 0);
	}
	pair_run(&pair, pair.now_us + SECOND);
	ck_assert_uint_eq(got[0], 200 * sizeof bytes);
	pace = rate(conn(0)->bbr.pacing_rate);
	ck_assert_uint_ge(pace, 600000);
	/* And the window does not grow by what never filled it. */
	ck_assert_uint_le(conn(0)->cwnd, 2 * 14600 + sizeof bytes);
	pair_free(&pair);
}
END_TEST

/* "Restarting From Idle", "Skipping PROBE_RTT Due to Application-Limited Sending": what is known is kept, and paced by. */
START_TEST(idle_restart)
{
	uint64_t bw;

	set_up(TEN_MBIT, 20000, 100);
	go(3 * SECOND);
	ck_assert(go_until(pair.now_us + 5 * SECOND, BBR_CRUISE));
	bw = bx_tcp_bbr_max_bw(&conn(0)->bbr);
	/* All that waits is delivered, and then nothing for eight seconds. */
	pair_run(&pair, pair.now_us + 8 * SECOND);
	ck_assert_uint_eq(conn(0)->send_ring, NONE);
	fill();
	ck_assert_uint_eq(bx_tcp_bbr_max_bw(&conn(0)->bbr), bw);
	ck_assert_int_ne(conn(0)->bbr.flags & B_RESTART, 0);
	/* A quantum at once, no more. */
	ck_assert_uint_le(conn_in_flight(conn(0)), 3 * 1448);
	ck_assert_uint_eq(conn(0)->bbr.pacing_rate, bw * 100 / 100 * 99 / 100);
	go(300 * MS);
	ck_assert_int_ne(conn(0)->bbr.state, BBR_PROBE_RTT);
	ck_assert_int_eq(conn(0)->bbr.flags & B_RESTART, 0);
	ck_assert_uint_ge(goodput(0, 5 * SECOND), 1195000 * 95 / 100);
	pair_free(&pair);
}
END_TEST

/* "Entering and Exiting PROBE_RTT": beside another that keeps a queue, no round trip is as short as the shortest. */
START_TEST(probe_rtt)
{
	uint32_t least;

	set_up(TEN_MBIT, 20000, 200);
	go(2 * SECOND);
	client[1] = 0;
	connect(1);
	ck_assert_int_eq(bx_tcp_option_set(side(0), pair.now_us, client[1], BX_TCP_OPTION_CONTROL, BX_TCP_NEWRENO_CONTROL), BX_OK);
	ck_assert(go_until(pair.now_us + 20 * SECOND, BBR_PROBE_RTT));
	least = conn(0)->bbr.min_rtt_us;
	/* The window is half of what the path holds, for 200 ms and a round at least. */
	ck_assert_uint_le(conn(0)->cwnd, max_u32(bx_tcp_bbr_bdp(conn(0), bx_tcp_bbr_bw(&conn(0)->bbr), 50), bx_tcp_bbr_pipe(conn(0))));
	go(190 * MS);
	ck_assert_int_eq(conn(0)->bbr.state, BBR_PROBE_RTT);
	ck_assert(go_until(pair.now_us + 3 * SECOND, BBR_CRUISE));
	ck_assert_uint_gt(conn(0)->cwnd, conn(0)->bbr.prior_cwnd / 2);
	ck_assert_uint_ge(conn(0)->bbr.min_rtt_us + 1, min_u32(least, 40000));
	/* Not again before five seconds are over. */
	ck_assert(!go_until(pair.now_us + 4 * SECOND, BBR_PROBE_RTT));
	pair_free(&pair);
}
END_TEST

/* "Entering and Exiting PROBE_RTT During STARTUP". */
START_TEST(probe_rtt_in_startup)
{
	uint8_t bytes[1000] = { 0 };
	uint32_t probed = 0, back = 0;
	size_t n;

	set_up(TEN_MBIT, 20000, 100);
	for (uint32_t i = 0; i < 400; i++) {
		ck_assert_int_eq(bx_tcp_send(side(0), client[0], bytes, sizeof bytes, &n), BX_OK);
		/* Always something in flight, and ever later. */
		pair_output(&pair, 0);
		pair_run(&pair, pair.now_us + 20 * MS);
		pair.wire.delay_us += 100;
		probed += conn(0)->bbr.state == BBR_PROBE_RTT;
		back += probed != 0 && conn(0)->bbr.state == BBR_STARTUP;
		ck_assert_int_eq(conn(0)->bbr.flags & B_FULL_ONCE, 0);
	}
	ck_assert_uint_gt(probed, 9);
	ck_assert_uint_gt(back, 9);
	pair_free(&pair);
}
END_TEST

/* "Increasing Bandwidth 10x", "Decreasing Bandwidth 10x". */
START_TEST(link_changes)
{
	set_up(TEN_MBIT, 20000, 100);
	go(5 * SECOND);
	pair.wire.byte_ps = TEN_MBIT / 10;
	go(12 * SECOND);
	/* The window of 256 KiB is what bounds it: 6.5 MB/s at 40 ms. */
	ck_assert_uint_ge(goodput(0, 5 * SECOND), 5000000);
	pair.wire.byte_ps = TEN_MBIT;
	go(12 * SECOND);
	ck_assert_uint_le(rate(bx_tcp_bbr_max_bw(&conn(0)->bbr)), 1195000 * 13 / 10);
	ck_assert_uint_ge(goodput(0, 5 * SECOND), 1195000 * 90 / 100);
	pair_free(&pair);
}
END_TEST

/* "Correctly Managing Sub-Packet BDPs": 64 kbit/s and 2 ms. */
START_TEST(narrow_link)
{
	set_up((uint64_t)125000000, 1000, 20);
	go(30 * SECOND);
	ck_assert_uint_ge(conn(0)->cwnd, bx_tcp_bbr_pipe(conn(0)));
	ck_assert_uint_ge(goodput(0, 60 * SECOND), 8000 * 1448 / 1514 * 90 / 100);
	pair_free(&pair);
}
END_TEST

/* "Exiting STARTUP" by loss; the bound that is remembered; and that it grows again. */
START_TEST(shallow_queue)
{
	set_up(TEN_MBIT, 20000, 4);
	ck_assert(go_until(pair.now_us + 3 * SECOND, BBR_CRUISE));
	go(20 * SECOND);
	ck_assert_uint_ne(conn(0)->bbr.inflight_long, VOLUME_ANY);
	ck_assert_uint_ge(goodput(0, 20 * SECOND), 1195000 * 85 / 100);
	pair_free(&pair);
}
END_TEST

/* Marks of congestion instead of losses: it gives way before anything is lost. */
START_TEST(marked_startup)
{
	struct conn *c;

	set_up_with(USUAL | BX_TCP_ECN | BX_TCP_BBR, TEN_MBIT, 20000, 0);
	connect(0);
	c = conn(0);
	fill();
	ck_assert_int_ne(c->flags & F_ECN, 0);
	bx_tcp_bbr_marked(side(0), pair.now_us, c);
	ck_assert_int_ne(c->bbr.flags & B_FULL_ONCE, 0);
	/* Probing: the bound is seven tenths of what it is. */
	ck_assert(go_until(pair.now_us + 8 * SECOND, BBR_UP));
	bx_tcp_bbr_marked(side(0), pair.now_us, c);
	ck_assert_int_eq(c->bbr.state, BBR_DOWN);
	ck_assert_uint_le(c->bbr.inflight_long, (uint64_t)1195000 * 41 / 1000 * 72 / 100);
	/* Cruising: the rate. */
	ck_assert(go_until(pair.now_us + 3 * SECOND, BBR_CRUISE));
	bx_tcp_bbr_marked(side(0), pair.now_us, c);
	ck_assert_uint_le(rate(bx_tcp_bbr_bw(&c->bbr)), 1195000 * 72 / 100);
	ck_assert_uint_le(c->cwnd, c->bbr.inflight_short);
	pair_free(&pair);
}
END_TEST

/* ---- pacing ---- */

static uint32_t burst, bursts;
static uint64_t burst_at;

/* The most that leaves at one instant. */
static bool
tap(struct pair *p, uint32_t from, uint8_t *frame, uint32_t length)
{
	(void)frame;
	if (from == 0 && length > 200) {
		burst = p->now_us == burst_at ? burst + length : length;
		burst_at = p->now_us;
		bursts = max_u32(bursts, burst);
	}
	return true;
}

/* Called when it asks for it, no more goes at once than a tick of the timer and a quantum are worth. */
START_TEST(paced)
{
	set_up(TEN_MBIT / 10, 20000, 0);
	go(5 * SECOND);
	pair.tap = tap;
	bursts = 0;
	go(SECOND);
	/* The window, 256 KiB in 40 ms, is what bounds it: 6.5 kB in a millisecond. */
	ck_assert_uint_le(bursts, 5 * 6600 * 277 / 100);
	ck_assert(conn(0)->bbr.pacing_rate != 0);
	pair_free(&pair);
}
END_TEST

/* A caller that looks each so many milliseconds only: the rate is still reached. */
START_TEST(coarse_caller)
{
	static const uint32_t steps[] = { 1, 2, 5, 10 };
	uint64_t end, before;

	set_up(TEN_MBIT, 20000, 100);
	for (end = pair.now_us + 20 * SECOND, before = 0; pair.now_us < end;) {
		if (before == 0 && pair.now_us > end - 10 * SECOND)
			before = got[0];
		pair.now_us += steps[_i] * MS;
		while (pair_step(&pair, pair.now_us))
			;
		fill();
	}
	ck_assert_uint_ge((got[0] - before) / 10, 1195000 * 95 / 100);
	pair_free(&pair);
}
END_TEST

/* Bytes of data that may go at once from now on, of a connection that has sent nothing for so long. */
static uint32_t
at_once(struct conn *c, bool full, uint32_t flags, uint64_t quiet_us)
{
	struct flight *f = flight_of(side(0), c);
	uint32_t before = c->flags, n = 0;

	c->flags = (c->flags & ~F_SACK) | flags;
	c->bbr.flags &= (uint16_t)~B_HELD;
	c->bbr.peer_full = full;
	c->heard_us = pair.now_us - quiet_us;
	f->next_send_us = 0;
	for (; n < 100 && bx_tcp_pace_may(side(0), pair.now_us, c); n++)
		bx_tcp_pace_sent(side(0), pair.now_us, c, c->mss);
	c->flags = before;
	return n;
}

/* Who found the peer's window full may send an initial window at once when it opens, and the quantum; nobody else may, nor later
 * than a round trip after. */
START_TEST(window_opens)
{
	uint32_t quantum;
	struct conn *c;

	set_up(TEN_MBIT, 20000, 100);
	go(5 * SECOND);
	c = conn(0);
	quantum = bx_tcp_pace_quantum(c) / c->mss;
	ck_assert_uint_eq(at_once(c, false, F_SACK, 0), quantum);
	ck_assert_uint_eq(at_once(c, true, F_SACK, 0), bx_tcp_initial_window(c->mss) / c->mss + quantum);
	ck_assert_uint_eq(at_once(c, true, F_SACK, c->srtt_us), bx_tcp_initial_window(c->mss) / c->mss + quantum);
	ck_assert_uint_eq(at_once(c, true, F_SACK, c->srtt_us + 1), quantum);
	ck_assert_uint_eq(at_once(c, true, 0, 0), quantum);
	pair_free(&pair);
}
END_TEST

/* The peer's window is full when no segment fits it any more; what its pace or the congestion window holds back is not its doing,
 * and while something is lost nobody knows. */
START_TEST(window_full)
{
	struct conn *c;

	set_up(TEN_MBIT, 20000, 100);
	go(5 * SECOND);
	c = conn(0);
	c->flags &= ~F_CWND_LIMITED;
	c->lost = 0;
	c->bbr.peer_full = false;
	c->snd_wnd = c->snd_nxt - c->snd_una + c->mss;
	c->bbr.flags &= (uint16_t)~(B_HELD | B_REFUSED);
	bx_tcp_pace_turn(c);
	ck_assert(!c->bbr.peer_full);
	c->snd_wnd--;
	c->lost = 1;
	bx_tcp_pace_turn(c);
	ck_assert(!c->bbr.peer_full);
	c->lost = 0;
	bx_tcp_pace_turn(c);
	ck_assert(c->bbr.peer_full);
	/* It stays so while there is nothing more to send. */
	c->snd_wnd += 2u * c->mss;
	bx_tcp_pace_turn(c);
	ck_assert(c->bbr.peer_full);
	c->bbr.flags |= B_REFUSED;
	bx_tcp_pace_turn(c);
	ck_assert(!c->bbr.peer_full);
	c->snd_wnd = 0;
	bx_tcp_pace_turn(c);
	ck_assert(c->bbr.peer_full);
	c->flags |= F_CWND_LIMITED;
	bx_tcp_pace_turn(c);
	ck_assert(!c->bbr.peer_full);
	pair_free(&pair);
}
END_TEST

/* Whatever the rate is, the next segment is never further away than its floor says. */
START_TEST(pace_floor)
{
	struct conn *c;

	set_up(TEN_MBIT, 20000, 100);
	fill();
	c = conn(0);
	c->bbr.pacing_rate = 1;
	flight_of(side(0), c)->next_send_us = pair.now_us;
	bx_tcp_pace_sent(side(0), pair.now_us, c, c->mss);
	ck_assert_uint_le(flight_of(side(0), c)->next_send_us, pair.now_us + 1100 * MS);
	pair_free(&pair);
}
END_TEST

/* ---- losses that were none ---- */

START_TEST(undone)
{
	struct conn *c;
	struct flight *f;

	set_up(TEN_MBIT, 20000, 100);
	go(200 * MS);
	c = conn(0);
	f = flight_of(side(0), c);
	/* Out of Startup by a loss: back. */
	f->undo_bw = f->undo_inflight_short = f->undo_inflight_long = 0;
	c->bbr.undo_state = BBR_STARTUP;
	c->bbr.state = BBR_CRUISE;
	c->bbr.flags |= B_FULL_ONCE | B_LOSS_ROUND;
	bx_tcp_bbr_undo(side(0), c);
	ck_assert_int_eq(c->bbr.state, BBR_STARTUP);
	ck_assert_int_eq(c->bbr.flags & (B_FULL_ONCE | B_LOSS_ROUND), 0);
	/* Out of a probe: another one; and the bounds of before. */
	c->bbr.undo_state = BBR_UP;
	c->bbr.state = BBR_CRUISE;
	c->bbr.flags |= B_FULL_ONCE;
	c->bbr.inflight_long = 20000;
	c->bbr.prior_cwnd = 77777;
	c->cwnd = 10000;
	f->undo_inflight_long = 50000;
	bx_tcp_bbr_undo(side(0), c);
	ck_assert_int_eq(c->bbr.state, BBR_REFILL);
	ck_assert_uint_eq(c->bbr.inflight_long, 50000);
	ck_assert_uint_eq(c->cwnd, 77777);
	/* Not out of PROBE_RTT. */
	c->bbr.undo_state = BBR_STARTUP;
	c->bbr.state = BBR_PROBE_RTT;
	bx_tcp_bbr_undo(side(0), c);
	ck_assert_int_eq(c->bbr.state, BBR_PROBE_RTT);
	ck_assert_int_eq(c->bbr.flags & B_FULL_ONCE, 0);
	pair_free(&pair);
}
END_TEST

/* On a path that overtakes, nothing is lost, and timestamps say so. */
START_TEST(overtaking)
{
	set_up(TEN_MBIT, 20000, 200);
	pair.wire.reorder = 200;
	pair.wire.jitter_us = 60000;
	go(30 * SECOND);
	ck_assert_uint_gt(bx_transport_stats(side(0))->tcp_spurious, 0);
	ck_assert_uint_ge(goodput(0, 30 * SECOND), 600000);
	pair_free(&pair);
}
END_TEST

/* ---- the option ---- */

/* From any control to any other, in the middle of a lossy transfer; and each says which it is. */
START_TEST(controls_change)
{
	struct bx_tcp_info info;

	set_up_with(USUAL | BX_TCP_CUBIC | BX_TCP_BBR, TEN_MBIT, 10000, 20);
	connect(0);
	ck_assert_int_eq(bx_tcp_info(side(0), client[0], &info), BX_OK);
	ck_assert_int_eq(info.control, BX_TCP_CUBIC_CONTROL);
	ck_assert_uint_eq(info.pacing_rate, 0);
	pair.wire.lose = 100;
	for (uint32_t i = 0; i < 60; i++) {
		uint32_t control = i * 7 / 2 % 3;

		ck_assert_int_eq(bx_tcp_option_set(side(0), pair.now_us, client[0], BX_TCP_OPTION_CONTROL, control), BX_OK);
		ck_assert_int_eq(bx_tcp_info(side(0), client[0], &info), BX_OK);
		ck_assert_int_eq(info.control, (enum bx_tcp_control)control);
		go(300 * MS);
		ck_assert_int_eq(bx_tcp_info(side(0), client[0], &info), BX_OK);
		ck_assert_int_eq(info.pacing_rate != 0, control == BX_TCP_BBR_CONTROL);
	}
	ck_assert_uint_gt(got[0], 2000000);
	ck_assert_int_eq(bx_tcp_option_set(side(0), pair.now_us, client[0], BX_TCP_OPTION_CONTROL, 3), BX_ERR_INVALID);
	pair_free(&pair);
}
END_TEST

/* Where there is no room for what it remembers, it cannot be chosen. */
START_TEST(not_there)
{
	struct bx_transport_config with = pair_transport(), without = pair_transport();

	set_up_with(USUAL, TEN_MBIT, 10000, 20);
	connect(0);
	ck_assert(!bx_tcp_control_is_there(side(0), BX_TCP_BBR_CONTROL));
	ck_assert(bx_tcp_control_is_there(side(0), BX_TCP_CUBIC_CONTROL));
	ck_assert_int_eq(bx_tcp_option_set(side(0), pair.now_us, client[0], BX_TCP_OPTION_CONTROL, BX_TCP_BBR_CONTROL), BX_ERR_INVALID);
	with.features |= BX_TCP_BBR;
	/* A record's mark for 512 bytes of ring. */
	ck_assert_uint_le(bx_transport_size(&with) - bx_transport_size(&without), (uint64_t)with.rings * (with.ring_bytes / 25 + 144));
	pair_free(&pair);
}
END_TEST

/* Without SACK and timestamps it works, if not as well. */
START_TEST(without_sack)
{
	set_up_with(BX_TCP_WINDOW_SCALE | BX_TCP_BBR, TEN_MBIT, 20000, 33);
	connect(0);
	go(10 * SECOND);
	ck_assert_uint_ge(goodput(0, 20 * SECOND), 600000);
	pair_free(&pair);
}
END_TEST

/* ---- sharing ---- */

/* BBR and CUBIC, and BBR and BBR, on one link: neither has less than a third of its half, whoever came first. */
START_TEST(shared)
{
	static const uint32_t queues[] = { 8, 33, 132 };
	uint32_t second = _i % 2 == 0 ? BX_TCP_CUBIC_CONTROL : BX_TCP_BBR_CONTROL;
	uint64_t a, b;

	set_up(TEN_MBIT, 20000, queues[_i / 2]);
	go(5 * SECOND);
	connect(1);
	ck_assert_int_eq(bx_tcp_option_set(side(0), pair.now_us, client[1], BX_TCP_OPTION_CONTROL, second), BX_OK);
	go(20 * SECOND);
	b = got[1];
	a = goodput(0, 60 * SECOND);
	b = (got[1] - b) / 60;
	ck_assert_uint_ge(a, 1195000 / 3);
	ck_assert_uint_ge(b, 1195000 / 3);
	ck_assert_uint_ge(a + b, 1195000 * 95 / 100);
	pair_free(&pair);
}
END_TEST

/* Random losses are not answered by what they would be worth to CUBIC: at 1 % it has six tenths of the link at least. */
START_TEST(random_loss)
{
	uint64_t bbr, cubic;

	set_up(TEN_MBIT, 20000, 100);
	pair.wire.lose = 100;
	go(10 * SECOND);
	bbr = goodput(0, 30 * SECOND);
	ck_assert_int_eq(bx_tcp_option_set(side(0), pair.now_us, client[0], BX_TCP_OPTION_CONTROL, BX_TCP_CUBIC_CONTROL), BX_OK);
	go(10 * SECOND);
	cubic = goodput(0, 30 * SECOND);
	ck_assert_uint_ge(bbr, 1195000 * 6 / 10);
	ck_assert_uint_gt(bbr, cubic * 3 / 2);
	pair_free(&pair);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("net_bbr");
	TCase *tc = tcase_create("all");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, rates_twice, 0, 20);
	tcase_add_loop_test(tc, filters_twice, 0, 5);
	tcase_add_test(tc, lower_bounds);
	tcase_add_test(tc, startup_drain_cycle);
	tcase_add_test(tc, application_limited);
	tcase_add_test(tc, idle_restart);
	tcase_add_test(tc, probe_rtt);
	tcase_add_test(tc, probe_rtt_in_startup);
	tcase_add_test(tc, link_changes);
	tcase_add_test(tc, narrow_link);
	tcase_add_test(tc, shallow_queue);
	tcase_add_test(tc, marked_startup);
	tcase_add_test(tc, paced);
	tcase_add_loop_test(tc, coarse_caller, 0, 4);
	tcase_add_test(tc, window_opens);
	tcase_add_test(tc, window_full);
	tcase_add_test(tc, pace_floor);
	tcase_add_test(tc, undone);
	tcase_add_test(tc, overtaking);
	tcase_add_test(tc, controls_change);
	tcase_add_test(tc, not_there);
	tcase_add_test(tc, without_sack);
	tcase_add_loop_test(tc, shared, 0, 6);
	tcase_add_test(tc, random_loss);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
