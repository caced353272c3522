/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_socket.c -- the socket layer on two stacks joined by a wire (pair.h), over both families: clients and their quotas,
 * connections, datagrams, waiting for any of several.
 */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include <brainix/net_socket.h>

#include "../../tests/unit/suite.h"
#include "limits.h"
#include "pair.h"

#define MS	((uint64_t)1000)

static struct pair pair;
static _Alignas(64) uint8_t block[2][65536];
static struct bx_sockets *sockets[2];
static uint32_t client[2];
#define RING	65536u			/* of pair_transport */
static const struct bx_net_addr any;
static const struct bx_socket_quota plenty = { 16, 8, 4, UINT64_MAX };

static struct bx_sockets_config
standard(void)
{
	return (struct bx_sockets_config){
		.clients = 3, .waits = 5, .sockets = 24, .connections = 32, .listeners = 4, .udp_ends = 4,
	};
}

/* Odd rounds speak IPv6. */
static void
begin(int round)
{
	struct bx_sockets_config config = standard();

	pair_init(&pair, 1, NULL);
	if (round % 2 != 0)
		pair_ipv6(&pair);
	for (uint32_t i = 0; i < 2; i++) {
		struct bx_socket_net net = pair_net(&pair, i);

		ck_assert_int_eq(bx_sockets_init(block[i], sizeof block[i], &config,
		    pair.host[i].stack.transport, &net, &sockets[i]), BX_OK);
		ck_assert_int_eq(bx_socket_client_open(sockets[i], &plenty, &client[i]), BX_OK);
	}
}

static void
tear_down(void)
{
	pair_free(&pair);
}

static void
run(uint64_t us)
{
	uint64_t end = pair.now_us + us;

	for (uint32_t i = 0; i < 2; i++)
		pair_output(&pair, i);
	while (pair_step(&pair, end)) {
		for (uint32_t i = 0; i < 2; i++)
			bx_sockets_poll(sockets[i], pair.now_us);
	}
	pair.now_us = end;
	for (uint32_t i = 0; i < 2; i++)
		bx_sockets_poll(sockets[i], pair.now_us);
}

static uint64_t
open_socket(uint32_t i, enum bx_socket_type type)
{
	uint64_t s = 0;

	ck_assert_int_eq(bx_socket_open(sockets[i], client[i], type, &s), BX_OK);
	ck_assert_uint_ne(s, 0);
	return s;
}

static uint64_t
listen_on(uint16_t port, uint16_t backlog)
{
	uint64_t s = open_socket(1, BX_SOCKET_STREAM);

	ck_assert_int_eq(bx_socket_bind(sockets[1], client[1], s, &any, port), BX_OK);
	ck_assert_int_eq(bx_socket_listen(sockets[1], client[1], s, backlog), BX_OK);
	return s;
}

static uint64_t
connect_to(uint16_t port)
{
	uint64_t s = open_socket(0, BX_SOCKET_STREAM);

	ck_assert_int_eq(bx_socket_connect(sockets[0], pair.now_us, client[0], s, &pair.host[1].address, port), BX_OK);
	return s;
}

static uint32_t
ready(uint32_t i, uint64_t s)
{
	uint32_t events = 0x80;

	ck_assert_int_eq(bx_socket_ready(sockets[i], client[i], s, &events), BX_OK);
	return events;
}

/* What every test leaves behind, once its clients are gone: nothing. */
static void
nothing_left(void)
{
	struct bx_socket_quota usage;

	for (uint32_t i = 0; i < 2; i++) {
		ck_assert_int_eq(bx_socket_client_close(sockets[i], pair.now_us, client[i]), BX_OK);
		ck_assert_int_eq(bx_socket_client_close(sockets[i], pair.now_us, client[i]), BX_ERR_NOT_FOUND);
		ck_assert_int_eq(bx_socket_client_usage(sockets[i], client[i], &usage), BX_ERR_NOT_FOUND);
	}
	run(600000 * MS);
	for (uint32_t i = 0; i < 2; i++) {
		struct bx_transport_usage u = bx_transport_usage(pair.host[i].stack.transport);
		struct bx_socket_wait_result result;

		ck_assert_uint_eq(u.connections + u.half_open + u.time_waits + u.rings + u.timers, 0);
		ck_assert_uint_eq(u.listeners + u.udp_ends, 0);
		ck_assert(!bx_socket_done(sockets[i], &result));
		/* All places are free again. */
		for (uint32_t k = 0; k < standard().clients; k++) {
			struct bx_socket_quota all = { 8, 8, 2, 0 };
			uint64_t s;

			ck_assert_int_eq(bx_socket_client_open(sockets[i], &all, &client[i]), BX_OK);
			for (uint32_t n = 0; n < 8; n++)
				ck_assert_int_eq(bx_socket_open(sockets[i], client[i], BX_SOCKET_STREAM, &s), BX_OK);
		}
		ck_assert_int_eq(bx_socket_client_open(sockets[i], &plenty, &client[i]), BX_ERR_NO_MEMORY);
	}
}

/* A wait of one. */
static enum bx_err
wait_for(uint32_t i, uint64_t s, uint32_t events, uint64_t us, uint64_t token)
{
	struct bx_socket_interest interest = { s, events };

	return bx_socket_wait(sockets[i], pair.now_us, client[i], &interest, 1, pair.now_us + us, token);
}

/* A client and a server, as programs write them, and everything by waits. */
START_TEST(a_conversation)
{
	struct bx_socket_wait_result result;
	uint64_t listener, c, server;
	uint8_t bytes[100] = "hello", got[100];
	size_t n;

	begin(_i);
	listener = listen_on(80, 4);
	ck_assert_int_eq(wait_for(1, listener, BX_SOCKET_ACCEPTABLE, 5000 * MS, 7), BX_ERR_WOULD_BLOCK);
	c = connect_to(80);
	ck_assert_uint_eq(ready(0, c), 0);
	ck_assert_int_eq(wait_for(0, c, BX_SOCKET_WRITABLE, 5000 * MS, 8), BX_ERR_WOULD_BLOCK);
	ck_assert_int_eq(bx_socket_accept(sockets[1], pair.now_us, client[1], listener, &server), BX_ERR_WOULD_BLOCK);
	run(100 * MS);
	ck_assert(bx_socket_done(sockets[0], &result));
	ck_assert_uint_eq(result.token, 8);
	ck_assert_uint_eq(result.client, client[0]);
	ck_assert_int_eq(result.error, BX_OK);
	ck_assert_uint_eq(result.count, 1);
	ck_assert_uint_eq(result.interests[0].events, BX_SOCKET_WRITABLE);
	ck_assert(bx_socket_done(sockets[1], &result));
	ck_assert_uint_eq(result.token, 7);
	ck_assert_uint_eq(result.interests[0].events, BX_SOCKET_ACCEPTABLE);
	ck_assert(!bx_socket_done(sockets[1], &result));
	ck_assert_int_eq(bx_socket_accept(sockets[1], pair.now_us, client[1], listener, &server), BX_OK);
	/* A question, an answer. */
	ck_assert_int_eq(wait_for(1, server, BX_SOCKET_READABLE, 5000 * MS, 9), BX_ERR_WOULD_BLOCK);
	ck_assert_int_eq(bx_socket_send(sockets[0], client[0], c, bytes, 5, &n), BX_OK);
	run(100 * MS);
	ck_assert(bx_socket_done(sockets[1], &result));
	ck_assert_int_eq(bx_socket_receive(sockets[1], client[1], server, got, 3, &n), BX_OK);
	/* Two are left: it is still readable, and a wait is over at once. */
	ck_assert_uint_eq(ready(1, server), BX_SOCKET_READABLE | BX_SOCKET_WRITABLE);
	ck_assert_int_eq(wait_for(1, server, BX_SOCKET_READABLE, 5000 * MS, 9), BX_OK);
	ck_assert_int_eq(bx_socket_receive(sockets[1], client[1], server, got + 3, 97, &n), BX_OK);
	ck_assert_mem_eq(got, "hello", 5);
	ck_assert_int_eq(bx_socket_receive(sockets[1], client[1], server, got, 97, &n), BX_ERR_WOULD_BLOCK);
	ck_assert_uint_eq(ready(1, server), BX_SOCKET_WRITABLE);
	/* One side ends, the other reads the end. */
	ck_assert_int_eq(bx_socket_shutdown(sockets[0], pair.now_us, client[0], c), BX_OK);
	run(100 * MS);
	ck_assert_uint_eq(ready(1, server), BX_SOCKET_READABLE | BX_SOCKET_WRITABLE);
	ck_assert_int_eq(bx_socket_receive(sockets[1], client[1], server, got, 97, &n), BX_ERR_NET_CLOSED);
	ck_assert_uint_eq(ready(0, c), 0);
	ck_assert_int_eq(bx_socket_close(sockets[1], pair.now_us, client[1], server, false), BX_OK);
	run(100 * MS);
	ck_assert_uint_eq(ready(0, c), BX_SOCKET_ENDED | BX_SOCKET_READABLE);
	nothing_left();
}
END_TEST

