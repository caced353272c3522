/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_transport.c -- the transport stage where packet scripts do not reach: configuration, UDP, queues, cookies,
 * events, offload; on two stacks joined by a wire (pair.h).
 */
#include <string.h>

#include <check.h>

#include "../../tests/unit/suite.h"
#include "limits.h"
#include "pair.h"

static struct pair pair;
static const struct bx_net_addr any;

static struct bx_transport *
side(uint32_t i)
{
	return pair.host[i].stack.transport;
}

/* Both know one another's link address. */
static void
set_up(void)
{
	uint64_t connection;

	pair_init(&pair, 1, NULL);
	ck_assert_int_eq(pair_connect(&pair, 0, 9, &connection), BX_OK);
	pair_run(&pair, pair.now_us + 3000000);
	ck_assert_int_eq(bx_tcp_close(pair.host[0].stack.transport, pair.now_us, connection), BX_OK);
}

/* What every test leaves behind, once all has been closed: nothing. */
static void
tear_down(void)
{
	pair_free(&pair);
}

static void
nothing_left(void)
{
	pair_run(&pair, pair.now_us + (uint64_t)600 * 1000000);
	for (uint32_t i = 0; i < 2; i++) {
		struct bx_transport_usage u = bx_transport_usage(side(i));

		ck_assert_uint_eq(u.connections, 0);
		ck_assert_uint_eq(u.half_open, 0);
		ck_assert_uint_eq(u.time_waits, 0);
		ck_assert_uint_eq(u.rings, 0);
		ck_assert_uint_eq(u.timers, 0);
	}
}

START_TEST(init_refuses)
{
	static _Alignas(64) uint8_t block[4096];
	struct bx_transport_config config = pair_transport();
	struct bx_transport *untouched = (struct bx_transport *)(uintptr_t)0x1234, *t = untouched;

	ck_assert_int_eq(bx_transport_init(block, sizeof block, &config, &t), BX_ERR_NO_MEMORY);
	ck_assert_int_eq(bx_transport_init(block + 1, sizeof block, &config, &t), BX_ERR_ALIGN);
	config.ring_bytes = 65535;
	ck_assert_uint_eq(bx_transport_size(&config), 0);
	ck_assert_int_eq(bx_transport_init(block, sizeof block, &config, &t), BX_ERR_INVALID);
	config = pair_transport();
	config.features = 0x80;
	ck_assert_int_eq(bx_transport_init(block, sizeof block, &config, &t), BX_ERR_INVALID);
	config = pair_transport();
	config.connections = 0;
	ck_assert_int_eq(bx_transport_init(block, sizeof block, &config, &t), BX_ERR_INVALID);
	ck_assert_ptr_eq(t, untouched);
}
END_TEST

/* Each bound of the configuration: on it is good, beyond is not. */
START_TEST(limits)
{
	static const struct limit limit[] = {
		LIMIT(struct bx_transport_config, connections, 1, true),
		LIMIT(struct bx_transport_config, connections, 1048576, true),
		LIMIT(struct bx_transport_config, connections, 1048577, false),
		LIMIT(struct bx_transport_config, connections, 0, false),
		LIMIT(struct bx_transport_config, half_open, 1, true),
		LIMIT(struct bx_transport_config, half_open, 1048576, true),
		LIMIT(struct bx_transport_config, half_open, 1048577, false),
		LIMIT(struct bx_transport_config, half_open, 0, false),
		LIMIT(struct bx_transport_config, time_waits, 1, true),
		LIMIT(struct bx_transport_config, time_waits, 1048576, true),
		LIMIT(struct bx_transport_config, time_waits, 1048577, false),
		LIMIT(struct bx_transport_config, time_waits, 0, false),
		LIMIT(struct bx_transport_config, rings, 1, true),
		LIMIT(struct bx_transport_config, rings, 2097152, true),
		LIMIT(struct bx_transport_config, rings, 2097153, false),
		LIMIT(struct bx_transport_config, rings, 0, false),
		LIMIT(struct bx_transport_config, small_rings, 0, true),
		LIMIT(struct bx_transport_config, small_rings, 2097152, true),
		LIMIT(struct bx_transport_config, small_rings, 2097153, false),
		LIMIT(struct bx_transport_config, ring_bytes, 4096, true),
		LIMIT(struct bx_transport_config, ring_bytes, 2048, false),
		LIMIT(struct bx_transport_config, ring_bytes, 1048576, true),
		LIMIT(struct bx_transport_config, ring_bytes, 2097152, false),
		LIMIT(struct bx_transport_config, ring_bytes, 12288, false),
		LIMIT(struct bx_transport_config, listeners, 0, true),
		LIMIT(struct bx_transport_config, listeners, 1024, true),
		LIMIT(struct bx_transport_config, listeners, 1025, false),
		LIMIT(struct bx_transport_config, udp_ends, 0, true),
		LIMIT(struct bx_transport_config, udp_ends, 1024, true),
		LIMIT(struct bx_transport_config, udp_ends, 1025, false),
		LIMIT(struct bx_transport_config, accounts, 0, true),
		LIMIT(struct bx_transport_config, accounts, 1024, true),
		LIMIT(struct bx_transport_config, accounts, 1025, false),
		LIMIT(struct bx_transport_config, cut_bytes, 0, true),
		LIMIT(struct bx_transport_config, cut_bytes, 65000, true),
		LIMIT(struct bx_transport_config, cut_bytes, 65001, false),
		LIMIT(struct bx_transport_config, mtu, 576, true),
		LIMIT(struct bx_transport_config, mtu, 9216, true),
		LIMIT(struct bx_transport_config, mtu, 9217, false),
		LIMIT(struct bx_transport_config, mtu, 575, false),
	};

	for (uint32_t i = 0; i < BX_ARRAY_COUNT(limit); i++) {
		struct bx_transport_config config = pair_transport();

		limit_set(&config, &limit[i]);
		ck_assert_msg((bx_transport_size(&config) != 0) == limit[i].good, "limit %u", i);
	}
	/* Each of the two is good, both are more rings than 32 bits name. */
	{
		struct bx_transport_config config = pair_transport();

		config.rings = 2097152;
		config.ring_bytes = 1048576;
		ck_assert_uint_eq(bx_transport_size(&config), 0);
	}
}
END_TEST

/* The promises of the design, measured. */
START_TEST(sizes)
{
	ck_assert_uint_le(bx_tcp_connection_bytes(), 512);
	ck_assert_uint_le(bx_tcp_half_open_bytes(), 128);
	ck_assert_uint_le(bx_tcp_time_wait_bytes(), 64);
}
END_TEST

START_TEST(calls_refused)
{
	struct bx_transport *t = side(0);
	const struct bx_net_addr *me = &pair.host[0].address, *you = &pair.host[1].address;
	struct bx_net_addr group = bx_net_ipv4(224, 0, 0, 1);
	uint64_t handle = 77, other;
	size_t n = 99;
	uint8_t byte = 0;

	ck_assert_int_eq(bx_tcp_listen(t, &any, 0, 1, &handle), BX_ERR_INVALID);
	ck_assert_int_eq(bx_tcp_listen(t, &any, 80, 0, &handle), BX_ERR_INVALID);
	ck_assert_int_eq(bx_tcp_listen(t, &group, 80, 1, &handle), BX_ERR_INVALID);
	ck_assert_int_eq(bx_tcp_connect(t, 0, &any, 0, you, 80, 1500, &handle), BX_ERR_INVALID);
	ck_assert_int_eq(bx_tcp_connect(t, 0, me, 0, &group, 80, 1500, &handle), BX_ERR_INVALID);
	ck_assert_int_eq(bx_tcp_connect(t, 0, me, 0, you, 0, 1500, &handle), BX_ERR_INVALID);
	ck_assert_int_eq(bx_tcp_connect(t, 0, me, 0, you, 80, 575, &handle), BX_ERR_INVALID);
	ck_assert_uint_eq(handle, 77);
	for (uint64_t wrong = 0; wrong < 3; wrong++) {
		ck_assert_int_eq(bx_tcp_send(t, wrong, &byte, 1, &n), BX_ERR_NOT_FOUND);
		ck_assert_int_eq(bx_tcp_receive(t, wrong, &byte, 1, &n), BX_ERR_NOT_FOUND);
		ck_assert_int_eq(bx_tcp_close(t, 0, wrong), BX_ERR_NOT_FOUND);
		ck_assert_int_eq(bx_tcp_accept(t, wrong, &handle), BX_ERR_NOT_FOUND);
		ck_assert_int_eq(bx_udp_close(t, wrong), BX_ERR_NOT_FOUND);
	}
	ck_assert_uint_eq(n, 99);
	ck_assert_int_eq(bx_tcp_listen(t, &any, 80, 1, &handle), BX_OK);
	ck_assert_int_eq(bx_tcp_listen(t, &any, 80, 1, &other), BX_ERR_EXISTS);
	ck_assert_int_eq(bx_tcp_listen(t, me, 80, 1, &other), BX_OK);
	ck_assert_int_eq(bx_tcp_unlisten(t, 0, handle), BX_OK);
	ck_assert_int_eq(bx_tcp_unlisten(t, 0, handle), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_tcp_unlisten(t, 0, other), BX_OK);
}
END_TEST

