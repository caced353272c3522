/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz_socket.c -- fuzz target: the socket layer.  Three clients on each of two hosts, joined by a wire that may lose and double,
 * call as the input says: also for each other's sockets, and with quotas too small for what they want.
 *
 * Input: what the wire is like[1], then calls: who[1] (host 1 | client 2 | what 5), and what each needs.
 * After each call and each step: what a client has is within its quota, no wait is pending for which bx_socket_ready says yes,
 * and no packet speaks from an address that is not its host's.  When a client ends, nothing of it is left, and when all have,
 * nothing at all.
 */
#include <brainix/net_socket.h>

#include "fuzz.h"
#include "pair.h"

#define CLIENTS		3u
#define SOCKETS		8u		/* numbers that a client remembers */
#define WAITS		4u
#define CALLS		160u
#define RING		4096u

struct pending {
	struct bx_socket_interest interest[2];
	uint32_t count;
	uint64_t token;
	bool used;
};

static struct one {
	struct bx_socket_quota quota;
	struct pending pending[WAITS];
	uint64_t socket[SOCKETS];
	uint32_t number;
	bool used;
} one[2][CLIENTS];

static struct pair pair;
static struct bx_sockets *sockets[2];
static _Alignas(64) uint8_t block[2][16384];
static uint8_t bytes[2 * RING];
static uint64_t token;

static bool
tap(struct pair *p, uint32_t from, uint8_t *frame, uint32_t length)
{
	const uint8_t us[4] = { 10, 0, 0, (uint8_t)(from + 1) };

	(void)p;
	if (length >= 34 && bx_get_be16(frame + 12) == 0x0800)
		must(memcmp(frame + 26, us, 4) == 0);
	return true;
}

static void
begin(uint32_t wire)
{
	const struct bx_sockets_config config = {
		.clients = CLIENTS, .waits = 6, .sockets = 12, .connections = 12, .listeners = 3, .udp_ends = 3,
	};
	struct bx_transport_config t = pair_transport();

	t.connections = 12;
	t.listeners = t.udp_ends = 3;
	t.rings = 12;
	t.small_rings = (wire & 1) != 0 ? 4 : 0;
	t.accounts = CLIENTS;
	t.ring_bytes = RING;
	pair_init(&pair, wire, &t);
	pair.tap = tap;
	if ((wire & 2) != 0)
		pair_ipv6(&pair);
	pair.wire.lose = (wire >> 2 & 7) * 200;
	pair.wire.duplicate = (wire >> 5) * 200;
	memset(one, 0, sizeof one);
	token = 0;
	for (uint32_t i = 0; i < 2; i++) {
		struct bx_socket_net net = pair_net(&pair, i);

		must(bx_sockets_init(block[i], sizeof block[i], &config, pair.host[i].stack.transport, &net, &sockets[i]) == BX_OK);
	}
}

/* Waits that are over are known, and were ready, timed out or closed. */
static void
take_done(uint32_t i)
{
	struct bx_socket_wait_result r;

	while (bx_socket_done(sockets[i], &r)) {
		bool known = false;

		for (uint32_t k = 0; k < CLIENTS * WAITS; k++) {
			struct one *c = &one[i][k / WAITS];
			struct pending *p = &c->pending[k % WAITS];

			if (!c->used || c->number != r.client || !p->used || p->token != r.token)
				continue;
			known = true;
			p->used = false;
		}
		must(known);
	}
}

static void
client_check(uint32_t i, const struct one *c)
{
	struct bx_socket_quota usage;
	uint32_t ready;

	must(bx_socket_client_usage(sockets[i], c->number, &usage) == BX_OK);
	/* Who nobody has accepted is reset with its listener, and a socket's until that is sent. */
	must(usage.sockets <= c->quota.sockets + c->quota.backlog);
	must(usage.backlog <= c->quota.backlog && usage.waits <= c->quota.waits);
	must(usage.buffer_bytes <= c->quota.buffer_bytes);
	for (uint32_t k = 0; k < WAITS; k++) {
		const struct pending *p = &c->pending[k];

		for (uint32_t n = 0; p->used && n < p->count; n++) {
			must(bx_socket_ready(sockets[i], c->number, p->interest[n].socket, &ready) == BX_OK);
			must((ready & (p->interest[n].events | BX_SOCKET_ENDED)) == 0);
		}
	}
}

