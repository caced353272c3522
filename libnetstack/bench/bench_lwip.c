/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * bench_lwip.c -- the rows of bench_net.c with lwIP (Debian: liblwip-dev), raw interface, over the same wire.
 *
 *   bench_lwip LIBRARY ROW COUNT
 *
 * Sending copies a frame into a slot, as its drivers do.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "lwip_copy.h"

#define SLOTS	256u
#define SLOT	2048u
#define MANY	1000u
/* What an element of PBUF_POOL, which is for received frames, holds in Debian's library.  pbuf_alloc takes it for 1,516
 * bytes, and what is longer than this destroys what lies behind: longer frames come as PBUF_RAM. */
#define POOL_ELEMENT	592u

struct wire {
	uint8_t slots[SLOTS][SLOT];
	uint32_t length[SLOTS];
	uint32_t head, count;
};

struct stack {
	struct lwip api;
	struct netif netif;
	struct wire *out;
};

struct end {
	struct stack *stack;
	struct tcp_pcb *pcb;
	uint64_t got;
	bool closed;
};

static struct wire wires[2];
static struct stack stacks[2];
static uint64_t rounds;
static uint8_t bytes[65536], sink[65536];
static struct timespec begun;
static struct end *accepted;
static uint64_t udp_got;

static err_t
link_output(struct netif *netif, struct pbuf *p)
{
	struct stack *s = netif->state;
	struct wire *w = s->out;
	uint32_t tail = (w->head + w->count) % SLOTS, at = 0;

	if (w->count == SLOTS)
		return ERR_BUF;
	for (uint32_t left = p->tot_len; left != 0; left -= p->len, p = p->next) {
		if (at + p->len > SLOT)
			exit(1);
		memcpy(w->slots[tail] + at, p->payload, p->len);
		at += p->len;
		if (left == p->len)
			break;
	}
	w->length[tail] = at;
	w->count++;
	return ERR_OK;
}

static err_t
netif_start(struct netif *netif)
{
	struct stack *s = netif->state;

	netif->output = s->api.etharp_output;
	netif->linkoutput = link_output;
	netif->mtu = 1500;
	netif->hwaddr_len = 6;
	netif->hwaddr[0] = 2;
	netif->hwaddr[5] = (uint8_t)(s == &stacks[0] ? 1 : 2);
	netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
	return ERR_OK;
}

static ip_addr_t
address(uint32_t i)
{
	ip_addr_t a;

	memset(&a, 0, sizeof a);
	IP_ADDR4(&a, 10, 0, 0, (uint8_t)(i + 1));
	return a;
}

static void
start(uint32_t i, const char *library)
{
	struct stack *s = &stacks[i];
	ip4_addr_t a, mask, gateway = { 0 };

	s->out = &wires[i];
	lwip_load(&s->api, library, RTLD_DEEPBIND);
	s->api.lwip_init();
	IP4_ADDR(&a, 10, 0, 0, (uint8_t)(i + 1));
	IP4_ADDR(&mask, 255, 255, 255, 0);
	if (s->api.netif_add(&s->netif, &a, &mask, &gateway, s, netif_start, s->api.ethernet_input) == NULL)
		exit(1);
	s->api.netif_set_default(&s->netif);
	s->api.netif_set_up(&s->netif);
	s->api.netif_set_link_up(&s->netif);
}

static void
deliver(uint32_t i)
{
	struct wire *w = stacks[1 - i].out;
	struct stack *s = &stacks[i];

	while (w->count != 0) {
		uint16_t length = (uint16_t)w->length[w->head];
		struct pbuf *p = s->api.pbuf_alloc(PBUF_RAW, length, length <= POOL_ELEMENT ? PBUF_POOL : PBUF_RAM);

		if (p == NULL)
			exit(1);
		s->api.pbuf_take(p, w->slots[w->head], length);
		w->head = (w->head + 1) % SLOTS;
		w->count--;
		if (s->api.ethernet_input(p, &s->netif) != ERR_OK)
			s->api.pbuf_free(p);
	}
}

static void
poll_timers(void)
{
	if (++rounds % 64 == 0) {
		stacks[0].api.sys_check_timeouts();
		stacks[1].api.sys_check_timeouts();
	}
}