/* A sender that finds no room is told when there is. */
START_TEST(room)
{
	struct bx_socket_wait_result result;
	static uint8_t bytes[65536];
	uint64_t listener, c, server;
	size_t n, sent = 0, got = 0;

	begin(_i);
	listener = listen_on(80, 4);
	c = connect_to(80);
	run(100 * MS);
	ck_assert_int_eq(bx_socket_accept(sockets[1], pair.now_us, client[1], listener, &server), BX_OK);
	while (bx_socket_send(sockets[0], client[0], c, bytes, sizeof bytes, &n) == BX_OK) {
		sent += n;
		run(100 * MS);
	}
	ck_assert_uint_ge(sent, 65536);
	ck_assert_uint_eq(ready(0, c) & BX_SOCKET_WRITABLE, 0);
	ck_assert_int_eq(wait_for(0, c, BX_SOCKET_WRITABLE, 5000 * MS, 1), BX_ERR_WOULD_BLOCK);
	ck_assert(!bx_socket_done(sockets[0], &result));
	while (bx_socket_receive(sockets[1], client[1], server, bytes, sizeof bytes, &n) == BX_OK) {
		got += n;
		run(100 * MS);
	}
	ck_assert(bx_socket_done(sockets[0], &result));
	ck_assert_int_eq(result.error, BX_OK);
	ck_assert_uint_eq(got, sent);
	nothing_left();
}
END_TEST

/* A send that takes the last room, whole or cut short: who waits is told no later than the layer itself says WRITABLE. */
START_TEST(room_just_filled)
{
	static uint8_t bytes[2 * RING];
	uint64_t listener, c, server;
	size_t n = 0;

	begin(_i);
	listener = listen_on(80, 4);
	c = connect_to(80);
	run(100 * MS);
	ck_assert_int_eq(bx_socket_accept(sockets[1], pair.now_us, client[1], listener, &server), BX_OK);
	for (uint32_t k = 0; k < 4; k++) {
		struct bx_socket_wait_result result;
		uint64_t until = pair.now_us + 2000 * MS;
		size_t got;

		ck_assert_int_eq(bx_socket_send(sockets[0], client[0], c, bytes, k % 2 == 0 ? RING : sizeof bytes, &n), BX_OK);
		ck_assert_uint_eq(n, RING);
		ck_assert_uint_eq(ready(0, c), 0);
		ck_assert_int_eq(wait_for(0, c, BX_SOCKET_WRITABLE, 5000 * MS, k), BX_ERR_WOULD_BLOCK);
		while (ready(0, c) == 0 && pair.now_us < until) {
			while (bx_socket_receive(sockets[1], client[1], server, bytes, sizeof bytes, &got) == BX_OK)
				;
			run(1 * MS);
		}
		ck_assert_uint_eq(ready(0, c), BX_SOCKET_WRITABLE);
		ck_assert(bx_socket_done(sockets[0], &result));
		ck_assert_uint_eq(result.token, k);
		ck_assert_int_eq(result.error, BX_OK);
		ck_assert_uint_eq(result.interests[0].events, BX_SOCKET_WRITABLE);
		for (uint32_t i = 0; i < 100; i++) {
			while (bx_socket_receive(sockets[1], client[1], server, bytes, sizeof bytes, &got) == BX_OK)
				;
			run(10 * MS);
		}
	}
	nothing_left();
}
END_TEST

/* One of several; deadlines; closing; taking back. */
START_TEST(waits)
{
	struct bx_socket_interest three[3];
	struct bx_socket_wait_result result;
	uint64_t listener, c[3], server[3];
	uint8_t byte = 1;
	size_t n;

	begin(0);
	listener = listen_on(80, 4);
	for (uint32_t i = 0; i < 3; i++) {
		c[i] = connect_to(80);
		run(50 * MS);
		ck_assert_int_eq(bx_socket_accept(sockets[1], pair.now_us, client[1], listener, &server[i]), BX_OK);
		three[i] = (struct bx_socket_interest){ server[i], BX_SOCKET_READABLE };
	}
	/* The second has a byte. */
	ck_assert_int_eq(bx_socket_wait(sockets[1], pair.now_us, client[1], three, 3, pair.now_us + 50 * MS, 1),
	    BX_ERR_WOULD_BLOCK);
	ck_assert_uint_eq(bx_sockets_next(sockets[1]), pair.now_us + 50 * MS);
	ck_assert_int_eq(bx_socket_send(sockets[0], client[0], c[1], &byte, 1, &n), BX_OK);
	run(10 * MS);
	ck_assert(bx_socket_done(sockets[1], &result));
	ck_assert_uint_eq(result.count, 3);
	ck_assert_uint_eq(result.interests[0].events, 0);
	ck_assert_uint_eq(result.interests[1].events, BX_SOCKET_READABLE);
	ck_assert_uint_eq(result.interests[1].socket, server[1]);
	ck_assert_uint_eq(result.interests[2].events, 0);
	/* Ready already: what is so is said at once. */
	ck_assert_int_eq(bx_socket_wait(sockets[1], pair.now_us, client[1], three, 3, pair.now_us, 1), BX_OK);
	ck_assert_uint_eq(three[0].events | three[2].events, 0);
	ck_assert_uint_eq(three[1].events, BX_SOCKET_READABLE);
	ck_assert_int_eq(bx_socket_receive(sockets[1], client[1], server[1], &byte, 1, &n), BX_OK);
	for (uint32_t i = 0; i < 3; i++)
		three[i].events = BX_SOCKET_READABLE;
	/* None, and no time to wait; then none until the deadline. */
	ck_assert_int_eq(bx_socket_wait(sockets[1], pair.now_us, client[1], three, 3, pair.now_us, 1), BX_ERR_TIMEOUT);
	ck_assert_int_eq(bx_socket_wait(sockets[1], pair.now_us, client[1], three, 3, pair.now_us + 50 * MS, 2),
	    BX_ERR_WOULD_BLOCK);
	ck_assert_int_eq(bx_socket_wait(sockets[1], pair.now_us, client[1], three, 2, pair.now_us + 90 * MS, 3),
	    BX_ERR_WOULD_BLOCK);
	run(60 * MS);
	ck_assert(bx_socket_done(sockets[1], &result));
	ck_assert_uint_eq(result.token, 2);
	ck_assert_int_eq(result.error, BX_ERR_TIMEOUT);
	ck_assert(!bx_socket_done(sockets[1], &result));
	/* A socket of it is closed. */
	ck_assert_int_eq(bx_socket_close(sockets[1], pair.now_us, client[1], server[0], false), BX_OK);
	ck_assert(bx_socket_done(sockets[1], &result));
	ck_assert_uint_eq(result.token, 3);
	ck_assert_int_eq(result.error, BX_ERR_CANCELLED);
	/* Taken back, while it waits and when it is over. */
	ck_assert_int_eq(wait_for(1, server[1], BX_SOCKET_READABLE, 50 * MS, 4), BX_ERR_WOULD_BLOCK);
	ck_assert_int_eq(bx_socket_wait_cancel(sockets[1], client[1], 5), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_socket_wait_cancel(sockets[1], client[1], 4), BX_OK);
	ck_assert_int_eq(bx_socket_wait_cancel(sockets[1], client[1], 4), BX_ERR_NOT_FOUND);
	for (uint64_t token = 5; token < 8; token++)
		ck_assert_int_eq(wait_for(1, server[1], BX_SOCKET_READABLE, token * MS, token), BX_ERR_WOULD_BLOCK);
	run(20 * MS);
	ck_assert_int_eq(bx_socket_wait_cancel(sockets[1], client[1], 6), BX_OK);
	ck_assert_int_eq(bx_socket_wait_cancel(sockets[1], client[1], 7), BX_OK);
	ck_assert(bx_socket_done(sockets[1], &result));
	ck_assert_uint_eq(result.token, 5);
	ck_assert(!bx_socket_done(sockets[1], &result));
	ck_assert_uint_eq(bx_sockets_next(sockets[1]), BX_SOCKETS_NEVER);
	/* The same socket twice in one wait, and twice in two. */
	three[0] = three[1] = (struct bx_socket_interest){ server[1], BX_SOCKET_READABLE };
	ck_assert_int_eq(bx_socket_wait(sockets[1], pair.now_us, client[1], three, 2, pair.now_us + 50 * MS, 8),
	    BX_ERR_WOULD_BLOCK);
	ck_assert_int_eq(wait_for(1, server[1], BX_SOCKET_READABLE, 50 * MS, 9), BX_ERR_WOULD_BLOCK);
	/* Who waits for nothing in particular waits for the end. */
	ck_assert_int_eq(wait_for(1, server[2], 0, 50 * MS, 10), BX_ERR_WOULD_BLOCK);
	ck_assert_int_eq(bx_socket_send(sockets[0], client[0], c[1], &byte, 1, &n), BX_OK);
	ck_assert_int_eq(bx_socket_close(sockets[0], pair.now_us, client[0], c[2], true), BX_OK);
	run(20 * MS);
	for (uint32_t k = 0; k < 3; k++) {
		ck_assert(bx_socket_done(sockets[1], &result));
		ck_assert_int_eq(result.error, BX_OK);
		ck_assert_uint_eq(result.interests[0].events, result.token == 10 ? BX_SOCKET_ENDED : BX_SOCKET_READABLE);
	}
	nothing_left();
}
END_TEST

