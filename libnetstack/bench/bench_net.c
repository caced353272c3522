/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * bench_net.c -- the library against itself: two stacks in one process, one core, MTU 1500, checksums on, joined by two
 * rings of 256 slots of 2,048 bytes.  Poll A, deliver all its frames, poll B, deliver all its frames.
 *
 *   bench_net ROW COUNT      does ROW COUNT times and prints: ROW COUNT SECONDS (CPU time of the process, from when all is set up)
 *   bench_net bytes          prints the sizes of connections
 *
 * Frames are built in the slots themselves: that is what the batch interface is for.  bench_lwip.c does the same rows
 * with lwIP; net.sh runs both, and counts instructions.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <brainix/net_stack.h>

#define SLOTS	256u
#define SLOT	2048u
#define MANY	10000u	/* a multiple of the burst, as is 1,000 */
#define BURST	50u

BX_NORETURN void
bx_panic(const char *where, const char *what)
{
	fprintf(stderr, "panic: %s: %s\n", where, what);
	abort();
}

/* As two devices have it that share a ring: each slot has a descriptor, and what the sender has said in it is what the
 * receiver gets, but for the flags.  `room` is a batch over the free slots from the tail on that lie together. */
struct wire {
	uint8_t slots[SLOTS * SLOT];
	struct bx_net_buf bufs[SLOTS];
	struct bx_net_batch room;
	uint32_t head, count;
};

struct host {
	struct bx_stack stack;
	struct bx_net_addr address;
	struct wire *out;
};

static struct wire wires[2];
static struct host hosts[2];
static uint64_t now_us = 1000000, rounds;
static bool offload;		/* the device makes and checks the sums of TCP and UDP */
static bool bbr;		/* both sides send by BBR, which paces */
static uint8_t bytes[65536], sink[65536];
static const struct bx_net_addr any;
static struct timespec begun;

/* What came before was preparation. */
static void
clock_begins(void)
{
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begun);
}

static void
ok(enum bx_err err)
{
	if (err != BX_OK) {
		fprintf(stderr, "bench: %s\n", bx_err_text(err));
		exit(1);
	}
}

static void *
block(size_t size)
{
	void *p = aligned_alloc(64, (size + 63) & ~(size_t)63);

	if (p == NULL)
		exit(1);
	memset(p, 0, size);
	return p;
}

static void
start(uint32_t i, uint32_t connections, uint32_t rings, uint32_t ring_bytes)
{
	struct bx_link_config link = {
		.mac = { 2, 0, 0, 0, 0, (uint8_t)(i + 1) }, .mtu = 1500, .neighbours = 16, .waiting = 8, .seed = i,
	};
	struct bx_ip_config ip = {
		.routes = 8, .destinations = 64, .reassemblies = 1, .reassembly_bytes = 2048, .seed = i,
	};
	struct bx_transport_config transport = {
		.connections = connections, .half_open = 64, .time_waits = 4096, .listeners = 4, .udp_ends = 4,
		.rings = rings, .small_rings = 2 * connections, .ring_bytes = ring_bytes, .mtu = 1500,
		.features = BX_TCP_SACK | BX_TCP_WINDOW_SCALE | BX_TCP_CUBIC, .seed = { i, 7 },
	};
	struct host *h = &hosts[i];

	if (bbr)
		transport.features ^= BX_TCP_CUBIC | BX_TCP_BBR;
	if (offload)
		transport.features |= BX_TRANSPORT_SUM_LATER;
	ok(bx_link_init(block(bx_link_size(&link)), bx_link_size(&link), &link, &h->stack.link));
	ok(bx_ip_init(block(bx_ip_size(&ip)), bx_ip_size(&ip), &ip, &h->stack.ip));
	ok(bx_transport_init(block(bx_transport_size(&transport)), bx_transport_size(&transport), &transport,
	    &h->stack.transport));
	h->address = bx_net_ipv4(10, 0, 0, (uint8_t)(i + 1));
	h->out = &wires[i];
	bx_net_batch_init(&wires[i].room, wires[i].slots, sizeof wires[i].slots, wires[i].bufs, SLOTS, SLOT);
	ok(bx_ip_interface_set(h->stack.ip, 0, 1500));
	ok(bx_ip_address_add(h->stack.ip, 0, &h->address, 24));
	ok(bx_link_address_add(h->stack.link, now_us, &h->address, false));
}

