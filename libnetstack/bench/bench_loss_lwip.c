/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * bench_loss_lwip.c -- the loss grid of bench_loss.c with lwIP (Debian: liblwip-dev): the same wire, the same seeds.
 *
 *   bench_loss_lwip LIBRARY       prints: loss_PERCENT KB_PER_SECOND
 *
 * It runs in virtual time: the library asks sys_now for the time, and finds that of this program first, which is therefore linked
 * with its symbols exported.  Its window is 64 KiB by the way it was built; the receiver keeps so much of it back that BUFFER are
 * left, and the sender has no more than BUFFER unacknowledged.
 */
#define _GNU_SOURCE
#include <stdbool.h>

#include "loss.h"
#include "lwip_copy.h"
#include "../tests/wire.h"

#define HEADROOM	1000000u	/* for the handshake, before frames are lost */

static struct host {
	struct lwip api;
	struct netif netif;
	uint32_t number;
} hosts[2];

static struct wire wire;
static uint64_t now_us, got, kept_back, written, acknowledged;
static struct tcp_pcb *client, *server, *listener;
static const uint8_t bytes[TCP_MSS];

u32_t
sys_now(void)
{
	return (u32_t)(now_us / 1000);
}

static err_t
link_output(struct netif *netif, struct pbuf *p)
{
	const struct host *h = netif->state;
	uint8_t frame[WIRE_FRAME];
	uint16_t length = p->tot_len;

	if (length > sizeof frame || h->api.pbuf_copy_partial(p, frame, length, 0) != length)
		exit(1);
	wire_send(&wire, now_us, h->number, frame, length);
	return ERR_OK;
}

static err_t
netif_start(struct netif *netif)
{
	const struct host *h = netif->state;

	netif->output = h->api.etharp_output;
	netif->linkoutput = link_output;
	netif->mtu = 1500;
	netif->hwaddr_len = 6;
	netif->hwaddr[0] = 2;
	netif->hwaddr[5] = (uint8_t)(h->number + 1);
	netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
	return ERR_OK;
}

static void
start(uint32_t i, const char *library)
{
	struct host *h = &hosts[i];
	ip4_addr_t a, mask, gateway = { 0 };

	h->number = i;
	lwip_load(&h->api, library, 0);
	h->api.lwip_init();
	IP4_ADDR(&a, 10, 0, 0, (uint8_t)(i + 1));
	IP4_ADDR(&mask, 255, 255, 255, 0);
	if (h->api.netif_add(&h->netif, &a, &mask, &gateway, h, netif_start, h->api.ethernet_input) == NULL)
		exit(1);
	h->api.netif_set_default(&h->netif);
	h->api.netif_set_up(&h->netif);
	h->api.netif_set_link_up(&h->netif);
}

static err_t
received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	uint32_t give;

	(void)arg;
	(void)err;
	if (p == NULL)
		return ERR_OK;
	got += p->tot_len;
	give = p->tot_len;
	if (kept_back < TCP_WND - BUFFER) {
		uint32_t keep = TCP_WND - BUFFER - (uint32_t)kept_back;

		keep = keep < give ? keep : give;
		kept_back += keep;
		give -= keep;
	}
	if (give != 0)
		hosts[1].api.tcp_recved(pcb, (uint16_t)give);
	hosts[1].api.pbuf_free(p);
	return ERR_OK;
}

static err_t
accepted(void *arg, struct tcp_pcb *pcb, err_t err)
{
	(void)arg;
	(void)err;
	server = pcb;
	hosts[1].api.tcp_recv(pcb, received);
	return ERR_OK;
}

static err_t
sent(void *arg, struct tcp_pcb *pcb, uint16_t length)
{
	(void)arg;
	(void)pcb;
	acknowledged += length;
	return ERR_OK;
}

static err_t
connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
	(void)arg;
	(void)pcb;
	return err;
}

static void
gone(void *arg, err_t err)
{
	(void)err;
	*(struct tcp_pcb **)arg = NULL;
}

