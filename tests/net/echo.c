/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* echo.c -- two TCP/IP stacks in one process, and an echo between them: cc echo.c $(pkg-config --cflags --libs brainix-netstack) */
#include <brainix/net_stack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Alignas(64) uint8_t memory[2][3][1 << 21], bytes[2][1 << 17];
static struct bx_net_buf bufs[2][64];
static struct bx_net_batch wire[2];	/* what each of the two has sent */
static struct bx_stack host[2];

void
bx_panic(const char *where, const char *what)
{
	fprintf(stderr, "%s: %s\n", where, what);
	abort();
}

static void
must(enum bx_err err)
{
	if (err != BX_OK)
		bx_panic("echo", bx_err_text(err));
}

static void
start(int i)
{
	struct bx_link_config link = { .mac = { 2, 0, 0, 0, 0, (uint8_t)(i + 1) }, .mtu = 1500, .neighbours = 4, .waiting = 4 };
	struct bx_ip_config ip = { .routes = 4, .destinations = 4, .reassembly_bytes = 576 };
	struct bx_transport_config tcp = { .connections = 4, .half_open = 2, .time_waits = 2, .listeners = 1, .rings = 8,
	    .ring_bytes = 65536, .mtu = 1500, .features = BX_TCP_SACK, .seed = { (uint64_t)i, 7 } };
	struct bx_net_addr own = bx_net_ipv4(10, 0, 0, (uint8_t)(i + 1));

	must(bx_link_init(memory[i][0], sizeof memory[i][0], &link, &host[i].link));
	must(bx_ip_init(memory[i][1], sizeof memory[i][1], &ip, &host[i].ip));
	must(bx_transport_init(memory[i][2], sizeof memory[i][2], &tcp, &host[i].transport));
	must(bx_link_address_add(host[i].link, 0, &own, false));
	must(bx_ip_interface_set(host[i].ip, 0, 1500));
	must(bx_ip_address_add(host[i].ip, 0, &own, 24));
	bx_net_batch_init(&wire[i], bytes[i], sizeof bytes[i], bufs[i], 64, 2048);
}

int
main(void)
{
	struct bx_net_addr any = { { 0 } }, a = bx_net_ipv4(10, 0, 0, 1), b = bx_net_ipv4(10, 0, 0, 2);
	uint64_t now = 1000000, listener, client, server = 0;
	uint8_t back[64], question[] = "a line that comes back";
	size_t n = 0;

	start(0), start(1);
	must(bx_tcp_listen(host[1].transport, &any, 7, 1, &listener));
	must(bx_tcp_connect(host[0].transport, now, &a, 0, &b, 7, 1500, &client));
	must(bx_tcp_send(host[0].transport, client, question, sizeof question, &n));
	for (int turn = 0; bx_tcp_receive(host[0].transport, client, back, sizeof back, &n) != BX_OK && turn < 100; turn++) {
		for (int i = 0; i < 2; i++, now += 1000) {
			bx_stack_receive(&host[i], now, &wire[1 - i], &wire[i]);
			bx_net_batch_clear(&wire[1 - i]);
			bx_stack_poll(&host[i], now, &wire[i]);
			bx_stack_output(&host[i], now, &wire[i]);
		}
		(void)!bx_tcp_accept(host[1].transport, listener, &server);	/* once it is there */
		if (server != 0 && bx_tcp_receive(host[1].transport, server, back, sizeof back, &n) == BX_OK)
			must(bx_tcp_send(host[1].transport, server, back, n, &n));
	}
	return n == sizeof question && memcmp(back, question, n) == 0 && puts((char *)back) != EOF ? 0 : 1;
}
