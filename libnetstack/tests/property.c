/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * property.c -- two stacks over a hostile wire, by seed: the byte streams of both directions arrive exactly, or the
 * connection ends with a defined error; time always brings progress; afterwards no ring, timer or place is lost.
 *
 *   property [FIRST [COUNT]]     runs the seeds FIRST .. FIRST + COUNT - 1 (1 and 1000)
 *
 * A seed that fails is printed, and can be run alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"

#define LIMIT_US	((uint64_t)3600 * 1000000)

struct side {
	uint64_t connection;
	uint64_t to_send, sent, got;
	bool open, eof, shut;
	enum bx_err error;
};

struct run {
	struct pair pair;
	struct side side[2];
	uint64_t listener;
	uint64_t seed;
	bool accepted;
	bool last_look;			/* nothing is under way: what has come is read now */
	const char *failure;
};

/* Byte n of the stream that side i sends. */
static uint8_t
pattern(uint32_t i, uint64_t n)
{
	return (uint8_t)((n * 2654435761u + i * 97u) >> 11 ^ n);
}

static void
write_some(struct run *r, uint32_t i)
{
	struct side *s = &r->side[i];
	struct bx_transport *t = r->pair.host[i].stack.transport;
	uint8_t bytes[3000];

	while (s->open && s->sent < s->to_send) {
		uint32_t n = 1 + pair_random(&r->pair) % (uint32_t)sizeof bytes;
		size_t sent;
		enum bx_err err;

		if (n > s->to_send - s->sent)
			n = (uint32_t)(s->to_send - s->sent);
		for (uint32_t k = 0; k < n; k++)
			bytes[k] = pattern(i, s->sent + k);
		err = bx_tcp_send(t, s->connection, bytes, n, &sent);
		if (err == BX_ERR_WOULD_BLOCK)
			return;
		if (err != BX_OK) {
			s->error = err;
			s->open = false;
			return;
		}
		s->sent += sent;
	}
	if (s->open && !s->shut) {
		s->shut = true;
		if (bx_tcp_shutdown(t, r->pair.now_us, s->connection) != BX_OK)
			r->failure = "shutdown refused";
	}
}

static void
read_some(struct run *r, uint32_t i)
{
	struct side *s = &r->side[i];
	struct bx_transport *t = r->pair.host[i].stack.transport;
	uint8_t bytes[5000];
	size_t n;

	/* At times the reader is slow: windows close and open. */
	if (!s->open || s->eof || (!r->last_look && pair_random(&r->pair) % 8 == 0))
		return;
	for (;;) {
		enum bx_err err = bx_tcp_receive(t, s->connection, bytes,
		    1 + pair_random(&r->pair) % (uint32_t)sizeof bytes, &n);

		if (err == BX_ERR_WOULD_BLOCK)
			return;
		if (err == BX_ERR_NET_CLOSED) {
			s->eof = true;
			if (s->got != r->side[1 - i].to_send)
				r->failure = "the stream ended too early";
			return;
		}
		if (err != BX_OK) {
			s->error = err;
			s->open = false;
			return;
		}
		for (size_t k = 0; k < n; k++) {
			if (bytes[k] != pattern(1 - i, s->got + k))
				r->failure = "a byte differs";
		}
		s->got += n;
		if (s->got > r->side[1 - i].to_send)
			r->failure = "more bytes than were sent";
	}
}

/* A side whose peer has given up is told by nobody: it has to ask. */
static void
keep_alive(struct run *r, uint32_t i)
{
	if (bx_tcp_option_set(r->pair.host[i].stack.transport, r->pair.now_us, r->side[i].connection,
	    BX_TCP_OPTION_KEEPALIVE_S, 60) != BX_OK)
		r->failure = "keepalive refused";
	r->side[i].open = true;
}

static void
accept_some(struct run *r)
{
	if (!r->accepted && bx_tcp_accept(r->pair.host[1].stack.transport, r->listener,
	    &r->side[1].connection) == BX_OK) {
		r->accepted = true;
		keep_alive(r, 1);
	}
}

static bool
over(const struct run *r)
{
	bool ends[2];

	for (uint32_t i = 0; i < 2; i++) {
		const struct side *s = &r->side[i];

		ends[i] = s->error != BX_OK || (s->eof && s->sent == s->to_send);
	}
	return (ends[0] && ends[1]) || (ends[0] && !r->accepted && r->side[0].error != BX_OK);
}

static void
close_side(struct run *r, uint32_t i)
{
	struct side *s = &r->side[i];

	if (s->connection != 0 &&
	    bx_tcp_close(r->pair.host[i].stack.transport, r->pair.now_us, s->connection) != BX_OK)
		r->failure = "the handle is void";
	pair_output(&r->pair, i);
}

static void
conservation(struct run *r)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct bx_transport_usage u = bx_transport_usage(r->pair.host[i].stack.transport);

		if (u.connections != 0 || u.half_open != 0 || u.time_waits != 0)
			r->failure = "a connection is left over";
		if (u.rings != 0)
			r->failure = "a ring is left over";
		if (u.timers != 0)
			r->failure = "a timer is left over";
	}
}