START_TEST(quotas)
{
	const struct bx_socket_quota small = { 2, 3, 1, 65536 };
	struct bx_socket_quota usage;
	uint64_t a, b, accepted, other;
	struct bx_socket_interest interest;
	uint32_t poor, third;

	begin(0);
	ck_assert_int_eq(bx_socket_client_open(sockets[1], &small, &poor), BX_OK);
	ck_assert_int_eq(bx_socket_open(sockets[1], poor, BX_SOCKET_STREAM, &a), BX_OK);
	ck_assert_int_eq(bx_socket_open(sockets[1], poor, BX_SOCKET_STREAM, &b), BX_OK);
	ck_assert_int_eq(bx_socket_open(sockets[1], poor, BX_SOCKET_STREAM, &other), BX_ERR_QUOTA);
	ck_assert_int_eq(bx_socket_bind(sockets[1], poor, a, &any, 80), BX_OK);
	ck_assert_int_eq(bx_socket_listen(sockets[1], poor, a, 4), BX_ERR_QUOTA);
	ck_assert_int_eq(bx_socket_listen(sockets[1], poor, a, 0), BX_ERR_INVALID);
	ck_assert_int_eq(bx_socket_listen(sockets[1], poor, a, 2), BX_OK);
	ck_assert_int_eq(bx_socket_bind(sockets[1], poor, b, &any, 81), BX_OK);
	ck_assert_int_eq(bx_socket_listen(sockets[1], poor, b, 2), BX_ERR_QUOTA);
	/* A connection that it has no place for goes on waiting. */
	connect_to(80);
	run(100 * MS);
	ck_assert_int_eq(bx_socket_accept(sockets[1], pair.now_us, poor, a, &accepted), BX_ERR_QUOTA);
	ck_assert_int_eq(bx_socket_close(sockets[1], pair.now_us, poor, b, false), BX_OK);
	ck_assert_int_eq(bx_socket_accept(sockets[1], pair.now_us, poor, a, &accepted), BX_OK);
	/* Another's socket is none. */
	ck_assert_int_eq(bx_socket_close(sockets[1], pair.now_us, client[1], accepted, false), BX_ERR_NOT_FOUND);
	interest = (struct bx_socket_interest){ accepted, BX_SOCKET_READABLE };
	ck_assert_int_eq(bx_socket_wait(sockets[1], pair.now_us, client[1], &interest, 1, UINT64_MAX, 1), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_socket_wait(sockets[1], pair.now_us, poor, &interest, 1, UINT64_MAX, 1), BX_ERR_WOULD_BLOCK);
	ck_assert_int_eq(bx_socket_wait(sockets[1], pair.now_us, poor, &interest, 1, UINT64_MAX, 2), BX_ERR_QUOTA);
	ck_assert_int_eq(bx_socket_client_usage(sockets[1], poor, &usage), BX_OK);
	ck_assert_uint_eq(usage.sockets, 2);
	ck_assert_uint_eq(usage.backlog, 2);
	ck_assert_uint_eq(usage.waits, 1);
	/* All waits of all clients together are bounded too. */
	for (uint32_t k = 0; k < 4; k++) {
		uint64_t s = open_socket(1, BX_SOCKET_DATAGRAM);

		ck_assert_int_eq(wait_for(1, s, BX_SOCKET_READABLE, 1000 * MS, k), BX_ERR_WOULD_BLOCK);
	}
	ck_assert_int_eq(bx_socket_client_open(sockets[1], &small, &third), BX_OK);
	ck_assert_int_eq(bx_socket_open(sockets[1], third, BX_SOCKET_DATAGRAM, &other), BX_OK);
	interest = (struct bx_socket_interest){ other, BX_SOCKET_READABLE };
	ck_assert_int_eq(bx_socket_wait(sockets[1], pair.now_us, third, &interest, 1, UINT64_MAX, 2), BX_ERR_NO_MEMORY);
	ck_assert_int_eq(bx_socket_client_close(sockets[1], pair.now_us, third), BX_OK);
	ck_assert_int_eq(bx_socket_client_close(sockets[1], pair.now_us, poor), BX_OK);
	/* Its number does not come back. */
	ck_assert_int_eq(bx_socket_client_open(sockets[1], &small, &client[0]), BX_OK);
	ck_assert_uint_ne(client[0], poor);
	ck_assert_int_eq(bx_socket_open(sockets[1], poor, BX_SOCKET_STREAM, &a), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_socket_client_close(sockets[1], pair.now_us, client[0]), BX_OK);
	client[0] = 0;
	nothing_left();
}
END_TEST

static uint64_t
held(uint32_t i, uint32_t who)
{
	struct bx_socket_quota usage;

	ck_assert_int_eq(bx_socket_client_usage(sockets[i], who, &usage), BX_OK);
	return usage.buffer_bytes;
}

/* Two rings, and not a third: neither by what is sent, nor by what arrives, nor by what was closed before all of it was
 * sent.  Another client's are its own matter. */
START_TEST(buffers)
{
	const struct bx_socket_quota two = { 8, 4, 2, 2 * RING + RING - 1 };
	uint64_t listener, c[3], server[3], other;
	struct bx_socket_interest interest;
	uint8_t bytes[100] = { 1 };
	uint32_t poor;
	size_t n = 0;

	begin(_i);
	ck_assert_int_eq(bx_socket_client_open(sockets[0], &two, &poor), BX_OK);
	listener = listen_on(80, 4);
	other = connect_to(80);
	for (uint32_t k = 0; k < 3; k++) {
		ck_assert_int_eq(bx_socket_open(sockets[0], poor, BX_SOCKET_STREAM, &c[k]), BX_OK);
		ck_assert_int_eq(bx_socket_connect(sockets[0], pair.now_us, poor, c[k], &pair.host[1].address, 80), BX_OK);
		run(50 * MS);
		if (k == 0)
			ck_assert_int_eq(bx_socket_accept(sockets[1], pair.now_us, client[1], listener, &server[0]), BX_OK);
		ck_assert_int_eq(bx_socket_accept(sockets[1], pair.now_us, client[1], listener, &server[k]), BX_OK);
	}
	/* What is sent. */
	ck_assert_int_eq(bx_socket_send(sockets[0], poor, c[0], bytes, 100, &n), BX_OK);
	ck_assert_int_eq(bx_socket_send(sockets[0], poor, c[1], bytes, 100, &n), BX_OK);
	ck_assert_uint_eq(held(0, poor), 2 * RING);
	ck_assert_int_eq(bx_socket_send(sockets[0], poor, c[2], bytes, 100, &n), BX_ERR_WOULD_BLOCK);
	ck_assert_int_eq(bx_socket_send(sockets[0], client[0], other, bytes, 100, &n), BX_OK);
	ck_assert_uint_eq(held(0, client[0]), RING);
	interest = (struct bx_socket_interest){ c[2], BX_SOCKET_WRITABLE };
	ck_assert_int_eq(bx_socket_wait(sockets[0], pair.now_us, poor, &interest, 1, UINT64_MAX, 9), BX_ERR_WOULD_BLOCK);
	run(1000 * MS);
	ck_assert_uint_eq(held(0, poor), 0);
	ck_assert_uint_eq(held(0, client[0]), 0);
	{
		struct bx_socket_wait_result result;

		ck_assert(bx_socket_done(sockets[0], &result));
		ck_assert_uint_eq(result.token, 9);
		ck_assert_uint_eq(result.interests[0].events, BX_SOCKET_WRITABLE);
	}
	/* What arrives. */
	for (uint32_t k = 0; k < 3; k++)
		ck_assert_int_eq(bx_socket_send(sockets[1], client[1], server[k], bytes, 100, &n), BX_OK);
	run(100 * MS);
	ck_assert_uint_eq(held(0, poor), 2 * RING);
	for (uint32_t k = 0; k < 2; k++)
		ck_assert_int_eq(bx_socket_receive(sockets[0], poor, c[k], bytes, 100, &n), BX_OK);
	ck_assert_int_eq(bx_socket_receive(sockets[0], poor, c[2], bytes, 100, &n), BX_ERR_WOULD_BLOCK);
	ck_assert_uint_eq(held(0, poor), 0);
	run(2000 * MS);
	ck_assert_int_eq(bx_socket_receive(sockets[0], poor, c[2], bytes, 100, &n), BX_OK);
	ck_assert_uint_eq(n, 100);
	/* What was closed. */
	for (uint32_t k = 0; k < 2; k++) {
		ck_assert_int_eq(bx_socket_send(sockets[0], poor, c[k], bytes, 100, &n), BX_OK);
		ck_assert_int_eq(bx_socket_close(sockets[0], pair.now_us, poor, c[k], false), BX_OK);
	}
	ck_assert_uint_eq(held(0, poor), 2 * RING);
	ck_assert_int_eq(bx_socket_send(sockets[0], poor, c[2], bytes, 100, &n), BX_ERR_WOULD_BLOCK);
	run(1000 * MS);
	ck_assert_uint_eq(held(0, poor), 0);
	ck_assert_int_eq(bx_socket_client_close(sockets[0], pair.now_us, poor), BX_OK);
	nothing_left();
}
END_TEST