static void
check(void)
{
	for (uint32_t i = 0; i < 2; i++) {
		bx_sockets_poll(sockets[i], pair.now_us);
		take_done(i);
		for (uint32_t k = 0; k < CLIENTS; k++) {
			if (one[i][k].used)
				client_check(i, &one[i][k]);
		}
	}
}

static void
run(uint64_t us)
{
	uint64_t end = pair.now_us + us;

	for (uint32_t i = 0; i < 2; i++)
		pair_output(&pair, i);
	while (pair_step(&pair, end))
		check();
	pair.now_us = end;
	check();
}

static void
client_open(struct input *in, uint32_t i, struct one *c)
{
	uint32_t v = take(in, 1);

	if (c->used)
		return;
	*c = (struct one){
		.quota = { 1 + (v & 3), 1 + (v >> 2 & 3), (uint16_t)(v >> 4 & 3), (uint64_t)(v >> 6) * RING + (v & 63) },
	};
	must(bx_socket_client_open(sockets[i], &c->quota, &c->number) == BX_OK);
	c->used = true;
}

static void
client_close(uint32_t i, struct one *c)
{
	const struct bx_transport *t = pair.host[i].stack.transport;
	uint16_t account = (uint16_t)(c->number % 1024 + 1);
	struct bx_socket_quota usage;
	uint32_t ready;

	if (!c->used)
		return;
	must(bx_socket_client_close(sockets[i], pair.now_us, c->number) == BX_OK);
	c->used = false;
	must(bx_transport_account_used(t, account) == 0 && bx_transport_account_orphans(t, account) == 0);
	must(bx_socket_client_usage(sockets[i], c->number, &usage) == BX_ERR_NOT_FOUND);
	for (uint32_t k = 0; k < SOCKETS; k++)
		must(bx_socket_ready(sockets[i], c->number, c->socket[k], &ready) == BX_ERR_NOT_FOUND);
}

static struct bx_net_addr
address(struct input *in, uint32_t i)
{
	switch (take(in, 1) % 6) {
	case 0: return (struct bx_net_addr){ { 0 } };
	case 1: return bx_net_ipv4(10, 0, 0, 99);
	case 2: return bx_net_ipv4(224, 0, 0, 9);
	case 3: return pair.host[1 - i].address;
	default: return pair.host[i].address;
	}
}

/* A few ports, so that they are met. */
static uint16_t
port(struct input *in)
{
	const uint16_t ports[] = { 0, 80, 80, 81, 53, 53, 54, 50000 };

	return ports[take(in, 1) % 8];
}

static void
send_to(struct input *in, uint32_t i, const struct one *c, uint64_t s)
{
	static uint8_t room[16384];
	struct bx_net_buf bufs[16];
	struct bx_net_batch out;
	struct bx_net_addr to = take(in, 1) % 4 != 0 ? pair.host[1 - i].address : address(in, i);
	uint16_t at = port(in);
	uint32_t n = take(in, 1) * 8;

	bx_net_batch_init(&out, room, sizeof room, bufs, 16, 256);
	if (bx_socket_send_to(sockets[i], pair.now_us, c->number, s, at == 50000 ? NULL : &to, at, bytes, n, &out) != BX_OK)
		return;
	bx_stack_down(&pair.host[i].stack, pair.now_us, &out);
	for (uint32_t k = 0; k < out.count; k++) {
		if (out.bufs[k].kind == BX_NET_FRAME)
			pair_send(&pair, i, bx_net_bytes(&out, &out.bufs[k]), out.bufs[k].length);
	}
}

static void
wait_for(struct input *in, uint32_t i, struct one *c)
{
	struct bx_socket_interest interest[2];
	uint32_t v = take(in, 1), count = 1 + (v & 1), at = 0;

	while (at < WAITS && c->pending[at].used)
		at++;
	for (uint32_t k = 0; k < 2; k++)
		interest[k] = (struct bx_socket_interest){ c->socket[take(in, 1) % SOCKETS], take(in, 1) & BX_SOCKET_EVENTS };
	if (at == WAITS)
		return;
	c->pending[at] = (struct pending){ { interest[0], interest[1] }, count, ++token, false };
	c->pending[at].used = bx_socket_wait(sockets[i], pair.now_us, c->number, interest, count,
	    pair.now_us + ((uint64_t)v << 16), token) == BX_ERR_WOULD_BLOCK;
}