/* What was put into the room is on the wire; at the end of the ring it goes on at its beginning. */
static inline void
sent(struct wire *w)
{
	uint32_t n = w->room.count;

	w->count += n;
	w->room.bufs += n;
	w->room.count = 0;
	w->room.capacity = (uint16_t)(w->room.capacity - n);
	if (w->room.used == sizeof w->slots) {
		w->room.bufs = w->bufs;
		w->room.used = 0;
		w->room.capacity = (uint16_t)w->head;
	}
}

/* The n frames that were sent first are taken. */
static inline void
taken(struct wire *w, uint32_t n)
{
	w->head = (w->head + n) % SLOTS;
	w->count -= n;
	if (w->count == 0)
		w->room.capacity = (uint16_t)(SLOTS - w->head);
}

static void
output(uint32_t i)
{
	struct wire *w = hosts[i].out;
	bool more = true;

	while (more && w->room.capacity != 0) {
		more = bx_stack_output(&hosts[i].stack, now_us, &w->room);
		sent(w);
	}
}

/* The n frames that were sent first, as a device gives them. */
static inline struct bx_net_batch
frames_of(struct wire *w, uint32_t n)
{
	for (uint32_t k = w->head; k < w->head + n; k++)
		w->bufs[k].flags = offload ? BX_NET_F_SUM_GOOD : 0;
	return (struct bx_net_batch){
		.memory = w->slots, .bufs = &w->bufs[w->head], .size = sizeof w->slots, .used = (w->head + n) * SLOT,
		.slot = SLOT, .capacity = (uint16_t)n, .count = (uint16_t)n,
	};
}

/* All frames of the other side's wire, as many at a time as lie together. */
static void
deliver(uint32_t i)
{
	struct wire *w = hosts[1 - i].out, *back = hosts[i].out;

	while (w->count != 0) {
		uint32_t n = w->head + w->count > SLOTS ? SLOTS - w->head : w->count;
		struct bx_net_batch in = frames_of(w, n);

		if (back->room.capacity == 0)
			exit(1);
		bx_stack_receive(&hosts[i].stack, now_us, &in, &back->room);
		sent(back);
		taken(w, n);
	}
}

static void
poll_timers(void)
{
	now_us += 1;
	if (++rounds % 64 != 0)
		return;
	for (uint32_t i = 0; i < 2; i++) {
		bx_stack_poll(&hosts[i].stack, now_us, &hosts[i].out->room);
		sent(hosts[i].out);
	}
}

static void
turn(void)
{
	output(0);
	deliver(1);
	output(1);
	deliver(0);
	poll_timers();
}

static uint64_t listener;

static void
open_pair(uint64_t *client, uint64_t *server)
{
	ok(bx_tcp_connect(hosts[0].stack.transport, now_us, &hosts[0].address, 0, &hosts[1].address, 80, 1500, client));
	for (uint32_t i = 0; i < 10; i++) {
		turn();
		if (bx_tcp_accept(hosts[1].stack.transport, listener, server) == BX_OK)
			return;
	}
	fprintf(stderr, "bench: no connection\n");
	exit(1);
}

static void
bulk(uint64_t segments)
{
	uint64_t client, server, total = segments * 1460, sent = 0, got = 0;
	size_t n;

	open_pair(&client, &server);
	while (got < total) {
		while (sent < total && bx_tcp_send(hosts[0].stack.transport, client, bytes, total - sent < sizeof bytes ?
		    (size_t)(total - sent) : sizeof bytes, &n) == BX_OK)
			sent += n;
		output(0);
		deliver(1);
		while (bx_tcp_receive(hosts[1].stack.transport, server, sink, sizeof sink, &n) == BX_OK)
			got += n;
		output(1);
		deliver(0);
		poll_timers();
	}
}

static void
one_rr(uint64_t client, uint64_t server, size_t size)
{
	size_t n = 0;

	ok(bx_tcp_send(hosts[0].stack.transport, client, bytes, size, &n));
	output(0);
	deliver(1);
	ok(bx_tcp_receive(hosts[1].stack.transport, server, sink, sizeof sink, &n));
	ok(bx_tcp_send(hosts[1].stack.transport, server, bytes, size, &n));
	output(1);
	deliver(0);
	ok(bx_tcp_receive(hosts[0].stack.transport, client, sink, sizeof sink, &n));
	poll_timers();
}