/* A client that opens and closes: what the stage still holds of it is within its quota, and others have theirs. */
START_TEST(orphans_count)
{
	const struct bx_socket_quota two = { 2, 1, 1, UINT64_MAX };
	struct bx_transport *t;
	struct bx_socket_quota usage;
	uint64_t listener, c = 0, server;
	uint32_t poor;
	enum bx_err err;

	begin(_i);
	t = pair.host[0].stack.transport;
	ck_assert_int_eq(bx_socket_client_open(sockets[0], &two, &poor), BX_OK);
	listener = listen_on(80, 8);
	for (uint32_t k = 0; k < 8; k++) {
		err = bx_socket_open(sockets[0], poor, BX_SOCKET_STREAM, &c);
		ck_assert_int_eq(err, k < 2 ? BX_OK : BX_ERR_QUOTA);
		if (err != BX_OK)
			continue;
		ck_assert_int_eq(bx_socket_connect(sockets[0], pair.now_us, poor, c, &pair.host[1].address, 80), BX_OK);
		run(50 * MS);
		ck_assert_int_eq(bx_socket_close(sockets[0], pair.now_us, poor, c, false), BX_OK);
		run(50 * MS);
	}
	ck_assert_uint_eq(bx_transport_usage(t).connections, 2);
	ck_assert_int_eq(bx_socket_client_usage(sockets[0], poor, &usage), BX_OK);
	ck_assert_uint_eq(usage.sockets, 2);
	ck_assert_int_eq(bx_socket_client_usage(sockets[0], client[0], &usage), BX_OK);
	ck_assert_uint_eq(usage.sockets, 0);
	/* One is over when its peer has closed too, the other when FIN-WAIT-2 is. */
	ck_assert_int_eq(bx_socket_accept(sockets[1], pair.now_us, client[1], listener, &server), BX_OK);
	ck_assert_int_eq(bx_socket_close(sockets[1], pair.now_us, client[1], server, false), BX_OK);
	run(100 * MS);
	ck_assert_int_eq(bx_socket_open(sockets[0], poor, BX_SOCKET_STREAM, &c), BX_OK);
	ck_assert_int_eq(bx_socket_open(sockets[0], poor, BX_SOCKET_STREAM, &c), BX_ERR_QUOTA);
	run(61000 * MS);
	ck_assert_int_eq(bx_socket_open(sockets[0], poor, BX_SOCKET_STREAM, &c), BX_OK);
	ck_assert_uint_eq(bx_transport_account_orphans(t, 1) + bx_transport_account_orphans(t, 2), 0);
	ck_assert_uint_eq(bx_transport_account_orphans(t, 99), 0);
	ck_assert_int_eq(bx_socket_client_close(sockets[0], pair.now_us, poor), BX_OK);
	nothing_left();
}
END_TEST

/* A connection of host 0 to host 1 that has more to send than the other's window takes, which nobody reads. */
static uint64_t
shut(uint32_t who, uint64_t listener, uint64_t *server)
{
	static uint8_t bytes[RING];
	uint64_t c = 0;
	size_t n;

	ck_assert_int_eq(bx_socket_open(sockets[0], who, BX_SOCKET_STREAM, &c), BX_OK);
	ck_assert_int_eq(bx_socket_connect(sockets[0], pair.now_us, who, c, &pair.host[1].address, 80), BX_OK);
	run(50 * MS);
	ck_assert_int_eq(bx_socket_accept(sockets[1], pair.now_us, client[1], listener, server), BX_OK);
	for (uint32_t k = 0; k < 6; k++) {
		(void)!bx_socket_send(sockets[0], who, c, bytes, sizeof bytes, &n);
		run(300 * MS);
	}
	return c;
}

/* What a client left behind goes with it: who comes in its place has all that its quota says. */
START_TEST(nothing_is_inherited)
{
	const struct bx_socket_quota one = { 2, 2, 2, RING };
	struct bx_socket_quota usage;
	uint64_t listener, c, server;
	uint32_t first, second;
	uint8_t byte = 1;
	size_t n;

	begin(_i);
	listener = listen_on(80, 4);
	ck_assert_int_eq(bx_socket_client_open(sockets[0], &one, &first), BX_OK);
	c = shut(first, listener, &server);
	ck_assert_int_eq(bx_socket_close(sockets[0], pair.now_us, first, c, false), BX_OK);
	run(100 * MS);
	ck_assert_uint_eq(held(0, first), RING);
	ck_assert_int_eq(bx_socket_client_close(sockets[0], pair.now_us, first), BX_OK);
	/* At once, and before anything has been sent. */
	ck_assert_int_eq(bx_socket_client_open(sockets[0], &one, &second), BX_OK);
	ck_assert_uint_eq(second % 1024, first % 1024);
	ck_assert_int_eq(bx_socket_client_usage(sockets[0], second, &usage), BX_OK);
	ck_assert_uint_eq(usage.buffer_bytes + usage.sockets, 0);
	ck_assert_int_eq(bx_socket_open(sockets[0], second, BX_SOCKET_STREAM, &c), BX_OK);
	ck_assert_int_eq(bx_socket_connect(sockets[0], pair.now_us, second, c, &pair.host[1].address, 80), BX_OK);
	run(100 * MS);
	ck_assert_uint_eq(ready(1, server), BX_SOCKET_ENDED | BX_SOCKET_READABLE);
	ck_assert_int_eq(bx_socket_send(sockets[0], second, c, &byte, 1, &n), BX_OK);
	ck_assert_uint_eq(held(0, second), RING);
	ck_assert_uint_eq(bx_transport_usage(pair.host[0].stack.transport).rings, 1);
	ck_assert_int_eq(bx_socket_client_close(sockets[0], pair.now_us, second), BX_OK);
	nothing_left();
}
END_TEST

/* A window that stays shut is probed for as long as there is a user, however long; without one for a few minutes from the close
 * on, and then the peer is told. */
START_TEST(orphan_before_a_shut_window)
{
	struct bx_transport *t;
	uint64_t listener, c, server;

	begin(_i % 2);
	t = pair.host[0].stack.transport;
	listener = listen_on(80, 4);
	c = shut(client[0], listener, &server);
	run((_i / 2 == 0 ? 1 : 3600000) * MS);
	ck_assert_uint_eq(ready(0, c), 0);
	ck_assert_int_eq(bx_socket_close(sockets[0], pair.now_us, client[0], c, false), BX_OK);
	run(70000 * MS);
	ck_assert_uint_eq(bx_transport_usage(t).connections, 1);
	ck_assert_uint_eq(ready(1, server), BX_SOCKET_READABLE | BX_SOCKET_WRITABLE);
	run(400000 * MS);
	ck_assert_uint_eq(bx_transport_usage(t).connections, 0);
	ck_assert_uint_eq(bx_transport_usage(t).rings, 0);
	ck_assert_uint_eq(ready(1, server), BX_SOCKET_ENDED | BX_SOCKET_READABLE);
	nothing_left();
}
END_TEST