static void
turn(void)
{
	deliver(1);
	deliver(0);
	poll_timers();
}

static err_t
received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct end *e = arg;

	(void)err;
	if (p == NULL) {
		e->closed = true;
		return ERR_OK;
	}
	e->stack->api.pbuf_copy_partial(p, sink, p->tot_len, 0);
	e->got += p->tot_len;
	e->stack->api.tcp_recved(pcb, p->tot_len);
	e->stack->api.pbuf_free(p);
	return ERR_OK;
}

static err_t
accepts(void *arg, struct tcp_pcb *pcb, err_t err)
{
	(void)arg;
	(void)err;
	accepted->pcb = pcb;
	accepted->stack = &stacks[1];
	accepted->closed = false;
	accepted->got = 0;
	stacks[1].api.tcp_arg(pcb, accepted);
	stacks[1].api.tcp_recv(pcb, received);
	tcp_nagle_disable(pcb);
	return ERR_OK;
}

static err_t
connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
	(void)arg;
	(void)pcb;
	(void)err;
	return ERR_OK;
}

static void
open_pair(struct end *client, struct end *server)
{
	ip_addr_t to = address(1);

	accepted = server;
	server->pcb = NULL;
	*client = (struct end){ .stack = &stacks[0], .pcb = stacks[0].api.tcp_new() };
	stacks[0].api.tcp_arg(client->pcb, client);
	stacks[0].api.tcp_recv(client->pcb, received);
	tcp_nagle_disable(client->pcb);
	if (stacks[0].api.tcp_connect(client->pcb, &to, 80, connected) != ERR_OK)
		exit(1);
	for (uint32_t i = 0; i < 10 && server->pcb == NULL; i++)
		turn();
	if (server->pcb == NULL)
		exit(1);
	turn();
}

static void
write_all(struct end *e, uint32_t size)
{
	if (e->stack->api.tcp_write(e->pcb, bytes, (uint16_t)size, TCP_WRITE_FLAG_COPY) != ERR_OK)
		exit(1);
	e->stack->api.tcp_output(e->pcb);
}

static void
bulk(uint64_t segments)
{
	static struct end client, server;
	uint64_t total = segments * 1460, sent = 0;

	open_pair(&client, &server);
	while (server.got < total) {
		while (sent < total && tcp_sndbuf(client.pcb) >= 1460 && tcp_sndqueuelen(client.pcb) < 64 &&
		    stacks[0].api.tcp_write(client.pcb, bytes, 1460, TCP_WRITE_FLAG_COPY) == ERR_OK)
			sent += 1460;
		stacks[0].api.tcp_output(client.pcb);
		deliver(1);
		stacks[1].api.tcp_output(server.pcb);
		deliver(0);
		poll_timers();
	}
}

static void
rr(uint64_t count, uint32_t size, uint32_t connections)
{
	static struct end client[MANY], server[MANY];

	for (uint32_t i = 0; i < connections; i++)
		open_pair(&client[i], &server[i]);
	for (uint64_t i = 0; i < connections + count; i++) {
		struct end *c = &client[i % connections], *s = &server[i % connections];

		/* Once around first, as bench_net does it. */
		if (i == connections)
			clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begun);
		write_all(c, size);
		deliver(1);
		write_all(s, size);
		deliver(0);
		poll_timers();
	}
}

static void
open_close(uint64_t count)
{
	static struct end client, server;

	for (uint64_t i = 0; i < count; i++) {
		open_pair(&client, &server);
		stacks[0].api.tcp_close(client.pcb);
		turn();
		stacks[1].api.tcp_close(server.pcb);
		turn();
		turn();
		/* It has no bound on these, and searches them one by one. */
		while (*stacks[0].api.tcp_tw_pcbs != NULL)
			stacks[0].api.tcp_abort(*stacks[0].api.tcp_tw_pcbs);
	}
}

static void
udp_received(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from, uint16_t port)
{
	(void)arg;
	(void)pcb;
	(void)from;
	(void)port;
	stacks[1].api.pbuf_copy_partial(p, sink, p->tot_len, 0);
	stacks[1].api.pbuf_free(p);
	udp_got++;
}