static void
send_some(void)
{
	while (client != NULL && written - acknowledged + TCP_MSS <= BUFFER &&
	    hosts[0].api.tcp_write(client, bytes, TCP_MSS, TCP_WRITE_FLAG_COPY) == ERR_OK)
		written += TCP_MSS;
	if (client != NULL)
		hosts[0].api.tcp_output(client);
}

static void
deliver(void)
{
	static struct flying f;
	struct host *h;
	struct pbuf *p;

	wire_take(&wire, &f);
	now_us = f.at_us;
	h = &hosts[f.to];
	p = h->api.pbuf_alloc(PBUF_RAW, (uint16_t)f.length, PBUF_RAM);
	if (p == NULL || h->api.pbuf_take(p, f.bytes, (uint16_t)f.length) != ERR_OK)
		exit(1);
	if (h->api.ethernet_input(p, &h->netif) != ERR_OK)
		h->api.pbuf_free(p);
}

/* When a timer of either is due; rounded up, since they count milliseconds. */
static uint64_t
timers_due(void)
{
	uint64_t at = UINT64_MAX;

	for (uint32_t i = 0; i < 2; i++) {
		uint32_t ms = hosts[i].api.sys_timeouts_sleeptime();
		uint64_t due = ms == UINT32_MAX ? UINT64_MAX : (now_us / 1000 + ms) * 1000;

		due = due < now_us ? now_us : due;
		at = due < at ? due : at;
	}
	return at;
}

static void
step(uint64_t until_us)
{
	uint64_t timers = timers_due(), frame = wire_next(&wire);

	if (frame <= timers && frame <= until_us) {
		deliver();
	} else if (timers <= until_us) {
		now_us = timers;
		hosts[0].api.sys_check_timeouts();
		hosts[1].api.sys_check_timeouts();
	} else {
		now_us = until_us;
	}
}

static double
run(uint64_t seed, uint32_t lose)
{
	uint64_t end;
	ip_addr_t to;

	memset(&to, 0, sizeof to);
	IP_ADDR4(&to, 10, 0, 0, 2);
	wire_init(&wire, seed);
	wire.delay_us = WAY_US;
	got = kept_back = written = acknowledged = 0;
	client = hosts[0].api.tcp_new();
	server = NULL;
	hosts[0].api.tcp_arg(client, &client);
	hosts[0].api.tcp_err(client, gone);
	hosts[0].api.tcp_sent(client, sent);
	if (hosts[0].api.tcp_connect(client, &to, 80, connected) != ERR_OK)
		exit(1);
	for (end = now_us + HEADROOM; now_us < end;)
		step(end);
	if (server == NULL)
		exit(1);
	hosts[1].api.tcp_arg(server, &server);
	hosts[1].api.tcp_err(server, gone);
	wire.lose = lose;
	for (end = now_us + RUN_US; now_us < end;) {
		send_some();
		step(end);
	}
	if (client == NULL || server == NULL)
		fprintf(stderr, "a connection was given up\n");
	if (client != NULL)
		hosts[0].api.tcp_abort(client);
	if (server != NULL)
		hosts[1].api.tcp_abort(server);
	wire_free(&wire);
	return (double)got / ((double)RUN_US / 1e6) / 1e3;
}

int
main(int argc, char **argv)
{
	ip_addr_t any;

	if (argc != 2)
		return 2;
	now_us = 1000000;
	for (uint32_t i = 0; i < 2; i++)
		start(i, argv[1]);
	memset(&any, 0, sizeof any);
	IP_ADDR4(&any, 10, 0, 0, 2);
	listener = hosts[1].api.tcp_new();
	if (hosts[1].api.tcp_bind(listener, &any, 80) != ERR_OK)
		return 1;
	listener = hosts[1].api.tcp_listen_with_backlog(listener, 4);
	hosts[1].api.tcp_accept(listener, accepted);
	for (uint32_t i = 0; i < sizeof loss_rows / sizeof *loss_rows; i++) {
		double sum = 0;

		for (uint64_t seed = 1; seed <= SEEDS; seed++)
			sum += run(seed, loss_rows[i].lose);
		printf("loss_%s %.0f\n", loss_rows[i].name, sum / SEEDS);
		fflush(stdout);
	}
	return 0;
}
