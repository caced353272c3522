/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz_batch.c -- fuzz target: a hostile neighbour stage.  The input is a packed batch; what bx_net_batch_unpack
 * accepts is given to each stage from below and from above, and packed again.
 */
#include "fuzz.h"

#include <brainix/net_stack.h>

static _Alignas(64) uint8_t link_block[65536], ip_block[262144], transport_block[1 << 20];
static uint8_t in_bytes[65536], out_bytes[65536], packed[131072];
static struct bx_net_buf in_bufs[16], out_bufs[32];
static struct bx_stack stack;
static struct prepared prepared;

static void
start(struct bx_stack *s, struct prepared *p)
{
	struct bx_link_config link = {
		.mac = { 2, 0, 0, 0, 0, 1 }, .mtu = 1500, .neighbours = 4, .waiting = 2, .seed = 1,
	};
	struct bx_ip_config ip = {
		.routes = 4, .destinations = 4, .reassemblies = 2, .reassembly_bytes = 4096, .seed = 1,
	};
	struct bx_transport_config transport = {
		.connections = 4, .half_open = 2, .time_waits = 2, .listeners = 1, .udp_ends = 1, .rings = 6,
		.ring_bytes = 4096, .mtu = 1500, .features = 0x1f, .seed = { 1, 2 },
	};
	struct bx_net_addr me = bx_net_ipv4(10, 0, 0, 1), any = { { 0 } };
	uint64_t handle;
	uint16_t port;

	must(bx_link_init(link_block, sizeof link_block, &link, &s->link) == BX_OK);
	must(bx_ip_init(ip_block, sizeof ip_block, &ip, &s->ip) == BX_OK);
	must(bx_transport_init(transport_block, sizeof transport_block, &transport, &s->transport) == BX_OK);
	must(bx_link_address_add(s->link, 0, &me, false) == BX_OK);
	must(bx_ip_interface_set(s->ip, 0, 1500) == BX_OK);
	must(bx_ip_address_add(s->ip, 0, &me, 24) == BX_OK);
	must(bx_tcp_listen(s->transport, &any, 80, 2, &handle) == BX_OK);
	must(bx_udp_open(s->transport, &any, 53, &handle, &port) == BX_OK);
	prepared_add(p, link_block, bx_link_size(&link));
	prepared_add(p, ip_block, bx_ip_size(&ip));
	prepared_add(p, transport_block, bx_transport_size(&transport));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bx_stack *s = &stack;
	struct bx_net_batch in, out;
	uint32_t length;
	uint8_t which = size != 0 ? data[0] : 0;

	if (size < 2 || size > sizeof in_bytes)
		return 0;
	bx_net_batch_init(&in, in_bytes, sizeof in_bytes, in_bufs, 16, 0);
	bx_net_batch_init(&out, out_bytes, sizeof out_bytes, out_bufs, 32, 0);
	if (bx_net_batch_unpack(&in, data + 1, (uint32_t)size - 1) != BX_OK) {
		must(in.count == 0);
		return 0;
	}
	if (prepared.made)
		prepared_restore(&prepared);
	else
		start(s, &prepared);
	switch (which % 5) {
	case 0: bx_link_receive(s->link, 1, &in, &out); break;
	case 1: bx_ip_receive(s->ip, 1, &in, &out); break;
	case 2: bx_transport_receive(s->transport, 1, &in, &out); break;
	case 3: (void)bx_ip_send(s->ip, 1, &in, &out); break;
	case 4: bx_link_send(s->link, 1, &in, &out); break;
	}
	must(bx_net_batch_check(&in) == BX_OK && bx_net_batch_check(&out) == BX_OK);
	must(bx_net_batch_pack(&in, packed, sizeof packed, &length) == BX_OK);
	must(bx_net_batch_pack(&out, packed, sizeof packed, &length) == BX_OK);
	return 0;
}
