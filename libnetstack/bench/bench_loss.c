/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * bench_loss.c -- goodput over a wire that loses frames in both directions; loss.h says how much of what.
 *
 *   bench_loss [cubic|newreno|bbr|none]   prints: loss_PERCENT KB_PER_SECOND
 *
 * `none' is no way to run the library, which has no such switch (RFC 9293, 3.8.2, MUST-19): the congestion window is
 * opened by force before each sending.  It stands beside stacks that were measured without congestion control, and says
 * what finding losses and repairing them costs by itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loss.h"
#include "pair.h"
#include "../src/transport/transport.h"

BX_NORETURN void
bx_panic(const char *where, const char *what)
{
	fprintf(stderr, "panic: %s: %s\n", where, what);
	abort();
}

static uint64_t server, got;

static void
reader(struct pair *pair, uint32_t i)
{
	static uint8_t bytes[32768];
	size_t n;

	while (i == 1 && bx_tcp_receive(pair->host[1].stack.transport, server, bytes, sizeof bytes, &n) == BX_OK)
		got += n;
}

static bool unbridled;

/* No window but the peer's. */
static void
unbridle(struct bx_transport *t, uint64_t client)
{
	struct conn *c = bx_tcp_conn_get(t, client);

	if (c != NULL)
		c->cwnd = 1u << 20;
}

static uint64_t
run(uint64_t seed, uint32_t lose, uint16_t features)
{
	static struct pair pair;
	static uint8_t bytes[32768];
	struct bx_transport_config config = pair_transport();
	const struct bx_net_addr any = { { 0 } };
	uint64_t listener, client, end;
	struct bx_transport *a, *b;
	size_t n;

	config.ring_bytes = BUFFER;
	config.features = (uint16_t)(BX_TCP_SACK | features);
	pair_init(&pair, seed, &config);
	pair.wire.delay_us = WAY_US;
	a = pair.host[0].stack.transport;
	b = pair.host[1].stack.transport;
	if (bx_tcp_listen(b, &any, 80, 1, &listener) != BX_OK || pair_connect(&pair, 0, 80, &client) != BX_OK)
		exit(1);
	pair_run(&pair, pair.now_us + 1000000);
	if (bx_tcp_accept(b, listener, &server) != BX_OK)
		exit(1);
	pair.wire.lose = lose;
	pair.reader = reader;
	got = 0;
	end = pair.now_us + RUN_US;
	while (pair.now_us < end) {
		while (bx_tcp_send(a, client, bytes, sizeof bytes, &n) == BX_OK)
			;
		if (unbridled)
			unbridle(a, client);
		pair_output(&pair, 0);
		if (!pair_step(&pair, end))
			break;
	}
	pair_free(&pair);
	return got;
}

int
main(int argc, char **argv)
{
	const char *control = argc > 1 ? argv[1] : "cubic";
	uint16_t features = strcmp(control, "newreno") == 0 ? 0 : strcmp(control, "bbr") == 0 ? BX_TCP_BBR : BX_TCP_CUBIC;

	unbridled = strcmp(control, "none") == 0;

	for (uint32_t i = 0; i < BX_ARRAY_COUNT(loss_rows); i++) {
		uint64_t sum = 0;

		for (uint64_t seed = 1; seed <= SEEDS; seed++)
			sum += run(seed, loss_rows[i].lose, features);
		printf("loss_%s %.0f\n", loss_rows[i].name, (double)sum / SEEDS / ((double)RUN_US / 1e6) / 1e3);
	}
	return 0;
}