/* A client that dies takes its connections with it, and nothing of another's. */
START_TEST(a_client_dies)
{
	uint64_t listener, c, server, survivor;
	uint32_t second;
	uint8_t byte = 1;
	size_t n;

	begin(_i);
	ck_assert_int_eq(bx_socket_client_open(sockets[0], &plenty, &second), BX_OK);
	listener = listen_on(80, 4);
	c = connect_to(80);
	ck_assert_int_eq(bx_socket_open(sockets[0], second, BX_SOCKET_STREAM, &survivor), BX_OK);
	ck_assert_int_eq(bx_socket_connect(sockets[0], pair.now_us, second, survivor, &pair.host[1].address, 80), BX_OK);
	run(100 * MS);
	ck_assert_int_eq(bx_socket_accept(sockets[1], pair.now_us, client[1], listener, &server), BX_OK);
	ck_assert_int_eq(wait_for(0, c, BX_SOCKET_READABLE, 1000 * MS, 1), BX_ERR_WOULD_BLOCK);
	ck_assert_int_eq(bx_socket_client_close(sockets[0], pair.now_us, client[0]), BX_OK);
	run(100 * MS);
	ck_assert_uint_eq(ready(1, server), BX_SOCKET_ENDED | BX_SOCKET_READABLE);
	ck_assert_int_eq(bx_socket_receive(sockets[1], client[1], server, &byte, 1, &n), BX_ERR_NET_RESET);
	ck_assert_int_eq(bx_socket_send(sockets[0], second, survivor, &byte, 1, &n), BX_OK);
	client[0] = second;
	nothing_left();
}
END_TEST

/* What the datagram calls of host i have put into out goes to the other. */
static void
send_off(uint32_t i, struct bx_net_batch *out)
{
	bx_stack_down(&pair.host[i].stack, pair.now_us, out);
	for (uint32_t k = 0; k < out->count; k++) {
		if (out->bufs[k].kind == BX_NET_FRAME)
			pair_send(&pair, i, bx_net_bytes(out, &out->bufs[k]), out->bufs[k].length);
	}
	bx_net_batch_clear(out);
	run(20 * MS);
}

/* Connections that wait to be accepted hold rings of the listener's client; datagrams those of their end's. */
START_TEST(buffers_unasked)
{
	const struct bx_socket_quota one = { 8, 4, 2, RING };
	struct bx_transport *t;
	uint64_t listener, c[2], datagram, sender;
	static uint8_t batch_bytes[8192];
	struct bx_net_buf bufs[8];
	struct bx_net_batch out;
	uint8_t byte = 1;
	uint32_t poor;
	size_t n;

	begin(0);
	t = pair.host[1].stack.transport;
	ck_assert_int_eq(bx_socket_client_open(sockets[1], &one, &poor), BX_OK);
	ck_assert_int_eq(bx_socket_open(sockets[1], poor, BX_SOCKET_STREAM, &listener), BX_OK);
	ck_assert_int_eq(bx_socket_bind(sockets[1], poor, listener, &any, 80), BX_OK);
	ck_assert_int_eq(bx_socket_listen(sockets[1], poor, listener, 4), BX_OK);
	ck_assert_int_eq(bx_socket_open(sockets[1], poor, BX_SOCKET_DATAGRAM, &datagram), BX_OK);
	ck_assert_int_eq(bx_socket_bind(sockets[1], poor, datagram, &any, 53), BX_OK);
	for (uint32_t k = 0; k < 2; k++)
		c[k] = connect_to(80);
	run(100 * MS);
	for (uint32_t k = 0; k < 2; k++)
		ck_assert_int_eq(bx_socket_send(sockets[0], client[0], c[k], &byte, 1, &n), BX_OK);
	run(100 * MS);
	ck_assert_uint_eq(held(1, poor), RING);
	ck_assert_uint_eq(bx_transport_usage(t).rings, 1);
	sender = open_socket(0, BX_SOCKET_DATAGRAM);
	for (uint32_t k = 0; k < 2; k++) {
		bx_net_batch_init(&out, batch_bytes, sizeof batch_bytes, bufs, 8, 0);
		ck_assert_int_eq(bx_socket_send_to(sockets[0], pair.now_us, client[0], sender, &pair.host[1].address, 53,
		    &byte, 1, &out), BX_OK);
		send_off(0, &out);
	}
	ck_assert_uint_eq(held(1, poor), RING);
	ck_assert_uint_eq(bx_transport_usage(t).rings, 1);
	ck_assert_int_eq(bx_socket_client_close(sockets[1], pair.now_us, poor), BX_OK);
	run(100 * MS);
	ck_assert_uint_eq(bx_transport_usage(t).rings, 0);
	/* Who has no account's name can set no limit. */
	ck_assert_int_eq(bx_transport_account_limit(t, 0, 1), BX_ERR_RANGE);
	ck_assert_int_eq(bx_transport_account_limit(t, 5, 1), BX_ERR_RANGE);
	ck_assert_uint_eq(bx_transport_account_used(t, 0), 0);
	ck_assert_uint_eq(bx_transport_account_used(t, 5), 0);
	for (uint64_t handle = 1; handle <= 1u << 25; handle = handle == 1 ? 1u << 24 : handle * 2) {
		ck_assert_int_eq(bx_transport_account_set(t, handle, 1), BX_ERR_NOT_FOUND);
		ck_assert_int_eq(bx_transport_account_set(t, handle, 5), BX_ERR_RANGE);
	}
	nothing_left();
}
END_TEST