/* Two stacks with so many rings, and a connection between them. */
static void
with_rings(uint32_t rings, uint32_t small_rings, uint64_t *listener, uint64_t *client, uint64_t *server)
{
	struct bx_transport_config config = pair_transport();

	config.rings = rings;
	config.small_rings = small_rings;
	config.accounts = 0;
	pair_free(&pair);
	pair_init(&pair, 1, &config);
	ck_assert_int_eq(bx_tcp_listen(side(1), &any, 80, 4, listener), BX_OK);
	ck_assert_int_eq(pair_connect(&pair, 0, 80, client), BX_OK);
	pair_run(&pair, pair.now_us + 3000000);
	ck_assert_int_eq(bx_tcp_accept(side(1), *listener, server), BX_OK);
	ck_assert_int_eq(bx_tcp_option_set(side(0), pair.now_us, *client, BX_TCP_OPTION_NODELAY, 1), BX_OK);
}

static void
close_all(uint64_t listener, uint64_t client, uint64_t server)
{
	ck_assert_int_eq(bx_tcp_close(side(0), pair.now_us, client), BX_OK);
	ck_assert_int_eq(bx_tcp_close(side(1), pair.now_us, server), BX_OK);
	ck_assert_int_eq(bx_tcp_unlisten(side(1), pair.now_us, listener), BX_OK);
	pair_output(&pair, 0);
	pair_output(&pair, 1);
	nothing_left();
}

/* What has been given to send in pieces of so many bytes arrives: all of them. */
static void
send_pieces(uint64_t client, uint64_t server, uint32_t count, uint32_t length)
{
	uint8_t out[4096], in[4096];
	size_t n, got = 0;

	for (uint32_t i = 0; i < count * length; i++)
		out[i] = (uint8_t)(i * 7 + length);
	/* Nobody delivers: all of it is out, each piece a segment. */
	for (uint32_t i = 0; i < count; i++) {
		ck_assert_int_eq(bx_tcp_send(side(0), client, out + i * length, length, &n), BX_OK);
		ck_assert_uint_eq(n, length);
		pair_output(&pair, 0);
	}
	pair_run(&pair, pair.now_us + 2000000);
	while (got < count * length) {
		ck_assert_int_eq(bx_tcp_receive(side(1), server, in + got, sizeof in - got, &n), BX_OK);
		got += n;
	}
	ck_assert_mem_eq(in, out, got);
}

/* With one whole ring for each side a writer of little takes none, and one of more takes one, with what is out. */
START_TEST(small_rings)
{
	uint64_t listener, client, server;
	uint8_t bytes[600] = { 1 }, in[600];
	size_t n;

	with_rings(1, 1, &listener, &client, &server);
	for (uint32_t length = 1; length <= 128; length += 127)
		send_pieces(client, server, 1, length);
	send_pieces(client, server, 2, 64);
	send_pieces(client, server, 2, 65);
	send_pieces(client, server, 3, 1);
	send_pieces(client, server, 20, 1);
	send_pieces(client, server, 1, 129);
	/* Both are in use for as long as the larger is on its way. */
	ck_assert_int_eq(bx_tcp_send(side(0), client, bytes, 100, &n), BX_OK);
	ck_assert_uint_eq(bx_transport_usage(side(0)).rings, 1);
	ck_assert_int_eq(bx_tcp_send(side(0), client, bytes + 100, 500, &n), BX_OK);
	ck_assert_uint_eq(n, 500);
	ck_assert_uint_eq(bx_transport_usage(side(0)).rings, 1);
	pair_output(&pair, 0);
	pair_run(&pair, pair.now_us + 2000000);
	ck_assert_int_eq(bx_tcp_receive(side(1), server, in, sizeof in, &n), BX_OK);
	ck_assert_uint_eq(n, 600);
	ck_assert_mem_eq(in, bytes, 600);
	close_all(listener, client, server);
}
END_TEST

/* Without a whole ring, what fits the small one is taken, and the rest when there is room. */
START_TEST(small_ring_alone)
{
	uint64_t listener, client, server, holder;
	uint8_t bytes[300], in[300];
	size_t n, sent = 0, got = 0;
	uint32_t events;

	for (uint32_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 11);
	with_rings(1, 1, &listener, &client, &server);
	/* A connection that is not made yet holds the only whole ring. */
	ck_assert_int_eq(pair_connect(&pair, 0, 80, &holder), BX_OK);
	ck_assert_int_eq(bx_tcp_send(side(0), holder, bytes, 129, &n), BX_OK);
	ck_assert_int_eq(bx_tcp_send(side(0), client, bytes, 100, &n), BX_OK);
	ck_assert_uint_eq(n, 100);
	ck_assert_int_eq(bx_tcp_send(side(0), client, bytes + 100, 200, &n), BX_OK);
	ck_assert_uint_eq(n, 28);
	ck_assert_int_eq(bx_tcp_send(side(0), client, bytes + 128, 172, &n), BX_ERR_WOULD_BLOCK);
	ck_assert_int_eq(bx_tcp_send(side(0), client, bytes + 128, 1, &n), BX_ERR_WOULD_BLOCK);
	ck_assert_int_eq(bx_tcp_abort(side(0), pair.now_us, holder), BX_OK);
	sent = 128;
	while (bx_tcp_event(side(0), &holder, &events))
		;
	pair_output(&pair, 0);
	pair_run(&pair, pair.now_us + 2000000);
	ck_assert(bx_tcp_event(side(0), &holder, &events));
	ck_assert_uint_eq(holder, client);
	ck_assert_uint_ne(events & BX_TCP_WRITABLE, 0);
	ck_assert_int_eq(bx_tcp_send(side(0), client, bytes + sent, sizeof bytes - sent, &n), BX_OK);
	ck_assert_uint_eq(n, sizeof bytes - sent);
	pair_output(&pair, 0);
	pair_run(&pair, pair.now_us + 2000000);
	while (got < sizeof bytes) {
		ck_assert_int_eq(bx_tcp_receive(side(1), server, in + got, sizeof in - got, &n), BX_OK);
		got += n;
	}
	ck_assert_mem_eq(in, bytes, sizeof bytes);
	close_all(listener, client, server);
}
END_TEST

/* A handle that was given back is never another's. */
START_TEST(handles_do_not_come_back)
{
	uint64_t first, second;
	size_t n;

	ck_assert_int_eq(pair_connect(&pair, 0, 81, &first), BX_OK);
	ck_assert_int_eq(bx_tcp_close(side(0), pair.now_us, first), BX_OK);
	ck_assert_int_eq(pair_connect(&pair, 0, 81, &second), BX_OK);
	ck_assert_uint_ne(first, second);
	ck_assert_uint_eq((uint32_t)first, (uint32_t)second);
	ck_assert_int_eq(bx_tcp_receive(side(0), first, (uint8_t *)&n, 1, &n), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_tcp_close(side(0), pair.now_us, second), BX_OK);
	nothing_left();
}
END_TEST

START_TEST(refused_and_events)
{
	uint64_t connection, handle = 0;
	uint32_t events = 0;
	size_t n;
	uint8_t byte;

	ck_assert_int_eq(pair_connect(&pair, 0, 81, &connection), BX_OK);
	pair_run(&pair, pair.now_us + 100000);
	ck_assert(bx_tcp_event(side(0), &handle, &events));
	ck_assert_uint_eq(handle, connection);
	ck_assert_uint_ne(events & BX_TCP_ENDED, 0);
	ck_assert(!bx_tcp_event(side(0), &handle, &events));
	ck_assert_int_eq(bx_tcp_receive(side(0), connection, &byte, 1, &n), BX_ERR_NET_REFUSED);
	ck_assert_int_eq(bx_tcp_close(side(0), pair.now_us, connection), BX_OK);
	nothing_left();
}
END_TEST