static void
rr(uint64_t count, size_t size, uint32_t connections)
{
	static uint64_t client[MANY], server[MANY];

	for (uint32_t i = 0; i < connections; i++) {
		open_pair(&client[i], &server[i]);
		ok(bx_tcp_option_set(hosts[0].stack.transport, now_us, client[i], BX_TCP_OPTION_NODELAY, 1));
		ok(bx_tcp_option_set(hosts[1].stack.transport, now_us, server[i], BX_TCP_OPTION_NODELAY, 1));
	}
	/* Once around: from then on every connection is as it will be. */
	for (uint32_t i = 0; i < connections; i++)
		one_rr(client[i], server[i], size);
	clock_begins();
	for (uint64_t i = 0; i < count; i++)
		one_rr(client[i % connections], server[i % connections], size);
}

/* `burst` connections at a time, each with a request, all of them answered in one turn. */
static void
rr_burst(uint64_t count, uint32_t burst, uint32_t connections)
{
	static uint64_t client[MANY], server[MANY];
	size_t n = 0;

	for (uint32_t i = 0; i < connections; i++) {
		open_pair(&client[i], &server[i]);
		one_rr(client[i], server[i], 1);
	}
	clock_begins();
	for (uint64_t i = 0; i < count; i += burst) {
		uint64_t *c = &client[i % connections], *s = &server[i % connections];

		for (uint32_t k = 0; k < burst; k++)
			ok(bx_tcp_send(hosts[0].stack.transport, c[k], bytes, 1, &n));
		output(0);
		deliver(1);
		for (uint32_t k = 0; k < burst; k++) {
			ok(bx_tcp_receive(hosts[1].stack.transport, s[k], sink, sizeof sink, &n));
			ok(bx_tcp_send(hosts[1].stack.transport, s[k], bytes, 1, &n));
		}
		output(1);
		deliver(0);
		for (uint32_t k = 0; k < burst; k++)
			ok(bx_tcp_receive(hosts[0].stack.transport, c[k], sink, sizeof sink, &n));
		poll_timers();
	}
}

/*
 * What a stack would lose that touches of each connection no more than it has to: the exchange of one connection, which is
 * in the cache, and beside it of each of many, on both sides, the lines of its state, its place in the hash and the two of
 * the ring that holds the answer until it is acknowledged.
 */
static void
rr_floor(uint64_t count, uint32_t connections)
{
	enum { STATE = 4 * 64, RING = 2 * 64, PLACE = 64 };
	uint8_t *states[2], *rings = block((size_t)connections * RING), *places = block((size_t)connections * PLACE);
	uint64_t client, server;

	for (uint32_t i = 0; i < 2; i++)
		states[i] = block((size_t)connections * STATE);
	open_pair(&client, &server);
	clock_begins();
	for (uint64_t i = 0; i < count; i++) {
		size_t at = i % connections;

		for (uint32_t k = 0; k < STATE; k += 64) {
			states[0][at * STATE + k]++;
			/* Its place in the hash leads to it. */
			states[1][(at + places[at * PLACE]) * STATE + k]++;
		}
		for (uint32_t k = 0; k < RING; k += 64)
			rings[(at + places[at * PLACE]) * RING + k]++;
		one_rr(client, server, 1);
	}
}

static void
open_close(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		uint64_t client, server;

		open_pair(&client, &server);
		ok(bx_tcp_close(hosts[0].stack.transport, now_us, client));
		turn();
		ok(bx_tcp_close(hosts[1].stack.transport, now_us, server));
		turn();
		if (bx_transport_usage(hosts[1].stack.transport).connections != 0)
			turn();
	}
}

static void
udp(uint64_t count, uint32_t size)
{
	struct wire *w = hosts[0].out;
	struct bx_udp_from from;
	uint64_t a, b;
	uint16_t port;
	uint32_t n;

	ok(bx_udp_open(hosts[0].stack.transport, &any, 0, &a, &port));
	ok(bx_udp_open(hosts[1].stack.transport, &any, 53, &b, &port));
	for (uint64_t i = 0; i < count; i += 32) {
		uint32_t given = 0, got = 0;

		while (given < 32) {
			if (w->room.capacity == 0)
				exit(1);
			while (given < 32 && bx_udp_send(hosts[0].stack.transport, a, &hosts[0].address,
			    &hosts[1].address, 53, bytes, size, &w->room) == BX_OK)
				given++;
			bx_stack_down(&hosts[0].stack, now_us, &w->room);
			sent(w);
		}
		deliver(1);
		while (bx_udp_receive(hosts[1].stack.transport, b, sink, sizeof sink, &n, &from) == BX_OK)
			got++;
		/* The first burst waits for an answer to ARP, and part of it gives way. */
		if (got < 32 && i != 0)
			exit(1);
		deliver(0);
		poll_timers();
	}
}