START_TEST(datagrams)
{
	struct bx_socket_wait_result result;
	struct bx_net_addr group = bx_net_ipv4(239, 0, 0, 1), far = bx_net_ipv4(9, 9, 9, 9);
	struct bx_udp_from from;
	uint64_t a, b, x;
	uint8_t got[10], batch_bytes[4096];
	struct bx_net_buf bufs[8];
	struct bx_net_batch out;
	uint16_t port = 0;
	uint32_t n;

	begin(_i);
	bx_net_batch_init(&out, batch_bytes, sizeof batch_bytes, bufs, 8, 0);
	a = open_socket(0, BX_SOCKET_DATAGRAM);
	b = open_socket(1, BX_SOCKET_DATAGRAM);
	ck_assert_int_eq(bx_socket_bind(sockets[1], client[1], b, &any, 53), BX_OK);
	ck_assert_int_eq(bx_socket_bind(sockets[1], client[1], b, &any, 54), BX_ERR_STATE);
	ck_assert_int_eq(bx_socket_receive_from(sockets[0], client[0], a, got, 10, &n, &from), BX_ERR_WOULD_BLOCK);
	ck_assert_int_eq(bx_socket_send_to(sockets[0], pair.now_us, client[0], a, NULL, 0, got, 1, &out), BX_ERR_STATE);
	ck_assert_int_eq(bx_socket_send_to(sockets[0], pair.now_us, client[0], a, &far, 53, got, 1, &out), BX_ERR_NET_UNREACHABLE);
	ck_assert_int_eq(bx_socket_send_to(sockets[0], pair.now_us, client[0], a, &any, 53, got, 1, &out), BX_ERR_INVALID);
	ck_assert_int_eq(wait_for(1, b, BX_SOCKET_READABLE, 1000 * MS, 1), BX_ERR_WOULD_BLOCK);
	ck_assert_int_eq(bx_socket_port(sockets[0], client[0], a, &port), BX_OK);
	ck_assert_uint_eq(port, 0);
	ck_assert_int_eq(bx_socket_send_to(sockets[0], pair.now_us, client[0], a, &pair.host[1].address, 53,
	    (const uint8_t *)"ask", 3, &out), BX_OK);
	ck_assert_int_eq(bx_socket_port(sockets[0], client[0], a, &port), BX_OK);
	ck_assert_uint_ge(port, 49152);
	send_off(0, &out);
	ck_assert(bx_socket_done(sockets[1], &result));
	ck_assert_uint_eq(result.interests[0].events, BX_SOCKET_READABLE);
	ck_assert_int_eq(bx_socket_receive_from(sockets[1], client[1], b, got, 10, &n, &from), BX_OK);
	ck_assert_uint_eq(n, 3);
	ck_assert_uint_eq(from.remote_port, port);
	ck_assert_int_eq(bx_socket_receive_from(sockets[1], client[1], b, got, 10, &n, &from), BX_ERR_WOULD_BLOCK);
	/* After connect only the peer is heard. */
	ck_assert_int_eq(bx_socket_connect(sockets[0], pair.now_us, client[0], a, &pair.host[1].address, 53), BX_OK);
	x = open_socket(1, BX_SOCKET_DATAGRAM);
	ck_assert_int_eq(bx_socket_send_to(sockets[1], pair.now_us, client[1], x, &pair.host[0].address, port, got, 1, &out), BX_OK);
	ck_assert_int_eq(bx_socket_send_to(sockets[1], pair.now_us, client[1], b, &pair.host[0].address, port, got, 2, &out), BX_OK);
	send_off(1, &out);
	ck_assert_int_eq(bx_socket_receive_from(sockets[0], client[0], a, got, 10, &n, &from), BX_OK);
	ck_assert_uint_eq(n, 2);
	ck_assert_int_eq(bx_socket_receive_from(sockets[0], client[0], a, got, 10, &n, &from), BX_ERR_WOULD_BLOCK);
	/* The peer is gone: told once, and that is worth waking up for. */
	ck_assert_int_eq(bx_socket_close(sockets[1], pair.now_us, client[1], b, false), BX_OK);
	ck_assert_int_eq(wait_for(0, a, BX_SOCKET_READABLE, 1000 * MS, 2), BX_ERR_WOULD_BLOCK);
	ck_assert_int_eq(bx_socket_send_to(sockets[0], pair.now_us, client[0], a, NULL, 0, got, 1, &out), BX_OK);
	send_off(0, &out);
	ck_assert(bx_socket_done(sockets[0], &result));
	ck_assert_int_eq(bx_socket_receive_from(sockets[0], client[0], a, got, 10, &n, &from), BX_ERR_NET_REFUSED);
	/* RFC 1122, 4.1.4: hops and class, whether they are set before there is an end or after. */
	x = open_socket(0, BX_SOCKET_DATAGRAM);
	ck_assert_int_eq(bx_socket_datagram_option_set(sockets[0], client[0], x, BX_UDP_OPTION_HOP_LIMIT, 7), BX_OK);
	ck_assert_int_eq(bx_socket_datagram_option_set(sockets[0], client[0], x, BX_UDP_OPTION_HOP_LIMIT, 256), BX_ERR_INVALID);
	ck_assert_int_eq(bx_socket_datagram_option_set(sockets[0], client[0], x, (enum bx_udp_option)2, 1), BX_ERR_INVALID);
	ck_assert_int_eq(bx_socket_datagram_option_set(sockets[0], client[0], 0, BX_UDP_OPTION_HOP_LIMIT, 1), BX_ERR_NOT_FOUND);
	for (uint32_t i = 0; i < 2; i++) {
		bx_net_batch_clear(&out);
		ck_assert_int_eq(bx_socket_send_to(sockets[0], pair.now_us, client[0], x, &pair.host[1].address, 53, got, 1, &out), BX_OK);
		ck_assert_uint_eq(out.bufs[0].hop_limit, 7);
		ck_assert_uint_eq(out.bufs[0].traffic_class, i == 0 ? 0 : 0x28);
		ck_assert_int_eq(bx_socket_datagram_option_set(sockets[0], client[0], x, BX_UDP_OPTION_TRAFFIC_CLASS, 0x28), BX_OK);
	}
	bx_net_batch_clear(&out);
	ck_assert_int_eq(bx_socket_close(sockets[0], pair.now_us, client[0], x, false), BX_OK);
	x = open_socket(0, BX_SOCKET_STREAM);
	ck_assert_int_eq(bx_socket_datagram_option_set(sockets[0], client[0], x, BX_UDP_OPTION_HOP_LIMIT, 7), BX_ERR_STATE);
	ck_assert_int_eq(bx_socket_close(sockets[0], pair.now_us, client[0], x, false), BX_OK);
	/* A group is heard, and spoken to from the host. */
	if (_i == 0) {
		ck_assert_int_eq(bx_ip_group_join(pair.host[1].stack.ip, pair.now_us, 0, &group), BX_OK);
		b = open_socket(1, BX_SOCKET_DATAGRAM);
		ck_assert_int_eq(bx_socket_bind(sockets[1], client[1], b, &group, 5000), BX_OK);
		ck_assert_int_eq(bx_socket_close(sockets[0], pair.now_us, client[0], a, false), BX_OK);
		a = open_socket(0, BX_SOCKET_DATAGRAM);
		ck_assert_int_eq(bx_socket_bind(sockets[0], client[0], a, &group, 0), BX_OK);
		ck_assert_int_eq(bx_socket_send_to(sockets[0], pair.now_us, client[0], a, &group, 5000, got, 4, &out), BX_OK);
		send_off(0, &out);
		ck_assert_int_eq(bx_socket_receive_from(sockets[1], client[1], b, got, 10, &n, &from), BX_OK);
		ck_assert(bx_net_addr_equal(&from.remote, &pair.host[0].address));
		ck_assert(bx_net_addr_equal(&from.local, &group));
	}
	nothing_left();
}
END_TEST

/* Nobody speaks from an address that is not the host's, or not any more, nor from one of the other family. */
START_TEST(addresses_of_others)
{
	const struct bx_net_addr strange = _i == 0 ? bx_net_ipv4(10, 0, 0, 99) : (struct bx_net_addr){ { 0xfd, [15] = 99 } };
	const struct bx_net_addr other = bx_net_ipv4(10, 0, 0, 98);
	struct bx_ip *ip;
	struct bx_net_buf bufs[8];
	uint8_t batch_bytes[4096];
	struct bx_net_batch out;
	uint64_t stream, datagram, bound[2];
	const struct bx_net_addr *you;

	begin(_i);
	ip = pair.host[0].stack.ip;
	you = &pair.host[1].address;
	bx_net_batch_init(&out, batch_bytes, sizeof batch_bytes, bufs, 8, 0);
	stream = open_socket(0, BX_SOCKET_STREAM);
	datagram = open_socket(0, BX_SOCKET_DATAGRAM);
	ck_assert_int_eq(bx_socket_bind(sockets[0], client[0], stream, &strange, 80), BX_ERR_INVALID);
	ck_assert_int_eq(bx_socket_bind(sockets[0], client[0], datagram, &strange, 53), BX_ERR_INVALID);
	ck_assert_int_eq(bx_socket_bind(sockets[0], client[0], datagram, you, 53), BX_ERR_INVALID);
	ck_assert_int_eq(bx_socket_bind(sockets[0], client[0], stream, &pair.host[0].address, 80), BX_OK);
	ck_assert_int_eq(bx_socket_bind(sockets[0], client[0], datagram, &pair.host[0].address, 53), BX_OK);
	ck_assert_int_eq(bx_socket_send_to(sockets[0], pair.now_us, client[0], datagram, you, 53, batch_bytes, 1, &out), BX_OK);
	/* Ours for a while. */
	ck_assert_int_eq(bx_ip_address_add(ip, 0, &other, 32), BX_OK);
	for (uint32_t k = 0; k < 2; k++) {
		bound[k] = open_socket(0, k == 0 ? BX_SOCKET_STREAM : BX_SOCKET_DATAGRAM);
		ck_assert_int_eq(bx_socket_bind(sockets[0], client[0], bound[k], &other, 5000), BX_OK);
	}
	ck_assert_int_eq(bx_socket_send_to(sockets[0], pair.now_us, client[0], bound[1], you, 53, batch_bytes, 1, &out),
	    _i == 0 ? BX_OK : BX_ERR_INVALID);
	ck_assert_int_eq(bx_ip_address_remove(ip, &other), BX_OK);
	ck_assert_int_eq(bx_socket_connect(sockets[0], pair.now_us, client[0], bound[0], you, 80), BX_ERR_NET_UNREACHABLE);
	ck_assert_int_eq(bx_socket_send_to(sockets[0], pair.now_us, client[0], bound[1], you, 53, batch_bytes, 1, &out),
	    BX_ERR_NET_UNREACHABLE);
	nothing_left();
}
END_TEST

