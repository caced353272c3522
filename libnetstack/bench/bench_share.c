/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * bench_share.c -- two connections over one slow link with a queue that overflows, in virtual time: what each gets, and what
 * is lost on the way.
 *
 *   bench_share       prints: share_FIRST_SECOND_QUEUE_{first,second} KB_PER_SECOND, and share_..._lost PERCENT
 *
 * The link has 10 Mbit/s (1,250 kB/s with headers) and a round trip of 40 ms: 50,000 bytes fill it, 33 frames.  The second
 * connection begins five seconds after the first; both are counted over the 120 s that follow the 30th.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"

#define BYTE_PS		((uint64_t)800000)	/* 10 Mbit/s */
#define WAY_US		20000u
#define SECOND		((uint64_t)1000000)
#define NOBODY		3u

BX_NORETURN void
bx_panic(const char *where, const char *what)
{
	fprintf(stderr, "panic: %s: %s\n", where, what);
	abort();
}

static uint64_t server[2], got[2];

static void
reader(struct pair *pair, uint32_t i)
{
	static uint8_t bytes[65536];
	size_t n;

	for (uint32_t k = 0; i == 1 && k < 2; k++) {
		while (server[k] != 0 && bx_tcp_receive(pair->host[1].stack.transport, server[k], bytes, sizeof bytes, &n) == BX_OK)
			got[k] += n;
	}
}

/* Steps until then; the clients always have something to send. */
static void
go(struct pair *pair, const uint64_t client[2], uint64_t until_us)
{
	static uint8_t bytes[65536];
	size_t n;

	while (pair->now_us < until_us) {
		for (uint32_t k = 0; k < 2; k++) {
			while (client[k] != 0 &&
			    bx_tcp_send(pair->host[0].stack.transport, client[k], bytes, sizeof bytes, &n) == BX_OK)
				;
		}
		pair_output(pair, 0);
		if (!pair_step(pair, until_us))
			break;
	}
}

static void
begin(struct pair *pair, uint64_t listener, uint32_t k, uint32_t control, uint64_t client[2])
{
	if (control == NOBODY)
		return;
	if (pair_connect(pair, 0, 80, &client[k]) != BX_OK ||
	    bx_tcp_option_set(pair->host[0].stack.transport, pair->now_us, client[k], BX_TCP_OPTION_CONTROL, control) != BX_OK)
		exit(1);
	go(pair, client, pair->now_us + SECOND);
	if (bx_tcp_accept(pair->host[1].stack.transport, listener, &server[k]) != BX_OK)
		exit(1);
}

/* Share of frames lost, in hundredths of a percent, where two of these meet. */
static void
run(uint32_t first, uint32_t second, uint32_t queue, uint64_t kb[2], uint64_t *lost)
{
	static struct pair pair;
	struct bx_transport_config config = pair_transport();
	const struct bx_net_addr any = { { 0 } };
	uint64_t listener, client[2] = { 0, 0 }, sent;

	config.ring_bytes = 1u << 18;
	config.features |= BX_TCP_BBR;
	pair_init(&pair, 1, &config);
	server[0] = server[1] = 0;
	pair.wire.delay_us = WAY_US;
	pair.wire.byte_ps = BYTE_PS;
	pair.wire.queue_max = queue;
	pair.reader = reader;
	if (bx_tcp_listen(pair.host[1].stack.transport, &any, 80, 2, &listener) != BX_OK)
		exit(1);
	begin(&pair, listener, 0, first, client);
	go(&pair, client, 5 * SECOND);
	begin(&pair, listener, 1, second, client);
	go(&pair, client, 30 * SECOND);
	got[0] = got[1] = 0;
	sent = pair.wire.sent;
	*lost = pair.wire.lost;
	go(&pair, client, 150 * SECOND);
	for (uint32_t k = 0; k < 2; k++)
		kb[k] = got[k] / 120 / 1000;
	*lost = (pair.wire.lost - *lost) * 10000 / (pair.wire.sent - sent);
	pair_free(&pair);
}

int
main(void)
{
	static const char *const names[] = { "newreno", "cubic", "bbr", "nobody" };
	static const struct {
		uint32_t first, second;
	} pairs[] = {
		{ 1, NOBODY }, { 2, NOBODY }, { 1, 1 }, { 2, 1 }, { 1, 2 }, { 2, 2 }, { 2, 0 },
	};
	/* A quarter of what fills the link, all of it, four times. */
	static const uint32_t queues[] = { 8, 33, 132 };

	for (uint32_t q = 0; q < BX_ARRAY_COUNT(queues); q++) {
		for (uint32_t i = 0; i < BX_ARRAY_COUNT(pairs); i++) {
			const char *a = names[pairs[i].first], *b = names[pairs[i].second];
			uint64_t kb[2], lost;

			run(pairs[i].first, pairs[i].second, queues[q], kb, &lost);
			printf("share_%s_%s_%u_first %u\n", a, b, queues[q], (uint32_t)kb[0]);
			printf("share_%s_%s_%u_second %u\n", a, b, queues[q], (uint32_t)kb[1]);
			printf("share_%s_%s_%u_lost %u.%02u\n", a, b, queues[q], (uint32_t)(lost / 100), (uint32_t)(lost % 100));
		}
	}
	return 0;
}