static void
udp(uint64_t count, uint32_t size)
{
	struct udp_pcb *a = stacks[0].api.udp_new(), *b = stacks[1].api.udp_new();
	ip_addr_t to = address(1), any = address(1);

	stacks[1].api.udp_bind(b, &any, 53);
	stacks[1].api.udp_recv(b, udp_received, NULL);
	for (uint64_t i = 0; i < count; i += 32) {
		for (uint32_t k = 0; k < 32; k++) {
			struct pbuf *p = stacks[0].api.pbuf_alloc(PBUF_TRANSPORT, (uint16_t)size, PBUF_RAM);

			stacks[0].api.pbuf_take(p, bytes, (uint16_t)size);
			stacks[0].api.udp_sendto(a, p, &to, 53);
			stacks[0].api.pbuf_free(p);
		}
		deliver(1);
		deliver(0);
		poll_timers();
	}
	if (udp_got < count - 64)
		exit(1);
}

/* The same frame again and again, as host 1 would get it; its answer is thrown away. */
static void
answer(uint64_t count, const uint8_t *frame, uint32_t length)
{
	struct wire *w = &wires[0];

	for (uint64_t i = 0; i < count; i++) {
		uint32_t tail = (w->head + w->count) % SLOTS;

		memcpy(w->slots[tail], frame, length);
		w->length[tail] = length;
		w->count++;
		deliver(1);
		if (wires[1].count != 1)
			exit(1);
		wires[1].count = 0;
		wires[1].head = (wires[1].head + 1) % SLOTS;
	}
}

static uint16_t
sum(const uint8_t *p, uint32_t n)
{
	uint32_t s = 0;

	for (uint32_t i = 0; i < n; i += 2)
		s += 256u * p[i] + p[i + 1];
	s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~(s + (s >> 16));
}

static void
run(const char *row, uint64_t count)
{
	static uint8_t ping[98] = {
		2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0,
		0x45, 0, 0, 84, 0, 1, 0, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 8, 0, 0, 0, 0, 1, 0, 1,
	};
	static const uint8_t who[42] = {
		255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6,
		0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2,
	};
	struct tcp_pcb *listener = stacks[1].api.tcp_new();
	ip_addr_t any = address(1);
	uint16_t s;

	if (stacks[1].api.tcp_bind(listener, &any, 80) != ERR_OK)
		exit(1);
	listener = stacks[1].api.tcp_listen_with_backlog(listener, 64);
	stacks[1].api.tcp_accept(listener, accepts);
	if (strcmp(row, "bulk_segment") == 0) {
		bulk(count);
	} else if (strcmp(row, "rr1") == 0) {
		rr(count, 1, 1);
	} else if (strcmp(row, "rr128") == 0) {
		rr(count, 128, 1);
	} else if (strcmp(row, "rr1_1000conn") == 0) {
		rr(count, 1, 1000);
	} else if (strcmp(row, "open_close") == 0) {
		open_close(count);
	} else if (strncmp(row, "udp", 3) == 0) {
		udp(count, (uint32_t)strtoul(row + 3, NULL, 10));
	} else if (strcmp(row, "icmp56") == 0) {
		s = sum(ping + 14, 20);
		ping[24] = (uint8_t)(s >> 8);
		ping[25] = (uint8_t)s;
		s = sum(ping + 34, 64);
		ping[36] = (uint8_t)(s >> 8);
		ping[37] = (uint8_t)s;
		/* It learns who asks. */
		answer(1, who, sizeof who);
		answer(count, ping, sizeof ping);
	} else if (strcmp(row, "arp") == 0) {
		answer(count, who, sizeof who);
	} else {
		exit(2);
	}
}

int
main(int argc, char **argv)
{
	struct timespec end;

	if (argc != 4)
		return 2;
	for (uint32_t i = 0; i < 2; i++)
		start(i, argv[1]);
	wires[0].count = wires[1].count = 0;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begun);
	run(argv[2], strtoull(argv[3], NULL, 0));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	printf("%s %s %.6f\n", argv[2], argv[3],
	    (double)(end.tv_sec - begun.tv_sec) + (double)(end.tv_nsec - begun.tv_nsec) / 1e9);
	return 0;
}