/* The same frame again and again, as host 1 would get it; its answer is thrown away. */
static void
answer(uint64_t count, const uint8_t *frame, uint32_t length)
{
	struct wire *w = hosts[0].out;

	for (uint64_t i = 0; i < count; i++) {
		struct bx_net_buf *buf = bx_net_batch_add(&w->room, length);

		memcpy(bx_net_bytes(&w->room, buf), frame, length);
		buf->kind = BX_NET_FRAME;
		sent(w);
		deliver(1);
		if (hosts[1].out->count != 1)
			exit(1);
		taken(hosts[1].out, 1);
		now_us += 1;
	}
}

static void
icmp(uint64_t count)
{
	uint8_t f[98] = {
		2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0,
		0x45, 0, 0, 84, 0, 1, 0, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 8, 0, 0, 0, 0, 1, 0, 1,
	};

	bx_put_be16(f + 24, bx_net_sum_final(bx_net_sum(f + 14, 20, 0)));
	bx_put_be16(f + 36, bx_net_sum_final(bx_net_sum(f + 34, 64, 0)));
	answer(count, f, sizeof f);
}

static void
arp(uint64_t count)
{
	static const uint8_t f[42] = {
		255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6,
		0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2,
	};

	answer(count, f, sizeof f);
}

static void
run(const char *row, uint64_t count)
{
	uint32_t many = strstr(row, "_10000conn") != NULL ? MANY : strstr(row, "_1000conn") != NULL ? 1000 : 64;
	uint32_t ring = strcmp(row, "bulk_256k") == 0 ? 262144 : 65536;

	offload = strcmp(row, "bulk_offload") == 0;
	bbr = strstr(row, "_bbr") != NULL;
	/* With many connections each keeps a ring until its last byte is acknowledged. */
	for (uint32_t i = 0; i < 2; i++)
		start(i, many, many > 64 ? 2 * many : 64, many > 64 ? 4096 : ring);
	ok(bx_tcp_listen(hosts[1].stack.transport, &any, 80, 64, &listener));
	for (uint32_t i = 0; i < 130; i++)
		turn();
	/* Both know one another. */
	udp(32, 1);
	clock_begins();
	if (strncmp(row, "bulk_", 5) == 0)
		bulk(count);
	else if (strcmp(row, "rr1") == 0 || strcmp(row, "rr1_bbr") == 0)
		rr(count, 1, 1);
	else if (strcmp(row, "rr128") == 0)
		rr(count, 128, 1);
	else if (strncmp(row, "rr1_floor", 9) == 0)
		rr_floor(count, MANY);
	else if (strncmp(row, "rr1_burst", 9) == 0)
		rr_burst(count, BURST, strstr(row, "conn") != NULL ? many : BURST);
	else if (strncmp(row, "rr1_", 4) == 0)
		rr(count, 1, many);
	else if (strcmp(row, "open_close") == 0)
		open_close(count);
	else if (strcmp(row, "icmp56") == 0)
		icmp(count);
	else if (strcmp(row, "arp") == 0)
		arp(count);
	else
		exit(2);
}

int
main(int argc, char **argv)
{
	struct timespec end;
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;

	if (argc > 1 && strcmp(argv[1], "bytes") == 0) {
		printf("idle_connection %u\nhalf_open %u\ntime_wait %u\n", bx_tcp_connection_bytes(),
		    bx_tcp_half_open_bytes(), bx_tcp_time_wait_bytes());
		return 0;
	}
	if (argc != 3)
		return 2;
	if (strncmp(argv[1], "udp", 3) == 0) {
		for (uint32_t i = 0; i < 2; i++)
			start(i, 16, 16, 65536);
		clock_begins();
		udp(count, (uint32_t)strtoul(argv[1] + 3, NULL, 10));
	} else {
		run(argv[1], count);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	printf("%s %llu %.6f\n", argv[1], (unsigned long long)count,
	    (double)(end.tv_sec - begun.tv_sec) + (double)(end.tv_nsec - begun.tv_nsec) / 1e9);
	return 0;
}