/* More SYNs than half-open places: cookies carry the rest; all connections work. */
START_TEST(cookies_under_pressure)
{
	uint64_t listener, client[20], server;
	uint32_t accepted = 0;
	size_t n;
	uint8_t byte = 0;

	ck_assert_int_eq(bx_tcp_listen(side(1), &any, 80, 20, &listener), BX_OK);
	/* All SYNs arrive before the first third step. */
	for (uint32_t i = 0; i < 20; i++)
		ck_assert_int_eq(pair_connect(&pair, 0, 80, &client[i]), BX_OK);
	pair_run(&pair, pair.now_us + 100000);
	ck_assert_uint_eq(bx_transport_stats(side(1))->tcp_cookies_out, 12);
	ck_assert_uint_eq(bx_transport_stats(side(1))->tcp_cookies_in, 12);
	for (uint32_t i = 0; i < 20; i++) {
		byte = (uint8_t)i;
		ck_assert_int_eq(bx_tcp_send(side(0), client[i], &byte, 1, &n), BX_OK);
	}
	pair_output(&pair, 0);
	pair_run(&pair, pair.now_us + 100000);
	while (bx_tcp_accept(side(1), listener, &server) == BX_OK) {
		ck_assert_int_eq(bx_tcp_receive(side(1), server, &byte, 1, &n), BX_OK);
		ck_assert_int_eq(bx_tcp_close(side(1), pair.now_us, server), BX_OK);
		accepted++;
	}
	ck_assert_uint_eq(accepted, 20);
	for (uint32_t i = 0; i < 20; i++)
		ck_assert_int_eq(bx_tcp_close(side(0), pair.now_us, client[i]), BX_OK);
	ck_assert_int_eq(bx_tcp_unlisten(side(1), pair.now_us, listener), BX_OK);
	pair_output(&pair, 0);
	pair_output(&pair, 1);
	nothing_left();
}
END_TEST

/* A real backlog: what does not fit waits outside, and comes in when there is room. */
START_TEST(backlog)
{
	uint64_t listener, client[4], server;
	uint32_t accepted = 0;

	ck_assert_int_eq(bx_tcp_listen(side(1), &any, 80, 2, &listener), BX_OK);
	for (uint32_t i = 0; i < 4; i++)
		ck_assert_int_eq(pair_connect(&pair, 0, 80, &client[i]), BX_OK);
	pair_run(&pair, pair.now_us + 100000);
	ck_assert_uint_eq(bx_transport_usage(side(1)).connections, 2);
	ck_assert_uint_gt(bx_transport_stats(side(1))->tcp_accept_full, 0);
	for (uint32_t i = 0; i < 4; i++) {
		while (bx_tcp_accept(side(1), listener, &server) == BX_OK) {
			accepted++;
			ck_assert_int_eq(bx_tcp_abort(side(1), pair.now_us, server), BX_OK);
		}
		pair_output(&pair, 1);
		/* A client that has nothing to say is let in by our SYN-ACK, sent again. */
		pair_run(&pair, pair.now_us + 20000000);
	}
	ck_assert_uint_eq(accepted, 4);
	ck_assert_int_eq(bx_tcp_unlisten(side(1), pair.now_us, listener), BX_OK);
	for (uint32_t i = 0; i < 4; i++)
		ck_assert_int_eq(bx_tcp_close(side(0), pair.now_us, client[i]), BX_OK);
	nothing_left();
}
END_TEST

START_TEST(udp_both_ways)
{
	uint64_t a, b;
	uint16_t port_a, port_b;
	struct bx_udp_from from;
	uint8_t out[4000], in[4000];
	uint32_t n;

	for (uint32_t i = 0; i < sizeof out; i++)
		out[i] = (uint8_t)(i * 5);
	if (_i == 1)
		pair_ipv6(&pair);
	ck_assert_int_eq(bx_udp_open(side(0), &any, 0, &a, &port_a), BX_OK);
	ck_assert_uint_ge(port_a, 49152);
	ck_assert_int_eq(bx_udp_open(side(1), &any, 53, &b, &port_b), BX_OK);
	ck_assert_int_eq(bx_udp_open(side(1), &any, 53, &b, &port_b), BX_ERR_EXISTS);
	/* 4,000 bytes travel in three fragments. */
	for (uint32_t length = 0; length <= 4000; length += 1000) {
		ck_assert_int_eq(pair_udp_send(&pair, 0, a, &pair.host[1].address, 53, out, length), BX_OK);
		pair_run(&pair, pair.now_us + 10000);
		memset(in, 0xee, sizeof in);
		ck_assert_int_eq(bx_udp_receive(side(1), b, in, sizeof in, &n, &from), BX_OK);
		ck_assert_uint_eq(n, length);
		ck_assert_uint_eq(from.remote_port, port_a);
		ck_assert(bx_net_addr_equal(&from.remote, &pair.host[0].address));
		ck_assert_mem_eq(in, out, length);
		ck_assert_int_eq(bx_udp_receive(side(1), b, in, sizeof in, &n, &from), BX_ERR_WOULD_BLOCK);
	}
	/* What does not fit is cut off, and said so. */
	ck_assert_int_eq(pair_udp_send(&pair, 0, a, &pair.host[1].address, 53, out, 100), BX_OK);
	pair_run(&pair, pair.now_us + 10000);
	ck_assert_int_eq(bx_udp_receive(side(1), b, in, 10, &n, &from), BX_OK);
	ck_assert_uint_eq(n, 10);
	ck_assert_uint_eq(from.length, 100);
	/* RFC 1122, 4.1.3.3: nobody is there. */
	ck_assert_int_eq(pair_udp_send(&pair, 0, a, &pair.host[1].address, 54, out, 100), BX_OK);
	pair_run(&pair, pair.now_us + 10000);
	ck_assert_int_eq(bx_udp_receive(side(0), a, in, 10, &n, &from), BX_ERR_NET_REFUSED);
	ck_assert_int_eq(bx_udp_receive(side(0), a, in, 10, &n, &from), BX_ERR_WOULD_BLOCK);
	/* One that waits keeps its ring; closing gives it back. */
	ck_assert_int_eq(pair_udp_send(&pair, 0, a, &pair.host[1].address, 53, out, 100), BX_OK);
	pair_run(&pair, pair.now_us + 10000);
	ck_assert_uint_eq(bx_transport_usage(side(1)).rings, 1);
	ck_assert_int_eq(bx_udp_close(side(0), a), BX_OK);
	ck_assert_int_eq(bx_udp_close(side(1), b), BX_OK);
	nothing_left();
}
END_TEST

/* The port that a connect picked, and the initial number of its SYN; then it is given up. */
static uint32_t
opened(struct bx_transport *t, const struct bx_net_addr *to, uint16_t to_port, uint16_t *port)
{
	static uint8_t bytes[1024];
	struct bx_net_addr from = bx_net_ipv4(10, 0, 0, 1);
	struct bx_net_buf bufs[2];
	struct bx_net_batch out;
	struct bx_tcp_info info;
	uint64_t c;

	bx_net_batch_init(&out, bytes, sizeof bytes, bufs, 2, 0);
	ck_assert_int_eq(bx_tcp_connect(t, 1000000, &from, *port, to, to_port, 1500, &c), BX_OK);
	ck_assert(!bx_transport_output(t, 1000000, &out));
	ck_assert_uint_eq(out.count, 1);
	ck_assert_int_eq(bx_tcp_info(t, c, &info), BX_OK);
	ck_assert_int_eq(bx_tcp_abort(t, 1000000, c), BX_OK);
	*port = info.local_port;
	return bx_get_be32(bx_net_bytes(&out, &bufs[0]) + 4);
}

/* RFC 6056, 3.3.3, and RFC 6528, 3: neither the port nor the initial number of a connection can be told from those of
 * another stage, nor from those to another destination at the same time. */
/* The stamp of the SYN that is next to go. */
static uint32_t
stamp_of_syn(struct bx_transport *t, uint64_t now_us)
{
	uint8_t memory[512];
	struct bx_net_buf bufs[2];
	struct bx_net_batch out;
	const uint8_t *p;

	bx_net_batch_init(&out, memory, sizeof memory, bufs, 2, 0);
	bx_transport_poll(t, now_us);
	(void)bx_transport_output(t, now_us, &out);
	ck_assert_uint_eq(out.count, 1);
	p = bx_net_bytes(&out, &out.bufs[0]);
	for (uint32_t at = 20; at + 10 <= (p[12] >> 4) * 4u; at += p[at] == 1 ? 1 : p[at + 1]) {
		if (p[at] == 8)
			return bx_get_be32(p + at + 2);
	}
	ck_abort_msg("no timestamp");
}

/* RFC 7323, 5.4: a clock of one millisecond; of two connections of one instant neither tells the other's. */
START_TEST(stamps_have_offsets)
{
	static _Alignas(64) uint8_t memory[8 << 20];
	struct bx_transport_config config = pair_transport();
	const struct bx_net_addr me = bx_net_ipv4(10, 0, 0, 1), you = bx_net_ipv4(10, 0, 1, 1);
	const uint64_t now_us = 5000000, later_us = now_us + 1100000;
	struct bx_transport *t;
	uint32_t first, second;
	uint64_t connection;

	config.features = BX_TCP_TIMESTAMPS;
	ck_assert_int_eq(bx_transport_init(memory, sizeof memory, &config, &t), BX_OK);
	ck_assert_int_eq(bx_tcp_connect(t, now_us, &me, 4000, &you, 80, 1500, &connection), BX_OK);
	first = stamp_of_syn(t, now_us);
	/* The same SYN again, 1.1 s later. */
	ck_assert_uint_eq(stamp_of_syn(t, later_us) - first, 1100);
	ck_assert_int_eq(bx_tcp_connect(t, later_us, &me, 4001, &you, 80, 1500, &connection), BX_OK);
	second = stamp_of_syn(t, later_us);
	ck_assert_uint_gt(second - first + 1000000, 2000000);
}
END_TEST