static void
wait_cancel(struct input *in, uint32_t i, struct one *c)
{
	struct pending *p = &c->pending[take(in, 1) % WAITS];

	must((bx_socket_wait_cancel(sockets[i], c->number, p->token) == BX_OK) == p->used);
	p->used = false;
}

/* What a client calls with a socket: its own, or as if it were its own. */
static void
socket_call(struct input *in, uint32_t what, uint32_t i, struct one *c)
{
	struct bx_sockets *s = sockets[i];
	uint32_t v = take(in, 1), m;
	uint64_t *slot = &c->socket[v % SOCKETS], socket = *slot;
	struct bx_net_addr a;
	struct bx_udp_from from;
	size_t n;

	switch (what) {
	case 0:
	case 1:
		(void)!bx_socket_open(s, c->number, what == 0 ? BX_SOCKET_STREAM : BX_SOCKET_DATAGRAM, slot);
		break;
	case 2:
		a = address(in, i);
		(void)!bx_socket_bind(s, c->number, socket, &a, port(in));
		break;
	case 3: (void)!bx_socket_listen(s, c->number, socket, (uint16_t)(v >> 5)); break;
	case 4:
		a = v >> 6 != 0 ? pair.host[1 - i].address : address(in, i);
		(void)!bx_socket_connect(s, pair.now_us, c->number, socket, &a, port(in));
		break;
	case 5: (void)!bx_socket_accept(s, pair.now_us, c->number, socket, &c->socket[v >> 5]); break;
	case 6:
	case 7: (void)!bx_socket_send(s, c->number, socket, bytes, what == 6 ? take(in, 2) % sizeof bytes : RING, &n); break;
	case 8:
	case 9: (void)!bx_socket_receive(s, c->number, socket, bytes, what == 8 ? 1 + take(in, 1) : sizeof bytes, &n); break;
	case 10: send_to(in, i, c, socket); break;
	case 11: (void)!bx_socket_receive_from(s, c->number, socket, bytes, 64, &m, &from); break;
	case 12: (void)!bx_socket_shutdown(s, pair.now_us, c->number, socket); break;
	case 13: (void)!bx_socket_close(s, pair.now_us, c->number, socket, v >> 7 != 0); break;
	case 14:
		(void)!bx_socket_option_set(s, pair.now_us, c->number, socket, (enum bx_tcp_option)(v >> 5), take(in, 1));
		break;
	case 15:
		/* Another's is none. */
		socket = one[i][v >> 6 & 1].socket[v % SOCKETS];
		if (&one[i][v >> 6 & 1] != c)
			must(bx_socket_close(s, pair.now_us, c->number, socket, true) == BX_ERR_NOT_FOUND);
		break;
	default: break;
	}
}

static void
finish(void)
{
	pair.wire.lose = pair.wire.duplicate = 0;
	for (uint32_t i = 0; i < 2; i++) {
		for (uint32_t k = 0; k < CLIENTS; k++)
			client_close(i, &one[i][k]);
	}
	run((uint64_t)700 * 1000000);
	for (uint32_t i = 0; i < 2; i++) {
		struct bx_transport_usage u = bx_transport_usage(pair.host[i].stack.transport);

		must((u.connections | u.half_open | u.time_waits | u.rings | u.timers | u.listeners | u.udp_ends) == 0);
		must(bx_transport_account_orphans(pair.host[i].stack.transport, 0) == 0);
		must(bx_sockets_next(sockets[i]) == BX_SOCKETS_NEVER);
	}
	pair_free(&pair);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	begin(take(&in, 1));
	for (uint32_t n = 0; n < CALLS && in.size != 0; n++) {
		uint32_t who = take(&in, 1), i = who >> 7, what = who & 31;
		struct one *c = &one[i][(who >> 5 & 3) % CLIENTS];

		if (what >= 24) {
			run((uint64_t)1 << (take(&in, 1) % 28));
			continue;
		}
		if (!c->used || what == 16)
			client_open(&in, i, c);
		else if (what == 17)
			client_close(i, c);
		else if (what == 18)
			wait_cancel(&in, i, c);
		else if (what >= 19)
			wait_for(&in, i, c);
		else
			socket_call(&in, what, i, c);
		check();
		for (uint32_t k = 0; k < 2; k++)
			pair_output(&pair, k);
		check();
	}
	finish();
	return 0;
}