/* What one client hears, no other takes from it: neither by an address where it has any, nor the other way round. */
START_TEST(ports_of_others)
{
	const struct bx_net_addr *here = &pair.host[1].address;
	const struct bx_net_addr *first, *second;
	uint64_t mine, mine_too, s, stream[2];
	uint16_t port = 0;
	uint32_t poor;

	begin(_i / 2);
	first = _i % 2 == 0 ? &any : here;
	second = _i % 2 == 0 ? here : &any;
	ck_assert_int_eq(bx_socket_client_open(sockets[1], &plenty, &poor), BX_OK);
	mine = open_socket(1, BX_SOCKET_DATAGRAM);
	mine_too = open_socket(1, BX_SOCKET_DATAGRAM);
	ck_assert_int_eq(bx_socket_bind(sockets[1], client[1], mine, first, 53), BX_OK);
	ck_assert_int_eq(bx_socket_open(sockets[1], poor, BX_SOCKET_DATAGRAM, &s), BX_OK);
	ck_assert_int_eq(bx_socket_bind(sockets[1], poor, s, first, 53), BX_ERR_EXISTS);
	ck_assert_int_eq(bx_socket_bind(sockets[1], poor, s, second, 53), BX_ERR_EXISTS);
	ck_assert_int_eq(bx_socket_bind(sockets[1], poor, s, second, 54), BX_OK);
	/* Its own it may divide as it likes. */
	ck_assert_int_eq(bx_socket_bind(sockets[1], client[1], mine_too, second, 53), BX_OK);
	/* A listener's port is neither listened to nor connected from. */
	for (uint32_t k = 0; k < 2; k++) {
		ck_assert_int_eq(bx_socket_open(sockets[1], poor, BX_SOCKET_STREAM, &stream[k]), BX_OK);
		ck_assert_int_eq(bx_socket_bind(sockets[1], poor, stream[k], k == 0 ? first : second, 80), BX_OK);
	}
	listen_on(80, 2);
	for (uint32_t k = 0; k < 2; k++) {
		ck_assert_int_eq(bx_socket_listen(sockets[1], poor, stream[k], 2), BX_ERR_EXISTS);
		ck_assert_int_eq(bx_socket_connect(sockets[1], pair.now_us, poor, stream[k], &pair.host[0].address, 80),
		    BX_ERR_EXISTS);
	}
	ck_assert_int_eq(bx_socket_port(sockets[1], poor, s, &port), BX_OK);
	ck_assert_uint_eq(port, 54);
	ck_assert_int_eq(bx_socket_client_close(sockets[1], pair.now_us, poor), BX_OK);
	nothing_left();
}
END_TEST

/* A port is picked beside those that are heard, with whatever address: the same seed would give the same one. */
START_TEST(ports_picked)
{
	const struct bx_net_addr *here = &pair.host[1].address;
	uint16_t port[2] = { 0, 0 };

	for (uint32_t k = 0; k < 2; k++) {
		uint64_t s;

		begin(0);
		if (k == 1) {
			s = open_socket(1, BX_SOCKET_DATAGRAM);
			ck_assert_int_eq(bx_socket_bind(sockets[1], client[1], s, &any, port[0]), BX_OK);
		}
		s = open_socket(1, BX_SOCKET_DATAGRAM);
		ck_assert_int_eq(bx_socket_bind(sockets[1], client[1], s, here, 0), BX_OK);
		ck_assert_int_eq(bx_socket_port(sockets[1], client[1], s, &port[k]), BX_OK);
		if (k == 0)
			pair_free(&pair);
	}
	ck_assert_uint_ge(port[1], 49152);
	ck_assert_uint_ne(port[0], port[1]);
	nothing_left();
}
END_TEST

START_TEST(states_refused)
{
	uint64_t stream, datagram, listener, c, untouched = 77;
	struct bx_net_addr group = bx_net_ipv4(224, 1, 1, 1), far = bx_net_ipv4(9, 9, 9, 9);
	const struct bx_net_addr *you;
	struct bx_udp_from from;
	struct bx_tcp_info info;
	uint8_t byte = 0;
	uint32_t m = 5;
	size_t n = 99;

	begin(0);
	you = &pair.host[1].address;
	stream = open_socket(0, BX_SOCKET_STREAM);
	datagram = open_socket(0, BX_SOCKET_DATAGRAM);
	ck_assert_int_eq(bx_socket_open(sockets[0], client[0], (enum bx_socket_type)7, &untouched), BX_ERR_INVALID);
	ck_assert_int_eq(bx_socket_listen(sockets[0], client[0], stream, 1), BX_ERR_STATE);
	ck_assert_int_eq(bx_socket_bind(sockets[0], client[0], stream, &group, 80), BX_ERR_INVALID);
	ck_assert_int_eq(bx_socket_accept(sockets[0], 0, client[0], stream, &untouched), BX_ERR_STATE);
	ck_assert_int_eq(bx_socket_send(sockets[0], client[0], stream, &byte, 1, &n), BX_ERR_STATE);
	ck_assert_int_eq(bx_socket_receive(sockets[0], client[0], stream, &byte, 1, &n), BX_ERR_STATE);
	ck_assert_int_eq(bx_socket_shutdown(sockets[0], 0, client[0], stream), BX_ERR_STATE);
	ck_assert_int_eq(bx_socket_info(sockets[0], client[0], stream, &info), BX_ERR_STATE);
	ck_assert_int_eq(bx_socket_receive_from(sockets[0], client[0], stream, &byte, 1, &m, &from), BX_ERR_STATE);
	ck_assert_int_eq(bx_socket_send_to(sockets[0], 0, client[0], stream, you, 1, &byte, 1, NULL), BX_ERR_STATE);
	ck_assert_int_eq(bx_socket_send(sockets[0], client[0], datagram, &byte, 1, &n), BX_ERR_STATE);
	ck_assert_int_eq(bx_socket_listen(sockets[0], client[0], datagram, 1), BX_ERR_STATE);
	ck_assert_int_eq(bx_socket_option_set(sockets[0], 0, client[0], datagram, BX_TCP_OPTION_NODELAY, 1), BX_ERR_STATE);
	ck_assert_int_eq(bx_socket_connect(sockets[0], 0, client[0], stream, you, 0), BX_ERR_INVALID);
	ck_assert_int_eq(bx_socket_connect(sockets[0], 0, client[0], stream, &any, 1), BX_ERR_INVALID);
	ck_assert_int_eq(bx_socket_connect(sockets[0], 0, client[0], stream, &far, 1), BX_ERR_NET_UNREACHABLE);
	ck_assert_int_eq(bx_socket_connect(sockets[0], 0, client[0], stream, you, 1), BX_OK);
	ck_assert_int_eq(bx_socket_connect(sockets[0], 0, client[0], stream, you, 1), BX_ERR_STATE);
	ck_assert_int_eq(bx_socket_bind(sockets[0], client[0], stream, &any, 80), BX_ERR_STATE);
	ck_assert_uint_eq(ready(0, stream), 0);
	listener = open_socket(0, BX_SOCKET_STREAM);
	ck_assert_uint_eq(ready(0, listener), 0);
	ck_assert_int_eq(bx_socket_bind(sockets[0], client[0], listener, &any, 80), BX_OK);
	ck_assert_int_eq(bx_socket_listen(sockets[0], client[0], listener, 1), BX_OK);
	c = open_socket(0, BX_SOCKET_STREAM);
	ck_assert_int_eq(bx_socket_bind(sockets[0], client[0], c, &any, 80), BX_OK);
	ck_assert_int_eq(bx_socket_listen(sockets[0], client[0], c, 1), BX_ERR_EXISTS);
	ck_assert_int_eq(bx_socket_wait(sockets[0], 0, client[0], NULL, 0, 1, 1), BX_ERR_INVALID);
	ck_assert_int_eq(bx_socket_wait(sockets[0], 0, client[0], NULL, BX_SOCKET_WAIT_MAX + 1, 1, 1), BX_ERR_INVALID);
	ck_assert_int_eq(wait_for(0, c, 0x10, 10, 1), BX_ERR_INVALID);
	for (uint64_t wrong = 0; wrong < 3; wrong++) {
		ck_assert_int_eq(wait_for(0, wrong, 1, 10, 1), BX_ERR_NOT_FOUND);
		ck_assert_int_eq(bx_socket_close(sockets[0], 0, client[0], wrong, false), BX_ERR_NOT_FOUND);
		ck_assert_int_eq(bx_socket_bind(sockets[0], client[0], wrong, &any, 1), BX_ERR_NOT_FOUND);
		ck_assert_int_eq(bx_socket_listen(sockets[0], client[0], wrong, 1), BX_ERR_NOT_FOUND);
		ck_assert_int_eq(bx_socket_connect(sockets[0], 0, client[0], wrong, you, 1), BX_ERR_NOT_FOUND);
		ck_assert_int_eq(bx_socket_accept(sockets[0], 0, client[0], wrong, &untouched), BX_ERR_NOT_FOUND);
		ck_assert_int_eq(bx_socket_send(sockets[0], client[0], wrong, &byte, 1, &n), BX_ERR_NOT_FOUND);
		ck_assert_int_eq(bx_socket_receive_from(sockets[0], client[0], wrong, &byte, 1, &m, &from), BX_ERR_NOT_FOUND);
		ck_assert_int_eq(bx_socket_option_set(sockets[0], 0, client[0], wrong, BX_TCP_OPTION_NODELAY, 1), BX_ERR_NOT_FOUND);
		ck_assert_int_eq(bx_socket_ready(sockets[0], client[0], wrong, &m), BX_ERR_NOT_FOUND);
		ck_assert_int_eq(bx_socket_port(sockets[0], client[0], wrong, &(uint16_t){ 0 }), BX_ERR_NOT_FOUND);
		ck_assert_int_eq(bx_socket_open(sockets[0], 999, BX_SOCKET_STREAM, &untouched), BX_ERR_NOT_FOUND);
	}
	ck_assert_int_eq(bx_socket_wait(sockets[0], 0, 999, NULL, 1, 1, 1), BX_ERR_NOT_FOUND);
	ck_assert_uint_eq(untouched, 77);
	ck_assert_uint_eq(n, 99);
	ck_assert_uint_eq(m, 5);
	nothing_left();
}
END_TEST