static void
set_up(struct run *r, uint64_t seed)
{
	struct bx_transport_config config = pair_transport();
	struct wire *w = &r->pair.wire;
	uint32_t k;

	config.features = BX_TCP_WINDOW_SCALE;
	config.features |= seed % 2 != 0 ? BX_TCP_SACK : 0;
	config.features |= seed % 3 != 0 ? BX_TCP_TIMESTAMPS : 0;
	config.features |= seed % 5 < 2 ? BX_TCP_CUBIC : seed % 5 < 4 ? BX_TCP_BBR : 0;
	config.features |= seed % 7 == 0 ? BX_TCP_ECN : 0;
	config.ring_bytes = 4096u << seed % 6;
	config.small_rings = seed % 11 < 4 ? 0 : (uint32_t)(seed % 11);
	/* Half of the runs with a device that does something: makes sums, cuts, coalesces. */
	if (seed / 2 % 2 == 0) {
		config.cut_bytes = seed % 10 == 0 ? 0 : (uint32_t)(2000 + seed * 7919 % 62001);
		config.features |= seed % 3 != 1 ? BX_TRANSPORT_SUM_LATER : 0;
	}
	pair_init(&r->pair, seed, &config);
	r->pair.device = seed / 2 % 2 == 0;
	r->pair.gather_us = seed % 9 < 3 ? 0 : seed % 9 * 25;
	r->pair.packed = seed % 4 == 0;
	if (seed % 8 > 4)
		pair_ipv6(&r->pair);
	k = pair_random(&r->pair);
	w->lose = k % 4 == 0 ? 0 : pair_random(&r->pair) % 1500;
	w->duplicate = k / 4 % 4 == 0 ? 0 : pair_random(&r->pair) % 1000;
	w->reorder = k / 16 % 4 == 0 ? 0 : pair_random(&r->pair) % 3000;
	w->corrupt = k / 64 % 4 == 0 ? 0 : pair_random(&r->pair) % 1000;
	w->delay_us = 10 + pair_random(&r->pair) % 50000;
	w->jitter_us = pair_random(&r->pair) % 20000;
	w->byte_ps = k / 256 % 2 == 0 ? 0 : 8000 + pair_random(&r->pair) % 1000000;
	w->queue_max = 20;
	r->side[0].to_send = pair_random(&r->pair) % 100000;
	r->side[1].to_send = pair_random(&r->pair) % 100000;
	r->seed = seed;
}

static const char *
run_seed(uint64_t seed, uint64_t *duration_us, uint32_t *errors)
{
	static struct run r;
	const struct bx_net_addr any = { { 0 } };

	memset(&r, 0, sizeof r);
	set_up(&r, seed);
	if (bx_tcp_listen(r.pair.host[1].stack.transport, &any, 80, 4, &r.listener) != BX_OK ||
	    pair_connect(&r.pair, 0, 80, &r.side[0].connection) != BX_OK)
		return "set-up";
	keep_alive(&r, 0);
	while (r.failure == NULL && !over(&r)) {
		accept_some(&r);
		for (uint32_t i = 0; i < 2; i++) {
			write_some(&r, i);
			read_some(&r, i);
			pair_output(&r.pair, i);
		}
		if (pair_step(&r.pair, LIMIT_US))
			r.last_look = false;
		else if (r.last_look && !over(&r))
			r.failure = "no progress";
		else
			r.last_look = true;
	}
	if (r.pair.fault != NULL)
		r.failure = r.pair.fault;
	*duration_us = r.pair.now_us;
	*errors += r.side[0].error != BX_OK || r.side[1].error != BX_OK;
	close_side(&r, 0);
	close_side(&r, 1);
	if (r.failure == NULL && bx_tcp_unlisten(r.pair.host[1].stack.transport, r.pair.now_us,
	    r.listener) != BX_OK)
		r.failure = "the listener is gone";
	pair_output(&r.pair, 1);
	if (r.failure == NULL) {
		pair_run(&r.pair, r.pair.now_us + LIMIT_US);
		conservation(&r);
	}
	pair_free(&r.pair);
	return r.failure;
}

int
main(int argc, char **argv)
{
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 0) : 1000;
	uint32_t failed = 0, errors = 0;

	for (uint64_t seed = first; seed < first + count; seed++) {
		uint64_t duration = 0;
		const char *failure = run_seed(seed, &duration, &errors);

		if (failure != NULL) {
			printf("seed %llu: %s (after %llu ms)\n", (unsigned long long)seed, failure,
			    (unsigned long long)duration / 1000);
			failed++;
		}
	}
	printf("%llu connections ended by a defined error\n", (unsigned long long)errors);
	printf("%llu passed, %u failed\n", (unsigned long long)(count - failed), failed);
	return failed != 0;
}