START_TEST(tcp_ports_and_numbers_are_secret)
{
	static _Alignas(64) uint8_t memory[2][8 << 20];
	struct bx_transport_config config = pair_transport();
	struct bx_transport *t[2];
	uint32_t same_port = 0, port_steps = 0, same_number = 0, near = 0, last_number = 0;
	uint16_t last_port = 0;

	config.seed[0] = 5;
	for (uint32_t i = 0; i < 2; i++) {
		config.seed[1] = i;
		ck_assert_int_eq(bx_transport_init(memory[i], sizeof memory[i], &config, &t[i]), BX_OK);
	}
	for (uint32_t k = 0; k < 100; k++) {
		struct bx_net_addr to = bx_net_ipv4(10, 0, 1, (uint8_t)k);
		uint16_t port[2] = { 0, 0 }, fixed = 4000;
		uint32_t number[2];

		for (uint32_t i = 0; i < 2; i++) {
			(void)opened(t[i], &to, 80, &port[i]);
			number[i] = opened(t[i], &to, 80, &fixed);
		}
		same_port += port[0] == port[1];
		port_steps += (uint16_t)(port[0] - last_port) <= 2;
		same_number += number[0] == number[1];
		near += number[0] - last_number + 1000000 < 2000000;
		last_port = port[0];
		last_number = number[0];
	}
	ck_assert_uint_le(same_port, 3);
	ck_assert_uint_le(port_steps, 3);
	ck_assert_uint_eq(same_number, 0);
	ck_assert_uint_le(near, 3);
}
END_TEST

/* RFC 9293, 3.9.2.3, MUST-57: what comes to or from a group or a broadcast opens nothing, and nothing is answered. */
START_TEST(groups_open_nothing)
{
	const struct bx_net_addr me = bx_net_ipv4(10, 0, 0, 1), you = bx_net_ipv4(10, 0, 0, 2);
	const struct bx_net_addr group = bx_net_ipv4(224, 0, 0, 1);
	const struct {
		struct bx_net_addr from, to;
		uint16_t flags;
		uint32_t taken;
	} cases[] = {
		{ you, group, 0, 0 }, { group, me, 0, 0 }, { you, me, BX_NET_F_BROADCAST, 0 }, { you, me, BX_NET_F_MULTICAST, 0 },
		{ you, me, 0, 1 },
	};
	struct bx_transport *t = side(0);
	uint64_t listener, bad = bx_transport_stats(t)->bad_address;

	ck_assert_int_eq(bx_tcp_listen(t, &any, 80, 1, &listener), BX_OK);
	for (uint32_t i = 0; i < BX_ARRAY_COUNT(cases); i++) {
		uint8_t in_bytes[256], out_bytes[1024];
		struct bx_net_buf in_bufs[1], out_bufs[2], *buf;
		struct bx_net_batch in, out;
		uint8_t *p;

		bx_net_batch_init(&in, in_bytes, sizeof in_bytes, in_bufs, 1, 0);
		bx_net_batch_init(&out, out_bytes, sizeof out_bytes, out_bufs, 2, 0);
		buf = bx_net_batch_add(&in, 20);
		p = bx_net_bytes(&in, buf);
		memset(p, 0, 20);
		bx_put_be32(p, 1000u << 16 | 80u);
		bx_put_be32(p + 12, 0x5002ffff);
		buf->kind = BX_NET_SEGMENT;
		buf->protocol = 6;
		buf->flags = BX_NET_F_SUM_GOOD | cases[i].flags;
		buf->source = cases[i].from;
		buf->destination = cases[i].to;
		bx_transport_receive(t, pair.now_us, &in, &out);
		ck_assert_uint_eq(out.count, cases[i].taken);
		ck_assert_uint_eq(bx_transport_usage(t).half_open, cases[i].taken);
		bad += cases[i].taken == 0;
		ck_assert_uint_eq(bx_transport_stats(t)->bad_address, bad);
	}
	ck_assert_int_eq(bx_tcp_unlisten(t, pair.now_us, listener), BX_OK);
	nothing_left();
}
END_TEST

/* A router says to side 0 that a segment of its, with these first eight bytes, was too big; what the path is then. */
static uint16_t
told_too_big(uint8_t protocol, uint32_t ports, uint32_t seq, uint32_t length)
{
	struct bx_ip *ip = pair.host[0].stack.ip;
	uint8_t in_bytes[256], out_bytes[512];
	struct bx_net_buf in_bufs[1], out_bufs[4], *buf;
	struct bx_net_batch in, out;
	struct bx_ip_path path;
	uint8_t *p;

	bx_net_batch_init(&in, in_bytes, sizeof in_bytes, in_bufs, 1, 0);
	bx_net_batch_init(&out, out_bytes, sizeof out_bytes, out_bufs, 4, 0);
	buf = bx_net_batch_add(&in, length);
	p = bx_net_bytes(&in, buf);
	memset(p, 0, length);
	bx_put_be32(p, ports);
	if (length >= 8)
		bx_put_be32(p + 4, seq);
	buf->kind = BX_NET_UNREACHABLE;
	buf->error = BX_NET_ERROR_TOO_BIG;
	buf->segment_size = 1000;
	buf->protocol = protocol;
	buf->source = pair.host[0].address;
	buf->destination = pair.host[1].address;
	bx_transport_receive(side(0), pair.now_us, &in, &out);
	ck_assert(!bx_ip_send(ip, pair.now_us, &out, &out));
	ck_assert_int_eq(bx_ip_path(ip, pair.now_us, &pair.host[1].address, &path), BX_OK);
	return path.mtu;
}

static uint32_t syn_number;

static bool
note_number(struct pair *p, uint32_t from, uint8_t *frame, uint32_t length)
{
	(void)p;
	if (from == 0 && length >= 54 && bx_get_be16(frame + 12) == 0x0800 && frame[23] == 6 && frame[47] == 2)
		syn_number = bx_get_be32(frame + 38);
	return false;
}

/* RFC 5927, 7; RFC 8201, 4: a path becomes narrower only by what was said of a segment that somebody here has sent. */
START_TEST(narrow_by_own_segments)
{
	const struct bx_transport_stats *stats = bx_transport_stats(side(0));
	uint64_t stray = stats->errors_stray, end, c;
	uint16_t port = 5353;
	struct bx_tcp_info info;

	/* The SYN is lost: it is in flight. */
	pair.tap = note_number;
	ck_assert_int_eq(bx_udp_open(side(0), &any, 5353, &end, &port), BX_OK);
	ck_assert_int_eq(pair_connect(&pair, 0, 80, &c), BX_OK);
	pair_output(&pair, 0);
	ck_assert_int_eq(bx_tcp_info(side(0), c, &info), BX_OK);
	/* Nobody's port, nobody's connection, a number that is not out, too little of it, what is neither. */
	ck_assert_uint_eq(told_too_big(17, 5354u << 16 | 9u, 0, 8), 1500);
	ck_assert_uint_eq(told_too_big(6, 4321u << 16 | 80u, 0, 8), 1500);
	ck_assert_uint_eq(told_too_big(6, (uint32_t)info.local_port << 16 | 80u, syn_number + 1, 8), 1500);
	ck_assert_uint_eq(told_too_big(17, 5353u << 16 | 9u, 0, 7), 1500);
	ck_assert_uint_eq(told_too_big(1, 5353u << 16 | 9u, 0, 8), 1500);
	ck_assert_uint_eq(stats->errors_stray, stray + 5);
	if (_i == 0)
		ck_assert_uint_eq(told_too_big(17, 5353u << 16 | 9u, 0, 8), 1000);
	else
		ck_assert_uint_eq(told_too_big(6, (uint32_t)info.local_port << 16 | 80u, syn_number, 8), 1000);
	ck_assert_uint_eq(stats->errors_stray, stray + 5);
	ck_assert_int_eq(bx_udp_close(side(0), end), BX_OK);
	ck_assert_int_eq(bx_tcp_abort(side(0), pair.now_us, c), BX_OK);
	nothing_left();
}
END_TEST

/* Frames of TCP to all on the link. */
static uint32_t broadcasts;

static bool
count_broadcasts(struct pair *p, uint32_t from, uint8_t *frame, uint32_t length)
{
	(void)p;
	(void)from;
	broadcasts += length >= 54 && frame[0] == 0xff && bx_get_be16(frame + 12) == 0x0800 && frame[23] == 6;
	return true;
}