/* Options that were set before there was a connection reach it, a listener's all that it accepts. */
START_TEST(options)
{
	static const struct {
		enum bx_tcp_option option;
		uint32_t good, bad;
	} cases[] = {
		{ BX_TCP_OPTION_NODELAY, 1, 2 }, { BX_TCP_OPTION_KEEPALIVE_S, 30, 65536 },
		{ BX_TCP_OPTION_CONTROL, BX_TCP_NEWRENO_CONTROL, BX_TCP_BBR_CONTROL }, { BX_TCP_OPTION_TRAFFIC_CLASS, 0x28, 0x29 },
		{ BX_TCP_OPTION_RETRIES, 255, 256 }, { BX_TCP_OPTION_HOP_LIMIT, 255, 256 },
	};
	uint64_t listener, c, server;
	uint32_t before;

	begin(0);
	listener = listen_on(80, 2);
	c = open_socket(0, BX_SOCKET_STREAM);
	for (uint32_t i = 0; i < BX_ARRAY_COUNT(cases); i++) {
		ck_assert_int_eq(bx_socket_option_set(sockets[1], 0, client[1], listener, cases[i].option, cases[i].good), BX_OK);
		ck_assert_int_eq(bx_socket_option_set(sockets[0], 0, client[0], c, cases[i].option, cases[i].bad), BX_ERR_INVALID);
		ck_assert_int_eq(bx_socket_option_set(sockets[0], 0, client[0], c, cases[i].option, cases[i].good), BX_OK);
	}
	ck_assert_int_eq(bx_socket_option_set(sockets[0], 0, client[0], c, (enum bx_tcp_option)9, 1), BX_ERR_INVALID);
	ck_assert_int_eq(bx_socket_connect(sockets[0], pair.now_us, client[0], c, &pair.host[1].address, 80), BX_OK);
	run(100 * MS);
	ck_assert_int_eq(bx_socket_accept(sockets[1], pair.now_us, client[1], listener, &server), BX_OK);
	ck_assert_int_eq(bx_socket_option_set(sockets[1], 0, client[1], server, BX_TCP_OPTION_NODELAY, 2), BX_ERR_INVALID);
	ck_assert_int_eq(bx_socket_option_set(sockets[1], 0, client[1], server, BX_TCP_OPTION_NODELAY, 0), BX_OK);
	/* The keepalive of both is at work: after 40 s of silence something was said. */
	before = (uint32_t)pair.wire.sent;
	run(40000 * MS);
	ck_assert_uint_gt((uint32_t)pair.wire.sent, before);
	nothing_left();
}
END_TEST

START_TEST(init_refuses)
{
	struct bx_sockets_config config = standard();
	struct bx_socket_net net = pair_net(&pair, 0);
	struct bx_sockets *untouched = (struct bx_sockets *)(uintptr_t)0x1234, *s = untouched;

	begin(0);
	ck_assert_int_eq(bx_sockets_init(block[0], bx_sockets_size(&config) - 1, &config, NULL, &net, &s), BX_ERR_NO_MEMORY);
	ck_assert_int_eq(bx_sockets_init(block[0] + 8, sizeof block[0], &config, NULL, &net, &s), BX_ERR_ALIGN);
	config.clients = 0;
	ck_assert_int_eq(bx_sockets_init(block[0], sizeof block[0], &config, NULL, &net, &s), BX_ERR_INVALID);
	config = standard();
	config.waits = 5000;
	ck_assert_uint_eq(bx_sockets_size(&config), 0);
	config = standard();
	config.sockets = 0;
	ck_assert_uint_eq(bx_sockets_size(&config), 0);
	/* Each client wants an account of the stage. */
	config = standard();
	config.clients = pair_transport().accounts + 1;
	ck_assert_int_eq(bx_sockets_init(block[0], sizeof block[0], &config, pair.host[0].stack.transport, &net, &s),
	    BX_ERR_INVALID);
	ck_assert_ptr_eq(s, untouched);
	/* All sockets of all clients together are bounded. */
	config = standard();
	config.sockets = 2;
	net.self = pair.host[0].stack.ip;
	ck_assert_int_eq(bx_sockets_init(block[0], sizeof block[0], &config, pair.host[0].stack.transport, &net,
	    &sockets[0]), BX_OK);
	ck_assert_int_eq(bx_socket_client_open(sockets[0], &plenty, &client[0]), BX_OK);
	open_socket(0, BX_SOCKET_STREAM);
	open_socket(0, BX_SOCKET_DATAGRAM);
	ck_assert_int_eq(bx_socket_open(sockets[0], client[0], BX_SOCKET_STREAM, &(uint64_t){ 0 }), BX_ERR_NO_MEMORY);
}
END_TEST

/* Each bound of the configuration: on it is good, beyond is not. */
START_TEST(limits)
{
	static const struct limit limit[] = {
		LIMIT(struct bx_sockets_config, clients, 1, true),
		LIMIT(struct bx_sockets_config, clients, 1024, true),
		LIMIT(struct bx_sockets_config, clients, 1025, false),
		LIMIT(struct bx_sockets_config, clients, 0, false),
		LIMIT(struct bx_sockets_config, waits, 1, true),
		LIMIT(struct bx_sockets_config, waits, 4096, true),
		LIMIT(struct bx_sockets_config, waits, 4097, false),
		LIMIT(struct bx_sockets_config, waits, 0, false),
		LIMIT(struct bx_sockets_config, sockets, 1, true),
		LIMIT(struct bx_sockets_config, sockets, 1048576, true),
		LIMIT(struct bx_sockets_config, sockets, 1048577, false),
		LIMIT(struct bx_sockets_config, sockets, 0, false),
		LIMIT(struct bx_sockets_config, connections, 1, true),
		LIMIT(struct bx_sockets_config, connections, 1048576, true),
		LIMIT(struct bx_sockets_config, connections, 1048577, false),
		LIMIT(struct bx_sockets_config, connections, 0, false),
		LIMIT(struct bx_sockets_config, listeners, 0, true),
		LIMIT(struct bx_sockets_config, listeners, 1024, true),
		LIMIT(struct bx_sockets_config, listeners, 1025, false),
		LIMIT(struct bx_sockets_config, udp_ends, 0, true),
		LIMIT(struct bx_sockets_config, udp_ends, 1024, true),
		LIMIT(struct bx_sockets_config, udp_ends, 1025, false),
	};

	for (uint32_t i = 0; i < BX_ARRAY_COUNT(limit); i++) {
		struct bx_sockets_config config = standard();

		limit_set(&config, &limit[i]);
		ck_assert_msg((bx_sockets_size(&config) != 0) == limit[i].good, "limit %u", i);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("net_socket");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, NULL, tear_down);
	tcase_add_loop_test(tc, a_conversation, 0, 2);
	tcase_add_loop_test(tc, room, 0, 2);
	tcase_add_loop_test(tc, room_just_filled, 0, 2);
	tcase_add_test(tc, waits);
	tcase_add_test(tc, quotas);
	tcase_add_loop_test(tc, buffers, 0, 2);
	tcase_add_test(tc, buffers_unasked);
	tcase_add_loop_test(tc, a_client_dies, 0, 2);
	tcase_add_loop_test(tc, orphans_count, 0, 2);
	tcase_add_loop_test(tc, nothing_is_inherited, 0, 2);
	tcase_add_loop_test(tc, orphan_before_a_shut_window, 0, 4);
	tcase_add_loop_test(tc, datagrams, 0, 2);
	tcase_add_loop_test(tc, addresses_of_others, 0, 2);
	tcase_add_loop_test(tc, ports_of_others, 0, 4);
	tcase_add_test(tc, ports_picked);
	tcase_add_test(tc, states_refused);
	tcase_add_test(tc, options);
	tcase_add_test(tc, init_refuses);
	tcase_add_test(tc, limits);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