/* RFC 9293, 3.9.2.3, MUST-46: nobody connects to a broadcast address; of that of a network only the IP stage knows. */
START_TEST(nobody_connects_to_all)
{
	const struct bx_net_addr limited = bx_net_ipv4(255, 255, 255, 255), directed = bx_net_ipv4(10, 0, 0, 255);
	struct bx_tcp_info info;
	struct bx_ip_path path;
	uint64_t end, c;
	uint16_t port;

	broadcasts = 0;
	pair.tap = count_broadcasts;
	ck_assert_int_eq(bx_ip_path(pair.host[0].stack.ip, pair.now_us, &directed, &path), BX_OK);
	ck_assert_int_eq(bx_tcp_connect(side(0), pair.now_us, &path.source, 0, &limited, 80, path.mtu, &c), BX_ERR_INVALID);
	/* A datagram may go there, and leaves nothing behind that would let a segment. */
	ck_assert_int_eq(bx_udp_open(side(0), &any, 0, &end, &port), BX_OK);
	ck_assert_int_eq(pair_udp_send(&pair, 0, end, &directed, 9, (const uint8_t *)"x", 1), BX_OK);
	ck_assert_int_eq(bx_tcp_connect(side(0), pair.now_us, &path.source, 0, &directed, 80, path.mtu, &c), BX_OK);
	pair_output(&pair, 0);
	pair_run(&pair, pair.now_us + 5000000);
	ck_assert_int_eq(bx_tcp_info(side(0), c, &info), BX_OK);
	ck_assert_int_eq(info.state, BX_TCP_CLOSED);
	ck_assert_int_eq(info.error, BX_ERR_NET_UNREACHABLE);
	ck_assert_uint_eq(broadcasts, 0);
	ck_assert_int_eq(bx_tcp_close(side(0), pair.now_us, c), BX_OK);
	ck_assert_int_eq(bx_udp_close(side(0), end), BX_OK);
	nothing_left();
}
END_TEST

START_TEST(udp_bad_checksum)
{
	uint64_t a, b;
	uint16_t port;
	static const uint8_t bytes[100] = { 1 };
	struct bx_udp_from from;
	uint8_t got[100];
	uint32_t n = 7;

	ck_assert_int_eq(bx_udp_open(side(0), &any, 0, &a, &port), BX_OK);
	ck_assert_int_eq(bx_udp_open(side(1), &any, 53, &b, &port), BX_OK);
	ck_assert_int_eq(pair_udp_send(&pair, 0, a, &pair.host[1].address, 53, bytes, 100), BX_OK);
	pair_run(&pair, pair.now_us + 10000);
	ck_assert_int_eq(bx_udp_receive(side(1), b, got, 100, &n, &from), BX_OK);
	pair.wire.corrupt = 10000;
	for (uint32_t i = 0; i < 200; i++) {
		ck_assert_int_eq(pair_udp_send(&pair, 0, a, &pair.host[1].address, 53, bytes, 100), BX_OK);
		pair_run(&pair, pair.now_us + 10000);
		/* A bit of the link header may have changed: then the datagram is whole. */
		if (bx_udp_receive(side(1), b, got, 100, &n, &from) == BX_OK)
			ck_assert_mem_eq(got, bytes, 100);
	}
	ck_assert_uint_gt(bx_transport_stats(side(1))->bad_checksum, 50);
	ck_assert_uint_eq(bx_transport_usage(side(1)).rings, 0);
}
END_TEST

/* RFC 1122, 4.1.3.3: whatever the IP stage tells of goes up, to the end that it is about; of several the latest, once. */
START_TEST(udp_errors_up)
{
	static const struct {
		enum bx_net_error error;
		enum bx_err told;
	} cases[] = {
		{ BX_NET_ERROR_PORT, BX_ERR_NET_REFUSED }, { BX_NET_ERROR_PROTOCOL, BX_ERR_NET_REFUSED },
		{ BX_NET_ERROR_ROUTE, BX_ERR_NET_UNREACHABLE }, { BX_NET_ERROR_PROHIBITED, BX_ERR_NET_UNREACHABLE },
		{ BX_NET_ERROR_TOO_BIG, BX_ERR_OVERFLOW },
	};
	uint8_t quote[8] = { 0 }, memory[512], byte, poison = 0xee;
	struct bx_net_buf bufs[2], replies_bufs[2];
	struct bx_net_batch batch, replies;
	struct bx_udp_from from;
	uint64_t a, other, handle;
	uint32_t n = 99, events;
	uint16_t port, other_port;

	BX_STATIC_ASSERT(BX_NET_ERROR_COUNT == 6, "each error but none has a row");
	ck_assert_int_eq(bx_udp_open(side(0), &any, 0, &a, &port), BX_OK);
	ck_assert_int_eq(bx_udp_open(side(0), &any, 0, &other, &other_port), BX_OK);
	bx_net_batch_init(&replies, memory + 256, 256, replies_bufs, 2, 0);
	for (uint32_t i = 0; i < BX_ARRAY_COUNT(cases); i++) {
		struct bx_net_buf *buf;

		bx_net_batch_init(&batch, memory, 256, bufs, 2, 0);
		/* An earlier one of another kind, that nobody has asked for. */
		for (uint32_t k = 0; k < 2; k++) {
			buf = bx_net_batch_add(&batch, 8);
			bx_put_be16(quote, port);
			bx_put_be16(quote + 2, 53);
			memcpy(bx_net_bytes(&batch, buf), quote, 8);
			buf->kind = BX_NET_UNREACHABLE;
			buf->protocol = 17;
			buf->error = (uint8_t)cases[(i + 1 - k) % BX_ARRAY_COUNT(cases)].error;
			buf->source = pair.host[0].address;
			buf->destination = pair.host[1].address;
		}
		bx_transport_receive(side(0), pair.now_us, &batch, &replies);
		ck_assert(bx_udp_readable(side(0), a) && !bx_udp_readable(side(0), other));
		ck_assert(bx_tcp_event(side(0), &handle, &events));
		ck_assert_uint_eq(handle, a);
		ck_assert_uint_eq(events, BX_TCP_READABLE);
		byte = poison;
		ck_assert_int_eq(bx_udp_receive(side(0), a, &byte, 1, &n, &from), cases[i].told);
		ck_assert_uint_eq(byte, poison);
		ck_assert_uint_eq(n, 99);
		ck_assert_int_eq(bx_udp_receive(side(0), a, &byte, 1, &n, &from), BX_ERR_WOULD_BLOCK);
		ck_assert_int_eq(bx_udp_receive(side(0), other, &byte, 1, &n, &from), BX_ERR_WOULD_BLOCK);
	}
	/* Nothing is answered, but that it was too big, twice, is confirmed to the IP stage. */
	ck_assert_uint_eq(replies.count, 2);
	for (uint32_t i = 0; i < 2; i++)
		ck_assert_uint_eq(replies.bufs[i].error, BX_NET_ERROR_TOO_BIG);
	ck_assert_uint_eq(bx_transport_stats(side(0))->no_room_out, 0);
}
END_TEST

/* RFC 1122, 4.1.4: TTL and TOS of what is sent; each end has its own. */
START_TEST(udp_options)
{
	uint8_t memory[1024], byte = 1;
	struct bx_net_buf bufs[4];
	struct bx_net_batch out;
	uint64_t a, b;
	uint16_t port;

	bx_net_batch_init(&out, memory, sizeof memory, bufs, 4, 0);
	ck_assert_int_eq(bx_udp_open(side(0), &any, 0, &a, &port), BX_OK);
	ck_assert_int_eq(bx_udp_open(side(0), &any, 0, &b, &port), BX_OK);
	ck_assert_int_eq(bx_udp_option_set(side(0), a, BX_UDP_OPTION_TRAFFIC_CLASS, 0xb9), BX_OK);
	ck_assert_int_eq(bx_udp_option_set(side(0), a, BX_UDP_OPTION_HOP_LIMIT, 255), BX_OK);
	ck_assert_int_eq(bx_udp_option_set(side(0), 1, BX_UDP_OPTION_HOP_LIMIT, 1), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_udp_option_set(side(0), a, BX_UDP_OPTION_HOP_LIMIT, 256), BX_ERR_INVALID);
	ck_assert_int_eq(bx_udp_option_set(side(0), a, BX_UDP_OPTION_TRAFFIC_CLASS, 256), BX_ERR_INVALID);
	ck_assert_int_eq(bx_udp_option_set(side(0), a, (enum bx_udp_option)2, 0), BX_ERR_INVALID);
	for (uint32_t i = 0; i < 2; i++)
		ck_assert_int_eq(bx_udp_send(side(0), i == 0 ? a : b, &pair.host[0].address, &pair.host[1].address, 53, &byte, 1,
		    &out), BX_OK);
	ck_assert_uint_eq(out.bufs[0].traffic_class, 0xb9);
	ck_assert_uint_eq(out.bufs[0].hop_limit, 255);
	ck_assert_uint_eq(out.bufs[1].traffic_class, 0);
	ck_assert_uint_eq(out.bufs[1].hop_limit, 0);
	/* An end that takes the place has neither. */
	ck_assert_int_eq(bx_udp_close(side(0), a), BX_OK);
	ck_assert_int_eq(bx_udp_open(side(0), &any, 0, &a, &port), BX_OK);
	ck_assert_int_eq(bx_udp_send(side(0), a, &pair.host[0].address, &pair.host[1].address, 53, &byte, 1, &out), BX_OK);
	ck_assert_uint_eq(out.bufs[2].traffic_class, 0);
	ck_assert_uint_eq(out.bufs[2].hop_limit, 0);
}
END_TEST

START_TEST(udp_calls_refused)
{
	struct bx_transport *t = side(0);
	const struct bx_net_addr *you = &pair.host[1].address;
	static uint8_t bytes[70000], batch_bytes[256];
	struct bx_net_buf bufs[2];
	struct bx_net_batch out;
	struct bx_udp_from from;
	uint64_t end, more[4];
	uint16_t port = 7;
	uint32_t n = 99;

	bx_net_batch_init(&out, batch_bytes, sizeof batch_bytes, bufs, 2, 0);
	ck_assert_int_eq(bx_udp_open(t, &any, 53, &end, &port), BX_OK);
	for (uint64_t wrong = 0; wrong < 2; wrong++) {
		ck_assert_int_eq(bx_udp_send(t, wrong, &any, you, 1, bytes, 1, &out), BX_ERR_NOT_FOUND);
		ck_assert_int_eq(bx_udp_receive(t, wrong, bytes, 1, &n, &from), BX_ERR_NOT_FOUND);
		ck_assert(!bx_udp_readable(t, wrong));
	}
	ck_assert_int_eq(bx_udp_send(t, end, &any, you, 0, bytes, 1, &out), BX_ERR_INVALID);
	ck_assert_int_eq(bx_udp_send(t, end, &any, &any, 1, bytes, 1, &out), BX_ERR_INVALID);
	ck_assert_int_eq(bx_udp_send(t, end, &any, you, 1, bytes, 65508, &out), BX_ERR_OVERFLOW);
	ck_assert_int_eq(bx_udp_send(t, end, &any, you, 1, bytes, 500, &out), BX_ERR_WOULD_BLOCK);
	ck_assert_uint_eq(out.count, 0);
	ck_assert_uint_eq(n, 99);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_int_eq(bx_udp_open(t, &any, 0, &more[i], &port), BX_OK);
	ck_assert_int_eq(bx_udp_open(t, &any, 0, &more[3], &port), BX_ERR_NO_MEMORY);
	/* Closed in the middle of a list, and of the list of those with something to report. */
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_int_eq(bx_udp_close(t, more[(i + 1) % 3]), BX_OK);
	ck_assert_int_eq(bx_udp_close(t, end), BX_OK);
}
END_TEST

/* One datagram as it would come up: lengths that do not agree, and too many of them. */
START_TEST(udp_malformed)
{
	struct bx_transport *t = side(1);
	const struct bx_transport_stats *stats = bx_transport_stats(t);
	static uint8_t bytes[1 << 17], replies_bytes[4096];
	struct bx_net_buf bufs[4], reply_bufs[4];
	struct bx_net_batch in, replies;
	struct bx_net_buf *buf;
	uint64_t end, handle;
	uint32_t events;
	uint16_t port;

	ck_assert_int_eq(bx_udp_open(t, &any, 53, &end, &port), BX_OK);
	bx_net_batch_init(&in, bytes, sizeof bytes, bufs, 4, 0);
	bx_net_batch_init(&replies, replies_bytes, sizeof replies_bytes, reply_bufs, 4, 0);
	for (uint32_t i = 0; i < 8; i++) {
		/* Too short; says less than a header; says more than there is; good ones until it is full; to
		 * nobody by a broadcast; to nobody. */
		static const uint16_t lengths[8] = { 7, 8, 8, 30008, 30008, 30008, 8, 8 };
		static const uint16_t said[8] = { 8, 7, 9, 30008, 30008, 30008, 8, 8 };

		bx_net_batch_clear(&in);
		buf = bx_net_batch_add(&in, lengths[i]);
		memset(bx_net_bytes(&in, buf), 0, lengths[i]);
		bx_put_be32(bx_net_bytes(&in, buf), 1000u << 16 | (i < 6 ? 53 : 54));
		if (lengths[i] >= 8)
			bx_put_be16(bx_net_bytes(&in, buf) + 4, said[i]);
		buf->kind = BX_NET_SEGMENT;
		buf->protocol = 17;
		buf->source = pair.host[0].address;
		buf->destination = pair.host[1].address;
		buf->flags = i == 6 ? BX_NET_F_BROADCAST : 0;
		bx_transport_receive(t, pair.now_us, &in, &replies);
	}
	ck_assert_uint_eq(stats->short_header, 1);
	ck_assert_uint_eq(stats->udp_bad_length, 2);
	ck_assert_uint_eq(stats->udp_full, 1);
	ck_assert_uint_eq(stats->udp_no_end, 2);
	ck_assert_uint_eq(replies.count, 1);
	/* One event for all of them. */
	ck_assert(bx_tcp_event(t, &handle, &events));
	ck_assert_uint_eq(handle, end);
	ck_assert_uint_eq(events, BX_TCP_READABLE);
	ck_assert(!bx_tcp_event(t, &handle, &events));
	/* A protocol that is not spoken; errors about nobody's. */
	for (uint32_t i = 0; i < 4; i++) {
		bx_net_batch_clear(&in);
		buf = bx_net_batch_add(&in, 8);
		memset(bx_net_bytes(&in, buf), 0, 8);
		buf->kind = i == 0 ? BX_NET_SEGMENT : BX_NET_UNREACHABLE;
		buf->protocol = i == 3 ? 6 : i == 2 ? 17 : 99;
		buf->error = BX_NET_ERROR_PORT;
		buf->source = pair.host[1].address;
		buf->destination = pair.host[0].address;
		bx_transport_receive(t, pair.now_us, &in, &replies);
	}
	ck_assert_uint_eq(stats->unknown_protocol, 1);
	ck_assert_uint_ge(stats->errors_stray, 2);
	ck_assert_int_eq(bx_udp_close(t, end), BX_OK);
}
END_TEST

START_TEST(options_refused)
{
	struct bx_transport *t = side(0);
	struct bx_tcp_info info;
	uint64_t c;

	ck_assert_int_eq(pair_connect(&pair, 0, 80, &c), BX_OK);
	ck_assert_int_eq(bx_tcp_option_set(t, 0, c, BX_TCP_OPTION_NODELAY, 2), BX_ERR_INVALID);
	ck_assert_int_eq(bx_tcp_option_set(t, 0, c, BX_TCP_OPTION_KEEPALIVE_S, 65536), BX_ERR_INVALID);
	ck_assert_int_eq(bx_tcp_option_set(t, 0, c, BX_TCP_OPTION_TRAFFIC_CLASS, 1), BX_ERR_INVALID);
	ck_assert_int_eq(bx_tcp_option_set(t, 0, c, BX_TCP_OPTION_TRAFFIC_CLASS, 256), BX_ERR_INVALID);
	ck_assert_int_eq(bx_tcp_option_set(t, 0, c, BX_TCP_OPTION_RETRIES, 256), BX_ERR_INVALID);
	ck_assert_int_eq(bx_tcp_option_set(t, 0, c, BX_TCP_OPTION_HOP_LIMIT, 256), BX_ERR_INVALID);
	ck_assert_int_eq(bx_tcp_option_set(t, 0, c, (enum bx_tcp_option)77, 0), BX_ERR_INVALID);
	ck_assert_int_eq(bx_tcp_option_set(t, 0, 5, BX_TCP_OPTION_NODELAY, 0), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_tcp_info(t, 5, &info), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_tcp_shutdown(t, 0, 5), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_tcp_abort(t, 0, 5), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_tcp_unlisten(t, 0, 5), BX_ERR_NOT_FOUND);
	/* Both ends of it refuse; the second end of the stream is a mistake. */
	ck_assert_int_eq(bx_tcp_shutdown(t, 0, c), BX_OK);
	ck_assert_int_eq(bx_tcp_shutdown(t, 0, c), BX_ERR_STATE);
	pair_run(&pair, pair.now_us + 100000);
	ck_assert_int_eq(bx_tcp_info(t, c, &info), BX_OK);
	ck_assert_int_eq(info.state, BX_TCP_CLOSED);
	ck_assert_int_eq(info.error, BX_ERR_NET_REFUSED);
	ck_assert_int_eq(bx_tcp_shutdown(t, 0, c), BX_ERR_STATE);
	ck_assert_int_eq(bx_tcp_abort(t, 0, c), BX_OK);
}
END_TEST

/* Takes the checksum of a datagram away. */
static bool
no_sum(struct pair *p, uint32_t from, uint8_t *frame, uint32_t length)
{
	uint32_t at = 14 + (bx_get_be16(frame + 12) == 0x0800 ? 20 : 40);

	(void)p;
	(void)from;
	if (length > at + 8 && frame[at - (at == 34 ? 11 : 34)] == 17)
		bx_put_be16(frame + at + 6, 0);
	return true;
}

/* RFC 768: over IPv4 there may be none.  RFC 8200, 8.1: over IPv6 there must be one. */
START_TEST(udp_without_sum)
{
	static const uint8_t bytes[100] = { 1 };
	struct bx_udp_from from;
	uint8_t got[100];
	uint64_t a, b;
	uint16_t port;
	uint32_t n;

	ck_assert_int_eq(bx_udp_open(side(0), &any, 0, &a, &port), BX_OK);
	ck_assert_int_eq(bx_udp_open(side(1), &any, 53, &b, &port), BX_OK);
	pair.tap = no_sum;
	ck_assert_int_eq(pair_udp_send(&pair, 0, a, &pair.host[1].address, 53, bytes, 100), BX_OK);
	pair_run(&pair, pair.now_us + 10000);
	ck_assert_int_eq(bx_udp_receive(side(1), b, got, 100, &n, &from), BX_OK);
	pair_ipv6(&pair);
	ck_assert_int_eq(pair_udp_send(&pair, 0, a, &pair.host[1].address, 53, bytes, 100), BX_OK);
	pair_run(&pair, pair.now_us + 10000);
	ck_assert_int_eq(bx_udp_receive(side(1), b, got, 100, &n, &from), BX_ERR_WOULD_BLOCK);
	ck_assert_uint_eq(bx_transport_stats(side(1))->bad_checksum, 1);
}
END_TEST

/* RFC 6056, 3.3.1: ports do not follow from one another, nor from one part of the seed alone. */
START_TEST(udp_ports_are_secret)
{
	static _Alignas(64) uint8_t memory[2][8 << 20];
	struct bx_transport_config config = pair_transport();
	struct bx_transport *t[2];
	uint32_t same = 0, steps = 0;
	uint16_t port[2], last = 0;
	uint64_t end;

	config.seed[0] = 5;
	for (uint32_t i = 0; i < 2; i++) {
		config.seed[1] = i;
		ck_assert_int_eq(bx_transport_init(memory[i], sizeof memory[i], &config, &t[i]), BX_OK);
	}
	for (uint32_t k = 0; k < 100; k++) {
		for (uint32_t i = 0; i < 2; i++) {
			ck_assert_int_eq(bx_udp_open(t[i], &any, 0, &end, &port[i]), BX_OK);
			ck_assert_int_eq(bx_udp_close(t[i], end), BX_OK);
		}
		same += port[0] == port[1];
		steps += port[0] == (uint16_t)(last + 1);
		last = port[0];
	}
	ck_assert_uint_le(same, 3);
	ck_assert_uint_le(steps, 3);
}
END_TEST

/* Breaks the last byte of the next frame with data. */
static bool
break_data(struct pair *p, uint32_t from, uint8_t *frame, uint32_t length)
{
	if (from == 0 && length > 100) {
		frame[length - 1] ^= 1;
		p->tap = NULL;
	}
	return true;
}

/* What is copied while it is summed counts only if the sum is good: no ring is kept, no byte is read, and the same place
 * takes the bytes when they come again. */
START_TEST(usual_segment_with_a_bad_sum)
{
	uint8_t bytes[200], got[200];
	uint64_t listener, a, b;
	size_t n = 0;

	memset(bytes, 7, sizeof bytes);
	ck_assert_int_eq(bx_tcp_listen(side(1), &any, 80, 4, &listener), BX_OK);
	ck_assert_int_eq(pair_connect(&pair, 0, 80, &a), BX_OK);
	pair_run(&pair, pair.now_us + 10000);
	ck_assert_int_eq(bx_tcp_accept(side(1), listener, &b), BX_OK);
	pair.tap = break_data;
	ck_assert_int_eq(bx_tcp_send(side(0), a, bytes, sizeof bytes, &n), BX_OK);
	pair_output(&pair, 0);
	pair_run(&pair, pair.now_us + 2000);
	ck_assert_uint_eq(bx_transport_stats(side(1))->bad_checksum, 1);
	ck_assert_uint_eq(bx_transport_usage(side(1)).rings, 0);
	ck_assert_int_eq(bx_tcp_receive(side(1), b, got, sizeof got, &n), BX_ERR_WOULD_BLOCK);
	pair_run(&pair, pair.now_us + 1000000);
	ck_assert_int_eq(bx_tcp_receive(side(1), b, got, sizeof got, &n), BX_OK);
	ck_assert_uint_eq(n, sizeof bytes);
	ck_assert_mem_eq(got, bytes, sizeof bytes);
	ck_assert_int_eq(bx_tcp_close(side(0), pair.now_us, a), BX_OK);
	pair_output(&pair, 0);
	pair_run(&pair, pair.now_us + 10000);
	ck_assert_int_eq(bx_tcp_close(side(1), pair.now_us, b), BX_OK);
	pair_output(&pair, 1);
	ck_assert_int_eq(bx_tcp_unlisten(side(1), pair.now_us, listener), BX_OK);
	nothing_left();
}
END_TEST

/* Whether buffer i has a good sum once a device has ended it (net_buf.h, "Devices"). */
static bool
ended_by_a_device(const struct bx_net_batch *out, uint32_t i)
{
	const struct bx_net_buf *buf = &out->bufs[i];
	uint8_t *p = bx_net_bytes(out, buf);

	bx_put_be16(p + buf->sum_start + buf->sum_offset,
	    bx_net_sum_final(bx_net_sum(p + buf->sum_start, buf->length - buf->sum_start, 0)));
	return bx_net_sum(p, buf->length, bx_net_sum_pseudo(&buf->source, &buf->destination, buf->protocol, buf->length)) == 0xffff;
}

/* Offload: one segment of many kilobytes goes down, the checksum is left to the device. */
START_TEST(offload_down)
{
	struct bx_transport_config config = pair_transport();
	static _Alignas(64) uint8_t memory[8 << 20];
	static uint8_t bytes[40000], batch_bytes[1 << 19];
	static struct bx_net_buf bufs[64];
	struct bx_net_addr me = bx_net_ipv4(10, 0, 0, 1), you = bx_net_ipv4(10, 0, 0, 2);
	struct bx_net_batch out, in;
	struct bx_transport *t;
	uint64_t connection;
	uint8_t answer[20] = { 0, 80, 0, 0 };
	uint32_t iss;
	size_t n;

	config.cut_bytes = 60000;
	config.features = BX_TRANSPORT_SUM_LATER;
	ck_assert_int_eq(bx_transport_init(memory, sizeof memory, &config, &t), BX_OK);
	ck_assert_int_eq(bx_tcp_connect(t, 0, &me, 1000, &you, 80, 1500, &connection), BX_OK);
	bx_net_batch_init(&out, batch_bytes, sizeof batch_bytes, bufs, 32, 0);
	ck_assert(!bx_transport_output(t, 0, &out));
	iss = bx_get_be32(bx_net_bytes(&out, &bufs[0]) + 4);
	bx_put_be16(answer + 2, 1000);
	bx_put_be32(answer + 8, iss + 1);
	bx_put_be32(answer + 12, 0x5012ffff);
	bx_net_batch_init(&in, batch_bytes, sizeof batch_bytes, bufs, 32, 0);
	memcpy(bx_net_bytes(&in, bx_net_batch_add(&in, 20)), answer, 20);
	bufs[0].kind = BX_NET_SEGMENT;
	bufs[0].protocol = 6;
	bufs[0].source = you;
	bufs[0].destination = me;
	bufs[0].flags = BX_NET_F_SUM_GOOD;
	bx_net_batch_init(&out, batch_bytes + 4096, sizeof batch_bytes - 4096, bufs + 32, 32, 0);
	bx_transport_receive(t, 1000, &in, &out);
	ck_assert_int_eq(bx_tcp_send(t, connection, bytes, sizeof bytes, &n), BX_OK);
	ck_assert(!bx_transport_output(t, 1000, &out));
	/* Ten segments' worth, the initial window, in one. */
	ck_assert_uint_eq(out.count, 1);
	ck_assert_uint_eq(out.bufs[0].length, 20 + 5360);
	ck_assert_uint_eq(out.bufs[0].segment_size, 536);
	ck_assert_uint_eq(out.bufs[0].flags, BX_NET_F_WHOLE | BX_NET_F_CUT | BX_NET_F_SUM_NEEDED);
	ck_assert_int_eq(bx_net_batch_check(&out), BX_OK);
	ck_assert_uint_eq(out.bufs[0].sum_start, 0);
	ck_assert_uint_eq(out.bufs[0].sum_offset, 16);
	ck_assert(ended_by_a_device(&out, 0));
}
END_TEST

/* A datagram whose sum is left to the device, over both families. */
START_TEST(offload_udp)
{
	static _Alignas(64) uint8_t memory[8 << 20];
	static uint8_t bytes[999], batch_bytes[8192];
	struct bx_transport_config config = pair_transport();
	struct bx_net_addr me = bx_net_ipv4(10, 0, 0, 1), you = bx_net_ipv4(10, 0, 0, 2);
	struct bx_net_buf bufs[2];
	struct bx_net_batch out;
	struct bx_transport *t;
	uint64_t end;
	uint16_t port;

	for (uint32_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7);
	if (_i == 1) {
		me = (struct bx_net_addr){ { 0xfd, [15] = 1 } };
		you = (struct bx_net_addr){ { 0xfd, [15] = 2 } };
	}
	config.features |= BX_TRANSPORT_SUM_LATER;
	ck_assert_int_eq(bx_transport_init(memory, sizeof memory, &config, &t), BX_OK);
	ck_assert_int_eq(bx_udp_open(t, &any, 0, &end, &port), BX_OK);
	bx_net_batch_init(&out, batch_bytes, sizeof batch_bytes, bufs, 2, 0);
	ck_assert_int_eq(bx_udp_send(t, end, &me, &you, 53, bytes, sizeof bytes, &out), BX_OK);
	ck_assert_uint_eq(out.count, 1);
	ck_assert_uint_eq(bufs[0].flags & BX_NET_F_SUM_NEEDED, BX_NET_F_SUM_NEEDED);
	ck_assert_uint_eq(bufs[0].sum_start, 0);
	ck_assert_uint_eq(bufs[0].sum_offset, 6);
	ck_assert(ended_by_a_device(&out, 0));
}
END_TEST

/* Both ways through devices that make sums, cut and coalesce, all stages with them: the first datagram, which waits for ARP or
 * neighbour discovery, and a stream, which takes far fewer segments in the stacks than on the wire. */
START_TEST(offload_both_ways)
{
	static uint8_t sent[1 << 19], got[1 << 19];
	struct bx_transport_config config = pair_transport();
	uint64_t listener, client, server, a, b;
	struct bx_udp_from from;
	size_t to = 0, back = 0, n;
	uint16_t port;
	uint32_t m;

	for (uint32_t i = 0; i < sizeof sent; i++)
		sent[i] = (uint8_t)(i * 31 + (i >> 8));
	config.cut_bytes = 60000;
	config.features |= BX_TRANSPORT_SUM_LATER;
	pair_free(&pair);
	pair_init(&pair, 1, &config);
	pair.device = true;
	pair.gather_us = 500;
	pair.packed = _i / 2 == 1;
	if (_i % 2 == 1)
		pair_ipv6(&pair);
	ck_assert_int_eq(bx_udp_open(side(0), &any, 0, &a, &port), BX_OK);
	ck_assert_int_eq(bx_udp_open(side(1), &any, 53, &b, &port), BX_OK);
	ck_assert_int_eq(pair_udp_send(&pair, 0, a, &pair.host[1].address, 53, sent, 100), BX_OK);
	pair_run(&pair, pair.now_us + 100000);
	ck_assert_int_eq(bx_udp_receive(side(1), b, got, 100, &m, &from), BX_OK);
	ck_assert_mem_eq(sent, got, 100);
	ck_assert_int_eq(bx_tcp_listen(side(1), &any, 7, 1, &listener), BX_OK);
	ck_assert_int_eq(pair_connect(&pair, 0, 7, &client), BX_OK);
	pair_run(&pair, pair.now_us + 100000);
	ck_assert_int_eq(bx_tcp_accept(side(1), listener, &server), BX_OK);
	pair.wire.sent = 0;
	while (back < sizeof sent) {
		if (to < sizeof sent && bx_tcp_send(side(0), client, sent + to, sizeof sent - to, &n) == BX_OK)
			to += n;
		pair_output(&pair, 0);
		ck_assert(pair_step(&pair, pair.now_us + 1000000));
		if (bx_tcp_receive(side(1), server, got + back, sizeof got - back, &n) == BX_OK)
			back += n;
		pair_output(&pair, 1);
	}
	ck_assert_mem_eq(sent, got, sizeof sent);
	ck_assert_ptr_null(pair.fault);
	ck_assert_uint_ge(pair.wire.sent, sizeof sent / 1460);
	ck_assert_uint_le(bx_transport_stats(side(0))->tcp_out, sizeof sent / 1460 / 4);
	ck_assert_uint_le(bx_transport_stats(side(1))->segments_in, sizeof sent / 1460 / 4);
	ck_assert_uint_eq(bx_transport_stats(side(0))->tcp_retransmits, 0);
	ck_assert_uint_eq(bx_transport_stats(side(1))->bad_checksum, 0);
	ck_assert_int_eq(bx_tcp_close(side(0), pair.now_us, client), BX_OK);
	ck_assert_int_eq(bx_tcp_close(side(1), pair.now_us, server), BX_OK);
	ck_assert_int_eq(bx_tcp_unlisten(side(1), pair.now_us, listener), BX_OK);
	pair_output(&pair, 0);
	pair_output(&pair, 1);
	nothing_left();
}
END_TEST

/* Both compositions carry the same stream. */
START_TEST(echo_by_both_compositions)
{
	static uint8_t sent[50000], got[50000];
	uint64_t listener, client, server = 0;
	size_t at = 0, back = 0, n;

	for (uint32_t i = 0; i < sizeof sent; i++)
		sent[i] = (uint8_t)(i * 31 + (i >> 8));
	pair.packed = _i == 1;
	ck_assert_int_eq(bx_tcp_listen(side(1), &any, 7, 1, &listener), BX_OK);
	ck_assert_int_eq(pair_connect(&pair, 0, 7, &client), BX_OK);
	while (back < sizeof sent) {
		uint8_t bytes[3000];

		if (bx_tcp_send(side(0), client, sent + at, sizeof sent - at, &n) == BX_OK)
			at += n;
		if (server == 0 && bx_tcp_accept(side(1), listener, &server) != BX_OK)
			server = 0;
		if (server != 0 && bx_tcp_receive(side(1), server, bytes, sizeof bytes, &n) == BX_OK) {
			size_t echoed;

			ck_assert_int_eq(bx_tcp_send(side(1), server, bytes, n, &echoed), BX_OK);
			ck_assert_uint_eq(n, echoed);
		}
		if (bx_tcp_receive(side(0), client, got + back, sizeof got - back, &n) == BX_OK)
			back += n;
		pair_output(&pair, 0);
		pair_output(&pair, 1);
		if (!pair_step(&pair, pair.now_us + 1000000) && at < sizeof sent)
			ck_abort_msg("no progress");
	}
	ck_assert_mem_eq(sent, got, sizeof sent);
	ck_assert_int_eq(bx_tcp_close(side(0), pair.now_us, client), BX_OK);
	ck_assert_int_eq(bx_tcp_close(side(1), pair.now_us, server), BX_OK);
	ck_assert_int_eq(bx_tcp_unlisten(side(1), pair.now_us, listener), BX_OK);
	pair_output(&pair, 0);
	pair_output(&pair, 1);
	nothing_left();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("net_transport");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, init_refuses);
	tcase_add_test(tc, limits);
	tcase_add_test(tc, sizes);
	tcase_add_test(tc, calls_refused);
	tcase_add_test(tc, handles_do_not_come_back);
	tcase_add_test(tc, small_rings);
	tcase_add_test(tc, small_ring_alone);
	tcase_add_test(tc, refused_and_events);
	tcase_add_test(tc, cookies_under_pressure);
	tcase_add_test(tc, backlog);
	tcase_add_loop_test(tc, udp_both_ways, 0, 2);
	tcase_add_test(tc, udp_without_sum);
	tcase_add_test(tc, udp_calls_refused);
	tcase_add_test(tc, udp_errors_up);
	tcase_add_test(tc, udp_options);
	tcase_add_test(tc, udp_malformed);
	tcase_add_test(tc, options_refused);
	tcase_add_test(tc, udp_ports_are_secret);
	tcase_add_test(tc, stamps_have_offsets);
	tcase_add_test(tc, tcp_ports_and_numbers_are_secret);
	tcase_add_test(tc, groups_open_nothing);
	tcase_add_test(tc, nobody_connects_to_all);
	tcase_add_loop_test(tc, narrow_by_own_segments, 0, 2);
	tcase_add_test(tc, udp_bad_checksum);
	tcase_add_test(tc, usual_segment_with_a_bad_sum);
	tcase_add_test(tc, offload_down);
	tcase_add_loop_test(tc, offload_udp, 0, 2);
	tcase_add_loop_test(tc, offload_both_ways, 0, 4);
	tcase_add_loop_test(tc, echo_by_both_compositions, 0, 2);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
